/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real lodgectl, run against the fake engine: what its tests share. */
#pragma once

#include "fake-engine.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct {
  FakeEngine *engine; /* with one machine, "web", that is off */
  char *runtime;
  char *folder; /* to work in: relative paths are relative to it */
} Fixture;

void set_up (Fixture *self, gconstpointer unused);
void tear_down (Fixture *self, gconstpointer unused);

typedef struct {
  int status; /* exit code; -1 when a signal ended it */
  char *out;
  char *err;
} Output;

void output_clear (Output *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Output, output_clear)

const char *get_program (void);
GSubprocess *spawn (Fixture *self, const char *const *words);
Output collect (GSubprocess *process);
Output run_words (Fixture *self, const char *const *words);
/* Done, with nothing to complain about. */
void assert_done (const Output *output);
/* One sentence on stderr, nothing on stdout. */
void assert_fails (const Output *output, int status, const char *words);
JsonNode *parse_json (const Output *output);
/* The value at @path of a JSON text, as one line of JSON. */
void assert_json (const Output *output, const char *path, const char *expected);
/* The only calls, besides opening machines. */
void assert_calls (Fixture *self, const char *expected);
void wait_call (Fixture *self, const char *method);
/* Another program, with the environment of lodgectl; @path: PATH, or NULL for the usual one. */
Output run_other (Fixture *self, const char *const *argv, const char *path);

/* lodgectl with these words, to its end. */
#define run(self, ...) run_words (self, (const char *const[]){__VA_ARGS__, NULL})

G_END_DECLS
