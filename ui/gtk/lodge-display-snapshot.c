/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display's picture: from the frame source into the tiles, from the tiles onto the screen. */
#include "gtk/lodge-display-private.h"

#include "gtk/lodge-display-scale.h"

/* A picture of the guest that is not whole yet is shown after this time at the latest. */
#define COLLECT_MS 40

/* The widget's place in the surface, which decides where device pixels are in it. */
static void
find_origin (GtkWidget *widget, LodgeDisplayView *view)
{
  GtkNative *native = gtk_widget_get_native (widget);
  graphene_point_t origin;
  double x = 0, y = 0;

  if (native == NULL ||
      !gtk_widget_compute_point (widget, GTK_WIDGET (native), &GRAPHENE_POINT_INIT (0, 0), &origin))
    return;
  gtk_native_get_surface_transform (native, &x, &y);
  view->origin_x = x + origin.x;
  view->origin_y = y + origin.y;
}

void
lodge_display_find_view (LodgeDisplay *self, LodgeDisplayView *out_view)
{
  GtkWidget *widget = GTK_WIDGET (self);
  LodgeDisplayView view = {.width = gtk_widget_get_width (widget),
                           .height = gtk_widget_get_height (widget),
                           .device_scale = lodge_display_get_device_scale (widget),
                           .fit = self->whole_multiples ? LODGE_FIT_WHOLE : LODGE_FIT_ROOM};
  LodgeFrame frame = {0};

  if (self->source != NULL)
    lodge_frame_source_get_frame (self->source, &frame);
  if (self->scaling == LODGE_SCALING_ONE_TO_ONE) {
    view.fit = LODGE_FIT_ONE_TO_ONE;
    lodge_display_get_pan (self, &view);
  }
  find_origin (widget, &view);
  lodge_display_view_fit (&view, frame.width, frame.height);
  *out_view = view;
}

void
lodge_display_update_view (LodgeDisplay *self)
{
  GtkNative *native = gtk_widget_get_native (GTK_WIDGET (self));
  GskRenderer *renderer = native != NULL ? gtk_native_get_renderer (native) : NULL;
  const LodgeDisplayView before = self->view;

  lodge_display_find_view (self, &self->view);
  lodge_tiles_set_view (self->tiles, &self->view,
                        renderer != NULL && GSK_IS_CAIRO_RENDERER (renderer));
  /* The guest's pointer is as large as its picture. */
  if (!lodge_display_view_equal (&before, &self->view))
    lodge_display_update_cursor (self);
}

/* While the pointer is relative the guest's own place for it counts, and the host's is hidden. */
static gboolean
find_cursor (LodgeDisplay *self, LodgeCursor *out_cursor)
{
  return self->cursor != NULL && self->grabbed && lodge_display_pointer_is_relative (self) &&
         self->view.view_width > 0 && lodge_frame_source_get_cursor (self->source, out_cursor) &&
         out_cursor->rgba != NULL;
}

gboolean
lodge_display_draws_cursor (LodgeDisplay *self)
{
  LodgeCursor cursor;

  return find_cursor (self, &cursor);
}

static void
snapshot_cursor (LodgeDisplay *self, GtkSnapshot *snapshot)
{
  const LodgeDisplayView *view = &self->view;
  LodgeCursor cursor;

  if (!find_cursor (self, &cursor))
    return;

  double scale = (double) view->view_width / view->guest_width;
  double x = view->left + (cursor.x - cursor.hot_x) * scale;
  double y = view->top + (cursor.y - cursor.hot_y) * scale;
  gtk_snapshot_append_texture (snapshot, self->cursor,
                               &GRAPHENE_RECT_INIT (lodge_display_view_from_device_x (view, x),
                                                    lodge_display_view_from_device_y (view, y),
                                                    cursor.width * scale / view->device_scale,
                                                    cursor.height * scale / view->device_scale));
}

void
lodge_display_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  LodgeDisplay *self = LODGE_DISPLAY (widget);

  lodge_display_forget_damage (self);
  lodge_display_update_view (self);
  lodge_display_follow_plane (self, &self->view);

  gtk_snapshot_push_clip (snapshot,
                          &GRAPHENE_RECT_INIT (0, 0, self->view.width, self->view.height));
  lodge_tiles_snapshot (self->tiles, snapshot);
  if (self->scanout != NULL)
    gtk_widget_snapshot_child (widget, self->scanout, snapshot);
  snapshot_cursor (self, snapshot);
  gtk_snapshot_pop (snapshot);
}

void
lodge_display_forget_damage (LodgeDisplay *self)
{
  g_clear_handle_id (&self->collected_id, g_source_remove);
  g_clear_handle_id (&self->collect_id, g_source_remove);
}

static gboolean
collected_cb (gpointer user_data)
{
  LodgeDisplay *self = user_data;

  lodge_display_forget_damage (self);
  if (!lodge_display_draw_plane (self))
    gtk_widget_queue_draw (GTK_WIDGET (self));
  return G_SOURCE_REMOVE;
}

/* The old buffer is freed when this returns. */
static void
frame_changed_cb (LodgeFrameSource *source, LodgeDisplay *self)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (source, &frame);
  lodge_tiles_set_frame (self->tiles, &frame);
  lodge_display_damage_plane (self, &(cairo_rectangle_int_t){0, 0, frame.width, frame.height});
  lodge_display_update_scanout (self);
  if (self->scaling == LODGE_SCALING_ONE_TO_ONE)
    gtk_widget_queue_allocate (GTK_WIDGET (self));
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* spice-client-glib gives out each drawing in an idle callback, and GTK's frames come before those
 * (GDK_PRIORITY_REDRAW). Where a frame takes longer than the time between two, as without a
 * graphics card, a frame for each drawing would leave the window many frames behind: a console that
 * draws letter by letter is seen minutes late. So a frame waits until nothing more is there to be
 * given out, though never for long. */
void
lodge_display_collect (LodgeDisplay *self)
{
  if (self->collected_id != 0)
    return;
  self->collected_id = g_idle_add_full (G_PRIORITY_LOW, collected_cb, self, NULL);
  self->collect_id = g_timeout_add (COLLECT_MS, collected_cb, self);
}

static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, LodgeDisplay *self)
{
  if (lodge_display_damage_scanout (self, &(cairo_rectangle_int_t){x, y, width, height}))
    return;
  if (!lodge_display_damage_plane (self, &(cairo_rectangle_int_t){x, y, width, height})) {
    lodge_tiles_damage (self->tiles, x, y, width, height);
  } else if (self->collected_id == 0 && lodge_display_plane_has_rested (self) &&
             lodge_display_draw_plane (self)) {
    return;
  }
  lodge_display_collect (self);
}

static void
cursor_changed_cb (LodgeFrameSource *source, LodgeDisplay *self)
{
  lodge_display_forget_cursor (self);
  lodge_display_update_cursor (self);
}

static void
cursor_moved_cb (LodgeFrameSource *source, LodgeDisplay *self)
{
  LodgeCursor cursor;

  if (!self->grabbed || !lodge_display_pointer_is_relative (self))
    return;
  if (lodge_frame_source_get_cursor (self->source, &cursor))
    lodge_display_pan_to (self, cursor.x, cursor.y);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
lodge_display_connect_source (LodgeDisplay *self)
{
  self->source = lodge_console_session_get_monitor (self->session, self->monitor);
  g_signal_connect_object (self->source, "frame-changed", G_CALLBACK (frame_changed_cb), self, 0);
  g_signal_connect_object (self->source, "damage", G_CALLBACK (damage_cb), self, 0);
  g_signal_connect_object (self->source, "cursor-changed", G_CALLBACK (cursor_changed_cb), self, 0);
  g_signal_connect_object (self->source, "cursor-moved", G_CALLBACK (cursor_moved_cb), self, 0);
  frame_changed_cb (self->source, self);
  cursor_changed_cb (self->source, self);
}

void
lodge_display_disconnect_source (LodgeDisplay *self)
{
  g_signal_handlers_disconnect_by_data (self->source, self);
  lodge_display_forget_damage (self);
  lodge_display_drop_scanout (self);
  self->source = NULL;
  lodge_tiles_set_frame (self->tiles, &(LodgeFrame){0});
  lodge_display_forget_cursor (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
