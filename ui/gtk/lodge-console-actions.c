/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the console window asks of its machine. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-machine-operation.h"
#include "gtk/lodge-machine-windows.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-outside-ask.h"
#include "gtk/lodge-suspend.h"

#include <glib/gi18n-lib.h>

typedef struct {
  const char *action;
  LodgeMachineOperation operation;
  LodgeMachineCan can;
  /* For what loses something: a question, its explanation, and the button that does it. */
  const char *question;
  const char *body;
  const char *button;
} PowerRow;

static const PowerRow powers[] = {
    {"console.start", LODGE_MACHINE_START, LODGE_MACHINE_CAN_START, NULL, NULL, NULL},
    {"console.pause", LODGE_MACHINE_PAUSE, LODGE_MACHINE_CAN_PAUSE, NULL, NULL, NULL},
    {"console.resume", LODGE_MACHINE_RESUME, LODGE_MACHINE_CAN_RESUME, NULL, NULL, NULL},
    {"console.shutdown", LODGE_MACHINE_SHUTDOWN, LODGE_MACHINE_CAN_SHUTDOWN, NULL, NULL, NULL},
    {"console.wake", LODGE_MACHINE_WAKE, LODGE_MACHINE_CAN_PAUSE, NULL, NULL, NULL},
    {"console.reset", LODGE_MACHINE_RESET, LODGE_MACHINE_CAN_RESET, N_ ("Reset the Machine?"),
     N_ ("The guest starts again at once: what it has not saved is lost."), N_ ("_Reset")},
    {"console.kill", LODGE_MACHINE_KILL, LODGE_MACHINE_CAN_KILL, N_ ("Force the Machine Off?"),
     N_ ("This is like pulling the plug: what the guest has not saved is lost."),
     N_ ("_Force Off")},
    {"console.suspend", LODGE_MACHINE_SUSPEND, LODGE_MACHINE_CAN_SUSPEND, NULL, NULL, NULL},
    {"console.discard", LODGE_MACHINE_DISCARD, LODGE_MACHINE_CAN_DISCARD,
     N_ ("Discard the Saved State?"), lodge_suspend_loss, N_ ("_Discard")},
};

typedef struct {
  LodgeConsoleWindow *window; /* owned */
  LodgeMachineOperation operation;
} Ask;

static void operate (LodgeConsoleWindow *self, LodgeMachineOperation operation);

static void
accepted_cb (gpointer user_data)
{
  if (lodge_console_window_is_open (user_data))
    operate (user_data, LODGE_MACHINE_START);
}

static void
operated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Ask *ask = user_data;
  g_autoptr (LodgeConsoleWindow) self = ask->window;
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_operate_finish (LODGE_CLIENT (source), result, &error) &&
      lodge_console_window_is_open (self)) {
    g_autofree char *heading = lodge_machine_operation_dup_failure (
        ask->operation, lodge_console_machine_get_name (self->machine));

    if (ask->operation == LODGE_MACHINE_START)
      lodge_outside_ask (GTK_WINDOW (self), LODGE_CLIENT (source),
                         lodge_console_machine_get_uuid (self->machine),
                         lodge_console_machine_get_name (self->machine), heading, error,
                         accepted_cb, g_object_ref (self), g_object_unref);
    else
      lodge_message_show_error (GTK_WINDOW (self), heading, error);
  }
}

static void
operate (LodgeConsoleWindow *self, LodgeMachineOperation operation)
{
  LodgeClient *client =
      self->connection != NULL ? lodge_connection_get_client (self->connection) : NULL;
  const char *uuid = self->machine != NULL ? lodge_console_machine_get_uuid (self->machine) : NULL;
  Ask *ask;

  if (client == NULL || uuid == NULL)
    return;

  ask = g_new0 (Ask, 1);
  ask->window = g_object_ref (self);
  ask->operation = operation;
  lodge_machine_operate_async (client, uuid, operation, NULL, operated_cb, ask);
}

static LodgeMachineCan
get_can (LodgeConsoleWindow *self)
{
  const gboolean there = lodge_console_machine_get_machine (self->machine) != NULL;
  const LodgeMachineState state = lodge_console_machine_get_state (self->machine);
  /* A guest that has panicked: its QEMU is still there, with its memory and its picture. */
  const gboolean stands = there && state == LODGE_MACHINE_STATE_CRASHED &&
                          lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_SHOWN;

  return (there ? lodge_machine_state_get_can (state) : 0) | (stands ? LODGE_MACHINE_CAN_KILL : 0);
}

/* A question that does not apply any more is taken back, as if it had been cancelled. */
static void
follow_cb (LodgeConsoleMachine *machine, AdwMessageDialog *dialog)
{
  const PowerRow *row = g_object_get_data (G_OBJECT (dialog), "lodge-power");
  LodgeConsoleWindow *self =
      LODGE_CONSOLE_WINDOW (gtk_window_get_transient_for (GTK_WINDOW (dialog)));

  if (lodge_console_window_is_open (self) && (get_can (self) & row->can) == 0)
    gtk_window_close (GTK_WINDOW (dialog));
}

static void
answered_cb (AdwMessageDialog *dialog, const char *response, LodgeConsoleWindow *self)
{
  const PowerRow *row = g_object_get_data (G_OBJECT (dialog), "lodge-power");

  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    operate (self, row->operation);
}

static void
power_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (widget);

  for (guint i = 0; i < G_N_ELEMENTS (powers); i++) {
    AdwMessageDialog *dialog;

    if (!g_str_equal (powers[i].action, name))
      continue;

    if (powers[i].question == NULL) {
      operate (self, powers[i].operation);
      return;
    }

    dialog = lodge_message_ask (GTK_WINDOW (self), _ (powers[i].question), _ (powers[i].body),
                                _ (powers[i].button));
    g_object_set_data (G_OBJECT (dialog), "lodge-power", (gpointer) &powers[i]);
    g_signal_connect_object (dialog, "response", G_CALLBACK (answered_cb), self, 0);
    g_signal_connect_object (self->machine, "changed", G_CALLBACK (follow_cb), dialog, 0);
    gtk_window_present (GTK_WINDOW (dialog));
  }
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleWindow) self = user_data;
  g_autoptr (GError) error = NULL;

  if (lodge_machine1_call_send_keys_finish (LODGE_MACHINE1 (source), result, &error) ||
      !lodge_console_window_is_open (self))
    return;

  g_dbus_error_strip_remote_error (error);
  lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Send the Keys"), error);
}

static void
send_keys_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (widget);
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);

  if (machine != NULL)
    lodge_machine1_call_send_keys (machine, g_variant_get_string (parameter, NULL), NULL, sent_cb,
                                   g_object_ref (self));
  gtk_widget_grab_focus (GTK_WIDGET (lodge_console_beside_get_screen (self)));
}

static void
window_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (widget);
  const char *uuid = lodge_console_machine_get_uuid (self->machine);

  if (uuid != NULL)
    lodge_machine_windows_show (name, GTK_WINDOW (self), self->connection, uuid,
                                lodge_console_machine_get_name (self->machine));
}

void
lodge_console_actions_init (GtkWidgetClass *widget_class)
{
  for (guint i = 0; i < G_N_ELEMENTS (powers); i++)
    gtk_widget_class_install_action (widget_class, powers[i].action, NULL, power_action);
  gtk_widget_class_install_action (widget_class, "console.send-keys", "s", send_keys_action);
  lodge_machine_windows_install (widget_class, "console", NULL, window_action);
}

void
lodge_console_actions_update (LodgeConsoleWindow *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  const gboolean there = lodge_console_machine_get_machine (self->machine) != NULL;
  const LodgeMachineState state = lodge_console_machine_get_state (self->machine);
  const LodgeMachineCan can = get_can (self);
  const gboolean stands =
      state == LODGE_MACHINE_STATE_CRASHED && (can & LODGE_MACHINE_CAN_KILL) != 0;

  for (guint i = 0; i < G_N_ELEMENTS (powers); i++)
    gtk_widget_action_set_enabled (widget, powers[i].action, (can & powers[i].can) != 0);
  /* Of a run of which nothing is kept there is nothing to go on from. */
  if (there && lodge_machine1_get_disposable (lodge_console_machine_get_machine (self->machine)))
    gtk_widget_action_set_enabled (widget, "console.suspend", FALSE);
  gtk_widget_action_set_enabled (
      widget, "console.wake",
      there && lodge_machine1_get_asleep (lodge_console_machine_get_machine (self->machine)));
  gtk_widget_action_set_enabled (widget, "console.snapshots", there);
  /* One that was deleted has nothing to be shared with; an engine that is away comes back. */
  gtk_widget_action_set_enabled (widget, "console.shared",
                                 lodge_console_machine_get_phase (self->machine) !=
                                     LODGE_CONSOLE_GONE);
  gtk_widget_action_set_enabled (widget, "console.storage", there);
  gtk_widget_action_set_enabled (widget, "console.encryption", there);
  gtk_widget_action_set_enabled (widget, "console.logout", there);
  gtk_widget_action_set_enabled (widget, "console.fetch", there);
  gtk_widget_action_set_enabled (widget, "console.send-keys", (can & LODGE_MACHINE_CAN_SHOW) != 0);
  gtk_widget_action_set_enabled (widget, "console.screenshot",
                                 (can & LODGE_MACHINE_CAN_SHOW) != 0 || stands);

  gtk_widget_set_visible (self->start_button, (can & LODGE_MACHINE_CAN_START) != 0);
  gtk_widget_set_visible (self->resume_button, (can & LODGE_MACHINE_CAN_RESUME) != 0);
  /* Disabled rather than gone in between, so that the header does not jump. */
  gtk_widget_set_visible (self->pause_button,
                          (can & (LODGE_MACHINE_CAN_START | LODGE_MACHINE_CAN_RESUME)) == 0);
  gtk_widget_set_sensitive (self->power_button,
                            (can & (LODGE_MACHINE_CAN_KILL | LODGE_MACHINE_CAN_DISCARD)) != 0);
  gtk_widget_set_sensitive (self->keys_button, (can & LODGE_MACHINE_CAN_SHOW) != 0);
}
