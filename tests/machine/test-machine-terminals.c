/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's consoles of text with a real QEMU: the serial port both ways, also for the next
 * engine, and QEMU's own console, which is there only where it is wanted; and a guest that sleeps.
 */
#include "lodge-error.h"
#include "lodge-paths.h"
#include "machine-fixture.h"
#include "qemu/lodge-unix-socket.h"
#include "test-walls.h"

#include <string.h>

/* NULL when there is none. */
static char *
find_terminal (LodgeMachine *machine, const char *id)
{
  g_autoptr (GVariant) list = g_variant_ref_sink (lodge_machine_list_terminals (machine));
  GVariantIter iter;
  const char *found, *label, *path;

  g_variant_iter_init (&iter, list);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &found, &label, &path)) {
    g_assert_cmpstr (label, !=, "");
    if (g_str_equal (found, id))
      return g_strdup (path);
  }
  return NULL;
}

static GSocket *
look (LodgeMachine *machine, const char *id)
{
  g_autofree char *path = find_terminal (machine, id);
  int saved_errno = 0;
  GSocket *client;

  g_assert_nonnull (path);
  client = lodge_unix_socket_connect (path, &saved_errno);
  g_assert_cmpint (saved_errno, ==, 0);
  return client;
}

static gboolean
has_said (GSocket *client, GString *got, const char *text)
{
  char chunk[1024];
  gssize length;

  while ((length = g_socket_receive (client, chunk, sizeof chunk, NULL, NULL)) > 0)
    g_string_append_len (got, chunk, length);
  return strstr (got->str, text) != NULL;
}

static void
type (GSocket *client, const char *text)
{
  g_assert_cmpint (g_socket_send (client, text, strlen (text), NULL, NULL), ==, strlen (text));
}

#define assert_says(client, text)                                                                  \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autoptr (GString) got = g_string_new (NULL);                                                 \
    test_wait_polled (has_said (client, got, text));                                               \
  }                                                                                                \
  G_STMT_END

static void
test_serial (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "serial", BOOT_SECTOR_SERIAL);
  g_autofree char *path = NULL;
  g_autoptr (GSocket) client = NULL;
  g_autoptr (GSocket) later = NULL;

  g_assert_null (find_terminal (machine, "serial"));
  machine_fixture_start (machine);
  client = look (machine, "serial");
  assert_says (client, "ready\r\n");
  type (client, "hello");
  assert_says (client, "hello");
  /* Nobody asked for it. */
  g_assert_null (find_terminal (machine, "monitor"));

  /* The next engine has QEMU's socket again, and hears what is said from now on. */
  machine = machine_fixture_change_engine (fixture, "serial");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  later = look (machine, "serial");
  type (later, "again");
  assert_says (later, "again");

  path = find_terminal (machine, "serial");
  type (later, "!");
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_null (find_terminal (machine, "serial"));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

/* What a QEMU that was taken over would find: its own side of the console, and no client's. */
static void
test_unseen (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *served = NULL;
  g_autofree char *runtime = NULL;
  g_autofree char *root = NULL;
  g_autofree char *own = NULL;
  g_autofree char *other = NULL;

  machine_fixture_start (machine);
  served = find_terminal (machine, "serial");
  g_assert_true (g_file_test (served, G_FILE_TEST_EXISTS));
  runtime = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));
  root = g_strdup_printf (
      "/proc/%d/root",
      machine_fixture_find_descendant ("qemu-system-x86", lodge_machine_get_uuid (machine)));
  own = g_build_filename (root, runtime, "serial.sock", NULL);
  other = g_build_filename (root, served, NULL);
  if (!test_walls_are_possible () || !g_file_test (own, G_FILE_TEST_EXISTS)) {
    g_test_skip ("QEMU has no walls here, or this process may not look behind them");
    return;
  }
  g_assert_false (g_file_test (other, G_FILE_TEST_EXISTS));
}

static void
test_monitor (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autoptr (GVariant) changes =
      g_variant_ref_sink (g_variant_new_parsed ("{'terminal.monitor': 'true'}"));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) client = NULL;

  lodge_machine_set_async (machine, changes, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_save_finish (machine, result, &error);
  g_assert_no_error (error);
  machine_fixture_start (machine);
  client = look (machine, "monitor");
  assert_says (client, "(qemu) ");
  type (client, "info status\n");
  assert_says (client, "VM status: running");
  /* What is done there is seen here. */
  type (client, "stop\n");
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
}

/* A guest that suspends itself says so, also to the next engine, and is woken. */
static void
test_asleep (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "sleepy", BOOT_SECTOR_SERIAL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) client = NULL;

  machine_fixture_start (machine);
  lodge_machine_request_async (machine, LODGE_REQUEST_WAKE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_request_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_object (&result); /* it holds the machine, and the next engine wants its QMP */

  client = look (machine, "serial");
  assert_says (client, "ready\r\n");
  type (client, "z");
  test_wait_until (lodge_machine_get_asleep (machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);

  machine = machine_fixture_change_engine (fixture, "sleepy");
  g_assert_true (lodge_machine_get_asleep (machine));
  machine_fixture_request (machine, LODGE_REQUEST_WAKE);
  test_wait_until (!lodge_machine_get_asleep (machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("serial", test_serial);
  MACHINE_FIXTURE_ADD ("unseen", test_unseen);
  MACHINE_FIXTURE_ADD ("monitor", test_monitor);
  MACHINE_FIXTURE_ADD ("asleep", test_asleep);
  return g_test_run ();
}
