/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The passphrase of an encrypted machine is asked for where something has failed without it. */
#pragma once

#include "gtk/lodge-machine-question.h"

G_BEGIN_DECLS

/**
 * lodge_passphrase_ask:
 * @parent: that is open
 * @name: the machine's
 * @heading: of the message about what has failed
 * @given: it is unlocked, and what has failed can be done again; not called otherwise. @parent may
 *   have been closed while the passphrase was checked: lodge_passphrase_say_dropped()
 *
 * Asks until it is right, or the user has had enough, or it is not the question any more: see
 * lodge_machine_question_show(). Nothing where that is being asked in @parent already. That the
 * keyring did not take the key is told beside @given.
 */
void lodge_passphrase_ask (GtkWindow *parent,
                           LodgeClient *client,
                           const char *uuid,
                           const char *name,
                           const char *heading,
                           LodgeMachineAnswered given,
                           gpointer user_data,
                           GDestroyNotify free_data);

/* What is not done any more because @window, in which it was asked for, is closed: told at the one
 * that it belonged to. */
void lodge_passphrase_say_dropped (GtkWindow *window, const char *heading);

G_END_DECLS
