/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-console: one machine's window. `lodge --console` becomes this program.
 *
 * A program of its own, because it links SPICE's client library and the two dozen libraries that
 * come with that; the library of machines opens sooner, and is smaller, without them.
 */
#include "gtk/lodge-console-application.h"
#include "gtk/lodge-console-launcher.h"
#include "gtk/lodge-renderer.h"
#include "lodge-config.h"
#include "lodge-keeper.h"
#include "lodge-memory.h"
#include "lodge-no-dump.h"

#include <glib/gi18n.h>
#include <locale.h>

/* What the library, which opens consoles, knows it by. */
G_STATIC_ASSERT (LODGE_CONSOLE_GAVE_UP == LODGE_KEEPER_GAVE_UP);

static int
show_window (gboolean again, gpointer user_data)
{
  char **argv = user_data;
  char *program[] = {argv[0], NULL};
  LodgeConsoleStart start = LODGE_CONSOLE_SHOW;
  g_autoptr (GApplication) application = NULL;

  if (again)
    start = LODGE_CONSOLE_SHOW_AGAIN;
  else if (argv[2] != NULL)
    start = LODGE_CONSOLE_START_MACHINE;
  lodge_memory_limit ();
  /* To a machine of this computer sound goes as it is: no loss, no time for a codec. The library
   * has no other switch for what it records. */
  g_setenv ("SPICE_DISABLE_OPUS", "1", FALSE);
  g_set_application_name (_ ("Lodge"));
  lodge_renderer_choose ();
  /* What a desktop finds the window's icon and name by. */
  g_set_prgname (LODGE_CONSOLE_APPLICATION_ID);
  application = G_APPLICATION (lodge_console_application_new (argv[1], start));
  return g_application_run (application, 1, program);
}

int
main (int argc, char **argv)
{
  lodge_no_dump_files ();
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LODGE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  if (argc != 2 && !(argc == 3 && g_str_equal (argv[2], "--start"))) {
    g_printerr ("lodge-console NAME-OR-UUID [--start]\n");
    return 2;
  }
  return lodge_keep (show_window, argv);
}
