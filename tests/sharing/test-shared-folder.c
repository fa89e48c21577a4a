/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which folders may be shared, and the process as the engine has it: contained, found again, ended.
 * This program is the QEMU. */
#include "lodge-error.h"
#include "share-guest.h"
#include "sharing/lodge-shared-folder.h"
#include "test-folder.h"
#include "test-wait.h"
#include "test-walls.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The user's folders are below it. */
static char *home_top;

typedef struct {
  ShareGuest guest;
  char *machine; /* top/machine: folder and runtime folder */
  char *secret;  /* in it */
  int listener;
  LodgeSharedFolder *share;
  gboolean closed;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  g_autofree char *socket_path = NULL;

  share_guest_set_up (&self->guest);
  self->machine = g_build_filename (self->guest.top, "machine", NULL);
  self->secret = g_build_filename (self->machine, "machine.ini", NULL);
  g_assert_cmpint (g_mkdir (self->machine, 0700), ==, 0);
  g_assert_true (g_file_set_contents (self->secret, "secret", -1, NULL));
  socket_path = g_build_filename (self->machine, LODGE_SHARED_FOLDER_SOCKET, NULL);
  g_strlcpy (address.sun_path, socket_path, sizeof address.sun_path);
  self->listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (self->listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (self->listener, 1), ==, 0);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  if (self->share != NULL) {
    lodge_shared_folder_stop (self->share);
    test_wait_until (self->closed);
  }
  g_clear_object (&self->share);
  close (self->listener);
  share_guest_tear_down (&self->guest);
  g_free (self->machine);
  g_free (self->secret);
}

static void
closed_cb (LodgeSharedFolder *share, Fixture *self)
{
  self->closed = TRUE;
}

static void
take (Fixture *self, LodgeSharedFolder *share)
{
  self->share = share;
  self->closed = FALSE;
  g_signal_connect (share, "closed", G_CALLBACK (closed_cb), self);
}

static LodgeSharedFolder *
try_start (Fixture *self, const char *path, gboolean writable, GPid qemu, GError **error)
{
  return lodge_shared_folder_start (path, writable, self->machine, qemu, self->machine,
                                    "lodge-share-test.scope", error);
}

static void
start (Fixture *self, gboolean writable)
{
  g_autoptr (GError) error = NULL;
  LodgeSharedFolder *share = try_start (self, self->guest.folder, writable, getpid (), &error);

  g_assert_no_error (error);
  take (self, share);
  if (self->guest.wire >= 0)
    close (self->guest.wire);
  self->guest.wire = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (self->guest.wire, >=, 0);
}

static void
assert_works (Fixture *self)
{
  g_autofree char *text = NULL;

  g_assert_cmpuint (share_guest_ask (&self->guest, "GET", "/a.txt", NULL, NULL, &text), ==, 200);
  g_assert_cmpstr (text, ==, "alpha");
}

static void
assert_refused (const char *path, GError **error)
{
  g_autofree char *real = lodge_shared_folder_check (path, FALSE, error);

  if (real != NULL)
    g_error ("%s may be shared", path);
}

static void
test_check (Fixture *self, gconstpointer data)
{
  g_autofree char *link = g_build_filename (self->guest.top, "link", NULL);
  g_autofree char *file = g_build_filename (self->guest.folder, "a.txt", NULL);
  g_autofree char *none = g_build_filename (self->guest.top, "none", NULL);
  g_autofree char *home = g_build_filename (home_top, "home", NULL);
  g_autofree char *good = g_build_filename (home, "Public", NULL);
  g_autofree char *ssh = g_build_filename (home, ".ssh", NULL);
  g_autofree char *deep = g_build_filename (home, ".local", "share", "x", NULL);
  g_autofree char *config = g_build_filename (home_top, "settings", NULL);
  g_autofree char *in_config = g_build_filename (config, "deep", NULL);
  g_autofree char *to_ssh = g_build_filename (home, "keys", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *real = NULL;
  g_autofree char *through = NULL;
  g_autofree char *in_home = NULL;
  const char *folders[] = {good, ssh, deep, in_config};

  real = lodge_shared_folder_check (self->guest.folder, FALSE, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (real, ==, self->guest.folder);
  g_assert_cmpint (symlink ("share", link), ==, 0);
  through = lodge_shared_folder_check (link, FALSE, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (through, ==, self->guest.folder);

  assert_refused (none, &error);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, none));
  g_clear_error (&error);
  assert_refused (file, &error);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "not a folder"));
  g_clear_error (&error);

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    g_assert_cmpint (g_mkdir_with_parents (folders[i], 0700), ==, 0);
  g_assert_cmpint (symlink (".ssh", to_ssh), ==, 0);
  in_home = lodge_shared_folder_check (good, FALSE, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (in_home, ==, good);
  {
    const char *const refused[] = {"/",
                                   home,
                                   home_top,
                                   ssh,
                                   deep,
                                   config,
                                   in_config,
                                   to_ssh,
                                   "/usr",
                                   "/etc",
                                   "/proc",
                                   "/dev",
                                   g_get_user_runtime_dir ()};

    for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
      assert_refused (refused[i], &error);
      g_assert_nonnull (strstr (error->message, "cannot be shared: "));
      g_clear_error (&error);
    }
  }
}

/* Whoever may write there has programs run on this computer. */
static void
test_programs (Fixture *self, gconstpointer data)
{
  g_autofree char *home = g_build_filename (home_top, "home", NULL);
  g_autofree char *work = g_build_filename (home, "work", NULL);
  g_autofree char *tools = g_build_filename (work, "tools", NULL);
  g_autofree char *beside = g_build_filename (home, "binaries", NULL);
  g_autofree char *old = g_strdup (g_getenv ("PATH"));
  g_autofree char *with_tools = g_strconcat (tools, ":relative::", old, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *fine = NULL;
  const char *const dangers[] = {"bin",  "bin/deep",  "snap", "snap/app/common",
                                 "work", "work/tools"};

  g_assert_cmpint (g_mkdir_with_parents (tools, 0700), ==, 0);
  g_setenv ("PATH", with_tools, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (dangers); i++) {
    g_autofree char *path = g_build_filename (home, dangers[i], NULL);
    g_autofree char *read_only = NULL;
    g_autofree char *writable = NULL;

    g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
    read_only = lodge_shared_folder_check (path, FALSE, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (read_only, ==, path);
    writable = lodge_shared_folder_check (path, TRUE, &error);
    if (writable != NULL)
      g_error ("%s may be shared to be written", path);
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, "programs are started from there"));
    g_clear_error (&error);
  }
  g_setenv ("PATH", old, TRUE);
  g_assert_cmpint (g_mkdir_with_parents (beside, 0700), ==, 0);
  fine = lodge_shared_folder_check (beside, TRUE, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fine, ==, beside);
}

/* Between the check and the walls another folder takes the place: it is not shared. The walls'
 * program is one that does that first. */
static void
test_exchanged (Fixture *self, gconstpointer data)
{
  g_autofree char *walls = g_find_program_in_path ("bwrap");
  g_autofree char *bin = g_build_filename (self->guest.top, "bin", NULL);
  g_autofree char *fake = g_build_filename (bin, "bwrap", NULL);
  g_autofree char *old = g_strdup (g_getenv ("PATH"));
  g_autofree char *path = g_strconcat (bin, ":", old, NULL);
  g_autofree char *script = NULL;
  g_autoptr (GError) error = NULL;
  LodgeSharedFolder *share;
  char byte;

  if (test_walls_skip ())
    return;
  script = g_strdup_printf ("#!/bin/sh\nmv '%s' '%s.old'\nln -s '%s' '%s'\nexec %s \"$@\"\n",
                            self->guest.folder, self->guest.folder, self->guest.outside,
                            self->guest.folder, walls);
  g_assert_cmpint (g_mkdir (bin, 0700), ==, 0);
  g_assert_true (
      g_file_set_contents_full (fake, script, -1, G_FILE_SET_CONTENTS_NONE, 0700, &error));
  g_setenv ("PATH", path, TRUE);
  share = try_start (self, self->guest.folder, FALSE, getpid (), &error);
  g_setenv ("PATH", old, TRUE);
  g_assert_no_error (error);
  take (self, share);
  self->guest.wire = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC);
  test_wait_until (self->closed);
  g_clear_object (&self->share);
  g_assert_true (g_file_test (self->guest.folder, G_FILE_TEST_IS_SYMLINK));
  g_assert_cmpint (recv (self->guest.wire, &byte, 1, 0), ==, 0);
}

static guint
count_names (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* What the process sees: the folder, and of what lies beside it nothing. */
static void
test_walls (Fixture *self, gconstpointer data)
{
  g_autofree char *lock = g_build_filename (self->machine, "share.lock", NULL);
  struct flock info = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int fd;

  if (test_walls_skip ())
    return;
  start (self, TRUE);
  assert_works (self);
  fd = open (lock, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (fcntl (fd, F_GETLK, &info), ==, 0);
  close (fd);
  g_assert_cmpint (info.l_type, ==, F_WRLCK);

  {
    const char *const hidden[] = {"/etc/passwd", self->secret,     self->guest.outside,
                                  "/root",       "/home",          "/run",
                                  "/var",        g_get_home_dir ()};
    g_autofree char *root = g_strdup_printf ("/proc/%d/root", (int) info.l_pid);
    g_autofree char *exe = g_strdup_printf ("/proc/%d/exe", (int) info.l_pid);
    g_autofree char *mine = g_strconcat (root, self->guest.folder, "/a.txt", NULL);
    g_autofree char *program = g_file_read_link (exe, NULL);
    g_autofree char *net = g_strdup_printf ("/proc/%d/net/dev", (int) info.l_pid);
    g_autofree char *devices = NULL;
    guint lines = 0;

    if (access (root, X_OK) == 0) {
      g_assert_true (g_file_test (mine, G_FILE_TEST_EXISTS));
      for (guint i = 0; i < G_N_ELEMENTS (hidden); i++) {
        g_autofree char *path = g_strconcat (root, hidden[i], NULL);
        /* The ways to the folder and to the program, where it was built, are there; and nothing on
         * them but the next step. */
        const guint ways = g_str_has_prefix (self->guest.folder, hidden[i]) +
                           g_str_has_prefix (program, hidden[i]);

        if (g_file_test (path, G_FILE_TEST_EXISTS) && (ways == 0 || count_names (path) > ways))
          g_error ("%s is seen", hidden[i]);
      }
    }
    g_assert_true (g_file_get_contents (net, &devices, NULL, NULL));
    for (const char *at = devices; (at = strchr (at, ':')) != NULL; at++)
      lines++;
    /* lo, which is its own and down. */
    g_assert_cmpuint (lines, ==, 1);
  }
}

/* Read-only is the kernel's word, whatever the program does. */
static void
test_mounted (Fixture *self, gconstpointer data)
{
  if (test_walls_skip ())
    return;
  for (guint writable = 0; writable < 2; writable++) {
    g_autofree char *lock = g_build_filename (self->machine, "share.lock", NULL);
    g_autofree char *mounts_path = NULL;
    g_autofree char *mounts = NULL;
    g_autofree char *line = g_strdup_printf (" %s ", self->guest.folder);
    struct flock info = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const char *found;
    int fd;

    start (self, (gboolean) writable);
    assert_works (self);
    fd = open (lock, O_RDWR | O_CLOEXEC);
    g_assert_cmpint (fcntl (fd, F_GETLK, &info), ==, 0);
    close (fd);
    mounts_path = g_strdup_printf ("/proc/%d/mounts", (int) info.l_pid);
    g_assert_true (g_file_get_contents (mounts_path, &mounts, NULL, NULL));
    found = strstr (mounts, line);
    g_assert_nonnull (found);
    found = strchr (found + strlen (line), ' ') + 1;
    g_assert_true (g_str_has_prefix (found, writable ? "rw," : "ro,"));

    g_assert_cmpuint (share_guest_ask (&self->guest, "PUT", "/new.txt", NULL, "new", NULL), ==,
                      writable ? 201 : 403);
    lodge_shared_folder_stop (self->share);
    test_wait_until (self->closed);
    g_clear_object (&self->share);
  }
}

static void
test_find (Fixture *self, gconstpointer data)
{
  LodgeSharedFolder *found;

  if (test_walls_skip ())
    return;
  g_assert_null (lodge_shared_folder_find (self->machine));
  start (self, TRUE);
  assert_works (self);
  g_assert_true (lodge_shared_folder_is (self->share, self->guest.folder, TRUE, FALSE));
  g_assert_false (lodge_shared_folder_is (self->share, self->guest.folder, FALSE, FALSE));
  g_assert_false (lodge_shared_folder_is (self->share, "/other", TRUE, FALSE));

  /* The engine goes, another comes. */
  g_signal_handlers_disconnect_by_data (self->share, self);
  g_clear_object (&self->share);
  found = lodge_shared_folder_find (self->machine);
  g_assert_nonnull (found);
  g_assert_true (lodge_shared_folder_is (found, self->guest.folder, TRUE, FALSE));
  take (self, found);
  assert_works (self);

  lodge_shared_folder_stop (self->share);
  test_wait_until (self->closed);
  g_clear_object (&self->share);
  g_assert_null (lodge_shared_folder_find (self->machine));
}

/* It goes when QEMU does, and at once another can come. */
static void
test_end (Fixture *self, gconstpointer data)
{
  if (test_walls_skip ())
    return;
  start (self, FALSE);
  assert_works (self);
  close (self->guest.wire);
  self->guest.wire = -1;
  test_wait_until (self->closed);
  g_clear_object (&self->share);
  start (self, FALSE);
  assert_works (self);
}

static void
test_refused (Fixture *self, gconstpointer data)
{
  g_autofree char *socket_path = g_build_filename (self->machine, LODGE_SHARED_FOLDER_SOCKET, NULL);
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_autoptr (GError) error = NULL;

  /* Somebody else listens there. */
  g_assert_null (try_start (self, self->guest.folder, FALSE, getppid (), &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_null (try_start (self, "/", FALSE, getpid (), &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  /* No bubblewrap, no sharing. */
  g_setenv ("PATH", self->guest.outside, TRUE);
  g_assert_null (try_start (self, self->guest.folder, FALSE, getpid (), &error));
  g_setenv ("PATH", path, TRUE);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "bubblewrap"));
  g_clear_error (&error);
  g_unlink (socket_path);
  g_assert_null (try_start (self, self->guest.folder, FALSE, getpid (), &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
}

/* Where its text cannot be written, what the last one wrote stays. */
static void
test_full (Fixture *self, gconstpointer data)
{
  g_autofree char *lock = g_build_filename (self->machine, "share.lock", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  struct rlimit before, none;

  g_assert_true (g_file_set_contents (lock, "writable\n/before", -1, NULL));
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  none = (struct rlimit){0, before.rlim_max};
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &none), ==, 0);
  g_assert_null (try_start (self, self->guest.folder, FALSE, getpid (), &error));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);
  g_assert_true (g_file_get_contents (lock, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "writable\n/before");
}

int
main (int argc, char **argv)
{
  g_autofree char *made = g_dir_make_tmp ("lodge-home-XXXXXX", NULL);
  char *real = realpath (made, NULL);
  int result;

  home_top = real;
  {
    static const char *const variables[][2] = {{"HOME", "home"},
                                               {"XDG_CONFIG_HOME", "settings"},
                                               {"XDG_DATA_HOME", "data"},
                                               {"XDG_RUNTIME_DIR", "run"}};

    for (guint i = 0; i < G_N_ELEMENTS (variables); i++) {
      g_autofree char *path = g_build_filename (home_top, variables[i][1], NULL);

      g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
      g_setenv (variables[i][0], path, TRUE);
    }
  }
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/sharing/folder/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("check", test_check);
  ADD ("programs", test_programs);
  ADD ("exchanged", test_exchanged);
  ADD ("walls", test_walls);
  ADD ("mounted", test_mounted);
  ADD ("find", test_find);
  ADD ("end", test_end);
  ADD ("refused", test_refused);
  ADD ("full", test_full);
  result = g_test_run ();
  test_folder_remove (home_top);
  free (real);
  return result;
}
