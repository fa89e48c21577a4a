/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-start MACHINE: how long Machine1.Start takes, from the call to its answer, in microseconds.
 * The connection and the machine's object are there before. */
#include "lodge-client.h"

#include <stdlib.h>

#define LIMIT_MS (60 * 1000)

int
main (int argc, char **argv)
{
  g_autoptr (LodgeClient) client = NULL;
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autoptr (GError) error = NULL;
  gint64 began;

  if (argc != 2) {
    g_printerr ("bench-start MACHINE\n");
    return 2;
  }
  client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NO_START, NULL, &error);
  if (client != NULL)
    machine = lodge_client_open_machine_sync (client, argv[1], NULL, &error);
  if (machine == NULL) {
    g_printerr ("bench-start: %s\n", error->message);
    return EXIT_FAILURE;
  }
  g_dbus_proxy_set_default_timeout (G_DBUS_PROXY (machine), LIMIT_MS);

  began = g_get_monotonic_time ();
  if (!lodge_machine1_call_start_sync (machine, NULL, &error)) {
    g_printerr ("bench-start: %s\n", error->message);
    return EXIT_FAILURE;
  }
  g_print ("%" G_GINT64_FORMAT "\n", g_get_monotonic_time () - began);
  return EXIT_SUCCESS;
}
