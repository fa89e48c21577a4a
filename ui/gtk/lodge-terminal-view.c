/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console of text: a terminal, what it is connected to, search, and a log. See the header. */
#include "gtk/lodge-terminal-view.h"

#include "console/lodge-saved-file.h"
#include "gtk/lodge-message.h"

#include <glib/gi18n-lib.h>
#define PCRE2_CODE_UNIT_WIDTH 0
#include <pcre2.h>
#include <vte/vte.h>

#define SCALE_STEP  1.2
#define SCALE_LEAST 0.4
#define SCALE_MOST  4.0

struct _LodgeTerminalView {
  AdwBin parent_instance;

  GtkSearchBar *search_bar;
  GtkEditable *search_entry;
  VteTerminal *terminal;
  GtkWidget *empty;
  GtkLabel *empty_title;
  GtkLabel *empty_body;
  GtkLabel *state_label;
  GtkWidget *log_image;
  GtkLabel *log_label;
  GtkWidget *log_button;

  char *id;
  char *machine;
  gboolean has_socket;
  gboolean was_connected; /* ever */
  gboolean refused;       /* what was typed last */
  LodgeTerminalStream *stream;
  GtkFileChooserNative *chooser;
};

G_DEFINE_FINAL_TYPE (LodgeTerminalView, lodge_terminal_view, ADW_TYPE_BIN)

/* A guest that ended in the middle of something may have left colours, margins or the other screen:
 * back to the normal screen (DECSET 47, which moves no cursor), soft reset (DECSTR), a new line. */
#define AFTER_END "\033[?47l\033[!p\r\n"

static void
show_state (LodgeTerminalView *self)
{
  const gboolean connected = lodge_terminal_stream_get_connected (self->stream);
  const gboolean monitor = g_str_equal (self->id, "monitor");
  const char *words;

  if (connected && self->refused)
    words = _ ("The guest does not read what is typed");
  else if (connected)
    words = _ ("Connected");
  else if (self->has_socket)
    words = _ ("Connecting…");
  else
    words = _ ("Not connected: the machine does not run");
  gtk_label_set_text (self->state_label, words);

  if (monitor) {
    gtk_label_set_text (self->empty_title, _ ("QEMU has written nothing yet"));
    gtk_label_set_text (self->empty_body, "");
  } else {
    gtk_label_set_text (self->empty_title, _ ("Nothing has come from the serial port yet"));
    gtk_label_set_text (self->empty_body,
                        _ ("A Linux guest writes here, and has a login here, when its kernel is "
                           "started with console=ttyS0."));
  }
}

static void
show_log (LodgeTerminalView *self)
{
  GFile *file = lodge_terminal_stream_get_log (self->stream);
  g_autofree char *name = file != NULL ? g_file_get_basename (file) : NULL;
  g_autofree char *shown = name != NULL ? g_filename_display_name (name) : NULL;
  g_autofree char *path = file != NULL ? g_file_get_parse_name (file) : NULL;

  gtk_widget_set_visible (self->log_image, file != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->log_label), file != NULL);
  gtk_widget_set_visible (self->log_button, file != NULL);
  gtk_label_set_text (self->log_label, shown != NULL ? shown : "");
  gtk_widget_set_tooltip_text (GTK_WIDGET (self->log_label), path);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "terminal.start-log", file == NULL);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "terminal.stop-log", file != NULL);
}

static void
connected_cb (LodgeTerminalView *self)
{
  const gboolean connected = lodge_terminal_stream_get_connected (self->stream);

  if (connected && self->was_connected)
    vte_terminal_feed (self->terminal, AFTER_END, -1);
  self->was_connected |= connected;
  self->refused = FALSE;
  show_state (self);
}

static void
received_cb (LodgeTerminalStream *stream, GBytes *bytes, LodgeTerminalView *self)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  gtk_widget_set_visible (self->empty, FALSE);
  vte_terminal_feed (self->terminal, data, (gssize) length);
}

/* Keys, pasted text, and the answers to a guest's questions (where the cursor is). No bell when
 * they are not taken: a guest could ask without end, and ring it. */
static void
commit_cb (VteTerminal *terminal, const char *text, guint size, LodgeTerminalView *self)
{
  gboolean refused;

  if (self->stream == NULL)
    return;
  refused = !lodge_terminal_stream_write (self->stream, text, size);
  if (refused == self->refused)
    return;
  self->refused = refused;
  show_state (self);
}

static void
selection_cb (LodgeTerminalView *self)
{
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "terminal.copy",
                                 vte_terminal_get_has_selection (self->terminal));
}

static void
log_ended_cb (LodgeTerminalStream *stream, const GError *error, LodgeTerminalView *self)
{
  lodge_message_show_error (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))),
                            _ ("The Log Has Ended"), error);
}

/* --- Search --- */

static void
show_found (LodgeTerminalView *self, gboolean found)
{
  if (found)
    gtk_widget_remove_css_class (GTK_WIDGET (self->search_entry), "error");
  else
    gtk_widget_add_css_class (GTK_WIDGET (self->search_entry), "error");
}

/* What is looked for is text, not a pattern. */
static void
search_changed_cb (LodgeTerminalView *self)
{
  const char *text = gtk_editable_get_text (self->search_entry);
  g_autofree char *escaped = g_regex_escape_string (text, -1);
  VteRegex *regex = NULL;

  if (*text != '\0')
    regex =
        vte_regex_new_for_search (escaped, -1, PCRE2_MULTILINE | PCRE2_CASELESS | PCRE2_UTF, NULL);
  vte_terminal_search_set_regex (self->terminal, regex, 0);
  if (regex != NULL)
    vte_regex_unref (regex);
  vte_terminal_unselect_all (self->terminal);
  /* From the end, where the newest is. */
  show_found (self, *text == '\0' || vte_terminal_search_find_previous (self->terminal));
}

static void
search_previous_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeTerminalView *self = LODGE_TERMINAL_VIEW (widget);

  if (vte_terminal_search_get_regex (self->terminal) != NULL)
    show_found (self, vte_terminal_search_find_previous (self->terminal));
}

static void
search_next_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeTerminalView *self = LODGE_TERMINAL_VIEW (widget);

  if (vte_terminal_search_get_regex (self->terminal) != NULL)
    show_found (self, vte_terminal_search_find_next (self->terminal));
}

/* Enter goes back, where one comes from the end. */
static void
search_entered_cb (LodgeTerminalView *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "terminal.search-previous", NULL);
}

static void
search_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeTerminalView *self = LODGE_TERMINAL_VIEW (widget);

  gtk_search_bar_set_search_mode (self->search_bar, TRUE);
  gtk_widget_grab_focus (GTK_WIDGET (self->search_entry));
}

static void
search_mode_cb (LodgeTerminalView *self)
{
  if (gtk_search_bar_get_search_mode (self->search_bar))
    gtk_widget_grab_focus (GTK_WIDGET (self->search_entry));
  else
    gtk_widget_grab_focus (GTK_WIDGET (self->terminal));
}

/* --- Files --- */

static char *
dup_file_name (LodgeTerminalView *self, const char *ending)
{
  g_autofree char *what = g_strdup_printf ("%s %s", self->machine, self->id);
  g_autofree char *stem = lodge_saved_file_dup_stem (what);

  return g_strconcat (stem, ending, NULL);
}

static void
choose (LodgeTerminalView *self, const char *title, const char *ending, GCallback chosen)
{
  g_autofree char *name = dup_file_name (self, ending);
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  if (self->chooser != NULL)
    return;
  self->chooser =
      gtk_file_chooser_native_new (title, GTK_IS_WINDOW (root) ? GTK_WINDOW (root) : NULL,
                                   GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Save"), _ ("_Cancel"));
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->chooser), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (self->chooser), name);
  g_signal_connect (self->chooser, "response", chosen, self);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->chooser));
}

/* Returns: (transfer full): NULL when none was chosen */
static GFile *
take_choice (LodgeTerminalView *self, int response)
{
  GFile *file = response == GTK_RESPONSE_ACCEPT
                    ? gtk_file_chooser_get_file (GTK_FILE_CHOOSER (self->chooser))
                    : NULL;

  g_clear_object (&self->chooser);
  return file;
}

/* Returns: (nullable): NULL once it is closed, when there is nobody to be told */
static GtkRoot *
get_open_root (LodgeTerminalView *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  return root != NULL && gtk_widget_get_visible (GTK_WIDGET (root)) ? root : NULL;
}

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeTerminalView) self = user_data;
  g_autoptr (GError) error = NULL;
  GtkRoot *root = get_open_root (self);

  if (!g_file_replace_contents_finish (G_FILE (source), result, NULL, &error) && root != NULL)
    lodge_message_show_error (GTK_WINDOW (root), _ ("Could Not Save What Was Written"), error);
}

void
lodge_terminal_view_save (LodgeTerminalView *self, GFile *file)
{
  g_autoptr (GOutputStream) out = g_memory_output_stream_new_resizable ();
  g_autoptr (GBytes) bytes = NULL;

  /* Into memory this neither fails nor waits. */
  (void) vte_terminal_write_contents_sync (self->terminal, out, VTE_WRITE_DEFAULT, NULL, NULL);
  (void) g_output_stream_close (out, NULL, NULL);
  bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (out));
  g_file_replace_contents_bytes_async (file, bytes, NULL, FALSE, G_FILE_CREATE_PRIVATE, NULL,
                                       saved_cb, g_object_ref (self));
}

static void
save_chosen_cb (GtkNativeDialog *dialog, int response, LodgeTerminalView *self)
{
  g_autoptr (GFile) file = take_choice (self, response);

  if (file != NULL)
    lodge_terminal_view_save (self, file);
}

static void
save_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  choose (LODGE_TERMINAL_VIEW (widget), _ ("Save What Was Written"), ".txt",
          G_CALLBACK (save_chosen_cb));
}

static void
log_started_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeTerminalView) self = user_data;
  g_autoptr (GError) error = NULL;
  GtkRoot *root = get_open_root (self);

  if (!lodge_terminal_stream_start_log_finish (LODGE_TERMINAL_STREAM (source), result, &error) &&
      root != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    lodge_message_show_error (GTK_WINDOW (root), _ ("Could Not Start the Log"), error);
}

void
lodge_terminal_view_log (LodgeTerminalView *self, GFile *file)
{
  lodge_terminal_stream_start_log_async (self->stream, file, log_started_cb, g_object_ref (self));
}

static void
log_chosen_cb (GtkNativeDialog *dialog, int response, LodgeTerminalView *self)
{
  g_autoptr (GFile) file = take_choice (self, response);

  if (file != NULL)
    lodge_terminal_view_log (self, file);
}

static void
start_log_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  choose (LODGE_TERMINAL_VIEW (widget), _ ("Log to a File"), ".log", G_CALLBACK (log_chosen_cb));
}

static void
stop_log_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeTerminalView *self = LODGE_TERMINAL_VIEW (widget);

  lodge_terminal_stream_stop_log (self->stream);
  gtk_widget_grab_focus (GTK_WIDGET (self->terminal));
}

/* --- The other actions --- */

static void
copy_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeTerminalView *self = LODGE_TERMINAL_VIEW (widget);

  if (vte_terminal_get_has_selection (self->terminal))
    vte_terminal_copy_clipboard_format (self->terminal, VTE_FORMAT_TEXT);
}

static void
paste_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  vte_terminal_paste_clipboard (LODGE_TERMINAL_VIEW (widget)->terminal);
}

static void
select_all_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  vte_terminal_select_all (LODGE_TERMINAL_VIEW (widget)->terminal);
}

static void
scale (GtkWidget *widget, double factor)
{
  VteTerminal *terminal = LODGE_TERMINAL_VIEW (widget)->terminal;

  vte_terminal_set_font_scale (
      terminal, CLAMP (factor * vte_terminal_get_font_scale (terminal), SCALE_LEAST, SCALE_MOST));
}

static void
larger_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  scale (widget, SCALE_STEP);
}

static void
smaller_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  scale (widget, 1 / SCALE_STEP);
}

static void
normal_size_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  vte_terminal_set_font_scale (LODGE_TERMINAL_VIEW (widget)->terminal, 1);
}

static void
reset_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  vte_terminal_reset (LODGE_TERMINAL_VIEW (widget)->terminal, TRUE, TRUE);
}

static const struct {
  const char *action;
  GtkWidgetActionActivateFunc activate;
  const char *keys; /* or NULL; with '|' between */
} actions[] = {
    {"terminal.copy", copy_action, "<Control><Shift>c"},
    {"terminal.paste", paste_action, "<Control><Shift>v"},
    {"terminal.select-all", select_all_action, NULL},
    {"terminal.search", search_action, "<Control><Shift>f"},
    {"terminal.search-previous", search_previous_action, "<Control><Shift>h"},
    {"terminal.search-next", search_next_action, "<Control><Shift>g"},
    {"terminal.save", save_action, NULL},
    {"terminal.start-log", start_log_action, NULL},
    {"terminal.stop-log", stop_log_action, NULL},
    {"terminal.larger", larger_action,
     "<Control>plus|<Control>equal|<Control>KP_Add|<Control><Shift>plus"},
    {"terminal.smaller", smaller_action, "<Control>minus|<Control>KP_Subtract"},
    {"terminal.normal-size", normal_size_action, "<Control>0|<Control>KP_0"},
    {"terminal.reset", reset_action, NULL},
};

/* Before the terminal, which has every key for the guest. */
static void
add_keys (LodgeTerminalView *self)
{
  GtkEventController *keys = gtk_shortcut_controller_new ();

  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
    if (actions[i].keys != NULL)
      gtk_shortcut_controller_add_shortcut (
          GTK_SHORTCUT_CONTROLLER (keys),
          gtk_shortcut_new (gtk_shortcut_trigger_parse_string (actions[i].keys),
                            gtk_named_action_new (actions[i].action)));
  }
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}

/* --- Object --- */

static void
lodge_terminal_view_dispose (GObject *object)
{
  LodgeTerminalView *self = LODGE_TERMINAL_VIEW (object);

  if (self->chooser != NULL)
    gtk_native_dialog_destroy (GTK_NATIVE_DIALOG (self->chooser));
  g_clear_object (&self->chooser);
  if (self->stream != NULL) {
    g_signal_handlers_disconnect_by_data (self->stream, self);
    lodge_terminal_stream_close (self->stream);
  }
  g_clear_object (&self->stream);

  G_OBJECT_CLASS (lodge_terminal_view_parent_class)->dispose (object);
}

static void
lodge_terminal_view_finalize (GObject *object)
{
  LodgeTerminalView *self = LODGE_TERMINAL_VIEW (object);

  g_free (self->id);
  g_free (self->machine);

  G_OBJECT_CLASS (lodge_terminal_view_parent_class)->finalize (object);
}

static void
lodge_terminal_view_class_init (LodgeTerminalViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = lodge_terminal_view_dispose;
  object_class->finalize = lodge_terminal_view_finalize;

  g_type_ensure (VTE_TYPE_TERMINAL);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/lodgevm/Lodge/lodge-terminal-view.ui");
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, search_bar);
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, search_entry);
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, terminal);
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, empty);
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, empty_title);
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, empty_body);
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, state_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, log_image);
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, log_label);
  gtk_widget_class_bind_template_child (widget_class, LodgeTerminalView, log_button);
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    gtk_widget_class_install_action (widget_class, actions[i].action, NULL, actions[i].activate);
}

static void
lodge_terminal_view_init (LodgeTerminalView *self)
{
  self->stream = lodge_terminal_stream_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  vte_terminal_set_scrollback_lines (self->terminal, LODGE_TERMINAL_VIEW_LINES);
  vte_terminal_search_set_wrap_around (self->terminal, TRUE);
  gtk_search_bar_connect_entry (self->search_bar, self->search_entry);
  add_keys (self);
  selection_cb (self);
  show_log (self);

  g_signal_connect_object (self->terminal, "commit", G_CALLBACK (commit_cb), self, 0);
  g_signal_connect_object (self->terminal, "selection-changed", G_CALLBACK (selection_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->search_entry, "search-changed", G_CALLBACK (search_changed_cb),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->search_entry, "activate", G_CALLBACK (search_entered_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->search_bar, "notify::search-mode-enabled",
                           G_CALLBACK (search_mode_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect (self->stream, "received", G_CALLBACK (received_cb), self);
  g_signal_connect (self->stream, "log-ended", G_CALLBACK (log_ended_cb), self);
  g_signal_connect_object (self->stream, "notify::connected", G_CALLBACK (connected_cb), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->stream, "notify::log", G_CALLBACK (show_log), self,
                           G_CONNECT_SWAPPED);
}

GtkWidget *
lodge_terminal_view_new (const char *id, const char *machine)
{
  LodgeTerminalView *self = g_object_new (LODGE_TYPE_TERMINAL_VIEW, NULL);

  self->id = g_strdup (id);
  self->machine = g_strdup (machine);
  show_state (self);
  return GTK_WIDGET (self);
}

void
lodge_terminal_view_set_socket (LodgeTerminalView *self, const char *socket)
{
  g_return_if_fail (LODGE_IS_TERMINAL_VIEW (self));

  self->has_socket = socket != NULL && *socket != '\0';
  lodge_terminal_stream_set_socket (self->stream, socket);
  show_state (self);
}

LodgeTerminalStream *
lodge_terminal_view_get_stream (LodgeTerminalView *self)
{
  return self->stream;
}

GtkWidget *
lodge_terminal_view_get_terminal (LodgeTerminalView *self)
{
  return GTK_WIDGET (self->terminal);
}
