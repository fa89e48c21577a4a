/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server says about a picture in a graphics card's memory. */
#include "console/lodge-scanout.h"

#include "console/lodge-frame-check.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#define FOURCC(a, b, c, d)                                                                         \
  ((guint32) (a) | (guint32) (b) << 8 | (guint32) (c) << 16 | (guint32) (d) << 24)

/* Those of drm_fourcc.h with 32 bits, each with the one that it is taken for. */
static const guint32 formats[][2] = {
    {FOURCC ('X', 'R', '2', '4'), FOURCC ('X', 'R', '2', '4')},
    {FOURCC ('A', 'R', '2', '4'), FOURCC ('X', 'R', '2', '4')},
    {FOURCC ('X', 'B', '2', '4'), FOURCC ('X', 'B', '2', '4')},
    {FOURCC ('A', 'B', '2', '4'), FOURCC ('X', 'B', '2', '4')},
    {FOURCC ('R', 'X', '2', '4'), FOURCC ('R', 'X', '2', '4')},
    {FOURCC ('R', 'A', '2', '4'), FOURCC ('R', 'X', '2', '4')},
    {FOURCC ('B', 'X', '2', '4'), FOURCC ('B', 'X', '2', '4')},
    {FOURCC ('B', 'A', '2', '4'), FOURCC ('B', 'X', '2', '4')},
    {FOURCC ('X', 'R', '3', '0'), FOURCC ('X', 'R', '3', '0')},
    {FOURCC ('A', 'R', '3', '0'), FOURCC ('X', 'R', '3', '0')},
    {FOURCC ('X', 'B', '3', '0'), FOURCC ('X', 'B', '3', '0')},
    {FOURCC ('A', 'B', '3', '0'), FOURCC ('X', 'B', '3', '0')},
};

/* 0: not known */
static guint32
without_alpha (guint32 fourcc)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i][0] == fourcc)
      return formats[i][1];
  }
  return 0;
}

/* A dma-buf tells its size where a file would (Documentation/driver-api/dma-buf.rst). Whatever has
 * none, or less than the picture needs, is not one: whoever imports it would reach beyond. */
static gboolean
holds (int fd, guint64 size)
{
  const off_t end = lseek (fd, 0, SEEK_END);

  return end >= 0 && (guint64) end >= size;
}

gboolean
lodge_scanout_check (int fd,
                     guint32 width,
                     guint32 height,
                     guint32 stride,
                     guint32 fourcc,
                     gboolean from_bottom,
                     LodgeScanout *out_scanout,
                     GError **error)
{
  const guint32 plain = without_alpha (fourcc);

  if (plain == 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("The server’s picture has the format 0x%08x, which is not known."), fourcc);
    return FALSE;
  }
  if (fd < 0 || width < 1 || height < 1 || width > LODGE_FRAME_SIZE_MAX ||
      height > LODGE_FRAME_SIZE_MAX || stride < width * 4 || stride > LODGE_FRAME_SIZE_MAX * 4 ||
      !holds (fd, (guint64) stride * (height - 1) + (guint64) width * 4)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("The server’s picture of %u × %u, with %u bytes in a line, cannot be one."),
                 width, height, stride);
    return FALSE;
  }

  *out_scanout = (LodgeScanout){.fd = fd,
                                .width = (int) width,
                                .height = (int) height,
                                .stride = (int) stride,
                                .fourcc = plain,
                                .from_bottom = !!from_bottom};
  return TRUE;
}
