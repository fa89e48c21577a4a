/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Installers that packages brought: found by their folders, any release. */
#include "guest/lodge-media.h"

#include "host/lodge-host-root.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  char *root;
  GPtrArray *made; /* paths, in the order of making */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->root = g_dir_make_tmp ("lodge-installer-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->made = g_ptr_array_new_with_free_func (g_free);
  lodge_host_root_set_for_tests (fixture->root);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  for (guint i = fixture->made->len; i > 0; i--)
    g_assert_cmpint (g_remove (g_ptr_array_index (fixture->made, i - 1)), ==, 0);
  g_assert_cmpint (g_rmdir (fixture->root), ==, 0);
  g_ptr_array_unref (fixture->made);
  g_free (fixture->root);
  lodge_host_root_set_for_tests (NULL);
}

static void
make (Fixture *fixture, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  g_autofree char *full = g_strdup (fixture->root);

  for (guint i = 0; parts[i] != NULL; i++) {
    char *next = g_build_filename (full, parts[i], NULL);

    g_free (full);
    full = next;
    if (g_file_test (full, G_FILE_TEST_EXISTS))
      continue;
    if (parts[i + 1] != NULL)
      g_assert_cmpint (g_mkdir (full, 0700), ==, 0);
    else
      g_assert_true (g_file_set_contents (full, "x", 1, NULL));
    g_ptr_array_add (fixture->made, g_strdup (full));
  }
}

static void
make_installer (Fixture *fixture, const char *release, const char *variant)
{
  static const char *const files[] = {"linux", "initrd.gz"};

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path =
        g_strdup_printf ("usr/lib/debian-installer/images/%s/amd64/%s/debian-installer/amd64/%s",
                         release, variant, files[i]);

    make (fixture, path);
  }
}

static void
test_none (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) installers = lodge_installer_list ();

  g_assert_cmpuint (installers->len, ==, 0);
}

static void
test_found (Fixture *fixture, gconstpointer data)
{
  static const char *const ids[] = {"debian-13-gtk", "debian-12-gtk", "debian-12-text"};
  g_autoptr (GPtrArray) installers = NULL;
  LodgeInstaller *first;

  make_installer (fixture, "12", "text");
  make_installer (fixture, "12", "gtk");
  make_installer (fixture, "13", "gtk");
  installers = lodge_installer_list ();

  g_assert_cmpuint (installers->len, ==, G_N_ELEMENTS (ids));
  for (guint i = 0; i < installers->len; i++) {
    LodgeInstaller *installer = g_ptr_array_index (installers, i);

    g_assert_cmpstr (installer->id, ==, ids[i]);
    g_assert_true (g_file_test (installer->kernel, G_FILE_TEST_IS_REGULAR));
    g_assert_true (g_file_test (installer->initrd, G_FILE_TEST_IS_REGULAR));
    g_assert_cmpuint (strlen (installer->sentence), >, 0);
  }
  first = g_ptr_array_index (installers, 0);
  g_assert_cmpstr (first->title, ==, "Debian 13 Installer");
  g_assert_cmpstr (first->os, ==, "debian13");
  g_assert_cmpstr (first->append, ==, "vga=788 --- quiet");
}

/* Half an installer is none; folders with other names are not releases. */
static void
test_passed_over (Fixture *fixture, gconstpointer data)
{
  static const char *const releases[] = {"012", "+12", "-1", "0", "12x", "daily", "1000", " 12"};
  g_autoptr (GPtrArray) installers = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (releases); i++)
    make_installer (fixture, releases[i], "gtk");
  make (fixture, "usr/lib/debian-installer/images/11/amd64/gtk/debian-installer/amd64/linux");
  make (fixture, "usr/lib/debian-installer/images/10/amd64/gtk/debian-installer/amd64/linux/x");
  make (fixture, "usr/lib/debian-installer/images/10/amd64/gtk/debian-installer/amd64/initrd.gz");

  installers = lodge_installer_list ();
  g_assert_cmpuint (installers->len, ==, 0);
}

/* The arguments are still those of the menu of the package that is installed here. */
static void
test_real_menu (void)
{
  g_autoptr (GPtrArray) installers = lodge_installer_list ();

  if (installers->len == 0) {
    g_test_skip ("no debian-installer-<N>-netboot-amd64 is installed");
    return;
  }
  for (guint i = 0; i < installers->len; i++) {
    LodgeInstaller *installer = g_ptr_array_index (installers, i);
    g_autofree char *folder = g_path_get_dirname (installer->kernel);
    g_autofree char *menu = g_build_filename (folder, "grub", "grub.cfg", NULL);
    g_autofree char *text = NULL;
    g_autofree char *line = g_strdup_printf ("/debian-installer/amd64/linux %s", installer->append);

    g_assert_true (g_file_get_contents (menu, &text, NULL, NULL));
    g_assert_nonnull (strstr (text, line));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/installer/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("none", test_none);
  ADD ("found", test_found);
  ADD ("passed-over", test_passed_over);
  g_test_add_func ("/installer/real-menu", test_real_menu);
  return g_test_run ();
}
