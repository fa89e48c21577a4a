/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Discs into the drive of a real QEMU within its walls, and out of it. */
#include "machine-fixture.h"

#include "lodge-error.h"
#include "machine/lodge-machine-private.h"
#include "plug-guest.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

/* The first descriptor of an ISO 9660 volume, and so many sectors. */
static char *
make_disc (MachineFixture *self, const char *name, gsize n_sectors)
{
  char *path = g_build_filename (self->folder, name, NULL);
  g_autofree char *bytes = g_malloc0 (n_sectors * 2048);

  memcpy (bytes + 32768, "\1CD001", 6);
  g_assert_true (g_file_set_contents (path, bytes, (gssize) (n_sectors * 2048), NULL));
  return path;
}

static gboolean
change (LodgeMachine *machine, const char *drive, const char *path, gboolean force, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  lodge_machine_change_media_async (machine, drive, path, force, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  return lodge_machine_change_media_finish (machine, result, error);
}

static JsonNode *
ask (LodgeMachine *machine, const char *command)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *answer;

  lodge_qmp_execute_async (machine->qmp, command, NULL, 0, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  answer = lodge_qmp_execute_finish (machine->qmp, result, &error);
  g_assert_no_error (error);
  return answer;
}

/* What QEMU itself says is in the drive, in sectors; -1 for nothing. */
static gint64
count_sectors (LodgeMachine *machine)
{
  g_autoptr (JsonNode) answer = ask (machine, "query-block");
  JsonArray *drives = json_node_get_array (answer);

  for (guint i = 0; i < json_array_get_length (drives); i++) {
    JsonObject *drive = json_array_get_object_element (drives, i);
    JsonObject *inserted;

    if (g_strcmp0 (json_object_get_string_member_with_default (drive, "qdev", NULL), "cd0") != 0)
      continue;
    if (!json_object_has_member (drive, "inserted"))
      return -1;
    inserted = json_object_get_object_member (drive, "inserted");
    g_assert_true (json_object_get_boolean_member (inserted, "ro"));
    g_assert_false (json_object_get_boolean_member (drive, "tray_open"));
    return json_object_get_int_member (json_object_get_object_member (inserted, "image"),
                                       "virtual-size") /
           2048;
  }
  g_assert_not_reached ();
}

static guint
count (LodgeMachine *machine, const char *command)
{
  g_autoptr (JsonNode) answer = ask (machine, command);

  return json_array_get_length (json_node_get_array (answer));
}

static const char *
get_file (LodgeMachine *machine)
{
  return lodge_description_get_media (lodge_machine_get_description (machine), "cd0")->file;
}

static void
test_running (MachineFixture *self, gconstpointer data)
{
  g_autofree char *small = make_disc (self, "small <disc>.iso", 20);
  g_autofree char *large = make_disc (self, "large.iso", 40);
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);
  guint n_nodes;
  GError *error = NULL;

  machine_fixture_start (machine);
  n_nodes = count (machine, "query-named-block-nodes");
  g_assert_cmpint (count_sectors (machine), ==, -1);

  g_assert_true (change (machine, "", small, FALSE, &error));
  g_assert_no_error (error);
  g_assert_cmpint (count_sectors (machine), ==, 20);
  g_assert_cmpstr (get_file (machine), ==, small);
  /* In the place of another one. */
  g_assert_true (change (machine, "cd0", large, FALSE, &error));
  g_assert_no_error (error);
  g_assert_cmpint (count_sectors (machine), ==, 40);
  g_assert_cmpuint (count (machine, "query-named-block-nodes"), ==, n_nodes + 2);
  g_assert_cmpuint (plug_guest_count_fds (machine), ==, 1);

  /* The next engine does not know what this one has put in, and takes it out. */
  machine = machine_fixture_change_engine (self, "web");
  g_assert_cmpint (count_sectors (machine), ==, 40);
  g_assert_true (change (machine, "", NULL, FALSE, &error));
  g_assert_no_error (error);
  g_assert_cmpint (count_sectors (machine), ==, -1);
  g_assert_null (get_file (machine));
  g_assert_cmpuint (count (machine, "query-named-block-nodes"), ==, n_nodes);
  g_assert_cmpuint (plug_guest_count_fds (machine), ==, 0);
  /* Again, which changes nothing. */
  g_assert_true (change (machine, "", NULL, TRUE, &error));
  g_assert_no_error (error);

  machine_fixture_request (machine, LODGE_REQUEST_PAUSE);
  g_assert_true (change (machine, "", small, TRUE, &error));
  g_assert_no_error (error);
  g_assert_cmpint (count_sectors (machine), ==, 20);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  /* It is there at the next start, and can be changed. */
  machine_fixture_start (machine);
  g_assert_cmpint (count_sectors (machine), ==, 20);
  g_assert_true (change (machine, "", large, FALSE, &error));
  g_assert_no_error (error);
  g_assert_cmpint (count_sectors (machine), ==, 40);
  g_assert_cmpuint (count (machine, "query-named-block-nodes"), ==, n_nodes + 2);
}

static void
test_off (MachineFixture *self, gconstpointer data)
{
  g_autofree char *disc = make_disc (self, "a.iso", 20);
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);
  GError *error = NULL;

  g_assert_true (change (machine, "", disc, FALSE, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (get_file (machine), ==, disc);
  machine_fixture_start (machine);
  g_assert_cmpint (count_sectors (machine), ==, 20);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  g_assert_true (change (machine, "", NULL, FALSE, &error));
  g_assert_no_error (error);
  g_assert_null (get_file (machine));
}

/* What was in the drive stays in it. */
static void
test_refused (MachineFixture *self, gconstpointer data)
{
  g_autofree char *disc = make_disc (self, "a.iso", 20);
  g_autofree char *diary = g_build_filename (self->folder, "diary.iso", NULL);
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);
  GAsyncResult *results[2] = {NULL};
  GError *error = NULL;

  g_assert_true (g_file_set_contents (diary, "Dear diary,\n", -1, NULL));
  machine_fixture_start (machine);
  g_assert_true (change (machine, "", disc, FALSE, &error));
  g_assert_no_error (error);

  g_assert_false (change (machine, "cd7", disc, FALSE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "cd7"));
  g_clear_error (&error);
  g_assert_false (change (machine, "", diary, FALSE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (change (machine, "", "a.iso", FALSE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (change (machine, "", "/nowhere/a.iso", FALSE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_NOT_FOUND);
  g_clear_error (&error);

  /* One after the other. */
  lodge_machine_change_media_async (machine, "", disc, FALSE, test_wait_result_cb, &results[0]);
  lodge_machine_change_media_async (machine, "", NULL, FALSE, test_wait_result_cb, &results[1]);
  test_wait_until (results[0] != NULL && results[1] != NULL);
  g_assert_true (lodge_machine_change_media_finish (machine, results[0], &error));
  g_assert_no_error (error);
  g_assert_false (lodge_machine_change_media_finish (machine, results[1], &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_clear_error (&error);
  g_object_unref (results[0]);
  g_object_unref (results[1]);
  g_assert_cmpint (count_sectors (machine), ==, 20);
  g_assert_cmpstr (get_file (machine), ==, disc);
}

/* What is suspended is what is in the drive by then. */
static void
test_suspend_meanwhile (MachineFixture *self, gconstpointer data)
{
  g_autofree char *disc = make_disc (self, "a.iso", 20);
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeJob *job;

  machine_fixture_start (machine);
  lodge_machine_change_media_async (machine, "", disc, FALSE, test_wait_result_cb, &result);
  job = lodge_library_suspend (self->library, machine);
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STATE);
  test_wait_until (result != NULL);
  g_assert_true (lodge_machine_change_media_finish (machine, result, &error));
  g_assert_no_error (error);
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpint (count_sectors (machine), ==, 20);
}

/* What the guest has and what is written are two things where one of them fails. */
static void
test_not_recorded (MachineFixture *self, gconstpointer data)
{
  g_autofree char *disc = make_disc (self, "a.iso", 20);
  LodgeMachine *machine = machine_fixture_create (self, "web", BOOT_SECTOR_IDLE);
  struct rlimit before, none;
  g_autoptr (GError) error = NULL;

  g_assert_no_errno (getrlimit (RLIMIT_FSIZE, &before));
  none = before;
  none.rlim_cur = 0;
  machine_fixture_start (machine);
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &none));
  g_assert_false (change (machine, "", disc, FALSE, &error));
  g_assert_no_errno (setrlimit (RLIMIT_FSIZE, &before));
  g_test_message ("%s", error->message);
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STORAGE);
  g_assert_nonnull (strstr (error->message, "The drive cd0 was changed, but only until"));
  g_assert_null (strstr (error->message, "not changed"));
  g_assert_cmpint (count_sectors (machine), ==, 20);
  g_assert_null (get_file (machine));
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("media-running", test_running);
  MACHINE_FIXTURE_ADD ("media-off", test_off);
  MACHINE_FIXTURE_ADD ("media-refused", test_refused);
  MACHINE_FIXTURE_ADD ("media-suspend-meanwhile", test_suspend_meanwhile);
  /* A file that would become too large is an error, and no end of the process. */
  signal (SIGXFSZ, SIG_IGN);
  MACHINE_FIXTURE_ADD ("media-not-recorded", test_not_recorded);
  return g_test_run ();
}
