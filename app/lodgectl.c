/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodgectl: Lodge's machines from the command line.
 *
 * Exit codes: 0 done, 1 failed (one sentence on stderr), 2 wrong usage.
 */
#include "lodgectl/lodgectl-parse.h"
#include "lodgectl/lodgectl-print.h"

#include "lodge-config.h"
#include "lodge-no-dump.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>

static void
report (const GError *error)
{
  g_autofree char *harmless = lodgectl_dup_harmless (error->message);

  fprintf (stderr, "lodgectl: %s\n", harmless);
}

/* What could not be written was not done. A reader that has had enough is no failure. */
static int
finish_output (void)
{
  errno = 0;
  if (fflush (stdout) == 0 && !ferror (stdout))
    return 0;
  if (errno == EPIPE)
    return 0;
  fprintf (stderr, "lodgectl: ");
  fprintf (stderr, _ ("Could not write the output: %s"), g_strerror (errno));
  fputc ('\n', stderr);
  return 1;
}

int
main (int argc, char **argv)
{
  g_auto (LodgectlRun) run = {NULL};
  g_autoptr (GError) error = NULL;
  const LodgectlCommand *command;
  static char buffer[64 * 1024];

  lodge_no_dump ();
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LODGE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  signal (SIGPIPE, SIG_IGN);
  /* Whole, and with few writes; nothing here shows its output bit by bit. */
  setvbuf (stdout, buffer, _IOFBF, sizeof buffer);

  command = lodgectl_parse ((const char *const *) argv + MIN (argc, 1), &run, &error);
  if (command != NULL && command->handler (&run, &error))
    return finish_output ();

  (void) finish_output ();
  report (error);
  return g_error_matches (error, LODGECTL_USAGE_ERROR, 0) ? 2 : 1;
}
