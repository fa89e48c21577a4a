/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host check on computers made of files, against golden reports (tests/host/golden).
 *
 * LODGE_UPDATE_GOLDEN=1 writes them anew; read the difference before it is committed.
 */
#include "host/lodge-host-check.h"
#include "host/lodge-host-graphics.h"
#include "lodge-config.h"

#include "host-fixture.h"

#include <string.h>

#define INTEL_FLAGS "fpu vme de pse msr lm vmx ept"
#define RUNNING                                                                                    \
  "cpu-vmx 1\\ncpu-svm 0\\nopen 0\\napi 0\\napi-version 12\\ncreate-vm 0\\nmemory 0\\n"            \
  "create-vcpu 0\\ncpuid 0\\nregisters 0\\nrunning 1\\n"
#define HARDWARE            "printf '" RUNNING "instructions-per-second 2100000000\\nrun 0\\nend 1\\n'"
#define EMULATOR            "printf '" RUNNING "instructions-per-second 3600000\\nrun 0\\nend 1\\n'"
#define NO_DEVICE(vmx, svm) "printf 'cpu-vmx " vmx "\\ncpu-svm " svm "\\nopen 2\\nend 1\\n'"

#define DESCRIPTOR(features, code)                                                                 \
  "{\"description\": \"UEFI\", \"interface-types\": [\"uefi\"], \"mapping\": {\"device\": "        \
  "\"flash\", \"executable\": {\"filename\": \"/usr/share/OVMF/" code "\", \"format\": \"raw\"}, " \
  "\"nvram-template\": {\"filename\": \"/usr/share/OVMF/VARS.fd\", \"format\": \"raw\"}}, "        \
  "\"targets\": [{\"architecture\": \"x86_64\", \"machines\": [\"pc-q35-*\"]}], "                  \
  "\"features\": [" features "], \"tags\": []}"

static const LodgeHostQemuFacts usual_qemu = {.qemu_binary = "/usr/bin/qemu-system-x86_64",
                                              .qemu_version = "7.2.22"};

static void
set_cpu (HostFixture *fixture, const char *vendor, const char *model, const char *flags)
{
  g_autofree char *text = g_strdup_printf (
      "processor\t: 0\nvendor_id\t: %s\nmodel name\t: %s\nflags\t\t: %s\n\n", vendor, model, flags);

  host_fixture_add (fixture, "/proc/cpuinfo", text);
}

/* A laptop on which everything works. */
static HostFixture *
new_laptop (void)
{
  HostFixture *fixture = host_fixture_new ();

  set_cpu (fixture, "GenuineIntel", "Intel(R) Core(TM) i7-1260P", INTEL_FLAGS);
  host_fixture_add (fixture, "/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
  host_fixture_add (fixture, "/proc/sys/kernel/version", "#1 SMP Debian 6.1.76-1\n");
  host_fixture_add (fixture, "/proc/sys/kernel/seccomp/actions_avail", "allow\n");
  host_fixture_add (fixture, "/proc/sys/user/max_user_namespaces", "63000\n");
  host_fixture_add (fixture, "/proc/cmdline", "BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet\n");
  host_fixture_add (fixture, "/proc/meminfo",
                    "MemTotal:       16384000 kB\nMemFree:  100 kB\nMemAvailable:   8388608 kB\n");
  host_fixture_add (fixture, "/proc/self/cgroup", "0::/user.slice/session.scope\n");
  host_fixture_add (fixture, "/sys/module/kvm/refcnt", "1\n");
  host_fixture_add (fixture, "/sys/module/kvm_intel/parameters/nested", "Y\n");
  host_fixture_add (fixture, "/sys/kernel/iommu_groups/0/type", "DMA\n");
  host_fixture_add (fixture, "/sys/kernel/iommu_groups/1/type", "DMA\n");
  host_fixture_add (fixture, "/sys/firmware/acpi/tables/DMAR", "");
  host_fixture_add (fixture, "/lib/modules/6.1.0-18-amd64/kernel/arch/x86/kvm/kvm.ko", "");
  host_fixture_add (fixture, "/etc/group", "root:x:0:\nkvm:x:104:somebody-else\n");
  host_fixture_add (fixture, "/dev/kvm", "");
  host_fixture_add (fixture, "/dev/dri/card0", "");
  host_fixture_add (fixture, "/dev/dri/renderD128", "");
  host_fixture_add (fixture, "/dev/dri/renderD129", "");
  host_fixture_add (fixture, "/sys/class/drm/renderD128/device/uevent",
                    "DRIVER=i915\nPCI_CLASS=30000\n");
  host_fixture_add (fixture, "/usr/bin/bwrap", "#!/bin/sh\nexit 0\n");
  host_fixture_add (fixture, "/usr/bin/swtpm", "#!/bin/sh\n");
  host_fixture_add (fixture, "/usr/bin/swtpm_setup", "#!/bin/sh\n");
  host_fixture_add (fixture, "/usr/share/OVMF/CODE.fd", "x");
  host_fixture_add (fixture, "/usr/share/OVMF/CODE.secboot.fd", "x");
  host_fixture_add (fixture, "/usr/share/OVMF/VARS.fd", "x");
  host_fixture_add (
      fixture, "/usr/share/qemu/firmware/40-secure.json",
      DESCRIPTOR ("\"enrolled-keys\", \"requires-smm\", \"secure-boot\"", "CODE.secboot.fd"));
  host_fixture_add (fixture, "/usr/share/qemu/firmware/60-plain.json", DESCRIPTOR ("", "CODE.fd"));
  host_fixture_set_probe (fixture, HARDWARE);
  return fixture;
}

static void
store_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static LodgeHostReport *
check (const LodgeHostQemuFacts *qemu)
{
  GAsyncResult *result = NULL;
  LodgeHostReport *report;
  GWeakRef weak;

  lodge_host_check_async (qemu, TRUE, NULL, store_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  report = lodge_host_check_finish (result);
  g_assert_nonnull (report);

  g_weak_ref_init (&weak, result);
  g_object_unref (result);
  while (g_main_context_iteration (NULL, FALSE)) {
  }
  g_assert_null (g_weak_ref_get (&weak));
  g_weak_ref_clear (&weak);
  return report;
}

/* The facts of Host1.Check, in the order in which they are printed. "cpus" is left out: it is the
 * one thing that is asked of this computer itself. */
static const char *const fact_keys[] = {
    "accelerator",
    "accelerator-reason",
    "kvm-instructions-per-second",
    "nested",
    "iommu",
    "iommu-groups",
    "qemu-version",
    "qemu-binary",
    "firmware-uefi",
    "firmware-secure-boot",
    "tpm",
    "render-nodes",
    "io-uring",
    "memory-total",
    "memory-available",
    "sandbox",
};

/* What is true of each report: one sentence and one piece of advice on a line each, the latter for
 * whatever is wrong. */
static char *
print_report (LodgeHostReport *report)
{
  static const char *const levels[] = {"good", "note", "warning", "problem"};
  GPtrArray *findings = lodge_host_report_get_findings (report);
  g_autoptr (GVariant) facts = lodge_host_report_dup_facts (report);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < findings->len; i++) {
    const LodgeFinding *finding = g_ptr_array_index (findings, i);

    g_assert_null (strpbrk (finding->sentence, "\n\r\t"));
    g_assert_null (strpbrk (finding->advice, "\n\r\t"));
    if (finding->level >= LODGE_FINDING_WARNING)
      g_assert_cmpstr (finding->advice, !=, "");
    g_string_append_printf (text, "%s %s: %s\n", levels[finding->level], finding->id,
                            finding->sentence);
    if (finding->advice[0] != '\0')
      g_string_append_printf (text, "    %s\n", finding->advice);
  }

  g_assert_true (g_variant_is_of_type (facts, G_VARIANT_TYPE_VARDICT));
  g_assert_false (g_variant_is_floating (facts));
  g_assert_cmpuint (g_variant_n_children (facts), ==, G_N_ELEMENTS (fact_keys) + 1);
  g_string_append_c (text, '\n');
  for (guint i = 0; i < G_N_ELEMENTS (fact_keys); i++) {
    g_autoptr (GVariant) value = g_variant_lookup_value (facts, fact_keys[i], NULL);
    g_autofree char *printed = NULL;

    g_assert_nonnull (value);
    printed = g_variant_print (value, FALSE);
    g_string_append_printf (text, "%s %s\n", fact_keys[i], printed);
  }
  return g_string_free (text, FALSE);
}

/* Takes the fixture. */
static void
check_golden (HostFixture *fixture, const LodgeHostQemuFacts *qemu, const char *name)
{
  g_autoptr (LodgeHostReport) report = check (qemu);
  g_autofree char *text = print_report (report);
  g_autofree char *file = g_strconcat (name, ".txt", NULL);
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "host", "golden", file, NULL);
  g_autofree char *golden = NULL;
  g_autoptr (GError) error = NULL;

  host_fixture_free (fixture);
  if (g_getenv ("LODGE_UPDATE_GOLDEN") != NULL) {
    g_assert_true (g_file_set_contents (path, text, -1, NULL));
    g_test_skip ("written, not compared");
    return;
  }
  g_file_get_contents (path, &golden, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, golden);
}

static void
test_laptop (void)
{
  check_golden (new_laptop (), &usual_qemu, "laptop");
}

/* A card is of no use to windows that cannot show what it draws. */
static void
test_not_shown (void)
{
  HostFixture *fixture = new_laptop ();

  lodge_host_graphics_is_shown = FALSE;
  g_autoptr (LodgeHostReport) report = check (&usual_qemu);
  lodge_host_graphics_is_shown = TRUE;
  g_autofree char *text = print_report (report);
  g_assert_nonnull (strstr (text, "\nnote graphics: Guests are drawn in 2D alone: Lodge’s windows "
                                  "cannot show with GTK " LODGE_GTK_VERSION
                                  " what /dev/dri/renderD128 (i915), /dev/dri/renderD129 would "
                                  "draw in 3D\n    3D takes GTK 4.14 or newer"));
  g_assert_null (strstr (text, "good graphics"));
  host_fixture_free (fixture);
}

/* Since Linux 5.6 the flag is gone from /proc/cpuinfo; CPUID has it. */
static void
test_firmware_off (void)
{
  HostFixture *fixture = new_laptop ();

  set_cpu (fixture, "GenuineIntel", "Intel(R) Core(TM) i7-1260P", "fpu vme lm");
  host_fixture_remove (fixture, "/sys/module/kvm_intel");
  host_fixture_remove (fixture, "/sys/module/kvm");
  host_fixture_remove (fixture, "/dev/kvm");
  host_fixture_set_probe (fixture, NO_DEVICE ("1", "0"));
  check_golden (fixture, &usual_qemu, "firmware-off");
}

/* Before 6.7 AMD's flag stays: kvm is loaded, and kvm_amd refused. */
static void
test_firmware_off_amd (void)
{
  HostFixture *fixture = new_laptop ();

  set_cpu (fixture, "AuthenticAMD", "AMD Ryzen 7 5800X", "fpu lm svm npt");
  host_fixture_remove (fixture, "/sys/module/kvm_intel");
  host_fixture_remove (fixture, "/dev/kvm");
  host_fixture_remove (fixture, "/sys/kernel/iommu_groups");
  host_fixture_remove (fixture, "/sys/firmware/acpi/tables/DMAR");
  host_fixture_set_probe (fixture, NO_DEVICE ("0", "1"));
  check_golden (fixture, &usual_qemu, "firmware-off-amd");
}

static void
test_module_missing (void)
{
  HostFixture *fixture = new_laptop ();

  host_fixture_remove (fixture, "/sys/module/kvm_intel");
  host_fixture_remove (fixture, "/sys/module/kvm");
  host_fixture_remove (fixture, "/dev/kvm");
  host_fixture_set_probe (fixture, NO_DEVICE ("1", "0"));
  check_golden (fixture, &usual_qemu, "module-missing");
}

static void
test_permission (void)
{
  HostFixture *fixture = new_laptop ();

  host_fixture_set_probe (fixture, "printf 'cpu-vmx 1\\nopen 13\\nend 1\\n'");
  check_golden (fixture, &usual_qemu, "permission");
}

static void
test_emulated (void)
{
  HostFixture *fixture = new_laptop ();

  set_cpu (fixture, "GenuineIntel", "Intel(R) Xeon(R) Processor", "fpu lm hypervisor");
  host_fixture_add (fixture, "/sys/class/dmi/id/sys_vendor", "Cloud\n");
  host_fixture_remove (fixture, "/sys/module/kvm_intel");
  host_fixture_remove (fixture, "/sys/kernel/iommu_groups");
  host_fixture_remove (fixture, "/sys/firmware/acpi/tables/DMAR");
  host_fixture_set_probe (fixture, EMULATOR);
  check_golden (fixture, &usual_qemu, "emulated");
}

static void
test_virtualbox (void)
{
  HostFixture *fixture = new_laptop ();

  host_fixture_add (fixture, "/sys/module/vboxdrv/refcnt", "2\n");
  host_fixture_set_probe (fixture,
                          "printf 'cpu-vmx 1\\nopen 0\\napi 0\\napi-version 12\\ncreate-vm 16\\n"
                          "end 1\\n'");
  check_golden (fixture, &usual_qemu, "virtualbox");
}

static void
test_container (void)
{
  HostFixture *fixture = new_laptop ();

  host_fixture_add (fixture, "/.dockerenv", "");
  host_fixture_remove (fixture, "/dev/kvm");
  host_fixture_remove (fixture, "/lib/modules");
  host_fixture_add (fixture, "/proc/self/cgroup", "0::/\n");
  host_fixture_add (fixture, "/sys/fs/cgroup/memory.max", "1073741824\n");
  host_fixture_add (fixture, "/sys/fs/cgroup/memory.current", "805306368\n");
  host_fixture_add (fixture, "/sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 268435456\n");
  host_fixture_add (fixture, "/usr/bin/bwrap",
                    "#!/bin/sh\necho \"bwrap: Can't mount proc on /newroot/proc: Operation not "
                    "permitted\" >&2\nexit 1\n");
  host_fixture_set_probe (fixture, NO_DEVICE ("1", "0"));
  check_golden (fixture, &usual_qemu, "container");
}

static void
test_virtual_machine (void)
{
  HostFixture *fixture = new_laptop ();

  set_cpu (fixture, "GenuineIntel", "Intel(R) Xeon(R) Processor", "fpu lm hypervisor");
  host_fixture_add (fixture, "/sys/class/dmi/id/sys_vendor", "QEMU\n");
  host_fixture_remove (fixture, "/sys/module/kvm_intel");
  host_fixture_remove (fixture, "/sys/module/kvm");
  host_fixture_remove (fixture, "/dev/kvm");
  host_fixture_remove (fixture, "/sys/kernel/iommu_groups");
  host_fixture_remove (fixture, "/sys/firmware/acpi/tables/DMAR");
  host_fixture_set_probe (fixture, NO_DEVICE ("0", "0"));
  check_golden (fixture, &usual_qemu, "virtual-machine");
}

static void
test_iommu_off_in_kernel (void)
{
  HostFixture *fixture = new_laptop ();

  host_fixture_remove (fixture, "/sys/kernel/iommu_groups");
  check_golden (fixture, &usual_qemu, "iommu-off-in-kernel");
}

static void
test_iommu_off_on_command_line (void)
{
  HostFixture *fixture = new_laptop ();

  host_fixture_remove (fixture, "/sys/kernel/iommu_groups");
  host_fixture_add (fixture, "/proc/cmdline", "root=/dev/sda1 intel_iommu=off\n");
  check_golden (fixture, &usual_qemu, "iommu-off-on-command-line");
}

static void
test_ubuntu (void)
{
  HostFixture *fixture = new_laptop ();

  host_fixture_add (fixture, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
  host_fixture_add (fixture, "/usr/bin/bwrap",
                    "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n");
  host_fixture_add (fixture, "/etc/apparmor.d/lodge", "");
  host_fixture_add (fixture, "/sys/module/kvm_intel/parameters/nested", "N\n");
  check_golden (fixture, &usual_qemu, "ubuntu");
}

/* Nothing is installed, and nothing is left. */
static void
test_bare (void)
{
  const LodgeHostQemuFacts none = {NULL, NULL};
  HostFixture *fixture = new_laptop ();

  set_cpu (fixture, "GenuineIntel", "Intel(R) Atom(TM) CPU N270", "fpu");
  host_fixture_remove (fixture, "/usr/bin");
  host_fixture_remove (fixture, "/usr/share");
  host_fixture_remove (fixture, "/sys");
  host_fixture_remove (fixture, "/dev/kvm");
  host_fixture_remove (fixture, "/proc/sys/kernel/seccomp");
  host_fixture_add (fixture, "/proc/sys/kernel/io_uring_disabled", "2\n");
  host_fixture_add (fixture, "/proc/meminfo", "MemTotal: 1024000 kB\nMemAvailable: 307200 kB\n");
  host_fixture_set_probe (fixture, NO_DEVICE ("0", "0"));
  check_golden (fixture, &none, "bare");
}

/* A root without a single file, a QEMU that says nothing of use: still a report. */
static void
test_empty_root (void)
{
  const LodgeHostQemuFacts odd = {"/opt/qemu", "garbage"};
  const LodgeHostQemuFacts old = {"/opt/qemu", "6.2.0"};
  HostFixture *fixture = host_fixture_new ();

  {
    g_autoptr (LodgeHostReport) report = check (&odd);
    g_autofree char *text = print_report (report);

    g_assert_nonnull (strstr (text, "problem qemu: /opt/qemu does not say"));
    g_assert_cmpint (lodge_host_report_get_accelerator (report).kind, ==, LODGE_ACCELERATOR_TCG);
    g_assert_cmpint (lodge_host_report_get_sandbox (report), ==, LODGE_SANDBOX_NONE);
  }
  {
    g_autoptr (LodgeHostReport) report = check (&old);
    g_autofree char *text = print_report (report);

    g_assert_nonnull (strstr (text, "problem qemu: QEMU 6.2.0 (/opt/qemu) is too old"));
  }
  host_fixture_free (fixture);
}

/* Without a fixture: whatever this computer is, the report is whole and agrees with itself. */
static void
test_this_computer (void)
{
  HostFixture *fixture = host_fixture_new ();
  g_autoptr (LodgeHostReport) report = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GVariant) facts = NULL;
  const char *accelerator;
  LodgeAccelerator measured;

  host_fixture_set_real_root (fixture);
  host_fixture_set_real_probe (fixture);
  report = check (&usual_qemu);
  text = print_report (report);
  g_test_message ("%s", text);

  measured = lodge_host_report_get_accelerator (report);
  facts = lodge_host_report_dup_facts (report);
  g_assert_true (g_variant_lookup (facts, "accelerator", "&s", &accelerator));
  g_assert_cmpstr (accelerator, ==, measured.kind == LODGE_ACCELERATOR_KVM ? "kvm" : "tcg");
  g_assert_cmpint (measured.kind == LODGE_ACCELERATOR_KVM, ==, measured.verdict == LODGE_KVM_OK);
  g_assert_cmpint (measured.verdict, !=, LODGE_KVM_FAILED);
  host_fixture_free (fixture);
}

int
main (int argc, char **argv)
{
  host_fixture_init (&argc, &argv);
  /* Whatever GTK this is built with. */
  lodge_host_graphics_is_shown = TRUE;
  g_test_add_func ("/host-check/laptop", test_laptop);
  g_test_add_func ("/host-check/not-shown", test_not_shown);
  g_test_add_func ("/host-check/firmware-off", test_firmware_off);
  g_test_add_func ("/host-check/firmware-off-amd", test_firmware_off_amd);
  g_test_add_func ("/host-check/module-missing", test_module_missing);
  g_test_add_func ("/host-check/permission", test_permission);
  g_test_add_func ("/host-check/emulated", test_emulated);
  g_test_add_func ("/host-check/virtualbox", test_virtualbox);
  g_test_add_func ("/host-check/container", test_container);
  g_test_add_func ("/host-check/virtual-machine", test_virtual_machine);
  g_test_add_func ("/host-check/iommu-off-in-kernel", test_iommu_off_in_kernel);
  g_test_add_func ("/host-check/iommu-off-on-command-line", test_iommu_off_on_command_line);
  g_test_add_func ("/host-check/ubuntu", test_ubuntu);
  g_test_add_func ("/host-check/bare", test_bare);
  g_test_add_func ("/host-check/empty-root", test_empty_root);
  g_test_add_func ("/host-check/this-computer", test_this_computer);
  return host_fixture_run ();
}
