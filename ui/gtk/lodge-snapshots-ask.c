/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked before something is done with a snapshot. */
#include "gtk/lodge-snapshots-window-private.h"

#include "gtk/lodge-machine-name.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-window-parts.h"

#include <glib/gi18n-lib.h>

/* One question; goes with its window. */
typedef struct {
  LodgeSnapshotsWindow *window; /* owned */
  AdwMessageDialog *dialog;
  char *id;
  char *name;
  GtkEditable *name_entry; /* these belong to the dialog */
  GtkEditable *description_entry;
  GtkCheckButton *discard;
  gboolean memory;            /* the snapshot has it */
  GtkCheckButton *disks_only; /* or NULL: there is no memory to leave alone */
  gboolean takes;             /* a new one */
  gboolean returns;           /* to one */
  gboolean ends;              /* a guest that runs */
} Ask;

static void
ask_free (gpointer data, GClosure *closure)
{
  Ask *ask = data;

  g_object_unref (ask->window);
  g_free (ask->id);
  g_free (ask->name);
  g_free (ask);
}

static Ask *
ask_new (LodgeSnapshotsWindow *window, const LodgeSnapshotRow *row)
{
  Ask *ask = g_new0 (Ask, 1);

  ask->window = g_object_ref (window);
  ask->id = g_strdup (row != NULL ? row->id : "");
  ask->name = g_strdup (row != NULL ? row->name : "");
  return ask;
}

static void
forget_cb (AdwMessageDialog *dialog, const char *response, Ask *ask)
{
  if (ask->window->question == dialog)
    g_clear_weak_pointer (&ask->window->question);
}

/* Takes @ask. */
static void
show (Ask *ask, GCallback answered)
{
  g_set_weak_pointer (&ask->window->question, ask->dialog);
  g_object_set_data (G_OBJECT (ask->dialog), "lodge-ask", ask);
  /* First: what is answered is not taken back by what comes of it. */
  g_signal_connect (ask->dialog, "response", G_CALLBACK (forget_cb), ask);
  g_signal_connect_data (ask->dialog, "response", answered, ask, ask_free, 0);
  /* The window may be closed by what happens elsewhere; it is not destroyed while this holds it. */
  g_signal_connect_object (ask->window, "unrealize", G_CALLBACK (gtk_window_close), ask->dialog,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (ask->dialog));
  /* Enter does what the button says, and switches nothing. */
  gtk_widget_grab_focus (ask->name_entry != NULL
                             ? GTK_WIDGET (ask->name_entry)
                             : gtk_window_get_default_widget (GTK_WINDOW (ask->dialog)));
}

static const LodgeSnapshotRow *
find (LodgeSnapshotsWindow *self, const char *id)
{
  return self->rows != NULL ? lodge_snapshot_tree_find (self->rows, id) : NULL;
}

static void changed_cb (GtkEditable *entry, Ask *ask);
static char *dup_what_is_kept (LodgeSnapshotsWindow *self);

void
lodge_snapshots_ask_update (LodgeSnapshotsWindow *self)
{
  Ask *ask =
      self->question != NULL ? g_object_get_data (G_OBJECT (self->question), "lodge-ask") : NULL;
  g_autofree char *obstacle = NULL;

  /* While the engine is away nothing is known, and it comes back. */
  if (ask == NULL || self->base.machine == NULL || self->rows == NULL)
    return;
  obstacle = lodge_snapshots_window_dup_obstacle (self);
  /* The words of before stay for a moment, as the window's do. */
  if (ask->takes &&
      (self->check != LODGE_SNAPSHOTS_CHECK_ASKED || lodge_snapshots_check_is_slow (self)))
    g_object_set_data_full (G_OBJECT (ask->dialog), "body", dup_what_is_kept (self), g_free);
  /* What was typed stays: it waits for the end of what goes on, such as one that was due. */
  if (ask->name_entry != NULL)
    changed_cb (ask->name_entry, ask);
  if ((self->work != NULL && ask->name_entry == NULL) ||
      (ask->takes && self->check == LODGE_SNAPSHOTS_CHECK_KNOWN && self->blocked) ||
      (ask->returns && (obstacle != NULL || ask->ends != lodge_snapshots_window_is_live (self))) ||
      (*ask->id != '\0' && find (self, ask->id) == NULL))
    /* As cancelling does. */
    gtk_window_close (GTK_WINDOW (self->question));
}

/* --- Name and description --- */

static void
changed_cb (GtkEditable *entry, Ask *ask)
{
  const char *name = gtk_editable_get_text (ask->name_entry);
  const gboolean taken = !g_str_equal (name, ask->name) && ask->window->rows != NULL &&
                         lodge_snapshot_tree_has_name (ask->window->rows, name);
  g_autofree char *problem = NULL;

  if (taken)
    problem = g_strdup_printf (_ ("There is already a snapshot “%s”."), name);
  else if (*name != '\0')
    /* The same rules as for a machine's. */
    problem = lodge_machine_name_check (name, NULL, NULL);
  adw_message_dialog_set_response_enabled (
      ask->dialog, LODGE_MESSAGE_ACT,
      *name != '\0' && problem == NULL && ask->window->work == NULL &&
          (!ask->takes || lodge_snapshots_check_allows (ask->window)));
  if (problem != NULL)
    adw_message_dialog_set_body (ask->dialog, problem);
  else
    adw_message_dialog_set_body (ask->dialog, g_object_get_data (G_OBJECT (ask->dialog), "body"));
}

/* One line: what was pasted may have had several. (transfer full) */
static char *
dup_description (const Ask *ask)
{
  char *text = g_strdup (gtk_editable_get_text (ask->description_entry));

  return g_strstrip (g_strdelimit (text, "\r\n\t", ' '));
}

static GtkEditable *
add_entry (GtkListBox *list, const char *title, const char *text)
{
  GtkWidget *row = adw_entry_row_new ();

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), title);
  adw_entry_row_set_activates_default (ADW_ENTRY_ROW (row), TRUE);
  gtk_editable_set_text (GTK_EDITABLE (row), text);
  gtk_list_box_append (list, row);
  return GTK_EDITABLE (row);
}

static void
add_entries (Ask *ask, const char *body, const char *name, const char *description)
{
  GtkListBox *list = lodge_boxed_list_new ();

  ask->name_entry = add_entry (list, _ ("Name"), name);
  ask->description_entry = add_entry (list, _ ("Description"), description);
  adw_message_dialog_set_extra_child (ask->dialog, GTK_WIDGET (list));
  adw_message_dialog_set_response_appearance (ask->dialog, LODGE_MESSAGE_ACT,
                                              ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (ask->dialog, LODGE_MESSAGE_ACT);
  g_object_set_data_full (G_OBJECT (ask->dialog), "body", g_strdup (body), g_free);
  g_signal_connect (ask->name_entry, "changed", G_CALLBACK (changed_cb), ask);
  /* What is awaited already is awaited here too. */
  changed_cb (ask->name_entry, ask);
}

/* --- Take --- */

static void
take_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Ask *ask = user_data;
  const char *name = gtk_editable_get_text (ask->name_entry);
  g_autofree char *description = dup_description (ask);

  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    lodge_snapshots_work_call (
        ask->window, "CreateSnapshot",
        g_variant_new ("(ss@a{sv})", name, description, g_variant_new_parsed ("@a{sv} {}")),
        g_strdup (_ ("Could Not Take the Snapshot")));
}

/* What is less is not noticed. */
#define STANDSTILL_TOLD_MS 500

static char *
dup_what_is_kept (LodgeSnapshotsWindow *self)
{
  g_autofree char *size = g_format_size_full (self->memory_bytes, G_FORMAT_SIZE_IEC_UNITS);

  if (self->check == LODGE_SNAPSHOTS_CHECK_ASKED)
    return g_strdup (_ ("What it would hold now is being looked into."));
  if (self->check == LODGE_SNAPSHOTS_CHECK_FAILED && lodge_snapshots_window_is_live (self))
    return g_strdup (
        _ ("The disks, firmware variables, TPM and settings are kept as they are now, and the "
           "guest’s memory. How much that takes, and for how long the guest stands still for it, "
           "could not be found out."));
  if (self->check == LODGE_SNAPSHOTS_CHECK_FAILED || !self->takes_memory)
    return g_strdup (
        _ ("The disks, firmware variables, TPM and settings are kept as they are now."));
  if (self->standstill_ms >= STANDSTILL_TOLD_MS)
    /* Translators: %s is a size. */
    return g_strdup_printf (
        _ ("The disks, firmware variables, TPM and settings are kept as they are now, and the "
           "guest's memory, up to %s. The guest goes on meanwhile and stands still at the end, for "
           "about %.1f seconds."),
        size, self->standstill_ms / 1000.0);
  /* Translators: %s is a size. */
  return g_strdup_printf (
      _ ("The disks, firmware variables, TPM and settings are kept as they are now, and the "
         "guest's "
         "memory, up to %s. The guest goes on meanwhile and stands still for a moment at the end."),
      size);
}

void
lodge_snapshots_ask_take (LodgeSnapshotsWindow *self)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *body = dup_what_is_kept (self);
  g_autofree char *name = NULL;
  Ask *ask;

  if (self->rows == NULL)
    return;
  name = lodge_snapshot_tree_propose_name (self->rows, now);
  ask = ask_new (self, NULL);
  ask->takes = TRUE;
  ask->dialog = lodge_message_ask (GTK_WINDOW (self), _ ("Take Snapshot"), body, _ ("_Take"));
  add_entries (ask, body, name, "");
  show (ask, G_CALLBACK (take_answered_cb));
}

/* --- Rename, describe --- */

static void
describe_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Ask *ask = user_data;
  g_autofree char *description = dup_description (ask);

  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    lodge_snapshots_work_call (
        ask->window, "DescribeSnapshot",
        g_variant_new ("(sss)", ask->id, gtk_editable_get_text (ask->name_entry), description),
        g_strdup_printf (_ ("Could Not Rename “%s”"), ask->name));
}

void
lodge_snapshots_ask_describe (LodgeSnapshotsWindow *self, const char *id)
{
  const LodgeSnapshotRow *row = find (self, id);
  Ask *ask;

  if (row == NULL)
    return;
  ask = ask_new (self, row);
  ask->dialog =
      lodge_message_ask (GTK_WINDOW (self), _ ("Rename or Describe Snapshot"), NULL, _ ("_Apply"));
  add_entries (ask, "", row->name, row->description);
  show (ask, G_CALLBACK (describe_answered_cb));
}

/* --- Go back --- */

static gboolean
is_disks_only (const Ask *ask)
{
  return ask->disks_only != NULL && gtk_check_button_get_active (ask->disks_only);
}

static void
go_back_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Ask *ask = user_data;
  GVariantDict options = G_VARIANT_DICT_INIT (NULL);

  if (!g_str_equal (response, LODGE_MESSAGE_ACT))
    return;
  g_variant_dict_insert (&options, "keep", "b", !gtk_check_button_get_active (ask->discard));
  if (is_disks_only (ask))
    g_variant_dict_insert (&options, "memory", "b", FALSE);
  lodge_snapshots_work_call (ask->window, "RevertSnapshot",
                             g_variant_new ("(s@a{sv})", ask->id, g_variant_dict_end (&options)),
                             g_strdup_printf (_ ("Could Not Go Back to “%s”"), ask->name));
}

/* The button and the sentence say what will be. */
static void
show_discard (Ask *ask)
{
  const gboolean discard = gtk_check_button_get_active (ask->discard);

  const char *then =
      is_disks_only (ask) ? _ ("The machine becomes what it was then, and is off: for its guest "
                               "that is a loss of power at that time.")
      : ask->memory       ? _ ("The machine becomes what it was then, and its guest runs again.")
                          : _ ("The machine becomes what it was then.");
  const char *present =
      ask->ends
          ? (discard ? _ ("The guest that runs now is ended, and what it has done since then, in "
                          "its memory and on its disks, is lost for good.")
                     : _ ("The guest that runs now is ended. What it is now, with its memory, is "
                          "kept as a snapshot first, which you can go back to as well."))
      : discard ? _ ("What it is now, with all that is on its disks, is lost for good.")
                : _ ("What it is now is kept as a snapshot, which you can go back to as well.");
  g_autofree char *body = g_strdup_printf ("%s %s", then, present);

  adw_message_dialog_set_body (ask->dialog, body);
  adw_message_dialog_set_response_appearance (
      ask->dialog, LODGE_MESSAGE_ACT, discard ? ADW_RESPONSE_DESTRUCTIVE : ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_response_label (ask->dialog, LODGE_MESSAGE_ACT,
                                         discard ? _ ("_Discard and Go Back") : _ ("_Go Back"));
  adw_message_dialog_set_default_response (ask->dialog, discard ? "cancel" : LODGE_MESSAGE_ACT);
}

static void
discard_cb (GtkCheckButton *button, GParamSpec *pspec, Ask *ask)
{
  show_discard (ask);
  /* Away from the button, which has just become another one. */
  gtk_widget_grab_focus (GTK_WIDGET (button));
}

void
lodge_snapshots_ask_go_back (LodgeSnapshotsWindow *self, const char *id)
{
  const LodgeSnapshotRow *row = find (self, id);
  g_autofree char *heading = NULL;
  GtkWidget *box;
  Ask *ask;

  if (row == NULL)
    return;
  heading = g_strdup_printf (_ ("Go Back to “%s”?"), row->name);
  ask = ask_new (self, row);
  ask->memory = row->memory;
  ask->returns = TRUE;
  ask->ends = lodge_snapshots_window_is_live (self);
  ask->dialog = lodge_message_ask (GTK_WINDOW (self), heading, NULL, _ ("_Go Back"));
  ask->discard =
      GTK_CHECK_BUTTON (gtk_check_button_new_with_mnemonic (_ ("Do _not keep the present")));
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_widget_set_halign (box, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (ask->discard));
  if (ask->memory) {
    ask->disks_only =
        GTK_CHECK_BUTTON (gtk_check_button_new_with_mnemonic (_ ("_Without the guest’s memory")));
    gtk_widget_set_tooltip_text (GTK_WIDGET (ask->disks_only),
                                 _ ("Where the memory of then does not load any more"));
    g_signal_connect_swapped (ask->disks_only, "notify::active", G_CALLBACK (show_discard), ask);
    gtk_box_append (GTK_BOX (box), GTK_WIDGET (ask->disks_only));
  }
  adw_message_dialog_set_extra_child (ask->dialog, box);
  g_signal_connect (ask->discard, "notify::active", G_CALLBACK (discard_cb), ask);
  show_discard (ask);
  show (ask, G_CALLBACK (go_back_answered_cb));
}

/* --- Delete --- */

static void
delete_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  Ask *ask = user_data;

  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    lodge_snapshots_work_call (ask->window, "DeleteSnapshot", g_variant_new ("(s)", ask->id),
                               g_strdup_printf (_ ("Could Not Delete “%s”"), ask->name));
}

void
lodge_snapshots_ask_delete (LodgeSnapshotsWindow *self, const char *id)
{
  const LodgeSnapshotRow *row = find (self, id);
  g_autofree char *heading = NULL, *size = NULL, *body = NULL;
  Ask *ask;

  if (row == NULL)
    return;
  heading = g_strdup_printf (_ ("Delete the Snapshot “%s”?"), row->name);
  size = g_format_size_full (row->bytes, G_FORMAT_SIZE_IEC_UNITS);
  /* Translators: %s is a size. */
  body = g_strdup_printf (_ ("The machine can no longer go back to it, and up to %s become free. "
                             "Nothing else changes: the machine as it is now and all other "
                             "snapshots stay as they are."),
                          size);
  if (row->shared_bytes > 0) {
    g_autofree char *alone = g_steal_pointer (&body);
    g_autofree char *shared = g_format_size_full (row->shared_bytes, G_FORMAT_SIZE_IEC_UNITS);

    /* Translators: the sentence above, and a size. */
    body = g_strdup_printf (_ ("%s Another %s of it stay: other machines or snapshots need them."),
                            alone, shared);
  }
  ask = ask_new (self, row);
  ask->dialog = lodge_message_ask (GTK_WINDOW (self), heading, body, _ ("_Delete"));
  show (ask, G_CALLBACK (delete_answered_cb));
}
