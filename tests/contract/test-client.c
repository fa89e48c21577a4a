/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connecting to an engine: one that is there, one that is started, and every way to find none. */
#include "lodge-client.h"
#include "lodge-error.h"

#include <glib/gstdio.h>

static void
test_missing (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NO_START, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
}

static void
test_no_program (void)
{
  g_autoptr (GError) error = NULL;

  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE);
  g_assert_null (lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "/nowhere/lodge-engine"));
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = NULL;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("lodge-client-XXXXXX", NULL);
  g_setenv ("LODGE_RUNTIME_DIR", folder, TRUE);
  g_test_add_func ("/client/missing", test_missing);
  g_test_add_func ("/client/no-program", test_no_program);
  return g_test_run ();
}
