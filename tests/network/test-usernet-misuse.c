/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-usernet with a guest and with clients that do not keep to the rules, and the walls around
 * it. */
#include "fake-host.h"
#include "lodge-config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

    fake_host_assert_error (answer, "invalid");
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
  fake_host_assert_error (refused, "full");
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

/* What the kernel says the program may do. Under AddressSanitizer it has no filter. */
#if !LODGE_ADDRESS_SANITIZER
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
#if !LODGE_ADDRESS_SANITIZER
  g_test_add_func ("/network/usernet/sandbox", test_sandbox);
#endif
  g_test_add_func ("/network/usernet/usage", test_usage);
  return g_test_run ();
}
