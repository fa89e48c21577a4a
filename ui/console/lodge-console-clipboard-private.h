/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a shared clipboard share: who has what, and what is on its way. */
#pragma once

#include "console/lodge-console-clipboard.h"

#include <spice-client.h>
#include <spice/vd_agent.h>

G_BEGIN_DECLS

/* The types that both sides know have a row each; a set of them is one bit for each row. */
#define LODGE_CLIPBOARD_N_TYPES  5
#define LODGE_CLIPBOARD_TEXT_ROW 0
#define LODGE_CLIPBOARD_NO_ROW   G_MAXUINT

typedef struct {
  guint32 number; /* VD_AGENT_CLIPBOARD_... */
  const char *type;
} LodgeClipboardType;

/* Best first. */
extern const LodgeClipboardType lodge_clipboard_types[LODGE_CLIPBOARD_N_TYPES];

/* The only one that is shared. */
#define LODGE_CLIPBOARD_SELECTION VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD

/* What one offer may cost in all: the answers of a guest that does not read them pile up here. */
#define LODGE_CLIPBOARD_ANSWERED_MAX (8ull * LODGE_CLIPBOARD_SIZE_MAX)

struct _LodgeConsoleClipboard {
  GObject parent_instance;

  SpiceMainChannel *main;
  gboolean agent;
  gboolean available;
  LodgeClipboardWays ways;
  guint limit_ms;

  /* from the guest */
  guint guest_rows; /* a bit for each type it has */
  guint offer_id;   /* raised with each change of them */
  const char *offer[LODGE_CLIPBOARD_N_TYPES + 1];
  guint release_timer;
  GPtrArray *reads; /* who waits */
  guint asked_row;  /* of the question on its way */
  guint asked_offer_id;
  guint asked_timer;

  /* to the guest */
  guint host_rows;    /* offered to it */
  guint refused_rows; /* of those, what turned out to be nothing that may pass */
  GPtrArray *wanted;  /* questions that wait */
  guint last_id;
  guint64 answered_bytes;
};

/* lodge-console-clipboard.c: LODGE_CLIPBOARD_NO_ROW for what is not known */
guint lodge_clipboard_find_number (guint32 number);
guint lodge_clipboard_find_type (const char *type);
/* "\r\n" where @from says so to "\n", and the other way round. @size: without a NUL. */
GBytes *
lodge_clipboard_replace_line_ends (const char *text, gsize size, const char *from, const char *to);
/* LODGE_ERROR_INVALID when it is not to pass. */
gboolean lodge_clipboard_check_size (gsize size, GError **error);
gboolean lodge_clipboard_check_text (const char *text, gsize size, GError **error);
gboolean lodge_console_clipboard_agent_can (LodgeConsoleClipboard *self, guint capability);
/* The library logs a critical error for what is sent without an agent, and "available" follows only
 * when the main loop comes round. */
gboolean lodge_console_clipboard_may_send (LodgeConsoleClipboard *self);

/* lodge-console-clipboard-from-guest.c */
void lodge_console_clipboard_init_from_guest (LodgeConsoleClipboard *self);
/* To the channel that there is. */
void lodge_console_clipboard_connect_from_guest (LodgeConsoleClipboard *self);
/* @rows: what the guest has now. Who waits for what it had is told. */
void lodge_console_clipboard_update_guest (LodgeConsoleClipboard *self, guint rows);
/* The question on its way is forgotten. */
void lodge_console_clipboard_end_question (LodgeConsoleClipboard *self);

/* lodge-console-clipboard-to-guest.c */
void lodge_console_clipboard_init_to_guest (LodgeConsoleClipboard *self);
/* To the channel that there is. */
void lodge_console_clipboard_connect_to_guest (LodgeConsoleClipboard *self);
/* Tells the guest what is offered to it. */
void lodge_console_clipboard_send_grab (LodgeConsoleClipboard *self);
/* Nothing is offered any more; who waits gets nothing. */
void lodge_console_clipboard_drop_host (LodgeConsoleClipboard *self);

G_END_DECLS
