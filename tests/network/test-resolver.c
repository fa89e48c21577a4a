/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The name server of a guest whose computer changes networks, with the real process in its
 * containment and name servers on the loopback. */
#include "fake-host.h"
#include "host/lodge-host-root.h"
#include "network/lodge-resolver.h"
#include "network/lodge-user-network.h"
#include "test-walls.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_S 30

static gboolean
late_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_CONTINUE;
}

static int
serve_names (const char *address)
{
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons (53)};
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (inet_pton (AF_INET, address, &name.sin_addr), ==, 1);
  if (bind (fd, (struct sockaddr *) &name, sizeof name) == 0)
    return fd;
  close (fd);
  return -1;
}

/* Asks until that server is asked. */
static void
expect_asked (FakeGuest *guest, int server)
{
  gboolean late = FALSE;
  guint limit = g_timeout_add_seconds (WAIT_S, late_cb, &late);
  char query[16];

  /* A port each time: an exchange that has begun keeps its server. */
  for (guint16 port = 40000; !late && !fake_host_is_ready (server); port++) {
    gboolean pause = FALSE;
    guint wake = g_timeout_add (100, late_cb, &pause);

    fake_guest_send_udp (guest, port, FAKE_GUEST_NAMESERVER, 53, "query");
    while (!pause)
      g_main_context_iteration (NULL, TRUE);
    g_source_remove (wake);
  }
  g_source_remove (limit);
  g_assert_true (fake_host_is_ready (server));
  while (recv (server, query, sizeof query, MSG_DONTWAIT) > 0)
    g_assert_cmpmem (query, 5, "query", 5);
}

/* The computer changes to another network while the guest runs: its resolv.conf is replaced, as
 * NetworkManager does it, behind a link, as most systems have it. */
static void
test_other_network (void)
{
  static const char *const addresses[] = {"127.0.83.1", "127.0.83.2", "127.0.83.3"};
  g_autofree char *root = g_dir_make_tmp ("lodge-root-XXXXXX", NULL);
  g_autofree char *etc = g_build_filename (root, "etc", NULL);
  g_autofree char *run = g_build_filename (root, "run", NULL);
  g_autofree char *link = g_build_filename (etc, "resolv.conf", NULL);
  g_autofree char *file = g_build_filename (run, "resolv.conf", NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("lodge-network-XXXXXX", NULL);
  g_autofree char *log = g_build_filename (folder, "net-net0.log", NULL);
  g_autoptr (LodgeUserNetwork) network = NULL;
  int servers[G_N_ELEMENTS (addresses)];
  FakeGuest *guest;
  int wire = -1;

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    servers[i] = serve_names (addresses[i]);
  if (servers[0] < 0 || !test_walls_are_possible ()) {
    g_test_skip ("port 53 may not be opened here, or bubblewrap cannot make namespaces");
    for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
      if (servers[i] >= 0)
        close (servers[i]);
    g_assert_cmpint (g_rmdir (root) + g_rmdir (folder), ==, 0);
    return;
  }

  g_assert_cmpint (g_mkdir (etc, 0700) + g_mkdir (run, 0700), ==, 0);
  g_assert_cmpint (symlink ("../run/resolv.conf", link), ==, 0);
  g_assert_true (g_file_set_contents (file, "nameserver 127.0.83.1\n", -1, NULL));
  lodge_host_root_set_for_tests (root);
  network = lodge_user_network_start ("net0", folder, "lodge-test-network.scope", TRUE, NULL, &wire,
                                      NULL, &error);
  g_assert_no_error (error);
  guest = fake_guest_new (wire);
  fake_guest_resolve (guest, FAKE_GUEST_NAMESERVER);
  expect_asked (guest, servers[0]);
  /* Written anew, and put in its place. */
  g_assert_true (g_file_set_contents (file, "nameserver 127.0.83.2\n", -1, NULL));
  expect_asked (guest, servers[1]);

  /* Changed while no engine ran; and no longer a link. */
  g_assert_finalize_object (g_steal_pointer (&network));
  g_assert_cmpint (g_unlink (link), ==, 0);
  g_assert_true (g_file_set_contents (link, "nameserver 127.0.83.3\n", -1, NULL));
  network = lodge_user_network_find ("net0", folder, &error);
  g_assert_no_error (error);
  expect_asked (guest, servers[2]);
  g_assert_true (g_file_set_contents (link, "nameserver 127.0.83.1\n", -1, NULL));
  expect_asked (guest, servers[0]);

  lodge_user_network_stop (network);
  fake_guest_free (guest);
  lodge_host_root_set_for_tests (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    close (servers[i]);
  g_assert_cmpint (g_unlink (file) + g_unlink (link), ==, 0);
  g_assert_cmpint (
      g_unlink (log) + g_rmdir (folder) + g_rmdir (etc) + g_rmdir (run) + g_rmdir (root), ==, 0);
}

/* One for all networks, gone with the last of them; and back after the runtime folder was emptied.
 */
static void
test_shared (void)
{
  g_autoptr (GError) error = NULL;
  LodgeResolver *first = lodge_resolver_get (&error);
  LodgeResolver *second = lodge_resolver_get (&error);
  g_autofree char *path = NULL;

  g_assert_no_error (error);
  g_assert_true (first == second);
  path = g_build_filename (lodge_resolver_get_folder (first), "resolv.conf", NULL);
  g_object_unref (second);
  if (g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_assert_cmpint (g_unlink (path), ==, 0);
    g_assert_cmpint (g_rmdir (lodge_resolver_get_folder (first)), ==, 0);
    second = lodge_resolver_get (&error);
    g_assert_no_error (error);
    g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
    g_object_unref (second);
  }
  g_assert_finalize_object (first);
}

int
main (int argc, char **argv)
{
  g_autofree char *runtime = g_dir_make_tmp ("lodge-run-XXXXXX", NULL);
  g_autofree char *quoted = g_shell_quote (runtime);
  g_autofree char *clean = g_strconcat ("rm -rf ", quoted, NULL);
  int status;

  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/resolver/other-network", test_other_network);
  g_test_add_func ("/network/resolver/shared", test_shared);
  status = g_test_run ();
  g_assert_true (g_spawn_command_line_sync (clean, NULL, NULL, NULL, NULL));
  return status;
}
