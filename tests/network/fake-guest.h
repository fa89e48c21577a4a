/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest that speaks just enough Ethernet, ARP, DHCP, ICMP, UDP and TCP by hand, at the far end of
 * a wire. It answers ARP requests for its own address by itself. Every wait ends after 30 seconds
 * with a failed assertion. */
#pragma once

#include <glib.h>

#define FAKE_GUEST_HOST       0x0a000202u
#define FAKE_GUEST_NAMESERVER 0x0a000203u
#define FAKE_GUEST_ADDRESS    0x0a00020fu

#define FAKE_TCP_FIN 0x01
#define FAKE_TCP_SYN 0x02
#define FAKE_TCP_RST 0x04
#define FAKE_TCP_PSH 0x08
#define FAKE_TCP_ACK 0x10

typedef struct _FakeGuest FakeGuest;

/* What came, parsed; the numbers are in the host's order. */
typedef struct {
  guint16 ethertype;
  guint8 protocol;
  guint32 source, target; /* IPv4 only */
  guint16 source_port, target_port;
  guint32 sequence, acknowledged;
  guint8 flags;     /* TCP's; ICMP's type */
  guint8 *payload;  /* within the guest, until the next frame */
  gsize size_bytes; /* of the payload */
} FakePacket;

/* Takes @fd. */
FakeGuest *fake_guest_new (int fd);
void fake_guest_free (FakeGuest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeGuest, fake_guest_free)

void fake_guest_send_raw (FakeGuest *self, gconstpointer data, gsize size_bytes);
void fake_guest_send_frame (FakeGuest *self, gconstpointer frame, gsize size_bytes);
/* %FALSE when the wire has ended. */
gboolean fake_guest_read (FakeGuest *self, FakePacket *out_packet);

/* Whether something has come and was not read. */
gboolean fake_guest_has_frame (FakeGuest *self);

/* ARP: asks for the address and waits for the answer. */
void fake_guest_resolve (FakeGuest *self, guint32 address);
/* DHCP from discover to acknowledge. Returns the address. */
guint32 fake_guest_lease (FakeGuest *self);
/* Whatever was sent before has been dealt with when this returns: a ping to 10.0.2.2 came back. */
void fake_guest_settle (FakeGuest *self);

/* IPv6: asks for a router, which gives the prefix fec0::/64; fec0::15 is the guest from then on. */
void fake_guest_solicit6 (FakeGuest *self);
/* A segment to an IPv6 address. */
void fake_guest_send_tcp6 (FakeGuest *self,
                           guint16 source_port,
                           const char *target,
                           guint16 target_port,
                           guint32 sequence,
                           guint32 acknowledged,
                           guint8 flags,
                           const char *text);

void fake_guest_send_ip (FakeGuest *self,
                         guint8 protocol,
                         guint32 source,
                         guint32 target,
                         const guint8 *payload,
                         gsize size_bytes);
void fake_guest_send_udp (
    FakeGuest *self, guint16 source_port, guint32 target, guint16 target_port, const char *text);
/* Waits for a datagram to that port. */
void fake_guest_wait_udp (FakeGuest *self, guint16 port, FakePacket *out_packet);
void fake_guest_send_tcp (FakeGuest *self,
                          guint16 source_port,
                          guint32 target,
                          guint16 target_port,
                          guint32 sequence,
                          guint32 acknowledged,
                          guint8 flags,
                          const char *text);
/* Waits for a segment to that port that has all of @flags. */
void fake_guest_wait_tcp (FakeGuest *self, guint16 port, guint8 flags, FakePacket *out_packet);
