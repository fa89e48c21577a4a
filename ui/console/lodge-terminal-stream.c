/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One of a machine's consoles of text, from the client's side. See the header.
 *
 * The connection, while there is a path:
 *
 *               path                connected
 *     none -----------> connecting -----------> connected
 *      ^                    ^  |                    |
 *      |                    |  | refused            | ended
 *      | no path            |  v                    v
 *      '-- from any --    waiting <-----------------'
 *
 * Each connection has a cancellable of its own, which tells what belongs to one that is over.
 */
#include "console/lodge-terminal-stream.h"

#include "lodge-error.h"
#include "lodge-plain-text.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gi18n-lib.h>

#define CHUNK_BYTES (64 * 1024)
/* After a whole chunk: time for the window. */
#define CHUNK_PAUSE_MS 10
/* The pause before each attempt doubles from the first to the last. */
#define FIRST_PAUSE_MS 250
#define LAST_PAUSE_MS  8000
/* A connection that lasted so long was no refusal with a sentence. */
#define LASTED_US (2 * G_TIME_SPAN_SECOND)
/* What was typed and pasted and waits for the guest. */
#define OUTGOING_LIMIT_BYTES (256 * 1024)
/* What waits for the log's disk; with more, nothing is read. */
#define LOG_WAITING_BYTES (1024 * 1024)

/* A log outlives its stream until all is written. */
typedef struct {
  LodgeTerminalStream *stream; /* NULL once it is not the stream's any more */
  GApplication *application;   /* goes on until all is written; NULL where there is none */
  GFile *file;
  GOutputStream *out;
  LodgePlainText filter;
  GByteArray *waiting;
  GBytes *writing; /* or NULL */
  guint64 total;
  gboolean ended;
} Log;

struct _LodgeTerminalStream {
  GObject parent_instance;

  char *path;
  GCancellable *cancellable; /* of the connection that is made or there; NULL while waiting */
  GSocketConnection *connection;
  guint timer;
  guint pause_ms;
  gint64 since_us; /* when it was connected */
  gboolean reading;
  GByteArray *outgoing;
  gboolean sending;

  Log *log;
  guint64 log_limit;
  guint log_serial; /* of the last that was asked for */
};

G_DEFINE_FINAL_TYPE (LodgeTerminalStream, lodge_terminal_stream, G_TYPE_OBJECT)

enum { PROP_0, PROP_CONNECTED, PROP_LOG, N_PROPS };
static GParamSpec *properties[N_PROPS];
enum { RECEIVED, LOG_ENDED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void open_soon (LodgeTerminalStream *self, guint delay_ms);
static void read_more (LodgeTerminalStream *self);
static void send_more (LodgeTerminalStream *self);

/* --- Log --- */

static void write_log (Log *log);

static void
log_closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Log *log = user_data;

  /* Whoever stopped it was not promised more than what the disk takes. */
  (void) g_output_stream_close_finish (G_OUTPUT_STREAM (source), result, NULL);
  if (log->application != NULL)
    g_application_release (log->application);
  g_clear_object (&log->application);
  g_object_unref (log->file);
  g_object_unref (log->out);
  g_byte_array_unref (log->waiting);
  g_free (log);
}

/* It is not the stream's any more; what waits is written, then it closes. */
static void
log_end (Log *log)
{
  log->ended = TRUE;
  log->stream = NULL;
  if (log->writing == NULL)
    write_log (log);
}

static void
fail_log (Log *log, const GError *error)
{
  LodgeTerminalStream *self = log->stream;

  g_byte_array_set_size (log->waiting, 0);
  if (self == NULL)
    return;
  g_object_ref (self);
  self->log = NULL;
  log_end (log);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOG]);
  g_signal_emit (self, signals[LOG_ENDED], 0, error);
  read_more (self);
  g_object_unref (self);
}

static void
log_written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Log *log = user_data;
  g_autoptr (GError) error = NULL;
  const gboolean written =
      g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error);

  g_clear_pointer (&log->writing, g_bytes_unref);
  if (!written && !log->ended) {
    fail_log (log, error);
    return;
  }
  if (!written)
    g_byte_array_set_size (log->waiting, 0);
  write_log (log);
  if (log->stream != NULL)
    read_more (log->stream);
}

static void
write_log (Log *log)
{
  if (log->waiting->len > 0) {
    log->writing = g_byte_array_free_to_bytes (log->waiting);
    log->waiting = g_byte_array_new ();
    g_output_stream_write_all_async (log->out, g_bytes_get_data (log->writing, NULL),
                                     g_bytes_get_size (log->writing), G_PRIORITY_DEFAULT_IDLE, NULL,
                                     log_written_cb, log);
  } else if (log->ended) {
    g_output_stream_close_async (log->out, G_PRIORITY_DEFAULT, NULL, log_closed_cb, log);
  }
}

static void
log_bytes (LodgeTerminalStream *self, GBytes *bytes)
{
  Log *log = self->log;
  const guint before = log->waiting->len;
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);

  lodge_plain_text_filter (&log->filter, data, length, log->waiting);
  log->total += log->waiting->len - before;
  if (log->writing == NULL)
    write_log (log);
  if (log->total > self->log_limit) {
    g_autofree char *size = g_format_size (self->log_limit);
    g_autoptr (GError) error =
        g_error_new (LODGE_ERROR, LODGE_ERROR_STORAGE,
                     _ ("The log ended by itself because it has reached %s"), size);

    self->log = NULL;
    log_end (log);
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOG]);
    g_signal_emit (self, signals[LOG_ENDED], 0, error);
  }
}

typedef struct {
  GFile *file;
  GFileOutputStream *out; /* of one that is not at its place yet, or NULL */
  guint serial;
} LogWish;

static void
log_wish_free (gpointer data)
{
  LogWish *self = data;

  g_object_unref (self->file);
  g_clear_object (&self->out);
  g_free (self);
}

/* Consumes both. @out: private, empty, and at its place. */
static void
begin_log (GTask *owned, GFileOutputStream *out)
{
  g_autoptr (GTask) task = owned;
  LodgeTerminalStream *self = g_task_get_source_object (task);
  const LogWish *wish = g_task_get_task_data (task);

  if (wish->serial != self->log_serial) {
    g_object_unref (out);
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("The log was stopped"));
    return;
  }
  lodge_terminal_stream_stop_log (self);
  self->log = g_new0 (Log, 1);
  self->log->stream = self;
  self->log->file = g_object_ref (wish->file);
  self->log->out = G_OUTPUT_STREAM (out);
  self->log->waiting = g_byte_array_new ();
  self->log->application = g_application_get_default ();
  if (self->log->application != NULL)
    g_application_hold (g_object_ref (self->log->application));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOG]);
  g_task_return_boolean (task, TRUE);
}

static void
log_moved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const LogWish *wish = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_file_move_finish (G_FILE (source), result, &error)) {
    GFileOutputStream *out = g_object_ref (wish->out);

    begin_log (g_steal_pointer (&task), out);
    return;
  }
  /* One that nobody asked for by that name. */
  g_file_delete_async (G_FILE (source), G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_task_return_error (task, error);
}

static void
log_created_beside_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LogWish *wish = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  wish->out = g_file_create_finish (G_FILE (source), result, &error);
  if (wish->out == NULL) {
    g_task_return_error (task, g_steal_pointer (&error));
    g_object_unref (task);
    return;
  }
  g_file_move_async (G_FILE (source), wish->file,
                     G_FILE_COPY_OVERWRITE | G_FILE_COPY_NO_FALLBACK_FOR_MOVE, G_PRIORITY_DEFAULT,
                     NULL, NULL, NULL, log_moved_cb, task);
}

/* What is there stays until the new one is. Moved to its place rather than replaced, as that would
 * show nothing of it before it is closed. */
static void
create_beside (GTask *task)
{
  const LogWish *wish = g_task_get_task_data (task);
  g_autoptr (GFile) folder = g_file_get_parent (wish->file);
  g_autofree char *base = g_file_get_basename (wish->file);
  g_autofree char *name = g_strdup_printf (".%.200s.%08x", base, g_random_int ());
  g_autoptr (GFile) beside = folder != NULL ? g_file_get_child (folder, name) : NULL;

  g_file_create_async (beside != NULL ? beside : wish->file, G_FILE_CREATE_PRIVATE,
                       G_PRIORITY_DEFAULT, NULL, log_created_beside_cb, task);
}

static void
log_created_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  g_autoptr (GError) error = NULL;
  GFileOutputStream *out = g_file_create_finish (G_FILE (source), result, &error);

  if (out != NULL) {
    begin_log (task, out);
  } else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_EXISTS)) {
    create_beside (task);
  } else {
    g_task_return_error (task, g_steal_pointer (&error));
    g_object_unref (task);
  }
}

void
lodge_terminal_stream_start_log_async (LodgeTerminalStream *self,
                                       GFile *file,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  LogWish *wish = g_new0 (LogWish, 1);

  g_return_if_fail (LODGE_IS_TERMINAL_STREAM (self));

  g_task_set_source_tag (task, lodge_terminal_stream_start_log_async);
  g_task_set_task_data (task, wish, log_wish_free);
  wish->file = g_object_ref (file);
  wish->serial = ++self->log_serial;
  g_file_create_async (file, G_FILE_CREATE_PRIVATE, G_PRIORITY_DEFAULT, NULL, log_created_cb, task);
}

gboolean
lodge_terminal_stream_start_log_finish (LodgeTerminalStream *self,
                                        GAsyncResult *result,
                                        GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
lodge_terminal_stream_stop_log (LodgeTerminalStream *self)
{
  g_return_if_fail (LODGE_IS_TERMINAL_STREAM (self));

  self->log_serial++;
  if (self->log == NULL)
    return;
  log_end (g_steal_pointer (&self->log));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOG]);
  read_more (self);
}

GFile *
lodge_terminal_stream_get_log (LodgeTerminalStream *self)
{
  return self->log != NULL ? self->log->file : NULL;
}

void
lodge_terminal_stream_set_log_limit (LodgeTerminalStream *self, guint64 limit_bytes)
{
  self->log_limit = limit_bytes;
}

/* --- Connection --- */

static void
drop (LodgeTerminalStream *self)
{
  const gboolean was_connected = self->connection != NULL;

  g_clear_handle_id (&self->timer, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->connection);
  g_byte_array_set_size (self->outgoing, 0);
  self->reading = FALSE;
  self->sending = FALSE;
  if (was_connected)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONNECTED]);
}

static void
lose (LodgeTerminalStream *self)
{
  if (self->connection != NULL && g_get_monotonic_time () - self->since_us > LASTED_US)
    self->pause_ms = FIRST_PAUSE_MS;
  drop (self);
  open_soon (self, self->pause_ms);
  self->pause_ms = MIN (self->pause_ms * 2, LAST_PAUSE_MS);
}

static gboolean
read_on_cb (gpointer user_data)
{
  LodgeTerminalStream *self = user_data;

  self->timer = 0;
  read_more (self);
  return G_SOURCE_REMOVE;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeTerminalStream) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes =
      g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->connection == NULL ||
      source != (GObject *) g_io_stream_get_input_stream (G_IO_STREAM (self->connection)))
    return;

  self->reading = FALSE;
  if (bytes == NULL || g_bytes_get_size (bytes) == 0) {
    lose (self);
    return;
  }

  if (self->log != NULL)
    log_bytes (self, bytes);
  g_signal_emit (self, signals[RECEIVED], 0, bytes);
  if (self->connection == NULL || self->timer != 0)
    return;
  if (g_bytes_get_size (bytes) == CHUNK_BYTES)
    self->timer =
        g_timeout_add_full (G_PRIORITY_DEFAULT_IDLE, CHUNK_PAUSE_MS, read_on_cb, self, NULL);
  else
    read_more (self);
}

/* One piece, unless it is under way, has to wait, or there is no connection. */
static void
read_more (LodgeTerminalStream *self)
{
  if (self->connection == NULL || self->reading || self->timer != 0 ||
      (self->log != NULL && self->log->waiting->len > LOG_WAITING_BYTES))
    return;

  self->reading = TRUE;
  g_input_stream_read_bytes_async (g_io_stream_get_input_stream (G_IO_STREAM (self->connection)),
                                   CHUNK_BYTES, G_PRIORITY_DEFAULT_IDLE, self->cancellable, read_cb,
                                   g_object_ref (self));
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeTerminalStream) self = user_data;
  g_autoptr (GError) error = NULL;
  gssize sent = g_output_stream_write_bytes_finish (G_OUTPUT_STREAM (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->connection == NULL ||
      source != (GObject *) g_io_stream_get_output_stream (G_IO_STREAM (self->connection)))
    return;

  self->sending = FALSE;
  /* The end is noticed where it is read. */
  if (sent < 0)
    return;
  g_byte_array_remove_range (self->outgoing, 0, MIN ((gsize) sent, self->outgoing->len));
  send_more (self);
}

static void
send_more (LodgeTerminalStream *self)
{
  g_autoptr (GBytes) bytes = NULL;

  if (self->connection == NULL || self->sending || self->outgoing->len == 0)
    return;
  self->sending = TRUE;
  bytes = g_bytes_new (self->outgoing->data, self->outgoing->len);
  g_output_stream_write_bytes_async (g_io_stream_get_output_stream (G_IO_STREAM (self->connection)),
                                     bytes, G_PRIORITY_DEFAULT, self->cancellable, sent_cb,
                                     g_object_ref (self));
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeTerminalStream) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);

  /* One that nobody waits for any more. */
  if (self->cancellable == NULL ||
      g_object_get_data (source, "lodge-cancellable") != self->cancellable)
    return;
  if (connection == NULL) {
    g_debug ("%s: %s", self->path, error->message);
    lose (self);
    return;
  }
  self->connection = g_steal_pointer (&connection);
  self->since_us = g_get_monotonic_time ();
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CONNECTED]);
  read_more (self);
}

static gboolean
open_cb (gpointer user_data)
{
  LodgeTerminalStream *self = user_data;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->path);

  self->timer = 0;
  self->cancellable = g_cancellable_new ();
  /* No proxy is asked, of which GIO would load a module. */
  g_socket_client_set_enable_proxy (client, FALSE);
  g_object_set_data_full (G_OBJECT (client), "lodge-cancellable", g_object_ref (self->cancellable),
                          g_object_unref);
  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (address), self->cancellable,
                                 opened_cb, g_object_ref (self));
  return G_SOURCE_REMOVE;
}

static void
open_soon (LodgeTerminalStream *self, guint delay_ms)
{
  if (self->path != NULL && self->timer == 0)
    self->timer = g_timeout_add (delay_ms, open_cb, self);
}

void
lodge_terminal_stream_set_socket (LodgeTerminalStream *self, const char *path)
{
  g_return_if_fail (LODGE_IS_TERMINAL_STREAM (self));

  if (path != NULL && *path == '\0')
    path = NULL;
  if (g_strcmp0 (self->path, path) == 0)
    return;

  g_free (self->path);
  self->path = g_strdup (path);
  /* What a guest has said last may still be on its way: without a path the connection ends at the
   * other side. */
  if (path == NULL && self->connection != NULL)
    return;
  drop (self);
  self->pause_ms = FIRST_PAUSE_MS;
  if (path != NULL)
    open_soon (self, 0);
}

gboolean
lodge_terminal_stream_get_connected (LodgeTerminalStream *self)
{
  return self->connection != NULL;
}

gboolean
lodge_terminal_stream_write (LodgeTerminalStream *self, const char *text, gsize length)
{
  g_return_val_if_fail (LODGE_IS_TERMINAL_STREAM (self), FALSE);

  if (self->connection == NULL || length > OUTGOING_LIMIT_BYTES - self->outgoing->len)
    return FALSE;
  g_byte_array_append (self->outgoing, (const guint8 *) text, length);
  send_more (self);
  return TRUE;
}

void
lodge_terminal_stream_close (LodgeTerminalStream *self)
{
  g_return_if_fail (LODGE_IS_TERMINAL_STREAM (self));

  lodge_terminal_stream_stop_log (self);
  g_clear_pointer (&self->path, g_free);
  drop (self);
}

/* --- Object --- */

static void
lodge_terminal_stream_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LodgeTerminalStream *self = LODGE_TERMINAL_STREAM (object);

  switch (id) {
  case PROP_CONNECTED:
    g_value_set_boolean (value, self->connection != NULL);
    break;
  case PROP_LOG:
    g_value_set_object (value, lodge_terminal_stream_get_log (self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_terminal_stream_dispose (GObject *object)
{
  lodge_terminal_stream_close (LODGE_TERMINAL_STREAM (object));

  G_OBJECT_CLASS (lodge_terminal_stream_parent_class)->dispose (object);
}

static void
lodge_terminal_stream_finalize (GObject *object)
{
  LodgeTerminalStream *self = LODGE_TERMINAL_STREAM (object);

  g_byte_array_unref (self->outgoing);

  G_OBJECT_CLASS (lodge_terminal_stream_parent_class)->finalize (object);
}

static void
lodge_terminal_stream_class_init (LodgeTerminalStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = lodge_terminal_stream_get_property;
  object_class->dispose = lodge_terminal_stream_dispose;
  object_class->finalize = lodge_terminal_stream_finalize;

  properties[PROP_CONNECTED] = g_param_spec_boolean ("connected", NULL, NULL, FALSE,
                                                     G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_LOG] = g_param_spec_object ("log", NULL, NULL, G_TYPE_FILE,
                                              G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[RECEIVED] =
      g_signal_new ("received", LODGE_TYPE_TERMINAL_STREAM, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 1, G_TYPE_BYTES | G_SIGNAL_TYPE_STATIC_SCOPE);
  signals[LOG_ENDED] =
      g_signal_new ("log-ended", LODGE_TYPE_TERMINAL_STREAM, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                    G_TYPE_NONE, 1, G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
lodge_terminal_stream_init (LodgeTerminalStream *self)
{
  self->pause_ms = FIRST_PAUSE_MS;
  self->outgoing = g_byte_array_new ();
  self->log_limit = LODGE_PLAIN_TEXT_LOG_LIMIT_BYTES;
}

LodgeTerminalStream *
lodge_terminal_stream_new (void)
{
  return g_object_new (LODGE_TYPE_TERMINAL_STREAM, NULL);
}
