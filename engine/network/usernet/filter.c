/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest may send to whom, decided frame by frame before libslirp sees it. */
#include "network/usernet/filter.h"

#include <net/ethernet.h>
#include <string.h>

/* Field offsets: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 768 (UDP). */
#define IP4_HEADER   20
#define IP4_FRAGMENT 6
#define IP4_PROTOCOL 9
#define IP4_CHECKSUM 10
#define IP4_SOURCE   12
#define IP4_TARGET   16
#define IP6_HEADER   40
#define IP6_NEXT     6
#define IP6_TARGET   24
#define UDP_HEADER   8
#define UDP_CHECKSUM 6
#define PORT_DHCP    67
#define PORT_DHCP6   547
#define PORT_TFTP    69
/* libslirp forgets a UDP exchange after four minutes (SO_EXPIRE in its udp.h). */
#define TALK_EXPIRES_MS (4 * 60 * 1000)
#define N_TALKS         256

const struct in6_addr usernet_prefix6 = {{{0xfe, 0xc0}}};
const struct in6_addr usernet_host6 = {{{0xfe, 0xc0, [15] = 2}}};
const struct in6_addr usernet_nameserver6 = {{{0xfe, 0xc0, [15] = 3}}};

/* A program on this computer that spoke to a UDP forward. */
typedef struct {
  guint8 address[4]; /* its own, on the loopback; 0.0.0.0 for a free entry */
  guint16 host_port;
  guint16 guest_port;
  gint64 last_ms;
} Talk;

struct _UsernetFilter {
  UsernetFilterCounters counters;
  Talk talks[N_TALKS];
};

/* A datagram inside a frame. */
typedef struct {
  guint8 *ip;
  guint8 *udp;       /* NULL: not UDP, or not whole */
  gboolean fragment; /* a part of a larger one */
} Packet;

UsernetFilter *
usernet_filter_new (void)
{
  return g_new0 (UsernetFilter, 1);
}

void
usernet_filter_free (UsernetFilter *self)
{
  g_free (self);
}

const UsernetFilterCounters *
usernet_filter_get_counters (UsernetFilter *self)
{
  return &self->counters;
}

static guint16
get16 (const guint8 *at)
{
  return (guint16) (at[0] << 8 | at[1]);
}

static guint32
get32 (const guint8 *at)
{
  return (guint32) get16 (at) << 16 | get16 (at + 2);
}

/* RFC 1624, equation 3: what an address change does to a checksum. */
static void
mend_checksum (guint8 *checksum, const guint8 *old, const guint8 *new, gsize n_bytes)
{
  guint32 sum = (guint16) ~get16 (checksum);

  for (gsize i = 0; i < n_bytes; i += 2)
    sum += (guint16) ~get16 (old + i) + get16 (new + i);
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  sum = (guint16) ~sum;
  checksum[0] = (guint8) (sum >> 8);
  checksum[1] = (guint8) sum;
}

/* Replaces the source or target of an IPv4 packet, which is at @field of its header. */
static void
replace_address (Packet *packet, gsize field, const guint8 *address)
{
  guint8 *old = packet->ip + field;

  mend_checksum (packet->ip + IP4_CHECKSUM, old, address, 4);
  /* Zero says "no checksum", and a sum that comes out as zero is written as its other form. */
  if (packet->udp != NULL && get16 (packet->udp + UDP_CHECKSUM) != 0) {
    mend_checksum (packet->udp + UDP_CHECKSUM, old, address, 4);
    if (get16 (packet->udp + UDP_CHECKSUM) == 0)
      memset (packet->udp + UDP_CHECKSUM, 0xff, 2);
  }
  memcpy (old, address, 4);
}

static Talk *
find_talk (UsernetFilter *self, guint16 host_port, guint16 guest_port)
{
  for (guint i = 0; i < N_TALKS; i++) {
    Talk *talk = &self->talks[i];

    if (talk->address[0] != 0 && talk->host_port == host_port && talk->guest_port == guest_port)
      return talk;
  }
  return NULL;
}

static void
remember_talk (UsernetFilter *self, const Packet *packet, const guint8 *address, gint64 now_ms)
{
  guint16 host_port = get16 (packet->udp);
  guint16 guest_port = get16 (packet->udp + 2);
  Talk *talk = find_talk (self, host_port, guest_port);

  if (talk == NULL) {
    talk = &self->talks[0];
    for (guint i = 0; i < N_TALKS && talk->address[0] != 0; i++)
      if (self->talks[i].address[0] == 0 || self->talks[i].last_ms < talk->last_ms)
        talk = &self->talks[i];
  }
  talk->host_port = host_port;
  talk->guest_port = guest_port;
  talk->last_ms = now_ms;
  memcpy (talk->address, address, sizeof talk->address);
}

/* UDP from the guest to this computer: an answer goes to who asked, the rest is libslirp's to
 * refuse. TFTP is left out altogether: nothing is served, so its code needs no input. */
static gboolean
pass_udp_to_host (UsernetFilter *self, Packet *packet, gint64 now_ms)
{
  guint16 port = get16 (packet->udp + 2);
  Talk *talk;

  if (port == PORT_TFTP)
    return FALSE;
  talk = find_talk (self, port, get16 (packet->udp));
  if (talk != NULL && now_ms - talk->last_ms < TALK_EXPIRES_MS) {
    talk->last_ms = now_ms;
    replace_address (packet, IP4_TARGET, talk->address);
  }
  return TRUE;
}

/* %FALSE for what is no whole IPv4 header. */
static gboolean
read_ip4 (guint8 *ip, gsize size_bytes, Packet *out_packet)
{
  gsize header;
  guint16 place;

  if (size_bytes < IP4_HEADER || ip[0] >> 4 != 4)
    return FALSE;
  header = (gsize) (ip[0] & 0xf) * 4;
  if (header < IP4_HEADER || size_bytes < header)
    return FALSE;
  /* "More fragments", and the offset. */
  place = get16 (ip + IP4_FRAGMENT) & 0x3fff;
  *out_packet = (Packet){.ip = ip, .fragment = place != 0};
  if (ip[IP4_PROTOCOL] == IPPROTO_UDP && (place & 0x1fff) == 0 && size_bytes >= header + UDP_HEADER)
    out_packet->udp = ip + header;
  return TRUE;
}

static gboolean
pass_ip4 (UsernetFilter *self, guint8 *ip, gsize size_bytes, gint64 now_ms)
{
  Packet packet;
  gboolean dhcp;
  guint32 target;

  if (!read_ip4 (ip, size_bytes, &packet))
    return FALSE;
  target = get32 (ip + IP4_TARGET);
  dhcp = !packet.fragment && packet.udp != NULL && get16 (packet.udp + 2) == PORT_DHCP;

  if (dhcp && (target == USERNET_HOST || target == 0xffffffffu)) {
    self->counters.dhcp_requests++;
    return TRUE;
  }
  /* Loopback and "this host" (0.0.0.0 connects to the loopback on Linux); multicast, broadcast and
   * what is reserved, all of which the host's own daemons would hear. */
  if (target >> 24 == 127 || target >> 24 == 0 || target >> 24 >= 224)
    return FALSE;
  if ((target & USERNET_MASK) != USERNET_NETWORK)
    return TRUE;
  if (packet.fragment)
    return FALSE;
  if (target == USERNET_HOST)
    return packet.udp == NULL || pass_udp_to_host (self, &packet, now_ms);
  /* Nobody else lives here; libslirp would ask the host's real network for it. */
  return target == USERNET_NAMESERVER;
}

static gboolean
pass_ip6 (const guint8 *ip, gsize size_bytes)
{
  static const guint8 zero[12] = {0};
  static const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};
  const guint8 *target = ip + IP6_TARGET;
  guint16 udp_port = 0;

  if (size_bytes < IP6_HEADER || ip[0] >> 4 != 6)
    return FALSE;
  if (ip[IP6_NEXT] == IPPROTO_UDP && size_bytes >= IP6_HEADER + UDP_HEADER)
    udp_port = get16 (ip + IP6_HEADER + 2);
  /* The only ones that libslirp looks at; extension headers would hide a port from this filter. */
  if (ip[IP6_NEXT] != IPPROTO_TCP && ip[IP6_NEXT] != IPPROTO_UDP && ip[IP6_NEXT] != IPPROTO_ICMPV6)
    return FALSE;
  if (target[0] == 0xff)
    return ip[IP6_NEXT] == IPPROTO_ICMPV6 || udp_port == PORT_DHCP6;
  /* The router's neighbour discovery, and nothing else: outside it would have no scope. */
  if (target[0] == 0xfe && (target[1] & 0xc0) == 0x80)
    return ip[IP6_NEXT] == IPPROTO_ICMPV6;
  /* ::, ::1, and IPv4 in either of its IPv6 spellings (RFC 4291, 2.5.5). */
  if (memcmp (target, zero, sizeof zero) == 0 || memcmp (target, mapped, sizeof mapped) == 0)
    return FALSE;
  return udp_port != PORT_TFTP || memcmp (target, &usernet_host6, 16) != 0;
}

gboolean
usernet_filter_from_guest (UsernetFilter *self, guint8 *frame, gsize size_bytes, gint64 now_ms)
{
  guint8 *payload = frame + ETHER_HDR_LEN;
  gsize payload_bytes = size_bytes - ETHER_HDR_LEN;
  gboolean pass;

  switch (get16 (frame + 2 * ETHER_ADDR_LEN)) {
  case ETHERTYPE_ARP:
    pass = TRUE;
    break;
  case ETHERTYPE_IP:
    pass = pass_ip4 (self, payload, payload_bytes, now_ms);
    break;
  case ETHERTYPE_IPV6:
    pass = pass_ip6 (payload, payload_bytes);
    break;
  default:
    /* libslirp also answers NC-SI, a protocol of management controllers. */
    pass = FALSE;
  }
  if (!pass)
    self->counters.refused++;
  return pass;
}

void
usernet_filter_to_guest (UsernetFilter *self, guint8 *frame, gsize size_bytes, gint64 now_ms)
{
  static const guint8 host[4] = {10, 0, 2, 2};
  static const guint8 loopback[4] = {127, 0, 0, 1};
  const guint8 *source = frame + ETHER_HDR_LEN + IP4_SOURCE;
  gboolean from_loopback;
  Packet packet;

  if (size_bytes < ETHER_HDR_LEN || get16 (frame + 2 * ETHER_ADDR_LEN) != ETHERTYPE_IP ||
      !read_ip4 (frame + ETHER_HDR_LEN, size_bytes - ETHER_HDR_LEN, &packet))
    return;
  from_loopback = source[0] == 127;

  if (packet.udp != NULL && !from_loopback && get16 (packet.udp) == PORT_DHCP)
    self->counters.dhcp_answers++;
  else if (packet.udp != NULL && (from_loopback || memcmp (source, host, sizeof host) == 0))
    remember_talk (self, &packet, from_loopback ? source : loopback, now_ms);
  /* Once the guest has answered, libslirp no longer translates the asker (it keeps the address it
   * sent to last); the guest has no use for a loopback that is not its own. */
  if (from_loopback)
    replace_address (&packet, IP4_SOURCE, host);
}
