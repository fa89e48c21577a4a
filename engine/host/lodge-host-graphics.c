/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The graphics card of this computer that a guest's pictures can be drawn with. */
#include "host/lodge-host-graphics.h"

#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "/dev/dri"
#define PREFIX "renderD"

static char *test_folder;

void
lodge_host_graphics_set_folder_for_tests (const char *folder)
{
  g_free (test_folder);
  test_folder = g_strdup (folder);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char *
lodge_host_find_render_node (GError **error)
{
  const char *path = test_folder != NULL ? test_folder : FOLDER;
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  g_autofree char *refused = NULL;
  const char *name;
  int why = 0;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    if (g_str_has_prefix (name, PREFIX))
      g_ptr_array_add (names, g_strdup (name));
  }
  /* The kernel numbers them in the order that it finds the cards in. */
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *node = g_build_filename (path, names->pdata[i], NULL);
    const int fd = open (node, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0) {
      close (fd);
      return g_steal_pointer (&node);
    }
    if (refused == NULL) {
      why = errno;
      refused = g_steal_pointer (&node);
    }
  }

  if (refused == NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("this computer has no graphics card that programs can draw with (no %s in %s)"),
                 PREFIX "*", path);
  else if (why == EACCES || why == EPERM)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED,
                 _ ("you may not open %s: become a member of the group render, and log in anew"),
                 refused);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("could not open %s: %s"), refused,
                 g_strerror (why));
  return NULL;
}
