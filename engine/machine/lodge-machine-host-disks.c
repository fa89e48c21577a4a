/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks of this computer that a machine runs with.
 *
 * What is in a drive, such as a card reader, is told from another by what is on it, and a guest may
 * format that. So it is looked at again when the run has ended, where the kernel says that nobody
 * has changed the medium since the machine was given it, and machine.ini says what it is by now,
 * before the machine counts as off. Since when is written down (lodge-media-record.h) for an engine
 * that begins meanwhile. Where all of that ended with the computer, the machine is not started with
 * it before it was removed from it and added again, which is better than with another.
 */
#include "machine/lodge-machine-private.h"

#include "host/lodge-host-disk.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-media-record.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>

void
lodge_machine_close_host_disks (GArray *disks)
{
  for (guint i = 0; i < disks->len; i++)
    close (g_array_index (disks, LodgeMachineCommandHostDisk, i).fd);
  g_array_unref (disks);
}

static gboolean
open_host_disk (
    const LodgeLayer *layer, gboolean top, gboolean only_shown, GArray *disks, GError **error)
{
  LodgeMachineCommandHostDisk disk = {layer->id, -1};

  if (layer->host_disk[0] == '\0')
    return TRUE;
  disk.fd = only_shown ? open ("/dev/null", O_RDWR | O_CLOEXEC)
                       : lodge_host_disk_open (layer->file, layer->host_disk, layer->size_bytes,
                                               top, error);
  if (disk.fd >= 0)
    g_array_append_val (disks, disk);
  return disk.fd >= 0;
}

GArray *
lodge_machine_open_host_disks (const LodgeDescription *description,
                               gboolean only_shown,
                               GError **error)
{
  GArray *disks = g_array_new (FALSE, FALSE, sizeof (LodgeMachineCommandHostDisk));

  for (guint i = 0; i < description->disks->len; i++) {
    const LodgeDisk *disk = description->disks->pdata[i];
    const LodgeLayer *layer =
        disk->attached ? lodge_description_get_layer (description, disk->top) : NULL;

    for (gboolean top = TRUE; layer != NULL; top = FALSE) {
      if (!open_host_disk (layer, top, only_shown, disks, error)) {
        lodge_machine_close_host_disks (disks);
        return NULL;
      }
      layer = layer->below != NULL ? lodge_description_get_layer (description, layer->below) : NULL;
    }
  }
  return disks;
}

/* The media. */

GHashTable *
lodge_machine_list_media (const LodgeDescription *description)
{
  GHashTable *media = lodge_media_new ();

  for (guint i = 0; i < description->layers->len; i++) {
    const LodgeLayer *layer = description->layers->pdata[i];
    g_autoptr (LodgeHostDisk) disk =
        layer->host_disk[0] != '\0' ? lodge_host_disk_look (layer->file, NULL) : NULL;

    if (disk != NULL)
      lodge_media_set (media, layer->file, disk->sequence);
  }
  return media;
}

void
lodge_machine_remember_medium (LodgeMachine *self, const char *path, guint64 sequence)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  lodge_media_set (self->media, path, sequence);
  lodge_media_record_write (folder, self->media);
}

void
lodge_machine_take_media (LodgeMachine *self, GHashTable *media)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  g_hash_table_unref (self->media);
  self->media = media;
  lodge_media_record_write (folder, media);
}

void
lodge_machine_recover_media (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);

  g_hash_table_unref (self->media);
  self->media = lodge_media_record_load (folder);
}

/* The data of a task: what each was, and what is in the drives now, by the disks' paths. */
typedef struct {
  char *folder;
  GHashTable *before;
  GHashTable *now;
} Look;

static void
look_free (gpointer data)
{
  Look *look = data;

  g_free (look->folder);
  g_hash_table_unref (look->before);
  g_hash_table_unref (look->now);
  g_free (look);
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Look *look = data;
  gboolean changed = FALSE;

  for (guint i = 0; i < value->layers->len; i++) {
    LodgeLayer *layer = value->layers->pdata[i];
    const char *identity = g_hash_table_lookup (look->now, layer->file);

    if (layer->host_disk[0] == '\0' || identity == NULL ||
        g_str_equal (identity, layer->host_disk) ||
        !lodge_host_disk_is_same_drive (identity, layer->host_disk))
      continue;
    g_free (layer->host_disk);
    layer->host_disk = g_strdup (identity);
    changed = TRUE;
  }
  if (!changed)
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED, "");
  return changed;
}

/* Takes @task_given. */
static void
end_look (GTask *task_given)
{
  g_autoptr (GTask) task = task_given;
  const Look *look = g_task_get_task_data (task);
  g_autoptr (GHashTable) none = lodge_media_new ();

  lodge_media_record_write (look->folder, none);
  g_task_return_boolean (task, TRUE);
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  g_autoptr (GError) error = NULL;

  /* As a rule there is nothing to be changed; else the next engine tries it again. */
  if (lodge_machine_save_finish (LODGE_MACHINE (source), result, &error) ||
      g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED)) {
    end_look (task);
    return;
  }
  g_debug ("%s", error->message);
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Look *look = g_task_get_task_data (task);

  if (g_hash_table_size (look->now) > 0) {
    lodge_machine_save_async (g_task_get_source_object (task), edit, look, NULL, saved_cb, task);
    return;
  }
  end_look (task);
}

static gboolean
look_step (gpointer data, GError **error)
{
  Look *look = data;
  GHashTableIter iter;
  gpointer path, sequence;

  g_hash_table_iter_init (&iter, look->before);
  while (g_hash_table_iter_next (&iter, &path, &sequence)) {
    g_autoptr (LodgeHostDisk) disk = lodge_host_disk_look (path, NULL);

    if (disk != NULL && disk->sequence == *(const guint64 *) sequence)
      g_hash_table_insert (look->now, g_strdup (path), g_strdup (disk->identity));
  }
  return TRUE;
}

void
lodge_machine_look_at_media_async (LodgeMachine *self,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Look *look = g_new0 (Look, 1);

  look->folder = lodge_machine_dup_folder (self);
  look->before = g_steal_pointer (&self->media);
  look->now = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->media = lodge_media_new ();
  g_task_set_source_tag (task, lodge_machine_look_at_media_async);
  g_task_set_task_data (task, look, look_free);
  if (g_hash_table_size (look->before) > 0) {
    lodge_task_step_in_thread (task, look_step, looked_cb);
    return;
  }
  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}
