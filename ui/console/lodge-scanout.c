/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a server says about a picture in a graphics card's memory. */
#include "console/lodge-scanout.h"

#include "console/lodge-frame-check.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>
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

gboolean
lodge_scanout_is_of_guest_card (const char *fdinfo)
{
  const char *line = strstr (fdinfo, "\nexp_name:\t");

  return line != NULL && g_str_has_prefix (line, "\nexp_name:\tvirtio_gpu\n");
}

/* In a guest the memory of its graphics card is the host's. What the descriptor has is a page,
 * however large the picture is (Mesa, virgl_resource.c), and the host looks after the bounds; where
 * it is memory of the guest after all the kernel maps no more than there is. */
static gboolean
is_in_host (int fd, off_t end)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fdinfo/%d", fd);
  g_autofree char *text = NULL;

  return end == sysconf (_SC_PAGESIZE) && g_file_get_contents (path, &text, NULL, NULL) &&
         lodge_scanout_is_of_guest_card (text);
}

/* A dma-buf tells its size where a file would (Documentation/driver-api/dma-buf.rst). Whatever has
 * none, or less than the picture needs, is not one: whoever imports it would reach beyond. Wayland
 * compositors go by whole lines, the last one too, and end the connection of who passes less
 * (wlroots 0.18, linux_dmabuf_v1.c). */
static gboolean
holds (int fd, guint64 size, gboolean *out_in_host)
{
  const off_t end = lseek (fd, 0, SEEK_END);

  *out_in_host = end >= 0 && (guint64) end < size && is_in_host (fd, end);
  return end >= 0 && ((guint64) end >= size || *out_in_host);
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
  gboolean in_host = FALSE;

  if (plain == 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("The server’s picture has the format 0x%08x, which is not known."), fourcc);
    return FALSE;
  }
  if (fd < 0 || width < 1 || height < 1 || width > LODGE_FRAME_SIZE_MAX ||
      height > LODGE_FRAME_SIZE_MAX || stride < width * 4 || stride > LODGE_FRAME_SIZE_MAX * 4 ||
      !holds (fd, (guint64) stride * height, &in_host)) {
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
                                .from_bottom = !!from_bottom,
                                .in_host = in_host};
  return TRUE;
}
