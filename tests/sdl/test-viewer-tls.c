/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A foreign server with TLS: who is believed to be it, and who is not. The certificates are made
 * here, and live for a day. */
#include "viewer-fixture.h"

#include <signal.h>

typedef struct {
  ViewerFixture base;
  guint16 port;
} Fixture;

static void make (const char *folder, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
make (const char *folder, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *words = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree char *line = g_strconcat (g_getenv ("LODGE_TEST_OPENSSL"), " ", words, NULL);
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *said = NULL;
  int status = 0;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, NULL));
  g_spawn_sync (folder, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &said, &status, &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s: %s", line, said);
}

static void
make_authority (const char *folder, const char *name)
{
  make (folder,
        "req -x509 -newkey rsa:2048 -nodes -days 1 -subj '/CN=Lodge test %s' -keyout %s-key.pem "
        "-out %s.pem",
        name, name, name);
}

/* A server whose certificate "ca" has signed for @host. */
static void
set_up (Fixture *f, const char *host)
{
  viewer_fixture_set_up (&f->base, FALSE);
  const char *folder = f->base.folder;

  make_authority (folder, "ca");
  make_authority (folder, "other");
  make (folder,
        "req -newkey rsa:2048 -nodes -subj '/CN=%s' -addext 'subjectAltName=DNS:%s' "
        "-keyout key.pem -out request.pem",
        host, host);
  make (folder, "x509 -req -in request.pem -days 1 -CA ca.pem -CAkey ca-key.pem -CAcreateserial "
                "-copy_extensions copy -out cert.pem");
  f->port = spice_fixture_find_port ();
  f->base.server = spice_fixture_new_on_port (f->port, folder, 320, 240);
  spice_fixture_fill (f->base.server, 0, 0, 320, 240, 0x336699);
}

/* @uri: with the port's place. @authority: whom this computer trusts */
static void
start (Fixture *f, const char *uri, const char *authority)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.pem", f->base.folder, authority);
  g_autofree char *port = g_strdup_printf ("%d", f->port);
  g_auto (GStrv) pieces = g_strsplit (uri, "PORT", -1);
  g_autofree char *whole = g_strjoinv (port, pieces);
  g_autofree char *words = g_strdup_printf ("--connect %s --no-sound", whole);

  g_setenv ("SSL_CERT_FILE", path, TRUE);
  g_setenv ("SSL_CERT_DIR", "/nonexistent", TRUE);
  viewer_fixture_start (&f->base, -1, words);
}

static void
expect_shown (Fixture *f)
{
  viewer_fixture_expect_pixel (&f->base, 10, 10, 0x336699);
  /* With all of its channels. */
  spice_fixture_fill (f->base.server, 0, 0, 320, 240, 0x993366);
  viewer_fixture_expect_pixel (&f->base, 10, 10, 0x993366);
  spice_fixture_fill (f->base.server, 0, 0, 320, 240, 0x336699);
  g_subprocess_send_signal (f->base.viewer, SIGTERM);
  viewer_fixture_expect_end (&f->base, 0, NULL);
}

static void
expect_refused (Fixture *f)
{
  g_autofree char *sentence =
      g_strdup_printf ("lodge-viewer: The SPICE server at localhost:%d has no certificate for that "
                       "name that this computer trusts.\n",
                       f->port);

  viewer_fixture_expect_words (&f->base, sentence);
  viewer_fixture_expect_pixel (&f->base, 10, 10, VIEWER_FIXTURE_GREY);
  g_subprocess_send_signal (f->base.viewer, SIGTERM);
  viewer_fixture_expect_end (&f->base, 0, NULL);
}

static void
test_trusted (void)
{
  Fixture f;

  set_up (&f, "localhost");
  start (&f, "spices://localhost:PORT", "ca");
  expect_shown (&f);
  /* And with a port without TLS beside it, which is not taken. */
  start (&f, "'spice://localhost:1?tls-port=PORT'", "ca");
  expect_shown (&f);
  viewer_fixture_tear_down (&f.base);
}

static void
test_authority (void)
{
  Fixture f;

  set_up (&f, "localhost");
  start (&f, "spices://localhost:PORT", "other");
  expect_refused (&f);
  viewer_fixture_tear_down (&f.base);
}

static void
test_name (void)
{
  Fixture f;

  set_up (&f, "other.example");
  start (&f, "spices://localhost:PORT", "ca");
  expect_refused (&f);
  viewer_fixture_tear_down (&f.base);
}

int
main (int argc, char **argv)
{
  viewer_fixture_init (&argc, &argv);
  viewer_fixture_add ("/viewer-tls/trusted", test_trusted);
  viewer_fixture_add ("/viewer-tls/authority", test_authority);
  viewer_fixture_add ("/viewer-tls/name", test_name);
  return g_test_run ();
}
