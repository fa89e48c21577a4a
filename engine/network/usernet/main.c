/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-usernet: the user network of one network card, a process beside QEMU.
 *
 * Theory of operation: two descriptors come from the engine, the wire to QEMU and a bound unix
 * socket for control. The guest gets 10.0.2.15 by DHCP and the outside by address translation in
 * libslirp; every connection of the guest is a socket of this process. What may come in is said by
 * forwards over the control socket. The program has one thread and one loop, keeps nothing, and
 * ends with the wire.
 *
 * Names: 10.0.2.3 is the name server. libslirp sends what arrives there on port 53 to the first
 * "nameserver" of the host's /etc/resolv.conf, also when that is on the host's loopback
 * (systemd-resolved listens on 127.0.0.53): sotranslate_out4() looks for the name server before
 * it refuses the loopback, and takes no other port. So names resolve as they do on the host,
 * through its VPN too, and nothing else of the loopback opens.
 * (Contained, the program sees a copy that the engine renews whenever the host's changes, see
 * lodge-resolver.h. libslirp looks whether the file is another one once a second.)
 *
 * The host's other addresses are reached as the rest of its network is: a server there that listens
 * on them can be connected to, and should be able to stand it.
 *
 * Should: nothing but this. Mustn't: start a program, write a file, reach a unix socket (see
 * sandbox.c); let the guest reach the host's loopback (see filter.h). A guest that took this
 * process over could still do so, as it shares the host's network: that is what it is for.
 */
#include "network/usernet/control.h"
#include "network/usernet/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <sys/socket.h>

static void
frame_cb (guint8 *frame, gsize size_bytes, gpointer user_data)
{
  usernet_stack_input (user_data, frame, size_bytes);
}

/* One turn: what libslirp's sockets have first, so that it reads the clock before new frames. */
static gboolean
turn (UsernetWire *wire, UsernetStack *stack, UsernetControl *control, GArray *polls)
{
  struct pollfd own = {.fd = usernet_wire_get_fd (wire), .events = POLLIN};
  guint32 timeout_ms = G_MAXINT32;
  short events;

  if (usernet_wire_has_pending (wire))
    own.events |= POLLOUT;
  g_array_set_size (polls, 0);
  g_array_append_val (polls, own);
  usernet_control_fill (control, polls);
  usernet_stack_fill (stack, polls, &timeout_ms);

  if (poll ((struct pollfd *) polls->data, polls->len, (int) timeout_ms) < 0)
    return errno == EINTR || errno == EAGAIN || errno == ENOMEM;

  usernet_stack_dispatch (stack, polls);
  events = g_array_index (polls, struct pollfd, 0).revents;
  if ((events & POLLOUT) && !usernet_wire_flush (wire))
    return FALSE;
  if ((events & ~POLLOUT) && !usernet_wire_read (wire, frame_cb, stack))
    return FALSE;
  return usernet_control_dispatch (control, polls);
}

static gboolean
is_socket (int fd)
{
  int type;
  socklen_t size = sizeof type;

  return fd > 2 && getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

int
main (int argc, char **argv)
{
  int wire_fd = -1, control_fd = -1;
  const GOptionEntry entries[] = {
      {"wire", 0, 0, G_OPTION_ARG_INT, &wire_fd, "A stream socket to QEMU", "FD"},
      {"control", 0, 0, G_OPTION_ARG_INT, &control_fd, "A bound unix socket", "FD"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (UsernetWire) wire = NULL;
  g_autoptr (UsernetStack) stack = NULL;
  g_autoptr (UsernetControl) control = NULL;
  g_autoptr (GArray) polls = g_array_new (FALSE, FALSE, sizeof (struct pollfd));

  /* libslirp would write what guests do to standard error. */
  unsetenv ("SLIRP_DEBUG");
  g_option_context_set_summary (context, "The user network of one network card; started by Lodge.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("%s\n", error->message);
    return 2;
  }
  if (!is_socket (wire_fd) || !is_socket (control_fd)) {
    g_printerr ("--wire and --control name two stream sockets that were handed over\n");
    return 2;
  }
  /* Again: SO_PEERCRED tells a client who called listen(), and that must be this process. */
  if (listen (control_fd, SOMAXCONN) != 0) {
    g_printerr ("--control: %s\n", g_strerror (errno));
    return 1;
  }
  fcntl (wire_fd, F_SETFD, FD_CLOEXEC);
  fcntl (control_fd, F_SETFD, FD_CLOEXEC);
  fcntl (control_fd, F_SETFL, O_NONBLOCK);

  if (!usernet_sandbox_enter ())
    return 1;
  wire = usernet_wire_new (wire_fd);
  stack = usernet_stack_new (wire);
  control = usernet_control_new (control_fd, stack, wire);
  while (turn (wire, stack, control, polls))
    ;
  return 0;
}
