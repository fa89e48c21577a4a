/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of this computer, outside of a machine's folder, that its description names. */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

/**
 * lodge_description_list_outside:
 *
 * What QEMU would open: images, kernels, firmware. Not a shared folder, which is no image.
 *
 * Returns: (transfer full) (element-type utf8): key, path, key, path, ... in machine.ini's order
 */
GPtrArray *lodge_description_list_outside (const LodgeDescription *self);

G_END_DECLS
