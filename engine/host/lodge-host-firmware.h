/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest firmware that is installed here, found through QEMU's descriptors
 * (docs/interop/firmware.json in QEMU). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *title;       /* the descriptor's own words */
  char *code;        /* absolute path of the executable flash image */
  char *code_format; /* raw or qcow2 */
  char *vars;        /* template of the NVRAM */
  char *vars_format;
  gboolean secure_boot; /* enrolled keys and SMM */
} LodgeHostFirmware;

void lodge_host_firmware_free (LodgeHostFirmware *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeHostFirmware, lodge_host_firmware_free)

/**
 * lodge_host_firmware_find:
 * @architecture: "x86_64"
 * @machine_type: "pc-q35-7.2"
 * @secure_boot: with enrolled keys, or plain UEFI
 *
 * The first descriptor that fits, in QEMU's order: the user's folder, /etc, /usr/share, by file
 * name; an empty file hides the one of the same name below.
 *
 * Errors: %LODGE_ERROR_HOST with what to install.
 */
LodgeHostFirmware *lodge_host_firmware_find (const char *architecture,
                                             const char *machine_type,
                                             gboolean secure_boot,
                                             GError **error);

G_END_DECLS
