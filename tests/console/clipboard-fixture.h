/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's side of a shared clipboard, with a SPICE server behind it and an agent in the guest.
 */
#pragma once

#include "console/lodge-console-session.h"

#include "spice-fixture-agent.h"

G_BEGIN_DECLS

#define CLIPBOARD_FIXTURE_TEXT VD_AGENT_CLIPBOARD_UTF8_TEXT
#define CLIPBOARD_FIXTURE_PNG  VD_AGENT_CLIPBOARD_IMAGE_PNG

extern const char *const clipboard_fixture_text_only[];
extern const char *const clipboard_fixture_text_and_png[];

typedef struct {
  SpiceFixture *server;
  SpiceFixtureAgent *agent;
  LodgeConsoleSession *session;
  LodgeConsoleClipboard *clipboard;
  guint offers; /* how often "offered" came */
  GArray *wanted;
  char *wanted_type;
  const char *log; /* what is waited for */
} ClipboardFixture;

/* A test function, run in a process of its own under "/console-clipboard/". */
#define CLIPBOARD_FIXTURE_ADD(path, test)                                                          \
  g_test_add_data_func ("/console-clipboard/" path, (gconstpointer) (void (*) (void)) test,        \
                        clipboard_fixture_run)
void clipboard_fixture_run (gconstpointer test);

/* Both ways are open. @capabilities: of the agent; 0: it has not said a word yet */
void clipboard_fixture_set_up (ClipboardFixture *self, guint32 capabilities);
/* Asserts that nothing holds the session or the clipboard any more. */
void clipboard_fixture_tear_down (ClipboardFixture *self);

/* Each a SpiceFixtureCondition. */
gboolean clipboard_fixture_is_available (gpointer self);
gboolean clipboard_fixture_is_unavailable (gpointer self);
gboolean clipboard_fixture_has_offer (gpointer self);
gboolean clipboard_fixture_has_no_offer (gpointer self);

/* Waits until the agent has been told just this, and forgets it. */
void clipboard_fixture_expect_log (ClipboardFixture *self, const char *log);

/* --- From the guest --- */

/* One read and how it ended. */
typedef struct {
  GBytes *bytes;
  GError *error;
  gboolean done;
} ClipboardFixtureRead;

/* The guest copies: @n types, at most two. */
void clipboard_fixture_grab (ClipboardFixture *self, guint n, guint32 first, guint32 second);
/* The host pastes. @got: filled in when it is done */
void clipboard_fixture_start_read (ClipboardFixture *self,
                                   const char *type,
                                   GCancellable *cancellable,
                                   ClipboardFixtureRead *got);
/* A SpiceFixtureCondition for a ClipboardFixtureRead. */
gboolean clipboard_fixture_is_done (gpointer got);
/* Waits for the end, and clears @got. @code: of LODGE_ERROR */
void clipboard_fixture_expect_bytes (ClipboardFixtureRead *got, gconstpointer data, gsize size);
void clipboard_fixture_expect_error (ClipboardFixtureRead *got, int code);

/* --- To the guest --- */

/* Waits until the guest has asked. Returns: the question's id */
guint clipboard_fixture_expect_wanted (ClipboardFixture *self, const char *type);
/* Asserts that it is no error. */
void clipboard_fixture_answer (ClipboardFixture *self, guint id, const char *data, gsize size);

G_END_DECLS
