/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the host check reads /proc, /sys and the rest from: "/", or a folder laid out like it. */
#include "host/lodge-host-root.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* All that is read here is short; /proc/cpuinfo of a large computer is not, and its first CPU is
 * enough. */
#define READ_LIMIT_BYTES (64 * 1024)

static char *test_root;

void
lodge_host_root_set_for_tests (const char *root)
{
  g_free (test_root);
  test_root = g_strdup (root);
}

gboolean
lodge_host_root_is_for_tests (void)
{
  return test_root != NULL;
}

char *
lodge_host_root_dup_path (const char *path)
{
  if (test_root == NULL)
    return g_strdup (path);
  return g_build_filename (test_root, path, NULL);
}

gboolean
lodge_host_root_exists (const char *path)
{
  g_autofree char *full = lodge_host_root_dup_path (path);

  return g_file_test (full, G_FILE_TEST_EXISTS);
}

gboolean
lodge_host_root_has_module (const char *module)
{
  g_autofree char *path = g_build_filename ("/sys/module", module, NULL);

  return lodge_host_root_exists (path);
}

char *
lodge_host_root_read (const char *path)
{
  g_autofree char *full = lodge_host_root_dup_path (path);
  g_autofree char *text = g_malloc (READ_LIMIT_BYTES + 1);
  gsize length = 0;
  int fd = open (full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0)
    return NULL;

  while (length < READ_LIMIT_BYTES) {
    gssize n = read (fd, text + length, READ_LIMIT_BYTES - length);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      close (fd);
      return NULL;
    }
    if (n == 0)
      break;
    length += n;
  }
  close (fd);

  text[length] = '\0';
  return g_strstrip (g_utf8_make_valid (text, strlen (text)));
}

gint64
lodge_host_root_read_number (const char *path, gint64 fallback)
{
  g_autofree char *text = lodge_host_root_read (path);
  gint64 number;

  if (text == NULL || !g_ascii_string_to_signed (text, 10, G_MININT64, G_MAXINT64, &number, NULL))
    return fallback;
  return number;
}

guint
lodge_host_root_count (const char *path)
{
  g_autofree char *full = lodge_host_root_dup_path (path);
  g_autoptr (GDir) dir = g_dir_open (full, 0, NULL);
  guint count = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    count++;
  return count;
}

char *
lodge_host_root_find_program (const char *name)
{
  g_autofree char *path = NULL;

  if (test_root == NULL)
    return g_find_program_in_path (name);

  path = g_build_filename (test_root, "usr/bin", name, NULL);
  if (!g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
    return NULL;
  return g_steal_pointer (&path);
}
