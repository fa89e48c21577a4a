/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a virtiofsd can be used is found out by trying it. */
#include "sharing/lodge-virtiofsd.h"

#include "lodge-paths.h"
#include "test-folder.h"
#include "test-wait.h"
#include "test-walls.h"

#include <glib/gstdio.h>
#include <string.h>

static LodgeVirtiofsd *
probe (const char *program)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *runtime = lodge_paths_ensure_runtime (NULL);
  g_autoptr (GDir) left = NULL;
  LodgeVirtiofsd *found;

  if (program != NULL)
    g_setenv ("LODGE_VIRTIOFSD", program, TRUE);
  else
    g_unsetenv ("LODGE_VIRTIOFSD");
  lodge_virtiofsd_probe_async (test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  found = lodge_virtiofsd_probe_finish (result);
  /* What a trial leaves goes with it. */
  g_clear_object (&result);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  left = g_dir_open (runtime, 0, NULL);
  g_assert_nonnull (left);
  g_assert_cmpstr (g_dir_read_name (left), ==, NULL);
  g_assert_true ((found->path != NULL) == (found->problem[0] == '\0'));
  return found;
}

static void
test_missing (void)
{
  g_autoptr (LodgeVirtiofsd) found = probe ("/nonexistent/virtiofsd");

  test_folder_keep_names ();
  g_assert_null (found->path);
  g_assert_nonnull (strstr (found->problem, "install the package"));
  /* Until one is installed. */
  g_assert_true (lodge_virtiofsd_is_current (found));
  g_setenv ("LODGE_VIRTIOFSD", FAKE_VIRTIOFSD, TRUE);
  g_assert_false (lodge_virtiofsd_is_current (found));
}

static void
test_works (void)
{
  g_autoptr (LodgeVirtiofsd) found = NULL;

  test_folder_keep_names ();
  if (test_walls_skip ())
    return;
  found = probe (FAKE_VIRTIOFSD);
  g_assert_cmpstr (found->problem, ==, "");
  g_assert_cmpstr (found->path, ==, FAKE_VIRTIOFSD);
  g_assert_true (found->squash);
  g_assert_true (lodge_virtiofsd_is_current (found));
}

/* One that does not know a newer option is started without it. */
static void
test_plain (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-virtiofsd-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "virtiofsd-plain", NULL);
  g_autoptr (GFile) from = g_file_new_for_path (FAKE_VIRTIOFSD);
  g_autoptr (GFile) to = g_file_new_for_path (path);
  g_autoptr (LodgeVirtiofsd) found = NULL;

  test_folder_keep_names ();
  if (!test_walls_skip ()) {
    g_assert_true (g_file_copy (from, to, G_FILE_COPY_NONE, NULL, NULL, NULL, NULL));
    found = probe (path);
    g_assert_cmpstr (found->problem, ==, "");
    g_assert_false (found->squash);
  }
  test_folder_remove (folder);
}

/* Its last words are told, and the old one's are put plainer. */
static void
test_refuses (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-virtiofsd-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "virtiofsd", NULL);

  test_folder_keep_names ();
  if (!test_walls_skip ()) {
    static const char *const words[][2] = {
        {"#!/bin/sh\necho \"fuse: unknown option(s): $1\" >&2; exit 1\n", "needs root"},
        {"#!/bin/sh\necho 'No <b> & no luck' >&2; exit 1\n", "No <b> & no luck"},
        {"#!/bin/sh\nexit 0\n", "gave no answer"},
    };

    for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
      g_autoptr (LodgeVirtiofsd) found = NULL;

      g_assert_true (
          g_file_set_contents_full (path, words[i][0], -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
      found = probe (path);
      g_assert_null (found->path);
      g_assert_nonnull (strstr (found->problem, words[i][1]));
      /* It is not tried again, unless it may have been kept from answering. */
      g_assert_true (lodge_virtiofsd_is_current (found) == (i < 2));
      g_assert_true (
          g_file_set_contents_full (path, "another", -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
      g_assert_false (lodge_virtiofsd_is_current (found));
    }
  }
  test_folder_remove (folder);
}

/* What is installed here: it can be used, or what is said names it. */
static void
test_installed (void)
{
  g_autoptr (LodgeVirtiofsd) found = NULL;

  test_folder_keep_names ();
  if (test_walls_skip ())
    return;
  found = probe (NULL);
  if (g_file_test ("/usr/libexec/virtiofsd", G_FILE_TEST_EXISTS))
    g_assert_cmpstr (found->path, ==, "/usr/libexec/virtiofsd");
  else
    g_assert_nonnull (strstr (found->problem, "virtiofsd"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/virtiofsd/missing", test_missing);
  g_test_add_func ("/virtiofsd/works", test_works);
  g_test_add_func ("/virtiofsd/plain", test_plain);
  g_test_add_func ("/virtiofsd/refuses", test_refuses);
  g_test_add_func ("/virtiofsd/installed", test_installed);
  return g_test_run ();
}
