/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of a machine's snapshots, and the console window's way to it. */
#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-snapshot-card.h"
#include "gtk/lodge-snapshots-window-private.h"

#include <string.h>

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  const char *uuid;
  LodgeConsoleWindow *console;
  LodgeSnapshotsWindow *window; /* weak */
} Test;

static LodgeSnapshotsWindow *
find_window (Test *test)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    if (LODGE_IS_SNAPSHOTS_WINDOW (window) && gtk_widget_get_visible (window))
      return LODGE_SNAPSHOTS_WINDOW (window);
  }
  return NULL;
}

static void
open_window (Test *test)
{
  g_assert_null (test->window);
  gtk_widget_activate_action (GTK_WIDGET (test->console), "console.snapshots", NULL);
  test->window = find_window (test);
  g_assert_nonnull (test->window);
  g_object_add_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
}

static gboolean
is_page (Test *test, const char *page)
{
  return g_str_equal (gtk_stack_get_visible_child_name (test->window->pages), page);
}

static void
set_up (Test *test, gconstpointer data)
{
  test->engine = fake_engine_new (NULL);
  test->uuid = fake_engine_add_machine (test->engine, "web", "off");
  test->connection = lodge_connection_new ();
  lodge_connection_open (test->connection);
  test->console =
      LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, test->connection, test->uuid));
  g_object_add_weak_pointer (G_OBJECT (test->console), (gpointer *) &test->console);
  gtk_window_present (GTK_WINDOW (test->console));
  app_wait_until (
      lodge_console_machine_get_machine (lodge_console_window_get_machine (test->console)) != NULL);
}

static void
set_up_open (Test *test, gconstpointer data)
{
  set_up (test, data);
  open_window (test);
  app_wait_until (is_page (test, "list"));
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
}

static void
tear_down (Test *test, gconstpointer data)
{
  if (test->console != NULL)
    gtk_window_destroy (GTK_WINDOW (test->console));
  app_wait_until (test->console == NULL && test->window == NULL);
  app_assert_dies (test->connection);
  fake_engine_free (test->engine);
}

/* The row with that name; NULL while it is not shown. */
static GtkWidget *
find_card (Test *test, const char *name)
{
  GtkLabel *label = app_find_label (test->window->list, name);

  return label != NULL ? gtk_widget_get_ancestor (GTK_WIDGET (label), LODGE_TYPE_SNAPSHOT_CARD)
                       : NULL;
}

static void
ask (Test *test, const char *action, const char *id)
{
  g_assert_true (
      gtk_widget_activate_action (GTK_WIDGET (test->window), action, id != NULL ? "s" : NULL, id));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_true (gtk_window_get_transient_for (GTK_WINDOW (app_get_dialog ())) ==
                 GTK_WINDOW (test->window));
}

static void
answer (const char *response)
{
  adw_message_dialog_response (app_get_dialog (), response);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

/* Nothing is on its way, and the machine is off. */
static gboolean
can_take (Test *test)
{
  return gtk_widget_is_sensitive (test->window->take_button);
}

static void
assert_message (const char *text, gpointer parent)
{
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), text));
  g_assert_true (gtk_window_get_transient_for (GTK_WINDOW (app_get_dialog ())) ==
                 GTK_WINDOW (parent));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

static const LodgeSnapshotRow *
get_row (Test *test, guint position)
{
  return g_ptr_array_index (test->window->rows, position);
}

/* --- What is shown --- */

static void
test_tree (Test *test, gconstpointer data)
{
  static const char *const names[] = {"installed", "before going back", "patched", "try\x1b[31m",
                                      ""};
  GtkWidget *card;

  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (test->window)), ==, "Snapshots of “web”");
  g_assert_cmpuint (test->window->rows->len, ==, G_N_ELEMENTS (names));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpstr (get_row (test, i)->name, ==, names[i]);
  card = find_card (test, "installed");
  g_assert_nonnull (app_find_label (card, "fresh from the installer"));
  g_assert_nonnull (app_find_label (card, "1 January 2026, 12:00 · 2.0\xc2\xa0GiB"));
  g_assert_null (app_find_label (card, "Automatic"));
  g_assert_nonnull (app_find_label (find_card (test, "before going back"), "Automatic"));
  /* The present is selected, and has nothing to be done with it. */
  card = find_card (test, "Now");
  g_assert_nonnull (card);
  g_assert_cmpuint (app_count (card, GTK_TYPE_BUTTON), ==, 0);
  g_assert_cmpuint (gtk_single_selection_get_selected (test->window->selection), ==, 4);
  g_assert_false (gtk_widget_get_visible (test->window->hint));
  app_assert_named (test->window);

  /* One of them for a console window. */
  gtk_widget_activate_action (GTK_WIDGET (test->console), "console.snapshots", NULL);
  g_assert_true (find_window (test) == test->window);
}

/* Names and descriptions are text, whatever is in them. */
static void
test_markup (Test *test, gconstpointer data)
{
  fake_engine_add_snapshot (test->engine, "web", "s9", "<b>a</b> & \n b", "s2", FALSE);
  app_wait_until (find_card (test, "<b>a</b> & \n b") != NULL);
  ask (test, "snapshots.delete", "s9");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Delete the Snapshot “<b>a</b> & \n b”?"));
  answer ("cancel");
  g_assert_false (app_was_called (test->engine, "DeleteSnapshot"));
}

static gboolean
is_button (GtkWidget *widget, const char *label)
{
  return widget != NULL && GTK_IS_BUTTON (widget) && gtk_widget_is_sensitive (widget) &&
         g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), label) == 0;
}

static void
test_empty (Test *test, gconstpointer data)
{
  fake_engine_clear_snapshots (test->engine, "web");
  app_wait_until (is_page (test, "empty"));
  g_assert_nonnull (app_find_label (test->window, "No Snapshots Yet"));
  g_assert_false (gtk_widget_get_visible (test->window->take_button));
  /* Enter takes the first one. */
  app_wait_until (is_button (gtk_window_get_focus (GTK_WINDOW (test->window)), "_Take Snapshot…"));
  app_click (gtk_stack_get_visible_child (test->window->pages), "_Take Snapshot…");
  app_wait_until (app_get_dialog () != NULL);
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (is_page (test, "list"));
  g_assert_cmpuint (test->window->rows->len, ==, 2);
}

static void
test_many (Test *test, gconstpointer data)
{
  fake_engine_clear_snapshots (test->engine, "web");
  for (guint i = 0; i < LODGE_SNAPSHOT_MAX_ROWS + 5; i++) {
    g_autofree char *id = g_strdup_printf ("n%u", i);
    g_autofree char *parent = i > 0 ? g_strdup_printf ("n%u", i / 2) : g_strdup ("");

    fake_engine_add_snapshot (test->engine, "web", id, id, parent, i == 7);
  }
  open_window (test);
  app_wait_until (is_page (test, "list"));
  g_assert_cmpuint (test->window->rows->len, ==, LODGE_SNAPSHOT_MAX_ROWS + 1);
  g_assert_nonnull (app_find_label (test->window, "and 5 more"));
  /* The list is at the present. */
  app_wait_until (find_card (test, "Now") != NULL);
}

/* A picture is asked for once, and another list does not lose it. */
static void
test_thumbnail (Test *test, gconstpointer data)
{
  g_autoptr (GBytes) png = fake_engine_make_picture (64, 40, 0x26a269);
  g_auto (GStrv) calls = NULL;
  GtkWidget *card, *picture;
  guint n = 0;

  fake_engine_set_picture (test->engine, "web", png);
  fake_engine_add_snapshot (test->engine, "web", "s9", "seen", "s2", FALSE);
  app_wait_until ((card = find_card (test, "seen")) != NULL &&
                  (picture = app_find (card, GTK_TYPE_PICTURE)) != NULL &&
                  gtk_picture_get_paintable (GTK_PICTURE (picture)) != NULL);
  g_assert_null (app_find (find_card (test, "installed"), GTK_TYPE_PICTURE));

  ask (test, "snapshots.describe", "s9");
  gtk_editable_set_text (app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW), "seen again");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until ((card = find_card (test, "seen again")) != NULL &&
                  (picture = app_find (card, GTK_TYPE_PICTURE)) != NULL &&
                  gtk_picture_get_paintable (GTK_PICTURE (picture)) != NULL);
  calls = fake_engine_dup_calls (test->engine);
  for (guint i = 0; calls[i] != NULL; i++)
    n += g_str_has_prefix (calls[i], "GetSnapshotThumbnail");
  g_assert_cmpuint (n, ==, 1);
}

/* Of a guest that runs one has its memory, and none can be gone back to: that is said before
 * anybody tries. */
static void
test_running (Test *test, gconstpointer data)
{
  GtkLabel *facts = NULL;

  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (gtk_widget_get_visible (test->window->hint));
  g_assert_cmpstr (gtk_label_get_text (test->window->hint_label), ==,
                   "“web” can go back to a snapshot only while it is off; now it is: Running");
  g_assert_false (
      gtk_widget_is_sensitive (app_find (find_card (test, "installed"), GTK_TYPE_BUTTON)));
  app_wait_until (test->window->checking == NULL && can_take (test));
  ask (test, "snapshots.take", NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "1.0\xc2\xa0GiB"));
  gtk_editable_set_text (app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW), "live");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (find_card (test, "live") != NULL);
  facts = app_find_label (find_card (test, "live"), "1 January 2026, 12:04 · 512.0\xc2\xa0KiB · "
                                                    "while it ran");
  g_assert_nonnull (facts);
  /* It had no picture yet: there is an icon. */
  g_assert_null (app_find (find_card (test, "live"), GTK_TYPE_PICTURE));
  g_assert_nonnull (app_find (find_card (test, "live"), GTK_TYPE_STACK));
  g_assert_null (app_find (find_card (test, "installed"), GTK_TYPE_STACK));
  app_wait_until (can_take (test));
  /* That may be done at any time. */
  ask (test, "snapshots.delete", "s1");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (find_card (test, "installed") == NULL);
  fake_engine_set_state (test->engine, "web", "off");
  app_wait_until (!gtk_widget_get_visible (test->window->hint));
  app_wait_until (can_take (test));
  ask (test, "snapshots.go-back", "s4");
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "runs again"));
  answer ("cancel");
}

/* What the engine says is in the way of one is said, and what to do about it. */
static void
test_blocked (Test *test, gconstpointer data)
{
  fake_engine_block_snapshots (test->engine, "web", "There is a <device> & more.");
  app_wait_until (gtk_widget_get_visible (test->window->hint));
  g_assert_cmpstr (gtk_label_get_text (test->window->hint_label), ==,
                   "There is a <device> & more.\nDo <this>.");
  g_assert_false (can_take (test));
  fake_engine_block_snapshots (test->engine, "web", NULL);
  app_wait_until (can_take (test));
  g_assert_false (gtk_widget_get_visible (test->window->hint));
}

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
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (find_card (test, "before the <update>") != NULL);
  g_assert_true (app_was_called (test->engine, "CreateSnapshot web 'before the <update>' '' {}"));
  /* The present goes on from it, and is the last row. */
  g_assert_cmpuint (test->window->rows->len, ==, 6);
  g_assert_true (get_row (test, 4)->current);
  g_assert_true (get_row (test, 5)->present);
  g_assert_true (get_row (test, 5)->above);
  app_wait_until (can_take (test));
  g_assert_false (gtk_revealer_get_reveal_child (test->window->work_revealer));
}

static void
test_go_back (Test *test, gconstpointer data)
{
  GtkCheckButton *discard;

  ask (test, "snapshots.go-back", "s1");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Go Back to “installed”?"));
  discard = app_find (app_get_dialog (), GTK_TYPE_CHECK_BUTTON);
  g_assert_false (gtk_check_button_get_active (discard));
  g_assert_cmpint (
      adw_message_dialog_get_response_appearance (app_get_dialog (), LODGE_MESSAGE_ACT), ==,
      ADW_RESPONSE_SUGGESTED);
  /* Enter goes back, and switches nothing. */
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (app_get_dialog ())) ==
                 gtk_window_get_default_widget (GTK_WINDOW (app_get_dialog ())));
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_snapshot_tree_find (test->window->rows, "s4") != NULL);
  g_assert_true (app_was_called (test->engine, "RevertSnapshot web 's1' {'keep': <true>}"));
  g_assert_true (lodge_snapshot_tree_find (test->window->rows, "s1")->current);
  app_wait_until (can_take (test));

  /* Losing the present is said so, and is not what Enter does. */
  ask (test, "snapshots.go-back", "s2");
  discard = app_find (app_get_dialog (), GTK_TYPE_CHECK_BUTTON);
  gtk_check_button_set_active (discard, TRUE);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "lost for good"));
  g_assert_cmpint (
      adw_message_dialog_get_response_appearance (app_get_dialog (), LODGE_MESSAGE_ACT), ==,
      ADW_RESPONSE_DESTRUCTIVE);
  g_assert_cmpstr (adw_message_dialog_get_default_response (app_get_dialog ()), ==, "cancel");
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (app_get_dialog ())) == GTK_WIDGET (discard));
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (lodge_snapshot_tree_find (test->window->rows, "s2")->current);
  g_assert_true (app_was_called (test->engine, "RevertSnapshot web 's2' {'keep': <false>}"));
  g_assert_cmpuint (test->window->rows->len, ==, 6);
}

static void
test_delete (Test *test, gconstpointer data)
{
  ask (test, "snapshots.delete", "s2");
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "10.0\xc2\xa0MiB"));
  answer ("cancel");
  g_assert_false (app_was_called (test->engine, "DeleteSnapshot"));
  ask (test, "snapshots.delete", "s2");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (find_card (test, "patched") == NULL);
  g_assert_true (app_was_called (test->engine, "DeleteSnapshot web 's2'"));
  g_assert_nonnull (find_card (test, "try\x1b[31m"));
}

static void
test_describe (Test *test, gconstpointer data)
{
  GtkEditable *entry;

  ask (test, "snapshots.describe", "s1");
  entry = app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW);
  g_assert_cmpstr (gtk_editable_get_text (entry), ==, "installed");
  gtk_editable_set_text (entry, "set up");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (find_card (test, "set up") != NULL);
  g_assert_true (app_was_called (test->engine,
                                 "DescribeSnapshot web 's1' 'set up' 'fresh from the installer'"));
}

static void
test_failures (Test *test, gconstpointer data)
{
  fake_engine_fail_next (test->engine, "CreateSnapshot", LODGE_ERROR_STATE, "Not <now> & here.");
  ask (test, "snapshots.take", NULL);
  answer (LODGE_MESSAGE_ACT);
  assert_message ("Not <now> & here.", test->window);
  app_wait_until (can_take (test));

  fake_engine_fail_next_job (test->engine, LODGE_ERROR_STORAGE, "No room.");
  ask (test, "snapshots.go-back", "s1");
  answer (LODGE_MESSAGE_ACT);
  assert_message ("No room.", test->window);
  app_wait_until (can_take (test));
  g_assert_cmpuint (test->window->rows->len, ==, 5);

  app_wait_until (test->window->listing == NULL);
  fake_engine_fail_next (test->engine, "ListSnapshots", LODGE_ERROR_FAILED, "No list.");
  lodge_snapshots_window_reload (test->window);
  assert_message ("No list.", test->window);
  g_assert_true (is_page (test, "list"));
}

static void
test_cancel (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  ask (test, "snapshots.take", NULL);
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (gtk_revealer_get_reveal_child (test->window->work_revealer));
  app_wait_until (gtk_progress_bar_get_fraction (test->window->progress) >= 0.5);
  g_assert_false (can_take (test));
  g_assert_cmpstr (gtk_label_get_text (test->window->step_label), ==, "Writing it down");
  app_settle ();
  app_click (test->window, "_Cancel");
  g_assert_cmpstr (gtk_label_get_text (test->window->step_label), ==, "Cancelling");
  app_wait_until (!gtk_revealer_get_reveal_child (test->window->work_revealer));
  app_wait_until (can_take (test));
  /* Who has cancelled knows it. */
  g_assert_null (app_get_dialog ());
  g_assert_cmpuint (test->window->rows->len, ==, 5);
}

static gboolean
has_list_focus (Test *test)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (test->window));

  return focus != NULL && gtk_widget_get_mapped (focus) && gtk_widget_is_sensitive (focus) &&
         (focus == test->window->list || gtk_widget_is_ancestor (focus, test->window->list));
}

/* The keyboard is somewhere after each question, whatever became of what it was asked with. */
static void
test_focus (Test *test, gconstpointer data)
{
  GtkWidget *card;

  app_wait_until (has_list_focus (test));
  /* With the button in the header, which is off meanwhile. */
  gtk_widget_grab_focus (test->window->take_button);
  ask (test, "snapshots.take", NULL);
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (test->window->rows->len == 6 && can_take (test));
  app_wait_until (has_list_focus (test));

  /* With a menu, which is closed. */
  card = find_card (test, "patched");
  lodge_snapshot_card_popup_menu (LODGE_SNAPSHOT_CARD (card));
  app_wait_until (app_find (card, GTK_TYPE_POPOVER_MENU) != NULL);
  gtk_widget_child_focus (app_find (card, GTK_TYPE_POPOVER_MENU), GTK_DIR_TAB_FORWARD);
  gtk_popover_popdown (app_find (card, GTK_TYPE_POPOVER_MENU));
  ask (test, "snapshots.describe", "s2");
  answer ("cancel");
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  app_wait_until (has_list_focus (test));

  /* With a row that goes. */
  ask (test, "snapshots.delete", "s2");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (find_card (test, "patched") == NULL && can_take (test));
  app_wait_until (has_list_focus (test));
}

/* What the user looks at stays in sight when another row is not where it was only by name. */
static void
test_no_jump (Test *test, gconstpointer data)
{
  GtkAdjustment *adjustment = gtk_scrolled_window_get_vadjustment (GTK_SCROLLED_WINDOW (
      gtk_widget_get_ancestor (GTK_WIDGET (test->window->list), GTK_TYPE_SCROLLED_WINDOW)));

  for (guint i = 0; i < 40; i++) {
    g_autofree char *id = g_strdup_printf ("n%u", i);

    fake_engine_add_snapshot (test->engine, "web", id, id, i > 0 ? "n0" : "", FALSE);
  }
  app_wait_until (test->window->rows->len == 45 && test->window->scroll_idle == 0);
  app_wait_until (gtk_adjustment_get_upper (adjustment) >
                  gtk_adjustment_get_page_size (adjustment) * 2);
  app_settle ();
  gtk_adjustment_set_value (adjustment, 0);
  app_settle ();
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 0);
  ask (test, "snapshots.describe", "s1");
  gtk_editable_set_text (app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW), "renamed");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (find_card (test, "renamed") != NULL && can_take (test));
  app_wait_until (test->window->scroll_idle == 0);
  app_settle ();
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 0);
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
  ask (test, "snapshots.take", NULL);
  answer (LODGE_MESSAGE_ACT);
  close_window (test);
  assert_message ("Not now.", test->console);
  app_wait_until (test->window == NULL);

  open_window (test);
  app_wait_until (is_page (test, "list"));
  fake_engine_fail_next_job (test->engine, LODGE_ERROR_STORAGE, "No room.");
  ask (test, "snapshots.take", NULL);
  answer (LODGE_MESSAGE_ACT);
  close_window (test);
  assert_message ("No room.", test->console);
  app_wait_until (test->window == NULL);
}

/* Where the window is closed the console says that it goes on, and when it is over. */
static void
test_close_and_hear (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  ask (test, "snapshots.take", NULL);
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (gtk_revealer_get_reveal_child (test->window->work_revealer));
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
  ask (test, "snapshots.take", NULL);
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (gtk_revealer_get_reveal_child (test->window->work_revealer));
  close_window (test);
  app_wait_until (app_find_label (test->console, "A snapshot is being taken") != NULL);
  fake_engine_finish_jobs (test->engine, LODGE_ERROR_STORAGE, "No room.");
  assert_message ("No room.", test->console);
  app_wait_until (app_find_label (test->console, "A snapshot is being taken") == NULL);
  app_wait_until (test->window == NULL);
}

/* A job goes on without the window, and is in the next one. */
static void
test_close_and_open (Test *test, gconstpointer data)
{
  fake_engine_set_hold_jobs (test->engine, TRUE);
  ask (test, "snapshots.delete", "s2");
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (gtk_revealer_get_reveal_child (test->window->work_revealer));
  close_window (test);
  app_wait_until (find_window (test) == NULL);
  g_object_remove_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
  test->window = NULL;
  open_window (test);
  app_wait_until (gtk_revealer_get_reveal_child (test->window->work_revealer));
  app_wait_until (is_page (test, "list"));
  g_assert_false (can_take (test));
  fake_engine_finish_jobs (test->engine, 0, NULL);
  app_wait_until (find_card (test, "patched") == NULL);
  app_wait_until (can_take (test));
  g_assert_false (gtk_revealer_get_reveal_child (test->window->work_revealer));
}

/* Somebody else's: it is shown, and its failure is theirs. */
static void
test_others_job (Test *test, gconstpointer data)
{
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  fake_engine_set_hold_jobs (test->engine, TRUE);
  g_assert_true (
      lodge_machine1_call_delete_snapshot_sync (test->window->machine, "s2", &path, NULL, &error));
  g_assert_no_error (error);
  app_wait_until (gtk_revealer_get_reveal_child (test->window->work_revealer));
  fake_engine_finish_jobs (test->engine, LODGE_ERROR_STORAGE, "No room.");
  app_wait_until (!gtk_revealer_get_reveal_child (test->window->work_revealer));
  app_wait_until (can_take (test));
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
    open_window (test);
    if (i == G_N_ELEMENTS (methods) - 1) {
      app_wait_until (is_page (test, "list"));
      ask (test, "snapshots.describe", "s9");
      answer (LODGE_MESSAGE_ACT);
    }
    app_wait_until (app_was_called (test->engine, methods[i]));
    close_window (test);
    app_wait_until (test->window == NULL);
    fake_engine_set_delay (test->engine, methods[i], 0);
  }
  /* And with the console window. */
  open_window (test);
  app_wait_until (is_page (test, "list"));
  fake_engine_set_delay (test->engine, "CreateSnapshot", 60);
  ask (test, "snapshots.take", NULL);
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_was_called (test->engine, "CreateSnapshot"));
}

static void
test_question_left_open (Test *test, gconstpointer data)
{
  ask (test, "snapshots.go-back", "s1");
  close_window (test);
  app_wait_until (test->window == NULL && app_get_dialog () == NULL);
}

static void
test_engine_goes (Test *test, gconstpointer data)
{
  fake_engine_drop_clients (test->engine);
  app_wait_until (!can_take (test));
  g_assert_true (is_page (test, "list"));
  app_wait_until (can_take (test));
  fake_engine_set_hold_jobs (test->engine, TRUE);
  ask (test, "snapshots.take", NULL);
  answer (LODGE_MESSAGE_ACT);
  app_wait_until (gtk_revealer_get_reveal_child (test->window->work_revealer));
  fake_engine_drop_clients (test->engine);
  assert_message ("The Lodge engine ended before this was finished; its next start finishes or "
                  "undoes it.",
                  test->window);
  /* It was the connection that ended: the job is found again. */
  app_wait_until (gtk_revealer_get_reveal_child (test->window->work_revealer));
  fake_engine_finish_jobs (test->engine, 0, NULL);
  app_wait_until (can_take (test));
}

static void
test_machine_goes (Test *test, gconstpointer data)
{
  fake_engine_remove_machine (test->engine, "web");
  app_wait_until (test->window == NULL);
  test->window = LODGE_SNAPSHOTS_WINDOW (lodge_snapshots_window_show (
      GTK_WINDOW (test->console), test->connection, test->uuid, "web"));
  g_object_add_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
  app_wait_until (is_page (test, "problem"));
}

/* --- Keys --- */

static void
test_keys (Test *test, gconstpointer data)
{
  /* The keyboard is in the list, at the present, with which nothing can be done. */
  app_wait_until (!test->window->focus_list);
  app_settle ();
  app_xdotool ("key Return");
  app_xdotool ("key F2");
  app_xdotool ("key Delete");
  g_assert_null (app_get_dialog ());

  app_xdotool ("key Up Up");
  app_xdotool ("key Return");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Go Back to “patched”?"));
  answer ("cancel");
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  app_xdotool ("key F2");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Rename or Describe Snapshot"));
  answer ("cancel");
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  app_xdotool ("key Delete");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Delete the Snapshot “patched”?"));
  answer ("cancel");
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  app_xdotool ("key Menu");
  app_wait_until (app_find (find_card (test, "patched"), GTK_TYPE_POPOVER_MENU) != NULL);
  app_xdotool ("key Escape");
  app_wait_until (app_find (find_card (test, "patched"), GTK_TYPE_POPOVER_MENU) == NULL);
  g_assert_true (gtk_widget_get_visible (GTK_WIDGET (test->window)));
  app_xdotool ("key ctrl+n");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Take Snapshot"));
  answer ("cancel");
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  app_xdotool ("key Escape");
  app_wait_until (test->window == NULL);
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, set_up, test)                                                                    \
  g_test_add ("/snapshots-window/" path, Test, NULL, set_up, test, tear_down)
  ADD ("tree", set_up_open, test_tree);
  ADD ("markup", set_up_open, test_markup);
  ADD ("empty", set_up_open, test_empty);
  ADD ("many", set_up, test_many);
  ADD ("thumbnail", set_up_open, test_thumbnail);
  ADD ("running", set_up_open, test_running);
  ADD ("blocked", set_up_open, test_blocked);
  ADD ("take", set_up_open, test_take);
  ADD ("go-back", set_up_open, test_go_back);
  ADD ("delete", set_up_open, test_delete);
  ADD ("describe", set_up_open, test_describe);
  ADD ("failures", set_up_open, test_failures);
  ADD ("cancel", set_up_open, test_cancel);
  ADD ("close-before-answer", set_up_open, test_close_before_answer);
  ADD ("close-and-hear", set_up_open, test_close_and_hear);
  ADD ("close-and-fail", set_up_open, test_close_and_fail);
  ADD ("close-and-open", set_up_open, test_close_and_open);
  ADD ("others-job", set_up_open, test_others_job);
  ADD ("close-while-loading", set_up, test_close_while_loading);
  ADD ("question-left-open", set_up_open, test_question_left_open);
  ADD ("engine-goes", set_up_open, test_engine_goes);
  ADD ("machine-goes", set_up_open, test_machine_goes);
  ADD ("keys", set_up_open, test_keys);
  ADD ("focus", set_up_open, test_focus);
  ADD ("no-jump", set_up_open, test_no_jump);
  return g_test_run ();
}
