/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a viewer that has shut itself off still knows of hosts. */
#include "sdl/lodge-viewer-resolver.h"

#include "test-wait.h"

typedef struct {
  gboolean done;
  char *found; /* or NULL, and */
  GError *error;
} Answer;

static void
enumerated_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;
  g_autoptr (GSocketAddress) address = g_socket_address_enumerator_next_finish (
      G_SOCKET_ADDRESS_ENUMERATOR (source), result, &answer->error);

  if (address != NULL)
    answer->found = g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
  answer->done = TRUE;
}

/* As a socket client asks. */
static void
ask (GResolver *resolver, const char *host, const char *found, int code)
{
  g_autoptr (GSocketConnectable) to = g_network_address_new (host, 5900);
  g_autoptr (GSocketAddressEnumerator) all = g_socket_connectable_enumerate (to);
  Answer answer = {FALSE};

  g_resolver_set_default (resolver);
  g_socket_address_enumerator_next_async (all, NULL, enumerated_cb, &answer);
  test_wait_until (answer.done);
  g_assert_cmpstr (answer.found, ==, found);
  if (found == NULL)
    g_assert_error (answer.error, G_RESOLVER_ERROR, code);
  g_free (answer.found);
  g_clear_error (&answer.error);
}

static void
test_known (void)
{
  g_autoptr (GInetAddress) four = g_inet_address_new_from_string ("192.0.2.7");
  g_autoptr (GInetAddress) six = g_inet_address_new_from_string ("2001:db8::7");
  g_autoptr (GList) only_four = g_list_append (NULL, four);
  g_autoptr (GList) only_six = g_list_append (NULL, six);
  g_autoptr (GResolver) first = lodge_viewer_resolver_new ("box.example", only_four, NULL);
  g_autoptr (GResolver) second = lodge_viewer_resolver_new ("box.example", only_six, NULL);

  ask (first, "box.example", "192.0.2.7:5900", 0);
  ask (first, "BOX.example", "192.0.2.7:5900", 0);
  ask (second, "box.example", "[2001:db8::7]:5900", 0);
  /* Where a server might send its client. */
  ask (first, "other.example", NULL, G_RESOLVER_ERROR_NOT_FOUND);

  g_autoptr (GError) error = NULL;
  g_assert_null (g_resolver_lookup_by_name (second, "localhost.example", NULL, &error));
  g_assert_error (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND);
}

static void
test_unknown (void)
{
  g_autoptr (GError) error =
      g_error_new (G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE, "asleep");
  g_autoptr (GResolver) resolver = lodge_viewer_resolver_new ("box.example", NULL, error);

  ask (resolver, "box.example", NULL, G_RESOLVER_ERROR_TEMPORARY_FAILURE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/viewer-resolver/known", test_known);
  g_test_add_func ("/viewer-resolver/unknown", test_unknown);
  return g_test_run ();
}
