/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this computer offers to machines: its QEMU and its host check, found once and shared. */
#pragma once

#include "host/lodge-host-check.h"
#include "qemu/lodge-qemu.h"
#include "sharing/lodge-virtiofsd.h"

G_BEGIN_DECLS

#define LODGE_TYPE_MACHINE_HOST (lodge_machine_host_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMachineHost, lodge_machine_host, LODGE, MACHINE_HOST, GObject)

LodgeMachineHost *lodge_machine_host_new (void);

/**
 * lodge_machine_host_prepare_async:
 * @fresh: look again, even if everything is known
 *
 * Afterwards the report is there, and the QEMU if one is installed. Never fails; callers who come
 * while it is under way share its result.
 */
void lodge_machine_host_prepare_async (LodgeMachineHost *self,
                                       gboolean fresh,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
void lodge_machine_host_prepare_finish (LodgeMachineHost *self, GAsyncResult *result);

/* Lent; %NULL before the first prepare. */
LodgeHostReport *lodge_machine_host_get_report (LodgeMachineHost *self);
/* Lent; %NULL with the reason (%LODGE_ERROR_HOST ...) where there is none. */
LodgeQemu *lodge_machine_host_get_qemu (LodgeMachineHost *self, GError **error);

/**
 * lodge_machine_host_find_virtiofsd_async:
 * @fresh: look again, even if it is known
 *
 * Whether folders can be shared by virtiofs here. Never fails. It is looked for again where the
 * program is another than it was, or has not been one, or gave no answer.
 */
void lodge_machine_host_find_virtiofsd_async (LodgeMachineHost *self,
                                              gboolean fresh,
                                              GAsyncReadyCallback callback,
                                              gpointer user_data);
/* Returns: lent, until it is looked for again */
const LodgeVirtiofsd *lodge_machine_host_find_virtiofsd_finish (LodgeMachineHost *self,
                                                                GAsyncResult *result);

G_END_DECLS
