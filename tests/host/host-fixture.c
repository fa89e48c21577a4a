/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A computer made of files: a folder laid out like "/", and a probe that prints what it is told. */
#include "host-fixture.h"

#include "host/lodge-accelerator.h"
#include "host/lodge-host-root.h"
#include "host/lodge-host-sandbox.h"
#include "test-folder.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Of this process: below it are libexec, cache and config. */
static char *process_folder;

static char *
dup_probe_path (void)
{
  return g_build_filename (process_folder, "libexec", "lodge-kvm-probe", NULL);
}

void
host_fixture_init (int *argc, char ***argv)
{
  static const struct {
    const char *variable;
    const char *name;
  } folders[] = {
      {"LODGE_LIBEXECDIR", "libexec"},
      {"XDG_CACHE_HOME", "cache"},
      {"XDG_CONFIG_HOME", "config"},
  };
  g_autoptr (GError) error = NULL;

  process_folder = g_dir_make_tmp ("lodge-test-host-XXXXXX", &error);
  g_assert_no_error (error);
  /* Once, before any thread and before GLib looks. */
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++) {
    g_autofree char *path = g_build_filename (process_folder, folders[i].name, NULL);

    g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
    g_setenv (folders[i].variable, path, TRUE);
  }
  g_test_init (argc, argv, NULL);
}

int
host_fixture_run (void)
{
  int result = g_test_run ();

  test_folder_remove (process_folder);
  g_clear_pointer (&process_folder, g_free);
  return result;
}

static char *
dup_runs_path (HostFixture *self)
{
  return g_build_filename (self->folder, "probe-runs", NULL);
}

HostFixture *
host_fixture_new (void)
{
  HostFixture *self = g_new0 (HostFixture, 1);
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("lodge-host-XXXXXX", &error);
  g_assert_no_error (error);
  self->root = g_build_filename (self->folder, "root", NULL);
  g_assert_cmpint (g_mkdir (self->root, 0700), ==, 0);
  lodge_host_root_set_for_tests (self->root);
  lodge_accelerator_set_limit_for_tests (HOST_FIXTURE_GENEROUS_MS);
  lodge_host_sandbox_set_limit_for_tests (HOST_FIXTURE_GENEROUS_MS);
  return self;
}

void
host_fixture_set_real_root (HostFixture *self)
{
  lodge_host_root_set_for_tests (NULL);
}

void
host_fixture_free (HostFixture *self)
{
  g_autofree char *cache = g_build_filename (g_get_user_cache_dir (), "lodge", NULL);

  g_autofree char *probe = dup_probe_path ();

  lodge_host_root_set_for_tests (NULL);
  g_remove (probe); /* not every case has one */
  if (g_file_test (cache, G_FILE_TEST_IS_DIR))
    test_folder_remove (cache);
  test_folder_remove (self->folder);
  g_free (self->folder);
  g_free (self->root);
  g_free (self);
}

static void
write_file (const char *path, const char *text, gssize length)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_file_set_contents (path, text, length, &error);
  g_assert_no_error (error);
  if (g_str_has_prefix (text, "#!"))
    g_assert_cmpint (g_chmod (path, 0700), ==, 0);
}

void
host_fixture_add (HostFixture *self, const char *path, const char *text)
{
  g_autofree char *full = g_build_filename (self->root, path, NULL);

  write_file (full, text, -1);
}

void
host_fixture_remove (HostFixture *self, const char *path)
{
  g_autofree char *full = g_build_filename (self->root, path, NULL);

  test_folder_remove (full);
}

void
host_fixture_set_probe (HostFixture *self, const char *script)
{
  g_autofree char *path = dup_probe_path ();
  g_autofree char *runs = dup_runs_path (self);
  g_autofree char *text = NULL;

  g_remove (path); /* not every case has one */
  if (script == NULL)
    return;
  text = g_strdup_printf ("#!/bin/sh\necho run >>'%s'\n%s", runs, script);
  write_file (path, text, -1);
}

guint
host_fixture_count_probes (HostFixture *self)
{
  g_autofree char *runs = dup_runs_path (self);
  g_autofree char *text = NULL;
  gsize length = 0;

  if (!g_file_get_contents (runs, &text, &length, NULL))
    return 0;
  return length / strlen ("run\n");
}

void
host_fixture_set_real_probe (HostFixture *self)
{
  g_autofree char *path = dup_probe_path ();
  g_autofree char *real =
      g_build_filename (g_getenv ("LODGE_TEST_PROBE_DIR"), "lodge-kvm-probe", NULL);

  g_remove (path);
  g_assert_cmpint (symlink (real, path), ==, 0);
}
