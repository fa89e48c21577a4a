/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The methods of org.lodgevm.Machine1 that suspend a machine to disk, and start it. */
#pragma once

#include "lodge-contract-generated.h"

G_BEGIN_DECLS

/* For the interface of LodgeServiceMachine. */
void lodge_service_suspend_init (LodgeMachine1Iface *iface);

G_END_DECLS
