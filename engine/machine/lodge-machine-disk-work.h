/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all work on a disk has in common: its beginning, and its end, well or not. */
#pragma once

#include "machine/lodge-machine-private.h"

G_BEGIN_DECLS

/* The first member of each work's own struct, which is the data of the task; the machine is the
 * task's source, and what it returns is a text of its own. */
typedef struct {
  LodgeJob *job;
  char *disk;       /* id, or NULL: of one that is to come */
  char *folder;     /* the machine's */
  gboolean live;    /* it has a QEMU */
  int lock_fd;      /* while it has none, or -1 */
  gboolean began;   /* it is the machine's work */
  GPtrArray *files; /* what the journal is to list */
  char *result;     /* what the task returns */
  char *undone;     /* what a full disk keeps from being done, as a prefix of its error; or NULL */
  GError *error;
} LodgeDiskWork;

typedef struct {
  LodgeAction action; /* LODGE_N_ACTIONS: in any state, because only what is frozen is read */
  const char *step;   /* what it does, not yet translated */
  /* What can be known before the first step; (nullable). */
  gboolean (*check) (LodgeMachine *self, gpointer work, GError **error);
  /* Nobody else changes the machine from here on, and what was left of earlier work is done. */
  void (*go) (GTask *task);
} LodgeDiskWorkKind;

/* @work: zeroed; taken, and freed by @free_work. */
GTask *lodge_disk_work_new (LodgeMachine *self,
                            gpointer work,
                            LodgeJob *job,
                            const char *disk,
                            GDestroyNotify free_work,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
/* For @free_work: what is common. */
void lodge_disk_work_clear (LodgeDiskWork *self);

/* Whether it could begin now, but for other work that is under way; takes nothing. */
gboolean lodge_disk_work_check (GTask *task, const LodgeDiskWorkKind *kind, GError **error);
/* Takes @task. */
void lodge_disk_work_begin (GTask *task, const LodgeDiskWorkKind *kind);
/* The end: what the journal lists is finished or undone. Takes @task, and @error, which may be
 * none. */
void lodge_disk_work_end (GTask *task, GError *error);

/* Lists the files in the journal; as lodge_task_step_in_thread (). */
void lodge_disk_work_journal (GTask *task, GAsyncReadyCallback callback);

/* A path for a new layer of @disk that nobody has: one that was kept stays what it is. Transfer
 * full. */
char *lodge_disk_work_dup_free_file (const LodgeDiskWork *self,
                                     const LodgeDescription *now,
                                     const char *disk,
                                     const char *format);

G_END_DECLS
