/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a new machine has: memory, processors, disk, firmware; each may be left to the engine. */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define LODGE_TYPE_HARDWARE_ROW (lodge_hardware_row_get_type ())
G_DECLARE_FINAL_TYPE (LodgeHardwareRow, lodge_hardware_row, LODGE, HARDWARE_ROW, AdwExpanderRow)

/* @facts: (nullable): a{sv} of Engine1.DetectMedia; what it does not have is automatic. Values that
 * the user has changed stay. */
void lodge_hardware_row_fill (LodgeHardwareRow *self, GVariant *facts);

/* Whether the machine gets a new, empty disk (at first it does); only then there is a size to ask
 * for. */
void lodge_hardware_row_set_new_disk (LodgeHardwareRow *self, gboolean new_disk);

/* Adds what is not automatic to the keys of Engine1.CreateMachine. */
void lodge_hardware_row_add_to_spec (LodgeHardwareRow *self, GVariantDict *spec);

G_END_DECLS
