/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-usernet as a guest, a neighbour on the host, and its owner see it. */
#include "fake-host.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK 0x7f000001u

/* The process leaves its system call filter out under the sanitizers; gcc and clang name them
 * differently. */
#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER
#endif
#endif

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
assert_error (const char *answer, const char *code)
{
  g_autofree char *member = g_strdup_printf ("\"error\":\"%s\"", code);

  g_assert_nonnull (answer);
  g_assert_nonnull (strstr (answer, member));
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
  assert_error (again, "duplicate");
  list = fake_host_ask (host.control, "{\"id\":\"l\",\"do\":\"list\"}");
  g_assert_cmpstr (list, ==, rule);

  talk_tcp (&host, port);
  talk_tcp (&host, port);

  other = fake_host_forward (&host, "remove", "tcp", port, 23);
  assert_error (other, "not-found");
  removed = fake_host_forward (&host, "remove", "tcp", port, 22);
  g_assert_cmpstr (removed, ==, "{\"id\":\"f\"}");
  g_assert_cmpint (fake_host_connect (SOCK_STREAM, port), ==, -1);
  gone = fake_host_forward (&host, "remove", "tcp", port, 22);
  assert_error (gone, "not-found");
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
  assert_error (answer, "exists");
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
  assert_error (answer, "no-address");
  fake_host_stop (&host);
}

static void
test_bad_lines (void)
{
  static const char *const lines[] = {
      "",
      "hello",
      "{",
      "[]",
      "\"text\"",
      "{\"do\":1}",
      "{\"do\":{\"do\":\"list\"}}",
      "{\"do\":\"dance\"}",
      "{}",
      "{\"do\":\"add\"}",
      "{\"do\":\"add\",\"protocol\":\"tcp\",\"address\":\"localhost\",\"port\":\"1\",\"guest-"
      "port\":\"1\"}",
      "{\"do\":\"add\",\"protocol\":\"tcp\",\"address\":\"127.0.0.1\",\"port\":\"0\",\"guest-"
      "port\":\"1\"}",
      "{\"do\":\"add\",\"protocol\":\"tcp\",\"address\":\"127.0.0.1\",\"port\":\"65536\",\"guest-"
      "port\":\"1\"}",
      "{\"do\":\"add\",\"protocol\":\"icmp\",\"address\":\"127.0.0.1\",\"port\":\"1\",\"guest-"
      "port\":\"1\"}",
      "{\"do\":\"add\",\"protocol\":\"udp\",\"address\":\"::1\",\"port\":\"5353\",\"guest-port\":"
      "\"1\"}",
      "{\"do\":\"remove\",\"protocol\":\"tcp\",\"address\":\"\",\"port\":\"1\",\"guest-port\":"
      "\"1\"}",
      "\x01\xff\xfe",
  };
  FakeHost host;

  fake_host_start (&host);
  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree char *answer = fake_host_ask (host.control, lines[i]);

    assert_error (answer, "invalid");
  }
  fake_host_stop (&host);
}

static void
test_long_line (void)
{
  g_autofree char *line = g_strnfill (5000, 'x');
  g_autofree char *answer = NULL;
  g_autofree char *id = g_strdup_printf ("{\"id\":\"%.200s\",\"do\":\"list\"}", line);
  g_autofree char *cut = NULL;
  FakeHost host;
  int second;

  fake_host_start (&host);
  second = fake_host_connect_control (&host);
  answer = fake_host_ask (second, line);
  g_assert_null (answer);
  close (second);
  /* The others do not notice. */
  cut = fake_host_ask (host.control, id);
  g_assert_cmpstr (cut, ==, "{\"id\":\"\",\"forwards\":[]}");
  fake_host_stop (&host);
}

/* More clients than there are places: the last one waits for its turn. */
static void
test_clients (void)
{
  int clients[7];
  g_autofree char *answer = NULL;
  FakeHost host;
  int last;

  fake_host_start (&host);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++) {
    g_autofree char *each = NULL;

    clients[i] = fake_host_connect_control (&host);
    each = fake_host_ask (clients[i], "{\"id\":\"l\",\"do\":\"list\"}");
    g_assert_nonnull (each);
  }
  last = fake_host_connect_control (&host);
  g_assert_cmpuint (fake_host_count (&host, "refused"), ==, 0);
  close (clients[3]);
  answer = fake_host_ask (last, "{\"id\":\"9\",\"do\":\"list\"}");
  g_assert_cmpstr (answer, ==, "{\"id\":\"9\",\"forwards\":[]}");
  close (last);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    if (i != 3)
      close (clients[i]);
  fake_host_stop (&host);
}

/* A client that asks and does not read is closed, and nobody else waits for it. */
static void
test_deaf_client (void)
{
  g_autofree char *many = NULL;
  GString *lines = g_string_new (NULL);
  FakeHost host;
  int deaf;

  fake_host_start (&host);
  deaf = fake_host_connect_control (&host);
  for (guint i = 0; i < 100; i++)
    g_string_append (lines, "{\"do\":\"count\"}\n");
  many = g_string_free (lines, FALSE);
  /* Ends when the program closes: sending fails. */
  while (send (deaf, many, strlen (many), MSG_NOSIGNAL) > 0)
    ;
  close (deaf);
  g_assert_cmpuint (fake_host_count (&host, "refused"), ==, 0);
  fake_host_stop (&host);
}

/* A guest that makes more connections than the program has descriptors: its owner still gets in. */
static void
test_exhaustion (void)
{
  g_autofree char *refused = NULL;
  g_autofree char *answer = NULL;
  FakeHost host;
  int second;

  fake_host_start (&host);
  /* Each source port is a socket, for some minutes; the datagrams go nowhere. */
  for (guint i = 0; i < 6000; i++) {
    FakePacket packet;

    fake_guest_send_udp (host.guest, (guint16) (20000 + i), FAKE_GUEST_HOST, 7, "");
    /* libslirp says that it was refused; once it has no descriptor left it says nothing. */
    while (fake_guest_has_frame (host.guest))
      g_assert_true (fake_guest_read (host.guest, &packet));
  }
  fake_guest_settle (host.guest);
  refused = fake_host_forward (&host, "add", "tcp", fake_host_free_port (SOCK_STREAM), 22);
  assert_error (refused, "full");
  second = fake_host_connect_control (&host);
  answer = fake_host_ask (second, "{\"id\":\"2\",\"do\":\"list\"}");
  g_assert_cmpstr (answer, ==, "{\"id\":\"2\",\"forwards\":[]}");
  close (second);
  fake_host_stop (&host);
}

static void
test_stop (void)
{
  g_autofree char *answer = NULL;
  FakePacket packet;
  FakeHost host;

  fake_host_start (&host);
  answer = fake_host_ask (host.control, "{\"do\":\"stop\"}");
  while (fake_guest_read (host.guest, &packet))
    ;
  fake_host_stop (&host);
}

/* Frames that no network has: none of them matters, and the next good one is answered. */
static void
test_garbage (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  guint8 frame[2000];
  FakeHost host;

  fake_host_start (&host);
  for (guint i = 0; i < 5000; i++) {
    gsize size = (gsize) g_rand_int_range (rand, 0, sizeof frame);
    static const guint16 ethertypes[] = {0x0800, 0x86dd, 0x0806, 0x88f8, 0x8100};
    guint16 ethertype = ethertypes[i % G_N_ELEMENTS (ethertypes)];

    for (gsize j = 0; j < size; j++)
      frame[j] = (guint8) g_rand_int (rand);
    frame[12] = (guint8) (ethertype >> 8);
    frame[13] = (guint8) ethertype;
    /* Every other one gets as far as the addresses. */
    if (i % 2 == 0) {
      frame[14] = ethertype == 0x86dd ? 0x60 : 0x45;
      memcpy (frame + 30, (guint8[]){10, 0, 2, 2}, 4);
    }
    fake_guest_send_frame (host.guest, frame, size);
  }
  fake_guest_settle (host.guest);
  g_assert_cmpuint (fake_host_count (&host, "refused"), >, 1000);
  fake_host_stop (&host);
}

static void
test_oversize (void)
{
  g_autofree guint8 *big = g_malloc0 (200000);
  FakeHost host;

  fake_host_start (&host);
  fake_guest_send_frame (host.guest, big, 65550);
  fake_guest_send_frame (host.guest, big, 65551);
  fake_guest_send_frame (host.guest, big, 200000);
  fake_guest_send_frame (host.guest, big, 13);
  fake_guest_send_frame (host.guest, big, 0);
  fake_guest_settle (host.guest);
  g_assert_cmpuint (fake_host_count (&host, "skipped-in"), ==, 4);
  fake_host_stop (&host);
}

/* What ends the wire ends the program, with no error. */
static void
test_wire_ends (void)
{
  static const struct {
    const char *bytes;
    gsize size;
  } rows[] = {
      {"\xff\xff\xff\xff", 4},            /* a length of 4 GiB */
      {"\x00\x10\x00\x01", 4},            /* one over the limit */
      {"\x00\x00", 2},                    /* half a length */
      {"\x00\x00\x00\x40some bytes", 14}, /* part of a frame */
      {"", 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    FakeHost host;

    fake_host_start (&host);
    fake_guest_send_raw (host.guest, rows[i].bytes, rows[i].size);
    /* The first two end without the wire being closed here. */
    if (i < 2)
      fake_host_wait_end (&host);
    fake_host_stop (&host);
  }
}

/* Frames cut anywhere are put together again. */
static void
test_pieces (void)
{
  guint8 frame[4 + 14] = {0, 0, 0, 14};
  FakeHost host;

  fake_host_start (&host);
  for (guint i = 0; i < 100; i++)
    for (gsize j = 0; j < sizeof frame; j++)
      fake_guest_send_raw (host.guest, frame + j, 1);
  fake_guest_settle (host.guest);
  g_assert_cmpuint (fake_host_count (&host, "frames-in"), ==, 103);
  fake_host_stop (&host);
}

/* A guest that sends and never reads: frames for it are dropped, and the program goes on. */
static void
test_back_pressure (void)
{
  FakeHost host;
  FakePacket packet;
  guint8 arp[14 + 28] = {0};
  guint64 out, dropped;

  fake_host_start (&host);
  memcpy (arp + 12, (guint8[]){0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1}, 10);
  memcpy (arp + 14 + 14, (guint8[]){10, 0, 2, 15}, 4);
  memcpy (arp + 14 + 24, (guint8[]){10, 0, 2, 2}, 4);
  do {
    for (guint i = 0; i < 1000; i++)
      fake_guest_send_frame (host.guest, arp, sizeof arp);
  } while (fake_host_count (&host, "dropped-out") == 0);

  /* What was taken arrives whole and in order; settling needs a free place for its answer. */
  dropped = fake_host_count (&host, "dropped-out");
  g_assert_cmpuint (dropped, >, 0);
  out = fake_host_count (&host, "frames-out") - 2;
  for (guint64 i = 0; i < out; i++) {
    g_assert_true (fake_guest_read (host.guest, &packet));
    g_assert_cmpuint (packet.ethertype, ==, 0x0806);
    g_assert_cmpuint (packet.source, ==, FAKE_GUEST_HOST);
  }
  fake_guest_settle (host.guest);
  fake_host_stop (&host);
}

/* What the kernel says the program may do. */
#ifndef HAS_SANITIZER
static void
test_sandbox (void)
{
  g_autofree char *path = NULL;
  g_autofree char *status = NULL;
  g_autofree char *limits = NULL;
  g_autofree char *limits_path = NULL;
  FakeHost host;

  fake_host_start (&host);
  path = g_strdup_printf ("/proc/%s/status", g_subprocess_get_identifier (host.process));
  g_assert_true (g_file_get_contents (path, &status, NULL, NULL));
  g_assert_nonnull (strstr (status, "Seccomp:\t2\n"));
  g_assert_nonnull (strstr (status, "NoNewPrivs:\t1\n"));
  limits_path = g_strdup_printf ("/proc/%s/limits", g_subprocess_get_identifier (host.process));
  g_assert_true (g_file_get_contents (limits_path, &limits, NULL, NULL));
  g_assert_nonnull (strstr (limits, "Max core file size        0 "));
  g_assert_nonnull (strstr (limits, "Max open files            4096 "));
  fake_host_stop (&host);
}
#endif

static void
test_usage (void)
{
  static const char *const rows[][3] = {
      {"--wire=0", "--control=1", NULL},
      {"--wire=900", "--control=901", NULL},
      {"--dance", NULL, NULL},
      {"--wire=x", NULL, NULL},
  };
  g_autofree char *program =
      g_build_filename (g_getenv ("LODGE_LIBEXECDIR"), "lodge-usernet", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GSubprocess) process = NULL;
    g_autoptr (GError) error = NULL;
    g_autofree char *words = NULL;

    process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_PIPE, &error, program, rows[i][0],
                                rows[i][1], NULL);
    g_assert_no_error (error);
    g_subprocess_communicate_utf8 (process, NULL, NULL, NULL, &words, &error);
    g_assert_no_error (error);
    g_assert_cmpint (g_subprocess_get_exit_status (process), ==, 2);
    g_assert_cmpint (strlen (words), >, 10);
  }
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
  g_test_add_func ("/network/usernet/bad-lines", test_bad_lines);
  g_test_add_func ("/network/usernet/long-line", test_long_line);
  g_test_add_func ("/network/usernet/clients", test_clients);
  g_test_add_func ("/network/usernet/deaf-client", test_deaf_client);
  g_test_add_func ("/network/usernet/exhaustion", test_exhaustion);
  g_test_add_func ("/network/usernet/stop", test_stop);
  g_test_add_func ("/network/usernet/garbage", test_garbage);
  g_test_add_func ("/network/usernet/oversize", test_oversize);
  g_test_add_func ("/network/usernet/wire-ends", test_wire_ends);
  g_test_add_func ("/network/usernet/pieces", test_pieces);
  g_test_add_func ("/network/usernet/back-pressure", test_back_pressure);
#ifndef HAS_SANITIZER
  g_test_add_func ("/network/usernet/sandbox", test_sandbox);
#endif
  g_test_add_func ("/network/usernet/usage", test_usage);
  return g_test_run ();
}
