/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading what the kernel's files and the installed packages say about this computer. */
#include "host/lodge-host-facts.h"

#include "host/lodge-host-firmware.h"
#include "host/lodge-host-graphics.h"
#include "host/lodge-host-kernel.h"
#include "host/lodge-host-root.h"
#include "lodge-error.h"

#include <string.h>

static gboolean
read_nested (void)
{
  static const char *const parameters[] = {"/sys/module/kvm_intel/parameters/nested",
                                           "/sys/module/kvm_amd/parameters/nested"};

  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++) {
    g_autofree char *value = lodge_host_root_read (parameters[i]);

    /* "Y" or "1", by the kernel's version. */
    if (value != NULL && (value[0] == 'Y' || value[0] == '1'))
      return TRUE;
  }
  return FALSE;
}

/* Whether intel_iommu=off, amd_iommu=off or iommu=off is on the kernel's command line
 * (Documentation/admin-guide/kernel-parameters.txt). */
static gboolean
read_iommu_refused (void)
{
  g_autofree char *text = lodge_host_root_read ("/proc/cmdline");
  g_auto (GStrv) words = g_strsplit (text != NULL ? text : "", " ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    if (g_str_equal (words[i], "intel_iommu=off") || g_str_equal (words[i], "amd_iommu=off") ||
        g_str_equal (words[i], "iommu=off"))
      return TRUE;
  return FALSE;
}

/* "pc-q35-7.2" of QEMU 7.2.22: what the descriptors' patterns are matched with. */
static char *
dup_machine_type (const char *qemu_version)
{
  g_auto (GStrv) parts = g_strsplit (qemu_version != NULL ? qemu_version : "", ".", 3);

  if (g_strv_length (parts) < 2)
    return g_strdup ("pc-q35-7.2");
  return g_strdup_printf ("pc-q35-%s.%s", parts[0], parts[1]);
}

static char *
dup_firmware_title (const char *machine_type, gboolean secure_boot)
{
  g_autoptr (LodgeHostFirmware) firmware =
      lodge_host_firmware_find ("x86_64", machine_type, secure_boot, NULL);

  if (firmware == NULL)
    return NULL;
  return g_strdup (firmware->title);
}

static void
read_graphics (LodgeHostFacts *self)
{
  g_autoptr (GError) error = NULL;

  self->render_nodes = lodge_host_list_render_nodes (&error);
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_DENIED))
    self->render_problem = g_strdup (error->message);
}

void
lodge_host_facts_read (LodgeHostFacts *self)
{
  g_autofree char *machine_type = dup_machine_type (self->qemu_version);
  g_autofree char *swtpm = lodge_host_root_find_program ("swtpm");
  g_autofree char *swtpm_setup = lodge_host_root_find_program ("swtpm_setup");

  self->kvm = lodge_kvm_host_read ();
  self->nested = read_nested ();
  self->iommu_groups = lodge_host_root_count ("/sys/kernel/iommu_groups");
  self->iommu_table = lodge_host_root_exists ("/sys/firmware/acpi/tables/DMAR") ||
                      lodge_host_root_exists ("/sys/firmware/acpi/tables/IVRS");
  self->iommu_refused = read_iommu_refused ();
  self->memory = lodge_host_memory_read ();
  self->firmware_uefi = dup_firmware_title (machine_type, FALSE);
  self->firmware_secure = dup_firmware_title (machine_type, TRUE);
  self->swtpm = swtpm != NULL && swtpm_setup != NULL;
  read_graphics (self);
  self->io_uring_disabled =
      lodge_host_root_read_number ("/proc/sys/kernel/io_uring_disabled", 0) != 0;
  self->io_uring =
      lodge_host_root_is_for_tests () ? !self->io_uring_disabled : lodge_host_has_io_uring ();
}

void
lodge_host_facts_clear (LodgeHostFacts *self)
{
  g_clear_pointer (&self->sandbox, lodge_host_sandbox_free);
  g_clear_pointer (&self->kvm, lodge_kvm_host_free);
  g_clear_pointer (&self->qemu_binary, g_free);
  g_clear_pointer (&self->qemu_version, g_free);
  g_clear_pointer (&self->firmware_uefi, g_free);
  g_clear_pointer (&self->firmware_secure, g_free);
  g_clear_pointer (&self->render_nodes, g_ptr_array_unref);
  g_clear_pointer (&self->render_problem, g_free);
}
