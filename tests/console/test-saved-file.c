/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of files that are the user's. */
#include "console/lodge-saved-file.h"
#include "test-folder.h"

#include <string.h>

/* The moment that ends every stem: " 2026-01-31 23-59-59". */
#define MOMENT_BYTES 20

static void
expect_name (const char *what, const char *name)
{
  g_autofree char *stem = lodge_saved_file_dup_stem (what);
  const gsize length = strlen (stem);

  g_assert_cmpuint (length, >, MOMENT_BYTES);
  g_assert_true (g_regex_match_simple ("^ \\d{4}-\\d\\d-\\d\\d \\d\\d-\\d\\d-\\d\\d$",
                                       stem + length - MOMENT_BYTES, 0, 0));
  stem[length - MOMENT_BYTES] = '\0';
  g_assert_cmpstr (stem, ==, name);
}

static void
test_stem (void)
{
  g_autofree char *letters = g_strnfill (300, 'a');
  g_autofree char *most = g_strnfill (199, 'a');
  g_autofree char *cut = g_strnfill (198, 'a');
  g_autofree char *split = g_strconcat (cut, "äöü", letters, NULL);

  expect_name ("web", "web");
  expect_name ("web serial", "web serial");
  expect_name ("a/b/../c", "a-b-..-c");
  expect_name (".hidden", "-hidden");
  expect_name ("/", "-");
  /* Cut between letters. */
  expect_name (letters, most);
  expect_name (split, cut);
}

static void
test_create (void)
{
  g_autofree char *root = g_dir_make_tmp ("lodge-saved-XXXXXX", NULL);
  g_autofree char *folder = g_build_filename (root, "is", "made", NULL);
  static const char *const names[] = {"web.png", "web (2).png", "web (3).png"};
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GFile) file = NULL;
    g_autoptr (GFileOutputStream) stream =
        lodge_saved_file_create (folder, "web", ".png", &file, &error);

    g_assert_no_error (error);
    g_assert_nonnull (stream);
    g_autofree char *name = g_file_get_basename (file);
    g_assert_cmpstr (name, ==, names[i]);
  }

  /* What is no folder says so. */
  g_autofree char *blocked = g_build_filename (folder, "web.png", NULL);
  GFile *none = NULL;
  g_assert_null (lodge_saved_file_create (blocked, "web", ".png", &none, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY);
  g_assert_null (none);
  test_folder_remove (root);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/saved-file/stem", test_stem);
  g_test_add_func ("/saved-file/create", test_create);
  return g_test_run ();
}
