/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One guest's console without any toolkit: picture, sound, keyboard, pointer, and what is shared,
 * over SPICE.
 *
 * Owns: the SPICE session and its channels. Never: touches a widget, starts a process, or believes
 * a size the server sent without checking it.
 */
#pragma once

#include "console/lodge-console-address.h"
#include "console/lodge-console-clipboard.h"
#include "console/lodge-console-files.h"
#include "console/lodge-frame-source.h"
#include "console/lodge-sound.h"
#include "lodge-client.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define LODGE_TYPE_CONSOLE_SESSION (lodge_console_session_get_type ())
G_DECLARE_FINAL_TYPE (LodgeConsoleSession, lodge_console_session, LODGE, CONSOLE_SESSION, GObject)

/* Properties
 *   "connected" (boolean, read)
 *   "pointer-absolute" (boolean, read): the guest takes absolute positions now
 *   "can-resize" (boolean, read): the guest may follow the window's size
 *   "settled" (boolean, read): connected, and each channel that the server has for us has opened or
 *     failed: no further connection will be made
 *   "leds" (uint, read): bit 0 scroll, 1 num, 2 caps lock, as the guest shows them
 * Signals
 *   "disconnected" (const GError *error or NULL): the server ended it, or it could not be reached
 */

/* For tests a connected descriptor per channel takes the place of the path: see
 * lodge_console_session_new_for_open(). */
LodgeConsoleSession *lodge_console_session_new (const char *socket_path);

/* Of a server that is not one of Lodge's machines, perhaps on another computer. A server with TLS
 * has to have a certificate for its host's name by an authority that this computer trusts.
 * @ticket: (nullable): the server's password. Without one, or with a wrong one, "disconnected" has
 * %LODGE_ERROR_DENIED where it wants one. */
LodgeConsoleSession *lodge_console_session_new_for_address (const LodgeConsoleAddress *address,
                                                            const char *ticket);

/* Asked for a connected descriptor each time a channel opens; the session closes it. -1 fails. */
typedef int (*LodgeConsoleOpen) (gpointer user_data);
LodgeConsoleSession *lodge_console_session_new_for_open (LodgeConsoleOpen open_channel,
                                                         gpointer user_data);

/* Where its sound goes to and comes from; it may outlive the session and serve the next one. NULL,
 * and when nothing was set: the session has no sound. Only while it is closed. */
void lodge_console_session_set_sound (LodgeConsoleSession *self, LodgeSound *sound);

void lodge_console_session_open (LodgeConsoleSession *self);
/* What was connected ends a while later: lodge_console_session_is_ending(). */
void lodge_console_session_close (LodgeConsoleSession *self);
/* Whether the connection of any session of this program is not at its end yet: it ends step by step
 * on the default main context, without which a server, and so a guest, may crash. A GApplication is
 * held for so long by itself. At most about ten seconds, with a server that hangs. */
gboolean lodge_console_session_is_ending (void);

/* How many monitors of a guest can be shown. */
#define LODGE_CONSOLE_MONITORS 4

/* Lent: the first monitor's picture. */
LodgeFrameSource *lodge_console_session_get_source (LodgeConsoleSession *self);
/* Lent: another one's, from 0 on; empty while the guest has no such monitor. */
LodgeFrameSource *lodge_console_session_get_monitor (LodgeConsoleSession *self, guint monitor);
/* Where the engine gives the machine's frames from QEMU's own memory (lodge-frames-wire.h); NULL or
 * "": nowhere. They are sooner than SPICE's and take their place by themselves, and go by
 * themselves. Never for a server that is not one of Lodge's machines. */
void lodge_console_session_set_frames (LodgeConsoleSession *self, const char *path);
/* By which machine's engine the session's guest is given places that SPICE does not take: those of
 * a guest without an agent on several monitors. NULL: by none. */
void lodge_console_session_set_machine (LodgeConsoleSession *self, LodgeMachine1 *machine);
/* Whether somebody looks at a monitor now; nobody does at first. SPICE shows it either way. */
void lodge_console_session_show_monitor (LodgeConsoleSession *self, guint monitor, gboolean shown);
/* Lent: what is shared with the guest, and empty while there is no connection. */
LodgeConsoleClipboard *lodge_console_session_get_clipboard (LodgeConsoleSession *self);
LodgeConsoleFiles *lodge_console_session_get_files (LodgeConsoleSession *self);

/* @evdev: a Linux key code (KEY_A = 30). Presses of a key that is down already are repeats. */
void lodge_console_session_key (LodgeConsoleSession *self, guint evdev, gboolean pressed);
/* Whether it is down, or will be when what waits is sent. */
gboolean lodge_console_session_has_key (LodgeConsoleSession *self, guint evdev);
/* How many keys, clicks and other things wait until the guest's keyboard has room. */
guint lodge_console_session_get_n_waiting (LodgeConsoleSession *self);
/* Releases every key and button that is down. For focus loss, pause, closing. */
void lodge_console_session_release_all (LodgeConsoleSession *self);
/* A guest that stands still, if only for a snapshot, hears nothing (QEMU 7.2, ui/input.c:
 * qemu_input_event_send()). When it goes on it is told once more of what was let go of. */
void lodge_console_session_set_still (LodgeConsoleSession *self, gboolean still);
/* Makes the guest's locks equal to the host's; bits as in "leds". Sends only differences. */
void lodge_console_session_sync_locks (LodgeConsoleSession *self, guint leds);

/* Buttons as a bit each. */
typedef enum {
  LODGE_BUTTON_LEFT = 1 << 0,
  LODGE_BUTTON_MIDDLE = 1 << 1,
  LODGE_BUTTON_RIGHT = 1 << 2,
  LODGE_BUTTON_SIDE = 1 << 3,
  LODGE_BUTTON_EXTRA = 1 << 4,
} LodgeButton;

/* In guest pixels; clamped to the frame. */
void lodge_console_session_position (LodgeConsoleSession *self, int x, int y);
/* The same on any monitor. */
void lodge_console_session_position_on (LodgeConsoleSession *self, guint monitor, int x, int y);
void lodge_console_session_motion (LodgeConsoleSession *self, int dx, int dy);
void lodge_console_session_button (LodgeConsoleSession *self, LodgeButton button, gboolean pressed);
/* Whole notches, positive is down. */
void lodge_console_session_wheel (LodgeConsoleSession *self, int notches);
/* The same, positive is to the right. No device that guests have turns that way, so it is Shift and
 * the wheel, which most programs take for it. */
void lodge_console_session_wheel_sideways (LodgeConsoleSession *self, int notches);

/* Asks the guest to take this size; nothing is sent when it is the last one asked for. The caller
 * debounces. */
void lodge_console_session_resize (LodgeConsoleSession *self, int width, int height);
/* The same for any monitor, which is switched on by that; 0 by 0 switches it off again, but for the
 * first. They are side by side in their order. */
void lodge_console_session_resize_monitor (LodgeConsoleSession *self,
                                           guint monitor,
                                           int width,
                                           int height);
/* Whether a monitor shall keep the size that was asked for; else it is the guest's own business,
 * and what others are asked for does not change it. TRUE at first. */
void lodge_console_session_set_follows (LodgeConsoleSession *self, guint monitor, gboolean follows);

G_END_DECLS
