/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder that a machine shares with its guest, seen from the engine: starting the process,
 * finding it again, ending it.
 *
 * Never: owns the process, which outlives the engine; speaks with it.
 */
#include "sharing/lodge-shared-folder.h"

#include "lodge-error.h"
#include "lodge-paths.h"
#include "qemu/lodge-launch.h"
#include "qemu/lodge-unix-socket.h"
#include "sharing/lodge-shared-folder-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM   "lodge-share"
#define VIRTIOFSD "virtiofsd"
#define LOCK      "share.lock"
/* Of the lock's text: a word and a path. */
#define MAX_TEXT_BYTES 8192

/* What the lock's text begins with. */
static const struct {
  const char *word;
  gboolean writable;
  gboolean virtiofs;
} ways[] = {
    {"read-only\n", FALSE, FALSE},
    {"writable\n", TRUE, FALSE},
    {"virtiofs read-only\n", FALSE, TRUE},
    {"virtiofs writable\n", TRUE, TRUE},
};

struct _LodgeSharedFolder {
  GObject parent_instance;

  char *path;
  gboolean writable;
  gboolean virtiofs;
  dev_t device; /* of the folder, which it is known by */
  ino_t inode;
  GPid pid;  /* of our child until it is reaped, else 0 */
  int pidfd; /* of one that an earlier engine started, else -1 */
  gboolean closed;
};

G_DEFINE_FINAL_TYPE (LodgeSharedFolder, lodge_shared_folder, G_TYPE_OBJECT)

/* Also when the object is gone by then, as that reaps the process. */
static void
gone_cb (GPid pid, int status, gpointer user_data)
{
  GWeakRef *reference = user_data;
  g_autoptr (LodgeSharedFolder) self = g_weak_ref_get (reference);

  g_weak_ref_clear (reference);
  g_free (reference);
  if (self == NULL || self->closed)
    return;
  self->pid = 0;
  self->closed = TRUE;
  g_signal_emit_by_name (self, "closed");
}

/* %FALSE: it is gone already. */
static gboolean
watch (LodgeSharedFolder *self, GPid pid)
{
  GWeakRef *reference = g_new0 (GWeakRef, 1);

  g_weak_ref_init (reference, self);
  if (lodge_launch_watch (pid, gone_cb, reference) != 0)
    return TRUE;
  g_weak_ref_clear (reference);
  g_free (reference);
  return FALSE;
}

static LodgeSharedFolder *
new_for (const char *path, gboolean writable, gboolean virtiofs)
{
  LodgeSharedFolder *self = g_object_new (LODGE_TYPE_SHARED_FOLDER, NULL);

  self->path = g_strdup (path);
  self->writable = writable;
  self->virtiofs = virtiofs;
  return self;
}

/* -1 with errno. A machine's folder may come from somebody else: links are not followed. */
static int
open_lock (const char *machine_folder, int flags)
{
  g_autofree char *path = g_build_filename (machine_folder, LOCK, NULL);
  int fd = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags, 0600);
  struct stat info;

  if (fd >= 0 && (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))) {
    close (fd);
    errno = EINVAL;
    return -1;
  }
  return fd;
}

/* --- Starting --- */

/* What is at the path could be a link by now, made by a QEMU that a guest has taken over: whatever
 * answers, it has to be that QEMU. */
static int
connect_to_qemu (const char *runtime_folder, GPid qemu, GError **error)
{
  g_autofree char *path = g_build_filename (runtime_folder, LODGE_SHARED_FOLDER_SOCKET, NULL);
  int saved = 0;
  g_autoptr (GSocket) connection = lodge_unix_socket_connect (path, &saved);
  struct ucred peer = {0};
  socklen_t size = sizeof peer;
  int fd = -1;

  if (connection != NULL) {
    if (getsockopt (g_socket_get_fd (connection), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        peer.pid != qemu)
      saved = EPERM;
    else
      fd = fcntl (g_socket_get_fd (connection), F_DUPFD_CLOEXEC, 3);
    if (fd >= 0)
      return fd;
    saved = saved != 0 ? saved : errno;
  }
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
               _ ("Could not connect to the socket %s of QEMU: %s"), path, g_strerror (saved));
  return -1;
}

static int
make_lock (const char *machine_folder,
           const char *path,
           gboolean writable,
           gboolean virtiofs,
           GError **error)
{
  const guint way = (virtiofs ? 2 : 0) + (writable ? 1 : 0);
  g_autofree char *text = g_strconcat (ways[way].word, path, NULL);
  const gsize length = strlen (text);
  int fd = open_lock (machine_folder, O_CREAT);

  if (fd >= 0)
    errno = 0;
  /* What was there is cut off last: who cannot write leaves it, and who looks meanwhile reads up to
   * the byte behind the text. */
  if (fd >= 0 && pwrite (fd, text, length + 1, 0) == (gssize) length + 1 &&
      ftruncate (fd, (off_t) length) == 0)
    return fd;
  if (errno == 0)
    errno = ENOSPC;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE, _ ("Could not write %s/%s: %s"),
               machine_folder, LOCK, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}

LodgeCommand *
lodge_shared_folder_new_command (int wire,
                                 int lock,
                                 const char *real,
                                 const struct stat *info,
                                 gboolean writable,
                                 const LodgeVirtiofsd *virtiofsd)
{
  g_autofree char *program = lodge_paths_dup_helper (PROGRAM);
  LodgeCommand *command = lodge_command_new (program);

  lodge_command_addf (command, "the guest, through QEMU", "--wire", "%d",
                      lodge_command_take_fd (command, wire));
  lodge_command_addf (command, "a later engine finds it by this", "--lock", "%d",
                      lodge_command_take_fd (command, lock));
  lodge_command_add (command, "all that it sees of the user's", "--folder", real);
  /* bubblewrap takes a path, and what is there may be another folder by then. (A descriptor of the
   * folder would lead out of the walls, by its "..".) */
  lodge_command_addf (command, "the folder that was checked, and no other", "--identity",
                      "%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64) info->st_dev,
                      (guint64) info->st_ino);
  if (writable)
    lodge_command_add (command, "the guest may change files", "--writable", NULL);
  if (virtiofsd != NULL) {
    lodge_command_add (command, "it is shared by virtiofs", "--virtiofsd", virtiofsd->path);
    if (virtiofsd->squash)
      lodge_command_add (command, "the guest's users are one here", "--squash", NULL);
    lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, virtiofsd->path);
  }
  lodge_command_bind (
      command, writable ? LODGE_COMMAND_BIND_READ_WRITE : LODGE_COMMAND_BIND_READ_ONLY, real);
  return command;
}

/* Without @virtiofsd @wire is connected to QEMU and taken, also on an error; else it is what QEMU
 * is to have. */
static LodgeSharedFolder *
start (const char *path,
       gboolean writable,
       const LodgeVirtiofsd *virtiofsd,
       const char *machine_folder,
       const char *unit,
       int wire,
       const char *real,
       const struct stat *info,
       GError **error)
{
  g_autofree char *log = g_build_filename (machine_folder, "share.log", NULL);
  g_autoptr (LodgeCommand) command = NULL;
  g_autoptr (LodgeSharedFolder) self = NULL;
  int lock = make_lock (machine_folder, path, writable, virtiofsd != NULL, error);

  if (lock < 0) {
    close (wire);
    return NULL;
  }
  command = lodge_shared_folder_new_command (wire, lock, real, info, writable, virtiofsd);
  self = new_for (path, writable, virtiofsd != NULL);
  self->device = info->st_dev;
  self->inode = info->st_ino;
  self->pid = lodge_launch (
      command, LODGE_LAUNCH_CONTAINED | (virtiofsd != NULL ? LODGE_LAUNCH_NOT_ROOT : 0), unit, log,
      error);
  if (self->pid < 0) {
    self->pid = 0;
    return NULL;
  }
  if (!watch (self, self->pid)) {
    self->pid = 0;
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not start %s: it has ended"),
                 virtiofsd != NULL ? VIRTIOFSD : PROGRAM);
    return NULL;
  }
  return g_steal_pointer (&self);
}

/* (transfer full): its path without links. */
static char *
look_at (const char *path, gboolean writable, struct stat *out_info, GError **error)
{
  char *real = NULL;
  int folder = lodge_shared_folder_open (path, writable, &real, error);

  if (folder < 0)
    return NULL;
  (void) fstat (folder, out_info); /* has been asked before */
  close (folder);
  return real;
}

LodgeSharedFolder *
lodge_shared_folder_start (const char *path,
                           gboolean writable,
                           const char *runtime_folder,
                           GPid qemu,
                           const char *machine_folder,
                           const char *unit,
                           GError **error)
{
  struct stat info;
  g_autofree char *real = look_at (path, writable, &info, error);
  int wire = real != NULL ? connect_to_qemu (runtime_folder, qemu, error) : -1;

  if (wire < 0)
    return NULL;
  return start (path, writable, NULL, machine_folder, unit, wire, real, &info, error);
}

LodgeSharedFolder *
lodge_shared_folder_start_virtiofs (const char *path,
                                    gboolean writable,
                                    const LodgeVirtiofsd *virtiofsd,
                                    const char *machine_folder,
                                    const char *unit,
                                    int *out_wire,
                                    GError **error)
{
  struct stat info;
  g_autofree char *real = look_at (path, writable, &info, error);
  LodgeSharedFolder *self;
  int listener = -1;
  int wire = real != NULL ? lodge_virtiofsd_make_wire (&listener, error) : -1;

  if (wire < 0)
    return NULL;
  self = start (path, writable, virtiofsd, machine_folder, unit, listener, real, &info, error);
  if (self != NULL)
    *out_wire = wire;
  else
    close (wire);
  return self;
}

/* --- Finding it again --- */

/* Who has the lock, or 0. */
static GPid
get_holder (int lock)
{
  struct flock info = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

  return fcntl (lock, F_GETLK, &info) == 0 && info.l_type != F_UNLCK ? info.l_pid : 0;
}

/* What has the lock is killed when the sharing ends, so it has to be ours. A package's update
 * leaves " (deleted)" behind the path. */
static gboolean
is_program (GPid pid)
{
  g_autofree char *link = g_strdup_printf ("/proc/%d/exe", (int) pid);
  g_autofree char *path = g_file_read_link (link, NULL);
  const char *name = path != NULL ? strrchr (path, '/') : NULL;

  return name != NULL &&
         (g_str_equal (name, "/" PROGRAM) || g_str_equal (name, "/" PROGRAM " (deleted)") ||
          g_str_equal (name, "/" VIRTIOFSD) || g_str_equal (name, "/" VIRTIOFSD " (deleted)"));
}

static gboolean
identify (const char *path, gboolean writable, dev_t *out_device, ino_t *out_inode)
{
  g_autofree char *real = NULL;
  int fd = lodge_shared_folder_open (path, writable, &real, NULL);
  struct stat info;
  gboolean known = fd >= 0 && fstat (fd, &info) == 0;

  if (known) {
    *out_device = info.st_dev;
    *out_inode = info.st_ino;
  }
  if (fd >= 0)
    close (fd);
  return known;
}

gboolean
lodge_shared_folder_is_there (LodgeSharedFolder *self)
{
  dev_t device;
  ino_t inode;

  return identify (self->path, self->writable, &device, &inode) && device == self->device &&
         inode == self->inode;
}

LodgeSharedFolder *
lodge_shared_folder_find (const char *machine_folder)
{
  g_autoptr (LodgeSharedFolder) self = NULL;
  char text[MAX_TEXT_BYTES] = "";
  int lock = open_lock (machine_folder, 0);
  GPid pid = lock >= 0 ? get_holder (lock) : 0;

  if (pid > 1 && pread (lock, text, sizeof text - 1, 0) > 0) {
    guint way = 0;

    while (way < G_N_ELEMENTS (ways) && !g_str_has_prefix (text, ways[way].word))
      way++;
    if (way == G_N_ELEMENTS (ways)) {
      close (lock);
      return NULL;
    }
    self = new_for (text + strlen (ways[way].word), ways[way].writable, ways[way].virtiofs);
    /* What happened while no engine was there is not known. */
    (void) identify (self->path, self->writable, &self->device, &self->inode);
    self->pidfd = pidfd_open (pid, 0);
    /* The number was still its own if it has the lock even now. */
    if (self->pidfd < 0 || get_holder (lock) != pid || !is_program (pid) || !watch (self, pid))
      g_clear_object (&self);
  }
  if (lock >= 0)
    close (lock);
  return g_steal_pointer (&self);
}

gboolean
lodge_shared_folder_is (LodgeSharedFolder *self,
                        const char *path,
                        gboolean writable,
                        gboolean virtiofs)
{
  return g_str_equal (self->path, path) && self->writable == writable && self->virtiofs == virtiofs;
}

gboolean
lodge_shared_folder_is_virtiofs (LodgeSharedFolder *self)
{
  return self->virtiofs;
}

void
lodge_shared_folder_stop (LodgeSharedFolder *self)
{
  if (self->pid > 1)
    lodge_launch_kill (self->pid);
  /* Its bubblewrap ends with it. */
  if (self->pidfd >= 0)
    (void) pidfd_send_signal (self->pidfd, SIGKILL, NULL, 0);
}

static void
lodge_shared_folder_finalize (GObject *object)
{
  LodgeSharedFolder *self = LODGE_SHARED_FOLDER (object);

  if (self->pidfd >= 0)
    close (self->pidfd);
  g_free (self->path);
  G_OBJECT_CLASS (lodge_shared_folder_parent_class)->finalize (object);
}

static void
lodge_shared_folder_class_init (LodgeSharedFolderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_shared_folder_finalize;
  g_signal_new ("closed", LODGE_TYPE_SHARED_FOLDER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 0);
}

static void
lodge_shared_folder_init (LodgeSharedFolder *self)
{
  self->pidfd = -1;
}
