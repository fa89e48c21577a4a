/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's other monitors, which the menu opens: the guest's monitor is switched on and off with
 * that. Each is in a window of its own, whose close button closes it, or beside the first one, as a
 * key of the machine's description says; it is moved while it is open. And full screen on all of
 * the host's monitors at once, one of the guest's on each. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-monitor-window.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-shared-window.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>

#define ALL_ACTION  "all"
#define SIDE_ACTION "side-by-side"
#define SIDE_KEY    "display.side-by-side"

typedef struct {
  LodgeMonitorView *view;     /* owned; NULL: it is closed */
  LodgeMonitorWindow *window; /* NULL: it is beside the first one */
  gboolean for_all;           /* opened for full screen on all: closed with it */
} Monitor;

struct _LodgeConsoleMonitors {
  LodgeConsoleWindow *window;
  GSimpleActionGroup *actions;
  Monitor monitors[LODGE_CONSOLE_MONITORS]; /* the first is the console's own: nothing */
  gboolean side_by_side;
  guint n;                     /* that the guest can have now */
  guint listed;                /* in the menu, with those from its next start on */
  const char *heading;         /* there, of what is chosen for that */
  GListModel *hosts;           /* the host's own monitors, GdkMonitor */
  gboolean on_all;             /* in full screen on all of them */
  guint close_idle;            /* the user has answered */
  LodgeMonitorWindow *closing; /* perhaps closed by then: only compared */
};

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

/* It stays as it is, and is nowhere for a moment. */
static void
lift (LodgeConsoleMonitors *self, guint monitor)
{
  LodgeMonitorWindow *window = g_steal_pointer (&self->monitors[monitor].window);

  if (window == NULL) {
    lodge_console_beside_take (self->window, monitor);
    return;
  }
  g_signal_handlers_disconnect_by_data (window, self);
  lodge_monitor_window_give_back (window);
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
close_monitor (LodgeConsoleMonitors *self, guint monitor)
{
  g_autoptr (LodgeMonitorView) view = g_steal_pointer (&self->monitors[monitor].view);
  LodgeDisplay *display;
  LodgeConsoleSession *session;

  self->monitors[monitor].for_all = FALSE;
  if (view == NULL)
    return;
  display = lodge_monitor_view_get_display (view);
  session = lodge_display_get_session (display);
  if (session != NULL)
    lodge_console_session_resize_monitor (session, monitor, 0, 0);
  lodge_console_scaling_tell (self->window, monitor, 0, 0);
  lodge_console_exchange_remove_screen (self->window, display);
  lodge_display_set_session (display, NULL);
  g_signal_handlers_disconnect_by_data (display, self);
  lift (self, monitor);
  /* A picture that is being saved may keep it. */
  g_object_run_dispose (G_OBJECT (view));
  set_state (self, monitor, FALSE);
}

static void
close_window (LodgeConsoleMonitors *self, LodgeMonitorWindow *window)
{
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    if (self->monitors[i].window == window && window != NULL)
      close_monitor (self, i);
  }
}

static guint
find_window (LodgeConsoleMonitors *self, LodgeMonitorWindow *window)
{
  guint found = 1;

  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++)
    found = self->monitors[i].window == window ? i : found;
  return found;
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
  if (!lodge_monitor_view_is_recording (self->monitors[find_window (self, window)].view)) {
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
recording_ended (GObject *owner, gpointer view, GFile *file, const GError *error)
{
  if (view != NULL)
    lodge_monitor_view_say_ended (view, file, error);
  else
    lodge_console_record_say_ended (LODGE_CONSOLE_WINDOW (owner), file, error);
}

gboolean
lodge_console_monitors_is_recording (LodgeConsoleWindow *window)
{
  for (guint i = 1; window->monitors != NULL && i < LODGE_CONSOLE_MONITORS; i++) {
    if (window->monitors->monitors[i].view != NULL &&
        lodge_monitor_view_is_recording (window->monitors->monitors[i].view))
      return TRUE;
  }
  return FALSE;
}

static void
size_wanted_cb (LodgeDisplay *display, int width, int height, LodgeConsoleMonitors *self)
{
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    if (self->monitors[i].view != NULL &&
        lodge_monitor_view_get_display (self->monitors[i].view) == display)
      lodge_console_scaling_tell (self->window, i, width, height);
  }
}

static void
follow (LodgeConsoleMonitors *self, guint monitor)
{
  const Monitor *it = &self->monitors[monitor];

  if (it->view != NULL)
    lodge_monitor_view_follow (it->view, self->window->machine);
  if (it->window != NULL)
    lodge_monitor_window_follow (it->window, self->window->machine);
}

/* ---- where they are */

/* On all of the host's monitors each has its own, and so a window. */
static gboolean
is_beside (LodgeConsoleMonitors *self)
{
  return self->side_by_side && !self->on_all;
}

static void
put_in_window (LodgeConsoleMonitors *self, guint monitor)
{
  Monitor *it = &self->monitors[monitor];

  it->window =
      lodge_monitor_window_new (gtk_window_get_application (GTK_WINDOW (self->window)), it->view);
  g_signal_connect (it->window, "close-request", G_CALLBACK (close_request_cb), self);
  lodge_monitor_window_follow (it->window, self->window->machine);
  gtk_window_present (GTK_WINDOW (it->window));
}

static void
put (LodgeConsoleMonitors *self, guint monitor)
{
  if (is_beside (self))
    lodge_console_beside_put (self->window, monitor, self->monitors[monitor].view);
  else
    put_in_window (self, monitor);
}

/* Those that are open go where they shall be now, and their guest does not hear of it but by their
 * sizes. */
static void
move_all (LodgeConsoleMonitors *self)
{
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    const Monitor *it = &self->monitors[i];

    if (it->view == NULL || (it->window == NULL) == is_beside (self))
      continue;
    lift (self, i);
    put (self, i);
  }
}

static void
open_monitor (LodgeConsoleMonitors *self, guint monitor)
{
  LodgeMonitorView *view =
      lodge_monitor_view_new (monitor, G_OBJECT (self->window), recording_ended);
  LodgeDisplay *display = lodge_monitor_view_get_display (view);

  self->monitors[monitor].view = g_object_ref_sink (view);
  g_object_bind_property (self->window->display, "scaling", display, "scaling",
                          G_BINDING_SYNC_CREATE);
  g_object_bind_property (self->window->display, "whole-multiples", display, "whole-multiples",
                          G_BINDING_SYNC_CREATE);
  lodge_console_keys_follow (display);
  lodge_console_exchange_add_screen (self->window, display, lodge_monitor_view_get_overlay (view));
  g_signal_connect (display, "size-wanted", G_CALLBACK (size_wanted_cb), self);

  lodge_monitor_view_follow (view, self->window->machine);
  set_state (self, monitor, TRUE);
  put (self, monitor);
  /* As a window of its own has it. */
  if (is_beside (self))
    lodge_console_terminals_focus_screen (self->window, display);
}

static void
side_by_side_cb (GSimpleAction *action, GVariant *value, LodgeConsoleMonitors *self)
{
  lodge_set_keys (GTK_WINDOW (self->window),
                  lodge_console_machine_get_machine (self->window->machine),
                  _ ("Could Not Change How the Screen Is Shown"), NULL, SIDE_KEY,
                  g_variant_get_boolean (value) ? "true" : "false", NULL);
}

/* While the engine is away it stays as it was. */
static void
follow_description (LodgeConsoleMonitors *self)
{
  const gboolean there = lodge_console_machine_get_machine (self->window->machine) != NULL;
  GSimpleAction *action = get_action (self, SIDE_ACTION);

  g_simple_action_set_enabled (action, there);
  if (!there)
    return;
  self->side_by_side = g_str_equal (lodge_shared_lookup (self->window->machine, SIDE_KEY), "true");
  g_simple_action_set_state (action, g_variant_new_boolean (self->side_by_side));
  move_all (self);
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
    if (self->monitors[i].for_all)
      close_monitor (self, i);
    else if (self->monitors[i].window != NULL)
      gtk_window_unfullscreen (GTK_WINDOW (self->monitors[i].window));
  }
  move_all (self);
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
  move_all (self);
  for (guint host = 0, i = 1; host < n_hosts && i < self->n; host++) {
    g_autoptr (GdkMonitor) monitor = g_list_model_get_item (self->hosts, host);

    if (monitor == own)
      continue;
    if (self->monitors[i].view == NULL) {
      open_monitor (self, i);
      self->monitors[i].for_all = TRUE;
    }
    gtk_window_fullscreen_on_monitor (GTK_WINDOW (self->monitors[i].window), monitor);
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

  if (g_variant_get_boolean (state) == (self->monitors[monitor].view != NULL))
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
  g_menu_append (all, _ ("_Side by Side in This Window"), "monitors." SIDE_ACTION);
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
  follow_description (self);
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    /* What there is to say of a machine that shows nothing is said once. */
    if (phase == LODGE_CONSOLE_OFF || phase == LODGE_CONSOLE_SUSPENDED ||
        phase == LODGE_CONSOLE_CRASHED || phase == LODGE_CONSOLE_ELSEWHERE ||
        phase == LODGE_CONSOLE_PROBLEM || phase == LODGE_CONSOLE_GONE)
      close_monitor (self, i);
    follow (self, i);
    allow (self, i,
           (phase == LODGE_CONSOLE_SHOWN && i < self->n) || self->monitors[i].view != NULL);
  }
  g_simple_action_set_enabled (get_action (self, ALL_ACTION),
                               self->on_all || (phase == LODGE_CONSOLE_SHOWN && self->n > 1 &&
                                                g_list_model_get_n_items (self->hosts) > 1));
}

static void
add_switch (LodgeConsoleMonitors *self, const char *name, GCallback change_state)
{
  g_autoptr (GSimpleAction) action =
      g_simple_action_new_stateful (name, NULL, g_variant_new_boolean (FALSE));

  g_signal_connect (action, "change-state", change_state, self);
  g_action_map_add_action (G_ACTION_MAP (self->actions), G_ACTION (action));
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

    add_switch (self, number, G_CALLBACK (toggle_cb));
  }
  add_switch (self, SIDE_ACTION, G_CALLBACK (side_by_side_cb));
  add_switch (self, ALL_ACTION, G_CALLBACK (all_cb));
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
  g_signal_handlers_disconnect_by_data (get_action (self, SIDE_ACTION), self);
  g_signal_handlers_disconnect_by_data (get_action (self, ALL_ACTION), self);
  lodge_console_monitor_count_clear (window);
  g_signal_handlers_disconnect_by_data (self->hosts, self);
  g_signal_handlers_disconnect_by_data (window, self);
  g_object_unref (self->hosts);
  g_object_unref (self->actions);
  g_free (self);
  window->monitors = NULL;
}
