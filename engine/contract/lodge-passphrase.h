/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passphrases of encrypted machines, where they are typed or made up. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes of UTF-8. */
#define LODGE_PASSPHRASE_MOST 1024

/* One that nobody guesses and that can be read out on the telephone, "abcde-fgh2k-..." with some
 * 120 bits. To be freed with lodge_passphrase_free(). */
char *lodge_passphrase_generate (void);
/* Wipes it. */
void lodge_passphrase_free (char *passphrase);

/* As Machine1's methods and CreateMachine take it: ay, floating, which is wiped when the last
 * reference goes. */
GVariant *lodge_passphrase_to_variant (const char *passphrase);

G_END_DECLS
