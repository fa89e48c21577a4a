/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QMP, asynchronously: one connection to one QEMU (docs/interop/qmp-spec in QEMU).
 *
 *                greeting               qmp_capabilities answered
 *   GREETING ----------------> NEGOTIATING ----------------> READY
 *       |                           |                          |
 *       +---------------------------+--------------------------+----> CLOSED
 *        the other end hangs up, sends what is not QMP, or lodge_qmp_close()
 *
 *   GREETING     a greeting may come, and before it events, which are dropped
 *   NEGOTIATING  one command, sent by ourselves, is under way; events are dropped (QEMU sends none)
 *                and one more greeting may come, also when READY: see greet_again()
 *                In both one answer to somebody else may come: see is_left_over()
 *   READY        commands and events; while held (no begin_events yet) nothing is read
 *   CLOSED       no socket, no sources, nothing pending; for ever
 *
 * The wire and the sources of a pending command hold no reference to this object; the command does.
 */
#include "qemu/lodge-qmp-private.h"

#include "lodge-error.h"
#include "qemu/lodge-qmp-message.h"
#include "qemu/lodge-qmp-wire.h"

#include <glib/gi18n-lib.h>

#define DEFAULT_TIMEOUT_MS 10000

typedef enum {
  STATE_GREETING,
  STATE_NEGOTIATING,
  STATE_READY,
  STATE_CLOSED,
} State;

struct _LodgeQmp {
  GObject parent_instance;

  State state;
  LodgeQmpWire *wire;
  GMainContext *context;
  GPid pid;

  gint64 last_id;
  GHashTable *pending; /* id -> Pending; a value of NULL: given up, the answer is dropped */

  LodgeQmpGreeted greeted;
  gpointer greeted_data;
  gboolean greeted_again;
  gboolean had_left_over;
};

typedef struct {
  LodgeQmp *qmp; /* lent: the task holds it */
  gint64 id;
  char *command;
  guint timeout_ms;
  GTask *task;
  GSource *timeout;
  GSource *cancelled;
} Pending;

enum {
  SIGNAL_EVENT,
  SIGNAL_CLOSED,
  N_SIGNALS,
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (LodgeQmp, lodge_qmp, G_TYPE_OBJECT)

static void
destroy_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
pending_free (Pending *pending)
{
  if (pending == NULL)
    return;
  destroy_source (&pending->timeout);
  destroy_source (&pending->cancelled);
  g_clear_object (&pending->task);
  g_free (pending->command);
  g_free (pending);
}

char *
lodge_qmp_format_limit (guint timeout_ms)
{
  /* Translators: a time in seconds */
  return g_strdup_printf (_ ("%g s"), timeout_ms / 1000.0);
}

static gboolean
emit_closed_cb (gpointer user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_CLOSED], 0);
  return G_SOURCE_REMOVE;
}

static void
fail_pending (LodgeQmp *self, const char *reason)
{
  g_autoptr (GHashTable) pending = g_steal_pointer (&self->pending);
  GHashTableIter iter;
  Pending *one;

  self->pending =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) pending_free);
  g_hash_table_iter_init (&iter, pending);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &one)) {
    if (one != NULL)
      g_task_return_new_error (one->task, LODGE_ERROR, LODGE_ERROR_FAILED,
                               _ ("“%s” was not answered: %s"), one->command, reason);
  }
}

/* @reason is a clause: "QEMU closed the connection". */
static void
end (LodgeQmp *self, const char *reason)
{
  g_autoptr (GSource) idle = NULL;
  LodgeQmpGreeted greeted = g_steal_pointer (&self->greeted);

  if (self->state == STATE_CLOSED)
    return;

  g_debug ("QMP connection ended: %s", reason);
  g_object_ref (self);
  self->state = STATE_CLOSED;
  lodge_qmp_wire_stop (self->wire);
  if (greeted != NULL) {
    g_autoptr (GError) error = g_error_new_literal (LODGE_ERROR, LODGE_ERROR_FAILED, reason);

    greeted (self, error, self->greeted_data);
  }
  fail_pending (self, reason);

  /* A task may give its result from an idle source: this one comes after those, so that "closed"
   * is the last thing heard from here. */
  idle = g_idle_source_new ();
  g_source_set_priority (idle, G_PRIORITY_DEFAULT);
  g_source_set_static_name (idle, "LodgeQmp closed");
  g_source_set_callback (idle, emit_closed_cb, g_object_ref (self), g_object_unref);
  g_source_attach (idle, self->context);
  g_object_unref (self);
}

static void
end_with_junk (LodgeQmp *self, const char *what)
{
  g_autofree char *reason = g_strdup_printf (_ ("QEMU sent %s"), what);

  end (self, reason);
}

/* Receiving */

/* Who was killed while QEMU did what he had asked for does not get the answer: whoever connects
 * next does (QEMU 7.2, monitor/qmp.c, monitor_qmp_dispatcher_co(): it asks for the monitor's client
 * when it is done). It does one command after the other, so there is one such answer at most, and
 * none any more when ours has come. It is not taken for ours: see lodge_qmp_init(). */
static gboolean
is_left_over (LodgeQmp *self, const LodgeQmpMessage *message)
{
  if (self->state == STATE_READY || self->had_left_over || message->id == 0 ||
      (message->kind != LODGE_QMP_MESSAGE_RETURN && message->kind != LODGE_QMP_MESSAGE_ERROR) ||
      g_hash_table_contains (self->pending, &message->id))
    return FALSE;
  self->had_left_over = TRUE;
  return TRUE;
}

static void
handle_greeting (LodgeQmp *self, LodgeQmpMessage *message)
{
  LodgeQmpGreeted greeted;

  /* Every event goes also to a monitor that has a client and has not greeted it yet (QEMU 7.2,
   * monitor/monitor.c, monitor_qapi_event_emit(): only one that negotiates is left out). */
  if (message->kind == LODGE_QMP_MESSAGE_EVENT)
    return;
  greeted = g_steal_pointer (&self->greeted);
  if (message->kind != LODGE_QMP_MESSAGE_GREETING) {
    self->greeted = greeted;
    end_with_junk (self, _ ("no QMP greeting"));
    return;
  }
  self->state = STATE_NEGOTIATING;
  greeted (self, NULL, self->greeted_data);
}

static void
handle_answer (LodgeQmp *self, LodgeQmpMessage *message)
{
  gpointer key, value;
  Pending *pending;

  if (!g_hash_table_steal_extended (self->pending, &message->id, &key, &value)) {
    end_with_junk (self, _ ("an answer nobody asked for"));
    return;
  }
  g_free (key);
  pending = value;
  if (pending == NULL)
    return;

  if (self->state == STATE_NEGOTIATING && message->kind == LODGE_QMP_MESSAGE_RETURN) {
    self->state = STATE_READY;
    lodge_qmp_wire_hold (self->wire);
  }
  if (message->kind == LODGE_QMP_MESSAGE_RETURN)
    g_task_return_pointer (pending->task, g_steal_pointer (&message->value),
                           (GDestroyNotify) json_node_unref);
  else
    g_task_return_new_error (pending->task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("QEMU refused “%s”: %s"), pending->command, message->text);
  pending_free (pending);
}

static char *
format_request (gint64 id, const char *command, JsonObject *arguments)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;
  JsonObject *object = json_object_new ();

  json_node_take_object (root, object);
  json_object_set_string_member (object, "execute", command);
  if (arguments != NULL)
    json_object_set_object_member (object, "arguments", json_object_ref (arguments));
  json_object_set_int_member (object, "id", id);
  text = json_to_string (root, FALSE);
  return g_strconcat (text, "\n", NULL);
}

/* Whoever connects at the moment when QEMU's monitor thread takes its socket over is announced to
 * it twice (chardev/char-fe.c, qemu_chr_fe_set_handlers_full(), and char.c, qemu_chr_be_event(), in
 * two threads). Each time it greets and waits for qmp_capabilities (monitor/qmp.c,
 * monitor_qmp_event()), so it gets them again. If it had them only now, it refuses these: their
 * answer does not matter. */
static void
greet_again (LodgeQmp *self)
{
  gint64 id = ++self->last_id;

  self->greeted_again = TRUE;
  g_hash_table_insert (self->pending, g_memdup2 (&id, sizeof id), NULL);
  lodge_qmp_wire_send (self->wire, id, format_request (id, "qmp_capabilities", NULL), NULL);
}

static void
handle_message (LodgeQmp *self, LodgeQmpMessage *message)
{
  if (is_left_over (self, message))
    return;
  if (self->state == STATE_GREETING) {
    handle_greeting (self, message);
    return;
  }
  switch (message->kind) {
  case LODGE_QMP_MESSAGE_EVENT:
    if (self->state == STATE_READY)
      g_signal_emit (self, signals[SIGNAL_EVENT], 0, message->text, message->data);
    break;
  case LODGE_QMP_MESSAGE_RETURN:
  case LODGE_QMP_MESSAGE_ERROR:
    handle_answer (self, message);
    break;
  case LODGE_QMP_MESSAGE_GREETING:
  default:
    if (self->greeted_again)
      end_with_junk (self, _ ("a third greeting"));
    else
      greet_again (self);
    break;
  }
}

static void
line_cb (const char *line, gsize length, gpointer user_data)
{
  g_autoptr (LodgeQmp) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQmpMessage) message = lodge_qmp_message_parse (line, length, &error);

  if (message != NULL)
    handle_message (self, message);
  else
    end_with_junk (self, error->message);
}

static void
ended_cb (const char *reason, gpointer user_data)
{
  end (user_data, reason);
}

static const LodgeQmpWireEvents wire_events = {line_cb, ended_cb};

static gboolean
begin_events_cb (gpointer user_data)
{
  LodgeQmp *self = user_data;

  lodge_qmp_wire_resume (self->wire);
  return G_SOURCE_REMOVE;
}

void
lodge_qmp_begin_events (LodgeQmp *self)
{
  g_autoptr (GSource) idle = g_idle_source_new ();

  g_source_set_priority (idle, G_PRIORITY_DEFAULT);
  g_source_set_callback (idle, begin_events_cb, g_object_ref (self), g_object_unref);
  g_source_attach (idle, self->context);
}

/* Commands */

/* The command is over for whoever asked. When it was not sent yet it never will be; else its
 * answer, which may still come, is dropped. */
static Pending *
give_up (Pending *pending)
{
  LodgeQmp *self = pending->qmp;
  g_autofree gint64 *key = NULL;

  g_hash_table_steal_extended (self->pending, &pending->id, (gpointer *) &key, NULL);
  if (!lodge_qmp_wire_withdraw (self->wire, pending->id))
    g_hash_table_insert (self->pending, g_steal_pointer (&key), NULL);
  return pending;
}

static gboolean
timeout_cb (gpointer user_data)
{
  Pending *pending = give_up (user_data);
  g_autofree char *limit = lodge_qmp_format_limit (pending->timeout_ms);

  g_task_return_new_error (pending->task, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                           _ ("QEMU did not answer “%s” within %s"), pending->command, limit);
  pending_free (pending);
  return G_SOURCE_REMOVE;
}

static void
return_cancelled (GTask *task, const char *command)
{
  g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("“%s” was cancelled"),
                           command);
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  Pending *pending = give_up (user_data);

  return_cancelled (pending->task, pending->command);
  pending_free (pending);
  return G_SOURCE_REMOVE;
}

static void
add_pending (LodgeQmp *self, gint64 id, const char *command, guint timeout_ms, GTask *task)
{
  Pending *pending = g_new0 (Pending, 1);
  GCancellable *cancellable = g_task_get_cancellable (task);

  pending->qmp = self;
  pending->id = id;
  pending->command = g_strdup (command);
  pending->timeout_ms = timeout_ms > 0 ? timeout_ms : DEFAULT_TIMEOUT_MS;
  pending->task = g_object_ref (task);

  pending->timeout = g_timeout_source_new (pending->timeout_ms);
  g_source_set_callback (pending->timeout, timeout_cb, pending, NULL);
  g_source_attach (pending->timeout, self->context);
  if (cancellable != NULL) {
    pending->cancelled = g_cancellable_source_new (cancellable);
    g_source_set_callback (pending->cancelled, G_SOURCE_FUNC (cancelled_cb), pending, NULL);
    g_source_attach (pending->cancelled, self->context);
  }
  g_hash_table_insert (self->pending, g_memdup2 (&id, sizeof id), pending);
}

static void
execute (LodgeQmp *self,
         const char *command,
         JsonObject *arguments,
         GUnixFDMessage *fds,
         guint timeout_ms,
         GTask *task)
{
  g_autofree char *line = NULL;

  if (g_cancellable_is_cancelled (g_task_get_cancellable (task))) {
    return_cancelled (task, command);
    return;
  }
  if (self->state != STATE_READY && self->state != STATE_NEGOTIATING) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("“%s” was not answered: the connection to QEMU is closed"),
                             command);
    return;
  }
  line = format_request (self->last_id + 1, command, arguments);
  if (!g_utf8_validate (line, -1, NULL)) {
    /* A file's name may be. QEMU would refuse the line without saying which command it was. */
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_INVALID,
                             _ ("“%s” cannot be sent to QEMU: something in it is not UTF-8"),
                             command);
    return;
  }
  add_pending (self, ++self->last_id, command, timeout_ms, task);
  lodge_qmp_wire_send (self->wire, self->last_id, g_steal_pointer (&line), fds);
}

static GTask *
task_new (LodgeQmp *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (self, cancellable, callback, data);

  g_task_set_source_tag (task, lodge_qmp_execute_async);
  /* The error is our own, and what was answered before a late cancel still counts. */
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

void
lodge_qmp_execute_async (LodgeQmp *self,
                         const char *command,
                         JsonObject *arguments,
                         guint timeout_ms,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (JsonObject) taken = arguments;
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (LODGE_IS_QMP (self));
  g_return_if_fail (command != NULL);

  task = task_new (self, cancellable, callback, user_data);
  execute (self, command, taken, NULL, timeout_ms, task);
}

void
lodge_qmp_execute_with_fd_async (LodgeQmp *self,
                                 const char *command,
                                 JsonObject *arguments,
                                 int fd,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_autoptr (JsonObject) taken = arguments;
  g_autoptr (GUnixFDMessage) fds = (GUnixFDMessage *) g_unix_fd_message_new ();
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (LODGE_IS_QMP (self));
  g_return_if_fail (command != NULL);

  task = task_new (self, cancellable, callback, user_data);
  if (g_unix_fd_message_append_fd (fds, fd, &error))
    execute (self, command, taken, fds, 0, task);
  else
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("Could not pass a descriptor with “%s”: %s"), command,
                             error->message);
}

JsonNode *
lodge_qmp_execute_finish (LodgeQmp *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qmp_execute_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

JsonObject *
lodge_qmp_arguments (const char *first_name, ...)
{
  JsonObject *arguments = json_object_new ();
  va_list list;

  va_start (list, first_name);
  for (const char *name = first_name; name != NULL; name = va_arg (list, const char *))
    json_object_set_string_member (arguments, name, va_arg (list, const char *));
  va_end (list);
  return arguments;
}

GPid
lodge_qmp_get_pid (LodgeQmp *self)
{
  g_return_val_if_fail (LODGE_IS_QMP (self), 0);
  return self->pid;
}

gboolean
lodge_qmp_is_closed (LodgeQmp *self)
{
  g_return_val_if_fail (LODGE_IS_QMP (self), TRUE);
  return self->state == STATE_CLOSED;
}

void
lodge_qmp_close (LodgeQmp *self)
{
  g_return_if_fail (LODGE_IS_QMP (self));
  self->greeted = NULL;
  end (self, _ ("the connection was closed"));
}

LodgeQmp *
lodge_qmp_new (GSocket *socket, LodgeQmpGreeted greeted, gpointer user_data)
{
  LodgeQmp *self = g_object_new (LODGE_TYPE_QMP, NULL);
  g_autoptr (GCredentials) peer = g_socket_get_credentials (socket, NULL);

  self->greeted = greeted;
  self->greeted_data = user_data;
  /* SO_PEERCRED gives the pid as this process sees it. A peer it cannot see has none: 0. */
  if (peer != NULL)
    self->pid = MAX (g_credentials_get_unix_pid (peer, NULL), 0);
  self->wire = lodge_qmp_wire_new (socket, &wire_events, self);
  return self;
}

static void
lodge_qmp_dispose (GObject *object)
{
  LodgeQmp *self = LODGE_QMP (object);

  /* No task is under way, each would hold a reference; so nobody is left to be told. */
  self->state = STATE_CLOSED;
  if (self->wire != NULL)
    lodge_qmp_wire_stop (self->wire);

  G_OBJECT_CLASS (lodge_qmp_parent_class)->dispose (object);
}

static void
lodge_qmp_finalize (GObject *object)
{
  LodgeQmp *self = LODGE_QMP (object);

  g_clear_pointer (&self->wire, lodge_qmp_wire_unref);
  g_hash_table_unref (self->pending);
  g_main_context_unref (self->context);

  G_OBJECT_CLASS (lodge_qmp_parent_class)->finalize (object);
}

static void
lodge_qmp_class_init (LodgeQmpClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = lodge_qmp_dispose;
  object_class->finalize = lodge_qmp_finalize;

  signals[SIGNAL_EVENT] = g_signal_new ("event", LODGE_TYPE_QMP, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 2, G_TYPE_STRING, JSON_TYPE_OBJECT);
  signals[SIGNAL_CLOSED] = g_signal_new ("closed", LODGE_TYPE_QMP, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 0);
}

static void
lodge_qmp_init (LodgeQmp *self)
{
  self->context = g_main_context_ref_thread_default ();
  /* So that what somebody was to be answered before is not taken for an answer to us. */
  self->last_id = (gint64) g_random_int () << 30;
  self->pending =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) pending_free);
}
