/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files in a folder that somebody else has prepared. */
#include "description/lodge-own-file.h"

#include "lodge-error.h"
#include "test-folder.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char *folder;
  char *outside; /* a file in another folder */
  char *other;
} Fixture;

static void
put (const char *folder, const char *file)
{
  g_autofree char *path = g_build_filename (folder, file, NULL);

  g_assert_true (g_file_set_contents (path, "secret", -1, NULL));
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *layers = NULL;
  g_autofree char *link = NULL;
  g_autofree char *folder_link = NULL;
  g_autofree char *pipe = NULL;

  f->folder = g_dir_make_tmp ("lodge-own-XXXXXX", NULL);
  f->other = g_dir_make_tmp ("lodge-other-XXXXXX", NULL);
  put (f->other, "outside");
  f->outside = g_build_filename (f->other, "outside", NULL);
  layers = g_build_filename (f->folder, "layers", NULL);
  g_assert_no_errno (g_mkdir (layers, 0700));
  put (layers, "good");
  link = g_build_filename (layers, "link", NULL);
  g_assert_no_errno (symlink (f->outside, link));
  folder_link = g_build_filename (f->folder, "elsewhere", NULL);
  g_assert_no_errno (symlink (f->other, folder_link));
  pipe = g_build_filename (f->folder, "pipe", NULL);
  g_assert_no_errno (mkfifo (pipe, 0600));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_true (g_file_test (f->outside, G_FILE_TEST_EXISTS));
  test_folder_remove (f->folder);
  test_folder_remove (f->other);
  g_free (f->folder);
  g_free (f->other);
  g_free (f->outside);
}

static void
test_open (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *file;
    int code;
  } bad[] = {
      {"layers/link", LODGE_ERROR_INVALID},
      {"elsewhere/outside", LODGE_ERROR_INVALID},
      {"layers/../layers/good", LODGE_ERROR_INVALID},
      {"../x", LODGE_ERROR_INVALID},
      {"layers", LODGE_ERROR_INVALID},
      {"pipe", LODGE_ERROR_INVALID},
      {"layers/none", LODGE_ERROR_NOT_FOUND},
      {"layers/good/x", LODGE_ERROR_NOT_FOUND},
      {"", LODGE_ERROR_INVALID},
  };
  g_autoptr (GError) error = NULL;
  int fd;

  fd = lodge_own_file_open (f->folder, "layers/good", O_RDWR, &error);
  g_assert_no_error (error);
  close (fd);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_test_message ("%s", bad[i].file);
    g_assert_cmpint (lodge_own_file_open (f->folder, bad[i].file, O_RDONLY, &error), <, 0);
    g_assert_error (error, LODGE_ERROR, bad[i].code);
    g_clear_error (&error);
    g_assert_false (lodge_own_file_set_mode (f->folder, bad[i].file, 0400, &error));
    g_clear_error (&error);
  }
}

static void
test_mode (Fixture *f, gconstpointer data)
{
  g_autofree char *good = g_build_filename (f->folder, "layers/good", NULL);
  g_autoptr (GError) error = NULL;
  GStatBuf info;

  g_assert_true (lodge_own_file_set_mode (f->folder, "layers/good", 0400, &error));
  g_assert_no_error (error);
  g_assert_no_errno (g_stat (good, &info));
  g_assert_cmpint (info.st_mode & 07777, ==, 0400);
  g_assert_cmpuint (lodge_own_file_measure (f->folder, "layers/good"), >, 0);
  g_assert_cmpuint (lodge_own_file_measure (f->folder, "elsewhere/outside"), ==, 0);
}

static void
test_remove (Fixture *f, gconstpointer data)
{
  g_autofree char *layers = g_build_filename (f->folder, "layers", NULL);
  g_autoptr (GError) error = NULL;

  /* The link goes, and not what it leads to; below a link nothing goes. */
  g_assert_true (lodge_own_file_remove (f->folder, "layers/link", &error));
  g_assert_false (lodge_own_file_remove (f->folder, "elsewhere/outside", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_true (lodge_own_file_remove (f->folder, "none/at/all", &error));
  g_assert_true (lodge_own_file_remove (f->folder, "layers", &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (layers, G_FILE_TEST_EXISTS));
}

static void
test_folders (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autoptr (GPtrArray) none = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (lodge_own_folder_make (f->folder, "snapshots", &error));
  g_assert_true (lodge_own_folder_make (f->folder, "snapshots", &error));
  g_assert_no_error (error);
  g_assert_false (lodge_own_folder_make (f->folder, "elsewhere", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (lodge_own_folder_make (f->folder, "elsewhere/new", &error));
  g_clear_error (&error);
  names = lodge_own_folder_list (f->folder, "layers", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (names->len, ==, 2);
  /* A link leads elsewhere: that is not an empty folder. */
  g_assert_null (lodge_own_folder_list (f->folder, "elsewhere", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  none = lodge_own_folder_list (f->folder, "nowhere", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (none->len, ==, 0);
}

static void
test_link (Fixture *f, gconstpointer data)
{
  static const char *const bad[] = {"layers/link", "elsewhere/outside", "pipe",
                                    "layers",      "../outside",        "nothing"};
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (lodge_own_file_count_names (f->folder, "layers/good"), ==, 1);
  g_assert_true (lodge_own_file_link (f->folder, "layers/good", f->other, "shared", &error));
  g_assert_no_error (error);
  g_assert_cmpuint (lodge_own_file_count_names (f->folder, "layers/good"), ==, 2);
  g_assert_cmpuint (lodge_own_file_count_names (f->other, "shared"), ==, 2);
  g_assert_false (lodge_own_file_link (f->folder, "layers/good", f->other, "shared", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_false (lodge_own_file_link (f->folder, "layers/good", f->folder, "elsewhere/x", &error));
  g_clear_error (&error);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_assert_false (lodge_own_file_link (f->folder, bad[i], f->other, "new", &error));
    g_assert_nonnull (error);
    g_clear_error (&error);
    g_assert_cmpuint (lodge_own_file_count_names (f->folder, bad[i]), ==, 0);
  }
  g_assert_cmpuint (lodge_own_file_count_names (f->other, "outside"), ==, 1);
  g_assert_true (lodge_own_file_remove (f->folder, "layers/good", &error));
  g_assert_cmpuint (lodge_own_file_count_names (f->other, "shared"), ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/own-file/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("open", test_open);
  ADD ("mode", test_mode);
  ADD ("remove", test_remove);
  ADD ("folders", test_folders);
  ADD ("link", test_link);
  return g_test_run ();
}
