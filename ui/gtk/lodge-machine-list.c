/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machines of the engine as a GListModel of LodgeMachineItem, kept by its signals. */
#include "gtk/lodge-machine-list.h"

#include "gtk/lodge-machine-jobs.h"

struct _LodgeMachineList {
  GObject parent_instance;

  LodgeConnection *connection;
  LodgeEngine1 *engine; /* the one whose signals are heard; NULL while there is none */
  GCancellable *cancellable;
  GPtrArray *items;
  GHashTable *by_uuid; /* uuid (of the item) -> position + 1 */
  /* What the signals said before the list's own answer was handled; newer than that answer. */
  GHashTable *early;      /* uuid -> row, or NULL when removed */
  LodgeMachineJobs *jobs; /* of the engine, once its machines are listed */
  gboolean loaded;
  char *problem;
};

static void list_model_iface_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LodgeMachineList,
                               lodge_machine_list,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_iface_init))

enum { PROP_0, PROP_LOADED, PROP_PROBLEM, N_PROPS };
static GParamSpec *properties[N_PROPS];

static GType
get_item_type (GListModel *model)
{
  return LODGE_TYPE_MACHINE_ITEM;
}

static guint
get_n_items (GListModel *model)
{
  return LODGE_MACHINE_LIST (model)->items->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  LodgeMachineList *self = LODGE_MACHINE_LIST (model);

  return position < self->items->len ? g_object_ref (g_ptr_array_index (self->items, position))
                                     : NULL;
}

static void
list_model_iface_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
index_from (LodgeMachineList *self, guint position)
{
  for (guint i = position; i < self->items->len; i++) {
    LodgeMachineItem *item = g_ptr_array_index (self->items, i);
    g_hash_table_insert (self->by_uuid, (gpointer) lodge_machine_item_get_uuid (item),
                         GUINT_TO_POINTER (i + 1));
  }
}

static void
set_problem (LodgeMachineList *self, const char *problem)
{
  if (g_strcmp0 (self->problem, problem) == 0)
    return;

  g_free (self->problem);
  self->problem = g_strdup (problem);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROBLEM]);
}

void
lodge_machine_list_put (LodgeMachineList *self, GVariant *row)
{
  const char *uuid;
  guint place;

  g_variant_get_child (row, 0, "&s", &uuid);
  place = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_uuid, uuid));
  if (place == 0) {
    g_ptr_array_add (self->items, lodge_machine_item_new (row));
    index_from (self, self->items->len - 1);
    g_list_model_items_changed (G_LIST_MODEL (self), self->items->len - 1, 0, 1);
  } else {
    LodgeMachineItem *item = g_ptr_array_index (self->items, place - 1);
    g_autofree char *old_name = g_strdup (lodge_machine_item_get_name (item));

    lodge_machine_item_update (item, row);
    /* A new name is a new place in the sorted view, and maybe a new answer to a search. */
    if (g_strcmp0 (old_name, lodge_machine_item_get_name (item)) != 0)
      g_list_model_items_changed (G_LIST_MODEL (self), place - 1, 1, 1);
  }
}

void
lodge_machine_list_take_out (LodgeMachineList *self, const char *uuid)
{
  guint place = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_uuid, uuid));

  if (place == 0)
    return;

  g_hash_table_remove (self->by_uuid, uuid);
  g_ptr_array_remove_index (self->items, place - 1);
  index_from (self, place - 1);
  g_list_model_items_changed (G_LIST_MODEL (self), place - 1, 1, 0);
}

static void
changed_cb (LodgeEngine1 *engine, GVariant *row, LodgeMachineList *self)
{
  const char *uuid;

  g_variant_get_child (row, 0, "&s", &uuid);
  if (self->early != NULL)
    g_hash_table_insert (self->early, g_strdup (uuid), g_variant_ref (row));
  else
    lodge_machine_list_put (self, row);
}

static void
removed_cb (LodgeEngine1 *engine, const char *uuid, LodgeMachineList *self)
{
  if (self->early != NULL)
    g_hash_table_insert (self->early, g_strdup (uuid), NULL);
  else
    lodge_machine_list_take_out (self, uuid);
}

/* Machines that are in both lists keep their item, so that a card keeps its picture and focus. */
static void
take_rows (LodgeMachineList *self, GVariant *rows)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) fresh = g_ptr_array_new_with_free_func (g_object_unref);
  const guint n_rows = g_variant_n_children (rows);
  guint old_length;

  for (guint i = 0; i < n_rows; i++) {
    g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
    LodgeMachineItem *item;
    const char *uuid;

    g_variant_get_child (row, 0, "&s", &uuid);
    item = lodge_machine_list_find (self, uuid);
    if (item != NULL) {
      lodge_machine_list_put (self, row);
      g_hash_table_add (seen, (gpointer) lodge_machine_item_get_uuid (item));
    } else if (!g_hash_table_contains (seen, uuid)) {
      item = lodge_machine_item_new (row);
      g_hash_table_add (seen, (gpointer) lodge_machine_item_get_uuid (item));
      g_ptr_array_add (fresh, item);
    }
  }

  for (guint i = self->items->len; i > 0; i--) {
    const char *uuid = lodge_machine_item_get_uuid (g_ptr_array_index (self->items, i - 1));
    if (!g_hash_table_contains (seen, uuid))
      lodge_machine_list_take_out (self, uuid);
  }

  old_length = self->items->len;
  for (guint i = 0; i < fresh->len; i++)
    g_ptr_array_add (self->items, g_object_ref (g_ptr_array_index (fresh, i)));
  index_from (self, old_length);
  if (fresh->len > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), old_length, 0, fresh->len);
}

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeMachineList) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) rows = NULL;
  g_autoptr (GHashTable) early = NULL;
  GHashTableIter iter;
  gpointer uuid, row;

  if (!lodge_engine1_call_list_machines_finish (LODGE_ENGINE1 (source), &rows, result, &error)) {
    if (LODGE_ENGINE1 (source) == self->engine) {
      g_dbus_error_strip_remote_error (error);
      set_problem (self, error->message);
    }
    return;
  }

  if (LODGE_ENGINE1 (source) != self->engine)
    return;

  take_rows (self, rows);
  early = g_steal_pointer (&self->early);
  g_hash_table_iter_init (&iter, early);
  while (g_hash_table_iter_next (&iter, &uuid, &row)) {
    if (row != NULL)
      lodge_machine_list_put (self, row);
    else
      lodge_machine_list_take_out (self, uuid);
  }

  self->jobs = lodge_machine_jobs_new (self, self->engine);
  set_problem (self, NULL);
  if (!self->loaded) {
    self->loaded = TRUE;
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOADED]);
  }
}

static void
free_row (gpointer row)
{
  if (row != NULL)
    g_variant_unref (row);
}

static void
leave_engine (LodgeMachineList *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->jobs, lodge_machine_jobs_free);
  if (self->engine != NULL)
    g_signal_handlers_disconnect_by_data (self->engine, self);
  g_clear_object (&self->engine);
  g_clear_pointer (&self->early, g_hash_table_unref);
}

static void
client_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeMachineList *self)
{
  LodgeClient *client = lodge_connection_get_client (connection);

  leave_engine (self);
  if (client == NULL)
    return;

  /* First the signals, then the question: nothing that happens in between is lost. */
  self->engine = g_object_ref (lodge_client_get_engine (client));
  self->early = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_row);
  self->cancellable = g_cancellable_new ();
  g_signal_connect_object (self->engine, "machine-changed", G_CALLBACK (changed_cb), self, 0);
  g_signal_connect_object (self->engine, "machine-removed", G_CALLBACK (removed_cb), self, 0);
  lodge_engine1_call_list_machines (self->engine, self->cancellable, listed_cb,
                                    g_object_ref (self));
}

static void
lodge_machine_list_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LodgeMachineList *self = LODGE_MACHINE_LIST (object);

  switch (id) {
  case PROP_LOADED:
    g_value_set_boolean (value, self->loaded);
    break;
  case PROP_PROBLEM:
    g_value_set_string (value, self->problem);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_machine_list_dispose (GObject *object)
{
  LodgeMachineList *self = LODGE_MACHINE_LIST (object);

  leave_engine (self);
  g_clear_object (&self->connection);

  G_OBJECT_CLASS (lodge_machine_list_parent_class)->dispose (object);
}

static void
lodge_machine_list_finalize (GObject *object)
{
  LodgeMachineList *self = LODGE_MACHINE_LIST (object);

  g_hash_table_unref (self->by_uuid);
  g_ptr_array_unref (self->items);
  g_free (self->problem);

  G_OBJECT_CLASS (lodge_machine_list_parent_class)->finalize (object);
}

static void
lodge_machine_list_class_init (LodgeMachineListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = lodge_machine_list_get_property;
  object_class->dispose = lodge_machine_list_dispose;
  object_class->finalize = lodge_machine_list_finalize;

  properties[PROP_LOADED] = g_param_spec_boolean ("loaded", NULL, NULL, FALSE, flags);
  properties[PROP_PROBLEM] = g_param_spec_string ("problem", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
lodge_machine_list_init (LodgeMachineList *self)
{
  self->items = g_ptr_array_new_with_free_func (g_object_unref);
  self->by_uuid = g_hash_table_new (g_str_hash, g_str_equal);
}

LodgeMachineList *
lodge_machine_list_new (LodgeConnection *connection)
{
  LodgeMachineList *self = g_object_new (LODGE_TYPE_MACHINE_LIST, NULL);

  self->connection = g_object_ref (connection);
  g_signal_connect_object (connection, "notify::client", G_CALLBACK (client_cb), self, 0);
  client_cb (connection, NULL, self);
  return self;
}

gboolean
lodge_machine_list_get_loaded (LodgeMachineList *self)
{
  return self->loaded;
}

const char *
lodge_machine_list_get_problem (LodgeMachineList *self)
{
  return self->problem;
}

LodgeMachineItem *
lodge_machine_list_find (LodgeMachineList *self, const char *uuid)
{
  const guint place = GPOINTER_TO_UINT (g_hash_table_lookup (self->by_uuid, uuid));

  return place > 0 ? g_ptr_array_index (self->items, place - 1) : NULL;
}
