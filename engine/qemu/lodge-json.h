/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members of a JSON object that somebody else wrote: json-glib warns about a member of another type
 * than it is asked for, so each is looked at first. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Lent; NULL where it is not there or of another type. */
const char *lodge_json_get_string (JsonObject *object, const char *name);
JsonObject *lodge_json_get_object (JsonObject *object, const char *name);
/* @otherwise where it is not there or of another type. */
gint64 lodge_json_get_int (JsonObject *object, const char *name, gint64 otherwise);
gboolean lodge_json_get_boolean (JsonObject *object, const char *name, gboolean otherwise);

G_END_DECLS
