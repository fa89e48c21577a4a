/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the program takes from itself before it reads the first byte of a guest. */
#include "network/usernet/sandbox.h"

#include "qemu/lodge-self-confine.h"

#include <fcntl.h>
#include <sys/socket.h>

/* A guest's connections are one socket each. */
#define MAX_FILES 4096
/* 4096 connections with two full buffers of 128 KiB (TCP_SNDSPACE, TCP_RCVSPACE in libslirp). */
#define MAX_MEMORY_BYTES ((rlim_t) 2 * 1024 * 1024 * 1024)
/* Standard error is the engine's log file. */
#define MAX_LOG_BYTES ((rlim_t) 1024 * 1024)

/* What the main loop, libslirp, GLib and the C library's start of stdio need. */
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

static int
add_rules (scmp_filter_ctx filter, gconstpointer data)
{
  const guint64 write_flags = O_ACCMODE | O_CREAT | O_TRUNC;
  /* Reading files: libslirp reads /etc/resolv.conf whenever it has changed. */
  int result = lodge_self_allow_masked (filter, SCMP_SYS (openat), 2, write_flags, O_RDONLY);

  if (result == 0)
    result = lodge_self_allow_masked (filter, SCMP_SYS (open), 1, write_flags, O_RDONLY);
  /* No unix socket: the host's abstract ones (a session bus, an X server) share this network. */
  for (guint i = 0; i < 2 && result == 0; i++) {
    const struct scmp_arg_cmp compare = {0, SCMP_CMP_EQ, i == 0 ? AF_INET : AF_INET6, 0};

    result = seccomp_rule_add_array (filter, SCMP_ACT_ALLOW, SCMP_SYS (socket), 1, &compare);
  }
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
  const LodgeSelfLimits limits = {
      .files = MAX_FILES,
      .file_bytes = MAX_LOG_BYTES,
      .memory_kind = RLIMIT_AS,
      .memory_bytes = MAX_MEMORY_BYTES,
      .calls = allowed_calls,
      .n_calls = G_N_ELEMENTS (allowed_calls),
  };

  return lodge_self_confine (&limits, add_rules, NULL);
}
