/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single values of machine.ini: what is allowed, from text to C and back. */
#include "description/lodge-description-keys.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MIB (G_GUINT64_CONSTANT (1024) * 1024)

gboolean
lodge_id_is_valid (const char *id)
{
  gsize length = strlen (id);

  return length >= 1 && length <= LODGE_ID_LENGTH && g_ascii_isalpha (id[0]) &&
         strspn (id, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_") == length;
}

/* Valid UTF-8 on one line; what else a file's name or a kernel's command line may hold is free. */
static gboolean
is_plain_text (const char *text, glong most_characters)
{
  if (!g_utf8_validate (text, -1, NULL) || g_utf8_strlen (text, -1) > most_characters)
    return FALSE;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_word (const char *text, gsize most_characters)
{
  gsize length = strlen (text);

  return length <= most_characters &&
         strspn (text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".-_") == length;
}

/* Six bytes in hexadecimal; not a group address (lowest bit of the first byte), not all zero. */
static gboolean
is_mac (const char *text)
{
  gboolean all_zero = TRUE;

  if (strlen (text) != 17)
    return FALSE;
  for (guint i = 0; i < 17; i++) {
    if (i % 3 == 2 ? text[i] != ':' : !g_ascii_isxdigit (text[i]))
      return FALSE;
    all_zero = all_zero && (text[i] == ':' || text[i] == '0');
  }
  return !all_zero && (g_ascii_xdigit_value (text[1]) & 1) == 0;
}

/* A path that cannot lead out of the machine's folder, nor to the files that Lodge keeps there for
 * itself: a guest that writes to a layer would otherwise write its own description. */
static gboolean
is_own_file (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", -1);

  if (parts[0] == NULL)
    return FALSE;
  for (guint i = 0; parts[i] != NULL; i++) {
    if (parts[i][0] == '\0' || strcmp (parts[i], ".") == 0 || strcmp (parts[i], "..") == 0)
      return FALSE;
  }
  return !g_str_has_prefix (text, "machine.ini") && !g_str_has_prefix (text, ".") &&
         strcmp (text, "lock") != 0 && strcmp (text, "run") != 0 && strcmp (text, "journal") != 0 &&
         strcmp (parts[0], "snapshots") != 0;
}

static gboolean
is_port (const char *text, gsize length)
{
  guint port = 0;

  if (length < 1 || length > 5)
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isdigit (text[i]))
      return FALSE;
    port = port * 10 + g_ascii_digit_value (text[i]);
  }
  return port >= 1 && port <= G_MAXUINT16;
}

/* PROTO:[ADDRESS:]HOSTPORT:GUESTPORT, an IPv6 address in brackets. */
static gboolean
is_forward (const char *rule)
{
  g_autofree char *address = NULL;
  const char *guest = strrchr (rule, ':');
  const char *rest, *host;
  gsize length;

  if (!g_str_has_prefix (rule, "tcp:") && !g_str_has_prefix (rule, "udp:"))
    return FALSE;
  rest = rule + strlen ("tcp:");
  if (guest < rest || !is_port (guest + 1, strlen (guest + 1)))
    return FALSE;

  host = g_strrstr_len (rest, guest - rest, ":");
  if (host == NULL)
    return is_port (rest, guest - rest);
  if (!is_port (host + 1, guest - host - 1))
    return FALSE;

  length = host - rest;
  if (length > 2 && rest[0] == '[' && rest[length - 1] == ']') {
    address = g_strndup (rest + 1, length - 2);
    return strchr (address, ':') != NULL && g_hostname_is_ip_address (address);
  }
  address = g_strndup (rest, length);
  return strchr (address, ':') == NULL && g_hostname_is_ip_address (address);
}

/* NULL when one is not allowed. A ';' at the end is the custom of such lists, and allowed. */
static char **
parse_list (const char *text, gboolean (*is_allowed) (const char *))
{
  g_auto (GStrv) parts = g_strsplit (text, ";", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; parts[i] != NULL; i++) {
    const char *rule = g_strstrip (parts[i]);

    if (rule[0] == '\0')
      continue;
    if (!is_allowed (rule))
      return NULL;
    g_strv_builder_add (builder, rule);
  }
  return g_strv_builder_end (builder);
}

static gboolean
find_choice (const char *const *choices, const char *text, guint *out_index)
{
  for (guint i = 0; choices[i] != NULL; i++) {
    if (strcmp (choices[i], text) == 0) {
      *out_index = i;
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
parse_boolean (const char *text, gboolean *out_value)
{
  if (strcmp (text, "true") == 0 || strcmp (text, "yes") == 0)
    *out_value = TRUE;
  else if (strcmp (text, "false") == 0 || strcmp (text, "no") == 0)
    *out_value = FALSE;
  else
    return FALSE;
  return TRUE;
}

/* Texts are kept as they are: a file's name may end with a blank. */
static gboolean
is_text_allowed (const LodgeKey *key, const char *text)
{
  guint ignored;

  switch (key->type) {
  case LODGE_KEY_TEXT:
    return is_plain_text (text, key->maximum);
  case LODGE_KEY_WORD:
    return is_word (text, key->maximum);
  case LODGE_KEY_UUID:
    return g_uuid_string_is_valid (text);
  case LODGE_KEY_NAME:
    return lodge_name_check (text, NULL);
  case LODGE_KEY_ID:
    return lodge_id_is_valid (text);
  case LODGE_KEY_CHOICE_TEXT:
    return find_choice (key->choices, text, &ignored);
  case LODGE_KEY_MAC:
    return is_mac (text);
  case LODGE_KEY_HOST_FILE:
    return is_plain_text (text, key->maximum) && text[0] == '/';
  case LODGE_KEY_OWN_FILE:
    return is_plain_text (text, key->maximum) && is_own_file (text);
  case LODGE_KEY_ANY_FILE:
    return is_plain_text (text, key->maximum) && (text[0] == '/' || is_own_file (text));
  default:
    return FALSE;
  }
}

static gboolean
parse_text (const LodgeKey *key, const char *text, gpointer item)
{
  char **field = &G_STRUCT_MEMBER (char *, item, key->offset);

  /* Empty is allowed where it is the default, whatever the type asks for otherwise. */
  if (text[0] == '\0' && key->fallback != NULL) {
    g_free (*field);
    *field = (key->flags & LODGE_KEY_NULLABLE) != 0 ? NULL : g_strdup ("");
    return TRUE;
  }
  if (!is_text_allowed (key, text))
    return FALSE;
  g_free (*field);
  if (key->type == LODGE_KEY_UUID || key->type == LODGE_KEY_MAC)
    *field = g_ascii_strdown (text, -1);
  else
    *field = g_strdup (text);
  return TRUE;
}

static gboolean
parse_number (const LodgeKey *key, const char *text, gpointer item)
{
  guint64 value;

  if (key->type == LODGE_KEY_NUMBER || key->type == LODGE_KEY_VERSION) {
    if (!g_ascii_string_to_unsigned (text, 10, key->minimum, key->maximum, &value, NULL))
      return FALSE;
    if (key->type == LODGE_KEY_NUMBER)
      G_STRUCT_MEMBER (guint, item, key->offset) = value;
    return TRUE;
  }

  if (!lodge_size_parse (text, &value, NULL))
    return FALSE;
  if (key->type != LODGE_KEY_SIZE) {
    if (value % MIB != 0)
      return FALSE;
    value /= MIB;
  }
  if (value < key->minimum || value > key->maximum)
    return FALSE;
  if (key->type == LODGE_KEY_MEMORY)
    G_STRUCT_MEMBER (guint, item, key->offset) = value;
  else
    G_STRUCT_MEMBER (guint64, item, key->offset) = value;
  return TRUE;
}

static gboolean
parse_list_key (const LodgeKey *key, const char *text, gpointer item)
{
  char **list = parse_list (text, key->type == LODGE_KEY_IDS ? lodge_id_is_valid : is_forward);

  if (list == NULL)
    return FALSE;
  g_strfreev (G_STRUCT_MEMBER (char **, item, key->offset));
  G_STRUCT_MEMBER (char **, item, key->offset) = list;
  return TRUE;
}

static gboolean
parse_time (const char *text, gint64 *out_seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);

  if (time == NULL)
    return FALSE;
  *out_seconds = g_date_time_to_unix (time);
  return TRUE;
}

gboolean
lodge_key_parse (const LodgeKey *key, const char *text, gpointer item)
{
  g_autofree char *stripped = NULL;

  if (text[0] == '\0') {
    if (key->fallback == NULL)
      return FALSE;
    text = key->fallback;
  }
  stripped = g_strstrip (g_strdup (text));

  switch (key->type) {
  case LODGE_KEY_CHOICE:
    return find_choice (key->choices, stripped, &G_STRUCT_MEMBER (guint, item, key->offset));
  case LODGE_KEY_BOOLEAN:
    return parse_boolean (stripped, &G_STRUCT_MEMBER (gboolean, item, key->offset));
  case LODGE_KEY_VERSION:
  case LODGE_KEY_NUMBER:
  case LODGE_KEY_MEMORY:
  case LODGE_KEY_VIDEO_MEMORY:
  case LODGE_KEY_SIZE:
    return parse_number (key, stripped, item);
  case LODGE_KEY_FORWARDS:
  case LODGE_KEY_IDS:
    return parse_list_key (key, stripped, item);
  case LODGE_KEY_TIME:
    return parse_time (stripped, &G_STRUCT_MEMBER (gint64, item, key->offset));
  case LODGE_KEY_WORD:
  case LODGE_KEY_UUID:
  case LODGE_KEY_NAME:
  case LODGE_KEY_ID:
  case LODGE_KEY_CHOICE_TEXT:
  case LODGE_KEY_MAC:
    return parse_text (key, stripped, item);
  case LODGE_KEY_TEXT:
  case LODGE_KEY_HOST_FILE:
  case LODGE_KEY_OWN_FILE:
  case LODGE_KEY_ANY_FILE:
    return parse_text (key, text, item);
  }
  g_return_val_if_reached (FALSE);
}

static char *
format_time (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);

  return time != NULL ? g_date_time_format_iso8601 (time) : g_strdup ("");
}

char *
lodge_key_format (const LodgeKey *key, gconstpointer item)
{
  const char *text;
  guint index;

  switch (key->type) {
  case LODGE_KEY_VERSION:
    return g_strdup_printf ("%u", (guint) LODGE_DESCRIPTION_VERSION);
  case LODGE_KEY_CHOICE:
    /* A value that no choice stands for becomes its number, which lodge_key_parse() refuses. */
    index = G_STRUCT_MEMBER (guint, item, key->offset);
    for (guint i = 0; key->choices[i] != NULL; i++) {
      if (i == index)
        return g_strdup (key->choices[i]);
    }
    return g_strdup_printf ("%u", index);
  case LODGE_KEY_BOOLEAN:
    return g_strdup (G_STRUCT_MEMBER (gboolean, item, key->offset) ? "true" : "false");
  case LODGE_KEY_NUMBER:
    return g_strdup_printf ("%u", G_STRUCT_MEMBER (guint, item, key->offset));
  case LODGE_KEY_MEMORY:
    return lodge_size_format (G_STRUCT_MEMBER (guint, item, key->offset) * MIB);
  case LODGE_KEY_VIDEO_MEMORY:
    return lodge_size_format (
        MIN (G_STRUCT_MEMBER (guint64, item, key->offset), G_MAXUINT64 / MIB) * MIB);
  case LODGE_KEY_SIZE:
    return lodge_size_format (G_STRUCT_MEMBER (guint64, item, key->offset));
  case LODGE_KEY_TIME:
    return format_time (G_STRUCT_MEMBER (gint64, item, key->offset));
  case LODGE_KEY_FORWARDS:
  case LODGE_KEY_IDS:
    if (G_STRUCT_MEMBER (char **, item, key->offset) == NULL)
      return g_strdup ("");
    return g_strjoinv (";", G_STRUCT_MEMBER (char **, item, key->offset));
  default:
    text = G_STRUCT_MEMBER (char *, item, key->offset);
    return g_strdup (text != NULL ? text : "");
  }
}

static char *
join_choices (const char *const *choices)
{
  GString *text = g_string_new (choices[0]);

  for (guint i = 1; choices[i] != NULL; i++) {
    /* Translators: between the last two of several allowed values, as in "bios, uefi or vga" */
    g_string_append (text, choices[i + 1] == NULL ? _ (" or ") : ", ");
    g_string_append (text, choices[i]);
  }
  return g_string_free (text, FALSE);
}

/* Each of these ends a sentence that says what a value must be. */
char *
lodge_key_dup_requirement (const LodgeKey *key)
{
  g_autofree char *low = NULL;
  g_autofree char *high = NULL;

  switch (key->type) {
  case LODGE_KEY_VERSION:
    return g_strdup (_ ("a whole number"));
  case LODGE_KEY_TEXT:
    return g_strdup_printf (_ ("text of at most %u characters without line breaks"),
                            (guint) key->maximum);
  case LODGE_KEY_WORD:
    return g_strdup_printf (_ ("at most %u letters, digits and the characters . - _"),
                            (guint) key->maximum);
  case LODGE_KEY_UUID:
    return g_strdup (_ ("a UUID"));
  case LODGE_KEY_NAME:
    return g_strdup (_ ("a name of 1 to 64 characters without “/”"));
  case LODGE_KEY_ID:
    return g_strdup_printf (_ ("1 to %u letters, digits, - and _, a letter first"),
                            LODGE_ID_LENGTH);
  case LODGE_KEY_CHOICE:
  case LODGE_KEY_CHOICE_TEXT:
    return join_choices (key->choices);
  case LODGE_KEY_NUMBER:
    return g_strdup_printf (_ ("a whole number from %u to %u"), (guint) key->minimum,
                            (guint) key->maximum);
  case LODGE_KEY_MEMORY:
  case LODGE_KEY_VIDEO_MEMORY:
    low = lodge_size_format (key->minimum * MIB);
    high = lodge_size_format (key->maximum * MIB);
    return g_strdup_printf (_ ("a size in whole MiB from %s to %s"), low, high);
  case LODGE_KEY_SIZE:
    return g_strdup_printf (_ ("a size of at least %u bytes, such as 20G"), (guint) key->minimum);
  case LODGE_KEY_BOOLEAN:
    return g_strdup (_ ("true or false"));
  case LODGE_KEY_MAC:
    return g_strdup (_ ("the hardware address of one card, such as 52:54:00:12:34:56"));
  case LODGE_KEY_HOST_FILE:
    return g_strdup (_ ("a full path, beginning with “/”"));
  case LODGE_KEY_OWN_FILE:
    return g_strdup (_ ("a path that stays in the machine's folder"));
  case LODGE_KEY_ANY_FILE:
    return g_strdup (_ ("a path that stays in the machine's folder, or a full path"));
  case LODGE_KEY_FORWARDS:
    return g_strdup (_ ("rules such as tcp:127.0.0.1:2222:22 with “;” between them"));
  case LODGE_KEY_IDS:
    return g_strdup (_ ("ids with “;” between them"));
  case LODGE_KEY_TIME:
    return g_strdup (_ ("a time such as 2026-01-31T12:00:00Z"));
  }
  g_return_val_if_reached (NULL);
}
