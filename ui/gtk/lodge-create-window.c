/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The form for a new machine, and the job that makes it.
 *
 *            create                        done
 *     form ----------> creating ------------------------> "created", closed
 *      ^                  |  failed, or cancelled and undone
 *      +------------------+
 *
 * form: everything can be changed; nothing in it is lost by coming back. creating: only cancelling,
 * and closing the window: the job goes on, the library shows it, and "created" comes all the same.
 */
#include "gtk/lodge-create-window-private.h"

#include "gtk/lodge-job.h"
#include "gtk/lodge-machine-name.h"
#include "gtk/lodge-set-keys.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

G_DEFINE_FINAL_TYPE (LodgeCreateWindow, lodge_create_window, ADW_TYPE_WINDOW)

enum { CREATED, N_SIGNALS };
static guint signals[N_SIGNALS];

void
lodge_create_window_show_error (LodgeCreateWindow *self, const char *sentence)
{
  if (sentence != NULL)
    gtk_label_set_text (self->error_label, sentence);
  gtk_revealer_set_reveal_child (self->error_revealer, sentence != NULL);
}

/* Unless nothing has been typed yet. */
void
lodge_create_window_validate (LodgeCreateWindow *self)
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
                            problem == NULL && lodge_encrypt_row_is_good (self->encrypt_row) &&
                                lodge_create_source_is_chosen (self) && !self->source_is_bad &&
                                self->creating == NULL && !self->create_wanted &&
                                lodge_connection_get_client (self->connection) != NULL);
}

static void
name_changed_cb (GtkEditable *editable, LodgeCreateWindow *self)
{
  if (!self->filling)
    self->name_touched = TRUE;
  if (self->connection != NULL)
    lodge_create_window_validate (self);
}

static void
encrypt_changed_cb (LodgeEncryptRow *row, LodgeCreateWindow *self)
{
  if (self->connection != NULL)
    lodge_create_window_validate (self);
}

static void
client_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeCreateWindow *self)
{
  lodge_create_source_client_changed (self);
  lodge_create_window_validate (self);
}

static gboolean
is_open (LodgeCreateWindow *self)
{
  return self->connection != NULL;
}

static void
set_creating (LodgeCreateWindow *self, gboolean creating)
{
  g_clear_object (&self->creating);
  if (creating) {
    self->creating = g_cancellable_new ();
    /* A text that has the focus when it is made insensitive goes on blinking, as GTK warns. */
    gtk_widget_grab_focus (self->cancel_button);
    lodge_create_window_show_error (self, NULL);
    lodge_work_panel_begin (self->work_panel, self->creating, _ ("Creating the machine"));
    lodge_work_panel_show_progress (-1, "", self->work_panel);
  } else {
    lodge_work_panel_end (self->work_panel);
  }
  gtk_button_set_label (GTK_BUTTON (self->cancel_button), creating ? _ ("_Close") : _ ("_Cancel"));
  gtk_widget_set_tooltip_text (self->cancel_button,
                               creating ? _ ("Creating goes on, and the library shows it") : NULL);
  gtk_widget_set_sensitive (self->form, !creating);
  lodge_create_window_validate (self);
}

static void
fail (LodgeCreateWindow *self, GError *error)
{
  g_dbus_error_strip_remote_error (error);
  if (!is_open (self)) {
    g_autofree char *heading = g_strdup_printf (
        _ ("Could Not Create “%s”"), gtk_editable_get_text (GTK_EDITABLE (self->name_row)));

    lodge_set_keys_show_error (GTK_WINDOW (self), heading, error);
    return;
  }
  set_creating (self, FALSE);
  /* Who has cancelled knows it. */
  if (!g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED))
    lodge_create_window_show_error (self, error->message);
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

  if (uuid == NULL) {
    fail (self, error);
    return;
  }

  if (is_open (self))
    set_creating (self, FALSE);
  g_signal_emit (self, signals[CREATED], 0, uuid);
  if (is_open (self))
    gtk_window_destroy (GTK_WINDOW (self));
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCreateWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  lodge_engine1_call_create_machine_finish (LODGE_ENGINE1 (source), &path, result, &error);
  if (path == NULL)
    fail (self, error);
  else
    lodge_job_follow_async (g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path, TRUE,
                            self->creating, lodge_work_panel_show_progress, self->work_panel,
                            job_cb, g_object_ref (self));
}

void
lodge_create_window_create (LodgeCreateWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (self->connection);
  GVariantDict spec = G_VARIANT_DICT_INIT (NULL);

  if (client == NULL || self->creating != NULL)
    return;
  /* What it is and what suits it are still those of what was chosen before. */
  if (self->detecting != NULL) {
    self->create_wanted = TRUE;
    lodge_create_window_validate (self);
    return;
  }

  g_variant_dict_insert (&spec, "name", "s", gtk_editable_get_text (GTK_EDITABLE (self->name_row)));
  lodge_create_source_add_to_spec (self, &spec);
  lodge_hardware_row_add_to_spec (self->hardware_row, &spec);
  lodge_encrypt_row_add_to_spec (self->encrypt_row, &spec);

  set_creating (self, TRUE);
  lodge_engine1_call_create_machine (lodge_client_get_engine (client), g_variant_dict_end (&spec),
                                     NULL, called_cb, g_object_ref (self));
}

static void
create_clicked_cb (GtkButton *button, LodgeCreateWindow *self)
{
  lodge_create_window_create (self);
}

/* A window that is closed lives on in a call that has not come back, and is not disposed of before;
 * gtk_window_destroy() hides it without the signal and then unrealizes it. */
static void
end (LodgeCreateWindow *self)
{
  lodge_create_source_clear (self);
  if (self->connection != NULL)
    g_signal_handlers_disconnect_by_data (self->connection, self);
  g_clear_object (&self->connection);
}

static void
lodge_create_window_unrealize (GtkWidget *widget)
{
  end (LODGE_CREATE_WINDOW (widget));
  GTK_WIDGET_CLASS (lodge_create_window_parent_class)->unrealize (widget);
}

static void
lodge_create_window_dispose (GObject *object)
{
  LodgeCreateWindow *self = LODGE_CREATE_WINDOW (object);

  end (self);
  g_clear_object (&self->creating);
  g_clear_object (&self->machines);

  G_OBJECT_CLASS (lodge_create_window_parent_class)->dispose (object);
}

static void
lodge_create_window_finalize (GObject *object)
{
  lodge_create_source_finalize (LODGE_CREATE_WINDOW (object));

  G_OBJECT_CLASS (lodge_create_window_parent_class)->finalize (object);
}

static void
lodge_create_window_class_init (LodgeCreateWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = lodge_create_window_dispose;
  object_class->finalize = lodge_create_window_finalize;
  widget_class->unrealize = lodge_create_window_unrealize;

  signals[CREATED] = g_signal_new ("created", LODGE_TYPE_CREATE_WINDOW, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  g_type_ensure (LODGE_TYPE_ENCRYPT_ROW);
  g_type_ensure (LODGE_TYPE_HARDWARE_ROW);
  g_type_ensure (LODGE_TYPE_WORK_PANEL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-create-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, create_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, error_revealer);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, error_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, form);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, name_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, hardware_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, encrypt_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, name_error);
  gtk_widget_class_bind_template_child (widget_class, LodgeCreateWindow, work_panel);
  gtk_widget_class_bind_template_callback (widget_class, create_clicked_cb);
  lodge_create_source_class_init (widget_class);
  gtk_widget_class_bind_template_callback (widget_class, name_changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, encrypt_changed_cb);

  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
lodge_create_window_init (LodgeCreateWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  lodge_create_source_init (self);
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
