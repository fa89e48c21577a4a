/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench-guest: what runs in the guest whose frames are counted, as its only program. Fills a
 * band in the middle of the screen with a colour that is the frame's number, again and again, as
 * fast as the kernel takes it. No more than that, because without KVM a whole screen takes longer
 * to draw than the display does to show it.
 *
 * What is written to /dev/fb0 is damage at once, and a virtio card's driver flushes it. */
#include <fcntl.h>
#include <linux/fb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINES 64

int
main (void)
{
  struct fb_var_screeninfo screen;
  struct fb_fix_screeninfo memory;
  int fd;

  while ((fd = open ("/dev/fb0", O_RDWR)) < 0)
    usleep (100000);
  if (ioctl (fd, FBIOGET_VSCREENINFO, &screen) != 0 ||
      ioctl (fd, FBIOGET_FSCREENINFO, &memory) != 0)
    return 1;
  const size_t bytes = (size_t) memory.line_length * LINES;
  uint32_t *pixels = malloc (bytes);

  printf ("bench-guest: %ux%u\n", screen.xres, screen.yres);
  fflush (stdout);
  for (uint32_t frame = 1; pixels != NULL; frame++) {
    for (size_t i = 0; i < bytes / 4; i++)
      pixels[i] = frame;
    if (pwrite (fd, pixels, bytes, (off_t) memory.line_length * (screen.yres / 2 - LINES / 2)) < 0)
      return 1;
  }
  return 1;
}
