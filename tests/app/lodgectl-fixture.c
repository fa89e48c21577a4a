/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real lodgectl, run against the fake engine. */
#include "lodgectl-fixture.h"

#include "test-folder.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_US (120 * G_USEC_PER_SEC)

const char *
get_program (void)
{
  return g_getenv ("LODGE_TEST_LODGECTL");
}

void
set_up (Fixture *self, gconstpointer unused)
{
  g_autofree char *socket = NULL;

  self->runtime = g_dir_make_tmp ("lodgectl-XXXXXX", NULL);
  self->folder = g_dir_make_tmp ("lodgectl-XXXXXX", NULL);
  g_assert_nonnull (self->runtime);
  g_assert_nonnull (self->folder);
  socket = g_build_filename (self->runtime, "engine.sock", NULL);
  self->engine = fake_engine_new (socket);
  fake_engine_add_machine (self->engine, "web", "off");
}

void
tear_down (Fixture *self, gconstpointer unused)
{
  g_clear_pointer (&self->engine, fake_engine_free);
  test_folder_remove (self->folder);
  test_folder_remove (self->runtime);
  g_free (self->folder);
  g_free (self->runtime);
}

/* --- Running it --- */

void
output_clear (Output *self)
{
  g_clear_pointer (&self->out, g_free);
  g_clear_pointer (&self->err, g_free);
}
GSubprocess *
spawn (Fixture *self, const char *const *words)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_ptr_array_add (argv, (gpointer) get_program ());
  for (; *words != NULL; words++)
    g_ptr_array_add (argv, (gpointer) *words);
  g_ptr_array_add (argv, NULL);
  g_subprocess_launcher_set_cwd (launcher, self->folder);
  g_subprocess_launcher_setenv (launcher, "LODGE_RUNTIME_DIR", self->runtime, TRUE);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, &error);
  g_assert_no_error (error);
  return process;
}

Output
collect (GSubprocess *process)
{
  Output output = {0};
  g_autoptr (GError) error = NULL;

  g_subprocess_communicate_utf8 (process, NULL, NULL, &output.out, &output.err, &error);
  g_assert_no_error (error);
  output.status =
      g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process) : -1;
  return output;
}

Output
run_words (Fixture *self, const char *const *words)
{
  g_autoptr (GSubprocess) process = spawn (self, words);

  return collect (process);
}

void
assert_done (const Output *output)
{
  g_assert_cmpstr (output->err, ==, "");
  g_assert_cmpint (output->status, ==, 0);
}

void
assert_fails (const Output *output, int status, const char *words)
{
  g_assert_cmpint (output->status, ==, status);
  g_assert_cmpstr (output->out, ==, "");
  g_assert_true (g_str_has_prefix (output->err, "lodgectl: "));
  g_assert_true (g_str_has_suffix (output->err, "\n"));
  g_assert_null (strchr (strchr (output->err, '\n') + 1, '\n'));
  if (strstr (output->err, words) == NULL)
    g_error ("“%s” is not in: %s", words, output->err);
}

JsonNode *
parse_json (const Output *output)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node;

  assert_done (output);
  node = json_from_string (output->out, &error);
  g_assert_no_error (error);
  return node;
}

void
assert_json (const Output *output, const char *path, const char *expected)
{
  g_autoptr (JsonNode) node = parse_json (output);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) found = json_path_query (path, node, &error);
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = json_to_string (found, FALSE);
  g_assert_cmpstr (text, ==, expected);
}

void
assert_calls (Fixture *self, const char *expected)
{
  g_auto (GStrv) calls = fake_engine_dup_calls (self->engine);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; calls[i] != NULL; i++)
    if (!g_str_has_prefix (calls[i], "OpenMachine"))
      g_string_append_printf (text, "%s%s", text->len > 0 ? "\n" : "", calls[i]);
  g_assert_cmpstr (text->str, ==, expected);
  fake_engine_clear_calls (self->engine);
}

void
wait_call (Fixture *self, const char *method)
{
  gint64 end = g_get_monotonic_time () + LIMIT_US;

  for (;;) {
    g_auto (GStrv) calls = fake_engine_dup_calls (self->engine);

    for (guint i = 0; calls[i] != NULL; i++)
      if (g_str_has_prefix (calls[i], method))
        return;
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    g_usleep (2000);
  }
}

Output
run_other (Fixture *self, const char *const *argv, const char *path)
{
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  Output output = {0};
  int status;

  environment = g_environ_setenv (environment, "LODGE_RUNTIME_DIR", self->runtime, TRUE);
  if (path != NULL)
    environment = g_environ_setenv (environment, "PATH", path, TRUE);
  g_assert_true (g_spawn_sync (self->folder, (char **) argv, environment, G_SPAWN_SEARCH_PATH, NULL,
                               NULL, &output.out, &output.err, &status, &error));
  g_assert_no_error (error);
  output.status = WIFEXITED (status) ? WEXITSTATUS (status) : -1;
  return output;
}
