/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SDL's keys are Linux's. */
#include "sdl/lodge-sdl-keymap.h"

#include "console/lodge-keymap.h"

#include <linux/input-event-codes.h>

static void
test_known (void)
{
  static const struct {
    SDL_Scancode scancode;
    guint evdev;
  } rows[] = {
      {SDL_SCANCODE_A, KEY_A},
      {SDL_SCANCODE_0, KEY_0},
      {SDL_SCANCODE_RETURN, KEY_ENTER},
      {SDL_SCANCODE_NONUSBACKSLASH, KEY_102ND},
      {SDL_SCANCODE_NONUSHASH, KEY_BACKSLASH},
      {SDL_SCANCODE_PRINTSCREEN, KEY_SYSRQ},
      {SDL_SCANCODE_PAUSE, KEY_PAUSE},
      {SDL_SCANCODE_RGUI, KEY_RIGHTMETA},
      {SDL_SCANCODE_INTERNATIONAL1, KEY_RO},
      {SDL_SCANCODE_LANG1, KEY_HANGEUL},
      {SDL_SCANCODE_F24, KEY_F24},
      {SDL_SCANCODE_KP_ENTER, KEY_KPENTER},
      {SDL_SCANCODE_AUDIOPLAY, KEY_PLAYPAUSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpuint (lodge_sdl_keymap_evdev (rows[i].scancode), ==, rows[i].evdev);
}

/* What a guest cannot be told of would be a key that does nothing. */
static void
test_all_have_scancodes (void)
{
  guint n = 0;

  for (int scancode = 0; scancode < SDL_NUM_SCANCODES; scancode++) {
    const guint evdev = lodge_sdl_keymap_evdev ((SDL_Scancode) scancode);

    if (evdev == 0)
      continue;
    n++;
    if (lodge_keymap_scancode (evdev) == 0)
      g_error ("SDL's key %d is Linux's %u, which has no scan code", scancode, evdev);
  }
  /* All of a keyboard of 105 keys, and the Asian and the multimedia ones. */
  g_assert_cmpuint (n, >=, 150);
}

static void
test_unknown (void)
{
  g_assert_cmpuint (lodge_sdl_keymap_evdev (SDL_SCANCODE_UNKNOWN), ==, 0);
  g_assert_cmpuint (lodge_sdl_keymap_evdev (SDL_SCANCODE_MODE), ==, 0);
  g_assert_cmpuint (lodge_sdl_keymap_evdev (SDL_NUM_SCANCODES), ==, 0);
  g_assert_cmpuint (lodge_sdl_keymap_evdev ((SDL_Scancode) -1), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sdl-keymap/known", test_known);
  g_test_add_func ("/sdl-keymap/all-have-scancodes", test_all_have_scancodes);
  g_test_add_func ("/sdl-keymap/unknown", test_unknown);
  return g_test_run ();
}
