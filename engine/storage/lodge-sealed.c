/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sealed file, written and read as a stream.
 *
 *   QEMU --pipe--> thread: encrypt --> file        (a guest's memory is saved)
 *   file --> thread: prove, decrypt --pipe--> QEMU (it is loaded)
 *
 * The thread is woken by an eventfd when it shall stop, or when the other end has said by other
 * means that it is done: then it does not wait for ever for a QEMU that keeps its end of the pipe.
 */
#include "storage/lodge-sealed.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC      "LodgeMem"
#define VERSION    1
#define CHUNK      (1024u * 1024)
#define TAG        16
#define SALT       32
#define NONCE      12
#define HEADER     (8 + 4 + 4 + SALT)
#define AT_VERSION 8
#define AT_CHUNK   12
#define AT_SALT    16
#define PIPE_BYTES (1024 * 1024)
/* For the last bytes of one that has said that there are no more. */
#define GRACE_MS 10000

struct _LodgeSealed {
  gatomicrefcount references; /* the owner's and the thread's */
  gboolean writing;
  int file;
  int pipe;
  int wake;
  LodgeSecret *key;

  gint stopped;   /* atomic */
  gint finishing; /* atomic: the other end has nothing more to say */
  GMutex mutex;   /* of what follows */
  gboolean ended;
  GError *error;
  GTask *waiting;
};

static void
unref (LodgeSealed *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  close (self->file);
  if (self->pipe >= 0)
    close (self->pipe);
  close (self->wake);
  lodge_secret_unref (self->key);
  g_clear_error (&self->error);
  g_clear_object (&self->waiting);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/* The thread. */

static gboolean
set_errno (GError **error, int saved)
{
  if (lodge_durable_is_full (saved))
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_STORAGE,
                         _ ("There is no room left on the disk for the guest's memory"));
  else
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved),
                 _ ("The guest's memory could not be written or read: %s"), g_strerror (saved));
  return FALSE;
}

static gboolean
set_damaged (GError **error)
{
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                       _ ("the saved memory is damaged, cut short, or not this machine's"));
  return FALSE;
}

static gboolean
check_crypto (gcry_error_t code, GError **error)
{
  if (code == 0)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
               _ ("The guest's memory was not encrypted: %s"), gcry_strerror (code));
  return FALSE;
}

static gboolean
check_stopped (LodgeSealed *self, GError **error)
{
  if (!g_atomic_int_get (&self->stopped))
    return TRUE;
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_CANCELLED, _ ("This was cancelled"));
  return FALSE;
}

/* Waits until the pipe can be used. FALSE: stopped, or (for one that writes) there is no more. */
static gboolean
wait_pipe (LodgeSealed *self, short events, gboolean *out_over, GError **error)
{
  *out_over = FALSE;
  for (;;) {
    gboolean finishing = g_atomic_int_get (&self->finishing);
    struct pollfd fds[] = {{self->pipe, events, 0}, {self->wake, finishing ? 0 : POLLIN, 0}};
    int n;

    if (!check_stopped (self, error))
      return FALSE;
    n = poll (fds, G_N_ELEMENTS (fds), finishing ? GRACE_MS : -1);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return set_errno (error, errno);
    if (n == 0) {
      *out_over = TRUE;
      return TRUE;
    }
    if (fds[0].revents != 0)
      return TRUE;
  }
}

/* Up to a chunk; less only at the end. */
static gboolean
fill (LodgeSealed *self, guint8 *data, gsize *out_length, GError **error)
{
  gboolean over;

  *out_length = 0;
  while (*out_length < CHUNK) {
    ssize_t n;

    if (!wait_pipe (self, POLLIN, &over, error))
      return FALSE;
    if (over)
      return TRUE;
    n = read (self->pipe, data + *out_length, CHUNK - *out_length);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (n < 0)
      return set_errno (error, errno);
    if (n == 0)
      return TRUE;
    *out_length += (gsize) n;
  }
  return TRUE;
}

static gboolean
write_file (LodgeSealed *self, const guint8 *data, gsize length, GError **error)
{
  while (length > 0) {
    ssize_t n = write (self->file, data, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return set_errno (error, errno);
    data += n;
    length -= (gsize) n;
  }
  return TRUE;
}

static gboolean
read_file (LodgeSealed *self, guint8 *data, gsize length, GError **error)
{
  while (length > 0) {
    ssize_t n = read (self->file, data, length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return set_errno (error, errno);
    if (n == 0)
      return set_damaged (error);
    data += n;
    length -= (gsize) n;
  }
  return TRUE;
}

static gboolean
write_pipe (LodgeSealed *self, const guint8 *data, gsize length, GError **error)
{
  gboolean over;

  while (length > 0) {
    ssize_t n;

    if (!wait_pipe (self, POLLOUT, &over, error))
      return FALSE;
    n = write (self->pipe, data, length);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (n < 0)
      return set_errno (error, errno);
    data += n;
    length -= (gsize) n;
  }
  return TRUE;
}

/* Ready for chunk @number. */
static gboolean
begin_chunk (
    gcry_cipher_hd_t cipher, const guint8 *header, guint64 number, gboolean last, GError **error)
{
  guint64 big = GUINT64_TO_BE (number);
  guint32 flag = GUINT32_TO_BE (last ? 1u : 0u);
  guint8 nonce[NONCE];

  memcpy (nonce, &big, sizeof big);
  memcpy (nonce + sizeof big, &flag, sizeof flag);
  return check_crypto (gcry_cipher_reset (cipher), error) &&
         check_crypto (gcry_cipher_setiv (cipher, nonce, NONCE), error) &&
         check_crypto (gcry_cipher_authenticate (cipher, header, HEADER), error);
}

static gboolean
write_chunks (
    LodgeSealed *self, gcry_cipher_hd_t cipher, const guint8 *header, guint8 *data, GError **error)
{
  gboolean last = FALSE;
  gsize length;

  for (guint64 number = 0; !last; number++) {
    if (!fill (self, data, &length, error))
      return FALSE;
    last = length < CHUNK;
    if (!begin_chunk (cipher, header, number, last, error) ||
        !check_crypto (gcry_cipher_encrypt (cipher, data, length, NULL, 0), error) ||
        !check_crypto (gcry_cipher_gettag (cipher, data + length, TAG), error) ||
        !write_file (self, data, length + TAG, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_chunks (
    LodgeSealed *self, gcry_cipher_hd_t cipher, const guint8 *header, guint8 *data, GError **error)
{
  struct stat info;
  guint64 left;
  gboolean last = FALSE;

  if (fstat (self->file, &info) != 0)
    return set_errno (error, errno);
  if (!S_ISREG (info.st_mode) || info.st_size < HEADER + TAG)
    return set_damaged (error);
  left = (guint64) info.st_size - HEADER;
  for (guint64 number = 0; !last; number++) {
    gsize length = (gsize) MIN (left, CHUNK + TAG);

    /* The last is never a whole one. */
    last = left < CHUNK + TAG;
    if (length < TAG)
      return set_damaged (error);
    if (!read_file (self, data, length, error) ||
        !begin_chunk (cipher, header, number, last, error) ||
        !check_crypto (gcry_cipher_decrypt (cipher, data, length - TAG, NULL, 0), error))
      return FALSE;
    if (gcry_cipher_checktag (cipher, data + length - TAG, TAG) != 0)
      return set_damaged (error);
    if (!write_pipe (self, data, length - TAG, error))
      return FALSE;
    left -= length;
  }
  return TRUE;
}

static gboolean
make_header (LodgeSealed *self, guint8 *header, GError **error)
{
  g_autoptr (LodgeSecret) salt = lodge_secret_new_random (SALT);
  guint32 version = GUINT32_TO_BE (VERSION);
  guint32 chunk = GUINT32_TO_BE (CHUNK);

  memcpy (header, MAGIC, sizeof MAGIC - 1);
  memcpy (header + AT_VERSION, &version, sizeof version);
  memcpy (header + AT_CHUNK, &chunk, sizeof chunk);
  memcpy (header + AT_SALT, lodge_secret_get (salt), SALT);
  return write_file (self, header, HEADER, error);
}

static gboolean
take_header (LodgeSealed *self, guint8 *header, GError **error)
{
  guint32 version = GUINT32_TO_BE (VERSION);
  guint32 chunk = GUINT32_TO_BE (CHUNK);

  if (!read_file (self, header, HEADER, error))
    return FALSE;
  if (memcmp (header, MAGIC, strlen (MAGIC)) == 0 &&
      memcmp (header + AT_VERSION, &version, sizeof version) == 0 &&
      memcmp (header + AT_CHUNK, &chunk, sizeof chunk) == 0)
    return TRUE;
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                       _ ("the saved memory is not an encrypted one, or of a newer Lodge"));
  return FALSE;
}

static gboolean
run (LodgeSealed *self, GError **error)
{
  g_autoptr (LodgeSecret) key = NULL;
  guint8 header[HEADER];
  gcry_cipher_hd_t cipher;
  guint8 *data;
  gboolean ok;

  if (!(self->writing ? make_header (self, header, error) : take_header (self, header, error)))
    return FALSE;
  key = lodge_secret_derive (self->key, "memory", header + AT_SALT, SALT);
  if (!check_crypto (
          gcry_cipher_open (&cipher, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, GCRY_CIPHER_SECURE),
          error))
    return FALSE;
  data = g_malloc (CHUNK + TAG);
  ok = check_crypto (gcry_cipher_setkey (cipher, lodge_secret_get (key), LODGE_SECRET_KEY_BYTES),
                     error) &&
       (self->writing ? write_chunks : read_chunks) (self, cipher, header, data, error);
  gcry_cipher_close (cipher);
  explicit_bzero (data, CHUNK + TAG);
  g_free (data);
  return ok;
}

static void
answer (GTask *task, const GError *error)
{
  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_boolean (task, TRUE);
}

static gpointer
thread (gpointer data)
{
  LodgeSealed *self = data;
  g_autoptr (GTask) waiting = NULL;
  GError *error = NULL;
  sigset_t pipe_signal;

  /* A QEMU that is gone is an error here, and no end of the engine. */
  sigemptyset (&pipe_signal);
  sigaddset (&pipe_signal, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe_signal, NULL);

  run (self, &error);
  g_mutex_lock (&self->mutex);
  self->error = error;
  self->ended = TRUE;
  waiting = g_steal_pointer (&self->waiting);
  g_mutex_unlock (&self->mutex);
  /* Not before the error is known: who finds the pipe closed asks for it. */
  close (g_steal_fd (&self->pipe));
  if (waiting != NULL)
    answer (waiting, error);
  unref (self);
  return NULL;
}

/* For its owner. */

static LodgeSealed *
begin (int fd, LodgeSecret *key, gboolean writing, int *out_fd, GError **error)
{
  LodgeSealed *self;
  int ends[2];
  int file, wake;

  lodge_secret_init_crypto ();
  if (pipe2 (ends, O_CLOEXEC) != 0)
    return set_errno (error, errno), NULL;
  file = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (file < 0 || wake < 0) {
    set_errno (error, errno);
    close (ends[0]);
    close (ends[1]);
    if (file >= 0)
      close (file);
    if (wake >= 0)
      close (wake);
    return NULL;
  }
  /* As much as may be: a guest that stands still waits for what is on its way. */
  (void) fcntl (ends[0], F_SETPIPE_SZ, PIPE_BYTES);

  self = g_new0 (LodgeSealed, 1);
  g_atomic_ref_count_init (&self->references);
  g_atomic_ref_count_inc (&self->references);
  self->writing = writing;
  self->file = file;
  self->wake = wake;
  self->pipe = ends[writing ? 0 : 1];
  self->key = lodge_secret_ref (key);
  g_mutex_init (&self->mutex);
  /* Also against one that has another copy of it: poll() says what can be done. */
  (void) fcntl (self->pipe, F_SETFL, O_NONBLOCK);
  *out_fd = ends[writing ? 1 : 0];
  g_thread_unref (g_thread_new ("sealed", thread, self));
  return self;
}

LodgeSealed *
lodge_sealed_write (int fd, LodgeSecret *key, int *out_fd, GError **error)
{
  return begin (fd, key, TRUE, out_fd, error);
}

LodgeSealed *
lodge_sealed_read (int fd, LodgeSecret *key, int *out_fd, GError **error)
{
  return begin (fd, key, FALSE, out_fd, error);
}

static void
wake_up (LodgeSealed *self)
{
  eventfd_write (self->wake, 1);
}

void
lodge_sealed_stop (LodgeSealed *self)
{
  g_atomic_int_set (&self->stopped, TRUE);
  wake_up (self);
}

void
lodge_sealed_free (LodgeSealed *self)
{
  if (self == NULL)
    return;
  lodge_sealed_stop (self);
  unref (self);
}

void
lodge_sealed_finish_async (LodgeSealed *self, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  gboolean ended;

  g_task_set_source_tag (task, lodge_sealed_finish_async);
  g_mutex_lock (&self->mutex);
  ended = self->ended;
  if (!ended)
    self->waiting = g_object_ref (task);
  g_mutex_unlock (&self->mutex);
  if (ended) {
    answer (task, self->error);
  } else if (self->writing) {
    g_atomic_int_set (&self->finishing, TRUE);
    wake_up (self);
  }
}

gboolean
lodge_sealed_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_sealed_finish_async), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

GError *
lodge_sealed_dup_error (LodgeSealed *self)
{
  GError *error;

  g_mutex_lock (&self->mutex);
  error = self->error != NULL ? g_error_copy (self->error) : NULL;
  g_mutex_unlock (&self->mutex);
  return error;
}
