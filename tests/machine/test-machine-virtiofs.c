/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine and the folder that it shares by virtiofs: a real QEMU, guests that let go of a device
 * when they are asked, or do not, and a virtiofsd that only does what QEMU asks first. */
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-machine-private.h"
#include "test-walls.h"

#include <signal.h>
#include <string.h>

#define METHOD "sharing.folder-method"

/* The pid of what shares @folder by virtiofs, or 0. */
static int
find_daemon (const char *folder)
{
  g_autofree char *word = g_strdup_printf ("--shared-dir=%s", folder);

  return machine_fixture_find_descendant ("virtiofsd", word);
}

static gboolean
is_running (int pid)
{
  return pid > 0 && kill (pid, 0) == 0;
}

static gboolean
is_there (LodgeMachine *machine, const char *folder, int not_pid)
{
  const int pid = find_daemon (folder);

  return pid != 0 && pid != not_pid && machine->folder_device == LODGE_FOLDER_DEVICE_THERE;
}

/* Whether the folder is said to be in the way of a snapshot. */
static gboolean
is_in_the_way (LodgeMachine *machine)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) answer = NULL;
  g_autofree char *text = NULL;

  lodge_machine_check_snapshot_async (machine, FALSE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  answer = lodge_machine_check_snapshot_finish (machine, result);
  text = g_variant_print (answer, FALSE);
  return strstr (text, "virtiofs") != NULL && strstr (text, METHOD) != NULL;
}

static LodgeMachine *
start (MachineFixture *fixture, BootSector what, const char *folder)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "web", what);

  machine_fixture_set_key (machine, METHOD, "virtiofs");
  machine_fixture_set_key (machine, "sharing.folder", folder);
  machine_fixture_start (machine);
  test_wait_polled (is_there (machine, folder, 0));
  return machine;
}

/* It comes, is another, and goes, while the guest runs; and is in the way of memory meanwhile. */
static void
test_set (MachineFixture *fixture, gconstpointer data)
{
  g_autofree char *one = machine_fixture_make_folder (fixture, "one");
  g_autofree char *two = machine_fixture_make_folder (fixture, "two");
  LodgeMachine *machine;
  int pid;

  if (test_walls_skip ())
    return;
  machine = start (fixture, BOOT_SECTOR_RELEASE, one);
  g_assert_cmpstr (lodge_machine_get_folder_problem (machine), ==, "");
  g_assert_true (is_in_the_way (machine));
  pid = find_daemon (one);
  machine_fixture_set_key (machine, "sharing.files", "no");
  g_assert_cmpint (find_daemon (one), ==, pid);

  machine_fixture_set_key (machine, "sharing.folder-writable", "yes");
  test_wait_polled (is_there (machine, one, pid));
  machine_fixture_set_key (machine, "sharing.folder", two);
  test_wait_polled (is_there (machine, two, 0));
  g_assert_cmpint (find_daemon (one), ==, 0);

  /* The other way, and back. */
  machine_fixture_set_key (machine, METHOD, "webdav");
  test_wait_polled (machine_fixture_find_descendant ("lodge-share", two) != 0);
  g_assert_cmpint (find_daemon (two), ==, 0);
  test_wait_until (machine->folder_device == LODGE_FOLDER_DEVICE_NONE);
  g_assert_false (is_in_the_way (machine));
  machine_fixture_set_key (machine, METHOD, "virtiofs");
  test_wait_polled (is_there (machine, two, 0));

  machine_fixture_set_key (machine, "sharing.folder", "");
  test_wait_polled (find_daemon (two) == 0 && machine->folder_device == LODGE_FOLDER_DEVICE_NONE);
  g_assert_false (is_in_the_way (machine));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

/* It falls over: it comes again, and its device, too. */
static void
test_dies (MachineFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  LodgeMachine *machine;
  int pid;

  if (test_walls_skip ())
    return;
  machine = start (fixture, BOOT_SECTOR_RELEASE, folder);
  pid = find_daemon (folder);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  test_wait_polled (is_there (machine, folder, pid));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  test_wait_until (*lodge_machine_get_folder_problem (machine) == '\0');

  pid = find_daemon (folder);
  g_assert_cmpint (kill (machine_fixture_find_qemu (machine), SIGKILL), ==, 0);
  test_wait_until (lodge_machine_get_state (machine) == LODGE_STATE_CRASHED);
  test_wait_polled (!is_running (pid));
  g_assert_cmpint (machine->folder_device, ==, LODGE_FOLDER_DEVICE_NONE);
}

/* One that falls over again and again stays away, and so it does when the guest has let go of its
 * device; until somebody wants it anew. */
static void
test_dies_often (MachineFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  LodgeMachine *machine;
  guint n = 0;
  int pid = 0;

  if (test_walls_skip ())
    return;
  machine = start (fixture, BOOT_SECTOR_RELEASE, folder);
  while (strstr (lodge_machine_get_folder_problem (machine), "ended several times") == NULL) {
    test_wait_polled (is_there (machine, folder, pid) ||
                      strstr (lodge_machine_get_folder_problem (machine), "several times") != NULL);
    pid = find_daemon (folder);
    if (pid != 0) {
      g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
      g_assert_cmpuint (++n, <, 20);
    }
    test_wait_polled (!is_running (pid));
  }
  test_wait_until (machine->folder_device == LODGE_FOLDER_DEVICE_NONE);
  g_assert_cmpint (find_daemon (folder), ==, 0);
  /* Nor will one come. */
  g_assert_null (machine->share);
  g_assert_cmpuint (machine->share_timeout, ==, 0);
  g_assert_false (machine->virtiofs_asked);
  machine_fixture_set_key (machine, "sharing.folder", folder);
  test_wait_polled (is_there (machine, folder, pid));
}

/* A guest that does not let go loses the folder all the same; another comes once it has. */
static void
test_keeps (MachineFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  LodgeMachine *machine;

  if (test_walls_skip ())
    return;
  machine = start (fixture, BOOT_SECTOR_IDLE, folder);
  machine_fixture_set_key (machine, "sharing.folder", "");
  test_wait_polled (find_daemon (folder) == 0);
  g_assert_cmpint (machine->folder_device, ==, LODGE_FOLDER_DEVICE_GOES);
  g_assert_true (is_in_the_way (machine));

  machine_fixture_set_key (machine, "sharing.folder", folder);
  test_wait_until (*lodge_machine_get_folder_problem (machine) != '\0');
  g_assert_nonnull (strstr (lodge_machine_get_folder_problem (machine), "not let go"));
  g_assert_cmpint (find_daemon (folder), ==, 0);
  machine_fixture_request (machine, LODGE_REQUEST_RESET);
  test_wait_polled (is_there (machine, folder, 0));
  test_wait_until (*lodge_machine_get_folder_problem (machine) == '\0');
}

/* By its lock, which it takes a moment after it has begun. */
static gboolean
is_found_by_lock (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (LodgeSharedFolder) share = lodge_shared_folder_find (folder);

  return share != NULL && lodge_shared_folder_is_virtiofs (share);
}

/* The engine ends and another comes: it goes on, and can be ended. */
static void
test_recover (MachineFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  LodgeMachine *machine;
  int pid;

  if (test_walls_skip ())
    return;
  machine = start (fixture, BOOT_SECTOR_RELEASE, folder);
  pid = find_daemon (folder);
  test_wait_polled (is_found_by_lock (machine));
  machine = machine_fixture_change_engine (fixture, "web");
  test_wait_until (machine->folder_device == LODGE_FOLDER_DEVICE_THERE);
  g_assert_cmpint (find_daemon (folder), ==, pid);
  g_assert_true (is_in_the_way (machine));
  machine_fixture_set_key (machine, "sharing.folder", "");
  test_wait_polled (!is_running (pid) && machine->folder_device == LODGE_FOLDER_DEVICE_NONE);

  /* What ended while no engine was there is there again. */
  machine_fixture_set_key (machine, "sharing.folder", folder);
  test_wait_polled (is_there (machine, folder, 0) && is_found_by_lock (machine));
  pid = find_daemon (folder);
  machine_fixture_close_library (fixture);
  g_assert_cmpint (kill (pid, SIGKILL), ==, 0);
  test_wait_polled (!is_running (pid));
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "web", NULL);
  test_wait_polled (is_there (machine, folder, pid));
}

/* Where it cannot be used it cannot be chosen; one that comes with it runs without, and says so. */
static void
test_refused (MachineFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  g_autofree char *program = g_strdup (g_getenv ("LODGE_VIRTIOFSD"));
  LodgeMachine *machine = machine_fixture_create (fixture, "web", BOOT_SECTOR_IDLE);
  GVariantBuilder builder;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (test_walls_skip ())
    return;
  machine_fixture_set_key (machine, "sharing.folder", folder);
  machine_fixture_set_key (machine, METHOD, "virtiofs");
  /* It was removed. */
  g_setenv ("LODGE_VIRTIOFSD", "/nonexistent", TRUE);
  machine = machine_fixture_change_engine (fixture, "web");
  machine_fixture_start (machine);
  test_wait_until (*lodge_machine_get_folder_problem (machine) != '\0');
  g_assert_nonnull (strstr (lodge_machine_get_folder_problem (machine), "not installed"));
  g_assert_nonnull (strstr (lodge_machine_get_folder_problem (machine), METHOD));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  machine_fixture_set_key (machine, METHOD, "webdav");
  test_wait_polled (machine_fixture_find_descendant ("lodge-share", folder) != 0);
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", METHOD, "virtiofs");
  lodge_machine_set_async (machine, g_variant_builder_end (&builder), test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  g_assert_false (lodge_machine_save_finish (machine, result, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_cmpint (lodge_machine_get_description (machine)->folder_method, ==,
                   LODGE_FOLDER_METHOD_WEBDAV);
  g_setenv ("LODGE_VIRTIOFSD", program, TRUE);
}

/* A virtiofsd that QEMU does not get along with: the machine runs without, and says so once. */
static void
test_broken (MachineFixture *fixture, gconstpointer data)
{
  g_autofree char *folder = machine_fixture_make_folder (fixture, "one");
  g_autofree char *bin = machine_fixture_make_folder (fixture, "broken");
  g_autofree char *path = g_build_filename (bin, "virtiofsd", NULL);
  g_autofree char *program = g_strdup (g_getenv ("LODGE_VIRTIOFSD"));
  g_autoptr (GFile) from = g_file_new_for_path (program);
  g_autoptr (GFile) to = g_file_new_for_path (path);
  LodgeMachine *machine;

  if (test_walls_skip ())
    return;
  g_assert_true (g_file_copy (from, to, G_FILE_COPY_NONE, NULL, NULL, NULL, NULL));
  g_setenv ("LODGE_VIRTIOFSD", path, TRUE);
  machine = machine_fixture_create (fixture, "web", BOOT_SECTOR_IDLE);
  machine_fixture_set_key (machine, METHOD, "virtiofs");
  machine_fixture_set_key (machine, "sharing.folder", folder);
  machine_fixture_start (machine);
  test_wait_until (strstr (lodge_machine_get_folder_problem (machine), "QEMU refuses it") != NULL);
  test_wait_until (machine->folder_device == LODGE_FOLDER_DEVICE_NONE);
  g_assert_null (machine->share);
  g_assert_cmpuint (machine->share_timeout, ==, 0);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_false (is_in_the_way (machine));

  machine_fixture_set_key (machine, METHOD, "webdav");
  test_wait_polled (machine_fixture_find_descendant ("lodge-share", folder) != 0);
  g_assert_cmpstr (lodge_machine_get_folder_problem (machine), ==, "");
  g_setenv ("LODGE_VIRTIOFSD", program, TRUE);
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("virtiofs-set", test_set);
  MACHINE_FIXTURE_ADD ("virtiofs-dies", test_dies);
  MACHINE_FIXTURE_ADD ("virtiofs-dies-often", test_dies_often);
  MACHINE_FIXTURE_ADD ("virtiofs-keeps", test_keeps);
  MACHINE_FIXTURE_ADD ("virtiofs-recover", test_recover);
  MACHINE_FIXTURE_ADD ("virtiofs-refused", test_refused);
  MACHINE_FIXTURE_ADD ("virtiofs-broken", test_broken);
  return g_test_run ();
}
