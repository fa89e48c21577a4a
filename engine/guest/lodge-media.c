/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is on an installer image.
 *
 * The file may be anything and may be damaged on purpose; only ordinary files and disks are opened,
 * and never in a way that waits. A file system that hangs holds a thread, not the caller.
 */
#include "guest/lodge-media.h"

#include "guest/lodge-os-catalogue.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Loading the catalogue takes most of a second where all is well. */
#define DETECT_LIMIT_MS 20000

/* ECMA-119: descriptors of 2048 bytes begin in sector 16; 8.1 has type and identifier, 8.4 the
 * size. */
#define DESCRIPTOR_OFFSET      32768
#define DESCRIPTOR_BYTES       2048
#define DESCRIPTOR_LIMIT       16
#define DESCRIPTOR_PRIMARY     1
#define DESCRIPTOR_END         255
#define PRIMARY_SYSTEM_AT      8
#define PRIMARY_VOLUME_AT      40
#define PRIMARY_PUBLISHER_AT   318
#define PRIMARY_APPLICATION_AT 574
#define SHORT_ID_BYTES         32
#define LONG_ID_BYTES          128
#define PRIMARY_BLOCKS_AT      80
#define PRIMARY_BLOCK_AT       128
/* A disc copied track at once is up to 150 sectors shorter than its volume says: the run-out. */
#define RUN_OUT_BYTES (150 * 2048)

typedef struct {
  GCancellable *limit;
  GSource *timeout;
  GCancellable *user;
  gulong user_id;
  char *path;
  gboolean is_disc;
} Detection;

/* What the thread works on: its own copy. */
typedef struct {
  char *path;
  gboolean is_disc;
} Look;

static void
look_free (gpointer data)
{
  Look *look = data;

  g_free (look->path);
  g_free (look);
}

static void
detection_free (Detection *self)
{
  g_cancellable_disconnect (self->user, self->user_id);
  if (self->timeout != NULL) {
    g_source_destroy (self->timeout);
    g_source_unref (self->timeout);
  }
  g_clear_object (&self->user);
  g_clear_object (&self->limit);
  g_free (self->path);
  g_free (self);
}

static gboolean
fail_errno (const char *path, int number, GError **error)
{
  int code = LODGE_ERROR_STORAGE;

  if (number == ENOENT || number == ENOTDIR || number == ENAMETOOLONG)
    code = LODGE_ERROR_NOT_FOUND;
  else if (number == EACCES || number == EPERM)
    code = LODGE_ERROR_DENIED;
  g_set_error (error, LODGE_ERROR, code, _ ("Could not open the image %s: %s"), path,
               g_strerror (number));
  return FALSE;
}

static gboolean
check_kind (const char *path, const struct stat *info, GError **error)
{
  if (S_ISDIR (info->st_mode)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is a folder: choose an image file in it"), path);
    return FALSE;
  }
  if (!S_ISREG (info->st_mode) && !S_ISBLK (info->st_mode)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is neither a file nor a disk: choose an image file"), path);
    return FALSE;
  }
  if (S_ISREG (info->st_mode) && info->st_size == 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("The image %s is empty"), path);
    return FALSE;
  }
  return TRUE;
}

/* Looked at before it is opened (opening a tape or a FIFO does things), and again when it is open.
 */
static int
open_image (const char *path, struct stat *info, GError **error)
{
  int fd;

  if (stat (path, info) != 0) {
    fail_errno (path, errno, error);
    return -1;
  }
  if (!check_kind (path, info, error))
    return -1;

  fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0 || fstat (fd, info) != 0) {
    fail_errno (path, errno, error);
    if (fd >= 0)
      close (fd);
    return -1;
  }
  if (!check_kind (path, info, error)) {
    close (fd);
    return -1;
  }
  return fd;
}

static guint32
read_little_endian (const guchar *bytes, guint count)
{
  guint32 number = 0;

  for (guint i = count; i > 0; i--)
    number = number << 8 | bytes[i - 1];
  return number;
}

/* A field of the descriptor, without its padding. Transfer full. */
static char *
dup_field (const guchar *descriptor, guint offset, guint length)
{
  g_autofree char *text = g_strndup ((const char *) descriptor + offset, length);

  return g_strchomp (g_utf8_make_valid (text, -1));
}

/* Cut off is an error: such an image starts to install, and fails in the middle. */
static gboolean
check_whole (const char *path, const struct stat *info, guint64 size_bytes, GError **error)
{
  g_autofree char *has = NULL;
  g_autofree char *wants = NULL;

  if (!S_ISREG (info->st_mode) || (guint64) info->st_size + RUN_OUT_BYTES >= size_bytes)
    return TRUE;
  has = g_format_size (info->st_size);
  wants = g_format_size (size_bytes);
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("The image %s is cut off: it has %s of %s, download it again"), path, has, wants);
  return FALSE;
}

/* Reads the primary descriptor where there is one; what is no ISO 9660 volume has no name.
 * @out_is_disc: also for a volume of UDF alone, which begins with an extended area (ECMA-167,
 * 2/9.2).
 */
static gboolean
read_volume (int fd,
             const char *path,
             const struct stat *info,
             LodgeVolume *out_volume,
             gboolean *out_is_disc,
             GError **error)
{
  for (guint i = 0; i < DESCRIPTOR_LIMIT; i++) {
    guchar descriptor[DESCRIPTOR_BYTES];
    goffset offset = DESCRIPTOR_OFFSET + (goffset) i * DESCRIPTOR_BYTES;
    gssize n = pread (fd, descriptor, sizeof descriptor, offset);

    if (n < 0)
      return fail_errno (path, errno, error);
    if (n == (gssize) sizeof descriptor && memcmp (descriptor + 1, "BEA01", 5) == 0)
      *out_is_disc = TRUE;
    if (n < (gssize) sizeof descriptor || memcmp (descriptor + 1, "CD001", 5) != 0 ||
        descriptor[0] == DESCRIPTOR_END)
      break;
    *out_is_disc = TRUE;
    if (descriptor[0] != DESCRIPTOR_PRIMARY)
      continue;

    out_volume->size_bytes = (guint64) read_little_endian (descriptor + PRIMARY_BLOCKS_AT, 4) *
                             read_little_endian (descriptor + PRIMARY_BLOCK_AT, 2);
    if (!check_whole (path, info, out_volume->size_bytes, error))
      return FALSE;
    out_volume->system_id = dup_field (descriptor, PRIMARY_SYSTEM_AT, SHORT_ID_BYTES);
    out_volume->volume_id = dup_field (descriptor, PRIMARY_VOLUME_AT, SHORT_ID_BYTES);
    out_volume->publisher_id = dup_field (descriptor, PRIMARY_PUBLISHER_AT, LONG_ID_BYTES);
    out_volume->application_id = dup_field (descriptor, PRIMARY_APPLICATION_AT, LONG_ID_BYTES);
    return TRUE;
  }
  return TRUE;
}

static char *
detect (const char *path, gboolean *out_is_disc, GError **error)
{
  g_auto (LodgeVolume) volume = {0};
  struct stat info;
  gboolean read;
  int fd = open_image (path, &info, error);

  if (fd < 0)
    return NULL;
  read = read_volume (fd, path, &info, &volume, out_is_disc, error);
  close (fd);
  if (!read)
    return NULL;
  return volume.volume_id != NULL ? lodge_os_catalogue_identify (&volume) : g_strdup ("");
}

static void
detect_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Look *look = data;
  g_autoptr (GError) error = NULL;
  char *os = detect (look->path, &look->is_disc, &error);

  if (os != NULL)
    g_task_return_pointer (task, os, g_free);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
detected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Detection *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  char *os = g_task_propagate_pointer (G_TASK (result), &error);

  if (os != NULL) {
    self->is_disc = ((Look *) g_task_get_task_data (G_TASK (result)))->is_disc;
    g_task_return_pointer (task, os, g_free);
  } else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_task_return_error (task, g_steal_pointer (&error));
  } else if (g_cancellable_is_cancelled (self->user)) {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_CANCELLED,
                             _ ("Looking at %s was cancelled"), self->path);
  } else {
    g_task_return_new_error (task, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                             _ ("Looking at %s took too long: is the disk it is on still there?"),
                             self->path);
  }
}

static gboolean
limit_cb (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

static void
user_cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

void
lodge_media_detect_async (const char *path,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  g_autoptr (GTask) looking = NULL;
  Detection *self = g_new0 (Detection, 1);
  Look *look = g_new0 (Look, 1);

  g_task_set_source_tag (task, lodge_media_detect_async);
  g_task_set_task_data (task, self, (GDestroyNotify) detection_free);
  self->path = g_strdup (path);
  self->limit = g_cancellable_new ();
  self->timeout = g_timeout_source_new (DETECT_LIMIT_MS);
  g_source_set_callback (self->timeout, limit_cb, g_object_ref (self->limit), g_object_unref);
  g_source_attach (self->timeout, g_main_context_get_thread_default ());
  if (cancellable != NULL) {
    self->user = g_object_ref (cancellable);
    self->user_id = g_cancellable_connect (cancellable, G_CALLBACK (user_cancelled_cb),
                                           g_object_ref (self->limit), g_object_unref);
  }

  /* The thread cannot be stopped in a read that hangs; it keeps its own copy of the path. */
  looking = g_task_new (NULL, self->limit, detected_cb, g_object_ref (task));
  g_task_set_source_tag (looking, lodge_media_detect_async);
  look->path = g_strdup (path);
  g_task_set_task_data (looking, look, look_free);
  g_task_set_return_on_cancel (looking, TRUE);
  g_task_run_in_thread (looking, detect_in_thread);
}

char *
lodge_media_detect_finish (GAsyncResult *result, gboolean *out_is_disc, GError **error)
{
  const Detection *self;

  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_media_detect_async), NULL);
  self = g_task_get_task_data (G_TASK (result));
  *out_is_disc = self->is_disc;
  return g_task_propagate_pointer (G_TASK (result), error);
}
