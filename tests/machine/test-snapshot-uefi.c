/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A snapshot of a running machine with UEFI, Secure Boot and a TPM, and such a machine that is
 * suspended: what the firmware's flash and the TPM held then is there again, and the guest goes on
 * from its memory with both.
 *
 * The guest is the firmware itself. That a TPM was started once more is kept in its state (the
 * TPM's resetCount). What is in the flash is written while the machine is off, at a place that the
 * firmware does not use: from then on QEMU has it in memory, which is what the guest sees, and
 * which QEMU writes to the image when it has loaded a guest (hw/block/pflash_cfi01.c). */
#include "description/lodge-description-snapshots.h"
#include "host/lodge-host-firmware.h"
#include "lodge-error.h"
#include "machine-fixture.h"
#include "machine/lodge-machine-private.h"
#include "qemu/lodge-machine-command-private.h"
#include "qemu/lodge-unix-socket.h"

#include <glib/gstdio.h>
#include <string.h>

/* Behind the variables of edk2's flash of 528 KiB, in its last block. */
#define FLASH_PLACE "0x83000 4096"

static const LodgeDescription *
now (LodgeMachine *machine)
{
  return lodge_machine_get_description (machine);
}

static LodgeMachine *
create (MachineFixture *f)
{
  LodgeMachine *machine = machine_fixture_create (f, "web", BOOT_SECTOR_IDLE);

  machine_fixture_set_key (machine, "machine.memory", "256M");
  machine_fixture_set_key (machine, "firmware.kind", "uefi-secure");
  machine_fixture_set_key (machine, "tpm.enabled", "yes");
  machine_fixture_set_key (machine, "nic.nic0.connected", "no");
  return machine;
}

static JsonNode *
ask (LodgeMachine *machine, const char *command, JsonObject *arguments)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *answer;

  lodge_qmp_execute_async (machine->qmp, command, arguments, 0, NULL, test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  answer = lodge_qmp_execute_finish (machine->qmp, result, &error);
  g_assert_no_error (error);
  return answer;
}

/* qemu-io says what came of it where QEMU says everything: in its log. */
static char *
read_log (LodgeMachine *machine, gsize from)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "qemu.log", NULL);
  g_autofree char *text = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  return g_strdup (text + MIN (from, length));
}

/* Of a machine that is off. */
static void
write_flash (LodgeMachine *machine, guint mark)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, now (machine)->nvram, NULL);
  g_autofree char *command = g_strdup_printf ("write -P %u " FLASH_PLACE, mark);
  const char *argv[] = {"qemu-io", "-f", "qcow2", "-c", command, path, NULL};
  g_autofree char *words = NULL;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL,
                               G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                               &words, &status, NULL));
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s: %s", path, words);
}

/* Whether the image that a running QEMU has for its flash holds @mark. */
static gboolean
has_mark (LodgeMachine *machine, guint mark)
{
  g_autofree char *line = g_strdup_printf ("qemu-io %s \"read -P %u " FLASH_PLACE "\"",
                                           LODGE_MACHINE_COMMAND_NVRAM_NODE, mark);
  g_autofree char *before = read_log (machine, 0);
  g_autofree char *said = read_log (machine, strlen (before));
  g_autoptr (JsonNode) answer = NULL;

  answer = ask (machine, "human-monitor-command", lodge_qmp_arguments ("command-line", line, NULL));
  for (guint i = 0; i < TEST_WAIT_S * 20 && strstr (said, "4096/4096 bytes") == NULL; i++) {
    test_wait_ms (50);
    g_free (said);
    said = read_log (machine, strlen (before));
  }
  g_test_message ("%s: %s", line, said);
  g_assert_nonnull (strstr (said, "4096/4096 bytes"));
  return strstr (said, "failed") == NULL;
}

static void
assert_runs (LodgeMachine *machine)
{
  g_autoptr (JsonNode) status = ask (machine, "query-status", NULL);
  g_autoptr (JsonNode) tpm = ask (machine, "query-tpm", NULL);

  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (status), "status"), ==,
                   "running");
  g_assert_cmpuint (json_array_get_length (json_node_get_array (tpm)), ==, 1);
}

/* The TPM's permanent state, as bytes; empty while there is none. */
static GBytes *
read_tpm (LodgeMachine *machine, const char *below)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, below, "tpm2-00.permall", NULL);
  char *data = NULL;
  gsize length = 0;

  if (!g_file_get_contents (path, &data, &length, NULL))
    return g_bytes_new_static ("", 0);
  return g_bytes_new_take (data, length);
}

/* Until its firmware has started the TPM, which writes it down. */
static void
wait_tpm_other_than (LodgeMachine *machine, GBytes *before)
{
  g_autoptr (GBytes) state = read_tpm (machine, now (machine)->tpm_state);
  guint wake = g_timeout_add (50, test_wait_wake_cb, NULL);

  for (guint i = 0;
       i < TEST_WAIT_S * 20 && (g_bytes_get_size (state) == 0 || g_bytes_equal (state, before));
       i++) {
    g_main_context_iteration (NULL, TRUE);
    g_bytes_unref (state);
    state = read_tpm (machine, now (machine)->tpm_state);
  }
  g_source_remove (wake);
  g_assert_cmpuint (g_bytes_get_size (state), >, 0);
  g_assert_false (g_bytes_equal (state, before));
}

static GSocket *
open_serial (LodgeMachine *machine)
{
  g_autoptr (GVariant) list = g_variant_ref_sink (lodge_machine_list_terminals (machine));
  const char *path;
  int saved_errno = 0;
  GSocket *client;

  g_variant_get_child (list, 0, "(&s&s&s)", NULL, NULL, &path);
  client = lodge_unix_socket_connect (path, &saved_errno);
  g_assert_cmpint (saved_errno, ==, 0);
  return client;
}

/* Until the firmware has said @words; every 5 seconds it is sent @key, if there is one: what it is
 * sent while it takes no keys is lost, as on a real serial line. */
static void
wait_words (GSocket *client, const char *key, const char *words)
{
  g_autoptr (GString) said = g_string_new (NULL);

  for (guint i = 0; i < TEST_WAIT_S * 20 && strstr (said->str, words) == NULL; i++) {
    char chunk[1024];
    gssize length;

    if (key != NULL && i % 100 == 0)
      g_assert_cmpint (g_socket_send (client, key, 1, NULL, NULL), ==, 1);
    test_wait_ms (50);
    while ((length = g_socket_receive (client, chunk, sizeof chunk, NULL, NULL)) > 0)
      g_string_append_len (said, chunk, length);
  }
  if (strstr (said->str, words) == NULL)
    g_error ("no “%s” in “%s”", words, said->str);
}

/* The firmware has found nothing to start, and waits for a key: it does nothing more. */
static void
wait_idle (LodgeMachine *machine)
{
  g_autoptr (GSocket) client = open_serial (machine);

  wait_words (client, NULL, "any key");
}

/* It still waits for one, and its menu comes. */
static void
press_key (LodgeMachine *machine)
{
  g_autoptr (GSocket) client = open_serial (machine);

  wait_words (client, " ", "Device Manager");
}

static void
wait_job (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  g_assert_no_error (lodge_job_get_error (job));
}

static gboolean
has_all (void)
{
  g_autoptr (LodgeHostFirmware) firmware =
      lodge_host_firmware_find ("x86_64", "pc-q35-7.2", TRUE, NULL);
  g_autofree char *swtpm = g_find_program_in_path ("swtpm");

  return firmware != NULL && swtpm != NULL;
}

/* All of the flash, also of a machine that runs. */
static GBytes *
read_flash (LodgeMachine *machine)
{
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, now (machine)->nvram, NULL);
  g_autofree char *copy = g_strconcat (folder, "/../flash", NULL);
  const char *argv[] = {"qemu-img", "convert", "-U", "-f", "qcow2", "-O", "raw", path, copy, NULL};
  g_autoptr (GError) error = NULL;
  char *data = NULL;
  gsize length = 0;
  int status;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, &status, NULL));
  g_assert_true (g_spawn_check_wait_status (status, NULL));
  g_file_get_contents (copy, &data, &length, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (length, >, 64 * 1024);
  g_assert_no_errno (g_unlink (copy));
  return g_bytes_new_take (data, length);
}

/* Flash and TPM are to the byte what they were. */
static void
suspend_and_resume (MachineFixture *f, LodgeMachine *machine, guint mark)
{
  g_autoptr (GBytes) before = read_tpm (machine, now (machine)->tpm_state);
  g_autoptr (GBytes) flash = read_flash (machine);
  g_autoptr (GBytes) meanwhile = NULL;
  g_autoptr (GBytes) after = NULL;
  g_autoptr (GBytes) flash_after = NULL;

  wait_job (lodge_library_suspend (f->library, machine));
  g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_SUSPENDED);
  meanwhile = read_tpm (machine, now (machine)->tpm_state);
  g_assert_true (g_bytes_equal (meanwhile, before));
  machine_fixture_start (machine);
  assert_runs (machine);
  g_assert_null (now (machine)->suspended);
  g_assert_true (has_mark (machine, mark));
  after = read_tpm (machine, now (machine)->tpm_state);
  g_assert_true (g_bytes_equal (after, before));
  flash_after = read_flash (machine);
  g_assert_true (g_bytes_equal (flash_after, flash));
}

static void
test_states (MachineFixture *f, gconstpointer data)
{
  LodgeMachine *machine;
  g_autoptr (GBytes) nothing = g_bytes_new_static ("", 0);
  g_autoptr (GBytes) first = NULL;
  g_autoptr (GBytes) stored = NULL;
  g_autoptr (GBytes) again = NULL;
  g_autofree char *below = NULL;
  const LodgeSnapshot *snapshot;

  if (!has_all ()) {
    g_test_skip ("no firmware for Secure Boot, or no swtpm, is installed");
    return;
  }
  machine = create (f);
  /* The first start makes both. */
  machine_fixture_start (machine);
  wait_tpm_other_than (machine, nothing);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  write_flash (machine, 17);
  first = read_tpm (machine, now (machine)->tpm_state);
  machine_fixture_start (machine);
  wait_tpm_other_than (machine, first);
  wait_idle (machine);
  g_assert_true (has_mark (machine, 17));
  wait_job (lodge_library_take_snapshot (f->library, machine, "one", ""));
  assert_runs (machine);
  snapshot = lodge_description_find_snapshot (now (machine), "one", NULL);
  g_assert_true (snapshot->memory);
  below = g_strdup_printf ("snapshots/%s/tpm", snapshot->id);
  stored = read_tpm (machine, below);
  g_assert_cmpuint (g_bytes_get_size (stored), >, 0);
  machine_fixture_request (machine, LODGE_REQUEST_KILL);
  write_flash (machine, 34);

  /* Once more from the firmware's first instruction: the TPM counts it. */
  machine_fixture_start (machine);
  wait_tpm_other_than (machine, stored);
  g_assert_true (has_mark (machine, 34));
  machine_fixture_request (machine, LODGE_REQUEST_KILL);

  for (guint i = 0; i < 2; i++) {
    wait_job (lodge_library_go_back (f->library, machine, "one", i == 0, NULL));
    assert_runs (machine);
    g_assert_true (has_mark (machine, 17));
    g_assert_false (has_mark (machine, 34));
    g_clear_pointer (&again, g_bytes_unref);
    again = read_tpm (machine, now (machine)->tpm_state);
    g_assert_true (g_bytes_equal (again, stored));
    if (i == 1)
      suspend_and_resume (f, machine, 17);
    /* What it does from here on is its own, and not the snapshot's. */
    press_key (machine);
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
    write_flash (machine, 51);
  }
  g_clear_pointer (&again, g_bytes_unref);
  again = read_tpm (machine, below);
  g_assert_true (g_bytes_equal (again, stored));
}

int
main (int argc, char *argv[])
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("snapshot-uefi/states", test_states);
  return g_test_run ();
}
