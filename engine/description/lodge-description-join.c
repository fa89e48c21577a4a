/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers of a chain that are replaced by one new layer. */
#include "description/lodge-description-join.h"

#include "description/lodge-description-keys.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

/* The one that stands on @layer; NULL where there is none, or more than one. */
static LodgeLayer *
get_above (const LodgeDescription *self, const LodgeLayer *layer)
{
  LodgeLayer *above = NULL;

  for (guint i = 0; i < self->layers->len; i++) {
    LodgeLayer *one = self->layers->pdata[i];

    if (g_strcmp0 (one->below, layer->id) != 0)
      continue;
    if (above != NULL)
      return NULL;
    above = one;
  }
  return above;
}

static gboolean
is_free (const LodgeDescription *self, const LodgeLayer *layer)
{
  return layer->merge && layer->below != NULL && strcmp (layer->format, "qcow2") == 0 &&
         !lodge_description_needs_layer (self, layer->id) && get_above (self, layer) != NULL;
}

/* From @layer down, as many as there are. */
static GPtrArray *
list_down (const LodgeDescription *self, const LodgeLayer *layer)
{
  GPtrArray *layers = g_ptr_array_new ();

  while (layer != NULL && is_free (self, layer)) {
    g_ptr_array_add (layers, (gpointer) layer);
    layer = lodge_description_get_layer (self, layer->below);
  }
  return layers;
}

/* What takes a moment to be written anew, however often that is. */
#define CHEAP_BYTES (G_GUINT64_CONSTANT (64) << 20)

/* Leaves out, at its lower end, what is too large. */
static void
leave_out_large (GPtrArray *layers, LodgeLayerMeasure measure, gpointer data)
{
  g_autofree guint64 *bytes = g_new0 (guint64, layers->len);
  guint64 all = 0;

  for (guint i = 0; i < layers->len; i++) {
    bytes[i] = measure (layers->pdata[i], data);
    all += bytes[i];
  }
  while (layers->len > 1) {
    const guint64 lowest = bytes[layers->len - 1];

    all -= lowest;
    if (lowest <= MAX (all, CHEAP_BYTES))
      return;
    g_ptr_array_set_size (layers, (gint) layers->len - 1);
  }
}

GPtrArray *
lodge_description_find_join (const LodgeDescription *self,
                             guint least,
                             LodgeLayerFilter may_join,
                             LodgeLayerMeasure measure,
                             gpointer data)
{
  for (guint i = 0; i < self->layers->len; i++) {
    const LodgeLayer *layer = self->layers->pdata[i];
    const LodgeLayer *above = get_above (self, layer);
    g_autoptr (GPtrArray) layers = NULL;
    guint n = 0;

    /* From the upmost one: what is above it is none of them. */
    if (!is_free (self, layer) || is_free (self, above))
      continue;
    layers = list_down (self, layer);
    if (layers->len < least)
      continue;
    while (n < layers->len && may_join (layers->pdata[n], data))
      n++;
    g_ptr_array_set_size (layers, (gint) n);
    leave_out_large (layers, measure, data);
    if (layers->len >= least && layers->len > 1)
      return g_steal_pointer (&layers);
  }
  return NULL;
}

gboolean
lodge_description_is_in_chain (const LodgeDescription *self, const LodgeLayer *layer, guint least)
{
  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = self->disks->pdata[i];
    const LodgeLayer *one = lodge_description_get_layer (self, disk->top);
    gboolean found = FALSE;
    guint n = 0;

    for (; one->below != NULL; n++) {
      one = lodge_description_get_layer (self, one->below);
      found = found || one == layer;
    }
    if (found && n >= least)
      return TRUE;
  }
  return FALSE;
}

gboolean
lodge_description_join (LodgeDescription *self,
                        const char *const *layers,
                        const char *id,
                        const char *file,
                        GError **error)
{
  const LodgeLayer *upmost = lodge_description_get_layer (self, layers[0]);
  g_autoptr (GPtrArray) found = upmost != NULL ? list_down (self, upmost) : g_ptr_array_new ();
  const guint n = g_strv_length ((char **) layers);
  gboolean same = found->len >= n && !lodge_section_is_id_taken (self, id);
  LodgeLayer *joined;
  LodgeLayer *above;

  for (guint i = 0; same && i < n; i++)
    same = strcmp (((const LodgeLayer *) found->pdata[i])->id, layers[i]) == 0;
  if (!same) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("The layers of “%s” have become others meanwhile"), self->name);
    return FALSE;
  }

  joined = lodge_section_item_new (LODGE_SECTION_LAYER, id);
  joined->file = g_strdup (file);
  joined->format = g_strdup ("qcow2");
  joined->size_bytes = upmost->size_bytes;
  joined->below = g_strdup (((const LodgeLayer *) found->pdata[n - 1])->below);
  joined->merge = TRUE;
  above = get_above (self, upmost);
  g_free (above->below);
  above->below = g_strdup (id);
  for (guint i = 0; i < n; i++)
    g_ptr_array_remove (self->layers, found->pdata[i]);
  g_ptr_array_add (self->layers, joined);
  return TRUE;
}

char *
lodge_description_dup_layer_disk (const char *layer)
{
  const char *end = strrchr (layer, '-');

  if (end == NULL || end == layer || end[1] != 'l' || !g_ascii_isdigit (end[2]))
    return g_strdup (layer);
  return g_strndup (layer, (gsize) (end - layer));
}
