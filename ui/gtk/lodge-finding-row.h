/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One finding of the host check: level, sentence, and what to do about it. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_FINDING_ROW (lodge_finding_row_get_type ())
G_DECLARE_FINAL_TYPE (LodgeFindingRow, lodge_finding_row, LODGE, FINDING_ROW, GtkListBoxRow)

/* Signal "copied" (): the advice, or the command in it, is on the clipboard. */

/* @level: good, note, warning, problem. @advice: may be "". */
GtkWidget *lodge_finding_row_new (const char *level, const char *sentence, const char *advice);

/* What the copy button copies: the commands in @advice (what stands in quotes, else from "sudo" to
 * the bracket or the end), one a line, or all of it where there is none. (transfer full) */
char *lodge_finding_dup_command (const char *advice);

G_END_DECLS
