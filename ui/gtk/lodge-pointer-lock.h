/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps the host's pointer in one place and tells how far it was moved.
 *
 * GTK 4 offers nothing for this, so each windowing system has its own way. The host's pointer is
 * back where it was when the lock is freed.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct _LodgePointerLock LodgePointerLock;

/* In device pixels, with fractions, before the host's acceleration. */
typedef void (*LodgePointerMotion) (double dx, double dy, gpointer user_data);
/* The host took the pointer, or the keyboard's focus, away. */
typedef void (*LodgePointerLost) (gpointer user_data);

/* NULL where the windowing system has no way. */
LodgePointerLock *lodge_pointer_lock_new (GtkWidget *widget,
                                          LodgePointerMotion motion,
                                          LodgePointerLost lost,
                                          gpointer user_data);
void lodge_pointer_lock_free (LodgePointerLock *self);

/* One per windowing system. */
struct _LodgePointerLock {
  void (*free) (LodgePointerLock *self);
  LodgePointerMotion motion;
  LodgePointerLost lost;
  gpointer user_data;
  gboolean active; /* the pointer is locked, and motion comes */
};
#ifdef LODGE_HAVE_X11
LodgePointerLock *lodge_pointer_lock_new_x11 (GtkWidget *widget);
#endif
#ifdef LODGE_HAVE_WAYLAND
LodgePointerLock *lodge_pointer_lock_new_wayland (GtkWidget *widget);
#endif

G_END_DECLS
