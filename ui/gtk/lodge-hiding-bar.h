/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window's header bar that, in full screen, is a bar in the middle of the top edge. It
 *
 *   comes   for a moment when full screen begins; when the pointer rests at the top edge; when the
 *           keyboard leaves the guest (Ctrl+Alt), and then has it
 *   stays   while the pointer or the keyboard is in it, or a menu of it is open
 *   goes    a moment after the pointer has left it; at once with Escape, or when the guest has the
 *           keyboard again
 *
 * F11 begins and ends full screen. The top row belongs to the guest: a pointer that only comes by,
 * that drags something, or that clicks there, does not bring the bar.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct _LodgeHidingBar LodgeHidingBar;

/* The parts of a window that the bar is made from; all lent, and there for as long as the bar. */
typedef struct {
  GtkWindow *window;
  GtkBox *content;       /* the header is its first child while there is no full screen */
  GtkWidget *header;     /* AdwHeaderBar */
  GtkWidget *overlay;    /* the picture and what lies over it */
  GtkRevealer *revealer; /* of that overlay, at its top; empty, not visible */
  GtkButton *toggle;     /* begins and ends full screen; in the header */
  GtkWidget *minimize;   /* in the header; seen in full screen */

  /* Each is called with @user_data. */
  void (*focus_guest) (gpointer user_data);
  gboolean (*has_open_menu) (gpointer user_data);
  gboolean (*key_pressed) (guint keyval, GdkModifierType held, gpointer user_data); /* nullable */
  void (*key_released) (gpointer user_data);                                        /* nullable */
  gpointer user_data;
} LodgeHidingBarParts;

/* @parts: copied. Returns: (transfer full): free it with lodge_hiding_bar_free() before the window
 * is disposed of. */
LodgeHidingBar *lodge_hiding_bar_new (const LodgeHidingBarParts *parts);
void lodge_hiding_bar_free (LodgeHidingBar *self);

/* Begins or ends full screen. */
void lodge_hiding_bar_toggle (LodgeHidingBar *self);
/* The keyboard leaves the guest for the bar. FALSE, and nothing is done, out of full screen. */
gboolean lodge_hiding_bar_enter (LodgeHidingBar *self);
/* What the header says has to be said elsewhere. */
gboolean lodge_hiding_bar_is_hidden (LodgeHidingBar *self);

G_END_DECLS
