/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See plug-guest.h. */
#include "plug-guest.h"

#include "description/lodge-description-keys.h"
#include "machine/lodge-machine-private.h"
#include "machine/lodge-run-record.h"
#include "qemu/lodge-json.h"
#include "test-wait.h"

#include <string.h>

const GError *
plug_guest_wait (LodgeJob *job)
{
  test_wait_until (lodge_job_get_state (job) != LODGE_JOB_RUNNING);
  return lodge_job_get_error (job);
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

static gboolean
has (JsonNode *answer, const char *member, const char *value)
{
  JsonArray *all = json_node_get_array (answer);

  for (guint i = 0; i < json_array_get_length (all); i++) {
    JsonObject *object = json_array_get_object_element (all, i);

    if (g_strcmp0 (lodge_json_get_string (object, member), value) == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean
plug_guest_has_device (LodgeMachine *machine, const char *id)
{
  g_autoptr (JsonNode) answer =
      ask (machine, "qom-list", lodge_qmp_arguments ("path", "/machine/peripheral", NULL));

  return has (answer, "name", id);
}

gboolean
plug_guest_has_node (LodgeMachine *machine, const char *name)
{
  g_autoptr (JsonNode) answer = ask (machine, "query-named-block-nodes", NULL);

  return has (answer, "node-name", name);
}

guint
plug_guest_count_fds (LodgeMachine *machine)
{
  g_autoptr (JsonNode) answer = ask (machine, "query-fdsets", NULL);
  JsonArray *sets = json_node_get_array (answer);
  guint n = 0;

  for (guint i = 0; i < json_array_get_length (sets); i++) {
    JsonObject *set = json_array_get_object_element (sets, i);
    JsonArray *fds = json_object_get_array_member (set, "fds");
    const char *name = NULL;

    if (json_array_get_length (fds) > 0)
      name = lodge_json_get_string (json_array_get_object_element (fds, 0), "opaque");
    n += g_strcmp0 (name, LODGE_MACHINE_SCREEN_SET) != 0 ? 1 : 0;
  }
  return n;
}

/* @target: as QEMU's qemu-io wants it */
static void
ask_image (LodgeMachine *machine, const char *target, const char *command)
{
  g_autofree char *line = g_strdup_printf ("qemu-io %s \"%s\"", target, command);
  g_autoptr (JsonNode) answer =
      ask (machine, "human-monitor-command", lodge_qmp_arguments ("command-line", line, NULL));

  /* It says what went wrong, and nothing else in words like these. */
  g_assert_null (strstr (json_node_get_string (answer), "rror"));
  g_assert_null (strstr (json_node_get_string (answer), "failed"));
}

void
plug_guest_ask_disk (LodgeMachine *machine, const char *disk, const char *command)
{
  const LodgeDisk *described =
      lodge_section_find_item (LODGE_SECTION_DISK, lodge_machine_get_description (machine), disk);
  g_autofree char *target =
      g_strdup_printf ("-d /machine/peripheral/%s%s", disk,
                       described->bus == LODGE_DISK_BUS_VIRTIO ? "/virtio-backend" : "");

  ask_image (machine, target, command);
}

void
plug_guest_ask_node (LodgeMachine *machine, const char *node, const char *command)
{
  ask_image (machine, node, command);
}

static void
assert_same_disks (const LodgeDescription *one, const LodgeDescription *other)
{
  g_assert_cmpuint (one->disks->len, ==, other->disks->len);
  for (guint i = 0; i < one->disks->len; i++) {
    const LodgeDisk *disk = one->disks->pdata[i];
    const LodgeDisk *twin = lodge_section_find_item (LODGE_SECTION_DISK, other, disk->id);

    g_assert_nonnull (twin);
    g_assert_cmpuint (disk->bus, ==, twin->bus);
    g_assert_cmpuint (disk->port, ==, twin->port);
    g_assert_cmpint (disk->attached, ==, twin->attached);
  }
}

void
plug_guest_assert_settled (LodgeMachine *machine)
{
  const LodgeDescription *now = lodge_machine_get_description (machine);
  g_autofree char *folder = lodge_machine_dup_folder (machine);
  g_autoptr (LodgeDescription) started = lodge_run_record_load_started (folder);

  g_assert_nonnull (started);
  assert_same_disks (now, started);
  assert_same_disks (now, machine->started);
  for (guint i = 0; i < 4; i++) {
    g_autofree char *id = g_strdup_printf ("disk%u", i);
    const LodgeDisk *disk = lodge_section_find_item (LODGE_SECTION_DISK, now, id);

    g_assert_cmpint (plug_guest_has_device (machine, id), ==, disk != NULL && disk->attached);
    if (disk != NULL) {
      g_assert_cmpint (plug_guest_has_node (machine, disk->top), ==, disk->attached);
    } else {
      g_autofree char *node = g_strdup_printf ("%s-l0", id);
      g_autofree char *file = g_strdup_printf ("%s-l0-file", id);

      g_assert_false (plug_guest_has_node (machine, node));
      g_assert_false (plug_guest_has_node (machine, file));
    }
  }
}
