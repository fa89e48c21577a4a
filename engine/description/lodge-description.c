/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The typed description of one machine: the value, its devices, and its keys by name. */
#include "description/lodge-description.h"

#include "lodge-error.h"
#include "description/lodge-description-keys.h"
#include "description/lodge-ini.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static void
free_disk (gpointer item)
{
  lodge_section_item_free (LODGE_SECTION_DISK, item);
}

static void
free_layer (gpointer item)
{
  lodge_section_item_free (LODGE_SECTION_LAYER, item);
}

static void
free_nic (gpointer item)
{
  lodge_section_item_free (LODGE_SECTION_NIC, item);
}

static void
free_media (gpointer item)
{
  lodge_section_item_free (LODGE_SECTION_MEDIA, item);
}

static void
free_stick (gpointer item)
{
  lodge_section_item_free (LODGE_SECTION_STICK, item);
}

static void
free_snapshot (gpointer item)
{
  lodge_section_item_free (LODGE_SECTION_SNAPSHOT, item);
}

/* No values at all, not even defaults. */
static LodgeDescription *
new_empty (void)
{
  LodgeDescription *self = g_new0 (LodgeDescription, 1);

  self->disks = g_ptr_array_new_with_free_func (free_disk);
  self->layers = g_ptr_array_new_with_free_func (free_layer);
  self->nics = g_ptr_array_new_with_free_func (free_nic);
  self->media = g_ptr_array_new_with_free_func (free_media);
  self->sticks = g_ptr_array_new_with_free_func (free_stick);
  self->snapshots = g_ptr_array_new_with_free_func (free_snapshot);
  return self;
}

LodgeDescription *
lodge_description_new (const char *name)
{
  LodgeDescription *self = new_empty ();
  const LodgeKey *keys;
  guint n_keys;

  keys = lodge_keys_get (&n_keys);
  for (guint i = 0; i < n_keys; i++) {
    if (lodge_section_get (keys[i].section)->item_size == 0 && keys[i].fallback != NULL)
      lodge_key_parse (&keys[i], "", self);
  }
  self->uuid = g_uuid_string_random ();
  self->vmgenid = g_uuid_string_random ();
  self->name = g_strdup (name);
  return self;
}

LodgeDescription *
lodge_description_copy (const LodgeDescription *self)
{
  LodgeDescription *copy = new_empty ();

  for (guint kind = 0; kind < LODGE_N_SECTIONS; kind++) {
    GPtrArray *items;

    if (lodge_section_get (kind)->item_size == 0) {
      lodge_section_copy_values (kind, self, copy);
      continue;
    }
    items = lodge_section_get_items (kind, self);
    for (guint i = 0; i < items->len; i++) {
      char **item = g_ptr_array_index (items, i);
      gpointer item_copy = lodge_section_item_new (kind, *item);

      lodge_section_copy_values (kind, item, item_copy);
      g_ptr_array_add (lodge_section_get_items (kind, copy), item_copy);
    }
  }
  return copy;
}

void
lodge_description_free (LodgeDescription *self)
{
  if (self == NULL)
    return;
  for (guint kind = 0; kind < LODGE_N_SECTIONS; kind++) {
    if (lodge_section_get (kind)->item_size == 0)
      lodge_section_clear_values (kind, self);
    else
      g_ptr_array_unref (lodge_section_get_items (kind, self));
  }
  g_free (self);
}

static char *
dup_free_id (const LodgeDescription *self, const char *prefix)
{
  for (guint n = 0;; n++) {
    g_autofree char *id = g_strdup_printf ("%s%u", prefix, n);

    if (!lodge_section_is_id_taken (self, id))
      return g_steal_pointer (&id);
  }
}

/* @but: (nullable): the disk whose own port is not in its way */
static void
mark_pcie_ports (const LodgeDescription *self, const LodgeDisk *but, gboolean *taken)
{
  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    if (disk->bus == LODGE_DISK_BUS_VIRTIO && disk->port < LODGE_DESCRIPTION_PORTS &&
        (but == NULL || strcmp (disk->id, but->id) != 0))
      taken[disk->port] = TRUE;
  }
  for (guint i = 0; i < self->nics->len; i++) {
    const LodgeNic *nic = g_ptr_array_index (self->nics, i);

    if (nic->port < LODGE_DESCRIPTION_PORTS)
      taken[nic->port] = TRUE;
  }
}

/* @other: (nullable): where it has to be free, too
 * @keeps: (nullable): the disk that has one already, and keeps it where it can */
static gboolean
find_pcie_port (const LodgeDescription *self,
                const LodgeDescription *other,
                const LodgeDisk *keeps,
                guint *out_port,
                GError **error)
{
  gboolean taken[LODGE_DESCRIPTION_PORTS] = {FALSE};

  mark_pcie_ports (self, keeps, taken);
  if (other != NULL)
    mark_pcie_ports (other, keeps, taken);
  if (keeps != NULL && keeps->port < G_N_ELEMENTS (taken) && !taken[keeps->port]) {
    *out_port = keeps->port;
    return TRUE;
  }
  for (guint i = LODGE_DESCRIPTION_FIRST_FREE_PORT; i < G_N_ELEMENTS (taken); i++) {
    if (!taken[i]) {
      *out_port = i;
      return TRUE;
    }
  }
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("“%s” has no free port left: a machine has at most %u virtio disks and network "
                  "cards together"),
               self->name, LODGE_DESCRIPTION_PORTS - LODGE_DESCRIPTION_FIRST_FREE_PORT);
  return FALSE;
}

static gboolean
find_sata_port (const LodgeDescription *self, guint *out_port, GError **error)
{
  gboolean taken[LODGE_DESCRIPTION_SATA_PORTS] = {FALSE};

  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    if (disk->bus == LODGE_DISK_BUS_SATA && disk->port < G_N_ELEMENTS (taken))
      taken[disk->port] = TRUE;
  }
  for (guint i = 0; i < self->media->len; i++) {
    const LodgeMedia *media = g_ptr_array_index (self->media, i);

    if (media->port < G_N_ELEMENTS (taken))
      taken[media->port] = TRUE;
  }

  for (guint i = 0; i < G_N_ELEMENTS (taken); i++) {
    if (!taken[i]) {
      *out_port = i;
      return TRUE;
    }
  }
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("“%s” has no free SATA port left: a machine has at most %u SATA disks and drives "
                  "together"),
               self->name, LODGE_DESCRIPTION_SATA_PORTS);
  return FALSE;
}

LodgeDisk *
lodge_description_add_disk (LodgeDescription *self,
                            LodgeDiskBus bus,
                            const char *file,
                            const char *format,
                            guint64 size_bytes,
                            GError **error)
{
  g_autofree char *id = dup_free_id (self, "disk");
  g_autofree char *layer_prefix = g_strconcat (id, "-l", NULL);
  g_autofree char *layer_id = dup_free_id (self, layer_prefix);
  LodgeDisk *disk;
  LodgeLayer *layer;
  guint port;

  if (bus == LODGE_DISK_BUS_SATA ? !find_sata_port (self, &port, error)
                                 : !find_pcie_port (self, NULL, NULL, &port, error))
    return NULL;

  layer = lodge_section_item_new (LODGE_SECTION_LAYER, layer_id);
  layer->file = g_strdup (file);
  layer->format = g_strdup (format);
  layer->size_bytes = size_bytes;
  g_ptr_array_add (self->layers, layer);

  disk = lodge_section_item_new (LODGE_SECTION_DISK, id);
  disk->bus = bus;
  disk->port = port;
  disk->top = g_strdup (layer_id);
  g_ptr_array_add (self->disks, disk);
  return disk;
}

gboolean
lodge_description_move_disk (LodgeDescription *self,
                             LodgeDisk *disk,
                             const LodgeDescription *other,
                             GError **error)
{
  return find_pcie_port (self, other, disk, &disk->port, error);
}

const LodgeDisk *
lodge_description_get_boot_disk (const LodgeDescription *self)
{
  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    if (disk->attached)
      return disk;
  }
  return NULL;
}

/* 52:54:00 is what QEMU's own default addresses begin with (QEMU, net/net.c:
 * qemu_macaddr_default_if_unset); its second-lowest bit marks it as given out locally. */
char *
lodge_description_dup_free_mac (const LodgeDescription *self)
{
  for (;;) {
    guint32 random = g_random_int ();
    g_autofree char *mac = g_strdup_printf ("52:54:00:%02x:%02x:%02x", random & 0xff,
                                            random >> 8 & 0xff, random >> 16 & 0xff);
    gboolean taken = FALSE;

    for (guint i = 0; i < self->nics->len; i++) {
      const LodgeNic *nic = g_ptr_array_index (self->nics, i);

      taken = taken || g_strcmp0 (nic->mac, mac) == 0;
    }
    if (!taken)
      return g_steal_pointer (&mac);
  }
}

LodgeNic *
lodge_description_add_nic (LodgeDescription *self, LodgeNicModel model, GError **error)
{
  g_autofree char *id = dup_free_id (self, "nic");
  LodgeNic *nic;
  guint port;

  if (!find_pcie_port (self, NULL, NULL, &port, error))
    return NULL;

  nic = lodge_section_item_new (LODGE_SECTION_NIC, id);
  nic->mac = lodge_description_dup_free_mac (self);
  nic->model = model;
  nic->port = port;
  g_ptr_array_add (self->nics, nic);
  return nic;
}

LodgeMedia *
lodge_description_add_media (LodgeDescription *self, const char *file, GError **error)
{
  g_autofree char *id = dup_free_id (self, "cd");
  LodgeMedia *media;
  guint port;

  if (!find_sata_port (self, &port, error))
    return NULL;

  media = lodge_section_item_new (LODGE_SECTION_MEDIA, id);
  media->port = port;
  media->file = g_strdup (file);
  g_ptr_array_add (self->media, media);
  return media;
}

const LodgeLayer *
lodge_description_find_host_disk (const LodgeDescription *self)
{
  for (guint i = 0; i < self->layers->len; i++) {
    const LodgeLayer *layer = g_ptr_array_index (self->layers, i);

    if (layer->host_disk[0] != '\0')
      return layer;
  }
  return NULL;
}

LodgeStick *
lodge_description_add_stick (LodgeDescription *self, const char *file, GError **error)
{
  g_autofree char *id = dup_free_id (self, "usb");
  gboolean taken[LODGE_DESCRIPTION_USB_PORTS] = {FALSE};
  guint port = LODGE_DESCRIPTION_FIRST_STICK_PORT;
  LodgeStick *stick;

  for (guint i = 0; i < self->sticks->len; i++) {
    const LodgeStick *other = g_ptr_array_index (self->sticks, i);

    if (other->port < G_N_ELEMENTS (taken))
      taken[other->port] = TRUE;
  }
  while (port < LODGE_DESCRIPTION_USB_PORTS && taken[port])
    port++;
  if (port == LODGE_DESCRIPTION_USB_PORTS) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("“%s” has %u USB sticks, which is the most: unplug one first"), self->name,
                 LODGE_DESCRIPTION_USB_PORTS - LODGE_DESCRIPTION_FIRST_STICK_PORT);
    return NULL;
  }

  stick = lodge_section_item_new (LODGE_SECTION_STICK, id);
  stick->port = port;
  stick->file = g_strdup (file);
  g_ptr_array_add (self->sticks, stick);
  return stick;
}

void
lodge_description_remove_stick (LodgeDescription *self, const char *id)
{
  g_ptr_array_remove (self->sticks, lodge_description_get_stick (self, id));
}

LodgeLayer *
lodge_description_get_layer (const LodgeDescription *self, const char *id)
{
  return lodge_section_find_item (LODGE_SECTION_LAYER, self, id);
}

gboolean
lodge_description_is_top (const LodgeDescription *self, const char *layer)
{
  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    if (strcmp (disk->top, layer) == 0)
      return TRUE;
  }
  return FALSE;
}

LodgeMedia *
lodge_description_get_media (const LodgeDescription *self, const char *id)
{
  return lodge_section_find_item (LODGE_SECTION_MEDIA, self, id);
}

LodgeStick *
lodge_description_get_stick (const LodgeDescription *self, const char *id)
{
  return lodge_section_find_item (LODGE_SECTION_STICK, self, id);
}

LodgeNic *
lodge_description_get_nic (const LodgeDescription *self, const char *id)
{
  return lodge_section_find_item (LODGE_SECTION_NIC, self, id);
}

static void
set_unknown_key (const char *name, LodgeSectionKind kind, GError **error)
{
  g_autofree char *shown = lodge_ini_dup_quotable (name);
  GString *known = g_string_new (NULL);
  const LodgeKey *keys;
  guint n_keys;

  if (kind == LODGE_N_SECTIONS) {
    for (guint i = 0; i < LODGE_N_SECTIONS; i++)
      g_string_append_printf (known, "%s%s", i == 0 ? "" : ", ", lodge_section_get (i)->name);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                 _ ("There is no key “%s”: keys are written section.key, and the sections are %s"),
                 shown, known->str);
  } else {
    keys = lodge_keys_get (&n_keys);
    for (guint i = 0; i < n_keys; i++) {
      if (keys[i].section == kind)
        g_string_append_printf (known, "%s%s", known->len == 0 ? "" : ", ", keys[i].name);
    }
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                 _ ("There is no key “%s”: the keys of [%s] are %s"), shown,
                 lodge_section_get (kind)->name, known->str);
  }
  g_string_free (known, TRUE);
}

static void
set_unknown_item (const LodgeDescription *self,
                  const char *name,
                  LodgeSectionKind kind,
                  GError **error)
{
  g_autofree char *shown = lodge_ini_dup_quotable (name);
  const char *section = lodge_section_get (kind)->name;
  GPtrArray *items = lodge_section_get_items (kind, self);
  GString *known = g_string_new (NULL);

  for (guint i = 0; i < items->len; i++) {
    char **item = g_ptr_array_index (items, i);

    g_string_append_printf (known, "%s%s.%s", i == 0 ? "" : ", ", section, *item);
  }
  if (items->len == 0)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND,
                 _ ("There is no key “%s”: “%s” has no section [%s.…]"), shown, self->name,
                 section);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("There is no key “%s”: “%s” has %s"),
                 shown, self->name, known->str);
  g_string_free (known, TRUE);
}

/* "nic.nic0.mac" to its row of the table and the item that holds the value. */
static const LodgeKey *
find_key (LodgeDescription *self, const char *name, gpointer *out_item, GError **error)
{
  const char *first = strchr (name, '.');
  const char *last = strrchr (name, '.');
  g_autofree char *id = NULL;
  LodgeSectionKind kind;
  const LodgeKey *key;

  kind = first != NULL ? lodge_section_find (name, first - name) : LODGE_N_SECTIONS;
  if (kind == LODGE_N_SECTIONS) {
    set_unknown_key (name, LODGE_N_SECTIONS, error);
    return NULL;
  }

  *out_item = self;
  if (lodge_section_get (kind)->item_size != 0) {
    id = last > first ? g_strndup (first + 1, last - first - 1) : g_strdup ("");
    *out_item = lodge_section_find_item (kind, self, id);
    if (*out_item == NULL) {
      set_unknown_item (self, name, kind, error);
      return NULL;
    }
  } else {
    last = first;
  }

  key = lodge_key_find (kind, last + 1);
  if (key == NULL)
    set_unknown_key (name, kind, error);
  return key;
}

/* What was recorded or chosen for the old value does not fit the new one. */
static gboolean
follow_change (LodgeDescription *self, const LodgeKey *key, gpointer item, GError **error)
{
  if (key->section == LODGE_SECTION_FIRMWARE && strcmp (key->name, "kind") == 0) {
    lodge_key_parse (lodge_key_find (LODGE_SECTION_FIRMWARE, "code"), "", self);
    lodge_key_parse (lodge_key_find (LODGE_SECTION_FIRMWARE, "code-format"), "", self);
    lodge_key_parse (lodge_key_find (LODGE_SECTION_FIRMWARE, "nvram"), "", self);
  }
  if (key->section == LODGE_SECTION_BOOT && strcmp (key->name, "kernel") == 0 &&
      self->kernel[0] == '\0') {
    lodge_key_parse (lodge_key_find (LODGE_SECTION_BOOT, "initrd"), "", self);
    lodge_key_parse (lodge_key_find (LODGE_SECTION_BOOT, "append"), "", self);
    lodge_key_parse (lodge_key_find (LODGE_SECTION_BOOT, "kernel-once"), "", self);
  }
  if (key->section == LODGE_SECTION_DISK && strcmp (key->name, "bus") == 0) {
    LodgeDisk *disk = item;
    guint port;

    port = disk->port;
    /* The number of its old port, on the other bus, must not stand in its own way. */
    disk->port = G_MAXUINT;
    if (!(disk->bus == LODGE_DISK_BUS_SATA
              ? find_sata_port (self, &disk->port, error)
              : find_pcie_port (self, NULL, NULL, &disk->port, error))) {
      disk->port = port;
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
lodge_description_set (LodgeDescription *self, const char *name, const char *text, GError **error)
{
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  const LodgeKey *key;
  gpointer item = NULL;

  key = find_key (self, name, &item, error);
  if (key == NULL)
    return FALSE;
  if ((key->flags & LODGE_KEY_SETTABLE) == 0) {
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_INVALID,
        strcmp (key->name, "attached") == 0
            ? _ ("%s is no setting: attach or detach the disk (“Storage…”, or lodgectl disk attach "
                 "and lodgectl disk detach)")
            : _ ("%s cannot be changed: the machine is known to its guest or to Lodge by it"),
        name);
    return FALSE;
  }

  before = lodge_key_format (key, item);
  if (!lodge_key_parse (key, text, item)) {
    g_autofree char *shown = lodge_ini_dup_quotable (text);
    g_autofree char *requirement = lodge_key_dup_requirement (key);

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s cannot be “%s”: it must be %s"),
                 name, shown, requirement);
    return FALSE;
  }
  after = lodge_key_format (key, item);
  if (strcmp (before, after) != 0 && !follow_change (self, key, item, error)) {
    lodge_key_parse (key, before, item);
    return FALSE;
  }
  return TRUE;
}

static void
list_section (const LodgeDescription *self, LodgeSectionKind kind, gpointer item, GPtrArray *list)
{
  const LodgeSection *section = lodge_section_get (kind);
  const LodgeKey *keys;
  guint n_keys;

  keys = lodge_keys_get (&n_keys);
  for (guint i = 0; i < n_keys; i++) {
    if (keys[i].section != kind)
      continue;
    if (section->item_size == 0)
      g_ptr_array_add (list, g_strconcat (section->name, ".", keys[i].name, NULL));
    else
      g_ptr_array_add (list,
                       g_strconcat (section->name, ".", *(char **) item, ".", keys[i].name, NULL));
    g_ptr_array_add (list, lodge_key_format (&keys[i], item));
  }
}

GPtrArray *
lodge_description_list (const LodgeDescription *self)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);

  for (guint kind = 0; kind < LODGE_N_SECTIONS; kind++) {
    GPtrArray *items;

    if (lodge_section_get (kind)->item_size == 0) {
      list_section (self, kind, (gpointer) self, list);
      continue;
    }
    items = lodge_section_get_items (kind, self);
    for (guint i = 0; i < items->len; i++)
      list_section (self, kind, g_ptr_array_index (items, i), list);
  }
  return list;
}
