/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One row per state of the contract. */
#include "console/lodge-machine-state.h"

#include <glib/gi18n-lib.h>

typedef struct {
  const char *text;
  const char *word;
  const char *icon;
  const char *style;
  LodgeMachineCan can;
} StateRow;

#define CAN_OFF                                                                                    \
  (LODGE_MACHINE_CAN_START | LODGE_MACHINE_CAN_DELETE | LODGE_MACHINE_CAN_GO_BACK |                \
   LODGE_MACHINE_CAN_CLONE | LODGE_MACHINE_CAN_CHANGE_MEDIA | LODGE_MACHINE_CAN_GROW_DISKS |       \
   LODGE_MACHINE_CAN_CHANGE_DISKS | LODGE_MACHINE_CAN_TRY)
#define CAN_STANDING                                                                               \
  (LODGE_MACHINE_CAN_RESET | LODGE_MACHINE_CAN_KILL | LODGE_MACHINE_CAN_SHOW |                     \
   LODGE_MACHINE_CAN_SUSPEND | LODGE_MACHINE_CAN_CLONE | LODGE_MACHINE_CAN_CHANGE_MEDIA |          \
   LODGE_MACHINE_CAN_GROW_DISKS | LODGE_MACHINE_CAN_PLUG_DISKS | LODGE_MACHINE_CAN_GO_BACK)

/* While a machine is on its way somewhere only the plug can be pulled. */
static const StateRow rows[] = {
    [LODGE_MACHINE_STATE_UNKNOWN] = {"", N_ ("Unknown"), "dialog-question-symbolic", "dim-label",
                                     0},
    [LODGE_MACHINE_STATE_OFF] = {"off", N_ ("Off"), "lodge-off-symbolic", "dim-label",
                                 CAN_OFF | LODGE_MACHINE_CAN_BE_TEMPLATE},
    [LODGE_MACHINE_STATE_STARTING] = {"starting", N_ ("Starting"), "lodge-busy-symbolic", "accent",
                                      LODGE_MACHINE_CAN_KILL},
    [LODGE_MACHINE_STATE_RUNNING] = {"running", N_ ("Running"), "lodge-running-symbolic", "success",
                                     CAN_STANDING | LODGE_MACHINE_CAN_SHUTDOWN |
                                         LODGE_MACHINE_CAN_PAUSE},
    [LODGE_MACHINE_STATE_PAUSED] = {"paused", N_ ("Paused"), "lodge-paused-symbolic", "warning",
                                    CAN_STANDING | LODGE_MACHINE_CAN_RESUME},
    [LODGE_MACHINE_STATE_SUSPENDING] = {"suspending", N_ ("Suspending"), "lodge-busy-symbolic",
                                        "accent", LODGE_MACHINE_CAN_KILL | LODGE_MACHINE_CAN_STAY},
    /* The guest may show a question before it goes, and may need a second press of the button. */
    [LODGE_MACHINE_STATE_STOPPING] = {"stopping", N_ ("Shutting Down"), "lodge-busy-symbolic",
                                      "accent",
                                      LODGE_MACHINE_CAN_SHUTDOWN | LODGE_MACHINE_CAN_KILL |
                                          LODGE_MACHINE_CAN_SHOW | LODGE_MACHINE_CAN_CHANGE_MEDIA},
    [LODGE_MACHINE_STATE_CRASHED] = {"crashed", N_ ("Crashed"), "dialog-warning-symbolic", "error",
                                     CAN_OFF},
    [LODGE_MACHINE_STATE_SUSPENDED] = {"suspended", N_ ("Suspended"), "lodge-suspended-symbolic",
                                       "accent",
                                       LODGE_MACHINE_CAN_START | LODGE_MACHINE_CAN_DELETE |
                                           LODGE_MACHINE_CAN_DISCARD},
    [LODGE_MACHINE_STATE_TEMPLATE] = {"template", N_ ("Template"), "edit-copy-symbolic", "accent",
                                      LODGE_MACHINE_CAN_INSTANTIATE | LODGE_MACHINE_CAN_DELETE |
                                          LODGE_MACHINE_CAN_CLONE},
    /* Translators: a state: whether the machine runs is being found out. */
    [LODGE_MACHINE_STATE_LOOKING] = {"looking", N_ ("Looking…"), "lodge-busy-symbolic", "dim-label",
                                     0},
    [LODGE_MACHINE_STATE_MAKING] = {LODGE_MACHINE_STATE_MAKING_TEXT, N_ ("Being Made"),
                                    "lodge-busy-symbolic", "accent", 0},
};
G_STATIC_ASSERT (G_N_ELEMENTS (rows) == LODGE_N_MACHINE_STATES);

static const StateRow *
get_row (LodgeMachineState state)
{
  return (guint) state < G_N_ELEMENTS (rows) ? &rows[state] : &rows[LODGE_MACHINE_STATE_UNKNOWN];
}

LodgeMachineState
lodge_machine_state_from_text (const char *text)
{
  for (guint i = LODGE_MACHINE_STATE_OFF; i < G_N_ELEMENTS (rows); i++) {
    if (g_strcmp0 (text, rows[i].text) == 0)
      return i;
  }

  return LODGE_MACHINE_STATE_UNKNOWN;
}

const char *
lodge_machine_state_get_word (LodgeMachineState state)
{
  return _ (get_row (state)->word);
}

const char *
lodge_machine_state_get_icon (LodgeMachineState state)
{
  return get_row (state)->icon;
}

const char *
lodge_machine_state_get_style (LodgeMachineState state)
{
  return get_row (state)->style;
}

LodgeMachineCan
lodge_machine_state_get_can (LodgeMachineState state)
{
  return get_row (state)->can;
}
