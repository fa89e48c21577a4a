/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer of a foreign server takes from itself: calls of the kernel, by libseccomp.
 *
 * A list of what is not allowed, and not of what is: drawing goes through drivers of OpenGL, whose
 * calls differ from one computer to the next.
 */
#include "sdl/lodge-viewer-sandbox.h"

#include "sdl/lodge-viewer-sandbox-private.h"

#include "lodge-config.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* For buffers of pictures, which count as files; what is written to a log ends there, too. */
#define FILE_SIZE_MAX ((rlim_t) 256 * 1024 * 1024)

/* Calls of kernels that are newer than the C library's headers; the same on all computers. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_setxattrat
#define SYS_setxattrat    463
#define SYS_removexattrat 466
#endif
#ifndef SYS_file_setattr
#define SYS_file_setattr 469
#endif

/* The kernel's (linux/net.h); the rest of the argument are flags. */
#define SOCK_TYPE_MASK 0xf

/* From linux/tiocl.h's call: pastes the selection of a console. */
#ifndef TIOCLINUX
#define TIOCLINUX 0x541c
#endif

static const int denied_calls[] = {
    /* programs and processes */
    SCMP_SYS (execve),
    SCMP_SYS (execveat),
    SCMP_SYS (fork),
    SCMP_SYS (vfork),
    /* other processes */
    SCMP_SYS (process_vm_readv),
    SCMP_SYS (process_vm_writev),
    SCMP_SYS (process_madvise),
    SCMP_SYS (pidfd_open),
    SCMP_SYS (pidfd_getfd),
    SCMP_SYS (pidfd_send_signal),
    SCMP_SYS (rt_sigqueueinfo),
    SCMP_SYS (rt_tgsigqueueinfo),
    SCMP_SYS (tkill),
    SCMP_SYS (kcmp),
    /* changing files by name, or what is said of one that can only be read. Its length is changed
       through one that can be written, and that only what was handed to the viewer can. */
    SCMP_SYS (creat),
    SCMP_SYS (rename),
    SCMP_SYS (renameat),
    SCMP_SYS (renameat2),
    SCMP_SYS (link),
    SCMP_SYS (linkat),
    SCMP_SYS (symlink),
    SCMP_SYS (symlinkat),
    SCMP_SYS (unlink),
    SCMP_SYS (unlinkat),
    SCMP_SYS (mkdir),
    SCMP_SYS (mkdirat),
    SCMP_SYS (rmdir),
    SCMP_SYS (mknod),
    SCMP_SYS (mknodat),
    SCMP_SYS (truncate),
    SCMP_SYS (chmod),
    SCMP_SYS (fchmod),
    SCMP_SYS (fchmodat),
    SYS_fchmodat2,
    SCMP_SYS (chown),
    SCMP_SYS (lchown),
    SCMP_SYS (fchown),
    SCMP_SYS (fchownat),
    SCMP_SYS (setxattr),
    SCMP_SYS (lsetxattr),
    SCMP_SYS (fsetxattr),
    SYS_setxattrat,
    SCMP_SYS (removexattr),
    SCMP_SYS (lremovexattr),
    SCMP_SYS (fremovexattr),
    SYS_removexattrat,
    SYS_file_setattr,
    SCMP_SYS (utime),
    SCMP_SYS (utimes),
    SCMP_SYS (futimesat),
    SCMP_SYS (utimensat),
    SCMP_SYS (open_by_handle_at),
    SCMP_SYS (name_to_handle_at),
    /* file systems and namespaces */
    SCMP_SYS (mount),
    SCMP_SYS (umount2),
    SCMP_SYS (pivot_root),
    SCMP_SYS (chroot),
    SCMP_SYS (open_tree),
    SCMP_SYS (move_mount),
    SCMP_SYS (fsopen),
    SCMP_SYS (fsconfig),
    SCMP_SYS (fsmount),
    SCMP_SYS (fspick),
    SCMP_SYS (mount_setattr),
    SCMP_SYS (unshare),
    SCMP_SYS (setns),
    /* the kernel: its keys, its parts that were easiest to attack, and all that only root may */
    SCMP_SYS (bpf),
    SCMP_SYS (perf_event_open),
    SCMP_SYS (userfaultfd),
    SCMP_SYS (add_key),
    SCMP_SYS (request_key),
    SCMP_SYS (keyctl),
    SCMP_SYS (io_uring_setup),
    SCMP_SYS (io_uring_enter),
    SCMP_SYS (io_uring_register),
    SCMP_SYS (init_module),
    SCMP_SYS (finit_module),
    SCMP_SYS (delete_module),
    SCMP_SYS (kexec_load),
    SCMP_SYS (kexec_file_load),
    SCMP_SYS (reboot),
    SCMP_SYS (swapon),
    SCMP_SYS (swapoff),
    SCMP_SYS (acct),
    SCMP_SYS (syslog),
    SCMP_SYS (quotactl),
    SCMP_SYS (settimeofday),
    SCMP_SYS (clock_settime),
    SCMP_SYS (sethostname),
    SCMP_SYS (personality),
    SCMP_SYS (fanotify_init),
};

static const int connecting_calls[] = {
    SCMP_SYS (socket), SCMP_SYS (connect), SCMP_SYS (bind),
    SCMP_SYS (listen), SCMP_SYS (accept),  SCMP_SYS (accept4),
};

/* ---- what both filters are made with */

static void
deny (scmp_filter_ctx filter, int *result, int code, int call)
{
  if (*result == 0)
    *result = seccomp_rule_add (filter, SCMP_ACT_ERRNO ((guint) code), call, 0);
}

static void
deny_if (scmp_filter_ctx filter, int *result, int call, struct scmp_arg_cmp compare)
{
  if (*result == 0)
    *result = seccomp_rule_add_array (filter, SCMP_ACT_ERRNO (EPERM), call, 1, &compare);
}

/* Where some of @mask is as in @value. The upper half of an argument of 32 bits is anything. */
static struct scmp_arg_cmp
masked (guint index, guint32 mask, guint32 value)
{
  return (struct scmp_arg_cmp){index, SCMP_CMP_MASKED_EQ, mask, value};
}

/* All threads from now on, also those that are there. Releases @filter. */
static gboolean
load (scmp_filter_ctx filter, int result, GError **error)
{
  if (result == 0)
    result = seccomp_attr_set (filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (result == 0)
    result = seccomp_load (filter);
  seccomp_release (filter);
  if (result == 0)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
               _ ("The viewer could not shut itself off from this computer, and does not speak to "
                  "a foreign server without that: %s"),
               g_strerror (-result));
  return FALSE;
}

/* ---- files */

static void
deny_writing (scmp_filter_ctx filter, int *result, int call, guint index)
{
  deny_if (filter, result, call, masked (index, O_ACCMODE, O_WRONLY));
  deny_if (filter, result, call, masked (index, O_ACCMODE, O_RDWR));
  deny_if (filter, result, call, masked (index, O_CREAT, O_CREAT));
  deny_if (filter, result, call, masked (index, O_TRUNC, O_TRUNC));
}

/* ---- connections */

static void
deny_local (scmp_filter_ctx filter, int *result)
{
  for (guint32 family = 0; family < AF_MAX; family++) {
    if (family != AF_INET && family != AF_INET6)
      deny_if (filter, result, SCMP_SYS (socket), masked (0, G_MAXUINT32, family));
  }
  /* A pair is connected for good, but for this kind (also called raw), which can be turned to any
   * other socket of it. */
  deny_if (filter, result, SCMP_SYS (socketpair), masked (1, SOCK_TYPE_MASK, SOCK_DGRAM));
  deny_if (filter, result, SCMP_SYS (socketpair), masked (1, SOCK_TYPE_MASK, SOCK_RAW));
}

/* ---- the three steps */

gboolean
lodge_viewer_sandbox_begin (void)
{
  const struct rlimit no_core = {0, 0};
  struct rlimit files;

  /* A bus is a way to start programs. SDL's and GLib's libraries look for one by themselves. */
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "disabled:", TRUE);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", "disabled:", TRUE);
  (void) prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  (void) setrlimit (RLIMIT_CORE, &no_core);
  if (getrlimit (RLIMIT_FSIZE, &files) == 0 &&
      (files.rlim_max == RLIM_INFINITY || files.rlim_max > FILE_SIZE_MAX)) {
    files.rlim_cur = files.rlim_max = FILE_SIZE_MAX;
    (void) setrlimit (RLIMIT_FSIZE, &files);
  }
  return lodge_viewer_sandbox_limit_files ();
}

gboolean
lodge_viewer_sandbox_enter (gboolean local, GError **error)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  const struct scmp_arg_cmp others = {0, SCMP_CMP_NE, (scmp_datum_t) getpid (), 0};
  int result = filter != NULL ? 0 : -ENOMEM;

  for (guint i = 0; i < G_N_ELEMENTS (denied_calls); i++)
    deny (filter, &result, EPERM, denied_calls[i]);
  deny_writing (filter, &result, SCMP_SYS (open), 1);
  deny_writing (filter, &result, SCMP_SYS (openat), 2);
  /* What cannot be looked into, because it is behind a pointer: the C library has another way. */
  deny (filter, &result, ENOSYS, SCMP_SYS (openat2));
  /* The sanitizer, at exit, starts a thread that traces this one. */
  if (!LODGE_ADDRESS_SANITIZER) {
    deny (filter, &result, EPERM, SCMP_SYS (ptrace));
    deny (filter, &result, ENOSYS, SCMP_SYS (clone3));
    deny_if (filter, &result, SCMP_SYS (clone), masked (0, CLONE_THREAD, 0));
  }
  /* The limits of a process can still be read. */
  deny_if (filter, &result, SCMP_SYS (prlimit64), (struct scmp_arg_cmp){2, SCMP_CMP_NE, 0, 0});
  deny_if (filter, &result, SCMP_SYS (kill), others);
  deny_if (filter, &result, SCMP_SYS (tgkill), others);
  /* What the shell would take for typed by the user. */
  deny_if (filter, &result, SCMP_SYS (ioctl), masked (1, G_MAXUINT32, TIOCSTI));
  deny_if (filter, &result, SCMP_SYS (ioctl), masked (1, G_MAXUINT32, TIOCLINUX));
  if (!local)
    deny_local (filter, &result);
  return load (filter, result, error);
}

gboolean
lodge_viewer_sandbox_close (GError **error)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  int result = filter != NULL ? 0 : -ENOMEM;

  for (guint i = 0; i < G_N_ELEMENTS (connecting_calls); i++)
    deny (filter, &result, EPERM, connecting_calls[i]);
  return load (filter, result, error);
}
