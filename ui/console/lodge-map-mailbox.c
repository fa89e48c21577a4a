/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What QEMU says to a listener. See the header.
 *
 * A message filter runs in GDBus's own thread, and may send (g_dbus_connection_add_filter()). It
 * takes every message, so none ever waits for the main loop.
 */
#include "console/lodge-map-mailbox.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <unistd.h>

#define LISTENER "org.qemu.Display1.Listener"
#define MAP      LISTENER ".Unix.Map"
#define PATH     "/org/qemu/Display1/Listener"

struct _LodgeMapMailbox {
  gatomicrefcount references; /* its owner, each filter, each source */
  GMutex lock;
  GMainContext *context;
  guint pause_us;
  LodgeMapNews news;  /* under the lock, and */
  gboolean full;      /* so is this: there are news */
  gboolean scheduled; /* and this: a source will tell */

  /* the owner's thread only */
  LodgeMapArrived arrived; /* NULL: nobody is there any more */
  gpointer user_data;
  gint64 last_us; /* when it was called */
};

static void
unref (gpointer data)
{
  LodgeMapMailbox *self = data;

  if (!g_atomic_ref_count_dec (&self->references))
    return;
  if (self->news.moved)
    close (self->news.scanout.fd);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static LodgeMapMailbox *
ref (LodgeMapMailbox *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

/* ---- places */

static gint64
get_area (const LodgeMapPlace *place)
{
  return (gint64) place->width * place->height;
}

static LodgeMapPlace
join (const LodgeMapPlace *a, const LodgeMapPlace *b)
{
  const gint64 right = MAX ((gint64) a->x + a->width, (gint64) b->x + b->width);
  const gint64 bottom = MAX ((gint64) a->y + a->height, (gint64) b->y + b->height);
  LodgeMapPlace both = {MIN (a->x, b->x), MIN (a->y, b->y), 0, 0};

  both.width = MIN (right - both.x, G_MAXINT);
  both.height = MIN (bottom - both.y, G_MAXINT);
  return both;
}

void
lodge_map_news_add (LodgeMapNews *self, const LodgeMapPlace *place)
{
  LodgeMapPlace all = *place;

  if (place->width < 1 || place->height < 1)
    return;
  for (guint i = 0; i < self->n_places; i++) {
    const LodgeMapPlace both = join (&self->places[i], place);

    /* Not much more than each alone. */
    if (get_area (&both) / 5 * 4 <= get_area (&self->places[i]) + get_area (place)) {
      self->places[i] = both;
      return;
    }
  }
  if (self->n_places < LODGE_MAP_PLACES) {
    self->places[self->n_places++] = *place;
    return;
  }
  for (guint i = 0; i < self->n_places; i++)
    all = join (&all, &self->places[i]);
  self->places[0] = all;
  self->n_places = 1;
}

/* ---- telling */

static gboolean tell_cb (gpointer data);

/* Under the lock. */
static void
schedule (LodgeMapMailbox *self, gint64 pause_us)
{
  g_autoptr (GSource) source = g_timeout_source_new ((pause_us + 999) / 1000);

  self->scheduled = TRUE;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, tell_cb, ref (self), unref);
  g_source_attach (source, self->context);
}

static gboolean
tell_cb (gpointer data)
{
  LodgeMapMailbox *self = data;
  const gint64 left_us = self->last_us + self->pause_us - g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  if (left_us > 0)
    schedule (self, left_us);
  else
    self->scheduled = FALSE;
  g_mutex_unlock (&self->lock);
  if (left_us <= 0 && self->arrived != NULL) {
    self->last_us = g_get_monotonic_time ();
    self->arrived (self->user_data);
  }
  return G_SOURCE_REMOVE;
}

/* Under the lock. */
static void
arrive (LodgeMapMailbox *self)
{
  self->full = TRUE;
  if (!self->scheduled)
    schedule (self, 0);
}

/* ---- GDBus's thread */

static void
end (LodgeMapMailbox *self)
{
  g_mutex_lock (&self->lock);
  self->news.ended = TRUE;
  arrive (self);
  g_mutex_unlock (&self->lock);
}

static void
take_scanout (LodgeMapMailbox *self, GDBusMessage *message, GVariant *body)
{
  GUnixFDList *list = g_dbus_message_get_unix_fd_list (message);
  LodgeMapScanout scanout = {.fd = -1};
  gint32 handle = -1;

  g_variant_get (body, "(huuuuu)", &handle, &scanout.offset, &scanout.width, &scanout.height,
                 &scanout.stride, &scanout.format);
  /* A copy: the list's own go with the message, and so do those that nobody asked for. */
  if (list != NULL && handle >= 0 && handle < g_unix_fd_list_get_length (list))
    scanout.fd = g_unix_fd_list_get (list, handle, NULL);
  if (scanout.fd < 0) {
    end (self);
    return;
  }

  g_mutex_lock (&self->lock);
  if (self->news.moved)
    close (self->news.scanout.fd);
  self->news.moved = TRUE;
  self->news.scanout = scanout;
  /* What changed in the one before is of no use any more. */
  self->news.n_places = 0;
  arrive (self);
  g_mutex_unlock (&self->lock);
}

static void
take_update (LodgeMapMailbox *self, GVariant *body)
{
  LodgeMapPlace place;

  g_variant_get (body, "(iiii)", &place.x, &place.y, &place.width, &place.height);
  g_mutex_lock (&self->lock);
  lodge_map_news_add (&self->news, &place);
  arrive (self);
  g_mutex_unlock (&self->lock);
}

/* FALSE: there is no such method here. */
static gboolean
take_call (LodgeMapMailbox *self, GDBusMessage *message)
{
  const char *interface = g_dbus_message_get_interface (message);
  const char *member = g_dbus_message_get_member (message);
  GVariant *body = g_dbus_message_get_body (message);
  const char *type = body != NULL ? g_variant_get_type_string (body) : "";

  if (g_strcmp0 (g_dbus_message_get_path (message), PATH) != 0)
    return FALSE;
  if (g_strcmp0 (interface, MAP) == 0 && g_strcmp0 (member, "ScanoutMap") == 0 &&
      g_str_equal (type, "(huuuuu)")) {
    take_scanout (self, message, body);
    return TRUE;
  }
  if (g_strcmp0 (interface, MAP) == 0 && g_strcmp0 (member, "UpdateMap") == 0 &&
      g_str_equal (type, "(iiii)")) {
    take_update (self, body);
    return TRUE;
  }
  if (g_strcmp0 (interface, LISTENER) != 0)
    return FALSE;
  /* The cursor is SPICE's. Whatever else there is, is a picture that is not to be mapped. */
  if (g_strcmp0 (member, "MouseSet") != 0 && g_strcmp0 (member, "CursorDefine") != 0)
    end (self);
  return TRUE;
}

static GDBusMessage *
filter_cb (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer data)
{
  LodgeMapMailbox *self = data;
  g_autoptr (GDBusMessage) answer = NULL;

  if (!incoming)
    return message;
  if (g_dbus_message_get_message_type (message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL) {
    if (take_call (self, message))
      answer = g_dbus_message_new_method_reply (message);
    else
      answer = g_dbus_message_new_method_error_literal (
          message, "org.freedesktop.DBus.Error.UnknownMethod", "There is no such method");
    if ((g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED) == 0)
      g_dbus_connection_send_message (connection, answer, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                      NULL);
  }
  g_object_unref (message);
  return NULL;
}

/* ---- its owner */

LodgeMapMailbox *
lodge_map_mailbox_new (guint pause_ms, LodgeMapArrived arrived, gpointer user_data)
{
  LodgeMapMailbox *self = g_new0 (LodgeMapMailbox, 1);

  g_atomic_ref_count_init (&self->references);
  g_mutex_init (&self->lock);
  self->context = g_main_context_ref_thread_default ();
  self->pause_us = pause_ms * 1000;
  self->arrived = arrived;
  self->user_data = user_data;
  return self;
}

void
lodge_map_mailbox_free (LodgeMapMailbox *self)
{
  self->arrived = NULL;
  unref (self);
}

void
lodge_map_mailbox_listen (LodgeMapMailbox *self, GDBusConnection *connection)
{
  g_dbus_connection_add_filter (connection, filter_cb, ref (self), unref);
}

gboolean
lodge_map_mailbox_take (LodgeMapMailbox *self, LodgeMapNews *out_news)
{
  gboolean full;

  g_mutex_lock (&self->lock);
  full = self->full;
  if (full)
    *out_news = self->news;
  self->full = FALSE;
  self->news = (LodgeMapNews){0};
  g_mutex_unlock (&self->lock);
  return full;
}
