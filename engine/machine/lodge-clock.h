/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What time it is, for what is to happen at some time of the day. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gint64 wall_s;    /* since 1970; jumps when somebody sets the clock */
  gint64 elapsed_s; /* since some moment of the past, also while the computer slept; never jumps */
  gboolean synchronized; /* the kernel's clock follows a time server */
  char boot[40];         /* of which run of the computer that is, or "" */
} LodgeClock;

void lodge_clock_read (LodgeClock *out_clock);

/* For tests: called, where it is set, instead. */
extern void (*lodge_clock_hook) (LodgeClock *out_clock);

G_END_DECLS
