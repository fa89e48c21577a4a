/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encrypted machines with a real QEMU: what the guest has on its disk and in its memory is nowhere
 * in the machine's folder, what opens it is nowhere at all, and all that a machine can do it does.
 *
 * The guest is a boot sector, whose code is on the disk and, once it runs, in memory. */
#include "encrypted-fixture.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-private.h"
#include "memory-guest.h"
#include "plug-guest.h"
#include "storage/lodge-folder-key.h"
#include "storage/lodge-key-file.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Neither the passphrase, nor the key, nor what is made of it is in a file of the engine's or a
 * machine's, or where others can see what a process was started with. */
static void
assert_secret_kept (Fixture *f, LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (LodgeSecret) key = lodge_folder_key_get (folder);
  g_autoptr (LodgeSecret) text = lodge_secret_to_base64 (key);
  g_autoptr (LodgeSecret) disks = lodge_secret_new_for_disks (key);
  g_autoptr (LodgeSecret) tpm = lodge_secret_derive (key, "tpm", NULL, 0);
  g_autoptr (LodgeSecret) passphrase = lodge_secret_new_copy (PASSPHRASE, strlen (PASSPHRASE));
  LodgeSecret *const secrets[] = {key, text, disks, tpm, passphrase};
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *pid;

  for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
    g_assert_false (is_in (f->machines.folder, lodge_secret_get (secrets[i]),
                           lodge_secret_get_length (secrets[i])));
  while ((pid = g_dir_read_name (proc)) != NULL) {
    static const char *const files[] = {"cmdline", "environ"};

    for (guint j = 0; g_ascii_isdigit (pid[0]) && j < G_N_ELEMENTS (files); j++) {
      g_autofree char *path = g_build_filename ("/proc", pid, files[j], NULL);

      for (guint i = 0; i < G_N_ELEMENTS (secrets); i++)
        g_assert_false (
            is_in (path, lodge_secret_get (secrets[i]), lodge_secret_get_length (secrets[i])));
    }
  }
}

/* What "lodgectl explain" shows says how it is handed over and no more. */
static void
assert_explained (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (LodgeSecret) key = lodge_folder_key_get (folder);
  g_autoptr (LodgeSecret) disks = key != NULL ? lodge_secret_new_for_disks (key) : NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *rows;
  gboolean told = FALSE;

  lodge_machine_explain_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  rows = lodge_machine_explain_finish (machine, result, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < rows->len; i++) {
    const LodgeCommandRow *row = rows->pdata[i];

    told |= strstr (row->argument, "secret,id=lodge-key,file=/proc/self/fd/") != NULL;
    if (disks != NULL)
      g_assert_null (memmem (row->argument, strlen (row->argument), lodge_secret_get (disks),
                             lodge_secret_get_length (disks)));
  }
  g_assert_true (told);
}

static void
test_life (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", PASSPHRASE, FALSE, NULL);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *picture = g_build_filename (folder, "thumbnail.png", NULL);
  LodgeMachine *linked, *full;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "unlocked");
  g_assert_false (has_pattern (f, machine));
  assert_explained (machine);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  assert_secret_kept (f, machine);
  assert_explained (machine);
  g_assert_false (lodge_machine_lock (machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  linked = make_clone (f, machine, "linked", "{'linked': <true>}");
  succeed (lodge_library_grow_disk (f->machines.library, machine, "disk0", 8 << 20));
  test_wait_until (lodge_machine_get_thumbnail (machine) != NULL);
  power_off (machine);
  g_assert_false (g_file_test (picture, G_FILE_TEST_EXISTS));

  succeed (lodge_library_take_snapshot (f->machines.library, machine, "one", ""));
  succeed (lodge_library_grow_disk (f->machines.library, machine, "disk0", 16 << 20));
  succeed (lodge_library_add_disk (f->machines.library, machine, 1 << 20, NULL, NULL));
  succeed (lodge_library_take_snapshot (f->machines.library, machine, "two", ""));
  full = make_clone (f, machine, "full", "{'snapshot': <'one'>}");
  succeed (lodge_library_go_back (f->machines.library, machine, "one", TRUE, NULL));
  succeed (lodge_library_delete_snapshot (f->machines.library, machine, "one"));
  g_assert_false (has_pattern (f, machine));
  g_assert_false (has_pattern (f, full));
  g_assert_false (has_pattern (f, linked));

  machine_fixture_start (machine);
  memory_guest_tell (machine, "b");
  machine_fixture_start (linked);
  memory_guest_tell (linked, "c");
  machine_fixture_start (full);
  memory_guest_tell (full, "d");
  assert_secret_kept (f, linked);
}

/* Layers that become one while the guest has them. */
static void
test_merged (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", PASSPHRASE, FALSE, NULL);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  guint8 written[PATTERN_BYTES * 4];

  lodge_machine_least_joined = 2;
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  succeed (lodge_library_add_disk (f->machines.library, machine, 64 << 20, "virtio", NULL));
  for (guint i = 1; i <= 4; i++) {
    g_autofree char *command = g_strdup_printf ("write -P %u %uM 1M", 0xa0 + i, i);
    g_autofree char *name = g_strdup_printf ("n%u", i);

    plug_guest_ask_disk (machine, "disk1", command);
    succeed (lodge_library_take_snapshot (f->machines.library, machine, name, ""));
  }
  succeed (lodge_library_delete_snapshot (f->machines.library, machine, "n2"));
  succeed (lodge_library_delete_snapshot (f->machines.library, machine, "n3"));
  test_wait_until (machine->work == NULL && !lodge_machine_can_merge_layers (machine));
  machine_fixture_wait_jobs (&f->machines);
  machine_fixture_assert_tidy (machine);
  g_assert_false (plug_guest_has_node (machine, "disk1-l1"));
  g_assert_false (plug_guest_has_node (machine, "disk1-l2"));
  g_assert_cmpuint (lodge_machine_get_description (machine)->layers->len, ==, 2 * 4);
  for (guint again = 0; again < 2; again++) {
    for (guint i = 1; i <= 4; i++) {
      g_autofree char *command = g_strdup_printf ("read -P %u %uM 1M", 0xa0 + i, i);

      plug_guest_ask_disk (machine, "disk1", command);
      memset (written, (int) (0xa0 + i), sizeof written);
      g_assert_false (is_in (folder, written, sizeof written));
    }
    if (again == 0) {
      power_off (machine);
      machine_fixture_start (machine);
    }
  }
  g_assert_false (has_pattern (f, machine));
  lodge_machine_least_joined = LODGE_MACHINE_LEAST_JOINED;
}

static void
suspend (Fixture *f, LodgeMachine *machine)
{
  succeed (lodge_library_suspend (f->machines.library, machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
}

/* What the test looks for is found where it is not encrypted. */
static void
test_clear (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "clear", NULL, FALSE, NULL);

  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *snapshots = g_build_filename (folder, "snapshots", NULL);

  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "");
  g_assert_true (has_pattern (f, machine));
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  suspend (f, machine);
  g_assert_true (is_in (snapshots, f->pattern, PATTERN_BYTES));
  succeed (lodge_library_discard_suspended (f->machines.library, machine));
}

/* What the guest shows is its own business, too. */
static void
assert_no_picture (LodgeMachine *machine)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *last = g_build_filename (folder, LODGE_DESCRIPTION_PICTURE, NULL);

  g_assert_false (g_file_test (last, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (now->snapshots->len, >, 0);
  for (guint i = 0; i < now->snapshots->len; i++) {
    const LodgeSnapshot *snapshot = now->snapshots->pdata[i];
    g_autofree char *path =
        g_build_filename (folder, "snapshots", snapshot->id, LODGE_DESCRIPTION_PICTURE, NULL);

    g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  }
}

/* Of a snapshot, and of a guest that is suspended, also for the next engine. */
static void
test_memory (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", PASSPHRASE, FALSE, NULL);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *memory = NULL;
  g_autoptr (GError) error = NULL;

  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  succeed (lodge_library_take_snapshot (f->machines.library, machine, "live", ""));
  g_assert_false (has_pattern (f, machine));
  assert_no_picture (machine);
  memory_guest_tell (machine, "b");
  for (guint i = 0; i < 4; i++) {
    LodgeJob *job = lodge_library_suspend (f->machines.library, machine);

    test_wait_ms (i * 20);
    lodge_job_cancel (job);
    if (wait_job (job) == NULL)
      machine_fixture_start (machine);
    g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');
  }
  suspend (f, machine);
  assert_secret_kept (f, machine);
  g_assert_false (has_pattern (f, machine));
  assert_no_picture (machine);
  g_assert_null (lodge_machine_get_thumbnail (machine));
  machine_fixture_assert_tidy (machine);

  machine = machine_fixture_change_engine (&f->machines, "web");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  g_assert_false (start (machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_clear_error (&error);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  open_up (machine);
  machine_fixture_start (machine);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'b');
  machine_fixture_assert_tidy (machine);
  power_off (machine);

  succeed (lodge_library_go_back (f->machines.library, machine, "live", FALSE, NULL));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (memory_guest_ask (machine, "?"), ==, 'a');
  assert_secret_kept (f, machine);

  /* One byte of it. */
  suspend (f, machine);
  memory = g_build_filename (folder, "snapshots",
                             lodge_machine_get_description (machine)->suspended, "memory", NULL);
  {
    int fd;
    guint8 byte;

    g_assert_no_errno (g_chmod (memory, 0600));
    fd = open (memory, O_RDWR | O_CLOEXEC);
    g_assert_cmpint (pread (fd, &byte, 1, 100000), ==, 1);
    byte ^= 1;
    g_assert_cmpint (pwrite (fd, &byte, 1, 100000), ==, 1);
    close (fd);
  }
  g_assert_false (start (machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "the saved memory is damaged"));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  succeed (lodge_library_discard_suspended (f->machines.library, machine));
  machine_fixture_start (machine);
}

static void
assert_locked (LodgeMachine *machine)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "locked");
  g_assert_false (start (machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

/* By the next engine, which has no key. */
static void
test_locked (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", PASSPHRASE, FALSE, NULL);
  g_autoptr (LodgeSecret) old = NULL;
  g_autoptr (LodgeSecret) new = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
  g_autoptr (GError) error = NULL;
  LodgeLibrary *library;

  machine = machine_fixture_change_engine (&f->machines, "web");
  library = f->machines.library;
  assert_locked (machine);
  assert_explained (machine);
  g_assert_error (wait_job (lodge_library_take_snapshot (library, machine, "one", "")), LODGE_ERROR,
                  LODGE_ERROR_LOCKED);
  g_assert_error (wait_job (lodge_library_grow_disk (library, machine, "disk0", 8 << 20)),
                  LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_assert_error (wait_job (lodge_library_add_disk (library, machine, 1 << 20, NULL, NULL)),
                  LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_assert_error (wait_job (lodge_library_clone_machine (library, machine, "new", options, NULL)),
                  LODGE_ERROR, LODGE_ERROR_LOCKED);
  machine_fixture_assert_tidy (machine);

  g_assert_false (unlock (machine, "correct horse ", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_clear_error (&error);
  assert_locked (machine);
  open_up (machine);
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  power_off (machine);

  /* Another passphrase opens the same disks. */
  old = lodge_secret_new_copy (PASSPHRASE, strlen (PASSPHRASE));
  new = lodge_secret_new_copy ("battery", 7);
  lodge_machine_change_passphrase_async (machine, old, new, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_key_finish (machine, result, &error);
  g_assert_no_error (error);
  g_assert_true (lodge_machine_lock (machine, &error));
  assert_locked (machine);
  g_assert_false (unlock (machine, PASSPHRASE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_clear_error (&error);
  g_assert_true (unlock (machine, "battery", &error));
  machine_fixture_start (machine);
  power_off (machine);

  /* One change at a time; and a key that is here can be locked away again when its file is lost. */
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *file = g_build_filename (folder, LODGE_KEY_FILE, NULL);
  g_autoptr (GAsyncResult) first = NULL, second = NULL;

  g_assert_no_errno (g_unlink (file));
  lodge_machine_change_passphrase_async (machine, old, new, test_wait_result_cb, &first);
  lodge_machine_change_passphrase_async (machine, new, old, test_wait_result_cb, &second);
  test_wait_until (first != NULL && second != NULL);
  g_assert_false (lodge_machine_key_finish (machine, second, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  lodge_machine_key_finish (machine, first, &error);
  g_assert_no_error (error);
  g_assert_true (lodge_machine_lock (machine, &error));
  g_assert_true (unlock (machine, "battery", &error));
  machine_fixture_start (machine);
}

static gboolean
remember (LodgeMachine *machine, gboolean keep, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_remember_async (machine, keep, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_machine_key_finish (machine, result, error);
}

/* The keyring opens it for the next engine, until it forgets. */
static void
test_keyring (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine = create (f, "web", PASSPHRASE, TRUE, NULL);
  g_autoptr (GError) error = NULL;

  machine = machine_fixture_change_engine (&f->machines, "web");
  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "locked");
  machine_fixture_start (machine);
  memory_guest_tell (machine, "a");
  power_off (machine);
  g_assert_true (lodge_machine_lock (machine, NULL));
  succeed (lodge_library_take_snapshot (f->machines.library, machine, "one", ""));

  remember (machine, FALSE, &error);
  g_assert_no_error (error);
  g_assert_true (lodge_machine_lock (machine, NULL));
  assert_locked (machine);
  g_assert_false (remember (machine, TRUE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_clear_error (&error);
  g_assert_true (unlock (machine, PASSPHRASE, &error));
  g_assert_true (remember (machine, TRUE, &error));
  g_assert_true (lodge_machine_lock (machine, NULL));
  machine_fixture_start (machine);
}

/* Without a keyring the passphrase is all there is. */
static void
test_no_keyring (Fixture *f, gconstpointer data)
{
  LodgeMachine *machine;
  g_autoptr (GError) error = NULL;

  g_unsetenv ("SECRET_BACKEND");
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS");
  machine = create (f, "web", PASSPHRASE, TRUE, NULL);
  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "unlocked");
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "keyring"));
  machine = machine_fixture_change_engine (&f->machines, "web");
  assert_locked (machine);
  g_assert_true (unlock (machine, PASSPHRASE, &error));
  g_assert_false (remember (machine, TRUE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "unlocked");
  machine_fixture_start (machine);
}

int
main (int argc, char *argv[])
{
  encrypted_fixture_init (&argc, &argv);

#define ADD(name, function)                                                                        \
  g_test_add ("/machine/encrypted/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("clear", test_clear);
  ADD ("life", test_life);
  ADD ("merged", test_merged);
  ADD ("memory", test_memory);
  ADD ("locked", test_locked);
  /* On its own: libsecret 0.20's file leaks its tag each time that it is read again. */
  g_test_add ("/machine/encrypted-keyring/keyring", Fixture, NULL, set_up, test_keyring, tear_down);
  ADD ("no-keyring", test_no_keyring);
  return encrypted_fixture_end (g_test_run ());
}
