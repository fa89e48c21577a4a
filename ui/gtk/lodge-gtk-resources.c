/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The .ui files, style and icons that are linked into the program. */
#include "gtk/lodge-gtk-resources.h"

#include "lodge-gtk-bundle.h"

void
lodge_gtk_resources_register (void)
{
  g_resources_register (lodge_gtk_bundle_get_resource ());
}
