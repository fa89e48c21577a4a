/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl: a machine's snapshots. */
#include "lodge-error.h"
#include "lodgectl-fixture.h"

#include <signal.h>
#include <string.h>

static void
test_list (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "snapshot", "list", "web");
  g_auto (GStrv) lines = NULL;

  assert_done (&output);
  lines = g_strsplit (output.out, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 6);
  g_assert_true (g_str_has_prefix (lines[0], "installed "));
  g_assert_nonnull (strstr (lines[0], "2026-01-01 12:00"));
  g_assert_nonnull (strstr (lines[0], "GiB"));
  g_assert_true (g_str_has_suffix (lines[0], "fresh from the installer"));
  g_assert_true (g_str_has_prefix (lines[1], "├ patched "));
  g_assert_nonnull (strstr (lines[1], "10.0\xc2\xa0MiB, 3.0\xc2\xa0MiB shared"));
  /* What a terminal would obey is not sent to it. */
  g_assert_true (g_str_has_prefix (lines[2], "│ ├ try\xef\xbf\xbd[31m "));
  g_assert_cmpstr (lines[3], ==, "│ └ (now)");
  g_assert_true (g_str_has_prefix (lines[4], "└ before going back "));
}

static void
test_list_json (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "snapshot", "list", "web", "--json");

  assert_done (&output);
  assert_json (&output, "$[1].name", "[\"patched\"]");
  assert_json (&output, "$[1].parent", "[\"s1\"]");
  assert_json (&output, "$[1].current", "[true]");
  assert_json (&output, "$[0].bytes", "[2147483648]");
  assert_json (&output, "$[1].shared_bytes", "[3145728]");
  assert_json (&output, "$[2].automatic", "[true]");
}

static void
test_check (Fixture *self, gconstpointer unused)
{
  g_auto (Output) off = run (self, "snapshot", "check", "web");
  g_auto (Output) running = {0};
  g_auto (Output) json = {0};
  g_auto (Output) blocked = {0};
  g_auto (Output) both = {0};

  assert_done (&off);
  g_assert_nonnull (strstr (off.out, "nothing runs"));
  fake_engine_set_state (self->engine, "web", "running");
  running = run (self, "snapshot", "check", "web");
  assert_done (&running);
  g_assert_nonnull (strstr (running.out, "1.0\xc2\xa0GiB of the 1.0\xc2\xa0TiB"));
  g_assert_nonnull (strstr (running.out, "about 0.1 seconds"));
  fake_engine_block_snapshots (self->engine, "web", "There is a device.");
  json = run (self, "snapshot", "check", "web", "--json");
  assert_done (&json);
  assert_json (&json, "$.facts.expected_standstill", "[60]");
  assert_json (&json, "$.blockers[0].sentence", "[\"There is a device.\"]");
  blocked = run (self, "snapshot", "check", "web");
  assert_fails (&blocked, 1, "There is a device.");
  /* All of it. */
  fake_engine_block_snapshots (self->engine, "web", "There is a device");
  fake_engine_block_snapshots_also (self->engine, "web", "QEMU cannot: virgl",
                                    "Switch 3D acceleration off (display.3d=no)");
  both = run (self, "snapshot", "check", "web");
  assert_fails (&both, 1,
                "There is a device. Do <this>.. QEMU cannot: virgl. "
                "Switch 3D acceleration off (display.3d=no)");
}

static void
test_create (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "snapshot", "create", "web", "two", "--description", "why");
  g_auto (Output) unnamed = {0};
  g_auto (Output) json = {0};
  g_auto (Output) bad = {0};

  assert_done (&output);
  g_assert_cmpstr (output.out, ==, "");
  assert_calls (self, "CreateSnapshot web 'two' 'why' {}");
  unnamed = run (self, "snapshot", "create", "web");
  assert_done (&unnamed);
  g_assert_true (
      g_regex_match_simple ("^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d\n$", unnamed.out, 0, 0));
  json = run (self, "snapshot", "create", "web", "three", "--json");
  assert_done (&json);
  assert_json (&json, "$.id", "[\"s7\"]");
  assert_json (&json, "$.name", "[\"three\"]");
  bad = run (self, "snapshot", "create", "web", "\xff");
  assert_fails (&bad, 2, "UTF-8");
}

static void
test_revert (Fixture *self, gconstpointer unused)
{
  g_auto (Output) kept = run (self, "snapshot", "revert", "web", "installed", "--json");
  g_auto (Output) named = {0};
  g_auto (Output) lost = {0};
  g_auto (Output) off = {0};
  g_auto (Output) both = {0};
  g_auto (Output) none = {0};

  assert_done (&kept);
  assert_json (&kept, "$.kept", "[\"s4\"]");
  assert_calls (self, "RevertSnapshot web 'installed' {'keep': <true>}");
  named = run (self, "snapshot", "revert", "web", "installed", "--keep-as", "old");
  assert_done (&named);
  assert_calls (self, "RevertSnapshot web 'installed' {'keep': <true>, 'name': <'old'>}");
  lost = run (self, "snapshot", "revert", "web", "installed", "--discard");
  assert_done (&lost);
  assert_calls (self, "RevertSnapshot web 'installed' {'keep': <false>}");
  off = run (self, "snapshot", "revert", "web", "installed", "--without-memory");
  assert_done (&off);
  assert_calls (self, "RevertSnapshot web 'installed' {'keep': <true>, 'memory': <false>}");
  both = run (self, "snapshot", "revert", "web", "installed", "--discard", "--keep-as", "x");
  assert_fails (&both, 2, "exclude each other");
  none = run (self, "snapshot", "revert", "web");
  assert_fails (&none, 2, "SNAPSHOT");
}

static void
test_others (Fixture *self, gconstpointer unused)
{
  g_auto (Output) deleted = run (self, "snapshot", "delete", "web", "patched");
  g_auto (Output) by_id = {0};
  g_auto (Output) by_name = {0};
  g_auto (Output) described = {0};
  g_auto (Output) failed = {0};

  assert_done (&deleted);
  g_assert_cmpstr (deleted.out, ==, "");
  assert_calls (self, "DeleteSnapshot web 'patched'");
  by_id = run (self, "snapshot", "delete", "web", "s3", "--json");
  assert_json (&by_id, "$.id", "[\"s3\"]");
  assert_json (&by_id, "$.name", "[\"before going back\"]");
  assert_calls (self, "ListSnapshots web\nDeleteSnapshot web 's3'");
  by_name = run (self, "snapshot", "delete", "web", "try\x1b[31m", "--json");
  assert_json (&by_name, "$.id", "[\"s5\"]");
  fake_engine_clear_calls (self->engine);
  described =
      run (self, "snapshot", "describe", "web", "installed", "new text", "--name", "mended");
  assert_done (&described);
  assert_calls (self, "DescribeSnapshot web 'installed' 'mended' 'new text'");
  fake_engine_fail_next_job (self->engine, LODGE_ERROR_STORAGE, "The disk is full");
  failed = run (self, "snapshot", "create", "web", "x");
  assert_fails (&failed, 1, "The disk is full");
}

/* Ctrl+C cancels the job. */
static void
test_cancel (Fixture *self, gconstpointer unused)
{
  const char *words[] = {"snapshot", "create", "web", "x", NULL};
  g_autoptr (GSubprocess) process = NULL;
  g_auto (Output) output = {0};

  fake_engine_set_hold_jobs (self->engine, TRUE);
  process = spawn (self, words);
  wait_call (self, "CreateSnapshot");
  g_subprocess_send_signal (process, SIGINT);
  output = collect (process);
  assert_fails (&output, 1, "Stopped");
}

int
main (int argc, char *argv[])
{
  g_setenv ("TZ", "UTC", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE); /* never start a real one */
#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/snapshot/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("list", test_list);
  ADD ("list-json", test_list_json);
  ADD ("check", test_check);
  ADD ("create", test_create);
  ADD ("revert", test_revert);
  ADD ("others", test_others);
  ADD ("cancel", test_cancel);
  return g_test_run ();
}
