/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The form for a new machine, and the job that makes it. */
#pragma once

#include "console/lodge-connection.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CREATE_WINDOW (lodge_create_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeCreateWindow, lodge_create_window, LODGE, CREATE_WINDOW, AdwWindow)

/* Signal "created" (const char *uuid): the machine is there and off; the window closes itself. It
 * comes, too, when the window was closed while the machine was made. */

/* @machines: a list of LodgeMachineItem; their names are taken */
GtkWidget *lodge_create_window_new (LodgeConnection *connection, GListModel *machines);

/* Chooses an image file, as the file button does. */
void lodge_create_window_set_media (LodgeCreateWindow *self, const char *path);

/* Chooses the installer @id and creates at once with what it proposes; the form stays for a
 * failure. */
void lodge_create_window_create_installer (LodgeCreateWindow *self, const char *id);

G_END_DECLS
