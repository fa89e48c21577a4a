/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers that no snapshot needs become one new layer while QEMU has them, so that the chain of a
 * machine that runs for weeks stays short; and at rest where nothing else can make it shorter.
 *
 * Theory of operation. Nothing that QEMU may write to, or reads, is changed:
 *
 *   1. The new layer's file and those of the old ones are listed in the journal.
 *   2. The new one is written, from frozen files (lodge-image-join.h). Whoever wants something of
 *      the machine stops that, and it begins anew afterwards.
 *   3. machine.ini names it in their place: what is read through it is what was read through them,
 *      so this is right whatever QEMU has open, and whatever happens next.
 *   4. QEMU is told (lodge-qemu-chain.h): what is above stands on the new one, the old ones are let
 *      go of.
 *   5. The old files go.
 *
 * QEMU has its files open by then and opens none again. So where it could not be told it reads on
 * from files that have no name any more, and their room is given back at its end: the fourth step
 * is made up for by the next engine, or when the guest goes on, and nothing waits for it. Until it
 * is done nothing else is joined (chain_unsettled). That a node of QEMU's is called as its layer
 * stays true: no new layer of a disk has the name of one that was there before
 * (lodge_description_dup_layer_id()), and a disk that is plugged in has its top from nobody else
 * (lodge-qemu-plug.c).
 *
 * The lowest layer is not touched. It becomes one with others when the machine is off
 * (lodge-machine-layers.c).
 *
 * What is shared with a clone, or with what this one was cloned from, is joined only where the
 * chain of a disk is long (lodge_machine_long_chain): the new layer is this machine's alone, so
 * that what was there once is there twice then. The others keep their names of the old files, and
 * read them as before; only the names in this machine's folder go. Where one is off for good, a
 * template, say, nothing else ever makes such a chain shorter: so this is done at rest, too, under
 * the machine's lock, and nobody is told.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-join.h"
#include "description/lodge-description-keys.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-snapshot-files.h"
#include "qemu/lodge-qemu-chain.h"
#include "storage/lodge-image-join.h"
#include "storage/lodge-image-target.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

/* What is left free for the guest, which writes meanwhile and would stand still. */
#define SPARE_BYTES (G_GUINT64_CONSTANT (1) << 30)
#define LOOK_MS     500

guint lodge_machine_least_joined = LODGE_MACHINE_LEAST_JOINED;
guint lodge_machine_long_chain = LODGE_MACHINE_LONG_CHAIN;

typedef struct {
  LodgeJob *job;
  gboolean at_rest; /* there is no QEMU */
  char *folder;
  GStrv layers;          /* ids of those that are joined, from the upmost down */
  GPtrArray *files;      /* theirs; for the journal */
  GPtrArray *chain;      /* for qemu-img */
  LodgeDescription *now; /* lent to a thread */
  char *id;              /* of the new one, and its file */
  char *file;
  /* While it is written. */
  LodgeQmp *qmp;
  GCancellable *cancellable;
  gulong cancel_id, closed_id;
  guint room_timer;
  gboolean ended; /* QEMU has, meanwhile */
  gboolean full;  /* the disk is, all but */
  int lock_fd;
  GError *error;
} Live;

static void
stop_watching (Live *live)
{
  if (live->cancel_id != 0)
    g_cancellable_disconnect (lodge_job_get_cancellable (live->job), live->cancel_id);
  live->cancel_id = 0;
  g_clear_signal_handler (&live->closed_id, live->qmp);
  g_clear_handle_id (&live->room_timer, g_source_remove);
  g_clear_object (&live->qmp);
}

static void
live_free (gpointer data)
{
  Live *live = data;

  stop_watching (live);
  g_clear_object (&live->cancellable);
  g_object_unref (live->job);
  g_free (live->folder);
  g_strfreev (live->layers);
  g_clear_pointer (&live->files, g_ptr_array_unref);
  g_clear_pointer (&live->chain, g_ptr_array_unref);
  g_clear_pointer (&live->now, lodge_description_free);
  g_free (live->id);
  g_free (live->file);
  if (live->lock_fd >= 0)
    close (live->lock_fd);
  g_clear_error (&live->error);
  g_free (live);
}

/* Takes @task_given. */
static void
end (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  LodgeMachine *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);

  /* What QEMU did not do because it has ended nobody needs; one that only has lost its connection
   * is told by whoever takes it over again. */
  if (!live->at_rest && (live->ended || self->qmp == NULL || lodge_qmp_is_closed (self->qmp)) &&
      live->error != NULL && !g_cancellable_is_cancelled (lodge_job_get_cancellable (live->job)) &&
      !g_error_matches (live->error, LODGE_ERROR, LODGE_ERROR_STORAGE))
    g_clear_error (&live->error);
  if (live->lock_fd >= 0)
    close (g_steal_fd (&live->lock_fd));
  if (live->error != NULL)
    g_task_return_error (task, g_steal_pointer (&live->error));
  else
    g_task_return_boolean (task, TRUE);
}

static gboolean
has_ended (LodgeMachine *self, const Live *live)
{
  return !live->at_rest && self->qmp == NULL;
}

static void look (GTask *task);

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Live *live = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  /* What could not be removed is tried again with the next work, and by the next engine. */
  if (!lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  if (live->error != NULL)
    end (task);
  else
    look (task);
}

static void
tidy (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  /* Until now QEMU had the lock, where it is not ours. */
  if (self->pid == 0 && live->lock_fd < 0)
    live->lock_fd = lodge_store_lock (self->store, self->uuid, &error);
  if (error == NULL) {
    lodge_machine_tidy_async (self, tidied_cb, task);
    return;
  }
  g_debug ("%s", error->message);
  end (task);
}

/* QEMU is told. */

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  Live *live = g_task_get_task_data (task);
  GError *error = NULL;

  if (lodge_machine_settle_chain_finish (self, result, &error)) {
    lodge_journal_step ("switched");
  } else if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_BUSY)) {
    /* When the guest goes on. */
    self->join_stopped = TRUE;
    g_clear_error (&error);
  } else if (live->error == NULL) {
    g_prefix_error (&error, _ ("The layers are merged, but QEMU still has the old ones open, whose "
                               "room is free when the guest is off: "));
    live->error = error;
  } else {
    g_clear_error (&error);
  }
  tidy (task);
}

static void
settle (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  const Live *live = g_task_get_task_data (task);

  if (self->qmp == NULL)
    tidy (task);
  else
    lodge_machine_settle_chain_async (self, (const char *const *) live->layers, settled_cb, task);
}

/* machine.ini names the new one. */

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = LODGE_MACHINE (source);
  Live *live = g_task_get_task_data (task);

  if (!lodge_machine_save_finish (self, result, &live->error)) {
    const LodgeDescription *now = lodge_machine_get_description (self);

    /* One that has failed at its very end is there all the same. */
    if (now != NULL && lodge_description_get_layer (now, live->id) != NULL)
      settle (task);
    else
      tidy (task);
    return;
  }
  lodge_journal_step ("written");
  settle (task);
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Live *live = data;

  return lodge_description_join (value, (const char *const *) live->layers, live->id, live->file,
                                 error);
}

static void
frozen_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);

  if (!g_task_propagate_boolean (G_TASK (result), &live->error) || has_ended (self, live)) {
    tidy (task);
    return;
  }
  /* From now on, until QEMU has said that it stands on what machine.ini says: a write that fails at
   * its very end may be there all the same. */
  self->chain_unsettled = !live->at_rest;
  lodge_machine_save_for_work_async (self, edit, live, saved_cb, task);
}

/* It is written. */

static gboolean
freeze (gpointer data, GError **error)
{
  const Live *live = data;

  return lodge_own_file_set_mode (live->folder, live->file, 0400, error);
}

static gboolean
is_full (const Live *live)
{
  g_autofree char *path = g_build_filename (live->folder, "layers", "new", NULL);

  return lodge_image_target_get_room (path) < SPARE_BYTES;
}

static gboolean
room_cb (gpointer user_data)
{
  Live *live = user_data;

  if (!is_full (live))
    return G_SOURCE_CONTINUE;
  live->full = TRUE;
  live->room_timer = 0;
  g_cancellable_cancel (live->cancellable);
  return G_SOURCE_REMOVE;
}

static void
joined_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);

  stop_watching (live);
  if (!lodge_image_join_finish (result, &live->error)) {
    if (live->full) {
      g_clear_error (&live->error);
      g_set_error (&live->error, LODGE_ERROR, LODGE_ERROR_STORAGE,
                   _ ("Layers of “%s” are not merged while less than 1 GiB is free on its disk"),
                   lodge_machine_get_name (self));
    }
    tidy (task);
    return;
  }
  lodge_journal_step ("joined");
  /* From here to the end nobody stops it. */
  lodge_machine_work_ends_soon (self);
  lodge_task_step_in_thread (task, freeze, frozen_cb);
}

static void
progress_cb (double fraction, gpointer user_data)
{
  const Live *live = g_task_get_task_data (user_data);

  lodge_journal_step ("joining");
  lodge_job_set_progress (live->job, fraction);
}

static void
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static void
closed_cb (LodgeQmp *qmp, Live *live)
{
  live->ended = TRUE;
  g_cancellable_cancel (live->cancellable);
}

static void
journaled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);
  g_autofree char *path = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &live->error) || has_ended (self, live)) {
    tidy (task);
    return;
  }
  path = g_build_filename (live->folder, live->file, NULL);
  g_clear_object (&live->cancellable);
  live->cancellable = g_cancellable_new ();
  live->full = FALSE;
  live->room_timer = g_timeout_add (LOOK_MS, room_cb, live);
  if (!live->at_rest) {
    live->qmp = g_object_ref (self->qmp);
    live->closed_id = g_signal_connect (live->qmp, "closed", G_CALLBACK (closed_cb), live);
  }
  live->cancel_id =
      g_cancellable_connect (lodge_job_get_cancellable (live->job), G_CALLBACK (cancelled_cb),
                             g_object_ref (live->cancellable), g_object_unref);
  lodge_image_join_async ((const char *const *) live->chain->pdata, g_strv_length (live->layers),
                          path, progress_cb, task, live->cancellable, joined_cb, task);
}

static gboolean
begin_journal (gpointer data, GError **error)
{
  Live *live = data;
  g_autoptr (GHashTable) taken = lodge_snapshot_files_list_layers (live->folder, error);
  g_autofree char *disk = lodge_description_dup_layer_disk (live->layers[0]);

  if (taken == NULL)
    return FALSE;
  g_free (live->id);
  g_clear_pointer (&live->file, g_free);
  live->id = lodge_description_dup_layer_id (live->now, disk, taken, &live->file);
  /* Of a layer that somebody has named as he liked. */
  if (!lodge_id_is_valid (live->id)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The layer “%s” has a name that leaves no room for a number"), live->layers[0]);
    return FALSE;
  }
  g_ptr_array_add (live->files, g_strdup (live->file));
  g_ptr_array_add (live->files, lodge_image_target_dup_hidden (live->file));
  return lodge_journal_begin (live->folder, live->files, error);
}

/* Which. */

typedef struct {
  const LodgeDescription *now;
  const char *folder;
} Search;

/* A file with several names is a clone's, too, whose room is not free afterwards; one with a name
 * of somebody else's is his. */
static gboolean
may_join (const LodgeLayer *layer, gpointer data)
{
  const Search *search = data;
  guint n_names;

  if (g_path_is_absolute (layer->file) || !lodge_journal_takes (layer->file))
    return FALSE;
  n_names = lodge_own_file_count_names (search->folder, layer->file);
  return n_names == 1 || (n_names > 1 && lodge_description_is_in_chain (search->now, layer,
                                                                        lodge_machine_long_chain));
}

static guint64
measure (const LodgeLayer *layer, gpointer data)
{
  const Search *search = data;

  return lodge_own_file_measure (search->folder, layer->file);
}

static GPtrArray *
find (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autofree char *folder = lodge_machine_dup_folder (self);
  Search search = {now, folder};

  if (self->outside != NULL)
    return NULL;
  return lodge_description_find_join (now, lodge_machine_least_joined, may_join, measure, &search);
}

static gboolean
can_be_told (LodgeMachine *self)
{
  return self->qmp != NULL && !lodge_qmp_is_closed (self->qmp) && !self->ending &&
         (self->state == LODGE_STATE_RUNNING || self->state == LODGE_STATE_PAUSED) &&
         !self->disposable && !self->frozen && !self->disk_failed &&
         self->settle_timeout == 0 && /* a guest that misses its disk comes first */
         lodge_machine_check_answers (self, NULL);
}

gboolean
lodge_machine_can_join_layers (LodgeMachine *self)
{
  g_autoptr (GPtrArray) found = NULL;
  const gboolean at_rest = lodge_machine_is_at_rest (self);

  if (lodge_machine_get_description (self) == NULL || self->recovering || self->join_stopped ||
      lodge_machine_is_locked (self) || (!at_rest && !can_be_told (self)) ||
      lodge_description_file_get_read_only (self->file) != NULL)
    return FALSE;
  if (self->chain_unsettled && !at_rest)
    return TRUE;
  found = find (self);
  return found != NULL;
}

/* What becomes one next, if there is anything. */
static void
plan (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (GStrvBuilder) ids = g_strv_builder_new ();

  g_clear_pointer (&live->layers, g_strfreev);
  /* Nobody has asked for it, so nobody is told that there is no room. */
  if (is_full (live)) {
    self->join_stopped = TRUE;
    end (task);
    return;
  }
  /* Who came meanwhile did not stop it. */
  found = now != NULL && self->waiting_for_work->len == 0 ? find (self) : NULL;
  if (found != NULL) {
    g_clear_pointer (&live->chain, g_ptr_array_unref);
    live->chain = lodge_machine_list_chain (self, now, found->pdata[0], &live->error);
  }
  if (found == NULL || live->chain == NULL) {
    end (task);
    return;
  }
  g_ptr_array_set_size (live->files, 0);
  for (guint i = 0; i < found->len; i++) {
    const LodgeLayer *layer = found->pdata[i];

    g_strv_builder_add (ids, layer->id);
    g_ptr_array_add (live->files, g_strdup (layer->file));
  }
  live->layers = g_strv_builder_end (ids);
  g_clear_pointer (&live->now, lodge_description_free);
  live->now = lodge_description_copy (now);
  self->work_gives_way = TRUE;
  self->work_ends_soon = FALSE;
  lodge_machine_save_waiting (self);
  lodge_task_step_in_thread (task, begin_journal, journaled_cb);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);

  if (!lodge_qemu_chain_check_finish (LODGE_QMP (source), result, &live->error)) {
    /* What is told when the guest goes on is not told before. */
    if (g_error_matches (live->error, LODGE_ERROR, LODGE_ERROR_BUSY)) {
      self->join_stopped = TRUE;
      g_clear_error (&live->error);
    }
    end (task);
    return;
  }
  g_clear_pointer (&live->layers, g_strfreev);
  if (self->chain_unsettled)
    settle (task);
  else
    plan (task);
}

/* The next ones, or the end. */
static void
look (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Live *live = g_task_get_task_data (task);

  /* What was at rest is that still: whoever starts it waits for this. */
  if (self->waiting_for_work->len > 0 || !lodge_machine_can_join_layers (self)) {
    end (task);
    return;
  }
  live->at_rest = lodge_machine_is_at_rest (self);
  if (!live->at_rest) {
    lodge_qemu_chain_check_async (self->qmp, checked_cb, task);
    return;
  }
  if (live->lock_fd < 0)
    live->lock_fd = lodge_store_lock (self->store, self->uuid, &live->error);
  if (live->lock_fd < 0)
    end (task);
  else
    plan (task);
}

void
lodge_machine_join_layers_async (LodgeMachine *self,
                                 LodgeJob *job,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Live *live = g_new0 (Live, 1);

  live->job = g_object_ref (job);
  live->folder = lodge_machine_dup_folder (self);
  live->files = g_ptr_array_new_with_free_func (g_free);
  live->lock_fd = -1;
  g_task_set_source_tag (task, lodge_machine_join_layers_async);
  g_task_set_task_data (task, live, live_free);
  lodge_job_set_step (job, _ ("Merging layers"));
  lodge_machine_work_ends_soon (self);
  look (task);
}

gboolean
lodge_machine_join_layers_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_join_layers_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
lodge_machine_join_recover (LodgeMachine *self)
{
  const LodgeDescription *now = lodge_machine_get_description (self);

  self->join_stopped = FALSE;
  for (guint i = 0; now != NULL && i < now->layers->len; i++) {
    const LodgeLayer *layer = now->layers->pdata[i];

    if (layer->merge && layer->below != NULL)
      self->chain_unsettled = TRUE;
  }
}
