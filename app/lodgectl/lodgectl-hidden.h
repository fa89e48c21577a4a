/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line that is typed on a terminal and not shown there. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One line of at most LODGE_PASSPHRASE_MOST bytes, without its end; what is behind it stays for the
 * next one. For lodge_passphrase_free(). %NULL: nothing came. */
char *lodgectl_read_line (int fd);

/**
 * lodgectl_read_hidden:
 * @fd: a terminal
 * @prompt: shown on it
 *
 * The same, with the terminal's echo off. Whatever ends or stops the program meanwhile finds it on
 * again; it is asked anew by one that was stopped and goes on.
 *
 * Returns: as lodgectl_read_line(); %NULL also where it is no terminal
 */
char *lodgectl_read_hidden (int fd, const char *prompt);

G_END_DECLS
