/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Becoming virtiofsd, which shares the folder by virtiofs instead.
 *
 * The lock stays with the process across exec (fcntl(2), F_SETLK), so that a later engine finds it.
 * The walls are bubblewrap's: in them there is only the folder, and what may not be written is
 * mounted so, whatever this virtiofsd knows of that. A sandbox of its own inside of them would need
 * namespaces, and capabilities in them, that nothing here needs otherwise. Its own filter of system
 * calls, which kills, stays.
 */
#include "sharing/share/virtiofsd.h"

#include <errno.h>
#include <unistd.h>

void
share_virtiofsd_become (const char *program, int wire, const char *folder, gboolean squash)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (argv, g_strdup (program));
  g_ptr_array_add (argv, g_strdup_printf ("--fd=%d", wire));
  g_ptr_array_add (argv, g_strdup_printf ("--shared-dir=%s", folder));
  g_ptr_array_add (argv, g_strdup ("--sandbox=none"));
  g_ptr_array_add (argv, g_strdup ("--seccomp=kill"));
  /* What a guest does wrong is not worth a line. */
  g_ptr_array_add (argv, g_strdup ("--log-level=error"));
  /* It may be nobody else, so whoever writes in the guest, its root included, is this user here. */
  if (squash) {
    g_ptr_array_add (argv, g_strdup_printf ("--translate-uid=squash-guest:0:%u:%u",
                                            (guint) geteuid (), G_MAXUINT32));
    g_ptr_array_add (argv, g_strdup_printf ("--translate-gid=squash-guest:0:%u:%u",
                                            (guint) getegid (), G_MAXUINT32));
  }
  g_ptr_array_add (argv, NULL);
  execv (program, (char **) argv->pdata);
  g_printerr ("%s: %s\n", program, g_strerror (errno));
}
