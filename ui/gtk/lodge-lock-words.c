/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a window says that a machine is encrypted, and whether it is locked. */
#include "gtk/lodge-lock-words.h"

#include <glib/gi18n-lib.h>

static gboolean
is_locked (const char *encryption)
{
  return g_strcmp0 (encryption, "locked") == 0;
}

const char *
lodge_lock_words_get (const char *encryption)
{
  return is_locked (encryption) ? _ ("encrypted and locked") : _ ("encrypted, unlocked now");
}

void
lodge_lock_words_show (GtkImage *image, const char *encryption)
{
  const gboolean there = encryption != NULL && *encryption != '\0';
  const char *words;

  gtk_widget_set_visible (GTK_WIDGET (image), there);
  if (!there)
    return;
  gtk_image_set_from_icon_name (image, is_locked (encryption) ? "changes-prevent-symbolic"
                                                              : "changes-allow-symbolic");
  words = is_locked (encryption) ? _ ("Encrypted and locked") : _ ("Encrypted, unlocked now");
  gtk_widget_set_tooltip_text (GTK_WIDGET (image), words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (image), GTK_ACCESSIBLE_PROPERTY_LABEL, words, -1);
}
