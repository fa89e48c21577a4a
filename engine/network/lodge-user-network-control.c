/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking the user network's process over its control socket (network/usernet/control.h says what
 * the lines are).
 *
 * Owns: the connection and the requests under way. Never: trusts an answer's shape, as a guest may
 * have taken the process over; waits for an answer longer than its limit.
 */
#include "network/lodge-user-network-private.h"

#include "lodge-error.h"
#include "qemu/lodge-json.h"
#include "qemu/lodge-launch.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define ANSWER_LIMIT_S 10
/* 256 forwards of 60 bytes each fit well. */
#define LINE_MAX_BYTES (64 * 1024)
/* An answer is an object with at most one list in it. */
#define DEPTH_MAX 4

/* A request's task data. */
typedef struct {
  char *id;
  char *rule; /* as the caller wrote it; NULL for a list */
  LodgeForward forward;
  GSource *limit;
  GSource *cancelled;
} Request;

static void
request_free (gpointer data)
{
  Request *self = data;
  GSource **sources[] = {&self->limit, &self->cancelled};

  for (guint i = 0; i < G_N_ELEMENTS (sources); i++) {
    if (*sources[i] != NULL)
      g_source_destroy (*sources[i]);
    g_clear_pointer (sources[i], g_source_unref);
  }
  g_free (self->id);
  g_free (self->rule);
  g_free (self);
}

/* Takes the request out of the table, so that nothing else ends it. NULL: it has ended. */
static GTask *
take_request (LodgeUserNetwork *self, const char *id)
{
  g_autofree char *key = NULL;
  GTask *task = NULL;

  if (!g_hash_table_steal_extended (self->requests, id, (gpointer *) &key, (gpointer *) &task))
    return NULL;
  return task;
}

void
lodge_user_network_close (LodgeUserNetwork *self)
{
  g_autofree char *words = NULL;
  GHashTableIter iter;
  gpointer task;

  if (self->closed)
    return;
  self->closed = TRUE;
  /* A request may hold the last reference. */
  g_object_ref (self);
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  g_socket_close (self->socket, NULL);

  words = lodge_launch_read_last_words (self->log_path);
  for (;;) {
    g_autoptr (GTask) ended = NULL;

    g_hash_table_iter_init (&iter, self->requests);
    if (!g_hash_table_iter_next (&iter, NULL, &task))
      break;
    ended = take_request (self, ((Request *) g_task_get_task_data (task))->id);
    g_task_return_new_error (ended, LODGE_ERROR, LODGE_ERROR_FAILED,
                             _ ("The machine's user network has ended: %s"),
                             words != NULL ? words : _ ("it left no message"));
  }
  g_signal_emit_by_name (self, "closed");
  g_object_unref (self);
}

/* --- Answers --- */

/* json-glib goes down one level of its own stack for each level of the text, so the depth is looked
 * at before. */
static gboolean
is_shallow (const char *line, gsize length)
{
  gboolean in_string = FALSE;
  guint depth = 0;

  for (gsize i = 0; i < length; i++) {
    if (in_string && line[i] == '\\')
      i++;
    else if (line[i] == '"')
      in_string = !in_string;
    else if (!in_string && (line[i] == '{' || line[i] == '[') && ++depth > DEPTH_MAX)
      return FALSE;
    else if (!in_string && (line[i] == '}' || line[i] == ']') && depth > 0)
      depth--;
  }
  return TRUE;
}

static GError *
make_error (const char *code, const Request *request)
{
  const LodgeForward *forward = &request->forward;
  const char *address = forward->address;
  guint port = forward->host_port;

  if (g_str_equal (code, "duplicate"))
    return g_error_new (LODGE_ERROR, LODGE_ERROR_EXISTS,
                        _ ("Port %u of %s is forwarded to this machine already: remove that "
                           "forward first, or choose another port"),
                        port, address);
  if (g_str_equal (code, "exists"))
    return g_error_new (LODGE_ERROR, LODGE_ERROR_EXISTS,
                        _ ("Port %u of %s is in use on this computer: choose another port"), port,
                        address);
  if (g_str_equal (code, "denied"))
    return g_error_new (LODGE_ERROR, LODGE_ERROR_DENIED,
                        _ ("Port %u of %s may not be opened without more rights: choose a port "
                           "from 1024 on"),
                        port, address);
  if (g_str_equal (code, "no-address"))
    return g_error_new (LODGE_ERROR, LODGE_ERROR_INVALID,
                        _ ("This computer has no address %s to forward port %u from"), address,
                        port);
  if (g_str_equal (code, "full"))
    return g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                        _ ("There is no room for the forward “%s”: remove another one first"),
                        request->rule);
  if (g_str_equal (code, "not-found"))
    return g_error_new (LODGE_ERROR, LODGE_ERROR_NOT_FOUND, _ ("There is no forward “%s”"),
                        request->rule);
  return g_error_new (LODGE_ERROR, LODGE_ERROR_FAILED,
                      _ ("The machine's user network refused “%s”"),
                      request->rule != NULL ? request->rule : "list");
}

static gboolean
finish_list (GTask *task, JsonObject *answer)
{
  JsonNode *node = json_object_get_member (answer, "forwards");
  g_autoptr (GStrvBuilder) rules = g_strv_builder_new ();
  JsonArray *array;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);
    g_autofree char *rule = NULL;
    LodgeForward forward;

    if (json_node_get_value_type (element) != G_TYPE_STRING ||
        !lodge_forward_parse (json_node_get_string (element), &forward, NULL))
      return FALSE;
    rule = lodge_forward_format (&forward);
    g_strv_builder_add (rules, rule);
  }
  g_task_return_pointer (task, g_strv_builder_end (rules), (GDestroyNotify) g_strfreev);
  return TRUE;
}

/* %FALSE: this is no answer of ours. */
static gboolean
take_answer (LodgeUserNetwork *self, const char *line, gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GTask) task = NULL;
  const char *id, *code;
  JsonObject *answer;
  Request *request;
  JsonNode *root;

  if (!is_shallow (line, length) ||
      !json_parser_load_from_data (parser, line, (gssize) length, NULL))
    return FALSE;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return FALSE;
  answer = json_node_get_object (root);
  id = lodge_json_get_string (answer, "id");
  if (id == NULL)
    return FALSE;
  task = take_request (self, id);
  if (task == NULL)
    return TRUE; /* it came after its limit */

  request = g_task_get_task_data (task);
  code = lodge_json_get_string (answer, "error");
  if (code != NULL)
    g_task_return_error (task, make_error (code, request));
  else if (request->rule != NULL)
    g_task_return_boolean (task, TRUE);
  else if (!finish_list (task, answer))
    g_task_return_error (task, make_error ("failed", request));
  return TRUE;
}

static gboolean
take_lines (LodgeUserNetwork *self)
{
  char *end;

  while (!self->closed && (end = memchr (self->in->str, '\n', self->in->len)) != NULL) {
    gsize length = (gsize) (end - self->in->str);
    g_autofree char *line = g_strndup (self->in->str, length);

    g_string_erase (self->in, 0, (gssize) length + 1);
    if (length > LINE_MAX_BYTES || !take_answer (self, line, length))
      return FALSE;
  }
  return self->in->len <= LINE_MAX_BYTES;
}

static gboolean
readable_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  g_autoptr (LodgeUserNetwork) self = g_object_ref (user_data);
  g_autoptr (GError) error = NULL;
  char buffer[4096];
  gssize n = g_socket_receive (socket, buffer, sizeof buffer, NULL, &error);

  if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  if (n > 0) {
    g_string_append_len (self->in, buffer, n);
    if (take_lines (self))
      return self->closed ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
  }
  lodge_user_network_close (self);
  return G_SOURCE_REMOVE;
}

/* --- Questions --- */

static gboolean
limit_cb (gpointer user_data)
{
  GTask *task = user_data;
  LodgeUserNetwork *self = g_task_get_source_object (task);
  Request *request = g_task_get_task_data (task);
  g_autoptr (GTask) taken = take_request (self, request->id);

  if (taken != NULL)
    g_task_return_new_error (taken, LODGE_ERROR, LODGE_ERROR_TIMEOUT,
                             _ ("The machine's user network did not answer within %d seconds"),
                             ANSWER_LIMIT_S);
  return G_SOURCE_REMOVE;
}

static gboolean
cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  GTask *task = user_data;
  LodgeUserNetwork *self = g_task_get_source_object (task);
  Request *request = g_task_get_task_data (task);
  g_autoptr (GTask) taken = take_request (self, request->id);

  if (taken != NULL)
    g_task_return_new_error (taken, LODGE_ERROR, LODGE_ERROR_CANCELLED,
                             _ ("Asking the machine's user network was stopped"));
  return G_SOURCE_REMOVE;
}

/* A line is far smaller than a socket's buffer: what does not fit at once is not being read. */
static gboolean
send_line (LodgeUserNetwork *self, JsonBuilder *builder, GError **error)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autoptr (GError) cause = NULL;
  g_autofree char *text = NULL;
  g_autofree char *line = NULL;
  gsize length;

  json_generator_set_root (generator, root);
  text = json_generator_to_data (generator, NULL);
  line = g_strconcat (text, "\n", NULL);
  length = strlen (line);
  if (!self->closed && g_socket_send (self->socket, line, length, NULL, &cause) == (gssize) length)
    return TRUE;
  g_set_error (error, LODGE_ERROR, LODGE_ERROR_FAILED,
               _ ("The machine's user network cannot be asked: %s"),
               cause != NULL ? cause->message : _ ("it has ended"));
  return FALSE;
}

static void
add_member (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_number (JsonBuilder *builder, const char *name, guint value)
{
  g_autofree char *text = g_strdup_printf ("%u", value);

  add_member (builder, name, text);
}

void
lodge_user_network_ask_to_stop (LodgeUserNetwork *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_member (builder, "do", "stop");
  json_builder_end_object (builder);
  /* It may have ended already, which is what is wanted. */
  (void) send_line (self, builder, NULL);
}

/* @rule: NULL for a verb without one. Takes @task. */
static void
ask (LodgeUserNetwork *self, GTask *task, const char *verb, const char *rule)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GTask) owned = task;
  Request *request = g_new0 (Request, 1);
  GError *error = NULL;

  request->id = g_strdup_printf ("%" G_GUINT64_FORMAT, ++self->last_id);
  request->rule = g_strdup (rule);
  g_task_set_task_data (task, request, request_free);
  /* Ends with the error of this domain and not of GIO's. */
  g_task_set_check_cancellable (task, FALSE);
  if (rule != NULL && !lodge_forward_parse (rule, &request->forward, &error)) {
    g_task_return_error (task, error);
    return;
  }

  json_builder_begin_object (builder);
  add_member (builder, "id", request->id);
  add_member (builder, "do", verb);
  if (rule != NULL) {
    add_member (builder, "protocol", request->forward.udp ? "udp" : "tcp");
    add_member (builder, "address", request->forward.address);
    add_number (builder, "port", request->forward.host_port);
    add_number (builder, "guest-port", request->forward.guest_port);
  }
  json_builder_end_object (builder);
  if (!send_line (self, builder, &error)) {
    g_task_return_error (task, error);
    return;
  }

  request->limit = g_timeout_source_new_seconds (ANSWER_LIMIT_S);
  g_source_set_callback (request->limit, limit_cb, task, NULL);
  g_source_attach (request->limit, g_task_get_context (task));
  if (g_task_get_cancellable (task) != NULL) {
    request->cancelled = g_cancellable_source_new (g_task_get_cancellable (task));
    g_source_set_callback (request->cancelled, G_SOURCE_FUNC (cancelled_cb), task, NULL);
    g_source_attach (request->cancelled, g_task_get_context (task));
  }
  g_hash_table_insert (self->requests, g_strdup (request->id), g_steal_pointer (&owned));
}

void
lodge_user_network_add_forward_async (LodgeUserNetwork *self,
                                      const char *rule,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, lodge_user_network_add_forward_async);
  ask (self, task, "add", rule);
}

void
lodge_user_network_remove_forward_async (LodgeUserNetwork *self,
                                         const char *rule,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, lodge_user_network_add_forward_async);
  ask (self, task, "remove", rule);
}

gboolean
lodge_user_network_finish (LodgeUserNetwork *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_user_network_add_forward_async),
                        FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
lodge_user_network_list_forwards_async (LodgeUserNetwork *self,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, lodge_user_network_list_forwards_async);
  ask (self, task, "list", NULL);
}

char **
lodge_user_network_list_forwards_finish (LodgeUserNetwork *self,
                                         GAsyncResult *result,
                                         GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, lodge_user_network_list_forwards_async),
                        NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
lodge_user_network_connect (LodgeUserNetwork *self, GError **error)
{
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new (self->socket_path);

  self->socket =
      g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (self->socket == NULL)
    return FALSE;
  /* Connecting to a unix socket never waits once it does not block: it is taken or refused. */
  g_socket_set_blocking (self->socket, FALSE);
  if (!g_socket_connect (self->socket, address, NULL, error))
    return FALSE;
  self->source = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (readable_cb), self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return TRUE;
}
