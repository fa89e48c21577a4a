/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines to make command lines of. */
#include "sample-machines.h"

#include <glib/gstdio.h>

static void
set (char **field, const char *value)
{
  g_free (*field);
  *field = g_strdup (value);
}

static LodgeDisk *
add_disk (LodgeDescription *description, LodgeDiskBus bus, const char *file)
{
  g_autoptr (GError) error = NULL;
  LodgeDisk *disk = lodge_description_add_disk (description, bus, file, "qcow2", 1 << 30, &error);

  g_assert_no_error (error);
  return disk;
}

/* Puts a new top on @disk. */
static void
add_layer (LodgeDescription *description, LodgeDisk *disk, const char *id, const char *file)
{
  LodgeLayer *layer = g_new0 (LodgeLayer, 1);

  layer->id = g_strdup (id);
  layer->file = g_strdup (file);
  layer->format = g_strdup ("qcow2");
  layer->host_disk = g_strdup ("");
  layer->size_bytes = 1 << 30;
  layer->below = g_strdup (disk->top);
  g_ptr_array_add (description->layers, layer);
  set (&disk->top, id);
}

static LodgeNic *
add_nic (LodgeDescription *description, LodgeNicModel model)
{
  g_autoptr (GError) error = NULL;
  LodgeNic *nic = lodge_description_add_nic (description, model, &error);

  g_assert_no_error (error);
  g_free (nic->mac);
  nic->mac = g_strdup_printf ("52:54:00:00:00:%02x", description->nics->len);
  return nic;
}

static void
add_media (LodgeDescription *description, const char *files, const char *name)
{
  g_autofree char *path = name != NULL ? g_build_filename (files, name, NULL) : NULL;
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (lodge_description_add_media (description, path, &error));
  g_assert_no_error (error);
}

static void
add_stick (LodgeDescription *description, const char *files, const char *name)
{
  g_autofree char *path = g_build_filename (files, name, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (lodge_description_add_stick (description, path, &error));
  g_assert_no_error (error);
}

static void
set_firmware (LodgeDescription *description,
              LodgeFirmwareKind kind,
              const char *files,
              const char *code)
{
  description->firmware = kind;
  g_free (description->firmware_code);
  description->firmware_code = g_build_filename (files, code, NULL);
  set (&description->firmware_format, "raw");
  set (&description->nvram, "nvram.qcow2");
}

static void
fill_linux (LodgeDescription *description, const char *files)
{
  add_disk (description, LODGE_DISK_BUS_VIRTIO, "layers/disk0-l0.qcow2");
  add_nic (description, LODGE_NIC_MODEL_VIRTIO);
  add_media (description, files, "installer.iso");
  set (&description->os, "debian12");
}

/* Everything that a user may name, with what QEMU's option syntax or JSON would trip over. */
static void
fill_names (LodgeDescription *description, const char *files)
{
  set (&description->name, "web, \"one\" = 100 %s 'x' \\ ü");
  add_disk (description, LODGE_DISK_BUS_VIRTIO, "layers/a, \"b\" 'c' \\d=%s ü.qcow2");
  add_media (description, files, "CD, \"two\",file=x.iso");
  add_stick (description, files, "USB, \"two\",file=x.img");
}

/* Three disks on chains of three; two of them stand on the same base. */
static void
fill_chains (LodgeDescription *description, const char *files)
{
  g_autofree char *in_place = g_build_filename (files, "in-place.raw", NULL);
  LodgeLayer *base;
  LodgeDisk *disk;

  disk = add_disk (description, LODGE_DISK_BUS_VIRTIO, "layers/base.qcow2");
  base = lodge_description_get_layer (description, disk->top);
  add_layer (description, disk, "disk0-l1", "layers/disk0-l1.qcow2");
  add_layer (description, disk, "disk0-l2", "layers/disk0-l2.qcow2");

  disk = add_disk (description, LODGE_DISK_BUS_SATA, "layers/disk1-l0.qcow2");
  set (&lodge_description_get_layer (description, disk->top)->below, base->id);
  add_layer (description, disk, "disk1-l1", "layers/disk1-l1.qcow2");

  disk = add_disk (description, LODGE_DISK_BUS_VIRTIO, in_place);
  set (&lodge_description_get_layer (description, disk->top)->format, "raw");
  add_layer (description, disk, "disk2-l1", "layers/disk2-l1.qcow2");
  add_layer (description, disk, "disk2-l2", "layers/disk2-l2.qcow2");
}

/* The last one is not plugged in. With two monitors. */
static void
fill_nics (LodgeDescription *description, const char *files)
{
  description->monitors = 2;
  add_nic (description, LODGE_NIC_MODEL_VIRTIO);
  add_nic (description, LODGE_NIC_MODEL_E1000E);
  add_nic (description, LODGE_NIC_MODEL_VIRTIO);
  add_nic (description, LODGE_NIC_MODEL_VIRTIO);
}

static void
fill_secure (LodgeDescription *description, const char *files)
{
  fill_linux (description, files);
  set_firmware (description, LODGE_FIRMWARE_UEFI_SECURE, files, "OVMF_CODE_4M.ms.fd");
  description->tpm = TRUE;
}

static void
fill_windows (LodgeDescription *description, const char *files)
{
  fill_secure (description, files);
  set (&description->os, "win11");
  description->display = LODGE_DISPLAY_QXL;
  description->cpus = 4;
  description->memory_mib = 4096;
  add_media (description, files, NULL);
}

static void
fill_bsd (LodgeDescription *description, const char *files)
{
  add_disk (description, LODGE_DISK_BUS_SATA, "layers/disk0-l0.qcow2");
  add_nic (description, LODGE_NIC_MODEL_E1000E);
  add_media (description, files, "installer.iso");
  set_firmware (description, LODGE_FIRMWARE_UEFI, files, "OVMF_CODE_4M.fd");
  set (&description->os, "freebsd13.1");
  description->display = LODGE_DISPLAY_VGA;
}

static void
fill_monitor (LodgeDescription *description, const char *files)
{
  fill_linux (description, files);
  description->qemu_monitor = TRUE;
}

static void
fill_kernel (LodgeDescription *description, const char *files)
{
  add_disk (description, LODGE_DISK_BUS_VIRTIO, "layers/disk0-l0.qcow2");
  g_free (description->kernel);
  description->kernel = g_build_filename (files, "linux", NULL);
  g_free (description->initrd);
  description->initrd = g_build_filename (files, "initrd.gz", NULL);
  set (&description->append, "vga=788 --- quiet, \"a b\"");
  description->kernel_once = TRUE;
}

const SampleMachine sample_machines[] = {
    {"linux", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_linux, NULL},
    {"linux-3d", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_linux, "/dev/dri/renderD128"},
    {"linux-kvm", LODGE_ACCELERATOR_KVM, TRUE, FALSE, fill_linux, NULL},
    {"names", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_names, NULL},
    {"chains", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_chains, NULL},
    {"nics", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_nics, NULL},
    {"uefi-secure-tpm", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_secure, NULL},
    {"windows-kvm", LODGE_ACCELERATOR_KVM, TRUE, FALSE, fill_windows, NULL},
    {"windows-kvm-without-hyperv", LODGE_ACCELERATOR_KVM, FALSE, FALSE, fill_windows, NULL},
    {"windows-tcg", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_windows, NULL},
    {"bsd", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_bsd, NULL},
    {"kernel-once", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_kernel, NULL},
    {"monitor", LODGE_ACCELERATOR_TCG, FALSE, FALSE, fill_monitor, NULL},
    {"bare", LODGE_ACCELERATOR_TCG, FALSE, TRUE, fill_linux, NULL},
};
const guint n_sample_machines = G_N_ELEMENTS (sample_machines);

LodgeDescription *
sample_machine_new (const SampleMachine *sample, const char *files)
{
  LodgeDescription *description = lodge_description_new (sample->name);

  set (&description->uuid, "11111111-2222-4333-8444-555555555555");
  set (&description->vmgenid, "66666666-7777-4888-9999-aaaaaaaaaaaa");
  set (&description->machine_type, "pc-q35-7.2");
  set (&description->cpu_model, sample->accelerator == LODGE_ACCELERATOR_KVM ? "host" : "max");
  sample->fill (description, files);
  return description;
}

char *
sample_folder_make (const char *below, const char *name)
{
  char *path = g_build_filename (below, name, NULL);

  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  return path;
}
