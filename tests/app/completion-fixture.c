/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See completion-fixture.h. */
#include "completion-fixture.h"

gboolean
completion_need (const char *program)
{
  g_autofree char *path = g_find_program_in_path (program);
  g_autofree char *message = g_strconcat (program, " is not installed", NULL);

  if (path == NULL)
    g_test_skip (message);
  return path != NULL;
}

char *
completion_dup_output (const char *folder, const char *bin, const char *const *argv)
{
  static const char *const homes[] = {"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
                                      "LODGE_RUNTIME_DIR"};
  g_auto (GStrv) environment = g_get_environ ();
  g_autofree char *path = g_strconcat (bin, ":", g_getenv ("PATH"), NULL);
  g_autofree char *err = NULL;
  g_autoptr (GError) error = NULL;
  char *out = NULL;
  int status;

  environment = g_environ_setenv (environment, "PATH", path, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (homes); i++)
    environment = g_environ_setenv (environment, homes[i], folder, TRUE);
  g_assert_true (g_spawn_sync (folder, (char **) argv, environment, G_SPAWN_SEARCH_PATH_FROM_ENVP,
                               NULL, NULL, &out, &err, &status, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (err, ==, "");
  g_assert_cmpint (status, ==, 0);
  return out;
}

void
completion_assert_offers (const char *place, const char *offered, const char *expected)
{
  g_autofree char *stripped = g_strchomp (g_strdup (offered));

  if (!g_str_equal (stripped, expected))
    g_error ("“%s” offers “%s”, not “%s”", place, stripped, expected);
}
