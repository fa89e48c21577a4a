/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program takes from itself before it reads the first byte of a guest. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Limits, no core, no new privileges, and a list of allowed system calls: no program is started,
 * no file written, no socket made but TCP, UDP and ping. %FALSE, with the reason on standard
 * error, when the kernel refuses. */
gboolean usernet_sandbox_enter (void);

G_END_DECLS
