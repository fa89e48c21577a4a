/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that make, change and delete machines. */
#include "lodgectl-handlers.h"
#include "lodgectl-passphrase.h"
#include "lodgectl-print.h"
#include "lodgectl-wait.h"

#include "lodge-size.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

/* How an option of create becomes a key of the contract's spec: under the same name. */
static const struct {
  const char *name;
  enum { PATH, TEXT, SIZE, MIB, COUNT, FLAG } kind;
} spec_options[] = {
    {"media", PATH},  {"installer", TEXT}, {"kernel", PATH},   {"initrd", PATH},
    {"append", TEXT}, {"disk", PATH},      {"in-place", FLAG}, {"disk-size", SIZE},
    {"memory", MIB},  {"cpus", COUNT},     {"firmware", TEXT}, {"tpm", FLAG},
    {"os", TEXT},
};

static GVariant *
parse_size (const char *name, const char *text, gboolean mib, GError **error)
{
  g_autoptr (GError) cause = NULL;
  guint64 bytes;

  if (!lodge_size_parse (text, &bytes, &cause)) {
    lodgectl_set_usage_error (error, "--%s: %s", name, cause->message);
    return NULL;
  }
  if (!mib)
    return g_variant_new_uint64 (bytes);
  if (bytes == 0 || (bytes & ((1 << 20) - 1)) != 0 || bytes >> 20 > G_MAXUINT32) {
    lodgectl_set_usage_error (error,
                              _ ("--%s: “%s” is not a whole number of megabytes; “512M” is "
                                 "one"),
                              name, text);
    return NULL;
  }
  return g_variant_new_uint32 ((guint32) (bytes >> 20));
}

static GVariant *
parse_count (const char *name, const char *text, GError **error)
{
  guint64 count;

  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT32, &count, NULL)) {
    lodgectl_set_usage_error (error, _ ("--%s: “%s” is not a whole number above 0"), name, text);
    return NULL;
  }
  return g_variant_new_uint32 ((guint32) count);
}

static GVariant *
parse_path (const char *name, const char *text, GError **error)
{
  char *path = lodgectl_dup_path (name, text, error);

  return path != NULL ? g_variant_new_take_string (path) : NULL;
}

static GVariant *
parse_text (const char *name, const char *text, GError **error)
{
  if (!g_utf8_validate (text, -1, NULL)) {
    lodgectl_set_usage_error (error, _ ("--%s must be UTF-8"), name);
    return NULL;
  }
  return g_variant_new_string (text);
}

/* What only makes sense together. */
static gboolean
check_combination (LodgectlRun *run, GError **error)
{
  static const char *const pairs[][2] = {
      {"initrd", "kernel"},         {"append", "kernel"},    {"in-place", "disk"},
      {"passphrase-fd", "encrypt"}, {"remember", "encrypt"},
  };
  static const char *const rivals[][2] = {
      {"media", "installer"},
      {"kernel", "installer"},
      {"disk", "disk-size"},
      {"encrypt", "in-place"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    if (lodgectl_run_has_option (run, pairs[i][0]) && !lodgectl_run_has_option (run, pairs[i][1])) {
      lodgectl_set_usage_error (error, _ ("--%s goes with --%s"), pairs[i][0], pairs[i][1]);
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (rivals); i++)
    if (lodgectl_run_has_option (run, rivals[i][0]) &&
        lodgectl_run_has_option (run, rivals[i][1])) {
      lodgectl_set_usage_error (error, _ ("--%s and --%s exclude each other"), rivals[i][0],
                                rivals[i][1]);
      return FALSE;
    }
  return TRUE;
}

/* (transfer full): the spec of Engine1.CreateMachine. */
static GVariant *
make_spec (LodgectlRun *run, GError **error)
{
  g_autoptr (GVariantDict) dict = g_variant_dict_new (NULL);
  const char *name = lodgectl_run_get_argument (run, 0);

  if (!check_combination (run, error))
    return NULL;
  if (!g_utf8_validate (name, -1, NULL)) {
    lodgectl_set_usage_error (error, _ ("A name must be UTF-8"));
    return NULL;
  }
  g_variant_dict_insert (dict, "name", "s", name);
  for (guint i = 0; i < G_N_ELEMENTS (spec_options); i++) {
    const char *option = spec_options[i].name;
    const char *text = lodgectl_run_get_option (run, option);
    GVariant *value = NULL;

    if (text == NULL)
      continue;
    switch (spec_options[i].kind) {
    case PATH:
      value = parse_path (option, text, error);
      break;
    case TEXT:
      value = parse_text (option, text, error);
      break;
    case SIZE:
    case MIB:
      value = parse_size (option, text, spec_options[i].kind == MIB, error);
      break;
    case COUNT:
      value = parse_count (option, text, error);
      break;
    case FLAG:
    default:
      value = g_variant_new_boolean (TRUE);
      break;
    }
    if (value == NULL)
      return NULL;
    g_variant_dict_insert_value (dict, option, value);
  }
  if (lodgectl_run_has_option (run, "encrypt")) {
    GVariant *passphrase = lodgectl_ask_new_passphrase (run, error);

    if (passphrase == NULL)
      return NULL;
    g_variant_dict_insert_value (dict, "passphrase", passphrase);
    g_variant_dict_insert (dict, "remember", "b", lodgectl_run_has_option (run, "remember"));
  }
  return g_variant_ref_sink (g_variant_dict_end (dict));
}

gboolean
lodgectl_create (LodgectlRun *run, GError **error)
{
  g_autoptr (GVariant) spec = make_spec (run, error);
  g_autofree char *uuid = NULL;
  LodgeClient *client;

  if (spec == NULL)
    return FALSE;
  client = lodgectl_run_connect (run, LODGE_CLIENT_FLAGS_NONE, error);
  if (client == NULL)
    return FALSE;
  uuid = lodgectl_run_job (run, G_DBUS_PROXY (lodge_client_get_engine (client)), "CreateMachine",
                           g_variant_new ("(@a{sv})", spec), error);
  if (uuid == NULL)
    return FALSE;

  if (lodgectl_run_has_option (run, "json"))
    lodgectl_print_variant (g_variant_new_parsed ("{'uuid': <%s>, 'name': <%s>}", uuid,
                                                  lodgectl_run_get_argument (run, 0)));
  return TRUE;
}

/* --- set --- */

/* Keys whose value is the path of a file outside the machine's folder. */
static const char *const path_keys[] = {"boot.kernel", "boot.initrd", "media.*.file"};

static gboolean
is_path_key (const char *key)
{
  for (guint i = 0; i < G_N_ELEMENTS (path_keys); i++)
    if (g_pattern_match_simple (path_keys[i], key))
      return TRUE;
  return FALSE;
}

static gboolean
add_change (GVariantDict *changes, const char *assignment, GError **error)
{
  const char *equals = strchr (assignment, '=');
  g_autofree char *key = NULL;
  g_autofree char *value = NULL;

  if (equals == NULL || equals == assignment || !g_utf8_validate (assignment, -1, NULL)) {
    lodgectl_set_usage_error (error,
                              _ ("“%s” is not of the form KEY=VALUE, such as "
                                 "machine.memory=4G"),
                              assignment);
    return FALSE;
  }
  key = g_strndup (assignment, (gsize) (equals - assignment));
  if (g_variant_dict_contains (changes, key)) {
    lodgectl_set_usage_error (error, _ ("%s is given twice"), key);
    return FALSE;
  }
  value = equals[1] != '\0' && is_path_key (key) ? lodgectl_dup_absolute (equals + 1)
                                                 : g_strdup (equals + 1);
  g_variant_dict_insert (changes, key, "s", value);
  return TRUE;
}

gboolean
lodgectl_set (LodgectlRun *run, GError **error)
{
  g_autoptr (GVariantDict) changes = g_variant_dict_new (NULL);
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autoptr (GVariant) all = NULL;
  GVariantBuilder builder;
  GVariantIter iter;
  const char *key;
  GVariant *value;

  for (guint i = 1; run->arguments[i] != NULL; i++)
    if (!add_change (changes, run->arguments[i], error))
      return FALSE;
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;

  all = g_variant_ref_sink (g_variant_dict_end (changes));
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_iter_init (&iter, all);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value)) {
    g_variant_builder_add (&builder, "{ss}", key, g_variant_get_string (value, NULL));
    g_variant_unref (value);
  }
  return lodgectl_run_check (
      run, lodge_machine1_call_set_sync (machine, g_variant_builder_end (&builder), NULL, error),
      error);
}

/* --- delete --- */

gboolean
lodgectl_delete (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autofree char *result = NULL;

  if (machine == NULL)
    return FALSE;
  result = lodgectl_run_job (run, G_DBUS_PROXY (machine), "Delete", NULL, error);
  return result != NULL;
}
