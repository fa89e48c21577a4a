/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What taking a snapshot, going back and a running guest have in common. */
#pragma once

#include "machine/lodge-machine-private.h"
#include "qemu/lodge-qemu-snapshot.h"

G_BEGIN_DECLS

typedef struct _LodgeSnapshotLive LodgeSnapshotLive;

/* The data of the task, whose source is the machine. */
typedef struct {
  LodgeJob *job;
  char *name; /* of the snapshot that the present becomes */
  char *text;
  gint64 scheduled_s; /* when it is taken by itself; else 0 */
  char *before;       /* the one to go back to afterwards: the guest is not let go on; or NULL */
  char *target;       /* id of the one to go back to, or NULL */
  char *target_name;
  gboolean keep;

  LodgeSnapshotLive *live; /* while the guest runs, or NULL */
  int lock_fd;
  LodgeDescription *then;   /* what was stored with the target */
  LodgeDescription *stored; /* the present, if it becomes a snapshot */
  char *id;                 /* of that */
  LodgeDescription *next;   /* what machine.ini will say */
  GPtrArray *tops;          /* new, lent by next */
  GPtrArray *files;         /* for the journal */
  guint n_made;             /* tops */
  GError *refusal;          /* what QEMU has against it, or NULL */
  GError *error;            /* while what was begun is being undone */
} LodgeSnapshotWork;

/* A LodgeMachineEdit, with the work. */
gboolean lodge_snapshot_work_edit (LodgeMachine *self,
                                   LodgeDescription *value,
                                   gpointer data,
                                   GError **error);
/* The last step, after success and failure alike: what was not needed goes, and the task ends. */
void lodge_snapshot_work_tidy (GTask *task);
/* Without that: the journal stays for the next work, or the next engine. Takes @task. */
void lodge_snapshot_work_end (GTask *task);

/* lodge-machine-snapshot-check.c: all that can be known before the first step. */

/* @error: lent. @advice: what to do, or "". */
typedef void (*LodgeSnapshotBlock) (const GError *error, const char *advice, gpointer user_data);
/* @action: taking a snapshot, going back to one, or suspending. Reads machine.ini again where it
 * has changed. FALSE: the one that was told of is such that nothing else was looked at. */
gboolean lodge_snapshot_list_blockers (LodgeMachine *self,
                                       LodgeAction action,
                                       LodgeSnapshotBlock block,
                                       gpointer user_data);
/* All of them in one message, each with what to do; the code is the first one's.
 * %LODGE_ERROR_STATE, %LODGE_ERROR_INVALID when machine.ini is broken, %LODGE_ERROR_STORAGE when
 * there is too little room for the memory.
 * @refusal: (nullable): what lodge_snapshot_ask_qemu_finish() said, which belongs to them */
gboolean lodge_snapshot_check (LodgeMachine *self,
                               LodgeAction action,
                               const GError *refusal,
                               GError **error);
/* What QEMU has against saving the guest's memory: %LODGE_ERROR_STATE, all of it in one message. A
 * QEMU that does not answer has said nothing. @self: one that has QMP. @action: taking a snapshot,
 * or suspending; for the advice */
void lodge_snapshot_ask_qemu_async (LodgeMachine *self,
                                    LodgeAction action,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean lodge_snapshot_ask_qemu_finish (LodgeMachine *self, GAsyncResult *result, GError **error);
/* %LODGE_ERROR_STATE for more layers one on the other than are good.
 * @now: the machine as it is, whose snapshots could be deleted first */
gboolean lodge_snapshot_check_depth (const LodgeDescription *description,
                                     const LodgeDescription *now,
                                     GError **error);
/* The same of a linked clone that is not there yet. @source: the name of what it is made from */
gboolean lodge_snapshot_check_clone_depth (const LodgeDescription *clone,
                                           const char *source,
                                           GError **error);

/* lodge-machine-snapshot-reckon.c: how long the guest will stand still, which is in the machine
 * afterwards; one that runs and has QMP. Takes some dozens of milliseconds, and more than a second
 * where the memory of this computer is short. */
void
lodge_snapshot_reckon_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data);
void lodge_snapshot_reckon_finish (LodgeMachine *self, GAsyncResult *result);

/* lodge-machine-snapshot-live.c */

/* Of a guest that runs or is paused, and has QMP. */
LodgeSnapshotLive *lodge_snapshot_live_new (LodgeMachine *self);
/* Whether the guest ran when it was asked for. */
gboolean lodge_snapshot_live_ran (LodgeSnapshotLive *self);
/* What the guest runs with, on the layers that it has by now. Transfer full. */
LodgeDescription *lodge_snapshot_live_dup_description (LodgeMachine *self);
/* What the guest's memory takes when it is written once, and what there is of room. */
void lodge_snapshot_live_measure (LodgeMachine *self, guint64 *out_bytes, guint64 *out_room);
/* How much of it may be written while the guest runs and changes it again: after that the guest is
 * stopped, and there has to be room for all of it once more. */
guint64 lodge_snapshot_live_get_most (guint64 memory_bytes, guint64 bytes, guint64 room);
/* Whatever it has begun in QEMU is over by then. */
void lodge_snapshot_live_free (LodgeSnapshotLive *self);
/* Takes the top @id from the description if QEMU's disk is on the layer below it, which has to be
 * known. A disk that its guest has let go of is on neither, and may have been written to: its top
 * stays, as one that is empty may. Returns: it went */
gboolean lodge_snapshot_drop_top (LodgeDescription *value, const char *id, LodgeQemuSnapshot *qemu);
/* The same, and the top of a disk that is detached: only where nobody can have been told of it. */
void
lodge_snapshot_drop_unused_top (LodgeDescription *value, const char *id, LodgeQemuSnapshot *qemu);
/* All of @tops (of LodgeLayer). */
void lodge_snapshot_drop_unused (LodgeDescription *value,
                                 const GPtrArray *tops,
                                 LodgeQemuSnapshot *qemu);
/* What QEMU said of the guest while that stood still for us was not taken as its state: now it is.
 * @goes_on: nothing has failed */
void lodge_snapshot_thaw (LodgeMachine *self, gboolean goes_on);
/* The tops are made: from here to lodge_snapshot_work_tidy(). */
void lodge_snapshot_live_begin (GTask *task);

G_END_DECLS
