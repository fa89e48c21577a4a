/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One monitor's picture out of two places. See the header. */
/* clang-format off */
/*
 *             wanted            a descriptor            as large as SPICE's
 *   nothing ---------> asking ---------------> mapping ---------------------> mapped
 *      ^                 | refused                | ended, or none in time       | ended, or of
 *      |                 v                        v                              v another size
 *      |              waiting <-------------------+------------------------------+
 *      |
 *      +--- not wanted, from any of them: nobody looks, no socket, SPICE has no picture
 *
 * The pause in "waiting" doubles up to a limit, because what a guest shows may never be such a
 * picture (a graphics mode of the old kind), and begins anew when SPICE's picture has another size:
 * the guest's driver may have come. Then it is asked again.
 */
/* clang-format on */
#include "console/lodge-frame-chooser.h"

#include "console/lodge-map-link.h"
#include "console/lodge-map-source.h"

#define FIRST_PAUSE_MS 250
#define LAST_PAUSE_MS  30000
/* For so long a picture may be missing, or be of another size than SPICE's. */
#define UNUSED_MS 2000
/* One that lasted so long was none that cannot be. */
#define LASTED_US (5 * G_USEC_PER_SEC)

struct _LodgeFrameChooser {
  GObject parent_instance;

  LodgeFrameSource *spice;
  guint monitor;
  char *path;
  gboolean shown;

  LodgeMapLink *link;
  LodgeMapSource *map; /* only with a link */
  gboolean mapped;     /* its picture is the one */
  gint64 since_us;     /* when that began */
  guint unused_id;
  guint retry_id;
  guint pause_ms;
};

static void frame_source_init (LodgeFrameSourceInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LodgeFrameChooser,
                               lodge_frame_chooser,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (LODGE_TYPE_FRAME_SOURCE, frame_source_init))

static void pursue (LodgeFrameChooser *self);

/* ---- which one */

static gboolean
is_usable (LodgeFrameChooser *self)
{
  LodgeFrame frame, spice;

  if (self->map == NULL)
    return FALSE;
  lodge_frame_source_get_frame (LODGE_FRAME_SOURCE (self->map), &frame);
  lodge_frame_source_get_frame (self->spice, &spice);
  return frame.data != NULL && spice.data != NULL && frame.width == spice.width &&
         frame.height == spice.height;
}

static void drop_map (LodgeFrameChooser *self);
static void wait_and_retry (LodgeFrameChooser *self);

static gboolean
unused_cb (gpointer user_data)
{
  LodgeFrameChooser *self = user_data;

  self->unused_id = 0;
  drop_map (self);
  wait_and_retry (self);
  return G_SOURCE_REMOVE;
}

/* One of the two has another picture. @of_map: QEMU's */
static void
choose (LodgeFrameChooser *self, gboolean of_map)
{
  const gboolean before = self->mapped;

  self->mapped = is_usable (self);
  if (self->mapped && !before)
    self->since_us = g_get_monotonic_time ();
  /* However it ends: the size may be another one a while before anything else does. */
  if (before && !self->mapped && g_get_monotonic_time () - self->since_us >= LASTED_US)
    self->pause_ms = FIRST_PAUSE_MS;
  if (self->map == NULL || self->mapped)
    g_clear_handle_id (&self->unused_id, g_source_remove);
  else if (self->unused_id == 0)
    self->unused_id = g_timeout_add (UNUSED_MS, unused_cb, self);
  if (self->mapped != before || self->mapped == of_map)
    lodge_frame_source_emit_frame_changed (LODGE_FRAME_SOURCE (self));
}

/* ---- QEMU's own */

static void
drop_map (LodgeFrameChooser *self)
{
  g_autoptr (LodgeMapSource) map = g_steal_pointer (&self->map);

  g_clear_handle_id (&self->retry_id, g_source_remove);
  g_clear_handle_id (&self->unused_id, g_source_remove);
  if (map != NULL)
    g_signal_handlers_disconnect_by_data (map, self);
  /* Its picture is there until nobody looks at it. */
  if (self->mapped)
    choose (self, TRUE);
  if (map != NULL)
    lodge_map_source_close (map);
  g_clear_pointer (&self->link, lodge_map_link_free);
}

static gboolean
retry_cb (gpointer user_data)
{
  LodgeFrameChooser *self = user_data;

  self->retry_id = 0;
  pursue (self);
  return G_SOURCE_REMOVE;
}

static void
wait_and_retry (LodgeFrameChooser *self)
{
  g_clear_handle_id (&self->retry_id, g_source_remove);
  self->retry_id = g_timeout_add (self->pause_ms, retry_cb, self);
  self->pause_ms = MIN (self->pause_ms * 2, LAST_PAUSE_MS);
}

static void
map_frame_cb (LodgeFrameSource *map, LodgeFrameChooser *self)
{
  choose (self, TRUE);
}

static void
map_damage_cb (LodgeFrameSource *map, int x, int y, int width, int height, LodgeFrameChooser *self)
{
  if (self->mapped)
    lodge_frame_source_emit_damage (LODGE_FRAME_SOURCE (self), x, y, width, height);
}

static void
ended_cb (LodgeMapSource *map, LodgeFrameChooser *self)
{
  drop_map (self);
  wait_and_retry (self);
}

static void
linked_cb (int fd, gpointer user_data)
{
  LodgeFrameChooser *self = user_data;

  if (fd < 0) {
    drop_map (self);
    wait_and_retry (self);
    return;
  }
  self->map = lodge_map_source_new ();
  g_signal_connect (self->map, "frame-changed", G_CALLBACK (map_frame_cb), self);
  g_signal_connect (self->map, "damage", G_CALLBACK (map_damage_cb), self);
  g_signal_connect (self->map, "ended", G_CALLBACK (ended_cb), self);
  self->unused_id = g_timeout_add (UNUSED_MS, unused_cb, self);
  lodge_map_source_take_fd (self->map, fd);
}

static gboolean
is_wanted (LodgeFrameChooser *self)
{
  LodgeFrame frame;

  lodge_frame_source_get_frame (self->spice, &frame);
  return self->shown && self->path != NULL && *self->path != '\0' && frame.data != NULL;
}

static void
pursue (LodgeFrameChooser *self)
{
  if (!is_wanted (self)) {
    drop_map (self);
    self->pause_ms = FIRST_PAUSE_MS;
  } else if (self->link == NULL && self->retry_id == 0) {
    self->link = lodge_map_link_new (self->path, self->monitor, linked_cb, self);
  }
}

void
lodge_frame_chooser_set_socket (LodgeFrameChooser *self, const char *path)
{
  g_return_if_fail (LODGE_IS_FRAME_CHOOSER (self));

  if (g_strcmp0 (self->path, path) == 0)
    return;
  g_free (self->path);
  self->path = g_strdup (path);
  /* One that is there stays, as when the engine is another one now. */
  if (self->map == NULL) {
    drop_map (self);
    self->pause_ms = FIRST_PAUSE_MS;
    pursue (self);
  }
}

void
lodge_frame_chooser_set_shown (LodgeFrameChooser *self, gboolean shown)
{
  g_return_if_fail (LODGE_IS_FRAME_CHOOSER (self));

  self->shown = shown;
  pursue (self);
}

gboolean
lodge_frame_chooser_is_mapped (LodgeFrameChooser *self)
{
  g_return_val_if_fail (LODGE_IS_FRAME_CHOOSER (self), FALSE);
  return self->mapped;
}

guint
lodge_frame_chooser_get_pause_ms (LodgeFrameChooser *self)
{
  g_return_val_if_fail (LODGE_IS_FRAME_CHOOSER (self), 0);
  return self->pause_ms;
}

/* ---- SPICE */

static void
spice_frame_cb (LodgeFrameSource *spice, LodgeFrameChooser *self)
{
  choose (self, FALSE);
  if (self->retry_id != 0) {
    g_clear_handle_id (&self->retry_id, g_source_remove);
    self->pause_ms = FIRST_PAUSE_MS;
    wait_and_retry (self);
  }
  pursue (self);
}

static void
spice_damage_cb (
    LodgeFrameSource *spice, int x, int y, int width, int height, LodgeFrameChooser *self)
{
  if (!self->mapped)
    lodge_frame_source_emit_damage (LODGE_FRAME_SOURCE (self), x, y, width, height);
}

static void
cursor_changed_cb (LodgeFrameSource *spice, LodgeFrameChooser *self)
{
  lodge_frame_source_emit_cursor_changed (LODGE_FRAME_SOURCE (self));
}

static void
cursor_moved_cb (LodgeFrameSource *spice, LodgeFrameChooser *self)
{
  lodge_frame_source_emit_cursor_moved (LODGE_FRAME_SOURCE (self));
}

/* ---- type */

static void
lodge_frame_chooser_get_frame (LodgeFrameSource *source, LodgeFrame *out_frame)
{
  LodgeFrameChooser *self = LODGE_FRAME_CHOOSER (source);

  lodge_frame_source_get_frame (self->mapped ? LODGE_FRAME_SOURCE (self->map) : self->spice,
                                out_frame);
}

static gboolean
lodge_frame_chooser_get_cursor (LodgeFrameSource *source, LodgeCursor *out_cursor)
{
  return lodge_frame_source_get_cursor (LODGE_FRAME_CHOOSER (source)->spice, out_cursor);
}

static gboolean
lodge_frame_chooser_get_scanout (LodgeFrameSource *source, LodgeScanout *out_scanout)
{
  LodgeFrameChooser *self = LODGE_FRAME_CHOOSER (source);

  return !self->mapped && lodge_frame_source_get_scanout (self->spice, out_scanout);
}

static void
lodge_frame_chooser_drawn (LodgeFrameSource *source)
{
  lodge_frame_source_drawn (LODGE_FRAME_CHOOSER (source)->spice);
}

static const char *
lodge_frame_chooser_get_problem (LodgeFrameSource *source)
{
  LodgeFrameChooser *self = LODGE_FRAME_CHOOSER (source);

  return self->mapped ? NULL : lodge_frame_source_get_problem (self->spice);
}

static void
frame_source_init (LodgeFrameSourceInterface *iface)
{
  iface->get_frame = lodge_frame_chooser_get_frame;
  iface->get_cursor = lodge_frame_chooser_get_cursor;
  iface->get_scanout = lodge_frame_chooser_get_scanout;
  iface->drawn = lodge_frame_chooser_drawn;
  iface->get_problem = lodge_frame_chooser_get_problem;
}

static void
lodge_frame_chooser_dispose (GObject *object)
{
  LodgeFrameChooser *self = LODGE_FRAME_CHOOSER (object);

  self->shown = FALSE;
  drop_map (self);
  if (self->spice != NULL)
    g_signal_handlers_disconnect_by_data (self->spice, self);
  G_OBJECT_CLASS (lodge_frame_chooser_parent_class)->dispose (object);
}

static void
lodge_frame_chooser_finalize (GObject *object)
{
  LodgeFrameChooser *self = LODGE_FRAME_CHOOSER (object);

  g_clear_object (&self->spice);
  g_free (self->path);
  G_OBJECT_CLASS (lodge_frame_chooser_parent_class)->finalize (object);
}

static void
lodge_frame_chooser_class_init (LodgeFrameChooserClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_frame_chooser_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_frame_chooser_finalize;
}

static void
lodge_frame_chooser_init (LodgeFrameChooser *self)
{
  self->pause_ms = FIRST_PAUSE_MS;
}

LodgeFrameChooser *
lodge_frame_chooser_new (LodgeFrameSource *spice, guint monitor)
{
  LodgeFrameChooser *self = g_object_new (LODGE_TYPE_FRAME_CHOOSER, NULL);

  self->spice = g_object_ref (spice);
  self->monitor = monitor;
  g_signal_connect (spice, "frame-changed", G_CALLBACK (spice_frame_cb), self);
  g_signal_connect (spice, "damage", G_CALLBACK (spice_damage_cb), self);
  g_signal_connect (spice, "cursor-changed", G_CALLBACK (cursor_changed_cb), self);
  g_signal_connect (spice, "cursor-moved", G_CALLBACK (cursor_moved_cb), self);
  return self;
}
