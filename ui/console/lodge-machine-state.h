/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The states of a machine as the windows show them: a word, an icon, and what can be asked for. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_MACHINE_STATE_UNKNOWN, /* a word this build does not know */
  LODGE_MACHINE_STATE_OFF,
  LODGE_MACHINE_STATE_STARTING,
  LODGE_MACHINE_STATE_RUNNING,
  LODGE_MACHINE_STATE_PAUSED,
  LODGE_MACHINE_STATE_SUSPENDING,
  LODGE_MACHINE_STATE_STOPPING,
  LODGE_MACHINE_STATE_CRASHED,
  LODGE_MACHINE_STATE_SUSPENDED,
  LODGE_MACHINE_STATE_TEMPLATE, /* off, and others are made from it */
  LODGE_MACHINE_STATE_LOOKING,  /* the engine does not know yet whether it runs */
  LODGE_MACHINE_STATE_MAKING,   /* not on the contract: a job makes it, and it is not there yet */
  LODGE_N_MACHINE_STATES,
} LodgeMachineState;

/* What a user can ask of a machine, as bits. */
typedef enum {
  LODGE_MACHINE_CAN_START = 1 << 0,
  LODGE_MACHINE_CAN_PAUSE = 1 << 1,
  LODGE_MACHINE_CAN_RESUME = 1 << 2,
  LODGE_MACHINE_CAN_SHUTDOWN = 1 << 3,
  LODGE_MACHINE_CAN_RESET = 1 << 4,
  LODGE_MACHINE_CAN_KILL = 1 << 5,
  LODGE_MACHINE_CAN_DELETE = 1 << 6,
  LODGE_MACHINE_CAN_SHOW = 1 << 7,          /* the guest has a picture and takes keys */
  LODGE_MACHINE_CAN_GO_BACK = 1 << 8,       /* to a snapshot */
  LODGE_MACHINE_CAN_SUSPEND = 1 << 9,       /* to disk */
  LODGE_MACHINE_CAN_DISCARD = 1 << 10,      /* what was suspended; a start goes on from that */
  LODGE_MACHINE_CAN_STAY = 1 << 11,         /* not be suspended after all */
  LODGE_MACHINE_CAN_CLONE = 1 << 12,        /* as it is now; a snapshot can be at any time */
  LODGE_MACHINE_CAN_CHANGE_MEDIA = 1 << 13, /* discs in its drives */
  LODGE_MACHINE_CAN_GROW_DISKS = 1 << 14,
  LODGE_MACHINE_CAN_CHANGE_DISKS = 1 << 15, /* anything else with them */
  LODGE_MACHINE_CAN_TRY = 1 << 16,          /* be started without keeping what is changed */
  LODGE_MACHINE_CAN_BE_TEMPLATE = 1 << 17,
  LODGE_MACHINE_CAN_INSTANTIATE = 1 << 18, /* it is one */
  LODGE_MACHINE_CAN_PLUG_DISKS = 1 << 19,  /* into the guest that runs, and out of it */
} LodgeMachineCan;

/* No word of the contract. */
#define LODGE_MACHINE_STATE_MAKING_TEXT "(being made)"

/* @text: as on the contract ("running"). */
LodgeMachineState lodge_machine_state_from_text (const char *text);
/* The word for the user. */
const char *lodge_machine_state_get_word (LodgeMachineState state);
const char *lodge_machine_state_get_icon (LodgeMachineState state);
/* A style class: "success", "warning", "error", "accent" or "dim-label". */
const char *lodge_machine_state_get_style (LodgeMachineState state);
LodgeMachineCan lodge_machine_state_get_can (LodgeMachineState state);

G_END_DECLS
