/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest may send to whom, decided frame by frame before libslirp sees it.
 *
 * libslirp's disable_host_loopback only keeps the guest from its own name for this computer
 * (10.0.2.2). A frame that names 127.0.0.1, 0.0.0.0 or ::ffff:127.0.0.1 outright goes to connect()
 * as it is (sotranslate_out4() in its socket.c) and would reach every server on the host's
 * loopback. So those addresses are refused here, and so is what no user network carries.
 *
 * It also mends what that switch breaks: a program on this computer that talks to a UDP forward
 * is 10.0.2.2 to the guest, and the guest's answer would be refused. The filter remembers which
 * ports of this computer have spoken to which port of the guest, and lets answers to these, and
 * only these, through to the loopback.
 */
#pragma once

#include <glib.h>
#include <netinet/in.h>

G_BEGIN_DECLS

/* The addresses that QEMU's own user network has, which guests and their owners know. */
#define USERNET_NETWORK    0x0a000200u /* 10.0.2.0/24 */
#define USERNET_MASK       0xffffff00u
#define USERNET_HOST       0x0a000202u
#define USERNET_NAMESERVER 0x0a000203u
#define USERNET_GUEST      0x0a00020fu
extern const struct in6_addr usernet_prefix6; /* fec0::/64 */
extern const struct in6_addr usernet_host6;
extern const struct in6_addr usernet_nameserver6;

typedef struct {
  guint64 refused;
  guint64 dhcp_requests;
  guint64 dhcp_answers;
} UsernetFilterCounters;

typedef struct _UsernetFilter UsernetFilter;

UsernetFilter *usernet_filter_new (void);
void usernet_filter_free (UsernetFilter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (UsernetFilter, usernet_filter_free)

const UsernetFilterCounters *usernet_filter_get_counters (UsernetFilter *self);

/* Whether libslirp gets the frame, which may be changed in place. @size_bytes is 14 or more. */
gboolean
usernet_filter_from_guest (UsernetFilter *self, guint8 *frame, gsize size_bytes, gint64 now_ms);
/* A frame from libslirp, changed in place where needed. */
void usernet_filter_to_guest (UsernetFilter *self, guint8 *frame, gsize size_bytes, gint64 now_ms);

G_END_DECLS
