/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's picture as a file: in its own pixels, whatever the window makes of them, among the
 * user's pictures, under a name that was free. */
#include "gtk/lodge-console-window-private.h"

#include "console/lodge-saved-file.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-saved-toast.h"
#include "gtk/lodge-scanout-copy.h"
#include "lodge-task-thread.h"

#include <glib/gi18n-lib.h>

/* ---- writing, in a thread */

typedef struct {
  GdkTexture *texture; /* either this */
  GBytes *png;         /* or this */
  char *folder;
  char *stem;
} Picture;

static void
picture_free (gpointer data)
{
  Picture *picture = data;

  g_clear_object (&picture->texture);
  g_clear_pointer (&picture->png, g_bytes_unref);
  g_free (picture->folder);
  g_free (picture->stem);
  g_free (picture);
}

static gboolean
write_all (GFileOutputStream *stream, GBytes *png, GError **error)
{
  gsize size;
  const void *data = g_bytes_get_data (png, &size);

  return g_output_stream_write_all (G_OUTPUT_STREAM (stream), data, size, NULL, NULL, error) &&
         g_output_stream_close (G_OUTPUT_STREAM (stream), NULL, error);
}

static void
save_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Picture *picture = data;
  g_autoptr (GBytes) png = picture->png != NULL ? g_bytes_ref (picture->png)
                                                : gdk_texture_save_to_png_bytes (picture->texture);
  g_autoptr (GFile) file = NULL;
  g_autoptr (GError) error = NULL;

  g_autoptr (GFileOutputStream) stream =
      lodge_saved_file_create (picture->folder, picture->stem, ".png", &file, &error);
  if (stream != NULL && write_all (stream, png, &error)) {
    g_task_return_pointer (task, g_steal_pointer (&file), g_object_unref);
    return;
  }
  /* Half a picture is none. */
  if (stream != NULL)
    g_file_delete (file, NULL, NULL);
  g_task_return_error (task, g_steal_pointer (&error));
}

/* ---- the window's part */

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleWindow) self = LODGE_CONSOLE_WINDOW (g_object_ref (source));
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = g_task_propagate_pointer (G_TASK (result), &error);

  if (!lodge_console_window_is_open (self))
    return;
  if (file != NULL)
    lodge_saved_toast_say (self->toasts, &self->saved_toast, _ ("Screenshot saved"), file, FALSE);
  else
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Save the Screenshot"), error);
}

/* Consumes one of the two. */
static void
save (LodgeConsoleWindow *self, GdkTexture *texture, GBytes *png)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, saved_cb, NULL);
  Picture *picture = g_new0 (Picture, 1);

  picture->texture = texture;
  picture->png = png;
  picture->folder = lodge_saved_file_dup_folder (G_USER_DIRECTORY_PICTURES, _ ("Pictures"));
  picture->stem = lodge_saved_file_dup_stem (lodge_console_machine_get_name (self->machine));
  g_task_set_source_tag (task, save);
  g_task_set_task_data (task, picture, picture_free);
  lodge_task_run_in_thread (task, save_thread);
}

/* A copy: the guest goes on drawing. Without alpha, which the guest's X byte is not. */
static GdkTexture *
copy_frame (const LodgeFrame *frame)
{
  const gsize stride = (gsize) frame->width * 3;
  guint8 *rgb = g_malloc (stride * (gsize) frame->height);

  for (int y = 0; y < frame->height; y++) {
    const guint32 *from =
        (const guint32 *) (const void *) (frame->data + (gsize) y * (gsize) frame->stride);
    guint8 *to = rgb + (gsize) y * stride;

    for (int x = 0; x < frame->width; x++) {
      *to++ = (guint8) (from[x] >> 16);
      *to++ = (guint8) (from[x] >> 8);
      *to++ = (guint8) from[x];
    }
  }
  g_autoptr (GBytes) bytes = g_bytes_new_take (rgb, stride * (gsize) frame->height);
  return gdk_memory_texture_new (frame->width, frame->height, GDK_MEMORY_R8G8B8, bytes, stride);
}

/* NULL unless a graphics card has the picture. */
static GdkTexture *
copy_scanout (LodgeConsoleWindow *self)
{
  LodgeScanoutCopy copy = {0};
  GdkTexture *texture = NULL;
  LodgeFrame frame;

  if (lodge_scanout_copy_take (&copy, self->display, &frame))
    texture = copy_frame (&frame);
  lodge_scanout_copy_clear (&copy);
  return texture;
}

static void
screenshot_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleWindow) self = user_data;
  g_autoptr (GVariant) png = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine1_call_screenshot_finish (LODGE_MACHINE1 (source), &png, result, &error);
  if (!lodge_console_window_is_open (self))
    return;
  if (png != NULL) {
    save (self, NULL, g_variant_get_data_as_bytes (png));
    return;
  }
  g_dbus_error_strip_remote_error (error);
  lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Take a Screenshot"), error);
}

/* What is on the screen now. While the window has no picture of its own the machine is asked. */
static void
screenshot_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (widget);
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  GdkTexture *scanout = copy_scanout (self);
  LodgeFrame frame = {0};

  if (session != NULL)
    lodge_frame_source_get_frame (lodge_console_session_get_source (session), &frame);
  if (scanout != NULL)
    save (self, scanout, NULL);
  else if (frame.data != NULL)
    save (self, copy_frame (&frame), NULL);
  else if (machine != NULL)
    lodge_machine1_call_screenshot (machine, NULL, screenshot_cb, g_object_ref (self));
}

void
lodge_console_screenshot_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "console.screenshot", NULL, screenshot_action);
}
