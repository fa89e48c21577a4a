/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-viewer: a machine's console without a desktop, and any other SPICE server's.
 *
 * Exit codes: 0 closed by the user, 1 failed (one sentence on stderr), 2 wrong usage; and those of
 * lodge_keep().
 */
#include "lodge-config.h"
#include "lodge-keeper.h"
#include "lodge-memory.h"
#include "sdl/lodge-viewer.h"

#include <glib/gi18n.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static int
show_window (gboolean again, gpointer user_data)
{
  lodge_memory_limit ();
  return lodge_viewer_run (user_data);
}

int
main (int argc, char **argv)
{
  g_auto (LodgeViewerOptions) options = {NULL};
  g_auto (GStrv) arguments = g_strdupv (argv);
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LODGE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  signal (SIGPIPE, SIG_IGN);
  g_set_prgname ("lodge-viewer");
  g_set_application_name (_ ("Lodge"));

  if (!lodge_viewer_options_parse (&options, &arguments, &error)) {
    fprintf (stderr, "lodge-viewer: %s\n", error->message);
    return 2;
  }
  if (options.version) {
    printf ("lodge-viewer %s\n", LODGE_VERSION);
    return EXIT_SUCCESS;
  }
  /* A foreign server that has brought one process down is not given another. */
  if (options.address != NULL)
    return show_window (FALSE, &options);
  /* To a machine of this computer sound goes as it is: no loss, no time for a codec. The library
   * has no other switch for what it records. */
  g_setenv ("SPICE_DISABLE_OPUS", "1", FALSE);
  return lodge_keep (show_window, &options);
}
