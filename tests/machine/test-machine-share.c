/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine and the folder that it shares, with a real QEMU: what is set is what is shared, whoever
 * ends meanwhile. */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-machine-private.h"
#include "test-walls.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

static gboolean
try_set (LodgeMachine *machine, const char *key, const char *text, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", key, text);
  lodge_machine_set_async (machine, g_variant_builder_end (&builder), test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_machine_save_finish (machine, result, error);
}

static void
set (LodgeMachine *machine, const char *key, const char *text)
{
  g_autoptr (GError) error = NULL;

  try_set (machine, key, text, &error);
  g_assert_no_error (error);
}

/* The program inside of its walls, told to share @folder; 0 when there is none. */
static int
find_share (const char *folder)
{
  return machine_fixture_find_descendant ("lodge-share", folder);
}

static gboolean
is_writable (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/cmdline", pid);
  g_autofree char *arguments = NULL;
  gsize length = 0;

  return g_file_get_contents (path, &arguments, &length, NULL) &&
         memmem (arguments, length, "--writable", strlen ("--writable")) != NULL;
}

static gboolean
is_running (int pid)
{
  return pid > 0 && kill (pid, 0) == 0;
}

/* Set and unset while it runs, and from one way to another. */
static void
test_set (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine;
  g_autofree char *one = machine_fixture_make_folder (fixture, "one");
  g_autofree char *two = machine_fixture_make_folder (fixture, "two");
  g_autoptr (GError) error = NULL;
  int pid = 0, writable = 0, gone;

  if (test_walls_skip ())
    return;
  machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  machine_fixture_start (machine);
  g_assert_cmpint (find_share (NULL), ==, 0);

  set (machine, "sharing.folder", one);
  test_wait_polled ((pid = find_share (one)) != 0);
  g_assert_false (is_writable (pid));
  /* What is no change does nothing. */
  set (machine, "sharing.folder", one);
  set (machine, "sharing.files", "no");
  g_assert_cmpint (find_share (one), ==, pid);

  set (machine, "sharing.folder-writable", "yes");
  test_wait_polled ((writable = find_share (one)) != 0 && is_writable (writable));
  g_assert_cmpint (writable, !=, pid);
  set (machine, "sharing.folder", two);
  test_wait_polled ((pid = find_share (two)) != 0);
  g_assert_cmpint (find_share (one), ==, 0);
  /* What was allowed for one folder is not for the next. */
  g_assert_false (is_writable (pid));
  g_assert_false (lodge_machine_get_description (machine)->share_folder_writable);

  g_assert_false (try_set (machine, "sharing.folder", "/", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_cmpint (find_share (two), ==, pid);

  set (machine, "sharing.folder", "");
  test_wait_polled (find_share (NULL) == 0);
  set (machine, "sharing.folder", two);
  test_wait_polled ((gone = find_share (two)) != 0);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);

  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  test_wait_polled (!is_running (gone));
  g_assert_cmpint (find_share (NULL), ==, 0);
}

/* Set before; there from the start on, and gone with QEMU, however that ends. */
static void
test_start (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine;
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  int pid = 0;

  if (test_walls_skip ())
    return;
  machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  set (machine, "sharing.folder", folder);
  g_assert_cmpint (find_share (NULL), ==, 0);
  machine_fixture_start (machine);
  test_wait_polled ((pid = find_share (folder)) != 0);

  /* It falls over: it comes again. */
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  test_wait_polled (find_share (folder) != 0 && find_share (folder) != pid);
  pid = find_share (folder);

  g_assert_cmpint (kill (machine_fixture_find_qemu (machine), SIGKILL), ==, 0);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  test_wait_polled (!is_running (pid));
}

/* The guest's program goes, perhaps in the middle of a frame: there is a fresh one for the next,
 * and for no other port's sake. */
static void
test_port (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine;
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  int pid = 0;

  if (test_walls_skip ())
    return;
  machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  set (machine, "sharing.folder", folder);
  machine_fixture_start (machine);
  test_wait_polled ((pid = find_share (folder)) != 0);

  lodge_machine_share_port_changed (machine, "folder-port", TRUE);
  lodge_machine_share_port_changed (machine, "agent-port", FALSE);
  set (machine, "sharing.files", "no");
  g_assert_cmpint (find_share (folder), ==, pid);
  lodge_machine_share_port_changed (machine, "folder-port", FALSE);
  test_wait_polled (find_share (folder) != 0 && find_share (folder) != pid);
  test_wait_polled (!is_running (pid));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

/* The note says it, and the machine starts all the same. */
static void
test_vanished (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");

  set (machine, "sharing.folder", folder);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
  machine_fixture_start (machine);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), folder));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "cannot be shared"));
  g_assert_cmpint (find_share (NULL), ==, 0);
  /* Nothing to tell when nothing is wanted. */
  set (machine, "sharing.folder", "");
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

/* Gone and back while it is shared: the machine says so, and shares it again. */
static void
test_comes_again (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine;
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  g_autofree char *elsewhere = g_build_filename (fixture->folder, "elsewhere", NULL);
  int pid = 0;

  if (test_walls_skip ())
    return;
  machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  set (machine, "sharing.folder", folder);
  machine_fixture_start (machine);
  test_wait_polled ((pid = find_share (folder)) != 0);
  g_assert_cmpstr (lodge_machine_get_folder_problem (machine), ==, "");

  g_assert_cmpint (g_rename (folder, elsewhere), ==, 0);
  test_wait_polled (!is_running (pid));
  test_wait_until (*lodge_machine_get_folder_problem (machine) != '\0');
  g_assert_nonnull (strstr (lodge_machine_get_folder_problem (machine), folder));
  g_assert_nonnull (strstr (lodge_machine_get_folder_problem (machine), "Bring it back"));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==,
                   lodge_machine_get_folder_problem (machine));
  g_assert_cmpint (find_share (NULL), ==, 0);

  g_assert_cmpint (g_rename (elsewhere, folder), ==, 0);
  test_wait_polled ((pid = find_share (folder)) != 0);
  test_wait_until (*lodge_machine_get_folder_problem (machine) == '\0');
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");

  /* A disk comes or goes, and the folder is another one below the same name. */
  g_signal_emit_by_name (machine->share_mounts, "mounts-changed");
  g_assert_false (machine->share_ending);
  g_assert_cmpint (g_rename (folder, elsewhere), ==, 0);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  g_signal_emit_by_name (machine->share_mounts, "mounts-changed");
  g_assert_true (machine->share_ending);
  test_wait_polled ((!is_running (pid) && find_share (folder) != 0) ||
                    *lodge_machine_get_folder_problem (machine) != '\0');
  g_assert_cmpstr (lodge_machine_get_folder_problem (machine), ==, "");

  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_null (machine->share_watched);
}

static void
test_never_uncontained (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  g_autofree char *saved = g_strdup (g_getenv ("PATH"));
  g_autofree char *empty = machine_fixture_make_folder (fixture, "bin");

  machine_fixture_start (machine);
  g_setenv ("PATH", empty, TRUE);
  set (machine, "sharing.folder", folder);
  g_setenv ("PATH", saved, TRUE);
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "Folders are not shared"));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "bubblewrap"));
  g_assert_cmpint (find_share (NULL), ==, 0);
}

/* By its lock, which it takes a moment after it has begun: an engine that ended before would leave
 * one that the next does not find. */
static gboolean
is_found_by_lock (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (LodgeSharedFolder) share = lodge_shared_folder_find (folder);

  return share != NULL;
}

/* The engine ends and another comes: the sharing goes on, and can be ended. */
static void
test_recover (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine;
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  int pid = 0;

  if (test_walls_skip ())
    return;
  machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  set (machine, "sharing.folder", folder);
  machine_fixture_start (machine);
  test_wait_polled ((pid = find_share (folder)) != 0);
  test_wait_polled (is_found_by_lock (machine));

  machine = machine_fixture_change_engine (fixture, "idle");
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  g_assert_cmpint (find_share (folder), ==, pid);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  set (machine, "sharing.folder", "");
  test_wait_polled (!is_running (pid));

  /* What ended while no engine was there is there again. */
  set (machine, "sharing.folder", folder);
  test_wait_polled ((pid = find_share (folder)) != 0);
  machine_fixture_close_library (fixture);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  test_wait_polled (!is_running (pid));
  machine_fixture_open_library (fixture);
  test_wait_polled (find_share (folder) != 0);
}

/* The same where QEMU's own socket has gone: it is not shared any more when it is not wanted. */
static void
test_recover_without_socket (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine;
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  g_autofree char *socket = NULL;
  int pid = 0;

  if (test_walls_skip ())
    return;
  machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  set (machine, "sharing.folder", folder);
  machine_fixture_start (machine);
  test_wait_polled ((pid = find_share (folder)) != 0);
  test_wait_polled (is_found_by_lock (machine));

  socket = g_build_filename (machine->runtime, "qmp.sock", NULL);
  g_assert_cmpint (g_unlink (socket), ==, 0);
  const guint greeting_ms = lodge_machine_recover_greeting_ms;
  lodge_machine_recover_greeting_ms = LODGE_MACHINE_RECOVER_GREETING_MS;
  machine = machine_fixture_change_engine (fixture, "idle");
  lodge_machine_recover_greeting_ms = greeting_ms;
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_RUNNING);
  set (machine, "sharing.files", "no");
  g_assert_cmpint (find_share (folder), ==, pid);
  set (machine, "sharing.folder", "");
  test_wait_polled (!is_running (pid));
}

static gboolean
has_forward (LodgeMachine *machine)
{
  const LodgeNic *nic = lodge_machine_get_description (machine)->nics->pdata[0];

  return nic->forwards[0] != NULL;
}

/* Puts a copy, as an archive would bring it, at the place of the machine's folder. */
static void
put_copy_in_place (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *quoted = g_shell_quote (folder);
  g_autofree char *command = g_strdup_printf (
      "sh -c 'cp -a \"$1\" \"$1.copy\" && rm -rf \"$1\" && mv \"$1.copy\" \"$1\"' sh %s", quoted);
  int status = -1;

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

/* Whoever made a folder that was copied in does not decide what of this computer its guest gets. */
static void
test_foreign (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  g_autofree char *own = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (own, "machine.ini", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GString) more = NULL;

  set (machine, "sharing.folder", folder);
  set (machine, "sharing.folder-writable", "yes");
  set (machine, "sharing.files-out", "yes");
  set (machine, "nic.nic0.forwards", "tcp:2222:22");
  /* Another engine, and hands that edit it, are nothing foreign. */
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  more = g_string_new (text);
  g_assert_cmpuint (g_string_replace (more, "microphone=false", "microphone=yes", 1), ==, 1);
  g_assert_true (g_file_set_contents (path, more->str, -1, NULL));
  machine = machine_fixture_change_engine (fixture, "idle");
  g_assert_cmpstr (lodge_machine_get_description (machine)->share_folder, ==, folder);
  g_assert_true (lodge_machine_get_description (machine)->microphone);
  g_assert_true (lodge_machine_get_description (machine)->share_files_out);
  g_assert_true (has_forward (machine));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");

  put_copy_in_place (machine);
  machine = machine_fixture_change_engine (fixture, "idle");
  machine_fixture_start (machine);
  g_assert_cmpint (find_share (NULL), ==, 0);
  g_assert_cmpstr (lodge_machine_get_description (machine)->share_folder, ==, "");
  g_assert_false (lodge_machine_get_description (machine)->share_folder_writable);
  g_assert_false (lodge_machine_get_description (machine)->microphone);
  g_assert_false (lodge_machine_get_description (machine)->share_files_out);
  g_assert_false (has_forward (machine));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "came from elsewhere"));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), folder));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "tcp:2222:22"));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "sharing.microphone"));
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "sharing.files-out"));
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  /* Told until it is decided on. */
  machine = machine_fixture_change_engine (fixture, "idle");
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), folder));
  set (machine, "sharing.files", "no");
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), folder));
  set (machine, "sharing.folder", folder);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  machine = machine_fixture_change_engine (fixture, "idle");
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  g_assert_cmpstr (lodge_machine_get_description (machine)->share_folder, ==, folder);
  g_assert_false (lodge_machine_get_description (machine)->share_folder_writable);
}

/* Where it cannot be taken out, the machine is not used at all. */
static void
test_foreign_read_only (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GString) newer = NULL;

  set (machine, "sharing.microphone", "yes");
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  newer = g_string_new (text);
  g_string_replace (newer, "version=1", "version=99", 0);
  g_assert_true (g_file_set_contents (path, newer->str, -1, NULL));
  put_copy_in_place (machine);

  machine = machine_fixture_change_engine (fixture, "idle");
  g_assert_nonnull (strstr (lodge_machine_get_note (machine), "sharing.microphone"));
  lodge_machine_start_async (machine, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_start_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("share-set", test_set);
  MACHINE_FIXTURE_ADD ("share-start", test_start);
  MACHINE_FIXTURE_ADD ("share-port", test_port);
  MACHINE_FIXTURE_ADD ("share-vanished", test_vanished);
  MACHINE_FIXTURE_ADD ("share-comes-again", test_comes_again);
  MACHINE_FIXTURE_ADD ("share-never-uncontained", test_never_uncontained);
  MACHINE_FIXTURE_ADD ("share-recover", test_recover);
  MACHINE_FIXTURE_ADD ("share-recover-without-socket", test_recover_without_socket);
  MACHINE_FIXTURE_ADD ("share-foreign", test_foreign);
  MACHINE_FIXTURE_ADD ("share-foreign-read-only", test_foreign_read_only);
  return g_test_run ();
}
