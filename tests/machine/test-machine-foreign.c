/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines whose folder came from elsewhere, made by somebody who wants files of this computer: no
 * guest gets one that nobody has accepted, under whatever name it comes. */
#include "description/lodge-known-folder.h"
#include "lodge-error.h"
#include "snapshot-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* The user's own, which is a disk image, too. */
static char *
make_secret (SnapshotFixture *f)
{
  char *path = g_build_filename (f->folder, "secret", NULL);

  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "raw", path, "4M", NULL);
  return path;
}

/* By hand, in machine.ini or what a snapshot has stored. */
static void
edit (const char *path, const char *group, const char *key, const char *value)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *text = NULL;

  g_assert_true (g_key_file_load_from_file (file, path, G_KEY_FILE_KEEP_COMMENTS, NULL));
  g_key_file_set_string (file, group, key, value);
  text = g_key_file_to_data (file, NULL, NULL);
  g_assert_no_errno (g_chmod (path, 0600));
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
edit_own (SnapshotFixture *f, const char *group, const char *key, const char *value)
{
  g_autofree char *path = g_build_filename (f->machine_folder, "machine.ini", NULL);

  edit (path, group, key, value);
}

/* The folder is another's, and the engine the next one. */
static void
come_from_elsewhere (SnapshotFixture *f)
{
  if (f->library != NULL)
    snapshot_fixture_close (f);
  lodge_known_folder_forget (f->machine_folder);
  snapshot_fixture_open (f);
}

static GVariant *
list (SnapshotFixture *f)
{
  return g_variant_ref_sink (lodge_machine_list_outside (f->machine));
}

/* @target: what it leads to, or NULL */
static void
assert_asks (SnapshotFixture *f, const char *key, const char *path, const char *target)
{
  g_autoptr (GVariant) asked = list (f);
  const char *a_key, *a_path, *a_target;
  gboolean found = FALSE;
  GVariantIter iter;

  g_variant_iter_init (&iter, asked);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &a_key, &a_path, &a_target))
    found = found || (g_str_equal (a_key, key) && g_str_equal (a_path, path) &&
                      g_str_equal (a_target, target != NULL ? target : ""));
  g_assert_true (found);
}

static void
assert_asks_nothing (SnapshotFixture *f)
{
  g_autoptr (GVariant) asked = list (f);

  g_assert_cmpuint (g_variant_n_children (asked), ==, 0);
}

/* Returns what a start says. */
static GError *
start (SnapshotFixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  lodge_machine_start_async (f->machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (f->machine, result, &error));
  g_test_message ("%s", error->message);
  return error;
}

static void
assert_denied (SnapshotFixture *f, const char *word)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_autoptr (GError) error = start (f);
  LodgeJob *job;

  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_assert_nonnull (strstr (error->message, word));
  g_assert_cmpint (lodge_machine_get_state (f->machine), ==, LODGE_STATE_OFF);
  g_assert_nonnull (strstr (lodge_machine_get_note (f->machine), word));
  /* A copy of it would be the user's own. */
  g_clear_error (&error);
  job = lodge_library_clone_machine (f->library, f->machine, "twin", options, &error);
  if (job != NULL)
    g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_DENIED);
  else
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  job = lodge_library_take_snapshot (f->library, f->machine, "mine", "");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_DENIED);
}

static gboolean
accept_path (SnapshotFixture *f, const char *path, GError **error)
{
  const char *paths[] = {path, NULL};
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_accept_async (f->machine, paths, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_machine_save_finish (f->machine, result, error);
}

static const struct {
  const char *name;
  const char *group;
  const char *key;
  const char *asked; /* as it is named to the user */
} places[] = {
    {"layer", "layer.data-l0", "file", "layer.data-l0.file"},
    {"kernel", "boot", "kernel", "boot.kernel"},
    {"medium", "media.cd0", "file", "media.cd0.file"},
};

static void
test_path (SnapshotFixture *f, gconstpointer data)
{
  const guint i = GPOINTER_TO_UINT (data);
  g_autofree char *secret = make_secret (f);
  g_autoptr (GError) error = NULL;

  snapshot_fixture_close (f);
  if (g_str_equal (places[i].name, "medium"))
    edit_own (f, "media.cd0", "port", "5");
  edit_own (f, places[i].group, places[i].key, secret);

  /* One's own hand. */
  snapshot_fixture_open (f);
  assert_asks_nothing (f);
  g_assert_cmpstr (lodge_machine_get_note (f->machine), ==, "");

  come_from_elsewhere (f);
  assert_asks (f, places[i].asked, secret, NULL);
  assert_denied (f, secret);
  g_assert_false (accept_path (f, "/etc/passwd", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_clear_error (&error);

  /* The next engine knows the folder by now, and asks all the same. */
  snapshot_fixture_close (f);
  snapshot_fixture_open (f);
  assert_denied (f, secret);

  g_assert_true (accept_path (f, secret, &error));
  g_assert_no_error (error);
  assert_asks_nothing (f);
  g_assert_cmpstr (lodge_machine_get_note (f->machine), ==, "");
  g_free (snapshot_fixture_take (f, "mine"));
  snapshot_fixture_close (f);
  snapshot_fixture_open (f);
  assert_asks_nothing (f);
}

/* What is not named any more is not asked for. */
static void
test_taken_out (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *secret = make_secret (f);
  g_autoptr (GVariant) changes = g_variant_ref_sink (g_variant_new_parsed ("{'boot.kernel': ''}"));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  snapshot_fixture_close (f);
  edit_own (f, "boot", "kernel", secret);
  come_from_elsewhere (f);
  assert_denied (f, secret);
  lodge_machine_set_async (f->machine, changes, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_save_finish (f->machine, result, &error));
  assert_asks_nothing (f);
  g_assert_cmpstr (lodge_machine_get_note (f->machine), ==, "");
  g_free (snapshot_fixture_take (f, "mine"));
}

/* A disk that is removed, neither; its image stays where it is. */
static void
test_disk_removed (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *secret = make_secret (f);
  LodgeJob *job;

  snapshot_fixture_close (f);
  edit_own (f, "layer.data-l0", "file", secret);
  come_from_elsewhere (f);
  assert_denied (f, secret);
  job = lodge_library_compact_disk (f->library, f->machine, "data");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_DENIED);
  job = lodge_library_remove_disk (f->library, f->machine, "data", FALSE);
  g_assert_no_error (snapshot_fixture_wait (job));
  assert_asks_nothing (f);
  g_assert_cmpstr (lodge_machine_get_note (f->machine), ==, "");
  g_assert_true (g_file_test (secret, G_FILE_TEST_IS_REGULAR));
}

/* One that came along looks like a file of the machine's. */
static void
test_link (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *secret = make_secret (f);
  g_autofree char *link = g_build_filename (f->machine_folder, "cd.iso", NULL);
  g_autoptr (GError) error = NULL;

  snapshot_fixture_close (f);
  g_assert_no_errno (symlink (secret, link));
  edit_own (f, "media.cd0", "port", "5");
  edit_own (f, "media.cd0", "file", link);
  come_from_elsewhere (f);
  assert_asks (f, "media.cd0.file", link, secret);
  assert_denied (f, secret);
  g_assert_true (accept_path (f, link, &error));
  g_assert_no_error (error);
  assert_asks_nothing (f);
}

/* Own files are the files themselves: nothing to accept, and nothing to start. */
static void
test_own_links (SnapshotFixture *f, gconstpointer data)
{
  static const char *const files[] = {"layers/data.raw", "nvram.qcow2", "layers", "tpm"};
  g_autofree char *secret = make_secret (f);

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = g_build_filename (f->machine_folder, files[i], NULL);
    g_autofree char *away = g_strdup_printf ("%s/away-%u", f->folder, i);
    g_autoptr (GError) error = NULL;

    snapshot_fixture_close (f);
    g_assert_no_errno (g_rename (path, away));
    g_assert_no_errno (symlink (strchr (files[i], '.') == NULL ? away : secret, path));
    come_from_elsewhere (f);
    error = start (f);
    g_assert_true (strstr (error->message, "is a link") != NULL ||
                   strstr (error->message, "lies outside") != NULL);
    g_assert_cmpint (lodge_machine_get_state (f->machine), ==, LODGE_STATE_OFF);
    g_assert_no_errno (g_unlink (path));
    g_assert_no_errno (g_rename (away, path));
  }
}

/* A layer that only a snapshot kept apart is merged with the one above it once that is deleted:
 * what a guest has written is not written into a file that nobody has accepted. Nor is that copied.
 */
static void
test_merge (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *secret = make_secret (f);
  g_autofree char *target = g_build_filename (f->folder, "copy.qcow2", NULL);
  g_autofree char *before = NULL, *after = NULL;
  gsize n_before, n_after;
  LodgeJob *job;

  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 0, 7);
  snapshot_fixture_close (f);
  edit_own (f, "layer.data-l0", "file", secret);
  g_assert_true (g_file_get_contents (secret, &before, &n_before, NULL));
  come_from_elsewhere (f);
  job = lodge_library_convert_disk (f->library, f->machine, "data", "qcow2", target, "one", FALSE);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_DENIED);
  g_assert_false (g_file_test (target, G_FILE_TEST_EXISTS));

  snapshot_fixture_delete (f, "one");
  snapshot_fixture_wait_all (f);
  come_from_elsewhere (f);
  snapshot_fixture_wait_all (f);
  g_assert_true (g_file_get_contents (secret, &after, &n_after, NULL));
  g_assert_cmpmem (before, n_before, after, n_after);
}

/* What a snapshot names comes back with it. */
static void
test_snapshot (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *secret = make_secret (f);
  g_autofree char *id = snapshot_fixture_take (f, "one");
  g_autofree char *stored =
      g_build_filename (f->machine_folder, "snapshots", id, "machine.ini", NULL);
  g_autoptr (GVariant) options =
      g_variant_ref_sink (g_variant_new_parsed ("{'snapshot': <'one'>}"));
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  snapshot_fixture_close (f);
  edit (stored, "boot", "kernel", secret);
  come_from_elsewhere (f);
  assert_asks (f, "", secret, NULL);
  g_assert_cmpstr (lodge_machine_get_note (f->machine), ==, "");
  job = lodge_library_clone_machine (f->library, f->machine, "twin", options, &error);
  g_assert_no_error (error);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_DENIED);
  g_free (snapshot_fixture_go_back (f, "one", FALSE));
  assert_asks (f, "boot.kernel", secret, NULL);
  assert_denied (f, secret);
}

/* A file that is no firmware is as readable as any for a guest. */
static void
test_firmware (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *secret = make_secret (f);

  snapshot_fixture_close (f);
  edit_own (f, "firmware", "code", secret);
  come_from_elsewhere (f);
  g_assert_cmpstr (lodge_machine_get_description (f->machine)->firmware_code, ==, "");
  assert_asks_nothing (f);
}

#define ADD(name, data, function)                                                                  \
  g_test_add ("/machine/foreign/" name, SnapshotFixture, data, snapshot_fixture_set_up, function,  \
              snapshot_fixture_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    g_autofree char *path = g_strconcat ("/machine/foreign/", places[i].name, NULL);

    g_test_add (path, SnapshotFixture, GUINT_TO_POINTER (i), snapshot_fixture_set_up, test_path,
                snapshot_fixture_tear_down);
  }
  ADD ("taken-out", NULL, test_taken_out);
  ADD ("disk-removed", NULL, test_disk_removed);
  ADD ("link", NULL, test_link);
  ADD ("own-links", NULL, test_own_links);
  ADD ("merge", NULL, test_merge);
  ADD ("snapshot", NULL, test_snapshot);
  ADD ("firmware", NULL, test_firmware);
  return g_test_run ();
}
