/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The picture past GTK: straight onto the screen, while it is shown pixel for pixel and nothing
 * lies over it.
 *
 * GTK draws the first picture, and goes on to draw whatever else changes in the window. The plane
 * comes with the next change in the guest, and goes before GTK draws a frame in which something
 * (a message, the bar of full screen) lies over the picture, or the picture is of another size than
 * its place.
 */
#include "gtk/lodge-display-private.h"

#include "gtk/lodge-display-scale.h"
#include "lodge-damage.h"

/* Set to 0 it is GTK that draws everything. */
#define SWITCH "LODGE_PLANE"

/* What comes sooner after the last drawing is drawn together. */
#define REST_US (8 * G_TIME_SPAN_MILLISECOND)

static void
damage_all (cairo_region_t *damage, const LodgeFrame *frame)
{
  const cairo_rectangle_int_t all = {0, 0, frame->width, frame->height};

  cairo_region_union_rectangle (damage, &all);
}

/* ---- when */

/* A revealer that hides its child may keep the room for it. */
static gboolean
is_seen (GtkWidget *widget)
{
  if (!gtk_widget_get_mapped (widget) || GTK_IS_NATIVE (widget))
    return FALSE;
  if (!GTK_IS_REVEALER (widget))
    return TRUE;

  GtkWidget *child = gtk_revealer_get_child (GTK_REVEALER (widget));
  return child != NULL && gtk_widget_get_mapped (child);
}

/* What comes later among the children of a widget is drawn later. Nor does what is seen through, or
 * not at all, come onto the screen as it is. */
static gboolean
is_covered (GtkWidget *widget)
{
  const graphene_rect_t own =
      GRAPHENE_RECT_INIT (0, 0, gtk_widget_get_width (widget), gtk_widget_get_height (widget));

  for (GtkWidget *part = widget; part != NULL && !GTK_IS_NATIVE (part);
       part = gtk_widget_get_parent (part)) {
    if (gtk_widget_get_opacity (part) < 1)
      return TRUE;
    for (GtkWidget *other = gtk_widget_get_next_sibling (part); other != NULL;
         other = gtk_widget_get_next_sibling (other)) {
      graphene_rect_t bounds, both;

      if (is_seen (other) && gtk_widget_compute_bounds (other, widget, &bounds) &&
          graphene_rect_intersection (&bounds, &own, &both) && both.size.width > 0 &&
          both.size.height > 0)
        return TRUE;
    }
  }
  return FALSE;
}

/* The part of the window that the picture has in this view, and the picture's pixel there.
 * FALSE: GTK is to draw it. */
static gboolean
find_place (LodgeDisplay *self,
            const LodgeDisplayView *view,
            cairo_rectangle_int_t *out_place,
            int *out_x,
            int *out_y)
{
  GtkNative *native = gtk_widget_get_native (GTK_WIDGET (self));
  GdkSurface *surface = native != NULL ? gtk_native_get_surface (native) : NULL;
  LodgeFrame frame;

  if (self->source == NULL || self->scanout != NULL || surface == NULL ||
      !gtk_widget_get_mapped (GTK_WIDGET (self)) || !lodge_display_view_is_unscaled (view) ||
      view->device_scale != lodge_display_get_surface_scale (surface) ||
      lodge_display_draws_cursor (self) || is_covered (GTK_WIDGET (self)))
    return FALSE;
  lodge_frame_source_get_frame (self->source, &frame);
  if (frame.data == NULL || frame.width != view->guest_width || frame.height != view->guest_height)
    return FALSE;

  lodge_display_view_get_shown (view, out_x, out_y, &out_place->width, &out_place->height);
  out_place->x = view->left + *out_x;
  out_place->y = view->top + *out_y;
  return out_place->width > 0 && out_place->height > 0;
}

/* ---- what the plane says */

static void
ready_cb (gpointer user_data)
{
  lodge_display_collect (LODGE_DISPLAY (user_data));
}

static void
exposed_cb (gpointer user_data)
{
  LodgeDisplay *self = user_data;
  LodgeFrame frame;

  if (self->source == NULL)
    return;
  lodge_frame_source_get_frame (self->source, &frame);
  damage_all (self->plane_damage, &frame);
  lodge_display_collect (self);
}

static void
lost_cb (gpointer user_data)
{
  LodgeDisplay *self = user_data;

  self->plane_lost = TRUE;
  lodge_display_collect (self);
}

/* One in which nothing has changed brings nothing. */
static void
frame_wanted_cb (gpointer user_data)
{
  LodgeDisplay *self = user_data;

  lodge_tiles_damage (self->tiles, self->plane_x, self->plane_y, 1, 1);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static const LodgePlaneEvents plane_events = {ready_cb, exposed_cb, lost_cb, frame_wanted_cb};

/* ---- coming and going */

/* Behind the plane the tiles are not kept up, and nothing of them has come onto the screen. */
static void
hide (LodgeDisplay *self)
{
  LodgeFrame frame = {0};

  if (!self->plane_shown)
    return;
  self->plane_shown = FALSE;
  lodge_plane_hide (self->plane);
  if (self->source != NULL)
    lodge_frame_source_get_frame (self->source, &frame);
  lodge_tiles_damage (self->tiles, 0, 0, frame.width, frame.height);
}

static void
drop (LodgeDisplay *self)
{
  hide (self);
  g_clear_pointer (&self->plane, lodge_plane_free);
  g_clear_pointer (&self->plane_damage, cairo_region_destroy);
  self->plane_lost = FALSE;
}

static gboolean
make (LodgeDisplay *self)
{
  if (self->plane != NULL)
    return TRUE;
  self->plane = lodge_plane_new (gtk_native_get_surface (gtk_widget_get_native (GTK_WIDGET (self))),
                                 &plane_events, self);
  /* Not tried again with each picture. */
  self->plane_refused = self->plane == NULL;
  if (self->plane != NULL)
    self->plane_damage = cairo_region_create ();
  return self->plane != NULL;
}

static gboolean
show (LodgeDisplay *self, const cairo_rectangle_int_t *place, double scale, int x, int y)
{
  LodgeFrame frame;

  if (self->plane_shown && memcmp (place, &self->plane_place, sizeof *place) == 0 &&
      scale == self->plane_scale && x == self->plane_x && y == self->plane_y)
    return TRUE;
  if (!lodge_plane_fits (self->plane, place, scale)) {
    hide (self);
    return FALSE;
  }
  self->plane_x = x;
  self->plane_y = y;
  if (!lodge_plane_show (self->plane, place, scale)) {
    self->plane_refused = TRUE;
    drop (self);
    return FALSE;
  }
  self->plane_shown = TRUE;
  self->plane_place = *place;
  self->plane_scale = scale;
  lodge_frame_source_get_frame (self->source, &frame);
  damage_all (self->plane_damage, &frame);
  return TRUE;
}

void
lodge_display_follow_plane (LodgeDisplay *self, const LodgeDisplayView *view)
{
  cairo_rectangle_int_t place;
  int x, y;

  if (!self->plane_shown)
    return;
  if (!find_place (self, view, &place, &x, &y))
    hide (self);
  else if (show (self, &place, view->device_scale, x, y))
    lodge_display_draw_plane (self);
}

/* More may be damaged meanwhile: the plane may say that it was exposed. */
static void
put (LodgeDisplay *self, const LodgeFrame *frame)
{
  cairo_region_t *damage = g_steal_pointer (&self->plane_damage);

  self->plane_damage = cairo_region_create ();
  if (lodge_plane_put (self->plane, frame, self->plane_x, self->plane_y, damage))
    self->plane_drawn = g_get_monotonic_time ();
  else
    cairo_region_union (self->plane_damage, damage);
  cairo_region_destroy (damage);
}

gboolean
lodge_display_draw_plane (LodgeDisplay *self)
{
  cairo_rectangle_int_t place;
  LodgeFrame frame;
  int x, y;

  if (self->plane_lost) {
    self->plane_refused = TRUE;
    drop (self);
  }
  if (self->source == NULL)
    return FALSE;
  if (!self->plane_shown &&
      (self->plane_refused || !find_place (self, &self->view, &place, &x, &y) || !make (self) ||
       !show (self, &place, self->view.device_scale, x, y)))
    return FALSE;

  lodge_frame_source_get_frame (self->source, &frame);
  /* One of another size waits for its place. */
  if (frame.width == self->view.guest_width && frame.height == self->view.guest_height)
    put (self, &frame);
  return TRUE;
}

gboolean
lodge_display_damage_plane (LodgeDisplay *self, const cairo_rectangle_int_t *damage)
{
  if (self->plane_shown)
    lodge_damage_add (self->plane_damage, damage);
  return self->plane_shown;
}

gboolean
lodge_display_plane_has_rested (LodgeDisplay *self)
{
  return self->plane_shown && g_get_monotonic_time () - self->plane_drawn > REST_US;
}

/* ---- GTK's frames */

/* The picture, and what lies over it, have their places now, and are not drawn yet. */
static void
layout_cb (GdkFrameClock *clock, LodgeDisplay *self)
{
  LodgeDisplayView view;

  if (self->plane_shown && is_covered (GTK_WIDGET (self))) {
    hide (self);
    gtk_widget_queue_draw (GTK_WIDGET (self));
    return;
  }
  /* GTK draws what it has of a widget that was only moved, without asking for it. */
  lodge_display_find_view (self, &view);
  if (!lodge_display_view_equal (&view, &self->view))
    gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
lodge_display_watch_plane (LodgeDisplay *self)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (GTK_WIDGET (self));

  self->plane_refused = g_strcmp0 (g_getenv (SWITCH), "0") == 0;
  if (clock != NULL && !self->plane_refused)
    g_signal_connect_object (clock, "layout", G_CALLBACK (layout_cb), self, 0);
}

void
lodge_display_unwatch_plane (LodgeDisplay *self)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (GTK_WIDGET (self));

  if (clock != NULL)
    g_signal_handlers_disconnect_by_func (clock, (gpointer) layout_cb, self);
  drop (self);
  /* What it said last is to be drawn by nobody. */
  lodge_display_forget_damage (self);
}
