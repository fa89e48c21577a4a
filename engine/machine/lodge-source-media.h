/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image that a machine is to be installed from: which OS is on it, and whether it can be one.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * lodge_source_media_look_async:
 * @path: what somebody chose; anything
 *
 * Decides by what is in the file, whatever its name: the volume of a CD or DVD (ISO 9660 or UDF) is
 * taken, with a boot record or without, since a CD of drivers has none. Everything else would leave
 * a machine that starts nothing, and is refused with what it is.
 *
 * Errors: those of lodge_media_detect_async() and lodge_image_magic_find(), %LODGE_ERROR_INVALID.
 */
void lodge_source_media_look_async (const char *path,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* Returns: (transfer full): the OS's short id, "" when unknown */
char *lodge_source_media_look_finish (GAsyncResult *result, GError **error);

G_END_DECLS
