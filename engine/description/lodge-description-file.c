/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.ini: from text to a description and back.
 *
 * Saving changes the text that is on the disk by then, and in it only the values that differ
 * between the old description and the new: comments, unknown keys, a person's way of writing a
 * number, and what was edited by hand in the meantime all stay.
 */
#include "description/lodge-description-upgrade.h"

#include "description/lodge-description-keys.h"
#include "description/lodge-durable-file.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _LodgeDescriptionFile {
  char *path;
  char *text; /* as it was read or written last; NULL while there is no file */
  LodgeDescription *description;
  char *read_only;
  const LodgeUpgrade *upgrades;
  guint n_upgrades;
};

/* Version 1 is the first there is. A new version adds the step that leads to it here. */
static const LodgeUpgrade no_upgrades[] = {{0, NULL}};

static const char new_text[] = "# A machine of Lodge. It may be edited while the machine is off; "
                               "comments and keys that Lodge\n"
                               "# does not know are kept.\n";

void
lodge_description_file_free (LodgeDescriptionFile *self)
{
  if (self == NULL)
    return;
  lodge_description_free (self->description);
  g_free (self->path);
  g_free (self->text);
  g_free (self->read_only);
  g_free (self);
}

static gboolean
read_version (LodgeIni *ini, const char *path, guint *out_version, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autofree char *text = lodge_ini_dup_value (ini, "machine", "version", &why);
  guint64 version;

  if (why != NULL) {
    g_propagate_error (error, g_steal_pointer (&why));
    return FALSE;
  }
  if (text == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s does not describe a machine: [machine] has no version"), path);
    return FALSE;
  }
  g_strstrip (text);
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT, &version, NULL)) {
    g_autofree char *shown = lodge_ini_dup_quotable (text);
    g_autofree char *place = lodge_ini_dup_place (ini, "machine", "version");

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s: in [machine], version cannot be “%s”: it must be a whole number"), place,
                 shown);
    return FALSE;
  }
  *out_version = version;
  return TRUE;
}

static gboolean
upgrade (LodgeDescriptionFile *self, LodgeIni *ini, guint version, GError **error)
{
  g_autofree char *text = g_strdup_printf ("%u", (guint) LODGE_DESCRIPTION_VERSION);
  guint at = version;

  if (version >= LODGE_DESCRIPTION_VERSION)
    return TRUE;
  for (guint i = 0; i < self->n_upgrades; i++) {
    if (self->upgrades[i].from == at && at < LODGE_DESCRIPTION_VERSION) {
      self->upgrades[i].apply (ini);
      at++;
    }
  }
  if (at != LODGE_DESCRIPTION_VERSION) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("%s has the version %u, which this Lodge cannot read: it reads %u"), self->path,
                 version, (guint) LODGE_DESCRIPTION_VERSION);
    return FALSE;
  }
  lodge_ini_set_value (ini, "machine", "version", text);
  return TRUE;
}

static gboolean
read_section (LodgeIni *ini,
              const char *path,
              const char *section,
              LodgeSectionKind kind,
              gpointer item,
              GError **error)
{
  const LodgeKey *keys;
  guint n_keys;

  keys = lodge_keys_get (&n_keys);
  for (guint i = 0; i < n_keys; i++) {
    g_autoptr (GError) why = NULL;
    g_autofree char *text = NULL;

    if (keys[i].section != kind || keys[i].type == LODGE_KEY_VERSION)
      continue;
    text = lodge_ini_dup_value (ini, section, keys[i].name, &why);
    if (why != NULL) {
      g_propagate_error (error, g_steal_pointer (&why));
      return FALSE;
    }
    if (text == NULL && keys[i].fallback == NULL) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s: [%s] has no %s"), path, section,
                   keys[i].name);
      return FALSE;
    }
    if (!lodge_key_parse (&keys[i], text != NULL ? text : "", item)) {
      g_autofree char *shown = lodge_ini_dup_quotable (text);
      g_autofree char *requirement = lodge_key_dup_requirement (&keys[i]);
      g_autofree char *place = lodge_ini_dup_place (ini, section, keys[i].name);

      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("%s: in [%s], %s cannot be “%s”: it must be %s"), place, section,
                   keys[i].name, shown, requirement);
      return FALSE;
    }
  }
  return TRUE;
}

static LodgeDescription *
read_description (LodgeIni *ini, const char *path, GError **error)
{
  g_autoptr (LodgeDescription) description = lodge_description_new ("");
  g_auto (GStrv) sections = lodge_ini_list_sections (ini);

  for (guint kind = 0; kind < LODGE_N_SECTIONS; kind++) {
    const LodgeSection *section = lodge_section_get (kind);

    if (section->item_size == 0 &&
        !read_section (ini, path, section->name, kind, description, error))
      return NULL;
  }

  for (guint i = 0; sections[i] != NULL; i++) {
    const char *dot = strchr (sections[i], '.');
    LodgeSectionKind kind;
    gpointer item;

    if (dot == NULL)
      continue;
    kind = lodge_section_find (sections[i], dot - sections[i]);
    if (kind == LODGE_N_SECTIONS || lodge_section_get (kind)->item_size == 0)
      continue;
    item = lodge_section_item_new (kind, dot + 1);
    g_ptr_array_add (lodge_section_get_items (kind, description), item);
    if (!read_section (ini, path, sections[i], kind, item, error))
      return NULL;
  }

  if (!lodge_description_check (description, error)) {
    g_prefix_error (error, "%s: ", path);
    return NULL;
  }
  return g_steal_pointer (&description);
}

LodgeDescriptionFile *
lodge_description_file_load_with_upgrades (const char *path,
                                           const LodgeUpgrade *upgrades,
                                           guint n_upgrades,
                                           GError **error)
{
  g_autoptr (LodgeDescriptionFile) self = g_new0 (LodgeDescriptionFile, 1);
  g_autoptr (LodgeIni) ini = NULL;
  gsize length;
  guint version;

  self->path = g_strdup (path);
  self->upgrades = upgrades;
  self->n_upgrades = n_upgrades;
  self->text = lodge_durable_file_read (path, LODGE_INI_MOST_BYTES, &length, error);
  if (self->text == NULL)
    return NULL;
  ini = lodge_ini_parse (path, self->text, length, error);
  if (ini == NULL || !read_version (ini, path, &version, error) ||
      !upgrade (self, ini, version, error))
    return NULL;
  if (version > LODGE_DESCRIPTION_VERSION)
    self->read_only =
        g_strdup_printf (_ ("%s was written by a newer Lodge (version %u, this one knows %u): it "
                            "can be looked at, but not changed"),
                         path, version, (guint) LODGE_DESCRIPTION_VERSION);
  self->description = read_description (ini, path, error);
  if (self->description == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

LodgeDescriptionFile *
lodge_description_file_load (const char *path, GError **error)
{
  return lodge_description_file_load_with_upgrades (path, no_upgrades, 0, error);
}

/* The key's line, read on its own: whatever else is wrong with the file. */
static char *
dup_name_of_line (const char *line)
{
  g_autofree char *text = g_strconcat ("[machine]\n", line, "\n", NULL);
  g_autoptr (LodgeIni) ini = lodge_ini_parse ("", text, strlen (text), NULL);
  g_autofree char *name = NULL;

  if (ini != NULL)
    name = lodge_ini_dup_value (ini, "machine", "name", NULL);
  if (name != NULL)
    g_strstrip (name);
  return name != NULL && lodge_name_check (name, NULL) ? g_steal_pointer (&name) : NULL;
}

char *
lodge_description_file_peek_name (const char *path)
{
  gsize length;
  g_autofree char *text = lodge_durable_file_read (path, LODGE_INI_MOST_BYTES, &length, NULL);
  g_auto (GStrv) lines = text != NULL ? g_strsplit (text, "\n", -1) : NULL;
  gboolean inside = FALSE;

  for (guint i = 0; lines != NULL && lines[i] != NULL; i++) {
    g_autofree char *name = NULL;

    g_strstrip (lines[i]);
    if (lines[i][0] == '[')
      inside = strcmp (lines[i], "[machine]") == 0;
    else if (inside)
      name = dup_name_of_line (lines[i]);
    if (name != NULL)
      return g_steal_pointer (&name);
  }
  return NULL;
}

LodgeDescriptionFile *
lodge_description_file_new (const char *path, LodgeDescription *description)
{
  LodgeDescriptionFile *self = g_new0 (LodgeDescriptionFile, 1);

  self->path = g_strdup (path);
  self->description = description;
  self->upgrades = no_upgrades;
  return self;
}

LodgeDescriptionFile *
lodge_description_file_copy (const LodgeDescriptionFile *self)
{
  LodgeDescriptionFile *copy = g_new0 (LodgeDescriptionFile, 1);

  copy->path = g_strdup (self->path);
  copy->text = g_strdup (self->text);
  copy->description = lodge_description_copy (self->description);
  copy->read_only = g_strdup (self->read_only);
  copy->upgrades = self->upgrades;
  copy->n_upgrades = self->n_upgrades;
  return copy;
}

const LodgeDescription *
lodge_description_file_get (LodgeDescriptionFile *self)
{
  return self->description;
}

const char *
lodge_description_file_get_read_only (LodgeDescriptionFile *self)
{
  return self->read_only;
}

void
lodge_description_file_moved (LodgeDescriptionFile *self, const char *path)
{
  g_free (self->path);
  self->path = g_strdup (path);
}

/* Writes what differs between @old (NULL: nothing is there) and @item. */
static void
write_section (LodgeIni *ini,
               const char *section,
               LodgeSectionKind kind,
               gconstpointer old,
               gconstpointer item)
{
  const LodgeKey *keys;
  guint n_keys;

  keys = lodge_keys_get (&n_keys);
  for (guint i = 0; i < n_keys; i++) {
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    if (keys[i].section != kind)
      continue;
    after = lodge_key_format (&keys[i], item);
    before = old != NULL ? lodge_key_format (&keys[i], old) : NULL;
    if (g_strcmp0 (before, after) != 0)
      lodge_ini_set_value (ini, section, keys[i].name, after);
  }
}

/* The sections of @kind as they would stand in the file after devices were removed and added at the
 * end, against how @new_value has them. */
static gboolean
is_order_kept (LodgeSectionKind kind,
               const LodgeDescription *old_value,
               const LodgeDescription *new_value)
{
  GPtrArray *items = lodge_section_get_items (kind, new_value);
  GPtrArray *old_items = lodge_section_get_items (kind, old_value);
  guint next = 0;

  for (guint i = 0; i < old_items->len; i++) {
    char **old = g_ptr_array_index (old_items, i);
    char **item;

    if (lodge_section_find_item (kind, new_value, *old) == NULL)
      continue;
    item = g_ptr_array_index (items, next++);
    if (strcmp (*item, *old) != 0)
      return FALSE;
  }
  return TRUE;
}

static void
write_items (LodgeIni *ini,
             LodgeSectionKind kind,
             const LodgeDescription *old_value,
             const LodgeDescription *new_value)
{
  GPtrArray *items = lodge_section_get_items (kind, new_value);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *prefix = lodge_section_get (kind)->name;

  for (guint i = 0; i < items->len; i++) {
    char **item = g_ptr_array_index (items, i);
    char *name = g_strconcat (prefix, ".", *item, NULL);
    gpointer old = old_value != NULL ? lodge_section_find_item (kind, old_value, *item) : NULL;

    g_ptr_array_add (names, name);
    write_section (ini, name, kind, old, item);
  }
  if (old_value == NULL)
    return;

  for (guint i = 0; i < lodge_section_get_items (kind, old_value)->len; i++) {
    char **old = g_ptr_array_index (lodge_section_get_items (kind, old_value), i);

    if (lodge_section_find_item (kind, new_value, *old) == NULL) {
      g_autofree char *name = g_strconcat (prefix, ".", *old, NULL);

      lodge_ini_remove_section (ini, name);
    }
  }
  if (!is_order_kept (kind, old_value, new_value)) {
    g_ptr_array_add (names, NULL);
    lodge_ini_order_sections (ini, (const char *const *) names->pdata);
  }
}

static void
write_description (LodgeIni *ini,
                   const LodgeDescription *old_value,
                   const LodgeDescription *new_value)
{
  for (guint kind = 0; kind < LODGE_N_SECTIONS; kind++) {
    if (lodge_section_get (kind)->item_size == 0)
      write_section (ini, lodge_section_get (kind)->name, kind, old_value, new_value);
    else
      write_items (ini, kind, old_value, new_value);
  }
}

/* The text to change: what is on the disk now, or what was there when somebody removed it since. */
static char *
dup_base_text (LodgeDescriptionFile *self, GError **error)
{
  g_autoptr (GError) why = NULL;
  char *text;
  gsize length;

  text = lodge_durable_file_read (self->path, LODGE_INI_MOST_BYTES, &length, &why);
  if (text != NULL && self->text == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS, _ ("%s is there already"), self->path);
    return g_free (text), NULL;
  }
  if (text == NULL && !g_error_matches (why, LODGE_ERROR, LODGE_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&why));
    return NULL;
  }
  if (text == NULL)
    text = g_strdup (self->text != NULL ? self->text : new_text);
  return text;
}

char *
lodge_description_file_dup_text (const LodgeDescription *description, gsize *out_length)
{
  g_autoptr (LodgeIni) ini = lodge_ini_parse ("", new_text, strlen (new_text), NULL);

  write_description (ini, NULL, description);
  return lodge_ini_dup_text (ini, out_length);
}

/* The file of an older version stays beside the new one. */
static gboolean
keep_old_version (LodgeDescriptionFile *self, const char *text, guint version, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s.v%u", self->path, version);

  return lodge_durable_file_write (path, text, strlen (text), error);
}

static LodgeIni *
open_base (LodgeDescriptionFile *self, const char *text, guint *out_version, GError **error)
{
  g_autoptr (LodgeIni) ini = lodge_ini_parse (self->path, text, strlen (text), error);

  *out_version = LODGE_DESCRIPTION_VERSION;
  if (ini == NULL)
    return NULL;
  if (self->text != NULL && (!read_version (ini, self->path, out_version, error) ||
                             !upgrade (self, ini, *out_version, error)))
    return NULL;
  if (*out_version > LODGE_DESCRIPTION_VERSION) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_STATE,
                 _ ("%s was written by a newer Lodge in the meantime"), self->path);
    return NULL;
  }
  return g_steal_pointer (&ini);
}

static gboolean
is_on_disk (LodgeDescriptionFile *self, const char *text)
{
  gsize length;
  g_autofree char *now = lodge_durable_file_read (self->path, LODGE_INI_MOST_BYTES, &length, NULL);

  return g_strcmp0 (now, text) == 0;
}

gboolean
lodge_description_file_save (LodgeDescriptionFile *self,
                             const LodgeDescription *description,
                             GError **error)
{
  g_autoptr (LodgeDescription) result = NULL;
  g_autoptr (LodgeIni) ini = NULL;
  g_autofree char *base = NULL;
  g_autofree char *text = NULL;
  gboolean well;
  guint version;
  gsize length;

  if (self->read_only != NULL) {
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_STATE, self->read_only);
    return FALSE;
  }
  if (!lodge_description_check (description, error))
    return FALSE;
  base = dup_base_text (self, error);
  if (base == NULL)
    return FALSE;
  ini = open_base (self, base, &version, error);
  if (ini == NULL)
    return FALSE;

  write_description (ini, self->text != NULL ? self->description : NULL, description);
  text = lodge_ini_dup_text (ini, &length);
  result = read_description (ini, self->path, error);
  if (result == NULL)
    return FALSE;
  if (strcmp (result->uuid, self->description->uuid) != 0) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s: in [machine], uuid must stay %s"),
                 self->path, self->description->uuid);
    return FALSE;
  }
  if (length > LODGE_INI_MOST_BYTES) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("%s would become larger than 1 MiB"),
                 self->path);
    return FALSE;
  }

  if (version < LODGE_DESCRIPTION_VERSION && !keep_old_version (self, base, version, error))
    return FALSE;
  well = strcmp (text, base) == 0 || lodge_durable_file_write (self->path, text, length, error);
  /* A write that fails at its very end is there all the same; who undoes it has to know that. */
  if (!well && !is_on_disk (self, text))
    return FALSE;

  g_free (self->text);
  self->text = g_steal_pointer (&text);
  lodge_description_free (self->description);
  self->description = g_steal_pointer (&result);
  return well;
}

gboolean
lodge_description_file_is_same (const LodgeDescriptionFile *self, const LodgeDescriptionFile *other)
{
  return g_strcmp0 (self->text, other->text) == 0;
}
