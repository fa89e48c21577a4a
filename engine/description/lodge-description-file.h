/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.ini: reading, and writing over what is there so that comments and unknown keys stay. */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

/* A description together with the text it came from. */
typedef struct _LodgeDescriptionFile LodgeDescriptionFile;

/**
 * lodge_description_file_load:
 * @path: a machine.ini
 *
 * Reads at most 1 MiB of a regular file (never through a link). An older version is upgraded in
 * memory; saving it keeps the old file as machine.ini.v<N>. A newer version loads read-only.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND, %LODGE_ERROR_INVALID (line or key named), %LODGE_ERROR_DENIED,
 * %LODGE_ERROR_STORAGE.
 */
LodgeDescriptionFile *lodge_description_file_load (const char *path, GError **error);

/* The machine's name in a file that cannot be loaded, if that line at least is good; else %NULL.
 * Reads as loading does. Transfer full. */
char *lodge_description_file_peek_name (const char *path);

/* For a machine that has no file yet. Takes @description. */
LodgeDescriptionFile *lodge_description_file_new (const char *path, LodgeDescription *description);
/* For a thread to save, while others go on reading @self. Transfer full. */
LodgeDescriptionFile *lodge_description_file_copy (const LodgeDescriptionFile *self);
void lodge_description_file_free (LodgeDescriptionFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeDescriptionFile, lodge_description_file_free)

/* Lent; replaced by a successful save. */
const LodgeDescription *lodge_description_file_get (LodgeDescriptionFile *self);
/* One sentence when the file may not be written (a newer version), else %NULL. */
const char *lodge_description_file_get_read_only (LodgeDescriptionFile *self);

/**
 * lodge_description_file_save:
 * @description: (transfer none): the new value; checked first
 *
 * Writes what differs from the old value into the text that is on the disk by now, so that what was
 * edited by hand since it was read stays, and is part of the value afterwards.
 *
 * Writes atomically and durably (temp file beside it, fsync, rename, fsync of the folder). On an
 * error the old file and the old value stand; or both are the new ones, which only may not be on
 * the disk itself yet.
 *
 * Errors: those of lodge_description_check(), %LODGE_ERROR_STATE when read-only,
 * %LODGE_ERROR_STORAGE (full disk), %LODGE_ERROR_DENIED.
 */
gboolean lodge_description_file_save (LodgeDescriptionFile *self,
                                      const LodgeDescription *description,
                                      GError **error);

/* Whether the two say the same, to the letter. */
gboolean lodge_description_file_is_same (const LodgeDescriptionFile *self,
                                         const LodgeDescriptionFile *other);
/* The text of a file that says @description and nothing else. Transfer full. */
char *lodge_description_file_dup_text (const LodgeDescription *description, gsize *out_length);
/* Its folder was renamed: @path is where the file is now. */
void lodge_description_file_moved (LodgeDescriptionFile *self, const char *path);

G_END_DECLS
