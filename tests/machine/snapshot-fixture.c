/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See snapshot-fixture.h. */
#include "snapshot-fixture.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-machine-key.h"
#include "storage/lodge-folder-key.h"
#include "storage/lodge-image.h"
#include "storage/lodge-key-file.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE_SIZE (256 * 1024)
#define PASSPHRASE "correct horse"
/* What qemu-io calls the secret that opens the images. */
#define LUKS ",\"encrypt\":{\"format\":\"luks\",\"key-secret\":\"k\"}"

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

GVariant *
snapshot_fixture_new_passphrase (void)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, PASSPHRASE, strlen (PASSPHRASE), 1);
}

static void
open_up (SnapshotFixture *self)
{
  g_autoptr (LodgeSecret) passphrase = lodge_secret_new_copy (PASSPHRASE, strlen (PASSPHRASE));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_unlock_async (self->machine, passphrase, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_key_finish (self->machine, result, &error);
  g_assert_no_error (error);
}

/* Of the machine that is looked at. A worker has no folder, and runs no qemu-io. */
static void
write_secret (SnapshotFixture *self)
{
  g_autoptr (LodgeSecret) key = lodge_folder_key_get (self->machine_folder);
  g_autoptr (LodgeSecret) secret = NULL;

  if (key == NULL || self->folder == NULL)
    return;
  secret = lodge_secret_new_for_disks (key);
  if (self->secret == NULL)
    self->secret = g_build_filename (self->folder, "secret", NULL);
  g_assert_true (g_file_set_contents_full (self->secret, (char *) lodge_secret_get (secret),
                                           (gssize) lodge_secret_get_length (secret),
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

void
snapshot_fixture_look_at (SnapshotFixture *self, const char *name)
{
  g_autoptr (GError) error = NULL;

  self->machine = lodge_library_find (self->library, name, &error);
  g_assert_no_error (error);
  g_free (self->machine_folder);
  self->machine_folder = lodge_machine_dup_folder (self->machine);
  if (lodge_machine_is_locked (self->machine))
    open_up (self);
  write_secret (self);
}

static void
make_image (const char *path, const char *format)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_image_create_async (path, format, 4 << 20, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_image_create_finish (result, &error);
  g_assert_no_error (error);
}

static void
add_states (SnapshotFixture *self)
{
  g_autofree char *ini = g_build_filename (self->machine_folder, "machine.ini", NULL);
  const char *format = self->secret != NULL ? "qcow2" : "raw";
  g_autofree char *layer = g_strconcat ("layers/data.", format, NULL);
  g_autofree char *disk = g_build_filename (self->machine_folder, layer, NULL);
  g_autofree char *nvram = g_build_filename (self->machine_folder, "nvram.qcow2", NULL);
  g_autofree char *tpm = g_build_filename (self->machine_folder, "tpm", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();

  make_image (disk, format);
  make_image (nvram, "qcow2");
  g_assert_no_errno (g_mkdir (tpm, 0700));
  g_assert_true (g_key_file_load_from_file (file, ini, G_KEY_FILE_KEEP_COMMENTS, NULL));
  g_key_file_set_string (file, "firmware", "kind", "uefi");
  g_key_file_set_string (file, "firmware", "nvram", "nvram.qcow2");
  g_key_file_set_string (file, "tpm", "enabled", "true");
  g_key_file_set_string (file, "disk.data", "bus", "sata");
  g_key_file_set_string (file, "disk.data", "port", "3");
  g_key_file_set_string (file, "disk.data", "top", "data-l0");
  g_key_file_set_string (file, "layer.data-l0", "file", layer);
  g_key_file_set_string (file, "layer.data-l0", "format", format);
  g_key_file_set_string (file, "layer.data-l0", "size", "4M");
  text = g_key_file_to_data (file, NULL, NULL);
  g_assert_true (
      g_file_set_contents_full (ini, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
}

static void
set_up (SnapshotFixture *self, GVariant *passphrase)
{
  g_autoptr (GVariant) spec = NULL;
  GVariantDict dict;
  g_autofree char *runtime = NULL;
  g_autofree char *tpm = NULL;
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  test_folder_keep_names ();
  self->folder = g_dir_make_tmp ("lodge-snap-XXXXXX", NULL);
  self->data = g_build_filename (self->folder, "data", NULL);
  runtime = g_build_filename (self->folder, "run", NULL);
  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);
  self->library = lodge_library_new (self->data, &error);
  g_assert_no_error (error);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", "web");
  g_variant_dict_insert (&dict, "disk-size", "t", (guint64) 4 << 20);
  if (passphrase != NULL)
    g_variant_dict_insert_value (&dict, "passphrase", passphrase);
  spec = g_variant_ref_sink (g_variant_dict_end (&dict));
  job = lodge_library_create_machine (self->library, spec, &error);
  g_assert_no_error (error);
  snapshot_fixture_wait (job);
  snapshot_fixture_look_at (self, "web");
  add_states (self);
  g_assert_true (lodge_library_find (self->library, "web", &error) == self->machine);
  g_assert_cmpuint (lodge_machine_get_description (self->machine)->disks->len, ==, 2);
  tpm = g_build_filename (self->machine_folder, "tpm/tpm2-00.permall", NULL);
  g_assert_true (g_file_set_contents (tpm, "00000000", -1, NULL));
}

void
snapshot_fixture_set_up (SnapshotFixture *self, gconstpointer data)
{
  set_up (self, NULL);
}

void
snapshot_fixture_set_up_encrypted (SnapshotFixture *self, gconstpointer data)
{
  set_up (self, snapshot_fixture_new_passphrase ());
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
  g_free (self->secret);
}

/* As qemu-io and qemu-img take it. @below: (nullable): another one */
static char *
dup_node (SnapshotFixture *self, const char *format, const char *path, const char *below)
{
  g_autofree char *backing = NULL;
  const gboolean raw = g_str_equal (format, "raw");
  /* It may have been encrypted once. */
  const gboolean encrypted =
      self->secret != NULL && lodge_machine_get_encryption (self->machine)[0] != '\0';

  backing =
      raw ? g_strdup ("") : g_strdup_printf (",\"backing\":%s", below != NULL ? below : "null");
  return g_strdup_printf (
      "{\"driver\":\"%s\",\"file\":{\"driver\":\"file\",\"filename\":\"%s\"}%s%s}", format, path,
      backing, encrypted && !raw ? LUKS : "");
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
    char *node;

    layer = chain->pdata[i];
    path = g_path_is_absolute (layer->file)
               ? g_strdup (layer->file)
               : g_build_filename (self->machine_folder, layer->file, NULL);
    node = dup_node (self, layer->format, path, below);
    g_free (below);
    below = node;
  }
  return g_strconcat ("json:", below, NULL);
}

/* qemu-io, with what opens the images. The arguments are to be added, and a %NULL. */
static GPtrArray *
new_qemu_io (SnapshotFixture *self)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (argv, g_strdup ("qemu-io"));
  if (self->secret != NULL) {
    g_ptr_array_add (argv, g_strdup ("--object"));
    g_ptr_array_add (argv, g_strdup_printf ("secret,id=k,file=%s", self->secret));
  }
  return argv;
}

/* @arguments: taken */
static void
run_qemu_io (GPtrArray *arguments, const char *image)
{
  g_autoptr (GPtrArray) argv = arguments;
  g_autofree char *output = NULL;
  g_autofree char *words = NULL;
  int status;

  g_ptr_array_add (argv, g_strdup (image));
  g_ptr_array_add (argv, NULL);
  g_assert_true (g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                               &output, &words, &status, NULL));
  if (!g_spawn_check_wait_status (status, NULL) || strstr (output, "failed") != NULL)
    g_error ("%s: %s%s", image, output, words);
}

static void
write_image (SnapshotFixture *self, const char *image, guint place, guint8 mark)
{
  GPtrArray *argv = new_qemu_io (self);

  g_ptr_array_add (argv, g_strdup ("-c"));
  g_ptr_array_add (argv,
                   g_strdup_printf ("write -P %u %u %u", mark, place * PLACE_SIZE, PLACE_SIZE));
  run_qemu_io (argv, image);
}

/* The firmware's variables are an image that stands alone. */
static char *
dup_variables (SnapshotFixture *self, const char *folder, const char *file)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);
  g_autofree char *node = dup_node (self, "qcow2", path, NULL);

  return g_strconcat ("json:", node, NULL);
}

void
snapshot_fixture_deepen (SnapshotFixture *self, guint times, gboolean kept)
{
  g_autofree char *ini = g_build_filename (self->machine_folder, "machine.ini", NULL);
  g_autoptr (LodgeDescriptionFile) file = lodge_description_file_load (ini, NULL);
  g_autoptr (LodgeDescription) deep =
      lodge_description_copy (lodge_machine_get_description (self->machine));
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < times; i++) {
    g_autofree char *id = lodge_description_dup_snapshot_id ();
    g_autofree char *name = g_strdup_printf ("n%u", i);

    lodge_description_freeze (deep, id, name, "", 0);
    g_ptr_array_unref (lodge_description_add_tops (deep, taken));
    if (!kept)
      lodge_description_forget_snapshot (deep, id);
  }
  g_assert_true (lodge_description_file_save (file, deep, &error));
  g_assert_no_error (error);
}

void
snapshot_fixture_write (SnapshotFixture *self, guint place, guint8 mark)
{
  const LodgeDescription *now = lodge_machine_get_description (self->machine);
  g_autofree char *nvram = dup_variables (self, self->machine_folder, now->nvram);
  g_autofree char *tpm =
      g_build_filename (self->machine_folder, now->tpm_state, "tpm2-00.permall", NULL);
  g_autofree char *state = NULL;

  for (guint i = 0; i < now->disks->len; i++) {
    const LodgeDisk *disk = now->disks->pdata[i];
    g_autofree char *image = snapshot_fixture_dup_image (self, disk->top);

    write_image (self, image, place, mark);
  }
  write_image (self, nvram, place, mark);
  g_assert_true (g_file_get_contents (tpm, &state, NULL, NULL));
  state[place] = (char) mark;
  g_assert_true (g_file_set_contents (tpm, state, SNAPSHOT_FIXTURE_PLACES, NULL));
}

static void
assert_image (SnapshotFixture *self, const char *image, const SnapshotMarks *marks)
{
  GPtrArray *argv = new_qemu_io (self);

  g_ptr_array_add (argv, g_strdup ("-r"));
  for (guint i = 0; i < SNAPSHOT_FIXTURE_PLACES; i++) {
    g_ptr_array_add (argv, g_strdup ("-c"));
    g_ptr_array_add (
        argv, g_strdup_printf ("read -P %u %u %u", marks->at[i], i * PLACE_SIZE, PLACE_SIZE));
  }
  run_qemu_io (argv, image);
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

    assert_image (self, image, marks);
  }
  if (now->nvram[0] != '\0') {
    nvram = dup_variables (self, states, snapshot != NULL ? "nvram.qcow2" : now->nvram);
    assert_image (self, nvram, marks);
  }
  if (!now->tpm)
    return;
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
    const char *const fixed[] = {"machine.ini", "layers", "lock",
                                 self->secret != NULL ? LODGE_KEY_FILE : NULL, NULL};

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

/* A block that is full of a mark, as only the guest writes it. */
static gboolean
is_marked (const char *path)
{
  g_autofree char *data = NULL;
  gsize length;

  if (!g_file_get_contents (path, &data, &length, NULL))
    return FALSE;
  for (gsize i = 0; i + 512 <= length; i += 512) {
    if (data[i] >= 1 && data[i] <= SNAPSHOT_FIXTURE_PLACES &&
        memcmp (data + i, data + i + 1, 511) == 0) {
      g_test_message ("%s has the guest's data in clear", path);
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
is_marked_below (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  if (dir == NULL)
    return is_marked (path);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *below = g_build_filename (path, name, NULL);

    if (is_marked_below (below))
      return TRUE;
  }
  return FALSE;
}

gboolean
snapshot_fixture_is_in_clear (SnapshotFixture *self)
{
  return is_marked_below (self->data);
}
