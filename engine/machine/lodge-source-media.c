/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image that a machine is to be installed from. */
#include "machine/lodge-source-media.h"

#include "guest/lodge-media.h"
#include "lodge-error.h"
#include "storage/lodge-image-magic.h"

#include <glib/gi18n-lib.h>

/* What @path is, now that it is no CD. Always fails. */
static void
say_what_it_is (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const char *path = data;
  gboolean has_boot_sector = FALSE;
  guint64 size;
  GError *error = NULL;
  const char *format = lodge_image_magic_find (path, &size, &error);

  if (format != NULL && g_str_equal (format, "raw"))
    has_boot_sector = lodge_image_magic_has_boot_sector (path);
  if (format != NULL && (has_boot_sector || !g_str_equal (format, "raw")))
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is the image of a disk, not of a CD or DVD: “lodgectl create NAME --disk "
                    "FILE” makes a machine from it"),
                 path);
  else if (format != NULL)
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is not the image of a CD or DVD: choose an installer's image, such as an "
                    ".iso file"),
                 path);
  g_task_return_error (task, error);
}

static void
said_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  g_task_propagate_boolean (G_TASK (result), &error);
  g_task_return_error (task, error);
}

static void
detected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GTask) worker = NULL;
  gboolean is_disc = FALSE;
  GError *error = NULL;
  g_autofree char *os = lodge_media_detect_finish (result, &is_disc, &error);

  if (os == NULL) {
    g_task_return_error (task, error);
  } else if (is_disc) {
    g_task_return_pointer (task, g_steal_pointer (&os), g_free);
  } else {
    worker = g_task_new (NULL, NULL, said_cb, g_object_ref (task));
    g_task_set_task_data (worker, g_strdup (g_task_get_task_data (task)), g_free);
    g_task_run_in_thread (worker, say_what_it_is);
  }
}

void
lodge_source_media_look_async (const char *path,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);

  g_task_set_source_tag (task, lodge_source_media_look_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, g_strdup (path), g_free);
  lodge_media_detect_async (path, cancellable, detected_cb, task);
}

char *
lodge_source_media_look_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_source_media_look_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}
