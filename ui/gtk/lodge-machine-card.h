/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine in the library: picture, name, state, note and a menu.
 *
 * The menu's entries are the actions "machine.*" of the window around it, each with the machine's
 * UUID as target.
 */
#pragma once

#include "gtk/lodge-machine-item.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define LODGE_TYPE_MACHINE_CARD (lodge_machine_card_get_type ())
G_DECLARE_FINAL_TYPE (LodgeMachineCard, lodge_machine_card, LODGE, MACHINE_CARD, GtkWidget)

/* Property "item" (LodgeMachineItem or NULL, read-write) */
GtkWidget *lodge_machine_card_new (void);
void lodge_machine_card_set_item (LodgeMachineCard *self, LodgeMachineItem *item);
LodgeMachineItem *lodge_machine_card_get_item (LodgeMachineCard *self);
void lodge_machine_card_popup_menu (LodgeMachineCard *self);

/* The menu that the card shows now. (transfer full) */
GMenuModel *lodge_machine_card_dup_menu (LodgeMachineCard *self);

G_END_DECLS
