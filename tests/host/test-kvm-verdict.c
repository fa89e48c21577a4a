/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of the probe, and what follows from them and the kernel's files: every row of the
 * table. */
#include "host/lodge-kvm-evidence.h"

#include <errno.h>
#include <string.h>

#define READY                                                                                      \
  "open 0\napi 0\napi-version 12\ncreate-vm 0\nmemory 0\ncreate-vcpu 0\ncpuid 0\nregisters 0\n"

/* The computer of a row: flags that are set, by their first letters below. */
typedef struct {
  const char *lines;
  /* f cpu flag, a AMD, v virtual, c container, k kvm loaded, m its maker's module loaded,
   * i installed, g group kvm, j joined it, o VirtualBox loaded */
  const char *host;
  LodgeKvmVerdict verdict;
  const char *sentence; /* part of it */
  const char *advice;   /* part of it, NULL: none */
} Row;

static const Row rows[] = {
    {READY "running 1\ninstructions-per-second 100000000\nrun 0\nend 1\n", "fkm", LODGE_KVM_OK,
     "KVM works", NULL},
    {READY "running 1\ninstructions-per-second 99999999\nrun 0\nend 1\n", "fkm", LODGE_KVM_EMULATED,
     "only an emulator", "Nothing is to be done"},
    {READY "running 1\ninstructions-per-second 3600000\ninstructions-per-second 3700000\nrun 0\n",
     "kv", LODGE_KVM_EMULATED, "3.7 million", "outer hypervisor"},
    {READY "running 1\n", "fkm", LODGE_KVM_EMULATED, "0.0 million", "Nothing"},
    /* No device */
    {"cpu-vmx 0\ncpu-svm 0\nopen 2\nend 1\n", "", LODGE_KVM_NO_CPU, "no hardware virtualization",
     "Use a computer"},
    {"cpu-vmx 0\ncpu-svm 0\nopen 2\nend 1\n", "v", LODGE_KVM_NO_CPU,
     "itself a virtual machine (QEMU), and nested virtualization is off", "outer hypervisor"},
    {"cpu-vmx 1\nopen 2\nend 1\n", "", LODGE_KVM_FIRMWARE, "(VT-x), but it is off in the firmware",
     "Intel Virtualization Technology"},
    {"cpu-svm 1\nopen 2\nend 1\n", "a", LODGE_KVM_FIRMWARE, "(AMD-V), but it is off", "SVM Mode"},
    {"cpu-svm 1\nopen 2\nend 1\n", "fak", LODGE_KVM_FIRMWARE, "off in the firmware", "SVM Mode"},
    {"cpu-vmx 1\nopen 2\nend 1\n", "fi", LODGE_KVM_MODULE, "kvm_intel is not loaded",
     "sudo modprobe kvm_intel"},
    {"cpu-svm 1\nopen 2\nend 1\n", "fai", LODGE_KVM_MODULE, "kvm_amd is not loaded",
     "sudo modprobe kvm_amd"},
    {"cpu-vmx 1\nopen 2\nend 1\n", "f", LODGE_KVM_ABSENT, "built without KVM", "linux-image"},
    {"cpu-vmx 1\nopen 2\nend 1\n", "fkm", LODGE_KVM_ABSENT, "loaded, but there is no /dev/kvm",
     "udevadm"},
    {"cpu-vmx 1\nopen 2\nend 1\n", "fkmc", LODGE_KVM_ABSENT, "container without", "--device"},
    /* A node that nobody answers is as good as none */
    {"cpu-vmx 1\nopen 19\nend 1\n", "fi", LODGE_KVM_MODULE, "not loaded", "modprobe"},
    {"cpu-vmx 1\nopen 6\nend 1\n", "fi", LODGE_KVM_MODULE, "not loaded", "modprobe"},
    /* Permission */
    {"open 13\nend 1\n", "fkm", LODGE_KVM_PERMISSION, "no permission", "setfacl"},
    {"open 13\nend 1\n", "fkmg", LODGE_KVM_PERMISSION, "no permission", "usermod -aG kvm"},
    {"open 13\nend 1\n", "fkmgj", LODGE_KVM_PERMISSION, "no permission", "log out, and in again"},
    {"open 1\nend 1\n", "fkmgc", LODGE_KVM_PERMISSION, "no permission", "--device /dev/kvm"},
    {"open 0\napi 0\napi-version 12\ncreate-vm 13\nend 1\n", "fkmg", LODGE_KVM_PERMISSION,
     "no permission", "usermod"},
    /* Busy */
    {"open 0\napi 0\napi-version 12\ncreate-vm 16\nend 1\n", "fkmo", LODGE_KVM_BUSY,
     "VirtualBox (vboxdrv)", "Shut down its virtual machines"},
    {"open 0\napi 0\napi-version 12\ncreate-vm 16\nend 1\n", "fkm", LODGE_KVM_BUSY,
     "Another hypervisor is using", "Shut down"},
    {"open 16\nend 1\n", "fkm", LODGE_KVM_BUSY, "Another hypervisor", "Shut down"},
    {"open 0\napi 0\napi-version 12\ncreate-vm 0\nmemory 0\ncreate-vcpu 16\nend 1\n", "fkm",
     LODGE_KVM_BUSY, "Another hypervisor", "Shut down"},
    /* What should not happen */
    {"open 24\nend 1\n", "fkm", LODGE_KVM_FAILED, "open failed (Too many open files)", "dmesg"},
    {"open 0\napi 25\nend 1\n", "fkm", LODGE_KVM_FAILED, "KVM_GET_API_VERSION failed", "dmesg"},
    {"open 0\napi 0\napi-version 11\nend 1\n", "fkm", LODGE_KVM_FAILED,
     "KVM_GET_API_VERSION did not", "dmesg"},
    {"open 0\napi 0\napi-version 12\ncreate-vm 12\nend 1\n", "fkm", LODGE_KVM_FAILED,
     "KVM_CREATE_VM failed (Cannot allocate memory)", "dmesg"},
    {"open 0\napi 0\napi-version 12\ncreate-vm 0\nmemory 22\nend 1\n", "fkm", LODGE_KVM_FAILED,
     "KVM_SET_USER_MEMORY_REGION failed", "dmesg"},
    {"open 0\napi 0\napi-version 12\ncreate-vm 0\nmemory 0\ncreate-vcpu 22\nend 1\n", "fkm",
     LODGE_KVM_FAILED, "KVM_CREATE_VCPU failed", "dmesg"},
    {"open 0\napi 0\napi-version 12\ncreate-vm 0\nmemory 0\ncreate-vcpu 0\ncpuid 22\nend 1\n",
     "fkm", LODGE_KVM_FAILED, "KVM_SET_CPUID2 failed", "dmesg"},
    {"open 0\napi 0\napi-version 12\ncreate-vm 0\nmemory 0\ncreate-vcpu 0\ncpuid 0\n"
     "registers 22\nend 1\n",
     "fkm", LODGE_KVM_FAILED, "KVM_SET_SREGS failed", "dmesg"},
    {"open 0\napi 0\napi-version 12\n", "fkm", LODGE_KVM_FAILED, "KVM_CREATE_VM did not", "dmesg"},
    {READY, "fkm", LODGE_KVM_FAILED, "KVM_RUN did not", "dmesg"},
    {READY "running 1\nrun 14\nend 1\n", "fkm", LODGE_KVM_FAILED, "KVM_RUN failed", "dmesg"},
    {READY "running 1\nrun 0\nexit-reason 17\nend 1\n", "fkm", LODGE_KVM_FAILED, "KVM_RUN did not",
     "dmesg"},
    /* It answered fast and counted wrong */
    {READY "running 1\ninstructions-per-second 9000000000\nrun 5\nend 1\n", "fkm", LODGE_KVM_FAILED,
     "KVM_RUN failed", "dmesg"},
    {"", "fkm", LODGE_KVM_FAILED, "could not be measured", "installed completely"},
};

static LodgeKvmHost *
new_host (const char *flags)
{
  LodgeKvmHost *host = g_new0 (LodgeKvmHost, 1);

  host->cpu_model = g_strdup ("Test CPU");
  host->cpu_flag = strchr (flags, 'f') != NULL;
  host->cpu_amd = strchr (flags, 'a') != NULL;
  host->virtual = strchr (flags, 'v') != NULL;
  host->virtual_vendor = g_strdup (host->virtual ? "QEMU" : "");
  host->container = strchr (flags, 'c') != NULL;
  host->module_kvm = strchr (flags, 'k') != NULL;
  host->module_vendor =
      g_strdup (strchr (flags, 'm') == NULL ? "" : (host->cpu_amd ? "kvm_amd" : "kvm_intel"));
  host->module_installed = strchr (flags, 'i') != NULL || host->module_kvm;
  host->group_kvm = strchr (flags, 'g') != NULL;
  host->in_group_kvm = strchr (flags, 'j') != NULL;
  host->other_hypervisor = g_strdup (strchr (flags, 'o') != NULL ? "VirtualBox (vboxdrv)" : "");
  host->kernel = g_strdup ("6.1");
  return host;
}

static void
test_rows (void)
{
  gboolean seen[LODGE_KVM_FAILED + 1] = {FALSE};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (LodgeKvmHost) host = new_host (rows[i].host);
    LodgeKvmProbe probe = lodge_kvm_probe_parse (rows[i].lines, strlen (rows[i].lines));
    LodgeAccelerator accelerator = lodge_kvm_judge (host, &probe);
    g_autofree char *sentence = NULL;
    g_autofree char *advice = NULL;

    lodge_kvm_describe (host, &accelerator, &sentence, &advice);
    g_test_message ("%u: %s | %s", i, sentence, advice);
    g_assert_cmpint (accelerator.verdict, ==, rows[i].verdict);
    g_assert_cmpint (accelerator.kind == LODGE_ACCELERATOR_KVM, ==,
                     rows[i].verdict == LODGE_KVM_OK);
    g_assert_nonnull (strstr (sentence, rows[i].sentence));
    if (rows[i].advice != NULL)
      g_assert_nonnull (strstr (advice, rows[i].advice));
    else
      g_assert_cmpstr (advice, ==, "");
    seen[accelerator.verdict] = TRUE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (seen); i++)
    g_assert_true (seen[i]);
}

static void
test_lines (void)
{
  const char *text = "open 13\nopen 0\ninstructions-per-second 5\ninstructions-per-second 7\n"
                     "unknown 3\n\n \nend\nend 1 1\napi 0x1\nmemory  3\nrun 5\r\n run 1\nrunn";
  LodgeKvmProbe probe = lodge_kvm_probe_parse (text, strlen (text));

  g_assert_cmpint (probe.open, ==, 13);
  g_assert_cmpint (probe.instructions_per_second, ==, 7);
  g_assert_cmpint (probe.end, ==, -1);
  g_assert_cmpint (probe.api, ==, -1);
  g_assert_cmpint (probe.memory, ==, -1);
  g_assert_cmpint (probe.run, ==, -1);
  g_assert_cmpint (probe.running, ==, -1);
}

/* Any bytes at all: parsed, judged and put in words. */
static void
test_random (void)
{
  static const char *const pieces[] = {"open ", "api ",
                                       "run ",  "create-vm ",
                                       "end ",  "\n",
                                       "0",     "12",
                                       "-1",    "99999999999999999999",
                                       "\xff",  "running ",
                                       " ",     "instructions-per-second ",
                                       "1",     "memory 0\n"};
  g_autoptr (LodgeKvmHost) host = new_host ("fkm");

  for (guint i = 0; i < 2000; i++) {
    g_autoptr (GString) text = g_string_new (NULL);
    g_autofree char *sentence = NULL;
    g_autofree char *advice = NULL;
    LodgeAccelerator accelerator;
    LodgeKvmProbe probe;

    for (guint j = g_test_rand_int_range (0, 40); j > 0; j--) {
      if (g_test_rand_bit ())
        g_string_append (text, pieces[g_test_rand_int_range (0, G_N_ELEMENTS (pieces))]);
      else
        g_string_append_c (text, (char) g_test_rand_int ());
    }
    probe = lodge_kvm_probe_parse (text->str, text->len);
    accelerator = lodge_kvm_judge (host, &probe);
    /* KVM is never chosen by accident. */
    g_assert_cmpint (accelerator.kind, ==, LODGE_ACCELERATOR_TCG);
    lodge_kvm_describe (host, &accelerator, &sentence, &advice);
    g_assert_cmpstr (sentence, !=, "");
    g_assert_true (g_utf8_validate (sentence, -1, NULL));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kvm-verdict/rows", test_rows);
  g_test_add_func ("/kvm-verdict/lines", test_lines);
  g_test_add_func ("/kvm-verdict/random", test_random);
  return g_test_run ();
}
