/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display as a Wayland client: keys, and a pointer that is locked in place and always let go.
 */
#include "gtk/lodge-display-private.h"
#include "wayland-fixture.h"

#include <stdarg.h>

typedef WaylandFixture Test;

/* A window of the test's own, and where the pointer was last seen in it. */
typedef struct {
  GtkWidget *window;
  double x;
  double y;
} Other;

static void xdotool (const char *format, ...) G_GNUC_PRINTF (1, 2);

static void
exited_cb (GPid pid, int status, gpointer data)
{
  g_assert_true (g_spawn_check_wait_status (status, NULL));
  *(gboolean *) data = TRUE;
}

static gboolean
is_true (gpointer data)
{
  return *(gboolean *) data;
}

static void
xdotool (const char *format, ...)
{
  va_list args;
  gboolean done = FALSE;
  GPid pid;

  va_start (args, format);
  g_autofree char *words = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree char *command = g_strconcat ("xdotool ", words, NULL);
  g_auto (GStrv) argv = g_strsplit (command, " ", -1);
  g_assert_true (
      g_spawn_async (NULL, argv, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                     NULL, NULL, &pid, NULL));
  g_child_watch_add (pid, exited_cb, &done);
  g_assert_true (spice_fixture_wait (is_true, &done));
  g_spawn_close_pid (pid);
}

static gboolean
has_entered (gpointer data)
{
  return g_str_has_suffix (spice_fixture_get_pointer (data), "@401,300");
}

static void
set_up (Test *test, gboolean tablet)
{
  xdotool ("mousemove 400 300");
  wayland_fixture_set_up (test, 800, 600, 800, tablet);
  if (tablet) { /* the pointer may come after the keyboard */
    xdotool ("mousemove 401 300");
    g_assert_true (spice_fixture_wait (has_entered, test->server));
  }
  spice_fixture_settle ();
  spice_fixture_clear (test->server);
}

static gboolean
is_locked (gpointer data)
{
  LodgeDisplay *display = ((Test *) data)->display;

  return display->grabbed && display->lock != NULL && display->lock->active;
}

static gboolean
is_free (gpointer data)
{
  LodgeDisplay *display = ((Test *) data)->display;

  return !display->grabbed && display->lock == NULL;
}

static void
lock (Test *test)
{
  /* GTK finds what is below the pointer when that moves. */
  xdotool ("mousemove 401 300 mousemove 400 300 click 1");
  g_assert_true (spice_fixture_wait (is_locked, test));
  spice_fixture_settle ();
  spice_fixture_clear (test->server);
}

static void
motion_cb (GtkEventControllerMotion *controller, double x, double y, Other *other)
{
  other->x = x;
  other->y = y;
}

static gboolean
has_seen_pointer (gpointer data)
{
  Other *other = data;

  return other->x == 123 && other->y == 234;
}

/* The pointer goes where it is moved to: nobody holds it. */
static void
assert_pointer_moves (void)
{
  Other other = {.window = gtk_window_new ()};
  GtkEventController *motion = gtk_event_controller_motion_new ();

  g_signal_connect (motion, "motion", G_CALLBACK (motion_cb), &other);
  gtk_widget_add_controller (other.window, motion);
  gtk_window_set_decorated (GTK_WINDOW (other.window), FALSE);
  gtk_window_present (GTK_WINDOW (other.window));
  spice_fixture_settle ();
  xdotool ("mousemove 50 60 mousemove 123 234");
  g_assert_true (spice_fixture_wait (has_seen_pointer, &other));
  gtk_window_destroy (GTK_WINDOW (other.window));
  spice_fixture_settle ();
}

static void
test_tablet (void)
{
  Test test;

  set_up (&test, TRUE);
  xdotool ("mousemove 0 0");
  spice_fixture_expect_pointer (test.server, "@0,0");
  xdotool ("mousemove 799 599");
  spice_fixture_expect_pointer (test.server, "@799,599");
  xdotool ("click 1 click 3");
  spice_fixture_expect_pointer (test.server, "=1 =0 =2 =0");
  xdotool ("click 5 click 4");
  spice_fixture_expect_pointer (test.server, "w1/0 w-1/0");
  xdotool ("keydown ctrl key w keyup ctrl");
  spice_fixture_expect_scancodes (test.server, "1d 11 91 9d");
  wayland_fixture_tear_down (&test);
}

static gboolean
has_motion (gpointer data)
{
  int dx, dy;

  spice_fixture_get_motion (((Test *) data)->server, &dx, &dy);
  return dx == 5 && dy == -2;
}

static void
test_motion (void)
{
  Test test;

  set_up (&test, FALSE);
  lock (&test);
  xdotool ("mousemove 405 300");
  spice_fixture_expect_pointer (test.server, "+5,0");
  xdotool ("mousemove 403 298");
  spice_fixture_expect_pointer (test.server, "+-2,-2");
  /* Back to where it is locked, so that Weston's pointer is again where the X server's is. */
  xdotool ("mousemove 400 300");
  spice_fixture_expect_pointer (test.server, "+-3,2");
  /* Slow motion comes in pieces of a pixel. */
  for (int i = 0; i < 10; i++)
    test.display->lock->motion (.5, -.25, test.display->lock->user_data);
  g_assert_true (spice_fixture_wait (has_motion, &test));
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  xdotool ("click 3");
  spice_fixture_expect_pointer (test.server, "=2 =0");

  /* The guest's tablet wakes up. */
  test.tablet = TRUE;
  spice_fixture_set_tablet (test.server, TRUE);
  g_assert_true (spice_fixture_wait (wayland_fixture_is_ready, &test));
  g_assert_null (test.display->lock);
  spice_fixture_settle ();
  spice_fixture_clear (test.server);
  xdotool ("mousemove 33 44");
  spice_fixture_expect_pointer (test.server, "@33,44");
  wayland_fixture_tear_down (&test);
}

static void
test_let_go (void)
{
  Test test;

  set_up (&test, FALSE);
  g_assert_false (lodge_display_get_has_pointer (test.display));
  lock (&test);
  /* Weston has no way to give its shortcuts away, and none is claimed. */
  g_assert_true (lodge_display_get_keeps_shortcuts (test.display));
  g_assert_true (lodge_display_get_has_pointer (test.display));
  xdotool ("key ctrl+alt");
  g_assert_true (spice_fixture_wait (is_free, &test));

  lock (&test);
  GtkWidget *other = gtk_window_new ();
  gtk_window_present (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (is_free, &test));
  gtk_window_destroy (GTK_WINDOW (other));
  g_assert_true (spice_fixture_wait (wayland_fixture_is_ready, &test));

  lock (&test);
  gtk_widget_set_visible (GTK_WIDGET (test.display), FALSE);
  g_assert_true (is_free (&test));
  gtk_widget_set_visible (GTK_WIDGET (test.display), TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (test.display));
  g_assert_true (spice_fixture_wait (wayland_fixture_is_ready, &test));

  lock (&test);
  spice_fixture_cut (test.server);
  g_assert_true (spice_fixture_wait (is_free, &test));
  assert_pointer_moves ();
  wayland_fixture_tear_down (&test);
}

/* The window goes while it has the pointer. */
static void
test_closed (void)
{
  Test test;

  set_up (&test, FALSE);
  lock (&test);
  gtk_window_destroy (GTK_WINDOW (g_steal_pointer (&test.window)));
  assert_pointer_moves ();
  wayland_fixture_tear_down (&test);
}

static void
run (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

#define ADD(path, test)                                                                            \
  g_test_add_data_func ("/display-wayland/" path, (gconstpointer) (void (*) (void)) test, run)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("tablet", test_tablet);
  ADD ("motion", test_motion);
  ADD ("let-go", test_let_go);
  ADD ("closed", test_closed);
  return g_test_run ();
}
