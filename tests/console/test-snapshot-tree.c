/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots as rows with lanes and lines. */
#include "console/lodge-snapshot-tree.h"

#include <string.h>

typedef struct {
  GVariantBuilder builder;
} List;

static void
list_init (List *list)
{
  g_variant_builder_init (&list->builder, G_VARIANT_TYPE ("aa{sv}"));
}

static void
list_add (List *list, const char *id, const char *parent, gboolean current)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "id", "s", id);
  g_variant_dict_insert (&dict, "name", "s", id);
  g_variant_dict_insert (&dict, "parent", "s", parent);
  g_variant_dict_insert (&dict, "current", "b", current);
  g_variant_builder_add_value (&list->builder, g_variant_dict_end (&dict));
}

static GPtrArray *
list_layout (List *list, guint *left_out)
{
  g_autoptr (GVariant) snapshots = g_variant_ref_sink (g_variant_builder_end (&list->builder));

  return lodge_snapshot_tree_layout (snapshots, left_out);
}

/* "a", "b<a", "c<b*": a row each, "<" before the parent, "*" where the present goes on. */
static GPtrArray *
layout (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  List list;

  list_init (&list);
  for (guint i = 0; words[i] != NULL; i++) {
    const gboolean current = g_str_has_suffix (words[i], "*");
    g_auto (GStrv) parts = NULL;

    if (*words[i] == '\0')
      continue;
    if (current)
      words[i][strlen (words[i]) - 1] = '\0';
    parts = g_strsplit (words[i], "<", 2);
    list_add (&list, parts[0], parts[1] != NULL ? parts[1] : "", current);
  }
  return list_layout (&list, NULL);
}

/* A drawing with letters: what stands in each lane, then the name. "o" is a snapshot, "@" the
 * present, "|" a line that passes, "`" one that bends; "^" and "v" whether the line goes on. */
static char *
draw (GPtrArray *rows)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < rows->len; i++) {
    const LodgeSnapshotRow *row = rows->pdata[i];

    for (guint lane = 0; lane < row->lane; lane++)
      g_string_append_c (text, (row->through & (1u << lane)) != 0 ? '|' : ' ');
    g_assert_cmpuint (row->through >> row->lane, ==, 0);
    g_assert_false (row->above && row->branch);
    g_string_append_c (text, row->present ? '@' : 'o');
    g_string_append_printf (text, "%s%s%s%s\n", row->above ? "^" : "", row->branch ? "`" : "",
                            row->below ? "v" : "", row->name);
  }
  return g_string_free (text, FALSE);
}

static void
assert_drawn (const char *list, const char *drawing)
{
  g_autoptr (GPtrArray) rows = layout (list);
  g_autofree char *drawn = draw (rows);

  g_assert_cmpstr (drawn, ==, drawing);
}

static void
test_chain (void)
{
  assert_drawn ("", "");
  assert_drawn ("a*", "ova\n@^\n");
  /* However long, a chain stays where it is. */
  assert_drawn ("a b<a c<b d<c*", "ova\no^vb\no^vc\no^vd\n@^\n");
}

static void
test_branches (void)
{
  /* The present's way is straight, and what branches off comes before it goes on. */
  assert_drawn ("a b<a* c<a d<b", "ova\n"
                                  "|o`c\n"
                                  "o^vb\n"
                                  "|o`d\n"
                                  "@^\n");
  /* Gone back to the first one: two branches, and then the present. */
  assert_drawn ("a* b<a c<b d<a", "ova\n"
                                  "|o`vb\n"
                                  "|o^c\n"
                                  "|o`d\n"
                                  "@^\n");
  /* A branch of a branch; in it the largest part is straight, of equals the last made. */
  assert_drawn ("a* b<a c<b d<c e<b f<b", "ova\n"
                                          "|o`vb\n"
                                          "||o`e\n"
                                          "||o`f\n"
                                          "|o^vc\n"
                                          "|o^d\n"
                                          "@^\n");
  assert_drawn ("a* b<a c<b d<b", "ova\n"
                                  "|o`vb\n"
                                  "||o`c\n"
                                  "|o^d\n"
                                  "@^\n");
}

static void
test_roots (void)
{
  /* The first one was deleted: two trees, that with the present below. */
  assert_drawn ("a* b c<b", "ovb\no^c\nova\n@^\n");
  /* The present goes on from none of them. */
  assert_drawn ("a b<a", "ova\no^b\n@\n");
}

static void
test_hostile (void)
{
  g_autoptr (GVariant) odd = g_variant_ref_sink (g_variant_new_parsed (
      "[{'id': <'a'>, 'name': <7>, 'created': <'x'>, 'bytes': <-1>, 'parent': <@as []>},"
      " {'name': <'without an id'>}, {'id': <''>}, {'id': <42>}, @a{sv} {},"
      " {'id': <'b'>, 'parent': <'a'>, 'automatic': <true>, 'bytes': <uint64 5>}]"));
  g_autoptr (GPtrArray) rows = NULL;
  const LodgeSnapshotRow *row;

  assert_drawn ("a<a*", "ova\n@^\n");
  assert_drawn ("a<gone b<a*", "ova\no^vb\n@^\n");
  /* Circles are cut, and nobody is lost or there twice. */
  assert_drawn ("a<b b<a*", "ovb\n|o`a\n@^\n");
  assert_drawn ("a<c b<a c<b d<b*", "ovb\n|o`vc\n|o^a\no^vd\n@^\n");
  /* The second of the same id is not there, nor a second present. */
  assert_drawn ("a* a<a b<a*", "ova\n|o`b\n@^\n");

  rows = lodge_snapshot_tree_layout (odd, NULL);
  g_assert_cmpuint (rows->len, ==, 3);
  row = rows->pdata[0];
  g_assert_cmpstr (row->id, ==, "a");
  g_assert_cmpstr (row->name, ==, "");
  g_assert_cmpint (row->created, ==, 0);
  g_assert_cmpuint (row->bytes, ==, 0);
  row = rows->pdata[1];
  g_assert_cmpstr (row->id, ==, "b");
  g_assert_true (row->automatic);
  g_assert_cmpuint (row->bytes, ==, 5);
  g_assert_true (row->above);
  row = rows->pdata[2];
  g_assert_true (row->present);
}

/* What is said and coloured besides the lines. */
static void
test_present (void)
{
  g_autoptr (GPtrArray) rows = layout ("a b<a* c<a d e<d");
  static const struct {
    const char *parent_name;
    gboolean way;
  } expected[] = {{"", FALSE}, {"d", FALSE}, {"", TRUE}, {"a", TRUE}, {"a", TRUE}, {"b", TRUE}};

  g_assert_cmpuint (rows->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < rows->len; i++) {
    const LodgeSnapshotRow *row = rows->pdata[i];

    g_assert_cmpstr (row->parent_name, ==, expected[i].parent_name);
    g_assert_cmpint (row->way, ==, expected[i].way);
    g_assert_cmpint (row->present, ==, i == rows->len - 1);
    g_assert_cmpint (row->current, ==, g_str_equal (row->name, "b"));
  }
}

static void
add_numbered (List *list, guint i, guint parent, gboolean current)
{
  g_autofree char *id = g_strdup_printf ("s%u", i);
  g_autofree char *parent_id = parent != i ? g_strdup_printf ("s%u", parent) : g_strdup ("");

  list_add (list, id, parent_id, current);
}

static void
assert_sane (GPtrArray *rows, guint n)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  G_GNUC_UNUSED g_autofree char *drawn = draw (rows);

  for (guint i = 0; i < rows->len; i++) {
    const LodgeSnapshotRow *row = rows->pdata[i];
    const LodgeSnapshotRow *before = i > 0 ? rows->pdata[i - 1] : NULL;

    g_assert_true (g_hash_table_add (seen, row->id));
    g_assert_cmpuint (row->lane, <, LODGE_SNAPSHOT_MAX_LANES);
    /* Every line that goes down arrives in the next row, and none begins there. */
    if (before != NULL) {
      const guint32 down = before->through | (before->below ? 1u << before->lane : 0);
      const guint32 up = row->through | (row->above ? 1u << row->lane : 0);

      g_assert_cmphex (down, ==, up);
    }
  }
  g_assert_cmpuint (rows->len, ==, n);
}

/* As many as there may be: a chain, a comb, trees of all shapes, and one too many. */
static void
test_many (void)
{
  const guint n = LODGE_SNAPSHOT_MAX_ROWS;
  guint left_out = 0;

  for (guint shape = 0; shape < 6; shape++) {
    g_autoptr (GPtrArray) rows = NULL;
    List list;

    list_init (&list);
    for (guint i = 0; i < n; i++) {
      guint parent = i;

      if (i > 0 && shape == 0)
        parent = i - 1;
      else if (i > 0 && shape == 1)
        parent = (i - 1) / 2;
      else if (i > 0 && shape == 2)
        parent = i % 2 == 0 ? i - 2 : i - 1;
      else if (i > 0)
        parent =
            (guint) g_test_rand_int_range (shape % 2 == 0 ? (gint32) (i * 3 / 4) : 0, (gint32) i);
      add_numbered (&list, i, parent, i == n / 3);
    }
    rows = list_layout (&list, &left_out);
    g_assert_cmpuint (left_out, ==, 0);
    assert_sane (rows, n + 1);
  }

  /* Parents at random: circles, and roots. */
  for (guint round = 0; round < 4; round++) {
    g_autoptr (GPtrArray) rows = NULL;
    List list;

    list_init (&list);
    for (guint i = 0; i < n + 7; i++)
      add_numbered (&list, i, (guint) g_test_rand_int_range (0, (gint32) n + 100), i == n + 3);
    rows = list_layout (&list, &left_out);
    g_assert_cmpuint (left_out, ==, 7);
    /* The present goes on from one that is not shown: where it stands cannot be, either. */
    assert_sane (rows, n);
  }
}

static void
test_names (void)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_utc ();
  g_autoptr (GDateTime) now = g_date_time_new (zone, 2026, 3, 1, 9, 5, 0);
  g_autoptr (GPtrArray) empty = layout ("");
  g_autoptr (GPtrArray) rows = NULL;
  g_autofree char *first = lodge_snapshot_tree_propose_name (empty, now);
  g_autofree char *third = NULL;
  List list;

  g_assert_cmpstr (first, ==, "2026-03-01 09:05");
  list_init (&list);
  list_add (&list, "2026-03-01 09:05", "", FALSE);
  list_add (&list, "2026-03-01 09:05 (2)", "", TRUE);
  rows = list_layout (&list, NULL);
  third = lodge_snapshot_tree_propose_name (rows, now);
  g_assert_cmpstr (third, ==, "2026-03-01 09:05 (3)");
  g_assert_true (lodge_snapshot_tree_has_name (rows, first));
  /* The present has no name, and is no snapshot. */
  g_assert_false (lodge_snapshot_tree_has_name (rows, ""));
  g_assert_null (lodge_snapshot_tree_find (rows, ""));
  g_assert_nonnull (lodge_snapshot_tree_find (rows, first));
}

static void
assert_time (gint64 created, GDateTime *now, const char *words)
{
  g_autofree char *text = lodge_snapshot_format_time (created, now);

  g_assert_cmpstr (text, ==, words);
}

static void
test_times (void)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_offset (3600);
  g_autoptr (GDateTime) now = g_date_time_new (zone, 2026, 3, 1, 0, 30, 0);
  const gint64 seconds = g_date_time_to_unix (now);

  assert_time (seconds, now, "Today, 00:30");
  assert_time (seconds - 3600, now, "Yesterday, 23:30");
  assert_time (seconds - 2 * 86400, now, "27 February 2026, 00:30");
  assert_time (seconds + 86400, now, "2 March 2026, 00:30");
  assert_time (G_MAXINT64, now, "");
  assert_time (G_MININT64, now, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/snapshot-tree/chain", test_chain);
  g_test_add_func ("/snapshot-tree/branches", test_branches);
  g_test_add_func ("/snapshot-tree/roots", test_roots);
  g_test_add_func ("/snapshot-tree/present", test_present);
  g_test_add_func ("/snapshot-tree/hostile", test_hostile);
  g_test_add_func ("/snapshot-tree/many", test_many);
  g_test_add_func ("/snapshot-tree/names", test_names);
  g_test_add_func ("/snapshot-tree/times", test_times);
  return g_test_run ();
}
