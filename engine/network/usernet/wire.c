/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire to QEMU: Ethernet frames on a stream socket, each behind its length. */
#include "network/usernet/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEADER_BYTES    4
#define ETHERNET_HEADER 14
/* Frames that wait for QEMU to read: about what a switch keeps for a port. */
#define PENDING_MAX_BYTES (256 * 1024)
/* What is read before the other sockets have their turn. */
#define READS_PER_TURN 16

struct _UsernetWire {
  int fd;
  UsernetWireCounters counters;
  /* Holds one whole frame at least, so that a frame is always handed over in one piece. */
  guint8 in[HEADER_BYTES + USERNET_WIRE_FRAME_MAX_BYTES];
  gsize in_bytes;
  gsize skip_bytes; /* of a frame that is too long and still arriving */
  GByteArray *pending;
};

UsernetWire *
usernet_wire_new (int fd)
{
  UsernetWire *self = g_new0 (UsernetWire, 1);

  self->fd = fd;
  self->pending = g_byte_array_new ();
  return self;
}

void
usernet_wire_free (UsernetWire *self)
{
  close (self->fd);
  g_byte_array_unref (self->pending);
  g_free (self);
}

int
usernet_wire_get_fd (UsernetWire *self)
{
  return self->fd;
}

const UsernetWireCounters *
usernet_wire_get_counters (UsernetWire *self)
{
  return &self->counters;
}

gboolean
usernet_wire_has_pending (UsernetWire *self)
{
  return self->pending->len > 0;
}

static guint32
read_length (const guint8 *header)
{
  guint32 length;

  memcpy (&length, header, sizeof length);
  return GUINT32_FROM_BE (length);
}

/* Hands over the whole frames of the buffer and keeps the rest. %FALSE: this is not QEMU. */
static gboolean
hand_over (UsernetWire *self, UsernetWireFrame frame, gpointer user_data)
{
  gsize at = 0;

  while (at < self->in_bytes) {
    gsize left = self->in_bytes - at;
    guint32 length;

    if (self->skip_bytes > 0) {
      gsize step = MIN (left, self->skip_bytes);

      self->skip_bytes -= step;
      at += step;
      continue;
    }
    if (left < HEADER_BYTES)
      break;
    length = read_length (self->in + at);
    if (length > USERNET_WIRE_SKIP_MAX_BYTES)
      return FALSE;
    if (length > USERNET_WIRE_FRAME_MAX_BYTES) {
      self->counters.skipped_in++;
      self->skip_bytes = length;
      at += HEADER_BYTES;
      continue;
    }
    if (left < HEADER_BYTES + length)
      break;
    if (length >= ETHERNET_HEADER) {
      self->counters.frames_in++;
      frame (self->in + at + HEADER_BYTES, length, user_data);
    } else {
      self->counters.skipped_in++;
    }
    at += HEADER_BYTES + length;
  }

  memmove (self->in, self->in + at, self->in_bytes - at);
  self->in_bytes -= at;
  return TRUE;
}

gboolean
usernet_wire_read (UsernetWire *self, UsernetWireFrame frame, gpointer user_data)
{
  for (guint turn = 0; turn < READS_PER_TURN; turn++) {
    /* Never zero: hand_over() leaves less than one whole frame, and the buffer holds one. */
    gsize room = sizeof self->in - self->in_bytes;
    gssize n = recv (self->fd, self->in + self->in_bytes, room, MSG_DONTWAIT);

    if (n == 0)
      return FALSE;
    if (n < 0)
      return errno == EAGAIN || errno == EINTR;
    self->in_bytes += (gsize) n;
    if (!hand_over (self, frame, user_data))
      return FALSE;
    if ((gsize) n < room)
      break;
  }
  return TRUE;
}

gboolean
usernet_wire_flush (UsernetWire *self)
{
  gssize n;

  if (self->pending->len == 0)
    return TRUE;
  n = send (self->fd, self->pending->data, self->pending->len, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  g_byte_array_remove_range (self->pending, 0, (guint) n);
  return TRUE;
}

void
usernet_wire_send (UsernetWire *self, const guint8 *frame, gsize size_bytes)
{
  guint32 length = GUINT32_TO_BE ((guint32) size_bytes);
  struct iovec parts[] = {
      {&length, sizeof length},
      {(gpointer) frame, size_bytes},
  };
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = G_N_ELEMENTS (parts)};
  gsize sent = 0;

  if (self->pending->len + HEADER_BYTES + size_bytes > PENDING_MAX_BYTES) {
    self->counters.dropped_out++;
    return;
  }
  if (self->pending->len == 0) {
    gssize n = sendmsg (self->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

    /* A wire that has ended is found by the next read. */
    if (n > 0)
      sent = (gsize) n;
  }
  /* A frame begun must be finished, or the other side would read lengths out of its middle. */
  if (sent < HEADER_BYTES)
    g_byte_array_append (self->pending, (const guint8 *) &length + sent,
                         (guint) (HEADER_BYTES - sent));
  sent = sent > HEADER_BYTES ? sent - HEADER_BYTES : 0;
  if (sent < size_bytes)
    g_byte_array_append (self->pending, frame + sent, (guint) (size_bytes - sent));
  self->counters.frames_out++;
}
