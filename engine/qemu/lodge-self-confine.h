/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program beside QEMU takes from itself before it reads the first byte of a guest, besides
 * the walls that it was started in. Linked by those programs alone, not by the engine. */
#pragma once

#include <glib.h>
#include <seccomp.h>
#include <sys/resource.h>

G_BEGIN_DECLS

typedef struct {
  rlim_t files;        /* open at a time */
  rlim_t file_bytes;   /* that one may grow to; RLIM_INFINITY: any */
  int memory_kind;     /* RLIMIT_AS or RLIMIT_DATA */
  rlim_t memory_bytes; /* of that kind */
  const int *calls;    /* system calls that are allowed whatever their arguments */
  guint n_calls;
} LodgeSelfLimits;

/* Adds what is allowed with certain arguments only. 0, or a negative errno. */
typedef int (*LodgeSelfRules) (scmp_filter_ctx filter, gconstpointer data);

int lodge_self_allow_all (scmp_filter_ctx filter, const int *calls, guint n_calls);
/* Allows a call whose argument @index has of the bits of @mask just @value. */
int lodge_self_allow_masked (
    scmp_filter_ctx filter, int call, guint index, guint64 mask, guint64 value);

/**
 * lodge_self_confine:
 * @rules: (nullable)
 *
 * Limits, no core, no new privileges, and a list of allowed system calls, among them memory that no
 * code runs from. What is not allowed fails with EPERM and does not end the program: another C
 * library may ask for something harmless. Nothing can be undone, and every thread is in it.
 *
 * Returns: %FALSE, with the reason on standard error: the program must end
 */
gboolean
lodge_self_confine (const LodgeSelfLimits *limits, LodgeSelfRules rules, gconstpointer data);

G_END_DECLS
