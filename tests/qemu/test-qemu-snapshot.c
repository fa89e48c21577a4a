/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A snapshot's memory and a QEMU that does not come on, or whose guest stops by itself: every wait
 * ends, and nobody is made to run who should not. */
#include "qmp-fixture.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-snapshot-private.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Short, for those that wait for it. */
#define PATIENCE_MS 1000

#define STATUS(status) "{\"status\":\"" status "\"}"

typedef struct {
  QmpFixture qmp;
  LodgeQemuSnapshot *snapshot;
  int fd; /* of the memory's file */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  static const char *const willing[] = {
      "migrate-set-capabilities", "migrate-set-parameters", "getfd", "migrate", "migrate-continue",
      "migrate-incoming",         "migrate_cancel",         "cont",  "stop"};
  g_autofree char *name = NULL;

  qmp_fixture_set_up_connected (&f->qmp, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (willing); i++)
    fake_qmp_answer (f->qmp.fake, willing[i], "{}");
  fake_qmp_answer (f->qmp.fake, "query-block", "[]");
  lodge_qemu_snapshot_patience_ms = QMP_FIXTURE_LONG_MS;
  f->snapshot = lodge_qemu_snapshot_new (f->qmp.qmp);
  f->fd = g_file_open_tmp (NULL, &name, NULL);
  g_assert_cmpint (f->fd, >=, 0);
  g_unlink (name);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  int fd;

  qmp_fixture_drain ();
  g_object_add_weak_pointer (G_OBJECT (f->snapshot), (gpointer *) &f->snapshot);
  g_object_unref (f->snapshot);
  qmp_fixture_drain ();
  g_assert_null (f->snapshot);
  close (f->fd);
  if ((fd = fake_qmp_steal_fd (f->qmp.fake)) >= 0)
    close (fd);
  qmp_fixture_tear_down (&f->qmp, NULL);
}

static void
freeze (Fixture *f, LodgeQemuSnapshotProgress progress, gpointer data, QmpWait *wait)
{
  /* After what the test has said of it. */
  fake_qmp_answer (f->qmp.fake, "query-status", STATUS ("running"));
  lodge_qemu_snapshot_freeze_async (f->snapshot, f->fd, 1 << 20, progress, data, NULL,
                                    qmp_fixture_done_cb, wait);
}

static gboolean
finish (Fixture *f, QmpWait *wait, GError **error)
{
  gboolean well;

  qmp_fixture_iterate_until (&wait->done);
  well = lodge_qemu_snapshot_finish (f->snapshot, wait->result, error);
  g_clear_object (&wait->result);
  wait->done = FALSE;
  return well;
}

static void
until (Fixture *f, const char *command, guint times)
{
  while (fake_qmp_count (f->qmp.fake, command) < times)
    g_main_context_iteration (NULL, TRUE);
}

/* Each wait for a QEMU that stays where it is. */
static void
test_stuck (Fixture *f, gconstpointer data)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  lodge_qemu_snapshot_patience_ms = PATIENCE_MS;
  fake_qmp_answer (f->qmp.fake, "query-migrate", STATUS ("active"));
  freeze (f, NULL, NULL, &wait);
  fake_qmp_answer (f->qmp.fake, "query-status", STATUS ("finish-migrate"));
  g_assert_false (finish (f, &wait, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_TIMEOUT, "no progress");
  g_clear_error (&error);

  lodge_qemu_snapshot_switch_async (f->snapshot, qmp_fixture_done_cb, &wait);
  g_assert_false (finish (f, &wait, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_TIMEOUT, "no progress");
  g_clear_error (&error);

  lodge_qemu_snapshot_go_on_async (f->snapshot, qmp_fixture_done_cb, &wait);
  g_assert_false (finish (f, &wait, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_TIMEOUT, "no progress");
  g_assert_cmpuint (fake_qmp_count (f->qmp.fake, "cont"), ==, 0);
  g_clear_error (&error);

  lodge_qemu_snapshot_end_async (f->snapshot, qmp_fixture_done_cb, &wait);
  g_assert_false (finish (f, &wait, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_TIMEOUT, "no progress");
}

/* One that does not even answer. */
static void
test_silent (Fixture *f, gconstpointer data)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  lodge_qemu_snapshot_patience_ms = PATIENCE_MS;
  fake_qmp_ignore (f->qmp.fake, "query-status");
  lodge_qemu_snapshot_go_on_async (f->snapshot, qmp_fixture_done_cb, &wait);
  g_assert_false (finish (f, &wait, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_TIMEOUT, "no progress");
}

/* Cancelled in the moment before its pause, QEMU stays in that until it is told to go on. */
static void
test_cancelled_before_pause (Fixture *f, gconstpointer data)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (f->qmp.fake, "query-migrate", STATUS ("cancelling"));
  lodge_qemu_snapshot_end_async (f->snapshot, qmp_fixture_done_cb, &wait);
  while (fake_qmp_count (f->qmp.fake, "migrate-continue") == 0) {
    g_assert_false (wait.done);
    g_main_context_iteration (NULL, TRUE);
  }
  g_assert_cmpstr (json_object_get_string_member (
                       fake_qmp_get_arguments (f->qmp.fake, "migrate-continue"), "state"),
                   ==, "cancelling");
  fake_qmp_answer (f->qmp.fake, "query-migrate", STATUS ("cancelled"));
  g_assert_true (finish (f, &wait, &error));
  g_assert_no_error (error);
}

static gint64
get_downtime (Fixture *f)
{
  return json_object_get_int_member (fake_qmp_get_arguments (f->qmp.fake, "migrate-set-parameters"),
                                     "downtime-limit");
}

/* A guest that changes its memory so fast that the little time in which it should be stopped is not
 * enough may stand still for longer, once, and not at once. */
static void
test_eased (Fixture *f, gconstpointer data)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (f->qmp.fake, "query-migrate", STATUS ("active"));
  freeze (f, NULL, NULL, &wait);
  until (f, "query-migrate", 1);
  g_assert_cmpint (get_downtime (f), ==, 50);
  fake_qmp_emit (f->qmp.fake, "MIGRATION_PASS", "{\"pass\":11}");
  until (f, "query-migrate", 2);
  g_assert_cmpuint (fake_qmp_count (f->qmp.fake, "migrate-set-parameters"), ==, 1);
  fake_qmp_emit (f->qmp.fake, "MIGRATION_PASS", "{\"pass\":12}");
  fake_qmp_emit (f->qmp.fake, "MIGRATION_PASS", "{\"pass\":13}");
  until (f, "migrate-set-parameters", 2);
  g_assert_cmpint (get_downtime (f), ==, 300);
  fake_qmp_emit (f->qmp.fake, "MIGRATION", STATUS ("pre-switchover"));
  g_assert_true (finish (f, &wait, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fake_qmp_count (f->qmp.fake, "migrate-set-parameters"), ==, 2);
}

/* Or when nearly as much is written as may be, before it is made to stand still for that. */
static void
test_eased_late (Fixture *f, gconstpointer data)
{
  static const char active[] = "{\"status\":\"active\",\"ram\":{\"transferred\":%u,"
                               "\"total\":1000000,\"remaining\":500000}}";
  g_autofree char *some = g_strdup_printf (active, 800000u);
  g_autofree char *most = g_strdup_printf (active, 900000u);
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (f->qmp.fake, "query-migrate", some);
  freeze (f, NULL, NULL, &wait);
  until (f, "query-migrate", 3);
  g_assert_cmpuint (fake_qmp_count (f->qmp.fake, "migrate-set-parameters"), ==, 1);
  fake_qmp_answer (f->qmp.fake, "query-migrate", most);
  until (f, "migrate-set-parameters", 2);
  g_assert_cmpint (get_downtime (f), ==, 300);
  g_assert_cmpuint (fake_qmp_count (f->qmp.fake, "stop"), ==, 0);
  fake_qmp_emit (f->qmp.fake, "MIGRATION", STATUS ("pre-switchover"));
  g_assert_true (finish (f, &wait, &error));
  g_assert_no_error (error);
}

static void
count_cb (double fraction, gpointer user_data)
{
  (*(guint *) user_data)++;
}

/* What goes on may take as long as it likes. There is a question every 200 ms: so many of them take
 * longer than QEMU has. */
#define SLOW_PATIENCE_MS 2000
#define SLOW_QUESTIONS   13

static void
test_slow (Fixture *f, gconstpointer data)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;
  guint n = 0;

  lodge_qemu_snapshot_patience_ms = SLOW_PATIENCE_MS;
  for (guint i = 1; i <= 2 * SLOW_QUESTIONS; i++) {
    g_autofree char *answer = g_strdup_printf (
        "{\"status\":\"active\",\"ram\":{\"transferred\":%u,\"total\":100,\"remaining\":%u}}", i,
        100 - i);

    fake_qmp_answer (f->qmp.fake, "query-migrate", answer);
  }
  freeze (f, count_cb, &n, &wait);
  while (n <= SLOW_QUESTIONS) { /* the first is before any question */
    g_assert_false (wait.done);
    g_main_context_iteration (NULL, TRUE);
  }
  fake_qmp_emit (f->qmp.fake, "MIGRATION", STATUS ("pre-switchover"));
  g_assert_true (finish (f, &wait, &error));
  g_assert_no_error (error);
}

/* The place in the file is progress, too: of a QEMU that reads it nothing else is known. */
static void
test_slow_file (Fixture *f, gconstpointer data)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  lodge_qemu_snapshot_patience_ms = SLOW_PATIENCE_MS;
  fake_qmp_answer (f->qmp.fake, "query-migrate", STATUS ("active"));
  freeze (f, NULL, NULL, &wait);
  for (guint i = 1; i <= SLOW_QUESTIONS; i++) {
    until (f, "query-migrate", i);
    g_assert_false (wait.done);
    g_assert_cmpint (lseek (f->fd, (off_t) i * 4096, SEEK_SET), ==, (off_t) i * 4096);
  }
  fake_qmp_emit (f->qmp.fake, "MIGRATION", STATUS ("pre-switchover"));
  g_assert_true (finish (f, &wait, &error));
  g_assert_no_error (error);
}

/* Another QEMU reads it. */
static void
test_load (Fixture *f, gconstpointer data)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (f->qmp.fake, "query-migrate", STATUS ("active"));
  fake_qmp_answer (f->qmp.fake, "query-migrate", STATUS ("completed"));
  lodge_qemu_snapshot_load_async (f->qmp.qmp, f->fd, -1, NULL, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  g_assert_true (lodge_qemu_snapshot_load_finish (wait.result, &error));
  g_clear_object (&wait.result);
}

/* A limit of 60 s is not asked for thirty thousand times. */
static gboolean
look_cb (JsonObject *answer, guint64 *out_mark, gpointer user_data)
{
  (*(guint *) user_data)++;
  return TRUE;
}

static void
failed_cb (GError *error, gpointer user_data)
{
  *(GError **) user_data = error;
}

typedef struct {
  guint n; /* first: it is what is counted */
  GError *error;
} Polled;

static void
polled_failed_cb (GError *error, gpointer user_data)
{
  failed_cb (error, &((Polled *) user_data)->error);
}

static void
test_backs_off (Fixture *f, gconstpointer data)
{
  g_autoptr (LodgeQemuPoll) poll = NULL;
  Polled polled = {0};

  fake_qmp_answer (f->qmp.fake, "query-status", STATUS ("finish-migrate"));
  poll = lodge_qemu_poll_new (f->qmp.qmp, "query-status", 2, 50, 1000, look_cb, polled_failed_cb,
                              &polled);
  while (polled.error == NULL)
    g_main_context_iteration (NULL, TRUE);
  qmp_fixture_assert_error (polled.error, LODGE_ERROR_TIMEOUT, "for 1 second");
  g_clear_error (&polled.error);
  /* 2, 4, 7, 11, 17, 26, 40, 50, 50, ... milliseconds are 26 questions; every 2 ms it is 500. */
  g_assert_cmpuint (polled.n, <=, 28);
}

static void
assert_cont (Fixture *f, const char *status, guint n)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;
  guint before = fake_qmp_count (f->qmp.fake, "cont");

  fake_qmp_answer (f->qmp.fake, "query-status", status);
  lodge_qemu_snapshot_go_on_async (f->snapshot, qmp_fixture_done_cb, &wait);
  g_assert_true (finish (f, &wait, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fake_qmp_count (f->qmp.fake, "cont") - before, ==, n);
}

/* A guest that stands still after its memory was written before: QEMU has to let go of that. It
 * stands still again before anything else is done. */
static void
test_again (Fixture *f, gconstpointer data)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (f->qmp.fake, "query-migrate", STATUS ("pre-switchover"));
  fake_qmp_answer (f->qmp.fake, "query-status", STATUS ("finish-migrate"));
  fake_qmp_answer (f->qmp.fake, "query-status", STATUS ("postmigrate"));
  freeze (f, NULL, NULL, &wait);
  g_assert_true (finish (f, &wait, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fake_qmp_count (f->qmp.fake, "cont"), ==, 1);
  g_assert_nonnull (strstr (fake_qmp_get_commands (f->qmp.fake),
                            " query-status query-status cont stop migrate-set-capabilities "));
}

static void
test_again_refused (Fixture *f, gconstpointer data)
{
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  assert_cont (f, STATUS ("paused"), 1);
  fake_qmp_refuse (f->qmp.fake, "cont", "GenericError", "The image is locked");
  fake_qmp_answer (f->qmp.fake, "query-status", STATUS ("postmigrate"));
  freeze (f, NULL, NULL, &wait);
  g_assert_false (finish (f, &wait, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "The image is locked");
  g_assert_cmpuint (fake_qmp_count (f->qmp.fake, "migrate"), ==, 0);
}

/* What QEMU calls the guest's state decides, where it is the guest's own. */
static void
test_goes_on (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *status;
    guint n;
  } statuses[] = {
      {STATUS ("postmigrate"), 1},    {STATUS ("paused"), 1},   {STATUS ("running"), 1},
      {STATUS ("guest-panicked"), 0}, {STATUS ("io-error"), 0}, {STATUS ("internal-error"), 0},
      {STATUS ("shutdown"), 0},
  };

  assert_cont (f, statuses[GPOINTER_TO_INT (data)].status, statuses[GPOINTER_TO_INT (data)].n);
}

/* QEMU forgets why a guest stopped once the memory is written: it is "postmigrate" then. */
static void
test_stopped (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *event;
    const char *data;
    int code;
    guint n;
  } events[] = {
      {"GUEST_PANICKED", "{\"action\":\"pause\"}", LODGE_ERROR_STATE, 0},
      {"SHUTDOWN", "{\"guest\":true,\"reason\":\"guest-shutdown\"}", LODGE_ERROR_STATE, 0},
      {"BLOCK_IO_ERROR", "{\"action\":\"stop\",\"nospace\":false}", LODGE_ERROR_STATE, 0},
      /* For want of the room that the memory has taken, which it gives back. */
      {"BLOCK_IO_ERROR", "{\"action\":\"stop\",\"nospace\":true}", LODGE_ERROR_STORAGE, 1},
  };
  const guint i = GPOINTER_TO_UINT (data);
  QmpWait wait = {FALSE};
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (f->qmp.fake, "query-migrate", STATUS ("active"));
  freeze (f, NULL, NULL, &wait);
  until (f, "query-migrate", 1);
  fake_qmp_emit (f->qmp.fake, "BLOCK_IO_ERROR", "{\"action\":\"report\"}");
  fake_qmp_emit (f->qmp.fake, events[i].event, events[i].data);
  g_assert_false (finish (f, &wait, &error));
  g_assert_error (error, LODGE_ERROR, events[i].code);
  g_clear_error (&error);
  /* Nor is it switched to the new disks. */
  lodge_qemu_snapshot_switch_async (f->snapshot, qmp_fixture_done_cb, &wait);
  g_assert_false (finish (f, &wait, &error));
  g_assert_error (error, LODGE_ERROR, events[i].code);
  g_assert_cmpuint (fake_qmp_count (f->qmp.fake, "migrate-continue"), ==, 0);
  assert_cont (f, STATUS ("postmigrate"), events[i].n);
}

#define ADD(name, data, function)                                                                  \
  g_test_add ("/qemu/snapshot/" name, Fixture, data, set_up, function, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("stuck", NULL, test_stuck);
  ADD ("silent", NULL, test_silent);
  ADD ("cancelled-before-pause", NULL, test_cancelled_before_pause);
  ADD ("eased", NULL, test_eased);
  ADD ("eased-late", NULL, test_eased_late);
  ADD ("slow", NULL, test_slow);
  ADD ("slow-file", NULL, test_slow_file);
  ADD ("load", NULL, test_load);
  ADD ("again", NULL, test_again);
  ADD ("again-refused", NULL, test_again_refused);
  ADD ("backs-off", NULL, test_backs_off);
  for (guint i = 0; i < 7; i++) {
    g_autofree char *path = g_strdup_printf ("/qemu/snapshot/goes-on/%u", i);

    g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up, test_goes_on, tear_down);
  }
  for (guint i = 0; i < 4; i++) {
    g_autofree char *path = g_strdup_printf ("/qemu/snapshot/stopped/%u", i);

    g_test_add (path, Fixture, GUINT_TO_POINTER (i), set_up, test_stopped, tear_down);
  }
  return g_test_run ();
}
