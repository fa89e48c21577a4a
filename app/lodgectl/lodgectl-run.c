/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of lodgectl: a parsed command line, and the engine once it is needed. */
#include "lodgectl-run.h"

#include "lodge-error.h"

#include <gio/gio.h>
#include <glib/gi18n.h>

G_DEFINE_QUARK (lodgectl - usage - error - quark, lodgectl_usage_error)

void
lodgectl_set_usage_error (GError **error, const char *format, ...)
{
  va_list arguments;
  g_autofree char *message = NULL;

  va_start (arguments, format);
  message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error_literal (error, LODGECTL_USAGE_ERROR, 0, message);
}

void
lodgectl_run_clear (LodgectlRun *self)
{
  g_clear_pointer (&self->arguments, g_strfreev);
  g_clear_pointer (&self->options, g_hash_table_unref);
  g_clear_object (&self->client);
}

const char *
lodgectl_run_get_argument (LodgectlRun *self, guint index)
{
  return index < g_strv_length (self->arguments) ? self->arguments[index] : NULL;
}

const char *
lodgectl_run_get_option (LodgectlRun *self, const char *name)
{
  return g_hash_table_lookup (self->options, name);
}

gboolean
lodgectl_run_has_option (LodgectlRun *self, const char *name)
{
  return g_hash_table_contains (self->options, name);
}

LodgeClient *
lodgectl_run_connect (LodgectlRun *self, LodgeClientFlags flags, GError **error)
{
  if (self->client != NULL)
    return self->client;
  self->client = lodge_client_connect_sync (flags, NULL, error);
  return self->client;
}

LodgeMachine1 *
lodgectl_run_open (LodgectlRun *self, GError **error)
{
  LodgeClient *client =
      lodgectl_run_connect (self,
                            lodgectl_run_has_option (self, "no-start") ? LODGE_CLIENT_FLAGS_NO_START
                                                                       : LODGE_CLIENT_FLAGS_NONE,
                            error);
  LodgeMachine1 *machine;

  if (client == NULL)
    return NULL;
  machine = lodge_client_open_machine_sync (client, self->arguments[0], NULL, error);
  if (!lodgectl_run_check (self, machine != NULL, error))
    return NULL;
  return machine;
}

/* The connection's end shows under many codes, depending on what was under way. */
static gboolean
is_end (LodgectlRun *self, const GError *error)
{
  gboolean closed = self->client != NULL &&
                    g_dbus_connection_is_closed (lodge_client_get_connection (self->client));

  return (closed && error->domain == G_IO_ERROR &&
          !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) ||
         g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
         g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED);
}

gboolean
lodgectl_run_check (LodgectlRun *self, gboolean ok, GError **error)
{
  if (ok || error == NULL || *error == NULL)
    return ok;
  if (is_end (self, *error)) {
    g_clear_error (error);
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                         _ ("The engine ended before it answered"));
  } else if (g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)) {
    g_clear_error (error);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                 _ ("The engine did not answer within %d seconds"), LODGE_CLIENT_CALL_LIMIT_S);
  } else {
    g_dbus_error_strip_remote_error (*error);
  }
  return FALSE;
}

gboolean
lodgectl_run_get_timeout (LodgectlRun *self, gint64 *out_seconds, GError **error)
{
  const char *text = lodgectl_run_get_option (self, "timeout");
  guint64 seconds;

  *out_seconds = -1;
  if (text == NULL)
    return TRUE;
  /* A year: so that no sum of times overflows. */
  if (!g_ascii_string_to_unsigned (text, 10, 0, 366 * 24 * 3600, &seconds, NULL)) {
    lodgectl_set_usage_error (error, _ ("“%s” is not a whole number of seconds"), text);
    return FALSE;
  }
  *out_seconds = (gint64) seconds;
  return TRUE;
}

char *
lodgectl_dup_absolute (const char *path)
{
  return g_canonicalize_filename (path, NULL);
}

char *
lodgectl_dup_path (const char *name, const char *path, GError **error)
{
  if (*path != '\0' && g_utf8_validate (path, -1, NULL))
    return lodgectl_dup_absolute (path);
  lodgectl_set_usage_error (error, _ ("--%s needs the path of a file, in UTF-8"), name);
  return NULL;
}
