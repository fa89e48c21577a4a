/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's side of the user network: started, contained, asked, lost and found again. */
#include "fake-host.h"
#include "lodge-error.h"
#include "network/lodge-user-network.h"
#include "test-walls.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_S 30

typedef struct {
  char *folder;
  LodgeUserNetwork *network;
  FakeGuest *guest;
  gboolean contained;
} Fixture;

typedef struct {
  GAsyncResult *result;
  gboolean late;
} Wait;

static void
result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ((Wait *) user_data)->result = g_object_ref (result);
}

static gboolean
late_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_CONTINUE;
}

static void
wait_for (gboolean (*reached) (gpointer data), gpointer data)
{
  gboolean late = FALSE;
  guint limit = g_timeout_add_seconds (WAIT_S, late_cb, &late);

  while (!reached (data) && !late)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (limit);
  g_assert_true (reached (data));
}

static gboolean
has_result (gpointer data)
{
  return ((Wait *) data)->result != NULL;
}

static gboolean
is_closed (gpointer data)
{
  return lodge_user_network_is_closed (data);
}

static gboolean
change (LodgeUserNetwork *network, gboolean add, const char *rule, GError **error)
{
  Wait wait = {NULL};
  gboolean done;

  if (add)
    lodge_user_network_add_forward_async (network, rule, NULL, result_cb, &wait);
  else
    lodge_user_network_remove_forward_async (network, rule, NULL, result_cb, &wait);
  wait_for (has_result, &wait);
  done = lodge_user_network_finish (network, wait.result, error);
  g_object_unref (wait.result);
  return done;
}

static char *
list (LodgeUserNetwork *network)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) rules = NULL;
  Wait wait = {NULL};

  lodge_user_network_list_forwards_async (network, NULL, result_cb, &wait);
  wait_for (has_result, &wait);
  rules = lodge_user_network_list_forwards_finish (network, wait.result, &error);
  g_object_unref (wait.result);
  g_assert_no_error (error);
  return g_strjoinv (" ", rules);
}

static void
set_up (Fixture *fixture, gboolean contained, const char *const *forwards, char **out_note)
{
  g_autoptr (GError) error = NULL;
  int wire = -1;

  fixture->folder = g_dir_make_tmp ("lodge-network-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->contained = contained;
  fixture->network = lodge_user_network_start ("net0", fixture->folder, "lodge-test-network.scope",
                                               contained, forwards, &wire, out_note, &error);
  g_assert_no_error (error);
  g_assert_nonnull (fixture->network);
  g_assert_cmpint (fcntl (wire, F_GETFD) & FD_CLOEXEC, !=, 0);
  fixture->guest = fake_guest_new (wire);
}

static void
remove_file (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

  (void) g_unlink (path);
}

static void
tear_down (Fixture *fixture)
{
  g_clear_pointer (&fixture->guest, fake_guest_free);
  if (fixture->network != NULL) {
    /* Without its wire the process ends by itself. */
    wait_for (is_closed, fixture->network);
    g_assert_finalize_object (fixture->network);
  }
  remove_file (fixture, "net-net0.ctl");
  remove_file (fixture, "net-net0.log");
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
}

static void
test_life (gconstpointer data)
{
  guint16 port = fake_host_free_port (SOCK_STREAM);
  g_autofree char *rule = g_strdup_printf ("tcp:%u:22", (guint) port);
  g_autofree char *full = g_strdup_printf ("tcp:127.0.0.1:%u:22", (guint) port);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;
  FakePacket packet;
  struct stat info;
  int client;

  if (GPOINTER_TO_INT (data) && !test_walls_are_possible ()) {
    g_test_skip ("bubblewrap cannot make namespaces here");
    return;
  }
  set_up (&fixture, GPOINTER_TO_INT (data), NULL, NULL);
  g_assert_cmpuint (fake_guest_lease (fixture.guest), ==, FAKE_GUEST_ADDRESS);
  path = g_build_filename (fixture.folder, "net-net0.ctl", NULL);
  g_assert_cmpint (lstat (path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0600);

  before = list (fixture.network);
  g_assert_cmpstr (before, ==, "");
  g_assert_true (change (fixture.network, TRUE, rule, &error));
  g_assert_no_error (error);
  after = list (fixture.network);
  g_assert_cmpstr (after, ==, full);

  client = fake_host_connect (SOCK_STREAM, port);
  g_assert_cmpint (client, >=, 0);
  fake_guest_wait_tcp (fixture.guest, 22, FAKE_TCP_SYN, &packet);
  close (client);

  g_assert_true (change (fixture.network, FALSE, full, &error));
  g_assert_no_error (error);
  g_assert_cmpint (fake_host_connect (SOCK_STREAM, port), ==, -1);
  g_assert_false (change (fixture.network, FALSE, full, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  tear_down (&fixture);
}

static void
test_errors (void)
{
  guint16 port;
  int server = fake_host_listen (SOCK_STREAM, &port);
  g_autofree char *taken = g_strdup_printf ("tcp:%u:22", (guint) port);
  const struct {
    const char *rule;
    int code;
    const char *word;
  } rows[] = {
      {taken, LODGE_ERROR_EXISTS, "in use"},
      {"tcp:0:22", LODGE_ERROR_INVALID, "65535"},
      {"nonsense", LODGE_ERROR_INVALID, "nonsense"},
      {"tcp:203.0.113.77:2222:22", LODGE_ERROR_INVALID, "203.0.113.77"},
  };
  Fixture fixture;

  set_up (&fixture, FALSE, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (change (fixture.network, TRUE, rows[i].rule, &error));
    g_assert_error (error, LODGE_ERROR, rows[i].code);
    g_assert_nonnull (strstr (error->message, rows[i].word));
  }
  close (server);
  tear_down (&fixture);
}

static void
test_duplicate (void)
{
  guint16 port = fake_host_free_port (SOCK_STREAM);
  g_autofree char *rule = g_strdup_printf ("tcp:%u:22", (guint) port);
  g_autofree char *other = g_strdup_printf ("tcp:127.0.0.1:%u:80", (guint) port);
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  set_up (&fixture, FALSE, NULL, NULL);
  g_assert_true (change (fixture.network, TRUE, rule, &error));
  g_assert_no_error (error);
  g_assert_false (change (fixture.network, TRUE, other, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  g_assert_nonnull (strstr (error->message, "already"));
  tear_down (&fixture);
}

/* Needs the containment: without it root may open any port. */
static void
test_privileged (void)
{
  g_autofree char *first = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  if (!test_walls_are_possible ()) {
    g_test_skip ("bubblewrap cannot make namespaces here");
    return;
  }
  if (!g_file_get_contents ("/proc/sys/net/ipv4/ip_unprivileged_port_start", &first, NULL, NULL) ||
      g_ascii_strtoull (first, NULL, 10) <= 81) {
    g_test_skip ("everybody may open port 81 here");
    return;
  }
  set_up (&fixture, TRUE, NULL, NULL);
  g_assert_false (change (fixture.network, TRUE, "tcp:81:22", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_assert_nonnull (strstr (error->message, "1024"));
  tear_down (&fixture);
}

static void
test_initial (void)
{
  guint16 taken_port, port = fake_host_free_port (SOCK_STREAM);
  int server = fake_host_listen (SOCK_STREAM, &taken_port);
  g_autofree char *taken = g_strdup_printf ("tcp:127.0.0.1:%u:80", (guint) taken_port);
  g_autofree char *rule = g_strdup_printf ("tcp:127.0.0.1:%u:22", (guint) port);
  const char *forwards[] = {taken, rule, "nonsense", NULL};
  g_autofree char *note = NULL;
  g_autofree char *rules = NULL;
  Fixture fixture;

  set_up (&fixture, FALSE, forwards, &note);
  g_assert_nonnull (note);
  g_assert_nonnull (strstr (note, taken));
  g_assert_nonnull (strstr (note, "nonsense"));
  g_assert_null (strstr (note, rule));
  rules = list (fixture.network);
  g_assert_cmpstr (rules, ==, rule);
  close (server);
  tear_down (&fixture);
}

/* Who listens, from outside. */
static GPid
read_pid (Fixture *fixture)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct ucred peer = {0};
  socklen_t size = sizeof peer;
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_snprintf (address.sun_path, sizeof address.sun_path, "%s/net-net0.ctl", fixture->folder);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), ==, 0);
  close (fd);
  return peer.pid;
}

/* An engine ends, the next one finds what it left. */
static void
test_find (void)
{
  guint16 port = fake_host_free_port (SOCK_STREAM);
  g_autofree char *rule = g_strdup_printf ("tcp:127.0.0.1:%u:22", (guint) port);
  g_autofree char *rules = NULL;
  g_autoptr (GError) error = NULL;
  Fixture fixture;
  FakePacket packet;
  int wire;

  set_up (&fixture, test_walls_are_possible (), NULL, NULL);
  g_assert_true (change (fixture.network, TRUE, rule, &error));
  g_assert_no_error (error);
  g_assert_null (lodge_user_network_start ("net0", fixture.folder, "lodge-test-network.scope",
                                           FALSE, NULL, &wire, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_finalize_object (fixture.network);

  fixture.network = lodge_user_network_find ("net0", fixture.folder, &error);
  g_assert_no_error (error);
  rules = list (fixture.network);
  g_assert_cmpstr (rules, ==, rule);
  g_assert_true (change (fixture.network, FALSE, rule, &error));
  g_assert_no_error (error);
  g_assert_cmpint (fake_host_connect (SOCK_STREAM, port), ==, -1);

  /* Also one that does not listen to reason. */
  g_assert_cmpint (kill (read_pid (&fixture), SIGSTOP), ==, 0);
  lodge_user_network_stop (fixture.network);
  g_assert_true (lodge_user_network_is_closed (fixture.network));
  while (fake_guest_read (fixture.guest, &packet))
    ;
  g_assert_null (lodge_user_network_find ("net0", fixture.folder, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  tear_down (&fixture);
}

static void
count_cb (LodgeUserNetwork *network, gpointer user_data)
{
  (*(guint *) user_data)++;
}

static void
test_killed (void)
{
  g_autofree char *rules = NULL;
  g_autoptr (GError) error = NULL;
  Wait wait = {NULL};
  Fixture fixture;
  guint closed = 0;
  GPid pid;

  set_up (&fixture, test_walls_are_possible (), NULL, NULL);
  g_signal_connect (fixture.network, "closed", G_CALLBACK (count_cb), &closed);
  /* An answer means that it listens itself. */
  rules = list (fixture.network);
  pid = read_pid (&fixture);
  g_assert_cmpint (pid, >, 1);
  g_assert_cmpint (pid, !=, getpid ());

  /* A request under way ends with an error and not with its limit. */
  g_assert_cmpint (kill (pid, SIGSTOP), ==, 0);
  lodge_user_network_list_forwards_async (fixture.network, NULL, result_cb, &wait);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  wait_for (is_closed, fixture.network);
  wait_for (has_result, &wait);
  g_assert_null (lodge_user_network_list_forwards_finish (fixture.network, wait.result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_object_unref (wait.result);
  g_clear_error (&error);
  g_assert_cmpuint (closed, ==, 1);

  g_assert_false (change (fixture.network, TRUE, "tcp:2222:22", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  tear_down (&fixture);
  g_assert_cmpuint (closed, ==, 1);
}

static void
test_cancel (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *rules = NULL;
  Wait wait = {NULL};
  Fixture fixture;

  set_up (&fixture, FALSE, NULL, NULL);
  lodge_user_network_list_forwards_async (fixture.network, cancellable, result_cb, &wait);
  g_cancellable_cancel (cancellable);
  wait_for (has_result, &wait);
  g_assert_null (lodge_user_network_list_forwards_finish (fixture.network, wait.result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_object_unref (wait.result);
  /* The answer that still comes is nobody's. */
  rules = list (fixture.network);
  g_assert_cmpstr (rules, ==, "");
  tear_down (&fixture);
}

static void
test_not_found (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("lodge-network-XXXXXX", NULL);

  g_assert_null (lodge_user_network_find ("net0", folder, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (lodge_user_network_find ("../net0", folder, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
test_no_program (void)
{
  g_autofree char *saved = g_strdup (g_getenv ("LODGE_LIBEXECDIR"));
  g_autofree char *folder = g_dir_make_tmp ("lodge-network-XXXXXX", NULL);
  g_autofree char *log = g_build_filename (folder, "net-net0.log", NULL);
  g_autoptr (GError) error = NULL;
  int wire = -1;

  g_setenv ("LODGE_LIBEXECDIR", folder, TRUE);
  g_assert_null (lodge_user_network_start ("net0", folder, "lodge-test-network.scope", FALSE, NULL,
                                           &wire, NULL, &error));
  g_setenv ("LODGE_LIBEXECDIR", saved, TRUE);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "lodge-usernet"));
  g_assert_cmpint (wire, ==, -1);
  /* Nothing is left behind but perhaps the log. */
  (void) g_unlink (log);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* A machine whose QEMU did not start: the sockets are there, and nobody has come to them. */
static void
test_never_run (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-network-XXXXXX", NULL);
  g_autofree char *log = g_build_filename (folder, "net-net0.log", NULL);
  g_autofree char *control = g_build_filename (folder, "net-net0.ctl", NULL);
  g_autoptr (GError) error = NULL;
  LodgeUserNetwork *network;
  int wire = -1;
  char byte;

  network = lodge_user_network_prepare ("net0", folder, &wire, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_test (log, G_FILE_TEST_IS_REGULAR));
  g_assert_true (g_file_test (control, G_FILE_TEST_EXISTS));
  g_assert_cmpint (wire, >=, 0);

  lodge_user_network_stop (network);
  g_assert_true (lodge_user_network_is_closed (network));
  g_assert_false (g_file_test (control, G_FILE_TEST_EXISTS));
  g_assert_finalize_object (network);
  /* QEMU's wire has no other end any more. */
  g_assert_cmpint (read (wire, &byte, 1), ==, 0);
  close (wire);
  g_assert_cmpint (g_unlink (log), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
test_long_path (void)
{
  g_autofree char *name = g_strnfill (100, 'x');
  g_autofree char *folder = g_build_filename ("/tmp", name, NULL);
  g_autoptr (GError) error = NULL;
  int wire = -1;

  g_assert_null (lodge_user_network_start ("net0", folder, "lodge-test-network.scope", FALSE, NULL,
                                           &wire, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "107"));
}

/* A process that was taken over answers what it likes. */
static void
test_hostile_answers (void)
{
  g_autofree char *deep = g_strnfill (60000, '[');
  g_autofree char *long_line = g_strnfill (70000, 'x');
  const char *const rows[] = {
      "nonsense\n",
      "[]\n",
      "{}\n",
      "{\"id\":7}\n",
      "\n",
      deep,
      long_line,
      "{\"id\":\"1\",\"forwards\":[1]}\n",
      "{\"id\":\"1\",\"forwards\":[[\"tcp:1:2\"]]}\n",
      "{\"id\":\"1\",\"forwards\":[\"<b>\"]}\n",
      "{\"id\":\"1\",\"forwards\":\"tcp:1:2\"}\n",
      "{\"id\":\"1\",\"error\":\"never heard of\"}\n",
      "{\"id\":\"77\",\"forwards\":[]}\n{\"id\":\"1\"}\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *folder = g_dir_make_tmp ("lodge-network-XXXXXX", NULL);
    g_autofree char *path = g_build_filename (folder, "net-net0.ctl", NULL);
    g_autoptr (GError) error = NULL;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    LodgeUserNetwork *network;
    Wait wait = {NULL};
    int listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;

    g_strlcpy (address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint (bind (listener, (struct sockaddr *) &address, sizeof address), ==, 0);
    g_assert_cmpint (listen (listener, 1), ==, 0);
    network = lodge_user_network_find ("net0", folder, &error);
    g_assert_no_error (error);
    peer = accept (listener, NULL, NULL);
    lodge_user_network_list_forwards_async (network, NULL, result_cb, &wait);
    g_assert_cmpint (send (peer, rows[i], strlen (rows[i]), MSG_NOSIGNAL), ==, strlen (rows[i]));
    if (rows[i] == deep)
      g_assert_cmpint (send (peer, "\n", 1, MSG_NOSIGNAL), ==, 1);
    wait_for (has_result, &wait);
    g_assert_null (lodge_user_network_list_forwards_finish (network, wait.result, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
    g_object_unref (wait.result);
    g_assert_finalize_object (network);
    close (peer);
    close (listener);
    g_assert_cmpint (g_unlink (path), ==, 0);
    g_assert_cmpint (g_rmdir (folder), ==, 0);
  }
}

int
main (int argc, char **argv)
{
  g_autofree char *runtime = g_dir_make_tmp ("lodge-run-XXXXXX", NULL);
  g_autofree char *quoted = g_shell_quote (runtime);
  g_autofree char *clean = g_strconcat ("rm -rf ", quoted, NULL);
  int status;

  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/network/user-network/life-bare", GINT_TO_POINTER (FALSE), test_life);
  g_test_add_data_func ("/network/user-network/life-contained", GINT_TO_POINTER (TRUE), test_life);
  g_test_add_func ("/network/user-network/errors", test_errors);
  g_test_add_func ("/network/user-network/duplicate", test_duplicate);
  g_test_add_func ("/network/user-network/privileged", test_privileged);
  g_test_add_func ("/network/user-network/initial", test_initial);
  g_test_add_func ("/network/user-network/find", test_find);
  g_test_add_func ("/network/user-network/killed", test_killed);
  g_test_add_func ("/network/user-network/cancel", test_cancel);
  g_test_add_func ("/network/user-network/not-found", test_not_found);
  g_test_add_func ("/network/user-network/no-program", test_no_program);
  g_test_add_func ("/network/user-network/never-run", test_never_run);
  g_test_add_func ("/network/user-network/long-path", test_long_path);
  g_test_add_func ("/network/user-network/hostile-answers", test_hostile_answers);
  status = g_test_run ();
  g_assert_true (g_spawn_command_line_sync (clean, NULL, NULL, NULL, NULL));
  return status;
}
