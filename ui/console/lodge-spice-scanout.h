/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pictures that a SPICE display channel passes as a graphics card's memory, and the answers
 * that the server waits for.
 *
 * QEMU holds up its guest's graphics from each drawing on until it is answered, and only complains
 * after a second (ui/spice-display.c). So each one is: when it has been shown; at once where nobody
 * looks; and after a while in any case.
 */
#pragma once

#include "console/lodge-scanout.h"

#include <spice-client.h>

G_BEGIN_DECLS

typedef struct _LodgeSpiceScanout LodgeSpiceScanout;

typedef struct {
  /* Another picture, or none. The last one's descriptor is closed when this returns. */
  void (*changed) (gpointer user_data);
  /* Inside of the picture. */
  void (*damage) (int x, int y, int width, int height, gpointer user_data);
} LodgeSpiceScanoutEvents;

/* Keeps a reference on @channel, and answers on it until it is freed. */
LodgeSpiceScanout *lodge_spice_scanout_new (SpiceDisplayChannel *channel,
                                            const LodgeSpiceScanoutEvents *events,
                                            gpointer user_data);
void lodge_spice_scanout_free (LodgeSpiceScanout *self);

/* FALSE while there is none that can be shown. */
gboolean lodge_spice_scanout_get (LodgeSpiceScanout *self, LodgeScanout *out_scanout);
/* Lent: what is wrong with the one that there is, or NULL. */
const char *lodge_spice_scanout_get_problem (LodgeSpiceScanout *self);
/* The picture is an ordinary one again. Calls nothing back. */
void lodge_spice_scanout_forget (LodgeSpiceScanout *self);

/* Whether somebody will say so when a drawing is shown. FALSE at first. */
void lodge_spice_scanout_set_shown (LodgeSpiceScanout *self, gboolean shown);
/* All that was drawn is on the screen. */
void lodge_spice_scanout_drawn (LodgeSpiceScanout *self);

G_END_DECLS
