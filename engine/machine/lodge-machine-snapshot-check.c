/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a snapshot can be taken now, what it would hold, and what is in its way: asked before
 * anybody presses a button. */
#include "machine/lodge-machine-snapshot-private.h"

#include "description/lodge-description-snapshots.h"
#include "lodge-error.h"
#include "machine/lodge-machine-key.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* What is asked of the machine as it is now, and what is in its way. */

typedef struct {
  LodgeSnapshotBlock block;
  gpointer data;
} Asked;

static void block (const Asked *asked, int code, const char *advice, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

static void
block (const Asked *asked, int code, const char *advice, const char *format, ...)
{
  g_autoptr (GError) error = NULL;
  va_list arguments;

  va_start (arguments, format);
  error = g_error_new_valist (LODGE_ERROR, code, format, arguments);
  va_end (arguments);
  asked->block (error, advice, asked->data);
}

/* Whether it is there for a snapshot of @now. */
static gboolean
is_of_snapshot (const LodgeDescription *now, const char *layer)
{
  for (guint i = 0; i < now->snapshots->len; i++) {
    const LodgeSnapshot *snapshot = now->snapshots->pdata[i];

    if (g_strv_contains ((const char *const *) snapshot->layers, layer))
      return TRUE;
  }
  return FALSE;
}

/* The layers that the top of @disk stands on; @now: those of them that are there for a snapshot of
 * that, or NULL for all. */
static guint
count_below (const LodgeDescription *description,
             const LodgeDisk *disk,
             const LodgeDescription *now)
{
  const LodgeLayer *layer = lodge_description_get_layer (description, disk->top);
  guint n = 0;

  while (layer->below != NULL) {
    layer = lodge_description_get_layer (description, layer->below);
    n += now == NULL || is_of_snapshot (now, layer->id);
  }
  return n;
}

gboolean
lodge_snapshot_check_depth (const LodgeDescription *description,
                            const LodgeDescription *now,
                            GError **error)
{
  for (guint i = 0; i < description->disks->len; i++) {
    const LodgeDisk *disk = description->disks->pdata[i];
    const guint n = count_below (description, disk, NULL);

    if (n < LODGE_MACHINE_MOST_LAYERS)
      continue;
    if (n - count_below (description, disk, now) < LODGE_MACHINE_MOST_LAYERS)
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                   _ ("“%s” would have %u snapshots one on the other, more than are fast enough: "
                      "delete some first"),
                   description->name, n);
    else
      /* It has them of the machine that it was cloned from, or its own clones need them. */
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                   _ ("“%s” would stand on %u layers, more than are fast enough, and deleting "
                      "snapshots would not make them few enough: make a full clone of it while it "
                      "is off, and go on with that"),
                   description->name, n);
    return FALSE;
  }
  return TRUE;
}

gboolean
lodge_snapshot_check_clone_depth (const LodgeDescription *clone, const char *source, GError **error)
{
  for (guint i = 0; i < clone->disks->len; i++) {
    const guint n = count_below (clone, clone->disks->pdata[i], NULL);

    if (n < LODGE_MACHINE_MOST_LAYERS)
      continue;
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("A linked clone of “%s” would stand on %u layers, more than are fast enough: "
                    "make a full clone"),
                 source, n);
    return FALSE;
  }
  return TRUE;
}

/* What it would be with one more. */
static gboolean
check_next (LodgeMachine *self, GError **error)
{
  const LodgeDescription *now = lodge_machine_get_description (self);
  g_autoptr (LodgeDescription) next = lodge_description_copy (now);
  g_autoptr (GHashTable) taken = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) tops = NULL;
  g_autofree char *id = lodge_description_dup_snapshot_id ();
  g_autofree char *name = lodge_description_dup_free_snapshot_name (now, "?");

  lodge_description_freeze (next, id, name, "", 0);
  tops = lodge_description_add_tops (next, taken);
  return lodge_snapshot_check_depth (next, now, error) && lodge_description_check (next, error);
}

static void
list_live (LodgeMachine *self, const Asked *asked)
{
  g_autofree char *wants = NULL;
  g_autofree char *has = NULL;
  guint64 wanted, room;

  if (self->qmp == NULL)
    block (asked, LODGE_ERROR_STATE, _ ("Shut it down from inside, and take the snapshot then"),
           _ ("“%s” runs, but its control socket is gone"), lodge_machine_get_name (self));
  if (self->disk_failed)
    block (asked, LODGE_ERROR_STATE, _ ("Mend that, and resume it"),
           _ ("“%s” stands still because its disk failed or is full"),
           lodge_machine_get_name (self));
  if (self->folder_device != LODGE_FOLDER_DEVICE_NONE)
    block (asked, LODGE_ERROR_STATE,
           _ ("Unmount the folder in the guest, and share it by WebDAV (sharing.folder-method) or "
              "not at all"),
           _ ("“%s” has a folder by virtiofs, and what the guest knows of it cannot be saved with "
              "its memory"),
           lodge_machine_get_name (self));
  lodge_snapshot_live_measure (self, &wanted, &room);
  if (room >= wanted)
    return;
  wants = g_format_size_full (wanted, G_FORMAT_SIZE_IEC_UNITS);
  has = g_format_size_full (room, G_FORMAT_SIZE_IEC_UNITS);
  block (asked, LODGE_ERROR_STORAGE,
         _ ("Free some space on the disk, or shut the guest down first"),
         _ ("The memory of the guest takes %s and there is room for %s"), wants, has);
}

gboolean
lodge_snapshot_list_blockers (LodgeMachine *self,
                              LodgeAction action,
                              LodgeSnapshotBlock block_given,
                              gpointer data)
{
  const Asked asked = {block_given, data};
  const LodgeLayer *host_disk;
  g_autoptr (GError) error = NULL;

  lodge_machine_refresh (self);
  if (!lodge_machine_check_usable (self, &error) ||
      !lodge_machine_check_action (self, action, &error) ||
      !lodge_machine_check_no_work (self, &error)) {
    asked.block (error, "", data);
    return FALSE;
  }
  if (action == LODGE_ACTION_SNAPSHOT && !check_next (self, &error))
    asked.block (error, "", data);
  g_clear_error (&error);
  host_disk = lodge_description_find_host_disk (lodge_machine_get_description (self));
  if (host_disk != NULL)
    block (&asked, LODGE_ERROR_STATE,
           _ ("Remove that disk from the machine first, which leaves all that is on it"),
           _ ("“%s” has a disk of this computer as a whole, %s, which cannot be frozen"),
           lodge_machine_get_name (self), host_disk->file);
  if (!lodge_machine_check_unlocked (self, &error))
    asked.block (error, _ ("Unlock it first"), data);
  if (lodge_state_is_live (self->state))
    list_live (self, &asked);
  else if (self->pid != 0)
    block (&asked, LODGE_ERROR_STATE, _ ("Force it off first"),
           _ ("The QEMU of “%s” is still there after a panic"), lodge_machine_get_name (self));
  return TRUE;
}

static void
keep_cb (const GError *error, const char *advice, gpointer user_data)
{
  GError **kept = user_data;
  g_autofree char *words = advice[0] != '\0'
                               ? g_strdup_printf (_ ("%s. %s"), error->message, advice)
                               : g_strdup (error->message);
  g_autofree char *before = NULL;

  if (*kept == NULL) {
    *kept = g_error_new_literal (error->domain, error->code, words);
  } else {
    before = (*kept)->message;
    (*kept)->message = g_strdup_printf (_ ("%s. %s"), before, words);
  }
}

gboolean
lodge_snapshot_check (LodgeMachine *self, LodgeAction action, const GError *refusal, GError **error)
{
  GError *kept = NULL;

  if (lodge_snapshot_list_blockers (self, action, keep_cb, &kept) && refusal != NULL &&
      lodge_state_is_live (self->state))
    keep_cb (refusal, "", &kept);
  if (kept == NULL)
    return TRUE;
  g_propagate_error (error, kept);
  return FALSE;
}

/* What QEMU says. */

/* The folder that is shared by virtiofs is in the way by itself (list_live()), with its switch: for
 * QEMU that is a "non-migratable device" (migration/savevm.c), or what its hw/virtio/vhost-user.c
 * misses. */
static gboolean
is_told (LodgeMachine *self, const char *reason)
{
  return self->folder_device != LODGE_FOLDER_DEVICE_NONE && strstr (reason, "vhost-user") != NULL;
}

/* hw/display/virtio-gpu-base.c: "virgl is not yet migratable" */
static const char *
get_advice (LodgeAction action, const char *reason)
{
  const gboolean virgl = strstr (reason, "virgl") != NULL;

  if (action == LODGE_ACTION_SUSPEND)
    return virgl ? _ ("Switch 3D acceleration off (display.3d=no) and start the guest again, or "
                      "shut it down instead")
                 : _ ("Shut the guest down instead");
  return virgl ? _ ("Switch 3D acceleration off (display.3d=no) and start the guest again; or shut "
                    "it down, and take the snapshot then")
               : _ ("Shut the guest down, and take the snapshot then");
}

/* @answer: of query-migrate. */
static void
list_refusals (LodgeMachine *self, LodgeAction action, JsonNode *answer, const Asked *asked)
{
  JsonNode *node = JSON_NODE_HOLDS_OBJECT (answer)
                       ? json_object_get_member (json_node_get_object (answer), "blocked-reasons")
                       : NULL;
  JsonArray *reasons =
      node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; reasons != NULL && i < json_array_get_length (reasons); i++) {
    JsonNode *element = json_array_get_element (reasons, i);
    const char *reason;

    if (!JSON_NODE_HOLDS_VALUE (element) || json_node_get_value_type (element) != G_TYPE_STRING)
      continue;
    reason = json_node_get_string (element);
    if (is_told (self, reason))
      continue;
    block (asked, LODGE_ERROR_STATE, get_advice (action, reason),
           _ ("QEMU cannot save the guest's memory: %s"), reason);
  }
}

static void
refused_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) unsaid = NULL;
  GError *refusal = NULL;
  const Asked asked = {keep_cb, &refusal};
  const LodgeAction action = GPOINTER_TO_UINT (g_task_get_task_data (task));

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &unsaid);
  if (answer != NULL)
    list_refusals (g_task_get_source_object (task), action, answer, &asked);
  else
    g_debug ("%s", unsaid->message);
  if (refusal != NULL)
    g_task_return_error (task, refusal);
  else
    g_task_return_boolean (task, TRUE);
}

void
lodge_snapshot_ask_qemu_async (LodgeMachine *self,
                               LodgeAction action,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_snapshot_ask_qemu_async);
  g_task_set_task_data (task, GUINT_TO_POINTER (action), NULL);
  lodge_qmp_execute_async (self->qmp, "query-migrate", NULL, 0, cancellable, refused_cb, task);
}

gboolean
lodge_snapshot_ask_qemu_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_snapshot_ask_qemu_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* All of it for a window. */

typedef struct {
  GVariantBuilder blockers; /* a(ss) */
  guint n;
  gboolean memory;
  gboolean wants_estimate;
} Check;

static void
add_cb (const GError *error, const char *advice, gpointer user_data)
{
  Check *check = user_data;

  g_variant_builder_add (&check->blockers, "(ss)", error->message, advice);
  check->n++;
}

/* Takes @check. */
static void
answer (GTask *task, Check *check)
{
  LodgeMachine *self = g_task_get_source_object (task);
  guint64 bytes = 0, room = 0;
  GVariantDict facts;

  lodge_snapshot_live_measure (self, &bytes, &room);
  g_variant_dict_init (&facts, NULL);
  g_variant_dict_insert (&facts, "memory", "b", check->memory);
  g_variant_dict_insert (&facts, "bytes", "t", check->memory ? bytes : 0);
  g_variant_dict_insert (&facts, "room", "t", room);
  if (check->memory && self->standstill_ms > 0)
    g_variant_dict_insert (&facts, "standstill", "u", self->standstill_ms);
  if (check->memory && self->expected_at_us != 0)
    g_variant_dict_insert (&facts, "expected-standstill", "u",
                           MAX (self->expected_ms, self->standstill_ms));
  g_task_return_pointer (task,
                         g_variant_ref_sink (g_variant_new ("(a(ss)@a{sv})", &check->blockers,
                                                            g_variant_dict_end (&facts))),
                         (GDestroyNotify) g_variant_unref);
  g_object_unref (task);
  g_free (check);
}

static void
reckoned_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_snapshot_reckon_finish (LODGE_MACHINE (source), result);
  answer (user_data, g_task_get_task_data (user_data));
}

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Check *check = g_task_get_task_data (task);
  const Asked asked = {add_cb, check};
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  node = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (node == NULL)
    add_cb (error, _ ("Shut the guest down, and take the snapshot then"), check);
  else
    list_refusals (self, LODGE_ACTION_SNAPSHOT, node, &asked);
  if (check->wants_estimate && check->n == 0)
    lodge_snapshot_reckon_async (self, reckoned_cb, task);
  else
    answer (task, check);
}

void
lodge_machine_check_snapshot_async (LodgeMachine *self,
                                    gboolean estimate,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  Check *check = g_new0 (Check, 1);

  g_task_set_source_tag (task, lodge_machine_check_snapshot_async);
  g_task_set_task_data (task, check, NULL);
  check->wants_estimate = estimate;
  g_variant_builder_init (&check->blockers, G_VARIANT_TYPE ("a(ss)"));
  check->memory = lodge_state_is_live (self->state);
  if (lodge_snapshot_list_blockers (self, LODGE_ACTION_SNAPSHOT, add_cb, check) && check->memory &&
      self->qmp != NULL)
    lodge_qmp_execute_async (self->qmp, "query-migrate", NULL, 0, NULL, asked_cb, task);
  else
    answer (task, check);
}

GVariant *
lodge_machine_check_snapshot_finish (LodgeMachine *self, GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_machine_check_snapshot_async),
                        NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
