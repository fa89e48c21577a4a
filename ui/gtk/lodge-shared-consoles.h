/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: the machine's consoles of text with their logs, and the guest agent. */
#pragma once

#include "console/lodge-console-machine.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SHARED_CONSOLES (lodge_shared_consoles_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeSharedConsoles, lodge_shared_consoles, LODGE, SHARED_CONSOLES, AdwPreferencesGroup)

LodgeSharedConsoles *lodge_shared_consoles_new (LodgeConsoleMachine *machine);

/* Shows what the machine says now, and the console window. */
void lodge_shared_consoles_update (LodgeSharedConsoles *self);

G_END_DECLS
