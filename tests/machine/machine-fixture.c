/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See machine-fixture.h. */
#include "machine-fixture.h"

#include "host/lodge-host-sandbox.h"
#include "lodge-paths.h"
#include "machine/lodge-journal.h"
#include "machine/lodge-lock-holder.h"
#include "machine/lodge-machine-private.h"
#include "qemu/lodge-qemu-display-private.h"
#include "qemu/lodge-qemu-private.h"
#include "test-folder.h"
#include "test-worker.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
machine_fixture_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* How long QEMU may take to say what it can do is not what is tested here. */
  lodge_qemu_probe_limit_ms = TEST_WAIT_S * 1000;
  lodge_qemu_display_limit_ms = TEST_WAIT_S * 1000;
  lodge_host_sandbox_set_limit_for_tests (TEST_WAIT_S * 1000);
  /* Nor how long one may take to greet, but where it does not. */
  lodge_machine_recover_greeting_ms = 30000;
}

static gboolean
is_looking (LodgeLibrary *library)
{
  GPtrArray *machines = lodge_library_get_machines (library);

  for (guint i = 0; i < machines->len; i++) {
    if (g_str_equal (lodge_machine_get_state_name (machines->pdata[i]), "looking"))
      return TRUE;
  }
  return FALSE;
}

void
machine_fixture_open_library (MachineFixture *self)
{
  g_autofree char *data = g_build_filename (self->folder, "data", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  self->library = lodge_library_new (data, &error);
  g_assert_no_error (error);
  lodge_library_recover_async (self->library, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_library_recover_finish (self->library, result);
  /* Who may be somebody else is looked for longer. */
  test_wait_until (!is_looking (self->library));
}

static gboolean
are_gone (gpointer *objects, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (objects[i] != NULL)
      return FALSE;
  }
  return TRUE;
}

/* With all that holds on to it: a QEMU takes the next engine's connection once it has lost the one
 * of this, which a command that is under way keeps. */
void
machine_fixture_close_library (MachineFixture *self)
{
  GPtrArray *machines = lodge_library_get_machines (self->library);
  const guint n = machines->len * 2;
  g_autofree gpointer *there = g_new0 (gpointer, n);

  for (guint i = 0; i < machines->len; i++) {
    LodgeMachine *machine = machines->pdata[i];

    there[2 * i] = machine;
    there[2 * i + 1] = machine->qmp;
  }
  for (guint i = 0; i < n; i++) {
    if (there[i] != NULL)
      g_object_add_weak_pointer (there[i], &there[i]);
  }
  test_wait_unref (g_steal_pointer (&self->library));
  test_wait_polled (are_gone (there, n));
}

LodgeMachine *
machine_fixture_change_engine (MachineFixture *self, const char *name)
{
  machine_fixture_close_library (self);
  machine_fixture_open_library (self);
  return lodge_library_find (self->library, name, NULL);
}

void
machine_fixture_set_up (MachineFixture *self, gconstpointer data)
{
  g_autofree char *runtime = NULL;

  test_folder_keep_names ();
  /* Not below the test's own folder: newer GLib names that at such length that no path of a socket
   * would fit. */
  self->folder = g_build_filename (g_getenv ("TMPDIR") != NULL ? g_getenv ("TMPDIR") : "/tmp",
                                   "life-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (self->folder));
  g_assert_nonnull (self->folder);
  runtime = g_build_filename (self->folder, "run", NULL);
  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);
  machine_fixture_open_library (self);
}

void
machine_fixture_tear_down (MachineFixture *self, gconstpointer data)
{
  GPtrArray *machines = lodge_library_get_machines (self->library);
  g_autofree char *quoted = g_shell_quote (self->folder);
  g_autofree char *command = g_strconcat ("rm -rf ", quoted, NULL);

  for (guint i = 0; i < machines->len; i++) {
    LodgeMachine *machine = machines->pdata[i];

    if (lodge_machine_get_state (machine) == LODGE_STATE_SUSPENDED)
      continue;
    if (lodge_machine_get_state (machine) != LODGE_STATE_OFF)
      lodge_machine_request_async (machine, LODGE_REQUEST_KILL, NULL, NULL);
    test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  }
  machine_fixture_close_library (self);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (self->folder);
}

LodgeMachine *
machine_fixture_create (MachineFixture *self, const char *name, BootSector what)
{
  g_autofree char *file = g_strdup_printf ("%s.img", name);
  g_autofree char *image = g_build_filename (self->folder, file, NULL);
  g_autoptr (GVariant) spec = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeJob) job = NULL;
  GVariantDict dict;
  LodgeMachine *machine;

  boot_sector_write (what, image);
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "name", "s", name);
  g_variant_dict_insert (&dict, "disk", "s", image);
  g_variant_dict_insert (&dict, "memory", "u", 128);
  g_variant_dict_insert (&dict, "cpus", "u", 1);
  g_variant_dict_insert (&dict, "firmware", "s", "bios");
  spec = g_variant_ref_sink (g_variant_dict_end (&dict));
  job = lodge_library_create_machine (self->library, spec, &error);
  g_assert_no_error (error);
  g_object_ref (job);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  if (lodge_job_get_error (job) != NULL)
    g_assert_no_error (lodge_job_get_error (job));
  machine = lodge_library_find (self->library, name, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_machine_get_uuid (machine), ==, lodge_job_get_result (job));
  return machine;
}

void
machine_fixture_set_key (LodgeMachine *machine, const char *key, const char *value)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strdup_printf ("{'%s': '%s'}", key, value);
  g_autoptr (GVariant) changes = g_variant_ref_sink (g_variant_new_parsed (text));

  lodge_machine_set_async (machine, changes, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_save_finish (machine, result, &error));
  g_assert_no_error (error);
}

void
machine_fixture_start (LodgeMachine *machine)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_start_finish (machine, result, &error);
  g_assert_no_error (error);
}

void
machine_fixture_start_disposable (LodgeMachine *machine)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_start_disposable_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_start_finish (machine, result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_true (lodge_machine_is_disposable (machine));
}

char *
machine_fixture_make_folder (MachineFixture *self, const char *name)
{
  char *path = g_build_filename (self->folder, name, NULL);

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  return path;
}

void
machine_fixture_request (LodgeMachine *machine, LodgeRequest what)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_request_async (machine, what, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_request_finish (machine, result, &error);
  g_assert_no_error (error);
}

/* What is loaded at 1 MiB, as its header says (Multiboot 0.6.96, 3.1), and uses the ICH9's reset
 * control, or halts. */
static void
write_kernel (const char *path, gboolean resets)
{
  static const guint32 head[] = {
      0x1badb002, 0x10000, -(0x1badb002u + 0x10000u), 0x100000, 0x100000, 0, 0, 0x100020,
  };
  static const guint8 reset[] = {0x66, 0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee};
  static const guint8 halt[] = {0xf4, 0xeb, 0xfd};
  g_autoptr (GError) error = NULL;
  char image[4096] = {0};
  char *code = image + sizeof head;

  memcpy (image, head, sizeof head);
  if (resets) {
    memcpy (code, reset, sizeof reset);
    code += sizeof reset;
  }
  memcpy (code, halt, sizeof halt);
  g_file_set_contents (path, image, sizeof image, &error);
  g_assert_no_error (error);
}

static gboolean
edit_kernel_once (LodgeMachine *self, LodgeDescription *value, gpointer data, GError **error)
{
  g_free (value->kernel);
  value->kernel = g_strdup (data);
  value->kernel_once = TRUE;
  return TRUE;
}

void
machine_fixture_give_kernel_once (MachineFixture *self, LodgeMachine *machine, gboolean resets)
{
  g_autofree char *path = g_build_filename (self->folder, "kernel", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  write_kernel (path, resets);
  lodge_machine_save_async (machine, edit_kernel_once, path, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_save_finish (machine, result, &error);
  g_assert_no_error (error);
}

static void
press (LodgeMachine *machine, const char *keys)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_keys_async (machine, keys, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_input_finish (machine, result, &error);
  g_assert_no_error (error);
}

void
machine_fixture_press_until (LodgeMachine *machine, const char *keys, LodgeState state)
{
  for (guint i = 0; i < TEST_WAIT_S * 5 && lodge_machine_get_state (machine) != state; i++) {
    if (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING)
      press (machine, keys);
    test_wait_ms (200);
  }
  test_wait_until (lodge_machine_get_state (machine) == state);
}

gboolean
machine_fixture_has_runtime (LodgeMachine *machine)
{
  g_autofree char *path = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static guint
count (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *entry;
  guint n = 0;

  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL) {
    g_test_message ("%s/%s", name, entry);
    n++;
  }
  return n;
}

void
machine_fixture_assert_tidy (LodgeMachine *machine)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *suspended = NULL;

  g_assert_false (lodge_journal_exists (folder));
  g_assert_cmpuint (count (folder, "layers"), ==, now->layers->len);
  g_assert_cmpuint (count (folder, "snapshots"), ==,
                    now->snapshots->len + (now->suspended != NULL ? 1 : 0));
  if (now->suspended != NULL) {
    suspended = g_build_filename (folder, "snapshots", now->suspended, NULL);
    g_assert_true (g_file_test (suspended, G_FILE_TEST_IS_DIR));
  }
}

GPid
machine_fixture_find_qemu (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *lock = g_build_filename (folder, "lock", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  GPid pid;

  lodge_lock_holder_find_async (lock, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  pid = lodge_lock_holder_find_finish (result, NULL);
  g_assert_cmpint (pid, >, 0);
  return pid;
}

/* proc(5): the name in parentheses, a state, the parent. */
static int
get_parent (int pid, char *out_name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *stat = NULL;
  int parent = 0;

  out_name[0] = '\0';
  if (g_file_get_contents (path, &stat, NULL, NULL))
    sscanf (stat, "%*d (%31[^)]) %*c %d", out_name, &parent);
  return parent;
}

static gboolean
is_about (int pid, const char *word)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/cmdline", pid);
  g_autofree char *arguments = NULL;
  gsize length = 0;

  if (word == NULL)
    return TRUE;
  return g_file_get_contents (path, &arguments, &length, NULL) &&
         memmem (arguments, length, word, strlen (word)) != NULL;
}

int
machine_fixture_find_descendant (const char *name, const char *word)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *entry;

  while ((entry = g_dir_read_name (proc)) != NULL) {
    int pid = atoi (entry);
    char found[32];
    char ignored[32];
    int parent = pid > 0 ? get_parent (pid, found) : 0;

    if (parent == 0 || !g_str_equal (found, name) || !is_about (pid, word))
      continue;
    while (parent > 1 && parent != getpid ())
      parent = get_parent (parent, ignored);
    if (parent == getpid ())
      return pid;
  }
  return 0;
}

gboolean
machine_fixture_is_worker_killed (MachineFixture *self, const char *step)
{
  return test_worker_is_killed ((const char *[]){self->folder, step, NULL});
}

void
machine_fixture_wait_jobs (MachineFixture *self)
{
  GPtrArray *jobs = lodge_library_get_jobs (self->library);

  while (g_main_context_iteration (NULL, FALSE))
    ;
  for (guint i = 0; i < jobs->len; i++)
    test_wait_until (lodge_job_get_state (jobs->pdata[i]) != LODGE_JOB_RUNNING);
}
