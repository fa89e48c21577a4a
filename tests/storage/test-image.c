/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disk images with the real qemu-img: made, looked into, copied in. */
#include "image-fixture.h"

#include "lodge-error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Making --- */

static void
test_create (ImageFixture *fixture, gconstpointer data)
{
  static const char *const formats[] = {"qcow2", "raw"};

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree char *path = image_fixture_path (fixture, formats[i]);
    g_autoptr (LodgeImageFacts) facts = NULL;
    g_autoptr (GError) error = NULL;
    struct stat info;

    g_assert_true (
        image_fixture_create (path, formats[i], G_GUINT64_CONSTANT (20) << 30, NULL, &error));
    g_assert_no_error (error);
    g_assert_cmpint (g_stat (path, &info), ==, 0);
    g_assert_cmpuint (info.st_mode & 0777, ==, 0600);
    g_assert_cmpuint ((guint64) info.st_blocks * 512, <, 2 * IMAGE_FIXTURE_MIB);
    facts = image_fixture_inspect (path, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (facts->format, ==, formats[i]);
    g_assert_cmpuint (facts->size_bytes, ==, G_GUINT64_CONSTANT (20) << 30);

    /* Not over what is there. */
    g_assert_false (image_fixture_create (path, formats[i], IMAGE_FIXTURE_MIB, NULL, &error));
    image_fixture_assert_sentence (error, LODGE_ERROR_EXISTS, path);
  }
  image_fixture_assert_n_files (fixture, 2);
}

static void
test_qcow2_options (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *path = image_fixture_path (fixture, "a");
  g_autofree char *head = NULL;
  gsize length;

  g_assert_true (image_fixture_create (path, "qcow2", IMAGE_FIXTURE_MIB, NULL, NULL));
  g_assert_true (g_file_get_contents (path, &head, &length, NULL));
  g_assert_cmpuint (length, >, 104);
  g_assert_cmpint (head[7], ==, 3);
  /* compatible_features, bit 0, is lazy_refcounts; neither it nor any other. */
  for (guint i = 72; i < 96; i++)
    g_assert_cmpint (head[i], ==, 0);
}

static void
test_create_refused (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *nowhere = image_fixture_path (fixture, "nowhere/a.qcow2");
  g_autofree char *link = image_fixture_path (fixture, "link");
  g_autofree char *hidden_link = image_fixture_path (fixture, ".b.new");
  g_autofree char *behind = image_fixture_path (fixture, "b");
  g_autoptr (GError) error = NULL;
  g_autofree char *kept = NULL;

  g_assert_false (image_fixture_create (nowhere, "qcow2", IMAGE_FIXTURE_MIB, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_NOT_FOUND, nowhere);
  g_clear_error (&error);

  g_assert_cmpint (symlink (fixture->secret, link), ==, 0);
  g_assert_false (image_fixture_create (link, "raw", IMAGE_FIXTURE_MIB, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_EXISTS, link);
  g_clear_error (&error);

  /* A link that lies in wait where the hidden file comes. */
  g_assert_cmpint (symlink (fixture->secret, hidden_link), ==, 0);
  g_assert_true (image_fixture_create (behind, "raw", IMAGE_FIXTURE_MIB, NULL, &error));
  g_assert_true (g_file_get_contents (fixture->secret, &kept, NULL, NULL));
  g_assert_true (g_str_has_prefix (kept, IMAGE_FIXTURE_SECRET));
  image_fixture_assert_n_files (fixture, 2);
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

static void
test_corpus (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *raw = image_fixture_make_raw (fixture);
  g_autofree char *back = image_fixture_path (fixture, "back.img");

  for (guint i = 0; i < G_N_ELEMENTS (corpus); i++) {
    const char *format = corpus[i].format;
    const char *options = corpus[i].options;
    g_autofree char *path = image_fixture_path (fixture, "foreign,file=x");
    g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
    g_autofree char *named = g_strconcat ("qcow2:", layer, NULL);
    const char *const layers[] = {named, NULL};
    g_autoptr (LodgeImageFacts) facts = NULL;
    g_autofree char *content = NULL;
    g_autoptr (GError) error = NULL;
    ImageProgress progress = {0};
    gsize length;

    g_test_message ("%s %s", format, options);
    if (options != NULL)
      image_fixture_run ("qemu-img", "convert", "-f", "raw", "-O", format, "-o", options, raw, path,
                         NULL);
    else
      image_fixture_run ("qemu-img", "convert", "-f", "raw", "-O", format, raw, path, NULL);

    facts = image_fixture_inspect (path, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (facts->format, ==, format);
    /* vpc rounds up to whole cylinders. */
    g_assert_cmpuint (facts->size_bytes, >=, 8 * IMAGE_FIXTURE_MIB);
    g_assert_cmpuint (facts->size_bytes, <, 9 * IMAGE_FIXTURE_MIB);

    g_assert_true (image_fixture_import (path, format, layer, &progress, NULL, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (progress.n, >, 0);
    g_assert_cmpfloat (progress.last, ==, 1);
    image_fixture_run ("qemu-img", "convert", "-f", "qcow2", "-O", "raw", layer, back, NULL);
    g_assert_true (g_file_get_contents (back, &content, &length, NULL));
    g_assert_cmpuint (length, ==, facts->size_bytes);
    g_assert_cmpint (content[5 * IMAGE_FIXTURE_MIB + 77], ==, 'm');
    g_assert_cmpstr (content + 8 * IMAGE_FIXTURE_MIB - 16, ==, "the end");

    g_assert_true (image_fixture_is_bootable (layers, &error));
    g_assert_no_error (error);
    g_unlink (path);
    g_unlink (layer);
  }
  image_fixture_assert_n_files (fixture, 2);
}

/* Each shortened to six tenths must not pass for a whole image. */
static void
test_cut_short (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *raw = image_fixture_path (fixture, "raw");
  g_autofree char *bytes = g_malloc (8 * IMAGE_FIXTURE_MIB);

  memset (bytes, 'm', 8 * IMAGE_FIXTURE_MIB);
  g_assert_true (g_file_set_contents (raw, bytes, 8 * IMAGE_FIXTURE_MIB, NULL));
  for (guint i = 1; i < G_N_ELEMENTS (corpus); i++) {
    g_autofree char *path = image_fixture_path (fixture, "short");
    g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
    g_autoptr (LodgeImageFacts) facts = NULL;
    g_autoptr (GError) error = NULL;
    struct stat info;

    /* What is left of a fixed VHD is the beginning of a raw image, and nothing tells it from one.
     */
    if (g_strcmp0 (corpus[i].options, "subformat=fixed") == 0)
      continue;
    g_test_message ("%s %s", corpus[i].format, corpus[i].options);
    if (corpus[i].options != NULL)
      image_fixture_run ("qemu-img", "convert", "-f", "raw", "-O", corpus[i].format, "-o",
                         corpus[i].options, raw, path, NULL);
    else
      image_fixture_run ("qemu-img", "convert", "-f", "raw", "-O", corpus[i].format, raw, path,
                         NULL);
    g_assert_cmpint (g_stat (path, &info), ==, 0);
    g_assert_cmpint (truncate (path, info.st_size / 10 * 6), ==, 0);

    facts = image_fixture_inspect (path, NULL, &error);
    if (facts == NULL)
      image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, path);
    g_clear_error (&error);
    g_assert_false (image_fixture_import (path, corpus[i].format, layer, NULL, NULL, &error));
    image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, path);
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

/* What somebody took for a disk. */
static void
test_no_disk (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = in_folder (fixture, "letter");

  g_assert_true (g_file_set_contents (path, "Dear diary,\n", -1, NULL));
  assert_refused (fixture, path, "raw", "not the image of a disk");
  g_unlink (path);
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
test_in_use (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *path = image_fixture_path (fixture, "a.qcow2");
  g_autofree char *named = g_strconcat ("qcow2:", path, NULL);
  const char *const layers[] = {named, NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  char buffer[64];
  gssize n;

  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", path, "1M", NULL);
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                              &error, "qemu-io", "-f", "qcow2", path, NULL);
  g_assert_no_error (error);
  /* Its prompt: it has the image. */
  n = g_input_stream_read (g_subprocess_get_stdout_pipe (process), buffer, sizeof buffer, NULL,
                           NULL);
  g_assert_cmpint (n, >, 0);
  g_assert_null (image_fixture_inspect (path, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_STATE, path);
  g_clear_error (&error);
  g_assert_false (image_fixture_is_bootable (layers, &error));
  g_assert_no_error (error);
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
}

/* --- Bootable --- */

static void
test_bootable (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *raw = image_fixture_make_raw (fixture);
  g_autofree char *empty = image_fixture_path (fixture, "empty.qcow2");
  g_autofree char *middle = image_fixture_path (fixture, "middle.qcow2");
  g_autofree char *top = image_fixture_path (fixture, "top.qcow2");
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

  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", empty, "8M", NULL);
  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", middle, "8M", NULL);
  /* What the header says is not followed: the layers are those that are named. */
  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", "-b", raw, "-F", "raw", top, NULL);

  g_assert_true (image_fixture_is_bootable (only_raw, &error));
  g_assert_no_error (error);
  g_assert_false (image_fixture_is_bootable (only_empty, &error));
  g_assert_no_error (error);
  g_assert_true (image_fixture_is_bootable (chain, &error));
  g_assert_no_error (error);
  g_assert_false (image_fixture_is_bootable (empty_chain, &error));
  g_assert_no_error (error);
  g_assert_false (image_fixture_is_bootable (lone_top, &error));
  g_assert_no_error (error);

  g_assert_false (image_fixture_is_bootable (bad, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, "vmdk:/x");
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (middle, "not a qcow2", -1, NULL));
  g_assert_false (image_fixture_is_bootable (chain, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_STORAGE, top);
}

int
main (int argc, char **argv)
{
  if (!image_fixture_init (&argc, &argv))
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
  ADD ("no-disk", test_no_disk);
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
