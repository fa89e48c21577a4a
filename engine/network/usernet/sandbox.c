/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program takes from itself before it reads the first byte of a guest. */
#include "network/usernet/sandbox.h"

#include "lodge-config.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* A guest's connections are one socket each. */
#define MAX_FILES 4096
/* 4096 connections with two full buffers of 128 KiB (TCP_SNDSPACE, TCP_RCVSPACE in libslirp). */
#define MAX_MEMORY_BYTES ((rlim_t) 2 * 1024 * 1024 * 1024)
/* Standard error is the engine's log file. */
#define MAX_LOG_BYTES ((rlim_t) 1024 * 1024)

static void
limit (int what, rlim_t value)
{
  struct rlimit old;

  /* Never raises what was lowered before; a limit that cannot be set leaves the older one. */
  if (getrlimit ((__rlimit_resource_t) what, &old) == 0 &&
      (old.rlim_max == RLIM_INFINITY || old.rlim_max > value)) {
    struct rlimit new = {value, value};

    (void) setrlimit ((__rlimit_resource_t) what, &new);
  } else if (old.rlim_cur < old.rlim_max) {
    old.rlim_cur = old.rlim_max;
    (void) setrlimit ((__rlimit_resource_t) what, &old);
  }
}

/* What the main loop, libslirp, GLib and the C library's start of stdio need. What is missing fails
 * with EPERM and does not end the program: another C library may ask for something harmless. */
static const int allowed_calls[] = {
    SCMP_SYS (read),
    SCMP_SYS (write),
    SCMP_SYS (readv),
    SCMP_SYS (writev),
    SCMP_SYS (recvfrom),
    SCMP_SYS (recvmsg),
    SCMP_SYS (sendto),
    SCMP_SYS (sendmsg),
    SCMP_SYS (recv),
    SCMP_SYS (send),
    SCMP_SYS (close),
    SCMP_SYS (poll),
    SCMP_SYS (ppoll),
    SCMP_SYS (fcntl),
    SCMP_SYS (fcntl64),
    SCMP_SYS (bind),
    SCMP_SYS (listen),
    SCMP_SYS (accept),
    SCMP_SYS (accept4),
    SCMP_SYS (connect),
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
    SCMP_SYS (clock_gettime),
    SCMP_SYS (gettimeofday),
    SCMP_SYS (time),
    SCMP_SYS (getrandom),
    SCMP_SYS (fstat),
    SCMP_SYS (stat),
    SCMP_SYS (newfstatat),
    SCMP_SYS (statx),
    SCMP_SYS (lseek),
    SCMP_SYS (exit),
    SCMP_SYS (exit_group),
    SCMP_SYS (rt_sigreturn),
    SCMP_SYS (rt_sigaction),
    SCMP_SYS (rt_sigprocmask),
    SCMP_SYS (restart_syscall),
    SCMP_SYS (getpid),
    SCMP_SYS (gettid),
    SCMP_SYS (tgkill),
    SCMP_SYS (sched_yield),
};

/* Allows a call whose argument @index has none of the bits of @mask beyond @value. */
static int
allow_masked (scmp_filter_ctx filter, int call, guint index, guint64 mask, guint64 value)
{
  const struct scmp_arg_cmp compare = {index, SCMP_CMP_MASKED_EQ, mask, value};

  return seccomp_rule_add_array (filter, SCMP_ACT_ALLOW, call, 1, &compare);
}

static int
add_rules (scmp_filter_ctx filter)
{
  const guint64 write_flags = O_ACCMODE | O_CREAT | O_TRUNC;
  int result = 0;

  for (guint i = 0; i < G_N_ELEMENTS (allowed_calls) && result == 0; i++)
    result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, allowed_calls[i], 0);
  /* Reading files: libslirp reads /etc/resolv.conf whenever it has changed. */
  if (result == 0)
    result = allow_masked (filter, SCMP_SYS (openat), 2, write_flags, O_RDONLY);
  if (result == 0)
    result = allow_masked (filter, SCMP_SYS (open), 1, write_flags, O_RDONLY);
  /* No unix socket: the host's abstract ones (a session bus, an X server) share this network. */
  for (guint i = 0; i < 2 && result == 0; i++) {
    const struct scmp_arg_cmp compare = {0, SCMP_CMP_EQ, i == 0 ? AF_INET : AF_INET6, 0};

    result = seccomp_rule_add_array (filter, SCMP_ACT_ALLOW, SCMP_SYS (socket), 1, &compare);
  }
  /* No memory to run code from. */
  if (result == 0)
    result = allow_masked (filter, SCMP_SYS (mmap), 2, PROT_EXEC, 0);
  if (result == 0)
    result = allow_masked (filter, SCMP_SYS (mprotect), 2, PROT_EXEC, 0);
  /* FIONREAD and FIONBIO, by which libslirp asks how much has come and makes sockets not wait. */
  for (guint i = 0; i < 2 && result == 0; i++) {
    const struct scmp_arg_cmp compare = {1, SCMP_CMP_EQ, i == 0 ? 0x541b : 0x5421, 0};

    result = seccomp_rule_add_array (filter, SCMP_ACT_ALLOW, SCMP_SYS (ioctl), 1, &compare);
  }
  return result;
}

gboolean
usernet_sandbox_enter (void)
{
  scmp_filter_ctx filter;
  int result;

  limit (RLIMIT_CORE, 0);
  limit (RLIMIT_NOFILE, MAX_FILES);
  limit (RLIMIT_FSIZE, MAX_LOG_BYTES);
  /* A full log is no reason to end. */
  signal (SIGXFSZ, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    g_printerr ("no_new_privs: %s\n", g_strerror (errno));
    return FALSE;
  }
  /* It maps terabytes and, at exit, starts a thread that traces this one. */
  if (LODGE_ADDRESS_SANITIZER)
    return TRUE;
  limit (RLIMIT_AS, MAX_MEMORY_BYTES);

  filter = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  result = filter != NULL ? add_rules (filter) : -ENOMEM;
  if (result == 0)
    result = seccomp_load (filter);
  if (filter != NULL)
    seccomp_release (filter);
  if (result != 0)
    g_printerr ("seccomp: %s\n", g_strerror (-result));
  return result == 0;
}
