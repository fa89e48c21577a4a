/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths of files in a guest: as they are typed, and as a guest's clipboard has them. */
#include "console/lodge-guest-paths.h"

static void
test_parse (void)
{
  static const struct {
    const char *text;
    const char *paths; /* with '|' between them */
  } rows[] = {
      {"", ""},
      {" \n\n\t\n", ""},
      {"/etc/hostname", "/etc/hostname"},
      {"  /a b/c \r\n/d\n", "/a b/c|/d"},
      {"/a\n/b\n/a", "/a|/b"},
      {"\"C:\\Users\\Eva\\a b.txt\"\r\n\"C:\\x\"\r\n", "C:\\Users\\Eva\\a b.txt|C:\\x"},
      {"\"", "\""},
      {"file:///home/eva/%C3%9Cbung%201.txt", "/home/eva/Übung 1.txt"},
      {"file://guest/srv/a", "/srv/a"},
      {"file:///C:/Users/a", "C:/Users/a"},
      /* Whoever is asked for it says that it is none. */
      {"file:///a%ff", "file:///a%ff"},
      {"file:///a%00b", "file:///a%00b"},
      {"file:///a%0Ab", "file:///a%0Ab"},
      {"file:///a%0d%0ab", "file:///a%0d%0ab"},
      {"file://", "file://"},
      {"what", "what"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_auto (GStrv) paths = lodge_guest_paths_parse (rows[i].text);
    g_autofree char *all = g_strjoinv ("|", paths);

    g_assert_cmpstr (all, ==, rows[i].paths);
  }
}

static void
test_offered (void)
{
  static const struct {
    const char *text;
    const char *offered; /* NULL: it is no list of files */
  } rows[] = {
      {"/etc/hostname", "/etc/hostname"},
      {"/a\r\n/b", "/a\n/b"},
      {"file:///a%20b\r\n", "/a b"},
      {"x-special/nautilus-clipboard\ncopy\nfile:///a\nfile:///b\n", "/a\n/b"},
      {"copy\nfile:///a", "/a"},
      {"\"C:\\a\"", "C:\\a"},
      {"\\\\server\\share\\a", "\\\\server\\share\\a"},
      {NULL, NULL},
      {"", NULL},
      {"some words", NULL},
      {"/a\nand words", NULL},
      {"https://example.org/", NULL},
      {"file:///a%ff", NULL},
      {"copy", NULL},
      /* It would not show as what it is. */
      {"/a\xe2\x80\xae"
       "txt.exe",
       NULL},
      {"/a\033[31m", NULL},
      {"file:///a%0Ab", NULL},
  };
  g_autoptr (GString) many = g_string_new (NULL);
  g_autofree char *large = g_strnfill (3000000, '/');
  g_autofree char *most = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *offered = lodge_guest_paths_dup_offered (rows[i].text);

    g_assert_cmpstr (offered, ==, rows[i].offered);
  }
  for (guint i = 0; i < LODGE_GUEST_PATHS_MAX; i++)
    g_string_append_printf (many, "/%u\n", i);
  most = lodge_guest_paths_dup_offered (many->str);
  g_assert_nonnull (most);
  g_string_append (many, "/more");
  g_assert_null (lodge_guest_paths_dup_offered (many->str));
  g_assert_null (lodge_guest_paths_dup_offered (large));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guest-paths/parse", test_parse);
  g_test_add_func ("/guest-paths/offered", test_offered);
  return g_test_run ();
}
