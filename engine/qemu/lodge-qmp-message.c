/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of QMP from QEMU, checked before it is believed (docs/interop/qmp-spec in QEMU). */
#include "qemu/lodge-qmp-message.h"

#include "lodge-error.h"
#include "qemu/lodge-json.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define MAX_DESCRIPTION_BYTES 400

void
lodge_qmp_message_free (LodgeQmpMessage *self)
{
  g_free (self->text);
  g_clear_pointer (&self->data, json_object_unref);
  g_clear_pointer (&self->value, json_node_unref);
  g_free (self);
}

static int
read_hex4 (const char *text, gsize length)
{
  int value = 0;

  if (length < 4)
    return -1;
  for (guint i = 0; i < 4; i++) {
    if (!g_ascii_isxdigit (text[i]))
      return -1;
    value = value * 16 + g_ascii_xdigit_value (text[i]);
  }
  return value;
}

/* @text follows a backslash. Returns how much of it belongs to the escape, 0 when it is none: half
 * a surrogate pair would come out of json-glib as invalid UTF-8, and NUL would end the string. */
static gsize
measure_escape (const char *text, gsize length)
{
  int unit;

  if (length == 0 || text[0] != 'u')
    return length > 0;
  unit = read_hex4 (text + 1, length - 1);
  if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff))
    return 0;
  if (unit < 0xd800 || unit > 0xdbff)
    return 5;
  if (length < 11 || text[5] != '\\' || text[6] != 'u')
    return 0;
  unit = read_hex4 (text + 7, length - 7);
  return unit >= 0xdc00 && unit <= 0xdfff ? 11 : 0;
}

/* json-glib recurses without a limit, takes more than JSON (comments, single quotes), and of
 * several values in a row loses all but the last. So depth, number of values, what stands beside
 * the first object or list, and the characters outside strings are looked at before it sees the
 * line. */
const char *
lodge_qmp_message_find_fault (const char *line, gsize length_bytes)
{
  guint depth = 0, n_values = 0;
  gboolean in_string = FALSE, begun = FALSE, closed = FALSE;

  if (length_bytes > LODGE_QMP_MESSAGE_MAX_BYTES)
    return _ ("a line that is too long");
  if (!g_utf8_validate_len (line, length_bytes, NULL))
    return _ ("a line that is not UTF-8");

  for (gsize i = 0; i < length_bytes; i++) {
    char c = line[i];

    if (in_string) {
      if (c == '\\') {
        gsize escape = measure_escape (line + i + 1, length_bytes - i - 1);

        if (escape == 0)
          return _ ("a line that is not JSON");
        i += escape;
      } else if (c == '"') {
        in_string = FALSE;
      }
      continue;
    }
    if (depth == 0 && strchr (" \t\r", c) == NULL) {
      if (closed || (begun && (c == '{' || c == '[')))
        return _ ("a line that is not JSON");
      begun = TRUE;
    }
    if (c == '"') {
      in_string = TRUE;
    } else if (c == '{' || c == '[') {
      n_values++;
      if (++depth > LODGE_QMP_MESSAGE_MAX_DEPTH)
        return _ ("values nested too deeply");
    } else if (c == '}' || c == ']') {
      if (depth-- == 0)
        return _ ("a line that is not JSON");
      closed = depth == 0;
    } else if (c == ',') {
      n_values++;
    } else if (!g_ascii_isalnum (c) && strchr (": \t\r+-.", c) == NULL) {
      return _ ("a line that is not JSON");
    }
    if (n_values > LODGE_QMP_MESSAGE_MAX_VALUES)
      return _ ("a line with too many values");
  }
  return depth == 0 && !in_string ? NULL : _ ("a line that is not JSON");
}

/* What comes from the other end and is shown to people: one line, no control characters, short. */
static char *
dup_description (const char *text)
{
  g_autoptr (GString) clean = g_string_new (NULL);

  for (const char *p = text; *p != '\0' && clean->len < MAX_DESCRIPTION_BYTES - 4;
       p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    g_string_append_unichar (clean, g_unichar_isprint (c) ? c : ' ');
  }
  g_strchomp (clean->str);
  return clean->str[0] != '\0' ? g_strdup (clean->str) : NULL;
}

static void
read_error (LodgeQmpMessage *self, JsonObject *error_object)
{
  const char *description = lodge_json_get_string (error_object, "desc");
  const char *class_name = lodge_json_get_string (error_object, "class");

  self->kind = LODGE_QMP_MESSAGE_ERROR;
  if (description != NULL)
    self->text = dup_description (description);
  if (self->text == NULL && class_name != NULL)
    self->text = dup_description (class_name);
  if (self->text == NULL)
    self->text = g_strdup (_ ("it gave no reason"));
}

static const char *
read_event (LodgeQmpMessage *self, JsonObject *root)
{
  const char *name = lodge_json_get_string (root, "event");
  JsonObject *data = lodge_json_get_object (root, "data");

  if (name == NULL || name[0] == '\0')
    return _ ("an event without a name");
  if (data == NULL && json_object_has_member (root, "data"))
    return _ ("an event whose data is no object");

  self->kind = LODGE_QMP_MESSAGE_EVENT;
  self->text = g_strdup (name);
  self->data = data != NULL ? json_object_ref (data) : json_object_new ();
  return NULL;
}

static void
read_id (LodgeQmpMessage *self, JsonObject *root)
{
  JsonNode *id = json_object_get_member (root, "id");

  if (id != NULL && JSON_NODE_HOLDS_VALUE (id) && json_node_get_value_type (id) == G_TYPE_INT64)
    self->id = json_node_get_int (id);
}

/* Fills @self; returns what is wrong, or NULL. */
static const char *
read_root (LodgeQmpMessage *self, JsonObject *root)
{
  gboolean is_event = json_object_has_member (root, "event");
  gboolean is_return = json_object_has_member (root, "return");
  gboolean is_error = json_object_has_member (root, "error");
  gboolean is_greeting = json_object_has_member (root, "QMP");

  if (is_event + is_return + is_error + is_greeting != 1)
    return _ ("an object that is neither an answer nor an event");

  if (is_event)
    return read_event (self, root);

  read_id (self, root);
  if (is_return) {
    self->kind = LODGE_QMP_MESSAGE_RETURN;
    self->value = json_node_copy (json_object_get_member (root, "return"));
  } else if (is_error) {
    JsonObject *error_object = lodge_json_get_object (root, "error");

    if (error_object == NULL)
      return _ ("an error that is no object");
    read_error (self, error_object);
  } else {
    self->kind = LODGE_QMP_MESSAGE_GREETING;
    if (lodge_json_get_object (root, "QMP") == NULL)
      return _ ("a greeting that is no object");
  }
  return NULL;
}

LodgeQmpMessage *
lodge_qmp_message_parse (const char *line, gsize length_bytes, GError **error)
{
  g_autoptr (LodgeQmpMessage) self = g_new0 (LodgeQmpMessage, 1);
  g_autoptr (JsonParser) parser = json_parser_new ();
  const char *fault = lodge_qmp_message_find_fault (line, length_bytes);
  JsonNode *root = NULL;

  if (fault == NULL) {
    /* What json-glib says about it names a place in a line nobody will see. */
    if (json_parser_load_from_data (parser, line, length_bytes, NULL))
      root = json_parser_get_root (parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
      fault = _ ("a line that is no JSON object");
    else
      fault = read_root (self, json_node_get_object (root));
  }
  if (fault != NULL) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_FAILED, fault);
    return NULL;
  }
  return g_steal_pointer (&self);
}
