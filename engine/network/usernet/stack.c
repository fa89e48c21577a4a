/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libslirp, with the wire on one side and the host's sockets on the other. */
#include "network/usernet/stack.h"

#include <errno.h>
#include <libslirp.h>
#include <string.h>

#define MAX_FORWARDS 256

typedef struct {
  SlirpTimerCb callback;
  gpointer data;
  gint64 expires_ms; /* -1: not running */
} Timer;

struct _UsernetStack {
  Slirp *slirp;
  UsernetWire *wire;
  UsernetFilter *filter;
  GPtrArray *timers;
  GArray *forwards;
  GArray *polls; /* lent during fill and dispatch */
};

static gint64
now_ms (void)
{
  return g_get_monotonic_time () / 1000;
}

gboolean
usernet_forward_set (
    UsernetForward *self, gboolean udp, const char *address, guint16 host_port, guint16 guest_port)
{
  struct sockaddr_in *v4 = (struct sockaddr_in *) &self->address;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) &self->address;

  if (host_port == 0 || guest_port == 0)
    return FALSE;
  memset (self, 0, sizeof *self);
  self->udp = udp;
  self->host_port = host_port;
  self->guest_port = guest_port;
  if (inet_pton (AF_INET, address, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons (host_port);
    return TRUE;
  }
  if (!udp && inet_pton (AF_INET6, address, &v6->sin6_addr) == 1 &&
      !IN6_IS_ADDR_V4MAPPED (&v6->sin6_addr)) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons (host_port);
    return TRUE;
  }
  return FALSE;
}

char *
usernet_forward_format (const UsernetForward *self)
{
  gboolean v6 = self->address.ss_family == AF_INET6;
  char text[INET6_ADDRSTRLEN];

  inet_ntop (self->address.ss_family,
             v6 ? (gconstpointer) & ((const struct sockaddr_in6 *) &self->address)->sin6_addr
                : (gconstpointer) & ((const struct sockaddr_in *) &self->address)->sin_addr,
             text, sizeof text);
  return g_strdup_printf (v6 ? "%s:[%s]:%u:%u" : "%s:%s:%u:%u", self->udp ? "udp" : "tcp", text,
                          (guint) self->host_port, (guint) self->guest_port);
}

static ssize_t
send_packet_cb (const void *data, size_t size_bytes, void *user_data)
{
  UsernetStack *self = user_data;
  guint8 frame[USERNET_WIRE_FRAME_MAX_BYTES];

  if (size_bytes > sizeof frame)
    return (ssize_t) size_bytes;
  memcpy (frame, data, size_bytes);
  usernet_filter_to_guest (self->filter, frame, size_bytes, now_ms ());
  usernet_wire_send (self->wire, frame, size_bytes);
  return (ssize_t) size_bytes;
}

/* A guest can make as many of these as it likes: they are not written down. */
static void
guest_error_cb (const char *message, void *user_data)
{
}

static int64_t
clock_get_ns_cb (void *user_data)
{
  return g_get_monotonic_time () * 1000;
}

static void *
timer_new_cb (SlirpTimerCb callback, void *data, void *user_data)
{
  UsernetStack *self = user_data;
  Timer *timer = g_new0 (Timer, 1);

  timer->callback = callback;
  timer->data = data;
  timer->expires_ms = -1;
  g_ptr_array_add (self->timers, timer);
  return timer;
}

static void
timer_free_cb (void *timer, void *user_data)
{
  UsernetStack *self = user_data;

  g_ptr_array_remove (self->timers, timer);
}

static void
timer_mod_cb (void *timer, int64_t expires_ms, void *user_data)
{
  ((Timer *) timer)->expires_ms = expires_ms;
}

/* The descriptors are asked for anew each turn, and this program has one thread. */
static void
poll_fd_cb (int fd, void *user_data)
{
}

static void
notify_cb (void *user_data)
{
}

static const SlirpCb callbacks = {
    .send_packet = send_packet_cb,
    .guest_error = guest_error_cb,
    .clock_get_ns = clock_get_ns_cb,
    .timer_new = timer_new_cb,
    .timer_free = timer_free_cb,
    .timer_mod = timer_mod_cb,
    .register_poll_fd = poll_fd_cb,
    .unregister_poll_fd = poll_fd_cb,
    .notify = notify_cb,
};

UsernetStack *
usernet_stack_new (UsernetWire *wire)
{
  UsernetStack *self = g_new0 (UsernetStack, 1);
  /* Version 1 has all that is asked for here, and every libslirp knows it. No TFTP path, no boot
   * file, no emulation of old protocols: less code that a guest can reach. */
  SlirpConfig config = {
      .version = 1,
      .in_enabled = true,
      .vnetwork.s_addr = htonl (USERNET_NETWORK),
      .vnetmask.s_addr = htonl (USERNET_MASK),
      .vhost.s_addr = htonl (USERNET_HOST),
      .vdhcp_start.s_addr = htonl (USERNET_GUEST),
      .vnameserver.s_addr = htonl (USERNET_NAMESERVER),
      .in6_enabled = true,
      .vprefix_addr6 = usernet_prefix6,
      .vprefix_len = 64,
      .vhost6 = usernet_host6,
      .vnameserver6 = usernet_nameserver6,
      .disable_host_loopback = true,
      .enable_emu = false,
  };

  self->wire = wire;
  self->filter = usernet_filter_new ();
  self->timers = g_ptr_array_new_with_free_func (g_free);
  self->forwards = g_array_new (FALSE, FALSE, sizeof (UsernetForward));
  self->slirp = slirp_new (&config, &callbacks, self);
  return self;
}

void
usernet_stack_free (UsernetStack *self)
{
  slirp_cleanup (self->slirp);
  usernet_filter_free (self->filter);
  g_ptr_array_unref (self->timers);
  g_array_unref (self->forwards);
  g_free (self);
}

const UsernetFilterCounters *
usernet_stack_get_counters (UsernetStack *self)
{
  return usernet_filter_get_counters (self->filter);
}

/* SLIRP_POLL_* and POLL* side by side. */
static const struct {
  int slirp;
  short poll;
} poll_events[] = {
    {SLIRP_POLL_IN, POLLIN},   {SLIRP_POLL_OUT, POLLOUT}, {SLIRP_POLL_PRI, POLLPRI},
    {SLIRP_POLL_ERR, POLLERR}, {SLIRP_POLL_HUP, POLLHUP},
};

static int
add_poll_cb (int fd, int events, void *user_data)
{
  UsernetStack *self = user_data;
  struct pollfd poll = {.fd = fd};

  for (guint i = 0; i < G_N_ELEMENTS (poll_events); i++)
    if (events & poll_events[i].slirp)
      poll.events |= poll_events[i].poll;
  g_array_append_val (self->polls, poll);
  return (int) self->polls->len - 1;
}

static int
get_revents_cb (int index, void *user_data)
{
  UsernetStack *self = user_data;
  int events = 0;

  for (guint i = 0; i < G_N_ELEMENTS (poll_events); i++)
    if (g_array_index (self->polls, struct pollfd, index).revents & poll_events[i].poll)
      events |= poll_events[i].slirp;
  return events;
}

void
usernet_stack_fill (UsernetStack *self, GArray *polls, guint32 *timeout_ms)
{
  gint64 now = now_ms ();

  self->polls = polls;
#if SLIRP_CHECK_VERSION(4, 9, 0)
  slirp_pollfds_fill_socket (self->slirp, timeout_ms, add_poll_cb, self);
#else
  slirp_pollfds_fill (self->slirp, timeout_ms, add_poll_cb, self);
#endif
  self->polls = NULL;

  for (guint i = 0; i < self->timers->len; i++) {
    const Timer *timer = g_ptr_array_index (self->timers, i);

    if (timer->expires_ms >= 0)
      *timeout_ms = (guint32) CLAMP (timer->expires_ms - now, 0, (gint64) *timeout_ms);
  }
}

void
usernet_stack_dispatch (UsernetStack *self, GArray *polls)
{
  gint64 now = now_ms ();

  self->polls = polls;
  slirp_pollfds_poll (self->slirp, 0, get_revents_cb, self);
  self->polls = NULL;

  for (guint i = 0; i < self->timers->len; i++) {
    Timer *timer = g_ptr_array_index (self->timers, i);

    if (timer->expires_ms >= 0 && timer->expires_ms <= now) {
      timer->expires_ms = -1;
      timer->callback (timer->data);
    }
  }
}

void
usernet_stack_input (UsernetStack *self, guint8 *frame, gsize size_bytes)
{
  if (usernet_filter_from_guest (self->filter, frame, size_bytes, now_ms ()))
    slirp_input (self->slirp, frame, (int) size_bytes);
}

/* The port is in the address; both were cleared before they were set. */
static gboolean
is_same_port (const UsernetForward *a, const UsernetForward *b)
{
  return a->udp == b->udp && memcmp (&a->address, &b->address, sizeof a->address) == 0;
}

static socklen_t
address_size (const UsernetForward *forward)
{
  return forward->address.ss_family == AF_INET6 ? sizeof (struct sockaddr_in6)
                                                : sizeof (struct sockaddr_in);
}

/* IPv6 is kept to itself, so that [::]:80 and 0.0.0.0:80 are two forwards. */
static int
forward_flags (const UsernetForward *forward)
{
  return (forward->udp ? SLIRP_HOSTFWD_UDP : 0) |
         (forward->address.ss_family == AF_INET6 ? SLIRP_HOSTFWD_V6ONLY : 0);
}

int
usernet_stack_add_forward (UsernetStack *self, const UsernetForward *forward)
{
  UsernetForward guest;
  gboolean v6 = forward->address.ss_family == AF_INET6;

  for (guint i = 0; i < self->forwards->len; i++)
    if (is_same_port (&g_array_index (self->forwards, UsernetForward, i), forward))
      return EEXIST;

  if (self->forwards->len >= MAX_FORWARDS)
    return ENOSPC;
  /* The unspecified address is the guest's: libslirp puts the first lease or the neighbour it has
   * seen in its place. */
  if (!usernet_forward_set (&guest, forward->udp, v6 ? "::" : "0.0.0.0", forward->guest_port,
                            forward->guest_port))
    return EINVAL;
  errno = 0;
  if (slirp_add_hostxfwd (self->slirp, (const struct sockaddr *) &forward->address,
                          address_size (forward), (const struct sockaddr *) &guest.address,
                          address_size (&guest), forward_flags (forward)) != 0)
    return errno != 0 ? errno : EIO;
  g_array_append_val (self->forwards, *forward);
  return 0;
}

gboolean
usernet_stack_remove_forward (UsernetStack *self, const UsernetForward *forward)
{
  for (guint i = 0; i < self->forwards->len; i++) {
    const UsernetForward *known = &g_array_index (self->forwards, UsernetForward, i);

    if (!is_same_port (known, forward) || known->guest_port != forward->guest_port)
      continue;
    slirp_remove_hostxfwd (self->slirp, (const struct sockaddr *) &forward->address,
                           address_size (forward), forward_flags (forward));
    g_array_remove_index (self->forwards, i);
    return TRUE;
  }
  return FALSE;
}

GArray *
usernet_stack_get_forwards (UsernetStack *self)
{
  return self->forwards;
}
