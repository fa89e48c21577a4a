/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a terminal was sent, as plain text: for a file that somebody prints on a terminal again,
 * which would obey whatever a hostile guest has written. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Where a log ends by itself: it is a guest that fills it. */
#define LODGE_PLAIN_TEXT_LOG_LIMIT_BYTES (256 * 1024 * 1024)

/* Zeroed at first; goes on from piece to piece. */
typedef struct {
  guint state;
  guint length; /* of the sequence that is being left out */
} LodgePlainText;

/* Appends to @out what is text in @data. Lines end with a line feed; colours, cursor movements,
 * titles and other control characters are left out, characters are kept. */
void
lodge_plain_text_filter (LodgePlainText *self, const guint8 *data, gsize length, GByteArray *out);

/* Whether a terminal would obey it, or it turns the reading order round. */
gboolean lodge_plain_text_is_harmful (gunichar character);
/* @text on one line, with every character replaced that a terminal would obey, or that turns the
 * reading order round; for names and paths that come from elsewhere. Transfer full. */
char *lodge_plain_text_dup_line (const char *text);

G_END_DECLS
