/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer: a machine of Lodge's, or a foreign server, in a window. */
#pragma once

#include "sdl/lodge-viewer-options.h"

G_BEGIN_DECLS

/* Runs until the window is closed. Writes what went wrong before there was one to standard error.
 * Returns: the program's exit code. */
int lodge_viewer_run (const LodgeViewerOptions *options);

G_END_DECLS
