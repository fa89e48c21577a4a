/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's snapshots as rows of a drawing: in which lane each stands, and which lines pass it.
 *
 * What goes on straight stays in its lane, so that a chain of a hundred snapshots is one line and
 * not a staircase: of those that go on from the same one, the way to the present, else the largest
 * branch, stays, comes last, and the others start a lane to the right of it. A lane to the right
 * has at most half of what is left, so there are never more than LODGE_SNAPSHOT_MAX_LANES.
 *
 * The list comes from the engine and may hold anything: each snapshot is there once, whatever
 * circles or gaps its parents make.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Of more only the first are laid out. */
#define LODGE_SNAPSHOT_MAX_ROWS  4096
#define LODGE_SNAPSHOT_MAX_LANES 14

typedef struct {
  gboolean present; /* not a snapshot: here the machine stands. The texts but the last are "" */
  char *id;
  char *name;
  char *description;
  gint64 created;       /* seconds since 1970 */
  guint64 bytes;        /* that become free when it is deleted, at most */
  guint64 shared_bytes; /* that others need as well */
  gboolean automatic;
  gboolean scheduled; /* because it was time for one, and it goes by itself, too */
  gboolean memory;    /* of a guest that ran */
  gboolean thumbnail;
  gboolean current;  /* the present goes on from it */
  char *parent_name; /* of what it goes on from, "" where that is none; the present's too */

  guint lane;      /* 0 is the leftmost */
  guint32 through; /* a bit for each lane whose line passes from top to bottom */
  gboolean above;  /* its own line comes from above */
  gboolean branch; /* its own line comes from the lane to the left, and bends here */
  gboolean below;  /* its own line goes on */
  gboolean way;    /* the line in lane 0 is the way to the present */
} LodgeSnapshotRow;

LodgeSnapshotRow *lodge_snapshot_row_ref (LodgeSnapshotRow *self);
void lodge_snapshot_row_unref (LodgeSnapshotRow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeSnapshotRow, lodge_snapshot_row_unref)
/* Whether they look the same. */
gboolean lodge_snapshot_row_equal (const LodgeSnapshotRow *a, const LodgeSnapshotRow *b);

/**
 * lodge_snapshot_tree_layout:
 * @snapshots: "aa{sv}", as Machine1.ListSnapshots answers; what is missing in one is empty or 0
 * @out_left_out: (out) (optional): how many there were too many
 *
 * The present has a row of its own, unless there are no snapshots, or the one that it goes on from
 * was left out.
 *
 * Returns: (transfer full) (element-type LodgeSnapshotRow): from top to bottom
 */
GPtrArray *lodge_snapshot_tree_layout (GVariant *snapshots, guint *out_left_out);

/* Lent, or NULL. */
LodgeSnapshotRow *lodge_snapshot_tree_find (GPtrArray *rows, const char *id);
/* Whether a snapshot has that name. */
gboolean lodge_snapshot_tree_has_name (GPtrArray *rows, const char *name);
/* A name for a new one: the time, and a number where that is taken. */
char *lodge_snapshot_tree_propose_name (GPtrArray *rows, GDateTime *now);

/* When a snapshot was made, for the user: today and yesterday are called so. "" for a time that no
 * calendar has. */
char *lodge_snapshot_format_time (gint64 created, GDateTime *now);

G_END_DECLS
