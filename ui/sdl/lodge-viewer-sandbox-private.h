/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of the viewer's sandbox that is about files. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For this thread, and those that it makes from now on. FALSE: the kernel cannot. */
gboolean lodge_viewer_sandbox_limit_files (void);

G_END_DECLS
