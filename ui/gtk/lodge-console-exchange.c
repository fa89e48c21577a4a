/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the console window and its guest exchange: the clipboard, and files that are dropped on it
 * or pasted into it.
 *
 * The switches are keys of the machine's description. What is done follows the description, whoever
 * changes it; the menu asks the engine to change it and shows what it says then.
 */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-display-clipboard.h"
#include "gtk/lodge-message.h"
#include "gtk/lodge-set-keys.h"
#include "gtk/lodge-transfer-panel.h"

#include <glib/gi18n-lib.h>

#define CLIPBOARD_KEY "sharing.clipboard"
#define FILES_KEY     "sharing.files"
#define PASTE_ACTION  "paste-files"
/* After that the program that copied the files is taken to hang. */
#define PASTE_PATIENCE_S 10

struct _LodgeConsoleExchange {
  LodgeConsoleWindow *window;
  LodgeDisplayClipboard *clipboard;
  LodgeTransferPanel *panel; /* a child of the window */
  GPtrArray *screens;        /* of Screen, the window's own first */
  GSimpleActionGroup *actions;
  GSimpleAction *clipboard_action;
  GSimpleAction *files_action;
  GSimpleAction *paste_action; /* the console's own; a further monitor's is always there */
  LodgeConsoleSession *session;
  int needs_agent; /* what the menu says; -1 at first */
  gboolean pasted; /* said in this session that the agent is missing for that */
  guint copied;    /* since all were over */
};

/* One that files are dropped on, or pasted into. */
typedef struct {
  LodgeConsoleExchange *exchange;
  LodgeDisplay *display;
  GtkWindow *window;     /* a further one, which the clipboard is told of; or NULL */
  GtkDropTarget *drop;   /* owned, and the display's */
  GtkRevealer *hint;     /* a child of its window */
  GCancellable *reading; /* the files on the host's clipboard, or NULL */
  guint patience;        /* with it */
} Screen;

/* The program that has copied them may take its time, and the screen may be gone by then. */
typedef struct {
  Screen *screen; /* only while it is not cancelled */
  GCancellable *cancellable;
} Reading;

/* In the order of the menu. */
static const struct {
  const char *value;
  LodgeClipboardWays ways;
  const char *label;
} clipboard_rows[] = {
    {"both", LODGE_CLIPBOARD_WAY_TO_GUEST | LODGE_CLIPBOARD_WAY_TO_HOST, N_ ("_Both Ways")},
    {"to-guest", LODGE_CLIPBOARD_WAY_TO_GUEST, N_ ("Only Into the _Guest")},
    {"to-host", LODGE_CLIPBOARD_WAY_TO_HOST, N_ ("Only _Out of the Guest")},
    {"off", LODGE_CLIPBOARD_NO_WAY, N_ ("O_ff")},
};

static void
say (LodgeConsoleExchange *self, const char *sentence)
{
  lodge_message_toast (GTK_WINDOW (self->window), sentence, LODGE_MESSAGE_TOAST_S);
}

/* Where it was done. */
static void
say_at (Screen *screen, const char *sentence)
{
  lodge_message_toast (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (screen->display))), sentence,
                       LODGE_MESSAGE_TOAST_S);
}

/* --- Switches --- */

static void
set_key (LodgeConsoleExchange *self, const char *key, const char *text)
{
  lodge_set_keys (GTK_WINDOW (self->window),
                  lodge_console_machine_get_machine (self->window->machine),
                  _ ("Could Not Change What Is Shared"), NULL, key, text, NULL);
}

static void
clipboard_cb (GSimpleAction *action, GVariant *value, LodgeConsoleExchange *self)
{
  set_key (self, CLIPBOARD_KEY, g_variant_get_string (value, NULL));
}

static void
files_cb (GSimpleAction *action, GVariant *value, LodgeConsoleExchange *self)
{
  set_key (self, FILES_KEY, g_variant_get_boolean (value) ? "true" : "false");
}

static void
follow_description (LodgeConsoleExchange *self, LodgeMachine1 *machine)
{
  GVariant *description = lodge_machine1_get_description (machine);
  const char *clipboard = NULL;
  const char *files = NULL;

  /* What an engine does not know of is not shared. */
  if (description != NULL) {
    g_variant_lookup (description, CLIPBOARD_KEY, "&s", &clipboard);
    g_variant_lookup (description, FILES_KEY, "&s", &files);
  }
  g_simple_action_set_state (self->clipboard_action,
                             g_variant_new_string (clipboard != NULL ? clipboard : "off"));
  g_simple_action_set_state (self->files_action,
                             g_variant_new_boolean (g_strcmp0 (files, "true") == 0));
}

static void
set_takes_files (Screen *screen, gboolean takes_files)
{
  gtk_drop_target_set_actions (screen->drop, takes_files ? GDK_ACTION_COPY : 0);
}

static void
apply (LodgeConsoleExchange *self)
{
  g_autoptr (GVariant) clipboard = g_action_get_state (G_ACTION (self->clipboard_action));
  g_autoptr (GVariant) files = g_action_get_state (G_ACTION (self->files_action));
  const gboolean take_files = g_variant_get_boolean (files);
  LodgeClipboardWays ways = LODGE_CLIPBOARD_NO_WAY;

  for (guint i = 0; i < G_N_ELEMENTS (clipboard_rows); i++) {
    if (g_str_equal (g_variant_get_string (clipboard, NULL), clipboard_rows[i].value))
      ways = clipboard_rows[i].ways;
  }
  lodge_display_clipboard_set_ways (self->clipboard, ways);
  for (guint i = 0; i < self->screens->len; i++)
    set_takes_files (self->screens->pdata[i], take_files);
  if (self->session != NULL) {
    LodgeConsoleFiles *list = lodge_console_session_get_files (self->session);

    lodge_console_files_set_enabled (list, take_files);
    lodge_console_files_set_paused (list, lodge_console_machine_get_state (self->window->machine) ==
                                              LODGE_MACHINE_STATE_PAUSED);
  }
}

/* --- Menu --- */

static void
append_paste (GMenu *menu)
{
  g_autoptr (GMenuItem) item =
      g_menu_item_new (_ ("P_aste Files Into the Guest"), "sharing." PASTE_ACTION);

  g_menu_item_set_attribute (item, "accel", "s", "<Control><Shift>Insert");
  g_menu_append_item (menu, item);
}

static void
update_menu (LodgeConsoleExchange *self)
{
  GMenu *menu = self->window->sharing_menu;
  const gboolean there = lodge_console_machine_get_machine (self->window->machine) != NULL;
  const gboolean shown =
      lodge_console_machine_get_phase (self->window->machine) == LODGE_CONSOLE_SHOWN;
  const int needs_agent =
      shown && self->session != NULL &&
      !lodge_console_clipboard_get_available (lodge_console_session_get_clipboard (self->session));

  g_simple_action_set_enabled (self->clipboard_action, there);
  g_simple_action_set_enabled (self->files_action, there);
  g_simple_action_set_enabled (self->paste_action, shown);
  if (needs_agent == self->needs_agent)
    return;

  self->needs_agent = needs_agent;
  g_menu_remove_all (menu);
  if (needs_agent) {
    /* There is no such action, which makes them insensitive. */
    g_menu_append (menu, _ ("Share Clipboard (the guest needs spice-vdagent)"), "sharing.none");
    g_menu_append (menu, _ ("Take Dropped Files (the guest needs spice-vdagent)"), "sharing.none");
    g_menu_append (menu, _ ("Paste Files Into the Guest (the guest needs spice-vdagent)"),
                   "sharing.none");
  } else {
    g_autoptr (GMenu) choices = g_menu_new ();

    for (guint i = 0; i < G_N_ELEMENTS (clipboard_rows); i++) {
      g_autofree char *action = g_strconcat ("sharing.clipboard::", clipboard_rows[i].value, NULL);
      g_menu_append (choices, _ (clipboard_rows[i].label), action);
    }
    g_menu_append_submenu (menu, _ ("Share Cli_pboard"), G_MENU_MODEL (choices));
    g_menu_append (menu, _ ("Take _Dropped Files"), "sharing.files");
    append_paste (menu);
  }
  /* That is another agent. */
  g_menu_append (menu, _ ("Get _Files Out…"), "console.fetch");
}

/* --- Pasting --- */

/* The keys have gone into the guest, which may have something of its own to paste. So it is said
 * only when what was copied last is this computer's, and once in a session. */
static void
paste_cb (Screen *screen)
{
  LodgeConsoleExchange *self = screen->exchange;

  GdkClipboard *host = gtk_widget_get_clipboard (GTK_WIDGET (self->window));
  GdkContentFormats *formats = gdk_clipboard_get_formats (host);
  AdwToast *toast;

  if (self->pasted || self->session == NULL || gdk_clipboard_is_local (host) ||
      (lodge_display_clipboard_get_ways (self->clipboard) & LODGE_CLIPBOARD_WAY_TO_GUEST) == 0 ||
      lodge_console_clipboard_get_available (lodge_console_session_get_clipboard (self->session)) ||
      !(gdk_content_formats_contain_gtype (formats, G_TYPE_STRING) ||
        gdk_content_formats_contain_mime_type (formats, LODGE_CLIPBOARD_TEXT)))
    return;

  self->pasted = TRUE;
  if (screen->window != NULL) {
    say_at (screen, _ ("To paste, the guest needs spice-vdagent"));
    return;
  }
  toast = adw_toast_new (_ ("To paste, the guest needs spice-vdagent"));
  adw_toast_set_button_label (toast, _ ("_Type It"));
  adw_toast_set_action_name (toast, "keys.type-clipboard");
  adw_toast_overlay_add_toast (self->window->toasts, toast);
}

/* --- Files --- */

static gboolean
drop (Screen *screen, GSList *files)
{
  LodgeConsoleSession *session = screen->exchange->session;
  g_autoptr (GError) error = NULL;

  if (session == NULL)
    return FALSE;
  if (lodge_console_files_send (lodge_console_session_get_files (session), files, &error))
    return TRUE;
  say_at (screen, error->message);
  return FALSE;
}

gboolean
lodge_console_exchange_drop (LodgeConsoleWindow *window, GSList *files)
{
  return drop (window->exchange->screens->pdata[0], files);
}

static void
reading_free (Reading *reading)
{
  g_object_unref (reading->cancellable);
  g_free (reading);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reading, reading_free)

/* What comes of it is not looked at any more. */
static void
stop_reading (Screen *screen)
{
  g_clear_handle_id (&screen->patience, g_source_remove);
  g_cancellable_cancel (screen->reading);
  g_clear_object (&screen->reading);
}

/* @sentence: why, where the guest is there still */
static void
say_not_pasted (Screen *screen, const char *sentence)
{
  say_at (screen, screen->exchange->session != NULL
                      ? sentence
                      : _ ("No file was pasted: the connection to the guest has ended"));
}

static gboolean
patience_cb (gpointer user_data)
{
  Screen *screen = user_data;

  screen->patience = 0;
  stop_reading (screen);
  say_not_pasted (screen,
                  _ ("The program that the files were copied in does not answer: try again, "
                     "or copy them in another one"));
  return G_SOURCE_REMOVE;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Reading) reading = user_data;
  g_autoptr (GError) error = NULL;
  const GValue *value = gdk_clipboard_read_value_finish (GDK_CLIPBOARD (source), result, &error);
  g_autoptr (GSList) files = NULL;

  if (g_cancellable_is_cancelled (reading->cancellable))
    return;
  g_clear_handle_id (&reading->screen->patience, g_source_remove);
  g_clear_object (&reading->screen->reading);
  if (value != NULL)
    files = gdk_file_list_get_files (g_value_get_boxed (value));
  if (files != NULL && reading->screen->exchange->session != NULL)
    drop (reading->screen, files);
  else
    say_not_pasted (reading->screen, _ ("The copied files could not be had: copy them again"));
}

/* Pasted, they go the way of those that are dropped. */
static void
paste_files_cb (Screen *screen)
{
  GdkClipboard *host = gtk_widget_get_clipboard (GTK_WIDGET (screen->display));
  g_autoptr (GdkContentFormats) formats = gdk_content_formats_union_deserialize_gtypes (
      gdk_content_formats_ref (gdk_clipboard_get_formats (host)));
  Reading *reading;

  if (screen->exchange->session == NULL)
    return;
  if (!gdk_content_formats_contain_gtype (formats, GDK_TYPE_FILE_LIST)) {
    say_at (screen, _ ("There are no files to paste: copy some in your file manager first"));
    return;
  }
  stop_reading (screen);
  screen->reading = g_cancellable_new ();
  screen->patience = g_timeout_add_seconds (PASTE_PATIENCE_S, patience_cb, screen);
  reading = g_new0 (Reading, 1);
  reading->screen = screen;
  reading->cancellable = g_object_ref (screen->reading);
  gdk_clipboard_read_value_async (host, GDK_TYPE_FILE_LIST, G_PRIORITY_DEFAULT,
                                  reading->cancellable, read_cb, reading);
}

guint
lodge_console_exchange_get_n_unfinished (LodgeConsoleWindow *window)
{
  LodgeConsoleSession *session = window->exchange->session;

  return session != NULL
             ? lodge_console_files_get_n_unfinished (lodge_console_session_get_files (session))
             : 0;
}

static gboolean
drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, Screen *self)
{
  g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));

  gtk_revealer_set_reveal_child (self->hint, FALSE);
  return drop (self, files);
}

static GdkDragAction
enter_cb (GtkDropTarget *target, double x, double y, Screen *self)
{
  gtk_revealer_set_reveal_child (self->hint, TRUE);
  return GDK_ACTION_COPY;
}

static void
leave_cb (GtkDropTarget *target, Screen *self)
{
  gtk_revealer_set_reveal_child (self->hint, FALSE);
}

static void
copied_cb (LodgeConsoleFiles *files, LodgeConsoleTransfer *transfer, LodgeConsoleExchange *self)
{
  self->copied++;
}

static void
say_copied (LodgeConsoleExchange *self)
{
  const guint copied = self->copied;

  self->copied = 0;
  if (copied == 0)
    return;
  g_autofree char *sentence =
      g_strdup_printf (ngettext ("%u file was copied into the guest", /* */
                                 "%u files were copied into the guest", copied),
                       copied);
  say (self, sentence);
}

/* --- Session --- */

static void
available_cb (LodgeConsoleExchange *self)
{
  update_menu (self);
}

/* Those under way and those that failed. */
static guint
count_files (LodgeConsoleSession *session)
{
  return g_list_model_get_n_items (G_LIST_MODEL (lodge_console_session_get_files (session)));
}

/* The panel goes with its session, and with it what says of each file that it was not copied. */
static void
say_lost (LodgeConsoleExchange *self)
{
  const guint lost = self->session != NULL ? count_files (self->session) : 0;

  if (lost == 0)
    return;
  g_autofree char *sentence = g_strdup_printf (
      ngettext ("%u file was not copied: the connection to the guest has ended",
                "%u files were not copied: the connection to the guest has ended", lost),
      lost);
  say (self, sentence);
}

static void
leave_session (LodgeConsoleExchange *self)
{
  if (self->session == NULL)
    return;

  g_signal_handlers_disconnect_by_data (lodge_console_session_get_files (self->session), self);
  g_signal_handlers_disconnect_by_data (lodge_console_session_get_clipboard (self->session), self);
  lodge_display_clipboard_set_guest (self->clipboard, NULL);
  lodge_transfer_panel_set_files (self->panel, NULL);
  g_clear_object (&self->session);
}

static void
take_session (LodgeConsoleExchange *self, LodgeConsoleSession *session)
{
  LodgeConsoleClipboard *clipboard = lodge_console_session_get_clipboard (session);
  LodgeConsoleFiles *files = lodge_console_session_get_files (session);

  self->session = g_object_ref (session);
  self->pasted = FALSE;
  g_signal_connect_swapped (clipboard, "notify::available", G_CALLBACK (available_cb), self);
  g_signal_connect (files, "copied", G_CALLBACK (copied_cb), self);
  g_signal_connect_swapped (files, "finished", G_CALLBACK (say_copied), self);
  lodge_display_clipboard_set_guest (self->clipboard, clipboard);
  lodge_transfer_panel_set_files (self->panel, files);
}

void
lodge_console_exchange_update (LodgeConsoleWindow *window)
{
  LodgeConsoleExchange *self = window->exchange;
  LodgeConsoleSession *session = lodge_console_machine_get_session (window->machine);
  LodgeMachine1 *machine = lodge_console_machine_get_machine (window->machine);

  /* While the engine is away it stays as it was. */
  if (machine != NULL)
    follow_description (self, machine);
  if (session != self->session) {
    say_copied (self);
    say_lost (self);
    leave_session (self);
    if (session != NULL)
      take_session (self, session);
  }
  apply (self);
  update_menu (self);
}

/* --- Life --- */

static void
problem_cb (LodgeDisplayClipboard *clipboard, const char *sentence, LodgeConsoleExchange *self)
{
  say (self, sentence);
}

static GtkRevealer *
new_hint (void)
{
  GtkWidget *revealer = gtk_revealer_new ();
  GtkWidget *label = gtk_label_new (_ ("Drop files to copy them into the guest"));

  gtk_widget_add_css_class (label, "osd");
  gtk_widget_add_css_class (label, "console-pill");
  gtk_revealer_set_child (GTK_REVEALER (revealer), label);
  gtk_revealer_set_transition_type (GTK_REVEALER (revealer),
                                    GTK_REVEALER_TRANSITION_TYPE_CROSSFADE);
  gtk_widget_set_halign (revealer, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (revealer, GTK_ALIGN_CENTER);
  gtk_widget_set_can_target (revealer, FALSE);
  return GTK_REVEALER (revealer);
}

static void
screen_free (gpointer data)
{
  Screen *self = data;

  stop_reading (self);
  g_signal_handlers_disconnect_by_data (self->display, self);
  g_signal_handlers_disconnect_by_data (self->drop, self);
  g_object_unref (self->drop);
  g_free (self);
}

static Screen *
add_screen (LodgeConsoleExchange *self, LodgeDisplay *display, GtkOverlay *overlay)
{
  Screen *screen = g_new0 (Screen, 1);

  screen->exchange = self;
  screen->display = display;
  g_signal_connect_swapped (display, "paste-pressed", G_CALLBACK (paste_cb), screen);
  screen->hint = new_hint ();
  gtk_overlay_add_overlay (overlay, GTK_WIDGET (screen->hint));
  screen->drop = gtk_drop_target_new (GDK_TYPE_FILE_LIST, 0);
  g_signal_connect (screen->drop, "drop", G_CALLBACK (drop_cb), screen);
  g_signal_connect (screen->drop, "enter", G_CALLBACK (enter_cb), screen);
  g_signal_connect (screen->drop, "leave", G_CALLBACK (leave_cb), screen);
  gtk_widget_add_controller (GTK_WIDGET (display),
                             GTK_EVENT_CONTROLLER (g_object_ref (screen->drop)));
  g_ptr_array_add (self->screens, screen);
  return screen;
}

/* @group: for what is done at the screen. Returns: (transfer full) */
static GSimpleAction *
add_paste (GSimpleActionGroup *group, Screen *screen)
{
  GSimpleAction *action = g_simple_action_new (PASTE_ACTION, NULL);

  g_signal_connect_swapped (action, "activate", G_CALLBACK (paste_files_cb), screen);
  g_action_map_add_action (G_ACTION_MAP (group), G_ACTION (action));
  return action;
}

static void
set_window (Screen *screen, GtkRoot *root)
{
  LodgeConsoleExchange *self = screen->exchange;

  if (screen->window != NULL)
    lodge_display_clipboard_remove_window (self->clipboard, screen->window);
  screen->window =
      GTK_IS_WINDOW (root) && root != GTK_ROOT (self->window) ? GTK_WINDOW (root) : NULL;
  if (screen->window != NULL)
    lodge_display_clipboard_add_window (self->clipboard, screen->window);
}

/* It is in a window of its own, or beside the console's. */
static void
root_cb (LodgeDisplay *display, GParamSpec *pspec, Screen *screen)
{
  set_window (screen, gtk_widget_get_root (GTK_WIDGET (display)));
}

void
lodge_console_exchange_add_screen (LodgeConsoleWindow *window,
                                   LodgeDisplay *display,
                                   GtkOverlay *overlay)
{
  LodgeConsoleExchange *self = window->exchange;
  g_autoptr (GVariant) files = g_action_get_state (G_ACTION (self->files_action));
  g_autoptr (GSimpleActionGroup) actions = g_simple_action_group_new ();
  g_autoptr (GSimpleAction) paste = NULL;
  Screen *screen = add_screen (self, display, overlay);

  set_takes_files (screen, g_variant_get_boolean (files));
  paste = add_paste (actions, screen);
  gtk_widget_insert_action_group (GTK_WIDGET (display), "sharing", G_ACTION_GROUP (actions));
  g_signal_connect (display, "notify::root", G_CALLBACK (root_cb), screen);
  root_cb (display, NULL, screen);
}

void
lodge_console_exchange_remove_screen (LodgeConsoleWindow *window, LodgeDisplay *display)
{
  LodgeConsoleExchange *self = window->exchange;

  gtk_widget_insert_action_group (GTK_WIDGET (display), "sharing", NULL);
  for (guint i = 1; i < self->screens->len; i++) {
    Screen *screen = self->screens->pdata[i];

    if (screen->display != display)
      continue;
    set_window (screen, NULL);
    g_ptr_array_remove_index (self->screens, i--);
  }
}

void
lodge_console_exchange_init (LodgeConsoleWindow *window)
{
  LodgeConsoleExchange *self = g_new0 (LodgeConsoleExchange, 1);
  Screen *screen;

  window->exchange = self;
  self->window = window;
  self->needs_agent = -1;
  self->clipboard = lodge_display_clipboard_new (GTK_WINDOW (window));
  g_signal_connect (self->clipboard, "problem", G_CALLBACK (problem_cb), self);

  self->panel = LODGE_TRANSFER_PANEL (lodge_transfer_panel_new ());
  gtk_overlay_add_overlay (GTK_OVERLAY (window->overlay), GTK_WIDGET (self->panel));
  self->screens = g_ptr_array_new_with_free_func (screen_free);
  screen = add_screen (self, window->display, GTK_OVERLAY (window->screen));

  self->actions = g_simple_action_group_new ();
  self->clipboard_action = g_simple_action_new_stateful ("clipboard", G_VARIANT_TYPE_STRING,
                                                         g_variant_new_string ("off"));
  g_signal_connect (self->clipboard_action, "change-state", G_CALLBACK (clipboard_cb), self);
  g_action_map_add_action (G_ACTION_MAP (self->actions), G_ACTION (self->clipboard_action));
  self->files_action = g_simple_action_new_stateful ("files", NULL, g_variant_new_boolean (FALSE));
  g_signal_connect (self->files_action, "change-state", G_CALLBACK (files_cb), self);
  g_action_map_add_action (G_ACTION_MAP (self->actions), G_ACTION (self->files_action));
  self->paste_action = add_paste (self->actions, screen);
  gtk_widget_insert_action_group (GTK_WIDGET (window), "sharing", G_ACTION_GROUP (self->actions));
}

void
lodge_console_exchange_clear (LodgeConsoleWindow *window)
{
  LodgeConsoleExchange *self = g_steal_pointer (&window->exchange);

  if (self == NULL)
    return;
  if (self->session != NULL) {
    g_autoptr (LodgeConsoleSession) session = g_object_ref (self->session);

    /* What ends now has nobody to be told of it. */
    leave_session (self);
    lodge_console_files_set_enabled (lodge_console_session_get_files (session), FALSE);
  }
  g_signal_handlers_disconnect_by_data (self->paste_action, self->screens->pdata[0]);
  g_object_unref (self->paste_action);
  g_ptr_array_unref (self->screens);
  g_signal_handlers_disconnect_by_data (self->clipboard, self);
  g_object_unref (self->clipboard);
  g_signal_handlers_disconnect_by_data (self->clipboard_action, self);
  g_object_unref (self->clipboard_action);
  g_signal_handlers_disconnect_by_data (self->files_action, self);
  g_object_unref (self->files_action);
  g_object_unref (self->actions);
  g_free (self);
}
