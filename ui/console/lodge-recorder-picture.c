/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recording's pictures: when one is taken, and the copies of it that the encoder works on.
 *
 * The guest draws on this thread, so a copy that is made at once is whole. Only what changed since
 * a copy was last filled is copied into it. A copy that a buffer in the pipeline shows is not
 * touched; when all of them are in use the encoder is too slow, and the picture is left out: what
 * has changed is still known, and comes with the next one.
 */
#include "console/lodge-recorder-private.h"

#include "console/lodge-frame-check.h"

#include <string.h>

#define INTERVAL_US (G_USEC_PER_SEC / LODGE_RECORDER_FPS)
#define REPEAT_MS   1000
/* Two pictures of the same millisecond are one to the file. */
#define STEP_US 1000
/* A reader has this thread for no more than one part in so many; and is asked all the same after so
 * long. */
#define READ_SHARE       3
#define READ_INTERVAL_US G_USEC_PER_SEC
/* What encoders take in any case; and the size of a guest that has not drawn yet. */
#define SIZE_MIN     16
#define EMPTY_WIDTH  1280
#define EMPTY_HEIGHT 720

static const LodgeRecorderArea everything = {0, 0, G_MAXINT, G_MAXINT};

/* ---- copies */

static void
clear_slot (gpointer data)
{
  g_free (((LodgeRecorderSlot *) data)->data);
}

static void
drop_slot (LodgeRecorderSlot *slot)
{
  g_atomic_rc_box_release_full (slot, clear_slot);
}

/* In any thread: a buffer is done with. */
static void
release_slot (gpointer data)
{
  LodgeRecorderSlot *slot = data;

  g_atomic_int_add (&slot->buffers, -1);
  drop_slot (slot);
}

static void
add_area (LodgeRecorderArea *area, int left, int top, int right, int bottom)
{
  if (area->right <= area->left) {
    *area = (LodgeRecorderArea){left, top, right, bottom};
    return;
  }
  area->left = MIN (area->left, left);
  area->top = MIN (area->top, top);
  area->right = MAX (area->right, right);
  area->bottom = MAX (area->bottom, bottom);
}

static guint
count_buffers (LodgeRecorder *self)
{
  guint n = 0;

  for (guint i = 0; i < LODGE_RECORDER_SLOTS; i++)
    n += self->slots[i] != NULL ? (guint) g_atomic_int_get (&self->slots[i]->buffers) : 0;
  return n;
}

static LodgeRecorderSlot *
new_slot (void)
{
  LodgeRecorderSlot *slot = g_atomic_rc_box_new0 (LodgeRecorderSlot);

  slot->stale = everything;
  return slot;
}

/* One that nobody looks at, or NULL. The last one that was written lacks the least. */
static LodgeRecorderSlot *
find_slot (LodgeRecorder *self)
{
  if (self->shown != NULL && g_atomic_int_get (&self->shown->buffers) == 0)
    return self->shown;
  for (guint i = 0; i < LODGE_RECORDER_SLOTS; i++) {
    if (self->slots[i] == NULL)
      self->slots[i] = new_slot ();
    if (g_atomic_int_get (&self->slots[i]->buffers) == 0)
      return self->slots[i];
  }
  return NULL;
}

/* How many points of a guest's picture become one. */
static int
get_divisor (const LodgeFrame *frame)
{
  const int size = MAX (frame->width, frame->height);

  return (size + LODGE_RECORDER_SIZE_MAX - 1) / LODGE_RECORDER_SIZE_MAX;
}

/* FALSE when there is no memory for it. */
static gboolean
size_slot (LodgeRecorderSlot *slot, int width, int height)
{
  const gsize size = (gsize) width * (gsize) height * 4;

  if (slot->width == width && slot->height == height)
    return TRUE;
  if (size != slot->size) {
    g_clear_pointer (&slot->data, g_free);
    slot->width = slot->height = 0;
    slot->size = 0;
    slot->data = g_try_malloc (size);
    if (slot->data == NULL)
      return FALSE;
    slot->size = size;
  }
  slot->width = width;
  slot->height = height;
  slot->stale = everything;
  return TRUE;
}

static void
copy_frame (LodgeRecorderSlot *slot, const LodgeFrame *frame, int divisor)
{
  const int left = slot->stale.left / divisor;
  const int top = slot->stale.top / divisor;
  const int right = MIN (slot->width, (slot->stale.right - 1) / divisor + 1);
  const int bottom = MIN (slot->height, (slot->stale.bottom - 1) / divisor + 1);

  if (right <= left)
    return;
  for (int y = top; y < bottom; y++) {
    const guint32 *from =
        (const guint32 *) (const void *) (frame->data +
                                          (gsize) y * (gsize) divisor * (gsize) frame->stride);
    guint32 *to = (guint32 *) (void *) slot->data + (gsize) y * (gsize) slot->width;

    if (divisor == 1)
      memcpy (to + left, from + left, (gsize) (right - left) * 4);
    else
      for (int x = left; x < right; x++)
        to[x] = from[(gsize) x * (gsize) divisor];
  }
}

static guint32
blend (guint32 below, const guint8 *rgba)
{
  const guint32 alpha = rgba[3];
  guint32 result = 0;

  for (guint i = 0; i < 3; i++) {
    const guint shift = 16 - 8 * i;
    const guint32 value = (below >> shift & 0xff) * (255 - alpha) + rgba[i] * alpha;
    result |= (value + 127) / 255 << shift;
  }
  return result;
}

/* The cursor lies over the picture: what is below it has to be copied anew the next time. */
static void
draw_cursor (LodgeRecorder *self, LodgeRecorderSlot *slot, int divisor)
{
  LodgeCursor cursor;

  if (!lodge_frame_source_get_cursor (self->source, &cursor) || cursor.rgba == NULL)
    return;
  /* A server may have put it anywhere. */
  const gint64 x = (gint64) cursor.x - cursor.hot_x;
  const gint64 y = (gint64) cursor.y - cursor.hot_y;
  const gint64 left = MAX (0, x), right = MIN ((gint64) slot->width * divisor, x + cursor.width);
  const gint64 top = MAX (0, y), bottom = MIN ((gint64) slot->height * divisor, y + cursor.height);
  if (right <= left || bottom <= top)
    return;

  for (gint64 row = (top + divisor - 1) / divisor; row * divisor < bottom; row++) {
    guint32 *to = (guint32 *) (void *) slot->data + row * slot->width;

    for (gint64 column = (left + divisor - 1) / divisor; column * divisor < right; column++)
      to[column] =
          blend (to[column],
                 cursor.rgba + ((row * divisor - y) * cursor.width + (column * divisor - x)) * 4);
  }
  add_area (&slot->stale, (int) left, (int) top, (int) right, (int) bottom);
}

/* What the guest shows. FALSE when that is nothing. */
static gboolean
get_frame (LodgeRecorder *self, LodgeFrame *out_frame)
{
  const gint64 begin_us = g_get_monotonic_time ();

  *out_frame = (LodgeFrame){0};
  self->read_us = 0;
  if (self->source != NULL)
    lodge_frame_source_get_frame (self->source, out_frame);
  if (out_frame->data != NULL || out_frame->width == 0 || self->reader.read == NULL)
    return out_frame->data != NULL;
  const gboolean read = self->reader.read (self->reader.user_data, out_frame);
  self->read_us = g_get_monotonic_time () - begin_us;
  return read;
}

/* Fills it with what the guest shows. FALSE when that is nothing. */
static gboolean
fill_slot (LodgeRecorder *self, LodgeRecorderSlot *slot)
{
  LodgeFrame frame;

  if (!get_frame (self, &frame))
    return FALSE;

  const int divisor = get_divisor (&frame);
  if (!size_slot (slot, MAX (1, frame.width / divisor), MAX (1, frame.height / divisor)))
    return FALSE;
  copy_frame (slot, &frame, divisor);
  slot->stale = (LodgeRecorderArea){0};
  draw_cursor (self, slot, divisor);
  return TRUE;
}

void
lodge_recorder_get_size (LodgeRecorder *self, int *out_width, int *out_height)
{
  LodgeFrame frame = {.width = EMPTY_WIDTH, .height = EMPTY_HEIGHT};
  LodgeFrame real = {0};

  if (self->source != NULL)
    lodge_frame_source_get_frame (self->source, &real);
  if (real.data != NULL || (real.width > 0 && self->reader.read != NULL))
    frame = real;
  const int divisor = get_divisor (&frame);
  *out_width = MAX (SIZE_MIN, frame.width / divisor);
  *out_height = MAX (SIZE_MIN, frame.height / divisor);
}

/* ---- into the pipeline */

static void
set_caps (LodgeRecorder *self, int width, int height)
{
  if (self->buffers_width == width && self->buffers_height == height)
    return;
  self->buffers_width = width;
  self->buffers_height = height;
  g_autoptr (GstCaps) caps = gst_caps_new_simple (
      "video/x-raw", "format", G_TYPE_STRING, G_BYTE_ORDER == G_LITTLE_ENDIAN ? "BGRx" : "xRGB",
      "width", G_TYPE_INT, width, "height", G_TYPE_INT, height, "framerate", GST_TYPE_FRACTION, 0,
      1, "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
  gst_app_src_set_caps (self->pictures, caps);
}

static void
write_slot (LodgeRecorder *self, LodgeRecorderSlot *slot)
{
  const gint64 now = lodge_recorder_get_time_us (self);
  GstBuffer *buffer;

  if (slot->data == NULL) /* there was no memory for it */
    return;
  if (self->shown != NULL)
    self->shown_us = MAX (now, self->shown_us + STEP_US);
  else
    self->shown_us = 0; /* the first one is the beginning */
  self->shown = slot;
  set_caps (self, slot->width, slot->height);
  g_atomic_int_add (&slot->buffers, 1);
  buffer = gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY, slot->data, slot->size, 0,
                                        slot->size, g_atomic_rc_box_acquire (slot), release_slot);
  GST_BUFFER_PTS (buffer) = (GstClockTime) self->shown_us * GST_USECOND;
  gst_app_src_push_buffer (self->pictures, buffer);
}

/* ---- when */

static gboolean picture_cb (gpointer user_data);

static void
schedule (LodgeRecorder *self)
{
  if (self->picture_id != 0 || !self->dirty || !lodge_recorder_is_running (self) ||
      self->paused_us != 0)
    return;
  const gint64 interval_us = CLAMP (self->read_us * READ_SHARE, INTERVAL_US, READ_INTERVAL_US);
  const gint64 wait = self->shown_us + interval_us - lodge_recorder_get_time_us (self);
  self->picture_id =
      g_timeout_add ((guint) (CLAMP (wait, 0, interval_us) / 1000), picture_cb, self);
}

static void
take_picture (LodgeRecorder *self)
{
  LodgeRecorderSlot *slot = find_slot (self);

  if (slot == NULL) {
    self->n_left_out++;
    return;
  }
  self->dirty = FALSE;
  if (fill_slot (self, slot))
    write_slot (self, slot);
}

static gboolean
picture_cb (gpointer user_data)
{
  LodgeRecorder *self = user_data;

  self->picture_id = 0;
  take_picture (self);
  if (self->dirty) /* there was no room for it */
    self->picture_id = g_timeout_add ((guint) (INTERVAL_US / 1000), picture_cb, self);
  return G_SOURCE_REMOVE;
}

static void
mark (LodgeRecorder *self, const LodgeRecorderArea *area)
{
  for (guint i = 0; i < LODGE_RECORDER_SLOTS && area != NULL; i++) {
    if (self->slots[i] != NULL)
      add_area (&self->slots[i]->stale, area->left, area->top, area->right, area->bottom);
  }
  self->dirty = TRUE;
  schedule (self);
}

static void
damage_cb (LodgeFrameSource *source, int x, int y, int width, int height, LodgeRecorder *self)
{
  mark (self, &(LodgeRecorderArea){x, y, x + width, y + height});
}

static void
frame_cb (LodgeFrameSource *source, LodgeRecorder *self)
{
  mark (self, &everything);
}

static void
cursor_cb (LodgeFrameSource *source, LodgeRecorder *self)
{
  mark (self, NULL);
}

static gboolean
repeat_cb (gpointer user_data)
{
  LodgeRecorder *self = user_data;

  if (self->paused_us == 0 && self->shown != NULL && self->picture_id == 0 &&
      lodge_recorder_get_time_us (self) - self->shown_us >= REPEAT_MS * 1000 / 2 &&
      count_buffers (self) < LODGE_RECORDER_PICTURES)
    write_slot (self, self->shown);
  schedule (self); /* what changed while it was paused */
  return G_SOURCE_CONTINUE;
}

void
lodge_recorder_connect_picture (LodgeRecorder *self)
{
  if (self->source == NULL)
    return;
  g_signal_connect_object (self->source, "damage", G_CALLBACK (damage_cb), self, 0);
  g_signal_connect_object (self->source, "frame-changed", G_CALLBACK (frame_cb), self, 0);
  g_signal_connect_object (self->source, "cursor-changed", G_CALLBACK (cursor_cb), self, 0);
  g_signal_connect_object (self->source, "cursor-moved", G_CALLBACK (cursor_cb), self, 0);
  frame_cb (self->source, self);
}

void
lodge_recorder_disconnect_picture (LodgeRecorder *self)
{
  if (self->source != NULL)
    g_signal_handlers_disconnect_by_data (self->source, self);
}

void
lodge_recorder_begin_pictures (LodgeRecorder *self)
{
  take_picture (self);
  if (self->shown == NULL) {
    /* Nothing is black. */
    LodgeRecorderSlot *slot = find_slot (self);
    int width, height;

    lodge_recorder_get_size (self, &width, &height);
    if (size_slot (slot, width, height)) {
      memset (slot->data, 0, slot->size);
      write_slot (self, slot);
    }
  }
  self->repeat_id = g_timeout_add (REPEAT_MS, repeat_cb, self);
}

/* A file ends with the beginning of its last picture, so the last one is written once more. */
void
lodge_recorder_end_pictures (LodgeRecorder *self, gboolean current)
{
  LodgeRecorderSlot *slot = current && self->dirty ? find_slot (self) : NULL;
  LodgeRecorderSlot *own = NULL;

  g_clear_handle_id (&self->picture_id, g_source_remove);
  g_clear_handle_id (&self->repeat_id, g_source_remove);
  /* What the guest showed last is not left out, however slow the encoder is. */
  if (current && self->dirty && slot == NULL)
    slot = own = new_slot ();
  if (slot != NULL && fill_slot (self, slot))
    write_slot (self, slot);
  else if (self->shown != NULL)
    write_slot (self, self->shown);
  if (own == NULL)
    return;
  if (self->shown == own)
    self->shown = NULL;
  drop_slot (own);
}

void
lodge_recorder_clear_pictures (LodgeRecorder *self)
{
  g_clear_handle_id (&self->picture_id, g_source_remove);
  g_clear_handle_id (&self->repeat_id, g_source_remove);
  self->shown = NULL;
  for (guint i = 0; i < LODGE_RECORDER_SLOTS; i++)
    g_clear_pointer (&self->slots[i], drop_slot);
}
