/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that are copied into the guest, one after the other, through the agent in it
 * (spice-vdagent). Where they go there, mostly the folder for downloads, is the agent's choice.
 *
 * A list model of LodgeConsoleTransfer: those that wait or run, and those that failed until they
 * are dismissed.
 */
#pragma once

#include "console/lodge-console-transfer.h"

G_BEGIN_DECLS

#define LODGE_TYPE_CONSOLE_FILES (lodge_console_files_get_type ())
G_DECLARE_FINAL_TYPE (LodgeConsoleFiles, lodge_console_files, LODGE, CONSOLE_FILES, GObject)

/* How many may be on their way. More is a folder's contents selected by mistake. */
#define LODGE_CONSOLE_FILES_MAX 200

/* Properties
 *   "available" (boolean, read): the guest has an agent that takes files
 * Signals
 *   "copied" (LodgeConsoleTransfer): one has arrived, and is no longer in the list
 *   "finished": the last one that was not over is, whichever way it ended
 */
LodgeConsoleFiles *lodge_console_files_new (void);

gboolean lodge_console_files_get_available (LodgeConsoleFiles *self);

/* Whether files may be sent; FALSE at first. Those on their way are cancelled when it ends. */
void lodge_console_files_set_enabled (LodgeConsoleFiles *self, gboolean enabled);
gboolean lodge_console_files_get_enabled (LodgeConsoleFiles *self);

/**
 * lodge_console_files_send:
 * @files: (element-type GFile)
 *
 * Puts them at the end of the list. What is no regular file, or cannot be read, becomes a failed
 * transfer there.
 *
 * Errors: none of them is taken: %LODGE_ERROR_DENIED when not enabled, %LODGE_ERROR_STATE without
 * an agent that takes files, %LODGE_ERROR_INVALID for too many.
 */
gboolean lodge_console_files_send (LodgeConsoleFiles *self, GSList *files, GError **error);
/* Takes one that has failed from the list. */
void lodge_console_files_dismiss (LodgeConsoleFiles *self, LodgeConsoleTransfer *transfer);
/* Cancels all, and takes those that have failed from the list. */
void lodge_console_files_clear (LodgeConsoleFiles *self);
/* How many are not over. */
guint lodge_console_files_get_n_unfinished (LodgeConsoleFiles *self);

/* Whether the guest is paused, and so has no time limit; FALSE at first. */
void lodge_console_files_set_paused (LodgeConsoleFiles *self, gboolean paused);
/* How long the guest may stay silent while it is given a file; 60 s at first. For tests. */
void lodge_console_files_set_time_limit (LodgeConsoleFiles *self, guint limit_ms);

G_END_DECLS
