/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that exists becomes encrypted, and stops being so, with a real QEMU: nothing that the
 * guest has is in clear afterwards, all that there was is there, and a clone never knows. */
#include "encrypted-fixture.h"

#include "lodge-error.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-encrypt.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "storage/lodge-key-file.h"

#include <string.h>

static LodgeJob *
encrypt (Fixture *f, LodgeMachine *machine, gboolean remember)
{
  g_autoptr (LodgeSecret) passphrase = lodge_secret_new_copy (PASSPHRASE, strlen (PASSPHRASE));

  return lodge_library_encrypt (f->machines.library, machine, passphrase, remember);
}

static LodgeJob *
decrypt (Fixture *f, LodgeMachine *machine)
{
  return lodge_library_decrypt (f->machines.library, machine);
}

static void
go_back (Fixture *f, LodgeMachine *machine, const char *name)
{
  succeed (lodge_library_go_back (f->machines.library, machine, name, TRUE, NULL));
}

static gboolean
has_file (LodgeMachine *machine, const char *name)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* A tree with memory in it, and a clone on the first layer, there and back. */
static void
test_there_and_back (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", NULL, FALSE, NULL);
  LodgeMachine *linked;
  g_autofree char *id = NULL;

  succeed (lodge_library_take_snapshot (f->machines.library, machine, "first", "what it was"));
  linked = make_clone (f, machine, "linked", "{'linked': <true>, 'snapshot': <'first'>}");
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  succeed (lodge_library_take_snapshot (f->machines.library, machine, "live", ""));
  memory_guest_tell (machine, "b");
  test_wait_until (lodge_machine_get_thumbnail (machine) != NULL);
  power_off (machine);
  succeed (lodge_library_take_snapshot (f->machines.library, machine, "last", ""));
  g_assert_true (has_pattern (f, machine));
  g_assert_true (has_file (machine, "thumbnail.png"));

  id = g_strdup (lodge_machine_get_description (machine)->snapshot);
  succeed (encrypt (f, machine, FALSE));
  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "unlocked");
  g_assert_false (has_pattern (f, machine));
  g_assert_true (has_pattern (f, linked));
  g_assert_false (has_file (machine, "thumbnail.png"));
  g_assert_true (has_file (machine, LODGE_KEY_FILE));
  g_assert_null (lodge_machine_get_thumbnail (machine));
  g_assert_cmpstr (lodge_machine_get_description (machine)->snapshot, !=, id);
  machine_fixture_assert_tidy (machine);

  /* The next engine needs the passphrase; then everything is there. */
  machine = machine_fixture_change_engine (&f->machines, "web");
  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "locked");
  open_up (machine);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "c");
  power_off (machine);
  go_back (f, machine, "live");
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  power_off (machine);
  g_assert_false (has_pattern (f, machine));

  succeed (decrypt (f, machine));
  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "");
  g_assert_true (has_pattern (f, machine));
  g_assert_false (has_file (machine, LODGE_KEY_FILE));
  machine_fixture_assert_tidy (machine);
  go_back (f, machine, "first");
  machine_fixture_start (machine);
  memory_guest_tell (machine, "d");
  power_off (machine);
  go_back (f, machine, "live");
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  power_off (machine);
  linked = lodge_library_find (f->machines.library, "linked", NULL);
  machine_fixture_start (linked);
  memory_guest_tell (linked, "e");
}

/* With the firmware's variables and a TPM, of which a snapshot has its own. */
static void
test_states (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", NULL, FALSE, "uefi");
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *tpm = NULL;
  g_autofree char *state = NULL;
  gsize length;

  machine_fixture_start (machine);
  power_off (machine);
  succeed (lodge_library_take_snapshot (f->machines.library, machine, "one", ""));
  tpm = g_build_filename (folder, lodge_machine_get_description (machine)->tpm_state,
                          "tpm2-00.permall", NULL);
  g_assert_true (g_file_get_contents (tpm, &state, &length, NULL));
  g_assert_cmpuint (length, >, 300);

  succeed (encrypt (f, machine, FALSE));
  /* Of the middle of it: seeds and proofs that no other TPM has. */
  g_assert_false (is_in (folder, state + 200, 64));
  machine_fixture_assert_tidy (machine);
  machine_fixture_start (machine);
  power_off (machine);
  go_back (f, machine, "one");
  machine_fixture_start (machine);
  power_off (machine);
  g_assert_false (is_in (folder, state + 200, 64));

  succeed (decrypt (f, machine));
  g_assert_true (is_in (folder, state + 200, 64));
  machine_fixture_start (machine);
  power_off (machine);
}

/* What would be refused is refused before anybody is asked for a passphrase. */
static void
assert_check (LodgeMachine *machine, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (lodge_machine_check_encrypt (machine, &error), ==, words == NULL);
  if (words == NULL) {
    g_assert_no_error (error);
    return;
  }
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", NULL, FALSE, NULL);

  assert_check (machine, NULL);
  g_assert_error (wait_job (decrypt (f, machine)), LODGE_ERROR, LODGE_ERROR_STATE);
  machine_fixture_start (machine);
  assert_check (machine, "web");
  g_assert_error (wait_job (encrypt (f, machine, FALSE)), LODGE_ERROR, LODGE_ERROR_STATE);
  succeed (lodge_library_suspend (f->machines.library, machine));
  g_assert_error (wait_job (encrypt (f, machine, FALSE)), LODGE_ERROR, LODGE_ERROR_STATE);
  succeed (lodge_library_discard_suspended (f->machines.library, machine));
  assert_check (machine, NULL);
  succeed (encrypt (f, machine, FALSE));
  assert_check (machine, "encrypted already");
  g_assert_error (wait_job (encrypt (f, machine, FALSE)), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_true (lodge_machine_lock (machine, NULL));
  assert_check (machine, "encrypted already");
  g_assert_error (wait_job (decrypt (f, machine)), LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_assert_false (has_pattern (f, machine));
  machine_fixture_assert_tidy (machine);
}

/* At whatever moment: it is as it was, or as it is to be. */
static void
test_cancelled (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", NULL, FALSE, NULL);

  succeed (lodge_library_take_snapshot (f->machines.library, machine, "one", ""));
  for (guint i = 0; i < 8; i++) {
    const gboolean was = lodge_machine_get_encryption (machine)[0] != '\0';
    LodgeJob *job = was ? decrypt (f, machine) : encrypt (f, machine, FALSE);
    gboolean is;

    test_wait_ms (i * 30);
    lodge_job_cancel (job);
    if (wait_job (job) != NULL)
      g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
    is = lodge_machine_get_encryption (machine)[0] != '\0';
    g_assert_cmpint (is, ==, was != (wait_job (job) == NULL));
    g_assert_cmpint (has_pattern (f, machine), ==, !is);
    g_assert_cmpint (has_file (machine, LODGE_KEY_FILE), ==, is);
    machine_fixture_assert_tidy (machine);
  }
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
}

/* The keyring opens it for the next engine, and forgets it with the encryption. */
static void
test_keyring (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", NULL, FALSE, NULL);

  succeed (encrypt (f, machine, TRUE));
  machine = machine_fixture_change_engine (&f->machines, "web");
  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "locked");
  succeed (decrypt (f, machine));
  machine_fixture_start (machine);
}

int
main (int argc, char *argv[])
{
  encrypted_fixture_init (&argc, &argv);

#define ADD(name, function)                                                                        \
  g_test_add ("/machine/encrypt/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("there-and-back", test_there_and_back);
  ADD ("states", test_states);
  ADD ("refused", test_refused);
  ADD ("cancelled", test_cancelled);
  g_test_add ("/machine/encrypt-keyring/keyring", Fixture, NULL, set_up, test_keyring, tear_down);
  return encrypted_fixture_end (g_test_run ());
}
