/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's own words in the place of a picture: as it draws them, and what only looks like it. */
#include "console/lodge-frame-message.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

#define GREY 0xaaaaaa

/* Of the VGA font. */
static const struct {
  char character;
  guint8 lines[16];
} glyphs[] = {
    {' ',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00}},
    {'.',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x18, 0x18, 0x00, 0x00, 0x00,
      0x00}},
    {'D',
     {0x00, 0x00, 0xf8, 0x6c, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x6c, 0xf8, 0x00, 0x00, 0x00,
      0x00}},
    {'a',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x78, 0x0c, 0x7c, 0xcc, 0xcc, 0xcc, 0x76, 0x00, 0x00, 0x00,
      0x00}},
    {'c',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x7c, 0xc6, 0xc0, 0xc0, 0xc0, 0xc6, 0x7c, 0x00, 0x00, 0x00,
      0x00}},
    {'e',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x7c, 0xc6, 0xfe, 0xc0, 0xc0, 0xc6, 0x7c, 0x00, 0x00, 0x00,
      0x00}},
    {'i',
     {0x00, 0x00, 0x18, 0x18, 0x00, 0x38, 0x18, 0x18, 0x18, 0x18, 0x18, 0x3c, 0x00, 0x00, 0x00,
      0x00}},
    {'l',
     {0x00, 0x00, 0x38, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x18, 0x3c, 0x00, 0x00, 0x00,
      0x00}},
    {'n',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0xdc, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x00, 0x00, 0x00,
      0x00}},
    {'o',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x7c, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0x7c, 0x00, 0x00, 0x00,
      0x00}},
    {'p',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0xdc, 0x66, 0x66, 0x66, 0x66, 0x66, 0x7c, 0x60, 0x60, 0xf0,
      0x00}},
    {'s',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x7c, 0xc6, 0x60, 0x38, 0x0c, 0xc6, 0x7c, 0x00, 0x00, 0x00,
      0x00}},
    {'t',
     {0x00, 0x00, 0x10, 0x30, 0x30, 0xfc, 0x30, 0x30, 0x30, 0x30, 0x36, 0x1c, 0x00, 0x00, 0x00,
      0x00}},
    {'u',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x76, 0x00, 0x00, 0x00,
      0x00}},
    {'v',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0x6c, 0x38, 0x00, 0x00, 0x00,
      0x00}},
    {'y',
     {0x00, 0x00, 0x00, 0x00, 0x00, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0xc6, 0x7e, 0x06, 0x0c, 0xf8,
      0x00}},
};

static void
draw (guint32 *pixels, int width, int x, int y, char character)
{
  for (gsize i = 0; i < G_N_ELEMENTS (glyphs); i++) {
    for (int line = 0; glyphs[i].character == character && line < 16; line++)
      for (int bit = 0; bit < 8; bit++)
        pixels[(y + line) * width + x + bit] = glyphs[i].lines[line] >> (7 - bit) & 1 ? GREY : 0;
  }
}

/* As QEMU does. Returns: (transfer full) */
static guint32 *
make (int width, int height, const char *text)
{
  guint32 *pixels = g_new0 (guint32, (gsize) width * (gsize) height);
  const int n = (int) strlen (text);

  for (int i = 0; i < n; i++)
    draw (pixels, width, ((width / 8 - n) / 2 + i) * 8, (height / 16 - 1) / 2 * 16, text[i]);
  return pixels;
}

static gboolean
is_message (guint32 *pixels, int width, int height)
{
  const LodgeFrame frame = {(const guint8 *) pixels, width, height, width * 4};

  return lodge_frame_is_message (&frame);
}

static void
test_drawn (void)
{
  static const int sizes[][2] = {{640, 480}, {720, 400}, {1920, 1080}, {801, 601}, {232, 16}};

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const int width = sizes[i][0], height = sizes[i][1];
    g_autofree guint32 *pixels = make (width, height, "Display output is not active.");

    g_assert_true (is_message (pixels, width, height));
    /* The byte that means nothing. */
    pixels[0] |= 0xff000000;
    g_assert_true (is_message (pixels, width, height));
    /* Anything else in the picture makes it a picture. */
    for (int corner = 0; corner < 4; corner++) {
      guint32 *pixel =
          &pixels[(corner / 2 ? (height - 1) * width : 0) + (corner % 2 ? width - 1 : 0)];
      const guint32 before = *pixel;

      *pixel = 0x000001;
      g_assert_false (is_message (pixels, width, height));
      *pixel = before;
    }
    g_assert_true (is_message (pixels, width, height));
  }
}

static void
test_others (void)
{
  g_autofree guint32 *black = make (640, 480, "");
  g_autofree guint32 *other = make (640, 480, "Display output is not active,");
  g_autofree guint32 *tiny = make (231, 16, "");
  const LodgeFrame none = {0};

  g_assert_false (is_message (black, 640, 480));
  g_assert_false (is_message (other, 640, 480));
  g_assert_false (is_message (tiny, 231, 16));
  g_assert_false (is_message (tiny, 16, 1));
  g_assert_false (lodge_frame_is_message (&none));
}

/* A PPM as QEMU's screendump writes it. */
static guint32 *
read_ppm (const char *path, int *width, int *height)
{
  g_autofree char *content = NULL;
  gsize length;
  int begin = 0;
  guint32 *pixels;
  const guint8 *from;

  g_assert_true (g_file_get_contents (path, &content, &length, NULL));
  g_assert_cmpint (sscanf (content, "P6\n%d %d\n255%n", width, height, &begin), ==, 2);
  from = (const guint8 *) content + begin + 1;
  g_assert_cmpuint (length, ==, (gsize) begin + 1 + (gsize) *width * (gsize) *height * 3);
  pixels = g_new (guint32, (gsize) *width * (gsize) *height);
  for (int i = 0; i < *width * *height; i++)
    pixels[i] = (guint32) from[3 * i] << 16 | (guint32) from[3 * i + 1] << 8 | from[3 * i + 2];
  return pixels;
}

/* A real QEMU whose guest has not run an instruction. */
static void
test_real (void)
{
  g_autofree char *qemu = g_find_program_in_path ("qemu-system-x86_64");
  g_autofree char *folder = g_dir_make_tmp ("lodge-message-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "screen.ppm", NULL);
  g_autofree char *orders = g_strdup_printf ("screendump %s\nquit\n", path);
  g_autofree guint32 *pixels = NULL;
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  int width, height;

  if (qemu == NULL) {
    g_test_skip ("there is no QEMU");
    return;
  }
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE,
                              &error, qemu, "-S", "-nodefaults", "-display", "none", "-device",
                              "virtio-vga", "-monitor", "stdio", NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, orders, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  pixels = read_ppm (path, &width, &height);
  g_assert_true (is_message (pixels, width, height));
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/frame-message/drawn", test_drawn);
  g_test_add_func ("/frame-message/others", test_others);
  g_test_add_func ("/frame-message/real", test_real);
  return g_test_run ();
}
