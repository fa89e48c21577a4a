/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The states of a machine and the moves between them, as data.
 *
 *                 start                 cont
 *        +-----+ -------> +----------+ -------> +---------+  STOP   +--------+
 *   .--> | off |          | starting |          | running | <-----> | paused |
 *   |    +-----+ <------- +----------+          +---------+  RESUME +--------+
 *   |       ^     failed       |                  |  |  ^               | |
 *   |       |                  |     power button |  |  | no reaction   | |
 *   |       |                  |                  v  |  |               | |
 *   |       |   QEMU gone   +----------+ <--------'  |  '---.           | |
 *   |       '-------------- | stopping | ------------+------'           | |
 *   |                       +----------+ <-----------+------------------' |
 *   | discarded        +------------+     suspend    |                    |
 *   |                  | suspending | <--------------+--------------------'
 *   |                  +------------+                |
 *   |       saved            |                       | QEMU died, or the guest panicked
 *   |   +-----------+ <------'        +---------+    |
 *   '---| suspended |                 | crashed | <--+-- (any state with a QEMU)
 *       +-----------+                 +---------+
 *             |                            |
 *             '-> starting (resume)        '-> start ends what is left of it and begins anew
 *
 * What is true in each:
 *   off         no QEMU, no lock, no sockets.
 *   starting    the lock is ours; QEMU may be there, the guest has not run an instruction.
 *   running     the guest runs. Its description on disk may be newer than the one it runs with.
 *   paused      the guest stands still: asked for by the user, or a disk of the host is full.
 *   suspending  memory is being written to disk, at first while the guest runs.
 *   stopping    the guest was asked to power off, or QEMU was asked to quit.
 *   crashed     QEMU died unasked, or stands still after a guest's panic (to be looked at). The
 *               note says which. The next engine knows it too (lodge-run-record.h).
 *   suspended   as off, and machine.ini names the memory that the guest goes on from.
 *   template    as off, and machine.ini says that others are made from it: it changes only by being
 *               that no more, and what would lead to off leads here meanwhile.
 */
#include "machine/lodge-machine-state.h"

#include "lodge-error.h"
#include "lodge-words.h"

#include <glib/gi18n-lib.h>

#define BIT(state) (1u << (state))

#define OFF        BIT (LODGE_STATE_OFF)
#define STARTING   BIT (LODGE_STATE_STARTING)
#define RUNNING    BIT (LODGE_STATE_RUNNING)
#define PAUSED     BIT (LODGE_STATE_PAUSED)
#define SUSPENDING BIT (LODGE_STATE_SUSPENDING)
#define STOPPING   BIT (LODGE_STATE_STOPPING)
#define CRASHED    BIT (LODGE_STATE_CRASHED)
#define SUSPENDED  BIT (LODGE_STATE_SUSPENDED)
#define TEMPLATE   BIT (LODGE_STATE_TEMPLATE)
/* Where a QEMU's end leads. */
#define REST (OFF | TEMPLATE)

static const struct {
  const char *name;
  gboolean live;
  guint moves; /* where one may go from here */
} states[] = {
    /* From off to a live state: the engine found it running (it was started by an earlier one). */
    [LODGE_STATE_OFF] = {"off", FALSE,
                         STARTING | RUNNING | PAUSED | STOPPING | CRASHED | SUSPENDED | TEMPLATE},
    [LODGE_STATE_STARTING] = {"starting", TRUE,
                              REST | RUNNING | PAUSED | STOPPING | CRASHED | SUSPENDED},
    [LODGE_STATE_RUNNING] = {"running", TRUE, REST | PAUSED | SUSPENDING | STOPPING | CRASHED},
    [LODGE_STATE_PAUSED] = {"paused", TRUE, REST | RUNNING | SUSPENDING | STOPPING | CRASHED},
    [LODGE_STATE_SUSPENDING] = {"suspending", TRUE,
                                REST | RUNNING | PAUSED | STOPPING | CRASHED | SUSPENDED},
    [LODGE_STATE_STOPPING] = {"stopping", TRUE,
                              REST | STARTING | RUNNING | PAUSED | CRASHED | SUSPENDED},
    /* To suspended: its QEMU ended before the guest went on. */
    [LODGE_STATE_CRASHED] = {"crashed", FALSE, REST | STARTING | STOPPING | SUSPENDED},
    [LODGE_STATE_SUSPENDED] = {"suspended", FALSE, REST | STARTING},
    [LODGE_STATE_TEMPLATE] = {"template", FALSE, OFF},
};
G_STATIC_ASSERT (G_N_ELEMENTS (states) == LODGE_N_STATES);

static const struct {
  guint allowed;
  /* What the user was about to do, with the machine's name for %s. */
  const char *refusal;
} actions[] = {
    [LODGE_ACTION_START] = {OFF | CRASHED | SUSPENDED, N_ ("“%s” cannot be started")},
    [LODGE_ACTION_PAUSE] = {RUNNING, N_ ("“%s” cannot be paused")},
    [LODGE_ACTION_RESUME] = {PAUSED, N_ ("“%s” cannot be resumed")},
    [LODGE_ACTION_SHUTDOWN] = {RUNNING | STOPPING, N_ ("“%s” cannot be shut down")},
    [LODGE_ACTION_RESET] = {RUNNING | PAUSED | STOPPING, N_ ("“%s” cannot be reset")},
    [LODGE_ACTION_WAKE] = {RUNNING, N_ ("“%s” cannot be woken up")},
    [LODGE_ACTION_KILL] = {STARTING | RUNNING | PAUSED | SUSPENDING | STOPPING | CRASHED,
                           N_ ("“%s” cannot be switched off")},
    [LODGE_ACTION_DELETE] = {REST | CRASHED | SUSPENDED, N_ ("“%s” cannot be deleted")},
    [LODGE_ACTION_SNAPSHOT] = {OFF | RUNNING | PAUSED | CRASHED,
                               N_ ("No snapshot of “%s” can be taken")},
    [LODGE_ACTION_REVERT] = {OFF | CRASHED, N_ ("“%s” cannot go back to a snapshot")},
    [LODGE_ACTION_CLONE] = {REST | RUNNING | PAUSED | CRASHED, N_ ("“%s” cannot be cloned")},
    [LODGE_ACTION_SUSPEND] = {RUNNING | PAUSED, N_ ("“%s” cannot be suspended")},
    [LODGE_ACTION_DISCARD] = {SUSPENDED, N_ ("“%s” has no saved memory to discard")},
    [LODGE_ACTION_GROW] = {OFF | RUNNING | PAUSED | CRASHED, N_ ("No disk of “%s” can be grown")},
    [LODGE_ACTION_DISKS] = {OFF | RUNNING | PAUSED | CRASHED,
                            N_ ("No disk of “%s” can be added or removed")},
    [LODGE_ACTION_STICKS] = {OFF | RUNNING | PAUSED | CRASHED,
                             N_ ("No USB stick of “%s” can be plugged in or unplugged")},
    [LODGE_ACTION_COMPACT] = {OFF | CRASHED, N_ ("No disk of “%s” can be compacted")},
    [LODGE_ACTION_CONVERT] = {OFF | CRASHED, N_ ("No disk of “%s” can be copied out")},
    [LODGE_ACTION_ENCRYPT] = {OFF, N_ ("The encryption of “%s” cannot be changed")},
    [LODGE_ACTION_TEMPLATE] = {OFF, N_ ("“%s” cannot become a template")},
    [LODGE_ACTION_FETCH] = {RUNNING, N_ ("No file can be copied out of “%s”")},
    [LODGE_ACTION_INPUT] = {RUNNING | PAUSED | STOPPING,
                            N_ ("“%s” has no screen and takes no input now")},
};
G_STATIC_ASSERT (G_N_ELEMENTS (actions) == LODGE_N_ACTIONS);

const char *
lodge_state_get_name (LodgeState state)
{
  g_return_val_if_fail (state < LODGE_N_STATES, "off");
  return states[state].name;
}

gboolean
lodge_state_is_live (LodgeState state)
{
  g_return_val_if_fail (state < LODGE_N_STATES, FALSE);
  return states[state].live;
}

gboolean
lodge_state_can_move (LodgeState from, LodgeState to)
{
  g_return_val_if_fail (from < LODGE_N_STATES && to < LODGE_N_STATES, FALSE);
  return (states[from].moves & BIT (to)) != 0;
}

/* For which states of a machine that cannot do an action there is something to do first. What is
 * not in the table cannot be helped, or would be no answer: who cannot shut down a machine that is
 * off need not start it. */
static const guint advised[LODGE_N_ACTIONS] = {
    [LODGE_ACTION_START] = PAUSED | SUSPENDING | STOPPING,
    [LODGE_ACTION_PAUSE] = STARTING | SUSPENDING,
    [LODGE_ACTION_RESUME] = OFF | CRASHED | SUSPENDING,
    [LODGE_ACTION_SHUTDOWN] = STARTING | PAUSED | SUSPENDING,
    [LODGE_ACTION_RESET] = STARTING | SUSPENDING,
    [LODGE_ACTION_DELETE] = STARTING | RUNNING | PAUSED | SUSPENDING | STOPPING,
    [LODGE_ACTION_SNAPSHOT] = STARTING | SUSPENDING | STOPPING | SUSPENDED,
    [LODGE_ACTION_REVERT] = STARTING | RUNNING | PAUSED | SUSPENDING | STOPPING | SUSPENDED,
    [LODGE_ACTION_CLONE] = STARTING | SUSPENDING | STOPPING | SUSPENDED,
    [LODGE_ACTION_SUSPEND] = STARTING,
    [LODGE_ACTION_DISCARD] = SUSPENDING,
    [LODGE_ACTION_GROW] = STARTING | SUSPENDING | STOPPING | SUSPENDED,
    [LODGE_ACTION_STICKS] = STARTING | SUSPENDING | STOPPING | SUSPENDED,
    [LODGE_ACTION_DISKS] = STARTING | SUSPENDING | STOPPING | SUSPENDED,
    [LODGE_ACTION_ENCRYPT] = STARTING | RUNNING | PAUSED | SUSPENDING | STOPPING | SUSPENDED,
    [LODGE_ACTION_TEMPLATE] = STARTING | RUNNING | PAUSED | SUSPENDING | STOPPING | SUSPENDED,
    [LODGE_ACTION_FETCH] = OFF | STARTING | PAUSED | SUSPENDING | CRASHED | SUSPENDED,
    [LODGE_ACTION_INPUT] = OFF | STARTING | SUSPENDING | CRASHED | SUSPENDED,
};

/* What to do first in @state for something that is allowed in @allowed. */
static const char *
get_advice (LodgeState state, guint allowed)
{
  switch (state) {
  case LODGE_STATE_OFF:
  case LODGE_STATE_CRASHED:
    return _ ("start it first");
  case LODGE_STATE_STARTING:
    return (allowed & RUNNING) != 0 ? _ ("wait until it runs") : _ ("force it off first");
  case LODGE_STATE_RUNNING:
    return _ ("shut it down first");
  case LODGE_STATE_PAUSED:
    return (allowed & RUNNING) != 0 || (allowed & SUSPENDED) != 0
               ? _ ("resume it")
               : _ ("resume it and shut it down first, or force it off");
  case LODGE_STATE_SUSPENDING:
    return _ ("wait until that is done, or cancel it");
  case LODGE_STATE_STOPPING:
    return _ ("wait until it is off, or force it off");
  case LODGE_STATE_SUSPENDED:
    return (allowed & RUNNING) != 0
               ? _ ("resume it first, or discard its saved state")
               : _ ("resume it and shut it down first, or discard its saved state");
  case LODGE_N_STATES:
  default:
    return NULL;
  }
}

gboolean
lodge_state_check_action (LodgeState state, LodgeAction action, const char *name, GError **error)
{
  g_autofree char *refusal = NULL;

  g_return_val_if_fail (state < LODGE_N_STATES && action < LODGE_N_ACTIONS, FALSE);

  if ((actions[action].allowed & BIT (state)) != 0)
    return TRUE;

  if (state == LODGE_STATE_TEMPLATE) {
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_STATE,
        _ ("“%s” is a template, which does not change: make a new machine from it, or let it "
           "be a template no more"),
        name);
    return FALSE;
  }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  /* The format is a row of the table above; each has exactly one %s. */
  refusal = g_strdup_printf (_ (actions[action].refusal), name);
#pragma GCC diagnostic pop
  if ((advised[action] & BIT (state)) != 0)
    /* Translators: what cannot be done; the machine's state; what to do first. */
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE, _ ("%s: it is %s; %s"), refusal,
                 lodge_words_machine_state (states[state].name),
                 get_advice (state, actions[action].allowed));
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE, _ ("%s: it is %s"), refusal,
                 lodge_words_machine_state (states[state].name));
  return FALSE;
}
