/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl copies files out of a guest: one job after the other, and what has come is told of. */
#include "lodgectl-fixture.h"

#include <string.h>

static void
test_get (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "guest", "get", "web", "/etc/hostname", "--to", "/out");
  g_auto (Output) several = {0};
  g_auto (Output) here = {0};
  g_autofree char *line = NULL;

  assert_done (&output);
  g_assert_cmpstr (output.out, ==, "/out/hostname\n");
  assert_calls (self, "FetchFile web '/etc/hostname' '/out' {}");
  several = run (self, "guest", "get", "web", "--to=/out", "--json", "/a/x y", "/b/\033[31mz");
  assert_done (&several);
  assert_json (&several, "$[*].path", "[\"/a/x y\",\"/b/\\u001b[31mz\"]");
  assert_json (&several, "$[*].file", "[\"/out/x y\",\"/out/\\u001b[31mz\"]");
  /* Where it was started. */
  here = run (self, "guest", "get", "web", "/a/q");
  assert_done (&here);
  line = g_strdup_printf ("%s/q\n", self->folder);
  g_assert_cmpstr (here.out, ==, line);
}

static void
test_fails (Fixture *self, gconstpointer unused)
{
  g_auto (Output) refused = {0};
  g_auto (Output) none = {0};
  g_auto (Output) bytes = {0};
  g_auto (Output) to = {0};

  fake_engine_fail_next_job (self->engine, LODGE_ERROR_DENIED, "That is switched off");
  refused = run (self, "guest", "get", "web", "/a", "/b", "--json");
  assert_fails (&refused, 1, "That is switched off");
  none = run (self, "guest", "get", "web");
  assert_fails (&none, 2, "PATH");
  bytes = run (self, "guest", "get", "web", "/a\xff");
  assert_fails (&bytes, 2, "UTF-8");
  to = run (self, "guest", "get", "web", "/a", "--to", "");
  assert_fails (&to, 2, "--to");
}

/* The first is there, and is told of. */
static void
test_second (Fixture *self, gconstpointer unused)
{
  const char *const words[] = {"guest", "get", "web", "/a/one", "/a/two", "/a/three", NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_auto (Output) output = {0};

  fake_engine_set_hold_jobs (self->engine, TRUE);
  process = spawn (self, words);
  wait_call (self, "FetchFile");
  fake_engine_clear_calls (self->engine);
  fake_engine_finish_jobs (self->engine, 0, NULL);
  wait_call (self, "FetchFile");
  fake_engine_finish_jobs (self->engine, LODGE_ERROR_NOT_FOUND, "There is no such file");
  output = collect (process);
  g_assert_cmpint (output.status, ==, 1);
  g_assert_true (g_str_has_suffix (output.out, "/one\n"));
  g_assert_null (strstr (output.out, "two"));
  g_assert_nonnull (strstr (output.err, "There is no such file"));
  g_assert_null (strstr (output.out, "three"));
}

#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/files/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("get", test_get);
  ADD ("fails", test_fails);
  ADD ("second", test_second);
  return g_test_run ();
}
