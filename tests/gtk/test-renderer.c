/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which devices count as a graphics card that draws. */
#include "gtk/lodge-renderer.h"

#include <glib/gstdio.h>

static void
test_card (gconstpointer user_data)
{
  const char *const *names = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *dev = g_dir_make_tmp ("lodge-dev-XXXXXX", &error);
  g_autofree char *dri = g_build_filename (dev, "dri", NULL);
  g_autofree char *path = g_build_filename (dev, names[0], NULL);

  g_assert_no_error (error);
  g_assert_false (lodge_renderer_has_card (dev));
  g_assert_no_errno (g_mkdir (dri, 0700));
  g_assert_true (g_file_set_contents (path, "", 0, &error));
  g_assert_no_error (error);
  g_assert_cmpint (lodge_renderer_has_card (dev), ==, names[1] != NULL);
  g_assert_no_errno (g_unlink (path));
  g_assert_no_errno (g_rmdir (dri));
  g_assert_no_errno (g_rmdir (dev));
}

int
main (int argc, char **argv)
{
  static const char *const render[] = {"dri/renderD128", "yes"},
                           *const nvidia[] = {"nvidiactl", "yes"}, *const wsl[] = {"dxg", "yes"},
                           *const card[] = {"dri/card0", NULL}, *const other[] = {"kvm", NULL};

  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/renderer/render-node", render, test_card);
  g_test_add_data_func ("/renderer/nvidia", nvidia, test_card);
  g_test_add_data_func ("/renderer/wsl", wsl, test_card);
  g_test_add_data_func ("/renderer/only-a-screen", card, test_card);
  g_test_add_data_func ("/renderer/another-device", other, test_card);
  return g_test_run ();
}
