/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The volume descriptors of an ISO 9660 image, by ECMA-119 section 8. */
#include "iso-image.h"

#include <string.h>

#define SECTOR 2048

static void
put_text (guchar *at, gsize length, const char *text)
{
  memset (at, ' ', length);
  if (text != NULL)
    memcpy (at, text, MIN (strlen (text), length));
}

/* 7.3.3 and 7.2.3: little endian, then big endian. */
static void
put_both_32 (guchar *at, guint32 number)
{
  for (guint i = 0; i < 4; i++)
    at[i] = at[7 - i] = number >> (8 * i) & 0xff;
}

static void
put_both_16 (guchar *at, guint16 number)
{
  at[0] = at[3] = number & 0xff;
  at[1] = at[2] = number >> 8;
}

GByteArray *
iso_image_build (const IsoImage *image)
{
  GByteArray *bytes = g_byte_array_new ();
  guchar *primary, *boot, *end;
  guint32 sectors = image->sectors != 0 ? image->sectors : ISO_IMAGE_SECTORS;

  g_byte_array_set_size (bytes, ISO_IMAGE_SECTORS * SECTOR);
  memset (bytes->data, 0, bytes->len);

  primary = bytes->data + 16 * SECTOR;
  primary[0] = 1;
  memcpy (primary + 1, "CD001\1", 6);
  put_text (primary + 8, 32, image->system_id);
  put_text (primary + 40, 32, image->volume_id);
  put_both_32 (primary + 80, sectors);
  put_both_16 (primary + 120, 1);
  put_both_16 (primary + 124, 1);
  put_both_16 (primary + 128, SECTOR);
  /* The root folder's record (9.1): in sector 20, empty. */
  primary[156] = 34;
  put_both_32 (primary + 158, 20);
  put_both_32 (primary + 166, SECTOR);
  primary[181] = 2;
  put_both_16 (primary + 184, 1);
  primary[188] = 1;
  put_text (primary + 190, 128, NULL);
  put_text (primary + 318, 128, image->publisher_id);
  put_text (primary + 446, 128, NULL);
  put_text (primary + 574, 128, image->application_id);
  primary[881] = 1;

  boot = bytes->data + 17 * SECTOR;
  memcpy (boot + 1, "CD001\1", 6);
  memcpy (boot + 7, "EL TORITO SPECIFICATION", 23);

  end = bytes->data + 18 * SECTOR;
  end[0] = 255;
  memcpy (end + 1, "CD001\1", 6);
  return bytes;
}

void
iso_image_write (const IsoImage *image, const char *path)
{
  g_autoptr (GByteArray) bytes = iso_image_build (image);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, (const char *) bytes->data, bytes->len, &error);
  g_assert_no_error (error);
}
