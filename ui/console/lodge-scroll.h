/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wheels and touchpads that turn in fractions, for guests whose wheels turn in notches. */
#pragma once

#include "console/lodge-console-session.h"

G_BEGIN_DECLS

/* All zero at first: what was turned, and is no notch yet. */
typedef struct {
  double sideways;
  double down;
} LodgeScroll;

/* In notches; positive is to the right, and down. @session gets the whole ones that this makes with
 * what was left of the last ones: of the two directions the one that is meant. */
void lodge_scroll_turn (LodgeScroll *self, LodgeConsoleSession *session, double dx, double dy);

G_END_DECLS
