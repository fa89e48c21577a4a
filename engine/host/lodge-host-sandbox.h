/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether guests can be put in a sandbox here: tried, never taken from a setting. */
#pragma once

#include "host/lodge-host-check.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_SANDBOX_CAUSE_NONE,
  LODGE_SANDBOX_CAUSE_MISSING,   /* bubblewrap is not installed */
  LODGE_SANDBOX_CAUSE_NO_SPACES, /* user.max_user_namespaces=0 */
  LODGE_SANDBOX_CAUSE_NO_CLONE,  /* kernel.unprivileged_userns_clone=0 (Debian, Arch) */
  LODGE_SANDBOX_CAUSE_APPARMOR,  /* kernel.apparmor_restrict_unprivileged_userns=1 (Ubuntu) */
  LODGE_SANDBOX_CAUSE_CONTAINER, /* what holds us forbids it */
  LODGE_SANDBOX_CAUSE_SILENT,    /* it did not end in time */
  LODGE_SANDBOX_CAUSE_OTHER,     /* see words */
} LodgeSandboxCause;

typedef struct {
  LodgeSandbox kind;
  LodgeSandboxCause cause; /* why it is not bubblewrap */
  char *words;             /* the last line bubblewrap printed, "" none */
} LodgeHostSandbox;

void lodge_host_sandbox_free (LodgeHostSandbox *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeHostSandbox, lodge_host_sandbox_free)

/* Runs "true" under bubblewrap as a machine would be, for two seconds at most. Never fails. */
void lodge_host_sandbox_try_async (GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
/* Returns: (transfer full) */
LodgeHostSandbox *lodge_host_sandbox_try_finish (GAsyncResult *result);

/* For tests alone: another limit than two seconds. */
void lodge_host_sandbox_set_limit_for_tests (guint limit_ms);

G_END_DECLS
