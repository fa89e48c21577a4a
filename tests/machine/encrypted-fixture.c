/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines that are encrypted, or become so: what tests of them share. */
#include "encrypted-fixture.h"

#include "machine/lodge-machine-key.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* libsecret's own file in place of a keyring's service; it opens it once for the whole program. */
static char *keyring;

void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *file = g_build_filename (keyring, "keyring", NULL);

  machine_fixture_set_up (&f->machines, NULL);
  g_setenv ("SECRET_BACKEND", "file", TRUE);
  g_setenv ("SECRET_FILE_TEST_PATH", file, TRUE);
  g_setenv ("SECRET_FILE_TEST_PASSWORD", "of the test", TRUE);
}

void
tear_down (Fixture *f, gconstpointer data)
{
  machine_fixture_tear_down (&f->machines, NULL);
}

const GError *
wait_job (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  return lodge_job_get_error (job);
}

void
succeed (LodgeJob *job)
{
  g_autoptr (GError) error = NULL;

  if (wait_job (job) != NULL)
    error = g_error_copy (lodge_job_get_error (job));
  g_assert_no_error (error);
}

static GVariant *
to_bytes (const char *text)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, text, strlen (text), 1);
}

LodgeMachine *
create (
    Fixture *f, const char *name, const char *passphrase, gboolean remember, const char *firmware)
{
  g_autofree char *image = g_build_filename (f->machines.folder, "guest.img", NULL);
  g_autofree char *contents = NULL;
  g_autoptr (GVariant) spec = NULL;
  g_autoptr (GError) error = NULL;
  GVariantDict dict;
  LodgeJob *job;
  gsize length;

  boot_sector_write (BOOT_SECTOR_MEMORY, image);
  g_assert_true (g_file_get_contents (image, &contents, &length, NULL));
  memcpy (f->pattern, contents, PATTERN_BYTES);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", name);
  g_variant_dict_insert (&dict, "disk", "s", image);
  g_variant_dict_insert (&dict, "memory", "u", 64);
  g_variant_dict_insert (&dict, "cpus", "u", 1);
  g_variant_dict_insert (&dict, "firmware", "s", firmware != NULL ? firmware : "bios");
  if (firmware != NULL)
    g_variant_dict_insert (&dict, "tpm", "b", TRUE);
  if (passphrase != NULL) {
    g_variant_dict_insert_value (&dict, "passphrase", to_bytes (passphrase));
    g_variant_dict_insert (&dict, "remember", "b", remember);
  }
  spec = g_variant_ref_sink (g_variant_dict_end (&dict));
  job = lodge_library_create_machine (f->machines.library, spec, &error);
  g_assert_no_error (error);
  succeed (job);
  return lodge_library_find (f->machines.library, name, NULL);
}

gboolean
unlock (LodgeMachine *machine, const char *passphrase, GError **error)
{
  g_autoptr (LodgeSecret) secret = lodge_secret_new_copy (passphrase, strlen (passphrase));
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_unlock_async (machine, secret, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_machine_key_finish (machine, result, error);
}

void
open_up (LodgeMachine *machine)
{
  g_autoptr (GError) error = NULL;

  unlock (machine, PASSPHRASE, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_machine_get_encryption (machine), ==, "unlocked");
}

gboolean
start (LodgeMachine *machine, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_machine_start_finish (machine, result, error);
}

void
power_off (LodgeMachine *machine)
{
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
}

gboolean
is_in (const char *path, gconstpointer bytes, gsize length)
{
  g_autoptr (GDir) folder = NULL;
  g_autofree char *data = NULL;
  const char *name;
  struct stat info;
  gsize size;

  if (lstat (path, &info) != 0)
    return FALSE;
  if (S_ISREG (info.st_mode))
    return g_file_get_contents (path, &data, &size, NULL) &&
           memmem (data, size, bytes, length) != NULL;
  folder = S_ISDIR (info.st_mode) ? g_dir_open (path, 0, NULL) : NULL;
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *below = g_build_filename (path, name, NULL);

    if (is_in (below, bytes, length)) {
      g_test_message ("found in %s", below);
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
has_pattern (Fixture *f, LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  return is_in (folder, f->pattern, PATTERN_BYTES);
}

LodgeMachine *
make_clone (Fixture *f, LodgeMachine *machine, const char *name, const char *options)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (options));
  g_autoptr (GError) error = NULL;
  LodgeJob *job = lodge_library_clone_machine (f->machines.library, machine, name, parsed, &error);

  g_assert_no_error (error);
  succeed (job);
  return lodge_library_find (f->machines.library, name, NULL);
}

void
encrypted_fixture_init (int *argc, char ***argv)
{
  machine_fixture_init (argc, argv);
  keyring = g_dir_make_tmp (NULL, NULL);
  g_assert_nonnull (keyring);
}

int
encrypted_fixture_end (int status)
{
  g_autofree char *file = g_build_filename (keyring, "keyring", NULL);

  (void) g_unlink (file);
  (void) g_rmdir (keyring);
  g_clear_pointer (&keyring, g_free);
  return status;
}
