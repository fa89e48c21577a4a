/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine for a guest should have, on large and small computers. */
#include "guest/lodge-media.h"
#include "guest/lodge-os-catalogue.h"

#include <unistd.h>

#define GIB (G_GUINT64_CONSTANT (1) << 30)

typedef struct {
  const char *os;
  guint host_cpus;
  guint64 host_memory_bytes;

  const char *os_name;
  guint memory_mib;
  guint cpus;
  guint64 disk_bytes;
  LodgeFirmwareKind firmware;
  LodgeDiskBus disk_bus;
  LodgeNicModel nic_model;
  LodgeDisplayModel display;
} Row;

#define PARAVIRTUAL LODGE_DISK_BUS_VIRTIO, LODGE_NIC_MODEL_VIRTIO, LODGE_DISPLAY_VIRTIO
#define CAUTIOUS    LODGE_DISK_BUS_SATA, LODGE_NIC_MODEL_E1000E, LODGE_DISPLAY_VGA
#define BOXED       LODGE_DISK_BUS_SATA, LODGE_NIC_MODEL_E1000E, LODGE_DISPLAY_QXL

static const Row rows[] = {
    {"debian11", 8, 16 * GIB, "Debian 11", 2048, 4, 20 * GIB, LODGE_FIRMWARE_BIOS, PARAVIRTUAL},
    /* In Debian 12's own catalogue only its relatives are known. */
    {"debian12", 8, 16 * GIB, "Debian 12", 2048, 4, 20 * GIB, LODGE_FIRMWARE_BIOS, PARAVIRTUAL},
    {"fedora37", 4, 16 * GIB, "Fedora Linux 37", 2048, 2, 20 * GIB, LODGE_FIRMWARE_BIOS,
     PARAVIRTUAL},
    {"win11", 8, 16 * GIB, "Microsoft Windows 11", 4096, 4, 64 * GIB, LODGE_FIRMWARE_UEFI_SECURE,
     BOXED},
    {"win10", 8, 16 * GIB, "Microsoft Windows 10", 4096, 4, 64 * GIB, LODGE_FIRMWARE_BIOS, BOXED},
    /* Half of the computer, and its CPUs. */
    {"debian11", 1, 3 * GIB, "Debian 11", 1536, 1, 20 * GIB, LODGE_FIRMWARE_BIOS, PARAVIRTUAL},
    /* Never below what it starts with. */
    {"debian11", 2, 1 * GIB, "Debian 11", 1024, 2, 20 * GIB, LODGE_FIRMWARE_BIOS, PARAVIRTUAL},
    {"win11", 2, 4 * GIB, "Microsoft Windows 11", 4096, 2, 64 * GIB, LODGE_FIRMWARE_UEFI_SECURE,
     BOXED},
    {"win98", 8, 16 * GIB, "Microsoft Windows 98", 64, 1, 8 * GIB, LODGE_FIRMWARE_BIOS, BOXED},
    {NULL, 8, 16 * GIB, "", 2048, 4, 20 * GIB, LODGE_FIRMWARE_BIOS, CAUTIOUS},
    {NULL, 0, 0, "", 512, 1, 20 * GIB, LODGE_FIRMWARE_BIOS, CAUTIOUS},
};

static void
check_row (const Row *row, const LodgeGuestDefaults *defaults)
{
  g_assert_cmpstr (defaults->os, ==, row->os != NULL ? row->os : "");
  g_assert_cmpstr (defaults->os_name, ==, row->os_name);
  g_assert_cmpuint (defaults->memory_mib, ==, row->memory_mib);
  g_assert_cmpuint (defaults->cpus, ==, row->cpus);
  g_assert_cmpuint (defaults->disk_bytes, ==, row->disk_bytes);
  g_assert_cmpint (defaults->firmware, ==, row->firmware);
  g_assert_cmpint (defaults->tpm, ==, row->firmware == LODGE_FIRMWARE_UEFI_SECURE);
  g_assert_cmpint (defaults->disk_bus, ==, row->disk_bus);
  g_assert_cmpint (defaults->nic_model, ==, row->nic_model);
  g_assert_cmpint (defaults->display, ==, row->display);
}

static void
test_rows (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (LodgeGuestDefaults) defaults =
        lodge_guest_defaults_for_os (rows[i].os, rows[i].host_cpus, rows[i].host_memory_bytes);

    g_test_message ("%s on %u CPUs", rows[i].os != NULL ? rows[i].os : "unknown",
                    rows[i].host_cpus);
    check_row (&rows[i], defaults);
  }
}

/* An id that is none is as good as no id, and nothing of it comes back. */
static void
test_unknown_ids (void)
{
  static const char *const ids[] = {
      "",      "nonesuch", "debian", "../../etc/passwd", "%s%n", "\xff\xfe", "99999999999999999999",
      "linux9"};
  g_autofree char *longer = g_strnfill (100000, '7');

  for (guint i = 0; i <= G_N_ELEMENTS (ids); i++) {
    const char *id = i < G_N_ELEMENTS (ids) ? ids[i] : longer;
    g_autoptr (LodgeGuestDefaults) defaults = lodge_guest_defaults_for_os (id, 4, 8 * GIB);

    g_assert_cmpstr (defaults->os, ==, "");
    g_assert_cmpstr (defaults->os_name, ==, "");
    g_assert_cmpint (defaults->disk_bus, ==, LODGE_DISK_BUS_SATA);
    g_assert_cmpuint (defaults->memory_mib, ==, 2048);
  }
}

/* A release that no catalogue has yet. */
static void
test_newer_release (void)
{
  g_autoptr (LodgeGuestDefaults) defaults = lodge_guest_defaults_for_os ("debian17", 4, 8 * GIB);

  g_assert_cmpstr (defaults->os, ==, "debian17");
  g_assert_cmpstr (defaults->os_name, ==, "Debian 17");
  g_assert_cmpint (defaults->disk_bus, ==, LODGE_DISK_BUS_VIRTIO);
}

static void
store_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
test_async (void)
{
  guint64 memory = (guint64) sysconf (_SC_PHYS_PAGES) * (guint64) sysconf (_SC_PAGESIZE);
  GAsyncResult *results[2] = {NULL, NULL};

  /* Two at once, while the catalogue may still be loading. */
  for (guint i = 0; i < 2; i++)
    lodge_guest_defaults_for_here_async (rows[i].os, store_result_cb, &results[i]);
  while (results[0] == NULL || results[1] == NULL)
    g_main_context_iteration (NULL, TRUE);

  for (guint i = 0; i < 2; i++) {
    g_autoptr (LodgeGuestDefaults) defaults = lodge_guest_defaults_for_here_finish (results[i]);
    g_autoptr (LodgeGuestDefaults) same =
        lodge_guest_defaults_for_os (rows[i].os, g_get_num_processors (), memory);

    g_assert_cmpstr (defaults->os, ==, same->os);
    g_assert_cmpuint (defaults->memory_mib, ==, same->memory_mib);
    g_assert_cmpuint (defaults->cpus, ==, same->cpus);
    g_object_unref (results[i]);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  lodge_os_catalogue_set_folder_for_tests (g_getenv ("LODGE_TEST_CATALOGUE"));
  g_test_add_func ("/guest-defaults/async", test_async);
  g_test_add_func ("/guest-defaults/rows", test_rows);
  g_test_add_func ("/guest-defaults/unknown-ids", test_unknown_ids);
  g_test_add_func ("/guest-defaults/newer-release", test_newer_release);
  return g_test_run ();
}
