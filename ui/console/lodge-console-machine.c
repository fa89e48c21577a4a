/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine of a console window: its object, the claim to its console, its screen.
 *
 * The screen, while the machine has one (running, paused, stopping, or crashed with a QEMU that
 * stands still, and a socket is named):
 *
 *             claimed            connected
 *     none ----------> session --------------> shown
 *      ^  \               |                      |
 *      |   \ refused      | disconnected         | disconnected
 *      |    v             v                      |
 *      +-- waiting <-----------------------------+
 *      |
 *      +-- elsewhere <--- ConsoleTaken, from any of them; left by take_back(), and by itself when
 *                         nobody has the console any more
 *
 * A session that is connected stays when the engine goes away: the guest and its screen do not need
 * it. The claim is made again with the next engine, unless somebody else has made one.
 */
#include "console/lodge-console-machine.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>

/* The pause before each attempt doubles from the first to the last. */
#define FIRST_PAUSE_MS 250
#define LAST_PAUSE_MS  8000

struct _LodgeConsoleMachine {
  GObject parent_instance;

  LodgeConnection *connection;
  char *wanted; /* what was asked for; the UUID once that is known, for a name may change */
  char *name;
  char *uuid;
  LodgeMachineState state;
  LodgeMachine1 *machine;    /* NULL while the engine is away */
  LodgeEngine1 *engine;      /* whose "machine-removed" is heard */
  GCancellable *cancellable; /* of what is asked of that engine */
  char *problem;             /* why there is no machine, or NULL */
  gboolean removed;
  char *note;

  gboolean claiming;
  char *taken_by; /* NULL: the console is ours, or may be */
  gboolean owned; /* somebody has it, says this engine */
  LodgeConsoleSession *session;
  LodgeSound *sound;
  gboolean silent;
  gboolean microphone_refused; /* here; the engine may not know it yet */
  gboolean refusal_waits;      /* for the end of work on the machine */
  char *lost;                  /* why the screen could not be reached, or NULL */
  guint timer;
  guint pause_ms;
};

G_DEFINE_FINAL_TYPE (LodgeConsoleMachine, lodge_console_machine, G_TYPE_OBJECT)

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void pursue (LodgeConsoleMachine *self);

static void
changed (LodgeConsoleMachine *self)
{
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
set_text (char **field, const char *text)
{
  char *copy = g_strdup (text);

  g_free (*field);
  *field = copy;
}

/* --- The screen --- */

static gboolean
is_connected (LodgeConsoleMachine *self)
{
  gboolean connected = FALSE;

  if (self->session != NULL)
    g_object_get (self->session, "connected", &connected, NULL);
  return connected;
}

static void
drop_session (LodgeConsoleMachine *self)
{
  g_autoptr (LodgeConsoleSession) session = g_steal_pointer (&self->session);

  g_clear_handle_id (&self->timer, g_source_remove);
  if (session == NULL)
    return;

  g_signal_handlers_disconnect_by_data (session, self);
  /* The display lets go of it before its buffers go. */
  changed (self);
  lodge_console_session_close (session);
}

static gboolean
timer_cb (gpointer user_data)
{
  LodgeConsoleMachine *self = user_data;

  self->timer = 0;
  pursue (self);
  changed (self);
  return G_SOURCE_REMOVE;
}

static void
lose (LodgeConsoleMachine *self, const char *sentence)
{
  set_text (&self->lost, sentence);
  drop_session (self);
  self->timer = g_timeout_add (self->pause_ms, timer_cb, self);
  self->pause_ms = MIN (self->pause_ms * 2, LAST_PAUSE_MS);
  changed (self);
}

static void
disconnected_cb (LodgeConsoleSession *session, const GError *error, LodgeConsoleMachine *self)
{
  if (session == self->session)
    lose (self,
          error != NULL ? error->message : _ ("The connection to the machine’s screen has ended."));
}

static void
connected_cb (LodgeConsoleSession *session, GParamSpec *pspec, LodgeConsoleMachine *self)
{
  if (is_connected (self)) {
    g_clear_pointer (&self->lost, g_free);
    self->pause_ms = FIRST_PAUSE_MS;
  }
  changed (self);
}

static gboolean
has_screen (LodgeConsoleMachine *self)
{
  const char *socket =
      self->machine != NULL ? lodge_machine1_get_spice_socket (self->machine) : NULL;

  /* A guest that has panicked still shows why. */
  return ((lodge_machine_state_get_can (self->state) & LODGE_MACHINE_CAN_SHOW) != 0 ||
          self->state == LODGE_MACHINE_STATE_CRASHED) &&
         socket != NULL && *socket != '\0';
}

static void
claimed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleMachine) self = user_data;
  g_autoptr (GError) error = NULL;
  const gboolean claimed =
      lodge_machine1_call_claim_console_finish (LODGE_MACHINE1 (source), result, &error);

  if (LODGE_MACHINE1 (source) != self->machine)
    return;

  self->claiming = FALSE;
  if (!claimed) {
    g_dbus_error_strip_remote_error (error);
    if (!is_connected (self))
      lose (self, error->message);
  } else if (self->session == NULL && self->taken_by == NULL && has_screen (self)) {
    self->session = lodge_console_session_new (lodge_machine1_get_spice_socket (self->machine));
    lodge_console_session_set_frames (self->session,
                                      lodge_machine1_get_frames_socket (self->machine));
    lodge_console_session_set_machine (self->session, self->machine);
    if (!self->silent)
      lodge_console_session_set_sound (self->session, self->sound);
    g_signal_connect (self->session, "notify::connected", G_CALLBACK (connected_cb), self);
    g_signal_connect (self->session, "disconnected", G_CALLBACK (disconnected_cb), self);
    changed (self);
    lodge_console_session_open (self->session);
  }
}

static void
claim (LodgeConsoleMachine *self)
{
  g_autofree char *owner = NULL;

  if (self->claiming)
    return;

  self->claiming = TRUE;
  /* Translators: who shows a machine's console, said to who showed it before; %s is a computer. */
  owner = g_strdup_printf (_ ("a Lodge window on %s"), g_get_host_name ());
  lodge_machine1_call_claim_console (self->machine, owner, self->cancellable, claimed_cb,
                                     g_object_ref (self));
}

/* Does what is next on the way to the screen, if there is one. */
static void
pursue (LodgeConsoleMachine *self)
{
  if (self->machine == NULL || self->taken_by != NULL)
    return;

  if (!has_screen (self)) {
    g_clear_pointer (&self->lost, g_free);
    self->pause_ms = FIRST_PAUSE_MS;
    drop_session (self);
  } else if (self->session == NULL && self->timer == 0) {
    claim (self);
  }
}

/* --- The machine --- */

static gboolean
may_hear (LodgeConsoleMachine *self)
{
  GVariant *description =
      self->machine != NULL ? lodge_machine1_get_description (self->machine) : NULL;
  const char *microphone = NULL;

  if (description != NULL)
    g_variant_lookup (description, "sharing.microphone", "&s", &microphone);
  return g_strcmp0 (microphone, "true") == 0;
}

static void
update_sound (LodgeConsoleMachine *self)
{
  lodge_sound_set_machine (self->sound, self->uuid, self->name);
  g_object_set (self->sound, "microphone-allowed", !self->microphone_refused && may_hear (self),
                NULL);
}

static void
refusal_remembered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleMachine) self = user_data;
  g_autoptr (GError) error = NULL;

  /* Another failure is the user's next word's: here it is off all the same. */
  if (!lodge_machine1_call_set_finish (LODGE_MACHINE1 (source), result, &error) &&
      LODGE_MACHINE1 (source) == self->machine)
    self->refusal_waits = g_error_matches (error, LODGE_ERROR, LODGE_ERROR_STATE);
}

/* Nobody may have been there to be told, or the machine was being worked on. */
static void
remember_refusal (LodgeConsoleMachine *self)
{
  GVariantBuilder changes;

  self->refusal_waits = FALSE;
  if (!self->microphone_refused || !may_hear (self))
    return;
  g_variant_builder_init (&changes, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&changes, "{ss}", "sharing.microphone", "false");
  lodge_machine1_call_set (self->machine, g_variant_builder_end (&changes), self->cancellable,
                           refusal_remembered_cb, g_object_ref (self));
}

void
lodge_console_machine_refuse_microphone (LodgeConsoleMachine *self, gboolean refuse)
{
  g_return_if_fail (LODGE_IS_CONSOLE_MACHINE (self));

  self->microphone_refused = refuse;
  if (refuse)
    g_object_set (self->sound, "microphone-allowed", FALSE, NULL);
  else if (self->machine != NULL)
    update_sound (self);
}

/* Whoever has taken it is gone: it comes back. With another engine it is nobody's until its
 * consoles have claimed it again, which says nothing. */
static void
follow_owner (LodgeConsoleMachine *self)
{
  const char *owner = lodge_machine1_get_console_owner (self->machine);
  const gboolean owned = owner != NULL && *owner != '\0';

  if (self->owned && !owned)
    g_clear_pointer (&self->taken_by, g_free);
  self->owned = owned;
}

static void
properties_cb (LodgeMachine1 *machine, GParamSpec *pspec, LodgeConsoleMachine *self)
{
  set_text (&self->name, lodge_machine1_get_name (machine));
  set_text (&self->note, lodge_machine1_get_note (machine));
  update_sound (self);
  if (self->session != NULL) {
    lodge_console_session_set_frames (self->session, lodge_machine1_get_frames_socket (machine));
    lodge_console_session_set_machine (self->session, machine);
  }
  self->state = lodge_machine_state_from_text (lodge_machine1_get_state (machine));
  follow_owner (self);
  if (self->refusal_waits)
    remember_refusal (self);
  pursue (self);
  changed (self);
}

static void
taken_cb (LodgeMachine1 *machine, const char *by, LodgeConsoleMachine *self)
{
  set_text (&self->taken_by, by);
  drop_session (self);
  changed (self);
}

static void
guest_event_cb (LodgeMachine1 *machine, const char *kind, LodgeConsoleMachine *self)
{
  const gboolean goes_on = g_strcmp0 (kind, "goes-on") == 0;

  if (self->session != NULL && (goes_on || g_strcmp0 (kind, "stands-still") == 0))
    lodge_console_session_set_still (self->session, !goes_on);
}

static void
leave_machine (LodgeConsoleMachine *self)
{
  if (self->machine != NULL)
    g_signal_handlers_disconnect_by_data (self->machine, self);
  g_clear_object (&self->machine);
  self->claiming = FALSE;
  self->owned = FALSE;
}

static void
removed_cb (LodgeEngine1 *engine, const char *uuid, LodgeConsoleMachine *self)
{
  if (g_strcmp0 (uuid, self->uuid) != 0)
    return;

  self->removed = TRUE;
  self->state = LODGE_MACHINE_STATE_UNKNOWN;
  set_text (&self->problem, _ ("This machine has been deleted."));
  /* Nothing can be asked of it any more. */
  leave_machine (self);
  drop_session (self);
  changed (self);
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (LodgeConsoleMachine) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeMachine1) machine =
      lodge_client_open_machine_finish (LODGE_CLIENT (source), result, &error);
  const char *owner;

  if (self->connection == NULL ||
      LODGE_CLIENT (source) != lodge_connection_get_client (self->connection))
    return;

  if (machine == NULL) {
    g_dbus_error_strip_remote_error (error);
    set_text (&self->problem, error->message);
    changed (self);
    return;
  }

  g_clear_pointer (&self->problem, g_free);
  self->machine = g_steal_pointer (&machine);
  set_text (&self->uuid, lodge_machine1_get_uuid (self->machine));
  set_text (&self->wanted, self->uuid);
  g_signal_connect (self->machine, "notify", G_CALLBACK (properties_cb), self);
  g_signal_connect (self->machine, "console-taken", G_CALLBACK (taken_cb), self);
  g_signal_connect (self->machine, "guest-event", G_CALLBACK (guest_event_cb), self);

  owner = lodge_machine1_get_console_owner (self->machine);
  if (is_connected (self) && (owner == NULL || *owner == '\0'))
    claim (self);
  properties_cb (self->machine, NULL, self);
  remember_refusal (self);
}

static void
open_machine (LodgeConsoleMachine *self)
{
  LodgeClient *client = lodge_connection_get_client (self->connection);

  if (client != NULL && self->machine == NULL && !self->removed)
    lodge_client_open_machine_async (client, self->wanted, self->cancellable, opened_cb,
                                     g_object_ref (self));
}

static void
leave_engine (LodgeConsoleMachine *self)
{
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  leave_machine (self);
  if (self->engine != NULL)
    g_signal_handlers_disconnect_by_data (self->engine, self);
  g_clear_object (&self->engine);
}

static void
connection_cb (LodgeConnection *connection, GParamSpec *pspec, LodgeConsoleMachine *self)
{
  LodgeClient *client = lodge_connection_get_client (connection);
  LodgeEngine1 *engine = client != NULL ? lodge_client_get_engine (client) : NULL;

  if (engine != self->engine) {
    leave_engine (self);
    if (engine != NULL) {
      self->engine = g_object_ref (engine);
      self->cancellable = g_cancellable_new ();
      g_signal_connect (engine, "machine-removed", G_CALLBACK (removed_cb), self);
      open_machine (self);
    }
  }
  changed (self);
}

/* --- Object --- */

static void
lodge_console_machine_dispose (GObject *object)
{
  LodgeConsoleMachine *self = LODGE_CONSOLE_MACHINE (object);

  leave_engine (self);
  drop_session (self);
  g_clear_object (&self->connection);

  G_OBJECT_CLASS (lodge_console_machine_parent_class)->dispose (object);
}

static void
lodge_console_machine_finalize (GObject *object)
{
  LodgeConsoleMachine *self = LODGE_CONSOLE_MACHINE (object);

  g_object_unref (self->sound);
  g_free (self->wanted);
  g_free (self->name);
  g_free (self->uuid);
  g_free (self->problem);
  g_free (self->note);
  g_free (self->taken_by);
  g_free (self->lost);

  G_OBJECT_CLASS (lodge_console_machine_parent_class)->finalize (object);
}

static void
lodge_console_machine_class_init (LodgeConsoleMachineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = lodge_console_machine_dispose;
  object_class->finalize = lodge_console_machine_finalize;

  signals[CHANGED] = g_signal_new ("changed", LODGE_TYPE_CONSOLE_MACHINE, G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
lodge_console_machine_init (LodgeConsoleMachine *self)
{
  self->pause_ms = FIRST_PAUSE_MS;
  self->sound = lodge_sound_new ();
}

LodgeConsoleMachine *
lodge_console_machine_new (LodgeConnection *connection, const char *machine)
{
  LodgeConsoleMachine *self = g_object_new (LODGE_TYPE_CONSOLE_MACHINE, NULL);

  self->connection = g_object_ref (connection);
  self->wanted = g_strdup (machine);
  self->name = g_strdup (machine);
  g_signal_connect_object (connection, "notify", G_CALLBACK (connection_cb), self, 0);
  connection_cb (connection, NULL, self);
  return self;
}

LodgeConsolePhase
lodge_console_machine_get_phase (LodgeConsoleMachine *self)
{
  if (self->removed)
    return LODGE_CONSOLE_GONE;
  if (is_connected (self))
    return LODGE_CONSOLE_SHOWN;
  if (self->machine == NULL)
    return lodge_console_machine_get_sentence (self) != NULL ? LODGE_CONSOLE_PROBLEM
                                                             : LODGE_CONSOLE_LOADING;
  if (self->state == LODGE_MACHINE_STATE_OFF)
    return LODGE_CONSOLE_OFF;
  if (self->state == LODGE_MACHINE_STATE_TEMPLATE)
    return LODGE_CONSOLE_TEMPLATE;
  if (self->state == LODGE_MACHINE_STATE_SUSPENDED)
    return LODGE_CONSOLE_SUSPENDED;
  if (self->state == LODGE_MACHINE_STATE_CRASHED &&
      (!has_screen (self) || self->taken_by != NULL || self->lost != NULL))
    return LODGE_CONSOLE_CRASHED;
  if (self->taken_by != NULL)
    return LODGE_CONSOLE_ELSEWHERE;
  if (!has_screen (self))
    return LODGE_CONSOLE_BUSY;
  return self->lost != NULL ? LODGE_CONSOLE_LOST : LODGE_CONSOLE_CONNECTING;
}

const char *
lodge_console_machine_get_name (LodgeConsoleMachine *self)
{
  return self->name;
}

const char *
lodge_console_machine_get_uuid (LodgeConsoleMachine *self)
{
  return self->uuid;
}

const char *
lodge_console_machine_get_sentence (LodgeConsoleMachine *self)
{
  if (self->problem != NULL)
    return self->problem;
  if (self->machine == NULL)
    return lodge_connection_get_problem (self->connection);
  if (self->state == LODGE_MACHINE_STATE_CRASHED || self->state == LODGE_MACHINE_STATE_OFF ||
      self->state == LODGE_MACHINE_STATE_SUSPENDED || self->state == LODGE_MACHINE_STATE_TEMPLATE)
    return self->note;
  /* Why one that runs has no screen: its QEMU may not answer. */
  if (self->taken_by == NULL && !has_screen (self))
    return self->note;
  return self->taken_by != NULL ? self->taken_by : self->lost;
}

LodgeMachineState
lodge_console_machine_get_state (LodgeConsoleMachine *self)
{
  return self->state;
}

LodgeConsoleSession *
lodge_console_machine_get_session (LodgeConsoleMachine *self)
{
  return self->session;
}

LodgeSound *
lodge_console_machine_get_sound (LodgeConsoleMachine *self)
{
  return self->sound;
}

LodgeMachine1 *
lodge_console_machine_get_machine (LodgeConsoleMachine *self)
{
  return self->machine;
}

void
lodge_console_machine_set_silent (LodgeConsoleMachine *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_MACHINE (self));
  g_return_if_fail (self->session == NULL);

  self->silent = TRUE;
}

void
lodge_console_machine_take_back (LodgeConsoleMachine *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_MACHINE (self));

  g_clear_pointer (&self->taken_by, g_free);
  self->pause_ms = FIRST_PAUSE_MS;
  pursue (self);
  changed (self);
}

void
lodge_console_machine_retry (LodgeConsoleMachine *self)
{
  g_return_if_fail (LODGE_IS_CONSOLE_MACHINE (self));

  g_clear_handle_id (&self->timer, g_source_remove);
  self->pause_ms = FIRST_PAUSE_MS;
  lodge_connection_retry (self->connection);
  open_machine (self);
  pursue (self);
  changed (self);
}
