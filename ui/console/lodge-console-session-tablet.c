/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console session's way to a guest's tablet past SPICE.
 *
 * libspice-server takes places for the tablet only where there is one display channel (reds.cpp:
 * reds_update_mouse_mode()). A virtio card has one for each monitor, and without an agent, in an
 * installer or a Windows as it comes, there was motion only. QEMU itself takes them: the engine
 * gives them to it.
 *
 * Whether the guest has a driver for its tablet is asked now and then, as nobody tells of it.
 * Places, buttons and the wheel all go this way while it has, because what goes two ways loses its
 * order. One call is on its way at a time: of places that come meanwhile the last counts.
 */
#include "console/lodge-console-session-private.h"

#include "console/lodge-frame-message.h"
#include "lodge-error.h"
#include "lodge-pointer-limits.h"

/* While a user begins with an installer, or waits for one; each time it is one call. */
#define ASK_PAUSE_MS 1000

/* What cannot be given away as fast as it comes. */
#define WAITING_MAX 4096

typedef struct {
  guint x;
  guint y;
  guint buttons;
  int notches;
  gboolean moves; /* and nothing else: it becomes one with the next of those */
} State;

struct _LodgeConsoleTablet {
  LodgeMachine1 *machine;
  GCancellable *cancellable; /* of what is asked and told for this connection */
  guint ask_id;
  gboolean asking;
  gboolean absolute; /* the guest has a driver for it */
  gboolean calling;
  State last;     /* told, or waiting */
  GQueue waiting; /* of State */
};

static void call_next (LodgeConsoleSession *self);

gboolean
lodge_console_session_uses_tablet (LodgeConsoleSession *self)
{
  return self->tablet != NULL && self->tablet->absolute;
}

/* ---- telling */

static void
told_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleSession) self = user_data;
  g_autoptr (GError) error = NULL;
  const gboolean told = lodge_machine1_call_point_finish (LODGE_MACHINE1 (source), result, &error);

  /* It is for a connection that is no more. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->tablet == NULL)
    return;
  self->tablet->calling = FALSE;
  /* A guest that stands still, or is off. What it does not hear of now is of no use to it later. */
  if (!told)
    g_queue_clear_full (&self->tablet->waiting, g_free);
  call_next (self);
}

static void
call_next (LodgeConsoleSession *self)
{
  LodgeConsoleTablet *tablet = self->tablet;
  g_autofree State *next = NULL;

  if (tablet->calling || (next = g_queue_pop_head (&tablet->waiting)) == NULL)
    return;
  tablet->calling = TRUE;
  lodge_machine1_call_point (tablet->machine, next->x, next->y, next->buttons, next->notches,
                             tablet->cancellable, told_cb, g_object_ref (self));
}

static void
tell (LodgeConsoleSession *self, State next)
{
  LodgeConsoleTablet *tablet = self->tablet;
  State *waiting = g_queue_peek_tail (&tablet->waiting);
  const gboolean lets_go = (tablet->last.buttons & ~next.buttons) != 0;

  tablet->last = next;
  tablet->last.notches = 0;
  if (waiting != NULL && waiting->moves && next.moves)
    *waiting = next;
  /* Never what lets go: the button would stay down. */
  else if (g_queue_get_length (&tablet->waiting) < WAITING_MAX || lets_go)
    g_queue_push_tail (&tablet->waiting, g_memdup2 (&next, sizeof next));
  call_next (self);
}

/* In the middle of that pixel. */
static guint
to_axis (int place, int size)
{
  return (guint) ((2 * (gint64) place + 1) * LODGE_POINTER_MAX / (2 * (gint64) size));
}

/* A guest lays its tablet over all that it shows, and its monitors are side by side in their order
 * until its user arranges them otherwise; which is one that has an agent by then. */
void
lodge_console_session_tablet_position (LodgeConsoleSession *self, guint monitor, int x, int y)
{
  State next = self->tablet->last;
  int width = 0, height = 0;

  for (guint i = 0; i < LODGE_CONSOLE_MONITORS; i++) {
    LodgeFrame frame;

    lodge_frame_source_get_frame (LODGE_FRAME_SOURCE (self->choosers[i]), &frame);
    /* One that is off may have a picture all the same, in which its card says so. */
    if (frame.width < 1 || (i > 0 && i != monitor && lodge_frame_is_message (&frame)))
      continue;
    if (i < monitor)
      x += frame.width;
    width += frame.width;
    height = MAX (height, frame.height);
  }
  if (x >= width || y >= height)
    return;
  next.x = to_axis (x, width);
  next.y = to_axis (y, height);
  next.moves = TRUE;
  tell (self, next);
}

void
lodge_console_session_tablet_buttons (LodgeConsoleSession *self, guint buttons)
{
  State next = self->tablet->last;

  next.buttons = buttons; /* they are the contract's, too */
  next.moves = FALSE;
  tell (self, next);
}

void
lodge_console_session_tablet_wheel (LodgeConsoleSession *self, int notches)
{
  State next = self->tablet->last;

  next.notches = CLAMP (notches, -LODGE_POINTER_NOTCHES, LODGE_POINTER_NOTCHES);
  next.moves = FALSE;
  tell (self, next);
}

/* ---- asking */

static gboolean
is_of_use (LodgeConsoleSession *self)
{
  int mode = SPICE_MOUSE_MODE_CLIENT;

  if (self->tablet == NULL || !self->connected || self->own_displays == 0)
    return FALSE;
  g_object_get (self->main, "mouse-mode", &mode, NULL);
  return mode != SPICE_MOUSE_MODE_CLIENT;
}

/* No button stays down in the guest: as libspice-server does when a client leaves. */
static void
let_go (LodgeConsoleTablet *self)
{
  if (self->absolute && (self->calling || self->last.buttons != 0))
    lodge_machine1_call_point (self->machine, self->last.x, self->last.y, 0, 0, NULL, NULL, NULL);
  g_queue_clear_full (&self->waiting, g_free);
  self->last = (State){0};
}

static void
set_absolute (LodgeConsoleSession *self, gboolean absolute)
{
  if (self->tablet->absolute == absolute)
    return;
  let_go (self->tablet);
  self->tablet->absolute = absolute;
  /* One that is held stays so. */
  if (absolute)
    self->tablet->last.buttons = self->buttons_sent;
  lodge_console_session_update_mouse_mode (self);
}

static void
asked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleSession) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean absolute = FALSE;

  lodge_machine1_call_is_pointer_absolute_finish (LODGE_MACHINE1 (source), &absolute, result,
                                                  &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->tablet == NULL)
    return;
  self->tablet->asking = FALSE;
  if (is_of_use (self))
    /* A guest that stands still has the driver that it had. */
    set_absolute (self, error == NULL
                            ? absolute
                            : self->tablet->absolute &&
                                  g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STATE));
}

static void
ask (LodgeConsoleSession *self)
{
  LodgeConsoleTablet *tablet = self->tablet;

  if (tablet->asking)
    return;
  tablet->asking = TRUE;
  lodge_machine1_call_is_pointer_absolute (tablet->machine, tablet->cancellable, asked_cb,
                                           g_object_ref (self));
}

static gboolean
ask_again_cb (gpointer user_data)
{
  ask (user_data);
  return G_SOURCE_CONTINUE;
}

void
lodge_console_session_update_tablet (LodgeConsoleSession *self)
{
  LodgeConsoleTablet *tablet = self->tablet;

  if (tablet == NULL)
    return;
  if (!is_of_use (self)) {
    g_clear_handle_id (&tablet->ask_id, g_source_remove);
    set_absolute (self, FALSE);
  } else if (tablet->ask_id == 0) {
    tablet->ask_id = g_timeout_add (ASK_PAUSE_MS, ask_again_cb, self);
    ask (self);
  }
}

/* ---- life */

void
lodge_console_session_drop_tablet (LodgeConsoleSession *self)
{
  LodgeConsoleTablet *tablet = self->tablet;

  if (tablet == NULL)
    return;
  let_go (tablet);
  g_clear_handle_id (&tablet->ask_id, g_source_remove);
  g_cancellable_cancel (tablet->cancellable);
  g_object_unref (tablet->cancellable);
  tablet->cancellable = g_cancellable_new ();
  tablet->asking = tablet->calling = tablet->absolute = FALSE;
}

void
lodge_console_session_set_machine (LodgeConsoleSession *self, LodgeMachine1 *machine)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));
  g_return_if_fail (self->address == NULL);

  if (machine == (self->tablet != NULL ? self->tablet->machine : NULL))
    return;
  lodge_console_session_drop_tablet (self);
  if (self->tablet != NULL) {
    g_object_unref (self->tablet->cancellable);
    g_object_unref (self->tablet->machine);
    g_clear_pointer (&self->tablet, g_free);
  }
  if (machine != NULL) {
    self->tablet = g_new0 (LodgeConsoleTablet, 1);
    self->tablet->machine = g_object_ref (machine);
    self->tablet->cancellable = g_cancellable_new ();
    g_queue_init (&self->tablet->waiting);
  }
  lodge_console_session_update_mouse_mode (self);
}
