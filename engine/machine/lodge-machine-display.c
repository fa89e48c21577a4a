/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said over QEMU's own display interface: how large a machine's screens should be, and that
 * a console wants their frames. */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-display.h"
#include "qemu/lodge-qemu-frames.h"

#include <glib/gi18n-lib.h>

typedef struct {
  guint monitor;
  guint width;
  guint height;
  gboolean frames; /* opened; else the size is said */
} Wish;

static void begin_next (LodgeMachine *self);

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (LodgeMachine) self = g_object_ref (g_task_get_source_object (task));
  const Wish *wish = g_task_get_task_data (task);
  GError *error = NULL;
  int fd = -1;

  if (wish->frames)
    fd = lodge_qemu_frames_open_finish (LODGE_QMP (source), result, &error);
  else
    lodge_qemu_display_set_size_finish (LODGE_QMP (source), result, &error);
  /* What this one has not, it will not have later. */
  if (wish->frames && g_error_matches (error, LODGE_ERROR, LODGE_ERROR_HOST) &&
      LODGE_QMP (source) == self->qmp)
    lodge_machine_close_frames (self);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_int (task, wish->frames ? fd : TRUE);
  g_object_unref (g_queue_pop_head (&self->wishes));
  begin_next (self);
}

/* QEMU serves one at a time. */
static void
begin_next (LodgeMachine *self)
{
  GTask *task;

  while ((task = g_queue_peek_head (&self->wishes)) != NULL) {
    const Wish *wish = g_task_get_task_data (task);
    GError *error = NULL;

    if (lodge_machine_check_qmp (self, &error)) {
      g_autofree char *keyring = g_build_filename (self->runtime, LODGE_QEMU_DISPLAY_KEYRING, NULL);

      if (wish->frames)
        lodge_qemu_frames_open_async (self->qmp, keyring, wish->monitor, done_cb,
                                      g_object_ref (task));
      else
        lodge_qemu_display_set_size_async (self->qmp, keyring, wish->monitor, wish->width,
                                           wish->height, done_cb, g_object_ref (task));
      return;
    }
    g_task_return_error (task, error);
    g_object_unref (g_queue_pop_head (&self->wishes));
  }
}

/* Takes @task, and frees @wish with it. */
static void
queue (LodgeMachine *self, GTask *task, const Wish *wish)
{
  GError *error = NULL;

  g_task_set_task_data (task, g_memdup2 (wish, sizeof *wish), g_free);
  if (!lodge_machine_check_action (self, LODGE_ACTION_INPUT, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  g_queue_push_tail (&self->wishes, task);
  if (g_queue_get_length (&self->wishes) == 1)
    begin_next (self);
}

void
lodge_machine_set_display_size_async (LodgeMachine *self,
                                      guint monitor,
                                      guint width,
                                      guint height,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_machine_set_display_size_async);
  queue (self, task, &(Wish){.monitor = monitor, .width = width, .height = height});
}

gboolean
lodge_machine_set_display_size_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_int (G_TASK (result), error) == TRUE;
}

/* ---- frames */

static void
open_frames (gpointer opener, guint monitor, GAsyncReadyCallback callback, gpointer user_data)
{
  LodgeMachine *self = opener;
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, open_frames);
  queue (self, task, &(Wish){.monitor = monitor, .frames = TRUE});
}

static int
open_frames_finish (gpointer opener, GAsyncResult *result, GError **error)
{
  return (int) g_task_propagate_int (G_TASK (result), error);
}

/* Only a virtio card's picture lies in memory that QEMU can share: the others' is the guest's own
 * (QEMU 10.0, hw/display/vga.c), and that of 3D the graphics card's. */
void
lodge_machine_open_frames (LodgeMachine *self, const char *folder)
{
  const LodgeDescription *description = lodge_machine_get_description (self);
  g_autofree char *path = g_build_filename (folder, "frames.sock", NULL);
  g_autoptr (GError) error = NULL;

  lodge_machine_close_frames (self);
  if (description == NULL || description->display != LODGE_DISPLAY_VIRTIO)
    return;
  /* What an earlier engine has started may have it. */
  if (self->render_node != NULL ||
      (description->accelerated && self->graphics_problem == NULL && self->started == NULL))
    return;
  self->frames = lodge_frame_door_new (path, LODGE_FRAME_DOOR_PATIENCE_MS, self, open_frames,
                                       open_frames_finish, &error);
  /* The machine is worth as much without. */
  if (self->frames == NULL)
    g_warning ("%s: %s", self->uuid, error->message);
}

void
lodge_machine_close_frames (LodgeMachine *self)
{
  if (self->frames == NULL)
    return;
  g_clear_pointer (&self->frames, lodge_frame_door_free);
  lodge_machine_emit_changed (self);
}

const char *
lodge_machine_get_frames_socket (LodgeMachine *self)
{
  return self->frames != NULL ? lodge_frame_door_get_path (self->frames) : "";
}
