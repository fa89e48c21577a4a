/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linux key codes to scan codes. */
#include "console/lodge-keymap.h"
#include "lodge-key-table.h"

#include <linux/input-event-codes.h>

static void
test_known (void)
{
  static const guint pairs[][2] = {
      {KEY_ESC, 0x01},       {KEY_A, 0x1e},        {KEY_KP0, 0x52},        {KEY_F12, 0x58},
      {KEY_102ND, 0x56},     {KEY_KPENTER, 0x11c}, {KEY_RIGHTCTRL, 0x11d}, {KEY_RIGHTALT, 0x138},
      {KEY_LEFTMETA, 0x15b}, {KEY_COMPOSE, 0x15d}, {KEY_HOME, 0x147},      {KEY_DELETE, 0x153},
      {KEY_KPSLASH, 0x135},  {KEY_RO, 0x73},       {KEY_YEN, 0x7d},        {KEY_HENKAN, 0x79},
      {KEY_MUHENKAN, 0x7b},  {KEY_MUTE, 0x120},    {KEY_PAUSE, 0x146},     {KEY_SYSRQ, 0x137},
      {KEY_F13, 0x5d},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    g_assert_cmphex (lodge_keymap_scancode (pairs[i][0]), ==, pairs[i][1]);
}

/* The main block of the PC keyboard is where Linux has its numbers from. */
static void
test_same (void)
{
  for (guint evdev = KEY_ESC; evdev <= KEY_KPDOT; evdev++)
    g_assert_cmphex (lodge_keymap_scancode (evdev), ==, evdev);
}

/* Two keys of the host with one code would stand for each other in the guest. */
static void
test_distinct (void)
{
  guint seen[0x200] = {0};
  guint n = 0;

  for (guint evdev = 0; evdev < LODGE_KEYMAP_SIZE; evdev++) {
    guint code = lodge_keymap_scancode (evdev);

    if (code == 0)
      continue;
    n++;
    g_assert_cmphex (code, <, G_N_ELEMENTS (seen));
    /* The bit that means "released" is not a part of any. */
    g_assert_cmphex (code & 0x80, ==, 0);
    g_assert_cmpuint (seen[code], ==, 0);
    seen[code] = evdev;
  }
  g_assert_cmpuint (n, >=, 220);
}

static void
test_unknown (void)
{
  static const guint codes[] = {KEY_RESERVED, 84,    LODGE_KEYMAP_SIZE, KEY_UNKNOWN,
                                KEY_MICMUTE,  0x100, BTN_LEFT,          G_MAXUINT};

  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++)
    g_assert_cmphex (lodge_keymap_scancode (codes[i]), ==, 0);
}

/* What has a name can be sent. */
static void
test_named (void)
{
  for (guint i = 0; i < lodge_key_table_length; i++) {
    if (lodge_keymap_scancode (lodge_key_table[i].evdev) == 0)
      g_error ("“%s” has no scan code", lodge_key_table[i].name);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keymap/known", test_known);
  g_test_add_func ("/keymap/same", test_same);
  g_test_add_func ("/keymap/distinct", test_distinct);
  g_test_add_func ("/keymap/unknown", test_unknown);
  g_test_add_func ("/keymap/named", test_named);
  return g_test_run ();
}
