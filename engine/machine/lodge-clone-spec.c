/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading what a client wants of a clone; it may be anybody's script. */
#include "machine/lodge-machine-clone.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

void
lodge_clone_spec_free (LodgeCloneSpec *self)
{
  g_free (self->name);
  g_free (self->snapshot);
  g_free (self);
}

static gboolean
read_option (LodgeCloneSpec *self, const char *key, GVariant *value, GError **error)
{
  if (g_str_equal (key, "linked") && g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN)) {
    self->linked = g_variant_get_boolean (value);
  } else if (g_str_equal (key, "snapshot") && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)) {
    const char *snapshot = g_variant_get_string (value, NULL);

    /* The same as not there. */
    g_free (self->snapshot);
    self->snapshot = snapshot[0] != '\0' ? g_strdup (snapshot) : NULL;
  } else if (g_str_equal (key, "linked") || g_str_equal (key, "snapshot")) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("“%s” is of the wrong type"), key);
    return FALSE;
  } else {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("There is no option “%s” here"), key);
    return FALSE;
  }
  return TRUE;
}

LodgeCloneSpec *
lodge_clone_spec_parse (const char *name, GVariant *options, GError **error)
{
  g_autoptr (LodgeCloneSpec) self = g_new0 (LodgeCloneSpec, 1);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  if (!lodge_name_check (name, error))
    return NULL;
  self->name = g_strdup (name);
  g_variant_iter_init (&iter, options);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value)) {
    g_autoptr (GVariant) owned = value;

    if (!read_option (self, key, owned, error))
      return NULL;
  }
  return g_steal_pointer (&self);
}
