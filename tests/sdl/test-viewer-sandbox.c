/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer of a foreign server can no longer do, tried. Each test is a process of its own. */
#include "sdl/lodge-viewer-sandbox.h"

#include "test-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Names a folder with a "file" in it, outside of what the viewer needs. */
#define FOLDER "LODGE_TEST_FOLDER"

/* A call that has to fail with this. */
#define assert_fails(call, code)                                                                   \
  G_STMT_START                                                                                     \
  {                                                                                                \
    errno = 0;                                                                                     \
    g_assert_cmpint ((int) (call), ==, -1);                                                        \
    g_assert_cmpint (errno, ==, code);                                                             \
  }                                                                                                \
  G_STMT_END

static void
run (void (*test) (void))
{
  if (g_test_subprocess ()) {
    test ();
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
run_data (gconstpointer test)
{
  run ((void (*) (void)) test);
}

/* ---- the first step */

static void
test_begin (void)
{
  struct rlimit limit;

  lodge_viewer_sandbox_begin ();
  g_assert_cmpint (prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), ==, 1);
  g_assert_cmpint (getrlimit (RLIMIT_CORE, &limit), ==, 0);
  g_assert_cmpuint (limit.rlim_max, ==, 0);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_cmpuint (limit.rlim_max, <=, 256 * 1024 * 1024);
  g_autoptr (GError) error = NULL;
  g_assert_null (g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, &error));
  g_assert_nonnull (error);
}

static void
test_files (void)
{
  const char *folder = g_getenv (FOLDER);
  g_autofree char *path = g_build_filename (folder, "file", NULL);

  if (!lodge_viewer_sandbox_begin ()) {
    g_test_skip ("this kernel has no Landlock");
    return;
  }
  assert_fails (open (path, O_RDONLY), EACCES);
  assert_fails (open (path, O_WRONLY), EACCES);
  assert_fails (open (folder, O_RDONLY | O_DIRECTORY), EACCES);
  assert_fails (unlink (path), EACCES);
  g_autofree char *other = g_build_filename (folder, "other", NULL);
  assert_fails (open (other, O_WRONLY | O_CREAT, 0600), EACCES);
  assert_fails (open (g_get_home_dir (), O_RDONLY | O_DIRECTORY), EACCES);
  assert_fails (open ("/tmp", O_RDONLY | O_DIRECTORY), EACCES);

  /* What it draws with is there. */
  g_assert_cmpint (open ("/usr/share", O_RDONLY | O_DIRECTORY), >=, 0);
  g_assert_cmpint (open ("/etc/passwd", O_RDONLY), >=, 0);
  g_assert_cmpint (open ("/dev/null", O_RDWR), >=, 0);
  g_assert_cmpint (open ("/dev/urandom", O_RDONLY), >=, 0);
  /* What other programs share, and their terminals, are no devices of it. */
  assert_fails (open ("/dev/shm", O_RDONLY | O_DIRECTORY), EACCES);
  assert_fails (open ("/dev/shm/lodge-test", O_RDWR | O_CREAT, 0600), EACCES);
  assert_fails (open ("/dev/pts", O_RDONLY | O_DIRECTORY), EACCES);
  assert_fails (open ("/usr/lodge-test", O_WRONLY | O_CREAT, 0600), EACCES);
}

/* ---- the second */

static void
enter (void)
{
  g_autoptr (GError) error = NULL;

  lodge_viewer_sandbox_enter (TRUE, &error);
  g_assert_no_error (error);
}

static gpointer
thread_func (gpointer data)
{
  while (g_atomic_int_get ((int *) data) == 0)
    g_usleep (1000);
  assert_fails (execl ("/bin/true", "true", NULL), EPERM);
  return GINT_TO_POINTER (1);
}

static void
test_programs (void)
{
  int entered = 0;
  g_autoptr (GThread) thread = g_thread_new ("before", thread_func, &entered);

  enter ();
  assert_fails (execl ("/bin/true", "true", NULL), EPERM);
  assert_fails (syscall (SYS_execveat, AT_FDCWD, "/bin/true", NULL, NULL, 0), EPERM);
  assert_fails (syscall (SYS_vfork), EPERM);
  g_autoptr (GError) error = NULL;
  const char *argv[] = {"/bin/true", NULL};
  g_assert_null (g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_NONE, &error));
  g_assert_nonnull (error);

  /* A thread that was there already is no way out; and new ones are still made. */
  g_atomic_int_set (&entered, 1);
  g_assert_nonnull (g_thread_join (g_steal_pointer (&thread)));
  thread = g_thread_new ("after", thread_func, &entered);
  g_assert_nonnull (g_thread_join (g_steal_pointer (&thread)));
}

static void
test_writing (void)
{
  enter ();
  assert_fails (open ("/dev/null", O_WRONLY), EPERM);
  assert_fails (open ("/dev/null", O_RDWR), EPERM);
  assert_fails (open ("/dev/null", O_RDONLY | O_TRUNC), EPERM);
  assert_fails (open ("/tmp/lodge-test", O_RDONLY | O_CREAT, 0600), EPERM);
  assert_fails (syscall (SYS_openat2, AT_FDCWD, "/dev/null", NULL, 0), ENOSYS);
  assert_fails (rename ("/nowhere", "/nowhere2"), EPERM);
  assert_fails (unlink ("/nowhere"), EPERM);
  assert_fails (mkdir ("/tmp/lodge-test", 0700), EPERM);
  assert_fails (symlink ("/nowhere", "/tmp/lodge-test"), EPERM);
  assert_fails (truncate ("/nowhere", 0), EPERM);
  g_assert_cmpint (open ("/dev/null", O_RDONLY), >=, 0);
  /* Memory that counts as a file is what pictures and sound are passed in. */
  int memory = memfd_create ("test", MFD_CLOEXEC);
  g_assert_cmpint (memory, >=, 0);
  g_assert_cmpint (ftruncate (memory, 4096), ==, 0);
}

/* A file that is open for reading can be made one that others read, or run. */
static void
test_marks (void)
{
  const int fd = open ("/usr", O_RDONLY | O_DIRECTORY);
  const struct timespec now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};

  g_assert_cmpint (fd, >=, 0);
  enter ();
  assert_fails (fchmod (fd, 0755), EPERM);
  assert_fails (syscall (452 /* fchmodat2 */, -1, "", 0755, 0), EPERM);
  assert_fails (fchown (fd, getuid (), getgid ()), EPERM);
  assert_fails (fsetxattr (fd, "user.lodge", "x", 1, XATTR_REPLACE), EPERM);
  assert_fails (syscall (463 /* setxattrat */, -1, "", 0, NULL, NULL, 0), EPERM);
  assert_fails (fremovexattr (fd, "user.lodge"), EPERM);
  assert_fails (syscall (466 /* removexattrat */, -1, "", 0, NULL), EPERM);
  assert_fails (syscall (469 /* file_setattr */, -1, "", NULL, 0, 0), EPERM);
  assert_fails (futimens (fd, now), EPERM);
  assert_fails (futimes (fd, NULL), EPERM);
#ifdef SYS_utime
  assert_fails (syscall (SYS_utime, "/nowhere", NULL), EPERM);
  assert_fails (syscall (SYS_utimes, "/nowhere", NULL), EPERM);
  assert_fails (syscall (SYS_futimesat, AT_FDCWD, "/nowhere", NULL), EPERM);
#endif
}

static void
test_others (void)
{
  struct rlimit limit;

  enter ();
  assert_fails (kill (getppid (), 0), EPERM);
  assert_fails (kill (-1, 0), EPERM);
  assert_fails (syscall (SYS_tgkill, getppid (), getppid (), 0), EPERM);
  assert_fails (syscall (SYS_process_vm_readv, getppid (), NULL, 0, NULL, 0, 0), EPERM);
  assert_fails (syscall (SYS_pidfd_open, getppid (), 0), EPERM);
  g_assert_cmpint (kill (getpid (), 0), ==, 0);
  assert_fails (ioctl (STDIN_FILENO, TIOCSTI, "x"), EPERM);
  /* The upper half of the number means nothing to the kernel. */
  assert_fails (syscall (SYS_ioctl, STDIN_FILENO, 0x100000000ul | TIOCSTI, "x"), EPERM);
  assert_fails (unshare (CLONE_NEWUSER), EPERM);
  assert_fails (syscall (SYS_mount, NULL, NULL, NULL, 0, NULL), EPERM);
  assert_fails (syscall (SYS_io_uring_setup, 1, NULL), EPERM);
  assert_fails (syscall (SYS_bpf, 0, NULL, 0), EPERM);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  assert_fails (setrlimit (RLIMIT_NOFILE, &limit), EPERM);
}

/* ---- the third */

static void
test_connections (void)
{
  const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/nowhere"};
  g_autoptr (GError) error = NULL;
  int pair[2], early;
  char byte = 'x';

  enter ();
  early = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (early, >=, 0);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);

  lodge_viewer_sandbox_close (&error);
  g_assert_no_error (error);
  assert_fails (socket (AF_UNIX, SOCK_STREAM, 0), EPERM);
  assert_fails (socket (AF_INET, SOCK_STREAM, 0), EPERM);
  assert_fails (connect (early, (const struct sockaddr *) &address, sizeof address), EPERM);
  assert_fails (bind (early, (const struct sockaddr *) &address, sizeof address), EPERM);
  assert_fails (listen (early, 1), EPERM);
  assert_fails (accept (early, NULL, NULL), EPERM);
  /* What is connected stays so. */
  g_assert_cmpint (send (pair[0], &byte, 1, 0), ==, 1);
  g_assert_cmpint (recv (pair[1], &byte, 1, 0), ==, 1);
}

/* A server that is not at one leaves no unix socket to connect to. */
static void
test_local (void)
{
  const int other = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socklen_t length = sizeof address.sun_family; /* one without a path, of the kernel's choice */
  g_autoptr (GError) error = NULL;
  int pair[2];

  g_assert_cmpint (bind (other, (const struct sockaddr *) &address, length), ==, 0);
  length = sizeof address;
  g_assert_cmpint (getsockname (other, (struct sockaddr *) &address, &length), ==, 0);
  g_assert_cmpint (listen (other, 1), ==, 0);

  lodge_viewer_sandbox_enter (FALSE, &error);
  g_assert_no_error (error);
  assert_fails (socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), EPERM);
  assert_fails (socket (AF_UNIX, SOCK_DGRAM, 0), EPERM);
  assert_fails (syscall (SYS_socket, 0x100000000ul | AF_UNIX, SOCK_STREAM, 0), EPERM);
  assert_fails (socket (AF_NETLINK, SOCK_RAW, 0), EPERM);
  assert_fails (socket (AF_VSOCK, SOCK_STREAM, 0), EPERM);
  /* Of a pair either end could be turned elsewhere, or not. */
  assert_fails (socketpair (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), EPERM);
  assert_fails (socketpair (AF_UNIX, SOCK_RAW, 0, pair), EPERM);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  assert_fails (connect (pair[0], (const struct sockaddr *) &address, length), EISCONN);
  g_assert_cmpint (close (pair[1]), ==, 0);
  assert_fails (connect (pair[0], (const struct sockaddr *) &address, length), EISCONN);
  /* The server's host is still to be connected to. */
  g_assert_cmpint (socket (AF_INET, SOCK_STREAM, 0), >=, 0);
}

#define ADD(path, test)                                                                            \
  g_test_add_data_func ("/viewer-sandbox/" path, (gconstpointer) (void (*) (void)) test, run_data)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("begin", test_begin);
  ADD ("files", test_files);
  ADD ("programs", test_programs);
  ADD ("writing", test_writing);
  ADD ("marks", test_marks);
  ADD ("others", test_others);
  ADD ("local", test_local);
  ADD ("connections", test_connections);
  if (g_test_subprocess ())
    return g_test_run ();

  /* Made and removed here, because the process of the test cannot. */
  g_autofree char *folder = g_strdup ("/var/tmp/lodge-viewer-XXXXXX");
  g_assert_nonnull (g_mkdtemp (folder));
  g_autofree char *path = g_build_filename (folder, "file", NULL);
  g_assert_true (g_file_set_contents (path, "secret", -1, NULL));
  g_setenv (FOLDER, folder, TRUE);
  const int result = g_test_run ();
  test_folder_remove (folder);
  return result;
}
