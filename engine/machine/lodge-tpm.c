/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's TPM: the process swtpm beside QEMU.
 *
 * The control socket is bound here and its listening descriptor handed over, so that QEMU finds it
 * whether or not swtpm has got that far. Each machine has a state folder of its own; swtpm sees
 * that, its log and nothing else.
 */
#include "machine/lodge-tpm.h"

#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "qemu/lodge-launch.h"
#include "qemu/lodge-unix-socket.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>

#define SOCKET_NAME "tpm.sock"
/* swtpm's tpm_ioctl.h: CMD_SHUTDOWN, sent big-endian. */
#define CMD_SHUTDOWN 3

/* The folder of the TPM's state. A machine's folder may come from somebody else: a link in it must
 * not lead what swtpm writes to another place. */
static gboolean
make_state_folder (const char *machine_folder, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (machine_folder, name, NULL);

  /* swtpm ends a value at a comma, and knows no way to write one. */
  if (strchr (path, ',') != NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("A TPM cannot keep its state in %s: the path has a comma; rename the folder"),
                 path);
    return FALSE;
  }
  return lodge_own_folder_make (machine_folder, name, error);
}

/* Whoever starts a process reaps it. */
static void
reaped_cb (GPid pid, int status, gpointer user_data)
{
}

char *
lodge_tpm_start (const char *machine_folder,
                 const char *state_name,
                 const char *runtime_folder,
                 const char *unit,
                 gboolean contained,
                 int key_fd,
                 GError **error)
{
  g_autofree char *socket_path = g_build_filename (runtime_folder, SOCKET_NAME, NULL);
  g_autofree char *state = g_build_filename (machine_folder, state_name, NULL);
  g_autofree char *log = g_build_filename (machine_folder, "tpm.log", NULL);
  g_autofree char *program = g_find_program_in_path ("swtpm");
  g_autoptr (LodgeCommand) command = NULL;
  GPid pid;
  int fd;

  command = lodge_command_new (program != NULL ? program : "swtpm");
  if (key_fd >= 0)
    key_fd = lodge_command_take_fd (command, key_fd);
  if (program == NULL) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_HOST,
                         _ ("This machine has a TPM, and swtpm is not installed: install the "
                            "package swtpm, or set tpm.enabled to false"));
    return NULL;
  }
  if (!make_state_folder (machine_folder, state_name, error))
    return NULL;
  fd = lodge_unix_socket_listen (socket_path, error);
  if (fd < 0)
    return NULL;

  lodge_command_add (command, _ ("A TPM over a socket"), "socket", NULL);
  lodge_command_add (command, _ ("Version 2.0, as Windows 11 wants"), "--tpm2", NULL);
  lodge_command_addf (command, _ ("Its state belongs to the machine"), "--tpmstate",
                      "dir=%s,mode=0600", state);
  if (key_fd >= 0)
    lodge_command_addf (command, _ ("The machine is encrypted, and so is the TPM's state"), "--key",
                        "fd=%d,format=binary,mode=aes-256-cbc", key_fd);
  lodge_command_addf (command, _ ("The engine made the socket"), "--ctrl", "type=unixio,fd=%d",
                      lodge_command_take_fd (command, fd));
  lodge_command_add (command, _ ("It ends with QEMU"), "--terminate", NULL);
  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, state);

  pid = lodge_launch (command, contained ? LODGE_LAUNCH_CONTAINED : 0, unit, log, error);
  if (pid < 0) {
    (void) g_unlink (socket_path);
    return NULL;
  }
  lodge_launch_watch (pid, reaped_cb, NULL);
  return g_steal_pointer (&socket_path);
}

void
lodge_tpm_stop (const char *runtime_folder)
{
  g_autofree char *path = g_build_filename (runtime_folder, SOCKET_NAME, NULL);
  guint32 command = GUINT32_TO_BE (CMD_SHUTDOWN);
  int saved;
  g_autoptr (GSocket) connection = lodge_unix_socket_connect (path, &saved);

  /* Refused when it has ended with its QEMU already: nothing to do then. */
  if (connection != NULL &&
      send (g_socket_get_fd (connection), &command, sizeof command, MSG_NOSIGNAL) < 0)
    g_debug ("%s: %s", path, g_strerror (errno));
}
