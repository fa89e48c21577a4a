/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See snapshots-fixture.h. */
#include "snapshots-fixture.h"

#include "gtk/lodge-snapshot-card.h"

LodgeSnapshotsWindow *
snapshots_find_window (SnapshotsFixture *test)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    if (LODGE_IS_SNAPSHOTS_WINDOW (window) && gtk_widget_get_visible (window))
      return LODGE_SNAPSHOTS_WINDOW (window);
  }
  return NULL;
}

void
snapshots_open_window (SnapshotsFixture *test)
{
  g_assert_null (test->window);
  if (test->console == NULL)
    app_open_console (&test->connection, &test->console, test->uuid);
  gtk_widget_activate_action (GTK_WIDGET (test->console), "console.snapshots", NULL);
  test->window = snapshots_find_window (test);
  g_assert_nonnull (test->window);
  g_object_add_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
}

gboolean
snapshots_is_page (SnapshotsFixture *test, const char *page)
{
  return g_str_equal (gtk_stack_get_visible_child_name (test->window->pages), page);
}

void
snapshots_set_up (SnapshotsFixture *test, gconstpointer data)
{
  test->engine = fake_engine_new (NULL);
  test->uuid = fake_engine_add_machine (test->engine, "web", "off");
}

void
snapshots_set_up_open (SnapshotsFixture *test, gconstpointer data)
{
  snapshots_set_up (test, data);
  snapshots_open_window (test);
  app_wait_until (snapshots_is_page (test, "list"));
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
}

void
snapshots_tear_down (SnapshotsFixture *test, gconstpointer data)
{
  if (test->console != NULL)
    gtk_window_destroy (GTK_WINDOW (test->console));
  app_wait_until (test->console == NULL && test->window == NULL);
  app_assert_dies (test->connection);
  fake_engine_free (test->engine);
}

/* The row with that name; NULL while it is not shown. */
GtkWidget *
snapshots_find_card (SnapshotsFixture *test, const char *name)
{
  GtkLabel *label = app_find_label (test->window->list, name);

  return label != NULL ? gtk_widget_get_ancestor (GTK_WIDGET (label), LODGE_TYPE_SNAPSHOT_CARD)
                       : NULL;
}

/* Nothing is on its way, and the machine is off. */
gboolean
snapshots_can_take (SnapshotsFixture *test)
{
  return gtk_widget_is_sensitive (test->window->take_button) &&
         lodge_snapshots_check_allows (test->window);
}

void
snapshots_assert_message (const char *text, gpointer parent)
{
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), text));
  g_assert_true (gtk_window_get_transient_for (GTK_WINDOW (app_get_dialog ())) ==
                 GTK_WINDOW (parent));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

const LodgeSnapshotRow *
snapshots_get_row (SnapshotsFixture *test, guint position)
{
  return g_ptr_array_index (test->window->rows, position);
}
