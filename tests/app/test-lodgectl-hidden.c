/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl asks for a passphrase on a terminal of its own (a pty), and is ended or stopped there.
 */
#include "test-wait.h"
#include "typing-fixture.h"

#include <signal.h>
#include <sys/ioctl.h>

#define PROMPT "Passphrase of “web”:"
#define UNLOCK "\"$LODGE_TEST_LODGECTL\" unlock web;"

static void
encrypted_set_up (Typing *self, gconstpointer data)
{
  typing_set_up (self, data);
  fake_engine_encrypt (self->base.engine, "web", "correct horse");
}

static void
test_typed (Typing *self, gconstpointer data)
{
  const pid_t child = typing_start (self, UNLOCK);

  test_wait_polled (typing_shows (self, PROMPT) && !typing_echoes (self));
  typing_type (self, "correct horse\n");
  typing_assert_ended (self, child, 0);
  g_assert_false (typing_shows (self, "correct"));
}

/* By a key, and by another program: the whole group, of which the shell is none. */
static void
test_ended (Typing *self, gconstpointer data)
{
  static const int ends[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    const pid_t child = typing_start (self, UNLOCK);
    int group = 0;

    test_wait_polled (typing_shows (self, PROMPT) && !typing_echoes (self));
    g_string_truncate (self->shown, 0);
    typing_type (self, "half");
    if (ends[i] == SIGINT) {
      typing_type (self, "\003");
    } else {
      g_assert_cmpint (ioctl (self->master, TIOCGPGRP, &group), ==, 0);
      g_assert_cmpint (kill (-group, ends[i]), ==, 0);
    }
    /* A shell's word for a program that a signal has ended. */
    typing_assert_ended (self, child, 128 + ends[i]);
    typing_renew (self);
  }
}

/* Meanwhile the terminal shows what is typed; then it is asked again. */
static void
test_stopped (Typing *self, gconstpointer data)
{
  const pid_t child = typing_start (self, UNLOCK " echo HALTED; read x; fg;");

  test_wait_polled (typing_shows (self, PROMPT) && !typing_echoes (self));
  typing_type (self, "half\032");
  test_wait_polled (typing_shows (self, "HALTED"));
  g_assert_true (typing_echoes (self));
  g_string_truncate (self->shown, 0);
  typing_type (self, "\n");
  test_wait_polled (typing_shows (self, PROMPT) && !typing_echoes (self));
  typing_type (self, "correct horse\n");
  typing_assert_ended (self, child, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, function)                                                                        \
  g_test_add ("/lodgectl/hidden/" name, Typing, NULL, encrypted_set_up, function, typing_tear_down)
  ADD ("typed", test_typed);
  ADD ("ended", test_ended);
  ADD ("stopped", test_stopped);
  return g_test_run ();
}
