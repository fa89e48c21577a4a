/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's way to what is shared: a menu's item, and a button in the header that is
 * there while the guest can open a folder of this computer. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-shared-window.h"

#include <glib/gi18n-lib.h>

/* What it has asked for may still be on its way, and hold it. */
static void
closed_cb (GtkWidget *window, LodgeConsoleWindow *self)
{
  if (self->shared_window == window)
    self->shared_window = NULL;
}

static void
show_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (widget);

  if (self->shared_window == NULL) {
    self->shared_window = lodge_shared_window_new (GTK_WINDOW (self), self->machine);
    g_signal_connect_object (self->shared_window, "unrealize", G_CALLBACK (closed_cb), self, 0);
  }
  gtk_window_present (GTK_WINDOW (self->shared_window));
}

static void
name_button (LodgeConsoleWindow *self, const char *words)
{
  gtk_widget_set_tooltip_text (self->folder_button, words);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->folder_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, words, -1);
}

void
lodge_console_folder_update (LodgeConsoleWindow *self)
{
  const char *path = lodge_shared_lookup (self->machine, "sharing.folder");
  const gboolean writable =
      g_str_equal (lodge_shared_lookup (self->machine, "sharing.folder-writable"), "true");
  const char *problem = lodge_shared_get_problem (self->machine);

  if (lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_GONE) {
    lodge_console_folder_clear (self);
    gtk_widget_set_visible (self->folder_button, FALSE);
  }
  /* While the engine is away it stays as it was. */
  if (lodge_console_machine_get_machine (self->machine) == NULL)
    return;
  gtk_widget_set_visible (self->folder_button, *path != '\0');
  gtk_button_set_icon_name (GTK_BUTTON (self->folder_button), *problem != '\0'
                                                                  ? "dialog-warning-symbolic"
                                                                  : "folder-publicshare-symbolic");
  if (*problem != '\0') {
    name_button (self, problem);
  } else if (*path != '\0') {
    g_autofree char *words =
        g_strdup_printf (writable ? _ ("The guest can read and change the folder %s")
                                  : _ ("The guest can read the folder %s"),
                         path);

    name_button (self, words);
  }
  if (writable || *problem != '\0')
    gtk_widget_add_css_class (self->folder_button, "warning");
  else
    gtk_widget_remove_css_class (self->folder_button, "warning");
}

void
lodge_console_folder_class_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "console.shared", NULL, show_action);
}

void
lodge_console_folder_init (LodgeConsoleWindow *self)
{
  self->folder_button = gtk_button_new_from_icon_name ("folder-publicshare-symbolic");
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->folder_button), "console.shared");
  gtk_widget_set_visible (self->folder_button, FALSE);
  name_button (self, _ ("No folder is shared"));
  adw_header_bar_pack_end (ADW_HEADER_BAR (self->header), self->folder_button);
}

void
lodge_console_folder_clear (LodgeConsoleWindow *self)
{
  GtkWidget *window = g_steal_pointer (&self->shared_window);

  if (window != NULL)
    gtk_window_destroy (GTK_WINDOW (window));
}
