/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl: encrypted machines. Passphrases come through a descriptor; nobody types here, so the
 * program is run in a session of its own, which has no terminal. */
#include "lodgectl-fixture.h"

#include <string.h>

#define LOCKED "there is no terminal to ask in"

/* With @input on its standard input, which is descriptor 0. */
static Output
run_with (Fixture *self, const char *input, const char *words)
{
  g_autofree char *quoted = g_shell_quote (input);
  g_autofree char *program = g_shell_quote (get_program ());
  g_autofree char *line =
      g_strdup_printf ("printf %%s %s | exec setsid -w %s %s", quoted, program, words);

  return run_other (self, (const char *const[]){"/bin/sh", "-c", line, NULL}, NULL);
}

static void
assert_state (Fixture *self, const char *expected)
{
  g_autofree char *state = fake_engine_dup_state (self->engine, "web");

  g_assert_cmpstr (state, ==, expected);
}

static void
test_start (Fixture *self, gconstpointer unused)
{
  g_auto (Output) nobody = {0};
  g_auto (Output) wrong = {0};
  g_auto (Output) closed = {0};
  g_auto (Output) right = {0};

  fake_engine_encrypt (self->engine, "web", "correct horse");
  nobody = run_with (self, "", "start web");
  assert_fails (&nobody, 1, LOCKED);
  wrong = run_with (self, "correct\n", "start web --passphrase-fd 0");
  assert_fails (&wrong, 1, "That is not the passphrase of this machine");
  closed = run_with (self, "", "start web --passphrase-fd 9");
  assert_fails (&closed, 2, "“9” is not the number of an open file");
  assert_state (self, "off");
  /* The line's end does not belong to it, and need not be there. */
  right = run_with (self, "correct horse", "start web --remember --passphrase-fd=0");
  assert_done (&right);
  assert_state (self, "running");
  g_assert_true (fake_engine_is_remembered (self->engine, "web"));
}

/* What the passphrase was given for is done all the same. */
static void
test_no_keyring (Fixture *self, gconstpointer unused)
{
  g_auto (Output) unlocked = {0};
  g_auto (Output) locked = {0};
  g_auto (Output) started = {0};
  g_auto (Output) shown = {0};

  fake_engine_encrypt (self->engine, "web", "correct horse");
  fake_engine_set_keyring_problem (self->engine, "web", "There is no keyring");
  unlocked = run_with (self, "correct horse", "unlock web --remember --passphrase-fd 0");
  assert_fails (&unlocked, 1,
                "It is unlocked, but the passphrase will be asked for again: There is no keyring");
  shown = run_with (self, "", "show web --json");
  g_assert_nonnull (strstr (shown.out, "\"encryption\" : \"unlocked\""));
  locked = run_with (self, "", "lock web");
  assert_done (&locked);

  started = run_with (self, "correct horse", "start web --remember --passphrase-fd 0");
  g_assert_cmpint (started.status, ==, 0);
  g_assert_cmpstr (started.err, ==,
                   "lodgectl: the passphrase will be asked for again: There is no keyring\n");
  assert_state (self, "running");
  g_assert_false (fake_engine_is_remembered (self->engine, "web"));
}

static void
test_job (Fixture *self, gconstpointer unused)
{
  g_auto (Output) refused = {0};
  g_auto (Output) unlocked = {0};
  g_auto (Output) shown = {0};
  g_auto (Output) json = {0};
  g_auto (Output) taken = {0};
  g_auto (Output) locked = {0};
  g_auto (Output) again = {0};

  fake_engine_encrypt (self->engine, "web", "correct horse");
  refused = run_with (self, "", "snapshot create web one");
  assert_fails (&refused, 1, LOCKED);
  shown = run_with (self, "", "show web");
  g_assert_nonnull (strstr (shown.out, "yes, and locked"));
  unlocked = run_with (self, "correct horse\n", "unlock web --passphrase-fd 0");
  assert_done (&unlocked);
  json = run_with (self, "", "show web --json");
  g_assert_nonnull (strstr (json.out, "\"encryption\" : \"unlocked\""));
  taken = run_with (self, "", "snapshot create web one");
  g_assert_cmpint (taken.status, ==, 0);
  locked = run_with (self, "", "lock web");
  assert_done (&locked);
  again = run_with (self, "", "snapshot create web two");
  assert_fails (&again, 1, LOCKED);
}

static void
test_change (Fixture *self, gconstpointer unused)
{
  g_auto (Output) wrong = {0};
  g_auto (Output) one = {0};
  g_auto (Output) changed = {0};
  g_auto (Output) old = {0};
  g_auto (Output) new = {0};
  g_auto (Output) kept = {0};
  g_auto (Output) forgotten = {0};

  fake_engine_encrypt (self->engine, "web", "old one");
  wrong = run_with (self, "no\nnew one\n", "passphrase change web --passphrase-fd 0");
  assert_fails (&wrong, 1, "That is not the passphrase of this machine");
  one = run_with (self, "old one\n", "passphrase change web --passphrase-fd 0");
  assert_fails (&one, 1, "There is no passphrase in file 0");
  changed = run_with (self, "old one\nnew one\n", "passphrase change web --passphrase-fd 0");
  assert_done (&changed);
  old = run_with (self, "old one\n", "unlock web --passphrase-fd 0");
  assert_fails (&old, 1, "That is not the passphrase of this machine");
  new = run_with (self, "new one\n", "unlock web --passphrase-fd 0");
  assert_done (&new);
  kept = run_with (self, "", "passphrase remember web");
  assert_done (&kept);
  g_assert_true (fake_engine_is_remembered (self->engine, "web"));
  forgotten = run_with (self, "", "passphrase forget web");
  assert_done (&forgotten);
  g_assert_false (fake_engine_is_remembered (self->engine, "web"));
}

static void
test_create (Fixture *self, gconstpointer unused)
{
  g_auto (Output) alone = {0};
  g_auto (Output) in_place = {0};
  g_auto (Output) nobody = {0};
  g_auto (Output) made = {0};
  g_auto (GStrv) calls = NULL;
  gboolean told = FALSE;

  alone = run (self, "create", "new", "--remember");
  assert_fails (&alone, 2, "--remember goes with --encrypt");
  in_place = run (self, "create", "new", "--encrypt", "--disk", "a.raw", "--in-place");
  assert_fails (&in_place, 2, "--encrypt and --in-place exclude each other");
  nobody = run_with (self, "", "create new --encrypt");
  assert_fails (&nobody, 1, LOCKED);
  fake_engine_clear_calls (self->engine);
  made = run_with (self, "a b\n", "create new --encrypt --passphrase-fd 0");
  assert_done (&made);
  calls = fake_engine_dup_calls (self->engine);
  for (guint i = 0; calls[i] != NULL; i++)
    told |= g_str_has_prefix (calls[i], "CreateMachine") && strstr (calls[i], "passphrase") != NULL;
  g_assert_true (told);
}

/* One that exists. */
static void
test_encrypt (Fixture *self, gconstpointer unused)
{
  g_auto (Output) nobody = {0};
  g_auto (Output) runs = {0};
  g_auto (Output) made = {0};
  g_auto (Output) again = {0};
  g_auto (Output) locked = {0};
  g_auto (Output) wrong = {0};
  g_auto (Output) opened = {0};
  g_auto (Output) plain = {0};

  nobody = run_with (self, "", "encrypt web");
  assert_fails (&nobody, 1, LOCKED);
  /* Nobody is asked for what would be refused. */
  fake_engine_set_state (self->engine, "web", "running");
  runs = run_with (self, "", "encrypt web");
  assert_fails (&runs, 1, "“web” is not off");
  fake_engine_set_state (self->engine, "web", "off");
  made = run_with (self, "a b\n", "encrypt web --remember --json --passphrase-fd 0");
  assert_json (&made, "$.encryption", "[\"unlocked\"]");
  g_assert_true (fake_engine_is_remembered (self->engine, "web"));
  again = run_with (self, "", "encrypt web");
  assert_fails (&again, 1, "“web” is encrypted already");

  fake_engine_encrypt (self->engine, "web", "a b");
  locked = run_with (self, "", "decrypt web");
  assert_fails (&locked, 1, LOCKED);
  wrong = run_with (self, "a\n", "decrypt web --passphrase-fd 0");
  assert_fails (&wrong, 1, "That is not the passphrase of this machine");
  opened = run_with (self, "a b\n", "decrypt web --passphrase-fd 0");
  assert_done (&opened);
  plain = run_with (self, "", "show web --json");
  assert_json (&plain, "$.encryption", "[\"\"]");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/passphrase/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("start", test_start);
  ADD ("no-keyring", test_no_keyring);
  ADD ("job", test_job);
  ADD ("change", test_change);
  ADD ("create", test_create);
  ADD ("encrypt", test_encrypt);
  return g_test_run ();
}
