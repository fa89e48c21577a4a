/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From evidence to the verdict on KVM, and the words for it. */
#include "host/lodge-kvm-evidence.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <linux/kvm.h>

static const char *const verdict_names[] = {
    [LODGE_KVM_OK] = "ok",
    [LODGE_KVM_NO_CPU] = "cpu",
    [LODGE_KVM_FIRMWARE] = "firmware",
    [LODGE_KVM_MODULE] = "module",
    [LODGE_KVM_PERMISSION] = "permission",
    [LODGE_KVM_BUSY] = "busy",
    [LODGE_KVM_EMULATED] = "emulated",
    [LODGE_KVM_ABSENT] = "absent",
    [LODGE_KVM_FAILED] = "failed",
};
G_STATIC_ASSERT (G_N_ELEMENTS (verdict_names) == LODGE_KVM_FAILED + 1);

const char *
lodge_kvm_verdict_get_name (LodgeKvmVerdict verdict)
{
  g_return_val_if_fail ((guint) verdict < G_N_ELEMENTS (verdict_names), "failed");
  return verdict_names[verdict];
}

static LodgeAccelerator
no (LodgeKvmVerdict verdict, const char *step, gint64 error_number)
{
  return (LodgeAccelerator){.kind = LODGE_ACCELERATOR_TCG,
                            .verdict = verdict,
                            .failed_step = step,
                            .failed_errno = (int) CLAMP (error_number, 0, G_MAXINT)};
}

/* There is no /dev/kvm, or nothing behind it: why? */
static LodgeKvmVerdict
judge_absent (const LodgeKvmHost *host, const LodgeKvmProbe *probe)
{
  if (!host->cpu_flag) {
    /* Since 5.6 (Intel) and 6.7 (AMD) Linux takes the flag out of /proc/cpuinfo when the firmware
     * has locked the feature away (arch/x86/kernel/cpu/feat_ctl.c, amd.c); CPUID itself still has
     * it. */
    if (probe->cpu_vmx == 1 || probe->cpu_svm == 1)
      return LODGE_KVM_FIRMWARE;
    return LODGE_KVM_NO_CPU;
  }

  if (host->module_vendor[0] != '\0')
    return LODGE_KVM_ABSENT;
  /* kvm_intel and kvm_amd load kvm first, and then leave with "disabled by bios" on kernels that
   * keep the flag. Nobody else loads kvm. */
  if (host->module_kvm)
    return LODGE_KVM_FIRMWARE;
  if (host->module_installed)
    return LODGE_KVM_MODULE;
  return LODGE_KVM_ABSENT;
}

static LodgeAccelerator
judge_open (const LodgeKvmHost *host, const LodgeKvmProbe *probe)
{
  switch (probe->open) {
  case EACCES:
  case EPERM:
    return no (LODGE_KVM_PERMISSION, "open", probe->open);
  case EBUSY:
    return no (LODGE_KVM_BUSY, "open", probe->open);
  case ENOENT:
  case ENODEV: /* the device node was made by hand or at boot, and no module answers */
  case ENXIO:
    return no (judge_absent (host, probe), NULL, 0);
  default:
    return no (LODGE_KVM_FAILED, "open", probe->open);
  }
}

static LodgeAccelerator
judge_run (const LodgeKvmProbe *probe)
{
  LodgeAccelerator accelerator = {.instructions_per_second =
                                      MAX (probe->instructions_per_second, 0)};

  if (probe->run > 0)
    return no (LODGE_KVM_FAILED, "KVM_RUN", probe->run);
  if (probe->exit_reason >= 0)
    return no (LODGE_KVM_FAILED, "KVM_RUN", 0);

  /* No end of KVM_RUN within the limit is an emulator's slowness, or no help to a guest either. */
  if (accelerator.instructions_per_second >= LODGE_KVM_HARDWARE_INSTRUCTIONS_PER_SECOND) {
    accelerator.kind = LODGE_ACCELERATOR_KVM;
    accelerator.verdict = LODGE_KVM_OK;
  } else {
    accelerator.kind = LODGE_ACCELERATOR_TCG;
    accelerator.verdict = LODGE_KVM_EMULATED;
  }
  return accelerator;
}

LodgeAccelerator
lodge_kvm_judge (const LodgeKvmHost *host, const LodgeKvmProbe *probe)
{
  const struct {
    const char *name;
    gint64 result;
  } steps[] = {
      {"KVM_GET_API_VERSION", probe->api},
      {"KVM_CREATE_VM", probe->create_vm},
      {"KVM_SET_USER_MEMORY_REGION", probe->memory},
      {"KVM_CREATE_VCPU", probe->create_vcpu},
      {"KVM_SET_CPUID2", probe->cpuid},
      {"KVM_SET_SREGS", probe->registers},
  };

  if (probe->open < 0)
    return no (LODGE_KVM_FAILED, NULL, 0);
  if (probe->open > 0)
    return judge_open (host, probe);
  if (probe->api_version >= 0 && probe->api_version != KVM_API_VERSION)
    return no (LODGE_KVM_FAILED, "KVM_GET_API_VERSION", 0);

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    if (steps[i].result == 0)
      continue;
    if (steps[i].result == EBUSY)
      return no (LODGE_KVM_BUSY, steps[i].name, EBUSY);
    if (steps[i].result == EACCES || steps[i].result == EPERM)
      return no (LODGE_KVM_PERMISSION, steps[i].name, steps[i].result);
    return no (LODGE_KVM_FAILED, steps[i].name, steps[i].result);
  }

  if (probe->running < 0)
    return no (LODGE_KVM_FAILED, "KVM_RUN", 0);
  return judge_run (probe);
}

static const char *
get_feature (const LodgeKvmHost *host)
{
  return host->cpu_amd ? "AMD-V" : "VT-x";
}

static void
describe_no_cpu (const LodgeKvmHost *host, char **out_sentence, char **out_advice)
{
  if (!host->virtual) {
    *out_sentence = g_strdup_printf (_ ("The CPU (%s) has no hardware virtualization"),
                                     host->cpu_model[0] != '\0' ? host->cpu_model : _ ("unknown"));
    *out_advice = g_strdup (_ ("Use a computer whose CPU has VT-x or AMD-V"));
    return;
  }

  if (host->virtual_vendor[0] != '\0')
    *out_sentence =
        g_strdup_printf (_ ("This computer is itself a virtual machine (%s), and nested "
                            "virtualization is off in the outer hypervisor"),
                         host->virtual_vendor);
  else
    *out_sentence = g_strdup (_ ("This computer is itself a virtual machine, and nested "
                                 "virtualization is off in the outer hypervisor"));
  *out_advice = g_strdup (_ ("Switch on nested virtualization for this machine in the outer "
                             "hypervisor (QEMU and libvirt: CPU model host-passthrough), or use "
                             "Lodge on the outer computer"));
}

static void
describe_permission (const LodgeKvmHost *host, char **out_sentence, char **out_advice)
{
  *out_sentence = g_strdup (_ ("You have no permission to use /dev/kvm"));
  if (host->container)
    *out_advice = g_strdup (_ ("Allow it where the container is started (docker and podman: "
                               "--device /dev/kvm)"));
  else if (host->in_group_kvm)
    *out_advice = g_strdup (_ ("You joined the group kvm after this session began: log out, and in "
                               "again"));
  else if (host->group_kvm)
    *out_advice = g_strdup (_ ("Run “sudo usermod -aG kvm $USER”, then log out and in again"));
  else
    *out_advice = g_strdup (_ ("Run “sudo setfacl -m u:$USER:rw /dev/kvm”, which lasts until the "
                               "next restart"));
}

static void
describe_busy (const LodgeKvmHost *host, char **out_sentence, char **out_advice)
{
  if (host->other_hypervisor[0] != '\0') {
    *out_sentence = g_strdup_printf (_ ("Another hypervisor is using the CPU's virtualization: %s"),
                                     host->other_hypervisor);
    *out_advice = g_strdup (_ ("Shut down its virtual machines, or unload its kernel modules"));
  } else {
    *out_sentence = g_strdup (_ ("Another hypervisor is using the CPU's virtualization"));
    *out_advice = g_strdup (_ ("Shut down the virtual machines of other programs"));
  }
}

static void
describe_absent (const LodgeKvmHost *host, char **out_sentence, char **out_advice)
{
  if (host->container) {
    *out_sentence = g_strdup (_ ("This is a container without /dev/kvm"));
    *out_advice = g_strdup (_ ("Start the container with the device (docker and podman: "
                               "--device /dev/kvm)"));
  } else if (host->module_vendor[0] != '\0') {
    *out_sentence = g_strdup_printf (_ ("The kernel module %s is loaded, but there is no /dev/kvm"),
                                     host->module_vendor);
    *out_advice = g_strdup (_ ("Run “sudo udevadm trigger --name-match=kvm”, or restart the "
                               "computer"));
  } else {
    *out_sentence = g_strdup (_ ("The running kernel was built without KVM"));
    *out_advice = g_strdup (_ ("Start a kernel that has it (Debian: linux-image-amd64); after an "
                               "upgrade of the kernel, restart the computer"));
  }
}

static void
describe_failed (const LodgeAccelerator *accelerator, char **out_sentence, char **out_advice)
{
  if (accelerator->failed_step == NULL)
    *out_sentence = g_strdup (_ ("KVM could not be measured: lodge-kvm-probe gave no answer"));
  else if (accelerator->failed_errno == 0)
    *out_sentence = g_strdup_printf (_ ("KVM could not be used: %s did not do what it should"),
                                     accelerator->failed_step);
  else
    *out_sentence =
        g_strdup_printf (_ ("KVM could not be used: %s failed (%s)"), accelerator->failed_step,
                         g_strerror (accelerator->failed_errno));
  *out_advice = accelerator->failed_step == NULL
                    ? g_strdup (_ ("Check that Lodge is installed completely, then check again"))
                    : g_strdup (_ ("Look for messages of kvm in “sudo dmesg”, then check again"));
}

void
lodge_kvm_describe (const LodgeKvmHost *host,
                    const LodgeAccelerator *accelerator,
                    char **out_sentence,
                    char **out_advice)
{
  const char *module = host->cpu_amd ? "kvm_amd" : "kvm_intel";

  switch (accelerator->verdict) {
  case LODGE_KVM_OK:
    *out_sentence = g_strdup (_ ("KVM works: guests run at the speed of this computer"));
    *out_advice = g_strdup ("");
    break;
  case LODGE_KVM_NO_CPU:
    describe_no_cpu (host, out_sentence, out_advice);
    break;
  case LODGE_KVM_FIRMWARE:
    *out_sentence = g_strdup_printf (
        _ ("The CPU has hardware virtualization (%s), but it is off in the firmware"),
        get_feature (host));
    *out_advice =
        host->cpu_amd
            ? g_strdup (_ ("Restart the computer, open its firmware set-up (BIOS) and switch on "
                           "“SVM Mode”"))
            : g_strdup (_ ("Restart the computer, open its firmware set-up (BIOS) and switch on "
                           "“Intel Virtualization Technology” (VT-x)"));
    break;
  case LODGE_KVM_MODULE:
    *out_sentence = g_strdup_printf (_ ("The kernel module %s is not loaded"), module);
    *out_advice = g_strdup_printf (_ ("Run “sudo modprobe %s”"), module);
    break;
  case LODGE_KVM_PERMISSION:
    describe_permission (host, out_sentence, out_advice);
    break;
  case LODGE_KVM_BUSY:
    describe_busy (host, out_sentence, out_advice);
    break;
  case LODGE_KVM_EMULATED:
    *out_sentence = g_strdup_printf (
        _ ("/dev/kvm is only an emulator here: it ran %.1f million instructions a second, hardware "
           "runs more than %d million"),
        accelerator->instructions_per_second / 1e6,
        LODGE_KVM_HARDWARE_INSTRUCTIONS_PER_SECOND / 1000000);
    *out_advice = host->virtual
                      ? g_strdup (_ (
                            "Switch on nested virtualization in the outer hypervisor; until then "
                            "Lodge uses QEMU's own emulation, which is faster"))
                      : g_strdup (_ (
                            "Nothing is to be done here: Lodge uses QEMU's own emulation, which is "
                            "faster"));
    break;
  case LODGE_KVM_ABSENT:
    describe_absent (host, out_sentence, out_advice);
    break;
  case LODGE_KVM_FAILED:
  default:
    describe_failed (accelerator, out_sentence, out_advice);
    break;
  }
}
