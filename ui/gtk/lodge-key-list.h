/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of combinations of keys that the user keeps: typed or pressed, and taken off again. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_KEY_LIST (lodge_key_list_get_type ())
G_DECLARE_FINAL_TYPE (LodgeKeyList, lodge_key_list, LODGE, KEY_LIST, AdwPreferencesGroup)

/**
 * lodge_key_list_bind:
 * @key: of the settings; each is kept as lodge_key_names_parse() has it, joined by "+"
 * @keeps: whether what is in the list never reaches a guest; then nothing that is for writing can
 *   be added
 */
void lodge_key_list_bind (LodgeKeyList *self, GSettings *settings, const char *key, gboolean keeps);

G_END_DECLS
