/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From facts to findings: one sentence each, and what to do about it. */
#include "host/lodge-host-facts.h"

#include "host/lodge-host-graphics.h"
#include "host/lodge-host-root.h"
#include "lodge-config.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>

/* Older than Debian 12's, and not tried with. */
#define QEMU_MAJOR_MIN 7
#define QEMU_MINOR_MIN 2
/* A desktop guest and what runs beside it need this much. */
#define MEMORY_LOW_BYTES (G_GUINT64_CONSTANT (1) << 30)

static void
finding_free (LodgeFinding *self)
{
  g_free (self->sentence);
  g_free (self->advice);
  g_free (self);
}

/* Takes @sentence and @advice; %NULL for no advice. */
static void
add (GPtrArray *findings, const char *id, LodgeFindingLevel level, char *sentence, char *advice)
{
  LodgeFinding *finding = g_new0 (LodgeFinding, 1);

  finding->id = id;
  finding->level = level;
  finding->sentence = sentence;
  finding->advice = advice != NULL ? advice : g_strdup ("");
  g_ptr_array_add (findings, finding);
}

static void
add_accelerator (GPtrArray *findings, const LodgeHostFacts *facts)
{
  char *sentence, *advice;
  LodgeFindingLevel level = LODGE_FINDING_WARNING;

  lodge_kvm_describe (facts->kvm, &facts->accelerator, &sentence, &advice);
  if (facts->accelerator.verdict == LODGE_KVM_OK)
    level = LODGE_FINDING_GOOD;
  add (findings, "accelerator", level, sentence, advice);

  /* docs/system/security.rst in QEMU: its security promise covers "virtualization use cases" only.
   */
  if (facts->accelerator.kind == LODGE_ACCELERATOR_TCG)
    add (findings, "isolation", LODGE_FINDING_WARNING,
         g_strdup (_ ("Guests run in software emulation, which is many times slower than KVM and "
                      "for which QEMU promises no isolation")),
         g_strdup (_ ("Run only guests that you trust until KVM works here")));
}

static void
add_nesting (GPtrArray *findings, const LodgeHostFacts *facts)
{
  const char *module = facts->kvm->module_vendor;

  if (facts->accelerator.kind != LODGE_ACCELERATOR_KVM)
    add (findings, "nesting", LODGE_FINDING_NOTE,
         g_strdup (_ ("Guests that are hypervisors themselves need KVM")), NULL);
  else if (facts->nested)
    add (findings, "nesting", LODGE_FINDING_GOOD,
         g_strdup (_ ("Guests can be hypervisors themselves (nested virtualization is on)")), NULL);
  else
    add (
        findings, "nesting", LODGE_FINDING_NOTE,
        g_strdup_printf (_ ("Guests cannot be hypervisors themselves: nested virtualization is off "
                            "in %s"),
                         module),
        g_strdup_printf (_ ("Run “echo options %s nested=1 | sudo tee /etc/modprobe.d/"
                            "lodge-nested.conf”, then restart the computer"),
                         module));
}

static void
add_iommu (GPtrArray *findings, const LodgeHostFacts *facts)
{
  if (facts->iommu_groups > 0)
    add (findings, "iommu", LODGE_FINDING_GOOD,
         g_strdup_printf (ngettext ("The IOMMU is on, with %u group of devices",
                                    "The IOMMU is on, with %u groups of devices",
                                    facts->iommu_groups),
                          facts->iommu_groups),
         NULL);
  else if (facts->iommu_refused)
    add (
        findings, "iommu", LODGE_FINDING_NOTE,
        g_strdup (_ ("The IOMMU is switched off on the kernel's command line, so no PCI device can "
                     "be lent to a guest")),
        g_strdup (_ ("Remove iommu=off, intel_iommu=off or amd_iommu=off from the boot loader's "
                     "settings, then restart the computer")));
  else if (facts->iommu_table)
    add (findings, "iommu", LODGE_FINDING_NOTE,
         g_strdup (_ ("The computer has an IOMMU, but the kernel does not use it, so no PCI device "
                      "can be lent to a guest")),
         facts->kvm->cpu_amd
             ? g_strdup (_ ("Add amd_iommu=on to the kernel's command line in the boot loader's "
                            "settings, then restart the computer"))
             : g_strdup (_ ("Add intel_iommu=on to the kernel's command line in the boot loader's "
                            "settings, then restart the computer")));
  else if (facts->kvm->virtual)
    add (
        findings, "iommu", LODGE_FINDING_NOTE,
        g_strdup (_ ("This virtual machine has no IOMMU, so no PCI device can be lent to a guest")),
        NULL);
  else
    add (findings, "iommu", LODGE_FINDING_NOTE,
         g_strdup (_ ("The firmware offers no IOMMU, so no PCI device can be lent to a guest")),
         g_strdup (_ ("Where the computer has one, switch on “VT-d”, “AMD-Vi” or “IOMMU” in its "
                      "firmware set-up (BIOS)")));
}

static void
add_qemu (GPtrArray *findings, const LodgeHostFacts *facts)
{
  unsigned int major = 0, minor = 0;
  g_autofree char *install =
      g_strdup (_ ("Install QEMU (Debian and Ubuntu: sudo apt install qemu-system-x86 "
                   "qemu-system-modules-spice)"));

  if (facts->qemu_binary == NULL)
    add (findings, "qemu", LODGE_FINDING_PROBLEM,
         g_strdup (_ ("QEMU is not installed, so no guest can be started")),
         g_steal_pointer (&install));
  else if (facts->qemu_version == NULL ||
           sscanf (facts->qemu_version, "%u.%u", &major, &minor) != 2)
    add (findings, "qemu", LODGE_FINDING_PROBLEM,
         g_strdup_printf (_ ("%s does not say which version it is"), facts->qemu_binary),
         g_steal_pointer (&install));
  else if (major < QEMU_MAJOR_MIN || (major == QEMU_MAJOR_MIN && minor < QEMU_MINOR_MIN))
    add (findings, "qemu", LODGE_FINDING_PROBLEM,
         g_strdup_printf (_ ("QEMU %s (%s) is too old"), facts->qemu_version, facts->qemu_binary),
         g_strdup_printf (_ ("Install QEMU %d.%d or newer"), QEMU_MAJOR_MIN, QEMU_MINOR_MIN));
  else
    add (findings, "qemu", LODGE_FINDING_GOOD,
         g_strdup_printf (_ ("QEMU %s (%s)"), facts->qemu_version, facts->qemu_binary), NULL);
}

static void
add_firmware (GPtrArray *findings, const LodgeHostFacts *facts)
{
  const char *install = _ ("Install OVMF (Debian and Ubuntu: sudo apt install ovmf)");

  if (facts->firmware_uefi != NULL)
    add (findings, "firmware", LODGE_FINDING_GOOD, g_strdup (_ ("Guests can start with UEFI")),
         NULL);
  else
    add (findings, "firmware", LODGE_FINDING_NOTE,
         g_strdup (_ ("No UEFI firmware for guests is installed: they start with a BIOS")),
         g_strdup (install));

  if (facts->firmware_secure != NULL)
    add (findings, "secure-boot", LODGE_FINDING_GOOD,
         g_strdup (_ ("Guests can start with Secure Boot")), NULL);
  else
    add (findings, "secure-boot", LODGE_FINDING_NOTE,
         g_strdup (_ ("No firmware with Secure Boot and its keys is installed, which Windows 11 "
                      "asks for")),
         g_strdup (install));

  if (facts->swtpm)
    add (findings, "tpm", LODGE_FINDING_GOOD, g_strdup (_ ("Guests can have a TPM (swtpm)")), NULL);
  else
    add (findings, "tpm", LODGE_FINDING_NOTE,
         g_strdup (_ ("Guests cannot have a TPM, which Windows 11 asks for: swtpm is not "
                      "installed")),
         g_strdup (_ ("Install swtpm (Debian and Ubuntu: sudo apt install swtpm swtpm-tools)")));
}

/* Whether a card's driver works is seen by the first guest that draws with it. */
static void
add_graphics (GPtrArray *findings, const LodgeHostFacts *facts)
{
  g_autoptr (GString) cards = g_string_new (NULL);

  if (facts->render_problem != NULL)
    add (findings, "graphics", LODGE_FINDING_NOTE,
         g_strdup_printf (_ ("No graphics card draws for guests in 3D: %s"), facts->render_problem),
         NULL);
  if (facts->render_nodes == NULL)
    return;
  for (guint i = 0; i < facts->render_nodes->len; i++) {
    const char *node = facts->render_nodes->pdata[i];
    g_autofree char *driver = lodge_host_dup_render_node_driver (node);

    if (i > 0)
      g_string_append (cards, ", ");
    if (driver != NULL)
      g_string_append_printf (cards, "%s (%s)", node, driver);
    else
      g_string_append (cards, node);
  }
  if (!lodge_host_graphics_is_shown) {
    add (
        findings, "graphics", LODGE_FINDING_NOTE,
        g_strdup_printf (_ ("Guests are drawn in 2D alone: Lodge’s windows cannot show with GTK %s "
                            "what %s would draw in 3D"),
                         LODGE_GTK_VERSION, cards->str),
        g_strdup (_ ("3D takes GTK 4.14 or newer, as Debian 13 has it")));
    return;
  }
  add (findings, "graphics", LODGE_FINDING_GOOD,
       g_strdup_printf (ngettext ("A graphics card can draw for guests in 3D: %s",
                                  "Graphics cards can draw for guests in 3D: %s",
                                  facts->render_nodes->len),
                        cards->str),
       NULL);
}

static void
add_memory (GPtrArray *findings, const LodgeHostFacts *facts)
{
  const LodgeHostMemory *memory = &facts->memory;
  double available = memory->available_bytes / 1073741824.0;
  double total = memory->total_bytes / 1073741824.0;
  gboolean low = memory->available_bytes < MEMORY_LOW_BYTES;
  char *advice = NULL;

  if (low && memory->limited)
    advice = g_strdup (_ ("Raise the memory limit of the container or control group, or close "
                          "programs"));
  else if (low)
    advice = g_strdup (_ ("Close programs or other guests before starting one"));

  add (findings, "memory", low ? LODGE_FINDING_WARNING : LODGE_FINDING_GOOD,
       memory->limited
           ? g_strdup_printf (_ ("%.1f of %.1f GiB of memory are free, the most that this control "
                                 "group may use"),
                              available, total)
           : g_strdup_printf (_ ("%.1f of %.1f GiB of memory are free"), available, total),
       advice);
}

static char *
dup_sandbox_cause (const LodgeHostSandbox *sandbox)
{
  switch (sandbox->cause) {
  case LODGE_SANDBOX_CAUSE_MISSING:
    return g_strdup (_ ("bubblewrap is not installed"));
  case LODGE_SANDBOX_CAUSE_NO_SPACES:
    return g_strdup (_ ("user namespaces are off (user.max_user_namespaces=0)"));
  case LODGE_SANDBOX_CAUSE_NO_CLONE:
    return g_strdup (_ ("user namespaces are for root only (kernel.unprivileged_userns_clone=0)"));
  case LODGE_SANDBOX_CAUSE_APPARMOR:
    return g_strdup (_ ("AppArmor restricts user namespaces "
                        "(kernel.apparmor_restrict_unprivileged_userns=1)"));
  case LODGE_SANDBOX_CAUSE_CONTAINER:
    return g_strdup (_ ("this container forbids user namespaces or their mounts"));
  case LODGE_SANDBOX_CAUSE_SILENT:
    return g_strdup (_ ("bubblewrap did not answer in time"));
  case LODGE_SANDBOX_CAUSE_OTHER:
  case LODGE_SANDBOX_CAUSE_NONE:
  default:
    if (sandbox->words[0] != '\0')
      return g_strdup_printf (_ ("bubblewrap failed with “%s”"), sandbox->words);
    return g_strdup (_ ("bubblewrap failed"));
  }
}

static char *
dup_sandbox_advice (const LodgeHostSandbox *sandbox)
{
  switch (sandbox->cause) {
  case LODGE_SANDBOX_CAUSE_MISSING:
    return g_strdup (_ ("Install bubblewrap (Debian and Ubuntu: sudo apt install bubblewrap)"));
  case LODGE_SANDBOX_CAUSE_NO_SPACES:
    return g_strdup (_ ("Run “sudo sysctl user.max_user_namespaces=15000”, and write it to "
                        "/etc/sysctl.d/ to keep it"));
  case LODGE_SANDBOX_CAUSE_NO_CLONE:
    return g_strdup (_ ("Run “sudo sysctl kernel.unprivileged_userns_clone=1”, and write it to "
                        "/etc/sysctl.d/ to keep it"));
  case LODGE_SANDBOX_CAUSE_APPARMOR:
    if (lodge_host_root_exists ("/etc/apparmor.d/lodge"))
      return g_strdup (_ ("Load Lodge's AppArmor profile: run “sudo apparmor_parser -r "
                          "/etc/apparmor.d/lodge”"));
    return g_strdup (
        _ ("Install Lodge's package, which brings an AppArmor profile that allows them "
           "to Lodge alone"));
  case LODGE_SANDBOX_CAUSE_CONTAINER:
    return g_strdup (
        _ ("Start the container so that it may nest (LXC: security.nesting; podman: --security-opt "
           "unmask=ALL; docker: --security-opt with seccomp=unconfined, apparmor=unconfined and "
           "systempaths=unconfined)"));
  case LODGE_SANDBOX_CAUSE_SILENT:
    return g_strdup (_ ("Check again when the computer is less busy"));
  case LODGE_SANDBOX_CAUSE_OTHER:
  case LODGE_SANDBOX_CAUSE_NONE:
  default:
    return g_strdup (_ ("Try “bwrap --unshare-all --ro-bind / / --proc /proc true” in a terminal"));
  }
}

static void
add_sandbox (GPtrArray *findings, const LodgeHostFacts *facts)
{
  const LodgeHostSandbox *sandbox = facts->sandbox;
  g_autofree char *cause = NULL;

  if (sandbox->kind == LODGE_SANDBOX_BUBBLEWRAP) {
    add (findings, "sandbox", LODGE_FINDING_GOOD,
         g_strdup (_ ("Each guest runs in a sandbox of its own (bubblewrap and a system call "
                      "filter)")),
         NULL);
    return;
  }

  cause = dup_sandbox_cause (sandbox);
  if (sandbox->kind == LODGE_SANDBOX_SECCOMP)
    add (
        findings, "sandbox", LODGE_FINDING_WARNING,
        g_strdup_printf (_ ("Guests are held by QEMU's system call filter alone, which leaves your "
                            "files open to one that breaks out: %s"),
                         cause),
        dup_sandbox_advice (sandbox));
  else
    add (findings, "sandbox", LODGE_FINDING_PROBLEM,
         g_strdup_printf (_ ("Nothing contains a guest that breaks out: the kernel has no system "
                             "call filter, and %s"),
                          cause),
         dup_sandbox_advice (sandbox));
}

static void
add_io_uring (GPtrArray *findings, const LodgeHostFacts *facts)
{
  if (facts->io_uring)
    return;
  if (facts->io_uring_disabled)
    add (findings, "io-uring", LODGE_FINDING_NOTE,
         g_strdup (_ ("Disks of guests are slower than they could be: io_uring is off "
                      "(kernel.io_uring_disabled)")),
         g_strdup (_ ("Run “sudo sysctl kernel.io_uring_disabled=0” if you trust this computer's "
                      "programs with it")));
  else
    add (findings, "io-uring", LODGE_FINDING_NOTE,
         g_strdup (_ ("Disks of guests are slower than they could be: io_uring is missing in the "
                      "kernel or forbidden by a container")),
         NULL);
}

GPtrArray *
lodge_host_findings_new (const LodgeHostFacts *facts)
{
  GPtrArray *findings = g_ptr_array_new_with_free_func ((GDestroyNotify) finding_free);

  add_accelerator (findings, facts);
  add_nesting (findings, facts);
  add_iommu (findings, facts);
  add_qemu (findings, facts);
  add_firmware (findings, facts);
  add_graphics (findings, facts);
  add_memory (findings, facts);
  add_sandbox (findings, facts);
  add_io_uring (findings, facts);
  return findings;
}
