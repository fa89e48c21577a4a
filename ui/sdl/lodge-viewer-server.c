/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A SPICE server that is no machine of Lodge, as the viewer sees it.
 *
 *                 wants a ticket
 *   CONNECTING ──────────────────▶ ASKING
 *     │    ▲                         │ answer
 *     │    └─────────────────────────┘
 *     ├──connected──▶ SHOWN ──disconnected──▶ ENDED
 *     └──any other failure──────────────────────▲
 *
 * ENDED is the end: a process that has shut itself off from the network cannot connect again.
 */
#include "sdl/lodge-viewer-server.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

struct _LodgeViewerServer {
  GObject parent_instance;

  LodgeConsoleAddress *address;
  LodgeSound *sound;
  LodgeConsoleSession *session;
  LodgeViewerServerPhase phase;
  char *sentence;
};

G_DEFINE_FINAL_TYPE (LodgeViewerServer, lodge_viewer_server, G_TYPE_OBJECT)

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
set_phase (LodgeViewerServer *self, LodgeViewerServerPhase phase, const char *sentence)
{
  char *copy = g_strdup (sentence);

  g_free (self->sentence);
  self->sentence = copy;
  self->phase = phase;
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
drop_session (LodgeViewerServer *self)
{
  g_autoptr (LodgeConsoleSession) session = g_steal_pointer (&self->session);

  if (session == NULL)
    return;
  g_signal_handlers_disconnect_by_data (session, self);
  /* The window lets go of it before its buffers go. */
  g_signal_emit (self, signals[CHANGED], 0);
  lodge_console_session_close (session);
}

static void
connected_cb (LodgeConsoleSession *session, GParamSpec *pspec, LodgeViewerServer *self)
{
  gboolean connected;

  g_object_get (session, "connected", &connected, NULL);
  if (connected)
    set_phase (self, LODGE_VIEWER_SERVER_SHOWN, NULL);
}

static void
disconnected_cb (LodgeConsoleSession *session, const GError *error, LodgeViewerServer *self)
{
  const gboolean asks = g_error_matches (error, LODGE_ERROR, LODGE_ERROR_DENIED);

  g_object_ref (self);
  drop_session (self);
  set_phase (self, asks ? LODGE_VIEWER_SERVER_ASKING : LODGE_VIEWER_SERVER_ENDED,
             error != NULL ? error->message : _ ("The server has ended the connection."));
  g_object_unref (self);
}

static void
make_session (LodgeViewerServer *self, const char *ticket)
{
  self->session = lodge_console_session_new_for_address (self->address, ticket);
  lodge_console_session_set_sound (self->session, self->sound);
  g_signal_connect (self->session, "notify::connected", G_CALLBACK (connected_cb), self);
  g_signal_connect (self->session, "disconnected", G_CALLBACK (disconnected_cb), self);
}

void
lodge_viewer_server_open (LodgeViewerServer *self)
{
  g_return_if_fail (LODGE_IS_VIEWER_SERVER (self));

  if (self->session != NULL)
    lodge_console_session_open (self->session);
}

void
lodge_viewer_server_answer (LodgeViewerServer *self, const char *ticket)
{
  g_return_if_fail (LODGE_IS_VIEWER_SERVER (self));

  if (self->phase != LODGE_VIEWER_SERVER_ASKING)
    return;
  make_session (self, ticket);
  set_phase (self, LODGE_VIEWER_SERVER_CONNECTING, NULL);
  lodge_viewer_server_open (self);
}

static void
lodge_viewer_server_dispose (GObject *object)
{
  LodgeViewerServer *self = LODGE_VIEWER_SERVER (object);

  drop_session (self);
  g_clear_object (&self->sound);
  G_OBJECT_CLASS (lodge_viewer_server_parent_class)->dispose (object);
}

static void
lodge_viewer_server_finalize (GObject *object)
{
  LodgeViewerServer *self = LODGE_VIEWER_SERVER (object);

  lodge_console_address_free (self->address);
  g_free (self->sentence);
  G_OBJECT_CLASS (lodge_viewer_server_parent_class)->finalize (object);
}

static void
lodge_viewer_server_class_init (LodgeViewerServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = lodge_viewer_server_dispose;
  object_class->finalize = lodge_viewer_server_finalize;
  signals[CHANGED] = g_signal_new ("changed", LODGE_TYPE_VIEWER_SERVER, G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 0);
}

static void
lodge_viewer_server_init (LodgeViewerServer *self)
{
}

LodgeViewerServer *
lodge_viewer_server_new (const LodgeConsoleAddress *address, const char *ticket, LodgeSound *sound)
{
  LodgeViewerServer *self = g_object_new (LODGE_TYPE_VIEWER_SERVER, NULL);

  self->address = lodge_console_address_copy (address);
  self->sound = sound != NULL ? g_object_ref (sound) : NULL;
  make_session (self, ticket);
  return self;
}

LodgeViewerServerPhase
lodge_viewer_server_get_phase (LodgeViewerServer *self)
{
  return self->phase;
}

const char *
lodge_viewer_server_get_sentence (LodgeViewerServer *self)
{
  return self->sentence;
}

LodgeConsoleSession *
lodge_viewer_server_get_session (LodgeViewerServer *self)
{
  return self->session;
}
