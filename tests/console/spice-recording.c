/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a real SPICE server says to its client: kept, taken apart, changed, and said again.
 *
 * Each connection has a thread of its own, with blocking calls: the client runs on the main
 * context. Numbers on the wire are little endian; sizes and places are those of spice/protocol.h.
 */
#include "spice-recording.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <spice/enums.h>
#include <spice/protocol.h>

#define MINI_HEADER_SIZE 6
/* A client that is still reading, and one that may open more channels, are given so long. */
#define READ_LIMIT_MS 500
#define OPEN_LIMIT_MS 40
/* The same for one that is told the truth and has not seen all of it. */
#define TRUE_LIMIT_MS 120000
/* Between the last byte that the client took and the end: it decodes after it has read. */
#define DECODE_MS 3

typedef struct {
  guint8 type;
  guint8 id;
  int client; /* our ends, while it is recorded */
  int server;
  GThread *thread;
  GByteArray *said;
  GPtrArray *parts; /* GBytes: the link's two parts, then each message with its header */
} Channel;

struct _SpiceRecording {
  int (*open) (gpointer data);
  gpointer data;
  GPtrArray *channels;
};

/* ---- bytes */

static gboolean
send_all (int fd, gconstpointer data, gsize size)
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

/* Reads what a client says first, and keeps it in @link: which channel it wants. */
static gboolean
receive_link (int fd, GByteArray *link, guint8 *type, guint8 *id)
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

/* ---- keeping */

static gpointer
relay (gpointer data)
{
  Channel *channel = data;
  g_autoptr (GByteArray) link = g_byte_array_new ();
  guint8 bytes[65536];
  struct pollfd ends[] = {{.fd = channel->client, .events = POLLIN},
                          {.fd = channel->server, .events = POLLIN}};
  gboolean open = receive_link (channel->client, link, &channel->type, &channel->id) &&
                  send_all (channel->server, link->data, link->len);

  while (open && poll (ends, G_N_ELEMENTS (ends), -1) > 0) {
    for (guint i = 0; i < G_N_ELEMENTS (ends) && open; i++) {
      if (ends[i].revents == 0)
        continue;
      const ssize_t n = recv (ends[i].fd, bytes, sizeof bytes, 0);
      open = n > 0 && send_all (ends[1 - i].fd, bytes, n);
      if (n > 0 && ends[i].fd == channel->server)
        g_byte_array_append (channel->said, bytes, n);
    }
  }
  shutdown (channel->client, SHUT_RDWR);
  shutdown (channel->server, SHUT_RDWR);
  return NULL;
}

static Channel *
channel_new (void)
{
  Channel *channel = g_new0 (Channel, 1);

  channel->said = g_byte_array_new ();
  channel->parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  return channel;
}

static void
channel_free (gpointer data)
{
  Channel *channel = data;

  if (channel->thread != NULL)
    g_thread_join (channel->thread);
  g_byte_array_unref (channel->said);
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
  Channel *channel = channel_new ();
  int pair[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  channel->client = pair[0];
  channel->server = self->open (self->data);
  channel->thread = g_thread_new ("recording", relay, channel);
  g_ptr_array_add (self->channels, channel);
  return pair[1];
}

static gsize
add_part (Channel *channel, gsize at, gsize size)
{
  g_assert_cmpuint (at + size, <=, channel->said->len);
  g_ptr_array_add (channel->parts, g_bytes_new (channel->said->data + at, size));
  return at + size;
}

static void
take_apart (Channel *channel)
{
  const guint8 *said = channel->said->data;
  gsize at = 0;

  if (channel->said->len < sizeof (SpiceLinkHeader))
    return;
  at = add_part (channel, at,
                 sizeof (SpiceLinkHeader) +
                     GUINT32_FROM_LE (((const SpiceLinkHeader *) said)->size));
  at = add_part (channel, at, sizeof (guint32)); /* whether the ticket was right */
  while (at + MINI_HEADER_SIZE <= channel->said->len) {
    SpiceMiniDataHeader header;

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
    Channel *channel = g_ptr_array_index (self->channels, i);

    g_thread_join (g_steal_pointer (&channel->thread));
    close (channel->client);
    close (channel->server);
    take_apart (channel);
    n += channel->parts->len;
  }
  return n;
}

/* ---- in a file: of each channel its type, its id, how much it says, and that */

void
spice_recording_save (SpiceRecording *self, const char *path)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < self->channels->len; i++) {
    const Channel *channel = g_ptr_array_index (self->channels, i);
    const guint32 head[] = {channel->type, channel->id, channel->said->len};

    g_byte_array_append (all, (const guint8 *) head, sizeof head);
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
    Channel *channel = channel_new ();
    guint32 head[3];

    memcpy (head, all + at, sizeof head);
    at += sizeof head;
    channel->type = head[0];
    channel->id = head[1];
    g_byte_array_append (channel->said, (const guint8 *) all + at, head[2]);
    at += head[2];
    take_apart (channel);
    g_ptr_array_add (self->channels, channel);
  }
  return self;
}

/* ---- changing */

/* Numbers at which something may turn over. */
static const guint32 edges[] = {
    0,          1,          2,          0x7f,       0x80,       0xff,       0x7fff,
    0x8000,     0xffff,     0x10000,    16384,      16385,      0x7fffffff, 0x80000000,
    0xfffffffe, 0xffffffff, 0x3fffffff, 0x40000000, 0x00ffffff, 0x20000000,
};

static GByteArray *
dup_part (GBytes *part)
{
  GByteArray *copy = g_byte_array_new ();

  return g_byte_array_append (copy, g_bytes_get_data (part, NULL), g_bytes_get_size (part));
}

/* A place in it; more often near the front, where the numbers are. */
static gsize
pick (GRand *random, gsize size)
{
  const gsize end = g_rand_boolean (random) ? size : MIN (size, 64);

  return g_rand_int_range (random, 0, end);
}

static void
change_number (GRand *random, GByteArray *part, gsize width)
{
  guint32 value = edges[g_rand_int_range (random, 0, G_N_ELEMENTS (edges))];

  if (part->len < width)
    return;
  if (g_rand_int_range (random, 0, 4) == 0)
    value = g_rand_int (random);
  value = GUINT32_TO_LE (value);
  memcpy (part->data + pick (random, part->len - width + 1), &value, width);
}

/* The header says how long the rest is. */
static void
set_size (GByteArray *part, guint32 size)
{
  size = GUINT32_TO_LE (size);
  if (part->len >= MINI_HEADER_SIZE)
    memcpy (part->data + sizeof (guint16), &size, sizeof size);
}

static void
change_inside (GRand *random, GByteArray *part)
{
  switch (g_rand_int_range (random, 0, 7)) {
  case 0:
    part->data[pick (random, part->len)] ^= 1 << g_rand_int_range (random, 0, 8);
    break;
  case 1:
    part->data[pick (random, part->len)] = g_rand_int (random);
    break;
  case 2:
    change_number (random, part, sizeof (guint16));
    break;
  case 3:
  case 4:
    change_number (random, part, sizeof (guint32));
    break;
  case 5: /* shorter, and it says so */
    g_byte_array_set_size (part, pick (random, part->len) + 1);
    set_size (part, part->len < MINI_HEADER_SIZE ? 0 : part->len - MINI_HEADER_SIZE);
    break;
  default: /* it lies about its length */
    set_size (part, edges[g_rand_int_range (random, 0, G_N_ELEMENTS (edges))]);
    break;
  }
}

static void
change (GRand *random, GPtrArray *parts, const SpiceRecording *recording)
{
  /* The first two are the link: without it nothing else is read. */
  const guint first = parts->len > 2 && g_rand_int_range (random, 0, 16) != 0 ? 2 : 0;
  const guint at = g_rand_int_range (random, first, parts->len);
  const guint other = g_rand_int_range (random, first, parts->len);
  const Channel *channel = g_ptr_array_index (
      recording->channels, g_rand_int_range (random, 0, recording->channels->len));
  GByteArray *part = g_ptr_array_index (parts, at);

  switch (g_rand_int_range (random, 0, 12)) {
  case 0: /* said twice */
    g_ptr_array_insert (parts, other,
                        g_byte_array_append (g_byte_array_new (), part->data, part->len));
    break;
  case 1: /* left out */
    if (parts->len > 3)
      g_ptr_array_remove_index (parts, at);
    break;
  case 2: /* in another order */
    g_ptr_array_insert (parts, other, g_ptr_array_steal_index (parts, at));
    break;
  case 3: /* what another channel says */
    if (channel->parts->len > 2)
      g_ptr_array_insert (parts, at,
                          dup_part (g_ptr_array_index (
                              channel->parts, g_rand_int_range (random, 2, channel->parts->len))));
    break;
  default:
    if (part->len > 0)
      change_inside (random, part);
    break;
  }
}

/* ---- saying it again */

struct _SpicePlayer {
  SpiceRecording *recording;
  guint32 seed;
  GPtrArray *threads; /* of the main context */
  int n_others;       /* atomic: connections besides the main channel's that are still being read */
  int n_opened;       /* atomic */
  int ended;          /* atomic: the client has seen what it wants to */
};

typedef struct {
  SpicePlayer *player;
  int fd;
} Line;

static const Channel *
find_channel (const SpiceRecording *recording, guint8 type, guint8 id)
{
  for (guint i = 0; i < recording->channels->len; i++) {
    const Channel *channel = g_ptr_array_index (recording->channels, i);

    if (channel->type == type && channel->id == id)
      return channel;
  }
  return NULL;
}

static void
byte_array_free (gpointer data)
{
  g_byte_array_unref (data);
}

/* Which channel is changed depends on the seed: one that is broken early keeps others from being.
 */
static void
say (SpicePlayer *player, const Channel *channel, int fd)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (byte_array_free);
  g_autoptr (GRand) random = g_rand_new_with_seed (player->seed);

  for (guint i = 0; i < channel->parts->len; i++)
    g_ptr_array_add (parts, dup_part (g_ptr_array_index (channel->parts, i)));
  const Channel *target = g_ptr_array_index (
      player->recording->channels, g_rand_int_range (random, 0, player->recording->channels->len));
  if (player->seed != 0 && target == channel && parts->len > 0) {
    for (int n = g_rand_int_range (random, 1, 5); n > 0; n--)
      change (random, parts, player->recording);
  }
  for (guint i = 0; i < parts->len; i++) {
    const GByteArray *part = g_ptr_array_index (parts, i);

    if (!send_all (fd, part->data, part->len))
      return;
  }
}

static void
sleep_ms (guint ms)
{
  g_usleep (ms * 1000);
}

/* Until the client has taken all that was sent. */
static void
wait_until_read (int fd)
{
  for (guint ms = 0; ms < READ_LIMIT_MS; ms++) {
    struct pollfd end = {.fd = fd, .events = POLLRDHUP};
    int left = 0;

    if (ioctl (fd, SIOCOUTQ, &left) != 0 || left == 0 || poll (&end, 1, 0) > 0)
      break;
    sleep_ms (1);
  }
  sleep_ms (DECODE_MS);
}

/* Until @count has come to @wanted. */
static void
wait_for_count (int *count, int wanted, guint limit_ms)
{
  for (guint ms = 0; ms < limit_ms && g_atomic_int_get (count) < wanted; ms++)
    sleep_ms (1);
}

static gpointer
play (gpointer data)
{
  g_autofree Line *line = data;
  SpicePlayer *player = line->player;
  g_autoptr (GByteArray) link = g_byte_array_new ();
  const Channel *channel = NULL;
  guint8 type, id;

  if (receive_link (line->fd, link, &type, &id))
    channel = find_channel (player->recording, type, id);
  const gboolean is_main = channel != NULL && channel->type == SPICE_CHANNEL_MAIN;
  if (!is_main)
    g_atomic_int_inc (&player->n_others);
  g_atomic_int_inc (&player->n_opened);

  if (channel != NULL) {
    say (player, channel, line->fd);
    wait_until_read (line->fd);
    /* How long a client decodes what it has read is not to be known from here. */
    if (player->seed == 0)
      wait_for_count (&player->ended, 1, TRUE_LIMIT_MS);
  }
  if (!is_main) {
    g_atomic_int_add (&player->n_others, -1);
  } else {
    /* Its end is the end of all. */
    wait_for_count (&player->n_opened, 2, OPEN_LIMIT_MS);
    sleep_ms (DECODE_MS);
    while (g_atomic_int_get (&player->n_others) > 0)
      sleep_ms (1);
  }
  close (line->fd);
  return NULL;
}

SpicePlayer *
spice_player_new (SpiceRecording *recording, guint32 seed)
{
  SpicePlayer *self = g_new0 (SpicePlayer, 1);

  self->recording = recording;
  self->seed = seed;
  self->threads = g_ptr_array_new ();
  return self;
}

void
spice_player_end (SpicePlayer *self)
{
  g_atomic_int_set (&self->ended, 1);
}

void
spice_player_free (SpicePlayer *self)
{
  spice_player_end (self);
  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (g_ptr_array_index (self->threads, i));
  g_ptr_array_unref (self->threads);
  g_free (self);
}

int
spice_player_open (gpointer data)
{
  SpicePlayer *self = data;
  Line *line = g_new0 (Line, 1);
  int pair[2];

  g_assert_no_errno (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
  line->player = self;
  line->fd = pair[0];
  g_ptr_array_add (self->threads, g_thread_new ("player", play, line));
  return pair[1];
}
