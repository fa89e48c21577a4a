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

void
lodge_image_is_bootable_async (const char *const *layers,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (LodgeQemuImg) run = lodge_qemu_img_new ("qemu-io");
  g_autofree char *image = NULL;
  GError *error = NULL;

  g_return_if_fail (layers[0] != NULL);

  g_task_set_source_tag (task, lodge_image_is_bootable_async);
  g_task_set_check_cancellable (task, FALSE);
  image = lodge_qemu_img_bind_chain (run, layers, 0, &error);
  if (image == NULL) {
    g_task_return_error (task, error);
    return;
  }
  g_task_set_task_data (task, g_strdup (strchr (layers[0], '/')), g_free);

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
