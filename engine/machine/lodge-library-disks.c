/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing a machine's disks, as jobs of the library. */
#include "machine/lodge-library-private.h"
#include "machine/lodge-machine-disks.h"
#include "machine/lodge-machine-private.h"
#include "machine/lodge-machine-sticks.h"

typedef struct {
  LodgeLibrary *library;
  LodgeJob *job;
} Change;

static Change *
begin (LodgeLibrary *self, LodgeMachine *machine, const char *kind)
{
  Change *change = g_new0 (Change, 1);

  change->library = g_object_ref (self);
  change->job = g_object_ref (
      lodge_library_add_job (self, lodge_job_new (kind, lodge_machine_get_uuid (machine))));
  return change;
}

/* Takes @change and @error. */
static void
end (Change *change, const char *result, GError *error)
{
  if (error != NULL)
    lodge_job_take_error (change->job, error);
  else
    lodge_job_done (change->job, result);
  /* What it has stopped goes on. */
  lodge_library_merge_later (change->library);
  g_object_unref (change->library);
  g_object_unref (change->job);
  g_free (change);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;
  g_autofree char *text = lodge_machine_disk_finish (LODGE_MACHINE (source), result, &error);

  end (user_data, text, error);
}

LodgeJob *
lodge_library_grow_disk (LodgeLibrary *self,
                         LodgeMachine *machine,
                         const char *disk,
                         guint64 size_bytes)
{
  Change *change = begin (self, machine, "disk-grow");
  LodgeJob *job = change->job;

  lodge_machine_grow_disk_async (machine, job, disk, size_bytes, changed_cb, change);
  return job;
}

LodgeJob *
lodge_library_add_disk (LodgeLibrary *self,
                        LodgeMachine *machine,
                        guint64 size_bytes,
                        const char *bus,
                        const char *image)
{
  Change *change = begin (self, machine, "disk-add");
  LodgeJob *job = change->job;

  lodge_machine_add_disk_async (machine, job, size_bytes, bus, image, changed_cb, change);
  return job;
}

LodgeJob *
lodge_library_add_host_disk (
    LodgeLibrary *self, LodgeMachine *machine, const char *path, const char *bus, gboolean accepted)
{
  Change *change = begin (self, machine, "disk-add");
  LodgeJob *job = change->job;

  lodge_machine_add_host_disk_async (machine, job, path, bus, accepted, changed_cb, change);
  return job;
}

LodgeJob *
lodge_library_remove_disk (LodgeLibrary *self,
                           LodgeMachine *machine,
                           const char *disk,
                           gboolean first)
{
  Change *change = begin (self, machine, "disk-remove");
  LodgeJob *job = change->job;

  lodge_machine_remove_disk_async (machine, job, disk, first, changed_cb, change);
  return job;
}

LodgeJob *
lodge_library_detach_disk (LodgeLibrary *self,
                           LodgeMachine *machine,
                           const char *disk,
                           gboolean first)
{
  Change *change = begin (self, machine, "disk-detach");
  LodgeJob *job = change->job;

  lodge_machine_detach_disk_async (machine, job, disk, first, changed_cb, change);
  return job;
}

LodgeJob *
lodge_library_attach_disk (LodgeLibrary *self, LodgeMachine *machine, const char *disk)
{
  Change *change = begin (self, machine, "disk-attach");
  LodgeJob *job = change->job;

  lodge_machine_attach_disk_async (machine, job, disk, changed_cb, change);
  return job;
}

LodgeJob *
lodge_library_plug_stick (LodgeLibrary *self, LodgeMachine *machine, const char *path)
{
  Change *change = begin (self, machine, "stick-plug");
  LodgeJob *job = change->job;

  lodge_machine_plug_stick_async (machine, job, path, changed_cb, change);
  return job;
}

LodgeJob *
lodge_library_unplug_stick (LodgeLibrary *self, LodgeMachine *machine, const char *stick)
{
  Change *change = begin (self, machine, "stick-unplug");
  LodgeJob *job = change->job;

  lodge_machine_unplug_stick_async (machine, job, stick, changed_cb, change);
  return job;
}

LodgeJob *
lodge_library_compact_disk (LodgeLibrary *self, LodgeMachine *machine, const char *disk)
{
  Change *change = begin (self, machine, "disk-compact");
  LodgeJob *job = change->job;

  lodge_machine_compact_disk_async (machine, job, disk, changed_cb, change);
  return job;
}

/* Of all machines: disks that are used in place, and what is in drives. Transfer full. */
static GStrv
list_used_files (LodgeLibrary *self)
{
  GPtrArray *machines = lodge_library_get_machines (self);
  g_autoptr (GStrvBuilder) files = g_strv_builder_new ();

  for (guint i = 0; i < machines->len; i++) {
    const LodgeDescription *now = lodge_machine_get_description (machines->pdata[i]);

    for (guint j = 0; now != NULL && j < now->layers->len; j++) {
      const LodgeLayer *layer = now->layers->pdata[j];

      if (g_path_is_absolute (layer->file))
        g_strv_builder_add (files, layer->file);
    }
    for (guint j = 0; now != NULL && j < now->media->len; j++) {
      const LodgeMedia *media = now->media->pdata[j];

      if (media->file != NULL)
        g_strv_builder_add (files, media->file);
    }
    for (guint j = 0; now != NULL && j < now->sticks->len; j++)
      g_strv_builder_add (files, ((const LodgeStick *) now->sticks->pdata[j])->file);
  }
  return g_strv_builder_end (files);
}

LodgeJob *
lodge_library_convert_disk (LodgeLibrary *self,
                            LodgeMachine *machine,
                            const char *disk,
                            const char *format,
                            const char *path,
                            const char *snapshot,
                            gboolean replace)
{
  Change *change = begin (self, machine, "disk-convert");
  g_auto (GStrv) used = list_used_files (self);
  LodgeJob *job = change->job;

  lodge_machine_convert_disk_async (machine, job, disk, format, path, snapshot, replace,
                                    (const char *const *) used, changed_cb, change);
  return job;
}

GHashTable *
lodge_library_list_held_disks (LodgeLibrary *self)
{
  GHashTable *held = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GPtrArray *machines = lodge_library_get_machines (self);

  for (guint i = 0; i < machines->len; i++) {
    LodgeMachine *machine = machines->pdata[i];
    const LodgeDescription *now = lodge_machine_get_description (machine);

    for (guint j = 0; now != NULL && machine->pid != 0 && j < now->layers->len; j++) {
      const LodgeLayer *layer = now->layers->pdata[j];

      if (layer->host_disk[0] != '\0')
        g_hash_table_insert (held, g_strdup (layer->file), g_strdup (now->name));
    }
  }
  return held;
}
