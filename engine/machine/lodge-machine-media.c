/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is in a machine's drives: in its description always, in its running QEMU as well. */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-source-media.h"
#include "qemu/lodge-qemu-drive.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char *drive;
  char *path; /* NULL: nothing */
  gboolean force;
  int fd;           /* of the image for the running QEMU, or -1 */
  gboolean changed; /* there */
} Change;

static void
change_free (Change *change)
{
  if (change->fd >= 0)
    close (change->fd);
  g_free (change->drive);
  g_free (change->path);
  g_free (change);
}

static void
set_no_drive (LodgeMachine *self, const char *drive, GError **error)
{
  if (drive[0] != '\0')
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” has no drive %s"),
                 lodge_machine_get_name (self), drive);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” has no drive"),
                 lodge_machine_get_name (self));
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Change *change = data;
  LodgeMedia *media = lodge_description_get_media (value, change->drive);

  /* Looking at it may have taken its time. */
  if (!lodge_machine_check_changeable (self, error))
    return FALSE;
  if (!change->changed && !lodge_machine_check_not_suspended (self, _ ("medium"), error))
    return FALSE;
  if (media == NULL) {
    set_no_drive (self, change->drive, error);
    return FALSE;
  }
  g_free (media->file);
  media->file = g_strdup (change->path);
  return TRUE;
}

static void
end (GTask *task, GError *error)
{
  LodgeMachine *self = g_task_get_source_object (task);

  self->changing_media = FALSE;
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Change *change = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_save_finish (LODGE_MACHINE (source), result, &error) && change->changed)
    g_prefix_error (&error, _ ("The drive %s was changed, but only until the guest's next start: "),
                    change->drive);
  end (task, error);
}

/* Takes @task. */
static void
record (GTask *task)
{
  lodge_machine_save_for_client_async (g_task_get_source_object (task), edit,
                                       g_task_get_task_data (task), NULL, recorded_cb, task);
}

static void
changed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Change *change = g_task_get_task_data (task);
  GError *error = NULL;

  if (lodge_qemu_drive_change_finish (LODGE_QMP (source), result, &error)) {
    change->changed = TRUE;
    record (task);
    return;
  }
  end (task, error);
  g_object_unref (task);
}

/* Takes @task. */
static void
change_running (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  const Change *change = g_task_get_task_data (task);
  GError *error = NULL;

  if (!lodge_machine_check_action (self, LODGE_ACTION_INPUT, &error) ||
      !lodge_machine_check_qmp (self, &error)) {
    end (task, error);
    g_object_unref (task);
    return;
  }
  lodge_qemu_drive_change_async (self->qmp, change->drive, change->fd, change->force, changed_cb,
                                 task);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error)) {
    change_running (task);
    return;
  }
  end (task, error);
  g_object_unref (task);
}

/* The path is somebody's word: what is there may be in a network that does not answer, and another
 * thing than it was when it was looked at. */
static void
open_thread (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Change *change = data;
  struct stat info;

  change->fd = open (change->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (change->fd < 0) {
    int saved = errno;

    g_task_return_new_error (worker, LODGE_ERROR, LODGE_ERROR_STORAGE,
                             _ ("Could not open the image %s: %s"), change->path,
                             g_strerror (saved));
  } else if (fstat (change->fd, &info) != 0 ||
             (!S_ISREG (info.st_mode) && !S_ISBLK (info.st_mode))) {
    g_task_return_new_error (worker, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s is not a file"),
                             change->path);
  } else {
    g_task_return_boolean (worker, TRUE);
  }
}

/* Takes @task. */
static void
change (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Change *its = g_task_get_task_data (task);
  g_autoptr (GTask) worker = NULL;

  if (!lodge_state_is_live (self->state)) {
    record (task);
  } else if (its->path == NULL) {
    change_running (task);
  } else {
    worker = g_task_new (self, NULL, opened_cb, task);
    g_task_set_task_data (worker, its, NULL);
    lodge_task_run_in_thread (worker, open_thread);
  }
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;
  g_autofree char *os = lodge_source_media_look_finish (result, NULL, &error);

  if (os != NULL) {
    change (task);
    return;
  }
  end (task, error);
  g_object_unref (task);
}

static gboolean
check (LodgeMachine *self, Change *change, GError **error)
{
  const LodgeDescription *description;
  const LodgeMedia *media = NULL;

  lodge_machine_refresh (self);
  if (!lodge_machine_check_usable (self, error) || !lodge_machine_check_edit (self, error) ||
      !lodge_machine_check_not_suspended (self, _ ("medium"), error))
    return FALSE;
  description = lodge_machine_get_description (self);
  if (change->drive[0] != '\0')
    media = lodge_description_get_media (description, change->drive);
  else if (description->media->len > 0)
    media = description->media->pdata[0];
  if (media == NULL) {
    set_no_drive (self, change->drive, error);
    return FALSE;
  }
  if (change->drive[0] == '\0') {
    g_free (change->drive);
    change->drive = g_strdup (media->id);
  }
  if (change->path != NULL && !g_path_is_absolute (change->path)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("“%s” is no whole path from /"),
                 change->path);
    return FALSE;
  }
  if (self->changing_media) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("A drive of “%s” is being changed already: try again when that is done"),
                 lodge_machine_get_name (self));
    return FALSE;
  }
  return TRUE;
}

void
lodge_machine_change_media_async (LodgeMachine *self,
                                  const char *drive,
                                  const char *path,
                                  gboolean force,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Change *its = g_new0 (Change, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, lodge_machine_change_media_async);
  g_task_set_task_data (task, its, (GDestroyNotify) change_free);
  its->drive = g_strdup (drive);
  its->path = g_strdup (path);
  its->force = force;
  its->fd = -1;
  if (!check (self, its, &error)) {
    g_task_return_error (task, error);
    return;
  }
  self->changing_media = TRUE;
  if (path != NULL)
    lodge_source_media_look_async (path, NULL, looked_cb, g_steal_pointer (&task));
  else
    change (g_steal_pointer (&task));
}

gboolean
lodge_machine_change_media_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
