/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine ends and another comes: what it finds of its machines, and what others have made of
 * their files meanwhile. */
#include "lodge-error.h"
#include "lodge-paths.h"
#include "machine-fixture.h"
#include "machine/lodge-machine-private.h"
#include "machine/lodge-tpm.h"
#include "qemu/lodge-qmp.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
note_name_cb (LodgeMachine *machine, const char **name)
{
  *name = lodge_machine_get_state_name (machine);
}

/* A client that comes before it is known what runs must not touch a guest that does, and is not
 * told that it is off. */
static void
test_start_during_recovery (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  LodgeMachine *off = machine_fixture_create (fixture, "off", BOOT_SECTOR_IDLE);
  const char *told = NULL;
  g_autofree char *store = g_build_filename (fixture->folder, "data", NULL);
  g_autoptr (GAsyncResult) recovered = NULL;
  g_autoptr (GAsyncResult) started = NULL;
  g_autoptr (GError) error = NULL;
  GPid pid;

  machine_fixture_start (machine);
  pid = machine_fixture_find_qemu (machine);
  machine_fixture_close_library (fixture);

  fixture->library = lodge_library_new (store, &error);
  g_assert_no_error (error);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  off = lodge_library_find (fixture->library, "off", NULL);
  g_assert_cmpstr (lodge_machine_get_state_name (off), ==, "off");
  g_signal_connect (off, "changed", G_CALLBACK (note_name_cb), &told);
  lodge_library_recover_async (fixture->library, test_wait_result_cb, &recovered);
  g_assert_cmpstr (lodge_machine_get_state_name (machine), ==, "looking");
  lodge_machine_start_async (machine, test_wait_result_cb, &started);
  g_assert_null (lodge_library_delete_machine (fixture->library, machine, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  test_wait_until (recovered != NULL && started != NULL);
  lodge_library_recover_finish (fixture->library, recovered);
  g_assert_false (lodge_machine_start_finish (machine, started, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_cmpstr (lodge_machine_get_state_name (machine), ==, "running");
  g_assert_cmpstr (lodge_machine_get_state_name (off), ==, "off");
  /* And is told when it is known. */
  g_assert_cmpstr (told, ==, "off");
  g_assert_cmpint (machine_fixture_find_qemu (machine), ==, pid);
  g_assert_true (machine_fixture_has_runtime (machine));
}

/* The engine ends and another comes: what ran, runs; what stood still, stands still. */
static void
test_recover (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "keys", BOOT_SECTOR_KEYS);
  LodgeMachine *paused = machine_fixture_create (fixture, "paused", BOOT_SECTOR_IDLE);

  machine_fixture_start (machine);
  machine_fixture_start (paused);
  machine_fixture_request (paused, LODGE_REQUEST_PAUSE);
  test_wait_until (lodge_machine_get_state (paused) == LODGE_STATE_PAUSED);

  machine_fixture_close_library (fixture);
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "keys", NULL);
  paused = lodge_library_find (fixture->library, "paused", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (lodge_machine_get_state (paused), ==, LODGE_STATE_PAUSED);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  machine_fixture_request (paused, LODGE_REQUEST_RESUME);
  test_wait_until (lodge_machine_get_state (paused) == LODGE_STATE_RUNNING);
  machine_fixture_press_until (machine, "q", LODGE_STATE_OFF);
}

/* Presses a key through the machine's own QMP socket, until the guest has come to @status. */
static void
press_without_engine (const char *socket, const char *key, const char *status)
{
  g_autoptr (GAsyncResult) connected = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (LodgeQmp) qmp = NULL;
  gboolean there = FALSE;

  lodge_qmp_connect_async (socket, TEST_WAIT_S * 1000, 0, NULL, test_wait_result_cb, &connected);
  test_wait_until (connected != NULL);
  qmp = lodge_qmp_connect_finish (connected, &error);
  g_assert_no_error (error);

  for (guint i = 0; i < TEST_WAIT_S * 5 && !there; i++) {
    g_autoptr (GAsyncResult) sent = NULL;
    g_autoptr (GAsyncResult) asked = NULL;
    g_autoptr (JsonNode) node = NULL;
    g_autoptr (JsonNode) ignored = NULL;
    g_autofree char *text =
        g_strdup_printf ("{\"keys\": [{\"type\": \"qcode\", \"data\": \"%s\"}]}", key);
    g_autoptr (JsonNode) arguments = json_from_string (text, NULL);

    lodge_qmp_execute_async (qmp, "send-key", json_node_dup_object (arguments), 0, NULL,
                             test_wait_result_cb, &sent);
    test_wait_until (sent != NULL);
    ignored = lodge_qmp_execute_finish (qmp, sent, &error);
    g_assert_no_error (error);
    test_wait_ms (200);
    lodge_qmp_execute_async (qmp, "query-status", NULL, 0, NULL, test_wait_result_cb, &asked);
    test_wait_until (asked != NULL);
    node = lodge_qmp_execute_finish (qmp, asked, &error);
    g_assert_no_error (error);
    there =
        g_str_equal (json_object_get_string_member (json_node_get_object (node), "status"), status);
  }
  g_assert_true (there);
  lodge_qmp_close (qmp);
}

static void
test_guest_ends_without_engine (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "keys", BOOT_SECTOR_KEYS);
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));
  g_autofree char *socket = g_build_filename (runtime, "qmp.sock", NULL);

  machine_fixture_start (machine);
  machine_fixture_close_library (fixture);
  press_without_engine (socket, "q", "shutdown");
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "keys", NULL);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");

  machine_fixture_start (machine);
  machine_fixture_close_library (fixture);
  press_without_engine (socket, "p", "guest-panicked");
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "keys", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_CRASHED);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "panic"));
}

/* A logout has emptied the runtime folder: the lock still says that it runs. */
static void
test_runtime_folder_vanishes (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *runtime = lodge_paths_dup_runtime ();
  g_autofree char *away = g_strconcat (runtime, ".gone", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  machine_fixture_start (machine);
  machine_fixture_close_library (fixture);
  g_assert_cmpint (g_rename (runtime, away), ==, 0);
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "sockets"));

  lodge_machine_request_async (machine, LODGE_REQUEST_PAUSE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_request_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  /* All of it is gone, not only what stood around it. */
  machine_fixture_start (machine);
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
test_socket_comes_late (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));
  g_autofree char *socket = g_build_filename (runtime, "qmp.sock", NULL);
  g_autofree char *away = g_strconcat (runtime, ".qmp", NULL);
  char *paths[] = {away, socket};

  machine_fixture_start (machine);
  machine_fixture_close_library (fixture);
  g_assert_cmpint (g_rename (socket, away), ==, 0);
  g_timeout_add (300, rename_back_cb, paths);
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
}

/* ... or between its TPM's start and QEMU's: the TPM waits for nobody. */
static void
test_tpm_without_qemu (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *runtime = lodge_paths_dup_machine_runtime (lodge_machine_get_uuid (machine));
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *program = g_find_program_in_path ("swtpm");
  g_autofree char *socket = NULL;
  g_autoptr (GError) error = NULL;

  if (program == NULL) {
    g_test_skip ("swtpm is not installed");
    return;
  }
  machine_fixture_close_library (fixture);
  g_assert_cmpint (g_mkdir_with_parents (runtime, 0700), ==, 0);
  socket = lodge_tpm_start (folder, "tpm", runtime, "lodge-test-tpm.scope", FALSE, -1, &error);
  g_assert_no_error (error);
  test_wait_polled (machine_fixture_find_descendant ("swtpm", NULL) != 0);
  machine_fixture_open_library (fixture);
  test_wait_polled (machine_fixture_find_descendant ("swtpm", NULL) == 0);
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
test_lock_of_another (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *runtime = lodge_paths_dup_runtime ();
  g_autofree char *away = g_strconcat (runtime, ".gone", NULL);
  GPid reader = run_beside (machine, "exec 8>>\"$1\"; echo; exec sleep 1000");
  GPid locker;

  /* Beside one that runs. */
  machine_fixture_start (machine);
  machine_fixture_close_library (fixture);
  g_assert_cmpint (g_rename (runtime, away), ==, 0);
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  end_beside (reader);

  /* And alone. */
  locker = run_beside (machine, "exec 8>>\"$1\"; flock 8; echo; exec sleep 1000");
  lodge_machine_recover_patience_ms = 100;
  machine = machine_fixture_change_engine (fixture, "idle");
  lodge_machine_recover_patience_ms = LODGE_MACHINE_RECOVER_PATIENCE_MS;
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "Somebody else"));
  end_beside (locker);
}

/* A QEMU that is ending may have the lock when nothing tells any more that it is one; but it may be
 * somebody else, too, for whom the others do not wait. */
static void
test_lock_of_the_ending (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *store = g_build_filename (fixture->folder, "data", NULL);
  g_autoptr (GAsyncResult) recovered = NULL;
  g_autoptr (GError) error = NULL;
  GPid ending = run_beside (machine, "exec 8>>\"$1\"; flock 8; echo; exec sleep 1000");

  machine_fixture_close_library (fixture);
  fixture->library = lodge_library_new (store, &error);
  g_assert_no_error (error);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  lodge_machine_recover_patience_ms = TEST_WAIT_S * 1000;
  lodge_library_recover_async (fixture->library, test_wait_result_cb, &recovered);
  test_wait_until (recovered != NULL);
  lodge_library_recover_finish (fixture->library, recovered);
  g_assert_cmpstr (lodge_machine_get_state_name (machine), ==, "looking");
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  end_beside (ending);
  test_wait_until (!g_str_equal (lodge_machine_get_state_name (machine), "looking"));
  lodge_machine_recover_patience_ms = LODGE_MACHINE_RECOVER_PATIENCE_MS;
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_OFF);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  machine_fixture_start (machine);
}

/* One that lives on in a call when the engine ends writes nothing where there is nothing to write
 * to: what watches memory would say so. */
static void
test_outlives_library (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autoptr (LodgeMachine) held = g_object_ref (machine);

  machine_fixture_start (machine);
  g_clear_pointer (&machine->thumbnail, g_bytes_unref);
  machine->thumbnail = g_bytes_new_static ("a picture", 9);
  test_wait_unref (g_steal_pointer (&fixture->library));
  g_assert_finalize_object (g_steal_pointer (&held));
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
}

/* One bad machine.ini is that machine's trouble alone. */
static void
test_broken_description (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *good = machine_fixture_create (fixture, "good", BOOT_SECTOR_IDLE);
  LodgeMachine *bad = machine_fixture_create (fixture, "bad", BOOT_SECTOR_IDLE);
  g_autofree char *uuid = g_strdup (lodge_machine_get_uuid (bad));
  g_autofree char *folder = lodge_machine_dup_folder (bad);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "[machine]\nversion=1\ncpus=many\n", -1, NULL));
  machine_fixture_close_library (fixture);
  machine_fixture_open_library (fixture);
  good = lodge_library_find (fixture->library, "good", NULL);
  machine_fixture_start (good);

  bad = lodge_library_find (fixture->library, uuid, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (lodge_machine_get_name (bad), ==, uuid);
  g_assert_cmpstr (lodge_machine_get_note (bad), !=, "");
  lodge_machine_start_async (bad, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (bad, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
}

/* A slip of the hand in one line: people still know the machine by its name, are told which line it
 * is, and need no new engine once they have mended it. */
static void
test_slip_in_description (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "caf\303\251 1", BOOT_SECTOR_IDLE);
  g_autofree char *uuid = g_strdup (lodge_machine_get_uuid (machine));
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  g_autofree char *good = NULL;
  g_autofree char *bad = NULL;

  g_assert_true (g_file_get_contents (path, &good, NULL, NULL));
  bad = g_strconcat (good, "what is this?\n", NULL);
  g_assert_true (g_file_set_contents (path, bad, -1, NULL));
  machine = machine_fixture_change_engine (fixture, uuid);
  g_assert_cmpstr (lodge_machine_get_name (machine), ==, "caf\303\251 1");
  g_assert_true (lodge_library_find (fixture->library, "caf\303\251 1", NULL) == machine);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "line"));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "what is this?"));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "text editor"));

  g_assert_true (g_file_set_contents (path, good, -1, NULL));
  machine = lodge_library_find (fixture->library, uuid, NULL);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  machine_fixture_start (machine);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("start-during-recovery", test_start_during_recovery);
  MACHINE_FIXTURE_ADD ("recover", test_recover);
  MACHINE_FIXTURE_ADD ("guest-ends-without-engine", test_guest_ends_without_engine);
  MACHINE_FIXTURE_ADD ("runtime-folder-vanishes", test_runtime_folder_vanishes);
  MACHINE_FIXTURE_ADD ("socket-comes-late", test_socket_comes_late);
  MACHINE_FIXTURE_ADD ("tpm-without-qemu", test_tpm_without_qemu);
  MACHINE_FIXTURE_ADD ("lock-of-another", test_lock_of_another);
  MACHINE_FIXTURE_ADD ("lock-of-the-ending", test_lock_of_the_ending);
  MACHINE_FIXTURE_ADD ("outlives-library", test_outlives_library);
  MACHINE_FIXTURE_ADD ("broken-description", test_broken_description);
  MACHINE_FIXTURE_ADD ("slip-in-description", test_slip_in_description);
  return g_test_run ();
}
