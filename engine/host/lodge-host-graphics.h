/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The graphics cards of this computer that a guest's pictures can be drawn with. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_host_list_render_nodes:
 *
 * A card's render node draws and does nothing else: no screen can be switched with it
 * (Documentation/gpu/drm-uapi.rst, "Render nodes"). Answers at once. Whether a card's driver works
 * is not known before somebody draws.
 *
 * Errors: %LODGE_ERROR_HOST where there is none, %LODGE_ERROR_DENIED where none can be opened.
 *
 * Returns: (transfer full) (element-type filename): the paths of those that this user may open, at
 * least one, in the kernel's order
 */
GPtrArray *lodge_host_list_render_nodes (GError **error);

/**
 * lodge_host_find_render_node:
 * @wanted: what somebody says is one, or a link to it
 *
 * Errors: %LODGE_ERROR_HOST where it is none, %LODGE_ERROR_DENIED where it cannot be opened.
 *
 * Returns: (transfer full): its path, without links
 */
char *lodge_host_find_render_node (const char *wanted, GError **error);

/* The kernel's name of its driver, or %NULL. Transfer full. */
char *lodge_host_dup_render_node_driver (const char *node);

/* Whether a console can show what is drawn in 3D: they are of the same build as this. Only tests
 * change it. */
extern gboolean lodge_host_graphics_is_shown;

/* For tests alone: the folder instead of /dev/dri; %NULL is that again. */
void lodge_host_graphics_set_folder_for_tests (const char *folder);

G_END_DECLS
