/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting to an engine: one that is there, one that is started, and every way to find none. */
#include "fake-engine.h"
#include "lodge-client.h"
#include "lodge-error.h"

#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each case has a runtime folder of its own, and ends what was started in it. */
typedef struct {
  char *folder;
} Fixture;

static void
set_up (Fixture *self, gconstpointer stub)
{
  self->folder = g_dir_make_tmp ("lodge-client-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
  g_setenv ("LODGE_RUNTIME_DIR", self->folder, TRUE);
  g_setenv ("LODGE_ENGINE", g_getenv ("LODGE_TEST_STUB"), TRUE);
  g_setenv ("LODGE_ENGINE_TIMEOUT", "60", TRUE);
  g_unsetenv ("LODGE_ENGINE_SOCKET");
  if (stub != NULL)
    g_setenv ("LODGE_STUB", stub, TRUE);
}

/* The lines that stub engines wrote when they were started. */
static char **
dup_starts (Fixture *self)
{
  g_autofree char *path = g_build_filename (self->folder, "starts", NULL);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_new0 (char *, 1);
  return g_strsplit (g_strchomp (text), "\n", -1);
}

static void
tear_down (Fixture *self, gconstpointer stub)
{
  g_auto (GStrv) starts = dup_starts (self);
  g_autoptr (GDir) dir = NULL;
  const char *name;

  for (guint i = 0; starts[i] != NULL; i++) {
    int pid = atoi (starts[i]);

    if (pid > 1)
      kill (pid, SIGKILL); /* often gone already */
  }
  g_chmod (self->folder, 0700);
  dir = g_dir_open (self->folder, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (self->folder, name, NULL);

    g_remove (path);
  }
  g_remove (self->folder);
  g_free (self->folder);
}

static void
iterate_until (gboolean *flag)
{
  gint64 end = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  while (!*flag && g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  g_assert_true (*flag);
}

static void
set_flag_cb (gpointer object, gboolean *flag)
{
  *flag = TRUE;
}

static void
keep_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
wait_result (GAsyncResult **result)
{
  gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  while (*result == NULL && g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
  g_assert_nonnull (*result);
  return *result;
}

/* The client goes, and nothing else held it. */
static void
assert_dies (LodgeClient *client)
{
  gpointer weak = client;

  g_object_add_weak_pointer (G_OBJECT (client), &weak);
  g_object_unref (client);
  g_assert_null (weak);
}

/* --- An engine is there --- */

static FakeEngine *
start_fake (void)
{
  g_autofree char *socket = g_build_filename (g_getenv ("LODGE_RUNTIME_DIR"), "engine.sock", NULL);

  return fake_engine_new (socket);
}

static void
test_connect (Fixture *self, gconstpointer unused)
{
  g_autoptr (FakeEngine) engine = start_fake ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) machines = NULL;
  g_auto (GStrv) starts = NULL;
  LodgeClient *client;

  fake_engine_add_machine (engine, "web", "off");
  client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_engine1_get_version (lodge_client_get_engine (client)), ==, "0.0-fake");
  g_assert_true (lodge_engine1_call_list_machines_sync (lodge_client_get_engine (client), &machines,
                                                        NULL, &error));
  g_assert_cmpuint (g_variant_n_children (machines), ==, 1);
  g_assert_false (g_dbus_connection_is_closed (lodge_client_get_connection (client)));
  assert_dies (client);
  starts = dup_starts (self);
  g_assert_cmpuint (g_strv_length (starts), ==, 0);
}

static void
test_connect_async (Fixture *self, gconstpointer unused)
{
  g_autoptr (FakeEngine) engine = start_fake ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeClient *client;

  lodge_client_connect_async (LODGE_CLIENT_FLAGS_NONE, NULL, keep_result_cb, &result);
  client = lodge_client_connect_finish (wait_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fake_engine_get_n_clients (engine), ==, 1);
  g_assert_nonnull (lodge_client_get_host (client));
  assert_dies (client);
}

/* Signals of a client made in a worker still arrive in the main context. */
static void
test_signals (Fixture *self, gconstpointer unused)
{
  g_autoptr (FakeEngine) engine = start_fake ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (LodgeClient) client = NULL;
  gboolean changed = FALSE;
  gboolean closed = FALSE;

  fake_engine_add_machine (engine, "web", "off");
  lodge_client_connect_async (LODGE_CLIENT_FLAGS_NONE, NULL, keep_result_cb, &result);
  client = lodge_client_connect_finish (wait_result (&result), NULL);
  g_assert_nonnull (client);
  g_signal_connect_swapped (lodge_client_get_engine (client), "machine-changed",
                            G_CALLBACK (g_atomic_int_inc), &changed);
  fake_engine_set_state (engine, "web", "running");
  iterate_until (&changed);

  g_signal_connect (client, "closed", G_CALLBACK (set_flag_cb), &closed);
  fake_engine_drop_clients (engine);
  iterate_until (&closed);
  g_assert_true (g_dbus_connection_is_closed (lodge_client_get_connection (client)));
}

static void
test_open_machine (Fixture *self, gconstpointer unused)
{
  g_autoptr (FakeEngine) engine = start_fake ();
  g_autoptr (LodgeClient) client = NULL;
  g_autoptr (LodgeMachine1) by_name = NULL;
  g_autoptr (LodgeMachine1) by_uuid = NULL;
  g_autoptr (LodgeMachine1) nobody = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GAsyncResult) bad_result = NULL;
  g_autoptr (GError) error = NULL;
  const char *uuid = fake_engine_add_machine (engine, "web", "running");

  client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error);
  g_assert_no_error (error);
  by_name = lodge_client_open_machine_sync (client, "web", NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_machine1_get_uuid (by_name), ==, uuid);
  g_assert_cmpstr (lodge_machine1_get_state (by_name), ==, "running");

  lodge_client_open_machine_async (client, uuid, NULL, keep_result_cb, &result);
  by_uuid = lodge_client_open_machine_finish (client, wait_result (&result), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_machine1_get_name (by_uuid), ==, "web");

  nobody = lodge_client_open_machine_sync (client, "nobody", NULL, &error);
  g_assert_null (nobody);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "There is no machine “nobody”");
  g_clear_error (&error);

  lodge_client_open_machine_async (client, "nobody", NULL, keep_result_cb, &bad_result);
  g_assert_null (lodge_client_open_machine_finish (client, wait_result (&bad_result), &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
}

static void
test_wrong_version (Fixture *self, gconstpointer unused)
{
  g_autoptr (FakeEngine) engine = start_fake ();
  g_autoptr (LodgeClient) client = NULL;
  g_autoptr (GError) error = NULL;

  fake_engine_set_api_version (engine, 99);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "99"));
  g_clear_error (&error);

  client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_ANY_VERSION, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (lodge_engine1_call_quit_sync (lodge_client_get_engine (client), NULL, &error));
  g_assert_true (fake_engine_get_quit (engine));
}

/* As behind an ssh tunnel: another socket, which never leads to starting anything. */
static void
test_other_socket (Fixture *self, gconstpointer unused)
{
  g_autofree char *socket = g_build_filename (self->folder, "tunnel.sock", NULL);
  g_autoptr (FakeEngine) engine = fake_engine_new (socket);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) starts = NULL;
  LodgeClient *client;

  g_setenv ("LODGE_ENGINE_SOCKET", socket, TRUE);
  client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fake_engine_get_n_clients (engine), ==, 1);
  assert_dies (client);

  g_setenv ("LODGE_ENGINE_SOCKET", "/nowhere/tunnel.sock", TRUE);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  starts = dup_starts (self);
  g_assert_cmpuint (g_strv_length (starts), ==, 0);
}

/* --- There is none --- */

static void
test_no_start (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) starts = NULL;

  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NO_START, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  starts = dup_starts (self);
  g_assert_cmpuint (g_strv_length (starts), ==, 0);
}

static void
test_start (Fixture *self, gconstpointer stub)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) starts = NULL;
  g_auto (GStrv) words = NULL;
  LodgeClient *client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error);
  LodgeClient *second;

  g_assert_no_error (error);
  second = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NO_START, NULL, &error);
  g_assert_no_error (error);
  assert_dies (client);
  assert_dies (second);

  starts = dup_starts (self);
  g_assert_cmpuint (g_strv_length (starts), ==, 1);
  /* Its own session, so that no terminal's signals reach it, and nothing of ours to read. */
  words = g_strsplit (starts[0], " ", -1);
  g_assert_cmpstr (words[0], ==, words[1]);
  g_assert_cmpstr (words[2], ==, "1");
}

/* A socket that a killed engine left behind is no engine. */
static void
test_stale_socket (Fixture *self, gconstpointer stub)
{
  g_autofree char *path = g_build_filename (self->folder, "engine.sock", NULL);
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  g_autoptr (GSocket) socket =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_autoptr (GError) error = NULL;
  LodgeClient *client;

  g_assert_true (g_socket_bind (socket, address, FALSE, NULL));
  g_clear_object (&socket);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error);
  g_assert_no_error (error);
  assert_dies (client);
}

typedef struct {
  Fixture *fixture;
  int fd;
} Lock;

/* Let go of when a second engine was started: the first found it held. */
static gpointer
unlock_thread (gpointer user_data)
{
  const Lock *lock = user_data;

  for (guint i = 0; i < 6000; i++) {
    g_auto (GStrv) starts = dup_starts (lock->fixture);

    if (g_strv_length (starts) >= 2)
      break;
    g_usleep (10000);
  }
  close (lock->fd);
  return NULL;
}

/* An engine that is just ending has closed its socket and still holds its lock. */
static void
test_ending_engine (Fixture *self, gconstpointer stub)
{
  g_autofree char *path = g_build_filename (self->folder, "engine.lock", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) starts = NULL;
  LodgeClient *client;
  GThread *thread;

  g_assert_cmpint (flock (fd, LOCK_EX | LOCK_NB), ==, 0);
  thread = g_thread_new ("unlock", unlock_thread, &(Lock){self, fd});
  client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error);
  g_thread_join (thread);
  g_assert_no_error (error);
  assert_dies (client);
  starts = dup_starts (self);
  g_assert_cmpuint (g_strv_length (starts), >=, 2);
}

#define N_AT_ONCE 8

static void
test_at_once (Fixture *self, gconstpointer stub)
{
  GAsyncResult *results[N_AT_ONCE] = {NULL};
  g_auto (GStrv) starts = NULL;

  for (guint i = 0; i < N_AT_ONCE; i++)
    lodge_client_connect_async (LODGE_CLIENT_FLAGS_NONE, NULL, keep_result_cb, &results[i]);
  for (guint i = 0; i < N_AT_ONCE; i++) {
    g_autoptr (GError) error = NULL;
    LodgeClient *client = lodge_client_connect_finish (wait_result (&results[i]), &error);

    g_assert_no_error (error);
    assert_dies (client);
    g_object_unref (results[i]);
  }
  starts = dup_starts (self);
  g_assert_cmpuint (g_strv_length (starts), ==, 1);
}

static void
test_no_program (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "/nowhere/lodge-engine: No such file"));
}

static void
test_dies (Fixture *self, gconstpointer stub)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, g_getenv ("LODGE_TEST_STUB")));
  if (g_str_equal (stub, "words")) /* the escape sequence has become harmless */
    g_assert_true (g_str_has_suffix (error->message, ": The moon is in the wrong  [31mphase"));
  else if (g_str_equal (stub, "mute"))
    g_assert_nonnull (strstr (error->message, "status 4"));
  else
    g_assert_true (g_str_has_suffix (error->message, g_strsignal (SIGKILL)));
}

static void
test_never_answers (Fixture *self, gconstpointer stub)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("LODGE_ENGINE_TIMEOUT", "1", TRUE);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (error->message, "engine.log"));
}

static void
test_cancel (Fixture *self, gconstpointer stub)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_client_connect_async (LODGE_CLIENT_FLAGS_NONE, cancellable, keep_result_cb, &result);
  g_cancellable_cancel (cancellable);
  g_assert_null (lodge_client_connect_finish (wait_result (&result), &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
}

/* --- The runtime folder --- */

static void
test_open_folder (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  g_chmod (self->folder, 0755);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_assert_nonnull (strstr (error->message, self->folder));
}

static void
test_foreign_folder (Fixture *self, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  if (geteuid () != 0) {
    g_test_skip ("only root can give a folder away");
    return;
  }
  g_assert_cmpint (chown (self->folder, 65534, 65534), ==, 0);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_assert_cmpint (chown (self->folder, 0, 0), ==, 0);
}

static void
test_linked_folder (Fixture *self, gconstpointer unused)
{
  g_autofree char *link_path = g_strconcat (self->folder, "-link", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (symlink (self->folder, link_path), ==, 0);
  g_setenv ("LODGE_RUNTIME_DIR", link_path, TRUE);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_unlink (link_path);
}

static void
test_long_path (Fixture *self, gconstpointer unused)
{
  g_autofree char *name = g_strnfill (100, 'x');
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_setenv ("LODGE_RUNTIME_DIR", path, TRUE);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "too long"));
}

static void
add (const char *path, const char *stub, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, stub, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_nonnull (g_getenv ("LODGE_TEST_STUB"));
  add ("/client/connect", NULL, test_connect);
  add ("/client/connect-async", NULL, test_connect_async);
  add ("/client/signals", NULL, test_signals);
  add ("/client/open-machine", NULL, test_open_machine);
  add ("/client/wrong-version", NULL, test_wrong_version);
  add ("/client/other-socket", NULL, test_other_socket);
  add ("/client/no-start", NULL, test_no_start);
  add ("/client/start", "serve", test_start);
  add ("/client/stale-socket", "serve", test_stale_socket);
  add ("/client/ending-engine", "serve", test_ending_engine);
  add ("/client/at-once", "serve", test_at_once);
  add ("/client/no-program", NULL, test_no_program);
  add ("/client/dies-with-words", "words", test_dies);
  add ("/client/dies-without-words", "mute", test_dies);
  add ("/client/killed", "abort", test_dies);
  add ("/client/idle", "idle", test_never_answers);
  add ("/client/deaf", "deaf", test_never_answers);
  add ("/client/cancel", "idle", test_cancel);
  add ("/client/open-folder", NULL, test_open_folder);
  add ("/client/foreign-folder", NULL, test_foreign_folder);
  add ("/client/linked-folder", NULL, test_linked_folder);
  add ("/client/long-path", NULL, test_long_path);
  return g_test_run ();
}
