/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A connection to the engine that is made again whenever it breaks.
 *
 *              open                   answered
 *     idle ----------> connecting ---------------> connected
 *                       ^      |                       |
 *            time is up |      | refused               | "closed"
 *              or retry |      v                       |
 *                       +--- waiting <-----------------+
 *
 * waiting: "problem" says why, a timer runs. connected: "client" is there, "problem" is NULL.
 */
#include "console/lodge-connection.h"

#include <glib/gi18n-lib.h>

/* The pause before each attempt doubles from the first to the last. */
#define FIRST_PAUSE_MS 250
#define LAST_PAUSE_MS  8000

struct _LodgeConnection {
  GObject parent_instance;

  LodgeClient *client;
  char *problem;
  GCancellable *cancellable; /* while connecting */
  guint timer;               /* while waiting */
  guint pause_ms;
};

G_DEFINE_FINAL_TYPE (LodgeConnection, lodge_connection, G_TYPE_OBJECT)

enum { PROP_0, PROP_CLIENT, PROP_PROBLEM, N_PROPS };
static GParamSpec *properties[N_PROPS];

static void attempt (LodgeConnection *self);

static void
set_problem (LodgeConnection *self, const char *problem)
{
  if (g_strcmp0 (self->problem, problem) == 0)
    return;

  g_free (self->problem);
  self->problem = g_strdup (problem);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PROBLEM]);
}

static gboolean
timer_cb (gpointer user_data)
{
  LodgeConnection *self = user_data;

  self->timer = 0;
  attempt (self);
  return G_SOURCE_REMOVE;
}

static void
wait_and_try (LodgeConnection *self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add (self->pause_ms, timer_cb, self);
  self->pause_ms = MIN (self->pause_ms * 2, LAST_PAUSE_MS);
}

static void
closed_cb (LodgeClient *client, LodgeConnection *self)
{
  if (client != self->client)
    return;

  g_signal_handlers_disconnect_by_func (client, closed_cb, self);
  set_problem (self, _ ("The Lodge engine has ended; trying to reach it again. Running machines "
                        "are not affected."));
  g_clear_object (&self->client);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLIENT]);
  self->pause_ms = FIRST_PAUSE_MS;
  wait_and_try (self);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree GWeakRef *weak = user_data;
  g_autoptr (LodgeConnection) self = g_weak_ref_get (weak);
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeClient) client = lodge_client_connect_finish (result, &error);

  g_weak_ref_clear (weak);
  if (self == NULL)
    return;

  g_clear_object (&self->cancellable);
  if (client == NULL) {
    set_problem (self, error->message);
    wait_and_try (self);
    return;
  }

  self->pause_ms = FIRST_PAUSE_MS;
  self->client = g_steal_pointer (&client);
  g_signal_connect_object (self->client, "closed", G_CALLBACK (closed_cb), self, 0);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_CLIENT]);
  set_problem (self, NULL);
}

static void
attempt (LodgeConnection *self)
{
  GWeakRef *weak;

  if (self->client != NULL || self->cancellable != NULL)
    return;

  g_clear_handle_id (&self->timer, g_source_remove);
  self->cancellable = g_cancellable_new ();
  /* An attempt may take seconds; a window that is closed meanwhile does not wait for it. */
  weak = g_new0 (GWeakRef, 1);
  g_weak_ref_init (weak, self);
  lodge_client_connect_async (LODGE_CLIENT_FLAGS_NONE, self->cancellable, connected_cb, weak);
}

static void
lodge_connection_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LodgeConnection *self = LODGE_CONNECTION (object);

  switch (id) {
  case PROP_CLIENT:
    g_value_set_object (value, self->client);
    break;
  case PROP_PROBLEM:
    g_value_set_string (value, self->problem);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_connection_dispose (GObject *object)
{
  LodgeConnection *self = LODGE_CONNECTION (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->client);
  g_clear_pointer (&self->problem, g_free);

  G_OBJECT_CLASS (lodge_connection_parent_class)->dispose (object);
}

static void
lodge_connection_class_init (LodgeConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = lodge_connection_get_property;
  object_class->dispose = lodge_connection_dispose;

  properties[PROP_CLIENT] = g_param_spec_object ("client", NULL, NULL, LODGE_TYPE_CLIENT, flags);
  properties[PROP_PROBLEM] = g_param_spec_string ("problem", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
lodge_connection_init (LodgeConnection *self)
{
  self->pause_ms = FIRST_PAUSE_MS;
}

LodgeConnection *
lodge_connection_new (void)
{
  return g_object_new (LODGE_TYPE_CONNECTION, NULL);
}

void
lodge_connection_open (LodgeConnection *self)
{
  g_return_if_fail (LODGE_IS_CONNECTION (self));

  if (self->timer == 0)
    attempt (self);
}

void
lodge_connection_retry (LodgeConnection *self)
{
  g_return_if_fail (LODGE_IS_CONNECTION (self));

  self->pause_ms = FIRST_PAUSE_MS;
  attempt (self);
}

LodgeClient *
lodge_connection_get_client (LodgeConnection *self)
{
  return self->client;
}

const char *
lodge_connection_get_problem (LodgeConnection *self)
{
  return self->problem;
}
