/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kinds of firmware, and their words: in machine.ini, on the wire and on the command line. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  LODGE_FIRMWARE_BIOS,
  LODGE_FIRMWARE_UEFI,
  LODGE_FIRMWARE_UEFI_SECURE,
} LodgeFirmwareKind;
#define LODGE_N_FIRMWARES 3

/* By the kind, %NULL last. Never translated. */
extern const char *const lodge_firmware_names[LODGE_N_FIRMWARES + 1];

G_END_DECLS
