/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library: every machine as a card, and the way to make one. */
#include "gtk/lodge-library-window-private.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-create-window.h"
#include "gtk/lodge-file-choice.h"
#include "gtk/lodge-machine-card.h"
#include "gtk/lodge-menu-tooltip.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-settings.h"

#include <glib/gi18n-lib.h>
#include <string.h>

G_DEFINE_FINAL_TYPE (LodgeLibraryWindow, lodge_library_window, ADW_TYPE_APPLICATION_WINDOW)

/* An engine that starts answers sooner; a word that comes and goes at once only irritates. */
#define QUIET_MS 700

static gboolean
loading_cb (gpointer user_data)
{
  LodgeLibraryWindow *self = user_data;

  self->loading_timer = 0;
  gtk_widget_set_visible (self->loading_label, TRUE);
  return G_SOURCE_REMOVE;
}

/* The keyboard goes where the page is, unless it is busy elsewhere: with the first card, or the way
 * to make one, arrows and Enter work at once. While loading GTK has it on what there is, the menu.
 */
static void
show_page (LodgeLibraryWindow *self, const char *page)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  const char *old_page = gtk_stack_get_visible_child_name (self->pages);
  const gboolean was_loading = g_str_equal (old_page, "loading");

  if (g_str_equal (page, old_page))
    return;

  gtk_stack_set_visible_child_name (self->pages, page);
  g_clear_handle_id (&self->loading_timer, g_source_remove);
  if (was_loading || focus == NULL || !gtk_widget_get_mapped (focus) ||
      gtk_widget_is_ancestor (focus, GTK_WIDGET (self->pages)))
    gtk_widget_child_focus (gtk_stack_get_visible_child (self->pages), GTK_DIR_TAB_FORWARD);
}

static void
update_page (LodgeLibraryWindow *self)
{
  const guint n_all = g_list_model_get_n_items (G_LIST_MODEL (self->machines));
  const guint n_shown = g_list_model_get_n_items (G_LIST_MODEL (self->shown));
  const char *problem = lodge_connection_get_problem (self->connection);
  const gboolean loaded = lodge_machine_list_get_loaded (self->machines);
  const char *page;

  if (problem == NULL)
    problem = lodge_machine_list_get_problem (self->machines);

  if (loaded) {
    page = n_all == 0 ? "empty" : n_shown == 0 ? "nothing-found" : "machines";
  } else if (problem != NULL) {
    /* A status page takes its description for markup. */
    g_autofree char *escaped = g_markup_escape_text (problem, -1);
    adw_status_page_set_description (self->problem_page, escaped);
    page = "problem";
  } else {
    page = "loading";
  }

  show_page (self, page);
  if (problem != NULL)
    gtk_label_set_text (self->banner_label, problem);
  gtk_revealer_set_reveal_child (self->banner, loaded && problem != NULL);
  gtk_widget_set_sensitive (self->search_button, n_all > 0);
  gtk_search_bar_set_key_capture_widget (self->search_bar, n_all > 0 ? GTK_WIDGET (self) : NULL);
}

static void
show_offer (LodgeLibraryWindow *self)
{
  const char *title;
  g_autofree char *label = NULL;

  if (self->installers == NULL || g_variant_n_children (self->installers) == 0) {
    gtk_widget_set_visible (self->offer_button, FALSE);
    return;
  }

  g_variant_get_child (self->installers, 0, "(&s&s&s)", NULL, &title, NULL);
  /* Translators: a button; %s is an installer's title, "Debian 12 Installer". */
  label = g_strdup_printf (_ ("Start the %s"), title);
  gtk_label_set_text (self->offer_label, label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->offer_button),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, label, -1);
  gtk_widget_set_visible (self->offer_button, TRUE);
}

static void
installers_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeLibraryWindow) self = user_data;
  g_autoptr (GVariant) installers = NULL;

  /* Without an answer there is no offer; the creation window asks again and says why. */
  if (!lodge_engine1_call_list_installers_finish (LODGE_ENGINE1 (source), &installers, result,
                                                  NULL) ||
      self->connection == NULL)
    return;

  g_clear_pointer (&self->installers, g_variant_unref);
  self->installers = g_steal_pointer (&installers);
  show_offer (self);
}

static void
client_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeLibraryWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (connection);

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "library.new", client != NULL);
  gtk_widget_set_sensitive (self->offer_button, client != NULL);
  if (client != NULL)
    lodge_engine1_call_list_installers (lodge_client_get_engine (client), NULL, installers_cb,
                                        g_object_ref (self));
}

static gboolean
matches (gpointer item, gpointer user_data)
{
  LodgeLibraryWindow *self = user_data;
  g_autofree char *name = NULL;

  if (self->sought == NULL || *self->sought == '\0')
    return TRUE;

  name = g_utf8_casefold (lodge_machine_item_get_name (item), -1);
  return strstr (name, self->sought) != NULL;
}

static int
compare (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const int by_name = strcmp (lodge_machine_item_get_sort_key ((LodgeMachineItem *) a),
                              lodge_machine_item_get_sort_key ((LodgeMachineItem *) b));

  /* Names are labels and may be the same; the order stays the same too. */
  return by_name != 0 ? by_name
                      : strcmp (lodge_machine_item_get_uuid ((LodgeMachineItem *) a),
                                lodge_machine_item_get_uuid ((LodgeMachineItem *) b));
}

static void
search_changed_cb (GtkSearchEntry *entry, LodgeLibraryWindow *self)
{
  g_free (self->sought);
  self->sought = g_utf8_casefold (gtk_editable_get_text (GTK_EDITABLE (entry)), -1);
  gtk_filter_changed (self->filter, GTK_FILTER_CHANGE_DIFFERENT);
}

/* What was typed is told of a moment later than Enter; and nothing is looked for in no text. */
static void
search_activate_cb (GtkSearchEntry *entry, LodgeLibraryWindow *self)
{
  g_autoptr (LodgeMachineItem) item = NULL;

  search_changed_cb (entry, self);
  item = g_list_model_get_item (G_LIST_MODEL (self->shown), 0);
  if (item != NULL && *self->sought != '\0')
    lodge_library_window_start_and_open (self, lodge_machine_item_get_uuid (item));
}

static void
card_activate_cb (GtkGridView *grid, guint position, LodgeLibraryWindow *self)
{
  g_autoptr (LodgeMachineItem) item = g_list_model_get_item (G_LIST_MODEL (self->shown), position);

  if (item != NULL)
    lodge_library_window_start_and_open (self, lodge_machine_item_get_uuid (item));
}

static void
setup_cb (GtkSignalListItemFactory *factory, GtkListItem *list_item, LodgeLibraryWindow *self)
{
  gtk_list_item_set_child (list_item, lodge_machine_card_new ());
}

static void
bind_cb (GtkSignalListItemFactory *factory, GtkListItem *list_item, LodgeLibraryWindow *self)
{
  LodgeMachineItem *item = gtk_list_item_get_item (list_item);
  GtkWidget *card = gtk_list_item_get_child (list_item);

  lodge_machine_card_set_item (LODGE_MACHINE_CARD (card), item);
  /* What has the keyboard is the cell around the card. */
  gtk_accessible_update_relation (GTK_ACCESSIBLE (gtk_widget_get_parent (card)),
                                  GTK_ACCESSIBLE_RELATION_LABELLED_BY, card, NULL,
                                  GTK_ACCESSIBLE_RELATION_DESCRIBED_BY, card, NULL, -1);
  lodge_thumbnail_loader_want (self->thumbnails, item);
}

static void
unbind_cb (GtkSignalListItemFactory *factory, GtkListItem *list_item, LodgeLibraryWindow *self)
{
  GtkWidget *card = gtk_list_item_get_child (list_item);

  if (self->thumbnails != NULL)
    lodge_thumbnail_loader_let_go (self->thumbnails, gtk_list_item_get_item (list_item));
  if (card != NULL)
    lodge_machine_card_set_item (LODGE_MACHINE_CARD (card), NULL);
}

/* The card that has the keyboard: the focus is its list item, or something inside it. */
static LodgeMachineCard *
get_focused_card (LodgeLibraryWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  GtkWidget *child = focus != NULL ? gtk_widget_get_first_child (focus) : NULL;

  if (child != NULL && LODGE_IS_MACHINE_CARD (child))
    return LODGE_MACHINE_CARD (child);

  return focus != NULL
             ? (LodgeMachineCard *) gtk_widget_get_ancestor (focus, LODGE_TYPE_MACHINE_CARD)
             : NULL;
}

static gboolean
menu_key_cb (GtkWidget *widget, GVariant *args, gpointer user_data)
{
  LodgeMachineCard *card = get_focused_card (LODGE_LIBRARY_WINDOW (widget));

  if (card == NULL)
    return GDK_EVENT_PROPAGATE;

  lodge_machine_card_popup_menu (card);
  return GDK_EVENT_STOP;
}

/* @args: the action's name */
static gboolean
action_key_cb (GtkWidget *widget, GVariant *args, gpointer user_data)
{
  LodgeMachineCard *card = get_focused_card (LODGE_LIBRARY_WINDOW (widget));
  const char *action;

  if (card == NULL || lodge_machine_card_get_item (card) == NULL)
    return GDK_EVENT_PROPAGATE;

  g_variant_get (args, "(&s)", &action);
  gtk_widget_activate_action (widget, action, "s",
                              lodge_machine_item_get_uuid (lodge_machine_card_get_item (card)));
  return GDK_EVENT_STOP;
}

static void
new_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lodge_library_window_create (LODGE_LIBRARY_WINDOW (widget), NULL);
}

static void
search_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeLibraryWindow *self = LODGE_LIBRARY_WINDOW (widget);

  if (g_list_model_get_n_items (G_LIST_MODEL (self->machines)) == 0)
    return;

  gtk_search_bar_set_search_mode (self->search_bar, TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (self->search_entry));
}

static void
retry_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lodge_connection_retry (LODGE_LIBRARY_WINDOW (widget)->connection);
}

static void
created_cb (LodgeCreateWindow *window, const char *uuid, LodgeLibraryWindow *self)
{
  lodge_library_window_start_and_open (self, uuid);
}

/* It may live on in a call while it is closed. */
static void
create_window_closed_cb (GtkWindow *window, LodgeLibraryWindow *self)
{
  if (self->create_window == window)
    g_clear_weak_pointer (&self->create_window);
}

static LodgeCreateWindow *
open_create_window (LodgeLibraryWindow *self)
{
  if (self->create_window == NULL) {
    GtkWidget *window = lodge_create_window_new (self->connection, G_LIST_MODEL (self->machines));

    g_set_weak_pointer (&self->create_window, GTK_WINDOW (window));
    lodge_child_window_attach (GTK_WINDOW (window), GTK_WINDOW (self));
    g_signal_connect_object (window, "created", G_CALLBACK (created_cb), self, 0);
    g_signal_connect_object (window, "unrealize", G_CALLBACK (create_window_closed_cb), self, 0);
  }
  gtk_window_present (self->create_window);
  return LODGE_CREATE_WINDOW (self->create_window);
}

static void
offer_clicked_cb (GtkButton *button, LodgeLibraryWindow *self)
{
  const char *id;

  if (self->installers == NULL || g_variant_n_children (self->installers) == 0)
    return;

  g_variant_get_child (self->installers, 0, "(&s&s&s)", &id, NULL, NULL);
  lodge_create_window_create_installer (open_create_window (self), id);
}

static gboolean
drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, LodgeLibraryWindow *self)
{
  GSList *files = g_value_get_boxed (value);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  gtk_widget_remove_css_class (GTK_WIDGET (self->toasts), "drop-target");
  if (files == NULL || lodge_connection_get_client (self->connection) == NULL)
    return FALSE;

  path = lodge_file_choice_dup_path (files->data, &error);
  if (path == NULL) {
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Use the Image"), error);
    return FALSE;
  }

  lodge_library_window_create (self, path);
  return TRUE;
}

static GdkDragAction
drag_enter_cb (GtkDropTarget *target, double x, double y, LodgeLibraryWindow *self)
{
  gtk_widget_add_css_class (GTK_WIDGET (self->toasts), "drop-target");
  return GDK_ACTION_COPY;
}

static void
drag_leave_cb (GtkDropTarget *target, LodgeLibraryWindow *self)
{
  gtk_widget_remove_css_class (GTK_WIDGET (self->toasts), "drop-target");
}

static void
add_drop_target (LodgeLibraryWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  g_signal_connect (target, "enter", G_CALLBACK (drag_enter_cb), self);
  g_signal_connect (target, "leave", G_CALLBACK (drag_leave_cb), self);
  g_signal_connect (target, "drop", G_CALLBACK (drop_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

static void
lodge_library_window_dispose (GObject *object)
{
  LodgeLibraryWindow *self = LODGE_LIBRARY_WINDOW (object);

  g_clear_handle_id (&self->loading_timer, g_source_remove);
  g_clear_weak_pointer (&self->create_window);
  if (self->grid != NULL)
    gtk_grid_view_set_model (self->grid, NULL);
  if (self->shown != NULL)
    g_signal_handlers_disconnect_by_data (self->shown, self);
  g_clear_object (&self->shown);
  g_clear_object (&self->filter);
  g_clear_object (&self->thumbnails);
  g_clear_object (&self->machines);
  g_clear_object (&self->connection);
  g_clear_object (&self->launcher);
  g_clear_pointer (&self->installers, g_variant_unref);
  g_clear_pointer (&self->sought, g_free);

  G_OBJECT_CLASS (lodge_library_window_parent_class)->dispose (object);
}

static void
lodge_library_window_finalize (GObject *object)
{
  LodgeLibraryWindow *self = LODGE_LIBRARY_WINDOW (object);

  g_hash_table_unref (self->starting);

  G_OBJECT_CLASS (lodge_library_window_parent_class)->finalize (object);
}

static void
add_keys (GtkWidgetClass *widget_class)
{
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_n, GDK_CONTROL_MASK, "library.new",
                                       NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_f, GDK_CONTROL_MASK, "library.search",
                                       NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Menu, 0, menu_key_cb, NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_F10, GDK_SHIFT_MASK, menu_key_cb, NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Delete, 0, action_key_cb, "(s)",
                                "machine.delete");
  gtk_widget_class_add_binding (widget_class, GDK_KEY_F2, 0, action_key_cb, "(s)",
                                "machine.rename");
}

static void
lodge_library_window_class_init (LodgeLibraryWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = lodge_library_window_dispose;
  object_class->finalize = lodge_library_window_finalize;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-library-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, banner);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, banner_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, search_bar);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, search_entry);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, search_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, menu_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, loading_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, problem_page);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, offer_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, offer_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, grid);
  gtk_widget_class_bind_template_child (widget_class, LodgeLibraryWindow, toasts);
  gtk_widget_class_bind_template_callback (widget_class, search_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, search_activate_cb);
  gtk_widget_class_bind_template_callback (widget_class, card_activate_cb);
  gtk_widget_class_bind_template_callback (widget_class, offer_clicked_cb);

  gtk_widget_class_install_action (widget_class, "library.new", NULL, new_action);
  gtk_widget_class_install_action (widget_class, "library.search", NULL, search_action);
  gtk_widget_class_install_action (widget_class, "library.retry", NULL, retry_action);
  lodge_library_actions_init (widget_class);
  add_keys (widget_class);
}

static void
lodge_library_window_init (LodgeLibraryWindow *self)
{
  self->starting = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gtk_widget_init_template (GTK_WIDGET (self));
  lodge_menu_tooltip_yield (self->menu_button);
  /* The entry is inside a clamp, where the bar does not find it. */
  gtk_search_bar_connect_entry (self->search_bar, GTK_EDITABLE (self->search_entry));
  lodge_settings_keep_size (GTK_WINDOW (self), "library");
  self->loading_timer = g_timeout_add (QUIET_MS, loading_cb, self);
  add_drop_target (self);
}

static void
show_machines (LodgeLibraryWindow *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkFilterListModel *filtered;
  GtkSortListModel *sorted;

  g_signal_connect_object (factory, "setup", G_CALLBACK (setup_cb), self, 0);
  g_signal_connect_object (factory, "bind", G_CALLBACK (bind_cb), self, 0);
  g_signal_connect_object (factory, "unbind", G_CALLBACK (unbind_cb), self, 0);

  self->filter = GTK_FILTER (gtk_custom_filter_new (matches, self, NULL));
  filtered = gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (self->machines)),
                                        g_object_ref (self->filter));
  sorted = gtk_sort_list_model_new (G_LIST_MODEL (filtered),
                                    GTK_SORTER (gtk_custom_sorter_new (compare, NULL, NULL)));
  self->shown = GTK_SELECTION_MODEL (gtk_single_selection_new (G_LIST_MODEL (sorted)));
  gtk_grid_view_set_factory (self->grid, factory);
  gtk_grid_view_set_model (self->grid, self->shown);
  g_object_unref (factory);
}

static void
console_failed_cb (LodgeConsoleLauncher *launcher, const char *uuid, LodgeLibraryWindow *self)
{
  LodgeMachineItem *item = lodge_machine_list_find (self->machines, uuid);
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;

  if (item == NULL)
    return;
  /* A toast's title is markup. */
  name = g_markup_escape_text (lodge_machine_item_get_name (item), -1);
  text =
      g_strdup_printf (_ ("The window of “%s” crashed too often and stays closed. The machine was "
                          "not affected."),
                       name);
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (text));
}

GtkWidget *
lodge_library_window_new (GtkApplication *application,
                          LodgeConnection *connection,
                          LodgeMachineList *machines,
                          LodgeConsoleLauncher *launcher)
{
  LodgeLibraryWindow *self =
      g_object_new (LODGE_TYPE_LIBRARY_WINDOW, "application", application, NULL);

  self->connection = g_object_ref (connection);
  self->machines = g_object_ref (machines);
  self->launcher = g_object_ref (launcher);
  g_signal_connect_object (launcher, "failed", G_CALLBACK (console_failed_cb), self, 0);
  self->thumbnails = lodge_thumbnail_loader_new (connection);
  show_machines (self);

  g_signal_connect_object (self->shown, "items-changed", G_CALLBACK (update_page), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (machines, "notify", G_CALLBACK (update_page), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (connection, "notify::problem", G_CALLBACK (update_page), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (connection, "notify::client", G_CALLBACK (client_cb), self, 0);
  client_cb (connection, NULL, self);
  update_page (self);
  return GTK_WIDGET (self);
}

void
lodge_library_window_create (LodgeLibraryWindow *self, const char *media)
{
  LodgeCreateWindow *window;

  g_return_if_fail (LODGE_IS_LIBRARY_WINDOW (self));

  window = open_create_window (self);
  if (media != NULL)
    lodge_create_window_set_media (window, media);
}
