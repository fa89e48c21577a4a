/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image that a machine is to be made from: what it is, and which OS is on it. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_SOURCE_DISC, /* for the drive: an installer's */
  LODGE_SOURCE_DISK, /* to become the machine's first disk */
} LodgeSourceKind;

/**
 * lodge_source_media_look_async:
 * @path: what somebody chose; anything
 *
 * Decides by what is in the file, whatever its name: the volume of a CD or DVD (ISO 9660 or UDF) is
 * a disc, with a boot record or without, since a CD of drivers has none. An image of another
 * format, or one that begins with a boot sector, is a disk. Everything else would leave a machine
 * that starts nothing, and is refused with what it is.
 *
 * Errors: those of lodge_media_detect_async() and lodge_image_magic_find(), %LODGE_ERROR_INVALID.
 */
void lodge_source_media_look_async (const char *path,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* Returns: (transfer full): the OS's short id, "" when unknown; with @out_kind %NULL a disk is
 * refused as well, with how a machine is made from it */
char *
lodge_source_media_look_finish (GAsyncResult *result, LodgeSourceKind *out_kind, GError **error);

G_END_DECLS
