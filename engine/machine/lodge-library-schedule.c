/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots that are taken by themselves, and deleted again.
 *
 * Theory of operation. Twice a minute, and as soon as it is known what runs, each machine is asked
 * whether one is due; so a time that fell into one without an engine is made up for when there is
 * an engine again, and for a guest that runs there always is one. One thing at a time: the disk is
 * shared by all. What is done is a job like any other, to be seen and cancelled.
 *
 *   due       by the clock, for a state that lasts, and something was written since the last one
 *   taken     as a snapshot by hand; whoever wants to start the machine meanwhile waits for it
 *   held up   by a merge for some minutes, and then that gives way, once
 *   expired   deleted, as by hand; only what was taken here and nobody has made his own
 *
 * The clock may be wrong, or be set: two are never near each other by the time that has passed
 * (lodge_schedule_get_least_s()), and none is deleted for its age by a clock that may be wrong
 * (lodge-clock-trust.h).
 */
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-private.h"

#include "machine/lodge-clock-trust.h"
#include "machine/lodge-machine-schedule.h"

#define TICK_S 30

struct _LodgeLibrarySchedule {
  LodgeLibrary *library; /* lent: it owns this */
  guint timer;
  guint idle;
  LodgeClockTrust *trust;
  GObject *busy; /* a machine, or the job of one; owned */
};

static gboolean
idle_cb (gpointer user_data)
{
  LodgeLibrarySchedule *self = user_data;

  self->idle = 0;
  lodge_library_schedule_tick (self);
  return G_SOURCE_REMOVE;
}

/* There may be more to do. */
static void
done (LodgeLibrarySchedule *self)
{
  g_clear_object (&self->busy);
  if (self->idle == 0 && self->timer != 0)
    self->idle = g_idle_add (idle_cb, self);
}

static LodgeMachine *
find_machine (LodgeLibrarySchedule *self, LodgeJob *job)
{
  return lodge_library_find (self->library, lodge_job_get_machine (job), NULL);
}

static void
taking_cb (LodgeJob *job, LodgeLibrarySchedule *self)
{
  LodgeMachine *machine = find_machine (self, job);

  if (lodge_job_get_state (job) == LODGE_JOB_RUNNING)
    return;
  g_signal_handlers_disconnect_by_data (job, self);
  if (machine != NULL && lodge_job_get_error (job) != NULL)
    lodge_machine_schedule_failed (machine, lodge_job_get_error (job));
  else if (machine != NULL)
    lodge_machine_schedule_taken (machine);
  done (self);
}

static void
deleting_cb (LodgeJob *job, LodgeLibrarySchedule *self)
{
  LodgeMachine *machine = find_machine (self, job);

  if (lodge_job_get_state (job) == LODGE_JOB_RUNNING)
    return;
  g_signal_handlers_disconnect_by_data (job, self);
  if (machine != NULL && lodge_job_get_error (job) != NULL)
    lodge_machine_schedule_not_deleted (machine);
  done (self);
}

/* What is refused has ended already. */
static void
follow (LodgeLibrarySchedule *self,
        LodgeJob *job,
        void (*changed) (LodgeJob *job, LodgeLibrarySchedule *self))
{
  g_set_object (&self->busy, G_OBJECT (job));
  g_signal_connect (job, "changed", G_CALLBACK (changed), self);
  changed (job, self);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* Another library by now, or none. */
  g_autoptr (LodgeLibrary) library = user_data;
  LodgeLibrarySchedule *self = lodge_library_get_schedule (library);
  LodgeMachine *machine = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;
  gboolean take = lodge_machine_schedule_look_finish (machine, result, &error);

  if (self == NULL || self->busy != source)
    return;
  if (take) {
    follow (self, lodge_library_take_scheduled (library, machine), taking_cb);
    return;
  }
  if (error != NULL)
    lodge_machine_schedule_failed (machine, error);
  done (self);
}

void
lodge_library_schedule_tick (LodgeLibrarySchedule *self)
{
  GPtrArray *machines = lodge_library_get_machines (self->library);
  LodgeClock clock;
  gboolean trusted;

  lodge_clock_read (&clock);
  trusted = lodge_clock_trust_look (self->trust, &clock);
  for (guint i = 0; self->busy == NULL && self->timer != 0 && i < machines->len; i++) {
    LodgeMachine *machine = machines->pdata[i];
    const LodgeSnapshot *expired;

    if (lodge_machine_schedule_is_due (machine)) {
      self->busy = g_object_ref (G_OBJECT (machine));
      lodge_machine_schedule_look_async (machine, looked_cb, g_object_ref (self->library));
      return;
    }
    expired = lodge_machine_schedule_find_expired (machine, trusted);
    if (expired != NULL)
      follow (self, lodge_library_delete_expired (self->library, machine, expired->id, trusted),
              deleting_cb);
  }
}

static gboolean
timer_cb (gpointer user_data)
{
  lodge_library_schedule_tick (user_data);
  return G_SOURCE_CONTINUE;
}

LodgeLibrarySchedule *
lodge_library_schedule_new (LodgeLibrary *library, const char *clock_path)
{
  LodgeLibrarySchedule *self = g_new0 (LodgeLibrarySchedule, 1);

  self->library = library;
  self->trust = lodge_clock_trust_new (clock_path);
  self->timer = g_timeout_add_seconds (TICK_S, timer_cb, self);
  return self;
}

gboolean
lodge_library_schedule_is_busy (LodgeLibrarySchedule *self)
{
  return self->busy != NULL || self->idle != 0;
}

void
lodge_library_schedule_stop (LodgeLibrarySchedule *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_handle_id (&self->idle, g_source_remove);
}

void
lodge_library_schedule_free (LodgeLibrarySchedule *self)
{
  lodge_library_schedule_stop (self);
  if (self->busy != NULL)
    g_signal_handlers_disconnect_by_data (self->busy, self);
  g_clear_object (&self->busy);
  lodge_clock_trust_free (self->trust);
  g_free (self);
}
