/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small pictures of what a guest drew. */
#include "gtk/lodge-guest-picture.h"

#include <string.h>

/* Lodge's own thumbnails are far smaller; these are what a window full of them can take. */
#define MAX_BYTES (4 * 1024 * 1024)
#define MAX_SIDE  2048

static gboolean
is_sane_png (const guint8 *data, gsize length)
{
  /* PNG specification, 5.2 and 11.2.2: the signature, then IHDR with width and height first. */
  static const guint8 head[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
                                0,    0,   0,   13,  'I',  'H',  'D',  'R'};
  guint32 width, height;

  if (length < sizeof head + 2 * sizeof width || length > MAX_BYTES ||
      memcmp (data, head, sizeof head) != 0)
    return FALSE;

  memcpy (&width, data + sizeof head, sizeof width);
  memcpy (&height, data + sizeof head + sizeof width, sizeof height);
  width = GUINT32_FROM_BE (width);
  height = GUINT32_FROM_BE (height);
  return width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE;
}

static void
decode_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  GError *error = NULL;
  GdkTexture *texture = gdk_texture_new_from_bytes (task_data, &error);

  if (texture != NULL)
    g_task_return_pointer (task, texture, g_object_unref);
  else
    g_task_return_error (task, error);
}

void
lodge_guest_picture_decode_async (GVariant *png, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (png);
  gsize length;
  gconstpointer data = g_bytes_get_data (bytes, &length);

  g_task_set_source_tag (task, lodge_guest_picture_decode_async);
  if (data == NULL || !is_sane_png (data, length)) {
    g_task_return_pointer (task, NULL, NULL);
    return;
  }
  g_task_set_task_data (task, g_steal_pointer (&bytes), (GDestroyNotify) g_bytes_unref);
  g_task_run_in_thread (task, decode_in_thread);
}

GdkTexture *
lodge_guest_picture_decode_finish (GAsyncResult *result)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), NULL);
}
