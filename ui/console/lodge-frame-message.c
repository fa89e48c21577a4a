/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's own words in the place of a guest's picture.
 *
 * They are drawn by qemu_create_placeholder_surface() (QEMU, ui/console.c): one line of VGA text of
 * 8 by 16 pixels, in grey on black, in the middle of the picture's text cells. A sentence is known
 * by the hash of its glyphs' bits; a QEMU with other words is shown as it is.
 */
#include "console/lodge-frame-message.h"

#define CELL_WIDTH  8
#define CELL_HEIGHT 16
#define GREY        0xaaaaaa

/* FNV-1a of 64 bits (draft-eastlake-fnv). */
#define HASH_BASIS G_GUINT64_CONSTANT (0xcbf29ce484222325)
#define HASH_PRIME G_GUINT64_CONSTANT (0x100000001b3)

static const struct {
  int n_characters;
  guint64 hash;
} messages[] = {
    /* "Display output is not active." */
    {29, G_GUINT64_CONSTANT (0x23364539d2f12f19)},
    /* "Guest has not initialized the display (yet)." */
    {44, G_GUINT64_CONSTANT (0xf8a480b389ab511f)},
};

static guint32
get_pixel (const LodgeFrame *frame, int x, int y)
{
  const guint32 *line = (const guint32 *) (frame->data + (gsize) y * (gsize) frame->stride);

  return line[x] & 0xffffff;
}

/* Ends at the first pixel that is neither grey nor black. */
static gboolean
hash_line (const LodgeFrame *frame, int x, int y, int n_characters, guint64 *hash)
{
  for (int line = y; line < y + CELL_HEIGHT; line++) {
    for (int cell = 0; cell < n_characters; cell++) {
      guint bits = 0;

      for (int i = 0; i < CELL_WIDTH; i++) {
        const guint32 pixel = get_pixel (frame, x + cell * CELL_WIDTH + i, line);

        if (pixel != 0 && pixel != GREY)
          return FALSE;
        bits = bits << 1 | (pixel != 0);
      }
      *hash = (*hash ^ bits) * HASH_PRIME;
    }
  }
  return TRUE;
}

static gboolean
is_black_around (const LodgeFrame *frame, int x, int y, int width)
{
  for (int line = 0; line < frame->height; line++) {
    const gboolean text = line >= y && line < y + CELL_HEIGHT;

    for (int column = 0; column < frame->width; column++) {
      if (text && column == x)
        column += width;
      if (column < frame->width && get_pixel (frame, column, line) != 0)
        return FALSE;
    }
  }
  return TRUE;
}

gboolean
lodge_frame_is_message (const LodgeFrame *frame)
{
  if (frame->data == NULL || frame->height < CELL_HEIGHT)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++) {
    const int n = messages[i].n_characters;
    const int x = (frame->width / CELL_WIDTH - n) / 2 * CELL_WIDTH;
    const int y = (frame->height / CELL_HEIGHT - 1) / 2 * CELL_HEIGHT;
    guint64 hash = HASH_BASIS;

    if (frame->width / CELL_WIDTH >= n && hash_line (frame, x, y, n, &hash) &&
        hash == messages[i].hash && is_black_around (frame, x, y, n * CELL_WIDTH))
      return TRUE;
  }
  return FALSE;
}

gboolean
lodge_frame_is_shown (const LodgeFrame *frame)
{
  return frame->width > 0 && !lodge_frame_is_message (frame);
}
