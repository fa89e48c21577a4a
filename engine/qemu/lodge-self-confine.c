/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program beside QEMU takes from itself before it reads the first byte of a guest. */
#include "qemu/lodge-self-confine.h"

#include "lodge-config.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static void
limit (int what, rlim_t value)
{
  struct rlimit old;

  /* Never raises what was lowered before; a limit that cannot be set leaves the older one. */
  if (getrlimit ((__rlimit_resource_t) what, &old) == 0) {
    struct rlimit new = {MIN (value, old.rlim_max), MIN (value, old.rlim_max)};

    (void) setrlimit ((__rlimit_resource_t) what, &new);
  }
}

int
lodge_self_allow_all (scmp_filter_ctx filter, const int *calls, guint n_calls)
{
  int result = 0;

  for (guint i = 0; i < n_calls && result == 0; i++)
    result = seccomp_rule_add (filter, SCMP_ACT_ALLOW, calls[i], 0);
  return result;
}

int
lodge_self_allow_masked (scmp_filter_ctx filter, int call, guint index, guint64 mask, guint64 value)
{
  const struct scmp_arg_cmp compare = {index, SCMP_CMP_MASKED_EQ, mask, value};

  return seccomp_rule_add_array (filter, SCMP_ACT_ALLOW, call, 1, &compare);
}

static gboolean
load_filter (const LodgeSelfLimits *limits, LodgeSelfRules rules, gconstpointer data)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  int result =
      filter != NULL ? lodge_self_allow_all (filter, limits->calls, limits->n_calls) : -ENOMEM;

  /* No memory to run code from. */
  if (result == 0)
    result = lodge_self_allow_masked (filter, SCMP_SYS (mmap), 2, PROT_EXEC, 0);
  if (result == 0)
    result = lodge_self_allow_masked (filter, SCMP_SYS (mprotect), 2, PROT_EXEC, 0);
  if (result == 0 && rules != NULL)
    result = rules (filter, data);
  /* Threads that GLib has made are in it too. */
  if (result == 0)
    result = seccomp_attr_set (filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (result == 0)
    result = seccomp_load (filter);
  if (filter != NULL)
    seccomp_release (filter);
  if (result != 0)
    g_printerr ("seccomp: %s\n", g_strerror (-result));
  return result == 0;
}

gboolean
lodge_self_confine (const LodgeSelfLimits *limits, LodgeSelfRules rules, gconstpointer data)
{
  limit (RLIMIT_CORE, 0);
  limit (RLIMIT_NOFILE, limits->files);
  if (limits->file_bytes != RLIM_INFINITY)
    limit (RLIMIT_FSIZE, limits->file_bytes);
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
  limit (limits->memory_kind, limits->memory_bytes);
  return load_filter (limits, rules, data);
}
