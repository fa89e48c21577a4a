/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl: a machine that is suspended to disk, goes on from there, or is started anew. */
#include "lodge-error.h"
#include "lodgectl-fixture.h"

#include <signal.h>
#include <string.h>

static void
assert_state (Fixture *self, const char *wanted)
{
  g_autofree char *state = fake_engine_dup_state (self->engine, "web");

  g_assert_cmpstr (state, ==, wanted);
}

static void
test_suspend (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = {0};
  g_auto (Output) json = {0};
  g_auto (Output) again = {0};

  fake_engine_set_state (self->engine, "web", "running");
  output = run (self, "suspend", "web");
  assert_done (&output);
  g_assert_cmpstr (output.out, ==, "");
  assert_calls (self, "Suspend web");
  assert_state (self, "suspended");
  again = run (self, "suspend", "web");
  assert_fails (&again, 1, "suspended");

  fake_engine_set_state (self->engine, "web", "running");
  json = run (self, "suspend", "web", "--json");
  assert_done (&json);
  assert_json (&json, "$.state", "[\"suspended\"]");
}

static void
test_start (Fixture *self, gconstpointer unused)
{
  g_auto (Output) resumed = {0};
  g_auto (Output) started = {0};
  g_auto (Output) anew = {0};
  g_auto (Output) off = {0};

  fake_engine_set_state (self->engine, "web", "suspended");
  resumed = run (self, "resume", "web");
  assert_done (&resumed);
  assert_calls (self, "Start web");
  assert_state (self, "running");

  fake_engine_set_state (self->engine, "web", "suspended");
  fake_engine_clear_calls (self->engine);
  started = run (self, "start", "web");
  assert_done (&started);
  assert_calls (self, "Start web");

  fake_engine_set_state (self->engine, "web", "suspended");
  fake_engine_clear_calls (self->engine);
  anew = run (self, "start", "web", "--discard-suspended");
  assert_done (&anew);
  assert_calls (self, "DiscardSuspended web\nStart web");

  /* There is nothing to give up, and so no harm in the option. */
  fake_engine_set_state (self->engine, "web", "off");
  fake_engine_clear_calls (self->engine);
  off = run (self, "start", "web", "--discard-suspended");
  assert_done (&off);
  assert_calls (self, "Start web");
}

static void
test_disposable (Fixture *self, gconstpointer unused)
{
  g_auto (Output) refused = {0};
  g_auto (Output) started = {0};
  g_auto (Output) shown = {0};
  g_auto (Output) json = {0};

  fake_engine_set_state (self->engine, "web", "suspended");
  refused = run (self, "start", "web", "--disposable");
  assert_fails (&refused, 1, "suspended");

  fake_engine_set_state (self->engine, "web", "off");
  fake_engine_clear_calls (self->engine);
  started = run (self, "start", "web", "--disposable");
  assert_done (&started);
  assert_calls (self, "StartDisposable web");
  shown = run (self, "show", "web");
  assert_done (&shown);
  g_assert_nonnull (strstr (shown.out, "nothing of this run"));
  json = run (self, "show", "web", "--json");
  assert_done (&json);
  assert_json (&json, "$.disposable", "[true]");
}

static void
test_failures (Fixture *self, gconstpointer unused)
{
  g_auto (Output) suspend = {0};
  g_auto (Output) start = {0};
  g_auto (Output) anew = {0};

  fake_engine_set_state (self->engine, "web", "running");
  fake_engine_fail_next_job (self->engine, LODGE_ERROR_STORAGE, "The disk is full");
  suspend = run (self, "suspend", "web");
  assert_fails (&suspend, 1, "The disk is full");
  assert_state (self, "running");

  fake_engine_set_state (self->engine, "web", "suspended");
  fake_engine_fail_next (self->engine, "Start", LODGE_ERROR_FAILED, "It does not fit");
  start = run (self, "start", "web");
  assert_fails (&start, 1, "It does not fit");
  assert_state (self, "suspended");
  /* What could not be given up is not started anew. */
  fake_engine_fail_next_job (self->engine, LODGE_ERROR_DENIED, "Not allowed");
  fake_engine_clear_calls (self->engine);
  anew = run (self, "start", "web", "--discard-suspended");
  assert_fails (&anew, 1, "Not allowed");
  assert_calls (self, "DiscardSuspended web");
}

/* Ctrl+C cancels the job. */
static void
test_cancel (Fixture *self, gconstpointer unused)
{
  const char *words[] = {"suspend", "web", NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_auto (Output) output = {0};

  fake_engine_set_state (self->engine, "web", "running");
  fake_engine_set_hold_jobs (self->engine, TRUE);
  process = spawn (self, words);
  wait_call (self, "Suspend");
  g_subprocess_send_signal (process, SIGINT);
  output = collect (process);
  assert_fails (&output, 1, "Stopped");
  assert_state (self, "running");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE); /* never start a real one */
#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/suspend/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("suspend", test_suspend);
  ADD ("start", test_start);
  ADD ("disposable", test_disposable);
  ADD ("failures", test_failures);
  ADD ("cancel", test_cancel);
  return g_test_run ();
}
