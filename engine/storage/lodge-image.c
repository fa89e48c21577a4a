/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making layers, copying foreign images in, and chains of our own into one layer.
 *
 * All write into a hidden file, which alone is bound into qemu-img's containment, and name it when
 * it is whole and on the disk. Whatever goes wrong before, the hidden file is removed.
 *
 * In an encrypted machine's folder the hidden file is made by us (lodge-image-empty.h), and what is
 * copied is written into it. It shares no blocks with another: each image has a key of its own, and
 * what is in clear must not come there.
 */
#include "storage/lodge-image.h"

#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "storage/lodge-folder-key.h"
#include "storage/lodge-image-empty.h"
#include "storage/lodge-image-reflink.h"
#include "storage/lodge-image-target.h"
#include "storage/lodge-qemu-img.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* lazy_refcounts would save some writing and leave every image to be repaired after a power cut. */
#define QCOW2_OPTIONS "compat=1.1,lazy_refcounts=off"

/* How an image of each format is made: the variants that other programs expect. */
typedef struct {
  const char *name;
  const char *options; /* or NULL */
} LodgeExportFormat;

static const LodgeExportFormat export_formats[] = {
    {"qcow2", QCOW2_OPTIONS},      {"raw", NULL}, {"vmdk", "subformat=monolithicSparse"},
    {"vhdx", "subformat=dynamic"}, {"vdi", NULL},
};

typedef struct {
  LodgeImageTarget *target;
  /* Not for an empty one. */
  char *source;
  char *format;
  char *path;
  const LodgeExportFormat *export; /* or NULL: a layer of ours */
  LodgeImageProgress progress;
  gpointer progress_data;
  char *image;
  LodgeQemuImg *run; /* until it is begun */
  /* Of a chain that becomes one layer. */
  guint64 size_bytes;
  gboolean alone;    /* it has one layer only */
  gboolean offloads; /* what is copied can share its blocks */
} Make;

static void
make_free (gpointer data)
{
  Make *make = data;

  g_clear_pointer (&make->target, lodge_image_target_free);
  g_free (make->source);
  g_free (make->format);
  g_free (make->path);
  g_free (make->image);
  g_clear_pointer (&make->run, lodge_qemu_img_free);
  g_free (make);
}

static gboolean
commit (gpointer data, GError **error)
{
  const Make *make = data;

  return lodge_image_target_commit (make->target, error);
}

/* For both: qemu-img has ended. */
static void
made_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Make *make = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  GError *error = NULL;

  done = lodge_qemu_img_run_finish (result, &error);
  if (done != NULL && done->status != 0)
    lodge_qemu_img_set_error (
        &error, make->source != NULL ? LODGE_ERROR_INVALID : LODGE_ERROR_STORAGE,
        make->source != NULL ? make->source : make->target->path, make->target->path, done);
  if (error != NULL) {
    /* Gone before anybody hears that it failed. */
    g_clear_pointer (&make->target, lodge_image_target_free);
    g_task_return_error (task, error);
    return;
  }

  /* No longer to be cancelled: what is whole is kept or refused, not something between. */
  lodge_task_step_in_thread (g_steal_pointer (&task), commit, lodge_task_forward_cb);
}

/* Whether @path is in an encrypted folder. */
static gboolean
find_encrypted (const char *path, gboolean *out_encrypted, GError **error)
{
  g_autoptr (LodgeSecret) key = NULL;

  if (!lodge_folder_key_find (path, &key, error))
    return FALSE;
  *out_encrypted = key != NULL;
  return TRUE;
}

static gboolean
fill_step (gpointer data, GError **error)
{
  const Make *make = data;

  return lodge_image_empty_fill (make->target, make->size_bytes, error);
}

/* Makes the target what it is before anything is written to it. */
static void
fill (GTask *task, guint64 size_bytes, GAsyncReadyCallback callback)
{
  Make *make = g_task_get_task_data (task);

  make->size_bytes = size_bytes;
  lodge_task_step_in_thread (g_object_ref (task), fill_step, callback);
}

static void
made_empty_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Make *make = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    g_clear_pointer (&make->target, lodge_image_target_free);
    g_task_return_error (task, error);
    return;
  }
  lodge_task_step_in_thread (g_steal_pointer (&task), commit, lodge_task_forward_cb);
}

void
lodge_image_create_async (const char *path,
                          const char *format,
                          guint64 size_bytes,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, size_bytes);
  gboolean is_qcow2 = strcmp (format, "qcow2") == 0;
  gboolean encrypted = FALSE;
  Make *make = g_new0 (Make, 1);
  LodgeQemuImg *run;
  GError *error = NULL;

  g_return_if_fail (is_qcow2 || strcmp (format, "raw") == 0);

  g_task_set_source_tag (task, lodge_image_create_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, make, make_free);
  if (find_encrypted (absolute, &encrypted, &error)) {
    if (encrypted && !is_qcow2)
      g_set_error (&error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("%s cannot be a raw image: its machine is encrypted"), absolute);
    else
      make->target = lodge_image_target_begin (absolute, &error);
  }
  if (error != NULL) {
    g_task_return_error (task, error);
    return;
  }
  if (encrypted) {
    fill (task, size_bytes, made_empty_cb);
    return;
  }

  run = lodge_qemu_img_new ("qemu-img");
  lodge_qemu_img_add (run, "create", "-q", "-f", format, NULL);
  if (is_qcow2)
    lodge_qemu_img_add (run, "-o", QCOW2_OPTIONS, NULL);
  /* An absolute path is never taken for a protocol: those have no '/' before their ':'. */
  lodge_qemu_img_add (run, make->target->hidden, size, NULL);
  lodge_qemu_img_bind (run, LODGE_COMMAND_BIND_READ_WRITE, make->target->hidden);
  lodge_qemu_img_limit (run, 60, is_qcow2 ? LODGE_QEMU_IMG_TABLE_BYTES (size_bytes) : size_bytes);
  lodge_qemu_img_run_async (run, cancellable, made_cb, g_steal_pointer (&task));
}

gboolean
lodge_image_create_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_create_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
begin_convert (GTask *task)
{
  Make *make = g_task_get_task_data (task);

  lodge_qemu_img_bind (make->run, LODGE_COMMAND_BIND_READ_WRITE, make->target->hidden);
  lodge_qemu_img_set_progress (make->run, make->progress, make->progress_data);
  /* A disk slower than 1 MiB/s is as good as none. */
  lodge_qemu_img_limit (make->run, 600 + (guint) (make->size_bytes >> 20),
                        make->size_bytes + LODGE_QEMU_IMG_TABLE_BYTES (make->size_bytes));
  lodge_qemu_img_run_async (g_steal_pointer (&make->run), g_task_get_cancellable (task), made_cb,
                            g_object_ref (task));
}

static void
filled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Make *make = g_task_get_task_data (task);
  g_autofree char *target = NULL;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    g_clear_pointer (&make->target, lodge_image_target_free);
    g_task_return_error (task, error);
    return;
  }
  target = lodge_qemu_img_dup_target (make->target->hidden);
  lodge_qemu_img_add (make->run, "convert", "-p", "-t", "writeback", "-n", "--target-is-zero",
                      "--target-image-opts", make->image, target, NULL);
  begin_convert (task);
}

/* Copies @make->image, for which @make->run has bound what is read. */
static void
convert (GTask *task, guint64 size_bytes)
{
  Make *make = g_task_get_task_data (task);
  const LodgeExportFormat *format = make->export != NULL ? make->export : &export_formats[0];
  gboolean encrypted = FALSE;
  GError *error = NULL;

  make->size_bytes = size_bytes;
  if (find_encrypted (make->target->path, &encrypted, &error) && encrypted && make->export != NULL)
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is in the folder of an encrypted machine: choose another place"),
                 make->target->path);
  if (error != NULL) {
    g_clear_pointer (&make->target, lodge_image_target_free);
    g_task_return_error (task, error);
    return;
  }
  if (encrypted) {
    fill (task, size_bytes, filled_cb);
    return;
  }
  /* By default "convert" leaves the writing to the system's own time. */
  lodge_qemu_img_add (make->run, "convert", "-p", "-t", "writeback", "-O", format->name, NULL);
  if (format->options != NULL)
    lodge_qemu_img_add (make->run, "-o", format->options, NULL);
  if (make->offloads)
    lodge_qemu_img_add (make->run, "-C", NULL);
  lodge_qemu_img_add (make->run, make->image, make->target->hidden, NULL);
  begin_convert (task);
}

static void
inspected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Make *make = g_task_get_task_data (task);
  g_autoptr (LodgeImageFacts) facts = NULL;
  GError *error = NULL;

  facts = lodge_image_inspect_finish (result, &error);
  if (facts == NULL) {
    g_task_return_error (task, error);
    return;
  }

  if (strcmp (facts->format, make->format) != 0)
    g_set_error (&error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is an image of the format %s, not %s"), make->source, facts->format,
                 make->format);
  else
    make->target = lodge_image_target_begin (make->path, &error);

  if (error != NULL) {
    g_task_return_error (task, error);
    return;
  }
  make->image = lodge_qemu_img_dup_source (make->format, make->source, NULL);
  make->run = lodge_qemu_img_new ("qemu-img");
  lodge_qemu_img_bind (make->run, LODGE_COMMAND_BIND_READ_ONLY, make->source);
  convert (task, facts->size_bytes);
}

void
lodge_image_import_async (const char *source,
                          const char *format,
                          const char *path,
                          LodgeImageProgress progress,
                          gpointer progress_data,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Make *make = g_new0 (Make, 1);

  g_task_set_source_tag (task, lodge_image_import_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, make, make_free);
  make->source = g_canonicalize_filename (source, NULL);
  make->format = g_strdup (format);
  make->path = g_canonicalize_filename (path, NULL);
  make->progress = progress;
  make->progress_data = progress_data;
  /* Again: the file may have been changed since it was looked at. */
  lodge_image_inspect_async (make->source, cancellable, inspected_cb, task);
}

gboolean
lodge_image_import_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_import_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Also one that is locked: what is done with it says that. */
static gboolean
is_encrypted (const char *path)
{
  gboolean encrypted = FALSE;

  return !find_encrypted (path, &encrypted, NULL) || encrypted;
}

/* One layer is shared whole; of several qemu-img can share what it copies (copy_file_range(2)),
 * which it is asked for only where that is what comes of it: elsewhere its own way is the faster
 * one. */
static gboolean
reflink (gpointer data, GError **error)
{
  Make *make = data;

  /* An image for others has options of its own, and none of its blocks look like a layer's. */
  if (make->export != NULL || is_encrypted (make->source) || is_encrypted (make->target->path))
    return FALSE;

  if (!make->alone || !lodge_image_reflink_layer (make->source, make->format, make->size_bytes,
                                                  make->target->hidden)) {
    make->offloads = lodge_image_reflink_probe (make->source, make->target->hidden);
    return FALSE;
  }
  return lodge_image_target_commit (make->target, error);
}

static void
reflinked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Make *make = g_task_get_task_data (task);
  GError *error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_boolean (task, TRUE);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    convert (task, make->size_bytes);
}

static void
flatten (const char *const *layers,
         guint64 size_bytes,
         const LodgeExportFormat *format,
         const char *path,
         const char *hidden,
         gboolean replace,
         LodgeImageProgress progress,
         gpointer progress_data,
         GCancellable *cancellable,
         GAsyncReadyCallback callback,
         gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Make *make = g_new0 (Make, 1);
  GError *error = NULL;

  g_task_set_source_tag (task, lodge_image_flatten_async);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, make, make_free);
  make->path = g_canonicalize_filename (path, NULL);
  make->export = format;
  make->progress = progress;
  make->progress_data = progress_data;
  make->size_bytes = size_bytes;
  make->alone = layers[1] == NULL;
  make->run = lodge_qemu_img_new ("qemu-img");
  make->image = lodge_qemu_img_bind_chain (make->run, layers, 0, &error);
  if (make->image != NULL)
    make->target = hidden != NULL
                       ? lodge_image_target_begin_as (make->path, hidden, replace, &error)
                       : lodge_image_target_begin (make->path, &error);
  if (error != NULL) {
    g_task_return_error (task, error);
    return;
  }
  make->source = g_strdup (strchr (layers[0], '/'));
  make->format = g_strndup (layers[0], strchr (layers[0], ':') - layers[0]);
  lodge_task_step_in_thread (g_steal_pointer (&task), reflink, reflinked_cb);
}

void
lodge_image_flatten_async (const char *const *layers,
                           guint64 size_bytes,
                           const char *path,
                           LodgeImageProgress progress,
                           gpointer progress_data,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  flatten (layers, size_bytes, NULL, path, NULL, FALSE, progress, progress_data, cancellable,
           callback, user_data);
}

static const LodgeExportFormat *
find_export_format (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (export_formats); i++) {
    if (strcmp (export_formats[i].name, name) == 0)
      return &export_formats[i];
  }
  return NULL;
}

gboolean
lodge_image_check_export_format (const char *format, GError **error)
{
  g_autofree char *shown = NULL;

  if (find_export_format (format) != NULL)
    return TRUE;
  shown = g_utf8_make_valid (format, -1);
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("No image can be made in the format “%s”: choose qcow2, raw, vmdk, vhdx or vdi"),
               shown);
  return FALSE;
}

void
lodge_image_export_async (const char *const *layers,
                          guint64 size_bytes,
                          const char *format,
                          const char *path,
                          const char *hidden,
                          gboolean replace,
                          LodgeImageProgress progress,
                          gpointer progress_data,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  const LodgeExportFormat *known = find_export_format (format);

  g_return_if_fail (known != NULL);
  flatten (layers, size_bytes, known, path, hidden, replace, progress, progress_data, cancellable,
           callback, user_data);
}

gboolean
lodge_image_flatten_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_flatten_async), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
