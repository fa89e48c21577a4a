/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keys of a keyboard: QEMU's names for them (QKeyCode in QEMU's qapi/ui.json), Linux's codes,
 * and what stands on them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const char *name; /* QKeyCode */
  guint evdev;      /* KEY_... of Linux */
  const char
      *label; /* untranslated, with the context "key"; NULL: the name with a capital letter */
} LodgeKeyRow;

/* Of two names for one key the better one stands first. */
extern const LodgeKeyRow lodge_key_table[];
extern const guint lodge_key_table_length;

/* NULL for no such key. */
const LodgeKeyRow *lodge_key_table_find_name (const char *name);

G_END_DECLS
