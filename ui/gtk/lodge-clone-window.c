/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window that makes a machine of another one.
 *
 *            clone                        done
 *     form ---------> cloning -------------------------> closed
 *      ^                 |  failed, or cancelled and undone
 *      +-----------------+
 *
 * A clone goes on when the window is closed: the library shows it, and how far it is. What becomes
 * of it is then told where the window belonged to.
 */
#include "gtk/lodge-clone-window.h"

#include "gtk/lodge-clone-from-row.h"
#include "gtk/lodge-job.h"
#include "gtk/lodge-machine-name.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-passphrase-ask.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-work-panel.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

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
  LodgeCloneFromRow *from_row;
  LodgeWorkPanel *work_panel;

  LodgeConnection *connection; /* NULL once it is closed */
  GListModel *machines;
  char *uuid;
  char *name;            /* of the machine that is cloned */
  GCancellable *cloning; /* NULL in the form */
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
                                lodge_clone_from_row_get_obstacle (self->from_row) == NULL &&
                                lodge_connection_get_client (self->connection) != NULL);
}

static void
name_changed_cb (GtkEditable *editable, LodgeCloneWindow *self)
{
  if (self->connection != NULL)
    validate (self);
}

static gboolean
is_open (LodgeCloneWindow *self)
{
  return self->connection != NULL;
}

static void
set_cloning (LodgeCloneWindow *self, gboolean cloning)
{
  g_clear_object (&self->cloning);
  if (cloning) {
    self->cloning = g_cancellable_new ();
    /* A text that has the focus when it is made insensitive goes on blinking, as GTK warns. */
    gtk_widget_grab_focus (self->cancel_button);
    show_error (self, NULL);
    lodge_work_panel_begin (self->work_panel, self->cloning, _ ("Cloning"));
    lodge_work_panel_show_progress (-1, "", self->work_panel);
  } else {
    lodge_work_panel_end (self->work_panel);
  }
  gtk_button_set_label (GTK_BUTTON (self->cancel_button), cloning ? _ ("_Close") : _ ("_Cancel"));
  gtk_widget_set_tooltip_text (self->cancel_button,
                               cloning ? _ ("Cloning goes on, and the library shows it") : NULL);
  gtk_widget_set_sensitive (self->form, !cloning);
  validate (self);
}

static void clone_clicked_cb (GtkButton *button, LodgeCloneWindow *self);

static void
unlocked_cb (gpointer user_data)
{
  LodgeCloneWindow *self = user_data;
  g_autofree char *heading = NULL;

  if (is_open (self)) {
    clone_clicked_cb (NULL, self);
    return;
  }
  heading = g_strdup_printf (_ ("Could Not Clone “%s”"), self->name);
  lodge_passphrase_say_dropped (GTK_WINDOW (self), heading);
}

static void
fail (LodgeCloneWindow *self, GError *error)
{
  g_dbus_error_strip_remote_error (error);
  if (!is_open (self)) {
    g_autofree char *heading = g_strdup_printf (_ ("Could Not Clone “%s”"), self->name);

    lodge_set_keys_show_error (GTK_WINDOW (self), heading, error);
    return;
  }
  set_cloning (self, FALSE);
  if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_LOCKED) &&
      lodge_connection_get_client (self->connection) != NULL) {
    g_autofree char *heading = g_strdup_printf (_ ("Could Not Clone “%s”"), self->name);

    lodge_passphrase_ask (GTK_WINDOW (self), lodge_connection_get_client (self->connection),
                          self->uuid, self->name, heading, unlocked_cb, g_object_ref (self),
                          g_object_unref);
    return;
  }
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

  if (uuid == NULL) {
    fail (self, error);
  } else if (is_open (self)) {
    set_cloning (self, FALSE);
    gtk_window_destroy (GTK_WINDOW (self));
  } else {
    g_autofree char *sentence = g_strdup_printf (_ ("“%s” was cloned"), self->name);

    lodge_message_toast (GTK_WINDOW (self), sentence, LODGE_MESSAGE_TOAST_S);
  }
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCloneWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  lodge_machine1_call_clone_finish (LODGE_MACHINE1 (source), &path, result, &error);
  if (path == NULL)
    fail (self, error);
  else
    lodge_job_follow_async (g_dbus_proxy_get_connection (G_DBUS_PROXY (source)), path, TRUE,
                            self->cloning, lodge_work_panel_show_progress, self->work_panel, job_cb,
                            g_object_ref (self));
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCloneWindow) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeMachine1) machine =
      lodge_client_open_machine_finish (LODGE_CLIENT (source), result, &error);
  GVariantDict options = G_VARIANT_DICT_INIT (NULL);
  const char *obstacle;

  if (machine == NULL) {
    g_variant_dict_clear (&options);
    fail (self, error);
    return;
  }
  /* What was chosen may be gone by now. */
  obstacle = lodge_clone_from_row_get_obstacle (self->from_row);
  if (obstacle != NULL) {
    g_variant_dict_clear (&options);
    error = g_error_new_literal (LODGE_ERROR, LODGE_ERROR_STATE, obstacle);
    fail (self, error);
    return;
  }
  if (gtk_check_button_get_active (self->linked_check))
    g_variant_dict_insert (&options, "linked", "b", TRUE);
  if (lodge_clone_from_row_get_snapshot (self->from_row) != NULL)
    g_variant_dict_insert (&options, "snapshot", "s",
                           lodge_clone_from_row_get_snapshot (self->from_row));
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

static void
opened_to_choose_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCloneWindow) self = user_data;
  g_autoptr (LodgeMachine1) machine =
      lodge_client_open_machine_finish (LODGE_CLIENT (source), result, NULL);

  /* Without an answer the machine as it is now is what can be cloned. */
  if (machine != NULL && is_open (self) &&
      lodge_connection_get_client (self->connection) == LODGE_CLIENT (source))
    lodge_clone_from_row_set_machine (self->from_row, machine);
}

static void
client_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeCloneWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (connection);

  lodge_clone_from_row_set_machine (self->from_row, NULL);
  if (client != NULL)
    lodge_client_open_machine_async (client, self->uuid, NULL, opened_to_choose_cb,
                                     g_object_ref (self));
  validate (self);
}

static void
from_changed_cb (LodgeCloneWindow *self)
{
  if (is_open (self))
    validate (self);
}

/* A window that is closed lives on in a call that has not come back, and is not disposed of before;
 * gtk_window_destroy() hides it without the signal and then unrealizes it. */
static void
end (LodgeCloneWindow *self)
{
  if (self->connection != NULL)
    lodge_clone_from_row_set_machine (self->from_row, NULL);
  if (self->connection != NULL)
    g_signal_handlers_disconnect_by_data (self->connection, self);
  g_clear_object (&self->connection);
}

static void
lodge_clone_window_unrealize (GtkWidget *widget)
{
  end (LODGE_CLONE_WINDOW (widget));
  GTK_WIDGET_CLASS (lodge_clone_window_parent_class)->unrealize (widget);
}

static void
lodge_clone_window_dispose (GObject *object)
{
  LodgeCloneWindow *self = LODGE_CLONE_WINDOW (object);

  end (self);
  g_clear_object (&self->cloning);
  g_clear_object (&self->machines);

  G_OBJECT_CLASS (lodge_clone_window_parent_class)->dispose (object);
}

static void
lodge_clone_window_finalize (GObject *object)
{
  LodgeCloneWindow *self = LODGE_CLONE_WINDOW (object);

  g_free (self->uuid);
  g_free (self->name);

  G_OBJECT_CLASS (lodge_clone_window_parent_class)->finalize (object);
}

static void
lodge_clone_window_class_init (LodgeCloneWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = lodge_clone_window_dispose;
  object_class->finalize = lodge_clone_window_finalize;
  widget_class->unrealize = lodge_clone_window_unrealize;

  g_type_ensure (LODGE_TYPE_CLONE_FROM_ROW);
  g_type_ensure (LODGE_TYPE_WORK_PANEL);
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
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, from_row);
  gtk_widget_class_bind_template_child (widget_class, LodgeCloneWindow, work_panel);
  gtk_widget_class_bind_template_callback (widget_class, clone_clicked_cb);
  gtk_widget_class_bind_template_callback (widget_class, name_changed_cb);

  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
lodge_clone_window_init (LodgeCloneWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

/* A name that is too long for " (clone)" is only numbered. */
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
  self->name = g_strdup (name);
  gtk_window_set_title (GTK_WINDOW (self), title);
  gtk_editable_set_text (GTK_EDITABLE (self->name_row), proposal);
  g_signal_connect_object (self->from_row, "changed", G_CALLBACK (from_changed_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (connection, "notify::client", G_CALLBACK (client_cb), self, 0);
  client_cb (connection, NULL, self);
  /* The name is the one thing to type, and Enter in it clones. */
  g_signal_connect_object (self, "map", G_CALLBACK (gtk_widget_grab_focus), self->name_row,
                           G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}

void
lodge_clone_window_prefer_linked (LodgeCloneWindow *self)
{
  g_return_if_fail (LODGE_IS_CLONE_WINDOW (self));

  gtk_check_button_set_active (self->linked_check, TRUE);
}
