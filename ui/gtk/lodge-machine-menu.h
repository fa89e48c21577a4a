/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the menu of a machine's card has, and when.
 *
 * A menu that is open stays as it is, so that nothing moves under the pointer; what does not apply
 * any more is insensitive. */
#pragma once

#include "gtk/lodge-machine-item.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* @item: (nullable): nothing is in it. Its actions are those of lodge_machine_menu_add_actions().
 */
GMenuModel *lodge_machine_menu_dup (LodgeMachineItem *item);

/* Installs the group "card" on @widget, whose actions are the window's "machine.*" for the item
 * that
 * @activate is given: it is called with @widget and the name of the window's action. */
GSimpleActionGroup *lodge_machine_menu_add_actions (GtkWidget *widget,
                                                    void (*activate) (GtkWidget *widget,
                                                                      const char *action));
/* Enables them as @item (nullable) is now. */
void lodge_machine_menu_update (GSimpleActionGroup *actions, LodgeMachineItem *item);

G_END_DECLS
