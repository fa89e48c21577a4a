/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What QEMU's blklogwrites has recorded of a file, and the file as a power cut would have left it.
 *
 * The log is that of Linux's dm-log-writes (drivers/md/dm-log-writes.c, QEMU block/blklogwrites.c):
 * a sector with the number of entries, then each entry in a sector of its own, with its data behind
 * it.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  WRITE_LOSS_ALL,  /* nothing is there that was not flushed */
  WRITE_LOSS_NONE, /* all of it is */
  WRITE_LOSS_SOME, /* some sectors of it are, in no order */
  WRITE_LOSS_N,
} WriteLoss;

typedef struct _WriteLog WriteLog;

/* @image: what was in the file before the first entry. */
WriteLog *write_log_new (GBytes *image, const char *path);
void write_log_free (WriteLog *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WriteLog, write_log_free)

guint write_log_get_n_entries (WriteLog *self);
/* Of a log that is being written: how many entries there were when the last flush had ended. */
guint write_log_count_flushed (const char *path);

/* The file after the first @n entries. @out_n_lost: (optional): sectors that were written and are
 * not there. */
GBytes *write_log_cut (WriteLog *self, guint n, WriteLoss loss, guint *out_n_lost);

G_END_DECLS
