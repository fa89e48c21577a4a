/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl serial on a terminal of its own (a pty), and without one. */
#include "lodgectl-fixture.h"
#include "terminal-server.h"
#include "test-wait.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

typedef struct {
  Fixture base;
  TerminalServer *server;
  int master;
  int slave; /* ours: the program has a copy */
  GString *shown;
} Serial;

static void
serial_set_up (Serial *self, gconstpointer data)
{
  g_autofree char *path = NULL;

  set_up (&self->base, NULL);
  path = g_build_filename (self->base.folder, "serial.sock", NULL);
  self->server = terminal_server_new (path);
  fake_engine_add_terminal (self->base.engine, "web", "serial", "Serial Port", path);
  self->master = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  g_assert_cmpint (self->master, >=, 0);
  g_assert_cmpint (grantpt (self->master), ==, 0);
  g_assert_cmpint (unlockpt (self->master), ==, 0);
  self->slave = open (ptsname (self->master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  g_assert_cmpint (self->slave, >=, 0);
  self->shown = g_string_new (NULL);
}

static void
serial_tear_down (Serial *self, gconstpointer data)
{
  terminal_server_free (self->server);
  close (self->master);
  close (self->slave);
  g_string_free (self->shown, TRUE);
  tear_down (&self->base, NULL);
}

/* lodgectl serial web with the pty as its terminal. */
static GSubprocess *
attach (Serial *self)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  fake_engine_set_state (self->base.engine, "web", "running");
  g_subprocess_launcher_setenv (launcher, "LODGE_RUNTIME_DIR", self->base.runtime, TRUE);
  g_subprocess_launcher_take_stdin_fd (launcher, fcntl (self->slave, F_DUPFD_CLOEXEC, 3));
  g_subprocess_launcher_take_stdout_fd (launcher, fcntl (self->slave, F_DUPFD_CLOEXEC, 3));
  g_subprocess_launcher_take_stderr_fd (launcher, fcntl (self->slave, F_DUPFD_CLOEXEC, 3));
  process = g_subprocess_launcher_spawn (launcher, &error, get_program (), "serial", "web", NULL);
  g_assert_no_error (error);
  test_wait_until (terminal_server_get_n_clients (self->server) == 1);
  return process;
}

static gboolean
shows (Serial *self, const char *text)
{
  char words[4096];
  gssize length;

  while ((length = read (self->master, words, sizeof words)) > 0)
    g_string_append_len (self->shown, words, length);
  return strstr (self->shown->str, text) != NULL;
}

static void
type (Serial *self, const char *text)
{
  g_assert_cmpint (write (self->master, text, strlen (text)), ==, strlen (text));
}

static gboolean
is_raw (Serial *self)
{
  struct termios now;

  g_assert_cmpint (tcgetattr (self->slave, &now), ==, 0);
  return (now.c_lflag & (ICANON | ECHO | ISIG)) == 0;
}

static void
test_terminal (Serial *self, gconstpointer data)
{
  g_autoptr (GSubprocess) process = attach (self);
  g_autoptr (GError) error = NULL;

  test_wait_polled (shows (self, "Ctrl+]"));
  test_wait_polled (is_raw (self));
  terminal_server_say (self->server, "login: ", -1);
  test_wait_polled (shows (self, "login: "));
  /* Each key at once and as it is: Ctrl+C is the guest's. */
  type (self, "root\r\003");
  test_wait_until (g_str_equal (terminal_server_get_heard (self->server), "root\r\003"));

  type (self, "x\035y");
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  g_assert_no_error (error);
  test_wait_until (g_str_equal (terminal_server_get_heard (self->server), "root\r\003x"));
  g_assert_true (shows (self, "the guest goes on"));
  g_assert_false (is_raw (self));
  test_wait_until (terminal_server_get_n_clients (self->server) == 0);
}

/* Whatever ends it, the terminal is given back. */
static void
test_ends (Serial *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++) {
    g_autoptr (GSubprocess) process = attach (self);

    test_wait_polled (is_raw (self));
    if (i == 0)
      g_subprocess_send_signal (process, SIGTERM);
    else
      terminal_server_drop_clients (self->server);
    g_assert_true (g_subprocess_wait_check (process, NULL, &error));
    g_assert_no_error (error);
    g_assert_false (is_raw (self));
    test_wait_until (terminal_server_get_n_clients (self->server) == 0);
  }
  g_assert_true (shows (self, "The connection has ended."));
}

static void
test_log (Serial *self, gconstpointer data)
{
  g_autofree char *path = g_build_filename (self->base.folder, "serial.log", NULL);
  g_autofree char *content = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_auto (Output) output = {0};
  g_auto (Output) refused = {0};

  g_assert_true (g_file_set_contents (path, "before\n", -1, NULL));
  fake_engine_set_state (self->base.engine, "web", "running");
  process =
      spawn (&self->base, (const char *const[]){"serial", "web", "--log", "serial.log", NULL});
  test_wait_until (terminal_server_get_n_clients (self->server) == 1);
  terminal_server_say (self->server, "\033[31mred\033[0m\r\n", -1);
  terminal_server_drop_clients (self->server);
  output = collect (process);
  assert_done (&output);
  /* What is shown is as the guest wrote it, what is kept is text. */
  g_assert_cmpstr (output.out, ==, "\033[31mred\033[0m\r\n");
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "before\nred\n");

  refused = run (&self->base, "serial", "web", "--log", "/nonexistent/log");
  assert_fails (&refused, 1, "/nonexistent/log");
}

/* Nobody reads what it shows: it can still be ended, and keeps what there is for one who does. */
static void
test_stalled (Serial *self, gconstpointer data)
{
  const gsize length = 150000;
  g_autofree char *much = g_strnfill (length, 'x');
  g_auto (Output) output = {0};
  g_auto (Output) whole = {0};
  int filled = 0;

  fake_engine_set_state (self->base.engine, "web", "running");
  g_autoptr (GSubprocess) stalled =
      spawn (&self->base, (const char *const[]){"serial", "web", NULL});
  const int fd =
      g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (g_subprocess_get_stdout_pipe (stalled)));
  test_wait_until (terminal_server_get_n_clients (self->server) == 1);
  terminal_server_flood (self->server, much, 4096);
  /* As much as the pipe holds, and more waits for room in it. */
  test_wait_polled (ioctl (fd, FIONREAD, &filled) == 0 && filled >= fcntl (fd, F_GETPIPE_SZ));
  test_wait_polled (terminal_server_get_flooded (self->server) > (guint64) filled + 4096);
  g_subprocess_send_signal (stalled, SIGTERM);
  test_wait_until (terminal_server_get_n_clients (self->server) == 0);
  output = collect (stalled);
  assert_done (&output);

  g_autoptr (GSubprocess) slow = spawn (&self->base, (const char *const[]){"serial", "web", NULL});
  test_wait_until (terminal_server_get_n_clients (self->server) == 1);
  terminal_server_say (self->server, much, (gssize) length);
  terminal_server_drop_clients (self->server);
  whole = collect (slow);
  assert_done (&whole);
  g_assert_cmpstr (whole.out, ==, much);
}

static void
test_refused (Serial *self, gconstpointer data)
{
  g_auto (Output) off = run (&self->base, "serial", "web");
  g_auto (Output) monitor = {0};
  g_auto (Output) gone = {0};

  assert_fails (&off, 1, "start it first");
  fake_engine_set_state (self->base.engine, "web", "running");
  monitor = run (&self->base, "serial", "web", "--monitor");
  assert_fails (&monitor, 1, "terminal.monitor=yes");
  fake_engine_add_terminal (self->base.engine, "web", "monitor", "QEMU Console", "/nonexistent/m");
  gone = run (&self->base, "serial", "web", "--monitor");
  assert_fails (&gone, 1, "/nonexistent/m");
}

/* It runs, and has none. */
static void
test_missing (Fixture *self, gconstpointer data)
{
  g_auto (Output) off = run (self, "serial", "web", "--monitor");
  g_auto (Output) serial = {0};
  g_auto (Output) monitor = {0};

  assert_fails (&off, 1, "start it first");
  fake_engine_set_state (self->engine, "web", "running");
  serial = run (self, "serial", "web");
  assert_fails (&serial, 1, "no way to its serial port");
  monitor = run (self, "serial", "web", "--monitor");
  assert_fails (&monitor, 1, "terminal.monitor=yes");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, test)                                                                            \
  g_test_add ("/lodgectl-serial/" path, Serial, NULL, serial_set_up, test, serial_tear_down)
  ADD ("terminal", test_terminal);
  ADD ("ends", test_ends);
  ADD ("log", test_log);
  ADD ("stalled", test_stalled);
  ADD ("refused", test_refused);
  g_test_add ("/lodgectl-serial/missing", Fixture, NULL, set_up, test_missing, tear_down);
#undef ADD
  return g_test_run ();
}
