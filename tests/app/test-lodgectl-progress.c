/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl on a terminal (a pty): how it shows that it waits, and that nothing of that is left. */
#include "test-wait.h"
#include "typing-fixture.h"

#include <string.h>

#define LODGECTL "\"$LODGE_TEST_LODGECTL\" "
/* To the beginning of the line, and all of it away. */
#define CLEARED "\r\x1b[K"

/* What the line shows: what has come since it was cleared last. Lent. */
static const char *
get_line (Typing *self)
{
  const char *line = self->shown->str;

  for (const char *next; (next = strstr (line, CLEARED)) != NULL;)
    line = next + strlen (CLEARED);
  return line;
}

/* Whether that is a bar with so many of its 24 parts full, and what is behind it. */
static gboolean
shows_bar (Typing *self, guint full, const char *behind)
{
  g_autoptr (GString) bar = g_string_new (NULL);

  for (guint i = 0; i < 24; i++)
    g_string_append (bar, i < full ? "█" : "░");
  g_string_append (bar, behind);
  typing_shows (self, "");
  return g_str_has_prefix (get_line (self), bar->str);
}

/* Nothing of what was drawn is left, and what comes then is at the beginning of the line. */
static void
assert_left (Typing *self, pid_t child, int code, const char *line)
{
  typing_assert_ended (self, child, code);
  g_assert_true (g_str_has_prefix (get_line (self), line));
}

static pid_t
start_held (Typing *self)
{
  fake_engine_set_hold_jobs (self->base.engine, TRUE);
  return typing_start (self, LODGECTL "snapshot create web one;");
}

static void
test_bar (Typing *self, gconstpointer data)
{
  const pid_t child = start_held (self);

  test_wait_polled (shows_bar (self, 12, "  50 %"));
  fake_engine_move_jobs (self->base.engine, 0.75);
  test_wait_polled (shows_bar (self, 18, "  75 %"));
  fake_engine_finish_jobs (self->base.engine, 0, NULL);
  assert_left (self, child, 0, "ENDED");
}

/* The first stops the job, and what comes of it is told. */
static void
test_cancel (Typing *self, gconstpointer data)
{
  const pid_t child = start_held (self);

  test_wait_polled (shows_bar (self, 12, "  50 %"));
  typing_type (self, "\003");
  assert_left (self, child, 1, "lodgectl: Stopped; everything is as before\r\n");
  /* The terminal's own “^C” may come behind it. */
  g_assert_true (typing_shows (self, "Stopping…"));
}

static void
test_failed (Typing *self, gconstpointer data)
{
  const pid_t child = start_held (self);

  test_wait_polled (shows_bar (self, 12, "  50 %"));
  fake_engine_finish_jobs (self->base.engine, LODGE_ERROR_STORAGE, "The disk is full");
  assert_left (self, child, 1, "lodgectl: The disk is full\r\n");
}

/* No job, but a guest that is asked to let go of its drive. */
static void
test_media (Typing *self, gconstpointer data)
{
  pid_t child;

  child = typing_start (self, LODGECTL "media insert web /x.iso;");
  assert_left (self, child, 0, "ENDED");
  g_assert_true (typing_shows (self, "Changing the drive"));
  typing_renew (self);
  child = typing_start (self, LODGECTL "media eject web --json;");
  assert_left (self, child, 0, "{\r\n");
  g_assert_true (typing_shows (self, "Changing the drive"));
  typing_renew (self);
  fake_engine_fail_next (self->base.engine, "EjectMedia", LODGE_ERROR_BUSY, "The guest holds it");
  child = typing_start (self, LODGECTL "media eject web;");
  assert_left (self, child, 1, "lodgectl: The guest holds it\r\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("LODGE_ENGINE", "/nowhere/lodge-engine", TRUE); /* never start a real one */

#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/progress/" name, Typing, NULL, typing_set_up, function, typing_tear_down)
  ADD ("bar", test_bar);
  ADD ("cancel", test_cancel);
  ADD ("failed", test_failed);
  ADD ("media", test_media);
  return g_test_run ();
}
