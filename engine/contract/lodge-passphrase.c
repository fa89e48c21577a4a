/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passphrases of encrypted machines, where they are typed or made up. */
#include "lodge-passphrase.h"

#include <string.h>
#include <sys/random.h>

#define GROUPS  5
#define LETTERS 5

char *
lodge_passphrase_generate (void)
{
  /* Without those that are taken for another: i, l, o, 0, 1. */
  static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
  const guint n_letters = sizeof letters - 1;
  char *text = g_malloc0 (GROUPS * (LETTERS + 1));
  guint n = 0;

  while (n < GROUPS * (LETTERS + 1) - 1) {
    guint8 byte;

    if (n % (LETTERS + 1) == LETTERS) {
      text[n++] = '-';
      continue;
    }
    if (getrandom (&byte, 1, 0) != 1)
      continue;
    /* Each of them is as likely as the others. */
    if (byte < 256 / n_letters * n_letters)
      text[n++] = letters[byte % n_letters];
  }
  return text;
}

void
lodge_passphrase_free (char *passphrase)
{
  if (passphrase == NULL)
    return;
  explicit_bzero (passphrase, strlen (passphrase));
  g_free (passphrase);
}

GVariant *
lodge_passphrase_to_variant (const char *passphrase)
{
  char *copy = g_strdup (passphrase);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, copy, strlen (copy), TRUE,
                                  (GDestroyNotify) lodge_passphrase_free, copy);
}
