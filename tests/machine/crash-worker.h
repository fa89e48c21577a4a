/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine in a process of its own, which is killed at its nth step. */
#pragma once

#include "snapshot-fixture.h"

G_BEGIN_DECLS

/* For main(), before anything else: the worker's own part. TRUE when this process was one. */
typedef void (*CrashWork) (const char *data, const char *operation, int step);
gboolean crash_worker_main (int argc, char *argv[], CrashWork work);
/* What most workers do: an engine is opened on @data, and what @begin begins in it is waited for;
 * with the operation "recover", of which @begin hears nothing, it is killed while it is opened. */
typedef LodgeJob *(*CrashBegin) (SnapshotFixture *fixture, const char *operation);
void crash_worker_work (const char *data, const char *operation, int step, CrashBegin begin);
/* For the worker: it is killed at its nth step from here on. */
void crash_worker_arm (int step);

/* TRUE: it was killed. FALSE: it has come to its end. */
gboolean crash_worker_run (const char *data, const char *operation, guint step);
/* A copy of all that an engine has, anew for each run; files with several names stay so. */
void crash_worker_copy (const char *original, const char *data);

/* A table: what is done, and whether with an encrypted machine. */
typedef struct {
  const char *operation;
  gboolean encrypted;
} CrashTable;

/* Adds /machine/AREA/killed/OPERATION, or /machine/AREA/killed-encrypted/OPERATION: a test whose
 * data is a CrashTable. @operations: (array zero-terminated) */
void crash_worker_add_tables (const char *area,
                              gboolean encrypted,
                              const char *const *operations,
                              gsize fixture_size,
                              GTestFixtureFunc set_up,
                              GTestFixtureFunc test,
                              GTestFixtureFunc tear_down);

/* Kills the operation at each of its steps until it comes to its end, and then lets it come there;
 * there have to be more than @fewest steps. Each time @look is called, on what is left of a copy of
 * @original in @data.
 *
 * An encrypted machine takes the same steps as another, and each time its passphrase is made a key:
 * one step in a few is enough there, not always the same.
 *
 * What is left is started, too, with a real QEMU: after one step in a few, and after the end.
 *
 * LODGE_TEST_CRASHES=N: every step N times, whatever the machine, and a start after the last time
 * of each. */
typedef void (*CrashLook) (gpointer user_data, const char *operation);
void crash_worker_kill_at_each (const char *original,
                                const char *data,
                                const CrashTable *table,
                                guint fewest,
                                CrashLook look,
                                gpointer user_data);

G_END_DECLS
