/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Combinations of keys that stay with the host: which is being pressed. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _LodgeHostKeys LodgeHostKeys;

typedef enum {
  LODGE_HOST_KEYS_NONE,
  LODGE_HOST_KEYS_PART, /* all but the last key of one are down, and nothing else */
  LODGE_HOST_KEYS_WHOLE /* one is down, and nothing else */
} LodgeHostKeysState;

/* @combinations: (nullable): as lodge_key_names_parse() takes them; what it refuses is no
 * combination. "ctrl", "shift" and "super" are the key on either side, "alt" is the left one: the
 * right one types characters. */
LodgeHostKeys *lodge_host_keys_new (const char *const *combinations);
void lodge_host_keys_free (LodgeHostKeys *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeHostKeys, lodge_host_keys_free)

/* A key (KEY_A of Linux) that went down or up; TRUE for @pressed may come again while it is held.
 * Returns what is pressed now. */
LodgeHostKeysState lodge_host_keys_feed (LodgeHostKeys *self, guint evdev, gboolean pressed);
/* Nothing is down any more. */
void lodge_host_keys_reset (LodgeHostKeys *self);

/* Whether one of them is a single key. */
gboolean lodge_host_keys_has_single (LodgeHostKeys *self);
/* Whether a key is down that does something in a guest when it is pressed and let go of with
 * nothing between: Super opens a menu, and so does Alt. */
gboolean lodge_host_keys_is_tap (LodgeHostKeys *self);

G_END_DECLS
