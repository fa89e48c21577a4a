/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a display stands in. */
#include "gtk/lodge-stage.h"

/* The bars are for a window. In full screen they would take from the screen; there the pointer
 * moves the view at the edges. */
static void
update_bars (GtkScrolledWindow *stage)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (stage));
  const GtkPolicyType policy = GTK_IS_WINDOW (root) && gtk_window_is_fullscreen (GTK_WINDOW (root))
                                   ? GTK_POLICY_EXTERNAL
                                   : GTK_POLICY_AUTOMATIC;

  gtk_scrolled_window_set_policy (stage, policy, policy);
}

static void
map_cb (GtkScrolledWindow *stage)
{
  g_signal_connect_object (gtk_widget_get_root (GTK_WIDGET (stage)), "notify::fullscreened",
                           G_CALLBACK (update_bars), stage, G_CONNECT_SWAPPED);
  update_bars (stage);
}

static void
unmap_cb (GtkScrolledWindow *stage)
{
  g_signal_handlers_disconnect_by_func (gtk_widget_get_root (GTK_WIDGET (stage)), update_bars,
                                        stage);
}

void
lodge_stage_init (GtkScrolledWindow *stage)
{
  /* Beside the picture, not over it. */
  gtk_scrolled_window_set_overlay_scrolling (stage, FALSE);
  gtk_scrolled_window_set_kinetic_scrolling (stage, FALSE);
  gtk_widget_add_css_class (GTK_WIDGET (stage), "console-stage");
  g_signal_connect (stage, "map", G_CALLBACK (map_cb), NULL);
  g_signal_connect (stage, "unmap", G_CALLBACK (unmap_cb), NULL);
}
