/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disk images with the real qemu-img: made, looked into, copied in, refused. */
#include "lodge-error.h"
#include "storage/lodge-image.h"
#include "storage/lodge-qemu-img.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB    (1024 * 1024)
#define SECRET "the-secret-of-the-host"

typedef struct {
  char *folder;
  char *secret; /* a file that no image may reach; in another folder */
  char *secret_folder;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("lodge, image=:XXXXXX", &error);
  g_assert_no_error (error);
  fixture->secret_folder = g_dir_make_tmp ("lodge-secret-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->secret = g_build_filename (fixture->secret_folder, "secret", NULL);
  /* Large enough for every sector of a small disk to come from it. */
  while (text->len < 2 * MIB)
    g_string_append (text, SECRET "\n");
  g_string_truncate (text, 2 * MIB);
  g_assert_true (g_file_set_contents (fixture->secret, text->str, text->len, &error));
}

static void
remove_all (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);

    if (g_unlink (path) != 0)
      g_rmdir (path);
  }
  g_rmdir (folder);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  remove_all (fixture->folder);
  remove_all (fixture->secret_folder);
  g_free (fixture->folder);
  g_free (fixture->secret_folder);
  g_free (fixture->secret);
}

static char *
in_folder (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->folder, name, NULL);
}

/* So many names are in the folder: nothing was left there, nothing was lost. */
static void
assert_n_files (Fixture *fixture, guint expected)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_test_message ("there is %s", name);
    n++;
  }
  g_assert_cmpuint (n, ==, expected);
}

/* For a new LUKS key QEMU measures how fast the CPU is, and fails where the kernel's count of its
 * time does not move meanwhile (crypto/pbkdf.c). */
#define NO_CPU_TIME "Unable to get accurate CPU usage"

static void
run (const char *program, ...)
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
  for (guint i = 0; i < 10 && (words == NULL || strstr (words, NO_CPU_TIME) != NULL); i++) {
    g_clear_pointer (&output, g_free);
    g_clear_pointer (&words, g_free);
    g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
                  &words, &status, &error);
    g_assert_no_error (error);
  }
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s: %s%s", program, output, words);
}

/* --- Waiting for the asynchronous calls --- */

typedef struct {
  GAsyncResult *result;
  gboolean late; /* nothing came in 60 s */
} Wait;

static void
got_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = user_data;

  wait->result = g_object_ref (result);
  g_main_context_wakeup (NULL);
}

static gboolean
late_cb (gpointer user_data)
{
  Wait *wait = user_data;

  wait->late = TRUE;
  return G_SOURCE_CONTINUE;
}

static GAsyncResult *
wait_for (Wait *wait)
{
  guint source = g_timeout_add_seconds (60, late_cb, wait);

  while (wait->result == NULL && !wait->late)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
  g_assert_nonnull (wait->result);
  return wait->result;
}

/* The result and with it the task and all it holds dies. */
static void
end_wait (Wait *wait)
{
  GObject *weak = G_OBJECT (wait->result);

  g_object_add_weak_pointer (weak, (gpointer *) &weak);
  g_clear_object (&wait->result);
  for (guint i = 0; weak != NULL && i < 100; i++) {
    g_main_context_iteration (NULL, FALSE);
    g_usleep (1000);
  }
  g_assert_null (weak);
}

static gboolean
create (
    const char *path, const char *format, guint64 size, GCancellable *cancellable, GError **error)
{
  Wait wait = {NULL, FALSE};
  gboolean good;

  lodge_image_create_async (path, format, size, cancellable, got_cb, &wait);
  good = lodge_image_create_finish (wait_for (&wait), error);
  end_wait (&wait);
  return good;
}

static LodgeImageFacts *
inspect (const char *path, GCancellable *cancellable, GError **error)
{
  Wait wait = {NULL, FALSE};
  LodgeImageFacts *facts;

  lodge_image_inspect_async (path, cancellable, got_cb, &wait);
  facts = lodge_image_inspect_finish (wait_for (&wait), error);
  end_wait (&wait);
  return facts;
}

typedef struct {
  double last;
  guint n;
  GCancellable *cancel_at_first;
} Progress;

static void
progress_cb (double fraction, gpointer user_data)
{
  Progress *progress = user_data;

  g_assert_cmpfloat (fraction, >=, 0);
  g_assert_cmpfloat (fraction, <=, 1);
  progress->last = fraction;
  progress->n++;
  if (progress->cancel_at_first != NULL)
    g_cancellable_cancel (progress->cancel_at_first);
}

static gboolean
import (const char *source,
        const char *format,
        const char *path,
        Progress *progress,
        GCancellable *cancellable,
        GError **error)
{
  Wait wait = {NULL, FALSE};
  gboolean good;

  lodge_image_import_async (source, format, path, progress != NULL ? progress_cb : NULL, progress,
                            cancellable, got_cb, &wait);
  good = lodge_image_import_finish (wait_for (&wait), error);
  end_wait (&wait);
  return good;
}

static gboolean
is_bootable (const char *const *layers, GError **error)
{
  Wait wait = {NULL, FALSE};
  gboolean bootable;

  lodge_image_is_bootable_async (layers, NULL, got_cb, &wait);
  bootable = lodge_image_is_bootable_finish (wait_for (&wait), error);
  end_wait (&wait);
  return bootable;
}

/* One sentence that names @path, for people, with nothing of the host in it. */
static void
assert_sentence (const GError *error, int code, const char *path)
{
  g_assert_error (error, LODGE_ERROR, code);
  g_test_message ("%s", error->message);
  if (strstr (error->message, path) == NULL)
    g_error ("“%s” does not name %s", error->message, path);
  g_assert_null (strchr (error->message, '\n'));
  g_assert_null (strstr (error->message, SECRET));
  g_assert_null (strstr (error->message, "json:"));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

/* --- Making --- */

static void
test_create (Fixture *fixture, gconstpointer data)
{
  static const char *const formats[] = {"qcow2", "raw"};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree char *path = in_folder (fixture, formats[i]);
    g_autoptr (LodgeImageFacts) facts = NULL;
    g_autoptr (GError) error = NULL;
    struct stat info;

    g_assert_true (create (path, formats[i], G_GUINT64_CONSTANT (20) << 30, NULL, &error));
    g_assert_no_error (error);
    g_assert_cmpint (g_stat (path, &info), ==, 0);
    g_assert_cmpuint (info.st_mode & 0777, ==, 0600);
    g_assert_cmpuint ((guint64) info.st_blocks * 512, <, 2 * MIB);
    facts = inspect (path, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (facts->format, ==, formats[i]);
    g_assert_cmpuint (facts->size_bytes, ==, G_GUINT64_CONSTANT (20) << 30);

    /* Not over what is there. */
    g_assert_false (create (path, formats[i], MIB, NULL, &error));
    assert_sentence (error, LODGE_ERROR_EXISTS, path);
  }
  assert_n_files (fixture, 2);
}

static void
test_qcow2_options (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "a");
  g_autofree char *head = NULL;
  gsize length;

  g_assert_true (create (path, "qcow2", MIB, NULL, NULL));
  g_assert_true (g_file_get_contents (path, &head, &length, NULL));
  g_assert_cmpuint (length, >, 104);
  g_assert_cmpint (head[7], ==, 3);
  /* compatible_features, bit 0, is lazy_refcounts; neither it nor any other. */
  for (guint i = 72; i < 96; i++)
    g_assert_cmpint (head[i], ==, 0);
}

static void
test_create_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree char *nowhere = in_folder (fixture, "nowhere/a.qcow2");
  g_autofree char *link = in_folder (fixture, "link");
  g_autofree char *hidden_link = in_folder (fixture, ".b.new");
  g_autofree char *behind = in_folder (fixture, "b");
  g_autoptr (GError) error = NULL;
  g_autofree char *kept = NULL;

  g_assert_false (create (nowhere, "qcow2", MIB, NULL, &error));
  assert_sentence (error, LODGE_ERROR_NOT_FOUND, nowhere);
  g_clear_error (&error);

  g_assert_cmpint (symlink (fixture->secret, link), ==, 0);
  g_assert_false (create (link, "raw", MIB, NULL, &error));
  assert_sentence (error, LODGE_ERROR_EXISTS, link);
  g_clear_error (&error);

  /* A link that lies in wait where the hidden file comes. */
  g_assert_cmpint (symlink (fixture->secret, hidden_link), ==, 0);
  g_assert_true (create (behind, "raw", MIB, NULL, &error));
  g_assert_true (g_file_get_contents (fixture->secret, &kept, NULL, NULL));
  g_assert_true (g_str_has_prefix (kept, SECRET));
  assert_n_files (fixture, 2);
}

/* --- Looking into --- */

static const struct {
  const char *format;
  const char *options;
} corpus[] = {
    {"raw", NULL},
    {"qcow2", NULL},
    {"qcow2", "compat=0.10"},
    {"qcow2", "cluster_size=4096,extended_l2=off"},
    {"vmdk", NULL},
    {"vmdk", "subformat=streamOptimized"},
    {"vdi", NULL},
    {"vdi", "static=on"},
    {"vhdx", NULL},
    {"vpc", NULL},
    {"vpc", "subformat=fixed"},
    {"qed", NULL},
};

/* 8 MiB with a boot sector, and marks at 5 MiB and the end. */
static char *
make_raw (Fixture *fixture)
{
  char *path = in_folder (fixture, "plain.img");
  g_autofree char *bytes = g_malloc0 (8 * MIB);

  bytes[510] = 0x55;
  bytes[511] = (char) 0xaa;
  memset (bytes + 5 * MIB, 'm', MIB);
  strcpy (bytes + 8 * MIB - 16, "the end");
  g_assert_true (g_file_set_contents (path, bytes, 8 * MIB, NULL));
  return path;
}

static void
test_corpus (Fixture *fixture, gconstpointer data)
{
  g_autofree char *raw = make_raw (fixture);
  g_autofree char *back = in_folder (fixture, "back.img");

  for (guint i = 0; i < G_N_ELEMENTS (corpus); i++) {
    const char *format = corpus[i].format;
    const char *options = corpus[i].options;
    g_autofree char *path = in_folder (fixture, "foreign,file=x");
    g_autofree char *layer = in_folder (fixture, "layer.qcow2");
    g_autofree char *named = g_strconcat ("qcow2:", layer, NULL);
    const char *const layers[] = {named, NULL};
    g_autoptr (LodgeImageFacts) facts = NULL;
    g_autofree char *content = NULL;
    g_autoptr (GError) error = NULL;
    Progress progress = {0};
    gsize length;

    g_test_message ("%s %s", format, options);
    if (options != NULL)
      run ("qemu-img", "convert", "-f", "raw", "-O", format, "-o", options, raw, path, NULL);
    else
      run ("qemu-img", "convert", "-f", "raw", "-O", format, raw, path, NULL);

    facts = inspect (path, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (facts->format, ==, format);
    /* vpc rounds up to whole cylinders. */
    g_assert_cmpuint (facts->size_bytes, >=, 8 * MIB);
    g_assert_cmpuint (facts->size_bytes, <, 9 * MIB);

    g_assert_true (import (path, format, layer, &progress, NULL, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (progress.n, >, 0);
    g_assert_cmpfloat (progress.last, ==, 1);
    run ("qemu-img", "convert", "-f", "qcow2", "-O", "raw", layer, back, NULL);
    g_assert_true (g_file_get_contents (back, &content, &length, NULL));
    g_assert_cmpuint (length, ==, facts->size_bytes);
    g_assert_cmpint (content[5 * MIB + 77], ==, 'm');
    g_assert_cmpstr (content + 8 * MIB - 16, ==, "the end");

    g_assert_true (is_bootable (layers, &error));
    g_assert_no_error (error);
    g_unlink (path);
    g_unlink (layer);
  }
  assert_n_files (fixture, 2);
}

/* Each shortened to six tenths must not pass for a whole image. */
static void
test_cut_short (Fixture *fixture, gconstpointer data)
{
  g_autofree char *raw = in_folder (fixture, "raw");
  g_autofree char *bytes = g_malloc (8 * MIB);

  memset (bytes, 'm', 8 * MIB);
  g_assert_true (g_file_set_contents (raw, bytes, 8 * MIB, NULL));
  for (guint i = 1; i < G_N_ELEMENTS (corpus); i++) {
    g_autofree char *path = in_folder (fixture, "short");
    g_autofree char *layer = in_folder (fixture, "layer.qcow2");
    g_autoptr (LodgeImageFacts) facts = NULL;
    g_autoptr (GError) error = NULL;
    struct stat info;

    /* What is left of a fixed VHD is the beginning of a raw image, and nothing tells it from one.
     */
    if (g_strcmp0 (corpus[i].options, "subformat=fixed") == 0)
      continue;
    g_test_message ("%s %s", corpus[i].format, corpus[i].options);
    if (corpus[i].options != NULL)
      run ("qemu-img", "convert", "-f", "raw", "-O", corpus[i].format, "-o", corpus[i].options, raw,
           path, NULL);
    else
      run ("qemu-img", "convert", "-f", "raw", "-O", corpus[i].format, raw, path, NULL);
    g_assert_cmpint (g_stat (path, &info), ==, 0);
    g_assert_cmpint (truncate (path, info.st_size / 10 * 6), ==, 0);

    facts = inspect (path, NULL, &error);
    if (facts == NULL)
      assert_sentence (error, LODGE_ERROR_INVALID, path);
    g_clear_error (&error);
    g_assert_false (import (path, corpus[i].format, layer, NULL, NULL, &error));
    assert_sentence (error, LODGE_ERROR_INVALID, path);
    g_unlink (path);
  }
  assert_n_files (fixture, 1);
}

static void
assert_refused (Fixture *fixture, const char *path, const char *format, const char *named)
{
  g_autofree char *layer = in_folder (fixture, "layer.qcow2");
  g_autoptr (LodgeImageFacts) facts = NULL;
  g_autoptr (GError) error = NULL;

  facts = inspect (path, NULL, &error);
  g_assert_null (facts);
  assert_sentence (error, LODGE_ERROR_INVALID, path);
  if (strstr (error->message, named) == NULL)
    g_error ("“%s” does not say “%s”", error->message, named);
  g_clear_error (&error);

  /* Neither does an import that was not asked before. */
  g_assert_false (import (path, format, layer, NULL, NULL, &error));
  assert_sentence (error, LODGE_ERROR_INVALID, path);
  g_assert_false (g_file_test (layer, G_FILE_TEST_EXISTS));
}

static void
put_be (char *at, guint64 value, guint bytes)
{
  for (guint i = 0; i < bytes; i++)
    at[i] = (char) (value >> (8 * (bytes - 1 - i)));
}

/* A raw disk whose guest wrote a qcow2 header with @backing into its first sector. */
static char *
make_forged (Fixture *fixture, const char *backing)
{
  char *path = in_folder (fixture, "forged.img");
  g_autofree char *bytes = g_malloc0 (MIB);

  memcpy (bytes, "QFI\xfb", 4);
  put_be (bytes + 4, 2, 4);
  put_be (bytes + 8, 0x200, 8);
  put_be (bytes + 16, strlen (backing), 4);
  put_be (bytes + 20, 16, 4);
  put_be (bytes + 24, MIB, 8);
  put_be (bytes + 36, 1, 4);
  put_be (bytes + 40, 0x20000, 8);
  put_be (bytes + 48, 0x30000, 8);
  put_be (bytes + 56, 1, 4);
  strcpy (bytes + 0x200, backing);
  g_assert_true (g_file_set_contents (path, bytes, MIB, NULL));
  return path;
}

static void
test_references (Fixture *fixture, gconstpointer data)
{
  g_autofree char *top = in_folder (fixture, "top.qcow2");
  g_autofree char *self = in_folder (fixture, "self.qcow2");
  g_autofree char *json = g_strdup_printf ("json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\","
                                           "\"filename\":\"%s\"}}",
                                           fixture->secret);
  g_autofree char *nbd = g_strdup ("nbd:unix:/run/x");
  const char *backings[] = {fixture->secret, json, nbd};

  run ("qemu-img", "create", "-q", "-f", "qcow2", "-b", fixture->secret, "-F", "raw", top, NULL);
  assert_refused (fixture, top, "qcow2", "another file");

  run ("qemu-img", "create", "-q", "-f", "qcow2", self, "1M", NULL);
  run ("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", self, "-F", "qcow2", self, NULL);
  assert_refused (fixture, self, "qcow2", "another file");

  for (guint i = 0; i < G_N_ELEMENTS (backings); i++) {
    g_autofree char *forged = make_forged (fixture, backings[i]);

    assert_refused (fixture, forged, "raw", "another file");
    assert_refused (fixture, forged, "qcow2", "another file");
  }
}

static void
test_data_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "outside.qcow2");
  g_autofree char *options = g_strdup ("data_file=external,data_file_raw=on");
  g_autofree char *here = g_get_current_dir ();
  g_autofree char *text = NULL;
  gsize length;

  g_assert_cmpint (g_chdir (fixture->folder), ==, 0);
  run ("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "outside.qcow2", "1M", NULL);
  g_assert_cmpint (g_chdir (here), ==, 0);
  assert_refused (fixture, path, "qcow2", "another file");
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  g_assert_nonnull (memmem (text, length, "external", strlen ("external")));
}

static char *
make_vmdk_text (const char *extent)
{
  return g_strdup_printf ("# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\n"
                          "createType=\"monolithicFlat\"\n%s\n",
                          extent);
}

static void
test_vmdk (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "a.vmdk");
  g_autofree char *flat = g_strdup_printf ("RW 2048 FLAT \"%s\" 0", fixture->secret);
  g_autofree char *text = make_vmdk_text (flat);
  g_autofree char *sparse = NULL;
  gsize length;
  char *found;

  /* The text alone. */
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  assert_refused (fixture, path, "vmdk", "another file");

  /* In a sparse extent whose capacity is 0, which makes QEMU read the extents of the text. */
  g_unlink (path);
  run ("qemu-img", "create", "-q", "-f", "vmdk", path, "1M", NULL);
  g_assert_true (g_file_get_contents (path, &sparse, &length, NULL));
  memset (sparse + 12, 0, 8);
  memcpy (sparse + 512, text, strlen (text) + 1);
  g_assert_true (g_file_set_contents (path, sparse, length, NULL));
  assert_refused (fixture, path, "vmdk", "another file");

  /* In one that has its capacity. */
  sparse[13] = 8;
  g_assert_true (g_file_set_contents (path, sparse, length, NULL));
  assert_refused (fixture, path, "vmdk", "another file");

  /* Grown out of the size that the header gives for it: QEMU reads on. */
  memset (sparse + 512, ' ', 1024);
  memcpy (sparse + 512, "version=1\n", 10);
  memcpy (sparse + 1024, flat, strlen (flat) + 1);
  memset (sparse + 36, 0, 8);
  sparse[36] = 1;
  g_assert_true (g_file_set_contents (path, sparse, length, NULL));
  assert_refused (fixture, path, "vmdk", "");

  /* A parent. */
  g_unlink (path);
  g_free (g_steal_pointer (&sparse));
  run ("qemu-img", "create", "-q", "-f", "vmdk", path, "1M", NULL);
  g_assert_true (g_file_get_contents (path, &sparse, &length, NULL));
  found = memmem (sparse, length, "parentCID=ffffffff", strlen ("parentCID=ffffffff"));
  g_assert_nonnull (found);
  memcpy (found, "parentCID=12345678", strlen ("parentCID=12345678"));
  g_assert_true (g_file_set_contents (path, sparse, length, NULL));
  assert_refused (fixture, path, "vmdk", "another file");
}

static void
test_other_refusals (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *bytes;
    gsize length;
    const char *named;
  } bad[] = {
      {"", 0, "empty"},
      {"QFI\xfb\0\0\0\x01", 8, "version"},
      {"QFI\xfb\0\0\0\x63", 8, "version"},
      {"QFI\xfb\0\0\0\x03", 8, "cut short"},
      {"QED\0", 4, "cut short"},
      {"KDMV\x01\0\0\0", 8, "cut short"},
      {"conectix", 8, "damaged"},
      {"\x1f\x8b\x08", 3, "compressed"},
      {"\xfd"
       "7zXZ\0",
       6, "compressed"},
      {"PK\x03\x04", 4, "archive"},
      {"vhdxfile", 8, "vhdx"},
  };
  g_autofree char *path = in_folder (fixture, "x.vhdx");
  g_autofree char *encrypted = in_folder (fixture, "encrypted");
  g_autofree char *pipe = in_folder (fixture, "pipe");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_true (g_file_set_contents (path, bad[i].bytes, bad[i].length, NULL));
    assert_refused (fixture, path, "qcow2", bad[i].named);
  }
  assert_refused (fixture, fixture->folder, "raw", "folder");
  assert_refused (fixture, "/dev/null", "raw", "not a file");
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  assert_refused (fixture, pipe, "raw", "not a file");

  run ("qemu-img", "create", "-q", "-f", "qcow2", "--object", "secret,id=k,data=abc", "-o",
       "encrypt.format=luks,encrypt.key-secret=k", encrypted, "1M", NULL);
  assert_refused (fixture, encrypted, "qcow2", "encrypted");
}

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "missing.qcow2");
  g_autofree char *layer = in_folder (fixture, "layer.qcow2");
  g_autofree char *named = g_strconcat ("qcow2:", path, NULL);
  const char *const layers[] = {named, NULL};
  g_autoptr (GError) error = NULL;

  g_assert_null (inspect (path, NULL, &error));
  assert_sentence (error, LODGE_ERROR_NOT_FOUND, path);
  g_clear_error (&error);
  g_assert_false (import (path, "qcow2", layer, NULL, NULL, &error));
  assert_sentence (error, LODGE_ERROR_NOT_FOUND, path);
  g_clear_error (&error);
  g_assert_false (is_bootable (layers, &error));
  assert_sentence (error, LODGE_ERROR_NOT_FOUND, path);
  assert_n_files (fixture, 0);
}

static void
test_wrong_format (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "a");
  g_autofree char *layer = in_folder (fixture, "layer.qcow2");
  g_autoptr (GError) error = NULL;

  run ("qemu-img", "create", "-q", "-f", "qcow2", path, "1M", NULL);
  g_assert_false (import (path, "raw", layer, NULL, NULL, &error));
  assert_sentence (error, LODGE_ERROR_INVALID, path);
  g_assert_nonnull (strstr (error->message, "qcow2"));
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (layer, "mine", -1, NULL));
  g_assert_false (import (path, "qcow2", layer, NULL, NULL, &error));
  assert_sentence (error, LODGE_ERROR_EXISTS, layer);
  assert_n_files (fixture, 2);
}

/* In use by something that holds QEMU's lock. */
static void
test_in_use (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "a.qcow2");
  g_autofree char *named = g_strconcat ("qcow2:", path, NULL);
  const char *const layers[] = {named, NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  char buffer[64];
  gssize n;

  run ("qemu-img", "create", "-q", "-f", "qcow2", path, "1M", NULL);
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                              &error, "qemu-io", "-f", "qcow2", path, NULL);
  g_assert_no_error (error);
  /* Its prompt: it has the image. */
  n = g_input_stream_read (g_subprocess_get_stdout_pipe (process), buffer, sizeof buffer, NULL,
                           NULL);
  g_assert_cmpint (n, >, 0);
  g_assert_null (inspect (path, NULL, &error));
  assert_sentence (error, LODGE_ERROR_STATE, path);
  g_clear_error (&error);
  g_assert_false (is_bootable (layers, &error));
  g_assert_no_error (error);
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
}

/* --- Full disks, cancelling, missing programs --- */

static void
test_full_disk (Fixture *fixture, gconstpointer data)
{
  g_autofree char *raw = make_raw (fixture);
  g_autofree char *layer = in_folder (fixture, "layer.qcow2");
  g_autoptr (GError) error = NULL;
  struct rlimit before, tiny;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  tiny = before;
  tiny.rlim_cur = 400 * 1024;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tiny), ==, 0);
  import (raw, "raw", layer, NULL, NULL, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  assert_sentence (error, LODGE_ERROR_STORAGE, layer);
  g_assert_nonnull (strstr (error->message, "full"));
  g_clear_error (&error);
  assert_n_files (fixture, 1);

  tiny.rlim_cur = 4096;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tiny), ==, 0);
  create (layer, "qcow2", 100 * MIB, NULL, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  assert_sentence (error, LODGE_ERROR_STORAGE, layer);
  g_assert_nonnull (strstr (error->message, "full"));
  assert_n_files (fixture, 1);
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  g_autofree char *raw = in_folder (fixture, "large");
  g_autofree char *layer = in_folder (fixture, "layer.qcow2");
  g_autofree char *bytes = g_malloc (32 * MIB);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  Progress progress = {0, 0, cancellable};
  g_autoptr (GError) error = NULL;

  memset (bytes, 'm', 32 * MIB);
  g_assert_true (g_file_set_contents (raw, bytes, 32 * MIB, NULL));
  g_assert_false (import (raw, "raw", layer, &progress, cancellable, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpuint (progress.n, >, 0);
  assert_n_files (fixture, 1);

  g_cancellable_cancel (cancelled);
  g_assert_false (import (raw, "raw", layer, NULL, cancelled, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (create (layer, "qcow2", MIB, cancelled, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (inspect (raw, cancelled, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  assert_n_files (fixture, 1);
}

/* A process whose command line names @folder. */
static gboolean
is_at_work (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename ("/proc", name, "cmdline", NULL);
    g_autofree char *line = NULL;
    gsize length;

    if (g_ascii_isdigit (name[0]) && g_file_get_contents (path, &line, &length, NULL) &&
        memmem (line, length, folder, strlen (folder)) != NULL)
      return TRUE;
  }
  return FALSE;
}

static gboolean
cancel_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* At every moment of a start, among them those at which bubblewrap's child does not yet die with
 * it: it always ends, and nothing of it stays. */
static void
test_cancel_any_time (Fixture *fixture, gconstpointer data)
{
  g_autofree char *layer = in_folder (fixture, "layer.qcow2");
  guint n_cancelled = 0;

  for (guint i = 0; i < 60; i++) {
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (GError) error = NULL;
    Wait wait = {NULL, FALSE};

    lodge_image_create_async (layer, "qcow2", MIB, cancellable, got_cb, &wait);
    if (i % 2 == 0) {
      g_usleep (i * 100);
      g_cancellable_cancel (cancellable);
    } else {
      g_idle_add_full (G_PRIORITY_LOW, cancel_cb, cancellable, NULL);
    }
    if (!lodge_image_create_finish (wait_for (&wait), &error)) {
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
      n_cancelled++;
    }
    end_wait (&wait);
    g_unlink (layer);
    assert_n_files (fixture, 0);
  }
  g_assert_cmpuint (n_cancelled, >, 0);
  for (guint i = 0; is_at_work (fixture->folder) && i < 300; i++)
    g_usleep (100000);
  g_assert_false (is_at_work (fixture->folder));
}

/* --- What qemu-img may do, seen through a program in its place --- */

/* Puts a shell script in qemu-img's place. Only in a process of its own. */
static void
replace_qemu_img (const char *folder, const char *script)
{
  g_autofree char *path = g_build_filename (folder, "qemu-img", NULL);
  g_autofree char *text = g_strconcat ("#!/bin/sh\n", script, "\n", NULL);
  g_autofree char *search = g_strconcat (folder, ":", g_getenv ("PATH"), NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (g_chmod (path, 0755), ==, 0);
  g_setenv ("PATH", search, TRUE);
}

static char *
run_replaced (const char *script, const char *bind, int code)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-fake-XXXXXX", NULL);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  g_autoptr (GError) error = NULL;
  Wait wait = {NULL, FALSE};
  LodgeQemuImg *img;

  replace_qemu_img (folder, script);
  img = lodge_qemu_img_new ("qemu-img");
  if (bind != NULL)
    lodge_qemu_img_bind (img, LODGE_COMMAND_BIND_READ_ONLY, bind);
  lodge_qemu_img_limit (img, code == LODGE_ERROR_TIMEOUT ? 2 : 30, 8192);
  lodge_qemu_img_run_async (img, NULL, got_cb, &wait);
  done = lodge_qemu_img_run_finish (wait_for (&wait), &error);
  end_wait (&wait);
  remove_all (folder);
  if (code >= 0) {
    g_assert_error (error, LODGE_ERROR, code);
    return NULL;
  }
  g_assert_no_error (error);
  g_test_message ("%d: %s: %s", done->status, done->output, done->words);
  return g_strdup_printf ("%d|%s|%s", done->status, done->output, done->words);
}

static void
in_child (void (*function) (Fixture *fixture))
{
  if (g_test_subprocess ()) {
    Fixture fixture = {0};

    setup (&fixture, NULL);
    function (&fixture);
    teardown (&fixture, NULL);
    return;
  }
  g_test_trap_subprocess (NULL, 120 * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
}

static gboolean
can_contain (void)
{
  int status = -1;

  return g_spawn_command_line_sync ("bwrap --unshare-all --ro-bind / / true", NULL, NULL, &status,
                                    NULL) &&
         g_spawn_check_wait_status (status, NULL);
}

static void
see_nothing (Fixture *fixture)
{
  g_autofree char *image = in_folder (fixture, "image");
  g_autofree char *other = in_folder (fixture, "other");
  g_autofree char *script = g_strdup_printf (
      "for f in '%s' '%s' /etc/passwd /root /home; do [ -e \"$f\" ] && echo \"sees $f\"; done\n"
      "[ -r '%s' ] || echo no image\n"
      "(echo x > '%s') 2>/dev/null && echo writes the image\n"
      "[ $(ls /proc | grep -c '^[0-9]*$') -lt 8 ] || echo sees processes\n"
      "grep -q : /proc/net/dev && [ $(grep -c : /proc/net/dev) -gt 1 ] && echo has a network\n"
      "env | grep -q LODGE_SECRET && echo knows the environment\n"
      "echo done",
      fixture->secret, other, image, image);
  g_autofree char *seen = NULL;

  g_setenv ("LODGE_SECRET", "1", TRUE);
  g_assert_true (g_file_set_contents (image, "image", -1, NULL));
  g_assert_true (g_file_set_contents (other, "other", -1, NULL));
  seen = run_replaced (script, image, -1);
  g_assert_cmpstr (seen, ==, "0|done\n|");
}

static void
test_contained (void)
{
  if (!can_contain ()) {
    g_test_skip ("bubblewrap cannot make namespaces here");
    return;
  }
  in_child (see_nothing);
}

static void
meet_limits (Fixture *fixture)
{
  g_autofree char *loud = NULL;
  g_autofree char *failed = NULL;
  g_autofree char *large = NULL;
  g_autofree char *memory = NULL;

  run_replaced ("exec sleep 100", NULL, LODGE_ERROR_TIMEOUT);
  failed =
      run_replaced ("echo out; echo 'qemu-img: Could not open '\"'json:{}'\"': bad image' >&2; "
                    "exit 3",
                    NULL, -1);
  g_assert_cmpstr (failed, ==, "3|out\n|bad image");
  /* 8 MiB to each pipe: read to the end, and only the beginning kept. */
  loud = run_replaced ("yes | head -c 8388608; yes | head -c 8388608 >&2", NULL, -1);
  g_assert_cmpuint (strlen (loud), <, MIB + 400);
  g_assert_cmpuint (strlen (loud), >, MIB);
  large = run_replaced ("ulimit -f; ulimit -c; ulimit -n; ulimit -v; umask", NULL, -1);
  g_assert_cmpstr (large, ==, "0|16\n0\n256\n2097152\n0077\n|");
  memory = run_replaced ("head -c 100000 /dev/zero > /tmp/large || exit 7", NULL, -1);
  g_assert_true (g_str_has_prefix (memory, "153|") || g_str_has_prefix (memory, "7|"));
}

static void
test_limits (void)
{
  in_child (meet_limits);
}

/* A file system of two megabytes, in a mount namespace of this process. */
static void
fill_disk (Fixture *fixture)
{
  g_autofree char *raw = g_build_filename (fixture->secret_folder, "raw", NULL);
  g_autofree char *layer = in_folder (fixture, "layer.qcow2");
  g_autofree char *filler = in_folder (fixture, "filler");
  g_autofree char *bytes = g_malloc (8 * MIB);
  g_autoptr (GError) error = NULL;

  if (unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount ("tmpfs", fixture->folder, "tmpfs", 0, "size=2m") != 0) {
    g_test_skip ("nothing can be mounted here");
    return;
  }
  memset (bytes, 'm', 8 * MIB);
  g_assert_true (g_file_set_contents (raw, bytes, 8 * MIB, NULL));
  g_assert_false (import (raw, "raw", layer, NULL, NULL, &error));
  assert_sentence (error, LODGE_ERROR_STORAGE, layer);
  g_assert_nonnull (strstr (error->message, "full"));
  g_clear_error (&error);
  assert_n_files (fixture, 0);

  /* The namespace that had the hidden file bound in it goes a moment after its last process. */
  for (guint i = 0; i < 300 && !g_file_set_contents (filler, bytes, 2 * MIB - 8192, NULL); i++)
    g_usleep (100000);
  g_assert_true (g_file_test (filler, G_FILE_TEST_EXISTS));
  g_assert_false (create (layer, "qcow2", MIB, NULL, &error));
  assert_sentence (error, LODGE_ERROR_STORAGE, layer);
  g_assert_nonnull (strstr (error->message, "full"));
  assert_n_files (fixture, 1);
  g_unlink (filler);
  g_unlink (raw);
  umount (fixture->folder);
}

static void
test_small_disk (void)
{
  if (geteuid () != 0) {
    g_test_skip ("only root can mount");
    return;
  }
  in_child (fill_disk);
}

static GLogWriterOutput
count_messages (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  guint *n = user_data;

  if (level == G_LOG_LEVEL_MESSAGE)
    (*n)++;
  return G_LOG_WRITER_HANDLED;
}

/* Without bubblewrap: a search path on which only qemu-img and qemu-io are. */
static void
work_bare (Fixture *fixture)
{
  g_autofree char *tools = g_dir_make_tmp ("lodge-tools-XXXXXX", NULL);
  g_autofree char *img = g_find_program_in_path ("qemu-img");
  g_autofree char *io = g_find_program_in_path ("qemu-io");
  g_autofree char *img_link = g_build_filename (tools, "qemu-img", NULL);
  g_autofree char *io_link = g_build_filename (tools, "qemu-io", NULL);
  g_autofree char *raw = make_raw (fixture);
  g_autofree char *layer = in_folder (fixture, "layer.qcow2");
  g_autofree char *named = g_strconcat ("qcow2:", layer, NULL);
  const char *const layers[] = {named, NULL};
  static guint n_messages = 0;
  g_autoptr (GError) error = NULL;
  g_autofree char *forged = NULL;

  g_log_set_writer_func (count_messages, &n_messages, NULL);
  g_assert_cmpint (symlink (img, img_link), ==, 0);
  g_assert_cmpint (symlink (io, io_link), ==, 0);
  g_setenv ("PATH", tools, TRUE);
  g_assert_true (import (raw, "raw", layer, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (is_bootable (layers, &error));
  g_assert_no_error (error);
  /* Said once. */
  g_assert_cmpuint (n_messages, ==, 1);
  forged = make_forged (fixture, fixture->secret);
  g_assert_null (inspect (forged, NULL, &error));
  assert_sentence (error, LODGE_ERROR_INVALID, forged);
  remove_all (tools);
}

static void
test_without_bubblewrap (void)
{
  in_child (work_bare);
}

static void
find_nothing (Fixture *fixture)
{
  g_autofree char *path = in_folder (fixture, "a.qcow2");
  g_autofree char *raw = make_raw (fixture);
  g_autoptr (GError) error = NULL;

  g_setenv ("PATH", fixture->folder, TRUE);
  g_assert_false (create (path, "qcow2", MIB, NULL, &error));
  assert_sentence (error, LODGE_ERROR_HOST, "qemu-utils");
  g_clear_error (&error);
  g_assert_false (import (raw, "raw", path, NULL, NULL, &error));
  assert_sentence (error, LODGE_ERROR_HOST, "qemu-utils");
  assert_n_files (fixture, 1);
}

static void
test_without_qemu_img (void)
{
  in_child (find_nothing);
}

/* --- Bootable --- */

static void
test_bootable (Fixture *fixture, gconstpointer data)
{
  g_autofree char *raw = make_raw (fixture);
  g_autofree char *empty = in_folder (fixture, "empty.qcow2");
  g_autofree char *middle = in_folder (fixture, "middle.qcow2");
  g_autofree char *top = in_folder (fixture, "top.qcow2");
  g_autofree char *named_raw = g_strconcat ("raw:", raw, NULL);
  g_autofree char *named_empty = g_strconcat ("qcow2:", empty, NULL);
  g_autofree char *named_middle = g_strconcat ("qcow2:", middle, NULL);
  g_autofree char *named_top = g_strconcat ("qcow2:", top, NULL);
  const char *const only_raw[] = {named_raw, NULL};
  const char *const only_empty[] = {named_empty, NULL};
  const char *const chain[] = {named_top, named_middle, named_raw, NULL};
  const char *const empty_chain[] = {named_top, named_middle, named_empty, NULL};
  const char *const lone_top[] = {named_top, NULL};
  const char *const bad[] = {"vmdk:/x", NULL};
  g_autoptr (GError) error = NULL;

  run ("qemu-img", "create", "-q", "-f", "qcow2", empty, "8M", NULL);
  run ("qemu-img", "create", "-q", "-f", "qcow2", middle, "8M", NULL);
  /* What the header says is not followed: the layers are those that are named. */
  run ("qemu-img", "create", "-q", "-f", "qcow2", "-b", raw, "-F", "raw", top, NULL);

  g_assert_true (is_bootable (only_raw, &error));
  g_assert_no_error (error);
  g_assert_false (is_bootable (only_empty, &error));
  g_assert_no_error (error);
  g_assert_true (is_bootable (chain, &error));
  g_assert_no_error (error);
  g_assert_false (is_bootable (empty_chain, &error));
  g_assert_no_error (error);
  g_assert_false (is_bootable (lone_top, &error));
  g_assert_no_error (error);

  g_assert_false (is_bootable (bad, &error));
  assert_sentence (error, LODGE_ERROR_INVALID, "vmdk:/x");
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (middle, "not a qcow2", -1, NULL));
  g_assert_false (is_bootable (chain, &error));
  assert_sentence (error, LODGE_ERROR_STORAGE, top);
}

int
main (int argc, char **argv)
{
  g_autofree char *img = g_find_program_in_path ("qemu-img");
  g_autofree char *io = g_find_program_in_path ("qemu-io");

  g_test_init (&argc, &argv, NULL);
  if (img == NULL || io == NULL) {
    g_print ("1..0 # SKIP qemu-img and qemu-io are not installed\n");
    return 0;
  }
#define ADD(name, function) g_test_add ("/image/" name, Fixture, NULL, setup, function, teardown)
  ADD ("create", test_create);
  ADD ("qcow2-options", test_qcow2_options);
  ADD ("create-refused", test_create_refused);
  ADD ("corpus", test_corpus);
  ADD ("cut-short", test_cut_short);
  ADD ("references", test_references);
  ADD ("data-file", test_data_file);
  ADD ("vmdk", test_vmdk);
  ADD ("other-refusals", test_other_refusals);
  ADD ("missing", test_missing);
  ADD ("wrong-format", test_wrong_format);
  ADD ("in-use", test_in_use);
  ADD ("full-disk", test_full_disk);
  ADD ("cancel", test_cancel);
  ADD ("cancel-any-time", test_cancel_any_time);
  ADD ("bootable", test_bootable);
  g_test_add_func ("/image/contained", test_contained);
  g_test_add_func ("/image/limits", test_limits);
  g_test_add_func ("/image/small-disk", test_small_disk);
  g_test_add_func ("/image/without-bubblewrap", test_without_bubblewrap);
  g_test_add_func ("/image/without-qemu-img", test_without_qemu_img);
  return g_test_run ();
}
