/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clones of a machine that is off, and of its snapshots: what is in each, what they share, and that
 * neither ever changes what is the other's.
 */
#include "snapshot-fixture.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "test-folder.h"

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

/* Of what is looked at. */
static LodgeJob *
begin (SnapshotFixture *f, const char *name, const char *options)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (options));
  g_autoptr (GError) error = NULL;
  LodgeJob *job = lodge_library_clone_machine (f->library, f->machine, name, parsed, &error);

  g_assert_no_error (error);
  return job;
}

static void
make_clone (SnapshotFixture *f, const char *name, const char *options)
{
  LodgeJob *job = begin (f, name, options);
  g_autoptr (GError) error = NULL;
  LodgeMachine *made;

  g_assert_no_error (snapshot_fixture_wait (job));
  made = lodge_library_find (f->library, name, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_job_get_result (job), ==, lodge_machine_get_uuid (made));
  snapshot_fixture_wait_all (f);
}

/* So many clones of one, which is written to between them. */
#define CHAIN 12

#define LINKED "{'linked': <true>}"
#define FULL   "@a{sv} {}"

static void
delete_machine (SnapshotFixture *f, const char *name)
{
  g_autoptr (GError) error = NULL;
  LodgeMachine *machine = lodge_library_find (f->library, name, &error);
  LodgeJob *job;

  g_assert_no_error (error);
  job = lodge_library_delete_machine (f->library, machine, &error);
  g_assert_no_error (error);
  g_assert_no_error (snapshot_fixture_wait (job));
  if (machine == f->machine)
    f->machine = NULL;
  snapshot_fixture_wait_all (f);
}

static void
look (SnapshotFixture *f, const char *name, const SnapshotMarks *marks, guint n_layers)
{
  snapshot_fixture_look_at (f, name);
  snapshot_fixture_assert_tidy (f);
  snapshot_fixture_assert_marks (f, NULL, marks);
  g_assert_cmpuint (now (f)->layers->len, ==, n_layers);
}

/* How many names the file has on which the first disk's top stands. */
static guint
count_sharers (SnapshotFixture *f)
{
  const LodgeDisk *disk = now (f)->disks->pdata[0];
  const LodgeLayer *top = lodge_description_get_layer (now (f), disk->top);

  return lodge_own_file_count_names (f->machine_folder,
                                     lodge_description_get_layer (now (f), top->below)->file);
}

static guint
count_folders (SnapshotFixture *f)
{
  g_autofree char *machines = g_build_filename (f->data, "machines", NULL);
  g_autoptr (GDir) dir = g_dir_open (machines, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
test_linked (SnapshotFixture *f, gconstpointer data)
{
  snapshot_fixture_write (f, 0, 1);
  make_clone (f, "new", LINKED);
  look (f, "new", MARKS (1), 4);
  g_assert_cmpuint (count_sharers (f), ==, 2);
  snapshot_fixture_write (f, 1, 2);
  snapshot_fixture_look_at (f, "web");
  snapshot_fixture_write (f, 2, 3);
  snapshot_fixture_write (f, 0, 9);

  snapshot_fixture_close (f);
  snapshot_fixture_open (f);
  look (f, "web", MARKS (9, 0, 3), 4);
  look (f, "new", MARKS (1, 2), 4);
  g_assert_cmpuint (count_folders (f), ==, 2);
}

static void
test_identity (SnapshotFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) changes =
      g_variant_ref_sink (g_variant_new_parsed ("{'nic.nic0.forwards': 'tcp:127.0.0.1:2222:22'}"));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (LodgeDescription) source = NULL;
  g_autoptr (GError) error = NULL;

  lodge_library_set_async (f->library, f->machine, changes, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_library_set_finish (f->library, result, &error);
  g_assert_no_error (error);
  source = lodge_description_copy (now (f));
  for (guint i = 0; i < 2; i++) {
    const LodgeNic *old, *nic;

    snapshot_fixture_look_at (f, "web");
    make_clone (f, i == 0 ? "new" : "copy", i == 0 ? LINKED : FULL);
    snapshot_fixture_look_at (f, i == 0 ? "new" : "copy");
    old = source->nics->pdata[0];
    nic = now (f)->nics->pdata[0];
    g_assert_cmpstr (now (f)->uuid, !=, source->uuid);
    g_assert_cmpstr (now (f)->vmgenid, !=, source->vmgenid);
    g_assert_cmpstr (nic->mac, !=, old->mac);
    g_assert_cmpuint (g_strv_length (old->forwards), ==, 1);
    g_assert_cmpuint (g_strv_length (nic->forwards), ==, 0);
    g_assert_cmpuint (now (f)->memory_mib, ==, source->memory_mib);
    g_assert_cmpuint (now (f)->firmware, ==, source->firmware);
  }
}

static void
test_full (SnapshotFixture *f, gconstpointer data)
{
  snapshot_fixture_write (f, 0, 1);
  make_clone (f, "new", FULL);
  /* Nothing of the source was changed for it. */
  look (f, "web", MARKS (1), 2);
  look (f, "new", MARKS (1), 2);
  for (guint i = 0; i < 2; i++) {
    const LodgeLayer *layer = now (f)->layers->pdata[i];

    g_assert_cmpstr (layer->format, ==, "qcow2");
    g_assert_cmpuint (lodge_own_file_count_names (f->machine_folder, layer->file), ==, 1);
  }
  snapshot_fixture_write (f, 1, 2);
  snapshot_fixture_look_at (f, "web");
  snapshot_fixture_write (f, 2, 3);
  look (f, "web", MARKS (1, 0, 3), 2);
  look (f, "new", MARKS (1, 2), 2);
  g_assert_cmpuint (count_folders (f), ==, 2);
}

/* As long as its disks are being copied nobody starts it, and who tries is told why. */
static void
test_full_is_work (SnapshotFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  snapshot_fixture_write (f, 0, 1);
  job = begin (f, "new", FULL);
  test_wait_until (g_str_equal (lodge_job_get_step (job), "Copying the disks"));
  g_assert_false (lodge_machine_check_action (f->machine, LODGE_ACTION_START, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "Copying the disks"));
  for (guint i = 0; i < now (f)->layers->len; i++) {
    const LodgeLayer *layer = now (f)->layers->pdata[i];

    g_assert_cmpuint (lodge_own_file_count_names (f->machine_folder, layer->file), ==, 1);
  }
  g_assert_no_error (snapshot_fixture_wait (job));
  g_assert_true (lodge_machine_check_action (f->machine, LODGE_ACTION_START, NULL));
  snapshot_fixture_wait_all (f);
  look (f, "new", MARKS (1), 2);
}

/* What is left is whole, whichever goes first, and has its layers for itself. */
static void
test_delete_source (SnapshotFixture *f, gconstpointer data)
{
  snapshot_fixture_write (f, 0, 1);
  make_clone (f, "new", LINKED);
  snapshot_fixture_look_at (f, "new");
  snapshot_fixture_write (f, 1, 2);
  snapshot_fixture_look_at (f, "web");
  snapshot_fixture_write (f, 2, 3);
  delete_machine (f, "web");
  look (f, "new", MARKS (1, 2), 2);
  g_assert_cmpuint (count_folders (f), ==, 1);
}

static void
test_delete_clone (SnapshotFixture *f, gconstpointer data)
{
  snapshot_fixture_write (f, 0, 1);
  make_clone (f, "new", LINKED);
  snapshot_fixture_write (f, 2, 3);
  /* As long as it is there nothing is merged into what it stands on. */
  snapshot_fixture_close (f);
  snapshot_fixture_open (f);
  look (f, "web", MARKS (1, 0, 3), 4);
  delete_machine (f, "new");
  look (f, "web", MARKS (1, 0, 3), 2);
  g_assert_cmpuint (count_folders (f), ==, 1);
}

/* Many layers that nobody shares any more become one by themselves. */
static void
test_long_chain (SnapshotFixture *f, gconstpointer data)
{
  SnapshotMarks marks = {{0}};

  for (guint i = 0; i < CHAIN; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);

    snapshot_fixture_write (f, i % SNAPSHOT_FIXTURE_PLACES, (guint8) (i + 1));
    marks.at[i % SNAPSHOT_FIXTURE_PLACES] = (guint8) (i + 1);
    make_clone (f, name, LINKED);
  }
  look (f, "web", &marks, 2 * (CHAIN + 1));
  for (guint i = 0; i < CHAIN; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);

    delete_machine (f, name);
  }
  look (f, "web", &marks, 2);
}

/* Many of one, which is not written to, stand on the same. */
static void
test_template (SnapshotFixture *f, gconstpointer data)
{
  snapshot_fixture_write (f, 0, 1);
  for (guint i = 0; i < 4; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);

    snapshot_fixture_look_at (f, "web");
    make_clone (f, name, LINKED);
    snapshot_fixture_look_at (f, name);
    snapshot_fixture_write (f, i + 1, 2);
  }
  look (f, "web", MARKS (1), 4);
  g_assert_cmpuint (count_sharers (f), ==, 5);
  look (f, "n0", MARKS (1, 2), 4);
  look (f, "n3", MARKS (1, 0, 0, 0, 2), 4);
  /* Once it has been written to, what is cloned is that. */
  snapshot_fixture_look_at (f, "web");
  snapshot_fixture_write (f, 5, 5);
  make_clone (f, "later", LINKED);
  look (f, "later", MARKS (1, 0, 0, 0, 0, 5), 6);
  look (f, "web", MARKS (1, 0, 0, 0, 0, 5), 6);
  look (f, "n1", MARKS (1, 0, 2), 4);
  for (guint i = 0; i < 4; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);

    delete_machine (f, name);
  }
  delete_machine (f, "later");
  look (f, "web", MARKS (1, 0, 0, 0, 0, 5), 2);
}

static void
test_clone_of_clone (SnapshotFixture *f, gconstpointer data)
{
  snapshot_fixture_write (f, 0, 1);
  make_clone (f, "new", LINKED);
  snapshot_fixture_look_at (f, "new");
  snapshot_fixture_write (f, 1, 2);
  make_clone (f, "newer", LINKED);
  look (f, "newer", MARKS (1, 2), 6);
  snapshot_fixture_write (f, 2, 3);
  delete_machine (f, "new");
  look (f, "newer", MARKS (1, 2, 3), 4);
  look (f, "web", MARKS (1), 4);
  delete_machine (f, "web");
  look (f, "newer", MARKS (1, 2, 3), 2);
}

/* Of the first snapshot of "web". */
static guint64
measure (SnapshotFixture *f, const char *key)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) list = NULL;
  g_autoptr (GVariant) row = NULL;
  guint64 bytes = 0;

  snapshot_fixture_look_at (f, "web");
  lodge_machine_list_snapshots_async (f->machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  list = lodge_machine_list_snapshots_finish (f->machine, result);
  row = g_variant_get_child_value (list, 0);
  g_assert_true (g_variant_lookup (row, key, "t", &bytes));
  return bytes;
}

/* What somebody else needs as well is not given back. */
static void
test_measured (SnapshotFixture *f, gconstpointer data)
{
  guint64 bytes, shared;

  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  bytes = measure (f, "bytes");
  g_assert_cmpuint (measure (f, "shared-bytes"), ==, 0);

  make_clone (f, "linked", "{'linked': <true>, 'snapshot': <'one'>}");
  shared = measure (f, "shared-bytes");
  g_assert_cmpuint (shared, >, 256 * 1024);
  g_assert_cmpuint (measure (f, "bytes"), ==, bytes - shared);
  delete_machine (f, "linked");
  g_assert_cmpuint (measure (f, "bytes"), ==, bytes);
  g_assert_cmpuint (measure (f, "shared-bytes"), ==, 0);

  /* Another branch goes on from it. */
  g_free (snapshot_fixture_go_back (f, "one", TRUE));
  g_assert_cmpuint (measure (f, "shared-bytes"), ==, shared);
}

static void
test_snapshot (SnapshotFixture *f, gconstpointer data)
{
  snapshot_fixture_write (f, 0, 1);
  g_free (snapshot_fixture_take (f, "one"));
  snapshot_fixture_write (f, 1, 2);
  g_free (snapshot_fixture_take (f, "two"));
  snapshot_fixture_write (f, 2, 3);
  make_clone (f, "linked", "{'linked': <true>, 'snapshot': <'one'>}");
  make_clone (f, "full", "{'snapshot': <'two'>}");
  make_clone (f, "top", "{'linked': <true>, 'snapshot': <'two'>}");
  look (f, "linked", MARKS (1), 4);
  look (f, "full", MARKS (1, 2), 2);
  look (f, "top", MARKS (1, 2), 6);
  g_assert_cmpuint (now (f)->snapshots->len, ==, 0);
  snapshot_fixture_write (f, 7, 7);
  look (f, "web", MARKS (1, 2, 3), 6);

  /* The snapshots go, and what was cloned from them does not. */
  snapshot_fixture_delete (f, "one");
  snapshot_fixture_delete (f, "two");
  snapshot_fixture_wait_all (f);
  look (f, "web", MARKS (1, 2, 3), 6);
  look (f, "linked", MARKS (1), 4);
  look (f, "top", MARKS (1, 2, 0, 0, 0, 0, 0, 7), 6);
  delete_machine (f, "linked");
  delete_machine (f, "top");
  look (f, "web", MARKS (1, 2, 3), 2);
}

static void
test_refused (SnapshotFixture *f, gconstpointer data)
{
  static const struct {
    const char *name;
    const char *options;
    int code;
  } bad[] = {
      {"web", LINKED, LODGE_ERROR_EXISTS},
      {"a/b", LINKED, LODGE_ERROR_INVALID},
      {"", LINKED, LODGE_ERROR_INVALID},
      {"new", "{'linked': <1>}", LODGE_ERROR_INVALID},
      {"new", "{'snapshot': <1>}", LODGE_ERROR_INVALID},
      {"new", "{'memory': <1>}", LODGE_ERROR_INVALID},
  };
  LodgeJob *job;
  LodgeJob *second;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GVariant) options = g_variant_ref_sink (g_variant_new_parsed (bad[i].options));
    g_autoptr (GError) error = NULL;

    g_assert_null (
        lodge_library_clone_machine (f->library, f->machine, bad[i].name, options, &error));
    g_assert_error (error, LODGE_ERROR, bad[i].code);
  }
  job = begin (f, "new", "{'snapshot': <'none'>}");
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  /* One at a time, and the name is taken meanwhile. */
  job = begin (f, "new", LINKED);
  g_assert_false (lodge_library_is_name_free (f->library, "new"));
  second = begin (f, "other", LINKED);
  g_assert_no_error (snapshot_fixture_wait (job));
  g_assert_error (snapshot_fixture_wait (second), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_true (lodge_library_is_name_free (f->library, "other"));
  g_assert_cmpuint (count_folders (f), ==, 2);
}

/* A disk that is used where it is, outside the folder. */
static void
test_in_place (SnapshotFixture *f, gconstpointer data)
{
  g_autofree char *image = g_build_filename (f->folder, "image.qcow2", NULL);
  g_autofree char *text =
      g_strdup_printf ("{'name': <'outside'>, 'disk': <'%s'>, 'in-place': <true>}", image);
  g_autoptr (GVariant) spec = NULL;
  g_autoptr (GError) error = NULL;
  const LodgeLayer *layer;
  LodgeJob *job;

  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", image, "4M", NULL);
  snapshot_fixture_run ("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 65536", image, NULL);
  spec = g_variant_ref_sink (g_variant_new_parsed (text));
  job = lodge_library_create_machine (f->library, spec, &error);
  g_assert_no_error (error);
  g_assert_no_error (snapshot_fixture_wait (job));
  snapshot_fixture_look_at (f, "outside");
  job = begin (f, "new", LINKED);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (lodge_job_get_error (job)->message, "full clone"));

  make_clone (f, "new", FULL);
  snapshot_fixture_look_at (f, "new");
  layer = now (f)->layers->pdata[0];
  g_assert_cmpstr (layer->file, ==, "layers/disk0-l0.qcow2");
  {
    g_autofree char *copy = g_build_filename (f->machine_folder, layer->file, NULL);

    snapshot_fixture_run ("qemu-io", "-r", "-f", "qcow2", "-c", "read -P 7 0 65536", copy, NULL);
  }
}

/* What stands on many layers already has no snapshots that could be deleted for it. */
static void
test_too_deep (SnapshotFixture *f, gconstpointer data)
{
  LodgeJob *job;

  snapshot_fixture_deepen (f, 80, FALSE);
  job = begin (f, "new", LINKED);
  g_assert_error (snapshot_fixture_wait (job), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_cmpstr (lodge_job_get_error (job)->message, ==,
                   "A linked clone of “web” would stand on 81 layers, more than are fast enough: "
                   "make a full clone");
  g_assert_cmpuint (count_folders (f), ==, 1);
}

/* At any moment: all of it is there, or nothing. */
static void
test_cancel (SnapshotFixture *f, gconstpointer data)
{
  guint n_cancelled = 0;

  snapshot_fixture_write (f, 0, 1);
  for (guint i = 0; i < 20; i++) {
    g_autofree char *name = g_strdup_printf ("n%u", i);
    LodgeJob *job = begin (f, name, i % 2 == 0 ? LINKED : FULL);

    test_wait_ms (i / 2 * 3);
    lodge_job_cancel (job);
    if (snapshot_fixture_wait (job) != NULL) {
      g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_CANCELLED);
      g_assert_true (lodge_library_is_name_free (f->library, name));
      g_assert_cmpuint (count_folders (f), ==, 1);
      n_cancelled++;
    } else {
      snapshot_fixture_look_at (f, name);
      snapshot_fixture_assert_tidy (f);
      snapshot_fixture_assert_marks (f, NULL, MARKS (1));
      delete_machine (f, name);
    }
    snapshot_fixture_wait_all (f);
    look (f, "web", MARKS (1), 2);
  }
  g_assert_cmpuint (n_cancelled, >, 0);
}

/* Each write fails for want of room, from the first to the last. */
static void
test_full_disk (SnapshotFixture *f, gconstpointer data)
{
  static const guint64 limits[] = {64,    512,        1024,   2048,      4096,
                                   70000, 196608 - 1, 200000, 262144 - 1};
  struct rlimit before, tiny;
  guint n_failed = 0;

  snapshot_fixture_write (f, 0, 1);
  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &before));
  signal (SIGXFSZ, SIG_IGN);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (limits); i++) {
    LodgeJob *job;

    tiny = before;
    tiny.rlim_cur = limits[i / 2];
    g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &tiny));
    job = begin (f, "new", i % 2 == 0 ? LINKED : FULL);
    snapshot_fixture_wait (job);
    snapshot_fixture_wait_all (f);
    g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &before));
    if (lodge_job_get_error (job) != NULL) {
      const char *message = lodge_job_get_error (job)->message;

      g_test_message ("%u: %s", (guint) limits[i / 2], message);
      g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STORAGE);
      g_assert_nonnull (strstr (message, "room"));
      g_assert_nonnull (strstr (message, "new"));
      g_assert_null (strstr (message, ".new-"));
      g_assert_cmpuint (count_folders (f), ==, 1);
      n_failed++;
    } else {
      delete_machine (f, "new");
    }
    snapshot_fixture_close (f);
    snapshot_fixture_open (f);
    look (f, "web", MARKS (1), 2);
  }
  g_assert_cmpuint (n_failed, >, 10);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/clone/" name, SnapshotFixture, NULL, snapshot_fixture_set_up, function,    \
              snapshot_fixture_tear_down)
  ADD ("linked", test_linked);
  ADD ("measured", test_measured);
  ADD ("identity", test_identity);
  ADD ("full", test_full);
  ADD ("full-is-work", test_full_is_work);
  ADD ("delete-source", test_delete_source);
  ADD ("delete-clone", test_delete_clone);
  ADD ("long-chain", test_long_chain);
  ADD ("template", test_template);
  ADD ("clone-of-clone", test_clone_of_clone);
  ADD ("snapshot", test_snapshot);
  ADD ("refused", test_refused);
  ADD ("in-place", test_in_place);
  ADD ("too-deep", test_too_deep);
  ADD ("cancel", test_cancel);
  ADD ("full-disk", test_full_disk);
  return g_test_run ();
}
