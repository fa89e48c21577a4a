/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's sound: its connection to the sound server.
 *
 * The server is connected to when a stream is wanted for the first time, and kept then. One that
 * cannot be reached, or takes no stream, is tried again after a pause that grows; a device that
 * appears is a reason to try at once. While no stream is wanted nothing is tried.
 *
 * The stream's side of this is in lodge-sound-stream.c, the volume in lodge-sound-volume.c.
 */
#include "console/lodge-sound-private.h"

#include "lodge-config.h"

#include <glib/gi18n-lib.h>

#define FIRST_PAUSE_MS 250
#define LAST_PAUSE_MS  8000

/* SPICE_AUDIO_FMT_S16 (spice-protocol, enums.h), the only one there is. */
#define FORMAT_S16  1
#define RATE_MIN_HZ 8000
#define RATE_MAX_HZ 192000

G_DEFINE_FINAL_TYPE (LodgeSound, lodge_sound, G_TYPE_OBJECT)

static GParamSpec *properties[LODGE_SOUND_N_PROPS];

enum { RECORDED, PLAYED, N_SIGNALS };
static guint signals[N_SIGNALS];

void
lodge_sound_notify (LodgeSound *self, LodgeSoundProp prop)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[prop]);
}

void
lodge_sound_set_playing (LodgeSound *self, gboolean playing)
{
  if (self->playing == playing)
    return;
  self->playing = playing;
  lodge_sound_notify (self, LODGE_SOUND_PROP_PLAYING);
}

void
lodge_sound_recorded (LodgeSound *self, const void *data, gsize bytes)
{
  g_signal_emit (self, signals[RECORDED], 0, data, (guint) bytes);
}

/* ---- what is wrong */

static const char *
get_problem (LodgeSound *self)
{
  if (self->problem != NULL)
    return self->problem;
  for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS; i++) {
    if (self->streams[i].problem != NULL)
      return self->streams[i].problem;
  }
  return NULL;
}

void
lodge_sound_set_problem (LodgeSound *self, char **field, const char *problem)
{
  g_autofree char *before = g_strdup (get_problem (self));
  char *copy = g_strdup (problem);

  g_free (*field);
  *field = copy;
  if (g_strcmp0 (before, get_problem (self)) != 0)
    lodge_sound_notify (self, LODGE_SOUND_PROP_PROBLEM);
}

static gboolean
is_wanted (LodgeSound *self)
{
  for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS; i++) {
    if (self->streams[i].wanted || self->streams[i].ending)
      return TRUE;
  }
  return FALSE;
}

/* ---- trying again */

static gboolean
retry_cb (gpointer user_data)
{
  LodgeSound *self = user_data;

  self->retry_id = 0;
  lodge_sound_pursue (self);
  return G_SOURCE_REMOVE;
}

void
lodge_sound_retry (LodgeSound *self)
{
  if (self->retry_id != 0 || !is_wanted (self))
    return;
  self->retry_id = g_timeout_add (self->pause_ms, retry_cb, self);
  self->pause_ms = MIN (self->pause_ms * 2, LAST_PAUSE_MS);
}

void
lodge_sound_works (LodgeSound *self)
{
  self->pause_ms = FIRST_PAUSE_MS;
}

/* ---- connection */

static void
set_connecting (LodgeSound *self, gboolean connecting)
{
  if (self->connecting == connecting)
    return;
  self->connecting = connecting;
  lodge_sound_notify (self, LODGE_SOUND_PROP_CONNECTING);
}

static void
drop_context (LodgeSound *self)
{
  pa_context *context = g_steal_pointer (&self->context);

  self->ready = FALSE;
  if (context == NULL)
    return;

  pa_context_set_state_callback (context, NULL, NULL);
  pa_context_set_subscribe_callback (context, NULL, NULL);
  pa_context_disconnect (context);
  pa_context_unref (context);
}

/* The streams go first, each to be made again with the next connection. */
static void
lose (LodgeSound *self, int error)
{
  /* Translators: %s is the sound server's own word for it, "Connection refused". */
  g_autofree char *problem =
      g_strdup_printf (_ ("The sound of this desktop cannot be reached: %s."), pa_strerror (error));

  for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS; i++)
    lodge_sound_stream_lost (&self->streams[i]);
  drop_context (self);
  lodge_sound_set_problem (self, &self->problem, is_wanted (self) ? problem : NULL);
  lodge_sound_retry (self);
  set_connecting (self, FALSE);
}

static void
event_cb (pa_context *context, pa_subscription_event_type_t type, uint32_t index, void *user_data)
{
  LodgeSound *self = user_data;
  const pa_subscription_event_type_t what = type & PA_SUBSCRIPTION_EVENT_TYPE_MASK;

  switch (type & PA_SUBSCRIPTION_EVENT_FACILITY_MASK) {
  case PA_SUBSCRIPTION_EVENT_SINK:
  case PA_SUBSCRIPTION_EVENT_SOURCE:
  case PA_SUBSCRIPTION_EVENT_SERVER: /* another default device */
    if (what != PA_SUBSCRIPTION_EVENT_REMOVE && self->retry_id != 0) {
      g_clear_handle_id (&self->retry_id, g_source_remove);
      self->pause_ms = FIRST_PAUSE_MS;
      lodge_sound_pursue (self);
    }
    break;
  case PA_SUBSCRIPTION_EVENT_SINK_INPUT:
  case PA_SUBSCRIPTION_EVENT_SOURCE_OUTPUT:
    if (what != PA_SUBSCRIPTION_EVENT_CHANGE)
      break;
    for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS; i++) {
      if (lodge_sound_stream_is_ready (&self->streams[i]) &&
          pa_stream_get_index (self->streams[i].stream) == index)
        lodge_sound_volume_pull (&self->streams[i]);
    }
    break;
  default:
    break;
  }
}

static void
context_cb (pa_context *context, void *user_data)
{
  LodgeSound *self = user_data;
  pa_operation *operation;

  switch (pa_context_get_state (context)) {
  case PA_CONTEXT_READY:
    self->ready = TRUE;
    lodge_sound_set_problem (self, &self->problem, NULL);
    pa_context_set_subscribe_callback (context, event_cb, self);
    operation = pa_context_subscribe (
        context,
        PA_SUBSCRIPTION_MASK_SERVER | PA_SUBSCRIPTION_MASK_SINK | PA_SUBSCRIPTION_MASK_SOURCE |
            PA_SUBSCRIPTION_MASK_SINK_INPUT | PA_SUBSCRIPTION_MASK_SOURCE_OUTPUT,
        NULL, NULL);
    if (operation != NULL)
      pa_operation_unref (operation);
    lodge_sound_pursue (self);
    set_connecting (self, FALSE);
    break;
  case PA_CONTEXT_FAILED:
  case PA_CONTEXT_TERMINATED:
    lose (self, pa_context_errno (context));
    break;
  case PA_CONTEXT_UNCONNECTED:
  case PA_CONTEXT_CONNECTING:
  case PA_CONTEXT_AUTHORIZING:
  case PA_CONTEXT_SETTING_NAME:
  default:
    break;
  }
}

static void
connect_context (LodgeSound *self)
{
  pa_proplist *names = pa_proplist_new ();

  if (self->mainloop == NULL)
    self->mainloop = pa_glib_mainloop_new (NULL);
  pa_proplist_sets (names, PA_PROP_APPLICATION_NAME, _ ("Lodge"));
  pa_proplist_sets (names, PA_PROP_APPLICATION_ID, LODGE_APPLICATION_ID);
  pa_proplist_sets (names, PA_PROP_APPLICATION_ICON_NAME, LODGE_APPLICATION_ID);
  self->context =
      pa_context_new_with_proplist (pa_glib_mainloop_get_api (self->mainloop), NULL, names);
  pa_proplist_free (names);
  pa_context_set_state_callback (self->context, context_cb, self);
  set_connecting (self, TRUE);
  /* A failure that is known at once may be told by the callback as well. */
  if (pa_context_connect (self->context, NULL, PA_CONTEXT_NOAUTOSPAWN, NULL) < 0 &&
      self->context != NULL)
    lose (self, pa_context_errno (self->context));
}

void
lodge_sound_pursue (LodgeSound *self)
{
  if (!is_wanted (self) || self->retry_id != 0)
    return;
  if (self->context == NULL) {
    connect_context (self);
  } else if (self->ready) {
    for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS && self->ready; i++)
      lodge_sound_stream_pursue (&self->streams[i]);
  }
}

void
lodge_sound_connect (LodgeSound *self)
{
  g_return_if_fail (LODGE_IS_SOUND (self));

  if (self->context == NULL)
    connect_context (self);
}

/* ---- the guest */

/* What is not wanted is no problem. */
static void
rest (LodgeSound *self)
{
  if (is_wanted (self))
    return;
  g_clear_handle_id (&self->retry_id, g_source_remove);
  lodge_sound_set_problem (self, &self->problem, NULL);
}

static void
update_microphone (LodgeSound *self)
{
  LodgeSoundStream *stream = &self->streams[LODGE_SOUND_RECORD];
  LodgeMicrophone microphone = LODGE_MICROPHONE_OFF;

  if (self->guest_records)
    microphone = self->microphone_allowed ? LODGE_MICROPHONE_LIVE : LODGE_MICROPHONE_WITHHELD;
  if (microphone == LODGE_MICROPHONE_LIVE) {
    lodge_sound_stream_want (stream, &self->record_spec);
    lodge_sound_pursue (self);
  } else {
    lodge_sound_stream_drop (stream);
    rest (self);
  }
  if (self->microphone != microphone) {
    self->microphone = microphone;
    lodge_sound_notify (self, LODGE_SOUND_PROP_MICROPHONE);
  }
}

static gboolean
make_spec (int format, int channels, int rate_hz, pa_sample_spec *out_spec)
{
  if (format != FORMAT_S16 || channels < 1 || channels > 2 || rate_hz < RATE_MIN_HZ ||
      rate_hz > RATE_MAX_HZ)
    return FALSE;
  /* SPICE sends little-endian samples. */
  *out_spec = (pa_sample_spec){
      .format = PA_SAMPLE_S16LE, .channels = (uint8_t) channels, .rate = (uint32_t) rate_hz};
  return TRUE;
}

void
lodge_sound_start (
    LodgeSound *self, LodgeSoundDirection direction, int format, int channels, int rate_hz)
{
  g_return_if_fail (LODGE_IS_SOUND (self));
  g_return_if_fail (direction < LODGE_SOUND_N_DIRECTIONS);

  LodgeSoundStream *stream = &self->streams[direction];
  pa_sample_spec spec;
  if (!make_spec (format, channels, rate_hz, &spec)) {
    g_autofree char *problem =
        g_strdup_printf (_ ("The guest’s sound is of an unknown kind: format %d, %d channels, "
                            "%d Hz."),
                         format, channels, rate_hz);

    lodge_sound_stop (self, direction);
    lodge_sound_stream_drop (stream);
    lodge_sound_set_problem (self, &stream->problem, problem);
    return;
  }

  if (direction == LODGE_SOUND_PLAYBACK) {
    lodge_sound_stream_want (stream, &spec);
    lodge_sound_pursue (self);
  } else {
    self->guest_records = TRUE;
    self->record_spec = spec;
    update_microphone (self);
  }
}

void
lodge_sound_stop (LodgeSound *self, LodgeSoundDirection direction)
{
  g_return_if_fail (LODGE_IS_SOUND (self));
  g_return_if_fail (direction < LODGE_SOUND_N_DIRECTIONS);

  LodgeSoundStream *stream = &self->streams[direction];
  if (direction == LODGE_SOUND_PLAYBACK) {
    lodge_sound_stream_end (stream);
  } else {
    self->guest_records = FALSE;
    update_microphone (self);
  }
  if (!stream->ending)
    lodge_sound_set_problem (self, &stream->problem, NULL);
  rest (self);
}

void
lodge_sound_play (LodgeSound *self, const void *data, gssize bytes)
{
  g_return_if_fail (LODGE_IS_SOUND (self));

  LodgeSoundStream *stream = &self->streams[LODGE_SOUND_PLAYBACK];
  if (data == NULL || bytes <= 0 || !stream->wanted)
    return;
  bytes -= bytes % (gssize) pa_frame_size (&stream->spec);
  if (bytes > 0 && bytes <= G_MAXINT)
    g_signal_emit (self, signals[PLAYED], 0, data, (guint) bytes, (guint) stream->spec.channels,
                   (guint) stream->spec.rate);
  lodge_sound_stream_play (stream, data, bytes);
}

guint
lodge_sound_get_delay (LodgeSound *self)
{
  g_return_val_if_fail (LODGE_IS_SOUND (self), 0);
  return lodge_sound_stream_get_delay (&self->streams[LODGE_SOUND_PLAYBACK]);
}

void
lodge_sound_set_machine (LodgeSound *self, const char *id, const char *name)
{
  g_return_if_fail (LODGE_IS_SOUND (self));

  g_free (self->id);
  self->id = g_strdup (id);
  if (name == NULL || g_str_equal (name, self->name))
    return;
  g_free (self->name);
  self->name = g_strdup (name);
  for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS; i++)
    lodge_sound_stream_rename (&self->streams[i]);
}

/* ---- type */

static void
lodge_sound_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  LodgeSound *self = LODGE_SOUND (object);

  switch ((LodgeSoundProp) id) {
  case LODGE_SOUND_PROP_LATENCY:
    g_value_set_uint (value, self->latency_ms);
    break;
  case LODGE_SOUND_PROP_MUTED:
    g_value_set_boolean (value, lodge_sound_mute_get (&self->streams[LODGE_SOUND_PLAYBACK]));
    break;
  case LODGE_SOUND_PROP_MICROPHONE_ALLOWED:
    g_value_set_boolean (value, self->microphone_allowed);
    break;
  case LODGE_SOUND_PROP_MICROPHONE:
    g_value_set_uint (value, self->microphone);
    break;
  case LODGE_SOUND_PROP_PLAYING:
    g_value_set_boolean (value, self->playing);
    break;
  case LODGE_SOUND_PROP_CONNECTING:
    g_value_set_boolean (value, self->connecting);
    break;
  case LODGE_SOUND_PROP_PROBLEM:
    g_value_set_string (value, get_problem (self));
    break;
  case LODGE_SOUND_N_PROPS:
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_sound_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  LodgeSound *self = LODGE_SOUND (object);

  switch ((LodgeSoundProp) id) {
  case LODGE_SOUND_PROP_LATENCY:
    self->latency_ms = g_value_get_uint (value);
    break;
  case LODGE_SOUND_PROP_MUTED:
    lodge_sound_mute_turn (&self->streams[LODGE_SOUND_PLAYBACK], g_value_get_boolean (value));
    break;
  case LODGE_SOUND_PROP_MICROPHONE_ALLOWED:
    if (self->microphone_allowed == g_value_get_boolean (value))
      break;
    self->microphone_allowed = g_value_get_boolean (value);
    lodge_sound_notify (self, LODGE_SOUND_PROP_MICROPHONE_ALLOWED);
    update_microphone (self);
    break;
  case LODGE_SOUND_PROP_MICROPHONE:
  case LODGE_SOUND_PROP_PLAYING:
  case LODGE_SOUND_PROP_CONNECTING:
  case LODGE_SOUND_PROP_PROBLEM:
  case LODGE_SOUND_N_PROPS:
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
}

static void
lodge_sound_dispose (GObject *object)
{
  LodgeSound *self = LODGE_SOUND (object);

  for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS; i++)
    lodge_sound_stream_drop (&self->streams[i]);
  g_clear_handle_id (&self->retry_id, g_source_remove);
  drop_context (self);
  G_OBJECT_CLASS (lodge_sound_parent_class)->dispose (object);
}

static void
lodge_sound_finalize (GObject *object)
{
  LodgeSound *self = LODGE_SOUND (object);

  for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS; i++)
    g_byte_array_unref (self->streams[i].queue);
  g_clear_pointer (&self->mainloop, pa_glib_mainloop_free);
  g_free (self->problem);
  g_free (self->id);
  g_free (self->name);
  G_OBJECT_CLASS (lodge_sound_parent_class)->finalize (object);
}

static void
lodge_sound_class_init (LodgeSoundClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags read = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags write = read | G_PARAM_WRITABLE | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = lodge_sound_get_property;
  object_class->set_property = lodge_sound_set_property;
  object_class->dispose = lodge_sound_dispose;
  object_class->finalize = lodge_sound_finalize;

  properties[LODGE_SOUND_PROP_LATENCY] =
      g_param_spec_uint ("latency", NULL, NULL, 4, 4000, LODGE_SOUND_LATENCY_MS,
                         read | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY);
  properties[LODGE_SOUND_PROP_MUTED] = g_param_spec_boolean ("muted", NULL, NULL, FALSE, write);
  properties[LODGE_SOUND_PROP_MICROPHONE_ALLOWED] =
      g_param_spec_boolean ("microphone-allowed", NULL, NULL, FALSE, write);
  properties[LODGE_SOUND_PROP_MICROPHONE] = g_param_spec_uint (
      "microphone", NULL, NULL, LODGE_MICROPHONE_OFF, LODGE_MICROPHONE_LIVE, 0, read);
  properties[LODGE_SOUND_PROP_PLAYING] = g_param_spec_boolean ("playing", NULL, NULL, FALSE, read);
  properties[LODGE_SOUND_PROP_CONNECTING] =
      g_param_spec_boolean ("connecting", NULL, NULL, FALSE, read);
  properties[LODGE_SOUND_PROP_PROBLEM] = g_param_spec_string ("problem", NULL, NULL, NULL, read);
  g_object_class_install_properties (object_class, LODGE_SOUND_N_PROPS, properties);

  signals[RECORDED] = g_signal_new ("recorded", LODGE_TYPE_SOUND, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                    NULL, G_TYPE_NONE, 2, G_TYPE_POINTER, G_TYPE_UINT);
  signals[PLAYED] =
      g_signal_new ("played", LODGE_TYPE_SOUND, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                    4, G_TYPE_POINTER, G_TYPE_UINT, G_TYPE_UINT, G_TYPE_UINT);
}

static void
lodge_sound_init (LodgeSound *self)
{
  self->pause_ms = FIRST_PAUSE_MS;
  self->name = g_strdup (_ ("Lodge"));
  for (guint i = 0; i < LODGE_SOUND_N_DIRECTIONS; i++)
    lodge_sound_stream_init (&self->streams[i], self, i);
}

LodgeSound *
lodge_sound_new (void)
{
  return g_object_new (LODGE_TYPE_SOUND, NULL);
}
