/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a console asks for a monitor's frames. See the header. */
#include "machine/lodge-frame-door.h"

#include "lodge-frames-wire.h"
#include "qemu/lodge-unix-socket.h"

#include <gio/gunixfdmessage.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* A console has one for each monitor that it shows. */
#define CLIENTS_MAX 32

struct _LodgeFrameDoor {
  char *path;
  guint patience_ms;
  gpointer opener;
  LodgeFrameDoorOpen open;
  LodgeFrameDoorOpened opened;
  GSocket *listener;
  GSource *accepting;
  GPtrArray *clients; /* of Client */
};

typedef struct {
  LodgeFrameDoor *door; /* NULL: it has ended, but not yet what is being opened for it */
  LodgeFrameDoorOpened opened;
  gboolean opening;
  gboolean open;
  gboolean asked; /* and not answered */
  GSocket *socket;
  GSource *in;
  guint patience_id;
  int qemu; /* the same as the console's, to end that; -1 */
} Client;

static void
stop (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
client_free (gpointer data)
{
  Client *self = data;

  self->door = NULL;
  stop (&self->in);
  g_clear_handle_id (&self->patience_id, g_source_remove);
  if (self->qemu >= 0) {
    (void) shutdown (self->qemu, SHUT_RDWR);
    close (self->qemu);
  }
  self->qemu = -1;
  if (self->socket != NULL)
    g_socket_close (self->socket, NULL);
  g_clear_object (&self->socket);
  if (!self->opening)
    g_free (self);
}

static void
drop (Client *self)
{
  g_ptr_array_remove_fast (self->door->clients, self);
}

/* FALSE: it has gone, or does not read. */
static gboolean
say (Client *self, char word, int fd)
{
  g_autoptr (GSocketControlMessage) control = NULL;
  GOutputVector vector = {&word, 1};

  if (fd >= 0) {
    control = g_unix_fd_message_new ();
    if (!g_unix_fd_message_append_fd (G_UNIX_FD_MESSAGE (control), fd, NULL))
      return FALSE;
  }
  return g_socket_send_message (self->socket, NULL, &vector, 1, control != NULL ? &control : NULL,
                                control != NULL ? 1 : 0, 0, NULL, NULL) == 1;
}

static gboolean
patience_cb (gpointer user_data)
{
  Client *self = user_data;

  if (!self->asked && say (self, LODGE_FRAMES_ASK, -1)) {
    self->asked = TRUE;
    return G_SOURCE_CONTINUE;
  }
  self->patience_id = 0;
  drop (self);
  return G_SOURCE_REMOVE;
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Client *self = user_data;
  g_autoptr (GError) error = NULL;
  const int fd = self->opened (source, result, &error);

  self->opening = FALSE;
  self->qemu = fd;
  if (self->door == NULL) {
    client_free (self);
    return;
  }
  if (fd < 0) {
    g_debug ("No frames: %s", error->message);
    (void) say (self, LODGE_FRAMES_SHUT, -1);
    drop (self);
    return;
  }
  self->open = TRUE;
  /* What has come is read first. */
  if (say (self, LODGE_FRAMES_OPEN, fd))
    self->patience_id =
        g_timeout_add_full (G_PRIORITY_LOW, self->door->patience_ms, patience_cb, self, NULL);
  else
    drop (self);
}

static gboolean
in_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Client *self = user_data;
  g_autoptr (GError) error = NULL;
  char word = 0;
  const gssize length = g_socket_receive (socket, &word, 1, NULL, &error);

  if (length < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  if (length == 1 && self->asked && word == LODGE_FRAMES_HERE) {
    self->asked = FALSE;
  } else if (length == 1 && !self->opening && !self->open) {
    self->opening = TRUE;
    self->door->open (self->door->opener, (guint8) word, opened_cb, self);
  } else {
    drop (self);
  }
  return G_SOURCE_CONTINUE;
}

/* The folder is the owner's alone, and so is the socket; this is what the kernel says of it. */
static gboolean
is_own (GSocket *socket)
{
  g_autoptr (GCredentials) peer = g_socket_get_credentials (socket, NULL);

  return peer != NULL && g_credentials_get_unix_user (peer, NULL) == geteuid ();
}

static gboolean
accept_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  LodgeFrameDoor *self = user_data;
  g_autoptr (GSocket) accepted = g_socket_accept (socket, NULL, NULL);
  Client *client;

  if (accepted == NULL)
    return G_SOURCE_CONTINUE;
  if (self->clients->len >= CLIENTS_MAX || !is_own (accepted)) {
    g_socket_close (accepted, NULL);
    return G_SOURCE_CONTINUE;
  }
  g_socket_set_blocking (accepted, FALSE);
  client = g_new0 (Client, 1);
  client->door = self;
  client->opened = self->opened;
  client->qemu = -1;
  client->socket = g_steal_pointer (&accepted);
  client->in = g_socket_create_source (client->socket, G_IO_IN, NULL);
  g_source_set_callback (client->in, G_SOURCE_FUNC (in_cb), client, NULL);
  g_source_attach (client->in, NULL);
  g_ptr_array_add (self->clients, client);
  return G_SOURCE_CONTINUE;
}

LodgeFrameDoor *
lodge_frame_door_new (const char *path,
                      guint patience_ms,
                      gpointer opener,
                      LodgeFrameDoorOpen open,
                      LodgeFrameDoorOpened opened,
                      GError **error)
{
  g_autoptr (GSocket) listener = NULL;
  LodgeFrameDoor *self;
  int fd;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (G_IS_OBJECT (opener), NULL);

  fd = lodge_unix_socket_listen (path, error);
  if (fd < 0)
    return NULL;
  listener = g_socket_new_from_fd (fd, error);
  if (listener == NULL) {
    close (fd);
    return NULL;
  }
  g_socket_set_blocking (listener, FALSE);

  self = g_new0 (LodgeFrameDoor, 1);
  self->path = g_strdup (path);
  self->patience_ms = patience_ms;
  self->opener = opener;
  self->open = open;
  self->opened = opened;
  self->clients = g_ptr_array_new_with_free_func (client_free);
  self->listener = g_steal_pointer (&listener);
  self->accepting = g_socket_create_source (self->listener, G_IO_IN, NULL);
  g_source_set_callback (self->accepting, G_SOURCE_FUNC (accept_cb), self, NULL);
  g_source_attach (self->accepting, NULL);
  return self;
}

void
lodge_frame_door_free (LodgeFrameDoor *self)
{
  stop (&self->accepting);
  g_ptr_array_unref (self->clients);
  g_socket_close (self->listener, NULL);
  g_object_unref (self->listener);
  (void) g_unlink (self->path);
  g_free (self->path);
  g_free (self);
}

const char *
lodge_frame_door_get_path (LodgeFrameDoor *self)
{
  return self->path;
}
