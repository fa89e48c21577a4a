/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's other monitors, each in a window of its own that the menu opens and its own close
 * button closes: the guest's monitor is switched on and off with it. */
#include "gtk/lodge-console-window-private.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>

#define MONITORS_KEY "display.monitors"
#define MODEL_KEY    "display.model"

struct _LodgeConsoleMonitors {
  LodgeConsoleWindow *window;
  GSimpleActionGroup *actions;
  GtkWindow *windows[LODGE_CONSOLE_MONITORS]; /* NULL: closed; the first is the console itself */
  LodgeDisplay *displays[LODGE_CONSOLE_MONITORS];
  AdwWindowTitle *titles[LODGE_CONSOLE_MONITORS];
  guint n; /* that the machine can have, as the menu says */
};

/* Returns: (transfer full): the name of a monitor's action, and what follows the user's "Monitor".
 */
static char *
dup_number (guint monitor)
{
  return g_strdup_printf ("%u", monitor + 1);
}

static void
set_state (LodgeConsoleMonitors *self, guint monitor, gboolean open)
{
  g_autofree char *number = dup_number (monitor);
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), number);

  g_simple_action_set_state (G_SIMPLE_ACTION (action), g_variant_new_boolean (open));
}

/* Nothing to show is no window to open; one that is open can always be closed. */
static void
allow (LodgeConsoleMonitors *self, guint monitor, gboolean allowed)
{
  g_autofree char *number = dup_number (monitor);
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), number);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), allowed);
}

static void
close_monitor (LodgeConsoleMonitors *self, guint monitor)
{
  GtkWindow *window = g_steal_pointer (&self->windows[monitor]);
  LodgeConsoleSession *session;

  if (window == NULL)
    return;
  session = lodge_display_get_session (self->displays[monitor]);
  if (session != NULL)
    lodge_console_session_resize_monitor (session, monitor, 0, 0);
  lodge_console_scaling_tell (self->window, monitor, 0, 0);
  lodge_display_set_session (self->displays[monitor], NULL);
  self->displays[monitor] = NULL;
  self->titles[monitor] = NULL;
  g_signal_handlers_disconnect_by_data (window, self);
  gtk_window_destroy (window);
  set_state (self, monitor, FALSE);
}

static gboolean
close_request_cb (GtkWindow *window, LodgeConsoleMonitors *self)
{
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    if (self->windows[i] == window)
      close_monitor (self, i);
  }
  return TRUE;
}

static void
size_wanted_cb (LodgeDisplay *display, int width, int height, LodgeConsoleMonitors *self)
{
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    if (self->displays[i] == display)
      lodge_console_scaling_tell (self->window, i, width, height);
  }
}

/* Ctrl+Alt without a grab: to the window's own buttons. */
static void
leave_cb (LodgeDisplay *display, GtkWidget *header)
{
  gtk_widget_child_focus (header, GTK_DIR_TAB_FORWARD);
  gtk_window_set_focus_visible (GTK_WINDOW (gtk_widget_get_root (header)), TRUE);
}

static void
update_window (LodgeConsoleMonitors *self, guint monitor)
{
  const char *name = lodge_console_machine_get_name (self->window->machine);
  g_autofree char *title = NULL;

  if (self->windows[monitor] == NULL)
    return;
  /* Translators: a machine's name, and the number of one of its monitors */
  title = g_strdup_printf (_ ("%s: Monitor %u"), name, monitor + 1);
  gtk_window_set_title (self->windows[monitor], title);
  adw_window_title_set_title (self->titles[monitor], title);
  lodge_display_set_session (self->displays[monitor],
                             lodge_console_machine_get_session (self->window->machine));
}

static void
open_monitor (LodgeConsoleMonitors *self, guint monitor)
{
  GtkWidget *window = adw_window_new ();
  GtkWidget *header = adw_header_bar_new ();
  GtkWidget *title = adw_window_title_new ("", "");
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *stage = gtk_scrolled_window_new ();
  GtkWidget *display = lodge_display_new ();

  lodge_display_set_monitor (LODGE_DISPLAY (display), monitor);
  g_object_bind_property (self->window->display, "scaling", display, "scaling",
                          G_BINDING_SYNC_CREATE);
  g_object_bind_property (self->window->display, "whole-multiples", display, "whole-multiples",
                          G_BINDING_SYNC_CREATE);
  g_signal_connect (display, "size-wanted", G_CALLBACK (size_wanted_cb), self);
  g_signal_connect_object (display, "leave", G_CALLBACK (leave_cb), header, 0);

  adw_header_bar_set_title_widget (ADW_HEADER_BAR (header), title);
  gtk_scrolled_window_set_overlay_scrolling (GTK_SCROLLED_WINDOW (stage), FALSE);
  gtk_scrolled_window_set_kinetic_scrolling (GTK_SCROLLED_WINDOW (stage), FALSE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (stage), display);
  gtk_widget_add_css_class (stage, "console-stage");
  gtk_widget_set_vexpand (stage, TRUE);
  gtk_box_append (GTK_BOX (box), header);
  gtk_box_append (GTK_BOX (box), stage);
  adw_window_set_content (ADW_WINDOW (window), box);
  gtk_window_set_default_size (GTK_WINDOW (window), 1024, 768 + 47);
  gtk_window_set_application (GTK_WINDOW (window),
                              gtk_window_get_application (GTK_WINDOW (self->window)));
  g_signal_connect (window, "close-request", G_CALLBACK (close_request_cb), self);

  self->windows[monitor] = GTK_WINDOW (window);
  self->displays[monitor] = LODGE_DISPLAY (display);
  self->titles[monitor] = ADW_WINDOW_TITLE (title);
  set_state (self, monitor, TRUE);
  update_window (self, monitor);
  gtk_window_set_focus (GTK_WINDOW (window), display);
  gtk_window_present (GTK_WINDOW (window));
}

static void
toggle_cb (GSimpleAction *action, GVariant *state, LodgeConsoleMonitors *self)
{
  const guint monitor = (guint) atoi (g_action_get_name (G_ACTION (action))) - 1;

  if (g_variant_get_boolean (state) == (self->windows[monitor] != NULL))
    return;
  if (g_variant_get_boolean (state))
    open_monitor (self, monitor);
  else
    close_monitor (self, monitor);
}

/* How many the machine can have: a QXL card has as many as its guest's driver likes. */
static guint
count_monitors (GVariant *description)
{
  const char *model = NULL;
  const char *monitors = NULL;

  g_variant_lookup (description, MODEL_KEY, "&s", &model);
  g_variant_lookup (description, MONITORS_KEY, "&s", &monitors);
  if (g_strcmp0 (model, "qxl") == 0)
    return LODGE_CONSOLE_MONITORS;
  if (g_strcmp0 (model, "virtio") != 0 || monitors == NULL)
    return 1;
  return (guint) CLAMP (atoi (monitors), 1, LODGE_CONSOLE_MONITORS);
}

static void
update_menu (LodgeConsoleMonitors *self, guint n)
{
  g_autoptr (GMenu) choices = g_menu_new ();

  if (n == self->n)
    return;
  self->n = n;
  g_menu_remove_all (self->window->monitors_menu);
  for (guint i = 1; i < n; i++) {
    g_autofree char *label = g_strdup_printf (_ ("Monitor _%u"), i + 1);
    g_autofree char *number = dup_number (i);
    g_autofree char *action = g_strconcat ("monitors.", number, NULL);
    g_menu_append (choices, label, action);
  }
  if (n > 1)
    g_menu_append_submenu (self->window->monitors_menu, _ ("Further M_onitors"),
                           G_MENU_MODEL (choices));
}

void
lodge_console_monitors_update (LodgeConsoleWindow *window)
{
  LodgeConsoleMonitors *self = window->monitors;
  LodgeMachine1 *machine = lodge_console_machine_get_machine (window->machine);
  GVariant *description = machine != NULL ? lodge_machine1_get_description (machine) : NULL;
  const LodgeConsolePhase phase = lodge_console_machine_get_phase (window->machine);

  if (description != NULL)
    update_menu (self, count_monitors (description));
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    /* What there is to say of a machine that shows nothing is said once. */
    if (phase == LODGE_CONSOLE_OFF || phase == LODGE_CONSOLE_SUSPENDED ||
        phase == LODGE_CONSOLE_CRASHED || phase == LODGE_CONSOLE_ELSEWHERE ||
        phase == LODGE_CONSOLE_PROBLEM || phase == LODGE_CONSOLE_GONE)
      close_monitor (self, i);
    update_window (self, i);
    allow (self, i, phase == LODGE_CONSOLE_SHOWN || self->windows[i] != NULL);
  }
}

void
lodge_console_monitors_init (LodgeConsoleWindow *window)
{
  LodgeConsoleMonitors *self = g_new0 (LodgeConsoleMonitors, 1);

  window->monitors = self;
  self->window = window;
  self->n = 1;
  self->actions = g_simple_action_group_new ();
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    g_autofree char *number = dup_number (i);
    g_autoptr (GSimpleAction) action =
        g_simple_action_new_stateful (number, NULL, g_variant_new_boolean (FALSE));
    g_signal_connect (action, "change-state", G_CALLBACK (toggle_cb), self);
    g_action_map_add_action (G_ACTION_MAP (self->actions), G_ACTION (action));
  }
  gtk_widget_insert_action_group (GTK_WIDGET (window), "monitors", G_ACTION_GROUP (self->actions));
}

void
lodge_console_monitors_clear (LodgeConsoleWindow *window)
{
  LodgeConsoleMonitors *self = window->monitors;

  if (self == NULL)
    return;
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    g_autofree char *number = dup_number (i);

    close_monitor (self, i);
    g_signal_handlers_disconnect_by_data (
        g_action_map_lookup_action (G_ACTION_MAP (self->actions), number), self);
  }
  g_object_unref (self->actions);
  g_free (self);
  window->monitors = NULL;
}
