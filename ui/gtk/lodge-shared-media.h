/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Is Shared: files and disks of this computer in the guest's drives, each with what takes it
 * out. Not there while there are none. */
#pragma once

#include "console/lodge-console-machine.h"

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_SHARED_MEDIA (lodge_shared_media_get_type ())
G_DECLARE_FINAL_TYPE (
    LodgeSharedMedia, lodge_shared_media, LODGE, SHARED_MEDIA, AdwPreferencesGroup)

LodgeSharedMedia *lodge_shared_media_new (LodgeConsoleMachine *machine);

/* Shows what the description says now. */
void lodge_shared_media_update (LodgeSharedMedia *self);

G_END_DECLS
