/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cables of network cards, with a real QEMU: what is set is what the guest sees in its card's
 * register. */
#include "machine-fixture.h"
#include "machine/lodge-machine-private.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* Intel 82574 data sheet, 10.2.2.2: Device Status, "Link Up". */
#define STATUS_OFFSET 8
#define STATUS_LINK   0x2

static void
set (LodgeMachine *machine, const char *key, const char *text)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  g_variant_builder_add (&builder, "{ss}", key, text);
  lodge_machine_set_async (machine, g_variant_builder_end (&builder), test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  lodge_machine_save_finish (machine, result, &error);
  g_assert_no_error (error);
}

/* What QEMU's monitor says; there is no other way to a card's registers. */
static char *
ask (LodgeMachine *machine, const char *line)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) answer = NULL;

  lodge_qmp_execute_async (machine->qmp, "human-monitor-command",
                           lodge_qmp_arguments ("command-line", line, NULL), 0, NULL,
                           test_wait_result_cb, &result);
  test_wait_until (result != NULL);
  answer = lodge_qmp_execute_finish (machine->qmp, result, &error);
  g_assert_no_error (error);
  return g_strdup (json_node_get_string (answer));
}

/* Where the BIOS has put the card's registers; 0 before. */
static guint64
find_registers (LodgeMachine *machine)
{
  g_autofree char *text = ask (machine, "info pci");
  const char *id = strstr (text, "id \"nic0\"");
  const char *at = text;
  const char *found = NULL;

  /* A bus behind a port has no number before the BIOS gives it one. "BAR0: 32 bit memory at
   * 0xfe840000 [0xfe85ffff]." stands before the id of its device. */
  while (id != NULL && (at = strstr (at, "BAR0: 32 bit memory at ")) != NULL && at < id)
    found = at++;
  if (found == NULL)
    return 0;
  found = strstr (found, "0x");
  /* One that is not placed yet is at the end of all addresses. */
  return g_str_has_prefix (found, "0xffffffff") ? 0 : g_ascii_strtoull (found, NULL, 16);
}

static gboolean
has_link (LodgeMachine *machine, gboolean link)
{
  const guint64 registers = find_registers (machine);
  g_autofree char *line =
      g_strdup_printf ("xp /1xw 0x%" G_GINT64_MODIFIER "x", registers + STATUS_OFFSET);
  g_autofree char *text = registers != 0 ? ask (machine, line) : NULL;
  const char *value = text != NULL ? strstr (text, ": 0x") : NULL;
  guint64 status;

  if (value == NULL)
    return FALSE;
  status = g_ascii_strtoull (value + 2, NULL, 16);
  /* A card that does not answer reads as ones. */
  return status != G_MAXUINT32 && ((status & STATUS_LINK) != 0) == link;
}

static void
test_set (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);

  machine_fixture_start (machine);
  test_wait_polled (has_link (machine, TRUE));
  set (machine, "nic.nic0.connected", "no");
  test_wait_polled (has_link (machine, FALSE));
  /* What is no change, or another, changes nothing. */
  set (machine, "nic.nic0.connected", "no");
  set (machine, "sharing.files", "no");
  g_assert_true (has_link (machine, FALSE));
  set (machine, "nic.nic0.connected", "yes");
  test_wait_polled (has_link (machine, TRUE));
  /* The last one counts, however fast they come. */
  for (guint i = 0; i < 5; i++)
    set (machine, "nic.nic0.connected", i % 2 == 0 ? "no" : "yes");
  test_wait_polled (has_link (machine, FALSE));
  test_wait_until (!machine->links_under_way);
  g_assert_true (has_link (machine, FALSE));
  g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

/* Before the guest's first instruction, at each start. */
static void
test_start (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);

  set (machine, "nic.nic0.connected", "no");
  for (guint i = 0; i < 2; i++) {
    machine_fixture_start (machine);
    g_assert_true (g_hash_table_contains (machine->links, "nic0"));
    test_wait_polled (has_link (machine, FALSE));
    machine_fixture_request (machine, LODGE_REQUEST_KILL);
    g_assert_false (g_hash_table_contains (machine->links, "nic0"));
  }
  set (machine, "nic.nic0.connected", "yes");
  machine_fixture_start (machine);
  test_wait_polled (has_link (machine, TRUE));
}

/* An engine that ended before it had told QEMU: the next one does. */
static void
test_recover (MachineFixture *fixture, gconstpointer data)
{
  static const struct {
    const char *from, *to;
    gboolean link;
  } rows[] = {{"connected=true", "connected=false", FALSE},
              {"connected=false", "connected=true", TRUE}};
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);

  machine_fixture_start (machine);
  test_wait_polled (has_link (machine, TRUE));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *text = NULL;
    g_autoptr (GString) changed = NULL;

    machine_fixture_close_library (fixture);
    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    changed = g_string_new (text);
    g_assert_cmpuint (g_string_replace (changed, rows[i].from, rows[i].to, 1), ==, 1);
    g_assert_true (g_file_set_contents (path, changed->str, -1, NULL));
    machine_fixture_open_library (fixture);
    machine = lodge_library_find (fixture->library, "idle", NULL);
    g_assert_cmpint (lodge_machine_get_state (machine), ==, LODGE_STATE_RUNNING);
    test_wait_polled (has_link (machine, rows[i].link));
    g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
  }
}

/* A card that was written into machine.ini since the start is not this QEMU's, and keeps it from
 * none of the others. @data: nobody knows what it was started with. */
static void
test_unknown (MachineFixture *fixture, gconstpointer data)
{
  LodgeMachine *machine = machine_fixture_create (fixture, "idle", BOOT_SECTOR_IDLE);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autofree char *path = g_build_filename (folder, "machine.ini", NULL);
  g_autofree char *started = g_build_filename (folder, "started", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GString) changed = NULL;

  machine_fixture_start (machine);
  test_wait_polled (has_link (machine, TRUE));
  machine_fixture_close_library (fixture);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  changed = g_string_new (text);
  g_assert_cmpuint (g_string_replace (changed, "connected=true", "connected=false", 1), ==, 1);
  g_assert_cmpuint (
      g_string_replace (
          changed, "[nic.nic0]",
          "[nic.added]\nmac=52:54:00:00:00:01\nmodel=e1000e\nport=9\nconnected=false\n\n"
          "[nic.nic0]",
          1),
      ==, 1);
  g_assert_true (g_file_set_contents (path, changed->str, -1, NULL));
  if (data != NULL)
    g_assert_no_errno (g_unlink (started));
  machine_fixture_open_library (fixture);
  machine = lodge_library_find (fixture->library, "idle", NULL);
  g_assert_cmpuint (lodge_machine_get_description (machine)->nics->len, ==, 2);
  test_wait_polled (has_link (machine, FALSE));
  test_wait_until (!machine->links_under_way);
  if (data != NULL)
    g_assert_nonnull (strstr (lodge_machine_get_note (machine), "added"));
  else
    g_assert_cmpstr (lodge_machine_get_note (machine), ==, "");
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);
  MACHINE_FIXTURE_ADD ("link-set", test_set);
  MACHINE_FIXTURE_ADD ("link-start", test_start);
  MACHINE_FIXTURE_ADD ("link-recover", test_recover);
  MACHINE_FIXTURE_ADD ("link-unknown", test_unknown);
  g_test_add ("/machine/life/link-unknown-start", MachineFixture, "unknown", machine_fixture_set_up,
              test_unknown, machine_fixture_tear_down);
  return g_test_run ();
}
