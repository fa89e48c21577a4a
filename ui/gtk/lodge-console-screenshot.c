/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console window's screenshots: of its own picture, or the machine's where it has none. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-message.h"
#include "gtk/lodge-saved-toast.h"
#include "gtk/lodge-screenshot.h"

#include <glib/gi18n-lib.h>

static void
saved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleWindow) self = LODGE_CONSOLE_WINDOW (g_object_ref (source));
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = lodge_screenshot_save_finish (result, &error);

  if (!lodge_console_window_is_open (self))
    return;
  if (file != NULL)
    lodge_saved_toast_say (self->toasts, &self->saved_toast, _ ("Screenshot saved"), file, FALSE);
  else
    lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Save the Screenshot"), error);
}

/* Consumes one of the two. */
static void
save (LodgeConsoleWindow *self, GdkTexture *texture, GBytes *png)
{
  lodge_screenshot_save_async (self, texture, png, lodge_console_machine_get_name (self->machine),
                               saved_cb, NULL);
}

static void
screenshot_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleWindow) self = user_data;
  g_autoptr (GVariant) png = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine1_call_screenshot_finish (LODGE_MACHINE1 (source), &png, result, &error);
  if (!lodge_console_window_is_open (self))
    return;
  if (png != NULL) {
    save (self, NULL, g_variant_get_data_as_bytes (png));
    return;
  }
  g_dbus_error_strip_remote_error (error);
  lodge_message_show_error (GTK_WINDOW (self), _ ("Could Not Take a Screenshot"), error);
}

/* What is on the screen now. While the window has no picture of its own the machine is asked. */
static void
screenshot_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  LodgeConsoleWindow *self = LODGE_CONSOLE_WINDOW (widget);
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  GdkTexture *texture = lodge_screenshot_copy (
      session != NULL ? lodge_console_session_get_source (session) : NULL, self->display);

  if (texture != NULL)
    save (self, texture, NULL);
  else if (machine != NULL)
    lodge_machine1_call_screenshot (machine, NULL, screenshot_cb, g_object_ref (self));
}

void
lodge_console_screenshot_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "console.screenshot", NULL, screenshot_action);
}
