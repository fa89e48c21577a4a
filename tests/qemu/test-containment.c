/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bubblewrap's command line: what is in it, in which order, and what is refused. Whether the walls
 * hold is the business of test-launch. */
#include "qemu/lodge-containment.h"

#include "lodge-error.h"

#include <glib/gstdio.h>
#include <string.h>

static const char *const program[] = {"true", "--", "an argument", NULL};

static gboolean
have_bwrap (void)
{
  g_autofree char *bwrap = g_find_program_in_path ("bwrap");

  if (bwrap == NULL)
    g_test_skip ("bubblewrap is not installed");
  return bwrap != NULL;
}

/* Where @wanted stands in @argv as one argument, or -1. */
static int
find (GPtrArray *argv, const char *wanted)
{
  for (guint i = 0; i + 1 < argv->len; i++) {
    if (strcmp (g_ptr_array_index (argv, i), wanted) == 0)
      return (int) i;
  }
  return -1;
}

static const char *
at (GPtrArray *argv, int index)
{
  g_assert_cmpint (index, >=, 0);
  g_assert_cmpint (index, <, argv->len);
  return g_ptr_array_index (argv, index);
}

static void
test_walls (void)
{
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) error = NULL;
  int end;

  if (!have_bwrap ())
    return;

  argv = lodge_containment_new_argv (LODGE_CONTAINMENT_DEFAULT, NULL, 0, program, &error);
  g_assert_no_error (error);
  g_assert_null (g_ptr_array_index (argv, argv->len - 1));
  g_assert_true (g_str_has_suffix (at (argv, 0), "/bwrap"));
  g_assert_cmpint (find (argv, "--unshare-all"), >, 0);
  g_assert_cmpint (find (argv, "--new-session"), >, 0);
  g_assert_cmpstr (at (argv, find (argv, "--cap-drop") + 1), ==, "ALL");
  g_assert_cmpint (find (argv, "--share-net"), ==, -1);
  g_assert_cmpint (find (argv, "--die-with-parent"), ==, -1);
  g_assert_cmpint (find (argv, "/etc/resolv.conf"), ==, -1);

  /* The program's own "--" comes after bubblewrap's, and its arguments are last. */
  end = find (argv, "--");
  g_assert_true (g_path_is_absolute (at (argv, end + 1)));
  g_assert_true (g_str_has_suffix (at (argv, end + 1), "/true"));
  g_assert_cmpstr (at (argv, end + 2), ==, "--");
  g_assert_cmpstr (at (argv, end + 3), ==, "an argument");
  g_assert_cmpint (end + 4, ==, argv->len - 1);
}

static void
test_flags (void)
{
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) error = NULL;

  if (!have_bwrap ())
    return;

  argv = lodge_containment_new_argv (LODGE_CONTAINMENT_NETWORK | LODGE_CONTAINMENT_DIE_WITH_PARENT,
                                     NULL, 0, program, &error);
  g_assert_no_error (error);
  /* Given back after everything was taken: the order matters to bubblewrap. */
  g_assert_cmpint (find (argv, "--share-net"), >, find (argv, "--unshare-all"));
  g_assert_cmpint (find (argv, "--die-with-parent"), >, 0);
  g_assert_cmpint (find (argv, "/etc/resolv.conf"), >, 0);
}

/* A character device stands for a render node. */
static void
test_graphics (void)
{
  const LodgeContainmentBind binds[] = {
      {LODGE_COMMAND_BIND_GRAPHICS, "/dev/null"},
      {LODGE_COMMAND_BIND_GRAPHICS, "/dev/dri/not-there"},
  };
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) error = NULL;

  if (!have_bwrap ())
    return;

  argv = lodge_containment_new_argv (LODGE_CONTAINMENT_DEFAULT, binds, G_N_ELEMENTS (binds),
                                     program, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (at (argv, find (argv, "/dev/null") - 1), ==, "--dev-bind-try");
  g_assert_cmpstr (at (argv, find (argv, "/dev/dri/not-there") - 1), ==, "--dev-bind-try");
  /* Of /sys nothing is seen but a device that a node is of, and this one has none. */
  g_assert_cmpint (find (argv, "/sys"), ==, -1);
  g_assert_cmpint (find (argv, "/sys/dev/char/1:3"), ==, -1);
}

static void
test_binds (void)
{
  g_autofree char *folder = g_dir_make_tmp ("lodge-containment-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "a, \"b\".qcow2", NULL);
  const LodgeContainmentBind binds[] = {
      {LODGE_COMMAND_BIND_READ_WRITE, folder},
      {LODGE_COMMAND_BIND_READ_ONLY, file},
      {LODGE_COMMAND_BIND_DEVICE, "/dev/not-there"},
      {LODGE_COMMAND_BIND_READ_ONLY, "/usr/share/not-there"},
  };
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) error = NULL;

  if (!have_bwrap ())
    return;

  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  argv = lodge_containment_new_argv (LODGE_CONTAINMENT_DEFAULT, binds, G_N_ELEMENTS (binds),
                                     program, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (at (argv, find (argv, folder) - 1), ==, "--bind");
  g_assert_cmpstr (at (argv, find (argv, folder) + 1), ==, folder);
  g_assert_cmpstr (at (argv, find (argv, file) - 1), ==, "--ro-bind");
  g_assert_cmpstr (at (argv, find (argv, "/dev/not-there") - 1), ==, "--dev-bind-try");
  /* What is in /usr can be seen anyway. */
  g_assert_cmpint (find (argv, "/usr/share/not-there"), ==, -1);
  /* After the folders they may lie in, before the root is closed. */
  g_assert_cmpint (find (argv, folder), >, find (argv, "--tmpfs"));
  g_assert_cmpint (find (argv, file), <, find (argv, "--remount-ro"));

  g_assert_cmpint (g_unlink (file), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
test_missing (void)
{
  const LodgeContainmentBind bind = {LODGE_COMMAND_BIND_READ_ONLY, "/nowhere/disk.qcow2"};
  const char *const unknown[] = {"lodge-no-such-program", NULL};
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) error = NULL;

  if (!have_bwrap ())
    return;

  argv = lodge_containment_new_argv (LODGE_CONTAINMENT_DEFAULT, &bind, 1, program, &error);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nowhere/disk.qcow2"));
  g_assert_null (argv);
  g_clear_error (&error);

  argv = lodge_containment_new_argv (LODGE_CONTAINMENT_DEFAULT, NULL, 0, unknown, &error);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_nonnull (strstr (error->message, "lodge-no-such-program"));
  g_assert_null (argv);
}

static void
test_no_bubblewrap (void)
{
  g_autoptr (GPtrArray) argv = NULL;
  g_autoptr (GError) error = NULL;

  if (g_test_subprocess ()) {
    g_setenv ("PATH", "/nowhere", TRUE);
    argv = lodge_containment_new_argv (LODGE_CONTAINMENT_DEFAULT, NULL, 0, program, &error);
    g_assert_null (argv);
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
    g_assert_nonnull (strstr (error->message, "bubblewrap"));
    return;
  }

  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
test_environment (void)
{
  g_auto (GStrv) environment = NULL;

  g_setenv ("LODGE_TEST_SECRET", "token", TRUE);
  g_setenv ("TZ", "Europe/Vienna", TRUE);
  environment = lodge_containment_dup_environment ();
  g_assert_null (g_environ_getenv (environment, "LODGE_TEST_SECRET"));
  g_assert_null (g_environ_getenv (environment, "HOME"));
  g_assert_cmpstr (g_environ_getenv (environment, "TZ"), ==, "Europe/Vienna");
  g_assert_nonnull (g_environ_getenv (environment, "PATH"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/containment/walls", test_walls);
  g_test_add_func ("/containment/flags", test_flags);
  g_test_add_func ("/containment/graphics", test_graphics);
  g_test_add_func ("/containment/binds", test_binds);
  g_test_add_func ("/containment/missing", test_missing);
  g_test_add_func ("/containment/no-bubblewrap", test_no_bubblewrap);
  g_test_add_func ("/containment/environment", test_environment);
  return g_test_run ();
}
