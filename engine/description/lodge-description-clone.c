/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a clone's machine.ini says. */
#include "description/lodge-description-clone.h"

#include "description/lodge-description-keys.h"

#include <string.h>

static void
replace (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text);
}

static gboolean
is_needed (const LodgeDescription *self, const LodgeLayer *layer)
{
  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);
    const LodgeLayer *one = lodge_description_get_layer (self, disk->top);

    for (; one != NULL;
         one = one->below != NULL ? lodge_description_get_layer (self, one->below) : NULL) {
      if (one == layer)
        return TRUE;
    }
  }
  return FALSE;
}

static gboolean
is_top (const LodgeDescription *self, const LodgeLayer *layer)
{
  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    if (strcmp (disk->top, layer->id) == 0)
      return TRUE;
  }
  return FALSE;
}

static void
give_identity (LodgeDescription *self, const char *uuid, const char *name)
{
  replace (&self->uuid, uuid);
  replace (&self->name, name);
  g_free (self->vmgenid);
  self->vmgenid = g_uuid_string_random ();
  for (guint i = 0; i < self->nics->len; i++) {
    LodgeNic *nic = g_ptr_array_index (self->nics, i);
    g_autofree char *mac = lodge_description_dup_free_mac (self);

    replace (&nic->mac, mac);
    g_strfreev (nic->forwards);
    nic->forwards = g_new0 (char *, 1);
  }
}

LodgeDescription *
lodge_description_dup_clone (const LodgeDescription *self,
                             const char *uuid,
                             const char *name,
                             GPtrArray **out_files)
{
  LodgeDescription *clone = lodge_description_copy (self);
  GPtrArray *files = g_ptr_array_new_with_free_func (g_free);

  give_identity (clone, uuid, name);
  g_clear_pointer (&clone->snapshot, g_free);
  g_clear_pointer (&clone->suspended, g_free);
  g_ptr_array_set_size (clone->snapshots, 0);
  clone->scheduled_s = 0;
  clone->is_template = FALSE;
  for (guint i = 0; i < clone->layers->len;) {
    LodgeLayer *layer = g_ptr_array_index (clone->layers, i);

    if (!is_needed (clone, layer)) {
      g_ptr_array_remove_index (clone->layers, i);
      continue;
    }
    g_ptr_array_add (files, layer->file);
    layer->file = g_strdup_printf ("layers/%s.%s", layer->id, layer->format);
    /* Nobody needs it by itself: what was several snapshots becomes one layer again, once no other
     * machine shares it. */
    layer->merge = !is_top (clone, layer);
    i++;
  }
  /* As the first start names them. */
  if (clone->nvram[0] != '\0')
    replace (&clone->nvram,
             clone->firmware == LODGE_FIRMWARE_UEFI_SECURE ? "nvram-secure.qcow2" : "nvram.qcow2");
  replace (&clone->tpm_state, "tpm");
  *out_files = files;
  return clone;
}

void
lodge_description_flatten (LodgeDescription *self)
{
  g_autoptr (GPtrArray) sizes = g_ptr_array_new ();

  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    g_ptr_array_add (sizes, g_memdup2 (&lodge_description_get_layer (self, disk->top)->size_bytes,
                                       sizeof (guint64)));
  }
  g_ptr_array_set_size (self->layers, 0);
  for (guint i = 0; i < self->disks->len; i++) {
    LodgeDisk *disk = g_ptr_array_index (self->disks, i);
    g_autofree char *id = g_strconcat (disk->id, "-l0", NULL);
    LodgeLayer *layer = lodge_section_item_new (LODGE_SECTION_LAYER, id);
    guint64 *size = g_ptr_array_index (sizes, i);

    layer->file = g_strdup_printf ("layers/%s.qcow2", id);
    layer->format = g_strdup ("qcow2");
    layer->size_bytes = *size;
    g_free (size);
    g_ptr_array_add (self->layers, layer);
    replace (&disk->top, id);
  }
}
