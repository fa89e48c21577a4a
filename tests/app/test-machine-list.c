/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of machines against an engine that changes, fails, dies and comes back. */
#include "app-fixture.h"

#include "gtk/lodge-machine-list.h"

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeMachineList *list;
} Fixture;

static void
set_up (Fixture *f, gconstpointer n_machines)
{
  f->engine = fake_engine_new (NULL);
  fake_engine_add_many (f->engine, GPOINTER_TO_UINT (n_machines));
  f->connection = lodge_connection_new ();
  f->list = lodge_machine_list_new (f->connection);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  app_assert_dies (f->list);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
}

static guint
get_n (Fixture *f)
{
  return g_list_model_get_n_items (G_LIST_MODEL (f->list));
}

static void
load (Fixture *f)
{
  lodge_connection_open (f->connection);
  app_wait_until (lodge_machine_list_get_loaded (f->list));
}

static void
changed_cb (GListModel *model, guint position, guint removed, guint added, guint *n)
{
  (*n)++;
}

static void
test_load (Fixture *f, gconstpointer data)
{
  guint n_changes = 0;

  g_assert_false (lodge_machine_list_get_loaded (f->list));
  g_assert_cmpuint (get_n (f), ==, 0);
  g_signal_connect (f->list, "items-changed", G_CALLBACK (changed_cb), &n_changes);
  load (f);
  g_assert_cmpuint (get_n (f), ==, 3);
  /* One change for all, not one a machine. */
  g_assert_cmpuint (n_changes, ==, 1);
  /* The compact list is enough: no machine was opened for it. */
  g_assert_true (app_was_called (f->engine, "ListMachines"));
  g_assert_false (app_was_called (f->engine, "OpenMachine"));
}

static void
test_change (Fixture *f, gconstpointer data)
{
  const char *uuid;
  LodgeMachineItem *item;

  load (f);
  uuid = fake_engine_add_machine (f->engine, "web", "off");
  app_wait_until (get_n (f) == 4);
  item = lodge_machine_list_find (f->list, uuid);
  g_assert_nonnull (item);
  fake_engine_set_state (f->engine, uuid, "running");
  app_wait_until (lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_RUNNING);
  g_assert_true (lodge_machine_list_find (f->list, uuid) == item);
  fake_engine_remove_machine (f->engine, "machine-0001");
  app_wait_until (get_n (f) == 3);
  /* Those behind the removed one are still found. */
  g_assert_true (lodge_machine_list_find (f->list, uuid) == item);
  fake_engine_remove_machine (f->engine, "web");
  app_wait_until (get_n (f) == 2);
  g_assert_null (lodge_machine_list_find (f->list, uuid));
}

static void
test_engine_returns (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeMachineItem) kept = NULL;
  g_autofree char *kept_uuid = NULL;
  LodgeClient *first = NULL;

  load (f);
  kept = g_list_model_get_item (G_LIST_MODEL (f->list), 0);
  kept_uuid = g_strdup (lodge_machine_item_get_uuid (kept));
  /* Weak: a new client may well get the old one's address. */
  g_set_weak_pointer (&first, lodge_connection_get_client (f->connection));
  fake_engine_drop_clients (f->engine);
  app_wait_until (lodge_connection_get_problem (f->connection) != NULL);
  /* What was known stays to be seen. */
  g_assert_cmpuint (get_n (f), ==, 3);
  fake_engine_remove_machine (f->engine, "machine-0002");
  fake_engine_add_machine (f->engine, "while-away", "running");
  fake_engine_add_machine (f->engine, "another", "running");
  app_wait_until (lodge_connection_get_client (f->connection) != NULL && get_n (f) == 4);
  g_assert_null (lodge_connection_get_problem (f->connection));
  g_assert_true (lodge_connection_get_client (f->connection) != first);
  g_clear_weak_pointer (&first);
  /* The item of a machine that stayed is the same object. */
  g_assert_true (lodge_machine_list_find (f->list, kept_uuid) == kept);
  /* And the new engine's signals are heard. */
  fake_engine_set_state (f->engine, kept_uuid, "paused");
  app_wait_until (lodge_machine_item_get_state (kept) == LODGE_MACHINE_STATE_PAUSED);
}

static void
test_list_fails (Fixture *f, gconstpointer data)
{
  fake_engine_fail_next (f->engine, "ListMachines", LODGE_ERROR_STORAGE, "The shelf fell.");
  lodge_connection_open (f->connection);
  app_wait_until (lodge_machine_list_get_problem (f->list) != NULL);
  g_assert_cmpstr (lodge_machine_list_get_problem (f->list), ==, "The shelf fell.");
  g_assert_false (lodge_machine_list_get_loaded (f->list));
}

/* A machine that changes while the list is on its way is not shown as it was before. */
static void
test_early_signal (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeMachineItem) item = NULL;

  fake_engine_set_delay (f->engine, "ListMachines", 300);
  lodge_connection_open (f->connection);
  app_wait_until (app_was_called (f->engine, "ListMachines"));
  fake_engine_set_state (f->engine, "machine-0000", "running");
  fake_engine_remove_machine (f->engine, "machine-0001");
  app_wait_until (lodge_machine_list_get_loaded (f->list));
  app_wait_until (get_n (f) == 2);
  item = g_list_model_get_item (G_LIST_MODEL (f->list), 0);
  app_wait_until (lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_RUNNING);
}

/* Objects that go while a connection is being made, or an answer is on its way, go. */
static void
test_gone_early (void)
{
  FakeEngine *engine = fake_engine_new (NULL);
  LodgeConnection *connection = lodge_connection_new ();

  lodge_connection_open (connection);
  app_assert_dies (connection);
  app_settle ();

  fake_engine_set_delay (engine, "ListMachines", 200);
  connection = lodge_connection_new ();
  lodge_connection_open (connection);
  {
    LodgeMachineList *list = lodge_machine_list_new (connection);
    app_wait_until (app_was_called (engine, "ListMachines"));
    app_assert_dies (list);
  }
  app_assert_dies (connection);
  fake_engine_free (engine);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) g_test_add (path, Fixture, GUINT_TO_POINTER (3), set_up, test, tear_down)
  ADD ("/machine-list/load", test_load);
  ADD ("/machine-list/change", test_change);
  ADD ("/machine-list/engine-returns", test_engine_returns);
  ADD ("/machine-list/list-fails", test_list_fails);
  ADD ("/machine-list/early-signal", test_early_signal);
#undef ADD
  g_test_add_func ("/machine-list/gone-early", test_gone_early);
  return g_test_run ();
}
