/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of lodge_machine_command_build(), split by what they are about.
 *
 * Everything that can go wrong goes wrong in the check, before the first argument; the parts behind
 * it only add.
 */
#pragma once

#include "qemu/lodge-machine-command.h"

G_BEGIN_DECLS

typedef struct {
  const LodgeDescription *description;
  const LodgeMachineCommandHost *host;
  const LodgeMachineCommandWire *wires;
  guint n_wires;
  LodgeCommand *command;
} LodgeMachineCommandBuild;

/* Where firmware, its variables, and disks are found by the guest's board. */
#define LODGE_MACHINE_COMMAND_FIRMWARE_NODE "firmware"
#define LODGE_MACHINE_COMMAND_NVRAM_NODE    "nvram"

gboolean lodge_machine_command_is_windows (const LodgeDescription *description);

/* @file as a description names it: relative to the machine's folder, or absolute. */
char *lodge_machine_command_dup_path (const LodgeMachineCommandHost *host, const char *file);

/* QEMU's name of the graphics card. */
const char *lodge_machine_command_get_display_device (const LodgeDescription *description,
                                                      gboolean accelerated);

/* Errors: those of lodge_machine_command_build(). */
gboolean lodge_machine_command_check (const LodgeDescription *description,
                                      const LodgeMachineCommandHost *host,
                                      GError **error);

/* lodge-machine-command-storage.c */
void lodge_machine_command_add_key (LodgeMachineCommandBuild *self);
void lodge_machine_command_add_firmware (LodgeMachineCommandBuild *self);
void lodge_machine_command_add_disks (LodgeMachineCommandBuild *self);
void lodge_machine_command_add_media (LodgeMachineCommandBuild *self);
void lodge_machine_command_add_sticks (LodgeMachineCommandBuild *self);

/* lodge-machine-command-devices.c */
void lodge_machine_command_add_root_ports (LodgeMachineCommandBuild *self);
void lodge_machine_command_add_channels (LodgeMachineCommandBuild *self);
void lodge_machine_command_add_desktop (LodgeMachineCommandBuild *self);
void lodge_machine_command_add_nics (LodgeMachineCommandBuild *self);
void lodge_machine_command_add_tpm (LodgeMachineCommandBuild *self);

G_END_DECLS
