/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said over a screen that shows nothing, or stands still; and whether it has shown nothing
 * for so long that there is something to say. The keyboard stays with the guest, which a key may
 * wake. */
#pragma once

#include "console/lodge-frame-source.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct _LodgeScreenHint LodgeScreenHint;

/* All of it as the user reads it. */
typedef struct {
  const char *title;
  const char *sentence;
  const char *button; /* NULL: none */
  const char *action;
  const char *target; /* of the action, or NULL */
  gboolean below;     /* at the lower end, where the picture is worth to be read */
} LodgeScreenHintWords;

/* @overlay: over the screen. @changed: what lodge_screen_hint_is_dark() says is another thing now
 */
LodgeScreenHint *lodge_screen_hint_new (GtkOverlay *overlay,
                                        void (*changed) (gpointer user_data),
                                        gpointer user_data);
void lodge_screen_hint_free (LodgeScreenHint *self);

/* @source: (nullable): of the screen, from now on. Cheap where it is the same. */
void lodge_screen_hint_follow (LodgeScreenHint *self, LodgeFrameSource *source);
/* There has been no picture of the guest's for a while. */
gboolean lodge_screen_hint_is_dark (LodgeScreenHint *self);

/* @words: (nullable): NULL for nothing; not kept */
void lodge_screen_hint_show (LodgeScreenHint *self, const LodgeScreenHintWords *words);
gboolean lodge_screen_hint_is_shown (LodgeScreenHint *self);

/* What a card has written would stick out on both sides of the hint. @display: in its stage, which
 * is black in its stead */
void lodge_screen_hint_hide (GtkWidget *display, gboolean hidden);

G_END_DECLS
