/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user's own combinations of keys: typed, pressed, taken off, and in a console window's menu.
 */
#include "app-fixture.h"

#include "gtk/lodge-console-window.h"
#include "gtk/lodge-key-list.h"
#include "gtk/lodge-keys-window.h"
#include "gtk/lodge-settings.h"

#include <string.h>

typedef struct {
  GtkWidget *window;
  GtkWidget *list; /* of combinations to send */
} Test;

static GSettings *
settings (void)
{
  return lodge_settings_get ();
}

static char *
dup_kept (void)
{
  g_auto (GStrv) kept = g_settings_get_strv (settings (), LODGE_SETTINGS_SEND_KEYS);

  return g_strjoinv (" ", kept);
}

static void
assert_kept (const char *want)
{
  g_autofree char *kept = dup_kept ();

  g_assert_cmpstr (kept, ==, want);
}

static void
set_up (Test *test, gconstpointer data)
{
  g_settings_reset (settings (), LODGE_SETTINGS_SEND_KEYS);
  g_settings_reset (settings (), LODGE_SETTINGS_HOST_KEYS);
  test->window = lodge_keys_window_new (NULL, settings ());
  test->list = app_get_child (test->window, LODGE_TYPE_KEYS_WINDOW, "send_list");
  gtk_window_present (GTK_WINDOW (test->window));
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
}

static void
tear_down (Test *test, gconstpointer data)
{
  app_destroy_window (test->window);
}

static void
type (Test *test, const char *text)
{
  GtkWidget *entry = app_find (test->list, ADW_TYPE_ENTRY_ROW);

  gtk_editable_set_text (GTK_EDITABLE (entry), text);
  g_signal_emit_by_name (entry, "apply");
  app_settle ();
}

static GtkWidget *
find_by_tip (gpointer root, GType type, const char *tip)
{
  if (G_TYPE_CHECK_INSTANCE_TYPE (root, type) &&
      g_strcmp0 (gtk_widget_get_tooltip_text (root), tip) == 0)
    return root;
  for (GtkWidget *child = gtk_widget_get_first_child (root); child != NULL;
       child = gtk_widget_get_next_sibling (child)) {
    GtkWidget *found = find_by_tip (child, type, tip);
    if (found != NULL)
      return found;
  }
  return NULL;
}

static void
test_typed (Test *test, gconstpointer data)
{
  static const char unknown[] = "There is no key “<b>”; keys are named like “ctrl”, “f1”, “delete” "
                                "or “a” and joined by “+”";

  app_assert_named (test->list);
  type (test, " Ctrl+Alt+Shift+F5 ");
  type (test, "Win+Page_Up");
  assert_kept ("ctrl+alt+shift+f5 meta_l+pgup");
  g_assert_nonnull (app_find_label (test->list, "Ctrl+Alt+Shift+F5"));
  g_assert_nonnull (app_find_label (test->list, "Super+Page Up"));

  type (test, "<b>");
  g_assert_nonnull (app_find_label (test->list, unknown));
  type (test, "super+pgup");
  g_assert_null (app_find_label (test->list, unknown));
  g_assert_nonnull (app_find_label (test->list, "Super+Page Up is in the list already"));
  type (test, "");
  assert_kept ("ctrl+alt+shift+f5 meta_l+pgup");

  /* What somebody wrote there by hand is shown as it is, and can be taken off. */
  g_settings_set_strv (settings (), LODGE_SETTINGS_SEND_KEYS,
                       (const char *[]){"a+b", "<i>no</i>&key", NULL});
  app_settle ();
  g_assert_null (app_find_label (test->list, "Super+Page Up"));
  g_assert_nonnull (app_find_label (test->list, "<i>no</i>&key"));
  g_signal_emit_by_name (find_by_tip (test->list, GTK_TYPE_BUTTON, "Remove <i>no</i>&key"),
                         "clicked");
  app_settle ();
  assert_kept ("a+b");

  /* It ends somewhere. */
  for (char c = 'a'; c <= 'z'; c++)
    type (test, (char[]){'f', '1', '+', c, '\0'});
  for (char c = '0'; c <= '9'; c++)
    type (test, (char[]){c, '\0'});
  g_auto (GStrv) kept = g_settings_get_strv (settings (), LODGE_SETTINGS_SEND_KEYS);
  g_assert_cmpuint (g_strv_length (kept), ==, 30);
  g_assert_nonnull (
      app_find_label (test->list, "9 was not added: the list has 30 combinations already"));
  /* The other list is another. */
  g_auto (GStrv) host = g_settings_get_strv (settings (), LODGE_SETTINGS_HOST_KEYS);
  g_assert_cmpuint (g_strv_length (host), ==, 0);
}

static void
xdotool (const char *words)
{
  g_autofree char *command = g_strconcat ("xdotool ", words, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, &error));
  app_settle ();
}

static gboolean
has_kept (const char *want)
{
  g_autofree char *kept = dup_kept ();

  return g_str_equal (kept, want);
}

/* Also one that the window manager would take. */
static void
test_pressed (Test *test, gconstpointer data)
{
  GtkWidget *record = find_by_tip (test->list, GTK_TYPE_TOGGLE_BUTTON, "Press Instead of Typing");

  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (record), TRUE);
  app_settle ();
  xdotool ("keydown Control_R keydown Alt_L keydown Tab keyup Tab keyup Alt_L keyup Control_R");
  app_wait_until (has_kept ("ctrl+alt+tab"));
  app_wait_until (!gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (record)));
  /* Over is over. */
  gtk_widget_grab_focus (record);
  xdotool ("key F7");
  assert_kept ("ctrl+alt+tab");

  /* By a second click it is called off, and so by another window. */
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (record), TRUE);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (record), FALSE);
  xdotool ("key F7");
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (record), TRUE);
  GtkWidget *other = gtk_window_new ();
  gtk_window_present (GTK_WINDOW (other));
  app_wait_until (!gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (record)));
  xdotool ("key F7");
  gtk_window_destroy (GTK_WINDOW (other));
  assert_kept ("ctrl+alt+tab");

  /* So does Escape, which belongs to some combination nevertheless. */
  gtk_window_present (GTK_WINDOW (test->window));
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (record), TRUE);
  app_settle ();
  xdotool ("key Escape");
  app_wait_until (!gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (record)));
  assert_kept ("ctrl+alt+tab");
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (record), TRUE);
  app_settle ();
  xdotool ("keydown Control_L keydown Escape keyup Escape keyup Control_L");
  app_wait_until (has_kept ("ctrl+alt+tab ctrl+esc"));

  /* A window that closes meanwhile. */
  gtk_window_present (GTK_WINDOW (test->window));
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (record), TRUE);
}

/* What is kept here never reaches a guest: not what one writes with. */
static void
test_kept_here (Test *test, gconstpointer data)
{
  static const char refused[] = "Shift+A is for writing: kept here, no guest could be written in; "
                                "add Ctrl, Alt or Super to it";

  test->list = app_get_child (test->window, LODGE_TYPE_KEYS_WINDOW, "host_list");
  type (test, "Shift+a");
  g_assert_nonnull (app_find_label (test->list, refused));
  for (const char *const *keys = (const char *const[]){"b", "enter", "+", "esc", "shift", NULL};
       *keys != NULL; keys++)
    type (test, *keys);
  g_auto (GStrv) none = g_settings_get_strv (settings (), LODGE_SETTINGS_HOST_KEYS);
  g_assert_cmpuint (g_strv_length (none), ==, 0);
  for (const char *const *keys = (const char *const[]){"super", "ctrl+a", "F5", "altgr+q", NULL};
       *keys != NULL; keys++)
    type (test, *keys);
  g_auto (GStrv) kept = g_settings_get_strv (settings (), LODGE_SETTINGS_HOST_KEYS);
  g_autofree char *all = g_strjoinv (" ", kept);
  g_assert_cmpstr (all, ==, "meta_l ctrl+a f5 alt_r+q");
}

/* How often a combination is in a menu. */
static guint
count_items (GMenuModel *menu, const char *keys)
{
  guint n = 0;

  for (int i = 0; i < g_menu_model_get_n_items (menu); i++) {
    g_autoptr (GMenuModel) section = g_menu_model_get_item_link (menu, i, G_MENU_LINK_SECTION);
    g_autoptr (GMenuModel) submenu = g_menu_model_get_item_link (menu, i, G_MENU_LINK_SUBMENU);
    g_autofree char *target = NULL;

    if (g_menu_model_get_item_attribute (menu, i, G_MENU_ATTRIBUTE_TARGET, "s", &target))
      n += g_str_equal (target, keys);
    n += section != NULL ? count_items (section, keys) : 0;
    n += submenu != NULL ? count_items (submenu, keys) : 0;
  }
  return n;
}

static void
test_menu (void)
{
  FakeEngine *engine = fake_engine_new (NULL);
  const char *uuid = fake_engine_add_machine (engine, "web", "running");
  LodgeConnection *connection = lodge_connection_new ();

  g_settings_reset (settings (), LODGE_SETTINGS_SEND_KEYS);
  lodge_connection_open (connection);
  GtkWidget *window = lodge_console_window_new (NULL, connection, uuid);
  gtk_window_present (GTK_WINDOW (window));
  GMenuModel *menu = app_get_child (window, LODGE_TYPE_CONSOLE_WINDOW, "keys_menu");
  g_assert_cmpuint (count_items (menu, "ctrl+alt+delete"), ==, 1);
  g_assert_cmpuint (count_items (menu, "ctrl+alt+f1"), ==, 1);
  g_assert_cmpuint (count_items (menu, "ctrl+alt+f12"), ==, 1);
  g_assert_cmpuint (count_items (menu, "pause"), ==, 1);
  g_assert_cmpuint (count_items (menu, "shift+f5"), ==, 0);
  g_settings_set_strv (settings (), LODGE_SETTINGS_SEND_KEYS,
                       (const char *[]){"no such", "shift+f5", NULL});
  app_settle ();
  g_assert_cmpuint (count_items (menu, "shift+f5"), ==, 1);
  g_assert_cmpuint (count_items (menu, "no such"), ==, 0);
  g_settings_reset (settings (), LODGE_SETTINGS_SEND_KEYS);
  app_settle ();
  g_assert_cmpuint (count_items (menu, "shift+f5"), ==, 0);

  gtk_widget_activate_action (window, "keys.grab-shortcuts", NULL);
  g_assert_false (g_settings_get_boolean (settings (), LODGE_SETTINGS_GRAB_SHORTCUTS));
  gtk_widget_activate_action (window, "keys.grab-shortcuts", NULL);
  app_destroy_window (window);
  app_assert_dies (connection);
  fake_engine_free (engine);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;
  if (lodge_settings_get () == NULL) {
    g_print ("1..0 # SKIP the settings' schema is not there\n");
    return 0;
  }
  g_test_add ("/keys-window/typed", Test, NULL, set_up, test_typed, tear_down);
  g_test_add ("/keys-window/pressed", Test, NULL, set_up, test_pressed, tear_down);
  g_test_add ("/keys-window/kept-here", Test, NULL, set_up, test_kept_here, tear_down);
  g_test_add_func ("/keys-window/menu", test_menu);
  return g_test_run ();
}
