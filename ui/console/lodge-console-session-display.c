/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console session's picture: its source, and the size the guest is asked to take. */
#include "console/lodge-console-session-private.h"

#include "console/lodge-frame-check.h"

/* Smaller screens than this are of no use to any desktop, and installers fail on them. */
#define WIDTH_MIN  320
#define HEIGHT_MIN 200

LodgeFrameSource *
lodge_console_session_get_source (LodgeConsoleSession *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_SESSION (self), NULL);
  return LODGE_FRAME_SOURCE (self->source);
}

static void
send_size (LodgeConsoleSession *self)
{
  if (!self->can_resize || self->asked_width == 0)
    return;

  /* With update TRUE the library waits a second for more changes; the caller has waited already. */
  spice_main_channel_update_display_enabled (self->main, 0, TRUE, FALSE);
  spice_main_channel_update_display (self->main, 0, 0, 0, self->asked_width, self->asked_height,
                                     FALSE);
  spice_main_channel_send_monitor_config (self->main);
}

void
lodge_console_session_resize (LodgeConsoleSession *self, int width, int height)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  width = CLAMP (width, WIDTH_MIN, LODGE_FRAME_SIZE_MAX);
  height = CLAMP (height, HEIGHT_MIN, LODGE_FRAME_SIZE_MAX);
  if (width == self->asked_width && height == self->asked_height)
    return;
  self->asked_width = width;
  self->asked_height = height;
  send_size (self);
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

void
lodge_console_session_drop_display (LodgeConsoleSession *self)
{
  lodge_spice_source_set_display (self->source, NULL);
  lodge_spice_source_set_cursor (self->source, NULL);
  lodge_console_session_set_flag (self, &self->can_resize, FALSE, LODGE_CONSOLE_PROP_CAN_RESIZE);
}
