/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completion scripts, from the table. */
#include "lodgectl-command.h"
#include "lodgectl-handlers.h"

gboolean
lodgectl_completion (LodgectlRun *run, GError **error)
{
  return TRUE;
}
