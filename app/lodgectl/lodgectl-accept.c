/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of this computer that a machine from elsewhere asks for. */
#include "lodgectl-handlers.h"
#include "lodgectl-print.h"

#include <glib/gi18n.h>

static void
print_json (GVariant *outside)
{
  JsonBuilder *builder = json_builder_new ();
  GVariantIter iter;
  const char *key, *path, *target;

  json_builder_begin_array (builder);
  g_variant_iter_init (&iter, outside);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &key, &path, &target)) {
    json_builder_begin_object (builder);
    lodgectl_json_add_string (builder, "key", key);
    lodgectl_json_add_string (builder, "path", path);
    lodgectl_json_add_string (builder, "target", target);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  lodgectl_print_json (builder);
}

static void
print_table (GVariant *outside)
{
  g_autoptr (LodgectlTable) table = lodgectl_table_new (3);
  GVariantIter iter;
  const char *key, *path, *target;

  g_variant_iter_init (&iter, outside);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &key, &path, &target)) {
    g_autofree char *leads =
        *target != '\0' ? g_strdup_printf (_ ("is a link to %s"), target) : NULL;

    lodgectl_table_add (table,
                        (const char *[]){path, *key != '\0' ? key : _ ("in a snapshot"), leads});
  }
  lodgectl_table_print (table);
}

gboolean
lodgectl_accept (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = NULL;
  const char *const *paths = (const char *const *) run->arguments + 1;

  for (guint i = 0; paths[i] != NULL; i++) {
    if (!g_utf8_validate (paths[i], -1, NULL)) {
      lodgectl_set_usage_error (error, _ ("The path of a file must be UTF-8"));
      return FALSE;
    }
  }
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  if (paths[0] != NULL)
    return lodgectl_run_check (
        run, lodge_machine1_call_accept_paths_sync (machine, paths, NULL, error), error);
  if (lodgectl_run_has_option (run, "json"))
    print_json (lodge_machine1_get_outside_paths (machine));
  else
    print_table (lodge_machine1_get_outside_paths (machine));
  return TRUE;
}
