/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How far Machine1.Point goes. */
#pragma once

/* Of both axes, which begin at 0: QEMU's (include/ui/input.h: INPUT_EVENT_ABS_MAX). */
#define LODGE_POINTER_MAX 32767
/* All of them: 1 left, 2 middle, 4 right, 8 side, 16 extra. */
#define LODGE_POINTER_BUTTONS 31
/* Of the wheel at once, to either side. */
#define LODGE_POINTER_NOTCHES 64
