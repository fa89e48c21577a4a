/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer's command line: what is taken, and one sentence for what is not. */
#include "sdl/lodge-viewer-options.h"

#include "lodge-error.h"
#include "test-folder.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static gboolean
parse (LodgeViewerOptions *options, const char *words, GError **error)
{
  g_autofree char *line = g_strconcat ("lodge-viewer ", words, NULL);
  char **argv = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &argv, NULL));
  const gboolean done = lodge_viewer_options_parse (options, &argv, error);
  g_strfreev (argv);
  return done;
}

static void
test_taken (void)
{
  g_auto (LodgeViewerOptions) machine = {NULL};
  g_auto (LodgeViewerOptions) server = {NULL};
  g_auto (LodgeViewerOptions) version = {NULL};
  g_autoptr (GError) error = NULL;

  parse (&machine, "'my web' --full-screen --monitor 2 --no-sound", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (machine.machine, ==, "my web");
  g_assert_null (machine.address);
  g_assert_true (machine.full_screen);
  g_assert_true (machine.no_sound);
  g_assert_cmpuint (machine.monitor, ==, 1);

  parse (&server, "--connect spice://host:5900", &error);
  g_assert_no_error (error);
  g_assert_null (server.machine);
  g_assert_null (server.ticket);
  g_assert_cmpstr (server.address->host, ==, "host");
  g_assert_cmpuint (server.monitor, ==, 0);
  g_assert_false (server.full_screen);
  g_assert_false (server.no_sound);

  parse (&version, "--version", &error);
  g_assert_no_error (error);
  g_assert_true (version.version);
}

static void
check_refused (const char *words, const char *sentence)
{
  g_auto (LodgeViewerOptions) options = {NULL};
  g_autoptr (GError) error = NULL;

  g_assert_false (parse (&options, words, &error));
  g_assert_nonnull (error);
  if (strstr (error->message, sentence) == NULL)
    g_error ("“%s” says: %s", words, error->message);
  g_assert_null (strchr (error->message, '\n'));
}

static void
test_refused (void)
{
  check_refused ("", "Name a machine");
  check_refused ("a b", "One machine at a time");
  check_refused ("a --connect spice://host:1", "exclude each other");
  check_refused ("--connect nonsense", "no address of a SPICE server");
  check_refused ("--connect spice://host:1?password=x", "--ticket-file");
  check_refused ("a --monitor 0", "0 is no monitor");
  check_refused ("a --monitor -1", "-1 is no monitor");
  check_refused ("a --monitor 17", "17 is no monitor");
  check_refused ("a --monitor two", "two");
  check_refused ("a --ticket-file /x", "A ticket goes with --connect");
  check_refused ("a --ticket-fd 3", "A ticket goes with --connect");
  check_refused ("--connect spice://host:1 --ticket-file /x --ticket-fd 3", "exclude each other");
  check_refused ("--connect spice://host:1 --ticket-file /nowhere/x", "Could not open /nowhere/x");
  check_refused ("--connect spice://host:1 --ticket-file /", "Could not read a ticket from /");
  check_refused ("--connect spice://host:1 --ticket-fd 999", "descriptor 999");
  check_refused ("--connect spice://host:1 --ticket x", "ticket");
}

static void
check_ticket (const char *text, gsize size, const char *want)
{
  g_auto (LodgeViewerOptions) options = {NULL};
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("lodge-viewer-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "ticket", NULL);

  g_assert_true (g_file_set_contents (path, text, (gssize) size, NULL));
  g_autofree char *words = g_strdup_printf ("--connect spice+unix:///x --ticket-file '%s'", path);
  if (parse (&options, words, &error)) {
    g_assert_cmpstr (options.ticket, ==, want);
  } else {
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, "There is no ticket in"));
    g_assert_null (want);
  }
  test_folder_remove (folder);
}

static void
test_ticket_file (void)
{
  g_autofree char *longest = g_strnfill (60, 'x');
  g_autofree char *too_long = g_strnfill (61, 'x');

  check_ticket ("secret\n", 7, "secret");
  check_ticket ("secret", 6, "secret");
  check_ticket ("two words\nsecond line\n", 22, "two words");
  check_ticket (longest, 60, longest);
  check_ticket (too_long, 61, NULL);
  check_ticket ("", 0, NULL);
  check_ticket ("\n", 1, NULL);
  check_ticket ("a\0b\n", 4, NULL);
}

static void
test_ticket_fd (void)
{
  g_auto (LodgeViewerOptions) options = {NULL};
  g_autoptr (GError) error = NULL;
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  g_assert_cmpint (write (ends[1], "secret\n", 7), ==, 7);
  /* Not at its end: one that stays open does not keep the viewer waiting. */
  g_autofree char *words = g_strdup_printf ("--connect spice+unix:///x --ticket-fd %d", ends[0]);
  parse (&options, words, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (options.ticket, ==, "secret");
  /* It does not stay open in the viewer. */
  g_assert_cmpint (fcntl (ends[0], F_GETFD), ==, -1);
  close (ends[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/viewer-options/taken", test_taken);
  g_test_add_func ("/viewer-options/refused", test_refused);
  g_test_add_func ("/viewer-options/ticket-file", test_ticket_file);
  g_test_add_func ("/viewer-options/ticket-fd", test_ticket_fd);
  return g_test_run ();
}
