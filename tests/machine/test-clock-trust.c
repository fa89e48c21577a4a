/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the clock can be believed: at the start, after it was set, and from run to run. */
#include "machine/lodge-clock-trust.h"

#include <glib/gstdio.h>

#define HOUR_S 3600
#define DAY_S  ((gint64) 24 * HOUR_S)

typedef struct {
  char *folder;
  char *path;
  LodgeClockTrust *trust;
} Fixture;

static LodgeClock now;

static void
clock_cb (LodgeClock *out_clock)
{
  *out_clock = now;
}

/* An engine begins. */
static void
begin (Fixture *f)
{
  g_clear_pointer (&f->trust, lodge_clock_trust_free);
  f->trust = lodge_clock_trust_new (f->path);
}

/* The computer does; it was off for @off_s. */
static void
boot (Fixture *f, const char *name, gint64 off_s)
{
  now.wall_s += off_s;
  now.elapsed_s = 50;
  g_strlcpy (now.boot, name, sizeof now.boot);
  begin (f);
}

static gboolean
look (Fixture *f)
{
  return lodge_clock_trust_look (f->trust, &now);
}

static gboolean
pass (Fixture *f, gint64 seconds)
{
  now.wall_s += seconds;
  now.elapsed_s += seconds;
  return look (f);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("clock-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "clock", NULL);
  now = (LodgeClock){.wall_s = 1772359200, .elapsed_s = 5000, .boot = "first"};
  lodge_clock_hook = clock_cb;
  begin (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  lodge_clock_hook = NULL;
  lodge_clock_trust_free (f->trust);
  g_unlink (f->path);
  g_rmdir (f->folder);
  g_free (f->path);
  g_free (f->folder);
}

static void
test_first (Fixture *f, gconstpointer data)
{
  g_assert_false (look (f));
  /* Nothing is kept that is not believed. */
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_assert_false (pass (f, 23 * HOUR_S));
  g_assert_true (pass (f, HOUR_S));
  g_assert_true (g_file_test (f->path, G_FILE_TEST_EXISTS));
}

static void
test_synchronized (Fixture *f, gconstpointer data)
{
  now.synchronized = TRUE;
  g_assert_true (look (f));
  /* A time server has set it right. */
  now.wall_s += 400 * DAY_S;
  g_assert_true (pass (f, 30));
  /* And somebody wrong, whom the kernel does not believe either. */
  now.synchronized = FALSE;
  now.wall_s += 400 * DAY_S;
  g_assert_false (pass (f, 30));
  g_assert_false (pass (f, 23 * HOUR_S));
  g_assert_true (pass (f, HOUR_S));
}

/* Another engine in the same run of the computer. */
static void
test_engine (Fixture *f, gconstpointer data)
{
  pass (f, DAY_S);
  now.wall_s += 30 * DAY_S;
  now.elapsed_s += 30 * DAY_S;
  begin (f);
  g_assert_true (look (f));
  /* The clock was set while there was none. */
  now.wall_s += 2 * HOUR_S;
  begin (f);
  g_assert_false (look (f));
  /* And back again. */
  now.wall_s -= 2 * HOUR_S;
  begin (f);
  g_assert_true (look (f));
}

/* Another run of the computer. */
static void
test_boot (Fixture *f, gconstpointer data)
{
  g_assert_true (pass (f, DAY_S));
  boot (f, "second", 6 * DAY_S);
  g_assert_true (look (f));
  boot (f, "third", 8 * DAY_S);
  g_assert_false (look (f));
  g_assert_false (pass (f, 10 * HOUR_S));
  /* What was not believed has not become what is gone on from. */
  boot (f, "fourth", 0);
  g_assert_false (look (f));
  boot (f, "fifth", -8 * DAY_S);
  g_assert_true (look (f));
  /* Behind what it was. */
  boot (f, "sixth", -DAY_S);
  g_assert_false (look (f));
}

static void
test_damaged (Fixture *f, gconstpointer data)
{
  g_assert_true (pass (f, DAY_S));
  g_assert_true (g_file_set_contents (f->path, "[clock]\nwall=much\n", -1, NULL));
  begin (f);
  g_assert_false (look (f));
}

/* The real one. */
static void
test_real (void)
{
  LodgeClock clock;

  lodge_clock_hook = NULL;
  lodge_clock_read (&clock);
  g_assert_cmpint (clock.wall_s, >, 0);
  g_assert_cmpint (clock.elapsed_s, >, 0);
  g_assert_cmpuint (strlen (clock.boot), <, sizeof clock.boot);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/clock-trust/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("first", test_first);
  ADD ("synchronized", test_synchronized);
  ADD ("engine", test_engine);
  ADD ("boot", test_boot);
  ADD ("damaged", test_damaged);
  g_test_add_func ("/machine/clock-trust/real", test_real);
  return g_test_run ();
}
