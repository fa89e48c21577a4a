/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A LodgeQemu that is told what it can do. It takes the place of the real one in the test programs
 * that it is linked into, since it defines the same functions. */
#pragma once

#include "qemu/lodge-qemu.h"

G_BEGIN_DECLS

/* "7.2.22" with every device, SPICE and the D-Bus display (both or none), and the machine types
 * pc-q35-7.2 and q35. */
LodgeQemu *fake_qemu_new (const char *binary);
void fake_qemu_set_missing (LodgeQemu *self, const char *device);
void fake_qemu_set_version (LodgeQemu *self, guint major, guint minor);
void fake_qemu_set_spice (LodgeQemu *self, gboolean spice);
void fake_qemu_set_machine (LodgeQemu *self, const char *machine);

G_END_DECLS
