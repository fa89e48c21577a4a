/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a real SPICE server says to its client: kept, and taken apart. */
#include "spice-recording-private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <spice/protocol.h>

/* ---- bytes */

gboolean
spice_recording_send (int fd, gconstpointer data, gsize size)
{
  for (gsize sent = 0; sent < size;) {
    ssize_t n = send (fd, (const char *) data + sent, size - sent, MSG_NOSIGNAL);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    sent += n;
  }
  return TRUE;
}

static gboolean
receive_all (int fd, gpointer data, gsize size)
{
  for (gsize got = 0; got < size;) {
    ssize_t n = recv (fd, (char *) data + got, size - got, 0);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    got += n;
  }
  return TRUE;
}

gboolean
spice_recording_receive_link (int fd, GByteArray *link, guint8 *type, guint8 *id)
{
  SpiceLinkHeader header;
  SpiceLinkMess *message;

  if (!receive_all (fd, &header, sizeof header))
    return FALSE;
  const guint32 size = GUINT32_FROM_LE (header.size);
  g_assert_cmpuint (size, >=, sizeof *message);
  g_assert_cmpuint (size, <, 4096);
  g_byte_array_append (link, (guint8 *) &header, sizeof header);
  g_byte_array_set_size (link, sizeof header + size);
  if (!receive_all (fd, link->data + sizeof header, size))
    return FALSE;
  message = (SpiceLinkMess *) (link->data + sizeof header);
  *type = message->channel_type;
  *id = message->channel_id;
  return TRUE;
}

/* ---- descriptors */

typedef union {
  struct cmsghdr header;
  char bytes[CMSG_SPACE (sizeof (int))];
} Passed;

/* As recv(). @out_passed: -1 where no descriptor came; it was with the last byte */
static ssize_t
receive_with (int fd, gpointer data, gsize size, int *out_passed)
{
  struct iovec part = {data, size};
  Passed passed;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = sizeof passed};
  const ssize_t n = recvmsg (fd, &message, MSG_CMSG_CLOEXEC);
  const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR (&message) : NULL;

  *out_passed = -1;
  if (header != NULL && header->cmsg_type == SCM_RIGHTS)
    memcpy (out_passed, CMSG_DATA (header), sizeof *out_passed);
  return n;
}

gboolean
spice_recording_send_with (int fd, gconstpointer data, gsize size, int given)
{
  struct iovec part = {(gpointer) data, size};
  Passed passed = {.header = {.cmsg_len = CMSG_LEN (sizeof given),
                              .cmsg_level = SOL_SOCKET,
                              .cmsg_type = SCM_RIGHTS}};
  const struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = sizeof passed};

  memcpy (CMSG_DATA (&passed.header), &given, sizeof given);
  return sendmsg (fd, &message, MSG_NOSIGNAL) == (ssize_t) size;
}

/* ---- keeping */

/* The server passes a descriptor with a byte of its own (spice-server's red_stream_send_msgfd()),
 * and what is read at once ends with that. */
static gboolean
keep (SpiceRecordingChannel *channel, const guint8 *bytes, gsize n, int passed)
{
  const guint32 at = channel->said->len + n - 1;
  gboolean sent;

  g_byte_array_append (channel->said, bytes, n);
  if (passed < 0)
    return spice_recording_send (channel->client, bytes, n);
  g_array_append_val (channel->descriptors, at);
  sent = (n == 1 || spice_recording_send (channel->client, bytes, n - 1)) &&
         spice_recording_send_with (channel->client, bytes + n - 1, 1, passed);
  close (passed);
  return sent;
}

static gpointer
relay (gpointer data)
{
  SpiceRecordingChannel *channel = data;
  g_autoptr (GByteArray) link = g_byte_array_new ();
  guint8 bytes[65536];
  struct pollfd ends[] = {{.fd = channel->client, .events = POLLIN},
                          {.fd = channel->server, .events = POLLIN}};
  gboolean open =
      spice_recording_receive_link (channel->client, link, &channel->type, &channel->id) &&
      spice_recording_send (channel->server, link->data, link->len);

  while (open && poll (ends, G_N_ELEMENTS (ends), -1) > 0) {
    for (guint i = 0; i < G_N_ELEMENTS (ends) && open; i++) {
      if (ends[i].revents == 0)
        continue;
      int passed;
      const ssize_t n = receive_with (ends[i].fd, bytes, sizeof bytes, &passed);

      if (n > 0 && ends[i].fd == channel->server)
        open = keep (channel, bytes, n, passed);
      else
        open = n > 0 && spice_recording_send (channel->server, bytes, n);
    }
  }
  shutdown (channel->client, SHUT_RDWR);
  shutdown (channel->server, SHUT_RDWR);
  return NULL;
}

static SpiceRecordingChannel *
channel_new (void)
{
  SpiceRecordingChannel *channel = g_new0 (SpiceRecordingChannel, 1);

  channel->said = g_byte_array_new ();
  channel->descriptors = g_array_new (FALSE, FALSE, sizeof (guint32));
  channel->parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  return channel;
}

static void
channel_free (gpointer data)
{
  SpiceRecordingChannel *channel = data;

  if (channel->thread != NULL)
    g_thread_join (channel->thread);
  g_byte_array_unref (channel->said);
  g_array_unref (channel->descriptors);
  g_ptr_array_unref (channel->parts);
  g_free (channel);
}

SpiceRecording *
spice_recording_new (int (*open) (gpointer data), gpointer data)
{
  SpiceRecording *self = g_new0 (SpiceRecording, 1);

  self->open = open;
  self->data = data;
  self->channels = g_ptr_array_new_with_free_func (channel_free);
  return self;
}

void
spice_recording_free (SpiceRecording *self)
{
  g_ptr_array_unref (self->channels);
  g_free (self);
}

int
spice_recording_open (gpointer data)
{
  SpiceRecording *self = data;
  SpiceRecordingChannel *channel = channel_new ();
  int pair[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  channel->client = pair[0];
  channel->server = self->open (self->data);
  channel->thread = g_thread_new ("recording", relay, channel);
  g_ptr_array_add (self->channels, channel);
  return pair[1];
}

static gsize
add_part (SpiceRecordingChannel *channel, gsize at, gsize size)
{
  g_assert_cmpuint (at + size, <=, channel->said->len);
  g_ptr_array_add (channel->parts, g_bytes_new (channel->said->data + at, size));
  return at + size;
}

static void
take_apart (SpiceRecordingChannel *channel)
{
  const guint8 *said = channel->said->data;
  gsize at = 0;
  guint n_passed = 0;

  if (channel->said->len < sizeof (SpiceLinkHeader))
    return;
  at = add_part (channel, at,
                 sizeof (SpiceLinkHeader) +
                     GUINT32_FROM_LE (((const SpiceLinkHeader *) said)->size));
  at = add_part (channel, at, sizeof (guint32)); /* whether the ticket was right */
  while (at + MINI_HEADER_SIZE <= channel->said->len) {
    SpiceMiniDataHeader header;

    if (n_passed < channel->descriptors->len &&
        g_array_index (channel->descriptors, guint32, n_passed) == at) {
      at = add_part (channel, at, 1);
      n_passed++;
      continue;
    }

    memcpy (&header, said + at, sizeof header);
    const gsize size = MINI_HEADER_SIZE + GUINT32_FROM_LE (header.size);
    if (at + size > channel->said->len)
      break; /* cut off by the end */
    at = add_part (channel, at, size);
  }
}

guint
spice_recording_finish (SpiceRecording *self)
{
  guint n = 0;

  for (guint i = 0; i < self->channels->len; i++) {
    SpiceRecordingChannel *channel = g_ptr_array_index (self->channels, i);

    g_thread_join (g_steal_pointer (&channel->thread));
    close (channel->client);
    close (channel->server);
    take_apart (channel);
    n += channel->parts->len;
  }
  return n;
}

/* ---- in a file: of each channel its type, its id, how much it says with how many descriptors, the
 * places of those, and what it says */

void
spice_recording_save (SpiceRecording *self, const char *path)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < self->channels->len; i++) {
    const SpiceRecordingChannel *channel = g_ptr_array_index (self->channels, i);
    const guint32 head[] = {channel->type, channel->id, channel->said->len,
                            channel->descriptors->len};

    g_byte_array_append (all, (const guint8 *) head, sizeof head);
    g_byte_array_append (all, (const guint8 *) channel->descriptors->data,
                         channel->descriptors->len * sizeof (guint32));
    g_byte_array_append (all, channel->said->data, channel->said->len);
  }
  g_file_set_contents (path, (const char *) all->data, all->len, &error);
  g_assert_no_error (error);
}

SpiceRecording *
spice_recording_load (const char *path)
{
  SpiceRecording *self = spice_recording_new (NULL, NULL);
  g_autofree char *all = NULL;
  g_autoptr (GError) error = NULL;
  gsize size, at = 0;

  g_file_get_contents (path, &all, &size, &error);
  g_assert_no_error (error);
  while (at < size) {
    SpiceRecordingChannel *channel = channel_new ();
    guint32 head[4];

    memcpy (head, all + at, sizeof head);
    at += sizeof head;
    channel->type = head[0];
    channel->id = head[1];
    for (guint i = 0; i < head[3]; i++, at += sizeof (guint32)) {
      guint32 place;

      memcpy (&place, all + at, sizeof place);
      g_array_append_val (channel->descriptors, place);
    }
    g_byte_array_append (channel->said, (const guint8 *) all + at, head[2]);
    at += head[2];
    take_apart (channel);
    g_ptr_array_add (self->channels, channel);
  }
  return self;
}
