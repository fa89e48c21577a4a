/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of a machine's start have in common: what comes before its QEMU is launched
 * (lodge-machine-start.c), and the launch (lodge-machine-launch.c). */
#pragma once

#include "machine/lodge-machine-private.h"
#include "storage/lodge-sealed.h"

G_BEGIN_DECLS

/* QEMU answers some 30 ms after exec; the rest is for a computer that swaps, or whose disk sleeps.
 * One that ends is noticed at once, and whoever does not want to wait can force it off; so this is
 * only for a QEMU that hangs, and below what clients wait (LODGE_CLIENT_CALL_LIMIT_S). */
#define LODGE_MACHINE_QMP_LIMIT_MS 50000

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
  GPtrArray *render_nodes;  /* of the cards that may draw in 3D; NULL before it is asked, or none */
  guint nodes_tried;        /* of these, and QEMU did not start */
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

/* lodge-machine-3d.c */

/* Says to the machine which card draws for this attempt, or why none does. */
void lodge_machine_choose_graphics (LodgeMachine *self, LodgeStart *start);
/* How long the attempt may take until its QEMU answers. */
guint lodge_machine_get_start_limit_ms (LodgeMachine *self);
/* It did not: where that may be the card's doing, the start is to begin anew with the next card, or
 * without.
 *
 * @words: QEMU's last ones, or %NULL */
void lodge_machine_graphics_failed (LodgeMachine *self,
                                    LodgeStart *start,
                                    const GError *error,
                                    const char *words);

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
