/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's snapshots as rows of a drawing. */
#include "console/lodge-snapshot-tree.h"

#include <glib/gi18n-lib.h>

#define NONE G_MAXUINT

/* --- Rows --- */

LodgeSnapshotRow *
lodge_snapshot_row_ref (LodgeSnapshotRow *self)
{
  return g_rc_box_acquire (self);
}

static void
row_clear (gpointer data)
{
  LodgeSnapshotRow *self = data;

  g_free (self->id);
  g_free (self->name);
  g_free (self->description);
  g_free (self->parent_name);
}

void
lodge_snapshot_row_unref (LodgeSnapshotRow *self)
{
  g_rc_box_release_full (self, row_clear);
}

gboolean
lodge_snapshot_row_equal (const LodgeSnapshotRow *a, const LodgeSnapshotRow *b)
{
  return a->present == b->present && g_strcmp0 (a->id, b->id) == 0 &&
         g_strcmp0 (a->name, b->name) == 0 && g_strcmp0 (a->description, b->description) == 0 &&
         a->created == b->created && a->bytes == b->bytes && a->shared_bytes == b->shared_bytes &&
         a->automatic == b->automatic && a->scheduled == b->scheduled && a->memory == b->memory &&
         a->thumbnail == b->thumbnail && a->current == b->current &&
         g_strcmp0 (a->parent_name, b->parent_name) == 0 && a->lane == b->lane &&
         a->through == b->through && a->above == b->above && a->branch == b->branch &&
         a->below == b->below && a->way == b->way;
}

static char *
dup_text (GVariant *snapshot, const char *key)
{
  char *text = NULL;

  return g_variant_lookup (snapshot, key, "s", &text) ? text : g_strdup ("");
}

static LodgeSnapshotRow *
row_new (GVariant *snapshot)
{
  LodgeSnapshotRow *row = g_rc_box_new0 (LodgeSnapshotRow);

  row->id = dup_text (snapshot, "id");
  row->name = dup_text (snapshot, "name");
  row->description = dup_text (snapshot, "description");
  g_variant_lookup (snapshot, "created", "x", &row->created);
  g_variant_lookup (snapshot, "bytes", "t", &row->bytes);
  g_variant_lookup (snapshot, "shared-bytes", "t", &row->shared_bytes);
  g_variant_lookup (snapshot, "automatic", "b", &row->automatic);
  g_variant_lookup (snapshot, "scheduled", "b", &row->scheduled);
  g_variant_lookup (snapshot, "memory", "b", &row->memory);
  g_variant_lookup (snapshot, "thumbnail", "b", &row->thumbnail);
  g_variant_lookup (snapshot, "current", "b", &row->current);
  return row;
}

static LodgeSnapshotRow *
present_new (void)
{
  LodgeSnapshotRow *row = g_rc_box_new0 (LodgeSnapshotRow);

  row->present = TRUE;
  row->id = g_strdup ("");
  row->name = g_strdup ("");
  row->description = g_strdup ("");
  return row;
}

/* --- The tree --- */

typedef struct {
  LodgeSnapshotRow *row; /* owned until it is in the result */
  char *parent_id;
  guint parent;
  guint first_child, last_child, next; /* siblings, in the order of their making */
  guint size;                          /* of its branch */
  gboolean leads_to_present;
  guint mark; /* of the walk that came by */
} Node;

static void
node_clear (gpointer data)
{
  Node *node = data;

  g_clear_pointer (&node->row, lodge_snapshot_row_unref);
  g_free (node->parent_id);
}

static Node *
get (GArray *nodes, guint index)
{
  return &g_array_index (nodes, Node, index);
}

static void
add_node (GArray *nodes, LodgeSnapshotRow *row, char *parent_id)
{
  Node node = {.row = row,
               .parent_id = parent_id,
               .parent = NONE,
               .first_child = NONE,
               .last_child = NONE,
               .next = NONE,
               .size = 1};

  g_array_append_val (nodes, node);
}

/* The present is a node too, the last one. */
static GArray *
read_nodes (GVariant *snapshots, GHashTable *by_id, guint *left_out)
{
  GArray *nodes = g_array_new (FALSE, FALSE, sizeof (Node));
  GVariantIter iter;
  GVariant *snapshot;
  guint current = NONE;
  gboolean current_lost = FALSE;

  g_array_set_clear_func (nodes, node_clear);
  g_variant_iter_init (&iter, snapshots);
  while ((snapshot = g_variant_iter_next_value (&iter)) != NULL) {
    G_GNUC_UNUSED g_autoptr (GVariant) owned = snapshot;
    g_autoptr (LodgeSnapshotRow) row = row_new (snapshot);

    /* Nothing could be asked of one that has no name of its own. */
    if (*row->id == '\0' || g_hash_table_contains (by_id, row->id))
      continue;
    if (nodes->len >= LODGE_SNAPSHOT_MAX_ROWS) {
      (*left_out)++;
      current_lost = current_lost || row->current;
      continue;
    }
    /* One present: the first that says so. */
    row->current = row->current && current == NONE;
    if (row->current)
      current = nodes->len;
    g_hash_table_insert (by_id, row->id, GUINT_TO_POINTER (nodes->len));
    add_node (nodes, g_steal_pointer (&row), dup_text (snapshot, "parent"));
  }
  if (nodes->len > 0 && (current != NONE || !current_lost)) {
    add_node (nodes, present_new (), NULL);
    get (nodes, nodes->len - 1)->parent = current;
  }
  return nodes;
}

/* A parent that is not there is none, and a circle is cut where it is first met. */
static void
find_parents (GArray *nodes, GHashTable *by_id)
{
  for (guint i = 0; i < nodes->len; i++) {
    Node *node = get (nodes, i);
    gpointer parent;

    if (node->parent_id != NULL &&
        g_hash_table_lookup_extended (by_id, node->parent_id, NULL, &parent))
      node->parent = GPOINTER_TO_UINT (parent);
  }
  for (guint i = 0; i < nodes->len; i++) {
    guint at = i;

    while (at != NONE && get (nodes, at)->mark == 0) {
      get (nodes, at)->mark = i + 1;
      if (get (nodes, at)->parent != NONE && get (nodes, get (nodes, at)->parent)->mark == i + 1)
        get (nodes, at)->parent = NONE;
      at = get (nodes, at)->parent;
    }
  }
}

/* Returns: the roots, in the order of their making, as a chain like any children. */
static guint
find_children (GArray *nodes)
{
  guint first = NONE, last = NONE;

  for (guint i = 0; i < nodes->len; i++) {
    Node *node = get (nodes, i);
    Node *parent = node->parent != NONE ? get (nodes, node->parent) : NULL;
    guint *first_place = parent != NULL ? &parent->first_child : &first;
    guint *last_place = parent != NULL ? &parent->last_child : &last;

    if (*last_place != NONE)
      get (nodes, *last_place)->next = i;
    else
      *first_place = i;
    *last_place = i;
  }
  return first;
}

static void
push_chain (GArray *stack, GArray *nodes, guint first)
{
  for (guint i = first; i != NONE; i = get (nodes, i)->next)
    g_array_append_val (stack, i);
}

/* Parents before their children, however deep: then from the end to the beginning. */
static void
measure (GArray *nodes, guint roots)
{
  g_autoptr (GArray) order = g_array_new (FALSE, FALSE, sizeof (guint));

  push_chain (order, nodes, roots);
  for (guint i = 0; i < order->len; i++)
    push_chain (order, nodes, get (nodes, g_array_index (order, guint, i))->first_child);
  for (guint i = order->len; i > 0; i--) {
    Node *node = get (nodes, g_array_index (order, guint, i - 1));

    node->leads_to_present = node->leads_to_present || node->row->present;
    if (node->parent == NONE)
      continue;
    get (nodes, node->parent)->size += node->size;
    if (node->leads_to_present)
      get (nodes, node->parent)->leads_to_present = TRUE;
  }
}

/* The child whose line goes straight on. */
static guint
choose_main (GArray *nodes, const Node *node)
{
  guint chosen = node->first_child;

  for (guint i = chosen; i != NONE; i = get (nodes, i)->next) {
    if (get (nodes, i)->leads_to_present)
      return i;
    if (get (nodes, i)->size >= get (nodes, chosen)->size)
      chosen = i;
  }
  return chosen;
}

static void
place_children (GArray *nodes, GArray *stack, const Node *node)
{
  const guint main_child = choose_main (nodes, node);
  guint first_pushed;

  if (main_child == NONE)
    return;
  /* Last in, first out: the main line is drawn after all that branches off. */
  g_array_append_val (stack, main_child);
  first_pushed = stack->len;
  for (guint i = node->first_child; i != NONE; i = get (nodes, i)->next) {
    LodgeSnapshotRow *row = get (nodes, i)->row;

    row->above = i == main_child;
    row->branch = !row->above;
    row->lane = node->row->lane + (row->branch ? 1 : 0);
    row->through = node->row->through | (row->branch ? 1u << node->row->lane : 0);
    row->way = node->row->way;
    if (row->branch)
      g_array_append_val (stack, i);
  }
  for (guint a = first_pushed, b = stack->len; a + 1 < b; a++) {
    const guint swapped = g_array_index (stack, guint, a);

    b--;
    g_array_index (stack, guint, a) = g_array_index (stack, guint, b);
    g_array_index (stack, guint, b) = swapped;
  }
}

/* Trees that have nothing in common stand below each other; the one with the present is last. */
static void
push_roots (GArray *stack, GArray *nodes, guint roots)
{
  g_autoptr (GArray) chain = g_array_new (FALSE, FALSE, sizeof (guint));

  push_chain (chain, nodes, roots);
  for (guint i = 0; i < chain->len; i++)
    if (get (nodes, g_array_index (chain, guint, i))->leads_to_present)
      g_array_append_val (stack, g_array_index (chain, guint, i));
  for (guint i = chain->len; i > 0; i--)
    if (!get (nodes, g_array_index (chain, guint, i - 1))->leads_to_present)
      g_array_append_val (stack, g_array_index (chain, guint, i - 1));
}

GPtrArray *
lodge_snapshot_tree_layout (GVariant *snapshots, guint *out_left_out)
{
  g_autoptr (GHashTable) by_id = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GArray) stack = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (GArray) nodes = NULL;
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) lodge_snapshot_row_unref);
  guint left_out = 0;
  guint roots;

  g_return_val_if_fail (g_variant_is_of_type (snapshots, G_VARIANT_TYPE ("aa{sv}")), rows);

  nodes = read_nodes (snapshots, by_id, &left_out);
  find_parents (nodes, by_id);
  roots = find_children (nodes);
  measure (nodes, roots);
  push_roots (stack, nodes, roots);
  while (stack->len > 0) {
    Node *node = get (nodes, g_array_index (stack, guint, stack->len - 1));

    g_array_set_size (stack, stack->len - 1);
    node->row->below = node->first_child != NONE;
    if (node->parent == NONE)
      node->row->way = node->leads_to_present;
    node->row->parent_name =
        g_strdup (node->parent != NONE ? get (nodes, node->parent)->row->name : "");
    place_children (nodes, stack, node);
    g_ptr_array_add (rows, lodge_snapshot_row_ref (node->row));
  }
  if (out_left_out != NULL)
    *out_left_out = left_out;
  return rows;
}

/* --- Names and times --- */

LodgeSnapshotRow *
lodge_snapshot_tree_find (GPtrArray *rows, const char *id)
{
  for (guint i = 0; i < rows->len; i++) {
    LodgeSnapshotRow *row = rows->pdata[i];

    if (!row->present && g_str_equal (row->id, id))
      return row;
  }
  return NULL;
}

gboolean
lodge_snapshot_tree_has_name (GPtrArray *rows, const char *name)
{
  for (guint i = 0; i < rows->len; i++) {
    const LodgeSnapshotRow *row = rows->pdata[i];

    if (!row->present && g_str_equal (row->name, name))
      return TRUE;
  }
  return FALSE;
}

char *
lodge_snapshot_tree_propose_name (GPtrArray *rows, GDateTime *now)
{
  /* Sorts by itself, and is what lodgectl gives too. */
  g_autofree char *time = g_date_time_format (now, "%Y-%m-%d %H:%M");
  g_autofree char *name = g_strdup (time);

  for (guint i = 2; lodge_snapshot_tree_has_name (rows, name); i++) {
    g_free (name);
    name = g_strdup_printf ("%s (%u)", time, i);
  }
  return g_steal_pointer (&name);
}

char *
lodge_snapshot_format_time (gint64 created, GDateTime *now)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (created);
  g_autoptr (GDateTime) then =
      utc != NULL ? g_date_time_to_timezone (utc, g_date_time_get_timezone (now)) : NULL;
  g_autoptr (GDateTime) yesterday = g_date_time_add_days (now, -1);
  const char *format;
  char *text;

  if (then == NULL)
    return g_strdup ("");
  if (g_date_time_get_year (then) == g_date_time_get_year (now) &&
      g_date_time_get_day_of_year (then) == g_date_time_get_day_of_year (now))
    /* Translators: a time of this day, for g_date_time_format(). */
    format = _ ("Today, %H:%M");
  else if (yesterday != NULL && g_date_time_get_year (then) == g_date_time_get_year (yesterday) &&
           g_date_time_get_day_of_year (then) == g_date_time_get_day_of_year (yesterday))
    /* Translators: a time of the day before, for g_date_time_format(). */
    format = _ ("Yesterday, %H:%M");
  else
    /* Translators: a date and a time, for g_date_time_format(). */
    format = _ ("%-d %B %Y, %H:%M");
  text = g_date_time_format (then, format);
  return text != NULL ? text : g_strdup ("");
}
