/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an image is by its bytes, without any QEMU: every header hostile in turn. */
#include "lodge-error.h"
#include "storage/lodge-image-magic.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file that has a path and is nowhere. */
typedef struct {
  int fd;
  char *path;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->fd = memfd_create ("image", MFD_CLOEXEC);
  g_assert_cmpint (fixture->fd, >=, 0);
  fixture->path = g_strdup_printf ("/proc/self/fd/%d", fixture->fd);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  close (fixture->fd);
  g_free (fixture->path);
}

static const char *
find (Fixture *fixture, const guint8 *bytes, gsize length, GError **error)
{
  guint64 size = 7;
  const char *format;

  g_assert_cmpint (ftruncate (fixture->fd, 0), ==, 0);
  g_assert_cmpint (pwrite (fixture->fd, bytes, length, 0), ==, (gssize) length);
  format = lodge_image_magic_find (fixture->path, &size, error);
  g_assert_cmpuint (size, ==, format != NULL ? length : 7);
  return format;
}

static const struct {
  const char *magic;
  gsize length;
  gsize at;
  const char *format;
} magics[] = {
    {"QFI\xfb\0\0\0\x03", 8, 0, "qcow2"},
    {"QED\0", 4, 0, "qed"},
    {"KDMV", 4, 0, "vmdk"},
    {"vhdxfile", 8, 0, "vhdx"},
    {"conectix", 8, 0, "vpc"},
    {"\x7f\x10\xda\xbe", 4, 64, "vdi"},
    {"", 0, 0, "raw"},
};

/* Random bytes behind each magic, at every length: an answer or one sentence, never a crash, and
 * never another format than the magic's. */
static void
test_random (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (magics); i++) {
    for (guint round = 0; round < 500; round++) {
      guint8 bytes[4096];
      gsize length = g_test_rand_int_range (1, sizeof bytes);
      g_autoptr (GError) error = NULL;
      const char *format;

      /* Half of them mostly zeros, so that the checks behind the first are reached too. */
      for (gsize j = 0; j < sizeof bytes; j++)
        bytes[j] = round % 2 == 0 || g_test_rand_int_range (0, 40) == 0
                       ? (guint8) g_test_rand_int_range (0, 256)
                       : 0;
      memcpy (bytes + magics[i].at, magics[i].magic, magics[i].length);
      format = find (fixture, bytes, length, &error);
      if (format == NULL) {
        g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
        g_assert_nonnull (strstr (error->message, fixture->path));
      } else if (length >= magics[i].at + magics[i].length && magics[i].length > 0) {
        g_assert_no_error (error);
        g_assert_cmpstr (format, ==, magics[i].format);
      }
    }
  }
}

static void
put (guint8 *at, guint64 value, guint bytes, gboolean big)
{
  for (guint i = 0; i < bytes; i++)
    at[big ? bytes - 1 - i : i] = (guint8) (value >> (8 * i));
}

/* One field after the other of an image that is good without it. */
static void
test_fields (Fixture *fixture, gconstpointer data)
{
  static const struct {
    guint magic; /* row of magics */
    struct {
      guint at, bytes;
      guint64 value;
    } good[4], bad;
    gboolean big;
    const char *named;
  } fields[] = {
      {0, {{0}}, {8, 8, 1}, TRUE, "another file"},             /* backing_file_offset */
      {0, {{0}}, {16, 4, 1}, TRUE, "another file"},            /* backing_file_size */
      {0, {{0}}, {72, 8, 4}, TRUE, "another file"},            /* external data file */
      {0, {{0}}, {32, 4, 1}, TRUE, "encrypted"},               /* crypt_method */
      {0, {{0}}, {4, 4, 4}, TRUE, "version"},                  /* version */
      {1, {{0}}, {16, 8, 1}, FALSE, "another file"},           /* features */
      {1, {{0}}, {56, 4, 64}, FALSE, "another file"},          /* backing_filename_offset */
      {2, {{12, 8, 2048}}, {12, 8, 0}, FALSE, "another file"}, /* capacity */
      {2, {{12, 8, 2048}, {28, 8, 1}}, {36, 8, 4096}, FALSE, "damaged"},
      {2, {{12, 8, 2048}}, {28, 8, G_MAXUINT64}, FALSE, "damaged"},
      {2, {{12, 8, 2048}}, {56, 8, 4}, FALSE, "cut short"}, /* directory */
      {4, {{60, 4, 2}}, {60, 4, 4}, TRUE, "another file"},  /* disk type: differencing */
      {4, {{60, 4, 3}}, {60, 4, 9}, TRUE, "damaged"},
      {4, {{60, 4, 3}}, {2048 - 512, 4, 0}, TRUE, "cut short"}, /* no footer */
      {5, {{76, 4, 1}}, {76, 4, 4}, FALSE, "another file"},     /* differencing */
      {5, {{76, 4, 1}, {376, 4, 1024}}, {388, 4, 3}, FALSE, "cut short"},
      {5, {{76, 4, 1}, {376, 4, G_MAXUINT32}}, {388, 4, G_MAXUINT32}, FALSE, "cut short"},
      {6, {{0}}, {0, 2, 0x8b1f}, FALSE, "compressed"},
      {6, {{0}}, {257, 5, 0x7261747375}, FALSE, "archive"}, /* "ustar" */
  };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    guint row = fields[i].magic;
    guint8 bytes[2048] = {0};
    g_autoptr (GError) error = NULL;

    memcpy (bytes + magics[row].at, magics[row].magic, magics[row].length);
    if (row == 4)
      memcpy (bytes + 2048 - 512, "conectix", 8);
    for (guint j = 0; j < G_N_ELEMENTS (fields[i].good) && fields[i].good[j].bytes > 0; j++)
      put (bytes + fields[i].good[j].at, fields[i].good[j].value, fields[i].good[j].bytes,
           fields[i].big);
    g_assert_cmpstr (find (fixture, bytes, sizeof bytes, &error), ==, magics[row].format);
    g_assert_no_error (error);

    put (bytes + fields[i].bad.at, fields[i].bad.value, fields[i].bad.bytes, fields[i].big);
    g_assert_null (find (fixture, bytes, sizeof bytes, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    if (strstr (error->message, fields[i].named) == NULL)
      g_error ("%u: “%s” does not say “%s”", i, error->message, fields[i].named);
  }
}

static void
test_boot_sector (Fixture *fixture, gconstpointer data)
{
  guint8 bytes[700] = {0};

  g_assert_cmpstr (find (fixture, bytes, sizeof bytes, NULL), ==, "raw");
  g_assert_false (lodge_image_magic_has_boot_sector (fixture->path));
  bytes[510] = 0x55;
  bytes[511] = 0xaa;
  g_assert_cmpstr (find (fixture, bytes, 511, NULL), ==, "raw");
  g_assert_false (lodge_image_magic_has_boot_sector (fixture->path));
  g_assert_cmpstr (find (fixture, bytes, sizeof bytes, NULL), ==, "raw");
  g_assert_true (lodge_image_magic_has_boot_sector (fixture->path));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/image-magic/random", Fixture, NULL, setup, test_random, teardown);
  g_test_add ("/image-magic/fields", Fixture, NULL, setup, test_fields, teardown);
  g_test_add ("/image-magic/boot-sector", Fixture, NULL, setup, test_boot_sector, teardown);
  return g_test_run ();
}
