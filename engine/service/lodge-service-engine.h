/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's own object on the wire (org.lodgevm.Engine1): the list, creating, jobs. */
#pragma once

#include "lodge-contract-generated.h"
#include "machine/lodge-library.h"

G_BEGIN_DECLS

#define LODGE_TYPE_SERVICE_ENGINE (lodge_service_engine_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeServiceEngine, lodge_service_engine, LODGE, SERVICE_ENGINE, LodgeEngine1Skeleton)

/* Signals
 *   "open-machine" (LodgeMachine *, GDBusConnection *): its object is wanted on this connection
 *   "quit" ()
 */
LodgeServiceEngine *lodge_service_engine_new (LodgeLibrary *library);

/* Tells now how the machines are, not only when the engine is idle. */
void lodge_service_engine_flush (LodgeServiceEngine *self);

G_END_DECLS
