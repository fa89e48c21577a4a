/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's agent that has one file, /srv/a.bin: as it should, or as the test says. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What is asked for at once. */
#define FILE_AGENT_PIECE       (256 * 1024)
#define FILE_AGENT_HANDLE      4711
#define FILE_AGENT_ERROR(what) "{\"error\":{\"class\":\"GenericError\",\"desc\":\"" what "\"}}"

/* A command, in the order in which they come. */
typedef enum {
  FILE_AGENT_SYNC,
  FILE_AGENT_OPEN,
  FILE_AGENT_MEASURE,
  FILE_AGENT_REWIND,
  FILE_AGENT_READ,
  FILE_AGENT_CLOSE,
  FILE_AGENT_NEVER,
} FileAgentWhen;

typedef struct {
  const char *name;
  const char *path; /* what is asked for; NULL: /srv/a.bin */
  gsize size;       /* what it holds */
  gsize piece;      /* at most in an answer; 0: what is asked for */
  gboolean endless;
  gboolean like_windows; /* the end is a piece of nothing */
  gboolean no_place;     /* there is no seeking in it */
  gboolean one_place;    /* nor another place than its beginning, as in a device */
  gboolean hesitates;    /* opens it, and says so once this was cancelled */
  guint after;           /* pieces, before what follows */
  FileAgentWhen silent;  /* no answer to that */
  FileAgentWhen leaves;  /* goes away instead of it */
  FileAgentWhen instead_of;
  const char *instead; /* the answer to that */
  FileAgentWhen flood; /* that is answered without an end */
  guint stale;         /* bytes of an earlier answer, before everything */
  int code;            /* of the error; -1: none */
  const char *words;   /* in the error; or NULL */
} FileAgentKind;

typedef struct {
  const FileAgentKind *kind;
  int listener;
  guint8 *content;           /* what the file has */
  GCancellable *cancellable; /* of who asks */
  GThread *thread;
  /* Of its own thread, until it was joined. */
  gsize place;
  guint n_pieces;
  guint n_open, n_closed; /* the first is atomic */
  gboolean asked;         /* at all */
} FileAgent;

/* Serves the first who comes to @listener, until that one goes. */
void file_agent_start (FileAgent *self,
                       const FileAgentKind *kind,
                       int listener,
                       GCancellable *cancellable);
void file_agent_join (FileAgent *self);
void file_agent_clear (FileAgent *self);

G_END_DECLS
