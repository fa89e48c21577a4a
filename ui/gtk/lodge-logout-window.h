/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of a machine's guest that runs when its user logs out.
 *
 * What is chosen is set at once; what is shown is what the engine says, and follows it.
 */
#pragma once

#include "gtk/lodge-machine-window.h"

G_BEGIN_DECLS

#define LODGE_TYPE_LOGOUT_WINDOW (lodge_logout_window_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeLogoutWindow, lodge_logout_window, LODGE, LOGOUT_WINDOW, LodgeMachineWindow)

G_END_DECLS
