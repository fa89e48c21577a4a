/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window types the host's clipboard into its guest.
 *
 * For guests without an agent. What is typed is what the keys give in the guest, so its keyboard
 * has to have the layout that the text is typed with: the one of this computer, or a US one.
 */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-settings.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* From here on the user is asked first. */
#define LONG_CHARACTERS 300
/* A text of more is a file. */
#define MAX_BYTES (64 * 1024)
/* How long a short one is not worth a bar. */
#define BAR_SECONDS 2

/* --- The layout --- */

/* GDK's levels: plain, Shift, AltGr, both. */
static gboolean
find_on_host (gunichar c, LodgeStroke *out_stroke, gpointer display)
{
  g_autofree GdkKeymapKey *keys = NULL;
  const GdkKeymapKey *best = NULL;
  int n = 0;

  if (!gdk_display_map_keyval (display, gdk_unicode_to_keyval (c), &keys, &n))
    return FALSE;
  for (int i = 0; i < n; i++) {
    if (keys[i].group != 0 || keys[i].level < 0 || keys[i].level > 3 || keys[i].keycode < 8)
      continue;
    if (best == NULL || keys[i].level < best->level)
      best = &keys[i];
  }
  if (best == NULL)
    return FALSE;
  *out_stroke = (LodgeStroke){.evdev = best->keycode - 8,
                              .shift = (best->level & 1) != 0,
                              .alt_gr = (best->level & 2) != 0,
                              .caps = g_unichar_tolower (c) != g_unichar_toupper (c)};
  return TRUE;
}

static gboolean
has_host_layout (void)
{
  GSettings *settings = lodge_settings_get ();
  g_autofree char *layout =
      settings != NULL ? g_settings_get_string (settings, LODGE_SETTINGS_TYPE_LAYOUT) : NULL;

  return g_strcmp0 (layout, "us") != 0;
}

/* --- While it is typed --- */

static void
end_typing (LodgeConsoleWindow *self)
{
  if (self->typing != NULL)
    g_signal_handlers_disconnect_by_data (self->typing, self);
  g_clear_object (&self->typing);
  if (self->typing_bar != NULL)
    gtk_overlay_remove_overlay (GTK_OVERLAY (self->overlay), self->typing_bar);
  self->typing_bar = NULL;
  self->typing_progress = NULL;
}

static void
ended_cb (LodgeConsoleTyping *typing, gboolean whole, LodgeConsoleWindow *self)
{
  end_typing (self);
  if (!whole)
    adw_toast_overlay_add_toast (self->toasts, adw_toast_new (_ ("Not all of the text was typed")));
}

static void
progress_cb (LodgeConsoleTyping *typing, LodgeConsoleWindow *self)
{
  if (self->typing_progress != NULL)
    gtk_progress_bar_set_fraction (self->typing_progress,
                                   lodge_console_typing_get_progress (typing));
}

static void
show_bar (LodgeConsoleWindow *self)
{
  GtkWidget *label = gtk_label_new (_ ("Typing the Clipboard"));
  GtkWidget *button = gtk_button_new_with_mnemonic (_ ("_Cancel"));
  GtkWidget *progress = gtk_progress_bar_new ();

  self->typing_bar = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  self->typing_progress = GTK_PROGRESS_BAR (progress);
  gtk_widget_set_valign (progress, GTK_ALIGN_CENTER);
  gtk_accessible_update_property (GTK_ACCESSIBLE (progress), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Typing the Clipboard"), -1);
  gtk_widget_set_focus_on_click (button, FALSE);
  g_signal_connect_object (button, "clicked", G_CALLBACK (lodge_console_typing_cancel),
                           self->typing, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (self->typing_bar), label);
  gtk_box_append (GTK_BOX (self->typing_bar), progress);
  gtk_box_append (GTK_BOX (self->typing_bar), button);
  gtk_widget_add_css_class (self->typing_bar, "osd");
  gtk_widget_add_css_class (self->typing_bar, "typing-bar");
  gtk_widget_set_halign (self->typing_bar, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (self->typing_bar, GTK_ALIGN_END);
  gtk_overlay_add_overlay (GTK_OVERLAY (self->overlay), self->typing_bar);
}

/* A guest that is paused takes nothing, and its keyboard holds little. */
static gboolean
takes_keys (LodgeConsoleWindow *self)
{
  return lodge_console_machine_get_state (self->machine) == LODGE_MACHINE_STATE_RUNNING;
}

static void
start (LodgeConsoleWindow *self, GArray *strokes)
{
  LodgeConsoleSession *session = lodge_display_get_session (self->display);

  if (self->typing != NULL || !lodge_console_window_is_open (self))
    return;
  if (session == NULL || !takes_keys (self)) {
    adw_toast_overlay_add_toast (
        self->toasts, adw_toast_new (_ ("Nothing was typed: the guest does not run now")));
    return;
  }
  self->typing = lodge_console_typing_new (session, strokes);
  g_signal_connect_object (self->typing, "progress", G_CALLBACK (progress_cb), self, 0);
  g_signal_connect_object (self->typing, "ended", G_CALLBACK (ended_cb), self, 0);
  if (lodge_strokes_get_seconds (strokes) >= BAR_SECONDS)
    show_bar (self);
  gtk_widget_grab_focus (GTK_WIDGET (lodge_console_beside_get_screen (self)));
}

/* --- Before --- */

static void
answered_cb (AdwMessageDialog *dialog, const char *response, LodgeConsoleWindow *self)
{
  if (g_str_equal (response, "type"))
    start (self, g_object_get_data (G_OBJECT (dialog), "lodge-strokes"));
}

static void
ask (LodgeConsoleWindow *self, GArray *strokes, guint missing, gboolean lines)
{
  GString *body = g_string_new (NULL);
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (self), _ ("Type the Clipboard?"), NULL);
  AdwMessageDialog *message = ADW_MESSAGE_DIALOG (dialog);
  const guint seconds = MAX (1, lodge_strokes_get_seconds (strokes));

  g_string_append_printf (
      body, ngettext ("%u character is typed.", "%u characters are typed.", strokes->len),
      strokes->len);
  g_string_append_c (body, ' ');
  if (seconds < 120)
    g_string_append_printf (
        body, ngettext ("That takes about %u second.", "That takes about %u seconds.", seconds),
        seconds);
  else
    g_string_append_printf (
        body,
        ngettext ("That takes about %u minute.", "That takes about %u minutes.", seconds / 60),
        seconds / 60);
  if (lines)
    g_string_append_printf (body, " %s",
                            _ ("Each line ends with Enter: a command is run at once."));
  if (missing > 0) {
    g_string_append_c (body, ' ');
    g_string_append_printf (body,
                            ngettext ("%u character is on no key and is left out.",
                                      "%u characters are on no key and are left out.", missing),
                            missing);
  }
  g_string_append_printf (
      body, "\n\n%s",
      has_host_layout () ? _ ("The guest’s keyboard must have the same layout as this computer’s.")
                         : _ ("The guest’s keyboard must have a US layout."));
  adw_message_dialog_set_body (message, body->str);
  g_string_free (body, TRUE);
  adw_message_dialog_add_responses (message, "cancel", _ ("_Cancel"), "type", _ ("_Type"), NULL);
  adw_message_dialog_set_response_enabled (message, "type", strokes->len > 0);
  adw_message_dialog_set_response_appearance (message, "type", ADW_RESPONSE_SUGGESTED);
  adw_message_dialog_set_default_response (message, "type");
  adw_message_dialog_set_close_response (message, "cancel");
  g_object_set_data_full (G_OBJECT (dialog), "lodge-strokes", g_array_ref (strokes),
                          (GDestroyNotify) g_array_unref);
  g_signal_connect_object (dialog, "response", G_CALLBACK (answered_cb), self, 0);
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleWindow) self = user_data;
  g_autofree char *text = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (source), result, NULL);
  guint missing = 0;

  /* The window may have closed meanwhile. */
  if (!lodge_console_window_is_open (self) || self->typing != NULL)
    return;
  if (text == NULL || text[0] == '\0') {
    adw_toast_overlay_add_toast (self->toasts, adw_toast_new (_ ("There is no text to type")));
    return;
  }
  if (strlen (text) > MAX_BYTES) {
    g_autoptr (GError) error = g_error_new (
        LODGE_ERROR, LODGE_ERROR_INVALID,
        _ ("The clipboard holds more than %d KiB of text, which would take more than an hour."),
        MAX_BYTES / 1024);
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Type the Clipboard"), error);
    return;
  }

  const gboolean host = has_host_layout ();
  g_autoptr (GArray) strokes =
      lodge_strokes_new (text, host ? find_on_host : lodge_stroke_us,
                         gtk_widget_get_display (GTK_WIDGET (self)), &missing);
  const gboolean lines = strpbrk (text, "\r\n") != NULL;
  if (strokes->len > LONG_CHARACTERS || missing > 0 || lines)
    ask (self, strokes, missing, lines);
  else
    start (self, strokes);
}

void
lodge_console_type_clipboard (LodgeConsoleWindow *self)
{
  if (self->typing == NULL)
    gdk_clipboard_read_text_async (gtk_widget_get_clipboard (GTK_WIDGET (self)), NULL, read_cb,
                                   g_object_ref (self));
}

void
lodge_console_type_update (LodgeConsoleWindow *self)
{
  if (self->typing != NULL && !takes_keys (self))
    lodge_console_typing_cancel (self->typing);
}

void
lodge_console_type_clear (LodgeConsoleWindow *self)
{
  end_typing (self);
}
