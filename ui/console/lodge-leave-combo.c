/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ctrl+Alt, which takes the keyboard back from a guest. */
#include "console/lodge-leave-combo.h"

#include <linux/input-event-codes.h>

static guint
get_bit (guint evdev)
{
  switch (evdev) {
  case KEY_LEFTCTRL:
    return 1 << 0;
  case KEY_RIGHTCTRL:
    return 1 << 1;
  case KEY_LEFTALT:
    return 1 << 2;
  default:
    return 0; /* the right Alt types characters on most keyboards */
  }
}

static gboolean
is_whole (guint keys)
{
  return (keys & 3) != 0 && (keys & 4) != 0;
}

gboolean
lodge_leave_combo_key (LodgeLeaveCombo *self, guint evdev, gboolean pressed)
{
  guint bit = get_bit (evdev);

  if (pressed && bit == 0) {
    self->state = LODGE_LEAVE_COMBO_SPOILT;
    return FALSE;
  }
  if (pressed) {
    self->keys |= bit;
    if (self->state != LODGE_LEAVE_COMBO_SPOILT)
      self->state = is_whole (self->keys) ? LODGE_LEAVE_COMBO_WHOLE : LODGE_LEAVE_COMBO_PART;
    return FALSE;
  }

  self->keys &= ~bit;
  if (self->keys != 0)
    return FALSE;
  gboolean done = self->state == LODGE_LEAVE_COMBO_WHOLE && bit != 0;
  self->state = LODGE_LEAVE_COMBO_IDLE;
  return done;
}

void
lodge_leave_combo_spoil (LodgeLeaveCombo *self)
{
  if (self->state != LODGE_LEAVE_COMBO_IDLE)
    self->state = LODGE_LEAVE_COMBO_SPOILT;
}
