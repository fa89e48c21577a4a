/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which windows about one machine there are, for the menus of those that open them. */
#pragma once

#include "console/lodge-connection.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Installs an action for each, "GROUP.snapshots" and so on.
 * @parameter: (nullable): its type
 * @activate: calls lodge_machine_windows_show() with the name that it is given */
void lodge_machine_windows_install (GtkWidgetClass *widget_class,
                                    const char *group,
                                    const char *parameter,
                                    GtkWidgetActionActivateFunc activate);
void lodge_machine_windows_show (const char *action,
                                 GtkWindow *parent,
                                 LodgeConnection *connection,
                                 const char *uuid,
                                 const char *name);

G_END_DECLS
