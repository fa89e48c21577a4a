/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console session's pictures: their sources, and the sizes the guest is asked to take. */
#include "console/lodge-console-session-private.h"

#include "console/lodge-frame-check.h"
#include "console/lodge-frame-message.h"

/* Smaller screens than this are of no use to any desktop, and installers fail on them. */
#define WIDTH_MIN  320
#define HEIGHT_MIN 200

LodgeFrameSource *
lodge_console_session_get_source (LodgeConsoleSession *self)
{
  return lodge_console_session_get_monitor (self, 0);
}

LodgeFrameSource *
lodge_console_session_get_monitor (LodgeConsoleSession *self, guint monitor)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_SESSION (self), NULL);
  g_return_val_if_fail (monitor < LODGE_CONSOLE_MONITORS, NULL);
  return LODGE_FRAME_SOURCE (self->choosers[monitor]);
}

void
lodge_console_session_set_frames (LodgeConsoleSession *self, const char *path)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));
  g_return_if_fail (self->address == NULL);

  for (guint i = 0; i < LODGE_CONSOLE_MONITORS; i++)
    lodge_frame_chooser_set_socket (self->choosers[i], path);
}

void
lodge_console_session_show_monitor (LodgeConsoleSession *self, guint monitor, gboolean shown)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));
  g_return_if_fail (monitor < LODGE_CONSOLE_MONITORS);
  lodge_frame_chooser_set_shown (self->choosers[monitor], shown);
  lodge_spice_source_set_shown (self->sources[monitor], shown);
}

/* ---- channels */

/* A QXL card has one channel for all its monitors, a virtio card has one for each. So the first
 * channel is everybody's until a monitor has one of its own. */
void
lodge_console_session_take_display (LodgeConsoleSession *self, SpiceChannel *channel, int id)
{
  const int last = id == 0 ? LODGE_CONSOLE_MONITORS - 1 : id;

  const gboolean display = SPICE_IS_DISPLAY_CHANNEL (channel);
  guint *own = display ? &self->own_displays : &self->own_cursors;

  if (id > 0)
    *own |= 1u << id;
  for (int i = id; i <= last; i++) {
    /* The channels come in any order. */
    if (i != id && (*own & 1u << i) != 0)
      continue;
    if (display)
      lodge_spice_source_set_display (self->sources[i], SPICE_DISPLAY_CHANNEL (channel),
                                      id == 0 ? (guint) i : 0);
    else
      lodge_spice_source_set_cursor (self->sources[i], SPICE_CURSOR_CHANNEL (channel));
  }
}

void
lodge_console_session_drop_display (LodgeConsoleSession *self)
{
  for (guint i = 0; i < LODGE_CONSOLE_MONITORS; i++) {
    lodge_spice_source_set_display (self->sources[i], NULL, 0);
    lodge_spice_source_set_cursor (self->sources[i], NULL);
  }
  self->own_displays = self->own_cursors = 0;
  self->on = 0;
  lodge_console_session_set_flag (self, &self->can_resize, FALSE, LODGE_CONSOLE_PROP_CAN_RESIZE);
}

/* ---- sizes */

static gboolean
asks_for_further (LodgeConsoleSession *self)
{
  for (guint i = 1; i < LODGE_CONSOLE_MONITORS; i++) {
    if (self->asked_width[i] > 0)
      return TRUE;
  }
  return FALSE;
}

/* What is said of one of them, as one message says it of all: as it was asked for, or as it is
 * where that is the guest's own business. 0 by 0: off */
static void
get_size (LodgeConsoleSession *self, guint monitor, int *out_width, int *out_height)
{
  LodgeFrame frame = {0};

  *out_width = self->asked_width[monitor];
  *out_height = self->asked_height[monitor];
  if (*out_width == 0 ? monitor > 0 : self->follows[monitor])
    return;
  /* One that is off may have a picture all the same, in which its card says so. */
  if (monitor > 0 && (self->on & 1u << monitor) == 0)
    return;
  lodge_frame_source_get_frame (LODGE_FRAME_SOURCE (self->choosers[monitor]), &frame);
  if (monitor == 0 ? frame.width > 0 : lodge_frame_is_shown (&frame)) {
    *out_width = frame.width;
    *out_height = frame.height;
  }
}

/* The library says again what it was told when the guest's agent begins. What nobody asks for is
 * not said. */
static void
forget_size (LodgeConsoleSession *self)
{
  if (self->main != NULL && self->asked_width[0] == 0 && !asks_for_further (self))
    spice_main_channel_update_display (self->main, 0, 0, 0, 0, 0, FALSE);
}

static void
send_size (LodgeConsoleSession *self)
{
  int width, height, x = 0;

  if (!self->can_resize || (self->asked_width[0] == 0 && !asks_for_further (self) && self->on <= 1))
    return;
  get_size (self, 0, &width, &height);
  self->size_waits = width == 0;
  if (self->size_waits)
    return;

  /* With update TRUE the library waits a second for more changes; the caller has waited already. */
  for (int i = 0; i < LODGE_CONSOLE_MONITORS; i++) {
    get_size (self, i, &width, &height);
    spice_main_channel_update_display_enabled (self->main, i, width > 0, FALSE);
    /* What is off has no size either: by one the library takes itself to have something to say. */
    spice_main_channel_update_display (self->main, i, width > 0 ? x : 0, 0, width, height, FALSE);
    self->on = (self->on & ~(1u << i)) | (guint) (width > 0) << i;
    x += width;
  }
  spice_main_channel_send_monitor_config (self->main);
  forget_size (self);
}

void
lodge_console_session_first_frame (LodgeConsoleSession *self)
{
  if (self->size_waits)
    send_size (self);
}

void
lodge_console_session_set_follows (LodgeConsoleSession *self, guint monitor, gboolean follows)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));
  g_return_if_fail (monitor < LODGE_CONSOLE_MONITORS);

  if (self->follows[monitor] == follows)
    return;
  self->follows[monitor] = follows;
  /* The guest may have another one by the time the same is asked for again. */
  self->asks_again[monitor] = TRUE;
  if (!follows && monitor == 0) {
    self->asked_width[0] = self->asked_height[0] = 0;
    forget_size (self);
  }
}

void
lodge_console_session_resize_monitor (LodgeConsoleSession *self,
                                      guint monitor,
                                      int width,
                                      int height)
{
  const gboolean off = monitor > 0 && width == 0 && height == 0;

  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));
  g_return_if_fail (monitor < LODGE_CONSOLE_MONITORS);

  width = off ? 0 : CLAMP (width, WIDTH_MIN, LODGE_FRAME_SIZE_MAX);
  height = off ? 0 : CLAMP (height, HEIGHT_MIN, LODGE_FRAME_SIZE_MAX);
  if (width == self->asked_width[monitor] && height == self->asked_height[monitor] &&
      !self->asks_again[monitor])
    return;
  self->asks_again[monitor] = FALSE;
  self->asked_width[monitor] = width;
  self->asked_height[monitor] = height;
  send_size (self);
}

void
lodge_console_session_resize (LodgeConsoleSession *self, int width, int height)
{
  lodge_console_session_resize_monitor (self, 0, width, height);
}

/* The port of the agent is enough: QEMU passes the size on to virtio-gpu itself. The library
 * refuses to send without it. */
void
lodge_console_session_update_agent (LodgeConsoleSession *self)
{
  gboolean agent = FALSE;

  if (self->main != NULL)
    g_object_get (self->main, "agent-connected", &agent, NULL);
  lodge_console_session_set_flag (self, &self->can_resize, agent, LODGE_CONSOLE_PROP_CAN_RESIZE);
  send_size (self);
}
