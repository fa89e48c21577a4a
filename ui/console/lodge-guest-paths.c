/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths of files in a guest, one on each line. */
#include "console/lodge-guest-paths.h"

#include "lodge-plain-text.h"

#include <string.h>

#define SCHEME "file://"
/* PATH_MAX of Linux for each, and what is escaped in a URI. */
#define MOST_BYTES (LODGE_GUEST_PATHS_MAX * 3 * 4096)

static gboolean
is_drive (const char *text)
{
  return g_ascii_isalpha (text[0]) && text[1] == ':' && (text[2] == '\\' || text[2] == '/');
}

static gboolean
is_whole (const char *path)
{
  return path[0] == '/' || is_drive (path) || g_str_has_prefix (path, "\\\\");
}

/* Transfer full. The name of a computer in it is the guest's own. */
static char *
dup_decoded (const char *uri)
{
  const char *slash = strchr (uri + strlen (SCHEME), '/');
  g_autofree char *path = slash != NULL ? g_uri_unescape_string (slash, NULL) : NULL;

  /* It would be two lines. */
  if (path == NULL || !g_utf8_validate (path, -1, NULL) || strpbrk (path, "\r\n") != NULL)
    return g_strdup (uri);
  /* file:///C:/a */
  return is_drive (path + 1) ? g_strdup (path + 1) : g_steal_pointer (&path);
}

/* Transfer full. */
static char *
dup_path (const char *line_given)
{
  g_autofree char *line = g_strdup (line_given);
  char *text = g_strstrip (line);
  const gsize length = strlen (text);

  if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
    text[length - 1] = '\0';
    text++;
  }
  return g_str_has_prefix (text, SCHEME) ? dup_decoded (text) : g_strdup (text);
}

char **
lodge_guest_paths_parse (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();

  for (guint i = 0; lines[i] != NULL; i++) {
    g_autofree char *path = dup_path (lines[i]);

    if (*path != '\0' && g_hash_table_add (seen, g_strdup (path)))
      g_strv_builder_add (paths, path);
  }
  return g_strv_builder_end (paths);
}

/* What GNOME's file manager has put before its URIs, where it offers them as text. */
static const char *
skip_words (const char *text)
{
  static const char *const words[] = {"x-special/nautilus-clipboard\n", "copy\n"};

  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    if (g_str_has_prefix (text, words[i]))
      text += strlen (words[i]);
  }
  return text;
}

static gboolean
is_harmless (const char *path)
{
  for (const char *c = path; *c != '\0'; c = g_utf8_next_char (c)) {
    if (lodge_plain_text_is_harmful (g_utf8_get_char (c)))
      return FALSE;
  }
  return TRUE;
}

char *
lodge_guest_paths_dup_offered (const char *text)
{
  g_auto (GStrv) paths = NULL;
  guint n;

  if (text == NULL || strnlen (text, MOST_BYTES) == MOST_BYTES)
    return NULL;
  paths = lodge_guest_paths_parse (skip_words (text));
  n = g_strv_length (paths);
  if (n == 0 || n > LODGE_GUEST_PATHS_MAX)
    return NULL;
  for (guint i = 0; i < n; i++) {
    if (!is_whole (paths[i]) || !is_harmless (paths[i]))
      return NULL;
  }
  return g_strjoinv ("\n", paths);
}
