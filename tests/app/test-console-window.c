/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window through every state of its machine, its engine and its screen. */
#include "app-fixture.h"

#include "gtk/lodge-console-window.h"
#include "gtk/lodge-display.h"
#include "gtk/lodge-settings.h"
#ifdef HAVE_SPICE_FIXTURE
#include "spice-fixture.h"
#endif

#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeConsoleWindow *window;
  const char *uuid;
  char *folder;
  char *socket; /* where a screen would be */
} Fixture;

static void
set_up (Fixture *f, gconstpointer state)
{
  f->engine = fake_engine_new (NULL);
  f->uuid = fake_engine_add_machine (f->engine, "web & <b>", state != NULL ? state : "off");
  f->folder = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  f->socket = g_build_filename (f->folder, "spice.sock", NULL);
  f->connection = lodge_connection_new ();
  lodge_connection_open (f->connection);
  if (lodge_settings_get () != NULL)
    g_settings_set_boolean (lodge_settings_get (), "closing-explained", TRUE);
}

static void
open_window (Fixture *f, const char *machine)
{
  f->window = LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, f->connection, machine));
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  gtk_window_present (GTK_WINDOW (f->window));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->window != NULL)
    gtk_window_destroy (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
  g_unlink (f->socket);
  g_rmdir (f->folder);
  g_free (f->socket);
  g_free (f->folder);
}

static gpointer
get (Fixture *f, const char *id)
{
  return app_get_child (f->window, LODGE_TYPE_CONSOLE_WINDOW, id);
}

static LodgeConsolePhase
get_phase (Fixture *f)
{
  return lodge_console_machine_get_phase (lodge_console_window_get_machine (f->window));
}

static gboolean
is_page (Fixture *f, const char *page)
{
  return g_str_equal (gtk_stack_get_visible_child_name (get (f, "pages")), page);
}

#ifdef HAVE_SPICE_FIXTURE
static gboolean
is_shown (Fixture *f, const char *id)
{
  return gtk_revealer_get_reveal_child (get (f, id));
}
#endif

static guint
count_calls (Fixture *f, const char *call)
{
  g_auto (GStrv) calls = fake_engine_dup_calls (f->engine);
  guint n = 0;

  for (guint i = 0; calls[i] != NULL; i++)
    n += g_str_has_prefix (calls[i], call);
  return n;
}

static void
test_off (Fixture *f, gconstpointer data)
{
  open_window (f, f->uuid);
  app_assert_named (f->window);
  g_assert_true (is_page (f, "busy"));
  app_wait_until (app_find_label (f->window, "The Machine Is Off") != NULL);
  g_assert_nonnull (app_find_label (get (f, "header"), "web & <b>"));
  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (f->window)), ==, "web & <b>");
  /* What the engine has to say about a machine that is off. */
  fake_engine_set_note (f->engine, f->uuid, "<b>Read-only</b> & old.");
  app_wait_until (app_find_label (f->window, "<b>Read-only</b> & old.") != NULL);
  /* Enter does what the page offers. */
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (f->window)) == get (f, "status_button"));
  /* An open window is no wish to start. */
  g_assert_false (app_was_called (f->engine, "Start"));
  app_click (f->window, "_Start");
  app_wait_until (app_was_called (f->engine, "Start web & <b>"));
  app_wait_until (app_find_label (get (f, "header"), "Running") != NULL);
  g_assert_true (gtk_widget_get_visible (get (f, "pause_button")));
  g_assert_false (gtk_widget_get_visible (get (f, "start_button")));
}

static void
test_start_wanted (Fixture *f, gconstpointer data)
{
  open_window (f, f->uuid);
  lodge_console_window_start (f->window);
  app_wait_until (app_find_label (get (f, "header"), "Running") != NULL);
  /* Once: a guest that turns itself off later stays off. */
  fake_engine_clear_calls (f->engine);
  fake_engine_set_state (f->engine, f->uuid, "off");
  app_wait_until (get_phase (f) == LODGE_CONSOLE_OFF);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "Start"));
}

static void
test_start_fails (Fixture *f, gconstpointer data)
{
  static const char sentence[] = "There is no <QEMU> & no hope.";

  open_window (f, "web & <b>");
  app_wait_until (app_find_label (f->window, "The Machine Is Off") != NULL);
  fake_engine_fail_next (f->engine, "Start", LODGE_ERROR_HOST, sentence);
  app_click (f->window, "_Start");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), sentence));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

static void
test_crashed (Fixture *f, gconstpointer data)
{
  fake_engine_set_note (f->engine, f->uuid, "<b>QEMU</b> & all ended.");
  open_window (f, f->uuid);
  app_wait_until (app_find_label (f->window, "The Machine Has Crashed") != NULL);
  g_assert_nonnull (app_find_label (f->window, "<b>QEMU</b> & all ended."));
}

static void
test_unknown (Fixture *f, gconstpointer data)
{
  open_window (f, "nobody <i>");
  app_wait_until (get_phase (f) == LODGE_CONSOLE_PROBLEM);
  g_assert_true (is_page (f, "status"));
  fake_engine_add_machine (f->engine, "nobody <i>", "off");
  app_click (f->window, "_Try Again");
  app_wait_until (get_phase (f) == LODGE_CONSOLE_OFF);
}

static void
test_deleted (Fixture *f, gconstpointer data)
{
  open_window (f, f->uuid);
  app_wait_until (get_phase (f) == LODGE_CONSOLE_OFF);
  fake_engine_remove_machine (f->engine, f->uuid);
  app_wait_until (app_find_label (f->window, "This machine has been deleted.") != NULL);
  g_assert_nonnull (app_find_label (f->window, "The Machine Is Gone"));
  g_assert_cmpint (get_phase (f), ==, LODGE_CONSOLE_GONE);
  /* Nothing of it can be started, stopped or looked at. */
  g_assert_false (gtk_widget_get_visible (get (f, "start_button")));
  g_assert_false (gtk_widget_get_sensitive (get (f, "pause_button")));
  g_assert_false (gtk_widget_get_sensitive (get (f, "power_button")));
  g_assert_null (app_find_label (get (f, "header"), "Off"));
  fake_engine_clear_calls (f->engine);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "console.start", NULL);
  gtk_widget_activate_action (GTK_WIDGET (f->window), "console.snapshots", NULL);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "Start"));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (f->window)) == get (f, "status_button"));
  app_click (f->window, "_Close");
  app_wait_until (f->window == NULL);
}

static void
test_engine_dies (Fixture *f, gconstpointer data)
{
  open_window (f, f->uuid);
  app_wait_until (get_phase (f) == LODGE_CONSOLE_OFF);
  fake_engine_drop_clients (f->engine);
  app_wait_until (get_phase (f) == LODGE_CONSOLE_PROBLEM);
  g_assert_false (gtk_widget_get_sensitive (get (f, "power_button")));
  fake_engine_set_state (f->engine, f->uuid, "crashed");
  app_wait_until (get_phase (f) == LODGE_CONSOLE_CRASHED);
}

/* A screen that is not there is looked for again and again, with pauses that grow. */
static void
test_no_screen (Fixture *f, gconstpointer data)
{
  fake_engine_set_spice_socket (f->engine, f->uuid, f->socket);
  open_window (f, f->uuid);
  app_wait_until (get_phase (f) == LODGE_CONSOLE_LOST);
  g_assert_nonnull (app_find_label (f->window, "The Screen Cannot Be Reached"));
  app_wait_until (count_calls (f, "ClaimConsole") >= 3);
  fake_engine_set_state (f->engine, f->uuid, "off");
  app_wait_until (get_phase (f) == LODGE_CONSOLE_OFF);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(LodgeClient **) user_data = lodge_client_connect_finish (result, NULL);
}

static void
test_taken (Fixture *f, gconstpointer data)
{
  LodgeClient *other = NULL;
  g_autoptr (LodgeMachine1) machine = NULL;

  fake_engine_set_spice_socket (f->engine, f->uuid, f->socket);
  open_window (f, f->uuid);
  app_wait_until (app_was_called (f->engine, "ClaimConsole"));
  lodge_client_connect_async (LODGE_CLIENT_FLAGS_NO_START, NULL, connected_cb, &other);
  app_wait_until (other != NULL);
  machine = lodge_client_open_machine_sync (other, f->uuid, NULL, NULL);
  g_assert_true (lodge_machine1_call_claim_console_sync (machine, "<another> & co", NULL, NULL));
  app_wait_until (get_phase (f) == LODGE_CONSOLE_ELSEWHERE);
  g_assert_nonnull (app_find_label (
      f->window, "The console is shown by <another> & co. Only one can show it at a time."));
  /* It is not fought over. */
  app_settle ();
  fake_engine_clear_calls (f->engine);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "ClaimConsole"));
  app_click (f->window, "Show _Here");
  app_wait_until (app_was_called (f->engine, "ClaimConsole"));
  g_assert_cmpint (get_phase (f), !=, LODGE_CONSOLE_ELSEWHERE);

  /* When the other one has gone, it comes back by itself. */
  g_assert_true (lodge_machine1_call_claim_console_sync (machine, "another", NULL, NULL));
  app_wait_until (get_phase (f) == LODGE_CONSOLE_ELSEWHERE);
  fake_engine_clear_calls (f->engine);
  g_clear_object (&machine);
  g_object_unref (other);
  app_wait_until (get_phase (f) != LODGE_CONSOLE_ELSEWHERE);
  app_wait_until (app_was_called (f->engine, "ClaimConsole"));
}

static void
test_power (Fixture *f, gconstpointer data)
{
  GtkWidget *window;

  open_window (f, f->uuid);
  window = GTK_WIDGET (f->window);
  app_wait_until (app_find_label (get (f, "header"), "Running") != NULL);
  g_assert_false (gtk_widget_activate_action (window, "console.start", NULL) &&
                  app_was_called (f->engine, "Start"));
  gtk_widget_activate_action (window, "console.pause", NULL);
  app_wait_until (app_find_label (get (f, "header"), "Paused") != NULL);
  g_assert_true (gtk_widget_get_visible (get (f, "resume_button")));
  gtk_widget_activate_action (window, "console.resume", NULL);
  app_wait_until (app_find_label (get (f, "header"), "Running") != NULL);
  gtk_widget_activate_action (window, "console.send-keys", "s", "ctrl+alt+delete");
  app_wait_until (app_was_called (f->engine, "SendKeys web & <b> 'ctrl+alt+delete'") ||
                  app_was_called (f->engine, "SendKeys web & <b>"));
  gtk_widget_activate_action (window, "console.kill", NULL);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_false (app_was_called (f->engine, "Kill"));
  app_click (app_get_dialog (), "_Force Off");
  app_wait_until (get_phase (f) == LODGE_CONSOLE_OFF);
  app_wait_until (app_get_dialog () == NULL);
  g_assert_false (gtk_widget_get_sensitive (get (f, "keys_button")));
}

static void
test_screenshot_fails (Fixture *f, gconstpointer data)
{
  open_window (f, f->uuid);
  app_wait_until (app_find_label (get (f, "header"), "Running") != NULL);
  fake_engine_fail_next (f->engine, "Screenshot", LODGE_ERROR_TIMEOUT, "No <picture> & no time.");
  gtk_widget_activate_action (GTK_WIDGET (f->window), "console.screenshot", NULL);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "No <picture> & no time."));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

/* Where a menu is open the button's tooltip would cover its first entry. */
static void
test_tooltips (Fixture *f, gconstpointer data)
{
  static const char *const ids[] = {"power_button", "keys_button", "menu_button"};

  open_window (f, f->uuid);
  app_wait_until (app_find_label (get (f, "header"), "Running") != NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++) {
    GtkWidget *button = get (f, ids[i]);

    app_wait_until (gtk_widget_get_sensitive (button));
    g_assert_true (gtk_widget_get_has_tooltip (button));
    gtk_menu_button_popup (GTK_MENU_BUTTON (button));
    app_wait_until (!gtk_widget_get_has_tooltip (button));
    gtk_menu_button_popdown (GTK_MENU_BUTTON (button));
    app_wait_until (gtk_widget_get_has_tooltip (button));
    g_assert_nonnull (gtk_widget_get_tooltip_text (button));
  }
}

/* Closing is not stopping, and that is said once. */
static void
test_closing (Fixture *f, gconstpointer data)
{
  if (lodge_settings_get () == NULL) {
    g_test_skip ("the settings' schema is not there");
    return;
  }

  g_settings_set_boolean (lodge_settings_get (), "closing-explained", FALSE);
  open_window (f, f->uuid);
  app_wait_until (app_find_label (get (f, "header"), "Running") != NULL);
  gtk_window_close (GTK_WINDOW (f->window));
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_false (g_settings_get_boolean (lodge_settings_get (), "closing-explained"));

  fake_engine_set_state (f->engine, f->uuid, "paused");
  app_wait_until (app_find_label (get (f, "header"), "Paused") != NULL);
  gtk_window_close (GTK_WINDOW (f->window));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "“web & <b>” Stays Paused"));
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  fake_engine_set_state (f->engine, f->uuid, "running");
  app_wait_until (app_find_label (get (f, "header"), "Running") != NULL);

  gtk_window_close (GTK_WINDOW (f->window));
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "Close _Window");
  app_wait_until (f->window == NULL);

  open_window (f, f->uuid);
  app_wait_until (app_find_label (get (f, "header"), "Running") != NULL);
  gtk_window_close (GTK_WINDOW (f->window));
  app_wait_until (f->window == NULL);
  g_assert_null (app_get_dialog ());
  g_assert_false (app_was_called (f->engine, "Shutdown"));
  g_assert_false (app_was_called (f->engine, "Kill"));
}

/* What the header shows of a guest that records, and the switches. There is no sound server. */
static void
test_sound (Fixture *f, gconstpointer data)
{
  LodgeSound *sound;
  gboolean muted;

  open_window (f, f->uuid);
  app_wait_until (get_phase (f) == LODGE_CONSOLE_OFF);
  sound = lodge_console_machine_get_sound (lodge_console_window_get_machine (f->window));
  g_assert_false (gtk_widget_get_visible (get (f, "microphone_button")));
  g_assert_false (gtk_widget_get_visible (get (f, "sound_problem")));

  /* It may not, until its owner says so: that is kept with the machine. */
  lodge_sound_start (sound, LODGE_SOUND_RECORD, 1, 2, 48000);
  g_assert_true (gtk_widget_get_visible (get (f, "microphone_button")));
  g_assert_false (gtk_widget_has_css_class (get (f, "microphone_button"), "error"));
  app_assert_named (f->window);
  g_signal_emit_by_name (get (f, "microphone_button"), "clicked");
  app_wait_until (app_was_called (f->engine, "Set web & <b> {'sharing.microphone': 'true'}"));
  app_wait_until (gtk_widget_has_css_class (get (f, "microphone_button"), "error"));
  app_wait_until (gtk_widget_get_visible (get (f, "sound_problem")));
  g_assert_nonnull (gtk_widget_get_tooltip_text (get (f, "sound_problem")));

  g_signal_emit_by_name (get (f, "microphone_button"), "clicked");
  app_wait_until (app_was_called (f->engine, "Set web & <b> {'sharing.microphone': 'false'}"));
  app_wait_until (!gtk_widget_has_css_class (get (f, "microphone_button"), "error"));
  g_assert_false (gtk_widget_get_visible (get (f, "sound_problem")));
  lodge_sound_stop (sound, LODGE_SOUND_RECORD);
  g_assert_false (gtk_widget_get_visible (get (f, "microphone_button")));

  g_assert_true (gtk_widget_activate_action (GTK_WIDGET (f->window), "sound.mute", NULL));
  g_object_get (sound, "muted", &muted, NULL);
  g_assert_true (muted);
}

#ifdef HAVE_SPICE_FIXTURE
/* A real SPICE server: shown, through the engine's death, lost with the server, and shown again. */
static void
in_shown (void)
{
  Fixture f = {0};
  SpiceFixture *server;

  set_up (&f, "running");
  server = spice_fixture_new_at (f.socket, 320, 200);
  fake_engine_set_spice_socket (f.engine, f.uuid, f.socket);
  open_window (&f, f.uuid);
  app_wait_until (get_phase (&f) == LODGE_CONSOLE_SHOWN);
  g_assert_true (is_page (&f, "display"));
  g_assert_false (is_shown (&f, "paused_revealer"));
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (f.window)) == get (&f, "display"));

  /* The keyboard's way out of the guest, and back. */
  g_signal_emit_by_name (get (&f, "display"), "leave");
  g_assert_true (
      gtk_widget_is_ancestor (gtk_window_get_focus (GTK_WINDOW (f.window)), get (&f, "header")));
  gtk_widget_grab_focus (get (&f, "display"));

  fake_engine_set_state (f.engine, f.uuid, "paused");
  app_wait_until (is_shown (&f, "paused_revealer"));
  fake_engine_set_state (f.engine, f.uuid, "running");
  app_wait_until (!is_shown (&f, "paused_revealer"));

  /* The engine's end is said, and takes nothing from the screen. */
  fake_engine_clear_calls (f.engine);
  fake_engine_drop_clients (f.engine);
  app_wait_until (is_shown (&f, "banner"));
  g_assert_cmpint (get_phase (&f), ==, LODGE_CONSOLE_SHOWN);
  app_wait_until (!is_shown (&f, "banner"));
  /* The next engine learns whose console it is. */
  app_wait_until (app_was_called (f.engine, "ClaimConsole"));
  g_assert_cmpint (get_phase (&f), ==, LODGE_CONSOLE_SHOWN);

  fake_engine_set_state (f.engine, f.uuid, "off");
  app_wait_until (get_phase (&f) == LODGE_CONSOLE_OFF);
  g_assert_null (lodge_display_get_session (get (&f, "display")));
  fake_engine_set_state (f.engine, f.uuid, "running");
  app_wait_until (get_phase (&f) == LODGE_CONSOLE_SHOWN);
  /* libspice-server 0.15 crashes at times when a client goes before its display has said hello. */
  spice_fixture_settle ();

  tear_down (&f, NULL);
  /* Else the server waits, in vain, for what its client has not read. */
  spice_fixture_settle ();
  spice_fixture_free (server);
}

static gboolean
has_hint (Fixture *f, const char *title)
{
  GtkLabel *label = app_find_label (f->window, title);
  GtkWidget *revealer =
      label != NULL ? gtk_widget_get_ancestor (GTK_WIDGET (label), GTK_TYPE_REVEALER) : NULL;

  return revealer != NULL && gtk_revealer_get_reveal_child (GTK_REVEALER (revealer));
}

/* A screen that is connected and shows nothing: why, and a button for it. The keyboard stays with
 * the guest. */
static void
in_hints (void)
{
  static const char dark[] = "The Guest’s Display Is Off";
  static const char asleep[] = "The Guest Is Asleep";
  Fixture f = {0};
  SpiceFixture *server;

  set_up (&f, "running");
  server = spice_fixture_new_at (f.socket, 320, 200);
  fake_engine_set_spice_socket (f.engine, f.uuid, f.socket);
  open_window (&f, f.uuid);
  app_wait_until (get_phase (&f) == LODGE_CONSOLE_SHOWN);
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (f.window)) == get (&f, "display"));
  g_assert_false (has_hint (&f, dark));

  /* The server tells a cursor channel that connects without a screen about its cursor twice. */
  spice_fixture_settle ();
  spice_fixture_blank (server);
  app_wait_until (has_hint (&f, dark));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (f.window)) == get (&f, "display"));
  g_assert_cmpfloat (gtk_widget_get_opacity (get (&f, "display")), ==, 0);
  g_assert_true (gtk_widget_has_css_class (get (&f, "stage"), "hidden-picture"));
  app_click (f.window, "Press a _Key");
  app_wait_until (app_was_called (f.engine, "SendKeys web & <b> 'shift'"));
  /* A card may pass nothing on, of which nobody hears. */
  g_assert_false (app_says (f.window, "switch 3D acceleration off"));
  fake_engine_set_key (f.engine, f.uuid, "display.3d", "true");
  app_wait_until (app_says (f.window, "switch 3D acceleration off"));
  g_assert_true (has_hint (&f, dark));
  g_assert_cmpfloat (gtk_widget_get_opacity (get (&f, "display")), ==, 0);
  fake_engine_set_graphics_problem (f.engine, f.uuid, "Without 3D acceleration: no card");
  app_wait_until (!app_says (f.window, "switch 3D acceleration off"));
  fake_engine_set_graphics_problem (f.engine, f.uuid, "");
  fake_engine_set_key (f.engine, f.uuid, "display.3d", "false");
  app_settle ();
  g_assert_false (app_says (f.window, "switch 3D acceleration off"));
  spice_fixture_resize (server, 640, 480);
  app_wait_until (!has_hint (&f, dark));
  g_assert_cmpfloat (gtk_widget_get_opacity (get (&f, "display")), ==, 1);
  g_assert_false (gtk_widget_has_css_class (get (&f, "stage"), "hidden-picture"));

  /* A picture that a graphics card is said to have, in memory that cannot hold it. */
  const int memory = memfd_create ("scanout", MFD_CLOEXEC);
  spice_fixture_set_scanout (server, memory, 640, 480, 2560, 0x34325258, FALSE);
  app_wait_until (has_hint (&f, "The Picture Cannot Be Shown"));
  g_assert_true (has_hint (&f, "The server’s picture of 640 × 480, with 2560 bytes in a line, "
                               "cannot be one."));
  close (memory);
  spice_fixture_resize (server, 640, 480);
  app_wait_until (!has_hint (&f, "The Picture Cannot Be Shown"));

  fake_engine_set_asleep (f.engine, f.uuid, TRUE);
  app_wait_until (has_hint (&f, asleep));
  g_assert_nonnull (app_find_label (get (&f, "header"), "Asleep"));
  app_click (f.window, "_Wake Up");
  app_wait_until (app_was_called (f.engine, "Wake web & <b>"));
  app_wait_until (!has_hint (&f, asleep));

  /* Paused by the user says so below the picture; paused for another reason tells it. */
  fake_engine_set_state (f.engine, f.uuid, "paused");
  app_wait_until (is_shown (&f, "paused_revealer"));
  g_assert_null (app_find_label (f.window, "<Make> room & resume."));
  fake_engine_set_note (f.engine, f.uuid, "<Make> room & resume.");
  app_wait_until (has_hint (&f, "<Make> room & resume."));
  g_assert_false (is_shown (&f, "paused_revealer"));
  app_click (f.window, "_Resume");
  app_wait_until (app_was_called (f.engine, "Resume web & <b>"));
  app_wait_until (!has_hint (&f, "<Make> room & resume."));

  /* A panic: what the guest wrote last stays to be read. */
  fake_engine_set_stands (f.engine, f.uuid, TRUE);
  fake_engine_set_state (f.engine, f.uuid, "crashed");
  fake_engine_set_note (f.engine, f.uuid, "<The> kernel has stopped.");
  app_wait_until (has_hint (&f, "<The> kernel has stopped."));
  g_assert_true (has_hint (&f, "The Guest Has Crashed"));
  g_assert_cmpint (get_phase (&f), ==, LODGE_CONSOLE_SHOWN);
  g_assert_true (is_page (&f, "display"));
  /* Its QEMU is there: it can be ended, and what it shows be kept. */
  g_assert_true (gtk_widget_get_sensitive (get (&f, "power_button")));
  gtk_widget_activate_action (GTK_WIDGET (f.window), "console.kill", NULL);
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  app_click (f.window, "_Start Again");
  app_wait_until (app_was_called (f.engine, "Start web & <b>"));
  app_wait_until (!has_hint (&f, "The Guest Has Crashed"));

  spice_fixture_settle ();
  tear_down (&f, NULL);
  spice_fixture_settle ();
  spice_fixture_free (server);
}

static void
test_hints (void)
{
  spice_fixture_run (in_hints);
}

static void
test_shown (void)
{
  spice_fixture_run (in_shown);
}
#endif

/* QEMU does not answer: the window says so instead of waiting for nobody knows what, and goes on by
 * itself when it does. */
static void
test_silent (Fixture *f, gconstpointer data)
{
  fake_engine_set_note (f->engine, f->uuid, "Runs, but <i>QEMU</i> does not answer");
  open_window (f, f->uuid);
  app_wait_until (app_find_label (f->window, "Runs, but <i>QEMU</i> does not answer") != NULL);
  g_assert_true (is_page (f, "busy"));
  fake_engine_set_note (f->engine, f->uuid, "");
  app_wait_until (app_find_label (f->window, "Connecting to the screen") != NULL);
  fake_engine_set_spice_socket (f->engine, f->uuid, f->socket);
  app_wait_until (count_calls (f, "ClaimConsole") > 0);
}

int
main (int argc, char **argv)
{
  g_setenv ("PULSE_SERVER", "unix:/nonexistent", TRUE);
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, state, test)                                                                     \
  g_test_add ("/console-window/" path, Fixture, state, set_up, test, tear_down)
  ADD ("off", "off", test_off);
  ADD ("start-wanted", "off", test_start_wanted);
  ADD ("start-fails", "off", test_start_fails);
  ADD ("crashed", "crashed", test_crashed);
  ADD ("unknown", "off", test_unknown);
  ADD ("deleted", "off", test_deleted);
  ADD ("engine-dies", "off", test_engine_dies);
  ADD ("no-screen", "running", test_no_screen);
  ADD ("silent", "running", test_silent);
  ADD ("taken", "running", test_taken);
  ADD ("power", "running", test_power);
  ADD ("screenshot-fails", "running", test_screenshot_fails);
  ADD ("closing", "running", test_closing);
  ADD ("tooltips", "running", test_tooltips);
  ADD ("sound", "off", test_sound);
#undef ADD
#ifdef HAVE_SPICE_FIXTURE
  g_test_add_func ("/console-window/shown", test_shown);
  g_test_add_func ("/console-window/hints", test_hints);
#endif
  return g_test_run ();
}
