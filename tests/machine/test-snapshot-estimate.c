/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a guest will stand still for its snapshot, by what is known. */
#include "machine/lodge-snapshot-estimate.h"

#include "qemu/lodge-qemu-snapshot.h"

#include <glib/gstdio.h>

#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define GIB (1024 * MIB)

static LodgeSnapshotEstimate
make (void)
{
  return (LodgeSnapshotEstimate){.memory_bytes = 4 * GIB,
                                 .most_bytes = 6 * GIB,
                                 .kept_bytes = 8 * GIB,
                                 .disk_speed = 80 * MIB,
                                 .dirty_speed = 100 * MIB};
}

static void
test_kept (void)
{
  LodgeSnapshotEstimate self = make ();

  /* The disk does not matter, but for what has to be on it. */
  g_assert_true (lodge_snapshot_estimate_is_kept (&self));
  g_assert_cmpuint (lodge_snapshot_estimate (&self), ==, LODGE_QEMU_SNAPSHOT_DOWNTIME_MS);
  self.sync_us = 20000;
  self.n_syncs = 10;
  g_assert_cmpuint (lodge_snapshot_estimate (&self), ==, 200 + LODGE_QEMU_SNAPSHOT_DOWNTIME_MS);
  /* There is no room to write it while the guest runs. */
  self.most_bytes = 1;
  g_assert_cmpuint (lodge_snapshot_estimate (&self), >, 5000);
}

static void
test_short (void)
{
  LodgeSnapshotEstimate self = make ();

  self.kept_bytes = GIB;
  g_assert_false (lodge_snapshot_estimate_is_kept (&self));
  /* It is slowed down to 10 MiB a second. */
  g_assert_cmpuint (lodge_snapshot_estimate (&self), ==, LODGE_QEMU_SNAPSHOT_DOWNTIME_EASED_MS);
  /* That is too fast as well: all of it is written while it stands still. */
  self.disk_speed = 8 * MIB;
  g_assert_cmpuint (lodge_snapshot_estimate (&self), >, 500 * 1000);
  self.disk_speed = 500 * MIB;
  g_assert_cmpuint (lodge_snapshot_estimate (&self), ==, LODGE_QEMU_SNAPSHOT_DOWNTIME_MS);
  self.disk_speed = 0;
  self.dirty_speed = 0;
  g_assert_cmpuint (lodge_snapshot_estimate (&self), ==, LODGE_QEMU_SNAPSHOT_DOWNTIME_MS);
}

static void
test_measured (void)
{
  g_autofree char *folder = g_dir_make_tmp ("estimate-XXXXXX", NULL);
  g_autoptr (GDir) dir = NULL;
  LodgeSnapshotEstimate self = {0};

  lodge_snapshot_estimate_measure (&self, folder, FALSE);
  g_assert_cmpuint (self.disk_speed, ==, 0);
  lodge_snapshot_estimate_measure (&self, folder, TRUE);
  g_assert_cmpuint (self.disk_speed, >, 0);
  g_assert_cmpuint (self.sync_us, >, 0);
  /* Nothing is left of it. */
  dir = g_dir_open (folder, 0, NULL);
  g_assert_null (g_dir_read_name (dir));
  g_rmdir (folder);
  /* Where nothing can be written nothing is known. */
  self = (LodgeSnapshotEstimate){0};
  lodge_snapshot_estimate_measure (&self, folder, TRUE);
  g_assert_cmpuint (self.disk_speed, ==, 0);
  g_assert_cmpuint (self.sync_us, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/snapshot-estimate/kept", test_kept);
  g_test_add_func ("/machine/snapshot-estimate/short", test_short);
  g_test_add_func ("/machine/snapshot-estimate/measured", test_measured);
  return g_test_run ();
}
