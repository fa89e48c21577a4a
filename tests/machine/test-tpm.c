/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's TPM: swtpm started, given to a real QEMU, and ended. */
#include "lodge-error.h"
#include "machine/lodge-tpm.h"
#include "qemu/lodge-qmp.h"
#include "test-folder.h"
#include "test-walls.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_S 60

typedef struct {
  char *machine;
  char *runtime;
  const char *state; /* its name in the machine's */
} Folders;

static void
make_folders (Folders *folders)
{
  folders->machine = g_dir_make_tmp ("lodge-tpm-machine-XXXXXX", NULL);
  folders->runtime = g_dir_make_tmp ("lodge-tpm-runtime-XXXXXX", NULL);
  g_assert_nonnull (folders->machine);
  g_assert_nonnull (folders->runtime);
  folders->state = "tpm";
}

static void
remove_folders (Folders *folders)
{
  test_folder_remove (folders->machine);
  test_folder_remove (folders->runtime);
  g_free (folders->machine);
  g_free (folders->runtime);
}

/* Whether a process is there whose command line names the machine's folder: swtpm, and bubblewrap
 * around it. (Connecting would not do: swtpm ends when a connection does.) */
static gboolean
is_there (Folders *folders)
{
  g_autoptr (GDir) processes = g_dir_open ("/proc", 0, NULL);
  const char *name;

  g_assert_nonnull (processes);
  while ((name = g_dir_read_name (processes)) != NULL) {
    g_autofree char *path = g_build_filename ("/proc", name, "cmdline", NULL);
    g_autofree char *line = NULL;
    gsize length = 0;

    if (g_ascii_isdigit (name[0]) && g_file_get_contents (path, &line, &length, NULL) &&
        memmem (line, length, folders->machine, strlen (folders->machine)) != NULL)
      return TRUE;
  }
  return FALSE;
}

/* Its children are reaped by the main loop. */
static void
wait_gone (Folders *folders)
{
  gint64 limit = g_get_monotonic_time () + WAIT_S * G_TIME_SPAN_SECOND;

  while (is_there (folders) && g_get_monotonic_time () < limit) {
    g_main_context_iteration (NULL, FALSE);
    g_usleep (10 * 1000);
  }
  g_assert_false (is_there (folders));
}

static gboolean
has_programs (void)
{
  g_autofree char *swtpm = g_find_program_in_path ("swtpm");
  g_autofree char *qemu = g_find_program_in_path ("qemu-system-x86_64");

  if (swtpm == NULL || qemu == NULL)
    g_test_skip ("swtpm or qemu-system-x86_64 is not installed");
  return swtpm != NULL && qemu != NULL;
}

static void
result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
wait_result (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static GSubprocess *
start_qemu (Folders *folders, const char *tpm_socket, char **out_qmp_socket)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chardev = g_strdup_printf ("socket,id=tpm-socket,path=%s", tpm_socket);
  g_autofree char *qmp = NULL;
  GSubprocess *process;

  *out_qmp_socket = g_build_filename (folders->runtime, "qmp.sock", NULL);
  qmp = g_strdup_printf ("unix:%s,server=on,wait=off", *out_qmp_socket);
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "qemu-system-x86_64", "-nodefaults",
                              "-no-user-config", "-display", "none", "-machine", "q35,accel=tcg",
                              "-m", "64", "-S", "-chardev", chardev, "-tpmdev",
                              "emulator,id=tpm-emulator,chardev=tpm-socket", "-device",
                              "tpm-crb,tpmdev=tpm-emulator", "-qmp", qmp, NULL);
  g_assert_no_error (error);
  return process;
}

/* What QEMU says of its TPM: the answer's one device. */
static void
assert_tpm (const char *qmp_socket)
{
  g_autoptr (GAsyncResult) connected = NULL;
  g_autoptr (GAsyncResult) answered = NULL;
  g_autoptr (JsonNode) answer = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *device;
  LodgeQmp *qmp;

  lodge_qmp_connect_async (qmp_socket, WAIT_S * 1000, 0, NULL, result_cb, &connected);
  qmp = lodge_qmp_connect_finish (wait_result (&connected), &error);
  g_assert_no_error (error);
  lodge_qmp_execute_async (qmp, "query-tpm", NULL, 0, NULL, result_cb, &answered);
  answer = lodge_qmp_execute_finish (qmp, wait_result (&answered), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (answer)), ==, 1);
  device = json_array_get_object_element (json_node_get_array (answer), 0);
  g_assert_cmpstr (json_object_get_string_member (device, "model"), ==, "tpm-crb");
  lodge_qmp_close (qmp);
  g_object_unref (qmp);
}

static void
run_machine (Folders *folders, gboolean contained)
{
  g_autofree char *expected = g_build_filename (folders->runtime, "tpm.sock", NULL);
  g_autofree char *socket_path = NULL;
  g_autofree char *qmp_socket = NULL;
  g_autoptr (GSubprocess) qemu = NULL;
  g_autoptr (GError) error = NULL;
  struct stat info;

  socket_path = lodge_tpm_start (folders->machine, "tpm", folders->runtime, "lodge-test-tpm.scope",
                                 contained, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (socket_path, ==, expected);
  g_assert_cmpint (lstat (socket_path, &info), ==, 0);
  g_assert_true (S_ISSOCK (info.st_mode));
  g_assert_cmpuint (info.st_mode & 0777, ==, 0600);

  qemu = start_qemu (folders, socket_path, &qmp_socket);
  assert_tpm (qmp_socket);
  g_assert_true (is_there (folders));
  g_subprocess_force_exit (qemu);
  g_subprocess_wait (qemu, NULL, NULL);
  (void) g_unlink (qmp_socket);
  /* It ends with its QEMU. */
  wait_gone (folders);
}

static void
test_life (gconstpointer data)
{
  g_autofree char *state = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  gboolean contained = GPOINTER_TO_INT (data);
  Folders folders;
  struct stat info;
  gsize length, after_length;

  if (!has_programs ())
    return;
  if (contained && !test_walls_are_possible ()) {
    g_test_skip ("bubblewrap cannot make namespaces here");
    return;
  }
  make_folders (&folders);
  run_machine (&folders, contained);

  /* The TPM was made without swtpm_setup, is nobody else's to read, and is the same next time: its
   * seeds do not change. */
  state = g_build_filename (folders.machine, "tpm", "tpm2-00.permall", NULL);
  g_assert_cmpint (stat (state, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 077, ==, 0);
  g_assert_true (g_file_get_contents (state, &before, &length, NULL));
  g_assert_cmpuint (length, >, 1000);
  run_machine (&folders, contained);
  g_assert_true (g_file_get_contents (state, &after, &after_length, NULL));
  g_assert_cmpmem (after, after_length, before, length);
  remove_folders (&folders);
}

/* A machine that did not come to start leaves no TPM behind. */
static void
test_stop (void)
{
  g_autofree char *socket_path = NULL;
  g_autoptr (GError) error = NULL;
  Folders folders;

  if (!has_programs ())
    return;
  make_folders (&folders);
  /* Nothing there: nothing happens. */
  lodge_tpm_stop (folders.runtime);
  socket_path = lodge_tpm_start (folders.machine, "tpm", folders.runtime, "lodge-test-tpm.scope",
                                 FALSE, -1, &error);
  g_assert_no_error (error);
  g_assert_true (is_there (&folders));
  lodge_tpm_stop (folders.runtime);
  wait_gone (&folders);
  lodge_tpm_stop (folders.runtime);
  remove_folders (&folders);
}

static void
assert_refused (Folders *folders, int code, const char *word)
{
  g_autofree char *socket_path = g_build_filename (folders->runtime, "tpm.sock", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (lodge_tpm_start (folders->machine, folders->state, folders->runtime,
                                  "lodge-test-tpm.scope", FALSE, -1, &error));
  g_assert_error (error, LODGE_ERROR, code);
  g_assert_nonnull (strstr (error->message, word));
  /* Nothing is left half-made. */
  g_assert_false (g_file_test (socket_path, G_FILE_TEST_EXISTS));
}

static void
test_no_swtpm (void)
{
  g_autofree char *saved = g_strdup (g_getenv ("PATH"));
  Folders folders;

  make_folders (&folders);
  g_setenv ("PATH", folders.machine, TRUE);
  assert_refused (&folders, LODGE_ERROR_HOST, "package swtpm");
  g_setenv ("PATH", saved, TRUE);
  remove_folders (&folders);
}

/* A machine's folder that somebody else prepared. */
static void
test_link (void)
{
  g_autofree char *elsewhere = NULL;
  g_autofree char *state = NULL;
  g_autoptr (GDir) folder = NULL;
  Folders folders;

  if (!has_programs ())
    return;
  make_folders (&folders);
  elsewhere = g_dir_make_tmp ("lodge-tpm-elsewhere-XXXXXX", NULL);
  state = g_build_filename (folders.machine, "tpm", NULL);
  g_assert_cmpint (symlink (elsewhere, state), ==, 0);
  assert_refused (&folders, LODGE_ERROR_INVALID, state);
  /* Nor on the way. */
  folders.state = "tpm/state";
  assert_refused (&folders, LODGE_ERROR_INVALID, state);
  folders.state = "tpm";
  folder = g_dir_open (elsewhere, 0, NULL);
  g_assert_null (g_dir_read_name (folder));
  g_assert_cmpint (g_rmdir (elsewhere), ==, 0);

  g_assert_cmpint (g_unlink (state), ==, 0);
  g_assert_true (g_file_set_contents (state, "a file", -1, NULL));
  assert_refused (&folders, LODGE_ERROR_NOT_FOUND, state);
  remove_folders (&folders);
}

static void
test_comma (void)
{
  g_autofree char *comma = NULL;
  g_autofree char *outer = NULL;
  Folders folders;

  if (!has_programs ())
    return;
  make_folders (&folders);
  outer = folders.machine;
  comma = g_build_filename (outer, "machines, old", NULL);
  g_assert_cmpint (g_mkdir (comma, 0700), ==, 0);
  folders.machine = comma;
  assert_refused (&folders, LODGE_ERROR_FAILED, "comma");
  folders.machine = g_steal_pointer (&outer);
  remove_folders (&folders);
}

static void
test_long_path (void)
{
  g_autofree char *name = g_strnfill (120, 'x');
  g_autofree char *longer = NULL;
  g_autofree char *outer = NULL;
  Folders folders;

  if (!has_programs ())
    return;
  make_folders (&folders);
  outer = folders.runtime;
  longer = g_build_filename (outer, name, NULL);
  folders.runtime = longer;
  assert_refused (&folders, LODGE_ERROR_FAILED, "too long");
  folders.runtime = g_steal_pointer (&outer);
  remove_folders (&folders);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/machine/tpm/life-bare", GINT_TO_POINTER (FALSE), test_life);
  g_test_add_data_func ("/machine/tpm/life-contained", GINT_TO_POINTER (TRUE), test_life);
  g_test_add_func ("/machine/tpm/stop", test_stop);
  g_test_add_func ("/machine/tpm/no-swtpm", test_no_swtpm);
  g_test_add_func ("/machine/tpm/link", test_link);
  g_test_add_func ("/machine/tpm/comma", test_comma);
  g_test_add_func ("/machine/tpm/long-path", test_long_path);
  return g_test_run ();
}
