/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting to a QEMU that may be starting at this moment: waiting for its socket, the greeting,
 * qmp_capabilities.
 *
 * A QEMU makes its socket after some 40 % of its start and greets from its main loop at the end of
 * it, 26 ms or more after exec (measured with 7.2). So trying every 3 ms loses nothing; trying
 * more often wakes the engine beside a QEMU that needs the processor, and inotify would still leave
 * the time between bind() and listen(), where connecting is refused. A QEMU that has a client
 * already accepts the connection and never greets; the time limit covers all of it.
 *
 * While it starts, QEMU moves its monitor from its main loop to a thread, and with it the watch on
 * the socket (7.2, monitor/qmp.c and chardev/char-socket.c). A connection that comes at that moment
 * is seen by both; one accepts it, and the other waits in accept() for the next one, for ever.
 * Where that is the main loop nothing is answered; where it is the thread, which reads, nothing
 * after the greeting. So who starts a guest gives its QEMU one more monitor, on a pair of connected
 * sockets, where nobody accepts anything: "hello". Once that one has answered, the main loop runs
 * and the thread has all monitors, and only then the socket with a name is connected to. An engine
 * that finds a QEMU cannot do that. There (and where a QEMU is only asked what it can do) one more
 * connection, closed at once, is the next one that is waited for; to a QEMU that only takes its
 * time it is nothing.
 */
#include "qemu/lodge-qmp-private.h"

#include "lodge-error.h"
#include "qemu/lodge-unix-socket.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_RETRY_MS 3
#define QUICK_RETRIES  50
#define LAST_RETRY_MS  50
/* Until one more connection is made, and how many there are at most. */
#define NUDGE_MS    1000
#define MOST_NUDGES 10

typedef struct {
  char *path;
  guint timeout_ms;
  GPid alive;
  int pidfd; /* of @alive; -1 where there is none */
  guint n_tries;
  LodgeQmp *hello;  /* or NULL; kept until the end, see answered_hello_cb() */
  gboolean started; /* it has answered there */
  LodgeQmp *qmp;    /* once connected */
  GSource *retry;
  GSource *nudge;
  guint n_nudges;
  GSource *timeout;
  GSource *cancelled;
  GSource *gone;
  gboolean done;
} Connect;

static gboolean retry_cb (gpointer user_data);

static void
destroy_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
stop (Connect *connect)
{
  destroy_source (&connect->retry);
  destroy_source (&connect->nudge);
  destroy_source (&connect->timeout);
  destroy_source (&connect->cancelled);
  destroy_source (&connect->gone);
  if (connect->hello != NULL)
    lodge_qmp_close (connect->hello);
  g_clear_object (&connect->hello);
}

static void
connect_free (Connect *connect)
{
  stop (connect);
  if (connect->qmp != NULL)
    lodge_qmp_close (connect->qmp);
  g_clear_object (&connect->qmp);
  if (connect->pidfd >= 0)
    close (connect->pidfd);
  g_free (connect->path);
  g_free (connect);
}

/* Takes @error. Returns FALSE when the task has ended before. */
static void
fail (GTask *task, GError *error)
{
  Connect *connect = g_task_get_task_data (task);

  if (connect->done) {
    g_error_free (error);
    return;
  }
  connect->done = TRUE;
  stop (connect);
  if (connect->qmp != NULL)
    lodge_qmp_close (connect->qmp);
  g_task_return_error (task, error);
  g_object_unref (task); /* the reference connect_async made */
}

static void
fail_gone (GTask *task)
{
  Connect *connect = g_task_get_task_data (task);

  fail (task, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                           _ ("QEMU (process %d) ended before it answered on %s"),
                           (int) connect->alive, connect->path));
}

static gboolean
timeout_cb (gpointer user_data)
{
  Connect *connect = g_task_get_task_data (user_data);
  g_autofree char *limit = lodge_qmp_format_limit (connect->timeout_ms);
  GError *error;

  if (connect->qmp != NULL)
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                         _ ("QEMU did not greet on %s within %s; another program may be "
                            "connected to it"),
                         connect->path, limit);
  else if (connect->hello != NULL && !connect->started)
    error =
        g_error_new (LODGE_ERROR, LODGE_ERROR_TIMEOUT, _ ("QEMU had not started within %s"), limit);
  else
    error = g_error_new (LODGE_ERROR, LODGE_ERROR_TIMEOUT, _ ("No QEMU listened on %s within %s"),
                         connect->path, limit);
  fail (user_data, error);
  return G_SOURCE_REMOVE;
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  fail (user_data, g_error_new_literal (LODGE_ERROR, LODGE_ERROR_CANCELLED,
                                        _ ("Connecting to QEMU was cancelled")));
  return G_SOURCE_REMOVE;
}

static gboolean
gone_cb (int fd, GIOCondition condition, gpointer user_data)
{
  fail_gone (user_data);
  return G_SOURCE_REMOVE;
}

static void
attach (GTask *task, GSource **field, GSource *source, GSourceFunc callback)
{
  *field = source;
  g_source_set_callback (source, callback, task, NULL);
  g_source_attach (source, g_task_get_context (task));
}

static gboolean
nudge_cb (gpointer user_data)
{
  Connect *connect = g_task_get_task_data (user_data);
  int saved_errno = 0;
  g_autoptr (GSocket) next = lodge_unix_socket_connect (connect->path, &saved_errno);

  if (next != NULL)
    g_debug ("QEMU has not answered on %s: one more connection was made", connect->path);
  return ++connect->n_nudges < MOST_NUDGES ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
negotiated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Connect *connect = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL) {
    fail (task, g_steal_pointer (&error));
    return;
  }
  if (connect->done)
    return;
  connect->done = TRUE;
  stop (connect);
  g_task_return_pointer (task, g_steal_pointer (&connect->qmp), g_object_unref);
  g_object_unref (task); /* the reference connect_async made */
}

static void
greeted_cb (LodgeQmp *qmp, const GError *error, gpointer user_data)
{
  GTask *task = user_data;
  Connect *connect = g_task_get_task_data (task);

  if (error != NULL) {
    fail (task,
          g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("%s did not greet as QEMU does: %s"),
                       connect->path, error->message));
    return;
  }
  /* The limit is the whole connection's; this one only must not end before it. */
  lodge_qmp_execute_async (qmp, "qmp_capabilities", NULL, connect->timeout_ms + 1000, NULL,
                           negotiated_cb, g_object_ref (task));
}

static void
fail_to_connect (GTask *task, int saved_errno)
{
  Connect *connect = g_task_get_task_data (task);

  fail (task, g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not connect to %s: %s"),
                           connect->path, g_strerror (saved_errno)));
}

static void
try_to_connect (GTask *task)
{
  Connect *connect = g_task_get_task_data (task);
  int saved_errno = 0;
  g_autoptr (GSocket) socket_object = lodge_unix_socket_connect (connect->path, &saved_errno);
  guint delay_ms;

  if (socket_object != NULL) {
    connect->qmp = lodge_qmp_new (socket_object, greeted_cb, task);
    if (!connect->started)
      attach (task, &connect->nudge, g_timeout_source_new (NUDGE_MS), nudge_cb);
    return;
  }
  /* ENOENT: not there yet. ECONNREFUSED: left from an earlier one, or between bind() and listen().
   * EAGAIN: its queue of connections is full (unix(7)). */
  if (saved_errno != ENOENT && saved_errno != ECONNREFUSED && saved_errno != EAGAIN) {
    fail_to_connect (task, saved_errno);
    return;
  }
  if (connect->alive > 0 && connect->pidfd < 0 && kill (connect->alive, 0) < 0 && errno == ESRCH) {
    fail_gone (task);
    return;
  }
  delay_ms = ++connect->n_tries < QUICK_RETRIES
                 ? FIRST_RETRY_MS
                 : MIN (FIRST_RETRY_MS + (connect->n_tries - QUICK_RETRIES), LAST_RETRY_MS);
  attach (task, &connect->retry, g_timeout_source_new (delay_ms), retry_cb);
}

static gboolean
retry_cb (gpointer user_data)
{
  Connect *connect = g_task_get_task_data (user_data);

  g_clear_pointer (&connect->retry, g_source_unref);
  try_to_connect (user_data);
  return G_SOURCE_REMOVE;
}

/* A pidfd hears of the end at once, also while the process waits to be reaped. FALSE: it is gone
 * already. */
static gboolean
watch_alive (GTask *task)
{
  Connect *connect = g_task_get_task_data (task);

  connect->pidfd = syscall (SYS_pidfd_open, connect->alive, 0);
  if (connect->pidfd < 0)
    return errno != ESRCH; /* a kernel or sandbox without it: kill() is asked at each try */
  attach (task, &connect->gone, g_unix_fd_source_new (connect->pidfd, G_IO_IN),
          G_SOURCE_FUNC (gone_cb));
  return TRUE;
}

/* Whatever it said. Where it ended that is told as without it. */
static void
answered_hello_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Connect *connect = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);

  if (answer == NULL)
    g_debug ("QEMU has not said hello: %s", error->message);
  connect->started = answer != NULL;
  /* It is closed only when the other is connected: QEMU drops descriptors of add-fd that nothing
   * has opened yet when its last monitor's client goes (7.2, monitor/fds.c). */
  if (!connect->done)
    try_to_connect (task);
}

static void
greeted_hello_cb (LodgeQmp *hello, const GError *error, gpointer user_data)
{
  GTask *task = user_data;
  Connect *connect = g_task_get_task_data (task);

  if (connect->done)
    return;
  if (error != NULL)
    try_to_connect (task);
  else
    lodge_qmp_execute_async (hello, "qmp_capabilities", NULL, connect->timeout_ms + 1000, NULL,
                             answered_hello_cb, g_object_ref (task));
}

void
lodge_qmp_connect_async (const char *socket_path,
                         guint timeout_ms,
                         GPid alive,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  lodge_qmp_connect_started_async (NULL, socket_path, timeout_ms, alive, cancellable, callback,
                                   user_data);
}

void
lodge_qmp_connect_started_async (GSocket *hello,
                                 const char *socket_path,
                                 guint timeout_ms,
                                 GPid alive,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  Connect *connect = g_new0 (Connect, 1);
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_return_if_fail (socket_path != NULL);

  g_task_set_source_tag (task, lodge_qmp_connect_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, connect, (GDestroyNotify) connect_free);
  connect->path = g_strdup (socket_path);
  connect->timeout_ms = timeout_ms;
  connect->alive = alive;
  connect->pidfd = -1;

  if (g_cancellable_is_cancelled (cancellable)) {
    cancelled_cb (cancellable, task);
    return;
  }
  if (alive > 0 && !watch_alive (task)) {
    fail_gone (task);
    return;
  }
  attach (task, &connect->timeout, g_timeout_source_new (timeout_ms), timeout_cb);
  if (cancellable != NULL)
    attach (task, &connect->cancelled, g_cancellable_source_new (cancellable),
            G_SOURCE_FUNC (cancelled_cb));
  if (hello != NULL)
    connect->hello = lodge_qmp_new (hello, greeted_hello_cb, task);
  else
    try_to_connect (task);
}

LodgeQmp *
lodge_qmp_connect_finish (GAsyncResult *result, GError **error)
{
  LodgeQmp *qmp;

  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_qmp_connect_async), NULL);

  qmp = g_task_propagate_pointer (G_TASK (result), error);
  if (qmp != NULL)
    lodge_qmp_begin_events (qmp);
  return qmp;
}
