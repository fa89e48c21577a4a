/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture that a graphics card has in its memory, as a server passes it: a dma-buf. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  int fd; /* of the memory, lent; -1: there is none */
  int width;
  int height;
  int stride;     /* bytes from one line to the next */
  guint32 fourcc; /* drm_fourcc.h; a pixel has 32 bits, and what would be alpha means nothing */
  gboolean from_bottom; /* the first line in memory is the lowest of the picture */
  gboolean in_host;     /* @fd has not all of it: nobody but its card's driver can read it */
} LodgeScanout;

/**
 * lodge_scanout_check:
 * @fd: the server's, which stays the caller's
 * @out_scanout: written only on success; its fd is @fd
 *
 * What a server says about its picture, checked against sizes that can be, and against the memory
 * that it has passed, which has all of its lines, or is of the card of a guest that this runs in
 * (in_host). A format with alpha becomes the same without: a screen has nothing below it.
 *
 * Errors: %LODGE_ERROR_FAILED when it is none that can be shown.
 */
gboolean lodge_scanout_check (int fd,
                              guint32 width,
                              guint32 height,
                              guint32 stride,
                              guint32 fourcc,
                              gboolean from_bottom,
                              LodgeScanout *out_scanout,
                              GError **error);

/* Whether what the kernel says of a descriptor (Documentation/filesystems/proc.rst, fdinfo) is that
 * a guest's graphics card, virtio_gpu, has made that dma-buf. Behind who has made it stands a name
 * that anybody may have given it, line breaks and all, so only the first such line counts. */
gboolean lodge_scanout_is_of_guest_card (const char *fdinfo);

G_END_DECLS
