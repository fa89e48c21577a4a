/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What writing a guest's memory, going on and loading it have in common: commands to QEMU, one
 * after the other, and then perhaps a state of its migration that is waited for. */
#pragma once

#include "qemu/lodge-qemu-poll.h"
#include "qemu/lodge-qemu-snapshot.h"

G_BEGIN_DECLS

/* What QEMU calls the memory's descriptor. */
#define LODGE_QEMU_SNAPSHOT_FD "lodge-snapshot"

/* How long a QEMU that makes no progress is waited for, and each of its answers: opening images and
 * stopping a guest takes its time on a disk that is busy. Tests are less patient. */
extern guint lodge_qemu_snapshot_patience_ms;

/* How often it is asked how far the memory is. Tests ask more often, to be there while it is
 * written. */
#define LODGE_QEMU_SNAPSHOT_PROGRESS_MS 200
extern guint lodge_qemu_snapshot_progress_ms;

/* A disk's new top. */
typedef struct {
  char *old_node;
  char *node;
  int fd;
  gboolean io_uring;
  gint64 fdset; /* a number that QEMU has not yet */
} LodgeQemuSnapshotDisk;

/* One command to QEMU. */
typedef struct {
  LodgeQemuSnapshot *self; /* while it is under way */
  const char *command;
  JsonObject *arguments;
  int fd;           /* goes with it, or -1 */
  gboolean owns_fd; /* else it is there as long as what it belongs to */
  gboolean may_fail;
  guint turn; /* of what it belongs to */
} LodgeQemuSnapshotStep;

struct _LodgeQemuSnapshot {
  GObject parent_instance;

  LodgeQmp *qmp;
  gboolean encrypted;
  GPtrArray *disks;
  char **strange;   /* nodes that somebody else may have added */
  GHashTable *used; /* nodes that devices are on */
  int memory_fd;
  gboolean halted; /* the guest has stopped by itself, and not for want of room */
  gboolean full;   /* it has for want of room */

  /* Of what is under way. */
  GTask *task;
  guint turn;
  GQueue steps;       /* of LodgeQemuSnapshotStep */
  const char *wanted; /* the migration's status that ends it, or NULL */
  char *status;       /* the last that was told */
  guint64 most_bytes;
  gboolean stopped; /* so that it comes to an end */
  gboolean eased;   /* the guest may stand still for longer */
  LodgeQemuSnapshotProgress progress;
  gpointer progress_data;
  LodgeQemuPoll *poll;
  GCancellable *cancellable;
  gulong cancel_id;
};

/* Something new; the source tag is lodge_qemu_snapshot_new(). */
void lodge_qemu_snapshot_begin (LodgeQemuSnapshot *self,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
/* FALSE: it was cancelled before, and that was told. */
gboolean lodge_qemu_snapshot_begin_cancellable (LodgeQemuSnapshot *self, GCancellable *cancellable);
/* The file that QEMU writes or reads; duplicated. */
void lodge_qemu_snapshot_set_memory (LodgeQemuSnapshot *self, int memory_fd);
/* Lent until the next step. Takes @arguments; those of lodge_qemu_snapshot_parse(), or NULL. */
LodgeQemuSnapshotStep *
lodge_qemu_snapshot_add_step (LodgeQemuSnapshot *self, const char *command, JsonObject *arguments);
/* @fd goes with it; duplicated. */
void lodge_qemu_snapshot_give_fd (LodgeQemuSnapshotStep *step, int fd);
/* Does them, one after the other, and waits for @self->wanted. */
void lodge_qemu_snapshot_next_step (LodgeQemuSnapshot *self);
/* Ends what is under way. Takes @error (%NULL: well). */
void lodge_qemu_snapshot_end (LodgeQemuSnapshot *self, GError *error);
/* The same, as a LodgeQemuPollFail. */
void lodge_qemu_snapshot_poll_failed (GError *error, gpointer user_data);
/* Arguments that we write ourselves: only ids and numbers go into them. */
JsonObject *lodge_qemu_snapshot_parse (const char *format, ...) G_GNUC_PRINTF (1, 2);
void lodge_qemu_snapshot_add_capabilities (LodgeQemuSnapshot *self, gboolean pause);

G_END_DECLS
