/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of a machine's snapshots, in its description. */
#include "description/lodge-description-snapshots.h"

#include "lodge-error.h"
#include "description/lodge-description-keys.h"
#include "description/lodge-ini.h"

#include <glib/gi18n-lib.h>
#include <string.h>

LodgeSnapshot *
lodge_description_get_snapshot (const LodgeDescription *self, const char *id)
{
  return lodge_section_find_item (LODGE_SECTION_SNAPSHOT, self, id);
}

LodgeSnapshot *
lodge_description_find_snapshot (const LodgeDescription *self, const char *name, GError **error)
{
  LodgeSnapshot *found = lodge_description_get_snapshot (self, name);
  g_autofree char *shown = NULL;
  g_autoptr (GString) ids = g_string_new (NULL);

  if (found != NULL)
    return found;
  for (guint i = 0; i < self->snapshots->len; i++) {
    LodgeSnapshot *snapshot = g_ptr_array_index (self->snapshots, i);

    if (strcmp (snapshot->name, name) != 0)
      continue;
    found = ids->len == 0 ? snapshot : NULL;
    g_string_append_printf (ids, "%s%s", ids->len > 0 ? ", " : "", snapshot->id);
  }
  if (found != NULL)
    return found;

  shown = lodge_ini_dup_quotable (name);
  if (ids->len > 0)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("Several snapshots of “%s” are called “%s”: say which by its id (%s)"),
                 self->name, shown, ids->str);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("“%s” has no snapshot “%s”"),
                 self->name, shown);
  return NULL;
}

static gboolean
is_name_taken (const LodgeDescription *self, const char *name)
{
  for (guint i = 0; i < self->snapshots->len; i++) {
    const LodgeSnapshot *snapshot = g_ptr_array_index (self->snapshots, i);

    if (strcmp (snapshot->name, name) == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean
lodge_description_check_snapshot_name (const LodgeDescription *self,
                                       const char *name,
                                       GError **error)
{
  if (!lodge_snapshot_name_check (name, error))
    return FALSE;
  if (!is_name_taken (self, name))
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS,
               _ ("“%s” has a snapshot “%s” already: choose another name"), self->name, name);
  return FALSE;
}

char *
lodge_description_dup_free_snapshot_name (const LodgeDescription *self, const char *name)
{
  g_autofree char *one = g_strdup (name);

  for (guint i = 2; is_name_taken (self, one); i++) {
    g_free (one);
    one = g_strdup_printf ("%s %u", name, i);
  }
  return g_steal_pointer (&one);
}

char *
lodge_description_dup_snapshot_id (void)
{
  /* Never one that was there before: what a crash has left of that must not become part of it. */
  return g_strdup_printf ("s%08x%08x", g_random_int (), g_random_int ());
}

void
lodge_description_freeze (
    LodgeDescription *self, const char *id, const char *name, const char *text, gint64 created_s)
{
  LodgeSnapshot *snapshot = lodge_section_item_new (LODGE_SECTION_SNAPSHOT, id);
  g_autoptr (GStrvBuilder) layers = g_strv_builder_new ();

  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    g_strv_builder_add (layers, disk->top);
  }
  g_strfreev (snapshot->layers);
  snapshot->layers = g_strv_builder_end (layers);
  g_free (snapshot->text);
  snapshot->text = g_strdup (text);
  snapshot->name = g_strdup (name);
  snapshot->created_s = created_s;
  snapshot->parent = g_steal_pointer (&self->snapshot);
  self->snapshot = g_strdup (id);
  g_ptr_array_add (self->snapshots, snapshot);
}

static gboolean
is_file_taken (const LodgeDescription *self, const char *file)
{
  for (guint i = 0; i < self->layers->len; i++) {
    const LodgeLayer *layer = g_ptr_array_index (self->layers, i);

    if (strcmp (layer->file, file) == 0)
      return TRUE;
  }
  return FALSE;
}

/* The number in DISK-lNUMBER, a layer's id or the beginning of its file's name; 0 for others. */
static guint64
get_number (const char *disk, const char *name)
{
  if (!g_str_has_prefix (name, disk) || !g_str_has_prefix (name + strlen (disk), "-l"))
    return 0;
  return g_ascii_strtoull (name + strlen (disk) + 2, NULL, 10);
}

static guint64
get_most_number (const LodgeDescription *self, const char *disk, GHashTable *taken)
{
  guint64 most = 0;
  GHashTableIter iter;
  gpointer name;

  for (guint i = 0; i < self->layers->len; i++) {
    const LodgeLayer *layer = g_ptr_array_index (self->layers, i);
    g_autofree char *file = g_path_get_basename (layer->file);

    most = MAX (most, get_number (disk, layer->id));
    most = MAX (most, get_number (disk, file));
  }
  g_hash_table_iter_init (&iter, taken);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    most = MAX (most, get_number (disk, name));
  return most;
}

char *
lodge_description_dup_layer_id (const LodgeDescription *self,
                                const char *disk,
                                GHashTable *taken,
                                char **out_file)
{
  const guint64 most = get_most_number (self, disk, taken);

  /* A number that somebody has made up may be the largest that there is. */
  for (guint64 n = most < G_MAXUINT32 ? most + 1 : 1;; n++) {
    g_autofree char *id = g_strdup_printf ("%s-l%" G_GUINT64_FORMAT, disk, n);
    g_autofree char *name = g_strdup_printf ("%s.qcow2", id);
    g_autofree char *file = g_strdup_printf ("layers/%s", name);

    /* A layer that was merged has another's file. */
    if (lodge_section_is_id_taken (self, id) || is_file_taken (self, file) ||
        g_hash_table_contains (taken, name))
      continue;
    *out_file = g_steal_pointer (&file);
    return g_steal_pointer (&id);
  }
}

GPtrArray *
lodge_description_add_tops (LodgeDescription *self, GHashTable *taken)
{
  GPtrArray *tops = g_ptr_array_new ();

  for (guint i = 0; i < self->disks->len; i++) {
    LodgeDisk *disk = g_ptr_array_index (self->disks, i);
    LodgeLayer *below = lodge_description_get_layer (self, disk->top);
    g_autofree char *file = NULL;
    g_autofree char *id = lodge_description_dup_layer_id (self, disk->id, taken, &file);
    LodgeLayer *top = lodge_section_item_new (LODGE_SECTION_LAYER, id);

    top->file = g_steal_pointer (&file);
    top->format = g_strdup ("qcow2");
    top->size_bytes = below->size_bytes;
    top->below = g_strdup (below->id);
    g_ptr_array_add (self->layers, top);
    g_ptr_array_add (tops, top);
    g_free (disk->top);
    disk->top = g_strdup (top->id);
  }
  return tops;
}

static LodgeDisk *
find_disk_on (LodgeDescription *self, const char *top)
{
  for (guint i = 0; i < self->disks->len; i++) {
    LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    if (strcmp (disk->top, top) == 0)
      return disk;
  }
  return NULL;
}

void
lodge_description_put_top (LodgeDescription *self, const LodgeLayer *top)
{
  LodgeDisk *disk = find_disk_on (self, top->below);
  LodgeLayer *copy = lodge_section_item_new (LODGE_SECTION_LAYER, top->id);

  lodge_section_copy_values (LODGE_SECTION_LAYER, top, copy);
  g_ptr_array_add (self->layers, copy);
  if (disk == NULL)
    return;
  g_free (disk->top);
  disk->top = g_strdup (top->id);
}

void
lodge_description_drop_top (LodgeDescription *self, const char *top)
{
  LodgeLayer *layer = lodge_description_get_layer (self, top);
  LodgeDisk *disk = find_disk_on (self, top);

  if (layer == NULL || disk == NULL || layer->below == NULL)
    return;
  g_free (disk->top);
  disk->top = g_strdup (layer->below);
  lodge_description_get_layer (self, disk->top)->merge = FALSE;
  g_ptr_array_remove (self->layers, layer);
}

/* Moves what is in the array @kind of one to the other. */
static void
swap_items (LodgeSectionKind kind, LodgeDescription *a, LodgeDescription *b)
{
  gsize offset = lodge_section_get (kind)->array_offset;
  GPtrArray *items = G_STRUCT_MEMBER (GPtrArray *, a, offset);

  G_STRUCT_MEMBER (GPtrArray *, a, offset) = G_STRUCT_MEMBER (GPtrArray *, b, offset);
  G_STRUCT_MEMBER (GPtrArray *, b, offset) = items;
}

/* The layers of @now, in the place of those of @self. */
static void
swap_layers (const LodgeDescription *now, LodgeDescription *self)
{
  g_autoptr (LodgeDescription) copy = lodge_description_copy (now);

  swap_items (LODGE_SECTION_LAYER, self, copy);
  swap_items (LODGE_SECTION_SNAPSHOT, self, copy);
  g_free (self->snapshot);
  self->snapshot = g_strdup (now->snapshot);
}

void
lodge_description_take_layers (LodgeDescription *self, const LodgeDescription *now)
{
  g_autoptr (LodgeDescription) copy = NULL;

  for (guint i = 0; i < self->disks->len; i++) {
    LodgeDisk *disk = g_ptr_array_index (self->disks, i);
    const LodgeDisk *other = lodge_section_find_item (LODGE_SECTION_DISK, now, disk->id);

    if (other == NULL)
      continue;
    g_free (disk->top);
    disk->top = g_strdup (other->top);
  }
  swap_layers (now, self);
  /* What is in a drive or in a USB port is changed while the guest runs, too. */
  copy = lodge_description_copy (now);
  swap_items (LODGE_SECTION_MEDIA, self, copy);
  swap_items (LODGE_SECTION_STICK, self, copy);
}

/* Each disk of then stands on a layer that was frozen for it. */
static gboolean
check_stored (const LodgeDescription *self,
              const LodgeDescription *stored,
              const LodgeSnapshot *snapshot,
              GError **error)
{
  gboolean fits = strcmp (stored->uuid, self->uuid) == 0 &&
                  g_strv_length (snapshot->layers) == stored->disks->len;

  for (guint i = 0; fits && i < stored->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (stored->disks, i);

    fits = g_strv_contains ((const char *const *) snapshot->layers, disk->top) &&
           lodge_description_get_layer (self, disk->top) != NULL;
  }
  if (fits)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("What was stored with the snapshot “%s” is damaged: its disks are not those "
                  "that machine.ini says"),
               snapshot->name);
  return FALSE;
}

static void
keep_host_business (const LodgeDescription *self, LodgeDescription *then)
{
  lodge_section_copy_values (LODGE_SECTION_SHARING, self, then);
  lodge_section_copy_values (LODGE_SECTION_TERMINAL, self, then);
  lodge_section_copy_values (LODGE_SECTION_SNAPSHOTS, self, then);
  then->scaling = self->scaling;
  then->whole_multiples = self->whole_multiples;
  then->side_by_side = self->side_by_side;
  then->session_end = self->session_end;
  g_free (then->name);
  then->name = g_strdup (self->name);
  for (guint i = 0; i < then->nics->len; i++) {
    LodgeNic *nic = g_ptr_array_index (then->nics, i);
    const LodgeNic *now = lodge_description_get_nic (self, nic->id);

    /* A card that is not there now has none: what was stored may be somebody else's. */
    g_strfreev (nic->forwards);
    nic->forwards = now != NULL ? g_strdupv (now->forwards) : g_new0 (char *, 1);
  }
}

gboolean
lodge_description_go_back (LodgeDescription *self,
                           const LodgeDescription *stored,
                           const char *id,
                           GPtrArray **out_old,
                           GError **error)
{
  const LodgeSnapshot *snapshot = lodge_description_get_snapshot (self, id);
  g_autoptr (GPtrArray) old = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (LodgeDescription) then = NULL;

  g_return_val_if_fail (snapshot != NULL, FALSE);

  if (!check_stored (self, stored, snapshot, error))
    return FALSE;
  for (guint i = 0; i < self->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (self->disks, i);

    g_ptr_array_add (old, g_strdup (disk->top));
  }

  then = lodge_description_copy (stored);
  keep_host_business (self, then);
  g_free (then->vmgenid);
  then->vmgenid = g_uuid_string_random ();
  g_free (then->snapshot);
  then->snapshot = g_strdup (id);
  /* Whatever is stored: there is no other memory to go on from. */
  g_clear_pointer (&then->suspended, g_free);
  for (guint kind = 0; kind < LODGE_N_SECTIONS; kind++) {
    if (lodge_section_get (kind)->item_size == 0)
      lodge_section_copy_values (kind, then, self);
    /* The tree is that of now. */
    else if (kind != LODGE_SECTION_LAYER && kind != LODGE_SECTION_SNAPSHOT)
      swap_items (kind, self, then);
  }
  *out_old = g_steal_pointer (&old);
  return TRUE;
}

static guint
count_on (const LodgeDescription *self, const char *layer, LodgeLayer **out_last)
{
  guint n = 0;

  for (guint i = 0; i < self->layers->len; i++) {
    LodgeLayer *one = g_ptr_array_index (self->layers, i);

    if (g_strcmp0 (one->below, layer) != 0)
      continue;
    n++;
    if (out_last != NULL)
      *out_last = one;
  }
  return n;
}

gboolean
lodge_description_needs_layer (const LodgeDescription *self, const char *layer)
{
  for (guint i = 0; i < self->snapshots->len; i++) {
    const LodgeSnapshot *snapshot = g_ptr_array_index (self->snapshots, i);

    if (g_strv_contains ((const char *const *) snapshot->layers, layer))
      return TRUE;
  }
  return lodge_description_is_top (self, layer);
}

void
lodge_description_release_layer (LodgeDescription *self, const char *layer)
{
  g_autofree char *id = g_strdup (layer);
  LodgeLayer *one;

  while (id != NULL && (one = lodge_description_get_layer (self, id)) != NULL &&
         !lodge_description_needs_layer (self, id)) {
    LodgeLayer *below;

    if (count_on (self, id, NULL) > 0) {
      one->merge = TRUE;
      return;
    }
    g_free (id);
    id = g_strdup (one->below);
    g_ptr_array_remove (self->layers, one);
    below = id != NULL ? lodge_description_get_layer (self, id) : NULL;
    /* What was never a snapshot's is somebody's whom we do not know. */
    if (below == NULL || !below->merge)
      return;
  }
}

void
lodge_description_remove_disk (LodgeDescription *self, const char *id)
{
  LodgeDisk *disk = lodge_section_find_item (LODGE_SECTION_DISK, self, id);
  g_autofree char *layer = g_strdup (disk->top);

  g_ptr_array_remove (self->disks, disk);
  while (layer != NULL && !lodge_description_needs_layer (self, layer) &&
         count_on (self, layer, NULL) == 0) {
    LodgeLayer *one = lodge_description_get_layer (self, layer);

    g_free (layer);
    layer = g_strdup (one->below);
    g_ptr_array_remove (self->layers, one);
  }
}

void
lodge_description_copy_disk (LodgeDescription *self, const LodgeDescription *from, const char *id)
{
  LodgeDisk *copy = lodge_section_find_item (LODGE_SECTION_DISK, self, id);

  if (copy == NULL) {
    copy = lodge_section_item_new (LODGE_SECTION_DISK, id);
    g_ptr_array_add (self->disks, copy);
  }
  lodge_section_copy_values (LODGE_SECTION_DISK,
                             lodge_section_find_item (LODGE_SECTION_DISK, from, id), copy);
}

void
lodge_description_forget_snapshot (LodgeDescription *self, const char *id)
{
  LodgeSnapshot *snapshot = lodge_description_get_snapshot (self, id);
  g_autofree char *parent = g_strdup (snapshot->parent);
  g_auto (GStrv) layers = g_steal_pointer (&snapshot->layers);

  snapshot->layers = g_new0 (char *, 1);
  for (guint i = 0; i < self->snapshots->len; i++) {
    LodgeSnapshot *one = g_ptr_array_index (self->snapshots, i);

    if (g_strcmp0 (one->parent, id) == 0) {
      g_free (one->parent);
      one->parent = g_strdup (parent);
    }
  }
  if (g_strcmp0 (self->snapshot, id) == 0) {
    g_free (self->snapshot);
    self->snapshot = g_strdup (parent);
  }
  g_ptr_array_remove (self->snapshots, snapshot);
  for (guint i = 0; layers[i] != NULL; i++)
    lodge_description_release_layer (self, layers[i]);
}

LodgeLayer *
lodge_description_find_merge (const LodgeDescription *self,
                              LodgeLayerFilter may_write,
                              gpointer data)
{
  for (guint i = 0; i < self->layers->len; i++) {
    const LodgeLayer *lower = g_ptr_array_index (self->layers, i);
    LodgeLayer *upper = NULL;

    if (lower->merge && !lodge_description_needs_layer (self, lower->id) &&
        count_on (self, lower->id, &upper) == 1 &&
        (may_write == NULL || (may_write (lower, data) && may_write (upper, data))))
      return upper;
  }
  return NULL;
}

void
lodge_description_merge (LodgeDescription *self, const char *upper)
{
  LodgeLayer *above = lodge_description_get_layer (self, upper);
  LodgeLayer *lower = lodge_description_get_layer (self, above->below);

  g_free (above->file);
  above->file = g_steal_pointer (&lower->file);
  g_free (above->format);
  above->format = g_steal_pointer (&lower->format);
  g_free (above->below);
  above->below = g_steal_pointer (&lower->below);
  g_ptr_array_remove (self->layers, lower);
}

char *
lodge_snapshot_dup_folder (const char *id)
{
  return g_build_filename ("snapshots", id, NULL);
}

gboolean
lodge_description_needs_file (const LodgeDescription *self, const char *file)
{
  if (is_file_taken (self, file) || strcmp (self->nvram, file) == 0 ||
      strcmp (self->tpm_state, file) == 0)
    return TRUE;
  if (strcmp (file, LODGE_DESCRIPTION_KEY_FILE) == 0)
    return self->encrypted;
  if (strcmp (file, LODGE_DESCRIPTION_PICTURE) == 0)
    return !self->encrypted;
  if (self->suspended != NULL) {
    g_autofree char *folder = lodge_snapshot_dup_folder (self->suspended);

    if (strcmp (folder, file) == 0)
      return TRUE;
  }
  for (guint i = 0; i < self->snapshots->len; i++) {
    const LodgeSnapshot *snapshot = g_ptr_array_index (self->snapshots, i);
    g_autofree char *folder = lodge_snapshot_dup_folder (snapshot->id);

    if (strcmp (folder, file) == 0)
      return TRUE;
  }
  return FALSE;
}

LodgeDescription *
lodge_description_dup_suspended (const LodgeDescription *self,
                                 const LodgeDescription *stored,
                                 GError **error)
{
  g_autoptr (LodgeDescription) then = NULL;
  gboolean fits = strcmp (stored->uuid, self->uuid) == 0 && stored->disks->len == self->disks->len;

  for (guint i = 0; fits && i < stored->disks->len; i++) {
    const LodgeDisk *disk = g_ptr_array_index (stored->disks, i);
    const LodgeDisk *now = lodge_section_find_item (LODGE_SECTION_DISK, self, disk->id);

    /* One that was detached then the next engine plugs in, or the next start. */
    fits = now != NULL && strcmp (now->top, disk->top) == 0 && (now->attached || !disk->attached);
  }
  if (!fits) {
    g_set_error (
        error, LODGE_ERROR, LODGE_ERROR_INVALID,
        _ ("What was stored when “%s” was suspended does not fit it any more: its disks are "
           "not those that machine.ini says"),
        self->name);
    return NULL;
  }
  then = lodge_description_copy (stored);
  keep_host_business (self, then);
  g_clear_pointer (&then->suspended, g_free);
  /* Layers below the tops may be somebody else's by now, or none's; their contents are the same. */
  swap_layers (self, then);
  return g_steal_pointer (&then);
}
