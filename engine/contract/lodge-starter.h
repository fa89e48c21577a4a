/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting the engine for a client that found none. Private to the contract. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The systemd user unit of an installed engine. */
#define LODGE_STARTER_UNIT "lodge-engine.service"

typedef struct _LodgeStarter LodgeStarter;

/* @runtime: (transfer none): the folder of sockets, which is there and is ours */
LodgeStarter *lodge_starter_new (const char *runtime);
/* An engine that was started stays. */
void lodge_starter_free (LodgeStarter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeStarter, lodge_starter_free)

/**
 * lodge_starter_step:
 *
 * Does what is to be done next; to be called after each attempt to connect that found no engine,
 * from one thread. May block for a short while.
 *
 * Errors: %LODGE_ERROR_HOST when the engine cannot be started, or ended at once; the message names
 * the program and quotes the last line it wrote. %LODGE_ERROR_DENIED for its lock and log.
 */
gboolean lodge_starter_step (LodgeStarter *self, GError **error);

/* (transfer full): where to look when an engine was started and does not answer: one sentence. */
char *lodge_starter_dup_hint (LodgeStarter *self);

G_END_DECLS
