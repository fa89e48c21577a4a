/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: this computer's graphics card, where it draws for the guest in 3D. */
#pragma once

#include "console/lodge-console-machine.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SHARED_GRAPHICS (lodge_shared_graphics_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeSharedGraphics, lodge_shared_graphics, LODGE, SHARED_GRAPHICS, AdwPreferencesGroup)

LodgeSharedGraphics *lodge_shared_graphics_new (LodgeConsoleMachine *machine);

/* Shows what the machine says now. */
void lodge_shared_graphics_update (LodgeSharedGraphics *self);

G_END_DECLS
