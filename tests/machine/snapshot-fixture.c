/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See snapshot-fixture.h. */
#include "snapshot-fixture.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE_SIZE (256 * 1024)

void
snapshot_fixture_run (const char *program, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *output = NULL;
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;
  va_list arguments;
  int status;

  g_ptr_array_add (argv, (char *) program);
  va_start (arguments, program);
  do
    g_ptr_array_add (argv, va_arg (arguments, char *));
  while (g_ptr_array_index (argv, argv->len - 1) != NULL);
  va_end (arguments);
  g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &words,
                &status, &error);
  g_assert_no_error (error);
  /* qemu-io ends well also where a pattern was not found. */
  if (!g_spawn_check_wait_status (status, NULL) || strstr (output, "verification failed") != NULL) {
    for (guint i = 0; argv->pdata[i] != NULL; i++)
      g_test_message ("%s", (const char *) argv->pdata[i]);
    g_error ("%s: %s%s", program, output, words);
  }
}

const GError *
snapshot_fixture_wait (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  return lodge_job_get_error (job);
}

/* What begins by itself does so in an idle moment after what it follows from. */
static gboolean
is_quiet (SnapshotFixture *self)
{
  GPtrArray *jobs = lodge_library_get_jobs (self->library);
  GPtrArray *machines = lodge_library_get_machines (self->library);

  for (guint i = 0; i < jobs->len; i++) {
    if (lodge_job_get_state (jobs->pdata[i]) == LODGE_JOB_RUNNING)
      return FALSE;
  }
  for (guint i = 0; i < machines->len; i++) {
    if (lodge_machine_can_merge_layers (machines->pdata[i]))
      return FALSE;
  }
  return TRUE;
}

void
snapshot_fixture_wait_all (SnapshotFixture *self)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  test_wait_until (is_quiet (self));
}

void
snapshot_fixture_open (SnapshotFixture *self)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  self->library = lodge_library_new (self->data, &error);
  g_assert_no_error (error);
  lodge_library_recover_async (self->library, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_library_recover_finish (self->library, result);
  snapshot_fixture_look_at (self, "web");
  snapshot_fixture_wait_all (self);
}

void
snapshot_fixture_close (SnapshotFixture *self)
{
  self->machine = NULL;
  test_wait_unref (g_steal_pointer (&self->library));
}

void
snapshot_fixture_look_at (SnapshotFixture *self, const char *name)
{
  g_autoptr (GError) error = NULL;

  self->machine = lodge_library_find (self->library, name, &error);
  g_assert_no_error (error);
  g_free (self->machine_folder);
  self->machine_folder = lodge_machine_dup_folder (self->machine);
}

static void
add_states (SnapshotFixture *self)
{
  g_autofree char *ini = g_build_filename (self->machine_folder, "machine.ini", NULL);
  g_autofree char *disk = g_build_filename (self->machine_folder, "layers/data.raw", NULL);
  g_autofree char *nvram = g_build_filename (self->machine_folder, "nvram.qcow2", NULL);
  g_autofree char *tpm = g_build_filename (self->machine_folder, "tpm", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();

  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "raw", disk, "4M", NULL);
  snapshot_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", nvram, "4M", NULL);
  g_assert_no_errno (g_mkdir (tpm, 0700));
  g_assert_true (g_key_file_load_from_file (file, ini, G_KEY_FILE_KEEP_COMMENTS, NULL));
  g_key_file_set_string (file, "firmware", "kind", "uefi");
  g_key_file_set_string (file, "firmware", "nvram", "nvram.qcow2");
  g_key_file_set_string (file, "tpm", "enabled", "true");
  g_key_file_set_string (file, "disk.data", "bus", "sata");
  g_key_file_set_string (file, "disk.data", "port", "3");
  g_key_file_set_string (file, "disk.data", "top", "data-l0");
  g_key_file_set_string (file, "layer.data-l0", "file", "layers/data.raw");
  g_key_file_set_string (file, "layer.data-l0", "format", "raw");
  g_key_file_set_string (file, "layer.data-l0", "size", "4M");
  text = g_key_file_to_data (file, NULL, NULL);
  g_assert_true (
      g_file_set_contents_full (ini, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

void
snapshot_fixture_set_up (SnapshotFixture *self, gconstpointer data)
{
  g_autoptr (GVariant) spec = g_variant_ref_sink (
      g_variant_new_parsed ("{'name': <'web'>, 'disk-size': <uint64 4194304>}"));
  g_autofree char *runtime = NULL;
  g_autofree char *tpm = NULL;
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  self->folder = g_dir_make_tmp ("lodge-snap-XXXXXX", NULL);
  self->data = g_build_filename (self->folder, "data", NULL);
  runtime = g_build_filename (self->folder, "run", NULL);
  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);
  self->library = lodge_library_new (self->data, &error);
  g_assert_no_error (error);
  job = lodge_library_create_machine (self->library, spec, &error);
  g_assert_no_error (error);
  snapshot_fixture_wait (job);
  self->machine = lodge_library_find (self->library, "web", &error);
  g_assert_no_error (error);
  self->machine_folder = lodge_machine_dup_folder (self->machine);
  add_states (self);
  g_assert_true (lodge_library_find (self->library, "web", &error) == self->machine);
  g_assert_cmpuint (lodge_machine_get_description (self->machine)->disks->len, ==, 2);
  tpm = g_build_filename (self->machine_folder, "tpm/tpm2-00.permall", NULL);
  g_assert_true (g_file_set_contents (tpm, "00000000", -1, NULL));
}

void
snapshot_fixture_tear_down (SnapshotFixture *self, gconstpointer data)
{
  if (self->library != NULL)
    snapshot_fixture_close (self);
  test_folder_remove (self->folder);
  g_free (self->folder);
  g_free (self->data);
  g_free (self->machine_folder);
}

char *
snapshot_fixture_dup_image (SnapshotFixture *self, const char *layer_id)
{
  const LodgeDescription *now = lodge_machine_get_description (self->machine);
  g_autofree char *below = NULL;
  g_autoptr (GPtrArray) chain = g_ptr_array_new ();
  const LodgeLayer *layer = lodge_description_get_layer (now, layer_id);

  g_assert_nonnull (layer);
  for (; layer != NULL;
       layer = layer->below != NULL ? lodge_description_get_layer (now, layer->below) : NULL)
    g_ptr_array_insert (chain, 0, (gpointer) layer);
  for (guint i = 0; i < chain->len; i++) {
    g_autofree char *path = NULL;
    g_autofree char *backing = NULL;
    char *node;

    layer = chain->pdata[i];
    path = g_path_is_absolute (layer->file)
               ? g_strdup (layer->file)
               : g_build_filename (self->machine_folder, layer->file, NULL);
    backing = g_str_equal (layer->format, "raw")
                  ? g_strdup ("")
                  : g_strdup_printf (",\"backing\":%s", below != NULL ? below : "null");
    node =
        g_strdup_printf ("{\"driver\":\"%s\",\"file\":{\"driver\":\"file\",\"filename\":\"%s\"}%s}",
                         layer->format, path, backing);
    g_free (below);
    below = node;
  }
  return g_strconcat ("json:", below, NULL);
}

static void
write_image (const char *image, guint place, guint8 mark)
{
  g_autofree char *command =
      g_strdup_printf ("write -P %u %u %u", mark, place * PLACE_SIZE, PLACE_SIZE);

  snapshot_fixture_run ("qemu-io", "-c", command, image, NULL);
}

void
snapshot_fixture_write (SnapshotFixture *self, guint place, guint8 mark)
{
  const LodgeDescription *now = lodge_machine_get_description (self->machine);
  g_autofree char *nvram =
      g_strdup_printf ("json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\","
                       "\"filename\":\"%s/%s\"},\"backing\":null}",
                       self->machine_folder, now->nvram);
  g_autofree char *tpm =
      g_build_filename (self->machine_folder, now->tpm_state, "tpm2-00.permall", NULL);
  g_autofree char *state = NULL;

  for (guint i = 0; i < now->disks->len; i++) {
    const LodgeDisk *disk = now->disks->pdata[i];
    g_autofree char *image = snapshot_fixture_dup_image (self, disk->top);

    write_image (image, place, mark);
  }
  write_image (nvram, place, mark);
  g_assert_true (g_file_get_contents (tpm, &state, NULL, NULL));
  state[place] = (char) mark;
  g_assert_true (g_file_set_contents (tpm, state, SNAPSHOT_FIXTURE_PLACES, NULL));
}

static void
assert_image (const char *image, const SnapshotMarks *marks)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *output = NULL;
  g_autofree char *words = NULL;
  int status;

  g_ptr_array_add (argv, g_strdup ("qemu-io"));
  g_ptr_array_add (argv, g_strdup ("-r"));
  for (guint i = 0; i < SNAPSHOT_FIXTURE_PLACES; i++) {
    g_ptr_array_add (argv, g_strdup ("-c"));
    g_ptr_array_add (
        argv, g_strdup_printf ("read -P %u %u %u", marks->at[i], i * PLACE_SIZE, PLACE_SIZE));
  }
  g_ptr_array_add (argv, g_strdup (image));
  g_ptr_array_add (argv, NULL);
  g_assert_true (g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                               &output, &words, &status, NULL));
  if (!g_spawn_check_wait_status (status, NULL) || strstr (output, "failed") != NULL)
    g_error ("%s: %s%s", image, output, words);
}

void
snapshot_fixture_assert_marks (SnapshotFixture *self, const char *name, const SnapshotMarks *marks)
{
  const LodgeDescription *now = lodge_machine_get_description (self->machine);
  const LodgeSnapshot *snapshot = NULL;
  g_autofree char *states = g_strdup (self->machine_folder);
  g_autofree char *nvram = NULL;
  g_autofree char *tpm = NULL;
  g_autofree char *state = NULL;
  g_autoptr (GError) error = NULL;

  if (name != NULL) {
    snapshot = lodge_description_find_snapshot (now, name, &error);
    g_assert_no_error (error);
    g_free (states);
    states = g_build_filename (self->machine_folder, "snapshots", snapshot->id, NULL);
  }
  g_test_message ("%s", name != NULL ? name : "the present");
  for (guint i = 0; i < now->disks->len; i++) {
    const LodgeDisk *disk = now->disks->pdata[i];
    g_autofree char *image =
        snapshot_fixture_dup_image (self, snapshot != NULL ? snapshot->layers[i] : disk->top);

    assert_image (image, marks);
  }
  nvram = g_strdup_printf ("json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":"
                           "\"%s/%s\"},\"backing\":null}",
                           states, snapshot != NULL ? "nvram.qcow2" : now->nvram);
  assert_image (nvram, marks);
  tpm =
      g_build_filename (states, snapshot != NULL ? "tpm" : now->tpm_state, "tpm2-00.permall", NULL);
  g_assert_true (g_file_get_contents (tpm, &state, NULL, &error));
  for (guint i = 0; i < SNAPSHOT_FIXTURE_PLACES; i++)
    g_assert_cmpuint ((guint8) state[i], ==, marks->at[i] != 0 ? marks->at[i] : '0');
}

static guint
count_names (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_test_message ("%s: %s", folder, name);
    n++;
  }
  return n;
}

static void
assert_mode (const char *folder, const char *file, guint mode)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  GStatBuf info;

  g_assert_no_errno (g_lstat (path, &info));
  g_assert_cmpuint (info.st_mode & 07777, ==, mode);
}

void
snapshot_fixture_assert_tidy (SnapshotFixture *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self->machine);
  g_autofree char *layers = g_build_filename (self->machine_folder, "layers", NULL);
  g_autofree char *snapshots = g_build_filename (self->machine_folder, "snapshots", NULL);
  g_autoptr (GDir) dir = g_dir_open (self->machine_folder, 0, NULL);
  const char *name;

  g_assert_cmpuint (count_names (layers), ==, now->layers->len);
  for (guint i = 0; i < now->layers->len; i++) {
    const LodgeLayer *layer = now->layers->pdata[i];
    gboolean top = FALSE;

    for (guint j = 0; j < now->disks->len; j++)
      top = top || g_str_equal (((LodgeDisk *) now->disks->pdata[j])->top, layer->id);
    /* Of what was there before the first was frozen the mode is what it was. */
    if (now->snapshots->len > 0 || now->layers->len > now->disks->len)
      assert_mode (self->machine_folder, layer->file, top ? 0600 : 0400);
  }
  g_assert_cmpuint (count_names (snapshots), ==, now->snapshots->len);
  for (guint i = 0; i < now->snapshots->len; i++) {
    const LodgeSnapshot *snapshot = now->snapshots->pdata[i];
    g_autofree char *folder = g_build_filename (snapshots, snapshot->id, NULL);

    assert_mode (folder, "machine.ini", 0400);
    assert_mode (folder, "nvram.qcow2", 0400);
    assert_mode (folder, "tpm/tpm2-00.permall", 0400);
    g_assert_cmpuint (count_names (folder), ==, 3);
  }
  while ((name = g_dir_read_name (dir)) != NULL) {
    static const char *const fixed[] = {"machine.ini", "layers", "lock", NULL};

    g_assert_true (g_strv_contains (fixed, name) || g_str_equal (name, now->nvram) ||
                   g_str_equal (name, now->tpm_state) ||
                   (g_str_equal (name, "snapshots") && now->snapshots->len > 0));
  }
}

char *
snapshot_fixture_take (SnapshotFixture *self, const char *name)
{
  LodgeJob *job = lodge_library_take_snapshot (self->library, self->machine, name, "");

  g_assert_no_error (snapshot_fixture_wait (job));
  return g_strdup (lodge_job_get_result (job));
}

char *
snapshot_fixture_go_back (SnapshotFixture *self, const char *name, gboolean keep)
{
  LodgeJob *job = lodge_library_go_back (self->library, self->machine, name, keep, NULL);

  g_assert_no_error (snapshot_fixture_wait (job));
  return g_strdup (lodge_job_get_result (job));
}

void
snapshot_fixture_delete (SnapshotFixture *self, const char *name)
{
  LodgeJob *job = lodge_library_delete_snapshot (self->library, self->machine, name);

  g_assert_no_error (snapshot_fixture_wait (job));
}

void
snapshot_fixture_assert_nothing_hidden (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *hidden = g_strconcat (".", base, NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_assert_false (g_str_has_prefix (name, hidden));
}
