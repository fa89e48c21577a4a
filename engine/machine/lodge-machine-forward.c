/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's forwards: in its description always, in its running network as well. */
#include "machine/lodge-machine-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

typedef struct {
  gboolean add;
  char *nic;
  char *rule; /* in its full form */
} Change;

static void
change_free (Change *change)
{
  g_free (change->nic);
  g_free (change->rule);
  g_free (change);
}

/* The index of a rule that means the same, or -1. Rules edited by hand may be in a short form. */
static int
find_rule (char **forwards, const char *rule)
{
  for (int i = 0; forwards[i] != NULL; i++) {
    LodgeForward parsed;
    g_autofree char *full = NULL;

    if (!lodge_forward_parse (forwards[i], &parsed, NULL))
      continue;
    full = lodge_forward_format (&parsed);
    if (g_str_equal (full, rule))
      return i;
  }
  return -1;
}

static gboolean
edit (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  const Change *change = data;
  LodgeNic *nic = lodge_description_get_nic (value, change->nic);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  int at;

  if (!lodge_machine_check_changeable (self, error))
    return FALSE;
  /* While the network did its part the guest may have ended, and its file been edited. */
  if (nic == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” has no network card %s"),
                 lodge_machine_get_name (self), change->nic);
    return FALSE;
  }
  at = find_rule (nic->forwards, change->rule);
  for (int i = 0; nic->forwards[i] != NULL; i++) {
    if (i != at)
      g_strv_builder_add (builder, nic->forwards[i]);
  }
  if (change->add)
    g_strv_builder_add (builder, change->rule);
  g_strfreev (nic->forwards);
  nic->forwards = g_strv_builder_end (builder);
  self->held_decided = TRUE;
  return TRUE;
}

static void
recorded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_machine_save_finish (LODGE_MACHINE (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

/* Into the description; the network has done its part, or there is none. Takes @task. */
static void
record (GTask *task)
{
  lodge_machine_save_for_client_async (g_task_get_source_object (task), edit,
                                       g_task_get_task_data (task), NULL, recorded_cb, task);
}

static void
network_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (lodge_user_network_finish (LODGE_USER_NETWORK (source), result, &error))
    record (g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

static gboolean
check (LodgeMachine *self, Change *change, const char *rule, GError **error)
{
  const LodgeDescription *description;
  const LodgeNic *nic = NULL;
  LodgeForward parsed;
  int at;

  lodge_machine_refresh (self);
  if (!lodge_machine_check_usable (self, error) || !lodge_machine_check_edit (self, error) ||
      !lodge_forward_parse (rule, &parsed, error))
    return FALSE;
  change->rule = lodge_forward_format (&parsed);

  description = lodge_machine_get_description (self);
  if (change->nic[0] != '\0')
    nic = lodge_description_get_nic (description, change->nic);
  else if (description->nics->len > 0)
    nic = description->nics->pdata[0];
  if (nic == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” has no network card %s"),
                 lodge_machine_get_name (self), change->nic);
    return FALSE;
  }
  if (change->nic[0] == '\0') {
    g_free (change->nic);
    change->nic = g_strdup (nic->id);
  }

  at = find_rule (nic->forwards, change->rule);
  if (change->add && at >= 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS, _ ("“%s” has the forward %s already"),
                 lodge_machine_get_name (self), change->rule);
    return FALSE;
  }
  if (!change->add && at < 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” has no forward %s"),
                 lodge_machine_get_name (self), change->rule);
    return FALSE;
  }
  return TRUE;
}

void
lodge_machine_forward_async (LodgeMachine *self,
                             gboolean add,
                             const char *nic,
                             const char *rule,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  Change *change = g_new0 (Change, 1);
  LodgeUserNetwork *network;
  GError *error = NULL;

  g_task_set_source_tag (task, lodge_machine_forward_async);
  g_task_set_task_data (task, change, (GDestroyNotify) change_free);
  change->add = add;
  change->nic = g_strdup (nic);
  if (!check (self, change, rule, &error)) {
    g_task_return_error (task, error);
    return;
  }

  network = g_hash_table_lookup (self->networks, change->nic);
  if (network != NULL && add)
    lodge_user_network_add_forward_async (network, change->rule, NULL, network_cb,
                                          g_steal_pointer (&task));
  else if (network != NULL)
    lodge_user_network_remove_forward_async (network, change->rule, NULL, network_cb,
                                             g_steal_pointer (&task));
  else
    record (g_steal_pointer (&task));
}

gboolean
lodge_machine_forward_finish (LodgeMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
