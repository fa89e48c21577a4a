/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-clone MACHINE NEW: how long a linked clone takes, from the call of Machine1.Clone to the
 * end of its job, in microseconds. The connection and the machine's object are there before. */
#include "lodge-client.h"

#include <stdlib.h>

int
main (int argc, char **argv)
{
  g_autoptr (LodgeClient) client = NULL;
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autoptr (LodgeJob1) job = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  gint64 began, took;

  if (argc != 3) {
    g_printerr ("bench-clone MACHINE NEW\n");
    return 2;
  }
  client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NO_START, NULL, &error);
  if (client != NULL)
    machine = lodge_client_open_machine_sync (client, argv[1], NULL, &error);
  if (machine == NULL) {
    g_printerr ("bench-clone: %s\n", error->message);
    return EXIT_FAILURE;
  }

  began = g_get_monotonic_time ();
  if (lodge_machine1_call_clone_sync (machine, argv[2], g_variant_new_parsed ("{'linked': <true>}"),
                                      &path, NULL, &error))
    job = lodge_job1_proxy_new_sync (g_dbus_proxy_get_connection (G_DBUS_PROXY (machine)),
                                     G_DBUS_PROXY_FLAGS_NONE, NULL, path, NULL, &error);
  if (job == NULL) {
    g_printerr ("bench-clone: %s\n", error->message);
    return EXIT_FAILURE;
  }
  while (g_str_equal (lodge_job1_get_state (job), "running"))
    g_main_context_iteration (NULL, TRUE);
  took = g_get_monotonic_time () - began;
  if (!g_str_equal (lodge_job1_get_state (job), "done")) {
    g_printerr ("bench-clone: %s\n", lodge_job1_get_error_message (job));
    return EXIT_FAILURE;
  }
  g_print ("%" G_GINT64_FORMAT "\n", took);
  return EXIT_SUCCESS;
}
