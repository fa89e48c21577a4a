/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The key of an encrypted machine: whether it is here, and how it comes and goes.
 *
 * A machine that is unlocked stays so while its guest runs and while it is worked on, and for some
 * time after that; then its key is wiped.
 */
#pragma once

#include "machine/lodge-machine.h"
#include "storage/lodge-sealed.h"
#include "storage/lodge-secret.h"

G_BEGIN_DECLS

/* Whether it is encrypted, and its key is not here. */
gboolean lodge_machine_is_locked (LodgeMachine *self);
/* %LODGE_ERROR_LOCKED. */
gboolean lodge_machine_check_unlocked (LodgeMachine *self, GError **error);
/* For the wire: "" (not encrypted), "locked", "unlocked". Lent. */
const char *lodge_machine_get_encryption (LodgeMachine *self);

/* Its description is another: what is made in its folder is encrypted from now on, or not. */
void lodge_machine_key_update (LodgeMachine *self);
/* There is no such machine any more. */
void lodge_machine_key_finalize (LodgeMachine *self);

/* From the keyring, where the key is not here. %LODGE_ERROR_LOCKED when that has none. */
void
lodge_machine_need_key_async (LodgeMachine *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean lodge_machine_need_key_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* The reading end of a pipe with what opens its images, or with what encrypts its TPM's state; -1
 * without an error when it is not encrypted. %LODGE_ERROR_LOCKED. */
int lodge_machine_open_key (LodgeMachine *self, gboolean for_tpm, GError **error);

/* What a guest's memory is to be written to so that it comes into the file @fd, which stays the
 * caller's: a copy of @fd, or of an encrypted machine the end of a pipe, and in @out_sealed what is
 * between. -1 with %LODGE_ERROR_LOCKED, %LODGE_ERROR_FAILED. */
int
lodge_machine_seal_memory (LodgeMachine *self, int fd, LodgeSealed **out_sealed, GError **error);
/* The same for reading it. @description: what its QEMU is started with */
int lodge_machine_unseal_memory (LodgeMachine *self,
                                 const LodgeDescription *description,
                                 int fd,
                                 LodgeSealed **out_sealed,
                                 GError **error);

/**
 * lodge_machine_unlock_async:
 *
 * Errors: those of lodge_key_file_open(); %LODGE_ERROR_STATE when it is not encrypted.
 */
void lodge_machine_unlock_async (LodgeMachine *self,
                                 LodgeSecret *passphrase,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
/* The key is wiped. %LODGE_ERROR_STATE while it is needed. */
gboolean lodge_machine_lock (LodgeMachine *self, GError **error);
/* Puts the key into the keyring, or takes it out of there. Errors: %LODGE_ERROR_STATE when it is
 * not encrypted, %LODGE_ERROR_LOCKED where there is no key to put, those of
 * lodge_keyring_store_async() and lodge_keyring_clear_async(). */
void lodge_machine_remember_async (LodgeMachine *self,
                                   gboolean remember,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
/* From one passphrase to another; the key stays. Errors: those of lodge_key_file_open() and
 * lodge_key_file_write(). */
void lodge_machine_change_passphrase_async (LodgeMachine *self,
                                            LodgeSecret *passphrase,
                                            LodgeSecret *next,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);
/* For the three above. */
gboolean lodge_machine_key_finish (LodgeMachine *self, GAsyncResult *result, GError **error);

/* What a client gave: ay. %LODGE_ERROR_INVALID. */
LodgeSecret *lodge_passphrase_read (GVariant *bytes, GError **error);

/* It was deleted, or not remembered on purpose: the keyring forgets it. Nobody waits for that. */
void lodge_machine_forget_key (const char *uuid);

G_END_DECLS
