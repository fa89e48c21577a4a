/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine of a console window: its object on the engine, the claim to its console, and the
 * connection to its screen, each made again when it breaks.
 *
 * Owns: the claim and the console session. Never: touches a widget.
 */
#pragma once

#include "console/lodge-console-session.h"
#include "console/lodge-connection.h"
#include "console/lodge-machine-state.h"

G_BEGIN_DECLS

/* What a window has to show. */
typedef enum {
  LODGE_CONSOLE_LOADING,    /* the engine or the machine is being looked for */
  LODGE_CONSOLE_PROBLEM,    /* there is no such machine, or no engine: see the sentence */
  LODGE_CONSOLE_GONE,       /* the machine has been deleted */
  LODGE_CONSOLE_OFF,        /* it can be started */
  LODGE_CONSOLE_TEMPLATE,   /* it is off, and cannot */
  LODGE_CONSOLE_SUSPENDED,  /* the same, and it goes on from where it was */
  LODGE_CONSOLE_CRASHED,    /* the same, and the sentence says what happened */
  LODGE_CONSOLE_BUSY,       /* on its way to another state, without a picture */
  LODGE_CONSOLE_CONNECTING, /* to its screen */
  LODGE_CONSOLE_SHOWN,      /* the session is connected */
  LODGE_CONSOLE_ELSEWHERE,  /* somebody took the console over: the sentence says who */
  LODGE_CONSOLE_LOST,       /* the screen cannot be reached; tried again by itself */
} LodgeConsolePhase;

#define LODGE_TYPE_CONSOLE_MACHINE (lodge_console_machine_get_type ())
G_DECLARE_FINAL_TYPE (LodgeConsoleMachine, lodge_console_machine, LODGE, CONSOLE_MACHINE, GObject)

/* Signal "changed" (): any of the answers below may be another one. */

/* @machine: a UUID or a name */
LodgeConsoleMachine *lodge_console_machine_new (LodgeConnection *connection, const char *machine);

LodgeConsolePhase lodge_console_machine_get_phase (LodgeConsoleMachine *self);
/* All lent. The name is what was asked for until the machine is known. */
const char *lodge_console_machine_get_name (LodgeConsoleMachine *self);
/* NULL until the machine is known. */
const char *lodge_console_machine_get_uuid (LodgeConsoleMachine *self);
const char *lodge_console_machine_get_sentence (LodgeConsoleMachine *self);
/* As it was last known. */
/* Of every session, and of the time between two. */
LodgeSound *lodge_console_machine_get_sound (LodgeConsoleMachine *self);
LodgeMachineState lodge_console_machine_get_state (LodgeConsoleMachine *self);
/* NULL while there is none; connected only when shown. */
LodgeConsoleSession *lodge_console_machine_get_session (LodgeConsoleMachine *self);
/* NULL while the engine is away. */
LodgeMachine1 *lodge_console_machine_get_machine (LodgeConsoleMachine *self);
/* TRUE: at once, and whatever the engine says, the guest does not hear the microphone; an engine
 * that comes back is asked to remember it. FALSE: it is as the engine says again. */
void lodge_console_machine_refuse_microphone (LodgeConsoleMachine *self, gboolean refuse);

/* Only right after it was made. Nothing is played and nothing recorded: the guest's sound has
 * nobody at this end. */
void lodge_console_machine_set_silent (LodgeConsoleMachine *self);

/* Takes the console back from whoever has it. */
void lodge_console_machine_take_back (LodgeConsoleMachine *self);
/* Does not wait for the next attempt, at the machine or at its screen. */
void lodge_console_machine_retry (LodgeConsoleMachine *self);

G_END_DECLS
