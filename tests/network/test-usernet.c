/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-usernet as a guest, a neighbour on the host, and its owner see it. */
#include "fake-host.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK 0x7f000001u

static void
test_lease (void)
{
  FakeHost host;

  /* Starting takes a lease. */
  fake_host_start (&host);
  fake_guest_resolve (host.guest, FAKE_GUEST_HOST);
  fake_guest_resolve (host.guest, FAKE_GUEST_NAMESERVER);
  fake_guest_settle (host.guest);
  g_assert_cmpuint (fake_host_count (&host, "dhcp-requests"), ==, 2);
  g_assert_cmpuint (fake_host_count (&host, "dhcp-answers"), ==, 2);
  g_assert_cmpuint (fake_host_count (&host, "frames-in"), ==, 5);
  g_assert_cmpuint (fake_host_count (&host, "refused"), ==, 0);
  fake_host_stop (&host);
}

/* Every way to write "this computer" that a guest may try. libslirp connects while it reads the
 * frame, so after settling an attempt that went through is in the server's queue. */
static void
test_loopback (void)
{
  const guint32 targets[] = {FAKE_GUEST_HOST,       LOOPBACK,    0x7f010203u, 0,
                             FAKE_GUEST_NAMESERVER, 0x0a0002ffu, 0xffffffffu, 0x0a000263u};
  FakeHost host;
  guint16 port, datagram_port;
  int server = fake_host_listen (SOCK_STREAM, &port);
  int datagrams = fake_host_listen (SOCK_DGRAM, &datagram_port);
  int client;

  fake_host_start (&host);
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++) {
    fake_guest_send_tcp (host.guest, (guint16) (40000 + i), targets[i], port, 1, 0, FAKE_TCP_SYN,
                         "");
    fake_guest_send_udp (host.guest, (guint16) (40000 + i), targets[i], datagram_port, "hello");
  }
  fake_guest_settle (host.guest);
  g_assert_false (fake_host_is_ready (server));
  g_assert_false (fake_host_is_ready (datagrams));
  /* 127.x twice, 0.0.0.0, both broadcasts and a neighbour that is not there, each with both
   * protocols; libslirp answers for the other two. */
  g_assert_cmpuint (fake_host_count (&host, "refused"), ==, 12);

  /* The server would have noticed. */
  client = fake_host_connect (SOCK_STREAM, port);
  g_assert_true (fake_host_is_ready (server));
  close (client);
  close (server);
  close (datagrams);
  fake_host_stop (&host);
}

/* A connection to 10.0.2.2 is told so, and does not hang. */
static void
test_refused (void)
{
  FakeHost host;
  FakePacket packet;
  guint16 port;
  int server = fake_host_listen (SOCK_STREAM, &port);

  fake_host_start (&host);
  fake_guest_send_tcp (host.guest, 40000, FAKE_GUEST_HOST, port, 1, 0, FAKE_TCP_SYN, "");
  do {
    g_assert_true (fake_guest_read (host.guest, &packet));
  } while (!(packet.protocol == IPPROTO_TCP && (packet.flags & FAKE_TCP_RST)) &&
           !(packet.protocol == IPPROTO_ICMP && packet.flags == 3));
  g_assert_cmpuint (packet.target, ==, FAKE_GUEST_ADDRESS);
  g_assert_false (fake_host_is_ready (server));
  close (server);
  fake_host_stop (&host);
}

/* A host's client greets, the guest answers, both say goodbye. */
static void
talk_tcp (FakeHost *host, guint16 port)
{
  int client = fake_host_connect (SOCK_STREAM, port);
  FakePacket packet;
  guint32 sequence;
  guint16 peer;

  g_assert_cmpint (client, >=, 0);
  fake_guest_wait_tcp (host->guest, 22, FAKE_TCP_SYN, &packet);
  g_assert_cmpuint (packet.source, ==, FAKE_GUEST_HOST);
  peer = packet.source_port;
  sequence = packet.sequence + 1;
  fake_guest_send_tcp (host->guest, 22, FAKE_GUEST_HOST, peer, 1000, sequence,
                       FAKE_TCP_SYN | FAKE_TCP_ACK, "");

  g_assert_cmpint (send (client, "ping", 4, MSG_NOSIGNAL), ==, 4);
  do {
    fake_guest_wait_tcp (host->guest, 22, FAKE_TCP_ACK, &packet);
  } while (packet.size_bytes == 0);
  g_assert_cmpmem (packet.payload, packet.size_bytes, "ping", 4);
  g_assert_cmpuint (packet.sequence, ==, sequence);
  fake_guest_send_tcp (host->guest, 22, FAKE_GUEST_HOST, peer, 1001, sequence + 4,
                       FAKE_TCP_ACK | FAKE_TCP_PSH, "pong");
  fake_host_expect (client, "pong");

  close (client);
  fake_guest_wait_tcp (host->guest, 22, FAKE_TCP_FIN, &packet);
  fake_guest_send_tcp (host->guest, 22, FAKE_GUEST_HOST, peer, 1005, sequence + 5,
                       FAKE_TCP_RST | FAKE_TCP_ACK, "");
  fake_guest_settle (host->guest);
}

static void
test_forward_tcp (void)
{
  guint16 port = fake_host_free_port (SOCK_STREAM);
  g_autofree char *rule =
      g_strdup_printf ("{\"id\":\"l\",\"forwards\":[\"tcp:127.0.0.1:%u:22\"]}", (guint) port);
  g_autofree char *added = NULL;
  g_autofree char *again = NULL;
  g_autofree char *list = NULL;
  g_autofree char *other = NULL;
  g_autofree char *removed = NULL;
  g_autofree char *gone = NULL;
  FakeHost host;

  fake_host_start (&host);
  g_assert_cmpint (fake_host_connect (SOCK_STREAM, port), ==, -1);
  added = fake_host_forward (&host, "add", "tcp", port, 22);
  g_assert_cmpstr (added, ==, "{\"id\":\"f\"}");
  again = fake_host_forward (&host, "add", "tcp", port, 23);
  fake_host_assert_error (again, "duplicate");
  list = fake_host_ask (host.control, "{\"id\":\"l\",\"do\":\"list\"}");
  g_assert_cmpstr (list, ==, rule);

  talk_tcp (&host, port);
  talk_tcp (&host, port);

  other = fake_host_forward (&host, "remove", "tcp", port, 23);
  fake_host_assert_error (other, "not-found");
  removed = fake_host_forward (&host, "remove", "tcp", port, 22);
  g_assert_cmpstr (removed, ==, "{\"id\":\"f\"}");
  g_assert_cmpint (fake_host_connect (SOCK_STREAM, port), ==, -1);
  gone = fake_host_forward (&host, "remove", "tcp", port, 22);
  fake_host_assert_error (gone, "not-found");
  fake_host_stop (&host);
}

/* Answers go back to the loopback, and only to who asked. */
static void
test_forward_udp (void)
{
  guint16 port = fake_host_free_port (SOCK_DGRAM), bystander_port;
  int bystander = fake_host_listen (SOCK_DGRAM, &bystander_port);
  g_autofree char *added = NULL;
  FakeHost host;
  FakePacket packet;
  int client;

  fake_host_start (&host);
  added = fake_host_forward (&host, "add", "udp", port, 53);
  g_assert_cmpstr (added, ==, "{\"id\":\"f\"}");
  client = fake_host_connect (SOCK_DGRAM, port);
  g_assert_cmpint (client, >=, 0);

  /* Twice: libslirp translates the first question itself and then no more. */
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (send (client, "question", 8, MSG_NOSIGNAL), ==, 8);
    fake_guest_wait_udp (host.guest, 53, &packet);
    g_assert_cmpuint (packet.source, ==, FAKE_GUEST_HOST);
    g_assert_cmpmem (packet.payload, packet.size_bytes, "question", 8);
    fake_guest_send_udp (host.guest, 53, FAKE_GUEST_HOST, packet.source_port, "answer");
    fake_host_expect (client, "answer");
  }

  fake_guest_send_udp (host.guest, 53, FAKE_GUEST_HOST, bystander_port, "not asked");
  fake_guest_send_udp (host.guest, 54, FAKE_GUEST_HOST, packet.source_port, "not from there");
  fake_guest_send_udp (host.guest, 53, LOOPBACK, packet.source_port, "not by that name");
  fake_guest_settle (host.guest);
  g_assert_false (fake_host_is_ready (bystander));
  g_assert_false (fake_host_is_ready (client));
  close (client);
  close (bystander);
  fake_host_stop (&host);
}

static gboolean
listen6 (int *out_fd, guint16 *out_port)
{
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  socklen_t size = sizeof address;
  int fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) != 0) {
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  g_assert_cmpint (listen (fd, 4), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &size), ==, 0);
  *out_port = ntohs (address.sin6_port);
  *out_fd = fd;
  return TRUE;
}

static int
connect6 (guint16 port)
{
  struct sockaddr_in6 address = {
      .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_port = htons (port)};
  int fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

static void
test_loopback6 (void)
{
  static const char *const targets[] = {"fec0::2", "::1", "::", "::ffff:127.0.0.1", "fec0::7"};
  FakeHost host;
  guint16 port;
  int server, client;

  if (!listen6 (&server, &port)) {
    g_test_skip ("this computer has no IPv6 loopback");
    return;
  }
  fake_host_start (&host);
  fake_guest_solicit6 (host.guest);
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    fake_guest_send_tcp6 (host.guest, (guint16) (40000 + i), targets[i], port, 1, 0, FAKE_TCP_SYN,
                          "");
  fake_guest_settle (host.guest);
  g_assert_false (fake_host_is_ready (server));
  client = connect6 (port);
  g_assert_true (fake_host_is_ready (server));
  close (client);
  close (server);
  fake_host_stop (&host);
}

static void
test_forward6 (void)
{
  g_autofree char *line = NULL;
  g_autofree char *added = NULL;
  FakeHost host;
  FakePacket packet;
  guint16 port, peer;
  guint32 sequence;
  char buffer[1];
  int server, client;

  if (!listen6 (&server, &port)) {
    g_test_skip ("this computer has no IPv6 loopback");
    return;
  }
  close (server);
  fake_host_start (&host);
  line = g_strdup_printf ("{\"do\":\"add\",\"protocol\":\"tcp\",\"address\":\"::1\","
                          "\"port\":\"%u\",\"guest-port\":\"22\"}",
                          (guint) port);
  added = fake_host_ask (host.control, line);
  g_assert_cmpstr (added, ==, "{\"id\":\"\"}");

  /* Nobody is there yet: taken and closed. */
  client = connect6 (port);
  g_assert_cmpint (client, >=, 0);
  g_assert_cmpint (recv (client, buffer, 1, 0), ==, 0);
  close (client);

  fake_guest_solicit6 (host.guest);
  client = connect6 (port);
  g_assert_cmpint (client, >=, 0);
  fake_guest_wait_tcp (host.guest, 22, FAKE_TCP_SYN, &packet);
  g_assert_cmpuint (packet.ethertype, ==, 0x86dd);
  peer = packet.source_port;
  sequence = packet.sequence + 1;
  fake_guest_send_tcp6 (host.guest, 22, "fec0::2", peer, 1000, sequence,
                        FAKE_TCP_SYN | FAKE_TCP_ACK, "");
  fake_guest_send_tcp6 (host.guest, 22, "fec0::2", peer, 1001, sequence,
                        FAKE_TCP_ACK | FAKE_TCP_PSH, "hello");
  fake_host_expect (client, "hello");
  close (client);
  fake_host_stop (&host);
}

static void
test_taken (void)
{
  guint16 port;
  int server = fake_host_listen (SOCK_STREAM, &port);
  g_autofree char *answer = NULL;
  g_autofree char *list = NULL;
  FakeHost host;

  fake_host_start (&host);
  answer = fake_host_forward (&host, "add", "tcp", port, 22);
  fake_host_assert_error (answer, "exists");
  list = fake_host_ask (host.control, "{\"id\":\"l\",\"do\":\"list\"}");
  g_assert_cmpstr (list, ==, "{\"id\":\"l\",\"forwards\":[]}");
  close (server);
  fake_host_stop (&host);
}

static void
test_foreign_address (void)
{
  g_autofree char *answer = NULL;
  FakeHost host;

  fake_host_start (&host);
  /* RFC 5737: no computer has it. */
  answer = fake_host_ask (host.control,
                          "{\"do\":\"add\",\"protocol\":\"tcp\",\"address\":\"203.0.113.77\","
                          "\"port\":\"2222\",\"guest-port\":\"22\"}");
  fake_host_assert_error (answer, "no-address");
  fake_host_stop (&host);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/usernet/lease", test_lease);
  g_test_add_func ("/network/usernet/loopback", test_loopback);
  g_test_add_func ("/network/usernet/refused", test_refused);
  g_test_add_func ("/network/usernet/forward-tcp", test_forward_tcp);
  g_test_add_func ("/network/usernet/forward-udp", test_forward_udp);
  g_test_add_func ("/network/usernet/loopback6", test_loopback6);
  g_test_add_func ("/network/usernet/forward6", test_forward6);
  g_test_add_func ("/network/usernet/taken", test_taken);
  g_test_add_func ("/network/usernet/foreign-address", test_foreign_address);
  return g_test_run ();
}
