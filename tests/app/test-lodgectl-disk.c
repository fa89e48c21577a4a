/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl: disks. */
#include "lodge-error.h"
#include "lodgectl-fixture.h"

#include <string.h>

static void
test_list (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "disk", "list", "web");
  g_auto (Output) json = {0};

  assert_done (&output);
  assert_calls (self, "ListDisks web");
  g_assert_cmpstr (output.out, ==,
                   "disk0  virtio  20G   1.5\302\240GiB used    3 layers\n"
                   "disk1  sata    100G  192.0\302\240KiB used  1 layer\n");
  json = run (self, "disk", "list", "web", "--json");
  assert_done (&json);
  assert_json (&json, "$[0].id", "[\"disk0\"]");
  assert_json (&json, "$[0].size", "[21474836480]");
  assert_json (&json, "$[1].layers", "[1]");
}

static void
test_grow (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "disk", "grow", "web", "disk0", "40G");
  g_auto (Output) large = {0};
  g_auto (Output) json = {0};

  assert_done (&output);
  assert_calls (self, "GrowDisk web 'disk0' 42949672960\nListDisks web");
  g_assert_nonnull (strstr (output.out, "disk0 has 40G now"));
  g_assert_nonnull (strstr (output.out, "file system"));
  g_assert_null (strstr (output.out, "stand still"));
  /* More than there is room for is said, and no error. */
  large = run (self, "disk", "grow", "web", "disk1", "1T");
  assert_done (&large);
  g_assert_nonnull (strstr (large.out, "200.0\302\240GiB free"));
  json = run (self, "disk", "grow", "web", "disk0", "50g", "--json");
  assert_done (&json);
  assert_json (&json, "$.size", "[53687091200]");
}

static void
test_add (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "disk", "add", "web", "8G");
  g_auto (Output) sata = {0};
  g_auto (Output) size = {0};
  g_auto (Output) bus = {0};
  g_auto (Output) runs = {0};

  assert_done (&output);
  assert_calls (self, "AddDisk web 8589934592 {}");
  g_assert_cmpstr (output.out, ==, "disk2\n");
  sata = run (self, "disk", "add", "web", "1G", "--bus", "sata", "--json");
  assert_done (&sata);
  assert_calls (self, "AddDisk web 1073741824 {'bus': <'sata'>}");
  assert_json (&sata, "$.id", "[\"disk3\"]");
  size = run (self, "disk", "add", "web", "some");
  assert_fails (&size, 2, "“some” is not a size");
  bus = run (self, "disk", "add", "web", "1G", "--bus", "floppy");
  assert_fails (&bus, 2, "floppy");
  fake_engine_fail_next (self->engine, "AddDisk", LODGE_ERROR_STATE, "It runs");
  runs = run (self, "disk", "add", "web", "1G");
  assert_fails (&runs, 1, "It runs");
}

static void
test_add_copy (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "disk", "add", "web", "--from", "/images/old.vmdk");
  g_auto (Output) larger = {0};
  g_auto (Output) none = {0};
  g_auto (Output) bad = {0};

  assert_done (&output);
  assert_calls (self, "AddDisk web 0 {'from': <'/images/old.vmdk'>}");
  g_assert_cmpstr (output.out, ==, "disk2\n");
  larger = run (self, "disk", "add", "web", "8G", "--from", "/images/old.vmdk");
  assert_done (&larger);
  assert_calls (self, "AddDisk web 8589934592 {'from': <'/images/old.vmdk'>}");
  none = run (self, "disk", "add", "web");
  assert_fails (&none, 2, "SIZE");
  bad = run (self, "disk", "add", "web", "--from", "\xff");
  assert_fails (&bad, 2, "UTF-8");
}

static void
test_compact (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "disk", "compact", "web", "disk0");
  g_auto (Output) json = {0};
  g_auto (Output) runs = {0};

  assert_done (&output);
  assert_calls (self, "CompactDisk web 'disk0'");
  g_assert_cmpstr (output.out, ==, "512.0\302\240MiB given back.\n");
  json = run (self, "disk", "compact", "web", "disk1", "--json");
  assert_done (&json);
  assert_json (&json, "$.freed", "[536870912]");
  fake_engine_fail_next (self->engine, "CompactDisk", LODGE_ERROR_STATE, "It runs");
  runs = run (self, "disk", "compact", "web", "disk0");
  assert_fails (&runs, 1, "It runs");
}

static void
test_convert (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "disk", "convert", "web", "disk0", "vmdk", "/out/web.vmdk");
  g_auto (Output) snapshot = {0};
  g_auto (Output) format = {0};
  g_auto (Output) none = {0};

  assert_done (&output);
  assert_calls (self, "ConvertDisk web 'disk0' 'vmdk' '/out/web.vmdk' {'replace': <false>}");
  g_assert_cmpstr (output.out, ==, "");
  snapshot = run (self, "disk", "convert", "web", "disk0", "raw", "/out/web.raw", "--snapshot",
                  "one", "--force", "--json");
  assert_done (&snapshot);
  assert_calls (self, "ConvertDisk web 'disk0' 'raw' '/out/web.raw' {'replace': <true>, "
                      "'snapshot': <'one'>}");
  assert_json (&snapshot, "$.file", "[\"/out/web.raw\"]");
  assert_json (&snapshot, "$.bytes", "[1048576]");
  format = run (self, "disk", "convert", "web", "disk0", "floppy", "/out/web.img");
  assert_fails (&format, 2, "floppy");
  none = run (self, "disk", "convert", "web", "disk0", "raw");
  assert_fails (&none, 2, "FILE");
}

static void
test_remove (Fixture *self, gconstpointer unused)
{
  g_auto (Output) output = run (self, "disk", "remove", "web", "disk1");
  g_auto (Output) first = {0};
  g_auto (Output) confirmed = {0};
  g_auto (Output) none = {0};

  assert_done (&output);
  g_assert_cmpstr (output.out, ==, "");
  assert_calls (self, "ListDisks web\nRemoveDisk web 'disk1' {'first': <false>}");
  first = run (self, "disk", "remove", "web", "disk0");
  assert_fails (&first, 2, "--yes");
  assert_calls (self, "ListDisks web");
  confirmed = run (self, "disk", "remove", "web", "disk0", "--yes", "--json");
  assert_json (&confirmed, "$.id", "[\"disk0\"]");
  assert_json (&confirmed, "$.file", "[\"/lodge/web/layers/disk0-l0.qcow2\"]");
  assert_calls (self, "ListDisks web\nRemoveDisk web 'disk0' {'first': <true>}");
  none = run (self, "disk", "remove", "web");
  assert_fails (&none, 2, "DISK");
}

/* It is in the list, as what it is; and the next one is then what the machine starts from. */
static void
test_detach (Fixture *self, gconstpointer unused)
{
  g_auto (Output) first = run (self, "disk", "detach", "web", "disk0");
  g_auto (Output) output = {0};
  g_auto (Output) list = {0};
  g_auto (Output) json = {0};
  g_auto (Output) next = {0};
  g_auto (Output) remove = {0};
  g_auto (Output) back = {0};
  g_auto (Output) back_json = {0};
  g_auto (Output) refused = {0};

  assert_fails (&first, 2, "to detach that, add --yes");
  assert_calls (self, "ListDisks web");
  output = run (self, "disk", "detach", "web", "disk0", "--yes");
  assert_done (&output);
  g_assert_cmpstr (output.out, ==, "");
  assert_calls (self, "DetachDisk web 'disk0' {'first': <true>}");
  list = run (self, "disk", "list", "web");
  g_assert_cmpstr (list.out, ==,
                   "disk0  virtio  20G   1.5\302\240GiB used    3 layers  detached\n"
                   "disk1  sata    100G  192.0\302\240KiB used  1 layer\n");
  json = run (self, "disk", "list", "web", "--json");
  assert_json (&json, "$[0].attached", "[false]");
  assert_json (&json, "$[1].attached", "[true]");
  next = run (self, "disk", "detach", "web", "disk1");
  assert_fails (&next, 2, "starts from disk1");
  remove = run (self, "disk", "remove", "web", "disk1");
  assert_fails (&remove, 2, "starts from disk1");

  fake_engine_clear_calls (self->engine);
  back = run (self, "disk", "attach", "web", "disk0");
  assert_done (&back);
  g_assert_cmpstr (back.out, ==, "");
  assert_calls (self, "AttachDisk web 'disk0'");
  back_json = run (self, "disk", "detach", "web", "disk1", "--json");
  assert_done (&back_json);
  assert_json (&back_json, "$.id", "[\"disk1\"]");
  assert_json (&back_json, "$.attached", "[false]");
  fake_engine_fail_next (self->engine, "AttachDisk", LODGE_ERROR_STATE, "It is a SATA disk");
  refused = run (self, "disk", "attach", "web", "disk1");
  assert_fails (&refused, 1, "It is a SATA disk");
}

static void
test_refused (Fixture *self, gconstpointer unused)
{
  g_auto (Output) smaller = run (self, "disk", "grow", "web", "disk0", "10G");
  g_auto (Output) size = {0};
  g_auto (Output) none = {0};
  g_auto (Output) bad = {0};
  g_auto (Output) full = {0};

  assert_fails (&smaller, 1, "disk0");
  size = run (self, "disk", "grow", "web", "disk0", "large");
  assert_fails (&size, 2, "“large” is not a size");
  none = run (self, "disk", "grow", "web", "disk0");
  assert_fails (&none, 2, "SIZE");
  bad = run (self, "disk", "grow", "web", "\xff", "30G");
  assert_fails (&bad, 2, "UTF-8");
  fake_engine_fail_next_job (self->engine, LODGE_ERROR_STORAGE, "The disk is full");
  full = run (self, "disk", "grow", "web", "disk0", "30G");
  assert_fails (&full, 1, "The disk is full");
}

/* A whole one of this computer only where it was said that the guest may have all of it. */
static void
test_add_host (Fixture *self, gconstpointer unused)
{
  g_auto (Output) unsure = run (self, "disk", "add", "web", "--host-disk", "/dev/disk/by-id/x");
  g_auto (Output) both = {0};
  g_auto (Output) sure = {0};

  assert_fails (&unsure, 2, "add --yes");
  both = run (self, "disk", "add", "web", "20G", "--host-disk", "/dev/disk/by-id/x", "--yes");
  assert_fails (&both, 2, "its own size");
  sure = run (self, "disk", "add", "web", "--host-disk", "/dev/disk/by-id/x", "--yes");
  g_assert_cmpint (sure.status, ==, 0);
  assert_calls (self, "AddDisk web 0 {'host-disk': <'/dev/disk/by-id/x'>, 'accepted': <true>}");
}

/* None is said so, where people read it. */
static void
test_list_host (Fixture *self, gconstpointer unused)
{
  g_auto (Output) some = run (self, "host-disks");
  g_auto (Output) none = {0};
  g_auto (Output) json = {0};

  assert_done (&some);
  g_assert_nonnull (strstr (some.out, "usb-Stick_1"));
  g_assert_nonnull (strstr (some.out, "This computer uses sda"));
  fake_engine_remove_host_disks (self->engine);
  none = run (self, "host-disks");
  g_assert_cmpint (none.status, ==, 0);
  g_assert_cmpstr (none.out, ==, "");
  g_assert_nonnull (strstr (none.err, "No disk or partition of this computer"));
  json = run (self, "host-disks", "--json");
  assert_done (&json);
  assert_json (&json, "$", "[[]]");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE); /* never start a real one */
#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/disk/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("list", test_list);
  ADD ("list-host", test_list_host);
  ADD ("grow", test_grow);
  ADD ("add", test_add);
  ADD ("add-copy", test_add_copy);
  ADD ("add-host", test_add_host);
  ADD ("compact", test_compact);
  ADD ("convert", test_convert);
  ADD ("remove", test_remove);
  ADD ("detach", test_detach);
  ADD ("refused", test_refused);
  return g_test_run ();
}
