/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ini grammar by itself, whatever the file is for. */
#include "description/lodge-ini.h"
#include "lodge-error.h"

#include <string.h>

static const char text[] = "# top\n"
                           "\n"
                           "# of a\n"
                           "[a]\n"
                           "key=value\n"
                           "# of the other\n"
                           "other = spaced out \n"
                           "name[de]=Wert\n"
                           "\n"
                           "[b]\n"
                           "key=\\s\\\\ \\n\n"
                           "\n"
                           "# of c\n"
                           "# and more\n"
                           "[c]\n"
                           "key=3\n";

static LodgeIni *
parse (const char *from)
{
  g_autoptr (GError) error = NULL;
  LodgeIni *ini = lodge_ini_parse ("file", from, strlen (from), &error);

  g_assert_no_error (error);
  g_assert_nonnull (ini);
  return ini;
}

static void
assert_value (LodgeIni *ini, const char *section, const char *key, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *value = lodge_ini_dup_value (ini, section, key, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (value, ==, expected);
}

static void
test_values (void)
{
  g_autoptr (LodgeIni) ini = parse (text);
  g_auto (GStrv) sections = lodge_ini_list_sections (ini);

  g_assert_cmpuint (g_strv_length (sections), ==, 3);
  g_assert_cmpstr (sections[1], ==, "b");
  g_assert_true (lodge_ini_has_section (ini, "a"));
  g_assert_false (lodge_ini_has_section (ini, "d"));
  assert_value (ini, "a", "key", "value");
  assert_value (ini, "a", "other", "spaced out ");
  assert_value (ini, "a", "missing", NULL);
  assert_value (ini, "d", "key", NULL);
  assert_value (ini, "b", "key", " \\ \n");
}

static void
test_writing (void)
{
  g_autoptr (LodgeIni) ini = parse (text);
  g_autoptr (LodgeIni) again = NULL;
  g_autofree char *written = lodge_ini_dup_text (ini, NULL);
  g_autoptr (GString) expected = g_string_new (text);
  g_autofree char *changed = NULL;
  gsize length;

  g_string_replace (expected, "other = spaced", "other=spaced", 1);
  g_assert_cmpstr (written, ==, expected->str);

  lodge_ini_set_value (ini, "a", "key", " a=[b]; \\n # c\n");
  lodge_ini_set_value (ini, "new", "key", "");
  lodge_ini_remove_key (ini, "a", "other");
  lodge_ini_remove_section (ini, "b");
  /* What is not there may be removed. */
  lodge_ini_remove_key (ini, "a", "other");
  lodge_ini_remove_section (ini, "b");
  changed = lodge_ini_dup_text (ini, &length);
  g_assert_cmpuint (length, ==, strlen (changed));
  again = parse (changed);
  assert_value (again, "a", "key", " a=[b]; \\n # c\n");
  assert_value (again, "new", "key", "");
  assert_value (again, "a", "other", NULL);
  assert_value (again, "a", "name[de]", "Wert");
  g_assert_false (lodge_ini_has_section (again, "b"));
  g_assert_nonnull (strstr (changed, "# of c\n# and more\n[c]\nkey=3\n"));
}

static void
test_line_ends (void)
{
  static const char *const texts[] = {
      "[a]\nkey=val\nb=\n",   "[a]\r\nkey=val\r\nb=\r\n", "[a]\r\r\nkey=val\r\r\r\nb=\r\r\n",
      "[a]\nkey=val\r\r\nb=", "[a]\nkey=val\nb=\r",       "[a]\nkey=val\nb=\r\r",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (LodgeIni) ini = parse (texts[i]);
    g_autofree char *written = lodge_ini_dup_text (ini, NULL);

    g_assert_cmpstr (written, ==, "[a]\nkey=val\nb=\n");
  }
  /* Within a line it belongs to the value. */
  g_autoptr (LodgeIni) ini = parse ("[a]\nkey=a\rb\r\n");
  assert_value (ini, "a", "key", "a\rb");
}

static void
test_order (void)
{
  g_autoptr (LodgeIni) ini = parse (text);
  const char *const order[] = {"c", "a", NULL};
  g_autofree char *written = NULL;

  lodge_ini_order_sections (ini, order);
  written = lodge_ini_dup_text (ini, NULL);
  g_assert_cmpstr (written, ==,
                   "# top\n"
                   "\n"
                   "# of c\n"
                   "# and more\n"
                   "[c]\n"
                   "key=3\n"
                   "\n"
                   "[b]\n"
                   "key=\\s\\\\ \\n\n"
                   "\n"
                   "# of a\n"
                   "[a]\n"
                   "key=value\n"
                   "# of the other\n"
                   "other=spaced out \n"
                   "name[de]=Wert\n"
                   "\n");
}

static void
test_refused (void)
{
  static const struct {
    const char *text;
    gsize length; /* 0: all */
    const char *named;
  } bad[] = {
      {"word\n", 0, "line 1"},
      {"[a]\nb=1\n\nb=2\n", 0, "line 4"},
      {"[a]\nb=1\n[b]\nb=1\n[a]\n", 0, "line 5"},
      {"[]\n", 0, "line 1"},
      {"[a\n", 0, "line 1"},
      {"[a]\n=1\n", 0, "line 2"},
      {"k=1\n", 0, "line 1"},
      {"[a]\nk=\xc3\n", 0, "line 2"},
      {"[a]\nk=\0x\n", 9, "line 2"},
      {"[a]\nk\x01=1\n[b\x02]\n", 0, "file"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    gsize length = bad[i].length > 0 ? bad[i].length : strlen (bad[i].text);

    g_assert_null (lodge_ini_parse ("file", bad[i].text, length, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, bad[i].named));
    g_assert_null (strchr (error->message, '\n'));
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  }
}

/* Bytes changed at random: refused with a sentence, or read, and then written as what is read
 * again. */
static void
test_random (void)
{
  static const char bytes[] = "[]=#\\;\n\r \t\"a.\0\xc3\xa4\xff";
  guint n_read = 0;

  for (guint round = 0; round < 3000; round++) {
    g_autofree char *copy = g_strdup (text);
    gsize length = strlen (text);
    g_autoptr (LodgeIni) ini = NULL;
    g_autoptr (GError) error = NULL;

    for (gint n = g_test_rand_int_range (1, 4); n > 0; n--)
      copy[g_test_rand_int_range (0, length)] = bytes[g_test_rand_int_range (0, sizeof bytes)];
    ini = lodge_ini_parse ("file", copy, length, &error);
    if (ini == NULL) {
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, "file"));
    } else {
      g_autofree char *once = lodge_ini_dup_text (ini, NULL);
      g_autoptr (LodgeIni) again = lodge_ini_parse ("again", once, strlen (once), &error);
      g_autofree char *twice = NULL;

      g_assert_no_error (error);
      twice = lodge_ini_dup_text (again, NULL);
      g_assert_cmpstr (once, ==, twice);
      n_read++;
    }
  }
  g_assert_cmpuint (n_read, >, 100);
}

static void
test_quotable (void)
{
  g_autofree char *plain = lodge_ini_dup_quotable ("Größe");
  g_autofree char *lines = lodge_ini_dup_quotable ("a\nb\x1b[0m");
  g_autofree char *broken = lodge_ini_dup_quotable ("a\xff");
  g_autofree char *endless = g_strnfill (100000, 'x');
  g_autofree char *cut = lodge_ini_dup_quotable (endless);

  g_assert_cmpstr (plain, ==, "Größe");
  g_assert_cmpstr (lines, ==, "a�b�[0m");
  g_assert_cmpstr (broken, ==, "a�");
  g_assert_cmpint (g_utf8_strlen (cut, -1), ==, 61);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ini/values", test_values);
  g_test_add_func ("/ini/writing", test_writing);
  g_test_add_func ("/ini/line-ends", test_line_ends);
  g_test_add_func ("/ini/order", test_order);
  g_test_add_func ("/ini/refused", test_refused);
  g_test_add_func ("/ini/random", test_random);
  g_test_add_func ("/ini/quotable", test_quotable);
  return g_test_run ();
}
