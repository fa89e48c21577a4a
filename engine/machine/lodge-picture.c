/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pictures of a guest's screen: from the PPM that QEMU writes to PNG. */
#include "machine/lodge-picture.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <png.h>
#include <string.h>

/* Reads a number of at most five digits and the one white space behind it. */
static gboolean
read_number (const char **at, const char *end, int *out_number)
{
  int number = 0;
  int digits = 0;

  while (*at < end && g_ascii_isdigit (**at) && digits < 5) {
    number = number * 10 + (**at - '0');
    digits++;
    (*at)++;
  }
  if (digits == 0 || *at >= end || !g_ascii_isspace (**at))
    return FALSE;
  (*at)++;
  *out_number = number;
  return TRUE;
}

gboolean
lodge_picture_parse (GBytes *bytes, LodgePicture *out_picture, GError **error)
{
  gsize size = 0;
  gsize stride;
  const char *at = g_bytes_get_data (bytes, &size);
  const char *end;
  int width = 0;
  int height = 0;
  int depth = 0;

  if (size < 3 || memcmp (at, "P6", 2) != 0 || !g_ascii_isspace (at[2]))
    goto invalid;
  end = at + size;
  at += 3;
  if (!read_number (&at, end, &width) || !read_number (&at, end, &height) ||
      !read_number (&at, end, &depth))
    goto invalid;
  if (width < 1 || width > LODGE_PICTURE_MAX_SIDE || height < 1 ||
      height > LODGE_PICTURE_MAX_SIDE || depth != 255)
    goto invalid;
  stride = (gsize) width * 3;
  if ((gsize) (end - at) != stride * height)
    stride = (stride + 3) / 4 * 4;
  if ((gsize) (end - at) != stride * height)
    goto invalid;

  out_picture->width = width;
  out_picture->height = height;
  out_picture->stride = stride;
  out_picture->rgb = (const guint8 *) at;
  return TRUE;

invalid:
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                       _ ("QEMU's picture of the guest's screen is damaged"));
  return FALSE;
}

/* Averages boxes of source pixels: a thumbnail of text stays grey instead of flickering. */
static guint8 *
scale_down (const LodgePicture *picture, int width, int height)
{
  guint8 *rgb = g_malloc ((gsize) width * height * 3);

  for (int y = 0; y < height; y++) {
    int y0 = (int) ((gint64) y * picture->height / height);
    int y1 = MAX (y0 + 1, (int) ((gint64) (y + 1) * picture->height / height));

    for (int x = 0; x < width; x++) {
      int x0 = (int) ((gint64) x * picture->width / width);
      int x1 = MAX (x0 + 1, (int) ((gint64) (x + 1) * picture->width / width));
      guint64 sum[3] = {0, 0, 0};
      guint64 count = (guint64) (x1 - x0) * (y1 - y0);

      for (int v = y0; v < y1; v++) {
        const guint8 *line = picture->rgb + v * picture->stride + (gsize) x0 * 3;

        for (int u = x0; u < x1; u++, line += 3) {
          sum[0] += line[0];
          sum[1] += line[1];
          sum[2] += line[2];
        }
      }
      for (int c = 0; c < 3; c++)
        rgb[((gsize) y * width + x) * 3 + c] = sum[c] / count;
    }
  }
  return rgb;
}

GBytes *
lodge_picture_encode (const LodgePicture *picture, int max_width, GError **error)
{
  png_image image = {.version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_RGB};
  g_autofree guint8 *scaled = NULL;
  const guint8 *rgb = picture->rgb;
  int stride = (int) picture->stride;
  png_alloc_size_t size = 0;
  g_autofree guint8 *png = NULL;

  image.width = picture->width;
  image.height = picture->height;
  if (max_width > 0 && picture->width > max_width) {
    image.width = max_width;
    image.height = MAX (1, (int) ((gint64) picture->height * max_width / picture->width));
    scaled = scale_down (picture, image.width, image.height);
    rgb = scaled;
    stride = (int) image.width * 3;
  }
  image.flags = PNG_IMAGE_FLAG_FAST;

  size = PNG_IMAGE_PNG_SIZE_MAX (image);
  png = g_try_malloc (size);
  if (png == NULL || !png_image_write_to_memory (&image, png, &size, 0, rgb, stride, NULL)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("The picture of the guest's screen could not be written: %s"),
                 png == NULL ? _ ("out of memory") : image.message);
    return NULL;
  }
  return g_bytes_new_take (g_realloc (g_steal_pointer (&png), size), size);
}
