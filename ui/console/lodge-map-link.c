/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A console's side of lodge-frames-wire.h.
 *
 * The engine may end and another one come: that is no reason to let go of frames that QEMU itself
 * sends, so an end after the beginning is not told.
 */
#include "console/lodge-map-link.h"

#include "lodge-frames-wire.h"

#include <gio/gunixfdmessage.h>
#include <gio/gunixsocketaddress.h>
#include <unistd.h>

struct _LodgeMapLink {
  LodgeMapLinked linked; /* NULL once it was called */
  gpointer user_data;
  GSocket *socket;
  GSource *in;
  guint idle_id;
};

static void
stop (LodgeMapLink *self)
{
  if (self->in != NULL)
    g_source_destroy (self->in);
  g_clear_pointer (&self->in, g_source_unref);
  if (self->socket != NULL)
    g_socket_close (self->socket, NULL);
  g_clear_object (&self->socket);
}

/* Frees it perhaps. */
static void
tell (LodgeMapLink *self, int fd)
{
  LodgeMapLinked linked = self->linked;

  self->linked = NULL;
  if (linked != NULL)
    linked (fd, self->user_data);
  else if (fd >= 0)
    close (fd);
}

/* Returns: the first descriptor of all that came, or -1 */
static int
take_fd (GSocketControlMessage **messages, int n_messages)
{
  int fd = -1;

  for (int i = 0; i < n_messages; i++) {
    if (G_IS_UNIX_FD_MESSAGE (messages[i])) {
      g_autofree int *fds = g_unix_fd_message_steal_fds (G_UNIX_FD_MESSAGE (messages[i]), NULL);

      for (int k = 0; fds[k] >= 0; k++) {
        if (fd < 0)
          fd = fds[k];
        else
          close (fds[k]);
      }
    }
    g_object_unref (messages[i]);
  }
  g_free (messages);
  return fd;
}

static gboolean
in_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  LodgeMapLink *self = user_data;
  GSocketControlMessage **messages = NULL;
  g_autoptr (GError) error = NULL;
  int n_messages = 0;
  int flags = 0;
  char word = 0;
  GInputVector vector = {&word, 1};
  const gssize length = g_socket_receive_message (socket, NULL, &vector, 1, &messages, &n_messages,
                                                  &flags, NULL, &error);
  const int fd = take_fd (messages, n_messages);

  if (length < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  if (length == 1 && word == LODGE_FRAMES_OPEN && fd >= 0) {
    tell (self, fd);
    return G_SOURCE_CONTINUE;
  }
  if (fd >= 0)
    close (fd);
  if (length == 1 && word == LODGE_FRAMES_ASK) {
    const char here = LODGE_FRAMES_HERE;

    (void) g_socket_send (socket, &here, 1, NULL, NULL);
    return G_SOURCE_CONTINUE;
  }
  stop (self);
  tell (self, -1);
  return G_SOURCE_REMOVE;
}

static gboolean
refused_cb (gpointer user_data)
{
  LodgeMapLink *self = user_data;

  self->idle_id = 0;
  tell (self, -1);
  return G_SOURCE_REMOVE;
}

/* A unix socket connects at once, or not at all. */
static gboolean
ask (LodgeMapLink *self, const char *path, guint monitor)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (path);
  const char word = (char) monitor;

  self->socket =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  if (self->socket == NULL)
    return FALSE;
  g_socket_set_blocking (self->socket, FALSE);
  return g_socket_connect (self->socket, address, NULL, NULL) &&
         g_socket_send (self->socket, &word, 1, NULL, NULL) == 1;
}

LodgeMapLink *
lodge_map_link_new (const char *path, guint monitor, LodgeMapLinked linked, gpointer user_data)
{
  LodgeMapLink *self = g_new0 (LodgeMapLink, 1);

  self->linked = linked;
  self->user_data = user_data;
  if (!ask (self, path, monitor)) {
    self->idle_id = g_idle_add (refused_cb, self);
    return self;
  }
  self->in = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->in, G_SOURCE_FUNC (in_cb), self, NULL);
  g_source_attach (self->in, NULL);
  return self;
}

void
lodge_map_link_free (LodgeMapLink *self)
{
  g_clear_handle_id (&self->idle_id, g_source_remove);
  stop (self);
  g_free (self);
}
