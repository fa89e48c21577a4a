/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Combinations that stay with the host, as they are pressed and let go of. */
#include "console/lodge-host-keys.h"

#include <linux/input-event-codes.h>

static const char *const combinations[] = {"alt+tab", "ctrl+shift+f5", "super+l", "what+ever", "",
                                           NULL};

enum { NONE = LODGE_HOST_KEYS_NONE, PART = LODGE_HOST_KEYS_PART, WHOLE = LODGE_HOST_KEYS_WHOLE };

typedef struct {
  int key; /* negative: let go of */
  int state;
} Step;

static void
follow (LodgeHostKeys *keys, const Step *steps)
{
  for (guint i = 0; steps[i].key != 0; i++) {
    g_test_message ("step %u: %d", i, steps[i].key);
    g_assert_cmpint (lodge_host_keys_feed (keys, ABS (steps[i].key), steps[i].key > 0), ==,
                     steps[i].state);
  }
}

static void
test_pressed (void)
{
  g_autoptr (LodgeHostKeys) keys = lodge_host_keys_new (combinations);
  static const Step twice[] = {{KEY_LEFTALT, PART},  {KEY_TAB, WHOLE},     {KEY_TAB, WHOLE},
                               {-KEY_TAB, PART},     {KEY_TAB, WHOLE},     {-KEY_TAB, PART},
                               {-KEY_LEFTALT, NONE}, {KEY_TAB, NONE},      {KEY_LEFTALT, WHOLE},
                               {-KEY_TAB, PART},     {-KEY_LEFTALT, NONE}, {0, 0}};
  static const Step three[] = {
      {KEY_RIGHTCTRL, NONE}, {KEY_LEFTSHIFT, PART},  {KEY_F5, WHOLE}, {-KEY_RIGHTCTRL, NONE},
      {-KEY_F5, NONE},       {-KEY_LEFTSHIFT, NONE}, {0, 0}};
  /* With a key too many it is another combination. */
  static const Step more[] = {{KEY_LEFTCTRL, NONE},   {KEY_LEFTALT, NONE},  {KEY_TAB, NONE},
                              {-KEY_LEFTCTRL, WHOLE}, {-KEY_TAB, PART},     {KEY_F4, NONE},
                              {-KEY_F4, PART},        {-KEY_LEFTALT, NONE}, {0, 0}};
  static const Step right_alt[] = {{KEY_RIGHTALT, NONE},  {KEY_TAB, NONE}, {-KEY_TAB, NONE},
                                   {-KEY_RIGHTALT, NONE}, {-KEY_X, NONE},  {0, 0}};

  follow (keys, twice);
  follow (keys, three);
  follow (keys, more);
  follow (keys, right_alt);
  g_assert_false (lodge_host_keys_has_single (keys));

  /* More keys than fingers are no trouble. */
  for (guint evdev = KEY_1; evdev < KEY_1 + 60; evdev++)
    lodge_host_keys_feed (keys, evdev, TRUE);
  lodge_host_keys_reset (keys);
  follow (keys, twice);
}

static void
test_single (void)
{
  static const char *const list[] = {"ctrl+alt+t", "super", NULL};
  static const Step steps[] = {{KEY_RIGHTMETA, WHOLE}, {-KEY_RIGHTMETA, NONE}, {0, 0}};
  g_autoptr (LodgeHostKeys) keys = lodge_host_keys_new (list);
  g_autoptr (LodgeHostKeys) none = lodge_host_keys_new (NULL);

  g_assert_true (lodge_host_keys_has_single (keys));
  follow (keys, steps);
  g_assert_false (lodge_host_keys_has_single (none));
  g_assert_cmpint (lodge_host_keys_feed (none, KEY_A, TRUE), ==, NONE);
}

static void
test_tap (void)
{
  g_autoptr (LodgeHostKeys) keys = lodge_host_keys_new (combinations);

  g_assert_false (lodge_host_keys_is_tap (keys));
  lodge_host_keys_feed (keys, KEY_RIGHTMETA, TRUE);
  g_assert_true (lodge_host_keys_is_tap (keys));
  lodge_host_keys_feed (keys, KEY_RIGHTCTRL, TRUE);
  g_assert_false (lodge_host_keys_is_tap (keys));
  lodge_host_keys_reset (keys);
  lodge_host_keys_feed (keys, KEY_LEFTALT, TRUE);
  g_assert_true (lodge_host_keys_is_tap (keys));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/host-keys/pressed", test_pressed);
  g_test_add_func ("/host-keys/single", test_single);
  g_test_add_func ("/host-keys/tap", test_tap);
  return g_test_run ();
}
