/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the display share: picture, keyboard, pointer. */
#pragma once

#include "console/lodge-display-view.h"
#include "console/lodge-host-keys.h"
#include "console/lodge-leave-combo.h"
#include "console/lodge-scroll.h"
#include "gtk/lodge-display.h"
#include "gtk/lodge-plane.h"
#include "gtk/lodge-pointer-lock.h"
#include "gtk/lodge-tiles.h"

G_BEGIN_DECLS

struct _LodgeDisplay {
  GtkWidget parent_instance;

  LodgeConsoleSession *session;
  guint monitor;
  LodgeFrameSource *source; /* lent by the session */
  LodgeScaling scaling;
  gboolean whole_multiples;
  guint resize_id;
  gboolean switched_on; /* a further monitor was given a size in this session */

  /* picture */
  LodgeTiles *tiles;
  LodgeDisplayView view;  /* as it was drawn last */
  guint collected_id;     /* until what the guest has drawn is there as a whole, */
  guint collect_id;       /* or has waited long enough for a frame */
  LodgePlane *plane;      /* from when it was of use first, as long as it is mapped */
  gboolean plane_refused; /* none can be had */
  gboolean plane_lost;
  gboolean plane_shown;
  cairo_rectangle_int_t plane_place; /* device pixels of the surface */
  double plane_scale;                /* of that surface */
  int plane_x;                       /* the picture's pixel there */
  int plane_y;
  gint64 plane_drawn;           /* when it was, last */
  cairo_region_t *plane_damage; /* of the picture: not put yet */
  GtkWidget *scanout;           /* while a graphics card has the picture; else NULL */
  GdkFrameClock *scanout_clock; /* until its next frame, for which the guest waits */
  char *problem;                /* why there is no picture, or NULL */

  /* which part of the picture is seen; both indexed by GtkOrientation */
  GtkAdjustment *pan[2];
  GtkScrollablePolicy pan_policy[2]; /* has no meaning here, but must be there */
  guint edge_id;                     /* while the pointer is at an edge */
  gint64 edge_time;
  double edge_x;
  double edge_y;

  /* keyboard */
  GtkWidget *key_root; /* where key_controller is while the display has the focus */
  GtkEventController *key_controller;
  gboolean focused;
  gboolean grabbed;
  gboolean grab_shortcuts; /* the user wants it */
  gboolean inhibiting;     /* the desktop's shortcuts go to the guest now */
  LodgeHostKeys *host_keys;
  gboolean host_keys_lead; /* to one that stays with the host */
  gboolean spoilt_tap;     /* and the guest was given another key between */
  gulong xevent_id;        /* on X11, while grabbed */
  int xi_opcode;
  LodgeLeaveCombo combo;

  /* pointer */
  LodgePointerLock *lock;
  guint swallowed; /* LodgeButton bits: the press grabbed a relative pointer: not the guest's */
  double rest_x;   /* of relative motion: what is less than a pixel */
  double rest_y;
  double last_x; /* without a lock: where motion is counted from */
  double last_y;
  LodgeScroll scroll;
  GdkTexture *cursor;
  int cursor_hot_x;
  int cursor_hot_y;
  double cursor_scale; /* that the host's cursor was made with */
};

/* lodge-display.c */
void lodge_display_set_grabbed (LodgeDisplay *self, gboolean grabbed);
/* Ctrl+Alt: ends the grab; where there is none, "leave". */
void lodge_display_leave (LodgeDisplay *self);

/* lodge-display-snapshot.c */
void lodge_display_snapshot (GtkWidget *widget, GtkSnapshot *snapshot);
void lodge_display_connect_source (LodgeDisplay *self);
void lodge_display_disconnect_source (LodgeDisplay *self);
/* Where the picture is to be now; the second one also draws it there from now on. */
void lodge_display_find_view (LodgeDisplay *self, LodgeDisplayView *out_view);
void lodge_display_update_view (LodgeDisplay *self);
void lodge_display_forget_damage (LodgeDisplay *self);
/* Draws what has changed once nothing more is there to be given out. */
void lodge_display_collect (LodgeDisplay *self);
/* Whether the guest's cursor is drawn by us, over the picture. */
gboolean lodge_display_draws_cursor (LodgeDisplay *self);

/* lodge-display-plane.c: the picture past GTK, where that can be */
void lodge_display_watch_plane (LodgeDisplay *self);
void lodge_display_unwatch_plane (LodgeDisplay *self);
/* FALSE: it is not shown, and this is for the tiles. */
gboolean lodge_display_damage_plane (LodgeDisplay *self, const cairo_rectangle_int_t *damage);
/* FALSE: GTK is to draw it. */
gboolean lodge_display_draw_plane (LodgeDisplay *self);
/* What a key or the pointer has changed comes alone and is drawn at once; of what comes faster as
 * much as there is together. */
gboolean lodge_display_plane_has_rested (LodgeDisplay *self);
/* GTK is about to draw the picture in this view. */
void lodge_display_follow_plane (LodgeDisplay *self, const LodgeDisplayView *view);

/* lodge-display-scanout.c: the picture in a graphics card's memory, if it is there now */
void lodge_display_update_scanout (LodgeDisplay *self);
void lodge_display_drop_scanout (LodgeDisplay *self);
/* FALSE when the picture is an ordinary one. */
gboolean lodge_display_damage_scanout (LodgeDisplay *self, const cairo_rectangle_int_t *damage);
void lodge_display_allocate_scanout (LodgeDisplay *self);
/* The view is another one: it is allocated anew with the next frame. */
void lodge_display_move_scanout (LodgeDisplay *self);
/* Whoever looked does not any more. */
void lodge_display_forget_scanout_frame (LodgeDisplay *self);

/* lodge-display-pan.c */
void lodge_display_init_pan (LodgeDisplay *self);
void lodge_display_clear_pan (LodgeDisplay *self);
void lodge_display_set_adjustment (LodgeDisplay *self,
                                   GtkOrientation orientation,
                                   GtkAdjustment *adjustment);
/* The adjustments follow the sizes of window and picture. */
void lodge_display_configure_pan (LodgeDisplay *self);
void lodge_display_get_pan (LodgeDisplay *self, LodgeDisplayView *view);
/* Moves the view so that this pixel of the guest is well inside. */
void lodge_display_pan_to (LodgeDisplay *self, int x, int y);

/* lodge-display-input.c */
void lodge_display_init_input (LodgeDisplay *self);
void lodge_display_sync_locks (LodgeDisplay *self);
/* Lets go of everything that is held down, and of the grab. */
void lodge_display_release (LodgeDisplay *self);
void lodge_display_drop_keys (LodgeDisplay *self);

/* lodge-display-grab.c */
void lodge_display_grab (LodgeDisplay *self, GdkEvent *event);
void lodge_display_update_grab (LodgeDisplay *self);
/* TRUE when the key is not the guest's. */
gboolean lodge_display_follow_host_keys (LodgeDisplay *self, guint evdev, gboolean pressed);
void lodge_display_drop_host_keys (LodgeDisplay *self);

/* lodge-display-x11.c: ungrabs when the focus goes elsewhere during a grab */
#ifdef LODGE_HAVE_X11
void lodge_display_watch_focus (LodgeDisplay *self);
void lodge_display_unwatch_focus (LodgeDisplay *self);
#endif

/* lodge-display-shown.c: while it is mapped, and when that, or its session, changes */
void lodge_display_watch_shown (LodgeDisplay *self);
void lodge_display_unwatch_shown (LodgeDisplay *self);
void lodge_display_update_shown (LodgeDisplay *self);

/* lodge-display-pointer.c */
void lodge_display_init_pointer (LodgeDisplay *self);
void lodge_display_update_cursor (LodgeDisplay *self);
void lodge_display_forget_cursor (LodgeDisplay *self);
void lodge_display_lock_pointer (LodgeDisplay *self);
void lodge_display_unlock_pointer (LodgeDisplay *self);
gboolean lodge_display_pointer_is_relative (LodgeDisplay *self);
/* A turn of a wheel, or of fingers on a touchpad. @dx, @dy: notches, or pixels for
 * GDK_SCROLL_UNIT_SURFACE; positive is right and down. */
void lodge_display_scroll (LodgeDisplay *self, double dx, double dy, GdkScrollUnit unit);

G_END_DECLS
