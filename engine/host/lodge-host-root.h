/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the host check reads /proc, /sys and the rest from: "/", or a folder laid out like it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* For tests alone, before anything is measured: @root is a folder, %NULL is "/" again. With a root
 * of its own the check also looks for programs there and asks neither the kernel nor the
 * environment. */
void lodge_host_root_set_for_tests (const char *root);
gboolean lodge_host_root_is_for_tests (void);

/* @path is absolute. Transfer full. */
char *lodge_host_root_dup_path (const char *path);

gboolean lodge_host_root_exists (const char *path);

/* Whether /proc/modules or /sys/module has it. @module with '_'. */
gboolean lodge_host_root_has_module (const char *module);

/**
 * lodge_host_root_read:
 *
 * The first 64 KiB of a file, made valid UTF-8, without white space at its ends. Never waits for a
 * FIFO's writer.
 *
 * Returns: (transfer full) (nullable): %NULL when it cannot be read
 */
char *lodge_host_root_read (const char *path);

/* The file's text as a number; @fallback when it is missing or is none. */
gint64 lodge_host_root_read_number (const char *path, gint64 fallback);

/* Number of entries of a folder, 0 when it cannot be read. */
guint lodge_host_root_count (const char *path);

/* The absolute path of a program, %NULL when there is none. Transfer full. */
char *lodge_host_root_find_program (const char *name);

G_END_DECLS
