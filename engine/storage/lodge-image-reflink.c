/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See lodge-image-reflink.h. */
#include "storage/lodge-image-reflink.h"

#include "storage/lodge-image-grow.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* @keep: else the target is emptied again. */
static gboolean
reflink (int from, const char *target, gboolean keep)
{
  int to = open (target, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
  gboolean done;

  if (to < 0)
    return FALSE;
  /* Whatever the reason is, a copy in the long way tells of what matters. */
  done = ioctl (to, FICLONE, from) == 0;
  if ((!done || !keep) && ftruncate (to, 0) != 0)
    done = FALSE;
  close (to);
  return done;
}

static int
open_source (const char *source)
{
  return open (source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

gboolean
lodge_image_reflink_layer (const char *source,
                           const char *format,
                           guint64 size_bytes,
                           const char *target)
{
  int from = open_source (source);
  guint64 has = 0;
  gboolean done = from >= 0 && strcmp (format, "qcow2") == 0 &&
                  lodge_image_read_size (from, format, &has) && has == size_bytes &&
                  reflink (from, target, TRUE);

  if (from >= 0)
    close (from);
  return done;
}

gboolean
lodge_image_reflink_probe (const char *source, const char *target)
{
  int from = open_source (source);
  gboolean done = from >= 0 && reflink (from, target, FALSE);

  if (from >= 0)
    close (from);
  return done;
}
