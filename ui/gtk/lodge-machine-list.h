/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machines of the engine as a GListModel of LodgeMachineItem, kept by its signals. */
#pragma once

#include "console/lodge-connection.h"
#include "gtk/lodge-machine-item.h"

G_BEGIN_DECLS

#define LODGE_TYPE_MACHINE_LIST (lodge_machine_list_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMachineList, lodge_machine_list, LODGE, MACHINE_LIST, GObject)

/* Properties
 *   "loaded" (boolean, read): the list has been read once; stays TRUE (and the last known machines
 *     stay) while the engine is away
 *   "problem" (string, read): why the list could not be read, else NULL
 */

/* Asks for the list once per connection and never polls. */
LodgeMachineList *lodge_machine_list_new (LodgeConnection *connection);

gboolean lodge_machine_list_get_loaded (LodgeMachineList *self);
const char *lodge_machine_list_get_problem (LodgeMachineList *self);
/* Lent, or NULL. */
LodgeMachineItem *lodge_machine_list_find (LodgeMachineList *self, const char *uuid);

G_END_DECLS
