/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes: what is accepted, what is refused and with which words, and back again. */
#include "lodge-error.h"
#include "lodge-size.h"

static void
test_good (void)
{
  static const struct {
    const char *text;
    guint64 bytes;
  } cases[] = {
      {"0", 0},
      {"1", 1},
      {"4096", 4096},
      {"1K", 1024},
      {"512M", 512 * 1024 * 1024},
      {"512m", 512 * 1024 * 1024},
      {"4G", G_GUINT64_CONSTANT (4) << 30},
      {"4GiB", G_GUINT64_CONSTANT (4) << 30},
      {"2T", G_GUINT64_CONSTANT (2) << 40},
      {"18446744073709551615", G_MAXUINT64},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    guint64 bytes = 42;

    g_assert_true (lodge_size_parse (cases[i].text, &bytes, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (bytes, ==, cases[i].bytes);
  }
}

static void
test_bad (void)
{
  static const char *const cases[] = {
      "",
      " ",
      "G",
      "-1",
      "+1",
      "4 G",
      "4X",
      "4GB",
      "4Gi",
      "1.5G",
      "4GG",
      "0x10",
      "4G\n",
      "４G",
      "18446744073709551616",
      "17179869184G",
      "99999999999T",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    guint64 bytes = 42;

    g_assert_false (lodge_size_parse (cases[i], &bytes, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, cases[i]));
    g_assert_cmpuint (bytes, ==, 42);
  }
}

static void
test_format (void)
{
  static const struct {
    guint64 bytes;
    const char *text;
  } cases[] = {
      {0, "0"},
      {1, "1"},
      {1024, "1K"},
      {1536, "1536"},
      {1536 * 1024, "1536K"},
      {G_GUINT64_CONSTANT (20) << 30, "20G"},
      {G_GUINT64_CONSTANT (1) << 50, "1024T"},
      {G_MAXUINT64, "18446744073709551615"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *text = lodge_size_format (cases[i].bytes);
    guint64 bytes = 0;

    g_assert_cmpstr (text, ==, cases[i].text);
    g_assert_true (lodge_size_parse (text, &bytes, NULL));
    g_assert_cmpuint (bytes, ==, cases[i].bytes);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/size/good", test_good);
  g_test_add_func ("/size/bad", test_bad);
  g_test_add_func ("/size/format", test_format);
  return g_test_run ();
}
