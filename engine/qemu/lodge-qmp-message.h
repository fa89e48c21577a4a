/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of QMP from QEMU, checked before it is believed. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The longest answer in use, query-qmp-schema, has 0.2 MiB and some 20,000 values, 5 levels deep;
 * the deepest is query-block, which has a level for each of a disk's layers, up to 80 of them, and
 * some more. */
#define LODGE_QMP_MESSAGE_MAX_BYTES  (4 * 1024 * 1024)
#define LODGE_QMP_MESSAGE_MAX_DEPTH  128
#define LODGE_QMP_MESSAGE_MAX_VALUES 250000

typedef enum {
  LODGE_QMP_MESSAGE_GREETING,
  LODGE_QMP_MESSAGE_EVENT,
  LODGE_QMP_MESSAGE_RETURN,
  LODGE_QMP_MESSAGE_ERROR,
} LodgeQmpMessageKind;

typedef struct {
  LodgeQmpMessageKind kind;
  gint64 id;        /* of an answer; 0 when it carries none of ours */
  char *text;       /* an event's name; an error's description, one line of at most 400 bytes */
  JsonObject *data; /* an event's data, never NULL */
  JsonNode *value;  /* what a command returned */
} LodgeQmpMessage;

void lodge_qmp_message_free (LodgeQmpMessage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeQmpMessage, lodge_qmp_message_free)

/* What in one line of JSON is more than json-glib should be given: depth, number of values, length,
 * characters. A part of a sentence, or NULL; that it is JSON is only known once it is parsed. */
const char *lodge_qmp_message_find_fault (const char *line, gsize length_bytes);

/**
 * lodge_qmp_message_parse:
 * @line: need not end in NUL, may hold any bytes
 * @length_bytes: without the line's end
 *
 * Returns: the message, or %NULL with %LODGE_ERROR_FAILED: a part of a sentence that says what is
 * wrong with it ("a line that is no JSON object")
 */
LodgeQmpMessage *lodge_qmp_message_parse (const char *line, gsize length_bytes, GError **error);

G_END_DECLS
