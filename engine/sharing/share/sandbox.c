/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program takes from itself before it reads the first byte of a guest. */
#include "sharing/share/sandbox.h"

#include "qemu/lodge-self-confine.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>

/* A connection is two, a file that is read or written one more. */
#define MAX_FILES 512
/* What is allocated, and not what is mapped: a file that is read is mapped as a whole. */
#define MAX_MEMORY_BYTES ((rlim_t) 512 * 1024 * 1024)
/* Standard error is the engine's log file, and nothing else is written where nothing may be. */
#define MAX_LOG_BYTES ((rlim_t) 1024 * 1024)

#define COMPUTING_LIMIT_S 20

void
share_sandbox_alive (void)
{
  const struct itimerval limit_s = {.it_value.tv_sec = COMPUTING_LIMIT_S};

  (void) setitimer (ITIMER_PROF, &limit_s, NULL);
}

/* What GLib's main loop, sockets, threads and files need. What is missing fails with EPERM and does
 * not end the program. No program is started, no link is made: one that leads out of the folder
 * would be followed by whoever looks into it on this computer. */
static const int allowed_calls[] = {
    SCMP_SYS (read),
    SCMP_SYS (write),
    SCMP_SYS (readv),
    SCMP_SYS (writev),
    SCMP_SYS (pread64),
    SCMP_SYS (pwrite64),
    SCMP_SYS (recvfrom),
    SCMP_SYS (recvmsg),
    SCMP_SYS (sendto),
    SCMP_SYS (sendmsg),
    SCMP_SYS (sendmmsg),
    SCMP_SYS (recv),
    SCMP_SYS (send),
    SCMP_SYS (close),
    SCMP_SYS (dup2),
    SCMP_SYS (dup3),
    SCMP_SYS (poll),
    SCMP_SYS (ppoll),
    SCMP_SYS (pipe2),
    SCMP_SYS (eventfd2),
    SCMP_SYS (fcntl),
    SCMP_SYS (fcntl64),
    SCMP_SYS (shutdown),
    SCMP_SYS (getsockname),
    SCMP_SYS (getpeername),
    SCMP_SYS (getsockopt),
    SCMP_SYS (setsockopt),
    SCMP_SYS (brk),
    SCMP_SYS (munmap),
    SCMP_SYS (mremap),
    SCMP_SYS (madvise),
    SCMP_SYS (futex),
    SCMP_SYS (set_robust_list),
    SCMP_SYS (rseq),
    SCMP_SYS (clock_gettime),
    SCMP_SYS (clock_nanosleep),
    SCMP_SYS (gettimeofday),
    SCMP_SYS (time),
    SCMP_SYS (getrandom),
    SCMP_SYS (setitimer),
    SCMP_SYS (sysinfo),
    SCMP_SYS (sched_getaffinity),
    SCMP_SYS (sched_getattr),
    SCMP_SYS (sched_setattr),
    SCMP_SYS (sched_yield),
    SCMP_SYS (uname),
    SCMP_SYS (getuid),
    SCMP_SYS (geteuid),
    SCMP_SYS (getgid),
    SCMP_SYS (getegid),
    SCMP_SYS (getpid),
    SCMP_SYS (gettid),
    SCMP_SYS (tgkill),
    SCMP_SYS (exit),
    SCMP_SYS (exit_group),
    SCMP_SYS (rt_sigreturn),
    SCMP_SYS (rt_sigaction),
    SCMP_SYS (rt_sigprocmask),
    SCMP_SYS (restart_syscall),
    /* Files. */
    SCMP_SYS (open),
    SCMP_SYS (openat),
    SCMP_SYS (openat2),
    SCMP_SYS (fstat),
    SCMP_SYS (stat),
    SCMP_SYS (lstat),
    SCMP_SYS (newfstatat),
    SCMP_SYS (statx),
    SCMP_SYS (statfs),
    SCMP_SYS (fstatfs),
    SCMP_SYS (access),
    SCMP_SYS (faccessat),
    SCMP_SYS (faccessat2),
    SCMP_SYS (readlink),
    SCMP_SYS (readlinkat),
    SCMP_SYS (getdents64),
    SCMP_SYS (getcwd),
    SCMP_SYS (lseek),
    SCMP_SYS (fadvise64),
    SCMP_SYS (getxattr),
    SCMP_SYS (lgetxattr),
    SCMP_SYS (fgetxattr),
    SCMP_SYS (listxattr),
    SCMP_SYS (llistxattr),
    SCMP_SYS (flistxattr),
};

/* Only where the guest may change files; the walls are what keeps it from others. */
static const int writing_calls[] = {
    SCMP_SYS (mkdir),           SCMP_SYS (mkdirat),      SCMP_SYS (rmdir),
    SCMP_SYS (unlink),          SCMP_SYS (unlinkat),     SCMP_SYS (rename),
    SCMP_SYS (renameat),        SCMP_SYS (renameat2),    SCMP_SYS (ftruncate),
    SCMP_SYS (fallocate),       SCMP_SYS (fsync),        SCMP_SYS (fdatasync),
    SCMP_SYS (chmod),           SCMP_SYS (fchmod),       SCMP_SYS (fchmodat),
    SCMP_SYS (utime),           SCMP_SYS (utimes),       SCMP_SYS (utimensat),
    SCMP_SYS (copy_file_range), SCMP_SYS (splice),       SCMP_SYS (setxattr),
    SCMP_SYS (lsetxattr),       SCMP_SYS (fsetxattr),    SCMP_SYS (removexattr),
    SCMP_SYS (sendfile),        SCMP_SYS (lremovexattr), SCMP_SYS (umask),
};

static int
add_rules (scmp_filter_ctx filter, gconstpointer data)
{
  const gboolean *writable = data;
  int result = 0;

  if (*writable)
    result = lodge_self_allow_all (filter, writing_calls, G_N_ELEMENTS (writing_calls));
  /* The two ends of a connection inside this program, and no other socket. */
  if (result == 0)
    result = lodge_self_allow_masked (filter, SCMP_SYS (socketpair), 0, G_MAXUINT32, AF_UNIX);
  /* Threads, and no processes. clone3() hides what it is asked for; the C library goes back to
   * clone() when it is not there. */
  if (result == 0)
    result = lodge_self_allow_masked (filter, SCMP_SYS (clone), 0, CLONE_THREAD, CLONE_THREAD);
  if (result == 0)
    result = seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0);
  /* A thread is given a name. */
  if (result == 0)
    result = lodge_self_allow_masked (filter, SCMP_SYS (prctl), 0, G_MAXUINT32, PR_SET_NAME);
  /* FIONREAD, by which GLib asks how much has come. */
  if (result == 0)
    result = lodge_self_allow_masked (filter, SCMP_SYS (ioctl), 1, G_MAXUINT32, 0x541b);
  return result;
}

gboolean
share_sandbox_enter (gboolean writable)
{
  const LodgeSelfLimits limits = {
      .files = MAX_FILES,
      .file_bytes = writable ? RLIM_INFINITY : MAX_LOG_BYTES,
      .memory_kind = RLIMIT_DATA,
      .memory_bytes = MAX_MEMORY_BYTES,
      .calls = allowed_calls,
      .n_calls = G_N_ELEMENTS (allowed_calls),
  };

  return lodge_self_confine (&limits, add_rules, &writable);
}
