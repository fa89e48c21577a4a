/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a snapshot is due, and which is too many: by any calendar, and with any clock. */
#include "description/lodge-description-snapshots.h"
#include "machine/lodge-schedule.h"

static gint64
at (const char *text)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_local ();
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, zone);

  g_assert_nonnull (time);
  return g_date_time_to_unix (time);
}

static LodgeDescription *
make (LodgeSchedule schedule, guint hours)
{
  LodgeDescription *d = lodge_description_new ("web");

  d->schedule = schedule;
  d->schedule_hours = hours;
  return d;
}

typedef struct {
  const char *zone;
  LodgeSchedule schedule;
  guint hours;
  const char *last;
  const char *before; /* not yet */
  const char *due;
} Case;

static const Case cases[] = {
    {"UTC", LODGE_SCHEDULE_HOURLY, 1, "2026-03-01T10:20:00", "2026-03-01T11:19:59",
     "2026-03-01T11:20:00"},
    {"UTC", LODGE_SCHEDULE_HOURLY, 6, "2026-03-01T20:00:00", "2026-03-02T01:59:59",
     "2026-03-02T02:00:00"},
    {"UTC", LODGE_SCHEDULE_DAILY, 1, "2026-02-28T00:00:00", "2026-02-28T23:59:59",
     "2026-03-01T00:00:00"},
    {"UTC", LODGE_SCHEDULE_DAILY, 1, "2026-12-31T23:59:59", "2026-12-31T23:59:59",
     "2027-01-01T00:00:00"},
    /* Sunday, and Monday. */
    {"UTC", LODGE_SCHEDULE_WEEKLY, 1, "2026-03-01T12:00:00", "2026-03-01T23:59:59",
     "2026-03-02T00:00:00"},
    {"UTC", LODGE_SCHEDULE_WEEKLY, 1, "2026-03-02T00:00:00", "2026-03-08T23:59:59",
     "2026-03-09T00:00:00"},
    /* A day of 23 hours, and one of 25. */
    {"Europe/Berlin", LODGE_SCHEDULE_DAILY, 1, "2026-03-29T00:00:00", "2026-03-29T23:59:59",
     "2026-03-30T00:00:00"},
    {"Europe/Berlin", LODGE_SCHEDULE_DAILY, 1, "2026-10-25T00:00:00", "2026-10-25T23:59:59",
     "2026-10-26T00:00:00"},
    /* Hours are what has passed, whatever the clock on the wall shows: +01 to +02, and back. */
    {"Europe/Berlin", LODGE_SCHEDULE_HOURLY, 2, "2026-03-29T01:30:00+01:00",
     "2026-03-29T04:29:59+02:00", "2026-03-29T04:30:00+02:00"},
    {"Europe/Berlin", LODGE_SCHEDULE_HOURLY, 1, "2026-10-25T02:30:00+02:00",
     "2026-10-25T02:29:59+01:00", "2026-10-25T02:30:00+01:00"},
    /* Where there is no midnight at all. */
    {"America/Santiago", LODGE_SCHEDULE_DAILY, 1, "2026-09-05T10:00:00-04:00",
     "2026-09-05T23:59:59-04:00", "2026-09-06T01:00:00-03:00"},
};

static void
test_due (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (LodgeDescription) d = make (cases[i].schedule, cases[i].hours);
    gint64 last;

    g_setenv ("TZ", cases[i].zone, TRUE);
    g_test_message ("%s: %s", cases[i].zone, cases[i].due);
    last = at (cases[i].last);
    g_assert_false (lodge_schedule_is_due (d, last, last));
    g_assert_false (lodge_schedule_is_due (d, last, at (cases[i].before)));
    g_assert_true (lodge_schedule_is_due (d, last, at (cases[i].due)));
    /* Missed for a year, it is due once: what is taken then is the last. */
    g_assert_true (lodge_schedule_is_due (d, last, last + 365 * 86400));
    g_assert_false (lodge_schedule_is_due (d, last + 365 * 86400, last + 365 * 86400));
  }
  g_setenv ("TZ", "UTC", TRUE);
}

static void
test_off_and_first (void)
{
  g_autoptr (LodgeDescription) off = make (LODGE_SCHEDULE_OFF, 1);
  g_autoptr (LodgeDescription) daily = make (LODGE_SCHEDULE_DAILY, 1);

  g_assert_false (lodge_schedule_is_due (off, 0, at ("2026-03-01T10:20:00")));
  g_assert_true (lodge_schedule_is_due (daily, 0, at ("2026-03-01T10:20:00")));
}

/* A clock that was wrong, and is set back: by some hours nothing happens; after years it goes on
 * from now. */
static void
test_set_back (void)
{
  g_autoptr (LodgeDescription) hourly = make (LODGE_SCHEDULE_HOURLY, 3);
  g_autoptr (LodgeDescription) daily = make (LODGE_SCHEDULE_DAILY, 1);
  gint64 now = at ("2026-03-01T10:00:00");

  g_assert_false (lodge_schedule_is_due (hourly, now + 2 * 3600, now));
  g_assert_true (lodge_schedule_is_due (hourly, now + 4 * 3600, now));
  g_assert_false (lodge_schedule_is_due (daily, now + 20 * 3600, now));
  g_assert_true (lodge_schedule_is_due (daily, now + 26 * 3600, now));
  g_assert_cmpint (lodge_schedule_get_least_s (hourly), ==, 3600);
  hourly->schedule_hours = 1;
  g_assert_cmpint (lodge_schedule_get_least_s (hourly), ==, 1800);
}

static void
test_name (void)
{
  g_autoptr (LodgeDescription) d = make (LODGE_SCHEDULE_DAILY, 1);
  gint64 now = at ("2026-03-01T10:00:00");
  g_autofree char *first = lodge_schedule_dup_name (d, now);
  g_autofree char *second = NULL;

  g_assert_cmpstr (first, ==, "Automatic 2026-03-01 10:00");
  g_assert_true (lodge_snapshot_name_check (first, NULL));
  lodge_description_freeze (d, "s1", first, "", now);
  second = lodge_schedule_dup_name (d, now);
  g_assert_cmpstr (second, ==, "Automatic 2026-03-01 10:00 2");
}

static void
add (LodgeDescription *d, const char *id, gint64 created_s, gboolean scheduled)
{
  lodge_description_freeze (d, id, id, "", created_s);
  lodge_description_get_snapshot (d, id)->scheduled = scheduled;
}

static const char *
find (LodgeDescription *d, gboolean by_age, gint64 now)
{
  const LodgeSnapshot *expired = lodge_schedule_find_expired (d, by_age, now);

  return expired != NULL ? expired->id : NULL;
}

static void
test_expired (void)
{
  g_autoptr (LodgeDescription) d = make (LODGE_SCHEDULE_DAILY, 1);
  gint64 now = at ("2026-03-01T10:00:00");

  add (d, "s1", now - 30 * 86400, FALSE);
  add (d, "s2", now - 20 * 86400, TRUE);
  add (d, "s3", now - 10 * 86400, FALSE);
  add (d, "s4", now - 5 * 86400, TRUE);
  add (d, "s5", now, TRUE);

  d->keep_last = 0;
  d->keep_days = 0;
  g_assert_cmpstr (find (d, TRUE, now), ==, NULL);
  d->keep_last = 3;
  g_assert_cmpstr (find (d, FALSE, now), ==, NULL);
  d->keep_last = 2;
  g_assert_cmpstr (find (d, FALSE, now), ==, "s2");
  d->keep_last = 3;
  d->keep_days = 7;
  g_assert_cmpstr (find (d, FALSE, now), ==, NULL);
  g_assert_cmpstr (find (d, TRUE, now), ==, "s2");
  lodge_description_forget_snapshot (d, "s2");
  g_assert_cmpstr (find (d, TRUE, now), ==, NULL);
  g_assert_cmpstr (find (d, TRUE, now + 3 * 86400), ==, "s4");
  lodge_description_forget_snapshot (d, "s4");
  /* The last one stays, however old. */
  g_assert_cmpstr (find (d, TRUE, now + 300 * 86400), ==, NULL);

  add (d, "s6", now, TRUE);
  g_assert_cmpstr (find (d, TRUE, now + 300 * 86400), ==, "s5");
  d->schedule = LODGE_SCHEDULE_OFF;
  d->keep_last = 1;
  g_assert_cmpstr (find (d, TRUE, now + 300 * 86400), ==, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("TZ", "UTC", TRUE);
  g_test_add_func ("/schedule/due", test_due);
  g_test_add_func ("/schedule/off-and-first", test_off_and_first);
  g_test_add_func ("/schedule/set-back", test_set_back);
  g_test_add_func ("/schedule/name", test_name);
  g_test_add_func ("/schedule/expired", test_expired);
  return g_test_run ();
}
