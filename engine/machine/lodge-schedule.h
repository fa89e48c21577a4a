/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a snapshot is to be taken by itself, and which of those goes again: what a description and a
 * clock say, and nothing else. */
#pragma once

#include "description/lodge-description.h"

G_BEGIN_DECLS

/**
 * lodge_schedule_is_due:
 * @last_s: when the last was taken, or nothing was there to be taken; 0: never
 * @now_s: since 1970
 *
 * Daily and weekly ones go by the local calendar, so that there is one for each day whether that
 * has 23 hours or 25; hourly ones by what has passed. However many times were missed, one is due. A
 * clock that was set back does not keep it waiting for longer than a turn.
 */
gboolean lodge_schedule_is_due (const LodgeDescription *self, gint64 last_s, gint64 now_s);

/* Two are never nearer to each other than this, whatever anybody does with the clock. */
gint64 lodge_schedule_get_least_s (const LodgeDescription *self);

/* What one that is taken now is called; no other has that name. Transfer full. */
char *lodge_schedule_dup_name (const LodgeDescription *self, gint64 now_s);

/**
 * lodge_schedule_find_expired:
 * @by_age: the clock can be trusted, and it is time for one that is too old
 *
 * Of those that were taken by themselves and that nobody has made his own: the oldest, where there
 * are more than are to be kept, or where it is too old. The last one stays.
 *
 * Returns: (nullable): lent
 */
const LodgeSnapshot *
lodge_schedule_find_expired (const LodgeDescription *self, gboolean by_age, gint64 now_s);

G_END_DECLS
