/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker process that is an engine with a real QEMU: at its nth step the engine, that QEMU, or
 * both are killed. The steps are those of lodge_journal_step(); where several tell how much memory
 * is written, the first counts. What it works on is in the folder of a MachineFixture, whose data
 * is a copy of an original, made anew for each run. */
#pragma once

#include "machine-fixture.h"

G_BEGIN_DECLS

/* More steps than anything has. */
#define KILL_WORKER_MOST_STEPS 200

typedef enum {
  KILL_ENGINE,
  KILL_BOTH,
  KILL_QEMU,
  KILL_N_VICTIMS,
} KillVictim;
extern const char *const kill_victims[];

/* --- In the worker --- */

/* @work: opens @fixture's library itself, and closes it. It calls kill_worker_arm() before what is
 * tested and kill_worker_disarm() behind it. */
typedef void (*KillWork) (MachineFixture *fixture, const char *operation);
/* TRUE: this is the worker, and has done its work; main() returns @out_status. */
gboolean kill_worker_main (int argc, char *argv[], KillWork work, int *out_status);
void kill_worker_arm (LodgeMachine *machine);
/* A QEMU was killed, though that may not have been seen yet. */
gboolean kill_worker_has_killed_qemu (void);
/* Also waits until the end of a QEMU that was killed has been seen. */
void kill_worker_disarm (LodgeMachine *machine);

/* --- In the test --- */

typedef struct {
  MachineFixture machines;
  char *original; /* what each run gets a copy of */
  char *data;
} KillFixture;

/* What is there by now, whose library is open, becomes the original. */
void kill_fixture_keep (KillFixture *self);
/* After machine_fixture_tear_down(). */
void kill_fixture_clear (KillFixture *self);
/* Closes the library, and makes a copy. */
void kill_fixture_copy (KillFixture *self);
/* TRUE: the victim was killed, after the last of @out_steps. FALSE: it has come to its end. */
gboolean kill_fixture_run (
    KillFixture *self, const char *operation, KillVictim victim, guint step, char ***out_steps);

/* One run of a table. */
typedef struct {
  const char *operation;
  KillVictim who;
  gboolean killed; /* FALSE: it has come to its end */
  char **steps;    /* that it came to; the last is the one at which somebody was killed */
} KillRun;

gboolean kill_run_has_done (const KillRun *run, const char *step);

/* At what is left, with @machine, "web", as the next engine knows it. */
typedef void (*KillLook) (KillFixture *self, LodgeMachine *machine, const KillRun *run);

typedef struct {
  const char *operation;
  KillLook look;
  guint fewest;   /* there are more steps than so many, 1 at least */
  guint stride;   /* one step in so many each time, not always the same; 0 for every one */
  gboolean cheap; /* each victim at each step also where there are few runs */
} KillTable;

/* Kills at each of the operation's steps until it comes to its end: one victim after the other from
 * step to step.
 *
 * LODGE_TEST_CRASHES=N: every victim N times at every step. */
void kill_fixture_kill_at_each (KillFixture *self, const KillTable *table);
/* A test of each, "@prefix/OPERATION". */
void kill_fixture_add_tables (const char *prefix,
                              const KillTable *tables,
                              gsize n_tables,
                              void (*set_up) (KillFixture *self, gconstpointer table),
                              void (*tear_down) (KillFixture *self, gconstpointer table));

G_END_DECLS
