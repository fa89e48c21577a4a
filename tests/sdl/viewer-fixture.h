/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer as it is run, by itself in front of an X server, with a SPICE server at a socket. */
#pragma once

#include "spice-fixture.h"

#include <X11/Xlib.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* Without a picture the window is of this grey. */
#define VIEWER_FIXTURE_GREY 0x242424

typedef struct {
  char *folder;
  char *socket;
  SpiceFixture *server; /* NULL: the test has none */
  gboolean no_landlock; /* the viewer is to see a kernel without it */
  GSubprocess *viewer;
  gboolean ended;
  Display *display;
  Window xid;
} ViewerFixture;

/* g_test_init(), and what else a program of such tests needs. */
void viewer_fixture_init (int *argc, char ***argv);
/* A test that is run in a process of its own. */
void viewer_fixture_add (const char *path, void (*test) (void));

void viewer_fixture_set_up (ViewerFixture *f, gboolean server);
void viewer_fixture_tear_down (ViewerFixture *f);

/* @words: of the command line. @stdin_fd: closed; -1: nothing can be read there */
void viewer_fixture_start (ViewerFixture *f, int stdin_fd, const char *words);
/* With the server; @words: besides. */
void viewer_fixture_start_with_server (ViewerFixture *f, const char *words);
/* Waits for its end. @said: what it says, in one line; NULL: it closes itself, and what libraries
 * have to say is no matter. */
void viewer_fixture_expect_end (ViewerFixture *f, int code, const char *said);

/* Waits until this pixel of its window is 0xRRGGBB. */
void viewer_fixture_expect_pixel (ViewerFixture *f, int x, int y, guint32 color);
/* How many lines of pixels its words take now, from the first to the last that is not all grey. */
int viewer_fixture_measure_words (ViewerFixture *f);
/* Waits until its window has this size. */
void viewer_fixture_expect_size (ViewerFixture *f, int width, int height);
void viewer_fixture_wait_for_focus (ViewerFixture *f);
/* Presses these once it has the focus. */
void viewer_fixture_press (ViewerFixture *f, const char *keys);
/* Whether there is such a line, with a line feed at both ends, in its status of /proc. */
gboolean viewer_fixture_has_status (ViewerFixture *f, const char *line);
/* Waits until it has said this on standard error since the last time. */
void viewer_fixture_expect_words (ViewerFixture *f, const char *words);
/* Adds what can be read there now to @all. Returns: whether @words are in it */
gboolean viewer_fixture_says (int fd, GString *all, const char *words);

G_END_DECLS
