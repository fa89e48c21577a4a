/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one ini grammar of Lodge's files: sections, keys and comments as GKeyFile has them, read from
 * a file that nobody vouches for and written back with all that was not understood still in it.
 *
 * Knows nothing of machines: whoever reads a kind of file says which keys it has.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define LODGE_INI_MOST_BYTES (1024 * 1024)

typedef struct _LodgeIni LodgeIni;

/**
 * lodge_ini_load:
 *
 * Reads a regular file of at most 1 MiB, never through a link.
 *
 * Errors: those of lodge_durable_file_read() and lodge_ini_parse().
 */
LodgeIni *lodge_ini_load (const char *path, GError **error);

/**
 * lodge_ini_parse:
 * @name: what the text is called in messages, such as its path
 *
 * Errors: %LODGE_ERROR_INVALID with the line named: not UTF-8, not a section, key or comment, a
 * section or a key that is there twice.
 */
LodgeIni *lodge_ini_parse (const char *name, const char *text, gsize length, GError **error);
void lodge_ini_free (LodgeIni *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeIni, lodge_ini_free)

/* In the order of the file. Transfer full. */
char **lodge_ini_list_sections (LodgeIni *self);
gboolean lodge_ini_has_section (LodgeIni *self, const char *section);

/* Transfer full; %NULL without an error when the key is not there, with %LODGE_ERROR_INVALID when
 * its value has an escape that means nothing. */
char *lodge_ini_dup_value (LodgeIni *self, const char *section, const char *key, GError **error);

/* Where a key was when the text was read, for messages: "PATH, line 7"; the name alone for one that
 * was not there. Transfer full. */
char *lodge_ini_dup_place (LodgeIni *self, const char *section, const char *key);

/* Makes section and key where they are missing; keeps the comment of one that is there. */
void lodge_ini_set_value (LodgeIni *self, const char *section, const char *key, const char *value);
void lodge_ini_remove_key (LodgeIni *self, const char *section, const char *key);
void lodge_ini_remove_section (LodgeIni *self, const char *section);

/* Puts the sections named into this order, at the places that they have among the others; with
 * their comments and all their keys. Each must be there. */
void lodge_ini_order_sections (LodgeIni *self, const char *const *sections);

/* The whole text. Transfer full. */
char *lodge_ini_dup_text (LodgeIni *self, gsize *out_length);

/* A value as it may stand in a message: on one line, not too long, valid UTF-8. Transfer full. */
char *lodge_ini_dup_quotable (const char *value);

G_END_DECLS
