/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wire to the guest, taken apart into connections.
 *
 * From the guest: a header, its data, the data to the connection's server, and then the next
 * header: a server that does not read makes the whole wire wait. To the guest: each connection
 * reads one piece from its server and waits until the wire has taken it; the wire takes them in
 * turn.
 *
 * A mux lives as long as the program, and with it what has to be there for an answer that is still
 * on its way.
 */
#include "sharing/share/mux.h"

#include "sharing/share/sandbox.h"

#include <string.h>

#define HEADER_BYTES   (sizeof (gint64) + sizeof (guint16))
#define MAX_DATA_BYTES G_MAXUINT16

typedef struct {
  grefcount references;
  ShareMux *mux;
  gint64 id;
  GIOStream *stream;
  GCancellable *cancellable;
  guint8 out[HEADER_BYTES + MAX_DATA_BYTES];
} Client;

struct _ShareMux {
  GIOStream *wire;
  ShareServer *server;
  ShareMuxEnded ended;
  gpointer user_data;
  gboolean over;

  GHashTable *clients; /* the id within -> (owned) Client */
  GQueue waiting;      /* of (owned) Piece; the first is being sent */

  gint64 id;
  guint16 size_bytes;
  guint8 header[HEADER_BYTES];
  guint8 data[MAX_DATA_BYTES];
  guint8 refusal[HEADER_BYTES];
};

/* What is for the wire. */
typedef struct {
  Client *client; /* whose buffer it is in, or NULL for a refusal */
  const guint8 *data;
  gsize size_bytes;
} Piece;

static void read_header (ShareMux *self);
static void read_client (Client *client);
static void write_first (ShareMux *self);

static void
client_unref (Client *client)
{
  if (!g_ref_count_dec (&client->references))
    return;
  g_object_unref (client->stream);
  g_object_unref (client->cancellable);
  g_free (client);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Client, client_unref)

static Client *
client_ref (Client *client)
{
  g_ref_count_inc (&client->references);
  return client;
}

static gboolean
is_there (Client *client)
{
  return g_hash_table_lookup (client->mux->clients, &client->id) == client;
}

static void
end (ShareMux *self)
{
  if (self->over)
    return;
  self->over = TRUE;
  self->ended (self->user_data);
}

static void
put_header (guint8 *to, gint64 id, gsize size_bytes)
{
  const gint64 le_id = GINT64_TO_LE (id);
  const guint16 le_size = GUINT16_TO_LE ((guint16) size_bytes);

  memcpy (to, &le_id, sizeof le_id);
  memcpy (to + sizeof le_id, &le_size, sizeof le_size);
}

/* --- To the guest --- */

static void
piece_free (Piece *piece)
{
  g_clear_pointer (&piece->client, client_unref);
  g_free (piece);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Piece, piece_free)

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ShareMux *self = user_data;
  g_autoptr (Piece) piece = g_queue_pop_head (&self->waiting);

  share_sandbox_alive ();
  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL)) {
    end (self);
    return;
  }
  write_first (self);
  if (piece->client == NULL)
    read_header (self);
  else if (!is_there (piece->client))
    return;
  else if (piece->size_bytes > HEADER_BYTES)
    read_client (piece->client);
  else
    g_hash_table_remove (self->clients, &piece->client->id);
}

static void
write_first (ShareMux *self)
{
  const Piece *piece = g_queue_peek_head (&self->waiting);

  if (piece != NULL && !self->over)
    g_output_stream_write_all_async (g_io_stream_get_output_stream (self->wire), piece->data,
                                     piece->size_bytes, G_PRIORITY_DEFAULT, NULL, sent_cb, self);
}

static void
send_piece (ShareMux *self, Client *client, const guint8 *data, gsize size_bytes)
{
  Piece *piece = g_new0 (Piece, 1);

  piece->client = client != NULL ? client_ref (client) : NULL;
  piece->data = data;
  piece->size_bytes = size_bytes;
  g_queue_push_tail (&self->waiting, piece);
  if (self->waiting.length == 1)
    write_first (self);
}

static void
client_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Client) client = user_data;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  if (!is_there (client))
    return;
  n = MAX (n, 0);
  put_header (client->out, client->id, (gsize) n);
  send_piece (client->mux, client, client->out, HEADER_BYTES + (gsize) n);
}

static void
read_client (Client *client)
{
  g_input_stream_read_async (g_io_stream_get_input_stream (client->stream),
                             client->out + HEADER_BYTES, MAX_DATA_BYTES, G_PRIORITY_DEFAULT,
                             client->cancellable, client_read_cb, client_ref (client));
}

/* --- From the guest --- */

static Client *
add_client (ShareMux *self)
{
  g_autoptr (GError) error = NULL;
  GIOStream *stream;
  Client *client;

  if (g_hash_table_size (self->clients) >= SHARE_MUX_MAX_CLIENTS)
    return NULL;
  stream = share_server_connect (self->server, &error);
  if (stream == NULL) {
    g_warning ("%s", error->message);
    return NULL;
  }
  client = g_new0 (Client, 1);
  g_ref_count_init (&client->references);
  client->mux = self;
  client->id = self->id;
  client->stream = stream;
  client->cancellable = g_cancellable_new ();
  g_hash_table_insert (self->clients, &client->id, client);
  read_client (client);
  return client;
}

/* The table's share of a client. Its server sees the end of the connection. */
static void
client_leave (gpointer data)
{
  Client *client = data;
  GList *link = client->mux->waiting.head;

  /* What it had to say would reach the next connection of that number. */
  for (link = link != NULL ? link->next : NULL; link != NULL;) {
    GList *next = link->next;
    Piece *piece = link->data;

    if (piece->client == client) {
      piece_free (piece);
      g_queue_delete_link (&client->mux->waiting, link);
    }
    link = next;
  }
  g_cancellable_cancel (client->cancellable);
  g_io_stream_close (client->stream, NULL, NULL);
  client_unref (client);
}

/* A server that has ended the connection shows that where it is read. */
static void
handed_over_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Client) client = user_data;

  g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL);
  read_header (client->mux);
}

static void
hand_over (ShareMux *self)
{
  Client *client = g_hash_table_lookup (self->clients, &self->id);

  if (self->size_bytes == 0) {
    if (client != NULL)
      g_hash_table_remove (self->clients, &self->id);
    read_header (self);
    return;
  }
  if (client == NULL)
    client = add_client (self);
  if (client == NULL) {
    /* The next frame is read when the guest has taken this, so that there is only one. */
    put_header (self->refusal, self->id, 0);
    send_piece (self, NULL, self->refusal, sizeof self->refusal);
    return;
  }
  g_output_stream_write_all_async (g_io_stream_get_output_stream (client->stream), self->data,
                                   self->size_bytes, G_PRIORITY_DEFAULT, client->cancellable,
                                   handed_over_cb, client_ref (client));
}

static void
data_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ShareMux *self = user_data;
  gsize n = 0;

  if (g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &n, NULL) &&
      n == self->size_bytes)
    hand_over (self);
  else
    end (self);
}

static void
header_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ShareMux *self = user_data;
  gsize n = 0;

  share_sandbox_alive ();
  if (!g_input_stream_read_all_finish (G_INPUT_STREAM (source), result, &n, NULL) ||
      n != sizeof self->header) {
    end (self);
    return;
  }
  memcpy (&self->id, self->header, sizeof self->id);
  memcpy (&self->size_bytes, self->header + sizeof self->id, sizeof self->size_bytes);
  self->id = GINT64_FROM_LE (self->id);
  self->size_bytes = GUINT16_FROM_LE (self->size_bytes);
  if (self->size_bytes == 0)
    hand_over (self);
  else
    g_input_stream_read_all_async (G_INPUT_STREAM (source), self->data, self->size_bytes,
                                   G_PRIORITY_DEFAULT, NULL, data_cb, self);
}

static void
read_header (ShareMux *self)
{
  if (!self->over)
    g_input_stream_read_all_async (g_io_stream_get_input_stream (self->wire), self->header,
                                   sizeof self->header, G_PRIORITY_DEFAULT, NULL, header_cb, self);
}

ShareMux *
share_mux_new (int fd, ShareServer *server, ShareMuxEnded ended, gpointer user_data, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);
  ShareMux *self;

  if (socket == NULL)
    return NULL;
  self = g_new0 (ShareMux, 1);
  self->wire = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  self->server = server;
  self->ended = ended;
  self->user_data = user_data;
  self->clients = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, client_leave);
  read_header (self);
  return self;
}
