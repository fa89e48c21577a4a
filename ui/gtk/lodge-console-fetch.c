/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's way to the files of its guest: a window for them, with those that the guest
 * has copied. */
#include "gtk/lodge-console-window-private.h"

#include "console/lodge-guest-paths.h"
#include "gtk/lodge-fetch-window.h"

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeFetchWindow) window = user_data;
  g_autoptr (GBytes) bytes =
      lodge_console_clipboard_read_finish (LODGE_CONSOLE_CLIPBOARD (source), result, NULL);
  g_autofree char *text = NULL;
  g_autofree char *paths = NULL;

  /* What the guest does not hand out is typed; where it hands out nothing there is no data. */
  if (bytes == NULL || g_bytes_get_size (bytes) == 0)
    return;
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  paths = lodge_guest_paths_dup_offered (text);
  if (paths != NULL)
    lodge_fetch_window_propose (window, paths);
}

static void
fetch_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (widget);
  const char *uuid = lodge_console_machine_get_uuid (self->machine);
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);
  LodgeConsoleClipboard *clipboard =
      session != NULL ? lodge_console_session_get_clipboard (session) : NULL;
  GtkWidget *window;

  if (uuid == NULL)
    return;
  window = lodge_machine_window_show (LODGE_TYPE_FETCH_WINDOW, GTK_WINDOW (self), self->connection,
                                      uuid, lodge_console_machine_get_name (self->machine));
  /* There is none where the clipboard does not pass that way. */
  if (clipboard != NULL &&
      g_strv_contains (lodge_console_clipboard_get_offer (clipboard), LODGE_CLIPBOARD_TEXT))
    lodge_console_clipboard_read_async (clipboard, LODGE_CLIPBOARD_TEXT, NULL, read_cb,
                                        g_object_ref (window));
}

void
lodge_console_fetch_class_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "console.fetch", NULL, fetch_action);
}
