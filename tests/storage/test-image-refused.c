/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images that are not let in: those that lead to other files, damaged ones, ones that are not
 * there. */
#include "image-fixture.h"

#include "lodge-error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
assert_refused (ImageFixture *fixture, const char *path, const char *format, const char *named)
{
  g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
  g_autoptr (LodgeImageFacts) facts = NULL;
  g_autoptr (GError) error = NULL;

  facts = image_fixture_inspect (path, NULL, &error);
  g_assert_null (facts);
  image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, path);
  if (strstr (error->message, named) == NULL)
    g_error ("“%s” does not say “%s”", error->message, named);
  g_clear_error (&error);

  /* Neither does an import that was not asked before. */
  g_assert_false (image_fixture_import (path, format, layer, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, path);
  g_assert_false (g_file_test (layer, G_FILE_TEST_EXISTS));
}

/* What somebody took for a disk. */
static void
test_no_disk (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *path = image_fixture_path (fixture, "letter");

  g_assert_true (g_file_set_contents (path, "Dear diary,\n", -1, NULL));
  assert_refused (fixture, path, "raw", "not the image of a disk");
  g_unlink (path);
}

static void
test_references (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *top = image_fixture_path (fixture, "top.qcow2");
  g_autofree char *self = image_fixture_path (fixture, "self.qcow2");
  g_autofree char *json = g_strdup_printf ("json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\","
                                           "\"filename\":\"%s\"}}",
                                           fixture->secret);
  g_autofree char *nbd = g_strdup ("nbd:unix:/run/x");
  const char *backings[] = {fixture->secret, json, nbd};

  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", "-b", fixture->secret, "-F", "raw",
                     top, NULL);
  assert_refused (fixture, top, "qcow2", "another file");

  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", self, "1M", NULL);
  image_fixture_run ("qemu-img", "rebase", "-u", "-f", "qcow2", "-b", self, "-F", "qcow2", self,
                     NULL);
  assert_refused (fixture, self, "qcow2", "another file");

  for (guint i = 0; i < G_N_ELEMENTS (backings); i++) {
    g_autofree char *forged = image_fixture_make_forged (fixture, backings[i]);

    assert_refused (fixture, forged, "raw", "another file");
    assert_refused (fixture, forged, "qcow2", "another file");
  }
}

static void
test_data_file (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *path = image_fixture_path (fixture, "outside.qcow2");
  g_autofree char *options = g_strdup ("data_file=external,data_file_raw=on");
  g_autofree char *here = g_get_current_dir ();
  g_autofree char *text = NULL;
  gsize length;

  g_assert_cmpint (g_chdir (fixture->folder), ==, 0);
  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "outside.qcow2",
                     "1M", NULL);
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
test_vmdk (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *path = image_fixture_path (fixture, "a.vmdk");
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
  image_fixture_run ("qemu-img", "create", "-q", "-f", "vmdk", path, "1M", NULL);
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
  image_fixture_run ("qemu-img", "create", "-q", "-f", "vmdk", path, "1M", NULL);
  g_assert_true (g_file_get_contents (path, &sparse, &length, NULL));
  found = memmem (sparse, length, "parentCID=ffffffff", strlen ("parentCID=ffffffff"));
  g_assert_nonnull (found);
  memcpy (found, "parentCID=12345678", strlen ("parentCID=12345678"));
  g_assert_true (g_file_set_contents (path, sparse, length, NULL));
  assert_refused (fixture, path, "vmdk", "another file");
}

static void
test_other_refusals (ImageFixture *fixture, gconstpointer data)
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
  g_autofree char *path = image_fixture_path (fixture, "x.vhdx");
  g_autofree char *encrypted = image_fixture_path (fixture, "encrypted");
  g_autofree char *pipe = image_fixture_path (fixture, "pipe");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_true (g_file_set_contents (path, bad[i].bytes, bad[i].length, NULL));
    assert_refused (fixture, path, "qcow2", bad[i].named);
  }
  assert_refused (fixture, fixture->folder, "raw", "folder");
  assert_refused (fixture, "/dev/null", "raw", "not a file");
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  assert_refused (fixture, pipe, "raw", "not a file");

  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", "--object", "secret,id=k,data=abc",
                     "-o", "encrypt.format=luks,encrypt.key-secret=k", encrypted, "1M", NULL);
  assert_refused (fixture, encrypted, "qcow2", "encrypted");
}

static void
test_missing (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *path = image_fixture_path (fixture, "missing.qcow2");
  g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
  g_autofree char *named = g_strconcat ("qcow2:", path, NULL);
  const char *const layers[] = {named, NULL};
  g_autoptr (GError) error = NULL;

  g_assert_null (image_fixture_inspect (path, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_NOT_FOUND, path);
  g_clear_error (&error);
  g_assert_false (image_fixture_import (path, "qcow2", layer, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_NOT_FOUND, path);
  g_clear_error (&error);
  g_assert_false (image_fixture_is_bootable (layers, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_NOT_FOUND, path);
  image_fixture_assert_n_files (fixture, 0);
}

static void
test_wrong_format (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *path = image_fixture_path (fixture, "a");
  g_autofree char *layer = image_fixture_path (fixture, "layer.qcow2");
  g_autoptr (GError) error = NULL;

  image_fixture_run ("qemu-img", "create", "-q", "-f", "qcow2", path, "1M", NULL);
  g_assert_false (image_fixture_import (path, "raw", layer, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_INVALID, path);
  g_assert_nonnull (strstr (error->message, "qcow2"));
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (layer, "mine", -1, NULL));
  g_assert_false (image_fixture_import (path, "qcow2", layer, NULL, NULL, &error));
  image_fixture_assert_sentence (error, LODGE_ERROR_EXISTS, layer);
  image_fixture_assert_n_files (fixture, 2);
}

int
main (int argc, char **argv)
{
  if (!image_fixture_init (&argc, &argv))
    return 0;
  IMAGE_FIXTURE_ADD ("no-disk", test_no_disk);
  IMAGE_FIXTURE_ADD ("references", test_references);
  IMAGE_FIXTURE_ADD ("data-file", test_data_file);
  IMAGE_FIXTURE_ADD ("vmdk", test_vmdk);
  IMAGE_FIXTURE_ADD ("other-refusals", test_other_refusals);
  IMAGE_FIXTURE_ADD ("missing", test_missing);
  IMAGE_FIXTURE_ADD ("wrong-format", test_wrong_format);
  return g_test_run ();
}
