/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window that makes a machine of another one: a name, linked or full, and the progress. */
#pragma once

#include "console/lodge-connection.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CLONE_WINDOW (lodge_clone_window_get_type ())
G_DECLARE_FINAL_TYPE (LodgeCloneWindow, lodge_clone_window, LODGE, CLONE_WINDOW, AdwWindow)

/**
 * lodge_clone_window_new:
 * @machines: a list of LodgeMachineItem, whose names are taken
 * @uuid: the machine that is cloned
 * @name: its name
 *
 * It closes itself when the clone is there, which the list then shows. Closed before, the clone
 * goes on, and the window that this one belongs to is told what becomes of it.
 */
GtkWidget *lodge_clone_window_new (LodgeConnection *connection,
                                   GListModel *machines,
                                   const char *uuid,
                                   const char *name);

/* What is offered first is a clone that shares what the machine has: of a template, which changes
 * no more. */
void lodge_clone_window_prefer_linked (LodgeCloneWindow *self);

G_END_DECLS
