/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a folder comes into a guest: the choice, what it costs, and why there may be none. */
#pragma once

#include "console/lodge-console-machine.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_FOLDER_METHOD_ROW (lodge_folder_method_row_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeFolderMethodRow, lodge_folder_method_row, LODGE, FOLDER_METHOD_ROW, AdwComboRow)

/* @failed: when what was chosen was refused */
GtkWidget *lodge_folder_method_row_new (LodgeConsoleMachine *machine, void (*failed) (GtkWindow *));
/* Shows how it is now. */
void lodge_folder_method_row_update (LodgeFolderMethodRow *self);
/* What there is to do in the guest for that. */
const char *lodge_folder_method_row_get_instruction (LodgeFolderMethodRow *self);

G_END_DECLS
