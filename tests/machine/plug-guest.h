/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a running QEMU has of a machine's disks, and what is on them. */
#pragma once

#include "machine/lodge-library.h"

G_BEGIN_DECLS

/* The job, waited for. */
const GError *plug_guest_wait (LodgeJob *job);
/* Whether QEMU has a device of that id, and whether it has a block node of that name. */
gboolean plug_guest_has_device (LodgeMachine *machine, const char *id);
gboolean plug_guest_has_node (LodgeMachine *machine, const char *name);
/* How many sets of descriptors it has, without that of a picture of its screen, which the engine
 * takes now and then. */
guint plug_guest_count_fds (LodgeMachine *machine);
/* As the device asks for it: QEMU's own qemu-io on what is behind that. */
void plug_guest_ask_disk (LodgeMachine *machine, const char *disk, const char *command);
/* The same of a block node. */
void plug_guest_ask_node (LodgeMachine *machine, const char *node, const char *command);

/* What QEMU has is what machine.ini and "started" say, each disk with its files. */
void plug_guest_assert_settled (LodgeMachine *machine);

G_END_DECLS
