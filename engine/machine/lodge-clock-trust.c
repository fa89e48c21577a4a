/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the clock on the wall can be believed. */
#include "machine/lodge-clock-trust.h"

#include "description/lodge-durable-file.h"

#include <gio/gio.h>

#define HOUR_S 3600
#define DAY_S  (24 * HOUR_S)
/* Between what the two clocks say has passed; a computer's own clock is off by seconds. */
#define JUMP_S HOUR_S
/* For so long a computer may be off. */
#define OFF_S      (7 * DAY_S)
#define MOST_BYTES 4096
#define GROUP      "clock"

struct _LodgeClockTrust {
  char *path;
  LodgeClock before;   /* at the last look */
  gint64 from_s;       /* of elapsed_s: believed from then on */
  gint64 written_at_s; /* the same; 0: not yet */
};

static gboolean
goes_on (const LodgeClock *before, const LodgeClock *clock)
{
  gint64 jump = (clock->wall_s - before->wall_s) - (clock->elapsed_s - before->elapsed_s);

  return ABS (jump) < JUMP_S;
}

static gboolean
load (const char *path, LodgeClock *out_clock)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *data = NULL;
  g_autofree char *boot = NULL;
  gsize length;

  /* What cannot be read is as one that is not there. */
  data = lodge_durable_file_read (path, MOST_BYTES, &length, NULL);
  if (data == NULL || !g_key_file_load_from_data (file, data, length, G_KEY_FILE_NONE, NULL))
    return FALSE;
  *out_clock = (LodgeClock){
      .wall_s = g_key_file_get_int64 (file, GROUP, "wall", NULL),
      .elapsed_s = g_key_file_get_int64 (file, GROUP, "elapsed", NULL),
  };
  boot = g_key_file_get_string (file, GROUP, "boot", NULL);
  g_strlcpy (out_clock->boot, boot != NULL ? boot : "", sizeof out_clock->boot);
  return out_clock->wall_s > 0;
}

/* Not durably: an older time is as good as long as it is less than a week. */
static void
save (const char *path, const LodgeClock *clock)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  gsize length;

  g_key_file_set_int64 (file, GROUP, "wall", clock->wall_s);
  g_key_file_set_int64 (file, GROUP, "elapsed", clock->elapsed_s);
  g_key_file_set_string (file, GROUP, "boot", clock->boot);
  data = g_key_file_to_data (file, &length, NULL);
  if (!lodge_durable_file_replace (path, data, length, &error))
    g_debug ("%s", error->message);
}

static gboolean
is_believable (const LodgeClock *last, const LodgeClock *now)
{
  gint64 gap = now->wall_s - last->wall_s;

  if (now->boot[0] != '\0' && g_str_equal (last->boot, now->boot))
    return goes_on (last, now);
  return gap > -JUMP_S && gap <= OFF_S;
}

LodgeClockTrust *
lodge_clock_trust_new (const char *path)
{
  LodgeClockTrust *self = g_new0 (LodgeClockTrust, 1);
  LodgeClock last;

  self->path = g_strdup (path);
  lodge_clock_read (&self->before);
  self->from_s = self->before.elapsed_s;
  if (!load (path, &last) || !is_believable (&last, &self->before))
    self->from_s += DAY_S;
  return self;
}

void
lodge_clock_trust_free (LodgeClockTrust *self)
{
  g_free (self->path);
  g_free (self);
}

gboolean
lodge_clock_trust_look (LodgeClockTrust *self, const LodgeClock *clock)
{
  if (!goes_on (&self->before, clock))
    self->from_s = clock->elapsed_s + DAY_S;
  self->before = *clock;
  /* Whoever sets the clock by hand makes the kernel say that it follows nobody. */
  if (clock->synchronized)
    self->from_s = MIN (self->from_s, clock->elapsed_s);
  if (clock->elapsed_s < self->from_s)
    return FALSE;
  if (self->written_at_s == 0 || clock->elapsed_s - self->written_at_s >= HOUR_S) {
    save (self->path, clock);
    self->written_at_s = clock->elapsed_s;
  }
  return TRUE;
}
