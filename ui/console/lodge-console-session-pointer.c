/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console session's pointer: where it goes, its buttons, its wheel. */
#include "console/lodge-console-session-private.h"

#include "console/lodge-frame-check.h"

#include <linux/input-event-codes.h>

/* How long Shift is held after a turn of the wheel to the side, for the next one. */
#define SIDEWAYS_PAUSE_MS 200

/* More notches than this in one event are no scrolling but an error of the host's. */
#define WHEEL_MAX 64

/* What waits at the very end, if it is of that kind: the next of that kind becomes one with it. */
static LodgeWaiting *
get_last (LodgeConsoleSession *self, LodgeWaitingKind kind)
{
  LodgeWaiting *last = g_queue_peek_tail (&self->waiting);

  return last != NULL && last->kind == kind ? last : NULL;
}

/* A move has no need to wait for keys. */
static void
move (LodgeConsoleSession *self, LodgeWaiting next)
{
  LodgeWaiting *last = get_last (self, next.kind);

  if (self->pointer_waiting == 0) {
    lodge_console_session_send (self, &next);
  } else if (last == NULL) {
    if (g_queue_get_length (&self->waiting) < LODGE_CONSOLE_WAITING_MAX)
      lodge_console_session_point (self, next);
  } else if (next.kind == LODGE_WAITING_MOTION) {
    last->x = CLAMP ((gint64) last->x + next.x, G_MININT, G_MAXINT);
    last->y = CLAMP ((gint64) last->y + next.y, G_MININT, G_MAXINT);
  } else {
    *last = next;
  }
}

/* Who gets a position (libspice-server 0.15, inputs-channel.cpp: handle_message(); reds.cpp:
 * reds_update_mouse_mode()):
 *
 *   display channels   agent-mouse=off   agent-mouse=on
 *   one                the tablet        the agent, if its port is open; else the tablet
 *   several            nobody            the agent, if its port is open; else nobody
 *
 * Nobody: the pointer is not absolute then. A machine with one channel has agent-mouse=off. A
 * foreign server does not say what it has; on is the default.
 */
static gboolean
goes_to_agent (LodgeConsoleSession *self)
{
  gboolean agent = FALSE;

  if (self->own_displays != 0) /* or to the tablet past SPICE, which counts by itself */
    return TRUE;
  if (self->address != NULL)
    g_object_get (self->main, "agent-connected", &agent, NULL);
  return agent;
}

/* The guest's tablet lies over all that a display channel shows; its agent counts from the
 * monitor's corner. */
static void
to_display (LodgeConsoleSession *self, guint monitor, int *x, int *y)
{
  int offset_x, offset_y;

  if (goes_to_agent (self))
    return;
  lodge_spice_source_get_offset (self->sources[monitor], &offset_x, &offset_y);
  *x += offset_x;
  *y += offset_y;
}

/* Nobody else says where an absolute pointer is. */
static void
place_cursors (LodgeConsoleSession *self, guint monitor, int x, int y)
{
  for (guint i = 0; i < LODGE_CONSOLE_MONITORS; i++)
    lodge_spice_source_place_cursor (self->sources[i], i == monitor ? x : -LODGE_CURSOR_SIZE_MAX,
                                     i == monitor ? y : -LODGE_CURSOR_SIZE_MAX);
}

void
lodge_console_session_position (LodgeConsoleSession *self, int x, int y)
{
  lodge_console_session_position_on (self, 0, x, y);
}

void
lodge_console_session_position_on (LodgeConsoleSession *self, guint monitor, int x, int y)
{
  LodgeFrame frame;

  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));
  g_return_if_fail (monitor < LODGE_CONSOLE_MONITORS);

  lodge_frame_source_get_frame (LODGE_FRAME_SOURCE (self->sources[monitor]), &frame);
  if (!self->inputs_ready || !self->pointer_absolute || frame.width < 1)
    return;

  x = CLAMP (x, 0, frame.width - 1);
  y = CLAMP (y, 0, frame.height - 1);
  if (monitor == self->pointer_monitor && x == self->pointer_x && y == self->pointer_y)
    return;
  self->pointer_monitor = monitor;
  self->pointer_x = x;
  self->pointer_y = y;
  place_cursors (self, monitor, x, y);
  to_display (self, monitor, &x, &y);
  move (self, (LodgeWaiting){.kind = LODGE_WAITING_POSITION, .code = monitor, .x = x, .y = y});
}

void
lodge_console_session_motion (LodgeConsoleSession *self, int dx, int dy)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  if (self->inputs_ready && !self->pointer_absolute)
    move (self, (LodgeWaiting){.kind = LODGE_WAITING_MOTION, .x = dx, .y = dy});
}

void
lodge_console_session_button (LodgeConsoleSession *self, LodgeButton button, gboolean pressed)
{
  const guint row = lodge_console_session_find_button (button);

  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  lodge_console_session_end_sideways (self);
  if (row == LODGE_CONSOLE_NO_BUTTON || !self->inputs_ready ||
      !!(self->buttons & button) == !!pressed)
    return;
  /* Never the release: the button would stay down. */
  if (pressed && g_queue_get_length (&self->waiting) >= LODGE_CONSOLE_WAITING_MAX)
    return;

  self->buttons ^= button;
  lodge_console_session_point (
      self, (LodgeWaiting){.kind = LODGE_WAITING_BUTTON, .code = row, .pressed = pressed});
}

static void
turn_wheel (LodgeConsoleSession *self, int notches)
{
  if (!self->inputs_ready || notches == 0)
    return;

  LodgeWaiting *last = get_last (self, LODGE_WAITING_WHEEL);
  notches = CLAMP (notches, -WHEEL_MAX, WHEEL_MAX);
  if (last != NULL && last->y * notches > 0)
    last->y = CLAMP (last->y + notches, -WHEEL_MAX, WHEEL_MAX);
  else if (g_queue_get_length (&self->waiting) < LODGE_CONSOLE_WAITING_MAX)
    lodge_console_session_point (self, (LodgeWaiting){.kind = LODGE_WAITING_WHEEL, .y = notches});
}

void
lodge_console_session_wheel (LodgeConsoleSession *self, int notches)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  lodge_console_session_end_sideways (self);
  turn_wheel (self, notches);
}

void
lodge_console_session_end_sideways (LodgeConsoleSession *self)
{
  const guint key = self->sideways_key;

  g_clear_handle_id (&self->sideways_id, g_source_remove);
  self->sideways_key = 0;
  if (key != 0)
    lodge_console_session_key (self, key, FALSE);
}

static gboolean
sideways_cb (gpointer user_data)
{
  LodgeConsoleSession *self = user_data;

  self->sideways_id = 0;
  lodge_console_session_end_sideways (self);
  return G_SOURCE_REMOVE;
}

/* Of QEMU's devices only the PS/2 mouse has a wheel that tilts (7.2 and 10.0, hw/input:
 * INPUT_BUTTON_ WHEEL_LEFT), and a guest with a tablet never sees it. SPICE has no message for one
 * either. */
void
lodge_console_session_wheel_sideways (LodgeConsoleSession *self, int notches)
{
  static const guint others[] = {KEY_LEFTCTRL, KEY_RIGHTCTRL, KEY_LEFTALT,
                                 KEY_RIGHTALT, KEY_LEFTMETA,  KEY_RIGHTMETA};

  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  if (!self->inputs_ready || notches == 0)
    return;
  /* With Shift that were a combination of its own: another layout, in many guests. */
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    if (self->pressed[others[i]])
      return;
  }
  if (!self->pressed[KEY_LEFTSHIFT] && !self->pressed[KEY_RIGHTSHIFT]) {
    /* Each time the other one: Windows takes five times the same for a call for Sticky Keys. */
    const guint key = self->last_sideways_key == KEY_LEFTSHIFT ? KEY_RIGHTSHIFT : KEY_LEFTSHIFT;

    lodge_console_session_key (self, key, TRUE);
    self->sideways_key = self->last_sideways_key = key;
  }
  turn_wheel (self, notches);
  if (self->sideways_key != 0) {
    g_clear_handle_id (&self->sideways_id, g_source_remove);
    self->sideways_id = g_timeout_add (SIDEWAYS_PAUSE_MS, sideways_cb, self);
  }
}
