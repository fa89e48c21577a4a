/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The outside as a guest sees it, in namespaces of the test's own: a computer at 198.51.100.1, and
 * a resolv.conf that says 127.0.0.53, where somebody listens. */
#include "fake-host.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTSIDE 0xc6336401u /* 198.51.100.1, of RFC 5737 */
#define STUB    0x7f000035u /* 127.0.0.53, where systemd-resolved listens */

static gboolean
write_text (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean done = fd >= 0 && write (fd, text, strlen (text)) == (gssize) strlen (text);

  if (fd >= 0)
    close (fd);
  return done;
}

/* The loopback, and a second address on it that is no loopback address. */
static gboolean
raise_interface (void)
{
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  struct ifreq second = {.ifr_name = "lo:1"};
  struct sockaddr_in *address = (struct sockaddr_in *) &second.ifr_addr;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  gboolean done;

  address->sin_family = AF_INET;
  address->sin_addr.s_addr = htonl (OUTSIDE);
  done = ioctl (fd, SIOCSIFFLAGS, &request) == 0 && ioctl (fd, SIOCSIFADDR, &second) == 0;
  close (fd);
  return done;
}

/* Own users, network and mounts, with @resolv_conf over the system's. */
static gboolean
enter_namespaces (const char *resolv_conf)
{
  g_autofree char *map = g_strdup_printf ("0 %u 1", (guint) geteuid ());

  return unshare (CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) == 0 &&
         write_text ("/proc/self/uid_map", map) && raise_interface () &&
         mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount (resolv_conf, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
}

static int
serve (int type, guint32 where, guint16 port)
{
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (port)};
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (where);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  if (type == SOCK_STREAM)
    g_assert_cmpint (listen (fd, 4), ==, 0);
  return fd;
}

static void
answer_query (int server)
{
  struct pollfd poll_fd = {.fd = server, .events = POLLIN};
  struct sockaddr_in from;
  socklen_t size = sizeof from;
  char buffer[64];

  g_assert_cmpint (poll (&poll_fd, 1, 30000), ==, 1);
  g_assert_cmpint (recvfrom (server, buffer, sizeof buffer, 0, (struct sockaddr *) &from, &size),
                   ==, 5);
  g_assert_cmpmem (buffer, 5, "query", 5);
  g_assert_cmpint (sendto (server, "reply", 5, 0, (struct sockaddr *) &from, size), ==, 5);
}

static void
run_stub (void)
{
  FakeHost host;
  FakePacket packet;
  int names, tcp_names, other, other_udp;

  names = serve (SOCK_DGRAM, STUB, 53);
  tcp_names = serve (SOCK_STREAM, STUB, 53);
  other = serve (SOCK_STREAM, STUB, 80);
  other_udp = serve (SOCK_DGRAM, STUB, 5353);

  fake_host_start (&host);
  fake_guest_resolve (host.guest, FAKE_GUEST_NAMESERVER);
  fake_guest_send_udp (host.guest, 40000, FAKE_GUEST_NAMESERVER, 53, "query");
  answer_query (names);
  fake_guest_wait_udp (host.guest, 40000, &packet);
  g_assert_cmpuint (packet.source, ==, FAKE_GUEST_NAMESERVER);
  g_assert_cmpuint (packet.source_port, ==, 53);
  g_assert_cmpmem (packet.payload, packet.size_bytes, "reply", 5);

  /* Long answers come by TCP. */
  fake_guest_send_tcp (host.guest, 40001, FAKE_GUEST_NAMESERVER, 53, 1, 0, FAKE_TCP_SYN, "");
  fake_guest_wait_tcp (host.guest, 40001, FAKE_TCP_SYN | FAKE_TCP_ACK, &packet);
  g_assert_true (fake_host_is_ready (tcp_names));

  /* By no other port, and not by its own name. */
  fake_guest_send_tcp (host.guest, 40002, FAKE_GUEST_NAMESERVER, 80, 1, 0, FAKE_TCP_SYN, "");
  fake_guest_send_udp (host.guest, 40003, FAKE_GUEST_NAMESERVER, 5353, "query");
  fake_guest_send_udp (host.guest, 40004, STUB, 53, "query");
  fake_guest_settle (host.guest);
  g_assert_false (fake_host_is_ready (other));
  g_assert_false (fake_host_is_ready (other_udp));
  g_assert_false (fake_host_is_ready (names));

  fake_host_stop (&host);
  close (names);
  close (tcp_names);
  close (other);
  close (other_udp);
}

/* What byte the download has at that place. */
static guint8
pattern (gsize at)
{
  return (guint8) (at * 31 + at / 251);
}

/* A long answer from outside: whole, in order, and no faster than the guest takes it. */
static void
run_download (void)
{
  const gsize total = 1024 * 1024;
  g_autofree guint8 *data = g_malloc (total);
  int server = serve (SOCK_STREAM, OUTSIDE, 80), peer;
  gsize sent = 0, got = 0;
  FakeHost host;
  FakePacket packet;
  guint32 first;

  for (gsize i = 0; i < total; i++)
    data[i] = pattern (i);
  fake_host_start (&host);
  fake_guest_send_tcp (host.guest, 40000, OUTSIDE, 80, 100, 0, FAKE_TCP_SYN, "");
  fake_guest_wait_tcp (host.guest, 40000, FAKE_TCP_SYN | FAKE_TCP_ACK, &packet);
  g_assert_cmpuint (packet.source, ==, OUTSIDE);
  first = packet.sequence + 1;
  peer = accept (server, NULL, NULL);
  g_assert_cmpint (peer, >=, 0);
  fake_guest_send_tcp (host.guest, 40000, OUTSIDE, 80, 101, first, FAKE_TCP_ACK | FAKE_TCP_PSH,
                       "get");
  fake_host_expect (peer, "get");

  while (got < total) {
    gssize n = send (peer, data + sent, total - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

    sent += n > 0 ? (gsize) n : 0;
    fake_guest_wait_tcp (host.guest, 40000, FAKE_TCP_ACK, &packet);
    /* What was sent twice is passed over. */
    if (packet.sequence == first + got) {
      g_assert_cmpmem (packet.payload, packet.size_bytes, data + got, packet.size_bytes);
      got += packet.size_bytes;
    }
    fake_guest_send_tcp (host.guest, 40000, OUTSIDE, 80, 104, (guint32) (first + got), FAKE_TCP_ACK,
                         "");
  }
  close (peer);
  fake_guest_wait_tcp (host.guest, 40000, FAKE_TCP_FIN, &packet);
  fake_host_stop (&host);
  close (server);
}

/* Whether the kernel gives namespaces here; tried in a child, as there is no way back. */
static gboolean
can_enter (void)
{
  int status = -1;
  pid_t child = fork ();

  if (child == 0)
    _exit (enter_namespaces ("/etc/resolv.conf") ? 0 : 1);
  return child > 0 && waitpid (child, &status, 0) == child && status == 0;
}

/* Runs in a process of its own, which does not come back from its namespaces. */
static void
run (void (*inside) (void))
{
  g_autofree char *resolv_conf = NULL;
  int fd;

  if (!g_test_subprocess ()) {
    if (!can_enter ()) {
      g_test_skip ("no user, network and mount namespaces, or no /etc/resolv.conf, here");
      return;
    }
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed ();
    g_test_trap_assert_stdout ("*the end*");
    return;
  }

  fd = g_file_open_tmp ("lodge-resolv-XXXXXX", &resolv_conf, NULL);
  g_assert_cmpint (fd, >=, 0);
  close (fd);
  g_assert_true (
      g_file_set_contents (resolv_conf, "# a comment\nnameserver 127.0.0.53\n", -1, NULL));
  g_assert_true (enter_namespaces (resolv_conf));
  inside ();
  g_assert_cmpint (umount2 ("/etc/resolv.conf", MNT_DETACH), ==, 0);
  g_assert_cmpint (g_unlink (resolv_conf), ==, 0);
  g_print ("the end\n");
}

static void
test_stub (void)
{
  run (run_stub);
}

static void
test_download (void)
{
  run (run_download);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/outside/name-server", test_stub);
  g_test_add_func ("/network/outside/download", test_download);
  return g_test_run ();
}
