/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See probe-fixture.h. */
#include "probe-fixture.h"

#include "fake-qmp.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

static char *test_folder; /* of the whole run: cache/, tmp/, and a folder for each test */
static char *own_path;

#define VERSION "{\"qemu\": {\"micro\": 3, \"minor\": 2, \"major\": 8}, \"package\": \"\"}"
#define MACHINES                                                                                   \
  "[{\"name\": \"pc-q35-8.2\", \"alias\": \"q35\", \"cpu-max\": 288}, {\"name\": "                 \
  "\"pc-q35-8.1\"}, "                                                                              \
  "{\"name\": \"none\"}]"
#define DEVICES "[{\"name\": \"virtio-net-pci\", \"parent\": \"x\"}, {\"name\": \"qxl-vga\"}]"
#define CHARDEVS                                                                                   \
  "[{\"name\": \"chardev-pty\"}, {\"name\": \"chardev-spicevmc\"}, {\"name\": \"chardev-dbus\"}]"

const ProbeFixtureMode probe_fixture_modes[] = {
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
    {NULL},
};

/* In the middle of the questions. */
static gboolean
fall_cb (gpointer fake)
{
  if (fake_qmp_count (fake, "query-machines") > 0) {
    signal (SIGSEGV, SIG_DFL); /* a sanitizer's handler would only exit */
    raise (SIGSEGV);
  }
  return G_SOURCE_CONTINUE;
}

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
  for (const ProbeFixtureMode *row = probe_fixture_modes; row->mode != NULL; row++) {
    if (!g_str_equal (row->mode, mode) || row->command == NULL)
      continue;
    if (row->answer == NULL)
      fake_qmp_hang_up_on (fake, row->command);
    else if (row->answer[0] == '\0')
      fake_qmp_ignore (fake, row->command);
    else
      fake_qmp_answer (fake, row->command, row->answer);
  }
  if (g_str_equal (mode, "falls")) {
    fake_qmp_ignore (fake, "qom-list-types");
    g_timeout_add (1, fall_cb, fake);
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

void
probe_fixture_write_script (ProbeFixture *self, const char *format, ...)
{
  g_autofree char *body = NULL;
  g_autofree char *text = NULL;
  g_autofree char *next = g_strconcat (self->script, ".new", NULL);
  va_list arguments;

  va_start (arguments, format);
  body = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  text = g_strdup_printf ("#!/bin/sh\necho started >>'%s'\n%s\n", self->count, body);
  g_assert_true (g_file_set_contents (next, text, -1, NULL));
  g_assert_cmpint (g_chmod (next, 0755), ==, 0);
  g_assert_cmpint (g_rename (next, self->script), ==, 0);
}

void
probe_fixture_write_fake (ProbeFixture *self, const char *mode)
{
  probe_fixture_write_script (self, "FAKE_QEMU=%s exec '%s' \"$@\"", mode, own_path);
}

void
probe_fixture_write_fake_that_falls (ProbeFixture *self, const char *first)
{
  g_autofree char *late = g_strdup_printf ("FAKE_QEMU=falls exec '%s' \"$@\"", own_path);

  probe_fixture_write_script (self,
                              "if [ ! -e '%s/fallen' ]; then >'%s/fallen'; %s; fi\n"
                              "FAKE_QEMU=fine exec '%s' \"$@\"",
                              self->folder, self->folder, first != NULL ? first : late, own_path);
}

void
probe_fixture_set_up (ProbeFixture *self, gconstpointer unused)
{
  self->folder = g_build_filename (test_folder, "case-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (self->folder));
  self->script = g_build_filename (self->folder, "qemu-system-x86_64", NULL);
  self->count = g_build_filename (self->folder, "count", NULL);
  g_setenv ("LODGE_QEMU", self->script, TRUE);
  lodge_qemu_probe_limit_ms = PROBE_FIXTURE_LONG_MS;
}

void
probe_fixture_assert_nothing_left (void)
{
  g_autofree char *tmp = g_build_filename (test_folder, "tmp", NULL);
  g_autoptr (GDir) dir = g_dir_open (tmp, 0, NULL);

  g_assert_cmpstr (g_dir_read_name (dir), ==, NULL);
}

void
probe_fixture_tear_down (ProbeFixture *self, gconstpointer unused)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  probe_fixture_assert_nothing_left ();
  g_unsetenv ("LODGE_QEMU");
  g_free (self->folder);
  g_free (self->script);
  g_free (self->count);
}

guint
probe_fixture_count_starts (ProbeFixture *self)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (self->count, &text, NULL, NULL))
    return 0;
  lines = g_strsplit (text, "\n", -1);
  return g_strv_length (lines) - 1;
}

void
probe_fixture_done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

LodgeQemu *
probe_fixture_finish (GAsyncResult **result, GError **error)
{
  g_autoptr (GAsyncResult) done = NULL;

  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  done = g_steal_pointer (result);
  return lodge_qemu_probe_finish (done, error);
}

LodgeQemu *
probe_fixture_probe (GError **error)
{
  GAsyncResult *result = NULL;

  lodge_qemu_probe_async ("x86_64", NULL, probe_fixture_done_cb, &result);
  return probe_fixture_finish (&result, error);
}

char *
probe_fixture_dup_cache_file (ProbeFixture *self)
{
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, self->script, -1);
  g_autofree char *name = g_strdup_printf ("qemu-%.16s.json", sum);

  return g_build_filename (test_folder, "cache", "lodge", name, NULL);
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

const char *
probe_fixture_get_folder (void)
{
  return test_folder;
}

int
probe_fixture_main (int argc, char *argv[], void (*add_tests) (void))
{
  const char *mode = g_getenv ("FAKE_QEMU");
  int status;

  if (mode != NULL)
    return play_qemu (argc, argv, mode);

  own_path = g_file_read_link ("/proc/self/exe", NULL);
  g_test_init (&argc, &argv, NULL);
  make_test_folder ();
  add_tests ();
  status = g_test_run ();
  test_folder_remove (test_folder);
  return status;
}
