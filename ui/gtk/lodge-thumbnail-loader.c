/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fetches the pictures of those machines whose cards are on screen, a few at a time. */
#include "gtk/lodge-thumbnail-loader.h"

#include "gtk/lodge-guest-picture.h"

#define MAX_IN_FLIGHT 4

struct _LodgeThumbnailLoader {
  GObject parent_instance;

  LodgeConnection *connection;
  GHashTable *wanted; /* item (owned) */
  GQueue waiting;     /* of items (owned) in the order they came on screen */
  GHashTable *flying; /* item, owned by its Fetch */
};

G_DEFINE_FINAL_TYPE (LodgeThumbnailLoader, lodge_thumbnail_loader, G_TYPE_OBJECT)

typedef struct {
  LodgeThumbnailLoader *self; /* owned: a fetch is short */
  LodgeMachineItem *item;     /* owned */
  guint64 serial;
  gboolean gone; /* the connection broke */
} Fetch;

static void pump (LodgeThumbnailLoader *self);

static void
enqueue (LodgeThumbnailLoader *self, LodgeMachineItem *item)
{
  const guint64 serial = lodge_machine_item_get_thumbnail_serial (item);

  if (serial == 0 || serial == lodge_machine_item_get_fetched_serial (item) ||
      g_hash_table_contains (self->flying, item) || g_queue_find (&self->waiting, item) != NULL)
    return;

  g_queue_push_tail (&self->waiting, g_object_ref (item));
  pump (self);
}

static void
fetch_end (Fetch *fetch, GdkTexture *texture)
{
  g_autoptr (LodgeThumbnailLoader) self = fetch->self;
  g_autoptr (LodgeMachineItem) item = fetch->item;
  const gboolean gone = fetch->gone;

  g_hash_table_remove (self->flying, item);
  /* Without a picture the old one stays, and this serial is not asked for again: but where the
   * engine went away, the next one is asked. */
  if (!fetch->gone && lodge_machine_item_get_thumbnail_serial (item) != 0)
    lodge_machine_item_set_thumbnail (
        item, texture != NULL ? GDK_PAINTABLE (texture) : lodge_machine_item_get_thumbnail (item),
        fetch->serial);
  g_free (fetch);

  if (!gone && g_hash_table_contains (self->wanted, item))
    enqueue (self, item);
  pump (self);
}

static void
decoded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GdkTexture) texture = lodge_guest_picture_decode_finish (result);

  fetch_end (user_data, texture);
}

static void
fetched_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fetch *fetch = user_data;
  /* A machine that has gone, or an engine that has: the card shows what it had. */
  g_autoptr (GVariant) answer =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autoptr (GVariant) array = NULL;

  if (answer == NULL) {
    fetch->gone = g_dbus_connection_is_closed (G_DBUS_CONNECTION (source));
    fetch_end (fetch, NULL);
    return;
  }

  array = g_variant_get_child_value (answer, 0);
  lodge_guest_picture_decode_async (array, decoded_cb, fetch);
}

/* Without a proxy: that would fetch every property of a machine of which only this is needed. */
static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fetch *fetch = user_data;
  g_autoptr (GVariant) answer =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  const char *path;

  if (answer == NULL) {
    fetch->gone = g_dbus_connection_is_closed (G_DBUS_CONNECTION (source));
    fetch_end (fetch, NULL);
    return;
  }

  g_variant_get (answer, "(&o)", &path);
  g_dbus_connection_call (G_DBUS_CONNECTION (source), NULL, path, "org.lodgevm.Machine1",
                          "GetThumbnail", NULL, G_VARIANT_TYPE ("(ay)"), G_DBUS_CALL_FLAGS_NONE, -1,
                          NULL, fetched_cb, fetch);
}

static void
pump (LodgeThumbnailLoader *self)
{
  LodgeClient *client =
      self->connection != NULL ? lodge_connection_get_client (self->connection) : NULL;

  while (client != NULL && g_hash_table_size (self->flying) < MAX_IN_FLIGHT) {
    g_autoptr (LodgeMachineItem) item = g_queue_pop_head (&self->waiting);
    Fetch *fetch;

    if (item == NULL)
      return;

    fetch = g_new0 (Fetch, 1);
    fetch->self = g_object_ref (self);
    fetch->serial = lodge_machine_item_get_thumbnail_serial (item);
    fetch->item = g_object_ref (item);
    g_hash_table_add (self->flying, item);
    g_dbus_connection_call (
        lodge_client_get_connection (client), NULL, LODGE_CLIENT_ENGINE_PATH, "org.lodgevm.Engine1",
        "OpenMachine", g_variant_new ("(s)", lodge_machine_item_get_uuid (item)),
        G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, opened_cb, fetch);
  }
}

static void
serial_cb (LodgeMachineItem *item, GParamSpec *pspec, LodgeThumbnailLoader *self)
{
  enqueue (self, item);
}

static void
client_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeThumbnailLoader *self)
{
  GHashTableIter iter;
  gpointer item;

  if (lodge_connection_get_client (connection) == NULL)
    return;

  g_hash_table_iter_init (&iter, self->wanted);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    enqueue (self, item);
  pump (self);
}

static void
lodge_thumbnail_loader_dispose (GObject *object)
{
  LodgeThumbnailLoader *self = LODGE_THUMBNAIL_LOADER (object);
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, self->wanted);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    g_signal_handlers_disconnect_by_data (item, self);
  g_hash_table_remove_all (self->wanted);
  g_queue_clear_full (&self->waiting, g_object_unref);
  g_clear_object (&self->connection);

  G_OBJECT_CLASS (lodge_thumbnail_loader_parent_class)->dispose (object);
}

static void
lodge_thumbnail_loader_finalize (GObject *object)
{
  LodgeThumbnailLoader *self = LODGE_THUMBNAIL_LOADER (object);

  g_hash_table_unref (self->wanted);
  g_hash_table_unref (self->flying);

  G_OBJECT_CLASS (lodge_thumbnail_loader_parent_class)->finalize (object);
}

static void
lodge_thumbnail_loader_class_init (LodgeThumbnailLoaderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = lodge_thumbnail_loader_dispose;
  object_class->finalize = lodge_thumbnail_loader_finalize;
}

static void
lodge_thumbnail_loader_init (LodgeThumbnailLoader *self)
{
  self->wanted = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->flying = g_hash_table_new (NULL, NULL);
  g_queue_init (&self->waiting);
}

LodgeThumbnailLoader *
lodge_thumbnail_loader_new (LodgeConnection *connection)
{
  LodgeThumbnailLoader *self = g_object_new (LODGE_TYPE_THUMBNAIL_LOADER, NULL);

  self->connection = g_object_ref (connection);
  g_signal_connect_object (connection, "notify::client", G_CALLBACK (client_cb), self, 0);
  return self;
}

void
lodge_thumbnail_loader_want (LodgeThumbnailLoader *self, LodgeMachineItem *item)
{
  if (!g_hash_table_contains (self->wanted, item)) {
    g_hash_table_add (self->wanted, g_object_ref (item));
    g_signal_connect (item, "notify::thumbnail-serial", G_CALLBACK (serial_cb), self);
  }
  enqueue (self, item);
}

void
lodge_thumbnail_loader_let_go (LodgeThumbnailLoader *self, LodgeMachineItem *item)
{
  GList *link = g_queue_find (&self->waiting, item);

  if (link != NULL) {
    g_queue_delete_link (&self->waiting, link);
    g_object_unref (item);
  }
  if (g_hash_table_contains (self->wanted, item)) {
    g_signal_handlers_disconnect_by_data (item, self);
    g_hash_table_remove (self->wanted, item);
  }
}
