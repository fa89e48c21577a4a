/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See image-fixture.h. */
#include "image-fixture.h"

#include "lodge-error.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

gboolean
image_fixture_init (int *argc, char ***argv)
{
  g_autofree char *img = g_find_program_in_path ("qemu-img");
  g_autofree char *io = g_find_program_in_path ("qemu-io");

  g_test_init (argc, argv, NULL);
  if (img != NULL && io != NULL)
    return TRUE;
  g_print ("1..0 # SKIP qemu-img and qemu-io are not installed\n");
  return FALSE;
}

void
image_fixture_set_up (ImageFixture *self, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("lodge, image=:XXXXXX", &error);
  g_assert_no_error (error);
  self->secret_folder = g_dir_make_tmp ("lodge-secret-XXXXXX", &error);
  g_assert_no_error (error);
  self->secret = g_build_filename (self->secret_folder, "secret", NULL);
  /* Large enough for every sector of a small disk to come from it. */
  while (text->len < 2 * IMAGE_FIXTURE_MIB)
    g_string_append (text, IMAGE_FIXTURE_SECRET "\n");
  g_string_truncate (text, 2 * IMAGE_FIXTURE_MIB);
  g_assert_true (g_file_set_contents (self->secret, text->str, text->len, &error));
}

void
image_fixture_tear_down (ImageFixture *self, gconstpointer data)
{
  test_folder_remove (self->folder);
  test_folder_remove (self->secret_folder);
  g_free (self->folder);
  g_free (self->secret_folder);
  g_free (self->secret);
}

char *
image_fixture_path (ImageFixture *self, const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

void
image_fixture_assert_n_files (ImageFixture *self, guint expected)
{
  g_autoptr (GDir) dir = g_dir_open (self->folder, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL) {
    g_test_message ("there is %s", name);
    n++;
  }
  g_assert_cmpuint (n, ==, expected);
}

/* For a new LUKS key QEMU measures how fast the CPU is, and fails where the kernel's count of its
 * time does not move meanwhile (crypto/pbkdf.c). */
#define NO_CPU_TIME "Unable to get accurate CPU usage"

void
image_fixture_run (const char *program, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autofree char *output = NULL;
  g_autofree char *words = NULL;
  g_autoptr (GError) error = NULL;
  va_list arguments;
  int status;

  g_ptr_array_add (argv, (char *) program);
  va_start (arguments, program);
  do
    g_ptr_array_add (argv, va_arg (arguments, char *));
  while (g_ptr_array_index (argv, argv->len - 1) != NULL);
  va_end (arguments);
  for (guint i = 0; i < 10 && (words == NULL || strstr (words, NO_CPU_TIME) != NULL); i++) {
    g_clear_pointer (&output, g_free);
    g_clear_pointer (&words, g_free);
    g_spawn_sync (NULL, (char **) argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &output,
                  &words, &status, &error);
    g_assert_no_error (error);
  }
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s: %s%s", program, output, words);
}

char *
image_fixture_make_raw (ImageFixture *self)
{
  char *path = image_fixture_path (self, "plain.img");
  g_autofree char *bytes = g_malloc0 (8 * IMAGE_FIXTURE_MIB);

  bytes[510] = 0x55;
  bytes[511] = (char) 0xaa;
  memset (bytes + 5 * IMAGE_FIXTURE_MIB, 'm', IMAGE_FIXTURE_MIB);
  strcpy (bytes + 8 * IMAGE_FIXTURE_MIB - 16, "the end");
  g_assert_true (g_file_set_contents (path, bytes, 8 * IMAGE_FIXTURE_MIB, NULL));
  return path;
}

static void
put_be (char *at, guint64 value, guint bytes)
{
  for (guint i = 0; i < bytes; i++)
    at[i] = (char) (value >> (8 * (bytes - 1 - i)));
}

char *
image_fixture_make_forged (ImageFixture *self, const char *backing)
{
  char *path = image_fixture_path (self, "forged.img");
  g_autofree char *bytes = g_malloc0 (IMAGE_FIXTURE_MIB);

  memcpy (bytes, "QFI\xfb", 4);
  put_be (bytes + 4, 2, 4);
  put_be (bytes + 8, 0x200, 8);
  put_be (bytes + 16, strlen (backing), 4);
  put_be (bytes + 20, 16, 4);
  put_be (bytes + 24, IMAGE_FIXTURE_MIB, 8);
  put_be (bytes + 36, 1, 4);
  put_be (bytes + 40, 0x20000, 8);
  put_be (bytes + 48, 0x30000, 8);
  put_be (bytes + 56, 1, 4);
  strcpy (bytes + 0x200, backing);
  g_assert_true (g_file_set_contents (path, bytes, IMAGE_FIXTURE_MIB, NULL));
  return path;
}

/* --- Waiting for the asynchronous calls --- */

void
image_fixture_got_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ImageWait *wait = user_data;

  wait->result = g_object_ref (result);
  g_main_context_wakeup (NULL);
}

static gboolean
late_cb (gpointer user_data)
{
  ImageWait *wait = user_data;

  wait->late = TRUE;
  return G_SOURCE_CONTINUE;
}

GAsyncResult *
image_fixture_wait (ImageWait *wait)
{
  guint source = g_timeout_add_seconds (60, late_cb, wait);

  while (wait->result == NULL && !wait->late)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (source);
  g_assert_nonnull (wait->result);
  return wait->result;
}

void
image_fixture_end_wait (ImageWait *wait)
{
  GObject *weak = G_OBJECT (wait->result);

  g_object_add_weak_pointer (weak, (gpointer *) &weak);
  g_clear_object (&wait->result);
  for (guint i = 0; weak != NULL && i < 100; i++) {
    g_main_context_iteration (NULL, FALSE);
    g_usleep (1000);
  }
  g_assert_null (weak);
}

gboolean
image_fixture_create (
    const char *path, const char *format, guint64 size, GCancellable *cancellable, GError **error)
{
  ImageWait wait = {NULL, FALSE};
  gboolean good;

  lodge_image_create_async (path, format, size, cancellable, image_fixture_got_cb, &wait);
  good = lodge_image_create_finish (image_fixture_wait (&wait), error);
  image_fixture_end_wait (&wait);
  return good;
}

LodgeImageFacts *
image_fixture_inspect (const char *path, GCancellable *cancellable, GError **error)
{
  ImageWait wait = {NULL, FALSE};
  LodgeImageFacts *facts;

  lodge_image_inspect_async (path, cancellable, image_fixture_got_cb, &wait);
  facts = lodge_image_inspect_finish (image_fixture_wait (&wait), error);
  image_fixture_end_wait (&wait);
  return facts;
}

static void
progress_cb (double fraction, gpointer user_data)
{
  ImageProgress *progress = user_data;

  g_assert_cmpfloat (fraction, >=, 0);
  g_assert_cmpfloat (fraction, <=, 1);
  progress->last = fraction;
  progress->n++;
  if (progress->cancel_at_first != NULL)
    g_cancellable_cancel (progress->cancel_at_first);
}

gboolean
image_fixture_import (const char *source,
                      const char *format,
                      const char *path,
                      ImageProgress *progress,
                      GCancellable *cancellable,
                      GError **error)
{
  ImageWait wait = {NULL, FALSE};
  gboolean good;

  lodge_image_import_async (source, format, path, progress != NULL ? progress_cb : NULL, progress,
                            cancellable, image_fixture_got_cb, &wait);
  good = lodge_image_import_finish (image_fixture_wait (&wait), error);
  image_fixture_end_wait (&wait);
  return good;
}

gboolean
image_fixture_is_bootable (const char *const *layers, GError **error)
{
  ImageWait wait = {NULL, FALSE};
  gboolean bootable;

  lodge_image_is_bootable_async (layers, NULL, image_fixture_got_cb, &wait);
  bootable = lodge_image_is_bootable_finish (image_fixture_wait (&wait), error);
  image_fixture_end_wait (&wait);
  return bootable;
}

void
image_fixture_assert_sentence (const GError *error, int code, const char *path)
{
  g_assert_error (error, LODGE_ERROR, code);
  g_test_message ("%s", error->message);
  if (strstr (error->message, path) == NULL)
    g_error ("“%s” does not name %s", error->message, path);
  g_assert_null (strchr (error->message, '\n'));
  g_assert_null (strstr (error->message, IMAGE_FIXTURE_SECRET));
  g_assert_null (strstr (error->message, "json:"));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

void
image_fixture_in_child (void (*function) (ImageFixture *self))
{
  if (g_test_subprocess ()) {
    ImageFixture self = {0};

    image_fixture_set_up (&self, NULL);
    function (&self);
    image_fixture_tear_down (&self, NULL);
    return;
  }
  g_test_trap_subprocess (NULL, 120 * G_USEC_PER_SEC, 0);
  g_test_trap_assert_passed ();
}
