/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which disk of a computer it is, and whether that computer uses it: on computers that are made up.
 */
#include "host-fixture.h"

#include "host/lodge-host-disk.h"
#include "host/lodge-host-medium.h"
#include "lodge-error.h"

#include <string.h>
#include <unistd.h>

#define USB "/sys/devices/pci0000:00/usb2/2-1/2-1:1.0/host6/block/sdb"
/* One without a serial number, behind a hub that has one. */
#define NAMELESS "/sys/devices/pci0000:00/usb2/2-2/2-2:1.0/host7/block/sdc"
#define SATA     "/sys/devices/pci0000:00/ata1/host0/block/sda"
#define DM       "/sys/devices/virtual/block/dm-0"

static void
add_link (HostFixture *f, const char *name, const char *folder)
{
  g_autofree char *target = g_build_filename (f->root, folder, NULL);
  g_autofree char *link = g_build_filename (f->root, "/sys/class/block", name, NULL);

  g_assert_no_errno (symlink (target, link));
}

/* Two disks with a partition each, of which nothing is used. */
static HostFixture *
new_computer (void)
{
  HostFixture *f = host_fixture_new ();

  host_fixture_add (f, "/sys/class/block/.keep", "");
  host_fixture_add (f, SATA "/dev", "8:0\n");
  host_fixture_add (f, SATA "/device/wwid", "t10.ATA     Disk One    123\n");
  host_fixture_add (f, SATA "/sda1/dev", "8:1\n");
  host_fixture_add (f, SATA "/sda1/partition", "1\n");
  host_fixture_add (f, SATA "/sda1/start", "2048\n");
  host_fixture_add (f, USB "/dev", "8:16\n");
  host_fixture_add (f, USB "/sdb1/dev", "8:17\n");
  host_fixture_add (f, USB "/sdb1/partition", "1\n");
  host_fixture_add (f, USB "/sdb1/start", "4096\n");
  host_fixture_add (f, "/sys/devices/pci0000:00/usb2/idVendor", "1d6b\n");
  host_fixture_add (f, "/sys/devices/pci0000:00/usb2/serial", "0000:00:14.0\n");
  host_fixture_add (f, "/sys/devices/pci0000:00/usb2/2-1/idVendor", "0781\n");
  host_fixture_add (f, "/sys/devices/pci0000:00/usb2/2-1/serial", "AA00 1\n");
  host_fixture_add (f, "/sys/devices/pci0000:00/usb2/2-2/idVendor", "0781\n");
  host_fixture_add (f, NAMELESS "/dev", "8:32\n");
  host_fixture_add (f, DM "/dev", "253:0\n");
  host_fixture_add (f, DM "/dm/name", "vg-home\n");
  add_link (f, "sda", SATA);
  add_link (f, "sda1", SATA "/sda1");
  add_link (f, "sdb", USB);
  add_link (f, "sdb1", USB "/sdb1");
  add_link (f, "sdc", NAMELESS);
  add_link (f, "dm-0", DM);
  host_fixture_add (f, "/proc/self/mountinfo",
                    "22 1 8:3 / / rw,relatime shared:1 - ext4 /dev/sdc3 rw\n"
                    "23 22 0:21 / /proc rw - proc proc rw\n");
  host_fixture_add (f, "/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
  return f;
}

static void
assert_free (const char *name)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (lodge_host_disk_check_free (name, &error));
  g_assert_no_error (error);
}

static void
assert_used (const char *name, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (lodge_host_disk_check_free (name, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_BUSY);
  if (strstr (error->message, word) == NULL || strstr (error->message, name) == NULL)
    g_error ("%s", error->message);
}

static void
assert_partition_used (gboolean whole)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (lodge_host_disk_check_free ("sdb1", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, whole ? "sdb:" : "sdb1:"));
}

static void
test_identity (void)
{
  static const char *const cases[][2] = {
      {"sda", "t10.ATA     Disk One    123"},
      {"sda1", "t10.ATA     Disk One    123+2048"},
      {"sdb", "AA00 1"},
      {"sdb1", "AA00 1+4096"},
      {"sdc", ""},
      {"dm-0", ""},
      {"none", ""},
  };
  HostFixture *f = new_computer ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *identity = lodge_host_disk_dup_identity (cases[i][0]);

    g_assert_cmpstr (identity, ==, cases[i][1]);
  }
  host_fixture_free (f);
}

static char *
dup_ids (const guint8 *bytes, gsize length)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp (NULL, &path, NULL);
  char *ids;

  g_assert_cmpint (write (fd, bytes, length), ==, (gssize) length);
  ids = lodge_host_medium_dup_ids (fd);
  close (fd);
  g_assert_no_errno (unlink (path));
  return ids;
}

/* A card in a reader has the reader's serial number: what is on it tells it from another. */
static void
test_medium (void)
{
  const gsize length = 128 * 1024;
  g_autofree guint8 *bytes = g_malloc0 (length);
  g_autofree char *blank = dup_ids (bytes, length);
  g_autofree char *none = dup_ids (bytes, 0);
  g_autofree char *mbr = NULL;
  g_autofree char *fat = NULL;
  g_autofree char *written = NULL;
  g_autofree char *gpt = NULL;

  g_assert_cmpstr (blank, ==, "blank");
  g_assert_cmpstr (none, ==, "blank");
  memcpy (bytes + 510, "\x55\xaa", 2);
  memcpy (bytes + 440, "\x01\x02\x03\xff", 4);
  mbr = dup_ids (bytes, length);
  g_assert_cmpstr (mbr, ==, "mbr=010203ff");
  bytes[66] = 0x29;
  memcpy (bytes + 67, "abcd", 4);
  fat = dup_ids (bytes, length);
  g_assert_cmpstr (fat, ==, "mbr=010203ff,fat32=61626364");
  /* A camera writes, and says so in the boot sector: it is the same card. */
  bytes[65] = 1;
  memset (bytes + 100 * 1024, 7, 1024);
  written = dup_ids (bytes, length);
  g_assert_cmpstr (written, ==, fat);
  memcpy (bytes + 512, "EFI PART", 8);
  memset (bytes + 568, 0x11, 16);
  gpt = dup_ids (bytes, length);
  g_assert_cmpstr (gpt, ==, "mbr=010203ff,gpt=11111111111111111111111111111111,fat32=61626364");

  g_assert_true (lodge_host_disk_is_same_drive ("AA 1#blank", "AA 1#mbr=010203ff"));
  g_assert_true (lodge_host_disk_is_same_drive ("AA 1#blank", "AA 1"));
  g_assert_false (lodge_host_disk_is_same_drive ("AA 1#blank", "AA 12#blank"));
  g_assert_false (lodge_host_disk_is_same_drive ("AA 1#blank", "AA 1+2048#blank"));
}

/* What a machine has is had with its partitions, and by its partitions. */
static void
test_held (void)
{
  static const char *const links[][2] = {{"disk", "sdb"}, {"part", "sda1"}};
  HostFixture *f = new_computer ();
  g_autoptr (GHashTable) held = g_hash_table_new (g_str_hash, g_str_equal);

  host_fixture_add (f, "/dev/sdb", "");
  host_fixture_add (f, "/dev/sda1", "");
  host_fixture_add (f, "/dev/disk/by-id/.keep", "");
  for (guint i = 0; i < G_N_ELEMENTS (links); i++) {
    g_autofree char *target = g_build_filename (f->root, "dev", links[i][1], NULL);
    g_autofree char *link = g_build_filename (f->root, "dev/disk/by-id", links[i][0], NULL);

    g_assert_no_errno (symlink (target, link));
  }
  g_hash_table_insert (held, (gpointer) "/dev/disk/by-id/gone", (gpointer) "old");
  g_assert_null (lodge_host_disk_find_holder ("sdb", held));
  g_hash_table_insert (held, (gpointer) "/dev/disk/by-id/disk", (gpointer) "web");
  g_assert_cmpstr (lodge_host_disk_find_holder ("sdb", held), ==, "web");
  g_assert_cmpstr (lodge_host_disk_find_holder ("sdb1", held), ==, "web");
  g_assert_null (lodge_host_disk_find_holder ("sda", held));
  g_hash_table_insert (held, (gpointer) "/dev/disk/by-id/part", (gpointer) "mail");
  g_assert_cmpstr (lodge_host_disk_find_holder ("sda", held), ==, "mail");
  g_assert_cmpstr (lodge_host_disk_find_holder ("sda1", held), ==, "mail");
  g_assert_null (lodge_host_disk_find_holder ("sdc", held));
  host_fixture_free (f);
}

/* Whoever uses a part uses the whole, and the other way round; and no more than that. */
static void
test_used (void)
{
  static const struct {
    const char *path;
    const char *text;
    const char *word;
    gboolean whole; /* it is the disk that is used, and not its partition */
  } cases[] = {
      {USB "/sdb1/holders/dm-0", "", "vg-home", FALSE},
      {USB "/holders/md127", "", "md127", TRUE},
      {"/proc/self/mountinfo", "30 22 8:17 / /media/a\\040stick rw - vfat /dev/sdb1 rw\n",
       "/media/a stick", FALSE},
      {"/proc/self/mountinfo", "30 22 8:16 / /mnt rw shared:7 master:2 - ext4 /dev/root rw\n",
       "/mnt", TRUE},
      {"/proc/self/mountinfo", "30 22 0:50 /sub /mnt rw - btrfs /dev/sdb1 rw\n", "/mnt", FALSE},
      {"/proc/swaps", "Filename Type\n/dev/sdb1                 partition\t100\t0\t-2\n",
       "swaps memory", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    HostFixture *f = new_computer ();

    for (guint j = 0; j < 2; j++)
      assert_free (j == 0 ? "sdb" : "sdb1");
    host_fixture_add (f, cases[i].path, cases[i].text);
    assert_used ("sdb", cases[i].word);
    assert_partition_used (cases[i].whole);
    assert_free ("sda");
    assert_free ("sda1");
    host_fixture_free (f);
  }
}

/* A partition beside it is nobody's business. */
static void
test_beside (void)
{
  HostFixture *f = new_computer ();

  host_fixture_add (f, USB "/sdb2/dev", "8:18\n");
  host_fixture_add (f, USB "/sdb2/partition", "2\n");
  add_link (f, "sdb2", USB "/sdb2");
  host_fixture_add (f, "/proc/self/mountinfo", "30 22 8:18 / /mnt rw - ext4 /dev/sdb2 rw\n");
  assert_free ("sdb1");
  assert_used ("sdb", "/mnt");
  host_fixture_free (f);
}

static void
assert_no_disk (const char *path, LodgeError code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (lodge_host_disk_look (path, &error));
  g_assert_error (error, LODGE_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, word));
}

/* Only what stays with the disk. */
static void
test_path (void)
{
  static const char *const paths[] = {
      "/dev/sda",
      "/dev/disk/by-path/pci-0",
      "/dev/disk/by-id/",
      "/dev/disk/by-id/../../sda",
  };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    assert_no_disk (paths[i], LODGE_ERROR_INVALID, "/dev/disk/by-id");
  for (guint i = 0; i < 3; i++)
    assert_no_disk ((const char *[]){"/tmp/disk.img", "sda", ""}[i], LODGE_ERROR_INVALID, "--from");
  assert_no_disk ("/dev/disk/by-id/lodge-none", LODGE_ERROR_NOT_FOUND, "plugged in");
}

int
main (int argc, char *argv[])
{
  host_fixture_init (&argc, &argv);
  g_test_add_func ("/host-disk/identity", test_identity);
  g_test_add_func ("/host-disk/held", test_held);
  g_test_add_func ("/host-disk/medium", test_medium);
  g_test_add_func ("/host-disk/used", test_used);
  g_test_add_func ("/host-disk/beside", test_beside);
  g_test_add_func ("/host-disk/path", test_path);
  return host_fixture_run ();
}
