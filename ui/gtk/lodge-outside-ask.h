/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine from elsewhere asks for files of this computer: the question whether it gets them. */
#pragma once

#include "gtk/lodge-machine-question.h"

G_BEGIN_DECLS

/**
 * lodge_outside_ask:
 * @parent: that is open
 * @name: the machine's
 * @heading: of the message about a start that has failed
 * @error: why
 * @accepted: the machine may have them now, and can be started again; not called otherwise, nor
 *   when @parent has been closed meanwhile
 *
 * Asks the question where a start has failed because it has not been answered yet, or for the
 * passphrase where it has failed without that, and shows the failure where it has failed
 * otherwise.
 */
void lodge_outside_ask (GtkWindow *parent,
                        LodgeClient *client,
                        const char *uuid,
                        const char *name,
                        const char *heading,
                        const GError *error,
                        LodgeMachineAnswered accepted,
                        gpointer user_data,
                        GDestroyNotify free_data);

G_END_DECLS
