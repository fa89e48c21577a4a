/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of windows share: a display, waiting, and finding widgets. */
#include "app-fixture.h"

#include "gtk/lodge-console-window-private.h"
#include "gtk/lodge-gtk-resources.h"
#include "test-forgiven.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Every warning fails a test but those of AdwMessageDialog in libadwaita 1.7, which a program of
 * nothing else brings about: it measures a label in less than its least width, and is itself
 * measured in less than its least height, and GTK 4.18 says so. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE") && fields[i].length < 0 &&
        (g_str_has_prefix (fields[i].value, "Trying to measure GtkLabel ") ||
         g_str_has_prefix (fields[i].value, "Trying to measure AdwMessageDialog ")))
      return G_LOG_WRITER_HANDLED;
  }
  const GLogWriterOutput output = g_log_writer_default (level, fields, n_fields, data);
  if ((level & G_LOG_LEVEL_CRITICAL) != 0)
    abort ();
  return output;
}

static GLogFunc log_as_tests_do;

/* Ends the program at a critical message itself: a handler that g_test_log_set_fatal_handler()
 * takes is forgotten with each test. */
static void
log_cb (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  if (test_log_is_forgiven (domain, message))
    return;
  if ((level & G_LOG_LEVEL_CRITICAL) == 0) {
    log_as_tests_do (domain, level, message, data);
    return;
  }
  log_as_tests_do (domain, level | G_LOG_FLAG_FATAL, message, data);
  abort ();
}

/* So that it is log_cb() and write_log() that end the program. */
static void
take_criticals (void)
{
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_WARNING);
  g_log_set_writer_func (write_log, NULL, NULL);
  log_as_tests_do = g_log_set_default_handler (log_cb, NULL);
}

/* As AdwApplication does it, which these windows do without. */
static void
load_style (void)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, "/org/lodgevm/Lodge/style.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (),
                                              GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

gboolean
app_test_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, NULL);
  take_criticals ();
  if (!gtk_init_check ()) {
    printf ("1..0 # SKIP there is no display\n");
    return FALSE;
  }

  adw_init ();
  lodge_gtk_resources_register ();
  load_style ();
  /* Animations only take time here. Without a window manager no window is ever active, and GTK 4.8
   * warns about a cursor that blinks in one. */
  g_object_set (gtk_settings_get_default (), "gtk-enable-animations", FALSE, "gtk-cursor-blink",
                FALSE, NULL);
  return TRUE;
}

static gboolean
tick_cb (gpointer user_data)
{
  return G_SOURCE_REMOVE;
}

void
app_iterate (void)
{
  const guint tick = g_timeout_add (5, tick_cb, NULL);

  g_main_context_iteration (NULL, TRUE);
  if (g_main_context_find_source_by_id (NULL, tick) != NULL)
    g_source_remove (tick);
}

/* A process that stood still has not looked yet: what has come is an event for each turn. */
#define SETTLE_TURNS 40

void
app_settle (void)
{
  const gint64 end = g_get_monotonic_time () + G_TIME_SPAN_SECOND / 5;

  for (guint i = 0; i < SETTLE_TURNS || g_get_monotonic_time () < end; i++)
    app_iterate ();
}

void
app_open_console (LodgeConnection **out_connection,
                  LodgeConsoleWindow **out_window,
                  const char *uuid)
{
  LodgeConsoleWindow *window;

  *out_connection = lodge_connection_new ();
  lodge_connection_open (*out_connection);
  window = LODGE_CONSOLE_WINDOW (lodge_console_window_new (NULL, *out_connection, uuid));
  *out_window = window;
  g_object_add_weak_pointer (G_OBJECT (window), (gpointer *) out_window);
  gtk_window_present (GTK_WINDOW (window));
  app_wait_until (lodge_console_machine_get_machine (lodge_console_window_get_machine (window)) !=
                  NULL);
}

gpointer
app_get_child (gpointer widget, GType type, const char *id)
{
  GObject *child = gtk_widget_get_template_child (widget, type, id);

  g_assert_nonnull (child);
  return child;
}

static gpointer
walk (GtkWidget *widget,
      gboolean (*fits) (GtkWidget *, gconstpointer),
      gconstpointer data,
      guint *n)
{
  if (fits (widget, data)) {
    if (n == NULL)
      return widget;
    (*n)++;
  }

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child)) {
    gpointer found = walk (child, fits, data, n);
    if (found != NULL)
      return found;
  }

  return NULL;
}

static gboolean
is_type (GtkWidget *widget, gconstpointer type)
{
  return gtk_widget_get_mapped (widget) &&
         g_type_is_a (G_OBJECT_TYPE (widget), GPOINTER_TO_SIZE (type));
}

gpointer
app_find (gpointer root, GType type)
{
  return walk (root, is_type, GSIZE_TO_POINTER (type), NULL);
}

guint
app_count (gpointer root, GType type)
{
  guint n = 0;

  walk (root, is_type, GSIZE_TO_POINTER (type), &n);
  return n;
}

gboolean
app_has_width (gpointer window, int width)
{
  graphene_rect_t bounds;

  /* With the frame and without the shadow, as the default size is. */
  return gtk_widget_compute_bounds (window, window, &bounds) && (int) bounds.size.width == width;
}

static gboolean
is_label (GtkWidget *widget, gconstpointer text)
{
  /* get_text() is what is drawn: with markup the tags would be missing in it. */
  return GTK_IS_LABEL (widget) && gtk_widget_is_visible (widget) &&
         g_strcmp0 (gtk_label_get_text (GTK_LABEL (widget)), text) == 0;
}

GtkLabel *
app_find_label (gpointer root, const char *text)
{
  return walk (root, is_label, text, NULL);
}

gboolean
app_says (gpointer root, const char *words)
{
  if (!gtk_widget_get_mapped (root))
    return FALSE;
  if (GTK_IS_LABEL (root) && strstr (gtk_label_get_text (GTK_LABEL (root)), words) != NULL)
    return TRUE;
  for (GtkWidget *child = gtk_widget_get_first_child (root); child != NULL;
       child = gtk_widget_get_next_sibling (child)) {
    if (app_says (child, words))
      return TRUE;
  }
  return FALSE;
}

AdwMessageDialog *
app_get_dialog (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++) {
    g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

    if (ADW_IS_MESSAGE_DIALOG (window) && gtk_widget_get_visible (window))
      return ADW_MESSAGE_DIALOG (window);
  }

  return NULL;
}

static gboolean
is_button (GtkWidget *widget, gconstpointer label)
{
  return GTK_IS_BUTTON (widget) && gtk_widget_get_mapped (widget) &&
         (g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), label) == 0 ||
          g_strcmp0 (gtk_button_get_icon_name (GTK_BUTTON (widget)), label) == 0);
}

GtkWidget *
app_find_button (gpointer root, const char *label)
{
  GtkWidget *button = walk (root, is_button, label, NULL);

  if (button == NULL)
    g_error ("there is no button “%s”", label);
  return button;
}

void
app_click (gpointer root, const char *label)
{
  GtkWidget *button = app_find_button (root, label);

  g_assert_true (gtk_widget_is_sensitive (button));
  g_signal_emit_by_name (button, "clicked");
}

gboolean
app_was_called (FakeEngine *engine, const char *call)
{
  g_auto (GStrv) calls = fake_engine_dup_calls (engine);

  for (guint i = 0; calls[i] != NULL; i++) {
    if (g_str_has_prefix (calls[i], call))
      return TRUE;
  }

  return FALSE;
}

void
app_xdotool (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *arguments = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree char *command = g_strconcat ("xdotool ", arguments, NULL);
  g_auto (GStrv) argv = g_strsplit (command, " ", -1);
  g_autoptr (GSubprocess) process =
      g_subprocess_newv ((const char *const *) argv, G_SUBPROCESS_FLAGS_STDOUT_SILENCE, NULL);
  g_assert_nonnull (process);
  g_assert_true (g_subprocess_wait_check (process, NULL, NULL));
  app_settle ();
}

char *
app_make_recorder (const char *folder, char **out_record)
{
  char *program = g_build_filename (folder, "recorder", NULL);
  g_autofree char *script = NULL;

  *out_record = g_build_filename (folder, "record", NULL);
  script = g_strdup_printf ("#!/bin/sh\necho \"$@\" >> '%s'\nexec cat >> '%s'\n", *out_record,
                            *out_record);
  g_assert_true (g_file_set_contents (program, script, -1, NULL));
  g_assert_cmpint (g_chmod (program, 0700), ==, 0);
  return program;
}

int
app_find_child (int parent)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/children", parent, parent);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? atoi (text) : 0;
}

gboolean
app_file_contains (const char *path, const char *text)
{
  g_autofree char *content = NULL;

  return g_file_get_contents (path, &content, NULL, NULL) && strstr (content, text) != NULL;
}

static gboolean
is_nameless (GtkWidget *widget, gconstpointer data)
{
  const char *icon = NULL;

  if (GTK_IS_BUTTON (widget))
    icon = gtk_button_get_icon_name (GTK_BUTTON (widget));
  else if (GTK_IS_MENU_BUTTON (widget))
    icon = gtk_menu_button_get_icon_name (GTK_MENU_BUTTON (widget));
  if (icon == NULL || gtk_widget_get_ancestor (widget, GTK_TYPE_WINDOW_CONTROLS) != NULL ||
      gtk_widget_get_ancestor (widget, GTK_TYPE_SEARCH_BAR) != NULL ||
      gtk_widget_get_ancestor (widget, GTK_TYPE_SPIN_BUTTON) != NULL ||
      gtk_widget_get_ancestor (widget, ADW_TYPE_ENTRY_ROW) != NULL)
    return FALSE;

  return !gtk_test_accessible_has_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL);
}

void
app_assert_named (gpointer root)
{
  GtkWidget *nameless = walk (root, is_nameless, NULL, NULL);

  if (nameless != NULL)
    g_error ("the button with the tooltip “%s” has no name",
             gtk_widget_get_tooltip_text (nameless));
}

void
app_destroy_window (gpointer window)
{
  gpointer weak = window;

  g_object_add_weak_pointer (window, &weak);
  gtk_window_destroy (window);
  app_wait_until (weak == NULL);
}

void
app_assert_dies (gpointer object)
{
  gpointer weak = object;

  g_object_add_weak_pointer (object, &weak);
  g_object_unref (object);
  app_wait_until (weak == NULL);
}

void
app_ask (gpointer window, const char *action, const char *id)
{
  g_assert_true (
      gtk_widget_activate_action (GTK_WIDGET (window), action, id != NULL ? "s" : NULL, id));
  app_wait_until (app_get_dialog () != NULL);
  g_assert_true (gtk_window_get_transient_for (GTK_WINDOW (app_get_dialog ())) ==
                 GTK_WINDOW (window));
}

void
app_answer (const char *response)
{
  adw_message_dialog_response (app_get_dialog (), response);
  gtk_window_close (GTK_WINDOW (app_get_dialog ()));
  app_wait_until (app_get_dialog () == NULL);
}

/* Only when the question has had the keyboard does it say anything that the window is active. */
void
app_cancel (gpointer window)
{
  app_wait_until (gtk_window_is_active (GTK_WINDOW (app_get_dialog ())));
  app_answer ("cancel");
  app_wait_until (gtk_window_is_active (window));
}
