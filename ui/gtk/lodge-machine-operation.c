/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user asks of a machine, as one asynchronous call each. */
#include "gtk/lodge-machine-operation.h"

#include "gtk/lodge-job.h"

#include <glib/gi18n-lib.h>

/* A start measures the host, starts companions and QEMU, each with a limit of its own; this is
 * above their sum, and below what a user takes for a hang. */
#define CALL_LIMIT_MS 60000

typedef struct {
  const char *method;
  const char *failure;
} OperationRow;

static const OperationRow operations[] = {
    [LODGE_MACHINE_START] = {"Start", N_ ("Could Not Start “%s”")},
    [LODGE_MACHINE_START_DISPOSABLE] = {"StartDisposable", N_ ("Could Not Start “%s”")},
    [LODGE_MACHINE_PAUSE] = {"Pause", N_ ("Could Not Pause “%s”")},
    [LODGE_MACHINE_RESUME] = {"Resume", N_ ("Could Not Resume “%s”")},
    [LODGE_MACHINE_SHUTDOWN] = {"Shutdown", N_ ("Could Not Shut Down “%s”")},
    [LODGE_MACHINE_WAKE] = {"Wake", N_ ("Could Not Wake Up “%s”")},
    [LODGE_MACHINE_RESET] = {"Reset", N_ ("Could Not Reset “%s”")},
    [LODGE_MACHINE_KILL] = {"Kill", N_ ("Could Not Force Off “%s”")},
    [LODGE_MACHINE_DELETE] = {"Delete", N_ ("Could Not Delete “%s”")},
    [LODGE_MACHINE_SUSPEND] = {"Suspend", N_ ("Could Not Suspend “%s”")},
    [LODGE_MACHINE_DISCARD] = {"DiscardSuspended",
                               N_ ("Could Not Discard the Saved State of “%s”")},
};

typedef struct {
  const char *method; /* static */
  GVariant *parameters;
} Call;

static void
call_free (Call *call)
{
  g_clear_pointer (&call->parameters, g_variant_unref);
  g_free (call);
}

static void
return_error (GTask *task, GError *error)
{
  g_dbus_error_strip_remote_error (error);
  g_task_return_error (task, error);
}

static void
job_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autofree char *job_result = NULL;
  GError *error = NULL;

  job_result = lodge_job_follow_finish (result, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GVariant) answer = NULL;
  GError *error = NULL;

  answer = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);
  if (answer == NULL) {
    return_error (task, error);
  } else if (g_variant_is_of_type (answer, G_VARIANT_TYPE ("(o)"))) {
    const char *path;

    g_variant_get (answer, "(&o)", &path);
    lodge_job_follow_async (g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path, TRUE,
                            g_task_get_cancellable (task), NULL, NULL, job_cb, g_object_ref (task));
  } else {
    g_task_return_boolean (task, TRUE);
  }
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (LodgeMachine1) machine = NULL;
  Call *call = g_task_get_task_data (task);
  int limit_ms = CALL_LIMIT_MS;
  GError *error = NULL;

  machine = lodge_client_open_machine_finish (LODGE_CLIENT (source), result, &error);
  if (machine == NULL) {
    return_error (task, error);
    return;
  }

  /* A guest's memory takes as long to load as it takes. */
  if (g_strcmp0 (lodge_machine1_get_state (machine), "suspended") == 0)
    limit_ms = G_MAXINT;
  g_dbus_proxy_call (G_DBUS_PROXY (machine), call->method, call->parameters, G_DBUS_CALL_FLAGS_NONE,
                     limit_ms, g_task_get_cancellable (task), called_cb, g_object_ref (task));
}

static void
call_async (LodgeClient *client,
            const char *uuid,
            const char *method,
            GVariant *parameters,
            GCancellable *cancellable,
            GAsyncReadyCallback callback,
            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (client, cancellable, callback, user_data);
  Call *call = g_new0 (Call, 1);

  g_task_set_source_tag (task, lodge_machine_operate_async);
  call->method = method;
  call->parameters = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  g_task_set_task_data (task, call, (GDestroyNotify) call_free);
  lodge_client_open_machine_async (client, uuid, cancellable, opened_cb, g_object_ref (task));
}

char *
lodge_machine_operation_dup_failure (LodgeMachineOperation operation, const char *name)
{
  g_return_val_if_fail (operation < G_N_ELEMENTS (operations), NULL);

/* The formats are those of the table above, each with the one %s for the name. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  return g_strdup_printf (_ (operations[operation].failure), name);
#pragma GCC diagnostic pop
}

void
lodge_machine_operate_async (LodgeClient *client,
                             const char *uuid,
                             LodgeMachineOperation operation,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (operation < G_N_ELEMENTS (operations));

  call_async (client, uuid, operations[operation].method, NULL, cancellable, callback, user_data);
}

void
lodge_machine_set_async (LodgeClient *client,
                         const char *uuid,
                         const char *key,
                         const char *value,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  GVariantBuilder changes;

  g_variant_builder_init (&changes, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&changes, "{ss}", key, value);
  call_async (client, uuid, "Set", g_variant_new ("(a{ss})", &changes), cancellable, callback,
              user_data);
}

gboolean
lodge_machine_operate_finish (LodgeClient *client, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, client), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
