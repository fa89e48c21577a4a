/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drill: a program that a guest has taken over tries what it can, inside the walls and outside
 * of them. */
#include "launch-fixture.h"
#include "launch-probe.h"
#include "test-folder.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct {
  char *argument[PROBE_N_ATTEMPTS];
  int unix_fd, abstract_fd, tcp_fd;
  char *machine, *disk, *base, *runtime;
} Drill;

static int
listen_unix (const char *name, gboolean abstract)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  gsize offset = abstract ? 1 : 0;
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpuint (strlen (name) + offset, <, sizeof address.sun_path);
  memcpy (address.sun_path + offset, name, strlen (name));
  g_assert_cmpint (
      bind (fd, (struct sockaddr *) &address,
            (socklen_t) (offsetof (struct sockaddr_un, sun_path) + offset + strlen (name))),
      ==, 0);
  g_assert_cmpint (listen (fd, 4), ==, 0);
  return fd;
}

static int
listen_tcp (guint16 *out_port)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, 4), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &length), ==, 0);
  *out_port = ntohs (address.sin_port);
  return fd;
}

static char *
make_file (const char *folder, const char *name)
{
  char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents (path, "content", -1, NULL));
  return path;
}

static void
drill_set_up (Drill *self, const LaunchFixture *fixture)
{
  g_autofree char *home = g_build_filename (fixture->folder, "home", NULL);
  g_autofree char *other = g_build_filename (home, "other-machine", NULL);
  guint16 port = 0;

  /* A socket's path is short; the build folder's need not be. */
  self->runtime = g_dir_make_tmp ("lodge-drill-XXXXXX", NULL);
  self->machine = g_build_filename (home, "machine", NULL);
  g_assert_cmpint (g_mkdir_with_parents (self->machine, 0700), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (other, 0700), ==, 0);
  self->disk = make_file (self->machine, "disk.qcow2");
  self->base = make_file (home, "base.qcow2");

  self->argument[PROBE_READ_HOME] = make_file (home, "id_rsa");
  self->argument[PROBE_READ_PASSWD] = g_strdup ("/etc/passwd");
  self->argument[PROBE_READ_OTHER_DISK] = make_file (other, "disk.qcow2");
  self->argument[PROBE_WRITE_BASE] = g_strdup (self->base);
  self->argument[PROBE_WRITE_MACHINE_INI] = make_file (self->machine, "machine.ini");
  self->argument[PROBE_CREATE_IN_MACHINE] = g_build_filename (self->machine, "new", NULL);
  self->argument[PROBE_PLANT_LINK] = g_build_filename (self->machine, "thumbnail.png", NULL);
  self->argument[PROBE_CREATE_IN_ROOT] = g_build_filename (fixture->folder, "litter", NULL);
  self->argument[PROBE_CONNECT_UNIX] =
      g_strdup_printf ("%s.sock", self->runtime); /* beside the folder, not in it */
  self->unix_fd = listen_unix (self->argument[PROBE_CONNECT_UNIX], FALSE);
  self->argument[PROBE_CONNECT_ABSTRACT] = g_strdup_printf ("lodge-drill-%d", (int) getpid ());
  self->abstract_fd = listen_unix (self->argument[PROBE_CONNECT_ABSTRACT], TRUE);
  self->tcp_fd = listen_tcp (&port);
  self->argument[PROBE_CONNECT_TCP] = g_strdup_printf ("%u", port);
  self->argument[PROBE_READ_ENVIRON] = g_strdup_printf ("/proc/%d/environ", (int) getpid ());
  self->argument[PROBE_SIGNAL] = g_strdup_printf ("%d", (int) getpid ());
}

static void
drill_tear_down (Drill *self)
{
  g_unlink (self->argument[PROBE_CONNECT_UNIX]);
  test_folder_remove (self->runtime);
  for (guint i = 0; i < PROBE_N_ATTEMPTS; i++)
    g_free (self->argument[i]);
  close (self->unix_fd);
  close (self->abstract_fd);
  close (self->tcp_fd);
  g_free (self->machine);
  g_free (self->disk);
  g_free (self->base);
  g_free (self->runtime);
}

/* Every attempt outside the walls is reached (else it would prove nothing), none inside. */
static void
test_drill (LaunchFixture *self, gconstpointer data)
{
  Drill drill = {0};

  if (launch_fixture_skip_uncontained (self))
    return;

  drill_set_up (&drill, self);
  for (guint i = 0; i < PROBE_N_ATTEMPTS; i++) {
    const char *name = launch_probe_names[i];

    /* Inside first: outside, some of them leave something behind. */
    for (guint contained = 2; contained-- > 0;) {
      g_autoptr (LodgeCommand) command = launch_fixture_new_probe (self, name, drill.argument[i]);
      g_autofree char *answer = NULL;

      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, drill.disk);
      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, drill.base);
      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, drill.runtime);
      answer = launch_fixture_probe (self, command, contained ? LODGE_LAUNCH_CONTAINED : 0);
      g_test_message ("%s %s: %s", name, contained ? "inside" : "outside", answer);
      if (g_str_has_prefix (answer, "reached") != !contained)
        g_error ("%s %s: %s", name, contained ? "inside" : "outside", answer);
    }
  }
  drill_tear_down (&drill);
}

static void
test_what_was_bound (LaunchFixture *self, gconstpointer data)
{
  Drill drill = {0};
  g_autofree char *socket_path = NULL;

  if (launch_fixture_skip_uncontained (self))
    return;

  drill_set_up (&drill, self);
  socket_path = g_build_filename (drill.runtime, "qmp.sock", NULL);
  {
    const char *const attempts[][2] = {
        {launch_probe_names[PROBE_READ_HOME], drill.base},
        {launch_probe_names[PROBE_WRITE_BASE], drill.disk},
        {launch_probe_names[PROBE_READ_HOME], "/dev/urandom"},
        {launch_probe_names[PROBE_READ_HOME], "/usr/bin/sh"},
        {"listen", socket_path},
    };

    for (guint i = 0; i < G_N_ELEMENTS (attempts); i++) {
      g_autoptr (LodgeCommand) command =
          launch_fixture_new_probe (self, attempts[i][0], attempts[i][1]);
      g_autofree char *answer = NULL;

      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, drill.disk);
      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, drill.base);
      lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, drill.runtime);
      answer = launch_fixture_probe (self, command, LODGE_LAUNCH_CONTAINED);
      if (!g_str_has_prefix (answer, "reached"))
        g_error ("%s %s: %s", attempts[i][0], attempts[i][1], answer);
    }
  }
  g_assert_true (g_file_test (socket_path, G_FILE_TEST_EXISTS));
  drill_tear_down (&drill);
}

/* A socket in a folder that is bound is reached, unless it is hidden. */
static void
test_hidden (LaunchFixture *self, gconstpointer data)
{
  Drill drill = {0};
  g_autofree char *path = NULL;
  int fd;

  if (launch_fixture_skip_uncontained (self))
    return;

  drill_set_up (&drill, self);
  path = g_build_filename (drill.runtime, "net.sock", NULL);
  fd = listen_unix (path, FALSE);
  for (guint hidden = 0; hidden < 2; hidden++) {
    g_autoptr (LodgeCommand) command =
        launch_fixture_new_probe (self, launch_probe_names[PROBE_CONNECT_UNIX], path);
    g_autofree char *answer = NULL;

    lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, drill.runtime);
    if (hidden)
      lodge_command_bind (command, LODGE_COMMAND_BIND_HIDDEN, path);
    answer = launch_fixture_probe (self, command, LODGE_LAUNCH_CONTAINED);
    g_assert_true (g_str_has_prefix (answer, hidden ? "refused" : "reached"));
  }
  close (fd);
  drill_tear_down (&drill);
}

/* With the host's network the loopback is reached, and still no file is. */
static void
test_network_flag (LaunchFixture *self, gconstpointer data)
{
  Drill drill = {0};
  const LodgeLaunchFlags flags = LODGE_LAUNCH_CONTAINED | LODGE_LAUNCH_NETWORK;

  if (launch_fixture_skip_uncontained (self))
    return;

  drill_set_up (&drill, self);
  {
    g_autoptr (LodgeCommand) tcp = launch_fixture_new_probe (
        self, launch_probe_names[PROBE_CONNECT_TCP], drill.argument[PROBE_CONNECT_TCP]);
    g_autoptr (LodgeCommand) file = launch_fixture_new_probe (
        self, launch_probe_names[PROBE_READ_HOME], drill.argument[PROBE_READ_HOME]);
    g_autofree char *reached = launch_fixture_probe (self, tcp, flags);
    g_autofree char *refused = launch_fixture_probe (self, file, flags);

    g_assert_cmpstr (reached, ==, "reached\n");
    g_assert_true (g_str_has_prefix (refused, "refused"));
  }
  drill_tear_down (&drill);
}

static void
add (const char *path, void (*test) (LaunchFixture *, gconstpointer))
{
  g_test_add (path, LaunchFixture, NULL, launch_fixture_set_up, test, launch_fixture_tear_down);
}

static void
add_tests (void)
{
  add ("/drill/taken-over", test_drill);
  add ("/drill/what-was-bound", test_what_was_bound);
  add ("/drill/hidden", test_hidden);
  add ("/drill/network-flag", test_network_flag);
}

int
main (int argc, char *argv[])
{
  return launch_fixture_main (argc, argv, add_tests);
}
