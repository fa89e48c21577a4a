/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One job on the wire (org.lodgevm.Job1). */
#include "service/lodge-service-job.h"

#include "lodge-error.h"

const char *
lodge_service_job_get_path (LodgeJob *job)
{
  static guint last_number = 0;
  const char *path = g_object_get_data (G_OBJECT (job), "lodge-service-path");

  if (path == NULL) {
    char *fresh = g_strdup_printf ("/org/lodgevm/Job/%u", ++last_number);

    g_object_set_data_full (G_OBJECT (job), "lodge-service-path", fresh, g_free);
    path = fresh;
  }
  return path;
}

static void
job_changed_cb (LodgeJob *job, LodgeJob1 *object)
{
  const GError *error = lodge_job_get_error (job);

  lodge_job1_set_progress (object, lodge_job_get_progress (job));
  lodge_job1_set_step (object, lodge_job_get_step (job));
  lodge_job1_set_result (object, lodge_job_get_result (job));
  if (error != NULL) {
    g_autofree char *name = g_dbus_error_encode_gerror (error);

    lodge_job1_set_error_name (object, name);
    lodge_job1_set_error_message (object, error->message);
  }
  /* Last: whoever waits for the state reads the others then. */
  lodge_job1_set_state (object, lodge_job_get_state_name (job));
  if (lodge_job_get_state (job) != LODGE_JOB_RUNNING)
    g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (object));
}

static gboolean
handle_cancel (LodgeJob1 *object, GDBusMethodInvocation *invocation, gpointer user_data)
{
  lodge_job_cancel (user_data);
  lodge_job1_complete_cancel (object, invocation);
  return TRUE;
}

LodgeJob1 *
lodge_service_job_new (LodgeJob *job)
{
  LodgeJob1 *object = lodge_job1_skeleton_new ();

  lodge_job1_set_kind (object, lodge_job_get_kind (job));
  lodge_job1_set_machine (object, lodge_job_get_machine (job));
  lodge_job1_set_name (object, lodge_job_get_name (job));
  lodge_job1_set_source (object, lodge_job_get_source (job));
  lodge_job1_set_error_name (object, "");
  lodge_job1_set_error_message (object, "");
  job_changed_cb (job, object);
  g_signal_connect_object (job, "changed", G_CALLBACK (job_changed_cb), object, 0);
  g_signal_connect_object (object, "handle-cancel", G_CALLBACK (handle_cancel), job, 0);
  return object;
}
