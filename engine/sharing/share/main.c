/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-share: the folder that one machine shares with its guest, a process beside QEMU.
 *
 * Theory of operation: the engine connects to QEMU's socket for the virtio port
 * org.spice-space.webdav.0 and hands the connection over. spice-webdavd in the guest listens on
 * port 9843 there and sends each connection of the guest's programs through the port; each becomes
 * an HTTP connection to libphodav's WebDAV server here. The program ends with the wire.
 *
 * Between 2.5 and 3.0 at least, libphodav lets whoever may write reach files outside of its folder:
 * it decodes the Destination of COPY and MOVE after "..", and follows links. So it runs inside of
 * walls in which there is only the folder, read-only unless it is writable (see
 * lodge-shared-folder.h), and never without them.
 *
 * With --virtiofsd it only makes sure of the folder, takes the lock, and becomes virtiofsd.
 *
 * The lock says to a later engine which process this is: F_GETLK names who has it, in the numbers
 * of who asks.
 *
 * Should: nothing but this. Mustn't: start a program, make a link, reach a socket (see sandbox.c).
 */
#include "lodge-config.h"
#include "sharing/share/mux.h"
#include "sharing/share/sandbox.h"
#include "sharing/share/virtiofsd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_LIMIT_S 10
/* What libraries write about a guest's mistakes. */
#define MAX_LOG_BYTES (128 * 1024)

static int log_fd = STDERR_FILENO;

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  static gint written;

  for (gsize i = 0; i < n_fields; i++) {
    const char *text = fields[i].value;
    int length = fields[i].length < 0 ? (int) strlen (text) : (int) MIN (fields[i].length, 1000);

    if (!g_str_equal (fields[i].key, "MESSAGE") || g_log_writer_default_would_drop (level, NULL) ||
        g_atomic_int_get (&written) > MAX_LOG_BYTES)
      continue;
    g_atomic_int_add (&written, length);
    dprintf (log_fd, "%.*s\n", MIN (length, 1000), text);
  }
  return G_LOG_WRITER_HANDLED;
}

/* libxml2 writes there as often as a guest likes. Of what is wrong with memory AddressSanitizer
 * shall tell. */
static gboolean
leave_standard_error (void)
{
  int null = open ("/dev/null", O_WRONLY | O_CLOEXEC);

  log_fd = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (null < 0 || log_fd < 0)
    return FALSE;
  if (!LODGE_ADDRESS_SANITIZER &&
      (dup2 (null, STDOUT_FILENO) < 0 || dup2 (null, STDERR_FILENO) < 0))
    return FALSE;
  close (null);
  return TRUE;
}

static gboolean
is_socket (int fd)
{
  int type;
  socklen_t size = sizeof type;

  return fd > 2 && getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* Whoever had it was told to end. */
static gboolean
take_lock (int fd)
{
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  gboolean taken;

  alarm (LOCK_LIMIT_S);
  taken = fd > 2 && fcntl (fd, F_SETLKW, &lock) == 0;
  alarm (0);
  return taken;
}

/* Inside of the walls it has the same numbers as outside. */
static gboolean
check_identity (const char *folder, const char *identity)
{
  g_autofree char *found = NULL;
  struct stat info;

  if (stat (folder, &info) != 0) {
    g_printerr ("%s: %s\n", folder, g_strerror (errno));
    return FALSE;
  }
  found = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, (guint64) info.st_dev,
                           (guint64) info.st_ino);
  if (g_str_equal (found, identity))
    return TRUE;
  g_printerr ("%s: it is another folder than the one that was to be shared\n", folder);
  return FALSE;
}

static void
ended_cb (gpointer user_data)
{
  g_main_loop_quit (user_data);
}

int
main (int argc, char **argv)
{
  int wire = -1, lock = -1;
  g_autofree char *folder = NULL;
  g_autofree char *identity = NULL;
  g_autofree char *virtiofsd = NULL;
  gboolean writable = FALSE, squash = FALSE;
  const GOptionEntry entries[] = {
      {"wire", 0, 0, G_OPTION_ARG_INT, &wire, "A stream socket to QEMU", "FD"},
      {"lock", 0, 0, G_OPTION_ARG_INT, &lock, "A file to hold a lock on", "FD"},
      {"folder", 0, 0, G_OPTION_ARG_FILENAME, &folder, "What is shared", "PATH"},
      {"identity", 0, 0, G_OPTION_ARG_STRING, &identity, "Its device and number", "DEVICE:INODE"},
      {"writable", 0, 0, G_OPTION_ARG_NONE, &writable, "The guest may change files", NULL},
      {"virtiofsd", 0, 0, G_OPTION_ARG_FILENAME, &virtiofsd,
       "What shares it by virtiofs, for who is connected to the wire, which listens", "PROGRAM"},
      {"squash", 0, 0, G_OPTION_ARG_NONE, &squash, "It makes one user of the guest's", NULL},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (ShareServer) server = NULL;

  /* No other file systems than the kernel's, and no modules: both are code that is loaded. */
  g_setenv ("GIO_USE_VFS", "local", TRUE);
  g_setenv ("GIO_MODULE_DIR", "/nonexistent", TRUE);
  g_log_set_writer_func (write_log, NULL, NULL);
  g_option_context_set_summary (context, "Shares a folder with a guest; started by Lodge.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("%s\n", error->message);
    return 2;
  }
  if (!is_socket (wire) || folder == NULL || !g_path_is_absolute (folder) || identity == NULL) {
    g_printerr ("--wire names a stream socket that was handed over, --folder a full path, "
                "--identity which folder that has to be\n");
    return 2;
  }
  if (!check_identity (folder, identity))
    return 1;
  if (!take_lock (lock)) {
    g_printerr ("--lock: %s\n", g_strerror (errno));
    return 1;
  }
  if (virtiofsd != NULL) {
    share_virtiofsd_become (virtiofsd, wire, folder, squash);
    return 1;
  }
  fcntl (wire, F_SETFD, FD_CLOEXEC);
  fcntl (lock, F_SETFD, FD_CLOEXEC);

  server = share_server_new (folder, writable, &error);
  if (server == NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  if (!share_sandbox_enter (writable))
    return 1;
  if (!leave_standard_error ()) {
    g_printerr ("/dev/null: %s\n", g_strerror (errno));
    return 1;
  }
  if (share_mux_new (wire, server, ended_cb, loop, &error) == NULL) {
    g_warning ("%s", error->message);
    return 1;
  }
  g_main_loop_run (loop);
  /* The connections go with the process. */
  _exit (0);
}
