/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window that makes a machine of another one.
 *
 *            clone                        done
 *     form ---------> cloning -------------------------> closed
 *      ^                 |  failed, or cancelled and undone
 *      +-----------------+
 */
#include "gtk/lodge-clone-window.h"

#include "gtk/lodge-job.h"
#include "gtk/lodge-machine-name.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

#define PULSE_MS 100

struct _LodgeCloneWindow {
  AdwWindow parent_instance;

  GtkWidget *cancel_button;
  GtkWidget *clone_button;
  GtkRevealer *error_revealer;
  GtkLabel *error_label;
  GtkWidget *form;
  AdwEntryRow *name_row;
  GtkLabel *name_error;
  GtkCheckButton *linked_check;
  GtkCheckButton *full_check;
  GtkRevealer *progress_revealer;
  GtkLabel *step_label;
  GtkProgressBar *progress_bar;

  LodgeConnection *connection; /* NULL once it is closed */
  GListModel *machines;
  char *uuid;
  GCancellable *cloning; /* NULL in the form */
  guint pulse;
  gboolean closing; /* closes when the cancelled job has ended */
};

G_DEFINE_FINAL_TYPE (LodgeCloneWindow, lodge_clone_window, ADW_TYPE_WINDOW)

static void
show_error (LodgeCloneWindow *self, const char *sentence)
{
  if (sentence != NULL)
    gtk_label_set_text (self->error_label, sentence);
  gtk_revealer_set_reveal_child (self->error_revealer, sentence != NULL);
}

/* Says what is wrong with the name; the button follows. */
static void
validate (LodgeCloneWindow *self)
{
  const char *name = gtk_editable_get_text (GTK_EDITABLE (self->name_row));
  g_autofree char *problem = lodge_machine_name_check (name, self->machines, NULL);
  /* The clone itself appears in the list while the window still waits for the job's end. */
  const gboolean bad = problem != NULL && self->cloning == NULL;

  gtk_label_set_text (self->name_error, bad ? problem : "");
  gtk_widget_set_visible (GTK_WIDGET (self->name_error), bad);
  if (bad)
    gtk_widget_add_css_class (GTK_WIDGET (self->name_row), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->name_row), "error");
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->name_row), GTK_ACCESSIBLE_STATE_INVALID,
                               bad ? GTK_ACCESSIBLE_INVALID_TRUE : GTK_ACCESSIBLE_INVALID_FALSE,
                               -1);
  gtk_widget_set_sensitive (self->clone_button,
                            problem == NULL && self->cloning == NULL &&
                                lodge_connection_get_client (self->connection) != NULL);
}

static void
name_changed_cb (GtkEditable *editable, LodgeCloneWindow *self)
{
  if (self->connection != NULL)
    validate (self);
}

static gboolean
pulse_cb (gpointer user_data)
{
  gtk_progress_bar_pulse (LODGE_CLONE_WINDOW (user_data)->progress_bar);
  return G_SOURCE_CONTINUE;
}

static void
show_progress (double progress, const char *step, gpointer user_data)
{
  LodgeCloneWindow *self = user_data;

  if (self->connection == NULL)
    return;
  if (!g_cancellable_is_cancelled (self->cloning) && *step != '\0')
    gtk_label_set_text (self->step_label, step);
  if (progress >= 0) {
    g_clear_handle_id (&self->pulse, g_source_remove);
    gtk_progress_bar_set_fraction (self->progress_bar, MIN (progress, 1));
  } else if (self->pulse == 0) {
    self->pulse = g_timeout_add (PULSE_MS, pulse_cb, self);
  }
}

static void
set_cloning (LodgeCloneWindow *self, gboolean cloning)
{
  g_clear_object (&self->cloning);
  g_clear_handle_id (&self->pulse, g_source_remove);
  if (cloning) {
    self->cloning = g_cancellable_new ();
    /* A text that has the focus when it is made insensitive goes on blinking, as GTK warns. */
    gtk_widget_grab_focus (self->cancel_button);
    show_error (self, NULL);
    gtk_label_set_text (self->step_label, _ ("Cloning"));
    show_progress (-1, "", self);
  }
  gtk_widget_set_sensitive (self->form, !cloning);
  gtk_revealer_set_reveal_child (self->progress_revealer, cloning);
  validate (self);
}

static void
fail (LodgeCloneWindow *self, GError *error)
{
  set_cloning (self, FALSE);
  if (self->closing) {
    gtk_window_destroy (GTK_WINDOW (self));
    return;
  }
  g_dbus_error_strip_remote_error (error);
  /* Who has cancelled knows it. */
  if (!g_error_matches (error, LODGE_ERROR, LODGE_ERROR_CANCELLED))
    show_error (self, error->message);
  gtk_widget_grab_focus (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_EXISTS)
                             ? GTK_WIDGET (self->name_row)
                             : self->clone_button);
}

static void
job_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCloneWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *uuid = lodge_job_follow_finish (result, &error);

  if (self->connection == NULL)
    return;
  if (uuid == NULL) {
    fail (self, error);
    return;
  }
  set_cloning (self, FALSE);
  gtk_window_destroy (GTK_WINDOW (self));
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCloneWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  lodge_machine1_call_clone_finish (LODGE_MACHINE1 (source), &path, result, &error);
  if (self->connection == NULL)
    return;
  if (path == NULL)
    fail (self, error);
  else
    lodge_job_follow_async (g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path,
                            self->cloning, show_progress, self, job_cb, g_object_ref (self));
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCloneWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeMachine1) machine =
      lodge_client_open_machine_finish (LODGE_CLIENT (source), result, &error);
  GVariantDict options = G_VARIANT_DICT_INIT (NULL);

  if (self->connection == NULL) {
    g_variant_dict_clear (&options);
    return;
  }
  if (machine == NULL) {
    g_variant_dict_clear (&options);
    fail (self, error);
    return;
  }
  if (gtk_check_button_get_active (self->linked_check))
    g_variant_dict_insert (&options, "linked", "b", TRUE);
  lodge_machine1_call_clone (machine, gtk_editable_get_text (GTK_EDITABLE (self->name_row)),
                             g_variant_dict_end (&options), NULL, called_cb, g_object_ref (self));
}

static void
clone_clicked_cb (GtkButton *button, LodgeCloneWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (self->connection);

  if (client == NULL || self->cloning != NULL)
    return;
  set_cloning (self, TRUE);
  lodge_client_open_machine_async (client, self->uuid, NULL, opened_cb, g_object_ref (self));
}

static gboolean
lodge_clone_window_close_request (GtkWindow *window)
{
  LodgeCloneWindow *self = LODGE_CLONE_WINDOW (window);

  if (self->cloning == NULL)
    return GTK_WINDOW_CLASS (lodge_clone_window_parent_class)->close_request (window);

  /* Back to the form once it is undone; asked a second time, closed then. */
  self->closing = g_cancellable_is_cancelled (self->cloning);
  gtk_label_set_text (self->step_label, _ ("Cancelling"));
  g_cancellable_cancel (self->cloning);
  return TRUE;
}

static void
client_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeCloneWindow *self)
{
  validate (self);
}

static void
lodge_clone_window_dispose (GObject *object)
{
  LodgeCloneWindow *self = LODGE_CLONE_WINDOW (object);

  g_clear_object (&self->cloning);
  g_clear_handle_id (&self->pulse, g_source_remove);
  g_clear_object (&self->connection);
  g_clear_object (&self->machines);

  G_OBJECT_CLASS (lodge_clone_window_parent_class)->dispose (object);
}

static void
lodge_clone_window_finalize (GObject *object)
{
  LodgeCloneWindow *self = LODGE_CLONE_WINDOW (object);

  g_free (self->uuid);

  G_OBJECT_CLASS (lodge_clone_window_parent_class)->finalize (object);
}

static void
lodge_clone_window_class_init (LodgeCloneWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = lodge_clone_window_dispose;
  object_class->finalize = lodge_clone_window_finalize;
  GTK_WINDOW_CLASS (klass)->close_request = lodge_clone_window_close_request;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-clone-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, clone_button);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, error_revealer);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, error_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, form);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, name_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, name_error);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, linked_check);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, full_check);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, progress_revealer);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, step_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, progress_bar);
  gtk_widget_class_bind_template_callback (widget_class, clone_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, name_changed_cb);

  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
lodge_clone_window_init (LodgeCloneWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* That there is room for a number behind it is the engine's name check's business: a name that is
 * too long for " (clone)" is only numbered. */
static char *
dup_proposal (const char *name, GListModel *machines)
{
  /* Translators: the proposed name of a clone; %s is the name of the machine. */
  g_autofree char *wish = g_strdup_printf (_ ("%s (clone)"), name);

  if (g_utf8_strlen (wish, -1) > 60)
    return lodge_machine_name_dup_free (name, machines);
  return lodge_machine_name_dup_free (wish, machines);
}

GtkWidget *
lodge_clone_window_new (LodgeConnection *connection,
                        GListModel *machines,
                        const char *uuid,
                        const char *name)
{
  LodgeCloneWindow *self = g_object_new (LODGE_TYPE_CLONE_WINDOW, NULL);
  g_autofree char *title = g_strdup_printf (_ ("Clone “%s”"), name);
  g_autofree char *proposal = dup_proposal (name, machines);

  self->connection = g_object_ref (connection);
  self->machines = g_object_ref (machines);
  self->uuid = g_strdup (uuid);
  gtk_window_set_title (GTK_WINDOW (self), title);
  gtk_editable_set_text (GTK_EDITABLE (self->name_row), proposal);
  g_signal_connect_object (connection, "notify::client", G_CALLBACK (client_cb), self, 0);
  validate (self);
  /* The name is the one thing to type, and Enter in it clones. */
  g_signal_connect_object (self, "map", G_CALLBACK (gtk_widget_grab_focus), self->name_row,
                           G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
