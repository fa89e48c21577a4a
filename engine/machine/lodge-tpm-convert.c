/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of a TPM, written anew with another key, or with none.
 *
 * swtpm opens only what is encrypted just as it was told, so one swtpm hands the state over and
 * another one writes it. Both talk over their control channel (swtpm, man/man3/swtpm_ioctls.pod and
 * include/swtpm/tpm_ioctl.h; all numbers are big-endian), whose end takes them with it.
 */
#include "machine/lodge-tpm-convert.h"

#include "description/lodge-durable-file.h"
#include "description/lodge-own-file.h"
#include "lodge-error.h"
#include "qemu/lodge-launch.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_S 30
/* swtpm takes no larger one. */
#define MOST_STATE (512 * 1024)

enum {
  CMD_INIT = 2,
  CMD_SHUTDOWN = 3,
  CMD_GET_STATEBLOB = 12,
  CMD_SET_STATEBLOB = 13,
};
/* The one that outlives a guest; the others are those of a TPM that runs. */
#define BLOB_PERMANENT  1
#define FLAG_DECRYPTED  1
#define FLAGS_OF_A_COPY 0

typedef struct {
  const char *folder;
  const char *state; /* in it */
  LodgeSecret *key;
  const char *unit;
  gboolean contained;
  GPid pid;
  int control;
} Tpm;

/* It is not changed where it is only read: swtpm has a lock and its log there, and writes nothing
 * else before a command comes. */
static gboolean
begin (Tpm *self, GError **error)
{
  g_autofree char *program = g_find_program_in_path ("swtpm");
  g_autofree char *state = g_build_filename (self->folder, self->state, NULL);
  g_autofree char *log = g_build_filename (self->folder, "tpm.log", NULL);
  g_autoptr (LodgeCommand) command = NULL;
  int ends[2];
  int key_fd;

  self->control = -1;
  if (program == NULL) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_HOST,
                         _ ("This machine has a TPM, and swtpm is not installed: install the "
                            "package swtpm"));
    return FALSE;
  }
  command = lodge_command_new (program);
  lodge_command_add (command, _ ("A TPM over a socket"), "socket", NULL);
  lodge_command_add (command, _ ("Version 2.0, as Windows 11 wants"), "--tpm2", NULL);
  lodge_command_addf (command, _ ("Its state belongs to the machine"), "--tpmstate",
                      "dir=%s,mode=0600", state);
  if (self->key != NULL) {
    key_fd = lodge_secret_open (self->key, error);
    if (key_fd < 0)
      return FALSE;
    lodge_command_addf (command, _ ("The machine is encrypted, and so is the TPM's state"), "--key",
                        "fd=%d,format=binary,mode=aes-256-cbc",
                        lodge_command_take_fd (command, key_fd));
  }
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not talk to swtpm: %s"),
                 g_strerror (errno));
    return FALSE;
  }
  self->control = ends[0];
  lodge_command_addf (command, _ ("The engine is at its other end"), "--ctrl",
                      "type=unixio,clientfd=%d", lodge_command_take_fd (command, ends[1]));
  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, state);
  self->pid =
      lodge_launch (command, self->contained ? LODGE_LAUNCH_CONTAINED : 0, self->unit, log, error);
  return self->pid > 0;
}

/* It does not end when the one connection that it has is closed; what it was told it has done
 * before it answered. */
static void
end (Tpm *self)
{
  if (self->control >= 0)
    close (g_steal_fd (&self->control));
  if (self->pid <= 0)
    return;
  lodge_launch_kill (self->pid);
  while (waitpid (self->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  self->pid = 0;
}

static gboolean
give (int fd, gconstpointer data, gsize length)
{
  const guint8 *at = data;

  while (length > 0) {
    ssize_t n = send (fd, at, length, MSG_NOSIGNAL);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    at += n;
    length -= (gsize) n;
  }
  return TRUE;
}

static gboolean
take (int fd, gpointer data, gsize length)
{
  guint8 *at = data;

  while (length > 0) {
    ssize_t n = read (fd, at, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    at += n;
    length -= (gsize) n;
  }
  return TRUE;
}

/* A command of @n numbers, and the number that is its answer. */
static gboolean
tell (const Tpm *self, const guint32 *numbers, gsize n)
{
  guint32 words[4];
  guint32 answer;

  for (gsize i = 0; i < n; i++)
    words[i] = GUINT32_TO_BE (numbers[i]);
  return give (self->control, words, n * sizeof *words) &&
         take (self->control, &answer, sizeof answer) && answer == 0;
}

#define TELL(self, ...)                                                                            \
  tell (self, (const guint32[]){__VA_ARGS__},                                                      \
        sizeof ((const guint32[]){__VA_ARGS__}) / sizeof (guint32))

/* Transfer full. */
static guint8 *
get_state (const Tpm *self, guint32 *out_length)
{
  /* Flags, the length of all, the length of what follows. */
  guint32 rest[3];
  guint8 *state = NULL;

  if (!TELL (self, CMD_INIT, 0) ||
      !TELL (self, CMD_GET_STATEBLOB, FLAG_DECRYPTED, BLOB_PERMANENT, 0) ||
      !take (self->control, rest, sizeof rest))
    return NULL;
  *out_length = GUINT32_FROM_BE (rest[2]);
  /* All of it comes at once. */
  if (*out_length == 0 || *out_length > MOST_STATE || rest[1] != rest[2])
    return NULL;
  state = g_malloc (*out_length);
  if (take (self->control, state, *out_length))
    return state;
  explicit_bzero (state, *out_length);
  g_free (state);
  return NULL;
}

/* What it was given is written when it begins. */
static gboolean
set_state (const Tpm *self, const guint8 *state, guint32 length)
{
  const guint32 head[] = {GUINT32_TO_BE (CMD_SET_STATEBLOB), GUINT32_TO_BE (FLAGS_OF_A_COPY),
                          GUINT32_TO_BE (BLOB_PERMANENT), GUINT32_TO_BE (length)};
  guint32 answer;

  return give (self->control, head, sizeof head) && give (self->control, state, length) &&
         take (self->control, &answer, sizeof answer) && answer == 0 && TELL (self, CMD_INIT, 0) &&
         TELL (self, CMD_SHUTDOWN);
}

static void
set_limit (int fd)
{
  const struct timeval limit = {.tv_sec = LIMIT_S};

  (void) setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void) setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

/* One swtpm, from its start to its end. @state: (inout): to be given, or NULL: to be taken. */
static gboolean
run (Tpm *self, guint8 **state, guint32 *length, GError **error)
{
  gboolean ok = begin (self, error);

  if (!ok) {
    end (self);
    return FALSE;
  }
  set_limit (self->control);
  if (*state != NULL)
    ok = set_state (self, *state, *length);
  else
    ok = (*state = get_state (self, length)) != NULL;
  end (self);
  if (!ok) {
    g_autofree char *log = g_build_filename (self->folder, "tpm.log", NULL);
    g_autofree char *words = lodge_launch_read_last_words (log);

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("swtpm cannot use the TPM's state in %s: %s"), self->state,
                 words != NULL ? words : _ ("it does not say why"));
  }
  return ok;
}

/* A name that ours have; and a lock is nothing to keep. */
static gboolean
is_state (const char *name)
{
  return name[0] != '.';
}

static gboolean
make_durable (const char *folder, const char *state, guint mode, GError **error)
{
  g_autoptr (GPtrArray) names = lodge_own_folder_list (folder, state, error);
  g_autofree char *path = g_build_filename (folder, state, NULL);
  guint n = 0;

  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *file = g_build_filename (state, names->pdata[i], NULL);
    gboolean synced;
    int fd;

    if (!is_state (names->pdata[i])) {
      if (!lodge_own_file_remove (folder, file, error))
        return FALSE;
      continue;
    }
    fd = lodge_own_file_open (folder, file, O_RDONLY, error);
    if (fd < 0)
      return FALSE;
    synced = fsync (fd) == 0 && fchmod (fd, (mode_t) mode) == 0;
    close (fd);
    if (!synced) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE, _ ("Could not write %s/%s to disk"),
                   folder, file);
      return FALSE;
    }
    n++;
  }
  if (n == 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("swtpm cannot use the TPM's state in %s: %s"), state,
                 _ ("it does not say why"));
    return FALSE;
  }
  return lodge_durable_folder_sync (path, error);
}

static gboolean
has_state (const char *folder, const char *state, gboolean *out_has, GError **error)
{
  g_autoptr (GPtrArray) names = lodge_own_folder_list (folder, state, error);

  *out_has = FALSE;
  for (guint i = 0; names != NULL && i < names->len; i++)
    *out_has |= is_state (names->pdata[i]);
  return names != NULL;
}

gboolean
lodge_tpm_convert (const char *folder,
                   const char *from,
                   const char *to,
                   LodgeSecret *from_key,
                   LodgeSecret *to_key,
                   guint mode,
                   const char *unit,
                   gboolean contained,
                   GError **error)
{
  Tpm reads = {folder, from, from_key, unit, contained, 0, -1};
  Tpm writes = {folder, to, to_key, unit, contained, 0, -1};
  guint8 *state = NULL;
  guint32 length = 0;
  g_autofree char *path = g_build_filename (folder, to, NULL);
  g_autofree char *above = g_path_get_dirname (path);
  gboolean there;
  gboolean ok;

  if (!has_state (folder, from, &there, error))
    return FALSE;
  if (!there)
    return TRUE;
  ok = lodge_own_folder_make (folder, to, error) && run (&reads, &state, &length, error) &&
       run (&writes, &state, &length, error) && make_durable (folder, to, mode, error) &&
       lodge_durable_folder_sync (above, error);
  if (state != NULL)
    explicit_bzero (state, length);
  g_free (state);
  return ok;
}
