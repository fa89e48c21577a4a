/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What there is to see of a machine's snapshots, and what people call them. */
#include "machine/lodge-machine-private.h"

#include "description/lodge-description-snapshots.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "lodge-task-thread.h"
#include "machine/lodge-snapshot-files.h"

#include <glib/gi18n-lib.h>
#include <sys/stat.h>

/* Whether the layer stays when its snapshot goes: it is a file of another machine's too, or more
 * than one layer stands on it. */
static gboolean
is_shared (const char *folder, const LodgeDescription *now, const LodgeLayer *layer)
{
  guint n = 0;

  for (guint i = 0; i < now->layers->len; i++)
    n += g_strcmp0 (((const LodgeLayer *) now->layers->pdata[i])->below, layer->id) == 0;
  return n > 1 || lodge_own_file_count_names (folder, layer->file) > 1;
}

/* The layers that were frozen for it; what is in a file outside the folder was there before. Those
 * that it has alone are given back when it is deleted, or the most of them is. */
static void
measure_layers (const char *folder,
                const LodgeDescription *now,
                const LodgeSnapshot *snapshot,
                guint64 *out_own,
                guint64 *out_shared)
{
  *out_own = *out_shared = 0;
  for (guint i = 0; snapshot->layers[i] != NULL; i++) {
    const LodgeLayer *layer = lodge_description_get_layer (now, snapshot->layers[i]);
    guint64 bytes;

    if (layer == NULL || g_path_is_absolute (layer->file))
      continue;
    bytes = lodge_own_file_measure (folder, layer->file);
    if (is_shared (folder, now, layer))
      *out_shared += bytes;
    else
      *out_own += bytes;
  }
}

/* A disk that sleeps, or is somewhere in a network, must not keep all machines waiting: what is
 * read from it is read by a thread, from copies of its own. */
typedef struct {
  char *folder;
  LodgeDescription *now; /* to list all of them, or NULL */
  char *id;              /* of the one whose picture is wanted... */
  char *name;            /* ...and its name, for people */
} Read;

static void
read_free (gpointer data)
{
  Read *its = data;

  g_free (its->folder);
  g_clear_pointer (&its->now, lodge_description_free);
  g_free (its->id);
  g_free (its->name);
  g_free (its);
}

static GVariant *
list (const char *folder, const LodgeDescription *now)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < now->snapshots->len; i++) {
    const LodgeSnapshot *snapshot = now->snapshots->pdata[i];
    g_autofree char *below = lodge_snapshot_dup_folder (snapshot->id);
    g_autofree char *memory = lodge_snapshot_dup_memory (snapshot->id);
    guint64 memory_bytes = lodge_own_file_measure (folder, memory);
    guint64 own, shared;
    g_autofree char *picture = g_build_filename (below, "thumbnail.png", NULL);
    GVariantDict dict;

    measure_layers (folder, now, snapshot, &own, &shared);
    g_variant_dict_init (&dict, NULL);
    g_variant_dict_insert (&dict, "id", "s", snapshot->id);
    g_variant_dict_insert (&dict, "name", "s", snapshot->name);
    g_variant_dict_insert (&dict, "description", "s", snapshot->text);
    g_variant_dict_insert (&dict, "parent", "s", snapshot->parent != NULL ? snapshot->parent : "");
    g_variant_dict_insert (&dict, "created", "x", snapshot->created_s);
    g_variant_dict_insert (&dict, "current", "b", g_strcmp0 (now->snapshot, snapshot->id) == 0);
    g_variant_dict_insert (&dict, "automatic", "b", snapshot->automatic);
    g_variant_dict_insert (&dict, "scheduled", "b", snapshot->scheduled);
    g_variant_dict_insert (&dict, "memory", "b", snapshot->memory);
    g_variant_dict_insert (&dict, "memory-bytes", "t", memory_bytes);
    g_variant_dict_insert (&dict, "thumbnail", "b", lodge_own_file_measure (folder, picture) > 0);
    g_variant_dict_insert (&dict, "bytes", "t",
                           own + lodge_snapshot_files_measure (folder, snapshot->id) +
                               memory_bytes);
    g_variant_dict_insert (&dict, "shared-bytes", "t", shared);
    g_variant_builder_add_value (&builder, g_variant_dict_end (&dict));
  }
  return g_variant_builder_end (&builder);
}

static void
list_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Read *its = data;

  g_task_return_pointer (task, g_variant_ref_sink (list (its->folder, its->now)),
                         (GDestroyNotify) g_variant_unref);
}

void
lodge_machine_list_snapshots_async (LodgeMachine *self,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  const LodgeDescription *now = lodge_machine_get_description (self);
  Read *its;

  g_task_set_source_tag (task, lodge_machine_list_snapshots_async);
  if (now == NULL || now->snapshots->len == 0) {
    g_task_return_pointer (task, g_variant_ref_sink (g_variant_new ("aa{sv}", NULL)),
                           (GDestroyNotify) g_variant_unref);
    return;
  }
  its = g_new0 (Read, 1);
  its->folder = lodge_machine_dup_folder (self);
  its->now = lodge_description_copy (now);
  g_task_set_task_data (task, its, read_free);
  lodge_task_run_in_thread (task, list_thread);
}

GVariant *
lodge_machine_list_snapshots_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_list_snapshots_async),
                        NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

gboolean
lodge_machine_has_memory (LodgeMachine *self, const char *snapshot)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  const LodgeSnapshot *found =
      now != NULL ? lodge_description_find_snapshot (now, snapshot, NULL) : NULL;

  return found != NULL && found->memory;
}

gboolean
lodge_machine_open_memory (LodgeMachine *self, int *out_fd, GError **error)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autofree char *folder = lodge_machine_dup_folder (self);

  *out_fd = -1;
  if (now->snapshot == NULL || !lodge_machine_has_memory (self, now->snapshot))
    return TRUE;
  *out_fd = lodge_snapshot_files_open_memory (folder, now->snapshot, FALSE, error);
  return *out_fd >= 0;
}

static void
picture_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Read *its = data;
  GBytes *png = lodge_snapshot_files_load_thumbnail (its->folder, its->id);

  if (png != NULL)
    g_task_return_pointer (task, png, (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                             _ ("There is no picture of the snapshot “%s”"), its->name);
}

void
lodge_machine_load_snapshot_thumbnail_async (LodgeMachine *self,
                                             const char *snapshot,
                                             GAsyncReadyCallback callback,
                                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  const LodgeSnapshot *found = NULL;
  GError *error = NULL;
  Read *its;

  g_task_set_source_tag (task, lodge_machine_load_snapshot_thumbnail_async);
  if (lodge_machine_check_usable (self, &error))
    found =
        lodge_description_find_snapshot (lodge_machine_get_description (self), snapshot, &error);
  if (found == NULL) {
    g_task_return_error (task, error);
    return;
  }
  its = g_new0 (Read, 1);
  its->folder = lodge_machine_dup_folder (self);
  its->id = g_strdup (found->id);
  its->name = g_strdup (found->name);
  g_task_set_task_data (task, its, read_free);
  lodge_task_run_in_thread (task, picture_thread);
}

GBytes *
lodge_machine_load_snapshot_thumbnail_finish (LodgeMachine *self,
                                              GAsyncResult *result,
                                              GError **error)
{
  g_return_val_if_fail (
      g_async_result_is_tagged (result, lodge_machine_load_snapshot_thumbnail_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

typedef struct {
  char *snapshot;
  char *name;
  char *text;
} Words;

static void
words_free (gpointer data)
{
  Words *words = data;

  g_free (words->snapshot);
  g_free (words->name);
  g_free (words->text);
  g_free (words);
}

static gboolean
edit_words (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Words *words = data;
  LodgeSnapshot *snapshot = lodge_description_find_snapshot (value, words->snapshot, error);

  if (snapshot == NULL)
    return FALSE;
  if (words->name != NULL && !g_str_equal (words->name, snapshot->name)) {
    if (!lodge_description_check_snapshot_name (value, words->name, error))
      return FALSE;
    g_free (snapshot->name);
    snapshot->name = g_strdup (words->name);
    /* Somebody wants to keep it. */
    snapshot->automatic = FALSE;
    snapshot->scheduled = FALSE;
  }
  if (!g_str_equal (words->text, snapshot->text)) {
    g_free (snapshot->text);
    snapshot->text = g_strdup (words->text);
    snapshot->automatic = FALSE;
    snapshot->scheduled = FALSE;
  }
  return TRUE;
}

void
lodge_machine_describe_snapshot_async (LodgeMachine *self,
                                       const char *snapshot,
                                       const char *name,
                                       const char *text,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data)
{
  Words *words = g_new0 (Words, 1);

  words->snapshot = g_strdup (snapshot);
  words->name = g_strdup (name);
  words->text = g_strdup (text);
  lodge_machine_refresh (self);
  lodge_machine_save_for_client_async (self, edit_words, words, words_free, callback, user_data);
}
