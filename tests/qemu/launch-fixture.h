/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of lodge_launch() have in common: a folder, a log, and a prober, which is the test
 * program itself, started again. */
#pragma once

#include "qemu/lodge-launch.h"

G_BEGIN_DECLS

#define LAUNCH_FIXTURE_UNIT "lodge-test.scope"

typedef struct {
  char *folder; /* not in /tmp, which containment replaces */
  char *log;
  char *answers; /* what the prober writes */
  gboolean contained_possible;
} LaunchFixture;

/* main() of a test program: probes, or runs what @add_tests adds. */
int launch_fixture_main (int argc, char *argv[], void (*add_tests) (void));

void launch_fixture_set_up (LaunchFixture *self, gconstpointer data);
void launch_fixture_tear_down (LaunchFixture *self, gconstpointer data);
gboolean launch_fixture_skip_uncontained (const LaunchFixture *self);

/* Waits for the end of @pid; its status as lodge_launch_watch() tells it. */
int launch_fixture_wait_gone (GPid pid);
/* The same for a process of which somebody else hears first that it is gone: it is watched, then
 * @end ends it. */
int launch_fixture_end (GPid pid, void (*end) (GPid pid));

LodgeCommand *
launch_fixture_new_probe (const LaunchFixture *self, const char *attempt, const char *argument);
/* What the prober says when it tries that inside (or outside) the walls. */
char *
launch_fixture_probe (const LaunchFixture *self, LodgeCommand *command, LodgeLaunchFlags flags);

G_END_DECLS
