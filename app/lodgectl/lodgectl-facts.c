/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands that ask the engine and print what it says. */
#include "lodgectl-handlers.h"
#include "lodgectl-print.h"

#include "lodge-config.h"
#include "lodge-error.h"
#include "lodge-size.h"
#include "lodge-words.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

/* --- host --- */

static void
print_findings (GVariant *findings)
{
  g_autoptr (LodgectlTable) table = lodgectl_table_new (2);
  GVariantIter iter;
  const char *id, *level, *sentence, *advice;

  g_variant_iter_init (&iter, findings);
  while (g_variant_iter_next (&iter, "(&s&s&s&s)", &id, &level, &sentence, &advice)) {
    lodgectl_table_add (table, (const char *[]){level, sentence});
    if (*advice != '\0')
      lodgectl_table_add (table, (const char *[]){"", advice});
  }
  lodgectl_table_print (table);
}

static void
print_findings_json (GVariant *findings, GVariant *facts)
{
  JsonBuilder *builder = json_builder_new ();
  GVariantIter iter;
  const char *id, *level, *sentence, *advice;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "findings");
  json_builder_begin_array (builder);
  g_variant_iter_init (&iter, findings);
  while (g_variant_iter_next (&iter, "(&s&s&s&s)", &id, &level, &sentence, &advice)) {
    json_builder_begin_object (builder);
    lodgectl_json_add_string (builder, "id", id);
    lodgectl_json_add_string (builder, "level", level);
    lodgectl_json_add_string (builder, "sentence", sentence);
    lodgectl_json_add_string (builder, "advice", advice);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "facts");
  lodgectl_json_add_variant (builder, facts);
  json_builder_end_object (builder);
  lodgectl_print_json (builder);
}

gboolean
lodgectl_host (LodgectlRun *run, GError **error)
{
  LodgeClient *client = lodgectl_run_connect (run, LODGE_CLIENT_FLAGS_NONE, error);
  g_autoptr (GVariant) findings = NULL;
  g_autoptr (GVariant) facts = NULL;
  gboolean ok;

  if (client == NULL)
    return FALSE;
  ok = lodge_host1_call_check_sync (lodge_client_get_host (client),
                                    lodgectl_run_has_option (run, "fresh"), &findings, &facts, NULL,
                                    error);
  if (!lodgectl_run_check (run, ok, error))
    return FALSE;
  if (lodgectl_run_has_option (run, "json"))
    print_findings_json (findings, facts);
  else
    print_findings (findings);
  return TRUE;
}

/* --- list --- */

#define ROW_FORMAT "(&s&s&s&s&suut&sb)"

typedef struct {
  const char *uuid, *name, *state, *os, *note, *encryption;
  guint32 memory_mib, cpus;
  guint64 serial;
  gboolean disposable;
} Row;

static gboolean
next_row (GVariantIter *iter, Row *row)
{
  return g_variant_iter_next (iter, ROW_FORMAT, &row->uuid, &row->name, &row->state, &row->os,
                              &row->note, &row->memory_mib, &row->cpus, &row->serial,
                              &row->encryption, &row->disposable);
}

/* What the column of the list has. */
static const char *
get_lock_word (const char *encryption)
{
  if (g_str_equal (encryption, "locked"))
    return _ ("locked");
  return g_str_equal (encryption, "unlocked") ? _ ("unlocked") : "-";
}

static void
print_machines (GVariant *machines)
{
  g_autoptr (LodgectlTable) table = lodgectl_table_new (7);
  GVariantIter iter;
  Row row;

  lodgectl_table_add (table, (const char *[]){_ ("NAME"), _ ("STATE"), _ ("OS"), _ ("CPUS"),
                                              _ ("MEMORY"), _ ("ENCRYPTED"), ""});
  g_variant_iter_init (&iter, machines);
  while (next_row (&iter, &row)) {
    g_autofree char *memory = lodge_size_format ((guint64) row.memory_mib << 20);
    g_autofree char *cpus = g_strdup_printf ("%u", row.cpus);

    lodgectl_table_add (table, (const char *[]){row.name, lodge_words_machine_state (row.state),
                                                *row.os != '\0' ? row.os : "-", cpus, memory,
                                                get_lock_word (row.encryption), row.note});
  }
  lodgectl_table_print (table);
}

static void
print_names (GVariant *machines)
{
  GVariantIter iter;
  Row row;

  g_variant_iter_init (&iter, machines);
  while (next_row (&iter, &row))
    lodgectl_print_line (row.name);
}

static void
print_machines_json (GVariant *machines)
{
  JsonBuilder *builder = json_builder_new ();
  GVariantIter iter;
  Row row;

  json_builder_begin_array (builder);
  g_variant_iter_init (&iter, machines);
  while (next_row (&iter, &row)) {
    json_builder_begin_object (builder);
    lodgectl_json_add_string (builder, "uuid", row.uuid);
    lodgectl_json_add_string (builder, "name", row.name);
    lodgectl_json_add_string (builder, "state", row.state);
    lodgectl_json_add_string (builder, "os", row.os);
    lodgectl_json_add_string (builder, "note", row.note);
    lodgectl_json_add_number (builder, "memory_mib", row.memory_mib);
    lodgectl_json_add_number (builder, "cpus", row.cpus);
    lodgectl_json_add_string (builder, "encryption", row.encryption);
    json_builder_set_member_name (builder, "disposable");
    json_builder_add_boolean_value (builder, row.disposable);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  lodgectl_print_json (builder);
}

static void
print_list (LodgectlRun *run, GVariant *machines)
{
  if (lodgectl_run_has_option (run, "json"))
    print_machines_json (machines);
  else if (lodgectl_run_has_option (run, "names"))
    print_names (machines);
  else
    print_machines (machines);
}

gboolean
lodgectl_list (LodgectlRun *run, GError **error)
{
  gboolean no_start = lodgectl_run_has_option (run, "no-start");
  g_autoptr (GError) connect_error = NULL;
  g_autoptr (GVariant) machines = NULL;
  LodgeClient *client = lodgectl_run_connect (
      run, no_start ? LODGE_CLIENT_FLAGS_NO_START : LODGE_CLIENT_FLAGS_NONE, &connect_error);

  if (client == NULL && no_start &&
      g_error_matches (connect_error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND)) {
    machines = g_variant_ref_sink (g_variant_new ("a(sssssuutsb)", NULL));
    print_list (run, machines);
    return TRUE;
  }
  if (client == NULL) {
    g_propagate_error (error, g_steal_pointer (&connect_error));
    return FALSE;
  }
  if (!lodgectl_run_check (run,
                           lodge_engine1_call_list_machines_sync (lodge_client_get_engine (client),
                                                                  &machines, NULL, error),
                           error))
    return FALSE;
  print_list (run, machines);
  return TRUE;
}

/* --- show --- */

static int
compare_keys (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* (transfer full): the keys of the description, sorted: machine.ini's order does not survive the
 * wire. */
static GPtrArray *
sort_keys (GVariant *description)
{
  GPtrArray *keys = g_ptr_array_new_with_free_func (g_free);
  GVariantIter iter;
  const char *key;

  g_variant_iter_init (&iter, description);
  while (g_variant_iter_next (&iter, "{&s&s}", &key, NULL))
    g_ptr_array_add (keys, g_strdup (key));
  g_ptr_array_sort_with_data (keys, compare_keys, NULL);
  return keys;
}

/* "" where there is nothing to say. */
static const char *
get_encryption (LodgeMachine1 *machine)
{
  const char *encryption = lodge_machine1_get_encryption (machine);

  if (g_strcmp0 (encryption, "locked") == 0)
    return _ ("yes, and locked");
  return g_strcmp0 (encryption, "unlocked") == 0 ? _ ("yes") : "";
}

const char *
lodgectl_get_graphics_problem (LodgeMachine1 *machine)
{
  const char *problem = lodge_machine1_get_graphics_problem (machine);

  return g_strcmp0 (problem, lodge_machine1_get_note (machine)) != 0 ? problem : "";
}

static void
print_machine (LodgeMachine1 *machine, GVariant *description, GPtrArray *keys)
{
  g_autoptr (LodgectlTable) table = lodgectl_table_new (2);
  const char *const facts[][2] = {
      {_ ("Name"), lodge_machine1_get_name (machine)},
      {_ ("UUID"), lodge_machine1_get_uuid (machine)},
      {_ ("State"), lodge_words_machine_state (lodge_machine1_get_state (machine))},
      {_ ("Asleep"), lodge_machine1_get_asleep (machine) ? _ ("yes") : ""},
      {_ ("Kept"), lodge_machine1_get_disposable (machine) ? _ ("nothing of this run") : ""},
      {_ ("Encrypted"), get_encryption (machine)},
      {_ ("Note"), lodge_machine1_get_note (machine)},
      {_ ("Graphics"), lodgectl_get_graphics_problem (machine)},
      {_ ("Folder"), lodge_machine1_get_folder (machine)},
      {_ ("Display"), lodge_machine1_get_spice_socket (machine)},
      {_ ("Shown by"), lodge_machine1_get_console_owner (machine)},
  };

  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    if (facts[i][1] != NULL && *facts[i][1] != '\0')
      lodgectl_table_add (table, facts[i]);
  lodgectl_table_print (table);
  putchar ('\n');

  for (guint i = 0; i < keys->len; i++) {
    const char *key = keys->pdata[i];
    g_autofree char *line = NULL;
    const char *text = "";

    (void) g_variant_lookup (description, key, "&s", &text);
    line = g_strconcat (key, "=", text, NULL);
    lodgectl_print_line (line);
  }
}

static void
add_terminals_json (JsonBuilder *builder, GVariant *terminals)
{
  GVariantIter iter;
  const char *id, *label, *socket;

  json_builder_set_member_name (builder, "terminals");
  json_builder_begin_array (builder);
  if (terminals != NULL) {
    g_variant_iter_init (&iter, terminals);
    while (g_variant_iter_next (&iter, "(&s&s&s)", &id, &label, &socket)) {
      json_builder_begin_object (builder);
      lodgectl_json_add_string (builder, "id", id);
      lodgectl_json_add_string (builder, "label", label);
      lodgectl_json_add_string (builder, "socket", socket);
      json_builder_end_object (builder);
    }
  }
  json_builder_end_array (builder);
}

static void
print_machine_json (LodgeMachine1 *machine, GVariant *description, GPtrArray *keys)
{
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  lodgectl_json_add_string (builder, "uuid", lodge_machine1_get_uuid (machine));
  lodgectl_json_add_string (builder, "name", lodge_machine1_get_name (machine));
  lodgectl_json_add_string (builder, "state", lodge_machine1_get_state (machine));
  lodgectl_json_add_string (builder, "note", lodge_machine1_get_note (machine));
  lodgectl_json_add_string (builder, "graphics_problem",
                            lodge_machine1_get_graphics_problem (machine));
  lodgectl_json_add_string (builder, "folder", lodge_machine1_get_folder (machine));
  lodgectl_json_add_string (builder, "spice_socket", lodge_machine1_get_spice_socket (machine));
  lodgectl_json_add_string (builder, "console_owner", lodge_machine1_get_console_owner (machine));
  json_builder_set_member_name (builder, "asleep");
  json_builder_add_boolean_value (builder, lodge_machine1_get_asleep (machine));
  json_builder_set_member_name (builder, "disposable");
  json_builder_add_boolean_value (builder, lodge_machine1_get_disposable (machine));
  lodgectl_json_add_string (builder, "encryption", lodge_machine1_get_encryption (machine));
  add_terminals_json (builder, lodge_machine1_get_terminals (machine));
  json_builder_set_member_name (builder, "description");
  json_builder_begin_object (builder);
  for (guint i = 0; i < keys->len; i++) {
    const char *text = "";

    (void) g_variant_lookup (description, keys->pdata[i], "&s", &text);
    lodgectl_json_add_string (builder, keys->pdata[i], text);
  }
  json_builder_end_object (builder);
  json_builder_end_object (builder);
  lodgectl_print_json (builder);
}

gboolean
lodgectl_show (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  GVariant *description;
  g_autoptr (GPtrArray) keys = NULL;

  if (machine == NULL)
    return FALSE;
  description = lodge_machine1_get_description (machine);
  keys = sort_keys (description);
  if (lodgectl_run_has_option (run, "json"))
    print_machine_json (machine, description, keys);
  else
    print_machine (machine, description, keys);
  return TRUE;
}

/* --- Lists of rows of text --- */

/* @rows: an array of structs, of which the first @n members are shown. @names: their JSON keys. */
static void
print_rows (LodgectlRun *run, GVariant *rows, const char *const *names, guint n)
{
  g_autoptr (LodgectlTable) table = lodgectl_table_new (n);
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_array (builder);
  for (gsize i = 0; i < g_variant_n_children (rows); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
    g_autofree const char **cells = g_new0 (const char *, n);

    json_builder_begin_object (builder);
    for (guint j = 0; j < n; j++) {
      g_autoptr (GVariant) cell = g_variant_get_child_value (row, j);

      cells[j] = g_variant_get_string (cell, NULL); /* lives as long as @rows */
      lodgectl_json_add_string (builder, names[j], cells[j]);
    }
    json_builder_end_object (builder);
    lodgectl_table_add (table, cells);
  }
  json_builder_end_array (builder);
  if (lodgectl_run_has_option (run, "json"))
    lodgectl_print_json (g_steal_pointer (&builder));
  else
    lodgectl_table_print (table);
}

gboolean
lodgectl_installers (LodgectlRun *run, GError **error)
{
  static const char *const names[] = {"id", "title", "sentence"};
  LodgeClient *client = lodgectl_run_connect (run, LODGE_CLIENT_FLAGS_NONE, error);
  g_autoptr (GVariant) installers = NULL;

  if (client == NULL ||
      !lodgectl_run_check (run,
                           lodge_engine1_call_list_installers_sync (
                               lodge_client_get_engine (client), &installers, NULL, error),
                           error))
    return FALSE;
  print_rows (run, installers, names, G_N_ELEMENTS (names));
  return TRUE;
}

gboolean
lodgectl_host_disks (LodgectlRun *run, GError **error)
{
  static const char *const names[] = {"path", "label", "obstacle"};
  LodgeClient *client = lodgectl_run_connect (run, LODGE_CLIENT_FLAGS_NONE, error);
  g_autoptr (GVariant) disks = NULL;

  if (client == NULL ||
      !lodgectl_run_check (run,
                           lodge_engine1_call_list_host_disks_sync (
                               lodge_client_get_engine (client), &disks, NULL, error),
                           error))
    return FALSE;
  if (g_variant_n_children (disks) == 0 && !lodgectl_run_has_option (run, "json"))
    fprintf (stderr, "%s\n",
             _ ("No disk or partition of this computer has a name in /dev/disk/by-id or "
                "/dev/disk/by-partuuid, which a machine needs to be given it."));
  print_rows (run, disks, names, G_N_ELEMENTS (names));
  return TRUE;
}

gboolean
lodgectl_forward_list (LodgectlRun *run, GError **error)
{
  static const char *const names[] = {"nic", "rule"};
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autoptr (GVariant) forwards = NULL;

  if (machine == NULL ||
      !lodgectl_run_check (
          run, lodge_machine1_call_list_forwards_sync (machine, &forwards, NULL, error), error))
    return FALSE;
  print_rows (run, forwards, names, G_N_ELEMENTS (names));
  return TRUE;
}

/* --- jobs --- */

static void
print_jobs_json (GVariant *jobs)
{
  JsonBuilder *builder = json_builder_new ();
  GVariantIter iter;
  const char *path, *kind, *machine, *state;
  double progress;

  json_builder_begin_array (builder);
  g_variant_iter_init (&iter, jobs);
  while (g_variant_iter_next (&iter, "(&o&s&s&sd)", &path, &kind, &machine, &state, &progress)) {
    json_builder_begin_object (builder);
    lodgectl_json_add_string (builder, "path", path);
    lodgectl_json_add_string (builder, "kind", kind);
    lodgectl_json_add_string (builder, "machine", machine);
    lodgectl_json_add_string (builder, "state", state);
    json_builder_set_member_name (builder, "progress");
    json_builder_add_double_value (builder, progress);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  lodgectl_print_json (builder);
}

gboolean
lodgectl_jobs (LodgectlRun *run, GError **error)
{
  LodgeClient *client = lodgectl_run_connect (run, LODGE_CLIENT_FLAGS_NONE, error);
  g_autoptr (LodgectlTable) table = lodgectl_table_new (4);
  g_autoptr (GVariant) jobs = NULL;
  GVariantIter iter;
  const char *path, *kind, *machine, *state;
  double progress;

  if (client == NULL ||
      !lodgectl_run_check (
          run,
          lodge_engine1_call_list_jobs_sync (lodge_client_get_engine (client), &jobs, NULL, error),
          error))
    return FALSE;
  if (lodgectl_run_has_option (run, "json")) {
    print_jobs_json (jobs);
    return TRUE;
  }
  g_variant_iter_init (&iter, jobs);
  while (g_variant_iter_next (&iter, "(&o&s&s&sd)", &path, &kind, &machine, &state, &progress)) {
    g_autofree char *percent =
        progress < 0 ? g_strdup ("") : g_strdup_printf ("%d %%", (int) (progress * 100));

    lodgectl_table_add (
        table, (const char *[]){lodge_words_job (kind), lodge_words_job (state), percent, machine});
  }
  lodgectl_table_print (table);
  return TRUE;
}

/* --- explain --- */

gboolean
lodgectl_explain (LodgectlRun *run, GError **error)
{
  static const char *const names[] = {"argument", "reason"};
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autoptr (GVariant) arguments = NULL;
  GVariantIter iter;
  const char *argument, *reason;

  if (machine == NULL ||
      !lodgectl_run_check (run, lodge_machine1_call_explain_sync (machine, &arguments, NULL, error),
                           error))
    return FALSE;
  if (lodgectl_run_has_option (run, "json")) {
    print_rows (run, arguments, names, G_N_ELEMENTS (names));
    return TRUE;
  }
  /* Arguments are long: the reason goes below. */
  g_variant_iter_init (&iter, arguments);
  while (g_variant_iter_next (&iter, "(&s&s)", &argument, &reason)) {
    g_autofree char *below = g_strconcat ("    ", reason, NULL);

    lodgectl_print_line (argument);
    if (*reason != '\0')
      lodgectl_print_line (below);
  }
  return TRUE;
}

/* --- version --- */

gboolean
lodgectl_version (LodgectlRun *run, GError **error)
{
  /* No engine is no error here. */
  LodgeClient *client = lodgectl_run_connect (
      run, LODGE_CLIENT_FLAGS_NO_START | LODGE_CLIENT_FLAGS_ANY_VERSION, NULL);
  const char *engine =
      client != NULL ? lodge_engine1_get_version (lodge_client_get_engine (client)) : NULL;

  if (lodgectl_run_has_option (run, "json")) {
    JsonBuilder *builder = json_builder_new ();

    json_builder_begin_object (builder);
    lodgectl_json_add_string (builder, "version", LODGE_VERSION);
    lodgectl_json_add_string (builder, "engine", engine != NULL ? engine : "");
    json_builder_end_object (builder);
    lodgectl_print_json (builder);
    return TRUE;
  }
  puts ("lodgectl " LODGE_VERSION);
  if (engine != NULL) {
    g_autofree char *line = g_strconcat ("lodge-engine ", engine, NULL);

    lodgectl_print_line (line);
  }
  return TRUE;
}
