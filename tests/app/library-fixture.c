/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See library-fixture.h. */
#include "library-fixture.h"

#include <glib/gstdio.h>

void
library_fixture_set_up (LibraryFixture *f, gconstpointer data)
{
  g_autofree char *program = NULL;

  f->engine = fake_engine_new (NULL);
  f->folder = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  program = app_make_recorder (f->folder, &f->record);
  f->connection = lodge_connection_new ();
  f->machines = lodge_machine_list_new (f->connection);
  f->launcher = lodge_console_launcher_new (program);
  f->window = LODGE_LIBRARY_WINDOW (
      lodge_library_window_new (NULL, f->connection, f->machines, f->launcher));
}

void
library_fixture_tear_down (LibraryFixture *f, gconstpointer data)
{
  g_autofree char *program = g_build_filename (f->folder, "recorder", NULL);

  app_destroy_window (f->window);
  app_assert_dies (f->launcher);
  app_assert_dies (f->machines);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
  g_unlink (program);
  g_unlink (f->record);
  g_rmdir (f->folder);
  g_free (f->folder);
  g_free (f->record);
}

void
library_fixture_show (LibraryFixture *f)
{
  gtk_window_present (GTK_WINDOW (f->window));
  lodge_connection_open (f->connection);
  app_wait_until (lodge_machine_list_get_loaded (f->machines));
}

void
library_fixture_act (LibraryFixture *f, const char *action, const char *uuid)
{
  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (f->window), action, "s", uuid));
}

guint
library_fixture_count_windows (GType type, gpointer *out_first)
{
  GListModel *windows = gtk_window_get_toplevels ();
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    if (!g_type_is_a (G_OBJECT_TYPE (window), type))
      continue;
    if (out_first != NULL && n == 0)
      *out_first = window;
    n++;
  }
  return n;
}

gpointer
library_fixture_find_window (GType type)
{
  gpointer window = NULL;

  library_fixture_count_windows (type, &window);
  return window;
}

guint
library_fixture_count_entries (GMenuModel *menu, const char *action)
{
  guint n = 0;

  for (int s = 0; s < g_menu_model_get_n_items (menu); s++) {
    g_autoptr (GMenuModel) section = g_menu_model_get_item_link (menu, s, G_MENU_LINK_SECTION);

    for (int i = 0; i < g_menu_model_get_n_items (section); i++) {
      g_autofree char *name = NULL;
      g_menu_model_get_item_attribute (section, i, G_MENU_ATTRIBUTE_ACTION, "s", &name);
      n += g_strcmp0 (name, action) == 0;
    }
  }

  return n;
}
