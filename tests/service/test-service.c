/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine on the wire: a real socket, the real client, real folders; no guest. */
#include "lodge-client.h"
#include "lodge-error.h"
#include "lodge-paths.h"
#include "service/lodge-service.h"
#include "test-wait.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  char *folder;
  int lock;
  LodgeLibrary *library;
  LodgeService *service;
  LodgeClient *client;
} Fixture;

static LodgeClient *
connect_client (void)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeClient *client;

  lodge_client_connect_async (LODGE_CLIENT_FLAGS_NO_START, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  client = lodge_client_connect_finish (result, &error);
  g_assert_no_error (error);
  return client;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *runtime = NULL;
  g_autofree char *store = NULL;
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("lodge-service-XXXXXX", NULL);
  runtime = g_build_filename (fixture->folder, "run", NULL);
  store = g_build_filename (fixture->folder, "data", NULL);
  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);

  fixture->lock = lodge_service_lock (&error);
  g_assert_no_error (error);
  fixture->library = lodge_library_new (store, &error);
  g_assert_no_error (error);
  fixture->service = lodge_service_new (fixture->library, 0, &error);
  g_assert_no_error (error);
  fixture->client = connect_client ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *quoted = g_shell_quote (fixture->folder);
  g_autofree char *command = g_strconcat ("rm -rf ", quoted, NULL);

  g_clear_object (&fixture->client);
  /* A client that is being refused is let go by the main loop. */
  test_wait_unref (fixture->service);
  /* A thread that has just deleted something holds it a moment longer than its answer. */
  test_wait_unref (fixture->library);
  close (fixture->lock);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (fixture->folder);
}

static GVariant *
call (Fixture *fixture,
      const char *path,
      const char *interface,
      const char *method,
      GVariant *arguments,
      GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  GDBusConnection *connection = lodge_client_get_connection (fixture->client);

  g_dbus_connection_call (connection, NULL, path, interface, method, arguments, NULL,
                          G_DBUS_CALL_FLAGS_NONE, TEST_WAIT_S * 1000, NULL, test_wait_result_cb,
                          &result);
  test_wait_until (result != NULL);
  return g_dbus_connection_call_finish (connection, result, error);
}

static GVariant *
call_engine (Fixture *fixture, const char *method, GVariant *arguments, GError **error)
{
  return call (fixture, LODGE_CLIENT_ENGINE_PATH, "org.lodgevm.Engine1", method, arguments, error);
}

static char *
dup_property (Fixture *fixture, const char *path, const char *interface, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = call (fixture, path, "org.freedesktop.DBus.Properties", "Get",
                                      g_variant_new ("(ss)", interface, name), &error);
  g_autoptr (GVariant) value = NULL;

  g_assert_no_error (error);
  g_variant_get (answer, "(v)", &value);
  return g_variant_dup_string (value, NULL);
}

/* Makes a machine without a disk and waits for its job; gives the UUID. */
static char *
create (Fixture *fixture, const char *name)
{
  g_autofree char *spec = g_strdup_printf ("({'name': <'%s'>, 'disk-size': <uint64 0>},)", name);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer =
      call_engine (fixture, "CreateMachine", g_variant_new_parsed (spec), &error);
  const char *job;

  g_assert_no_error (error);
  g_variant_get (answer, "(&o)", &job);
  for (;;) {
    g_autofree char *state = dup_property (fixture, job, "org.lodgevm.Job1", "State");

    if (!g_str_equal (state, "running")) {
      g_assert_cmpstr (state, ==, "done");
      return dup_property (fixture, job, "org.lodgevm.Job1", "Result");
    }
  }
}

static void
test_socket_is_private (Fixture *fixture, gconstpointer data)
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
test_anonymous_is_refused (Fixture *fixture, gconstpointer data)
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
test_list_and_open (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = create (fixture, "web");
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

  list = call_engine (fixture, "ListMachines", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_type_string (list), ==, "(a(sssssuut))");
  row = g_variant_get_child_value (list, 0);
  g_assert_cmpuint (g_variant_n_children (row), ==, 1);
  g_variant_get_child (row, 0, "(&s&s&sssuut)", &row_uuid, &row_name, &row_state, NULL, NULL, NULL,
                       NULL, NULL);
  g_assert_cmpstr (row_uuid, ==, uuid);
  g_assert_cmpstr (row_name, ==, "web");
  g_assert_cmpstr (row_state, ==, "off");

  by_name = call_engine (fixture, "OpenMachine", g_variant_new ("(s)", "web"), &error);
  g_assert_no_error (error);
  by_uuid = call_engine (fixture, "OpenMachine", g_variant_new ("(s)", uuid), &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_equal (by_name, by_uuid));
  g_variant_get (by_name, "(&o)", &found);
  state = dup_property (fixture, found, "org.lodgevm.Machine1", "State");
  g_assert_cmpstr (state, ==, "off");

  missing = call_engine (fixture, "OpenMachine", g_variant_new ("(s)", "nobody"), &error);
  g_assert_null (missing);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
}

static void
test_create_refused (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *spec;
    LodgeError code;
  } cases[] = {
      {"(@a{sv} {},)", LODGE_ERROR_INVALID},
      {"({'name': <'../x'>},)", LODGE_ERROR_INVALID},
      {"({'name': <'a\\nb'>},)", LODGE_ERROR_INVALID},
      {"({'name': <'web'>},)", LODGE_ERROR_EXISTS},
      {"({'name': <'y'>, 'colour': <'red'>},)", LODGE_ERROR_INVALID},
  };
  G_GNUC_UNUSED g_autofree char *uuid = create (fixture, "web");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) answer =
        call_engine (fixture, "CreateMachine", g_variant_new_parsed (cases[i].spec), &error);

    g_assert_null (answer);
    g_assert_error (error, LODGE_ERROR, (int) cases[i].code);
  }
  g_assert_cmpuint (lodge_library_get_machines (fixture->library)->len, ==, 1);
}

/* A job that fails says so, and leaves no folder. */
static void
test_failed_job (Fixture *fixture, gconstpointer data)
{
  g_autofree char *store = g_build_filename (fixture->folder, "data", "machines", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GDir) dir = NULL;
  g_autofree char *state = NULL;
  g_autofree char *name = NULL;
  g_autofree char *message = NULL;
  const char *job;

  answer = call_engine (fixture, "CreateMachine",
                        g_variant_new_parsed ("({'name': <'x'>, 'kernel': <'/nowhere/vmlinuz'>},)"),
                        &error);
  g_assert_no_error (error);
  g_variant_get (answer, "(&o)", &job);
  do {
    g_free (state);
    state = dup_property (fixture, job, "org.lodgevm.Job1", "State");
  } while (g_str_equal (state, "running"));
  g_assert_cmpstr (state, ==, "failed");
  name = dup_property (fixture, job, "org.lodgevm.Job1", "ErrorName");
  message = dup_property (fixture, job, "org.lodgevm.Job1", "ErrorMessage");
  g_assert_cmpstr (name, ==, "org.lodgevm.Error.NotFound");
  g_assert_nonnull (strstr (message, "/nowhere/vmlinuz"));
  dir = g_dir_open (store, 0, &error);
  g_assert_no_error (error);
  g_assert_null (g_dir_read_name (dir));
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
test_set_delete_and_signals (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = create (fixture, "web");
  g_autofree char *removed = g_strconcat ("removed ", uuid, NULL);
  g_autoptr (LodgeClient) other = connect_client ();
  g_autoptr (GPtrArray) told = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GVariant) opened = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;
  const char *path;

  g_signal_connect (lodge_client_get_engine (other), "machine-changed", G_CALLBACK (changed_cb),
                    told);
  g_signal_connect (lodge_client_get_engine (other), "machine-removed", G_CALLBACK (removed_cb),
                    told);
  opened = call_engine (fixture, "OpenMachine", g_variant_new ("(s)", uuid), &error);
  g_variant_get (opened, "(&o)", &path);

  /* All or nothing. */
  answer =
      call (fixture, path, "org.lodgevm.Machine1", "Set",
            g_variant_new_parsed ("({'machine.memory': '1G', 'machine.cpus': 'many'},)"), &error);
  g_assert_null (answer);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  answer =
      call (fixture, path, "org.lodgevm.Machine1", "Set",
            g_variant_new_parsed ("({'machine.name': 'shop', 'machine.memory': '1G'},)"), &error);
  g_assert_no_error (error);
  test_wait_until (g_ptr_array_find_with_equal_func (told, "shop", g_str_equal, NULL));
  g_assert_cmpuint (
      lodge_machine_get_description (lodge_library_find (fixture->library, "shop", NULL))
          ->memory_mib,
      ==, 1024);

  g_clear_pointer (&answer, g_variant_unref);
  answer = call (fixture, path, "org.lodgevm.Machine1", "Delete", NULL, &error);
  g_assert_no_error (error);
  test_wait_until (g_ptr_array_find_with_equal_func (told, removed, g_str_equal, NULL));
  g_assert_cmpuint (lodge_library_get_machines (fixture->library)->len, ==, 0);
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
test_console_has_one_owner (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = create (fixture, "web");
  g_autoptr (LodgeClient) second_client = connect_client ();
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
test_host (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = call (fixture, LODGE_CLIENT_HOST_PATH, "org.lodgevm.Host1", "Check",
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
test_detect_media (Fixture *fixture, gconstpointer data)
{
  g_autofree char *image = g_build_filename (fixture->folder, "some.iso", NULL);
  g_autofree char *zeroes = g_malloc0 (65536);
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GVariant) refused = NULL;
  g_autoptr (GError) error = NULL;
  const char *name;
  guint32 memory;

  /* The first descriptor of an ISO 9660 volume. */
  memcpy (zeroes + 32768, "\1CD001", 6);
  g_assert_true (g_file_set_contents (image, zeroes, 65536, NULL));
  answer = call_engine (fixture, "DetectMedia", g_variant_new ("(s)", image), &error);
  g_assert_no_error (error);
  g_variant_get (answer, "(@a{sv})", &facts);
  g_assert_true (g_variant_lookup (facts, "name", "&s", &name));
  g_assert_cmpstr (name, ==, "some");
  g_assert_true (g_variant_lookup (facts, "memory", "u", &memory));
  g_assert_cmpuint (memory, >, 0);

  refused = call_engine (fixture, "DetectMedia", g_variant_new ("(s)", "some.iso"), &error);
  g_assert_null (refused);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  refused = call_engine (fixture, "DetectMedia", g_variant_new ("(s)", fixture->folder), &error);
  g_assert_null (refused);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
}

/* What people choose by mistake, whatever its name: told before anything is made of it, and by the
 * job that would have used it. */
static void
test_no_media (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *head;
    gsize length;
    gboolean boot_sector;
    const char *words;
  } cases[] = {
      {"Dear diary,\n", 1000, FALSE, "choose an installer's image"},
      {"\xff\xd8\xff\xe0JFIF", 64 * 1024, FALSE, "choose an installer's image"},
      {"\x1f\x8b", 64 * 1024, FALSE, "unpack it first"},
      {"vhdxfile", 64 * 1024, FALSE, "--disk"},
      {"", 64 * 1024, TRUE, "--disk"},
  };
  g_autofree char *image = g_build_filename (fixture->folder, "holiday.iso", NULL);
  g_autofree char *spec = g_strdup_printf ("({'name': <'x'>, 'media': <'%s'>},)", image);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *bytes = g_malloc0 (64 * 1024);
    g_autofree char *state = NULL;
    g_autofree char *message = NULL;
    g_autoptr (GVariant) refused = NULL;
    g_autoptr (GVariant) answer = NULL;
    g_autoptr (GError) error = NULL;
    const char *job;

    memcpy (bytes, cases[i].head, strlen (cases[i].head));
    if (cases[i].boot_sector)
      memcpy (bytes + 510, "\x55\xaa", 2);
    g_assert_true (g_file_set_contents (image, bytes, (gssize) cases[i].length, NULL));
    refused = call_engine (fixture, "DetectMedia", g_variant_new ("(s)", image), &error);
    g_assert_null (refused);
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, image));
    g_assert_nonnull (strstr (error->message, cases[i].words));
    g_clear_error (&error);

    answer = call_engine (fixture, "CreateMachine", g_variant_new_parsed (spec), &error);
    g_assert_no_error (error);
    g_variant_get (answer, "(&o)", &job);
    do {
      g_free (state);
      state = dup_property (fixture, job, "org.lodgevm.Job1", "State");
    } while (g_str_equal (state, "running"));
    g_assert_cmpstr (state, ==, "failed");
    message = dup_property (fixture, job, "org.lodgevm.Job1", "ErrorMessage");
    g_assert_nonnull (strstr (message, cases[i].words));
  }
  g_assert_cmpuint (lodge_library_get_machines (fixture->library)->len, ==, 0);
}

/* The disk has no room for a new machine's disk: a limit to the size of files is all that a test
 * can have of that. The sentence is about what the user knows. */
static void
test_no_room (Fixture *fixture, gconstpointer data)
{
  struct rlimit limit;
  rlim_t before;
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *state = NULL;
  g_autofree char *message = NULL;
  g_autofree char *name = NULL;
  const char *job;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  before = limit.rlim_cur;
  limit.rlim_cur = 64 * 1024;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  answer = call_engine (
      fixture, "CreateMachine",
      g_variant_new_parsed ("({'name': <'web'>, 'disk-size': <uint64 1073741824>},)"), &error);
  g_assert_no_error (error);
  g_variant_get (answer, "(&o)", &job);
  do {
    g_free (state);
    state = dup_property (fixture, job, "org.lodgevm.Job1", "State");
  } while (g_str_equal (state, "running"));
  limit.rlim_cur = before;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);

  name = dup_property (fixture, job, "org.lodgevm.Job1", "ErrorName");
  message = dup_property (fixture, job, "org.lodgevm.Job1", "ErrorMessage");
  g_assert_cmpstr (name, ==, "org.lodgevm.Error.Storage");
  g_assert_true (g_str_has_prefix (message, "“web”"));
  g_assert_nonnull (strstr (message, "free some space"));
  g_assert_null (strstr (message, "/.new-"));
}

static void
test_socket_comes_back (Fixture *fixture, gconstpointer data)
{
  g_autofree char *socket = lodge_paths_dup_engine_socket ();
  g_autoptr (LodgeClient) client = NULL;

  g_assert_cmpint (g_unlink (socket), ==, 0);
  test_wait_until (g_file_test (socket, G_FILE_TEST_EXISTS));
  client = connect_client ();
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
test_another_engine_came (Fixture *fixture, gconstpointer data)
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
test_quit_with_deaf_client (Fixture *fixture, gconstpointer data)
{
  const char *argv[] = {"/proc/self/exe", "--deaf-client", NULL};
  g_autofree char *uuid = create (fixture, "web");
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
  g_variant_unref (call_engine (fixture, "Quit", NULL, &error));
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
#define ADD(name, function)                                                                        \
  g_test_add ("/service/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("socket-is-private", test_socket_is_private);
  ADD ("anonymous-is-refused", test_anonymous_is_refused);
  ADD ("list-and-open", test_list_and_open);
  ADD ("create-refused", test_create_refused);
  ADD ("failed-job", test_failed_job);
  ADD ("set-delete-and-signals", test_set_delete_and_signals);
  ADD ("console-has-one-owner", test_console_has_one_owner);
  ADD ("host", test_host);
  ADD ("detect-media", test_detect_media);
  ADD ("no-media", test_no_media);
  ADD ("no-room", test_no_room);
  ADD ("socket-comes-back", test_socket_comes_back);
  ADD ("quit-with-deaf-client", test_quit_with_deaf_client);
  ADD ("another-engine-came", test_another_engine_came);
  return g_test_run ();
}
