/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine that is killed takes its qemu-img with it, contained or not. The qemu-img is one that
 * takes for ever. */
#include "storage/lodge-image.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 60

typedef struct {
  char *folder;
  char *mark; /* how long it sleeps, which nobody else does */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *program = NULL;
  g_autofree char *script = NULL;

  fixture->folder = g_dir_make_tmp ("lodge-end-XXXXXX", NULL);
  fixture->mark = g_strdup_printf ("9%d%d", getpid (), GPOINTER_TO_INT (data));
  program = g_build_filename (fixture->folder, "qemu-img", NULL);
  script = g_strdup_printf ("#!/bin/sh\nexec /bin/sleep %s\n", fixture->mark);
  g_assert_true (
      g_file_set_contents_full (program, script, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *quoted = g_shell_quote (fixture->folder);
  g_autofree char *command = g_strconcat ("rm -rf ", quoted, NULL);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (fixture->folder);
  g_free (fixture->mark);
}

static gboolean
sleeps (const char *mark)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (proc)) != NULL) {
    g_autofree char *path = g_build_filename ("/proc", name, "cmdline", NULL);
    g_autofree char *arguments = NULL;
    gsize length = 0;

    if (g_ascii_isdigit (name[0]) && g_file_get_contents (path, &arguments, &length, NULL) &&
        g_str_has_suffix (arguments, "sleep") &&
        memmem (arguments, length, mark, strlen (mark)) != NULL)
      return TRUE;
  }
  return FALSE;
}

static gboolean
becomes (const char *mark, gboolean sleeping)
{
  for (guint i = 0; i < PATIENCE_S * 100; i++) {
    if (sleeps (mark) == sleeping)
      return TRUE;
    g_usleep (10000);
  }
  return FALSE;
}

static void
test_killed (Fixture *fixture, gconstpointer data)
{
  gboolean contained = GPOINTER_TO_INT (data);
  g_autofree char *path = contained ? g_strconcat (fixture->folder, ":", g_getenv ("PATH"), NULL)
                                    : g_strdup (fixture->folder);
  g_autofree char *target = g_build_filename (fixture->folder, "disk.qcow2", NULL);
  const char *argv[] = {"/proc/self/exe", "--engine", target, NULL};
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "PATH", path, TRUE);
  g_autoptr (GError) error = NULL;
  GPid engine;

  g_spawn_async (NULL, (char **) argv, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &engine,
                 &error);
  g_assert_no_error (error);
  g_assert_true (becomes (fixture->mark, TRUE));
  g_assert_cmpint (kill (engine, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (engine, NULL, 0), ==, engine);
  g_assert_true (becomes (fixture->mark, FALSE));
}

/* What is killed. */
static int
run_engine (const char *target)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  lodge_image_create_async (target, "qcow2", 1024 * 1024, NULL, NULL, NULL);
  g_main_loop_run (loop);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc == 3 && strcmp (argv[1], "--engine") == 0)
    return run_engine (argv[2]);
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/qemu-img/killed-contained", Fixture, GINT_TO_POINTER (TRUE), set_up, test_killed,
              tear_down);
  g_test_add ("/qemu-img/killed-bare", Fixture, GINT_TO_POINTER (FALSE), set_up, test_killed,
              tear_down);
  return g_test_run ();
}
