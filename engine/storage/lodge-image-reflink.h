/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of files that share their blocks until one of the two is written to (ioctl_ficlone(2)):
 * where the file system can do that (Btrfs, XFS), a copy takes no time and no room. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The file of a layer that is to become one of its own: @target, which is there and empty, becomes
 * what @source is if @format is "qcow2" and the disk in it has @size_bytes. Never follows a link in
 * the last part of a path. FALSE: not here, and @target is empty. Nobody writes to @source. */
gboolean lodge_image_reflink_layer (const char *source,
                                    const char *format,
                                    guint64 size_bytes,
                                    const char *target);

/* Whether that could be done: @target stays empty. */
gboolean lodge_image_reflink_probe (const char *source, const char *target);

G_END_DECLS
