/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The trial of the sandbox: a script in bubblewrap's place, and each cause by its setting. */
#include "host/lodge-host-sandbox.h"

#include "host-fixture.h"

#include <string.h>

#define REFUSES "#!/bin/sh\necho 'bwrap: first' >&2\necho 'bwrap: second' >&2\nexit 1\n"
#define SECCOMP "/proc/sys/kernel/seccomp/actions_avail"

static void
store_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static LodgeHostSandbox *
try_sandbox (void)
{
  GAsyncResult *result = NULL;
  LodgeHostSandbox *sandbox;
  GWeakRef weak;

  lodge_host_sandbox_try_async (NULL, store_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  sandbox = lodge_host_sandbox_try_finish (result);
  g_assert_nonnull (sandbox);

  g_weak_ref_init (&weak, result);
  g_object_unref (result);
  while (g_main_context_iteration (NULL, FALSE)) {
  }
  g_assert_null (g_weak_ref_get (&weak));
  g_weak_ref_clear (&weak);
  return sandbox;
}

static void
check_sandbox (LodgeSandbox kind, LodgeSandboxCause cause, const char *words)
{
  g_autoptr (LodgeHostSandbox) sandbox = try_sandbox ();

  g_assert_cmpint (sandbox->kind, ==, kind);
  g_assert_cmpint (sandbox->cause, ==, cause);
  g_assert_cmpstr (sandbox->words, ==, words);
}

static HostFixture *
new_fixture (const char *bwrap)
{
  HostFixture *fixture = host_fixture_new ();

  host_fixture_add (fixture, SECCOMP, "kill_process\n");
  if (bwrap != NULL)
    host_fixture_add (fixture, "/usr/bin/bwrap", bwrap);
  return fixture;
}

static void
test_works (void)
{
  /* It is asked for the namespaces and the mounts of a machine's sandbox. */
  HostFixture *fixture = new_fixture ("#!/bin/sh\ncase \"$*\" in\n"
                                      "*--unshare-all*--proc\\ /proc*--dev\\ /dev*true) exit 0;;\n"
                                      "esac\nexit 1\n");

  check_sandbox (LODGE_SANDBOX_BUBBLEWRAP, LODGE_SANDBOX_CAUSE_NONE, "");
  host_fixture_free (fixture);
}

/* A warning on the way is no refusal. */
static void
test_works_with_words (void)
{
  HostFixture *fixture = new_fixture ("#!/bin/sh\necho warning >&2\nexit 0\n");

  check_sandbox (LODGE_SANDBOX_BUBBLEWRAP, LODGE_SANDBOX_CAUSE_NONE, "");
  host_fixture_free (fixture);
}

static void
test_missing (void)
{
  HostFixture *fixture = new_fixture (NULL);

  check_sandbox (LODGE_SANDBOX_SECCOMP, LODGE_SANDBOX_CAUSE_MISSING, "");
  host_fixture_remove (fixture, SECCOMP);
  check_sandbox (LODGE_SANDBOX_NONE, LODGE_SANDBOX_CAUSE_MISSING, "");
  host_fixture_free (fixture);
}

static void
test_causes (void)
{
  static const struct {
    const char *path;
    const char *text;
    LodgeSandboxCause cause;
  } rows[] = {
      {"/proc/sys/user/max_user_namespaces", "0\n", LODGE_SANDBOX_CAUSE_NO_SPACES},
      {"/proc/sys/user/max_user_namespaces", "100\n", LODGE_SANDBOX_CAUSE_OTHER},
      {"/proc/sys/kernel/unprivileged_userns_clone", "0\n", LODGE_SANDBOX_CAUSE_NO_CLONE},
      {"/proc/sys/kernel/unprivileged_userns_clone", "1\n", LODGE_SANDBOX_CAUSE_OTHER},
      {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n",
       LODGE_SANDBOX_CAUSE_APPARMOR},
      {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "0\n", LODGE_SANDBOX_CAUSE_OTHER},
      {"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "garbage",
       LODGE_SANDBOX_CAUSE_OTHER},
      {"/.dockerenv", "", LODGE_SANDBOX_CAUSE_CONTAINER},
      {"/run/.containerenv", "", LODGE_SANDBOX_CAUSE_CONTAINER},
      {"/run/systemd/container", "lxc", LODGE_SANDBOX_CAUSE_CONTAINER},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    HostFixture *fixture = new_fixture (REFUSES);

    g_test_message ("%s %s", rows[i].path, rows[i].text);
    host_fixture_add (fixture, rows[i].path, rows[i].text);
    check_sandbox (LODGE_SANDBOX_SECCOMP, rows[i].cause, "bwrap: second");
    host_fixture_free (fixture);
  }
}

/* The settings name a cause only once it failed. */
static void
test_settings_do_not_decide (void)
{
  HostFixture *fixture = new_fixture ("#!/bin/sh\nexit 0\n");

  host_fixture_add (fixture, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
  host_fixture_add (fixture, "/.dockerenv", "");
  check_sandbox (LODGE_SANDBOX_BUBBLEWRAP, LODGE_SANDBOX_CAUSE_NONE, "");
  host_fixture_free (fixture);
}

static void
test_hang (void)
{
  HostFixture *fixture = new_fixture ("#!/bin/sh\nexec sleep 60\n");

  lodge_host_sandbox_set_limit_for_tests (100);
  check_sandbox (LODGE_SANDBOX_SECCOMP, LODGE_SANDBOX_CAUSE_SILENT, "");
  /* Its standard error closed, and still there. */
  lodge_host_sandbox_set_limit_for_tests (1000);
  host_fixture_add (fixture, "/usr/bin/bwrap", "#!/bin/sh\nexec sleep 60 2>/dev/null\n");
  check_sandbox (LODGE_SANDBOX_SECCOMP, LODGE_SANDBOX_CAUSE_SILENT, "");
  host_fixture_free (fixture);
}

/* Whatever it prints, one short line of text comes of it. */
static void
test_words (void)
{
  HostFixture *fixture =
      new_fixture ("#!/bin/sh\nprintf 'a\\033[31mb\\377\\n\\n  \\n' >&2\nexit 1\n");

  check_sandbox (LODGE_SANDBOX_SECCOMP, LODGE_SANDBOX_CAUSE_OTHER, "a [31mb\xef\xbf\xbd");

  host_fixture_add (fixture, "/usr/bin/bwrap",
                    "#!/bin/sh\nhead -c 1500 /dev/zero | tr '\\0' x >&2\nexit 1\n");
  {
    g_autoptr (LodgeHostSandbox) sandbox = try_sandbox ();

    g_assert_cmpuint (strlen (sandbox->words), ==, 200);
  }

  /* Killed, and endless. */
  host_fixture_add (fixture, "/usr/bin/bwrap", "#!/bin/sh\nkill -9 $$\n");
  check_sandbox (LODGE_SANDBOX_SECCOMP, LODGE_SANDBOX_CAUSE_OTHER, "");
  host_fixture_add (fixture, "/usr/bin/bwrap", "#!/bin/sh\nexec yes >&2\n");
  lodge_host_sandbox_set_limit_for_tests (1000);
  {
    g_autoptr (LodgeHostSandbox) sandbox = try_sandbox ();

    g_assert_cmpint (sandbox->kind, ==, LODGE_SANDBOX_SECCOMP);
  }
  host_fixture_free (fixture);
}

/* Not a program at all. */
static void
test_not_a_program (void)
{
  HostFixture *fixture = new_fixture ("#!/no/such/shell\n");

  check_sandbox (LODGE_SANDBOX_SECCOMP, LODGE_SANDBOX_CAUSE_MISSING, "");
  host_fixture_free (fixture);
}

int
main (int argc, char **argv)
{
  host_fixture_init (&argc, &argv);
  g_test_add_func ("/host-sandbox/works", test_works);
  g_test_add_func ("/host-sandbox/works-with-words", test_works_with_words);
  g_test_add_func ("/host-sandbox/missing", test_missing);
  g_test_add_func ("/host-sandbox/causes", test_causes);
  g_test_add_func ("/host-sandbox/settings-do-not-decide", test_settings_do_not_decide);
  g_test_add_func ("/host-sandbox/hang", test_hang);
  g_test_add_func ("/host-sandbox/words", test_words);
  g_test_add_func ("/host-sandbox/not-a-program", test_not_a_program);
  return host_fixture_run ();
}
