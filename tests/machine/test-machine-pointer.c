/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A pointer's places, said to a real QEMU within its walls that has a card with two monitors. What
 * its tablet makes of them no guest here can tell: those of 512 bytes have no driver for USB. */
#include "machine-fixture.h"

#include "lodge-error.h"

static void
point (LodgeMachine *machine, guint x, guint y, guint buttons, int notches, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_point_async (machine, x, y, buttons, notches, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_input_finish (machine, result, error) == (*error == NULL));
}

static int
query (LodgeMachine *machine, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_query_pointer_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_machine_query_pointer_finish (machine, result, error);
}

static void
test_point (MachineFixture *self, gconstpointer data)
{
  static const struct {
    guint x;
    guint y;
    guint buttons;
    int notches;
    gboolean good;
  } cases[] = {
      {0, 0, 0, 0, TRUE},          {32767, 32767, 31, 64, TRUE}, {16384, 1, 1, -64, TRUE},
      {1, 1, 0, 0, TRUE},          {32768, 0, 0, 0, FALSE},      {0, 32768, 0, 0, FALSE},
      {G_MAXUINT, 0, 0, 0, FALSE}, {0, 0, 32, 0, FALSE},         {0, 0, G_MAXUINT, 0, FALSE},
      {0, 0, 0, 65, FALSE},        {0, 0, 0, -65, FALSE},        {0, 0, 0, G_MININT, FALSE},
  };
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);
  GError *error = NULL;

  point (machine, 0, 0, 0, 0, &error);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  g_assert_cmpint (query (machine, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);

  machine_fixture_set_key (machine, "display.model", "virtio");
  machine_fixture_set_key (machine, "display.monitors", "2");
  machine_fixture_start (machine);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    point (machine, cases[i].x, cases[i].y, cases[i].buttons, cases[i].notches, &error);
    if (cases[i].good)
      g_assert_no_error (error);
    else
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_clear_error (&error);
  }
  /* The current one is the PS/2 mouse. */
  g_assert_cmpint (query (machine, &error), ==, 0);
  g_assert_no_error (error);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("pointer", test_point);
  return g_test_run ();
}
