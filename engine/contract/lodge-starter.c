/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting the engine for a client that found none.
 *
 *     WAITING --lock taken--> LOCKED --unit started--> UNIT --failed--> an error
 *                                \--process started--> CHILD --died---> an error
 *                                                       ^ |
 *                                              a moment | | exit 0
 *                                                       | v
 *                                                      LEFT
 *
 *     WAITING  somebody else holds start.lock: that client is starting the engine
 *     LOCKED   it is up to us; the caller tries to connect once more before anything is started
 *     CHILD    our process lives and has not opened its socket yet
 *     UNIT     systemd starts it
 *     LEFT     ours found another engine's lock and left; that one is about to serve, or was about
 *              to end, and then ours is needed after all
 *
 * start.lock keeps two clients from starting one engine each. The engine's own lock decides in the
 * end which of two engines serves; this one only spares the second attempt.
 *
 * Owns: the lock, and the child until it is handed to a child watch.
 * Never: ends an engine; a slow one serves the next client.
 */
#include "lodge-starter.h"

#include "lodge-config.h"
#include "lodge-error.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM            "lodge-engine"
#define SYSTEMD_TIMEOUT_MS 5000
/* How often a unit that was started is looked at. */
#define UNIT_CHECK_US (250 * 1000)
/* How long another engine may take to end before the next attempt at our own. */
#define LEFT_PAUSE_US (100 * 1000)

typedef enum { WAITING, LOCKED, CHILD, UNIT, LEFT } State;

struct _LodgeStarter {
  State state;
  char *runtime;
  char *program;
  char *log;
  int lock;
  GPid child; /* 0 when there is none */
  gboolean spawned;
  gint64 left_us;
  GDBusConnection *manager;
  const char *manager_name; /* on a bus; NULL on its own socket */
  gint64 unit_checked_us;   /* 0 when no unit was started */
};

/* $LODGE_ENGINE, else the one beside this program (a build that is not installed), else the
 * installed one. */
static char *
dup_program (void)
{
  const char *override = g_getenv ("LODGE_ENGINE");
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);

  if (override != NULL && *override != '\0')
    return g_strdup (override);
  if (self != NULL) {
    g_autofree char *folder = g_path_get_dirname (self);
    g_autofree char *beside = g_build_filename (folder, PROGRAM, NULL);

    if (g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE))
      return g_steal_pointer (&beside);
  }
  return g_build_filename (LODGE_BINDIR, PROGRAM, NULL);
}

LodgeStarter *
lodge_starter_new (const char *runtime)
{
  LodgeStarter *self = g_new0 (LodgeStarter, 1);

  self->state = WAITING;
  self->runtime = g_strdup (runtime);
  self->program = dup_program ();
  self->log = g_build_filename (runtime, "engine.log", NULL);
  self->lock = -1;
  return self;
}

static void
reaped_cb (GPid pid, int status, gpointer user_data)
{
  g_spawn_close_pid (pid);
}

void
lodge_starter_free (LodgeStarter *self)
{
  /* So that an engine that ends before a client that lives long leaves no zombie. */
  if (self->child != 0)
    g_child_watch_add (self->child, reaped_cb, NULL);
  if (self->lock >= 0)
    close (self->lock);
  g_clear_object (&self->manager);
  g_free (self->runtime);
  g_free (self->program);
  g_free (self->log);
  g_free (self);
}

static gboolean
take_lock (LodgeStarter *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->runtime, "start.lock", NULL);

  if (self->lock < 0)
    self->lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (self->lock < 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("Could not open %s: %s"), path,
                 g_strerror (saved));
    return FALSE;
  }
  if (flock (self->lock, LOCK_EX | LOCK_NB) == 0)
    self->state = LOCKED;
  return TRUE;
}

/* The unit runs the installed engine in the environment of the user manager. A program chosen by
 * hand, or a runtime folder of one's own, would not reach it. */
static gboolean
unit_is_ours (LodgeStarter *self)
{
  g_autofree char *installed = g_build_filename (LODGE_BINDIR, PROGRAM, NULL);
  g_autofree char *manager = g_build_filename (g_get_user_runtime_dir (), "systemd", NULL);

  return g_strcmp0 (self->program, installed) == 0 && g_getenv ("LODGE_ENGINE") == NULL &&
         g_getenv ("LODGE_RUNTIME_DIR") == NULL && g_file_test (manager, G_FILE_TEST_IS_DIR);
}

/* The manager's private socket is what systemctl(1) uses too and needs no bus; else a bus that is
 * there already (g_bus_get() would start one). */
static gboolean
open_manager (LodgeStarter *self)
{
  const char *bus = g_getenv ("DBUS_SESSION_BUS_ADDRESS");
  g_autofree char *socket =
      g_build_filename (g_get_user_runtime_dir (), "systemd", "private", NULL);
  g_autofree char *escaped = g_dbus_address_escape_value (socket);
  g_autofree char *address = g_strconcat ("unix:path=", escaped, NULL);

  if (g_file_test (socket, G_FILE_TEST_EXISTS))
    self->manager = g_dbus_connection_new_for_address_sync (
        address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, NULL, NULL, NULL);
  if (self->manager == NULL && bus != NULL && *bus != '\0') {
    self->manager_name = "org.freedesktop.systemd1";
    self->manager =
        g_dbus_connection_new_for_address_sync (bus,
                                                G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                                    G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                                NULL, NULL, NULL);
  }
  return self->manager != NULL;
}

static GVariant *
call_systemd (LodgeStarter *self,
              const char *path,
              const char *interface,
              const char *method,
              GVariant *arguments,
              const char *reply)
{
  return g_dbus_connection_call_sync (self->manager, self->manager_name, path, interface, method,
                                      arguments, G_VARIANT_TYPE (reply), G_DBUS_CALL_FLAGS_NONE,
                                      SYSTEMD_TIMEOUT_MS, NULL, NULL);
}

/* FALSE when there is no user manager or it does not know the unit: both are usual, and the engine
 * is then started without it. */
static gboolean
start_unit (LodgeStarter *self)
{
  g_autoptr (GVariant) job = NULL;

  if (!open_manager (self))
    return FALSE;
  job = call_systemd (self, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                      "StartUnit", g_variant_new ("(ss)", LODGE_STARTER_UNIT, "replace"), "(o)");
  if (job == NULL)
    return FALSE;
  self->unit_checked_us = g_get_monotonic_time ();
  return TRUE;
}

static gboolean
check_unit (LodgeStarter *self, GError **error)
{
  g_autoptr (GVariant) unit = NULL;
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) state = NULL;
  const char *path;

  if (self->unit_checked_us == 0 || g_get_monotonic_time () - self->unit_checked_us < UNIT_CHECK_US)
    return TRUE;
  self->unit_checked_us = g_get_monotonic_time ();

  unit = call_systemd (self, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
                       "GetUnit", g_variant_new ("(s)", LODGE_STARTER_UNIT), "(o)");
  if (unit == NULL)
    return TRUE;
  g_variant_get (unit, "(&o)", &path);
  reply =
      call_systemd (self, path, "org.freedesktop.DBus.Properties", "Get",
                    g_variant_new ("(ss)", "org.freedesktop.systemd1.Unit", "ActiveState"), "(v)");
  if (reply == NULL)
    return TRUE;
  g_variant_get (reply, "(v)", &state);
  if (!g_variant_is_of_type (state, G_VARIANT_TYPE_STRING) ||
      g_strcmp0 (g_variant_get_string (state, NULL), "failed") != 0)
    return TRUE;

  g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
               _ ("Could not start the engine: its unit %s failed; “journalctl --user -u %s” says "
                  "why"),
               LODGE_STARTER_UNIT, LODGE_STARTER_UNIT);
  return FALSE;
}

/* Out of the terminal's session, so that neither its SIGHUP nor its Ctrl+C reaches the engine.
 * Runs between fork and exec. */
static void
child_setup_cb (gpointer user_data)
{
  setsid ();
}

static gboolean
spawn (LodgeStarter *self, GError **error)
{
  const char *argv[] = {self->program, NULL};
  g_autofree char *old = g_strconcat (self->log, ".old", NULL);
  int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
  g_autoptr (GError) spawn_error = NULL;
  int null = -1, log = -1;
  gboolean ok;

  if (access (self->program, X_OK) != 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("Could not start the engine %s: %s"),
                 self->program, g_strerror (saved));
    return FALSE;
  }

  /* The words of the engine before this one may be why it is gone; there may be none. */
  if (!self->spawned)
    (void) g_rename (self->log, old);
  log = open (self->log, flags, 0600);
  if (log < 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_DENIED, _ ("Could not write %s: %s"), self->log,
                 g_strerror (saved));
    return FALSE;
  }
  null = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  ok = g_spawn_async_with_fds ("/", (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, child_setup_cb,
                               NULL, &self->child, null, log, log, &spawn_error);
  if (null >= 0)
    close (null);
  close (log);
  if (!ok) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST, _ ("Could not start the engine: %s"),
                 spawn_error->message);
    return FALSE;
  }
  self->state = CHILD;
  self->spawned = TRUE;
  return TRUE;
}

/* (transfer full): the last line of the log that says something, fit to be shown; or NULL. */
static char *
dup_last_line (LodgeStarter *self)
{
  char buffer[4096];
  g_auto (GStrv) lines = NULL;
  char *line = NULL;
  ssize_t length = 0;
  int fd = open (self->log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

  if (fd < 0)
    return NULL;
  if (lseek (fd, -(off_t) (sizeof buffer - 1), SEEK_END) < 0)
    (void) lseek (fd, 0, SEEK_SET); /* shorter than the buffer */
  length = read (fd, buffer, sizeof buffer - 1);
  close (fd);
  if (length <= 0)
    return NULL;

  buffer[length] = '\0';
  lines = g_strsplit (buffer, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (*g_strstrip (lines[i]) != '\0')
      line = lines[i];
  if (line == NULL)
    return NULL;
  for (char *c = line; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      *c = ' ';
  return g_utf8_make_valid (line, -1);
}

static gboolean
check_child (LodgeStarter *self, GError **error)
{
  g_autofree char *line = NULL;
  int status = 0;

  if (waitpid (self->child, &status, WNOHANG) != self->child)
    return TRUE;
  self->child = 0;

  /* Ending without complaint is what an engine does that finds another one's lock. */
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0) {
    self->state = LEFT;
    self->left_us = g_get_monotonic_time ();
    return TRUE;
  }

  line = dup_last_line (self);
  if (line != NULL)
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("The engine %s ended as soon as it was started: %s"), self->program, line);
  else if (WIFSIGNALED (status))
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("The engine %s ended as soon as it was started: %s"), self->program,
                 g_strsignal (WTERMSIG (status)));
  else
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_HOST,
                 _ ("The engine %s ended as soon as it was started, with status %d"), self->program,
                 WEXITSTATUS (status));
  return FALSE;
}

gboolean
lodge_starter_step (LodgeStarter *self, GError **error)
{
  switch (self->state) {
  case WAITING:
    return take_lock (self, error);
  case LOCKED:
    if (unit_is_ours (self) && start_unit (self)) {
      self->state = UNIT;
      return TRUE;
    }
    return spawn (self, error);
  case CHILD:
    return check_child (self, error);
  case UNIT:
    return check_unit (self, error);
  case LEFT:
    return g_get_monotonic_time () - self->left_us < LEFT_PAUSE_US || spawn (self, error);
  default:
    g_assert_not_reached ();
  }
}

char *
lodge_starter_dup_hint (LodgeStarter *self)
{
  if (self->unit_checked_us != 0)
    return g_strdup_printf (_ ("“journalctl --user -u %s” may say why"), LODGE_STARTER_UNIT);
  return g_strdup_printf (_ ("its log %s may say why"), self->log);
}
