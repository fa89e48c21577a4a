/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest that speaks just enough Ethernet, ARP, DHCP, ICMP, UDP and TCP by hand. */
#include "fake-guest.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS     30000
#define FRAME_BYTES 70000

static const guint8 guest_mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

struct _FakeGuest {
  int fd;
  guint8 in[FRAME_BYTES];
};

FakeGuest *
fake_guest_new (int fd)
{
  FakeGuest *self = g_new0 (FakeGuest, 1);

  self->fd = fd;
  return self;
}

void
fake_guest_free (FakeGuest *self)
{
  close (self->fd);
  g_free (self);
}

static void
put16 (guint8 *at, guint value)
{
  at[0] = (guint8) (value >> 8);
  at[1] = (guint8) value;
}

static void
put32 (guint8 *at, guint32 value)
{
  put16 (at, value >> 16);
  put16 (at + 2, value & 0xffff);
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

/* RFC 1071. */
static guint32
sum_up (guint32 sum, const guint8 *data, gsize size_bytes)
{
  for (gsize i = 0; i + 1 < size_bytes; i += 2)
    sum += get16 (data + i);
  if (size_bytes % 2 != 0)
    sum += (guint32) data[size_bytes - 1] << 8;
  return sum;
}

static guint16
fold (guint32 sum)
{
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (guint16) ~sum;
}

/* Over a pseudo header, of which the addresses are given, and the rest. */
static guint16
transport_sum (guint8 protocol,
               const guint8 *addresses,
               gsize addresses_bytes,
               const guint8 *data,
               gsize size_bytes)
{
  guint32 sum = protocol + (guint32) size_bytes;

  return fold (sum_up (sum_up (sum, addresses, addresses_bytes), data, size_bytes));
}

static guint16
transport_sum4 (
    guint8 protocol, guint32 source, guint32 target, const guint8 *data, gsize size_bytes)
{
  guint8 addresses[8];

  put32 (addresses, source);
  put32 (addresses + 4, target);
  return transport_sum (protocol, addresses, sizeof addresses, data, size_bytes);
}

void
fake_guest_send_raw (FakeGuest *self, gconstpointer data, gsize size_bytes)
{
  const guint8 *at = data;

  while (size_bytes > 0) {
    gssize n = send (self->fd, at, size_bytes, MSG_NOSIGNAL);

    g_assert_cmpint (n, >, 0);
    at += n;
    size_bytes -= (gsize) n;
  }
}

void
fake_guest_send_frame (FakeGuest *self, gconstpointer frame, gsize size_bytes)
{
  guint8 length[4];

  put32 (length, (guint32) size_bytes);
  fake_guest_send_raw (self, length, sizeof length);
  fake_guest_send_raw (self, frame, size_bytes);
}

/* %FALSE: the other side closed before the first byte. */
static gboolean
read_all (FakeGuest *self, guint8 *data, gsize size_bytes)
{
  for (gsize got = 0; got < size_bytes;) {
    struct pollfd poll_fd = {.fd = self->fd, .events = POLLIN};
    gssize n;

    g_assert_cmpint (poll (&poll_fd, 1, WAIT_MS), ==, 1);
    n = recv (self->fd, data + got, size_bytes - got, 0);
    g_assert_cmpint (n, >=, 0);
    if (n == 0) {
      g_assert_cmpuint (got, ==, 0);
      return FALSE;
    }
    got += (gsize) n;
  }
  return TRUE;
}

static void
send_ethernet (FakeGuest *self, guint16 ethertype, const guint8 *payload, gsize size_bytes)
{
  g_autofree guint8 *frame = g_malloc0 (ETHER_HDR_LEN + size_bytes);

  memset (frame, 0xff, ETHER_ADDR_LEN);
  memcpy (frame + ETHER_ADDR_LEN, guest_mac, ETHER_ADDR_LEN);
  put16 (frame + 2 * ETHER_ADDR_LEN, ethertype);
  memcpy (frame + ETHER_HDR_LEN, payload, size_bytes);
  fake_guest_send_frame (self, frame, ETHER_HDR_LEN + size_bytes);
}

/* RFC 826. */
static void
send_arp (FakeGuest *self, guint operation, const guint8 *target_mac, guint32 target)
{
  guint8 arp[28] = {0, 1, 0x08, 0, 6, 4};

  put16 (arp + 6, operation);
  memcpy (arp + 8, guest_mac, sizeof guest_mac);
  put32 (arp + 14, FAKE_GUEST_ADDRESS);
  memcpy (arp + 18, target_mac, 6);
  put32 (arp + 24, target);
  send_ethernet (self, ETHERTYPE_ARP, arp, sizeof arp);
}

/* What is behind the IP header. */
static void
parse_transport (FakePacket *packet, guint8 *data, gsize size_bytes)
{
  packet->payload = data;
  packet->size_bytes = size_bytes;
  if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6) {
    packet->flags = data[0];
    return;
  }
  packet->source_port = get16 (data);
  packet->target_port = get16 (data + 2);
  if (packet->protocol == IPPROTO_TCP) {
    gsize offset = (gsize) (data[12] >> 4) * 4;

    packet->sequence = get32 (data + 4);
    packet->acknowledged = get32 (data + 8);
    packet->flags = data[13];
    packet->payload = data + offset;
    packet->size_bytes -= offset;
  } else if (packet->protocol == IPPROTO_UDP) {
    packet->payload = data + 8;
    packet->size_bytes -= 8;
  }
}

/* Checksums over what they cover come out as zero. */
static void
parse_ip4 (guint8 *ip, gsize size_bytes, FakePacket *packet)
{
  gsize header = (gsize) (ip[0] & 0xf) * 4;
  gsize total = get16 (ip + 2);

  g_assert_cmpuint (size_bytes, >=, 20);
  g_assert_cmpuint (total, <=, size_bytes);
  g_assert_cmpuint (fold (sum_up (0, ip, header)), ==, 0);
  packet->protocol = ip[9];
  packet->source = get32 (ip + 12);
  packet->target = get32 (ip + 16);
  if (packet->protocol != IPPROTO_ICMP)
    g_assert_cmpuint (transport_sum (ip[9], ip + 12, 8, ip + header, total - header), ==, 0);
  parse_transport (packet, ip + header, total - header);
}

static void
parse_ip6 (guint8 *ip, gsize size_bytes, FakePacket *packet)
{
  gsize length = get16 (ip + 4);

  g_assert_cmpuint (size_bytes, >=, 40 + length);
  packet->protocol = ip[6];
  g_assert_cmpuint (transport_sum (ip[6], ip + 8, 32, ip + 40, length), ==, 0);
  parse_transport (packet, ip + 40, length);
}

gboolean
fake_guest_read (FakeGuest *self, FakePacket *out_packet)
{
  for (;;) {
    guint8 *payload = self->in + ETHER_HDR_LEN;
    guint8 length[4];
    guint32 size_bytes;

    memset (out_packet, 0, sizeof *out_packet);
    if (!read_all (self, length, sizeof length))
      return FALSE;
    size_bytes = get32 (length);
    g_assert_cmpuint (size_bytes, >=, ETHER_HDR_LEN);
    g_assert_cmpuint (size_bytes, <=, sizeof self->in);
    g_assert_true (read_all (self, self->in, size_bytes));
    out_packet->ethertype = get16 (self->in + 2 * ETHER_ADDR_LEN);
    if (out_packet->ethertype == ETHERTYPE_IP) {
      parse_ip4 (payload, size_bytes - ETHER_HDR_LEN, out_packet);
      return TRUE;
    }
    if (out_packet->ethertype == ETHERTYPE_IPV6) {
      parse_ip6 (payload, size_bytes - ETHER_HDR_LEN, out_packet);
      return TRUE;
    }
    if (out_packet->ethertype != ETHERTYPE_ARP)
      continue;
    if (get16 (payload + 6) == 1 && get32 (payload + 24) == FAKE_GUEST_ADDRESS) {
      send_arp (self, 2, payload + 8, get32 (payload + 14));
      continue;
    }
    out_packet->flags = payload[7];
    out_packet->source = get32 (payload + 14);
    return TRUE;
  }
}

gboolean
fake_guest_has_frame (FakeGuest *self)
{
  struct pollfd poll_fd = {.fd = self->fd, .events = POLLIN};

  return poll (&poll_fd, 1, 0) == 1;
}

void
fake_guest_resolve (FakeGuest *self, guint32 address)
{
  const guint8 nobody[6] = {0};
  FakePacket packet;

  send_arp (self, 1, nobody, address);
  do {
    g_assert_true (fake_guest_read (self, &packet));
  } while (packet.ethertype != ETHERTYPE_ARP || packet.flags != 2 || packet.source != address);
}

void
fake_guest_send_ip (FakeGuest *self,
                    guint8 protocol,
                    guint32 source,
                    guint32 target,
                    const guint8 *payload,
                    gsize size_bytes)
{
  g_autofree guint8 *ip = g_malloc0 (20 + size_bytes);

  ip[0] = 0x45;
  put16 (ip + 2, (guint) (20 + size_bytes));
  ip[8] = 64;
  ip[9] = protocol;
  put32 (ip + 12, source);
  put32 (ip + 16, target);
  put16 (ip + 10, fold (sum_up (0, ip, 20)));
  memcpy (ip + 20, payload, size_bytes);
  send_ethernet (self, ETHERTYPE_IP, ip, 20 + size_bytes);
}

static void
send_udp (FakeGuest *self,
          guint32 source,
          guint16 source_port,
          guint32 target,
          guint16 target_port,
          const guint8 *data,
          gsize size_bytes)
{
  g_autofree guint8 *udp = g_malloc0 (8 + size_bytes);

  put16 (udp, source_port);
  put16 (udp + 2, target_port);
  put16 (udp + 4, (guint) (8 + size_bytes));
  memcpy (udp + 8, data, size_bytes);
  put16 (udp + 6, transport_sum4 (IPPROTO_UDP, source, target, udp, 8 + size_bytes));
  fake_guest_send_ip (self, IPPROTO_UDP, source, target, udp, 8 + size_bytes);
}

void
fake_guest_send_udp (
    FakeGuest *self, guint16 source_port, guint32 target, guint16 target_port, const char *text)
{
  send_udp (self, FAKE_GUEST_ADDRESS, source_port, target, target_port, (const guint8 *) text,
            strlen (text));
}

void
fake_guest_wait_udp (FakeGuest *self, guint16 port, FakePacket *out_packet)
{
  do {
    g_assert_true (fake_guest_read (self, out_packet));
  } while (out_packet->protocol != IPPROTO_UDP || out_packet->target_port != port);
}

/* The segment without its checksum. Transfer full; its size is 20 and that of the text. */
static guint8 *
make_tcp (guint16 source_port,
          guint16 target_port,
          guint32 sequence,
          guint32 acknowledged,
          guint8 flags,
          const char *text)
{
  guint8 *tcp = g_malloc0 (20 + strlen (text));

  put16 (tcp, source_port);
  put16 (tcp + 2, target_port);
  put32 (tcp + 4, sequence);
  put32 (tcp + 8, acknowledged);
  tcp[12] = 5 << 4;
  tcp[13] = flags;
  put16 (tcp + 14, 65535);
  memcpy (tcp + 20, text, strlen (text));
  return tcp;
}

void
fake_guest_send_tcp (FakeGuest *self,
                     guint16 source_port,
                     guint32 target,
                     guint16 target_port,
                     guint32 sequence,
                     guint32 acknowledged,
                     guint8 flags,
                     const char *text)
{
  gsize size_bytes = 20 + strlen (text);
  g_autofree guint8 *tcp = make_tcp (source_port, target_port, sequence, acknowledged, flags, text);

  put16 (tcp + 16, transport_sum4 (IPPROTO_TCP, FAKE_GUEST_ADDRESS, target, tcp, size_bytes));
  fake_guest_send_ip (self, IPPROTO_TCP, FAKE_GUEST_ADDRESS, target, tcp, size_bytes);
}

/* RFC 8200; the hop limit is what neighbour discovery wants. @checksum is at that place of
 * @payload. */
static void
send_ip6 (FakeGuest *self,
          guint8 protocol,
          const char *target,
          guint8 *payload,
          gsize size_bytes,
          gsize checksum)
{
  g_autofree guint8 *ip = g_malloc0 (40 + size_bytes);

  ip[0] = 0x60;
  put16 (ip + 4, (guint) size_bytes);
  ip[6] = protocol;
  ip[7] = 255;
  inet_pton (AF_INET6, "fec0::15", ip + 8);
  g_assert_cmpint (inet_pton (AF_INET6, target, ip + 24), ==, 1);
  put16 (payload + checksum, transport_sum (protocol, ip + 8, 32, payload, size_bytes));
  memcpy (ip + 40, payload, size_bytes);
  send_ethernet (self, ETHERTYPE_IPV6, ip, 40 + size_bytes);
}

/* RFC 4861. */
void
fake_guest_solicit6 (FakeGuest *self)
{
  guint8 solicitation[8] = {133};
  FakePacket packet;

  send_ip6 (self, IPPROTO_ICMPV6, "ff02::2", solicitation, sizeof solicitation, 2);
  do {
    g_assert_true (fake_guest_read (self, &packet));
  } while (packet.protocol != IPPROTO_ICMPV6 || packet.flags != 134);
  /* libslirp writes its link address first, then the prefix. */
  g_assert_cmpuint (packet.size_bytes, >=, 16 + 8 + 32);
  g_assert_cmpuint (packet.payload[24], ==, 3);
  g_assert_cmpuint (packet.payload[24 + 2], ==, 64);
  g_assert_cmpmem (packet.payload + 24 + 16, 2, "\xfe\xc0", 2);
}

void
fake_guest_send_tcp6 (FakeGuest *self,
                      guint16 source_port,
                      const char *target,
                      guint16 target_port,
                      guint32 sequence,
                      guint32 acknowledged,
                      guint8 flags,
                      const char *text)
{
  g_autofree guint8 *tcp = make_tcp (source_port, target_port, sequence, acknowledged, flags, text);

  send_ip6 (self, IPPROTO_TCP, target, tcp, 20 + strlen (text), 16);
}

void
fake_guest_wait_tcp (FakeGuest *self, guint16 port, guint8 flags, FakePacket *out_packet)
{
  do {
    g_assert_true (fake_guest_read (self, out_packet));
  } while (out_packet->protocol != IPPROTO_TCP || out_packet->target_port != port ||
           (out_packet->flags & flags) != flags);
}

/* RFC 2131: the fixed part, the magic number, then the options. */
static void
send_dhcp (FakeGuest *self, guint8 type, guint32 address)
{
  guint8 message[300] = {1, 1, 6};
  guint8 *option = message + 240;

  put32 (message + 4, 0x12345678);
  memcpy (message + 28, guest_mac, sizeof guest_mac);
  put32 (message + 236, 0x63825363);
  *option++ = 53;
  *option++ = 1;
  *option++ = type;
  if (address != 0) {
    *option++ = 50;
    *option++ = 4;
    put32 (option, address);
    option += 4;
  }
  *option = 255;
  send_udp (self, 0, 68, 0xffffffffu, 67, message, sizeof message);
}

static guint32
wait_dhcp (FakeGuest *self, guint8 type)
{
  FakePacket packet;

  fake_guest_wait_udp (self, 68, &packet);
  g_assert_cmpuint (packet.source, ==, FAKE_GUEST_HOST);
  g_assert_cmpuint (packet.size_bytes, >, 243);
  /* libslirp writes the message type first. */
  g_assert_cmpuint (packet.payload[240], ==, 53);
  g_assert_cmpuint (packet.payload[242], ==, type);
  return get32 (packet.payload + 16);
}

guint32
fake_guest_lease (FakeGuest *self)
{
  guint32 offered, given;

  send_dhcp (self, 1, 0);
  offered = wait_dhcp (self, 2);
  send_dhcp (self, 3, offered);
  given = wait_dhcp (self, 5);
  g_assert_cmpuint (offered, ==, given);
  return given;
}

void
fake_guest_settle (FakeGuest *self)
{
  guint8 echo[8] = {8, 0};
  FakePacket packet;

  put16 (echo + 2, fold (sum_up (0, echo, sizeof echo)));
  fake_guest_send_ip (self, IPPROTO_ICMP, FAKE_GUEST_ADDRESS, FAKE_GUEST_HOST, echo, sizeof echo);
  do {
    g_assert_true (fake_guest_read (self, &packet));
  } while (packet.protocol != IPPROTO_ICMP || packet.flags != 0 ||
           packet.source != FAKE_GUEST_HOST);
}
