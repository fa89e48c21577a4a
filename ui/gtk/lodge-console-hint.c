/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the console window says over a screen that is connected and yet shows nothing, or stands
 * still: why, and what can be done. The keyboard stays with the guest, which a key may wake. */
#include "gtk/lodge-console-window-private.h"

#include "gtk/lodge-screen-hint.h"

#include <glib/gi18n-lib.h>

typedef struct {
  const char *title;
  const char *sentence; /* NULL: the display's problem where it has one, or the machine's note */
  const char *button;   /* NULL: none */
  const char *action;
  const char *target; /* of the action, or NULL */
} HintRow;

static const HintRow asleep = {
    N_ ("The Guest Is Asleep"),
    N_ ("It has suspended itself to memory, and shows nothing until it is woken."), N_ ("_Wake Up"),
    "console.wake", NULL};
static const HintRow dark = {N_ ("The Guest’s Display Is Off"),
                             N_ ("The guest has switched it off, or has not switched it on yet. A "
                                 "key or the pointer may wake "
                                 "it."),
                             N_ ("Press a _Key"), "console.send-keys", "shift"};
/* Instead: QEMU takes a card whose driver passes no pictures on, and says nothing. */
static const char dark_in_3d[] =
    N_ ("The guest has switched it off, or has not switched it on yet. A key or the pointer may "
        "wake it. If it stays like this, switch 3D acceleration off in the menu: not every "
        "graphics card of a computer passes on what it draws for a guest.");
static const HintRow stopped = {N_ ("Paused"), NULL, N_ ("_Resume"), "console.resume", NULL};

static const HintRow crashed = {N_ ("The Guest Has Crashed"), NULL, N_ ("_Start Again"),
                                "console.start", NULL};

/* It is the guest's card, and that only changes with a start. */
static const HintRow not_shown = {N_ ("The Picture Cannot Be Shown"), NULL, N_ ("Switch 3D _Off"),
                                  "graphics.accelerated", NULL};
static const HintRow flat_next = {N_ ("The Picture Cannot Be Shown"),
                                  N_ ("3D acceleration is off from the guest’s next start on. Shut "
                                      "it down and start it again to see it."),
                                  N_ ("_Shut Down"), "console.shutdown", NULL};
/* It is off, and what comes is no graphics card's all the same. */
static const HintRow not_shown_here = {N_ ("The Picture Cannot Be Shown"), NULL, NULL, NULL, NULL};

static const HintRow *
choose (LodgeConsoleWindow *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);
  const char *note = machine != NULL ? lodge_machine1_get_note (machine) : NULL;

  if (lodge_console_machine_get_phase (self->machine) != LODGE_CONSOLE_SHOWN)
    return NULL;
  if (machine != NULL &&
      lodge_console_machine_get_state (self->machine) == LODGE_MACHINE_STATE_CRASHED)
    return &crashed;
  if (machine != NULL && lodge_machine1_get_asleep (machine))
    return &asleep;
  if (lodge_console_machine_get_state (self->machine) == LODGE_MACHINE_STATE_PAUSED)
    return note != NULL && *note != '\0' ? &stopped : NULL;
  if (lodge_display_get_problem (self->display) != NULL)
    return machine != NULL && lodge_console_3d_is_wanted (self) ? &not_shown
           : machine != NULL && self->flat_next                 ? &flat_next
                                                                : &not_shown_here;
  return lodge_screen_hint_is_dark (self->hint) ? &dark : NULL;
}

/* Lent. */
static const char *
get_sentence (LodgeConsoleWindow *self, const HintRow *row)
{
  if (row == &not_shown || row == &not_shown_here)
    return lodge_display_get_problem (self->display);
  if (row == &dark && lodge_console_3d_is_likely (self))
    return _ (dark_in_3d);
  return row->sentence != NULL
             ? _ (row->sentence)
             : lodge_machine1_get_note (lodge_console_machine_get_machine (self->machine));
}

static void
show (gpointer user_data)
{
  LodgeConsoleWindow *self = user_data;
  const HintRow *row = choose (self);

  lodge_screen_hint_hide (GTK_WIDGET (self->display), row == &dark);
  if (row == NULL) {
    lodge_screen_hint_show (self->hint, NULL);
    return;
  }

  const LodgeScreenHintWords words = {
      .title = _ (row->title),
      .sentence = get_sentence (self, row),
      .button = row->button != NULL ? _ (row->button) : NULL,
      .action = row->action,
      .target = row->target,
      /* What a guest wrote last is worth reading. */
      .below = row == &crashed,
  };

  lodge_screen_hint_show (self->hint, &words);
}

void
lodge_console_hint_update (LodgeConsoleWindow *self)
{
  LodgeConsoleSession *session = lodge_console_machine_get_session (self->machine);

  lodge_screen_hint_follow (self->hint,
                            session != NULL ? lodge_console_session_get_source (session) : NULL);
  show (self);
}

static void
problem_cb (LodgeConsoleWindow *self)
{
  if (self->hint != NULL)
    show (self);
}

void
lodge_console_hint_init (LodgeConsoleWindow *self)
{
  self->hint = lodge_screen_hint_new (GTK_OVERLAY (self->screen), show, self);
  g_signal_connect_object (self->display, "notify::problem", G_CALLBACK (problem_cb), self,
                           G_CONNECT_SWAPPED);
}

gboolean
lodge_console_hint_is_shown (LodgeConsoleWindow *self)
{
  return lodge_screen_hint_is_shown (self->hint);
}

void
lodge_console_hint_clear (LodgeConsoleWindow *self)
{
  g_clear_pointer (&self->hint, lodge_screen_hint_free);
}
