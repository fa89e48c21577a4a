/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The widget that shows a console session and gives it keys and pointer. */
#include "gtk/lodge-display.h"

struct _LodgeDisplay {
  GtkWidget parent_instance;

  LodgeConsoleSession *session;
  gboolean resize_guest;
  gboolean grabbed;
};

enum { PROP_0, PROP_SESSION, PROP_RESIZE_GUEST, PROP_GRABBED, N_PROPS };
static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (LodgeDisplay, lodge_display, GTK_TYPE_WIDGET)

static void
lodge_display_dispose (GObject *object)
{
  LodgeDisplay *self = LODGE_DISPLAY (object);

  g_clear_object (&self->session);
  G_OBJECT_CLASS (lodge_display_parent_class)->dispose (object);
}

static void
lodge_display_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LodgeDisplay *self = LODGE_DISPLAY (object);

  switch (id) {
  case PROP_SESSION:
    g_value_set_object (value, self->session);
    break;
  case PROP_RESIZE_GUEST:
    g_value_set_boolean (value, self->resize_guest);
    break;
  case PROP_GRABBED:
    g_value_set_boolean (value, self->grabbed);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_display_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  LodgeDisplay *self = LODGE_DISPLAY (object);

  switch (id) {
  case PROP_SESSION:
    lodge_display_set_session (self, g_value_get_object (value));
    break;
  case PROP_RESIZE_GUEST:
    lodge_display_set_resize_guest (self, g_value_get_boolean (value));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_display_class_init (LodgeDisplayClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = lodge_display_dispose;
  object_class->get_property = lodge_display_get_property;
  object_class->set_property = lodge_display_set_property;

  properties[PROP_SESSION] =
      g_param_spec_object ("session", NULL, NULL, LODGE_TYPE_CONSOLE_SESSION,
                           G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_RESIZE_GUEST] =
      g_param_spec_boolean ("resize-guest", NULL, NULL, TRUE,
                            G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_GRABBED] = g_param_spec_boolean ("grabbed", NULL, NULL, FALSE,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
lodge_display_init (LodgeDisplay *self)
{
  self->resize_guest = TRUE;
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
}

GtkWidget *
lodge_display_new (void)
{
  return g_object_new (LODGE_TYPE_DISPLAY, NULL);
}

void
lodge_display_set_session (LodgeDisplay *self, LodgeConsoleSession *session)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));

  if (g_set_object (&self->session, session))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SESSION]);
}

LodgeConsoleSession *
lodge_display_get_session (LodgeDisplay *self)
{
  g_return_val_if_fail (LODGE_IS_DISPLAY (self), NULL);
  return self->session;
}

void
lodge_display_set_resize_guest (LodgeDisplay *self, gboolean resize_guest)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));

  resize_guest = !!resize_guest;
  if (self->resize_guest == resize_guest)
    return;
  self->resize_guest = resize_guest;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RESIZE_GUEST]);
}

gboolean
lodge_display_get_grabbed (LodgeDisplay *self)
{
  g_return_val_if_fail (LODGE_IS_DISPLAY (self), FALSE);
  return self->grabbed;
}

void
lodge_display_ungrab (LodgeDisplay *self)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));
}
