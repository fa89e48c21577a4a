/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge: the library of machines. */
#include "gtk/lodge-application.h"
#include "lodge-config.h"

#include <glib/gi18n.h>
#include <locale.h>

int
main (int argc, char **argv)
{
  g_autoptr (LodgeApplication) application = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LODGE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_application_name (_ ("Lodge"));

  application = lodge_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
