/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window for files out of a guest: what it asks the engine for, what it says of it, and why it
 * may not be able to. */
#include "app-fixture.h"

#include "gtk/lodge-fetch-window.h"
#include "gtk/lodge-machine-operation.h"
#include "gtk/lodge-work-panel.h"

#include <glib/gstdio.h>
#include <string.h>

#define KEY "sharing.files-out"

typedef struct {
  FakeEngine *engine;
  LodgeConnection *connection;
  const char *uuid;
  char *folder;
  GtkWidget *parent;
  AdwToastOverlay *toasts; /* the parent's */
  GtkWidget *window;
} Fixture;

static GtkTextBuffer *
get_buffer (Fixture *f)
{
  return gtk_text_view_get_buffer (app_find (f->window, GTK_TYPE_TEXT_VIEW));
}

static void
type (Fixture *f, const char *text)
{
  gtk_text_buffer_set_text (get_buffer (f), text, -1);
}

static gboolean
has_text (Fixture *f, const char *text)
{
  g_autofree char *now = NULL;

  g_object_get (get_buffer (f), "text", &now, NULL);
  return g_str_equal (now, text);
}

static gboolean
can_get (Fixture *f)
{
  return gtk_widget_is_sensitive (app_find_button (f->window, "_Get"));
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->engine = fake_engine_new (NULL);
  f->uuid = fake_engine_add_machine (f->engine, "web", "running");
  if (data != NULL)
    fake_engine_set_key (f->engine, "web", KEY, "true");
  f->connection = lodge_connection_new ();
  lodge_connection_open (f->connection);
  f->folder = g_dir_make_tmp ("lodge-app-XXXXXX", NULL);
  f->parent = adw_window_new ();
  f->toasts = ADW_TOAST_OVERLAY (adw_toast_overlay_new ());
  adw_toast_overlay_set_child (f->toasts, gtk_label_new ("parent"));
  adw_window_set_content (ADW_WINDOW (f->parent), GTK_WIDGET (f->toasts));
  gtk_window_present (GTK_WINDOW (f->parent));
  f->window = lodge_machine_window_show (LODGE_TYPE_FETCH_WINDOW, GTK_WINDOW (f->parent),
                                         f->connection, f->uuid, "web");
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  lodge_fetch_window_set_folder (LODGE_FETCH_WINDOW (f->window), f->folder);
  app_wait_until (app_find (f->window, GTK_TYPE_TEXT_VIEW) != NULL);
  app_wait_until (gtk_widget_is_sensitive (app_find (f->window, GTK_TYPE_SWITCH)));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  app_destroy_window (f->parent);
  app_wait_until (f->window == NULL);
  app_assert_dies (f->connection);
  fake_engine_free (f->engine);
  g_rmdir (f->folder);
  g_free (f->folder);
}

static void
wait_called (Fixture *f, const char *path)
{
  g_autofree char *call = g_strdup_printf ("FetchFile web '%s' '%s' {}", path, f->folder);

  app_wait_until (app_was_called (f->engine, call));
}

/* It is switched on where it is needed, and says what it needs. */
static void
test_allow (Fixture *f, gconstpointer data)
{
  GtkSwitch *allow = app_find (f->window, GTK_TYPE_SWITCH);

  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (f->window)), ==, "Files Out of “web”");
  app_assert_named (f->window);
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (f->window)) ==
                 app_find (f->window, GTK_TYPE_TEXT_VIEW));
  type (f, "/etc/hostname");
  g_assert_false (can_get (f));
  g_assert_true (app_says (f->window, "switch that on above"));
  gtk_switch_set_active (allow, TRUE);
  app_wait_until (can_get (f));
  g_assert_true (app_says (f->window, "qemu-guest-agent"));
  type (f, " \n");
  g_assert_false (can_get (f));
  type (f, "/etc/hostname");

  /* What the engine refuses goes back. */
  fake_engine_fail_next (f->engine, "Set", LODGE_ERROR_STORAGE, "No <room> & no luck.");
  gtk_switch_set_active (allow, FALSE);
  app_wait_until (app_get_dialog () != NULL);
  g_assert_nonnull (app_find_label (app_get_dialog (), "No <room> & no luck."));
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
  app_wait_until (gtk_switch_get_active (allow));

  fake_engine_set_state (f->engine, "web", "paused");
  app_wait_until (!can_get (f));
  g_assert_true (app_says (f->window, "only while it runs"));
  fake_engine_set_state (f->engine, "web", "running");
  app_wait_until (can_get (f));
  /* An engine from before. */
  fake_engine_set_key (f->engine, "web", KEY, "");
  app_wait_until (!can_get (f));
}

static void
test_get (Fixture *f, gconstpointer data)
{
  LodgeWorkPanel *panel;

  app_wait_until (f->window != NULL);
  fake_engine_set_hold_jobs (f->engine, TRUE);
  type (f, "/a/one\n\"C:\\b\\two\"\nfile:///c/thr%20ee\n/a/one\n");
  app_click (f->window, "_Get");
  wait_called (f, "/a/one");
  g_assert_false (can_get (f));
  panel = app_find (f->window, LODGE_TYPE_WORK_PANEL);
  app_wait_until (lodge_work_panel_get_fraction (panel) == .5);
  g_assert_true (g_str_has_prefix (lodge_work_panel_get_step (panel), "/a/one"));

  /* One after the other; what has come is not asked for again. */
  fake_engine_finish_jobs (f->engine, 0, NULL);
  wait_called (f, "C:\\\\b\\\\two");
  app_wait_until (has_text (f, "C:\\b\\two\n/c/thr ee"));
  fake_engine_finish_jobs (f->engine, LODGE_ERROR_NOT_FOUND, "There is no <b>two</b>");
  app_wait_until (can_get (f));
  g_assert_nonnull (app_find_label (f->window, "There is no <b>two</b>"));
  g_assert_true (has_text (f, "C:\\b\\two\n/c/thr ee"));
  app_wait_until (app_says (f->window, "1 file was copied out of the guest"));
  g_assert_nonnull (app_find_button (f->window, "Show in _Folder"));

  /* What was wrong is forgotten with what was asked for. */
  type (f, "/c/thr ee");
  g_assert_null (app_find_label (f->window, "There is no <b>two</b>"));
  fake_engine_set_hold_jobs (f->engine, FALSE);
  app_click (f->window, "_Get");
  wait_called (f, "/c/thr ee");
  app_wait_until (has_text (f, ""));
  app_wait_until (!lodge_work_panel_is_shown (panel));
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) many = g_string_new (NULL);

  fake_engine_set_hold_jobs (f->engine, TRUE);
  type (f, "/a/one\n/a/two");
  app_click (f->window, "_Get");
  wait_called (f, "/a/one");
  app_wait_until (lodge_work_panel_get_fraction (app_find (f->window, LODGE_TYPE_WORK_PANEL)) ==
                  .5);
  app_click (f->window, "_Cancel");
  app_wait_until (can_get (f));
  g_assert_true (has_text (f, "/a/one\n/a/two"));
  g_assert_false (app_says (f->window, "Cancelled"));

  for (guint i = 0; i < 201; i++)
    g_string_append_printf (many, "/%u\n", i);
  fake_engine_clear_calls (f->engine);
  type (f, many->str);
  app_click (f->window, "_Get");
  app_wait_until (app_says (f->window, "at most 200 can be copied"));
  g_assert_false (app_was_called (f->engine, "FetchFile"));
}

/* It goes on, and is told of where the window belonged to. */
static void
test_closed (Fixture *f, gconstpointer data)
{
  fake_engine_set_hold_jobs (f->engine, TRUE);
  type (f, "/a/one\n/a/two\n/a/three");
  app_click (f->window, "_Get");
  wait_called (f, "/a/one");
  gtk_window_close (GTK_WINDOW (f->window));
  fake_engine_finish_jobs (f->engine, 0, NULL);
  wait_called (f, "/a/two");
  fake_engine_finish_jobs (f->engine, 0, NULL);
  wait_called (f, "/a/three");
  fake_engine_finish_jobs (f->engine, LODGE_ERROR_STATE, "It has <ended>");
  app_wait_until (app_says (f->toasts, "2 files were copied out of the guest"));
  adw_toast_overlay_add_toast (f->toasts, adw_toast_new ("next"));
  app_wait_until (f->window == NULL);
}

static void
get_and_close_cb (GApplication *application, Fixture *f)
{
  app_click (f->window, "_Get");
  gtk_window_close (GTK_WINDOW (f->window));
}

/* The program does not end before the last file has come. */
static void
test_kept (Fixture *f, gconstpointer data)
{
  g_autoptr (GApplication) application = g_application_new (NULL, G_APPLICATION_DEFAULT_FLAGS);

  g_application_set_default (application);
  g_signal_connect (application, "activate", G_CALLBACK (get_and_close_cb), f);
  type (f, "/a/one\n/a/two");
  g_assert_cmpint (g_application_run (application, 0, NULL), ==, 0);
  g_application_set_default (NULL);
  g_assert_true (app_was_called (f->engine, "FetchFile web '/a/two'"));
  app_wait_until (app_says (f->toasts, "2 files were copied out of the guest"));
  adw_toast_overlay_add_toast (f->toasts, adw_toast_new ("next"));
}

/* It goes on, and the next window can cancel it. */
static void
test_again (Fixture *f, gconstpointer data)
{
  GtkWidget *first = f->window;
  LodgeWorkPanel *panel;

  fake_engine_set_hold_jobs (f->engine, TRUE);
  type (f, "/a/one\n/a/two");
  app_click (f->window, "_Get");
  wait_called (f, "/a/one");
  gtk_window_close (GTK_WINDOW (first));
  g_object_remove_weak_pointer (G_OBJECT (first), (gpointer *) &f->window);
  f->window = lodge_machine_window_show (LODGE_TYPE_FETCH_WINDOW, GTK_WINDOW (f->parent),
                                         f->connection, f->uuid, "web");
  g_object_add_weak_pointer (G_OBJECT (f->window), (gpointer *) &f->window);
  g_assert_true (f->window != first);
  panel = app_find (f->window, LODGE_TYPE_WORK_PANEL);
  app_wait_until (lodge_work_panel_is_shown (panel) && lodge_work_panel_get_fraction (panel) == .5);
  type (f, "/a/three");
  g_assert_false (can_get (f));

  /* One after the other. */
  fake_engine_finish_jobs (f->engine, 0, NULL);
  wait_called (f, "/a/two");
  app_wait_until (lodge_work_panel_is_shown (panel) && lodge_work_panel_get_fraction (panel) == .5);
  app_click (f->window, "_Cancel");
  app_wait_until (can_get (f));
  g_assert_false (lodge_work_panel_is_shown (panel));
}

/* What the guest has copied is proposed, and never in the place of what was typed. */
static void
test_propose (Fixture *f, gconstpointer data)
{
  LodgeFetchWindow *window = LODGE_FETCH_WINDOW (f->window);

  lodge_fetch_window_propose (window, "/srv/a");
  g_assert_true (has_text (f, "/srv/a"));
  g_assert_true (can_get (f));
  lodge_fetch_window_propose (window, "/srv/b");
  g_assert_true (has_text (f, "/srv/a"));
}

int
main (int argc, char **argv)
{
  if (!app_test_init (&argc, &argv))
    return 0;

#define ADD(name, data, function)                                                                  \
  g_test_add ("/fetch-window/" name, Fixture, data, set_up, function, tear_down)
  ADD ("allow", NULL, test_allow);
  ADD ("get", "on", test_get);
  ADD ("cancel", "on", test_cancel);
  ADD ("closed", "on", test_closed);
  ADD ("kept", "on", test_kept);
  ADD ("again", "on", test_again);
  ADD ("propose", "on", test_propose);
  return g_test_run ();
}
