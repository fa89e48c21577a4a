/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a description to QEMU's command line, each argument with its reason.
 *
 * The order is that of a person who puts a computer together: how it is run, board, memory and CPU,
 * clock, firmware, ports, disks, network, screen, and last what it starts.
 */
#include "qemu/lodge-machine-command-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Hyper-V's enlightenments that are migratable and that Windows makes use of (QEMU,
 * docs/system/i386/hyperv.rst). Its idle CPU use falls from a third of a core to next to nothing.
 * Never hv-passthrough, with which no snapshot can be taken. */
#define HYPERV_FLAGS                                                                               \
  ",hv-relaxed=on,hv-vapic=on,hv-spinlocks=0x1fff,hv-vpindex=on,hv-runtime=on,hv-synic=on,"        \
  "hv-stimer=on,hv-reset=on,hv-time=on,hv-frequencies=on,hv-tlbflush=on,hv-ipi=on"

gboolean
lodge_machine_command_is_windows (const LodgeDescription *description)
{
  /* libosinfo's short ids: win10, win11, win2k22, winxp. */
  return g_str_has_prefix (description->os, "win");
}

char *
lodge_machine_command_dup_path (const LodgeMachineCommandHost *host, const char *file)
{
  /* Not canonicalized: "a/../b" is refused by the description, links are by the check. */
  return g_path_is_absolute (file) ? g_strdup (file)
                                   : g_build_filename (host->machine_folder, file, NULL);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The machine's other processes have their sockets in the same folder, and a QEMU that was taken
 * over must not give them orders, such as to the user network to let more in. */
static void
hide_companions (LodgeMachineCommandBuild *self)
{
  static const char *const own[] = {"qmp.sock",     "spice.sock",  "agent.sock", "serial.sock",
                                    "monitor.sock", "folder.sock", NULL};
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = g_dir_open (self->host->runtime_folder, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    if (!g_strv_contains (own, name))
      g_ptr_array_add (names, g_strdup (name));
  }
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *path = g_build_filename (self->host->runtime_folder, names->pdata[i], NULL);

    if (g_strcmp0 (path, self->host->tpm_socket) != 0)
      lodge_command_bind (self->command, LODGE_COMMAND_BIND_HIDDEN, path);
  }
}

static void
add_run (LodgeMachineCommandBuild *self)
{
  LodgeCommand *command = self->command;
  const LodgeDescription *description = self->description;
  g_autofree char *name = lodge_command_escape (description->name);
  g_autofree char *qmp = g_build_filename (self->host->runtime_folder, "qmp.sock", NULL);
  g_autofree char *escaped = lodge_command_escape (qmp);

  lodge_command_addf (command, _ ("The machine's name, and names for its threads in ps and top."),
                      "-name", "guest=%s,debug-threads=on", name);
  lodge_command_add (command, _ ("What the guest's firmware tells as the computer's identity."),
                     "-uuid", description->uuid);
  lodge_command_add (command, _ ("No devices but those named here."), "-nodefaults", NULL);
  lodge_command_add (command, _ ("No settings from files that are not the machine's."),
                     "-no-user-config", NULL);
  if (self->host->seccomp)
    lodge_command_add (command,
                       _ ("The kernel refuses QEMU what it never needs, such as starting programs: "
                          "a guest that breaks out of it finds little."),
                       "-sandbox",
                       "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
  lodge_command_addf (command, _ ("Where the engine gives orders, and finds the machine again."),
                      "-qmp", "unix:%s,server=on,wait=off", escaped);
  lodge_command_add (command, _ ("Starts paused; the engine lets it go when all is connected."),
                     "-S", NULL);
  lodge_command_add (command,
                     _ ("Stays when the guest powers off, so that also an engine that was away "
                        "can tell that from a crash."),
                     "-no-shutdown", NULL);
  if (description->kernel[0] != '\0' && description->kernel_once)
    lodge_command_add (command,
                       _ ("A panic pauses the guest. A reset ends this run: the next one starts "
                          "from the disk and not from the installer's kernel."),
                       "-action", "panic=pause,reboot=shutdown");
  else
    lodge_command_add (command, _ ("A panic pauses the guest, so that it can be looked at."),
                       "-action", "panic=pause");
  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, self->host->runtime_folder);
  hide_companions (self);
}

static void
add_board (LodgeMachineCommandBuild *self)
{
  const LodgeDescription *description = self->description;
  gboolean windows = lodge_machine_command_is_windows (description);
  gboolean flash = description->firmware != LODGE_FIRMWARE_BIOS;
  gboolean secure = description->firmware == LODGE_FIRMWARE_UEFI_SECURE;

  if (self->host->accelerator == LODGE_ACCELERATOR_KVM) {
    lodge_command_add (self->command, _ ("The CPU's own virtualization."), "-accel", "kvm");
    lodge_command_bind (self->command, LODGE_COMMAND_BIND_DEVICE, "/dev/kvm");
  } else {
    lodge_command_add (self->command,
                       _ ("Software emulation, a host thread for each CPU: this computer cannot "
                          "virtualize. QEMU does not promise to keep a hostile guest inside."),
                       "-accel", "tcg,thread=multi");
  }

  lodge_command_addf (
      self->command,
      _ ("The board, in the version that the machine was first started with; memory under a name "
         "that snapshots know."),
      "-machine", "type=%s,memory-backend=pc.ram,smm=%s,vmport=off%s,dump-guest-core=off%s",
      description->machine_type, secure ? "on" : "off", windows ? ",hpet=off" : "",
      flash ? ",pflash0=" LODGE_MACHINE_COMMAND_FIRMWARE_NODE
              ",pflash1=" LODGE_MACHINE_COMMAND_NVRAM_NODE
            : "");
  /* SeaBIOS and Linux leave sleep to the user; Windows falls asleep by itself. */
  lodge_command_add (self->command,
                     _ ("No suspend to memory: a guest that sleeps looks like one that hangs."),
                     "-global", "ICH9-LPC.disable_s3=1");
}

static void
add_memory_and_cpu (LodgeMachineCommandBuild *self)
{
  const LodgeDescription *description = self->description;
  gboolean kvm = self->host->accelerator == LODGE_ACCELERATOR_KVM;
  gboolean hyperv = kvm && self->host->hyperv && lodge_machine_command_is_windows (description);
  /* "host" is what KVM passes on; a machine that was recorded with it can still be emulated. */
  const char *model =
      !kvm && strcmp (description->cpu_model, "host") == 0 ? "max" : description->cpu_model;

  lodge_command_addf (self->command,
                      _ ("The guest's memory as an anonymous file, which helper processes can be "
                         "given."),
                      "-object", "memory-backend-memfd,id=pc.ram,share=on,size=%uM",
                      description->memory_mib);
  lodge_command_addf (self->command, _ ("How much memory the guest has."), "-m", "%uM",
                      description->memory_mib);
  lodge_command_addf (
      self->command,
      hyperv
          ? _ ("All that the host's CPU can do and a snapshot can carry, and what Windows uses to "
               "be a better guest.")
      : kvm ? _ ("All that the host's CPU can do and a snapshot can carry.")
            : _ ("All that emulation can do."),
      "-cpu", "%s%s%s", model, kvm ? ",migratable=on" : "", hyperv ? HYPERV_FLAGS : "");
  lodge_command_addf (self->command,
                      _ ("One processor with all cores: Windows Home and Pro use no more than one "
                         "or two."),
                      "-smp", "cpus=%u,sockets=1,cores=%u,threads=1", description->cpus,
                      description->cpus);
}

static void
add_clock (LodgeMachineCommandBuild *self)
{
  if (lodge_machine_command_is_windows (self->description))
    lodge_command_add (self->command,
                       _ ("Windows expects local time in the clock; lost ticks are caught up "
                          "slowly."),
                       "-rtc", "base=localtime,driftfix=slew");
  else
    lodge_command_add (self->command, _ ("The clock runs in UTC; lost ticks are caught up slowly."),
                       "-rtc", "base=utc,driftfix=slew");
  lodge_command_addf (self->command,
                      _ ("Tells the guest by a new number that it was copied or went back in time, "
                         "so that it does not use the same random numbers twice."),
                      "-device", "vmgenid,id=generation,guid=%s", self->description->vmgenid);
}

static void
add_boot (LodgeMachineCommandBuild *self)
{
  const LodgeDescription *description = self->description;

  lodge_command_add (self->command, _ ("Boots from what has a boot index, and nothing else."),
                     "-boot", "strict=on");
  if (description->kernel[0] == '\0')
    return;

  lodge_command_add (self->command, _ ("A kernel that is started without a boot loader."),
                     "-kernel", description->kernel);
  lodge_command_bind (self->command, LODGE_COMMAND_BIND_READ_ONLY, description->kernel);
  if (description->initrd[0] != '\0') {
    lodge_command_add (self->command, _ ("Its initial RAM disk."), "-initrd", description->initrd);
    lodge_command_bind (self->command, LODGE_COMMAND_BIND_READ_ONLY, description->initrd);
  }
  if (description->append[0] != '\0')
    lodge_command_add (self->command, _ ("Its command line."), "-append", description->append);
}

LodgeCommand *
lodge_machine_command_build (const LodgeDescription *description,
                             const LodgeMachineCommandHost *host,
                             const LodgeMachineCommandWire *wires,
                             guint n_wires,
                             GError **error)
{
  LodgeMachineCommandBuild self = {description, host, wires, n_wires, NULL};

  g_return_val_if_fail (description != NULL && host != NULL, NULL);
  g_return_val_if_fail (g_path_is_absolute (host->machine_folder), NULL);
  g_return_val_if_fail (g_path_is_absolute (host->runtime_folder), NULL);

  if (!lodge_machine_command_check (description, host, error))
    return NULL;

  self.command = lodge_command_new (lodge_qemu_get_binary (host->qemu));
  add_run (&self);
  add_board (&self);
  add_memory_and_cpu (&self);
  add_clock (&self);
  lodge_machine_command_add_key (&self);
  lodge_machine_command_add_firmware (&self);
  lodge_machine_command_add_tpm (&self);
  lodge_machine_command_add_root_ports (&self);
  lodge_machine_command_add_channels (&self);
  lodge_machine_command_add_disks (&self);
  lodge_machine_command_add_media (&self);
  lodge_machine_command_add_nics (&self);
  lodge_machine_command_add_desktop (&self);
  /* Behind the controller that they are plugged into. */
  lodge_machine_command_add_sticks (&self);
  add_boot (&self);
  return self.command;
}

gboolean
lodge_machine_command_resolve (LodgeDescription *description,
                               LodgeQemu *qemu,
                               LodgeAcceleratorKind accelerator,
                               GError **error)
{
  const char *machine;

  g_return_val_if_fail (description != NULL && qemu != NULL, FALSE);

  if (description->machine_type[0] == '\0') {
    machine = lodge_qemu_resolve_machine (qemu, "q35");
    if (machine == NULL) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                   _ ("QEMU %s on this computer has no machine type q35, which every machine is "
                      "built on"),
                   lodge_qemu_get_version (qemu));
      return FALSE;
    }
    g_free (description->machine_type);
    description->machine_type = g_strdup (machine);
  }
  if (description->cpu_model[0] == '\0') {
    g_free (description->cpu_model);
    description->cpu_model = g_strdup (accelerator == LODGE_ACCELERATOR_KVM ? "host" : "max");
  }
  return TRUE;
}
