/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See storage-fixture.h. */
#include "storage-fixture.h"

LodgeStorageWindow *
storage_find_window (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    if (LODGE_IS_STORAGE_WINDOW (window) && gtk_widget_get_visible (window))
      return LODGE_STORAGE_WINDOW (window);
  }
  return NULL;
}

void
storage_open_window (StorageFixture *test)
{
  gtk_widget_activate_action (GTK_WIDGET (test->console), "console.storage", NULL);
  test->window = storage_find_window ();
  g_assert_nonnull (test->window);
  g_object_add_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
}

gboolean
storage_can_add (StorageFixture *test)
{
  return gtk_widget_is_sensitive (test->window->add_button);
}

void
storage_set_up_closed (StorageFixture *test, gconstpointer data)
{
  test->engine = fake_engine_new (NULL);
  test->uuid = fake_engine_add_machine (test->engine, "web", "off");
  app_open_console (&test->connection, &test->console, test->uuid);
}

void
storage_set_up (StorageFixture *test, gconstpointer data)
{
  storage_set_up_closed (test, data);
  storage_open_window (test);
  app_wait_until (storage_can_add (test));
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
}

void
storage_tear_down (StorageFixture *test, gconstpointer data)
{
  if (test->console != NULL)
    gtk_window_destroy (GTK_WINDOW (test->console));
  app_wait_until (test->console == NULL && test->window == NULL);
  app_assert_dies (test->connection);
  fake_engine_free (test->engine);
}

gboolean
storage_is_busy (StorageFixture *test)
{
  return test->window->work != NULL && lodge_work_panel_is_shown (test->window->work_panel);
}

guint
storage_count_rows (GtkListBox *list)
{
  guint n = 0;

  while (gtk_list_box_get_row_at_index (list, (int) n) != NULL)
    n++;
  return n;
}

gboolean
storage_is_focused (StorageFixture *test, const char *title)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (test->window));
  GtkWidget *row = focus != NULL ? gtk_widget_get_ancestor (focus, ADW_TYPE_ACTION_ROW) : NULL;

  return row != NULL &&
         g_str_equal (adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row)), title);
}
