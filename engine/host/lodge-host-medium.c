/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tells a medium from another in the same drive.
 *
 * Only what is made with the partition table or the file system, and stays: whoever writes files to
 * a card does not make another of it. The places are those of the UEFI specification (5.2, 5.3), of
 * fatgen103, of Microsoft's exFAT specification, and of Linux's ext4.h, xfs_format.h, btrfs_tree.h;
 * of LUKS's on-disk formats 1 and 2; and of ECMA-119 (8.4).
 */
#include "host/lodge-host-medium.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HEAD_BYTES (68 * 1024)

typedef struct {
  const char *name;
  gsize magic_at;
  const char *magic;
  gsize magic_length;
  gsize at;
  gsize length;
} Place;

static const Place places[] = {
    {"mbr", 510, "\x55\xaa", 2, 440, 4},
    {"gpt", 512, "EFI PART", 8, 568, 16},
    {"gpt4k", 4096, "EFI PART", 8, 4152, 16},
    {"fat", 38, "\x29", 1, 39, 4},
    {"fat32", 66, "\x29", 1, 67, 4},
    {"ntfs", 3, "NTFS    ", 8, 72, 8},
    {"exfat", 3, "EXFAT   ", 8, 100, 4},
    {"ext", 1080, "\x53\xef", 2, 1128, 16},
    {"xfs", 0, "XFSB", 4, 32, 16},
    {"btrfs", 65600, "_BHRfS_M", 8, 65568, 16},
    {"luks", 0, "LUKS\xba\xbe", 6, 168, 36},
    {"iso", 32769, "CD001", 5, 33581, 17},
};

/* Less at its end. */
static gsize
read_head (int fd, guint8 *head)
{
  gsize length = 0;

  while (length < HEAD_BYTES) {
    ssize_t n = pread (fd, head + length, HEAD_BYTES - length, (off_t) length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    length += (gsize) n;
  }
  return length;
}

char *
lodge_host_medium_dup_ids (int fd)
{
  g_autofree guint8 *head = g_malloc0 (HEAD_BYTES);
  const gsize length = read_head (fd, head);
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    const Place *place = &places[i];

    if (MAX (place->at + place->length, place->magic_at + place->magic_length) > length ||
        memcmp (head + place->magic_at, place->magic, place->magic_length) != 0)
      continue;
    g_string_append_printf (ids, "%s%s=", ids->len > 0 ? "," : "", place->name);
    for (gsize j = 0; j < place->length; j++)
      g_string_append_printf (ids, "%02x", head[place->at + j]);
  }
  if (ids->len == 0)
    g_string_append (ids, "blank");
  return g_string_free (ids, FALSE);
}
