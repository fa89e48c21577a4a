/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys as people write them ("ctrl+alt+delete", a text) to keys as QEMU names them (QKeyCode in
 * QEMU's qapi/ui.json). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * lodge_key_names_parse:
 * @keys: names joined by "+", in upper or lower case: "ctrl+alt+delete", "super+r", "F12", "ctrl++"
 *
 * The keys to hold down together, in this order. Known are all of QEMU's own names, the usual other
 * ones, what stands on the keys in the user's language, and every character of a US keyboard; one
 * that needs shift brings it along. f13 to f24 are refused by a QEMU older than 8.0.
 *
 * Returns: (transfer full): names of QKeyCode, %NULL-terminated; %LODGE_ERROR_INVALID (the message
 * names the part that is no key, and what was meant where that can be guessed)
 */
char **lodge_key_names_parse (const char *keys, GError **error);

/**
 * lodge_key_names_from_text:
 * @text: printable ASCII, newlines (the return key) and tabs
 *
 * What to press, one after the other, so that a guest with a US layout reads @text: each element is
 * what lodge_key_names_parse() gives, "B" is "shift", "b".
 *
 * Returns: (transfer full) (element-type GStrv): or %NULL with %LODGE_ERROR_INVALID, which names
 * the first character that cannot be typed
 */
GPtrArray *lodge_key_names_from_text (const char *text, GError **error);

/**
 * lodge_key_names_dup_label:
 * @keys: what lodge_key_names_parse() gives
 *
 * Returns: (transfer full): as keyboards have it, for users: "Ctrl+Alt+Page Up"
 */
char *lodge_key_names_dup_label (const char *const *keys);

/**
 * lodge_key_names_are_for_text:
 * @keys: what lodge_key_names_parse() gives
 *
 * Returns: whether they are but what writes, or moves in what is written: "a", "shift+1", "esc".
 * Where they are kept from a guest nobody can write in it any more.
 */
gboolean lodge_key_names_are_for_text (const char *const *keys);

/* A name that lodge_key_names_parse() gives to the Linux code of the key (KEY_A); 0 for no such. */
guint lodge_key_names_get_evdev (const char *key);
/* The other way round; %NULL for a key that has no name. */
const char *lodge_key_names_from_evdev (guint evdev);

G_END_DECLS
