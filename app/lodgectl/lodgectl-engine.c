/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for the engine itself. */
#include "lodgectl-handlers.h"

#include "lodge-error.h"

gboolean
lodgectl_engine_stop (LodgectlRun *run, GError **error)
{
  g_autoptr (GError) connect_error = NULL;
  LodgeClient *client = lodgectl_run_connect (
      run, LODGE_CLIENT_FLAGS_NO_START | LODGE_CLIENT_FLAGS_ANY_VERSION, &connect_error);

  /* None is running: that is what was asked for. */
  if (g_error_matches (connect_error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND))
    return TRUE;
  if (client == NULL) {
    g_propagate_error (error, g_steal_pointer (&connect_error));
    return FALSE;
  }
  return lodgectl_run_check (
      run, lodge_engine1_call_quit_sync (lodge_client_get_engine (client), NULL, error), error);
}
