/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's picture as a file. */
#include "gtk/lodge-screenshot.h"

#include "console/lodge-saved-file.h"
#include "gtk/lodge-scanout-copy.h"
#include "lodge-task-thread.h"

#include <glib/gi18n-lib.h>

/* ---- the picture */

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

GdkTexture *
lodge_screenshot_copy (LodgeFrameSource *source, LodgeDisplay *display)
{
  LodgeScanoutCopy copy = {0};
  GdkTexture *texture = NULL;
  LodgeFrame frame = {0};

  if (source == NULL)
    return NULL;
  lodge_frame_source_get_frame (source, &frame);
  if (frame.data != NULL || lodge_scanout_copy_take (&copy, display, &frame))
    texture = copy_frame (&frame);
  lodge_scanout_copy_clear (&copy);
  return texture;
}

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

void
lodge_screenshot_save_async (gpointer owner,
                             GdkTexture *texture,
                             GBytes *png,
                             const char *what,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (owner, NULL, callback, user_data);
  Picture *picture = g_new0 (Picture, 1);

  picture->texture = texture;
  picture->png = png;
  picture->folder = lodge_saved_file_dup_folder (G_USER_DIRECTORY_PICTURES, _ ("Pictures"));
  picture->stem = lodge_saved_file_dup_stem (what);
  g_task_set_source_tag (task, lodge_screenshot_save_async);
  g_task_set_task_data (task, picture, picture_free);
  lodge_task_run_in_thread (task, save_thread);
}

GFile *
lodge_screenshot_save_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
