/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library's process: one per user session, one window. */
#include "gtk/lodge-application.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-file-choice.h"
#include "gtk/lodge-gtk-resources.h"
#include "gtk/lodge-host-window.h"
#include "gtk/lodge-message.h"
#include "lodge-config.h"

#include <glib/gi18n-lib.h>

struct _LodgeApplication {
  AdwApplication parent_instance;

  LodgeConnection *connection;
  LodgeMachineList *machines;
  LodgeConsoleLauncher *launcher;
  GtkWindow *library; /* weak */
  GtkWindow *host;    /* weak */
};

G_DEFINE_FINAL_TYPE (LodgeApplication, lodge_application, ADW_TYPE_APPLICATION)

static LodgeLibraryWindow *
ensure_library (LodgeApplication *self)
{
  if (self->library == NULL) {
    GtkWidget *window = lodge_library_window_new (GTK_APPLICATION (self), self->connection,
                                                  self->machines, self->launcher);
    g_set_weak_pointer (&self->library, GTK_WINDOW (window));
  }
  gtk_window_present (self->library);
  return LODGE_LIBRARY_WINDOW (self->library);
}

static void
lodge_application_activate (GApplication *application)
{
  ensure_library (LODGE_APPLICATION (application));
}

static void
lodge_application_open (GApplication *application, GFile **files, int n_files, const char *hint)
{
  LodgeLibraryWindow *library = ensure_library (LODGE_APPLICATION (application));
  g_autoptr (GError) error = NULL;
  g_autofree char *path = lodge_file_choice_dup_path (files[0], &error);

  if (path != NULL)
    lodge_library_window_create (library, path);
  else
    lodge_message_show_error (GTK_WINDOW (library), _ ("Could Not Use the Image"), error);
}

static void
host_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  LodgeApplication *self = user_data;

  if (self->host == NULL) {
    GtkWidget *window = lodge_host_window_new (self->connection);

    g_set_weak_pointer (&self->host, GTK_WINDOW (window));
    gtk_window_set_application (self->host, GTK_APPLICATION (self));
    lodge_child_window_attach (self->host, self->library);
  }
  gtk_window_present (self->host);
}

static void
about_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  LodgeApplication *self = user_data;

  adw_show_about_window (self->library, "application-name", _ ("Lodge"), "application-icon",
                         LODGE_APPLICATION_ID, "version", LODGE_VERSION, "developer-name",
                         _ ("The Lodge developers"), "license-type", GTK_LICENSE_GPL_3_0,
                         "comments", _ ("Other operating systems, as guests in windows."),
                         /* Translators: your name, one translator a line. */
                         "translator-credits", _ ("translator-credits"), NULL);
}

/* Made when it is asked for: as the overlay that GtkApplication finds by itself it would be made
 * before the window is shown. */
static void
shortcuts_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  LodgeApplication *self = user_data;
  g_autoptr (GtkBuilder) builder =
      gtk_builder_new_from_resource ("/org/lodgevm/Lodge/help-overlay.ui");
  GtkWindow *window = GTK_WINDOW (gtk_builder_get_object (builder, "help_overlay"));

  gtk_window_set_transient_for (window, self->library);
  gtk_window_present (window);
}

static void
quit_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  /* Each window may have something to say to that, as on its own close button. */
  GList *windows = g_list_copy_deep (gtk_application_get_windows (user_data),
                                     (GCopyFunc) (GCallback) g_object_ref, NULL);

  /* One may take others with it. */
  for (GList *link = windows; link != NULL; link = link->next)
    gtk_window_close (link->data);
  g_list_free_full (windows, g_object_unref);
}

static const GActionEntry actions[] = {
    {.name = "host", .activate = host_action},
    {.name = "about", .activate = about_action},
    {.name = "shortcuts", .activate = shortcuts_action},
    {.name = "quit", .activate = quit_action},
};

static void
lodge_application_startup (GApplication *application)
{
  static const char *const quit_keys[] = {"<Control>q", NULL};
  static const char *const close_keys[] = {"<Control>w", NULL};
  static const char *const shortcuts_keys[] = {"<Control>question", NULL};
  LodgeApplication *self = LODGE_APPLICATION (application);

  lodge_gtk_resources_register ();
  G_APPLICATION_CLASS (lodge_application_parent_class)->startup (application);

  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  gtk_application_set_accels_for_action (GTK_APPLICATION (self), "app.quit", quit_keys);
  gtk_application_set_accels_for_action (GTK_APPLICATION (self), "window.close", close_keys);
  gtk_application_set_accels_for_action (GTK_APPLICATION (self), "app.shortcuts", shortcuts_keys);
  gtk_window_set_default_icon_name (LODGE_APPLICATION_ID);

  self->connection = lodge_connection_new ();
  self->machines = lodge_machine_list_new (self->connection);
  self->launcher = lodge_console_launcher_new (NULL);
  lodge_connection_open (self->connection);
}

static void
lodge_application_dispose (GObject *object)
{
  LodgeApplication *self = LODGE_APPLICATION (object);

  g_clear_weak_pointer (&self->library);
  g_clear_weak_pointer (&self->host);
  g_clear_object (&self->machines);
  g_clear_object (&self->connection);
  g_clear_object (&self->launcher);

  G_OBJECT_CLASS (lodge_application_parent_class)->dispose (object);
}

static void
lodge_application_class_init (LodgeApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_application_dispose;
  application_class->startup = lodge_application_startup;
  application_class->activate = lodge_application_activate;
  application_class->open = lodge_application_open;
}

static void
lodge_application_init (LodgeApplication *self)
{
}

LodgeApplication *
lodge_application_new (void)
{
  return g_object_new (LODGE_TYPE_APPLICATION, "application-id", LODGE_APPLICATION_ID,
                       "resource-base-path", "/org/lodgevm/Lodge", "flags",
                       G_APPLICATION_HANDLES_OPEN, NULL);
}
