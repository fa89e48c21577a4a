/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What virtiofsd would be: started as it is, it tries every way to make a file that has its owner's
 * or its group's rights, and the plain way of each. Ends with 0 when each is as it should be, else
 * with what was not on standard error. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

typedef enum {
  REFUSED, /* with EPERM */
  ABSENT,  /* with ENOSYS */
  DONE,
} Outcome;

static gboolean failed;

static void
expect (Outcome wanted, const char *what, mode_t mode, long result)
{
  const int saved = errno;
  const gboolean right = wanted == DONE      ? result >= 0
                         : wanted == REFUSED ? result < 0 && saved == EPERM
                                             : result < 0 && saved == ENOSYS;

  if (right)
    return;
  failed = TRUE;
  g_printerr ("%s %05o: %s\n", what, mode, result < 0 ? g_strerror (saved) : "it was done");
}

static int
keep (int fd)
{
  /* Nothing else than the number is asked for. */
  if (fd >= 0)
    close (fd);
  return fd;
}

static void
change (const char *path, Outcome wanted, mode_t mode)
{
  const int fd = open (path, O_RDWR | O_CLOEXEC);
  const long again = syscall (SYS_fchmodat2, AT_FDCWD, path, mode, 0);

  expect (wanted, "chmod", mode, chmod (path, mode));
  expect (wanted, "fchmod", mode, fchmod (fd, mode));
  expect (wanted, "fchmodat", mode, fchmodat (AT_FDCWD, path, mode, 0));
  /* Linux has it from 6.6 on. */
  if (again >= 0 || errno != ENOSYS)
    expect (wanted, "fchmodat2", mode, again);
  close (fd);
}

static void
make (Outcome wanted, mode_t mode)
{
  (void) g_unlink ("made");
  expect (wanted, "open", mode, keep ((int) syscall (SYS_openat, AT_FDCWD, "made", O_CREAT, mode)));
  (void) g_unlink ("made");
  expect (wanted, "openat", mode, keep (openat (AT_FDCWD, "made", O_CREAT | O_RDWR, mode)));
  (void) g_unlink ("made");
  expect (wanted, "creat", mode, keep (creat ("made", mode)));
  (void) g_unlink ("made");
  expect (wanted, "mknod", mode, mknod ("made", S_IFREG | mode, 0));
  (void) g_unlink ("made");
  expect (wanted, "mknodat", mode, mknodat (AT_FDCWD, "made", S_IFREG | mode, 0));
  (void) g_unlink ("made");
  /* Not every file system has files without a name. */
  if (wanted == REFUSED)
    expect (wanted, "O_TMPFILE", mode, keep (open (".", O_TMPFILE | O_RDWR, mode)));
#ifdef SYS_open
  expect (wanted, "the older open", mode,
          keep ((int) syscall (SYS_open, "made", O_CREAT | O_RDWR, mode)));
  (void) g_unlink ("made");
#endif
}

int
main (int argc, char **argv)
{
  const struct {
    guint64 flags, mode, resolve;
  } how = {O_CREAT | O_RDWR, 04755, 0};
  const mode_t bits[] = {S_ISUID, S_ISGID, S_ISUID | S_ISGID};
  const mode_t devices[] = {S_IFCHR, S_IFBLK};

  for (int i = 1; i < argc; i++) {
    if (g_str_has_prefix (argv[i], "--shared-dir="))
      g_assert_cmpint (g_chdir (argv[i] + strlen ("--shared-dir=")), ==, 0);
  }
  umask (0);
  for (guint i = 0; i < G_N_ELEMENTS (bits); i++) {
    change ("a.txt", REFUSED, bits[i] | 0755);
    make (REFUSED, bits[i] | 0755);
  }
  change ("a.txt", DONE, 0754);
  make (DONE, 0754);
  make (DONE, S_ISVTX | 0700);
  expect (ABSENT, "openat2", 04755, syscall (SYS_openat2, AT_FDCWD, "made", &how, sizeof how));
  /* There is no mode where nothing is made, whatever is in its place. */
  expect (DONE, "openat", 07777,
          keep ((int) syscall (SYS_openat, AT_FDCWD, ".", O_DIRECTORY | O_RDONLY, 07777)));
  for (guint i = 0; i < G_N_ELEMENTS (devices); i++)
    expect (REFUSED, "mknod", devices[i], mknod ("made", devices[i] | 0600, makedev (1, 3)));
  expect (DONE, "mkdir", 0755, mkdir ("folder", 0755));
  expect (DONE, "mkfifo", 0600, mkfifo ("pipe", 0600));
  return failed ? 1 : 0;
}
