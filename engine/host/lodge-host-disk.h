/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk or partition of this computer that a guest is to have as a whole: which one it is, and
 * whether this computer has any use for it now.
 *
 * What a guest writes there destroys what this computer has there. So one is named only by a path
 * that stays with it, is told from another under the same name by its serial number, place and
 * size, and by what is on it where the medium can be changed, and is opened exclusively: as long as
 * it is open the kernel mounts it for nobody.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct {
  char *path;     /* as it was named */
  char *name;     /* the kernel's: "sdb1" */
  char *identity; /* never ""; where the medium can be changed, "#" and what tells that is behind */
  char *label;    /* for people: what it is, and how large */
  guint64 size_bytes;
  guint64 sequence; /* another one whenever the medium was changed; 0: not known, or it cannot be */
} LodgeHostDisk;

void lodge_host_disk_free (LodgeHostDisk *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeHostDisk, lodge_host_disk_free)

/**
 * lodge_host_disk_look:
 * @path: below /dev/disk/by-id or /dev/disk/by-partuuid
 *
 * May wait for a disk that sleeps: for threads.
 *
 * Errors: %LODGE_ERROR_INVALID (another path, no disk, nothing that tells it from another),
 * %LODGE_ERROR_NOT_FOUND.
 */
LodgeHostDisk *lodge_host_disk_look (const char *path, GError **error);

/* All that could be named, each once: path, label, what is in the way or "", ... For threads.
 * Transfer full. @held: as lodge_host_disk_find_holder() takes it. */
GPtrArray *lodge_host_disk_list (GHashTable *held);

/* @held: (element-type utf8 utf8): by the path of a disk or partition who has it. Lent; %NULL: none
 * of them has that one, the disk that it is a part of, or a part of it. @name: the kernel's */
const char *lodge_host_disk_find_holder (const char *name, GHashTable *held);

/* What this computer does with it or a part of it, as a whole sentence: mounted, swapped to, used
 * by LVM, dm-crypt or a RAID. @name: the kernel's. %LODGE_ERROR_BUSY. */
gboolean lodge_host_disk_check_free (const char *name, GError **error);

/* Whether they differ in no more than what is in the drive. */
gboolean lodge_host_disk_is_same_drive (const char *identity, const char *other);

/* What tells that disk from another, but for its medium; "" for nothing. Transfer full. */
char *lodge_host_disk_dup_identity (const char *name);

/**
 * lodge_host_disk_open:
 * @identity: what it has to be; @size_bytes: what it has to have
 *
 * Returns: a descriptor, close-on-exec, that keeps others from mounting it; -1 with
 *   %LODGE_ERROR_BUSY, %LODGE_ERROR_DENIED (with what to do), %LODGE_ERROR_STATE (it is another),
 *   and those of lodge_host_disk_look()
 */
int lodge_host_disk_open (
    const char *path, const char *identity, guint64 size_bytes, gboolean writable, GError **error);

G_END_DECLS
