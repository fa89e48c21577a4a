/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest's picture as render nodes: tiles that are made again only where it changed.
 *
 * GSK compares the nodes of two frames by pointer, so appending the same node for a tile that did
 * not change keeps it out of the region that is drawn again.
 *
 * GL and Vulkan renderers upload each new texture as a whole: a tile is a texture of its own, on
 * the guest's memory itself, without a copy. When the picture is scaled, linear filtering at a
 * tile's edge needs the pixels beyond it; so the texture reaches GUTTER pixels further, and a clip
 * that lies on device pixels cuts it. What is drawn is then bit for bit what one large texture
 * gives. Neither one texture for all (uploaded whole at each key typed) nor tiles that end at
 * their edge (seams of up to 77 levels at a scale of 0.83) does.
 *
 * The cairo renderer copies every texture there is for every frame, seen or not (GTK 4.8,
 * gsk_texture_node_draw), so for it there are bands as wide as the picture: cairo nodes that paint
 * from an image surface on the guest's memory, so that what they show is always what the memory
 * has. They are low because cairo draws each into a picture of its own first
 * (_pixman_image_for_recording()), which then stays in the processor's cache; of a full frame in
 * one piece a sixth more time is spent. Which part is drawn again is told by patches, nodes that
 * draw nothing and are as large as what changed: one that the last frame did not have is a
 * difference, and what is below it is drawn. It takes 1/38 of the time for a change of the size of
 * a word.
 *
 * A picture that is a whole multiple larger is not smoothed: its pixels are sharp squares. What GTK
 * has for that came with 4.10, and is only sharp on a screen that is not scaled; elsewhere, and
 * before, GL renderers are given cairo nodes too.
 *
 * The guest's X byte is 0, and GDK 4.8 has no format without alpha. As premultiplied pixels of
 * alpha 0 are added to what is below, black below them gives the exact colour.
 */
#include "gtk/lodge-tiles.h"

#include "gtk/lodge-display-scale.h"
#include "lodge-damage.h"

#include <math.h>

#define GUTTER      2
#define BAND_HEIGHT 64 /* guest pixels; of 1920 x 64 half a megabyte */
/* Patches. More than a few in one frame become one. Each that is there costs something in every
 * frame; one that gives way has its place drawn once more. */
#define FRAME_PATCHES_MAX 8
#define PATCHES_MAX       16

struct _LodgeTiles {
  LodgeFrame frame;
  LodgeDisplayView view;
  gboolean for_cairo;
  int multiple; /* of the view: 2 for pixels that are shown as 2 x 2, 0 where it is no whole number
                 */

  int tile_width, tile_height; /* in guest pixels */
  int columns;
  int rows;
  GskRenderNode **nodes;  /* columns * rows, NULL: to be made */
  cairo_region_t *damage; /* in guest pixels: has no patch yet */
  GPtrArray *patches;     /* of GskRenderNode, for cairo, each at its own place */
  GPtrArray *black;       /* of GskRenderNode, below and beside the picture */
  gboolean has_bars;      /* that is only beside it */
  cairo_surface_t *image; /* for cairo: all of the frame */
};

static void
drop_patches (LodgeTiles *self)
{
  g_ptr_array_set_size (self->patches, 0);
  g_clear_pointer (&self->damage, cairo_region_destroy);
  self->damage = cairo_region_create ();
}

static void
drop_nodes (LodgeTiles *self)
{
  for (int i = 0; i < self->columns * self->rows; i++)
    g_clear_pointer (&self->nodes[i], gsk_render_node_unref);
  drop_patches (self);
}

/* For the frame and the renderer that there are now. */
static void
lay_out (LodgeTiles *self)
{
  drop_nodes (self);
  g_free (self->nodes);
  self->tile_width = self->for_cairo ? MAX (1, self->frame.width) : LODGE_TILE_SIZE;
  self->tile_height = self->for_cairo ? BAND_HEIGHT : LODGE_TILE_SIZE;
  self->columns = (self->frame.width + self->tile_width - 1) / self->tile_width;
  self->rows = (self->frame.height + self->tile_height - 1) / self->tile_height;
  if (self->frame.data == NULL)
    self->columns = self->rows = 0;
  self->nodes = g_new0 (GskRenderNode *, self->columns * self->rows);
}

static void
drop_image (LodgeTiles *self)
{
  /* The renderer may hold the last frame's nodes for one more frame. Finishing the surface makes
   * cairo give those a copy while the memory is still there. */
  if (self->image != NULL)
    cairo_surface_finish (self->image);
  g_clear_pointer (&self->image, cairo_surface_destroy);
}

static void
unref_node (gpointer node)
{
  gsk_render_node_unref (node);
}

LodgeTiles *
lodge_tiles_new (void)
{
  LodgeTiles *self = g_new0 (LodgeTiles, 1);

  self->patches = g_ptr_array_new_with_free_func (unref_node);
  self->black = g_ptr_array_new_with_free_func (unref_node);
  self->damage = cairo_region_create ();
  return self;
}

void
lodge_tiles_free (LodgeTiles *self)
{
  lodge_tiles_set_frame (self, &(LodgeFrame){0});
  g_ptr_array_unref (self->black);
  g_ptr_array_unref (self->patches);
  cairo_region_destroy (self->damage);
  g_free (self->nodes);
  g_free (self);
}

void
lodge_tiles_set_frame (LodgeTiles *self, const LodgeFrame *frame)
{
  drop_nodes (self);
  drop_image (self);
  self->frame = *frame;
  lay_out (self);
}

void
lodge_tiles_set_view (LodgeTiles *self, const LodgeDisplayView *view, gboolean for_cairo)
{
  if (lodge_display_view_equal (&self->view, view) && self->for_cairo == for_cairo)
    return;

  self->view = *view;
  self->for_cairo = for_cairo;
  self->multiple = lodge_display_view_get_multiple (view);
  lay_out (self);
  drop_image (self);
  g_ptr_array_set_size (self->black, 0);
}

/* How far a guest pixel is seen around itself: linear filtering reaches one pixel, and cairo, when
 * it makes a picture smaller, averages over as many as go into one of the screen's. */
static int
get_reach (LodgeTiles *self)
{
  if (self->view.view_width < 1 || self->multiple > 0)
    return 0;
  return GUTTER + (int) ceil (2.0 * self->frame.width / self->view.view_width);
}

void
lodge_tiles_damage (LodgeTiles *self, int x, int y, int width, int height)
{
  int reach = get_reach (self);

  if (width < 1 || height < 1 || self->columns == 0)
    return;

  if (self->for_cairo) {
    const cairo_rectangle_int_t seen = {x - reach, y - reach, width + 2 * reach,
                                        height + 2 * reach};
    lodge_damage_add (self->damage, &seen);
    return;
  }

  int first_column = MAX (x - reach, 0) / self->tile_width;
  int first_row = MAX (y - reach, 0) / self->tile_height;
  int last_column = MIN ((x + width - 1 + reach) / self->tile_width, self->columns - 1);
  int last_row = MIN ((y + height - 1 + reach) / self->tile_height, self->rows - 1);
  for (int row = first_row; row <= last_row; row++) {
    for (int column = first_column; column <= last_column; column++)
      g_clear_pointer (&self->nodes[row * self->columns + column], gsk_render_node_unref);
  }
}

/* ---- nodes */

/* Where the guest's column or row begins on the screen: a whole device pixel. */
static double
snap_x (LodgeTiles *self, int x)
{
  const LodgeDisplayView *view = &self->view;

  return lodge_display_view_from_device_x (
      view, view->left + floor ((double) x * view->view_width / view->guest_width + 0.5));
}

static double
snap_y (LodgeTiles *self, int y)
{
  const LodgeDisplayView *view = &self->view;

  return lodge_display_view_from_device_y (
      view, view->top + floor ((double) y * view->view_height / view->guest_height + 0.5));
}

/* Where a rectangle of the guest is in the widget; what is outside of the picture is cut off. */
static graphene_rect_t
get_bounds (LodgeTiles *self, int x, int y, int width, int height)
{
  double left = snap_x (self, MAX (x, 0));
  double top = snap_y (self, MAX (y, 0));
  double right = snap_x (self, MIN (x + width, self->frame.width));
  double bottom = snap_y (self, MIN (y + height, self->frame.height));

  return GRAPHENE_RECT_INIT (left, top, right - left, bottom - top);
}

static graphene_rect_t
get_tile_bounds (LodgeTiles *self, int column, int row)
{
  return get_bounds (self, column * self->tile_width, row * self->tile_height, self->tile_width,
                     self->tile_height);
}

static GdkTexture *
make_texture (LodgeTiles *self, int left, int top, int right, int bottom)
{
  const gsize stride = self->frame.stride;
  g_autoptr (GBytes) bytes = g_bytes_new_static (self->frame.data + top * stride + left * 4,
                                                 (bottom - top - 1) * stride + (right - left) * 4);

  return gdk_memory_texture_new (right - left, bottom - top,
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
                                 GDK_MEMORY_B8G8R8A8_PREMULTIPLIED,
#else
                                 GDK_MEMORY_A8R8G8B8_PREMULTIPLIED,
#endif
                                 bytes, stride);
}

/* NULL where GTK has no node that does it. */
static GskRenderNode *
make_texture_node (LodgeTiles *self, int column, int row, const graphene_rect_t *tile)
{
  const LodgeDisplayView *view = &self->view;
  const int gutter = self->multiple > 0 ? 0 : GUTTER;
  const int left = MAX (column * self->tile_width - gutter, 0);
  const int top = MAX (row * self->tile_height - gutter, 0);
  const int right = MIN ((column + 1) * self->tile_width + gutter, self->frame.width);
  const int bottom = MIN ((row + 1) * self->tile_height + gutter, self->frame.height);
  g_autoptr (GdkTexture) texture = make_texture (self, left, top, right, bottom);

  if (self->multiple == 1)
    return gsk_texture_node_new (texture, tile);
  /* GTK 4.18 makes it larger to the window's pixels, and those to the screen's smoothly. */
  if (self->multiple > 1)
    return view->device_scale == 1 ? lodge_display_new_sharp_node (texture, tile) : NULL;

  double scale_x = view->view_width / (double) view->guest_width / view->device_scale;
  double scale_y = view->view_height / (double) view->guest_height / view->device_scale;
  graphene_rect_t bounds =
      GRAPHENE_RECT_INIT (lodge_display_view_from_device_x (view, view->left) + left * scale_x,
                          lodge_display_view_from_device_y (view, view->top) + top * scale_y,
                          (right - left) * scale_x, (bottom - top) * scale_y);
  g_autoptr (GskRenderNode) node = gsk_texture_node_new (texture, &bounds);
  return gsk_clip_node_new (node, tile);
}

/* On a desktop that is scaled a tile's edges can be between two of the window's pixels. cairo keeps
 * the edges of what it records in units of 1/256 of those, which is a hundredth off the screen's
 * and seen; and GTK 4.8 (gsk_gl_render_job_visit_as_fallback) puts such a node at the pixel before.
 * So it reaches to whole pixels: into its neighbours, which show the same there, and where it is
 * not smoothed also out of the picture, where there is nothing. */
static graphene_rect_t
reach_out (LodgeTiles *self, int column, int row, const graphene_rect_t *tile)
{
  const gboolean sharp = self->multiple > 0;
  float left = tile->origin.x, right = left + tile->size.width;
  float top = tile->origin.y, bottom = top + tile->size.height;

  if (sharp || column > 0)
    left = floorf (left);
  if (sharp || row > 0)
    top = floorf (top);
  if (sharp || column < self->columns - 1)
    right = ceilf (right);
  if (sharp || row < self->rows - 1)
    bottom = ceilf (bottom);
  return GRAPHENE_RECT_INIT (left, top, right - left, bottom - top);
}

static GskRenderNode *
make_cairo_node (LodgeTiles *self, int column, int row, const graphene_rect_t *tile)
{
  const LodgeDisplayView *view = &self->view;
  const graphene_rect_t bounds = reach_out (self, column, row, tile);
  GskRenderNode *node = gsk_cairo_node_new (&bounds);
  cairo_t *cr = gsk_cairo_node_get_draw_context (node);

  if (self->image == NULL)
    self->image = cairo_image_surface_create_for_data ((guchar *) self->frame.data,
                                                       CAIRO_FORMAT_RGB24, self->frame.width,
                                                       self->frame.height, self->frame.stride);
  cairo_translate (cr, lodge_display_view_from_device_x (view, view->left),
                   lodge_display_view_from_device_y (view, view->top));
  cairo_scale (cr, view->view_width / (double) view->guest_width / view->device_scale,
               view->view_height / (double) view->guest_height / view->device_scale);
  cairo_set_source_surface (cr, self->image, 0, 0);
  if (self->multiple > 0)
    cairo_pattern_set_filter (cairo_get_source (cr), CAIRO_FILTER_NEAREST);
  else
    cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);
  cairo_paint (cr);
  cairo_destroy (cr);
  return node;
}

static GskRenderNode *
make_node (LodgeTiles *self, int column, int row, const graphene_rect_t *tile)
{
  GskRenderNode *node = self->for_cairo ? NULL : make_texture_node (self, column, row, tile);

  return node != NULL ? node : make_cairo_node (self, column, row, tile);
}

/* On whole pixels of the window, and one further: cairo smooths over the edges between them. Not
 * out of the room, for what is cut off there is compared as a whole. FALSE: it is not seen. */
static gboolean
get_patch_bounds (LodgeTiles *self, const cairo_rectangle_int_t *damage, graphene_rect_t *out)
{
  const graphene_rect_t place =
      get_bounds (self, damage->x, damage->y, damage->width, damage->height);
  const float left = floorf (place.origin.x) - 1, top = floorf (place.origin.y) - 1;
  const float right = ceilf (place.origin.x + place.size.width) + 1;
  const float bottom = ceilf (place.origin.y + place.size.height) + 1;

  return graphene_rect_intersection (
      &GRAPHENE_RECT_INIT (left, top, right - left, bottom - top),
      &GRAPHENE_RECT_INIT (0, 0, self->view.width, self->view.height), out);
}

/* Which one gives way, or PATCHES_MAX: one that it covers, of which nothing is drawn that would not
 * be; else, where there is no room, the smallest. @taken: those of this frame */
static guint
find_place (LodgeTiles *self, const graphene_rect_t *bounds, guint taken)
{
  guint place = PATCHES_MAX;
  float least = INFINITY;

  for (guint i = 0; i < self->patches->len; i++) {
    graphene_rect_t old;

    if ((taken & 1u << i) != 0)
      continue;
    gsk_render_node_get_bounds (g_ptr_array_index (self->patches, i), &old);
    if (graphene_rect_contains_rect (bounds, &old))
      return i;
    if (self->patches->len == PATCHES_MAX && old.size.width * old.size.height < least) {
      least = old.size.width * old.size.height;
      place = i;
    }
  }
  return place;
}

/* GSK compares each with the one at its place in the last frame, so none moves. */
static void
add_patch (LodgeTiles *self, const cairo_rectangle_int_t *damage, guint *taken)
{
  graphene_rect_t bounds;
  guint place;

  if (!get_patch_bounds (self, damage, &bounds))
    return;
  place = find_place (self, &bounds, *taken);
  if (place == PATCHES_MAX) {
    place = self->patches->len;
    g_ptr_array_add (self->patches, NULL);
  }
  g_clear_pointer (&self->patches->pdata[place], unref_node);
  self->patches->pdata[place] = gsk_cairo_node_new (&bounds);
  *taken |= 1u << place;
}

static void
snapshot_patches (LodgeTiles *self, GtkSnapshot *snapshot)
{
  const int n = cairo_region_num_rectangles (self->damage);
  cairo_rectangle_int_t damage;
  guint taken = 0;

  if (n > FRAME_PATCHES_MAX) {
    cairo_region_get_extents (self->damage, &damage);
    add_patch (self, &damage, &taken);
  } else {
    for (int i = 0; i < n; i++) {
      cairo_region_get_rectangle (self->damage, i, &damage);
      add_patch (self, &damage, &taken);
    }
  }
  cairo_region_destroy (self->damage);
  self->damage = cairo_region_create ();
  for (guint i = 0; i < self->patches->len; i++)
    gtk_snapshot_append_node (snapshot, g_ptr_array_index (self->patches, i));
}

/* ---- black */

static void
add_black (LodgeTiles *self, double left, double top, double right, double bottom)
{
  if (left < right && top < bottom)
    g_ptr_array_add (self->black, gsk_color_node_new (
                                      &(GdkRGBA){0, 0, 0, 1},
                                      &GRAPHENE_RECT_INIT (left, top, right - left, bottom - top)));
}

/* Cairo's bands have no alpha: so there is none below them but where their edge is between two
 * pixels. To fill all of it takes a seventh of the time of a frame. */
static void
add_bars (LodgeTiles *self)
{
  const graphene_rect_t picture = get_bounds (self, 0, 0, self->frame.width, self->frame.height);
  const double width = self->view.width, height = self->view.height;
  const double left = CLAMP (ceil (picture.origin.x), 0, width);
  const double top = CLAMP (ceil (picture.origin.y), 0, height);
  const double right = CLAMP (floor (picture.origin.x + picture.size.width), left, width);
  const double bottom = CLAMP (floor (picture.origin.y + picture.size.height), top, height);

  add_black (self, 0, 0, width, top);
  add_black (self, 0, bottom, width, height);
  add_black (self, 0, top, left, bottom);
  add_black (self, right, top, width, bottom);
}

/* Whether there is a picture that the view is of; what a graphics card draws has no bytes here. */
static gboolean
has_picture (LodgeTiles *self)
{
  return self->frame.data != NULL && self->view.view_width > 0 && self->view.view_height > 0 &&
         self->view.guest_width == self->frame.width &&
         self->view.guest_height == self->frame.height;
}

static void
snapshot_black (LodgeTiles *self, GtkSnapshot *snapshot)
{
  const gboolean bars = self->for_cairo && has_picture (self);

  if (self->black->len == 0 || self->has_bars != bars) {
    g_ptr_array_set_size (self->black, 0);
    self->has_bars = bars;
    if (bars)
      add_bars (self);
    else
      add_black (self, 0, 0, self->view.width, self->view.height);
  }
  for (guint i = 0; i < self->black->len; i++)
    gtk_snapshot_append_node (snapshot, self->black->pdata[i]);
}

void
lodge_tiles_snapshot (LodgeTiles *self, GtkSnapshot *snapshot)
{
  snapshot_black (self, snapshot);
  if (!has_picture (self))
    return;

  const graphene_rect_t room = GRAPHENE_RECT_INIT (0, 0, self->view.width, self->view.height);
  for (int row = 0; row < self->rows; row++) {
    for (int column = 0; column < self->columns; column++) {
      GskRenderNode **node = &self->nodes[row * self->columns + column];
      graphene_rect_t tile = get_tile_bounds (self, column, row);

      /* Made very small, some tiles have no pixel of their own; of a picture that does not fit,
       * some are not seen. */
      if (tile.size.width <= 0 || tile.size.height <= 0 ||
          !graphene_rect_intersection (&tile, &room, NULL))
        continue;
      if (*node == NULL)
        *node = make_node (self, column, row, &tile);
      gtk_snapshot_append_node (snapshot, *node);
    }
  }
  snapshot_patches (self, snapshot);
}

GskRenderNode *
lodge_tiles_get_node (LodgeTiles *self, int column, int row)
{
  g_return_val_if_fail (column < self->columns && row < self->rows, NULL);
  return self->nodes[row * self->columns + column];
}
