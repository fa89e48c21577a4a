/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images in an encrypted machine's folder: what is written to them is nowhere in the folder, the
 * real qemu-img takes them, and nothing is written in clear whatever is forgotten. */
#include "image-fixture.h"

#include "lodge-error.h"
#include "storage/lodge-folder-key.h"
#include "storage/lodge-image-empty.h"
#include "storage/lodge-image-grow.h"
#include "storage/lodge-image-join.h"
#include "storage/lodge-image-target.h"
#include "storage/lodge-key-file.h"
#include "test-folder.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE (20 * IMAGE_FIXTURE_MIB)
/* Longer than chance. */
#define PATTERN "the guest's own words, sixteen"

typedef struct {
  ImageFixture image;
  char *folder; /* of the machine */
  LodgeSecret *key;
  char *secret; /* a file with what opens the images, for qemu-io; outside of the folder */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (LodgeSecret) passphrase = NULL;

  image_fixture_set_up (&fixture->image, NULL);
  fixture->folder = image_fixture_path (&fixture->image, "machine");
  g_assert_no_errno (g_mkdir (fixture->folder, 0700));
  fixture->key = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  lodge_folder_key_set (fixture->folder, fixture->key);
  close (g_file_open_tmp (NULL, &fixture->secret, NULL));
  passphrase = lodge_secret_new_for_disks (fixture->key);
  g_assert_true (g_file_set_contents (fixture->secret, (char *) lodge_secret_get (passphrase),
                                      (gssize) lodge_secret_get_length (passphrase), NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  lodge_folder_key_forget (fixture->folder);
  lodge_secret_unref (fixture->key);
  g_free (fixture->folder);
  g_assert_no_errno (unlink (fixture->secret));
  g_free (fixture->secret);
  image_fixture_tear_down (&fixture->image, NULL);
}

static char *
own_path (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->folder, name, NULL);
}

/* As qemu-io takes it. @below: (nullable): of another image. */
static char *
dup_image (const char *path, const char *below)
{
  return g_strdup_printf ("json:{\"driver\":\"qcow2\",\"encrypt\":{\"format\":\"luks\","
                          "\"key-secret\":\"k\"},\"file\":{\"driver\":\"file\",\"filename\":"
                          "\"%s\"},\"backing\":%s}",
                          path, below != NULL ? below + strlen ("json:") : "null");
}

/* @command: one of qemu-io's. */
static void
io (Fixture *fixture, const char *image, const char *command)
{
  g_autofree char *object = g_strdup_printf ("secret,id=k,file=%s", fixture->secret);

  image_fixture_run ("qemu-io", "--object", object, "-c", command, image, NULL);
}

/* Writes the pattern at @offset. */
static void
write_pattern (Fixture *fixture, const char *image, guint64 offset)
{
  g_autofree char *file = NULL;
  g_autofree char *command = NULL;

  /* A path without the spaces that qemu-io ends a word at. */
  close (g_file_open_tmp (NULL, &file, NULL));
  command = g_strdup_printf ("write -s %s %" G_GUINT64_FORMAT " 64k", file, offset);
  g_assert_true (g_file_set_contents (file, PATTERN, -1, NULL));
  io (fixture, image, command);
  g_assert_no_errno (unlink (file));
}

static gboolean
has_pattern (const char *path)
{
  g_autofree char *data = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &data, &length, NULL));
  return memmem (data, length, PATTERN, strlen (PATTERN)) != NULL;
}

/* qemu-img's own look at its tables. */
static void
assert_whole (Fixture *fixture, const char *path)
{
  g_autofree char *object = g_strdup_printf ("secret,id=k,file=%s", fixture->secret);
  g_autofree char *image = dup_image (path, NULL);

  image_fixture_run ("qemu-img", "check", "-q", "--object", object, image, NULL);
}

static gboolean
create (const char *path, const char *format, GError **error)
{
  ImageWait wait = {NULL, FALSE};
  gboolean good;

  lodge_image_create_async (path, format, SIZE, NULL, image_fixture_got_cb, &wait);
  good = lodge_image_create_finish (image_fixture_wait (&wait), error);
  image_fixture_end_wait (&wait);
  return good;
}

static void
test_create (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = own_path (fixture, "disk.qcow2");
  g_autofree char *image = dup_image (path, NULL);
  g_autoptr (GError) error = NULL;
  struct stat info;
  guint64 bytes;
  int fd;

  g_assert_true (create (path, "qcow2", &error));
  g_assert_no_error (error);
  assert_whole (fixture, path);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_true (lodge_image_read_size (fd, "qcow2", &bytes));
  g_assert_cmpuint (bytes, ==, SIZE);
  g_assert_true (lodge_image_empty_check (fd));
  close (fd);
  /* The unused slots are a hole. */
  g_assert_no_errno (stat (path, &info));
  g_assert_cmpint (info.st_blocks * 512, <, 1024 * 1024);

  write_pattern (fixture, image, 5 * IMAGE_FIXTURE_MIB);
  g_assert_false (has_pattern (path));
  assert_whole (fixture, path);
  io (fixture, image, "read -P 0 0 5M");
  fd = open (path, O_RDONLY | O_CLOEXEC);
  g_assert_false (lodge_image_empty_check (fd));
  close (fd);
}

/* Two images have nothing in common that would tell what is the same in both. */
static void
test_keys (Fixture *fixture, gconstpointer data)
{
  g_autofree char *first = own_path (fixture, "first.qcow2");
  g_autofree char *second = own_path (fixture, "second.qcow2");
  const char *const paths[] = {first, second};
  char *contents[2];
  gsize lengths[2];
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 2; i++) {
    g_autofree char *image = dup_image (paths[i], NULL);

    g_assert_true (lodge_image_empty_write (paths[i], SIZE, &error));
    g_assert_no_error (error);
    write_pattern (fixture, image, 0);
    g_assert_true (g_file_get_contents (paths[i], &contents[i], &lengths[i], NULL));
  }
  g_assert_cmpuint (lengths[0], ==, lengths[1]);
  /* The last cluster is the data's. */
  g_assert_cmpint (memcmp (contents[0] + lengths[0] - 65536, contents[1] + lengths[1] - 65536, 512),
                   !=, 0);
  g_free (contents[0]);
  g_free (contents[1]);
}

static void
test_copy (Fixture *fixture, gconstpointer data)
{
  g_autofree char *source = image_fixture_path (&fixture->image, "source.raw");
  g_autofree char *path = own_path (fixture, "a,b.qcow2");
  g_autofree char *flat = own_path (fixture, "flat.qcow2");
  g_autofree char *image = dup_image (flat, NULL);
  g_autofree char *layer = g_strconcat ("qcow2:", path, NULL);
  g_autofree char *bytes = g_malloc0 (2 * IMAGE_FIXTURE_MIB);
  const char *layers[] = {layer, NULL};
  ImageWait wait = {NULL, FALSE};
  g_autoptr (GError) error = NULL;

  strcpy (bytes + IMAGE_FIXTURE_MIB, PATTERN);
  bytes[510] = 0x55;
  bytes[511] = (char) 0xaa;
  g_assert_true (g_file_set_contents (source, bytes, 2 * IMAGE_FIXTURE_MIB, NULL));
  lodge_image_import_async (source, "raw", path, NULL, NULL, NULL, image_fixture_got_cb, &wait);
  lodge_image_import_finish (image_fixture_wait (&wait), &error);
  image_fixture_end_wait (&wait);
  g_assert_no_error (error);
  g_assert_false (has_pattern (path));

  lodge_image_is_bootable_async (layers, NULL, image_fixture_got_cb, &wait);
  g_assert_true (lodge_image_is_bootable_finish (image_fixture_wait (&wait), &error));
  image_fixture_end_wait (&wait);
  g_assert_no_error (error);

  lodge_image_flatten_async (layers, 2 * IMAGE_FIXTURE_MIB, flat, NULL, NULL, NULL,
                             image_fixture_got_cb, &wait);
  lodge_image_flatten_finish (image_fixture_wait (&wait), &error);
  image_fixture_end_wait (&wait);
  g_assert_no_error (error);
  g_assert_false (has_pattern (flat));
  io (fixture, image, "read -P 0x55 510 1");
  io (fixture, image, "read -P 0x74 1M 1");
}

static void
test_merge_and_grow (Fixture *fixture, gconstpointer data)
{
  g_autofree char *lower = own_path (fixture, "lower.qcow2");
  g_autofree char *upper = own_path (fixture, "upper.qcow2");
  g_autofree char *lower_image = dup_image (lower, NULL);
  g_autofree char *upper_image = dup_image (upper, lower_image);
  g_autofree char *first = g_strconcat ("qcow2:", upper, NULL);
  g_autofree char *second = g_strconcat ("qcow2:", lower, NULL);
  const char *layers[] = {first, second, NULL};
  ImageWait wait = {NULL, FALSE};
  g_autoptr (GError) error = NULL;

  g_assert_true (create (lower, "qcow2", &error) && create (upper, "qcow2", &error));
  io (fixture, lower_image, "write -P 1 0 4M");
  io (fixture, upper_image, "write -P 2 1M 1M");
  write_pattern (fixture, upper_image, 8 * IMAGE_FIXTURE_MIB);
  lodge_image_merge_async (layers, NULL, NULL, NULL, image_fixture_got_cb, &wait);
  lodge_image_merge_finish (image_fixture_wait (&wait), &error);
  image_fixture_end_wait (&wait);
  g_assert_no_error (error);
  io (fixture, lower_image, "read -P 1 0 1M");
  io (fixture, lower_image, "read -P 2 1M 1M");
  io (fixture, lower_image, "read -P 0x74 8M 1");
  g_assert_false (has_pattern (lower));

  lodge_image_grow_async ("qcow2", lower, 2 * SIZE, image_fixture_got_cb, &wait);
  lodge_image_grow_finish (image_fixture_wait (&wait), &error);
  image_fixture_end_wait (&wait);
  g_assert_no_error (error);
  io (fixture, lower_image, "write -P 3 39M 1M");
  io (fixture, lower_image, "read -P 2 1M 1M");
  assert_whole (fixture, lower);
}

/* With a layer below and without; and what goes to other programs is in clear. */
static void
test_compact (Fixture *fixture, gconstpointer data)
{
  g_autofree char *lower = own_path (fixture, "lower.qcow2");
  g_autofree char *upper = own_path (fixture, "upper.qcow2");
  g_autofree char *thin_lower = own_path (fixture, "thin-lower.qcow2");
  g_autofree char *thin_upper = own_path (fixture, "thin-upper.qcow2");
  g_autofree char *export = image_fixture_path (&fixture->image, "export.raw");
  g_autofree char *hidden = lodge_image_target_dup_apart (export);
  g_autofree char *lower_image = dup_image (lower, NULL);
  g_autofree char *upper_image = dup_image (upper, lower_image);
  g_autofree char *thin_lower_image = dup_image (thin_lower, NULL);
  g_autofree char *thin_upper_image = dup_image (thin_upper, thin_lower_image);
  g_autofree char *first = g_strconcat ("qcow2:", upper, NULL);
  g_autofree char *second = g_strconcat ("qcow2:", lower, NULL);
  const char *layers[] = {first, second, NULL};
  struct stat before, after;
  ImageWait wait = {NULL, FALSE};
  g_autoptr (GError) error = NULL;

  g_assert_true (create (lower, "qcow2", &error) && create (upper, "qcow2", &error));
  io (fixture, lower_image, "write -P 1 0 8M");
  io (fixture, lower_image, "write -P 0 2M 6M");
  io (fixture, upper_image, "write -z 0 1M");
  write_pattern (fixture, upper_image, 4 * IMAGE_FIXTURE_MIB);
  for (guint i = 0; i < 2; i++) {
    lodge_image_compact_async (layers + i, i == 0 ? thin_upper : thin_lower, NULL, NULL, NULL,
                               image_fixture_got_cb, &wait);
    lodge_image_compact_finish (image_fixture_wait (&wait), &error);
    image_fixture_end_wait (&wait);
    g_assert_no_error (error);
  }
  g_assert_no_errno (stat (lower, &before));
  g_assert_no_errno (stat (thin_lower, &after));
  g_assert_cmpint (after.st_blocks, <, before.st_blocks / 2);
  assert_whole (fixture, thin_lower);
  g_assert_false (has_pattern (thin_upper));
  io (fixture, thin_upper_image, "read -P 0 0 1M");
  io (fixture, thin_upper_image, "read -P 1 1M 1M");
  io (fixture, thin_upper_image, "read -P 0x74 4M 1");

  lodge_image_export_async (layers, SIZE, "raw", export, hidden, FALSE, NULL, NULL, NULL,
                            image_fixture_got_cb, &wait);
  lodge_image_flatten_finish (image_fixture_wait (&wait), &error);
  image_fixture_end_wait (&wait);
  g_assert_no_error (error);
  g_assert_true (has_pattern (export));
}

/* Three layers in the middle of a chain. */
static void
test_join (Fixture *fixture, gconstpointer data)
{
  g_autofree char *joined = own_path (fixture, "joined.qcow2");
  g_autofree char *joined_image = NULL;
  char *paths[4], *images[4];
  char *layers[5] = {NULL};
  ImageWait wait = {NULL, FALSE};
  g_autoptr (GError) error = NULL;

  for (int i = 3; i >= 0; i--) {
    g_autofree char *name = g_strdup_printf ("l%d.qcow2", i);

    paths[i] = own_path (fixture, name);
    layers[i] = g_strconcat ("qcow2:", paths[i], NULL);
    images[i] = dup_image (paths[i], i < 3 ? images[i + 1] : NULL);
    g_assert_true (create (paths[i], "qcow2", &error));
  }
  io (fixture, images[3], "write -P 1 0 8M");
  io (fixture, images[2], "write -P 2 1M 1M");
  io (fixture, images[1], "write -z 2M 1M");
  write_pattern (fixture, images[0], 4 * IMAGE_FIXTURE_MIB);
  io (fixture, images[0], "discard 1M 64k");
  lodge_image_join_async ((const char *const *) layers, 3, joined, NULL, NULL, NULL,
                          image_fixture_got_cb, &wait);
  lodge_image_join_finish (image_fixture_wait (&wait), &error);
  image_fixture_end_wait (&wait);
  g_assert_no_error (error);
  assert_whole (fixture, joined);
  g_assert_false (has_pattern (joined));
  joined_image = dup_image (joined, images[3]);
  io (fixture, joined_image, "read -P 1 0 1M");
  io (fixture, joined_image, "read -P 0 1M 64k");
  io (fixture, joined_image, "read -P 2 1088k 960k");
  io (fixture, joined_image, "read -P 0 2M 1M");
  io (fixture, joined_image, "read -P 1 3M 1M");
  io (fixture, joined_image, "read -P 0x74 4M 1");
  io (fixture, joined_image, "read -P 1 5M 3M");

  lodge_folder_key_set (fixture->folder, NULL);
  g_assert_no_errno (unlink (joined));
  lodge_image_join_async ((const char *const *) layers, 3, joined, NULL, NULL, NULL,
                          image_fixture_got_cb, &wait);
  g_assert_false (lodge_image_join_finish (image_fixture_wait (&wait), &error));
  image_fixture_end_wait (&wait);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_assert_false (g_file_test (joined, G_FILE_TEST_EXISTS));
  for (guint i = 0; i < 4; i++) {
    g_free (paths[i]);
    g_free (images[i]);
    g_free (layers[i]);
  }
}

static void
test_locked (Fixture *fixture, gconstpointer data)
{
  g_autofree char *source = image_fixture_path (&fixture->image, "source.raw");
  g_autofree char *path = own_path (fixture, "layers");
  g_autofree char *layer = g_strdup_printf ("qcow2:%s/there.qcow2", fixture->folder);
  g_autofree char *there = own_path (fixture, "there.qcow2");
  g_autofree char *raw = own_path (fixture, "disk.raw");
  const char *layers[] = {layer, NULL};
  ImageWait wait = {NULL, FALSE};
  g_autoptr (GError) error = NULL;

  /* Not even unlocked. */
  g_assert_false (create (raw, "raw", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (g_file_test (raw, G_FILE_TEST_EXISTS));
  g_assert_true (create (there, "qcow2", &error));

  lodge_folder_key_set (fixture->folder, NULL);
  g_assert_no_errno (g_mkdir (path, 0700));
  g_free (path);
  path = own_path (fixture, "layers/new.qcow2");
  g_assert_false (create (path, "qcow2", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_clear_error (&error);
  g_assert_false (lodge_image_empty_write (path, SIZE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_clear_error (&error);
  image_fixture_run ("qemu-img", "create", "-q", "-f", "raw", source, "1M", NULL);
  lodge_image_import_async (source, "raw", path, NULL, NULL, NULL, image_fixture_got_cb, &wait);
  g_assert_false (lodge_image_import_finish (image_fixture_wait (&wait), &error));
  image_fixture_end_wait (&wait);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_clear_error (&error);
  lodge_image_is_bootable_async (layers, NULL, image_fixture_got_cb, &wait);
  g_assert_false (lodge_image_is_bootable_finish (image_fixture_wait (&wait), &error));
  image_fixture_end_wait (&wait);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_LOCKED);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static LodgeSecret *
secret (const char *text)
{
  return lodge_secret_new_copy (text, strlen (text));
}

static void
test_key_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = own_path (fixture, LODGE_KEY_FILE);
  g_autofree char *other = image_fixture_path (&fixture->image, "other");
  g_autoptr (LodgeSecret) right = secret ("Korrekt Pferd");
  g_autoptr (LodgeSecret) wrong = secret ("Korrekt Pferd ");
  g_autoptr (LodgeSecret) key = NULL;
  g_autoptr (LodgeSecret) copy = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  struct stat info;
  gsize length;
  char *at;

  g_assert_null (lodge_key_file_open (fixture->folder, right, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_true (lodge_key_file_write (fixture->folder, fixture->key, right, &error));
  g_assert_no_error (error);
  g_assert_no_errno (stat (file, &info));
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
  g_assert_null (lodge_key_file_open (fixture->folder, wrong, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_clear_error (&error);
  key = lodge_key_file_open (fixture->folder, right, &error);
  g_assert_no_error (error);
  g_assert_true (lodge_secret_equal (key, fixture->key));
  g_assert_true (lodge_key_file_check (fixture->folder, key));
  g_assert_false (lodge_key_file_check (fixture->folder, right));

  g_assert_no_errno (g_mkdir (other, 0700));
  g_assert_true (lodge_key_file_copy (fixture->folder, other, &error));
  copy = lodge_key_file_open (other, right, &error);
  g_assert_true (lodge_secret_equal (copy, fixture->key));

  /* Whoever changes what it costs gets another key, and cannot make it cost everything. */
  g_assert_true (g_file_get_contents (file, &text, &length, NULL));
  at = strstr (text, "memory=65536");
  g_assert_nonnull (at);
  memcpy (at, "memory=99999", 12);
  g_assert_true (g_file_set_contents (file, text, (gssize) length, NULL));
  g_assert_null (lodge_key_file_open (fixture->folder, right, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_clear_error (&error);
  memcpy (at, "memory=1e+99", 12);
  g_assert_true (g_file_set_contents (file, text, (gssize) length, NULL));
  g_assert_null (lodge_key_file_open (fixture->folder, right, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
}

static void
test_secret (void)
{
  g_autoptr (LodgeSecret) key = lodge_secret_new_random (LODGE_SECRET_KEY_BYTES);
  g_autoptr (LodgeSecret) text = lodge_secret_to_base64 (key);
  g_autofree char *copy =
      g_strndup ((char *) lodge_secret_get (text), lodge_secret_get_length (text));
  g_autoptr (LodgeSecret) again = lodge_secret_new_from_base64 (copy);
  g_autoptr (LodgeSecret) disks = lodge_secret_derive (key, "disks", NULL, 0);
  g_autoptr (LodgeSecret) memory = lodge_secret_derive (key, "memory", NULL, 0);
  g_autoptr (LodgeSecret) salted = lodge_secret_derive (key, "memory", (const guint8 *) "a", 1);
  char read_back[64];
  int fd;

  g_assert_true (lodge_secret_equal (key, again));
  g_assert_null (lodge_secret_new_from_base64 ("c2hvcnQ="));
  g_assert_false (lodge_secret_equal (disks, memory));
  g_assert_false (lodge_secret_equal (salted, memory));
  fd = lodge_secret_open (text, NULL);
  g_assert_cmpint (read (fd, read_back, sizeof read_back), ==,
                   (int) lodge_secret_get_length (text));
  g_assert_cmpint (memcmp (read_back, copy, strlen (copy)), ==, 0);
  g_assert_cmpint (read (fd, read_back, 1), ==, 0);
  close (fd);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/image-encrypted/secret", test_secret);
#define ADD(name, function)                                                                        \
  g_test_add ("/image-encrypted/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("create", test_create);
  ADD ("keys", test_keys);
  ADD ("copy", test_copy);
  ADD ("merge-and-grow", test_merge_and_grow);
  ADD ("compact", test_compact);
  ADD ("join", test_join);
  ADD ("locked", test_locked);
  ADD ("key-file", test_key_file);
  return g_test_run ();
}
