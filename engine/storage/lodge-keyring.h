/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of machines in the user's keyring, through libsecret: what is kept there opens a machine
 * without its passphrase, for whoever has logged in.
 *
 * Never: keeps a passphrase. What it has is the machine's key, which stays the same when the
 * passphrase is changed.
 */
#pragma once

#include "storage/lodge-secret.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * lodge_keyring_store_async:
 * @uuid: of the machine; @name: its name, for people who look into their keyring
 *
 * A keyring that is locked asks the user itself.
 *
 * Errors of all: %LODGE_ERROR_HOST (there is no keyring here), %LODGE_ERROR_TIMEOUT,
 * %LODGE_ERROR_FAILED with its words.
 */
void lodge_keyring_store_async (const char *uuid,
                                const char *name,
                                LodgeSecret *key,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
gboolean lodge_keyring_store_finish (GAsyncResult *result, GError **error);

/* Returns by finish: (transfer full): the key; %NULL with %LODGE_ERROR_NOT_FOUND too. */
void
lodge_keyring_look_up_async (const char *uuid, GAsyncReadyCallback callback, gpointer user_data);
LodgeSecret *lodge_keyring_look_up_finish (GAsyncResult *result, GError **error);

/* What is not there is no error. */
void lodge_keyring_clear_async (const char *uuid, GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_keyring_clear_finish (GAsyncResult *result, GError **error);

G_END_DECLS
