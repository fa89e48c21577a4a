/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine on the wire (org.lodgevm.Machine1). */
#pragma once

#include "lodge-contract-generated.h"
#include "machine/lodge-library.h"

G_BEGIN_DECLS

#define LODGE_TYPE_SERVICE_MACHINE (lodge_service_machine_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeServiceMachine, lodge_service_machine, LODGE, SERVICE_MACHINE, LodgeMachine1Skeleton)

LodgeServiceMachine *lodge_service_machine_new (LodgeLibrary *library, LodgeMachine *machine);

/* Lent. */
LodgeLibrary *lodge_service_machine_get_library (LodgeServiceMachine *self);
LodgeMachine *lodge_service_machine_get_machine (LodgeServiceMachine *self);

/* Where the machine with @uuid is on every connection. Transfer full. */
char *lodge_service_machine_dup_path (const char *uuid);

/* A client has gone: its claim on the console ends. */
void lodge_service_machine_forget (LodgeServiceMachine *self, GDBusConnection *connection);

G_END_DECLS
