/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state table: what may follow what, and how a refusal reads. */
#include "lodge-error.h"
#include "lodge-words.h"
#include "machine/lodge-machine-state.h"

static void
test_names (void)
{
  static const char *const names[] = {"off",      "starting", "running",   "paused",  "suspending",
                                      "stopping", "crashed",  "suspended", "template"};

  g_assert_cmpuint (G_N_ELEMENTS (names), ==, LODGE_N_STATES);
  for (guint i = 0; i < LODGE_N_STATES; i++)
    g_assert_cmpstr (lodge_state_get_name (i), ==, names[i]);
}

/* Every state can be left, and every live one can end in off and in crashed. */
static void
test_no_dead_end (void)
{
  for (guint from = 0; from < LODGE_N_STATES; from++) {
    g_assert_false (lodge_state_can_move (from, from));
    if (from != LODGE_STATE_OFF)
      g_assert_true (lodge_state_can_move (from, LODGE_STATE_OFF));
    if (lodge_state_is_live (from))
      g_assert_true (lodge_state_can_move (from, LODGE_STATE_CRASHED));
  }
}

static void
test_moves (void)
{
  g_assert_true (lodge_state_can_move (LODGE_STATE_OFF, LODGE_STATE_STARTING));
  g_assert_true (lodge_state_can_move (LODGE_STATE_STARTING, LODGE_STATE_RUNNING));
  g_assert_true (lodge_state_can_move (LODGE_STATE_RUNNING, LODGE_STATE_PAUSED));
  g_assert_true (lodge_state_can_move (LODGE_STATE_PAUSED, LODGE_STATE_RUNNING));
  g_assert_true (lodge_state_can_move (LODGE_STATE_STOPPING, LODGE_STATE_RUNNING));
  g_assert_true (lodge_state_can_move (LODGE_STATE_PAUSED, LODGE_STATE_SUSPENDING));
  g_assert_true (lodge_state_can_move (LODGE_STATE_SUSPENDING, LODGE_STATE_SUSPENDED));
  g_assert_true (lodge_state_can_move (LODGE_STATE_SUSPENDED, LODGE_STATE_STARTING));
  g_assert_true (lodge_state_can_move (LODGE_STATE_STARTING, LODGE_STATE_SUSPENDED));
  g_assert_false (lodge_state_can_move (LODGE_STATE_RUNNING, LODGE_STATE_SUSPENDED));
  g_assert_false (lodge_state_can_move (LODGE_STATE_SUSPENDED, LODGE_STATE_RUNNING));
  g_assert_false (lodge_state_can_move (LODGE_STATE_OFF, LODGE_STATE_SUSPENDING));
  g_assert_false (lodge_state_can_move (LODGE_STATE_CRASHED, LODGE_STATE_RUNNING));
  g_assert_false (lodge_state_can_move (LODGE_STATE_RUNNING, LODGE_STATE_STARTING));
}

static void
test_actions (void)
{
  static const struct {
    LodgeAction action;
    LodgeState state;
    gboolean allowed;
  } cases[] = {
      {LODGE_ACTION_START, LODGE_STATE_OFF, TRUE},
      {LODGE_ACTION_START, LODGE_STATE_CRASHED, TRUE},
      {LODGE_ACTION_START, LODGE_STATE_RUNNING, FALSE},
      {LODGE_ACTION_START, LODGE_STATE_STARTING, FALSE},
      {LODGE_ACTION_PAUSE, LODGE_STATE_RUNNING, TRUE},
      {LODGE_ACTION_PAUSE, LODGE_STATE_PAUSED, FALSE},
      {LODGE_ACTION_RESUME, LODGE_STATE_PAUSED, TRUE},
      {LODGE_ACTION_RESUME, LODGE_STATE_OFF, FALSE},
      {LODGE_ACTION_SHUTDOWN, LODGE_STATE_STOPPING, TRUE},
      {LODGE_ACTION_SHUTDOWN, LODGE_STATE_OFF, FALSE},
      {LODGE_ACTION_WAKE, LODGE_STATE_RUNNING, TRUE},
      {LODGE_ACTION_WAKE, LODGE_STATE_PAUSED, FALSE},
      {LODGE_ACTION_KILL, LODGE_STATE_STARTING, TRUE},
      {LODGE_ACTION_KILL, LODGE_STATE_CRASHED, TRUE},
      {LODGE_ACTION_KILL, LODGE_STATE_OFF, FALSE},
      {LODGE_ACTION_DELETE, LODGE_STATE_OFF, TRUE},
      {LODGE_ACTION_DELETE, LODGE_STATE_RUNNING, FALSE},
      {LODGE_ACTION_SNAPSHOT, LODGE_STATE_OFF, TRUE},
      {LODGE_ACTION_SNAPSHOT, LODGE_STATE_RUNNING, TRUE},
      {LODGE_ACTION_SNAPSHOT, LODGE_STATE_STARTING, FALSE},
      {LODGE_ACTION_REVERT, LODGE_STATE_CRASHED, TRUE},
      {LODGE_ACTION_REVERT, LODGE_STATE_STOPPING, FALSE},
      {LODGE_ACTION_START, LODGE_STATE_SUSPENDED, TRUE},
      {LODGE_ACTION_DELETE, LODGE_STATE_SUSPENDED, TRUE},
      {LODGE_ACTION_SNAPSHOT, LODGE_STATE_SUSPENDED, FALSE},
      {LODGE_ACTION_REVERT, LODGE_STATE_SUSPENDED, FALSE},
      {LODGE_ACTION_SUSPEND, LODGE_STATE_PAUSED, TRUE},
      {LODGE_ACTION_SUSPEND, LODGE_STATE_SUSPENDING, FALSE},
      {LODGE_ACTION_DISCARD, LODGE_STATE_SUSPENDED, TRUE},
      {LODGE_ACTION_DISCARD, LODGE_STATE_OFF, FALSE},
      {LODGE_ACTION_GROW, LODGE_STATE_RUNNING, TRUE},
      {LODGE_ACTION_GROW, LODGE_STATE_SUSPENDED, FALSE},
      {LODGE_ACTION_DISKS, LODGE_STATE_CRASHED, TRUE},
      {LODGE_ACTION_DISKS, LODGE_STATE_PAUSED, TRUE},
      {LODGE_ACTION_DISKS, LODGE_STATE_STOPPING, FALSE},
      {LODGE_ACTION_FETCH, LODGE_STATE_RUNNING, TRUE},
      {LODGE_ACTION_FETCH, LODGE_STATE_PAUSED, FALSE},
      {LODGE_ACTION_INPUT, LODGE_STATE_PAUSED, TRUE},
      {LODGE_ACTION_INPUT, LODGE_STATE_OFF, FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    gboolean allowed =
        lodge_state_check_action (cases[i].state, cases[i].action, "web & <b>", &error);

    g_assert_cmpint (allowed, ==, cases[i].allowed);
    if (allowed)
      g_assert_no_error (error);
    else
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  }
}

static void
test_refusal_sentence (void)
{
  static const struct {
    LodgeState state;
    LodgeAction action;
    const char *sentence;
  } cases[] = {
      {LODGE_STATE_RUNNING, LODGE_ACTION_START, "“web” cannot be started: it is running"},
      {LODGE_STATE_PAUSED, LODGE_ACTION_START, "“web” cannot be started: it is paused; resume it"},
      {LODGE_STATE_RUNNING, LODGE_ACTION_DELETE,
       "“web” cannot be deleted: it is running; shut it down first"},
      {LODGE_STATE_SUSPENDED, LODGE_ACTION_CLONE,
       "“web” cannot be cloned: it is suspended; resume it first, or discard its saved state"},
      {LODGE_STATE_SUSPENDED, LODGE_ACTION_REVERT,
       "“web” cannot go back to a snapshot: it is suspended; resume it and shut it down first, or "
       "discard its saved state"},
      {LODGE_STATE_PAUSED, LODGE_ACTION_REVERT,
       "“web” cannot go back to a snapshot: it is paused; resume it and shut it down first, or "
       "force it off"},
      {LODGE_STATE_PAUSED, LODGE_ACTION_SHUTDOWN,
       "“web” cannot be shut down: it is paused; resume it"},
      {LODGE_STATE_SUSPENDING, LODGE_ACTION_DISCARD,
       "“web” has no saved memory to discard: it is suspending; wait until that is done, or cancel "
       "it"},
      {LODGE_STATE_OFF, LODGE_ACTION_KILL, "“web” cannot be switched off: it is off"},
      {LODGE_STATE_OFF, LODGE_ACTION_INPUT,
       "“web” has no screen and takes no input now: it is off; start it first"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (lodge_state_check_action (cases[i].state, cases[i].action, "web", &error));
    g_assert_cmpstr (error->message, ==, cases[i].sentence);
  }
}

/* Every state has a word for people; one that is not known is shown as it is. */
static void
test_words (void)
{
  for (guint i = 0; i < LODGE_N_STATES; i++) {
    g_autofree char *name = g_strdup (lodge_state_get_name (i));
    const char *word = lodge_words_machine_state (name);

    g_assert_cmpstr (word, ==, name);
    /* From the table, where translators find it. */
    g_assert_true (word != name);
  }
  g_assert_cmpstr (lodge_words_machine_state ("migrating"), ==, "migrating");
  g_assert_null (lodge_words_machine_state (NULL));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/state/names", test_names);
  g_test_add_func ("/machine/state/no-dead-end", test_no_dead_end);
  g_test_add_func ("/machine/state/moves", test_moves);
  g_test_add_func ("/machine/state/actions", test_actions);
  g_test_add_func ("/machine/state/refusal-sentence", test_refusal_sentence);
  g_test_add_func ("/machine/state/words", test_words);
  return g_test_run ();
}
