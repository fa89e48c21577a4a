/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folders of machines: made, found, locked, and removed without a step outside. */
#include "description/lodge-known-folder.h"
#include "description/lodge-store.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UUID "3a1c2a42-5f0d-4e0f-8a53-0d3f5b1b6a11"

typedef struct {
  char *data;     /* what the store is given */
  char *machines; /* below it */
  char *outside;  /* a folder that must stay as it is, with a file in it */
  char *treasure;
  LodgeStore *store;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *top = g_dir_make_tmp ("lodge-store-XXXXXX", &error);

  g_assert_no_error (error);
  fixture->data = g_build_filename (top, "data", NULL);
  fixture->machines = g_build_filename (fixture->data, "machines", NULL);
  fixture->outside = g_build_filename (top, "outside", NULL);
  fixture->treasure = g_build_filename (fixture->outside, "treasure", NULL);
  g_assert_cmpint (g_mkdir (fixture->outside, 0700), ==, 0);
  g_assert_true (g_file_set_contents (fixture->treasure, "gold", -1, NULL));
  fixture->store = lodge_store_open (fixture->data, &error);
  g_assert_no_error (error);
}

/* What is known of machines that a test removed behind the store's back. */
static void
remove_known (Fixture *fixture)
{
  g_autofree char *known = g_build_filename (fixture->data, "known", NULL);
  g_autoptr (GDir) folder = g_dir_open (known, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *path = g_build_filename (known, name, NULL);

    g_unlink (path);
  }
  g_rmdir (known);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  g_autofree char *top = g_path_get_dirname (fixture->data);

  lodge_store_unref (fixture->store);
  g_assert_true (g_file_test (fixture->treasure, G_FILE_TEST_IS_REGULAR));
  g_unlink (fixture->treasure);
  g_rmdir (fixture->outside);
  /* Whatever a test made is removed again by it. */
  g_assert_cmpint (g_rmdir (fixture->machines), ==, 0);
  remove_known (fixture);
  g_assert_cmpint (g_rmdir (fixture->data), ==, 0);
  g_rmdir (top);
  g_free (fixture->data);
  g_free (fixture->machines);
  g_free (fixture->outside);
  g_free (fixture->treasure);
}

/* Makes a machine and gives its UUID. */
static char *
make (Fixture *fixture, const char *name)
{
  g_autoptr (LodgeDescription) machine = lodge_description_new (name);
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *hidden = NULL;

  hidden = lodge_store_begin (fixture->store, machine->uuid, &error);
  g_assert_no_error (error);
  g_assert_nonnull (hidden);
  file = lodge_store_commit (fixture->store, machine, &error);
  g_assert_no_error (error);
  g_assert_nonnull (file);
  return g_strdup (machine->uuid);
}

static void delete (Fixture *fixture, const char *uuid)
{
  g_autoptr (GError) error = NULL;

  lodge_store_delete (fixture->store, uuid, &error);
  g_assert_no_error (error);
}

static char *
in_machine (Fixture *fixture, const char *uuid, const char *name)
{
  g_autofree char *folder = lodge_store_dup_folder (fixture->store, uuid);

  return g_build_filename (folder, name, NULL);
}

static guint
count_machines (Fixture *fixture)
{
  g_autoptr (GPtrArray) list = lodge_store_list (fixture->store);

  return list->len;
}

static void
test_life (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescription) machine = lodge_description_new ("web");
  g_autoptr (LodgeDescription) changed = NULL;
  g_autoptr (LodgeDescriptionFile) file = NULL;
  g_autoptr (LodgeDescriptionFile) again = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *hidden = NULL;
  g_autofree char *layers = NULL;
  g_autofree char *folder = lodge_store_dup_folder (fixture->store, machine->uuid);
  struct stat info;

  hidden = lodge_store_begin (fixture->store, machine->uuid, &error);
  g_assert_no_error (error);
  g_assert_true (g_path_is_absolute (hidden));
  layers = g_build_filename (hidden, "layers", NULL);
  g_assert_cmpint (g_stat (layers, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0700);
  g_assert_cmpint (g_stat (hidden, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0700);
  g_assert_cmpuint (count_machines (fixture), ==, 0);

  file = lodge_store_commit (fixture->store, machine, &error);
  g_assert_no_error (error);
  g_assert_false (g_file_test (hidden, G_FILE_TEST_EXISTS));
  list = lodge_store_list (fixture->store);
  g_assert_cmpuint (list->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (list, 0), ==, machine->uuid);

  /* The file has moved along: a save goes to the new place. */
  changed = lodge_description_copy (lodge_description_file_get (file));
  g_assert_true (lodge_description_set (changed, "machine.cpus", "6", NULL));
  g_assert_true (lodge_description_file_save (file, changed, &error));
  again = lodge_store_load (fixture->store, machine->uuid, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (lodge_description_file_get (again)->cpus, ==, 6);

  delete (fixture, machine->uuid);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (count_machines (fixture), ==, 0);
  g_assert_false (lodge_store_delete (fixture->store, machine->uuid, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
}

static void
test_list_is_sorted_and_strict (Fixture *fixture, gconstpointer data)
{
  char *uuids[3] = {NULL};
  g_autofree char *file = g_build_filename (fixture->machines, UUID, NULL);
  g_autofree char *other = g_build_filename (fixture->machines, "notes", NULL);
  g_autofree char *ini = NULL;
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 3; i++)
    uuids[i] = make (fixture, "web");
  g_assert_cmpint (g_mkdir (other, 0700), ==, 0);
  /* A link to a folder is not a machine: the store keeps to its own. */
  g_assert_cmpint (symlink (fixture->outside, file), ==, 0);
  ini = in_machine (fixture, uuids[0], "machine.ini");
  g_unlink (ini);

  list = lodge_store_list (fixture->store);
  g_assert_cmpuint (list->len, ==, 3);
  for (guint i = 1; i < 3; i++)
    g_assert_cmpstr (g_ptr_array_index (list, i - 1), <, g_ptr_array_index (list, i));

  g_assert_null (lodge_store_load (fixture->store, uuids[0], &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (lodge_store_load (fixture->store, UUID, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);

  g_rmdir (other);
  g_unlink (file);
  for (guint i = 0; i < 3; i++) {
    delete (fixture, uuids[i]);
    g_free (uuids[i]);
  }
}

static void
test_copied_folder (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = make (fixture, "web");
  g_autofree char *from = lodge_store_dup_folder (fixture->store, uuid);
  g_autofree char *to = lodge_store_dup_folder (fixture->store, UUID);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_rename (from, to), ==, 0);
  g_assert_null (lodge_store_load (fixture->store, UUID, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, uuid));
  g_assert_nonnull (strstr (error->message, UUID));
  delete (fixture, UUID);
}

/* A machine's folder is known while it is that very folder. */
static void
test_known (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = make (fixture, "one");
  g_autofree char *folder = lodge_store_dup_folder (fixture->store, uuid);
  g_autofree char *elsewhere = g_build_filename (fixture->machines, "elsewhere", NULL);
  const char *const lines[] = {"one=a b", "two=", NULL};
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) none = NULL;
  g_auto (GStrv) held = NULL;

  g_assert_true (lodge_known_folder_check (folder, &none));
  g_assert_cmpuint (g_strv_length (none), ==, 0);
  g_assert_true (lodge_known_folder_set (folder, lines, &error));
  g_assert_no_error (error);
  g_assert_true (lodge_known_folder_check (folder, &held));
  g_assert_true (g_strv_equal ((const char *const *) held, lines));

  /* Another one at its place, while the first is there still: their numbers differ. */
  g_clear_pointer (&held, g_strfreev);
  g_assert_cmpint (g_rename (folder, elsewhere), ==, 0);
  g_assert_false (lodge_known_folder_check (folder, &held));
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_assert_false (lodge_known_folder_check (folder, &held));
  g_assert_null (held);
  g_assert_cmpint (g_rmdir (folder), ==, 0);

  g_assert_cmpint (g_rename (elsewhere, folder), ==, 0);
  g_assert_true (lodge_known_folder_check (folder, &held));
  delete (fixture, uuid);
  g_assert_false (lodge_known_folder_set (folder, NULL, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
}

static void
test_bad_uuids (Fixture *fixture, gconstpointer data)
{
  static const char *const bad[] = {"", ".", "..", "../outside", "/etc", "web", UUID "/.."};

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (lodge_store_begin (fixture->store, bad[i], &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_clear_error (&error);
    g_assert_null (lodge_store_load (fixture->store, bad[i], &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_clear_error (&error);
    g_assert_false (lodge_store_delete (fixture->store, bad[i], &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_clear_error (&error);
    g_assert_cmpint (lodge_store_lock (fixture->store, bad[i], &error), ==, -1);
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    lodge_store_abort (fixture->store, bad[i]);
  }
}

static void
test_begin_twice (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescription) machine = lodge_description_new ("web");
  g_autofree char *hidden = lodge_store_begin (fixture->store, machine->uuid, NULL);
  g_autofree char *layer = g_build_filename (hidden, "layers", "disk0-l0.qcow2", NULL);
  g_autofree char *uuid = make (fixture, "other");
  g_autofree char *taken = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (lodge_store_begin (fixture->store, machine->uuid, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_null (lodge_store_begin (fixture->store, uuid, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  g_clear_error (&error);

  /* Not over what has come meanwhile, be it an empty folder. */
  taken = lodge_store_dup_folder (fixture->store, machine->uuid);
  g_assert_cmpint (g_mkdir (taken, 0700), ==, 0);
  g_assert_null (lodge_store_commit (fixture->store, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  g_clear_error (&error);
  g_rmdir (taken);

  g_assert_true (g_file_set_contents (layer, "data", -1, NULL));
  lodge_store_abort (fixture->store, machine->uuid);
  g_assert_false (g_file_test (hidden, G_FILE_TEST_EXISTS));
  g_assert_null (lodge_store_commit (fixture->store, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  delete (fixture, uuid);
}

static void
test_commit_on_full_disk (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeDescription) machine = lodge_description_new ("web");
  g_autofree char *hidden = lodge_store_begin (fixture->store, machine->uuid, NULL);
  g_autoptr (GError) error = NULL;
  struct rlimit before, tiny;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  tiny = before;
  tiny.rlim_cur = 64;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tiny), ==, 0);
  g_assert_null (lodge_store_commit (fixture->store, machine, &error));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);
  g_assert_cmpuint (count_machines (fixture), ==, 0);
  lodge_store_abort (fixture->store, machine->uuid);
  g_assert_false (g_file_test (hidden, G_FILE_TEST_EXISTS));
}

/* A hostile folder: links to files and folders outside, pipes, read-only files, a deep tree. */
static void
test_delete_stays_inside (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = make (fixture, "web");
  g_autofree char *link = in_machine (fixture, uuid, "link");
  g_autofree char *folder_link = in_machine (fixture, uuid, "layers/folder");
  g_autofree char *up = in_machine (fixture, uuid, "layers/up");
  g_autofree char *pipe = in_machine (fixture, uuid, "pipe");
  g_autofree char *frozen = in_machine (fixture, uuid, "layers/frozen");
  g_autofree char *deep = in_machine (fixture, uuid, "d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d");
  g_autofree char *folder = lodge_store_dup_folder (fixture->store, uuid);

  g_assert_cmpint (symlink (fixture->treasure, link), ==, 0);
  g_assert_cmpint (symlink (fixture->outside, folder_link), ==, 0);
  g_assert_cmpint (symlink ("../../..", up), ==, 0);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  g_assert_true (g_file_set_contents (frozen, "x", -1, NULL));
  g_assert_cmpint (g_chmod (frozen, 0400), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (deep, 0700), ==, 0);
  delete (fixture, uuid);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));

  /* The machine's folder itself is a link. */
  g_assert_cmpint (symlink (fixture->outside, folder), ==, 0);
  delete (fixture, uuid);
  g_assert_false (g_file_test (folder, G_FILE_TEST_IS_SYMLINK));
}

static void
test_delete_too_deep (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = make (fixture, "web");
  g_autoptr (GString) path = g_string_new (NULL);
  g_autofree char *start = lodge_store_dup_folder (fixture->store, uuid);
  g_autoptr (GError) error = NULL;

  g_string_assign (path, start);
  for (guint i = 0; i < 100; i++)
    g_string_append (path, "/d");
  g_assert_cmpint (g_mkdir_with_parents (path->str, 0700), ==, 0);
  g_assert_false (lodge_store_delete (fixture->store, uuid, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  /* Refused before anything was removed. */
  lodge_description_file_free (lodge_store_load (fixture->store, uuid, &error));
  g_clear_error (&error);
  for (guint i = 0; i < 60; i++) {
    g_rmdir (path->str);
    g_string_truncate (path, path->len - 2);
  }
  delete (fixture, uuid);
}

/* In a mount namespace of its own; the file system mounted is the one that is there already, which
 * has the same device number. */
static void
test_delete_keeps_mounts (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = make (fixture, "web");
  g_autofree char *mounted = in_machine (fixture, uuid, "layers/mounted");
  g_autofree char *ini = in_machine (fixture, uuid, "machine.ini");
  int status;
  pid_t child;

  g_assert_cmpint (g_mkdir (mounted, 0700), ==, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0) {
    g_autoptr (GError) error = NULL;
    LodgeStore *store;

    if (unshare (CLONE_NEWNS) != 0 && unshare (CLONE_NEWUSER | CLONE_NEWNS) != 0)
      _exit (77);
    if (mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount (fixture->outside, mounted, NULL, MS_BIND, NULL) != 0)
      _exit (77);
    store = lodge_store_open (fixture->data, NULL);
    if (store == NULL || lodge_store_delete (store, uuid, &error) ||
        !g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STATE) ||
        strstr (error->message, "mounted") == NULL)
      _exit (1);
    lodge_store_unref (store);
    _exit (0);
  }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_true (g_file_test (ini, G_FILE_TEST_EXISTS));
  delete (fixture, uuid);
  if (WEXITSTATUS (status) == 77)
    g_test_skip ("nothing can be mounted here");
  else
    g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

static void
test_clean (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = make (fixture, "web");
  g_autofree char *half = lodge_store_begin (fixture->store, UUID, NULL);
  g_autofree char *gone = g_build_filename (fixture->machines, ".gone-" UUID, NULL);
  g_autofree char *gone_layer = g_build_filename (gone, "layers", NULL);
  g_autofree char *foreign = g_build_filename (fixture->machines, ".new-plans", NULL);
  g_autofree char *link =
      g_build_filename (fixture->machines, ".gone-4a1c2a42-5f0d-4e0f-8a53-0d3f5b1b6a11", NULL);

  g_assert_cmpint (g_mkdir_with_parents (gone_layer, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (foreign, 0700), ==, 0);
  g_assert_cmpint (symlink (fixture->outside, link), ==, 0);

  lodge_store_clean (fixture->store);
  g_assert_false (g_file_test (half, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (gone, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (link, G_FILE_TEST_IS_SYMLINK));
  g_assert_true (g_file_test (foreign, G_FILE_TEST_IS_DIR));
  g_assert_cmpuint (count_machines (fixture), ==, 1);

  g_rmdir (foreign);
  /* What an earlier removal left does not stand in the way of the next. */
  g_assert_cmpint (g_mkdir_with_parents (gone_layer, 0700), ==, 0);
  g_free (g_steal_pointer (&gone));
  gone = g_strconcat (fixture->machines, "/.gone-", uuid, NULL);
  g_assert_cmpint (g_mkdir (gone, 0700), ==, 0);
  delete (fixture, uuid);
  g_assert_false (g_file_test (gone, G_FILE_TEST_EXISTS));
  lodge_store_clean (fixture->store);
}

/* What an engine that was killed was writing in a machine's folder; not of one that runs. */
static void
test_clean_files (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = make (fixture, "web");
  g_autofree char *ini = in_machine (fixture, uuid, ".machine.ini.new");
  g_autofree char *layer = in_machine (fixture, uuid, "layers/.disk0-l0.qcow2.new");
  g_autofree char *other = in_machine (fixture, uuid, "notes.new");
  g_autofree char *folder = in_machine (fixture, uuid, ".folder.new");
  int lock = lodge_store_lock (fixture->store, uuid, NULL);

  g_assert_cmpint (lock, >=, 0);
  g_assert_true (g_file_set_contents (ini, "x", -1, NULL));
  g_assert_true (g_file_set_contents (layer, "x", -1, NULL));
  g_assert_true (g_file_set_contents (other, "x", -1, NULL));
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);

  lodge_store_clean (fixture->store);
  g_assert_true (g_file_test (ini, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (layer, G_FILE_TEST_EXISTS));
  close (lock);
  lodge_store_clean (fixture->store);
  g_assert_false (g_file_test (ini, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (layer, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (other, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (folder, G_FILE_TEST_IS_DIR));
  delete (fixture, uuid);
}

static void
test_lock (Fixture *fixture, gconstpointer data)
{
  g_autofree char *uuid = make (fixture, "web");
  g_autofree char *lock = in_machine (fixture, uuid, "lock");
  g_autoptr (GError) error = NULL;
  int fd = lodge_store_lock (fixture->store, uuid, &error);
  int pipes[2], status;
  pid_t child;
  char byte;

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, !=, 0);
  g_assert_cmpint (lodge_store_lock (fixture->store, uuid, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);

  /* It goes with the descriptor into another process, and is free when that was killed. */
  g_assert_cmpint (pipe (pipes), ==, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0) {
    close (pipes[0]);
    g_assert_cmpint (write (pipes[1], "x", 1), ==, 1);
    for (;;)
      pause ();
  }
  g_assert_cmpint (read (pipes[0], &byte, 1), ==, 1);
  close (pipes[0]);
  close (pipes[1]);
  close (fd);
  g_assert_cmpint (lodge_store_lock (fixture->store, uuid, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  kill (child, SIGKILL);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  fd = lodge_store_lock (fixture->store, uuid, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  close (fd);

  /* A link in its place would lock, and perhaps make, a file elsewhere. */
  g_unlink (lock);
  g_assert_cmpint (symlink (fixture->treasure, lock), ==, 0);
  g_assert_cmpint (lodge_store_lock (fixture->store, uuid, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_cmpint (lodge_store_lock (fixture->store, UUID, &error), ==, -1);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  delete (fixture, uuid);
}

static void
test_open_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  /* A file where the folder should be. */
  g_assert_null (lodge_store_open (fixture->treasure, &error));
  g_assert_nonnull (error);
  g_assert_true (error->domain == LODGE_ERROR);
  g_assert_nonnull (strstr (error->message, fixture->treasure));
  g_clear_error (&error);
  g_assert_null (lodge_store_open ("/proc", &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "/proc/machines"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/store/" name, Fixture, NULL, setup, function, teardown)
  ADD ("life", test_life);
  ADD ("list", test_list_is_sorted_and_strict);
  ADD ("copied-folder", test_copied_folder);
  ADD ("known", test_known);
  ADD ("bad-uuids", test_bad_uuids);
  ADD ("begin-twice", test_begin_twice);
  ADD ("commit-on-full-disk", test_commit_on_full_disk);
  ADD ("delete-stays-inside", test_delete_stays_inside);
  ADD ("delete-too-deep", test_delete_too_deep);
  ADD ("delete-keeps-mounts", test_delete_keeps_mounts);
  ADD ("clean", test_clean);
  ADD ("clean-files", test_clean_files);
  ADD ("lock", test_lock);
  ADD ("open-refused", test_open_refused);
  return g_test_run ();
}
