/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windows remember for the user. */
#include "gtk/lodge-settings.h"

#include "lodge-config.h"

GSettings *
lodge_settings_get (void)
{
  static GSettings *settings;
  static gboolean looked;
  GSettingsSchemaSource *source;
  g_autoptr (GSettingsSchema) schema = NULL;

  if (looked)
    return settings;

  looked = TRUE;
  /* g_settings_new() ends the process where the schema is missing. */
  source = g_settings_schema_source_get_default ();
  if (source != NULL)
    schema = g_settings_schema_source_lookup (source, LODGE_APPLICATION_ID, TRUE);
  if (schema != NULL)
    settings = g_settings_new_full (schema, NULL, NULL);
  return settings;
}

void
lodge_settings_keep_size (GtkWindow *window, const char *prefix)
{
  static const char *const names[][2] = {
      {"width", "default-width"},
      {"height", "default-height"},
      {"maximized", "maximized"},
  };
  GSettings *settings = lodge_settings_get ();

  if (settings == NULL)
    return;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *key = g_strdup_printf ("%s-%s", prefix, names[i][0]);
    g_settings_bind (settings, key, window, names[i][1], G_SETTINGS_BIND_DEFAULT);
  }
}
