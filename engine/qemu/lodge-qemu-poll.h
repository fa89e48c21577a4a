/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One question to QEMU, asked until the answer is what is waited for.
 *
 * Owns: its timer, and the question that is under way. Never: waits for a QEMU that comes no
 * further; how long something takes as a whole is nobody's business, as long as it goes on.
 */
#pragma once

#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

typedef struct _LodgeQemuPoll LodgeQemuPoll;

/* How long QEMU may make no progress. A disk that is busy takes its time. */
#define LODGE_QEMU_POLL_PATIENCE_MS 60000

/**
 * LodgeQemuPollLook:
 * @answer: empty where QEMU's is no object
 * @out_mark: anything that is another number whenever something has gone on
 *
 * Returns: whether to ask again. The poll may be freed in here.
 */
typedef gboolean (*LodgeQemuPollLook) (JsonObject *answer, guint64 *out_mark, gpointer user_data);
/* Takes @error. It is over then; the poll may be freed in here. */
typedef void (*LodgeQemuPollFail) (GError *error, gpointer user_data);

/**
 * lodge_qemu_poll_new:
 * @command: (static): without arguments, and without an effect
 * @first_ms: between the first answer and the second question; then ever longer...
 * @most_ms: ...up to this
 * @patience_ms: usually %LODGE_QEMU_POLL_PATIENCE_MS
 *
 * Asks at once.
 *
 * Errors: %LODGE_ERROR_TIMEOUT when no mark has changed for so long; those of
 * lodge_qmp_execute_async().
 */
LodgeQemuPoll *lodge_qemu_poll_new (LodgeQmp *qmp,
                                    const char *command,
                                    guint first_ms,
                                    guint most_ms,
                                    guint patience_ms,
                                    LodgeQemuPollLook look,
                                    LodgeQemuPollFail fail,
                                    gpointer user_data);
/* Nothing is called any more. */
void lodge_qemu_poll_free (LodgeQemuPoll *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeQemuPoll, lodge_qemu_poll_free)

G_END_DECLS
