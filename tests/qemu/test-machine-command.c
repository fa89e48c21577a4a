/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a description to a command line: golden files, every error, and that no argument is without
 * a reason. Run with LODGE_UPDATE_GOLDEN=1 to write the golden files again; read the difference. */
#include "qemu/lodge-machine-command.h"

#include "fake-qemu.h"
#include "lodge-error.h"
#include "sample-machines.h"
#include "test-folder.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
  char *folder; /* everything of one case */
  char *machine;
  char *runtime;
  char *files;
  LodgeQemu *qemu;
  LodgeMachineCommandHost host;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->folder = g_dir_make_tmp ("lodge-command-XXXXXX", NULL);
  /* Commas and quotes here, too: a user's folders can be called like that. */
  self->machine = sample_folder_make (self->folder, "m, \"1\"");
  self->runtime = sample_folder_make (self->folder, "r,1");
  self->files = sample_folder_make (self->folder, "files");
  self->qemu = fake_qemu_new ("/usr/bin/qemu-system-x86_64");
  self->host = (LodgeMachineCommandHost){
      .qemu = self->qemu,
      .machine_folder = self->machine,
      .runtime_folder = self->runtime,
      .seccomp = TRUE,
      .io_uring = TRUE,
  };
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  test_folder_remove (self->folder);
  g_object_add_weak_pointer (G_OBJECT (self->qemu), (gpointer *) &self->qemu);
  g_object_unref (self->qemu);
  g_assert_null (self->qemu);
  g_free (self->folder);
  g_free (self->machine);
  g_free (self->runtime);
  g_free (self->files);
}

static void
touch (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, "x", 1, NULL));
}

static void
touch_all (const Fixture *self, const LodgeDescription *description)
{
  for (guint i = 0; i < description->layers->len; i++) {
    const LodgeLayer *layer = description->layers->pdata[i];
    g_autofree char *path = g_path_is_absolute (layer->file)
                                ? g_strdup (layer->file)
                                : g_build_filename (self->machine, layer->file, NULL);

    touch (path);
  }
  for (guint i = 0; i < description->media->len; i++) {
    const LodgeMedia *media = description->media->pdata[i];

    if (media->file != NULL)
      touch (media->file);
  }
  for (guint i = 0; i < description->sticks->len; i++)
    touch (((const LodgeStick *) description->sticks->pdata[i])->file);
  if (description->kernel[0] != '\0') {
    touch (description->kernel);
    touch (description->initrd);
  }
  if (description->firmware != LODGE_FIRMWARE_BIOS) {
    g_autofree char *nvram = g_build_filename (self->machine, description->nvram, NULL);

    touch (description->firmware_code);
    touch (nvram);
  }
}

static const SampleMachine *
find_sample (const char *name)
{
  for (guint i = 0; i < n_sample_machines; i++) {
    if (strcmp (sample_machines[i].name, name) == 0)
      return &sample_machines[i];
  }
  g_assert_not_reached ();
}

/* --- golden files --- */

/* One argument per line, then what goes with them. The case's own folder is written @. */
static char *
describe (LodgeCommand *command, const char *folder)
{
  static const char *const hows[] = {"hidden", "read-only", "read-write", "device", "graphics"};
  const char *const *argv = lodge_command_get_argv (command);
  GString *text = g_string_new (NULL);

  for (guint i = 0; argv[i] != NULL; i++)
    g_string_append_printf (text, "%s\n", argv[i]);
  for (guint i = 0; i < lodge_command_get_n_binds (command); i++) {
    LodgeCommandBind how;
    const char *path = lodge_command_get_bind (command, i, &how);

    g_string_append_printf (text, "# %s %s\n", hows[how], path);
  }
  for (guint i = 0; i < lodge_command_get_n_fds (command); i++) {
    int number = -1;

    lodge_command_get_fd (command, i, &number);
    g_string_append_printf (text, "# descriptor %d\n", number);
  }
  g_string_replace (text, folder, "@", 0);
  return g_string_free (text, FALSE);
}

/* A descriptor for every NIC but the fourth. */
static guint
make_wires (const LodgeDescription *description, LodgeMachineCommandWire *wires)
{
  guint n_wires = 0;

  for (guint i = 0; i < description->nics->len && i < 3; i++) {
    const LodgeNic *nic = description->nics->pdata[i];

    wires[n_wires].nic_id = nic->id;
    wires[n_wires++].fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  }
  return n_wires;
}

static LodgeCommand *
build_sample (Fixture *self, const SampleMachine *sample)
{
  g_autoptr (LodgeDescription) description = sample_machine_new (sample, self->files);
  g_autofree char *tpm = g_build_filename (self->runtime, "tpm.sock", NULL);
  LodgeMachineCommandWire wires[3];
  guint n_wires = make_wires (description, wires);
  g_autoptr (GError) error = NULL;
  LodgeCommand *command;

  touch_all (self, description);
  self->host.accelerator = sample->accelerator;
  self->host.hyperv = sample->hyperv;
  self->host.render_node = sample->render_node;
  self->host.seccomp = self->host.io_uring = !sample->bare;
  fake_qemu_set_spice (self->qemu, !sample->bare);
  self->host.tpm_socket = description->tpm ? tpm : NULL;
  command = lodge_machine_command_build (description, &self->host, wires, n_wires, &error);
  self->host.tpm_socket = NULL;
  g_assert_no_error (error);
  g_assert_nonnull (command);
  return command;
}

static void
test_golden (Fixture *self, gconstpointer data)
{
  const SampleMachine *sample = data;
  g_autoptr (LodgeCommand) command = build_sample (self, sample);
  g_autofree char *got = describe (command, self->folder);
  g_autofree char *file = g_strconcat (sample->name, ".txt", NULL);
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "qemu", "golden", file, NULL);
  g_autofree char *expected = NULL;
  g_auto (GStrv) got_lines = NULL;
  g_auto (GStrv) expected_lines = NULL;
  GPtrArray *rows = lodge_command_get_rows (command);

  for (guint i = 0; i < rows->len; i++) {
    const LodgeCommandRow *row = rows->pdata[i];

    g_assert_cmpuint (strlen (row->reason), >, 10);
  }

  if (g_getenv ("LODGE_UPDATE_GOLDEN") != NULL) {
    g_assert_true (g_file_set_contents (path, got, -1, NULL));
    return;
  }
  g_assert_true (g_file_get_contents (path, &expected, NULL, NULL));
  got_lines = g_strsplit (got, "\n", -1);
  expected_lines = g_strsplit (expected, "\n", -1);
  for (guint i = 0; got_lines[i] != NULL && expected_lines[i] != NULL; i++)
    g_assert_cmpstr (got_lines[i], ==, expected_lines[i]);
  g_assert_cmpuint (g_strv_length (got_lines), ==, g_strv_length (expected_lines));
}

/* --- what never differs --- */

/* A device that is added moves no other: each machine has all lines of the one without anything
 * that carry an address of their own. */
static void
test_fixed_addresses (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) plain = build_sample (self, find_sample ("linux"));
  g_autoptr (LodgeCommand) full = build_sample (self, find_sample ("chains"));
  const char *const *plain_argv = lodge_command_get_argv (plain);
  const char *const *full_argv = lodge_command_get_argv (full);
  guint n_fixed = 0;

  for (guint i = 0; plain_argv[i] != NULL; i++) {
    if (strstr (plain_argv[i], "bus=pcie.0") == NULL)
      continue;
    g_assert_nonnull (strstr (plain_argv[i], "addr="));
    g_assert_true (g_strv_contains (full_argv, plain_argv[i]));
    n_fixed++;
  }
  g_assert_cmpuint (n_fixed, ==, LODGE_DESCRIPTION_PORTS + 3);
}

/* Whatever is written to is bound for writing, and nothing else is. */
static void
test_binds (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeCommand) command = build_sample (self, find_sample ("chains"));
  guint n_written = 0;

  for (guint i = 0; i < lodge_command_get_n_binds (command); i++) {
    LodgeCommandBind how;
    const char *path = lodge_command_get_bind (command, i, &how);
    gboolean top = g_str_has_suffix (path, "disk0-l2.qcow2") ||
                   g_str_has_suffix (path, "disk1-l1.qcow2") ||
                   g_str_has_suffix (path, "disk2-l2.qcow2");

    g_assert_cmpstr (path, !=, self->machine);
    if (top || strcmp (path, self->runtime) == 0) {
      g_assert_cmpint (how, ==, LODGE_COMMAND_BIND_READ_WRITE);
      n_written++;
    } else {
      g_assert_cmpint (how, ==, LODGE_COMMAND_BIND_READ_ONLY);
    }
  }
  g_assert_cmpuint (n_written, ==, 4);
}

/* QEMU has nothing of a disk that is detached, whose files need not be there; the others have the
 * places that they had. */
static void
test_detached (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description =
      sample_machine_new (find_sample ("chains"), self->files);
  g_autoptr (LodgeCommand) full = build_sample (self, find_sample ("chains"));
  g_autoptr (LodgeCommand) command = NULL;
  g_autoptr (GError) error = NULL;
  LodgeDisk *disk = description->disks->pdata[2];
  g_autofree char *top = g_build_filename (self->machine, "layers/disk2-l2.qcow2", NULL);
  const char *const *full_argv = lodge_command_get_argv (full);
  const char *const *argv;

  disk->attached = FALSE;
  g_assert_no_errno (g_unlink (top));
  command = lodge_machine_command_build (description, &self->host, NULL, 0, &error);
  g_assert_no_error (error);
  argv = lodge_command_get_argv (command);
  for (guint i = 0; full_argv[i] != NULL; i++) {
    if (strstr (full_argv[i], disk->id) == NULL)
      g_assert_true (g_strv_contains (argv, full_argv[i]));
  }
  for (guint i = 0; argv[i] != NULL; i++)
    g_assert_null (strstr (argv[i], disk->id));
  for (guint i = 0; i < lodge_command_get_n_binds (command); i++)
    g_assert_null (strstr (lodge_command_get_bind (command, i, NULL), disk->id));
}

/* QEMU may use its own sockets and the TPM's, and none of the other processes'. */
static void
test_companions_hidden (Fixture *self, gconstpointer data)
{
  const char *const names[] = {"qmp.sock", "tpm.sock", "net-nic0.sock", "net-nic0.log"};
  g_autoptr (LodgeCommand) command = NULL;
  guint n_hidden = 0;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = g_build_filename (self->runtime, names[i], NULL);

    touch (path);
  }
  command = build_sample (self, find_sample ("uefi-secure-tpm"));
  for (guint i = 0; i < lodge_command_get_n_binds (command); i++) {
    LodgeCommandBind how;
    const char *path = lodge_command_get_bind (command, i, &how);

    if (strstr (path, "net-nic0") != NULL)
      n_hidden++;
    g_assert_cmpint (how == LODGE_COMMAND_BIND_HIDDEN, ==, strstr (path, "net-nic0") != NULL);
  }
  g_assert_cmpuint (n_hidden, ==, 2);
}

static void
test_host_model_under_tcg (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = sample_machine_new (find_sample ("nics"), self->files);
  g_autoptr (LodgeCommand) command = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (lodge_description_set (description, "machine.cpu-model", "host", &error));
  self->host.accelerator = LODGE_ACCELERATOR_TCG;
  command = lodge_machine_command_build (description, &self->host, NULL, 0, &error);
  g_assert_no_error (error);
  g_assert_true (g_strv_contains (lodge_command_get_argv (command), "max"));
  g_assert_false (g_strv_contains (lodge_command_get_argv (command), "host"));
}

static void
test_resolve (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = lodge_description_new ("x");
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (description->machine_type, ==, "");
  g_assert_true (
      lodge_machine_command_resolve (description, self->qemu, LODGE_ACCELERATOR_TCG, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (description->machine_type, ==, "pc-q35-7.2");
  g_assert_cmpstr (description->cpu_model, ==, "max");

  /* Recorded once, kept for ever. */
  fake_qemu_set_machine (self->qemu, "pc-q35-10.0");
  g_assert_true (
      lodge_machine_command_resolve (description, self->qemu, LODGE_ACCELERATOR_KVM, &error));
  g_assert_cmpstr (description->machine_type, ==, "pc-q35-7.2");
  g_assert_cmpstr (description->cpu_model, ==, "max");

  g_clear_pointer (&description, lodge_description_free);
  description = lodge_description_new ("x");
  g_assert_true (
      lodge_machine_command_resolve (description, self->qemu, LODGE_ACCELERATOR_KVM, &error));
  g_assert_cmpstr (description->machine_type, ==, "pc-q35-10.0");
  g_assert_cmpstr (description->cpu_model, ==, "host");

  g_clear_pointer (&description, lodge_description_free);
  description = lodge_description_new ("x");
  fake_qemu_set_machine (self->qemu, NULL);
  g_assert_false (
      lodge_machine_command_resolve (description, self->qemu, LODGE_ACCELERATOR_TCG, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_HOST);
  g_assert_cmpstr (description->machine_type, ==, "");
}

/* --- errors --- */

static void
expect_error (Fixture *self, const LodgeDescription *description, int code, const char *named)
{
  int fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  LodgeMachineCommandWire wire = {"nic0", fd};
  g_autoptr (LodgeCommand) command = NULL;
  g_autoptr (GError) error = NULL;

  command = lodge_machine_command_build (description, &self->host, &wire, 1, &error);
  g_assert_null (command);
  g_assert_error (error, LODGE_ERROR, code);
  g_assert_nonnull (strstr (error->message, named));
  g_assert_null (strchr (error->message, '\n'));
  /* Without a command the wire stays the caller's. */
  g_assert_cmpint (fcntl (fd, F_GETFD), >=, 0);
  close (fd);
}

static LodgeDescription *
new_good (Fixture *self, const char *sample)
{
  LodgeDescription *description = sample_machine_new (find_sample (sample), self->files);

  touch_all (self, description);
  return description;
}

static char *
get_layer_path (const Fixture *self, const LodgeDescription *description)
{
  const LodgeLayer *layer = description->layers->pdata[0];

  return g_build_filename (self->machine, layer->file, NULL);
}

static void
test_layer_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  g_autofree char *path = get_layer_path (self, description);

  g_assert_cmpint (g_unlink (path), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, path);
}

static void
test_lower_layer_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "chains");
  g_autofree char *path = g_build_filename (self->machine, "layers/base.qcow2", NULL);

  g_assert_cmpint (g_unlink (path), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, path);
}

static void
test_layer_is_folder (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  g_autofree char *path = get_layer_path (self, description);

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, "it is a folder");
}

static void
test_layer_is_link (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  g_autofree char *path = get_layer_path (self, description);
  g_autofree char *secret = g_build_filename (self->files, "id_rsa", NULL);

  touch (secret);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (symlink (secret, path), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, "it is a link");
}

/* What a clone shares is a top only by a mistake of hand. */
static void
test_layer_is_shared (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  g_autofree char *path = get_layer_path (self, description);
  g_autofree char *other = g_build_filename (self->files, "clone", NULL);

  g_assert_cmpint (link (path, other), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, "one file with that of another folder");
}

static void
test_layers_folder_is_link (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  g_autofree char *layers = g_build_filename (self->machine, "layers", NULL);
  g_autofree char *elsewhere = g_build_filename (self->files, "elsewhere", NULL);

  g_assert_cmpint (g_rename (layers, elsewhere), ==, 0);
  g_assert_cmpint (symlink (elsewhere, layers), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, "outside the machine's folder");
}

static void
test_layer_is_fifo (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  g_autofree char *path = get_layer_path (self, description);

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, "not a plain file");
}

/* Root may read everything; without these two capabilities it may not either. */
static void
give_up_reading_everything (struct __user_cap_data_struct before[2])
{
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct after[2];

  g_assert_cmpint (syscall (SYS_capget, &header, before), ==, 0);
  memcpy (after, before, sizeof after);
  after[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
  g_assert_cmpint (syscall (SYS_capset, &header, after), ==, 0);
}

static void
test_layer_unreadable (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  g_autofree char *path = get_layer_path (self, description);

  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct capabilities[2];

  g_assert_cmpint (g_chmod (path, 0), ==, 0);
  give_up_reading_everything (capabilities);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, path);
  g_assert_cmpint (syscall (SYS_capset, &header, capabilities), ==, 0);
}

static void
test_medium_is_folder (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  const LodgeMedia *media = description->media->pdata[0];

  g_assert_cmpint (g_unlink (media->file), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, media->file);
  g_assert_cmpint (g_mkdir (media->file, 0700), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, "it is a folder");
}

static void
test_boot_files_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "kernel-once");

  g_assert_cmpint (g_unlink (description->initrd), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, description->initrd);
  g_assert_cmpint (g_unlink (description->kernel), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, description->kernel);
}

static void
test_firmware_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "bsd");
  g_autofree char *nvram = g_build_filename (self->machine, description->nvram, NULL);

  g_assert_cmpint (g_unlink (nvram), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, nvram);
  g_assert_cmpint (g_unlink (description->firmware_code), ==, 0);
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, description->firmware_code);
  description->firmware_code[0] = '\0';
  expect_error (self, description, LODGE_ERROR_HOST, "ovmf");
}

static void
test_tpm_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "uefi-secure-tpm");

  expect_error (self, description, LODGE_ERROR_HOST, "swtpm");
}

static void
test_name_refused (Fixture *self, gconstpointer data)
{
  const char *const names[] = {"two\nlines", "", "a/b", "bell\a"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (LodgeDescription) description = new_good (self, "linux");

    g_free (description->name);
    description->name = g_strdup (names[i]);
    expect_error (self, description, LODGE_ERROR_INVALID, "name");
  }
}

static void
test_qemu_lacks (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");

  fake_qemu_set_missing (self->qemu, "virtio-vga");
  expect_error (self, description, LODGE_ERROR_HOST, "virtio-vga");
  fake_qemu_set_missing (self->qemu, NULL);
  fake_qemu_set_version (self->qemu, 7, 1);
  expect_error (self, description, LODGE_ERROR_HOST, "7.1.0 is too old");
  fake_qemu_set_machine (self->qemu, "pc-q35-10.0");
  expect_error (self, description, LODGE_ERROR_HOST, "pc-q35-7.2");
}

static void
test_runtime_too_long (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  g_autofree char *name = g_strnfill (96, 'r');
  g_autofree char *path = g_strconcat ("/", name, NULL);

  self->host.runtime_folder = path;
  expect_error (self, description, LODGE_ERROR_HOST, path);
}

static void
test_file_name_not_utf8 (Fixture *self, gconstpointer data)
{
  g_autoptr (LodgeDescription) description = new_good (self, "linux");
  g_autofree char *path = g_build_filename (self->folder, "m\377", NULL);

  self->host.machine_folder = path;
  expect_error (self, description, LODGE_ERROR_NOT_FOUND, "UTF-8");
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < n_sample_machines; i++) {
    g_autofree char *path = g_strdup_printf ("/machine-command/golden/%s", sample_machines[i].name);

    g_test_add (path, Fixture, &sample_machines[i], set_up, test_golden, tear_down);
  }
  add ("/machine-command/fixed-addresses", test_fixed_addresses);
  add ("/machine-command/detached", test_detached);
  add ("/machine-command/binds", test_binds);
  add ("/machine-command/companions-hidden", test_companions_hidden);
  add ("/machine-command/host-model-under-tcg", test_host_model_under_tcg);
  add ("/machine-command/resolve", test_resolve);
  add ("/machine-command/error/layer-missing", test_layer_missing);
  add ("/machine-command/error/lower-layer-missing", test_lower_layer_missing);
  add ("/machine-command/error/layer-is-folder", test_layer_is_folder);
  add ("/machine-command/error/layer-is-link", test_layer_is_link);
  add ("/machine-command/error/layer-is-shared", test_layer_is_shared);
  add ("/machine-command/error/layers-folder-is-link", test_layers_folder_is_link);
  add ("/machine-command/error/layer-is-fifo", test_layer_is_fifo);
  add ("/machine-command/error/layer-unreadable", test_layer_unreadable);
  add ("/machine-command/error/medium-is-folder", test_medium_is_folder);
  add ("/machine-command/error/boot-files-missing", test_boot_files_missing);
  add ("/machine-command/error/firmware-missing", test_firmware_missing);
  add ("/machine-command/error/tpm-missing", test_tpm_missing);
  add ("/machine-command/error/name-refused", test_name_refused);
  add ("/machine-command/error/qemu-lacks", test_qemu_lacks);
  add ("/machine-command/error/runtime-too-long", test_runtime_too_long);
  add ("/machine-command/error/file-name-not-utf8", test_file_name_not_utf8);
  return g_test_run ();
}
