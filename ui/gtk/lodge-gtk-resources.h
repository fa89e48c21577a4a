/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The .ui files, style and icons that are linked into the program. */
#pragma once

/* Before the first window; again has no effect. (A static library's own constructor for them is
 * dropped by the linker unless something names it.) */
void lodge_gtk_resources_register (void);
