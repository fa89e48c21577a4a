/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The desktop's own keyboard shortcuts. */
#include "gtk/lodge-shortcuts.h"

static void
state_cb (GdkToplevel *toplevel)
{
  gboolean inhibited;

  g_object_get (toplevel, "shortcuts-inhibited", &inhibited, NULL);
  if (!inhibited && (gdk_toplevel_get_state (toplevel) & GDK_TOPLEVEL_STATE_FOCUSED) != 0)
    gdk_toplevel_inhibit_system_shortcuts (toplevel, NULL);
}

void
lodge_shortcuts_inhibit (GdkToplevel *toplevel, GdkEvent *event)
{
  gdk_toplevel_inhibit_system_shortcuts (toplevel, event);
  g_signal_connect (toplevel, "notify::state", G_CALLBACK (state_cb), NULL);
}

void
lodge_shortcuts_restore (GdkToplevel *toplevel)
{
  g_signal_handlers_disconnect_by_func (toplevel, state_cb, NULL);
  gdk_toplevel_restore_system_shortcuts (toplevel);
}
