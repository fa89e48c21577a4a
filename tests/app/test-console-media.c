/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Discs in the console window's menu, put in and taken out. */
#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"

#include <string.h>

#define ODD_DISC "/srv/an_<b>odd< & rather long name of a disc with drivers, version 0.1.240.iso"

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  LodgeConsoleWindow *window;
} Test;

static void
set_up (Test *test, gconstpointer data)
{
  const char *uuid;

  *test = (Test){.engine = fake_engine_new (NULL)};
  uuid = fake_engine_add_machine (test->engine, "web", "off");
  test->connection = lodge_connection_new ();
  lodge_connection_open (test->connection);
  test->window = LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, test->connection, uuid));
  g_object_add_weak_pointer (G_OBJECT (test->window), (gpointer *) &test->window);
  gtk_window_present (GTK_WINDOW (test->window));
  app_wait_until (g_menu_model_get_n_items (G_MENU_MODEL (test->window->media_menu)) == 1);
}

static void
tear_down (Test *test, gconstpointer data)
{
  if (test->window != NULL)
    gtk_window_destroy (GTK_WINDOW (test->window));
  app_wait_until (test->window == NULL);
  app_assert_dies (test->connection);
  fake_engine_free (test->engine);
}

/* "" where there is none. */
static char *
dup_label (Test *test, int index)
{
  GMenuModel *menu = G_MENU_MODEL (test->window->media_menu);
  char *label = NULL;

  if (index >= g_menu_model_get_n_items (menu) ||
      !g_menu_model_get_item_attribute (menu, index, G_MENU_ATTRIBUTE_LABEL, "s", &label))
    return g_strdup ("");
  return label;
}

static gboolean
has_label (Test *test, int index, const char *wanted)
{
  g_autofree char *label = dup_label (test, index);

  return g_str_equal (label, wanted);
}

static gboolean
is_in_drive (Test *test, const char *path)
{
  g_autofree char *file = fake_engine_dup_key (test->engine, "web", "media.cd0.file");

  return g_str_equal (file, path);
}

static gboolean
was_called (Test *test, const char *call)
{
  g_auto (GStrv) calls = fake_engine_dup_calls (test->engine);

  return g_strv_contains ((const char *const *) calls, call);
}

static void
eject (Test *test)
{
  gtk_widget_activate_action (GTK_WIDGET (test->window), "media.eject", "s", "cd0");
}

static void
test_in_and_out (Test *test, gconstpointer data)
{
  g_assert_true (has_label (test, 0, "_Insert a Disc…"));
  lodge_console_media_insert (test->window, "cd0", ODD_DISC);
  app_wait_until (has_label (test, 1, "_Eject “an__<b>odd< & rather … version 0.1.240.iso”"));
  g_assert_true (is_in_drive (test, ODD_DISC));
  app_wait_until (app_find_label (test->window->toasts,
                                  "“an_<b>odd< & rather … version 0.1.240.iso” is in the drive") !=
                  NULL);

  eject (test);
  app_wait_until (app_find_label (test->window->toasts, "The disc is out of the drive") != NULL);
  app_wait_until (has_label (test, 1, ""));
  g_assert_true (is_in_drive (test, ""));
  g_assert_true (has_label (test, 0, "_Insert a Disc…"));
}

/* First it is asked for, then the user is. */
static void
test_held (Test *test, gconstpointer data)
{
  lodge_console_media_insert (test->window, "cd0", "/srv/a.iso");
  app_wait_until (has_label (test, 1, "_Eject “a.iso”"));

  fake_engine_set_delay (test->engine, "EjectMedia", 5000);
  fake_engine_fail_next (test->engine, "EjectMedia", LODGE_ERROR_BUSY, "The guest holds it");
  eject (test);
  app_wait_until (app_find_label (test->window, "The guest is asked for its disc") != NULL);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "The Guest Does Not Give the Disc Back"));
  g_assert_true (was_called (test, "EjectMedia web 'cd0' false"));
  app_click (app_get_dialog (), "_Cancel");
  app_wait_until (app_get_dialog () == NULL);
  g_assert_true (is_in_drive (test, "/srv/a.iso"));

  fake_engine_set_delay (test->engine, "EjectMedia", 0);
  fake_engine_fail_next (test->engine, "EjectMedia", LODGE_ERROR_BUSY, "The guest holds it");
  eject (test);
  app_wait_until (app_get_dialog () != NULL);
  app_click (app_get_dialog (), "Take Out by _Force");
  app_wait_until (is_in_drive (test, ""));
  g_assert_true (was_called (test, "EjectMedia web 'cd0' true"));
}

static void
test_refused (Test *test, gconstpointer data)
{
  fake_engine_fail_next (test->engine, "InsertMedia", LODGE_ERROR_INVALID,
                         "<b>a.iso</b> & is no disc");
  lodge_console_media_insert (test->window, "cd0", "/srv/<b>a.iso</b>");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "Could Not Insert the Disc"));
  g_assert_nonnull (app_find_label (app_get_dialog (), "<b>a.iso</b> & is no disc"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  g_assert_true (is_in_drive (test, ""));
}

/* What is waited for in one drive is not over when another is. */
static void
test_two_drives (Test *test, gconstpointer data)
{
  lodge_console_media_insert (test->window, "cd0", "/srv/a.iso");
  app_wait_until (has_label (test, 1, "_Eject “a.iso”"));
  fake_engine_set_delay (test->engine, "EjectMedia", 8000);
  eject (test);
  lodge_console_media_insert (test->window, "cd1", "/srv/b.iso");
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "“web” has no drive cd1"));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  app_wait_until (app_find_label (test->window, "The guest is asked for its disc") != NULL);
  app_wait_until (is_in_drive (test, ""));
  app_wait_until (app_find_label (test->window, "The guest is asked for its disc") == NULL);
}

/* A machine that could not be started for its disc. */
static void
test_blamed (Test *test, gconstpointer data)
{
  lodge_console_media_insert (test->window, "cd0", "/srv/gone.iso");
  app_wait_until (has_label (test, 1, "_Eject “gone.iso”"));
  g_assert_cmpstr (gtk_button_get_label (test->window->status_button), ==, "_Start");
  fake_engine_set_note (test->engine, "web",
                        "Could not open the image /srv/gone.iso in the drive: No such file");
  app_wait_until (
      g_str_equal (gtk_button_get_label (test->window->status_button), "_Eject Disc and Start"));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (test->window)) ==
                 GTK_WIDGET (test->window->status_button));
  g_assert_true (gtk_widget_get_visible (test->window->start_button));
  app_click (test->window, "_Eject Disc and Start");
  app_wait_until (was_called (test, "Start web"));
  g_assert_true (was_called (test, "EjectMedia web 'cd0' false"));
  g_assert_true (is_in_drive (test, ""));
}

/* The answer comes when the window has been closed. */
static void
test_closed_meanwhile (Test *test, gconstpointer data)
{
  fake_engine_set_delay (test->engine, "InsertMedia", 1000);
  fake_engine_fail_next (test->engine, "InsertMedia", LODGE_ERROR_BUSY, "The guest holds it");
  lodge_console_media_insert (test->window, "cd0", "/srv/a.iso");
  app_settle ();
  gtk_window_destroy (GTK_WINDOW (test->window));
  app_wait_until (test->window == NULL);
  g_assert_null (app_get_dialog ());
}

#define ADD(name, function)                                                                        \
  g_test_add ("/console-media/" name, Test, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

  ADD ("in-and-out", test_in_and_out);
  ADD ("held", test_held);
  ADD ("refused", test_refused);
  ADD ("two-drives", test_two_drives);
  ADD ("blamed", test_blamed);
  ADD ("closed-meanwhile", test_closed_meanwhile);
  return g_test_run ();
}
