/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of this computer that a description names.
 *
 * Found by the kinds of keys, so that one that is added to the table is among them.
 */
#include "description/lodge-description-outside.h"

#include "description/lodge-description-keys.h"

#include <string.h>

/* @name: "layer.disk0-l0.file" */
static const LodgeKey *
find_key (const char *name)
{
  const char *end = strchr (name, '.');
  const char *last = strrchr (name, '.');
  LodgeSectionKind kind = end != NULL ? lodge_section_find (name, end - name) : LODGE_N_SECTIONS;

  return kind < LODGE_N_SECTIONS ? lodge_key_find (kind, last + 1) : NULL;
}

GPtrArray *
lodge_description_list_outside (const LodgeDescription *self)
{
  g_autoptr (GPtrArray) all = lodge_description_list (self);
  GPtrArray *outside = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i + 1 < all->len; i += 2) {
    const char *name = all->pdata[i];
    const LodgeKey *key = find_key (name);

    if (key == NULL || !g_path_is_absolute (all->pdata[i + 1]) ||
        (key->type != LODGE_KEY_HOST_FILE && key->type != LODGE_KEY_ANY_FILE) ||
        key->section == LODGE_SECTION_SHARING)
      continue;
    g_ptr_array_add (outside, g_strdup (name));
    g_ptr_array_add (outside, g_strdup (all->pdata[i + 1]));
  }
  return outside;
}
