/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines that others are made from, and that do not change. */
#include "lodge-error.h"
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-private.h"
#include "snapshot-fixture.h"

#include <string.h>

static const SnapshotMarks marks = {{1}};

/* NULL when it worked. */
static GError *
set (SnapshotFixture *f, const char *key, const char *text)
{
  g_autofree char *printed = g_strdup_printf ("{'%s': '%s'}", key, text);
  g_autoptr (GVariant) changes = g_variant_ref_sink (g_variant_new_parsed (printed));
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  lodge_library_set_async (f->library, f->machine, changes, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_library_set_finish (f->library, result, &error);
  return error;
}

static void
make_template (SnapshotFixture *f)
{
  g_assert_null (set (f, "machine.template", "yes"));
  g_assert_cmpint (lodge_machine_get_state (f->machine), ==, LODGE_STATE_TEMPLATE);
}

static void
assert_refused (const GError *error)
{
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "is a template"));
}

static void
make_clone (SnapshotFixture *f, const char *name)
{
  g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed ("{'linked': <true>}"));
  LodgeJob *job = lodge_library_clone_machine (f->library, f->machine, name, options, NULL);

  g_assert_no_error (snapshot_fixture_wait (job));
  snapshot_fixture_wait_all (f);
}

static void
test_refused (SnapshotFixture *f, gconstpointer unused)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) start = NULL, memory = NULL, media = NULL, forward = NULL;
  g_autofree char *before = NULL, *after = NULL;
  g_autofree char *ini = g_build_filename (f->machine_folder, "machine.ini", NULL);

  g_free (snapshot_fixture_take (f, "one"));
  make_template (f);
  g_assert_true (g_file_get_contents (ini, &before, NULL, NULL));

  lodge_machine_start_async (f->machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (f->machine, result, &start));
  assert_refused (start);
  g_clear_object (&result);
  g_clear_error (&start);
  lodge_machine_start_disposable_async (f->machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (f->machine, result, &start));
  assert_refused (start);
  g_clear_object (&result);

  memory = set (f, "machine.memory", "1G");
  assert_refused (memory);
  lodge_machine_forward_async (f->machine, TRUE, "", "tcp:2222:22", test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_forward_finish (f->machine, result, &forward));
  assert_refused (forward);
  g_clear_object (&result);
  lodge_machine_change_media_async (f->machine, "", NULL, FALSE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_change_media_finish (f->machine, result, &media));
  assert_refused (media);

  assert_refused (
      snapshot_fixture_wait (lodge_library_take_snapshot (f->library, f->machine, "two", "")));
  assert_refused (
      snapshot_fixture_wait (lodge_library_go_back (f->library, f->machine, "one", TRUE, NULL)));
  assert_refused (
      snapshot_fixture_wait (lodge_library_grow_disk (f->library, f->machine, "disk0", 1 << 30)));
  g_assert_true (g_file_get_contents (ini, &after, NULL, NULL));
  g_assert_cmpstr (before, ==, after);

  /* What it is called is nothing of the guest's. */
  g_assert_null (set (f, "machine.name", "base"));
  snapshot_fixture_close (f);
  f->library = NULL;
}

/* However many are made from it, it gets one layer for all, and they none of its marks. */
static void
test_clones (SnapshotFixture *f, gconstpointer unused)
{
  guint layers;

  snapshot_fixture_write (f, 0, 1);
  make_template (f);
  make_clone (f, "first");
  layers = lodge_machine_get_description (f->machine)->layers->len;
  make_clone (f, "second");
  g_assert_cmpuint (lodge_machine_get_description (f->machine)->layers->len, ==, layers);
  g_assert_cmpint (lodge_machine_get_state (f->machine), ==, LODGE_STATE_TEMPLATE);
  snapshot_fixture_look_at (f, "first");
  g_assert_false (lodge_machine_get_description (f->machine)->is_template);
  g_assert_cmpint (lodge_machine_get_state (f->machine), ==, LODGE_STATE_OFF);
  snapshot_fixture_write (f, 1, 2);

  /* The next engine knows it. */
  snapshot_fixture_close (f);
  snapshot_fixture_open (f);
  g_assert_cmpint (lodge_machine_get_state (f->machine), ==, LODGE_STATE_TEMPLATE);
  snapshot_fixture_assert_marks (f, NULL, &marks);

  /* It may be a machine like any other again: what the others have of it is frozen. */
  g_assert_null (set (f, "machine.template", "no"));
  g_assert_cmpint (lodge_machine_get_state (f->machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (
      lodge_machine_get_note (f->machine), ==,
      "“web” is no template any more; other machines stand on layers that it has, too, "
      "which do not change whatever is done with this one");
  snapshot_fixture_write (f, 0, 9);
  snapshot_fixture_look_at (f, "second");
  snapshot_fixture_assert_marks (f, NULL, &marks);

  /* And it may go. */
  snapshot_fixture_look_at (f, "web");
  make_template (f);
  g_assert_cmpstr (lodge_machine_get_note (f->machine), ==, "");
  g_assert_no_error (
      snapshot_fixture_wait (lodge_library_delete_machine (f->library, f->machine, NULL)));
  snapshot_fixture_wait_all (f);
  snapshot_fixture_look_at (f, "second");
  snapshot_fixture_assert_marks (f, NULL, &marks);
  snapshot_fixture_close (f);
  f->library = NULL;
}

/* Only what is off can become one; of what has crashed nobody knows what is on its disks. */
static void
test_states (SnapshotFixture *f, gconstpointer unused)
{
  static const LodgeState states[] = {LODGE_STATE_STARTING, LODGE_STATE_RUNNING, LODGE_STATE_PAUSED,
                                      LODGE_STATE_CRASHED};

  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    g_autoptr (GError) error = NULL;

    lodge_machine_set_state (f->machine, states[i]);
    error = set (f, "machine.template", "yes");
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
    g_assert_false (lodge_machine_get_description (f->machine)->is_template);
  }
  lodge_machine_set_state (f->machine, LODGE_STATE_OFF);
  make_template (f);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/template/" name, SnapshotFixture, NULL, snapshot_fixture_set_up, function, \
              snapshot_fixture_tear_down)
  ADD ("refused", test_refused);
  ADD ("clones", test_clones);
  ADD ("states", test_states);
  return g_test_run ();
}
