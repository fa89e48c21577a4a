/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of a machine's start have in common: what comes before its QEMU is launched
 * (lodge-machine-start.c), and the launch (lodge-machine-launch.c). */
#pragma once

#include "machine/lodge-machine-private.h"

G_BEGIN_DECLS

/* The data of the task, whose source is the machine. */
typedef struct {
  LodgeDescription *description;
  int lock_fd;
  int memory_fd;      /* that the guest goes on from, or -1 */
  char *suspended;    /* what that is, where the guest was suspended to disk; or NULL */
  gboolean resolved;  /* something in the description is new */
  gboolean recorded;  /* that the guest runs */
  gboolean continued; /* it was told to go on from @suspended, which it may have done */
} LodgeStart;

/* Steps 4 to 7: ends @task. Takes it. */
void lodge_machine_launch (GTask *task);

/* Ends everything that was begun, and @task when nothing of it runs any more. The only way out of a
 * start that failed. Takes both. */
void lodge_machine_start_failed (GTask *task, GError *error);

G_END_DECLS
