/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of machines, as far as a form can judge them while they are typed. The engine judges again.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * lodge_machine_name_check:
 * @machines: (nullable): a list of LodgeMachineItem; their names are taken
 * @own: (nullable): the name that the machine has now, which is not taken
 *
 * Returns: (transfer full) (nullable): one sentence on what is wrong with @name; %NULL: nothing
 */
char *lodge_machine_name_check (const char *name, GListModel *machines, const char *own);

/* @wish, or "@wish 2" and so on: the first that is free in @machines. (transfer full) */
char *lodge_machine_name_dup_free (const char *wish, GListModel *machines);

G_END_DECLS
