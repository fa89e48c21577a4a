/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display's view of a picture that is larger than it, pixel for pixel: which part of it is
 * seen.
 *
 * The part is what two adjustments say, in device pixels; a scrolled window around the display has
 * bars for them. The wheel is the guest's. In full screen there are no bars, and the view moves
 * while the pointer is at an edge, as it cannot go further there anyway. A guest that has the
 * pointer to itself draws its own, and the view follows that.
 */
#include "gtk/lodge-display-private.h"

#include <math.h>

/* Where an edge begins, in pixels of the window, and how far the view moves in a second for each
 * pixel that the pointer is beyond that. */
#define EDGE_WIDTH 24
#define EDGE_SPEED 60.0
/* The guest's own pointer is kept that far from the edges, in device pixels. */
#define MARGIN 48

static int
get_pan (LodgeDisplay *self, GtkOrientation orientation)
{
  return self->pan[orientation] != NULL ? (int) gtk_adjustment_get_value (self->pan[orientation])
                                        : 0;
}

void
lodge_display_get_pan (LodgeDisplay *self, LodgeDisplayView *view)
{
  view->pan_x = get_pan (self, GTK_ORIENTATION_HORIZONTAL);
  view->pan_y = get_pan (self, GTK_ORIENTATION_VERTICAL);
}

static void
configure (GtkAdjustment *adjustment, int room, int picture)
{
  const double upper = MAX (room, picture);

  if (adjustment == NULL)
    return;
  gtk_adjustment_configure (adjustment,
                            CLAMP (gtk_adjustment_get_value (adjustment), 0, upper - room), 0,
                            upper, room * 0.1, room * 0.9, room);
}

void
lodge_display_configure_pan (LodgeDisplay *self)
{
  const gboolean one_to_one = self->scaling == LODGE_SCALING_ONE_TO_ONE;
  LodgeDisplayView view;
  int width, height;

  lodge_display_find_view (self, &view);
  /* Between two modes of a guest there is no picture; its place is kept meanwhile. */
  if (one_to_one && view.guest_width < 1)
    return;
  lodge_display_view_get_room (&view, &width, &height);
  configure (self->pan[GTK_ORIENTATION_HORIZONTAL], width, one_to_one ? view.guest_width : 0);
  configure (self->pan[GTK_ORIENTATION_VERTICAL], height, one_to_one ? view.guest_height : 0);
}

static void
value_changed_cb (LodgeDisplay *self)
{
  lodge_display_move_scanout (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
lodge_display_set_adjustment (LodgeDisplay *self,
                              GtkOrientation orientation,
                              GtkAdjustment *adjustment)
{
  GtkAdjustment **field = &self->pan[orientation];

  if (*field == adjustment)
    return;
  if (*field != NULL)
    g_signal_handlers_disconnect_by_func (*field, value_changed_cb, self);
  g_set_object (field, adjustment);
  if (adjustment != NULL)
    g_signal_connect_object (adjustment, "value-changed", G_CALLBACK (value_changed_cb), self,
                             G_CONNECT_SWAPPED);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

/* Returns: whether it could be moved */
static gboolean
move (LodgeDisplay *self, GtkOrientation orientation, int by)
{
  const int before = get_pan (self, orientation);

  if (self->pan[orientation] != NULL && by != 0)
    gtk_adjustment_set_value (self->pan[orientation], before + by);
  return get_pan (self, orientation) != before;
}

/* ---- the guest's own pointer */

static int
get_way (int position, int pan, int room)
{
  const int margin = MIN (MARGIN, room / 4);

  if (position < pan + margin)
    return position - (pan + margin);
  return position > pan + room - margin ? position - (pan + room - margin) : 0;
}

void
lodge_display_pan_to (LodgeDisplay *self, int x, int y)
{
  int width, height;

  if (self->scaling != LODGE_SCALING_ONE_TO_ONE)
    return;
  lodge_display_view_get_room (&self->view, &width, &height);
  move (self, GTK_ORIENTATION_HORIZONTAL,
        get_way (x, get_pan (self, GTK_ORIENTATION_HORIZONTAL), width));
  move (self, GTK_ORIENTATION_VERTICAL,
        get_way (y, get_pan (self, GTK_ORIENTATION_VERTICAL), height));
}

/* ---- edges */

/* How far the view shall move in a second. */
static double
get_speed (double position, int size)
{
  if (position < EDGE_WIDTH)
    return MAX (position - EDGE_WIDTH, -EDGE_WIDTH) * EDGE_SPEED;
  if (position > size - EDGE_WIDTH)
    return MIN (position - (size - EDGE_WIDTH), EDGE_WIDTH) * EDGE_SPEED;
  return 0;
}

static gboolean
edge_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  LodgeDisplay *self = LODGE_DISPLAY (widget);
  const gint64 now = gdk_frame_clock_get_frame_time (clock);
  /* A frame that took long is not made up for: nobody could follow that. */
  const double seconds = MIN (now - self->edge_time, 50 * 1000) / (double) G_USEC_PER_SEC;
  const int by_x = (int) round (get_speed (self->edge_x, gtk_widget_get_width (widget)) * seconds);
  const int by_y = (int) round (get_speed (self->edge_y, gtk_widget_get_height (widget)) * seconds);
  const gboolean moved_x = move (self, GTK_ORIENTATION_HORIZONTAL, by_x);
  const gboolean moved_y = move (self, GTK_ORIENTATION_VERTICAL, by_y);
  int x, y;

  self->edge_time = now;
  if (!moved_x && !moved_y && (by_x != 0 || by_y != 0)) {
    self->edge_id = 0;
    return G_SOURCE_REMOVE;
  }
  /* The pointer is over another of the guest's pixels now. */
  lodge_display_update_view (self);
  if (self->session != NULL &&
      lodge_display_view_to_guest (&self->view, self->edge_x, self->edge_y, &x, &y))
    lodge_console_session_position_on (self->session, self->monitor, x, y);
  return G_SOURCE_CONTINUE;
}

static void
stop_edge (LodgeDisplay *self)
{
  if (self->edge_id != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->edge_id);
  self->edge_id = 0;
}

static gboolean
is_fullscreen (LodgeDisplay *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  return GTK_IS_WINDOW (root) && gtk_window_is_fullscreen (GTK_WINDOW (root));
}

static void
motion_cb (GtkEventControllerMotion *controller, double x, double y, LodgeDisplay *self)
{
  GtkWidget *widget = GTK_WIDGET (self);

  self->edge_x = x;
  self->edge_y = y;
  if (self->scaling != LODGE_SCALING_ONE_TO_ONE || !is_fullscreen (self) ||
      lodge_display_pointer_is_relative (self) ||
      (get_speed (x, gtk_widget_get_width (widget)) == 0 &&
       get_speed (y, gtk_widget_get_height (widget)) == 0)) {
    stop_edge (self);
    return;
  }
  if (self->edge_id != 0)
    return;
  self->edge_time = gdk_frame_clock_get_frame_time (gtk_widget_get_frame_clock (widget));
  self->edge_id = gtk_widget_add_tick_callback (widget, edge_cb, NULL, NULL);
}

static void
leave_cb (GtkEventControllerMotion *controller, LodgeDisplay *self)
{
  stop_edge (self);
}

void
lodge_display_init_pan (LodgeDisplay *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();

  g_signal_connect_object (motion, "motion", G_CALLBACK (motion_cb), self, 0);
  g_signal_connect_object (motion, "leave", G_CALLBACK (leave_cb), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);
}

void
lodge_display_clear_pan (LodgeDisplay *self)
{
  stop_edge (self);
  lodge_display_set_adjustment (self, GTK_ORIENTATION_HORIZONTAL, NULL);
  lodge_display_set_adjustment (self, GTK_ORIENTATION_VERTICAL, NULL);
}
