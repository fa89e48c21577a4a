/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine's drives in the console window's menu: a disc is put in or taken out, while the guest
 * runs or before it starts. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-disc.h"
#include "gtk/lodge-message.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* A guest that holds a disc is asked for it, and has some seconds. */
#define PATIENCE_MS 800
/* Of a file's name, in the menu. */
#define NAME_MAX_CHARS 40

struct _LodgeConsoleMedia {
  GSimpleActionGroup *actions;
  char *seen; /* what the menu shows */
  GtkFileChooserNative *chooser;
  char *drive;    /* that the chooser is for */
  AdwToast *said; /* weak; what became of the last change */
};

/* One disc on its way in or out. */
typedef struct {
  LodgeConsoleWindow *window; /* owned */
  char *drive;
  char *path; /* NULL: out */
  gboolean then_start;
  guint timer;
  AdwToast *toast; /* weak: the guest is asked */
} Change;

static void begin (Change *its, gboolean force);
static char *dup_shown (const char *path, const char *underscore);

static Change *
change_new (LodgeConsoleWindow *window, const char *drive, const char *path)
{
  Change *its = g_new0 (Change, 1);

  its->window = g_object_ref (window);
  its->drive = g_strdup (drive);
  its->path = g_strdup (path);
  return its;
}

static void
stop_waiting (Change *its)
{
  g_clear_handle_id (&its->timer, g_source_remove);
  if (its->toast != NULL)
    adw_toast_dismiss (its->toast);
  g_clear_weak_pointer (&its->toast);
}

static void
change_free (gpointer data)
{
  Change *its = data;

  stop_waiting (its);
  g_object_unref (its->window);
  g_free (its->drive);
  g_free (its->path);
  g_free (its);
}

static gboolean
timer_cb (gpointer user_data)
{
  Change *its = user_data;
  AdwToast *toast;

  its->timer = 0;
  if (!lodge_console_window_is_open (its->window))
    return G_SOURCE_REMOVE;
  toast = adw_toast_new (_ ("The guest is asked for its disc"));
  adw_toast_set_timeout (toast, 0);
  /* Now, not after what else there is to say. */
  adw_toast_set_priority (toast, ADW_TOAST_PRIORITY_HIGH);
  g_set_weak_pointer (&its->toast, toast);
  adw_toast_overlay_add_toast (its->window->toasts, toast);
  return G_SOURCE_REMOVE;
}

static void
take_by_force (gpointer user_data)
{
  const Change *its = user_data;

  if (lodge_console_window_is_open (its->window))
    begin (change_new (its->window, its->drive, its->path), TRUE);
}

static void
unsay (LodgeConsoleMedia *media)
{
  if (media->said != NULL)
    adw_toast_dismiss (media->said);
  g_clear_weak_pointer (&media->said);
}

/* The guest may show nothing of it, and the menu is closed. */
static void
say_done (Change *its)
{
  LodgeConsoleMedia *media = its->window->media;
  AdwToast *toast;
  g_autofree char *shown = NULL, *sentence = NULL;

  if (its->path != NULL) {
    shown = dup_shown (its->path, "_");
    /* Translators: %s is the name of a disc's file. */
    sentence = g_strdup_printf (_ ("“%s” is in the drive"), shown);
  } else {
    sentence = g_strdup (_ ("The disc is out of the drive"));
  }
  unsay (media);
  toast = lodge_message_toast (GTK_WINDOW (its->window), sentence, LODGE_MESSAGE_TOAST_S);
  g_set_weak_pointer (&media->said, toast);
}

/* Takes @its. */
static void
finish (Change *its, GError *error)
{
  stop_waiting (its);
  if (!lodge_console_window_is_open (its->window)) {
    change_free (its);
    return;
  }
  if (error == NULL) {
    if (its->then_start)
      gtk_widget_activate_action (GTK_WIDGET (its->window), "console.start", NULL);
    else
      say_done (its);
    change_free (its);
  } else if (g_error_matches (error, LODGE_ERROR, LODGE_ERROR_BUSY)) {
    lodge_disc_ask_for_force (GTK_WINDOW (its->window), take_by_force, its, change_free);
  } else {
    g_dbus_error_strip_remote_error (error);
    lodge_message_show_error (GTK_WINDOW (its->window),
                              its->path != NULL ? _ ("Could Not Insert the Disc")
                                                : _ ("Could Not Eject the Disc"),
                              error);
    change_free (its);
  }
}

static void
inserted_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  lodge_machine1_call_insert_media_finish (LODGE_MACHINE1 (source), result, &error);
  finish (user_data, error);
}

static void
ejected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  lodge_machine1_call_eject_media_finish (LODGE_MACHINE1 (source), result, &error);
  finish (user_data, error);
}

/* Takes @its. */
static void
begin (Change *its, gboolean force)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (its->window->machine);

  if (machine == NULL) {
    change_free (its);
    return;
  }
  unsay (its->window->media);
  its->timer = g_timeout_add (PATIENCE_MS, timer_cb, its);
  if (its->path != NULL)
    lodge_machine1_call_insert_media (machine, its->drive, its->path, force, NULL, inserted_cb,
                                      its);
  else
    lodge_machine1_call_eject_media (machine, its->drive, force, NULL, ejected_cb, its);
}

void
lodge_console_media_insert (LodgeConsoleWindow *self, const char *drive, const char *path)
{
  begin (change_new (self, drive, path), FALSE);
}

/* --- The menu --- */

static void
chosen_cb (const char *path, const GError *error, gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;

  if (path != NULL)
    lodge_console_media_insert (self, self->media->drive, path);
  else
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Insert the Disc"), error);
}

static void
insert_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;
  LodgeConsoleMedia *media = self->media;

  if (media->chooser != NULL)
    return;
  g_free (media->drive);
  media->drive = g_variant_dup_string (parameter, NULL);
  lodge_disc_choose (&media->chooser, GTK_WINDOW (self), chosen_cb, self, NULL);
}

static void
eject_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  begin (change_new (user_data, g_variant_get_string (parameter, NULL), NULL), FALSE);
}

/* And starts the machine, which could not be for that disc. */
static void
eject_blamed_action (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  g_autofree char *drive = lodge_console_media_dup_blamed (user_data);
  Change *its;

  if (drive == NULL)
    return;
  its = change_new (user_data, drive, NULL);
  its->then_start = TRUE;
  begin (its, FALSE);
}

static void
add_item (GMenu *menu, const char *label, const char *action, const char *drive)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, action, "s", drive);
  g_menu_append_item (menu, item);
}

/* A file's name, short. @underscore: "__" where one would make a mnemonic */
static char *
dup_shown (const char *path, const char *underscore)
{
  g_autofree char *base = g_path_get_basename (path);
  g_autofree char *valid = g_utf8_make_valid (base, -1);
  g_auto (GStrv) parts = NULL;

  if (g_utf8_strlen (valid, -1) > NAME_MAX_CHARS) {
    g_autofree char *head = g_utf8_substring (valid, 0, NAME_MAX_CHARS / 2);
    const char *tail =
        g_utf8_offset_to_pointer (valid, g_utf8_strlen (valid, -1) - NAME_MAX_CHARS / 2);
    g_autofree char *both = g_strconcat (head, "…", tail, NULL);

    parts = g_strsplit (both, "_", -1);
  } else {
    parts = g_strsplit (valid, "_", -1);
  }
  return g_strjoinv (underscore, parts);
}

static char *
dup_insert (const char *drive, gboolean is_only_one, gboolean suspended)
{
  /* What could not be done says what to do first: the guest would not expect another disc. */
  if (suspended && is_only_one)
    return g_strdup (_ ("_Insert a Disc (Resume First)"));
  if (suspended)
    /* Translators: the id of a drive, such as cd1 */
    return g_strdup_printf (_ ("Insert a Disc Into %s (Resume First)"), drive);
  /* Translators: the id of a drive, such as cd1 */
  return is_only_one ? g_strdup (_ ("_Insert a Disc…"))
                     : g_strdup_printf (_ ("Insert a Disc Into %s…"), drive);
}

static void
add_drive (
    GMenu *menu, const char *drive, const char *file, gboolean is_only_one, gboolean suspended)
{
  g_autofree char *insert = dup_insert (drive, is_only_one, suspended);

  add_item (menu, insert, "media.insert", drive);
  if (*file != '\0') {
    g_autofree char *shown = dup_shown (file, "__");
    g_autofree char *eject = g_strdup_printf (_ ("_Eject “%s”"), shown);

    add_item (menu, eject, "media.eject", drive);
  }
}

static void
enable (LodgeConsoleMedia *media, gboolean enabled)
{
  static const char *const names[] = {"insert", "eject", "eject-blamed"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_simple_action_set_enabled (
        G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (media->actions), names[i])),
        enabled);
}

/* "media.cd0.file" is there once for each drive. */
static gboolean
is_file_key (const char *key)
{
  return g_str_has_prefix (key, "media.") && g_str_has_suffix (key, ".file");
}

static char *
dup_drive (const char *key)
{
  return g_strndup (key + strlen ("media."), strlen (key) - strlen ("media..file"));
}

void
lodge_console_media_update (LodgeConsoleWindow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  GVariant *description = machine != NULL ? lodge_machine1_get_description (machine) : NULL;
  g_autoptr (GPtrArray) drives = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) files = g_ptr_array_new ();
  const LodgeMachineState state = lodge_console_machine_get_state (self->machine);
  const gboolean suspended = state == LODGE_MACHINE_STATE_SUSPENDED;
  g_autoptr (GString) seen = g_string_new (suspended ? "suspended\n" : NULL);
  GVariantIter iter;
  const char *key, *text;

  enable (self->media, machine != NULL && (lodge_machine_state_get_can (state) &
                                           LODGE_MACHINE_CAN_CHANGE_MEDIA) != 0);
  if (description == NULL)
    return;
  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &text)) {
    if (!is_file_key (key))
      continue;
    g_ptr_array_add (drives, dup_drive (key));
    g_ptr_array_add (files, (gpointer) text);
    g_string_append_printf (seen, "%s=%s\n", key, text);
  }
  /* An open menu stays as it is. */
  if (g_strcmp0 (self->media->seen, seen->str) == 0)
    return;
  g_free (self->media->seen);
  self->media->seen = g_strdup (seen->str);
  g_menu_remove_all (self->media_menu);
  for (guint i = 0; i < drives->len; i++)
    add_drive (self->media_menu, drives->pdata[i], files->pdata[i], drives->len == 1, suspended);
}

char *
lodge_console_media_dup_blamed (LodgeConsoleWindow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  GVariant *description = machine != NULL ? lodge_machine1_get_description (machine) : NULL;
  const char *note = machine != NULL ? lodge_machine1_get_note (machine) : NULL;
  GVariantIter iter;
  const char *key, *text;

  if (description == NULL || note == NULL || *note == '\0')
    return NULL;
  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, &text)) {
    if (is_file_key (key) && *text != '\0' && strstr (note, text) != NULL)
      return dup_drive (key);
  }
  return NULL;
}

void
lodge_console_media_init (LodgeConsoleWindow *self)
{
  static const GActionEntry entries[] = {
      {.name = "insert", .activate = insert_action, .parameter_type = "s"},
      {.name = "eject", .activate = eject_action, .parameter_type = "s"},
      {.name = "eject-blamed", .activate = eject_blamed_action},
  };

  self->media = g_new0 (LodgeConsoleMedia, 1);
  self->media->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->media->actions), entries,
                                   G_N_ELEMENTS (entries), self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "media",
                                  G_ACTION_GROUP (self->media->actions));
}

void
lodge_console_media_clear (LodgeConsoleWindow *self)
{
  LodgeConsoleMedia *media = g_steal_pointer (&self->media);

  if (media == NULL)
    return;
  gtk_widget_insert_action_group (GTK_WIDGET (self), "media", NULL);
  lodge_file_choice_end (&media->chooser);
  g_clear_weak_pointer (&media->said);
  g_object_unref (media->actions);
  g_free (media->drive);
  g_free (media->seen);
  g_free (media);
}
