/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ctrl+Alt, which takes the keyboard back from a guest. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*   IDLE ──one──▶ PART ──other──▶ WHOLE ──both released──▶ leave, IDLE
 *                   └──any other key or button──▶ SPOILT ──all released──▶ IDLE
 *
 * It acts on release, and only when nothing else was pressed meanwhile: Ctrl+Alt+F2 is the guest's.
 */
typedef enum {
  LODGE_LEAVE_COMBO_IDLE,
  LODGE_LEAVE_COMBO_PART,
  LODGE_LEAVE_COMBO_WHOLE,
  LODGE_LEAVE_COMBO_SPOILT,
} LodgeLeaveComboState;

/* All zero at first, and to be set to that when keys are no longer heard. */
typedef struct {
  LodgeLeaveComboState state;
  guint keys; /* of its own that are down */
} LodgeLeaveCombo;

/* @evdev: a Linux key code. Returns: TRUE when the guest is to be left. */
gboolean lodge_leave_combo_key (LodgeLeaveCombo *self, guint evdev, gboolean pressed);
/* Something else was pressed. */
void lodge_leave_combo_spoil (LodgeLeaveCombo *self);

G_END_DECLS
