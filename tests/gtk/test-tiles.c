/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tiles against one texture, pixel by pixel, with the renderer named in GSK_RENDERER. */
#include "gtk/lodge-tiles.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 700, HEIGHT = 530 }; /* 3 x 3 tiles, the last ones not whole */

static const double scales[] = {0.5, 0.83, 1, 1.25, 1.37, 1.5, 1.75, 2, 3};

static GtkWidget *window;
static GskRenderer *renderer;
static gboolean for_cairo;

/* Gradients and flat areas, which show every seam; or the finest detail there is, every pixel white
 * or dark. X bytes are 0, as they come from a guest. */
static void
paint (guint32 *pixels, gboolean fine)
{
  for (int y = 0; y < HEIGHT; y++) {
    for (int x = 0; x < WIDTH; x++) {
      guint32 color = 0x808080;

      if (fine)
        color = ((x ^ y) & 1) ? 0xffffff : 0x204060;
      else if (y < HEIGHT / 2)
        color = (guint32) (x * 255 / WIDTH) << 16 | (guint32) (y * 255 / HEIGHT) << 8 |
                (guint32) (255 - x * 255 / WIDTH);
      pixels[y * WIDTH + x] = color;
    }
  }
}

/* The same but for rounding: of a texture's coordinates by GL, and by pixman, which has 16 bits for
 * the fraction of a pixel, so that the whole picture is a hundredth of a pixel off. Only the finest
 * detail shows either. Tiles that end at their edges differ by 41 levels on a flat grey, and by 77
 * on a gradient. */
static int
get_tolerance (gboolean fine)
{
  if (for_cairo)
    return fine ? 4 : 1;
  return fine ? 1 : 0;
}

static LodgeDisplayView
view_for (double scale)
{
  LodgeDisplayView view = {
      .width = round (WIDTH * scale), .height = round (HEIGHT * scale), .device_scale = 1};

  lodge_display_view_fit (&view, WIDTH, HEIGHT);
  return view;
}

static guint8 *
render (GskRenderNode *node, const LodgeDisplayView *view)
{
  g_autoptr (GdkTexture) texture = gsk_renderer_render_texture (
      renderer, node, &GRAPHENE_RECT_INIT (0, 0, view->width, view->height));
  gsize stride = (gsize) view->width * 4;
  guint8 *data = g_malloc (stride * (gsize) view->height);

  g_assert_cmpint (gdk_texture_get_width (texture), ==, view->width);
  g_assert_cmpint (gdk_texture_get_height (texture), ==, view->height);
  gdk_texture_download (texture, data, stride);
  return data;
}

static GskRenderNode *
snapshot (LodgeTiles *tiles)
{
  g_autoptr (GtkSnapshot) target = gtk_snapshot_new ();

  lodge_tiles_snapshot (tiles, target);
  return gtk_snapshot_to_node (target);
}

/* Every pixel as a square of @multiple by @multiple, and opaque. */
static GdkTexture *
enlarge (const guint32 *pixels, int multiple)
{
  gsize width = WIDTH * (gsize) multiple, height = HEIGHT * (gsize) multiple;
  g_autofree guint32 *large = g_new (guint32, width * height);

  for (gsize y = 0; y < height; y++) {
    for (gsize x = 0; x < width; x++)
      large[y * width + x] =
          pixels[y / (gsize) multiple * WIDTH + x / (gsize) multiple] | 0xff000000;
  }
  g_autoptr (GBytes) bytes = g_bytes_new (large, width * height * 4);
  return gdk_memory_texture_new ((int) width, (int) height, GDK_MEMORY_DEFAULT, bytes, width * 4);
}

/* What GTK makes of the picture when it is one opaque texture. A whole multiple is not smoothed. */
static GskRenderNode *
reference (const guint32 *pixels, const LodgeDisplayView *view)
{
  g_autoptr (GtkSnapshot) target = gtk_snapshot_new ();
  graphene_rect_t bounds =
      GRAPHENE_RECT_INIT (view->left, view->top, view->view_width, view->view_height);

  g_autoptr (GdkTexture) texture =
      enlarge (pixels, MAX (lodge_display_view_get_multiple (view), 1));
  gtk_snapshot_append_color (target, &(GdkRGBA){0, 0, 0, 1},
                             &GRAPHENE_RECT_INIT (0, 0, view->width, view->height));
  gtk_snapshot_append_texture (target, texture, &bounds);
  return gtk_snapshot_to_node (target);
}

static int
get_difference (const guint8 *a, const guint8 *b, const LodgeDisplayView *view)
{
  int worst = 0;

  for (gsize i = 0; i < (gsize) view->width * (gsize) view->height * 4; i++)
    worst = MAX (worst, ABS (a[i] - b[i]));
  return worst;
}

static void
check_seams (gboolean fine)
{
  g_autofree guint32 *pixels = g_new (guint32, WIDTH * HEIGHT);
  g_autoptr (LodgeTiles) tiles = lodge_tiles_new ();
  LodgeFrame frame = {(guint8 *) pixels, WIDTH, HEIGHT, WIDTH * 4};

  paint (pixels, fine);
  lodge_tiles_set_frame (tiles, &frame);
  for (gsize i = 0; i < G_N_ELEMENTS (scales); i++) {
    LodgeDisplayView view = view_for (scales[i]);

    lodge_tiles_set_view (tiles, &view, for_cairo);
    g_autoptr (GskRenderNode) node = snapshot (tiles);
    g_autoptr (GskRenderNode) whole = reference (pixels, &view);
    g_autofree guint8 *got = render (node, &view);
    g_autofree guint8 *want = render (whole, &view);
    int difference = get_difference (got, want, &view);

    g_printerr ("scale %g: difference %d", scales[i], difference);
    g_assert_cmpint (difference, <=, get_tolerance (fine));
    if (scales[i] == round (scales[i]))
      g_assert_cmpint (difference, ==, 0);
  }
}

static void
test_seams (void)
{
  check_seams (FALSE);
}

static void
test_fine (void)
{
  check_seams (TRUE);
}

/* After any damage the picture is what it would be had all of it been drawn anew. */
static void
test_damage (void)
{
  static const int rects[][4] = {
      {0, 0, 1, 1},       {255, 100, 1, 1}, {256, 256, 1, 1},
      {250, 250, 12, 12}, {400, 300, 9, 9}, {WIDTH - 1, HEIGHT - 1, 1, 1},
      {100, 200, 500, 3},
  };
  g_autofree guint32 *pixels = g_new (guint32, WIDTH * HEIGHT);
  LodgeFrame frame = {(guint8 *) pixels, WIDTH, HEIGHT, WIDTH * 4};

  for (gsize s = 0; s < G_N_ELEMENTS (scales); s++) {
    g_autoptr (LodgeTiles) tiles = lodge_tiles_new ();
    LodgeDisplayView view = view_for (scales[s]);

    paint (pixels, FALSE);
    lodge_tiles_set_frame (tiles, &frame);
    lodge_tiles_set_view (tiles, &view, for_cairo);
    for (gsize i = 0; i < G_N_ELEMENTS (rects); i++) {
      const int *rect = rects[i];

      g_autoptr (GskRenderNode) before = snapshot (tiles);
      g_free (render (before, &view));
      for (int y = rect[1]; y < rect[1] + rect[3]; y++) {
        for (int x = rect[0]; x < rect[0] + rect[2]; x++)
          pixels[y * WIDTH + x] = 0xff2010 + (guint32) i;
      }
      lodge_tiles_damage (tiles, rect[0], rect[1], rect[2], rect[3]);

      g_autoptr (GskRenderNode) node = snapshot (tiles);
      g_autoptr (GskRenderNode) whole = reference (pixels, &view);
      g_autofree guint8 *got = render (node, &view);
      g_autofree guint8 *want = render (whole, &view);
      g_assert_cmpint (get_difference (got, want, &view), <=, get_tolerance (TRUE));
    }
  }
}

static guint
count_new (LodgeTiles *tiles, GskRenderNode **nodes)
{
  guint n = 0;

  gsk_render_node_unref (snapshot (tiles));
  for (int i = 0; i < 9; i++) {
    GskRenderNode *now = lodge_tiles_get_node (tiles, i % 3, i / 3);

    g_assert_nonnull (now);
    n += now != nodes[i];
    /* Kept, so that a new node cannot have an old one's address. */
    if (now != nodes[i]) {
      g_clear_pointer (&nodes[i], gsk_render_node_unref);
      nodes[i] = gsk_render_node_ref (now);
    }
  }
  return n;
}

/* Only what changed is made again, and with it what its neighbours see of it. */
static void
test_identity (void)
{
  g_autofree guint32 *pixels = g_new0 (guint32, WIDTH * HEIGHT);
  g_autoptr (LodgeTiles) tiles = lodge_tiles_new ();
  LodgeFrame frame = {(guint8 *) pixels, WIDTH, HEIGHT, WIDTH * 4};
  GskRenderNode *nodes[9] = {NULL};
  LodgeDisplayView view = view_for (1);

  lodge_tiles_set_frame (tiles, &frame);
  lodge_tiles_set_view (tiles, &view, for_cairo);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 9);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 0);
  lodge_tiles_set_view (tiles, &view, for_cairo);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 0);
  lodge_tiles_damage (tiles, 10, 10, 20, 20);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 1);
  lodge_tiles_damage (tiles, 255, 100, 1, 1);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 1);
  lodge_tiles_damage (tiles, 255, 255, 2, 2);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 4);
  lodge_tiles_damage (tiles, 0, 0, WIDTH, HEIGHT);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 9);
  lodge_tiles_damage (tiles, 0, 0, 0, 0);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 0);

  view = view_for (1.37);
  lodge_tiles_set_view (tiles, &view, for_cairo);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 9);
  lodge_tiles_damage (tiles, 255, 100, 1, 1);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 2);
  lodge_tiles_damage (tiles, 128, 128, 1, 1);
  g_assert_cmpuint (count_new (tiles, nodes), ==, 1);

  for (int i = 0; i < 9; i++)
    gsk_render_node_unref (nodes[i]);
}

/* The children that @now has and @before has not; their bounds together in @out_new. */
static guint
count_added (GskRenderNode *before, GskRenderNode *now, graphene_rect_t *out_new)
{
  const guint n_before = gsk_container_node_get_n_children (before);
  guint n = 0;

  for (guint i = 0; i < gsk_container_node_get_n_children (now); i++) {
    GskRenderNode *child = gsk_container_node_get_child (now, i);
    graphene_rect_t bounds;
    guint j = 0;

    while (j < n_before && gsk_container_node_get_child (before, j) != child)
      j++;
    if (j < n_before)
      continue;
    gsk_render_node_get_bounds (child, &bounds);
    if (n++ == 0)
      *out_new = bounds;
    else
      graphene_rect_union (out_new, &bounds, out_new);
  }
  return n;
}

/* As GSK compares them: each child with the one at the same place. */
static gboolean
differ_at_one_place (GskRenderNode *before, GskRenderNode *now)
{
  const guint n = gsk_container_node_get_n_children (now);
  guint changed = 0;

  if (gsk_container_node_get_n_children (before) != n)
    return FALSE;
  for (guint i = 0; i < n; i++)
    changed +=
        gsk_container_node_get_child (before, i) != gsk_container_node_get_child (now, i) ? 1 : 0;
  return changed == 1;
}

/* With the cairo renderer all stays as it is, and what is added lies over what changed, and not
 * over much more. */
static void
test_patches (void)
{
  g_autofree guint32 *pixels = g_new0 (guint32, WIDTH * HEIGHT);
  LodgeFrame frame = {(guint8 *) pixels, WIDTH, HEIGHT, WIDTH * 4};

  for (gsize s = 0; s < G_N_ELEMENTS (scales); s++) {
    g_autoptr (LodgeTiles) tiles = lodge_tiles_new ();
    LodgeDisplayView view = view_for (scales[s]);
    const double scale = (double) view.view_width / WIDTH / view.device_scale;
    const double reach = 4 + scale * (3 + ceil (2 / scale));
    graphene_rect_t added;

    lodge_tiles_set_frame (tiles, &frame);
    lodge_tiles_set_view (tiles, &view, TRUE);
    g_autoptr (GskRenderNode) first = snapshot (tiles);
    g_autoptr (GskRenderNode) same = snapshot (tiles);
    g_assert_cmpuint (count_added (first, same, &added), ==, 0);

    lodge_tiles_damage (tiles, 100, 200, 30, 20);
    g_autoptr (GskRenderNode) second = snapshot (tiles);
    g_assert_cmpuint (count_added (first, second, &added), ==, 1);
    const graphene_rect_t place =
        GRAPHENE_RECT_INIT (100 * scale, 200 * scale, 30 * scale, 20 * scale);
    g_assert_cmpfloat (added.origin.x, <=, place.origin.x);
    g_assert_cmpfloat (added.origin.y, <=, place.origin.y);
    g_assert_cmpfloat (added.size.width, >=, place.size.width + place.origin.x - added.origin.x);
    g_assert_cmpfloat (added.size.height, >=, place.size.height + place.origin.y - added.origin.y);
    g_assert_cmpfloat (added.size.width, <=, place.size.width + 2 * reach);
    g_assert_cmpfloat (added.size.height, <=, place.size.height + 2 * reach);

    /* Many at once are one. */
    for (int i = 0; i < 12; i++)
      lodge_tiles_damage (tiles, i * 40, i * 40, 2, 2);
    g_autoptr (GskRenderNode) third = snapshot (tiles);
    g_assert_cmpuint (count_added (second, third, &added), ==, 1);
    g_assert_cmpfloat (added.size.width, >=, 11 * 40 * scale);

    /* And they do not become more and more: what gives way is what costs least to be drawn once
     * more, at its place. */
    lodge_tiles_damage (tiles, 0, 0, WIDTH, HEIGHT);
    g_autoptr (GskRenderNode) last = snapshot (tiles);
    for (int i = 0; i < 1000; i++) {
      graphene_rect_t gone;

      lodge_tiles_damage (tiles, i % WIDTH, i % HEIGHT, 1, 1);
      g_autoptr (GskRenderNode) next = snapshot (tiles);
      g_assert_cmpuint (count_added (last, next, &added), ==, 1);
      g_assert_cmpuint (gsk_container_node_get_n_children (next), <=,
                        gsk_container_node_get_n_children (first) + 16);
      if (count_added (next, last, &gone) > 0) {
        g_assert_cmpfloat (gone.size.width, <, 100 * scale);
        g_assert_true (differ_at_one_place (last, next));
      }
      g_clear_pointer (&last, gsk_render_node_unref);
      last = g_steal_pointer (&next);
    }

    /* Nor where it is the same place again and again. */
    for (int i = 0; i < 3; i++) {
      lodge_tiles_damage (tiles, 0, 0, WIDTH, HEIGHT);
      g_autoptr (GskRenderNode) next = snapshot (tiles);
      g_assert_cmpuint (gsk_container_node_get_n_children (next), ==,
                        gsk_container_node_get_n_children (last));
      g_assert_cmpuint (count_added (last, next, &added), ==, 1);
      g_assert_cmpfloat (added.origin.x, >=, 0);
      g_assert_cmpfloat (added.origin.y, >=, 0);
      g_assert_cmpfloat (added.size.width, <=, view.width);
      g_assert_cmpfloat (added.size.height, <=, view.height);
      g_clear_pointer (&last, gsk_render_node_unref);
      last = g_steal_pointer (&next);
    }
  }
}

/* Without a picture, and with one that is not the view's, there is only black. */
static void
test_none (void)
{
  g_autoptr (LodgeTiles) tiles = lodge_tiles_new ();
  LodgeDisplayView view = view_for (0.5);
  guint32 pixel = 0xffffff;
  LodgeFrame frame = {(guint8 *) &pixel, 1, 1, 4};

  for (int i = 0; i < 2; i++) {
    lodge_tiles_set_view (tiles, &view, for_cairo);
    g_autoptr (GskRenderNode) node = snapshot (tiles);
    g_autofree guint8 *got = render (node, &view);
    for (gsize p = 0; p < (gsize) view.width * (gsize) view.height; p++)
      g_assert_cmphex (((guint32 *) got)[p], ==, 0xff000000);
    lodge_tiles_damage (tiles, 0, 0, 10, 10);
    lodge_tiles_set_frame (tiles, &frame);
  }
}

/* A node that outlives the guest's memory, as the renderer's last frame does, is not drawn from it
 * by the cairo renderer. The others have a copy of their own by then. */
static void
test_freed (void)
{
  guint32 *pixels = g_new (guint32, WIDTH * HEIGHT);
  g_autoptr (LodgeTiles) tiles = lodge_tiles_new ();
  LodgeFrame frame = {(guint8 *) pixels, WIDTH, HEIGHT, WIDTH * 4};
  LodgeDisplayView view = view_for (0.83);

  paint (pixels, FALSE);
  lodge_tiles_set_frame (tiles, &frame);
  lodge_tiles_set_view (tiles, &view, for_cairo);
  g_autoptr (GskRenderNode) node = snapshot (tiles);
  g_autofree guint8 *before = render (node, &view);

  lodge_tiles_set_frame (tiles, &(LodgeFrame){0});
  memset (pixels, 0x55, WIDTH * HEIGHT * 4);
  g_free (pixels);
  if (for_cairo) {
    g_autofree guint8 *after = render (node, &view);
    g_assert_cmpint (get_difference (before, after, &view), ==, 0);
  }
}

int
main (int argc, char **argv)
{
  gtk_init ();
  g_test_init (&argc, &argv, NULL);

  window = gtk_window_new ();
  gtk_widget_realize (window);
  renderer = gtk_native_get_renderer (GTK_NATIVE (window));
  for_cairo = GSK_IS_CAIRO_RENDERER (renderer);
  g_test_message ("%s", G_OBJECT_TYPE_NAME (renderer));
  if (for_cairo != (g_strcmp0 (g_getenv ("GSK_RENDERER"), "cairo") == 0)) {
    g_print ("1..0 # SKIP GTK has only %s here\n", G_OBJECT_TYPE_NAME (renderer));
    return 0;
  }

  g_test_add_func ("/tiles/seams", test_seams);
  g_test_add_func ("/tiles/fine", test_fine);
  g_test_add_func ("/tiles/damage", test_damage);
  if (for_cairo)
    g_test_add_func ("/tiles/patches", test_patches);
  else
    g_test_add_func ("/tiles/identity", test_identity);
  g_test_add_func ("/tiles/none", test_none);
  g_test_add_func ("/tiles/freed", test_freed);
  int status = g_test_run ();
  gtk_window_destroy (GTK_WINDOW (window));
  return status;
}
