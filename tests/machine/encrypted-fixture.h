/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines that are encrypted, or become so: what tests of them share.
 *
 * The guest is a boot sector, whose code is on the disk and, once it runs, in memory. */
#pragma once

#include "machine-fixture.h"

#include "machine/lodge-job.h"

G_BEGIN_DECLS

#define PASSPHRASE "correct horse"
/* Of the guest's code: too long to be there by chance. */
#define PATTERN_BYTES 32

typedef struct {
  MachineFixture machines;
  guint8 pattern[PATTERN_BYTES];
} Fixture;

/* Instead of machine_fixture_init(): with a keyring that is libsecret's own file, which it opens
 * once for the whole program. */
void encrypted_fixture_init (int *argc, char ***argv);
/* Removes that. Gives @status back. */
int encrypted_fixture_end (int status);
void set_up (Fixture *f, gconstpointer data);
void tear_down (Fixture *f, gconstpointer data);

/* How it ended; lent. */
const GError *wait_job (LodgeJob *job);
void succeed (LodgeJob *job);

/* @passphrase: (nullable): not encrypted. @firmware: (nullable): "uefi", with a TPM; else "bios" */
LodgeMachine *create (
    Fixture *f, const char *name, const char *passphrase, gboolean remember, const char *firmware);
LodgeMachine *make_clone (Fixture *f, LodgeMachine *machine, const char *name, const char *options);
gboolean unlock (LodgeMachine *machine, const char *passphrase, GError **error);
/* With PASSPHRASE. */
void open_up (LodgeMachine *machine);
gboolean start (LodgeMachine *machine, GError **error);
void power_off (LodgeMachine *machine);

/* Whether @bytes are in a file, or in any below a folder. */
gboolean is_in (const char *path, gconstpointer bytes, gsize length);
/* Whether the guest's code is anywhere in the machine's folder. */
gboolean has_pattern (Fixture *f, LodgeMachine *machine);

G_END_DECLS
