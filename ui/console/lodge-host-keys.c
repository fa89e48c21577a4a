/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Combinations of keys that stay with the host. */
#include "console/lodge-host-keys.h"

#include "lodge-key-names.h"

#include <linux/input-event-codes.h>

/* More than a combination may have. */
#define KEYS_MAX 16

typedef struct {
  guint keys[KEYS_MAX];
  guint n;
} Combination;

struct _LodgeHostKeys {
  GArray *combinations; /* of Combination */
  Combination down;
};

LodgeHostKeys *
lodge_host_keys_new (const char *const *combinations)
{
  LodgeHostKeys *self = g_new0 (LodgeHostKeys, 1);

  self->combinations = g_array_new (FALSE, FALSE, sizeof (Combination));
  for (guint i = 0; combinations != NULL && combinations[i] != NULL; i++) {
    g_auto (GStrv) names = lodge_key_names_parse (combinations[i], NULL);
    Combination combination = {0};

    for (guint k = 0; names != NULL && names[k] != NULL && k < KEYS_MAX; k++)
      combination.keys[combination.n++] = lodge_key_names_get_evdev (names[k]);
    if (combination.n > 0)
      g_array_append_val (self->combinations, combination);
  }
  return self;
}

void
lodge_host_keys_free (LodgeHostKeys *self)
{
  g_array_unref (self->combinations);
  g_free (self);
}

static gboolean
is_key (guint wanted, guint evdev)
{
  return wanted == evdev || (wanted == KEY_LEFTCTRL && evdev == KEY_RIGHTCTRL) ||
         (wanted == KEY_LEFTSHIFT && evdev == KEY_RIGHTSHIFT) ||
         (wanted == KEY_LEFTMETA && evdev == KEY_RIGHTMETA);
}

static gboolean
has_key (const Combination *down, guint wanted)
{
  for (guint i = 0; i < down->n; i++) {
    if (is_key (wanted, down->keys[i]))
      return TRUE;
  }
  return FALSE;
}

static LodgeHostKeysState
get_state (LodgeHostKeys *self)
{
  LodgeHostKeysState state = LODGE_HOST_KEYS_NONE;

  for (guint i = 0; i < self->combinations->len; i++) {
    const Combination *combination = &g_array_index (self->combinations, Combination, i);
    guint n_found = 0;

    while (n_found < combination->n && has_key (&self->down, combination->keys[n_found]))
      n_found++;
    if (n_found != self->down.n || n_found == 0)
      continue;
    if (n_found == combination->n)
      return LODGE_HOST_KEYS_WHOLE;
    if (n_found == combination->n - 1)
      state = LODGE_HOST_KEYS_PART;
  }
  return state;
}

LodgeHostKeysState
lodge_host_keys_feed (LodgeHostKeys *self, guint evdev, gboolean pressed)
{
  Combination *down = &self->down;
  guint i = 0;

  while (i < down->n && down->keys[i] != evdev)
    i++;
  if (pressed && i == down->n && down->n < KEYS_MAX)
    down->keys[down->n++] = evdev;
  else if (!pressed && i < down->n)
    down->keys[i] = down->keys[--down->n];
  return get_state (self);
}

void
lodge_host_keys_reset (LodgeHostKeys *self)
{
  self->down.n = 0;
}

gboolean
lodge_host_keys_has_single (LodgeHostKeys *self)
{
  for (guint i = 0; i < self->combinations->len; i++) {
    if (g_array_index (self->combinations, Combination, i).n == 1)
      return TRUE;
  }
  return FALSE;
}

gboolean
lodge_host_keys_is_tap (LodgeHostKeys *self)
{
  /* A modifier beside it is one thing between already. */
  return (has_key (&self->down, KEY_LEFTMETA) || has_key (&self->down, KEY_LEFTALT)) &&
         !has_key (&self->down, KEY_LEFTCTRL) && !has_key (&self->down, KEY_LEFTSHIFT);
}
