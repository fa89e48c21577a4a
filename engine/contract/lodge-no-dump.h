/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program that has had a passphrase or a key in its memory leaves none of it on the disk when it
 * crashes. Called first thing in main(). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_no_dump_files:
 *
 * No core file is written, of this program and what it starts. For programs with windows: desktop
 * portals find out who asks them by /proc/PID/root, which lodge_no_dump() would close to them.
 */
void lodge_no_dump_files (void);

/**
 * lodge_no_dump:
 *
 * Also the kernel hands its memory to nobody: to no handler of crashes, which is given it whatever
 * the limit is, and to no debugger or other program of the same user. What is started from here is
 * free of that again.
 */
void lodge_no_dump (void);

G_END_DECLS
