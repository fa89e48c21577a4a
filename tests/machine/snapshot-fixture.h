/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that is off, whose disks, firmware and TPM hold known data: what a snapshot has to
 * keep.
 *
 * The data is a mark, a number from 1 to 255, that is written to all of them at a place of its own,
 * so that what is there is told by which marks are.
 */
#pragma once

#include "machine/lodge-library.h"
#include "test-wait.h"

G_BEGIN_DECLS

/* So many places there are for marks. */
#define SNAPSHOT_FIXTURE_PLACES 8

/* The mark at each place; 0 for none. */
typedef struct {
  guint8 at[SNAPSHOT_FIXTURE_PLACES];
} SnapshotMarks;

typedef struct {
  char *folder; /* of everything */
  char *data;   /* what an engine is given */
  LodgeLibrary *library;
  LodgeMachine *machine;
  char *machine_folder;
  char *secret; /* of an encrypted machine: a file with what opens its images, for qemu-io */
} SnapshotFixture;

/* The chain of a layer, as qemu-io and qemu-img take it. Transfer full. */
char *snapshot_fixture_dup_image (SnapshotFixture *self, const char *layer_id);

/* A machine "web" with two disks, one of which is raw, UEFI variables and a TPM. */
void snapshot_fixture_set_up (SnapshotFixture *self, gconstpointer data);
/* The same, encrypted; then both disks are qcow2. */
void snapshot_fixture_set_up_encrypted (SnapshotFixture *self, gconstpointer data);
void snapshot_fixture_tear_down (SnapshotFixture *self, gconstpointer data);
/* Another engine on what is in @self->data. Waits until that has merged what it can. */
void snapshot_fixture_open (SnapshotFixture *self);
void snapshot_fixture_close (SnapshotFixture *self);

/* From here on all is about another machine of the library: a clone. The passphrase opens it. */
void snapshot_fixture_look_at (SnapshotFixture *self, const char *name);

/* For what makes a machine. Floating. */
GVariant *snapshot_fixture_new_passphrase (void);

/* Waits for the job, which is lent. */
const GError *snapshot_fixture_wait (LodgeJob *job);
/* Of all that run. */
void snapshot_fixture_wait_all (SnapshotFixture *self);

/* Freezes all layers so often, in machine.ini alone. @kept: for snapshots, "n0" and so on; else
 * they are there as if for linked clones of what was written to between them. */
void snapshot_fixture_deepen (SnapshotFixture *self, guint times, gboolean kept);

/* As a guest would. */
void snapshot_fixture_write (SnapshotFixture *self, guint place, guint8 mark);
/* @snapshot: a name, or NULL for the present. Looks at every disk, and at the states that there
 * are. */
void snapshot_fixture_assert_marks (SnapshotFixture *self,
                                    const char *snapshot,
                                    const SnapshotMarks *marks);
/* Each file is one that machine.ini names, each of those is there, and frozen is what is frozen. */
void snapshot_fixture_assert_tidy (SnapshotFixture *self);
/* Whether anything that was written as a guest would is in clear in @self->data. */
gboolean snapshot_fixture_is_in_clear (SnapshotFixture *self);
/* Nothing is left of what was on its way to @path. */
void snapshot_fixture_assert_nothing_hidden (const char *path);

/* These have to succeed. The ids are the caller's. */
char *snapshot_fixture_take (SnapshotFixture *self, const char *name);
char *snapshot_fixture_go_back (SnapshotFixture *self, const char *name, gboolean keep);
void snapshot_fixture_delete (SnapshotFixture *self, const char *name);

/* Runs a program that has to succeed. */
void snapshot_fixture_run (const char *program, ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
