/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest firmware that is installed here, found through QEMU's descriptors.
 *
 * Format and order of the folders: docs/interop/firmware.json in QEMU's source. A descriptor that
 * is broken or asks for what we do not do is passed over, with a debug message that says why.
 */
#include "host/lodge-host-firmware.h"

#include "host/lodge-host-root.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The descriptors of Debian, Fedora and Arch are below 2 KiB and four levels deep. The depth
 * matters because json-glib 1.6 descends by recursion. */
#define DESCRIPTOR_LIMIT_BYTES (64 * 1024)
#define DESCRIPTOR_LIMIT_DEPTH 32
/* Of all folders together. */
#define DESCRIPTOR_LIMIT_COUNT 1000

void
lodge_host_firmware_free (LodgeHostFirmware *self)
{
  g_free (self->title);
  g_free (self->code);
  g_free (self->code_format);
  g_free (self->vars);
  g_free (self->vars_format);
  g_free (self);
}

/* The three below take what is there with the right type, and nothing else: json-glib's own getters
 * warn about another type. */
static JsonObject *
get_object (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static JsonArray *
get_array (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static const char *
get_text (JsonNode *node)
{
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) ||
      json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

static const char *
get_string (JsonObject *object, const char *name)
{
  return object != NULL ? get_text (json_object_get_member (object, name)) : NULL;
}

static gboolean
array_has (JsonArray *array, const char *text)
{
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    if (g_strcmp0 (get_text (json_array_get_element (array, i)), text) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
targets_have (JsonArray *targets, const char *architecture, const char *machine_type)
{
  for (guint i = 0; targets != NULL && i < json_array_get_length (targets); i++) {
    JsonNode *node = json_array_get_element (targets, i);
    JsonObject *target = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
    JsonArray *machines = get_array (target, "machines");

    if (g_strcmp0 (get_string (target, "architecture"), architecture) != 0)
      continue;
    for (guint j = 0; machines != NULL && j < json_array_get_length (machines); j++) {
      const char *pattern = get_text (json_array_get_element (machines, j));

      if (pattern != NULL && g_pattern_match_simple (pattern, machine_type))
        return TRUE;
    }
  }
  return FALSE;
}

/* Nesting of brackets outside strings. */
static guint
measure_depth (const char *text)
{
  guint depth = 0, deepest = 0;
  gboolean in_string = FALSE;

  for (const char *c = text; *c != '\0'; c++) {
    if (in_string) {
      if (*c == '\\' && c[1] != '\0')
        c++;
      else if (*c == '"')
        in_string = FALSE;
    } else if (*c == '"') {
      in_string = TRUE;
    } else if (*c == '{' || *c == '[') {
      depth++;
      deepest = MAX (deepest, depth);
    } else if ((*c == '}' || *c == ']') && depth > 0) {
      depth--;
    }
  }
  return deepest;
}

/* An image file: its format is one we can pass on, and it is there. */
static gboolean
check_image (const char *descriptor, const char *file, const char *format)
{
  g_autofree char *path = NULL;

  if (file == NULL || !g_path_is_absolute (file)) {
    g_debug ("%s: a file name is missing or not absolute", descriptor);
    return FALSE;
  }
  if (g_strcmp0 (format, "raw") != 0 && g_strcmp0 (format, "qcow2") != 0) {
    g_debug ("%s: neither raw nor qcow2", descriptor);
    return FALSE;
  }
  path = lodge_host_root_dup_path (file);
  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR)) {
    g_debug ("%s: there is no file %s", descriptor, file);
    return FALSE;
  }
  return TRUE;
}

static LodgeHostFirmware *
read_flash (const char *descriptor, JsonObject *root)
{
  JsonObject *mapping = get_object (root, "mapping");
  JsonObject *code = get_object (mapping, "executable");
  JsonObject *vars = get_object (mapping, "nvram-template");
  const char *mode = get_string (mapping, "mode");
  const char *title = get_string (root, "description");
  LodgeHostFirmware *self;

  /* "combined" and "stateless" have no NVRAM of their own beside the code. */
  if (g_strcmp0 (get_string (mapping, "device"), "flash") != 0 ||
      (mode != NULL && !g_str_equal (mode, "split"))) {
    g_debug ("%s: not a flash image with NVRAM", descriptor);
    return NULL;
  }
  if (!check_image (descriptor, get_string (code, "filename"), get_string (code, "format")) ||
      !check_image (descriptor, get_string (vars, "filename"), get_string (vars, "format")))
    return NULL;

  self = g_new0 (LodgeHostFirmware, 1);
  self->title = g_strdup (title != NULL ? title : "");
  self->code = g_strdup (get_string (code, "filename"));
  self->code_format = g_strdup (get_string (code, "format"));
  self->vars = g_strdup (get_string (vars, "filename"));
  self->vars_format = g_strdup (get_string (vars, "format"));
  return self;
}

/* What we need of the features: with Secure Boot the keys are there and only SMM code may change
 * them; without it neither is needed. */
static gboolean
features_fit (JsonArray *features, gboolean secure_boot)
{
  if (secure_boot)
    return array_has (features, "secure-boot") && array_has (features, "enrolled-keys") &&
           array_has (features, "requires-smm");
  return !array_has (features, "enrolled-keys") && !array_has (features, "requires-smm");
}

static LodgeHostFirmware *
read_descriptor (const char *path,
                 const char *text,
                 const char *architecture,
                 const char *machine_type,
                 gboolean secure_boot)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;
  LodgeHostFirmware *self;
  JsonObject *root;

  if (!g_utf8_validate (text, -1, NULL) || measure_depth (text) > DESCRIPTOR_LIMIT_DEPTH) {
    g_debug ("%s: not a descriptor", path);
    return NULL;
  }
  if (!json_parser_load_from_data (parser, text, -1, &error)) {
    g_debug ("%s: %s", path, error->message);
    return NULL;
  }
  if (json_parser_get_root (parser) == NULL ||
      !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser))) {
    g_debug ("%s: not a descriptor", path);
    return NULL;
  }

  root = json_node_get_object (json_parser_get_root (parser));
  if (!array_has (get_array (root, "interface-types"), "uefi") ||
      !targets_have (get_array (root, "targets"), architecture, machine_type) ||
      !features_fit (get_array (root, "features"), secure_boot))
    return NULL;

  self = read_flash (path, root);
  if (self != NULL)
    self->secure_boot = secure_boot;
  return self;
}

/* The text of a descriptor; "" for one that only hides another (an empty file, or a link to
 * /dev/null), NULL when it cannot be one. Transfer full. */
static char *
load_descriptor (const char *path)
{
  g_autofree char *text = g_malloc (DESCRIPTOR_LIMIT_BYTES + 1);
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  gsize length = 0;
  gssize n = 0;
  struct stat info;

  if (fd < 0 || fstat (fd, &info) != 0 || (!S_ISREG (info.st_mode) && !S_ISCHR (info.st_mode)) ||
      info.st_size > DESCRIPTOR_LIMIT_BYTES) {
    g_debug ("%s: not a readable descriptor", path);
    if (fd >= 0)
      close (fd);
    return NULL;
  }

  while (S_ISREG (info.st_mode) && length < DESCRIPTOR_LIMIT_BYTES) {
    n = read (fd, text + length, DESCRIPTOR_LIMIT_BYTES - length);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    length += n;
  }
  close (fd);
  if (n < 0)
    return NULL;

  text[length] = '\0';
  if (strlen (text) != length) {
    g_debug ("%s: not a text", path);
    return NULL;
  }
  return g_steal_pointer (&text);
}

/* Puts the folder's descriptors into @paths (name to path), unless an earlier folder has the name.
 */
static void
add_folder (GHashTable *paths, const char *folder)
{
  g_autofree char *full = lodge_host_root_dup_path (folder);
  g_autoptr (GDir) dir = g_dir_open (full, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    if (!g_str_has_suffix (name, ".json") || g_hash_table_contains (paths, name) ||
        g_hash_table_size (paths) >= DESCRIPTOR_LIMIT_COUNT)
      continue;
    g_hash_table_insert (paths, g_strdup (name), g_build_filename (full, name, NULL));
  }
}

LodgeHostFirmware *
lodge_host_firmware_find (const char *architecture,
                          const char *machine_type,
                          gboolean secure_boot,
                          GError **error)
{
  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *user = g_build_filename (g_get_user_config_dir (), "qemu", "firmware", NULL);
  g_autoptr (GList) names = NULL;

  add_folder (paths, user);
  add_folder (paths, "/etc/qemu/firmware");
  add_folder (paths, "/usr/share/qemu/firmware");

  /* Sorted by name over all folders, as the specification wants. */
  names = g_list_sort (g_hash_table_get_keys (paths), (GCompareFunc) strcmp);
  for (GList *name = names; name != NULL; name = name->next) {
    const char *path = g_hash_table_lookup (paths, name->data);
    g_autofree char *text = load_descriptor (path);
    LodgeHostFirmware *found = NULL;

    if (text != NULL && text[0] != '\0')
      found = read_descriptor (path, text, architecture, machine_type, secure_boot);
    if (found != NULL)
      return found;
  }

  if (secure_boot)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("No UEFI firmware with Secure Boot is installed for %s (Debian and Ubuntu: "
                    "sudo apt install ovmf)"),
                 machine_type);
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("No UEFI firmware is installed for %s (Debian and Ubuntu: sudo apt install "
                    "ovmf)"),
                 machine_type);
  return NULL;
}
