/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The host's clipboard and a guest's, with another program on the host (xclip), a SPICE server with
 * an agent, and a window that has the focus or not. */
#include "gtk/lodge-display-clipboard.h"

#include "console/lodge-console-session.h"
#include "spice-fixture-agent.h"

#include <glib/gstdio.h>
#include <string.h>

#define TEXT VD_AGENT_CLIPBOARD_UTF8_TEXT
#define PNG  VD_AGENT_CLIPBOARD_IMAGE_PNG

typedef struct {
  SpiceFixture *server;
  SpiceFixtureAgent *agent;
  LodgeConsoleSession *session;
  LodgeConsoleClipboard *guest;
  LodgeDisplayClipboard *clipboard;
  GtkWidget *window;
  GtkWidget *other; /* a window of somebody else, as far as we know */
  GSubprocess *xclip;
  char *problem;
  const char *log;
  GtkWidget *want_active;
} Test;

static gboolean
is_set (gpointer data)
{
  return *(gboolean *) data;
}

static gboolean
is_available (gpointer data)
{
  return lodge_console_clipboard_get_available (((Test *) data)->guest);
}

static gboolean
is_active (gpointer data)
{
  Test *test = data;

  return gtk_window_is_active (GTK_WINDOW (test->want_active)) &&
         gtk_window_is_active (GTK_WINDOW (test->window)) == (test->want_active == test->window);
}

static void
focus (Test *test, GtkWidget *window)
{
  test->want_active = window;
  gtk_window_present (GTK_WINDOW (window));
  g_assert_true (spice_fixture_wait (is_active, test));
}

static gboolean
is_log (gpointer data)
{
  Test *test = data;

  return strcmp (spice_fixture_agent_get_log (test->agent), test->log) == 0;
}

static void
expect_log (Test *test, const char *log)
{
  test->log = log;
  if (!spice_fixture_wait (is_log, test))
    g_error ("“%s” instead of “%s”", spice_fixture_agent_get_log (test->agent), log);
  spice_fixture_agent_clear (test->agent);
}

/* Nothing is said to the agent. */
static void
expect_silence (Test *test)
{
  spice_fixture_settle ();
  g_assert_cmpstr (spice_fixture_agent_get_log (test->agent), ==, "");
}

/* ---- the other program */

typedef struct {
  GBytes *output;
  gboolean done;
} Paste;

static void
pasted_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  Paste *paste = data;

  g_assert_true (
      g_subprocess_communicate_finish (G_SUBPROCESS (source), result, &paste->output, NULL, NULL));
  paste->done = TRUE;
}

static void
start_paste (Paste *paste, const char *target)
{
  *paste = (Paste){0};
  g_autoptr (GSubprocess) process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL,
                        "xclip", "-o", "-selection", "clipboard", "-t", target, NULL);
  g_assert_nonnull (process);
  g_subprocess_communicate_async (process, NULL, NULL, pasted_cb, paste);
}

static void
expect_paste (Paste *paste, gconstpointer data, gsize size)
{
  g_assert_true (spice_fixture_wait (is_set, &paste->done));
  gsize got_size;
  gconstpointer got = g_bytes_get_data (paste->output, &got_size);
  g_assert_cmpmem (got, got_size, data, size);
  g_clear_pointer (&paste->output, g_bytes_unref);
}

static gboolean
is_remote (gpointer data)
{
  Test *test = data;
  GdkClipboard *clipboard = gtk_widget_get_clipboard (test->window);
  const char *const *types =
      gdk_content_formats_get_mime_types (gdk_clipboard_get_formats (clipboard), NULL);

  return !gdk_clipboard_is_local (clipboard) && types != NULL;
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_true (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL));
  g_assert_true (g_output_stream_close (G_OUTPUT_STREAM (source), NULL, NULL));
  *(gboolean *) data = TRUE;
}

static void
stop_copy (Test *test)
{
  if (test->xclip == NULL)
    return;
  g_subprocess_force_exit (test->xclip);
  g_assert_true (g_subprocess_wait (test->xclip, NULL, NULL));
  g_clear_object (&test->xclip);
}

/* xclip goes on offering it until it is stopped. */
static void
copy (Test *test, const char *target, gconstpointer data, gsize size)
{
  gboolean done = FALSE;
  GSubprocess *old = g_steal_pointer (&test->xclip);

  test->xclip = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
          G_SUBPROCESS_FLAGS_STDERR_SILENCE,
      NULL, "xclip", "-i", "-quiet", "-selection", "clipboard", "-t", target, NULL);
  g_assert_nonnull (test->xclip);
  g_output_stream_write_all_async (g_subprocess_get_stdin_pipe (test->xclip), data, size, 0, NULL,
                                   written_cb, &done);
  g_assert_true (spice_fixture_wait (is_set, &done));
  if (old != NULL)
    g_assert_true (g_subprocess_wait (old, NULL, NULL)); /* it ends when it has lost it */
  g_clear_object (&old);
  g_assert_true (spice_fixture_wait (is_remote, test));
  spice_fixture_settle ();
}

/* ---- setup */

static void
problem_cb (LodgeDisplayClipboard *clipboard, const char *sentence, Test *test)
{
  g_free (test->problem);
  test->problem = g_strdup (sentence);
}

static gboolean
has_problem (gpointer data)
{
  return ((Test *) data)->problem != NULL;
}

static void
setup (Test *test)
{
  gtk_init ();
  *test = (Test){.server = spice_fixture_new (320, 200, TRUE)};
  test->agent = spice_fixture_agent_new (test->server);
  spice_fixture_agent_announce (test->agent, SPICE_FIXTURE_AGENT_LINUX);
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  test->guest = lodge_console_session_get_clipboard (test->session);
  test->window = gtk_window_new ();
  test->other = gtk_window_new ();
  test->clipboard = lodge_display_clipboard_new (GTK_WINDOW (test->window));
  g_signal_connect (test->clipboard, "problem", G_CALLBACK (problem_cb), test);
  lodge_display_clipboard_set_ways (test->clipboard,
                                    LODGE_CLIPBOARD_WAY_TO_GUEST | LODGE_CLIPBOARD_WAY_TO_HOST);
  lodge_display_clipboard_set_guest (test->clipboard, test->guest);
  lodge_console_session_open (test->session);
  g_assert_true (spice_fixture_wait (is_available, test));
  focus (test, test->other);
  focus (test, test->window);
  spice_fixture_settle ();
  spice_fixture_agent_clear (test->agent);
}

static void
teardown (Test *test)
{
  stop_copy (test);
  g_assert_finalize_object (test->clipboard);
  g_object_add_weak_pointer (G_OBJECT (test->guest), (gpointer *) &test->guest);
  g_assert_finalize_object (test->session);
  g_assert_null (test->guest);
  gtk_window_destroy (GTK_WINDOW (test->window));
  gtk_window_destroy (GTK_WINDOW (test->other));
  spice_fixture_settle ();
  if (test->agent != NULL)
    spice_fixture_agent_free (test->agent);
  spice_fixture_free (test->server);
  g_free (test->problem);
}

/* A picture with all kinds of pixels, opaque and not. */
static GdkTexture *
make_texture (void)
{
  enum { WIDTH = 61, HEIGHT = 43 };
  guint8 *pixels = g_malloc (WIDTH * HEIGHT * 4);

  for (guint i = 0; i < WIDTH * HEIGHT * 4; i++)
    pixels[i] = i % 4 == 3 ? (i % 28 == 3 ? 128 : 255) : (guint8) (i * 37 + i / 200);
  g_autoptr (GBytes) bytes = g_bytes_new_take (pixels, WIDTH * HEIGHT * 4);
  return gdk_memory_texture_new (WIDTH, HEIGHT, GDK_MEMORY_R8G8B8A8, bytes, WIDTH * 4);
}

static void
expect_same_pixels (GdkTexture *texture, GBytes *file)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GdkTexture) other = gdk_texture_new_from_bytes (file, &error);

  g_assert_no_error (error);
  const int width = gdk_texture_get_width (texture);
  const int height = gdk_texture_get_height (texture);
  g_assert_cmpint (gdk_texture_get_width (other), ==, width);
  g_assert_cmpint (gdk_texture_get_height (other), ==, height);
  const gsize size = (gsize) width * height * 4;
  g_autofree guchar *a = g_malloc (size);
  g_autofree guchar *b = g_malloc (size);
  gdk_texture_download (texture, a, width * 4);
  gdk_texture_download (other, b, width * 4);
  g_assert_cmpmem (a, size, b, size);
}

/* ---- tests */

static void
test_text_to_host (void)
{
  Test test;
  Paste paste;

  setup (&test);
  spice_fixture_agent_grab (test.agent, 0, 1, TEXT);
  spice_fixture_settle ();
  expect_log (&test, ""); /* nobody has pasted */
  start_paste (&paste, "UTF8_STRING");
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, "Grüße <b>\n", 12);
  expect_paste (&paste, "Grüße <b>\n", 12);

  /* Each paste asks again. */
  start_paste (&paste, "text/plain;charset=utf-8");
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, "2", 1);
  expect_paste (&paste, "2", 1);

  spice_fixture_agent_release (test.agent, 0);
  spice_fixture_settle ();
  start_paste (&paste, "UTF8_STRING");
  expect_paste (&paste, NULL, 0);
  expect_silence (&test);
  teardown (&test);
}

static void
test_text_to_guest (void)
{
  Test test;

  setup (&test);
  copy (&test, "UTF8_STRING", "vom Wirt: ä\n", 13);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:1=13");
  GByteArray *data = spice_fixture_agent_get_data (test.agent);
  g_assert_cmpmem (data->data, data->len, "vom Wirt: ä\n", 13);

  /* What the guest copies then is the host's, and is not offered back. */
  spice_fixture_agent_grab (test.agent, 0, 1, TEXT);
  expect_silence (&test);
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0");
  teardown (&test);
}

static void
test_picture_to_host (void)
{
  Test test;
  Paste paste;
  g_autoptr (GdkTexture) texture = make_texture ();
  g_autoptr (GBytes) png = gdk_texture_save_to_png_bytes (texture);
  g_autoptr (GBytes) tiff = gdk_texture_save_to_tiff_bytes (texture);

  setup (&test);
  spice_fixture_agent_grab (test.agent, 0, 2, VD_AGENT_CLIPBOARD_IMAGE_BMP, PNG);
  spice_fixture_settle ();
  start_paste (&paste, "image/png");
  expect_log (&test, "request0:2");
  spice_fixture_agent_data (test.agent, 0, PNG, g_bytes_get_data (png, NULL),
                            g_bytes_get_size (png));
  g_assert_true (spice_fixture_wait (is_set, &paste.done));
  g_assert_true (g_bytes_equal (paste.output, png));
  g_clear_pointer (&paste.output, g_bytes_unref);

  /* One that has no PNG: it is converted, to the same pixels. */
  spice_fixture_agent_grab (test.agent, 0, 1, VD_AGENT_CLIPBOARD_IMAGE_TIFF);
  spice_fixture_settle ();
  start_paste (&paste, "image/png");
  expect_log (&test, "request0:4");
  spice_fixture_agent_data (test.agent, 0, VD_AGENT_CLIPBOARD_IMAGE_TIFF,
                            g_bytes_get_data (tiff, NULL), g_bytes_get_size (tiff));
  g_assert_true (spice_fixture_wait (is_set, &paste.done));
  expect_same_pixels (texture, paste.output);
  g_clear_pointer (&paste.output, g_bytes_unref);

  /* And one that lies about what it sends. */
  start_paste (&paste, "image/png");
  expect_log (&test, "request0:4");
  spice_fixture_agent_data (test.agent, 0, VD_AGENT_CLIPBOARD_IMAGE_TIFF, "no picture", 10);
  expect_paste (&paste, NULL, 0);
  teardown (&test);
}

static void
test_picture_to_guest (void)
{
  Test test;
  g_autoptr (GdkTexture) texture = make_texture ();
  g_autoptr (GBytes) png = gdk_texture_save_to_png_bytes (texture);
  g_autoptr (GBytes) tiff = gdk_texture_save_to_tiff_bytes (texture);

  setup (&test);
  copy (&test, "image/png", g_bytes_get_data (png, NULL), g_bytes_get_size (png));
  expect_log (&test, "grab0:2");
  spice_fixture_agent_request (test.agent, 0, PNG);
  g_autofree char *log = g_strdup_printf ("data0:2=%" G_GSIZE_FORMAT, g_bytes_get_size (png));
  expect_log (&test, log);
  GByteArray *data = spice_fixture_agent_get_data (test.agent);
  g_assert_cmpmem (data->data, data->len, g_bytes_get_data (png, NULL), g_bytes_get_size (png));

  /* On X11 what is new is known a moment after what was there is gone. */
  copy (&test, "image/tiff", g_bytes_get_data (tiff, NULL), g_bytes_get_size (tiff));
  expect_log (&test, "release0 grab0:2");
  spice_fixture_agent_clear (test.agent);
  spice_fixture_agent_request (test.agent, 0, PNG);
  test.log = "";
  while (is_log (&test))
    spice_fixture_settle ();
  g_assert_true (g_str_has_prefix (spice_fixture_agent_get_log (test.agent), "data0:2="));
  g_autoptr (GBytes) sent = g_bytes_new (data->data, data->len);
  expect_same_pixels (texture, sent);

  /* What cannot be read is answered all the same. */
  copy (&test, "image/tiff", "no picture", 10);
  spice_fixture_agent_clear (test.agent);
  spice_fixture_agent_request (test.agent, 0, PNG);
  expect_log (&test, "data0:0=0");
  teardown (&test);
}

/* While another window has the focus neither side learns or changes anything of the other. */
static void
test_background (void)
{
  Test test;
  Paste paste;

  setup (&test);
  copy (&test, "UTF8_STRING", "one", 3);
  expect_log (&test, "grab0:1");

  /* Something else is copied for another program: the guest is told nothing of it, cannot get at
   * it, and neither at what was there before. */
  focus (&test, test.other);
  copy (&test, "UTF8_STRING", "password", 8);
  expect_log (&test, "release0");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0");

  /* The guest copies something: the host's clipboard stays. */
  spice_fixture_agent_grab (test.agent, 0, 1, TEXT);
  spice_fixture_settle ();
  start_paste (&paste, "UTF8_STRING");
  expect_paste (&paste, "password", 8);
  expect_silence (&test);

  /* With the focus the host's news comes first. */
  focus (&test, test.window);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:1=8");

  /* Without news on the host the guest's is taken when the focus comes back. */
  focus (&test, test.other);
  spice_fixture_agent_grab (test.agent, 0, 1, TEXT);
  spice_fixture_settle ();
  start_paste (&paste, "UTF8_STRING");
  expect_paste (&paste, "password", 8);
  focus (&test, test.window);
  expect_silence (&test);
  start_paste (&paste, "UTF8_STRING");
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, "guest", 5);
  expect_paste (&paste, "guest", 5);
  teardown (&test);
}

static void
test_ways (void)
{
  Test test;
  Paste paste;

  setup (&test);
  lodge_display_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_NO_WAY);
  copy (&test, "UTF8_STRING", "host", 4);
  expect_silence (&test);
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0");
  lodge_display_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_WAY_TO_GUEST);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_grab (test.agent, 0, 1, TEXT);
  spice_fixture_settle ();
  start_paste (&paste, "UTF8_STRING");
  expect_paste (&paste, "host", 4);

  /* What is there of the guest goes with the way. */
  lodge_display_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_WAY_TO_HOST);
  start_paste (&paste, "UTF8_STRING");
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, "guest", 5);
  expect_paste (&paste, "guest", 5);
  lodge_display_clipboard_set_ways (test.clipboard, LODGE_CLIPBOARD_NO_WAY);
  start_paste (&paste, "UTF8_STRING");
  expect_paste (&paste, NULL, 0);
  expect_silence (&test);
  teardown (&test);
}

static void
test_problems (void)
{
  Test test;
  Paste paste;
  g_autofree guint8 *much = g_malloc (LODGE_CLIPBOARD_SIZE_MAX + 1);

  memset (much, 'a', LODGE_CLIPBOARD_SIZE_MAX + 1);
  setup (&test);
  /* So much takes long on a busy computer. */
  lodge_console_clipboard_set_time_limit (test.guest, 120000);
  copy (&test, "UTF8_STRING", much, LODGE_CLIPBOARD_SIZE_MAX + 1);
  expect_log (&test, "grab0:1");
  spice_fixture_agent_request (test.agent, 0, TEXT);
  expect_log (&test, "data0:0=0");
  g_assert_nonnull (test.problem);
  g_assert_nonnull (strstr (test.problem, "64 MiB"));
  g_clear_pointer (&test.problem, g_free);

  spice_fixture_agent_grab (test.agent, 0, 1, TEXT);
  spice_fixture_settle ();
  start_paste (&paste, "UTF8_STRING");
  expect_log (&test, "request0:1");
  spice_fixture_agent_data (test.agent, 0, TEXT, much, LODGE_CLIPBOARD_SIZE_MAX + 1);
  expect_paste (&paste, NULL, 0);
  g_assert_true (spice_fixture_wait (has_problem, &test));
  g_assert_nonnull (strstr (test.problem, "64 MiB"));
  g_clear_pointer (&test.problem, g_free);

  /* One that does not answer: whoever pastes is not left hanging. */
  lodge_console_clipboard_set_time_limit (test.guest, 300);
  start_paste (&paste, "UTF8_STRING");
  expect_paste (&paste, NULL, 0);
  g_assert_nonnull (test.problem);
  expect_log (&test, "request0:1");

  /* Nor by one that goes away; and nothing of it stays on the clipboard. */
  lodge_console_clipboard_set_time_limit (test.guest, 60000);
  start_paste (&paste, "UTF8_STRING");
  expect_log (&test, "request0:1");
  lodge_display_clipboard_set_guest (test.clipboard, NULL);
  lodge_console_session_close (test.session);
  expect_paste (&paste, NULL, 0);
  g_assert_null (gdk_clipboard_get_content (gtk_widget_get_clipboard (test.window)));
  teardown (&test);
}

#define ADD(name)                                                                                  \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
ADD (text_to_host)
ADD (text_to_guest)
ADD (picture_to_host)
ADD (picture_to_guest)
ADD (background)
ADD (ways)
ADD (problems)
#undef ADD

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/display-clipboard/text-to-host", run_text_to_host);
  g_test_add_func ("/display-clipboard/text-to-guest", run_text_to_guest);
  g_test_add_func ("/display-clipboard/picture-to-host", run_picture_to_host);
  g_test_add_func ("/display-clipboard/picture-to-guest", run_picture_to_guest);
  g_test_add_func ("/display-clipboard/background", run_background);
  g_test_add_func ("/display-clipboard/ways", run_ways);
  g_test_add_func ("/display-clipboard/problems", run_problems);
  return g_test_run ();
}
