/* SPDX-License-Identifier: GPL-3.0-or-later */
/* systemd scopes of the user's manager: a process gets a unit of its own, so that it is listed,
 * accounted for and stopped at logout in its turn, and not together with the engine. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How long the manager may take. */
extern guint lodge_scope_limit_ms;

/**
 * lodge_scope_place:
 * @pid: held still by the caller until this returns
 * @unit: "lodge-machine-<uuid>.scope"; joined when it exists already
 *
 * Returns: whether @pid is in the scope. %FALSE where no user manager runs or answers within two
 *   seconds: the process then lives without one, which is no error.
 */
gboolean lodge_scope_place (GPid pid, const char *unit);

G_END_DECLS
