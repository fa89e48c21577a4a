/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a shared clipboard share: who has what, and what is on its way. */
#pragma once

#include "console/lodge-console-clipboard.h"

#include <spice-client.h>

G_BEGIN_DECLS

/* The types that both sides know have a row each; a set of them is one bit for each row. */
#define LODGE_CLIPBOARD_N_TYPES 5

/* What one offer may cost in all: the answers of a guest that does not read them pile up here. */
#define LODGE_CLIPBOARD_ANSWERED_MAX (8ull * LODGE_CLIPBOARD_SIZE_MAX)

struct _LodgeConsoleClipboard {
  GObject parent_instance;

  SpiceMainChannel *main;
  gboolean available;
  LodgeClipboardWays ways;
  guint limit_ms;

  /* from the guest */
  guint guest_rows; /* a bit for each type it has */
  guint offer_id;   /* raised with each change of them */
  const char *offer[LODGE_CLIPBOARD_N_TYPES + 1];
  guint release_timer;
  GPtrArray *reads; /* of Read */
  guint asked_row;  /* of the question on its way */
  guint asked_offer_id;
  guint asked_timer;

  /* to the guest */
  guint host_rows;   /* offered to it */
  GPtrArray *wanted; /* of Wanted */
  guint last_id;
  guint64 answered_bytes;
};

G_END_DECLS
