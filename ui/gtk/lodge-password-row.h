/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row for a passphrase. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/**
 * lodge_password_row_new:
 *
 * An AdwPasswordEntryRow that activates its window's default widget, and whose window may end while
 * it has the keyboard: left alone, it tells of that to what is gone already (GTK 4.8, libadwaita
 * 1.2).
 */
GtkWidget *lodge_password_row_new (const char *title);

G_END_DECLS
