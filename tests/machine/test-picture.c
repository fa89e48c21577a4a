/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures from a QEMU that may lie: exactly right, or refused. */
#include "lodge-error.h"
#include "machine/lodge-picture.h"

#include <png.h>
#include <string.h>

static GBytes *
make_ppm (const char *header, gsize pixels_size, guint8 value)
{
  GByteArray *array = g_byte_array_new ();
  g_autofree guint8 *pixels = g_malloc0 (pixels_size);

  g_byte_array_append (array, (const guint8 *) header, strlen (header));
  if (pixels_size > 0) {
    memset (pixels, value, pixels_size);
    g_byte_array_append (array, pixels, pixels_size);
  }
  return g_byte_array_free_to_bytes (array);
}

static void
test_refused (void)
{
  static const struct {
    const char *header;
    gsize size;
  } cases[] = {
      {"", 0},
      {"P6", 0},
      {"P5\n1 1\n255\n", 3},
      {"P6\n1 1\n255\n", 2},  /* a byte short */
      {"P6\n4 1\n255\n", 13}, /* a byte long */
      {"P6\n1 1\n255\n", 5},
      {"P6\n1 2\n255\n", 7}, /* one line filled up, and one not */
      {"P6\n0 1\n255\n", 0},
      {"P6\n-1 1\n255\n", 3},
      {"P6\n1 1\n65535\n", 6},
      {"P6\n1 1\n254\n", 3},
      {"P6\n99999 99999\n255\n", 16}, /* beyond any screen */
      {"P6\n16385 1\n255\n", 16385 * 3},
      {"P6\n4294967297 1\n255\n", 3}, /* 2^32 + 1 */
      {"P6\n# 1 1\n255\n", 3},
      {"P6\n1 1", 0},
      {"P6\n11111111111111111111", 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) ppm = make_ppm (cases[i].header, cases[i].size, 0x55);
    g_autoptr (GError) error = NULL;
    LodgePicture picture;

    g_assert_false (lodge_picture_parse (ppm, &picture, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  }
}

static void
test_scaled (void)
{
  g_autoptr (GBytes) ppm = make_ppm ("P6\n640 480\n255\n", 640 * 480 * 3, 0xa7);
  g_autoptr (GBytes) png = NULL;
  g_autofree guint8 *pixels = NULL;
  LodgePicture picture;
  png_image image = {.version = PNG_IMAGE_VERSION};

  g_assert_true (lodge_picture_parse (ppm, &picture, NULL));
  g_assert_cmpint (picture.width, ==, 640);
  g_assert_cmpint (picture.height, ==, 480);

  png = lodge_picture_encode (&picture, 100, NULL);
  g_assert_nonnull (png);
  g_assert_true (png_image_begin_read_from_memory (&image, g_bytes_get_data (png, NULL),
                                                   g_bytes_get_size (png)));
  g_assert_cmpuint (image.width, ==, 100);
  g_assert_cmpuint (image.height, ==, 75);
  image.format = PNG_FORMAT_RGB;
  pixels = g_malloc (PNG_IMAGE_SIZE (image));
  g_assert_true (png_image_finish_read (&image, NULL, pixels, 0, NULL));
  for (guint i = 0; i < 100 * 75 * 3; i++)
    g_assert_cmpuint (pixels[i], ==, 0xa7);
}

/* A picture that is kept keeps every pixel. */
static void
test_exact (void)
{
  guint8 bytes[15 + 12];
  g_autoptr (GBytes) ppm = NULL;
  g_autoptr (GBytes) png = NULL;
  guint8 pixels[12];
  LodgePicture picture;
  png_image image = {.version = PNG_IMAGE_VERSION};
  gsize header = strlen ("P6\n2 2\n255\n");

  memcpy (bytes, "P6\n2 2\n255\n", header);
  for (guint i = 0; i < 12; i++)
    bytes[header + i] = i * 20;
  ppm = g_bytes_new (bytes, header + 12);
  g_assert_true (lodge_picture_parse (ppm, &picture, NULL));
  png = lodge_picture_encode (&picture, 0, NULL);
  g_assert_true (png_image_begin_read_from_memory (&image, g_bytes_get_data (png, NULL),
                                                   g_bytes_get_size (png)));
  image.format = PNG_FORMAT_RGB;
  g_assert_cmpuint (PNG_IMAGE_SIZE (image), ==, 12);
  g_assert_true (png_image_finish_read (&image, NULL, pixels, 0, NULL));
  g_assert_cmpmem (pixels, 12, bytes + header, 12);
}

/* QEMU's own lines end at a multiple of four bytes; what is between them is no part of the picture.
 */
static void
test_filled_up (void)
{
  const char ppm_bytes[] = "P6\n3 2\n255\nabcdefghiXXXjklmnopqrXXX";
  g_autoptr (GBytes) ppm = g_bytes_new_static (ppm_bytes, sizeof ppm_bytes - 1);
  char pixels[3 * 2 * 3];

  for (int max_width = 0; max_width <= 1; max_width++) {
    LodgePicture picture;
    png_image image = {.version = PNG_IMAGE_VERSION};

    g_assert_true (lodge_picture_parse (ppm, &picture, NULL));
    g_autoptr (GBytes) png = lodge_picture_encode (&picture, max_width, NULL);
    g_assert_true (png_image_begin_read_from_memory (&image, g_bytes_get_data (png, NULL),
                                                     g_bytes_get_size (png)));
    image.format = PNG_FORMAT_RGB;
    g_assert_true (png_image_finish_read (&image, NULL, pixels, 0, NULL));
    if (max_width == 0)
      g_assert_cmpmem (pixels, sizeof pixels, "abcdefghijklmnopqr", sizeof pixels);
    else /* one box of all pixels */
      g_assert_cmpmem (pixels, 3, "hij", 3);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/machine/picture/refused", test_refused);
  g_test_add_func ("/machine/picture/scaled", test_scaled);
  g_test_add_func ("/machine/picture/exact", test_exact);
  g_test_add_func ("/machine/picture/filled-up", test_filled_up);
  return g_test_run ();
}
