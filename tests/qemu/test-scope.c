/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge_scope_place against a user manager of our own: what it is asked, a scope that is there
 * already, a refusal, silence, and nobody at all. */
#include "qemu/lodge-scope.h"

#include "qemu/lodge-launch.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNIT "lodge-machine-11111111-2222-4333-8444-555555555555.scope"

typedef enum {
  MANAGER_STARTS,
  MANAGER_HAS_IT,  /* the unit exists: asks to be attached */
  MANAGER_REFUSES, /* as one without cgroup delegation does */
  MANAGER_SILENT,
} ManagerMode;

/* A manager in a thread of its own, since lodge_scope_place() waits. */
typedef struct {
  ManagerMode mode;
  char *folder;
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  GDBusServer *server;
  GMutex lock;
  GCond ready;
  gboolean is_ready;
  GPtrArray *connections;
  GString *asked; /* one line per call */
  gboolean held;  /* when it was asked, the process was not yet what it is to become */
} Manager;

static const char interface_xml[] =
    "<node><interface name='org.freedesktop.systemd1.Manager'>"
    "<method name='StartTransientUnit'><arg type='s' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='a(sv)' direction='in'/><arg type='a(sa(sv))' direction='in'/>"
    "<arg type='o' direction='out'/></method>"
    "<method name='AttachProcessesToUnit'><arg type='s' direction='in'/>"
    "<arg type='s' direction='in'/><arg type='au' direction='in'/></method>"
    "</interface></node>";

/* Whether the process in the call is still a copy of this one, before its exec. */
static gboolean
is_held (GVariant *arguments)
{
  g_autoptr (GVariant) properties = g_variant_get_child_value (arguments, 2);
  GVariantIter iter;
  const char *name;
  GVariant *value;
  gboolean held = FALSE;

  g_variant_iter_init (&iter, properties);
  while (g_variant_iter_loop (&iter, "(&sv)", &name, &value)) {
    guint32 pid = 0;
    g_autofree char *path = NULL;
    g_autofree char *program = NULL;
    g_autofree char *own = g_file_read_link ("/proc/self/exe", NULL);

    if (strcmp (name, "PIDs") != 0)
      continue;
    g_variant_get_child (value, 0, "u", &pid);
    path = g_strdup_printf ("/proc/%u/exe", pid);
    program = g_file_read_link (path, NULL);
    held = pid != (guint32) getpid () && g_strcmp0 (program, own) == 0;
  }
  return held;
}

static void
call_cb (GDBusConnection *connection,
         const char *sender,
         const char *path,
         const char *interface,
         const char *method,
         GVariant *arguments,
         GDBusMethodInvocation *invocation,
         gpointer user_data)
{
  Manager *self = user_data;
  g_autofree char *text = g_variant_print (arguments, FALSE);

  g_string_append_printf (self->asked, "%s %s\n", method, text);
  if (strcmp (method, "StartTransientUnit") == 0)
    self->held = is_held (arguments);
  if (self->mode == MANAGER_SILENT)
    return; /* the invocation is never answered, and leaks with the test's process */
  if (strcmp (method, "AttachProcessesToUnit") == 0)
    g_dbus_method_invocation_return_value (invocation, NULL);
  else if (self->mode == MANAGER_HAS_IT)
    g_dbus_method_invocation_return_dbus_error (invocation, "org.freedesktop.systemd1.UnitExists",
                                                "Unit was already loaded");
  else if (self->mode == MANAGER_REFUSES)
    g_dbus_method_invocation_return_dbus_error (invocation, "org.freedesktop.DBus.Error.Failed",
                                                "no");
  else
    g_dbus_method_invocation_return_value (
        invocation, g_variant_new ("(o)", "/org/freedesktop/systemd1/job/1"));
}

static gboolean
new_connection_cb (GDBusServer *server, GDBusConnection *connection, gpointer user_data)
{
  static const GDBusInterfaceVTable table = {.method_call = call_cb};
  Manager *self = user_data;
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (interface_xml, NULL);

  g_dbus_connection_register_object (connection, "/org/freedesktop/systemd1", node->interfaces[0],
                                     &table, self, NULL, NULL);
  g_ptr_array_add (self->connections, g_object_ref (connection));
  return TRUE;
}

static gpointer
manager_thread (gpointer data)
{
  Manager *self = data;
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autofree char *address = g_strdup_printf ("unix:path=%s/systemd/private", self->folder);
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (self->context);
  self->server =
      g_dbus_server_new_sync (address, G_DBUS_SERVER_FLAGS_NONE, guid, NULL, NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (self->server, "new-connection", G_CALLBACK (new_connection_cb), self);
  g_dbus_server_start (self->server);
  g_mutex_lock (&self->lock);
  self->is_ready = TRUE;
  g_cond_signal (&self->ready);
  g_mutex_unlock (&self->lock);

  g_main_loop_run (self->loop);
  g_dbus_server_stop (self->server);
  g_clear_object (&self->server);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static void
manager_start (Manager *self, ManagerMode mode)
{
  self->mode = mode;
  self->folder = (char *) g_get_user_runtime_dir ();
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
  self->asked = g_string_new (NULL);
  g_mutex_init (&self->lock);
  g_cond_init (&self->ready);
  self->thread = g_thread_new ("manager", manager_thread, self);
  g_mutex_lock (&self->lock);
  while (!self->is_ready)
    g_cond_wait (&self->ready, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* Returns what it was asked. */
static char *
manager_stop (Manager *self)
{
  g_autofree char *path = g_build_filename (self->folder, "systemd", "private", NULL);

  g_main_loop_quit (self->loop);
  g_thread_join (self->thread);
  g_ptr_array_unref (self->connections);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->ready);
  g_unlink (path);
  return g_string_free (self->asked, FALSE);
}

static void
test_asked (void)
{
  Manager manager = {0};
  g_autofree char *pids = g_strdup_printf ("('PIDs', <[uint32 %d]>)", (int) getpid ());
  g_autofree char *asked = NULL;
  const char *const wanted[] = {
      "StartTransientUnit ('" UNIT "', 'fail', [",
      "('Delegate', <true>)",
      "('Slice', <'app-lodge.slice'>)",
      "('CollectMode', <'inactive-or-failed'>)",
      "('Before', <['lodge-engine.service']>)",
      pids,
  };

  manager_start (&manager, MANAGER_STARTS);
  /* It says yes and moves nobody: our control group stays what it is, and that is noticed. */
  g_assert_false (lodge_scope_place (getpid (), UNIT));
  asked = manager_stop (&manager);
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    if (strstr (asked, wanted[i]) == NULL)
      g_error ("%s is not in %s", wanted[i], asked);
  }
}

/* The last part of the name of a control group that this process is in already. */
static char *
get_own_group (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/self/cgroup", &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    const char *slash = strrchr (lines[i], '/');

    if (slash != NULL && slash[1] != '\0')
      return g_strdup (slash + 1);
  }
  return NULL;
}

static void
test_moved (void)
{
  Manager manager = {0};
  g_autofree char *own = get_own_group ();
  g_autofree char *asked = NULL;

  if (own == NULL) {
    g_test_skip ("this process is in no control group with a name");
    return;
  }
  manager_start (&manager, MANAGER_STARTS);
  g_assert_true (lodge_scope_place (getpid (), own));
  asked = manager_stop (&manager);
  g_assert_true (g_str_has_prefix (asked, "StartTransientUnit"));
}

static void
test_exists (void)
{
  Manager manager = {0};
  g_autofree char *attach =
      g_strdup_printf ("\nAttachProcessesToUnit ('" UNIT "', '', [%d])\n", (int) getpid ());
  g_autofree char *asked = NULL;

  manager_start (&manager, MANAGER_HAS_IT);
  g_assert_false (lodge_scope_place (getpid (), UNIT));
  asked = manager_stop (&manager);
  if (strstr (asked, attach) == NULL)
    g_error ("%s is not in %s", attach, asked);
}

static void
test_refused (void)
{
  Manager manager = {0};
  g_autofree char *asked = NULL;

  manager_start (&manager, MANAGER_REFUSES);
  g_assert_false (lodge_scope_place (getpid (), UNIT));
  asked = manager_stop (&manager);
  g_assert_true (g_str_has_prefix (asked, "StartTransientUnit"));
  g_assert_null (strstr (asked, "AttachProcessesToUnit"));
}

/* A program is held until it is in its scope, so that nothing it starts stays outside. */
static void
test_held (void)
{
  Manager manager = {0};
  g_autoptr (LodgeCommand) command = lodge_command_new ("true");
  g_autofree char *log = g_build_filename (g_get_user_runtime_dir (), "log", NULL);
  g_autofree char *asked = NULL;
  g_autoptr (GError) error = NULL;
  int status = -1;
  GPid pid;

  manager_start (&manager, MANAGER_STARTS);
  pid = lodge_launch (command, 0, UNIT, log, &error);
  g_assert_no_error (error);
  asked = manager_stop (&manager);
  g_assert_true (g_str_has_prefix (asked, "StartTransientUnit"));
  g_assert_true (manager.held);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_cmpint (status, ==, 0);
  g_unlink (log);
}

static guint limit_ms; /* of users */

/* Returns all the same: that is all that is asked. */
static void
test_silent (void)
{
  if (g_test_subprocess ()) {
    Manager manager = {0};

    manager_start (&manager, MANAGER_SILENT);
    lodge_scope_limit_ms = limit_ms;
    g_assert_false (lodge_scope_place (getpid (), UNIT));
    _exit (0);
  }
  g_test_trap_subprocess (NULL, 30 * G_USEC_PER_SEC, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
test_nobody (void)
{
  g_assert_false (lodge_scope_place (getpid (), UNIT));
}

int
main (int argc, char *argv[])
{
  g_autofree char *runtime = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *socket_path = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  /* But for the one that waits for it. */
  limit_ms = lodge_scope_limit_ms;
  lodge_scope_limit_ms = 60000;
  /* The case that runs as a process of its own and ends early uses its parent's. */
  runtime = g_test_subprocess () ? g_strdup (g_getenv ("XDG_RUNTIME_DIR"))
                                 : g_dir_make_tmp ("lodge-scope-XXXXXX", NULL);
  folder = g_build_filename (runtime, "systemd", NULL);
  socket_path = g_build_filename (folder, "private", NULL);
  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_setenv ("XDG_RUNTIME_DIR", runtime, TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS");

  g_test_add_func ("/scope/asked", test_asked);
  g_test_add_func ("/scope/moved", test_moved);
  g_test_add_func ("/scope/exists", test_exists);
  g_test_add_func ("/scope/refused", test_refused);
  g_test_add_func ("/scope/held", test_held);
  g_test_add_func ("/scope/silent", test_silent);
  g_test_add_func ("/scope/nobody", test_nobody);
  result = g_test_run ();
  g_unlink (socket_path);
  g_rmdir (folder);
  g_rmdir (runtime);
  return result;
}
