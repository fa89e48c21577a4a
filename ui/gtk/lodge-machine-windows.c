/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which windows about one machine there are. */
#include "gtk/lodge-machine-windows.h"

#include "gtk/lodge-encryption-window.h"
#include "gtk/lodge-logout-window.h"
#include "gtk/lodge-snapshots-window.h"
#include "gtk/lodge-storage-window.h"

#include <string.h>

static const struct {
  const char *name;
  GType (*get_type) (void);
} windows[] = {
    {"snapshots", lodge_snapshots_window_get_type},
    {"storage", lodge_storage_window_get_type},
    {"encryption", lodge_encryption_window_get_type},
    {"logout", lodge_logout_window_get_type},
};

void
lodge_machine_windows_install (GtkWidgetClass *widget_class,
                               const char *group,
                               const char *parameter,
                               GtkWidgetActionActivateFunc activate)
{
  for (guint i = 0; i < G_N_ELEMENTS (windows); i++) {
    g_autofree char *action = g_strconcat (group, ".", windows[i].name, NULL);

    gtk_widget_class_install_action (widget_class, action, parameter, activate);
  }
}

void
lodge_machine_windows_show (const char *action,
                            GtkWindow *parent,
                            LodgeConnection *connection,
                            const char *uuid,
                            const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (windows); i++) {
    if (g_str_equal (strchr (action, '.') + 1, windows[i].name))
      lodge_machine_window_show (windows[i].get_type (), parent, connection, uuid, name);
  }
}
