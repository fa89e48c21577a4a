/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An installed QEMU and what it can do, asked over QMP once and kept until the binary changes. */
#include "qemu/lodge-json.h"
#include "qemu/lodge-qemu-private.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

struct _LodgeQemu {
  GObject parent_instance;

  char *binary;
  char *version; /* NULL until it is known */
  guint major;
  guint minor;
  GHashTable *machines; /* "q35" -> "pc-q35-7.2", and each real name to itself */
  GHashTable *devices;  /* a set of names */
  gboolean spice;
  gboolean dbus_display;
};

G_DEFINE_FINAL_TYPE (LodgeQemu, lodge_qemu, G_TYPE_OBJECT)

static void
lodge_qemu_finalize (GObject *object)
{
  LodgeQemu *self = LODGE_QEMU (object);

  g_free (self->binary);
  g_free (self->version);
  g_hash_table_unref (self->machines);
  g_hash_table_unref (self->devices);

  G_OBJECT_CLASS (lodge_qemu_parent_class)->finalize (object);
}

static void
lodge_qemu_class_init (LodgeQemuClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = lodge_qemu_finalize;
}

static void
lodge_qemu_init (LodgeQemu *self)
{
  self->machines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->devices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

LodgeQemu *
lodge_qemu_new (const char *binary)
{
  LodgeQemu *self = g_object_new (LODGE_TYPE_QEMU, NULL);

  self->binary = g_strdup (binary);
  return self;
}

/* Reading. */

static gboolean
set_version (LodgeQemu *self, gint64 major, gint64 minor, gint64 micro)
{
  if (major < 0 || major > 999 || minor < 0 || minor > 999 || micro < 0 || micro > 999)
    return FALSE;
  self->major = major;
  self->minor = minor;
  g_free (self->version);
  self->version = g_strdup_printf ("%u.%u.%u", self->major, self->minor, (guint) micro);
  return TRUE;
}

static void
add_machine (LodgeQemu *self, const char *alias, const char *name)
{
  g_hash_table_insert (self->machines, g_strdup (alias), g_strdup (name));
}

static gboolean
refuse (const char *command, GError **error)
{
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
               _ ("its answer to “%s” is not what QEMU answers"), command);
  return FALSE;
}

gboolean
lodge_qemu_read_version (LodgeQemu *self, JsonNode *answer, GError **error)
{
  JsonNode *qemu = JSON_NODE_HOLDS_OBJECT (answer)
                       ? json_object_get_member (json_node_get_object (answer), "qemu")
                       : NULL;
  JsonObject *version;

  if (qemu == NULL || !JSON_NODE_HOLDS_OBJECT (qemu))
    return refuse ("query-version", error);
  version = json_node_get_object (qemu);
  return set_version (self, lodge_json_get_int (version, "major", -1),
                      lodge_json_get_int (version, "minor", -1),
                      lodge_json_get_int (version, "micro", -1)) ||
         refuse ("query-version", error);
}

typedef gboolean (*ReadElement) (LodgeQemu *self, JsonObject *element);

static gboolean
read_list (LodgeQemu *self,
           const char *command,
           JsonNode *answer,
           ReadElement read_element,
           GError **error)
{
  JsonArray *list;

  if (!JSON_NODE_HOLDS_ARRAY (answer))
    return refuse (command, error);
  list = json_node_get_array (answer);
  for (guint i = 0; i < json_array_get_length (list); i++) {
    JsonNode *element = json_array_get_element (list, i);

    if (!JSON_NODE_HOLDS_OBJECT (element) || !read_element (self, json_node_get_object (element)))
      return refuse (command, error);
  }
  return TRUE;
}

static gboolean
read_machine (LodgeQemu *self, JsonObject *machine)
{
  const char *name = lodge_json_get_string (machine, "name");
  const char *alias = lodge_json_get_string (machine, "alias");

  if (name == NULL)
    return FALSE;
  add_machine (self, name, name);
  if (alias != NULL)
    add_machine (self, alias, name);
  return TRUE;
}

static gboolean
read_device (LodgeQemu *self, JsonObject *device)
{
  const char *name = lodge_json_get_string (device, "name");

  if (name == NULL)
    return FALSE;
  g_hash_table_add (self->devices, g_strdup (name));
  return TRUE;
}

/* The character device for SPICE's agent channel comes in one module with SPICE itself
 * (chardev-spice needs ui-spice-core). query-spice tells nothing: it is there in a QEMU that was
 * built with SPICE, also where the module is not installed. Likewise the one that passes chardevs
 * over D-Bus is in the module of the D-Bus display (ui/dbus-chardev.c). */
static gboolean
read_chardev (LodgeQemu *self, JsonObject *chardev)
{
  const char *name = lodge_json_get_string (chardev, "name");

  if (name == NULL)
    return FALSE;
  if (g_str_equal (name, "chardev-spicevmc"))
    self->spice = TRUE;
  else if (g_str_equal (name, "chardev-dbus"))
    self->dbus_display = TRUE;
  return TRUE;
}

gboolean
lodge_qemu_read_machines (LodgeQemu *self, JsonNode *answer, GError **error)
{
  return read_list (self, "query-machines", answer, read_machine, error);
}

gboolean
lodge_qemu_read_devices (LodgeQemu *self, JsonNode *answer, GError **error)
{
  return read_list (self, "qom-list-types", answer, read_device, error);
}

gboolean
lodge_qemu_read_chardevs (LodgeQemu *self, JsonNode *answer, GError **error)
{
  return read_list (self, "qom-list-types", answer, read_chardev, error);
}

/* Keeping */

JsonObject *
lodge_qemu_save (LodgeQemu *self)
{
  JsonObject *object = json_object_new ();
  JsonObject *machines = json_object_new ();
  JsonArray *devices = json_array_new ();
  GHashTableIter iter;
  const char *name, *value;

  json_object_set_string_member (object, "version", self->version);
  json_object_set_boolean_member (object, "spice", self->spice);
  json_object_set_boolean_member (object, "dbus-display", self->dbus_display);
  g_hash_table_iter_init (&iter, self->machines);
  while (g_hash_table_iter_next (&iter, (gpointer *) &name, (gpointer *) &value))
    json_object_set_string_member (machines, name, value);
  json_object_set_object_member (object, "machines", machines);
  g_hash_table_iter_init (&iter, self->devices);
  while (g_hash_table_iter_next (&iter, (gpointer *) &name, NULL))
    json_array_add_string_element (devices, name);
  json_object_set_array_member (object, "devices", devices);
  return object;
}

static gboolean
load_version (LodgeQemu *self, const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ".", 4);
  guint64 numbers[3];

  if (g_strv_length (parts) != 3)
    return FALSE;
  for (guint i = 0; i < 3; i++) {
    if (!g_ascii_string_to_unsigned (parts[i], 10, 0, 999, &numbers[i], NULL))
      return FALSE;
  }
  return set_version (self, numbers[0], numbers[1], numbers[2]);
}

static gboolean
load_machines (LodgeQemu *self, JsonObject *machines)
{
  JsonObjectIter iter;
  const char *name;

  json_object_iter_init (&iter, machines);
  while (json_object_iter_next (&iter, &name, NULL)) {
    const char *value = lodge_json_get_string (machines, name);

    if (value == NULL)
      return FALSE;
    add_machine (self, name, value);
  }
  return TRUE;
}

static gboolean
load_devices (LodgeQemu *self, JsonArray *devices)
{
  for (guint i = 0; i < json_array_get_length (devices); i++) {
    JsonNode *node = json_array_get_element (devices, i);

    if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
      return FALSE;
    g_hash_table_add (self->devices, json_node_dup_string (node));
  }
  return TRUE;
}

static gboolean
load_boolean (JsonObject *object, const char *name, gboolean *out)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return FALSE;
  *out = json_node_get_boolean (node);
  return TRUE;
}

LodgeQemu *
lodge_qemu_load (const char *binary, JsonObject *object)
{
  g_autoptr (LodgeQemu) self = lodge_qemu_new (binary);
  const char *version = lodge_json_get_string (object, "version");
  JsonNode *machines = json_object_get_member (object, "machines");
  JsonNode *devices = json_object_get_member (object, "devices");

  if (version == NULL || !load_version (self, version))
    return NULL;
  if (!load_boolean (object, "spice", &self->spice) ||
      !load_boolean (object, "dbus-display", &self->dbus_display))
    return NULL;
  if (machines == NULL || !JSON_NODE_HOLDS_OBJECT (machines) ||
      !load_machines (self, json_node_get_object (machines)))
    return NULL;
  if (devices == NULL || !JSON_NODE_HOLDS_ARRAY (devices) ||
      !load_devices (self, json_node_get_array (devices)))
    return NULL;
  return g_steal_pointer (&self);
}

/* Answering */

const char *
lodge_qemu_get_binary (LodgeQemu *self)
{
  g_return_val_if_fail (LODGE_IS_QEMU (self), NULL);
  return self->binary;
}

const char *
lodge_qemu_get_version (LodgeQemu *self)
{
  g_return_val_if_fail (LODGE_IS_QEMU (self), NULL);
  return self->version;
}

gboolean
lodge_qemu_has_version (LodgeQemu *self, guint major, guint minor)
{
  g_return_val_if_fail (LODGE_IS_QEMU (self), FALSE);
  return self->major > major || (self->major == major && self->minor >= minor);
}

const char *
lodge_qemu_resolve_machine (LodgeQemu *self, const char *alias)
{
  g_return_val_if_fail (LODGE_IS_QEMU (self), NULL);
  g_return_val_if_fail (alias != NULL, NULL);
  return g_hash_table_lookup (self->machines, alias);
}

gboolean
lodge_qemu_has_machine (LodgeQemu *self, const char *machine)
{
  g_return_val_if_fail (LODGE_IS_QEMU (self), FALSE);
  g_return_val_if_fail (machine != NULL, FALSE);
  return g_hash_table_contains (self->machines, machine);
}

gboolean
lodge_qemu_has_device (LodgeQemu *self, const char *device)
{
  g_return_val_if_fail (LODGE_IS_QEMU (self), FALSE);
  g_return_val_if_fail (device != NULL, FALSE);
  return g_hash_table_contains (self->devices, device);
}

gboolean
lodge_qemu_has_spice (LodgeQemu *self)
{
  g_return_val_if_fail (LODGE_IS_QEMU (self), FALSE);
  return self->spice;
}

gboolean
lodge_qemu_has_dbus_display (LodgeQemu *self)
{
  g_return_val_if_fail (LODGE_IS_QEMU (self), FALSE);
  return self->dbus_display;
}
