/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes as people write them: "4G", "512M". */
#include "lodge-size.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* The letter at index n stands for 1024 to the power n + 1. */
static const char letters[] = "KMGT";

gboolean
lodge_size_parse (const char *text, guint64 *out_bytes, GError **error)
{
  const char *rest = text;
  const char *letter = NULL;
  guint64 number = 0;
  guint shift = 0;
  gboolean digits = FALSE;
  gboolean fits = TRUE;

  for (; g_ascii_isdigit (*rest); rest++) {
    digits = TRUE;
    fits = fits && g_uint64_checked_mul (&number, number, 10) &&
           g_uint64_checked_add (&number, number, (guint64) (*rest - '0'));
  }

  if (*rest != '\0')
    letter = strchr (letters, g_ascii_toupper (*rest));
  if (letter != NULL) {
    shift = 10 * (guint) (letter - letters + 1);
    rest++;
    if (g_ascii_strcasecmp (rest, "iB") == 0)
      rest += 2;
  }

  if (!digits || *rest != '\0') {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("“%s” is not a size: write a whole number with K, M, G or T behind it, such "
                    "as 512M or 4G"),
                 text);
    return FALSE;
  }
  if (!fits || number > (G_MAXUINT64 >> shift)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("The size “%s” is too large"), text);
    return FALSE;
  }

  *out_bytes = number << shift;
  return TRUE;
}

char *
lodge_size_format (guint64 bytes)
{
  for (guint i = sizeof letters - 1; i > 0; i--) {
    guint shift = 10 * i;

    if (bytes != 0 && (bytes & ((G_GUINT64_CONSTANT (1) << shift) - 1)) == 0)
      return g_strdup_printf ("%" G_GUINT64_FORMAT "%c", bytes >> shift, letters[i - 1]);
  }
  return g_strdup_printf ("%" G_GUINT64_FORMAT, bytes);
}
