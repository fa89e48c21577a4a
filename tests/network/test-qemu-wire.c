/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A real QEMU on the wire: its network boot ROM takes a lease by itself. */
#include "fake-host.h"
#include "network/lodge-user-network.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The ROM waits for a link and asks more than once; emulated on a busy machine. */
#define WAIT_S 120

static guint64
count (int control, const char *name)
{
  g_autofree char *answer = fake_host_ask (control, "{\"id\":\"c\",\"do\":\"count\"}");
  g_autofree char *key = g_strdup_printf ("\"%s\":", name);
  const char *at = answer != NULL ? strstr (answer, key) : NULL;

  g_assert_nonnull (at);
  return g_ascii_strtoull (at + strlen (key), NULL, 10);
}

static int
connect_control (const char *folder)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_snprintf (address.sun_path, sizeof address.sun_path, "%s/net-net0.ctl", folder);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static void
test_lease (void)
{
  g_autofree char *qemu = g_find_program_in_path ("qemu-system-x86_64");
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *log = NULL;
  g_autoptr (GError) error = NULL;
  LodgeUserNetwork *network;
  gint64 limit;
  int wire, control;

  if (qemu == NULL) {
    g_test_skip ("qemu-system-x86_64 is not installed");
    return;
  }
  if (!g_file_test ("/usr/share/qemu/pxe-virtio.rom", G_FILE_TEST_EXISTS) &&
      !g_file_test ("/usr/share/qemu/efi-virtio.rom", G_FILE_TEST_EXISTS) &&
      !g_file_test ("/usr/lib/ipxe/qemu/efi-virtio.rom", G_FILE_TEST_EXISTS)) {
    g_test_skip ("the network boot ROMs of QEMU are not installed");
    return;
  }
  folder = g_dir_make_tmp ("lodge-network-XXXXXX", &error);
  g_assert_no_error (error);
  network = lodge_user_network_start ("net0", folder, "lodge-test-network.scope", FALSE, NULL,
                                      &wire, NULL, &error);
  g_assert_no_error (error);
  control = connect_control (folder);

  g_subprocess_launcher_take_fd (launcher, wire, 3);
  process = g_subprocess_launcher_spawn (
      launcher, &error, qemu, "-nodefaults", "-no-user-config", "-display", "none", "-machine",
      "q35,accel=tcg", "-m", "64", "-boot", "n", "-netdev",
      "stream,id=net0,addr.type=fd,addr.str=3", "-device", "virtio-net-pci,netdev=net0", NULL);
  g_assert_no_error (error);
  g_subprocess_launcher_close (launcher);

  limit = g_get_monotonic_time () + WAIT_S * G_TIME_SPAN_SECOND;
  while (count (control, "dhcp-answers") < 2 && g_get_monotonic_time () < limit)
    g_usleep (50 * 1000);
  /* An offer and an acknowledgement. */
  g_assert_cmpuint (count (control, "dhcp-answers"), >=, 2);
  g_assert_cmpuint (count (control, "dhcp-requests"), >=, 2);
  g_assert_cmpuint (count (control, "skipped-in"), ==, 0);

  /* It goes with QEMU. */
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
  limit = g_get_monotonic_time () + WAIT_S * G_TIME_SPAN_SECOND;
  while (!lodge_user_network_is_closed (network) && g_get_monotonic_time () < limit)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (lodge_user_network_is_closed (network));
  close (control);
  lodge_user_network_stop (network);
  g_assert_finalize_object (network);
  log = g_build_filename (folder, "net-net0.log", NULL);
  g_assert_cmpint (g_unlink (log), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/qemu-wire/lease", test_lease);
  return g_test_run ();
}
