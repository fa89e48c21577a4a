/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pictures that a SPICE display channel passes as a graphics card's memory. */
#include "console/lodge-spice-scanout.h"

#include "console/lodge-frame-check.h"

#include <fcntl.h>
#include <unistd.h>

/* A window that is hidden behind others may have no frame for long. */
#define ANSWER_MS 200

struct _LodgeSpiceScanout {
  SpiceDisplayChannel *channel;
  const LodgeSpiceScanoutEvents *events;
  gpointer user_data;

  LodgeScanout scanout; /* its descriptor is ours: the library closes its own when it likes */
  char *problem;
  gboolean shown;
  guint unanswered;
  guint answer_id;
};

/* ---- answers */

static void
answer (LodgeSpiceScanout *self)
{
  g_clear_handle_id (&self->answer_id, g_source_remove);
  for (; self->unanswered > 0; self->unanswered--)
    spice_display_channel_gl_draw_done (self->channel);
}

static gboolean
late_cb (gpointer user_data)
{
  LodgeSpiceScanout *self = user_data;

  self->answer_id = 0;
  answer (self);
  return G_SOURCE_REMOVE;
}

void
lodge_spice_scanout_drawn (LodgeSpiceScanout *self)
{
  answer (self);
}

void
lodge_spice_scanout_set_shown (LodgeSpiceScanout *self, gboolean shown)
{
  self->shown = shown;
  if (!shown)
    answer (self);
}

static void
draw_cb (SpiceDisplayChannel *channel,
         guint x,
         guint y,
         guint width,
         guint height,
         LodgeSpiceScanout *self)
{
  const LodgeFrame whole = {.width = self->scanout.width, .height = self->scanout.height};
  int left = (int) MIN (x, LODGE_FRAME_SIZE_MAX), top = (int) MIN (y, LODGE_FRAME_SIZE_MAX);
  int columns = (int) MIN (width, LODGE_FRAME_SIZE_MAX);
  int rows = (int) MIN (height, LODGE_FRAME_SIZE_MAX);

  const gboolean inside = lodge_frame_clip (&whole, &left, &top, &columns, &rows);

  self->unanswered++;
  if (!inside || !self->shown)
    answer (self);
  else if (self->answer_id == 0)
    self->answer_id = g_timeout_add (ANSWER_MS, late_cb, self);
  if (inside)
    self->events->damage (left, top, columns, rows, self->user_data);
}

/* ---- the picture */

static void
drop_scanout (LodgeSpiceScanout *self)
{
  if (self->scanout.fd >= 0)
    close (self->scanout.fd);
  self->scanout = (LodgeScanout){.fd = -1};
  g_clear_pointer (&self->problem, g_free);
}

static void
scanout_cb (SpiceDisplayChannel *channel, GParamSpec *pspec, LodgeSpiceScanout *self)
{
  const SpiceGlScanout *given = spice_display_channel_get_gl_scanout (channel);
  const LodgeScanout before = self->scanout;
  g_autoptr (GError) error = NULL;

  self->scanout = (LodgeScanout){.fd = -1};
  g_clear_pointer (&self->problem, g_free);
  /* Without memory there is no picture: the guest's card has been reset. */
  if (given != NULL && given->fd >= 0) {
    const int own = fcntl (given->fd, F_DUPFD_CLOEXEC, 3);

    if (!lodge_scanout_check (own, given->width, given->height, given->stride, given->format,
                              given->y0top, &self->scanout, &error)) {
      self->problem = g_strdup (error->message);
      if (own >= 0)
        close (own);
    }
  }
  self->events->changed (self->user_data);
  if (before.fd >= 0)
    close (before.fd);
}

gboolean
lodge_spice_scanout_get (LodgeSpiceScanout *self, LodgeScanout *out_scanout)
{
  *out_scanout = self->scanout;
  return self->scanout.fd >= 0;
}

const char *
lodge_spice_scanout_get_problem (LodgeSpiceScanout *self)
{
  return self->problem;
}

void
lodge_spice_scanout_forget (LodgeSpiceScanout *self)
{
  answer (self);
  drop_scanout (self);
}

/* ---- life */

LodgeSpiceScanout *
lodge_spice_scanout_new (SpiceDisplayChannel *channel,
                         const LodgeSpiceScanoutEvents *events,
                         gpointer user_data)
{
  LodgeSpiceScanout *self = g_new0 (LodgeSpiceScanout, 1);

  self->channel = g_object_ref (channel);
  self->events = events;
  self->user_data = user_data;
  self->scanout.fd = -1;
  g_signal_connect (channel, "notify::gl-scanout", G_CALLBACK (scanout_cb), self);
  g_signal_connect (channel, "gl-draw", G_CALLBACK (draw_cb), self);
  return self;
}

void
lodge_spice_scanout_free (LodgeSpiceScanout *self)
{
  g_signal_handlers_disconnect_by_data (self->channel, self);
  answer (self);
  drop_scanout (self);
  g_object_unref (self->channel);
  g_free (self);
}
