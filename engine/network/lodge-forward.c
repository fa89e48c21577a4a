/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A forward: a port of this computer that leads to a port of the guest. */
#include "network/lodge-forward.h"

#include "lodge-error.h"

#include <arpa/inet.h>
#include <glib/gi18n-lib.h>
#include <string.h>

/* "tcp:[ffff:...:ffff]:65535:65535" has 59 characters; what is longer is not read at all. */
#define RULE_MAX_CHARS 80

/* What is shown of a rule in a message: it may hold anything. */
static char *
show (const char *rule)
{
  g_autofree char *valid = g_utf8_make_valid (rule, (gssize) strnlen (rule, RULE_MAX_CHARS));
  g_autofree char *escaped = g_strescape (valid, NULL);

  return g_utf8_strlen (escaped, -1) <= RULE_MAX_CHARS
             ? g_steal_pointer (&escaped)
             : g_utf8_substring (escaped, 0, RULE_MAX_CHARS);
}

static gboolean
fail (const char *rule, GError **error)
{
  g_autofree char *shown = show (rule);

  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("“%s” is not a forward: write it like tcp:2222:22, udp:5353:53, "
                  "tcp:127.0.0.1:2222:22 or tcp:[::1]:2222:22 (protocol, address of this computer, "
                  "its port, the guest's port)"),
               shown);
  return FALSE;
}

static gboolean
parse_port (const char *rule, const char *text, guint16 *out_port, GError **error)
{
  guint64 value;

  /* Digits only: strtoull() also takes spaces and signs. */
  if (*text == '\0' || strlen (text) > 10 || strspn (text, "0123456789") != strlen (text))
    return fail (rule, error);
  value = g_ascii_strtoull (text, NULL, 10);
  if (value < 1 || value > 65535) {
    g_autofree char *shown = show (rule);

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The forward “%s” names port %s; ports go from 1 to 65535"), shown, text);
    return FALSE;
  }
  *out_port = (guint16) value;
  return TRUE;
}

/* Splits "[ADDRESS:]PORT:PORT" in place; *out_address is NULL when there is none. */
static gboolean
split (char *rest, char **out_address, gboolean *out_v6, char **out_host, char **out_guest)
{
  char *guest, *host;

  *out_address = NULL;
  *out_v6 = FALSE;
  if (*rest == '[') {
    char *end = strchr (rest, ']');

    if (end == NULL || end[1] != ':')
      return FALSE;
    *end = '\0';
    *out_address = rest + 1;
    *out_v6 = TRUE;
    host = end + 2;
    guest = strchr (host, ':');
    if (guest == NULL)
      return FALSE;
  } else {
    guest = strrchr (rest, ':');
    if (guest == NULL)
      return FALSE;
    *guest = '\0';
    host = strrchr (rest, ':');
    if (host != NULL) {
      *host++ = '\0';
      *out_address = rest;
    } else {
      host = rest;
    }
  }
  *guest = '\0';
  *out_host = host;
  *out_guest = guest + 1;
  return TRUE;
}

gboolean
lodge_forward_parse (const char *rule, LodgeForward *out_forward, GError **error)
{
  g_autofree char *copy = NULL;
  LodgeForward forward = {.address = "127.0.0.1"};
  char *address, *host, *guest, *rest;
  gboolean v6;

  if (strnlen (rule, RULE_MAX_CHARS + 1) > RULE_MAX_CHARS)
    return fail (rule, error);
  copy = g_strdup (rule);
  rest = strchr (copy, ':');
  if (rest == NULL)
    return fail (rule, error);
  *rest++ = '\0';
  if (strcmp (copy, "udp") == 0)
    forward.udp = TRUE;
  else if (strcmp (copy, "tcp") != 0)
    return fail (rule, error);
  if (!split (rest, &address, &v6, &host, &guest))
    return fail (rule, error);

  if (address != NULL) {
    guint8 binary[sizeof (struct in6_addr)];
    int family = v6 ? AF_INET6 : AF_INET;

    /* Numbers only: a name would need a look-up that may hang. An address mapped from IPv4 would
     * be an IPv4 port in disguise. */
    if (inet_pton (family, address, binary) != 1 ||
        (v6 && IN6_IS_ADDR_V4MAPPED ((struct in6_addr *) binary)))
      return fail (rule, error);
    if (v6 && forward.udp) {
      g_autofree char *shown = show (rule);

      g_set_error (
          error, LODGE_ERROR, LODGE_ERROR_INVALID,
          _ ("The forward “%s” is not possible: UDP is forwarded from IPv4 addresses only"), shown);
      return FALSE;
    }
    inet_ntop (family, binary, forward.address, sizeof forward.address);
  }
  if (!parse_port (rule, host, &forward.host_port, error) ||
      !parse_port (rule, guest, &forward.guest_port, error))
    return FALSE;

  *out_forward = forward;
  return TRUE;
}

char *
lodge_forward_format (const LodgeForward *forward)
{
  gboolean v6 = strchr (forward->address, ':') != NULL;

  return g_strdup_printf (v6 ? "%s:[%s]:%u:%u" : "%s:%s:%u:%u", forward->udp ? "udp" : "tcp",
                          forward->address, (guint) forward->host_port,
                          (guint) forward->guest_port);
}

gboolean
lodge_forward_collides (const LodgeForward *a, const LodgeForward *b)
{
  return a->udp == b->udp && a->host_port == b->host_port && strcmp (a->address, b->address) == 0;
}
