/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a QEMU what it can do: one that answers, the cache, and the one that is installed. */
#include "probe-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
assert_probe_works (ProbeFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  LodgeQemu *qemu = probe_fixture_probe (&error);

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
  g_assert_true (lodge_qemu_has_dbus_display (qemu));
  g_object_add_weak_pointer (G_OBJECT (qemu), (gpointer *) &qemu);
  g_object_unref (qemu);
  g_assert_null (qemu);
}

/* Found, asked and kept */

static void
test_asked_once (ProbeFixture *fixture, gconstpointer unused)
{
  g_autofree char *cache = probe_fixture_dup_cache_file (fixture);
  struct stat st;

  probe_fixture_write_fake (fixture, "fine");
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, 1);
  g_assert_cmpint (g_stat (cache, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0600);

  assert_probe_works (fixture);
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, 1);
}

static void
test_asked_again_when_changed (ProbeFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQemu) qemu = NULL;

  probe_fixture_write_fake (fixture, "fine");
  assert_probe_works (fixture);
  probe_fixture_write_fake (fixture, "no-spice");
  qemu = probe_fixture_probe (&error);
  g_assert_no_error (error);
  g_assert_false (lodge_qemu_has_spice (qemu));
  g_assert_false (lodge_qemu_has_dbus_display (qemu));
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, 2);

  /* Changed back, and its time with it: the time of change tells. */
  probe_fixture_write_fake (fixture, "fine");
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, 3);
}

/* A module is a package of its own: installing one changes no binary. */
static void
test_asked_again_when_modules_change (ProbeFixture *fixture, gconstpointer unused)
{
  g_autofree char *modules = g_build_filename (probe_fixture_get_folder (), "lib", "qemu", NULL);
  g_autofree char *module = g_build_filename (modules, "ui-spice-core.so", NULL);

  g_assert_cmpint (g_mkdir_with_parents (modules, 0755), ==, 0);
  probe_fixture_write_fake (fixture, "fine");
  assert_probe_works (fixture);
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, 1);
  g_assert_true (g_file_set_contents (module, "", 0, NULL));
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, 2);
  g_unlink (module);
}

static void
test_found_in_path (ProbeFixture *fixture, gconstpointer unused)
{
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autofree char *with_ours = g_strconcat (fixture->folder, ":", path, NULL);

  probe_fixture_write_fake (fixture, "fine");
  g_setenv ("LODGE_QEMU", "", TRUE);
  g_setenv ("PATH", with_ours, TRUE);
  assert_probe_works (fixture);
  g_setenv ("PATH", path, TRUE);
}

static void
test_several_at_once (ProbeFixture *fixture, gconstpointer unused)
{
  GAsyncResult *results[4] = {NULL};

  probe_fixture_write_fake (fixture, "fine");
  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    lodge_qemu_probe_async ("x86_64", NULL, probe_fixture_done_cb, &results[i]);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (LodgeQemu) qemu = probe_fixture_finish (&results[i], &error);

    g_assert_no_error (error);
    g_assert_cmpstr (lodge_qemu_get_version (qemu), ==, "8.2.3");
  }
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), <=, G_N_ELEMENTS (results));
}

/* One that crashes when it is asked, and not when it is asked again, at its start or later. */
static void
test_crashes_once (ProbeFixture *fixture, gconstpointer first)
{
  probe_fixture_write_fake_that_falls (fixture, first);
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, 2);
  /* And is kept. */
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, 2);
}

/* The cache is not to be trusted */

static void
assert_asked_again (ProbeFixture *fixture, const char *cache, const char *what)
{
  guint before = probe_fixture_count_starts (fixture);

  assert_probe_works (fixture);
  if (probe_fixture_count_starts (fixture) != before + 1)
    g_error ("A cache with %s was used", what);
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==, before + 1); /* it was written anew */
}

static void
test_broken_cache (ProbeFixture *fixture, gconstpointer unused)
{
  g_autofree char *cache = probe_fixture_dup_cache_file (fixture);
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

  probe_fixture_write_fake (fixture, "fine");
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
test_cache_is_no_file (ProbeFixture *fixture, gconstpointer unused)
{
  g_autofree char *cache = probe_fixture_dup_cache_file (fixture);
  g_autofree char *folder = g_path_get_dirname (cache);
  g_autofree char *elsewhere = g_build_filename (fixture->folder, "elsewhere", NULL);
  g_autofree char *text = NULL;

  probe_fixture_write_fake (fixture, "fine");
  g_mkdir_with_parents (folder, 0700);
  g_assert_cmpint (mkfifo (cache, 0600), ==, 0);
  assert_asked_again (fixture, cache, "a pipe");

  g_unlink (cache);
  g_assert_cmpint (g_mkdir (cache, 0700), ==, 0);
  assert_probe_works (fixture);
  assert_probe_works (fixture);
  g_assert_cmpuint (probe_fixture_count_starts (fixture), ==,
                    3); /* each asks; nothing can be kept */
  g_assert_cmpint (g_rmdir (cache), ==, 0);

  /* A link is not followed, neither in reading nor in writing. */
  g_assert_true (g_file_set_contents (elsewhere, "precious", -1, NULL));
  g_assert_cmpint (symlink (elsewhere, cache), ==, 0);
  assert_probe_works (fixture);
  g_assert_true (g_file_get_contents (elsewhere, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "precious");
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
  asked = probe_fixture_probe (&error);
  g_assert_no_error (error);
  kept = probe_fixture_probe (&error);
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
    g_assert_cmpint (lodge_qemu_has_dbus_display (qemu), ==, lodge_qemu_has_dbus_display (asked));
  }
  probe_fixture_assert_nothing_left ();
}

static void
add_tests (void)
{
  PROBE_FIXTURE_ADD ("asked-once", test_asked_once);
  PROBE_FIXTURE_ADD ("asked-again-when-changed", test_asked_again_when_changed);
  PROBE_FIXTURE_ADD ("asked-again-when-modules-change", test_asked_again_when_modules_change);
  PROBE_FIXTURE_ADD ("found-in-path", test_found_in_path);
  PROBE_FIXTURE_ADD ("several-at-once", test_several_at_once);
  g_test_add ("/qemu/crashes-once/at-once", ProbeFixture, "kill -SEGV $$", probe_fixture_set_up,
              test_crashes_once, probe_fixture_tear_down);
  PROBE_FIXTURE_ADD ("crashes-once/asked", test_crashes_once);
  PROBE_FIXTURE_ADD ("cache/broken", test_broken_cache);
  PROBE_FIXTURE_ADD ("cache/no-file", test_cache_is_no_file);
  g_test_add_func ("/qemu-real/installed", test_real);
}

int
main (int argc, char *argv[])
{
  return probe_fixture_main (argc, argv, add_tests);
}
