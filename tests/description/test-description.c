/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The value: defaults, devices, keys by name, what is allowed. */
#include "description/lodge-description-keys.h"
#include "description/lodge-description-snapshots.h"
#include "description/lodge-description.h"
#include "lodge-error.h"

#include <string.h>

static LodgeDescription *
new_machine (void)
{
  LodgeDescription *self = lodge_description_new ("web");
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (lodge_description_add_disk (self, LODGE_DISK_BUS_VIRTIO,
                                                "layers/disk0-l0.qcow2", "qcow2",
                                                G_GUINT64_CONSTANT (20) << 30, &error));
  g_assert_no_error (error);
  g_assert_nonnull (lodge_description_add_nic (self, LODGE_NIC_MODEL_VIRTIO, &error));
  g_assert_no_error (error);
  g_assert_nonnull (lodge_description_add_media (self, "/srv/debian.iso", &error));
  g_assert_no_error (error);
  g_assert_nonnull (lodge_description_add_stick (self, "/srv/stick.img", &error));
  g_assert_no_error (error);
  g_assert_true (lodge_description_check (self, &error));
  g_assert_no_error (error);
  return self;
}

/* The message names all of @parts and is one line. */
static void
assert_refused (GError *error, int code, const char *const *parts)
{
  g_assert_error (error, LODGE_ERROR, code);
  g_assert_null (strchr (error->message, '\n'));
  for (guint i = 0; parts[i] != NULL; i++) {
    if (strstr (error->message, parts[i]) == NULL)
      g_error ("“%s” does not name “%s”", error->message, parts[i]);
  }
}

#define PARTS(...)                                                                                 \
  (const char *const[])                                                                            \
  {                                                                                                \
    __VA_ARGS__, NULL                                                                              \
  }

static void
test_defaults (void)
{
  g_autoptr (LodgeDescription) a = lodge_description_new ("a");
  g_autoptr (LodgeDescription) b = lodge_description_new ("b");
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (a->cpus, ==, 2);
  g_assert_cmpuint (a->memory_mib, ==, 2048);
  g_assert_cmpint (a->firmware, ==, LODGE_FIRMWARE_BIOS);
  g_assert_cmpint (a->display, ==, LODGE_DISPLAY_VIRTIO);
  g_assert_cmpuint (a->video_memory_mib, ==, 64);
  g_assert_false (a->microphone);
  g_assert_false (a->tpm);
  g_assert_cmpint (a->share_clipboard, ==, LODGE_CLIPBOARD_BOTH);
  g_assert_true (a->share_files);
  g_assert_cmpstr (a->share_folder, ==, "");
  g_assert_false (a->share_folder_writable);
  g_assert_cmpint (a->folder_method, ==, LODGE_FOLDER_METHOD_WEBDAV);
  g_assert_cmpstr (a->os, ==, "");
  g_assert_cmpstr (a->machine_type, ==, "");
  g_assert_cmpstr (a->kernel, ==, "");
  g_assert_cmpstr (a->nvram, ==, "");
  g_assert_true (g_uuid_string_is_valid (a->uuid));
  g_assert_true (g_uuid_string_is_valid (a->vmgenid));
  g_assert_cmpstr (a->uuid, !=, b->uuid);
  g_assert_cmpstr (a->uuid, !=, a->vmgenid);
  g_assert_true (lodge_description_check (a, &error));
  g_assert_no_error (error);
}

static void
test_devices (void)
{
  g_autoptr (LodgeDescription) self = new_machine ();
  g_autoptr (GError) error = NULL;
  const LodgeDisk *disk0 = g_ptr_array_index (self->disks, 0);
  const LodgeNic *nic0 = lodge_description_get_nic (self, "nic0");
  const LodgeMedia *cd0 = g_ptr_array_index (self->media, 0);
  const LodgeLayer *layer = lodge_description_get_layer (self, "disk0-l0");
  const LodgeDisk *disk1;

  g_assert_cmpstr (disk0->id, ==, "disk0");
  g_assert_cmpuint (disk0->port, ==, LODGE_DESCRIPTION_FIRST_FREE_PORT);
  g_assert_cmpstr (disk0->top, ==, "disk0-l0");
  g_assert_cmpstr (layer->file, ==, "layers/disk0-l0.qcow2");
  g_assert_null (layer->below);
  g_assert_cmpuint (nic0->port, ==, LODGE_DESCRIPTION_FIRST_FREE_PORT + 1);
  g_assert_true (g_str_has_prefix (nic0->mac, "52:54:00:"));
  g_assert_cmpuint (strlen (nic0->mac), ==, 17);
  g_assert_nonnull (nic0->forwards);
  g_assert_cmpstr (cd0->id, ==, "cd0");
  g_assert_cmpuint (cd0->port, ==, 0);

  disk1 = lodge_description_add_disk (self, LODGE_DISK_BUS_SATA, "layers/b.raw", "raw", 1 << 20,
                                      &error);
  g_assert_no_error (error);
  g_assert_cmpstr (disk1->id, ==, "disk1");
  g_assert_cmpuint (disk1->port, ==, 1);
  g_assert_true (lodge_description_check (self, &error));

  /* A freed id and port are the next to be given out. */
  g_ptr_array_remove_index (self->nics, 0);
  g_assert_cmpstr (lodge_description_add_nic (self, LODGE_NIC_MODEL_E1000E, NULL)->id, ==, "nic0");
  g_assert_cmpuint (lodge_description_get_nic (self, "nic0")->port, ==,
                    LODGE_DESCRIPTION_FIRST_FREE_PORT + 1);
  g_assert_null (lodge_description_get_nic (self, "nic1"));
  g_assert_null (lodge_description_get_layer (self, "disk9-l0"));
}

static void
test_ports_run_out (void)
{
  g_autoptr (LodgeDescription) self = lodge_description_new ("web");
  g_autoptr (GError) error = NULL;
  guint n = 0;

  while (lodge_description_add_nic (self, LODGE_NIC_MODEL_VIRTIO, &error) != NULL)
    n++;
  g_assert_cmpuint (n, ==, LODGE_DESCRIPTION_PORTS - LODGE_DESCRIPTION_FIRST_FREE_PORT);
  assert_refused (error, LODGE_ERROR_INVALID, PARTS ("web", "12"));
  g_clear_error (&error);
  g_assert_null (
      lodge_description_add_disk (self, LODGE_DISK_BUS_VIRTIO, "layers/a", "raw", 512, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_cmpuint (self->layers->len, ==, 0);
  g_assert_cmpuint (self->disks->len, ==, 0);

  for (n = 0; lodge_description_add_media (self, NULL, &error) != NULL;)
    n++;
  g_assert_cmpuint (n, ==, LODGE_DESCRIPTION_SATA_PORTS);
  assert_refused (error, LODGE_ERROR_INVALID, PARTS ("web", "6"));
  g_clear_error (&error);

  while (lodge_description_add_stick (self, "/srv/a.img", &error) != NULL)
    ;
  g_assert_cmpuint (self->sticks->len, ==,
                    LODGE_DESCRIPTION_USB_PORTS - LODGE_DESCRIPTION_FIRST_STICK_PORT);
  assert_refused (error, LODGE_ERROR_INVALID, PARTS ("web", "4"));
  g_clear_error (&error);
  lodge_description_remove_stick (self, "usb0");
  g_assert_null (lodge_description_get_stick (self, "usb0"));
  g_assert_nonnull (lodge_description_add_stick (self, "/srv/a.img", &error));
  g_assert_no_error (error);
  g_assert_true (lodge_description_check (self, &error));
  g_assert_no_error (error);
}

static void
assert_same (const LodgeDescription *a, const LodgeDescription *b)
{
  g_autoptr (GPtrArray) list_a = lodge_description_list (a);
  g_autoptr (GPtrArray) list_b = lodge_description_list (b);

  g_assert_cmpuint (list_a->len, ==, list_b->len);
  for (guint i = 0; i < list_a->len; i++)
    g_assert_cmpstr (g_ptr_array_index (list_a, i), ==, g_ptr_array_index (list_b, i));
}

static void
test_copy (void)
{
  g_autoptr (LodgeDescription) self = new_machine ();
  g_autoptr (LodgeDescription) copy = NULL;

  g_assert_true (
      lodge_description_set (self, "nic.nic0.forwards", "tcp:2222:22;udp:[::1]:53:53", NULL));
  copy = lodge_description_copy (self);
  assert_same (self, copy);
  g_assert_null (lodge_description_get_layer (copy, "disk0-l0")->below);

  g_assert_true (lodge_description_set (copy, "machine.name", "other", NULL));
  g_assert_true (lodge_description_set (copy, "nic.nic0.forwards", "", NULL));
  g_assert_cmpstr (self->name, ==, "web");
  g_assert_cmpuint (g_strv_length (lodge_description_get_nic (self, "nic0")->forwards), ==, 2);
}

/* The first drive comes first, whatever it is called: that is how a client knows which it is. */
static void
test_list_order (void)
{
  g_autoptr (LodgeDescription) self = new_machine ();
  g_autoptr (GPtrArray) list = NULL;
  g_autoptr (GString) drives = g_string_new (NULL);

  g_assert_nonnull (lodge_description_add_media (self, NULL, NULL));
  g_ptr_array_insert (self->media, 0, g_ptr_array_steal_index (self->media, 1));
  list = lodge_description_list (self);
  for (guint i = 0; i < list->len; i += 2) {
    const char *key = g_ptr_array_index (list, i);

    if (g_str_has_prefix (key, "media.") && g_str_has_suffix (key, ".file"))
      g_string_append_printf (drives, "%s ", key);
  }
  g_assert_cmpstr (drives->str, ==, "media.cd1.file media.cd0.file ");
}

/* Every settable key takes the text that list() shows for it, every other is refused. */
static void
test_every_key (void)
{
  g_autoptr (LodgeDescription) self = new_machine ();
  g_autoptr (LodgeDescription) before = NULL;
  g_autoptr (GPtrArray) list = NULL;
  guint n_keys, n_settable = 0;
  const LodgeKey *keys;

  lodge_description_freeze (self, "s1", "installed", "", 0);
  before = lodge_description_copy (self);
  list = lodge_description_list (self);
  keys = lodge_keys_get (&n_keys);
  /* One device of each kind: each row of the table is there once. */
  g_assert_cmpuint (list->len, ==, 2 * n_keys);
  g_assert_cmpstr (g_ptr_array_index (list, 0), ==, "machine.version");
  for (guint i = 0; i < n_keys; i++) {
    const char *name = g_ptr_array_index (list, 2 * i);
    const char *text = g_ptr_array_index (list, 2 * i + 1);
    g_autoptr (GError) error = NULL;
    g_autofree char *requirement = lodge_key_dup_requirement (&keys[i]);

    g_assert_cmpuint (strlen (requirement), >, 0);
    g_assert_true (g_str_has_suffix (keys[i].summary, "."));
    if ((keys[i].flags & LODGE_KEY_SETTABLE) != 0) {
      g_assert_true (lodge_description_set (self, name, text, &error));
      g_assert_no_error (error);
      n_settable++;
    } else {
      g_assert_false (lodge_description_set (self, name, text, &error));
      assert_refused (error, LODGE_ERROR_INVALID, PARTS (name));
    }
  }
  g_assert_cmpuint (n_settable, >, 15);
  assert_same (self, before);
}

static void
test_set (void)
{
  static const struct {
    const char *key, *text, *listed;
  } good[] = {
      {"machine.memory", "4G", "4G"},
      {"machine.memory", "1536M", "1536M"},
      {"machine.memory", "2097152K", "2G"},
      {"machine.memory", "", "2G"},
      {"machine.cpus", " 8 ", "8"},
      {"machine.name", "Größe 2", "Größe 2"},
      {"machine.os", "debian12", "debian12"},
      {"machine.cpu-model", "Skylake-Client-v4", "Skylake-Client-v4"},
      {"firmware.kind", "uefi-secure", "uefi-secure"},
      {"tpm.enabled", "yes", "true"},
      {"display.model", "qxl", "qxl"},
      {"display.video-memory", "128M", "128M"},
      {"display.monitors", "4", "4"},
      {"display.monitors", "", "1"},
      {"display.3d", "yes", "true"},
      {"display.3d", "", "false"},
      {"display.scaling", "one-to-one", "one-to-one"},
      {"display.scaling", "", "resize-guest"},
      {"display.whole-multiples", "yes", "true"},
      {"display.whole-multiples", "", "false"},
      {"display.side-by-side", "yes", "true"},
      {"display.side-by-side", "", "false"},
      {"sharing.clipboard", "to-guest", "to-guest"},
      {"sharing.clipboard", "", "both"},
      {"sharing.files", "no", "false"},
      {"sharing.files-out", "yes", "true"},
      {"sharing.files-out", "", "false"},
      {"sharing.microphone", "yes", "true"},
      {"sharing.microphone", "", "false"},
      {"sharing.folder", "/srv/for guests", "/srv/for guests"},
      {"sharing.folder", "", ""},
      {"sharing.folder-writable", "yes", "true"},
      {"sharing.folder-method", "virtiofs", "virtiofs"},
      {"sharing.folder-method", "", "webdav"},
      {"terminal.monitor", "yes", "true"},
      {"terminal.monitor", "", "false"},
      {"boot.kernel", "/boot/vm linuz", "/boot/vm linuz"},
      {"boot.append", "console=ttyS0 quiet", "console=ttyS0 quiet"},
      {"nic.nic0.mac", "52:54:00:AB:cd:01", "52:54:00:ab:cd:01"},
      {"nic.nic0.forwards", "tcp:2222:22; udp:[::1]:53:53;", "tcp:2222:22;udp:[::1]:53:53"},
      {"nic.nic0.forwards", "tcp:127.0.0.1:8080:80", "tcp:127.0.0.1:8080:80"},
      {"media.cd0.file", "/srv/a;b,c.iso ", "/srv/a;b,c.iso "},
      {"media.cd0.file", "", ""},
  };
  g_autoptr (LodgeDescription) self = new_machine ();

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) list = NULL;
    gboolean found = FALSE;

    g_assert_true (lodge_description_set (self, good[i].key, good[i].text, &error));
    g_assert_no_error (error);
    list = lodge_description_list (self);
    for (guint j = 0; j < list->len; j += 2) {
      if (strcmp (g_ptr_array_index (list, j), good[i].key) == 0) {
        g_assert_cmpstr (g_ptr_array_index (list, j + 1), ==, good[i].listed);
        found = TRUE;
      }
    }
    g_assert_true (found);
    g_assert_true (lodge_description_check (self, &error));
    g_assert_no_error (error);
  }
  g_assert_null (((LodgeMedia *) g_ptr_array_index (self->media, 0))->file);
}

static void
test_set_refused (void)
{
  static const struct {
    const char *key, *text;
    int code;
    const char *named; /* in the message besides the key */
  } bad[] = {
      {"machine.memory", "lots", LODGE_ERROR_INVALID, "lots"},
      {"machine.memory", "2049K", LODGE_ERROR_INVALID, "16M to 8T"},
      {"machine.memory", "8M", LODGE_ERROR_INVALID, "16M to 8T"},
      {"machine.memory", "99999999999999999999G", LODGE_ERROR_INVALID, "16M to 8T"},
      {"machine.memory", "-4G", LODGE_ERROR_INVALID, "-4G"},
      {"machine.cpus", "0", LODGE_ERROR_INVALID, "1 to 255"},
      {"machine.cpus", "256", LODGE_ERROR_INVALID, "1 to 255"},
      {"machine.cpus", "2.5", LODGE_ERROR_INVALID, "2.5"},
      {"machine.name", "a/b", LODGE_ERROR_INVALID, "a/b"},
      {"machine.name", "", LODGE_ERROR_INVALID, "name"},
      {"machine.uuid", "3a1c2a42-5f0d-4e0f-8a53-0d3f5b1b6a11", LODGE_ERROR_INVALID, "uuid"},
      {"machine.version", "2", LODGE_ERROR_INVALID, "version"},
      {"machine.cpu-model", "host,+vmx", LODGE_ERROR_INVALID, "host,+vmx"},
      {"machine.os", "de bian", LODGE_ERROR_INVALID, "de bian"},
      {"firmware.kind", "uboot", LODGE_ERROR_INVALID, "bios, uefi or uefi-secure"},
      {"tpm.enabled", "1", LODGE_ERROR_INVALID, "true or false"},
      {"display.monitors", "0", LODGE_ERROR_INVALID, "1 to 4"},
      {"display.monitors", "5", LODGE_ERROR_INVALID, "1 to 4"},
      {"display.scaling", "1:1", LODGE_ERROR_INVALID, "resize-guest, scale or one-to-one"},
      {"display.whole-multiples", "2", LODGE_ERROR_INVALID, "true or false"},
      {"display.side-by-side", "both", LODGE_ERROR_INVALID, "true or false"},
      {"sharing.clipboard", "yes", LODGE_ERROR_INVALID, "off, to-guest, to-host or both"},
      {"sharing.files", "in", LODGE_ERROR_INVALID, "true or false"},
      {"sharing.microphone", "sometimes", LODGE_ERROR_INVALID, "true or false"},
      {"sharing.folder", "Public", LODGE_ERROR_INVALID, "full path"},
      {"sharing.folder-writable", "maybe", LODGE_ERROR_INVALID, "true or false"},
      {"sharing.folder-method", "9p", LODGE_ERROR_INVALID, "virtiofs"},
      {"terminal.monitor", "readonly", LODGE_ERROR_INVALID, "true or false"},
      {"boot.kernel", "vmlinuz", LODGE_ERROR_INVALID, "full path"},
      {"boot.append", "a\nb", LODGE_ERROR_INVALID, "line breaks"},
      {"nic.nic0.mac", "53:54:00:12:34:56", LODGE_ERROR_INVALID, "53:54:00:12:34:56"},
      {"nic.nic0.mac", "00:00:00:00:00:00", LODGE_ERROR_INVALID, "00:00:00:00:00:00"},
      {"nic.nic0.mac", "52-54-00-12-34-56", LODGE_ERROR_INVALID, "52-54-00-12-34-56"},
      {"nic.nic0.forwards", "tcp:22", LODGE_ERROR_INVALID, "tcp:127.0.0.1:2222:22"},
      {"nic.nic0.forwards", "tcp:0:22", LODGE_ERROR_INVALID, "tcp:0:22"},
      {"nic.nic0.forwards", "tcp:65536:22", LODGE_ERROR_INVALID, "tcp:65536:22"},
      {"nic.nic0.forwards", "icmp:1:2", LODGE_ERROR_INVALID, "icmp:1:2"},
      {"nic.nic0.forwards", "tcp:::1:80:80", LODGE_ERROR_INVALID, "tcp:::1:80:80"},
      {"nic.nic0.forwards", "tcp:host.example:80:80", LODGE_ERROR_INVALID, "host.example"},
      {"nic.nic0.forwards", "tcp:", LODGE_ERROR_INVALID, "tcp:"},
      {"nic.nic0.port", "7", LODGE_ERROR_INVALID, "port"},
      {"disk.disk0.attached", "false", LODGE_ERROR_INVALID, "lodgectl disk detach"},
      {"media.cd0.file", "debian.iso", LODGE_ERROR_INVALID, "full path"},
      {"media.cd0.file", "/srv/\xff.iso", LODGE_ERROR_INVALID, "full path"},
      {"layer.disk0-l0.file", "/etc/shadow", LODGE_ERROR_INVALID, "file"},
      {"machine.memroy", "4G", LODGE_ERROR_NOT_FOUND, "memory"},
      {"memory", "4G", LODGE_ERROR_NOT_FOUND, "machine"},
      {"", "4G", LODGE_ERROR_NOT_FOUND, "machine"},
      {".", "4G", LODGE_ERROR_NOT_FOUND, "machine"},
      {"machine.a.cpus", "4", LODGE_ERROR_NOT_FOUND, "memory"},
      {"nic.mac", "52:54:00:12:34:56", LODGE_ERROR_NOT_FOUND, "nic.nic0"},
      {"nic.nic7.mac", "52:54:00:12:34:56", LODGE_ERROR_NOT_FOUND, "nic.nic0"},
      {"nic.nic0.speed", "1", LODGE_ERROR_NOT_FOUND, "forwards"},
      {"nic.nic0.", "1", LODGE_ERROR_NOT_FOUND, "forwards"},
  };
  g_autoptr (LodgeDescription) self = new_machine ();
  g_autoptr (LodgeDescription) before = lodge_description_copy (self);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (lodge_description_set (self, bad[i].key, bad[i].text, &error));
    assert_refused (error, bad[i].code, PARTS (bad[i].key, bad[i].named));
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  }
  assert_same (self, before);
}

static void
test_set_takes_along (void)
{
  g_autoptr (LodgeDescription) self = new_machine ();
  LodgeDisk *disk = g_ptr_array_index (self->disks, 0);
  g_autoptr (GError) error = NULL;

  g_free (self->firmware_code);
  self->firmware_code = g_strdup ("/usr/share/OVMF/OVMF_CODE_4M.fd");
  g_free (self->nvram);
  self->nvram = g_strdup ("nvram.qcow2");
  g_assert_true (lodge_description_set (self, "firmware.kind", "bios", &error));
  g_assert_cmpstr (self->nvram, ==, "nvram.qcow2");
  g_assert_true (lodge_description_set (self, "firmware.kind", "uefi", &error));
  g_assert_cmpstr (self->firmware_code, ==, "");
  g_assert_cmpstr (self->nvram, ==, "");

  g_assert_true (lodge_description_set (self, "disk.disk0.bus", "sata", &error));
  g_assert_cmpuint (disk->port, ==, 1);
  g_assert_true (lodge_description_check (self, &error));
  g_assert_no_error (error);
  g_assert_true (lodge_description_set (self, "disk.disk0.bus", "virtio", &error));
  g_assert_cmpuint (disk->port, ==, LODGE_DESCRIPTION_FIRST_FREE_PORT);

  while (lodge_description_add_media (self, NULL, NULL) != NULL)
    ;
  g_assert_false (lodge_description_set (self, "disk.disk0.bus", "sata", &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_cmpint (disk->bus, ==, LODGE_DISK_BUS_VIRTIO);
  g_assert_cmpuint (disk->port, ==, LODGE_DESCRIPTION_FIRST_FREE_PORT);

  g_assert_true (lodge_description_set (self, "boot.kernel", "/boot/vmlinuz", NULL));
  g_assert_true (lodge_description_set (self, "boot.append", "quiet", NULL));
  g_assert_true (lodge_description_set (self, "boot.kernel-once", "yes", NULL));
  g_assert_true (lodge_description_set (self, "boot.kernel", "", NULL));
  g_assert_cmpstr (self->append, ==, "");
  g_assert_false (self->kernel_once);
}

static void
replace (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text);
}

static LodgeLayer *
add_layer (LodgeDescription *self, const char *id, const char *below)
{
  LodgeLayer *layer = lodge_section_item_new (LODGE_SECTION_LAYER, id);

  layer->file = g_strdup_printf ("layers/%s.qcow2", id);
  layer->format = g_strdup ("qcow2");
  layer->size_bytes = 1 << 20;
  layer->below = g_strdup (below);
  g_ptr_array_add (self->layers, layer);
  return layer;
}

static void
assert_check (LodgeDescription *self, const char *const *parts)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (lodge_description_check (self, &error));
  assert_refused (error, LODGE_ERROR_INVALID, parts);
}

static void
test_check_layers (void)
{
  g_autoptr (LodgeDescription) self = new_machine ();
  LodgeLayer *top = lodge_description_get_layer (self, "disk0-l0");
  LodgeDisk *disk = g_ptr_array_index (self->disks, 0);
  LodgeLayer *low, *side;
  g_autoptr (GError) error = NULL;

  replace (&top->below, "gone");
  assert_check (self, PARTS ("layer.disk0-l0.below", "gone"));

  replace (&top->below, "disk0-l0");
  assert_check (self, PARTS ("layer.disk0-l0.below", "circle"));

  low = add_layer (self, "low", NULL);
  replace (&top->below, "low");
  g_assert_true (lodge_description_check (self, &error));
  g_assert_no_error (error);

  replace (&top->format, "raw");
  assert_check (self, PARTS ("layer.disk0-l0.below", "qcow2"));
  replace (&top->format, "qcow2");

  /* A branch that no disk shows now is fine; one on what is written to is not. */
  side = add_layer (self, "side", "low");
  g_assert_true (lodge_description_check (self, &error));
  replace (&side->below, "disk0-l0");
  assert_check (self, PARTS ("layer.side.below", "disk0"));
  replace (&side->below, "low");

  replace (&low->below, "side");
  assert_check (self, PARTS ("circle"));
  g_clear_pointer (&low->below, g_free);

  replace (&low->file, top->file);
  assert_check (self, PARTS ("layer.low.file", top->file));
  replace (&low->file, "layers/low.qcow2");

  replace (&self->nvram, "layers/low.qcow2");
  assert_check (self, PARTS ("layer.low.file", "firmware.nvram"));
  replace (&self->nvram, "");

  replace (&disk->top, "none");
  assert_check (self, PARTS ("disk.disk0.top", "none"));
  replace (&disk->top, "disk0-l0");

  g_assert_nonnull (
      lodge_description_add_disk (self, LODGE_DISK_BUS_VIRTIO, "layers/x", "raw", 512, NULL));
  replace (&((LodgeDisk *) g_ptr_array_index (self->disks, 1))->top, "disk0-l0");
  assert_check (self, PARTS ("disk.disk1.top", "disk.disk0"));
}

/* It is one of the machine's, in its place; but not the one that the guest starts from. */
static void
test_detached (void)
{
  g_autoptr (LodgeDescription) self = new_machine ();
  g_autoptr (LodgeDescription) other = NULL;
  g_autoptr (GError) error = NULL;
  LodgeDisk *disk0, *disk1;
  guint port;

  lodge_description_add_disk (self, LODGE_DISK_BUS_VIRTIO, "layers/x", "raw", 512, NULL);
  disk0 = self->disks->pdata[0];
  disk1 = self->disks->pdata[1];
  g_assert_true (disk0->attached);
  g_assert_true (lodge_description_get_boot_disk (self) == disk0);
  disk0->attached = FALSE;
  g_assert_true (lodge_description_check (self, &error));
  g_assert_no_error (error);
  g_assert_true (lodge_description_get_boot_disk (self) == disk1);

  /* It keeps its port, which nothing else gets, unless that is taken where it goes. */
  other = lodge_description_copy (self);
  port = disk0->port;
  g_assert_cmpuint (lodge_description_add_nic (other, LODGE_NIC_MODEL_VIRTIO, NULL)->port, !=,
                    port);
  g_assert_true (lodge_description_move_disk (self, disk0, other, &error));
  g_assert_cmpuint (disk0->port, ==, port);
  lodge_description_get_nic (other, "nic0")->port = port;
  g_assert_true (lodge_description_move_disk (self, disk0, other, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (disk0->port, !=, port);
  g_assert_true (lodge_description_check (self, &error));

  disk1->attached = FALSE;
  g_assert_null (lodge_description_get_boot_disk (self));
  lodge_description_copy_disk (other, self, "disk1");
  g_assert_cmpuint (other->disks->len, ==, 2);
  g_assert_false (((LodgeDisk *) other->disks->pdata[1])->attached);

  /* A disk of this computer is not kept by the machine: it is there all the same. */
  replace (&lodge_description_get_layer (self, disk1->top)->host_disk, "disk#1");
  replace (&lodge_description_get_layer (self, disk1->top)->file, "/dev/disk/by-id/one");
  assert_check (self, PARTS ("disk.disk1.attached", "removed from the machine"));
}

static void
test_check_paths (void)
{
  static const char *const outside[] = {
      "../x.qcow2",
      "layers/../../x",
      "..",
      "layers/..",
      "",
      "layers//x",
      "./x",
      "layers/./x",
      "layers/",
      "machine.ini",
      "lock",
      "run",
      "journal",
      "snapshots/s1/machine.ini",
      ".new",
      "machine.ini.v1",
      "layers/a\nb",
      "layers/\xff",
  };
  g_autoptr (LodgeDescription) self = new_machine ();
  LodgeLayer *layer = lodge_description_get_layer (self, "disk0-l0");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (outside); i++) {
    replace (&layer->file, outside[i]);
    assert_check (self, PARTS ("layer.disk0-l0.file", "stays in the machine's folder"));
  }
  replace (&layer->file, "/srv/images/win.qcow2");
  g_assert_true (lodge_description_check (self, &error));
  g_assert_no_error (error);

  replace (&self->nvram, "/srv/nvram");
  assert_check (self, PARTS ("firmware.nvram", "/srv/nvram"));
  replace (&self->nvram, "nvram.qcow2");
  g_assert_true (lodge_description_check (self, &error));
}

static void
test_check_devices (void)
{
  g_autoptr (LodgeDescription) self = new_machine ();
  LodgeDisk *disk = g_ptr_array_index (self->disks, 0);
  LodgeNic *nic = g_ptr_array_index (self->nics, 0);
  LodgeMedia *media = g_ptr_array_index (self->media, 0);
  LodgeNic *second = lodge_description_add_nic (self, LODGE_NIC_MODEL_VIRTIO, NULL);
  g_autofree char *mac = g_strdup (second->mac);
  guint port = second->port;
  g_autoptr (GError) error = NULL;

  second->port = nic->port;
  assert_check (self, PARTS ("nic.nic1.port", "nic.nic0"));
  second->port = disk->port;
  assert_check (self, PARTS ("nic.nic1.port", "disk.disk0"));
  second->port = LODGE_DESCRIPTION_PORTS;
  assert_check (self, PARTS ("nic.nic1.port", "4 to 15"));
  second->port = 3;
  assert_check (self, PARTS ("nic.nic1.port", "4 to 15"));
  second->port = port;

  replace (&second->mac, nic->mac);
  assert_check (self, PARTS ("nic.nic1.mac", nic->mac, "nic.nic0"));
  replace (&second->mac, mac);

  disk->port = 1;
  assert_check (self, PARTS ("disk.disk0.port", "4 to 15"));
  disk->bus = LODGE_DISK_BUS_SATA;
  g_assert_true (lodge_description_check (self, &error));
  disk->port = media->port;
  assert_check (self, PARTS ("media.cd0.port", "disk.disk0"));
  disk->port = 6;
  assert_check (self, PARTS ("disk.disk0.port", "0 to 5"));
  disk->port = 1;

  replace (&media->id, "disk0");
  assert_check (self, PARTS ("[disk.disk0]", "[media.disk0]"));
  replace (&media->id, "cd 0");
  assert_check (self, PARTS ("media.cd 0"));
  replace (&media->id, "a23456789012345678901234x");
  assert_check (self, PARTS ("24"));
  replace (&media->id, "a2345678901234567890123x");
  g_assert_true (lodge_description_check (self, &error));
  g_assert_no_error (error);

  disk->bus = 7;
  assert_check (self, PARTS ("disk.disk0.bus", "virtio or sata"));
  disk->bus = LODGE_DISK_BUS_SATA;
  self->cpus = 0;
  assert_check (self, PARTS ("machine.cpus", "1 to 255"));
  self->cpus = 1;
  self->video_memory_mib = G_MAXUINT64;
  assert_check (self, PARTS ("display.video-memory", "1M to 512M"));
}

static void
test_names (void)
{
  g_autofree char *longest = g_strnfill (64, 'x');
  g_autofree char *too_long = g_strnfill (65, 'x');
  g_autofree char *far_too_long = g_strnfill (300, 'x');
  g_autoptr (GString) wide = g_string_new (NULL);
  const char *good[] = {"web", "Debian 12", "a",     "Größe", "…",
                        "-x",  ".hidden",   longest, NULL,    NULL};
  const char *bad[] = {
      "",
      ".",
      "..",
      "a/b",
      "/",
      " a",
      "a ",
      "a\nb",
      "a\tb",
      "\x7f",
      "a\xc2\x85",
      "\xff",
      "a\xe2\x80\xae"
      "b",
      "\xe2\x80\xa8x",
      "\xc2\xa0"
      "a",
      "3a1c2a42-5f0d-4e0f-8a53-0d3f5b1b6a11",
      "3A1C2A42-5F0D-4E0F-8A53-0D3F5B1B6A11",
      too_long,
      far_too_long,
  };

  for (guint i = 0; i < 64; i++)
    g_string_append (wide, "ö");
  good[8] = wide->str;
  for (guint i = 0; good[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;

    g_assert_true (lodge_name_check (good[i], &error));
    g_assert_no_error (error);
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (lodge_name_check (bad[i], &error));
    assert_refused (error, LODGE_ERROR_INVALID, PARTS ("name"));
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    g_assert_cmpuint (strlen (error->message), <, 400);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/description/defaults", test_defaults);
  g_test_add_func ("/description/devices", test_devices);
  g_test_add_func ("/description/ports-run-out", test_ports_run_out);
  g_test_add_func ("/description/copy", test_copy);
  g_test_add_func ("/description/every-key", test_every_key);
  g_test_add_func ("/description/list-order", test_list_order);
  g_test_add_func ("/description/set", test_set);
  g_test_add_func ("/description/set-refused", test_set_refused);
  g_test_add_func ("/description/set-takes-along", test_set_takes_along);
  g_test_add_func ("/description/check-layers", test_check_layers);
  g_test_add_func ("/description/detached", test_detached);
  g_test_add_func ("/description/check-paths", test_check_paths);
  g_test_add_func ("/description/check-devices", test_check_devices);
  g_test_add_func ("/description/names", test_names);
  return g_test_run ();
}
