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

static LodgeMachineItem *
find_named (Fixture *f, const char *name)
{
  for (guint i = 0; i < get_n (f); i++) {
    g_autoptr (LodgeMachineItem) item = g_list_model_get_item (G_LIST_MODEL (f->list), i);

    if (g_str_equal (lodge_machine_item_get_name (item), name))
      return item;
  }
  return NULL;
}

/* As another program would. */
static LodgeMachine1 *
open_machine (Fixture *f, const char *machine)
{
  LodgeEngine1 *engine = lodge_client_get_engine (lodge_connection_get_client (f->connection));
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  LodgeMachine1 *opened = NULL;

  if (lodge_engine1_call_open_machine_sync (engine, machine, &path, NULL, &error))
    opened = lodge_machine1_proxy_new_sync (g_dbus_proxy_get_connection (G_DBUS_PROXY (engine)),
                                            G_DBUS_PROXY_FLAGS_NONE, NULL, path, NULL, &error);
  g_assert_no_error (error);
  return opened;
}

static void
begin_clone (Fixture *f, const char *name)
{
  g_autoptr (LodgeMachine1) machine = open_machine (f, "machine-0000");
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine1_call_clone_sync (machine, name, g_variant_new_parsed ("@a{sv} {}"), &path, NULL,
                                  &error);
  g_assert_no_error (error);
}

static double
get_progress (LodgeMachineItem *item)
{
  LodgeJob1 *work = lodge_machine_item_get_work (item);

  return work != NULL ? lodge_job1_get_progress (work) : -2;
}

/* What is being made is there with its job, and what it is made of knows; the machine takes its
 * place. */
static void
test_made (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeMachineItem) item = NULL;

  load (f);
  fake_engine_set_hold_jobs (f->engine, TRUE);
  begin_clone (f, "new");
  app_wait_until (find_named (f, "new") != NULL);
  item = g_object_ref (find_named (f, "new"));
  g_assert_cmpint (lodge_machine_item_get_state (item), ==, LODGE_MACHINE_STATE_MAKING);
  g_assert_true (lodge_machine_item_get_cloned (find_named (f, "machine-0000")));
  app_wait_until (get_progress (item) >= 0.5);
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_OFF);
  g_assert_true (find_named (f, "new") == item);
  app_wait_until (lodge_machine_item_get_work (item) == NULL);
  g_assert_false (lodge_machine_item_get_cloned (find_named (f, "machine-0000")));
  g_assert_cmpuint (get_n (f), ==, 4);
}

/* What comes to nothing goes again; what an engine leaves behind, too, until the next one tells. */
static void
test_not_made (Fixture *f, gconstpointer data)
{
  load (f);
  fake_engine_set_hold_jobs (f->engine, TRUE);
  begin_clone (f, "new");
  app_wait_until (find_named (f, "new") != NULL);
  fake_engine_finish_jobs (f->engine, LODGE_ERROR_STORAGE, "No room");
  app_wait_until (find_named (f, "new") == NULL);
  g_assert_false (lodge_machine_item_get_cloned (find_named (f, "machine-0000")));

  begin_clone (f, "newer");
  app_wait_until (find_named (f, "newer") != NULL);
  fake_engine_drop_clients (f->engine);
  app_wait_until (find_named (f, "newer") == NULL);
  /* It was the connection that ended: the job goes on. */
  app_wait_until (find_named (f, "newer") != NULL);
  lodge_job1_call_cancel (lodge_machine_item_get_work (find_named (f, "newer")), NULL, NULL, NULL);
  app_wait_until (find_named (f, "newer") == NULL);
  g_assert_cmpuint (get_n (f), ==, 3);
}

/* Of a machine that is there: while it goes on, whoever began it, before or after the list came. */
static void
test_work (Fixture *f, gconstpointer data)
{
  const char *uuid = fake_engine_add_machine (f->engine, "web", "running");
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  LodgeMachineItem *item;

  load (f);
  fake_engine_set_hold_jobs (f->engine, TRUE);
  item = lodge_machine_list_find (f->list, uuid);
  machine = open_machine (f, uuid);
  lodge_machine1_call_suspend_sync (machine, &path, NULL, &error);
  g_assert_no_error (error);
  app_wait_until (get_progress (item) >= 0.5);
  g_assert_cmpstr (lodge_job1_get_kind (lodge_machine_item_get_work (item)), ==, "suspend");
  fake_engine_drop_clients (f->engine);
  app_wait_until (lodge_machine_item_get_work (item) == NULL);
  app_wait_until (get_progress (item) >= 0.5);
  fake_engine_finish_jobs (f->engine, 0, NULL);
  app_wait_until (lodge_machine_item_get_work (item) == NULL);
  app_wait_until (lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_SUSPENDED);
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
  ADD ("/machine-list/made", test_made);
  ADD ("/machine-list/not-made", test_not_made);
  ADD ("/machine-list/work", test_work);
#undef ADD
  g_test_add_func ("/machine-list/gone-early", test_gone_early);
  return g_test_run ();
}
