/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opens consoles as processes of their own, and brings back the one that is open already.
 *
 * A console outlives the library. While both live, a pipe to its standard input is all that joins
 * them: a word on it brings the window to the front. (A name on the session bus would need a bus,
 * which is not there over ssh or in a container.)
 */
#include "gtk/lodge-console-launcher.h"

#include "lodge-error.h"

#include <glib/gi18n-lib.h>
#include <string.h>

struct _LodgeConsoleLauncher {
  GObject parent_instance;

  char *program;
  GHashTable *consoles; /* uuid -> GSubprocess that has not ended yet */
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (LodgeConsoleLauncher, lodge_console_launcher, G_TYPE_OBJECT)

enum { FAILED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void
lodge_console_launcher_dispose (GObject *object)
{
  LodgeConsoleLauncher *self = LODGE_CONSOLE_LAUNCHER (object);

  g_cancellable_cancel (self->cancellable);
  g_hash_table_remove_all (self->consoles);

  G_OBJECT_CLASS (lodge_console_launcher_parent_class)->dispose (object);
}

static void
lodge_console_launcher_finalize (GObject *object)
{
  LodgeConsoleLauncher *self = LODGE_CONSOLE_LAUNCHER (object);

  g_hash_table_unref (self->consoles);
  g_clear_object (&self->cancellable);
  g_free (self->program);

  G_OBJECT_CLASS (lodge_console_launcher_parent_class)->finalize (object);
}

static void
lodge_console_launcher_class_init (LodgeConsoleLauncherClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = lodge_console_launcher_dispose;
  object_class->finalize = lodge_console_launcher_finalize;

  signals[FAILED] = g_signal_new ("failed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
lodge_console_launcher_init (LodgeConsoleLauncher *self)
{
  self->consoles = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->cancellable = g_cancellable_new ();
}

LodgeConsoleLauncher *
lodge_console_launcher_new (const char *program)
{
  LodgeConsoleLauncher *self = g_object_new (LODGE_TYPE_CONSOLE_LAUNCHER, NULL);

  /* The program that runs now, also where a newer one has been installed over it meanwhile. */
  self->program = g_strdup (program != NULL ? program : "/proc/self/exe");
  return self;
}

typedef struct {
  LodgeConsoleLauncher *self; /* valid unless cancelled */
  char *uuid;
} Wait;

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Wait *wait = user_data;
  g_autoptr (GError) error = NULL;

  (void) g_subprocess_wait_finish (G_SUBPROCESS (source), result, &error);
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    if (g_hash_table_lookup (wait->self->consoles, wait->uuid) == (gpointer) source)
      g_hash_table_remove (wait->self->consoles, wait->uuid);
    if (g_subprocess_get_if_exited (G_SUBPROCESS (source)) &&
        g_subprocess_get_exit_status (G_SUBPROCESS (source)) == LODGE_CONSOLE_GAVE_UP)
      g_signal_emit (wait->self, signals[FAILED], 0, wait->uuid);
  }
  g_free (wait->uuid);
  g_free (wait);
}

static char *
dup_token (GdkDisplay *display)
{
  g_autoptr (GdkAppLaunchContext) context = NULL;
  g_autoptr (GAppInfo) info = NULL;

  if (display == NULL)
    return NULL;

  /* Only for its name and its wish for a token; nothing is started with it. */
  info = g_app_info_create_from_commandline ("lodge", "Lodge",
                                             G_APP_INFO_CREATE_SUPPORTS_STARTUP_NOTIFICATION, NULL);
  if (info == NULL)
    return NULL;

  context = gdk_display_get_app_launch_context (display);
  return g_app_launch_context_get_startup_notify_id (G_APP_LAUNCH_CONTEXT (context), info, NULL);
}

/* FALSE when its reader has gone: it is ending. */
static gboolean
present (GSubprocess *console, const char *token)
{
  GOutputStream *stream = g_subprocess_get_stdin_pipe (console);
  g_autofree char *line = g_strdup_printf (LODGE_CONSOLE_PRESENT " %s\n", token ? token : "");

  /* One line into a pipe that is read at once: it never fills, and this never waits. */
  return g_pollable_output_stream_write_nonblocking (G_POLLABLE_OUTPUT_STREAM (stream), line,
                                                     strlen (line), NULL,
                                                     NULL) == (gssize) strlen (line);
}

gboolean
lodge_console_launcher_show (LodgeConsoleLauncher *self,
                             const char *uuid,
                             GdkDisplay *display,
                             GError **error)
{
  g_autofree char *token = NULL;
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GError) local_error = NULL;
  GSubprocess *console;
  Wait *wait;

  g_return_val_if_fail (LODGE_IS_CONSOLE_LAUNCHER (self), FALSE);

  token = dup_token (display);
  console = g_hash_table_lookup (self->consoles, uuid);
  if (console != NULL && present (console, token))
    return TRUE;

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE);
  if (token != NULL) {
    g_subprocess_launcher_setenv (launcher, "DESKTOP_STARTUP_ID", token, TRUE);
    g_subprocess_launcher_setenv (launcher, "XDG_ACTIVATION_TOKEN", token, TRUE);
  }
  console =
      g_subprocess_launcher_spawn (launcher, &local_error, self->program, "--console", uuid, NULL);
  if (console == NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("Could not open the console with %s: %s."), self->program,
                 local_error->message);
    return FALSE;
  }

  g_hash_table_insert (self->consoles, g_strdup (uuid), console);
  wait = g_new0 (Wait, 1);
  wait->self = self;
  wait->uuid = g_strdup (uuid);
  g_subprocess_wait_async (console, self->cancellable, ended_cb, wait);
  return TRUE;
}
