/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of a machine's start have in common: what comes before its QEMU is launched
 * (lodge-machine-start.c), and the launch (lodge-machine-launch.c). */
#pragma once

#include "machine/lodge-machine-private.h"
#include "storage/lodge-sealed.h"

G_BEGIN_DECLS

/* The data of the task, whose source is the machine. */
typedef struct {
  LodgeDescription *description;
  int lock_fd;
  GHashTable *media;        /* in their drives, for the machine to remember; or NULL */
  GArray *host_disks;       /* that were opened, until QEMU's command has them; or NULL */
  int memory_fd;            /* that the guest goes on from, or -1 */
  LodgeSealed *sealed;      /* of an encrypted machine, between that and QEMU */
  char *suspended;          /* what that is, where the guest was suspended to disk; or NULL */
  gboolean paused;          /* the guest stands still when it is there */
  gboolean disposable;      /* nothing of it is kept */
  gboolean resolved;        /* something in the description is new */
  gboolean recorded;        /* that the guest runs, or that its QEMU has ended */
  gboolean asked;           /* the keyring, for its key */
  LodgeDescription *wanted; /* as it was before anything of this run was put in; or NULL */
  char *flat;               /* why it has no 3D although that was tried, or NULL */
  gboolean again;           /* it begins anew because of that, once all is ended */
  gboolean continued;       /* it was told to go on from @suspended, which it may have done */
} LodgeStart;

/* Steps 4 to 7: ends @task. Takes it. */
void lodge_machine_launch (GTask *task);

/* From the lock on, when all that an attempt had begun is ended. Takes it. */
void lodge_machine_start_again (GTask *task);

/* Ends everything that was begun, and @task when nothing of it runs any more. The only way out of a
 * start that failed. Takes both. */
void lodge_machine_start_failed (GTask *task, GError *error);

/* lodge-machine-throwaway.c */

/* Makes what the guest of a disposable run writes to, and has @description (lent, and left alone
 * meanwhile) name it. After a failure, too, lodge_machine_tidy_async() removes it again.
 *
 * Errors: %LODGE_ERROR_STORAGE, %LODGE_ERROR_DENIED, %LODGE_ERROR_INVALID, and those of
 * lodge_machine_tidy_earlier_async(). */
void lodge_machine_throwaway_make_async (LodgeMachine *self,
                                         LodgeDescription *description,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
gboolean
lodge_machine_throwaway_make_finish (LodgeMachine *self, GAsyncResult *result, GError **error);
/* The folder that the state of its TPM is in. Transfer full. */
char *lodge_machine_throwaway_dup_tpm_folder (LodgeMachine *self);

G_END_DECLS
