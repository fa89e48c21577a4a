/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines in and out of one non-blocking socket; what they mean is somebody else's. */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdmessage.h>

G_BEGIN_DECLS

typedef struct _LodgeQmpWire LodgeQmpWire;

typedef struct {
  /* A line without its end, never empty. May stop the wire, hold it, or drop its last reference. */
  void (*line) (const char *line, gsize length_bytes, gpointer user_data);
  /* Nothing more will come. @reason is a clause: "QEMU closed the connection". Called at most once,
   * and never after the wire was stopped. */
  void (*ended) (const char *reason, gpointer user_data);
} LodgeQmpWireEvents;

/* Takes a reference to @socket and begins to read. @events is kept, not copied. */
LodgeQmpWire *
lodge_qmp_wire_new (GSocket *socket, const LodgeQmpWireEvents *events, gpointer user_data);
void lodge_qmp_wire_unref (LodgeQmpWire *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeQmpWire, lodge_qmp_wire_unref)

/* Takes @line (its end included). @fds (nullable) goes with its first byte. */
void lodge_qmp_wire_send (LodgeQmpWire *self, gint64 id, char *line, GUnixFDMessage *fds);
/* FALSE when the line with that id was sent already, if only in part. */
gboolean lodge_qmp_wire_withdraw (LodgeQmpWire *self, gint64 id);

/* While held, nothing is read; resuming looks at what was read before first. */
void lodge_qmp_wire_hold (LodgeQmpWire *self);
void lodge_qmp_wire_resume (LodgeQmpWire *wire);

/* Closes the socket, for ever; neither of the events comes any more. */
void lodge_qmp_wire_stop (LodgeQmpWire *self);

G_END_DECLS
