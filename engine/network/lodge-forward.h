/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A forward: a port of this computer that leads to a port of the guest. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Parsed from PROTO:[ADDRESS:]HOSTPORT:GUESTPORT (an IPv6 address in brackets). A port of an IPv4
 * address leads to the guest's 10.0.2.15, one of an IPv6 address to the IPv6 address the guest
 * chose; UDP has IPv4 only. */
typedef struct {
  gboolean udp;
  char address[46]; /* "127.0.0.1" when not given */
  guint16 host_port;
  guint16 guest_port;
} LodgeForward;

/* %LODGE_ERROR_INVALID with what a rule looks like. */
gboolean lodge_forward_parse (const char *rule, LodgeForward *out_forward, GError **error);

/* The rule written in full; two rules that mean the same give the same text. Transfer full. */
char *lodge_forward_format (const LodgeForward *forward);

/* Whether both want the same port of the same address; where they lead does not matter. */
gboolean lodge_forward_collides (const LodgeForward *a, const LodgeForward *b);

G_END_DECLS
