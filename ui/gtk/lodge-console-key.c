/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A key of the machine's description that the console window's menu changes. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-message.h"

typedef struct {
  LodgeConsoleWindow *window; /* owned */
  char *failure;
} Change;

static void
set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Change *change = user_data;
  g_autoptr (LodgeConsoleWindow) window = change->window;
  g_autofree char *failure = change->failure;
  g_autoptr (GError) error = NULL;

  if (lodge_machine1_call_set_finish (LODGE_MACHINE1 (source), result, &error) ||
      window->machine == NULL)
    return;
  g_dbus_error_strip_remote_error (error);
  lodge_message_show_error (GTK_WINDOW (window), failure, error);
}

void
lodge_console_key_set (LodgeConsoleWindow *window,
                       const char *key,
                       const char *text,
                       const char *failure)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (window->machine);
  GVariantBuilder builder;
  Change *change;

  if (machine == NULL)
    return;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", key, text);
  change = g_new0 (Change, 1);
  change->window = g_object_ref (window);
  change->failure = g_strdup (failure);
  lodge_machine1_call_set (machine, g_variant_builder_end (&builder), NULL, set_cb, change);
}
