/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has the lock of a machine whose sockets are gone: its QEMU, if anybody of ours.
 *
 * Never: takes a process for the holder because it has the file open. What is found here may be
 * killed, so it must have the lock itself, and be a QEMU or the bubblewrap around one.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Whether @pid has the flock on @lock_path and is QEMU or bubblewrap. Only of an own process can
 * that be known. */
gboolean lodge_lock_holder_check (const char *lock_path, GPid pid);

/* Looks through all processes, in a thread. */
void lodge_lock_holder_find_async (const char *lock_path,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
/* Returns: QEMU's pid, or bubblewrap's where QEMU itself has not been reached yet; 0 for nobody,
 * and then @out_ending (nullable): a process has it that is ending, of whatever program */
GPid lodge_lock_holder_find_finish (GAsyncResult *result, gboolean *out_ending);

G_END_DECLS
