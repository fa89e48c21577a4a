/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much memory a process may take that draws what a guest or a server sends. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For good. What is asked for beyond it fails, which ends the process. */
void lodge_memory_limit (void);

G_END_DECLS
