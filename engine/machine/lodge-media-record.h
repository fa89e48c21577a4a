/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in the drives of this computer that a machine runs with, for an engine that was not there
 * when it was given them: the file "media" in the machine's folder, from its start until it was
 * looked at what the guest has made of them (lodge-machine-host-disks.c).
 *
 * Worth nothing after a restart of the computer, which counts anew how often a medium was changed.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Media are tables of paths to sequences (guint64, LodgeHostDisk's). */

/* Empty for none that is of this boot. Transfer full. */
GHashTable *lodge_media_record_load (const char *machine_folder);
/* An empty one removes the record. What cannot be written is as if the engine had not known. */
void lodge_media_record_write (const char *machine_folder, GHashTable *media);

/* For such a table. Transfer full. */
GHashTable *lodge_media_new (void);
/* @sequence: 0 takes it out */
void lodge_media_set (GHashTable *media, const char *path, guint64 sequence);

G_END_DECLS
