/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a QEMU what it can do: one that answers, all the ways of not being one, and the cache.
 *
 * Most of the QEMUs are this program itself, started again through a script that says how it shall
 * behave ($FAKE_QEMU) and counts how often it was started. */
#include "qemu/lodge-qemu-private.h"

#include "fake-qmp.h"
#include "lodge-error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG_MS  30000
#define SHORT_MS 300

static char *test_folder; /* of the whole run: cache/, tmp/, and a folder for each test */
static char *own_path;

/* The QEMU that is played */

#define VERSION "{\"qemu\": {\"micro\": 3, \"minor\": 2, \"major\": 8}, \"package\": \"\"}"
#define MACHINES                                                                                   \
  "[{\"name\": \"pc-q35-8.2\", \"alias\": \"q35\", \"cpu-max\": 288}, {\"name\": "                 \
  "\"pc-q35-8.1\"}, "                                                                              \
  "{\"name\": \"none\"}]"
#define DEVICES  "[{\"name\": \"virtio-net-pci\", \"parent\": \"x\"}, {\"name\": \"qxl-vga\"}]"
#define CHARDEVS "[{\"name\": \"chardev-pty\"}, {\"name\": \"chardev-spicevmc\"}]"

static const struct {
  const char *mode;
  const char *command; /* answered differently */
  const char *answer;  /* NULL: hangs up, "": silence */
} modes[] = {
    {"fine"},
    {"no-spice"},
    {"version-is-text", "query-version", "\"8.2.3\""},
    {"version-is-huge", "query-version",
     "{\"qemu\": {\"micro\": 3, \"minor\": 2, \"major\": 99999999999}}"},
    {"version-of-texts", "query-version",
     "{\"qemu\": {\"micro\": \"3\", \"minor\": \"2\", \"major\": \"8\"}}"},
    {"machines-is-object", "query-machines", "{}"},
    {"machine-without-name", "query-machines", "[{\"alias\": \"q35\"}]"},
    {"machines-of-numbers", "query-machines", "[1, 2]"},
    {"devices-of-texts", "qom-list-types", "[\"virtio-net-pci\"]"},
    {"hangs-up", "query-machines", NULL},
    {"silent", "query-machines", ""},
};

static int
play_qemu (int argc, char *argv[], const char *mode)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  const char *path = NULL;
  FakeQmp *fake;

  for (int i = 1; i + 1 < argc; i++) {
    if (g_str_equal (argv[i], "-qmp") && g_str_has_prefix (argv[i + 1], "unix:"))
      path = argv[i + 1] + strlen ("unix:");
  }
  g_assert_nonnull (path);
  fake = fake_qmp_new_at (g_strndup (path, strcspn (path, ",")));
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    if (!g_str_equal (modes[i].mode, mode) || modes[i].command == NULL)
      continue;
    if (modes[i].answer == NULL)
      fake_qmp_hang_up_on (fake, modes[i].command);
    else if (modes[i].answer[0] == '\0')
      fake_qmp_ignore (fake, modes[i].command);
    else
      fake_qmp_answer (fake, modes[i].command, modes[i].answer);
  }
  /* The first answer counts until a second is used. */
  fake_qmp_answer (fake, "query-version", VERSION);
  fake_qmp_answer (fake, "query-machines", MACHINES);
  fake_qmp_answer (fake, "qom-list-types", DEVICES);
  fake_qmp_answer (fake, "qom-list-types", g_str_equal (mode, "no-spice") ? "[]" : CHARDEVS);
  fake_qmp_answer (fake, "quit", "{}");
  g_main_loop_run (loop);
  return 0;
}

/* One test's folder, with the script that is its QEMU */

typedef struct {
  char *folder;
  char *script;
  char *count;
} Fixture;

static void write_script (Fixture *fixture, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
write_script (Fixture *fixture, const char *format, ...)
{
  g_autofree char *body = NULL;
  g_autofree char *text = NULL;
  g_autofree char *next = g_strconcat (fixture->script, ".new", NULL);
  va_list arguments;

  va_start (arguments, format);
  body = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  text = g_strdup_printf ("#!/bin/sh\necho started >>'%s'\n%s\n", fixture->count, body);
  g_assert_true (g_file_set_contents (next, text, -1, NULL));
  g_assert_cmpint (g_chmod (next, 0755), ==, 0);
  g_assert_cmpint (g_rename (next, fixture->script), ==, 0);
}

static void
write_fake (Fixture *fixture, const char *mode)
{
  write_script (fixture, "FAKE_QEMU=%s exec '%s' \"$@\"", mode, own_path);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->folder = g_build_filename (test_folder, "case-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (fixture->folder));
  fixture->script = g_build_filename (fixture->folder, "qemu-system-x86_64", NULL);
  fixture->count = g_build_filename (fixture->folder, "count", NULL);
  g_setenv ("LODGE_QEMU", fixture->script, TRUE);
  lodge_qemu_probe_limit_ms = LONG_MS;
}

static void
assert_nothing_left (void)
{
  g_autofree char *tmp = g_build_filename (test_folder, "tmp", NULL);
  g_autoptr (GDir) dir = g_dir_open (tmp, 0, NULL);

  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  assert_nothing_left ();
  g_unsetenv ("LODGE_QEMU");
  g_free (fixture->folder);
  g_free (fixture->script);
  g_free (fixture->count);
}

static guint
count_starts (Fixture *fixture)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (fixture->count, &text, NULL, NULL))
    return 0;
  lines = g_strsplit (text, "\n", -1);
  return g_strv_length (lines) - 1;
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static LodgeQemu *
finish (GAsyncResult **result, GError **error)
{
  g_autoptr (GAsyncResult) done = NULL;

  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  done = g_steal_pointer (result);
  return lodge_qemu_probe_finish (done, error);
}

static LodgeQemu *
probe (GError **error)
{
  GAsyncResult *result = NULL;

  lodge_qemu_probe_async ("x86_64", NULL, done_cb, &result);
  return finish (&result, error);
}

static void
assert_probe_works (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  LodgeQemu *qemu = probe (&error);

  g_assert_no_error (error);
  g_assert_cmpstr (lodge_qemu_get_binary (qemu), ==, fixture->script);
  g_assert_cmpstr (lodge_qemu_get_version (qemu), ==, "8.2.3");
  g_assert_true (lodge_qemu_has_version (qemu, 7, 2));
  g_assert_true (lodge_qemu_has_version (qemu, 8, 0));
  g_assert_true (lodge_qemu_has_version (qemu, 8, 2));
  g_assert_false (lodge_qemu_has_version (qemu, 8, 3));
  g_assert_false (lodge_qemu_has_version (qemu, 9, 0));
  g_assert_cmpstr (lodge_qemu_resolve_machine (qemu, "q35"), ==, "pc-q35-8.2");
  g_assert_cmpstr (lodge_qemu_resolve_machine (qemu, "pc-q35-8.1"), ==, "pc-q35-8.1");
  g_assert_null (lodge_qemu_resolve_machine (qemu, "microvm"));
  g_assert_true (lodge_qemu_has_machine (qemu, "pc-q35-8.1"));
  g_assert_false (lodge_qemu_has_machine (qemu, "pc-q35-9.0"));
  g_assert_true (lodge_qemu_has_device (qemu, "virtio-net-pci"));
  g_assert_false (lodge_qemu_has_device (qemu, "e1000"));
  g_assert_true (lodge_qemu_has_spice (qemu));
  g_object_add_weak_pointer (G_OBJECT (qemu), (gpointer *) &qemu);
  g_object_unref (qemu);
  g_assert_null (qemu);
}

static char *
dup_only_cache_file (Fixture *fixture)
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, fixture->script, -1);
  g_autofree char *name = g_strdup_printf ("qemu-%.16s.json", sum);

  return g_build_filename (test_folder, "cache", "lodge", name, NULL);
}

/* Found, asked and kept */

static void
test_asked_once (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *cache = dup_only_cache_file (fixture);
  struct stat st;

  write_fake (fixture, "fine");
  assert_probe_works (fixture);
  g_assert_cmpuint (count_starts (fixture), ==, 1);
  g_assert_cmpint (g_stat (cache, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0600);

  assert_probe_works (fixture);
  assert_probe_works (fixture);
  g_assert_cmpuint (count_starts (fixture), ==, 1);
}

static void
test_asked_again_when_changed (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQemu) qemu = NULL;

  write_fake (fixture, "fine");
  assert_probe_works (fixture);
  write_fake (fixture, "no-spice");
  qemu = probe (&error);
  g_assert_no_error (error);
  g_assert_false (lodge_qemu_has_spice (qemu));
  g_assert_cmpuint (count_starts (fixture), ==, 2);

  /* Changed back, and its time with it: the time of change tells. */
  write_fake (fixture, "fine");
  assert_probe_works (fixture);
  g_assert_cmpuint (count_starts (fixture), ==, 3);
}

/* A module is a package of its own: installing one changes no binary. */
static void
test_asked_again_when_modules_change (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *modules = g_build_filename (test_folder, "lib", "qemu", NULL);
  g_autofree char *module = g_build_filename (modules, "ui-spice-core.so", NULL);

  g_assert_cmpint (g_mkdir_with_parents (modules, 0755), ==, 0);
  write_fake (fixture, "fine");
  assert_probe_works (fixture);
  assert_probe_works (fixture);
  g_assert_cmpuint (count_starts (fixture), ==, 1);
  g_assert_true (g_file_set_contents (module, "", 0, NULL));
  assert_probe_works (fixture);
  g_assert_cmpuint (count_starts (fixture), ==, 2);
  g_unlink (module);
}

static void
test_found_in_path (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autofree char *with_ours = g_strconcat (fixture->folder, ":", path, NULL);

  write_fake (fixture, "fine");
  g_setenv ("LODGE_QEMU", "", TRUE);
  g_setenv ("PATH", with_ours, TRUE);
  assert_probe_works (fixture);
  g_setenv ("PATH", path, TRUE);
}

static void
test_several_at_once (Fixture *fixture, gconstpointer unused)
{
  GAsyncResult *results[4] = {NULL};

  write_fake (fixture, "fine");
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    lodge_qemu_probe_async ("x86_64", NULL, done_cb, &results[i]);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (LodgeQemu) qemu = finish (&results[i], &error);

    g_assert_no_error (error);
    g_assert_cmpstr (lodge_qemu_get_version (qemu), ==, "8.2.3");
  }
  assert_probe_works (fixture);
  g_assert_cmpuint (count_starts (fixture), <=, G_N_ELEMENTS (results));
}

/* The cache is not to be trusted */

static void
assert_asked_again (Fixture *fixture, const char *cache, const char *what)
{
  guint before = count_starts (fixture);

  assert_probe_works (fixture);
  if (count_starts (fixture) != before + 1)
    g_error ("A cache with %s was used", what);
  assert_probe_works (fixture);
  g_assert_cmpuint (count_starts (fixture), ==, before + 1); /* it was written anew */
}

static void
test_broken_cache (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *cache = dup_only_cache_file (fixture);
  g_autofree char *good = NULL;
  g_autofree char *deep = g_strnfill (100000, '[');
  g_autofree char *huge = g_strnfill (2 * 1024 * 1024, ' ');
  gsize length;
  const char *edits[][2] = {
      {"\"cache-version\":1", "\"cache-version\":2"},
      {"\"cache-version\":1", "\"cache-version\":\"1\""},
      {"\"cache-version\":1,", ""},
      {"\"identity\":\"/", "\"identity\":\"//"},
      {"\"identity\":", "\"identity\":1,\"was\":"},
      {"\"8.2.3\"", "8"},
      {"\"8.2.3\"", "\"8.2\""},
      {"\"8.2.3\"", "\"8.2.99999999999999999999\""},
      {"\"spice\":true", "\"spice\":1"},
      {"\"machines\":", "\"other\":"},
      {"\"machines\":{", "\"machines\":{\"x\":1,"},
      {"\"devices\":[", "\"devices\":[1,"},
      {"\"devices\":", "\"other\":"},
  };
  const char *texts[] = {
      "", "{}", "[]", "7", "not json", "{\"cache-version\":", deep, huge, "\xff\xfe"};

  write_fake (fixture, "fine");
  assert_probe_works (fixture);
  g_assert_true (g_file_get_contents (cache, &good, &length, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (edits); i++) {
    g_auto (GStrv) parts = g_strsplit (good, edits[i][0], 2);
    g_autofree char *edited = g_strjoinv (edits[i][1], parts);

    g_assert_cmpstr (edited, !=, good);
    g_assert_true (g_file_set_contents (cache, edited, -1, NULL));
    assert_asked_again (fixture, cache, edits[i][1]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_assert_true (g_file_set_contents (cache, texts[i], -1, NULL));
    assert_asked_again (fixture, cache, "junk");
  }
  g_assert_true (g_file_set_contents (cache, good, length / 2, NULL));
  assert_asked_again (fixture, cache, "half of it missing");
}

/* What is in the place of the file is no file: a pipe must not hold anything up. */
static void
test_cache_is_no_file (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *cache = dup_only_cache_file (fixture);
  g_autofree char *folder = g_path_get_dirname (cache);
  g_autofree char *elsewhere = g_build_filename (fixture->folder, "elsewhere", NULL);
  g_autofree char *text = NULL;

  write_fake (fixture, "fine");
  g_mkdir_with_parents (folder, 0700);
  g_assert_cmpint (mkfifo (cache, 0600), ==, 0);
  assert_asked_again (fixture, cache, "a pipe");

  g_unlink (cache);
  g_assert_cmpint (g_mkdir (cache, 0700), ==, 0);
  assert_probe_works (fixture);
  assert_probe_works (fixture);
  g_assert_cmpuint (count_starts (fixture), ==, 3); /* each asks; nothing can be kept */
  g_assert_cmpint (g_rmdir (cache), ==, 0);

  /* A link is not followed, neither in reading nor in writing. */
  g_assert_true (g_file_set_contents (elsewhere, "precious", -1, NULL));
  g_assert_cmpint (symlink (elsewhere, cache), ==, 0);
  assert_probe_works (fixture);
  g_assert_true (g_file_get_contents (elsewhere, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "precious");
}

/* No QEMU */

static void assert_fails (Fixture *fixture, int code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
assert_fails (Fixture *fixture, int code, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *cache = dup_only_cache_file (fixture);
  g_autofree char *expected = NULL;
  va_list arguments;

  va_start (arguments, format);
  expected = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_assert_null (probe (&error));
  g_assert_error (error, LODGE_ERROR, code);
  if (!g_pattern_match_simple (expected, error->message))
    g_error ("“%s” is not “%s”", error->message, expected);
  g_assert_null (strchr (error->message, '\n'));
  g_assert_false (g_file_test (cache, G_FILE_TEST_EXISTS));
}

static void
test_missing (Fixture *fixture, gconstpointer unused)
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

    lodge_qemu_probe_async (names[i], NULL, done_cb, &result);
    g_assert_null (finish (&result, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  }
}

static void
test_ends (Fixture *fixture, gconstpointer unused)
{
  static const struct {
    const char *script;
    const char *reason;
  } cases[] = {
      {"exit 0", "it ended with exit code 0"},
      {"exit 3", "it ended with exit code 3"},
      {"kill -SEGV $$", "it was ended by signal 11"},
      {"echo one >&2; echo '  two ' >&2; echo >&2; exit 1", "two"},
      {"printf 'a\\tb\\033[31m\\377' >&2; exit 1", "a b [31m�"},
      {"head -c 50000 /dev/zero | tr '\\0' x >&2; exit 1", "xxx*xxx"},
      {"head -c 50000 /dev/zero | tr '\\0' '\\n' >&2; echo two >&2; exit 1", "two"},
      {"echo 'qemu: -S: invalid option' >&2; exit 1", "qemu: -S: invalid option"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    write_script (fixture, "%s", cases[i].script);
    assert_fails (fixture, LODGE_ERROR_FAILED,
                  "“%s” does not work as QEMU: %s; install the package qemu-system-x86",
                  fixture->script, cases[i].reason);
  }
}

static void
test_cannot_run (Fixture *fixture, gconstpointer unused)
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
test_hangs (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *second = g_build_filename (fixture->folder, "two", NULL);

  write_script (fixture, "echo $$ >'%s/one'; sleep 1000 & echo $! >'%s'; wait", fixture->folder,
                second);
  lodge_qemu_probe_limit_ms = SHORT_MS;
  /* On a slow machine the script may not have come as far before it is ended. */
  do {
    assert_fails (fixture, LODGE_ERROR_TIMEOUT,
                  "“%s” does not work as QEMU: it gave no answer in * s; install the package "
                  "qemu-system-x86",
                  fixture->script);
    lodge_qemu_probe_limit_ms *= 3;
  } while (!g_file_test (second, G_FILE_TEST_EXISTS));
  wait_until_gone (read_pid (fixture->folder, "one"));
  wait_until_gone (read_pid (fixture->folder, "two"));
}

static void
test_hangs_later (Fixture *fixture, gconstpointer unused)
{
  /* Enough for it to start, also where a machine is slow; then silence. */
  lodge_qemu_probe_limit_ms = 2000;
  write_fake (fixture, "silent");
  assert_fails (fixture, LODGE_ERROR_TIMEOUT, "“%s” does not work as QEMU: it gave no answer*",
                fixture->script);
}

static void
test_wrong_answers (Fixture *fixture, gconstpointer unused)
{
  for (guint i = 2; i < G_N_ELEMENTS (modes) - 2; i++) {
    write_fake (fixture, modes[i].mode);
    assert_fails (fixture, LODGE_ERROR_FAILED,
                  "“%s” does not work as QEMU: its answer to “%s” is not what QEMU answers; "
                  "install the package qemu-system-x86",
                  fixture->script, modes[i].command);
  }
  write_fake (fixture, "hangs-up");
  assert_fails (fixture, LODGE_ERROR_FAILED, "“%s” does not work as QEMU: *query-machines*",
                fixture->script);
}

static void
test_cancelled (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GAsyncResult *result = NULL;

  write_fake (fixture, "silent");
  lodge_qemu_probe_async ("x86_64", cancellable, done_cb, &result);
  while (count_starts (fixture) == 0)
    g_main_context_iteration (NULL, FALSE);
  g_cancellable_cancel (cancellable);
  g_assert_null (finish (&result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
}

/* The one that is installed */

static void
test_real (void)
{
  g_autofree char *binary = g_find_program_in_path ("qemu-system-x86_64");
  g_autoptr (LodgeQemu) asked = NULL;
  g_autoptr (LodgeQemu) kept = NULL;
  g_autoptr (GError) error = NULL;
  const char *q35;

  if (binary == NULL) {
    g_test_skip ("qemu-system-x86_64 is not installed");
    return;
  }
  asked = probe (&error);
  g_assert_no_error (error);
  kept = probe (&error);
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++) {
    LodgeQemu *qemu = i == 0 ? asked : kept;

    g_assert_cmpstr (lodge_qemu_get_binary (qemu), ==, binary);
    g_assert_true (lodge_qemu_has_version (qemu, 7, 2));
    q35 = lodge_qemu_resolve_machine (qemu, "q35");
    g_assert_true (g_str_has_prefix (q35, "pc-q35-"));
    g_assert_true (lodge_qemu_has_machine (qemu, q35));
    g_assert_true (lodge_qemu_has_device (qemu, "virtio-blk-pci"));
    g_assert_true (lodge_qemu_has_device (qemu, "pcie-root-port"));
    g_assert_false (lodge_qemu_has_device (qemu, "flux-capacitor"));
    g_assert_cmpstr (lodge_qemu_get_version (qemu), ==, lodge_qemu_get_version (asked));
    g_assert_cmpint (lodge_qemu_has_spice (qemu), ==, lodge_qemu_has_spice (asked));
  }
  assert_nothing_left ();
}

static void
make_test_folder (void)
{
  test_folder = g_dir_make_tmp ("lodge-test-qemu-XXXXXX", NULL);
  for (guint i = 0; i < 2; i++) {
    static const char *const variables[] = {"XDG_CACHE_HOME", "TMPDIR"};
    static const char *const names[] = {"cache", "tmp"};
    g_autofree char *path = g_build_filename (test_folder, names[i], NULL);

    g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
    g_setenv (variables[i], path, TRUE);
  }
  g_unsetenv ("LODGE_QEMU");
}

static void
remove_test_folder (void)
{
  const char *argv[] = {"rm", "-rf", test_folder, NULL};

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
}

int
main (int argc, char *argv[])
{
  const char *mode = g_getenv ("FAKE_QEMU");
  int status;

  if (mode != NULL)
    return play_qemu (argc, argv, mode);

  own_path = g_file_read_link ("/proc/self/exe", NULL);
  g_test_init (&argc, &argv, NULL);
  make_test_folder ();

#define STUB(path, function) g_test_add ("/qemu/" path, Fixture, NULL, set_up, function, tear_down)
  STUB ("asked-once", test_asked_once);
  STUB ("asked-again-when-changed", test_asked_again_when_changed);
  STUB ("asked-again-when-modules-change", test_asked_again_when_modules_change);
  STUB ("found-in-path", test_found_in_path);
  STUB ("several-at-once", test_several_at_once);
  STUB ("cache/broken", test_broken_cache);
  STUB ("cache/no-file", test_cache_is_no_file);
  STUB ("none/missing", test_missing);
  g_test_add_func ("/qemu/none/bad-architecture", test_bad_architecture);
  STUB ("none/ends", test_ends);
  STUB ("none/cannot-run", test_cannot_run);
  STUB ("none/hangs", test_hangs);
  STUB ("none/hangs-later", test_hangs_later);
  STUB ("none/wrong-answers", test_wrong_answers);
  STUB ("none/cancelled", test_cancelled);
  g_test_add_func ("/qemu-real/installed", test_real);
  status = g_test_run ();
  remove_test_folder ();
  return status;
}
