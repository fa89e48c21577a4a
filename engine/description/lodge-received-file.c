/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that comes out of a guest into a folder of the user's. */
#include "description/lodge-received-file.h"

#include "description/lodge-durable-file.h"
#include "description/lodge-unfinished.h"
#include "lodge-error.h"
#include "lodge-plain-text.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* What is left free for others, whose guests would stand still: how much comes is the guest's to
 * say. */
#define SPARE_BYTES (G_GUINT64_CONSTANT (1) << 30)
#define MOST_NAMES  1000
/* PATH_MAX of Linux; Windows has less. */
#define MOST_PATH_BYTES 4096

struct _LodgeReceivedFile {
  char *folder;
  char *name;
  char *hidden; /* its name until it has the other; NULL: there is none any more */
  char *record;
  int folder_fd;
  int fd;
};

/* The name. */

static gboolean
is_separator (char c)
{
  return c == '/' || c == '\\';
}

/* From / in most systems; in Windows from a drive, C:\, or from another computer, \\. */
static gboolean
is_whole (const char *path)
{
  return path[0] == '/' || g_str_has_prefix (path, "\\\\") ||
         (g_ascii_isalpha (path[0]) && path[1] == ':' && is_separator (path[2]));
}

static gboolean
is_harmless (const char *text)
{
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c)) {
    if (lodge_plain_text_is_harmful (g_utf8_get_char (c)))
      return FALSE;
  }
  return TRUE;
}

char *
lodge_received_file_dup_name (const char *path, GError **error)
{
  const gboolean valid = g_utf8_validate (path, -1, NULL);
  g_autofree char *line = lodge_plain_text_dup_line (path);
  const char *name = path;

  if (!valid || !is_whole (path) || strlen (path) > MOST_PATH_BYTES) {
    if (g_utf8_strlen (line, -1) > 200)
      *g_utf8_offset_to_pointer (line, 200) = '\0';
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("“%s” is no whole path of a file in the guest: it begins with “/”, or with a "
                    "drive as in “C:\\”"),
                 line);
    return NULL;
  }
  for (const char *c = path; *c != '\0'; c++) {
    if (is_separator (*c))
      name = c + 1;
  }
  if (*name == '\0' || g_str_equal (name, ".") || g_str_equal (name, "..")) {
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_INVALID,
        _ ("“%s” is a folder: only single files can be copied. An archive of it can be one."),
        line);
    return NULL;
  }
  if (strlen (name) > NAME_MAX || !is_harmless (name)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("“%s” has a name that no file here is given: too long, or with characters that "
                    "are not shown. Give it another name in the guest first"),
                 line);
    return NULL;
  }
  return g_strdup (name);
}

/* Where the ending begins, or the end of the name. */
static const char *
find_ending (const char *name)
{
  const gsize tar = strlen (".tar");
  const char *dot = strrchr (name, '.');

  /* One in front hides the file. */
  if (dot == NULL || dot == name)
    return name + strlen (name);
  return (gsize) (dot - name) > tar && strncmp (dot - tar, ".tar", tar) == 0 ? dot - tar : dot;
}

char *
lodge_received_file_dup_numbered (const char *name, guint number)
{
  const char *ending = find_ending (name);
  g_autofree char *added = g_strdup_printf (" (%u)", number);
  gsize room;
  g_autofree char *stem = NULL;

  /* An ending that long is none. */
  if (strlen (ending) > NAME_MAX / 2)
    ending = name + strlen (name);
  room = NAME_MAX - strlen (added) - strlen (ending);
  stem = g_strndup (name, ending - name);
  if (strlen (stem) > room) {
    stem[room] = '\0';
    /* Not in the middle of a character. */
    for (const char *end; !g_utf8_validate (stem, -1, &end);)
      stem[end - stem] = '\0';
  }
  return g_strconcat (stem, added, ending, NULL);
}

/* The file. */

static char *
dup_path (const LodgeReceivedFile *self)
{
  return g_build_filename (self->folder, self->name, NULL);
}

static void
set_error (const LodgeReceivedFile *self, int saved_errno, GError **error)
{
  g_autofree char *path = dup_path (self);

  if (lodge_durable_is_full (saved_errno))
    lodge_durable_set_full (error, path);
  else
    g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved_errno),
                 _ ("Could not make %s: %s"), path, g_strerror (saved_errno));
}

/* FALSE: the disk has less than that, and what others need. Some file systems do not know. */
static gboolean
has_room (const LodgeReceivedFile *self, guint64 bytes)
{
  struct statvfs info;
  guint64 room;

  if (fstatvfs (self->folder_fd, &info) != 0 || info.f_blocks == 0)
    return TRUE;
  room = (guint64) info.f_bavail * info.f_frsize;
  return room >= SPARE_BYTES && room - SPARE_BYTES >= bytes;
}

static gboolean
check_room (const LodgeReceivedFile *self, guint64 bytes, GError **error)
{
  if (has_room (self, bytes))
    return TRUE;
  set_error (self, ENOSPC, error);
  return FALSE;
}

static void
set_open_error (const char *folder, int saved_errno, GError **error)
{
  g_set_error (error, LODGE_ERROR, lodge_durable_error_code (saved_errno),
               _ ("Could not open %s: %s"), folder, g_strerror (saved_errno));
}

/* (transfer full) (nullable): where what is open is by now; of its name nothing is looked at. NULL
 * with errno. */
static char *
dup_place (int fd)
{
  g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *place = g_malloc (PATH_MAX + 1);
  const gssize length = readlink (link, place, PATH_MAX + 1);

  if (length > PATH_MAX)
    errno = ENAMETOOLONG;
  if (length < 0 || length > PATH_MAX)
    return NULL;
  place[length] = '\0';
  return g_steal_pointer (&place);
}

static gboolean
is_in (const char *place, const char *data_folder)
{
  char *real = realpath (data_folder, NULL);
  const gboolean in =
      real != NULL && g_str_has_prefix (place, real) && strchr ("/", place[strlen (real)]) != NULL;

  free (real);
  return in;
}

int
lodge_received_file_open_folder (const char *data_folder, const char *folder, GError **error)
{
  const int fd = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  g_autofree char *place = fd >= 0 ? dup_place (fd) : NULL;

  if (place != NULL && !is_in (place, data_folder))
    return fd;
  if (place == NULL)
    set_open_error (folder, errno, error);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s is where Lodge keeps its machines: choose another folder"), folder);
  if (fd >= 0)
    close (fd);
  return -1;
}

LodgeReceivedFile *
lodge_received_file_begin (const char *data_folder,
                           int folder_fd,
                           const char *folder,
                           const char *name,
                           guint64 size_bytes,
                           GError **error)
{
  g_autoptr (LodgeReceivedFile) self = g_new0 (LodgeReceivedFile, 1);
  g_autofree char *hidden = NULL;
  g_autofree char *path = NULL;
  g_autofree char *place = NULL;

  self->folder = g_strdup (folder);
  self->name = g_strdup (name);
  self->fd = -1;
  self->folder_fd = fcntl (folder_fd, F_DUPFD_CLOEXEC, 0);
  place = self->folder_fd >= 0 ? dup_place (self->folder_fd) : NULL;
  if (place == NULL) {
    set_open_error (folder, errno, error);
    return NULL;
  }
  if (!check_room (self, size_bytes, error))
    return NULL;
  hidden = g_strdup_printf (".lodge-%08x%08x.new", g_random_int (), g_random_int ());
  path = g_build_filename (place, hidden, NULL);
  self->record = lodge_unfinished_begin (data_folder, path, error);
  if (self->record == NULL)
    return NULL;
  self->fd =
      openat (self->folder_fd, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (self->fd < 0) {
    set_error (self, errno, error);
    return NULL;
  }
  self->hidden = g_steal_pointer (&hidden);
  return g_steal_pointer (&self);
}

gboolean
lodge_received_file_write (LodgeReceivedFile *self, GBytes *bytes, GError **error)
{
  gsize length;
  const char *data = g_bytes_get_data (bytes, &length);

  if (!check_room (self, length, error))
    return FALSE;
  while (length > 0) {
    gssize n = TEMP_FAILURE_RETRY (write (self->fd, data, length));

    if (n < 0) {
      set_error (self, errno, error);
      return FALSE;
    }
    data += n;
    length -= (gsize) n;
  }
  return TRUE;
}

/* 0 or an errno. */
static int
give_name (LodgeReceivedFile *self)
{
  int saved = EEXIST;

  for (guint i = 1; saved == EEXIST && i <= MOST_NAMES; i++) {
    g_autofree char *name =
        i == 1 ? g_strdup (self->name) : lodge_received_file_dup_numbered (self->name, i);

    saved = lodge_durable_rename_new (self->folder_fd, self->hidden, name);
    if (saved == 0) {
      g_free (self->name);
      self->name = g_steal_pointer (&name);
      g_clear_pointer (&self->hidden, g_free);
    }
  }
  return saved;
}

static void
sync_folder (const LodgeReceivedFile *self)
{
  const int fd = openat (self->folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return;
  (void) fsync (fd);
  close (fd);
}

char *
lodge_received_file_commit (LodgeReceivedFile *self, GError **error)
{
  int saved = fsync (self->fd) == 0 ? 0 : errno;

  /* Some file systems tell only now. */
  if (close (g_steal_fd (&self->fd)) != 0 && saved == 0)
    saved = errno;
  if (saved == 0)
    saved = give_name (self);
  if (saved != 0) {
    set_error (self, saved, error);
    return NULL;
  }
  /* It is there; at worst a power cut takes it, and it can be fetched again. */
  sync_folder (self);
  return dup_path (self);
}

void
lodge_received_file_free (LodgeReceivedFile *self)
{
  if (self == NULL)
    return;
  if (self->hidden != NULL)
    unlinkat (self->folder_fd, self->hidden, 0);
  if (self->record != NULL)
    lodge_unfinished_end (self->record);
  if (self->fd >= 0)
    close (self->fd);
  if (self->folder_fd >= 0)
    close (self->folder_fd);
  g_free (self->folder);
  g_free (self->name);
  g_free (self->hidden);
  g_free (self->record);
  g_free (self);
}
