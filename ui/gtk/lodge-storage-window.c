/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What one machine stores on. */
#include "gtk/lodge-storage-window-private.h"

#include "console/lodge-machine-state.h"
#include "gtk/lodge-disc.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-window-parts.h"

#include <glib/gi18n-lib.h>

#define WIDTH     560
#define HEIGHT    600
#define MIN_WIDTH 400

G_DEFINE_FINAL_TYPE (LodgeStorageWindow, lodge_storage_window, LODGE_TYPE_MACHINE_WINDOW)

GVariant *
lodge_storage_window_find_disk (LodgeStorageWindow *self, const char *id)
{
  for (gsize i = 0; self->disks != NULL && i < g_variant_n_children (self->disks); i++) {
    g_autoptr (GVariant) disk = g_variant_get_child_value (self->disks, i);
    const char *one = "";

    g_variant_lookup (disk, "id", "&s", &one);
    if (g_str_equal (one, id))
      return g_steal_pointer (&disk);
  }
  return NULL;
}

gboolean
lodge_storage_is_attached (GVariant *disk)
{
  gboolean attached = TRUE;

  g_variant_lookup (disk, "attached", "b", &attached);
  return attached;
}

/* --- What can be done --- */

/* Why a disk can only be grown now, or not even that; NULL when nothing is in the way. */
static char *
dup_obstacle (LodgeStorageWindow *self, LodgeMachineCan can, LodgeMachineState state)
{
  if (self->base.machine == NULL)
    return g_strdup (lodge_connection_get_problem (self->base.connection));
  if ((can & LODGE_MACHINE_CAN_CHANGE_DISKS) != 0)
    return NULL;
  switch (state) {
  case LODGE_MACHINE_STATE_RUNNING:
  case LODGE_MACHINE_STATE_PAUSED:
    if ((can & LODGE_MACHINE_CAN_GROW_DISKS) == 0)
      return g_strdup_printf (
          _ ("Nothing of this run of “%s” is kept: its disks can be changed once "
             "it is off"),
          self->base.name);
    return g_strdup_printf (
        _ ("Disks of “%s” can be added, attached, detached, removed and grown now, discs changed, "
           "and USB sticks plugged in and out. For all else shut it down first"),
        self->base.name);
  case LODGE_MACHINE_STATE_SUSPENDED:
    return g_strdup_printf (_ ("Disks of “%s” can be changed once it is off: resume it and shut it "
                               "down first, or discard its saved state"),
                            self->base.name);
  case LODGE_MACHINE_STATE_TEMPLATE:
    return g_strdup_printf (_ ("“%s” is a template: make it an ordinary machine again before its "
                               "disks are changed"),
                            self->base.name);
  default:
    return g_strdup_printf (_ ("Disks of “%s” can be changed only while it is off; now it is: %s"),
                            self->base.name, lodge_machine_state_get_word (state));
  }
}

static void
show_page (LodgeStorageWindow *self)
{
  const char *page = self->disks == NULL ? "loading" : "list";

  /* A problem stays until the machine is found again. */
  if (self->disks != NULL || g_strcmp0 (gtk_stack_get_visible_child_name (self->pages), "problem"))
    gtk_stack_set_visible_child_name (self->pages, page);
}

/* What had the keyboard may have gone, or been switched off, or was a menu that is closed. */
static void
keep_focus (LodgeStorageWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));

  if (!lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)) ||
      (focus != NULL && gtk_widget_get_mapped (focus) && gtk_widget_is_sensitive (focus)))
    return;
  if (self->disks != NULL)
    lodge_storage_list_focus (self);
}

void
lodge_storage_window_update (LodgeStorageWindow *self)
{
  static const char *const off_only[] = {"storage.compact", "storage.export"};
  static const char *const pluggings[] = {"storage.add", "storage.add-host", "storage.remove",
                                          "storage.detach", "storage.attach"};
  static const char *const sticks[] = {"storage.plug", "storage.unplug"};
  GtkWidget *widget = GTK_WIDGET (self);
  const LodgeMachineState state =
      self->base.machine != NULL
          ? lodge_machine_state_from_text (lodge_machine1_get_state (self->base.machine))
          : LODGE_MACHINE_STATE_UNKNOWN;
  /* Nothing of a run that is forgotten can be grown. */
  const LodgeMachineCan can =
      lodge_machine_state_get_can (state) &
      (self->base.machine != NULL && lodge_machine1_get_disposable (self->base.machine)
           ? ~(LodgeMachineCan) (LODGE_MACHINE_CAN_GROW_DISKS | LODGE_MACHINE_CAN_PLUG_DISKS)
           : ~(LodgeMachineCan) 0);
  const gboolean free_now =
      self->base.machine != NULL && self->disks != NULL && !self->calling && self->work == NULL;
  g_autofree char *obstacle = dup_obstacle (self, can, state);

  lodge_storage_list_note_focus (self);
  for (guint i = 0; i < G_N_ELEMENTS (off_only); i++)
    gtk_widget_action_set_enabled (widget, off_only[i],
                                   free_now && (can & LODGE_MACHINE_CAN_CHANGE_DISKS) != 0);
  for (guint i = 0; i < G_N_ELEMENTS (pluggings); i++)
    gtk_widget_action_set_enabled (
        widget, pluggings[i],
        free_now && (can & (LODGE_MACHINE_CAN_CHANGE_DISKS | LODGE_MACHINE_CAN_PLUG_DISKS)) != 0);
  gtk_widget_action_set_enabled (widget, "storage.grow",
                                 free_now && (can & LODGE_MACHINE_CAN_GROW_DISKS) != 0);
  gtk_widget_action_set_enabled (widget, "storage.insert",
                                 free_now && (can & LODGE_MACHINE_CAN_CHANGE_MEDIA) != 0);
  gtk_widget_action_set_enabled (widget, "storage.eject",
                                 free_now && (can & LODGE_MACHINE_CAN_CHANGE_MEDIA) != 0);
  for (guint i = 0; i < G_N_ELEMENTS (sticks); i++)
    gtk_widget_action_set_enabled (widget, sticks[i],
                                   free_now && (can & LODGE_MACHINE_CAN_CHANGE_MEDIA) != 0 &&
                                       state != LODGE_MACHINE_STATE_STOPPING);
  gtk_label_set_text (self->hint_label, obstacle != NULL ? obstacle : "");
  gtk_widget_set_visible (self->hint, obstacle != NULL);
  show_page (self);
  keep_focus (self);
  lodge_storage_ask_update (self);
}

/* --- The list --- */

/* Instead of a list. @again: whether the button can help */
static void
show_problem (LodgeStorageWindow *self, const char *title, const GError *error, gboolean again)
{
  /* A status page takes its description for markup. */
  g_autofree char *escaped = g_markup_escape_text (error->message, -1);

  adw_status_page_set_title (self->problem_page, title);
  adw_status_page_set_description (self->problem_page, escaped);
  gtk_widget_set_visible (self->again_button, again);
  gtk_stack_set_visible_child_name (self->pages, "problem");
  if (again)
    gtk_widget_grab_focus (self->again_button);
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeStorageWindow) self = user_data;
  g_autoptr (GVariant) disks = NULL;
  g_autoptr (GError) error = NULL;
  const gboolean first = self->disks == NULL;

  lodge_machine1_call_list_disks_finish (LODGE_MACHINE1 (source), &disks, result, &error);
  /* Asked again since, or closed. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
      !lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (self)))
    return;
  g_clear_object (&self->listing);
  if (error != NULL) {
    /* Where the engine went away the connection says so. */
    if (g_dbus_connection_is_closed (g_dbus_proxy_get_connection (G_DBUS_PROXY (source))))
      return;
    g_dbus_error_strip_remote_error (error);
    if (first)
      show_problem (self, _ ("Could Not List the Disks"), error, TRUE);
    else
      lodge_set_keys_show_error (GTK_WINDOW (self), _ ("Could Not List the Disks"), error);
    return;
  }
  g_clear_pointer (&self->disks, g_variant_unref);
  self->disks = g_steal_pointer (&disks);
  lodge_storage_list_show_disks (self);
  lodge_storage_window_update (self);
  if (first)
    lodge_storage_list_focus (self);
}

void
lodge_storage_window_reload (LodgeStorageWindow *self)
{
  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  if (self->base.machine == NULL)
    return;
  self->listing = g_cancellable_new ();
  lodge_machine1_call_list_disks (self->base.machine, self->listing, listed_cb,
                                  g_object_ref (self));
}

/* --- The engine --- */

static char *
dup_title (const char *name)
{
  return g_strdup_printf (_ ("Storage of “%s”"), name);
}

static void
show_changes (LodgeStorageWindow *self)
{
  lodge_storage_list_show_drives (self);
  lodge_storage_window_update (self);
}

static void
changed (LodgeMachineWindow *base, GVariant *properties)
{
  static const char *const telling[] = {"Description", "State", "SnapshotSerial"};
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (base);
  gboolean reload = FALSE;

  show_changes (self);
  for (guint i = 0; i < G_N_ELEMENTS (telling); i++) {
    g_autoptr (GVariant) value = g_variant_lookup_value (properties, telling[i], NULL);

    reload = reload || value != NULL;
  }
  if (reload)
    lodge_storage_window_reload (self);
}

static void
dropped (LodgeMachineWindow *base)
{
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (base);

  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  self->calling = FALSE;
}

static void
opened (LodgeMachineWindow *base)
{
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (base);

  show_changes (self);
  lodge_storage_window_reload (self);
}

static void
failed (LodgeMachineWindow *base, const GError *error)
{
  show_problem (LODGE_STORAGE_WINDOW (base), _ ("Could Not Find the Machine"), error, FALSE);
}

static void
begun (LodgeMachineWindow *base)
{
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (base);

  g_signal_connect_swapped (base->engine, "job-added", G_CALLBACK (lodge_storage_work_find), self);
  lodge_storage_work_find (self);
}

static void
update (LodgeMachineWindow *base)
{
  lodge_storage_window_update (LODGE_STORAGE_WINDOW (base));
}

/* --- Life --- */

static void
add_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  if (g_str_equal (name, "storage.add"))
    lodge_storage_ask_add (LODGE_STORAGE_WINDOW (widget));
  else
    lodge_storage_ask_add_host (LODGE_STORAGE_WINDOW (widget));
}

static void
stick_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (widget);

  if (parameter == NULL)
    lodge_storage_sticks_plug (self);
  else
    lodge_storage_sticks_unplug (self, g_variant_get_string (parameter, NULL));
}

typedef struct {
  LodgeStorageWindow *window; /* not owned: the chooser goes first */
  char *drive;
} Insert;

static void
insert_free (gpointer data)
{
  Insert *insert = data;

  g_free (insert->drive);
  g_free (insert);
}

static void
disc_chosen (const char *path, const GError *error, gpointer user_data)
{
  const Insert *insert = user_data;

  if (path != NULL)
    lodge_storage_work_change_drive (insert->window, insert->drive, path, FALSE);
  else
    lodge_set_keys_show_error (GTK_WINDOW (insert->window), _ ("Could Not Insert the Disc"), error);
}

static void
drive_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (widget);
  Insert *insert;

  if (g_str_equal (name, "storage.eject")) {
    lodge_storage_work_change_drive (self, g_variant_get_string (parameter, NULL), NULL, FALSE);
    return;
  }
  insert = g_new0 (Insert, 1);
  insert->window = self;
  insert->drive = g_variant_dup_string (parameter, NULL);
  lodge_disc_choose (&self->chooser, GTK_WINDOW (self), disc_chosen, insert, insert_free);
}

static void
disk_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (widget);
  const char *id = g_variant_get_string (parameter, NULL);

  if (g_str_equal (name, "storage.grow"))
    lodge_storage_ask_grow (self, id);
  else if (g_str_equal (name, "storage.export"))
    lodge_storage_ask_export (self, id);
  else if (g_str_equal (name, "storage.remove"))
    lodge_storage_ask_remove (self, id);
  else if (g_str_equal (name, "storage.detach"))
    lodge_storage_ask_detach (self, id);
  else if (g_str_equal (name, "storage.attach"))
    lodge_storage_work_call (self, "AttachDisk", g_variant_new ("(s)", id),
                             g_strdup_printf (_ ("Could Not Attach %s"), id));
  else
    lodge_storage_work_call (self, "CompactDisk", g_variant_new ("(s)", id),
                             g_strdup_printf (_ ("Could Not Compact %s"), id));
}

static void
closed (LodgeMachineWindow *base)
{
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (base);

  lodge_file_choice_end (&self->chooser);
  lodge_work_panel_end (self->work_panel);
}

static void
lodge_storage_window_dispose (GObject *object)
{
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (object);

  g_clear_object (&self->work);
  G_OBJECT_CLASS (lodge_storage_window_parent_class)->dispose (object);
}

static void
lodge_storage_window_finalize (GObject *object)
{
  LodgeStorageWindow *self = LODGE_STORAGE_WINDOW (object);

  g_free (self->drives);
  g_free (self->focus);
  g_free (self->wanted);
  g_clear_pointer (&self->disks, g_variant_unref);
  G_OBJECT_CLASS (lodge_storage_window_parent_class)->finalize (object);
}

static void
lodge_storage_window_class_init (LodgeStorageWindowClass *klass)
{
  static const char *const disk_actions[] = {"storage.grow",   "storage.compact", "storage.export",
                                             "storage.remove", "storage.detach",  "storage.attach"};
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  LodgeMachineWindowClass *window_class = LODGE_MACHINE_WINDOW_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_storage_window_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_storage_window_finalize;
  gtk_widget_class_install_action (widget_class, "storage.add", NULL, add_action);
  gtk_widget_class_install_action (widget_class, "storage.add-host", NULL, add_action);
  for (guint i = 0; i < G_N_ELEMENTS (disk_actions); i++)
    gtk_widget_class_install_action (widget_class, disk_actions[i], "s", disk_action);
  gtk_widget_class_install_action (widget_class, "storage.insert", "s", drive_action);
  gtk_widget_class_install_action (widget_class, "storage.eject", "s", drive_action);
  gtk_widget_class_install_action (widget_class, "storage.plug", NULL, stick_action);
  gtk_widget_class_install_action (widget_class, "storage.unplug", "s", stick_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_n, GDK_CONTROL_MASK, "storage.add",
                                       NULL);
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
make_pages (LodgeStorageWindow *self)
{
  GtkWidget *scroller = gtk_scrolled_window_new ();
  GtkWidget *clamp = adw_clamp_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 24);
  GtkWidget *loading = gtk_label_new (_ ("Looking for the disks"));
  GtkWidget *problem = adw_status_page_new ();

  gtk_widget_set_margin_top (box, 18);
  gtk_widget_set_margin_bottom (box, 18);
  gtk_widget_set_margin_start (box, 18);
  gtk_widget_set_margin_end (box, 18);
  lodge_storage_list_init (self, GTK_BOX (box));
  adw_clamp_set_child (ADW_CLAMP (clamp), box);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scroller), clamp);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_widget_add_css_class (loading, "dim-label");
  adw_status_page_set_icon_name (ADW_STATUS_PAGE (problem), "dialog-warning-symbolic");
  self->again_button = gtk_button_new_with_mnemonic (_ ("_Try Again"));
  gtk_widget_set_halign (self->again_button, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (self->again_button, "pill");
  g_signal_connect_swapped (self->again_button, "clicked", G_CALLBACK (lodge_storage_window_reload),
                            self);
  adw_status_page_set_child (ADW_STATUS_PAGE (problem), self->again_button);
  self->problem_page = ADW_STATUS_PAGE (problem);

  self->pages = GTK_STACK (gtk_stack_new ());
  gtk_stack_add_named (self->pages, loading, "loading");
  gtk_stack_add_named (self->pages, scroller, "list");
  gtk_stack_add_named (self->pages, problem, "problem");
  gtk_widget_set_vexpand (GTK_WIDGET (self->pages), TRUE);
  return GTK_WIDGET (self->pages);
}

static void
lodge_storage_window_init (LodgeStorageWindow *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *header = adw_header_bar_new ();
  GtkWidget *toasts = adw_toast_overlay_new ();

  gtk_window_set_default_size (GTK_WINDOW (self), WIDTH, HEIGHT);
  gtk_widget_set_size_request (GTK_WIDGET (self), MIN_WIDTH, -1);

  self->add_button = gtk_button_new_with_mnemonic (_ ("_Add Disk…"));
  gtk_actionable_set_action_name (GTK_ACTIONABLE (self->add_button), "storage.add");
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), self->add_button);
  self->work_panel = LODGE_WORK_PANEL (lodge_work_panel_new ());
  gtk_box_append (GTK_BOX (box), header);
  self->hint = lodge_hint_new (&self->hint_label);
  gtk_box_append (GTK_BOX (box), self->hint);
  gtk_box_append (GTK_BOX (box), make_pages (self));
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (self->work_panel));
  adw_toast_overlay_set_child (ADW_TOAST_OVERLAY (toasts), box);
  adw_window_set_content (ADW_WINDOW (self), toasts);
  /* After a dialog. */
  g_signal_connect (self, "notify::is-active", G_CALLBACK (keep_focus), NULL);
}
