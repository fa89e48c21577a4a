/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of asking a QEMU have in common. Most of the QEMUs are the test program itself,
 * started again through a script that says how it shall behave ($FAKE_QEMU) and counts how often it
 * was started. */
#pragma once

#include "qemu/lodge-qemu-private.h"

G_BEGIN_DECLS

#define PROBE_FIXTURE_LONG_MS 30000

/* One test's folder, with the script that is its QEMU. */
typedef struct {
  char *folder;
  char *script;
  char *count;
} ProbeFixture;

/* The QEMUs that are played: what they answer to one command instead of what a good one does. */
typedef struct {
  const char *mode;
  const char *command;
  const char *answer; /* NULL: hangs up, "": silence */
} ProbeFixtureMode;

/* The good one first, one without SPICE second, one that hangs up and a silent one last; %NULL
 * ends. */
extern const ProbeFixtureMode probe_fixture_modes[];

/* main() of a test program: plays a QEMU, or runs what @add_tests adds, with the folders of the
 * user in one of the test's own. */
int probe_fixture_main (int argc, char *argv[], void (*add_tests) (void));
/* The folder of the whole run: cache/, tmp/, lib/, and a folder for each test. */
const char *probe_fixture_get_folder (void);

void probe_fixture_set_up (ProbeFixture *self, gconstpointer unused);
void probe_fixture_tear_down (ProbeFixture *self, gconstpointer unused);
#define PROBE_FIXTURE_ADD(path, function)                                                          \
  g_test_add ("/qemu/" path, ProbeFixture, NULL, probe_fixture_set_up, function,                   \
              probe_fixture_tear_down)

/* The script gets these lines. */
void probe_fixture_write_script (ProbeFixture *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* The script becomes the QEMU of that mode. */
void probe_fixture_write_fake (ProbeFixture *self, const char *mode);
/* The same, a good one, behind @first, which is what its first start does; %NULL: crashes between
 * two answers. */
void probe_fixture_write_fake_that_falls (ProbeFixture *self, const char *first);
guint probe_fixture_count_starts (ProbeFixture *self);
/* The file that keeps what this test's QEMU said. */
char *probe_fixture_dup_cache_file (ProbeFixture *self);
void probe_fixture_assert_nothing_left (void);

/* A GAsyncReadyCallback for a GAsyncResult pointer, and the wait for it. */
void probe_fixture_done_cb (GObject *source, GAsyncResult *result, gpointer user_data);
LodgeQemu *probe_fixture_finish (GAsyncResult **result, GError **error);
LodgeQemu *probe_fixture_probe (GError **error);

G_END_DECLS
