/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A frame source fed by QEMU's own memory.
 *
 * What is shown is a copy. QEMU makes its memory without seals (util/memfd.c, qemu_memfd_alloc()
 * from ui/qemu-pixman.c), so one that was taken over could cut it off while it is read here, and
 * that is SIGBUS for memory that is mapped; read() only gives less. The copy also stays whole while
 * QEMU draws the next frame, and shows what really changed: guests that flip between two buffers
 * name another one with each frame, and say that all of it is new.
 */
#include "console/lodge-map-source.h"

#include "console/lodge-frame-check.h"
#include "console/lodge-map-mailbox.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* No screen has more frames than are taken at this pace. */
#define PAUSE_MS 8
/* Read in one piece: it stays in the processor's cache while it is compared. */
#define PIECE_BYTES (128 * 1024)
/* What is found to have changed is told in blocks of so many pixels. */
#define BLOCK_SIDE 64
/* pixman.h: PIXMAN_x8r8g8b8 and PIXMAN_a8r8g8b8. */
#define FORMAT_XRGB 0x20020888
#define FORMAT_ARGB 0x20028888

struct _LodgeMapSource {
  GObject parent_instance;

  int shutdown_fd; /* the connection's socket once more, to end it at once */
  GDBusConnection *bus;
  GCancellable *cancellable; /* of the bus, while that is made */
  LodgeMapMailbox *mailbox;
  gboolean ended;

  LodgeMapScanout scanout; /* as checked; fd -1: none */
  LodgeFrame frame;        /* the copy */
  guint8 *pixels;
  guint8 *piece;
};

static void frame_source_init (LodgeFrameSourceInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LodgeMapSource,
                               lodge_map_source,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (LODGE_TYPE_FRAME_SOURCE, frame_source_init))

enum { ENDED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* ---- the picture */

static void
drop_picture (LodgeMapSource *self)
{
  const gboolean had = self->frame.data != NULL;

  if (self->scanout.fd >= 0)
    close (self->scanout.fd);
  self->scanout.fd = -1;
  self->frame = (LodgeFrame){0};
  if (had)
    lodge_frame_source_emit_frame_changed (LODGE_FRAME_SOURCE (self));
  g_clear_pointer (&self->pixels, g_free);
  g_clear_pointer (&self->piece, g_free);
}

/* Whether it can be what it is said to be. Only memory has seals, even if none are set: reading it
 * never waits, as it might with a file or a pipe. */
static gboolean
check_scanout (const LodgeMapScanout *scanout)
{
  LodgeFrame frame;
  struct stat info;

  if (scanout->format != FORMAT_XRGB && scanout->format != FORMAT_ARGB)
    return FALSE;
  if (scanout->width > G_MAXINT || scanout->height > G_MAXINT || scanout->stride > G_MAXINT ||
      !lodge_frame_check ((const guint8 *) scanout, (int) scanout->width, (int) scanout->height,
                          (int) scanout->stride, &frame))
    return FALSE;
  if (fcntl (scanout->fd, F_GET_SEALS) < 0 || fstat (scanout->fd, &info) != 0)
    return FALSE;
  return info.st_size >= (off_t) scanout->offset + (off_t) scanout->stride * (frame.height - 1) +
                             (off_t) frame.width * 4;
}

static gboolean
read_all (int fd, guint8 *bytes, gsize length, off_t offset)
{
  for (gsize got = 0; got < length;) {
    const ssize_t n = pread (fd, bytes + got, length - got, offset + (off_t) got);

    if (n <= 0)
      return FALSE;
    got += (gsize) n;
  }
  return TRUE;
}

/* Where a block's row of pixels differs it is copied, and its bit set. */
static void
compare_line (LodgeMapSource *self, const guint8 *from, int x, int y, int width, guint8 *blocks)
{
  guint8 *line = self->pixels + (gsize) y * self->frame.stride;

  for (int at = x; at < x + width;) {
    const int next = MIN ((at / BLOCK_SIDE + 1) * BLOCK_SIDE, x + width);
    const gsize length = (gsize) (next - at) * 4;

    if (memcmp (line + (gsize) at * 4, from, length) != 0) {
      memcpy (line + (gsize) at * 4, from, length);
      blocks[at / BLOCK_SIDE] = 1;
    }
    from += length;
    at = next;
  }
}

/* Tells of the blocks in a row that are marked, those side by side at once. */
static void
tell_blocks (LodgeMapSource *self, int x, int right, int y, int height, const guint8 *blocks)
{
  int from = -1;

  for (int at = x / BLOCK_SIDE; at <= (right - 1) / BLOCK_SIDE + 1 && !self->ended; at++) {
    const gboolean marked = at <= (right - 1) / BLOCK_SIDE && blocks[at] != 0;

    if (marked && from < 0)
      from = at;
    if (!marked && from >= 0) {
      const int left = MAX (x, from * BLOCK_SIDE);

      lodge_frame_source_emit_damage (LODGE_FRAME_SOURCE (self), left, y,
                                      MIN (right, at * BLOCK_SIDE) - left, height);
      from = -1;
    }
  }
}

/* Rows of one row of blocks. */
static gboolean
refresh_rows (LodgeMapSource *self, int x, int y, int width, int height)
{
  guint8 blocks[LODGE_FRAME_SIZE_MAX / BLOCK_SIDE] = {0};
  const LodgeMapScanout *scanout = &self->scanout;
  /* Whole lines come in one piece, and the end of the last one may be the memory's. */
  const gboolean whole = width > self->frame.width / 2;
  const gsize line = whole ? scanout->stride : (gsize) width * 4;
  const int at_once = whole ? (int) MAX (1, PIECE_BYTES / line) : 1;
  const gsize skip = whole ? (gsize) x * 4 : 0;

  for (int row = y; row < y + height; row += at_once) {
    const int rows = MIN (at_once, y + height - row);
    const gsize length = (gsize) (rows - 1) * line + skip + (gsize) width * 4;
    const off_t offset =
        (off_t) scanout->offset + (off_t) row * scanout->stride + (whole ? 0 : (off_t) x * 4);

    if (!read_all (scanout->fd, self->piece, length, offset))
      return FALSE;
    for (int i = 0; i < rows; i++)
      compare_line (self, self->piece + (gsize) i * line + skip, x, row + i, width, blocks);
  }
  tell_blocks (self, x, x + width, y, height, blocks);
  return TRUE;
}

/* FALSE: the memory is not what it was. */
static gboolean
refresh (LodgeMapSource *self, int x, int y, int width, int height)
{
  const int bottom = y + height;

  /* A handler may have closed it. */
  while (y < bottom && !self->ended) {
    const int next = MIN ((y / BLOCK_SIDE + 1) * BLOCK_SIDE, bottom);

    if (!refresh_rows (self, x, y, width, next - y))
      return FALSE;
    y = next;
  }
  return TRUE;
}

/* A picture of another size. */
static gboolean
begin_picture (LodgeMapSource *self)
{
  const LodgeMapScanout *scanout = &self->scanout;
  const gsize line = (gsize) scanout->width * 4;
  guint8 *before = self->pixels;

  g_free (self->piece);
  self->piece = g_malloc (MAX (PIECE_BYTES, (gsize) scanout->stride));
  self->pixels = g_try_malloc (line * scanout->height);
  for (guint32 row = 0; row < scanout->height; row++) {
    if (self->pixels == NULL ||
        !read_all (scanout->fd, self->pixels + row * line, line,
                   (off_t) scanout->offset + (off_t) row * scanout->stride)) {
      g_free (self->pixels);
      self->pixels = before;
      return FALSE;
    }
  }
  lodge_frame_check (self->pixels, (int) scanout->width, (int) scanout->height, (int) line,
                     &self->frame);
  lodge_frame_source_emit_frame_changed (LODGE_FRAME_SOURCE (self));
  g_free (before);
  return TRUE;
}

static gboolean
take_scanout (LodgeMapSource *self, const LodgeMapScanout *scanout)
{
  const gboolean same = (int) scanout->width == self->frame.width &&
                        (int) scanout->height == self->frame.height &&
                        scanout->stride == self->scanout.stride;

  if (self->scanout.fd >= 0)
    close (self->scanout.fd);
  self->scanout = *scanout;
  if (!check_scanout (scanout))
    return FALSE;
  return same ? refresh (self, 0, 0, self->frame.width, self->frame.height) : begin_picture (self);
}

static gboolean
take_place (LodgeMapSource *self, LodgeMapPlace place)
{
  if (!lodge_frame_clip (&self->frame, &place.x, &place.y, &place.width, &place.height))
    return TRUE;
  return refresh (self, place.x, place.y, place.width, place.height);
}

/* ---- the connection */

static void
drop_connection (LodgeMapSource *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  if (self->shutdown_fd >= 0) {
    (void) shutdown (self->shutdown_fd, SHUT_RDWR);
    close (self->shutdown_fd);
  }
  self->shutdown_fd = -1;
  g_clear_pointer (&self->mailbox, lodge_map_mailbox_free);
  if (self->bus != NULL) {
    g_signal_handlers_disconnect_by_data (self->bus, self);
    g_dbus_connection_close (self->bus, NULL, NULL, NULL);
  }
  g_clear_object (&self->bus);
}

static void
end (LodgeMapSource *self)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  g_object_ref (self); /* a handler may let go of it */
  drop_connection (self);
  drop_picture (self);
  g_signal_emit (self, signals[ENDED], 0);
  g_object_unref (self);
}

static void
arrived_cb (gpointer user_data)
{
  LodgeMapSource *self = user_data;
  LodgeMapNews news;
  gboolean good;

  if (self->ended || !lodge_map_mailbox_take (self->mailbox, &news))
    return;
  g_object_ref (self);
  good = !news.ended;
  if (news.moved && good)
    good = take_scanout (self, &news.scanout);
  else if (news.moved)
    close (news.scanout.fd);
  for (guint i = 0; i < news.n_places && good && !self->ended; i++)
    good = take_place (self, news.places[i]);
  if (!good)
    end (self);
  g_object_unref (self);
}

static void
closed_cb (GDBusConnection *bus, gboolean vanished, GError *error, LodgeMapSource *self)
{
  end (self);
}

static void
bus_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMapSource) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusConnection) bus = g_dbus_connection_new_finish (result, &error);

  if (self->ended || self->mailbox == NULL) {
    if (bus != NULL)
      g_dbus_connection_close (bus, NULL, NULL, NULL);
    return;
  }
  if (bus == NULL) {
    end (self);
    return;
  }
  self->bus = g_steal_pointer (&bus);
  g_dbus_connection_set_exit_on_close (self->bus, FALSE);
  g_signal_connect (self->bus, "closed", G_CALLBACK (closed_cb), self);
  lodge_map_mailbox_listen (self->mailbox, self->bus);
  g_dbus_connection_start_message_processing (self->bus);
  if (g_dbus_connection_is_closed (self->bus))
    end (self);
}

void
lodge_map_source_take_fd (LodgeMapSource *self, int fd)
{
  g_autoptr (GSocketConnection) stream = NULL;
  g_autoptr (GSocket) socket = NULL;

  g_return_if_fail (LODGE_IS_MAP_SOURCE (self));
  g_return_if_fail (self->mailbox == NULL && !self->ended);

  self->mailbox = lodge_map_mailbox_new (PAUSE_MS, arrived_cb, self);
  self->cancellable = g_cancellable_new ();
  self->shutdown_fd = fcntl (fd, F_DUPFD_CLOEXEC, 0);
  socket = g_socket_new_from_fd (fd, NULL);
  if (socket == NULL) {
    close (fd);
    end (self);
    return;
  }
  stream = g_socket_connection_factory_create_connection (socket);
  g_dbus_connection_new (G_IO_STREAM (stream), NULL,
                         G_DBUS_CONNECTION_FLAGS_DELAY_MESSAGE_PROCESSING, NULL, self->cancellable,
                         bus_cb, g_object_ref (self));
}

void
lodge_map_source_close (LodgeMapSource *self)
{
  g_return_if_fail (LODGE_IS_MAP_SOURCE (self));

  self->ended = TRUE;
  drop_connection (self);
  drop_picture (self);
}

/* ---- type */

static void
lodge_map_source_get_frame (LodgeFrameSource *source, LodgeFrame *out_frame)
{
  *out_frame = LODGE_MAP_SOURCE (source)->frame;
}

static gboolean
lodge_map_source_get_cursor (LodgeFrameSource *source, LodgeCursor *out_cursor)
{
  return FALSE;
}

static void
frame_source_init (LodgeFrameSourceInterface *iface)
{
  iface->get_frame = lodge_map_source_get_frame;
  iface->get_cursor = lodge_map_source_get_cursor;
}

static void
lodge_map_source_dispose (GObject *object)
{
  lodge_map_source_close (LODGE_MAP_SOURCE (object));
  G_OBJECT_CLASS (lodge_map_source_parent_class)->dispose (object);
}

static void
lodge_map_source_class_init (LodgeMapSourceClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_map_source_dispose;
  signals[ENDED] = g_signal_new ("ended", LODGE_TYPE_MAP_SOURCE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 0);
}

static void
lodge_map_source_init (LodgeMapSource *self)
{
  self->shutdown_fd = -1;
  self->scanout.fd = -1;
}

LodgeMapSource *
lodge_map_source_new (void)
{
  return g_object_new (LODGE_TYPE_MAP_SOURCE, NULL);
}
