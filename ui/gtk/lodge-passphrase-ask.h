/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The passphrase of an encrypted machine is asked for where something has failed without it. */
#pragma once

#include "lodge-client.h"

#include <adwaita.h>

G_BEGIN_DECLS

typedef void (*LodgePassphraseGiven) (gpointer user_data);

/**
 * lodge_passphrase_ask:
 * @parent: that is open
 * @name: the machine's
 * @heading: of the message about what has failed
 * @given: it is unlocked, and what has failed can be done again; not called otherwise, nor when
 *   @parent has been closed meanwhile
 *
 * Asks until it is right, or the user has had enough.
 */
void lodge_passphrase_ask (GtkWindow *parent,
                           LodgeClient *client,
                           const char *uuid,
                           const char *name,
                           const char *heading,
                           LodgePassphraseGiven given,
                           gpointer user_data,
                           GDestroyNotify free_data);

G_END_DECLS
