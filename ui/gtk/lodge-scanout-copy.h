/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A copy of what a graphics card has in its memory, for who needs its pixels. It takes its time:
 * the card is waited for. */
#pragma once

#include "gtk/lodge-display.h"

G_BEGIN_DECLS

/* Its memory, for one copy after another. Begins as {0}. */
typedef struct {
  guint8 *data;
  gsize size;
} LodgeScanoutCopy;

/**
 * lodge_scanout_copy_take:
 * @out_frame: its first line on top; lent until the next one. Written only on success
 *
 * Returns: %FALSE unless a graphics card has the picture that @display shows, and there is memory
 *   for a copy
 */
gboolean
lodge_scanout_copy_take (LodgeScanoutCopy *self, LodgeDisplay *display, LodgeFrame *out_frame);
void lodge_scanout_copy_clear (LodgeScanoutCopy *self);

G_END_DECLS
