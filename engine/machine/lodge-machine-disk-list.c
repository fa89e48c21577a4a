/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What there is to see of a machine's disks. */
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-private.h"

#include "description/lodge-own-file.h"
#include "lodge-task-thread.h"
#include "storage/lodge-image-grow.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A disk that sleeps, or is somewhere in a network, must not keep all machines waiting: what is
 * read from it is read by a thread, from copies of its own. */
typedef struct {
  char *folder;
  LodgeDescription *now;
} Read;

static void
read_free (gpointer data)
{
  Read *its = data;

  g_free (its->folder);
  lodge_description_free (its->now);
  g_free (its);
}

static guint64
measure (const char *folder, const LodgeLayer *layer)
{
  struct stat info;

  if (!g_path_is_absolute (layer->file))
    return lodge_own_file_measure (folder, layer->file);
  return stat (layer->file, &info) == 0 ? (guint64) info.st_blocks * 512 : 0;
}

/* What its file says; what machine.ini says where that cannot be read. */
static guint64
get_size (const char *folder, const LodgeLayer *top)
{
  guint64 size = top->size_bytes;
  int fd;

  if (g_path_is_absolute (top->file))
    return size;
  fd = lodge_own_file_open (folder, top->file, O_RDONLY, NULL);
  if (fd < 0)
    return size;
  if (!lodge_image_read_size (fd, top->format, &size))
    size = top->size_bytes;
  close (fd);
  return size;
}

static guint64
get_room (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct statvfs info;

  return statvfs (folder, &info) == 0 ? (guint64) info.f_bavail * info.f_frsize : 0;
}

static GVariant *
describe (const Read *its, const LodgeDisk *disk)
{
  const LodgeLayer *top = lodge_description_get_layer (its->now, disk->top);
  g_autofree char *path = NULL;
  guint64 used = 0;
  guint n_layers = 0;
  GVariantDict dict;

  g_assert (top != NULL); /* lodge_description_check() */
  for (const LodgeLayer *layer = top; layer != NULL;
       layer = layer->below != NULL ? lodge_description_get_layer (its->now, layer->below) : NULL) {
    used += measure (its->folder, layer);
    n_layers++;
  }
  path = g_path_is_absolute (top->file) ? g_strdup (top->file)
                                        : g_build_filename (its->folder, top->file, NULL);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "id", "s", disk->id);
  g_variant_dict_insert (&dict, "bus", "s", disk->bus == LODGE_DISK_BUS_SATA ? "sata" : "virtio");
  g_variant_dict_insert (&dict, "format", "s", top->format);
  g_variant_dict_insert (&dict, "file", "s", path);
  g_variant_dict_insert (&dict, "attached", "b", disk->attached);
  g_variant_dict_insert (&dict, "host", "b", top->host_disk[0] != '\0');
  g_variant_dict_insert (&dict, "size", "t", get_size (its->folder, top));
  g_variant_dict_insert (&dict, "used", "t", used);
  g_variant_dict_insert (&dict, "layers", "u", n_layers);
  g_variant_dict_insert (&dict, "room", "t", get_room (path));
  return g_variant_dict_end (&dict);
}

static void
list_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Read *its = data;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < its->now->disks->len; i++)
    g_variant_builder_add_value (&builder, describe (its, its->now->disks->pdata[i]));
  g_task_return_pointer (task, g_variant_ref_sink (g_variant_builder_end (&builder)),
                         (GDestroyNotify) g_variant_unref);
}

void
lodge_machine_list_disks_async (LodgeMachine *self,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  const LodgeDescription *now = lodge_machine_get_description (self);
  Read *its;

  g_task_set_source_tag (task, lodge_machine_list_disks_async);
  if (now == NULL) {
    g_task_return_pointer (task, g_variant_ref_sink (g_variant_new ("aa{sv}", NULL)),
                           (GDestroyNotify) g_variant_unref);
    return;
  }
  its = g_new0 (Read, 1);
  its->folder = lodge_machine_dup_folder (self);
  its->now = lodge_description_copy (now);
  g_task_set_task_data (task, its, read_free);
  lodge_task_run_in_thread (task, list_thread);
}

GVariant *
lodge_machine_list_disks_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_list_disks_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
