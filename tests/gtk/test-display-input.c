/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display's keyboard and pointer: what the guest gets of real ones, and what it does not. */
#include "display-fixture.h"

#include "gtk/lodge-display-private.h"
#include "gtk/lodge-shortcuts.h"

/* ---- keyboard */

static gboolean
shortcut_cb (GtkWidget *widget, GVariant *args, gpointer data)
{
  *(guint *) data += 1;
  return TRUE;
}

static gboolean
is_one (gpointer data)
{
  return *(guint *) data == 1;
}

static void
test_keys (void)
{
  DisplayFixture test;
  guint closed = 0;

  display_fixture_set_up (&test);
  /* As the application's accelerators are: in the capture phase, for the whole window. */
  GtkEventController *shortcuts = gtk_shortcut_controller_new ();
  gtk_shortcut_controller_set_scope (GTK_SHORTCUT_CONTROLLER (shortcuts),
                                     GTK_SHORTCUT_SCOPE_GLOBAL);
  gtk_event_controller_set_propagation_phase (shortcuts, GTK_PHASE_CAPTURE);
  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (shortcuts),
      gtk_shortcut_new (gtk_shortcut_trigger_parse_string ("<Control>w"),
                        gtk_callback_action_new (shortcut_cb, &closed, NULL)));

  display_fixture_xdotool ("key a");
  spice_fixture_expect_scancodes (test.server, "1e 9e");
  gtk_widget_add_controller (test.window, shortcuts);
  /* Given back and taken again, the display is before a controller that came later. */
  gtk_window_set_focus (GTK_WINDOW (test.window), NULL);
  gtk_window_set_focus (GTK_WINDOW (test.window), test.display);
  display_fixture_xdotool ("key ctrl+w");
  spice_fixture_expect_scancodes (test.server, "1d 11 9d 91");
  g_assert_cmpuint (closed, ==, 0);
  display_fixture_xdotool ("key Right");
  spice_fixture_expect_scancodes (test.server, "e0 4d e0 cd");
  /* Keys that GTK would take to move the focus or to open a menu. */
  display_fixture_xdotool ("key Tab F10 Escape");
  spice_fixture_expect_scancodes (test.server, "0f 8f 44 c4 01 81");

  /* Without the focus the window has its shortcut. */
  gtk_window_set_focus (GTK_WINDOW (test.window), NULL);
  display_fixture_xdotool ("key ctrl+w");
  g_assert_true (spice_fixture_wait (is_one, &closed));
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  display_fixture_tear_down (&test);
}

static gboolean
is_inactive (gpointer data)
{
  return !gtk_window_is_active (GTK_WINDOW (((DisplayFixture *) data)->window));
}

static gboolean
is_active (gpointer data)
{
  return !is_inactive (data);
}

typedef struct {
  SpiceFixture *server;
  const char *scancodes;
} LetGo;

static gboolean
is_let_go (gpointer data)
{
  const LetGo *wanted = data;

  return g_str_has_suffix (spice_fixture_get_scancodes (wanted->server), wanted->scancodes);
}

/* Whatever else was let go of before. */
static void
expect_let_go (DisplayFixture *test, const char *scancodes)
{
  LetGo wanted = {test->server, scancodes};

  g_assert_true (spice_fixture_wait (is_let_go, &wanted));
  spice_fixture_clear (test->server);
}

/* Keys that are down when the user goes to another window are not held in the guest for ever. */
static void
test_focus_loss (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  display_fixture_xdotool ("keydown shift keydown b");
  spice_fixture_expect_scancodes (test.server, "2a 30");
  GtkWidget *other = gtk_window_new ();
  gtk_window_present (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (is_inactive, &test));
  expect_let_go (&test, "aa b0");
  display_fixture_xdotool ("keyup b keyup shift");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");

  gtk_window_destroy (GTK_WINDOW (other));
  gtk_window_present (GTK_WINDOW (test.window));
  g_assert_true (spice_fixture_wait (is_active, &test));
  display_fixture_xdotool ("keydown c");
  spice_fixture_expect_scancodes (test.server, "2e");
  /* Nor when it is hidden. */
  gtk_widget_set_visible (test.display, FALSE);
  expect_let_go (&test, "ae");
  display_fixture_xdotool ("keyup c");
  display_fixture_tear_down (&test);
}

static gboolean
has_num_lock (gpointer unused)
{
  GdkSeat *seat = gdk_display_get_default_seat (gdk_display_get_default ());

  return gdk_device_get_num_lock_state (gdk_seat_get_keyboard (seat));
}

/* A lock that is pressed in another window is the guest's as well once it has the keyboard. */
static void
test_locks (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  g_assert_false (has_num_lock (NULL));
  GtkWidget *other = gtk_window_new ();
  gtk_window_present (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (is_inactive, &test));
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  display_fixture_xdotool ("key Num_Lock");
  g_assert_true (spice_fixture_wait (has_num_lock, NULL));
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_scancodes (test.server), ==, "");
  gtk_window_destroy (GTK_WINDOW (other));
  gtk_window_present (GTK_WINDOW (test.window));
  g_assert_true (spice_fixture_wait (is_active, &test));
  spice_fixture_expect_scancodes (test.server, "45 c5");
  /* The server of X lives longer than this process. */
  gtk_window_set_focus (GTK_WINDOW (test.window), NULL);
  display_fixture_xdotool ("key Num_Lock");
  display_fixture_tear_down (&test);
}

static void
leave_cb (guint *n_left)
{
  (*n_left)++;
}

static void
test_grab (void)
{
  DisplayFixture test;
  guint n_left = 0;

  display_fixture_set_up (&test);
  display_fixture_expect_grabbed (&test, FALSE);
  g_signal_connect_swapped (test.display, "leave", G_CALLBACK (leave_cb), &n_left);
  /* Nothing to be given back: the keyboard is wanted outside. The guest sees two keys. */
  display_fixture_xdotool ("key ctrl+alt");
  spice_fixture_expect_scancodes (test.server, "1d 38 9d b8");
  g_assert_cmpuint (n_left, ==, 1);

  display_fixture_move_to (&test, 100, 100);
  display_fixture_xdotool ("click 1");
  display_fixture_expect_grabbed (&test, TRUE);
  spice_fixture_expect_pointer (test.server, "@100,100 =1 =0");
  g_assert_false (lodge_display_get_keeps_shortcuts (LODGE_DISPLAY (test.display)));
  g_assert_false (lodge_display_get_has_pointer (LODGE_DISPLAY (test.display)));

  /* With another key it is the guest's, however it is let go. */
  display_fixture_xdotool ("keydown ctrl keydown alt key t keyup alt keyup ctrl");
  spice_fixture_expect_scancodes (test.server, "1d 38 14 94 b8 9d");
  display_fixture_expect_grabbed (&test, TRUE);
  display_fixture_xdotool ("keydown alt keydown ctrl");
  spice_fixture_expect_scancodes (test.server, "38 1d");
  display_fixture_expect_grabbed (&test, TRUE);
  display_fixture_xdotool ("keyup ctrl keyup alt");
  spice_fixture_expect_scancodes (test.server, "9d b8");
  display_fixture_expect_grabbed (&test, FALSE);
  g_assert_cmpuint (n_left, ==, 1);

  /* A window that takes the focus takes the keyboard, although it is grabbed. */
  display_fixture_xdotool ("click 1");
  display_fixture_expect_grabbed (&test, TRUE);
  display_fixture_xdotool ("keydown d");
  GtkWidget *other = gtk_window_new ();
  gtk_window_present (GTK_WINDOW (other));
  display_fixture_expect_grabbed (&test, FALSE);
  g_assert_true (spice_fixture_wait (is_inactive, &test));
  expect_let_go (&test, "a0");
  display_fixture_xdotool ("keyup d");
  gtk_window_destroy (GTK_WINDOW (other));

  /* So does the end of the connection. */
  gtk_window_present (GTK_WINDOW (test.window));
  g_assert_true (spice_fixture_wait (is_active, &test));
  display_fixture_xdotool ("click 1");
  display_fixture_expect_grabbed (&test, TRUE);
  spice_fixture_cut (test.server);
  display_fixture_expect_grabbed (&test, FALSE);
  display_fixture_tear_down (&test);
}

static gboolean
is_inhibited_for (gpointer window)
{
  gboolean inhibited;

  g_object_get (gtk_native_get_surface (GTK_NATIVE (window)), "shortcuts-inhibited", &inhibited,
                NULL);
  return inhibited;
}

static gboolean
is_inhibited (gpointer data)
{
  return is_inhibited_for (((DisplayFixture *) data)->window);
}

/* Asked for before the window has the focus, as a click may that is to give it. */
static void
test_inhibit_before_focus (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  GtkWidget *other = gtk_window_new ();
  gtk_window_present (GTK_WINDOW (other));
  GdkToplevel *toplevel = GDK_TOPLEVEL (gtk_native_get_surface (GTK_NATIVE (other)));
  lodge_shortcuts_inhibit (toplevel, NULL);
  g_assert_false (is_inhibited_for (other));
  g_assert_true (spice_fixture_wait (is_inhibited_for, other));
  lodge_shortcuts_restore (toplevel);
  g_assert_false (is_inhibited_for (other));
  /* Nor is it asked for again with the next focus. */
  gtk_window_present (GTK_WINDOW (test.window));
  g_assert_true (spice_fixture_wait (is_active, &test));
  gtk_window_present (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (is_inactive, &test));
  spice_fixture_settle ();
  g_assert_false (is_inhibited_for (other));
  gtk_window_destroy (GTK_WINDOW (other));
  display_fixture_tear_down (&test);
}

static void
release_alt (DisplayFixture *test)
{
  display_fixture_xdotool ("keyup alt");
  spice_fixture_settle ();
  spice_fixture_clear (test->server);
}

/* The window manager's own combination: the guest's during a grab, unless it is to stay outside. */
static void
test_host_keys (void)
{
  static const char *const list[] = {"alt+tab", "ctrl+w", NULL};
  static const char *const single[] = {"f12", NULL};
  DisplayFixture test;

  display_fixture_set_up (&test);
  GtkWidget *other = gtk_window_new ();
  gtk_window_present (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (is_inactive, &test));
  gtk_window_present (GTK_WINDOW (test.window));
  g_assert_true (spice_fixture_wait (is_active, &test));
  display_fixture_move_to (&test, 100, 100);
  display_fixture_xdotool ("click 1");
  display_fixture_expect_grabbed (&test, TRUE);
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  display_fixture_xdotool ("keydown alt key Tab keyup alt");
  spice_fixture_expect_scancodes (test.server, "38 0f 8f b8");
  display_fixture_expect_grabbed (&test, TRUE);

  lodge_display_set_host_keys (LODGE_DISPLAY (test.display), list);
  display_fixture_xdotool ("click 1");
  display_fixture_expect_grabbed (&test, TRUE);
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  /* What only begins like it is the guest's as before. */
  display_fixture_xdotool ("key alt+b");
  spice_fixture_expect_scancodes (test.server, "38 30 b8 b0");
  display_fixture_expect_grabbed (&test, TRUE);
  g_assert_true (is_inhibited (&test));
  display_fixture_xdotool ("keydown alt");
  spice_fixture_expect_scancodes (test.server, "38");
  g_assert_false (is_inhibited (&test));
  display_fixture_xdotool ("key Tab");
  release_alt (&test);
  g_assert_true (spice_fixture_wait (is_inactive, &test));
  display_fixture_expect_grabbed (&test, FALSE);

  /* One that nobody on the host takes is not the guest's either. It is told of another key, so that
   * what it saw is no tap on Alt. */
  lodge_display_set_host_keys (LODGE_DISPLAY (test.display), (const char *[]){"alt+w", NULL});
  gtk_window_destroy (GTK_WINDOW (other));
  gtk_window_present (GTK_WINDOW (test.window));
  g_assert_true (spice_fixture_wait (is_active, &test));
  display_fixture_xdotool ("click 1");
  display_fixture_expect_grabbed (&test, TRUE);
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  display_fixture_xdotool ("keydown alt");
  spice_fixture_expect_scancodes (test.server, "38");
  display_fixture_xdotool ("key w key w keyup alt key a");
  spice_fixture_expect_scancodes (test.server, "1d 9d b8 1e 9e");
  display_fixture_expect_grabbed (&test, TRUE);

  /* With a key alone, or when the user wants it so, nothing of the desktop's is taken. */
  g_assert_false (lodge_display_get_keeps_shortcuts (LODGE_DISPLAY (test.display)));
  lodge_display_set_host_keys (LODGE_DISPLAY (test.display), single);
  g_assert_true (lodge_display_get_keeps_shortcuts (LODGE_DISPLAY (test.display)));
  display_fixture_expect_grabbed (&test, FALSE);
  display_fixture_xdotool ("click 1 key F12 key b");
  spice_fixture_expect_scancodes (test.server, "30 b0");
  display_fixture_expect_grabbed (&test, FALSE);
  lodge_display_set_host_keys (LODGE_DISPLAY (test.display), NULL);
  lodge_display_set_grab_shortcuts (LODGE_DISPLAY (test.display), FALSE);
  display_fixture_xdotool ("click 1 key F12");
  spice_fixture_expect_scancodes (test.server, "58 d8");
  display_fixture_expect_grabbed (&test, FALSE);
  display_fixture_tear_down (&test);
}

/* ---- pointer */

static void
test_pointer (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  display_fixture_move_to (&test, 0, 0);
  spice_fixture_expect_pointer (test.server, "@0,0");
  display_fixture_move_to (&test, 639, 479);
  spice_fixture_expect_pointer (test.server, "@639,479");
  display_fixture_xdotool ("click 1 click 3 click 2");
  spice_fixture_expect_pointer (test.server, "=1 =0 =2 =0 =4 =0");
  display_fixture_xdotool ("click 8 click 9");
  spice_fixture_expect_pointer (test.server, "=64 =0 =128 =0");
  display_fixture_xdotool ("click 5 click 5 click 4");
  spice_fixture_expect_pointer (test.server, "w1/0 w1/0 w-1/0");
  /* To the side. */
  display_fixture_xdotool ("click 7");
  spice_fixture_expect_order (test.server, "2a w1/0 aa");
  display_fixture_xdotool ("click 6");
  spice_fixture_expect_order (test.server, "36 w-1/0 b6");

  /* A drag that leaves the window goes on along its edge, and its end is seen. */
  display_fixture_move_to (&test, 600, 400);
  display_fixture_xdotool ("mousedown 1");
  display_fixture_move_to (&test, 800, 410);
  display_fixture_xdotool ("mouseup 1");
  spice_fixture_expect_pointer (test.server, "@600,400 =1 @639,410 =0");
  display_fixture_tear_down (&test);
}

/* What is less than a notch adds up; a touchpad counts in pixels, 15 for a notch. */
static void
test_smooth (void)
{
  DisplayFixture test;

  display_fixture_set_up (&test);
  LodgeDisplay *display = LODGE_DISPLAY (test.display);
  display_fixture_move_to (&test, 50, 60);
  spice_fixture_expect_pointer (test.server, "@50,60");
  lodge_display_scroll (display, 0, 0.75, GDK_SCROLL_UNIT_WHEEL);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_order (test.server), ==, "");
  lodge_display_scroll (display, 0, 0.5, GDK_SCROLL_UNIT_WHEEL);
  spice_fixture_expect_order (test.server, "w1/0");
  /* The other way begins anew. */
  lodge_display_scroll (display, 0, -7.5, GDK_SCROLL_UNIT_SURFACE);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_order (test.server), ==, "");
  lodge_display_scroll (display, 0, -7.5, GDK_SCROLL_UNIT_SURFACE);
  spice_fixture_expect_order (test.server, "w-1/0");
  lodge_display_scroll (display, 0, 45, GDK_SCROLL_UNIT_SURFACE);
  spice_fixture_expect_order (test.server, "w1/0 w1/0 w1/0");
  /* Fingers do not go straight: a turn is to the side when most of it is. */
  lodge_display_scroll (display, 15, 15, GDK_SCROLL_UNIT_SURFACE);
  spice_fixture_expect_order (test.server, "w1/0");
  lodge_display_scroll (display, 7.5, 2, GDK_SCROLL_UNIT_SURFACE);
  lodge_display_scroll (display, 7.5, 0, GDK_SCROLL_UNIT_SURFACE);
  spice_fixture_expect_order (test.server, "2a w1/0 aa");
  display_fixture_tear_down (&test);
}

/* A guest of another size: the corners are still the corners. */
static void
test_pointer_scaled (void)
{
  DisplayFixture test;

  display_fixture_set_up_size (&test, 640, 480, 1000, 750, TRUE);
  lodge_display_set_scaling (LODGE_DISPLAY (test.display), LODGE_SCALING_SCALE);
  display_fixture_move_to (&test, 639, 479);
  spice_fixture_expect_pointer (test.server, "@999,749");
  display_fixture_move_to (&test, 0, 0);
  spice_fixture_expect_pointer (test.server, "@0,0");
  display_fixture_move_to (&test, 320, 0);
  spice_fixture_expect_pointer (test.server, "@500,0");
  display_fixture_tear_down (&test);
}

static gboolean
has_moved (gpointer data)
{
  int dx, dy;

  spice_fixture_get_motion (((DisplayFixture *) data)->server, &dx, &dy);
  return dx == 2000 && dy == 1400;
}

/* Much further than the screen is wide, and nothing of it lost. */
static void
test_relative (void)
{
  DisplayFixture test;

  display_fixture_set_up_size (&test, 640, 480, 640, 480, FALSE);
  display_fixture_move_to (&test, 200, 200);
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");
  /* The click that gives the guest the pointer is not the guest's; another button meanwhile is. */
  display_fixture_xdotool ("mousedown 1");
  display_fixture_expect_grabbed (&test, TRUE);
  display_fixture_xdotool ("click 3");
  spice_fixture_expect_pointer (test.server, "=2 =0");
  display_fixture_xdotool ("mouseup 1");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");

  /* Not with --sync: that waits for a pointer that has moved, for 15 s where it was put back before
   * it is looked at. */
  for (int i = 0; i < 10; i++)
    display_fixture_xdotool (
        "mousemove_relative 10 7 mousemove_relative 90 63 mousemove_relative 100 70");
  spice_fixture_wait (has_moved, &test);
  int dx, dy;
  spice_fixture_get_motion (test.server, &dx, &dy);
  g_assert_cmpint (dx, ==, 2000);
  g_assert_cmpint (dy, ==, 1400);
  spice_fixture_clear (test.server);
  display_fixture_xdotool ("click 3");
  spice_fixture_expect_pointer (test.server, "=2 =0");

  /* Given back, the pointer is where it was, and the guest gets no more of it. */
  display_fixture_xdotool ("key ctrl+alt");
  display_fixture_expect_grabbed (&test, FALSE);
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  display_fixture_xdotool ("mousemove_relative 5 5");
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_get_pointer (test.server), ==, "");
  GdkSurface *surface = gtk_native_get_surface (GTK_NATIVE (test.window));
  GdkSeat *seat = gdk_display_get_default_seat (gdk_surface_get_display (surface));
  double x, y;
  int window_x, window_y;
  gdk_surface_get_device_position (surface, gdk_seat_get_pointer (seat), &x, &y, NULL);
  display_fixture_to_window (&test, 205, 205, &window_x, &window_y);
  g_assert_cmpfloat (x, ==, window_x);
  g_assert_cmpfloat (y, ==, window_y);

  /* The guest's tablet wakes up while the pointer is locked: it goes on as a tablet's. */
  display_fixture_xdotool ("click 1");
  display_fixture_expect_grabbed (&test, TRUE);
  test.tablet = TRUE;
  spice_fixture_set_tablet (test.server, TRUE);
  g_assert_true (spice_fixture_wait (display_fixture_is_ready, &test));
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  display_fixture_move_to (&test, 33, 44);
  spice_fixture_expect_pointer (test.server, "@33,44");
  display_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  DISPLAY_FIXTURE_ADD ("keys", test_keys);
  DISPLAY_FIXTURE_ADD ("focus-loss", test_focus_loss);
  DISPLAY_FIXTURE_ADD ("locks", test_locks);
  DISPLAY_FIXTURE_ADD ("grab", test_grab);
  DISPLAY_FIXTURE_ADD ("inhibit-before-focus", test_inhibit_before_focus);
  DISPLAY_FIXTURE_ADD ("host-keys", test_host_keys);
  DISPLAY_FIXTURE_ADD ("pointer", test_pointer);
  DISPLAY_FIXTURE_ADD ("smooth", test_smooth);
  DISPLAY_FIXTURE_ADD ("pointer-scaled", test_pointer_scaled);
  DISPLAY_FIXTURE_ADD ("relative", test_relative);
  return g_test_run ();
}
