/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A screen's size, said to a real QEMU within its walls. */
#include "machine-fixture.h"

#include "lodge-error.h"

#include <string.h>

static gboolean
set_size (LodgeMachine *machine, guint monitor, guint width, guint height, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_set_display_size_async (machine, monitor, width, height, test_wait_result_cb,
                                        &result);
  test_wait_until (result != NULL);
  return lodge_machine_set_display_size_finish (machine, result, error);
}

static void
test_size (MachineFixture *self, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);
  GAsyncResult *results[8] = {NULL};
  GError *error = NULL;

  g_assert_false (set_size (machine, 0, 800, 600, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);

  machine_fixture_set_key (machine, "display.model", "virtio");
  machine_fixture_start (machine);
  g_assert_true (set_size (machine, 0, 1234, 777, &error));
  g_assert_no_error (error);
  /* There is one monitor. */
  g_assert_false (set_size (machine, 1, 1234, 777, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_clear_error (&error);

  /* Many at once take their turns. */
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    lodge_machine_set_display_size_async (machine, 0, 800 + i, 600, test_wait_result_cb,
                                          &results[i]);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    test_wait_until (results[i] != NULL);
    g_assert_true (lodge_machine_set_display_size_finish (machine, results[i], &error));
    g_assert_no_error (error);
    g_object_unref (results[i]);
  }
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  /* There are two. */
  machine_fixture_set_key (machine, "display.monitors", "2");
  machine_fixture_start (machine);
  g_assert_true (set_size (machine, 1, 1234, 777, &error));
  g_assert_no_error (error);
  g_assert_true (set_size (machine, 1, 0, 0, &error));
  g_assert_no_error (error);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  /* A card that cannot say it, which is said. */
  machine_fixture_set_key (machine, "display.model", "qxl");
  machine_fixture_start (machine);
  g_assert_false (set_size (machine, 0, 1234, 777, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "1234×777"));
  g_clear_error (&error);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("display-size", test_size);
  return g_test_run ();
}
