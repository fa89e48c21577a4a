/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image in the making: a hidden file beside its place, which gets its name when it is whole. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *path;
  char *hidden; /* to write to; there and empty */
  gboolean replaces;
} LodgeImageTarget;

/* %LODGE_ERROR_EXISTS, %LODGE_ERROR_NOT_FOUND (no folder), %LODGE_ERROR_DENIED,
 * %LODGE_ERROR_STORAGE. */
LodgeImageTarget *lodge_image_target_begin (const char *path, GError **error);

/* The same with a hidden file of that name, from lodge_image_target_dup_apart(). @replaces: a plain
 * file may be in the place, and stays until this is whole. */
LodgeImageTarget *lodge_image_target_begin_as (const char *path,
                                               const char *hidden,
                                               gboolean replaces,
                                               GError **error);

/* What the hidden file of @path is called: always the same, where only one is made at a time.
 * Transfer full. */
char *lodge_image_target_dup_hidden (const char *path);
/* Another each time, for places where several may be made at once. Transfer full. */
char *lodge_image_target_dup_apart (const char *path);

/* How many bytes may be written beside @path by what can wait: less than the disk has free, for the
 * sake of others. */
guint64 lodge_image_target_get_room (const char *path);

/* Names it, durably, never over anything that has come there. Blocks until the disk has it: call it
 * in a thread. */
gboolean lodge_image_target_commit (LodgeImageTarget *self, GError **error);

/* Removes what was not committed. */
void lodge_image_target_free (LodgeImageTarget *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeImageTarget, lodge_image_target_free)

G_END_DECLS
