/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image that a machine is to be made from. */
#include "machine/lodge-source-media.h"

#include "guest/lodge-media.h"
#include "lodge-error.h"
#include "storage/lodge-image-magic.h"

#include <glib/gi18n-lib.h>

typedef struct {
  char *path;
  LodgeSourceKind kind;
} Look;

static void
look_free (gpointer data)
{
  Look *look = data;

  g_free (look->path);
  g_free (look);
}

/* Whether it is a disk, now that it is no CD. */
static void
look_for_disk (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const char *path = data;
  guint64 size;
  GError *error = NULL;
  const char *format = lodge_image_magic_find (path, &size, &error);

  if (format == NULL) {
    g_task_return_error (task, error);
  } else if (!g_str_equal (format, "raw") || lodge_image_magic_has_boot_sector (path)) {
    g_task_return_boolean (task, TRUE);
  } else {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_INVALID,
                             _ ("%s is neither the image of a CD or DVD nor of a disk: choose an "
                                "installer's image, such as an .iso file, or a disk's, such as a "
                                ".qcow2 file; any other can be plugged in as a USB stick "
                                "(“USB Sticks” in the storage window, or lodgectl media insert "
                                "--usb)"),
                             path);
  }
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Look *look = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    g_task_return_error (task, error);
    return;
  }
  look->kind = LODGE_SOURCE_DISK;
  g_task_return_pointer (task, g_strdup (""), g_free);
}

static void
detected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GTask) worker = NULL;
  const Look *look = g_task_get_task_data (task);
  gboolean is_disc = FALSE;
  GError *error = NULL;
  g_autofree char *os = lodge_media_detect_finish (result, &is_disc, &error);

  if (os == NULL) {
    g_task_return_error (task, error);
  } else if (is_disc) {
    g_task_return_pointer (task, g_steal_pointer (&os), g_free);
  } else {
    worker = g_task_new (NULL, NULL, looked_cb, g_object_ref (task));
    g_task_set_task_data (worker, g_strdup (look->path), g_free);
    g_task_run_in_thread (worker, look_for_disk);
  }
}

void
lodge_source_media_look_async (const char *path,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Look *look = g_new0 (Look, 1);

  g_task_set_source_tag (task, lodge_source_media_look_async);
  g_task_set_check_cancellable (task, FALSE);
  look->path = g_strdup (path);
  g_task_set_task_data (task, look, look_free);
  lodge_media_detect_async (path, cancellable, detected_cb, task);
}

char *
lodge_source_media_look_finish (GAsyncResult *result, LodgeSourceKind *out_kind, GError **error)
{
  const Look *look;

  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_source_media_look_async), NULL);

  look = g_task_get_task_data (G_TASK (result));
  if (out_kind != NULL) {
    *out_kind = look->kind;
  } else if (look->kind == LODGE_SOURCE_DISK) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is the image of a disk, not of a CD or DVD: “lodgectl create NAME --disk "
                    "FILE” makes a machine from it"),
                 look->path);
    return NULL;
  }
  return g_task_propagate_pointer (G_TASK (result), error);
}
