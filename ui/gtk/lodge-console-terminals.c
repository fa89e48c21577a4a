/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's consoles of text, beside the screen.
 *
 * Nearly every machine has a serial port, and few users look at it: so there are no tabs until one
 * is opened from the menu. It stays open over the machine's end and its next start, with what was
 * written.
 */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-shared-window.h"
#include "gtk/lodge-terminal-view.h"

#include <glib/gi18n-lib.h>

#define SCREEN "screen"

struct _LodgeConsoleTerminals {
  GtkStack *views;
  GtkWidget *bar;
  GtkWidget *close_button;
  GtkWidget *leave_button; /* full screen */
  GMenu *menu;             /* a section of the main menu */
  GSimpleAction *action;   /* its state is what is shown */
  GVariant *listed;        /* the last a(sss) of the machine */
};

/* --- What the machine has --- */

/* NULL: it does not have it now. Lent by @listed. */
static const char *
find (GVariant *listed, const char *id, const char **out_label)
{
  GVariantIter iter;
  const char *found, *label, *socket;

  if (listed == NULL)
    return NULL;
  g_variant_iter_init (&iter, listed);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &found, &label, &socket)) {
    if (!g_str_equal (found, id))
      continue;
    if (out_label != NULL)
      *out_label = label;
    return socket;
  }
  return NULL;
}

static void
add_item (GMenu *menu, const char *label, const char *id)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, "view.show", "s", id);
  g_menu_append_item (menu, item);
}

/* The screen, what is open, and what could be opened. */
static void
fill_menu (LodgeConsoleTerminals *self)
{
  GListModel *pages = G_LIST_MODEL (gtk_stack_get_pages (self->views));
  GVariantIter iter;
  const char *id, *label, *socket;

  g_menu_remove_all (self->menu);
  for (guint i = 0; i < g_list_model_get_n_items (pages); i++) {
    g_autoptr (GObject) page = g_list_model_get_item (pages, i);

    add_item (self->menu, gtk_stack_page_get_title (GTK_STACK_PAGE (page)),
              gtk_stack_page_get_name (GTK_STACK_PAGE (page)));
  }
  if (self->listed != NULL) {
    g_variant_iter_init (&iter, self->listed);
    while (g_variant_iter_next (&iter, "(&s&s&s)", &id, &label, &socket)) {
      if (gtk_stack_get_child_by_name (self->views, id) == NULL)
        add_item (self->menu, label, id);
    }
  }
  /* One alone is no choice. */
  if (g_menu_model_get_n_items (G_MENU_MODEL (self->menu)) == 1)
    g_menu_remove_all (self->menu);
  g_object_unref (pages);
}

/* --- Showing --- */

static gboolean
is_screen_shown (LodgeConsoleWindow *self)
{
  return g_strcmp0 (gtk_stack_get_visible_child_name (self->terminals->views), SCREEN) == 0;
}

void
lodge_console_terminals_focus_screen (LodgeConsoleWindow *self, gpointer widget)
{
  if (self->terminals == NULL || is_screen_shown (self))
    gtk_widget_grab_focus (widget);
}

static void
focus_shown (LodgeConsoleWindow *self)
{
  GtkWidget *shown = gtk_stack_get_visible_child (self->terminals->views);

  if (LODGE_IS_TERMINAL_VIEW (shown))
    gtk_widget_grab_focus (lodge_terminal_view_get_terminal (LODGE_TERMINAL_VIEW (shown)));
  else if (lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_SHOWN)
    gtk_widget_grab_focus (GTK_WIDGET (lodge_console_beside_get_screen (self)));
  else
    gtk_widget_grab_focus (GTK_WIDGET (self->status_button));
}

/* In full screen the screen has all of it, and a console of text has the way back there. */
static void
show_bar (LodgeConsoleWindow *self)
{
  const gboolean fullscreen = gtk_window_is_fullscreen (GTK_WINDOW (self));
  g_autoptr (GtkSelectionModel) pages = gtk_stack_get_pages (self->terminals->views);

  gtk_widget_set_visible (self->terminals->bar,
                          g_list_model_get_n_items (G_LIST_MODEL (pages)) > 1 &&
                              !(fullscreen && is_screen_shown (self)));
  gtk_widget_set_visible (self->terminals->leave_button, fullscreen);
}

static void
visible_cb (LodgeConsoleWindow *self)
{
  const char *name = gtk_stack_get_visible_child_name (self->terminals->views);

  if (name == NULL)
    return;
  g_simple_action_set_state (self->terminals->action, g_variant_new_string (name));
  gtk_widget_set_visible (self->terminals->close_button, !g_str_equal (name, SCREEN));
  show_bar (self);
  if (self->machine != NULL)
    focus_shown (self);
}

static void
pages_changed (LodgeConsoleWindow *self)
{
  show_bar (self);
  fill_menu (self->terminals);
}

LodgeTerminalStream *
lodge_console_window_get_terminal (LodgeConsoleWindow *self, const char *id)
{
  GtkWidget *view =
      self->terminals != NULL ? gtk_stack_get_child_by_name (self->terminals->views, id) : NULL;

  return LODGE_IS_TERMINAL_VIEW (view) ? lodge_terminal_view_get_stream (LODGE_TERMINAL_VIEW (view))
                                       : NULL;
}

/* A log is one of the ways out of a guest. */
static void
log_cb (LodgeConsoleWindow *self)
{
  if (self->shared_window != NULL)
    lodge_shared_window_update (GTK_WINDOW (self->shared_window));
}

static void
show_cb (GSimpleAction *action, GVariant *parameter, LodgeConsoleWindow *self)
{
  LodgeConsoleTerminals *terminals = self->terminals;
  const char *id = g_variant_get_string (parameter, NULL);
  const char *label = NULL;
  const char *socket;
  GtkWidget *view;

  if (gtk_stack_get_child_by_name (terminals->views, id) == NULL) {
    socket = find (terminals->listed, id, &label);
    if (socket == NULL)
      return;
    view = lodge_terminal_view_new (id, lodge_console_machine_get_name (self->machine));
    g_signal_connect_object (lodge_terminal_view_get_stream (LODGE_TERMINAL_VIEW (view)),
                             "notify::log", G_CALLBACK (log_cb), self, G_CONNECT_SWAPPED);
    gtk_stack_add_titled (terminals->views, view, id, label);
    lodge_terminal_view_set_socket (LODGE_TERMINAL_VIEW (view), socket);
    pages_changed (self);
  }
  gtk_stack_set_visible_child_name (terminals->views, id);
}

static void
close_cb (LodgeConsoleWindow *self)
{
  GtkWidget *shown = gtk_stack_get_visible_child (self->terminals->views);

  if (!LODGE_IS_TERMINAL_VIEW (shown))
    return;
  gtk_stack_set_visible_child_name (self->terminals->views, SCREEN);
  gtk_stack_remove (self->terminals->views, shown);
  pages_changed (self);
  log_cb (self);
}

static gboolean
next_cb (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  LodgeConsoleTerminals *terminals = LODGE_CONSOLE_WINDOW (user_data)->terminals;
  g_autoptr (GtkSelectionModel) pages = gtk_stack_get_pages (terminals->views);
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (pages));
  const int step = g_variant_get_int32 (arguments);

  for (guint i = 0; i < n; i++) {
    if (gtk_selection_model_is_selected (pages, i)) {
      gtk_selection_model_select_item (pages, (i + n + (guint) step) % n, TRUE);
      return TRUE;
    }
  }
  return FALSE;
}

/* --- Making --- */

static GtkWidget *
make_button (const char *icon, const char *name)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_visible (button, FALSE);
  return button;
}

static GtkWidget *
make_bar (LodgeConsoleWindow *self)
{
  GtkWidget *bar = gtk_center_box_new ();
  GtkWidget *switcher = gtk_stack_switcher_new ();
  GtkWidget *close = make_button ("window-close-symbolic", _ ("Close This Console"));
  GtkWidget *leave = make_button ("view-restore-symbolic", _ ("Leave Full Screen (F11)"));

  gtk_stack_switcher_set_stack (GTK_STACK_SWITCHER (switcher), self->terminals->views);
  g_signal_connect_object (close, "clicked", G_CALLBACK (close_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_css_class (bar, "toolbar");
  gtk_center_box_set_center_widget (GTK_CENTER_BOX (bar), switcher);
  gtk_center_box_set_end_widget (GTK_CENTER_BOX (bar), close);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (leave), "console.fullscreen");
  gtk_center_box_set_start_widget (GTK_CENTER_BOX (bar), leave);
  gtk_widget_set_visible (bar, FALSE);
  self->terminals->close_button = close;
  self->terminals->leave_button = leave;
  return bar;
}

/* On the consoles of text only: what is pressed at the screen is the guest's. */
static void
add_keys (LodgeConsoleWindow *self)
{
  static const struct {
    const char *keys;
    int step;
  } steps[] = {{"<Control><Shift>Page_Up", -1}, {"<Control><Shift>Page_Down", 1}};
  GtkEventController *keys = gtk_shortcut_controller_new ();

  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    GtkShortcut *shortcut = gtk_shortcut_new (gtk_shortcut_trigger_parse_string (steps[i].keys),
                                              gtk_callback_action_new (next_cb, self, NULL));

    gtk_shortcut_set_arguments (shortcut, g_variant_new_int32 (steps[i].step));
    gtk_shortcut_controller_add_shortcut (GTK_SHORTCUT_CONTROLLER (keys), shortcut);
  }
  gtk_widget_add_controller (GTK_WIDGET (self->terminals->views), keys);
}

static void
fullscreened_cb (LodgeConsoleWindow *self)
{
  if (self->terminals != NULL)
    show_bar (self);
}

void
lodge_console_terminals_init (LodgeConsoleWindow *self)
{
  LodgeConsoleTerminals *terminals = g_new0 (LodgeConsoleTerminals, 1);
  GtkWidget *box = gtk_widget_get_parent (self->header);
  GMenuModel *main_menu = gtk_menu_button_get_menu_model (GTK_MENU_BUTTON (self->menu_button));
  g_autoptr (GtkWidget) screen = g_object_ref (self->overlay);
  g_autoptr (GSimpleActionGroup) group = g_simple_action_group_new ();

  self->terminals = terminals;
  terminals->action =
      g_simple_action_new_stateful ("show", G_VARIANT_TYPE_STRING, g_variant_new_string (SCREEN));
  g_signal_connect_object (terminals->action, "change-state", G_CALLBACK (show_cb), self, 0);
  g_action_map_add_action (G_ACTION_MAP (group), G_ACTION (terminals->action));
  gtk_widget_insert_action_group (GTK_WIDGET (self), "view", G_ACTION_GROUP (group));

  terminals->menu = g_menu_new ();
  g_menu_insert_section (G_MENU (main_menu), 1, NULL, G_MENU_MODEL (terminals->menu));

  terminals->views = GTK_STACK (gtk_stack_new ());
  adw_toast_overlay_set_child (self->toasts, NULL);
  gtk_stack_add_titled (terminals->views, screen, SCREEN, _ ("Screen"));
  adw_toast_overlay_set_child (self->toasts, GTK_WIDGET (terminals->views));
  terminals->bar = make_bar (self);
  gtk_box_insert_child_after (GTK_BOX (box), terminals->bar, self->header);
  add_keys (self);
  g_signal_connect (self, "notify::fullscreened", G_CALLBACK (fullscreened_cb), NULL);
  g_signal_connect_object (terminals->views, "notify::visible-child", G_CALLBACK (visible_cb), self,
                           G_CONNECT_SWAPPED);
}

void
lodge_console_terminals_update (LodgeConsoleWindow *self)
{
  LodgeConsoleTerminals *terminals = self->terminals;
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  GVariant *listed = machine != NULL ? lodge_machine1_get_terminals (machine) : NULL;
  g_autoptr (GtkSelectionModel) pages = NULL;

  /* Without an engine nothing is known; a connection that is there goes on. */
  if (listed == NULL || (terminals->listed != NULL && g_variant_equal (listed, terminals->listed)))
    return;

  g_clear_pointer (&terminals->listed, g_variant_unref);
  terminals->listed = g_variant_ref (listed);
  pages = gtk_stack_get_pages (terminals->views);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (pages)); i++) {
    g_autoptr (GObject) page = g_list_model_get_item (G_LIST_MODEL (pages), i);
    GtkWidget *view = gtk_stack_page_get_child (GTK_STACK_PAGE (page));

    if (LODGE_IS_TERMINAL_VIEW (view))
      lodge_terminal_view_set_socket (
          LODGE_TERMINAL_VIEW (view),
          find (listed, gtk_stack_page_get_name (GTK_STACK_PAGE (page)), NULL));
  }
  fill_menu (terminals);
}

void
lodge_console_terminals_clear (LodgeConsoleWindow *self)
{
  LodgeConsoleTerminals *terminals = g_steal_pointer (&self->terminals);

  if (terminals == NULL)
    return;
  g_signal_handlers_disconnect_by_data (terminals->views, self);
  g_clear_pointer (&terminals->listed, g_variant_unref);
  g_object_unref (terminals->menu);
  g_object_unref (terminals->action);
  g_free (terminals);
}
