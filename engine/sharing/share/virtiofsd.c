/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Becoming virtiofsd, which shares the folder by virtiofs instead.
 *
 * The lock stays with the process across exec (fcntl(2), F_SETLK), so that a later engine finds it.
 * The walls are bubblewrap's: in them there is only the folder, and what may not be written is
 * mounted so, whatever this virtiofsd knows of that. A sandbox of its own inside of them would need
 * namespaces, and capabilities in them, that nothing here needs otherwise. Its own filter of system
 * calls, which kills, stays.
 *
 * What it makes belongs to this user. A guest that may write would have it make a program that runs
 * with this user's rights, whoever on this computer starts it: virtiofsd does what it is asked, and
 * the walls' "nosuid" is true inside of them alone. So a filter is put before its own that refuses
 * every call which would set such a bit; kept bits are the kernel's to clear, as on any write.
 */
#include "sharing/share/virtiofsd.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NO_FLAGS G_MAXUINT
#define REFUSE   SCMP_ACT_ERRNO (EPERM)

/* Calls with a file's mode in them. That of mkdir() is not one: the kernel takes neither bit from
 * there (fs/namei.c, vfs_mkdir()). */
static const struct {
  int call;
  guint mode;  /* the index of the argument */
  guint flags; /* of the one that says whether there is a mode */
} calls_with_mode[] = {
    {SCMP_SYS (chmod), 1, NO_FLAGS},
    {SCMP_SYS (fchmod), 1, NO_FLAGS},
    {SCMP_SYS (fchmodat), 2, NO_FLAGS},
    /* fchmodat2(), which libseccomp knows from 2.6 on; everywhere of this number but on Alpha. */
    {452, 2, NO_FLAGS},
    {SCMP_SYS (creat), 1, NO_FLAGS},
    {SCMP_SYS (mknod), 1, NO_FLAGS},
    {SCMP_SYS (mknodat), 2, NO_FLAGS},
    {SCMP_SYS (open), 2, 1},
    {SCMP_SYS (openat), 3, 2},
};

/* What makes files, and says how where no filter looks. virtiofsd asks at its start whether there
 * is an openat2(), and does without. */
static const int hidden_calls[] = {SCMP_SYS (openat2), SCMP_SYS (io_uring_setup)};

static int
refuse_bit (scmp_filter_ctx filter, int call, guint mode, guint flags, mode_t bit)
{
  /* O_TMPFILE has O_DIRECTORY in it, which is no reason to look. */
  const guint makes[] = {O_CREAT, O_TMPFILE & ~(guint) O_DIRECTORY};
  struct scmp_arg_cmp compare[] = {{mode, SCMP_CMP_MASKED_EQ, bit, bit},
                                   {flags, SCMP_CMP_MASKED_EQ, 0, 0}};
  int result = 0;

  if (flags == NO_FLAGS)
    return seccomp_rule_add_array (filter, REFUSE, call, 1, compare);
  for (guint i = 0; i < G_N_ELEMENTS (makes) && result == 0; i++) {
    compare[1].datum_a = compare[1].datum_b = makes[i];
    result = seccomp_rule_add_array (filter, REFUSE, call, 2, compare);
  }
  return result;
}

static int
refuse_device (scmp_filter_ctx filter, int call, guint mode, mode_t kind)
{
  const struct scmp_arg_cmp compare = {mode, SCMP_CMP_MASKED_EQ, S_IFMT, kind};

  return seccomp_rule_add_array (filter, REFUSE, call, 1, &compare);
}

static int
add_rules (scmp_filter_ctx filter)
{
  int result = 0;

  for (guint i = 0; i < G_N_ELEMENTS (calls_with_mode) && result == 0; i++) {
    const int call = calls_with_mode[i].call;
    const guint mode = calls_with_mode[i].mode, flags = calls_with_mode[i].flags;

    result = refuse_bit (filter, call, mode, flags, S_ISUID);
    if (result == 0)
      result = refuse_bit (filter, call, mode, flags, S_ISGID);
  }
  for (guint i = 0; i < G_N_ELEMENTS (hidden_calls) && result == 0; i++)
    result = seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), hidden_calls[i], 0);
  /* Without capabilities there are none. */
  if (result == 0)
    result = refuse_device (filter, SCMP_SYS (mknod), 1, S_IFCHR);
  if (result == 0)
    result = refuse_device (filter, SCMP_SYS (mknod), 1, S_IFBLK);
  if (result == 0)
    result = refuse_device (filter, SCMP_SYS (mknodat), 2, S_IFCHR);
  if (result == 0)
    result = refuse_device (filter, SCMP_SYS (mknodat), 2, S_IFBLK);
  return result;
}

static gboolean
refuse_privileges (void)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  int result = filter != NULL ? add_rules (filter) : -ENOMEM;

  if (result == 0 && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    result = -errno;
  if (result == 0)
    result = seccomp_load (filter);
  if (filter != NULL)
    seccomp_release (filter);
  if (result != 0)
    g_printerr ("seccomp: %s\n", g_strerror (-result));
  return result == 0;
}

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
  if (!refuse_privileges ())
    return;
  execv (program, (char **) argv->pdata);
  g_printerr ("%s: %s\n", program, g_strerror (errno));
}
