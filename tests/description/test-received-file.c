/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that come out of a guest: what they are called, that they replace nothing, and that nothing
 * half-made stays. */
#include "description/lodge-received-file.h"

#include "description/lodge-unfinished.h"
#include "lodge-error.h"
#include "test-folder.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  char *data;   /* the engine's own */
  char *folder; /* the user's */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->data = g_dir_make_tmp ("lodge-data-XXXXXX", NULL);
  f->folder = g_dir_make_tmp ("lodge-received-XXXXXX", NULL);
}

static guint
count (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  /* Nobody looks for anything any more. */
  g_assert_cmpuint (count (f->data), ==, 0);
  test_folder_remove (f->data);
  test_folder_remove (f->folder);
  g_free (f->data);
  g_free (f->folder);
}

static void
test_names (void)
{
  static const struct {
    const char *path;
    const char *name; /* NULL: refused */
  } rows[] = {
      {"/etc/hostname", "hostname"},
      {"/home/eva/Übung 1.txt", "Übung 1.txt"},
      {"/home/eva/.bashrc", ".bashrc"},
      {"/home/eva/...", "..."},
      {"C:\\Users\\Eva\\a b.docx", "a b.docx"},
      {"c:/Users/Eva/x", "x"},
      {"\\\\server\\share\\y", "y"},
      {"/mixed\\up/z", "z"},
      {"/back\\..", NULL},
      {"/", NULL},
      {"/etc/", NULL},
      {"C:\\", NULL},
      {"/etc/.", NULL},
      {"/etc/..", NULL},
      {"", NULL},
      {"etc/hostname", NULL},
      {"~/x", NULL},
      {"../x", NULL},
      {"C:x", NULL},
      {"\\x", NULL},
      {"file:///etc/hostname", NULL},
      {"/a/line\nbreak", NULL},
      {"/a/\033[31mred", NULL},
      {"/a/\xe2\x80\xae"
       "txt.exe",
       NULL},
      {"/a/\xff", NULL},
  };
  g_autofree char *longest = g_strnfill (NAME_MAX, 'n');
  g_autofree char *fits = g_strconcat ("/a/", longest, NULL);
  g_autofree char *too_long = g_strconcat ("/a/n", longest, NULL);
  g_autofree char *deep = g_strnfill (5000, '/');
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) why = NULL;
    g_autofree char *got = lodge_received_file_dup_name (rows[i].path, &why);

    g_assert_cmpstr (got, ==, rows[i].name);
    if (rows[i].name != NULL)
      continue;
    g_assert_error (why, LODGE_ERROR, LODGE_ERROR_INVALID);
    /* Whoever shows it is not told to do anything by it. */
    for (const char *c = why->message; *c != '\0'; c = g_utf8_next_char (c))
      g_assert_false (g_unichar_iscntrl (g_utf8_get_char (c)));
    g_assert_true (g_utf8_validate (why->message, -1, NULL));
  }
  name = lodge_received_file_dup_name (fits, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (name, ==, longest);
  g_assert_null (lodge_received_file_dup_name (too_long, NULL));
  g_assert_null (lodge_received_file_dup_name (deep, &error));
  g_assert_cmpuint (strlen (error->message), <, 600);
}

static void
test_numbers (void)
{
  static const struct {
    const char *name;
    const char *numbered;
  } rows[] = {
      {"a.txt", "a (2).txt"},     {"a", "a (2)"},
      {".bashrc", ".bashrc (2)"}, {"a.tar.gz", "a (2).tar.gz"},
      {".tar.gz", ".tar (2).gz"}, {"x.y", "x (2).y"},
  };
  g_autoptr (GString) wide = g_string_new (NULL);
  g_autofree char *longest = g_strnfill (NAME_MAX, 'n');
  g_autofree char *dotted = g_strnfill (NAME_MAX, 'n');

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *got = lodge_received_file_dup_numbered (rows[i].name, 2);

    g_assert_cmpstr (got, ==, rows[i].numbered);
  }
  /* As long as may be, however long it was, and whole characters. */
  while (wide->len + 3 <= NAME_MAX)
    g_string_append (wide, "\xe2\x82\xac");
  dotted[1] = '.';
  for (guint number = 2; number <= 1000; number += 499) {
    g_autofree char *a = lodge_received_file_dup_numbered (longest, number);
    g_autofree char *b = lodge_received_file_dup_numbered (wide->str, number);
    g_autofree char *c = lodge_received_file_dup_numbered (dotted, number);

    g_assert_cmpuint (strlen (a), ==, NAME_MAX);
    g_assert_cmpuint (strlen (b), <=, NAME_MAX);
    g_assert_true (g_utf8_validate (b, -1, NULL));
    g_assert_cmpuint (strlen (c), ==, NAME_MAX);
    g_assert_true (g_str_has_suffix (c, ")"));
  }
}

static void
put (LodgeReceivedFile *file, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;

  g_assert_true (lodge_received_file_write (file, bytes, &error));
  g_assert_no_error (error);
}

static void
expect (const char *path, const char *text)
{
  g_autofree char *got = NULL;

  g_assert_true (g_file_get_contents (path, &got, NULL, NULL));
  g_assert_cmpstr (got, ==, text);
}

static LodgeReceivedFile *
begin (Fixture *f, const char *folder, const char *name, guint64 size, GError **error)
{
  const int fd = lodge_received_file_open_folder (f->data, folder, error);
  LodgeReceivedFile *file;

  if (fd < 0)
    return NULL;
  file = lodge_received_file_begin (f->data, fd, folder, name, size, error);
  close (fd);
  return file;
}

static char *
receive (Fixture *f, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeReceivedFile) file = begin (f, f->folder, name, strlen (text), &error);
  char *path;

  g_assert_no_error (error);
  put (file, text);
  path = lodge_received_file_commit (file, &error);
  g_assert_no_error (error);
  return path;
}

static void
test_whole (Fixture *f, gconstpointer data)
{
  g_autofree char *there = g_build_filename (f->folder, "a.txt", NULL);
  g_autofree char *link = g_build_filename (f->folder, "a (2).txt", NULL);
  struct stat info;

  /* What is there stays, a link that leads nowhere included. */
  g_assert_true (g_file_set_contents (there, "mine", -1, NULL));
  g_assert_no_errno (symlink ("nowhere", link));
  g_autofree char *path = receive (f, "a.txt", "theirs");
  g_assert_true (g_str_has_suffix (path, "/a (3).txt"));
  expect (path, "theirs");
  expect (there, "mine");
  g_assert_no_errno (lstat (link, &info));
  g_assert_true (S_ISLNK (info.st_mode));
  /* Nobody else's, and no program. */
  g_assert_no_errno (stat (path, &info));
  g_assert_cmpuint (info.st_mode & 07777, ==, 0600);
  g_autofree char *empty = receive (f, "empty", "");
  expect (empty, "");
  g_assert_cmpuint (count (f->folder), ==, 4);
}

static void
test_half (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeReceivedFile) file = begin (f, f->folder, "b", 0, NULL);
  g_autoptr (GDir) dir = NULL;

  g_assert_nonnull (file);
  put (file, "half");
  /* It is hidden meanwhile. */
  dir = g_dir_open (f->folder, 0, NULL);
  g_assert_cmpint (g_dir_read_name (dir)[0], ==, '.');
  g_clear_pointer (&file, lodge_received_file_free);
  g_assert_cmpuint (count (f->folder), ==, 0);
}

/* An engine that was killed has left one: the next removes it. */
static void
test_killed (Fixture *f, gconstpointer data)
{
  pid_t child = fork ();
  int status;

  if (child == 0) {
    LodgeReceivedFile *file = begin (f, f->folder, "c", 0, NULL);

    _exit (file != NULL ? 0 : 1);
  }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  g_assert_cmpuint (count (f->folder), ==, 1);
  lodge_unfinished_clean (f->data);
  g_assert_cmpuint (count (f->folder), ==, 0);
}

static void
refuse (Fixture *f, const char *folder, guint64 size, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (begin (f, folder, "d", size, &error));
  g_assert_error (error, LODGE_ERROR, code);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  g_autofree char *missing = g_build_filename (f->folder, "missing", NULL);
  g_autofree char *file = g_build_filename (f->folder, "file", NULL);
  struct statvfs info;
  guint64 room;

  g_assert_true (g_file_set_contents (file, "x", -1, NULL));
  refuse (f, missing, 0, LODGE_ERROR_NOT_FOUND);
  refuse (f, file, 0, LODGE_ERROR_NOT_FOUND);
  /* No disk has room for that. */
  refuse (f, f->folder, G_MAXUINT64, LODGE_ERROR_STORAGE);
  /* Others need a GiB of what there is. */
  g_assert_no_errno (statvfs (f->folder, &info));
  room = (guint64) info.f_bavail * info.f_frsize;
  refuse (f, f->folder, room - MIN (room, G_GUINT64_CONSTANT (512) << 20), LODGE_ERROR_STORAGE);
  if (getuid () != 0) {
    g_assert_no_errno (g_chmod (f->folder, 0500));
    refuse (f, f->folder, 0, LODGE_ERROR_DENIED);
    g_assert_no_errno (g_chmod (f->folder, 0700));
  }
  refuse (f, "/proc", 0, LODGE_ERROR_NOT_FOUND);
  g_assert_cmpuint (count (f->folder), ==, 1);
}

static gpointer
record_many (gpointer data)
{
  for (guint i = 0; i < 200; i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *record = lodge_unfinished_begin (data, "/nowhere/.x.new", &error);

    g_assert_no_error (error);
    lodge_unfinished_end (record);
  }
  return NULL;
}

/* The last record takes the folder along, which another is just about to be in. */
static void
test_records (Fixture *f, gconstpointer data)
{
  GThread *other = g_thread_new ("records", record_many, f->data);

  record_many (f->data);
  g_thread_join (other);
}

/* Whoever may write where the folder is lets its name lead to Lodge's own meanwhile. */
static void
test_swapped (Fixture *f, gconstpointer data)
{
  g_autofree char *link = g_build_filename (f->folder, "link", NULL);
  g_autofree char *mine = g_build_filename (f->folder, "mine", NULL);
  g_autofree char *inner = g_build_filename (f->data, "inner", NULL);
  g_autofree char *beside = g_strconcat (f->data, "-beside", NULL);
  g_autoptr (LodgeReceivedFile) file = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  int fd;

  g_assert_no_errno (g_mkdir (mine, 0700));
  g_assert_no_errno (g_mkdir (inner, 0700));
  g_assert_no_errno (symlink (mine, link));
  fd = lodge_received_file_open_folder (f->data, link, &error);
  g_assert_no_error (error);
  g_assert_no_errno (unlink (link));
  g_assert_no_errno (symlink (inner, link));
  file = lodge_received_file_begin (f->data, fd, link, "f", 0, &error);
  g_assert_no_error (error);
  put (file, "it");
  path = lodge_received_file_commit (file, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count (inner), ==, 0);
  g_assert_cmpuint (count (mine), ==, 1);
  g_clear_pointer (&file, lodge_received_file_free);
  close (fd);

  refuse (f, link, 0, LODGE_ERROR_INVALID);
  refuse (f, inner, 0, LODGE_ERROR_INVALID);
  refuse (f, f->data, 0, LODGE_ERROR_INVALID);
  g_assert_no_errno (g_rmdir (inner));
  /* It only looks as if it were in there. */
  g_assert_no_errno (g_mkdir (beside, 0700));
  fd = lodge_received_file_open_folder (f->data, beside, &error);
  g_assert_no_error (error);
  close (fd);
  g_assert_no_errno (g_rmdir (beside));
}

/* No file of this process may be larger than a disk's rest (setrlimit(2)). */
static void
test_full (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeReceivedFile) file = begin (f, f->folder, "e", 0, NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_take (g_malloc0 (100000), 100000);
  g_autoptr (GError) error = NULL;
  struct rlimit before, limit;

  g_assert_nonnull (file);
  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &before));
  limit = (struct rlimit){50000, before.rlim_max};
  signal (SIGXFSZ, SIG_IGN);
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &limit));
  g_assert_false (lodge_received_file_write (file, bytes, &error));
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &before));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);
  g_assert_nonnull (strstr (error->message, "/e"));
  g_clear_pointer (&file, lodge_received_file_free);
  g_assert_cmpuint (count (f->folder), ==, 0);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/received-file/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/received-file/names", test_names);
  g_test_add_func ("/received-file/numbers", test_numbers);
  ADD ("whole", test_whole);
  ADD ("half", test_half);
  ADD ("killed", test_killed);
  ADD ("refused", test_refused);
  ADD ("records", test_records);
  ADD ("swapped", test_swapped);
  ADD ("full", test_full);
  return g_test_run ();
}
