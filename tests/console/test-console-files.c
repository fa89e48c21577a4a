/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files into the guest: exact bytes, one after the other, and every way in which it can fail. */
#include "console/lodge-console-session.h"
#include "lodge-error.h"
#include "spice-fixture-agent.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHORT_LIMIT_MS 300
/* More than what goes in one piece (64 KiB), and no multiple of it. */
#define LARGE 300001

typedef struct {
  SpiceFixture *server;
  SpiceFixtureAgent *agent;
  LodgeConsoleSession *session;
  LodgeConsoleFiles *files;
  char *folder;
  guint copied;
  guint steps; /* of the progress */
  double progress;
  const char *log;
  LodgeConsoleTransfer *transfer;
  LodgeTransferState state;
} Test;

static void
copied_cb (LodgeConsoleFiles *files, LodgeConsoleTransfer *transfer, Test *test)
{
  g_assert_cmpint (lodge_console_transfer_get_state (transfer), ==, LODGE_TRANSFER_DONE);
  g_assert_cmpfloat (lodge_console_transfer_get_progress (transfer), ==, 1);
  test->copied++;
}

static gboolean
is_available (gpointer data)
{
  return lodge_console_files_get_available (((Test *) data)->files);
}

static gboolean
is_unavailable (gpointer data)
{
  return !is_available (data);
}

/* The library sends that it gave a file up only together with what comes next. */
static gboolean
ends_with_log (gpointer data)
{
  Test *test = data;

  return g_str_has_suffix (spice_fixture_agent_get_log (test->agent), test->log);
}

static gboolean
is_log (gpointer data)
{
  Test *test = data;

  return strcmp (spice_fixture_agent_get_log (test->agent), test->log) == 0;
}

static void
expect_log (Test *test, const char *log)
{
  test->log = log;
  if (!spice_fixture_wait (is_log, test))
    g_error ("“%s” instead of “%s”", spice_fixture_agent_get_log (test->agent), log);
  spice_fixture_agent_clear (test->agent);
}

static gboolean
is_state (gpointer data)
{
  Test *test = data;

  return lodge_console_transfer_get_state (test->transfer) == test->state;
}

static void
expect_state (Test *test, LodgeConsoleTransfer *transfer, LodgeTransferState state)
{
  test->transfer = transfer;
  test->state = state;
  g_assert_true (spice_fixture_wait (is_state, test));
}

/* Its sentence names the file and says @part. */
static void
expect_failure (Test *test, LodgeConsoleTransfer *transfer, const char *name, const char *part)
{
  expect_state (test, transfer, LODGE_TRANSFER_FAILED);
  const char *sentence = lodge_console_transfer_get_sentence (transfer);
  g_test_message ("%s", sentence);
  g_assert_nonnull (strstr (sentence, part));
  if (name != NULL)
    g_assert_nonnull (strstr (sentence, name));
  g_assert_null (strchr (sentence, '\n'));
}

static void
progress_cb (LodgeConsoleTransfer *transfer, GParamSpec *pspec, Test *test)
{
  const double progress = lodge_console_transfer_get_progress (transfer);

  g_assert_cmpfloat (progress, >, test->progress);
  test->progress = progress;
  test->steps++;
}

static GFile *
make_file (Test *test, const char *name, gconstpointer data, gsize size)
{
  g_autofree char *path = g_build_filename (test->folder, name, NULL);

  g_assert_true (g_file_set_contents (path, data, size, NULL));
  return g_file_new_for_path (path);
}

/* Consumes the files; returns the first one's transfer, lent until it leaves the list. */
static LodgeConsoleTransfer *
send_files (Test *test, GFile *first, GFile *second)
{
  g_autoslist (GFile) files = g_slist_prepend (NULL, first);
  g_autoptr (GError) error = NULL;
  const guint position = g_list_model_get_n_items (G_LIST_MODEL (test->files));

  if (second != NULL)
    files = g_slist_append (files, second);
  g_assert_true (lodge_console_files_send (test->files, files, &error));
  g_assert_no_error (error);
  g_autoptr (LodgeConsoleTransfer) transfer =
      g_list_model_get_item (G_LIST_MODEL (test->files), position);
  g_assert_true (LODGE_IS_CONSOLE_TRANSFER (transfer));
  return transfer;
}

static void
setup (Test *test, guint32 capabilities)
{
  *test = (Test){.server = spice_fixture_new (640, 480, TRUE)};
  test->folder = g_dir_make_tmp ("lodge-XXXXXX", NULL);
  test->agent = spice_fixture_agent_new (test->server);
  spice_fixture_agent_announce (test->agent, capabilities);
  test->session = lodge_console_session_new_for_open (spice_fixture_open, test->server);
  test->files = lodge_console_session_get_files (test->session);
  lodge_console_files_set_enabled (test->files, TRUE);
  g_signal_connect (test->files, "copied", G_CALLBACK (copied_cb), test);
  lodge_console_session_open (test->session);
  if ((capabilities & 1u << VD_AGENT_CAP_FILE_XFER_DISABLED) == 0)
    g_assert_true (spice_fixture_wait (is_available, test));
  spice_fixture_settle ();
  spice_fixture_agent_clear (test->agent);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);
    g_remove (child);
  }
  g_rmdir (path);
}

static void
teardown (Test *test)
{
  g_object_add_weak_pointer (G_OBJECT (test->files), (gpointer *) &test->files);
  g_assert_finalize_object (test->session);
  g_assert_null (test->files);
  spice_fixture_settle ();
  if (test->agent != NULL)
    spice_fixture_agent_free (test->agent);
  spice_fixture_free (test->server);
  remove_folder (test->folder);
  g_free (test->folder);
}

static gboolean
is_large (gpointer data)
{
  return ((GByteArray *) data)->len >= LARGE;
}

static gboolean
has_copied_two (gpointer data)
{
  return ((Test *) data)->copied == 2;
}

static gboolean
is_held (gpointer data)
{
  return spice_fixture_agent_is_held (data);
}

static void
test_copies (void)
{
  Test test;
  g_autofree guint8 *large = g_malloc (LARGE);

  for (guint i = 0; i < LARGE; i++)
    large[i] = (guint8) (i * 7 + i / 251);
  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  LodgeConsoleTransfer *transfer =
      send_files (&test, make_file (&test, "großer <b> &.bin", large, LARGE),
                  make_file (&test, "empty", "", 0));
  g_object_add_weak_pointer (G_OBJECT (transfer), (gpointer *) &transfer);
  g_signal_connect (transfer, "notify::progress", G_CALLBACK (progress_cb), &test);
  g_assert_cmpstr (lodge_console_transfer_get_name (transfer), ==, "großer <b> &.bin");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test.files)), ==, 2);
  g_assert_cmpuint (lodge_console_files_get_n_unfinished (test.files), ==, 2);

  /* Only the first one is begun. */
  expect_log (&test, "start1");
  g_autoptr (GKeyFile) start = g_key_file_new ();
  g_assert_true (g_key_file_load_from_data (start, spice_fixture_agent_get_file_start (test.agent),
                                            -1, G_KEY_FILE_NONE, NULL));
  g_autofree char *name = g_key_file_get_string (start, "vdagent-file-xfer", "name", NULL);
  g_assert_cmpstr (name, ==, "großer <b> &.bin");
  g_assert_cmpuint (g_key_file_get_uint64 (start, "vdagent-file-xfer", "size", NULL), ==, LARGE);

  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  expect_log (&test, "data1");
  GByteArray *arrived = spice_fixture_agent_get_file (test.agent);
  g_assert_true (spice_fixture_wait (is_large, arrived));
  spice_fixture_settle ();
  g_assert_cmpmem (arrived->data, arrived->len, large, LARGE);
  g_assert_cmpuint (test.copied, ==, 0); /* the guest has not said so */
  spice_fixture_agent_clear (test.agent);
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_SUCCESS);

  expect_log (&test, "start2");
  g_assert_cmpuint (test.copied, ==, 1);
  g_assert_null (transfer);
  g_assert_cmpfloat (test.progress, ==, 1);
  g_assert_cmpuint (test.steps, >=, 3);
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  expect_log (&test, "data2");
  g_assert_cmpuint (arrived->len, ==, 0);
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  g_assert_true (spice_fixture_wait (has_copied_two, &test));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test.files)), ==, 0);
  teardown (&test);
}

/* What the agent answers to the announcement of a file, and in the middle of it. */
static void
test_refused (void)
{
  static const struct {
    guint32 result;
    gboolean in_the_middle;
    const char *part;
  } rows[] = {
      {VD_AGENT_FILE_XFER_STATUS_DISABLED, FALSE, "disabled"},
      {VD_AGENT_FILE_XFER_STATUS_NOT_ENOUGH_SPACE, FALSE, "space"},
      {VD_AGENT_FILE_XFER_STATUS_SESSION_LOCKED, FALSE, "locked"},
      {VD_AGENT_FILE_XFER_STATUS_VDAGENT_NOT_CONNECTED, FALSE, "not connected"},
      {VD_AGENT_FILE_XFER_STATUS_ERROR, FALSE, "error"},
      {VD_AGENT_FILE_XFER_STATUS_ERROR, TRUE, "error"},
      {VD_AGENT_FILE_XFER_STATUS_CANCELLED, TRUE, "cancelled"},
  };
  Test test;
  g_autofree guint8 *large = g_malloc0 (LARGE);

  g_setenv ("LANGUAGE", "en", TRUE);
  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *start = g_strdup_printf ("start%u", i + 1);
    g_autofree char *data = g_strdup_printf ("data%u", i + 1);

    LodgeConsoleTransfer *transfer =
        send_files (&test, make_file (&test, "file %s <b>", large, LARGE), NULL);
    test.log = start;
    g_assert_true (spice_fixture_wait (ends_with_log, &test));
    spice_fixture_agent_clear (test.agent);
    if (rows[i].in_the_middle) {
      spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
      test.log = data;
      g_assert_true (spice_fixture_wait (ends_with_log, &test));
    }
    spice_fixture_agent_file_status (test.agent, 0, rows[i].result);
    expect_failure (&test, transfer, "“file %s <b>”", rows[i].part);
    spice_fixture_settle ();
    spice_fixture_agent_clear (test.agent);
    /* It stays to be read. */
    g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test.files)), ==, 1);
    g_assert_cmpuint (lodge_console_files_get_n_unfinished (test.files), ==, 0);
    lodge_console_files_dismiss (test.files, transfer);
    g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test.files)), ==, 0);
  }
  g_assert_cmpuint (test.copied, ==, 0);
  teardown (&test);
}

static void
test_cancel (void)
{
  Test test;
  g_autofree guint8 *large = g_malloc0 (LARGE);

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  LodgeConsoleTransfer *first = send_files (&test, make_file (&test, "a", large, LARGE),
                                            make_file (&test, "b", large, LARGE));
  expect_log (&test, "start1");

  /* One that waits is just gone. */
  g_autoptr (LodgeConsoleTransfer) second = g_list_model_get_item (G_LIST_MODEL (test.files), 1);
  lodge_console_transfer_cancel (second);
  g_assert_cmpint (lodge_console_transfer_get_state (second), ==, LODGE_TRANSFER_CANCELLED);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test.files)), ==, 1);

  /* The guest, which has taken a part, is told. */
  spice_fixture_agent_stall (test.agent, TRUE);
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  g_assert_true (spice_fixture_wait (is_held, test.agent));
  g_assert_cmpint (lodge_console_transfer_get_state (first), ==, LODGE_TRANSFER_RUNNING);
  lodge_console_transfer_cancel (first);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test.files)), ==, 0);
  spice_fixture_agent_stall (test.agent, FALSE);
  expect_log (&test, "data1 status1:1");
  g_assert_cmpuint (spice_fixture_agent_get_file (test.agent)->len, <, LARGE);

  /* One whose guest never answers is over as well, and holds up nobody. */
  first = send_files (&test, make_file (&test, "c", large, LARGE),
                      make_file (&test, "d", large, LARGE));
  expect_log (&test, "start2");
  lodge_console_transfer_cancel (first);
  expect_log (&test, "start3");
  /* When it does answer it is told, though there is nothing else to say. */
  spice_fixture_agent_file_status (test.agent, 2, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  expect_log (&test, "status2:1");
  spice_fixture_agent_request (test.agent, 0, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  expect_log (&test, "data0:0=0");

  /* Switched off: all are cancelled, and none is taken. */
  g_autoslist (GFile) files = g_slist_prepend (NULL, make_file (&test, "e", "e", 1));
  g_autoptr (GError) error = NULL;
  lodge_console_files_set_enabled (test.files, FALSE);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test.files)), ==, 0);
  g_assert_false (lodge_console_files_send (test.files, files, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_DENIED);
  g_test_message ("%s", error->message);
  g_assert_cmpuint (test.copied, ==, 0);
  teardown (&test);
}

static void
test_silent (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_files_set_time_limit (test.files, SHORT_LIMIT_MS);
  LodgeConsoleTransfer *first =
      send_files (&test, make_file (&test, "a", "a", 1), make_file (&test, "b", "b", 1));
  expect_failure (&test, first, "“a”", "has not answered");
  /* The next one has its turn, and its own time. */
  g_autoptr (LodgeConsoleTransfer) second = g_list_model_get_item (G_LIST_MODEL (test.files), 1);
  g_assert_cmpint (lodge_console_transfer_get_state (second), ==, LODGE_TRANSFER_RUNNING);
  expect_failure (&test, second, "“b”", "has not answered");
  teardown (&test);
}

static gboolean
over_cb (gpointer over)
{
  *(gboolean *) over = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
is_set (gpointer flag)
{
  return *(gboolean *) flag;
}

/* Longer than the guest may stay silent. */
static void
let_limit_pass (void)
{
  gboolean over = FALSE;

  g_timeout_add (3 * SHORT_LIMIT_MS, over_cb, &over);
  g_assert_true (spice_fixture_wait (is_set, &over));
}

/* A guest that is paused cannot answer: paused before a file is begun, and while it is given. */
static void
test_paused (void)
{
  Test test;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  lodge_console_files_set_time_limit (test.files, SHORT_LIMIT_MS);
  lodge_console_files_set_paused (test.files, TRUE);
  LodgeConsoleTransfer *first =
      send_files (&test, make_file (&test, "a", "a", 1), make_file (&test, "b", "b", 1));
  expect_log (&test, "start1");
  let_limit_pass ();
  g_assert_cmpint (lodge_console_transfer_get_state (first), ==, LODGE_TRANSFER_RUNNING);
  /* What comes of it nevertheless does not begin its time. */
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  expect_log (&test, "data1");
  let_limit_pass ();
  g_assert_cmpint (lodge_console_transfer_get_state (first), ==, LODGE_TRANSFER_RUNNING);

  /* It goes on, and may be silent no longer than any other. */
  g_autoptr (LodgeConsoleTransfer) second = g_list_model_get_item (G_LIST_MODEL (test.files), 1);
  lodge_console_files_set_paused (test.files, FALSE);
  expect_failure (&test, first, "“a”", "has not answered");
  expect_state (&test, second, LODGE_TRANSFER_RUNNING);
  lodge_console_files_set_paused (test.files, TRUE);
  let_limit_pass ();
  g_assert_cmpint (lodge_console_transfer_get_state (second), ==, LODGE_TRANSFER_RUNNING);
  lodge_console_files_set_paused (test.files, FALSE);
  expect_failure (&test, second, "“b”", "has not answered");
  teardown (&test);
}

/* What is no regular file is not opened: a pipe would hang. */
static void
test_no_files (void)
{
  Test test;
  g_autofree char *pipe = NULL;
  g_autofree char *link = NULL;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  LodgeConsoleTransfer *transfer = send_files (&test, g_file_new_for_path (test.folder), NULL);
  expect_failure (&test, transfer, strrchr (test.folder, '/') + 1, "is a folder");
  lodge_console_files_dismiss (test.files, transfer);

  pipe = g_build_filename (test.folder, "pipe", NULL);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  transfer = send_files (&test, g_file_new_for_path (pipe), g_file_new_for_path ("/dev/null"));
  expect_failure (&test, transfer, "“pipe”", "regular");
  lodge_console_files_dismiss (test.files, transfer);
  transfer = g_list_model_get_item (G_LIST_MODEL (test.files), 0);
  expect_failure (&test, transfer, "“null”", "regular");
  lodge_console_files_dismiss (test.files, transfer);
  g_object_unref (transfer);

  transfer = send_files (&test, g_file_new_for_path ("/nonexistent/%n\xff"), NULL);
  expect_failure (&test, transfer, "%n", "could not be read");
  g_assert_true (g_utf8_validate (lodge_console_transfer_get_name (transfer), -1, NULL));
  lodge_console_files_dismiss (test.files, transfer);
  expect_log (&test, "");

  /* A link is followed; the guest gets its name. */
  g_object_unref (make_file (&test, "real", "1234", 4));
  link = g_build_filename (test.folder, "link", NULL);
  g_assert_cmpint (symlink ("real", link), ==, 0);
  send_files (&test, g_file_new_for_path (link), NULL);
  expect_log (&test, "start1");
  g_assert_nonnull (strstr (spice_fixture_agent_get_file_start (test.agent), "size=4"));
  teardown (&test);
}

static void
test_too_many (void)
{
  Test test;
  g_autoslist (GFile) files = NULL;
  g_autoptr (GError) error = NULL;

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  g_autoptr (GFile) file = make_file (&test, "a", "a", 1);
  for (guint i = 0; i < LODGE_CONSOLE_FILES_MAX; i++)
    files = g_slist_prepend (files, g_object_ref (file));
  g_assert_true (lodge_console_files_send (test.files, files, &error));
  g_assert_no_error (error);
  g_autoslist (GFile) one_more = g_slist_prepend (NULL, g_object_ref (file));
  g_assert_false (lodge_console_files_send (test.files, one_more, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_test_message ("%s", error->message);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test.files)), ==,
                    LODGE_CONSOLE_FILES_MAX);
  teardown (&test);
}

static void
test_no_agent (void)
{
  Test test;
  g_autoptr (GError) error = NULL;

  /* One that says that it takes no files. */
  setup (&test, SPICE_FIXTURE_AGENT_LINUX | 1u << VD_AGENT_CAP_FILE_XFER_DISABLED);
  g_autoslist (GFile) files = g_slist_prepend (NULL, make_file (&test, "a", "a", 1));
  g_assert_false (is_available (&test));
  g_assert_false (lodge_console_files_send (test.files, files, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_test_message ("%s", error->message);
  g_clear_error (&error);

  spice_fixture_agent_free (test.agent);
  test.agent = spice_fixture_agent_new (test.server);
  spice_fixture_agent_announce (test.agent, SPICE_FIXTURE_AGENT_LINUX);
  g_assert_true (spice_fixture_wait (is_available, &test));

  /* Gone in the middle: what runs and what waits ends. */
  LodgeConsoleTransfer *first =
      send_files (&test, make_file (&test, "b", "b", 1), make_file (&test, "c", "c", 1));
  expect_log (&test, "start1");
  spice_fixture_agent_free (g_steal_pointer (&test.agent));
  g_assert_true (spice_fixture_wait (is_unavailable, &test));
  expect_failure (&test, first, NULL, "the agent in the guest has ended");
  g_autoptr (LodgeConsoleTransfer) second = g_list_model_get_item (G_LIST_MODEL (test.files), 1);
  expect_failure (&test, second, NULL, "the agent in the guest has ended");
  g_assert_false (lodge_console_files_send (test.files, files, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_STATE);
  g_assert_nonnull (strstr (error->message, "spice-vdagent"));
  teardown (&test);
}

static void
test_connection_ends (void)
{
  Test test;
  g_autofree guint8 *large = g_malloc0 (LARGE);

  setup (&test, SPICE_FIXTURE_AGENT_LINUX);
  LodgeConsoleTransfer *first = send_files (&test, make_file (&test, "a", large, LARGE), NULL);
  expect_log (&test, "start1");
  spice_fixture_agent_stall (test.agent, TRUE);
  spice_fixture_agent_file_status (test.agent, 0, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  spice_fixture_settle ();
  lodge_console_session_close (test.session);
  expect_failure (&test, first, NULL, "connection to the guest has ended");
  g_assert_false (is_available (&test));
  teardown (&test);
}

#define ADD(name)                                                                                  \
  static void run_##name (void)                                                                    \
  {                                                                                                \
    spice_fixture_run (test_##name);                                                               \
  }
ADD (copies)
ADD (refused)
ADD (cancel)
ADD (silent)
ADD (paused)
ADD (no_files)
ADD (too_many)
ADD (no_agent)
ADD (connection_ends)
#undef ADD

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/console-files/copies", run_copies);
  g_test_add_func ("/console-files/refused", run_refused);
  g_test_add_func ("/console-files/cancel", run_cancel);
  g_test_add_func ("/console-files/silent", run_silent);
  g_test_add_func ("/console-files/paused", run_paused);
  g_test_add_func ("/console-files/no-files", run_no_files);
  g_test_add_func ("/console-files/too-many", run_too_many);
  g_test_add_func ("/console-files/no-agent", run_no_agent);
  g_test_add_func ("/console-files/connection-ends", run_connection_ends);
  return g_test_run ();
}
