/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a window says of a file that was saved: that it is there, and the way to it. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* For the class of the window: the actions of a toast's buttons, "saved.open" and
 * "saved.show-in-folder" (s: a URI). */
void lodge_saved_toast_install_actions (GtkWidgetClass *widget_class);

/**
 * lodge_saved_toast_say:
 * @toasts: of a window with those actions
 * @last: (inout): the window's own pointer to the last one, weak; that goes when this one comes
 * @can_open: whether a program of the desktop can show it
 */
void lodge_saved_toast_say (
    AdwToastOverlay *toasts, AdwToast **last, const char *words, GFile *file, gboolean can_open);

G_END_DECLS
