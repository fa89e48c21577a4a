/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a description makes sense as a whole, and whether a name may be used. */
#include "description/lodge-description.h"

#include "lodge-error.h"
#include "description/lodge-description-keys.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-ini.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#define NAME_LENGTH 64

static gboolean
is_name_character (gunichar c)
{
  switch (g_unichar_type (c)) {
  case G_UNICODE_CONTROL:
  case G_UNICODE_LINE_SEPARATOR:
  case G_UNICODE_PARAGRAPH_SEPARATOR:
  case G_UNICODE_UNASSIGNED:
  case G_UNICODE_SURROGATE:
    return FALSE;
  default:
    break;
  }
  /* Embeddings, overrides and isolates of writing direction (UAX #9, 2) would let a name change how
   * the text behind it is read. */
  return !(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

/* What is wrong with a name that is not empty, or NULL. */
static const char *
find_fault (const char *name)
{
  if (!g_utf8_validate (name, -1, NULL))
    return _ ("it must be UTF-8 text");
  if (g_utf8_strlen (name, -1) > NAME_LENGTH)
    return _ ("it must not be longer than 64 characters");
  if (strcmp (name, ".") == 0 || strcmp (name, "..") == 0)
    return _ ("it must not be “.” or “..”");
  if (g_unichar_isspace (g_utf8_get_char (name)) ||
      g_unichar_isspace (g_utf8_get_char (g_utf8_prev_char (name + strlen (name)))))
    return _ ("it must not begin or end with white space");
  if (g_uuid_string_is_valid (name))
    return _ ("it must not look like a UUID");
  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p)) {
    if (*p == '/')
      return _ ("it must not have a “/” in it");
    if (!is_name_character (g_utf8_get_char (p)))
      return _ ("it must not have line breaks or other control characters in it");
  }
  return NULL;
}

gboolean
lodge_name_check (const char *name, GError **error)
{
  g_autofree char *shown = lodge_ini_dup_quotable (name);
  const char *why;

  if (*name == '\0') {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                         _ ("A machine's name must not be empty"));
    return FALSE;
  }
  why = find_fault (name);
  if (why == NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("“%s” cannot be a machine's name: %s"),
               shown, why);
  return FALSE;
}

gboolean
lodge_snapshot_name_check (const char *name, GError **error)
{
  g_autofree char *shown = lodge_ini_dup_quotable (name);
  const char *why;

  if (*name == '\0') {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                         _ ("A snapshot's name must not be empty"));
    return FALSE;
  }
  why = find_fault (name);
  if (why == NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("“%s” cannot be a snapshot's name: %s"),
               shown, why);
  return FALSE;
}

/* Every value alone, by the rules of the table: what could not be read back is not allowed. */
static gboolean
check_values (LodgeSectionKind kind, gconstpointer item, const char *id, GError **error)
{
  const LodgeSection *section = lodge_section_get (kind);
  LodgeDescription scratch_machine = {0};
  gpointer scratch_item = NULL, scratch = &scratch_machine;
  gboolean good = TRUE;
  const LodgeKey *keys;
  guint n_keys;

  if (section->item_size != 0)
    scratch = scratch_item = lodge_section_item_new (kind, id);

  keys = lodge_keys_get (&n_keys);
  for (guint i = 0; i < n_keys && good; i++) {
    g_autofree char *text = NULL;

    if (keys[i].section != kind)
      continue;
    text = lodge_key_format (&keys[i], item);
    good = lodge_key_parse (&keys[i], text, scratch);
    if (!good) {
      g_autofree char *shown = lodge_ini_dup_quotable (text);
      g_autofree char *requirement = lodge_key_dup_requirement (&keys[i]);

      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("%s%s%s.%s cannot be “%s”: it must be %s"), section->name,
                   id != NULL ? "." : "", id != NULL ? id : "", keys[i].name, shown, requirement);
    }
  }

  if (scratch_item != NULL)
    lodge_section_item_free (kind, scratch_item);
  else
    lodge_section_clear_values (kind, &scratch_machine);
  return good;
}

/* @seen: from id to the name of its section. */
static gboolean
check_id (GHashTable *seen, LodgeSectionKind kind, const char *id, GError **error)
{
  const char *section = lodge_section_get (kind)->name;
  const char *other;

  if (!lodge_id_is_valid (id)) {
    g_autofree char *shown = lodge_ini_dup_quotable (id);

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The section [%s.%s] needs another id: 1 to %u letters, digits, - and _, a "
                    "letter first"),
                 section, shown, LODGE_ID_LENGTH);
    return FALSE;
  }
  other = g_hash_table_lookup (seen, id);
  if (other != NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("The sections [%s.%s] and [%s.%s] have the same id: no two may"), other, id,
                 section, id);
    return FALSE;
  }
  g_hash_table_insert (seen, (gpointer) id, (gpointer) section);
  return TRUE;
}

/* @owners: the section that has each port, or NULL. */
static gboolean
check_port (char **owners,
            guint first,
            guint end,
            const char *section,
            const char *id,
            guint port,
            GError **error)
{
  if (port < first || port >= end) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s.%s.port cannot be “%u”: it must be a whole number from %u to %u"), section,
                 id, port, first, end - 1);
    return FALSE;
  }
  if (owners[port] != NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s.%s.port cannot be “%u”: %s has that port"), section, id, port,
                 owners[port]);
    return FALSE;
  }
  owners[port] = g_strdup_printf ("%s.%s", section, id);
  return TRUE;
}

static void
clear_owners (char **owners, guint n_owners)
{
  for (guint i = 0; i < n_owners; i++)
    g_free (owners[i]);
}

static gboolean
check_ports (const LodgeDescription *self, GError **error)
{
  char *pcie[LODGE_DESCRIPTION_PORTS] = {NULL};
  char *sata[LODGE_DESCRIPTION_SATA_PORTS] = {NULL};
  char *usb[LODGE_DESCRIPTION_USB_PORTS] = {NULL};
  gboolean good = TRUE;

  for (guint i = 0; i < self->disks->len && good; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    if (disk->bus == LODGE_DISK_BUS_SATA)
      good = check_port (sata, 0, G_N_ELEMENTS (sata), "disk", disk->id, disk->port, error);
    else
      good = check_port (pcie, LODGE_DESCRIPTION_FIRST_FREE_PORT, G_N_ELEMENTS (pcie), "disk",
                         disk->id, disk->port, error);
  }
  for (guint i = 0; i < self->nics->len && good; i++) {
    const LodgeNic *nic = g_ptr_array_index (self->nics, i);

    good = check_port (pcie, LODGE_DESCRIPTION_FIRST_FREE_PORT, G_N_ELEMENTS (pcie), "nic", nic->id,
                       nic->port, error);
  }
  for (guint i = 0; i < self->media->len && good; i++) {
    const LodgeMedia *media = g_ptr_array_index (self->media, i);

    good = check_port (sata, 0, G_N_ELEMENTS (sata), "media", media->id, media->port, error);
  }
  for (guint i = 0; i < self->sticks->len && good; i++) {
    const LodgeStick *stick = g_ptr_array_index (self->sticks, i);

    good = check_port (usb, LODGE_DESCRIPTION_FIRST_STICK_PORT, G_N_ELEMENTS (usb), "stick",
                       stick->id, stick->port, error);
  }

  clear_owners (pcie, G_N_ELEMENTS (pcie));
  clear_owners (sata, G_N_ELEMENTS (sata));
  clear_owners (usb, G_N_ELEMENTS (usb));
  return good;
}

static gboolean
check_layer_exists (const LodgeDescription *self,
                    const char *section,
                    const char *id,
                    const char *key,
                    const char *layer,
                    GError **error)
{
  if (lodge_description_get_layer (self, layer) != NULL)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("%s.%s.%s cannot be “%s”: there is no section [layer.%s]"), section, id, key,
               layer, layer);
  return FALSE;
}

/* Down from every layer, with at most as many steps as there are layers. */
static gboolean
check_chain (const LodgeDescription *self, const LodgeLayer *layer, GError **error)
{
  const LodgeLayer *lower = layer;

  for (guint steps = 0; lower->below != NULL; steps++) {
    if (!check_layer_exists (self, "layer", lower->id, "below", lower->below, error))
      return FALSE;
    if (steps >= self->layers->len) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("layer.%s.below cannot be “%s”: the layers would stand on each other in a "
                      "circle"),
                   layer->id, layer->below);
      return FALSE;
    }
    lower = lodge_description_get_layer (self, lower->below);
  }
  return TRUE;
}

static gboolean
check_layers (const LodgeDescription *self, GError **error)
{
  g_autoptr (GHashTable) files = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) tops = g_hash_table_new (g_str_hash, g_str_equal);

  if (self->nvram[0] != '\0')
    g_hash_table_insert (files, self->nvram, (gpointer) "firmware.nvram");
  for (guint i = 0; i < self->layers->len; i++) {
    const LodgeLayer *layer = g_ptr_array_index (self->layers, i);

    if (g_hash_table_contains (files, layer->file)) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("layer.%s.file cannot be “%s”: %s has that file"), layer->id, layer->file,
                   (const char *) g_hash_table_lookup (files, layer->file));
      return FALSE;
    }
    g_hash_table_insert (files, layer->file, layer->id);
    if (self->encrypted &&
        (strcmp (layer->format, "qcow2") != 0 || g_path_is_absolute (layer->file))) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("layer.%s.file cannot be “%s”: an encrypted machine has only qcow2 layers in "
                      "its own folder"),
                   layer->id, layer->file);
      return FALSE;
    }
    if (layer->host_disk[0] != '\0' &&
        (strcmp (layer->format, "raw") != 0 || !g_path_is_absolute (layer->file))) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("layer.%s.host-disk cannot be “%s”: a disk of this computer is raw, and has "
                      "its full path"),
                   layer->id, layer->host_disk);
      return FALSE;
    }
    if (layer->below != NULL && strcmp (layer->format, "qcow2") != 0) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("layer.%s.below cannot be “%s”: only a qcow2 layer can stand on another"),
                   layer->id, layer->below);
      return FALSE;
    }
    if (!check_chain (self, layer, error))
      return FALSE;
  }

  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    if (!check_layer_exists (self, "disk", disk->id, "top", disk->top, error))
      return FALSE;
    if (g_hash_table_contains (tops, disk->top)) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("disk.%s.top cannot be “%s”: disk.%s writes to that layer"), disk->id,
                   disk->top, (const char *) g_hash_table_lookup (tops, disk->top));
      return FALSE;
    }
    g_hash_table_insert (tops, disk->top, disk->id);
    if (!disk->attached && lodge_description_get_layer (self, disk->top)->host_disk[0] != '\0') {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("disk.%s.attached cannot be “false”: a disk of this computer is removed from "
                      "the machine instead, which leaves all that is on it"),
                   disk->id);
      return FALSE;
    }
  }

  for (guint i = 0; i < self->layers->len; i++) {
    const LodgeLayer *layer = g_ptr_array_index (self->layers, i);
    const char *disk = layer->below != NULL ? g_hash_table_lookup (tops, layer->below) : NULL;

    if (disk != NULL) {
      g_set_error (
          error, LODGE_ERROR, LODGE_ERROR_INVALID,
          _ ("layer.%s.below cannot be “%s”: disk.%s writes to that layer, and what others "
             "stand on must never change"),
          layer->id, layer->below, disk);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_nics (const LodgeDescription *self, GError **error)
{
  for (guint i = 0; i < self->nics->len; i++) {
    const LodgeNic *nic = g_ptr_array_index (self->nics, i);

    for (guint j = 0; j < i; j++) {
      const LodgeNic *other = g_ptr_array_index (self->nics, j);

      if (g_ascii_strcasecmp (nic->mac, other->mac) == 0) {
        g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                     _ ("nic.%s.mac cannot be “%s”: nic.%s has that address"), nic->id, nic->mac,
                     other->id);
        return FALSE;
      }
    }
  }
  return TRUE;
}

/* The present writes to no layer of a snapshot, and nobody goes on from himself. */
static gboolean
check_snapshot (const LodgeDescription *self, const LodgeSnapshot *snapshot, GError **error)
{
  const LodgeSnapshot *at = snapshot;

  for (guint i = 0; snapshot->layers[i] != NULL; i++) {
    if (!check_layer_exists (self, "snapshot", snapshot->id, "layers", snapshot->layers[i], error))
      return FALSE;
    for (guint j = 0; j < self->disks->len; j++) {
      const LodgeDisk *disk = g_ptr_array_index (self->disks, j);

      if (strcmp (disk->top, snapshot->layers[i]) == 0) {
        g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                     _ ("snapshot.%s.layers cannot be “%s”: disk.%s writes to that layer"),
                     snapshot->id, snapshot->layers[i], disk->id);
        return FALSE;
      }
    }
  }

  for (guint steps = 0; at->parent != NULL; steps++) {
    const LodgeSnapshot *parent = lodge_description_get_snapshot (self, at->parent);

    if (parent == NULL || steps >= self->snapshots->len) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   parent == NULL
                       ? _ ("snapshot.%s.parent cannot be “%s”: there is no such snapshot")
                       : _ ("snapshot.%s.parent cannot be “%s”: the snapshots would go on from "
                            "each other in a circle"),
                   at->id, at->parent);
      return FALSE;
    }
    at = parent;
  }
  return TRUE;
}

static gboolean
check_snapshots (const LodgeDescription *self, GError **error)
{
  if (self->snapshot != NULL && lodge_description_get_snapshot (self, self->snapshot) == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("machine.snapshot cannot be “%s”: there is no section [snapshot.%s]"),
                 self->snapshot, self->snapshot);
    return FALSE;
  }
  for (guint i = 0; i < self->snapshots->len; i++) {
    if (!check_snapshot (self, g_ptr_array_index (self->snapshots, i), error))
      return FALSE;
  }
  return TRUE;
}

gboolean
lodge_description_check (const LodgeDescription *self, GError **error)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);

  if (self->name == NULL || !lodge_name_check (self->name, error)) {
    if (self->name == NULL)
      g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                           _ ("A machine's name must not be empty"));
    return FALSE;
  }

  for (guint kind = 0; kind < LODGE_N_SECTIONS; kind++) {
    GPtrArray *items;

    if (lodge_section_get (kind)->item_size == 0) {
      if (!check_values (kind, self, NULL, error))
        return FALSE;
      continue;
    }
    items = lodge_section_get_items (kind, self);
    for (guint i = 0; i < items->len; i++) {
      char **item = g_ptr_array_index (items, i);

      if (!check_id (ids, kind, *item, error) || !check_values (kind, item, *item, error))
        return FALSE;
    }
  }

  return check_ports (self, error) && check_layers (self, error) && check_nics (self, error) &&
         check_snapshots (self, error);
}
