/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The graphics cards of this computer that a guest's pictures can be drawn with. */
#include "host/lodge-host-graphics.h"

#include "host/lodge-host-root.h"
#include "lodge-config.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "/dev/dri"
#define PREFIX "renderD"

gboolean lodge_host_graphics_is_shown = LODGE_GTK_SHOWS_3D;

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

static const char *
get_folder (void)
{
  return test_folder != NULL ? test_folder : FOLDER;
}

/* What is said of a computer that is made of files is where they would be. */
static char *
dup_real (const char *path)
{
  return test_folder != NULL ? g_strdup (path) : lodge_host_root_dup_path (path);
}

/* By the numbers that the kernel gives them, in the order that it finds the cards in. */
static GPtrArray *
list_names (void)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *path = dup_real (get_folder ());
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    if (g_str_has_prefix (name, PREFIX))
      g_ptr_array_add (names, g_strdup (name));
  }
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* What may not be opened, with the reason; takes @node. */
static void
set_refused (GError **error, char *node, int why)
{
  if (why == EACCES || why == EPERM)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED,
                 _ ("you may not open %s: become a member of the group render, and log in anew"),
                 node);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("could not open %s: %s"), node,
                 g_strerror (why));
  g_free (node);
}

GPtrArray *
lodge_host_list_render_nodes (GError **error)
{
  g_autoptr (GPtrArray) names = list_names ();
  g_autoptr (GPtrArray) nodes = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *refused = NULL;
  int why = 0;

  for (guint i = 0; i < names->len; i++) {
    g_autofree char *node = g_build_filename (get_folder (), names->pdata[i], NULL);
    g_autofree char *real = dup_real (node);
    const int fd = open (real, O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd >= 0) {
      close (fd);
      g_ptr_array_add (nodes, g_steal_pointer (&node));
    } else if (refused == NULL) {
      why = errno;
      refused = g_steal_pointer (&node);
    }
  }
  if (nodes->len > 0)
    return g_steal_pointer (&nodes);

  if (refused != NULL)
    set_refused (error, g_steal_pointer (&refused), why);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("this computer has no graphics card that programs can draw with (no %s in %s)"),
                 PREFIX "*", get_folder ());
  return NULL;
}

char *
lodge_host_find_render_node (const char *wanted, GError **error)
{
  g_autoptr (GPtrArray) names = list_names ();
  g_autofree char *shown = g_utf8_make_valid (wanted, -1);
  /* The links in by-path keep their names when a card comes or goes. */
  char *real = realpath (wanted, NULL);
  char *top = realpath (get_folder (), NULL);
  g_autofree char *node = NULL;

  for (guint i = 0; i < names->len && real != NULL && top != NULL && node == NULL; i++) {
    g_autofree char *one = g_build_filename (top, names->pdata[i], NULL);

    if (g_str_equal (one, real))
      node = g_steal_pointer (&one);
  }
  free (real);
  free (top);
  if (node == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("this computer has no graphics card “%s” that programs can draw with "
                    "(display.render-node; “lodgectl host” says which there are)"),
                 shown);
    return NULL;
  }
  const int fd = open (node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    set_refused (error, g_steal_pointer (&node), errno);
    return NULL;
  }
  close (fd);
  return g_steal_pointer (&node);
}

char *
lodge_host_dup_render_node_driver (const char *node)
{
  g_autofree char *name = g_path_get_basename (node);
  g_autofree char *path = g_build_filename ("/sys/class/drm", name, "device", "uevent", NULL);
  g_autofree char *text = lodge_host_root_read (path);
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++) {
    if (g_str_has_prefix (lines[i], "DRIVER="))
      return g_strdup (lines[i] + strlen ("DRIVER="));
  }
  return NULL;
}
