/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program lodge-usernet without the engine. */
#include "fake-host.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 30000

static int
listen_unix (const char *path)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (fd, 16), ==, 0);
  return fd;
}

void
fake_host_start (FakeHost *self)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  const char *folder = g_getenv ("LODGE_LIBEXECDIR");
  g_autofree char *program = NULL;
  g_autoptr (GError) error = NULL;
  int ends[2];

  g_assert_nonnull (folder);
  program = g_build_filename (folder, "lodge-usernet", NULL);
  self->folder = g_dir_make_tmp ("lodge-usernet-XXXXXX", &error);
  g_assert_no_error (error);
  self->socket_path = g_build_filename (self->folder, "net.ctl", NULL);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  g_subprocess_launcher_take_fd (launcher, ends[1], 3);
  g_subprocess_launcher_take_fd (launcher, listen_unix (self->socket_path), 4);
  self->process =
      g_subprocess_launcher_spawn (launcher, &error, program, "--wire=3", "--control=4", NULL);
  g_assert_no_error (error);
  /* The copies here would keep the wire open. */
  g_subprocess_launcher_close (launcher);

  self->guest = fake_guest_new (ends[0]);
  self->control = fake_host_connect_control (self);
  g_assert_cmpuint (fake_guest_lease (self->guest), ==, FAKE_GUEST_ADDRESS);
}

void
fake_host_wait_end (FakeHost *self)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_wait (self->process, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (self->process));
  g_assert_cmpint (g_subprocess_get_exit_status (self->process), ==, 0);
}

void
fake_host_stop (FakeHost *self)
{
  g_clear_pointer (&self->guest, fake_guest_free);
  fake_host_wait_end (self);
  g_clear_object (&self->process);
  if (self->control >= 0)
    close (self->control);
  g_assert_cmpint (g_unlink (self->socket_path), ==, 0);
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->socket_path);
  g_free (self->folder);
}

int
fake_host_connect_control (FakeHost *self)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_strlcpy (address.sun_path, self->socket_path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static void
wait_readable (int fd)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

  g_assert_cmpint (poll (&poll_fd, 1, WAIT_MS), ==, 1);
}

char *
fake_host_ask (int control, const char *line)
{
  g_autoptr (GString) answer = g_string_new (NULL);
  gsize length = strlen (line);
  char c;

  /* Both fail when the other side has closed, which is then seen by the read. */
  (void) !send (control, line, length, MSG_NOSIGNAL);
  (void) !send (control, "\n", 1, MSG_NOSIGNAL);
  for (;;) {
    wait_readable (control);
    if (recv (control, &c, 1, 0) != 1)
      return NULL;
    if (c == '\n')
      return g_string_free (g_steal_pointer (&answer), FALSE);
    g_string_append_c (answer, c);
  }
}

void
fake_host_assert_error (const char *answer, const char *code)
{
  g_autofree char *member = g_strdup_printf ("\"error\":\"%s\"", code);

  g_assert_nonnull (answer);
  g_assert_nonnull (strstr (answer, member));
}

guint64
fake_host_count (FakeHost *self, const char *name)
{
  g_autofree char *answer = fake_host_ask (self->control, "{\"id\":\"count\",\"do\":\"count\"}");
  g_autofree char *key = g_strdup_printf ("\"%s\":", name);
  const char *at;

  g_assert_nonnull (answer);
  at = strstr (answer, key);
  g_assert_nonnull (at);
  return g_ascii_strtoull (at + strlen (key), NULL, 10);
}

char *
fake_host_forward (
    FakeHost *self, const char *verb, const char *protocol, guint16 port, guint16 guest_port)
{
  g_autofree char *line = g_strdup_printf ("{\"id\":\"f\",\"do\":\"%s\",\"protocol\":\"%s\","
                                           "\"address\":\"127.0.0.1\",\"port\":\"%u\","
                                           "\"guest-port\":\"%u\"}",
                                           verb, protocol, (guint) port, (guint) guest_port);

  return fake_host_ask (self->control, line);
}

int
fake_host_listen (int type, guint16 *out_port)
{
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  if (type == SOCK_STREAM)
    g_assert_cmpint (listen (fd, 16), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &size), ==, 0);
  *out_port = ntohs (address.sin_port);
  return fd;
}

guint16
fake_host_free_port (int type)
{
  guint16 port;

  close (fake_host_listen (type, &port));
  return port;
}

int
fake_host_connect (int type, guint16 port)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (port)};
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

gboolean
fake_host_is_ready (int fd)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

  return poll (&poll_fd, 1, 0) == 1;
}

void
fake_host_expect (int fd, const char *text)
{
  g_autoptr (GString) got = g_string_new (NULL);

  while (got->len < strlen (text)) {
    char buffer[256];
    gssize n;

    wait_readable (fd);
    n = recv (fd, buffer, sizeof buffer, 0);
    g_assert_cmpint (n, >, 0);
    g_string_append_len (got, buffer, n);
  }
  g_assert_cmpstr (got->str, ==, text);
}
