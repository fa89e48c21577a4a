/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The encryption window's fields, for its own files. */
#pragma once

#include "gtk/lodge-encryption-window.h"

#include "gtk/lodge-encrypt-row.h"
#include "gtk/lodge-work-panel.h"

G_BEGIN_DECLS

struct _LodgeEncryptionWindow {
  LodgeMachineWindow base;

  gboolean calling;       /* something is being asked for */
  GCancellable *checking; /* whether it can be encrypted; or NULL */
  char *problem;          /* why it cannot, as the engine says it; or NULL */
  GCancellable *work;     /* of the job that is followed, or NULL */

  GtkLabel *hint;
  GtkImage *lock_icon;
  GtkLabel *state_label;
  GtkWidget *plain_page; /* what is there for a machine that is not encrypted */
  LodgeEncryptRow *encrypt_row;
  GtkWidget *encrypt_button;
  GtkWidget *encrypted_page;
  AdwActionRow *lock_row;
  GtkButton *lock_button;
  GtkWidget *change_button;
  GtkWidget *keep_button;
  GtkWidget *forget_button;
  GtkWidget *decrypt_button;
  LodgeWorkPanel *work_panel;
};

/* Enables what can be done now, and says why the rest cannot. */
void lodge_encryption_window_update (LodgeEncryptionWindow *self);

/* lodge-encryption-work.c */
/* Calls the machine. @parameters: floating. @failure: heads a message about it; taken. @outcome:
 * (nullable): said when it is done. Whether the method has a job is known by its name. */
void lodge_encryption_work_call (LodgeEncryptionWindow *self,
                                 const char *method,
                                 GVariant *parameters,
                                 char *failure,
                                 const char *outcome);
/* Asks what stands against encrypting it, where that is to be told before the button is pressed. */
void lodge_encryption_work_check (LodgeEncryptionWindow *self);
/* Shows a job that encrypts the machine, or decrypts it, and runs already, if there is one. */
void lodge_encryption_work_find (LodgeEncryptionWindow *self);

/* lodge-encryption-change.c: the window that gives the machine another passphrase. */
void lodge_encryption_ask_change (LodgeEncryptionWindow *self);

G_END_DECLS
