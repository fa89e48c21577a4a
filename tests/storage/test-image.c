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
  image_fixture_assert_n_files (fixture, 1);
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
  IMAGE_FIXTURE_ADD ("create", test_create);
  IMAGE_FIXTURE_ADD ("qcow2-options", test_qcow2_options);
  IMAGE_FIXTURE_ADD ("create-refused", test_create_refused);
  IMAGE_FIXTURE_ADD ("corpus", test_corpus);
  IMAGE_FIXTURE_ADD ("cut-short", test_cut_short);
  IMAGE_FIXTURE_ADD ("in-use", test_in_use);
  IMAGE_FIXTURE_ADD ("bootable", test_bootable);
  return g_test_run ();
}
