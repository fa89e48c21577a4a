/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console window whose guest's screen is recorded, into the fixture's folder. */
#pragma once

#include "console-fixture.h"

G_BEGIN_DECLS

#define RED   0xe02020
#define GREEN 0x20c020

typedef ConsoleFixture Test;

void record_fixture_set_up (Test *test);
/* The first monitor's, by the console's own window. */
void record_fixture_toggle (Test *test);
gboolean record_fixture_is_on (Test *test);
/* The time that is shown; and until it is at least so long. */
guint record_fixture_get_seconds (Test *test);
void record_fixture_wait_time (Test *test, guint seconds);
/* How many files there are. @out_path: (nullable): of one of them */
guint record_fixture_count (Test *test, char **out_path);

/* Of the first pixel; FALSE while there is none. */
gboolean record_fixture_is_colored (LodgeFrameSource *source, guint32 rgb);
gboolean record_fixture_has_color (Test *test, guint32 rgb);

typedef struct {
  const char *name;
  void (*run) (void); /* within spice_fixture_run() */
} RecordCase;

/* All that main() does. The user's folders are new ones. Returns: the exit code */
int
record_fixture_run (int *argc, char ***argv, const char *group, const RecordCase *cases, gsize n);

G_END_DECLS
