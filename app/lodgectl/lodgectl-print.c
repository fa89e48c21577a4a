/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text and JSON for people and scripts. */
#include "lodgectl-print.h"

#include "lodge-plain-text.h"

#include <stdio.h>
#include <string.h>

struct _LodgectlTable {
  guint n_columns;
  GPtrArray *cells; /* row by row */
  guint *widths;    /* of columns, so far */
};

/* Nearly all text is: a list of a thousand machines has thousands of them. */
static gboolean
is_plain (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (*c < 0x20 || *c >= 0x7f)
      return FALSE;
  return TRUE;
}

char *
lodgectl_dup_harmless (const char *text)
{
  return is_plain (text) ? g_strdup (text) : lodge_plain_text_dup_line (text);
}

static guint
get_width (const char *text)
{
  guint width = 0;

  if (is_plain (text))
    return (guint) strlen (text);
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c)) {
    gunichar character = g_utf8_get_char (c);

    if (!g_unichar_iszerowidth (character))
      width += g_unichar_iswide (character) ? 2 : 1;
  }
  return width;
}

LodgectlTable *
lodgectl_table_new (guint n_columns)
{
  LodgectlTable *self = g_new0 (LodgectlTable, 1);

  self->n_columns = n_columns;
  self->cells = g_ptr_array_new_with_free_func (g_free);
  self->widths = g_new0 (guint, n_columns);
  return self;
}

void
lodgectl_table_free (LodgectlTable *self)
{
  g_ptr_array_unref (self->cells);
  g_free (self->widths);
  g_free (self);
}

void
lodgectl_table_add (LodgectlTable *self, const char *const *cells)
{
  for (guint i = 0; i < self->n_columns; i++) {
    char *cell = lodgectl_dup_harmless (cells[i] != NULL ? cells[i] : "");

    g_ptr_array_add (self->cells, cell);
    self->widths[i] = MAX (self->widths[i], get_width (cell));
  }
}

void
lodgectl_table_print (LodgectlTable *self)
{
  g_autoptr (GString) line = g_string_new (NULL);

  for (guint i = 0; i < self->cells->len; i++) {
    const char *cell = self->cells->pdata[i];

    g_string_append (line, cell);
    if ((i + 1) % self->n_columns != 0) {
      for (guint used = get_width (cell); used < self->widths[i % self->n_columns] + 2; used++)
        g_string_append_c (line, ' ');
      continue;
    }
    g_strchomp (line->str); /* no blanks after the last word */
    puts (line->str);
    g_string_truncate (line, 0);
  }
}

void
lodgectl_print_line (const char *text)
{
  g_autofree char *harmless = lodgectl_dup_harmless (text);

  puts (harmless);
}

/* JSON's own escapes leave C1 controls and the direction marks; they stand in strings only. */
static void
print_escaped (const char *json)
{
  if (g_str_is_ascii (json) && strchr (json, 0x7f) == NULL) {
    fputs (json, stdout);
    return;
  }
  for (const char *c = json; *c != '\0'; c = g_utf8_next_char (c)) {
    gunichar character = g_utf8_get_char (c);

    if (character >= 0x7f && lodge_plain_text_is_harmful (character))
      printf ("\\u%04x", character);
    else
      fwrite (c, 1, (gsize) (g_utf8_next_char (c) - c), stdout);
  }
}

const char *
lodgectl_get_string (GVariant *row, const char *key)
{
  const char *text = "";

  g_variant_lookup (row, key, "&s", &text);
  return text;
}

void
lodgectl_print_names (GVariant *rows, const char *key)
{
  for (gsize i = 0; i < g_variant_n_children (rows); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);

    lodgectl_print_line (lodgectl_get_string (row, key));
  }
}

void
lodgectl_print_json (JsonBuilder *builder)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autofree char *json = NULL;

  json_generator_set_pretty (generator, TRUE);
  json_generator_set_root (generator, root);
  json = json_generator_to_data (generator, NULL);
  print_escaped (json);
  putchar ('\n');
  g_object_unref (builder);
}

void
lodgectl_json_add_string (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
}

void
lodgectl_json_add_number (JsonBuilder *builder, const char *name, guint64 number)
{
  json_builder_set_member_name (builder, name);
  /* JSON's numbers are read as doubles or signed 64 bits nearly everywhere. */
  json_builder_add_int_value (builder, (gint64) MIN (number, (guint64) G_MAXINT64));
}

static void
add_dictionary (JsonBuilder *builder, GVariant *value)
{
  json_builder_begin_object (builder);
  for (gsize i = 0; i < g_variant_n_children (value); i++) {
    g_autoptr (GVariant) entry = g_variant_get_child_value (value, i);
    g_autoptr (GVariant) key = g_variant_get_child_value (entry, 0);
    g_autoptr (GVariant) child = g_variant_get_child_value (entry, 1);
    g_autofree char *name = g_variant_dup_string (key, NULL);

    g_strdelimit (name, "-", '_');
    json_builder_set_member_name (builder, name);
    lodgectl_json_add_variant (builder, child);
  }
  json_builder_end_object (builder);
}

void
lodgectl_json_add_variant (JsonBuilder *builder, GVariant *value)
{
  g_autofree char *printed = NULL;

  switch (g_variant_classify (value)) {
  case G_VARIANT_CLASS_VARIANT: {
    g_autoptr (GVariant) inner = g_variant_get_variant (value);

    lodgectl_json_add_variant (builder, inner);
    return;
  }
  case G_VARIANT_CLASS_BOOLEAN:
    json_builder_add_boolean_value (builder, g_variant_get_boolean (value));
    return;
  case G_VARIANT_CLASS_UINT32:
    json_builder_add_int_value (builder, g_variant_get_uint32 (value));
    return;
  case G_VARIANT_CLASS_INT32:
    json_builder_add_int_value (builder, g_variant_get_int32 (value));
    return;
  case G_VARIANT_CLASS_INT64:
    json_builder_add_int_value (builder, g_variant_get_int64 (value));
    return;
  case G_VARIANT_CLASS_UINT64:
    json_builder_add_int_value (builder,
                                (gint64) MIN (g_variant_get_uint64 (value), (guint64) G_MAXINT64));
    return;
  case G_VARIANT_CLASS_DOUBLE:
    json_builder_add_double_value (builder, g_variant_get_double (value));
    return;
  case G_VARIANT_CLASS_STRING:
  case G_VARIANT_CLASS_OBJECT_PATH:
    json_builder_add_string_value (builder, g_variant_get_string (value, NULL));
    return;
  default:
    break;
  }

  if (g_variant_type_is_subtype_of (g_variant_get_type (value), G_VARIANT_TYPE ("a{?*}"))) {
    add_dictionary (builder, value);
  } else if (g_variant_type_is_array (g_variant_get_type (value))) {
    json_builder_begin_array (builder);
    for (gsize i = 0; i < g_variant_n_children (value); i++) {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      lodgectl_json_add_variant (builder, child);
    }
    json_builder_end_array (builder);
  } else {
    /* Nothing of the contract's comes here; a newer engine's may. */
    printed = g_variant_print (value, FALSE);
    json_builder_add_string_value (builder, printed);
  }
}

void
lodgectl_print_variant (GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  JsonBuilder *builder = json_builder_new ();

  lodgectl_json_add_variant (builder, owned);
  lodgectl_print_json (builder);
}
