/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a real SPICE server said to its client: changed, and said again. */
#include "spice-recording-private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <spice/enums.h>
#include <spice/protocol.h>
#include <spice/vd_agent.h>

/* Of the memory that is passed for a graphics card's. */
#define SCANOUT_SIZE 65536
/* A client that is still reading, one that may open more channels, and one that is to say more of
 * its file, are given so long. */
#define READ_LIMIT_MS 500
#define OPEN_LIMIT_MS 40
#define FILE_LIMIT_MS 100
/* The same for one that is told the truth and has not seen all of it. */
#define TRUE_LIMIT_MS 120000
/* Between the last byte that the client took and the end: it decodes after it has read. */
#define DECODE_MS 3

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
  const SpiceRecordingChannel *channel = g_ptr_array_index (
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
  gboolean has_file;  /* the client is to send one */
  GPtrArray *threads; /* of the main context */
  int n_others;       /* atomic: connections besides the main channel's that are still being read */
  int n_opened;       /* atomic */
  int main_said;      /* atomic: all that the main channel says is said, and was read */
  int ended;          /* atomic: the client has seen what it wants to */
};

typedef struct {
  SpicePlayer *player;
  int fd;
} Line;

static const SpiceRecordingChannel *
find_channel (const SpiceRecording *recording, guint8 type, guint8 id)
{
  for (guint i = 0; i < recording->channels->len; i++) {
    const SpiceRecordingChannel *channel = g_ptr_array_index (recording->channels, i);

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

static void
sleep_ms (guint ms)
{
  g_usleep (ms * 1000);
}

/* What a descriptor is of that goes with the picture: memory that is large enough, or something
 * else. */
static int
make_descriptor (GRand *random, guint32 seed)
{
  const int what = seed == 0 ? 0 : g_rand_int_range (random, 0, 6);
  int ends[2];

  if (what == 1) {
    g_assert_no_errno (pipe2 (ends, O_CLOEXEC));
    close (ends[1]);
    return ends[0];
  }
  if (what == 2)
    return open (g_get_tmp_dir (), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int memory = memfd_create ("scanout", MFD_CLOEXEC);
  g_assert_no_errno (ftruncate (memory, what == 3 ? 1 : SCANOUT_SIZE));
  return memory;
}

static gboolean
say_part (int fd, const GByteArray *part, GRand *random, guint32 seed)
{
  if (part->len != 1)
    return spice_recording_send (fd, part->data, part->len);
  const int given = make_descriptor (random, seed);
  const gboolean said = spice_recording_send_with (fd, part->data, 1, given);

  close (given);
  return said;
}

/* What the guest's agent says of a file. */
static gboolean
is_file_status (const GByteArray *part)
{
  SpiceMiniDataHeader header;
  VDAgentMessage message;

  if (part->len < MINI_HEADER_SIZE + sizeof message + sizeof (VDAgentFileXferStatusMessage))
    return FALSE;
  memcpy (&header, part->data, sizeof header);
  memcpy (&message, part->data + MINI_HEADER_SIZE, sizeof message);
  return GUINT16_FROM_LE (header.type) == SPICE_MSG_MAIN_AGENT_DATA &&
         GUINT32_FROM_LE (message.type) == VD_AGENT_FILE_XFER_STATUS;
}

/* After the agent's message's header, in what both sides say of a file. */
static guint32
get_file_id (const guint8 *message)
{
  guint32 id;

  memcpy (&id, message + sizeof (VDAgentMessage), sizeof id);
  return GUINT32_FROM_LE (id);
}

/* Until the client has said to the agent what is answered: what comes before that is lost on it.
 * @heard: what it has said so far. Returns: the number of its file; 0: it has not said it */
static guint32
wait_for_file (SpicePlayer *player, int fd, GByteArray *heard, guint32 type)
{
  const guint limit_ms = player->seed == 0 ? TRUE_LIMIT_MS : FILE_LIMIT_MS;
  const guint32 begin[] = {GUINT32_TO_LE (VD_AGENT_PROTOCOL), GUINT32_TO_LE (type)};
  guint8 bytes[4096];

  for (guint ms = 0; ms < limit_ms && g_atomic_int_get (&player->ended) == 0; ms++) {
    const ssize_t n = recv (fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n > 0)
      g_byte_array_append (heard, bytes, n);
    /* An array that is empty has no bytes to look at. */
    const guint8 *message =
        heard->len > 0 ? memmem (heard->data, heard->len, begin, sizeof begin) : NULL;
    if (message != NULL &&
        message + sizeof (VDAgentMessage) + sizeof (guint32) <= heard->data + heard->len)
      return get_file_id (message);
    if (n == 0)
      break;
    if (n < 0)
      sleep_ms (1);
  }
  return 0;
}

/* What the agent says of the file that the client is about to send: the library counts files
 * through a process's life, and believes no answer about another one. */
static void
prepare_file_status (SpicePlayer *player, GByteArray *part, int fd, GByteArray *heard, guint32 was)
{
  guint8 *message = part->data + MINI_HEADER_SIZE;
  const guint32 type = heard->len == 0 ? VD_AGENT_FILE_XFER_START : VD_AGENT_FILE_XFER_DATA;
  const guint32 id = GUINT32_TO_LE (wait_for_file (player, fd, heard, type));

  if (id != 0 && get_file_id (message) == was)
    memcpy (message + sizeof (VDAgentMessage), &id, sizeof id);
}

/* The number that it had when it was recorded. */
static guint32
find_file_id (const SpiceRecordingChannel *channel)
{
  for (guint i = 0; i < channel->parts->len; i++) {
    g_autoptr (GByteArray) part = dup_part (g_ptr_array_index (channel->parts, i));

    if (is_file_status (part))
      return get_file_id (part->data + MINI_HEADER_SIZE);
  }
  return 0;
}

/* Which channel is changed depends on the seed: one that is broken early keeps others from being.
 */
static void
say (SpicePlayer *player, const SpiceRecordingChannel *channel, int fd)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (byte_array_free);
  g_autoptr (GRand) random = g_rand_new_with_seed (player->seed);
  g_autoptr (GByteArray) heard = g_byte_array_new ();
  const guint32 was = find_file_id (channel);

  for (guint i = 0; i < channel->parts->len; i++)
    g_ptr_array_add (parts, dup_part (g_ptr_array_index (channel->parts, i)));
  const SpiceRecordingChannel *target = g_ptr_array_index (
      player->recording->channels, g_rand_int_range (random, 0, player->recording->channels->len));
  if (player->seed != 0 && target == channel && parts->len > 0) {
    for (int n = g_rand_int_range (random, 1, 5); n > 0; n--)
      change (random, parts, player->recording);
  }
  for (guint i = 0; i < parts->len; i++) {
    GByteArray *part = g_ptr_array_index (parts, i);

    if (channel->type == SPICE_CHANNEL_MAIN && is_file_status (part))
      prepare_file_status (player, part, fd, heard, was);
    if (!say_part (fd, part, random, player->seed))
      return;
  }
}

/* Until the client has taken all that was sent, or has gone. */
static void
wait_until_read (SpicePlayer *player, int fd)
{
  for (guint ms = 0; ms < READ_LIMIT_MS && g_atomic_int_get (&player->ended) == 0; ms++) {
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
  const SpiceRecordingChannel *channel = NULL;
  guint8 type, id;

  if (spice_recording_receive_link (line->fd, link, &type, &id))
    channel = find_channel (player->recording, type, id);
  const gboolean is_main = channel != NULL && channel->type == SPICE_CHANNEL_MAIN;
  if (!is_main)
    g_atomic_int_inc (&player->n_others);
  g_atomic_int_inc (&player->n_opened);

  if (channel != NULL) {
    say (player, channel, line->fd);
    wait_until_read (player, line->fd);
    /* How long a client decodes what it has read is not to be known from here. */
    if (player->seed == 0)
      wait_for_count (&player->ended, 1, TRUE_LIMIT_MS);
    /* The end of any is the end of the session, and a file takes a while. */
    if (is_main)
      g_atomic_int_set (&player->main_said, 1);
    else if (player->has_file)
      wait_for_count (&player->main_said, 1, FILE_LIMIT_MS);
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

  const SpiceRecordingChannel *main = find_channel (recording, SPICE_CHANNEL_MAIN, 0);

  self->recording = recording;
  self->seed = seed;
  self->has_file = main != NULL && find_file_id (main) != 0;
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
