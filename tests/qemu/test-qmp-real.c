/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The QMP client and a real QEMU that has no machine. */
#include "qemu/lodge-qmp.h"

#include "lodge-error.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG_MS 30000

typedef struct {
  char *folder;
  char *path;
  GPid pid;
  LodgeQmp *qmp;
  GAsyncResult *result;
  GString *events;
  gboolean closed;
} Fixture;

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, Fixture *fixture)
{
  g_string_append_printf (fixture->events, "%s ", name);
}

static void
closed_cb (LodgeQmp *qmp, Fixture *fixture)
{
  fixture->closed = TRUE;
}

static void
die_with_test_cb (gpointer unused)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL); /* nothing is left when a test is killed */
}

static LodgeQmp *
finish_connect (Fixture *fixture, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  while (fixture->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  result = g_steal_pointer (&fixture->result);
  return lodge_qmp_connect_finish (result, error);
}

static JsonNode *
execute (Fixture *fixture, const char *command, JsonObject *arguments, int fd, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (fd >= 0)
    lodge_qmp_execute_with_fd_async (fixture->qmp, command, arguments, fd, NULL, done_cb, &result);
  else
    lodge_qmp_execute_async (fixture->qmp, command, arguments, LONG_MS, NULL, done_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return lodge_qmp_execute_finish (fixture->qmp, result, error);
}

static gboolean
set_up (Fixture *fixture)
{
  g_autofree char *binary = g_find_program_in_path ("qemu-system-x86_64");
  g_autofree char *socket_option = NULL;
  g_autoptr (GError) error = NULL;

  if (binary == NULL) {
    g_test_skip ("qemu-system-x86_64 is not installed");
    return FALSE;
  }
  fixture->events = g_string_new (NULL);
  fixture->folder = g_dir_make_tmp ("lodge-qmp-real-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "qmp.sock", NULL);
  socket_option = g_strdup_printf ("unix:%s,server=on,wait=off", fixture->path);
  const char *argv[] = {binary,     "-S",   "-machine", "none",        "-nodefaults",
                        "-display", "none", "-qmp",     socket_option, NULL};
  g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, die_with_test_cb, NULL,
                 &fixture->pid, &error);
  g_assert_no_error (error);

  lodge_qmp_connect_async (fixture->path, LONG_MS, fixture->pid, NULL, done_cb, &fixture->result);
  fixture->qmp = finish_connect (fixture, &error);
  g_assert_no_error (error);
  g_signal_connect (fixture->qmp, "event", G_CALLBACK (event_cb), fixture);
  g_signal_connect (fixture->qmp, "closed", G_CALLBACK (closed_cb), fixture);
  return TRUE;
}

static void
tear_down (Fixture *fixture)
{
  LodgeQmp *weak = fixture->qmp;

  g_object_add_weak_pointer (G_OBJECT (weak), (gpointer *) &weak);
  g_object_unref (fixture->qmp);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (weak);
  kill (fixture->pid, SIGKILL);
  waitpid (fixture->pid, NULL, 0);
  g_unlink (fixture->path);
  g_rmdir (fixture->folder);
  g_string_free (fixture->events, TRUE);
  g_free (fixture->path);
  g_free (fixture->folder);
}

static void
test_talk (void)
{
  Fixture fixture = {NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) status = NULL;
  g_autoptr (JsonNode) schema = NULL;
  g_autoptr (JsonNode) bye = NULL;

  if (!set_up (&fixture))
    return;
  g_assert_cmpint (lodge_qmp_get_pid (fixture.qmp), ==, fixture.pid);
  status = execute (&fixture, "query-status", NULL, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (status), "status"), ==,
                   "prelaunch");

  /* The longest answer QEMU has fits the limits by far. */
  schema = execute (&fixture, "query-qmp-schema", NULL, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (schema)), >, 500);

  g_assert_null (
      execute (&fixture, "device_del", lodge_qmp_arguments ("id", "none", NULL), -1, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "QEMU refused “device_del”: Device 'none' not found");
  g_clear_error (&error);

  bye = execute (&fixture, "quit", NULL, -1, &error);
  g_assert_no_error (error);
  while (!fixture.closed)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (fixture.events->str, ==, "SHUTDOWN ");
  tear_down (&fixture);
}

static void
test_descriptors (void)
{
  Fixture fixture = {NULL};
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) first = NULL;
  g_autoptr (JsonNode) second = NULL;
  g_autoptr (JsonNode) bad = NULL;
  int fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  if (!set_up (&fixture))
    return;
  first = execute (&fixture, "getfd", lodge_qmp_arguments ("fdname", "one", NULL), fd, &error);
  g_assert_no_error (error);
  second = execute (&fixture, "add-fd", NULL, fd, &error);
  g_assert_no_error (error);
  g_assert_true (json_object_has_member (json_node_get_object (second), "fdset-id"));
  /* Without one QEMU finds nothing to take: the first two were not left over. */
  bad = execute (&fixture, "getfd", lodge_qmp_arguments ("fdname", "two", NULL), -1, &error);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  close (fd);
  tear_down (&fixture);
}

/* While one client is there the next is not greeted; killed, QEMU is noticed at once. */
static void
test_one_client_and_death (void)
{
  Fixture fixture = {NULL};
  g_autoptr (GError) error = NULL;

  if (!set_up (&fixture))
    return;
  lodge_qmp_connect_async (fixture.path, 300, fixture.pid, NULL, done_cb, &fixture.result);
  g_assert_null (finish_connect (&fixture, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT);

  kill (fixture.pid, SIGKILL);
  while (!fixture.closed)
    g_main_context_iteration (NULL, TRUE);
  tear_down (&fixture);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qmp-real/talk", test_talk);
  g_test_add_func ("/qmp-real/descriptors", test_descriptors);
  g_test_add_func ("/qmp-real/one-client-and-death", test_one_client_and_death);
  return g_test_run ();
}
