/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing keys of a machine's description from a window. */
#include "gtk/lodge-set-keys.h"

#include "gtk/lodge-message.h"

typedef struct {
  GtkWindow *window; /* owned */
  char *failure;
  LodgeSetKeysRefused refused;
} Change;

void
lodge_set_keys_show_error (GtkWindow *window, const char *heading, const GError *error)
{
  GtkWindow *where = window;

  while (where != NULL && !gtk_widget_get_visible (GTK_WIDGET (where)))
    where = gtk_window_get_transient_for (where);
  if (where != NULL)
    lodge_message_show_error (where, heading, error);
}

static void
set_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Change *change = user_data;
  g_autoptr (GtkWindow) window = change->window;
  g_autofree char *failure = change->failure;
  g_autoptr (GError) error = NULL;

  if (lodge_machine1_call_set_finish (LODGE_MACHINE1 (source), result, &error))
    return;
  g_dbus_error_strip_remote_error (error);
  lodge_set_keys_show_error (window, failure, error);
  if (change->refused != NULL)
    change->refused (window);
}

void
lodge_set_keys (GtkWindow *window,
                LodgeMachine1 *machine,
                const char *failure,
                LodgeSetKeysRefused refused,
                const char *first_key,
                ...)
{
  GVariantBuilder builder;
  Change *change;
  va_list rest;

  if (machine == NULL)
    return;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  va_start (rest, first_key);
  for (const char *key = first_key; key != NULL; key = va_arg (rest, const char *))
    g_variant_builder_add (&builder, "{ss}", key, va_arg (rest, const char *));
  va_end (rest);
  change = g_new0 (Change, 1);
  change->window = g_object_ref (window);
  change->failure = g_strdup (failure);
  change->refused = refused;
  lodge_machine1_call_set (machine, g_variant_builder_end (&builder), NULL, set_cb, change);
}
