/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine made of another one. */
#include "lodgectl-handlers.h"
#include "lodgectl-print.h"
#include "lodgectl-wait.h"

#include <glib/gi18n.h>

gboolean
lodgectl_clone (LodgectlRun *run, GError **error)
{
  const char *name = lodgectl_run_get_argument (run, 1);
  const char *snapshot = lodgectl_run_get_option (run, "snapshot");
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autofree char *uuid = NULL;
  GVariantBuilder options;

  if (!g_utf8_validate (name, -1, NULL) ||
      (snapshot != NULL && !g_utf8_validate (snapshot, -1, NULL))) {
    lodgectl_set_usage_error (error, _ ("Names must be UTF-8"));
    return FALSE;
  }
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (lodgectl_run_has_option (run, "linked"))
    g_variant_builder_add (&options, "{sv}", "linked", g_variant_new_boolean (TRUE));
  if (snapshot != NULL)
    g_variant_builder_add (&options, "{sv}", "snapshot", g_variant_new_string (snapshot));
  uuid = lodgectl_run_job (run, G_DBUS_PROXY (machine), "Clone",
                           g_variant_new ("(sa{sv})", name, &options), error);
  if (uuid == NULL)
    return FALSE;

  if (lodgectl_run_has_option (run, "json"))
    lodgectl_print_variant (g_variant_new_parsed ("{'uuid': <%s>, 'name': <%s>}", uuid, name));
  return TRUE;
}
