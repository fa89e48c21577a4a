/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge: the library of machines; with --console, one machine's window. */
#include "gtk/lodge-application.h"
#include "gtk/lodge-renderer.h"
#include "lodge-config.h"
#include "lodge-no-dump.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Becomes the program that shows consoles; returns only if that cannot be. */
static int
become_console (const char *machine, gboolean start)
{
  const char *folder = g_getenv ("LODGE_LIBEXECDIR");
  g_autofree char *program = g_build_filename (
      folder != NULL && *folder != '\0' ? folder : LODGE_LIBEXECDIR, "lodge-console", NULL);

  execl (program, program, machine, start ? "--start" : NULL, NULL);
  fprintf (stderr, "lodge: ");
  fprintf (stderr, _ ("Could not start %s: %s"), program, g_strerror (errno));
  fputc ('\n', stderr);
  return EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
  g_autofree char *console = NULL;
  gboolean start = FALSE, version = FALSE;
  const GOptionEntry entries[] = {
      {"console", 'c', 0, G_OPTION_ARG_STRING, &console, N_ ("Show the console of a machine"),
       N_ ("NAME-OR-UUID")},
      {"start", 0, 0, G_OPTION_ARG_NONE, &start, N_ ("Start that machine if it is off"), NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &version, N_ ("Print the version"), NULL},
      {NULL},
  };
  g_autoptr (GOptionContext) context = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GApplication) application = NULL;

  lodge_no_dump_files ();
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LODGE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_application_name (_ ("Lodge"));

  context = g_option_context_new (_ ("[IMAGE]"));
  g_option_context_set_summary (
      context, _ ("The library of machines; with an image file, the form for a new machine."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    fprintf (stderr, "lodge: %s\n", error->message);
    return 2;
  }
  if (start && console == NULL) {
    fprintf (stderr, "lodge: %s\n", _ ("--start goes with --console"));
    return 2;
  }
  if (version) {
    printf ("lodge %s\n", LODGE_VERSION);
    return EXIT_SUCCESS;
  }

  if (console != NULL)
    return become_console (console, start);

  lodge_renderer_choose ();
  /* What a desktop finds the windows' icon and name by. */
  g_set_prgname (LODGE_APPLICATION_ID);
  application = G_APPLICATION (lodge_application_new ());
  return g_application_run (application, argc, argv);
}
