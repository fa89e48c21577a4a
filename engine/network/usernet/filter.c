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
#define IP6_SOURCE   8
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
  guint8 address[16];  /* its own, on the loopback; the first four bytes for IPv4 */
  guint8 family_bytes; /* 4 or 16; 0 for a free entry */
  guint16 host_port;
  guint16 guest_port;
  gint64 last_ms;
} Talk;

struct _UsernetFilter {
  UsernetFilterCounters counters;
  Talk talks[N_TALKS];
};

/* A datagram inside a frame: where its parts are. */
typedef struct {
  guint8 *ip_checksum; /* NULL for IPv6 */
  guint8 *source;
  guint8 *target;
  guint8 *udp; /* NULL: not UDP, or not whole */
  guint8 family_bytes;
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

/* Replaces the source or target, which is a field of @packet. */
static void
replace_address (Packet *packet, guint8 *field, const guint8 *address)
{
  if (packet->ip_checksum != NULL)
    mend_checksum (packet->ip_checksum, field, address, packet->family_bytes);
  /* Zero says "no checksum" (only over IPv4), and a sum that comes out as zero is written as its
   * other form. */
  if (packet->udp != NULL && get16 (packet->udp + UDP_CHECKSUM) != 0) {
    mend_checksum (packet->udp + UDP_CHECKSUM, field, address, packet->family_bytes);
    if (get16 (packet->udp + UDP_CHECKSUM) == 0)
      memset (packet->udp + UDP_CHECKSUM, 0xff, 2);
  }
  memcpy (field, address, packet->family_bytes);
}

static Talk *
find_talk (UsernetFilter *self, const Packet *packet, guint16 host_port, guint16 guest_port)
{
  for (guint i = 0; i < N_TALKS; i++) {
    Talk *talk = &self->talks[i];

    if (talk->family_bytes == packet->family_bytes && talk->host_port == host_port &&
        talk->guest_port == guest_port)
      return talk;
  }
  return NULL;
}

static void
remember_talk (UsernetFilter *self, const Packet *packet, const guint8 *address, gint64 now_ms)
{
  guint16 host_port = get16 (packet->udp);
  guint16 guest_port = get16 (packet->udp + 2);
  Talk *talk = find_talk (self, packet, host_port, guest_port);

  if (talk == NULL) {
    talk = &self->talks[0];
    for (guint i = 0; i < N_TALKS && talk->family_bytes != 0; i++)
      if (self->talks[i].family_bytes == 0 || self->talks[i].last_ms < talk->last_ms)
        talk = &self->talks[i];
  }
  talk->family_bytes = packet->family_bytes;
  talk->host_port = host_port;
  talk->guest_port = guest_port;
  talk->last_ms = now_ms;
  memcpy (talk->address, address, packet->family_bytes);
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
  talk = find_talk (self, packet, port, get16 (packet->udp));
  if (talk != NULL && now_ms - talk->last_ms < TALK_EXPIRES_MS) {
    talk->last_ms = now_ms;
    replace_address (packet, packet->target, talk->address);
  }
  return TRUE;
}

/* What a whole IPv4 packet is; %FALSE for one that is not. @out_fragment: a part of a datagram. */
static gboolean
read_ip4 (guint8 *ip, gsize size_bytes, Packet *out_packet, gboolean *out_fragment)
{
  gsize header;
  guint16 offset;

  if (size_bytes < IP4_HEADER || ip[0] >> 4 != 4)
    return FALSE;
  header = (gsize) (ip[0] & 0xf) * 4;
  if (header < IP4_HEADER || size_bytes < header)
    return FALSE;
  /* More fragments, or an offset. */
  offset = get16 (ip + IP4_FRAGMENT) & 0x1fff;
  *out_fragment = (get16 (ip + IP4_FRAGMENT) & 0x3fff) != 0;
  *out_packet = (Packet){
      .ip_checksum = ip + IP4_CHECKSUM,
      .source = ip + IP4_SOURCE,
      .target = ip + IP4_TARGET,
      .family_bytes = 4,
  };
  if (ip[IP4_PROTOCOL] == IPPROTO_UDP && offset == 0 && size_bytes >= header + UDP_HEADER)
    out_packet->udp = ip + header;
  return TRUE;
}

static gboolean
read_ip6 (guint8 *ip, gsize size_bytes, Packet *out_packet)
{
  if (size_bytes < IP6_HEADER || ip[0] >> 4 != 6)
    return FALSE;
  *out_packet = (Packet){
      .source = ip + IP6_SOURCE,
      .target = ip + IP6_TARGET,
      .family_bytes = 16,
  };
  if (ip[IP6_NEXT] == IPPROTO_UDP && size_bytes >= IP6_HEADER + UDP_HEADER)
    out_packet->udp = ip + IP6_HEADER;
  return TRUE;
}

static gboolean
pass_ip4 (UsernetFilter *self, guint8 *ip, gsize size_bytes, gint64 now_ms)
{
  Packet packet;
  gboolean fragment, dhcp;
  guint32 target;

  if (!read_ip4 (ip, size_bytes, &packet, &fragment))
    return FALSE;
  target = get32 (packet.target);
  dhcp = !fragment && packet.udp != NULL && get16 (packet.udp + 2) == PORT_DHCP;

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
  if (fragment)
    return FALSE;
  if (target == USERNET_HOST)
    return packet.udp == NULL || pass_udp_to_host (self, &packet, now_ms);
  /* Nobody else lives here; libslirp would ask the host's real network for it. */
  return target == USERNET_NAMESERVER;
}

static gboolean
pass_ip6 (UsernetFilter *self, guint8 *ip, gsize size_bytes, gint64 now_ms)
{
  static const guint8 zero[12] = {0};
  static const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};
  Packet packet;
  guint8 next;

  if (!read_ip6 (ip, size_bytes, &packet))
    return FALSE;
  next = ip[IP6_NEXT];
  /* The only ones that libslirp looks at; extension headers would hide a port from this filter. */
  if (next != IPPROTO_TCP && next != IPPROTO_UDP && next != IPPROTO_ICMPV6)
    return FALSE;
  if (packet.target[0] == 0xff)
    return next == IPPROTO_ICMPV6 || (packet.udp != NULL && get16 (packet.udp + 2) == PORT_DHCP6);
  /* The router's neighbour discovery, and nothing else: it has no scope outside. */
  if (packet.target[0] == 0xfe && (packet.target[1] & 0xc0) == 0x80)
    return next == IPPROTO_ICMPV6;
  /* ::, ::1, and IPv4 in either of its IPv6 spellings (RFC 4291, 2.5.5). */
  if (memcmp (packet.target, zero, sizeof zero) == 0 ||
      memcmp (packet.target, mapped, sizeof mapped) == 0)
    return FALSE;
  if (packet.udp != NULL && memcmp (packet.target, &usernet_host6, 16) == 0)
    return pass_udp_to_host (self, &packet, now_ms);
  return TRUE;
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
    pass = pass_ip6 (self, payload, payload_bytes, now_ms);
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
  static const guint8 host4[4] = {10, 0, 2, 2};
  static const guint8 loopback4[4] = {127, 0, 0, 1};
  const guint8 *host, *loopback;
  gboolean fragment = FALSE, from_loopback;
  Packet packet;

  if (size_bytes < ETHER_HDR_LEN)
    return;
  if (get16 (frame + 2 * ETHER_ADDR_LEN) == ETHERTYPE_IP) {
    if (!read_ip4 (frame + ETHER_HDR_LEN, size_bytes - ETHER_HDR_LEN, &packet, &fragment))
      return;
    host = host4;
    loopback = loopback4;
    from_loopback = packet.source[0] == 127;
  } else if (get16 (frame + 2 * ETHER_ADDR_LEN) == ETHERTYPE_IPV6) {
    if (!read_ip6 (frame + ETHER_HDR_LEN, size_bytes - ETHER_HDR_LEN, &packet))
      return;
    host = (const guint8 *) &usernet_host6;
    loopback = (const guint8 *) &in6addr_loopback;
    from_loopback = memcmp (packet.source, loopback, 16) == 0;
  } else {
    return;
  }

  if (packet.udp != NULL && !from_loopback &&
      (get16 (packet.udp) == PORT_DHCP || get16 (packet.udp) == PORT_DHCP6)) {
    if (get16 (packet.udp) == PORT_DHCP)
      self->counters.dhcp_answers++;
    return;
  }
  if (packet.udp != NULL &&
      (from_loopback || memcmp (packet.source, host, packet.family_bytes) == 0))
    remember_talk (self, &packet, from_loopback ? packet.source : loopback, now_ms);
  /* Once the guest has answered, libslirp no longer translates the asker (it keeps the address it
   * sent to last); the guest has no use for a loopback that is not its own. */
  if (from_loopback)
    replace_address (&packet, packet.source, host);
}
