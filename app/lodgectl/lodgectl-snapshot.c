/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands for a machine's snapshots. */
#include "lodgectl-handlers.h"
#include "lodgectl-print.h"
#include "lodgectl-wait.h"

#include "lodge-error.h"
#include "lodge-words.h"

#include <glib/gi18n.h>
#include <string.h>

/* Of the second argument, or of an option; NULL with a usage error when it is not UTF-8. */
static const char *
check_text (const char *text, GError **error)
{
  if (text != NULL && g_utf8_validate (text, -1, NULL))
    return text;
  lodgectl_set_usage_error (error, _ ("Names and descriptions must be UTF-8"));
  return NULL;
}

static char *
format_time (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_local (seconds);
  char *text = time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M") : NULL;

  return text != NULL ? text : g_strdup ("");
}

/* --- list --- */

typedef struct {
  GPtrArray *rows; /* of GVariant */
  LodgectlTable *table;
} Tree;

/* Whether one more line comes below the rows @from and on that go on from @parent. */
static gboolean
has_child (Tree *self, const char *parent, guint from)
{
  for (guint i = from; i < self->rows->len; i++)
    if (g_str_equal (lodgectl_get_string (self->rows->pdata[i], "parent"), parent))
      return TRUE;
  return FALSE;
}

static void
add_row (Tree *self, GVariant *row, const char *stem)
{
  gint64 created = 0;
  guint64 bytes = 0, shared = 0;
  g_autofree char *name = g_strconcat (stem, lodgectl_get_string (row, "name"), NULL);
  g_autofree char *time = NULL;
  g_autofree char *size = NULL;

  g_variant_lookup (row, "created", "x", &created);
  g_variant_lookup (row, "bytes", "t", &bytes);
  time = format_time (created);
  g_variant_lookup (row, "shared-bytes", "t", &shared);
  size = g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
  if (shared > 0) {
    g_autofree char *alone = g_steal_pointer (&size);
    g_autofree char *stays = g_format_size_full (shared, G_FORMAT_SIZE_IEC_UNITS);

    /* Translators: what deleting a snapshot gives back, and what of it others need as well. */
    size = g_strdup_printf (_ ("%s, %s shared"), alone, stays);
  }
  lodgectl_table_add (self->table,
                      (const char *[]){name, time, size, lodgectl_get_string (row, "description")});
}

/* The rows that go on from @parent; the present, if it does, is the last of them. */
static void
add_children (Tree *self, const char *parent, const char *indent, gboolean with_present)
{
  gboolean root = *parent == '\0';

  for (guint i = 0; i < self->rows->len; i++) {
    GVariant *row = self->rows->pdata[i];
    gboolean last = !with_present && !has_child (self, parent, i + 1);
    g_autofree char *stem = NULL;
    g_autofree char *below = NULL;
    gboolean current = FALSE;

    if (!g_str_equal (lodgectl_get_string (row, "parent"), parent))
      continue;
    stem = g_strconcat (indent, root ? "" : last ? "└ " : "├ ", NULL);
    below = g_strconcat (indent, root ? "" : last ? "  " : "│ ", NULL);
    add_row (self, row, stem);
    g_variant_lookup (row, "current", "b", &current);
    add_children (self, lodgectl_get_string (row, "id"), below, current);
  }
  if (with_present) {
    g_autofree char *name = g_strconcat (indent, root ? "" : "└ ", _ ("(now)"), NULL);

    lodgectl_table_add (self->table, (const char *[]){name, "", "", ""});
  }
}

gboolean
lodgectl_snapshot_list (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autoptr (GVariant) snapshots = NULL;
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_autoptr (LodgectlTable) table = lodgectl_table_new (4);
  Tree tree = {rows, table};
  gboolean rooted = TRUE; /* the present goes on from none of them */

  if (machine == NULL ||
      !lodgectl_run_check (
          run, lodge_machine1_call_list_snapshots_sync (machine, &snapshots, NULL, error), error))
    return FALSE;
  if (lodgectl_run_has_option (run, "json")) {
    lodgectl_print_variant (snapshots);
    return TRUE;
  }
  if (lodgectl_run_has_option (run, "names")) {
    lodgectl_print_names (snapshots, "name");
    return TRUE;
  }
  for (gsize i = 0; i < g_variant_n_children (snapshots); i++) {
    GVariant *row = g_variant_get_child_value (snapshots, i);
    gboolean current = FALSE;

    g_ptr_array_add (rows, row);
    g_variant_lookup (row, "current", "b", &current);
    rooted = rooted && !current;
  }
  /* Without any there is no tree to stand in. */
  add_children (&tree, "", "", rooted && rows->len > 0);
  lodgectl_table_print (table);
  return TRUE;
}

/* --- check --- */

static void
print_check_json (GVariant *blockers, GVariant *facts)
{
  JsonBuilder *builder = json_builder_new ();
  const char *sentence, *advice;
  GVariantIter iter;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "blockers");
  json_builder_begin_array (builder);
  g_variant_iter_init (&iter, blockers);
  while (g_variant_iter_next (&iter, "(&s&s)", &sentence, &advice)) {
    json_builder_begin_object (builder);
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

static void
print_check (GVariant *facts)
{
  gboolean memory = FALSE;
  guint64 bytes = 0, room = 0;
  guint standstill = 0;
  g_autofree char *takes = NULL;
  g_autofree char *has = NULL;
  g_autofree char *line = NULL;

  g_variant_lookup (facts, "memory", "b", &memory);
  g_variant_lookup (facts, "bytes", "t", &bytes);
  g_variant_lookup (facts, "room", "t", &room);
  if (!memory) {
    lodgectl_print_line (
        _ ("A snapshot can be taken; nothing runs that would stand still for it."));
    return;
  }
  takes = g_format_size_full (bytes, G_FORMAT_SIZE_IEC_UNITS);
  has = g_format_size_full (room, G_FORMAT_SIZE_IEC_UNITS);
  /* Translators: both are sizes. */
  line = g_strdup_printf (
      _ ("A snapshot can be taken; the guest's memory takes up to %s of the %s that are free."),
      takes, has);
  lodgectl_print_line (line);
  if (!g_variant_lookup (facts, "expected-standstill", "u", &standstill))
    return;
  g_free (line);
  line = g_strdup_printf (_ ("The guest stands still for about %.1f seconds at its end."),
                          MAX (standstill, 100) / 1000.0);
  lodgectl_print_line (line);
}

gboolean
lodgectl_snapshot_check (LodgectlRun *run, GError **error)
{
  g_autoptr (LodgeMachine1) machine = lodgectl_run_open (run, error);
  g_autoptr (GVariant) blockers = NULL;
  g_autoptr (GVariant) facts = NULL;
  g_autofree char *in_the_way = NULL;

  if (machine == NULL ||
      !lodgectl_run_check (
          run, lodge_machine1_call_check_snapshot_sync (machine, &blockers, &facts, NULL, error),
          error))
    return FALSE;
  if (lodgectl_run_has_option (run, "json")) {
    print_check_json (blockers, facts);
    return TRUE;
  }
  if (g_variant_n_children (blockers) > 0) {
    in_the_way = lodge_words_dup_blockers (blockers);
    g_set_error_literal (error, LODGE_ERROR, LODGE_ERROR_STATE, in_the_way);
    return FALSE;
  }
  print_check (facts);
  return TRUE;
}

/* --- create --- */

gboolean
lodgectl_snapshot_create (LodgectlRun *run, GError **error)
{
  const char *given = lodgectl_run_get_argument (run, 1);
  const char *description = lodgectl_run_get_option (run, "description");
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autofree char *name = NULL;
  g_autofree char *id = NULL;
  GVariantBuilder options;

  if ((given != NULL && check_text (given, error) == NULL) ||
      (description != NULL && check_text (description, error) == NULL))
    return FALSE;
  name = given != NULL ? g_strdup (given) : format_time (g_get_real_time () / G_USEC_PER_SEC);
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  id = lodgectl_run_job (
      run, G_DBUS_PROXY (machine), "CreateSnapshot",
      g_variant_new ("(ssa{sv})", name, description != NULL ? description : "", &options), error);
  if (id == NULL)
    return FALSE;

  if (lodgectl_run_has_option (run, "json"))
    lodgectl_print_variant (g_variant_new_parsed ("{'id': <%s>, 'name': <%s>}", id, name));
  else if (given == NULL)
    lodgectl_print_line (name);
  return TRUE;
}

/* --- revert --- */

gboolean
lodgectl_snapshot_revert (LodgectlRun *run, GError **error)
{
  const char *name = check_text (lodgectl_run_get_argument (run, 1), error);
  const char *keep_as = lodgectl_run_get_option (run, "keep-as");
  gboolean discard = lodgectl_run_has_option (run, "discard");
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autofree char *kept = NULL;
  GVariantBuilder options;

  if (name == NULL || (keep_as != NULL && check_text (keep_as, error) == NULL))
    return FALSE;
  if (discard && keep_as != NULL) {
    lodgectl_set_usage_error (error, _ ("--%s and --%s exclude each other"), "discard", "keep-as");
    return FALSE;
  }
  machine = lodgectl_run_open (run, error);
  if (machine == NULL)
    return FALSE;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "keep", g_variant_new_boolean (!discard));
  if (lodgectl_run_has_option (run, "without-memory"))
    g_variant_builder_add (&options, "{sv}", "memory", g_variant_new_boolean (FALSE));
  if (keep_as != NULL)
    g_variant_builder_add (&options, "{sv}", "name", g_variant_new_string (keep_as));
  kept = lodgectl_run_job (run, G_DBUS_PROXY (machine), "RevertSnapshot",
                           g_variant_new ("(sa{sv})", name, &options), error);
  if (kept == NULL)
    return FALSE;

  if (lodgectl_run_has_option (run, "json"))
    lodgectl_print_variant (g_variant_new_parsed ("{'kept': <%s>}", kept));
  return TRUE;
}

/* --- delete, describe --- */

/* The one that is meant by @name: its id, or a name that only it has. NULL where there is none. */
static GVariant *
find_snapshot (GVariant *snapshots, const char *name)
{
  GVariant *found = NULL;

  for (gsize i = 0; i < g_variant_n_children (snapshots); i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (snapshots, i);
    const gboolean is_id = g_str_equal (lodgectl_get_string (row, "id"), name);

    if (!is_id && !g_str_equal (lodgectl_get_string (row, "name"), name))
      continue;
    g_clear_pointer (&found, g_variant_unref);
    found = g_steal_pointer (&row);
    if (is_id)
      break;
  }
  return found;
}

gboolean
lodgectl_snapshot_delete (LodgectlRun *run, GError **error)
{
  const char *name = check_text (lodgectl_run_get_argument (run, 1), error);
  const gboolean json = lodgectl_run_has_option (run, "json");
  g_autoptr (LodgeMachine1) machine = NULL;
  g_autoptr (GVariant) snapshots = NULL;
  g_autoptr (GVariant) snapshot = NULL;
  g_autofree char *nothing = NULL;

  if (name == NULL)
    return FALSE;
  machine = lodgectl_run_open (run, error);
  /* Afterwards nobody knows which it was. */
  if (machine == NULL ||
      (json &&
       !lodgectl_run_check (
           run, lodge_machine1_call_list_snapshots_sync (machine, &snapshots, NULL, error), error)))
    return FALSE;
  nothing = lodgectl_run_job (run, G_DBUS_PROXY (machine), "DeleteSnapshot",
                              g_variant_new ("(s)", name), error);
  if (nothing == NULL)
    return FALSE;
  if (json && (snapshot = find_snapshot (snapshots, name)) != NULL)
    lodgectl_print_variant (g_variant_new_parsed ("{'id': <%s>, 'name': <%s>}",
                                                  lodgectl_get_string (snapshot, "id"),
                                                  lodgectl_get_string (snapshot, "name")));
  return TRUE;
}

gboolean
lodgectl_snapshot_describe (LodgectlRun *run, GError **error)
{
  const char *name = check_text (lodgectl_run_get_argument (run, 1), error);
  const char *text = name != NULL ? check_text (lodgectl_run_get_argument (run, 2), error) : NULL;
  const char *new_name = lodgectl_run_get_option (run, "name");
  g_autoptr (LodgeMachine1) machine = NULL;

  if (text == NULL || (new_name != NULL && check_text (new_name, error) == NULL))
    return FALSE;
  machine = lodgectl_run_open (run, error);
  return machine != NULL && lodgectl_run_check (run,
                                                lodge_machine1_call_describe_snapshot_sync (
                                                    machine, name, new_name != NULL ? new_name : "",
                                                    text, NULL, error),
                                                error);
}
