/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of a machine's screen: a screenshot when asked, a small one every few seconds, and one
 * of the moment that a snapshot shows.
 *
 * QEMU writes into a descriptor of ours (add-fd), so that no path is opened by either side. The
 * bytes are checked and encoded in a thread; they come from a guest.
 */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-machine-key.h"
#include "machine/lodge-picture.h"
#include "qemu/lodge-json.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define THUMBNAIL_INTERVAL_S 5
#define THUMBNAIL_WIDTH      480
#define THUMBNAIL_FILE       LODGE_DESCRIPTION_PICTURE
/* The largest picture that lodge_picture_parse() takes, with its header. */
#define MAX_PPM_BYTES ((gsize) 256 * 1024 * 1024)

guint lodge_machine_shot_limit_ms = LODGE_MACHINE_SHOT_LIMIT_MS;

typedef struct {
  int fd; /* a memfd */
  gint64 fdset;
  int max_width;
} Shot;

static void
shot_free (Shot *shot)
{
  if (shot->fd >= 0)
    close (shot->fd);
  g_free (shot);
}

static void
encode_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Shot *shot = task_data;
  LodgePicture picture;
  g_autoptr (GBytes) ppm = NULL;
  GBytes *png = NULL;
  GError *error = NULL;
  struct stat info;
  void *map;

  if (fstat (shot->fd, &info) != 0 || info.st_size <= 0 || (guint64) info.st_size > MAX_PPM_BYTES) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("QEMU gave no picture of the guest's screen"));
    return;
  }
  /* Read, not mapped: QEMU still has the descriptor and could cut the file under a mapping. */
  map = g_try_malloc (info.st_size);
  if (map == NULL || pread (shot->fd, map, info.st_size, 0) != info.st_size) {
    g_free (map);
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("The picture of the guest's screen could not be read"));
    return;
  }
  ppm = g_bytes_new_take (map, info.st_size);
  if (lodge_picture_parse (ppm, &picture, &error))
    png = lodge_picture_encode (&picture, shot->max_width, &error);
  if (png != NULL)
    g_task_return_pointer (task, png, (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_error (task, error);
}

static void
dumped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Shot *shot = g_task_get_task_data (task);
  g_autoptr (JsonNode) answer = NULL;
  JsonObject *arguments = json_object_new ();
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  json_object_set_int_member (arguments, "fdset-id", shot->fdset);
  /* Whether or not it worked; when QEMU is gone the set is too. */
  lodge_qmp_execute_async (LODGE_QMP (source), "remove-fd", arguments, 0, NULL, NULL, NULL);

  if (answer == NULL)
    g_task_return_error (task, error);
  else
    lodge_task_run_in_thread (task, encode_thread);
}

static void
fd_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Shot *shot = g_task_get_task_data (task);
  g_autoptr (JsonNode) answer = NULL;
  g_autofree char *path = NULL;
  JsonObject *arguments;
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (answer == NULL) {
    g_task_return_error (task, error);
    return;
  }
  shot->fdset = JSON_NODE_HOLDS_OBJECT (answer)
                    ? lodge_json_get_int (json_node_get_object (answer), "fdset-id", -1)
                    : -1;
  path = g_strdup_printf ("/dev/fdset/%" G_GINT64_FORMAT, shot->fdset);
  arguments = json_object_new ();
  json_object_set_string_member (arguments, "filename", path);
  lodge_qmp_execute_async (LODGE_QMP (source), "screendump", arguments, 0, NULL, dumped_cb,
                           g_steal_pointer (&task));
}

static void
take_shot (LodgeMachine *self, int max_width, GTask *task)
{
  Shot *shot = g_new0 (Shot, 1);
  g_autofree char *again = NULL;
  int writable;

  shot->max_width = max_width;
  shot->fd = memfd_create ("lodge-screen", MFD_CLOEXEC);
  g_task_set_task_data (task, shot, (GDestroyNotify) shot_free);
  /* QEMU takes from a set only the descriptor whose mode is the one it opens with: write-only
   * (monitor/fds.c, monitor_fdset_dup_fd_add; ui/ui-qmp-cmds.c). */
  again = g_strdup_printf ("/proc/self/fd/%d", shot->fd);
  writable = shot->fd >= 0 ? open (again, O_WRONLY | O_CLOEXEC) : -1;
  if (writable < 0) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("No memory for a picture of the guest's screen: %s"),
                             g_strerror (errno));
    g_object_unref (task);
    return;
  }
  lodge_qmp_execute_with_fd_async (self->qmp, "add-fd",
                                   lodge_qmp_arguments ("opaque", LODGE_MACHINE_SCREEN_SET, NULL),
                                   writable, NULL, fd_added_cb, task);
  close (writable);
}

void
lodge_machine_screenshot_async (LodgeMachine *self,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  GError *error = NULL;

  g_task_set_source_tag (task, lodge_machine_screenshot_async);
  if (!lodge_machine_check_action (self, LODGE_ACTION_INPUT, &error) ||
      !lodge_machine_check_qmp (self, &error))
    g_task_return_error (task, error);
  else
    take_shot (self, 0, g_steal_pointer (&task));
}

GBytes *
lodge_machine_screenshot_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* Thumbnails. */

/* Becomes the machine's while that runs: what is left of a run was decided at its end. Transfer
 * full, or %NULL: a missing thumbnail is nothing to tell. */
static GBytes *
take_thumbnail (LodgeMachine *self, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;
  GBytes *png = g_task_propagate_pointer (G_TASK (result), &error);

  if (png == NULL) {
    g_debug ("%s: %s", self->uuid, error->message);
    return NULL;
  }
  if (self->screen_timeout != 0 &&
      (self->thumbnail == NULL || !g_bytes_equal (self->thumbnail, png))) {
    g_clear_pointer (&self->thumbnail, g_bytes_unref);
    self->thumbnail = g_bytes_ref (png);
    self->thumbnail_serial++;
    lodge_machine_emit_changed (self);
  }
  return png;
}

static void
thumbnail_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  GBytes *png = take_thumbnail (self, result);

  g_clear_pointer (&png, g_bytes_unref);
  self->screen_under_way = FALSE;
}

static gboolean
screen_timeout_cb (gpointer user_data)
{
  LodgeMachine *self = user_data;

  if (self->qmp != NULL && !self->screen_under_way && self->state == LODGE_STATE_RUNNING) {
    self->screen_under_way = TRUE;
    take_shot (self, THUMBNAIL_WIDTH, g_task_new (self, NULL, thumbnail_cb, NULL));
  }
  return G_SOURCE_CONTINUE;
}

void
lodge_machine_screen_begin (LodgeMachine *self)
{
  if (self->screen_timeout == 0)
    self->screen_timeout = g_timeout_add_seconds (THUMBNAIL_INTERVAL_S, screen_timeout_cb, self);
}

/* The picture of a moment. */

struct _LodgeMachineShot {
  guint n_refs; /* whoever asked, and whoever QEMU's answer comes to */
  guint timeout;
  gboolean over; /* it is there, or is not waited for any longer */
  GBytes *png;
  GTask *waiting; /* or NULL */
};

static void
shot_unref (LodgeMachineShot *shot)
{
  if (--shot->n_refs > 0)
    return;
  g_clear_handle_id (&shot->timeout, g_source_remove);
  g_clear_pointer (&shot->png, g_bytes_unref);
  g_free (shot);
}

static void
tell_shot (LodgeMachineShot *shot)
{
  g_autoptr (GTask) task = g_steal_pointer (&shot->waiting);

  if (task != NULL)
    g_task_return_pointer (task, shot->png != NULL ? g_bytes_ref (shot->png) : NULL,
                           (GDestroyNotify) g_bytes_unref);
}

static gboolean
shot_late_cb (gpointer user_data)
{
  LodgeMachineShot *shot = user_data;

  shot->timeout = 0;
  shot->over = TRUE;
  tell_shot (shot);
  return G_SOURCE_REMOVE;
}

static void
shot_taken_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachineShot *shot = user_data;

  g_clear_handle_id (&shot->timeout, g_source_remove);
  shot->png = take_thumbnail (LODGE_MACHINE (source), result);
  shot->over = TRUE;
  tell_shot (shot);
  shot_unref (shot);
}

LodgeMachineShot *
lodge_machine_shot_new (LodgeMachine *self)
{
  LodgeMachineShot *shot = g_new0 (LodgeMachineShot, 1);

  shot->n_refs = 1;
  /* Of an encrypted machine no picture is kept: it is a part of what the guest keeps to itself. */
  shot->over = self->qmp == NULL || lodge_machine_get_encryption (self)[0] != '\0';
  if (shot->over)
    return shot;
  shot->n_refs++;
  shot->timeout = g_timeout_add (lodge_machine_shot_limit_ms, shot_late_cb, shot);
  take_shot (self, THUMBNAIL_WIDTH, g_task_new (self, NULL, shot_taken_cb, shot));
  return shot;
}

void
lodge_machine_shot_free (LodgeMachineShot *shot)
{
  if (shot == NULL)
    return;
  g_clear_handle_id (&shot->timeout, g_source_remove);
  shot_unref (shot);
}

void
lodge_machine_shot_wait_async (LodgeMachineShot *shot,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_return_if_fail (shot->waiting == NULL);

  shot->waiting = g_task_new (NULL, NULL, callback, user_data);
  g_task_set_source_tag (shot->waiting, lodge_machine_shot_wait_async);
  if (shot->over)
    tell_shot (shot);
}

GBytes *
lodge_machine_shot_wait_finish (GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_shot_wait_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* The last picture stays for a library that is opened tomorrow. */
void
lodge_machine_screen_end (LodgeMachine *self)
{
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  if (self->screen_timeout == 0)
    return;
  g_clear_handle_id (&self->screen_timeout, g_source_remove);
  if (self->disposable) {
    /* Nor is the picture of a run of which nothing is. */
    lodge_machine_screen_reload (self);
    return;
  }
  if (self->thumbnail == NULL)
    return;
  /* It is a part of what the guest keeps to itself. */
  if (lodge_machine_get_encryption (self)[0] != '\0') {
    g_clear_pointer (&self->thumbnail, g_bytes_unref);
    self->thumbnail_serial = 0;
    return;
  }
  folder = lodge_machine_dup_folder (self);
  path = g_build_filename (folder, THUMBNAIL_FILE, NULL);
  if (!g_file_set_contents_full (path, g_bytes_get_data (self->thumbnail, NULL),
                                 g_bytes_get_size (self->thumbnail), G_FILE_SET_CONTENTS_CONSISTENT,
                                 0600, &error))
    g_debug ("%s", error->message);
}

void
lodge_machine_screen_load (LodgeMachine *self)
{
  g_autofree char *folder = lodge_machine_dup_folder (self);
  g_autofree char *path = g_build_filename (folder, THUMBNAIL_FILE, NULL);
  g_autofree char *data = NULL;
  struct stat info;
  gsize size = 0;

  /* The folder may have come from elsewhere: no links, nothing huge, and only what we wrote looks
   * like a PNG. Whoever shows it decodes it in a process of its own choice. */
  if (lstat (path, &info) != 0 || !S_ISREG (info.st_mode) || info.st_size > 4 * 1024 * 1024 ||
      !g_file_get_contents (path, &data, &size, NULL) || size < 8 ||
      memcmp (data, "\x89PNG\r\n\x1a\n", 8) != 0)
    return;
  self->thumbnail = g_bytes_new_take (g_steal_pointer (&data), size);
  self->thumbnail_serial++;
}

void
lodge_machine_screen_reload (LodgeMachine *self)
{
  g_clear_pointer (&self->thumbnail, g_bytes_unref);
  lodge_machine_screen_load (self);
  if (self->thumbnail == NULL)
    self->thumbnail_serial = 0;
}
