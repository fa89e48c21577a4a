/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's further monitors beside the first one, in the console's own window. */
#include "console-fixture.h"

#include "gtk/lodge-monitor-window.h"
#include "gtk/lodge-shared-window.h"
#include "test-folder.h"

#include <string.h>

typedef ConsoleFixture Test;

enum { RED = 0xffe02020, GREEN = 0xff20c020, BLUE = 0xff2020e0 };

static const int two[] = {0, 0, 320, 400, 320, 0, 320, 400};

static GtkWidget *
get_widget (Test *test)
{
  return GTK_WIDGET (test->window);
}

/* What is beside the first one, or NULL. */
static LodgeMonitorView *
find_beside (Test *test)
{
  return app_find (test->window, LODGE_TYPE_MONITOR_VIEW);
}

/* As the window has heard it. */
static gboolean
is_side_by_side (Test *test)
{
  LodgeConsoleMachine *machine = lodge_console_window_get_machine (test->window);

  return g_str_equal (lodge_shared_lookup (machine, "display.side-by-side"), "true");
}

/* Somebody else chooses it. */
static void
set_side_by_side (Test *test, gboolean side_by_side)
{
  console_fixture_set_key (test, "display.side-by-side", side_by_side ? "true" : "false");
  app_wait_until (is_side_by_side (test) == side_by_side);
  app_settle ();
}

static void
set_up (Test *test, guint32 agent)
{
  console_fixture_set_up (test, agent);
  console_fixture_set_monitors (test, 2);
  set_side_by_side (test, TRUE);
  spice_fixture_set_monitors (test->server, 2, two);
  spice_fixture_fill (test->server, 0, 0, 320, 400, RED & 0xffffff);
  spice_fixture_fill (test->server, 320, 0, 320, 400, GREEN & 0xffffff);
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test->window)));
}

/* The second one. */
static LodgeDisplay *
open_second (Test *test)
{
  gtk_widget_activate_action (get_widget (test), "monitors.2", NULL);
  app_wait_until (find_beside (test) != NULL);
  return lodge_monitor_view_get_display (find_beside (test));
}

/* Where a widget is in what the window shows of the guest. */
static graphene_rect_t
get_place (Test *test, gpointer widget)
{
  graphene_rect_t place;

  g_assert_true (gtk_widget_compute_bounds (widget, test->window->overlay, &place));
  return place;
}

/* What is drawn there, in the middle of a widget. */
static guint32
get_color (Test *test, gpointer widget)
{
  GtkWidget *all = test->window->overlay;
  const int width = gtk_widget_get_width (all), height = gtk_widget_get_height (all);
  graphene_point_t middle;
  g_autoptr (GdkPaintable) paintable = gtk_widget_paintable_new (all);
  g_autoptr (GtkSnapshot) snapshot = gtk_snapshot_new ();
  g_autofree guint32 *data = g_new (guint32, (gsize) width * (gsize) height);

  g_assert_true (
      gtk_widget_compute_point (widget, all,
                                &GRAPHENE_POINT_INIT ((float) gtk_widget_get_width (widget) / 2,
                                                      (float) gtk_widget_get_height (widget) / 2),
                                &middle));
  gdk_paintable_snapshot (paintable, snapshot, width, height);
  g_autoptr (GskRenderNode) node = gtk_snapshot_to_node (snapshot);
  if (node == NULL)
    return 0;
  g_autoptr (GdkTexture) texture =
      gsk_renderer_render_texture (gtk_native_get_renderer (GTK_NATIVE (test->window)), node,
                                   &GRAPHENE_RECT_INIT (0, 0, (float) width, (float) height));
  gdk_texture_download (texture, (guchar *) data, (gsize) width * 4);
  return data[(int) middle.y * width + (int) middle.x];
}

/* The guest was asked for what the part has room for. */
static gboolean
is_told (Test *test, guint monitor, gpointer display)
{
  g_autofree char *call =
      g_strdup_printf ("SetDisplaySize web %u %d %d", monitor, gtk_widget_get_width (display),
                       gtk_widget_get_height (display));

  return app_was_called (test->engine, call);
}

/* Each has its half, and its own pixels there; closed, the first has all of it again. */
static void
in_halves (void)
{
  Test test;

  set_up (&test, 0);
  LodgeDisplay *first = test.window->display;
  app_wait_until (app_has_width (test.window, 1280) &&
                  gtk_widget_get_width (GTK_WIDGET (first)) ==
                      gtk_widget_get_width (get_widget (&test)));
  const int whole = gtk_widget_get_width (test.window->overlay);
  fake_engine_clear_calls (test.engine);
  LodgeDisplay *second = open_second (&test);
  g_assert_null (console_fixture_find_monitor ());
  g_assert_true (lodge_display_get_session (second) == console_fixture_get_session (&test));
  app_wait_until (is_told (&test, 0, first) && is_told (&test, 1, second));
  g_assert_false (app_was_called (test.engine, "SetDisplaySize web 1 0 0"));
  app_wait_until (get_color (&test, first) == RED && get_color (&test, second) == GREEN);
  gtk_test_accessible_assert_property (second, GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Screen of the machine, monitor 2");

  const graphene_rect_t left = get_place (&test, first), right = get_place (&test, second);
  g_assert_cmpfloat_with_epsilon (left.size.width, right.size.width, 1.01);
  g_assert_cmpfloat (left.origin.x, ==, 0);
  g_assert_cmpfloat (right.origin.x, >, left.size.width + 3);
  g_assert_cmpfloat (right.origin.x, <, left.size.width + 8);
  g_assert_cmpfloat (right.origin.x + right.size.width, ==, whole);
  g_assert_cmpfloat (left.origin.y, ==, right.origin.y);
  g_assert_cmpfloat (left.size.height, ==, right.size.height);

  fake_engine_clear_calls (test.engine);
  gtk_widget_activate_action (get_widget (&test), "monitors.2", NULL);
  g_assert_null (find_beside (&test));
  app_wait_until (app_was_called (test.engine, "SetDisplaySize web 1 0 0"));
  app_wait_until (gtk_widget_get_width (GTK_WIDGET (first)) == whole);
  app_wait_until (is_told (&test, 0, first));
  app_wait_until (get_color (&test, first) == RED);

  /* And it goes with the machine. */
  open_second (&test);
  spice_fixture_settle (); /* the server's screen has nothing to do when its client goes */
  fake_engine_set_state (test.engine, test.uuid, "off");
  app_wait_until (!console_fixture_is_shown (&test));
  g_assert_null (find_beside (&test));
  g_assert_null (console_fixture_find_monitor ());
  fake_engine_set_state (test.engine, test.uuid, "running");
  app_wait_until (console_fixture_is_shown (&test));
  app_settle ();
  g_assert_null (find_beside (&test));
  /* Or with the window. */
  open_second (&test);
  console_fixture_tear_down (&test);
}

static gboolean
is_absolute (Test *test)
{
  gboolean absolute = FALSE;

  g_object_get (console_fixture_get_session (test), "pointer-absolute", &absolute, NULL);
  return absolute;
}

/* Moves the pointer to a point of a widget, 0 to 1 each way, and clicks. */
static void
click (Test *test, gpointer widget, double x, double y)
{
  graphene_point_t point;
  double native_x, native_y;

  g_assert_true (
      gtk_widget_compute_point (widget, get_widget (test),
                                &GRAPHENE_POINT_INIT ((float) (x * gtk_widget_get_width (widget)),
                                                      (float) (y * gtk_widget_get_height (widget))),
                                &point));
  gtk_native_get_surface_transform (GTK_NATIVE (test->window), &native_x, &native_y);
  app_xdotool ("getactivewindow mousemove --window %%1 %d %d click 1", (int) (point.x + native_x),
               (int) (point.y + native_y));
}

/* A click and a key at the second one are the guest's, at its place; and the keyboard comes back
 * there. */
static void
in_input (void)
{
  Test test;
  int x = 0, y = 0;

  set_up (&test, 0);
  spice_fixture_set_tablet (test.server, TRUE);
  app_wait_until (is_absolute (&test));
  LodgeDisplay *first = test.window->display;
  LodgeDisplay *second = open_second (&test);
  GtkWindow *window = GTK_WINDOW (test.window);
  /* As a window of its own has it. */
  app_wait_until (gtk_window_get_focus (window) == GTK_WIDGET (second));
  app_wait_until (get_color (&test, second) == GREEN);

  click (&test, first, .5, .5);
  app_wait_until (gtk_window_get_focus (window) == GTK_WIDGET (first));
  app_wait_until (lodge_display_get_grabbed (first));
  spice_fixture_settle ();
  spice_fixture_get_position (test.server, &x, &y);
  g_assert_cmpint (x, >=, 158);
  g_assert_cmpint (x, <=, 162);
  spice_fixture_clear (test.server);
  click (&test, second, .5, .5);
  app_wait_until (gtk_window_get_focus (window) == GTK_WIDGET (second));
  app_wait_until (lodge_display_get_grabbed (second) && !lodge_display_get_grabbed (first));
  spice_fixture_settle ();
  spice_fixture_get_position (test.server, &x, &y);
  g_assert_cmpint (x, >=, 478);
  g_assert_cmpint (x, <=, 482);
  g_assert_cmpint (y, >=, 198);
  g_assert_cmpint (y, <=, 202);
  g_assert_true (g_str_has_suffix (spice_fixture_get_pointer (test.server), " =1 =0"));
  spice_fixture_clear (test.server);
  app_xdotool ("key a");
  spice_fixture_expect_scancodes (test.server, "1e 9e");

  /* What the user must know is said for it, too. */
  app_wait_until (
      g_str_has_prefix (adw_window_title_get_subtitle (test.window->title), "Ctrl+Alt takes"));
  app_xdotool ("key ctrl+alt");
  app_wait_until (!lodge_display_get_grabbed (second));
  app_wait_until (
      !g_str_has_prefix (adw_window_title_get_subtitle (test.window->title), "Ctrl+Alt takes"));
  spice_fixture_settle ();
  app_xdotool ("key ctrl+alt");
  app_wait_until (gtk_window_get_focus (window) != NULL &&
                  gtk_widget_is_ancestor (gtk_window_get_focus (window), test.window->menu_button));

  /* Keys that are sent from the menu, and full screen. */
  gtk_widget_activate_action (get_widget (&test), "console.send-keys", "s", "shift");
  app_wait_until (gtk_window_get_focus (window) == GTK_WIDGET (second));
  app_settle ();
  app_xdotool ("key F11");
  app_wait_until (gtk_window_is_fullscreen (window));
  app_wait_until (gtk_widget_get_height (GTK_WIDGET (second)) == 1200);
  app_wait_until (!gtk_widget_get_mapped (GTK_WIDGET (test.window->bar)));
  g_assert_cmpint (gtk_widget_get_width (GTK_WIDGET (second)), >, 790);
  app_xdotool ("key ctrl+alt");
  app_wait_until (gtk_revealer_get_reveal_child (test.window->bar));
  app_xdotool ("key Escape");
  app_wait_until (gtk_window_get_focus (window) == GTK_WIDGET (second));
  app_settle ();
  app_xdotool ("key F11");
  app_wait_until (!gtk_window_is_fullscreen (window));

  /* One that goes leaves it to the first. */
  app_wait_until (gtk_window_get_focus (window) == GTK_WIDGET (second));
  gtk_widget_activate_action (get_widget (&test), "monitors.2", NULL);
  app_wait_until (gtk_window_get_focus (window) == GTK_WIDGET (first));
  console_fixture_tear_down (&test);
}

/* It goes to the other place while it is open, and the guest is only told of a size. */
static void
in_moving (void)
{
  Test test;

  set_up (&test, 0);
  LodgeDisplay *second = open_second (&test);
  app_wait_until (is_told (&test, 1, second));
  fake_engine_clear_calls (test.engine);

  gtk_widget_activate_action (get_widget (&test), "monitors.side-by-side", NULL);
  app_wait_until (console_fixture_find_monitor () != NULL);
  g_assert_false (is_side_by_side (&test));
  g_assert_null (find_beside (&test));
  GtkWindow *window = console_fixture_find_monitor ();
  g_assert_true (lodge_monitor_view_get_display (console_fixture_get_view (window)) == second);
  g_assert_cmpstr (gtk_window_get_title (window), ==, "web: Monitor 2");
  app_wait_until (gtk_window_is_active (window));
  app_wait_until (gtk_window_get_focus (window) == GTK_WIDGET (second));
  app_wait_until (is_told (&test, 1, second) && is_told (&test, 0, test.window->display));

  gtk_widget_activate_action (get_widget (&test), "monitors.side-by-side", NULL);
  app_wait_until (find_beside (&test) != NULL);
  g_assert_true (is_side_by_side (&test));
  g_assert_null (console_fixture_find_monitor ());
  g_assert_true (lodge_monitor_view_get_display (find_beside (&test)) == second);
  app_wait_until (get_color (&test, second) == GREEN);
  app_wait_until (is_told (&test, 1, second));
  g_assert_true (lodge_display_get_session (second) == console_fixture_get_session (&test));
  g_assert_false (app_was_called (test.engine, "SetDisplaySize web 1 0 0"));

  /* The same where somebody else says it. */
  set_side_by_side (&test, FALSE);
  app_wait_until (console_fixture_find_monitor () != NULL);
  gtk_window_close (console_fixture_find_monitor ());
  app_wait_until (console_fixture_find_monitor () == NULL);
  app_wait_until (app_was_called (test.engine, "SetDisplaySize web 1 0 0"));

  /* What is refused is said, and nothing has moved. */
  gtk_widget_activate_action (get_widget (&test), "monitors.2", NULL);
  app_wait_until (console_fixture_find_monitor () != NULL);
  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STATE, "Not now.");
  gtk_widget_activate_action (get_widget (&test), "monitors.side-by-side", NULL);
  app_wait_until (app_get_dialog () != NULL);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_nonnull (console_fixture_find_monitor ());
  console_fixture_tear_down (&test);
}

/* One that shows nothing says why, in its own part, as the first one does. */
static void
in_dark (void)
{
  Test test;

  console_fixture_set_up (&test, 0);
  console_fixture_set_monitors (&test, 2);
  set_side_by_side (&test, TRUE);
  LodgeDisplay *second = open_second (&test);
  app_wait_until (console_fixture_has_hint (find_beside (&test), "Waiting for the Guest’s Agent"));
  g_assert_cmpfloat (gtk_widget_get_opacity (GTK_WIDGET (second)), ==, 0);
  g_assert_cmpfloat (gtk_widget_get_opacity (GTK_WIDGET (test.window->display)), ==, 1);
  spice_fixture_blank (test.server);
  app_wait_until (console_fixture_has_hint (test.window->screen, "The Guest’s Display Is Off"));
  g_assert_true (console_fixture_has_hint (find_beside (&test), "Waiting for the Guest’s Agent"));
  spice_fixture_resize (test.server, 640, 400);
  spice_fixture_set_monitors (test.server, 2, two);
  app_wait_until (!console_fixture_has_hint (test.window, "The Guest’s Display Is Off") &&
                  !console_fixture_has_hint (test.window, "Waiting for the Guest’s Agent"));
  g_assert_cmpfloat (gtk_widget_get_opacity (GTK_WIDGET (second)), ==, 1);
  console_fixture_tear_down (&test);
}

/* Whether they have the same room, but for the dividers'. */
static gboolean
share_alike (gpointer *displays, guint n)
{
  for (guint i = 1; i < n; i++) {
    if (ABS (gtk_widget_get_width (displays[i]) - gtk_widget_get_width (displays[0])) > 4)
      return FALSE;
  }
  return TRUE;
}

/* Three, in their order, with dividers that can be dragged; their shares are kept while the window
 * has another size, until one comes or goes. */
static void
in_thirds (void)
{
  static const int three[] = {0, 0, 200, 400, 200, 0, 200, 400, 400, 0, 240, 400};
  static const guint32 colors[] = {RED, GREEN, BLUE};
  gpointer displays[3];
  Test test;

  set_up (&test, 0);
  console_fixture_set_monitors (&test, 3);
  spice_fixture_set_monitors (test.server, 3, three);
  for (int i = 0; i < 3; i++)
    spice_fixture_fill (test.server, three[4 * i], 0, three[4 * i + 2], 400, colors[i] & 0xffffff);
  /* Not in their order. */
  gtk_widget_activate_action (get_widget (&test), "monitors.3", NULL);
  displays[2] = lodge_monitor_view_get_display (find_beside (&test));
  gtk_widget_activate_action (get_widget (&test), "monitors.2", NULL);
  displays[0] = test.window->display;
  displays[1] = lodge_monitor_view_get_display (find_beside (&test));
  g_assert_true (displays[1] != displays[2]);
  app_wait_until (gtk_widget_get_width (displays[0]) < 640 && share_alike (displays, 3));
  for (guint i = 0; i < 3; i++) {
    app_wait_until (get_color (&test, displays[i]) == colors[i]);
    app_wait_until (is_told (&test, i, displays[i]));
  }
  g_assert_cmpfloat (get_place (&test, displays[0]).origin.x, <,
                     get_place (&test, displays[1]).origin.x);
  g_assert_cmpfloat (get_place (&test, displays[1]).origin.x, <,
                     get_place (&test, displays[2]).origin.x);

  /* A pixel beside the divider is the guest's already. */
  const int before = gtk_widget_get_width (displays[0]);
  click (&test, displays[0], (before - .5) / before, .5);
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (test.window)) == displays[0]);
  fake_engine_clear_calls (test.engine);
  click (&test, displays[0], (before + 3.) / before, .5);
  app_xdotool ("mousedown 1 mousemove_relative -- -50 0");
  app_xdotool ("mousemove_relative -- -10 0 mouseup 1");
  app_wait_until (gtk_widget_get_width (displays[0]) <= before - 50);
  for (guint i = 0; i < 3; i++)
    app_wait_until (is_told (&test, i, displays[i]));
  const int after = gtk_widget_get_width (displays[0]);
  gtk_window_set_default_size (GTK_WINDOW (test.window), 960, 480);
  app_wait_until (app_has_width (test.window, 960));
  app_wait_until (ABS (gtk_widget_get_width (displays[0]) - after * 960 / 1280) < 8);

  gtk_widget_activate_action (get_widget (&test), "monitors.2", NULL);
  displays[1] = displays[2];
  app_wait_until (share_alike (displays, 2) && gtk_widget_get_width (displays[0]) > 300);
  g_assert_true (find_beside (&test) != NULL);
  g_assert_false (app_was_called (test.engine, "SetDisplaySize web 2 0 0"));
  console_fixture_tear_down (&test);
}

static GtkDropTarget *
find_drop_target (gpointer widget)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++) {
    g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

    if (GTK_IS_DROP_TARGET (controller))
      return GTK_DROP_TARGET (controller);
  }
  return NULL;
}

static gboolean
says (Test *test, const char *words)
{
  return app_find_label (test->window->toasts, words) != NULL;
}

/* Files are dropped on it and pasted into it, and the keys for a picture take its own. */
static void
in_exchange (void)
{
  static const char none[] = "There are no files to paste: copy some in your file manager first";
  g_autoptr (GFile) file = g_file_new_for_path ("/etc/hostname");
  GSList files = {.data = file};
  g_auto (GValue) value = G_VALUE_INIT;
  g_autofree char *path = NULL;
  gboolean taken = FALSE;
  Test test;

  set_up (&test, SPICE_FIXTURE_AGENT_LINUX);
  console_fixture_set_user_folder ("XDG_PICTURES_DIR", test.folder);
  LodgeDisplay *second = open_second (&test);
  GtkDropTarget *target = find_drop_target (second);
  app_wait_until (gtk_drop_target_get_actions (target) == GDK_ACTION_COPY);
  g_value_init (&value, GDK_TYPE_FILE_LIST);
  g_value_take_boxed (&value, gdk_file_list_new_from_list (&files));
  g_signal_emit_by_name (target, "drop", &value, 10., 10., &taken);
  g_assert_true (taken);

  app_wait_until (get_color (&test, second) == GREEN);
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (test.window)) == GTK_WIDGET (second));
  app_settle ();
  app_xdotool ("key ctrl+shift+Insert");
  app_wait_until (says (&test, none));
  app_xdotool ("key ctrl+Print");
  app_wait_until (says (&test, "Screenshot saved"));
  g_assert_cmpuint (console_fixture_count_files (&test, ".png", &path), ==, 1);
  g_assert_nonnull (strstr (path, "/web, Monitor 2 2"));

  /* The first one has its own. */
  gtk_widget_grab_focus (GTK_WIDGET (test.window->display));
  app_settle ();
  app_xdotool ("key ctrl+Print");
  app_wait_until (console_fixture_count_files (&test, ".png", NULL) == 2);

  /* The window's switches are there still, also when it has gone. */
  g_assert_true (gtk_widget_activate_action (get_widget (&test), "sharing.files", NULL));
  app_wait_until (gtk_drop_target_get_actions (target) == 0);
  gtk_widget_activate_action (get_widget (&test), "monitors.2", NULL);
  g_assert_null (find_beside (&test));
  g_assert_true (gtk_widget_activate_action (get_widget (&test), "sharing.files", NULL));
  app_wait_until (gtk_drop_target_get_actions (find_drop_target (test.window->display)) ==
                  GDK_ACTION_COPY);
  console_fixture_tear_down (&test);
}

#define CASE(name)                                                                                 \
  static void test_##name (void)                                                                   \
  {                                                                                                \
    spice_fixture_run (in_##name);                                                                 \
  }
CASE (halves)
CASE (thirds)
CASE (input)
CASE (moving)
CASE (dark)
CASE (exchange)

int
main (int argc, char **argv)
{
  g_autofree char *config = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);

  /* Where the user's folders are is read from there. */
  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  if (!app_test_init (&argc, &argv)) {
    test_folder_remove (config);
    return 0;
  }

  g_test_add_func ("/console-beside/halves", test_halves);
  g_test_add_func ("/console-beside/thirds", test_thirds);
  g_test_add_func ("/console-beside/input", test_input);
  g_test_add_func ("/console-beside/moving", test_moving);
  g_test_add_func ("/console-beside/dark", test_dark);
  g_test_add_func ("/console-beside/exchange", test_exchange);
  const int result = g_test_run ();
  test_folder_remove (config);
  return result;
}
