/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-engine: one per user, started by whatever client comes first.
 *
 * Ends when asked to, or after a while with nothing to do. Its machines go on without it and are
 * found again by the next engine. Only at the end of the user's session does it shut guests down.
 */
#include "lodge-config.h"
#include "lodge-error.h"
#include "lodge-no-dump.h"
#include "lodge-paths.h"
#include "service/lodge-service.h"
#include "service/lodge-session.h"

#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

/* Recovery waits for hung QEMUs; clients should not. */
#define RECOVER_LIMIT_S 2
/* Together with LODGE_SESSION_LIMIT_MS less than TimeoutStopSec in lodge-engine.service, after
 * which systemd ends the engine and with it all that guests could still be given. */
#define UNIT_STOP_LIMIT_S 100
#define SHUT_DOWN_LIMIT_S 80
G_STATIC_ASSERT (SHUT_DOWN_LIMIT_S + LODGE_SESSION_LIMIT_MS / 1000 < UNIT_STOP_LIMIT_S);
#define SHUT_DOWN_AGAIN_S   20
#define DEFAULT_IDLE_EXIT_S 60

typedef struct {
  GMainLoop *loop;
  LodgeLibrary *library;
  LodgeService *service;
  int idle_exit_s;
  guint recover_timeout;
  gboolean ending;
  int status;
} Engine;

static void
host_prepared_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_machine_host_prepare_finish (LODGE_MACHINE_HOST (source), result);
}

static void
quit_cb (LodgeService *service, Engine *engine)
{
  g_main_loop_quit (engine->loop);
}

/* Serves once it is known what runs. */
static void
serve (Engine *engine)
{
  g_autoptr (GError) error = NULL;

  g_clear_handle_id (&engine->recover_timeout, g_source_remove);
  if (engine->service != NULL || engine->status != EXIT_SUCCESS)
    return;
  engine->service = lodge_service_new (engine->library, engine->idle_exit_s, &error);
  if (engine->service == NULL) {
    g_printerr ("lodge-engine: %s\n", error->message);
    engine->status = EXIT_FAILURE;
    g_main_loop_quit (engine->loop);
    return;
  }
  g_signal_connect (engine->service, "quit", G_CALLBACK (quit_cb), engine);
  /* The first start should not have to wait for the measuring. */
  lodge_machine_host_prepare_async (lodge_library_get_host (engine->library), FALSE,
                                    host_prepared_cb, NULL);
}

static void
recovered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  lodge_library_recover_finish (LODGE_LIBRARY (source), result);
  serve (user_data);
}

static gboolean
recover_limit_cb (gpointer user_data)
{
  Engine *engine = user_data;

  engine->recover_timeout = 0;
  serve (engine);
  return G_SOURCE_REMOVE;
}

static void
guests_down_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Engine *engine = user_data;
  guint left = lodge_library_shut_down_finish (LODGE_LIBRARY (source), result);

  if (left > 0)
    g_printerr ("lodge-engine: %u guests did not shut down in time\n", left);
  g_main_loop_quit (engine->loop);
}

static void
session_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Engine *engine = user_data;

  if (lodge_session_is_ending_finish (result) && engine->service != NULL)
    lodge_library_shut_down_async (engine->library, SHUT_DOWN_LIMIT_S, SHUT_DOWN_AGAIN_S,
                                   guests_down_cb, engine);
  else
    g_main_loop_quit (engine->loop);
}

static gboolean
terminate_cb (gpointer user_data)
{
  Engine *engine = user_data;

  if (!engine->ending) {
    engine->ending = TRUE;
    lodge_session_is_ending_async (session_cb, engine);
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
parse (int *argc, char ***argv, int *out_idle_exit_s)
{
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
      {"idle-exit", 0, 0, G_OPTION_ARG_INT, out_idle_exit_s,
       N_ ("End after so many seconds with nothing to do; 0 never"), N_ ("SECONDS")},
      {"version", 0, 0, G_OPTION_ARG_NONE, &version, N_ ("Show the version"), NULL},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_set_summary (context, _ ("The engine that runs Lodge's machines. Clients start "
                                            "it; there is no need to do so by hand."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse (context, argc, argv, &error) || *argc > 1 || *out_idle_exit_s < 0) {
    g_printerr ("lodge-engine: %s\n", error != NULL ? error->message : _ ("wrong arguments"));
    exit (2);
  }
  if (version)
    g_print ("lodge-engine %s\n", LODGE_VERSION);
  return !version;
}

int
main (int argc, char *argv[])
{
  Engine engine = {.idle_exit_s = DEFAULT_IDLE_EXIT_S, .status = EXIT_SUCCESS};
  g_autoptr (GError) error = NULL;
  g_autofree char *data = lodge_paths_dup_data ();
  int lock;

  lodge_no_dump ();
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LODGE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  if (!parse (&argc, &argv, &engine.idle_exit_s))
    return EXIT_SUCCESS;

  /* A client's terminal may close; a log may be gone. */
  signal (SIGHUP, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);

  lock = lodge_service_lock (&error);
  if (lock < 0) {
    g_printerr ("lodge-engine: %s\n", error->message);
    /* Two clients started one each: the other's is as good. */
    return g_error_matches (error, LODGE_ERROR, LODGE_ERROR_EXISTS) ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  engine.library = lodge_library_new (data, &error);
  if (engine.library == NULL) {
    g_printerr ("lodge-engine: %s\n", error->message);
    return EXIT_FAILURE;
  }

  engine.loop = g_main_loop_new (NULL, FALSE);
  g_unix_signal_add (SIGTERM, terminate_cb, &engine);
  g_unix_signal_add (SIGINT, terminate_cb, &engine);
  engine.recover_timeout = g_timeout_add_seconds (RECOVER_LIMIT_S, recover_limit_cb, &engine);
  lodge_library_recover_async (engine.library, recovered_cb, &engine);
  g_main_loop_run (engine.loop);

  g_clear_handle_id (&engine.recover_timeout, g_source_remove);
  g_clear_object (&engine.service);
  g_clear_object (&engine.library);
  g_main_loop_unref (engine.loop);
  return engine.status;
}
