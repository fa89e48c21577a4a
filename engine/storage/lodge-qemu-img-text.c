/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said to qemu-img and qemu-io about an image, and what they say back. */
#include "storage/lodge-qemu-img.h"

#include "description/lodge-durable-file.h"
#include "lodge-error.h"
#include "storage/lodge-folder-key.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/statvfs.h>

/* More than any format writes at once besides the contents. */
#define LITTLE_BYTES (1 << 20)

/* A line without what the reader knows already: the program, and the image as we named it. */
static const char *
skip_known (const char *line)
{
  static const char *const programs[] = {"qemu-img: ", "qemu-io: "};
  static const char *const ends[] = {"}': ", "}: "};

  for (guint i = 0; i < G_N_ELEMENTS (programs); i++) {
    if (g_str_has_prefix (line, programs[i]))
      line += strlen (programs[i]);
  }
  if (strstr (line, "json:{") == NULL)
    return line;
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    const char *end = g_strrstr (line, ends[i]);

    if (end != NULL)
      return end + strlen (ends[i]);
  }
  return line;
}

/* The first line that says what went wrong. */
static char *
dup_words (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GStrv) lines = g_strsplit_set (valid, "\r\n", -1);
  const char *words = "";

  for (guint i = 0; lines[i] != NULL && words[0] == '\0'; i++) {
    const char *line = g_strstrip (lines[i]);

    /* It tries to remove what it began, which is bound and cannot be. */
    if (strstr (line, "Error when deleting file") == NULL)
      words = skip_known (line);
  }
  return g_utf8_substring (words, 0, MIN (g_utf8_strlen (words, -1), 300));
}

LodgeQemuImgResult *
lodge_qemu_img_result_new (int status, const char *output, const char *complaints)
{
  LodgeQemuImgResult *self = g_new0 (LodgeQemuImgResult, 1);

  self->status = status;
  self->output = g_strdup (output);
  self->words = dup_words (complaints);
  return self;
}

void
lodge_qemu_img_result_free (LodgeQemuImgResult *self)
{
  if (self == NULL)
    return;
  g_free (self->output);
  g_free (self->words);
  g_free (self);
}

/* Some formats say “Could not write…”, or “Error writing…”, of headers and tables without the
 * system's words, and QEMU 7.2 aborts over others: then the room that is left decides. “Failed to
 * get "write" lock” is another matter. */
static gboolean
has_no_room (const LodgeQemuImgResult *result, const char *target)
{
  const gboolean written =
      result->status == 128 + SIGABRT ||
      (strstr (result->words, "writ") != NULL && strstr (result->words, "lock") == NULL);
  g_autofree char *folder = g_path_get_dirname (target);
  struct statvfs info;

  return written && statvfs (folder, &info) == 0 &&
         (guint64) info.f_bavail * info.f_frsize < LITTLE_BYTES;
}

void
lodge_qemu_img_set_error (GError **error,
                          int code,
                          const char *path,
                          const char *target,
                          const LodgeQemuImgResult *result)
{
  /* The third is QEMU's rendering of EFBIG while a qcow2 file is made; our sizes are far below what
   * the format can have. The same words are said of an image that is only read, and is damaged. */
  if (target != NULL &&
      (result->status == 128 + SIGXFSZ || lodge_durable_says_full (result->words) ||
       strstr (result->words, "too large for file format") != NULL || has_no_room (result, target)))
    lodge_durable_set_full (error, target);
  else if (result->status == 128 + SIGXCPU || result->status == 128 + SIGKILL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                 _ ("%s takes more time or memory than an image should"), path);
  else if (strstr (result->words, "\"write\" lock") != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE, _ ("%s is in use by another program"),
                 path);
  else if (strstr (result->words, "No such file") != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("There is no file %s"), path);
  else if (strstr (result->words, "Permission denied") != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("Could not open %s: permission denied"),
                 path);
  else
    g_set_error (error, LODGE_ERROR, code, _ ("qemu-img cannot work with %s: %s"), path,
                 result->words[0] != '\0' ? result->words : _ ("it does not say why"));
}

static gboolean
is_encrypted (const char *format, const char *path)
{
  g_autoptr (LodgeSecret) key = NULL;

  if (strcmp (format, "qcow2") != 0)
    return FALSE;
  /* Also one that cannot be opened: the run says that. */
  return !lodge_folder_key_find (path, &key, NULL) || key != NULL;
}

char *
lodge_qemu_img_dup_target (const char *path)
{
  g_autoptr (GString) escaped = g_string_new (path);

  g_string_replace (escaped, ",", ",,", 0);
  return g_strconcat ("driver=qcow2,file.driver=file,file.filename=", escaped->str,
                      is_encrypted ("qcow2", path)
                          ? ",encrypt.format=luks,encrypt.key-secret=" LODGE_QEMU_IMG_KEY
                          : "",
                      NULL);
}

char *
lodge_qemu_img_dup_source (const char *format, const char *path, const char *below)
{
  g_autoptr (JsonNode) lower = below != NULL ? json_from_string (below + strlen ("json:"), NULL)
                                             : json_node_new (JSON_NODE_NULL);
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (JsonNode) root = NULL;
  g_autofree char *text = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "driver");
  json_builder_add_string_value (builder, format);
  json_builder_set_member_name (builder, "file");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "driver");
  json_builder_add_string_value (builder, "file");
  json_builder_set_member_name (builder, "filename");
  json_builder_add_string_value (builder, path);
  json_builder_end_object (builder);
  if (is_encrypted (format, path)) {
    json_builder_set_member_name (builder, "encrypt");
    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "format");
    json_builder_add_string_value (builder, "luks");
    json_builder_set_member_name (builder, "key-secret");
    json_builder_add_string_value (builder, LODGE_QEMU_IMG_KEY);
    json_builder_end_object (builder);
  }
  /* The formats that can stand on another file (BlockdevOptionsGenericCOWFormat in QEMU's
   * qapi/block-core.json): null says that none is opened, whatever the image says. */
  if (below != NULL || strcmp (format, "qcow2") == 0 || strcmp (format, "qed") == 0 ||
      strcmp (format, "vmdk") == 0) {
    json_builder_set_member_name (builder, "backing");
    json_builder_add_value (builder, g_steal_pointer (&lower));
  }
  json_builder_end_object (builder);
  root = json_builder_get_root (builder);
  text = json_to_string (root, FALSE);
  return g_strconcat ("json:", text, NULL);
}

/* "format:path" taken apart; NULL when it is not that. */
static const char *
get_path (const char *layer, char **out_format)
{
  const char *colon = strchr (layer, ':');

  if (colon == NULL || colon[1] != '/')
    return NULL;
  *out_format = g_strndup (layer, colon - layer);
  if (strcmp (*out_format, "qcow2") == 0 || strcmp (*out_format, "raw") == 0)
    return colon + 1;
  g_clear_pointer (out_format, g_free);
  return NULL;
}

char *
lodge_qemu_img_bind_chain (LodgeQemuImg *self,
                           const char *const *layers,
                           guint n_written,
                           GError **error)
{
  g_autofree char *image = NULL;

  for (guint i = g_strv_length ((char **) layers); i > 0; i--) {
    g_autofree char *format = NULL;
    g_autofree char *below = g_steal_pointer (&image);
    const char *path = get_path (layers[i - 1], &format);

    if (path == NULL || !g_utf8_validate (path, -1, NULL)) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("“%s” is not a layer with its format and full path"), layers[i - 1]);
      return NULL;
    }
    image = lodge_qemu_img_dup_source (format, path, below);
    lodge_qemu_img_bind (
        self, i <= n_written ? LODGE_COMMAND_BIND_READ_WRITE : LODGE_COMMAND_BIND_READ_ONLY, path);
  }
  return g_steal_pointer (&image);
}
