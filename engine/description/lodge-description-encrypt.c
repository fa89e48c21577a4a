/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What machine.ini says of a machine that has become encrypted, or is not any more. */
#include "description/lodge-description-encrypt.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static gboolean
check_file (const LodgeDescription *self, const char *file, const char *prefix, GError **error)
{
  if (g_str_has_prefix (file, prefix))
    return TRUE;
  g_set_error (
      error, LODGE_ERROR, LODGE_ERROR_INVALID,
      _ ("“%s” has a file that is not in its own folder under a name of Lodge's, and would "
         "stay as it is: %s; let Lodge copy it in first"),
      self->name, file);
  return FALSE;
}

gboolean
lodge_description_check_encrypt (const LodgeDescription *self, GError **error)
{
  for (guint i = 0; i < self->layers->len; i++) {
    const LodgeLayer *layer = self->layers->pdata[i];

    if (layer->host_disk[0] != '\0') {
      g_set_error (
          error, LODGE_ERROR, LODGE_ERROR_INVALID,
          _ ("“%s” has a disk of this computer as a whole, %s, which would not be encrypted: "
             "remove that from the machine first, which leaves all that is on it"),
          self->name, layer->file);
      return FALSE;
    }
    if (!check_file (self, layer->file, "layers/", error))
      return FALSE;
  }
  return (self->nvram[0] == '\0' || check_file (self, self->nvram, "nvram", error)) &&
         check_file (self, self->tpm_state, "tpm", error);
}

/* Takes @text. */
static void
take (char **field, char *text)
{
  g_free (*field);
  *field = text;
}

static void
rename_id (char **id, GHashTable *ids)
{
  const char *next = *id != NULL ? g_hash_table_lookup (ids, *id) : NULL;

  /* One that is named and not there stays that. */
  if (next != NULL)
    take (id, g_strdup (next));
}

void
lodge_description_set_encrypted (LodgeDescription *self,
                                 gboolean encrypted,
                                 const char *suffix,
                                 GHashTable *ids)
{
  self->encrypted = encrypted;
  for (guint i = 0; i < self->layers->len; i++) {
    LodgeLayer *layer = self->layers->pdata[i];

    take (&layer->file, g_strdup_printf ("layers/%s-%s.qcow2", layer->id, suffix));
    take (&layer->format, g_strdup ("qcow2"));
  }
  for (guint i = 0; i < self->snapshots->len; i++) {
    LodgeSnapshot *snapshot = self->snapshots->pdata[i];

    rename_id (&snapshot->id, ids);
    rename_id (&snapshot->parent, ids);
  }
  rename_id (&self->snapshot, ids);
  if (self->nvram[0] != '\0')
    take (&self->nvram, g_strdup_printf ("nvram-%s.qcow2", suffix));
  take (&self->tpm_state, g_strdup_printf ("tpm-%s", suffix));
}
