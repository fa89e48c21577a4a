/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory for guests: the computer's, or the control group's where that has less. */
#include "host/lodge-host-facts.h"

#include "host-fixture.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

static HostFixture *
new_computer (const char *groups)
{
  HostFixture *fixture = host_fixture_new ();

  host_fixture_add (fixture, "/proc/meminfo",
                    "MemTotal:        8388608 kB\nMemFree:  1 kB\nMemAvailable:    4194304 kB\n");
  if (groups != NULL)
    host_fixture_add (fixture, "/proc/self/cgroup", groups);
  return fixture;
}

static void
check_memory (guint64 total_mib, guint64 available_mib, gboolean limited)
{
  LodgeHostMemory memory = lodge_host_memory_read ();

  g_assert_cmpuint (memory.total_bytes, ==, total_mib * MIB);
  g_assert_cmpuint (memory.available_bytes, ==, available_mib * MIB);
  g_assert_cmpint (memory.limited, ==, limited);
}

static void
test_unlimited (void)
{
  HostFixture *fixture = new_computer ("0::/user.slice/a.scope\n");

  check_memory (8192, 4096, FALSE);
  host_fixture_add (fixture, "/sys/fs/cgroup/user.slice/a.scope/memory.max", "max\n");
  host_fixture_add (fixture, "/sys/fs/cgroup/user.slice/a.scope/memory.current", "1048576\n");
  check_memory (8192, 4096, FALSE);
  host_fixture_free (fixture);
}

/* Of all the groups above us the tightest counts. */
static void
test_version_2 (void)
{
  HostFixture *fixture = new_computer ("0::/user.slice/a.scope\n");

  host_fixture_add (fixture, "/sys/fs/cgroup/user.slice/memory.max", "2147483648\n");
  host_fixture_add (fixture, "/sys/fs/cgroup/user.slice/memory.current", "1073741824\n");
  check_memory (2048, 1024, TRUE);
  /* What is only kept as cache is not used. */
  host_fixture_add (fixture, "/sys/fs/cgroup/user.slice/memory.stat",
                    "anon 5\nfile 7\ninactive_file 536870912\nactive_file 1\n");
  check_memory (2048, 1536, TRUE);
  host_fixture_add (fixture, "/sys/fs/cgroup/user.slice/a.scope/memory.max", "1073741824\n");
  check_memory (1024, 1024, TRUE);
  /* Used up, and more: none, not a negative number. */
  host_fixture_add (fixture, "/sys/fs/cgroup/user.slice/a.scope/memory.current", "1073749999\n");
  check_memory (1024, 0, TRUE);
  host_fixture_free (fixture);
}

static void
test_version_1 (void)
{
  HostFixture *fixture = new_computer ("9:name=systemd:/\n4:memory:/box\n3:cpu:/\n0::/\n");

  host_fixture_add (fixture, "/sys/fs/cgroup/memory/memory.limit_in_bytes",
                    "9223372036854771712\n");
  check_memory (8192, 4096, FALSE);
  host_fixture_add (fixture, "/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "1073741824\n");
  host_fixture_add (fixture, "/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "805306368\n");
  host_fixture_add (fixture, "/sys/fs/cgroup/memory/box/memory.stat",
                    "inactive_file 1\ntotal_inactive_file 268435456\n");
  check_memory (1024, 512, TRUE);
  host_fixture_free (fixture);
}

/* A group that has room when the computer has none. */
static void
test_computer_is_tighter (void)
{
  HostFixture *fixture = new_computer ("0::/a\n");

  host_fixture_add (fixture, "/sys/fs/cgroup/a/memory.max", "7516192768\n");
  host_fixture_add (fixture, "/sys/fs/cgroup/a/memory.current", "0\n");
  check_memory (7168, 4096, TRUE);
  host_fixture_free (fixture);
}

static void
test_broken (void)
{
  static const char *const groups[] = {"",        "\n\n",          ":::::\n",
                                       "0::\n",   "0::relative\n", "0::/../../../etc\n",
                                       "garbage", "4:memory\n"};
  HostFixture *fixture;

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++) {
    fixture = new_computer (groups[i]);
    check_memory (8192, 4096, FALSE);
    host_fixture_free (fixture);
  }

  fixture = host_fixture_new ();
  check_memory (0, 0, FALSE);
  host_fixture_add (fixture, "/proc/meminfo", "MemTotal: lots\nMemAvailable\nMemTotalled: 7 kB");
  check_memory (0, 0, FALSE);
  host_fixture_free (fixture);
}

int
main (int argc, char **argv)
{
  host_fixture_init (&argc, &argv);
  g_test_add_func ("/host-memory/unlimited", test_unlimited);
  g_test_add_func ("/host-memory/version-2", test_version_2);
  g_test_add_func ("/host-memory/version-1", test_version_1);
  g_test_add_func ("/host-memory/computer-is-tighter", test_computer_is_tighter);
  g_test_add_func ("/host-memory/broken", test_broken);
  return host_fixture_run ();
}
