/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The widget that shows a console session and gives it keys and pointer. */
#pragma once

#include "console/lodge-console-session.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_DISPLAY (lodge_display_get_type ())
G_DECLARE_FINAL_TYPE (LodgeDisplay, lodge_display, LODGE, DISPLAY, GtkWidget)

/* How the guest's picture is brought into the widget. Their nicks are the words of the machine's
 * key display.scaling. */
typedef enum {
  LODGE_SCALING_RESIZE_GUEST, /* the guest is asked for the widget's size; else as below */
  LODGE_SCALING_SCALE,        /* as large as it fits, by a whole number where that is near */
  LODGE_SCALING_ONE_TO_ONE,   /* each of its pixels is one of the screen's; a part is seen */
} LodgeScaling;
#define LODGE_TYPE_SCALING (lodge_scaling_get_type ())
GType lodge_scaling_get_type (void);

/* It can be in a GtkScrolledWindow, whose bars are there while a part of the picture is seen.
 *
 * Properties
 *   "session" (LodgeConsoleSession, read-write)
 *   "scaling" (LodgeScaling, read-write)
 *   "whole-multiples" (boolean, read-write): a picture is made larger by whole numbers only
 *   "grabbed" (boolean, read): system shortcuts and the pointer are the guest's now
 *   "problem" (string, read): why the guest's picture cannot be shown, or NULL
 *
 * Signals
 *   "leave": Ctrl+Alt was typed without a grab: the keyboard is wanted outside. All other keys are
 *            the guest's, Tab too, so without a pointer this is the only way out.
 *   "paste-pressed" (): a combination went into the guest that pastes in most programs
 *   "size-wanted" (int width, int height): the guest shall follow the widget's size, in its own
 *            pixels, and the session cannot tell it (no agent)
 */
GtkWidget *lodge_display_new (void);
void lodge_display_set_session (LodgeDisplay *self, LodgeConsoleSession *session);
LodgeConsoleSession *lodge_display_get_session (LodgeDisplay *self);
/* Which of the guest's monitors is shown, below LODGE_CONSOLE_MONITORS; 0 until then. Only while
 * there is no session. */
void lodge_display_set_monitor (LodgeDisplay *self, guint monitor);
void lodge_display_set_scaling (LodgeDisplay *self, LodgeScaling scaling);
void lodge_display_set_whole_multiples (LodgeDisplay *self, gboolean whole_multiples);
gboolean lodge_display_get_grabbed (LodgeDisplay *self);
void lodge_display_ungrab (LodgeDisplay *self);

/* Whether a click gives the desktop's own shortcuts to the guest; TRUE at first. */
void lodge_display_set_grab_shortcuts (LodgeDisplay *self, gboolean grab_shortcuts);
/* @combinations: (nullable): stay with the host, as lodge_key_names_parse() takes them */
void lodge_display_set_host_keys (LodgeDisplay *self, const char *const *combinations);
/* Whether the desktop keeps its shortcuts: by either of the two; or, during a grab, because it does
 * not give them away. "grabbed" is notified when that changes. */
gboolean lodge_display_get_keeps_shortcuts (LodgeDisplay *self);
/* Whether the guest has the pointer for itself. */
gboolean lodge_display_get_has_pointer (LodgeDisplay *self);
/* What the user must know to get out of a grab, in words; NULL without one. "grabbed" is notified
 * when that changes. */
const char *lodge_display_get_way_out (LodgeDisplay *self);

/* Lent: why the guest's picture cannot be shown, or NULL. */
const char *lodge_display_get_problem (LodgeDisplay *self);
/* Returns: (transfer full) (nullable): the picture, where a graphics card has it.
 * @out_from_bottom: whether its first line is the lowest */
GdkTexture *lodge_display_dup_scanout (LodgeDisplay *self, gboolean *out_from_bottom);

G_END_DECLS
