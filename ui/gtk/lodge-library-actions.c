/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the library window does with one machine. */
#include "gtk/lodge-library-window-private.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-clone-window.h"
#include "gtk/lodge-machine-name.h"
#include "gtk/lodge-machine-operation.h"
#include "gtk/lodge-machine-windows.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-outside-ask.h"
#include "gtk/lodge-suspend.h"
#include "gtk/lodge-window-parts.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* One thing asked of one machine, from the question to its answer. Counted: the question's window
 * and the call that follows share it. */
typedef struct {
  LodgeLibraryWindow *window; /* owned */
  char *uuid;
  char *name;
  LodgeMachineOperation operation;
  gboolean then_open;
  /* A question applies only while the machine can this and, where it is not 0, is in that state. */
  LodgeMachineCan can;
  LodgeMachineState state;
  GtkEditable *entry; /* of the rename dialog, owned by it */
} Ask;

static Ask *
ask_new (LodgeLibraryWindow *window, const char *uuid, LodgeMachineOperation operation)
{
  LodgeMachineItem *item = lodge_machine_list_find (window->machines, uuid);
  Ask *ask = g_rc_box_new0 (Ask);

  ask->window = g_object_ref (window);
  ask->uuid = g_strdup (uuid);
  ask->name = g_strdup (item != NULL ? lodge_machine_item_get_name (item) : uuid);
  ask->operation = operation;
  return ask;
}

static void
ask_clear (gpointer data)
{
  Ask *ask = data;

  g_object_unref (ask->window);
  g_free (ask->uuid);
  g_free (ask->name);
}

static void
ask_unref (Ask *ask)
{
  g_rc_box_release_full (ask, ask_clear);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Ask, ask_unref)

static void
question_gone (gpointer data, GClosure *closure)
{
  ask_unref (data);
}

/* FALSE after the window has been closed: there is nobody left to tell. */
static gboolean
is_there (LodgeLibraryWindow *window)
{
  /* It may live on in the call that is answered. */
  return window->connection != NULL && gtk_widget_get_visible (GTK_WIDGET (window));
}

/* The machine has changed while it is asked about. */
static void
follow_cb (AdwMessageDialog *dialog)
{
  Ask *ask = g_object_get_data (G_OBJECT (dialog), "lodge-ask");
  LodgeMachineItem *item =
      is_there (ask->window) ? lodge_machine_list_find (ask->window->machines, ask->uuid) : NULL;
  LodgeMachineState state;

  if (item != NULL) {
    state = lodge_machine_item_get_state (item);
    if ((ask->can == 0 || (lodge_machine_state_get_can (state) & ask->can) != 0) &&
        (ask->state == 0 || state == ask->state))
      return;
  }
  /* As cancelling does. */
  gtk_window_close (GTK_WINDOW (dialog));
}

/* Shows a question; @answered is called with @ask (taken), which goes with the question. It is
 * taken back when it does not apply any more. */
static void
show_question (AdwMessageDialog *dialog, GCallback answered, Ask *ask)
{
  LodgeMachineItem *item = lodge_machine_list_find (ask->window->machines, ask->uuid);

  g_object_set_data (G_OBJECT (dialog), "lodge-ask", ask);
  g_signal_connect_data (dialog, "response", answered, ask, question_gone, 0);
  if (item != NULL)
    g_signal_connect_object (item, "notify::state", G_CALLBACK (follow_cb), dialog,
                             G_CONNECT_SWAPPED);
  g_signal_connect_object (ask->window->machines, "items-changed", G_CALLBACK (follow_cb), dialog,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
  /* It may have changed since it was asked for. */
  follow_cb (dialog);
}

static void
open_console (LodgeLibraryWindow *self, const char *uuid)
{
  g_autoptr (GError) error = NULL;

  if (!lodge_console_launcher_show (self->launcher, uuid,
                                    gtk_widget_get_display (GTK_WIDGET (self)), &error))
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Open the Console"), error);
}

static void operate (Ask *ask);
static void show_clone (LodgeLibraryWindow *self, const char *uuid);

static void
accepted_cb (gpointer user_data)
{
  operate (g_rc_box_acquire (user_data));
}

static void
ask_gone (gpointer user_data)
{
  ask_unref (user_data);
}

static void
operated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Ask) ask = user_data;
  g_autoptr (GError) error = NULL;
  const gboolean done = lodge_machine_operate_finish (LODGE_CLIENT (source), result, &error);

  if (ask->then_open)
    g_hash_table_remove (ask->window->starting, ask->uuid);
  if (!is_there (ask->window))
    return;

  if (!done) {
    g_autofree char *heading = lodge_machine_operation_dup_failure (ask->operation, ask->name);

    if (ask->operation == LODGE_MACHINE_START || ask->operation == LODGE_MACHINE_START_DISPOSABLE)
      lodge_outside_ask (GTK_WINDOW (ask->window), LODGE_CLIENT (source), ask->uuid, ask->name,
                         heading, error, accepted_cb, g_rc_box_acquire (ask), ask_gone);
    else
      lodge_message_show_error (GTK_WINDOW (ask->window), heading, error);
  } else if (ask->then_open) {
    open_console (ask->window, ask->uuid);
  }
}

/* Takes @ask. */
static void
operate (Ask *ask)
{
  LodgeClient *client =
      is_there (ask->window) ? lodge_connection_get_client (ask->window->connection) : NULL;

  if (client == NULL) {
    if (is_there (ask->window)) {
      g_autofree char *heading = lodge_machine_operation_dup_failure (ask->operation, ask->name);

      lodge_message_show_away (GTK_WINDOW (ask->window), heading);
    }
    ask_unref (ask);
    return;
  }

  if (ask->then_open)
    g_hash_table_add (ask->window->starting, g_strdup (ask->uuid));
  lodge_machine_operate_async (client, ask->uuid, ask->operation, NULL, operated_cb, ask);
}

void
lodge_library_window_start_and_open (LodgeLibraryWindow *self, const char *uuid)
{
  LodgeMachineItem *item;
  Ask *ask;

  g_return_if_fail (LODGE_IS_LIBRARY_WINDOW (self));

  /* A second click while it is on its way is not a second start. */
  if (g_hash_table_contains (self->starting, uuid))
    return;

  item = lodge_machine_list_find (self->machines, uuid);
  /* One that is being made is not there yet. */
  if (item != NULL && lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_MAKING)
    return;
  if (item != NULL && lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_TEMPLATE) {
    show_clone (self, uuid);
    return;
  }
  if (item != NULL && (lodge_machine_state_get_can (lodge_machine_item_get_state (item)) &
                       LODGE_MACHINE_CAN_START) == 0) {
    open_console (self, uuid);
    return;
  }

  /* Not in the list yet: it was created this moment, and is off. */
  ask = ask_new (self, uuid, LODGE_MACHINE_START);
  ask->then_open = TRUE;
  operate (ask);
}

static void
answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Ask *ask = user_data;

  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    operate (g_rc_box_acquire (ask));
}

static void
ask_kill (LodgeLibraryWindow *self, const char *uuid)
{
  LodgeMachineItem *item = lodge_machine_list_find (self->machines, uuid);
  Ask *ask = ask_new (self, uuid, LODGE_MACHINE_KILL);
  g_autofree char *heading = g_strdup_printf (_ ("Force Off “%s”?"), ask->name);
  AdwMessageDialog *dialog = lodge_message_ask (
      GTK_WINDOW (self), heading,
      _ ("This is like pulling the plug: what the guest has not saved is lost."), _ ("_Force Off"));

  /* A crashed one may still have its QEMU. */
  ask->can = LODGE_MACHINE_CAN_KILL;
  if (item != NULL && lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_CRASHED) {
    ask->can = 0;
    ask->state = LODGE_MACHINE_STATE_CRASHED;
  }
  show_question (dialog, G_CALLBACK (answered_cb), ask);
}

static void
ask_reset (LodgeLibraryWindow *self, const char *uuid)
{
  Ask *ask = ask_new (self, uuid, LODGE_MACHINE_RESET);
  g_autofree char *heading = g_strdup_printf (_ ("Reset “%s”?"), ask->name);
  AdwMessageDialog *dialog = lodge_message_ask (
      GTK_WINDOW (self), heading,
      _ ("The guest starts again at once: what it has not saved is lost."), _ ("_Reset"));

  ask->can = LODGE_MACHINE_CAN_RESET;
  show_question (dialog, G_CALLBACK (answered_cb), ask);
}

static void
ask_discard (LodgeLibraryWindow *self, const char *uuid)
{
  Ask *ask = ask_new (self, uuid, LODGE_MACHINE_DISCARD);
  g_autofree char *heading = g_strdup_printf (_ ("Discard the Saved State of “%s”?"), ask->name);
  AdwMessageDialog *dialog =
      lodge_message_ask (GTK_WINDOW (self), heading, lodge_suspend_get_loss (), _ ("_Discard"));

  ask->can = LODGE_MACHINE_CAN_DISCARD;
  show_question (dialog, G_CALLBACK (answered_cb), ask);
}

/* Somebody else's as well as this program's; the machine's state tells of the end. */
static void
cancel_work (LodgeLibraryWindow *self, const char *uuid)
{
  LodgeMachineItem *item = lodge_machine_list_find (self->machines, uuid);
  LodgeJob1 *work = item != NULL ? lodge_machine_item_get_work (item) : NULL;

  if (work != NULL)
    lodge_job1_call_cancel (work, NULL, NULL, NULL);
}

/* The card has room for its beginning only. */
static void
show_note (LodgeLibraryWindow *self, const char *uuid)
{
  LodgeMachineItem *item = lodge_machine_list_find (self->machines, uuid);

  if (item != NULL)
    lodge_message_show (GTK_WINDOW (self), lodge_machine_item_get_name (item),
                        lodge_machine_item_get_note (item));
}

static void
cancel_suspend (LodgeLibraryWindow *self, const char *uuid)
{
  LodgeClient *client = lodge_connection_get_client (self->connection);

  if (client == NULL)
    lodge_message_show_away (GTK_WINDOW (self), _ ("Could Not Cancel Suspending"));
  else
    lodge_suspend_cancel (client, uuid);
}

static char *
dup_what_goes (LodgeMachine1 *machine, LodgeMachineState state)
{
  /* Translators: %s is the path of a folder. */
  g_autofree char *body =
      g_strdup_printf (_ ("Its disks with all that is on them, its snapshots and its settings are "
                          "deleted for good: everything in %s. Files elsewhere, such as installer "
                          "images, are kept, and its clones stay as they are, linked ones, too."),
                       lodge_machine1_get_folder (machine));

  if (state != LODGE_MACHINE_STATE_SUSPENDED)
    return g_steal_pointer (&body);
  return g_strdup_printf ("%s\n\n%s", body,
                          _ ("It is suspended: the guest’s memory, with everything that is open in "
                             "it and not saved, goes, too."));
}

/* The full object is opened to name the folder that goes. */
static void
opened_for_delete_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Ask) ask = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeMachine1) machine =
      lodge_client_open_machine_finish (LODGE_CLIENT (source), result, &error);
  g_autofree char *heading = NULL, *body = NULL;
  AdwMessageDialog *dialog;

  if (!is_there (ask->window))
    return;

  if (machine == NULL) {
    heading = lodge_machine_operation_dup_failure (LODGE_MACHINE_DELETE, ask->name);
    g_dbus_error_strip_remote_error (error);
    lodge_message_show_error (GTK_WINDOW (ask->window), heading, error);
    return;
  }

  heading = g_strdup_printf (_ ("Delete “%s”?"), ask->name);
  body = dup_what_goes (machine, ask->state);
  dialog = lodge_message_ask (GTK_WINDOW (ask->window), heading, body, _ ("_Delete"));
  show_question (dialog, G_CALLBACK (answered_cb), g_steal_pointer (&ask));
}

/* Why a machine cannot be deleted now, and what to do first; NULL: it can. */
static const char *
get_delete_obstacle (LodgeMachineItem *item)
{
  const LodgeMachineState state = lodge_machine_item_get_state (item);

  if (lodge_machine_item_get_cloned (item))
    return _ ("It is being cloned: wait until that is done, or cancel it.");
  if ((lodge_machine_state_get_can (state) & LODGE_MACHINE_CAN_DELETE) != 0)
    return NULL;
  if (state == LODGE_MACHINE_STATE_MAKING)
    return _ ("It is not there yet: cancel what makes it, in its menu.");
  if (state == LODGE_MACHINE_STATE_LOOKING)
    return _ ("Whether it runs is being found out: try again in a few seconds.");
  return _ ("It is in use: shut it down or force it off first.");
}

static void
show_obstacle (LodgeLibraryWindow *self, const char *heading, const char *sentence)
{
  g_autoptr (GError) error = g_error_new_literal (LODGE_ERROR, LODGE_ERROR_STATE, sentence);

  lodge_message_show_error (GTK_WINDOW (self), heading, error);
}

static void
ask_delete (LodgeLibraryWindow *self, const char *uuid)
{
  LodgeMachineItem *item = lodge_machine_list_find (self->machines, uuid);
  LodgeClient *client = lodge_connection_get_client (self->connection);
  const char *obstacle;
  Ask *ask;

  if (item == NULL)
    return;

  obstacle = get_delete_obstacle (item);
  if (obstacle != NULL || client == NULL) {
    g_autofree char *heading = lodge_machine_operation_dup_failure (
        LODGE_MACHINE_DELETE, lodge_machine_item_get_name (item));

    if (client == NULL)
      lodge_message_show_away (GTK_WINDOW (self), heading);
    else
      show_obstacle (self, heading, obstacle);
    return;
  }

  ask = ask_new (self, uuid, LODGE_MACHINE_DELETE);
  /* What goes depends on it. */
  ask->state = lodge_machine_item_get_state (item);
  lodge_client_open_machine_async (client, uuid, NULL, opened_for_delete_cb, ask);
}

static void
renamed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Ask) ask = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *heading = NULL;

  if (lodge_machine_operate_finish (LODGE_CLIENT (source), result, &error) ||
      !is_there (ask->window))
    return;

  heading = g_strdup_printf (_ ("Could Not Rename “%s”"), ask->name);
  lodge_message_show_error (GTK_WINDOW (ask->window), heading, error);
}

static void
rename_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Ask *ask = user_data;
  LodgeClient *client =
      is_there (ask->window) ? lodge_connection_get_client (ask->window->connection) : NULL;
  const char *name = gtk_editable_get_text (ask->entry);

  if (!g_str_equal (response, LODGE_MESSAGE_ACT) || !is_there (ask->window))
    return;
  if (client == NULL) {
    g_autofree char *heading = g_strdup_printf (_ ("Could Not Rename “%s”"), ask->name);

    lodge_message_show_away (GTK_WINDOW (ask->window), heading);
    return;
  }
  lodge_machine_set_async (client, ask->uuid, "machine.name", name, NULL, renamed_cb,
                           g_rc_box_acquire (ask));
}

static void
rename_changed_cb (GtkEditable *entry, Ask *ask)
{
  AdwMessageDialog *dialog = ADW_MESSAGE_DIALOG (gtk_widget_get_root (GTK_WIDGET (entry)));
  g_autofree char *problem = lodge_machine_name_check (
      gtk_editable_get_text (entry), G_LIST_MODEL (ask->window->machines), ask->name);

  adw_message_dialog_set_response_enabled (dialog, LODGE_MESSAGE_ACT, problem == NULL);
  adw_message_dialog_set_body (dialog, problem != NULL ? problem : "");
}

static void
ask_rename (LodgeLibraryWindow *self, const char *uuid)
{
  LodgeMachineItem *item = lodge_machine_list_find (self->machines, uuid);

  if (item == NULL || lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_MAKING)
    return;
  Ask *ask = ask_new (self, uuid, LODGE_MACHINE_START);
  AdwMessageDialog *dialog =
      lodge_message_ask (GTK_WINDOW (self), _ ("Rename Machine"), NULL, _ ("_Rename"));
  GtkWidget *list = GTK_WIDGET (lodge_boxed_list_new ());
  GtkWidget *row = adw_entry_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ ("Name"));
  adw_entry_row_set_activates_default (ADW_ENTRY_ROW (row), TRUE);
  gtk_editable_set_text (GTK_EDITABLE (row), ask->name);
  gtk_list_box_append (GTK_LIST_BOX (list), row);
  ask->entry = GTK_EDITABLE (row);

  adw_message_dialog_set_extra_child (dialog, list);
  adw_message_dialog_set_response_appearance (dialog, LODGE_MESSAGE_ACT, ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (dialog, LODGE_MESSAGE_ACT);
  g_signal_connect (row, "changed", G_CALLBACK (rename_changed_cb), ask);
  show_question (dialog, G_CALLBACK (rename_answered_cb), ask);
  gtk_widget_grab_focus (row);
}

static void
show_clone (LodgeLibraryWindow *self, const char *uuid)
{
  LodgeMachineItem *item = lodge_machine_list_find (self->machines, uuid);
  GtkWidget *window;

  if (item == NULL || lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_MAKING)
    return;
  window = lodge_clone_window_new (self->connection, G_LIST_MODEL (self->machines), uuid,
                                   lodge_machine_item_get_name (item));
  if (lodge_machine_item_get_state (item) == LODGE_MACHINE_STATE_TEMPLATE)
    lodge_clone_window_prefer_linked (LODGE_CLONE_WINDOW (window));
  lodge_child_window_attach (GTK_WINDOW (window), GTK_WINDOW (self));
  gtk_window_present (GTK_WINDOW (window));
}

static void
marked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Ask) ask = user_data;
  g_autoptr (GError) error = NULL;

  if (!lodge_machine_operate_finish (LODGE_CLIENT (source), result, &error) &&
      is_there (ask->window))
    lodge_message_show_error (GTK_WINDOW (ask->window), _ ("Could Not Change the Machine"), error);
}

static void
mark (LodgeLibraryWindow *self, const char *uuid, const char *text)
{
  LodgeClient *client = lodge_connection_get_client (self->connection);

  if (client == NULL)
    lodge_message_show_away (GTK_WINDOW (self), _ ("Could Not Change the Machine"));
  else
    lodge_machine_set_async (client, uuid, "machine.template", text, NULL, marked_cb,
                             ask_new (self, uuid, LODGE_MACHINE_START));
}

static void
make_template (LodgeLibraryWindow *self, const char *uuid)
{
  mark (self, uuid, "true");
}

static void
unmake_template (LodgeLibraryWindow *self, const char *uuid)
{
  mark (self, uuid, "false");
}

typedef struct {
  const char *name;
  LodgeMachineOperation operation; /* done at once when there is no @ask */
  void (*ask) (LodgeLibraryWindow *self, const char *uuid);
} ActionRow;

static const ActionRow actions[] = {
    {"machine.start", LODGE_MACHINE_START, NULL},
    {"machine.start-disposable", LODGE_MACHINE_START_DISPOSABLE, NULL},
    {"machine.open", LODGE_MACHINE_START, open_console},
    {"machine.pause", LODGE_MACHINE_PAUSE, NULL},
    {"machine.resume", LODGE_MACHINE_RESUME, NULL},
    {"machine.shutdown", LODGE_MACHINE_SHUTDOWN, NULL},
    {"machine.suspend", LODGE_MACHINE_SUSPEND, NULL},
    {"machine.cancel-suspend", LODGE_MACHINE_SUSPEND, cancel_suspend},
    {"machine.cancel-work", LODGE_MACHINE_START, cancel_work},
    {"machine.note", LODGE_MACHINE_START, show_note},
    {"machine.discard", LODGE_MACHINE_DISCARD, ask_discard},
    {"machine.reset", LODGE_MACHINE_RESET, ask_reset},
    {"machine.kill", LODGE_MACHINE_KILL, ask_kill},
    {"machine.clone", LODGE_MACHINE_START, show_clone},
    {"machine.instantiate", LODGE_MACHINE_START, show_clone},
    {"machine.make-template", LODGE_MACHINE_START, make_template},
    {"machine.unmake-template", LODGE_MACHINE_START, unmake_template},
    {"machine.rename", LODGE_MACHINE_START, ask_rename},
    {"machine.delete", LODGE_MACHINE_DELETE, ask_delete},
};

static void
window_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeLibraryWindow *self = LODGE_LIBRARY_WINDOW (widget);
  const char *uuid = g_variant_get_string (parameter, NULL);
  LodgeMachineItem *item = lodge_machine_list_find (self->machines, uuid);

  lodge_machine_windows_show (name, GTK_WINDOW (self), self->connection, uuid,
                              item != NULL ? lodge_machine_item_get_name (item) : uuid);
}

static void
machine_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeLibraryWindow *self = LODGE_LIBRARY_WINDOW (widget);
  const char *uuid = g_variant_get_string (parameter, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
    if (!g_str_equal (name, actions[i].name))
      continue;

    if (actions[i].ask != NULL)
      actions[i].ask (self, uuid);
    else
      operate (ask_new (self, uuid, actions[i].operation));
  }
}

void
lodge_library_actions_init (GtkWidgetClass *widget_class)
{
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (widget_class, actions[i].name, "s", machine_action);
  lodge_machine_windows_install (widget_class, "machine", "s", window_action);
}
