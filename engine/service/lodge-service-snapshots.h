/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The methods of org.lodgevm.Machine1 that are about snapshots. */
#pragma once

#include "lodge-contract-generated.h"

G_BEGIN_DECLS

/* For the interface of LodgeServiceMachine. */
void lodge_service_snapshots_init (LodgeMachine1Iface *iface);

/* An option that is not known may be one that matters. Ends @invocation when there is one. */
gboolean lodge_service_check_options (GDBusMethodInvocation *invocation,
                                      GVariant *options,
                                      const char *const *known);

G_END_DECLS
