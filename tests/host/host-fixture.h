/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A computer made of files: a folder laid out like "/", and a probe that prints what it is told. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *folder; /* all below is removed with the fixture */
  char *root;
} HostFixture;

/* Instead of g_test_init(): folders of the user are those of each case, lodge-kvm-probe is ours. */
void host_fixture_init (int *argc, char ***argv);
/* g_test_run(), and what host_fixture_init() made goes. */
int host_fixture_run (void);

/* The limit of what is run, so that no verdict hangs on how busy this computer is; cases in which
 * something hangs set another. */
#define HOST_FIXTURE_GENEROUS_MS 30000

/* Makes the root that of the host check. */
HostFixture *host_fixture_new (void);
void host_fixture_free (HostFixture *self);

/* The computer is this one after all. */
void host_fixture_set_real_root (HostFixture *self);

/* @path as on the computer; its folders are made. A script (@text begins with "#!") is executable.
 */
void host_fixture_add (HostFixture *self, const char *path, const char *text);
void host_fixture_remove (HostFixture *self, const char *path);

/* lodge-kvm-probe becomes a script of sh with these lines; %NULL: there is none. */
void host_fixture_set_probe (HostFixture *self, const char *script);

/* lodge-kvm-probe is the real one. */
void host_fixture_set_real_probe (HostFixture *self);

/* How often the probe of this fixture has been started. */
guint host_fixture_count_probes (HostFixture *self);

G_END_DECLS
