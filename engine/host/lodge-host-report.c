/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the host check hands out: findings in words, facts for programs. Never changes. */
#include "host/lodge-host-facts.h"

struct _LodgeHostReport {
  gatomicrefcount references;
  GPtrArray *findings;
  LodgeAccelerator accelerator;
  LodgeSandbox sandbox;
  GVariant *facts;
};

static const char *const sandbox_names[] = {
    [LODGE_SANDBOX_NONE] = "none",
    [LODGE_SANDBOX_SECCOMP] = "seccomp",
    [LODGE_SANDBOX_BUBBLEWRAP] = "bubblewrap",
};
G_STATIC_ASSERT (G_N_ELEMENTS (sandbox_names) == LODGE_SANDBOX_BUBBLEWRAP + 1);

/* The keys are those of Host1.Check in org.lodgevm.Lodge1.xml. */
static GVariant *
new_facts (const LodgeHostFacts *facts)
{
  gboolean kvm = facts->accelerator.kind == LODGE_ACCELERATOR_KVM;
  GVariantBuilder nodes;
  GVariantDict dict;

  g_variant_builder_init (&nodes, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; facts->render_nodes != NULL && i < facts->render_nodes->len; i++)
    g_variant_builder_add (&nodes, "s", facts->render_nodes->pdata[i]);

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "accelerator", "s", kvm ? "kvm" : "tcg");
  g_variant_dict_insert (&dict, "accelerator-reason", "s",
                         lodge_kvm_verdict_get_name (facts->accelerator.verdict));
  g_variant_dict_insert (&dict, "kvm-instructions-per-second", "t",
                         facts->accelerator.instructions_per_second);
  g_variant_dict_insert (&dict, "nested", "b", kvm && facts->nested);
  g_variant_dict_insert (&dict, "iommu", "b", facts->iommu_groups > 0);
  g_variant_dict_insert (&dict, "iommu-groups", "u", facts->iommu_groups);
  g_variant_dict_insert (&dict, "qemu-version", "s",
                         facts->qemu_version != NULL ? facts->qemu_version : "");
  g_variant_dict_insert (&dict, "qemu-binary", "s",
                         facts->qemu_binary != NULL ? facts->qemu_binary : "");
  g_variant_dict_insert (&dict, "firmware-uefi", "b", facts->firmware_uefi != NULL);
  g_variant_dict_insert (&dict, "firmware-secure-boot", "b", facts->firmware_secure != NULL);
  g_variant_dict_insert (&dict, "tpm", "b", facts->swtpm);
  g_variant_dict_insert_value (&dict, "render-nodes", g_variant_builder_end (&nodes));
  g_variant_dict_insert (&dict, "io-uring", "b", facts->io_uring);
  g_variant_dict_insert (&dict, "memory-total", "t", facts->memory.total_bytes);
  g_variant_dict_insert (&dict, "memory-available", "t", facts->memory.available_bytes);
  g_variant_dict_insert (&dict, "cpus", "u", g_get_num_processors ());
  g_variant_dict_insert (&dict, "sandbox", "s", sandbox_names[facts->sandbox->kind]);
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

LodgeHostReport *
lodge_host_report_new (const LodgeHostFacts *facts)
{
  LodgeHostReport *self = g_new0 (LodgeHostReport, 1);

  g_atomic_ref_count_init (&self->references);
  self->findings = lodge_host_findings_new (facts);
  self->accelerator = facts->accelerator;
  self->sandbox = facts->sandbox->kind;
  self->facts = new_facts (facts);
  return self;
}

LodgeHostReport *
lodge_host_report_ref (LodgeHostReport *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
lodge_host_report_unref (LodgeHostReport *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_ptr_array_unref (self->findings);
  g_variant_unref (self->facts);
  g_free (self);
}

GPtrArray *
lodge_host_report_get_findings (LodgeHostReport *self)
{
  return self->findings;
}

LodgeAccelerator
lodge_host_report_get_accelerator (LodgeHostReport *self)
{
  return self->accelerator;
}

LodgeSandbox
lodge_host_report_get_sandbox (LodgeHostReport *self)
{
  return self->sandbox;
}

GVariant *
lodge_host_report_dup_facts (LodgeHostReport *self)
{
  return g_variant_ref (self->facts);
}
