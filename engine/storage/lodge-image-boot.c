/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which firmware a disk starts with, by its table of partitions.
 *
 * UEFI 2.10, chapter 5: the MBR (5.2), the GPT's header in the second sector (5.3.2), its entries
 * from the third on (5.3.3). Nothing in them is trusted beyond the bytes that were read.
 */
#include "storage/lodge-image.h"

#include "lodge-error.h"
#include "storage/lodge-qemu-img.h"

#include <string.h>

#define SECTOR      512
#define ENTRY       128
#define ENTRIES_AT  (2 * SECTOR)
#define MAX_ENTRIES 128
#define READ_BYTES  17408 /* up to the end of the entries */
G_STATIC_ASSERT (READ_BYTES == ENTRIES_AT + MAX_ENTRIES * ENTRY);

/* In the MBR: 5.2.1, and 5.2.2 for the type of an EFI system partition. */
#define MBR_ENTRIES_AT 446
#define MBR_ENTRY      16
#define MBR_ACTIVE     0x80
#define MBR_TYPE_AT    4
#define MBR_TYPE_EFI   0xef

/* Types of partitions, as their bytes lie on the disk. */
static const guint8 efi_system[] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                    0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
/* Where GRUB's and FreeBSD's programs for a BIOS lie: grub, include/grub/gpt_partition.h; FreeBSD,
 * sys/sys/disk/gpt.h. */
static const guint8 bios_boot[][16] = {
    {0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, 0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46,
     0x49},
    {0x9d, 0x6b, 0xbd, 0x83, 0x41, 0x7f, 0xdc, 0x11, 0xbe, 0x0b, 0x00, 0x15, 0x60, 0xb8, 0x4f,
     0x0f},
};

static gboolean
has_type (const guint8 *disk, const guint8 *type)
{
  for (guint i = 0; i < MAX_ENTRIES; i++) {
    if (memcmp (disk + ENTRIES_AT + i * ENTRY, type, 16) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Also where both would do: BIOS then, which starts what the other starts, and sooner. */
static LodgeImageBoot
find_boot (const guint8 *disk)
{
  gboolean active = FALSE, efi = FALSE;

  if (disk[SECTOR - 2] != 0x55 || disk[SECTOR - 1] != 0xaa)
    return LODGE_IMAGE_BOOT_UNKNOWN;
  if (memcmp (disk + SECTOR, "EFI PART", 8) == 0) {
    for (guint i = 0; i < G_N_ELEMENTS (bios_boot); i++) {
      if (has_type (disk, bios_boot[i]))
        return LODGE_IMAGE_BOOT_BIOS;
    }
    return has_type (disk, efi_system) ? LODGE_IMAGE_BOOT_UEFI : LODGE_IMAGE_BOOT_BIOS;
  }
  for (guint i = 0; i < 4; i++) {
    const guint8 *entry = disk + MBR_ENTRIES_AT + i * MBR_ENTRY;

    active |= entry[0] == MBR_ACTIVE;
    efi |= entry[MBR_TYPE_AT] == MBR_TYPE_EFI;
  }
  return efi && !active ? LODGE_IMAGE_BOOT_UEFI : LODGE_IMAGE_BOOT_BIOS;
}

#define FIRST_PAIR_AT 11

/* Lines of qemu-io's dump: "000001f0:  00 00 ... 55 aa  ......U.". What is not there stays 0. */
static void
read_dump (const char *dump, guint8 *disk)
{
  g_auto (GStrv) lines = g_strsplit (dump, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++) {
    char *bytes;
    guint64 at = g_ascii_strtoull (lines[i], &bytes, 16);

    if (bytes != lines[i] + 8 || *bytes != ':' || at % 16 != 0 || at > READ_BYTES - 16)
      continue;
    for (guint k = 0; k < 16; k++) {
      const char *pair = lines[i] + FIRST_PAIR_AT + 3 * k;

      if (strlen (lines[i]) < FIRST_PAIR_AT + 3 * k + 2 || !g_ascii_isxdigit (pair[0]) ||
          !g_ascii_isxdigit (pair[1]))
        break;
      disk[at + k] =
          (guint8) (g_ascii_xdigit_value (pair[0]) << 4 | g_ascii_xdigit_value (pair[1]));
    }
  }
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autofree guint8 *disk = g_malloc0 (READ_BYTES);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  GError *error = NULL;

  done = lodge_qemu_img_run_finish (result, &error);
  if (done == NULL) {
    g_task_return_error (task, error);
    return;
  }
  /* A disk of a few sectors cannot be read that far, and starts nothing. */
  read_dump (done->output, disk);
  g_task_return_int (task, find_boot (disk));
}

void
lodge_image_find_boot_async (const char *path,
                             const char *format,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (LodgeQemuImg) run = lodge_qemu_img_new ("qemu-io");
  g_autofree char *image = lodge_qemu_img_dup_source (format, path, NULL);

  g_task_set_source_tag (task, lodge_image_find_boot_async);
  g_task_set_check_cancellable (task, FALSE);
  lodge_qemu_img_bind (run, LODGE_COMMAND_BIND_READ_ONLY, path);
  lodge_qemu_img_add (run, "-r", "-c", "read -v 0 " G_STRINGIFY (READ_BYTES), image, NULL);
  lodge_qemu_img_run_async (g_steal_pointer (&run), cancellable, read_cb, task);
}

LodgeImageBoot
lodge_image_find_boot_finish (GAsyncResult *result, GError **error)
{
  gssize boot;

  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_find_boot_async),
                        LODGE_IMAGE_BOOT_UNKNOWN);

  boot = g_task_propagate_int (G_TASK (result), error);
  return boot < 0 ? LODGE_IMAGE_BOOT_UNKNOWN : (LodgeImageBoot) boot;
}
