/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tells a medium from another in the same drive. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_host_medium_dup_ids:
 * @fd: a disk, a partition or an image of one, for reading
 *
 * A card reader and a drive have one serial number, whatever is in them. What is on the medium has
 * its own: the partition table's, the file system's. May wait for the disk: for threads.
 *
 * Returns: (transfer full): "gpt=...,ext=..." in a fixed order; "blank" where nothing is known
 */
char *lodge_host_medium_dup_ids (int fd);

G_END_DECLS
