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

G_END_DECLS
