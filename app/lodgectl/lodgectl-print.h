/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text and JSON for people and scripts. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* (transfer full): @text with every character replaced that a terminal would obey, or that turns
 * the reading order round. */
char *lodgectl_dup_harmless (const char *text);

/* Rows of columns, aligned by what characters take on a terminal. */
typedef struct _LodgectlTable LodgectlTable;
LodgectlTable *lodgectl_table_new (guint n_columns);
void lodgectl_table_free (LodgectlTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgectlTable, lodgectl_table_free)
/* Each is made harmless; NULL is empty. */
void lodgectl_table_add (LodgectlTable *self, const char *const *cells);
void lodgectl_table_print (LodgectlTable *self);

/* One line of text, made harmless. */
void lodgectl_print_line (const char *text);

/* Lent: the text of @key in a row, aa{sv}'s; "" where it has none. */
const char *lodgectl_get_string (GVariant *row, const char *key);
/* The text of @key in each of @rows, aa{sv}, one on a line. */
void lodgectl_print_names (GVariant *rows, const char *key);

/* As lodgectl_json_add_variant(), for what is all there is. @value: may be floating */
void lodgectl_print_variant (GVariant *value);
/* Prints what the builder holds, and frees it. */
void lodgectl_print_json (JsonBuilder *builder);
/* A value of basic type, an array or a dictionary, as the next value. '-' in keys becomes '_'. */
void lodgectl_json_add_variant (JsonBuilder *builder, GVariant *value);
void lodgectl_json_add_string (JsonBuilder *builder, const char *name, const char *text);
void lodgectl_json_add_number (JsonBuilder *builder, const char *name, guint64 number);

G_END_DECLS
