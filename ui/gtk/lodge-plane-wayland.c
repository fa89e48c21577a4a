/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plane on Wayland: a sub-surface of GTK's surface, filled from shared memory (wl_shm).
 *
 * Where it is, and whether it is there at all, changes with GTK's next frame: until that has come
 * the sub-surface is synchronised, that is, what is committed to it waits for the parent's commit.
 * So there is no moment in which the plane is gone and what GTK had drawn behind it, long ago, is
 * seen; nor one in which its picture is in the place of the last one. In between it is by itself.
 *
 * A picture is copied into a buffer that the compositor does not read, and a further one waits
 * until the compositor asks for it (wl_surface.frame). It does not ask for what nobody sees. What a
 * buffer has missed meanwhile is copied with the next picture.
 *
 * An error is the end of the whole connection, and so of the program: buffers are committed with
 * the scale and the size that were set for them and no others, and what is not whole in the
 * surface's own coordinates is not shown.
 */
#include "gtk/lodge-plane-private.h"

#include "gtk/lodge-wayland-globals.h"
#include "lodge-damage.h"
#include "viewporter-client-protocol.h"

#include <fcntl.h>
#include <gdk/wayland/gdkwayland.h>
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

/* One that is read, one that is next; and one for a plane that is moved before that was shown. */
#define BUFFERS_MAX 3
/* As for X11: 7680 x 4320 pixels. */
#define BUFFER_MAX (7680 * 4320 * 4)

/* Scales are multiples of 1/120. */
#define EPSILON 1e-6

typedef struct {
  LodgePlane parent;

  GdkSurface *surface;
  GdkFrameClock *clock; /* of its frames */
  LodgeWaylandGlobals *globals;
  gboolean waited; /* somebody would have shown it before those were found */
  struct wl_surface *wl_surface;
  struct wl_subsurface *subsurface;
  struct wp_viewport *viewport; /* while the scale is a fraction */

  double shown_scale;        /* of the last time it was shown */
  GPtrArray *buffers;        /* of its size now */
  GPtrArray *old;            /* those that the compositor still reads */
  struct wl_callback *frame; /* until the compositor asks for another */
  gboolean refused;          /* somebody waits */
  gboolean awaiting;         /* GTK's next frame, or that its surface is not there any more; */
  gboolean freed;            /* then it is destroyed */
} LodgePlaneWayland;

typedef struct {
  LodgePlaneWayland *plane;
  struct wl_buffer *wl_buffer;
  guint32 *memory;
  int width;
  int height;
  cairo_region_t *missed; /* of the plane */
  gboolean busy;          /* the compositor reads it */
} Buffer;

/* ---- what the compositor has */

enum { COMPOSITOR, SUBCOMPOSITOR, SHM, VIEWPORTER };

static const LodgeWaylandGlobal wanted[] = {
    [COMPOSITOR] = {&wl_compositor_interface, WL_SURFACE_DAMAGE_BUFFER_SINCE_VERSION,
                    (GDestroyNotify) wl_compositor_destroy},
    [SUBCOMPOSITOR] = {&wl_subcompositor_interface, 1, (GDestroyNotify) wl_subcompositor_destroy},
    [SHM] = {&wl_shm_interface, 1, (GDestroyNotify) wl_shm_destroy},
    [VIEWPORTER] = {&wp_viewporter_interface, 1, (GDestroyNotify) wp_viewporter_destroy},
};

/* Until GTK's next frame it stays where GTK's surface does not know of it. */
static void
make_surface (LodgePlaneWayland *self,
              struct wl_compositor *compositor,
              struct wl_subcompositor *subcompositor)
{
  struct wl_region *region;

  self->wl_surface = wl_compositor_create_surface (compositor);
  self->subsurface = wl_subcompositor_get_subsurface (
      subcompositor, self->wl_surface, gdk_wayland_surface_get_wl_surface (self->surface));

  /* The pointer is the parent's here, too. */
  region = wl_compositor_create_region (compositor);
  wl_surface_set_input_region (self->wl_surface, region);
  /* What is larger than the surface is cut. One pixel is as if it were seen through: below a plane
   * that has all of the window a compositor would not ask GTK for frames any more, and without
   * those GTK holds back where the pointer is. */
  wl_region_add (region, 0, 0, G_MAXINT32, G_MAXINT32);
  wl_region_subtract (region, 0, 0, 1, 1);
  wl_surface_set_opaque_region (self->wl_surface, region);
  wl_region_destroy (region);
}

static void
found_cb (gpointer user_data)
{
  LodgePlaneWayland *self = user_data;
  struct wl_compositor *compositor = lodge_wayland_globals_get (self->globals, COMPOSITOR);
  struct wl_subcompositor *subcompositor = lodge_wayland_globals_get (self->globals, SUBCOMPOSITOR);

  if (compositor == NULL || subcompositor == NULL ||
      lodge_wayland_globals_get (self->globals, SHM) == NULL) {
    self->parent.events->lost (self->parent.user_data);
    return;
  }
  make_surface (self, compositor, subcompositor);
  if (self->waited)
    self->parent.events->ready (self->parent.user_data);
}

/* ---- buffers */

static gboolean
has_room (LodgePlaneWayland *self)
{
  if (self->buffers->len < BUFFERS_MAX)
    return TRUE;
  for (guint i = 0; i < self->buffers->len; i++) {
    if (!((Buffer *) g_ptr_array_index (self->buffers, i))->busy)
      return TRUE;
  }
  return FALSE;
}

static void
tell_ready (LodgePlaneWayland *self)
{
  if (!self->refused || self->frame != NULL || !has_room (self))
    return;
  self->refused = FALSE;
  self->parent.events->ready (self->parent.user_data);
}

static void
release_cb (void *data, struct wl_buffer *wl_buffer)
{
  Buffer *buffer = data;
  LodgePlaneWayland *self = buffer->plane;

  buffer->busy = FALSE;
  if (!g_ptr_array_remove_fast (self->old, buffer))
    tell_ready (self);
}

static const struct wl_buffer_listener buffer_listener = {release_cb};

static void
free_buffer (gpointer data)
{
  Buffer *buffer = data;

  wl_buffer_destroy (buffer->wl_buffer);
  munmap (buffer->memory,
          lodge_plane_get_size (&(cairo_rectangle_int_t){0, 0, buffer->width, buffer->height}));
  cairo_region_destroy (buffer->missed);
  g_free (buffer);
}

static int
open_memory (gsize size)
{
  int fd = memfd_create ("lodge-plane", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  if (fd >= 0 && ftruncate (fd, (off_t) size) != 0) {
    close (fd);
    return -1;
  }
  /* A compositor need not be on its guard then. */
  if (fd >= 0)
    fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL);
  return fd;
}

/* NULL: there is no memory for it. */
static Buffer *
add_buffer (LodgePlaneWayland *self)
{
  const cairo_rectangle_int_t all = {0, 0, self->parent.place.width, self->parent.place.height};
  const gsize size = lodge_plane_get_size (&all);
  const int stride = all.width * (int) sizeof (guint32);
  const int fd = size <= BUFFER_MAX ? open_memory (size) : -1;
  struct wl_shm_pool *pool;
  Buffer *buffer;
  void *memory;

  if (fd < 0)
    return NULL;
  memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    close (fd);
    return NULL;
  }
  buffer = g_new0 (Buffer, 1);
  buffer->plane = self;
  buffer->memory = memory;
  buffer->width = all.width;
  buffer->height = all.height;
  buffer->missed = cairo_region_create_rectangle (&all);
  pool = wl_shm_create_pool (lodge_wayland_globals_get (self->globals, SHM), fd, (gint32) size);
  buffer->wl_buffer =
      wl_shm_pool_create_buffer (pool, 0, all.width, all.height, stride, WL_SHM_FORMAT_ARGB8888);
  wl_buffer_add_listener (buffer->wl_buffer, &buffer_listener, buffer);
  wl_shm_pool_destroy (pool); /* the buffer keeps the memory */
  close (fd);
  g_ptr_array_add (self->buffers, buffer);
  return buffer;
}

static Buffer *
find_buffer (LodgePlaneWayland *self)
{
  for (guint i = 0; i < self->buffers->len; i++) {
    Buffer *buffer = g_ptr_array_index (self->buffers, i);

    if (!buffer->busy)
      return buffer;
  }
  return self->buffers->len < BUFFERS_MAX ? add_buffer (self) : NULL;
}

/* Memory that the compositor reads is not to be given back before it says so. */
static void
drop_buffers (LodgePlaneWayland *self)
{
  while (self->buffers->len > 0) {
    Buffer *buffer = g_ptr_array_steal_index_fast (self->buffers, self->buffers->len - 1);

    if (buffer->busy)
      g_ptr_array_add (self->old, buffer);
    else
      free_buffer (buffer);
  }
}

/* ---- with GTK's frame */

static void
stop_awaiting (LodgePlaneWayland *self)
{
  self->awaiting = FALSE;
  /* One that was destroyed has no handlers any more. */
  g_signal_handlers_disconnect_by_data (self->clock, self);
  g_signal_handlers_disconnect_by_data (self->surface, self);
}

static void
destroy (LodgePlaneWayland *self)
{
  stop_awaiting (self);
  g_clear_pointer (&self->frame, wl_callback_destroy);
  g_clear_pointer (&self->viewport, wp_viewport_destroy);
  g_clear_pointer (&self->subsurface, wl_subsurface_destroy);
  g_clear_pointer (&self->wl_surface, wl_surface_destroy);
  g_ptr_array_unref (self->buffers);
  g_ptr_array_unref (self->old);
  lodge_wayland_globals_free (self->globals);
  g_object_unref (self->clock);
  g_object_unref (self->surface);
  g_free (self);
}

static void
painted_cb (LodgePlaneWayland *self)
{
  if (self->freed) {
    destroy (self);
    return;
  }
  stop_awaiting (self);
  /* Also brings what GTK has not: where it found nothing to draw. */
  if (self->parent.shown)
    wl_subsurface_set_desync (self->subsurface);
}

static void
await_frame (LodgePlaneWayland *self)
{
  wl_subsurface_set_sync (self->subsurface);
  if (self->awaiting)
    return;
  self->awaiting = TRUE;
  /* After GDK, whose own handlers are older, has committed. */
  g_signal_connect_swapped (self->clock, "after-paint", G_CALLBACK (painted_cb), self);
  g_signal_connect_swapped (self->surface, "notify::mapped", G_CALLBACK (painted_cb), self);
}

/* ---- its place */

/* From the screen's pixels to those of a surface. */
static gboolean
to_logical (int device, double scale, int *out_logical)
{
  *out_logical = (int) lround (device / scale);
  return fabs (*out_logical * scale - device) < EPSILON;
}

static gboolean
find_logical (const cairo_rectangle_int_t *place, double scale, cairo_rectangle_int_t *out_logical)
{
  return to_logical (place->x, scale, &out_logical->x) &&
         to_logical (place->y, scale, &out_logical->y) &&
         to_logical (place->width, scale, &out_logical->width) &&
         to_logical (place->height, scale, &out_logical->height);
}

static gboolean
is_whole (double scale)
{
  return scale == floor (scale);
}

static gboolean
plane_wayland_fits (LodgePlane *plane, const cairo_rectangle_int_t *place)
{
  LodgePlaneWayland *self = (LodgePlaneWayland *) plane;
  cairo_rectangle_int_t logical;

  self->waited = self->wl_surface == NULL;
  return self->wl_surface != NULL && find_logical (place, plane->scale, &logical) &&
         (is_whole (plane->scale) || lodge_wayland_globals_get (self->globals, VIEWPORTER) != NULL);
}

static void
plane_wayland_hide (LodgePlane *plane)
{
  LodgePlaneWayland *self = (LodgePlaneWayland *) plane;

  plane->shown = FALSE;
  self->refused = FALSE;
  g_clear_pointer (&self->frame, wl_callback_destroy);
  await_frame (self);
  wl_surface_attach (self->wl_surface, NULL, 0, 0);
  wl_surface_commit (self->wl_surface);
  drop_buffers (self);
}

/* How large it is in the parent, from the next commit on, which brings a buffer that fits. */
static void
set_scale (LodgePlaneWayland *self, const cairo_rectangle_int_t *logical)
{
  self->shown_scale = self->parent.scale;
  if (is_whole (self->shown_scale)) {
    g_clear_pointer (&self->viewport, wp_viewport_destroy);
    wl_surface_set_buffer_scale (self->wl_surface, (gint32) self->shown_scale);
    return;
  }
  if (self->viewport == NULL)
    self->viewport = wp_viewporter_get_viewport (
        lodge_wayland_globals_get (self->globals, VIEWPORTER), self->wl_surface);
  wl_surface_set_buffer_scale (self->wl_surface, 1);
  wp_viewport_set_destination (self->viewport, logical->width, logical->height);
}

static gboolean
plane_wayland_show (LodgePlane *plane, const cairo_rectangle_int_t *place)
{
  LodgePlaneWayland *self = (LodgePlaneWayland *) plane;
  cairo_rectangle_int_t logical;

  if (plane->shown && self->shown_scale == plane->scale &&
      memcmp (&plane->place, place, sizeof *place) == 0)
    return TRUE;
  if (!find_logical (place, plane->scale, &logical)) {
    if (plane->shown)
      plane_wayland_hide (plane);
    return FALSE;
  }
  if (place->width != plane->place.width || place->height != plane->place.height)
    drop_buffers (self);
  plane->place = *place;
  if (self->buffers->len == 0 && add_buffer (self) == NULL) {
    if (plane->shown)
      plane_wayland_hide (plane);
    return FALSE;
  }
  plane->shown = TRUE;
  wl_subsurface_set_position (self->subsurface, logical.x, logical.y);
  set_scale (self, &logical);
  await_frame (self);
  /* What is put next is to be in time for that. */
  g_clear_pointer (&self->frame, wl_callback_destroy);
  plane->events->frame_wanted (plane->user_data);
  return TRUE;
}

/* ---- pictures */

static void
frame_cb (void *data, struct wl_callback *callback, uint32_t time_ms)
{
  LodgePlaneWayland *self = data;

  g_clear_pointer (&self->frame, wl_callback_destroy);
  tell_ready (self);
}

static const struct wl_callback_listener frame_listener = {frame_cb};

/* What a buffer has missed, as far as the picture has it: as it is now, which may be newer than
 * what is on the screen; then it is put again. */
static void
fill_buffer (Buffer *buffer, const LodgeFrame *frame, int x, int y)
{
  const cairo_rectangle_int_t all = {-x, -y, frame->width, frame->height};
  cairo_region_t *there = cairo_region_copy (buffer->missed);

  cairo_region_intersect_rectangle (there, &all);
  for (int i = 0; i < cairo_region_num_rectangles (there); i++) {
    cairo_rectangle_int_t piece;

    cairo_region_get_rectangle (there, i, &piece);
    lodge_plane_copy (frame, piece.x + x, piece.y + y, buffer->memory, buffer->width, &piece);
  }
  cairo_region_subtract_rectangle (buffer->missed, &all);
  cairo_region_destroy (there);
}

/* Each of the buffers has missed it, and the surface is to show it. */
static void
tell_damage (LodgePlaneWayland *self, const cairo_rectangle_int_t *piece)
{
  for (guint i = 0; i < self->buffers->len; i++) {
    Buffer *buffer = g_ptr_array_index (self->buffers, i);

    lodge_damage_add (buffer->missed, piece);
  }
  wl_surface_damage_buffer (self->wl_surface, piece->x, piece->y, piece->width, piece->height);
}

static gboolean
plane_wayland_put (LodgePlane *plane,
                   const LodgeFrame *frame,
                   int x,
                   int y,
                   const cairo_rectangle_int_t *pieces,
                   int n_pieces)
{
  LodgePlaneWayland *self = (LodgePlaneWayland *) plane;
  Buffer *buffer;

  if (self->frame != NULL || !has_room (self)) {
    self->refused = TRUE;
    return FALSE;
  }
  buffer = find_buffer (self);
  if (buffer == NULL) {
    plane->events->lost (plane->user_data);
    return TRUE;
  }
  for (int i = 0; i < n_pieces; i++)
    tell_damage (self, &(cairo_rectangle_int_t){pieces[i].x - x, pieces[i].y - y, pieces[i].width,
                                                pieces[i].height});
  fill_buffer (buffer, frame, x, y);
  buffer->busy = TRUE;
  wl_surface_attach (self->wl_surface, buffer->wl_buffer, 0, 0);
  self->frame = wl_surface_frame (self->wl_surface);
  wl_callback_add_listener (self->frame, &frame_listener, self);
  wl_surface_commit (self->wl_surface);
  return TRUE;
}

/* ---- making one */

/* It goes with GTK's next frame. */
static void
plane_wayland_free (LodgePlane *plane)
{
  LodgePlaneWayland *self = (LodgePlaneWayland *) plane;

  if (plane->shown)
    plane_wayland_hide (plane);
  if (self->awaiting && gdk_surface_get_mapped (self->surface))
    self->freed = TRUE;
  else
    destroy (self);
}

static const LodgePlaneKind plane_wayland_kind = {plane_wayland_free, plane_wayland_show,
                                                  plane_wayland_hide, plane_wayland_put,
                                                  plane_wayland_fits};

LodgePlane *
lodge_plane_wayland_new (GdkSurface *surface)
{
  LodgePlaneWayland *self;

  /* The format names its bytes from the least one on, whatever the machine. */
  if (G_BYTE_ORDER != G_LITTLE_ENDIAN)
    return NULL;
  self = g_new0 (LodgePlaneWayland, 1);
  self->parent.kind = &plane_wayland_kind;
  self->surface = g_object_ref (surface);
  self->clock = g_object_ref (gdk_surface_get_frame_clock (surface));
  self->buffers = g_ptr_array_new_with_free_func (free_buffer);
  self->old = g_ptr_array_new_with_free_func (free_buffer);
  self->globals = lodge_wayland_globals_new (gdk_surface_get_display (surface), wanted,
                                             G_N_ELEMENTS (wanted), found_cb, self);
  return &self->parent;
}
