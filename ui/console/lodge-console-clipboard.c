/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's side of a shared clipboard.
 *
 * The messages are those of spice-protocol, spice/vd_agent.h: GRAB says what a side has, REQUEST
 * asks it for one type, CLIPBOARD answers, RELEASE says that it has nothing any more. How each way
 * goes is in lodge-console-clipboard-from-guest.c and lodge-console-clipboard-to-guest.c; here is
 * what both have: the types, the agent, and which ways are open.
 */
#include "console/lodge-console-clipboard-private.h"
#include "console/lodge-console-session-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define TIME_LIMIT_MS 15000

G_DEFINE_FINAL_TYPE (LodgeConsoleClipboard, lodge_console_clipboard, G_TYPE_OBJECT)

enum { PROP_0, PROP_AGENT, PROP_AVAILABLE, N_PROPS };
static GParamSpec *properties[N_PROPS];

/* --- Types --- */

const LodgeClipboardType lodge_clipboard_types[LODGE_CLIPBOARD_N_TYPES] = {
    {VD_AGENT_CLIPBOARD_UTF8_TEXT, LODGE_CLIPBOARD_TEXT},
    {VD_AGENT_CLIPBOARD_IMAGE_PNG, LODGE_CLIPBOARD_PNG},
    {VD_AGENT_CLIPBOARD_IMAGE_TIFF, "image/tiff"},
    {VD_AGENT_CLIPBOARD_IMAGE_BMP, "image/bmp"},
    {VD_AGENT_CLIPBOARD_IMAGE_JPG, "image/jpeg"},
};

guint
lodge_clipboard_find_number (guint32 number)
{
  for (guint i = 0; i < LODGE_CLIPBOARD_N_TYPES; i++) {
    if (lodge_clipboard_types[i].number == number)
      return i;
  }
  return LODGE_CLIPBOARD_NO_ROW;
}

guint
lodge_clipboard_find_type (const char *type)
{
  for (guint i = 0; i < LODGE_CLIPBOARD_N_TYPES; i++) {
    if (strcmp (lodge_clipboard_types[i].type, type) == 0)
      return i;
  }
  return LODGE_CLIPBOARD_NO_ROW;
}

/* --- Text and sizes --- */

GBytes *
lodge_clipboard_replace_line_ends (const char *text, gsize size, const char *from, const char *to)
{
  const gsize from_length = strlen (from);
  GString *result = g_string_sized_new (size);
  const char *end = text + size;

  while (text < end) {
    const char *found = g_strstr_len (text, end - text, from);

    g_string_append_len (result, text, (found != NULL ? found : end) - text);
    if (found == NULL)
      break;
    g_string_append (result, to);
    text = found + from_length;
  }
  return g_string_free_to_bytes (result);
}

gboolean
lodge_clipboard_check_size (gsize size, GError **error)
{
  if (size <= LODGE_CLIPBOARD_SIZE_MAX)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("What was copied is larger than %d MiB and was not passed on."),
               LODGE_CLIPBOARD_SIZE_MAX >> 20);
  return FALSE;
}

gboolean
lodge_clipboard_check_text (const char *text, gsize size, GError **error)
{
  /* With a length it takes no NUL either. */
  if (g_utf8_validate_len (text, size, NULL))
    return TRUE;
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                       _ ("What was copied is not valid text and was not passed on."));
  return FALSE;
}

/* --- Ways and agent --- */

gboolean
lodge_console_clipboard_agent_can (LodgeConsoleClipboard *self, guint capability)
{
  return self->main != NULL && spice_main_channel_agent_test_capability (self->main, capability);
}

gboolean
lodge_console_clipboard_may_send (LodgeConsoleClipboard *self)
{
  gboolean connected = FALSE;

  if (self->available)
    g_object_get (self->main, "agent-connected", &connected, NULL);
  return connected;
}

void
lodge_console_clipboard_set_ways (LodgeConsoleClipboard *self, LodgeClipboardWays ways)
{
  g_return_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self));

  const LodgeClipboardWays changed = self->ways ^ ways;
  self->ways = ways;
  if ((changed & LODGE_CLIPBOARD_WAY_TO_GUEST) != 0 && (ways & LODGE_CLIPBOARD_WAY_TO_GUEST) == 0)
    lodge_console_clipboard_offer (self, NULL);
  if ((changed & LODGE_CLIPBOARD_WAY_TO_HOST) != 0)
    lodge_console_clipboard_update_guest (self, self->release_timer != 0 ? 0 : self->guest_rows);
}

LodgeClipboardWays
lodge_console_clipboard_get_ways (LodgeConsoleClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), LODGE_CLIPBOARD_NO_WAY);
  return self->ways;
}

static void
update_available (LodgeConsoleClipboard *self)
{
  gboolean connected = FALSE;

  if (self->main != NULL)
    g_object_get (self->main, "agent-connected", &connected, NULL);
  const gboolean available =
      connected && lodge_console_clipboard_agent_can (self, VD_AGENT_CAP_CLIPBOARD_BY_DEMAND);
  if (available == self->available)
    return;

  self->available = available;
  if (available) {
    /* The agent is told, and spares itself the work. The library takes less than this. */
    g_object_set (self->main, "max-clipboard", LODGE_CLIPBOARD_SIZE_MAX + 1, NULL);
    if (self->host_rows != 0)
      lodge_console_clipboard_send_grab (self);
  } else {
    const guint rows = self->host_rows;

    lodge_console_clipboard_drop_host (self);
    self->host_rows = rows; /* for the next agent: the guest may be starting again */
    lodge_console_clipboard_end_question (self);
    lodge_console_clipboard_update_guest (self, 0);
  }
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_AVAILABLE]);
}

/* The port alone is nobody: an agent says what it can. */
static void
update_agent (LodgeConsoleClipboard *self)
{
  gboolean connected = FALSE;
  int can = 0;

  if (self->main != NULL)
    g_object_get (self->main, "agent-connected", &connected, "agent-caps-0", &can, NULL);
  const gboolean agent = connected && can != 0;
  if (agent == self->agent)
    return;
  self->agent = agent;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_AGENT]);
}

static void
agent_cb (LodgeConsoleClipboard *self)
{
  update_available (self);
  update_agent (self);
}

void
lodge_console_clipboard_set_channel (LodgeConsoleClipboard *self, SpiceMainChannel *main)
{
  if (self->main != NULL)
    g_signal_handlers_disconnect_by_data (self->main, self);
  g_set_object (&self->main, main);
  if (main != NULL) {
    lodge_console_clipboard_connect_from_guest (self);
    lodge_console_clipboard_connect_to_guest (self);
    g_signal_connect_object (main, "main-agent-update", G_CALLBACK (agent_cb), self,
                             G_CONNECT_SWAPPED);
    g_signal_connect_object (main, "notify::agent-connected", G_CALLBACK (agent_cb), self,
                             G_CONNECT_SWAPPED);
  } else {
    agent_cb (self);
    /* Another server may be another guest. */
    self->host_rows = 0;
  }
}

gboolean
lodge_console_clipboard_get_agent (LodgeConsoleClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), FALSE);
  return self->agent;
}

gboolean
lodge_console_clipboard_get_available (LodgeConsoleClipboard *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self), FALSE);
  return self->available;
}

void
lodge_console_clipboard_set_time_limit (LodgeConsoleClipboard *self, guint limit_ms)
{
  g_return_if_fail (LODGE_IS_CONSOLE_CLIPBOARD (self));
  self->limit_ms = limit_ms;
}

/* --- Type --- */

static void
lodge_console_clipboard_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_AGENT)
    g_value_set_boolean (value, LODGE_CONSOLE_CLIPBOARD (object)->agent);
  else if (id == PROP_AVAILABLE)
    g_value_set_boolean (value, LODGE_CONSOLE_CLIPBOARD (object)->available);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
lodge_console_clipboard_dispose (GObject *object)
{
  lodge_console_clipboard_set_channel (LODGE_CONSOLE_CLIPBOARD (object), NULL);
  G_OBJECT_CLASS (lodge_console_clipboard_parent_class)->dispose (object);
}

static void
lodge_console_clipboard_finalize (GObject *object)
{
  LodgeConsoleClipboard *self = LODGE_CONSOLE_CLIPBOARD (object);

  g_ptr_array_unref (self->reads);
  g_ptr_array_unref (self->wanted);
  G_OBJECT_CLASS (lodge_console_clipboard_parent_class)->finalize (object);
}

static void
lodge_console_clipboard_class_init (LodgeConsoleClipboardClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = lodge_console_clipboard_get_property;
  object_class->dispose = lodge_console_clipboard_dispose;
  object_class->finalize = lodge_console_clipboard_finalize;

  properties[PROP_AGENT] =
      g_param_spec_boolean ("agent", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_AVAILABLE] = g_param_spec_boolean ("available", NULL, NULL, FALSE,
                                                     G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_signal_new ("offered", LODGE_TYPE_CONSOLE_CLIPBOARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 0);
  g_signal_new ("wanted", LODGE_TYPE_CONSOLE_CLIPBOARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
lodge_console_clipboard_init (LodgeConsoleClipboard *self)
{
  self->limit_ms = TIME_LIMIT_MS;
  lodge_console_clipboard_init_from_guest (self);
  lodge_console_clipboard_init_to_guest (self);
}

LodgeConsoleClipboard *
lodge_console_clipboard_new (void)
{
  return g_object_new (LODGE_TYPE_CONSOLE_CLIPBOARD, NULL);
}
