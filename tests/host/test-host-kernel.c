/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Features of the running kernel: the answer agrees with what else is known, and nothing is left
 * open. */
#include "host/lodge-host-kernel.h"

#include "host-fixture.h"
#include "host/lodge-host-root.h"

#include <unistd.h>

static guint
count_descriptors (void)
{
  return lodge_host_root_count ("/proc/self/fd");
}

static void
test_io_uring (void)
{
  guint before = count_descriptors ();
  gint64 disabled = lodge_host_root_read_number ("/proc/sys/kernel/io_uring_disabled", 0);
  gboolean has = lodge_host_has_io_uring ();

  g_assert_cmpuint (count_descriptors (), ==, before);
  g_assert_cmpint (lodge_host_has_io_uring (), ==, has);
  g_test_message ("io_uring: %d, switched off by the sysctl: %d", has, (int) disabled);
  /* 2 is for everybody; 1 leaves it to root and a group (Documentation/admin-guide/sysctl). */
  if (disabled == 2)
    g_assert_false (has);
}

static void
test_kvm_hyperv (void)
{
  guint before = count_descriptors ();
  gboolean has = lodge_host_has_kvm_hyperv ();

  g_assert_cmpuint (count_descriptors (), ==, before);
  g_test_message ("Hyper-V's enlightenments: %d", has);
  if (access ("/dev/kvm", R_OK | W_OK) != 0)
    g_assert_false (has);
}

int
main (int argc, char **argv)
{
  host_fixture_init (&argc, &argv);
  g_test_add_func ("/host-kernel/io-uring", test_io_uring);
  g_test_add_func ("/host-kernel/kvm-hyperv", test_kvm_hyperv);
  return host_fixture_run ();
}
