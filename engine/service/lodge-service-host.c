/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host check on the wire (org.lodgevm.Host1). */
#include "service/lodge-service-host.h"

static const char *const level_names[] = {
    [LODGE_FINDING_GOOD] = "good",
    [LODGE_FINDING_NOTE] = "note",
    [LODGE_FINDING_WARNING] = "warning",
    [LODGE_FINDING_PROBLEM] = "problem",
};

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachineHost *host = LODGE_MACHINE_HOST (source);
  GDBusMethodInvocation *invocation = user_data;
  LodgeHostReport *report;
  g_autoptr (GVariant) facts = NULL;
  GPtrArray *findings;
  GVariantBuilder builder;

  lodge_machine_host_prepare_finish (host, result);
  report = lodge_machine_host_get_report (host);
  findings = lodge_host_report_get_findings (report);
  facts = lodge_host_report_dup_facts (report);

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ssss)"));
  for (guint i = 0; i < findings->len; i++) {
    const LodgeFinding *finding = findings->pdata[i];

    g_variant_builder_add (&builder, "(ssss)", finding->id, level_names[finding->level],
                           finding->sentence, finding->advice);
  }
  g_dbus_method_invocation_return_value (invocation,
                                         g_variant_new ("(a(ssss)@a{sv})", &builder, facts));
}

static gboolean
handle_check (LodgeHost1 *object,
              GDBusMethodInvocation *invocation,
              gboolean fresh,
              gpointer user_data)
{
  lodge_machine_host_prepare_async (user_data, fresh, prepared_cb, invocation);
  return TRUE;
}

LodgeHost1 *
lodge_service_host_new (LodgeMachineHost *host)
{
  LodgeHost1 *object = lodge_host1_skeleton_new ();

  g_signal_connect_object (object, "handle-check", G_CALLBACK (handle_check), host, 0);
  return object;
}
