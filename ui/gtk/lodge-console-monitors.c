/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's other monitors, each in a window of its own that the menu opens and its own close
 * button closes: the guest's monitor is switched on and off with it. And full screen on all of the
 * host's monitors at once, one of the guest's on each. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-monitor-window.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>

struct _LodgeConsoleMonitors {
  LodgeConsoleWindow *window;
  GSimpleActionGroup *actions;
  LodgeMonitorWindow *windows[LODGE_CONSOLE_MONITORS]; /* NULL: closed; the first is the console */
  guint n;                                             /* that the guest can have now */
  guint listed;                             /* in the menu, with those from its next start on */
  const char *heading;                      /* there, of what is chosen for that */
  GListModel *hosts;                        /* the host's own monitors, GdkMonitor */
  gboolean on_all;                          /* in full screen on all of them */
  gboolean for_all[LODGE_CONSOLE_MONITORS]; /* opened for that: closed with it */
  guint close_idle;                         /* the user has answered */
  LodgeMonitorWindow *closing;              /* perhaps closed by then: only compared */
};

#define ALL_ACTION "all"

/* Returns: (transfer full): the name of a monitor's action, and what follows the user's "Monitor".
 */
static char *
dup_number (guint monitor)
{
  return g_strdup_printf ("%u", monitor + 1);
}

static GSimpleAction *
get_action (LodgeConsoleMonitors *self, const char *name)
{
  return G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self->actions), name));
}

static void
set_state (LodgeConsoleMonitors *self, guint monitor, gboolean open)
{
  g_autofree char *number = dup_number (monitor);

  g_simple_action_set_state (get_action (self, number), g_variant_new_boolean (open));
}

/* Nothing to show is no window to open; one that is open can always be closed. */
static void
allow (LodgeConsoleMonitors *self, guint monitor, gboolean allowed)
{
  g_autofree char *number = dup_number (monitor);

  g_simple_action_set_enabled (get_action (self, number), allowed);
}

static void
close_monitor (LodgeConsoleMonitors *self, guint monitor)
{
  LodgeMonitorWindow *window = g_steal_pointer (&self->windows[monitor]);
  LodgeDisplay *display;
  LodgeConsoleSession *session;

  self->for_all[monitor] = FALSE;
  if (window == NULL)
    return;
  display = lodge_monitor_window_get_display (window);
  session = lodge_display_get_session (display);
  if (session != NULL)
    lodge_console_session_resize_monitor (session, monitor, 0, 0);
  lodge_console_scaling_tell (self->window, monitor, 0, 0);
  lodge_console_exchange_remove_screen (self->window, display);
  lodge_display_set_session (display, NULL);
  g_signal_handlers_disconnect_by_data (window, self);
  g_signal_handlers_disconnect_by_data (display, self);
  gtk_window_destroy (GTK_WINDOW (window));
  set_state (self, monitor, FALSE);
}

static void
close_window (LodgeConsoleMonitors *self, LodgeMonitorWindow *window)
{
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    if (self->windows[i] == window && window != NULL)
      close_monitor (self, i);
  }
}

static gboolean
close_cb (gpointer user_data)
{
  LodgeConsoleMonitors *self = user_data;

  self->close_idle = 0;
  close_window (self, self->closing);
  return G_SOURCE_REMOVE;
}

/* Its window may be gone by now, and the console with it. */
static void
answered_cb (AdwMessageDialog *dialog, const char *response, LodgeConsoleWindow *console)
{
  LodgeConsoleMonitors *self = console->monitors;

  if (!g_str_equal (response, LODGE_MESSAGE_ACT) || self == NULL)
    return;
  self->closing = (LodgeMonitorWindow *) gtk_window_get_transient_for (GTK_WINDOW (dialog));
  /* Not now: the dialog, which goes with its window, is still closing itself. */
  if (self->close_idle == 0)
    self->close_idle = g_idle_add (close_cb, self);
}

static gboolean
close_request_cb (LodgeMonitorWindow *window, LodgeConsoleMonitors *self)
{
  if (!lodge_monitor_window_is_recording (window)) {
    close_window (self, window);
    return TRUE;
  }
  AdwMessageDialog *dialog = lodge_message_ask (
      GTK_WINDOW (window), _ ("Close the Window?"),
      _ ("This monitor is being recorded: closing the window ends that, and the recording is "
         "saved."),
      _ ("_Close Anyway"));

  g_signal_connect_object (dialog, "response", G_CALLBACK (answered_cb), self->window, 0);
  gtk_window_present (GTK_WINDOW (dialog));
  return TRUE;
}

/* Said where it was recorded, as long as that is there. */
static void
recording_ended (GObject *owner, gpointer window, GFile *file, const GError *error)
{
  if (window != NULL)
    lodge_monitor_window_say_ended (window, file, error);
  else
    lodge_console_record_say_ended (LODGE_CONSOLE_WINDOW (owner), file, error);
}

gboolean
lodge_console_monitors_is_recording (LodgeConsoleWindow *window)
{
  for (guint i = 1; window->monitors != NULL && i < LODGE_CONSOLE_MONITORS; i++) {
    if (window->monitors->windows[i] != NULL &&
        lodge_monitor_window_is_recording (window->monitors->windows[i]))
      return TRUE;
  }
  return FALSE;
}

static void
size_wanted_cb (LodgeDisplay *display, int width, int height, LodgeConsoleMonitors *self)
{
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    if (self->windows[i] != NULL && lodge_monitor_window_get_display (self->windows[i]) == display)
      lodge_console_scaling_tell (self->window, i, width, height);
  }
}

static void
update_window (LodgeConsoleMonitors *self, guint monitor)
{
  if (self->windows[monitor] != NULL)
    lodge_monitor_window_follow (self->windows[monitor], self->window->machine);
}

static void
open_monitor (LodgeConsoleMonitors *self, guint monitor)
{
  LodgeMonitorWindow *window =
      lodge_monitor_window_new (gtk_window_get_application (GTK_WINDOW (self->window)), monitor,
                                G_OBJECT (self->window), recording_ended);
  LodgeDisplay *display = lodge_monitor_window_get_display (window);

  g_object_bind_property (self->window->display, "scaling", display, "scaling",
                          G_BINDING_SYNC_CREATE);
  g_object_bind_property (self->window->display, "whole-multiples", display, "whole-multiples",
                          G_BINDING_SYNC_CREATE);
  lodge_console_keys_follow (display);
  lodge_console_exchange_add_screen (self->window, display,
                                     lodge_monitor_window_get_overlay (window));
  g_signal_connect (display, "size-wanted", G_CALLBACK (size_wanted_cb), self);
  g_signal_connect (window, "close-request", G_CALLBACK (close_request_cb), self);

  self->windows[monitor] = window;
  set_state (self, monitor, TRUE);
  update_window (self, monitor);
  gtk_window_present (GTK_WINDOW (window));
}

/* ---- full screen on all of the host's monitors */

static void
set_on_all (LodgeConsoleMonitors *self, gboolean on_all)
{
  self->on_all = on_all;
  g_simple_action_set_state (get_action (self, ALL_ACTION), g_variant_new_boolean (on_all));
}

static void
leave_all (LodgeConsoleMonitors *self)
{
  set_on_all (self, FALSE);
  gtk_window_unfullscreen (GTK_WINDOW (self->window));
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    if (self->for_all[i])
      close_monitor (self, i);
    else if (self->windows[i] != NULL)
      gtk_window_unfullscreen (GTK_WINDOW (self->windows[i]));
  }
}

/* The console stays on the monitor where it is; the others follow in the host's own order. */
static void
enter_all (LodgeConsoleMonitors *self)
{
  GtkWidget *console = GTK_WIDGET (self->window);
  GdkMonitor *own = gdk_display_get_monitor_at_surface (
      gtk_widget_get_display (console), gtk_native_get_surface (gtk_widget_get_native (console)));
  const guint n_hosts = g_list_model_get_n_items (self->hosts);

  set_on_all (self, TRUE);
  for (guint host = 0, i = 1; host < n_hosts && i < self->n; host++) {
    g_autoptr (GdkMonitor) monitor = g_list_model_get_item (self->hosts, host);

    if (monitor == own)
      continue;
    if (self->windows[i] == NULL) {
      open_monitor (self, i);
      self->for_all[i] = TRUE;
    }
    gtk_window_fullscreen_on_monitor (GTK_WINDOW (self->windows[i]), monitor);
    i++;
  }
  /* Last: the keyboard is in this one. */
  if (own != NULL)
    gtk_window_fullscreen_on_monitor (GTK_WINDOW (console), own);
  else
    gtk_window_fullscreen (GTK_WINDOW (console));
  gtk_window_present (GTK_WINDOW (console));
}

static void
all_cb (GSimpleAction *action, GVariant *state, LodgeConsoleMonitors *self)
{
  if (g_variant_get_boolean (state) == self->on_all)
    return;
  if (self->on_all)
    leave_all (self);
  else
    enter_all (self);
}

/* Whichever way the console leaves full screen, the others do not stay in front of the desktop. */
static void
fullscreened_cb (LodgeConsoleMonitors *self)
{
  if (self->on_all && !gtk_window_is_fullscreen (GTK_WINDOW (self->window)))
    leave_all (self);
}

static void
hosts_changed_cb (LodgeConsoleMonitors *self)
{
  if (self->on_all)
    leave_all (self);
  lodge_console_monitors_update (self->window);
}

/* ---- the menu */

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

static void
update_menu (LodgeConsoleMonitors *self)
{
  const guint listed = MAX (self->n, lodge_console_monitor_count_get_next (self->window));
  const char *heading = lodge_console_monitor_count_get_heading (self->window);
  g_autoptr (GMenu) choices = g_menu_new ();
  g_autoptr (GMenu) all = g_menu_new ();

  if (listed == self->listed && g_strcmp0 (heading, self->heading) == 0)
    return;
  self->listed = listed;
  self->heading = heading;
  g_menu_remove_all (self->window->monitors_menu);
  for (guint i = 1; i < listed; i++) {
    g_autofree char *label = g_strdup_printf (_ ("Monitor _%u"), i + 1);
    g_autofree char *number = dup_number (i);
    g_autofree char *action = g_strconcat ("monitors.", number, NULL);
    g_menu_append (choices, label, action);
  }
  g_menu_append (all, _ ("Full Screen on _All Monitors"), "monitors." ALL_ACTION);
  if (listed > 1)
    g_menu_append_section (choices, NULL, G_MENU_MODEL (all));
  if (heading != NULL) {
    g_autoptr (GMenuModel) count = lodge_console_monitor_count_new_section ();

    g_menu_append_section (choices, heading, count);
  }
  g_menu_append_submenu (self->window->monitors_menu, _ ("Further M_onitors"),
                         G_MENU_MODEL (choices));
}

void
lodge_console_monitors_update (LodgeConsoleWindow *window)
{
  LodgeConsoleMonitors *self = window->monitors;
  const LodgeConsolePhase phase = lodge_console_machine_get_phase (window->machine);

  lodge_console_monitor_count_update (window);
  /* While the engine is away it stays as it was. */
  if (lodge_console_machine_get_machine (window->machine) != NULL) {
    self->n = lodge_console_monitor_count_get (window);
    update_menu (self);
  }
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    /* What there is to say of a machine that shows nothing is said once. */
    if (phase == LODGE_CONSOLE_OFF || phase == LODGE_CONSOLE_SUSPENDED ||
        phase == LODGE_CONSOLE_CRASHED || phase == LODGE_CONSOLE_ELSEWHERE ||
        phase == LODGE_CONSOLE_PROBLEM || phase == LODGE_CONSOLE_GONE)
      close_monitor (self, i);
    update_window (self, i);
    allow (self, i, (phase == LODGE_CONSOLE_SHOWN && i < self->n) || self->windows[i] != NULL);
  }
  g_simple_action_set_enabled (get_action (self, ALL_ACTION),
                               self->on_all || (phase == LODGE_CONSOLE_SHOWN && self->n > 1 &&
                                                g_list_model_get_n_items (self->hosts) > 1));
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
  g_autoptr (GSimpleAction) all =
      g_simple_action_new_stateful (ALL_ACTION, NULL, g_variant_new_boolean (FALSE));
  g_signal_connect (all, "change-state", G_CALLBACK (all_cb), self);
  g_action_map_add_action (G_ACTION_MAP (self->actions), G_ACTION (all));
  lodge_console_monitor_count_init (window, G_ACTION_MAP (self->actions));
  gtk_widget_insert_action_group (GTK_WIDGET (window), "monitors", G_ACTION_GROUP (self->actions));

  self->hosts =
      g_object_ref (gdk_display_get_monitors (gtk_widget_get_display (GTK_WIDGET (window))));
  g_signal_connect_swapped (self->hosts, "items-changed", G_CALLBACK (hosts_changed_cb), self);
  g_signal_connect_swapped (window, "notify::fullscreened", G_CALLBACK (fullscreened_cb), self);
}

void
lodge_console_monitors_clear (LodgeConsoleWindow *window)
{
  LodgeConsoleMonitors *self = window->monitors;

  if (self == NULL)
    return;
  g_clear_handle_id (&self->close_idle, g_source_remove);
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    g_autofree char *number = dup_number (i);

    close_monitor (self, i);
    g_signal_handlers_disconnect_by_data (get_action (self, number), self);
  }
  g_signal_handlers_disconnect_by_data (get_action (self, ALL_ACTION), self);
  lodge_console_monitor_count_clear (window);
  g_signal_handlers_disconnect_by_data (self->hosts, self);
  g_signal_handlers_disconnect_by_data (window, self);
  g_object_unref (self->hosts);
  g_object_unref (self->actions);
  g_free (self);
  window->monitors = NULL;
}
