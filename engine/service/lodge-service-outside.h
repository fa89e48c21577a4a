/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine from elsewhere asks for, on the wire. */
#pragma once

#include "lodge-contract-generated.h"

G_BEGIN_DECLS

/* For the interface of LodgeServiceMachine. */
void lodge_service_outside_init (LodgeMachine1Iface *iface);

G_END_DECLS
