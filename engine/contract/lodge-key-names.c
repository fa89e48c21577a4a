/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys as people write them to keys as QEMU names them (QKeyCode in QEMU's qapi/ui.json). */
#include "lodge-key-names.h"

#include "lodge-error.h"
#include "lodge-key-table.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* More than ten fingers hold down. */
#define MAX_KEYS 10
/* Of what was asked for, in a message. */
#define MAX_SHOWN_CHARACTERS 40

typedef struct {
  const char *key; /* of the table */
  gboolean shift;
} Stroke;

typedef struct {
  const char *name;
  Stroke stroke;
} Alias;

static const Alias aliases[] = {
    {"control", {"ctrl"}},
    {"ctrl_l", {"ctrl"}},
    {"rctrl", {"ctrl_r"}},
    {"alt_l", {"alt"}},
    {"option", {"alt"}},
    {"altgr", {"alt_r"}},
    {"ralt", {"alt_r"}},
    {"shift_l", {"shift"}},
    {"rshift", {"shift_r"}},
    {"super", {"meta_l"}},
    {"super_l", {"meta_l"}},
    {"super_r", {"meta_r"}},
    {"win", {"meta_l"}},
    {"windows", {"meta_l"}},
    {"meta", {"meta_l"}},
    {"cmd", {"meta_l"}},
    {"command", {"meta_l"}},
    /* The key with the menu on it is Linux's KEY_COMPOSE (xkeyboard-config, keycodes/evdev: <COMP>
     * is Menu). QEMU's own "menu" is a multimedia key no keyboard has. */
    {"menu", {"compose"}},
    {"app", {"compose"}},
    {"apps", {"compose"}},
    {"del", {"delete"}},
    {"ins", {"insert"}},
    {"escape", {"esc"}},
    {"enter", {"ret"}},
    {"return", {"ret"}},
    {"space", {"spc"}},
    {"bksp", {"backspace"}},
    {"pageup", {"pgup"}},
    {"page_up", {"pgup"}},
    {"pagedown", {"pgdn"}},
    {"page_down", {"pgdn"}},
    {"printscreen", {"print"}},
    {"print_screen", {"print"}},
    {"prtsc", {"print"}},
    {"break", {"pause"}},
    {"capslock", {"caps_lock"}},
    {"numlock", {"num_lock"}},
    {"scrolllock", {"scroll_lock"}},
    {"period", {"dot"}},
    {"quote", {"apostrophe"}},
    {"grave", {"grave_accent"}},
    {"backtick", {"grave_accent"}},
    {"bracketleft", {"bracket_left"}},
    {"bracketright", {"bracket_right"}},
    {"plus", {"equal", TRUE}},
    {"underscore", {"minus", TRUE}},
    {"tilde", {"grave_accent", TRUE}},
    {"pipe", {"backslash", TRUE}},
};

/* A US keyboard's keys whose name is not the character itself: what they give, what with shift. */
static const struct {
  char plain;
  char shifted;
  const char *key;
} us_keys[] = {
    {'1', '!', "1"},
    {'2', '@', "2"},
    {'3', '#', "3"},
    {'4', '$', "4"},
    {'5', '%', "5"},
    {'6', '^', "6"},
    {'7', '&', "7"},
    {'8', '*', "8"},
    {'9', '(', "9"},
    {'0', ')', "0"},
    {'-', '_', "minus"},
    {'=', '+', "equal"},
    {'[', '{', "bracket_left"},
    {']', '}', "bracket_right"},
    {';', ':', "semicolon"},
    {'\'', '"', "apostrophe"},
    {'`', '~', "grave_accent"},
    {'\\', '|', "backslash"},
    {',', '<', "comma"},
    {'.', '>', "dot"},
    {'/', '?', "slash"},
    {' ', 0, "spc"},
    {'\n', 0, "ret"},
    {'\t', 0, "tab"},
};

static const char *
find_code (const char *name)
{
  const LodgeKeyRow *row = lodge_key_table_find_name (name);

  return row != NULL ? row->name : NULL;
}

static gboolean
find_character (char c, Stroke *out_stroke)
{
  if (g_ascii_isalpha (c)) {
    char name[] = {g_ascii_tolower (c), '\0'};

    *out_stroke = (Stroke){find_code (name), g_ascii_isupper (c)};
    return TRUE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (us_keys); i++) {
    if (c != '\0' && (c == us_keys[i].plain || c == us_keys[i].shifted)) {
      *out_stroke = (Stroke){us_keys[i].key, c == us_keys[i].shifted};
      return TRUE;
    }
  }
  return FALSE;
}

/* What stands on the user's keyboard: "strg", "entf". */
static const char *
find_label (const char *name)
{
  g_autofree char *folded = g_utf8_validate (name, -1, NULL) ? g_utf8_casefold (name, -1) : NULL;

  if (folded == NULL)
    return NULL;
  for (guint i = 0; i < lodge_key_table_length; i++) {
    const char *const key[] = {lodge_key_table[i].name, NULL};
    g_autofree char *label = lodge_key_names_dup_label (key);
    g_autofree char *folded_label = g_utf8_casefold (label, -1);

    if (g_str_equal (folded_label, folded))
      return key[0];
  }
  return NULL;
}

/* @name is in lower case, as far as it is ASCII. */
static gboolean
find_name (const char *name, Stroke *out_stroke)
{
  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++) {
    if (g_str_equal (aliases[i].name, name)) {
      *out_stroke = aliases[i].stroke;
      return TRUE;
    }
  }
  out_stroke->key = find_code (name);
  out_stroke->shift = FALSE;
  if (out_stroke->key == NULL)
    out_stroke->key = find_label (name);
  if (out_stroke->key != NULL)
    return TRUE;
  return strlen (name) == 1 && find_character (name[0], out_stroke);
}

/* How many characters to change, add, drop or swap with their neighbour. Both are short: names here
 * have at most 16, others are not asked for. */
static guint
count_edits (const char *a, const char *b)
{
  enum { MAX = 24 };
  guint table[MAX + 1][MAX + 1];
  gsize a_length = strlen (a), b_length = strlen (b);

  if (a_length > MAX || b_length > MAX)
    return G_MAXUINT;
  for (guint i = 0; i <= a_length; i++)
    table[i][0] = i;
  for (guint j = 0; j <= b_length; j++)
    table[0][j] = j;
  for (guint i = 1; i <= a_length; i++) {
    for (guint j = 1; j <= b_length; j++) {
      guint best = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

      best = MIN (best, table[i - 1][j] + 1);
      best = MIN (best, table[i][j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = MIN (best, table[i - 2][j - 2] + 1);
      table[i][j] = best;
    }
  }
  return table[a_length][b_length];
}

static const char *
guess (const char *name)
{
  const char *nearest = NULL;
  /* "f99" or "xy" is near to too much. */
  guint least = strlen (name) < 3 ? 0 : strlen (name) < 6 ? 1 : 2;

  for (guint i = 0; i < G_N_ELEMENTS (aliases) + lodge_key_table_length; i++) {
    const char *candidate = i < G_N_ELEMENTS (aliases)
                                ? aliases[i].name
                                : lodge_key_table[i - G_N_ELEMENTS (aliases)].name;
    guint edits = strlen (candidate) < 3 ? G_MAXUINT : count_edits (name, candidate);

    if (edits < least || (edits == least && nearest == NULL)) {
      nearest = candidate;
      least = edits;
    }
  }
  return nearest;
}

/* What was asked for, fit to be shown in a sentence. */
static char *
dup_shown (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *shown = g_string_new (NULL);
  guint n = 0;

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (n++ == MAX_SHOWN_CHARACTERS) {
      g_string_append (shown, "…");
      break;
    }
    g_string_append_unichar (shown, g_unichar_isprint (c) ? c : 0xfffd);
  }
  return g_string_free (shown, FALSE);
}

/* "ctrl-alt-delete", as other programs write it: the same with "+", when that makes sense. */
static char *
dup_joined_by_plus (const char *name)
{
  g_autofree char *joined = g_strdelimit (g_strdup (name), "-_ ", '+');
  g_auto (GStrv) keys = strchr (joined, '+') != NULL ? lodge_key_names_parse (joined, NULL) : NULL;

  return keys != NULL ? g_steal_pointer (&joined) : NULL;
}

static void
set_unknown (const char *name, GError **error)
{
  g_autofree char *shown = dup_shown (name);
  g_autofree char *joined = dup_joined_by_plus (name);
  const char *meant = joined != NULL ? joined : guess (name);

  if (meant != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("There is no key “%s”; did you mean “%s”?"), shown, meant);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("There is no key “%s”; keys are named like “ctrl”, “f1”, “delete” or “a” and "
                    "joined by “+”"),
                 shown);
}

static gboolean
add_key (GPtrArray *keys, const char *key, GError **error)
{
  if (keys->len == MAX_KEYS) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("At most %d keys can be held down together"), MAX_KEYS);
    return FALSE;
  }
  g_ptr_array_add (keys, g_strdup (key));
  return TRUE;
}

static gboolean
has_key (GPtrArray *keys, const char *key)
{
  return g_ptr_array_find_with_equal_func (keys, key, g_str_equal, NULL);
}

static gboolean
add_name (GPtrArray *keys, const char *part, GError **error)
{
  g_autofree char *name = g_strstrip (g_ascii_strdown (part, -1));
  Stroke stroke;

  if (name[0] == '\0') {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                         _ ("A key is missing; write keys like “ctrl+alt+delete”"));
    return FALSE;
  }
  if (!find_name (name, &stroke)) {
    set_unknown (name, error);
    return FALSE;
  }
  if (has_key (keys, stroke.key)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The key “%s” cannot be held down twice"), name);
    return FALSE;
  }
  if (stroke.shift && !has_key (keys, "shift") && !has_key (keys, "shift_r") &&
      !add_key (keys, "shift", error))
    return FALSE;
  return add_key (keys, stroke.key, error);
}

char **
lodge_key_names_parse (const char *keys, GError **error)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  const char *p = keys;

  g_return_val_if_fail (keys != NULL, NULL);

  while (TRUE) {
    /* Between two keys stands a plus; at the end, where a key is due, it is the plus key: "ctrl++"
     */
    gsize length = g_str_equal (p, "+") ? 1 : strcspn (p, "+");
    g_autofree char *part = g_strndup (p, length);

    if (!add_name (found, part, error))
      return NULL;
    p += length;
    if (*p == '\0')
      break;
    p++;
  }
  g_ptr_array_add (found, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&found), FALSE);
}

static void
set_untypable (gunichar c, GError **error)
{
  char character[7] = {0};

  if (g_unichar_isprint (c)) {
    g_unichar_to_utf8 (c, character);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("“%s” (U+%04X) cannot be typed: it is not on a US keyboard"), character, c);
  } else {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The character U+%04X cannot be typed: it is not on a US keyboard"), c);
  }
}

static char **
dup_chord (const Stroke *stroke)
{
  const char *chord[] = {"shift", stroke->key, NULL};

  return g_strdupv ((char **) (stroke->shift ? chord : chord + 1));
}

GPtrArray *
lodge_key_names_from_text (const char *text, GError **error)
{
  g_autoptr (GPtrArray) chords = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);

  g_return_val_if_fail (text != NULL, NULL);

  if (!g_utf8_validate (text, -1, NULL)) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                         _ ("The text cannot be typed: it is not valid UTF-8"));
    return NULL;
  }
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    Stroke stroke;

    if (c >= 0x80 || !find_character (c, &stroke)) {
      set_untypable (c, error);
      return NULL;
    }
    g_ptr_array_add (chords, dup_chord (&stroke));
  }
  return g_steal_pointer (&chords);
}

char *
lodge_key_names_dup_label (const char *const *keys)
{
  GString *label = g_string_new (NULL);

  g_return_val_if_fail (keys != NULL, NULL);

  for (guint i = 0; keys[i] != NULL; i++) {
    const LodgeKeyRow *row = lodge_key_table_find_name (keys[i]);

    if (i > 0)
      g_string_append_c (label, '+');
    if (row != NULL && row->label != NULL) {
      g_string_append (label, g_dpgettext2 (GETTEXT_PACKAGE, "key", row->label));
    } else {
      const gsize start = label->len;

      g_string_append (label, keys[i]);
      g_strdelimit (label->str + start, "_", ' ');
      label->str[start] = g_ascii_toupper (label->str[start]);
    }
  }
  return g_string_free (label, FALSE);
}

/* What a keyboard gives text or moves in it with, alone or with shift. */
static gboolean
is_for_text (const char *key)
{
  static const char *const more[] = {"shift", "shift_r", "backspace", "delete", "left", "right",
                                     "up",    "down",    "less",      "esc",    NULL};

  if (strlen (key) == 1 || g_strv_contains (more, key))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (us_keys); i++) {
    if (g_str_equal (us_keys[i].key, key))
      return TRUE;
  }
  return FALSE;
}

gboolean
lodge_key_names_are_for_text (const char *const *keys)
{
  g_return_val_if_fail (keys != NULL, FALSE);

  for (guint i = 0; keys[i] != NULL; i++) {
    if (!is_for_text (keys[i]))
      return FALSE;
  }
  return TRUE;
}

guint
lodge_key_names_get_evdev (const char *key)
{
  const LodgeKeyRow *row = lodge_key_table_find_name (key);

  return row != NULL ? row->evdev : 0;
}

const char *
lodge_key_names_from_evdev (guint evdev)
{
  for (guint i = 0; i < lodge_key_table_length; i++) {
    if (lodge_key_table[i].evdev == evdev)
      return lodge_key_table[i].name;
  }
  return NULL;
}
