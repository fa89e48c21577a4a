/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading what a client wants of a new machine; it may be anybody's script. */
#include "machine/lodge-create.h"

#include "lodge-error.h"
#include "lodge-size.h"
#include "machine/lodge-machine-key.h"
#include "storage/lodge-image-grow.h"
#include "storage/lodge-key-file.h"

#include <glib/gi18n-lib.h>

typedef enum { TEXT, PATH, BOOLEAN, NUMBER, SIZE, SECRET } ValueKind;

#define FIELD(name) G_STRUCT_OFFSET (LodgeCreateSpec, name)
#define NO_FLAG     0

static const struct {
  const char *key;
  ValueKind kind;
  gsize offset;
  gsize given; /* of the field that says it was there, NO_FLAG where its value tells */
} keys[] = {
    {"name", TEXT, FIELD (name), NO_FLAG},
    {"media", PATH, FIELD (media), NO_FLAG},
    {"installer", TEXT, FIELD (installer), NO_FLAG},
    {"kernel", PATH, FIELD (kernel), NO_FLAG},
    {"initrd", PATH, FIELD (initrd), NO_FLAG},
    {"append", TEXT, FIELD (append), NO_FLAG},
    {"disk", PATH, FIELD (disk), NO_FLAG},
    {"in-place", BOOLEAN, FIELD (in_place), NO_FLAG},
    {"disk-size", SIZE, FIELD (disk_size), FIELD (has_disk_size)},
    {"memory", NUMBER, FIELD (memory_mib), NO_FLAG},
    {"cpus", NUMBER, FIELD (cpus), NO_FLAG},
    {"firmware", TEXT, FIELD (firmware), NO_FLAG},
    {"tpm", BOOLEAN, FIELD (tpm), FIELD (has_tpm)},
    {"os", TEXT, FIELD (os), NO_FLAG},
    {"passphrase", SECRET, FIELD (passphrase), NO_FLAG},
    {"remember", BOOLEAN, FIELD (remember), NO_FLAG},
};

static const char *const kind_types[] = {
    [TEXT] = "s", [PATH] = "s", [BOOLEAN] = "b", [NUMBER] = "u", [SIZE] = "t", [SECRET] = "ay",
};

void
lodge_create_spec_free (LodgeCreateSpec *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    if (keys[i].kind == TEXT || keys[i].kind == PATH)
      g_free (G_STRUCT_MEMBER (char *, self, keys[i].offset));
    else if (keys[i].kind == SECRET)
      g_clear_pointer (&G_STRUCT_MEMBER (LodgeSecret *, self, keys[i].offset), lodge_secret_unref);
  }
  g_free (self);
}

LodgeSecret *
lodge_passphrase_read (GVariant *bytes, GError **error)
{
  gsize length;
  gconstpointer data = g_variant_get_fixed_array (bytes, &length, 1);

  if (length >= 1 && length <= LODGE_KEY_FILE_MOST_PASSPHRASE)
    return lodge_secret_new_copy (data, length);
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
               _ ("A passphrase has 1 to %d characters, and this one has %u"),
               LODGE_KEY_FILE_MOST_PASSPHRASE, (guint) length);
  return NULL;
}

static gboolean
read_value (LodgeCreateSpec *self, guint row, GVariant *value, GError **error)
{
  const char *text;
  LodgeSecret *secret;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE (kind_types[keys[row].kind]))) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("“%s” is of the wrong type: it has to be “%s”"), keys[row].key,
                 kind_types[keys[row].kind]);
    return FALSE;
  }
  if (keys[row].given != NO_FLAG)
    G_STRUCT_MEMBER (gboolean, self, keys[row].given) = TRUE;

  switch (keys[row].kind) {
  case TEXT:
  case PATH:
    text = g_variant_get_string (value, NULL);
    if (keys[row].kind == PATH && text[0] != '\0' && !g_path_is_absolute (text)) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                   _ ("“%s” needs a whole path from /, and “%s” is none"), keys[row].key, text);
      return FALSE;
    }
    /* The same as not there. */
    G_STRUCT_MEMBER (char *, self, keys[row].offset) = text[0] != '\0' ? g_strdup (text) : NULL;
    break;
  case BOOLEAN:
    G_STRUCT_MEMBER (gboolean, self, keys[row].offset) = g_variant_get_boolean (value);
    break;
  case NUMBER:
    G_STRUCT_MEMBER (guint, self, keys[row].offset) = g_variant_get_uint32 (value);
    break;
  case SIZE:
    G_STRUCT_MEMBER (guint64, self, keys[row].offset) = g_variant_get_uint64 (value);
    break;
  case SECRET:
    secret = lodge_passphrase_read (value, error);
    if (secret == NULL)
      return FALSE;
    g_clear_pointer (&G_STRUCT_MEMBER (LodgeSecret *, self, keys[row].offset), lodge_secret_unref);
    G_STRUCT_MEMBER (LodgeSecret *, self, keys[row].offset) = secret;
    break;
  }
  return TRUE;
}

/* A sector. */
#define MIN_DISK_SIZE 512

static gboolean
check_disk_size (const LodgeCreateSpec *self, GError **error)
{
  g_autofree char *size = lodge_size_format (self->disk_size);

  if (self->disk_size > LODGE_IMAGE_MOST_BYTES)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("A disk cannot have %s: 2048T is the most"), size);
  else if (self->disk_size > 0 && self->disk_size < MIN_DISK_SIZE)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID,
                 _ ("A disk of %s bytes is too small: choose one such as 20G, or 0 for no disk"),
                 size);
  else
    return TRUE;
  return FALSE;
}

static gboolean
check (const LodgeCreateSpec *self, GError **error)
{
  const char *contradiction = NULL;

  if (self->name == NULL)
    contradiction = _ ("A new machine needs a name");
  else if (self->installer != NULL && (self->media != NULL || self->kernel != NULL))
    contradiction = _ ("Give the built-in installer, or an image or kernel of your own: not both");
  else if ((self->initrd != NULL || self->append != NULL) && self->kernel == NULL)
    contradiction = _ ("An initrd or kernel arguments need a kernel");
  else if (self->in_place && self->disk == NULL)
    contradiction = _ ("“in-place” needs a disk image");
  else if (self->in_place && self->passphrase != NULL)
    contradiction = _ ("An image that is used in place cannot be encrypted: leave out “in-place”, "
                       "and it is copied and encrypted");
  else if (self->remember && self->passphrase == NULL)
    contradiction = _ ("“remember” needs a passphrase");
  else if (self->disk != NULL && self->has_disk_size)
    contradiction = _ ("A disk image has its own size: leave out the size, or the image");

  if (contradiction == NULL)
    return lodge_name_check (self->name, error) && check_disk_size (self, error);
  g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_INVALID, contradiction);
  return FALSE;
}

LodgeCreateSpec *
lodge_create_spec_parse (GVariant *spec, GError **error)
{
  g_autoptr (LodgeCreateSpec) self = g_new0 (LodgeCreateSpec, 1);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, spec);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value)) {
    g_autoptr (GVariant) owned = value;
    guint row = 0;

    while (row < G_N_ELEMENTS (keys) && !g_str_equal (keys[row].key, key))
      row++;
    if (row == G_N_ELEMENTS (keys)) {
      g_set_error (error, LODGE_ERROR, LODGE_ERROR_INVALID, _ ("A machine has no “%s”"), key);
      return NULL;
    }
    if (!read_value (self, row, owned, error))
      return NULL;
  }
  if (!check (self, error))
    return NULL;
  return g_steal_pointer (&self);
}
