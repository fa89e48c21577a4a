/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of a machine's snapshots: what it shows, and its keyboard. */
#include "snapshots-fixture.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-snapshot-card.h"

#include <string.h>

typedef SnapshotsFixture Test;

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
    g_assert_cmpstr (snapshots_get_row (test, i)->name, ==, names[i]);
  card = snapshots_find_card (test, "installed");
  g_assert_nonnull (app_find_label (card, "fresh from the installer"));
  g_assert_nonnull (app_find_label (card, "1 January 2026, 12:00 · 2.0\xc2\xa0GiB"));
  g_assert_null (app_find_label (card, "Automatic"));
  g_assert_nonnull (app_find_label (snapshots_find_card (test, "before going back"), "Automatic"));
  /* The present is selected, and has nothing to be done with it. */
  card = snapshots_find_card (test, "Now");
  g_assert_nonnull (card);
  g_assert_cmpuint (app_count (card, GTK_TYPE_BUTTON), ==, 0);
  g_assert_cmpuint (gtk_single_selection_get_selected (test->window->selection), ==, 4);
  g_assert_false (gtk_widget_get_visible (test->window->hint));
  app_assert_named (test->window);

  /* One of them for a console window. */
  gtk_widget_activate_action (GTK_WIDGET (test->console), "console.snapshots", NULL);
  g_assert_true (snapshots_find_window (test) == test->window);
}

static void
set_key (Test *test, const char *key, const char *text)
{
  GVariantBuilder changes;

  g_variant_builder_init (&changes, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&changes, "{ss}", key, text);
  lodge_machine1_call_set (test->window->base.machine, g_variant_builder_end (&changes), NULL, NULL,
                           NULL);
}

/* Those that are taken by themselves: what is chosen is set at once, when the choice is closed. */
static void
test_schedule (Test *test, gconstpointer data)
{
  GtkMenuButton *button = GTK_MENU_BUTTON (gtk_widget_get_ancestor (
      GTK_WIDGET (app_find_label (test->window, "Change…")), GTK_TYPE_MENU_BUTTON));
  GtkWidget *popover = GTK_WIDGET (gtk_menu_button_get_popover (button));
  AdwComboRow *combo;

  g_assert_nonnull (app_find_label (test->window, "None are taken automatically"));
  gtk_menu_button_popup (button);
  app_wait_until (gtk_widget_get_mapped (popover));
  combo = app_find (popover, ADW_TYPE_COMBO_ROW);
  g_assert_cmpuint (adw_combo_row_get_selected (combo), ==, 0);
  app_assert_named (test->window);
  gtk_menu_button_popdown (button);
  app_wait_until (!gtk_widget_get_mapped (popover));
  app_settle ();
  g_assert_false (app_was_called (test->engine, "Set"));

  gtk_menu_button_popup (button);
  app_wait_until (gtk_widget_get_mapped (popover));
  adw_combo_row_set_selected (combo, 1);
  gtk_spin_button_set_value (app_find (popover, GTK_TYPE_SPIN_BUTTON), 4);
  gtk_menu_button_popdown (button);
  app_wait_until (app_find_label (test->window, "Automatic: every 4 hours, the last 10 kept") !=
                  NULL);

  set_key (test, "snapshots.schedule", "daily");
  set_key (test, "snapshots.keep-days", "7");
  app_wait_until (
      app_find_label (test->window, "Automatic: every day, kept for 7 days, the last 10 at most") !=
      NULL);
  set_key (test, "snapshots.keep-last", "0");
  app_wait_until (app_find_label (test->window, "Automatic: every day, kept for 7 days") != NULL);

  /* Escape is a way out of it. */
  fake_engine_clear_calls (test->engine);
  gtk_menu_button_popup (button);
  app_wait_until (gtk_widget_get_mapped (popover));
  adw_combo_row_set_selected (combo, 3);
  app_xdotool ("key Escape");
  app_wait_until (!gtk_widget_get_mapped (popover));
  app_settle ();
  g_assert_false (app_was_called (test->engine, "Set"));
  g_assert_nonnull (app_find_label (test->window, "Automatic: every day, kept for 7 days"));

  /* What is refused is shown, and nothing of it stays. */
  fake_engine_fail_next (test->engine, "Set", LODGE_ERROR_STORAGE, "The disk is full.");
  gtk_menu_button_popup (button);
  app_wait_until (gtk_widget_get_mapped (popover));
  adw_combo_row_set_selected (combo, 0);
  gtk_menu_button_popdown (button);
  snapshots_assert_message ("The disk is full.", test->window);
  g_assert_nonnull (app_find_label (test->window, "Automatic: every day, kept for 7 days"));
}

/* What is chosen while the engine is away is not lost without a word; a look at it says nothing. */
static void
test_schedule_away (Test *test, gconstpointer data)
{
  GtkMenuButton *button = GTK_MENU_BUTTON (gtk_widget_get_ancestor (
      GTK_WIDGET (app_find_label (test->window, "Change…")), GTK_TYPE_MENU_BUTTON));
  GtkWidget *popover = GTK_WIDGET (gtk_menu_button_get_popover (button));

  for (guint i = 0; i < 2; i++) {
    app_wait_until (snapshots_can_take (test));
    gtk_menu_button_popup (button);
    app_wait_until (gtk_widget_get_mapped (popover));
    if (i == 1)
      adw_combo_row_set_selected (app_find (popover, ADW_TYPE_COMBO_ROW), 2);
    fake_engine_drop_clients (test->engine);
    app_wait_until (test->window->base.machine == NULL);
    gtk_menu_button_popdown (button);
    if (i == 0)
      g_assert_null (app_get_dialog ());
  }
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Change the Schedule"));
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "cannot be reached"));
  app_answer ("close");
  g_assert_false (app_was_called (test->engine, "Set"));
  app_wait_until (app_find_label (test->window, "None are taken automatically") != NULL);
}

/* With fewer kept, those that are there would go without a word. */
static void
test_expired (Test *test, gconstpointer data)
{
  GtkMenuButton *button = GTK_MENU_BUTTON (gtk_widget_get_ancestor (
      GTK_WIDGET (app_find_label (test->window, "Change…")), GTK_TYPE_MENU_BUTTON));
  GtkWidget *popover = GTK_WIDGET (gtk_menu_button_get_popover (button));

  for (guint i = 0; i < 5; i++) {
    g_autofree char *id = g_strdup_printf ("a%u", i);
    g_autofree char *name = g_strdup_printf ("Automatic %u", i);

    fake_engine_add_snapshot (test->engine, "web", id, name, "s2", FALSE);
    app_wait_until (snapshots_find_card (test, name) != NULL);
  }
  for (guint i = 0; i < 2; i++) {
    gtk_menu_button_popup (button);
    app_wait_until (gtk_widget_get_mapped (popover));
    adw_combo_row_set_selected (app_find (popover, ADW_TYPE_COMBO_ROW), 2);
    gtk_spin_button_set_value (app_find (popover, GTK_TYPE_SPIN_BUTTON), 2);
    gtk_menu_button_popdown (button);
    app_wait_until (app_get_dialog () != NULL);
    g_assert_nonnull (app_find_label (app_get_dialog (), "Delete 3 Automatic Snapshots?"));
    g_assert_false (app_was_called (test->engine, "Set"));
    app_answer (i == 0 ? "cancel" : "act");
  }
  app_wait_until (app_find_label (test->window, "Automatic: every day, the last 2 kept") != NULL);

  /* Switched off, all of them stay. */
  fake_engine_clear_calls (test->engine);
  gtk_menu_button_popup (button);
  app_wait_until (gtk_widget_get_mapped (popover));
  adw_combo_row_set_selected (app_find (popover, ADW_TYPE_COMBO_ROW), 0);
  gtk_menu_button_popdown (button);
  app_wait_until (app_find_label (test->window, "None are taken automatically") != NULL);
}

/* Names and descriptions are text, whatever is in them. */
static void
test_markup (Test *test, gconstpointer data)
{
  fake_engine_add_snapshot (test->engine, "web", "s9", "<b>a</b> & \n b", "s2", FALSE);
  app_wait_until (snapshots_find_card (test, "<b>a</b> & \n b") != NULL);
  app_ask (test->window, "snapshots.delete", "s9");
  g_assert_nonnull (app_find_label (app_get_dialog (), "Delete the Snapshot “<b>a</b> & \n b”?"));
  app_answer ("cancel");
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
  app_wait_until (snapshots_is_page (test, "empty"));
  g_assert_nonnull (app_find_label (test->window, "No Snapshots Yet"));
  g_assert_false (gtk_widget_get_visible (test->window->take_button));
  /* Enter takes the first one. */
  app_wait_until (is_button (gtk_window_get_focus (GTK_WINDOW (test->window)), "_Take Snapshot…"));
  app_click (gtk_stack_get_visible_child (test->window->pages), "_Take Snapshot…");
  app_wait_until (app_get_dialog () != NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (snapshots_is_page (test, "list"));
  g_assert_cmpuint (test->window->rows->len, ==, 2);
}

/* They are there before anybody looks: thousands of changes, each of them told, are another thing.
 */
static void
test_many (Test *test, gconstpointer data)
{
  fake_engine_clear_snapshots (test->engine, "web");
  for (guint i = 0; i < LODGE_SNAPSHOT_MAX_ROWS + 5; i++) {
    g_autofree char *id = g_strdup_printf ("n%u", i);
    g_autofree char *parent = i > 0 ? g_strdup_printf ("n%u", i / 2) : g_strdup ("");

    fake_engine_add_snapshot (test->engine, "web", id, id, parent, i == 7);
  }
  snapshots_open_window (test);
  app_wait_until (snapshots_is_page (test, "list"));
  g_assert_cmpuint (test->window->rows->len, ==, LODGE_SNAPSHOT_MAX_ROWS + 1);
  g_assert_nonnull (app_find_label (test->window, "and 5 more"));
  /* The list is at the present. */
  app_wait_until (snapshots_find_card (test, "Now") != NULL);
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
  app_wait_until ((card = snapshots_find_card (test, "seen")) != NULL &&
                  (picture = app_find (card, GTK_TYPE_PICTURE)) != NULL &&
                  gtk_picture_get_paintable (GTK_PICTURE (picture)) != NULL);
  g_assert_null (app_find (snapshots_find_card (test, "installed"), GTK_TYPE_PICTURE));

  app_ask (test->window, "snapshots.describe", "s9");
  gtk_editable_set_text (app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW), "seen again");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until ((card = snapshots_find_card (test, "seen again")) != NULL &&
                  (picture = app_find (card, GTK_TYPE_PICTURE)) != NULL &&
                  gtk_picture_get_paintable (GTK_PICTURE (picture)) != NULL);
  calls = fake_engine_dup_calls (test->engine);
  for (guint i = 0; calls[i] != NULL; i++)
    n += g_str_has_prefix (calls[i], "GetSnapshotThumbnail");
  g_assert_cmpuint (n, ==, 1);
}

/* Of a guest that runs one has its memory; who goes back from there is told what becomes of it. */
static void
test_running (Test *test, gconstpointer data)
{
  GtkLabel *facts = NULL;

  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (lodge_snapshots_window_is_live (test->window) && test->window->checking == NULL &&
                  snapshots_can_take (test));
  g_assert_false (gtk_widget_get_visible (test->window->hint));
  g_assert_true (gtk_widget_is_sensitive (
      app_find (snapshots_find_card (test, "installed"), GTK_TYPE_BUTTON)));
  app_ask (test->window, "snapshots.go-back", "s1");
  g_assert_nonnull (
      strstr (adw_message_dialog_get_body (app_get_dialog ()), "with its memory, is kept"));
  gtk_check_button_set_active (
      GTK_CHECK_BUTTON (app_find (app_get_dialog (), GTK_TYPE_CHECK_BUTTON)), TRUE);
  g_assert_nonnull (
      strstr (adw_message_dialog_get_body (app_get_dialog ()), "in its memory and on its disks"));
  /* It ends meanwhile, and nobody has been asked about that. */
  fake_engine_set_state (test->engine, "web", "off");
  app_wait_until (app_get_dialog () == NULL);
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (lodge_snapshots_window_is_live (test->window) && test->window->checking == NULL &&
                  snapshots_can_take (test));
  app_ask (test->window, "snapshots.take", NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "1.0\xc2\xa0GiB"));
  g_assert_null (strstr (adw_message_dialog_get_body (app_get_dialog ()), "seconds"));
  gtk_editable_set_text (app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW), "live");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (snapshots_find_card (test, "live") != NULL);
  facts = app_find_label (snapshots_find_card (test, "live"),
                          "1 January 2026, 12:04 · 512.0\xc2\xa0KiB · "
                          "while it ran");
  g_assert_nonnull (facts);
  /* It had no picture yet: there is an icon. */
  g_assert_null (app_find (snapshots_find_card (test, "live"), GTK_TYPE_PICTURE));
  g_assert_nonnull (app_find (snapshots_find_card (test, "live"), GTK_TYPE_STACK));
  g_assert_null (app_find (snapshots_find_card (test, "installed"), GTK_TYPE_STACK));
  app_wait_until (test->window->checking == NULL && snapshots_can_take (test));
  /* The guest stood still for longer than one would like. */
  app_ask (test->window, "snapshots.take", NULL);
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "1.8 seconds"));
  app_answer ("cancel");
  /* That may be done at any time. */
  app_ask (test->window, "snapshots.delete", "s1");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (snapshots_find_card (test, "installed") == NULL);
  fake_engine_set_state (test->engine, "web", "off");
  app_wait_until (!gtk_widget_get_visible (test->window->hint));
  app_wait_until (snapshots_can_take (test));
  app_ask (test->window, "snapshots.go-back", "s4");
  g_assert_nonnull (strstr (adw_message_dialog_get_body (app_get_dialog ()), "runs again"));
  app_answer ("cancel");
}

static gboolean
says (Test *test, const char *words)
{
  return gtk_widget_get_visible (test->window->hint) &&
         g_str_equal (gtk_label_get_text (test->window->hint_label), words);
}

/* What the engine says is in the way of one is said, and what to do about it. */
static void
test_blocked (Test *test, gconstpointer data)
{
  fake_engine_block_snapshots (test->engine, "web", "There is a <device> & more.");
  app_wait_until (says (test, "There is a <device> & more.\nDo <this>."));
  g_assert_false (snapshots_can_take (test));
  /* All of it: who lifts one of them would find the next. */
  fake_engine_block_snapshots_also (test->engine, "web", "QEMU cannot save it: virgl is not.",
                                    "Switch 3D acceleration off (display.3d=no).");
  app_wait_until (says (test, "There is a <device> & more.\nDo <this>.\n\n"
                              "QEMU cannot save it: virgl is not.\n"
                              "Switch 3D acceleration off (display.3d=no)."));
  fake_engine_block_snapshots (test->engine, "web", NULL);
  app_wait_until (snapshots_can_take (test));
  g_assert_false (gtk_widget_get_visible (test->window->hint));
}

/* --- What is asked anew --- */

/* Longer than any test: it is answered by another call, or never. */
#define NEVER_MS 600000

static gboolean
can_answer (void)
{
  return adw_message_dialog_get_response_enabled (app_get_dialog (), LODGE_MESSAGE_ACT);
}

static gboolean
asks_about (const char *words)
{
  return strstr (adw_message_dialog_get_body (app_get_dialog ()), words) != NULL;
}

/* The machine has changed, and the engine is asked anew: this one is answered. */
static void
answer_now (Test *test, const char *snapshot)
{
  fake_engine_set_delay (test->engine, "CheckSnapshot", 0);
  fake_engine_add_snapshot (test->engine, "web", snapshot, snapshot, "s2", FALSE);
}

/* What was true before a start is not what is asked about after it. */
static void
test_check_on_its_way (Test *test, gconstpointer data)
{
  app_wait_until (snapshots_can_take (test));
  fake_engine_set_delay (test->engine, "CheckSnapshot", NEVER_MS);
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (lodge_snapshots_window_is_live (test->window));
  g_assert_false (snapshots_can_take (test));
  g_assert_false (gtk_widget_is_sensitive (
      app_find (snapshots_find_card (test, "installed"), GTK_TYPE_BUTTON)));
  app_wait_until (says (test, "Whether a snapshot can be taken now is being looked into"));
  g_assert_false (snapshots_can_take (test));
  answer_now (test, "s8");
  app_wait_until (snapshots_can_take (test));
  g_assert_false (gtk_widget_get_visible (test->window->hint));
  app_ask (test->window, "snapshots.take", NULL);
  g_assert_true (asks_about ("memory, up to"));

  /* The question follows, and waits. */
  g_assert_true (can_answer ());
  fake_engine_set_delay (test->engine, "CheckSnapshot", NEVER_MS);
  fake_engine_set_state (test->engine, "web", "off");
  app_wait_until (!lodge_snapshots_window_is_live (test->window));
  g_assert_false (can_answer ());
  app_wait_until (asks_about ("being looked into"));
  g_assert_false (can_answer ());
  answer_now (test, "s9");
  app_wait_until (can_answer ());
  g_assert_false (asks_about ("memory"));
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (app_was_called (test->engine, "CreateSnapshot"));
  app_wait_until (snapshots_can_take (test));
}

/* Who could not say it is not taken for one who said that there is no memory; and is asked again.
 */
static void
test_check_failed (Test *test, gconstpointer data)
{
  fake_engine_fail_next (test->engine, "CheckSnapshot", LODGE_ERROR_FAILED, "No <answer> & no.");
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (test->window->check == LODGE_SNAPSHOTS_CHECK_FAILED);
  g_assert_true (gtk_widget_get_visible (test->window->hint));
  g_assert_nonnull (
      strstr (gtk_label_get_text (test->window->hint_label), "found out: No <answer> & no.\n"));
  g_assert_true (snapshots_can_take (test));
  app_ask (test->window, "snapshots.take", NULL);
  g_assert_true (asks_about ("guest’s memory"));
  g_assert_true (asks_about ("could not be found out"));

  fake_engine_set_note (test->engine, "web", "Something else has changed");
  app_wait_until (asks_about ("memory, up to 1.0\xc2\xa0GiB"));
  g_assert_false (gtk_widget_get_visible (test->window->hint));
  app_answer ("cancel");
}

/* --- Keys --- */

static gboolean
has_list_focus (Test *test)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (test->window));

  return focus != NULL && gtk_widget_get_mapped (focus) && gtk_widget_is_sensitive (focus) &&
         (focus == test->window->list || gtk_widget_is_ancestor (focus, test->window->list));
}

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
  app_cancel (test->window);
  app_xdotool ("key F2");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Rename or Describe Snapshot"));
  app_cancel (test->window);
  app_xdotool ("key Delete");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Delete the Snapshot “patched”?"));
  app_cancel (test->window);
  app_xdotool ("key Menu");
  app_wait_until (app_find (snapshots_find_card (test, "patched"), GTK_TYPE_POPOVER_MENU) != NULL);
  app_xdotool ("key Escape");
  app_wait_until (app_find (snapshots_find_card (test, "patched"), GTK_TYPE_POPOVER_MENU) == NULL);
  app_wait_until (has_list_focus (test) && gtk_window_is_active (GTK_WINDOW (test->window)));
  app_xdotool ("key ctrl+n");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Take Snapshot"));
  app_cancel (test->window);
  app_xdotool ("key Escape");
  app_wait_until (test->window == NULL);
}

/* The keyboard is somewhere after each question, whatever became of what it was asked with. */
static void
test_focus (Test *test, gconstpointer data)
{
  GtkWidget *card;

  app_wait_until (has_list_focus (test));
  /* With the button in the header, which is off meanwhile. */
  gtk_widget_grab_focus (test->window->take_button);
  app_ask (test->window, "snapshots.take", NULL);
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (test->window->rows->len == 6 && snapshots_can_take (test));
  app_wait_until (has_list_focus (test));

  /* With a menu, which is closed. */
  card = snapshots_find_card (test, "patched");
  lodge_snapshot_card_popup_menu (LODGE_SNAPSHOT_CARD (card));
  app_wait_until (app_find (card, GTK_TYPE_POPOVER_MENU) != NULL);
  gtk_widget_child_focus (app_find (card, GTK_TYPE_POPOVER_MENU), GTK_DIR_TAB_FORWARD);
  gtk_popover_popdown (app_find (card, GTK_TYPE_POPOVER_MENU));
  app_ask (test->window, "snapshots.describe", "s2");
  app_answer ("cancel");
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  app_wait_until (has_list_focus (test));

  /* With a row that goes. */
  app_ask (test->window, "snapshots.delete", "s2");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (snapshots_find_card (test, "patched") == NULL && snapshots_can_take (test));
  app_wait_until (has_list_focus (test));
}

static gboolean
is_asked (Test *test)
{
  return test->window->check == LODGE_SNAPSHOTS_CHECK_ASKED;
}

/* The keyboard stays on the button while the engine is asked again, however long that takes; what
 * is asked for meanwhile waits. One that was refused stays so until it is known better. */
static void
test_check_keeps_focus (Test *test, gconstpointer data)
{
  GtkWidget *button = test->window->take_button;

  app_wait_until (has_list_focus (test) && snapshots_can_take (test));
  gtk_widget_grab_focus (button);
  fake_engine_set_delay (test->engine, "CheckSnapshot", NEVER_MS);
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (is_asked (test));
  g_assert_true (gtk_widget_is_sensitive (button));
  app_wait_until (says (test, "Whether a snapshot can be taken now is being looked into"));
  g_assert_true (gtk_widget_is_sensitive (button));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (test->window)) == button);
  app_ask (test->window, "snapshots.take", NULL);
  g_assert_true (asks_about ("being looked into"));
  g_assert_false (can_answer ());
  answer_now (test, "s8");
  app_wait_until (can_answer ());
  app_answer ("cancel");
  app_wait_until (snapshots_can_take (test));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (test->window)) == button);

  fake_engine_block_snapshots (test->engine, "web", "There is <a> reason.");
  fake_engine_set_state (test->engine, "web", "paused");
  app_wait_until (says (test, "There is <a> reason.\nDo <this>."));
  g_assert_false (gtk_widget_is_sensitive (button));
  fake_engine_set_delay (test->engine, "CheckSnapshot", NEVER_MS);
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (is_asked (test));
  g_assert_false (gtk_widget_is_sensitive (button));
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
  app_ask (test->window, "snapshots.describe", "s1");
  gtk_editable_set_text (app_find (app_get_dialog (), ADW_TYPE_ENTRY_ROW), "renamed");
  app_answer (LODGE_MESSAGE_ACT);
  app_wait_until (snapshots_find_card (test, "renamed") != NULL && snapshots_can_take (test));
  app_wait_until (test->window->scroll_idle == 0);
  app_settle ();
  g_assert_cmpfloat (gtk_adjustment_get_value (adjustment), ==, 0);
}

/* A word that is wider than a screen is broken in its tooltip. */
static void
test_wide_word (Test *test, gconstpointer data)
{
  g_autofree char *wide = g_strnfill (200, 'W');
  GtkLabel *label = NULL;
  g_auto (GStrv) parts = NULL;
  g_autofree char *whole = NULL;

  fake_engine_add_snapshot (test->engine, "web", "s9", wide, "s2", FALSE);
  app_wait_until ((label = app_find_label (test->window, wide)) != NULL);
  parts = g_strsplit (gtk_widget_get_tooltip_text (GTK_WIDGET (label)), "\u200b", -1);
  whole = g_strjoinv ("", parts);
  g_assert_cmpstr (whole, ==, wide);
  for (guint i = 0; parts[i] != NULL; i++)
    g_assert_cmpuint (strlen (parts[i]), <=, 40);
}

/* Why neither can be done is there at once, for both. */
static void
test_suspended (Test *test, gconstpointer data)
{
  fake_engine_set_state (test->engine, "web", "suspended");
  app_wait_until (gtk_widget_get_visible (test->window->hint));
  fake_engine_block_snapshots (test->engine, "web", "None can be taken.");
  app_wait_until (strstr (gtk_label_get_text (test->window->hint_label), "None can be") != NULL);
  g_assert_nonnull (strstr (gtk_label_get_text (test->window->hint_label),
                            "once it is off: resume it and shut it down first, or discard"));
}

/* A question that does not apply any more is taken back. */
static void
test_question_follows (Test *test, gconstpointer data)
{
  app_ask (test->window, "snapshots.go-back", "s1");
  fake_engine_set_state (test->engine, "web", "running");
  app_wait_until (app_get_dialog () == NULL);
  fake_engine_set_state (test->engine, "web", "off");
  app_wait_until (!gtk_widget_get_visible (test->window->hint) && snapshots_can_take (test));
  app_ask (test->window, "snapshots.take", NULL);
  fake_engine_block_snapshots (test->engine, "web", "None can be taken.");
  app_wait_until (app_get_dialog () == NULL);
  fake_engine_block_snapshots (test->engine, "web", NULL);
  app_wait_until (snapshots_can_take (test));
  app_ask (test->window, "snapshots.describe", "s1");
  fake_engine_clear_snapshots (test->engine, "web");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_false (app_was_called (test->engine, "RevertSnapshot"));
  g_assert_false (app_was_called (test->engine, "CreateSnapshot"));
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(path, set_up, test)                                                                    \
  g_test_add ("/snapshots-window/" path, Test, NULL, set_up, test, snapshots_tear_down)
  ADD ("tree", snapshots_set_up_open, test_tree);
  ADD ("schedule", snapshots_set_up_open, test_schedule);
  ADD ("schedule-away", snapshots_set_up_open, test_schedule_away);
  ADD ("expired", snapshots_set_up_open, test_expired);
  ADD ("markup", snapshots_set_up_open, test_markup);
  ADD ("empty", snapshots_set_up_open, test_empty);
  ADD ("many", snapshots_set_up, test_many);
  ADD ("thumbnail", snapshots_set_up_open, test_thumbnail);
  ADD ("running", snapshots_set_up_open, test_running);
  ADD ("wide-word", snapshots_set_up_open, test_wide_word);
  ADD ("suspended", snapshots_set_up_open, test_suspended);
  ADD ("question-follows", snapshots_set_up_open, test_question_follows);
  ADD ("blocked", snapshots_set_up_open, test_blocked);
  ADD ("check-on-its-way", snapshots_set_up_open, test_check_on_its_way);
  ADD ("check-keeps-focus", snapshots_set_up_open, test_check_keeps_focus);
  ADD ("check-failed", snapshots_set_up_open, test_check_failed);
  ADD ("keys", snapshots_set_up_open, test_keys);
  ADD ("focus", snapshots_set_up_open, test_focus);
  ADD ("no-jump", snapshots_set_up_open, test_no_jump);
  return g_test_run ();
}
