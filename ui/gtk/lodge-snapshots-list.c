/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list in the snapshots window: its rows, their pictures and the keys that work on them. */
#include "gtk/lodge-snapshots-window-private.h"

#include "gtk/lodge-guest-picture.h"
#include "gtk/lodge-snapshot-card.h"

#include <glib/gi18n-lib.h>

/* --- What is in it --- */

static const LodgeSnapshotRow *
get_row (LodgeSnapshotsWindow *self, guint position)
{
  g_autoptr (LodgeSnapshotItem) item = g_list_model_get_item (G_LIST_MODEL (self->items), position);

  return item != NULL ? lodge_snapshot_item_get_row (item) : NULL;
}

/* Only what differs is replaced: the rest keeps the keyboard's focus and its place. */
static void
replace_items (LodgeSnapshotsWindow *self)
{
  const guint n_old = g_list_model_get_n_items (G_LIST_MODEL (self->items));
  const guint n_new = self->rows->len;
  g_autoptr (GPtrArray) added = g_ptr_array_new_with_free_func (g_object_unref);
  guint same = 0, same_end = 0;

  while (same < MIN (n_old, n_new) &&
         lodge_snapshot_row_equal (get_row (self, same), self->rows->pdata[same]))
    same++;
  while (same + same_end < MIN (n_old, n_new) &&
         lodge_snapshot_row_equal (get_row (self, n_old - 1 - same_end),
                                   self->rows->pdata[n_new - 1 - same_end]))
    same_end++;
  for (guint i = same; i < n_new - same_end; i++) {
    LodgeSnapshotItem *item = lodge_snapshot_item_new (self->rows->pdata[i]);

    lodge_snapshot_item_set_thumbnail (
        item, g_hash_table_lookup (self->thumbnails, lodge_snapshot_item_get_row (item)->id));
    g_ptr_array_add (added, item);
  }
  g_list_store_splice (self->items, same, n_old - same - same_end, added->pdata, added->len);
}

/* A list view gives the focus to where it was last, at first to its first row. */
static void
focus_selected (LodgeSnapshotsWindow *self)
{
  gboolean found = FALSE;
  gpointer selected = gtk_single_selection_get_selected_item (self->selection);

  for (GtkWidget *child = gtk_widget_get_first_child (self->list); child != NULL;
       child = gtk_widget_get_next_sibling (child)) {
    GtkWidget *card = gtk_widget_get_first_child (child);

    if (card != NULL && LODGE_IS_SNAPSHOT_CARD (card) && selected != NULL &&
        lodge_snapshot_card_get_item (LODGE_SNAPSHOT_CARD (card)) == selected)
      found = gtk_widget_grab_focus (child);
  }
  /* It is out of sight. */
  if (!found)
    gtk_widget_grab_focus (self->list);
}

/* Once the rows have their sizes. */
static gboolean
scroll_cb (gpointer user_data)
{
  LodgeSnapshotsWindow *self = user_data;

  self->scroll_idle = 0;
  if (self->scroll)
    gtk_widget_activate_action (self->list, "list.scroll-to-item", "u",
                                gtk_single_selection_get_selected (self->selection));
  self->scroll = FALSE;
  if (self->focus_list)
    focus_selected (self);
  self->focus_list = FALSE;
  return G_SOURCE_REMOVE;
}

static void
scroll_soon (LodgeSnapshotsWindow *self)
{
  if (self->scroll_idle == 0)
    self->scroll_idle = g_idle_add_full (G_PRIORITY_LOW, scroll_cb, self, NULL);
}

void
lodge_snapshots_list_focus (LodgeSnapshotsWindow *self)
{
  self->focus_list = TRUE;
  scroll_soon (self);
}

/* @old: where it was. What has not moved is not looked for: the user may look at another. */
static void
select_row (LodgeSnapshotsWindow *self, const char *id, guint old)
{
  for (guint i = 0; i < self->rows->len; i++) {
    const LodgeSnapshotRow *row = self->rows->pdata[i];

    if (!g_str_equal (row->id, id))
      continue;
    gtk_single_selection_set_selected (self->selection, i);
    self->scroll = self->scroll || i != old;
    scroll_soon (self);
    return;
  }
}

void
lodge_snapshots_list_show (LodgeSnapshotsWindow *self, guint left_out)
{
  const guint selected = gtk_single_selection_get_selected (self->selection);
  const LodgeSnapshotRow *row = get_row (self, selected);
  const gboolean first = row == NULL;
  /* At first the present, whose id is "". */
  g_autofree char *id = g_strdup (row != NULL ? row->id : "");
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  const gboolean focused = focus != NULL && gtk_widget_is_ancestor (focus, self->list);

  replace_items (self);
  select_row (self, id, first ? GTK_INVALID_LIST_POSITION : selected);
  gtk_widget_set_visible (GTK_WIDGET (self->more_label), left_out > 0);
  if (left_out > 0) {
    g_autofree char *text =
        g_strdup_printf (ngettext ("and %u more", "and %u more", left_out), left_out);

    gtk_label_set_text (self->more_label, text);
  }
  lodge_snapshots_window_update (self);
  self->focus_list = self->focus_list || first || focused;
}

void
lodge_snapshots_list_clear (LodgeSnapshotsWindow *self)
{
  g_clear_handle_id (&self->scroll_idle, g_source_remove);
}

/* --- Thumbnails --- */

typedef struct {
  LodgeSnapshotsWindow *window; /* owned */
  LodgeSnapshotItem *item;      /* owned */
} Fetch;

static void
fetch_free (Fetch *fetch)
{
  g_object_unref (fetch->window);
  g_object_unref (fetch->item);
  g_free (fetch);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fetch, fetch_free)

static void
decoded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Fetch) fetch = user_data;
  g_autoptr (GdkTexture) texture = lodge_guest_picture_decode_finish (result);
  LodgeSnapshotsWindow *self = fetch->window;
  const char *id = lodge_snapshot_item_get_row (fetch->item)->id;

  if (texture == NULL || self->base.connection == NULL)
    return;
  g_hash_table_insert (self->thumbnails, g_strdup (id), g_object_ref (texture));
  /* The row may have another item by now. */
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++) {
    g_autoptr (LodgeSnapshotItem) item = g_list_model_get_item (G_LIST_MODEL (self->items), i);

    if (g_str_equal (lodge_snapshot_item_get_row (item)->id, id))
      lodge_snapshot_item_set_thumbnail (item, GDK_PAINTABLE (texture));
  }
}

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Fetch) fetch = user_data;
  g_autoptr (GVariant) png = NULL;

  /* Without a picture there is none. */
  if (lodge_machine1_call_get_snapshot_thumbnail_finish (LODGE_MACHINE1 (source), &png, result,
                                                         NULL))
    lodge_guest_picture_decode_async (png, decoded_cb, g_steal_pointer (&fetch));
}

static void
want_thumbnail (LodgeSnapshotsWindow *self, LodgeSnapshotItem *item)
{
  const LodgeSnapshotRow *row = lodge_snapshot_item_get_row (item);
  Fetch *fetch;

  if (!row->thumbnail || self->base.machine == NULL ||
      !g_hash_table_add (self->asked, g_strdup (row->id)))
    return;
  fetch = g_new0 (Fetch, 1);
  fetch->window = g_object_ref (self);
  fetch->item = g_object_ref (item);
  lodge_machine1_call_get_snapshot_thumbnail (self->base.machine, row->id, NULL, fetched_cb, fetch);
}

/* --- Rows --- */

static void
setup_cb (GtkSignalListItemFactory *factory, GtkListItem *list_item, LodgeSnapshotsWindow *self)
{
  gtk_list_item_set_child (list_item, lodge_snapshot_card_new ());
}

static void
bind_cb (GtkSignalListItemFactory *factory, GtkListItem *list_item, LodgeSnapshotsWindow *self)
{
  LodgeSnapshotItem *item = gtk_list_item_get_item (list_item);
  GtkWidget *card = gtk_list_item_get_child (list_item);

  lodge_snapshot_card_set_item (LODGE_SNAPSHOT_CARD (card), item);
  /* What has the keyboard is the cell around the card. */
  gtk_accessible_update_relation (GTK_ACCESSIBLE (gtk_widget_get_parent (card)),
                                  GTK_ACCESSIBLE_RELATION_LABELLED_BY, card, NULL,
                                  GTK_ACCESSIBLE_RELATION_DESCRIBED_BY, card, NULL, -1);
  want_thumbnail (self, item);
}

static void
unbind_cb (GtkSignalListItemFactory *factory, GtkListItem *list_item, LodgeSnapshotsWindow *self)
{
  GtkWidget *card = gtk_list_item_get_child (list_item);

  if (card != NULL)
    lodge_snapshot_card_set_item (LODGE_SNAPSHOT_CARD (card), NULL);
}

/* Enter, or two clicks. */
static void
activate_cb (GtkListView *list, guint position, LodgeSnapshotsWindow *self)
{
  const LodgeSnapshotRow *row = get_row (self, position);

  if (row != NULL && !row->present)
    gtk_widget_activate_action (GTK_WIDGET (self), "snapshots.go-back", "s", row->id);
}

/* The row that has the keyboard. */
static LodgeSnapshotCard *
get_focused_card (LodgeSnapshotsWindow *self)
{
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  GtkWidget *child = focus != NULL ? gtk_widget_get_first_child (focus) : NULL;

  return child != NULL && LODGE_IS_SNAPSHOT_CARD (child) ? LODGE_SNAPSHOT_CARD (child) : NULL;
}

static gboolean
menu_key_cb (GtkWidget *widget, GVariant *args, gpointer user_data)
{
  LodgeSnapshotCard *card = get_focused_card (LODGE_SNAPSHOTS_WINDOW (widget));

  if (card == NULL)
    return GDK_EVENT_PROPAGATE;
  lodge_snapshot_card_popup_menu (card);
  return GDK_EVENT_STOP;
}

/* @args: the action's name */
static gboolean
action_key_cb (GtkWidget *widget, GVariant *args, gpointer user_data)
{
  LodgeSnapshotCard *card = get_focused_card (LODGE_SNAPSHOTS_WINDOW (widget));
  LodgeSnapshotItem *item = card != NULL ? lodge_snapshot_card_get_item (card) : NULL;
  const char *action;

  if (item == NULL || lodge_snapshot_item_get_row (item)->present)
    return GDK_EVENT_PROPAGATE;
  g_variant_get (args, "(&s)", &action);
  gtk_widget_activate_action (widget, action, "s", lodge_snapshot_item_get_row (item)->id);
  return GDK_EVENT_STOP;
}

/* --- Life --- */

void
lodge_snapshots_list_class_init (GtkWidgetClass *widget_class)
{
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Menu, 0, menu_key_cb, NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_F10, GDK_SHIFT_MASK, menu_key_cb, NULL);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Delete, 0, action_key_cb, "(s)",
                                "snapshots.delete");
  gtk_widget_class_add_binding (widget_class, GDK_KEY_F2, 0, action_key_cb, "(s)",
                                "snapshots.describe");
}

GtkWidget *
lodge_snapshots_list_init (LodgeSnapshotsWindow *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  self->thumbnails = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->items = g_list_store_new (LODGE_TYPE_SNAPSHOT_ITEM);
  self->selection = gtk_single_selection_new (g_object_ref (G_LIST_MODEL (self->items)));
  g_signal_connect_object (factory, "setup", G_CALLBACK (setup_cb), self, 0);
  g_signal_connect_object (factory, "bind", G_CALLBACK (bind_cb), self, 0);
  g_signal_connect_object (factory, "unbind", G_CALLBACK (unbind_cb), self, 0);
  self->list = gtk_list_view_new (g_object_ref (GTK_SELECTION_MODEL (self->selection)), factory);
  gtk_widget_add_css_class (self->list, "snapshots");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Snapshots"), -1);
  g_signal_connect (self->list, "activate", G_CALLBACK (activate_cb), self);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scrolled), GTK_POLICY_NEVER,
                                  GTK_POLICY_AUTOMATIC);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), self->list);
  gtk_widget_set_vexpand (scrolled, TRUE);
  return scrolled;
}

void
lodge_snapshots_list_finalize (LodgeSnapshotsWindow *self)
{
  g_hash_table_unref (self->thumbnails);
  g_hash_table_unref (self->asked);
  g_object_unref (self->items);
  g_object_unref (self->selection);
}
