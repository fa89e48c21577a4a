/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The widget that shows a console session and gives it keys and pointer.
 *
 * Owns: the tiles, the grab of keyboard and pointer. Never: knows SPICE, or opens and closes the
 * session it shows.
 */
#include "gtk/lodge-display-private.h"

#include "gtk/lodge-display-scale.h"

#include <glib/gi18n-lib.h>

enum {
  PROP_0,
  PROP_SESSION,
  PROP_SCALING,
  PROP_WHOLE_MULTIPLES,
  PROP_GRABBED,
  PROP_PROBLEM,
  N_PROPS,
  /* of GtkScrollable */
  PROP_HADJUSTMENT = N_PROPS,
  PROP_VADJUSTMENT,
  PROP_HSCROLL_POLICY,
  PROP_VSCROLL_POLICY
};
static GParamSpec *properties[N_PROPS];

enum { LEAVE, SIZE_WANTED, N_SIGNALS };
static guint signals[N_SIGNALS];

G_DEFINE_ENUM_TYPE (LodgeScaling,
                    lodge_scaling,
                    G_DEFINE_ENUM_VALUE (LODGE_SCALING_RESIZE_GUEST, "resize-guest"),
                    G_DEFINE_ENUM_VALUE (LODGE_SCALING_SCALE, "scale"),
                    G_DEFINE_ENUM_VALUE (LODGE_SCALING_ONE_TO_ONE, "one-to-one"))

G_DEFINE_FINAL_TYPE_WITH_CODE (LodgeDisplay,
                               lodge_display,
                               GTK_TYPE_WIDGET,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_SCROLLABLE, NULL))

/* While a window is dragged larger its size changes with each frame; a guest takes far longer than
 * that for a new mode. */
#define RESIZE_DELAY_MS 120

/* ---- the guest's size */

/* A further monitor is off in the guest until it is given a size: once, where the guest does not
 * follow the window. */
static gboolean
wants_size (LodgeDisplay *self)
{
  return self->session != NULL &&
         (self->scaling == LODGE_SCALING_RESIZE_GUEST || (self->monitor > 0 && !self->switched_on));
}

static gboolean
resize_cb (gpointer user_data)
{
  LodgeDisplay *self = user_data;
  gboolean can_resize = FALSE;
  int width, height;

  self->resize_id = 0;
  if (!wants_size (self) || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return G_SOURCE_REMOVE;

  lodge_display_update_view (self);
  lodge_display_view_get_room (&self->view, &width, &height);
  if (width < 1 || height < 1)
    return G_SOURCE_REMOVE;
  self->switched_on = TRUE;
  g_object_get (self->session, "can-resize", &can_resize, NULL);
  if (can_resize)
    lodge_console_session_resize_monitor (self->session, self->monitor, width, height);
  else
    g_signal_emit (self, signals[SIZE_WANTED], 0, width, height);
  return G_SOURCE_REMOVE;
}

static void
queue_resize_guest (LodgeDisplay *self)
{
  g_clear_handle_id (&self->resize_id, g_source_remove);
  if (wants_size (self))
    self->resize_id = g_timeout_add (RESIZE_DELAY_MS, resize_cb, self);
}

static void
tell_follows (LodgeDisplay *self)
{
  if (self->session != NULL)
    lodge_console_session_set_follows (self->session, self->monitor,
                                       self->scaling == LODGE_SCALING_RESIZE_GUEST);
}

/* ---- widget */

static void
lodge_display_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  lodge_display_configure_pan (LODGE_DISPLAY (widget));
  lodge_display_allocate_scanout (LODGE_DISPLAY (widget));
  queue_resize_guest (LODGE_DISPLAY (widget));
}

static void
lodge_display_measure (GtkWidget *widget,
                       GtkOrientation orientation,
                       int for_size,
                       int *minimum,
                       int *natural,
                       int *minimum_baseline,
                       int *natural_baseline)
{
  LodgeDisplay *self = LODGE_DISPLAY (widget);
  LodgeFrame frame = {0};
  gboolean horizontal = orientation == GTK_ORIENTATION_HORIZONTAL;

  if (self->source != NULL)
    lodge_frame_source_get_frame (self->source, &frame);
  *minimum = 1;
  *natural = horizontal ? 1024 : 768;
  if (frame.width > 0)
    *natural = MAX (1, (int) ((horizontal ? frame.width : frame.height) /
                              lodge_display_get_device_scale (widget)));
}

/* The window is on another monitor, or that one's scale was changed. */
static void
scale_cb (LodgeDisplay *self)
{
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
lodge_display_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (lodge_display_parent_class)->map (widget);
  lodge_display_watch_device_scale (widget, G_CALLBACK (scale_cb));
  lodge_display_watch_shown (LODGE_DISPLAY (widget));
  lodge_display_watch_plane (LODGE_DISPLAY (widget));
  queue_resize_guest (LODGE_DISPLAY (widget));
}

static void
lodge_display_unmap (GtkWidget *widget)
{
  lodge_display_release (LODGE_DISPLAY (widget));
  lodge_display_unwatch_plane (LODGE_DISPLAY (widget));
  lodge_display_forget_scanout_frame (LODGE_DISPLAY (widget));
  lodge_display_unwatch_device_scale (widget, G_CALLBACK (scale_cb));
  GTK_WIDGET_CLASS (lodge_display_parent_class)->unmap (widget);
  lodge_display_unwatch_shown (LODGE_DISPLAY (widget));
}

static void
lodge_display_unroot (GtkWidget *widget)
{
  lodge_display_drop_keys (LODGE_DISPLAY (widget));
  GTK_WIDGET_CLASS (lodge_display_parent_class)->unroot (widget);
}

/* ---- session */

static void
connected_cb (LodgeConsoleSession *session, GParamSpec *pspec, LodgeDisplay *self)
{
  gboolean connected;

  g_object_get (session, "connected", &connected, NULL);
  if (connected)
    lodge_display_sync_locks (self);
  else
    lodge_display_release (self);
  lodge_display_update_cursor (self);
}

/* Most guests begin with a mouse and get their tablet when its driver is there. */
static void
pointer_mode_cb (LodgeConsoleSession *session, GParamSpec *pspec, LodgeDisplay *self)
{
  lodge_display_update_grab (self);
  lodge_display_update_cursor (self);
}

static void
can_resize_cb (LodgeConsoleSession *session, GParamSpec *pspec, LodgeDisplay *self)
{
  gboolean can_resize;

  g_object_get (session, "can-resize", &can_resize, NULL);
  /* Whoever was told of a further monitor before, the session was not. */
  if (can_resize)
    self->switched_on = FALSE;
  queue_resize_guest (self);
}

void
lodge_display_set_session (LodgeDisplay *self, LodgeConsoleSession *session)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));
  g_return_if_fail (session == NULL || LODGE_IS_CONSOLE_SESSION (session));

  if (self->session == session)
    return;

  if (self->session != NULL) {
    lodge_display_release (self);
    lodge_display_disconnect_source (self);
    lodge_console_session_show_monitor (self->session, self->monitor, FALSE);
    g_signal_handlers_disconnect_by_data (self->session, self);
  }
  g_set_object (&self->session, session);
  self->switched_on = FALSE;
  if (session != NULL) {
    g_signal_connect_object (session, "notify::connected", G_CALLBACK (connected_cb), self, 0);
    g_signal_connect_object (session, "notify::pointer-absolute", G_CALLBACK (pointer_mode_cb),
                             self, 0);
    g_signal_connect_object (session, "notify::can-resize", G_CALLBACK (can_resize_cb), self, 0);
    lodge_display_connect_source (self);
    lodge_display_update_shown (self);
    lodge_display_sync_locks (self);
    tell_follows (self);
    queue_resize_guest (self);
  }
  lodge_display_update_cursor (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SESSION]);
}

LodgeConsoleSession *
lodge_display_get_session (LodgeDisplay *self)
{
  g_return_val_if_fail (LODGE_IS_DISPLAY (self), NULL);
  return self->session;
}

void
lodge_display_set_monitor (LodgeDisplay *self, guint monitor)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));
  g_return_if_fail (monitor < LODGE_CONSOLE_MONITORS);
  g_return_if_fail (self->session == NULL);

  self->monitor = monitor;
}

void
lodge_display_set_scaling (LodgeDisplay *self, LodgeScaling scaling)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));

  if (self->scaling == scaling)
    return;
  self->scaling = scaling;
  tell_follows (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  queue_resize_guest (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SCALING]);
}

void
lodge_display_set_whole_multiples (LodgeDisplay *self, gboolean whole_multiples)
{
  g_return_if_fail (LODGE_IS_DISPLAY (self));

  whole_multiples = !!whole_multiples;
  if (self->whole_multiples == whole_multiples)
    return;
  self->whole_multiples = whole_multiples;
  lodge_display_move_scanout (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_WHOLE_MULTIPLES]);
}

gboolean
lodge_display_get_grabbed (LodgeDisplay *self)
{
  g_return_val_if_fail (LODGE_IS_DISPLAY (self), FALSE);
  return self->grabbed;
}

void
lodge_display_set_grabbed (LodgeDisplay *self, gboolean grabbed)
{
  if (self->grabbed == grabbed)
    return;
  self->grabbed = grabbed;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_GRABBED]);
}

const char *
lodge_display_get_way_out (LodgeDisplay *self)
{
  g_return_val_if_fail (LODGE_IS_DISPLAY (self), NULL);

  if (self->grabbed && !lodge_display_get_keeps_shortcuts (self))
    return _ ("Ctrl+Alt takes keyboard and pointer back");
  if (lodge_display_get_has_pointer (self))
    return _ ("Ctrl+Alt takes the pointer back");
  return NULL;
}

void
lodge_display_leave (LodgeDisplay *self)
{
  if (self->grabbed)
    lodge_display_ungrab (self);
  else
    g_signal_emit (self, signals[LEAVE], 0);
}

/* ---- type */

static void
lodge_display_dispose (GObject *object)
{
  LodgeDisplay *self = LODGE_DISPLAY (object);

  lodge_display_set_session (self, NULL);
  lodge_display_drop_keys (self);
  lodge_display_clear_pan (self);
  g_clear_handle_id (&self->resize_id, g_source_remove);
  G_OBJECT_CLASS (lodge_display_parent_class)->dispose (object);
}

static void
lodge_display_finalize (GObject *object)
{
  LodgeDisplay *self = LODGE_DISPLAY (object);

  lodge_tiles_free (self->tiles);
  lodge_host_keys_free (self->host_keys);
  g_free (self->problem);
  G_OBJECT_CLASS (lodge_display_parent_class)->finalize (object);
}

static void
lodge_display_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LodgeDisplay *self = LODGE_DISPLAY (object);

  switch (id) {
  case PROP_SESSION:
    g_value_set_object (value, self->session);
    break;
  case PROP_SCALING:
    g_value_set_enum (value, self->scaling);
    break;
  case PROP_WHOLE_MULTIPLES:
    g_value_set_boolean (value, self->whole_multiples);
    break;
  case PROP_GRABBED:
    g_value_set_boolean (value, self->grabbed);
    break;
  case PROP_PROBLEM:
    g_value_set_string (value, self->problem);
    break;
  case PROP_HADJUSTMENT:
  case PROP_VADJUSTMENT:
    g_value_set_object (value, self->pan[id - PROP_HADJUSTMENT]);
    break;
  case PROP_HSCROLL_POLICY:
  case PROP_VSCROLL_POLICY:
    g_value_set_enum (value, self->pan_policy[id - PROP_HSCROLL_POLICY]);
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
  case PROP_SCALING:
    lodge_display_set_scaling (self, g_value_get_enum (value));
    break;
  case PROP_WHOLE_MULTIPLES:
    lodge_display_set_whole_multiples (self, g_value_get_boolean (value));
    break;
  case PROP_HADJUSTMENT:
  case PROP_VADJUSTMENT:
    lodge_display_set_adjustment (self, id - PROP_HADJUSTMENT, g_value_get_object (value));
    break;
  case PROP_HSCROLL_POLICY:
  case PROP_VSCROLL_POLICY:
    self->pan_policy[id - PROP_HSCROLL_POLICY] = g_value_get_enum (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_display_class_init (LodgeDisplayClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = lodge_display_dispose;
  object_class->finalize = lodge_display_finalize;
  object_class->get_property = lodge_display_get_property;
  object_class->set_property = lodge_display_set_property;

  widget_class->snapshot = lodge_display_snapshot;
  widget_class->measure = lodge_display_measure;
  widget_class->size_allocate = lodge_display_size_allocate;
  widget_class->map = lodge_display_map;
  widget_class->unmap = lodge_display_unmap;
  widget_class->unroot = lodge_display_unroot;

  properties[PROP_SESSION] =
      g_param_spec_object ("session", NULL, NULL, LODGE_TYPE_CONSOLE_SESSION,
                           G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_SCALING] =
      g_param_spec_enum ("scaling", NULL, NULL, LODGE_TYPE_SCALING, LODGE_SCALING_RESIZE_GUEST,
                         G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_WHOLE_MULTIPLES] =
      g_param_spec_boolean ("whole-multiples", NULL, NULL, FALSE,
                            G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  properties[PROP_GRABBED] = g_param_spec_boolean ("grabbed", NULL, NULL, FALSE,
                                                   G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_PROBLEM] =
      g_param_spec_string ("problem", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  g_object_class_override_property (object_class, PROP_HADJUSTMENT, "hadjustment");
  g_object_class_override_property (object_class, PROP_VADJUSTMENT, "vadjustment");
  g_object_class_override_property (object_class, PROP_HSCROLL_POLICY, "hscroll-policy");
  g_object_class_override_property (object_class, PROP_VSCROLL_POLICY, "vscroll-policy");

  signals[LEAVE] = g_signal_new ("leave", LODGE_TYPE_DISPLAY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);

  g_signal_new ("paste-pressed", LODGE_TYPE_DISPLAY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 0);
  signals[SIZE_WANTED] = g_signal_new ("size-wanted", LODGE_TYPE_DISPLAY, G_SIGNAL_RUN_LAST, 0,
                                       NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT, G_TYPE_INT);

  gtk_widget_class_set_css_name (widget_class, "lodge-display");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
lodge_display_init (LodgeDisplay *self)
{
  self->grab_shortcuts = TRUE;
  self->host_keys = lodge_host_keys_new (NULL);
  self->tiles = lodge_tiles_new ();
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Screen of the machine"), -1);
  lodge_display_init_input (self);
  lodge_display_init_pointer (self);
  lodge_display_init_pan (self);
}

GtkWidget *
lodge_display_new (void)
{
  return g_object_new (LODGE_TYPE_DISPLAY, NULL);
}
