/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes as people write them: 4G, 512M. */
#include "description/lodge-description.h"

#include "lodge-error.h"
#include "description/lodge-ini.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Each is 1024 times the one before. */
static const char units[] = "KMGTP";

gboolean
lodge_size_parse (const char *text, guint64 *out_bytes, GError **error)
{
  g_autofree char *number = g_strstrip (g_strdup (text));
  gsize length = strlen (number);
  guint shift = 0;
  guint64 value;

  if (length > 0) {
    const char *unit = strchr (units, g_ascii_toupper (number[length - 1]));

    if (unit != NULL) {
      shift = 10 * (1 + (unit - units));
      number[length - 1] = '\0';
    }
  }

  if (!g_ascii_string_to_unsigned (number, 10, 0, G_MAXUINT64 >> shift, &value, NULL)) {
    g_autofree char *shown = lodge_ini_dup_quotable (text);

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("“%s” is not a size: write a whole number with K, M, G or T behind it, such as "
                    "4G or 512M"),
                 shown);
    return FALSE;
  }

  *out_bytes = value << shift;
  return TRUE;
}

char *
lodge_size_format (guint64 bytes)
{
  guint n = 0;

  while (bytes != 0 && bytes % 1024 == 0 && n < strlen (units)) {
    bytes /= 1024;
    n++;
  }
  if (n == 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT, bytes);
  return g_strdup_printf ("%" G_GUINT64_FORMAT "%c", bytes, units[n - 1]);
}
