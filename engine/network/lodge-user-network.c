/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The user network of one NIC, seen from the engine: starting the process, finding it again,
 * ending it.
 *
 * Never: owns the process, which outlives the engine.
 */
#include "network/lodge-user-network-private.h"

#include "lodge-error.h"
#include "lodge-paths.h"
#include "qemu/lodge-launch.h"
#include "qemu/lodge-unix-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

G_DEFINE_FINAL_TYPE (LodgeUserNetwork, lodge_user_network, G_TYPE_OBJECT)

static LodgeUserNetwork *
new_for_path (char *socket_path, char *log_path)
{
  LodgeUserNetwork *self = g_object_new (LODGE_TYPE_USER_NETWORK, NULL);

  self->socket_path = socket_path;
  self->log_path = log_path;
  return self;
}

/* Who listens, as a descriptor, which cannot come to mean another process as a number can. -1 when
 * that is still this process, which made the socket, or when it has just ended. */
static int
open_listener (LodgeUserNetwork *self)
{
  struct ucred peer = {0};
  socklen_t size = sizeof peer;
  int pidfd;

  if (getsockopt (g_socket_get_fd (self->socket), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      peer.pid <= 0 || peer.pid == getpid ())
    return -1;
  pidfd = pidfd_open (peer.pid, 0);
  /* The number was still its own if it is connected even now. */
  if (pidfd >= 0 && (g_socket_condition_check (self->socket, G_IO_HUP) & G_IO_HUP)) {
    close (pidfd);
    return -1;
  }
  return pidfd;
}

static gboolean
set_paths (const char *nic_id,
           const char *runtime_folder,
           char **out_socket_path,
           char **out_log_path,
           GError **error)
{
  g_autofree char *socket_name = g_strdup_printf ("net-%s.ctl", nic_id);
  g_autofree char *log_name = g_strdup_printf ("net-%s.log", nic_id);
  g_autofree char *path = g_build_filename (runtime_folder, socket_name, NULL);

  if (*nic_id == '\0' || strchr (nic_id, '/') != NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("“%s” is no name for a network card"),
                 nic_id);
    return FALSE;
  }
  if (strlen (path) > LODGE_PATHS_MOST_SOCKET_BYTES) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
                 _ ("The path %s is too long for a socket: it may have %u characters"), path,
                 (guint) LODGE_PATHS_MOST_SOCKET_BYTES);
    return FALSE;
  }
  *out_socket_path = g_steal_pointer (&path);
  *out_log_path = g_build_filename (runtime_folder, log_name, NULL);
  return TRUE;
}

/* Without one it starts all the same, and sees no other resolv.conf than today's. */
static void
keep_resolver (LodgeUserNetwork *self)
{
  g_autoptr (GError) error = NULL;

  self->resolver = lodge_resolver_get (&error);
  if (self->resolver == NULL)
    g_debug ("%s", error->message);
}

LodgeUserNetwork *
lodge_user_network_find (const char *nic_id, const char *runtime_folder, GError **error)
{
  g_autoptr (LodgeUserNetwork) self = NULL;
  g_autoptr (GError) cause = NULL;
  char *socket_path, *log_path;

  if (!set_paths (nic_id, runtime_folder, &socket_path, &log_path, error))
    return NULL;
  self = new_for_path (socket_path, log_path);
  if (!lodge_user_network_connect (self, &cause)) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("No user network of “%s” runs: %s"),
                 nic_id, cause->message);
    return NULL;
  }
  self->pidfd = open_listener (self);
  keep_resolver (self);
  return g_steal_pointer (&self);
}

/* Tries the port the way the process will. 0, or an errno. */
static int
try_port (const LodgeForward *forward)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string (forward->address, forward->host_port);
  gboolean v6 = strchr (forward->address, ':') != NULL;
  struct sockaddr_storage native;
  int one = 1, result = 0, fd;

  if (address == NULL || !g_socket_address_to_native (address, &native, sizeof native, NULL))
    return EADDRNOTAVAIL;
  fd = socket (v6 ? AF_INET6 : AF_INET,
               (forward->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return errno;
  if (v6)
    (void) setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (!forward->udp)
    (void) setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind (fd, (struct sockaddr *) &native,
            (socklen_t) g_socket_address_get_native_size (address)) != 0 ||
      (!forward->udp && listen (fd, 1) != 0))
    result = errno;
  close (fd);
  return result;
}

/* Somebody took the port between the trial and now: nobody asked, so nobody is told but the log. */
static void
initial_added_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!lodge_user_network_finish (LODGE_USER_NETWORK (source), result, &error))
    g_warning ("%s", error->message);
}

static void
add_initial_forwards (LodgeUserNetwork *self, const char *const *forwards, char **out_note)
{
  g_autoptr (GString) left_out = g_string_new (NULL);

  for (guint i = 0; forwards != NULL && forwards[i] != NULL; i++) {
    g_autofree char *rule = NULL;
    g_autoptr (GError) error = NULL;
    LodgeForward forward;
    int number;

    if (!lodge_forward_parse (forwards[i], &forward, &error)) {
      g_string_append_printf (left_out, "%s%s", left_out->len > 0 ? "; " : "", error->message);
      continue;
    }
    rule = lodge_forward_format (&forward);
    number = try_port (&forward);
    if (number != 0)
      g_string_append_printf (left_out, "%s%s (%s)", left_out->len > 0 ? "; " : "", rule,
                              g_strerror (number));
    else
      lodge_user_network_add_forward_async (self, rule, NULL, initial_added_cb, NULL);
  }
  if (out_note != NULL && left_out->len > 0)
    *out_note = g_strdup_printf (_ ("These forwards were left out: %s"), left_out->str);
}

/* Reaps the process also when the object is gone by then. */
static void
gone_cb (GPid pid, int status, gpointer user_data)
{
  GWeakRef *reference = user_data;
  g_autoptr (LodgeUserNetwork) self = g_weak_ref_get (reference);

  g_weak_ref_clear (reference);
  g_free (reference);
  if (self == NULL)
    return;
  self->pid = 0;
  lodge_user_network_close (self);
}

static gboolean
launch (LodgeUserNetwork *self,
        const char *unit,
        gboolean contained,
        int listener,
        int wire,
        GError **error)
{
  g_autofree char *program = lodge_paths_dup_helper ("lodge-usernet");
  g_autoptr (LodgeCommand) command = lodge_command_new (program);
  GWeakRef *reference;

  lodge_command_addf (command, "the Ethernet frames of QEMU's network card", "--wire", "%d",
                      lodge_command_take_fd (command, wire));
  lodge_command_addf (command, "forwards are changed while the guest runs", "--control", "%d",
                      lodge_command_take_fd (command, listener));
  keep_resolver (self);
  if (self->resolver != NULL)
    lodge_command_bind (command, LODGE_COMMAND_BIND_RESOLVER,
                        lodge_resolver_get_folder (self->resolver));
  self->pid =
      lodge_launch (command, LODGE_LAUNCH_NETWORK | (contained ? LODGE_LAUNCH_CONTAINED : 0), unit,
                    self->log_path, error);
  if (self->pid < 0) {
    self->pid = 0;
    return FALSE;
  }
  reference = g_new0 (GWeakRef, 1);
  g_weak_ref_init (reference, self);
  if (lodge_launch_watch (self->pid, gone_cb, reference) == 0)
    gone_cb (self->pid, -1, reference);
  return TRUE;
}

/* Before QEMU is contained, so that its containment covers the file. */
static gboolean
make_log (const char *path, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

  if (fd < 0) {
    int saved = errno;

    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not make the file %s: %s"), path,
                 g_strerror (saved));
    return FALSE;
  }
  close (fd);
  return TRUE;
}

LodgeUserNetwork *
lodge_user_network_prepare (const char *nic_id,
                            const char *runtime_folder,
                            int *out_wire,
                            GError **error)
{
  g_autoptr (LodgeUserNetwork) running = NULL;
  g_autoptr (LodgeUserNetwork) self = NULL;
  char *socket_path, *log_path;
  int ends[2];

  if (!set_paths (nic_id, runtime_folder, &socket_path, &log_path, error))
    return NULL;
  self = new_for_path (socket_path, log_path);
  running = lodge_user_network_find (nic_id, runtime_folder, NULL);
  if (running != NULL) {
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("A user network of “%s” runs already"),
                 nic_id);
    return NULL;
  }

  if (!make_log (self->log_path, error))
    return NULL;
  self->listener = lodge_unix_socket_listen (self->socket_path, error);
  if (self->listener < 0)
    return NULL;
  if (!lodge_user_network_connect (self, error)) {
    (void) g_unlink (self->socket_path);
    return NULL;
  }
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    int saved = errno;

    (void) g_unlink (self->socket_path);
    g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED, _ ("Could not make the wire of “%s”: %s"),
                 nic_id, g_strerror (saved));
    return NULL;
  }
  self->wire = ends[1];
  *out_wire = ends[0];
  return g_steal_pointer (&self);
}

gboolean
lodge_user_network_run (LodgeUserNetwork *self,
                        const char *unit,
                        gboolean contained,
                        const char *const *forwards,
                        char **out_note,
                        GError **error)
{
  g_return_val_if_fail (self->listener >= 0 && self->wire >= 0, FALSE);

  if (out_note != NULL)
    *out_note = NULL;
  /* The command owns both from here, whatever comes of it. */
  if (!launch (self, unit, contained, g_steal_fd (&self->listener), g_steal_fd (&self->wire),
               error)) {
    (void) g_unlink (self->socket_path);
    return FALSE;
  }
  add_initial_forwards (self, forwards, out_note);
  return TRUE;
}

LodgeUserNetwork *
lodge_user_network_start (const char *nic_id,
                          const char *runtime_folder,
                          const char *unit,
                          gboolean contained,
                          const char *const *forwards,
                          int *out_wire,
                          char **out_note,
                          GError **error)
{
  g_autoptr (LodgeUserNetwork) self = NULL;
  int wire = -1;

  if (out_note != NULL)
    *out_note = NULL;
  self = lodge_user_network_prepare (nic_id, runtime_folder, &wire, error);
  if (self == NULL)
    return NULL;
  if (!lodge_user_network_run (self, unit, contained, forwards, out_note, error)) {
    close (wire);
    return NULL;
  }
  *out_wire = wire;
  return g_steal_pointer (&self);
}

gboolean
lodge_user_network_is_closed (LodgeUserNetwork *self)
{
  return self->closed;
}

void
lodge_user_network_stop (LodgeUserNetwork *self)
{
  lodge_user_network_ask_to_stop (self);
  if (self->pid > 1)
    lodge_launch_kill (self->pid);
  /* Its bubblewrap ends with it. */
  if (self->pidfd >= 0)
    (void) pidfd_send_signal (self->pidfd, SIGKILL, NULL, 0);
  (void) g_unlink (self->socket_path);
  lodge_user_network_close (self);
}

static void
lodge_user_network_dispose (GObject *object)
{
  LodgeUserNetwork *self = LODGE_USER_NETWORK (object);

  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_clear_object (&self->socket);
  g_clear_object (&self->resolver);
  G_OBJECT_CLASS (lodge_user_network_parent_class)->dispose (object);
}

static void
lodge_user_network_finalize (GObject *object)
{
  LodgeUserNetwork *self = LODGE_USER_NETWORK (object);

  g_hash_table_unref (self->requests);
  g_string_free (self->in, TRUE);
  if (self->listener >= 0)
    close (self->listener);
  if (self->wire >= 0)
    close (self->wire);
  if (self->pidfd >= 0)
    close (self->pidfd);
  g_free (self->socket_path);
  g_free (self->log_path);
  G_OBJECT_CLASS (lodge_user_network_parent_class)->finalize (object);
}

static void
lodge_user_network_class_init (LodgeUserNetworkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = lodge_user_network_dispose;
  object_class->finalize = lodge_user_network_finalize;
  g_signal_new ("closed", LODGE_TYPE_USER_NETWORK, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                G_TYPE_NONE, 0);
}

static void
lodge_user_network_init (LodgeUserNetwork *self)
{
  self->listener = -1;
  self->wire = -1;
  self->pidfd = -1;
  self->in = g_string_new (NULL);
  self->requests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
}
