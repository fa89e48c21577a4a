/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measuring: the child is run, limited, judged and kept. The probe is a script here. */
#include "host/lodge-accelerator.h"

#include "host-fixture.h"
#include "test-folder.h"

#include <errno.h>
#include <glib/gstdio.h>

#define INTEL                                                                                      \
  "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Test CPU\nflags\t\t: fpu vmx lm\n"
#define STEPS                                                                                      \
  "cpu-vmx 1\\nopen 0\\napi 0\\napi-version 12\\ncreate-vm 0\\nmemory 0\\ncreate-vcpu 0\\n"        \
  "cpuid 0\\nregisters 0\\nrunning 1\\n"
#define HARDWARE "printf '" STEPS "instructions-per-second 2000000000\\nrun 0\\nend 1\\n'"
#define EMULATOR "printf '" STEPS "instructions-per-second 3600000\\nrun 0\\nend 1\\n'"

static void
store_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static LodgeAccelerator
measure (gboolean fresh)
{
  GAsyncResult *result = NULL;
  GWeakRef weak;
  LodgeAccelerator accelerator;

  lodge_accelerator_measure_async (fresh, NULL, store_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  accelerator = lodge_accelerator_measure_finish (result);

  /* The operation took all it started with it. */
  g_weak_ref_init (&weak, result);
  g_object_unref (result);
  while (g_main_context_iteration (NULL, FALSE)) {
  }
  g_assert_null (g_weak_ref_get (&weak));
  g_weak_ref_clear (&weak);
  return accelerator;
}

/* Of one that hangs once it has printed what it prints, for which a busy computer may take longer
 * than is waited at first: what was cut off is not remembered.
 */
static LodgeAccelerator
measure_hanging (void)
{
  LodgeAccelerator accelerator = {.verdict = LODGE_KVM_FAILED};

  for (guint limit_ms = 2000; limit_ms <= 32000 && accelerator.verdict == LODGE_KVM_FAILED;
       limit_ms *= 4) {
    lodge_accelerator_set_limit_for_tests (limit_ms);
    accelerator = measure (FALSE);
  }
  return accelerator;
}

static HostFixture *
new_intel (const char *probe)
{
  HostFixture *fixture = host_fixture_new ();

  host_fixture_add (fixture, "/proc/cpuinfo", INTEL);
  host_fixture_add (fixture, "/proc/sys/kernel/osrelease", "6.1.0-test\n");
  host_fixture_add (fixture, "/sys/module/kvm/x", "");
  host_fixture_add (fixture, "/sys/module/kvm_intel/x", "");
  host_fixture_add (fixture, "/dev/kvm", "");
  host_fixture_set_probe (fixture, probe);
  return fixture;
}

static void
check_verdict (LodgeAccelerator accelerator, LodgeKvmVerdict verdict)
{
  g_assert_cmpint (accelerator.verdict, ==, verdict);
  g_assert_cmpint (accelerator.kind, ==,
                   verdict == LODGE_KVM_OK ? LODGE_ACCELERATOR_KVM : LODGE_ACCELERATOR_TCG);
}

static void
test_hardware (void)
{
  HostFixture *fixture = new_intel (HARDWARE);
  LodgeAccelerator accelerator = measure (FALSE);

  check_verdict (accelerator, LODGE_KVM_OK);
  g_assert_cmpuint (accelerator.instructions_per_second, ==, 2000000000);
  g_assert_cmpuint (host_fixture_count_probes (fixture), ==, 1);

  /* Kept: no child the second time, one when asked afresh. */
  accelerator = measure (FALSE);
  check_verdict (accelerator, LODGE_KVM_OK);
  g_assert_cmpuint (accelerator.instructions_per_second, ==, 2000000000);
  g_assert_cmpuint (host_fixture_count_probes (fixture), ==, 1);
  check_verdict (measure (TRUE), LODGE_KVM_OK);
  g_assert_cmpuint (host_fixture_count_probes (fixture), ==, 2);
  host_fixture_free (fixture);
}

static void
test_emulator (void)
{
  HostFixture *fixture = new_intel (EMULATOR);
  LodgeAccelerator accelerator = measure (FALSE);

  check_verdict (accelerator, LODGE_KVM_EMULATED);
  g_assert_cmpuint (accelerator.instructions_per_second, ==, 3600000);
  check_verdict (measure (FALSE), LODGE_KVM_EMULATED);
  g_assert_cmpuint (host_fixture_count_probes (fixture), ==, 1);
  host_fixture_free (fixture);
}

/* What is kept is dropped when anything it rests on is another. */
static void
test_kept_until (void)
{
  HostFixture *fixture = new_intel (HARDWARE);

  check_verdict (measure (FALSE), LODGE_KVM_OK);
  host_fixture_add (fixture, "/proc/sys/kernel/osrelease", "6.2.0-test\n");
  check_verdict (measure (FALSE), LODGE_KVM_OK);
  g_assert_cmpuint (host_fixture_count_probes (fixture), ==, 2);

  host_fixture_add (fixture, "/sys/module/vboxdrv/x", "");
  host_fixture_set_probe (fixture,
                          "printf 'open 0\\napi 0\\napi-version 12\\ncreate-vm 16\\nend 1\\n'");
  check_verdict (measure (FALSE), LODGE_KVM_BUSY);
  host_fixture_remove (fixture, "/sys/module/vboxdrv");
  host_fixture_set_probe (fixture, HARDWARE);
  /* A verdict that can change at any moment was not kept, and removed what was. */
  check_verdict (measure (FALSE), LODGE_KVM_OK);
  g_assert_cmpuint (host_fixture_count_probes (fixture), ==, 4);

  host_fixture_remove (fixture, "/dev/kvm");
  host_fixture_set_probe (fixture, "printf 'open 2\\nend 1\\n'");
  check_verdict (measure (FALSE), LODGE_KVM_ABSENT);
  g_assert_cmpuint (host_fixture_count_probes (fixture), ==, 5);
  host_fixture_free (fixture);
}

static void
test_broken_cache (void)
{
  static const char *const texts[] = {
      "",
      "[accelerator]\n",
      "[accelerator]\nkey=x\nverdict=ok\n",
      "\xff\xfe garbage [[[",
      "[accelerator]\nverdict=ok\ninstructions-per-second=99999999999999999999999\n",
  };
  HostFixture *fixture = new_intel (EMULATOR);
  g_autofree char *folder = g_build_filename (g_get_user_cache_dir (), "lodge", NULL);
  g_autofree char *path = g_build_filename (folder, "accelerator.ini", NULL);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_assert_true (g_file_set_contents (path, texts[i], -1, NULL));
    check_verdict (measure (FALSE), LODGE_KVM_EMULATED);
    g_assert_cmpuint (host_fixture_count_probes (fixture), ==, i + 1);
  }

  /* A cache folder that cannot be written costs the time of measuring and nothing else. */
  test_folder_remove (folder);
  g_assert_true (g_file_set_contents (folder, "a file", -1, NULL));
  check_verdict (measure (FALSE), LODGE_KVM_EMULATED);
  g_assert_cmpint (g_unlink (folder), ==, 0);
  host_fixture_free (fixture);
}

/* KVM_RUN never returns. */
static void
test_hang_in_run (void)
{
  HostFixture *fixture = new_intel ("printf '" STEPS "'; exec sleep 60");
  LodgeAccelerator accelerator;

  accelerator = measure_hanging ();
  check_verdict (accelerator, LODGE_KVM_EMULATED);
  g_assert_cmpuint (accelerator.instructions_per_second, ==, 0);

  /* Cut off by the limit, it is asked again. */
  lodge_accelerator_set_limit_for_tests (HOST_FIXTURE_GENEROUS_MS);
  host_fixture_set_probe (fixture, HARDWARE);
  check_verdict (measure (FALSE), LODGE_KVM_OK);
  host_fixture_free (fixture);
}

/* A round or more was done before it hung: what it said counts. */
static void
test_slow_in_run (void)
{
  HostFixture *fixture =
      new_intel ("printf '" STEPS "instructions-per-second 900000\\ninstr'; exec sleep 60");
  LodgeAccelerator accelerator;

  accelerator = measure_hanging ();
  check_verdict (accelerator, LODGE_KVM_EMULATED);
  g_assert_cmpuint (accelerator.instructions_per_second, ==, 900000);
  host_fixture_free (fixture);
}

static void
test_hang_before (void)
{
  HostFixture *fixture = new_intel ("exec sleep 60");

  lodge_accelerator_set_limit_for_tests (100);
  check_verdict (measure (FALSE), LODGE_KVM_FAILED);
  host_fixture_free (fixture);
}

/* The probe's child keeps the pipe open after the probe is dead. */
static void
test_grandchild (void)
{
  HostFixture *fixture = new_intel ("sleep 60 & " HARDWARE);

  check_verdict (measure_hanging (), LODGE_KVM_OK);
  host_fixture_free (fixture);
}

static void
test_endless_output (void)
{
  HostFixture *fixture = new_intel ("exec yes open 13");

  check_verdict (measure (FALSE), LODGE_KVM_PERMISSION);
  host_fixture_free (fixture);
}

static void
test_garbage (void)
{
  static const char *const scripts[] = {
      "",
      "exit 1",
      "kill -9 $$",
      "head -c 4000 /dev/zero",
      "printf '\\377\\376 open 0\\n'",
      "printf 'open'",
      "printf 'open 0'",
      "printf 'open x\\nopen -1\\nopen 0x0\\n'",
      "printf 'open 99999999999999999999\\n'",
      "echo Segmentation fault",
  };

  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++) {
    HostFixture *fixture = new_intel (scripts[i]);

    g_test_message ("%s", scripts[i]);
    check_verdict (measure (FALSE), LODGE_KVM_FAILED);
    host_fixture_free (fixture);
  }
}

static void
test_no_probe (void)
{
  HostFixture *fixture = new_intel (NULL);

  check_verdict (measure (FALSE), LODGE_KVM_FAILED);
  host_fixture_free (fixture);
}

static void
test_cancelled (void)
{
  HostFixture *fixture = new_intel (HARDWARE);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *result = NULL;

  lodge_accelerator_measure_async (FALSE, cancellable, store_result_cb, &result);
  g_cancellable_cancel (cancellable);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  check_verdict (lodge_accelerator_measure_finish (result), LODGE_KVM_FAILED);
  g_assert_cmpuint (host_fixture_count_probes (fixture), ==, 0);
  g_object_unref (result);
  host_fixture_free (fixture);
}

/* The real program, on a device that is none: every shape of the answer is its own. */
static void
test_real_probe (void)
{
  HostFixture *fixture = new_intel (NULL);
  LodgeAccelerator accelerator;

  host_fixture_set_real_probe (fixture);
  /* An ordinary file opens, and knows no KVM_GET_API_VERSION. */
  accelerator = measure (TRUE);
  check_verdict (accelerator, LODGE_KVM_FAILED);
  g_assert_cmpstr (accelerator.failed_step, ==, "KVM_GET_API_VERSION");
  g_assert_cmpint (accelerator.failed_errno, ==, ENOTTY);

  host_fixture_remove (fixture, "/dev/kvm");
  check_verdict (measure (TRUE), LODGE_KVM_ABSENT);
  host_fixture_free (fixture);
}

int
main (int argc, char **argv)
{
  host_fixture_init (&argc, &argv);
  g_test_add_func ("/accelerator/hardware", test_hardware);
  g_test_add_func ("/accelerator/emulator", test_emulator);
  g_test_add_func ("/accelerator/kept-until", test_kept_until);
  g_test_add_func ("/accelerator/broken-cache", test_broken_cache);
  g_test_add_func ("/accelerator/hang-in-run", test_hang_in_run);
  g_test_add_func ("/accelerator/slow-in-run", test_slow_in_run);
  g_test_add_func ("/accelerator/hang-before", test_hang_before);
  g_test_add_func ("/accelerator/grandchild", test_grandchild);
  g_test_add_func ("/accelerator/endless-output", test_endless_output);
  g_test_add_func ("/accelerator/garbage", test_garbage);
  g_test_add_func ("/accelerator/no-probe", test_no_probe);
  g_test_add_func ("/accelerator/cancelled", test_cancelled);
  g_test_add_func ("/accelerator/real-probe", test_real_probe);
  return host_fixture_run ();
}
