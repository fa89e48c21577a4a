/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's agent that is asked to set the clock: one that does, one that cannot, one that is away,
 * and ones that say what they like. */
#include "guest/lodge-guest-agent.h"

#include "agent-lines.h"
#include "lodge-error.h"
#include "qemu/lodge-unix-socket.h"
#include "test-folder.h"
#include "test-wait.h"

#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOUR_NS (G_GINT64_CONSTANT (3600) * 1000000000)
/* Less than what no clock is set for. */
#define LATE_NS (G_GINT64_CONSTANT (2) * 1000000000)

typedef struct {
  const char *name;
  gint64 off_ns;       /* of its clock */
  gboolean silent;     /* answers nothing */
  gboolean stubborn;   /* does not set its clock, and says that it has */
  gboolean half;       /* sets it, and says that it could not */
  guint busy;          /* so often it comes to setting it only when the time is over by LATE_NS */
  gboolean leaves;     /* goes away instead of setting it */
  const char *first;   /* said before everything else; or NULL */
  const char *instead; /* the answer to whatever comes after the greeting; or NULL */
  guint flood;         /* bytes without an end of a line, for ever after the greeting */
  int code;            /* of the error; -1: none */
} Agent;

static const Agent agents[] = {
    {.name = "behind", .off_ns = -3 * HOUR_NS, .code = -1},
    {.name = "ahead", .off_ns = HOUR_NS, .code = -1},
    {.name = "right", .stubborn = TRUE, .code = -1},
    {.name = "no-hardware-clock", .off_ns = -HOUR_NS, .half = TRUE, .code = -1},
    {.name = "busy-once", .off_ns = -HOUR_NS, .busy = 1, .code = -1},
    {.name = "busy", .off_ns = -HOUR_NS, .busy = G_MAXUINT, .code = -1},
    {.name = "stale",
     .off_ns = -HOUR_NS,
     .first = "{\"return\":1}\n\xff{\"return\":-5}\nrubbish\n[[[",
     .code = -1},
    {.name = "stubborn", .off_ns = -HOUR_NS, .stubborn = TRUE, .code = LODGE_ERROR_FAILED},
    {.name = "silent", .silent = TRUE, .code = LODGE_ERROR_TIMEOUT},
    {.name = "leaves", .off_ns = -HOUR_NS, .leaves = TRUE, .code = LODGE_ERROR_FAILED},
    {.name = "no-json", .instead = "yes\n", .code = LODGE_ERROR_FAILED},
    {.name = "array", .instead = "[1]\n", .code = LODGE_ERROR_FAILED},
    {.name = "text", .instead = "{\"return\":\"now\"}\n", .code = LODGE_ERROR_FAILED},
    {.name = "least", .instead = "{\"return\":-9223372036854775808}\n", .code = LODGE_ERROR_FAILED},
    {.name = "most", .instead = "{\"return\":9223372036854775807}\n", .code = LODGE_ERROR_FAILED},
    {.name = "flood", .flood = 1 << 20, .code = LODGE_ERROR_FAILED},
};

typedef struct {
  const Agent *agent;
  char *folder;
  char *path;
  int listener;
  gint64 off_ns;
  guint n_set;
} Fixture;

static gint64
now_ns (void)
{
  return g_get_real_time () * 1000;
}

/* FALSE: there is nobody to hear it. */
static gboolean
send_text (int fd, const char *text, gsize length)
{
  while (length > 0) {
    gssize n = send (fd, text, length, MSG_NOSIGNAL);

    if (n <= 0)
      return FALSE;
    text += n;
    length -= (gsize) n;
  }
  return TRUE;
}

static gboolean
answer_number (int fd, const char *before, gint64 number)
{
  g_autofree char *text =
      g_strdup_printf ("%s{\"return\": %" G_GINT64_FORMAT "}\n", before, number);

  return send_text (fd, text, strlen (text));
}

static gboolean
answer (gpointer agent_data, int fd, JsonObject *command)
{
  Fixture *f = agent_data;
  const Agent *agent = f->agent;
  const char *name = json_object_get_string_member (command, "execute");
  const char *done;

  if (agent->silent)
    return TRUE;
  if (g_str_equal (name, "guest-sync-delimited")) {
    JsonObject *arguments = json_object_get_object_member (command, "arguments");

    if (agent->first != NULL)
      send_text (fd, agent->first, strlen (agent->first));
    return answer_number (fd, "\xff", json_object_get_int_member (arguments, "id"));
  }
  if (agent->flood > 0) {
    g_autofree char *rubbish = g_strnfill (agent->flood, '[');

    while (send_text (fd, rubbish, agent->flood))
      ;
    return FALSE;
  }
  if (agent->instead != NULL)
    return send_text (fd, agent->instead, strlen (agent->instead));
  if (g_str_equal (name, "guest-get-time"))
    return answer_number (fd, "", now_ns () + f->off_ns);
  g_assert_cmpstr (name, ==, "guest-set-time");
  f->n_set++;
  if (agent->leaves)
    return FALSE;
  if (!agent->stubborn)
    f->off_ns =
        json_object_get_int_member (json_object_get_object_member (command, "arguments"), "time") -
        now_ns () - (f->n_set <= agent->busy ? LATE_NS : 0);
  done = agent->half ? "{\"error\":{\"class\":\"GenericError\",\"desc\":\"hwclock\"}}\n"
                     : "{\"return\": {}}\n";
  return send_text (fd, done, strlen (done));
}

static gpointer
serve (gpointer data)
{
  const Fixture *f = data;

  agent_lines_serve (f->listener, answer, data);
  return NULL;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->agent = data;
  f->off_ns = f->agent->off_ns;
  f->folder = g_dir_make_tmp ("lodge-agent-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "agent.sock", NULL);
  f->listener = lodge_unix_socket_listen (f->path, &error);
  g_assert_no_error (error);
  /* Only what does not answer is waited for. */
  lodge_guest_agent_patience_ms = f->agent->silent ? 300 : TEST_WAIT_S * 1000;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close (f->listener);
  test_folder_remove (f->folder);
  g_free (f->folder);
  g_free (f->path);
}

static void
test_agent (Fixture *f, gconstpointer data)
{
  const gint64 begin_us = g_get_monotonic_time ();
  g_autoptr (GThread) thread = g_thread_new ("agent", serve, f);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_guest_agent_set_clock_async (f->path, getpid (), NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_cmpint (lodge_guest_agent_set_clock_finish (result, &error), ==, f->agent->code < 0);
  g_clear_object (&result);
  g_thread_join (g_steal_pointer (&thread));
  if (f->agent->code >= 0) {
    g_assert_error (error, LODGE_ERROR, f->agent->code);
    g_test_message ("%s", error->message);
    return;
  }
  g_assert_no_error (error);
  if (f->agent->busy > 0) {
    /* Once more where the host has stood still. */
    g_assert_cmpint (f->n_set, >=, MIN (f->agent->busy, 2) + 1);
    g_assert_cmpint (f->n_set, <=, 3);
    return;
  }
  g_assert_cmpint (ABS (f->off_ns), <, 1000000000);
  /* A right one is set, too, where its answer has come late. */
  if (f->agent->off_ns == 0 && f->n_set == 1)
    g_assert_cmpint (g_get_monotonic_time () - begin_us, >=, G_TIME_SPAN_SECOND);
  else if (f->agent->off_ns == 0)
    g_assert_cmpuint (f->n_set, ==, 0);
  else
    g_assert_cmpint (f->n_set, >=, 1);
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GThread) thread = g_thread_new ("agent", serve, f);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_guest_agent_patience_ms = TEST_WAIT_S * 1000;
  lodge_guest_agent_set_clock_async (f->path, getpid (), cancellable, test_wait_result_cb, &result);
  g_cancellable_cancel (cancellable);
  test_wait_until (result != NULL);
  g_assert_false (lodge_guest_agent_set_clock_finish (result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_clear_object (&result);
  g_thread_join (g_steal_pointer (&thread));
}

/* Somebody else has put a socket there. */
static void
test_stranger (Fixture *f, gconstpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_guest_agent_set_clock_async (f->path, getppid (), NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_guest_agent_set_clock_finish (result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
}

static void
test_nobody (Fixture *f, gconstpointer data)
{
  g_autofree char *path = g_strconcat (f->path, ".none", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_guest_agent_set_clock_async (path, 0, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_guest_agent_set_clock_finish (result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
}

int
main (int argc, char *argv[])
{
  static const Agent silent = {.silent = TRUE};

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (agents); i++) {
    g_autofree char *path = g_strconcat ("/guest/agent/", agents[i].name, NULL);

    g_test_add (path, Fixture, &agents[i], set_up, test_agent, tear_down);
  }
  g_test_add ("/guest/agent/cancelled", Fixture, &silent, set_up, test_cancelled, tear_down);
  g_test_add ("/guest/agent/stranger", Fixture, &silent, set_up, test_stranger, tear_down);
  g_test_add ("/guest/agent/nobody", Fixture, &silent, set_up, test_nobody, tear_down);
  return g_test_run ();
}
