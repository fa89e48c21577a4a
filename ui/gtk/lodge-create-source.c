/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a new machine is made from: an installer that is here, or a file; and what is found on it.
 */
#include "gtk/lodge-create-window-private.h"

#include "gtk/lodge-file-choice.h"
#include "gtk/lodge-machine-name.h"

#include <glib/gi18n-lib.h>

typedef struct {
  char *id;
  char *title;
  GtkCheckButton *check;
} Installer;

static const char *const image_suffixes[] = {"iso", "img", "raw",  "qcow2", "qed",
                                             "vdi", "vhd", "vhdx", "vmdk",  NULL};

static void
installer_free (Installer *installer)
{
  g_free (installer->id);
  g_free (installer->title);
  g_free (installer);
}

static Installer *
get_installer (LodgeCreateWindow *self)
{
  for (guint i = 0; i < self->installers->len; i++) {
    Installer *installer = g_ptr_array_index (self->installers, i);
    if (gtk_check_button_get_active (installer->check))
      return installer;
  }

  return NULL;
}

/* What DetectMedia is asked about: the chosen installer or file; NULL when nothing is chosen. */
static const char *
get_source (LodgeCreateWindow *self)
{
  Installer *installer = get_installer (self);

  return installer != NULL ? installer->id : self->path;
}

static void
propose_name (LodgeCreateWindow *self, const char *wish)
{
  g_autofree char *name = NULL;

  if (self->name_touched && *gtk_editable_get_text (GTK_EDITABLE (self->name_row)) != '\0')
    return;

  name = lodge_machine_name_dup_free (wish, self->machines);
  self->filling = TRUE;
  gtk_editable_set_text (GTK_EDITABLE (self->name_row), name);
  self->filling = FALSE;
  /* Typing replaces what is only proposed. */
  gtk_editable_select_region (GTK_EDITABLE (self->name_row), 0, -1);
}

static void
take_facts (LodgeCreateWindow *self, GVariant *facts)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (facts);
  Installer *installer = get_installer (self);
  const char *kind = "", *os = "", *os_name = "", *name = NULL;

  g_variant_dict_lookup (&dict, "kind", "&s", &kind);
  self->source_is_disk = installer == NULL && g_str_equal (kind, "disk");
  g_variant_dict_lookup (&dict, "os", "&s", &os);
  g_variant_dict_lookup (&dict, "os-name", "&s", &os_name);
  g_free (self->os);
  self->os = g_strdup (os);
  lodge_hardware_row_fill (self->hardware_row, facts);
  lodge_hardware_row_set_new_disk (self->hardware_row, !self->source_is_disk);

  if (g_variant_dict_lookup (&dict, "name", "&s", &name))
    propose_name (self, name);
  else
    propose_name (self, installer != NULL ? installer->title : _ ("New machine"));

  if (installer == NULL) {
    const char *what = *os_name != '\0' ? os_name : _ ("Unknown operating system");
    g_autofree char *subtitle = NULL;

    if (self->source_is_disk)
      what = _ ("A disk that is copied into the machine");
    subtitle = g_strdup_printf ("%s\n%s", what, self->path);
    adw_action_row_set_subtitle (self->file_row, subtitle);
  }
}

static void
create_at_once (LodgeCreateWindow *self)
{
  Installer *installer = get_installer (self);
  const gboolean wanted = installer != NULL && g_strcmp0 (self->create_at_once, installer->id) == 0;

  if (!wanted)
    return;

  g_clear_pointer (&self->create_at_once, g_free);
  if (gtk_widget_get_sensitive (self->create_button))
    lodge_create_window_create (self);
}

static void
detected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCreateWindow) self = user_data;
  g_autoptr (GVariant) facts = NULL;
  g_autoptr (GError) error = NULL;

  lodge_engine1_call_detect_media_finish (LODGE_ENGINE1 (source), &facts, result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->connection == NULL)
    return;

  g_clear_object (&self->detecting);
  if (error != NULL && get_installer (self) == NULL) {
    g_dbus_error_strip_remote_error (error);
    self->source_is_bad = TRUE;
    lodge_create_window_show_error (self, error->message);
  } else {
    /* An installer that the engine keeps has its defaults chosen there. */
    take_facts (self, facts);
  }
  const gboolean wanted = self->create_wanted;

  self->create_wanted = FALSE;
  lodge_create_window_validate (self);
  create_at_once (self);
  if (wanted && gtk_widget_get_sensitive (self->create_button))
    lodge_create_window_create (self);
}

static void
detect (LodgeCreateWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (self->connection);
  const char *source = get_source (self);

  g_cancellable_cancel (self->detecting);
  g_clear_object (&self->detecting);
  self->create_wanted = FALSE;
  self->source_is_bad = FALSE;
  self->source_is_disk = FALSE;
  lodge_create_window_show_error (self, NULL);
  if (client != NULL && source != NULL) {
    self->detecting = g_cancellable_new ();
    lodge_engine1_call_detect_media (lodge_client_get_engine (client), source, self->detecting,
                                     detected_cb, g_object_ref (self));
  }
  lodge_create_window_validate (self);
}

static void
chosen_cb (const char *path, const GError *error, gpointer user_data)
{
  if (path != NULL)
    lodge_create_window_set_media (user_data, path);
  else
    lodge_create_window_show_error (user_data, error->message);
}

static void
file_clicked_cb (GtkButton *button, LodgeCreateWindow *self)
{
  const LodgeFileQuestion question = {
      .title = _ ("Choose an Image"),
      .action = GTK_FILE_CHOOSER_ACTION_OPEN,
      .accept = _ ("_Choose"),
      .filter = _ ("Installers and disks"),
      .suffixes = image_suffixes,
  };

  lodge_file_choice_ask (&self->chooser, GTK_WINDOW (self), &question, chosen_cb, self, NULL);
}

static void
source_toggled_cb (GtkCheckButton *check, LodgeCreateWindow *self)
{
  if (self->connection == NULL || !gtk_check_button_get_active (check))
    return;

  detect (self);
  if (check == self->file_check && self->path == NULL)
    file_clicked_cb (NULL, self);
}

static void
add_installer (LodgeCreateWindow *self, GVariant *row)
{
  Installer *installer = g_new0 (Installer, 1);
  GtkWidget *widget = adw_action_row_new ();
  GtkWidget *check = gtk_check_button_new ();
  const char *sentence;

  g_variant_get (row, "(ss&s)", &installer->id, &installer->title, &sentence);
  installer->check = GTK_CHECK_BUTTON (check);
  g_ptr_array_add (self->installers, installer);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (widget), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (widget), installer->title);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (widget), sentence);
  gtk_widget_set_valign (check, GTK_ALIGN_CENTER);
  gtk_check_button_set_group (GTK_CHECK_BUTTON (check), self->file_check);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (check), GTK_ACCESSIBLE_RELATION_LABELLED_BY,
                                  widget, NULL, -1);
  g_signal_connect (check, "toggled", G_CALLBACK (source_toggled_cb), self);
  adw_action_row_add_prefix (ADW_ACTION_ROW (widget), check);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (widget), check);
  adw_preferences_group_add (self->source_group, widget);
}

/* The first installer is chosen where no file is: then one click creates. */
static void
choose_installer (LodgeCreateWindow *self)
{
  if (self->installers->len == 0 ||
      (self->create_at_once == NULL && (self->path != NULL || get_installer (self) != NULL)))
    return;

  for (guint i = 0; i < self->installers->len; i++) {
    Installer *installer = g_ptr_array_index (self->installers, i);
    if (self->create_at_once == NULL || g_str_equal (self->create_at_once, installer->id)) {
      if (gtk_check_button_get_active (installer->check))
        detect (self);
      else
        gtk_check_button_set_active (installer->check, TRUE);
      return;
    }
  }
}

static void
installers_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCreateWindow) self = user_data;
  g_autoptr (GVariant) rows = NULL;
  g_autoptr (GError) error = NULL;
  const gboolean listed =
      lodge_engine1_call_list_installers_finish (LODGE_ENGINE1 (source), &rows, result, &error);

  if (self->connection == NULL || self->installers->len > 0)
    return;

  if (!listed) {
    g_dbus_error_strip_remote_error (error);
    lodge_create_window_show_error (self, error->message);
    return;
  }

  for (gsize i = 0; i < g_variant_n_children (rows); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
    add_installer (self, row);
  }
  if (self->installers->len > 0) {
    /* After the installers, which need no choosing. */
    g_object_ref (self->file_row);
    adw_preferences_group_remove (self->source_group, GTK_WIDGET (self->file_row));
    adw_preferences_group_add (self->source_group, GTK_WIDGET (self->file_row));
    g_object_unref (self->file_row);
  }
  choose_installer (self);
}

static gboolean
drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, LodgeCreateWindow *self)
{
  GSList *files = g_value_get_boxed (value);
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  if (self->creating != NULL || files == NULL)
    return FALSE;
  path = lodge_file_choice_dup_path (files->data, &error);
  chosen_cb (path, error, self);
  return path != NULL;
}

void
lodge_create_source_client_changed (LodgeCreateWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (self->connection);

  if (client != NULL && self->installers->len == 0)
    lodge_engine1_call_list_installers (lodge_client_get_engine (client), NULL, installers_cb,
                                        g_object_ref (self));
  /* What was chosen before it answered, as `lodge IMAGE` does, or was being looked at when it went,
   * is looked at now. */
  if (client != NULL && self->creating == NULL && get_source (self) != NULL)
    detect (self);
}

gboolean
lodge_create_source_is_chosen (LodgeCreateWindow *self)
{
  return get_source (self) != NULL;
}

void
lodge_create_source_add_to_spec (LodgeCreateWindow *self, GVariantDict *spec)
{
  Installer *installer = get_installer (self);

  if (installer != NULL)
    g_variant_dict_insert (spec, "installer", "s", installer->id);
  else
    g_variant_dict_insert (spec, self->source_is_disk ? "disk" : "media", "s", self->path);
  if (self->os != NULL && *self->os != '\0')
    g_variant_dict_insert (spec, "os", "s", self->os);
}

void
lodge_create_source_class_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, source_group);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, file_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, file_check);
  gtk_widget_class_bind_template_callback (widget_class, source_toggled_cb);
  gtk_widget_class_bind_template_callback (widget_class, file_clicked_cb);
}

void
lodge_create_source_init (LodgeCreateWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  self->installers = g_ptr_array_new_with_free_func ((GDestroyNotify) installer_free);
  g_signal_connect (target, "drop", G_CALLBACK (drop_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

void
lodge_create_source_clear (LodgeCreateWindow *self)
{
  g_cancellable_cancel (self->detecting);
  g_clear_object (&self->detecting);
  lodge_file_choice_end (&self->chooser);
}

void
lodge_create_source_finalize (LodgeCreateWindow *self)
{
  g_ptr_array_unref (self->installers);
  g_free (self->path);
  g_free (self->os);
  g_free (self->create_at_once);
}

void
lodge_create_window_set_media (LodgeCreateWindow *self, const char *path)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (LODGE_IS_CREATE_WINDOW (self));

  if (self->creating != NULL)
    return;
  if (!lodge_file_choice_check_path (path, &error)) {
    lodge_create_window_show_error (self, error->message);
    return;
  }

  g_free (self->path);
  self->path = g_strdup (path);
  adw_action_row_set_subtitle (self->file_row, path);
  if (gtk_check_button_get_active (self->file_check))
    detect (self);
  else
    gtk_check_button_set_active (self->file_check, TRUE);
}

void
lodge_create_window_create_installer (LodgeCreateWindow *self, const char *id)
{
  g_return_if_fail (LODGE_IS_CREATE_WINDOW (self));

  if (self->creating != NULL)
    return;

  g_free (self->create_at_once);
  self->create_at_once = g_strdup (id);
  choose_installer (self);
}
