/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cables of a machine's network cards: what the description says is what the guest sees, from
 * its first instruction on, whatever changes meanwhile.
 *
 * A card whose cable is unplugged is still there; the guest is told that it has no carrier, and
 * QEMU passes no packet in either way (net_client's link_down in QEMU, net/net.c).
 */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

typedef struct {
  char *nic; /* that is being told */
  gboolean connected;
  GHashTable *failed; /* ids of those that QEMU did not take */
  GError *error;      /* of the first of them */
} Change;

static void
change_free (gpointer data)
{
  Change *change = data;

  g_free (change->nic);
  g_hash_table_unref (change->failed);
  g_clear_error (&change->error);
  g_free (change);
}

static void next (GTask *task);

/* What QEMU was told last. One that nobody has told has them plugged in, unless another engine may
 * have told it. */
static gboolean
is_told (LodgeMachine *self, const LodgeNic *nic)
{
  gpointer told;

  /* One that was added since is the next QEMU's. */
  if (self->started != NULL && lodge_description_get_nic (self->started, nic->id) == NULL)
    return TRUE;
  if (!g_hash_table_lookup_extended (self->links, nic->id, NULL, &told))
    return nic->connected && !self->links_unknown;
  return GPOINTER_TO_INT (told) == nic->connected;
}

static void
told_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  LodgeMachine *self = g_task_get_source_object (task);
  Change *change = g_task_get_task_data (task);
  g_autoptr (JsonNode) answer = NULL;
  GError *error = NULL;

  answer = lodge_qmp_execute_finish (LODGE_QMP (source), result, &error);
  if (answer == NULL) {
    g_prefix_error (&error,
                    change->connected ? _ ("The network card %s could not be connected: ")
                                      : _ ("The network card %s could not be disconnected: "),
                    change->nic);
    g_hash_table_add (change->failed, g_strdup (change->nic));
    if (change->error == NULL)
      change->error = g_steal_pointer (&error);
    g_clear_error (&error);
  } else if (self->qmp == LODGE_QMP (source)) {
    /* Not of a QEMU that has gone meanwhile. */
    g_hash_table_insert (self->links, g_strdup (change->nic), GINT_TO_POINTER (change->connected));
  }
  next (g_steal_pointer (&task));
}

/* One after the other, each as the description says it by then. Takes @task. */
static void
next (GTask *task)
{
  LodgeMachine *self = g_task_get_source_object (task);
  Change *change = g_task_get_task_data (task);
  const LodgeDescription *description = lodge_machine_get_description (self);

  for (guint i = 0; self->qmp != NULL && description != NULL && i < description->nics->len; i++) {
    const LodgeNic *nic = description->nics->pdata[i];
    JsonObject *arguments;

    if (is_told (self, nic) || g_hash_table_contains (change->failed, nic->id))
      continue;
    g_free (change->nic);
    change->nic = g_strdup (nic->id);
    change->connected = nic->connected;
    arguments = lodge_qmp_arguments ("name", nic->id, NULL);
    json_object_set_boolean_member (arguments, "up", nic->connected);
    lodge_qmp_execute_async (self->qmp, "set_link", arguments, 0, g_task_get_cancellable (task),
                             told_cb, task);
    return;
  }
  self->links_under_way = FALSE;
  if (change->error != NULL)
    g_task_return_error (task, g_steal_pointer (&change->error));
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

void
lodge_machine_links_async (LodgeMachine *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Change *change = g_new0 (Change, 1);

  g_task_set_source_tag (task, lodge_machine_links_async);
  change->failed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_task_set_task_data (task, change, change_free);
  self->links_under_way = TRUE;
  next (task);
}

gboolean
lodge_machine_links_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
updated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachine *self = LODGE_MACHINE (source);
  g_autoptr (GError) error = NULL;

  /* A QEMU that ended could not be told, and need not. */
  if (!lodge_machine_links_finish (self, result, &error) && self->qmp != NULL &&
      !lodge_qmp_is_closed (self->qmp))
    lodge_machine_set_note (self, error->message);
}

void
lodge_machine_links_update (LodgeMachine *self)
{
  /* What is under way sees what there is now. */
  if (self->qmp != NULL && !self->ending && !self->links_under_way)
    lodge_machine_links_async (self, NULL, updated_cb, NULL);
}

void
lodge_machine_links_recover (LodgeMachine *self)
{
  self->links_unknown = TRUE;
  lodge_machine_links_update (self);
}

void
lodge_machine_links_forget (LodgeMachine *self)
{
  g_hash_table_remove_all (self->links);
  self->links_unknown = FALSE;
}
