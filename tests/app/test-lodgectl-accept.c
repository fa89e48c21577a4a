/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl: files that a machine from elsewhere asks for. */
#include "lodge-error.h"
#include "lodgectl-fixture.h"

#include <string.h>

static void
test_accept (Fixture *self, gconstpointer unused)
{
  g_auto (Output) list = {0};
  g_auto (Output) json = {0};
  g_auto (Output) refused = {0};
  g_auto (Output) other = {0};
  g_auto (Output) accepted = {0};
  g_auto (Output) started = {0};
  g_auto (Output) none = {0};

  fake_engine_add_outside (self->engine, "web", "boot.kernel", "/home/me/secret", "");
  fake_engine_add_outside (self->engine, "web", "", "/lodge/web/cd\x1b[1m.iso", "/home/me/x");
  refused = run (self, "start", "web");
  assert_fails (&refused, 1, "/home/me/secret");
  list = run (self, "accept", "web");
  assert_done (&list);
  g_assert_nonnull (strstr (list.out, "/home/me/secret"));
  g_assert_nonnull (strstr (list.out, "boot.kernel"));
  g_assert_nonnull (strstr (list.out, "in a snapshot"));
  g_assert_nonnull (strstr (list.out, "is a link to /home/me/x"));
  g_assert_null (strchr (list.out, '\x1b'));
  json = run (self, "accept", "web", "--json");
  assert_done (&json);
  assert_json (&json, "$[*].path", "[\"/home/me/secret\",\"/lodge/web/cd\\u001b[1m.iso\"]");
  other = run (self, "accept", "web", "/etc/passwd");
  assert_fails (&other, 1, "/etc/passwd");

  accepted = run (self, "accept", "web", "/home/me/secret", "/lodge/web/cd\x1b[1m.iso");
  assert_done (&accepted);
  g_assert_cmpstr (accepted.out, ==, "");
  none = run (self, "accept", "web");
  assert_done (&none);
  g_assert_cmpstr (none.out, ==, "");
  started = run (self, "start", "web");
  assert_done (&started);
}

static void
test_usage (Fixture *self, gconstpointer unused)
{
  g_auto (Output) bad = run (self, "accept", "web", "\xff");
  g_auto (Output) missing = run (self, "accept");

  assert_fails (&bad, 2, "UTF-8");
  assert_fails (&missing, 2, "NAME");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE); /* never start a real one */
#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/accept/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("accept", test_accept);
  ADD ("usage", test_usage);
  return g_test_run ();
}
