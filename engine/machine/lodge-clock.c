/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What time it is. */
#include "machine/lodge-clock.h"

#include <time.h>

void (*lodge_clock_hook) (LodgeClock *out_clock) = NULL;

void
lodge_clock_read (LodgeClock *out_clock)
{
  struct timespec elapsed = {0};

  if (lodge_clock_hook != NULL) {
    lodge_clock_hook (out_clock);
    return;
  }
  /* clock_getres(2): unlike GLib's monotonic time it goes on while the computer sleeps. */
  clock_gettime (CLOCK_BOOTTIME, &elapsed);
  out_clock->elapsed_s = elapsed.tv_sec;
  out_clock->wall_s = g_get_real_time () / G_USEC_PER_SEC;
}
