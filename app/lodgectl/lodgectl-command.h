/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command of lodgectl is: one row of the table that parsing, help, completion and the man
 * page are all made from. */
#pragma once

#include "lodgectl-run.h"

#include <glib.h>

G_BEGIN_DECLS

/* What a word stands for: what completion offers for it. */
typedef enum {
  LODGECTL_KIND_NONE, /* an option without a value; the end of a list */
  LODGECTL_KIND_TEXT, /* nothing can be offered */
  LODGECTL_KIND_MACHINE,
  /* Of the machine that is the command's first argument. */
  LODGECTL_KIND_DISK,
  LODGECTL_KIND_SNAPSHOT,
  LODGECTL_KIND_FILE,
  LODGECTL_KIND_CHOICE,
  LODGECTL_KIND_COMMAND,
} LodgectlKind;

typedef struct {
  const char *name; /* as shown: "NAME", "FILE.png" */
  LodgectlKind kind;
  const char *const *choices; /* of a choice */
  gboolean optional;
  gboolean many; /* the last one may stand any number of times */
} LodgectlArgument;

typedef struct {
  const char *name;     /* without "--" */
  LodgectlKind kind;    /* of its value */
  const char *value;    /* as shown: "SIZE" */
  const char *sentence; /* translatable */
  const char *const *choices;
  gboolean hidden;
} LodgectlOption;

#define LODGECTL_MAX_ARGUMENTS 4
#define LODGECTL_MAX_OPTIONS   17

typedef gboolean (*LodgectlHandler) (LodgectlRun *run, GError **error);

typedef struct {
  const char *noun; /* NULL for what is done to machines themselves, the host, or lodgectl */
  const char *verb;
  LodgectlArgument arguments[LODGECTL_MAX_ARGUMENTS + 1];
  const char *sentence; /* translatable: what it does, with a full stop */
  const char *details;  /* translatable, or NULL: more sentences for the man page */
  LodgectlOption options[LODGECTL_MAX_OPTIONS + 1];
  LodgectlHandler handler;
} LodgectlCommand;

/* All commands, in the order in which they are shown. */
extern const LodgectlCommand lodgectl_commands[];
extern const guint lodgectl_n_commands;

/* The states of a machine, NULL at the end. */
extern const char *const lodgectl_states[];

/* NULL when there is none. */
const LodgectlCommand *lodgectl_command_find (const char *noun, const char *verb);
gboolean lodgectl_command_is_noun (const char *word);
/* (transfer full): "forward add" */
char *lodgectl_command_dup_name (const LodgectlCommand *self);
/* (transfer full): "NAME RULE [--nic ID]" */
char *lodgectl_command_dup_usage (const LodgectlCommand *self);

G_END_DECLS
