/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-viewer's completion scripts in the shells they are for; and that they, its --help and its
 * man page know the same options. */
#include "completion-fixture.h"
#include "test-folder.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  char *folder;
} Fixture;

/* In the place of lodgectl. */
#define NAMES "#!/bin/sh\nprintf '%s\\n' web \"it's two\" '$(touch pwned)'\n"

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->folder = g_dir_make_tmp ("lodge-vc-XXXXXX", NULL);
  g_autofree char *program = g_build_filename (self->folder, "lodgectl", NULL);

  g_assert_true (g_file_set_contents (program, NAMES, -1, NULL));
  g_assert_cmpint (g_chmod (program, 0700), ==, 0);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_autofree char *pwned = g_build_filename (self->folder, "pwned", NULL);

  /* No name was run as a command. */
  g_assert_false (g_file_test (pwned, G_FILE_TEST_EXISTS));
  test_folder_remove (self->folder);
  g_free (self->folder);
}

static char *
dup_output (Fixture *self, const char *const *argv)
{
  return completion_dup_output (self->folder, self->folder, argv);
}

static char *
dup_script_path (const char *shell)
{
  g_autofree char *name = g_strconcat ("lodge-viewer.", shell, NULL);

  return g_build_filename (g_getenv ("LODGE_TEST_COMPLETIONS"), name, NULL);
}

typedef struct {
  const char *words; /* as the shell has them */
  const char *expected;
} Case;

/* The script of the shell comes between @before and @after, in which HERE stands for the case's.
 */
static void
check (
    Fixture *self, const char *const *shell, const char *before, const char *after, const Case *c)
{
  g_autofree char *path = dup_script_path (shell[0]);
  g_autofree char *command = g_strconcat (before, path, after, NULL);
  g_auto (GStrv) pieces = g_strsplit (command, "HERE", -1);
  g_autofree char *whole = g_strjoinv (c->words, pieces);
  const char *argv[] = {shell[0], shell[1], "-c", whole, NULL};
  g_autofree char *out = dup_output (self, argv);

  completion_assert_offers (c->words, out, c->expected);
}

static void
test_bash (Fixture *self, gconstpointer unused)
{
  static const Case cases[] = {
      {"w", "web"},
      {"''", "web,it\\'s\\ two,\\$\\(touch\\ pwned\\)"},
      {"i", "it\\'s\\ two"},
      {"web ''", ""},
      {"--fu", "--full-screen"},
      {"-f w", "web"},
      {"-m ''", "1,2,3,4"},
      {"--monitor 2 w", "web"},
      {"--monitor = 2 w", "web"},
      {"-- w", "web"},
      {"--connect ''", "spice://,spices://,spice+unix:///"},
      {"--connect spice : //box : 5900 ''", ""},
      {"--connect spice : //box : 5900 --ticket-fi", "--ticket-file"},
      {"--ticket-file lodge", "lodgectl"},
      {"--ticket-fd ''", ""},
  };
  const char *shell[] = {"bash", "--norc"};

  if (!completion_need ("bash"))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check (self, shell, ". ",
           "; COMP_WORDS=(lodge-viewer HERE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
           "_lodge_viewer; IFS=,; echo \"${COMPREPLY[*]}\"",
           &cases[i]);
}

/* The completion system's functions, replaced by ones that say what they were given. */
#define ZSH_DOUBLES                                                                                \
  "compdef () { }\n"                                                                               \
  "compadd () { print -r -- ${(Pj:,:)@[-1]} }\n"                                                   \
  "_arguments () { print -r -- ${(j:,:)${(@)@[3,-1]}#*\\)} }\n"

static void
test_zsh (Fixture *self, gconstpointer unused)
{
  static const Case cases[] = {
      {"_lodge_viewer_machines", "web,it's two,$(touch pwned)"},
      {"_lodge_viewer_servers", "spice://,spices://,spice+unix:///"},
  };
  const char *shell[] = {"zsh", "-f"};

  if (!completion_need ("zsh"))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check (self, shell, ZSH_DOUBLES ". ", "; HERE", &cases[i]);

  g_autofree char *path = dup_script_path ("zsh");
  g_autofree char *command = g_strconcat (ZSH_DOUBLES ". ", path, "; _lodge-viewer", NULL);
  const char *argv[] = {"zsh", "-f", "-c", command, NULL};
  g_autofree char *out = dup_output (self, argv);
  g_assert_true (g_str_has_prefix (out, "-c[show a SPICE server"));
  g_assert_nonnull (strstr (out, ",--monitor=[which of the guest’s monitors]:number:(1 2 3 4),"));
  g_assert_true (g_str_has_suffix (out, ",1:machine:_lodge_viewer_machines\n"));
}

static void
test_fish (Fixture *self, gconstpointer unused)
{
  static const Case cases[] = {
      {"w", "web"},
      {"web w", ""},
      {"--full-scr", "--full-screen"},
      {"-f w", "web"},
      {"--monitor 2 w", "web"},
      {"-m ", "1,2,3,4"},
      {"-- w", "web"},
      {"--connect spices", "spices://"},
      {"--connect spice://box:5900 w", ""},
      {"--ticket-file lodgec", "lodgectl"},
  };
  const char *shell[] = {"fish", "--no-config"};

  if (!completion_need ("fish"))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    check (self, shell, "source ",
           "; complete -C 'lodge-viewer HERE' | string replace -r '\\t.*' '' | string join ,; true",
           &cases[i]);
}

/* ---- the options */

/* The names behind each @mark. */
static GPtrArray *
list_options (const char *text, const char *mark)
{
  g_autofree char *pattern = g_strconcat ("(?<![a-z-])", mark, "([a-z][a-z-]+)", NULL);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);
  GPtrArray *found = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GMatchInfo) match = NULL;

  for (g_regex_match (regex, text, 0, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL)) {
    char *name = g_match_info_fetch (match, 1);

    if (g_ptr_array_find_with_equal_func (found, name, g_str_equal, NULL))
      g_free (name);
    else
      g_ptr_array_add (found, name);
  }
  return found;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static char *
dup_options (const char *text, const char *mark)
{
  g_autoptr (GPtrArray) found = list_options (text, mark);

  g_ptr_array_sort (found, compare);
  g_ptr_array_add (found, NULL);
  return g_strjoinv (" ", (char **) found->pdata);
}

static void
test_options (Fixture *self, gconstpointer unused)
{
  const char *argv[] = {g_getenv ("LODGE_TEST_VIEWER"), "--help", NULL};
  static const struct {
    const char *shell;
    const char *mark;
  } scripts[] = {{"bash", "--"}, {"zsh", "--"}, {"fish", "complete -c lodge-viewer (?:-s . )?-l "}};
  g_autofree char *help = dup_output (self, argv);
  g_autofree char *man = NULL;

  /* The options themselves, and not what is said of them. */
  g_autoptr (GRegex) sentence =
      g_regex_new ("^(  (?:-., )?--[a-z-]+).*$", G_REGEX_MULTILINE, 0, NULL);
  g_autofree char *bare = g_regex_replace (sentence, help, -1, 0, "\\1", 0, NULL);
  g_autofree char *options = dup_options (bare, "--");
  g_assert_nonnull (strstr (options, "connect full-screen help monitor"));

  g_assert_true (g_file_get_contents (g_getenv ("LODGE_TEST_VIEWER_MAN"), &man, NULL, NULL));
  g_autofree char *in_man = dup_options (man, "Fl Fl ");
  g_assert_cmpstr (in_man, ==, options);
  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++) {
    g_autofree char *path = dup_script_path (scripts[i].shell);
    g_autofree char *script = NULL;

    g_assert_true (g_file_get_contents (path, &script, NULL, NULL));
    /* What is asked of lodgectl is none of the viewer's. */
    g_auto (GStrv) pieces = g_strsplit (script, "list --names --no-start", -1);
    g_autofree char *own = g_strjoinv ("", pieces);
    g_autofree char *in_script = dup_options (own, scripts[i].mark);
    g_assert_cmpstr (in_script, ==, options);
  }

  /* Every kind of address that is taken is named in both. */
  g_assert_nonnull (strstr (help, "spice://HOST:PORT"));
  g_assert_nonnull (strstr (help, "spices://HOST:PORT"));
  g_assert_nonnull (strstr (help, "spice://HOST?tls-port=PORT"));
  g_assert_nonnull (strstr (help, "spice+unix:///PATH"));
  g_assert_nonnull (strstr (man, "spice://host:port"));
  g_assert_nonnull (strstr (man, "spices://host:port"));
  g_assert_nonnull (strstr (man, "spice://host?tls-port=port"));
  g_assert_nonnull (strstr (man, "spice+unix:///path"));
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/viewer-completion/bash", test_bash);
  add ("/viewer-completion/zsh", test_zsh);
  add ("/viewer-completion/fish", test_fish);
  add ("/viewer-completion/options", test_options);
  return g_test_run ();
}
