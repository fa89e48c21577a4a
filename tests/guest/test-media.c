/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is on an image: known and unknown installers, and every kind of file that is none. */
#include "guest/lodge-media.h"
#include "guest/lodge-os-catalogue.h"

#include "iso-image.h"
#include "lodge-error.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
  char *folder;
  char *path; /* "image" in it */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("lodge-media-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->path = g_build_filename (fixture->folder, "image", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_remove (fixture->path); /* some cases make none */
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->path);
  g_free (fixture->folder);
}

static void
store_result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static char *
detect (const char *path, gboolean *out_is_disc, GError **error)
{
  GAsyncResult *result = NULL;
  GWeakRef weak;
  char *os;

  lodge_media_detect_async (path, NULL, store_result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  os = lodge_media_detect_finish (result, out_is_disc, error);

  g_weak_ref_init (&weak, result);
  g_object_unref (result);
  while (g_main_context_iteration (NULL, FALSE)) {
  }
  g_assert_null (g_weak_ref_get (&weak));
  g_weak_ref_clear (&weak);
  return os;
}

/* The error is @code and its sentence names the file. */
static void
check_refused (const char *path, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  gboolean is_disc;
  g_autofree char *os = detect (path, &is_disc, &error);

  g_assert_error (error, LODGE_ERROR, code);
  g_assert_null (os);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, words));
  g_assert_null (strchr (error->message, '\n'));
}

static void
check_detected (const char *path, const char *expected, gboolean expected_disc)
{
  g_autoptr (GError) error = NULL;
  gboolean is_disc = FALSE;
  g_autofree char *os = detect (path, &is_disc, &error);

  g_assert_no_error (error);
  g_assert_cmpint (is_disc, ==, expected_disc);
  g_assert_cmpstr (os, ==, expected);
}

static void
test_known (Fixture *fixture, gconstpointer data)
{
  static const struct {
    IsoImage image;
    const char *os;
  } rows[] = {
      {{.system_id = "", .volume_id = "Debian 11.6.0 amd64 n"}, "debian11"},
      /* Newer than Debian 12's catalogue: by its relative there, by itself elsewhere. */
      {{.system_id = "", .volume_id = "Debian 12.4.0 amd64 n"}, "debian12"},
      {{.system_id = "",
        .volume_id = "CCCOMA_X64FRE_EN-US_DV9",
        .publisher_id = "MICROSOFT CORPORATION",
        .application_id = "CDIMAGE 2.56 (01/01/2005 TM)"},
       "win11"},
      {{.system_id = "", .volume_id = "Fedora-WS-Live-37-1-7"}, "fedora37"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_test_message ("%s", rows[i].image.volume_id);
    iso_image_write (&rows[i].image, fixture->path);
    check_detected (fixture->path, rows[i].os, TRUE);
  }
}

static void
test_unknown (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = {"MY_BACKUP_2024",
                                      "",
                                      "Debian",
                                      "12",
                                      "99 99 99 99 99 99 99 99",
                                      "\xff\xfe\x01 \x80",
                                      "$(reboot) %s%n <b>",
                                      "((((((((((((((((((((((((((((((("};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    const IsoImage image = {.volume_id = names[i]};

    iso_image_write (&image, fixture->path);
    check_detected (fixture->path, "", TRUE);
  }
}

/* Not an ISO image at all: whoever asked decides what that means. */
static void
test_other_formats (Fixture *fixture, gconstpointer data)
{
  static const char *const texts[] = {"x", "QFI\xfb", "#!/bin/sh\n"};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_assert_true (g_file_set_contents (fixture->path, texts[i], -1, NULL));
    check_detected (fixture->path, "", FALSE);
  }
}

/* UDF without an ISO 9660 volume beside it. */
static void
test_udf (Fixture *fixture, gconstpointer data)
{
  g_autofree char *image = g_malloc0 (64 * 1024);

  memcpy (image + 32768 + 1, "BEA01", 5);
  memcpy (image + 32768 + 2048 + 1, "NSR02", 5);
  g_assert_true (g_file_set_contents (fixture->path, image, 64 * 1024, NULL));
  check_detected (fixture->path, "", TRUE);
}

static void
test_folder (Fixture *fixture, gconstpointer data)
{
  check_refused (fixture->folder, LODGE_ERROR_INVALID, "is a folder");
}

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *below = g_build_filename (fixture->path, "x", NULL);
  g_autofree char *name = g_strnfill (300, 'a');
  g_autofree char *longer = g_build_filename (fixture->folder, name, NULL);

  check_refused (fixture->path, LODGE_ERROR_NOT_FOUND, "No such file");
  g_assert_true (g_file_set_contents (fixture->path, "x", -1, NULL));
  check_refused (below, LODGE_ERROR_NOT_FOUND, "Not a directory");
  check_refused (longer, LODGE_ERROR_NOT_FOUND, "too long");
}

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  g_assert_true (g_file_set_contents (fixture->path, "", 0, NULL));
  check_refused (fixture->path, LODGE_ERROR_INVALID, "is empty");
}

static void
test_fifo (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  check_refused (fixture->path, LODGE_ERROR_INVALID, "neither a file nor a disk");
  check_refused ("/dev/zero", LODGE_ERROR_INVALID, "neither a file nor a disk");
}

static void
test_unreadable (Fixture *fixture, gconstpointer data)
{
  const IsoImage image = {.volume_id = "Debian 11.6.0 amd64 n"};

  gboolean root = geteuid () == 0;

  iso_image_write (&image, fixture->path);
  g_assert_cmpint (g_chmod (fixture->path, 0), ==, 0);
  g_assert_cmpint (g_chmod (fixture->folder, 0711), ==, 0);
  /* root may read everything: be nobody meanwhile. */
  if (root)
    g_assert_cmpint (seteuid (65534), ==, 0);
  check_refused (fixture->path, LODGE_ERROR_DENIED, "Permission denied");
  if (root)
    g_assert_cmpint (seteuid (0), ==, 0);
}

static void
test_looped_link (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (symlink (fixture->path, fixture->path), ==, 0);
  check_refused (fixture->path, LODGE_ERROR_STORAGE, "Too many levels");
}

static void
test_truncated (Fixture *fixture, gconstpointer data)
{
  IsoImage image = {.volume_id = "Debian 11.6.0 amd64 n", .sectors = 300000};

  iso_image_write (&image, fixture->path);
  check_refused (fixture->path, LODGE_ERROR_INVALID, "is cut off");

  /* Up to the run-out of a copied disc is no truncation. */
  image.sectors = ISO_IMAGE_SECTORS + 150;
  iso_image_write (&image, fixture->path);
  check_detected (fixture->path, "debian11", TRUE);
  image.sectors = ISO_IMAGE_SECTORS + 151;
  iso_image_write (&image, fixture->path);
  check_refused (fixture->path, LODGE_ERROR_INVALID, "is cut off");
  image.sectors = G_MAXUINT32;
  iso_image_write (&image, fixture->path);
  check_refused (fixture->path, LODGE_ERROR_INVALID, "is cut off");
}

/* Each length of a file that ends inside its descriptors, and random damage: an answer each time.
 */
static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  const IsoImage image = {.volume_id = "Debian 11.6.0 amd64 n"};
  static const guint lengths[] = {1,     2047,  32767, 32768, 32769, 32774, 34000, 34815, 34816,
                                  34817, 36000, 36864, 36870, 38911, 38912, 40960, 43008};

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++) {
    g_autoptr (GByteArray) bytes = iso_image_build (&image);
    g_autoptr (GError) error = NULL;
    g_autofree char *os = NULL;
    gboolean is_disc;

    g_assert_true (
        g_file_set_contents (fixture->path, (const char *) bytes->data, lengths[i], NULL));
    os = detect (fixture->path, &is_disc, &error);
    g_assert_true ((os != NULL) != (error != NULL));
    /* Without its primary descriptor it cannot be told. */
    if (lengths[i] < 34816)
      g_assert_cmpstr (os, ==, "");
  }

  for (guint i = 0; i < 30; i++) {
    g_autoptr (GByteArray) bytes = iso_image_build (&image);
    g_autoptr (GError) error = NULL;
    g_autofree char *os = NULL;
    gboolean is_disc;

    for (guint j = 0; j < 12; j++)
      bytes->data[g_test_rand_int_range (32768, 43008)] = (guchar) g_test_rand_int ();
    g_assert_true (
        g_file_set_contents (fixture->path, (const char *) bytes->data, bytes->len, NULL));
    os = detect (fixture->path, &is_disc, &error);
    g_assert_true ((os != NULL) != (error != NULL));
    if (error != NULL)
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    else
      g_assert_true (g_utf8_validate (os, -1, NULL));
  }
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  const IsoImage image = {.volume_id = "Debian 11.6.0 amd64 n"};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GAsyncResult *result = NULL;
  gboolean is_disc;

  iso_image_write (&image, fixture->path);
  lodge_media_detect_async (fixture->path, cancellable, store_result_cb, &result);
  g_cancellable_cancel (cancellable);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (lodge_media_detect_finish (result, &is_disc, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
  g_object_unref (result);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  lodge_os_catalogue_set_folder_for_tests (g_getenv ("LODGE_TEST_CATALOGUE"));
#define ADD(name, function) g_test_add ("/media/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("known", test_known);
  ADD ("unknown", test_unknown);
  ADD ("other-formats", test_other_formats);
  ADD ("udf", test_udf);
  ADD ("folder", test_folder);
  ADD ("missing", test_missing);
  ADD ("empty", test_empty);
  ADD ("fifo", test_fifo);
  ADD ("unreadable", test_unreadable);
  ADD ("looped-link", test_looped_link);
  ADD ("truncated", test_truncated);
  ADD ("damaged", test_damaged);
  ADD ("cancelled", test_cancelled);
  return g_test_run ();
}
