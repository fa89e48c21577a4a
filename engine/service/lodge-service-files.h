/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The methods of org.lodgevm.Machine1 that are about files in the guest. */
#pragma once

#include "lodge-contract-generated.h"

G_BEGIN_DECLS

/* For the interface of LodgeServiceMachine. */
void lodge_service_files_init (LodgeMachine1Iface *iface);

G_END_DECLS
