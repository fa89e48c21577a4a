/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a clone is made of: the machine as it is now, or one of its snapshots. */
#include "gtk/lodge-clone-from-row.h"

#include "console/lodge-snapshot-tree.h"
#include "gtk/lodge-menu-tooltip.h"

#include <glib/gi18n-lib.h>

/* Of a snapshot's name: in the list, and of the one that is chosen. */
#define NAME_CHARS   32
#define CHOSEN_CHARS 24
/* Between a name and a time in a model of strings; in no name. */
#define SEPARATOR "\n"

struct _LodgeCloneFromRow {
  AdwActionRow parent_instance;

  GtkDropDown *choice;
  GtkStringList *names; /* the present, and the snapshots, newest first */
  GPtrArray *ids;       /* of the snapshots */
  LodgeMachine1 *machine;
  GCancellable *listing;
};

G_DEFINE_FINAL_TYPE (LodgeCloneFromRow, lodge_clone_from_row, ADW_TYPE_ACTION_ROW)

static guint changed_signal;

static void
changed (LodgeCloneFromRow *self)
{
  const char *obstacle = lodge_clone_from_row_get_obstacle (self);

  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), obstacle != NULL ? obstacle : "");
  gtk_widget_set_visible (GTK_WIDGET (self), self->ids->len > 0 || obstacle != NULL);
  g_signal_emit (self, changed_signal, 0);
}

static void
add_snapshot (LodgeCloneFromRow *self, GVariant *snapshot, GDateTime *now)
{
  const char *id = "", *name = "";
  gint64 created = 0;
  g_autofree char *time = NULL;
  g_autofree char *text = NULL;

  g_variant_lookup (snapshot, "id", "&s", &id);
  g_variant_lookup (snapshot, "name", "&s", &name);
  g_variant_lookup (snapshot, "created", "x", &created);
  time = lodge_snapshot_format_time (created, now);
  text = g_strconcat (name, SEPARATOR, *time != '\0' ? time : NULL, NULL);
  gtk_string_list_append (self->names, text);
  g_ptr_array_add (self->ids, g_strdup (id));
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeCloneFromRow) self = user_data;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autoptr (GVariant) snapshots = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *chosen = NULL;
  guint position = gtk_drop_down_get_selected (self->choice);

  /* Without an answer there is the present to choose. */
  if (!lodge_machine1_call_list_snapshots_finish (LODGE_MACHINE1 (source), &snapshots, result,
                                                  &error) ||
      self->machine == NULL)
    return;
  chosen = g_strdup (lodge_clone_from_row_get_snapshot (self));
  /* One that is gone is not replaced by what nobody has chosen. */
  if (chosen != NULL)
    position = GTK_INVALID_LIST_POSITION;
  g_ptr_array_set_size (self->ids, 0);
  gtk_string_list_splice (self->names, 1, g_list_model_get_n_items (G_LIST_MODEL (self->names)) - 1,
                          NULL);
  for (gsize i = g_variant_n_children (snapshots); i > 0; i--) {
    g_autoptr (GVariant) snapshot = g_variant_get_child_value (snapshots, i - 1);

    add_snapshot (self, snapshot, now);
  }
  for (guint i = 0; i < self->ids->len; i++) {
    if (g_strcmp0 (self->ids->pdata[i], chosen) == 0)
      position = i + 1;
  }
  gtk_drop_down_set_selected (self->choice, position);
  changed (self);
}

static void
list (LodgeCloneFromRow *self)
{
  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  self->listing = g_cancellable_new ();
  lodge_machine1_call_list_snapshots (self->machine, self->listing, listed_cb, g_object_ref (self));
}

static void
properties_cb (GDBusProxy *proxy,
               GVariant *properties,
               const char *const *invalidated,
               LodgeCloneFromRow *self)
{
  g_autoptr (GVariant) serial = g_variant_lookup_value (properties, "SnapshotSerial", NULL);
  g_autoptr (GVariant) state = g_variant_lookup_value (properties, "State", NULL);

  if (serial != NULL)
    list (self);
  else if (state != NULL)
    changed (self);
}

static void
selected_cb (LodgeCloneFromRow *self)
{
  if (self->machine != NULL)
    changed (self);
}

/* A list would be as wide as the longest name. */
static GtkWidget *
add_label (GtkWidget *box, const char *style, int n_chars)
{
  GtkLabel *label = GTK_LABEL (gtk_label_new (NULL));

  gtk_label_set_xalign (label, 0);
  gtk_label_set_ellipsize (label, PANGO_ELLIPSIZE_END);
  gtk_label_set_max_width_chars (label, n_chars);
  gtk_label_set_single_line_mode (label, TRUE);
  if (style != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (label), style);
  gtk_box_append (GTK_BOX (box), GTK_WIDGET (label));
  return GTK_WIDGET (label);
}

/* What is chosen: its name. */
static void
setup_cb (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  add_label (box, NULL, CHOSEN_CHARS);
  gtk_list_item_set_child (item, box);
}

/* In the list: a name, and the time below it, each in its own direction. */
static void
setup_in_list_cb (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *name = add_label (box, NULL, NAME_CHARS);

  gtk_label_set_width_chars (GTK_LABEL (name), NAME_CHARS);
  gtk_widget_add_css_class (add_label (box, "caption", NAME_CHARS), "dim-label");
  gtk_list_item_set_child (item, box);
}

static void
bind_cb (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  g_auto (GStrv) parts =
      g_strsplit (gtk_string_object_get_string (gtk_list_item_get_item (item)), SEPARATOR, 2);
  GtkWidget *name = gtk_widget_get_first_child (gtk_list_item_get_child (item));
  GtkWidget *time = gtk_widget_get_next_sibling (name);

  gtk_label_set_text (GTK_LABEL (name), parts[0]);
  lodge_tooltip_set (name, parts[0]);
  if (time == NULL)
    return;
  gtk_label_set_text (GTK_LABEL (time), parts[1] != NULL ? parts[1] : "");
  gtk_widget_set_visible (time, parts[1] != NULL);
}

static GtkListItemFactory *
make_factory (GCallback setup)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();

  g_signal_connect (factory, "setup", setup, NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cb), NULL);
  return factory;
}

static void
lodge_clone_from_row_dispose (GObject *object)
{
  LodgeCloneFromRow *self = LODGE_CLONE_FROM_ROW (object);

  lodge_clone_from_row_set_machine (self, NULL);
  G_OBJECT_CLASS (lodge_clone_from_row_parent_class)->dispose (object);
}

static void
lodge_clone_from_row_finalize (GObject *object)
{
  LodgeCloneFromRow *self = LODGE_CLONE_FROM_ROW (object);

  g_object_unref (self->names);
  g_ptr_array_unref (self->ids);
  G_OBJECT_CLASS (lodge_clone_from_row_parent_class)->finalize (object);
}

static void
lodge_clone_from_row_class_init (LodgeCloneFromRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = lodge_clone_from_row_dispose;
  G_OBJECT_CLASS (klass)->finalize = lodge_clone_from_row_finalize;
  changed_signal = g_signal_new ("changed", LODGE_TYPE_CLONE_FROM_ROW, G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 0);
}

static void
lodge_clone_from_row_init (LodgeCloneFromRow *self)
{
  g_autoptr (GtkListItemFactory) factory = make_factory (G_CALLBACK (setup_cb));
  g_autoptr (GtkListItemFactory) list_factory = make_factory (G_CALLBACK (setup_in_list_cb));
  GtkWidget *widget;

  self->ids = g_ptr_array_new_with_free_func (g_free);
  self->names = gtk_string_list_new ((const char *const[]){_ ("The machine as it is now"), NULL});
  widget = gtk_drop_down_new (g_object_ref (G_LIST_MODEL (self->names)), NULL);
  self->choice = GTK_DROP_DOWN (widget);
  gtk_drop_down_set_factory (self->choice, factory);
  gtk_drop_down_set_list_factory (self->choice, list_factory);
  gtk_widget_set_valign (widget, GTK_ALIGN_CENTER);
  g_signal_connect_object (widget, "notify::selected", G_CALLBACK (selected_cb), self,
                           G_CONNECT_SWAPPED);
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), _ ("From"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (widget), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("From"), -1);
  adw_action_row_add_suffix (ADW_ACTION_ROW (self), widget);
  adw_action_row_set_activatable_widget (ADW_ACTION_ROW (self), widget);
  /* Until there is something to choose. */
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

void
lodge_clone_from_row_set_machine (LodgeCloneFromRow *self, LodgeMachine1 *machine)
{
  g_return_if_fail (LODGE_IS_CLONE_FROM_ROW (self));

  g_cancellable_cancel (self->listing);
  g_clear_object (&self->listing);
  if (self->machine != NULL)
    g_signal_handlers_disconnect_by_data (self->machine, self);
  g_set_object (&self->machine, machine);
  if (machine == NULL)
    return;
  g_signal_connect (machine, "g-properties-changed", G_CALLBACK (properties_cb), self);
  list (self);
}

const char *
lodge_clone_from_row_get_snapshot (LodgeCloneFromRow *self)
{
  const guint selected = gtk_drop_down_get_selected (self->choice);

  return selected > 0 && selected <= self->ids->len ? self->ids->pdata[selected - 1] : NULL;
}

const char *
lodge_clone_from_row_get_obstacle (LodgeCloneFromRow *self)
{
  LodgeMachineState state;

  if (gtk_drop_down_get_selected (self->choice) == GTK_INVALID_LIST_POSITION)
    return _ ("The snapshot that was chosen is gone: choose again");
  if (self->machine == NULL || lodge_clone_from_row_get_snapshot (self) != NULL)
    return NULL;
  state = lodge_machine_state_from_text (lodge_machine1_get_state (self->machine));
  if ((lodge_machine_state_get_can (state) & LODGE_MACHINE_CAN_CLONE) != 0)
    return NULL;
  if (state == LODGE_MACHINE_STATE_SUSPENDED)
    return _ ("It is suspended: choose a snapshot, or resume it first");
  return _ ("It is on its way to another state: choose a snapshot, or wait until it is there");
}
