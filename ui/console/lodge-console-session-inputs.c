/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console session's inputs: what its keyboard is given, and when that and the pointer's part go
 * out.
 *
 * spice-client-glib logs a critical error when it is given input for a channel that is not
 * connected, so nothing is passed on before the channel says that it is open.
 */
#include "console/lodge-console-session-private.h"

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

void
lodge_console_session_send (LodgeConsoleSession *self, const LodgeWaiting *next)
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
    lodge_console_session_send (self, next);
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

void
lodge_console_session_point (LodgeConsoleSession *self, LodgeWaiting next)
{
  if (g_queue_is_empty (&self->waiting)) {
    lodge_console_session_send (self, &next);
    return;
  }
  self->pointer_waiting++;
  g_queue_push_tail (&self->waiting, g_memdup2 (&next, sizeof next));
}

guint
lodge_console_session_find_button (LodgeButton button)
{
  guint row = 0;

  while (row < G_N_ELEMENTS (buttons) && buttons[row].button != button)
    row++;
  return row < G_N_ELEMENTS (buttons) ? row : LODGE_CONSOLE_NO_BUTTON;
}

void
lodge_console_session_key (LodgeConsoleSession *self, guint evdev, gboolean pressed)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  lodge_console_session_end_sideways (self);
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
  if (pressed && waiting >= (key.repeated ? KEYS_AT_ONCE : LODGE_CONSOLE_WAITING_MAX))
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
  lodge_console_session_end_sideways (self);
  if (!self->inputs_ready)
    return;
  /* After the locks' own keys, if such wait. */
  if (g_queue_is_empty (&self->waiting))
    send_locks (self, leds);
  else
    wait_and_send (self, (LodgeWaiting){.kind = LODGE_WAITING_LOCKS, .code = leds});
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
    lodge_console_session_point (
        self, (LodgeWaiting){.kind = LODGE_WAITING_BUTTON, .code = i, .pressed = TRUE});
    lodge_console_session_point (self, (LodgeWaiting){.kind = LODGE_WAITING_BUTTON, .code = i});
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
