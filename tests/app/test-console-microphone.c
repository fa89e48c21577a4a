/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's microphone button: in the header, in full screen, and without an engine.
 * There is no sound server. */
#include "app-fixture.h"

#include "gtk/lodge-console-window.h"

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeConsoleWindow *window;
  LodgeConsoleMachine *machine;
  LodgeSound *sound;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->engine = fake_engine_new (NULL);
  f->connection = lodge_connection_new ();
  lodge_connection_open (f->connection);
  const char *uuid = fake_engine_add_machine (f->engine, "web", "off");
  f->window = LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, f->connection, uuid));
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  gtk_window_present (GTK_WINDOW (f->window));
  f->machine = lodge_console_window_get_machine (f->window);
  f->sound = lodge_console_machine_get_sound (f->machine);
  app_wait_until (lodge_console_machine_get_phase (f->machine) == LODGE_CONSOLE_OFF);
  lodge_sound_start (f->sound, LODGE_SOUND_RECORD, 1, 2, 48000);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
}

static void
click (Fixture *f, const char *id)
{
  g_signal_emit_by_name (app_get_child (f->window, LODGE_TYPE_CONSOLE_WINDOW, id), "clicked");
}

static LodgeMicrophone
get_microphone (Fixture *f)
{
  guint microphone;

  g_object_get (f->sound, "microphone", &microphone, NULL);
  return microphone;
}

static gboolean
is_kept (Fixture *f, const char *wanted)
{
  g_autofree char *value = fake_engine_dup_key (f->engine, "web", "sharing.microphone");

  return g_str_equal (value, wanted);
}

static void
allow (Fixture *f)
{
  click (f, "microphone_button");
  g_assert_cmpint (get_microphone (f), ==, LODGE_MICROPHONE_WITHHELD);
  app_wait_until (get_microphone (f) == LODGE_MICROPHONE_LIVE);
  g_assert_true (is_kept (f, "true"));
}

/* Off is off at once, without an engine; the next one is told. On needs one. */
static void
test_engine_away (Fixture *f, gconstpointer data)
{
  allow (f);
  fake_engine_drop_clients (f->engine);
  app_wait_until (lodge_console_machine_get_machine (f->machine) == NULL);
  click (f, "microphone_button");
  g_assert_cmpint (get_microphone (f), ==, LODGE_MICROPHONE_WITHHELD);
  click (f, "microphone_button");
  g_assert_cmpint (get_microphone (f), ==, LODGE_MICROPHONE_WITHHELD);
  g_assert_true (is_kept (f, "true"));

  app_wait_until (lodge_console_machine_get_machine (f->machine) != NULL);
  g_assert_cmpint (get_microphone (f), ==, LODGE_MICROPHONE_WITHHELD);
  app_wait_until (is_kept (f, "false"));
  allow (f);
}

/* A machine that is being worked on is not changed: it is told when something of it is another. */
static void
test_worked_on (Fixture *f, gconstpointer data)
{
  allow (f);
  fake_engine_drop_clients (f->engine);
  app_wait_until (lodge_console_machine_get_machine (f->machine) == NULL);
  click (f, "microphone_button");
  fake_engine_clear_calls (f->engine);
  fake_engine_fail_next (f->engine, "Set", LODGE_ERROR_STATE, "It is being worked on.");
  app_wait_until (app_was_called (f->engine, "Set"));
  app_settle ();
  g_assert_true (is_kept (f, "true"));
  fake_engine_set_note (f->engine, "web", "A note.");
  app_wait_until (is_kept (f, "false"));
}

/* An engine that does not answer, and says meanwhile what it knew. */
static void
test_engine_hangs (Fixture *f, gconstpointer data)
{
  allow (f);
  fake_engine_set_delay (f->engine, "Set", G_MAXINT);
  click (f, "microphone_button");
  g_assert_cmpint (get_microphone (f), ==, LODGE_MICROPHONE_WITHHELD);
  fake_engine_set_note (f->engine, "web", "A note.");
  app_wait_until (
      g_strcmp0 (lodge_machine1_get_note (lodge_console_machine_get_machine (f->machine)),
                 "A note.") == 0);
  g_assert_true (is_kept (f, "true"));
  g_assert_cmpint (get_microphone (f), ==, LODGE_MICROPHONE_WITHHELD);

  /* The user's own word ends it. */
  fake_engine_set_delay (f->engine, "Set", 0);
  allow (f);
}

/* It cannot be remembered: that is said, and it is off here all the same. */
static void
test_not_remembered (Fixture *f, gconstpointer data)
{
  allow (f);
  fake_engine_fail_next (f->engine, "Set", LODGE_ERROR_HOST, "The disk is <full>.");
  click (f, "microphone_button");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "The disk is <full>."));
  g_assert_cmpint (get_microphone (f), ==, LODGE_MICROPHONE_WITHHELD);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

/* In full screen, where there is no header, a guest that hears is shown as well. */
static void
test_full_screen (Fixture *f, gconstpointer data)
{
  GtkWidget *header = app_get_child (f->window, LODGE_TYPE_CONSOLE_WINDOW, "header");
  GtkWidget *pill = app_get_child (f->window, LODGE_TYPE_CONSOLE_WINDOW, "microphone_pill");

  allow (f);
  g_assert_false (gtk_widget_get_visible (pill));
  gtk_window_fullscreen (GTK_WINDOW (f->window));
  app_wait_until (gtk_widget_get_mapped (pill) && !gtk_widget_get_mapped (header));
  g_assert_nonnull (gtk_widget_get_tooltip_text (pill));
  g_assert_true (gtk_widget_is_sensitive (pill));

  click (f, "microphone_pill");
  g_assert_cmpint (get_microphone (f), ==, LODGE_MICROPHONE_WITHHELD);
  g_assert_false (gtk_widget_get_visible (pill));
  app_wait_until (is_kept (f, "false"));

  /* The guest begins and ends while it is full screen. */
  lodge_sound_stop (f->sound, LODGE_SOUND_RECORD);
  lodge_sound_start (f->sound, LODGE_SOUND_RECORD, 1, 2, 48000);
  g_assert_false (gtk_widget_get_visible (pill));
  allow (f);
  g_assert_true (gtk_widget_get_visible (pill));
  lodge_sound_stop (f->sound, LODGE_SOUND_RECORD);
  g_assert_false (gtk_widget_get_visible (pill));
  lodge_sound_start (f->sound, LODGE_SOUND_RECORD, 1, 2, 48000);
  g_assert_true (gtk_widget_get_visible (pill));

  gtk_window_unfullscreen (GTK_WINDOW (f->window));
  app_wait_until (!gtk_widget_get_visible (pill) && gtk_widget_get_mapped (header));
}

int
main (int argc, char **argv)
{
  g_setenv ("PULSE_SERVER", "unix:/nonexistent", TRUE);
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, test)                                                                            \
  g_test_add ("/console-microphone/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("engine-away", test_engine_away);
  ADD ("worked-on", test_worked_on);
  ADD ("engine-hangs", test_engine_hangs);
  ADD ("full-screen", test_full_screen);
  ADD ("not-remembered", test_not_remembered);
#undef ADD
  return g_test_run ();
}
