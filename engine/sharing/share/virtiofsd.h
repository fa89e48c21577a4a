/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Becoming virtiofsd, which shares the folder by virtiofs instead. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @wire: a socket that listens, to which QEMU, or who asks for it, is connected already
 * @squash: this virtiofsd knows how to make one user of all of the guest's
 *
 * Comes back only when it failed, with the reason on standard error. */
void share_virtiofsd_become (const char *program, int wire, const char *folder, gboolean squash);

G_END_DECLS
