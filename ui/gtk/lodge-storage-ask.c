/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is asked before something is done with a disk. */
#include "gtk/lodge-storage-window-private.h"

#include "console/lodge-machine-state.h"
#include "gtk/lodge-file-choice.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-window-parts.h"
#include "lodge-error.h"
#include "lodge-size.h"
#include "lodge-words.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* Of a disk that is added. */
#define NEW_SIZE "20G"

static const char *const formats[] = {"qcow2", "raw", "vmdk", "vhdx", "vdi", NULL};

/* One question; goes with its window. */
typedef struct {
  LodgeStorageWindow *window; /* owned */
  AdwMessageDialog *dialog;
  char *id;
  guint64 size;       /* of the disk */
  GtkEditable *entry; /* these belong to the dialog */
  AdwComboRow *format;
  AdwActionRow *image_row;
  GtkWidget *no_image;
  char *image;        /* chosen; or NULL */
  gboolean untouched; /* the size that is offered first is not found fault with */
  gboolean removes;
  gboolean kept;      /* or only detaches */
  gboolean first;     /* the question says so */
  gboolean says_live; /* and says what "live" makes of it */
  gboolean live;
} Ask;

static void
ask_free (gpointer data, GClosure *closure)
{
  Ask *ask = data;

  if (ask->window->question == ask->dialog)
    g_clear_weak_pointer (&ask->window->question);
  g_object_unref (ask->window);
  g_free (ask->id);
  g_free (ask->image);
  g_free (ask);
}

static Ask *
ask_new (LodgeStorageWindow *window, const char *id)
{
  Ask *ask = g_new0 (Ask, 1);

  ask->window = g_object_ref (window);
  ask->id = g_strdup (id);
  return ask;
}

/* Takes @ask. */
static void
show (Ask *ask, GCallback answered)
{
  g_set_weak_pointer (&ask->window->question, ask->dialog);
  g_object_set_data (G_OBJECT (ask->dialog), "lodge-ask", ask);
  g_signal_connect_data (ask->dialog, "response", answered, ask, ask_free, 0);
  /* The window may be closed by what happens elsewhere; it is not destroyed while this holds it. */
  g_signal_connect_object (ask->window, "unrealize", G_CALLBACK (gtk_window_close), ask->dialog,
                           G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (ask->dialog));
  if (ask->entry != NULL)
    gtk_widget_grab_focus (GTK_WIDGET (ask->entry));
}

static GtkListBox *
add_form (Ask *ask)
{
  GtkListBox *list = lodge_boxed_list_new ();

  adw_message_dialog_set_extra_child (ask->dialog, GTK_WIDGET (list));
  adw_message_dialog_set_response_appearance (ask->dialog, LODGE_MESSAGE_ACT,
                                              ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (ask->dialog, LODGE_MESSAGE_ACT);
  return list;
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

/* --- A guest that runs --- */

static LodgeMachineState
get_state (LodgeStorageWindow *self)
{
  return self->base.machine != NULL
             ? lodge_machine_state_from_text (lodge_machine1_get_state (self->base.machine))
             : LODGE_MACHINE_STATE_UNKNOWN;
}

gboolean
lodge_storage_window_is_live (LodgeStorageWindow *self)
{
  return (lodge_machine_state_get_can (get_state (self)) & LODGE_MACHINE_CAN_PLUG_DISKS) != 0;
}

/* Lent; its keys too. */
static const char *
get_text (GVariant *disk, const char *key)
{
  const char *text = "";

  if (disk != NULL)
    g_variant_lookup (disk, key, "&s", &text);
  return text;
}

/* The first disk that the guest has, or %NULL; transfer full. */
static GVariant *
get_first (LodgeStorageWindow *self)
{
  for (gsize i = 0; self->disks != NULL && i < g_variant_n_children (self->disks); i++) {
    g_autoptr (GVariant) disk = g_variant_get_child_value (self->disks, i);

    if (lodge_storage_is_attached (disk))
      return g_steal_pointer (&disk);
  }
  return NULL;
}

static const char *
get_os (LodgeStorageWindow *self)
{
  GVariant *description =
      self->base.machine != NULL ? lodge_machine1_get_description (self->base.machine) : NULL;
  const char *os = NULL;

  if (description != NULL)
    g_variant_lookup (description, "machine.os", "&s", &os);
  return os;
}

/* --- Sizes --- */

/* A number alone is one of GiB, as where a machine is made. 0: it is none, or none that is larger
 * than the disk, and @out_problem says so. */
static guint64
get_size (const Ask *ask, char **out_problem)
{
  g_autofree char *typed = g_strdup (gtk_editable_get_text (ask->entry));
  const gsize length = strlen (g_strstrip (typed));
  g_autofree char *text =
      g_strconcat (typed, length > 0 && g_ascii_isdigit (typed[length - 1]) ? "G" : NULL, NULL);
  g_autofree char *has = NULL;
  g_autoptr (GError) error = NULL;
  guint64 size = 0;

  if (!lodge_size_parse (text, &size, &error)) {
    if (out_problem != NULL)
      *out_problem = g_strdup (error->message);
    return 0;
  }
  if (size > ask->size)
    return size;
  has = lodge_size_format (ask->size);
  if (out_problem != NULL)
    *out_problem = ask->size > 0
                       ? g_strdup_printf (_ ("It has %s already: it can only be made larger."), has)
                       : g_strdup (_ ("It needs a size, such as 40G."));
  return 0;
}

static void
check (Ask *ask)
{
  const char *text = gtk_editable_get_text (ask->entry);
  g_autofree char *problem = NULL;
  const guint64 size = get_size (ask, &problem);
  /* A copy is as large as the image, unless it is to be larger. */
  const gboolean good = size > 0 || (ask->image != NULL && *text == '\0');

  adw_message_dialog_set_response_enabled (ask->dialog, LODGE_MESSAGE_ACT, good);
  adw_message_dialog_set_body (ask->dialog, good || *text == '\0' || ask->untouched
                                                ? g_object_get_data (G_OBJECT (ask->dialog), "body")
                                                : problem);
}

static void
size_changed_cb (GtkEditable *entry, Ask *ask)
{
  ask->untouched = FALSE;
  check (ask);
}

static void
ask_size (Ask *ask, GtkListBox *list, const char *title, const char *text, const char *body)
{
  ask->entry = add_entry (list, title, text);
  ask->untouched = TRUE;
  g_object_set_data_full (G_OBJECT (ask->dialog), "body", g_strdup (body), g_free);
  g_signal_connect (ask->entry, "changed", G_CALLBACK (size_changed_cb), ask);
}

/* --- Grow --- */

static void
grow_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  const Ask *ask = user_data;

  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    lodge_storage_work_call (ask->window, "GrowDisk",
                             g_variant_new ("(st)", ask->id, get_size (ask, NULL)),
                             g_strdup_printf (_ ("Could Not Grow %s"), ask->id));
}

void
lodge_storage_ask_grow (LodgeStorageWindow *self, const char *id)
{
  g_autoptr (GVariant) disk = lodge_storage_window_find_disk (self, id);
  g_autofree char *heading = NULL, *has = NULL, *body = NULL;
  Ask *ask;

  if (disk == NULL || self->base.machine == NULL)
    return;
  ask = ask_new (self, id);
  g_variant_lookup (disk, "size", "t", &ask->size);
  has = lodge_size_format (ask->size);
  heading = g_strdup_printf (_ ("Grow %s"), id);
  /* Translators: a size, and a sentence on what the guest has to do then. */
  body = g_strdup_printf (_ ("It has %s. A disk can be made larger, never smaller. Snapshots keep "
                             "the size that they have. %s"),
                          has, lodge_words_after_growing (get_os (self)));
  ask->dialog = lodge_message_ask (GTK_WINDOW (self), heading, body, _ ("_Grow"));
  ask_size (ask, add_form (ask), _ ("New size, such as 40G"), has, body);
  check (ask);
  show (ask, G_CALLBACK (grow_answered_cb));
}

/* --- Add --- */

static void
add_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  const Ask *ask = user_data;
  GVariantDict options = G_VARIANT_DICT_INIT (NULL);

  if (!g_str_equal (response, LODGE_MESSAGE_ACT))
    return;
  if (ask->image != NULL)
    g_variant_dict_insert (&options, "from", "s", ask->image);
  /* Only such a one can be plugged in, whatever the others are. */
  if (lodge_storage_window_is_live (ask->window))
    g_variant_dict_insert (&options, "bus", "s", "virtio");
  lodge_storage_work_call (
      ask->window, "AddDisk",
      g_variant_new ("(t@a{sv})", get_size (ask, NULL), g_variant_dict_end (&options)),
      g_strdup (_ ("Could Not Add a Disk")));
}

/* @path: (nullable): an empty disk */
static void
set_image (Ask *ask, const char *path)
{
  g_autofree char *base = path != NULL ? g_path_get_basename (path) : NULL;
  const char *subtitle = path != NULL ? base : _ ("None: the disk is empty");

  g_free (ask->image);
  ask->image = g_strdup (path);
  adw_action_row_set_subtitle (ask->image_row, subtitle);
  gtk_widget_set_tooltip_text (GTK_WIDGET (ask->image_row), path);
  gtk_widget_set_visible (ask->no_image, path != NULL);
  gtk_editable_set_text (ask->entry, path != NULL ? "" : NEW_SIZE);
  check (ask);
}

static void
image_chosen (const char *path, const GError *error, gpointer user_data)
{
  Ask *ask = g_object_get_data (user_data, "lodge-ask");

  if (path != NULL)
    set_image (ask, path);
  else
    lodge_message_show_error (GTK_WINDOW (ask->dialog), _ ("Could Not Use the File"), error);
}

static void
choose_cb (GtkButton *button, Ask *ask)
{
  const LodgeFileQuestion question = {
      .title = _ ("Choose a Disk Image"),
      .action = GTK_FILE_CHOOSER_ACTION_OPEN,
      .accept = _ ("_Choose"),
  };

  lodge_file_choice_ask (&ask->window->chooser, GTK_WINDOW (ask->dialog), &question, image_chosen,
                         g_object_ref (ask->dialog), g_object_unref);
}

static void
no_image_cb (GtkButton *button, Ask *ask)
{
  set_image (ask, NULL);
  gtk_widget_grab_focus (GTK_WIDGET (ask->entry));
}

/* Translators: these follow each other in one text. */
static char *
dup_add_body (LodgeStorageWindow *self)
{
  g_autoptr (GVariant) first = get_first (self);
  const gboolean strange = lodge_storage_window_is_live (self) && first != NULL &&
                           !g_str_equal (get_text (first, "bus"), "virtio");

  return g_strconcat (
      _ ("A disk takes only what is written to it. A copy can be larger than its image; without a "
         "size it is as large."),
      lodge_storage_window_is_live (self) ? " " : "",
      lodge_storage_window_is_live (self) ? _ ("The guest gets it at once.") : "",
      strange ? " " : "",
      strange ? _ ("It is a virtio disk, unlike the first: the guest’s system needs the drivers "
                   "for that. SATA disks can be added while the machine is off.")
              : "",
      NULL);
}

void
lodge_storage_ask_add (LodgeStorageWindow *self)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("C_hoose…"));
  GtkWidget *row = adw_action_row_new ();
  g_autofree char *body = dup_add_body (self);
  GtkListBox *list;
  Ask *ask = ask_new (self, "");

  ask->says_live = TRUE;
  ask->live = lodge_storage_window_is_live (self);
  ask->dialog = lodge_message_ask (GTK_WINDOW (self), _ ("Add a Disk"), body, _ ("_Add"));
  list = add_form (ask);
  ask_size (ask, list, _ ("Size, such as 40G"), NEW_SIZE, body);
  ask->image_row = ADW_ACTION_ROW (row);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ ("Image to copy"));
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 1);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  g_signal_connect (button, "clicked", G_CALLBACK (choose_cb), ask);
  ask->no_image = gtk_button_new_from_icon_name ("edit-clear-symbolic");
  gtk_widget_set_tooltip_text (ask->no_image, _ ("Copy no image"));
  gtk_widget_set_valign (ask->no_image, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (ask->no_image, "flat");
  g_signal_connect (ask->no_image, "clicked", G_CALLBACK (no_image_cb), ask);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), ask->no_image);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  gtk_list_box_append (list, row);
  set_image (ask, NULL);
  show (ask, G_CALLBACK (add_answered_cb));
}

/* --- Export --- */

typedef struct {
  LodgeStorageWindow *window; /* not owned */
  char *id;
  const char *format;
} Export;

static void
export_free (gpointer data)
{
  Export *export = data;

  g_free (export->id);
  g_free (export);
}

static void
place_chosen (const char *path, const GError *error, gpointer user_data)
{
  const Export *export = user_data;
  g_autofree char *failure = g_strdup_printf (_ ("Could Not Export %s"), export->id);

  if (path != NULL)
    lodge_storage_work_export (export->window, export->id, export->format, path,
                               g_file_test (path, G_FILE_TEST_EXISTS));
  else
    lodge_message_show_error (GTK_WINDOW (export->window), failure, error);
}

static void
export_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  const Ask *ask = user_data;
  LodgeFileQuestion question = {
      .title = _ ("Export the Disk"),
      .action = GTK_FILE_CHOOSER_ACTION_SAVE,
      .accept = _ ("_Export"),
  };
  g_autofree char *name = NULL;
  Export *export;

  if (!g_str_equal (response, LODGE_MESSAGE_ACT) ||
      !lodge_machine_window_is_open (LODGE_MACHINE_WINDOW (ask->window)))
    return;
  export = g_new0 (Export, 1);
  export->window = ask->window;
  export->id = g_strdup (ask->id);
  export->format = formats[adw_combo_row_get_selected (ask->format)];
  name = g_strdup_printf ("%s-%s.%s", ask->window->base.name, ask->id,
                          g_str_equal (export->format, "raw") ? "img" : export->format);
  question.name = name;
  lodge_file_choice_ask (&ask->window->chooser, GTK_WINDOW (ask->window), &question, place_chosen,
                         export, export_free);
}

void
lodge_storage_ask_export (LodgeStorageWindow *self, const char *id)
{
  g_autoptr (GtkStringList) model = gtk_string_list_new (NULL);
  g_autofree char *heading = NULL;
  GtkWidget *row = adw_combo_row_new ();
  Ask *ask;

  heading = g_strdup_printf (_ ("Export %s"), id);
  ask = ask_new (self, id);
  ask->dialog = lodge_message_ask (
      GTK_WINDOW (self), heading,
      _ ("What the disk holds is written into one file, which other programs can open."),
      _ ("_Choose a Place…"));
  gtk_string_list_append (model, _ ("QEMU, KVM (qcow2)"));
  gtk_string_list_append (model, _ ("Raw, as on a disk (img)"));
  gtk_string_list_append (model, _ ("VMware (vmdk)"));
  gtk_string_list_append (model, _ ("Hyper-V (vhdx)"));
  gtk_string_list_append (model, _ ("VirtualBox (vdi)"));
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), _ ("Format"));
  adw_combo_row_set_model (ADW_COMBO_ROW (row), G_LIST_MODEL (model));
  ask->format = ADW_COMBO_ROW (row);
  gtk_list_box_append (add_form (ask), row);
  show (ask, G_CALLBACK (export_answered_cb));
}

/* --- Remove, and detach --- */

/* @kept: it is only detached */
static void
take_out (LodgeStorageWindow *self, const char *id, gboolean kept, gboolean first)
{
  lodge_storage_work_call (
      self, kept ? "DetachDisk" : "RemoveDisk",
      g_variant_new ("(s@a{sv})", id,
                     g_variant_new_parsed (first ? "{'first': <true>}" : "@a{sv} {}")),
      g_strdup_printf (kept ? _ ("Could Not Detach %s") : _ ("Could Not Remove %s"), id));
}

static void
out_answered_cb (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  const Ask *ask = user_data;

  if (g_str_equal (response, LODGE_MESSAGE_ACT))
    take_out (ask->window, ask->id, ask->kept, ask->first);
}

/* Why @disk cannot be taken out of a guest that runs; the engine would say so after the question.
 */
static GError *
make_obstacle (LodgeStorageWindow *self, GVariant *disk, gboolean is_first)
{
  const char *id = get_text (disk, "id");

  if (is_first)
    return g_error_new (LODGE_ERROR, LODGE_ERROR_STATE,
                        _ ("The guest has started from %s. Shut it down first."), id);
  if (!g_str_equal (get_text (disk, "bus"), "virtio"))
    return g_error_new (
        LODGE_ERROR, LODGE_ERROR_STATE,
        _ ("%s is a SATA disk, which cannot be taken out while the guest runs. Shut "
           "it down first."),
        id);
  if (get_state (self) != LODGE_MACHINE_STATE_RUNNING)
    return g_error_new (LODGE_ERROR, LODGE_ERROR_STATE,
                        _ ("The guest has to let go of %s, and stands still. Resume it first."),
                        id);
  return NULL;
}

/* What becomes of what is on it. */
static const char *
get_loss (GVariant *disk, gboolean kept)
{
  gboolean host = FALSE;

  g_variant_lookup (disk, "host", "b", &host);
  if (kept)
    return _ ("The machine keeps it, with all that is on it, and it can be attached again.");
  if (host)
    return _ ("It is a disk of this computer: what is on it stays as it is.");
  return lodge_storage_is_attached (disk)
             ? _ ("What is on it is lost for good; only snapshots that have it keep it. To keep "
                  "it, detach the disk instead.")
             : _ ("What is on it is lost for good; only snapshots that have it keep it.");
}

static void
ask_out (LodgeStorageWindow *self, const char *id, gboolean kept)
{
  g_autoptr (GVariant) disk = lodge_storage_window_find_disk (self, id);
  g_autoptr (GVariant) first = get_first (self);
  const gboolean is_first = g_str_equal (get_text (first, "id"), id);
  g_autoptr (GError) obstacle = NULL;
  g_autofree char *heading = NULL, *body = NULL;
  gboolean held;
  Ask *ask;

  if (disk == NULL)
    return;
  /* By the guest. */
  held = lodge_storage_window_is_live (self) && lodge_storage_is_attached (disk);
  obstacle = held ? make_obstacle (self, disk, is_first) : NULL;
  if (obstacle != NULL) {
    heading = g_strdup_printf (kept ? _ ("Could Not Detach %s") : _ ("Could Not Remove %s"), id);
    lodge_message_show_error (GTK_WINDOW (self), heading, obstacle);
    return;
  }
  /* There is nothing to lose. */
  if (kept && !held && !is_first) {
    take_out (self, id, TRUE, FALSE);
    return;
  }
  heading = g_strdup_printf (kept ? _ ("Detach %s?") : _ ("Remove %s?"), id);
  body = g_strconcat (
      held ? lodge_words_before_removing (get_os (self)) : "", held ? " " : "",
      is_first ? _ ("The machine starts from this disk, and will not do so any more. ") : "",
      get_loss (disk, kept), NULL);
  ask = ask_new (self, id);
  ask->removes = TRUE;
  ask->kept = kept;
  ask->first = is_first;
  ask->says_live = TRUE;
  ask->live = lodge_storage_window_is_live (self);
  ask->dialog =
      lodge_message_ask (GTK_WINDOW (self), heading, body, kept ? _ ("_Detach") : _ ("_Remove"));
  show (ask, G_CALLBACK (out_answered_cb));
}

void
lodge_storage_ask_remove (LodgeStorageWindow *self, const char *id)
{
  ask_out (self, id, FALSE);
}

void
lodge_storage_ask_detach (LodgeStorageWindow *self, const char *id)
{
  ask_out (self, id, TRUE);
}

void
lodge_storage_ask_update (LodgeStorageWindow *self)
{
  const Ask *ask =
      self->question != NULL ? g_object_get_data (G_OBJECT (self->question), "lodge-ask") : NULL;
  g_autoptr (GVariant) disk = NULL;
  g_autoptr (GVariant) first = NULL;

  /* While the engine is away nothing is known, and it comes back. */
  if (ask == NULL || self->base.machine == NULL || self->disks == NULL)
    return;
  if (ask->removes) {
    disk = lodge_storage_window_find_disk (self, ask->id);
    first = get_first (self);
  }
  if ((ask->says_live && ask->live != lodge_storage_window_is_live (self)) ||
      (ask->removes && (disk == NULL || (ask->kept && !lodge_storage_is_attached (disk)) ||
                        ask->first != g_str_equal (get_text (first, "id"), ask->id))))
    /* As cancelling does. */
    gtk_window_close (GTK_WINDOW (self->question));
}
