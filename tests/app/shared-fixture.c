/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See shared-fixture.h. */
#include "shared-fixture.h"

const char *shared_fixture_host_facts;
guint shared_fixture_check_delay_ms;

static LodgeMachine1 *
get_machine (SharedFixture *self)
{
  return lodge_console_machine_get_machine (lodge_console_window_get_machine (self->window));
}

void
shared_fixture_set_up (SharedFixture *self)
{
  const char *uuid;

  *self = (SharedFixture){.engine = fake_engine_new (NULL)};
  if (shared_fixture_host_facts != NULL)
    fake_engine_set_host (self->engine, g_variant_new_parsed ("@a(ssss) []"),
                          g_variant_new_parsed (shared_fixture_host_facts));
  fake_engine_set_delay (self->engine, "Check", shared_fixture_check_delay_ms);
  uuid = fake_engine_add_machine (self->engine, "web", "off");
  self->connection = lodge_connection_new ();
  lodge_connection_open (self->connection);
  self->window = LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, self->connection, uuid));
  g_object_add_weak_pointer (G_OBJECT (self->window), (gpointer *) &self->window);
  gtk_window_present (GTK_WINDOW (self->window));
  app_wait_until (get_machine (self) != NULL);
  gtk_widget_activate_action (GTK_WIDGET (self->window), "console.shared", NULL);
  self->shared = self->window->shared_window;
  g_assert_nonnull (self->shared);
  g_object_add_weak_pointer (G_OBJECT (self->shared), (gpointer *) &self->shared);
  app_wait_until (app_find_label (self->shared, "Shared Folder") != NULL);
}

void
shared_fixture_tear_down (SharedFixture *self)
{
  gtk_window_destroy (GTK_WINDOW (self->window));
  app_wait_until (self->window == NULL && self->shared == NULL);
  app_assert_dies (self->connection);
  fake_engine_free (self->engine);
}

void
shared_fixture_set_key (SharedFixture *self, const char *key, const char *text)
{
  GVariantBuilder builder;
  g_autoptr (GError) error = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", key, text);
  g_assert_true (lodge_machine1_call_set_sync (get_machine (self), g_variant_builder_end (&builder),
                                               NULL, &error));
  g_assert_no_error (error);
}

gboolean
shared_fixture_has_key (SharedFixture *self, const char *key, const char *text)
{
  g_autofree char *now = fake_engine_dup_key (self->engine, "web", key);

  return g_strcmp0 (now, text) == 0;
}

GtkWidget *
shared_fixture_find_row (SharedFixture *self, const char *title)
{
  GtkLabel *label = app_find_label (self->shared, title);

  return label != NULL ? gtk_widget_get_ancestor (GTK_WIDGET (label), ADW_TYPE_ACTION_ROW) : NULL;
}

const char *
shared_fixture_get_subtitle (SharedFixture *self, const char *title)
{
  GtkWidget *row = shared_fixture_find_row (self, title);

  g_assert_nonnull (row);
  return adw_action_row_get_subtitle (ADW_ACTION_ROW (row));
}

GtkSwitch *
shared_fixture_find_switch (SharedFixture *self, const char *title)
{
  GtkWidget *row = shared_fixture_find_row (self, title);

  g_assert_nonnull (row);
  return app_find (row, GTK_TYPE_SWITCH);
}
