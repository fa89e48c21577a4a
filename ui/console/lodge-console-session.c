/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console session. */
#include "console/lodge-console-session.h"

struct _LodgeConsoleSession {
  GObject parent_instance;
  LodgeFrameSource *source;
};

enum { PROP_0, PROP_CONNECTED, PROP_POINTER_ABSOLUTE, PROP_CAN_RESIZE, PROP_LEDS, N_PROPS };
static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (LodgeConsoleSession, lodge_console_session, G_TYPE_OBJECT)

static void
lodge_console_session_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_LEDS)
    g_value_set_uint (value, 0);
  else
    g_value_set_boolean (value, FALSE);
}

static void
lodge_console_session_class_init (LodgeConsoleSessionClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  G_OBJECT_CLASS (klass)->get_property = lodge_console_session_get_property;
  properties[PROP_CONNECTED] = g_param_spec_boolean ("connected", NULL, NULL, FALSE, flags);
  properties[PROP_POINTER_ABSOLUTE] =
      g_param_spec_boolean ("pointer-absolute", NULL, NULL, FALSE, flags);
  properties[PROP_CAN_RESIZE] = g_param_spec_boolean ("can-resize", NULL, NULL, FALSE, flags);
  properties[PROP_LEDS] = g_param_spec_uint ("leds", NULL, NULL, 0, 7, 0, flags);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPS, properties);
  g_signal_new ("disconnected", LODGE_TYPE_CONSOLE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
lodge_console_session_init (LodgeConsoleSession *self)
{
}

LodgeConsoleSession *
lodge_console_session_new (const char *socket_path)
{
  return g_object_new (LODGE_TYPE_CONSOLE_SESSION, NULL);
}

LodgeConsoleSession *
lodge_console_session_new_for_open (LodgeConsoleOpen open_channel, gpointer user_data)
{
  return g_object_new (LODGE_TYPE_CONSOLE_SESSION, NULL);
}

void
lodge_console_session_open (LodgeConsoleSession *self)
{
}

void
lodge_console_session_close (LodgeConsoleSession *self)
{
}

LodgeFrameSource *
lodge_console_session_get_source (LodgeConsoleSession *self)
{
  return self->source;
}

void
lodge_console_session_key (LodgeConsoleSession *self, guint evdev, gboolean pressed)
{
}

void
lodge_console_session_release_all (LodgeConsoleSession *self)
{
}

void
lodge_console_session_sync_locks (LodgeConsoleSession *self, guint leds)
{
}

void
lodge_console_session_position (LodgeConsoleSession *self, int x, int y)
{
}

void
lodge_console_session_motion (LodgeConsoleSession *self, int dx, int dy)
{
}

void
lodge_console_session_button (LodgeConsoleSession *self, LodgeButton button, gboolean pressed)
{
}

void
lodge_console_session_wheel (LodgeConsoleSession *self, int notches)
{
}

void
lodge_console_session_resize (LodgeConsoleSession *self, int width, int height)
{
}
