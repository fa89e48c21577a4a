/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines with a real QEMU and guests of 512 bytes, in a library of their own that can end as it
 * does with an engine, and be opened again as by the next one. */
#pragma once

#include "boot-sector.h"
#include "machine/lodge-library.h"
#include "test-wait.h"

G_BEGIN_DECLS

typedef struct {
  char *folder; /* everything of this test is below it */
  LodgeLibrary *library;
} MachineFixture;

/* Instead of g_test_init(). */
void machine_fixture_init (int *argc, char ***argv);
#define MACHINE_FIXTURE_ADD(name, function)                                                        \
  g_test_add ("/machine/life/" name, MachineFixture, NULL, machine_fixture_set_up, function,       \
              machine_fixture_tear_down)

void machine_fixture_set_up (MachineFixture *self, gconstpointer data);
/* Forces off what still runs. */
void machine_fixture_tear_down (MachineFixture *self, gconstpointer data);

/* What the start of an engine is for its machines, and its end. */
void machine_fixture_open_library (MachineFixture *self);
void machine_fixture_close_library (MachineFixture *self);
/* The one after the other; gives the machine of that name as the new engine knows it. */
LodgeMachine *machine_fixture_change_engine (MachineFixture *self, const char *name);

/* A machine that boots @what. It belongs to the library. */
LodgeMachine *machine_fixture_create (MachineFixture *self, const char *name, BootSector what);

/* The calls of lodge-machine.h, waited for; they have to succeed. */
void machine_fixture_start (LodgeMachine *machine);
void machine_fixture_start_disposable (LodgeMachine *machine);
void machine_fixture_set_key (LodgeMachine *machine, const char *key, const char *value);
void machine_fixture_request (LodgeMachine *machine, LodgeRequest what);

/* A kernel that the machine starts with until its disk can be started from. @resets: at once; else
 * it halts */
void
machine_fixture_give_kernel_once (MachineFixture *self, LodgeMachine *machine, gboolean resets);

/* A key that comes before the BIOS reads the keyboard is lost, so it is pressed until it works. */
void machine_fixture_press_until (LodgeMachine *machine, const char *keys, LodgeState state);

gboolean machine_fixture_has_runtime (LodgeMachine *machine);
/* In its folder is what machine.ini names and nothing else, and nothing is left to be done. */
void machine_fixture_assert_tidy (LodgeMachine *machine);

/* The pid of the machine's QEMU: who holds its lock. */
GPid machine_fixture_find_qemu (LodgeMachine *machine);
/* The process of that name that this one started, perhaps through others, or 0. @word: in its
 * arguments, or %NULL. */
int machine_fixture_find_descendant (const char *name, const char *word);

/* An empty one beside the machines'. Transfer full. */
char *machine_fixture_make_folder (MachineFixture *self, const char *name);

/* All of the library's jobs, also those that are about to begin. */
void machine_fixture_wait_jobs (MachineFixture *self);
/* Runs this program as another engine on the folder ("--worker FOLDER STEP"), which kills itself at
 * that step. FALSE: it has come to its end. */
gboolean machine_fixture_is_worker_killed (MachineFixture *self, const char *step);

G_END_DECLS
