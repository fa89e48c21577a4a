/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A new disk: empty, a copy of an image, or a disk of this computer as a whole; or one again that
 * was detached, which is the guest's from the moment on at which machine.ini says so.
 *
 * Its layer is listed in the journal and made; then machine.ini names it, which is the moment from
 * which it counts. An end before that leaves a file that the next work or engine removes. A QEMU
 * that runs gets it after that: if it refuses, the disk is the machine's no more, or is detached
 * again; if it has ended, or this engine does, the disk is there at the next start, or is plugged
 * in by the next engine (lodge-machine-disk-plug.c). A disk of this computer is only looked at, and
 * named.
 */
#include "machine/lodge-machine-disk-work.h"
#include "machine/lodge-machine-disks.h"

#include "description/lodge-description-keys.h"
#include "description/lodge-description-snapshots.h"
#include "host/lodge-host-disk.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-machine-key.h"
#include "storage/lodge-image-empty.h"
#include "storage/lodge-image-grow.h"
#include "storage/lodge-image-target.h"
#include "storage/lodge-image.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 512

typedef struct {
  LodgeDiskWork work;
  gboolean attaches; /* the machine has it already */
  guint64 size;      /* 0: as large as the image */
  char *bus;         /* or NULL */
  char *image;       /* to copy, or NULL */
  LodgeImageFacts *facts;
  char *host_path; /* a disk of this computer, or NULL */
  gboolean accepted;
  LodgeHostDisk *host;
  GError *refused; /* QEMU's words, while it is taken back */
} Add;

static void
add_free (gpointer data)
{
  Add *add = data;

  lodge_disk_work_clear (&add->work);
  g_free (add->bus);
  g_free (add->image);
  g_clear_pointer (&add->facts, lodge_image_facts_free);
  g_free (add->host_path);
  lodge_host_disk_free (add->host);
  g_clear_error (&add->refused);
  g_free (add);
}

/* The bus that its first disk is on, which its system knows, unless another is wanted. */
static LodgeDiskBus
get_bus (const LodgeDescription *value, const Add *add)
{
  if (add->bus != NULL)
    return g_str_equal (add->bus, "sata") ? LODGE_DISK_BUS_SATA : LODGE_DISK_BUS_VIRTIO;
  return value->disks->len > 0 ? ((const LodgeDisk *) value->disks->pdata[0])->bus
                               : LODGE_DISK_BUS_VIRTIO;
}

/* Lent. */
static LodgeDisk *
add_to (LodgeMachine *self, LodgeDescription *value, const Add *add, GError **error)
{
  const GPtrArray *files = add->work.files;
  const char *file = files->len > 0 ? g_ptr_array_index (files, 0) : "layers/new";
  LodgeDisk *disk = lodge_description_add_disk (
      value, get_bus (value, add), add->host != NULL ? add->host->path : file,
      add->host != NULL ? "raw" : "qcow2", add->size, error);

  if (disk != NULL && add->host != NULL) {
    LodgeLayer *layer = lodge_description_get_layer (value, disk->top);

    g_free (layer->host_disk);
    layer->host_disk = g_strdup (add->host->identity);
  }

  /* What machine.ini says may be other than what QEMU was started with. */
  if (disk != NULL && self->started != NULL && disk->bus == LODGE_DISK_BUS_VIRTIO &&
      !lodge_description_move_disk (value, disk, self->started, error))
    return NULL;
  return disk;
}

static void
dropped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Add *add = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  /* Then it is there at the next start. */
  if (!lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  lodge_disk_work_end (task, g_steal_pointer (&add->refused));
}

/* Lent, or %NULL. */
static LodgeDisk *
find (const LodgeDescription *value, const Add *add)
{
  return lodge_section_find_item (LODGE_SECTION_DISK, value, add->work.result);
}

static gboolean
edit_away (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Add *add = data;
  LodgeDisk *disk = find (value, add);

  if (disk != NULL && add->attaches)
    disk->attached = FALSE;
  else if (disk != NULL)
    lodge_description_remove_disk (value, add->work.result);
  return TRUE;
}

static void
plugged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Add *add = g_task_get_task_data (task);
  GError *error = NULL;

  if (lodge_machine_plug_finish (self, result, &error)) {
    lodge_disk_work_end (task, NULL);
  } else if (self->qmp == NULL || lodge_qmp_is_closed (self->qmp) ||
             g_error_matches (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT)) {
    /* The machine has it all the same; a guest whose QEMU is silent gets it when it answers. */
    (void) lodge_machine_leave_open (self, FALSE, &error);
    g_clear_error (&error);
    lodge_disk_work_end (task, NULL);
  } else {
    add->refused = error;
    lodge_machine_save_for_work_async (self, edit_away, add, dropped_cb, task);
  }
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  const Add *add = g_task_get_task_data (task);
  GError *error = NULL;

  if (lodge_machine_save_finish (self, result, &error))
    lodge_journal_step ("written");
  /* One that has ended meanwhile has it from its next start on. */
  if (error != NULL || !add->work.live || self->qmp == NULL)
    lodge_disk_work_end (task, error);
  else
    lodge_machine_plug_in_async (self, add->work.result, plugged_cb, task);
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  return add_to (self, value, data, error) != NULL && lodge_description_check (value, error);
}

/* Takes @error. */
static void
made (GTask *task, GError *error)
{
  Add *add = g_task_get_task_data (task);

  if (error != NULL || lodge_job_set_error_if_cancelled (add->work.job, &error)) {
    lodge_disk_work_end (task, error);
    return;
  }
  lodge_journal_step ("top");
  lodge_machine_save_for_work_async (g_task_get_source_object (task), edit, add, saved_cb, task);
}

/* An empty one. */

static void
made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  made (user_data, error);
}

static gboolean
make_step (gpointer data, GError **error)
{
  const Add *add = data;
  g_autofree char *path = g_build_filename (add->work.folder, add->work.files->pdata[0], NULL);

  return lodge_journal_begin (add->work.folder, add->work.files, error) &&
         lodge_image_empty_write (path, add->size, error);
}

/* A copy. */

static void
grown_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  lodge_image_grow_finish (result, &error);
  made (user_data, error);
}

static void
copied_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  const Add *add = g_task_get_task_data (task);
  g_autofree char *path = g_build_filename (add->work.folder, add->work.files->pdata[0], NULL);
  GError *error = NULL;

  if (lodge_image_import_finish (result, &error) && add->size > add->facts->size_bytes)
    lodge_image_grow_async ("qcow2", path, add->size, grown_cb, task);
  else
    made (task, error);
}

static void
progress_cb (double fraction, gpointer user_data)
{
  lodge_journal_step ("copying");
  lodge_job_set_progress (user_data, fraction);
}

static void
journaled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  const Add *add = g_task_get_task_data (task);
  LodgeJob *job = add->work.job;
  g_autofree char *path = g_build_filename (add->work.folder, add->work.files->pdata[0], NULL);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    made (task, error);
    return;
  }
  lodge_job_set_step (job, _ ("Copying the disk image"));
  lodge_image_import_async (add->image, add->facts->format, path, progress_cb, job,
                            lodge_job_get_cancellable (job), copied_cb, task);
}

/* Both. */

/* The id that it will have, and a file for it. */
static void
plan (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Add *add = g_task_get_task_data (task);
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (LodgeDescription) next = lodge_description_copy (now);
  GError *error = NULL;
  const LodgeDisk *disk = add_to (self, next, add, &error);

  if (disk == NULL) {
    lodge_disk_work_end (task, error);
    return;
  }
  add->work.result = g_strdup (disk->id);
  if (add->host != NULL) {
    lodge_machine_save_for_work_async (self, edit, add, saved_cb, task);
    return;
  }
  g_ptr_array_add (add->work.files,
                   lodge_disk_work_dup_free_file (&add->work, now, disk->id, "qcow2"));
  if (add->image == NULL) {
    lodge_task_step_in_thread (task, make_step, made_cb);
    return;
  }
  /* What it is called while it is being made, too. */
  g_ptr_array_add (add->work.files, lodge_image_target_dup_hidden (add->work.files->pdata[0]));
  lodge_disk_work_journal (task, journaled_cb);
}

static void
inspected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Add *add = g_task_get_task_data (task);
  GError *error = NULL;

  add->facts = lodge_image_inspect_finish (result, &error);
  if (add->facts != NULL && add->size != 0 && add->size < add->facts->size_bytes) {
    g_autofree char *has = lodge_size_format (add->facts->size_bytes);

    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The disk in %s has %s, and a disk is never made smaller"), add->image, has);
  } else if (add->facts != NULL &&
             (add->facts->size_bytes == 0 || add->facts->size_bytes > LODGE_IMAGE_MOST_BYTES)) {
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The disk in %s is empty, or larger than 2048T"), add->image);
  }
  if (error != NULL) {
    lodge_disk_work_end (task, error);
    return;
  }
  if (add->size == 0)
    add->size = (add->facts->size_bytes + SECTOR - 1) / SECTOR * SECTOR;
  plan (task);
}

static gboolean
is_same_or_part (const char *one, const char *other)
{
  const gsize length = strcspn (one, "#");

  return strncmp (one, other, length) == 0 && strchr ("#+", other[length]) != NULL;
}

/* Under another name, or a part of it, or the whole. */
static gboolean
check_not_had (LodgeMachine *self, const Add *add, GError **error)
{
  const LodgeDescription *now = lodge_machine_get_description (self);

  for (guint i = 0; i < now->disks->len; i++) {
    const LodgeDisk *disk = now->disks->pdata[i];
    const char *its = lodge_description_get_layer (now, disk->top)->host_disk;

    if (*its == '\0' || (!is_same_or_part (its, add->host->identity) &&
                         !is_same_or_part (add->host->identity, its)))
      continue;
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS,
                 _ ("“%s” has %s (%s), or a part of it, already: it is %s"),
                 lodge_machine_get_name (self), add->host_path, add->host->label, disk->id);
    return FALSE;
  }
  return TRUE;
}

static void
host_looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Add *add = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error) && check_not_had (self, add, &error) &&
      !add->accepted)
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_DENIED,
                 _ ("The guest of “%s” would read and write the whole disk %s (%s) of this "
                    "computer, and could destroy all that is on it: that has to be confirmed"),
                 lodge_machine_get_name (self), add->host_path, add->host->label);
  if (error == NULL)
    lodge_job_set_error_if_cancelled (add->work.job, &error);
  if (error != NULL) {
    lodge_disk_work_end (task, error);
    return;
  }
  add->size = add->host->size_bytes;
  if (add->work.live)
    lodge_machine_remember_medium (self, add->host_path, add->host->sequence);
  plan (task);
}

/* Whatever would be in the way of a start is told now. */
static gboolean
look_at_host_step (gpointer data, GError **error)
{
  Add *add = data;
  int fd;

  add->host = lodge_host_disk_look (add->host_path, error);
  if (add->host == NULL)
    return FALSE;
  fd = lodge_host_disk_open (add->host_path, add->host->identity, add->host->size_bytes, TRUE,
                             error);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static void
go (GTask *task)
{
  Add *add = g_task_get_task_data (task);

  if (add->host_path != NULL) {
    lodge_job_set_step (add->work.job, _ ("Looking at the disk"));
    lodge_task_step_in_thread (task, look_at_host_step, host_looked_cb);
    return;
  }
  if (add->image != NULL) {
    lodge_job_set_step (add->work.job, _ ("Looking at the disk image"));
    lodge_image_inspect_async (add->image, lodge_job_get_cancellable (add->work.job), inspected_cb,
                               task);
  } else {
    plan (task);
  }
}

static gboolean
check (LodgeMachine *self, gpointer data, GError **error)
{
  const Add *add = data;
  g_autofree char *size = lodge_size_format (add->size);

  if (!lodge_machine_check_unlocked (self, error))
    return FALSE;
  if (add->size > LODGE_IMAGE_MOST_BYTES)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("A disk cannot have %s: 2048T is the most"), size);
  else if (add->host_path != NULL && lodge_machine_get_description (self)->encrypted)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("“%s” is encrypted, which a disk of this computer would not be: give it an "
                    "image instead"),
                 lodge_machine_get_name (self));
  else if (add->size == 0 && add->image == NULL && add->host_path == NULL)
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                         _ ("A disk cannot have nothing: choose a size such as 20G"));
  else if (add->image != NULL && !g_path_is_absolute (add->image))
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("“%s” is no whole path from /"),
                 add->image);
  else if (add->bus != NULL && !g_str_equal (add->bus, "virtio") && !g_str_equal (add->bus, "sata"))
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("A disk cannot be on “%s”: choose virtio or sata"), add->bus);
  else
    return !lodge_state_is_live (self->state) ||
           lodge_machine_check_plug_in (self, get_bus (lodge_machine_get_description (self), add),
                                        error);
  return FALSE;
}

static const LodgeDiskWorkKind making = {LODGE_ACTION_DISKS, N_ ("Making the disk"), check, go};
static const LodgeDiskWorkKind naming = {LODGE_ACTION_DISKS, N_ ("Adding the disk"), check, go};

void
lodge_machine_add_disk_async (LodgeMachine *self,
                              LodgeJob *job,
                              guint64 size_bytes,
                              const char *bus,
                              const char *image,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  Add *add = g_new0 (Add, 1);

  add->size = size_bytes > LODGE_IMAGE_MOST_BYTES ? size_bytes
                                                  : (size_bytes + SECTOR - 1) / SECTOR * SECTOR;
  add->work.undone =
      g_strdup_printf (_ ("No disk was added to “%s”: "), lodge_machine_get_name (self));
  add->bus = g_strdup (bus);
  add->image = g_strdup (image);
  lodge_disk_work_begin (lodge_disk_work_new (self, add, job, NULL, add_free, callback, user_data),
                         &making);
}

void
lodge_machine_add_host_disk_async (LodgeMachine *self,
                                   LodgeJob *job,
                                   const char *path,
                                   const char *bus,
                                   gboolean accepted,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
  Add *add = g_new0 (Add, 1);

  add->work.undone =
      g_strdup_printf (_ ("No disk was added to “%s”: "), lodge_machine_get_name (self));
  add->host_path = g_strdup (path);
  add->bus = g_strdup (bus);
  add->accepted = accepted;
  lodge_disk_work_begin (lodge_disk_work_new (self, add, job, NULL, add_free, callback, user_data),
                         &naming);
}

/* Attaching. */

/* In QEMU something else may be in its port by now. */
static gboolean
edit_attached (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  LodgeDisk *disk = find (value, data);

  if (disk == NULL)
    return lodge_machine_find_disk (self, ((Add *) data)->work.disk, error) != NULL;
  disk->attached = TRUE;
  return self->started == NULL || disk->bus != LODGE_DISK_BUS_VIRTIO ||
         lodge_description_move_disk (value, disk, self->started, error);
}

static void
attach_go (GTask *task)
{
  Add *add = g_task_get_task_data (task);

  add->work.result = g_strdup (add->work.disk);
  lodge_machine_save_for_work_async (g_task_get_source_object (task), edit_attached, add, saved_cb,
                                     task);
}

static gboolean
attach_check (LodgeMachine *self, gpointer data, GError **error)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeDisk *disk = lodge_machine_find_disk (self, ((Add *) data)->work.disk, NULL);
  const LodgeDisk *first = lodge_description_get_boot_disk (now);
  const char *name = lodge_machine_get_name (self);
  guint place, first_place;

  if (disk->attached) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The disk “%s” of “%s” is attached already"), disk->id, name);
    return FALSE;
  }
  if (!lodge_state_is_live (self->state))
    return TRUE;
  if (disk->bus == LODGE_DISK_BUS_SATA) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The SATA disk “%s” cannot be attached while “%s” runs: shut it down first"),
                 disk->id, name);
    return FALSE;
  }
  /* Which disk a guest has started from stays known as long as it runs. */
  if (first == NULL || !g_ptr_array_find (now->disks, disk, &place) ||
      !g_ptr_array_find (now->disks, first, &first_place) || place > first_place)
    return TRUE;
  g_set_error (
      error, LODGE_ERROR, LODGE_ERROR_STATE,
      _ ("“%s” has started from the disk “%s” and would start from “%s” then, which can be "
         "attached only while it is off: shut it down first"),
      name, first->id, disk->id);
  return FALSE;
}

void
lodge_machine_attach_disk_async (LodgeMachine *self,
                                 LodgeJob *job,
                                 const char *disk,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  static const LodgeDiskWorkKind kind = {LODGE_ACTION_DISKS, N_ ("Attaching the disk"),
                                         attach_check, attach_go};
  Add *add = g_new0 (Add, 1);

  add->attaches = TRUE;
  lodge_disk_work_begin (lodge_disk_work_new (self, add, job, disk, add_free, callback, user_data),
                         &kind);
}
