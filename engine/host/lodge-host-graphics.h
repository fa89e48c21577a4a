/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The graphics card of this computer that a guest's pictures can be drawn with. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_host_find_render_node:
 *
 * A card's render node draws and does nothing else: no screen can be switched with it
 * (Documentation/gpu/drm-uapi.rst, "Render nodes"). Answers at once.
 *
 * Errors: %LODGE_ERROR_HOST where there is none, %LODGE_ERROR_DENIED where none can be opened.
 *
 * Returns: (transfer full): the path of the first that this user may open
 */
char *lodge_host_find_render_node (GError **error);

/* For tests alone: the folder instead of /dev/dri; %NULL is that again. */
void lodge_host_graphics_set_folder_for_tests (const char *folder);

G_END_DECLS
