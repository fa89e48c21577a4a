/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of lodgectl: a parsed command line, and the engine once it is needed. */
#pragma once

#include "lodge-client.h"

#include <glib.h>

G_BEGIN_DECLS

/* Wrong usage: exit code 2, where any other error is 1. */
#define LODGECTL_USAGE_ERROR (lodgectl_usage_error_quark ())
GQuark lodgectl_usage_error_quark (void);
void lodgectl_set_usage_error (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

typedef struct {
  char **arguments;    /* what is not an option, in order */
  GHashTable *options; /* name to value, "" without one */
  LodgeClient *client; /* NULL until lodgectl_run_connect() */
} LodgectlRun;

void lodgectl_run_clear (LodgectlRun *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (LodgectlRun, lodgectl_run_clear)

/* Lent, or NULL. */
const char *lodgectl_run_get_argument (LodgectlRun *self, guint index);
/* Lent, or NULL when it was not given. */
const char *lodgectl_run_get_option (LodgectlRun *self, const char *name);
gboolean lodgectl_run_has_option (LodgectlRun *self, const char *name);

/* Connects when that has not been done yet. Lent. */
LodgeClient *lodgectl_run_connect (LodgectlRun *self, LodgeClientFlags flags, GError **error);
/* Opens the machine of the first argument. With --no-start no engine is started for it. (transfer
 * full) */
LodgeMachine1 *lodgectl_run_open (LodgectlRun *self, GError **error);

/* For every call to the engine: returns @ok; a failure's message becomes the engine's own
 * sentence. */
gboolean lodgectl_run_check (LodgectlRun *self, gboolean ok, GError **error);

/* A whole number of seconds: -1 when the option was not given. FALSE with a usage error. */
gboolean lodgectl_run_get_timeout (LodgectlRun *self, gint64 *out_seconds, GError **error);

/* (transfer full): relative to where lodgectl was started; links stay as they are. */
char *lodgectl_dup_absolute (const char *path);
/* (transfer full): the same of what the option @name was given; %NULL with a usage error. */
char *lodgectl_dup_path (const char *name, const char *path, GError **error);

G_END_DECLS
