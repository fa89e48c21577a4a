/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A widget that shows what a graphics card has in its memory.
 *
 * GTK 4.14 has textures of such memory, and GtkGraphicsOffload, which has a Wayland compositor show
 * the memory itself where that can be. SPICE does not say how the pixels are laid out in the memory
 * (spice-client-glib 0.42: no modifier), so the driver is left to know it, as the one that has made
 * it. Without a graphics card it is the processor that has, and then line follows line.
 */
/* This file alone may use what is above the floor. */
#undef GDK_VERSION_MAX_ALLOWED
#include "gtk/lodge-scanout-view.h"

#include "gtk/lodge-display-scale.h"
#include "gtk/lodge-renderer.h"
#include "lodge-config.h"
#include "lodge-error.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <sys/vfs.h>
#include <unistd.h>

/* The engine goes by it. */
G_STATIC_ASSERT (GTK_CHECK_VERSION (4, 14, 0) == LODGE_GTK_SHOWS_3D);

/* ---- the picture alone */

#define LODGE_TYPE_SCANOUT_PICTURE (lodge_scanout_picture_get_type ())
G_DECLARE_FINAL_TYPE (LodgeScanoutPicture, lodge_scanout_picture, LODGE, SCANOUT_PICTURE, GtkWidget)

struct _LodgeScanoutPicture {
  GtkWidget parent_instance;

  GdkTexture *texture;
  gboolean from_bottom;
  gboolean sharp;
};

G_DEFINE_FINAL_TYPE (LodgeScanoutPicture, lodge_scanout_picture, GTK_TYPE_WIDGET)

static void
lodge_scanout_picture_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  LodgeScanoutPicture *self = LODGE_SCANOUT_PICTURE (widget);
  const float height = gtk_widget_get_height (widget);
  const graphene_rect_t bounds = GRAPHENE_RECT_INIT (0, 0, gtk_widget_get_width (widget), height);

  if (self->texture == NULL)
    return;
  gtk_snapshot_save (snapshot);
  if (self->from_bottom) {
    gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (0, height));
    gtk_snapshot_scale (snapshot, 1, -1);
  }
  g_autoptr (GskRenderNode) node =
      self->sharp ? lodge_display_new_sharp_node (self->texture, &bounds) : NULL;
  if (node != NULL)
    gtk_snapshot_append_node (snapshot, node);
  else
    gtk_snapshot_append_texture (snapshot, self->texture, &bounds);
  gtk_snapshot_restore (snapshot);
}

static void
lodge_scanout_picture_dispose (GObject *object)
{
  g_clear_object (&LODGE_SCANOUT_PICTURE (object)->texture);
  G_OBJECT_CLASS (lodge_scanout_picture_parent_class)->dispose (object);
}

static void
lodge_scanout_picture_class_init (LodgeScanoutPictureClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_scanout_picture_dispose;
  GTK_WIDGET_CLASS (klass)->snapshot = lodge_scanout_picture_snapshot;
}

static void
lodge_scanout_picture_init (LodgeScanoutPicture *self)
{
}

/* ---- textures */

static gboolean refused;

void
lodge_scanout_view_refuse (gboolean refuse)
{
  refused = refuse;
}

#if GTK_CHECK_VERSION(4, 14, 0)
/* linux/magic.h; drm_fourcc.h */
#define DMA_BUF_FILE_SYSTEM 0x444d4142
#define MODIFIER_LINEAR     G_GUINT64_CONSTANT (0)
#define MODIFIER_UNKNOWN    G_GUINT64_CONSTANT (0x00ffffffffffffff)

static void
close_cb (gpointer fd)
{
  close (GPOINTER_TO_INT (fd));
}

static GdkTexture *
build (GdkDmabufTextureBuilder *builder, guint64 modifier, GError **error)
{
  const int fd = gdk_dmabuf_texture_builder_get_fd (builder, 0);
  GdkTexture *texture;

  gdk_dmabuf_texture_builder_set_modifier (builder, modifier);
  texture = gdk_dmabuf_texture_builder_build (builder, close_cb, GINT_TO_POINTER (fd), error);
  return texture;
}

static GdkDmabufTextureBuilder *
prepare (GdkDisplay *display, const LodgeScanout *scanout, int fd)
{
  GdkDmabufTextureBuilder *builder = gdk_dmabuf_texture_builder_new ();

  gdk_dmabuf_texture_builder_set_display (builder, display);
  gdk_dmabuf_texture_builder_set_width (builder, (unsigned) scanout->width);
  gdk_dmabuf_texture_builder_set_height (builder, (unsigned) scanout->height);
  gdk_dmabuf_texture_builder_set_fourcc (builder, scanout->fourcc);
  gdk_dmabuf_texture_builder_set_n_planes (builder, 1);
  gdk_dmabuf_texture_builder_set_fd (builder, 0, fd);
  gdk_dmabuf_texture_builder_set_offset (builder, 0, 0);
  gdk_dmabuf_texture_builder_set_stride (builder, 0, (unsigned) scanout->stride);
  return builder;
}

/* Descriptors of other kinds are not given to a driver. */
static gboolean
is_dma_buf (int fd)
{
  struct statfs info;

  return fstatfs (fd, &info) == 0 && info.f_type == DMA_BUF_FILE_SYSTEM;
}

static GdkTexture *
new_texture (GdkDisplay *display,
             const LodgeScanout *scanout,
             GdkTexture *before,
             const cairo_rectangle_int_t *damage,
             GError **error)
{
  const gboolean linear = !scanout->in_host && !lodge_renderer_has_card ("/dev");
  const int fd = fcntl (scanout->fd, F_DUPFD_CLOEXEC, 3);
  GdkTexture *texture = NULL;

  if (fd < 0 || (!is_dma_buf (fd) && !linear)) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                         _ ("the server’s picture is not in a graphics card’s memory"));
    if (fd >= 0)
      close (fd);
    return NULL;
  }

  g_autoptr (GdkDmabufTextureBuilder) builder = prepare (display, scanout, fd);
  if (before != NULL && damage != NULL) {
    cairo_region_t *region = cairo_region_create_rectangle (damage);

    gdk_dmabuf_texture_builder_set_update_texture (builder, before);
    gdk_dmabuf_texture_builder_set_update_region (builder, region);
    cairo_region_destroy (region);
  }
  if (linear)
    texture = build (builder, MODIFIER_LINEAR, NULL);
  if (texture == NULL)
    texture = build (builder, MODIFIER_UNKNOWN, error);
  if (texture == NULL)
    close (fd);
  return texture;
}

static GtkWidget *
new_offload (GtkWidget *picture)
{
  return gtk_graphics_offload_new (picture);
}

static void
set_offload (GtkWidget *widget, gboolean wanted)
{
  gtk_graphics_offload_set_enabled (GTK_GRAPHICS_OFFLOAD (widget),
                                    wanted ? GTK_GRAPHICS_OFFLOAD_ENABLED
                                           : GTK_GRAPHICS_OFFLOAD_DISABLED);
}
#else
static GdkTexture *
new_texture (GdkDisplay *display,
             const LodgeScanout *scanout,
             GdkTexture *before,
             const cairo_rectangle_int_t *damage,
             GError **error)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("GTK %u.%u is too old for it"),
               gtk_get_major_version (), gtk_get_minor_version ());
  return NULL;
}

static GtkWidget *
new_offload (GtkWidget *picture)
{
  return picture;
}

static void
set_offload (GtkWidget *widget, gboolean wanted)
{
}
#endif

/* ---- the widget */

struct _LodgeScanoutView {
  GtkWidget parent_instance;

  LodgeScanoutPicture *picture;
  GtkWidget *child; /* what the picture is in, or the picture */
};

G_DEFINE_FINAL_TYPE (LodgeScanoutView, lodge_scanout_view, GTK_TYPE_WIDGET)

gboolean
lodge_scanout_view_show (LodgeScanoutView *self,
                         const LodgeScanout *scanout,
                         const cairo_rectangle_int_t *damage,
                         GError **error)
{
  g_autoptr (GError) reason = NULL;
  GdkTexture *texture = NULL;

  g_return_val_if_fail (LODGE_IS_SCANOUT_VIEW (self), FALSE);
  g_return_val_if_fail (scanout != NULL && scanout->fd >= 0, FALSE);

  if (refused)
    g_set_error_literal (&reason, LODGE_ERROR, LODGE_ERROR_FAILED, "refused by a test");
  else
    texture = new_texture (gtk_widget_get_display (GTK_WIDGET (self)), scanout,
                           self->picture->texture, damage, &reason);
  g_clear_object (&self->picture->texture);
  self->picture->texture = texture;
  self->picture->from_bottom = scanout->from_bottom;
  /* It would end the connection: holds() in lodge-scanout.c. */
  set_offload (self->child, !scanout->in_host);
  gtk_widget_queue_draw (GTK_WIDGET (self->picture));
  if (texture == NULL)
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_FAILED,
        /* Translators: %s is why, "GTK 4.8 is too old for it" */
        _ ("The guest draws with the graphics card, and its picture cannot be shown here: %s."),
        reason->message);
  return texture != NULL;
}

void
lodge_scanout_view_set_sharp (LodgeScanoutView *self, gboolean sharp)
{
  g_return_if_fail (LODGE_IS_SCANOUT_VIEW (self));

  if (self->picture->sharp == sharp)
    return;
  self->picture->sharp = sharp;
  gtk_widget_queue_draw (GTK_WIDGET (self->picture));
}

GdkTexture *
lodge_scanout_view_get_texture (LodgeScanoutView *self)
{
  g_return_val_if_fail (LODGE_IS_SCANOUT_VIEW (self), NULL);

  return self->picture->texture;
}

static void
lodge_scanout_view_dispose (GObject *object)
{
  g_clear_pointer (&LODGE_SCANOUT_VIEW (object)->child, gtk_widget_unparent);
  G_OBJECT_CLASS (lodge_scanout_view_parent_class)->dispose (object);
}

static void
lodge_scanout_view_class_init (LodgeScanoutViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_scanout_view_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
}

static void
lodge_scanout_view_init (LodgeScanoutView *self)
{
  self->picture = g_object_new (LODGE_TYPE_SCANOUT_PICTURE, NULL);
  self->child = new_offload (GTK_WIDGET (self->picture));
  gtk_widget_set_parent (self->child, GTK_WIDGET (self));
  gtk_widget_set_can_target (GTK_WIDGET (self), FALSE);
}

GtkWidget *
lodge_scanout_view_new (void)
{
  return g_object_new (LODGE_TYPE_SCANOUT_VIEW, NULL);
}
