/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots of a machine that is off: what is in each, and what is left on the disk. */
#include "snapshot-fixture.h"

#include "description/lodge-description-file.h"
#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-private.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#define MARKS(...)                                                                                 \
  &(SnapshotMarks)                                                                                 \
  {                                                                                                \
    {                                                                                              \
      __VA_ARGS__                                                                                  \
    }                                                                                              \
  }

static const LodgeDescription *
now (SnapshotFixture *f)
{
  return lodge_machine_get_description (f->machine);
}

static void
set (SnapshotFixture *f, const char *changes)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_library_set_async (f->library, f->machine, g_variant_new_parsed (changes),
                           test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_library_set_finish (f->library, result, &error);
  g_assert_no_error (error);
}

static void
test_take (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *id = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) list = NULL;
  g_autoptr (GVariant) row = NULL;
  const char *name, *parent;
  gboolean current;
  guint64 bytes;

  snapshot_fixture_write (f, 0, 1);
  id = snapshot_fixture_take (f, "installed");
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, "installed", MARKS (1));
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));

  snapshot_fixture_write (f, 1, 2);
  snapshot_fixture_write (f, 0, 3);
  snapshot_fixture_assert_marks (f, "installed", MARKS (1));
  snapshot_fixture_assert_marks (f, NULL, MARKS (3, 2));

  lodge_machine_list_snapshots_async (f->machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  list = lodge_machine_list_snapshots_finish (f->machine, result);
  g_assert_cmpuint (g_variant_n_children (list), ==, 1);
  row = g_variant_get_child_value (list, 0);
  g_assert_true (g_variant_lookup (row, "name", "&s", &name));
  g_assert_cmpstr (name, ==, "installed");
  g_assert_true (g_variant_lookup (row, "parent", "&s", &parent));
  g_assert_cmpstr (parent, ==, "");
  g_assert_true (g_variant_lookup (row, "current", "b", &current));
  g_assert_true (current);
  g_assert_true (g_variant_lookup (row, "bytes", "t", &bytes));
  g_assert_cmpuint (bytes, >, 256 * 1024);
  g_assert_cmpuint (bytes, <, 4 * 1024 * 1024);
}

static void
test_go_back (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *first = NULL;
  g_autofree char *kept = NULL;
  const LodgeSnapshot *snapshot;

  snapshot_fixture_write (f, 0, 1);
  first = snapshot_fixture_take (f, "installed");
  snapshot_fixture_write (f, 1, 2);
  set (f, "{'machine.memory': '3G', 'machine.name': 'shop', 'sharing.clipboard': 'off'}");
  kept = snapshot_fixture_go_back (f, "installed", TRUE);
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  /* The hardware of then, and this computer's business as it is now. */
  g_assert_cmpuint (now (f)->memory_mib, !=, 3 * 1024);
  g_assert_cmpstr (now (f)->name, ==, "shop");
  g_assert_cmpint (now (f)->share_clipboard, ==, LODGE_CLIPBOARD_OFF);
  g_assert_cmpstr (now (f)->snapshot, ==, first);

  /* Nothing of the present is lost: not its disks, and not its hardware. */
  snapshot = lodge_description_get_snapshot (now (f), kept);
  g_assert_cmpstr (snapshot->name, ==, "Before going back to installed");
  g_assert_true (snapshot->automatic);
  snapshot_fixture_assert_marks (f, kept, MARKS (1, 2));
  snapshot_fixture_write (f, 2, 5);
  g_free (snapshot_fixture_go_back (f, kept, TRUE));
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));
  g_assert_cmpuint (now (f)->memory_mib, ==, 3 * 1024);
  snapshot_fixture_assert_marks (f, "Before going back to Before going back to installed",
                                 MARKS (1, 0, 5));
  snapshot_fixture_assert_tidy (f);
}

/* Who asks for it loses the present, and nothing else. */
static void
test_give_up (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *kept = NULL;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "installed"));
  snapshot_fixture_write (f, 1, 2);
  kept = snapshot_fixture_go_back (f, "installed", FALSE);
  g_assert_cmpstr (kept, ==, "");
  snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  g_assert_cmpuint (now (f)->snapshots->len, ==, 1);
  snapshot_fixture_assert_tidy (f);
}

/* A tree, each of whose nodes goes, in every order that matters; the others keep what they have. */
static void
test_delete (SnapshotFixture *f, gconstpointer data)
{
  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 1, 2);
  g_free (snapshot_fixture_take (f, "two"));
  snapshot_fixture_write (f, 2, 3);
  g_free (snapshot_fixture_take (f, "three"));
  snapshot_fixture_write (f, 3, 4);
  g_free (snapshot_fixture_go_back (f, "two", FALSE));
  snapshot_fixture_write (f, 4, 5);
  g_free (snapshot_fixture_take (f, "fork"));
  snapshot_fixture_write (f, 0, 6);

  /* The one in the middle, on which two stand: its layer stays. */
  snapshot_fixture_delete (f, "two");
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, "one", MARKS (1));
  snapshot_fixture_assert_marks (f, "three", MARKS (1, 2, 3));
  snapshot_fixture_assert_marks (f, "fork", MARKS (1, 2, 0, 0, 5));
  snapshot_fixture_assert_marks (f, NULL, MARKS (6, 2, 0, 0, 5));
  g_assert_cmpuint (now (f)->layers->len, ==, 2 * 5);

  /* A leaf: now that has one on it only, and they become one. */
  snapshot_fixture_delete (f, "three");
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, "one", MARKS (1));
  snapshot_fixture_assert_marks (f, "fork", MARKS (1, 2, 0, 0, 5));
  snapshot_fixture_assert_marks (f, NULL, MARKS (6, 2, 0, 0, 5));
  g_assert_cmpuint (now (f)->layers->len, ==, 2 * 3);
  g_free (snapshot_fixture_go_back (f, "fork", FALSE));
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2, 0, 0, 5));
  snapshot_fixture_write (f, 0, 6);

  /* The first, which the present does not stand on at once. */
  snapshot_fixture_delete (f, "one");
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, "fork", MARKS (1, 2, 0, 0, 5));
  snapshot_fixture_assert_marks (f, NULL, MARKS (6, 2, 0, 0, 5));

  /* The last: what is left is as if there never was a snapshot. */
  snapshot_fixture_delete (f, "fork");
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, NULL, MARKS (6, 2, 0, 0, 5));
  g_assert_cmpuint (now (f)->layers->len, ==, 2);
  g_assert_null (now (f)->snapshot);
}

/* The next engine knows all of it. */
static void
test_reopen (SnapshotFixture *f, gconstpointer data)
{
  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 1, 2);
  g_free (snapshot_fixture_take (f, "two"));
  snapshot_fixture_close (f);
  snapshot_fixture_open (f);
  snapshot_fixture_assert_marks (f, "one", MARKS (1));
  g_free (snapshot_fixture_go_back (f, "one", TRUE));
  snapshot_fixture_delete (f, "two");
  snapshot_fixture_assert_marks (f, "Before going back to one", MARKS (1, 2));
  snapshot_fixture_assert_tidy (f);
}

static void
test_refused (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *id = snapshot_fixture_take (f, "one");
  g_autofree char *ini = g_build_filename (f->machine_folder, "snapshots", id, "machine.ini", NULL);
  g_autofree char *long_text = g_strnfill (2000, 'x');
  LodgeJob *job;

  job = lodge_library_take_snapshot (f->library, f->machine, "one", "");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_EXISTS);
  job = lodge_library_take_snapshot (f->library, f->machine, "a/b", "");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_INVALID);
  job = lodge_library_take_snapshot (f->library, f->machine, "two", long_text);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_INVALID);
  job = lodge_library_go_back (f->library, f->machine, "two", TRUE, NULL);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  job = lodge_library_delete_snapshot (f->library, f->machine, "two");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_NOT_FOUND);

  /* Its record is damaged: nothing has happened, and it can still be deleted. */
  g_assert_no_errno (g_chmod (ini, 0600));
  g_assert_true (g_file_set_contents (ini, "nothing\n", -1, NULL));
  job = lodge_library_go_back (f->library, f->machine, "one", TRUE, NULL);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (lodge_job_get_error (job)->message, "“one”"));
  g_assert_cmpuint (now (f)->snapshots->len, ==, 1);
  snapshot_fixture_delete (f, "one");
  snapshot_fixture_assert_tidy (f);
}

static void
assert_worked_on (const GError *error)
{
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "“web” is being worked on (Taking a snapshot)"));
}

/* One at a time. */
static void
test_at_once (SnapshotFixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GError) error = NULL;
  LodgeJob *first = lodge_library_take_snapshot (f->library, f->machine, "one", "");
  LodgeJob *second = lodge_library_take_snapshot (f->library, f->machine, "two", "");

  while (lodge_job_get_step (first)[0] == '\0')
    g_main_context_iteration (NULL, TRUE);
  lodge_machine_start_async (f->machine, test_wait_result_cb, &started);
  test_wait_until (started != NULL);
  g_assert_false (lodge_machine_start_finish (f->machine, started, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);

  g_assert_no_error (snapshot_fixture_wait (first));
  g_assert_error (snapshot_fixture_wait (second), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (lodge_description_find_snapshot (now (f), "one", NULL));
  g_assert_null (lodge_description_find_snapshot (now (f), "two", NULL));
  snapshot_fixture_assert_tidy (f);
}

/* What a client changes would have to wait for the end of the work: it is refused, and not made
 * when nobody thinks of it any more. */
static void
test_edits_at_once (SnapshotFixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) set_result = NULL;
  g_autoptr (GAsyncResult) words_result = NULL;
  g_autoptr (GAsyncResult) media_result = NULL;
  g_autoptr (GAsyncResult) forward_result = NULL;
  g_autoptr (GError) set_error = NULL;
  g_autoptr (GError) words_error = NULL;
  g_autoptr (GError) media_error = NULL;
  g_autoptr (GError) forward_error = NULL;
  LodgeJob *job;

  g_free (snapshot_fixture_take (f, "one"));
  job = lodge_library_take_snapshot (f->library, f->machine, "two", "");
  while (lodge_job_get_step (job)[0] == '\0')
    g_main_context_iteration (NULL, TRUE);
  lodge_library_set_async (f->library, f->machine, g_variant_new_parsed ("{'machine.name': 'x'}"),
                           test_wait_result_cb, &set_result);
  lodge_machine_describe_snapshot_async (f->machine, "one", "first", "", test_wait_result_cb,
                                         &words_result);
  lodge_machine_change_media_async (f->machine, "", NULL, FALSE, test_wait_result_cb,
                                    &media_result);
  lodge_machine_forward_async (f->machine, FALSE, "", "tcp:2222:22", test_wait_result_cb,
                               &forward_result);
  test_wait_until (set_result != NULL && words_result != NULL && media_result != NULL &&
                   forward_result != NULL);
  g_assert_cmpint (lodge_job_get_state (job), ==, LODGE_JOB_RUNNING);
  lodge_library_set_finish (f->library, set_result, &set_error);
  assert_worked_on (set_error);
  lodge_machine_save_finish (f->machine, words_result, &words_error);
  assert_worked_on (words_error);
  lodge_machine_change_media_finish (f->machine, media_result, &media_error);
  assert_worked_on (media_error);
  lodge_machine_forward_finish (f->machine, forward_result, &forward_error);
  assert_worked_on (forward_error);

  /* The work's own are made. */
  g_assert_no_error (snapshot_fixture_wait (job));
  g_assert_nonnull (lodge_description_find_snapshot (now (f), "two", NULL));
  g_assert_nonnull (lodge_description_find_snapshot (now (f), "one", NULL));
  g_assert_cmpstr (lodge_machine_get_name (f->machine), ==, "web");
  set (f, "{'machine.name': 'x'}");
  snapshot_fixture_assert_tidy (f);
}

/* What is asked for in the middle of a merge. */
static SnapshotFixture *merging;
static const char *asked_at;
static GAsyncResult *asked;

static void
merge_step_cb (const char *step)
{
  if (asked == NULL && g_str_equal (step, asked_at)) {
    asked_at = "";
    lodge_library_set_async (merging->library, merging->machine,
                             g_variant_new_parsed ("{'machine.name': 'y'}"), test_wait_result_cb,
                             &asked);
  }
}

/* A merge begins by itself and is not shown: at no moment of it is a change refused. */
static void
test_edits_while_merging (SnapshotFixture *f, gconstpointer data)
{
  g_autoptr (LodgeJob) merge =
      lodge_job_new ("snapshot-merge", lodge_machine_get_uuid (f->machine));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  g_free (snapshot_fixture_take (f, "one"));
  job = lodge_library_delete_snapshot (f->library, f->machine, "one");
  while (!g_str_equal (lodge_job_get_step (job), "Merging layers"))
    g_main_context_iteration (NULL, TRUE);
  lodge_job_cancel (job);
  g_assert_no_error (snapshot_fixture_wait (job));
  g_assert_cmpuint (now (f)->layers->len, ==, 4);

  merging = f;
  asked_at = "written";
  lodge_journal_step_hook = merge_step_cb;
  lodge_machine_merge_layers_async (f->machine, merge, test_wait_result_cb, &result);
  while (f->machine->work == NULL)
    g_main_context_iteration (NULL, TRUE);
  set (f, "{'machine.name': 'x'}");
  test_wait_until (result != NULL && asked != NULL);
  lodge_journal_step_hook = NULL;
  lodge_machine_layers_finish (f->machine, result, &error);
  g_assert_no_error (error);
  lodge_library_set_finish (f->library, asked, &error);
  g_clear_object (&asked);
  g_assert_no_error (error);
  g_assert_cmpuint (now (f)->layers->len, ==, 2);
  g_assert_cmpstr (lodge_machine_get_name (f->machine), ==, "y");
  snapshot_fixture_assert_tidy (f);
}

/* At any moment: all of it is there, or nothing. */
static void
test_cancel (SnapshotFixture *f, gconstpointer data)
{
  guint n_cancelled = 0;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "base"));
  for (guint i = 0; i < 20; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);
    LodgeJob *job = i % 2 == 0 ? lodge_library_take_snapshot (f->library, f->machine, name, "")
                               : lodge_library_go_back (f->library, f->machine, "base", TRUE, name);

    test_wait_ms (i * 5);
    lodge_job_cancel (job);
    if (snapshot_fixture_wait (job) != NULL) {
      g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
      g_assert_null (lodge_description_find_snapshot (now (f), name, NULL));
      n_cancelled++;
    }
    snapshot_fixture_assert_tidy (f);
    snapshot_fixture_assert_marks (f, NULL, MARKS (1));
  }
  g_assert_cmpuint (n_cancelled, >, 0);
}

/* Stopping a merge loses nothing, and is no failure of the deletion; it is done later. */
static void
test_cancel_merge (SnapshotFixture *f, gconstpointer data)
{
  LodgeJob *job;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 1, 2);
  job = lodge_library_delete_snapshot (f->library, f->machine, "one");
  while (!g_str_equal (lodge_job_get_step (job), "Merging layers"))
    g_main_context_iteration (NULL, TRUE);
  lodge_job_cancel (job);
  g_assert_no_error (snapshot_fixture_wait (job));
  g_assert_cmpuint (now (f)->snapshots->len, ==, 0);
  g_assert_cmpuint (now (f)->layers->len, ==, 4);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));
  /* Not by itself: somebody has stopped it. */
  snapshot_fixture_wait_all (f);
  g_assert_cmpuint (now (f)->layers->len, ==, 4);

  snapshot_fixture_close (f);
  snapshot_fixture_open (f);
  g_assert_cmpuint (now (f)->layers->len, ==, 2);
  snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));
  snapshot_fixture_assert_tidy (f);
}

/* Each write fails for want of room, from the first to the last. */
static void
test_full_disk (SnapshotFixture *f, gconstpointer data)
{
  static const guint64 limits[] = {64,     512,        1024,       2048,       4096,      70000,
                                   200000, 196608 - 1, 262144 - 1, 400 * 1024, 900 * 1024};
  struct rlimit before, tiny;
  SnapshotMarks one = {{1}};
  guint n_failed = 0;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 1, 2);
  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &before));
  signal (SIGXFSZ, SIG_IGN);
  for (guint i = 0; i < 3 * G_N_ELEMENTS (limits); i++) {
    LodgeJob *job;

    tiny = before;
    tiny.rlim_cur = limits[i / 3];
    g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &tiny));
    if (i % 3 == 0)
      job = lodge_library_take_snapshot (f->library, f->machine, "two", "");
    else if (i % 3 == 1)
      job = lodge_library_go_back (f->library, f->machine, "one", TRUE, "kept");
    else
      job = lodge_library_delete_snapshot (f->library, f->machine, "one");
    snapshot_fixture_wait (job);
    snapshot_fixture_wait_all (f);
    g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &before));
    if (lodge_job_get_error (job) != NULL) {
      const char *message = lodge_job_get_error (job)->message;

      g_test_message ("%u: %s", (guint) limits[i / 3], message);
      g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STORAGE);
      g_assert_nonnull (strstr (message, "room"));
      g_assert_null (strchr (message, '\n'));
      n_failed++;
    }
    /* What is there by now is whole. */
    snapshot_fixture_close (f);
    snapshot_fixture_open (f);
    snapshot_fixture_assert_tidy (f);
    if (lodge_description_find_snapshot (now (f), "kept", NULL) != NULL) {
      snapshot_fixture_assert_marks (f, NULL, &one);
      snapshot_fixture_assert_marks (f, "kept", MARKS (1, 2));
      break;
    }
    snapshot_fixture_assert_marks (f, NULL, MARKS (1, 2));
    if (lodge_description_find_snapshot (now (f), "one", NULL) == NULL) {
      g_free (snapshot_fixture_take (f, "one"));
      one.at[1] = 2;
      continue;
    }
    snapshot_fixture_assert_marks (f, "one", &one);
    if (lodge_description_find_snapshot (now (f), "two", NULL) != NULL)
      snapshot_fixture_delete (f, "two");
  }
  g_assert_cmpuint (n_failed, >, 10);
}

/* A folder that somebody has prepared. */
static void
test_links (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *secret = g_build_filename (f->folder, "secret", NULL);
  g_autofree char *snapshots = g_build_filename (f->machine_folder, "snapshots", NULL);
  g_autofree char *tpm = g_build_filename (f->machine_folder, "tpm/link", NULL);
  g_autofree char *journal = g_build_filename (f->machine_folder, "journal", NULL);
  static const char *const bad[] = {"machine.ini",           "lock",      "../../secret",
                                    "layers/../machine.ini", "snapshots", "/etc/passwd"};
  LodgeJob *job;

  g_assert_true (g_file_set_contents (secret, "secret", -1, NULL));
  g_assert_no_errno (symlink (secret, tpm));
  job = lodge_library_take_snapshot (f->library, f->machine, "one", "");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_no_errno (g_unlink (tpm));
  g_assert_no_errno (symlink (f->folder, snapshots));
  job = lodge_library_take_snapshot (f->library, f->machine, "one", "");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_no_errno (g_unlink (snapshots));

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autofree char *text = g_strdup_printf ("[journal]\nfile0=%s\n", bad[i]);

    g_assert_true (g_file_set_contents (journal, text, -1, NULL));
    job = lodge_library_take_snapshot (f->library, f->machine, "one", "");
    g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_true (g_file_test (secret, G_FILE_TEST_EXISTS));
    g_assert_true (g_file_test (journal, G_FILE_TEST_EXISTS));
  }
  g_assert_no_errno (g_unlink (journal));
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_assert_tidy (f);
}

static void
test_words (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *id = snapshot_fixture_take (f, "one");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_free (snapshot_fixture_take (f, "two"));
  lodge_machine_describe_snapshot_async (f->machine, "one", "first", "before all",
                                         test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_save_finish (f->machine, result, &error));
  g_assert_cmpstr (lodge_description_get_snapshot (now (f), id)->name, ==, "first");
  g_assert_cmpstr (lodge_description_get_snapshot (now (f), id)->text, ==, "before all");
  g_clear_object (&result);
  lodge_machine_describe_snapshot_async (f->machine, id, "two", "", test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_save_finish (f->machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
}

/* A window hears of it before the button is pressed, and in the same words. */
static void
test_too_deep (SnapshotFixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) checked = NULL;
  g_autoptr (GVariant) blockers = NULL;
  const char *sentence, *advice;
  LodgeJob *job;

  snapshot_fixture_deepen (f, 80, TRUE);
  lodge_machine_check_snapshot_async (f->machine, TRUE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  checked = lodge_machine_check_snapshot_finish (f->machine, result);
  g_variant_get (checked, "(@a(ss)@a{sv})", &blockers, NULL);
  g_assert_cmpuint (now (f)->snapshots->len, ==, 80);
  g_assert_cmpuint (g_variant_n_children (blockers), ==, 1);
  g_variant_get_child (blockers, 0, "(&s&s)", &sentence, &advice);
  g_test_message ("%s", sentence);
  g_assert_nonnull (strstr (sentence, " 81 snapshots "));
  job = lodge_library_take_snapshot (f->library, f->machine, "one", "");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_cmpstr (lodge_job_get_error (job)->message, ==, sentence);
}

/* Where there is no snapshot to delete nobody is told to delete one. */
static void
test_too_many_layers (SnapshotFixture *f, gconstpointer data)
{
  LodgeJob *job;

  snapshot_fixture_deepen (f, 80, FALSE);
  job = lodge_library_take_snapshot (f->library, f->machine, "one", "");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_STATE);
  g_test_message ("%s", lodge_job_get_error (job)->message);
  g_assert_cmpuint (now (f)->snapshots->len, ==, 0);
  g_assert_null (strstr (lodge_job_get_error (job)->message, "delete some"));
  g_assert_nonnull (strstr (lodge_job_get_error (job)->message, " 81 layers,"));
  g_assert_nonnull (strstr (lodge_job_get_error (job)->message, "full clone of it"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/snapshot/" name, SnapshotFixture, NULL, snapshot_fixture_set_up, function, \
              snapshot_fixture_tear_down)
  ADD ("take", test_take);
  ADD ("go-back", test_go_back);
  ADD ("give-up", test_give_up);
  ADD ("delete", test_delete);
  ADD ("reopen", test_reopen);
  ADD ("refused", test_refused);
  ADD ("at-once", test_at_once);
  ADD ("edits-at-once", test_edits_at_once);
  ADD ("edits-while-merging", test_edits_while_merging);
  ADD ("cancel", test_cancel);
  ADD ("cancel-merge", test_cancel_merge);
  ADD ("full-disk", test_full_disk);
  ADD ("links", test_links);
  ADD ("words", test_words);
  ADD ("too-deep", test_too_deep);
  ADD ("too-many-layers", test_too_many_layers);
  return g_test_run ();
}
