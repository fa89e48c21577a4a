/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Suspending a machine to disk on the wire, and starting one that may be suspended. */
#include "service/lodge-service-suspend.h"

#include "service/lodge-service-job.h"
#include "service/lodge-service-machine.h"

static void
return_job (GDBusMethodInvocation *invocation, LodgeJob *job)
{
  g_dbus_method_invocation_return_value (invocation,
                                         g_variant_new ("(o)", lodge_service_job_get_path (job)));
}

static gboolean
handle_suspend (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);

  return_job (invocation, lodge_library_suspend (lodge_service_machine_get_library (self),
                                                 lodge_service_machine_get_machine (self)));
  return TRUE;
}

static gboolean
handle_discard (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);

  return_job (invocation,
              lodge_library_discard_suspended (lodge_service_machine_get_library (self),
                                               lodge_service_machine_get_machine (self)));
  return TRUE;
}

static void
started_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GError *error = NULL;

  if (lodge_machine_start_finish (LODGE_MACHINE (source), result, &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_take_error (invocation, error);
}

static void
resume_changed_cb (LodgeJob *job, GDBusMethodInvocation *invocation)
{
  if (lodge_job_get_state (job) == LODGE_JOB_RUNNING)
    return;
  g_signal_handlers_disconnect_by_data (job, invocation);
  if (lodge_job_get_error (job) != NULL)
    g_dbus_method_invocation_return_gerror (invocation, lodge_job_get_error (job));
  else
    g_dbus_method_invocation_return_value (invocation, NULL);
}

static gboolean
handle_start (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  LodgeServiceMachine *self = LODGE_SERVICE_MACHINE (object);
  LodgeMachine *machine = lodge_service_machine_get_machine (self);
  LodgeJob *job;

  lodge_machine_refresh (machine);
  if (lodge_machine_get_state (machine) != LODGE_STATE_SUSPENDED) {
    lodge_machine_start_async (machine, started_cb, invocation);
    return TRUE;
  }
  job = lodge_library_resume (lodge_service_machine_get_library (self), machine);
  g_signal_connect (job, "changed", G_CALLBACK (resume_changed_cb), invocation);
  /* What is refused has ended already. */
  resume_changed_cb (job, invocation);
  return TRUE;
}

static gboolean
handle_start_disposable (LodgeMachine1 *object, GDBusMethodInvocation *invocation)
{
  lodge_machine_start_disposable_async (
      lodge_service_machine_get_machine (LODGE_SERVICE_MACHINE (object)), started_cb, invocation);
  return TRUE;
}

void
lodge_service_suspend_init (LodgeMachine1Iface *iface)
{
  iface->handle_start = handle_start;
  iface->handle_start_disposable = handle_start_disposable;
  iface->handle_suspend = handle_suspend;
  iface->handle_discard_suspended = handle_discard;
}
