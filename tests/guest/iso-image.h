/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The smallest file that says it is an installer: the volume descriptors of an ISO 9660 image. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const char *system_id;
  const char *volume_id;
  const char *publisher_id;
  const char *application_id;
  guint32 sectors; /* that the volume says it has; 0: as many as the file has */
} IsoImage;

/* Sectors in the file that iso_image_write() makes. */
#define ISO_IMAGE_SECTORS 32

/* The bytes of the image. Transfer full. */
GByteArray *iso_image_build (const IsoImage *image);
void iso_image_write (const IsoImage *image, const char *path);

G_END_DECLS
