/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All the ways of being no QEMU: missing, another program, silent, wrong. */
#include "probe-fixture.h"

#include "lodge-error.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/types.h>

/* Short enough to be waited for, in the tests where nothing comes. */
#define SHORT_MS 300

static void assert_fails (ProbeFixture *fixture, int code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static void
assert_fails (ProbeFixture *fixture, int code, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *cache = probe_fixture_dup_cache_file (fixture);
  g_autofree char *expected = NULL;
  va_list arguments;

  va_start (arguments, format);
  expected = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_assert_null (probe_fixture_probe (&error));
  g_assert_error (error, LODGE_ERROR, code);
  if (!g_pattern_match_simple (expected, error->message))
    g_error ("“%s” is not “%s”", error->message, expected);
  g_assert_null (strchr (error->message, '\n'));
  g_assert_false (g_file_test (cache, G_FILE_TEST_EXISTS));
}

static void
test_missing (ProbeFixture *fixture, gconstpointer unused)
{
  g_autofree char *path = g_strdup (g_getenv ("PATH"));

  assert_fails (fixture, LODGE_ERROR_HOST,
                "LODGE_QEMU is “%s”, which is no program; unset it, or install the package "
                "qemu-system-x86",
                fixture->script);
  g_setenv ("LODGE_QEMU", fixture->folder, TRUE);
  assert_fails (fixture, LODGE_ERROR_HOST, "LODGE_QEMU is “%s”, which is no program*",
                fixture->folder);

  g_unsetenv ("LODGE_QEMU");
  g_setenv ("PATH", fixture->folder, TRUE);
  assert_fails (fixture, LODGE_ERROR_HOST,
                "QEMU is not installed (there is no qemu-system-x86_64); install the package "
                "qemu-system-x86");
  g_setenv ("PATH", path, TRUE);
}

static void
test_bad_architecture (void)
{
  static const char *const names[] = {"", "../../bin/sh", "x86 64", "X86_64", "x86_64\n"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GError) error = NULL;
    GAsyncResult *result = NULL;

    lodge_qemu_probe_async (names[i], NULL, probe_fixture_done_cb, &result);
    g_assert_null (probe_fixture_finish (&result, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  }
}

static void
test_ends (ProbeFixture *fixture, gconstpointer unused)
{
  static const struct {
    const char *script;
    const char *reason;
  } cases[] = {
      {"exit 0", "it ended with exit code 0"},
      {"exit 3", "it ended with exit code 3"},
      {"kill -TERM $$", "it was ended by signal 15"},
      {"echo one >&2; echo '  two ' >&2; echo >&2; exit 1", "two"},
      {"printf 'a\\tb\\033[31m\\377' >&2; exit 1", "a b [31m�"},
      {"head -c 50000 /dev/zero | tr '\\0' x >&2; exit 1", "xxx*xxx"},
      {"head -c 50000 /dev/zero | tr '\\0' '\\n' >&2; echo two >&2; exit 1", "two"},
      {"echo 'qemu: -S: invalid option' >&2; exit 1", "qemu: -S: invalid option"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    probe_fixture_write_script (fixture, "%s", cases[i].script);
    assert_fails (fixture, LODGE_ERROR_FAILED,
                  "“%s” does not work as QEMU: %s; install the package qemu-system-x86",
                  fixture->script, cases[i].reason);
    g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, i + 1);
  }
}

/* It is asked once more, and no more than that. */
static void
test_crashes (ProbeFixture *fixture, gconstpointer unused)
{
  static const struct {
    const char *script;
    const char *reason;
  } cases[] = {
      {"kill -SEGV $$", "it was ended by signal 11"},
      {"kill -ABRT $$", "it was ended by signal 6"},
      {"kill -BUS $$", "it was ended by signal 7"},
      /* It says why. */
      {"echo 'assertion failed' >&2; kill -ABRT $$", "assertion failed"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    probe_fixture_write_script (fixture, "%s", cases[i].script);
    assert_fails (fixture, LODGE_ERROR_FAILED,
                  "“%s” does not work as QEMU: %s; install the package qemu-system-x86",
                  fixture->script, cases[i].reason);
    g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, 2 * (i + 1));
  }
}

static void
test_cannot_run (ProbeFixture *fixture, gconstpointer unused)
{
  g_assert_true (g_file_set_contents (fixture->script, "#!/nonexistent/interpreter\n", -1, NULL));
  g_chmod (fixture->script, 0755);
  assert_fails (fixture, LODGE_ERROR_FAILED,
                "“%s” could not be run: *; install the package qemu-system-x86", fixture->script);
}

static pid_t
read_pid (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return g_ascii_strtoll (text, NULL, 10);
}

static void
wait_until_gone (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);

  /* An orphan in a container whose first process does not reap stays as a zombie: that is gone. */
  while (TRUE) {
    g_autofree char *text = NULL;

    if (!g_file_get_contents (path, &text, NULL, NULL) || strstr (text, ") Z ") != NULL)
      return;
    g_usleep (2000);
  }
}

static void
test_hangs (ProbeFixture *fixture, gconstpointer unused)
{
  g_autofree char *second = g_build_filename (fixture->folder, "two", NULL);

  probe_fixture_write_script (fixture, "echo $$ >'%s/one'; sleep 1000 & echo $! >'%s'; wait",
                              fixture->folder, second);
  lodge_qemu_probe_limit_ms = SHORT_MS;
  /* On a slow machine the script may not have come as far before it is ended. */
  do {
    assert_fails (fixture, LODGE_ERROR_TIMEOUT,
                  "“%s” gave no answer in * s. Try again when this computer is less busy; if that "
                  "does not help, install the package qemu-system-x86 again",
                  fixture->script);
    lodge_qemu_probe_limit_ms *= 3;
  } while (!g_file_test (second, G_FILE_TEST_EXISTS));
  wait_until_gone (read_pid (fixture->folder, "one"));
  wait_until_gone (read_pid (fixture->folder, "two"));
}

static void
test_hangs_later (ProbeFixture *fixture, gconstpointer unused)
{
  /* Enough for it to start, also where a machine is slow; then silence. */
  lodge_qemu_probe_limit_ms = 2000;
  probe_fixture_write_fake (fixture, "silent");
  assert_fails (fixture, LODGE_ERROR_TIMEOUT, "“%s” gave no answer in *", fixture->script);
}

static void
test_wrong_answers (ProbeFixture *fixture, gconstpointer unused)
{
  for (const ProbeFixtureMode *row = probe_fixture_modes + 2; row[2].mode != NULL; row++) {
    probe_fixture_write_fake (fixture, row->mode);
    assert_fails (fixture, LODGE_ERROR_FAILED,
                  "“%s” does not work as QEMU: its answer to “%s” is not what QEMU answers; "
                  "install the package qemu-system-x86",
                  fixture->script, row->command);
  }
  probe_fixture_write_fake (fixture, "hangs-up");
  assert_fails (fixture, LODGE_ERROR_FAILED, "“%s” does not work as QEMU: *query-machines*",
                fixture->script);
}

static void
test_cancelled (ProbeFixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GAsyncResult *result = NULL;

  probe_fixture_write_fake (fixture, "silent");
  lodge_qemu_probe_async ("x86_64", cancellable, probe_fixture_done_cb, &result);
  while (probe_fixture_count_starts (fixture) == 0)
    g_main_context_iteration (NULL, FALSE);
  g_cancellable_cancel (cancellable);
  g_assert_null (probe_fixture_finish (&result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
}

/* The one that is installed */

static void
add_tests (void)
{
  PROBE_FIXTURE_ADD ("none/missing", test_missing);
  g_test_add_func ("/qemu/none/bad-architecture", test_bad_architecture);
  PROBE_FIXTURE_ADD ("none/ends", test_ends);
  PROBE_FIXTURE_ADD ("none/crashes", test_crashes);
  PROBE_FIXTURE_ADD ("none/cannot-run", test_cannot_run);
  PROBE_FIXTURE_ADD ("none/hangs", test_hangs);
  PROBE_FIXTURE_ADD ("none/hangs-later", test_hangs_later);
  PROBE_FIXTURE_ADD ("none/wrong-answers", test_wrong_answers);
  PROBE_FIXTURE_ADD ("none/cancelled", test_cancelled);
}

int
main (int argc, char *argv[])
{
  return probe_fixture_main (argc, argv, add_tests);
}
