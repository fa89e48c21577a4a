/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine on the wire: a real socket, the real client, real folders; no guest. */
#include "lodge-error.h"
#include "lodge-paths.h"
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"
#include "service-fixture.h"
#include "service/lodge-service-job.h"
#include "test-wait.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
test_socket_is_private (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *socket = lodge_paths_dup_engine_socket ();
  g_autofree char *folder = g_path_get_dirname (socket);
  g_autoptr (GError) error = NULL;
  GStatBuf info;

  g_assert_cmpint (g_lstat (socket, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0700 & info.st_mode);
  g_assert_cmpint (info.st_mode & 077, ==, 0);
  g_assert_cmpint (g_lstat (folder, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0700);

  g_assert_cmpint (lodge_service_lock (&error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
}

static void
test_anonymous_is_refused (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *socket = lodge_paths_dup_engine_socket ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (socket);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) read = NULL;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  const char hello[] = "\0AUTH ANONYMOUS\r\n";
  char answer[64] = {0};

  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (address), NULL, test_wait_result_cb,
                                 &result);
  test_wait_until (result != NULL);
  connection = g_socket_client_connect_finish (client, result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_output_stream_write (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                                          hello, sizeof hello - 1, NULL, &error),
                   ==, sizeof hello - 1);
  g_input_stream_read_async (g_io_stream_get_input_stream (G_IO_STREAM (connection)), answer,
                             sizeof answer - 1, G_PRIORITY_DEFAULT, NULL, test_wait_result_cb,
                             &read);
  test_wait_until (read != NULL);
  g_assert_cmpstr (answer, ==, "REJECTED EXTERNAL\r\n");
}

static void
test_list_and_open (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = service_fixture_create (fixture, "web");
  g_autoptr (GVariant) list = NULL;
  g_autoptr (GVariant) row = NULL;
  g_autoptr (GVariant) by_name = NULL;
  g_autoptr (GVariant) by_uuid = NULL;
  g_autoptr (GVariant) missing = NULL;
  g_autofree char *state = NULL;
  g_autoptr (GError) error = NULL;
  const char *row_uuid;
  const char *row_name;
  const char *row_state;
  const char *found;

  list = service_fixture_call_engine (fixture, "ListMachines", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (list), ==, "(a(sssssuutsb))");
  row = g_variant_get_child_value (list, 0);
  g_assert_cmpuint (g_variant_n_children (row), ==, 1);
  g_variant_get_child (row, 0, "(&s&s&sssuutsb)", &row_uuid, &row_name, &row_state, NULL, NULL,
                       NULL, NULL, NULL, NULL, NULL);
  g_assert_cmpstr (row_uuid, ==, uuid);
  g_assert_cmpstr (row_name, ==, "web");
  g_assert_cmpstr (row_state, ==, "off");

  by_name =
      service_fixture_call_engine (fixture, "OpenMachine", g_variant_new ("(s)", "web"), &error);
  g_assert_no_error (error);
  by_uuid =
      service_fixture_call_engine (fixture, "OpenMachine", g_variant_new ("(s)", uuid), &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_equal (by_name, by_uuid));
  g_variant_get (by_name, "(&o)", &found);
  state = service_fixture_dup_property (fixture, found, "org.lodgevm.Machine1", "State");
  g_assert_cmpstr (state, ==, "off");

  missing =
      service_fixture_call_engine (fixture, "OpenMachine", g_variant_new ("(s)", "nobody"), &error);
  g_assert_null (missing);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
}

static void
changed_cb (LodgeEngine1 *engine, GVariant *row, GPtrArray *names)
{
  const char *name;

  g_variant_get_child (row, 1, "&s", &name);
  g_ptr_array_add (names, g_strdup (name));
}

static void
removed_cb (LodgeEngine1 *engine, const char *uuid, GPtrArray *names)
{
  g_ptr_array_add (names, g_strconcat ("removed ", uuid, NULL));
}

static void
test_set_delete_and_signals (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = service_fixture_create (fixture, "web");
  g_autofree char *removed = g_strconcat ("removed ", uuid, NULL);
  g_autoptr (LodgeClient) other = service_fixture_connect ();
  g_autoptr (GPtrArray) told = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GVariant) opened = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;
  const char *path;

  g_signal_connect (lodge_client_get_engine (other), "machine-changed", G_CALLBACK (changed_cb),
                    told);
  g_signal_connect (lodge_client_get_engine (other), "machine-removed", G_CALLBACK (removed_cb),
                    told);
  opened =
      service_fixture_call_engine (fixture, "OpenMachine", g_variant_new ("(s)", uuid), &error);
  g_variant_get (opened, "(&o)", &path);

  /* All or nothing. */
  answer = service_fixture_call (
      fixture, path, "org.lodgevm.Machine1", "Set",
      g_variant_new_parsed ("({'machine.memory': '1G', 'machine.cpus': 'many'},)"), &error);
  g_assert_null (answer);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  answer = service_fixture_call (
      fixture, path, "org.lodgevm.Machine1", "Set",
      g_variant_new_parsed ("({'machine.name': 'shop', 'machine.memory': '1G'},)"), &error);
  g_assert_no_error (error);
  test_wait_until (g_ptr_array_find_with_equal_func (told, "shop", g_str_equal, NULL));
  g_assert_cmpuint (
      lodge_machine_get_description (lodge_library_find (fixture->library, "shop", NULL))
          ->memory_mib,
      ==, 1024);

  g_clear_pointer (&answer, g_variant_unref);
  answer = service_fixture_call (fixture, path, "org.lodgevm.Machine1", "Delete", NULL, &error);
  g_assert_no_error (error);
  test_wait_until (g_ptr_array_find_with_equal_func (told, removed, g_str_equal, NULL));
  g_assert_cmpuint (lodge_library_get_machines (fixture->library)->len, ==, 0);
}

static void
job_state_cb (GDBusProxy *proxy, GVariant *changed, const char *const *gone, GPtrArray *told)
{
  if (g_strcmp0 (lodge_job1_get_state (LODGE_JOB1 (proxy)), "failed") == 0)
    g_ptr_array_add (told, g_strdup ("failed"));
}

/* What a machine has become before its job failed is told before that. */
static void
test_job_ends_last (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = service_fixture_create (fixture, "web");
  LodgeMachine *machine = lodge_library_find (fixture->library, uuid, NULL);
  LodgeJob *job = lodge_library_add_job (fixture->library, lodge_job_new ("snapshot", uuid));
  GDBusProxy *engine = G_DBUS_PROXY (lodge_client_get_engine (fixture->client));
  g_autoptr (GPtrArray) told = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (LodgeJob1) proxy = NULL;
  g_autoptr (GError) error = NULL;

  lodge_job1_proxy_new (g_dbus_proxy_get_connection (engine), G_DBUS_PROXY_FLAGS_NONE, NULL,
                        lodge_service_job_get_path (job), NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  proxy = lodge_job1_proxy_new_finish (result, &error);
  g_assert_no_error (error);
  g_signal_connect (engine, "machine-changed", G_CALLBACK (changed_cb), told);
  g_signal_connect (proxy, "g-properties-changed", G_CALLBACK (job_state_cb), told);
  lodge_machine_emit_changed (machine);
  lodge_job_take_error (job, g_error_new_literal (LODGE_ERROR, LODGE_ERROR_FAILED, "No"));
  test_wait_until (told->len == 2);
  g_assert_cmpstr (told->pdata[0], ==, "web");
  g_assert_cmpstr (told->pdata[1], ==, "failed");
  g_signal_handlers_disconnect_by_data (engine, told);
  g_signal_handlers_disconnect_by_data (proxy, told);
}

static void
taken_cb (LodgeMachine1 *machine, const char *by, char **out_by)
{
  g_free (*out_by);
  *out_by = g_strdup (by);
}

static LodgeMachine1 *
open_machine (LodgeClient *client, const char *machine)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeMachine1 *object;

  lodge_client_open_machine_async (client, machine, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  object = lodge_client_open_machine_finish (client, result, &error);
  g_assert_no_error (error);
  return object;
}

static void
claim (LodgeMachine1 *machine, const char *owner)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine1_call_claim_console (machine, owner, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine1_call_claim_console_finish (machine, result, &error);
  g_assert_no_error (error);
}

static void
test_console_has_one_owner (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = service_fixture_create (fixture, "web");
  g_autoptr (LodgeClient) second_client = service_fixture_connect ();
  g_autoptr (LodgeMachine1) first = open_machine (fixture->client, "web");
  g_autoptr (LodgeMachine1) second = open_machine (second_client, uuid);
  g_autofree char *taken_from_first = NULL;
  g_autofree char *taken_from_second = NULL;

  g_signal_connect (first, "console-taken", G_CALLBACK (taken_cb), &taken_from_first);
  g_signal_connect (second, "console-taken", G_CALLBACK (taken_cb), &taken_from_second);
  claim (first, "one");
  test_wait_until (g_strcmp0 (lodge_machine1_get_console_owner (second), "one") == 0);
  claim (second, "two");
  test_wait_until (taken_from_first != NULL);
  g_assert_cmpstr (taken_from_first, ==, "two");
  test_wait_until (g_strcmp0 (lodge_machine1_get_console_owner (first), "two") == 0);
  g_assert_null (taken_from_second);

  /* A console whose process is gone has given it back. */
  g_clear_object (&second);
  g_clear_object (&second_client);
  test_wait_until (g_strcmp0 (lodge_machine1_get_console_owner (first), "") == 0);
}

static void
test_host (ServiceFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer =
      service_fixture_call (fixture, LODGE_CLIENT_HOST_PATH, "org.lodgevm.Host1", "Check",
                            g_variant_new ("(b)", FALSE), &error);
  g_autoptr (GVariant) findings = NULL;
  g_autoptr (GVariant) facts = NULL;
  const char *accelerator;

  g_assert_no_error (error);
  g_variant_get (answer, "(@a(ssss)@a{sv})", &findings, &facts);
  g_assert_cmpuint (g_variant_n_children (findings), >=, 5);
  g_assert_true (g_variant_lookup (facts, "accelerator", "&s", &accelerator));
  g_assert_true (g_str_equal (accelerator, "tcg") || g_str_equal (accelerator, "kvm"));
}

static void
test_socket_comes_back (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *socket = lodge_paths_dup_engine_socket ();
  g_autoptr (LodgeClient) client = NULL;

  g_assert_cmpint (g_unlink (socket), ==, 0);
  test_wait_until (g_file_test (socket, G_FILE_TEST_EXISTS));
  client = service_fixture_connect ();
  g_assert_nonnull (client);
}

static void
quit_cb (LodgeService *service, gboolean *out_quit)
{
  *out_quit = TRUE;
}

static gboolean
ready_cb (GIOChannel *channel, GIOCondition condition, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* The runtime folder went with a logout, and another engine came before this one saw it: that one
 * is the engine now, and its socket stays its own. */
static void
test_another_engine_came (ServiceFixture *fixture, gconstpointer data)
{
  g_autofree char *runtime = lodge_paths_dup_runtime ();
  g_autofree char *away = g_strconcat (runtime, ".gone", NULL);
  g_autofree char *lock_path = g_build_filename (runtime, "engine.lock", NULL);
  g_autofree char *socket = lodge_paths_dup_engine_socket ();
  g_autofree char *contents = NULL;
  gboolean quit = FALSE;
  int lock;

  g_signal_connect (fixture->service, "quit", G_CALLBACK (quit_cb), &quit);
  g_assert_cmpint (g_rename (runtime, away), ==, 0);
  g_assert_cmpint (g_mkdir (runtime, 0700), ==, 0);
  lock = open (lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  g_assert_cmpint (flock (lock, LOCK_EX | LOCK_NB), ==, 0);
  g_assert_true (g_file_set_contents (socket, "another's", -1, NULL));

  test_wait_until (quit);
  g_assert_true (g_file_get_contents (socket, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "another's");
  close (lock);
}

/* A client that stands still does not keep the engine from ending. */
static _Noreturn void
run_deaf_client (void)
{
  g_autoptr (LodgeClient) client =
      lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NO_START, NULL, NULL);

  g_print (client != NULL ? "+" : "-");
  fflush (stdout);
  for (;;)
    pause ();
}

static void
test_quit_with_deaf_client (ServiceFixture *fixture, gconstpointer data)
{
  const char *argv[] = {"/proc/self/exe", "--deaf-client", NULL};
  g_autofree char *uuid = service_fixture_create (fixture, "web");
  LodgeMachine *machine = lodge_library_find (fixture->library, uuid, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GIOChannel) channel = NULL;
  gboolean quit = FALSE;
  gboolean told = FALSE;
  GPid client;
  char byte = 0;
  int out;

  g_signal_connect (fixture->service, "quit", G_CALLBACK (quit_cb), &quit);
  g_spawn_async_with_pipes (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                            &client, NULL, &out, NULL, &error);
  g_assert_no_error (error);
  channel = g_io_channel_unix_new (out);
  g_io_add_watch (channel, G_IO_IN | G_IO_HUP, ready_cb, &told);
  test_wait_until (told);
  g_assert_cmpint (read (out, &byte, 1), ==, 1);
  g_assert_cmpint (byte, ==, '+');
  g_assert_cmpint (kill (client, SIGSTOP), ==, 0);

  /* More than a socket's buffer holds; each turn of the main loop tells of one change. */
  for (guint i = 0; i < 4000; i++) {
    g_signal_emit_by_name (fixture->library, "machine-changed", machine);
    while (g_main_context_iteration (NULL, FALSE)) {
    }
  }
  g_variant_unref (service_fixture_call_engine (fixture, "Quit", NULL, &error));
  g_assert_no_error (error);
  test_wait_until (quit);
  g_assert_cmpint (kill (client, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (client, NULL, 0), ==, client);
  close (out);
}

int
main (int argc, char *argv[])
{
  if (argc == 2 && g_str_equal (argv[1], "--deaf-client"))
    run_deaf_client ();
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  SERVICE_FIXTURE_ADD ("socket-is-private", test_socket_is_private);
  SERVICE_FIXTURE_ADD ("anonymous-is-refused", test_anonymous_is_refused);
  SERVICE_FIXTURE_ADD ("list-and-open", test_list_and_open);
  SERVICE_FIXTURE_ADD ("set-delete-and-signals", test_set_delete_and_signals);
  SERVICE_FIXTURE_ADD ("job-ends-last", test_job_ends_last);
  SERVICE_FIXTURE_ADD ("console-has-one-owner", test_console_has_one_owner);
  SERVICE_FIXTURE_ADD ("host", test_host);
  SERVICE_FIXTURE_ADD ("socket-comes-back", test_socket_comes_back);
  SERVICE_FIXTURE_ADD ("quit-with-deaf-client", test_quit_with_deaf_client);
  SERVICE_FIXTURE_ADD ("another-engine-came", test_another_engine_came);
  return g_test_run ();
}
