/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The viewer: what is shown in its window, and what the keys do while that is words.
 *
 * A machine of Lodge's is followed as the console window follows it. A foreign server is not
 * trusted: before it is spoken to, this process takes from itself what it can
 * (lodge-viewer-sandbox.h), and does without the engine.
 */
#include "sdl/lodge-viewer.h"

#include "console/lodge-console-machine.h"
#include "sdl/lodge-sdl-window.h"
#include "sdl/lodge-viewer-prompt.h"
#include "sdl/lodge-viewer-reach.h"
#include "sdl/lodge-viewer-sandbox.h"
#include "sdl/lodge-viewer-server.h"

#include "lodge-client.h"
#include "lodge-error.h"

#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <spice-client.h>
#include <stdio.h>
#include <stdlib.h>

/* A server that keeps one of its channels from opening does not keep this process open. */
#define SETTLE_LIMIT_S 10

typedef struct {
  const LodgeViewerOptions *options;
  GMainLoop *loop;
  LodgeSdlWindow *window;
  GSignalGroup *agent; /* of the session: whether the guest's has come */
  LodgeSound *sound;   /* lent by the machine, or owned; NULL: none */

  LodgeConnection *connection; /* of a machine: */
  LodgeConsoleMachine *machine;

  LodgeViewerServer *server; /* or of a server: */
  LodgeViewerReach *reach;   /* while what it needs is reached for */
  LodgeSound *owned_sound;
  LodgeViewerPrompt *prompt;
  LodgeConsoleSession *watched; /* whose channels are waited for; lent */
  guint settle_id;
  gboolean closed; /* the way to other programs and computers */
  GError *failure; /* the end, but not by the user */

  guint wanted_width; /* of the guest's monitor */
  guint wanted_height;
  gboolean size_waits; /* the engine, which is away, has not been told of it */
} Viewer;

static void
viewer_quit (Viewer *self)
{
  g_main_loop_quit (self->loop);
}

/* ---- words */

typedef struct {
  LodgeConsolePhase phase;
  const char *heading;
  const char *hint;
} PhaseRow;

static const PhaseRow phases[] = {
    {LODGE_CONSOLE_LOADING, N_ ("Looking for the machine"), N_ ("Q closes the viewer.")},
    {LODGE_CONSOLE_PROBLEM, N_ ("There Is Nothing to Show"),
     N_ ("Enter tries again, Q closes the viewer.")},
    {LODGE_CONSOLE_GONE, N_ ("The Machine Is Gone"), N_ ("Q closes the viewer.")},
    {LODGE_CONSOLE_OFF, N_ ("The Machine Is Off"), N_ ("Enter starts it, Q closes the viewer.")},
    {LODGE_CONSOLE_SUSPENDED, N_ ("The Machine Is Suspended"),
     N_ ("Enter resumes it, Q closes the viewer.")},
    {LODGE_CONSOLE_CRASHED, N_ ("The Machine Has Crashed"),
     N_ ("Enter starts it again, Q closes the viewer.")},
    {LODGE_CONSOLE_BUSY, NULL, N_ ("Q closes the viewer.")},
    {LODGE_CONSOLE_CONNECTING, N_ ("Connecting to the screen"), N_ ("Q closes the viewer.")},
    {LODGE_CONSOLE_ELSEWHERE, N_ ("Shown Elsewhere"),
     N_ ("Enter shows it here, Q closes the viewer.")},
    {LODGE_CONSOLE_LOST, N_ ("The Screen Cannot Be Reached"),
     N_ ("Enter tries again now, Q closes the viewer.")},
};

static void
set_words (Viewer *self, const char *heading, const char *sentence, const char *hint)
{
  g_autofree char *body = sentence != NULL && *sentence != '\0'
                              ? g_strdup_printf ("%s\n\n%s", sentence, hint)
                              : g_strdup (hint);

  lodge_sdl_window_set_words (self->window, heading, body);
}

/* Why the guest shows nothing on the monitor. */
static void
set_dark_words (Viewer *self)
{
  g_autoptr (LodgeConsoleSession) session = g_signal_group_dup_target (self->agent);
  const char *hint = _ ("Keys go to the guest; Ctrl+Alt takes the keyboard back.");
  gboolean agent = FALSE;

  if (session != NULL)
    g_object_get (session, "can-resize", &agent, NULL);
  /* The first is on by itself. */
  if (self->options->monitor > 0 && !agent)
    set_words (self, _ ("Waiting for the Guest’s Agent"),
               _ ("The guest has not switched this monitor on, and spice-vdagent, which could, "
                  "does not run in it yet: wait while the guest starts, or install it there (for "
                  "Windows: the SPICE guest tools)."),
               hint);
  else
    set_words (self, _ ("The guest’s display is off"), NULL, hint);
}

static void
set_machine_words (Viewer *self)
{
  const LodgeConsolePhase phase = lodge_console_machine_get_phase (self->machine);
  const char *sentence = lodge_console_machine_get_sentence (self->machine);
  g_autofree char *whole = NULL;

  if (phase == LODGE_CONSOLE_SHOWN) {
    set_dark_words (self);
    return;
  }
  if (phase == LODGE_CONSOLE_ELSEWHERE && sentence != NULL) {
    /* Translators: %s is who has it now, "a Lodge window on HOST". */
    whole = g_strdup_printf (_ ("The console is shown by %s. Only one can show it at a time."),
                             sentence);
    sentence = whole;
  }
  for (guint i = 0; i < G_N_ELEMENTS (phases); i++) {
    if (phases[i].phase == phase)
      set_words (self,
                 phases[i].heading != NULL ? _ (phases[i].heading)
                                           : lodge_machine_state_get_word (
                                                 lodge_console_machine_get_state (self->machine)),
                 sentence, _ (phases[i].hint));
  }
}

static void
set_server_words (Viewer *self)
{
  const char *sentence = lodge_viewer_server_get_sentence (self->server);

  switch (lodge_viewer_server_get_phase (self->server)) {
  case LODGE_VIEWER_SERVER_CONNECTING:
    set_words (self, _ ("Connecting to the screen"), NULL, _ ("Q closes the viewer."));
    break;
  case LODGE_VIEWER_SERVER_ASKING:
    set_words (self, _ ("The Server Wants a Ticket"), sentence,
               lodge_viewer_prompt_is_possible ()
                   ? _ ("Type it in the terminal that the viewer was started from.")
                   : _ ("Start the viewer again with --ticket-file, or from a terminal; Q closes "
                        "it."));
    break;
  case LODGE_VIEWER_SERVER_SHOWN:
    set_dark_words (self);
    break;
  case LODGE_VIEWER_SERVER_ENDED:
  default:
    set_words (self, _ ("There Is Nothing to Show"), sentence, _ ("Q closes the viewer."));
    break;
  }
}

static void
update_words (Viewer *self)
{
  if (self->machine != NULL)
    set_machine_words (self);
  else
    set_server_words (self);
}

/* ---- sound */

static void
microphone_cb (LodgeSound *sound, GParamSpec *pspec, Viewer *self)
{
  guint microphone;

  g_object_get (sound, "microphone", &microphone, NULL);
  lodge_sdl_window_set_notice (self->window, microphone == LODGE_MICROPHONE_LIVE
                                                 ? _ ("The guest hears the microphone.")
                                                 : NULL);
}

static void
set_session (Viewer *self, LodgeConsoleSession *session)
{
  lodge_sdl_window_set_session (self->window, session, self->options->monitor);
  g_signal_group_set_target (self->agent, session);
}

/* ---- a machine */

static void
told_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Viewer *self = user_data;
  g_autoptr (GError) error = NULL;

  /* The engine went away meanwhile. What it says itself is nothing to repeat. */
  if (!lodge_machine1_call_set_display_size_finish (LODGE_MACHINE1 (source), result, &error) &&
      !g_dbus_error_is_remote_error (error))
    self->size_waits = TRUE;
}

static void
tell_size (Viewer *self)
{
  LodgeMachine1 *machine =
      self->machine != NULL ? lodge_console_machine_get_machine (self->machine) : NULL;

  if (!self->size_waits || machine == NULL)
    return;
  self->size_waits = FALSE;
  lodge_machine1_call_set_display_size (machine, self->options->monitor, self->wanted_width,
                                        self->wanted_height, NULL, told_cb, self);
}

static void
machine_changed_cb (LodgeConsoleMachine *machine, Viewer *self)
{
  set_session (self, lodge_console_machine_get_session (machine));
  if (lodge_console_machine_get_phase (machine) == LODGE_CONSOLE_OFF)
    lodge_sdl_window_forget_switched_on (self->window);
  tell_size (self);
  lodge_sdl_window_set_title (self->window, lodge_console_machine_get_name (machine));
  set_machine_words (self);
}

static void
started_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (lodge_machine1_call_start_finish (LODGE_MACHINE1 (source), result, &error))
    return;
  /* Where the window is, the machine's note says it too; the terminal has it in any case. */
  g_dbus_error_strip_remote_error (error);
  fprintf (stderr, "lodge-viewer: %s\n", error->message);
}

static void
use_enter (Viewer *self)
{
  LodgeMachine1 *machine = lodge_console_machine_get_machine (self->machine);

  switch (lodge_console_machine_get_phase (self->machine)) {
  case LODGE_CONSOLE_SUSPENDED:
    /* A guest's memory takes as long to load as it takes. */
    if (machine != NULL)
      g_dbus_proxy_set_default_timeout (G_DBUS_PROXY (machine), G_MAXINT);
    G_GNUC_FALLTHROUGH;
  case LODGE_CONSOLE_OFF:
  case LODGE_CONSOLE_CRASHED:
    if (machine != NULL)
      lodge_machine1_call_start (machine, NULL, started_cb, NULL);
    break;
  case LODGE_CONSOLE_ELSEWHERE:
    lodge_console_machine_take_back (self->machine);
    break;
  case LODGE_CONSOLE_PROBLEM:
  case LODGE_CONSOLE_LOST:
    lodge_console_machine_retry (self->machine);
    break;
  case LODGE_CONSOLE_GONE:
  case LODGE_CONSOLE_LOADING:
  case LODGE_CONSOLE_BUSY:
  case LODGE_CONSOLE_CONNECTING:
  case LODGE_CONSOLE_SHOWN:
  default:
    break;
  }
}

static void
key_cb (LodgeSdlWindow *window, int key, Viewer *self)
{
  if (self->machine != NULL && (key == SDLK_RETURN || key == SDLK_KP_ENTER))
    use_enter (self);
}

/* A guest without an agent may have a driver that hears of it from its graphics card; one that does
 * not is shown as it is, and why is nothing to tell. */
static void
size_wanted_cb (LodgeSdlWindow *window, int width, int height, Viewer *self)
{
  self->wanted_width = (guint) width;
  self->wanted_height = (guint) height;
  self->size_waits = TRUE;
  tell_size (self);
}

/* Whether there is such a machine: said on the terminal, where it was asked for. */
static gboolean
check_machine (const char *machine, GError **error)
{
  g_autoptr (LodgeClient) client = lodge_client_connect_sync (LODGE_CLIENT_FLAGS_NONE, NULL, error);
  g_autoptr (LodgeMachine1) found = NULL;

  if (client == NULL)
    return FALSE;
  found = lodge_client_open_machine_sync (client, machine, NULL, error);
  if (found == NULL)
    g_dbus_error_strip_remote_error (*error);
  return found != NULL;
}

static void
begin_machine (Viewer *self)
{
  self->connection = lodge_connection_new ();
  lodge_connection_open (self->connection);
  self->machine = lodge_console_machine_new (self->connection, self->options->machine);
  if (self->options->no_sound)
    lodge_console_machine_set_silent (self->machine);
  else
    self->sound = lodge_console_machine_get_sound (self->machine);
  g_signal_connect (self->machine, "changed", G_CALLBACK (machine_changed_cb), self);
  machine_changed_cb (self->machine, self);
}

/* ---- a server */

static void
close_off (Viewer *self)
{
  g_clear_handle_id (&self->settle_id, g_source_remove);
  if (self->closed)
    return;
  self->closed = TRUE;
  if (!lodge_viewer_sandbox_close (&self->failure))
    viewer_quit (self);
}

static gboolean
settle_limit_cb (gpointer user_data)
{
  Viewer *self = user_data;

  self->settle_id = 0;
  close_off (self);
  return G_SOURCE_REMOVE;
}

static void
settled_cb (LodgeConsoleSession *session, GParamSpec *pspec, Viewer *self)
{
  gboolean settled;

  g_object_get (session, "settled", &settled, NULL);
  if (settled)
    close_off (self);
}

static void
answer_cb (const char *ticket, gpointer user_data)
{
  Viewer *self = user_data;

  /* The answer may be followed by another question. */
  g_clear_pointer (&self->prompt, lodge_viewer_prompt_free);
  if (ticket != NULL)
    lodge_viewer_server_answer (self->server, ticket);
  else
    viewer_quit (self);
}

static void
server_changed_cb (LodgeViewerServer *server, Viewer *self)
{
  LodgeConsoleSession *session = lodge_viewer_server_get_session (server);
  const LodgeViewerServerPhase phase = lodge_viewer_server_get_phase (server);

  set_session (self, session);
  if (session != NULL && session != self->watched)
    g_signal_connect (session, "notify::settled", G_CALLBACK (settled_cb), self);
  self->watched = session;
  set_server_words (self);
  /* The terminal keeps what the window said when it is closed. */
  if (phase == LODGE_VIEWER_SERVER_ENDED ||
      (phase == LODGE_VIEWER_SERVER_ASKING && !lodge_viewer_prompt_is_possible ()))
    fprintf (stderr, "lodge-viewer: %s\n", lodge_viewer_server_get_sentence (server));
  if (phase == LODGE_VIEWER_SERVER_SHOWN && !self->closed && self->settle_id == 0)
    self->settle_id = g_timeout_add_seconds (SETTLE_LIMIT_S, settle_limit_cb, self);
  if (phase == LODGE_VIEWER_SERVER_ASKING && self->prompt == NULL &&
      lodge_viewer_prompt_is_possible ()) {
    g_autofree char *question = g_strdup_printf (
        /* Translators: asked on a terminal; %s is "The SPICE server at … wants a ticket." */
        _ ("%s Ticket:"), lodge_viewer_server_get_sentence (server));

    self->prompt = lodge_viewer_prompt_new (question, answer_cb, self);
  }
}

/* What the library looks for when the first display is made: it may run a program for that, which
 * it could not later. */
static void
warm_up (void)
{
  SpiceSession *spice = spice_session_new ();

  (void) spice_channel_new (spice, SPICE_CHANNEL_DISPLAY, 0); /* the session's, and goes with it */
  spice_session_disconnect (spice);
  g_object_unref (spice);
}

/* All that other programs of this computer are needed for is there. */
static void
reached_cb (gpointer user_data)
{
  Viewer *self = user_data;

  g_clear_pointer (&self->reach, lodge_viewer_reach_free);
  if (lodge_viewer_sandbox_enter (self->options->address->path != NULL, &self->failure))
    lodge_viewer_server_open (self->server);
  else
    viewer_quit (self);
}

static void
begin_server (Viewer *self)
{
  g_autofree char *title = lodge_console_address_to_text (self->options->address);

  if (!self->options->no_sound) {
    self->sound = self->owned_sound = lodge_sound_new ();
    lodge_sound_set_machine (self->sound, title, title);
  }
  self->server =
      lodge_viewer_server_new (self->options->address, self->options->ticket, self->sound);
  g_signal_connect (self->server, "changed", G_CALLBACK (server_changed_cb), self);
  lodge_sdl_window_set_title (self->window, title);
  server_changed_cb (self->server, self);
  self->reach = lodge_viewer_reach_new (self->options->address, self->sound, reached_cb, self);
}

/* ---- life */

static gboolean
signal_cb (gpointer user_data)
{
  viewer_quit (user_data);
  return G_SOURCE_REMOVE;
}

/* On a bare console SDL reads the keyboard's own device, and switches the console's off until it
 * ends: whoever crashes meanwhile leaves a console behind that nobody can type at. So SDL may
 * handle the signals of a crash, and the others are handled here before. */
static gboolean
start_video (Viewer *self)
{
  g_unix_signal_add (SIGINT, signal_cb, self);
  g_unix_signal_add (SIGTERM, signal_cb, self);
  g_unix_signal_add (SIGHUP, signal_cb, self);
  lodge_sdl_window_set_hints ();
  if (SDL_Init (SDL_INIT_EVENTS) != 0)
    return FALSE;
  SDL_SetHint (SDL_HINT_NO_SIGNAL_HANDLERS, "0");
  return SDL_InitSubSystem (SDL_INIT_VIDEO) == 0;
}

static gboolean
begin (Viewer *self, GError **error)
{
  if (self->options->machine != NULL) {
    if (!check_machine (self->options->machine, error))
      return FALSE;
  } else {
    if (!lodge_viewer_sandbox_begin () && !self->options->without_landlock) {
      g_set_error_literal (
          error, LODGE_ERROR, LODGE_ERROR_HOST,
          _ ("This kernel has no Landlock, without which a server that takes the viewer over could "
             "read your files; with --without-landlock it is shown all the same."));
      return FALSE;
    }
    warm_up ();
  }

  if (!start_video (self)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("There is no display to show it on: %s"),
                 SDL_GetError ());
    return FALSE;
  }
  self->window = lodge_sdl_window_new (self->options->machine != NULL ? self->options->machine
                                                                      : "lodge-viewer",
                                       self->options->full_screen, error);
  if (self->window == NULL)
    return FALSE;
  self->agent = g_signal_group_new (LODGE_TYPE_CONSOLE_SESSION);
  g_signal_group_connect_swapped (self->agent, "notify::can-resize", G_CALLBACK (update_words),
                                  self);
  g_signal_connect_swapped (self->window, "close", G_CALLBACK (viewer_quit), self);
  g_signal_connect (self->window, "key", G_CALLBACK (key_cb), self);
  g_signal_connect (self->window, "size-wanted", G_CALLBACK (size_wanted_cb), self);
  if (self->options->machine != NULL)
    begin_machine (self);
  else
    begin_server (self);
  if (self->sound != NULL)
    g_signal_connect (self->sound, "notify::microphone", G_CALLBACK (microphone_cb), self);
  return TRUE;
}

/* What was called last has gone out before this process does. */
static void
flush_calls (Viewer *self)
{
  LodgeMachine1 *machine =
      self->machine != NULL ? lodge_console_machine_get_machine (self->machine) : NULL;

  if (machine != NULL)
    g_dbus_connection_flush_sync (g_dbus_proxy_get_connection (G_DBUS_PROXY (machine)), NULL, NULL);
}

static void
end (Viewer *self)
{
  if (self->sound != NULL)
    g_signal_handlers_disconnect_by_data (self->sound, self);
  if (self->machine != NULL)
    g_signal_handlers_disconnect_by_data (self->machine, self);
  if (self->server != NULL)
    g_signal_handlers_disconnect_by_data (self->server, self);
  g_clear_object (&self->agent);
  if (self->window != NULL)
    lodge_sdl_window_end (self->window);
  flush_calls (self);
  g_clear_handle_id (&self->settle_id, g_source_remove);
  g_clear_pointer (&self->prompt, lodge_viewer_prompt_free);
  g_clear_pointer (&self->reach, lodge_viewer_reach_free);
  g_clear_object (&self->machine);
  g_clear_object (&self->connection);
  g_clear_object (&self->server);
  g_clear_object (&self->owned_sound);
  g_clear_object (&self->window);
  /* What is on its way, the release of keys above all, goes out. */
  while (g_main_context_iteration (NULL, lodge_console_session_is_ending ()) ||
         lodge_console_session_is_ending ())
    ;
  SDL_Quit ();
  g_clear_pointer (&self->loop, g_main_loop_unref);
}

int
lodge_viewer_run (const LodgeViewerOptions *options)
{
  Viewer self = {.options = options, .loop = g_main_loop_new (NULL, FALSE)};

  if (begin (&self, &self.failure))
    g_main_loop_run (self.loop);
  end (&self);
  if (self.failure == NULL)
    return EXIT_SUCCESS;
  fprintf (stderr, "lodge-viewer: %s\n", self.failure->message);
  g_error_free (self.failure);
  return EXIT_FAILURE;
}
