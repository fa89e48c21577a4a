/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: a row, which says what there is, and what closes it. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* Paths and what the engine says are text: neither is markup, and a long one is wrapped. */
AdwActionRow *lodge_shared_row_new (const char *title);
/* The same for a row of another kind. */
void lodge_shared_row_init (AdwActionRow *row, const char *title);

/* Both at the row's end. */
GtkSwitch *lodge_shared_row_add_switch (AdwActionRow *row);
/* @label: with a mnemonic. @name: (nullable): for a screen reader, where there are several */
GtkWidget *lodge_shared_row_add_button (AdwActionRow *row, const char *label, const char *name);

/* Whether what it says is a warning. */
void lodge_shared_row_set_warns (AdwActionRow *row, gboolean warns);

G_END_DECLS
