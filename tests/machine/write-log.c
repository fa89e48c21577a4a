/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See write-log.h. */
#include "write-log.h"

#include <string.h>

#define SECTOR 512
#define MAGIC  G_GUINT64_CONSTANT (0x6a736677736872)

#define FLAG_FLUSH   1
#define FLAG_FUA     2
#define FLAG_DISCARD 4

/* All numbers are little-endian. */
typedef struct {
  guint64 magic;
  guint64 version;
  guint64 n_entries;
  guint32 sector_size;
} Super;

typedef struct {
  guint64 sector;
  guint64 n_sectors;
  guint64 flags;
  guint64 data_bytes;
} Entry;

struct _WriteLog {
  GBytes *image;
  GMappedFile *file;
  GPtrArray *entries; /* of Entry, in the file */
};

static gboolean
has_data (const Entry *entry)
{
  return (entry->flags & (FLAG_FLUSH | FLAG_DISCARD)) == 0;
}

WriteLog *
write_log_new (GBytes *image, const char *path)
{
  WriteLog *self = g_new0 (WriteLog, 1);
  g_autoptr (GError) error = NULL;
  const char *bytes;
  const Super *super;
  gsize length, at = SECTOR;

  G_STATIC_ASSERT (G_BYTE_ORDER == G_LITTLE_ENDIAN);
  self->image = g_bytes_ref (image);
  self->file = g_mapped_file_new (path, FALSE, &error);
  g_assert_no_error (error);
  self->entries = g_ptr_array_new ();
  bytes = g_mapped_file_get_contents (self->file);
  length = g_mapped_file_get_length (self->file);
  if (length == 0)
    return self; /* nobody has written anything */
  g_assert_cmpuint (length, >=, SECTOR);
  super = (const Super *) bytes;
  g_assert_cmpuint (super->magic, ==, MAGIC);
  g_assert_cmpuint (super->sector_size, ==, SECTOR);
  /* The number in the first sector is that of the last flush; there may be more. */
  while (at + SECTOR <= length) {
    const Entry *entry = (const Entry *) (bytes + at);

    at += SECTOR + (has_data (entry) ? entry->n_sectors * SECTOR : 0);
    g_assert_cmpuint (at, <=, length + SECTOR);
    g_ptr_array_add (self->entries, (gpointer) entry);
  }
  g_assert_cmpuint (self->entries->len, >=, super->n_entries);
  return self;
}

void
write_log_free (WriteLog *self)
{
  g_bytes_unref (self->image);
  g_mapped_file_unref (self->file);
  g_ptr_array_unref (self->entries);
  g_free (self);
}

guint
write_log_get_n_entries (WriteLog *self)
{
  return self->entries->len;
}

guint
write_log_count_flushed (const char *path)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, NULL);

  g_assert_nonnull (file);
  if (g_mapped_file_get_length (file) < SECTOR)
    return 0;
  return (guint) ((const Super *) g_mapped_file_get_contents (file))->n_entries;
}

/* Sector for sector, so that any of them can be the last. */
static guint
apply (GByteArray *image, const Entry *entry, WriteLoss loss)
{
  const guint8 *data = (const guint8 *) entry + SECTOR;
  guint n_lost = 0;

  if ((entry->flags & FLAG_FLUSH) != 0)
    return 0;
  if (loss == WRITE_LOSS_ALL)
    return (guint) entry->n_sectors;
  for (guint64 i = 0; i < entry->n_sectors; i++) {
    const gsize at = (entry->sector + i) * SECTOR;

    if (loss == WRITE_LOSS_SOME && g_test_rand_bit ()) {
      n_lost++;
      continue;
    }
    if (at + SECTOR > image->len) {
      const gsize before = image->len;

      g_byte_array_set_size (image, at + SECTOR);
      memset (image->data + before, 0, image->len - before);
    }
    if (has_data (entry))
      memcpy (image->data + at, data + i * SECTOR, SECTOR);
    else
      memset (image->data + at, 0, SECTOR);
  }
  return n_lost;
}

GBytes *
write_log_cut (WriteLog *self, guint n, WriteLoss loss, guint *out_n_lost)
{
  GByteArray *image = g_byte_array_new ();
  guint n_flushed = 0, n_lost = 0;

  g_assert_cmpuint (n, <=, self->entries->len);
  g_byte_array_append (image, g_bytes_get_data (self->image, NULL), g_bytes_get_size (self->image));
  for (guint i = 0; i < n; i++) {
    if ((((const Entry *) self->entries->pdata[i])->flags & FLAG_FLUSH) != 0)
      n_flushed = i + 1;
  }
  for (guint i = 0; i < n; i++)
    n_lost += apply (image, self->entries->pdata[i], i < n_flushed ? WRITE_LOSS_NONE : loss);
  if (out_n_lost != NULL)
    *out_n_lost = n_lost;
  return g_byte_array_free_to_bytes (image);
}
