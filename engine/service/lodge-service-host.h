/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host check on the wire (org.lodgevm.Host1). */
#pragma once

#include "lodge-contract-generated.h"
#include "machine/lodge-machine-host.h"

G_BEGIN_DECLS

/* Transfer full. */
LodgeHost1 *lodge_service_host_new (LodgeMachineHost *host);

G_END_DECLS
