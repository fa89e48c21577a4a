/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this computer can do for guests, and what to do about what it cannot. */
#include "gtk/lodge-host-window.h"

#include "gtk/lodge-finding-row.h"

#include <glib/gi18n-lib.h>

/* Measuring starts a guest and asks QEMU for its capabilities, each with a limit of its own. */
#define CHECK_LIMIT_MS 60000

struct _LodgeHostWindow {
  AdwWindow parent_instance;

  GtkSpinner *spinner;
  GtkRevealer *error_revealer;
  GtkLabel *error_label;
  AdwToastOverlay *toasts;
  GtkListBox *findings;

  LodgeConnection *connection;
  GCancellable *checking;
};

G_DEFINE_FINAL_TYPE (LodgeHostWindow, lodge_host_window, ADW_TYPE_WINDOW)

static void
copied_cb (LodgeFindingRow *row, LodgeHostWindow *self)
{
  adw_toast_overlay_add_toast (self->toasts, adw_toast_new (_ ("Copied")));
}

static void
show_findings (LodgeHostWindow *self, GVariant *findings)
{
  GtkWidget *row;
  GVariantIter iter;
  const char *level, *sentence, *advice;

  while ((row = gtk_widget_get_first_child (GTK_WIDGET (self->findings))) != NULL)
    gtk_list_box_remove (self->findings, row);

  g_variant_iter_init (&iter, findings);
  while (g_variant_iter_next (&iter, "(&s&s&s&s)", NULL, &level, &sentence, &advice)) {
    row = lodge_finding_row_new (level, sentence, advice);
    g_signal_connect_object (row, "copied", G_CALLBACK (copied_cb), self, 0);
    gtk_list_box_append (self->findings, row);
  }
}

static void
checked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeHostWindow) self = user_data;
  g_autoptr (GVariant) answer = NULL, findings = NULL;
  g_autoptr (GError) error = NULL;

  answer = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  g_clear_object (&self->checking);
  gtk_spinner_stop (self->spinner);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "host.check", TRUE);
  if (answer == NULL) {
    g_dbus_error_strip_remote_error (error);
    gtk_label_set_text (self->error_label, error->message);
  } else {
    findings = g_variant_get_child_value (answer, 0);
    show_findings (self, findings);
  }
  gtk_revealer_set_reveal_child (self->error_revealer, answer == NULL);
}

static void
check (LodgeHostWindow *self, gboolean fresh)
{
  LodgeClient *client = lodge_connection_get_client (self->connection);

  if (client == NULL || self->checking != NULL)
    return;

  self->checking = g_cancellable_new ();
  gtk_spinner_start (self->spinner);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "host.check", FALSE);
  g_dbus_proxy_call (G_DBUS_PROXY (lodge_client_get_host (client)), "Check",
                     g_variant_new ("(b)", fresh), G_DBUS_CALL_FLAGS_NONE, CHECK_LIMIT_MS,
                     self->checking, checked_cb, g_object_ref (self));
}

static void
check_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  check (LODGE_HOST_WINDOW (widget), TRUE);
}

static void
connection_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeHostWindow *self)
{
  LodgeClient *client = lodge_connection_get_client (connection);
  const char *problem = lodge_connection_get_problem (connection);

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "host.check",
                                 client != NULL && self->checking == NULL);
  if (problem != NULL)
    gtk_label_set_text (self->error_label, problem);
  gtk_revealer_set_reveal_child (self->error_revealer, problem != NULL);
  if (client != NULL && gtk_widget_get_first_child (GTK_WIDGET (self->findings)) == NULL)
    check (self, FALSE);
}

static void
lodge_host_window_dispose (GObject *object)
{
  LodgeHostWindow *self = LODGE_HOST_WINDOW (object);

  g_cancellable_cancel (self->checking);
  g_clear_object (&self->checking);
  g_clear_object (&self->connection);

  G_OBJECT_CLASS (lodge_host_window_parent_class)->dispose (object);
}

static void
lodge_host_window_class_init (LodgeHostWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_host_window_dispose;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-host-window.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeHostWindow, spinner);
  gtk_widget_class_bind_template_child (widget_class, LodgeHostWindow, error_revealer);
  gtk_widget_class_bind_template_child (widget_class, LodgeHostWindow, error_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeHostWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, LodgeHostWindow, findings);

  gtk_widget_class_install_action (widget_class, "host.check", NULL, check_action);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_F5, 0, "host.check", NULL);
}

static void
lodge_host_window_init (LodgeHostWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
lodge_host_window_new (LodgeConnection *connection)
{
  LodgeHostWindow *self = g_object_new (LODGE_TYPE_HOST_WINDOW, NULL);

  self->connection = g_object_ref (connection);
  g_signal_connect_object (connection, "notify", G_CALLBACK (connection_cb), self, 0);
  connection_cb (connection, NULL, self);
  return GTK_WIDGET (self);
}
