/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of a guest's, read through qemu-guest-agent in it (QEMU, qga/qapi-schema.json).
 *
 *   SYNC --> OPEN --> MEASURE --> REWIND
 *                        |          |
 *            (no size)   +--> READ <'
 *                              |  ^
 *                              v  |
 *                             write --> (the end: CLOSE, and the file gets its name)
 *
 * The first piece comes before anything is made here: a folder can be opened, and is known by that
 * it cannot be read. How large the file is only helps to show how far it is, and to say at once
 * that there is no room for it; it ends where the agent says so, or somebody here: files grow, but
 * far more than was told does not come in, nor what hardly moves. The size comes first, because a
 * device may have a beginning to go back to and no other place. Whatever fails,
 * and whenever this is cancelled: what was opened in the guest is closed there first.
 */
#include "guest/lodge-guest-fetch.h"

#include "description/lodge-received-file.h"
#include "guest/lodge-guest-channel.h"
#include "lodge-error.h"
#include "lodge-plain-text.h"
#include "lodge-task-thread.h"
#include "qemu/lodge-json.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What is asked for at once; the agent takes up to 48 MiB (qga/commands.c). */
#define PIECE_BYTES  (256 * 1024)
#define BASE64_BYTES (((PIECE_BYTES + 2) / 3) * 4)
/* What is around that in an answer, and any other answer. */
#define MOST_BYTES 8192
/* Of the agent's own words in a sentence. */
#define WORDS_LENGTH 200
/* QGA_SEEK_SET and QGA_SEEK_END, which every agent understands. */
#define FROM_BEGIN 0
#define FROM_END   2

typedef enum {
  STEP_SYNC,
  STEP_OPEN,
  STEP_READ,
  STEP_MEASURE,
  STEP_REWIND,
  STEP_CLOSE,
} Step;

guint lodge_guest_fetch_patience_ms = 30000;
guint lodge_guest_fetch_cancel_ms = 5000;
guint lodge_guest_fetch_crawl_ms = 180000;
guint64 lodge_guest_fetch_slack_bytes = G_GUINT64_CONSTANT (64) << 20;

/* An agent that sends less than that with all of so many answers, in that time, crawls. */
#define CRAWL_BYTES   (64 * 1024)
#define CRAWL_ANSWERS 4

/* The task's data. */
typedef struct {
  char *path;
  char *line; /* the same, to be shown */
  char *name;
  int folder_fd; /* lent */
  char *folder;
  char *data_folder;
  LodgeGuestFetchProgress progress;
  gpointer progress_data;
  LodgeGuestChannel *channel;
  gulong cancel_id;
  Step step;
  gint64 handle; /* -1: nothing is open in the guest */
  GBytes *piece;
  gboolean last; /* it was the last */
  guint64 n_bytes;
  guint64 size_bytes;
  gint64 asked_us;
  /* Since it was last seen to come on: how long the agent was waited for, and what for. */
  gint64 waited_us;
  guint n_waited;
  guint64 waited_bytes;
  LodgeReceivedFile *file;
  char *result;
  GError *error;
} Fetch;

static void
fetch_free (gpointer data)
{
  Fetch *fetch = data;

  lodge_received_file_free (fetch->file);
  g_clear_pointer (&fetch->piece, g_bytes_unref);
  g_clear_object (&fetch->channel);
  g_clear_error (&fetch->error);
  g_free (fetch->path);
  g_free (fetch->line);
  g_free (fetch->name);
  g_free (fetch->folder);
  g_free (fetch->data_folder);
  g_free (fetch->result);
  g_free (fetch);
}

/* The end. */

/* Takes @task. */
static void
finish (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  Fetch *fetch = g_task_get_task_data (task);

  if (fetch->cancel_id != 0)
    g_cancellable_disconnect (g_task_get_cancellable (task), fetch->cancel_id);
  fetch->cancel_id = 0;
  /* The channel is somebody else's from now on. */
  g_clear_object (&fetch->channel);
  if (fetch->error != NULL)
    g_task_return_error (task, g_steal_pointer (&fetch->error));
  else
    g_task_return_pointer (task, g_steal_pointer (&fetch->result), g_free);
}

/* Nothing half-made is there after this. */
static gboolean
put_away_step (gpointer data, GError **error)
{
  Fetch *fetch = data;

  if (fetch->error == NULL)
    fetch->result = lodge_received_file_commit (fetch->file, error);
  g_clear_pointer (&fetch->file, lodge_received_file_free);
  return fetch->error != NULL || fetch->result != NULL;
}

static void
put_away_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fetch *fetch = g_task_get_task_data (user_data);
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    fetch->error = g_steal_pointer (&error);
  finish (user_data);
}

/* Nothing is open in the guest any more. Takes @task. */
static void
conclude (GTask *task)
{
  Fetch *fetch = g_task_get_task_data (task);

  if (fetch->error == NULL && g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    fetch->error = g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled"));
  if (fetch->file != NULL)
    lodge_task_step_in_thread (task, put_away_step, put_away_cb);
  else
    finish (task);
}

static void ask (GTask *task, Step step);

/* Transfer full. */
static JsonObject *
new_handle (const Fetch *fetch)
{
  JsonObject *arguments = json_object_new ();

  json_object_set_int_member (arguments, "handle", fetch->handle);
  return arguments;
}

/* Takes @task, and @error where there is one. */
static void
end (GTask *task, GError *error)
{
  Fetch *fetch = g_task_get_task_data (task);

  if (g_cancellable_is_cancelled (g_task_get_cancellable (task))) {
    g_clear_error (&error);
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled"));
  }
  fetch->error = error;
  if (fetch->handle >= 0 && lodge_guest_channel_is_in_step (fetch->channel)) {
    ask (task, STEP_CLOSE);
    return;
  }
  if (fetch->handle >= 0)
    lodge_guest_channel_tell (fetch->channel, "guest-file-close", new_handle (fetch));
  conclude (task);
}

static void end_badly (GTask *task, int code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
end_badly (GTask *task, int code, const char *format, ...)
{
  GError *error;
  va_list args;

  va_start (args, format);
  error = g_error_new_valist (LODGE_ERROR, code, format, args);
  va_end (args);
  end (task, error);
}

static void
end_wrong (GTask *task)
{
  end_badly (task, LODGE_ERROR_FAILED, _ ("The guest's agent does not answer as it should"));
}

/* What the agent says of it: strerror(3), as a rule not translated, for what is told apart here. */
static void
end_refused (GTask *task, const char *words)
{
  Fetch *fetch = g_task_get_task_data (task);
  g_autofree char *said = lodge_plain_text_dup_line (words);

  /* "The command guest-file-open has been disabled", in several versions' words. */
  if (strstr (words, "ommand guest-file-") != NULL) {
    end_badly (task, LODGE_ERROR_DENIED,
               _ ("The guest's agent may not read files: allow it guest-file-open, "
                  "guest-file-read, guest-file-seek and guest-file-close in the guest (in Fedora "
                  "and its relatives in /etc/sysconfig/qemu-ga)"));
  } else if (strstr (words, "No such file or directory") != NULL ||
             strstr (words, "Not a directory") != NULL) {
    end_badly (task, LODGE_ERROR_NOT_FOUND, _ ("There is no file “%s” in the guest"), fetch->line);
  } else if (strstr (words, "Is a directory") != NULL) {
    end_badly (
        task, LODGE_ERROR_INVALID,
        _ ("“%s” is a folder: only single files can be copied. An archive of it can be one."),
        fetch->line);
  } else if (strstr (words, "ermission denied") != NULL) {
    end_badly (task, LODGE_ERROR_DENIED,
               _ ("The guest does not let its agent read “%s”: copy the file to another place in "
                  "the guest first"),
               fetch->line);
  } else {
    if (g_utf8_strlen (said, -1) > WORDS_LENGTH)
      *g_utf8_offset_to_pointer (said, WORDS_LENGTH) = '\0';
    end_badly (task, LODGE_ERROR_FAILED,
               _ ("“%s” was not copied. The agent in the guest says: “%s”"), fetch->line, said);
  }
}

/* Writing here. */

static gboolean
write_step (gpointer data, GError **error)
{
  Fetch *fetch = data;

  if (fetch->file == NULL)
    fetch->file =
        lodge_received_file_begin (fetch->data_folder, fetch->folder_fd, fetch->folder, fetch->name,
                                   MAX (fetch->size_bytes, fetch->n_bytes), error);
  return fetch->file != NULL && lodge_received_file_write (fetch->file, fetch->piece, error);
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) || fetch->last) {
    end (task, error);
    return;
  }
  if (fetch->progress != NULL)
    fetch->progress (fetch->n_bytes, fetch->size_bytes, fetch->progress_data);
  ask (task, STEP_READ);
}

/* What the agent answers. Each of these takes @task. */

static void
take_size (GTask *task, JsonObject *value)
{
  Fetch *fetch = g_task_get_task_data (task);

  fetch->size_bytes = (guint64) MAX (0, lodge_json_get_int (value, "position", 0));
  ask (task, STEP_REWIND);
}

static void
take_place (GTask *task, JsonObject *value)
{
  if (lodge_json_get_int (value, "position", -1) == 0)
    ask (task, STEP_READ);
  else
    end_wrong (task);
}

/* (transfer full) (nullable): what it should be. An empty one may be left out. */
static GBytes *
decode (JsonObject *value)
{
  const gint64 count = lodge_json_get_int (value, "count", -1);
  const char *text = lodge_json_get_string (value, "buf-b64");
  gsize length = 0;
  guchar *data;

  if (count < 0 || count > PIECE_BYTES)
    return NULL;
  if (count == 0)
    return text == NULL || *text == '\0' ? g_bytes_new (NULL, 0) : NULL;
  if (text == NULL || strlen (text) != (gsize) ((count + 2) / 3) * 4)
    return NULL;
  /* It leaves out what is no base64, and is shorter then. */
  data = g_base64_decode (text, &length);
  if (length == (gsize) count)
    return g_bytes_new_take (data, length);
  g_free (data);
  return NULL;
}

static gboolean
is_too_much (const Fetch *fetch)
{
  return fetch->size_bytes > 0 && fetch->n_bytes > lodge_guest_fetch_slack_bytes &&
         (fetch->n_bytes - lodge_guest_fetch_slack_bytes) / 2 > fetch->size_bytes;
}

/* Only the agent's time counts, not that of a slow disk here. */
static gboolean
crawls (Fetch *fetch, gsize length)
{
  fetch->waited_us += g_get_monotonic_time () - fetch->asked_us;
  fetch->n_waited++;
  fetch->waited_bytes += length;
  if (fetch->n_waited < CRAWL_ANSWERS ||
      fetch->waited_us < lodge_guest_fetch_crawl_ms * G_TIME_SPAN_MILLISECOND)
    return FALSE;
  if (fetch->waited_bytes < CRAWL_BYTES)
    return TRUE;
  fetch->waited_us = 0;
  fetch->n_waited = 0;
  fetch->waited_bytes = 0;
  return FALSE;
}

static void
take_piece (GTask *task, JsonObject *value)
{
  Fetch *fetch = g_task_get_task_data (task);
  const gboolean last = lodge_json_get_boolean (value, "eof", FALSE);

  g_clear_pointer (&fetch->piece, g_bytes_unref);
  fetch->piece = decode (value);
  /* Nothing, for ever, is no file. */
  if (fetch->piece == NULL || (g_bytes_get_size (fetch->piece) == 0 && !last)) {
    end_wrong (task);
    return;
  }
  fetch->last = last;
  fetch->n_bytes += g_bytes_get_size (fetch->piece);
  if (is_too_much (fetch)) {
    end_badly (task, LODGE_ERROR_FAILED,
               _ ("“%s” was not copied: the guest sends far more than it has said there is. See "
                  "whether the file still grows, and try again then"),
               fetch->line);
    return;
  }
  if (crawls (fetch, g_bytes_get_size (fetch->piece)) && !last) {
    end_badly (
        task, LODGE_ERROR_TIMEOUT,
        _ ("“%s” was not copied: the guest's agent is too slow. See whether the guest is too "
           "busy, and try again"),
        fetch->line);
    return;
  }
  lodge_task_step_in_thread (task, write_step, written_cb);
}

static void
take_error (GTask *task, const char *words)
{
  Fetch *fetch = g_task_get_task_data (task);

  /* Not everything that can be read has a size: its place is as it was. */
  if (fetch->step == STEP_MEASURE)
    ask (task, STEP_READ);
  else
    end_refused (task, words);
}

static void
take_handle (GTask *task, JsonNode *value)
{
  Fetch *fetch = g_task_get_task_data (task);

  if (JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_INT64)
    fetch->handle = MAX (-1, json_node_get_int (value));
  if (fetch->handle >= 0)
    ask (task, STEP_MEASURE);
  else
    end_wrong (task);
}

static void
take (GTask *task, const LodgeQmpMessage *answer)
{
  Fetch *fetch = g_task_get_task_data (task);

  if (fetch->step == STEP_CLOSE) {
    conclude (task);
  } else if (answer->kind == LODGE_QMP_MESSAGE_ERROR) {
    take_error (task, answer->text);
  } else if (fetch->step == STEP_OPEN) {
    take_handle (task, answer->value);
  } else if (!JSON_NODE_HOLDS_OBJECT (answer->value)) {
    end_wrong (task);
  } else if (fetch->step == STEP_READ) {
    take_piece (task, json_node_get_object (answer->value));
  } else if (fetch->step == STEP_MEASURE) {
    take_size (task, json_node_get_object (answer->value));
  } else {
    take_place (task, json_node_get_object (answer->value));
  }
}

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Fetch *fetch = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (LodgeQmpMessage) answer =
      lodge_guest_channel_ask_finish (LODGE_GUEST_CHANNEL (source), result, &error);

  if (answer != NULL) {
    take (task, answer);
  } else if (fetch->step != STEP_CLOSE) {
    end (task, error);
  } else {
    /* It was told. All of the file is here, or something else is said already. */
    g_error_free (error);
    conclude (task);
  }
}

/* Asking. */

/* Takes @task. */
static void
ask (GTask *task, Step step)
{
  static const char *const commands[] = {
      [STEP_OPEN] = "guest-file-open",    [STEP_READ] = "guest-file-read",
      [STEP_MEASURE] = "guest-file-seek", [STEP_REWIND] = "guest-file-seek",
      [STEP_CLOSE] = "guest-file-close",
  };
  Fetch *fetch = g_task_get_task_data (task);
  JsonObject *arguments;

  /* It ends with what was opened being closed. */
  if (step != STEP_CLOSE && g_cancellable_is_cancelled (g_task_get_cancellable (task))) {
    end (task, NULL);
    return;
  }
  fetch->step = step;
  if (step == STEP_OPEN) {
    arguments = json_object_new ();
    json_object_set_string_member (arguments, "path", fetch->path);
    json_object_set_string_member (arguments, "mode", "r");
  } else {
    arguments = new_handle (fetch);
  }
  if (step == STEP_READ)
    json_object_set_int_member (arguments, "count", PIECE_BYTES);
  if (step == STEP_MEASURE || step == STEP_REWIND) {
    json_object_set_int_member (arguments, "offset", 0);
    json_object_set_int_member (arguments, "whence", step == STEP_REWIND ? FROM_BEGIN : FROM_END);
  }
  fetch->asked_us = g_get_monotonic_time ();
  lodge_guest_channel_ask_async (fetch->channel, commands[step], arguments,
                                 MOST_BYTES + (step == STEP_READ ? BASE64_BYTES : 0),
                                 lodge_guest_fetch_patience_ms, answered_cb, task);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_guest_channel_open_finish (LODGE_GUEST_CHANNEL (source), result, &error))
    ask (user_data, STEP_OPEN);
  else
    end (user_data, error);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  /* What is being opened has to be closed, for which its number must be known. */
  lodge_guest_channel_hurry (user_data, lodge_guest_fetch_cancel_ms);
}

void
lodge_guest_fetch_async (const LodgeGuestFetchPlan *plan,
                         LodgeGuestFetchProgress progress,
                         gpointer progress_data,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Fetch *fetch = g_new0 (Fetch, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, lodge_guest_fetch_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, fetch, fetch_free);
  fetch->handle = -1;
  fetch->path = g_strdup (plan->path);
  fetch->line = lodge_plain_text_dup_line (plan->path);
  fetch->folder_fd = plan->folder_fd;
  fetch->folder = g_strdup (plan->folder);
  fetch->data_folder = g_strdup (plan->data_folder);
  fetch->progress = progress;
  fetch->progress_data = progress_data;
  fetch->name = lodge_received_file_dup_name (plan->path, &error);
  if (fetch->name == NULL) {
    end (task, error);
    return;
  }
  fetch->channel = lodge_guest_channel_new ();
  if (cancellable != NULL)
    fetch->cancel_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb),
                                              g_object_ref (fetch->channel), g_object_unref);
  lodge_guest_channel_open_async (fetch->channel, plan->socket_path, plan->qemu,
                                  lodge_guest_fetch_patience_ms, opened_cb, task);
}

char *
lodge_guest_fetch_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_guest_fetch_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
