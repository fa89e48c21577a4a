/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of what is shared with a guest, and the console window's way to it. */
#include "shared-fixture.h"

#include "gtk/lodge-shared-window.h"

typedef SharedFixture Test;

#define WRITABLE "The Guest May Change Files"

static double
get_x (Test *test, const char *title)
{
  double x, y;

  g_assert_true (gtk_widget_translate_coordinates (
      GTK_WIDGET (app_find_label (test->shared, title)), test->shared, 0, 0, &x, &y));
  return x;
}

static void
test_looks (void)
{
  Test test;

  shared_fixture_set_up (&test);
  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (test.shared)), ==, "Shared With “web”");
  /* The rows begin in one line. */
  app_wait_until (gtk_widget_get_width (shared_fixture_find_row (&test, "Shared Folder")) > 0);
  g_assert_cmpfloat (get_x (&test, "Shared Folder"), ==, get_x (&test, "Dropped Files"));
  shared_fixture_set_key (&test, "machine.name", "shop");
  app_wait_until (
      g_str_equal (gtk_window_get_title (GTK_WINDOW (test.shared)), "Shared With “shop”"));
  shared_fixture_tear_down (&test);
}

static void
test_folder (void)
{
  Test test;

  shared_fixture_set_up (&test);
  app_assert_named (test.shared);
  g_assert_false (gtk_widget_get_visible (test.window->folder_button));
  g_assert_null (shared_fixture_find_row (&test, WRITABLE));

  /* What was chosen is shared, and read-only. */
  shared_fixture_set_key (&test, "sharing.folder-writable", "true");
  lodge_shared_window_set_folder (LODGE_SHARED_WINDOW (test.shared), "/srv/<b>a & b</b>");
  app_wait_until (app_find_label (test.shared, "/srv/<b>a & b</b>") != NULL);
  g_assert_true (shared_fixture_has_key (&test, "sharing.folder", "/srv/<b>a & b</b>"));
  g_assert_true (shared_fixture_has_key (&test, "sharing.folder-writable", "false"));
  app_wait_until (gtk_widget_get_visible (test.window->folder_button));
  app_wait_until (shared_fixture_find_row (&test, WRITABLE) != NULL);
  g_assert_false (gtk_switch_get_active (shared_fixture_find_switch (&test, WRITABLE)));
  g_assert_false (gtk_widget_has_css_class (test.window->folder_button, "warning"));
  app_assert_named (test.shared);
  app_assert_named (test.window);

  /* From here, and from somebody else. */
  gtk_switch_set_active (shared_fixture_find_switch (&test, WRITABLE), TRUE);
  app_wait_until (shared_fixture_has_key (&test, "sharing.folder-writable", "true"));
  app_wait_until (gtk_widget_has_css_class (test.window->folder_button, "warning"));
  shared_fixture_set_key (&test, "sharing.folder-writable", "false");
  app_wait_until (!gtk_switch_get_active (shared_fixture_find_switch (&test, WRITABLE)));

  app_click (test.shared, "_Stop");
  app_wait_until (shared_fixture_has_key (&test, "sharing.folder", ""));
  app_wait_until (!gtk_widget_get_visible (test.window->folder_button));
  app_wait_until (shared_fixture_find_row (&test, WRITABLE) == NULL);
  shared_fixture_tear_down (&test);
}

#define METHOD "Shared By"

static gboolean
says (Test *test, const char *words)
{
  return strstr (
             adw_action_row_get_subtitle (ADW_ACTION_ROW (shared_fixture_find_row (test, METHOD))),
             words) != NULL;
}

/* Whether all of the value can be read, however long the words are that stand beside it: it gives
 * no room away. */
static gboolean
shows (GtkWidget *row, const char *value)
{
  GtkWidget *label = GTK_WIDGET (app_find_label (row, value));
  int least, natural;

  if (label == NULL || !gtk_widget_get_mapped (label))
    return FALSE;
  gtk_widget_measure (label, GTK_ORIENTATION_HORIZONTAL, -1, &least, &natural, NULL, NULL);
  return least == natural && gtk_widget_get_width (label) >= natural;
}

/* The choice says what it costs before it is made, and what the guest has to do then. */
static void
test_method (void)
{
  Test test;
  GtkWidget *row;

  shared_fixture_set_up (&test);
  row = shared_fixture_find_row (&test, METHOD);
  app_wait_until (gtk_widget_get_sensitive (row));
  g_assert_true (says (&test, "no snapshot can be taken"));
  app_wait_until (shows (row, "WebDAV"));
  g_assert_nonnull (app_find_label (
      test.shared,
      "The guest opens it at http://localhost:9843/, and needs spice-webdavd for that."));
  adw_combo_row_set_selected (ADW_COMBO_ROW (row), 1);
  app_wait_until (shared_fixture_has_key (&test, "sharing.folder-method", "virtiofs"));
  app_wait_until (app_find_label (test.shared,
                                  "A Linux guest has it after “mount -t virtiofs lodge /mnt”; "
                                  "Windows needs WinFsp and the VirtIO-FS service from the virtio "
                                  "drivers. Unmount it in the guest before anything is changed "
                                  "here: the guest's programs lose it at once.") != NULL);
  app_assert_named (test.shared);
  app_wait_until (shows (row, "virtiofs"));

  /* What is refused goes back. */
  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_HOST, "Not <b> & here.");
  adw_combo_row_set_selected (ADW_COMBO_ROW (row), 0);
  app_wait_until (app_get_dialog () != NULL);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (adw_combo_row_get_selected (ADW_COMBO_ROW (row)) == 1);
  g_assert_true (shared_fixture_has_key (&test, "sharing.folder-method", "virtiofs"));

  shared_fixture_set_key (&test, "sharing.folder-method", "webdav");
  app_wait_until (adw_combo_row_get_selected (ADW_COMBO_ROW (row)) == 0);
  shared_fixture_tear_down (&test);
}

/* Where it cannot be chosen the reason is there; one that was chosen elsewhere can be left. */
static void
test_no_virtiofs (void)
{
  Test test;

  shared_fixture_host_facts = "{'virtiofs': <'The program <virtiofsd> is away & gone.'>}";
  shared_fixture_set_up (&test);
  app_wait_until (says (&test, "The program <virtiofsd> is away & gone."));
  g_assert_false (gtk_widget_get_sensitive (shared_fixture_find_row (&test, METHOD)));
  shared_fixture_set_key (&test, "sharing.folder-method", "virtiofs");
  app_wait_until (gtk_widget_get_sensitive (shared_fixture_find_row (&test, METHOD)));
  shared_fixture_tear_down (&test);

  /* An engine from before. */
  shared_fixture_host_facts = "@a{sv} {}";
  shared_fixture_set_up (&test);
  app_wait_until (says (&test, "older"));
  g_assert_false (gtk_widget_get_sensitive (shared_fixture_find_row (&test, METHOD)));
  shared_fixture_tear_down (&test);
  shared_fixture_host_facts = NULL;
}

/* The window is closed while the computer is looked at. */
static void
test_closed_while_asking (void)
{
  Test test;

  shared_fixture_check_delay_ms = 100;
  shared_fixture_set_up (&test);
  g_assert_false (gtk_widget_get_sensitive (shared_fixture_find_row (&test, METHOD)));
  shared_fixture_tear_down (&test);
  shared_fixture_check_delay_ms = 0;
}

/* A folder that has vanished: the console window's button warns, and the list says what to do. */
static void
test_problem (void)
{
  const char *problem = "The folder “/srv/<x>” is gone & away. Bring it back.";
  Test test;

  shared_fixture_set_up (&test);
  shared_fixture_set_key (&test, "sharing.folder", "/srv/<x>");
  app_wait_until (gtk_widget_get_visible (test.window->folder_button));
  g_assert_false (gtk_widget_has_css_class (test.window->folder_button, "warning"));
  fake_engine_set_folder_problem (test.engine, "web", problem);
  app_wait_until (gtk_widget_has_css_class (test.window->folder_button, "warning"));
  g_assert_cmpstr (gtk_button_get_icon_name (GTK_BUTTON (test.window->folder_button)), ==,
                   "dialog-warning-symbolic");
  g_assert_cmpstr (gtk_widget_get_tooltip_text (test.window->folder_button), ==, problem);
  app_wait_until (app_find_label (test.shared, problem) != NULL);
  g_assert_true (gtk_widget_get_mapped (
      app_find (shared_fixture_find_row (&test, "Shared Folder"), GTK_TYPE_IMAGE)));
  app_assert_named (test.shared);
  app_assert_named (test.window);

  fake_engine_set_folder_problem (test.engine, "web", "");
  app_wait_until (!gtk_widget_has_css_class (test.window->folder_button, "warning"));
  g_assert_cmpstr (gtk_button_get_icon_name (GTK_BUTTON (test.window->folder_button)), ==,
                   "folder-publicshare-symbolic");
  app_wait_until (app_find_label (test.shared, "/srv/<x>") != NULL);
  g_assert_null (app_find (shared_fixture_find_row (&test, "Shared Folder"), GTK_TYPE_IMAGE));
  shared_fixture_tear_down (&test);
}

/* A switch that could do nothing goes back. */
static void
test_refused (void)
{
  Test test;

  shared_fixture_set_up (&test);
  g_assert_true (gtk_switch_get_active (shared_fixture_find_switch (&test, "Dropped Files")));
  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STORAGE, "No <room> & no luck.");
  gtk_switch_set_active (shared_fixture_find_switch (&test, "Dropped Files"), FALSE);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "No <room> & no luck."));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (gtk_switch_get_active (shared_fixture_find_switch (&test, "Dropped Files")));
  g_assert_true (shared_fixture_has_key (&test, "sharing.files", "true"));

  /* A name that is not UTF-8. */
  lodge_shared_window_set_folder (LODGE_SHARED_WINDOW (test.shared), "/srv/f\xfcr alle");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (
      app_find_label (app_get_dialog (), "Only a folder whose name is UTF-8 can be shared"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_true (shared_fixture_has_key (&test, "sharing.folder", ""));
  shared_fixture_tear_down (&test);
}

static void
test_clipboard_and_sound (void)
{
  GtkWidget *row;
  LodgeSound *sound;
  gboolean muted = FALSE;
  Test test;

  shared_fixture_set_up (&test);
  row = shared_fixture_find_row (&test, "Clipboard");
  g_assert_cmpuint (adw_combo_row_get_selected (ADW_COMBO_ROW (row)), ==, 0);
  adw_combo_row_set_selected (ADW_COMBO_ROW (row), 3);
  app_wait_until (shared_fixture_has_key (&test, "sharing.clipboard", "off"));
  shared_fixture_set_key (&test, "sharing.clipboard", "to-host");
  app_wait_until (adw_combo_row_get_selected (ADW_COMBO_ROW (row)) == 2);

  gtk_switch_set_active (shared_fixture_find_switch (&test, "Dropped Files"), FALSE);
  app_wait_until (shared_fixture_has_key (&test, "sharing.files", "false"));
  g_assert_false (
      gtk_switch_get_active (shared_fixture_find_switch (&test, "Files Out of the Guest")));
  gtk_switch_set_active (shared_fixture_find_switch (&test, "Files Out of the Guest"), TRUE);
  app_wait_until (shared_fixture_has_key (&test, "sharing.files-out", "true"));

  sound = lodge_console_machine_get_sound (lodge_console_window_get_machine (test.window));
  gtk_switch_set_active (shared_fixture_find_switch (&test, "What the Guest Plays"), FALSE);
  g_object_get (sound, "muted", &muted, NULL);
  g_assert_true (muted);
  g_object_set (sound, "muted", FALSE, NULL);
  g_assert_true (
      gtk_switch_get_active (shared_fixture_find_switch (&test, "What the Guest Plays")));

  gtk_switch_set_active (shared_fixture_find_switch (&test, "Microphone"), TRUE);
  app_wait_until (shared_fixture_has_key (&test, "sharing.microphone", "true"));
  app_wait_until (gtk_switch_get_active (shared_fixture_find_switch (&test, "Microphone")));
  shared_fixture_tear_down (&test);
}

static void
test_network (void)
{
  GtkWidget *row;
  Test test;

  shared_fixture_set_up (&test);
  app_wait_until (shared_fixture_find_row (&test, "Network Card nic0") != NULL);
  shared_fixture_set_key (&test, "nic.nic0.forwards", "tcp:127.0.0.1:2222:22;udp:127.0.0.1:53:53");
  app_wait_until (shared_fixture_find_row (&test, "udp:127.0.0.1:53:53") != NULL);
  row = shared_fixture_find_row (&test, "tcp:127.0.0.1:2222:22");
  g_assert_nonnull (row);
  app_assert_named (test.shared);
  g_signal_emit_by_name (app_find (row, GTK_TYPE_BUTTON), "clicked");
  app_wait_until (app_was_called (test.engine, "RemoveForward"));
  shared_fixture_set_key (&test, "nic.nic0.forwards", "");
  app_wait_until (shared_fixture_find_row (&test, "udp:127.0.0.1:53:53") == NULL);
  /* Nobody has added what the fake engine was to remove. */
  app_wait_until (app_get_dialog () != NULL);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  shared_fixture_tear_down (&test);
}

/* The cable: from here, from somebody else, and where it is refused. */
static void
test_cable (void)
{
  GtkSwitch *cable;
  Test test;

  shared_fixture_set_up (&test);
  app_wait_until (shared_fixture_find_row (&test, "Network Card nic0") != NULL);
  cable = shared_fixture_find_switch (&test, "Network Card nic0");
  g_assert_true (gtk_switch_get_active (cable));
  app_assert_named (test.shared);
  gtk_switch_set_active (cable, FALSE);
  app_wait_until (shared_fixture_has_key (&test, "nic.nic0.connected", "false"));
  app_wait_until (
      app_find_label (test.shared, "Disconnected: the guest has the card, and no cable in it") !=
      NULL);
  /* The same widget: whoever has the keyboard on it goes on from there. */
  g_assert_true (cable == shared_fixture_find_switch (&test, "Network Card nic0"));
  shared_fixture_set_key (&test, "nic.nic0.connected", "true");
  app_wait_until (gtk_switch_get_active (cable));

  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STORAGE, "No room.");
  gtk_switch_set_active (cable, FALSE);
  app_wait_until (app_get_dialog () != NULL);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL && gtk_switch_get_active (cable));
  g_assert_true (shared_fixture_has_key (&test, "nic.nic0.connected", "true"));

  /* The answer comes when the windows have gone. */
  fake_engine_set_delay (test.engine, "Set", 50);
  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STORAGE, "No room.");
  gtk_switch_set_active (cable, FALSE);
  shared_fixture_tear_down (&test);
}

/* The answer to a switch comes when the window, or the console window as well, is gone. */
static void
test_close_while_asked (void)
{
  Test test;

  shared_fixture_set_up (&test);
  fake_engine_set_delay (test.engine, "Set", 50);
  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STORAGE, "No room.");
  gtk_switch_set_active (shared_fixture_find_switch (&test, "Dropped Files"), FALSE);
  gtk_window_close (GTK_WINDOW (test.shared));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_true (gtk_window_get_transient_for (GTK_WINDOW (app_get_dialog ())) ==
                 GTK_WINDOW (test.window));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL && test.shared == NULL);

  gtk_widget_activate_action (GTK_WIDGET (test.window), "console.shared", NULL);
  test.shared = test.window->shared_window;
  g_object_add_weak_pointer (G_OBJECT (test.shared), (gpointer *) &test.shared);
  gtk_switch_set_active (shared_fixture_find_switch (&test, "Dropped Files"), FALSE);
  shared_fixture_tear_down (&test);
}

/* One of them, and the console window takes it along. */
static void
test_open_and_close (void)
{
  GtkWidget *first;
  Test test;

  shared_fixture_set_up (&test);
  first = test.shared;
  gtk_widget_activate_action (GTK_WIDGET (test.window), "console.shared", NULL);
  g_assert_true (test.window->shared_window == first);
  gtk_window_close (GTK_WINDOW (test.shared));
  app_wait_until (test.shared == NULL);
  g_assert_null (test.window->shared_window);
  gtk_widget_activate_action (GTK_WIDGET (test.window), "console.shared", NULL);
  g_assert_nonnull (test.window->shared_window);
  shared_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  g_test_add_func ("/shared-window/looks", test_looks);
  g_test_add_func ("/shared-window/folder", test_folder);
  g_test_add_func ("/shared-window/method", test_method);
  g_test_add_func ("/shared-window/no-virtiofs", test_no_virtiofs);
  g_test_add_func ("/shared-window/closed-while-asking", test_closed_while_asking);
  g_test_add_func ("/shared-window/problem", test_problem);
  g_test_add_func ("/shared-window/refused", test_refused);
  g_test_add_func ("/shared-window/clipboard-and-sound", test_clipboard_and_sound);
  g_test_add_func ("/shared-window/network", test_network);
  g_test_add_func ("/shared-window/cable", test_cable);
  g_test_add_func ("/shared-window/close-while-asked", test_close_while_asked);
  g_test_add_func ("/shared-window/open-and-close", test_open_and_close);
  return g_test_run ();
}
