/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A frame source fed by SPICE's display and cursor channels.
 *
 * The picture is spice-client-glib's own primary surface, without a copy: it draws into it on this
 * thread's main context, so what is read between two of its signals is whole. It frees the surface
 * when the handlers of "display-primary-destroy" return, and when the channel is finalized, which
 * is why a reference is kept on it.
 */
#include "console/lodge-spice-source.h"

#include "console/lodge-frame-check.h"
#include "console/lodge-spice-scanout.h"

struct _LodgeSpiceSource {
  GObject parent_instance;

  SpiceDisplayChannel *display;
  guint monitor;
  SpiceCursorChannel *cursor_channel;

  LodgeFrame surface; /* the whole primary, as it was checked */
  LodgeFrame frame;   /* the monitor's part of it */
  LodgeFrame deep;    /* a 16 bit primary; surface is then of @expanded */
  guint32 *expanded;  /* its pixels in 32 bits */
  int frame_x;        /* of the monitor in the primary */
  int frame_y;
  LodgeSpiceScanout *scanout; /* what may take the place of the primary; of the first monitor */
  gboolean shown;

  gboolean cursor_known;
  LodgeCursor cursor;
  guint8 *cursor_data;
};

static void frame_source_init (LodgeFrameSourceInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LodgeSpiceSource,
                               lodge_spice_source,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (LODGE_TYPE_FRAME_SOURCE, frame_source_init))

/* ---- picture */

/* Old QXL modes have 16 bits: xRRRRRGGGGGBBBBB. The upper bits are repeated below, so that white
 * stays white. */
static void
expand (LodgeSpiceSource *self, int x, int y, int width, int height)
{
  for (int line = y; line < y + height; line++) {
    const guint16 *from = (const guint16 *) (self->deep.data + (gsize) line * self->deep.stride);
    guint32 *to = self->expanded + (gsize) line * self->deep.width;

    for (int column = x; column < x + width; column++) {
      guint32 red = from[column] >> 10 & 31;
      guint32 green = from[column] >> 5 & 31;
      guint32 blue = from[column] & 31;

      to[column] =
          (red << 3 | red >> 2) << 16 | (green << 3 | green >> 2) << 8 | (blue << 3 | blue >> 2);
    }
  }
}

static void
take_primary (LodgeSpiceSource *self)
{
  SpiceDisplayPrimary primary = {0};

  self->surface = (LodgeFrame){0};
  self->deep = (LodgeFrame){0};
  g_clear_pointer (&self->expanded, g_free);
  if (self->display == NULL ||
      !spice_display_channel_get_primary (SPICE_CHANNEL (self->display), 0, &primary))
    return;

  if (primary.format == SPICE_SURFACE_FMT_32_xRGB || primary.format == SPICE_SURFACE_FMT_32_ARGB) {
    if (!lodge_frame_check (primary.data, primary.width, primary.height, primary.stride,
                            &self->surface))
      g_warning ("The server's picture of %d x %d is not shown", primary.width, primary.height);
  } else if (primary.format == SPICE_SURFACE_FMT_16_555) {
    /* The library's lines are width * 4 bytes for this format too, so the same check holds. */
    if (lodge_frame_check (primary.data, primary.width, primary.height, primary.stride,
                           &self->deep)) {
      self->expanded = g_new (guint32, (gsize) primary.width * primary.height);
      expand (self, 0, 0, primary.width, primary.height);
      lodge_frame_check ((const guint8 *) self->expanded, primary.width, primary.height,
                         primary.width * 4, &self->surface);
    }
  } else {
    g_warning ("The server's picture has format %d, which is not known", primary.format);
  }
}

/* The primary may hold several heads side by side: only one's rectangle is ours. */
static void
take_monitor (LodgeSpiceSource *self)
{
  g_autoptr (GArray) monitors = NULL;
  LodgeScanout scanout;

  self->frame = self->surface;
  self->frame_x = self->frame_y = 0;
  if (self->scanout != NULL && lodge_spice_scanout_get (self->scanout, &scanout)) {
    self->frame = (LodgeFrame){.width = scanout.width, .height = scanout.height};
    return;
  }
  if (self->surface.data == NULL)
    return;

  g_object_get (self->display, "monitors", &monitors, NULL);
  if (monitors == NULL || monitors->len <= self->monitor) {
    if (self->monitor > 0)
      self->frame = (LodgeFrame){0};
    return;
  }

  const SpiceDisplayMonitorConfig *monitor =
      &g_array_index (monitors, SpiceDisplayMonitorConfig, self->monitor);
  if (monitor->surface_id != 0)
    return;
  lodge_frame_crop (&self->frame, monitor->x, monitor->y, monitor->width, monitor->height);
  /* What cannot be is not believed: of the first one all is shown then, of another one nothing. */
  if (self->monitor > 0 &&
      (self->frame.width != (int) monitor->width || self->frame.height != (int) monitor->height)) {
    self->frame = (LodgeFrame){0};
    return;
  }
  if (self->frame.width != self->surface.width || self->frame.height != self->surface.height) {
    self->frame_x = monitor->x;
    self->frame_y = monitor->y;
  }
}

static void
update_frame (LodgeSpiceSource *self)
{
  LodgeFrame before = self->frame;

  take_monitor (self);
  if (before.data != self->frame.data || before.width != self->frame.width ||
      before.height != self->frame.height)
    lodge_frame_source_emit_frame_changed (LODGE_FRAME_SOURCE (self));
}

static void
primary_create_cb (SpiceDisplayChannel *channel,
                   int format,
                   int width,
                   int height,
                   int stride,
                   int shmid,
                   gpointer data,
                   LodgeSpiceSource *self)
{
  /* What came last is what the server shows. */
  if (self->scanout != NULL)
    lodge_spice_scanout_forget (self->scanout);
  take_primary (self);
  take_monitor (self);
  /* Always: the new memory may lie where the old one was. */
  lodge_frame_source_emit_frame_changed (LODGE_FRAME_SOURCE (self));
}

/* The primary, and with @scanout also what takes its place. */
static void
drop_frame (LodgeSpiceSource *self, gboolean scanout)
{
  const LodgeFrame before = self->frame;

  if (scanout && self->scanout != NULL)
    lodge_spice_scanout_forget (self->scanout);
  self->surface = (LodgeFrame){0};
  self->deep = (LodgeFrame){0};
  take_monitor (self);
  if (before.data != NULL || before.width != self->frame.width)
    lodge_frame_source_emit_frame_changed (LODGE_FRAME_SOURCE (self));
  g_clear_pointer (&self->expanded, g_free);
}

static void
primary_destroy_cb (SpiceDisplayChannel *channel, LodgeSpiceSource *self)
{
  drop_frame (self, FALSE);
}

static void
invalidate_cb (
    SpiceDisplayChannel *channel, int x, int y, int width, int height, LodgeSpiceSource *self)
{
  if (!lodge_frame_clip (&self->surface, &x, &y, &width, &height))
    return;
  if (self->expanded != NULL)
    expand (self, x, y, width, height);

  x -= self->frame_x;
  y -= self->frame_y;
  if (self->frame.data != NULL && lodge_frame_clip (&self->frame, &x, &y, &width, &height))
    lodge_frame_source_emit_damage (LODGE_FRAME_SOURCE (self), x, y, width, height);
}

static void
monitors_cb (SpiceDisplayChannel *channel, GParamSpec *pspec, LodgeSpiceSource *self)
{
  update_frame (self);
}

/* ---- a graphics card's memory in its place */

static void
scanout_changed_cb (gpointer user_data)
{
  LodgeSpiceSource *self = user_data;

  take_monitor (self);
  lodge_frame_source_emit_frame_changed (LODGE_FRAME_SOURCE (self));
}

static void
scanout_damage_cb (int x, int y, int width, int height, gpointer user_data)
{
  LodgeSpiceSource *self = user_data;

  lodge_frame_source_emit_damage (LODGE_FRAME_SOURCE (self), x, y, width, height);
}

static const LodgeSpiceScanoutEvents scanout_events = {scanout_changed_cb, scanout_damage_cb};

void
lodge_spice_source_set_shown (LodgeSpiceSource *self, gboolean shown)
{
  g_return_if_fail (LODGE_IS_SPICE_SOURCE (self));

  self->shown = shown;
  if (self->scanout != NULL)
    lodge_spice_scanout_set_shown (self->scanout, shown);
}

void
lodge_spice_source_set_display (LodgeSpiceSource *self, SpiceDisplayChannel *channel, guint monitor)
{
  g_return_if_fail (LODGE_IS_SPICE_SOURCE (self));

  if (self->display == channel && self->monitor == monitor)
    return;
  if (self->display != NULL) {
    g_signal_handlers_disconnect_by_data (self->display, self);
    drop_frame (self, TRUE);
    g_clear_pointer (&self->scanout, lodge_spice_scanout_free);
  }
  /* The old one's memory goes with it, after nobody looks at it any more. */
  g_set_object (&self->display, channel);
  self->monitor = monitor;
  if (channel == NULL)
    return;

  g_signal_connect_object (channel, "display-primary-create", G_CALLBACK (primary_create_cb), self,
                           0);
  g_signal_connect_object (channel, "display-primary-destroy", G_CALLBACK (primary_destroy_cb),
                           self, 0);
  g_signal_connect_object (channel, "display-invalidate", G_CALLBACK (invalidate_cb), self, 0);
  g_signal_connect_object (channel, "notify::monitors", G_CALLBACK (monitors_cb), self, 0);
  /* A card that draws has a channel for each monitor. */
  if (monitor == 0) {
    self->scanout = lodge_spice_scanout_new (channel, &scanout_events, self);
    lodge_spice_scanout_set_shown (self->scanout, self->shown);
  }
}

/* ---- cursor */

static void
clear_cursor (LodgeSpiceSource *self)
{
  g_clear_pointer (&self->cursor_data, g_free);
  self->cursor.rgba = NULL;
  self->cursor.width = self->cursor.height = 0;
  self->cursor.hot_x = self->cursor.hot_y = 0;
}

static void
cursor_set_cb (SpiceCursorChannel *channel,
               int width,
               int height,
               int hot_x,
               int hot_y,
               gpointer rgba,
               LodgeSpiceSource *self)
{
  LodgeCursor cursor;
  int x = self->cursor.x;
  int y = self->cursor.y;

  clear_cursor (self);
  if (lodge_cursor_check (rgba, width, height, hot_x, hot_y, &cursor)) {
    self->cursor_data = g_memdup2 (rgba, (gsize) width * height * 4);
    self->cursor = cursor;
    self->cursor.rgba = self->cursor_data;
    self->cursor_known = TRUE;
  } else {
    /* A shape without pixels hides it. One that the library cannot decode (no data), or that is
     * too large, leaves the host's as the better guess. */
    self->cursor_known = rgba != NULL && (width == 0 || height == 0);
  }
  self->cursor.x = x;
  self->cursor.y = y;
  lodge_frame_source_emit_cursor_changed (LODGE_FRAME_SOURCE (self));
}

static void
cursor_hide_cb (SpiceCursorChannel *channel, LodgeSpiceSource *self)
{
  /* The channel opens with a "hide" where no guest has drawn a cursor yet. Taking that for the
   * guest's wish would leave a boot menu without any pointer. */
  if (!self->cursor_known || self->cursor.rgba == NULL)
    return;
  clear_cursor (self);
  lodge_frame_source_emit_cursor_changed (LODGE_FRAME_SOURCE (self));
}

static void
forget_cursor (LodgeSpiceSource *self)
{
  if (!self->cursor_known)
    return;
  clear_cursor (self);
  self->cursor_known = FALSE;
  lodge_frame_source_emit_cursor_changed (LODGE_FRAME_SOURCE (self));
}

static void
cursor_reset_cb (SpiceCursorChannel *channel, LodgeSpiceSource *self)
{
  forget_cursor (self);
}

void
lodge_spice_source_place_cursor (LodgeSpiceSource *self, int x, int y)
{
  g_return_if_fail (LODGE_IS_SPICE_SOURCE (self));

  if (self->cursor.x == x && self->cursor.y == y)
    return;
  self->cursor.x = x;
  self->cursor.y = y;
  lodge_frame_source_emit_cursor_moved (LODGE_FRAME_SOURCE (self));
}

static void
cursor_move_cb (SpiceCursorChannel *channel, int x, int y, LodgeSpiceSource *self)
{
  lodge_spice_source_place_cursor (self, x - self->frame_x, y - self->frame_y);
}

void
lodge_spice_source_set_cursor (LodgeSpiceSource *self, SpiceCursorChannel *channel)
{
  g_return_if_fail (LODGE_IS_SPICE_SOURCE (self));

  if (self->cursor_channel == channel)
    return;
  if (self->cursor_channel != NULL)
    g_signal_handlers_disconnect_by_data (self->cursor_channel, self);
  g_set_object (&self->cursor_channel, channel);
  forget_cursor (self);
  if (channel == NULL)
    return;

  g_signal_connect_object (channel, "cursor-set", G_CALLBACK (cursor_set_cb), self, 0);
  g_signal_connect_object (channel, "cursor-hide", G_CALLBACK (cursor_hide_cb), self, 0);
  g_signal_connect_object (channel, "cursor-reset", G_CALLBACK (cursor_reset_cb), self, 0);
  g_signal_connect_object (channel, "cursor-move", G_CALLBACK (cursor_move_cb), self, 0);
}

/* ---- type */

static void
lodge_spice_source_get_frame (LodgeFrameSource *source, LodgeFrame *out_frame)
{
  *out_frame = LODGE_SPICE_SOURCE (source)->frame;
}

static gboolean
lodge_spice_source_get_cursor (LodgeFrameSource *source, LodgeCursor *out_cursor)
{
  LodgeSpiceSource *self = LODGE_SPICE_SOURCE (source);

  *out_cursor = self->cursor;
  return self->cursor_known;
}

static gboolean
lodge_spice_source_get_scanout (LodgeFrameSource *source, LodgeScanout *out_scanout)
{
  LodgeSpiceSource *self = LODGE_SPICE_SOURCE (source);

  return self->scanout != NULL && lodge_spice_scanout_get (self->scanout, out_scanout);
}

static void
lodge_spice_source_drawn (LodgeFrameSource *source)
{
  LodgeSpiceSource *self = LODGE_SPICE_SOURCE (source);

  if (self->scanout != NULL)
    lodge_spice_scanout_drawn (self->scanout);
}

static const char *
lodge_spice_source_get_problem (LodgeFrameSource *source)
{
  LodgeSpiceSource *self = LODGE_SPICE_SOURCE (source);

  return self->scanout != NULL ? lodge_spice_scanout_get_problem (self->scanout) : NULL;
}

static void
frame_source_init (LodgeFrameSourceInterface *iface)
{
  iface->get_frame = lodge_spice_source_get_frame;
  iface->get_cursor = lodge_spice_source_get_cursor;
  iface->get_scanout = lodge_spice_source_get_scanout;
  iface->drawn = lodge_spice_source_drawn;
  iface->get_problem = lodge_spice_source_get_problem;
}

static void
lodge_spice_source_dispose (GObject *object)
{
  LodgeSpiceSource *self = LODGE_SPICE_SOURCE (object);

  lodge_spice_source_set_display (self, NULL, 0);
  lodge_spice_source_set_cursor (self, NULL);
  G_OBJECT_CLASS (lodge_spice_source_parent_class)->dispose (object);
}

static void
lodge_spice_source_class_init (LodgeSpiceSourceClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_spice_source_dispose;
}

static void
lodge_spice_source_init (LodgeSpiceSource *self)
{
}

void
lodge_spice_source_get_offset (LodgeSpiceSource *self, int *out_x, int *out_y)
{
  g_return_if_fail (LODGE_IS_SPICE_SOURCE (self));

  *out_x = self->frame_x;
  *out_y = self->frame_y;
}

LodgeSpiceSource *
lodge_spice_source_new (void)
{
  return g_object_new (LODGE_TYPE_SPICE_SOURCE, NULL);
}
