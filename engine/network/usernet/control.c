/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket: one JSON object a line, each way. */
#include "network/usernet/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CLIENTS       8
#define PENDING_MAX_BYTES (64 * 1024)
#define ID_MAX_BYTES      64

typedef struct {
  int fd;       /* -1: a free place */
  int reserved; /* a descriptor kept for it, as a guest can use up all others with connections */
  guint poll_index;
  GString *in;
  GString *out;
} Client;

struct _UsernetControl {
  int fd;
  guint poll_index;
  UsernetStack *stack;
  UsernetWire *wire;
  gboolean stopping;
  Client clients[MAX_CLIENTS];
};

static void
reserve (UsernetControl *self, Client *client)
{
  client->reserved = fcntl (self->fd, F_DUPFD_CLOEXEC, 0);
}

UsernetControl *
usernet_control_new (int fd, UsernetStack *stack, UsernetWire *wire)
{
  UsernetControl *self = g_new0 (UsernetControl, 1);

  self->fd = fd;
  self->stack = stack;
  self->wire = wire;
  for (guint i = 0; i < MAX_CLIENTS; i++) {
    self->clients[i].fd = -1;
    self->clients[i].in = g_string_new (NULL);
    self->clients[i].out = g_string_new (NULL);
    reserve (self, &self->clients[i]);
  }
  return self;
}

void
usernet_control_free (UsernetControl *self)
{
  for (guint i = 0; i < MAX_CLIENTS; i++) {
    Client *client = &self->clients[i];

    if (client->fd >= 0)
      close (client->fd);
    if (client->reserved >= 0)
      close (client->reserved);
    g_string_free (client->in, TRUE);
    g_string_free (client->out, TRUE);
  }
  close (self->fd);
  g_free (self);
}

static void
close_client (UsernetControl *self, Client *client)
{
  close (client->fd);
  client->fd = -1;
  reserve (self, client);
  g_string_truncate (client->in, 0);
  g_string_truncate (client->out, 0);
}

static void
accept_clients (UsernetControl *self)
{
  for (guint i = 0; i < MAX_CLIENTS; i++) {
    Client *client = &self->clients[i];

    if (client->fd >= 0)
      continue;
    if (client->reserved >= 0)
      close (client->reserved);
    client->reserved = -1;
    client->fd = accept4 (self->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client->fd < 0) {
      reserve (self, client);
      return;
    }
  }
}

/* Appends @text as a JSON string (RFC 8259, 7); @text is UTF-8 as GVariant read it. */
static void
append_json_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *at = text; *at != '\0'; at++) {
    if (*at == '"' || *at == '\\')
      g_string_append_printf (out, "\\%c", *at);
    else if ((guchar) *at < 0x20)
      g_string_append_printf (out, "\\u%04x", (guint) (guchar) *at);
    else
      g_string_append_c (out, *at);
  }
  g_string_append_c (out, '"');
}

static void
append_error (GString *out, const char *code, const char *detail)
{
  g_string_append_printf (out, ",\"error\":\"%s\",\"detail\":", code);
  append_json_string (out, detail);
}

static const char *
get (GVariant *question, const char *key)
{
  const char *value = NULL;

  return g_variant_lookup (question, key, "&s", &value) ? value : "";
}

static guint16
get_port (GVariant *question, const char *key)
{
  const char *text = get (question, key);
  guint64 value = 0;

  return g_ascii_string_to_unsigned (text, 10, 1, 65535, &value, NULL) ? (guint16) value : 0;
}

static gboolean
get_forward (GVariant *question, UsernetForward *out_forward)
{
  const char *protocol = get (question, "protocol");

  if (strcmp (protocol, "tcp") != 0 && strcmp (protocol, "udp") != 0)
    return FALSE;
  return usernet_forward_set (out_forward, protocol[0] == 'u', get (question, "address"),
                              get_port (question, "port"), get_port (question, "guest-port"));
}

static void
do_add (UsernetControl *self, GVariant *question, GString *out)
{
  static const struct {
    int number;
    const char *code;
  } codes[] = {
      {EEXIST, "duplicate"},         {EADDRINUSE, "exists"}, {EACCES, "denied"}, {EPERM, "denied"},
      {EADDRNOTAVAIL, "no-address"}, {ENOSPC, "full"},       {EMFILE, "full"},
  };
  UsernetForward forward;
  const char *code = "failed";
  int number;

  if (!get_forward (question, &forward)) {
    append_error (out, "invalid", "not a forward");
    return;
  }
  number = usernet_stack_add_forward (self->stack, &forward);
  if (number == 0)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (codes[i].number == number)
      code = codes[i].code;
  append_error (out, code, g_strerror (number));
}

static void
do_remove (UsernetControl *self, GVariant *question, GString *out)
{
  UsernetForward forward;

  if (!get_forward (question, &forward))
    append_error (out, "invalid", "not a forward");
  else if (!usernet_stack_remove_forward (self->stack, &forward))
    append_error (out, "not-found", "no such forward");
}

static void
do_list (UsernetControl *self, GVariant *question, GString *out)
{
  GArray *forwards = usernet_stack_get_forwards (self->stack);

  g_string_append (out, ",\"forwards\":[");
  for (guint i = 0; i < forwards->len; i++) {
    g_autofree char *rule = usernet_forward_format (&g_array_index (forwards, UsernetForward, i));

    if (i > 0)
      g_string_append_c (out, ',');
    append_json_string (out, rule);
  }
  g_string_append_c (out, ']');
}

static void
do_count (UsernetControl *self, GVariant *question, GString *out)
{
  const UsernetWireCounters *wire = usernet_wire_get_counters (self->wire);
  const UsernetFilterCounters *filter = usernet_stack_get_counters (self->stack);
  const struct {
    const char *name;
    guint64 value;
  } counters[] = {
      {"frames-in", wire->frames_in},         {"frames-out", wire->frames_out},
      {"skipped-in", wire->skipped_in},       {"dropped-out", wire->dropped_out},
      {"refused", filter->refused},           {"dhcp-requests", filter->dhcp_requests},
      {"dhcp-answers", filter->dhcp_answers},
  };

  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    g_string_append_printf (out, ",\"%s\":%" G_GUINT64_FORMAT, counters[i].name, counters[i].value);
}

static void
do_stop (UsernetControl *self, GVariant *question, GString *out)
{
  self->stopping = TRUE;
}

static const struct {
  const char *name;
  void (*act) (UsernetControl *self, GVariant *question, GString *out);
} verbs[] = {
    {"add", do_add},     {"remove", do_remove}, {"list", do_list},
    {"count", do_count}, {"stop", do_stop},
};

static void
answer (UsernetControl *self, Client *client, const char *line)
{
  g_autoptr (GVariant) question =
      g_variant_parse (G_VARIANT_TYPE ("a{ss}"), line, NULL, NULL, NULL);
  const char *id = question != NULL ? get (question, "id") : "";
  guint i = 0;

  g_string_append (client->out, "{\"id\":");
  append_json_string (client->out, strlen (id) <= ID_MAX_BYTES ? id : "");
  if (question == NULL) {
    append_error (client->out, "invalid", "not an object of strings");
  } else {
    while (i < G_N_ELEMENTS (verbs) && strcmp (verbs[i].name, get (question, "do")) != 0)
      i++;
    if (i < G_N_ELEMENTS (verbs))
      verbs[i].act (self, question, client->out);
    else
      append_error (client->out, "invalid", "nothing that can be done");
  }
  g_string_append (client->out, "}\n");
}

/* Answers the whole lines that have arrived. %FALSE: too long a line. */
static gboolean
answer_lines (UsernetControl *self, Client *client)
{
  char *end;

  while ((end = memchr (client->in->str, '\n', client->in->len)) != NULL) {
    gsize length = (gsize) (end - client->in->str);

    if (length > USERNET_CONTROL_LINE_MAX_BYTES)
      return FALSE;
    *end = '\0';
    answer (self, client, client->in->str);
    g_string_erase (client->in, 0, (gssize) length + 1);
  }
  return client->in->len <= USERNET_CONTROL_LINE_MAX_BYTES;
}

static gboolean
read_client (UsernetControl *self, Client *client)
{
  char buffer[USERNET_CONTROL_LINE_MAX_BYTES];
  gssize n = recv (client->fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (n == 0)
    return FALSE;
  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  g_string_append_len (client->in, buffer, n);
  return answer_lines (self, client);
}

static gboolean
write_client (Client *client)
{
  gssize n;

  if (client->out->len == 0)
    return TRUE;
  n = send (client->fd, client->out->str, client->out->len, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    return FALSE;
  if (n > 0)
    g_string_erase (client->out, 0, n);
  return client->out->len <= PENDING_MAX_BYTES;
}

void
usernet_control_fill (UsernetControl *self, GArray *polls)
{
  struct pollfd poll = {.fd = -1, .events = POLLIN};

  for (guint i = 0; i < MAX_CLIENTS; i++) {
    Client *client = &self->clients[i];
    struct pollfd own = {.fd = client->fd, .events = POLLIN};

    /* A free place asks the listening socket; when all are taken, the next one queues there. */
    if (client->fd < 0)
      poll.fd = self->fd;
    if (client->out->len > 0)
      own.events |= POLLOUT;
    client->poll_index = polls->len;
    g_array_append_val (polls, own);
  }
  self->poll_index = polls->len;
  g_array_append_val (polls, poll);
}

gboolean
usernet_control_dispatch (UsernetControl *self, GArray *polls)
{
  for (guint i = 0; i < MAX_CLIENTS; i++) {
    Client *client = &self->clients[i];
    short events = g_array_index (polls, struct pollfd, client->poll_index).revents;

    if (client->fd < 0 || events == 0)
      continue;
    if (((events & (POLLIN | POLLHUP | POLLERR)) && !read_client (self, client)) ||
        !write_client (client))
      close_client (self, client);
  }
  if (g_array_index (polls, struct pollfd, self->poll_index).revents != 0)
    accept_clients (self);
  return !self->stopping;
}
