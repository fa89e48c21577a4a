/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console session's keyboard and pointer.
 *
 * spice-client-glib logs a critical error when it is given input for a channel that is not
 * connected, so nothing is passed on before the channel says that it is open.
 */
#include "console/lodge-console-session-private.h"

#include "console/lodge-frame-check.h"

#include <linux/input-event-codes.h>

/* SPICE's own number and bit for each of our buttons: they leave room for its wheel. */
static const struct {
  LodgeButton button;
  int number;
  int mask;
} buttons[] = {
    {LODGE_BUTTON_LEFT, SPICE_MOUSE_BUTTON_LEFT, SPICE_MOUSE_BUTTON_MASK_LEFT},
    {LODGE_BUTTON_MIDDLE, SPICE_MOUSE_BUTTON_MIDDLE, SPICE_MOUSE_BUTTON_MASK_MIDDLE},
    {LODGE_BUTTON_RIGHT, SPICE_MOUSE_BUTTON_RIGHT, SPICE_MOUSE_BUTTON_MASK_RIGHT},
    {LODGE_BUTTON_SIDE, SPICE_MOUSE_BUTTON_SIDE, SPICE_MOUSE_BUTTON_MASK_SIDE},
    {LODGE_BUTTON_EXTRA, SPICE_MOUSE_BUTTON_EXTRA, SPICE_MOUSE_BUTTON_MASK_EXTRA},
};

/* The keyboard's buffer in QEMU has room for 16 bytes (7.2, hw/input/ps2.c: PS2_QUEUE_SIZE), of
 * which a key takes up to three each time. What comes while it is full is lost without a word, and
 * when that is the release of a key the guest goes on typing it. So keys wait for each other here
 * where they come faster than from hands: from a program, or a reader of bar codes.
 *
 * A click or a turn of the wheel waits behind the keys that were there before it: it may open
 * another field, which they are not meant for. A pointer that only moves waits for nothing but such
 * a click. */
#define KEYS_AT_ONCE 4
#define KEY_PAUSE_MS 20
/* A program that types or clicks without end is cut short. */
#define WAITING_MAX 4096

/* How long Shift is held after a turn of the wheel to the side, for the next one. */
#define SIDEWAYS_PAUSE_MS 200

/* More notches than this in one event are no scrolling but an error of the host's. */
#define WHEEL_MAX 64

static int
spice_mask (guint held)
{
  int mask = 0;

  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++) {
    if (held & buttons[i].button)
      mask |= buttons[i].mask;
  }
  return mask;
}

/* ---- keyboard */

/* libspice-server presses the keys that it needs to give the guest the locks it is told, and for
 * that follows the locks itself (inputs-channel.cpp: sync_locks). As it looks at single bytes it
 * takes the 46 in Pause's e0 46 for Scroll Lock, until the guest's lights change the next time. We
 * follow what it believes, and after a Pause leave it alone about Scroll Lock: that key, pressed
 * where nobody did, stops a Linux console. */
static void
follow_locks (LodgeConsoleSession *self, guint evdev)
{
  switch (evdev) {
  case KEY_CAPSLOCK:
    self->server_locks ^= SPICE_INPUTS_CAPS_LOCK;
    break;
  case KEY_NUMLOCK:
    self->server_locks ^= SPICE_INPUTS_NUM_LOCK;
    break;
  case KEY_PAUSE:
    self->scroll_unknown = TRUE;
    G_GNUC_FALLTHROUGH;
  case KEY_SCROLLLOCK:
    self->server_locks ^= SPICE_INPUTS_SCROLL_LOCK;
    break;
  default:
    break;
  }
}

static void
send_locks (LodgeConsoleSession *self, guint leds)
{
  if (self->scroll_unknown)
    leds = (leds & ~SPICE_INPUTS_SCROLL_LOCK) | (self->server_locks & SPICE_INPUTS_SCROLL_LOCK);
  if (leds == self->server_locks)
    return;
  /* "leds" follows when the guest has done it and says so. */
  self->server_locks = leds;
  spice_inputs_channel_set_key_locks (self->inputs, leds);
}

static void
send_key (LodgeConsoleSession *self, const LodgeWaiting *key)
{
  guint scancode = lodge_keymap_scancode (key->code);

  if (key->pressed) {
    if (!key->repeated)
      follow_locks (self, key->code);
    spice_inputs_channel_key_press (self->inputs, scancode);
  } else {
    spice_inputs_channel_key_release (self->inputs, scancode);
  }
}

static void
send_button (LodgeConsoleSession *self, guint row, gboolean pressed)
{
  self->buttons_sent ^= buttons[row].button;
  if (lodge_console_session_uses_tablet (self))
    lodge_console_session_tablet_buttons (self, self->buttons_sent);
  else if (pressed)
    spice_inputs_channel_button_press (self->inputs, buttons[row].number,
                                       spice_mask (self->buttons_sent));
  else
    spice_inputs_channel_button_release (self->inputs, buttons[row].number,
                                         spice_mask (self->buttons_sent));
}

static void
send_wheel (LodgeConsoleSession *self, int notches)
{
  int number = notches > 0 ? SPICE_MOUSE_BUTTON_DOWN : SPICE_MOUSE_BUTTON_UP;
  int wheel = notches > 0 ? SPICE_MOUSE_BUTTON_MASK_DOWN : SPICE_MOUSE_BUTTON_MASK_UP;
  int held = spice_mask (self->buttons_sent);

  if (lodge_console_session_uses_tablet (self)) {
    lodge_console_session_tablet_wheel (self, notches);
    return;
  }
  for (int i = 0; i < ABS (notches); i++) {
    /* QEMU ignores a state that it has already: without the release only the first notch counts. */
    spice_inputs_channel_button_press (self->inputs, number, held | wheel);
    spice_inputs_channel_button_release (self->inputs, number, held);
  }
}

static void
send (LodgeConsoleSession *self, const LodgeWaiting *next)
{
  switch (next->kind) {
  case LODGE_WAITING_KEY:
    send_key (self, next);
    break;
  case LODGE_WAITING_LOCKS:
    send_locks (self, next->code);
    break;
  /* The guest may have taken another kind of pointer meanwhile. */
  case LODGE_WAITING_POSITION:
    /* The library has at most 8 of these on their way and sends only the newest of the others. */
    if (lodge_console_session_uses_tablet (self))
      lodge_console_session_tablet_position (self, next->code, next->x, next->y);
    else if (self->pointer_absolute)
      spice_inputs_channel_position (self->inputs, next->x, next->y, (int) next->code,
                                     spice_mask (self->buttons_sent));
    break;
  case LODGE_WAITING_MOTION:
    if (!self->pointer_absolute)
      spice_inputs_channel_motion (self->inputs, next->x, next->y, spice_mask (self->buttons_sent));
    break;
  case LODGE_WAITING_BUTTON:
    send_button (self, next->code, next->pressed);
    break;
  case LODGE_WAITING_WHEEL:
    send_wheel (self, next->y);
    break;
  }
}

static gboolean
is_for_keyboard (const LodgeWaiting *next)
{
  return next->kind == LODGE_WAITING_KEY || next->kind == LODGE_WAITING_LOCKS;
}

static void
send_waiting (LodgeConsoleSession *self)
{
  while (!g_queue_is_empty (&self->waiting)) {
    const gboolean keyboard = is_for_keyboard (g_queue_peek_head (&self->waiting));

    if (keyboard && self->keys_sent >= KEYS_AT_ONCE)
      return;
    g_autofree LodgeWaiting *next = g_queue_pop_head (&self->waiting);
    if (keyboard)
      self->keys_sent++;
    else
      self->pointer_waiting--;
    send (self, next);
  }
}

static gboolean
key_pause_cb (gpointer user_data)
{
  LodgeConsoleSession *self = user_data;
  /* More than one after a frame that took long, which was time for the guest, too. */
  guint pauses = (g_get_monotonic_time () - self->keys_time) / (KEY_PAUSE_MS * 1000);

  self->keys_time += (gint64) pauses * KEY_PAUSE_MS * 1000;
  self->keys_sent -= MIN (pauses, self->keys_sent);
  send_waiting (self);
  if (self->keys_sent > 0)
    return G_SOURCE_CONTINUE;
  self->key_pause_id = 0;
  return G_SOURCE_REMOVE;
}

static void
wait_and_send (LodgeConsoleSession *self, LodgeWaiting next)
{
  g_queue_push_tail (&self->waiting, g_memdup2 (&next, sizeof next));
  if (self->key_pause_id == 0) {
    self->key_pause_id = g_timeout_add (KEY_PAUSE_MS, key_pause_cb, self);
    self->keys_time = g_get_monotonic_time ();
  }
  send_waiting (self);
}

/* Before all else that the guest is given: Shift would change what it means. */
static void
end_sideways (LodgeConsoleSession *self)
{
  const guint key = self->sideways_key;

  g_clear_handle_id (&self->sideways_id, g_source_remove);
  self->sideways_key = 0;
  if (key != 0)
    lodge_console_session_key (self, key, FALSE);
}

void
lodge_console_session_key (LodgeConsoleSession *self, guint evdev, gboolean pressed)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  end_sideways (self);
  if (lodge_keymap_scancode (evdev) == 0 || !self->inputs_ready)
    return;

  LodgeWaiting key = {.kind = LODGE_WAITING_KEY,
                      .code = evdev,
                      .pressed = pressed,
                      .repeated = self->pressed[evdev]};
  guint waiting = g_queue_get_length (&self->waiting);
  if (!pressed && !key.repeated)
    return;
  /* A repetition that is late would go on after the key is let go. */
  if (pressed && waiting >= (key.repeated ? KEYS_AT_ONCE : WAITING_MAX))
    return;
  self->pressed[evdev] = pressed;
  self->let_go[evdev] = !pressed;
  wait_and_send (self, key);
}

gboolean
lodge_console_session_has_key (LodgeConsoleSession *self, guint evdev)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_SESSION (self), FALSE);
  return evdev < G_N_ELEMENTS (self->pressed) && self->pressed[evdev];
}

guint
lodge_console_session_get_n_waiting (LodgeConsoleSession *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_SESSION (self), 0);
  return g_queue_get_length (&self->waiting);
}

void
lodge_console_session_release_all (LodgeConsoleSession *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  for (guint evdev = 0; evdev < G_N_ELEMENTS (self->pressed); evdev++)
    lodge_console_session_key (self, evdev, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++)
    lodge_console_session_button (self, buttons[i].button, FALSE);
}

void
lodge_console_session_sync_locks (LodgeConsoleSession *self, guint leds)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  leds &= SPICE_INPUTS_SCROLL_LOCK | SPICE_INPUTS_NUM_LOCK | SPICE_INPUTS_CAPS_LOCK;
  end_sideways (self);
  if (!self->inputs_ready)
    return;
  /* After the locks' own keys, if such wait. */
  if (g_queue_is_empty (&self->waiting))
    send_locks (self, leds);
  else
    wait_and_send (self, (LodgeWaiting){.kind = LODGE_WAITING_LOCKS, .code = leds});
}

/* ---- pointer */

static void
point (LodgeConsoleSession *self, LodgeWaiting next)
{
  if (g_queue_is_empty (&self->waiting)) {
    send (self, &next);
    return;
  }
  self->pointer_waiting++;
  g_queue_push_tail (&self->waiting, g_memdup2 (&next, sizeof next));
}

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
    send (self, &next);
  } else if (last == NULL) {
    if (g_queue_get_length (&self->waiting) < WAITING_MAX)
      point (self, next);
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
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  end_sideways (self);
  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++) {
    if (buttons[i].button != button)
      continue;
    if (!self->inputs_ready || !!(self->buttons & button) == !!pressed)
      return;
    /* Never the release: the button would stay down. */
    if (pressed && g_queue_get_length (&self->waiting) >= WAITING_MAX)
      return;

    self->buttons ^= button;
    point (self, (LodgeWaiting){.kind = LODGE_WAITING_BUTTON, .code = i, .pressed = pressed});
  }
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
  else if (g_queue_get_length (&self->waiting) < WAITING_MAX)
    point (self, (LodgeWaiting){.kind = LODGE_WAITING_WHEEL, .y = notches});
}

void
lodge_console_session_wheel (LodgeConsoleSession *self, int notches)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  end_sideways (self);
  turn_wheel (self, notches);
}

static gboolean
sideways_cb (gpointer user_data)
{
  LodgeConsoleSession *self = user_data;

  self->sideways_id = 0;
  end_sideways (self);
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

/* ---- a guest that stands still */

/* A key may have been let go of just before this was heard, so all of them are told of again: the
 * end of one that is up already is nothing to a guest. A button is told of only as a change, so
 * that a press goes before it; which is none to a guest that has not heard of the release. */
static void
tell_again (LodgeConsoleSession *self)
{
  for (guint evdev = 0; evdev < G_N_ELEMENTS (self->let_go); evdev++) {
    if (self->let_go[evdev])
      wait_and_send (self, (LodgeWaiting){.kind = LODGE_WAITING_KEY, .code = evdev});
    self->let_go[evdev] = FALSE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++) {
    if ((self->buttons_still & buttons[i].button) == 0 || (self->buttons & buttons[i].button) != 0)
      continue;
    point (self, (LodgeWaiting){.kind = LODGE_WAITING_BUTTON, .code = i, .pressed = TRUE});
    point (self, (LodgeWaiting){.kind = LODGE_WAITING_BUTTON, .code = i});
  }
}

void
lodge_console_session_set_still (LodgeConsoleSession *self, gboolean still)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  if (!still && self->inputs_ready)
    tell_again (self);
  self->buttons_still = still ? self->buttons_sent : 0;
}

/* ---- channel */

void
lodge_console_session_update_mouse_mode (LodgeConsoleSession *self)
{
  int mode = 0;

  if (self->main != NULL)
    g_object_get (self->main, "mouse-mode", &mode, NULL);
  self->pointer_x = self->pointer_y = -1;
  lodge_console_session_set_flag (self, &self->pointer_absolute,
                                  mode == SPICE_MOUSE_MODE_CLIENT ||
                                      lodge_console_session_uses_tablet (self),
                                  LODGE_CONSOLE_PROP_POINTER_ABSOLUTE);
  lodge_console_session_update_tablet (self);
}

static void
modifiers_cb (SpiceInputsChannel *channel, LodgeConsoleSession *self)
{
  int leds = 0;

  g_object_get (channel, "key-modifiers", &leds, NULL);
  self->server_locks = leds;
  lodge_console_session_set_leds (self, leds);
}

void
lodge_console_session_take_inputs (LodgeConsoleSession *self, SpiceInputsChannel *channel)
{
  g_set_object (&self->inputs, channel);
  g_signal_connect_object (channel, "inputs-modifiers", G_CALLBACK (modifiers_cb), self, 0);
  /* The library sends these as soon as the channel is up, and would send "all off" otherwise. */
  self->server_locks = self->leds;
  spice_inputs_channel_set_key_locks (channel, self->leds);
}

void
lodge_console_session_inputs_opened (LodgeConsoleSession *self)
{
  self->inputs_ready = TRUE;
  self->pointer_x = self->pointer_y = -1;
}

void
lodge_console_session_drop_inputs (LodgeConsoleSession *self)
{
  g_clear_handle_id (&self->key_pause_id, g_source_remove);
  g_clear_handle_id (&self->sideways_id, g_source_remove);
  self->sideways_key = 0;
  g_queue_clear_full (&self->waiting, g_free);
  self->pointer_waiting = 0;
  self->keys_sent = 0;
  /* What was down is not any more: spice-server lets go of it when a client leaves. */
  memset (self->pressed, 0, sizeof self->pressed);
  memset (self->let_go, 0, sizeof self->let_go);
  self->scroll_unknown = FALSE;
  self->buttons = self->buttons_sent = self->buttons_still = 0;
  self->inputs_ready = FALSE;
  g_clear_object (&self->inputs);
}
