/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a snapshot of this machine is to be taken now by itself: it is time for one, something
 * was written since the last, and nothing is in the way. */
#include "machine/lodge-machine-schedule.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "lodge-words.h"
#include "machine/lodge-clock.h"
#include "machine/lodge-machine-freeze.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-machine-private.h"
#include "machine/lodge-schedule.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What nobody has asked for must not be what fills the disk. */
#define LEAST_ROOM (G_GUINT64_CONSTANT (512) << 20)
/* What was in the way is looked at again. */
#define AGAIN_S (15 * 60)
/* One that is too old goes no sooner after another, in case the clock is wrong after all. */
#define EXPIRE_S (10 * 60)

typedef struct {
  char *folder;
  LodgeDescription *now;
} Look;

static void
look_free (gpointer data)
{
  Look *look = data;

  g_free (look->folder);
  lodge_description_free (look->now);
  g_free (look);
}

/* What the user sees of it, and only while that is the last word on the machine. */
static void
note (LodgeMachine *self, const char *text)
{
  gboolean ours = self->schedule_note != NULL &&
                  g_str_equal (lodge_machine_get_own_note (self), self->schedule_note);

  if (text == NULL && self->schedule_note == NULL)
    return;
  g_free (self->schedule_note);
  self->schedule_note = g_strdup (text);
  if (!ours && (text == NULL || lodge_machine_get_own_note (self)[0] != '\0'))
    return;
  if (text != NULL)
    lodge_machine_set_own_note (self, text);
  else if (lodge_state_is_live (self->state))
    lodge_machine_note_run (self);
  else
    lodge_machine_note_rest (self);
}

/* The present is as the last snapshot, as far as is known: no other is due before the next turn. */
static void
nothing_new (LodgeMachine *self)
{
  LodgeClock clock;

  lodge_clock_read (&clock);
  self->schedule_seen_s = clock.wall_s;
}

void
lodge_machine_schedule_failed (LodgeMachine *self, const GError *error)
{
  LodgeClock clock;
  g_autofree char *text = NULL;

  lodge_clock_read (&clock);
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED)) {
    nothing_new (self);
    return;
  }
  self->schedule_not_before_s = clock.elapsed_s + AGAIN_S;
  text = g_strdup_printf (_ ("No automatic snapshot was taken: %s"), error->message);
  note (self, text);
}

void
lodge_machine_schedule_taken (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  LodgeClock clock;

  lodge_clock_read (&clock);
  note (self, NULL);
  self->schedule_waits_since_s = 0;
  self->schedule_seen_s = 0;
  self->schedule_ran = self->state == LODGE_STATE_RUNNING;
  if (now != NULL)
    self->schedule_not_before_s = clock.elapsed_s + lodge_schedule_get_least_s (now);
}

/* In a state from which one can be taken, and that may last. */
static gboolean
is_in_state (LodgeMachine *self, const LodgeDescription *now)
{
  switch (self->state) {
  case LODGE_STATE_OFF:
    return TRUE;
  case LODGE_STATE_CRASHED:
    return self->pid == 0;
  case LODGE_STATE_RUNNING:
    return now->schedule_running && self->qmp != NULL && !self->asleep;
  case LODGE_STATE_PAUSED:
    return now->schedule_running && self->qmp != NULL && !self->disk_failed;
  default:
    return FALSE;
  }
}

/* A merge is most often over in a moment, and what it has done by then is lost when it gives way;
 * but one of much data takes hours. So one is waited for for a while; and then not again before a
 * merge has come to its end, or where each takes longer than the time between two snapshots the
 * layers would never become fewer. */
static gboolean
has_waited (LodgeMachine *self, gint64 elapsed_s)
{
  if (self->work_ends_soon || self->schedule_stopped_merge)
    return FALSE;
  if (self->schedule_waits_since_s == 0)
    self->schedule_waits_since_s = elapsed_s;
  return elapsed_s - self->schedule_waits_since_s >= LODGE_MACHINE_SCHEDULE_PATIENCE_S;
}

gboolean
lodge_machine_schedule_is_due (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  LodgeClock clock;
  gboolean due;

  if (now == NULL || lodge_description_file_get_read_only (self->file) != NULL)
    return FALSE;
  if (now->schedule == LODGE_SCHEDULE_OFF) {
    note (self, NULL);
    return FALSE;
  }
  lodge_clock_read (&clock);
  if (self->recovering || (self->work != NULL && !self->work_gives_way) || self->disposable ||
      !is_in_state (self, now) || clock.elapsed_s < self->schedule_not_before_s)
    return FALSE;
  if (self->schedule_unchanged || (self->state == LODGE_STATE_PAUSED && !self->schedule_ran)) {
    nothing_new (self);
    return FALSE;
  }
  due = lodge_schedule_is_due (now, MAX (now->scheduled_s, self->schedule_seen_s), clock.wall_s);
  if (!due || self->work == NULL) {
    self->schedule_waits_since_s = 0;
    return due;
  }
  return has_waited (self, clock.elapsed_s);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GTask) task = user_data;
  g_autoptr (GVariant) checked = lodge_machine_check_snapshot_finish (self, result);
  g_autoptr (GVariant) blockers = g_variant_get_child_value (checked, 0);
  g_autoptr (GVariant) facts = g_variant_get_child_value (checked, 1);
  g_autofree char *in_the_way = lodge_words_dup_blockers (blockers);
  guint64 bytes = 0, room = 0;
  g_autofree char *has = NULL;

  if (g_variant_n_children (blockers) > 0) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_STATE, "%s", in_the_way);
    return;
  }
  g_variant_lookup (facts, "bytes", "t", &bytes);
  g_variant_lookup (facts, "room", "t", &room);
  if (room >= bytes && room - bytes >= LEAST_ROOM) {
    /* It gives way now. */
    self->schedule_stopped_merge =
        self->work != NULL && self->work_gives_way && !self->work_ends_soon;
    g_task_return_boolean (task, TRUE);
    return;
  }
  has = g_format_size_full (room, G_FORMAT_SIZE_IEC_UNITS);
  g_task_return_new_error (
      task, LODGE_ERROR, LODGE_ERROR_STORAGE,
      _ ("there is only %s of room on the disk, which it would fill. Free some "
         "space, or keep fewer snapshots"),
      has);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GTask) task = user_data;
  gboolean fresh = g_task_propagate_boolean (G_TASK (result), NULL);

  if (fresh && !lodge_state_is_live (self->state) && self->work == NULL) {
    self->schedule_unchanged = TRUE;
    nothing_new (self);
    g_task_return_boolean (task, FALSE);
  } else if (fresh || (self->work != NULL && !self->work_gives_way)) {
    /* Somebody was quicker. */
    g_task_return_boolean (task, FALSE);
  } else {
    lodge_machine_check_snapshot_async (self, FALSE, checked_cb, g_steal_pointer (&task));
  }
}

static void
look_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Look *look = data;

  g_task_return_boolean (worker, lodge_freeze_is_fresh (look->folder, look->now));
}

/* Each top stands on what was frozen for the snapshot that the present goes on from. */
static gboolean
stands_on_snapshot (const LodgeDescription *now)
{
  const LodgeSnapshot *snapshot =
      now->snapshot != NULL ? lodge_description_get_snapshot (now, now->snapshot) : NULL;

  for (guint i = 0; snapshot != NULL && i < now->disks->len; i++) {
    const LodgeDisk *disk = now->disks->pdata[i];
    const LodgeLayer *top = lodge_description_get_layer (now, disk->top);

    if (top->below == NULL || !g_strv_contains ((const char *const *) snapshot->layers, top->below))
      return FALSE;
  }
  return snapshot != NULL;
}

void
lodge_machine_schedule_look_async (LodgeMachine *self,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (GTask) worker = NULL;
  Look *look;

  g_task_set_source_tag (task, lodge_machine_schedule_look_async);
  if (lodge_state_is_live (self->state) || !stands_on_snapshot (now)) {
    lodge_machine_check_snapshot_async (self, FALSE, checked_cb, task);
    return;
  }
  look = g_new0 (Look, 1);
  look->folder = lodge_machine_dup_folder (self);
  look->now = lodge_description_copy (now);
  worker = g_task_new (self, NULL, looked_cb, task);
  g_task_set_task_data (worker, look, look_free);
  lodge_task_run_in_thread (worker, look_thread);
}

gboolean
lodge_machine_schedule_look_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_schedule_look_async),
                        FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

const LodgeSnapshot *
lodge_machine_schedule_find_expired (LodgeMachine *self, gboolean trusted)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeSnapshot *expired;
  LodgeClock clock;

  if (now == NULL || lodge_description_file_get_read_only (self->file) != NULL ||
      self->recovering || self->work != NULL ||
      (lodge_state_is_live (self->state) && self->state != LODGE_STATE_RUNNING &&
       self->state != LODGE_STATE_PAUSED) ||
      self->state == LODGE_STATE_SUSPENDED || self->state == LODGE_STATE_TEMPLATE)
    return NULL;
  /* Nor of one that nobody has looked at yet, and none that would need its key. */
  if (self->outside != NULL || lodge_machine_is_locked (self))
    return NULL;
  lodge_clock_read (&clock);
  if (clock.elapsed_s < self->schedule_delete_not_before_s)
    return NULL;
  expired = lodge_schedule_find_expired (now, FALSE, clock.wall_s);
  if (expired != NULL || !trusted)
    return expired;
  expired = lodge_schedule_find_expired (now, TRUE, clock.wall_s);
  if (expired != NULL)
    self->schedule_delete_not_before_s = clock.elapsed_s + EXPIRE_S;
  return expired;
}

gboolean
lodge_machine_schedule_expires (LodgeMachine *self, const LodgeSnapshot *snapshot, gboolean trusted)
{
  LodgeClock clock;

  lodge_clock_read (&clock);
  return lodge_schedule_find_expired (lodge_machine_get_description (self), trusted,
                                      clock.wall_s) == snapshot;
}

void
lodge_machine_schedule_changed (LodgeMachine *self)
{
  self->schedule_unchanged = FALSE;
  if (self->state == LODGE_STATE_RUNNING)
    self->schedule_ran = TRUE;
}

void
lodge_machine_schedule_not_deleted (LodgeMachine *self)
{
  LodgeClock clock;

  lodge_clock_read (&clock);
  self->schedule_delete_not_before_s = clock.elapsed_s + AGAIN_S;
}
