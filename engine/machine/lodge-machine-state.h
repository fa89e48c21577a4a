/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The states of a machine and the moves between them, as data. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In the order of the table in the .c file. */
typedef enum {
  LODGE_STATE_OFF,
  LODGE_STATE_STARTING,
  LODGE_STATE_RUNNING,
  LODGE_STATE_PAUSED,
  LODGE_STATE_SUSPENDING,
  LODGE_STATE_STOPPING,
  LODGE_STATE_CRASHED,
  LODGE_STATE_SUSPENDED,
  LODGE_STATE_TEMPLATE,
  LODGE_N_STATES,
} LodgeState;

/* What somebody wants of a machine; each is allowed in some states only. */
typedef enum {
  LODGE_ACTION_START,
  LODGE_ACTION_PAUSE,
  LODGE_ACTION_RESUME,
  LODGE_ACTION_SHUTDOWN,
  LODGE_ACTION_RESET,
  LODGE_ACTION_WAKE,
  LODGE_ACTION_KILL,
  LODGE_ACTION_DELETE,
  LODGE_ACTION_SNAPSHOT, /* taking one */
  LODGE_ACTION_REVERT,   /* going back to one */
  LODGE_ACTION_CLONE,    /* of the present */
  LODGE_ACTION_SUSPEND,  /* to disk */
  LODGE_ACTION_DISCARD,  /* what was suspended */
  LODGE_ACTION_GROW,     /* a disk */
  LODGE_ACTION_DISKS,    /* adding and removing them */
  LODGE_ACTION_STICKS,   /* plugging them in and out */
  LODGE_ACTION_COMPACT,  /* a disk */
  LODGE_ACTION_CONVERT,  /* a disk, into an image for others */
  LODGE_ACTION_ENCRYPT,  /* all of it, or not any more */
  LODGE_ACTION_TEMPLATE, /* become one */
  LODGE_ACTION_FETCH,    /* a file out of the guest */
  LODGE_ACTION_INPUT,    /* keys, text, screenshot, console */
  LODGE_N_ACTIONS,
} LodgeAction;

/* The name on the contract: "off". Never translated. */
const char *lodge_state_get_name (LodgeState state);
/* Whether a QEMU belongs to the state. */
gboolean lodge_state_is_live (LodgeState state);
gboolean lodge_state_can_move (LodgeState from, LodgeState to);

/**
 * lodge_state_check_action:
 * @name: the machine's, for the message
 *
 * Errors: %LODGE_ERROR_STATE with the state it is in and the states it would have to be in.
 */
gboolean
lodge_state_check_action (LodgeState state, LodgeAction action, const char *name, GError **error);

G_END_DECLS
