/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is shared with one guest. */
#include "gtk/lodge-shared-window.h"

#include "gtk/lodge-child-window.h"
#include "gtk/lodge-file-choice.h"
#include "gtk/lodge-folder-method-row.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-shared-consoles.h"
#include "gtk/lodge-shared-graphics.h"
#include "gtk/lodge-shared-media.h"
#include "gtk/lodge-shared-network.h"
#include "gtk/lodge-shared-row.h"

#include <glib/gi18n-lib.h>

#define WIDTH  460
#define HEIGHT 760

/* In the order of the list. */
static const struct {
  const char *value;
  const char *label;
} clipboard_ways[] = {
    {"both", N_ ("Both ways")},
    {"to-guest", N_ ("Only into the guest")},
    {"to-host", N_ ("Only out of the guest")},
    {"off", N_ ("Off")},
};

struct _LodgeSharedWindow {
  AdwWindow parent_instance;

  LodgeConsoleMachine *machine;
  LodgeSound *sound;
  LodgeConsoleClipboard *shared; /* of the session that is there now; or NULL */
  LodgeConsoleFiles *files_shared;
  gboolean updating; /* what changes now is not the user's wish */
  GtkFileChooserNative *chooser;

  AdwComboRow *clipboard;
  AdwActionRow *files;
  GtkSwitch *files_switch;
  AdwActionRow *files_out;
  GtkSwitch *files_out_switch;
  AdwActionRow *folder;
  GtkWidget *folder_warning;
  GtkWidget *choose;
  GtkWidget *stop;
  AdwActionRow *writable;
  GtkSwitch *writable_switch;
  AdwPreferencesGroup *folder_group;
  LodgeFolderMethodRow *method;
  AdwActionRow *playback;
  GtkSwitch *playback_switch;
  AdwActionRow *microphone;
  GtkSwitch *microphone_switch;
  AdwPreferencesPage *page;
  LodgeSharedMedia *media;
  LodgeSharedGraphics *graphics;
  LodgeSharedConsoles *consoles;
  LodgeSharedNetwork *network;
};

G_DEFINE_FINAL_TYPE (LodgeSharedWindow, lodge_shared_window, ADW_TYPE_WINDOW)

const char *
lodge_shared_lookup (LodgeConsoleMachine *machine, const char *key)
{
  LodgeMachine1 *object = lodge_console_machine_get_machine (machine);
  GVariant *description = object != NULL ? lodge_machine1_get_description (object) : NULL;
  const char *text = "";

  if (description != NULL)
    g_variant_lookup (description, key, "&s", &text);
  return text;
}

const char *
lodge_shared_get_problem (LodgeConsoleMachine *machine)
{
  LodgeMachine1 *object = lodge_console_machine_get_machine (machine);
  const char *problem = object != NULL ? lodge_machine1_get_folder_problem (object) : NULL;

  /* An engine from before does not say it. */
  return problem != NULL ? problem : "";
}

gboolean
lodge_shared_is_live (LodgeConsoleMachine *machine)
{
  return (lodge_machine_state_get_can (lodge_console_machine_get_state (machine)) &
          LODGE_MACHINE_CAN_KILL) != 0;
}

static gboolean
is_on (LodgeSharedWindow *self, const char *key)
{
  return g_str_equal (lodge_shared_lookup (self->machine, key), "true");
}

static void update (LodgeSharedWindow *self);

/* --- Changes --- */

void
lodge_shared_window_update (GtkWindow *window)
{
  LodgeSharedWindow *self = LODGE_SHARED_WINDOW (window);

  /* A switch goes back. */
  if (self->machine != NULL)
    update (self);
}

static void
set_key (LodgeSharedWindow *self, const char *key, const char *text)
{
  lodge_set_keys (GTK_WINDOW (self), lodge_console_machine_get_machine (self->machine),
                  _ ("Could Not Change What Is Shared"), lodge_shared_window_update, key, text,
                  NULL);
}

static void
switched_cb (GtkSwitch *widget, GParamSpec *spec, LodgeSharedWindow *self)
{
  const gboolean on = gtk_switch_get_active (widget);

  if (self->updating)
    return;
  if (widget == self->files_switch)
    set_key (self, "sharing.files", on ? "true" : "false");
  else if (widget == self->files_out_switch)
    set_key (self, "sharing.files-out", on ? "true" : "false");
  else if (widget == self->writable_switch)
    set_key (self, "sharing.folder-writable", on ? "true" : "false");
  else if (widget == self->playback_switch)
    g_object_set (self->sound, "muted", !on, NULL);
  else
    gtk_widget_activate_action (GTK_WIDGET (gtk_window_get_transient_for (GTK_WINDOW (self))),
                                "sound.microphone", NULL);
}

static void
clipboard_cb (AdwComboRow *row, GParamSpec *spec, LodgeSharedWindow *self)
{
  const guint selected = adw_combo_row_get_selected (row);

  if (!self->updating && selected < G_N_ELEMENTS (clipboard_ways))
    set_key (self, "sharing.clipboard", clipboard_ways[selected].value);
}

static void
refuse_folder (LodgeSharedWindow *self, const char *sentence)
{
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, sentence);

  lodge_set_keys_show_error (GTK_WINDOW (self), _ ("Could Not Change What Is Shared"), error);
}

void
lodge_shared_window_set_folder (LodgeSharedWindow *self, const char *path)
{
  /* D-Bus and a description take no other text. */
  if (!g_utf8_validate (path, -1, NULL)) {
    refuse_folder (self, _ ("Only a folder whose name is UTF-8 can be shared"));
    return;
  }
  lodge_set_keys (GTK_WINDOW (self), lodge_console_machine_get_machine (self->machine),
                  _ ("Could Not Change What Is Shared"), lodge_shared_window_update,
                  "sharing.folder", path, "sharing.folder-writable", "false", NULL);
}

static void
chosen_cb (GtkNativeDialog *dialog, int response, LodgeSharedWindow *self)
{
  g_autoptr (GFile) file = NULL;
  g_autofree char *path = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  g_clear_object (&self->chooser);
  if (file == NULL)
    return;
  path = g_file_get_path (file);
  if (path != NULL)
    lodge_shared_window_set_folder (self, path);
  else
    refuse_folder (self, _ ("Only a folder on this computer can be shared"));
}

static void
choose_cb (GtkButton *button, LodgeSharedWindow *self)
{
  const char *now = lodge_shared_lookup (self->machine, "sharing.folder");

  if (self->chooser != NULL)
    return;
  self->chooser = gtk_file_chooser_native_new (
      _ ("Choose a Folder for the Guest"), GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER,
      _ ("_Share, Read-Only"), NULL);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  if (*now != '\0') {
    g_autoptr (GFile) folder = g_file_new_for_path (now);

    gtk_file_chooser_set_file (GTK_FILE_CHOOSER (self->chooser), folder, NULL);
  }
  g_signal_connect (self->chooser, "response", G_CALLBACK (chosen_cb), self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

static void
stop_cb (GtkButton *button, LodgeSharedWindow *self)
{
  lodge_shared_window_set_folder (self, "");
}

/* --- What there is --- */

static AdwActionRow *
add_row (AdwPreferencesGroup *group, const char *title)
{
  AdwActionRow *row = lodge_shared_row_new (title);

  adw_preferences_group_add (group, GTK_WIDGET (row));
  return row;
}

static GtkSwitch *
add_switch (LodgeSharedWindow *self, AdwActionRow *row)
{
  GtkSwitch *widget = lodge_shared_row_add_switch (row);

  g_signal_connect (widget, "notify::active", G_CALLBACK (switched_cb), self);
  return widget;
}

static GtkWidget *
add_button (LodgeSharedWindow *self, AdwActionRow *row, const char *label, GCallback clicked)
{
  GtkWidget *button = lodge_shared_row_add_button (row, label, NULL);

  g_signal_connect (button, "clicked", clicked, self);
  return button;
}

/* An agent comes some time after its guest, and goes before it. */
static void
follow_agent (LodgeSharedWindow *self, LodgeConsoleSession *session)
{
  LodgeConsoleClipboard *clipboard =
      session != NULL ? lodge_console_session_get_clipboard (session) : NULL;
  LodgeConsoleFiles *files = session != NULL ? lodge_console_session_get_files (session) : NULL;

  if (self->shared == clipboard)
    return;
  if (self->shared != NULL)
    g_signal_handlers_disconnect_by_data (self->shared, self);
  if (self->files_shared != NULL)
    g_signal_handlers_disconnect_by_data (self->files_shared, self);
  g_set_object (&self->shared, clipboard);
  g_set_object (&self->files_shared, files);
  if (clipboard != NULL) {
    g_signal_connect_swapped (clipboard, "notify::agent", G_CALLBACK (update), self);
    g_signal_connect_swapped (clipboard, "notify::available", G_CALLBACK (update), self);
    g_signal_connect_swapped (files, "notify::available", G_CALLBACK (update), self);
  }
}

static void
update_files_out (LodgeSharedWindow *self)
{
  const gboolean on = is_on (self, "sharing.files-out");

  /* An engine from before copies none. */
  gtk_widget_set_visible (GTK_WIDGET (self->files_out),
                          *lodge_shared_lookup (self->machine, "sharing.files-out") != '\0');
  gtk_switch_set_active (self->files_out_switch, on);
  adw_action_row_set_subtitle (
      self->files_out,
      on ? _ ("Each when you ask for it in the console’s menu; the guest needs qemu-guest-agent")
         : _ ("None is copied out of the guest"));
}

static void
update_clipboard (LodgeSharedWindow *self)
{
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);
  const char *now = lodge_shared_lookup (self->machine, "sharing.clipboard");
  const gboolean shown =
      session != NULL && lodge_console_machine_get_phase (self->machine) == LODGE_CONSOLE_SHOWN;
  const char *missing = NULL, *refused = NULL;
  guint selected = G_N_ELEMENTS (clipboard_ways) - 1;

  for (guint i = 0; i < G_N_ELEMENTS (clipboard_ways); i++) {
    if (g_str_equal (clipboard_ways[i].value, now))
      selected = i;
  }
  follow_agent (self, session);
  if (shown && !lodge_console_clipboard_get_agent (self->shared))
    missing = _ ("Nothing passes now: the guest needs spice-vdagent");
  gtk_switch_set_active (self->files_switch, is_on (self, "sharing.files"));
  if (missing == NULL && shown && !lodge_console_files_get_available (self->files_shared))
    refused = _ ("Nothing is copied now: spice-vdagent runs in the guest and does not take files");
  adw_action_row_set_subtitle (
      self->files, missing != NULL   ? missing
                   : refused != NULL ? refused
                                     : _ ("Files dropped on the window are copied into the guest"));
  update_files_out (self);

  adw_combo_row_set_selected (self->clipboard, selected);
  if (missing == NULL && shown && !lodge_console_clipboard_get_available (self->shared))
    missing = _ ("Nothing passes now: spice-vdagent runs in the guest and shares no clipboard, as "
                 "on a Wayland desktop; log in there with an X11 session");
  adw_action_row_set_subtitle (
      ADW_ACTION_ROW (self->clipboard),
      missing != NULL ? missing : _ ("Copied text and images, while its window has the focus"));
}

static void
update_folder (LodgeSharedWindow *self)
{
  const char *path = lodge_shared_lookup (self->machine, "sharing.folder");
  const gboolean there = *path != '\0';
  const gboolean writable = is_on (self, "sharing.folder-writable");

  const char *problem = there ? lodge_shared_get_problem (self->machine) : "";
  const gboolean wrong = *problem != '\0';

  gtk_widget_set_visible (self->folder_warning, wrong);
  /* The problem names the folder, and what there is to do. */
  if (wrong)
    adw_action_row_set_subtitle (self->folder, problem);
  else
    adw_action_row_set_subtitle (self->folder, there ? path : _ ("None"));
  adw_action_row_set_subtitle_lines (self->folder, wrong ? 0 : 3);
  gtk_button_set_label (GTK_BUTTON (self->choose), there ? _ ("C_hange…") : _ ("_Choose…"));
  gtk_widget_set_visible (self->stop, there);
  gtk_switch_set_active (self->writable_switch, there && writable);
  gtk_widget_set_visible (GTK_WIDGET (self->writable), there);
  gtk_widget_set_sensitive (GTK_WIDGET (self->writable), TRUE);
  adw_action_row_set_subtitle (
      self->writable,
      writable ? _ ("Whatever runs in the guest can change and remove everything in this folder")
               : _ ("It is read-only: the guest can change nothing in it"));
  lodge_shared_row_set_warns (self->writable, writable);
  adw_preferences_group_set_description (self->folder_group,
                                         lodge_folder_method_row_get_instruction (self->method));
}

static void
update_sound (LodgeSharedWindow *self)
{
  gboolean muted, allowed, playing;
  guint microphone;
  const char *words;

  g_object_get (self->sound, "muted", &muted, "microphone-allowed", &allowed, "microphone",
                &microphone, "playing", &playing, NULL);
  gtk_switch_set_active (self->playback_switch, !muted);
  if (muted)
    words = _ ("Muted: nothing is heard");
  else
    words = playing ? _ ("Heard now") : _ ("Heard while the guest plays something");
  adw_action_row_set_subtitle (self->playback, words);

  gtk_switch_set_active (self->microphone_switch, allowed);
  if (microphone == LODGE_MICROPHONE_LIVE)
    words = _ ("The guest hears it now");
  else if (microphone == LODGE_MICROPHONE_WITHHELD)
    words = _ ("The guest records now, and hears nothing");
  else
    words = allowed ? _ ("The guest hears it while it records")
                    : _ ("A guest that records hears nothing");
  adw_action_row_set_subtitle (self->microphone, words);
}

static void
update (LodgeSharedWindow *self)
{
  const gboolean there = lodge_console_machine_get_machine (self->machine) != NULL;
  g_autofree char *title =
      g_strdup_printf (_ ("Shared With “%s”"), lodge_console_machine_get_name (self->machine));

  gtk_window_set_title (GTK_WINDOW (self), title);
  self->updating = TRUE;
  /* While the engine is away everything stays as it was last seen. */
  if (there) {
    update_clipboard (self);
    update_folder (self);
    lodge_shared_network_update (self->network);
  }
  gtk_widget_set_sensitive (GTK_WIDGET (self->clipboard), there);
  gtk_widget_set_sensitive (GTK_WIDGET (self->files), there);
  gtk_widget_set_sensitive (GTK_WIDGET (self->files_out), there);
  gtk_widget_set_sensitive (GTK_WIDGET (self->folder), there);
  if (!there)
    gtk_widget_set_sensitive (GTK_WIDGET (self->writable), FALSE);
  gtk_widget_set_sensitive (GTK_WIDGET (self->network), there);
  lodge_folder_method_row_update (self->method);
  lodge_shared_media_update (self->media);
  lodge_shared_graphics_update (self->graphics);
  lodge_shared_consoles_update (self->consoles);
  update_sound (self);
  self->updating = FALSE;
}

/* --- Life --- */

static AdwPreferencesGroup *
add_group (AdwPreferencesPage *page, const char *title)
{
  GtkWidget *group = adw_preferences_group_new ();

  adw_preferences_group_set_title (ADW_PREFERENCES_GROUP (group), title);
  adw_preferences_page_add (page, ADW_PREFERENCES_GROUP (group));
  return ADW_PREFERENCES_GROUP (group);
}

static void
add_desktop_rows (LodgeSharedWindow *self, AdwPreferencesGroup *group)
{
  g_autoptr (GtkStringList) ways = gtk_string_list_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (clipboard_ways); i++)
    gtk_string_list_append (ways, _ (clipboard_ways[i].label));
  self->clipboard = ADW_COMBO_ROW (adw_combo_row_new ());
  lodge_shared_row_init (ADW_ACTION_ROW (self->clipboard), _ ("Clipboard"));
  adw_combo_row_set_model (self->clipboard, G_LIST_MODEL (ways));
  adw_preferences_group_add (group, GTK_WIDGET (self->clipboard));
  g_signal_connect (self->clipboard, "notify::selected", G_CALLBACK (clipboard_cb), self);

  self->files = add_row (group, _ ("Dropped Files"));
  self->files_switch = add_switch (self, self->files);
  self->files_out = add_row (group, _ ("Files Out of the Guest"));
  self->files_out_switch = add_switch (self, self->files_out);
}

static void
add_folder_rows (LodgeSharedWindow *self, AdwPreferencesGroup *group)
{
  self->folder_group = group;
  self->folder = add_row (group, _ ("Shared Folder"));
  self->folder_warning = gtk_image_new_from_icon_name ("dialog-warning-symbolic");
  gtk_widget_add_css_class (self->folder_warning, "warning");
  /* No prefix, for which the row would be indented without it, too. */
  gtk_widget_set_valign (self->folder_warning, GTK_ALIGN_CENTER);
  adw_action_row_add_suffix (self->folder, self->folder_warning);
  self->choose = add_button (self, self->folder, _ ("_Choose…"), G_CALLBACK (choose_cb));
  self->stop = add_button (self, self->folder, _ ("_Stop"), G_CALLBACK (stop_cb));
  self->writable = add_row (group, _ ("The Guest May Change Files"));
  self->writable_switch = add_switch (self, self->writable);
}

static void
lodge_shared_window_init (LodgeSharedWindow *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *page = adw_preferences_page_new ();
  AdwPreferencesGroup *sound;

  gtk_window_set_default_size (GTK_WINDOW (self), WIDTH, HEIGHT);
  gtk_box_append (GTK_BOX (box), adw_header_bar_new ());
  gtk_box_append (GTK_BOX (box), page);
  gtk_widget_set_vexpand (page, TRUE);
  adw_window_set_content (ADW_WINDOW (self), box);
  self->page = ADW_PREFERENCES_PAGE (page);

  add_desktop_rows (self, add_group (self->page, _ ("Clipboard and Files")));
  add_folder_rows (self, add_group (self->page, _ ("Folder")));
  sound = add_group (self->page, _ ("Sound"));
  self->playback = add_row (sound, _ ("What the Guest Plays"));
  self->playback_switch = add_switch (self, self->playback);
  self->microphone = add_row (sound, _ ("Microphone"));
  self->microphone_switch = add_switch (self, self->microphone);
}

static void
lodge_shared_window_dispose (GObject *object)
{
  LodgeSharedWindow *self = LODGE_SHARED_WINDOW (object);

  lodge_file_choice_end (&self->chooser);
  follow_agent (self, NULL);
  if (self->machine != NULL) {
    g_signal_handlers_disconnect_by_data (self->machine, self);
    g_signal_handlers_disconnect_by_data (self->sound, self);
  }
  g_clear_object (&self->machine);
  /* A switch may tell of its end. */
  self->updating = TRUE;
  G_OBJECT_CLASS (lodge_shared_window_parent_class)->dispose (object);
}

static void
lodge_shared_window_class_init (LodgeSharedWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = lodge_shared_window_dispose;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
}

GtkWidget *
lodge_shared_window_new (GtkWindow *console, LodgeConsoleMachine *machine)
{
  LodgeSharedWindow *self = g_object_new (LODGE_TYPE_SHARED_WINDOW, NULL);

  lodge_child_window_attach (GTK_WINDOW (self), console);
  self->machine = g_object_ref (machine);
  self->sound = lodge_console_machine_get_sound (machine);
  self->method =
      LODGE_FOLDER_METHOD_ROW (lodge_folder_method_row_new (machine, lodge_shared_window_update));
  adw_preferences_group_add (self->folder_group, GTK_WIDGET (self->method));
  self->network = lodge_shared_network_new (machine);
  adw_preferences_page_add (self->page, ADW_PREFERENCES_GROUP (self->network));
  self->media = lodge_shared_media_new (machine);
  adw_preferences_page_add (self->page, ADW_PREFERENCES_GROUP (self->media));
  self->graphics = lodge_shared_graphics_new (machine);
  adw_preferences_page_add (self->page, ADW_PREFERENCES_GROUP (self->graphics));
  self->consoles = lodge_shared_consoles_new (machine);
  adw_preferences_page_add (self->page, ADW_PREFERENCES_GROUP (self->consoles));
  g_signal_connect_swapped (machine, "changed", G_CALLBACK (update), self);
  g_signal_connect_swapped (self->sound, "notify", G_CALLBACK (update), self);
  update (self);
  return GTK_WIDGET (self);
}
