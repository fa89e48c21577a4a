/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-standstill MEMORY OFFSET: how long a guest stood still at a time, at most, from when this
 * begins ("ready") to the end of its input, in microseconds. The guest counts at OFFSET of its
 * memory, which is looked at in the file that QEMU has it in: nothing asks QEMU, or the guest. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOOK_US 300

int
main (int argc, char *argv[])
{
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  gint64 since, longest = 0;
  volatile const guint32 *count;
  guint32 last;
  off_t offset;
  int fd;

  if (argc != 3 || (fd = open (argv[1], O_RDONLY | O_CLOEXEC)) < 0) {
    g_printerr ("bench-standstill: %s: %s\n", argv[argc - 1], g_strerror (errno));
    return 1;
  }
  offset = (off_t) g_ascii_strtoull (argv[2], NULL, 0);
  count = mmap (NULL, 4096, PROT_READ, MAP_SHARED, fd, offset);
  if (count == MAP_FAILED) {
    g_printerr ("bench-standstill: mmap: %s\n", g_strerror (errno));
    return 1;
  }
  puts ("ready");
  fflush (stdout);
  last = *count;
  since = g_get_monotonic_time ();
  while (poll (&input, 1, 0) == 0) {
    gint64 now = g_get_monotonic_time ();
    guint32 value = *count;

    longest = MAX (longest, now - since);
    if (value != last) {
      last = value;
      since = now;
    }
    g_usleep (LOOK_US);
  }
  printf ("%" G_GINT64_FORMAT "\n", longest);
  return 0;
}
