/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshots of one machine. */
#include "gtk/lodge-snapshots-window-private.h"

#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-window-parts.h"

#include <glib/gi18n-lib.h>

#define WIDTH     680
#define HEIGHT    640
#define MIN_WIDTH 400

G_DEFINE_FINAL_TYPE (LodgeSnapshotsWindow, lodge_snapshots_window, LODGE_TYPE_MACHINE_WINDOW)

/* --- What can be done --- */

gboolean
lodge_snapshots_window_is_live (LodgeSnapshotsWindow *self)
{
  LodgeMachineState state = LODGE_MACHINE_STATE_UNKNOWN;

  if (self->base.machine != NULL)
    state = lodge_machine_state_from_text (lodge_machine1_get_state (self->base.machine));
  return state == LODGE_MACHINE_STATE_RUNNING || state == LODGE_MACHINE_STATE_PAUSED;
}

char *
lodge_snapshots_window_dup_obstacle (LodgeSnapshotsWindow *self)
{
  LodgeMachineState state;

  if (self->base.machine == NULL)
    return g_strdup (lodge_connection_get_problem (self->base.connection));
  state = lodge_machine_state_from_text (lodge_machine1_get_state (self->base.machine));
  if ((lodge_machine_state_get_can (state) & LODGE_MACHINE_CAN_GO_BACK) != 0)
    return NULL;
  switch (state) {
  case LODGE_MACHINE_STATE_SUSPENDED:
    return g_strdup_printf (_ ("“%s” can go back to a snapshot once it is off: resume it and shut "
                               "it down first, or discard its saved state"),
                            self->base.name);
  default:
    return g_strdup_printf (_ ("“%s” can go back to a snapshot once it is off; now it is: %s"),
                            self->base.name, lodge_machine_state_get_word (state));
  }
}

static void
show_page (LodgeSnapshotsWindow *self)
{
  const char *page = self->rows == NULL ? "loading" : self->rows->len == 0 ? "empty" : "list";

  /* A problem stays until the machine is found again. */
  if (self->rows != NULL || g_strcmp0 (gtk_stack_get_visible_child_name (self->pages), "problem"))
    gtk_stack_set_visible_child_name (self->pages, page);
  /* The page without any has a button of its own. */
  gtk_widget_set_visible (self->take_button, self->rows != NULL && self->rows->len > 0);
}

/* What had the keyboard may have gone, or been switched off, or was a menu that is closed. */
static void
keep_focus (LodgeSnapshotsWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));

  if (self->base.connection == NULL ||
      (focus != NULL && gtk_widget_get_mapped (focus) && gtk_widget_is_sensitive (focus)))
    return;
  if (g_strcmp0 (gtk_stack_get_visible_child_name (self->pages), "list") == 0)
    lodge_snapshots_list_focus (self);
  else
    gtk_widget_child_focus (gtk_stack_get_visible_child (self->pages), GTK_DIR_TAB_FORWARD);
}

void
lodge_snapshots_window_update (LodgeSnapshotsWindow *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  g_autofree char *obstacle = lodge_snapshots_window_dup_obstacle (self);
  const char *words = self->check_words;
  g_autofree char *hint = words == NULL      ? g_strdup (obstacle)
                          : obstacle == NULL ? g_strdup (words)
                                             : g_strjoin ("\n\n", words, obstacle, NULL);
  const gboolean free_now = self->base.machine != NULL && self->rows != NULL && self->work == NULL;
  const gboolean can_take = free_now && lodge_snapshots_check_allows (self);

  /* While that is looked into one can be asked for: what asks waits for the answer as well, and who
   * has the keyboard on the button keeps it. */
  gtk_widget_action_set_enabled (
      widget, "snapshots.take",
      can_take || (free_now && self->check == LODGE_SNAPSHOTS_CHECK_ASKED && !self->blocked));
  /* What a guest that runs is now becomes a snapshot first. */
  gtk_widget_action_set_enabled (widget, "snapshots.go-back",
                                 free_now && obstacle == NULL &&
                                     (can_take || !lodge_snapshots_window_is_live (self)));
  gtk_widget_action_set_enabled (widget, "snapshots.describe", free_now);
  gtk_widget_action_set_enabled (widget, "snapshots.delete", free_now);
  gtk_label_set_text (self->hint_label, hint != NULL ? hint : "");
  gtk_widget_set_visible (self->hint, hint != NULL);
  lodge_snapshots_schedule_update (self);
  show_page (self);
  lodge_snapshots_ask_update (self);
  keep_focus (self);
}

/* --- The list --- */

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeSnapshotsWindow) self = user_data;
  g_autoptr (GVariant) snapshots = NULL;
  g_autoptr (GError) error = NULL;
  guint left_out;

  lodge_machine1_call_list_snapshots_finish (LODGE_MACHINE1 (source), &snapshots, result, &error);
  /* Asked again since, or closed. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->base.connection == NULL)
    return;
  g_clear_object (&self->listing);
  if (error != NULL) {
    /* Where the engine went away the connection says so. */
    if (g_dbus_connection_is_closed (g_dbus_proxy_get_connection (G_DBUS_PROXY (source))))
      return;
    g_dbus_error_strip_remote_error (error);
    lodge_set_keys_show_error (GTK_WINDOW (self), _ ("Could Not List the Snapshots"), error);
    return;
  }

  g_clear_pointer (&self->rows, g_ptr_array_unref);
  self->rows = lodge_snapshot_tree_layout (snapshots, &left_out);
  lodge_snapshots_list_show (self, left_out);
}

void
lodge_snapshots_window_reload (LodgeSnapshotsWindow *self)
{
  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  if (self->base.machine == NULL)
    return;
  self->listing = g_cancellable_new ();
  lodge_machine1_call_list_snapshots (self->base.machine, self->listing, listed_cb,
                                      g_object_ref (self));
}

/* --- The engine --- */

static char *
dup_title (const char *name)
{
  return g_strdup_printf (_ ("Snapshots of “%s”"), name);
}

static void
changed (LodgeMachineWindow *base, GVariant *properties)
{
  LodgeSnapshotsWindow *self = LODGE_SNAPSHOTS_WINDOW (base);

  g_autoptr (GVariant) serial = g_variant_lookup_value (properties, "SnapshotSerial", NULL);
  g_autoptr (GVariant) state = g_variant_lookup_value (properties, "State", NULL);
  g_autoptr (GVariant) description = g_variant_lookup_value (properties, "Description", NULL);

  if (serial != NULL || state != NULL || description != NULL ||
      self->check == LODGE_SNAPSHOTS_CHECK_FAILED)
    lodge_snapshots_check_begin (self);
  lodge_snapshots_window_update (self);
  if (serial != NULL)
    lodge_snapshots_window_reload (self);
}

static void
dropped (LodgeMachineWindow *base)
{
  LodgeSnapshotsWindow *self = LODGE_SNAPSHOTS_WINDOW (base);

  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  lodge_snapshots_check_clear (self);
}

static void
opened (LodgeMachineWindow *base)
{
  LodgeSnapshotsWindow *self = LODGE_SNAPSHOTS_WINDOW (base);

  lodge_snapshots_check_begin (self);
  lodge_snapshots_window_update (self);
  lodge_snapshots_window_reload (self);
}

static void
failed (LodgeMachineWindow *base, const GError *error)
{
  LodgeSnapshotsWindow *self = LODGE_SNAPSHOTS_WINDOW (base);

  /* A status page takes its description for markup. */
  g_autofree char *escaped = g_markup_escape_text (error->message, -1);

  adw_status_page_set_description (self->problem_page, escaped);
  gtk_stack_set_visible_child_name (self->pages, "problem");
}

static void
begun (LodgeMachineWindow *base)
{
  LodgeSnapshotsWindow *self = LODGE_SNAPSHOTS_WINDOW (base);

  g_signal_connect_swapped (base->engine, "job-added", G_CALLBACK (lodge_snapshots_work_find),
                            self);
  lodge_snapshots_work_find (self);
}

static void
update (LodgeMachineWindow *base)
{
  lodge_snapshots_window_update (LODGE_SNAPSHOTS_WINDOW (base));
}

/* --- Life --- */

static void
take_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  lodge_snapshots_ask_take (LODGE_SNAPSHOTS_WINDOW (widget));
}

static void
row_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeSnapshotsWindow *self = LODGE_SNAPSHOTS_WINDOW (widget);
  const char *id = g_variant_get_string (parameter, NULL);

  if (g_str_equal (name, "snapshots.go-back"))
    lodge_snapshots_ask_go_back (self, id);
  else if (g_str_equal (name, "snapshots.describe"))
    lodge_snapshots_ask_describe (self, id);
  else
    lodge_snapshots_ask_delete (self, id);
}

static void
closed (LodgeMachineWindow *base)
{
  LodgeSnapshotsWindow *self = LODGE_SNAPSHOTS_WINDOW (base);

  g_clear_weak_pointer (&self->question);
  lodge_snapshots_work_clear (self);
  lodge_snapshots_list_clear (self);
}

static void
lodge_snapshots_window_finalize (GObject *object)
{
  LodgeSnapshotsWindow *self = LODGE_SNAPSHOTS_WINDOW (object);

  g_clear_pointer (&self->rows, g_ptr_array_unref);
  lodge_snapshots_list_finalize (self);
  lodge_snapshots_schedule_finalize (self);
  G_OBJECT_CLASS (lodge_snapshots_window_parent_class)->finalize (object);
}

static void
lodge_snapshots_window_class_init (LodgeSnapshotsWindowClass *klass)
{
  static const char *const row_actions[] = {"snapshots.go-back", "snapshots.describe",
                                            "snapshots.delete"};
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  LodgeMachineWindowClass *window_class = LODGE_MACHINE_WINDOW_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = lodge_snapshots_window_finalize;
  gtk_widget_class_install_action (widget_class, "snapshots.take", NULL, take_action);
  for (guint i = 0; i < G_N_ELEMENTS (row_actions); i++)
    gtk_widget_class_install_action (widget_class, row_actions[i], "s", row_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_n, GDK_CONTROL_MASK, "snapshots.take",
                                       NULL);
  lodge_snapshots_list_class_init (widget_class);
  window_class->dup_title = dup_title;
  window_class->update = update;
  window_class->begun = begun;
  window_class->opened = opened;
  window_class->failed = failed;
  window_class->changed = changed;
  window_class->dropped = dropped;
  window_class->closed = closed;
}

static GtkWidget *
make_empty (void)
{
  GtkWidget *page = adw_status_page_new ();
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("_Take Snapshot…"));

  adw_status_page_set_icon_name (ADW_STATUS_PAGE (page), "document-open-recent-symbolic");
  adw_status_page_set_title (ADW_STATUS_PAGE (page), _ ("No Snapshots Yet"));
  adw_status_page_set_description (
      ADW_STATUS_PAGE (page),
      _ ("A snapshot keeps the machine as it is, so that you can go back to that at any time."));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "snapshots.take");
  gtk_widget_set_halign (button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (button, "pill");
  gtk_widget_add_css_class (button, "suggested-action");
  adw_status_page_set_child (ADW_STATUS_PAGE (page), button);
  return page;
}

static GtkWidget *
make_pages (LodgeSnapshotsWindow *self)
{
  GtkWidget *list_page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *loading = gtk_label_new (_ ("Looking for the snapshots"));
  GtkWidget *problem = adw_status_page_new ();

  gtk_widget_add_css_class (loading, "dim-label");
  self->more_label = GTK_LABEL (gtk_label_new (NULL));
  gtk_widget_add_css_class (GTK_WIDGET (self->more_label), "snapshots-hint");
  gtk_box_append (GTK_BOX (list_page), lodge_snapshots_list_init (self));
  gtk_box_append (GTK_BOX (list_page), GTK_WIDGET (self->more_label));
  adw_status_page_set_icon_name (ADW_STATUS_PAGE (problem), "dialog-warning-symbolic");
  adw_status_page_set_title (ADW_STATUS_PAGE (problem), _ ("Could Not Find the Machine"));
  self->problem_page = ADW_STATUS_PAGE (problem);

  self->pages = GTK_STACK (gtk_stack_new ());
  gtk_stack_add_named (self->pages, loading, "loading");
  gtk_stack_add_named (self->pages, make_empty (), "empty");
  gtk_stack_add_named (self->pages, list_page, "list");
  gtk_stack_add_named (self->pages, problem, "problem");
  gtk_widget_set_vexpand (GTK_WIDGET (self->pages), TRUE);
  return GTK_WIDGET (self->pages);
}

static void
lodge_snapshots_window_init (LodgeSnapshotsWindow *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *header = adw_header_bar_new ();

  gtk_window_set_default_size (GTK_WINDOW (self), WIDTH, HEIGHT);
  gtk_widget_set_size_request (GTK_WIDGET (self), MIN_WIDTH, -1);

  self->take_button = gtk_button_new_with_mnemonic (_ ("_Take Snapshot…"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->take_button), "snapshots.take");
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), self->take_button);
  gtk_box_append (GTK_BOX (box), header);
  self->hint = lodge_hint_new (&self->hint_label);
  gtk_box_append (GTK_BOX (box), self->hint);
  gtk_box_append (GTK_BOX (box), make_pages (self));
  self->work_panel = LODGE_WORK_PANEL (lodge_work_panel_new ());
  gtk_box_append (GTK_BOX (box), lodge_snapshots_schedule_init (self));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->work_panel));
  adw_window_set_content (ADW_WINDOW (self), box);
  /* After a dialog. */
  g_signal_connect (self, "notify::is-active", G_CALLBACK (keep_focus), NULL);
}
