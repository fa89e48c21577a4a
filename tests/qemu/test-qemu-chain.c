/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A QEMU that is told of a new layer: what is asked of it, and what becomes of that where it does
 * not go along. */
#include "qmp-fixture.h"

#include "lodge-error.h"
#include "qemu/lodge-qemu-chain.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define STARTED   "qmp_capabilities query-status"
#define ADDED     STARTED " blockdev-del blockdev-del add-fd blockdev-add blockdev-add blockdev-reopen"
#define NOT_THERE "Failed to find node with node-name='m'"
#define BUSY      "Node 'm' is busy: node is used as backing hd of 'c'"

/* Answers all that a test has not scripted itself. */
static void
be_willing (QmpFixture *fixture, const char *scripted)
{
  static const char *const commands[][2] = {
      {"query-status", "{\"status\": \"paused\"}"},
      {"add-fd", "{\"fdset-id\": 7, \"fd\": 30}"},
      {"blockdev-add", "{}"},
      {"blockdev-reopen", "{}"},
      {"blockdev-del", "{}"},
      {"query-fdsets", "[{\"fdset-id\": 5, \"fds\": [{\"fd\": 3, \"opaque\": \"l2\"}]},"
                       " {\"fdset-id\": 6, \"fds\": [{\"fd\": 4, \"opaque\": \"m\"}]},"
                       " {\"fdset-id\": 8, \"fds\": [{\"fd\": 5}]}, {\"fds\": 3}, 9]"},
      {"remove-fd", "{}"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (scripted == NULL || !g_str_equal (commands[i][0], scripted))
      fake_qmp_answer (fixture->fake, commands[i][0], commands[i][1]);
  }
}

/* "m" on "b", and "c" on that; "l2" and "l1" are gone. */
static gboolean
settle (QmpFixture *fixture, gboolean top, GError **error)
{
  QmpWait wait = {FALSE, NULL};
  LodgeQemuChain *chain = lodge_qemu_chain_new (TRUE, FALSE);
  const LodgeLayer layer = {.id = (char *) "m", .format = (char *) "qcow2", .below = (char *) "b"};
  gboolean settled;

  lodge_qemu_chain_add_layer (chain, &layer, "c", top, open ("/dev/null", O_RDONLY | O_CLOEXEC));
  lodge_qemu_chain_add_gone (chain, "l2");
  lodge_qemu_chain_add_gone (chain, "l1");
  lodge_qemu_chain_settle_async (fixture->qmp, chain, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  settled = lodge_qemu_chain_settle_finish (fixture->qmp, wait.result, error);
  g_object_unref (wait.result);
  qmp_fixture_drain ();
  if (fake_qmp_count (fixture->fake, "add-fd") > 0)
    close (fake_qmp_steal_fd (fixture->fake));
  return settled;
}

static void
assert_commands (QmpFixture *fixture, const char *expected)
{
  g_assert_cmpstr (fake_qmp_get_commands (fixture->fake), ==, expected);
}

/* What is above has the options that it had. */
static void
assert_reopened (QmpFixture *fixture, gboolean top)
{
  JsonArray *options = json_object_get_array_member (
      fake_qmp_get_arguments (fixture->fake, "blockdev-reopen"), "options");
  JsonObject *node = json_array_get_object_element (options, 0);

  g_assert_cmpuint (json_array_get_length (options), ==, 1);
  g_assert_cmpstr (json_object_get_string_member (node, "driver"), ==, "qcow2");
  g_assert_cmpstr (json_object_get_string_member (node, "node-name"), ==, "c");
  g_assert_cmpstr (json_object_get_string_member (node, "file"), ==, "c-file");
  g_assert_cmpstr (json_object_get_string_member (node, "backing"), ==, "m");
  g_assert_true (json_object_has_member (node, "encrypt"));
  g_assert_cmpint (json_object_get_boolean_member (node, "read-only"), ==, !top);
  g_assert_cmpint (json_object_has_member (node, "discard"), ==, top);
  g_assert_cmpint (json_object_has_member (node, "detect-zeroes"), ==, top);
  g_assert_cmpuint (json_object_get_size (node), ==, top ? 8 : 6);
}

static void
test_new (QmpFixture *fixture, gconstpointer top)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "blockdev-del", "GenericError", NOT_THERE);
  fake_qmp_refuse (fixture->fake, "blockdev-del", "GenericError", NOT_THERE);
  fake_qmp_answer (fixture->fake, "blockdev-del", "{}");
  be_willing (fixture, "blockdev-del");
  g_assert_true (settle (fixture, top != NULL, &error));
  g_assert_no_error (error);
  assert_commands (fixture, ADDED " blockdev-del blockdev-del blockdev-del blockdev-del"
                                  " query-fdsets remove-fd");
  assert_reopened (fixture, top != NULL);
  /* Of what is gone, and of nothing else. */
  g_assert_cmpint (
      json_object_get_int_member (fake_qmp_get_arguments (fixture->fake, "remove-fd"), "fdset-id"),
      ==, 5);
  g_assert_cmpstr (
      json_object_get_string_member (fake_qmp_get_arguments (fixture->fake, "add-fd"), "opaque"),
      ==, "m");
}

/* All that is left to do was done by somebody else; what he has not let go of is told. */
static void
test_in_use (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "blockdev-del", "GenericError", BUSY);
  be_willing (fixture, "blockdev-del");
  g_assert_false (settle (fixture, FALSE, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "busy");
  assert_commands (fixture, STARTED " blockdev-del blockdev-del blockdev-del blockdev-del"
                                    " blockdev-del query-fdsets");
}

/* What stands on another of them is let go of first, in whatever order they were named. */
static void
test_again (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "blockdev-del", "GenericError", BUSY);
  fake_qmp_refuse (fixture->fake, "blockdev-del", "GenericError", BUSY);
  fake_qmp_refuse (fixture->fake, "blockdev-del", "GenericError", BUSY);
  fake_qmp_answer (fixture->fake, "blockdev-del", "{}");
  be_willing (fixture, "blockdev-del");
  g_assert_true (settle (fixture, FALSE, &error));
  g_assert_no_error (error);
  /* l2 is in use, l1 goes; then l2. */
  assert_commands (fixture, STARTED " blockdev-del blockdev-del blockdev-del blockdev-del"
                                    " blockdev-del blockdev-del blockdev-del query-fdsets"
                                    " remove-fd");
}

static void
refused (QmpFixture *fixture, const char *command, const char *expected)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, command, "GenericError", "no, thanks");
  be_willing (fixture, command);
  g_assert_false (settle (fixture, FALSE, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_FAILED, "no, thanks");
  assert_commands (fixture, expected);
  /* It is taken back. */
  g_assert_cmpint (
      json_object_get_int_member (fake_qmp_get_arguments (fixture->fake, "remove-fd"), "fdset-id"),
      ==,
      json_object_get_int_member (fake_qmp_get_arguments (fixture->fake, "add-fd"), "fdset-id"));
}

static void
test_refused (QmpFixture *fixture, gconstpointer unused)
{
  refused (fixture, "blockdev-reopen", ADDED " blockdev-del blockdev-del remove-fd");
}

static void
test_not_opened (QmpFixture *fixture, gconstpointer unused)
{
  refused (fixture, "blockdev-add",
           STARTED " blockdev-del blockdev-del add-fd blockdev-add blockdev-del blockdev-del"
                   " remove-fd");
}

/* Two that QEMU has not, of which one is to stand on the other: the lower one is there first. */
static void
test_two_new (QmpFixture *fixture, gconstpointer unused)
{
  const LodgeLayer lower = {.id = (char *) "m", .format = (char *) "qcow2", .below = (char *) "b"};
  const LodgeLayer upper = {.id = (char *) "x", .format = (char *) "qcow2", .below = (char *) "m"};
  LodgeQemuChain *chain = lodge_qemu_chain_new (FALSE, FALSE);
  QmpWait wait = {FALSE, NULL};
  g_autoptr (GError) error = NULL;

  fake_qmp_refuse (fixture->fake, "blockdev-reopen", "GenericError",
                   "Failed to find node with node-name='x'");
  fake_qmp_answer (fixture->fake, "blockdev-reopen", "{}");
  be_willing (fixture, "blockdev-reopen");
  lodge_qemu_chain_add_layer (chain, &lower, "x", FALSE, open ("/dev/null", O_RDONLY | O_CLOEXEC));
  lodge_qemu_chain_add_layer (chain, &upper, "c", TRUE, open ("/dev/null", O_RDONLY | O_CLOEXEC));
  lodge_qemu_chain_settle_async (fixture->qmp, chain, qmp_fixture_done_cb, &wait);
  qmp_fixture_iterate_until (&wait.done);
  g_assert_true (lodge_qemu_chain_settle_finish (fixture->qmp, wait.result, &error));
  g_assert_no_error (error);
  g_object_unref (wait.result);
  qmp_fixture_drain ();
  close (fake_qmp_steal_fd (fixture->fake));
  close (fake_qmp_steal_fd (fixture->fake));
  assert_commands (fixture, ADDED " blockdev-del blockdev-del add-fd blockdev-add blockdev-add"
                                  " blockdev-reopen query-fdsets");
  g_assert_cmpstr (
      json_object_get_string_member (
          json_array_get_object_element (
              json_object_get_array_member (
                  fake_qmp_get_arguments (fixture->fake, "blockdev-reopen"), "options"),
              0),
          "backing"),
      ==, "x");
}

/* Its disks are out of its hands. */
static void
test_away (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_answer (fixture->fake, "query-status", "{\"status\": \"postmigrate\"}");
  be_willing (fixture, "query-status");
  g_assert_false (settle (fixture, FALSE, &error));
  qmp_fixture_assert_error (error, LODGE_ERROR_BUSY, "disks");
  assert_commands (fixture, STARTED);
}

static void
test_hangs_up (QmpFixture *fixture, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;

  fake_qmp_hang_up_on (fixture->fake, "blockdev-reopen");
  be_willing (fixture, "blockdev-reopen");
  g_assert_false (settle (fixture, FALSE, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  assert_commands (fixture, ADDED);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, function)                                                                  \
  g_test_add ("/qemu/chain/" name, QmpFixture, data, qmp_fixture_set_up_connected, function,       \
              qmp_fixture_tear_down)
  ADD ("new", NULL, test_new);
  ADD ("new-below-top", "top", test_new);
  ADD ("in-use", NULL, test_in_use);
  ADD ("again", NULL, test_again);
  ADD ("refused", NULL, test_refused);
  ADD ("not-opened", NULL, test_not_opened);
  ADD ("two-new", NULL, test_two_new);
  ADD ("away", NULL, test_away);
  ADD ("hangs-up", NULL, test_hangs_up);
  return g_test_run ();
}
