/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What QEMU has against saving a guest's memory: said beforehand, all of it with the rest that is
 * in the way, and each with its switch. A guest that runs, with a QMP that says what it is told to.
 */
#include "fake-qmp.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-machine-private.h"

#include <string.h>

#define CONNECT_MS 60000

typedef struct {
  LodgeMachine *machine;
  LodgeQmp *real;
  FakeQmp *fake;
} Spoken;

/* From here on the machine talks to a fake. */
static void
begin (Spoken *self, MachineFixture *f)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  self->machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);
  machine_fixture_start (self->machine);
  self->fake = fake_qmp_new ();
  lodge_qmp_connect_async (fake_qmp_get_path (self->fake), CONNECT_MS, 0, NULL, test_wait_result_cb,
                           &result);
  test_wait_until (result != NULL);
  self->real = self->machine->qmp;
  self->machine->qmp = lodge_qmp_connect_finish (result, &error);
  g_assert_no_error (error);
}

static void
end (Spoken *self)
{
  g_object_unref (self->machine->qmp);
  self->machine->qmp = self->real;
  fake_qmp_free (self->fake);
  machine_fixture_request (self->machine, LODGE_REQUEST_KILL);
}

/* a(ss) */
static GVariant *
check (LodgeMachine *machine)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GVariant) checked = NULL;

  lodge_machine_check_snapshot_async (machine, FALSE, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  checked = lodge_machine_check_snapshot_finish (machine, result);
  return g_variant_get_child_value (checked, 0);
}

static void
assert_says (GVariant *blockers, gsize at, const char *in_sentence, const char *in_advice)
{
  const char *sentence, *advice;

  g_variant_get_child (blockers, at, "(&s&s)", &sentence, &advice);
  g_test_message ("%s. %s", sentence, advice);
  g_assert_nonnull (strstr (sentence, in_sentence));
  g_assert_nonnull (strstr (advice, in_advice));
}

/* 3D names its own switch; what nobody knows of is in QEMU's words. */
static void
test_reasons (MachineFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) one = NULL;
  g_autoptr (GVariant) two = NULL;
  g_autoptr (GVariant) strange = NULL;
  g_autoptr (GVariant) none = NULL;
  Spoken spoken;

  begin (&spoken, f);
  fake_qmp_answer (spoken.fake, "query-migrate",
                   "{\"blocked-reasons\":[\"virgl is not yet migratable\"]}");
  fake_qmp_answer (spoken.fake, "query-migrate",
                   "{\"blocked-reasons\":[\"moon <high>\",\"virgl is not yet migratable\"]}");
  fake_qmp_answer (spoken.fake, "query-migrate", "{\"blocked-reasons\":[7,{},null]}");
  fake_qmp_answer (spoken.fake, "query-migrate", "{}");
  one = check (spoken.machine);
  g_assert_cmpuint (g_variant_n_children (one), ==, 1);
  assert_says (one, 0, "virgl", "display.3d=no");
  two = check (spoken.machine);
  g_assert_cmpuint (g_variant_n_children (two), ==, 2);
  assert_says (two, 0, "moon <high>", "Shut the guest down");
  assert_says (two, 1, "virgl", "display.3d=no");
  strange = check (spoken.machine);
  g_assert_cmpuint (g_variant_n_children (strange), ==, 0);
  none = check (spoken.machine);
  g_assert_cmpuint (g_variant_n_children (none), ==, 0);
  end (&spoken);
}

/* Who lifts what one knows of would find what QEMU says next; what is told already is not told
 * again in QEMU's words. Whoever takes one all the same hears the same, before anything is done. */
static void
test_all (MachineFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) blockers = NULL;
  g_autoptr (GVariant) spare = NULL;
  const char *message;
  LodgeJob *job;
  Spoken spoken;

  begin (&spoken, f);
  fake_qmp_answer (spoken.fake, "query-migrate",
                   "{\"blocked-reasons\":[\"non-migratable device: 0000:00:05.0/vhost-user-fs\","
                   "\"virgl is not yet migratable\"]}");
  spoken.machine->folder_device = LODGE_FOLDER_DEVICE_THERE;
  blockers = check (spoken.machine);
  g_assert_cmpuint (g_variant_n_children (blockers), ==, 2);
  assert_says (blockers, 0, "virtiofs", "sharing.folder-method");
  assert_says (blockers, 1, "virgl", "display.3d=no");

  job = lodge_library_take_snapshot (f->library, spoken.machine, "one", "");
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STATE);
  message = lodge_job_get_error (job)->message;
  g_test_message ("%s", message);
  g_assert_nonnull (strstr (message, "sharing.folder-method"));
  g_assert_nonnull (strstr (message, "display.3d=no"));
  g_assert_null (strstr (message, "vhost-user"));
  g_assert_cmpuint (fake_qmp_count (spoken.fake, "migrate-set-capabilities"), ==, 0);

  /* Without the folder it is QEMU that tells of such a device. */
  spoken.machine->folder_device = LODGE_FOLDER_DEVICE_NONE;
  spare = check (spoken.machine);
  g_assert_cmpuint (g_variant_n_children (spare), ==, 2);
  assert_says (spare, 0, "vhost-user-fs", "Shut the guest down");
  end (&spoken);
}

/* One that says nothing is not one that refuses: the work itself will tell. */
static void
test_silent (MachineFixture *f, gconstpointer data)
{
  g_autoptr (GVariant) blockers = NULL;
  LodgeJob *job;
  Spoken spoken;

  begin (&spoken, f);
  fake_qmp_refuse (spoken.fake, "query-migrate", "GenericError", "Not now");
  blockers = check (spoken.machine);
  g_assert_cmpuint (g_variant_n_children (blockers), ==, 1);
  assert_says (blockers, 0, "Not now", "Shut the guest down");
  job = lodge_library_take_snapshot (f->library, spoken.machine, "one", "");
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_nonnull (lodge_job_get_error (job));
  g_assert_null (strstr (lodge_job_get_error (job)->message, "Not now"));
  end (&spoken);
}

static void
refuse (Spoken *spoken, const char *reasons)
{
  g_autofree char *answer = g_strdup_printf ("{\"blocked-reasons\":%s}", reasons);

  fake_qmp_answer (spoken->fake, "query-migrate", answer);
}

/* Who would suspend it hears the same, with what to do instead; it runs on, and nothing was begun.
 */
static void
test_suspend (MachineFixture *f, gconstpointer data)
{
  static const struct {
    const char *reasons;
    const char *words;
  } rows[] = {
      {"[\"virgl is not yet migratable\"]", "display.3d=no"},
      {"[\"moon <high>\"]", "Shut the guest down instead"},
  };
  Spoken spoken;

  begin (&spoken, f);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const char *message;
    LodgeJob *job;

    refuse (&spoken, rows[i].reasons);
    job = lodge_library_suspend (f->library, spoken.machine);
    g_assert_cmpint (lodge_machine_get_state (spoken.machine), ==, LODGE_STATE_SUSPENDING);
    test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
    g_assert_error (lodge_job_get_error (job), LODGE_ERROR, LODGE_ERROR_STATE);
    message = lodge_job_get_error (job)->message;
    g_test_message ("%s", message);
    g_assert_nonnull (strstr (message, rows[i].words));
    g_assert_null (strstr (message, "snapshot"));
    g_assert_cmpint (lodge_machine_get_state (spoken.machine), ==, LODGE_STATE_RUNNING);
    g_assert_cmpuint (fake_qmp_count (spoken.fake, "migrate-set-capabilities"), ==, 0);
    machine_fixture_assert_tidy (spoken.machine);
  }
  end (&spoken);
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("snapshot-refused/reasons", test_reasons);
  MACHINE_FIXTURE_ADD ("snapshot-refused/all", test_all);
  MACHINE_FIXTURE_ADD ("snapshot-refused/silent", test_silent);
  MACHINE_FIXTURE_ADD ("snapshot-refused/suspend", test_suspend);
  return g_test_run ();
}
