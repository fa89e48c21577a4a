/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses of SPICE servers: what is taken, and what is refused with a sentence. */
#include "console/lodge-console-address.h"

#include "lodge-error.h"

#include <string.h>

static void
check (const char *uri, const char *host, const char *port, const char *tls_port, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeConsoleAddress) address = lodge_console_address_parse (uri, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (address->host, ==, host);
  g_assert_cmpstr (address->port, ==, port);
  g_assert_cmpstr (address->tls_port, ==, tls_port);
  g_assert_cmpstr (address->path, ==, path);
}

static void
check_refused (const char *uri, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (lodge_console_address_parse (uri, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_true (g_str_has_suffix (error->message, "."));
  g_assert_null (strchr (error->message, '\n'));
}

static void
test_taken (void)
{
  check ("spice://host:5900", "host", "5900", NULL, NULL);
  check ("spice://host:5900/", "host", "5900", NULL, NULL);
  check ("spice://[::1]:5900", "::1", "5900", NULL, NULL);
  check ("spice://host?tls-port=5901", "host", NULL, "5901", NULL);
  /* Never both: what has TLS is not spoken to in the clear. */
  check ("spice://host:5900?tls-port=5901", "host", NULL, "5901", NULL);
  check ("spices://host:5901", "host", NULL, "5901", NULL);
  check ("spice+unix:///run/a%20b/spice.sock", NULL, NULL, NULL, "/run/a b/spice.sock");
}

static void
test_refused (void)
{
  g_autofree char *long_path = g_strnfill (200, 'x');
  g_autofree char *long_uri = g_strconcat ("spice+unix:///", long_path, NULL);

  check_refused ("", "it looks like");
  check_refused ("host:5900", "it looks like");
  check_refused ("http://host:5900", "it looks like");
  check_refused ("spice:host:5900", "it looks like");
  check_refused ("spice://host:99999", "it looks like");
  check_refused ("spice://host:-1", "it looks like");
  check_refused ("spice://\xff\xfe:1", "it looks like");
  check_refused ("spice://host", "the port is missing");
  check_refused ("spice://host:0", "the port is missing");
  check_refused ("spice://:5900", "the host is missing");
  check_refused ("spice://host:5900/path", "nothing stands behind");
  check_refused ("spice://host:5900#part", "nothing stands behind");
  check_refused ("spice://me:secret@host:5900", "does not belong there");
  check_refused ("spice://host:5900?password=secret", "does not belong there");
  check_refused ("spice://host:5900?tls-port=0", "tls-port=NUMBER");
  check_refused ("spice://host:5900?tls-port=1&tls-port=2", "tls-port=NUMBER");
  check_refused ("spice://host:5900?ca-file=/etc/passwd", "tls-port=NUMBER");
  check_refused ("spices://host:5900?tls-port=5901", "two ports");
  check_refused ("spice+unix://host/path", "begins with a slash");
  check_refused ("spice+unix://", "begins with a slash");
  check_refused (long_uri, "too long");
  check_refused ("spice+unix:///a%00b", "it looks like");
}

static void
check_text (const char *uri, const char *want)
{
  g_autoptr (LodgeConsoleAddress) address = lodge_console_address_parse (uri, NULL);
  g_autoptr (LodgeConsoleAddress) copy = lodge_console_address_copy (address);
  g_autofree char *text = lodge_console_address_to_text (copy);

  g_assert_cmpstr (text, ==, want);
}

static void
test_text (void)
{
  check_text ("spice://host:5900", "host:5900");
  check_text ("spice://[::1]:5900?tls-port=7", "[::1]:7");
  check_text ("spice+unix:///a/b", "/a/b");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-address/taken", test_taken);
  g_test_add_func ("/console-address/refused", test_refused);
  g_test_add_func ("/console-address/text", test_text);
  return g_test_run ();
}
