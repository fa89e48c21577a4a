/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One of a machine's consoles of text, from the client's side: the connection to its socket, what
 * comes and goes through it, and a log of what comes.
 *
 * What comes is a hostile guest's. It is handed on in pieces that leave time for a window to be
 * drawn and for keys to be heard between them, however much there is.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_TERMINAL_STREAM (lodge_terminal_stream_get_type ())
G_DECLARE_FINAL_TYPE (LodgeTerminalStream, lodge_terminal_stream, LODGE, TERMINAL_STREAM, GObject)

/* Properties (read-only)
 *   "connected" (gboolean)
 *   "log" (GFile): what it is logged to now, or NULL
 * Signals
 *   "received" (GBytes *)
 *   "log-ended" (const GError *): by itself
 */

LodgeTerminalStream *lodge_terminal_stream_new (void);

/* @path: %NULL or "" while there is nothing to connect to. A connection that exists and leads there
 * already stays; one that breaks is made again, after pauses that grow. */
void lodge_terminal_stream_set_socket (LodgeTerminalStream *self, const char *path);
gboolean lodge_terminal_stream_get_connected (LodgeTerminalStream *self);

/* FALSE: it was not taken, because there is no connection, or because the guest does not read and
 * too much waits for it already. */
gboolean lodge_terminal_stream_write (LodgeTerminalStream *self, const char *text, gsize length);

/* Writes what comes from now on to @file, as plain text (lodge-plain-text.h); what is there is
 * replaced. It ends by itself at %LODGE_PLAIN_TEXT_LOG_LIMIT_BYTES. Instead of a log that there is.
 * Errors: those of GIO. */
void lodge_terminal_stream_start_log_async (LodgeTerminalStream *self,
                                            GFile *file,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);
gboolean lodge_terminal_stream_start_log_finish (LodgeTerminalStream *self,
                                                 GAsyncResult *result,
                                                 GError **error);
void lodge_terminal_stream_stop_log (LodgeTerminalStream *self);
/* Lent, or %NULL. */
GFile *lodge_terminal_stream_get_log (LodgeTerminalStream *self);
/* For tests. */
void lodge_terminal_stream_set_log_limit (LodgeTerminalStream *self, guint64 limit_bytes);

/* Ends everything. What is logged is still written. */
void lodge_terminal_stream_close (LodgeTerminalStream *self);

G_END_DECLS
