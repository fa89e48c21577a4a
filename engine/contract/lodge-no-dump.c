/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program that has had a passphrase or a key in its memory leaves none of it on the disk when it
 * crashes.
 *
 * A limit of no bytes is what core(5) asks for files, and what the usual handlers of crashes (those
 * of systemd and apport) keep to, although the kernel still gives them the memory. PR_SET_DUMPABLE
 * (prctl(2)) makes it give none. That also makes the files of /proc/PID root's and closes those to
 * others which ptrace(2) could read; the process itself may still read its own, and exec undoes it,
 * so neither the engine, which looks into the /proc of what it has started, nor bubblewrap's
 * namespaces mind.
 */
#include "lodge-no-dump.h"

#include <sys/prctl.h>
#include <sys/resource.h>

void
lodge_no_dump_files (void)
{
  const struct rlimit none = {0, 0};

  /* Lowering a limit is never refused. */
  (void) setrlimit (RLIMIT_CORE, &none);
}

void
lodge_no_dump (void)
{
  lodge_no_dump_files ();
  (void) prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
}
