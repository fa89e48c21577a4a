/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tooltips: of a button that opens a menu, and of text from elsewhere. */
#include "gtk/lodge-menu-tooltip.h"

/* Longer words are broken; GTK's tooltips are some 70 wide. */
#define WORD_CHARS 40

void
lodge_menu_tooltip_yield (GtkMenuButton *button)
{
  /* Its own "active" came with GTK 4.10; the button inside has always had one. */
  g_object_bind_property (gtk_widget_get_first_child (GTK_WIDGET (button)), "active", button,
                          "has-tooltip", G_BINDING_INVERT_BOOLEAN);
}

void
lodge_tooltip_set (GtkWidget *widget, const char *text)
{
  g_autoptr (GString) broken = g_string_new (NULL);
  guint n = 0;

  if (text == NULL) {
    gtk_widget_set_tooltip_text (widget, NULL);
    return;
  }
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    const gunichar c = g_utf8_get_char (p);

    n = g_unichar_isspace (c) ? 0 : n + 1;
    g_string_append_unichar (broken, c);
    /* A space without a width, where a line may end. */
    if (n > 0 && n % WORD_CHARS == 0)
      g_string_append_unichar (broken, 0x200b);
  }
  gtk_widget_set_tooltip_text (widget, broken->str);
}
