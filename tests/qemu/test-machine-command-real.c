/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every sample machine as a real QEMU: contained and paused, it takes the command line without a
 * word, answers, has the nodes and devices where they belong, and quits. */
#include "qemu/lodge-launch.h"
#include "qemu/lodge-machine-command.h"
#include "qemu/lodge-qmp.h"

#include "guest/lodge-media.h"
#include "host/lodge-host-kernel.h"
#include "lodge-error.h"
#include "sample-machines.h"
#include "test-folder.h"
#include "test-walls.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNIT        "lodge-test.scope"
#define LIMIT_MS    60000
#define OVMF_FOLDER "/usr/share/OVMF"

typedef struct {
  char *folder;
  char *machine;
  char *runtime;
  char *files;
  char *log;
  LodgeQemu *qemu; /* NULL when none is installed */
  GPid swtpm;
  gboolean contained;
  const char *missing; /* what the sample needs and this computer lacks */
} Fixture;

static gboolean
succeeds (const char *const *argv)
{
  int status = -1;

  return g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL,
                       NULL, NULL, NULL, NULL, &status, NULL) &&
         g_spawn_check_wait_status (status, NULL);
}

static void
keep_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static LodgeQemu *
probe (void)
{
  g_autofree char *program = g_find_program_in_path ("qemu-system-x86_64");
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeQemu *qemu;

  if (program == NULL)
    return NULL;
  lodge_qemu_probe_async ("x86_64", NULL, keep_cb, &result);
  qemu = lodge_qemu_probe_finish (wait_for (&result), &error);
  g_assert_no_error (error);
  return qemu;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->folder = g_dir_make_tmp ("lodge-real-XXXXXX", NULL);
  self->machine = sample_folder_make (self->folder, "m, \"1\"");
  self->runtime = sample_folder_make (self->folder, "r,1");
  self->files = sample_folder_make (self->folder, "files");
  self->log = g_build_filename (self->folder, "qemu.log", NULL);
  self->qemu = probe ();
  self->contained = test_walls_are_possible ();
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  if (self->swtpm > 0) {
    kill (self->swtpm, SIGKILL);
    waitpid (self->swtpm, NULL, 0);
  }
  test_folder_remove (self->folder);
  g_free (self->folder);
  g_free (self->machine);
  g_free (self->runtime);
  g_free (self->files);
  g_free (self->log);
  g_clear_object (&self->qemu);
}

/* --- files that QEMU accepts --- */

/* Each qcow2 image lies about what it stands on: QEMU must not believe it. */
static void
make_image (const char *path, const char *format)
{
  g_autofree char *folder = g_path_get_dirname (path);
  const char *const raw[] = {"qemu-img", "create", "-q", "-f", "raw", path, "64M", NULL};
  const char *const qcow2[] = {"qemu-img",        "create", "-q",  "-f", "qcow2", "-u", "-b",
                               "/nowhere/secret", "-F",     "raw", path, "64M",   NULL};

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (succeeds (strcmp (format, "raw") == 0 ? raw : qcow2));
}

static void
make_link (Fixture *self, const char *target, const char *path)
{
  if (!g_file_test (target, G_FILE_TEST_IS_REGULAR))
    self->missing = "a file of the package ovmf";
  g_assert_cmpint (symlink (target, path), ==, 0);
}

/* Of whatever release's installer is here. */
static void
make_kernel (Fixture *self, const LodgeDescription *description)
{
  g_autoptr (GPtrArray) installers = lodge_installer_list ();
  const LodgeInstaller *installer;

  if (installers->len == 0) {
    self->missing = "the package debian-installer-<N>-netboot-amd64";
    return;
  }
  installer = installers->pdata[0];
  make_link (self, installer->kernel, description->kernel);
  make_link (self, installer->initrd, description->initrd);
}

static void
make_firmware (Fixture *self, const LodgeDescription *description)
{
  gboolean secure = description->firmware == LODGE_FIRMWARE_UEFI_SECURE;
  const char *vars = secure ? OVMF_FOLDER "/OVMF_VARS_4M.ms.fd" : OVMF_FOLDER "/OVMF_VARS_4M.fd";
  g_autofree char *nvram = g_build_filename (self->machine, description->nvram, NULL);
  const char *const argv[] = {"qemu-img", "convert", "-f", "raw", "-O", "qcow2", vars, nvram, NULL};

  make_link (self, secure ? OVMF_FOLDER "/OVMF_CODE_4M.ms.fd" : OVMF_FOLDER "/OVMF_CODE_4M.fd",
             description->firmware_code);
  if (self->missing == NULL)
    g_assert_true (succeeds (argv));
}

static void
make_files (Fixture *self, const LodgeDescription *description)
{
  for (guint i = 0; i < description->layers->len; i++) {
    const LodgeLayer *layer = description->layers->pdata[i];
    g_autofree char *path = g_path_is_absolute (layer->file)
                                ? g_strdup (layer->file)
                                : g_build_filename (self->machine, layer->file, NULL);

    make_image (path, layer->format);
  }
  for (guint i = 0; i < description->media->len; i++) {
    const LodgeMedia *media = description->media->pdata[i];

    if (media->file != NULL)
      make_image (media->file, "raw");
  }
  for (guint i = 0; i < description->sticks->len; i++)
    make_image (((const LodgeStick *) description->sticks->pdata[i])->file, "raw");
  if (description->kernel[0] != '\0')
    make_kernel (self, description);
  if (description->firmware != LODGE_FIRMWARE_BIOS)
    make_firmware (self, description);
}

/* Returns the path of its socket, or NULL. */
static char *
start_tpm (Fixture *self)
{
  g_autofree char *state = sample_folder_make (self->folder, "tpm");
  g_autofree char *state_option = g_strdup_printf ("dir=%s", state);
  g_autofree char *path = g_build_filename (self->folder, "tpm.sock", NULL);
  g_autofree char *socket_option = g_strdup_printf ("type=unixio,path=%s", path);
  const char *const argv[] = {"swtpm",      "socket", "--tpm2",      "--tpmstate",
                              state_option, "--ctrl", socket_option, NULL};

  if (!g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                      NULL, NULL, &self->swtpm, NULL)) {
    self->missing = "swtpm";
    return NULL;
  }
  for (guint i = 0; i < LIMIT_MS / 10 && !g_file_test (path, G_FILE_TEST_EXISTS); i++)
    g_usleep (10000);
  return g_steal_pointer (&path);
}

/* --- QMP, waited for --- */

static JsonNode *
execute (LodgeQmp *qmp, const char *command, JsonObject *arguments)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  JsonNode *answer;

  lodge_qmp_execute_async (qmp, command, arguments, LIMIT_MS, NULL, keep_cb, &result);
  answer = lodge_qmp_execute_finish (qmp, wait_for (&result), &error);
  g_assert_no_error (error);
  return answer;
}

static void
gone_cb (GPid pid, int status, gpointer user_data)
{
  *(int *) user_data = status;
}

/* --- what is asked of it --- */

static JsonObject *
find_node (JsonNode *nodes, const char *name)
{
  JsonArray *array = json_node_get_array (nodes);

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *node = json_array_get_object_element (array, i);

    if (g_strcmp0 (json_object_get_string_member_with_default (node, "node-name", NULL), name) == 0)
      return node;
  }
  g_error ("There is no node %s", name);
}

/* "PARENT name CHILD" for each edge between two nodes of the block graph, one per line. */
static char *
list_edges (LodgeQmp *qmp)
{
  g_autoptr (JsonNode) answer = execute (qmp, "x-debug-query-block-graph", NULL);
  JsonObject *graph = json_node_get_object (answer);
  JsonArray *nodes = json_object_get_array_member (graph, "nodes");
  JsonArray *edges = json_object_get_array_member (graph, "edges");
  g_autoptr (GHashTable) names = g_hash_table_new (g_direct_hash, g_direct_equal);
  GString *text = g_string_new ("\n");

  for (guint i = 0; i < json_array_get_length (nodes); i++) {
    JsonObject *node = json_array_get_object_element (nodes, i);

    g_hash_table_insert (names, GSIZE_TO_POINTER (json_object_get_int_member (node, "id")),
                         (gpointer) json_object_get_string_member (node, "name"));
  }
  for (guint i = 0; i < json_array_get_length (edges); i++) {
    JsonObject *edge = json_array_get_object_element (edges, i);
    gpointer parent = GSIZE_TO_POINTER (json_object_get_int_member (edge, "parent"));
    gpointer child = GSIZE_TO_POINTER (json_object_get_int_member (edge, "child"));

    g_string_append_printf (text, "%s %s %s\n", (char *) g_hash_table_lookup (names, parent),
                            json_object_get_string_member (edge, "name"),
                            (char *) g_hash_table_lookup (names, child));
  }
  return g_string_free (text, FALSE);
}

/* Each layer is on its own file and on the layer of the description; only the top is writable. */
static void
check_nodes (LodgeQmp *qmp, const LodgeDescription *description)
{
  g_autoptr (JsonNode) nodes = execute (qmp, "query-named-block-nodes", NULL);
  g_autofree char *edges = list_edges (qmp);

  for (guint i = 0; i < description->disks->len; i++) {
    const LodgeDisk *disk = description->disks->pdata[i];
    const LodgeLayer *layer = lodge_description_get_layer (description, disk->top);

    for (gboolean top = TRUE; layer != NULL; top = FALSE) {
      g_autofree char *file = g_strconcat (layer->id, "-file", NULL);
      g_autofree char *edge = g_strdup_printf ("\n%s backing %s\n", layer->id,
                                               layer->below != NULL ? layer->below : "");
      JsonObject *node = find_node (nodes, layer->id);
      JsonObject *file_node = find_node (nodes, file);

      g_assert_cmpint (json_object_get_boolean_member (node, "ro"), ==, !top);
      g_assert_cmpint (json_object_get_boolean_member (file_node, "ro"), ==, !top);
      g_assert_true (
          g_str_has_suffix (json_object_get_string_member (file_node, "file"), layer->file));
      if (layer->below != NULL && strstr (edges, edge) == NULL)
        g_error ("%s is not in %s", edge, edges);
      layer = layer->below != NULL ? lodge_description_get_layer (description, layer->below) : NULL;
    }
  }
}

/* The devices on the root bus, as "slot.function id". Those behind ports are not listed before the
 * firmware has numbered the buses. */
static char *
list_devices (LodgeQmp *qmp)
{
  g_autoptr (JsonNode) answer = execute (qmp, "query-pci", NULL);
  JsonObject *bus = json_array_get_object_element (json_node_get_array (answer), 0);
  JsonArray *devices = json_object_get_array_member (bus, "devices");
  GString *text = g_string_new ("\n");

  for (guint i = 0; i < json_array_get_length (devices); i++) {
    JsonObject *device = json_array_get_object_element (devices, i);

    g_string_append_printf (text, "%02x.%x %s\n",
                            (guint) json_object_get_int_member (device, "slot"),
                            (guint) json_object_get_int_member (device, "function"),
                            json_object_get_string_member (device, "qdev_id"));
  }
  return g_string_free (text, FALSE);
}

static void
check_bus (LodgeQmp *qmp, const char *id, const char *bus)
{
  g_autofree char *path = g_strconcat ("/machine/peripheral/", id, NULL);
  JsonObject *arguments = json_object_new ();
  g_autoptr (JsonNode) answer = NULL;

  json_object_set_string_member (arguments, "path", path);
  json_object_set_string_member (arguments, "property", "parent_bus");
  answer = execute (qmp, "qom-get", arguments);
  if (!g_str_has_suffix (json_node_get_string (answer), bus))
    g_error ("%s is on %s, not on %s", id, json_node_get_string (answer), bus);
}

/* The fixed devices are at their addresses, and each device of the description behind its port. */
static void
check_addresses (LodgeQmp *qmp, const LodgeDescription *description)
{
  g_autofree char *devices = list_devices (qmp);
  const char *const fixed[] = {"\n01.0 video\n", "\n02.0 rp0\n", "\n03.7 rp15\n", "\n04.0 usb\n",
                               "\n1b.0 sound\n"};

  for (guint i = 0; i < G_N_ELEMENTS (fixed); i++) {
    if (strstr (devices, fixed[i]) == NULL)
      g_error ("%s is not in %s", fixed[i], devices);
  }
  check_bus (qmp, "channels", "/rp0");
  check_bus (qmp, "balloon", "/rp1");
  check_bus (qmp, "rng", "/rp2");
  for (guint i = 0; i < description->nics->len; i++) {
    const LodgeNic *nic = description->nics->pdata[i];
    g_autofree char *port = g_strdup_printf ("/rp%u", nic->port);

    check_bus (qmp, nic->id, port);
  }
  for (guint i = 0; i < description->disks->len; i++) {
    const LodgeDisk *disk = description->disks->pdata[i];
    g_autofree char *port = disk->bus == LODGE_DISK_BUS_VIRTIO
                                ? g_strdup_printf ("/rp%u", disk->port)
                                : g_strdup_printf ("/ide.%u", disk->port);

    check_bus (qmp, disk->id, port);
  }
}

/* --- the whole --- */

static LodgeCommand *
build (Fixture *self,
       const SampleMachine *sample,
       const LodgeDescription *description,
       const char *tpm_socket,
       LodgeMachineCommandWire *wires,
       int *far_ends)
{
  const LodgeMachineCommandHost host = {
      .qemu = self->qemu,
      .accelerator = LODGE_ACCELERATOR_TCG,
      .machine_folder = self->machine,
      .runtime_folder = self->runtime,
      .tpm_socket = tpm_socket,
      .seccomp = !sample->bare,
      .io_uring = !sample->bare && lodge_host_has_io_uring (),
  };
  g_autoptr (GError) error = NULL;
  LodgeCommand *command;
  guint n_wires = 0;

  for (guint i = 0; i < description->nics->len && i < 3; i++) {
    const LodgeNic *nic = description->nics->pdata[i];
    int ends[2];

    g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    far_ends[n_wires] = ends[1];
    wires[n_wires++] = (LodgeMachineCommandWire){nic->id, ends[0]};
  }
  command = lodge_machine_command_build (description, &host, wires, n_wires, &error);
  g_assert_no_error (error);
  return command;
}

static char *
run (Fixture *self, LodgeCommand *command, const LodgeDescription *description)
{
  g_autofree char *path = g_build_filename (self->runtime, "qmp.sock", NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (JsonNode) status = NULL;
  g_autoptr (LodgeQmp) qmp = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *words = NULL;
  int ended = -2;
  GPid pid;

  pid =
      lodge_launch (command, self->contained ? LODGE_LAUNCH_CONTAINED : 0, UNIT, self->log, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (lodge_launch_watch (pid, gone_cb, &ended), >, 0);

  lodge_qmp_connect_async (path, LIMIT_MS, pid, NULL, keep_cb, &result);
  qmp = lodge_qmp_connect_finish (wait_for (&result), &error);
  if (qmp == NULL) {
    words = lodge_launch_read_last_words (self->log);
    lodge_launch_kill (pid);
    g_error ("%s: %s", error->message, words);
  }

  status = execute (qmp, "query-status", NULL);
  g_assert_false (json_object_get_boolean_member (json_node_get_object (status), "running"));
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (status), "status"), ==,
                   "prelaunch");
  check_nodes (qmp, description);
  check_addresses (qmp, description);

  json_node_unref (execute (qmp, "quit", NULL));
  while (ended == -2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (WIFEXITED (ended));
  g_assert_cmpint (WEXITSTATUS (ended), ==, 0);
  return lodge_launch_read_last_words (self->log);
}

static void
test_starts (Fixture *self, gconstpointer data)
{
  const SampleMachine *sample = data;
  g_autoptr (LodgeDescription) description = sample_machine_new (sample, self->files);
  g_autoptr (LodgeCommand) command = NULL;
  g_autofree char *tpm_socket = NULL;
  g_autofree char *words = NULL;
  LodgeMachineCommandWire wires[3];
  int far_ends[3] = {-1, -1, -1};

  if (self->qemu == NULL) {
    g_test_skip ("qemu-system-x86_64 is not installed");
    return;
  }
  make_files (self, description);
  if (description->tpm)
    tpm_socket = start_tpm (self);
  if (self->missing != NULL) {
    g_autofree char *reason = g_strdup_printf ("%s is not installed", self->missing);

    g_test_skip (reason);
    return;
  }

  command = build (self, sample, description, tpm_socket, wires, far_ends);
  words = run (self, command, description);
  /* A NIC without a wire is the one thing that QEMU says something about. */
  if (words != NULL && strstr (words, "has no peer") == NULL)
    g_error ("QEMU said: %s", words);
  for (guint i = 0; i < G_N_ELEMENTS (far_ends); i++) {
    if (far_ends[i] >= 0)
      close (far_ends[i]);
  }
}

int
main (int argc, char *argv[])
{
  g_autofree char *runtime = NULL;
  int result;

  g_test_init (&argc, &argv, NULL);
  runtime = g_dir_make_tmp ("lodge-real-XXXXXX", NULL);
  g_setenv ("XDG_RUNTIME_DIR", runtime, TRUE);
  g_setenv ("XDG_CACHE_HOME", runtime, TRUE);
  g_unsetenv ("DBUS_SESSION_BUS_ADDRESS");

  for (guint i = 0; i < n_sample_machines; i++) {
    g_autofree char *path = g_strdup_printf ("/machine-command-real/%s", sample_machines[i].name);

    /* The same under emulation, which is what runs everywhere. */
    if (sample_machines[i].accelerator == LODGE_ACCELERATOR_TCG)
      g_test_add (path, Fixture, &sample_machines[i], set_up, test_starts, tear_down);
  }
  result = g_test_run ();
  test_folder_remove (runtime);
  return result;
}
