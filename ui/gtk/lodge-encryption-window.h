/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether one machine is encrypted, and what can be done about that: encrypting it, locking and
 * unlocking it, another passphrase, its key in the keyring, and the way back.
 *
 * What is shown is what the engine says, and follows it. Long work goes on when the window is
 * closed.
 */
#pragma once

#include "gtk/lodge-machine-window.h"

G_BEGIN_DECLS

#define LODGE_TYPE_ENCRYPTION_WINDOW (lodge_encryption_window_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeEncryptionWindow, lodge_encryption_window, LODGE, ENCRYPTION_WINDOW, LodgeMachineWindow)

/**
 * lodge_encryption_window_show:
 * @parent: the window that it belongs to
 * @uuid: the machine
 * @name: its name, until the engine says it
 *
 * Shows the window: the one that @parent has for this machine, or a new one.
 *
 * Returns: (transfer none)
 */
GtkWidget *lodge_encryption_window_show (GtkWindow *parent,
                                         LodgeConnection *connection,
                                         const char *uuid,
                                         const char *name);

G_END_DECLS
