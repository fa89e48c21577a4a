/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host check on the wire (org.lodgevm.Host1). */
#include "service/lodge-service-host.h"

static const char *const level_names[] = {
    [LODGE_FINDING_GOOD] = "good",
    [LODGE_FINDING_NOTE] = "note",
    [LODGE_FINDING_WARNING] = "warning",
    [LODGE_FINDING_PROBLEM] = "problem",
};

static GVariant *
new_facts (LodgeHostReport *report, const LodgeVirtiofsd *virtiofsd)
{
  g_autoptr (GVariant) facts = lodge_host_report_dup_facts (report);
  GVariantDict dict;

  g_variant_dict_init (&dict, facts);
  g_variant_dict_insert (&dict, "virtiofs", "s", virtiofsd->problem);
  return g_variant_dict_end (&dict);
}

static void
virtiofsd_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachineHost *host = LODGE_MACHINE_HOST (source);
  GDBusMethodInvocation *invocation = user_data;
  const LodgeVirtiofsd *virtiofsd = lodge_machine_host_find_virtiofsd_finish (host, result);
  LodgeHostReport *report = lodge_machine_host_get_report (host);
  GPtrArray *findings = lodge_host_report_get_findings (report);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(ssss)"));
  for (guint i = 0; i < findings->len; i++) {
    const LodgeFinding *finding = findings->pdata[i];

    g_variant_builder_add (&builder, "(ssss)", finding->id, level_names[finding->level],
                           finding->sentence, finding->advice);
  }
  g_dbus_method_invocation_return_value (
      invocation, g_variant_new ("(a(ssss)@a{sv})", &builder, new_facts (report, virtiofsd)));
}

static void
prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  LodgeMachineHost *host = LODGE_MACHINE_HOST (source);
  GVariant *arguments = g_dbus_method_invocation_get_parameters (user_data);
  gboolean fresh;

  g_variant_get (arguments, "(b)", &fresh);
  lodge_machine_host_prepare_finish (host, result);
  lodge_machine_host_find_virtiofsd_async (host, fresh, virtiofsd_cb, user_data);
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
