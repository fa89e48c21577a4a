/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl's completion scripts in the shells they are for, and its man page. */
#include "completion-fixture.h"
#include "fake-engine.h"
#include "test-folder.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  FakeEngine *engine;
  char *folder;
  char *bin; /* with lodgectl in it, first in PATH */
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  g_autofree char *socket = NULL;
  g_autofree char *link_path = NULL;

  self->folder = g_dir_make_tmp ("lodgectl-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
  socket = g_build_filename (self->folder, "engine.sock", NULL);
  self->bin = g_build_filename (self->folder, "bin", NULL);
  g_assert_cmpint (g_mkdir (self->bin, 0700), ==, 0);
  link_path = g_build_filename (self->bin, "lodgectl", NULL);
  g_assert_cmpint (symlink (g_getenv ("LODGE_TEST_LODGECTL"), link_path), ==, 0);
  self->engine = fake_engine_new (socket);
  fake_engine_add_machine (self->engine, "web", "off");
  fake_engine_add_machine (self->engine, "it's two", "off");
  fake_engine_add_machine (self->engine, "$(touch pwned)", "off");
  fake_engine_clear_snapshots (self->engine, "web");
  fake_engine_add_snapshot (self->engine, "web", "s1", "installed", "", FALSE);
  fake_engine_add_snapshot (self->engine, "web", "s2", "it's one", "s1", TRUE);
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  g_autofree char *pwned = g_build_filename (self->folder, "pwned", NULL);

  /* No name was run as a command. */
  g_assert_false (g_file_test (pwned, G_FILE_TEST_EXISTS));
  fake_engine_free (self->engine);
  test_folder_remove (self->folder);
  g_free (self->bin);
  g_free (self->folder);
}

static char *
dup_output (Fixture *self, const char *const *argv)
{
  return completion_dup_output (self->folder, self->bin, argv);
}

static void
write_script (Fixture *self, const char *shell)
{
  const char *argv[] = {"lodgectl", "completion", shell, NULL};
  g_autofree char *path = g_build_filename (self->folder, "script", NULL);
  g_autofree char *script = dup_output (self, argv);

  g_assert_true (g_file_set_contents (path, script, -1, NULL));
}

/* --- bash --- */

static void
test_bash (Fixture *self, gconstpointer unused)
{
  static const struct {
    const char *words; /* as bash's array */
    const char *expected;
  } cases[] = {
      {"lodgectl sta", "start"},
      {"lodgectl forw", "forward"},
      {"lodgectl forward ''", "--help,add,remove,list"},
      {"lodgectl start w", "web"},
      {"lodgectl start x", ""},
      {"lodgectl start i", "it\\'s\\ two"},
      {"lodgectl start \"it\\\\'s\\\\ t\"", "it\\'s\\ two"},
      {"lodgectl start \"\\\"it's t\"", "it's two"},
      {"lodgectl start '$'", "\\$\\(touch\\ pwned\\)"},
      {"lodgectl start \"'\\$\"", "$(touch pwned)"},
      {"lodgectl start -- w", "web"},
      {"lodgectl start web ''", ""},
      {"lodgectl forward add w", "web"},
      {"lodgectl forward --nic nic0 ''", ""},
      {"lodgectl forward add --nic nic0 w", "web"},
      {"lodgectl create new --fi", "--firmware"},
      {"lodgectl create new --firmware ''", "bios,uefi,uefi-secure"},
      {"lodgectl create new --memory ''", ""},
      {"lodgectl create new --media scr", "script"},
      {"lodgectl wait web r", "running"},
      {"lodgectl wait --timeout 3 web r", "running"},
      {"lodgectl completion ''", "bash,zsh,fish"},
      {"lodgectl list --n", "--names,--no-start"},
      {"lodgectl disk remove --j", "--json"},
      {"lodgectl disk detach --y", "--yes"},
      {"lodgectl disk attach web ''", "disk0,disk1"},
      {"lodgectl media eject --j", "--json"},
      {"lodgectl media insert --j", "--json"},
      {"lodgectl snapshot delete --j", "--json"},
      {"lodgectl help sta", "start"},
      {"lodgectl snapshot revert web in", "installed"},
      {"lodgectl snapshot delete --json web ''", "installed,it\\'s\\ one"},
      {"lodgectl snapshot delete -- web it", "it\\'s\\ one"},
      {"lodgectl snapshot revert none ''", ""},
      {"lodgectl snapshot revert '$(touch' ''", ""},
      {"lodgectl disk grow \"it\\\\'s\\\\ two\" ''", "disk0,disk1"},
      {"lodgectl disk grow \"\\\"it's two\\\"\" ''", "disk0,disk1"},
      {"lodgectl clone web new --snapshot in", "installed"},
      {"lodgectl disk grow web ''", "disk0,disk1"},
      {"lodgectl disk convert web disk0 raw out --snapshot in", "installed"},
  };

  if (!completion_need ("bash"))
    return;
  write_script (self, "bash");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *command = g_strdup_printf (
        ". ./script; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _lodgectl lodgectl; "
        "IFS=,; echo \"${COMPREPLY[*]}\"",
        cases[i].words);
    const char *argv[] = {"bash", "--norc", "-c", command, NULL};
    g_autofree char *out = dup_output (self, argv);

    completion_assert_offers (cases[i].words, out, cases[i].expected);
  }
}

/* --- zsh --- */

/* The completion system's functions, replaced by ones that say what they were given. */
#define ZSH_DOUBLES                                                                                \
  "compdef () { }\n"                                                                               \
  "compadd () { print -r -- ${(Pj:,:)2} }\n"                                                       \
  "_describe () { print -r -- ${(j:,:)${(P)4}%%:*} }\n"                                            \
  "_files () { print files }\n"                                                                    \
  "_message () { }\n"

static void
test_zsh (Fixture *self, gconstpointer unused)
{
  static const struct {
    const char *words;
    const char *expected;
  } cases[] = {
      {"lodgectl forward ''", "add,remove,list"},
      {"lodgectl start ''", "web,it's two,$(touch pwned)"},
      {"lodgectl start web ''", ""},
      {"lodgectl forward add --nic nic0 ''", "web,it's two,$(touch pwned)"},
      {"lodgectl create new --firmware ''", "bios,uefi,uefi-secure"},
      {"lodgectl create new --memory ''", ""},
      {"lodgectl create new --media ''", "files"},
      {"lodgectl wait --timeout 3 web ''",
       "off,starting,running,paused,suspending,stopping,crashed,suspended,template"},
      {"lodgectl list --", "--help,--names,--no-start,--json"},
      {"lodgectl snapshot revert web ''", "installed,it's one"},
      {"lodgectl clone web new --snapshot ''", "installed,it's one"},
      {"lodgectl disk grow \"it\\\\'s\\\\ two\" ''", "disk0,disk1"},
  };

  if (!completion_need ("zsh"))
    return;
  write_script (self, "zsh");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *command = g_strdup_printf (
        ZSH_DOUBLES ". ./script; words=(%s); CURRENT=$#words; _lodgectl; true", cases[i].words);
    const char *argv[] = {"zsh", "-f", "-c", command, NULL};
    g_autofree char *out = dup_output (self, argv);

    completion_assert_offers (cases[i].words, out, cases[i].expected);
  }
}

/* First words come with their sentences, in which a colon would end the word. */
static void
test_zsh_commands (Fixture *self, gconstpointer unused)
{
  const char *argv[] = {"zsh", "-f", "-c",
                        ZSH_DOUBLES ". ./script; words=(lodgectl ''); CURRENT=2; _lodgectl", NULL};
  g_autofree char *out = NULL;

  if (!completion_need ("zsh"))
    return;
  write_script (self, "zsh");
  out = dup_output (self, argv);
  g_assert_true (g_str_has_prefix (out, "host,create,list,show,set,start,"));
  g_assert_nonnull (strstr (out, ",forward,"));
}

/* --- fish --- */

static void
test_fish (Fixture *self, gconstpointer unused)
{
  static const struct {
    const char *line;
    const char *expected;
  } cases[] = {
      {"lodgectl sta", "start"},
      {"lodgectl forward ", "add,list,remove"},
      {"lodgectl start w", "web"},
      {"lodgectl start web ", ""},
      {"lodgectl start -- w", "web"},
      {"lodgectl forward add --nic nic0 w", "web"},
      {"lodgectl create new --firm", "--firmware"},
      {"lodgectl create new --firmware ", "bios,uefi,uefi-secure"},
      {"lodgectl create new --media scr", "script"},
      {"lodgectl wait --timeout 3 web r", "running"},
      {"lodgectl completion z", "zsh"},
      {"lodgectl snapshot revert web in", "installed"},
      {"lodgectl clone web new --snapshot in", "installed"},
      {"lodgectl disk grow web ", "disk0,disk1"},
      {"lodgectl list --nam",
       "--names"}, /* fish 4 offers what has the letters in this order, too */
  };

  if (!completion_need ("fish"))
    return;
  write_script (self, "fish");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *command =
        g_strdup_printf ("source ./script; complete -C '%s' | "
                         "string replace -r '\\t.*' '' | string join ,; true",
                         cases[i].line);
    const char *argv[] = {"fish", "--no-config", "-c", command, NULL};
    g_autofree char *out = dup_output (self, argv);

    completion_assert_offers (cases[i].line, out, cases[i].expected);
  }
}

/* --- All --- */

/* Completing starts no engine, and without one offers no names and says nothing. */
static void
test_no_engine (Fixture *self, gconstpointer unused)
{
  const char *argv[] = {"bash", "--norc", "-c",
                        ". ./script; COMP_WORDS=(lodgectl start ''); COMP_CWORD=2; "
                        "_lodgectl lodgectl; echo \"${#COMPREPLY[@]}\"",
                        NULL};
  g_autofree char *socket = g_strdup (fake_engine_get_socket (self->engine));
  g_autofree char *out = NULL;

  if (!completion_need ("bash"))
    return;
  write_script (self, "bash");
  fake_engine_free (self->engine);
  out = dup_output (self, argv);
  g_assert_cmpstr (out, ==, "0\n");
  self->engine = fake_engine_new (socket);
}

/* --- The man page --- */

/* Without what mandoc prints bold by overstriking. */
static char *
dup_page (Fixture *self)
{
  const char *text[] = {"mandoc", "-T", "ascii", g_getenv ("LODGE_TEST_MAN"), NULL};
  g_autofree char *page = dup_output (self, text);
  g_autoptr (GRegex) bold = g_regex_new (".\b", 0, 0, NULL);

  return g_regex_replace_literal (bold, page, -1, 0, "", 0, NULL);
}

/* Every command that prints JSON says there what it prints. */
static void
test_man_json (Fixture *self, gconstpointer unused)
{
  const char *completion[] = {"lodgectl", "completion", "fish", NULL};
  g_autofree char *script = NULL;
  g_autofree char *page = NULL;
  g_autofree char *section = NULL;
  g_autoptr (GRegex) option = g_regex_new ("__lodgectl_at \\+0 ([a-z ]+)' -l json", 0, 0, NULL);
  g_autoptr (GMatchInfo) found = NULL;
  guint n = 0;

  if (!completion_need ("mandoc"))
    return;
  script = dup_output (self, completion);
  page = dup_page (self);
  g_assert_nonnull (strstr (page, "\nJSON\n"));
  g_assert_nonnull (strstr (page, "\nENVIRONMENT\n"));
  section = g_strndup (strstr (page, "\nJSON\n"),
                       (gsize) (strstr (page, "\nENVIRONMENT\n") - strstr (page, "\nJSON\n")));
  for (g_regex_match (option, script, 0, &found); g_match_info_matches (found);
       g_match_info_next (found, NULL)) {
    g_autofree char *name = g_match_info_fetch (found, 1);
    g_autofree char *pattern =
        g_strdup_printf ("\n     ([a-z]+, )*%s(, [a-z]+|  +[A-Z].*)*\n", name);

    n++;
    if (!g_regex_match_simple (pattern, section, 0, 0))
      g_error ("what “%s --json” prints is not in the man page", name);
  }
  g_assert_cmpuint (n, >, 10);
}

static void
test_man (Fixture *self, gconstpointer unused)
{
  const char *man = g_getenv ("LODGE_TEST_MAN");
  const char *lint[] = {"mandoc", "-T", "lint", "-W", "warning", man, NULL};
  const char *help[] = {"lodgectl", "help", NULL};
  g_autofree char *complaints = NULL;
  g_autofree char *page = NULL;
  g_autofree char *overview = NULL;
  g_auto (GStrv) lines = NULL;

  if (!completion_need ("mandoc"))
    return;
  complaints = dup_output (self, lint);
  g_assert_cmpstr (complaints, ==, "");

  /* Every command that help knows is there. */
  page = dup_page (self);
  overview = dup_output (self, help);
  lines = g_strsplit (overview, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) words = NULL;
    g_autofree char *entry = NULL;

    if (!g_str_has_prefix (lines[i], "  "))
      continue;
    words = g_strsplit (lines[i] + 2, " ", 3);
    entry = g_ascii_islower (words[1][0]) ? g_strdup_printf ("\n     %s %s", words[0], words[1])
                                          : g_strdup_printf ("\n     %s", words[0]);
    if (strstr (page, entry) == NULL)
      g_error ("“%s” is not in the man page", entry + 1);
  }
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
  g_assert_nonnull (g_getenv ("LODGE_TEST_LODGECTL"));
  g_assert_nonnull (g_getenv ("LODGE_TEST_MAN"));
  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE); /* never start a real one */
  add ("/completion/bash", test_bash);
  add ("/completion/zsh", test_zsh);
  add ("/completion/zsh-commands", test_zsh_commands);
  add ("/completion/fish", test_fish);
  add ("/completion/no-engine", test_no_engine);
  add ("/completion/man", test_man);
  add ("/completion/man-json", test_man_json);
  return g_test_run ();
}
