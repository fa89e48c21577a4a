/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LodgeCommand: order, reasons, escaping, descriptors, binds. */
#include "qemu/lodge-command.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void
test_arguments (void)
{
  g_autoptr (LodgeCommand) command = lodge_command_new ("qemu");
  const char *const expected[] = {"qemu", "-S", "-m", "4G", "-smp", "cpus=2,cores=2", NULL};
  const LodgeCommandRow *row;

  lodge_command_add (command, "wait", "-S", NULL);
  lodge_command_add (command, "memory", "-m", "4G");
  lodge_command_addf (command, "processors", "-smp", "cpus=%d,cores=%d", 2, 2);

  g_assert_cmpstrv (lodge_command_get_argv (command), expected);
  g_assert_cmpuint (lodge_command_get_rows (command)->len, ==, 3);
  row = g_ptr_array_index (lodge_command_get_rows (command), 0);
  g_assert_cmpstr (row->argument, ==, "-S");
  g_assert_cmpstr (row->reason, ==, "wait");
  row = g_ptr_array_index (lodge_command_get_rows (command), 2);
  g_assert_cmpstr (row->argument, ==, "-smp cpus=2,cores=2");
  g_assert_cmpstr (row->reason, ==, "processors");
}

/* A value that looks like a format or an option stays what it is. */
static void
test_values_are_verbatim (void)
{
  g_autoptr (LodgeCommand) command = lodge_command_new ("qemu");
  const char *const expected[] = {"qemu", "-append", "%s %n \"quoted\" 'x' -S $(id)", NULL};

  lodge_command_add (command, "r", "-append", "%s %n \"quoted\" 'x' -S $(id)");
  g_assert_cmpstrv (lodge_command_get_argv (command), expected);
}

static void
test_escape (void)
{
  g_autofree char *none = lodge_command_escape ("web server");
  g_autofree char *commas = lodge_command_escape ("a,b,,c,");
  g_autofree char *empty = lodge_command_escape ("");

  g_assert_cmpstr (none, ==, "web server");
  g_assert_cmpstr (commas, ==, "a,,b,,,,c,,");
  g_assert_cmpstr (empty, ==, "");
}

static void
test_descriptors (void)
{
  LodgeCommand *command = lodge_command_new ("qemu");
  int first = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int second = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int number = -1;

  g_assert_cmpint (lodge_command_take_fd (command, first), ==, 3);
  g_assert_cmpint (lodge_command_take_fd (command, second), ==, 4);
  g_assert_cmpuint (lodge_command_get_n_fds (command), ==, 2);
  g_assert_cmpint (lodge_command_get_fd (command, 1, &number), ==, second);
  g_assert_cmpint (number, ==, 4);

  /* They are closed with the command, and not before. */
  g_assert_cmpint (fcntl (first, F_GETFD), >=, 0);
  lodge_command_free (command);
  g_assert_cmpint (fcntl (first, F_GETFD), ==, -1);
  g_assert_cmpint (errno, ==, EBADF);
  g_assert_cmpint (fcntl (second, F_GETFD), ==, -1);
}

static void
test_binds (void)
{
  g_autoptr (LodgeCommand) command = lodge_command_new ("qemu");
  LodgeCommandBind how;

  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, "/a/base.qcow2");
  lodge_command_bind (command, LODGE_COMMAND_BIND_DEVICE, "/dev/kvm");
  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_WRITE, "/a/top.qcow2");
  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, "/a/base.qcow2");
  lodge_command_bind (command, LODGE_COMMAND_BIND_READ_ONLY, "/a/top.qcow2");

  g_assert_cmpuint (lodge_command_get_n_binds (command), ==, 3);
  g_assert_cmpstr (lodge_command_get_bind (command, 0, &how), ==, "/a/base.qcow2");
  g_assert_cmpint (how, ==, LODGE_COMMAND_BIND_READ_ONLY);
  g_assert_cmpstr (lodge_command_get_bind (command, 1, &how), ==, "/dev/kvm");
  g_assert_cmpint (how, ==, LODGE_COMMAND_BIND_DEVICE);
  /* Asked for twice: what needs more wins. */
  g_assert_cmpstr (lodge_command_get_bind (command, 2, &how), ==, "/a/top.qcow2");
  g_assert_cmpint (how, ==, LODGE_COMMAND_BIND_READ_WRITE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/command/arguments", test_arguments);
  g_test_add_func ("/command/values-are-verbatim", test_values_are_verbatim);
  g_test_add_func ("/command/escape", test_escape);
  g_test_add_func ("/command/descriptors", test_descriptors);
  g_test_add_func ("/command/binds", test_binds);
  return g_test_run ();
}
