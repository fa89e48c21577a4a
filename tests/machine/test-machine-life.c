/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's life with a real QEMU and guests of 512 bytes: everything that the state table draws,
 * also across the end of the engine. */
#include "boot-sector.h"
#include "lodge-error.h"
#include "lodge-paths.h"
#include "machine/lodge-library.h"
#include "machine/lodge-tpm.h"
#include "qemu/lodge-qemu-private.h"
#include "qemu/lodge-qmp.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

/* A BIOS under software emulation on a busy computer. */
#define PATIENCE_S 60
/* Enough to come in between; longer takes the test longer and shows no more. */
#define SLOW_START_S 2

typedef struct {
  char *folder; /* everything of this test is below it */
  LodgeLibrary *library;
} Fixture;

static gboolean
out_of_patience_cb (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

#define wait_until(condition)                                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gboolean late = FALSE;                                                                         \
    guint timeout = g_timeout_add_seconds (PATIENCE_S, out_of_patience_cb, &late);                 \
    while (!(condition) && !late)                                                                  \
      g_main_context_iteration (NULL, TRUE);                                                       \
    g_assert_false (late);                                                                         \
    g_source_remove (timeout);                                                                     \
  }                                                                                                \
  G_STMT_END

static void
result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
open_library (Fixture *fixture)
{
  g_autofree char *data = g_build_filename (fixture->folder, "data", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  fixture->library = lodge_library_new (data, &error);
  g_assert_no_error (error);
  lodge_library_recover_async (fixture->library, result_cb, &result);
  wait_until (result != NULL);
  lodge_library_recover_finish (fixture->library, result);
}

static gboolean
wake_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* What the end of an engine is for its machines. */
static void
close_library (Fixture *fixture)
{
  LodgeLibrary *library = fixture->library;
  guint wake = g_timeout_add (20, wake_cb, NULL);

  /* A thread that has just deleted something holds it a moment longer than its answer. */
  g_object_add_weak_pointer (G_OBJECT (library), (gpointer *) &library);
  g_clear_object (&fixture->library);
  wait_until (library == NULL);
  g_source_remove (wake);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *runtime = NULL;

  /* Not below the test's own folder: newer GLib names that at such length that no path of a socket
   * would fit. */
  fixture->folder = g_build_filename (g_getenv ("TMPDIR") != NULL ? g_getenv ("TMPDIR") : "/tmp",
                                      "life-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (fixture->folder));
  g_assert_nonnull (fixture->folder);
  runtime = g_build_filename (fixture->folder, "run", NULL);
  g_setenv ("LODGE_RUNTIME_DIR", runtime, TRUE);
  open_library (fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  GPtrArray *machines = lodge_library_get_machines (fixture->library);
  g_autofree char *quoted = g_shell_quote (fixture->folder);
  g_autofree char *command = g_strconcat ("rm -rf ", quoted, NULL);

  for (guint i = 0; i < machines->len; i++) {
    LodgeMachine *machine = machines->pdata[i];

    if (lodge_machine_get_state (machine) != LODGE_STATE_OFF)
      lodge_machine_request_async (machine, LODGE_REQUEST_KILL, NULL, NULL);
    wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  }
  close_library (fixture);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (fixture->folder);
}

static LodgeMachine *
create (Fixture *fixture, const char *name, BootSector what)
{
  g_autofree char *file = g_strdup_printf ("%s.img", name);
  g_autofree char *image = g_build_filename (fixture->folder, file, NULL);
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
  job = lodge_library_create_machine (fixture->library, spec, &error);
  g_assert_no_error (error);
  g_object_ref (job);
  wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  if (lodge_job_get_error (job) != NULL)
    g_assert_no_error (lodge_job_get_error (job));
  machine = lodge_library_find (fixture->library, name, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_machine_get_uuid (machine), ==, lodge_job_get_result (job));
  return machine;
}

static void
start (LodgeMachine *machine)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_start_async (machine, result_cb, &result);
  wait_until (result != NULL);
  lodge_machine_start_finish (machine, result, &error);
  g_assert_no_error (error);
}

static void
request (LodgeMachine *machine, LodgeRequest what)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_request_async (machine, what, result_cb, &result);
  wait_until (result != NULL);
  lodge_machine_request_finish (machine, result, &error);
  g_assert_no_error (error);
}

static gboolean
runtime_exists (LodgeMachine *machine)
{
  g_autofree char *path = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* The pid of the machine's QEMU, as its own QMP socket tells it. */
static GPid
find_qemu (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *lock = g_build_filename (folder, "lock", NULL);
  g_autofree char *command = NULL;
  g_autofree char *out = NULL;
  const char *quoted = "for p in /proc/[0-9]*; do for f in $p/fd/*; do "
                       "[ \"$(readlink $f)\" = '%s' ] && echo ${p#/proc/} && break; done; done";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  command = g_strdup_printf (quoted, lock);
#pragma GCC diagnostic pop
  {
    char *argv[] = {(char *) "sh", (char *) "-c", command, NULL};

    g_assert_true (g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL,
                                 NULL, NULL, &out, NULL, NULL, NULL));
  }
  g_assert_cmpint (atoi (out), >, 0);
  return atoi (out);
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

/* The process of that name that this one started, perhaps through others. @word: in its arguments,
 * or NULL. */
static int
find_descendant (const char *name, const char *word)
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

static void
test_start_pause_resume_kill (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (runtime_exists (machine));
  start (machine);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_true (g_file_test (lodge_machine_get_spice_socket (machine), G_FILE_TEST_EXISTS));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  /* Resolved once, and recorded. */
  g_assert_true (
      g_str_has_prefix (lodge_machine_get_description (machine)->machine_type, "pc-q35-"));

  lodge_machine_start_async (machine, result_cb, &result);
  wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);

  request (machine, LODGE_REQUEST_PAUSE);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  request (machine, LODGE_REQUEST_RESUME);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  request (machine, LODGE_REQUEST_RESET);
  request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_false (runtime_exists (machine));
  g_assert_cmpstr (lodge_machine_get_spice_socket (machine), ==, "");

  /* The lock has gone with it: it starts again at once. */
  start (machine);
}

static void
count_event_cb (LodgeMachine *machine, const char *kind, gpointer user_data)
{
  GHashTable *seen = user_data;

  g_hash_table_add (seen, g_strdup (kind));
}

static GHashTable *
record_events (LodgeMachine *machine)
{
  GHashTable *seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_signal_connect_data (machine, "guest-event", G_CALLBACK (count_event_cb), seen,
                         (GClosureNotify) (void (*) (void)) g_hash_table_unref, 0);
  return seen;
}

static void
test_guest_powers_off (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "off", BOOT_SECTOR_POWER_OFF);
  GHashTable *seen = record_events (machine);

  start (machine);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_true (g_hash_table_contains (seen, "shutdown"));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  g_assert_false (runtime_exists (machine));
}

static void
test_guest_resets (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "reset", BOOT_SECTOR_RESET);
  GHashTable *seen = record_events (machine);

  start (machine);
  wait_until (g_hash_table_contains (seen, "reset"));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
}

static void
test_guest_panics (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "panic", BOOT_SECTOR_PANIC);

  start (machine);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "panic"));
  /* What is left of it is ended, and it begins anew. */
  start (machine);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
}

/* Two clients start what has panicked, and a third wants it gone: one start wins, nobody else. */
static void
test_start_twice_after_panic (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "panic", BOOT_SECTOR_PANIC);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (LodgeJob) job = NULL;
  g_autoptr (GError) error = NULL;

  start (machine);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  lodge_machine_start_async (machine, result_cb, &first);
  lodge_machine_start_async (machine, result_cb, &second);
  job = g_object_ref (lodge_library_delete_machine (fixture->library, machine, &error));
  wait_until (first != NULL && second != NULL && lodge_job_get_state (job) != LODGE_JOB_RUNNING);

  lodge_machine_start_finish (machine, first, &error);
  g_assert_no_error (error);
  g_assert_false (lodge_machine_start_finish (machine, second, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_true (g_file_test (folder, G_FILE_TEST_EXISTS));
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
}

/* Kill takes a start back, whatever it is at, and answers when all of it is gone. */
static void
test_kill_while_starting (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);

  for (guint turns = 0; turns < 8; turns++) {
    g_autoptr (GAsyncResult) started = NULL;
    g_autoptr (GError) error = NULL;

    lodge_machine_start_async (machine, result_cb, &started);
    for (guint i = 0; i < turns * turns && started == NULL; i++)
      g_main_context_iteration (NULL, TRUE);
    g_assert_cmpint (lodge_machine_get_state (machine), !=, LODGE_STATE_OFF);
    request (machine, LODGE_REQUEST_KILL);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
    g_assert_false (runtime_exists (machine));
    wait_until (started != NULL);
    if (!lodge_machine_start_finish (machine, started, &error))
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_CANCELLED);
    /* Whoever was told of the end finds the lock free, also while the result is still held. */
    if (turns == 0) {
      start (machine);
      request (machine, LODGE_REQUEST_KILL);
    }
  }
  start (machine);
}

/* A client that comes before it is known what runs must not touch a guest that does. */
static void
test_start_during_recovery (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *store = g_build_filename (fixture->folder, "data", NULL);
  g_autoptr (GAsyncResult) recovered = NULL;
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GError) error = NULL;
  GPid pid;

  start (machine);
  pid = find_qemu (machine);
  close_library (fixture);

  fixture->library = lodge_library_new (store, &error);
  g_assert_no_error (error);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  lodge_library_recover_async (fixture->library, result_cb, &recovered);
  lodge_machine_start_async (machine, result_cb, &started);
  g_assert_null (lodge_library_delete_machine (fixture->library, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  wait_until (recovered != NULL && started != NULL);
  lodge_library_recover_finish (fixture->library, recovered);
  g_assert_false (lodge_machine_start_finish (machine, started, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (find_qemu (machine), ==, pid);
  g_assert_true (runtime_exists (machine));
}

/* Off as far as this engine knows, but somebody has its lock. */
static void
test_delete_while_locked (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "lock", NULL);
  g_autoptr (LodgeJob) job = NULL;
  g_autoptr (GError) error = NULL;
  int lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (flock (lock, LOCK_EX | LOCK_NB), ==, 0);
  job = g_object_ref (lodge_library_delete_machine (fixture->library, machine, &error));
  g_assert_no_error (error);
  wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  close (lock);
}

static void
test_qemu_dies (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);

  start (machine);
  g_assert_cmpint (kill (find_qemu (machine), SIGKILL), ==, 0);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  g_assert_cmpstr (lodge_machine_get_note (machine), !=, "");
  g_assert_false (runtime_exists (machine));
  start (machine);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

static void
press (LodgeMachine *machine, const char *keys)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  lodge_machine_keys_async (machine, keys, result_cb, &result);
  wait_until (result != NULL);
  lodge_machine_input_finish (machine, result, &error);
  g_assert_no_error (error);
}

/* A key that comes before the BIOS reads the keyboard is lost, so it is pressed until it works. */
static void
press_until (LodgeMachine *machine, const char *keys, LodgeState state)
{
  for (guint i = 0; i < PATIENCE_S * 5 && lodge_machine_get_state (machine) != state; i++) {
    gboolean pause = FALSE;

    if (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING)
      press (machine, keys);
    g_timeout_add (200, out_of_patience_cb, &pause);
    while (!pause)
      g_main_context_iteration (NULL, TRUE);
  }
  wait_until (lodge_machine_get_state (machine) == state);
}

static void
test_keys_and_screenshot (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "keys", BOOT_SECTOR_KEYS);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) png = NULL;

  start (machine);
  lodge_machine_screenshot_async (machine, result_cb, &result);
  wait_until (result != NULL);
  png = lodge_machine_screenshot_finish (machine, result, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (png, NULL), 4, "\x89PNG", 4);

  g_clear_object (&result);
  lodge_machine_type_async (machine, "caf\303\251", result_cb, &result);
  wait_until (result != NULL);
  g_assert_false (lodge_machine_input_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);

  press_until (machine, "q", LODGE_STATE_OFF);
}

/* The engine ends and another comes: what ran, runs; what stood still, stands still. */
static void
test_recover (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "keys", BOOT_SECTOR_KEYS);
  LodgeMachine *paused = create (fixture, "paused", BOOT_SECTOR_IDLE);

  start (machine);
  start (paused);
  request (paused, LODGE_REQUEST_PAUSE);
  wait_until (lodge_machine_get_state (paused) == LODGE_STATE_PAUSED);

  close_library (fixture);
  open_library (fixture);
  machine = lodge_library_find (fixture->library, "keys", NULL);
  paused = lodge_library_find (fixture->library, "paused", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (lodge_machine_get_state (paused), ==, LODGE_STATE_PAUSED);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  request (paused, LODGE_REQUEST_RESUME);
  wait_until (lodge_machine_get_state (paused) == LODGE_STATE_RUNNING);
  press_until (machine, "q", LODGE_STATE_OFF);
}

/* Presses a key through the machine's own QMP socket, until the guest has come to @status. */
static void
press_without_engine (const char *socket, const char *key, const char *status)
{
  g_autoptr (GAsyncResult) connected = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQmp) qmp = NULL;
  gboolean there = FALSE;

  lodge_qmp_connect_async (socket, PATIENCE_S * 1000, 0, NULL, result_cb, &connected);
  wait_until (connected != NULL);
  qmp = lodge_qmp_connect_finish (connected, &error);
  g_assert_no_error (error);

  for (guint i = 0; i < PATIENCE_S * 5 && !there; i++) {
    g_autoptr (GAsyncResult) sent = NULL;
    g_autoptr (GAsyncResult) asked = NULL;
    g_autoptr (JsonNode) node = NULL;
    g_autoptr (JsonNode) ignored = NULL;
    g_autofree char *text =
        g_strdup_printf ("{\"keys\": [{\"type\": \"qcode\", \"data\": \"%s\"}]}", key);
    g_autoptr (JsonNode) arguments = json_from_string (text, NULL);
    gboolean pause = FALSE;

    lodge_qmp_execute_async (qmp, "send-key", json_node_dup_object (arguments), 0, NULL, result_cb,
                             &sent);
    wait_until (sent != NULL);
    ignored = lodge_qmp_execute_finish (qmp, sent, &error);
    g_assert_no_error (error);
    g_timeout_add (200, out_of_patience_cb, &pause);
    while (!pause)
      g_main_context_iteration (NULL, TRUE);
    lodge_qmp_execute_async (qmp, "query-status", NULL, 0, NULL, result_cb, &asked);
    wait_until (asked != NULL);
    node = lodge_qmp_execute_finish (qmp, asked, &error);
    g_assert_no_error (error);
    there =
        g_str_equal (json_object_get_string_member (json_node_get_object (node), "status"), status);
  }
  g_assert_true (there);
  lodge_qmp_close (qmp);
}

static void
test_guest_ends_without_engine (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "keys", BOOT_SECTOR_KEYS);
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));
  g_autofree char *socket = g_build_filename (runtime, "qmp.sock", NULL);

  start (machine);
  close_library (fixture);
  press_without_engine (socket, "q", "shutdown");
  open_library (fixture);
  machine = lodge_library_find (fixture->library, "keys", NULL);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");

  start (machine);
  close_library (fixture);
  press_without_engine (socket, "p", "guest-panicked");
  open_library (fixture);
  machine = lodge_library_find (fixture->library, "keys", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "panic"));
}

static void
test_qemu_dies_without_engine (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  GPid pid;

  start (machine);
  pid = find_qemu (machine);
  close_library (fixture);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  for (guint i = 0; i < 100 && kill (pid, 0) == 0; i++)
    g_usleep (20000);
  open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
  g_assert_cmpstr (lodge_machine_get_note (machine), !=, "");
  g_assert_false (runtime_exists (machine));
  start (machine);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

static LodgeMachine *
change_engine (Fixture *fixture, const char *name)
{
  close_library (fixture);
  open_library (fixture);
  return lodge_library_find (fixture->library, name, NULL);
}

static char *
dup_record_path (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);

  return g_build_filename (folder, "run", NULL);
}

/* A crash is known until somebody has seen to it, whatever engines come and go meanwhile. */
static void
test_crash_is_remembered (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *note = NULL;
  g_autofree char *path = dup_record_path (machine);

  start (machine);
  g_assert_cmpint (kill (find_qemu (machine), SIGKILL), ==, 0);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  note = g_strdup (lodge_machine_get_note (machine));
  for (guint i = 0; i < 2; i++) {
    machine = change_engine (fixture, "idle");
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
    g_assert_cmpstr (lodge_machine_get_note (machine), ==, note);
  }
  request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  machine = change_engine (fixture, "idle");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);

  /* What was forced off has not crashed, neither while it ran. */
  start (machine);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  request (machine, LODGE_REQUEST_KILL);
  machine = change_engine (fixture, "idle");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

/* Said of the computer when it was started since, and of nothing when the record is no record. */
static void
test_computer_ended (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *text; /* NULL: no plain file */
    LodgeState state;
  } cases[] = {
      {"[run]\nstate=running\nboot=11111111-2222-3333-4444-555555555555\n", LODGE_STATE_CRASHED},
      {"", LODGE_STATE_CRASHED},
      {"\xff\xfe nonsense", LODGE_STATE_CRASHED},
      {NULL, LODGE_STATE_OFF},
  };
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *path = dup_record_path (machine);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    if (cases[i].text != NULL)
      g_assert_true (g_file_set_contents (path, cases[i].text, -1, NULL));
    else
      g_assert_cmpint (g_unlink (path) + symlink ("/etc/passwd", path), ==, 0);
    machine = change_engine (fixture, "idle");
    g_assert_cmpint (lodge_machine_get_state (machine), ==, cases[i].state);
    if (cases[i].text != NULL)
      g_assert_nonnull (strstr (lodge_machine_get_note (machine), "computer"));
  }
  /* What is no record does not stop a start either. */
  start (machine);
  g_assert_false (g_file_test (path, G_FILE_TEST_IS_SYMLINK));
}

/* A logout has emptied the runtime folder: the lock still says that it runs. */
static void
test_runtime_folder_vanishes (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *runtime = lodge_paths_dup_runtime ();
  g_autofree char *away = g_strconcat (runtime, ".gone", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  start (machine);
  close_library (fixture);
  g_assert_cmpint (g_rename (runtime, away), ==, 0);
  open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "sockets"));

  lodge_machine_request_async (machine, LODGE_REQUEST_PAUSE, result_cb, &result);
  wait_until (result != NULL);
  g_assert_false (lodge_machine_request_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  /* All of it is gone, not only what stood around it. */
  start (machine);
}

static gboolean
rename_back_cb (gpointer user_data)
{
  char **paths = user_data;

  g_assert_cmpint (g_rename (paths[0], paths[1]), ==, 0);
  return G_SOURCE_REMOVE;
}

/* The engine was killed between QEMU's start and its first socket; the next one comes at once. */
static void
test_socket_comes_late (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));
  g_autofree char *socket = g_build_filename (runtime, "qmp.sock", NULL);
  g_autofree char *away = g_strconcat (runtime, ".qmp", NULL);
  char *paths[] = {away, socket};

  start (machine);
  close_library (fixture);
  g_assert_cmpint (g_rename (socket, away), ==, 0);
  g_timeout_add (300, rename_back_cb, paths);
  open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  request (machine, LODGE_REQUEST_PAUSE);
}

/* ... or between its TPM's start and QEMU's: the TPM waits for nobody. */
static void
test_tpm_without_qemu (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *program = g_find_program_in_path ("swtpm");
  g_autofree char *socket = NULL;
  g_autoptr (GError) error = NULL;
  guint wake;

  if (program == NULL) {
    g_test_skip ("swtpm is not installed");
    return;
  }
  close_library (fixture);
  g_assert_cmpint (g_mkdir_with_parents (runtime, 0700), ==, 0);
  socket = lodge_tpm_start (folder, runtime, "lodge-test-tpm.scope", FALSE, &error);
  g_assert_no_error (error);
  wake = g_timeout_add (20, wake_cb, NULL);
  wait_until (find_descendant ("swtpm", NULL) != 0);
  open_library (fixture);
  wait_until (find_descendant ("swtpm", NULL) == 0);
  g_source_remove (wake);
}

/* Runs @script with the machine's lock file as $1, until it has printed something. */
static GPid
run_beside (LodgeMachine *machine, const char *script)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *lock = g_build_filename (folder, "lock", NULL);
  const char *argv[] = {"sh", "-c", script, "sh", lock, NULL};
  g_autoptr (GError) error = NULL;
  char byte;
  GPid pid;
  int out;

  g_spawn_async_with_pipes (NULL, (char **) argv, NULL,
                            G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL,
                            &out, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (read (out, &byte, 1), ==, 1);
  close (out);
  return pid;
}

static void
end_beside (GPid pid)
{
  /* It lives: nobody has taken it for a QEMU. */
  g_assert_cmpint (waitpid (pid, NULL, WNOHANG), ==, 0);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (pid, NULL, 0), ==, pid);
}

/* An own program that has the lock's file open, or even the lock, is no QEMU and is left alone. */
static void
test_lock_of_another (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *runtime = lodge_paths_dup_runtime ();
  g_autofree char *away = g_strconcat (runtime, ".gone", NULL);
  GPid reader = run_beside (machine, "exec 8>>\"$1\"; echo; exec sleep 1000");
  GPid locker;

  /* Beside one that runs. */
  start (machine);
  close_library (fixture);
  g_assert_cmpint (g_rename (runtime, away), ==, 0);
  open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  end_beside (reader);

  /* And alone. */
  locker = run_beside (machine, "exec 8>>\"$1\"; flock 8; echo; exec sleep 1000");
  machine = change_engine (fixture, "idle");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "Somebody else"));
  end_beside (locker);
}

static guint64
read_be64 (int fd, guint64 at)
{
  guint64 value;

  g_assert_cmpint (pread (fd, &value, sizeof value, (off_t) at), ==, sizeof value);
  return GUINT64_FROM_BE (value);
}

/* Its boot sector cannot be read: the first entry of the first L2 table says that the data are
 * compressed, which they are not (docs/interop/qcow2.txt in QEMU). */
static void
break_disk (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *layer = g_build_filename (folder, "layers", "disk0-l0.qcow2", NULL);
  int fd = open (layer, O_RDWR | O_CLOEXEC);
  guint64 l1 = read_be64 (fd, 40);
  guint64 l2 = read_be64 (fd, l1) & G_GUINT64_CONSTANT (0x00fffffffffffe00);
  guint64 entry = read_be64 (fd, l2) & G_GUINT64_CONSTANT (0x00fffffffffffe00);

  entry = GUINT64_TO_BE (entry | G_GUINT64_CONSTANT (1) << 62);
  g_assert_cmpint (pwrite (fd, &entry, sizeof entry, (off_t) l2), ==, sizeof entry);
  close (fd);
}

static guint
shut_down (Fixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_library_shut_down_async (fixture->library, PATIENCE_S, 1, result_cb, &result);
  wait_until (result != NULL);
  return lodge_library_shut_down_finish (fixture->library, result);
}

/* The session ends: whoever can hear of it does, also who is paused or needs a second press. */
static void
test_shut_down (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *running = create (fixture, "running", BOOT_SECTOR_BUTTON);
  LodgeMachine *paused = create (fixture, "paused", BOOT_SECTOR_BUTTON);
  LodgeMachine *dozy = create (fixture, "dozy", BOOT_SECTOR_DOZY);

  g_assert_cmpuint (shut_down (fixture), ==, 0);
  start (running);
  start (dozy);
  start (paused);
  request (paused, LODGE_REQUEST_PAUSE);
  wait_until (lodge_machine_get_state (paused) == LODGE_STATE_PAUSED);
  g_assert_cmpuint (shut_down (fixture), ==, 0);
  g_assert_cmpint (lodge_machine_get_state (running), ==, LODGE_STATE_OFF);
  g_assert_cmpint (lodge_machine_get_state (paused), ==, LODGE_STATE_OFF);
  g_assert_cmpint (lodge_machine_get_state (dozy), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (paused), ==, "");
}

/* A guest whose disk has failed can do nothing any more: it is not waited for. */
static void
test_shut_down_failed_disk (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);

  break_disk (machine);
  start (machine);
  wait_until (lodge_machine_get_state (machine) == LODGE_STATE_PAUSED);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "disk"));
  g_assert_false (lodge_machine_hears_button (machine));
  g_assert_cmpuint (shut_down (fixture), ==, 1);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_PAUSED);

  machine = change_engine (fixture, "idle");
  g_assert_false (lodge_machine_hears_button (machine));
}

/* One bad machine.ini is that machine's trouble alone. */
static void
test_broken_description (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *good = create (fixture, "good", BOOT_SECTOR_IDLE);
  LodgeMachine *bad = create (fixture, "bad", BOOT_SECTOR_IDLE);
  g_autofree char *uuid = g_strdup (lodge_machine_get_uuid (bad));
  g_autofree char *folder = lodge_machine_dup_folder (bad);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "[machine]\nversion=1\ncpus=many\n", -1, NULL));
  close_library (fixture);
  open_library (fixture);
  good = lodge_library_find (fixture->library, "good", NULL);
  start (good);

  bad = lodge_library_find (fixture->library, uuid, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_machine_get_name (bad), ==, uuid);
  g_assert_cmpstr (lodge_machine_get_note (bad), !=, "");
  lodge_machine_start_async (bad, result_cb, &result);
  wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (bad, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
}

/* A slip of the hand in one line: people still know the machine by its name, are told which line it
 * is, and need no new engine once they have mended it. */
static void
test_slip_in_description (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "caf\303\251 1", BOOT_SECTOR_IDLE);
  g_autofree char *uuid = g_strdup (lodge_machine_get_uuid (machine));
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  g_autofree char *good = NULL;
  g_autofree char *bad = NULL;

  g_assert_true (g_file_get_contents (path, &good, NULL, NULL));
  bad = g_strconcat (good, "what is this?\n", NULL);
  g_assert_true (g_file_set_contents (path, bad, -1, NULL));
  machine = change_engine (fixture, uuid);
  g_assert_cmpstr (lodge_machine_get_name (machine), ==, "caf\303\251 1");
  g_assert_true (lodge_library_find (fixture->library, "caf\303\251 1", NULL) == machine);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "line"));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "what is this?"));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "text editor"));

  g_assert_true (g_file_set_contents (path, good, -1, NULL));
  machine = lodge_library_find (fixture->library, uuid, NULL);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  start (machine);
}

static void
test_missing_disk (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *layer = g_build_filename (folder, "layers", "disk0-l0.qcow2", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_unlink (layer), ==, 0);
  lodge_machine_start_async (machine, result_cb, &result);
  wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "disk0-l0.qcow2"));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, error->message);
  g_assert_false (runtime_exists (machine));
}

static void
test_forward_while_running (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  /* Any port that is free now; a clash would be EXISTS and tried again. */
  g_autofree char *rule = NULL;
  gboolean added = FALSE;

  start (machine);
  for (guint i = 0; i < 20 && !added; i++) {
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GError) error = NULL;

    g_free (rule);
    rule = g_strdup_printf ("tcp:127.0.0.1:%d:22", g_random_int_range (20000, 60000));
    lodge_machine_forward_async (machine, TRUE, "", rule, result_cb, &result);
    wait_until (result != NULL);
    added = lodge_machine_forward_finish (machine, result, &error);
    if (!added)
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_EXISTS);
  }
  g_assert_true (added);

  /* Another engine finds the running network and can take the forward away. */
  close_library (fixture);
  open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  {
    const LodgeNic *nic = lodge_machine_get_description (machine)->nics->pdata[0];
    g_autoptr (GAsyncResult) result = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_cmpstr (nic->forwards[0], ==, rule);
    lodge_machine_forward_async (machine, FALSE, "nic0", rule, result_cb, &result);
    wait_until (result != NULL);
    lodge_machine_forward_finish (machine, result, &error);
    g_assert_no_error (error);
  }
}

/* Not the QEMU that says what it can do. */
static int
find_machine_qemu (LodgeMachine *machine)
{
  return find_descendant ("qemu-system-x86", lodge_machine_get_uuid (machine));
}

/* Starts @machine and stops its QEMU before it has got far. Gives its pid. */
static int
start_and_stop_qemu (LodgeMachine *machine, GAsyncResult **out_started)
{
  int pid = 0;

  lodge_machine_start_async (machine, result_cb, out_started);
  wait_until ((pid = find_machine_qemu (machine)) != 0);
  g_assert_cmpint (kill (pid, SIGSTOP), ==, 0);
  return pid;
}

static void
wait_s (guint seconds)
{
  gboolean over = FALSE;

  g_timeout_add_seconds (seconds, out_of_patience_cb, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

/* A computer that is busy with something else for a while. */
static void
test_slow_start (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GError) error = NULL;
  int pid = start_and_stop_qemu (machine, &started);

  wait_s (SLOW_START_S);
  g_assert_cmpint (kill (pid, SIGCONT), ==, 0);
  wait_until (started != NULL);
  lodge_machine_start_finish (machine, started, &error);
  g_assert_no_error (error);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
}

/* A QEMU that hangs, while it starts and while it runs, can be forced off all the same. */
static void
test_kill_hung (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autoptr (GAsyncResult) started = NULL;

  start_and_stop_qemu (machine, &started);
  request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  wait_until (started != NULL);
  lodge_machine_start_finish (machine, started, NULL);
  g_assert_cmpint (find_machine_qemu (machine), ==, 0);

  start (machine);
  g_assert_cmpint (kill (find_machine_qemu (machine), SIGSTOP), ==, 0);
  request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpint (find_machine_qemu (machine), ==, 0);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  start (machine);
}

/* The process that is the guest's network dies: the guest goes on, and the user is told. */
static void
test_network_dies (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  int pid = 0;

  start (machine);
  wait_until ((pid = find_descendant ("lodge-usernet", NULL)) != 0);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  wait_until (strstr (lodge_machine_get_note (machine), "network") != NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
}

static void
test_delete (Fixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeJob) job = NULL;

  start (machine);
  g_assert_null (lodge_library_delete_machine (fixture->library, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  request (machine, LODGE_REQUEST_KILL);
  job = g_object_ref (lodge_library_delete_machine (fixture->library, machine, &error));
  wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_cmpint (lodge_job_get_state (job), ==, LODGE_JOB_DONE);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (lodge_library_get_machines (fixture->library)->len, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* How long QEMU may take to say what it can do is not what is tested here. */
  lodge_qemu_probe_limit_ms = PATIENCE_S * 1000;
#define ADD(name, function)                                                                        \
  g_test_add ("/machine/life/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("start-pause-resume-kill", test_start_pause_resume_kill);
  ADD ("guest-powers-off", test_guest_powers_off);
  ADD ("guest-resets", test_guest_resets);
  ADD ("guest-panics", test_guest_panics);
  ADD ("start-twice-after-panic", test_start_twice_after_panic);
  ADD ("kill-while-starting", test_kill_while_starting);
  ADD ("start-during-recovery", test_start_during_recovery);
  ADD ("delete-while-locked", test_delete_while_locked);
  ADD ("qemu-dies", test_qemu_dies);
  ADD ("keys-and-screenshot", test_keys_and_screenshot);
  ADD ("recover", test_recover);
  ADD ("guest-ends-without-engine", test_guest_ends_without_engine);
  ADD ("qemu-dies-without-engine", test_qemu_dies_without_engine);
  ADD ("crash-is-remembered", test_crash_is_remembered);
  ADD ("computer-ended", test_computer_ended);
  ADD ("runtime-folder-vanishes", test_runtime_folder_vanishes);
  ADD ("socket-comes-late", test_socket_comes_late);
  ADD ("tpm-without-qemu", test_tpm_without_qemu);
  ADD ("lock-of-another", test_lock_of_another);
  ADD ("shut-down", test_shut_down);
  ADD ("shut-down-failed-disk", test_shut_down_failed_disk);
  ADD ("broken-description", test_broken_description);
  ADD ("slip-in-description", test_slip_in_description);
  ADD ("missing-disk", test_missing_disk);
  ADD ("forward-while-running", test_forward_while_running);
  ADD ("slow-start", test_slow_start);
  ADD ("kill-hung", test_kill_hung);
  ADD ("network-dies", test_network_dies);
  ADD ("delete", test_delete);
  return g_test_run ();
}
