/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done in the window of a machine's snapshots, and what comes of it, also where the window,
 * the engine or the machine goes meanwhile. */
#include "snapshots-fixture.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-snapshot-card.h"

#include <string.h>

typedef SnapshotsFixture Test;

/* --- What is done --- */

static void
test_take (Test *test, gconstpointer data)
{
  GtkEditable *entry;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *year = g_date_time_format (now, "%Y-");

  app_click (test->window, "_Take Snapshot…");
  app_wait_until (app_get_dialog () != NULL);
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  g_assert_true (g_str_has_prefix (gtk_editable_get_text (entry), year));
  gtk_editable_set_text (entry, "");
  g_assert_false (adw_message_dialog_get_response_enabled (app_get_dialog (), LODGE_MESSAGE_ACT));
  gtk_editable_set_text (entry, "patched");
  g_assert_false (adw_message_dialog_get_response_enabled (app_get_dialog (), LODGE_MESSAGE_ACT));
  g_assert_nonnull (app_find_label (app_get_dialog (), "There is already a snapshot “patched”."));
  for (guint i = 0; i < 2; i++) {
    g_autofree char *long_name = g_strnfill (65, 'x');

    gtk_editable_set_text (entry, i == 0 ? "  " : long_name);
    g_assert_false (adw_message_dialog_get_response_enabled (app_get_dialog (), LODGE_MESSAGE_ACT));
    g_assert_nonnull (app_find_label (
        app_get_dialog (), i == 0 ? "A name does not begin or end with a space."
                                  : "A name has at most 64 characters; this one has 65."));
  }
  gtk_editable_set_text (entry, "before the <update>");
  g_assert_true (adw_message_dialog_get_response_enabled (app_get_dialog (), LODGE_MESSAGE_ACT));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (snapshots_find_card (test, "before the <update>") != NULL);
  g_assert_true (app_was_called (test->engine, "CreateSnapshot web 'before the <update>' '' {}"));
  /* The present goes on from it, and is the last row. */
  g_assert_cmpuint (test->window->rows->len, ==, 6);
  g_assert_true (snapshots_get_row (test, 4)->current);
  g_assert_true (snapshots_get_row (test, 5)->present);
  g_assert_true (snapshots_get_row (test, 5)->above);
  app_wait_until (snapshots_can_take (test));
  g_assert_false (lodge_work_panel_is_shown (test->window->work_panel));
}

static void
test_go_back (Test *test, gconstpointer data)
{
  GtkCheckButton *discard;

  app_ask (test->window, "snapshots.go-back", "s1");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Go Back to “installed”?"));
  discard = app_find (app_get_dialog (), GTK_TYPE_CHECK_BUTTON);
  g_assert_false (gtk_check_button_get_active (discard));
  g_assert_cmpint (
      adw_message_dialog_get_response_appearance (app_get_dialog (), LODGE_MESSAGE_ACT), ==,
      ADW_RESPONSE_SUGGESTED);
  /* Enter goes back, and switches nothing. */
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (app_get_dialog ())) ==
                 gtk_window_get_default_widget (GTK_WINDOW (app_get_dialog ())));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_snapshot_tree_find (test->window->rows, "s4") != NULL);
  g_assert_true (app_was_called (test->engine, "RevertSnapshot web 's1' {'keep': <true>}"));
  g_assert_true (lodge_snapshot_tree_find (test->window->rows, "s1")->current);
  app_wait_until (snapshots_can_take (test));

  /* Losing the present is said so, and is not what Enter does. */
  app_ask (test->window, "snapshots.go-back", "s2");
  discard = app_find (app_get_dialog (), GTK_TYPE_CHECK_BUTTON);
  gtk_check_button_set_active (discard, TRUE);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "lost for good"));
  g_assert_cmpint (
      adw_message_dialog_get_response_appearance (app_get_dialog (), LODGE_MESSAGE_ACT), ==,
      ADW_RESPONSE_DESTRUCTIVE);
  g_assert_cmpstr (adw_message_dialog_get_default_response (app_get_dialog ()), ==, "cancel");
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (app_get_dialog ())) == GTK_WIDGET (discard));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_snapshot_tree_find (test->window->rows, "s2")->current);
  g_assert_true (app_was_called (test->engine, "RevertSnapshot web 's2' {'keep': <false>}"));
  g_assert_cmpuint (test->window->rows->len, ==, 6);
}

/* Memory that does not load any more need not be. */
static void
test_go_back_disks_only (Test *test, gconstpointer data)
{
  GtkWidget *without;

  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (lodge_snapshots_window_is_live (test->window) && snapshots_can_take (test));
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_snapshot_tree_find (test->window->rows, "s4") != NULL &&
                  snapshots_can_take (test));
  fake_engine_set_state (test->engine, "web", "off");
  app_wait_until (!lodge_snapshots_window_is_live (test->window) && snapshots_can_take (test));
  app_ask (test->window, "snapshots.go-back", "s4");
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "runs again"));
  without = gtk_widget_get_ancestor (
      GTK_WIDGET (app_find_label (app_get_dialog (), "Without the guest’s memory")),
      GTK_TYPE_CHECK_BUTTON);
  gtk_check_button_set_active (GTK_CHECK_BUTTON (without), TRUE);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "and is off"));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (
      app_was_called (test->engine, "RevertSnapshot web 's4' {'keep': <true>, 'memory': <false>}"));
  app_wait_until (snapshots_can_take (test));

  /* What has none does not ask. */
  app_ask (test->window, "snapshots.go-back", "s1");
  g_assert_null (app_find_label (app_get_dialog (), "Without the guest’s memory"));
  app_answer ("cancel");
}

static void
test_delete (Test *test, gconstpointer data)
{
  app_ask (test->window, "snapshots.delete", "s2");
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "10.0\xc2\xa0MiB"));
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()),
                            "Another 3.0\xc2\xa0MiB of it stay"));
  app_answer ("cancel");
  g_assert_false (app_was_called (test->engine, "DeleteSnapshot"));
  app_ask (test->window, "snapshots.delete", "s2");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (snapshots_find_card (test, "patched") == NULL);
  g_assert_true (app_was_called (test->engine, "DeleteSnapshot web 's2'"));
  g_assert_nonnull (snapshots_find_card (test, "try\x1b[31m"));
}

static void
test_describe (Test *test, gconstpointer data)
{
  GtkEditable *entry;

  app_ask (test->window, "snapshots.describe", "s1");
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "installed");
  gtk_editable_set_text (entry, "set up");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (snapshots_find_card (test, "set up") != NULL);
  g_assert_true (app_was_called (test->engine,
                                 "DescribeSnapshot web 's1' 'set up' 'fresh from the installer'"));
}

/* Done once the passphrase is there. */
static void
test_locked (Test *test, gconstpointer data)
{
  fake_engine_encrypt (test->engine, "web", "secret");
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_get_dialog () != NULL &&
                  app_find_label (app_get_dialog (), "Unlock “web”") != NULL);
  gtk_editable_set_text (GTK_EDITABLE (app_find (app_get_dialog (), GTK_TYPE_ENTRY)), "secret");
  fake_engine_clear_calls (test->engine);
  app_click (app_get_dialog (), "_Unlock");
  app_wait_until (app_was_called (test->engine, "CreateSnapshot"));
  app_wait_until (snapshots_can_take (test));
  g_assert_null (app_get_dialog ());
}

static void
test_failures (Test *test, gconstpointer data)
{
  fake_engine_fail_next (test->engine, "CreateSnapshot", LODGE_ERROR_STATE, "Not <now> & here.");
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  snapshots_assert_message ("Not <now> & here.", test->window);
  app_wait_until (snapshots_can_take (test));

  fake_engine_fail_next_job (test->engine, LODGE_ERROR_STORAGE, "No room.");
  app_ask (test->window, "snapshots.go-back", "s1");
  app_answer (LODGE_MESSAGE_ACT);
  snapshots_assert_message ("No room.", test->window);
  app_wait_until (snapshots_can_take (test));
  g_assert_cmpuint (test->window->rows->len, ==, 5);

  app_wait_until (test->window->listing == NULL);
  fake_engine_fail_next (test->engine, "ListSnapshots", LODGE_ERROR_FAILED, "No list.");
  lodge_snapshots_window_reload (test->window);
  snapshots_assert_message ("No list.", test->window);
  g_assert_true (snapshots_is_page (test, "list"));
}

static void
test_cancel (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_work_panel_is_shown (test->window->work_panel));
  app_wait_until (lodge_work_panel_get_fraction (test->window->work_panel) >= 0.5);
  g_assert_false (snapshots_can_take (test));
  g_assert_cmpstr (lodge_work_panel_get_step (test->window->work_panel), ==, "Writing it down");
  app_settle ();
  app_click (test->window, "_Cancel");
  g_assert_cmpstr (lodge_work_panel_get_step (test->window->work_panel), ==, "Cancelling");
  app_wait_until (!lodge_work_panel_is_shown (test->window->work_panel));
  app_wait_until (snapshots_can_take (test));
  /* Who has cancelled knows it. */
  g_assert_null (app_get_dialog ());
  g_assert_cmpuint (test->window->rows->len, ==, 5);
}

/* --- Closing, and what comes after --- */

static void
close_window (Test *test)
{
  gtk_window_close (GTK_WINDOW (test->window));
}

/* The call is refused, and then the job fails, when the window is closed: the console's shows it.
 */
static void
test_close_before_answer (Test *test, gconstpointer data)
{
  fake_engine_set_delay (test->engine, "CreateSnapshot", 50);
  fake_engine_fail_next (test->engine, "CreateSnapshot", LODGE_ERROR_STATE, "Not now.");
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  close_window (test);
  snapshots_assert_message ("Not now.", test->console);
  app_wait_until (test->window == NULL);

  snapshots_open_window (test);
  app_wait_until (snapshots_is_page (test, "list"));
  fake_engine_fail_next_job (test->engine, LODGE_ERROR_STORAGE, "No room.");
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  close_window (test);
  snapshots_assert_message ("No room.", test->console);
  app_wait_until (test->window == NULL);
}

/* Where the window is closed the console says that it goes on, and when it is over. */
static void
test_close_and_hear (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_work_panel_is_shown (test->window->work_panel));
  close_window (test);
  app_wait_until (app_find_label (test->console, "A snapshot is being taken") != NULL);
  fake_engine_finish_jobs (test->engine, 0, NULL);
  app_wait_until (app_find_label (test->console, "The snapshot was taken") != NULL);
  app_wait_until (app_find_label (test->console, "A snapshot is being taken") == NULL);
  app_wait_until (test->window == NULL);
}

static void
test_close_and_fail (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_work_panel_is_shown (test->window->work_panel));
  close_window (test);
  app_wait_until (app_find_label (test->console, "A snapshot is being taken") != NULL);
  fake_engine_finish_jobs (test->engine, LODGE_ERROR_STORAGE, "No room.");
  snapshots_assert_message ("No room.", test->console);
  app_wait_until (app_find_label (test->console, "A snapshot is being taken") == NULL);
  app_wait_until (test->window == NULL);
}

/* A job goes on without the window, and is in the next one. */
static void
test_close_and_open (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  app_ask (test->window, "snapshots.delete", "s2");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_work_panel_is_shown (test->window->work_panel));
  close_window (test);
  app_wait_until (snapshots_find_window (test) == NULL);
  g_object_remove_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
  test->window = NULL;
  snapshots_open_window (test);
  app_wait_until (lodge_work_panel_is_shown (test->window->work_panel));
  app_wait_until (snapshots_is_page (test, "list"));
  g_assert_false (snapshots_can_take (test));
  fake_engine_finish_jobs (test->engine, 0, NULL);
  app_wait_until (snapshots_find_card (test, "patched") == NULL);
  app_wait_until (snapshots_can_take (test));
  g_assert_false (lodge_work_panel_is_shown (test->window->work_panel));
}

/* Somebody else's: it is shown, and its failure is theirs. */
static void
test_others_job (Test *test, gconstpointer data)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  fake_engine_set_hold_jobs (test->engine, TRUE);
  g_assert_true (lodge_machine1_call_delete_snapshot_sync (test->window->base.machine, "s2", &path,
                                                           NULL, &error));
  g_assert_no_error (error);
  app_wait_until (lodge_work_panel_is_shown (test->window->work_panel));
  fake_engine_finish_jobs (test->engine, LODGE_ERROR_STORAGE, "No room.");
  app_wait_until (!lodge_work_panel_is_shown (test->window->work_panel));
  app_wait_until (snapshots_can_take (test));
  g_assert_null (app_get_dialog ());
}

/* Closed with everything on its way. */
static void
test_close_while_loading (Test *test, gconstpointer data)
{
  static const char *const methods[] = {"OpenMachine", "ListSnapshots",        "CheckSnapshot",
                                        "ListJobs",    "GetSnapshotThumbnail", "DescribeSnapshot"};
  g_autoptr (GBytes) png = fake_engine_make_picture (64, 40, 0x26a269);

  fake_engine_set_picture (test->engine, "web", png);
  fake_engine_add_snapshot (test->engine, "web", "s9", "seen", "s2", FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++) {
    g_test_message ("%s", methods[i]);
    fake_engine_set_delay (test->engine, methods[i], 60);
    fake_engine_clear_calls (test->engine);
    snapshots_open_window (test);
    if (i == G_N_ELEMENTS (methods) - 1) {
      app_wait_until (snapshots_is_page (test, "list"));
      app_ask (test->window, "snapshots.describe", "s9");
      app_answer (LODGE_MESSAGE_ACT);
    }
    app_wait_until (app_was_called (test->engine, methods[i]));
    close_window (test);
    app_wait_until (test->window == NULL);
    fake_engine_set_delay (test->engine, methods[i], 0);
  }
  /* And with the console window. */
  snapshots_open_window (test);
  app_wait_until (snapshots_is_page (test, "list"));
  fake_engine_set_delay (test->engine, "CreateSnapshot", 60);
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_was_called (test->engine, "CreateSnapshot"));
}

static void
test_question_left_open (Test *test, gconstpointer data)
{
  app_ask (test->window, "snapshots.go-back", "s1");
  close_window (test);
  app_wait_until (test->window == NULL && app_get_dialog () == NULL);
}

static void
test_engine_goes (Test *test, gconstpointer data)
{
  fake_engine_drop_clients (test->engine);
  app_wait_until (!snapshots_can_take (test));
  g_assert_true (snapshots_is_page (test, "list"));
  app_wait_until (snapshots_can_take (test));
  fake_engine_set_hold_jobs (test->engine, TRUE);
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_work_panel_is_shown (test->window->work_panel));
  fake_engine_drop_clients (test->engine);
  snapshots_assert_message (
      "The Lodge engine ended before this was finished; its next start finishes or "
      "undoes it.",
      test->window);
  /* It was the connection that ended: the job is found again. */
  app_wait_until (lodge_work_panel_is_shown (test->window->work_panel));
  fake_engine_finish_jobs (test->engine, 0, NULL);
  app_wait_until (snapshots_can_take (test));
}

static void
test_machine_goes (Test *test, gconstpointer data)
{
  fake_engine_remove_machine (test->engine, "web");
  app_wait_until (test->window == NULL);
  test->window = LODGE_SNAPSHOTS_WINDOW (
      lodge_machine_window_show (LODGE_TYPE_SNAPSHOTS_WINDOW, GTK_WINDOW (test->console),
                                 test->connection, test->uuid, "web"));
  g_object_add_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
  app_wait_until (snapshots_is_page (test, "problem"));
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, set_up, test)                                                                    \
  g_test_add ("/snapshots-work/" path, Test, NULL, set_up, test, snapshots_tear_down)
  ADD ("take", snapshots_set_up_open, test_take);
  ADD ("go-back", snapshots_set_up_open, test_go_back);
  ADD ("go-back-disks-only", snapshots_set_up_open, test_go_back_disks_only);
  ADD ("delete", snapshots_set_up_open, test_delete);
  ADD ("describe", snapshots_set_up_open, test_describe);
  ADD ("failures", snapshots_set_up_open, test_failures);
  ADD ("locked", snapshots_set_up_open, test_locked);
  ADD ("cancel", snapshots_set_up_open, test_cancel);
  ADD ("close-before-answer", snapshots_set_up_open, test_close_before_answer);
  ADD ("close-and-hear", snapshots_set_up_open, test_close_and_hear);
  ADD ("close-and-fail", snapshots_set_up_open, test_close_and_fail);
  ADD ("close-and-open", snapshots_set_up_open, test_close_and_open);
  ADD ("others-job", snapshots_set_up_open, test_others_job);
  ADD ("close-while-loading", snapshots_set_up, test_close_while_loading);
  ADD ("question-left-open", snapshots_set_up_open, test_question_left_open);
  ADD ("engine-goes", snapshots_set_up_open, test_engine_goes);
  ADD ("machine-goes", snapshots_set_up_open, test_machine_goes);
  return g_test_run ();
}
