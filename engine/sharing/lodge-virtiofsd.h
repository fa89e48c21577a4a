/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program virtiofsd: where it is, and whether it can be used as it is started here. */
#pragma once

#include "qemu/lodge-command.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* What was found out. */
typedef struct {
  char *path;      /* NULL: it cannot be used */
  gboolean squash; /* it can make one user of all of the guest's */
  char *problem;   /* why it cannot: one sentence with what to do; "" where it can */
  char *program;   /* what was tried, as it was then: its path, size and time; "" for none; NULL
                      where it could not be tried, or gave no answer */
} LodgeVirtiofsd;

void lodge_virtiofsd_free (LodgeVirtiofsd *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeVirtiofsd, lodge_virtiofsd_free)

/* Whether another look would find the same program. */
gboolean lodge_virtiofsd_is_current (const LodgeVirtiofsd *self);

/**
 * lodge_virtiofsd_probe_async:
 *
 * Looks for it ($LODGE_VIRTIOFSD when set, else where distributions put it), starts it inside its
 * walls on an empty folder and asks it what QEMU would ask first: one that answers can be used.
 */
void lodge_virtiofsd_probe_async (GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full): never %NULL */
LodgeVirtiofsd *lodge_virtiofsd_probe_finish (GAsyncResult *result);

/**
 * lodge_virtiofsd_make_wire:
 * @out_listener: what virtiofsd is given: it takes the one connection that waits there
 *
 * The two are joined before anybody else knows of them, and have no name: a QEMU that was taken
 * over cannot put something else in between.
 *
 * Returns: QEMU's end, or -1 with %LODGE_ERROR_FAILED
 */
int lodge_virtiofsd_make_wire (int *out_listener, GError **error);

G_END_DECLS
