/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk of a machine that is off gives back what it takes of this computer's and has no use for.
 *
 * Its layers are written anew, one after the other: the one that the guest writes to, and those
 * that only wait to become one with another. What a snapshot needs stays the file that it is, and
 * so does what a clone shares. For each:
 *
 *   1. The old file and the new one are listed in the journal.
 *   2. The new one is written.
 *   3. machine.ini names the new one, and the old one goes. One that is no smaller goes itself.
 */
#include "machine/lodge-machine-disk-work.h"
#include "machine/lodge-machine-disks.h"

#include "description/lodge-description-keys.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "storage/lodge-image-target.h"
#include "storage/lodge-image.h"

#include <glib/gi18n-lib.h>

typedef struct {
  LodgeDiskWork work;
  GPtrArray *layers; /* ids of those that are still to be looked at */
  guint n_all;
  GPtrArray *chain; /* of the one that is being written anew */
  char *layer;      /* its id */
  char *old;        /* its file */
  char *file;       /* the new one */
  guint64 freed;
} Compact;

static void
compact_free (gpointer data)
{
  Compact *compact = data;

  lodge_disk_work_clear (&compact->work);
  g_clear_pointer (&compact->layers, g_ptr_array_unref);
  g_clear_pointer (&compact->chain, g_ptr_array_unref);
  g_free (compact->layer);
  g_free (compact->old);
  g_free (compact->file);
  g_free (compact);
}

static void next (GTask *task);

static void
tidied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_machine_tidy_finish (LODGE_MACHINE (source), result, &error))
    next (user_data);
  else
    lodge_disk_work_end (user_data, error);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Compact *compact = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_save_finish (self, result, &error)) {
    lodge_disk_work_end (task, error);
    return;
  }
  lodge_journal_step ("written");
  compact->freed += lodge_own_file_measure (compact->work.folder, compact->old) -
                    lodge_own_file_measure (compact->work.folder, compact->file);
  lodge_machine_tidy_async (self, tidied_cb, task);
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Compact *compact = data;
  LodgeLayer *layer = lodge_description_get_layer (value, compact->layer);

  g_free (layer->file);
  layer->file = g_strdup (compact->file);
  return TRUE;
}

static void
compacted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Compact *compact = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_image_compact_finish (result, &error) ||
      lodge_job_set_error_if_cancelled (compact->work.job, &error)) {
    lodge_disk_work_end (task, error);
    return;
  }
  lodge_journal_step ("compacted");
  if (lodge_own_file_measure (compact->work.folder, compact->file) <
      lodge_own_file_measure (compact->work.folder, compact->old))
    lodge_machine_save_for_work_async (self, edit, compact, saved_cb, task);
  else
    lodge_machine_tidy_async (self, tidied_cb, task);
}

static void
progress_cb (double fraction, gpointer user_data)
{
  const Compact *compact = g_task_get_task_data (user_data);
  guint n_done = compact->n_all - compact->layers->len - 1;

  lodge_journal_step ("compacting");
  lodge_job_set_progress (compact->work.job, (n_done + fraction) / compact->n_all);
}

static void
journaled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  const Compact *compact = g_task_get_task_data (task);
  g_autofree char *path = g_build_filename (compact->work.folder, compact->file, NULL);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    lodge_image_compact_async ((const char *const *) compact->chain->pdata, path, progress_cb, task,
                               lodge_job_get_cancellable (compact->work.job), compacted_cb, task);
  else
    lodge_disk_work_end (task, error);
}

/* The next layer, or the end. */
static void
next (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Compact *compact = g_task_get_task_data (task);
  LodgeDiskWork *work = &compact->work;
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeLayer *layer;
  GError *error = NULL;

  if (compact->layers->len == 0) {
    work->result = g_strdup_printf ("%" G_GUINT64_FORMAT, compact->freed);
    lodge_disk_work_end (task, NULL);
    return;
  }
  g_free (compact->layer);
  compact->layer = g_ptr_array_steal_index (compact->layers, 0);
  layer = lodge_description_get_layer (now, compact->layer);
  g_clear_pointer (&compact->chain, g_ptr_array_unref);
  compact->chain = lodge_machine_list_chain (self, now, layer, &error);
  if (compact->chain == NULL) {
    lodge_disk_work_end (task, error);
    return;
  }
  g_free (compact->old);
  compact->old = g_strdup (layer->file);
  g_free (compact->file);
  compact->file = lodge_disk_work_dup_free_file (work, now, work->disk, layer->format);
  g_ptr_array_set_size (work->files, 0);
  g_ptr_array_add (work->files, g_strdup (compact->old));
  g_ptr_array_add (work->files, g_strdup (compact->file));
  g_ptr_array_add (work->files, lodge_image_target_dup_hidden (compact->file));
  lodge_disk_work_journal (task, journaled_cb);
}

/* A file with several names is a clone's, too; one with a name of somebody else's stays there. */
static gboolean
may_compact (const LodgeDiskWork *work, const LodgeDescription *now, const LodgeLayer *layer)
{
  const LodgeDisk *disk = lodge_section_find_item (LODGE_SECTION_DISK, now, work->disk);
  gboolean top = g_str_equal (disk->top, layer->id);

  return (top || (layer->merge && !lodge_description_needs_layer (now, layer->id))) &&
         lodge_journal_takes (layer->file) &&
         lodge_own_file_count_names (work->folder, layer->file) == 1;
}

static void
go (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Compact *compact = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeDisk *disk = lodge_machine_find_disk (self, compact->work.disk, NULL);
  const LodgeLayer *layer = lodge_description_get_layer (now, disk->top);

  compact->layers = g_ptr_array_new_with_free_func (g_free);
  while (layer != NULL) {
    if (may_compact (&compact->work, now, layer))
      g_ptr_array_add (compact->layers, g_strdup (layer->id));
    layer = layer->below != NULL ? lodge_description_get_layer (now, layer->below) : NULL;
  }
  compact->n_all = compact->layers->len;
  next (task);
}

void
lodge_machine_compact_disk_async (LodgeMachine *self,
                                  LodgeJob *job,
                                  const char *disk,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  static const LodgeDiskWorkKind kind = {LODGE_ACTION_COMPACT, N_ ("Compacting the disk"), NULL,
                                         go};
  Compact *compact = g_new0 (Compact, 1);

  compact->work.undone = g_strdup_printf (_ ("The disk “%s” was not compacted: "), disk);
  lodge_disk_work_begin (
      lodge_disk_work_new (self, compact, job, disk, compact_free, callback, user_data), &kind);
}
