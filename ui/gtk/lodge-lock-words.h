/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a window says that a machine is encrypted, and whether it is locked. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* @encryption: as Machine1.Encryption, not "". Words for a tooltip or a screen reader; lent. */
const char *lodge_lock_words_get (const char *encryption);

/* A padlock, closed or open, with those words as its tooltip; hidden for "". @encryption:
 * (nullable): as "" */
void lodge_lock_words_show (GtkImage *image, const char *encryption);

G_END_DECLS
