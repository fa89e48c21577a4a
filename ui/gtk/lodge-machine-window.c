/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A window about one machine. */
#include "gtk/lodge-machine-window.h"

#include "gtk/lodge-child-window.h"
#include "lodge-client.h"

G_DEFINE_ABSTRACT_TYPE (LodgeMachineWindow, lodge_machine_window, ADW_TYPE_WINDOW)

static void
update (LodgeMachineWindow *self)
{
  LODGE_MACHINE_WINDOW_GET_CLASS (self)->update (self);
}

static void
set_name (LodgeMachineWindow *self, const char *name)
{
  g_autofree char *title = NULL;

  if (name == NULL || g_strcmp0 (name, self->name) == 0)
    return;
  g_free (self->name);
  self->name = g_strdup (name);
  title = LODGE_MACHINE_WINDOW_GET_CLASS (self)->dup_title (name);
  gtk_window_set_title (GTK_WINDOW (self), title);
}

static void
properties_cb (GDBusProxy *proxy,
               GVariant *changed,
               const char *const *invalidated,
               LodgeMachineWindow *self)
{
  LodgeMachineWindowClass *klass = LODGE_MACHINE_WINDOW_GET_CLASS (self);

  set_name (self, lodge_machine1_get_name (self->machine));
  if (klass->changed != NULL)
    klass->changed (self, changed);
}

static void
drop_machine (LodgeMachineWindow *self)
{
  LodgeMachineWindowClass *klass = LODGE_MACHINE_WINDOW_GET_CLASS (self);

  g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
  if (klass->dropped != NULL)
    klass->dropped (self);
  if (self->machine != NULL)
    g_signal_handlers_disconnect_by_data (self->machine, self);
  g_clear_object (&self->machine);
  if (self->engine != NULL)
    g_signal_handlers_disconnect_by_data (self->engine, self);
  g_clear_object (&self->engine);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachineWindow) self = user_data;
  LodgeMachineWindowClass *klass = LODGE_MACHINE_WINDOW_GET_CLASS (self);
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeMachine1) machine =
      lodge_client_open_machine_finish (LODGE_CLIENT (source), result, &error);

  /* Another engine since, or closed. */
  if (!lodge_machine_window_is_open (self) ||
      lodge_connection_get_client (self->connection) != LODGE_CLIENT (source))
    return;
  if (machine == NULL) {
    g_dbus_error_strip_remote_error (error);
    if (klass->failed != NULL)
      klass->failed (self, error);
    return;
  }
  self->machine = g_steal_pointer (&machine);
  g_signal_connect (self->machine, "g-properties-changed", G_CALLBACK (properties_cb), self);
  set_name (self, lodge_machine1_get_name (self->machine));
  if (klass->opened != NULL)
    klass->opened (self);
}

static void
removed_cb (LodgeEngine1 *engine, const char *uuid, LodgeMachineWindow *self)
{
  if (g_str_equal (uuid, self->uuid))
    gtk_window_destroy (GTK_WINDOW (self));
}

static void
client_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeMachineWindow *self)
{
  LodgeMachineWindowClass *klass = LODGE_MACHINE_WINDOW_GET_CLASS (self);
  LodgeClient *client = lodge_connection_get_client (connection);

  drop_machine (self);
  if (client != NULL) {
    self->engine = g_object_ref (lodge_client_get_engine (client));
    g_signal_connect (self->engine, "machine-removed", G_CALLBACK (removed_cb), self);
    self->opening = g_cancellable_new ();
    lodge_client_open_machine_async (client, self->uuid, self->opening, opened_cb,
                                     g_object_ref (self));
    if (klass->begun != NULL)
      klass->begun (self);
  }
  update (self);
}

/* --- Life --- */

/* A window that is closed may live on in a call that has not come back, and is not disposed of
 * before; gtk_window_destroy() hides it without the signal and then unrealizes it. */
static void
end (LodgeMachineWindow *self)
{
  LodgeMachineWindowClass *klass = LODGE_MACHINE_WINDOW_GET_CLASS (self);

  if (!lodge_machine_window_is_open (self))
    return;
  drop_machine (self);
  if (klass->closed != NULL)
    klass->closed (self);
  g_signal_handlers_disconnect_by_data (self->connection, self);
  g_clear_object (&self->connection);
}

static void
lodge_machine_window_unrealize (GtkWidget *widget)
{
  end (LODGE_MACHINE_WINDOW (widget));
  GTK_WIDGET_CLASS (lodge_machine_window_parent_class)->unrealize (widget);
}

static void
lodge_machine_window_dispose (GObject *object)
{
  end (LODGE_MACHINE_WINDOW (object));
  G_OBJECT_CLASS (lodge_machine_window_parent_class)->dispose (object);
}

static void
lodge_machine_window_finalize (GObject *object)
{
  LodgeMachineWindow *self = LODGE_MACHINE_WINDOW (object);

  g_free (self->uuid);
  g_free (self->name);
  G_OBJECT_CLASS (lodge_machine_window_parent_class)->finalize (object);
}

static void
lodge_machine_window_class_init (LodgeMachineWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_machine_window_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_machine_window_finalize;
  widget_class->unrealize = lodge_machine_window_unrealize;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

static void
lodge_machine_window_init (LodgeMachineWindow *self)
{
}

gboolean
lodge_machine_window_is_open (LodgeMachineWindow *self)
{
  return self->connection != NULL;
}

GtkWidget *
lodge_machine_window_show (
    GType type, GtkWindow *parent, LodgeConnection *connection, const char *uuid, const char *name)
{
  GtkWindow *there = lodge_child_window_find (parent, type, uuid);
  LodgeMachineWindow *self = there != NULL ? LODGE_MACHINE_WINDOW (there) : NULL;

  if (self == NULL) {
    self = g_object_new (type, NULL);
    self->uuid = g_strdup (uuid);
    self->connection = g_object_ref (connection);
    set_name (self, name);
    lodge_child_window_attach (GTK_WINDOW (self), parent);
    lodge_child_window_set_machine (GTK_WINDOW (self), uuid);
    g_signal_connect (connection, "notify::client", G_CALLBACK (client_cb), self);
    g_signal_connect_swapped (connection, "notify::problem", G_CALLBACK (update), self);
    client_cb (connection, NULL, self);
  }
  gtk_window_present (GTK_WINDOW (self));
  return GTK_WIDGET (self);
}
