/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A drive's change that QEMU, or its guest, does not go along with: all is taken back. */
#include "qmp-fixture.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-drive.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DRIVES                                                                                     \
  "[{\"qdev\": \"disk0\", \"inserted\": {\"node-name\": \"l0\"}},"                                 \
  " {\"qdev\": \"cd0\", \"inserted\": {\"node-name\": \"cd0-3\"}}]"
#define ADD     "qmp_capabilities add-fd blockdev-add blockdev-add query-block blockdev-open-tray"
#define DROPPED " blockdev-del blockdev-del remove-fd"

/* Answers all that a test has not scripted itself. */
static void
be_willing (QmpFixture *fixture, const char *scripted)
{
  static const char *const commands[][2] = {
      {"add-fd", "{\"fdset-id\": 7, \"fd\": 30}"},
      {"query-block", DRIVES},
      {"blockdev-add", "{}"},
      {"blockdev-open-tray", "{}"},
      {"blockdev-remove-medium", "{}"},
      {"blockdev-insert-medium", "{}"},
      {"blockdev-close-tray", "{}"},
      {"blockdev-del", "{}"},
      {"remove-fd", "{}"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (!g_str_equal (commands[i][0], scripted))
      fake_qmp_answer (fixture->fake, commands[i][0], commands[i][1]);
  }
}

static gboolean
change (QmpFixture *fixture, gboolean insert, GError **error)
{
  QmpWait wait = {FALSE, NULL};
  const int fd = insert ? open ("/dev/null", O_RDONLY | O_CLOEXEC) : -1;
  gboolean changed;

  lodge_qemu_drive_change_async (fixture->qmp, "cd0", fd, FALSE, qmp_fixture_done_cb, &wait);
  if (fd >= 0)
    close (fd);
  qmp_fixture_iterate_until (&wait.done);
  changed = lodge_qemu_drive_change_finish (fixture->qmp, wait.result, error);
  g_object_unref (wait.result);
  /* What nobody waits for. */
  qmp_fixture_drain ();
  if (fake_qmp_count (fixture->fake, "add-fd") > 0)
    close (fake_qmp_steal_fd (fixture->fake));
  return changed;
}

static gint64
get_dropped_set (QmpFixture *fixture)
{
  return json_object_get_int_member (fake_qmp_get_arguments (fixture->fake, "remove-fd"),
                                     "fdset-id");
}

static const char *
get_dropped_file (QmpFixture *fixture)
{
  return json_object_get_string_member (fake_qmp_get_arguments (fixture->fake, "blockdev-del"),
                                        "node-name");
}

static void
assert_commands (QmpFixture *fixture, const char *expected)
{
  g_assert_cmpstr (fake_qmp_get_commands (fixture->fake), ==, expected);
}

/* In QEMU's own words nothing can be read for certain; it is asked again. */
static void
test_lets_go (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "blockdev-remove-medium", "GenericError", "Tray is not open");
  fake_qmp_refuse (fixture->fake, "blockdev-remove-medium", "GenericError", "Tray is not open");
  fake_qmp_answer (fixture->fake, "blockdev-remove-medium", "{}");
  be_willing (fixture, "blockdev-remove-medium");
  g_assert_true (change (fixture, TRUE, &error));
  g_assert_no_error (error);
  assert_commands (fixture, ADD " blockdev-remove-medium blockdev-remove-medium"
                                " blockdev-remove-medium blockdev-insert-medium"
                                " blockdev-close-tray" DROPPED);
  /* The old one is gone, with the set that its name tells. */
  g_assert_cmpstr (get_dropped_file (fixture), ==, "cd0-3-file");
  g_assert_cmpint (get_dropped_set (fixture), ==, 3);
  g_assert_cmpstr (
      json_object_get_string_member (
          fake_qmp_get_arguments (fixture->fake, "blockdev-insert-medium"), "node-name"),
      ==, "cd0-7");
}

static void
test_holds (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "blockdev-remove-medium", "GenericError", "Tray is not open");
  be_willing (fixture, "blockdev-remove-medium");
  g_assert_false (change (fixture, TRUE, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_BUSY, "cd0");
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "blockdev-remove-medium"), >, 3);
  g_assert_true (g_str_has_suffix (fake_qmp_get_commands (fixture->fake),
                                   "blockdev-remove-medium blockdev-close-tray" DROPPED));
  g_assert_cmpstr (get_dropped_file (fixture), ==, "cd0-7-file");
  g_assert_cmpint (get_dropped_set (fixture), ==, 7);
}

static void
test_put_back (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "blockdev-insert-medium", "GenericError", "No such luck");
  fake_qmp_answer (fixture->fake, "blockdev-insert-medium", "{}");
  be_willing (fixture, "blockdev-insert-medium");
  g_assert_false (change (fixture, TRUE, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "No such luck");
  assert_commands (fixture, ADD " blockdev-remove-medium blockdev-insert-medium"
                                " blockdev-insert-medium blockdev-close-tray" DROPPED);
  g_assert_cmpstr (
      json_object_get_string_member (
          fake_qmp_get_arguments (fixture->fake, "blockdev-insert-medium"), "node-name"),
      ==, "cd0-3");
  g_assert_cmpstr (get_dropped_file (fixture), ==, "cd0-7-file");
}

static void
test_no_image (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (fixture->fake, "blockdev-add", "{}");
  fake_qmp_refuse (fixture->fake, "blockdev-add", "GenericError", "Not a file");
  be_willing (fixture, "blockdev-add");
  g_assert_false (change (fixture, TRUE, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "Not a file");
  assert_commands (fixture, "qmp_capabilities add-fd blockdev-add blockdev-add" DROPPED);
}

/* What does not fit is an empty drive, and no name is made of it. */
static void
test_odd_answers (QmpFixture *fixture, gconstpointer unused)
{
  static const char *const answers[] = {
      "{}",
      "[]",
      "[1, null, \"cd0\", []]",
      "[{\"qdev\": 3}, {\"qdev\": \"cd0\"}]",
      "[{\"qdev\": \"cd0\", \"inserted\": null}]",
      "[{\"qdev\": \"cd0\", \"inserted\": {\"node-name\": {}}}]",
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    fake_qmp_answer (fixture->fake, "query-block", answers[i]);
  be_willing (fixture, "query-block");
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", answers[i]);
    g_assert_true (change (fixture, FALSE, &error));
    g_assert_no_error (error);
  }
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "blockdev-del"), ==, 0);
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "blockdev-close-tray"), ==,
                    G_N_ELEMENTS (answers));
}

static void
test_no_set (QmpFixture *fixture, gconstpointer unused)
{
  static const char *const answers[] = {"[]", "{}", "{\"fdset-id\": \"x\"}", "{\"fdset-id\": -4}"};

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    fake_qmp_answer (fixture->fake, "add-fd", answers[i]);
  be_willing (fixture, "add-fd");
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (change (fixture, TRUE, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  }
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "blockdev-add"), ==, 0);
}

static void
test_dies (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_hang_up_on (fixture->fake, "blockdev-remove-medium");
  be_willing (fixture, "blockdev-remove-medium");
  g_assert_false (change (fixture, TRUE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  g_assert_cmpuint (fake_qmp_count (fixture->fake, "blockdev-remove-medium"), ==, 1);
}

#define ADD_TEST(name, function)                                                                   \
  g_test_add ("/qemu-drive/" name, QmpFixture, NULL, qmp_fixture_set_up_connected, function,       \
              qmp_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_TEST ("lets-go", test_lets_go);
  ADD_TEST ("holds", test_holds);
  ADD_TEST ("put-back", test_put_back);
  ADD_TEST ("no-image", test_no_image);
  ADD_TEST ("odd-answers", test_odd_answers);
  ADD_TEST ("no-set", test_no_set);
  ADD_TEST ("dies", test_dies);
  return g_test_run ();
}
