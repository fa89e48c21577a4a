/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this computer can do for guests, and what to do about what it cannot. */
#pragma once

#include "console/lodge-connection.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_HOST_WINDOW (lodge_host_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeHostWindow, lodge_host_window, LODGE, HOST_WINDOW, AdwWindow)

/* Action "host.check": measures again. */
GtkWidget *lodge_host_window_new (LodgeConnection *connection);

G_END_DECLS
