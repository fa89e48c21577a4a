/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The display on a desktop that scales by fractions, as it is on the screen: what the compositor
 * shows, the size a guest is asked for, and where its pointer is.
 */
#include "gtk/lodge-display-private.h"
#include "gtk/lodge-display-scale.h"
#include "spice-fixture.h"
#include "test-xdotool.h"

/* Of sway-test. */
#define SCREEN_WIDTH  1470
#define SCREEN_HEIGHT 1050

static const double scales[] = {1.25, 1.5, 1.75, 2, 1};

typedef struct {
  SpiceFixture *server;
  LodgeConsoleSession *session;
  GtkWidget *window;
  LodgeDisplay *display;
  double scale;
  int margin;        /* at the display's left and top */
  int width, height; /* of the guest */
} Test;

static void
ended_cb (GObject *process, GAsyncResult *result, gpointer out)
{
  g_assert_true (g_subprocess_communicate_finish (G_SUBPROCESS (process), result, out, NULL, NULL));
  g_assert_true (g_subprocess_get_successful (G_SUBPROCESS (process)));
}

static gboolean
is_there (gpointer data)
{
  return *(gpointer *) data != NULL;
}

/* What a program says; the main loop runs meanwhile. */
static GBytes *
run (const char *const *argv)
{
  g_autoptr (GSubprocess) process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
  GBytes *out = NULL;

  g_assert_nonnull (process);
  g_subprocess_communicate_async (process, NULL, NULL, ended_cb, &out);
  g_assert_true (spice_fixture_wait (is_there, &out));
  return out;
}

static gboolean
is_ready (gpointer data)
{
  Test *test = data;
  LodgeFrame frame;
  gboolean connected, absolute;

  lodge_frame_source_get_frame (lodge_console_session_get_source (test->session), &frame);
  g_object_get (test->session, "connected", &connected, "pointer-absolute", &absolute, NULL);
  return connected && absolute && frame.data != NULL &&
         gtk_widget_has_focus (GTK_WIDGET (test->display)) &&
         gtk_window_is_active (GTK_WINDOW (test->window)) &&
         gtk_widget_get_width (GTK_WIDGET (test->display)) == SCREEN_WIDTH;
}

static void
set_up (Test *test)
{
  gtk_init ();
  *test = (Test){.server = spice_fixture_new (640, 480, TRUE)};
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  test->window = gtk_window_new ();
  test->display = LODGE_DISPLAY (lodge_display_new ());
  lodge_display_set_session (test->display, test->session);
  gtk_window_set_child (GTK_WINDOW (test->window), GTK_WIDGET (test->display));
  gtk_window_set_decorated (GTK_WINDOW (test->window), FALSE);
  gtk_window_set_focus (GTK_WINDOW (test->window), GTK_WIDGET (test->display));
  gtk_window_present (GTK_WINDOW (test->window));
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (is_ready, test));
  spice_fixture_set_agent (test->server, TRUE);
}

static void
tear_down (Test *test)
{
  gtk_window_destroy (GTK_WINDOW (test->window));
  spice_fixture_settle ();
  g_assert_finalize_object (test->session);
  spice_fixture_settle ();
  spice_fixture_free (test->server);
}

/* The window has been told of the scale and of the size that comes of it. */
static gboolean
is_scaled (gpointer data)
{
  Test *test = data;

  return lodge_display_get_device_scale (GTK_WIDGET (test->display)) == test->scale &&
         gtk_widget_get_width (test->window) == (int) (SCREEN_WIDTH / test->scale) &&
         gtk_widget_get_height (test->window) == (int) (SCREEN_HEIGHT / test->scale);
}

static gboolean
is_asked (gpointer data)
{
  Test *test = data;
  int width, height;

  /* A margin that was changed has not been heard of before the next frame. */
  if (gtk_widget_get_width (GTK_WIDGET (test->display)) + test->margin !=
      gtk_widget_get_width (test->window))
    return FALSE;
  lodge_display_update_view (test->display);
  lodge_display_view_get_room (&test->display->view, &test->width, &test->height);
  spice_fixture_get_asked_size (test->server, &width, &height);
  return width == test->width && height == test->height;
}

/* Every pixel another one than its neighbours, so that a smoothed or shifted one is seen. */
static guint32
get_color (int x, int y)
{
  return ((guint32) x * 2654435761u ^ (guint32) y * 40503u * 65537u) & 0xffffff;
}

static void
draw (Test *test)
{
  g_autofree guint32 *pixels = g_new (guint32, (gsize) test->width * (gsize) test->height);

  for (int y = 0; y < test->height; y++) {
    for (int x = 0; x < test->width; x++)
      pixels[y * test->width + x] = get_color (x, y);
  }
  spice_fixture_resize (test->server, test->width, test->height);
  spice_fixture_draw (test->server, 0, 0, test->width, test->height, pixels);
}

/* Each of the guest's pixels is one of the screen's, where the display says that it is. */
static gboolean
is_on_screen (gpointer data)
{
  static const char *const argv[] = {
      "import",
      "-window",
      "root",
      "-depth",
      "8",
      "-crop",
      G_STRINGIFY (SCREEN_WIDTH) "x" G_STRINGIFY (SCREEN_HEIGHT) "+0+0",
      "rgb:-",
      NULL};
  Test *test = data;
  const LodgeDisplayView *view = &test->display->view;
  g_autoptr (GBytes) bytes = run (argv);
  gsize size;
  const guint8 *rgb = g_bytes_get_data (bytes, &size);

  g_assert_cmpuint (size, ==, (gsize) SCREEN_WIDTH * SCREEN_HEIGHT * 3);
  for (int y = 0; y < test->height; y++) {
    for (int x = 0; x < test->width; x++) {
      const guint8 *p =
          rgb + ((gsize) (view->top + y) * SCREEN_WIDTH + (gsize) (view->left + x)) * 3;
      if (((guint32) p[0] << 16 | (guint32) p[1] << 8 | p[2]) != get_color (x, y))
        return FALSE;
    }
  }
  return TRUE;
}

static void
use_scale (Test *test, double scale)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  const char *argv[] = {"swaymsg", "output", "*", "scale", text, NULL};

  g_ascii_dtostr (text, sizeof text, scale);
  g_autoptr (GBytes) said = run (argv);
  test->scale = scale;
  g_assert_true (spice_fixture_wait (is_scaled, test));
}

static void
set_margin (Test *test, int margin)
{
  test->margin = margin;
  gtk_widget_set_margin_start (GTK_WIDGET (test->display), margin);
  gtk_widget_set_margin_top (GTK_WIDGET (test->display), margin);
}

/* A guest that follows the window is asked for the screen's pixels, and each of its own is one of
 * them, wherever in the window the display is. */
static void
test_pixels (void)
{
  Test test;

  set_up (&test);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    use_scale (&test, scales[i]);
    for (int margin = 7; margin >= 0; margin -= 7) {
      set_margin (&test, margin);
      g_assert_true (spice_fixture_wait (is_asked, &test));
      if (margin == 0) {
        g_assert_cmpint (test.width, ==, SCREEN_WIDTH);
        g_assert_cmpint (test.height, ==, SCREEN_HEIGHT);
      }
      draw (&test);
      g_assert_true (spice_fixture_wait (is_on_screen, &test));
    }
  }
  tear_down (&test);
}

/* The guest's pointer is at the pixel of its picture that the screen's is at. */
static void
test_pointer (void)
{
  Test test;

  set_up (&test);
  for (guint i = 0; i < G_N_ELEMENTS (scales); i++) {
    use_scale (&test, scales[i]);
    g_assert_true (spice_fixture_wait (is_asked, &test));
    draw (&test);
    g_assert_true (spice_fixture_wait (is_on_screen, &test));
    for (int x = 11; x < SCREEN_WIDTH; x += 163) {
      const int y = SCREEN_HEIGHT - 1 - x * 2 / 3;
      g_autofree char *want = g_strdup_printf ("@%d,%d", x, y);

      spice_fixture_clear (test.server);
      test_xdotool ("mousemove %d %d", x, y);
      spice_fixture_expect_pointer (test.server, want);
    }
  }
  tear_down (&test);
}

#define ADD(path, test)                                                                            \
  g_test_add_data_func ("/display/fractional/" path, (gconstpointer) (void (*) (void)) test,       \
                        run_test)

static void
run_test (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("pixels", test_pixels);
  ADD ("pointer", test_pointer);
  return g_test_run ();
}
