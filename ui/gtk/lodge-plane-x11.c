/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plane on X11: a window inside GTK's, filled from shared memory (MIT-SHM 1.2).
 *
 * It has a connection of its own. GDK ends the program at an error that it did not expect, and
 * reads each event of its connection; here an error is an event like others, and a window that
 * went with its parent is no reason to fall.
 *
 * The memory has two halves. Pictures are laid behind each other into one of them until there is
 * little room left; then the server is asked to say when it has read that (which costs a turn of
 * the main loop, and so is not asked with each), and it is the other half's turn.
 */
#include "gtk/lodge-plane-private.h"

#include <gdk/x11/gdkx.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xcb/shape.h>
#include <xcb/shm.h>
#include <xcb/xcb.h>

/* Of one half: 7680 x 4320 pixels. */
#define HALF_MAX     (7680 * 4320 * 4)
#define PIXEL_BITS   32
#define RED_MASK     0xff0000
#define GREEN_MASK   0x00ff00
#define BLUE_MASK    0x0000ff
#define SHM_MAJOR    1
#define SHM_MINOR_FD 2 /* memory is given by its descriptor, across containers */

typedef struct {
  LodgePlane parent;

  xcb_connection_t *connection;
  guint watch_id;
  guint8 completion; /* number of the event that says so */
  xcb_window_t window;
  xcb_gcontext_t gc;
  guint8 depth;

  xcb_shm_seg_t segment; /* 0: none */
  guint8 *memory;
  gsize half_size;
  guint half; /* the one that is filled */
  gsize used; /* of it */
  /* The server reads in turn, so what it has said counts for all that came before, too. */
  guint64 asked;
  guint64 answered;
  guint64 read_at[2]; /* by which answer each half is read */
  gboolean refused;   /* somebody waits */
} LodgePlaneX11;

/* ---- memory */

static void
drop_memory (LodgePlaneX11 *self)
{
  if (self->segment == 0)
    return;
  /* The server has it mapped for itself until it has read what was put. */
  xcb_shm_detach (self->connection, self->segment);
  munmap (self->memory, 2 * self->half_size);
  self->segment = 0;
  self->memory = NULL;
  self->half_size = 0;
}

static gboolean
take_memory (LodgePlaneX11 *self, gsize half_size)
{
  int fd;

  if (half_size <= self->half_size)
    return TRUE;
  drop_memory (self);
  if (half_size > HALF_MAX)
    return FALSE;

  fd = memfd_create ("lodge-plane", MFD_CLOEXEC);
  if (fd < 0)
    return FALSE;
  if (ftruncate (fd, (off_t) (2 * half_size)) == 0)
    self->memory = mmap (NULL, 2 * half_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (self->memory == NULL || self->memory == MAP_FAILED) {
    self->memory = NULL;
    close (fd);
    return FALSE;
  }
  self->half_size = half_size;
  self->half = 0;
  self->used = 0;
  memset (self->read_at, 0, sizeof self->read_at);
  self->segment = xcb_generate_id (self->connection);
  /* The descriptor is xcb's from here on. */
  xcb_shm_attach_fd (self->connection, self->segment, fd, TRUE);
  return TRUE;
}

/* ---- what the server says */

static void
answered (LodgePlaneX11 *self)
{
  self->answered++;
  if (self->refused) {
    self->refused = FALSE;
    self->parent.events->ready (self->parent.user_data);
  }
}

static gboolean
is_lost (LodgePlaneX11 *self)
{
  return xcb_connection_has_error (self->connection) != 0;
}

/* Returns: FALSE once it is lost. */
static gboolean
take_events (LodgePlaneX11 *self, xcb_generic_event_t *(*next) (xcb_connection_t *) )
{
  xcb_generic_event_t *event;
  gboolean exposed = FALSE, refused = FALSE;

  while ((event = next (self->connection)) != NULL) {
    const guint8 type = event->response_type & 0x7f;

    if (type == 0)
      refused = TRUE;
    else if (type == XCB_EXPOSE)
      exposed = TRUE;
    else if (type == self->completion)
      answered (self);
    free (event);
  }
  /* An error: the window is gone, or the memory was not taken. */
  if (refused || is_lost (self)) {
    self->parent.shown = FALSE;
    self->parent.events->lost (self->parent.user_data);
    return FALSE;
  }
  if (exposed && self->parent.shown)
    self->parent.events->exposed (self->parent.user_data);
  return TRUE;
}

static gboolean
readable_cb (int fd, GIOCondition condition, gpointer user_data)
{
  LodgePlaneX11 *self = user_data;

  if (take_events (self, xcb_poll_for_event))
    return G_SOURCE_CONTINUE;
  self->watch_id = 0;
  return G_SOURCE_REMOVE;
}

/* ---- its place */

static void
plane_x11_hide (LodgePlane *plane)
{
  LodgePlaneX11 *self = (LodgePlaneX11 *) plane;

  plane->shown = FALSE;
  xcb_unmap_window (self->connection, self->window);
  xcb_flush (self->connection);
}

static gboolean
plane_x11_show (LodgePlane *plane, const cairo_rectangle_int_t *place)
{
  LodgePlaneX11 *self = (LodgePlaneX11 *) plane;

  if (!take_memory (self, lodge_plane_get_size (place))) {
    plane_x11_hide (plane);
    return FALSE;
  }
  if (memcmp (&plane->place, place, sizeof *place) != 0) {
    const guint32 values[] = {(guint32) place->x, (guint32) place->y, (guint32) place->width,
                              (guint32) place->height};

    plane->place = *place;
    xcb_configure_window (self->connection, self->window,
                          XCB_CONFIG_WINDOW_X | XCB_CONFIG_WINDOW_Y | XCB_CONFIG_WINDOW_WIDTH |
                              XCB_CONFIG_WINDOW_HEIGHT,
                          values);
  }
  if (!plane->shown)
    xcb_map_window (self->connection, self->window);
  plane->shown = TRUE;
  xcb_flush (self->connection);
  return TRUE;
}

/* ---- pictures */

static void
put_piece (LodgePlaneX11 *self,
           const LodgeFrame *frame,
           int x,
           int y,
           const cairo_rectangle_int_t *piece,
           gboolean ask)
{
  const gsize offset = self->half * self->half_size + self->used;

  lodge_plane_copy (frame, piece->x, piece->y, (guint32 *) (self->memory + offset), piece->width,
                    &(cairo_rectangle_int_t){0, 0, piece->width, piece->height});
  self->used += lodge_plane_get_size (piece);
  xcb_shm_put_image (self->connection, self->window, self->gc, (guint16) piece->width,
                     (guint16) piece->height, 0, 0, (guint16) piece->width, (guint16) piece->height,
                     (gint16) (piece->x - x), (gint16) (piece->y - y), self->depth,
                     XCB_IMAGE_FORMAT_Z_PIXMAP, ask, self->segment, (guint32) offset);
}

/* The server will say when it has read what this half has. */
static void
leave_half (LodgePlaneX11 *self, guint64 read_at)
{
  self->read_at[self->half] = read_at;
  self->half = !self->half;
  self->used = 0;
}

/* Returns: FALSE: the server still reads what is there. */
static gboolean
make_room (LodgePlaneX11 *self, gsize size, gboolean *out_ask)
{
  /* The same memory again and again stays in the processor's cache. */
  if (self->used == 0 && self->answered >= self->read_at[0])
    self->half = 0;

  const gboolean leave = self->used + size > self->half_size;
  const guint half = leave ? !self->half : self->half;

  if (self->answered < self->read_at[half])
    return FALSE;
  if (leave)
    leave_half (self, self->asked + 1);
  *out_ask = leave || self->used + size > self->half_size / 2;
  return TRUE;
}

static gboolean
plane_x11_put (LodgePlane *plane,
               const LodgeFrame *frame,
               int x,
               int y,
               const cairo_rectangle_int_t *pieces,
               int n_pieces)
{
  LodgePlaneX11 *self = (LodgePlaneX11 *) plane;
  gboolean ask = FALSE;
  gsize size = 0;

  /* What xcb reads while it writes is not seen by the main loop: here of lodge_plane_show(), below
   * of this picture. */
  if (!take_events (self, xcb_poll_for_queued_event))
    return TRUE;
  for (int i = 0; i < n_pieces; i++)
    size += lodge_plane_get_size (&pieces[i]);
  if (!make_room (self, size, &ask)) {
    self->refused = TRUE;
    return FALSE;
  }
  for (int i = 0; i < n_pieces; i++)
    put_piece (self, frame, x, y, &pieces[i], ask && i == n_pieces - 1);
  self->asked += ask;
  if (self->used > self->half_size / 2)
    leave_half (self, self->asked);
  xcb_flush (self->connection);
  take_events (self, xcb_poll_for_queued_event);
  return TRUE;
}

/* ---- making one */

static gboolean
has_shared_memory (xcb_connection_t *connection)
{
  const xcb_query_extension_reply_t *shm = xcb_get_extension_data (connection, &xcb_shm_id);
  const xcb_query_extension_reply_t *shape = xcb_get_extension_data (connection, &xcb_shape_id);
  g_autofree xcb_shm_query_version_reply_t *version = NULL;

  if (shm == NULL || !shm->present || shape == NULL || !shape->present)
    return FALSE;
  version = xcb_shm_query_version_reply (connection, xcb_shm_query_version (connection), NULL);
  return version != NULL &&
         (version->major_version > SHM_MAJOR ||
          (version->major_version == SHM_MAJOR && version->minor_version >= SHM_MINOR_FD));
}

static xcb_visualtype_t *
find_visual (const xcb_setup_t *setup, xcb_visualid_t id, guint8 *out_depth)
{
  for (xcb_screen_iterator_t screen = xcb_setup_roots_iterator (setup); screen.rem > 0;
       xcb_screen_next (&screen)) {
    for (xcb_depth_iterator_t depth = xcb_screen_allowed_depths_iterator (screen.data);
         depth.rem > 0; xcb_depth_next (&depth)) {
      for (xcb_visualtype_iterator_t visual = xcb_depth_visuals_iterator (depth.data);
           visual.rem > 0; xcb_visualtype_next (&visual)) {
        if (visual.data->visual_id == id) {
          *out_depth = depth.data->depth;
          return visual.data;
        }
      }
    }
  }
  return NULL;
}

static gboolean
has_pixels_of (const xcb_setup_t *setup, guint8 depth)
{
  for (xcb_format_iterator_t format = xcb_setup_pixmap_formats_iterator (setup); format.rem > 0;
       xcb_format_next (&format)) {
    if (format.data->depth == depth)
      return format.data->bits_per_pixel == PIXEL_BITS;
  }
  return FALSE;
}

/* Whether the window's pixels are the guest's, 0xXXRRGGBB in this machine's byte order. */
static gboolean
has_our_pixels (LodgePlaneX11 *self, xcb_window_t parent)
{
  const xcb_setup_t *setup = xcb_get_setup (self->connection);
  const xcb_image_order_t order =
      G_BYTE_ORDER == G_LITTLE_ENDIAN ? XCB_IMAGE_ORDER_LSB_FIRST : XCB_IMAGE_ORDER_MSB_FIRST;
  g_autofree xcb_get_window_attributes_reply_t *attributes = xcb_get_window_attributes_reply (
      self->connection, xcb_get_window_attributes (self->connection, parent), NULL);
  const xcb_visualtype_t *visual =
      attributes != NULL ? find_visual (setup, attributes->visual, &self->depth) : NULL;

  return visual != NULL && setup->image_byte_order == order && has_pixels_of (setup, self->depth) &&
         visual->red_mask == RED_MASK && visual->green_mask == GREEN_MASK &&
         visual->blue_mask == BLUE_MASK;
}

/* Of the parent's depth and visual. What is below stays to be seen until the first picture. */
static void
make_window (LodgePlaneX11 *self, xcb_window_t parent)
{
  const guint32 values[] = {XCB_BACK_PIXMAP_NONE, XCB_GRAVITY_NORTH_WEST, XCB_EVENT_MASK_EXPOSURE};

  self->window = xcb_generate_id (self->connection);
  xcb_create_window (self->connection, XCB_COPY_FROM_PARENT, self->window, parent, 0, 0, 1, 1, 0,
                     XCB_WINDOW_CLASS_COPY_FROM_PARENT, XCB_COPY_FROM_PARENT,
                     XCB_CW_BACK_PIXMAP | XCB_CW_BIT_GRAVITY | XCB_CW_EVENT_MASK, values);
  /* The pointer is the parent's here, too. */
  xcb_shape_rectangles (self->connection, XCB_SHAPE_SO_SET, XCB_SHAPE_SK_INPUT,
                        XCB_CLIP_ORDERING_UNSORTED, self->window, 0, 0, 0, NULL);
  self->gc = xcb_generate_id (self->connection);
  xcb_create_gc (self->connection, self->gc, self->window, 0, NULL);
}

/* A server that is reached over a network has no use for a descriptor. */
static gboolean
try_memory (LodgePlaneX11 *self)
{
  g_autofree xcb_get_input_focus_reply_t *reply = NULL;
  g_autofree xcb_generic_event_t *event = NULL;

  if (!take_memory (self, sizeof (guint32)))
    return FALSE;
  reply =
      xcb_get_input_focus_reply (self->connection, xcb_get_input_focus (self->connection), NULL);
  event = xcb_poll_for_queued_event (self->connection);
  return reply != NULL && event == NULL;
}

static void
plane_x11_free (LodgePlane *plane)
{
  LodgePlaneX11 *self = (LodgePlaneX11 *) plane;

  g_clear_handle_id (&self->watch_id, g_source_remove);
  drop_memory (self);
  xcb_disconnect (self->connection); /* its window goes with it */
  g_free (self);
}

static const LodgePlaneKind plane_x11_kind = {plane_x11_free, plane_x11_show, plane_x11_hide,
                                              plane_x11_put, NULL};

LodgePlane *
lodge_plane_x11_new (GdkSurface *surface)
{
  LodgePlaneX11 *self = g_new0 (LodgePlaneX11, 1);
  const xcb_window_t parent = (xcb_window_t) gdk_x11_surface_get_xid (surface);

  self->parent.kind = &plane_x11_kind;
  self->connection = xcb_connect (gdk_display_get_name (gdk_surface_get_display (surface)), NULL);
  if (!is_lost (self) && has_shared_memory (self->connection) && has_our_pixels (self, parent)) {
    self->completion =
        xcb_get_extension_data (self->connection, &xcb_shm_id)->first_event + XCB_SHM_COMPLETION;
    make_window (self, parent);
    if (try_memory (self)) {
      self->watch_id = g_unix_fd_add (xcb_get_file_descriptor (self->connection),
                                      G_IO_IN | G_IO_HUP | G_IO_ERR, readable_cb, self);
      return &self->parent;
    }
  }
  plane_x11_free (&self->parent);
  return NULL;
}
