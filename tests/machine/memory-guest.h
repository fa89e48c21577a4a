/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What BOOT_SECTOR_MEMORY, _SCREEN and _DISK know: a guest that remembers the last byte that it was
 * told, in its memory or on its disk, and tells it again. */
#pragma once

#include "machine/lodge-machine.h"

G_BEGIN_DECLS

/* What the guest answers to @text. */
char memory_guest_ask (LodgeMachine *machine, const char *text);
/* Says @text until the machine is off. */
void memory_guest_end (LodgeMachine *machine, const char *text);
/* It remembers @text from here on. */
void memory_guest_tell (LodgeMachine *machine, const char *text);

G_END_DECLS
