/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for what the engine does: a machine's state, the end of a job, an answer. */
#pragma once

#include "lodgectl-run.h"

G_BEGIN_DECLS

/**
 * lodgectl_wait_state:
 * @states: any of these ends the waiting; NULL-terminated
 * @timeout_s: -1 for none
 *
 * Errors: %LODGE_ERROR_TIMEOUT, %LODGE_ERROR_NOT_FOUND when the machine is deleted meanwhile,
 * %LODGE_ERROR_FAILED when the engine ends.
 */
gboolean lodgectl_wait_state (LodgectlRun *run,
                              LodgeMachine1 *machine,
                              const char *const *states,
                              gint64 timeout_s,
                              GError **error);

/**
 * lodgectl_run_job:
 * @proxy: the object to call
 * @method: one that returns a job
 * @arguments: (transfer floating)
 *
 * Calls @method and waits for its job. Shows the progress when stderr is a terminal. The first
 * Ctrl+C cancels the job, even one whose path is still on its way, and goes on waiting for its end;
 * the second leaves.
 *
 * Returns: (transfer full): the job's result, or %NULL with its error
 */
char *lodgectl_run_job (
    LodgectlRun *run, GDBusProxy *proxy, const char *method, GVariant *arguments, GError **error);

/**
 * lodgectl_wait_call:
 * @proxy: the object to call
 * @method: one that answers when it is done, which may take seconds, and returns nothing
 * @arguments: (transfer floating)
 * @sentence: what is waited for; shown meanwhile when stderr is a terminal
 *
 * Returns: whether it has succeeded, as lodgectl_run_check() has it
 */
gboolean lodgectl_wait_call (LodgectlRun *run,
                             GDBusProxy *proxy,
                             const char *method,
                             GVariant *arguments,
                             const char *sentence,
                             GError **error);

G_END_DECLS
