/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer of a foreign server asks for before it shuts itself off. See the header. */
#include "sdl/lodge-viewer-reach.h"

#include "sdl/lodge-viewer-resolver.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>

/* For both; a resolver asks a server that is silent twice, for five seconds each. */
#define LIMIT_S 15

struct _LodgeViewerReach {
  char *host; /* NULL: a unix socket */
  LodgeSound *sound;
  GCancellable *cancellable; /* of the lookup; NULL once it is over */
  guint timeout_id;
  guint done_id;
  LodgeViewerReachFunc func;
  gpointer user_data;
};

static void
set_addresses (LodgeViewerReach *self, GList *addresses, const GError *error)
{
  g_autoptr (GResolver) resolver = lodge_viewer_resolver_new (self->host, addresses, error);

  g_resolver_set_default (resolver);
  g_clear_object (&self->cancellable);
}

static gboolean
done_cb (gpointer user_data)
{
  LodgeViewerReach *self = user_data;

  self->done_id = 0;
  self->func (self->user_data); /* which frees self */
  return G_SOURCE_REMOVE;
}

static gboolean
is_connecting (LodgeViewerReach *self)
{
  gboolean connecting = FALSE;

  if (self->sound != NULL)
    g_object_get (self->sound, "connecting", &connecting, NULL);
  return connecting;
}

static void
check (LodgeViewerReach *self)
{
  if (self->cancellable == NULL && !is_connecting (self) && self->done_id == 0)
    self->done_id = g_idle_add (done_cb, self);
}

static void
connecting_cb (LodgeSound *sound, GParamSpec *pspec, LodgeViewerReach *self)
{
  check (self);
}

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);
  LodgeViewerReach *self = user_data;

  /* Only what gives it up cancels it; self may be gone. */
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  set_addresses (self, addresses, error);
  g_resolver_free_addresses (addresses);
  check (self);
}

static gboolean
timeout_cb (gpointer user_data)
{
  LodgeViewerReach *self = user_data;

  self->timeout_id = 0;
  if (self->cancellable != NULL) {
    g_autoptr (GError) error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                                            /* Translators: the name of a computer */
                                            _ ("nobody answers who “%s” is"), self->host);

    g_cancellable_cancel (self->cancellable);
    set_addresses (self, NULL, error);
  }
  /* Without the sound, then. */
  if (self->sound != NULL)
    g_signal_handlers_disconnect_by_data (self->sound, self);
  g_clear_object (&self->sound);
  check (self);
  return G_SOURCE_REMOVE;
}

LodgeViewerReach *
lodge_viewer_reach_new (const LodgeConsoleAddress *address,
                        LodgeSound *sound,
                        LodgeViewerReachFunc func,
                        gpointer user_data)
{
  LodgeViewerReach *self = g_new0 (LodgeViewerReach, 1);

  self->host = g_strdup (address->host);
  self->func = func;
  self->user_data = user_data;
  self->timeout_id = g_timeout_add_seconds (LIMIT_S, timeout_cb, self);
  if (sound != NULL) {
    self->sound = g_object_ref (sound);
    g_signal_connect (sound, "notify::connecting", G_CALLBACK (connecting_cb), self);
    lodge_sound_connect (sound);
  }
  if (self->host != NULL) {
    g_autoptr (GResolver) resolver = g_resolver_get_default ();

    self->cancellable = g_cancellable_new ();
    g_resolver_lookup_by_name_async (resolver, self->host, self->cancellable, looked_up_cb, self);
  }
  check (self);
  return self;
}

void
lodge_viewer_reach_free (LodgeViewerReach *self)
{
  if (self == NULL)
    return;
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_handle_id (&self->timeout_id, g_source_remove);
  g_clear_handle_id (&self->done_id, g_source_remove);
  if (self->sound != NULL)
    g_signal_handlers_disconnect_by_data (self->sound, self);
  g_clear_object (&self->sound);
  g_free (self->host);
  g_free (self);
}
