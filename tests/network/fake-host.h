/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program lodge-usernet without the engine: started bare, with a guest at its wire and a client
 * at its control socket; and small servers and clients on this computer's loopback. */
#pragma once

#include "fake-guest.h"

#include <gio/gio.h>

typedef struct {
  GSubprocess *process;
  FakeGuest *guest;
  char *folder;
  char *socket_path;
  int control; /* a connection */
} FakeHost;

/* Starts the program with a guest that has its lease. */
void fake_host_start (FakeHost *self);
/* Closes the wire, waits for the end, asserts that it was a clean one, and forgets all. */
void fake_host_stop (FakeHost *self);
/* The program ends by itself, cleanly. */
void fake_host_wait_end (FakeHost *self);

/* One more client of the control socket. */
int fake_host_connect_control (FakeHost *self);
/* Sends a line and returns the answer's line; NULL when the connection has ended. */
char *fake_host_ask (int control, const char *line);
/* The answer carries that error. */
void fake_host_assert_error (const char *answer, const char *code);
/* The counter of that name. */
guint64 fake_host_count (FakeHost *self, const char *name);
/* "add" or "remove" of protocol:127.0.0.1:port:guest_port; the answer. */
char *fake_host_forward (
    FakeHost *self, const char *verb, const char *protocol, guint16 port, guint16 guest_port);

/* A bound socket on 127.0.0.1, listening when it is a stream. */
int fake_host_listen (int type, guint16 *out_port);
/* A port of 127.0.0.1 that nobody has at the moment. */
guint16 fake_host_free_port (int type);
/* A connected socket to 127.0.0.1, or -1. */
int fake_host_connect (int type, guint16 port);
/* Whether something is there to be read or accepted, now. */
gboolean fake_host_is_ready (int fd);
/* Reads until that text has come. */
void fake_host_expect (int fd, const char *text);
