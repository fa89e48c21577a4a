/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a clone's machine.ini says: the hardware and the disks of its source, and an identity of its
 * own. Nothing here touches a file.
 */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

/**
 * lodge_description_dup_clone:
 * @self: the machine as it is to be cloned; each disk's top is what the clone stands on
 * @out_files: (out): the file that each of the clone's layers has in the source (utf8, in the
 *   layers' order, transfer full)
 *
 * The layers have names of their own below layers/, and no snapshots. The UUID (which is also what
 * SMBIOS tells the guest), the VM generation id and the network cards' addresses are new. It has no
 * forwards: a port of this computer is one machine's.
 *
 * Returns: (transfer full)
 */
LodgeDescription *lodge_description_dup_clone (const LodgeDescription *self,
                                               const char *uuid,
                                               const char *name,
                                               GPtrArray **out_files);

/* Each disk gets one qcow2 layer of its own, which stands on nothing. */
void lodge_description_flatten (LodgeDescription *self);

G_END_DECLS
