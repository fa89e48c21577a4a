/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which firmware a disk starts with, read through every format and from tables as they are found.
 */
#include "image-fixture.h"

#include "lodge-error.h"

#include <string.h>

#define ESP       "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define BIOS_BOOT "21686148-6449-6e6f-744e-656564454649"
#define FREEBSD   "83bd6b9d-7f41-11dc-be0b-001560b84f0f"
#define LINUX     "0fc63daf-8483-4772-8e79-3d69d8477de4"

static LodgeImageBoot
find_boot (const char *path, const char *format, GError **error)
{
  ImageWait wait = {NULL, FALSE};
  LodgeImageBoot boot;

  lodge_image_find_boot_async (path, format, NULL, image_fixture_got_cb, &wait);
  boot = lodge_image_find_boot_finish (image_fixture_wait (&wait), error);
  image_fixture_end_wait (&wait);
  return boot;
}

/* A GUID as a GPT has it: its first three parts with the lowest byte first. */
static void
put_guid (guint8 *to, const char *guid)
{
  static const guint8 order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  guint n = 0;

  for (const char *p = guid; *p != '\0'; p += *p == '-' ? 1 : 2) {
    if (*p != '-')
      to[order[n++]] = (guint8) (g_ascii_xdigit_value (p[0]) << 4 | g_ascii_xdigit_value (p[1]));
  }
  g_assert_cmpuint (n, ==, 16);
}

typedef struct {
  const char *types; /* of a GPT, separated by spaces; NULL: an MBR alone */
  guint8 active;     /* of the first entry of the MBR */
  guint8 type;
  gboolean signature;
  LodgeImageBoot boot;
} Case;

static const Case cases[] = {
    {NULL, 0, 0, FALSE, LODGE_IMAGE_BOOT_UNKNOWN},
    {NULL, 0, 0, TRUE, LODGE_IMAGE_BOOT_BIOS},
    {NULL, 0x80, 0x07, TRUE, LODGE_IMAGE_BOOT_BIOS},
    {NULL, 0, 0xef, TRUE, LODGE_IMAGE_BOOT_UEFI},
    {NULL, 0x80, 0xef, TRUE, LODGE_IMAGE_BOOT_BIOS},
    {ESP " " LINUX, 0, 0xee, TRUE, LODGE_IMAGE_BOOT_UEFI},
    {LINUX " " LINUX " " ESP, 0, 0xee, TRUE, LODGE_IMAGE_BOOT_UEFI},
    {BIOS_BOOT " " ESP " " LINUX, 0, 0xee, TRUE, LODGE_IMAGE_BOOT_BIOS},
    {ESP " " FREEBSD, 0, 0xee, TRUE, LODGE_IMAGE_BOOT_BIOS},
    {LINUX, 0, 0xee, TRUE, LODGE_IMAGE_BOOT_BIOS},
    {ESP, 0, 0xee, FALSE, LODGE_IMAGE_BOOT_UNKNOWN},
};

static char *
make_disk (ImageFixture *fixture, const Case *its)
{
  g_autofree guint8 *bytes = g_malloc0 (IMAGE_FIXTURE_MIB);
  g_auto (GStrv) types = g_strsplit (its->types != NULL ? its->types : "", " ", -1);
  char *path = image_fixture_path (fixture, "disk.raw");

  bytes[446] = its->active;
  bytes[446 + 4] = its->type;
  if (its->signature)
    memcpy (bytes + 510, "\x55\xaa", 2);
  if (its->types != NULL) {
    memcpy (bytes + 512, "EFI PART", 8);
    for (guint i = 0; types[i] != NULL; i++)
      put_guid (bytes + 1024 + i * 128, types[i]);
  }
  g_assert_true (g_file_set_contents (path, (char *) bytes, IMAGE_FIXTURE_MIB, NULL));
  return path;
}

static void
test_tables (ImageFixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = make_disk (fixture, &cases[i]);
    g_autoptr (GError) error = NULL;

    g_test_message ("%u", i);
    g_assert_cmpint (find_boot (path, "raw", &error), ==, cases[i].boot);
    g_assert_no_error (error);
  }
}

static void
test_formats (ImageFixture *fixture, gconstpointer data)
{
  static const char *const formats[] = {"qcow2", "vmdk", "vdi", "vhdx", "vpc", "qed"};
  g_autofree char *raw = make_disk (fixture, &cases[5]);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    g_autofree char *path = image_fixture_path (fixture, formats[i]);
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", formats[i]);
    image_fixture_run ("qemu-img", "convert", "-f", "raw", "-O", formats[i], raw, path, NULL);
    g_assert_cmpint (find_boot (path, formats[i], &error), ==, LODGE_IMAGE_BOOT_UEFI);
    g_assert_no_error (error);
  }
}

/* Too short for a table, or no image at all: nothing that starts. */
static void
test_nothing (ImageFixture *fixture, gconstpointer data)
{
  g_autofree char *path = image_fixture_path (fixture, "short");
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "MBR?", -1, NULL));
  g_assert_cmpint (find_boot (path, "raw", &error), ==, LODGE_IMAGE_BOOT_UNKNOWN);
  g_assert_no_error (error);
  g_assert_cmpint (find_boot (path, "qcow2", &error), ==, LODGE_IMAGE_BOOT_UNKNOWN);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  if (!image_fixture_init (&argc, &argv))
    return 0;
  IMAGE_FIXTURE_ADD ("boot/tables", test_tables);
  IMAGE_FIXTURE_ADD ("boot/formats", test_formats);
  IMAGE_FIXTURE_ADD ("boot/nothing", test_nothing);
  return g_test_run ();
}
