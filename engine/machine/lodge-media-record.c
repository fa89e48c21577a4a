/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in the drives of this computer that a machine runs with.
 *
 *     [media]
 *     boot=<the kernel's boot id>
 *     disk0=/dev/disk/by-id/...
 *     sequence0=7
 */
#include "machine/lodge-media-record.h"

#include "description/lodge-durable-file.h"
#include "description/lodge-ini.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NAME       "media"
#define SECTION    "media"
#define MOST_BYTES 65536
#define MOST_MEDIA 256
/* random(4). */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

GHashTable *
lodge_media_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
lodge_media_set (GHashTable *media, const char *path, guint64 sequence)
{
  if (sequence != 0)
    g_hash_table_insert (media, g_strdup (path), g_memdup2 (&sequence, sizeof sequence));
  else
    g_hash_table_remove (media, path);
}

static char *
dup_boot_id (void)
{
  g_autofree char *id = NULL;

  if (!g_file_get_contents (BOOT_ID, &id, NULL, NULL))
    return g_strdup ("");
  return g_strdup (g_strstrip (id));
}

GHashTable *
lodge_media_record_load (const char *machine_folder)
{
  g_autofree char *path = g_build_filename (machine_folder, NAME, NULL);
  g_autofree char *now = dup_boot_id ();
  g_autofree char *boot = NULL;
  GHashTable *media = lodge_media_new ();
  gsize length;
  g_autofree char *text = lodge_durable_file_read (path, MOST_BYTES, &length, NULL);
  g_autoptr (LodgeIni) ini = text != NULL ? lodge_ini_parse (path, text, length, NULL) : NULL;

  if (ini == NULL)
    return media;
  boot = lodge_ini_dup_value (ini, SECTION, "boot", NULL);
  if (*now == '\0' || g_strcmp0 (boot, now) != 0)
    return media;
  for (guint i = 0; i < MOST_MEDIA; i++) {
    g_autofree char *disk_key = g_strdup_printf ("disk%u", i);
    g_autofree char *sequence_key = g_strdup_printf ("sequence%u", i);
    g_autofree char *disk = lodge_ini_dup_value (ini, SECTION, disk_key, NULL);
    g_autofree char *sequence = lodge_ini_dup_value (ini, SECTION, sequence_key, NULL);

    if (disk == NULL || sequence == NULL)
      break;
    lodge_media_set (media, disk, g_ascii_strtoull (sequence, NULL, 10));
  }
  return media;
}

void
lodge_media_record_write (const char *machine_folder, GHashTable *media)
{
  static const char head[] =
      "# Lodge's own note of the media in a run; not to be edited.\n[media]\n";
  g_autofree char *path = g_build_filename (machine_folder, NAME, NULL);
  g_autofree char *boot = dup_boot_id ();
  g_autoptr (LodgeIni) ini = lodge_ini_parse (path, head, strlen (head), NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  GHashTableIter iter;
  gpointer disk, sequence;
  guint n = 0;
  gsize length;

  if (g_hash_table_size (media) == 0) {
    if (unlink (path) != 0 && errno != ENOENT)
      g_debug ("%s: %s", path, g_strerror (errno));
    return;
  }
  lodge_ini_set_value (ini, SECTION, "boot", boot);
  g_hash_table_iter_init (&iter, media);
  while (g_hash_table_iter_next (&iter, &disk, &sequence)) {
    g_autofree char *disk_key = g_strdup_printf ("disk%u", n);
    g_autofree char *sequence_key = g_strdup_printf ("sequence%u", n);
    g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, *(const guint64 *) sequence);

    lodge_ini_set_value (ini, SECTION, disk_key, disk);
    lodge_ini_set_value (ini, SECTION, sequence_key, number);
    n++;
  }
  text = lodge_ini_dup_text (ini, &length);
  /* Not synced: it is of no use after a power cut. */
  if (!lodge_durable_file_replace (path, text, length, &error))
    g_debug ("%s", error->message);
}
