/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Screenshots from a console window: which pixels, which file, and what is said. */
#include "console-fixture.h"

#include "test-folder.h"
#include "test-keys-repeat.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef ConsoleFixture Test;

/* The fixture's folder is where the user's pictures are. */
static void
set_up (Test *test)
{
  console_fixture_set_up (test, 0);
  console_fixture_set_user_folder ("XDG_PICTURES_DIR", test->folder);
  g_assert_cmpstr (g_get_user_special_dir (G_USER_DIRECTORY_PICTURES), ==, test->folder);
}

static guint
count_pictures (Test *test, char **out_path)
{
  return console_fixture_count_files (test, ".png", out_path);
}

static gboolean
is_drawn (gpointer data)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (
      lodge_console_session_get_source (console_fixture_get_session (data)), &frame);
  if (frame.data == NULL || frame.width != 801)
    return FALSE;
  const guint32 *first = (const guint32 *) (const void *) frame.data;
  return (first[800] & 0xffffff) == 0xfedcba;
}

static void
take (Test *test)
{
  gtk_widget_activate_action (GTK_WIDGET (test->window), "console.screenshot", NULL);
}

static void
click_toast (Test *test)
{
  app_wait_until (app_find_label (test->window->toasts, "Screenshot saved") != NULL);
  app_click (test->window->toasts, "Show in _Folder");
}

/* The guest's pixels, at no scale but their own. */
static void
in_pixels (void)
{
  Test test;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  set_up (&test);
  spice_fixture_resize (test.server, 801, 601);
  spice_fixture_fill (test.server, 0, 0, 801, 601, 0x336699);
  spice_fixture_fill (test.server, 800, 0, 1, 1, 0xfedcba);
  g_assert_true (spice_fixture_wait (is_drawn, &test));
  take (&test);
  app_wait_until (app_find_label (test.window->toasts, "Screenshot saved") != NULL);
  g_assert_cmpuint (count_pictures (&test, &path), ==, 1);
  g_assert_nonnull (strstr (path, "/web 2"));

  g_autoptr (GdkTexture) texture = gdk_texture_new_from_filename (path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (gdk_texture_get_width (texture), ==, 801);
  g_assert_cmpint (gdk_texture_get_height (texture), ==, 601);
  g_autofree guint32 *pixels = g_new (guint32, 801 * 601);
  gdk_texture_download (texture, (guchar *) pixels, 801 * 4);
  for (int i = 0; i < 801 * 601; i++)
    g_assert_cmphex (pixels[i], ==, i == 800 ? 0xfffedcba : 0xff336699);
  console_fixture_tear_down (&test);
}

/* What a graphics card has: the window's own where it can show that, its first line on top; else
 * the machine is asked. */
static void
in_scanout (void)
{
  enum { WIDTH = 72, HEIGHT = 32 };
  guint32 pixels[WIDTH * HEIGHT];
  Test test;
  int memory;
  g_autofree char *path = NULL;

  set_up (&test);
  for (int i = 0; i < WIDTH * HEIGHT; i++)
    pixels[i] = i == 5 ? 0xfedcba : 0x336699;
  memory = console_fixture_set_scanout (&test, pixels, WIDTH, HEIGHT);
  take (&test);
  app_wait_until (app_find_label (test.window->toasts, "Screenshot saved") != NULL);
  g_assert_cmpuint (count_pictures (&test, &path), ==, 1);
  g_autoptr (GdkTexture) texture = gdk_texture_new_from_filename (path, NULL);
  if (lodge_display_get_problem (test.window->display) == NULL) {
    g_assert_cmpint (gdk_texture_get_width (texture), ==, WIDTH);
    g_assert_cmpint (gdk_texture_get_height (texture), ==, HEIGHT);
    gdk_texture_download (texture, (guchar *) pixels, WIDTH * 4);
    for (int i = 0; i < WIDTH * HEIGHT; i++)
      g_assert_cmphex (pixels[i], ==, i == (HEIGHT - 1) * WIDTH + 5 ? 0xfffedcba : 0xff336699);
  } else {
    g_assert_cmpint (gdk_texture_get_width (texture), !=, WIDTH);
  }
  console_fixture_tear_down (&test);
  close (memory);
}

static gboolean
is_green (gpointer data)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (
      lodge_console_session_get_monitor (console_fixture_get_session (data), 1), &frame);
  return frame.data != NULL && frame.width == 320 &&
         (*(const guint32 *) (const void *) frame.data & 0xffffff) == 0x20c020;
}

/* In the window of another monitor the key takes that one. */
static void
in_second (void)
{
  static const int two[] = {0, 0, 320, 400, 320, 0, 320, 400};
  Test test;
  GtkWindow *window;
  g_autofree char *path = NULL;

  set_up (&test);
  console_fixture_set_monitors (&test, 2);
  spice_fixture_set_monitors (test.server, 2, two);
  spice_fixture_fill (test.server, 0, 0, 320, 400, 0xe02020);
  spice_fixture_fill (test.server, 320, 0, 320, 400, 0x20c020);
  gtk_widget_activate_action (GTK_WIDGET (test.window), "monitors.2", NULL);
  app_wait_until ((window = console_fixture_find_monitor ()) != NULL);
  app_wait_until (gtk_window_is_active (window));
  g_assert_true (spice_fixture_wait (is_green, &test));
  app_assert_named (window);
  app_xdotool ("key ctrl+Print");
  app_wait_until (app_find_label (window, "Screenshot saved") != NULL);
  g_assert_cmpuint (count_pictures (&test, &path), ==, 1);
  g_assert_nonnull (strstr (path, "/web, Monitor 2 2"));
  g_autoptr (GdkTexture) texture = gdk_texture_new_from_filename (path, NULL);
  g_assert_cmpint (gdk_texture_get_width (texture), ==, 320);
  g_assert_cmpint (gdk_texture_get_height (texture), ==, 400);
  g_autofree guint32 *pixels = g_new (guint32, 320 * 400);
  gdk_texture_download (texture, (guchar *) pixels, 320 * 4);
  g_assert_cmphex (pixels[320 * 399], ==, 0xff20c020);

  /* One that cannot be written is said there, too; and nobody where the window has gone. */
  console_fixture_set_user_folder ("XDG_PICTURES_DIR", "/proc/nowhere");
  gtk_widget_activate_action (GTK_WIDGET (window), "monitor.screenshot", NULL);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_true (gtk_window_get_transient_for (GTK_WINDOW (app_get_dialog ())) == window);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Save the Screenshot"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  gtk_widget_activate_action (GTK_WIDGET (window), "monitor.screenshot", NULL);
  console_fixture_tear_down (&test);
}

/* Many in the same second: each is a file of its own. */
static void
in_many (void)
{
  Test test;

  set_up (&test);
  for (guint i = 0; i < 20; i++)
    take (&test);
  app_wait_until (count_pictures (&test, NULL) == 20);
  console_fixture_tear_down (&test);
}

static void
dismissed_cb (AdwToast *toast, gboolean *dismissed)
{
  *dismissed = TRUE;
}

/* The next one is told at once: what was said of the one before makes room. */
static void
in_row (void)
{
  Test test;
  gboolean dismissed = FALSE;

  set_up (&test);
  take (&test);
  app_wait_until (test.window->saved_toast != NULL);
  g_autoptr (AdwToast) first = g_object_ref (test.window->saved_toast);
  g_signal_connect (first, "dismissed", G_CALLBACK (dismissed_cb), &dismissed);
  take (&test);
  app_wait_until (test.window->saved_toast != NULL && test.window->saved_toast != first);
  g_assert_true (dismissed);
  g_signal_handlers_disconnect_by_data (first, &dismissed);
  console_fixture_tear_down (&test);
}

/* A guest that has panicked: its last words can be kept. */
static void
in_panic (void)
{
  Test test;

  set_up (&test);
  spice_fixture_resize (test.server, 801, 601);
  spice_fixture_fill (test.server, 800, 0, 1, 1, 0xfedcba);
  app_wait_until (is_drawn (&test));
  fake_engine_set_stands (test.engine, test.uuid, TRUE);
  fake_engine_set_state (test.engine, test.uuid, "crashed");
  app_wait_until (lodge_console_machine_get_state (lodge_console_window_get_machine (
                      test.window)) == LODGE_MACHINE_STATE_CRASHED);
  g_assert_true (console_fixture_is_shown (&test));
  take (&test);
  app_wait_until (count_pictures (&test, NULL) == 1);
  console_fixture_tear_down (&test);
}

/* A folder that is not there is made; one that cannot be is said. */
static void
in_folder (void)
{
  Test test;
  const char *folder;

  set_up (&test);
  folder = test.folder;
  g_autofree char *file = g_build_filename (folder, "file", NULL);
  g_autofree char *inside = g_build_filename (file, "pictures", NULL);
  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  console_fixture_set_user_folder ("XDG_PICTURES_DIR", inside);
  take (&test);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Save the Screenshot"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);

  g_assert_cmpint (g_unlink (file), ==, 0);
  take (&test);
  app_wait_until (app_find_label (test.window->toasts, "Screenshot saved") != NULL);
  test_folder_remove (file);
  console_fixture_tear_down (&test);
}

/* ---- a file manager */

static const char interface_xml[] =
    "<node><interface name='org.freedesktop.FileManager1'><method name='ShowItems'>"
    "<arg type='as' direction='in'/><arg type='s' direction='in'/></method></interface></node>";

static void
shown_cb (GDBusConnection *bus,
          const char *sender,
          const char *path,
          const char *interface,
          const char *method,
          GVariant *parameters,
          GDBusMethodInvocation *invocation,
          gpointer data)
{
  g_autofree const char **uris = NULL;

  g_variant_get (parameters, "(^a&s&s)", &uris, NULL);
  g_assert_cmpuint (g_strv_length ((char **) uris), ==, 1);
  *(char **) data = g_filename_from_uri (uris[0], NULL, NULL);
  g_dbus_method_invocation_return_value (invocation, NULL);
}

static void
in_show (void)
{
  static const GDBusInterfaceVTable vtable = {.method_call = shown_cb};
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (interface_xml, NULL);
  g_autofree char *shown = NULL;
  g_autofree char *path = NULL;
  Test test;

  g_autoptr (GDBusConnection) bus =
      g_dbus_connection_new_for_address_sync (g_getenv ("DBUS_SESSION_BUS_ADDRESS"),
                                              G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                  G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                              NULL, NULL, NULL);
  g_assert_nonnull (bus);
  g_assert_cmpuint (g_dbus_connection_register_object (bus, "/org/freedesktop/FileManager1",
                                                       node->interfaces[0], &vtable, &shown, NULL,
                                                       NULL),
                    !=, 0);
  g_bus_own_name_on_connection (bus, "org.freedesktop.FileManager1", 0, NULL, NULL, NULL, NULL);

  set_up (&test);
  take (&test);
  click_toast (&test);
  app_wait_until (shown != NULL);
  g_assert_cmpuint (count_pictures (&test, &path), ==, 1);
  g_assert_cmpstr (shown, ==, path);
  console_fixture_tear_down (&test);
  g_dbus_connection_close_sync (bus, NULL, NULL);
}

/* ---- the key */

/* It is the guest's while it has all keys. */
static void
in_key (void)
{
  Test test;

  set_up (&test);
  app_wait_until (gtk_window_is_active (GTK_WINDOW (test.window)));
  app_wait_until (gtk_window_get_focus (GTK_WINDOW (test.window)) ==
                  GTK_WIDGET (test.window->display));
  app_settle ();
  app_xdotool ("key ctrl+Print");
  app_wait_until (count_pictures (&test, NULL) == 1);
  spice_fixture_expect_scancodes (test.server, "1d 9d");

  /* Held it comes again and again, and is one press. */
  test_keys_repeat (TRUE);
  app_xdotool ("keydown ctrl keydown Print sleep 1.5 keyup Print keyup ctrl");
  test_keys_repeat (FALSE);
  app_wait_until (count_pictures (&test, NULL) == 2);
  app_settle ();
  app_xdotool ("key ctrl+Print");
  app_wait_until (count_pictures (&test, NULL) >= 3);
  app_settle ();
  g_assert_cmpuint (count_pictures (&test, NULL), ==, 3);

  app_xdotool ("mousemove 400 400 click 1");
  app_wait_until (lodge_display_get_grabbed (test.window->display));
  spice_fixture_clear (test.server);
  app_xdotool ("key ctrl+Print");
  app_wait_until (strlen (spice_fixture_get_scancodes (test.server)) > strlen ("1d 9d"));
  spice_fixture_settle ();
  g_assert_cmpuint (count_pictures (&test, NULL), ==, 3);
  console_fixture_tear_down (&test);
}

static void
run (gconstpointer test)
{
  spice_fixture_run ((void (*) (void)) test);
}

/* GTK goes to the bus as soon as it is there, and never leaves it: GTestDBus waits for that. */
static GSubprocess *
start_bus (void)
{
  GSubprocess *bus =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL,
                        "dbus-daemon", "--session", "--nofork", "--print-address=1", NULL);
  g_autoptr (GDataInputStream) lines = NULL;
  g_autofree char *address = NULL;

  g_assert_nonnull (bus);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (bus));
  address = g_data_input_stream_read_line (lines, NULL, NULL, NULL);
  g_assert_nonnull (address);
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", address, TRUE);
  return bus;
}

int
main (int argc, char **argv)
{
  g_autofree char *config = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  g_autoptr (GSubprocess) bus = start_bus ();
  int status = 0;

  g_setenv ("XDG_CONFIG_HOME", config, TRUE);
  if (!app_test_init (&argc, &argv))
    goto out;

#define ADD(path, test)                                                                            \
  g_test_add_data_func ("/console-screenshot/" path, (gconstpointer) (void (*) (void)) test, run)
  ADD ("pixels", in_pixels);
  ADD ("scanout", in_scanout);
  ADD ("second", in_second);
  ADD ("many", in_many);
  ADD ("row", in_row);
  ADD ("panic", in_panic);
  ADD ("folder", in_folder);
  ADD ("show", in_show);
  ADD ("key", in_key);
#undef ADD
  status = g_test_run ();
out:
  g_subprocess_force_exit (bus);
  test_folder_remove (config);
  return status;
}
