/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for machines that others are made from. */
#include "lodgectl-handlers.h"

static gboolean
set_template (LodgectlRun *run, const char *text, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  GVariantBuilder changes;

  if (machine == NULL)
    return FALSE;
  g_variant_builder_init (&changes, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&changes, "{ss}", "machine.template", text);
  return lodgectl_run_check (
      run, lodge_machine1_call_set_sync (machine, g_variant_builder_end (&changes), NULL, error),
      error);
}

gboolean
lodgectl_template_set (LodgectlRun *run, GError **error)
{
  return set_template (run, "true", error);
}

gboolean
lodgectl_template_unset (LodgectlRun *run, GError **error)
{
  return set_template (run, "false", error);
}
