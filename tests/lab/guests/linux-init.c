/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first and only process of a Linux guest: loads the drivers of its disk, writes on it what the
 * kernel and the processor say of where they run, and powers off.
 *
 * The finding is one line of text in the disk's second sector, which a test reads afterwards.
 */
#include <cpuid.h>
#include <fcntl.h>
#include <linux/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SECTOR         512
#define READ_ALL       3 /* syslog(2) */
#define DISK_TRIES     1000
#define DISK_PAUSE_US  20000
#define HYPERVISOR_BIT (1U << 31)

/* The list has one path a line, in the order in which they need each other. */
static void
load_modules (void)
{
  char path[256];
  FILE *list = fopen ("/modules/list", "re");

  while (list != NULL && fgets (path, sizeof path, list) != NULL) {
    int fd;

    path[strcspn (path, "\n")] = '\0';
    fd = open (path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || syscall (SYS_finit_module, fd, "",
                           strstr (path, ".ko.") != NULL ? MODULE_INIT_COMPRESSED_FILE : 0) != 0)
      perror (path);
    if (fd >= 0)
      close (fd);
  }
  if (list != NULL)
    fclose (list);
}

static int
open_disk (void)
{
  for (int i = 0; i < DISK_TRIES; i++) {
    int fd = open ("/dev/vda", O_WRONLY | O_SYNC | O_CLOEXEC);

    if (fd >= 0)
      return fd;
    usleep (DISK_PAUSE_US); /* the driver looks for it in the background */
  }
  return -1;
}

/* The processor's word: the signature in CPUID 0x40000000. */
static void
get_signature (char signature[13])
{
  unsigned int a, b, c, d, words[3];

  strcpy (signature, "none");
  if (!__get_cpuid (1, &a, &b, &c, &d) || (c & HYPERVISOR_BIT) == 0)
    return;
  __cpuid (0x40000000, a, words[0], words[1], words[2]);
  memcpy (signature, words, sizeof words);
  signature[12] = '\0';
}

/* The kernel's word: what it printed behind “Hypervisor detected:”. */
static void
get_detected (char *detected, size_t size)
{
  static char log[1 << 20];
  int length = klogctl (READ_ALL, log, sizeof log - 1);
  const char *found;

  log[length > 0 ? length : 0] = '\0';
  found = strstr (log, "Hypervisor detected: ");
  snprintf (detected, size, "%.*s", found != NULL ? (int) strcspn (found + 21, "\n") : 4,
            found != NULL ? found + 21 : "none");
}

int
main (void)
{
  char sector[SECTOR] = "", signature[13], detected[64];
  struct utsname names;
  int disk;

  mkdir ("/dev", 0755);
  mount ("dev", "/dev", "devtmpfs", 0, NULL);
  load_modules ();
  get_signature (signature);
  get_detected (detected, sizeof detected);
  uname (&names);
  snprintf (sector, sizeof sector, "signature=%s detected=%s kernel=%s\n", signature, detected,
            names.release);
  disk = open_disk ();
  if (disk < 0 || pwrite (disk, sector, sizeof sector, SECTOR) != sizeof sector)
    perror ("/dev/vda");
  reboot (RB_POWER_OFF);
  return EXIT_FAILURE;
}
