/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the connecting half of QMP (lodge-qmp-connect.c) shares with the client itself. */
#pragma once

#include "qemu/lodge-qmp.h"

G_BEGIN_DECLS

/* @error says why the connection ended before its greeting; NULL: the greeting came. */
typedef void (*LodgeQmpGreeted) (LodgeQmp *self, const GError *error, gpointer user_data);

/* A client on a connected, non-blocking socket; takes a reference to it. @greeted is called once,
 * unless lodge_qmp_close() comes first. */
LodgeQmp *lodge_qmp_new (GSocket *socket, LodgeQmpGreeted greeted, gpointer user_data);

/* Nothing is read between the answer to qmp_capabilities and this call, so that whoever connects
 * can connect to "event" before the first one comes. */
void lodge_qmp_begin_events (LodgeQmp *self);

/* "10 s", "0.5 s": a time limit in a message. Transfer full. */
char *lodge_qmp_format_limit (guint timeout_ms);

G_END_DECLS
