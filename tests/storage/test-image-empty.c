/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Empty layers: qemu-img finds them right and of the size that was wanted, and they are known to be
 * empty until something was written to them.
 */
#include "storage/lodge-image-empty.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static char *
run (const char *program, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  va_list arguments;
  int status;

  g_ptr_array_add (argv, (char *) program);
  va_start (arguments, program);
  do
    g_ptr_array_add (argv, va_arg (arguments, char *));
  while (g_ptr_array_index (argv, argv->len - 1) != NULL);
  va_end (arguments);
  g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, NULL,
                &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, NULL));
  return g_steal_pointer (&output);
}

static gboolean
is_empty (const char *path)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC);
  gboolean empty = lodge_image_empty_check (fd);

  close (fd);
  return empty;
}

static void
test_sizes (void)
{
  static const guint64 sizes[] = {
      512,
      1000,
      4 << 20,
      (G_GUINT64_CONSTANT (512) << 20) - 512,
      (G_GUINT64_CONSTANT (512) << 20) + 512,
      G_GUINT64_CONSTANT (20) << 30,
      G_GUINT64_CONSTANT (5000) << 30,
      G_GUINT64_CONSTANT (2048) << 40,
  };
  g_autofree char *folder = g_dir_make_tmp ("lodge-empty-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "disk.qcow2", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GBytes) bytes = lodge_image_empty_new (sizes[i]);
    g_autofree char *info = NULL;
    g_autofree char *wanted =
        g_strdup_printf ("\"virtual-size\": %" G_GUINT64_FORMAT, (sizes[i] + 511) / 512 * 512);

    g_assert_true (g_file_set_contents (path, g_bytes_get_data (bytes, NULL),
                                        (gssize) g_bytes_get_size (bytes), NULL));
    g_assert_true (is_empty (path));
    g_free (run ("qemu-img", "check", "-q", "-f", "qcow2", path, NULL));
    info = run ("qemu-img", "info", "-f", "qcow2", "--output=json", path, NULL);
    g_assert_nonnull (strstr (info, wanted));
    g_assert_null (strstr (info, "backing"));
  }
  g_remove (path);
  g_rmdir (folder);
}

static void
test_written (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-empty-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "disk.qcow2", NULL);
  g_autoptr (GBytes) bytes = lodge_image_empty_new (G_GUINT64_CONSTANT (20) << 30);

  g_assert_true (g_file_set_contents (path, g_bytes_get_data (bytes, NULL),
                                      (gssize) g_bytes_get_size (bytes), NULL));
  g_free (run ("qemu-io", "-f", "qcow2", "-c", "read 0 1M", path, NULL));
  g_assert_true (is_empty (path));
  g_free (run ("qemu-io", "-f", "qcow2", "-c", "write -P 3 19G 512", path, NULL));
  g_assert_false (is_empty (path));
  g_free (run ("qemu-img", "check", "-q", "-f", "qcow2", path, NULL));
  g_free (run ("qemu-io", "-f", "qcow2", "-c", "read -P 3 19G 512", path, NULL));
  /* qemu-img's own is known, too; and what is none is not. */
  g_free (run ("qemu-img", "create", "-q", "-f", "qcow2", path, "20G", NULL));
  g_assert_true (is_empty (path));
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  g_assert_false (is_empty (path));
  g_free (run ("qemu-img", "create", "-q", "-f", "raw", path, "1M", NULL));
  g_assert_false (is_empty (path));
  g_remove (path);
  g_rmdir (folder);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/storage/empty/sizes", test_sizes);
  g_test_add_func ("/storage/empty/written", test_written);
  return g_test_run ();
}
