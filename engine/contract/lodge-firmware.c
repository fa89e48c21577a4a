/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kinds of firmware, and their words. */
#include "lodge-firmware.h"

const char *const lodge_firmware_names[LODGE_N_FIRMWARES + 1] = {
    [LODGE_FIRMWARE_BIOS] = "bios",
    [LODGE_FIRMWARE_UEFI] = "uefi",
    [LODGE_FIRMWARE_UEFI_SECURE] = "uefi-secure",
};
