/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a guest will stand still for its snapshot, before anybody presses the button. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What that depends on. */
typedef struct {
  guint64 memory_bytes; /* that the guest has in use */
  guint64 most_bytes;   /* that may be written before it is stopped */
  guint64 kept_bytes;   /* that this computer's memory has room for */
  guint64 disk_speed;   /* bytes a second; 0: not known */
  guint64 dirty_speed;  /* the same, of what the guest changes; 0: nothing, or not known */
  guint sync_us;        /* until something small is durable */
  guint n_syncs;        /* that are waited for */
} LodgeSnapshotEstimate;

/* In milliseconds. */
guint lodge_snapshot_estimate (const LodgeSnapshotEstimate *self);

/* Whether it all goes into this computer's memory, and neither the disk's speed nor the guest's
 * matters. */
gboolean lodge_snapshot_estimate_is_kept (const LodgeSnapshotEstimate *self);

/* Measures in @folder how long it takes until something small is durable and, if @speed, how fast
 * the disk is: some dozens of milliseconds, and up to half a second more. Blocks. What it writes
 * has no name, and is gone afterwards. What could not be measured is as it was. */
void
lodge_snapshot_estimate_measure (LodgeSnapshotEstimate *self, const char *folder, gboolean speed);

G_END_DECLS
