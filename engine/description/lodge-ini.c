/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one ini grammar of Lodge's files.
 *
 * GKeyFile reads and writes. What it does not say is found by a look at the lines before it: in
 * which line an error is, and whether a section or key is there twice (GKeyFile would silently take
 * the last; a person who reads the first would believe something else than Lodge does).
 */
#include "description/lodge-ini.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _LodgeIni {
  char *name;
  GKeyFile *file;
  GHashTable *commented; /* header lines that have a comment right above them */
  GHashTable *lines;     /* "[section]", or that, a line's end and a key, to the line's number */
};

#define FLAGS (G_KEY_FILE_KEEP_COMMENTS | G_KEY_FILE_KEEP_TRANSLATIONS)

void
lodge_ini_free (LodgeIni *self)
{
  if (self == NULL)
    return;
  g_key_file_unref (self->file);
  g_clear_pointer (&self->commented, g_hash_table_unref);
  g_clear_pointer (&self->lines, g_hash_table_unref);
  g_free (self->name);
  g_free (self);
}

static gboolean
refuse_line (const char *name, guint line, const char *text, const char *why, GError **error)
{
  g_autofree char *shown = lodge_ini_dup_quotable (text);

  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s, line %u: “%s” %s"), name, line,
               shown, why);
  return FALSE;
}

static gboolean
refuse_twice (const char *name, guint line, const char *what, gpointer first, GError **error)
{
  g_autofree char *shown = lodge_ini_dup_quotable (what);

  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("%s, line %u: “%s” is there already, in line %u"), name, line, shown,
               GPOINTER_TO_UINT (first));
  return FALSE;
}

/* @text is stripped. @seen: as LodgeIni's lines. */
static gboolean
check_line (
    const char *name, guint line, char *text, char **section, GHashTable *seen, GError **error)
{
  gsize length = strlen (text);
  g_autofree char *entry = NULL;
  char *equals;
  gpointer first;

  if (length == 0 || text[0] == '#')
    return TRUE;

  if (text[0] == '[') {
    if (length < 3 || text[length - 1] != ']' || strcspn (text + 1, "[]") != length - 2)
      return refuse_line (name, line, text, _ ("is not a section: it should look like [machine]"),
                          error);
    first = g_hash_table_lookup (seen, text);
    if (first != NULL)
      return refuse_twice (name, line, text, first, error);
    g_free (*section);
    *section = g_strdup (text);
    g_hash_table_insert (seen, g_strdup (text), GUINT_TO_POINTER (line));
    return TRUE;
  }

  equals = strchr (text, '=');
  if (equals == NULL || equals == text)
    return refuse_line (name, line, text,
                        _ ("is not a key with a value: it should look like cpus=2"), error);
  if (*section == NULL)
    return refuse_line (name, line, text, _ ("stands before the first section"), error);
  *equals = '\0';
  g_strchomp (text);
  entry = g_strconcat (*section, "\n", text, NULL);
  first = g_hash_table_lookup (seen, entry);
  if (first != NULL)
    return refuse_twice (name, line, text, first, error);
  g_hash_table_insert (seen, g_steal_pointer (&entry), GUINT_TO_POINTER (line));
  return TRUE;
}

/* Returns: (transfer full): where everything is, or %NULL with the error */
static GHashTable *
check_lines (const char *name, const char *text, gsize length, GError **error)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *section = NULL;
  const char *end = text + length;
  guint line = 1;

  for (const char *start = text; start < end; line++) {
    const char *stop = memchr (start, '\n', end - start);
    g_autofree char *copy = NULL;

    if (stop == NULL)
      stop = end;
    /* NUL is not valid here either. */
    if (!g_utf8_validate_len (start, stop - start, NULL)) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("%s, line %u: this is not UTF-8 text"), name, line);
      return NULL;
    }
    copy = g_strstrip (g_strndup (start, stop - start));
    if (!check_line (name, line, copy, &section, seen, error))
      return NULL;
    start = stop + 1;
  }
  return g_steal_pointer (&seen);
}

/* Each line with a plain end, the last one too. GKeyFile takes one carriage return from a line, and
 * would give a second one to the value. */
static char *
dup_without_returns (const char *text, gsize length)
{
  GString *whole = g_string_sized_new (length + 1);

  for (gsize i = 0; i < length; i++) {
    const gsize first = i;

    while (i < length && text[i] == '\r')
      i++;
    if (i < length && text[i] != '\n')
      g_string_append_len (whole, text + first, i - first);
    if (i < length)
      g_string_append_c (whole, text[i]);
  }
  if (whole->len > 0 && whole->str[whole->len - 1] != '\n')
    g_string_append_c (whole, '\n');
  return g_string_free (whole, FALSE);
}

static GHashTable *
find_commented (const char *text)
{
  GHashTable *commented = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 1; lines[0] != NULL && lines[i] != NULL; i++) {
    if (lines[i][0] == '[' && lines[i - 1][0] == '#')
      g_hash_table_add (commented, g_strdup (lines[i]));
  }
  return commented;
}

LodgeIni *
lodge_ini_parse (const char *name, const char *text, gsize length, GError **error)
{
  g_autoptr (GHashTable) lines = check_lines (name, text, length, error);
  g_autoptr (LodgeIni) self = NULL;
  g_autoptr (GError) why = NULL;
  g_autofree char *whole = NULL;

  if (lines == NULL)
    return NULL;

  self = g_new0 (LodgeIni, 1);
  self->lines = g_steal_pointer (&lines);
  self->name = g_strdup (name);
  self->file = g_key_file_new ();
  self->commented = find_commented (text);
  whole = dup_without_returns (text, length);
  if (length > 0 && !g_key_file_load_from_data (self->file, whole, (gsize) -1, FLAGS, &why)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("Could not read %s: %s"), name,
                 why->message);
    return NULL;
  }
  return g_steal_pointer (&self);
}

LodgeIni *
lodge_ini_load (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize length;

  text = lodge_durable_file_read (path, LODGE_INI_MOST_BYTES, &length, error);
  if (text == NULL)
    return NULL;
  return lodge_ini_parse (path, text, length, error);
}

char **
lodge_ini_list_sections (LodgeIni *self)
{
  return g_key_file_get_groups (self->file, NULL);
}

gboolean
lodge_ini_has_section (LodgeIni *self, const char *section)
{
  return g_key_file_has_group (self->file, section);
}

char *
lodge_ini_dup_place (LodgeIni *self, const char *section, const char *key)
{
  g_autofree char *entry = g_strdup_printf ("[%s]\n%s", section, key);
  gpointer line = g_hash_table_lookup (self->lines, entry);

  if (line == NULL)
    return g_strdup (self->name);
  return g_strdup_printf (_ ("%s, line %u"), self->name, GPOINTER_TO_UINT (line));
}

char *
lodge_ini_dup_value (LodgeIni *self, const char *section, const char *key, GError **error)
{
  g_autoptr (GError) why = NULL;
  char *value;

  if (!g_key_file_has_group (self->file, section) ||
      !g_key_file_has_key (self->file, section, key, NULL))
    return NULL;
  value = g_key_file_get_string (self->file, section, key, &why);
  if (value == NULL) {
    g_autofree char *raw = g_key_file_get_value (self->file, section, key, NULL);
    g_autofree char *shown = lodge_ini_dup_quotable (raw != NULL ? raw : "");
    g_autofree char *place = lodge_ini_dup_place (self, section, key);

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s: in [%s], %s cannot be “%s”: a backslash is written \\\\"), place, section,
                 key, shown);
  }
  return value;
}

void
lodge_ini_set_value (LodgeIni *self, const char *section, const char *key, const char *value)
{
  g_key_file_set_string (self->file, section, key, value);
}

void
lodge_ini_remove_key (LodgeIni *self, const char *section, const char *key)
{
  g_key_file_remove_key (self->file, section, key, NULL);
}

char *
lodge_ini_dup_text (LodgeIni *self, gsize *out_length)
{
  g_autofree char *written = g_key_file_to_data (self->file, NULL, NULL);
  g_auto (GStrv) lines = g_strsplit (written, "\n", -1);
  GString *text = g_string_new (NULL);

  /* GKeyFile puts an empty line above every section, also between it and its comment. */
  for (guint i = 0; lines[i] != NULL; i++) {
    if (lines[i][0] == '\0' && i > 0 && lines[i - 1][0] == '#' && lines[i + 1] != NULL &&
        g_hash_table_contains (self->commented, lines[i + 1]))
      continue;
    g_string_append (text, lines[i]);
    if (lines[i + 1] != NULL)
      g_string_append_c (text, '\n');
  }
  if (out_length != NULL)
    *out_length = text->len;
  return g_string_free (text, FALSE);
}

/* One section's lines, with the comment lines right above its header. */
typedef struct {
  char *section; /* NULL for what stands before the first */
  GString *text;
} Block;

static void
block_free (gpointer data)
{
  Block *block = data;

  g_free (block->section);
  g_string_free (block->text, TRUE);
  g_free (block);
}

static Block *
add_block (GPtrArray *blocks, const char *header)
{
  Block *block = g_new0 (Block, 1);

  if (header != NULL)
    block->section = g_strndup (header + 1, strcspn (header + 1, "]"));
  block->text = g_string_new (NULL);
  g_ptr_array_add (blocks, block);
  return block;
}

static GPtrArray *
split_sections (const char *text)
{
  GPtrArray *blocks = g_ptr_array_new_with_free_func (block_free);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) comment = g_string_new (NULL);
  Block *block = add_block (blocks, NULL);

  for (guint i = 0; lines[i] != NULL; i++) {
    if (lines[i + 1] == NULL && lines[i][0] == '\0')
      break;
    if (lines[i][0] == '#') {
      g_string_append_printf (comment, "%s\n", lines[i]);
      continue;
    }
    if (lines[i][0] == '[')
      block = add_block (blocks, lines[i]);
    g_string_append_printf (block->text, "%s%s\n", comment->str, lines[i]);
    g_string_truncate (comment, 0);
  }
  g_string_append (block->text, comment->str);
  return blocks;
}

static void
reload (LodgeIni *self, const GString *text)
{
  /* Cannot fail: what came out of a GKeyFile goes into one. An empty text is refused. */
  if (text->len > 0) {
    g_key_file_load_from_data (self->file, text->str, text->len, FLAGS, NULL);
  } else {
    g_key_file_unref (self->file);
    self->file = g_key_file_new ();
  }
}

/* Not by GKeyFile, for which the comment above the next section belongs to this one. */
void
lodge_ini_remove_section (LodgeIni *self, const char *section)
{
  g_autofree char *before = lodge_ini_dup_text (self, NULL);
  g_autoptr (GPtrArray) blocks = split_sections (before);
  g_autoptr (GString) after = g_string_new (NULL);

  for (guint i = 0; i < blocks->len; i++) {
    const Block *block = g_ptr_array_index (blocks, i);

    if (g_strcmp0 (block->section, section) != 0)
      g_string_append (after, block->text->str);
  }
  reload (self, after);
}

void
lodge_ini_order_sections (LodgeIni *self, const char *const *sections)
{
  g_autofree char *before = lodge_ini_dup_text (self, NULL);
  g_autoptr (GPtrArray) blocks = split_sections (before);
  g_autoptr (GString) after = g_string_new (NULL);
  guint next = 0;

  for (guint i = 0; i < blocks->len; i++) {
    Block *block = g_ptr_array_index (blocks, i);

    if (block->section != NULL && g_strv_contains (sections, block->section)) {
      const char *wanted = sections[next++];

      for (guint j = 0; j < blocks->len; j++) {
        Block *other = g_ptr_array_index (blocks, j);

        if (g_strcmp0 (other->section, wanted) == 0)
          block = other;
      }
    }
    g_string_append (after, block->text->str);
    /* The last section of a file has no empty line behind it. */
    if (i + 1 < blocks->len && after->len > 1 && !g_str_has_suffix (after->str, "\n\n"))
      g_string_append_c (after, '\n');
  }
  reload (self, after);
}

char *
lodge_ini_dup_quotable (const char *value)
{
  g_autofree char *valid = g_utf8_make_valid (value, MIN (strlen (value), 400));
  GString *text = g_string_new (NULL);
  guint n = 0;

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p), n++) {
    gunichar c = g_utf8_get_char (p);

    if (n == 60) {
      g_string_append (text, "…");
      break;
    }
    g_string_append_unichar (text, g_unichar_isprint (c) ? c : 0xfffd);
  }
  return g_string_free (text, FALSE);
}
