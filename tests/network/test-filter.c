/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The filter between a guest and libslirp: which addresses pass, and what becomes of the rest. */
#include "network/usernet/filter.h"

#include <arpa/inet.h>
#include <string.h>

#define UDP 17
#define TCP 6

static void
put16 (guint8 *at, guint value)
{
  at[0] = (guint8) (value >> 8);
  at[1] = (guint8) value;
}

static guint32
sum_up (guint32 sum, const guint8 *data, gsize size_bytes)
{
  for (gsize i = 0; i + 1 < size_bytes; i += 2)
    sum += (guint32) data[i] << 8 | data[i + 1];
  return sum;
}

static guint16
fold (guint32 sum)
{
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (guint16) ~sum;
}

/* An Ethernet frame with eight bytes of UDP or TCP header in it. Returns its size. */
static gsize
make_frame (guint8 *frame,
            const char *source,
            const char *target,
            guint8 protocol,
            guint source_port,
            guint target_port)
{
  gboolean v6 = strchr (target, ':') != NULL;
  gsize address_size = v6 ? 16 : 4;
  guint8 *ip = frame + 14;
  guint8 *addresses = ip + (v6 ? 8 : 12);
  guint8 *udp = addresses + 2 * address_size;

  memset (frame, 0, 14 + 40 + 8);
  put16 (frame + 12, v6 ? 0x86dd : 0x0800);
  if (v6) {
    ip[0] = 0x60;
    put16 (ip + 4, 8);
    ip[6] = protocol;
  } else {
    ip[0] = 0x45;
    put16 (ip + 2, 28);
    ip[9] = protocol;
  }
  g_assert_cmpint (inet_pton (v6 ? AF_INET6 : AF_INET, source, addresses), ==, 1);
  g_assert_cmpint (inet_pton (v6 ? AF_INET6 : AF_INET, target, addresses + address_size), ==, 1);
  put16 (udp, source_port);
  put16 (udp + 2, target_port);
  put16 (udp + 4, 8);
  if (protocol == UDP)
    put16 (udp + 6, fold (sum_up (sum_up (UDP + 8, addresses, 2 * address_size), udp, 8)));
  if (!v6)
    put16 (ip + 10, fold (sum_up (0, ip, 20)));
  return (gsize) (udp + 8 - frame);
}

/* Both checksums still hold. */
static void
assert_sums (const guint8 *frame)
{
  const guint8 *ip = frame + 14;

  g_assert_cmpuint (fold (sum_up (0, ip, 20)), ==, 0);
  g_assert_cmpuint (fold (sum_up (sum_up (UDP + 8, ip + 12, 8), ip + 20, 8)), ==, 0);
}

static char *
read_address (const guint8 *frame, gboolean target)
{
  char text[INET_ADDRSTRLEN];

  return g_strdup (inet_ntop (AF_INET, frame + 14 + (target ? 16 : 12), text, sizeof text));
}

static void
test_targets (void)
{
  static const struct {
    const char *target;
    guint8 protocol;
    guint port;
    gboolean pass;
  } rows[] = {
      /* The outside. */
      {"198.51.100.7", TCP, 443, TRUE},
      {"198.51.100.7", UDP, 53, TRUE},
      {"192.168.1.1", TCP, 80, TRUE},
      {"10.0.3.1", TCP, 80, TRUE},
      {"128.0.0.1", TCP, 80, TRUE},
      {"126.255.255.255", TCP, 80, TRUE},
      {"2001:db8::1", TCP, 443, TRUE},
      {"64:ff9b::1", UDP, 443, TRUE},
      /* This network: what libslirp answers for. */
      {"10.0.2.2", TCP, 80, TRUE},
      {"10.0.2.2", UDP, 67, TRUE},
      {"10.0.2.2", UDP, 999, TRUE},
      {"10.0.2.2", UDP, 69, FALSE},
      {"10.0.2.3", UDP, 53, TRUE},
      {"10.0.2.4", TCP, 80, FALSE},
      {"10.0.2.255", UDP, 137, FALSE},
      {"fec0::2", TCP, 80, TRUE},
      {"fec0::2", UDP, 69, FALSE},
      {"fec0::2", UDP, 999, TRUE},
      {"fec0::3", UDP, 53, TRUE},
      /* The host's loopback, by all its names. */
      {"127.0.0.1", TCP, 80, FALSE},
      {"127.0.0.53", UDP, 53, FALSE},
      {"127.255.255.255", TCP, 80, FALSE},
      {"0.0.0.0", TCP, 80, FALSE},
      {"0.1.2.3", UDP, 80, FALSE},
      {"::1", TCP, 80, FALSE},
      {"::", TCP, 80, FALSE},
      {"::127.0.0.1", TCP, 80, FALSE},
      {"::ffff:127.0.0.1", TCP, 80, FALSE},
      {"::ffff:0.0.0.0", UDP, 80, FALSE},
      /* What reaches many. */
      {"224.0.0.251", UDP, 5353, FALSE},
      {"239.255.255.250", UDP, 1900, FALSE},
      {"240.0.0.1", TCP, 80, FALSE},
      {"255.255.255.255", UDP, 67, TRUE},
      {"255.255.255.255", UDP, 9, FALSE},
      {"255.255.255.255", TCP, 67, FALSE},
      {"ff02::1:2", UDP, 547, TRUE},
      {"ff02::fb", UDP, 5353, FALSE},
      {"ff02::1", 58, 0, TRUE},
      {"ff02::1", TCP, 80, FALSE},
      {"fe80::2", 58, 0, TRUE},
      {"fe80::2", TCP, 80, FALSE},
      {"febf::2", UDP, 80, FALSE},
      /* IPv6 extension headers and protocols that libslirp has no use for. */
      {"2001:db8::1", 0, 0, FALSE},
      {"2001:db8::1", 44, 0, FALSE},
      {"2001:db8::1", 132, 0, FALSE},
  };
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();
  guint refused = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    gboolean v6 = strchr (rows[i].target, ':') != NULL;
    guint8 frame[64], before[64];
    gsize size = make_frame (frame, v6 ? "fec0::15" : "10.0.2.15", rows[i].target, rows[i].protocol,
                             4000, rows[i].port);

    memcpy (before, frame, sizeof frame);
    if (usernet_filter_from_guest (filter, frame, size, 0) != rows[i].pass)
      g_error ("%s, protocol %u, port %u: passes %d", rows[i].target, (guint) rows[i].protocol,
               rows[i].port, !rows[i].pass);
    refused += !rows[i].pass;
    g_assert_cmpmem (frame, sizeof frame, before, sizeof before);
  }
  g_assert_cmpuint (usernet_filter_get_counters (filter)->refused, ==, refused);
  g_assert_cmpuint (usernet_filter_get_counters (filter)->dhcp_requests, ==, 2);
}

static void
test_ethertypes (void)
{
  static const struct {
    guint16 ethertype;
    gboolean pass;
  } rows[] = {
      {0x0806, TRUE},  /* ARP */
      {0x88f8, FALSE}, /* NC-SI */
      {0x8100, FALSE}, /* VLAN */
      {0x0800, FALSE}, /* IP without a header */
      {0x86dd, FALSE}, {0, FALSE},
  };
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    guint8 frame[14] = {0};

    put16 (frame + 12, rows[i].ethertype);
    g_assert_cmpint (usernet_filter_from_guest (filter, frame, sizeof frame, 0), ==, rows[i].pass);
  }
}

/* A header that is not there is not read: the frame is as long as its memory, which the address
 * sanitizer and valgrind watch. */
static void
test_short (void)
{
  static const char *const targets[] = {"10.0.2.2", "198.51.100.7", "fec0::2", "2001:db8::1"};
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();

  for (guint i = 0; i < G_N_ELEMENTS (targets); i++) {
    gboolean v6 = strchr (targets[i], ':') != NULL;
    guint8 frame[64];
    gsize size = make_frame (frame, v6 ? "fec0::15" : "10.0.2.15", targets[i], UDP, 1, 2);

    for (gsize part = 14; part < size; part++) {
      g_autofree guint8 *copy = g_memdup2 (frame, part);
      gboolean has_header = part >= (gsize) (v6 ? 54 : 34);

      g_assert_cmpint (usernet_filter_from_guest (filter, copy, part, 0), ==, has_header);
      usernet_filter_to_guest (filter, copy, part, 0);
    }
  }
}

/* A header longer than the frame, or shorter than itself; the wrong version. */
static void
test_header_length (void)
{
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();
  guint8 frame[64];
  gsize size = make_frame (frame, "10.0.2.15", "198.51.100.7", TCP, 1, 2);

  for (guint first = 0; first < 256; first++) {
    gboolean good = first == 0x45 || first == 0x46 || first == 0x47;

    frame[14] = (guint8) first;
    g_assert_cmpint (usernet_filter_from_guest (filter, frame, size, 0), ==, good);
  }
}

/* Parts of a datagram hide its ports: none to this network, all to the outside. */
static void
test_fragments (void)
{
  static const guint16 fields[] = {0x2000, 0x0001, 0x2001, 0x1fff};
  static const struct {
    const char *target;
    gboolean pass;
  } rows[] = {{"10.0.2.2", FALSE},
              {"10.0.2.3", FALSE},
              {"255.255.255.255", FALSE},
              {"127.0.0.1", FALSE},
              {"198.51.100.7", TRUE}};
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    for (guint j = 0; j < G_N_ELEMENTS (fields); j++) {
      guint8 frame[64];
      gsize size = make_frame (frame, "10.0.2.15", rows[i].target, UDP, 68, 67);

      put16 (frame + 14 + 6, fields[j]);
      g_assert_cmpint (usernet_filter_from_guest (filter, frame, size, 0), ==, rows[i].pass);
    }
  }
}

/* A question from the loopback, the guest's answer, the next question as libslirp then sends it. */
static void
test_talk (void)
{
  static const char *const asked_as[] = {"10.0.2.2", "127.0.0.1"};
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();

  for (guint i = 0; i < G_N_ELEMENTS (asked_as); i++) {
    guint8 frame[64];
    gsize size = make_frame (frame, asked_as[i], "10.0.2.15", UDP, 40001, 53);
    g_autofree char *source = NULL;
    g_autofree char *target = NULL;

    usernet_filter_to_guest (filter, frame, size, 1000);
    source = read_address (frame, FALSE);
    g_assert_cmpstr (source, ==, "10.0.2.2");
    assert_sums (frame);

    size = make_frame (frame, "10.0.2.15", "10.0.2.2", UDP, 53, 40001);
    g_assert_true (usernet_filter_from_guest (filter, frame, size, 2000));
    target = read_address (frame, TRUE);
    g_assert_cmpstr (target, ==, "127.0.0.1");
    assert_sums (frame);
  }
}

static void
test_talk_strangers (void)
{
  static const struct {
    guint guest_port;
    guint host_port;
    gint64 now_ms;
    gboolean reaches;
  } rows[] = {
      {53, 40001, 1000, TRUE},
      {54, 40001, 1000, FALSE},
      {53, 40002, 1000, FALSE},
      {40001, 53, 1000, FALSE},
      {53, 40001, 1000 + 4 * 60 * 1000, FALSE},
  };
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();
  guint8 frame[64];
  gsize size = make_frame (frame, "127.0.0.5", "10.0.2.15", UDP, 40001, 53);

  usernet_filter_to_guest (filter, frame, size, 1000);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *target = NULL;

    size = make_frame (frame, "10.0.2.15", "10.0.2.2", UDP, rows[i].guest_port, rows[i].host_port);
    g_assert_true (usernet_filter_from_guest (filter, frame, size, rows[i].now_ms));
    target = read_address (frame, TRUE);
    g_assert_cmpstr (target, ==, rows[i].reaches ? "127.0.0.5" : "10.0.2.2");
  }
}

/* The outside, and DHCP, open no door. */
static void
test_talk_others (void)
{
  static const struct {
    const char *source;
    guint port;
  } rows[] = {{"198.51.100.7", 40001}, {"10.0.2.2", 67}, {"10.0.2.3", 53}};
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    guint8 frame[64], before[64];
    gsize size = make_frame (frame, rows[i].source, "10.0.2.15", UDP, rows[i].port, 1234);
    g_autofree char *target = NULL;

    memcpy (before, frame, sizeof frame);
    usernet_filter_to_guest (filter, frame, size, 0);
    g_assert_cmpmem (frame, sizeof frame, before, sizeof before);
    size = make_frame (frame, "10.0.2.15", "10.0.2.2", UDP, 1234, rows[i].port);
    g_assert_true (usernet_filter_from_guest (filter, frame, size, 0));
    target = read_address (frame, TRUE);
    g_assert_cmpstr (target, ==, "10.0.2.2");
  }
  g_assert_cmpuint (usernet_filter_get_counters (filter)->dhcp_answers, ==, 1);
}

/* More askers than there is room for: the oldest is forgotten, the newest not. */
static void
test_talk_many (void)
{
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();
  guint8 frame[64];

  for (guint i = 0; i < 1000; i++) {
    gsize size = make_frame (frame, "127.0.0.1", "10.0.2.15", UDP, 10000 + i, 53);

    usernet_filter_to_guest (filter, frame, size, i);
  }
  for (guint i = 0; i < 1000; i++) {
    gsize size = make_frame (frame, "10.0.2.15", "10.0.2.2", UDP, 53, 10000 + i);
    g_autofree char *target = NULL;

    g_assert_true (usernet_filter_from_guest (filter, frame, size, 1000));
    target = read_address (frame, TRUE);
    g_assert_cmpstr (target, ==, i < 1000 - 256 ? "10.0.2.2" : "127.0.0.1");
  }
}

/* A datagram without a checksum gets none. */
static void
test_no_checksum (void)
{
  g_autoptr (UsernetFilter) filter = usernet_filter_new ();
  guint8 frame[64];
  gsize size = make_frame (frame, "127.0.0.1", "10.0.2.15", UDP, 40001, 53);

  put16 (frame + size - 2, 0);
  usernet_filter_to_guest (filter, frame, size, 0);
  g_assert_cmpuint (frame[size - 2], ==, 0);
  g_assert_cmpuint (frame[size - 1], ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/filter/targets", test_targets);
  g_test_add_func ("/network/filter/ethertypes", test_ethertypes);
  g_test_add_func ("/network/filter/short", test_short);
  g_test_add_func ("/network/filter/header-length", test_header_length);
  g_test_add_func ("/network/filter/fragments", test_fragments);
  g_test_add_func ("/network/filter/talk", test_talk);
  g_test_add_func ("/network/filter/talk-strangers", test_talk_strangers);
  g_test_add_func ("/network/filter/talk-others", test_talk_others);
  g_test_add_func ("/network/filter/talk-many", test_talk_many);
  g_test_add_func ("/network/filter/no-checksum", test_no_checksum);
  return g_test_run ();
}
