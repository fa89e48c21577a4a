/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running QEMU is told which layers its disks stand on, where machine.ini has new ones since. */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-join.h"
#include "description/lodge-own-file.h"
#include "host/lodge-host-kernel.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "qemu/lodge-qemu-chain.h"
#include "qemu/lodge-qemu-plug.h"

#include <fcntl.h>
#include <string.h>

/* Of a disk, more layers than QEMU may have open. */
#define MOST_GONE 2000

typedef struct {
  char *folder;
  GStrv gone; /* or NULL: not known */
  LodgeDescription *now;
  GHashTable *devices; /* that QEMU has */
  LodgeQemuChain *qemu;
} Settle;

static void
settle_free (gpointer data)
{
  Settle *settle = data;

  g_free (settle->folder);
  g_strfreev (settle->gone);
  g_clear_pointer (&settle->now, lodge_description_free);
  g_clear_pointer (&settle->devices, g_hash_table_unref);
  g_clear_pointer (&settle->qemu, lodge_qemu_chain_free);
  g_free (settle);
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  GError *error = NULL;

  if (lodge_qemu_chain_settle_finish (LODGE_QMP (source), result, &error)) {
    self->chain_unsettled = FALSE;
    g_task_return_boolean (task, TRUE);
  } else {
    g_task_return_error (task, error);
  }
}

/* Its end is the end of what it was to be told; and where machine.ini cannot be read nothing is. */
static gboolean
has_ended (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);

  if (self->qmp != NULL && lodge_machine_get_description (self) != NULL)
    return FALSE;
  g_task_return_boolean (task, TRUE);
  return TRUE;
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Settle *settle = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_error (task, error);
  else if (!has_ended (task))
    lodge_qemu_chain_settle_async (self->qmp, g_steal_pointer (&settle->qemu), settled_cb,
                                   g_steal_pointer (&task));
}

/* Those of a disk that may be new to QEMU: the lowest first. */
static gboolean
open_disk (const Settle *settle, const LodgeDisk *disk, GError **error)
{
  g_autoptr (GPtrArray) chain = g_ptr_array_new ();
  const LodgeLayer *layer = lodge_description_get_layer (settle->now, disk->top);

  for (; layer != NULL && layer->below != NULL;
       layer = lodge_description_get_layer (settle->now, layer->below))
    g_ptr_array_add (chain, (gpointer) layer);
  for (guint i = chain->len; i > 1; i--) {
    const LodgeLayer *above = chain->pdata[i - 2];
    int fd;

    layer = chain->pdata[i - 1];
    if (!layer->merge || strcmp (layer->format, "qcow2") != 0 || g_path_is_absolute (layer->file))
      continue;
    fd = lodge_own_file_open (settle->folder, layer->file, O_RDONLY, error);
    if (fd < 0)
      return FALSE;
    lodge_qemu_chain_add_layer (settle->qemu, layer, above->id, i == 2, fd);
  }
  return TRUE;
}

static gboolean
open_all (gpointer data, GError **error)
{
  const Settle *settle = data;

  for (guint i = 0; i < settle->now->disks->len; i++) {
    const LodgeDisk *disk = settle->now->disks->pdata[i];

    if (g_hash_table_contains (settle->devices, disk->id) && !open_disk (settle, disk, error))
      return FALSE;
  }
  return TRUE;
}

/* What nobody has told us of: all that a disk's layers may have been called. */
static void
add_unknown (LodgeQemuChain *qemu, const LodgeDescription *now, GHashTable *devices)
{
  g_autoptr (GHashTable) none = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < now->disks->len; i++) {
    const LodgeDisk *disk = now->disks->pdata[i];
    g_autofree char *file = NULL;
    g_autofree char *next = lodge_description_dup_layer_id (now, disk->id, none, &file);
    guint64 n = g_ascii_strtoull (next + strlen (disk->id) + 2, NULL, 10);

    if (!g_hash_table_contains (devices, disk->id))
      continue;
    for (guint tried = 0; n > 0 && tried < MOST_GONE; tried++, n--) {
      g_autofree char *id = g_strdup_printf ("%s-l%" G_GUINT64_FORMAT, disk->id, n - 1);

      if (lodge_description_get_layer (now, id) == NULL)
        lodge_qemu_chain_add_gone (qemu, id);
    }
  }
}

static void
devices_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Settle *settle = g_task_get_task_data (task);
  const LodgeDescription *now;
  GError *error = NULL;

  settle->devices = lodge_qemu_list_devices_finish (LODGE_QMP (source), result, &error);
  if (settle->devices == NULL) {
    g_task_return_error (task, error);
    return;
  }
  if (has_ended (task))
    return;
  now = lodge_machine_get_description (self);
  settle->now = lodge_description_copy (now);
  settle->qemu = lodge_qemu_chain_new (now->encrypted, lodge_host_has_io_uring ());
  for (guint i = 0; settle->gone != NULL && settle->gone[i] != NULL; i++) {
    g_autofree char *disk = lodge_description_dup_layer_disk (settle->gone[i]);

    /* Those of a disk that has no device are let go of when it is plugged in again. */
    if (g_hash_table_contains (settle->devices, disk))
      lodge_qemu_chain_add_gone (settle->qemu, settle->gone[i]);
  }
  if (settle->gone == NULL)
    add_unknown (settle->qemu, now, settle->devices);
  lodge_task_step_in_thread (g_steal_pointer (&task), open_all, opened_cb);
}

void
lodge_machine_settle_chain_async (LodgeMachine *self,
                                  const char *const *gone,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Settle *settle = g_new0 (Settle, 1);

  settle->folder = lodge_machine_dup_folder (self);
  settle->gone = g_strdupv ((char **) gone);
  g_task_set_source_tag (task, lodge_machine_settle_chain_async);
  g_task_set_task_data (task, settle, settle_free);
  lodge_qemu_list_devices_async (self->qmp, devices_cb, task);
}

gboolean
lodge_machine_settle_chain_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_settle_chain_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
