/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The methods of org.lodgevm.Machine1 that are about the key of an encrypted machine. */
#pragma once

#include "lodge-contract-generated.h"

G_BEGIN_DECLS

void lodge_service_key_init (LodgeMachine1Iface *iface);

G_END_DECLS
