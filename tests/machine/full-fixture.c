/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See full-fixture.h. */
#include "full-fixture.h"

#include "lodge-error.h"
#include "machine/lodge-journal-private.h"
#include "test-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* More than anything has. */
#define MOST_STEPS 200
#define PAGE       4096
/* More than anything needs. */
#define ALL_BYTES (G_GUINT64_CONSTANT (1) << 32)

static struct rlimit before;
static char *mounted;
static gint steps_left;

static gboolean
write_text (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean written = fd >= 0 && write (fd, text, strlen (text)) == (gssize) strlen (text);

  if (fd >= 0)
    close (fd);
  return written;
}

/* Whoever is not root is who he is in his own, too. user_namespaces(7): a group is mapped where
 * none can be given up. */
static gboolean
enter_namespace (void)
{
  g_autofree char *users = g_strdup_printf ("%u %u 1", (guint) geteuid (), (guint) geteuid ());
  g_autofree char *groups = g_strdup_printf ("%u %u 1", (guint) getegid (), (guint) getegid ());

  if (unshare (CLONE_NEWNS) != 0 &&
      (unshare (CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_text ("/proc/self/uid_map", users) ||
       !write_text ("/proc/self/setgroups", "deny") || !write_text ("/proc/self/gid_map", groups)))
    return FALSE;
  return mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

gboolean
full_fixture_init (gboolean own)
{
  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &before));
  /* A file that would become too large is an error, and no end of the process. */
  signal (SIGXFSZ, SIG_IGN);
  return !own || enter_namespace ();
}

static void
remount (guint64 bytes)
{
  g_autofree char *size = g_strdup_printf ("size=%" G_GUINT64_FORMAT, bytes);

  g_assert_no_errno (mount ("tmpfs", mounted, "tmpfs", MS_REMOUNT, size));
}

static guint64 n_in_files;

static int
add_bytes (const char *path, const struct stat *info, int type, struct FTW *where)
{
  n_in_files += (guint64) info->st_blocks * 512;
  return 0;
}

static guint64
count_taken (void)
{
  struct statvfs info;

  g_assert_no_errno (statvfs (mounted, &info));
  return (info.f_blocks - info.f_bfree) * info.f_frsize;
}

/* What was removed is there until the last program that was walled in with it is gone wholly. */
static gboolean
is_settled (void)
{
  n_in_files = 0;
  nftw (mounted, add_bytes, 16, FTW_PHYS);
  return count_taken () <= n_in_files;
}

/* Beside what is taken. */
static void
set_room (guint64 bytes)
{
  struct rlimit limit = before;

  if (mounted == NULL) {
    if (bytes < ALL_BYTES)
      limit.rlim_cur = bytes;
    g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &limit));
    return;
  }
  if (bytes >= ALL_BYTES) {
    remount (ALL_BYTES);
    return;
  }
  for (;;) {
    g_autofree char *size =
        g_strdup_printf ("size=%" G_GUINT64_FORMAT, MAX (count_taken () + bytes, PAGE));

    if (mount ("tmpfs", mounted, "tmpfs", MS_REMOUNT, size) == 0)
      return;
    /* Somebody has written since it was counted. */
    g_assert_cmpint (errno, ==, EINVAL);
  }
}

static void
step_cb (const char *step)
{
  if (g_atomic_int_dec_and_test (&steps_left))
    set_room (0);
}

void
full_fixture_set_up (MachineFixture *self, gconstpointer data)
{
  machine_fixture_set_up (self, NULL);
  machine_fixture_close_library (self);
  mounted = g_build_filename (self->folder, "data", NULL);
  test_folder_remove (mounted);
  g_assert_no_errno (g_mkdir (mounted, 0700));
  g_assert_no_errno (mount ("tmpfs", mounted, "tmpfs", 0, "mode=700,size=4g"));
  machine_fixture_open_library (self);
}

void
full_fixture_tear_down (MachineFixture *self, gconstpointer data)
{
  g_autofree char *folder = g_strdup (self->folder);

  /* All but what something is mounted on. */
  machine_fixture_tear_down (self, NULL);
  /* The namespace of the last program that was walled in may still have it. */
  g_assert_no_errno (umount2 (mounted, MNT_DETACH));
  g_clear_pointer (&mounted, g_free);
  test_folder_remove (folder);
}

static const GError *
run (MachineFixture *self, LodgeMachine *machine, FullBegin begin)
{
  LodgeJob *job = begin (self, machine);

  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  machine_fixture_wait_jobs (self);
  lodge_journal_step_hook = NULL;
  set_room (ALL_BYTES);
  return lodge_job_get_error (job);
}

const GError *
full_fixture_run (MachineFixture *self, LodgeMachine *machine, FullBegin begin, guint step)
{
  if (mounted != NULL)
    test_wait_polled (is_settled ());
  g_atomic_int_set (&steps_left, (gint) step);
  lodge_journal_step_hook = step_cb;
  if (step == 0)
    set_room (0);
  return run (self, machine, begin);
}

void
full_fixture_assert_told (const GError *error)
{
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);
  g_assert_null (strchr (error->message, '\n'));
  /* What was to be done, and nothing that only we know. */
  g_assert_nonnull (strstr (error->message, "“"));
  g_assert_null (strstr (error->message, "/."));
  g_assert_true (strstr (error->message, "room") != NULL ||
                 strstr (error->message, "full") != NULL);
}

guint
full_fixture_get_stride (guint few)
{
  return g_getenv ("LODGE_TEST_CRASHES") != NULL ? 1 : few;
}

guint
full_fixture_try_steps (MachineFixture *self,
                        LodgeMachine **machine,
                        FullBegin begin,
                        FullLook look)
{
  guint n_failed = 0;
  const GError *error;

  for (guint step = 0; (error = full_fixture_run (self, *machine, begin, step)) != NULL;
       step += full_fixture_get_stride (2)) {
    g_test_message ("full after %u steps: %s", step, error->message);
    full_fixture_assert_told (error);
    *machine = look (self, *machine);
    n_failed++;
    g_assert_cmpuint (step, <, MOST_STEPS);
  }
  g_assert_cmpuint (n_failed, >, 0);
  return n_failed;
}

guint
full_fixture_try_sizes (MachineFixture *self,
                        LodgeMachine **machine,
                        FullBegin begin,
                        FullLook look)
{
  const gboolean few = full_fixture_get_stride (2) > 1;
  guint n_failed = 0;
  const GError *error;

  g_assert_nonnull (mounted);
  for (guint64 n_pages = 0;; n_pages += MAX (n_pages / (few ? 1 : 8), 1)) {
    test_wait_polled (is_settled ());
    set_room (n_pages * PAGE);
    error = run (self, *machine, begin);
    if (error == NULL)
      break;
    g_test_message ("room for %u pages: %s", (guint) n_pages, error->message);
    full_fixture_assert_told (error);
    *machine = look (self, *machine);
    n_failed++;
    g_assert_cmpuint (n_pages * PAGE, <, ALL_BYTES);
  }
  g_assert_cmpuint (n_failed, >, 0);
  return n_failed;
}
