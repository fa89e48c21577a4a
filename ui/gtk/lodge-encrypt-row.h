/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a new machine is encrypted, and what opens it. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_ENCRYPT_ROW (lodge_encrypt_row_get_type ())
G_DECLARE_FINAL_TYPE (LodgeEncryptRow, lodge_encrypt_row, LODGE, ENCRYPT_ROW, AdwExpanderRow)

/* Signals
 *   "changed" (): whether it is good, or what it asks for
 */

/* Whether it asks for nothing, or for a passphrase that was typed twice. */
gboolean lodge_encrypt_row_is_good (LodgeEncryptRow *self);
/* Adds what it asks for to the keys of Engine1.CreateMachine. */
void lodge_encrypt_row_clear (LodgeEncryptRow *self);
void lodge_encrypt_row_add_to_spec (LodgeEncryptRow *self, GVariantDict *spec);

G_END_DECLS
