/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console session's life: connecting, its channels, the end.
 *
 *            open                 main and inputs opened
 *   closed ────────▶ connecting ────────────────────────▶ connected
 *     ▲                  │                                    │
 *     └──────────────────┴────────────────────────────────────┘
 *       close; or, with "disconnected", a channel that fails or ends, or no answer in time
 *
 * closed      spice, main and inputs are NULL; the source has no picture; nothing is held down
 * connecting  spice is there; channels come one by one; input is dropped
 * connected   input goes out. The picture comes and goes on its own
 *
 * Each opening has a SpiceSession of its own: one that is used again keeps channels of the last
 * connection.
 */
#include "console/lodge-console-session-private.h"

#include "console/lodge-console-ending.h"
#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

G_DEFINE_FINAL_TYPE (LodgeConsoleSession, lodge_console_session, G_TYPE_OBJECT)

static GParamSpec *properties[LODGE_CONSOLE_N_PROPS];

enum { DISCONNECTED, N_SIGNALS };
static guint signals[N_SIGNALS];

/* A local server answers in milliseconds; one under heavy emulation may take seconds. */
#define CONNECT_TIMEOUT_S 30

void
lodge_console_session_set_flag (LodgeConsoleSession *self,
                                gboolean *field,
                                gboolean value,
                                LodgeConsoleProp prop)
{
  if (*field == value)
    return;
  *field = value;
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop]);
}

void
lodge_console_session_set_leds (LodgeConsoleSession *self, guint leds)
{
  leds &= SPICE_INPUTS_SCROLL_LOCK | SPICE_INPUTS_NUM_LOCK | SPICE_INPUTS_CAPS_LOCK;
  if (self->leds == leds)
    return;
  self->leds = leds;
  g_object_notify_by_pspec (G_OBJECT (self), properties[LODGE_CONSOLE_PROP_LEDS]);
}

void
lodge_console_session_update_connected (LodgeConsoleSession *self)
{
  gboolean connected = self->main_ready && self->inputs_ready;

  if (connected)
    g_clear_handle_id (&self->timeout_id, g_source_remove);
  lodge_console_session_set_flag (self, &self->connected, connected, LODGE_CONSOLE_PROP_CONNECTED);
  lodge_console_session_set_flag (self, &self->settled, connected && self->n_opening == 0,
                                  LODGE_CONSOLE_PROP_SETTLED);
  lodge_console_session_update_tablet (self);
}

/* ---- the end */

static void
drop (LodgeConsoleSession *self)
{
  SpiceSession *spice = g_steal_pointer (&self->spice);

  g_clear_handle_id (&self->timeout_id, g_source_remove);
  if (spice == NULL)
    return;

  g_signal_handlers_disconnect_by_data (spice, self);
  GList *channels = spice_session_get_channels (spice);
  for (GList *l = channels; l != NULL; l = l->next)
    g_signal_handlers_disconnect_by_data (l->data, self);
  g_list_free (channels);

  lodge_console_session_drop_tablet (self);
  lodge_console_session_drop_inputs (self);
  lodge_console_session_drop_display (self);
  lodge_console_clipboard_set_channel (self->clipboard, NULL);
  lodge_console_files_set_channel (self->files, NULL);
  lodge_console_session_drop_sound (self);
  g_clear_object (&self->main);
  self->main_ready = FALSE;
  self->n_opening = 0;
  lodge_console_session_update_mouse_mode (self);
  lodge_console_session_update_connected (self);

  lodge_console_ending_begin (spice);
}

static void
fail (LodgeConsoleSession *self, GError *error)
{
  g_autoptr (GError) owned = error;

  if (self->spice == NULL)
    return;
  g_object_ref (self); /* a handler may let go of it */
  drop (self);
  g_signal_emit (self, signals[DISCONNECTED], 0, owned);
  g_object_unref (self);
}

static gboolean
timeout_cb (gpointer user_data)
{
  LodgeConsoleSession *self = user_data;

  self->timeout_id = 0;
  fail (self, g_error_new (LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                           _ ("The machine’s screen did not answer within %d seconds."),
                           CONNECT_TIMEOUT_S));
  return G_SOURCE_REMOVE;
}

/* The library's words for what is wrong with a certificate go to its log only. */
static GError *
connect_error (LodgeConsoleSession *self, SpiceChannelEvent event, const GError *reason)
{
  g_autofree char *where =
      self->address != NULL
          ? lodge_console_address_to_text (self->address)
          : g_strdup (self->socket_path != NULL ? self->socket_path : _ ("the passed socket"));

  if (event == SPICE_CHANNEL_ERROR_AUTH)
    return g_error_new (LODGE_ERROR, LODGE_ERROR_DENIED,
                        self->ticket != NULL ? _ ("The SPICE server at %s refuses this ticket.")
                                             : _ ("The SPICE server at %s wants a ticket."),
                        where);
  if (event == SPICE_CHANNEL_ERROR_TLS)
    return g_error_new (
        LODGE_ERROR, LODGE_ERROR_FAILED,
        _ ("The SPICE server at %s has no certificate for that name that this computer trusts."),
        where);
  return g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                      _ ("Could not connect to the machine’s screen at %s: %s"), where,
                      reason != NULL ? reason->message : _ ("it is no SPICE server"));
}

/* Why a channel ended, for the user. NULL when the server just closed it: a channel that was about
 * to write, or was still being made, hears of that as an error without a reason. */
static GError *
channel_error (LodgeConsoleSession *self, SpiceChannel *channel, SpiceChannelEvent event)
{
  const GError *reason = spice_channel_get_error (channel);

  if (self->connected && (event == SPICE_CHANNEL_CLOSED || reason == NULL))
    return NULL;
  if (self->connected)
    return g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                        _ ("The connection to the machine’s screen broke: %s"), reason->message);
  return connect_error (self, event, reason);
}

/* ---- channels */

static void
channel_event_cb (SpiceChannel *channel, SpiceChannelEvent event, LodgeConsoleSession *self)
{
  switch (event) {
  case SPICE_CHANNEL_OPENED:
    if ((gpointer) channel == self->main)
      self->main_ready = TRUE;
    else if ((gpointer) channel == self->inputs)
      lodge_console_session_inputs_opened (self);
    lodge_console_session_update_connected (self);
    break;
  case SPICE_CHANNEL_CLOSED:
  case SPICE_CHANNEL_ERROR_CONNECT:
  case SPICE_CHANNEL_ERROR_TLS:
  case SPICE_CHANNEL_ERROR_LINK:
  case SPICE_CHANNEL_ERROR_AUTH:
  case SPICE_CHANNEL_ERROR_IO:
    fail (self, channel_error (self, channel, event));
    break;
  default:
    break;
  }
}

/* The first that is heard of a channel; one that begins again with TLS is still on its way. */
static void
opened_cb (SpiceChannel *channel, SpiceChannelEvent event, LodgeConsoleSession *self)
{
  if (event == SPICE_CHANNEL_SWITCHING)
    return;
  g_signal_handlers_disconnect_by_func (channel, opened_cb, self);
  self->n_opening--;
  lodge_console_session_update_connected (self);
}

static void
open_fd_cb (SpiceChannel *channel, int with_tls, LodgeConsoleSession *self)
{
  int fd = self->open_channel (self->open_data);

  if (fd >= 0)
    spice_channel_open_fd (channel, fd);
  else
    fail (self, g_error_new_literal (LODGE_ERROR, LODGE_ERROR_FAILED,
                                     _ ("No connection to the machine’s screen was passed.")));
}

static void
mouse_mode_cb (SpiceChannel *channel, GParamSpec *pspec, LodgeConsoleSession *self)
{
  lodge_console_session_update_mouse_mode (self);
}

static void
agent_cb (SpiceChannel *channel, GParamSpec *pspec, LodgeConsoleSession *self)
{
  lodge_console_session_update_agent (self);
}

/* Emitted from the channel's constructor: nothing may be asked of it yet. The main channel is
 * connected by the session, the others by us. */
static void
channel_new_cb (SpiceSession *spice, SpiceChannel *channel, LodgeConsoleSession *self)
{
  int id = -1;

  g_object_get (channel, "channel-id", &id, NULL);
  const gboolean sounds = SPICE_IS_PLAYBACK_CHANNEL (channel) || SPICE_IS_RECORD_CHANNEL (channel);
  const gboolean shows = SPICE_IS_DISPLAY_CHANNEL (channel) || SPICE_IS_CURSOR_CHANNEL (channel);
  /* USB, clipboard ports and more monitors than are shown: they stay unconnected. */
  if ((id != 0 && !(shows && id > 0 && id < LODGE_CONSOLE_MONITORS)) ||
      !(sounds || shows || SPICE_IS_MAIN_CHANNEL (channel) || SPICE_IS_INPUTS_CHANNEL (channel)))
    return;

  if (!sounds)
    g_signal_connect_object (channel, "channel-event", G_CALLBACK (channel_event_cb), self, 0);
  self->n_opening++;
  lodge_console_ending_watch (channel);
  g_signal_connect_object (channel, "channel-event", G_CALLBACK (opened_cb), self, 0);
  if (self->open_channel != NULL)
    g_signal_connect_object (channel, "open-fd", G_CALLBACK (open_fd_cb), self, 0);

  if (SPICE_IS_MAIN_CHANNEL (channel)) {
    g_set_object (&self->main, SPICE_MAIN_CHANNEL (channel));
    g_signal_connect_object (channel, "notify::mouse-mode", G_CALLBACK (mouse_mode_cb), self, 0);
    g_signal_connect_object (channel, "notify::agent-connected", G_CALLBACK (agent_cb), self, 0);
    lodge_console_clipboard_set_channel (self->clipboard, self->main);
    lodge_console_files_set_channel (self->files, self->main);
    return;
  }
  if (sounds)
    lodge_console_session_take_sound (self, channel);
  else if (SPICE_IS_INPUTS_CHANNEL (channel))
    lodge_console_session_take_inputs (self, SPICE_INPUTS_CHANNEL (channel));
  else
    lodge_console_session_take_display (self, channel, id);
  spice_channel_connect (channel);
}

/* ---- opening and closing */

/* Without a plain port the library connects every channel through TLS; and where no authorities are
 * named it believes those of this computer (spice-channel.c: spice_channel_load_ca). */
static void
set_address (LodgeConsoleSession *self)
{
  const LodgeConsoleAddress *address = self->address;

  g_object_set (self->spice, "password", self->ticket, "shared-dir", NULL, "verify",
                SPICE_SESSION_VERIFY_HOSTNAME, "ca-file", NULL, NULL);
  if (address->path != NULL)
    g_object_set (self->spice, "unix-path", address->path, NULL);
  else
    g_object_set (self->spice, "host", address->host, "port", address->port, "tls-port",
                  address->tls_port, NULL);
}

/* A picture in a graphics card's memory comes as a descriptor. A server that has one, and a client
 * that does not take it, part without a word; so it is taken, and where it cannot be shown that is
 * said. */
static gboolean
can_pass_memory (LodgeConsoleSession *self)
{
  return self->address == NULL || self->address->path != NULL;
}

void
lodge_console_session_open (LodgeConsoleSession *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  if (self->spice != NULL)
    return;

  self->spice = spice_session_new ();
  /* An empty proxy, because the library would otherwise take one from the environment, even for a
   * unix socket. */
  g_object_set (self->spice, "proxy", "", "enable-audio", self->sound != NULL, "enable-usbredir",
                FALSE, "enable-smartcard", FALSE, "gl-scanout", can_pass_memory (self), NULL);
  g_signal_connect_object (self->spice, "channel-new", G_CALLBACK (channel_new_cb), self, 0);
  self->timeout_id = g_timeout_add_seconds (CONNECT_TIMEOUT_S, timeout_cb, self);

  gboolean started;
  if (self->address != NULL) {
    set_address (self);
    started = spice_session_connect (self->spice);
  } else if (self->open_channel != NULL) {
    started = spice_session_open_fd (self->spice, -1);
  } else {
    g_object_set (self->spice, "unix-path", self->socket_path, NULL);
    started = spice_session_connect (self->spice);
  }
  if (!started)
    fail (self, g_error_new_literal (LODGE_ERROR, LODGE_ERROR_FAILED,
                                     _ ("Could not begin to connect to the machine’s screen.")));
}

void
lodge_console_session_close (LodgeConsoleSession *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_SESSION (self));

  lodge_console_session_release_all (self);
  drop (self);
}

gboolean
lodge_console_session_is_ending (void)
{
  return lodge_console_ending_get_n () > 0;
}

LodgeConsoleClipboard *
lodge_console_session_get_clipboard (LodgeConsoleSession *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_SESSION (self), NULL);
  return self->clipboard;
}

LodgeConsoleFiles *
lodge_console_session_get_files (LodgeConsoleSession *self)
{
  g_return_val_if_fail (LODGE_IS_CONSOLE_SESSION (self), NULL);
  return self->files;
}

/* ---- type */

static void
lodge_console_session_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LodgeConsoleSession *self = LODGE_CONSOLE_SESSION (object);

  switch ((LodgeConsoleProp) id) {
  case LODGE_CONSOLE_PROP_CONNECTED:
    g_value_set_boolean (value, self->connected);
    break;
  case LODGE_CONSOLE_PROP_POINTER_ABSOLUTE:
    g_value_set_boolean (value, self->pointer_absolute);
    break;
  case LODGE_CONSOLE_PROP_CAN_RESIZE:
    g_value_set_boolean (value, self->can_resize);
    break;
  case LODGE_CONSOLE_PROP_LEDS:
    g_value_set_uint (value, self->leds);
    break;
  case LODGE_CONSOLE_PROP_SETTLED:
    g_value_set_boolean (value, self->settled);
    break;
  case LODGE_CONSOLE_N_PROPS:
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_console_session_dispose (GObject *object)
{
  LodgeConsoleSession *self = LODGE_CONSOLE_SESSION (object);

  drop (self);
  if (self->tablet != NULL)
    lodge_console_session_set_machine (self, NULL);
  G_OBJECT_CLASS (lodge_console_session_parent_class)->dispose (object);
}

static void
lodge_console_session_finalize (GObject *object)
{
  LodgeConsoleSession *self = LODGE_CONSOLE_SESSION (object);

  for (guint i = 0; i < LODGE_CONSOLE_MONITORS; i++) {
    g_clear_object (&self->choosers[i]);
    g_clear_object (&self->sources[i]);
  }
  g_clear_object (&self->clipboard);
  g_clear_object (&self->files);
  g_clear_object (&self->sound);
  g_free (self->socket_path);
  g_clear_pointer (&self->address, lodge_console_address_free);
  if (self->ticket != NULL)
    explicit_bzero (self->ticket, strlen (self->ticket));
  g_free (self->ticket);
  G_OBJECT_CLASS (lodge_console_session_parent_class)->finalize (object);
}

static void
lodge_console_session_class_init (LodgeConsoleSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = lodge_console_session_get_property;
  object_class->dispose = lodge_console_session_dispose;
  object_class->finalize = lodge_console_session_finalize;

  properties[LODGE_CONSOLE_PROP_CONNECTED] =
      g_param_spec_boolean ("connected", NULL, NULL, FALSE, flags);
  properties[LODGE_CONSOLE_PROP_POINTER_ABSOLUTE] =
      g_param_spec_boolean ("pointer-absolute", NULL, NULL, FALSE, flags);
  properties[LODGE_CONSOLE_PROP_CAN_RESIZE] =
      g_param_spec_boolean ("can-resize", NULL, NULL, FALSE, flags);
  properties[LODGE_CONSOLE_PROP_SETTLED] =
      g_param_spec_boolean ("settled", NULL, NULL, FALSE, flags);
  properties[LODGE_CONSOLE_PROP_LEDS] = g_param_spec_uint ("leds", NULL, NULL, 0, 7, 0, flags);
  g_object_class_install_properties (object_class, LODGE_CONSOLE_N_PROPS, properties);

  signals[DISCONNECTED] =
      g_signal_new ("disconnected", LODGE_TYPE_CONSOLE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                    NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
lodge_console_session_init (LodgeConsoleSession *self)
{
  for (guint i = 0; i < LODGE_CONSOLE_MONITORS; i++) {
    self->sources[i] = lodge_spice_source_new ();
    self->choosers[i] = lodge_frame_chooser_new (LODGE_FRAME_SOURCE (self->sources[i]), i);
    self->follows[i] = TRUE;
  }
  g_signal_connect_object (self->choosers[0], "frame-changed",
                           G_CALLBACK (lodge_console_session_first_frame), self, G_CONNECT_SWAPPED);
  self->clipboard = lodge_console_clipboard_new ();
  self->files = lodge_console_files_new ();
  self->pointer_x = self->pointer_y = -1;
}

LodgeConsoleSession *
lodge_console_session_new (const char *socket_path)
{
  g_return_val_if_fail (socket_path != NULL, NULL);

  LodgeConsoleSession *self = g_object_new (LODGE_TYPE_CONSOLE_SESSION, NULL);
  self->socket_path = g_strdup (socket_path);
  return self;
}

LodgeConsoleSession *
lodge_console_session_new_for_address (const LodgeConsoleAddress *address, const char *ticket)
{
  g_return_val_if_fail (address != NULL, NULL);

  LodgeConsoleSession *self = g_object_new (LODGE_TYPE_CONSOLE_SESSION, NULL);
  self->address = lodge_console_address_copy (address);
  self->ticket = g_strdup (ticket);
  return self;
}

LodgeConsoleSession *
lodge_console_session_new_for_open (LodgeConsoleOpen open_channel, gpointer user_data)
{
  g_return_val_if_fail (open_channel != NULL, NULL);

  LodgeConsoleSession *self = g_object_new (LODGE_TYPE_CONSOLE_SESSION, NULL);
  self->open_channel = open_channel;
  self->open_data = user_data;
  return self;
}
