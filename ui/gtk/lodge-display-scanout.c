/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display's picture where a graphics card has it: a widget below the guest's cursor, and the
 * word to the guest that what it has drawn is on the screen. */
#include "gtk/lodge-display-private.h"

#include "gtk/lodge-scanout-view.h"

/* ---- the guest may go on */

void
lodge_display_forget_scanout_frame (LodgeDisplay *self)
{
  if (self->scanout_clock == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->scanout_clock, self);
  g_clear_object (&self->scanout_clock);
}

static void
painted_cb (GdkFrameClock *clock, LodgeDisplay *self)
{
  lodge_display_forget_scanout_frame (self);
  if (self->source != NULL)
    lodge_frame_source_drawn (self->source);
}

/* With the next frame of the window. Before it has any nobody sees anything. */
static void
answer_when_painted (LodgeDisplay *self)
{
  GdkFrameClock *clock = gtk_widget_get_frame_clock (GTK_WIDGET (self));

  if (self->scanout_clock != NULL)
    return;
  if (clock == NULL || self->scanout == NULL) {
    lodge_frame_source_drawn (self->source);
    return;
  }
  self->scanout_clock = g_object_ref (clock);
  g_signal_connect (clock, "after-paint", G_CALLBACK (painted_cb), self);
}

/* ---- the picture */

static void
set_problem (LodgeDisplay *self, const char *problem)
{
  if (g_strcmp0 (self->problem, problem) == 0)
    return;
  g_free (self->problem);
  self->problem = g_strdup (problem);
  g_object_notify (G_OBJECT (self), "problem");
}

static void
drop_view (LodgeDisplay *self)
{
  lodge_display_forget_scanout_frame (self);
  g_clear_pointer (&self->scanout, gtk_widget_unparent);
}

void
lodge_display_drop_scanout (LodgeDisplay *self)
{
  drop_view (self);
  set_problem (self, NULL);
}

static void
show_scanout (LodgeDisplay *self, const cairo_rectangle_int_t *damage)
{
  g_autoptr (GError) error = NULL;
  LodgeScanout scanout;

  if (!lodge_frame_source_get_scanout (self->source, &scanout)) {
    drop_view (self);
    set_problem (self, lodge_frame_source_get_problem (self->source));
    return;
  }
  if (self->scanout == NULL) {
    self->scanout = lodge_scanout_view_new ();
    gtk_widget_set_parent (self->scanout, GTK_WIDGET (self));
  }
  if (lodge_scanout_view_show (LODGE_SCANOUT_VIEW (self->scanout), &scanout, damage, &error)) {
    set_problem (self, NULL);
    return;
  }
  drop_view (self);
  set_problem (self, error->message);
}

void
lodge_display_update_scanout (LodgeDisplay *self)
{
  show_scanout (self, NULL);
  lodge_display_move_scanout (self);
}

gboolean
lodge_display_damage_scanout (LodgeDisplay *self, const cairo_rectangle_int_t *damage)
{
  LodgeScanout scanout;

  if (!lodge_frame_source_get_scanout (self->source, &scanout))
    return FALSE;
  /* What could not be shown once is not tried again with each of the guest's frames. */
  if (self->scanout != NULL)
    show_scanout (self, damage);
  answer_when_painted (self);
  return TRUE;
}

/* ---- its place */

void
lodge_display_allocate_scanout (LodgeDisplay *self)
{
  LodgeDisplayView view;

  if (self->scanout == NULL)
    return;
  lodge_display_find_view (self, &view);
  const double width = view.view_width / view.device_scale;
  const double height = view.view_height / view.device_scale;
  const int columns = MAX (1, (int) width), rows = MAX (1, (int) height);
  GskTransform *transform = gsk_transform_translate (
      NULL, &GRAPHENE_POINT_INIT (lodge_display_view_from_device_x (&view, view.left),
                                  lodge_display_view_from_device_y (&view, view.top)));
  int minimum;

  /* Widgets have whole sizes; what is left of the view's is made up for. */
  transform = gsk_transform_scale (transform, width / columns, height / rows);
  gtk_widget_measure (self->scanout, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  gtk_widget_allocate (self->scanout, columns, rows, -1, transform);
  lodge_scanout_view_set_sharp (LODGE_SCANOUT_VIEW (self->scanout),
                                view.device_scale == 1 && view.guest_width > 0 &&
                                    view.view_width > view.guest_width &&
                                    view.view_width % view.guest_width == 0);
}

void
lodge_display_move_scanout (LodgeDisplay *self)
{
  if (self->scanout != NULL)
    gtk_widget_queue_allocate (GTK_WIDGET (self));
}

GdkTexture *
lodge_display_dup_scanout (LodgeDisplay *self, gboolean *out_from_bottom)
{
  LodgeScanout scanout;
  GdkTexture *texture;

  g_return_val_if_fail (LODGE_IS_DISPLAY (self), NULL);

  if (self->scanout == NULL || !lodge_frame_source_get_scanout (self->source, &scanout))
    return NULL;
  texture = lodge_scanout_view_get_texture (LODGE_SCANOUT_VIEW (self->scanout));
  *out_from_bottom = scanout.from_bottom;
  return texture != NULL ? g_object_ref (texture) : NULL;
}

const char *
lodge_display_get_problem (LodgeDisplay *self)
{
  g_return_val_if_fail (LODGE_IS_DISPLAY (self), NULL);

  return self->problem;
}
