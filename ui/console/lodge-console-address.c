/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a SPICE server that is not one of Lodge's machines is: a URI taken apart.
 *
 * spice-client-glib has a parser of its own, which takes the ticket from the URI, ignores what it
 * does not know, and prints warnings.
 */
#include "console/lodge-console-address.h"

#include "lodge-error.h"
#include "lodge-paths.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define TLS_PORT "tls-port"

static gboolean
is_port (const char *text)
{
  guint64 port;

  return g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT16, &port, NULL);
}

static gboolean
refuse (GError **error, const char *uri, const char *reason)
{
  g_autofree char *shown = g_utf8_make_valid (uri, -1);

  /* Translators: the first %s is what the user typed, the second why it cannot be used. */
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("“%s” is no address of a SPICE server: %s."), shown, reason);
  return FALSE;
}

static gboolean
take_path (LodgeConsoleAddress *self, GUri *parts, const char *uri, GError **error)
{
  const char *path = g_uri_get_path (parts);

  if (*g_uri_get_host (parts) != '\0' || *path != '/')
    return refuse (error, uri, _ ("the path of a socket begins with a slash, spice+unix:///path"));
  if (strlen (path) > LODGE_PATHS_MOST_SOCKET_BYTES)
    return refuse (error, uri, _ ("the path is too long for a socket"));
  self->path = g_strdup (path);
  return TRUE;
}

static gboolean
take_query (LodgeConsoleAddress *self, const char *query, const char *uri, GError **error)
{
  GUriParamsIter iter;
  char *next_key, *next_value;

  if (query == NULL)
    return TRUE;
  g_uri_params_iter_init (&iter, query, -1, "&", G_URI_PARAMS_NONE);
  while (g_uri_params_iter_next (&iter, &next_key, &next_value, NULL)) {
    g_autofree char *key = next_key;
    g_autofree char *value = next_value;

    if (g_str_equal (key, "password"))
      return refuse (error, uri, _ ("a ticket does not belong there; use --ticket-file"));
    if (!g_str_equal (key, TLS_PORT) || !is_port (value) || self->tls_port != NULL)
      return refuse (error, uri, _ ("behind the question mark stands tls-port=NUMBER or nothing"));
    self->tls_port = g_strdup (value);
  }
  return TRUE;
}

static gboolean
take_host (LodgeConsoleAddress *self, GUri *parts, const char *uri, GError **error)
{
  const gboolean tls = g_str_equal (g_uri_get_scheme (parts), "spices");
  const int port = g_uri_get_port (parts);

  if (*g_uri_get_host (parts) == '\0')
    return refuse (error, uri, _ ("the host is missing, spice://host:port"));
  if (*g_uri_get_path (parts) != '\0' && !g_str_equal (g_uri_get_path (parts), "/"))
    return refuse (error, uri, _ ("nothing stands behind the port"));
  if (!take_query (self, g_uri_get_query (parts), uri, error))
    return FALSE;
  if (tls && self->tls_port != NULL)
    return refuse (error, uri, _ ("it names two ports for TLS"));
  if (port == 0 || (port < 0 && self->tls_port == NULL))
    return refuse (error, uri, _ ("the port is missing, spice://host:port"));

  self->host = g_strdup (g_uri_get_host (parts));
  if (tls)
    self->tls_port = g_strdup_printf ("%d", port);
  else if (self->tls_port == NULL)
    self->port = g_strdup_printf ("%d", port);
  return TRUE;
}

LodgeConsoleAddress *
lodge_console_address_parse (const char *uri, GError **error)
{
  g_autoptr (LodgeConsoleAddress) self = g_new0 (LodgeConsoleAddress, 1);
  g_autoptr (GUri) parts = NULL;
  gboolean done;

  g_return_val_if_fail (uri != NULL, NULL);

  parts = g_uri_parse (uri, G_URI_FLAGS_NONE, NULL);
  const char *scheme = parts != NULL ? g_uri_get_scheme (parts) : "";
  if (parts == NULL || g_uri_get_host (parts) == NULL ||
      !(g_str_equal (scheme, "spice") || g_str_equal (scheme, "spices") ||
        g_str_equal (scheme, "spice+unix")))
    done = refuse (error, uri, _ ("it looks like spice://host:port or spice+unix:///path"));
  else if (g_uri_get_userinfo (parts) != NULL)
    done = refuse (error, uri, _ ("a user or a ticket does not belong there; use --ticket-file"));
  else if (g_uri_get_fragment (parts) != NULL)
    done = refuse (error, uri, _ ("nothing stands behind the port"));
  else if (g_str_equal (scheme, "spice+unix"))
    done = take_path (self, parts, uri, error);
  else
    done = take_host (self, parts, uri, error);
  return done ? g_steal_pointer (&self) : NULL;
}

LodgeConsoleAddress *
lodge_console_address_copy (const LodgeConsoleAddress *self)
{
  LodgeConsoleAddress *copy = g_new0 (LodgeConsoleAddress, 1);

  copy->host = g_strdup (self->host);
  copy->port = g_strdup (self->port);
  copy->tls_port = g_strdup (self->tls_port);
  copy->path = g_strdup (self->path);
  return copy;
}

void
lodge_console_address_free (LodgeConsoleAddress *self)
{
  if (self == NULL)
    return;
  g_free (self->host);
  g_free (self->port);
  g_free (self->tls_port);
  g_free (self->path);
  g_free (self);
}

char *
lodge_console_address_to_text (const LodgeConsoleAddress *self)
{
  if (self->path != NULL)
    return g_strdup (self->path);
  return g_strdup_printf (strchr (self->host, ':') != NULL ? "[%s]:%s" : "%s:%s", self->host,
                          self->tls_port != NULL ? self->tls_port : self->port);
}
