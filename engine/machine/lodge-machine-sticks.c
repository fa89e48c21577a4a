/* SPDX-License-Identifier: GPL-3.0-or-later */
/* USB sticks made of images.
 *
 * As with disks (lodge-machine-disk-plug.c), machine.ini is what counts: it names a stick before
 * QEMU gets it, and until QEMU has let go of it. What ends between leaves one that is named, which
 * is plugged in by whoever comes next. QEMU has no say in when a stick goes, nor has its guest.
 */
#include "machine/lodge-machine-sticks.h"

#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-journal-private.h"
#include "machine/lodge-machine-disk-work.h"
#include "qemu/lodge-qemu-plug.h"
#include "storage/lodge-image-magic.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- QEMU --- */

typedef struct {
  LodgeStick stick;
  int fd;
} Plug;

static void
plug_free (gpointer data)
{
  Plug *plug = data;

  g_free (plug->stick.id);
  g_free (plug->stick.file);
  if (plug->fd >= 0)
    close (plug->fd);
  g_free (plug);
}

/* The path is somebody's word, and may name another thing than it did. */
static gboolean
open_step (gpointer data, GError **error)
{
  Plug *plug = data;
  struct stat info;

  plug->fd = open (plug->stick.file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (plug->fd >= 0 && fstat (plug->fd, &info) == 0 && S_ISREG (info.st_mode))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("Could not open the image %s: %s"),
               plug->stick.file, plug->fd < 0 ? g_strerror (errno) : _ ("it is not a plain file"));
  return FALSE;
}

static void
plugged_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_qemu_plug_finish (LODGE_QMP (source), result, &error)) {
    lodge_journal_step ("plugged");
    g_task_return_boolean (task, TRUE);
  } else {
    g_task_return_error (task, error);
  }
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Plug *plug = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_error (task, error);
  else if (self->qmp == NULL || (!lodge_state_is_live (self->state) && !self->recovering))
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_STATE,
                             _ ("“%s” has ended meanwhile: try again now"),
                             lodge_machine_get_name (self));
  else
    lodge_qemu_plug_in_async (self->qmp,
                              lodge_qemu_plug_new_stick (&plug->stick, g_steal_fd (&plug->fd)),
                              plugged_cb, g_steal_pointer (&task));
}

void
lodge_machine_stick_in_async (LodgeMachine *self,
                              const char *id,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  const LodgeStick *stick = lodge_description_get_stick (lodge_machine_get_description (self), id);
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Plug *plug = g_new0 (Plug, 1);

  g_task_set_source_tag (task, lodge_machine_stick_in_async);
  plug->stick.id = g_strdup (id);
  plug->stick.port = stick->port;
  plug->stick.file = g_strdup (stick->file);
  plug->fd = -1;
  g_task_set_task_data (task, plug, plug_free);
  lodge_task_step_in_thread (task, open_step, opened_cb);
}

gboolean
lodge_machine_stick_in_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_stick_in_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Both --- */

typedef struct {
  LodgeDiskWork work;
  char *path;      /* of one that is plugged in */
  char *stick;     /* id of one that is unplugged */
  GError *refused; /* QEMU's words, while it is taken back */
} Change;

static void
change_free (gpointer data)
{
  Change *change = data;

  lodge_disk_work_clear (&change->work);
  g_free (change->path);
  g_free (change->stick);
  g_clear_error (&change->refused);
  g_free (change);
}

static gboolean
edit_away (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Change *change = data;

  lodge_description_remove_stick (value, change->stick);
  return TRUE;
}

/* Of a QEMU that has ended, or is silent, machine.ini is what counts: it gets, or gets again, what
 * that names when it answers. */
static gboolean
is_settled_later (LodgeMachine *self, const GError *error)
{
  g_autoptr (GError) told = g_error_copy (error);

  if (self->qmp != NULL && !lodge_qmp_is_closed (self->qmp) &&
      !g_error_matches (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT))
    return FALSE;
  (void) lodge_machine_leave_open (self, FALSE, &told);
  return TRUE;
}

/* --- In --- */

static void
dropped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Change *change = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  /* Then it is there at the next start. */
  if (!lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    g_debug ("%s", error->message);
  lodge_disk_work_end (task, g_steal_pointer (&change->refused));
}

static void
in_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  Change *change = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (lodge_machine_stick_in_finish (self, result, &error) || is_settled_later (self, error)) {
    lodge_disk_work_end (task, NULL);
    return;
  }
  change->refused = g_steal_pointer (&error);
  change->stick = g_strdup (change->work.result);
  lodge_machine_save_for_work_async (self, edit_away, change, dropped_cb, task);
}

static void
named_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GTask *task = user_data;
  const Change *change = g_task_get_task_data (task);
  GError *error = NULL;

  if (lodge_machine_save_finish (self, result, &error))
    lodge_journal_step ("written");
  /* One that has ended meanwhile has it from its next start on. */
  if (error != NULL || !change->work.live || self->qmp == NULL)
    lodge_disk_work_end (task, error);
  else
    lodge_machine_stick_in_async (self, change->work.result, in_cb, task);
}

static gboolean
edit_in (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  Change *change = data;
  const LodgeStick *stick = lodge_description_add_stick (value, change->path, error);

  if (stick == NULL)
    return FALSE;
  g_free (change->work.result);
  change->work.result = g_strdup (stick->id);
  return lodge_description_check (value, error);
}

static gboolean
look_step (gpointer data, GError **error)
{
  const Change *change = data;
  guint64 size;
  const char *format = lodge_image_magic_find (change->path, &size, error);

  if (format == NULL)
    return FALSE;
  if (g_str_equal (format, "raw"))
    return TRUE;
  g_set_error (
      error, LODGE_ERROR, LODGE_ERROR_INVALID,
      _ ("%s is a %s image, and a USB stick is made of one that is just its contents: add it "
         "as a disk instead (lodgectl disk add --from), or make a raw image of it"),
      change->path, format);
  return FALSE;
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Change *change = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) ||
      lodge_job_set_error_if_cancelled (change->work.job, &error))
    lodge_disk_work_end (task, error);
  else
    lodge_machine_save_for_work_async (g_task_get_source_object (task), edit_in, change, named_cb,
                                       task);
}

static void
go_in (GTask *task)
{
  lodge_task_step_in_thread (task, look_step, looked_cb);
}

static gboolean
check_in (LodgeMachine *self, gpointer data, GError **error)
{
  const Change *change = data;

  if (g_path_is_absolute (change->path))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("“%s” is no whole path from /"),
               change->path);
  return FALSE;
}

void
lodge_machine_plug_stick_async (LodgeMachine *self,
                                LodgeJob *job,
                                const char *path,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  static const LodgeDiskWorkKind kind = {LODGE_ACTION_STICKS, N_ ("Plugging in the USB stick"),
                                         check_in, go_in};
  Change *change = g_new0 (Change, 1);

  change->path = g_strdup (path);
  lodge_disk_work_begin (
      lodge_disk_work_new (self, change, job, NULL, change_free, callback, user_data), &kind);
}

/* --- Out --- */

static void
unnamed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GError *error = NULL;

  if (lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    lodge_journal_step ("written");
  lodge_disk_work_end (user_data, error);
}

static void
out_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  GError *error = NULL;

  /* One that has ended has let go of it. */
  if (!lodge_qemu_plug_finish (LODGE_QMP (source), result, &error) &&
      !lodge_qmp_is_closed (LODGE_QMP (source))) {
    (void) is_settled_later (self, error);
    lodge_disk_work_end (task, error);
    return;
  }
  g_clear_error (&error);
  lodge_journal_step ("unplugged");
  lodge_machine_save_for_work_async (self, edit_away, g_task_get_task_data (task), unnamed_cb,
                                     task);
}

static gboolean
check_out (LodgeMachine *self, gpointer data, GError **error)
{
  const Change *change = data;

  if (lodge_description_get_stick (lodge_machine_get_description (self), change->stick) != NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” has no USB stick %s"),
               lodge_machine_get_name (self), change->stick);
  return FALSE;
}

static void
go_out (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  const Change *change = g_task_get_task_data (task);
  GError *error = NULL;

  /* Others may have come first. */
  if (!check_out (self, (gpointer) change, &error))
    lodge_disk_work_end (task, error);
  else if (!change->work.live || self->qmp == NULL)
    lodge_machine_save_for_work_async (self, edit_away, (gpointer) change, unnamed_cb, task);
  else
    lodge_qemu_plug_out_async (
        self->qmp,
        lodge_qemu_plug_new_stick (
            lodge_description_get_stick (lodge_machine_get_description (self), change->stick), -1),
        NULL, out_cb, task);
}

void
lodge_machine_unplug_stick_async (LodgeMachine *self,
                                  LodgeJob *job,
                                  const char *stick,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  static const LodgeDiskWorkKind kind = {LODGE_ACTION_STICKS, N_ ("Unplugging the USB stick"),
                                         check_out, go_out};
  Change *change = g_new0 (Change, 1);

  change->stick = g_strdup (stick);
  lodge_disk_work_begin (
      lodge_disk_work_new (self, change, job, NULL, change_free, callback, user_data), &kind);
}
