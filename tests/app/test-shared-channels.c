/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is shared beyond the desktop: what is in the guest's drives, the graphics card, the consoles
 * of text and the guest agent; each with what closes it, or why nothing does. */
#include "shared-fixture.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-storage-window.h"
#include "gtk/lodge-terminal-view.h"

#include <glib/gstdio.h>
#include <string.h>

typedef SharedFixture Test;

#define DISC  "Disc in cd0"
#define STICK "USB Stick usb0"
#define LONG                                                                                       \
  "/srv/a folder with <b>markup</b> & a name that does not end/and another one below it/"          \
  "an-image-whose-name-has-no-place-to-be-broken-at-because-it-is-one-word-of-many-letters.iso"

static gboolean
says (Test *test, const char *title, const char *words)
{
  return shared_fixture_find_row (test, title) != NULL &&
         strstr (shared_fixture_get_subtitle (test, title), words) != NULL;
}

static gboolean
warns (Test *test, const char *title)
{
  return gtk_widget_has_css_class (shared_fixture_find_row (test, title), "warning");
}

static gboolean
was_called (Test *test, const char *call)
{
  return app_was_called (test->engine, call);
}

static void
close_dialog (void)
{
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

/* A disc goes out by the guest's leave, or by force; what is refused is said. */
static void
test_disc (void)
{
  Test test;

  shared_fixture_set_up (&test);
  g_assert_null (app_find_label (test.shared, "Discs, Sticks and Disks"));
  shared_fixture_set_key (&test, "media.cd0.file", LONG);
  app_wait_until (says (&test, DISC, LONG));
  app_assert_named (test.shared);
  /* A long name makes the window no wider than it is. */
  app_settle ();
  g_assert_cmpint (gtk_widget_get_width (test.shared), <=, 460);

  fake_engine_fail_next (test.engine, "EjectMedia", LODGE_ERROR_STORAGE, "No <luck> & no disc.");
  app_click (test.shared, "_Eject");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "No <luck> & no disc."));
  close_dialog ();

  fake_engine_fail_next (test.engine, "EjectMedia", LODGE_ERROR_BUSY, "It is held.");
  app_click (test.shared, "_Eject");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_false (was_called (&test, "EjectMedia web 'cd0' true"));
  app_answer ("act");
  app_wait_until (shared_fixture_has_key (&test, "media.cd0.file", ""));
  g_assert_true (was_called (&test, "EjectMedia web 'cd0' true"));
  app_wait_until (shared_fixture_find_row (&test, DISC) == NULL);
  g_assert_null (app_find_label (test.shared, "Discs, Sticks and Disks"));
  shared_fixture_tear_down (&test);
}

/* The guest is asked for its disc, and meanwhile the windows go. */
static void
test_closed_while_ejecting (void)
{
  Test test;

  shared_fixture_set_up (&test);
  shared_fixture_set_key (&test, "media.cd0.file", "/srv/tools.iso");
  app_wait_until (shared_fixture_find_row (&test, DISC) != NULL);
  fake_engine_set_delay (test.engine, "EjectMedia", 50);
  fake_engine_fail_next (test.engine, "EjectMedia", LODGE_ERROR_BUSY, "It is held.");
  app_click (test.shared, "_Eject");
  shared_fixture_tear_down (&test);
}

static void
test_stick (void)
{
  Test test;

  shared_fixture_set_up (&test);
  fake_engine_set_key (test.engine, "web", "stick.usb0.file", "/srv/tools.img");
  app_wait_until (says (&test, STICK, "/srv/tools.img"));
  app_assert_named (test.shared);
  fake_engine_fail_next_job (test.engine, LODGE_ERROR_STORAGE, "It <sticks> & stays.");
  app_click (test.shared, "_Unplug");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "It <sticks> & stays."));
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Unplug usb0"));
  close_dialog ();
  app_click (test.shared, "_Unplug");
  app_wait_until (shared_fixture_find_row (&test, STICK) == NULL);
  g_assert_true (was_called (&test, "UnplugStick web 'usb0'"));
  shared_fixture_tear_down (&test);
}

static const char *
get_uuid (Test *test)
{
  return lodge_console_machine_get_uuid (lodge_console_window_get_machine (test->window));
}

/* What takes a disk of this computer out asks questions of its own. */
static void
test_host_disk (void)
{
  Test test;

  shared_fixture_set_up (&test);
  fake_engine_set_key (test.engine, "web", "layer.layer1.file", "/dev/disk/by-id/usb-Stick_1");
  fake_engine_set_key (test.engine, "web", "layer.layer1.host-disk", "serial 1");
  app_wait_until (says (&test, "Disk of This Computer", "/dev/disk/by-id/usb-Stick_1"));
  app_click (test.shared, "S_torage…");
  app_wait_until (lodge_child_window_find (GTK_WINDOW (test.window), LODGE_TYPE_STORAGE_WINDOW,
                                           get_uuid (&test)) != NULL);
  fake_engine_set_key (test.engine, "web", "layer.layer1.host-disk", "");
  app_wait_until (shared_fixture_find_row (&test, "Disk of This Computer") == NULL);
  shared_fixture_tear_down (&test);
}

#define GRAPHICS "3D Acceleration"

static void
test_graphics (void)
{
  Test test;

  shared_fixture_set_up (&test);
  g_assert_cmpstr (shared_fixture_get_subtitle (&test, GRAPHICS), ==, "Closed");
  shared_fixture_set_key (&test, "display.3d", "true");
  app_wait_until (says (&test, GRAPHICS, "From the next start on"));
  g_assert_true (says (&test, GRAPHICS, "driver of this computer’s graphics card"));
  fake_engine_set_key (test.engine, "web", "display.render-node", "/dev/dri/<128>");
  app_wait_until (says (&test, GRAPHICS, "driver of this computer’s graphics card /dev/dri/<128>"));
  fake_engine_set_state (test.engine, "web", "running");
  app_wait_until (says (&test, GRAPHICS, "graphics card /dev/dri/<128>, unless 3D was"));
  fake_engine_set_graphics_problem (test.engine, "web", "Without it: no <card> & no luck.");
  app_wait_until (says (&test, GRAPHICS, "no <card> & no luck."));
  fake_engine_set_graphics_problem (test.engine, "web", "");

  app_click (test.shared, "S_witch Off");
  app_wait_until (shared_fixture_has_key (&test, "display.3d", "false"));
  /* It is not known which it has. */
  app_wait_until (says (&test, GRAPHICS, "unless the guest was started with it"));
  g_assert_null (app_find (shared_fixture_find_row (&test, GRAPHICS), GTK_TYPE_BUTTON));
  fake_engine_set_state (test.engine, "web", "off");
  app_wait_until (g_str_equal (shared_fixture_get_subtitle (&test, GRAPHICS), "Closed"));
  shared_fixture_tear_down (&test);
}

#define MONITOR "QEMU Console"

/* It is what it costs, now and from the next start on, in each of the four states. */
static void
test_monitor (void)
{
  GtkSwitch *widget;
  Test test;

  shared_fixture_set_up (&test);
  widget = shared_fixture_find_switch (&test, MONITOR);
  g_assert_false (gtk_switch_get_active (widget));
  g_assert_true (says (&test, MONITOR, "Closed. Switched on"));
  g_assert_true (says (&test, MONITOR, "behind Lodge’s back"));
  g_assert_false (warns (&test, MONITOR));
  gtk_switch_set_active (widget, TRUE);
  app_wait_until (shared_fixture_has_key (&test, "terminal.monitor", "true"));
  app_wait_until (says (&test, MONITOR, "From the guest’s next start on whoever"));
  g_assert_true (warns (&test, MONITOR));

  fake_engine_add_terminal (test.engine, "web", "monitor", "QEMU Console", "/nowhere/m.sock");
  fake_engine_set_state (test.engine, "web", "running");
  app_wait_until (says (&test, MONITOR, "Open: whoever"));
  shared_fixture_set_key (&test, "terminal.monitor", "false");
  app_wait_until (says (&test, MONITOR, "Open until the guest is off"));
  g_assert_true (warns (&test, MONITOR));
  fake_engine_set_state (test.engine, "web", "off");
  app_wait_until (!warns (&test, MONITOR));

  fake_engine_fail_next (test.engine, "Set", LODGE_ERROR_STATE, "Not now.");
  gtk_switch_set_active (widget, TRUE);
  app_wait_until (app_get_dialog () != NULL);
  close_dialog ();
  app_wait_until (!gtk_switch_get_active (widget));
  shared_fixture_tear_down (&test);
}

/* Those that a machine always has say so, and what goes through them. */
static void
test_always (void)
{
  Test test;

  shared_fixture_set_up (&test);
  g_assert_true (says (&test, "Serial Port", "Closed."));
  g_assert_true (says (&test, "Guest Agent", "Closed."));
  fake_engine_add_terminal (test.engine, "web", "serial", "Serial Port", "/nowhere/s.sock");
  fake_engine_set_state (test.engine, "web", "running");
  app_wait_until (says (&test, "Serial Port", "it cannot be closed"));
  app_wait_until (says (&test, "Guest Agent", "asks for nothing else"));
  shared_fixture_set_key (&test, "sharing.files-out", "true");
  app_wait_until (says (&test, "Guest Agent", "those files that you ask for"));
  shared_fixture_tear_down (&test);
}

/* What a console of the window is logged to is a way out of the guest, too. */
static void
test_log (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "a <log> & more", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  LodgeTerminalView *view;
  Test test;

  shared_fixture_set_up (&test);
  fake_engine_add_terminal (test.engine, "web", "serial", "Serial Port", "/nowhere/s.sock");
  fake_engine_set_state (test.engine, "web", "running");
  app_wait_until (says (&test, "Serial Port", "it cannot be closed"));
  gtk_widget_activate_action (GTK_WIDGET (test.window), "view.show", "s", "serial");
  app_wait_until ((view = app_find (test.window, LODGE_TYPE_TERMINAL_VIEW)) != NULL);
  g_assert_null (shared_fixture_find_row (&test, "Log of the Serial Port"));
  lodge_terminal_view_log (view, file);
  app_wait_until (says (&test, "Log of the Serial Port", path));
  app_assert_named (test.shared);
  app_click (test.shared, "Stop _Log");
  app_wait_until (shared_fixture_find_row (&test, "Log of the Serial Port") == NULL);
  g_assert_null (lodge_terminal_stream_get_log (lodge_terminal_view_get_stream (view)));

  /* And it ends with the console. */
  g_unlink (path);
  lodge_terminal_view_log (view, file);
  app_wait_until (says (&test, "Log of the Serial Port", path));
  app_click (test.window, "window-close-symbolic");
  app_wait_until (shared_fixture_find_row (&test, "Log of the Serial Port") == NULL);
  shared_fixture_tear_down (&test);
  g_unlink (path);
  g_rmdir (folder);
}

/* No letter opens two things of the window. */
static void
test_letters (void)
{
  g_autoptr (GString) used = g_string_new (NULL);
  GQueue queue = G_QUEUE_INIT;
  GtkWidget *widget;
  Test test;

  shared_fixture_set_up (&test);
  shared_fixture_set_key (&test, "media.cd0.file", "/srv/tools.iso");
  shared_fixture_set_key (&test, "sharing.folder", "/srv/folder");
  shared_fixture_set_key (&test, "display.3d", "true");
  fake_engine_set_key (test.engine, "web", "stick.usb0.file", "/srv/tools.img");
  fake_engine_set_key (test.engine, "web", "layer.layer1.file", "/dev/sdz");
  fake_engine_set_key (test.engine, "web", "layer.layer1.host-disk", "serial 1");
  app_wait_until (shared_fixture_find_row (&test, "Disk of This Computer") != NULL);
  g_queue_push_tail (&queue, test.shared);
  while ((widget = g_queue_pop_head (&queue)) != NULL) {
    const char *label = GTK_IS_BUTTON (widget) ? gtk_button_get_label (GTK_BUTTON (widget)) : NULL;
    const char *mark = label != NULL ? strchr (label, '_') : NULL;

    if (mark != NULL) {
      const char letter = g_ascii_tolower (mark[1]);

      g_assert_null (strchr (used->str, letter));
      g_string_append_c (used, letter);
    }
    for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
         child = gtk_widget_get_next_sibling (child))
      g_queue_push_tail (&queue, child);
  }
  g_assert_nonnull (strchr (used->str, 'w'));
  shared_fixture_tear_down (&test);
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  g_test_add_func ("/shared-channels/disc", test_disc);
  g_test_add_func ("/shared-channels/closed-while-ejecting", test_closed_while_ejecting);
  g_test_add_func ("/shared-channels/stick", test_stick);
  g_test_add_func ("/shared-channels/host-disk", test_host_disk);
  g_test_add_func ("/shared-channels/graphics", test_graphics);
  g_test_add_func ("/shared-channels/monitor", test_monitor);
  g_test_add_func ("/shared-channels/always", test_always);
  g_test_add_func ("/shared-channels/log", test_log);
  g_test_add_func ("/shared-channels/letters", test_letters);
  return g_test_run ();
}
