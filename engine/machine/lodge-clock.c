/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What time it is. */
#include "machine/lodge-clock.h"

#include <string.h>
#include <sys/timex.h>
#include <time.h>

void (*lodge_clock_hook) (LodgeClock *out_clock) = NULL;

static const char *
get_boot (void)
{
  static char *boot = NULL;

  if (g_once_init_enter (&boot)) {
    char *text = NULL;

    if (!g_file_get_contents ("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
      text = g_strdup ("");
    g_once_init_leave (&boot, g_strstrip (text));
  }
  return boot;
}

void
lodge_clock_read (LodgeClock *out_clock)
{
  struct timespec elapsed = {0};
  struct timex kernel = {0};

  if (lodge_clock_hook != NULL) {
    lodge_clock_hook (out_clock);
    return;
  }
  /* clock_getres(2): unlike GLib's monotonic time it goes on while the computer sleeps. */
  clock_gettime (CLOCK_BOOTTIME, &elapsed);
  out_clock->elapsed_s = elapsed.tv_sec;
  out_clock->wall_s = g_get_real_time () / G_USEC_PER_SEC;
  /* adjtimex(2): nothing is changed; an error, as in a sandbox, is a clock that follows nobody. */
  out_clock->synchronized = adjtimex (&kernel) >= 0 && (kernel.status & STA_UNSYNC) == 0;
  g_strlcpy (out_clock->boot, get_boot (), sizeof out_clock->boot);
}
