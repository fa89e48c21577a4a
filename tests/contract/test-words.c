/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest has to do is said for its system, and for any other; of what is in the way all. */
#include "lodge-words.h"

#include <string.h>

static void
test_after_growing (void)
{
  static const struct {
    const char *os;
    const char *word;
  } cases[] = {
      {"win11", "Disk Management"}, {"debian12", "growpart"},    {"rhel9.4", "growpart"},
      {"freebsd14.0", "gpart"},     {"openbsd7.4", "disklabel"}, {"", "partition"},
      {"haiku", "partition"},       {NULL, "partition"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_nonnull (strstr (lodge_words_after_growing (cases[i].os), cases[i].word));
  g_assert_null (strstr (lodge_words_after_growing ("haiku"), "growpart"));
}

static void
test_blockers (void)
{
  static const char *const cases[][2] = {
      {"@a(ss) []", ""},
      {"[('A is', 'do b')]", "A is. do b"},
      {"[('A is', '')]", "A is"},
      {"[('A is', 'do b'), ('C is', ''), ('D is', 'do e')]", "A is. do b. C is. D is. do e"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GVariant) blockers = g_variant_ref_sink (g_variant_new_parsed (cases[i][0]));
    g_autofree char *text = lodge_words_dup_blockers (blockers);

    g_assert_cmpstr (text, ==, cases[i][1]);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/words/after-growing", test_after_growing);
  g_test_add_func ("/words/blockers", test_blockers);
  return g_test_run ();
}
