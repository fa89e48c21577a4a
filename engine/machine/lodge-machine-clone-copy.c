/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copying the disks of a full clone, one after the other: each becomes one layer. */
#include "machine/lodge-machine-clone-private.h"

#include "machine/lodge-journal-private.h"
#include "storage/lodge-image.h"

static void
copied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeClone *clone = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_image_flatten_finish (result, &error)) {
    lodge_clone_fail (task, error);
    return;
  }
  lodge_journal_step ("copied");
  clone->n_copied++;
  lodge_clone_copy (task);
}

static void
copy_progress_cb (double fraction, gpointer user_data)
{
  LodgeClone *clone = g_task_get_task_data (user_data);

  lodge_journal_step ("copying");
  lodge_job_set_progress (clone->job, (clone->n_copied + fraction) / clone->flat->disks->len);
}

/* "format:path" of what a disk of the clone reads from, from the top down. */
static GPtrArray *
list_chain (const LodgeClone *clone, const LodgeDisk *disk)
{
  GPtrArray *chain = g_ptr_array_new_with_free_func (g_free);
  const LodgeLayer *layer = lodge_description_get_layer (clone->clone, disk->top);

  while (layer != NULL) {
    g_autofree char *path = NULL;
    guint at;

    g_ptr_array_find (clone->clone->layers, layer, &at);
    if (clone->pinned) {
      g_autofree char *name = g_path_get_basename (layer->file);

      path = g_build_filename (clone->folder, LODGE_CLONE_PINS, name, NULL);
    } else {
      const char *file = clone->files->pdata[at];

      path = g_path_is_absolute (file) ? g_strdup (file)
                                       : g_build_filename (clone->source_folder, file, NULL);
    }
    g_ptr_array_add (chain, g_strdup_printf ("%s:%s", layer->format, path));
    layer = layer->below != NULL ? lodge_description_get_layer (clone->clone, layer->below) : NULL;
  }
  g_ptr_array_add (chain, NULL);
  return chain;
}

void
lodge_clone_copy (GTask *task)
{
  LodgeClone *clone = g_task_get_task_data (task);
  const LodgeDisk *disk;
  const LodgeLayer *layer;
  g_autofree char *path = NULL;

  if (clone->n_copied == clone->flat->disks->len) {
    lodge_clone_commit (task);
    return;
  }
  disk = clone->flat->disks->pdata[clone->n_copied];
  layer = lodge_description_get_layer (clone->flat, disk->top);
  path = g_build_filename (clone->folder, layer->file, NULL);
  g_clear_pointer (&clone->chain, g_ptr_array_unref);
  clone->chain = list_chain (clone, clone->clone->disks->pdata[clone->n_copied]);
  lodge_image_flatten_async ((const char *const *) clone->chain->pdata, layer->size_bytes, path,
                             copy_progress_cb, task, lodge_job_get_cancellable (clone->job),
                             copied_cb, task);
}
