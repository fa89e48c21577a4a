/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: the network cards of the guest, each with a switch for its cable, and the
 * forwards that lead to it. */
#pragma once

#include "console/lodge-console-machine.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SHARED_NETWORK (lodge_shared_network_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeSharedNetwork, lodge_shared_network, LODGE, SHARED_NETWORK, AdwPreferencesGroup)

LodgeSharedNetwork *lodge_shared_network_new (LodgeConsoleMachine *machine);

/* Shows what the description says now. */
void lodge_shared_network_update (LodgeSharedNetwork *self);

G_END_DECLS
