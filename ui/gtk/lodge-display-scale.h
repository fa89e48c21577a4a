/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many device pixels there are in a pixel of a window. */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

double lodge_display_get_device_scale (GtkWidget *widget);

G_END_DECLS
