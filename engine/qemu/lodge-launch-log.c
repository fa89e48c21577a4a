/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log of a launched program: opening it, and reading what the program said last.
 *
 * A program that a guest has taken over writes here: what is read back is cut, made valid UTF-8
 * and put on one line.
 */
#include "qemu/lodge-launch-log.h"

#include "lodge-error.h"
#include "qemu/lodge-launch.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_LIMIT_BYTES  (1024 * 1024)
#define TAIL_BYTES       8192
#define LAST_WORDS_BYTES 400
/* What a run's first line begins with. */
#define RUN_MARK "=== "

int
lodge_launch_log_open (const char *path, const char *program, GError **error)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format_iso8601 (now);
  g_autofree char *line = g_strdup_printf (RUN_MARK "%s %s\n", time, program);
  struct stat info;
  int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  int saved = errno;

  if (fd < 0) {
    g_set_error (error, LODGE_ERROR,
                 saved == EACCES || saved == EPERM || saved == EROFS ? LODGE_ERROR_DENIED
                                                                     : LODGE_ERROR_FAILED,
                 _ ("Could not open the log %s: %s"), path, g_strerror (saved));
    return -1;
  }
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode)) {
    close (fd);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("The log %s is not a plain file"),
                 path);
    return -1;
  }

  /* A full disk is no reason not to start: both may fail. */
  if (info.st_size > LOG_LIMIT_BYTES && ftruncate (fd, 0) != 0)
    g_debug ("Could not cut %s", path);
  if (write (fd, line, strlen (line)) < 0)
    g_debug ("Could not write to %s", path);
  return fd;
}

/* The end of a plain file, with a NUL behind it; NULL when there is none. */
static char *
read_tail (const char *path)
{
  g_autofree char *tail = NULL;
  struct stat info;
  ssize_t got = -1;
  int fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

  if (fd < 0)
    return NULL;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode)) {
    tail = g_malloc (TAIL_BYTES + 1);
    got = pread (fd, tail, TAIL_BYTES, MAX (0, info.st_size - TAIL_BYTES));
  }
  close (fd);
  if (got <= 0)
    return NULL;

  /* A NUL in it must not end it. */
  for (ssize_t i = 0; i < got; i++) {
    if (tail[i] == '\0')
      tail[i] = ' ';
  }
  tail[got] = '\0';
  return g_steal_pointer (&tail);
}

/* Takes @line. What is left may be empty. */
static char *
clean (char *line)
{
  g_autofree char *valid = g_utf8_make_valid (line, -1);
  GString *clean = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (!g_unichar_isprint (c))
      c = ' ';
    if (clean->len + (gsize) g_unichar_to_utf8 (c, NULL) > LAST_WORDS_BYTES)
      break;
    g_string_append_unichar (clean, c);
  }
  g_free (line);
  return g_strstrip (g_string_free (clean, FALSE));
}

char *
lodge_launch_read_last_words (const char *log_path)
{
  g_autofree char *tail = NULL;
  g_auto (GStrv) lines = NULL;

  g_return_val_if_fail (log_path != NULL, NULL);

  tail = read_tail (log_path);
  if (tail == NULL)
    return NULL;

  lines = g_strsplit (tail, "\n", -1);
  for (int i = (int) g_strv_length (lines) - 1; i >= 0; i--) {
    g_autofree char *words = NULL;

    /* What an earlier run said explains nothing. */
    if (g_str_has_prefix (lines[i], RUN_MARK))
      return NULL;
    words = clean (g_strdup (lines[i]));
    if (words[0] != '\0')
      return g_steal_pointer (&words);
  }
  return NULL;
}
