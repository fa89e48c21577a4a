/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What machine.ini says of a machine that has become encrypted, or is not any more: everything that
 * is written anew has a name of its own, and nothing else changes. Nothing here touches a file.
 */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

/**
 * lodge_description_check_encrypt:
 *
 * Whether all of it is Lodge's own: what is not would stay as it is, in clear.
 *
 * Errors: %LODGE_ERROR_INVALID with the file named.
 */
gboolean lodge_description_check_encrypt (const LodgeDescription *self, GError **error);

/**
 * lodge_description_set_encrypted:
 * @suffix: for the names of layers and states; such as no file has
 * @ids: the id of each snapshot, to the one that it will have (utf8)
 *
 * For what is stored with a snapshot, too, with the same @suffix and @ids.
 */
void lodge_description_set_encrypted (LodgeDescription *self,
                                      gboolean encrypted,
                                      const char *suffix,
                                      GHashTable *ids);

G_END_DECLS
