/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The form for a new machine, and the job that makes it.
 *
 *            create                        done
 *     form ----------> creating ------------------------> "created", closed
 *      ^                  |  failed, or cancelled and undone
 *      +------------------+
 *
 * form: everything can be changed; nothing in it is lost by coming back. creating: only cancelling.
 */
#include "gtk/lodge-create-window.h"

#include "gtk/lodge-hardware-row.h"
#include "gtk/lodge-job.h"
#include "gtk/lodge-machine-name.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

#define PULSE_MS 100

struct _LodgeCreateWindow {
  AdwWindow parent_instance;

  GtkWidget *cancel_button;
  GtkWidget *create_button;
  GtkRevealer *error_revealer;
  GtkLabel *error_label;
  GtkWidget *form;
  AdwPreferencesGroup *source_group;
  AdwActionRow *file_row;
  GtkCheckButton *file_check;
  AdwEntryRow *name_row;
  LodgeHardwareRow *hardware_row;
  GtkLabel *name_error;
  GtkRevealer *progress_revealer;
  GtkLabel *step_label;
  GtkProgressBar *progress_bar;

  LodgeConnection *connection;
  GListModel *machines;
  GPtrArray *installers; /* of Installer, one per row above the file's */
  GtkFileChooserNative *chooser;
  char *path;              /* the chosen file, or NULL */
  char *os;                /* what was found on the source, "" unknown */
  char *create_at_once;    /* installer to create without asking, or NULL */
  GCancellable *detecting; /* NULL when nothing is being looked at */
  GCancellable *creating;  /* NULL in the form */
  guint pulse;
  gboolean source_is_bad;
  gboolean source_is_disk; /* it becomes the machine's own */
  gboolean name_touched;
  gboolean filling;
  gboolean create_wanted; /* once it is known what is being looked at */
  gboolean closing;       /* closes when the cancelled job has ended */
};

typedef struct {
  char *id;
  char *title;
  GtkCheckButton *check;
} Installer;

G_DEFINE_FINAL_TYPE (LodgeCreateWindow, lodge_create_window, ADW_TYPE_WINDOW)

static const char *const image_suffixes[] = {"iso", "img", "raw",  "qcow2", "qed",
                                             "vdi", "vhd", "vhdx", "vmdk"};

enum { CREATED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void create (LodgeCreateWindow *self);
static void file_clicked_cb (GtkButton *button, LodgeCreateWindow *self);

static void
installer_free (Installer *installer)
{
  g_free (installer->id);
  g_free (installer->title);
  g_free (installer);
}

static void
show_error (LodgeCreateWindow *self, const char *sentence)
{
  if (sentence != NULL)
    gtk_label_set_text (self->error_label, sentence);
  gtk_revealer_set_reveal_child (self->error_revealer, sentence != NULL);
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

/* Says what is wrong with the name, unless nothing has been typed yet; the button follows. */
static void
validate (LodgeCreateWindow *self)
{
  const char *name = gtk_editable_get_text (GTK_EDITABLE (self->name_row));
  g_autofree char *problem = lodge_machine_name_check (name, self->machines, NULL);
  const gboolean show = problem != NULL && (self->name_touched || *name != '\0');

  /* Its line is there without a word, too: what is below stays where it is. */
  gtk_label_set_text (self->name_error, show ? problem : "");
  if (show)
    gtk_widget_add_css_class (GTK_WIDGET (self->name_row), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->name_row), "error");
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->name_row), GTK_ACCESSIBLE_STATE_INVALID,
                               show ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE,
                               -1);

  gtk_widget_set_sensitive (self->create_button,
                            problem == NULL && get_source (self) != NULL && !self->source_is_bad &&
                                self->creating == NULL && !self->create_wanted &&
                                lodge_connection_get_client (self->connection) != NULL);
}

static void
name_changed_cb (GtkEditable *editable, LodgeCreateWindow *self)
{
  if (!self->filling)
    self->name_touched = TRUE;
  if (self->connection != NULL)
    validate (self);
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
    create (self);
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
    show_error (self, error->message);
  } else {
    /* An installer that the engine keeps has its defaults chosen there. */
    take_facts (self, facts);
  }
  const gboolean wanted = self->create_wanted;

  self->create_wanted = FALSE;
  validate (self);
  create_at_once (self);
  if (wanted && gtk_widget_get_sensitive (self->create_button))
    create (self);
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
  show_error (self, NULL);
  if (client != NULL && source != NULL) {
    self->detecting = g_cancellable_new ();
    lodge_engine1_call_detect_media (lodge_client_get_engine (client), source, self->detecting,
                                     detected_cb, g_object_ref (self));
  }
  validate (self);
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
chosen_cb (GtkNativeDialog *dialog, int response, LodgeCreateWindow *self)
{
  g_autoptr (GFile) file = NULL;
  g_autofree char *path = NULL;

  if (response == GTK_RESPONSE_ACCEPT) {
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
    path = file != NULL ? g_file_get_path (file) : NULL;
  }
  g_clear_object (&self->chooser);

  if (path != NULL)
    lodge_create_window_set_media (self, path);
  else if (file != NULL)
    show_error (self, _ ("This is not a file of this computer; copy it here first."));
}

static void
file_clicked_cb (GtkButton *button, LodgeCreateWindow *self)
{
  g_autoptr (GtkFileFilter) images = gtk_file_filter_new ();
  g_autoptr (GtkFileFilter) all = gtk_file_filter_new ();

  if (self->chooser != NULL)
    return;

  self->chooser =
      gtk_file_chooser_native_new (_ ("Choose an Image"), GTK_WINDOW (self),
                                   GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Choose"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  gtk_file_filter_set_name (images, _ ("Installers and disks"));
  for (guint i = 0; i < G_N_ELEMENTS (image_suffixes); i++)
    gtk_file_filter_add_suffix (images, image_suffixes[i]);
  gtk_file_filter_set_name (all, _ ("All files"));
  gtk_file_filter_add_pattern (all, "*");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), images);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (self->chooser), all);
  g_signal_connect (self->chooser, "response", G_CALLBACK (chosen_cb), self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
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
    show_error (self, error->message);
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

static void
client_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeCreateWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (connection);

  if (client != NULL && self->installers->len == 0)
    lodge_engine1_call_list_installers (lodge_client_get_engine (client), NULL, installers_cb,
                                        g_object_ref (self));
  /* What was chosen before it answered, as `lodge IMAGE` does, or was being looked at when it went,
   * is looked at now. */
  if (client != NULL && self->creating == NULL && get_source (self) != NULL)
    detect (self);
  validate (self);
}

static gboolean
pulse_cb (gpointer user_data)
{
  gtk_progress_bar_pulse (LODGE_CREATE_WINDOW (user_data)->progress_bar);
  return G_SOURCE_CONTINUE;
}

static void
show_progress (double progress, const char *step, gpointer user_data)
{
  LodgeCreateWindow *self = user_data;

  if (!g_cancellable_is_cancelled (self->creating) && *step != '\0')
    gtk_label_set_text (self->step_label, step);

  if (progress >= 0) {
    g_clear_handle_id (&self->pulse, g_source_remove);
    gtk_progress_bar_set_fraction (self->progress_bar, MIN (progress, 1));
  } else if (self->pulse == 0) {
    self->pulse = g_timeout_add (PULSE_MS, pulse_cb, self);
  }
}

static void
set_creating (LodgeCreateWindow *self, gboolean creating)
{
  g_clear_object (&self->creating);
  g_clear_handle_id (&self->pulse, g_source_remove);
  if (creating) {
    self->creating = g_cancellable_new ();
    /* All that can be done now; and a text that has the focus when it is made insensitive goes on
     * blinking, as GTK warns. */
    gtk_widget_grab_focus (self->cancel_button);
    show_error (self, NULL);
    gtk_label_set_text (self->step_label, _ ("Creating the machine"));
    show_progress (-1, "", self);
  }
  gtk_widget_set_sensitive (self->form, !creating);
  gtk_revealer_set_reveal_child (self->progress_revealer, creating);
  validate (self);
}

static void
fail (LodgeCreateWindow *self, GError *error)
{
  set_creating (self, FALSE);
  if (self->closing) {
    gtk_window_destroy (GTK_WINDOW (self));
    return;
  }

  g_dbus_error_strip_remote_error (error);
  /* Who has cancelled knows it. */
  if (!g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED))
    show_error (self, error->message);
  /* Enter tries again; it does not throw the form away. */
  gtk_widget_grab_focus (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_EXISTS)
                             ? GTK_WIDGET (self->name_row)
                             : self->create_button);
}

static void
job_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCreateWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *uuid = lodge_job_follow_finish (result, &error);

  if (self->connection == NULL)
    return;

  if (uuid == NULL) {
    fail (self, error);
    return;
  }

  set_creating (self, FALSE);
  g_signal_emit (self, signals[CREATED], 0, uuid);
  gtk_window_destroy (GTK_WINDOW (self));
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCreateWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  lodge_engine1_call_create_machine_finish (LODGE_ENGINE1 (source), &path, result, &error);
  if (self->connection == NULL)
    return;

  if (path == NULL) {
    fail (self, error);
    return;
  }

  lodge_job_follow_async (g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path, self->creating,
                          show_progress, self, job_cb, g_object_ref (self));
}

static void
create (LodgeCreateWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (self->connection);
  Installer *installer = get_installer (self);
  GVariantDict spec = G_VARIANT_DICT_INIT (NULL);

  if (client == NULL || self->creating != NULL)
    return;
  /* What it is and what suits it are still those of what was chosen before. */
  if (self->detecting != NULL) {
    self->create_wanted = TRUE;
    validate (self);
    return;
  }

  g_variant_dict_insert (&spec, "name", "s", gtk_editable_get_text (GTK_EDITABLE (self->name_row)));
  if (installer != NULL)
    g_variant_dict_insert (&spec, "installer", "s", installer->id);
  else
    g_variant_dict_insert (&spec, self->source_is_disk ? "disk" : "media", "s", self->path);
  if (self->os != NULL && *self->os != '\0')
    g_variant_dict_insert (&spec, "os", "s", self->os);
  lodge_hardware_row_add_to_spec (self->hardware_row, &spec);

  set_creating (self, TRUE);
  lodge_engine1_call_create_machine (lodge_client_get_engine (client), g_variant_dict_end (&spec),
                                     NULL, called_cb, g_object_ref (self));
}

static void
create_clicked_cb (GtkButton *button, LodgeCreateWindow *self)
{
  create (self);
}

static gboolean
lodge_create_window_close_request (GtkWindow *window)
{
  LodgeCreateWindow *self = LODGE_CREATE_WINDOW (window);

  if (self->creating == NULL)
    return GTK_WINDOW_CLASS (lodge_create_window_parent_class)->close_request (window);

  /* Back to the form once it is undone; asked a second time, closed then. */
  self->closing = g_cancellable_is_cancelled (self->creating);
  gtk_label_set_text (self->step_label, _ ("Cancelling"));
  g_cancellable_cancel (self->creating);
  return TRUE;
}

static gboolean
drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, LodgeCreateWindow *self)
{
  GSList *files = g_value_get_boxed (value);
  g_autofree char *path = files != NULL ? g_file_get_path (files->data) : NULL;

  if (self->creating != NULL)
    return FALSE;

  if (path == NULL) {
    show_error (self, _ ("This is not a file of this computer; copy it here first."));
    return FALSE;
  }

  lodge_create_window_set_media (self, path);
  return TRUE;
}

static void
lodge_create_window_dispose (GObject *object)
{
  LodgeCreateWindow *self = LODGE_CREATE_WINDOW (object);

  g_cancellable_cancel (self->detecting);
  g_clear_object (&self->detecting);
  g_clear_object (&self->creating);
  g_clear_handle_id (&self->pulse, g_source_remove);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  g_clear_object (&self->connection);
  g_clear_object (&self->machines);

  G_OBJECT_CLASS (lodge_create_window_parent_class)->dispose (object);
}

static void
lodge_create_window_finalize (GObject *object)
{
  LodgeCreateWindow *self = LODGE_CREATE_WINDOW (object);

  g_ptr_array_unref (self->installers);
  g_free (self->path);
  g_free (self->os);
  g_free (self->create_at_once);

  G_OBJECT_CLASS (lodge_create_window_parent_class)->finalize (object);
}

static void
lodge_create_window_class_init (LodgeCreateWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = lodge_create_window_dispose;
  object_class->finalize = lodge_create_window_finalize;
  GTK_WINDOW_CLASS (klass)->close_request = lodge_create_window_close_request;

  signals[CREATED] = g_signal_new ("created", LODGE_TYPE_CREATE_WINDOW, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  g_type_ensure (LODGE_TYPE_HARDWARE_ROW);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-create-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, create_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, error_revealer);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, error_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, form);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, source_group);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, file_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, file_check);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, name_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, hardware_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, name_error);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, progress_revealer);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, step_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, progress_bar);
  gtk_widget_class_bind_template_callback (widget_class, create_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, source_toggled_cb);
  gtk_widget_class_bind_template_callback (widget_class, file_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, name_changed_cb);

  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
lodge_create_window_init (LodgeCreateWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  self->installers = g_ptr_array_new_with_free_func ((GDestroyNotify) installer_free);
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect (target, "drop", G_CALLBACK (drop_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}

GtkWidget *
lodge_create_window_new (LodgeConnection *connection, GListModel *machines)
{
  LodgeCreateWindow *self = g_object_new (LODGE_TYPE_CREATE_WINDOW, NULL);

  self->connection = g_object_ref (connection);
  self->machines = g_object_ref (machines);
  g_signal_connect_object (connection, "notify::client", G_CALLBACK (client_cb), self, 0);
  client_cb (connection, NULL, self);
  /* The name is the one thing to type, and Enter in it creates. */
  g_signal_connect_object (self, "map", G_CALLBACK (gtk_widget_grab_focus), self->name_row,
                           G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}

void
lodge_create_window_set_media (LodgeCreateWindow *self, const char *path)
{
  g_return_if_fail (LODGE_IS_CREATE_WINDOW (self));

  if (self->creating != NULL)
    return;

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
