/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting a command inside its containment, so that it outlives the engine.
 *
 * Owns: the namespaces (bubblewrap), resource limits, the systemd scope where a user manager runs,
 * the log file. Never: waits for the program to become ready; that is the caller's protocol.
 */
#pragma once

#include "qemu/lodge-command.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_LAUNCH_CONTAINED = 1 << 0, /* bubblewrap; without it only the program's own measures */
  LODGE_LAUNCH_NETWORK = 1 << 1,   /* keep the host's network (the user network's process) */
  LODGE_LAUNCH_NOT_ROOT = 1 << 2,  /* contained, and under another number where it would be root */
} LodgeLaunchFlags;

/* Called on the main context when the child is gone. @status as from waitpid(), or -1 when it was
 * not our child (found again by another engine). */
typedef void (*LodgeLaunchGone) (GPid pid, int status, gpointer user_data);

/**
 * lodge_launch:
 * @command: stays the caller's; its descriptors may be closed afterwards
 * @flags: containment
 * @unit: name of the systemd scope ("lodge-machine-<uuid>.scope") used where a user manager runs;
 *   elsewhere the child gets a session of its own
 * @log_path: standard output and error go here, cut at 1 MiB at each start
 *
 * Has started the program, or bubblewrap and its namespaces, when it returns; what fails behind
 * that is seen as the end of the process, with its reason in the log. Whoever starts something
 * watches it: that is what reaps it.
 *
 * Returns: the child's pid (of bubblewrap where contained), or -1 with %LODGE_ERROR_HOST (program
 * missing, namespaces refused), %LODGE_ERROR_NOT_FOUND (a file to bind), %LODGE_ERROR_DENIED,
 * %LODGE_ERROR_FAILED
 */
GPid lodge_launch (LodgeCommand *command,
                   LodgeLaunchFlags flags,
                   const char *unit,
                   const char *log_path,
                   GError **error);

/* The last line of a log that says something, at most 400 bytes of valid UTF-8 on one line; NULL
 * when there is none. Transfer full. */
char *lodge_launch_read_last_words (const char *log_path);

/* Watches any process, ours or not, through a pidfd. Returns a source id on the thread-default
 * context, 0 when the process is gone already (@gone is not called then). */
guint lodge_launch_watch (GPid pid, LodgeLaunchGone gone, gpointer user_data);

/* Ends what lodge_launch() started, at once and with all that is inside its containment: a killed
 * bubblewrap alone leaves its program running. The pid is not yet reaped, or was never ours and is
 * known to live. */
void lodge_launch_kill (GPid pid);

G_END_DECLS
