/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files on their way into a guest: how far each is, and a button to cancel it. Hidden while
 * there are none. */
#pragma once

#include "console/lodge-console-files.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_TRANSFER_PANEL (lodge_transfer_panel_get_type ())
G_DECLARE_FINAL_TYPE (LodgeTransferPanel, lodge_transfer_panel, LODGE, TRANSFER_PANEL, AdwBin)

GtkWidget *lodge_transfer_panel_new (void);
/* NULL: there are none. */
void lodge_transfer_panel_set_files (LodgeTransferPanel *self, LodgeConsoleFiles *files);

G_END_DECLS
