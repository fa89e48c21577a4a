/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libosinfo's catalogue of operating systems, loaded once, asked from any thread.
 *
 * It knows releases up to the day its package was made: a newer release of a known system
 * ("debian12" where Debian 11 is the last one it has) is answered by its nearest older relative,
 * under its own name.
 */
#pragma once

#include "guest/lodge-media.h"

G_BEGIN_DECLS

/* What the catalogue says. Sizes and counts it does not know are 0. */
typedef struct {
  char *os;   /* short id */
  char *name; /* "Debian 12" */
  guint64 memory_bytes;
  guint64 memory_bytes_min;
  guint cpus;
  guint64 disk_bytes;
  gboolean single_cpu; /* its kernel uses one CPU */
  gboolean windows;    /* of the NT family */
  gboolean needs_uefi;
  gboolean virtio_block;
  gboolean virtio_net;
  gboolean virtio_gpu;
  gboolean qxl;
} LodgeOs;

void lodge_os_free (LodgeOs *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeOs, lodge_os_free)

/* Blocking: the first call loads the catalogue. %NULL for an unknown id. Transfer full. */
LodgeOs *lodge_os_catalogue_find (const char *short_id);

/* What the primary volume descriptor of an image says, without padding, valid UTF-8. */
typedef struct {
  char *system_id;
  char *volume_id;
  char *publisher_id;
  char *application_id;
  guint64 size_bytes;
} LodgeVolume;

void lodge_volume_clear (LodgeVolume *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LodgeVolume, lodge_volume_clear)

/**
 * lodge_os_catalogue_identify:
 *
 * Blocking, as above. Touches no file: libosinfo's own reader of images
 * (osinfo_media_create_from_location) runs the default main context in whatever thread it is called
 * from, and never returns for some damaged images.
 *
 * Returns: (transfer full): the short id, "" unknown
 */
char *lodge_os_catalogue_identify (const LodgeVolume *volume);

/* For tests alone, before the first use: another catalogue than the installed one; %NULL is that.
 */
void lodge_os_catalogue_set_folder_for_tests (const char *folder);

G_END_DECLS
