/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a snapshot is to be taken by itself, and which of those goes again. */
#include "machine/lodge-schedule.h"

#include "description/lodge-description-snapshots.h"

#include <glib/gi18n-lib.h>

#define HOUR_S 3600
#define DAY_S  (24 * HOUR_S)
/* A longest turn may have a day of 25 hours in it. */
#define SLACK_S HOUR_S

static gint64
get_turn_s (const LodgeDescription *self)
{
  switch (self->schedule) {
  case LODGE_SCHEDULE_HOURLY:
    return (gint64) self->schedule_hours * HOUR_S;
  case LODGE_SCHEDULE_DAILY:
    return DAY_S + SLACK_S;
  case LODGE_SCHEDULE_WEEKLY:
    return 7 * DAY_S + SLACK_S;
  case LODGE_SCHEDULE_OFF:
    break;
  }
  return 0;
}

/* The first local midnight behind @last_s, or that to Monday. */
static gint64
get_midnight_s (gint64 last_s, gboolean monday)
{
  g_autoptr (GDateTime) last = g_date_time_new_from_unix_local (last_s);
  g_autoptr (GDateTime) day = NULL;
  g_autoptr (GDateTime) midnight = NULL;
  int days = 1;

  if (last == NULL)
    return 0;
  if (monday)
    days = 8 - g_date_time_get_day_of_week (last);
  /* From noon, which every day has. */
  day = g_date_time_new_local (g_date_time_get_year (last), g_date_time_get_month (last),
                               g_date_time_get_day_of_month (last), 12, 0, 0);
  midnight = g_date_time_add_days (day, days);
  g_clear_pointer (&day, g_date_time_unref);
  /* Where the clocks go forward at midnight it is what comes instead. */
  day = g_date_time_new_local (g_date_time_get_year (midnight), g_date_time_get_month (midnight),
                               g_date_time_get_day_of_month (midnight), 0, 0, 0);
  return g_date_time_to_unix (day);
}

gboolean
lodge_schedule_is_due (const LodgeDescription *self, gint64 last_s, gint64 now_s)
{
  if (self->schedule == LODGE_SCHEDULE_OFF)
    return FALSE;
  if (last_s == 0 || last_s - now_s > get_turn_s (self))
    return TRUE;
  if (self->schedule == LODGE_SCHEDULE_HOURLY)
    return now_s - last_s >= get_turn_s (self);
  return now_s >= get_midnight_s (last_s, self->schedule == LODGE_SCHEDULE_WEEKLY);
}

gint64
lodge_schedule_get_least_s (const LodgeDescription *self)
{
  return MIN (get_turn_s (self) / 2, HOUR_S);
}

char *
lodge_schedule_dup_name (const LodgeDescription *self, gint64 now_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (now_s);
  g_autofree char *text = time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M") : NULL;
  /* Translators: the name of a snapshot that was taken by itself; %s is a date with a time. */
  g_autofree char *name = g_strdup_printf (_ ("Automatic %s"), text != NULL ? text : "");

  g_strstrip (name);
  return lodge_description_dup_free_snapshot_name (self, name);
}

const LodgeSnapshot *
lodge_schedule_find_expired (const LodgeDescription *self, gboolean by_age, gint64 now_s)
{
  const LodgeSnapshot *oldest = NULL;
  guint n = 0;

  for (guint i = 0; i < self->snapshots->len; i++) {
    const LodgeSnapshot *snapshot = self->snapshots->pdata[i];

    if (!snapshot->scheduled)
      continue;
    /* In the order of their making, whatever the clock has said. */
    if (oldest == NULL)
      oldest = snapshot;
    n++;
  }
  /* Whoever has switched it off keeps what is there. */
  if (self->schedule == LODGE_SCHEDULE_OFF || n < 2)
    return NULL;
  if (self->keep_last != 0 && n > self->keep_last)
    return oldest;
  if (by_age && self->keep_days != 0 &&
      now_s - oldest->created_s >= (gint64) self->keep_days * DAY_S)
    return oldest;
  return NULL;
}
