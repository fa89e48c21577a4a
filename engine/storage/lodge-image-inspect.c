/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking into a foreign image:
 *
 *   our own look at its bytes (a thread)  what it is; refused when it refers elsewhere
 *   qemu-img info                         how large the disk is; again what it refers to
 *   qemu-img check                        whether its tables are whole and within the file
 *
 * A raw image has nothing to be understood, so no program is asked about it.
 */
#include "storage/lodge-image.h"

#include "lodge-error.h"
#include "qemu/lodge-json.h"
#include "storage/lodge-image-magic.h"
#include "storage/lodge-qemu-img.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Tables of a large image on a slow disk. */
#define CHECK_SECONDS     300
#define CHECK_CPU_SECONDS 5
/* Larger than any file system here can fill; an image that says more wants to make us busy. */
#define MOST_DISK_BYTES (G_GUINT64_CONSTANT (64) << 40)

typedef struct {
  char *path;   /* absolute, links resolved */
  char *source; /* for qemu-img's command line */
  const char *format;
  guint64 file_bytes;
  LodgeImageFacts *facts;
} Inspect;

static void
inspect_free (gpointer data)
{
  Inspect *inspect = data;

  g_free (inspect->path);
  g_free (inspect->source);
  g_clear_pointer (&inspect->facts, lodge_image_facts_free);
  g_free (inspect);
}

void
lodge_image_facts_free (LodgeImageFacts *self)
{
  if (self == NULL)
    return;
  g_free (self->format);
  g_free (self);
}

static gboolean
refuse (const Inspect *inspect, const char *why, GError **error)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s cannot be used: %s"), inspect->path,
               why);
  return FALSE;
}

/* Whether a VMDK's extents are all in the file itself. */
static gboolean
has_own_extents (const Inspect *inspect, JsonObject *data)
{
  JsonNode *node = json_object_get_member (data, "extents");
  JsonArray *extents;

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  extents = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (extents); i++) {
    JsonNode *extent = json_array_get_element (extents, i);

    if (!JSON_NODE_HOLDS_OBJECT (extent) ||
        g_strcmp0 (lodge_json_get_string (json_node_get_object (extent), "filename"),
                   inspect->path) != 0)
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_info (const Inspect *inspect, const char *text, guint64 *out_size, GError **error)
{
  g_autoptr (JsonNode) root = json_from_string (text, NULL);
  JsonObject *info, *data;
  gint64 size;

  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return refuse (inspect, _ ("qemu-img does not say what it is"), error);
  info = json_node_get_object (root);
  data = lodge_json_get_object (info, "format-specific");
  data = data != NULL ? lodge_json_get_object (data, "data") : NULL;

  if (json_object_has_member (info, "backing-filename") ||
      json_object_has_member (info, "full-backing-filename") ||
      (data != NULL && json_object_has_member (data, "data-file")) ||
      (data != NULL && !has_own_extents (inspect, data)))
    return refuse (inspect, _ ("it refers to another file that the disk needs"), error);
  if (lodge_json_get_boolean (info, "encrypted", FALSE))
    return refuse (inspect, _ ("it is encrypted"), error);
  if (data != NULL && lodge_json_get_boolean (data, "corrupt", FALSE))
    return refuse (inspect, _ ("it is marked as damaged"), error);

  size = lodge_json_get_int (info, "virtual-size", 0);
  if (size < 512)
    return refuse (inspect, _ ("the disk in it has no size"), error);
  if ((guint64) size > MOST_DISK_BYTES)
    return refuse (inspect, _ ("it says that its disk is larger than 64T"), error);
  *out_size = size;
  return TRUE;
}

static void
give_facts (GTask *task, guint64 size_bytes)
{
  Inspect *inspect = g_task_get_task_data (task);
  LodgeImageFacts *facts = g_new0 (LodgeImageFacts, 1);

  facts->format = g_strdup (inspect->format);
  facts->size_bytes = size_bytes;
  g_task_return_pointer (task, facts, (GDestroyNotify) lodge_image_facts_free);
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Inspect *inspect = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  GError *error = NULL;

  done = lodge_qemu_img_run_finish (result, &error);
  /* qemu-img(1): 0 good, 1 not completed, 2 damaged, 3 leaked clusters (harmless), 63 the format
   * has no checks. */
  if (done != NULL && (done->status == 1 || done->status == 2))
    refuse (inspect, _ ("it is damaged or cut short"), &error);
  else if (done != NULL && done->status != 0 && done->status != 3 && done->status != 63)
    lodge_qemu_img_set_error (&error, LODGE_ERROR_INVALID, inspect->path, NULL, done);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    give_facts (task, inspect->facts->size_bytes);
}

/* Of a processor's time. What is checked are tables that grow with what the file really holds, of
 * which several GiB take a second; what an image only says of itself buys it no time. */
static guint
get_check_seconds (const Inspect *inspect)
{
  struct stat info;
  guint64 held = lstat (inspect->path, &info) == 0 ? (guint64) info.st_blocks * 512 : 0;

  return (guint) MIN (CHECK_CPU_SECONDS + (held >> 32), CHECK_SECONDS);
}

static LodgeQemuImg *
new_run (const Inspect *inspect, const char *verb)
{
  LodgeQemuImg *run = lodge_qemu_img_new ("qemu-img");

  lodge_qemu_img_add (run, verb, "--output=json", inspect->source, NULL);
  lodge_qemu_img_bind (run, LODGE_COMMAND_BIND_READ_ONLY, inspect->path);
  return run;
}

static void
info_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Inspect *inspect = g_task_get_task_data (task);
  g_autoptr (LodgeQemuImgResult) done = NULL;
  LodgeQemuImg *run;
  GError *error = NULL;

  inspect->facts = g_new0 (LodgeImageFacts, 1);
  done = lodge_qemu_img_run_finish (result, &error);
  if (done != NULL && done->status != 0)
    lodge_qemu_img_set_error (&error, LODGE_ERROR_INVALID, inspect->path, NULL, done);
  else if (done != NULL)
    read_info (inspect, done->output, &inspect->facts->size_bytes, &error);
  if (error != NULL) {
    g_task_return_error (task, error);
    return;
  }

  run = new_run (inspect, "check");
  lodge_qemu_img_limit (run, CHECK_SECONDS, 0);
  lodge_qemu_img_limit_cpu (run, get_check_seconds (inspect));
  lodge_qemu_img_run_async (run, g_task_get_cancellable (task), checked_cb, g_object_ref (task));
}

/* In a thread: a file may be on a disk that must first spin up, or on a network. */
static void
look (GTask *worker, gpointer source, gpointer data, GCancellable *cancellable)
{
  Inspect *inspect = data;
  g_autofree char *path = g_steal_pointer (&inspect->path);
  char *resolved = realpath (path, NULL);
  GError *error = NULL;

  if (resolved == NULL && errno != ENOENT && errno != EACCES) {
    g_task_return_new_error (worker, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("Could not find %s: %s"),
                             path, g_strerror (errno));
    return;
  }
  /* One that is missing is reported by what opens it. */
  inspect->path = g_strdup (resolved != NULL ? resolved : path);
  free (resolved);
  if (!g_utf8_validate (inspect->path, -1, NULL)) {
    g_task_return_new_error (worker, LODGE_ERROR, LODGE_ERROR_INVALID,
                             _ ("The name of the image must be UTF-8 text: rename it"));
    return;
  }
  inspect->format = lodge_image_magic_find (inspect->path, &inspect->file_bytes, &error);
  /* A disk is made of sectors; a picture or a text of just such a length is rare. */
  if (g_strcmp0 (inspect->format, "raw") == 0 && inspect->file_bytes % 512 != 0 &&
      !lodge_image_magic_has_boot_sector (inspect->path)) {
    refuse (inspect, _ ("it is not the image of a disk"), &error);
    inspect->format = NULL;
  }
  if (inspect->format == NULL)
    g_task_return_error (worker, error);
  else
    g_task_return_boolean (worker, TRUE);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Inspect *inspect = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error)) {
    /* GTask's own word for it has another domain. */
    if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
      g_clear_error (&error);
      g_set_error_literal (&error, LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled"));
    }
    g_task_return_error (task, error);
    return;
  }
  if (strcmp (inspect->format, "raw") == 0) {
    give_facts (task, (inspect->file_bytes + 511) / 512 * 512);
    return;
  }
  inspect->source = lodge_qemu_img_dup_source (inspect->format, inspect->path, NULL);
  lodge_qemu_img_run_async (new_run (inspect, "info"), g_task_get_cancellable (task), info_cb,
                            g_object_ref (task));
}

void
lodge_image_inspect_async (const char *path,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Inspect *inspect = g_new0 (Inspect, 1);
  g_autoptr (GTask) worker = NULL;

  g_task_set_source_tag (task, lodge_image_inspect_async);
  g_task_set_check_cancellable (task, FALSE);
  inspect->path = g_canonicalize_filename (path, NULL);
  g_task_set_task_data (task, inspect, inspect_free);

  /* @task holds @inspect as long as the thread works on it. */
  worker = g_task_new (NULL, cancellable, looked_cb, task);
  g_task_set_task_data (worker, inspect, NULL);
  g_task_run_in_thread (worker, look);
}

LodgeImageFacts *
lodge_image_inspect_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_image_inspect_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}
