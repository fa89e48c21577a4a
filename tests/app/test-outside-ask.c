/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a start may ask for: a machine from elsewhere for files of this computer, an encrypted one
 * for its passphrase. The library's questions. */
#include "app-fixture.h"

#include "gtk/lodge-library-window.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeMachineList *machines;
  LodgeConsoleLauncher *launcher;
  LodgeLibraryWindow *window;
  const char *uuid;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->engine = fake_engine_new (NULL);
  f->uuid = fake_engine_add_machine (f->engine, "web", "off");
  f->connection = lodge_connection_new ();
  f->machines = lodge_machine_list_new (f->connection);
  f->launcher = lodge_console_launcher_new ("/nowhere/console");
  f->window = LODGE_LIBRARY_WINDOW (
      lodge_library_window_new (NULL, f->connection, f->machines, f->launcher));
  gtk_window_present (GTK_WINDOW (f->window));
  lodge_connection_open (f->connection);
  app_wait_until (lodge_machine_list_get_loaded (f->machines));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->window != NULL)
    app_destroy_window (f->window);
  app_assert_dies (f->launcher);
  app_assert_dies (f->machines);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
}

static AdwMessageDialog *
start (Fixture *f)
{
  g_assert_true (
      gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.start", "s", f->uuid));
  app_wait_until (app_get_dialog () != NULL);
  return app_get_dialog ();
}

static gboolean
has_state (Fixture *f, const char *state)
{
  g_autofree char *now = fake_engine_dup_state (f->engine, f->uuid);

  return g_str_equal (now, state);
}

/* Each file is named, what looks like one of the machine's own by what it is; a name is no markup.
 */
static void
test_accept (Fixture *f, gconstpointer data)
{
  AdwMessageDialog *dialog;
  const char *body;

  fake_engine_add_outside (f->engine, f->uuid, "boot.kernel", "/home/me/<b>secret</b>", "");
  fake_engine_add_outside (f->engine, f->uuid, "media.cd0.file", "/lodge/web/cd.iso",
                           "/home/me/x\n\xe2\x80\xae");
  dialog = start (f);
  body = adw_message_dialog_get_body (dialog);
  g_assert_false (adw_message_dialog_get_body_use_markup (dialog));
  g_assert_nonnull (strstr (body, "/home/me/<b>secret</b>"));
  g_assert_nonnull (
      strstr (body, "/lodge/web/cd.iso, which is /home/me/x\xef\xbf\xbd\xef\xbf\xbd"));
  app_click (dialog, "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "AcceptPaths"));
  g_assert_true (has_state (f, "off"));

  app_click (start (f), "_Accept and Start");
  app_wait_until (has_state (f, "running"));
  g_assert_true (app_was_called (
      f->engine, "AcceptPaths web ['/home/me/<b>secret</b>', '/lodge/web/cd.iso']"));
  g_assert_null (app_get_dialog ());
}

static void
answer (AdwMessageDialog *dialog, const char *passphrase)
{
  GtkEntry *entry = app_find (dialog, GTK_TYPE_ENTRY);

  g_assert_nonnull (entry);
  gtk_editable_set_text (GTK_EDITABLE (entry), passphrase);
  app_click (dialog, "_Unlock");
}

/* Asked for again where it is wrong, and not at all by somebody who has had enough. */
static void
test_passphrase (Fixture *f, gconstpointer data)
{
  AdwMessageDialog *dialog;

  fake_engine_encrypt (f->engine, f->uuid, "correct horse");
  dialog = start (f);
  g_assert_cmpstr (adw_message_dialog_get_heading (dialog), ==, "Unlock “web”");
  app_assert_named (dialog);
  /* Nothing is no passphrase. */
  g_assert_false (adw_message_dialog_get_response_enabled (dialog, "act"));
  app_click (dialog, "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "Unlock"));

  answer (start (f), "wrong");
  app_wait_until (app_was_called (f->engine, "Unlock"));
  app_wait_until (app_get_dialog () != NULL &&
                  strstr (adw_message_dialog_get_body (app_get_dialog ()), "not the passphrase"));
  gtk_check_button_set_active (app_find (app_get_dialog (), GTK_TYPE_CHECK_BUTTON), TRUE);
  answer (app_get_dialog (), "correct horse");
  app_wait_until (has_state (f, "running"));
  g_assert_true (fake_engine_is_remembered (f->engine, f->uuid));
  app_wait_until (app_get_dialog () == NULL);
}

/* The passphrase was right: what was asked for is done, and what was not is said. */
static void
test_no_keyring (Fixture *f, gconstpointer data)
{
  AdwMessageDialog *dialog;

  fake_engine_encrypt (f->engine, f->uuid, "correct horse");
  fake_engine_set_keyring_problem (f->engine, f->uuid, "There is <no> keyring");
  dialog = start (f);
  gtk_check_button_set_active (app_find (dialog, GTK_TYPE_CHECK_BUTTON), TRUE);
  answer (dialog, "correct horse");
  app_wait_until (
      app_get_dialog () != NULL &&
      app_find_label (app_get_dialog (), "Could Not Keep the Key of “web” in the Keyring") != NULL);
  g_assert_nonnull (app_find_label (
      app_get_dialog (), "The passphrase will be asked for again: There is <no> keyring"));
  app_wait_until (has_state (f, "running"));
  app_click (app_get_dialog (), "_Close");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_false (fake_engine_is_remembered (f->engine, f->uuid));
}

static guint
count_dialogs (void)
{
  GListModel *windows = gtk_window_get_toplevels ();
  guint n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    n += ADW_IS_MESSAGE_DIALOG (window) && gtk_widget_get_visible (window) ? 1 : 0;
  }
  return n;
}

/* A second click, also while the question is on its way, asks nothing else. */
static void
test_once (Fixture *f, gconstpointer data)
{
  fake_engine_encrypt (f->engine, f->uuid, "correct horse");
  fake_engine_set_delay (f->engine, "OpenMachine", 100);
  for (guint i = 0; i < 2; i++)
    gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.start", "s", f->uuid);
  app_wait_until (app_get_dialog () != NULL);
  fake_engine_clear_calls (f->engine);
  start (f);
  app_wait_until (app_was_called (f->engine, "Start"));
  app_settle ();
  g_assert_cmpuint (count_dialogs (), ==, 1);
  answer (app_get_dialog (), "correct horse");
  app_wait_until (has_state (f, "running"));
  app_wait_until (app_get_dialog () == NULL);

  /* The next one is a question of its own. */
  fake_engine_set_state (f->engine, f->uuid, "off");
  fake_engine_encrypt (f->engine, f->uuid, "correct horse");
  app_click (start (f), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  app_click (start (f), "_Cancel");
}

/* What is asked has no meaning any more: the window is closed, the machine deleted, or
 * unlocked by somebody else. */
static void
test_taken_back (Fixture *f, gconstpointer data)
{
  fake_engine_encrypt (f->engine, f->uuid, "correct horse");
  start (f);
  fake_engine_unlock (f->engine, f->uuid);
  app_wait_until (app_get_dialog () == NULL);
  app_settle ();
  g_assert_true (has_state (f, "off"));
  fake_engine_encrypt (f->engine, f->uuid, "correct horse");
  start (f);
  if (g_str_equal (data, "window"))
    app_destroy_window (g_steal_pointer (&f->window));
  else
    fake_engine_remove_machine (f->engine, f->uuid);
  app_wait_until (app_get_dialog () == NULL);
}

static void
test_outside_taken_back (Fixture *f, gconstpointer data)
{
  fake_engine_add_outside (f->engine, f->uuid, "boot.kernel", "/home/me/secret", "");
  start (f);
  fake_engine_remove_machine (f->engine, f->uuid);
  app_wait_until (app_get_dialog () == NULL);
  app_settle ();
  g_assert_false (app_was_called (f->engine, "AcceptPaths"));
}

/* Another refusal is told as it is. */
static void
test_other (Fixture *f, gconstpointer data)
{
  AdwMessageDialog *dialog;

  fake_engine_fail_next (f->engine, "Start", LODGE_ERROR_DENIED, "/dev/kvm may not be opened");
  dialog = start (f);
  g_assert_cmpstr (adw_message_dialog_get_body (dialog), ==, "/dev/kvm may not be opened");
  app_click (dialog, "_Close");
}

/* Closed over the question that is on its way. */
static void
test_closed (Fixture *f, gconstpointer data)
{
  fake_engine_add_outside (f->engine, f->uuid, "boot.kernel", "/home/me/secret", "");
  fake_engine_set_delay (f->engine, "OpenMachine", 300);
  g_assert_true (
      gtk_widget_activate_action (GTK_WIDGET (f->window), "machine.start", "s", f->uuid));
  app_wait_until (app_was_called (f->engine, "Start"));
  app_destroy_window (g_steal_pointer (&f->window));
  app_settle ();
  g_assert_null (app_get_dialog ());
}

int
main (int argc, char *argv[])
{
  if (!app_test_init (&argc, &argv))
    return 0;
#define ADD(name, function)                                                                        \
  g_test_add ("/outside-ask/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("accept", test_accept);
  ADD ("passphrase", test_passphrase);
  ADD ("no-keyring", test_no_keyring);
  ADD ("once", test_once);
  g_test_add ("/outside-ask/taken-back/window", Fixture, "window", set_up, test_taken_back,
              tear_down);
  g_test_add ("/outside-ask/taken-back/machine", Fixture, "machine", set_up, test_taken_back,
              tear_down);
  ADD ("taken-back/outside", test_outside_taken_back);
  ADD ("other", test_other);
  ADD ("closed", test_closed);
  return g_test_run ();
}
