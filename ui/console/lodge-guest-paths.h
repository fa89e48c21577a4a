/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths of files in a guest, one on each line: as somebody types them, and as what copies files in
 * a guest offers them as text. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* More is a folder's contents selected by mistake. */
#define LODGE_GUEST_PATHS_MAX 200

/* Returns: (transfer full): each once, in their order, without what is around them: quotes, as
 * Windows copies a path; and "file://" with what is escaped behind it. What is no path is there as
 * it is, for whoever is asked for that file to say so. */
char **lodge_guest_paths_parse (const char *text);

/**
 * lodge_guest_paths_dup_offered:
 * @text: (nullable): UTF-8, of the guest's clipboard
 *
 * Returns: (transfer full) (nullable): the paths, one on each line, when @text is nothing else than
 * whole paths or URIs of files, at most %LODGE_GUEST_PATHS_MAX, which show as what they are; %NULL
 * for any other text
 */
char *lodge_guest_paths_dup_offered (const char *text);

G_END_DECLS
