/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file on its way into the guest. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_TRANSFER_WAITING, /* for those before it */
  LODGE_TRANSFER_RUNNING,
  LODGE_TRANSFER_DONE,      /* this and the following are final */
  LODGE_TRANSFER_FAILED,    /* the sentence says why */
  LODGE_TRANSFER_CANCELLED, /* what has arrived of it is for the guest's agent to remove */
} LodgeTransferState;

#define LODGE_TYPE_CONSOLE_TRANSFER (lodge_console_transfer_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeConsoleTransfer, lodge_console_transfer, LODGE, CONSOLE_TRANSFER, GObject)

/* Properties
 *   "state" (uint, read): a LodgeTransferState
 *   "progress" (double, read): 0 to 1; notified for each thousandth
 */

LodgeTransferState lodge_console_transfer_get_state (LodgeConsoleTransfer *self);
double lodge_console_transfer_get_progress (LodgeConsoleTransfer *self);
/* Lent. For showing: valid UTF-8, whatever the name is. Never markup. */
const char *lodge_console_transfer_get_name (LodgeConsoleTransfer *self);
/* Lent. NULL unless it failed. Never markup. */
const char *lodge_console_transfer_get_sentence (LodgeConsoleTransfer *self);
/* It is over at once, even if the guest does not answer. */
void lodge_console_transfer_cancel (LodgeConsoleTransfer *self);

G_END_DECLS
