/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windows about one machine are made of, so that they look alike. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* A list of rows in a frame, of which none is selected. */
GtkListBox *lodge_boxed_list_new (void);

/* A line that says what is in the way, hidden as yet. @out_label: (transfer none): its words */
GtkWidget *lodge_hint_new (GtkLabel **out_label);

G_END_DECLS
