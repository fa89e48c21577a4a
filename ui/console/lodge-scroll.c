/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See lodge-scroll.h. */
#include "console/lodge-scroll.h"

#include <math.h>

/* Returns: the whole notches. */
static int
add (double *rest, double delta)
{
  /* A turn the other way does not first undo what was left of the last one. */
  if (delta * *rest < 0)
    *rest = 0;
  *rest += delta;
  const int notches = (int) trunc (CLAMP (*rest, -1000, 1000));
  *rest -= notches;
  return notches;
}

void
lodge_scroll_turn (LodgeScroll *self, LodgeConsoleSession *session, double dx, double dy)
{
  /* Fingers that go up or down never go quite straight: what is to the side must be meant. */
  const gboolean sideways = fabs (dx) > 2 * fabs (dy);
  const int notches = sideways ? add (&self->sideways, dx) : add (&self->down, dy);

  if (notches == 0)
    return;
  if (sideways)
    lodge_console_session_wheel_sideways (session, notches);
  else
    lodge_console_session_wheel (session, notches);
}
