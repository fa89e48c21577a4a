/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The devices that every machine has, at fixed addresses, and its network cards.
 *
 * A guest knows its devices by their address, and a memory snapshot loads only into the same
 * board. So nothing here depends on what else a machine has:
 *
 *   pcie.0  00.0       host bridge
 *           01.0       graphics
 *           02.0-02.7  root ports rp0 to rp7    rp0 channels, rp1 balloon, rp2 random numbers,
 *           03.0-03.7  root ports rp8 to rp15   rp3 spare; the others are the description's
 *           04.0       USB
 *           1b.0       sound (where ICH9 has it)
 *           1f.x       ICH9's own: ISA, SATA (ide.0 to ide.5), SMBus
 */
#include "qemu/lodge-machine-command-private.h"

#include "qemu/lodge-qemu-display.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define FIRST_ROOT_PORT_SLOT 2
#define PORTS_PER_SLOT       8
G_STATIC_ASSERT (LODGE_DESCRIPTION_PORTS == 2 * PORTS_PER_SLOT);
G_STATIC_ASSERT (LODGE_DESCRIPTION_FIRST_FREE_PORT == 4);

/* qxl-vga quietly takes less (QEMU, hw/display/qxl.c, qxl_init_ramsize). */
#define QXL_MOST_MIB 256

const char *
lodge_machine_command_get_display_device (const LodgeDescription *description, gboolean accelerated)
{
  switch (description->display) {
  case LODGE_DISPLAY_VIRTIO:
    return accelerated ? LODGE_MACHINE_COMMAND_3D_CARD : "virtio-vga";
  case LODGE_DISPLAY_QXL:
    return "qxl-vga";
  case LODGE_DISPLAY_VGA:
    return "VGA";
  }
  g_return_val_if_reached ("VGA");
}

void
lodge_machine_command_add_root_ports (LodgeMachineCommandBuild *self)
{
  for (guint i = 0; i < LODGE_DESCRIPTION_PORTS; i++) {
    /* A port whose function is not 0 is seen only if function 0 says that there are more. */
    const char *more = i % PORTS_PER_SLOT == 0 ? ",multifunction=on" : "";

    lodge_command_addf (
        self->command,
        i == 0 ? _ ("A port for one device. All ports are there from the start: a device that is "
                    "added later moves no other, and can be plugged in while the guest runs.")
               : _ ("Another port for one device."),
        "-device",
        "pcie-root-port,id=rp%u,bus=pcie.0,addr=%02x.%u%s,chassis=%u,port=%u,io-reserve=0", i,
        FIRST_ROOT_PORT_SLOT + i / PORTS_PER_SLOT, i % PORTS_PER_SLOT, more, i + 1, i);
  }
}

static void
add_socket (LodgeMachineCommandBuild *self, const char *reason, const char *id, const char *file)
{
  g_autofree char *path = g_build_filename (self->host->runtime_folder, file, NULL);
  g_autofree char *escaped = lodge_command_escape (path);

  lodge_command_addf (self->command, reason, "-chardev", "socket,id=%s,path=%s,server=on,wait=off",
                      id, escaped);
}

void
lodge_machine_command_add_channels (LodgeMachineCommandBuild *self)
{
  LodgeCommand *command = self->command;

  lodge_command_add (command, _ ("Channels between the guest's agents and this computer."),
                     "-device", "virtio-serial-pci,id=channels,bus=rp0,addr=00.0");
  if (lodge_qemu_has_spice (self->host->qemu)) {
    lodge_command_add (command, _ ("Where the console speaks to the desktop agent."), "-chardev",
                       "spicevmc,id=vdagent,name=vdagent");
    lodge_command_add (command, _ ("The desktop agent's channel: clipboard, window size, files."),
                       "-device",
                       "virtserialport,id=vdagent-port,bus=channels.0,nr=1,chardev=vdagent,"
                       "name=com.redhat.spice.0");
  }
  add_socket (self, _ ("Where the engine speaks to the guest agent."), "agent", "agent.sock");
  lodge_command_add (command,
                     _ ("The guest agent's channel: it sets the guest's clock after a standstill."),
                     "-device",
                     "virtserialport,id=agent-port,bus=channels.0,nr=2,chardev=agent,"
                     "name=org.qemu.guest_agent.0");
  add_socket (self, _ ("Where a folder of this computer is put in, while one is shared."), "folder",
              "folder.sock");
  lodge_command_add (command, _ ("The shared folder's channel, for spice-webdavd in the guest."),
                     "-device",
                     "virtserialport,id=folder-port,bus=channels.0,nr=3,chardev=folder,"
                     "name=org.spice-space.webdav.0");

  lodge_command_add (command,
                     _ ("Tells how much memory is in use, and gives back pages that the guest has "
                        "freed."),
                     "-device",
                     "virtio-balloon-pci,id=balloon,bus=rp1,addr=00.0,free-page-reporting=on");
  lodge_command_add (command, _ ("Where random numbers come from: the kernel."), "-object",
                     "rng-builtin,id=random");
  lodge_command_add (command, _ ("Random numbers, so that a new guest need not wait for them."),
                     "-device", "virtio-rng-pci,id=rng,rng=random,bus=rp2,addr=00.0");

  add_socket (self, _ ("Where the engine reads the serial port and serves it to consoles."),
              "serial", "serial.sock");
  lodge_command_add (command, _ ("A serial port, for consoles without graphics."), "-device",
                     "isa-serial,id=serial-port,chardev=serial,index=0");
  if (self->description->qemu_monitor) {
    add_socket (self, _ ("Where the engine reaches QEMU's own console and serves it."), "monitor",
                "monitor.sock");
    lodge_command_add (command,
                       _ ("QEMU's own console, because terminal.monitor is on: it can change the "
                          "machine behind Lodge's back, and reach every file that QEMU sees."),
                       "-mon", "chardev=monitor,mode=readline");
  }
  if (!lodge_machine_command_is_windows (self->description))
    lodge_command_add (command, _ ("Lets the guest's kernel say that it has panicked."), "-device",
                       "pvpanic,id=panic");
}

static gboolean
has_monitors (const LodgeDescription *description)
{
  return description->display == LODGE_DISPLAY_VIRTIO && description->monitors > 1;
}

static void
add_graphics (LodgeMachineCommandBuild *self)
{
  const LodgeDescription *description = self->description;
  const char *device =
      lodge_machine_command_get_display_device (description, self->host->render_node != NULL);
  guint memory_mib = (guint) MIN (description->video_memory_mib, 512);
  g_autofree char *monitors = NULL;

  switch (description->display) {
  case LODGE_DISPLAY_VIRTIO:
    if (has_monitors (description))
      monitors = g_strdup_printf (",max_outputs=%u", description->monitors);
    lodge_command_addf (
        self->command,
        self->host->render_node != NULL
            ? _ ("A virtio graphics card that shows text and simple graphics without a driver, and "
                 "has this computer's card draw in 3D with one.")
        : monitors != NULL
            ? _ ("A virtio graphics card with sockets for several monitors, which shows "
                 "text and simple graphics without a driver, too.")
            : _ ("A virtio graphics card, which shows text and simple graphics without "
                 "a driver, too."),
        "-device", "%s,id=video,bus=pcie.0,addr=01.0%s", device, monitors != NULL ? monitors : "");
    break;
  case LODGE_DISPLAY_QXL:
    memory_mib = MIN (memory_mib, QXL_MOST_MIB);
    lodge_command_addf (self->command,
                        _ ("A SPICE graphics card, for systems with a driver for it."), "-device",
                        "%s,id=video,bus=pcie.0,addr=01.0,vgamem_mb=%u,ram_size_mb=%u,"
                        "vram_size_mb=%u",
                        device, memory_mib, 2 * memory_mib, memory_mib);
    break;
  case LODGE_DISPLAY_VGA:
    lodge_command_addf (self->command, _ ("A plain graphics card, which every system knows."),
                        "-device", "%s,id=video,bus=pcie.0,addr=01.0,vgamem_mb=%u", device,
                        memory_mib);
    break;
  }
}

/* What is the same for each console's socket. */
#define SPICE_OPTIONS                                                                              \
  "unix=on,addr=%s,disable-ticketing=on,image-compression=off,playback-compression=off,"           \
  "streaming-video=off"

static void
add_spice (LodgeMachineCommandBuild *self)
{
  g_autofree char *path = g_build_filename (self->host->runtime_folder, "spice.sock", NULL);
  g_autofree char *escaped = lodge_command_escape (path);
  g_autofree char *accelerated = g_strdup ("");

  /* Its pictures stay in the card's memory, and the console is given descriptors of that. */
  if (self->host->render_node != NULL) {
    g_autofree char *node = lodge_command_escape (self->host->render_node);

    g_free (accelerated);
    accelerated = g_strdup_printf (",gl=on,rendernode=%s", node);
    lodge_command_bind (self->command, LODGE_COMMAND_BIND_GRAPHICS, self->host->render_node);
  }
  /* SPICE takes positions for the tablet only where there is one screen (libspice-server,
   * reds_update_mouse_mode). */
  if (has_monitors (self->description))
    lodge_command_addf (
        self->command,
        _ ("The console's socket in a folder of the user's alone: nothing on the network, no "
           "password needed, no compression on the way; on several monitors the pointer's places "
           "go to the agent."),
        "-spice", SPICE_OPTIONS ",agent-mouse=on%s", escaped, accelerated);
  else
    lodge_command_addf (
        self->command,
        _ ("The console's socket in a folder of the user's alone: nothing on the network, no "
           "password "
           "needed, no compression on the way; the pointer goes to the tablet and not to the "
           "agent."),
        "-spice", SPICE_OPTIONS ",agent-mouse=off%s", escaped, accelerated);
}

void
lodge_machine_command_add_desktop (LodgeMachineCommandBuild *self)
{
  LodgeCommand *command = self->command;
  gboolean spice = lodge_qemu_has_spice (self->host->qemu);

  if (self->host->render_node != NULL) {
    /* The other display comes before SPICE, and QEMU ends because it has no GL of its own
     * (QEMU 10.0, ui/console.c, console_compatible_with). */
    lodge_command_add (command,
                       _ ("QEMU opens no window of its own; it draws in 3D for one display alone, "
                          "and that is SPICE's."),
                       "-display", "none");
  } else if (lodge_qemu_has_dbus_display (self->host->qemu)) {
    g_autofree char *keyring =
        g_build_filename (self->host->runtime_folder, LODGE_QEMU_DISPLAY_KEYRING, NULL);

    lodge_command_add (command,
                       _ ("QEMU opens no window of its own; the engine can tell the graphics card "
                          "how large the console's is."),
                       "-display", "dbus,p2p=yes");
    lodge_command_set_variable (command, LODGE_QEMU_DISPLAY_KEYRING_VARIABLE, keyring);
  } else {
    lodge_command_add (command, _ ("QEMU opens no window of its own."), "-display", "none");
  }
  if (spice)
    add_spice (self);
  add_graphics (self);

  lodge_command_add (command, _ ("USB 3, with room for devices that are lent to the guest."),
                     "-device", "qemu-xhci,id=usb,bus=pcie.0,addr=04.0,p2=15,p3=15");
  lodge_command_add (command,
                     _ ("A pointer with absolute positions: it follows the host's without being "
                        "captured."),
                     "-device", "usb-tablet,id=tablet,bus=usb.0,port=1");

  if (spice)
    lodge_command_add (command, _ ("Sound goes to the console."), "-audiodev", "spice,id=audio");
  else
    lodge_command_add (command, _ ("This QEMU has no SPICE: sound goes nowhere."), "-audiodev",
                       "none,id=audio");
  lodge_command_add (command, _ ("A sound card that every system has a driver for."), "-device",
                     "ich9-intel-hda,id=sound,bus=pcie.0,addr=1b.0");
  lodge_command_add (command, _ ("Its speaker and microphone."), "-device",
                     "hda-duplex,id=sound-codec,bus=sound.0,cad=0,audiodev=audio");
}

/* The descriptor of a NIC's wire, or -1 when it is unplugged. */
static int
find_wire (const LodgeMachineCommandBuild *self, const char *nic_id)
{
  for (guint i = 0; i < self->n_wires; i++) {
    if (strcmp (self->wires[i].nic_id, nic_id) == 0)
      return self->wires[i].fd;
  }
  return -1;
}

void
lodge_machine_command_add_nics (LodgeMachineCommandBuild *self)
{
  for (guint i = 0; i < self->description->nics->len; i++) {
    const LodgeNic *nic = self->description->nics->pdata[i];
    const char *model = nic->model == LODGE_NIC_MODEL_VIRTIO ? "virtio-net-pci" : "e1000e";
    g_autofree char *wire = g_strdup ("");
    int fd = find_wire (self, nic->id);

    if (fd >= 0) {
      lodge_command_addf (self->command,
                          _ ("The card's wire: a socket to the network's own process, since QEMU "
                             "itself has no network."),
                          "-netdev", "stream,id=%s-wire,addr.type=fd,addr.str=%d,server=off",
                          nic->id, lodge_command_take_fd (self->command, fd));
      g_free (wire);
      wire = g_strdup_printf (",netdev=%s-wire", nic->id);
    }
    lodge_command_addf (
        self->command,
        fd >= 0 ? _ ("A network card in its own port; without boot code, which would be one more "
                     "thing that a snapshot depends on.")
                : _ ("A network card in its own port, with no wire plugged in."),
        "-device", "%s,id=%s%s,mac=%s,bus=rp%u,addr=00.0,romfile=", model, nic->id, wire, nic->mac,
        nic->port);
  }
}

void
lodge_machine_command_add_tpm (LodgeMachineCommandBuild *self)
{
  g_autofree char *escaped = NULL;

  if (!self->description->tpm)
    return;

  escaped = lodge_command_escape (self->host->tpm_socket);
  lodge_command_addf (self->command, _ ("The TPM is a process of its own, swtpm."), "-chardev",
                      "socket,id=tpm-socket,path=%s", escaped);
  lodge_command_add (self->command, _ ("QEMU passes the guest's commands on to it."), "-tpmdev",
                     "emulator,id=tpm-emulator,chardev=tpm-socket");
  lodge_command_add (self->command, _ ("A TPM 2.0 as the guest sees it."), "-device",
                     "tpm-crb,id=tpm,tpmdev=tpm-emulator");
  lodge_command_bind (self->command, LODGE_COMMAND_BIND_READ_WRITE, self->host->tpm_socket);
}
