/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a description to QEMU's command line, each argument with its reason.
 *
 * Node and device names come from the ids in the description: disk "disk0" with the layers
 * "disk0-l0" and "disk0-l1" becomes device "disk0" on node "disk0-l1" over node "disk0-l0" (their
 * files: "disk0-l1-file"). The drive "cd0" with a medium in it has the nodes "cd0" and "cd0-file",
 * the NIC "nic0" the netdev "nic0-wire". Fixed devices have fixed addresses; nothing moves when
 * something is added.
 */
#pragma once

#include "description/lodge-description.h"
#include "host/lodge-accelerator.h"
#include "qemu/lodge-command.h"
#include "qemu/lodge-qemu.h"

G_BEGIN_DECLS

/* The longest name of a socket in a machine's runtime folder: what a start asks for. (A network
 * card with a longer id is told of when its own is made.) */
#define LODGE_MACHINE_COMMAND_LONGEST_SOCKET "/net-nic00.ctl"

/* What is open on a disk of this computer: as only one may have it, and QEMU cannot open it. */
typedef struct {
  const char *layer; /* id */
  int fd;
} LodgeMachineCommandHostDisk;

/* What the description does not say: where this computer has things. */
typedef struct {
  LodgeQemu *qemu;
  LodgeAcceleratorKind accelerator;
  const char *machine_folder; /* absolute; layers, nvram */
  const char *runtime_folder; /* absolute; qmp.sock, spice.sock, agent.sock, ... */
  const char *tpm_socket;     /* swtpm's, or NULL */
  const char *render_node;    /* of the card that draws in 3D, or NULL */
  gboolean seccomp;
  gboolean io_uring;   /* a trial open worked */
  gboolean hyperv;     /* KVM here knows Hyper-V's enlightenments */
  gboolean saved;      /* the guest goes on from memory that was saved with what it has */
  gboolean only_shown; /* never launched: what a start makes (the NVRAM) may be missing */
  /* This computer's disks that it has as a whole. Moved into the command as the wires are. */
  const LodgeMachineCommandHostDisk *host_disks;
  guint n_host_disks;
  /* Of an encrypted machine: where what opens its images can be read, once. Moved into the command
   * when that is built, still the caller's on an error. */
  int key_fd;
} LodgeMachineCommandHost;

/* What QEMU calls what opens an encrypted machine's images. */
#define LODGE_MACHINE_COMMAND_KEY "lodge-key"

/* A virtio graphics card that draws in 3D, and what that is made of: on Debian 12 each comes in a
 * package of its own. */
#define LODGE_MACHINE_COMMAND_3D_CARD "virtio-vga-gl"
#define LODGE_MACHINE_COMMAND_3D_CORE "virtio-gpu-gl-device"

/* One NIC's wire: the descriptor of a connected stream socket (docs: -netdev stream). Moved into
 * the command when that is built, still the caller's on an error. -1: the NIC has no wire
 * (unplugged). */
typedef struct {
  const char *nic_id;
  int fd;
} LodgeMachineCommandWire;

/**
 * lodge_machine_command_build:
 * @description: machine_type, cpu_model and firmware_code are resolved already
 *
 * Errors: those of lodge_description_check(), %LODGE_ERROR_NOT_FOUND (a layer, medium, kernel or
 * firmware file is missing, a folder, or unreadable: the message names it), %LODGE_ERROR_HOST (QEMU
 * lacks something).
 */
LodgeCommand *lodge_machine_command_build (const LodgeDescription *description,
                                           const LodgeMachineCommandHost *host,
                                           const LodgeMachineCommandWire *wires,
                                           guint n_wires,
                                           GError **error);

/* Fills machine_type and cpu_model where they are empty. %LODGE_ERROR_HOST. */
gboolean lodge_machine_command_resolve (LodgeDescription *description,
                                        LodgeQemu *qemu,
                                        LodgeAcceleratorKind accelerator,
                                        GError **error);

G_END_DECLS
