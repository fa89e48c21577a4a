/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user asks of a machine, as one asynchronous call each. */
#pragma once

#include "lodge-client.h"

G_BEGIN_DECLS

typedef enum {
  LODGE_MACHINE_START,
  LODGE_MACHINE_START_DISPOSABLE, /* nothing of the run is kept */
  LODGE_MACHINE_PAUSE,
  LODGE_MACHINE_RESUME,
  LODGE_MACHINE_SHUTDOWN,
  LODGE_MACHINE_WAKE,
  LODGE_MACHINE_RESET,
  LODGE_MACHINE_KILL,
  /* These end when their job has. */
  LODGE_MACHINE_DELETE,
  LODGE_MACHINE_SUSPEND,
  LODGE_MACHINE_DISCARD, /* what was suspended */
} LodgeMachineOperation;

/* "Could not start “%s”": the heading of a message about a failure; takes the machine's name. */
char *lodge_machine_operation_dup_failure (LodgeMachineOperation operation, const char *name);

/**
 * lodge_machine_operate_async:
 * @client: the engine
 * @uuid: a machine
 *
 * Opens the machine and calls the operation's method. Errors: the engine's.
 */
void lodge_machine_operate_async (LodgeClient *client,
                                  const char *uuid,
                                  LodgeMachineOperation operation,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
/* Changes one key of the machine's description ("machine.name"). Finish: the same. */
void lodge_machine_set_async (LodgeClient *client,
                              const char *uuid,
                              const char *key,
                              const char *value,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean lodge_machine_operate_finish (LodgeClient *client, GAsyncResult *result, GError **error);

G_END_DECLS
