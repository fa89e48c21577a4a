/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine for a guest should have: the catalogue's words, within what this computer has. */
#include "guest/lodge-media.h"

#include "guest/lodge-os-catalogue.h"

#include <unistd.h>

#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* Below this recommendation a system is from before about 2010 and is given less. */
#define OLD_MEMORY_BYTES (512 * MIB)
/* What is comfortable today, whatever a catalogue's recommendation says. */
#define USUAL_MEMORY_BYTES   (2 * GIB)
#define WINDOWS_MEMORY_BYTES (4 * GIB)
#define LEAST_MEMORY_BYTES   (64 * MIB)
/* Of a system that is not known. */
#define UNKNOWN_LEAST_MEMORY_BYTES (512 * MIB)
/* Memory of a guest is a multiple of this. */
#define MEMORY_STEP_BYTES (64 * MIB)

/* A qcow2 file grows as it is written to: generous costs nothing. */
#define USUAL_DISK_BYTES   (20 * GIB)
#define WINDOWS_DISK_BYTES (64 * GIB)
#define OLD_DISK_BYTES     (8 * GIB)

void
lodge_guest_defaults_free (LodgeGuestDefaults *self)
{
  g_free (self->os);
  g_free (self->os_name);
  g_free (self);
}

static gboolean
is_old (const LodgeOs *os)
{
  return os != NULL && os->memory_bytes > 0 && os->memory_bytes < OLD_MEMORY_BYTES;
}

/* What it likes, at most half of the computer's, at least what it starts with. */
static guint
choose_memory_mib (const LodgeOs *os, guint64 host_memory_bytes)
{
  guint64 wanted = USUAL_MEMORY_BYTES;
  guint64 least = UNKNOWN_LEAST_MEMORY_BYTES;

  if (is_old (os)) {
    wanted = 4 * os->memory_bytes;
    least = LEAST_MEMORY_BYTES;
  } else if (os != NULL) {
    wanted = MAX (os->memory_bytes, os->windows ? WINDOWS_MEMORY_BYTES : USUAL_MEMORY_BYTES);
  }
  if (os != NULL)
    least = MAX (least, os->memory_bytes_min);

  wanted = MIN (wanted, host_memory_bytes / 2);
  wanted = MAX (wanted, least);
  return (guint) (MAX (wanted / MEMORY_STEP_BYTES, 1) * (MEMORY_STEP_BYTES / MIB));
}

static guint
choose_cpus (const LodgeOs *os, guint host_cpus)
{
  /* Half of a small computer, four of a large one: more makes few guests faster. */
  guint wanted = CLAMP (host_cpus / 2, 2, 4);

  if (os != NULL && os->single_cpu)
    wanted = 1;
  else if (os != NULL)
    wanted = MAX (wanted, os->cpus);
  return MAX (MIN (wanted, host_cpus), 1);
}

static guint64
choose_disk_bytes (const LodgeOs *os)
{
  if (os == NULL)
    return USUAL_DISK_BYTES;
  if (is_old (os))
    return MAX (os->disk_bytes, OLD_DISK_BYTES);
  return MAX (os->disk_bytes, os->windows ? WINDOWS_DISK_BYTES : USUAL_DISK_BYTES);
}

LodgeGuestDefaults *
lodge_guest_defaults_for_os (const char *os, guint host_cpus, guint64 host_memory_bytes)
{
  g_autoptr (LodgeOs) known = lodge_os_catalogue_find (os);
  LodgeGuestDefaults *self = g_new0 (LodgeGuestDefaults, 1);

  self->os = g_strdup (known != NULL ? known->os : "");
  self->os_name = g_strdup (known != NULL ? known->name : "");
  self->memory_mib = choose_memory_mib (known, host_memory_bytes);
  self->cpus = choose_cpus (known, host_cpus);
  self->disk_bytes = choose_disk_bytes (known);

  /* A Windows that refuses to start by BIOS (11 and later) also asks for Secure Boot and a TPM. */
  self->firmware = LODGE_FIRMWARE_BIOS;
  if (known != NULL && known->needs_uefi)
    self->firmware = known->windows ? LODGE_FIRMWARE_UEFI_SECURE : LODGE_FIRMWARE_UEFI;
  self->tpm = self->firmware == LODGE_FIRMWARE_UEFI_SECURE;

  /* A system without a driver for its disk does not start at all: of an unknown one only what every
   * system of the last fifteen years has (AHCI, Intel's NIC, VGA) is expected. */
  self->disk_bus =
      known != NULL && known->virtio_block ? LODGE_DISK_BUS_VIRTIO : LODGE_DISK_BUS_SATA;
  self->nic_model =
      known != NULL && known->virtio_net ? LODGE_NIC_MODEL_VIRTIO : LODGE_NIC_MODEL_E1000E;
  if (known != NULL && known->virtio_gpu)
    self->display = LODGE_DISPLAY_VIRTIO;
  else if (known != NULL && known->qxl)
    self->display = LODGE_DISPLAY_QXL;
  else
    self->display = LODGE_DISPLAY_VGA;
  return self;
}

static void
find_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  guint64 memory = (guint64) sysconf (_SC_PHYS_PAGES) * (guint64) sysconf (_SC_PAGESIZE);

  g_task_return_pointer (task, lodge_guest_defaults_for_os (data, g_get_num_processors (), memory),
                         (GDestroyNotify) lodge_guest_defaults_free);
}

void
lodge_guest_defaults_for_here_async (const char *os,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_source_tag (task, lodge_guest_defaults_for_here_async);
  g_task_set_task_data (task, g_strdup (os), g_free);
  g_task_run_in_thread (task, find_in_thread);
}

LodgeGuestDefaults *
lodge_guest_defaults_for_here_finish (GAsyncResult *result)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_guest_defaults_for_here_async),
                        NULL);
  return g_task_propagate_pointer (G_TASK (result), NULL);
}
