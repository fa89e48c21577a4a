/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl: clones. */
#include "lodge-error.h"
#include "lodgectl-fixture.h"

#include <signal.h>
#include <string.h>

static void
test_clone (Fixture *self, gconstpointer unused)
{
  g_auto (Output) full = run (self, "clone", "web", "new", "--json");
  g_auto (Output) linked = {0};
  g_auto (Output) snapshot = {0};

  assert_done (&full);
  assert_calls (self, "Clone web 'new' {}");
  assert_json (&full, "$.name", "[\"new\"]");
  linked = run (self, "clone", "web", "second", "--linked");
  assert_done (&linked);
  g_assert_cmpstr (linked.out, ==, "");
  assert_calls (self, "Clone web 'second' {'linked': <true>}");
  snapshot = run (self, "clone", "web", "third", "--linked", "--snapshot", "installed");
  assert_done (&snapshot);
  assert_calls (self, "Clone web 'third' {'linked': <true>, 'snapshot': <'installed'>}");
}

static void
test_template (Fixture *self, gconstpointer unused)
{
  g_auto (Output) set = run (self, "template", "set", "web");
  g_auto (Output) unset = {0};
  g_auto (Output) none = {0};

  assert_done (&set);
  assert_calls (self, "Set web {'machine.template': 'true'}");
  fake_engine_clear_calls (self->engine);
  unset = run (self, "template", "unset", "web");
  assert_done (&unset);
  assert_calls (self, "Set web {'machine.template': 'false'}");
  none = run (self, "template", "set");
  assert_fails (&none, 2, "NAME");
}

static void
test_refused (Fixture *self, gconstpointer unused)
{
  g_auto (Output) taken = run (self, "clone", "web", "web");
  g_auto (Output) none = {0};
  g_auto (Output) bad = {0};
  g_auto (Output) full = {0};

  assert_fails (&taken, 1, "already");
  none = run (self, "clone", "web");
  assert_fails (&none, 2, "NEW");
  bad = run (self, "clone", "web", "\xff");
  assert_fails (&bad, 2, "UTF-8");
  fake_engine_fail_next_job (self->engine, LODGE_ERROR_STORAGE, "The disk is full");
  full = run (self, "clone", "web", "x");
  assert_fails (&full, 1, "The disk is full");
}

/* Ctrl+C cancels the job. */
static void
test_cancel (Fixture *self, gconstpointer unused)
{
  const char *words[] = {"clone", "web", "x", NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_auto (Output) output = {0};

  fake_engine_set_hold_jobs (self->engine, TRUE);
  process = spawn (self, words);
  wait_call (self, "Clone");
  g_subprocess_send_signal (process, SIGINT);
  output = collect (process);
  assert_fails (&output, 1, "Stopped");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE); /* never start a real one */
#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/clone/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("clone", test_clone);
  ADD ("template", test_template);
  ADD ("refused", test_refused);
  ADD ("cancel", test_cancel);
  return g_test_run ();
}
