/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a disk has something to boot from: its first sector, read through its layers. */
#include "storage/lodge-image.h"

#include "lodge-error.h"
#include "storage/lodge-qemu-img.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The line of qemu-io's dump that the sector ends with: "000001f0:  00 00 ... 55 aa  ...". */
#define LAST_LINE "000001f0:  "
#define LAST_TWO  (strlen (LAST_LINE) + 14 * strlen ("00 "))

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const char *top = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  const char *line;
  GError *error = NULL;

  done = lodge_qemu_img_run_finish (result, &error);
  if (done == NULL) {
    g_task_return_error (task, error);
    return;
  }
  line = strstr (done->output, LAST_LINE);
  if (done->status != 0 || line == NULL || strlen (line) < LAST_TWO) {
    lodge_qemu_img_set_error (&error, LODGE_ERROR_STORAGE, top, NULL, done);
    g_task_return_error (task, error);
    return;
  }
  g_task_return_boolean (task, g_str_has_prefix (line + LAST_TWO, "55 aa"));
}

/* "format:path" taken apart; NULL when it is not that. */
static const char *
get_path (const char *layer, char **out_format)
{
  const char *colon = strchr (layer, ':');

  if (colon == NULL || colon[1] != '/')
    return NULL;
  *out_format = g_strndup (layer, colon - layer);
  if (strcmp (*out_format, "qcow2") == 0 || strcmp (*out_format, "raw") == 0)
    return colon + 1;
  g_clear_pointer (out_format, g_free);
  return NULL;
}

void
lodge_image_is_bootable_async (const char *const *layers,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (LodgeQemuImg) run = lodge_qemu_img_new ("qemu-io");
  g_autofree char *image = NULL;

  g_task_set_source_tag (task, lodge_image_is_bootable_async);
  g_task_set_check_cancellable (task, FALSE);
  for (guint i = g_strv_length ((char **) layers); i > 0; i--) {
    g_autofree char *format = NULL;
    g_autofree char *below = g_steal_pointer (&image);
    const char *path = get_path (layers[i - 1], &format);

    if (path == NULL || !g_utf8_validate (path, -1, NULL)) {
      g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_INVALID,
                               _ ("“%s” is not a layer with its format and full path"),
                               layers[i - 1]);
      return;
    }
    image = lodge_qemu_img_dup_source (format, path, below);
    lodge_qemu_img_bind (run, LODGE_COMMAND_BIND_READ_ONLY, path);
    if (i == 1)
      g_task_set_task_data (task, g_strdup (path), g_free);
  }
  g_return_if_fail (image != NULL);

  /* -U: a guest that resets still has its QEMU; the sector was written long before. */
  lodge_qemu_img_add (run, "-r", "-U", "-c", "read -v 0 512", image, NULL);
  lodge_qemu_img_run_async (g_steal_pointer (&run), cancellable, read_cb, g_steal_pointer (&task));
}

gboolean
lodge_image_is_bootable_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_is_bootable_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
