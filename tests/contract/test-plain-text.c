/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is left of what a terminal was sent. */
#include "lodge-plain-text.h"

#include <string.h>

/* In pieces of @piece bytes. */
static char *
filter (const char *text, gsize length, gsize piece)
{
  LodgePlainText state = {0};
  GByteArray *out = g_byte_array_new ();

  for (gsize i = 0; i < length; i += piece)
    lodge_plain_text_filter (&state, (const guint8 *) text + i, MIN (piece, length - i), out);
  g_byte_array_append (out, (const guint8 *) "", 1);
  return (char *) g_byte_array_free (out, FALSE);
}

static void
test_cases (void)
{
  static const struct {
    const char *text;
    const char *plain;
  } cases[] = {
      {"", ""},
      {"Debian GNU/Linux\r\nlogin: ", "Debian GNU/Linux\nlogin: "},
      {"a\tb\r\n\r\nc", "a\tb\n\nc"},
      {"10%\r50%\r100%\r\r\n", "10%\n50%\n100%\n"},
      {"\033[1;31mred\033[0m plain", "red plain"},
      {"\033[?25l\033[2J\033[10;20Hx", "x"},
      {"\033]0;rm -rf ~\007$ ", "$ "},
      {"\033]52;c;cm0gLXJm\033\\after", "after"},
      {"\033P+q436f\033\\ \033_x\033\\y\033^z\033\\", " y"},
      {"\033(B\033)0\033=\033>text", "text"},
      {"caf\303\251 \302\240\342\202\254 \360\237\220\247", "caf\303\251 \302\240\342\202\254 "
                                                            "\360\237\220\247"},
      /* C1 in UTF-8: CSI and OSC. */
      {"a\302\2331mb\302\2350;title\033\\c\302\205d", "abcd"},
      {"bell\007 back\b\b delete\177 nul", "bell back delete nul"},
      /* What is cut off by a new line is not swallowed. */
      {"\033[12\nnext", "\nnext"},
      {"\033]0;a\030b", "b"},
      {"\033", ""},
      {"\033\033[1mx", "x"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    for (gsize piece = 1; piece < 8; piece++) {
      g_autofree char *plain = filter (cases[i].text, strlen (cases[i].text), piece);

      g_assert_cmpstr (plain, ==, cases[i].plain);
    }
  }
}

/* A string that never ends hides something, but not everything. */
static void
test_endless_string (void)
{
  g_autoptr (GString) text = g_string_new ("\033]0;");
  g_autofree char *plain = NULL;

  for (guint i = 0; i < 2000; i++)
    g_string_append (text, "hidden\n");
  g_string_append (text, "seen");
  plain = filter (text->str, text->len, 100);
  g_assert_true (g_str_has_suffix (plain, "hidden\nseen"));
}

/* Nothing a terminal would obey is left of any three bytes, whatever came before. */
static void
test_all_bytes (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  LodgePlainText state = {0};

  for (guint i = 0; i < 256 * 256; i++) {
    const guint8 bytes[] = {0x1b, i >> 8, i & 0xff, '[', i & 0xff, 'a'};

    lodge_plain_text_filter (&state, bytes, sizeof bytes, out);
  }
  g_assert_cmpuint (out->len, >, 0);
  for (guint i = 0; i < out->len; i++) {
    const guint8 byte = out->data[i];

    g_assert_true (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7f));
  }
}

/* A name that comes from elsewhere stays on its line, and reads in the order in which it is
 * written.
 */
static void
test_line (void)
{
  static const char *const lines[][2] = {
      {"", ""},
      {"caf\303\251 1", "caf\303\251 1"},
      {"a\nb\x1b[1m\x7f", "a\357\277\275b\357\277\275[1m\357\277\275"},
      {"a\342\200\256b\342\201\246\342\200\250", "a\357\277\275b\357\277\275\357\277\275"},
      {"a\xff", "a\357\277\275"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree char *line = lodge_plain_text_dup_line (lines[i][0]);

    g_assert_cmpstr (line, ==, lines[i][1]);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plain-text/cases", test_cases);
  g_test_add_func ("/plain-text/endless-string", test_endless_string);
  g_test_add_func ("/plain-text/all-bytes", test_all_bytes);
  g_test_add_func ("/plain-text/line", test_line);
  return g_test_run ();
}
