/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completion scripts in the shells that they are for. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* FALSE, and the test is skipped, without the program. */
gboolean completion_need (const char *program);
/* stdout of a program that must do well and complain of nothing, in @folder, which is all the home
 * that it has; @bin: first in its PATH. Transfer full. */
char *completion_dup_output (const char *folder, const char *bin, const char *const *argv);
/* But for white space at the end. */
void completion_assert_offers (const char *place, const char *offered, const char *expected);

G_END_DECLS
