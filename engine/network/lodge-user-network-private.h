/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of the user network share: lodge-user-network.c has its life,
 * lodge-user-network-control.c its conversation. */
#pragma once

#include "network/lodge-resolver.h"
#include "network/lodge-user-network.h"

G_BEGIN_DECLS

struct _LodgeUserNetwork {
  GObject parent_instance;

  char *socket_path;
  char *log_path;
  int listener; /* the process' ends until it runs, then -1 */
  int wire;
  GSocket *socket;
  GSource *source;
  GString *in;
  GHashTable *requests; /* (owned) id -> (owned) GTask */
  guint64 last_id;
  GPid pid;                /* of our child until it is reaped, else 0 */
  LodgeResolver *resolver; /* keeps its resolv.conf; NULL where there is none */
  int pidfd;               /* of a process that an earlier engine started, else -1 */
  gboolean closed;
};

/* Connects to the control socket; never waits. */
gboolean lodge_user_network_connect (LodgeUserNetwork *self, GError **error);
/* Ends every request under way, then emits "closed"; once. */
void lodge_user_network_close (LodgeUserNetwork *self);
/* Asks the process to end; without an answer. */
void lodge_user_network_ask_to_stop (LodgeUserNetwork *self);

G_END_DECLS
