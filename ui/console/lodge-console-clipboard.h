/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's side of a shared clipboard, over the agent in the guest (spice-vdagent).
 *
 * It speaks of contents by their media type. Nothing crosses before somebody pastes: each side says
 * what it has, and is asked for one of those when it is needed.
 *
 * Never: reads the host's clipboard itself, or hands out anything that was not offered with
 * lodge_console_clipboard_offer(). The primary selection, which follows every word that is marked,
 * is not shared: what the guest says of it is ignored, and what it asks is answered with nothing.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CONSOLE_CLIPBOARD (lodge_console_clipboard_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeConsoleClipboard, lodge_console_clipboard, LODGE, CONSOLE_CLIPBOARD, GObject)

/* All text is this. */
#define LODGE_CLIPBOARD_TEXT "text/plain;charset=utf-8"
#define LODGE_CLIPBOARD_PNG  "image/png"

/* The most that passes at once, either way. Of what a guest says is more nothing is read. */
#define LODGE_CLIPBOARD_SIZE_MAX (64 * 1024 * 1024)

typedef enum {
  LODGE_CLIPBOARD_NO_WAY = 0,
  LODGE_CLIPBOARD_WAY_TO_GUEST = 1 << 0,
  LODGE_CLIPBOARD_WAY_TO_HOST = 1 << 1,
} LodgeClipboardWays;

/* Properties
 *   "agent" (boolean, read): the guest has an agent, whatever that shares
 *   "available" (boolean, read): the guest has an agent that shares its clipboard
 * Signals
 *   "offered" (): the guest has something new, or nothing any more
 *   "wanted" (uint id, const char *type): the guest asks for what was offered to it; answer with
 *     lodge_console_clipboard_answer(). One that nobody answers gets nothing after the time limit
 */
LodgeConsoleClipboard *lodge_console_clipboard_new (void);

gboolean lodge_console_clipboard_get_agent (LodgeConsoleClipboard *self);
gboolean lodge_console_clipboard_get_available (LodgeConsoleClipboard *self);

/* Which ways are open; none at first. A way that closes takes back what was offered through it. */
void lodge_console_clipboard_set_ways (LodgeConsoleClipboard *self, LodgeClipboardWays ways);
LodgeClipboardWays lodge_console_clipboard_get_ways (LodgeConsoleClipboard *self);

/* --- From the guest --- */

/* What the guest has: media types, best first, NULL-terminated and empty when there is nothing.
 * Lent until "offered". */
const char *const *lodge_console_clipboard_get_offer (LodgeConsoleClipboard *self);

/**
 * lodge_console_clipboard_read_async:
 * @type: one of those in the offer
 *
 * Asks the guest. Text comes as valid UTF-8 with line feeds and without a NUL.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND when the guest has it no longer, %LODGE_ERROR_TIMEOUT when it does
 * not answer in time, %LODGE_ERROR_INVALID for what is too large or is no text,
 * %G_IO_ERROR_CANCELLED.
 */
void lodge_console_clipboard_read_async (LodgeConsoleClipboard *self,
                                         const char *type,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
/* Returns: (transfer full) */
GBytes *lodge_console_clipboard_read_finish (LodgeConsoleClipboard *self,
                                             GAsyncResult *result,
                                             GError **error);

/* --- To the guest --- */

/* @types: those of LODGE_CLIPBOARD_TEXT and LODGE_CLIPBOARD_PNG that the host has, NULL-terminated;
 * NULL or empty takes the last offer back. */
void lodge_console_clipboard_offer (LodgeConsoleClipboard *self, const char *const *types);
/* Whether the guest may ask now. It may not any more once it has something of its own. */
gboolean lodge_console_clipboard_is_offering (LodgeConsoleClipboard *self);
/**
 * lodge_console_clipboard_answer:
 * @id: from "wanted"; one that was answered already does nothing
 * @data: (nullable): %NULL when there is nothing after all
 *
 * Text is valid UTF-8, with line feeds.
 *
 * Errors: %LODGE_ERROR_INVALID for data that is too large or is no text. The guest is answered in
 * any case.
 */
gboolean lodge_console_clipboard_answer (LodgeConsoleClipboard *self,
                                         guint id,
                                         GBytes *data,
                                         GError **error);

/* How long either side may take to answer the other; 15 s at first. For tests. */
void lodge_console_clipboard_set_time_limit (LodgeConsoleClipboard *self, guint limit_ms);

G_END_DECLS
