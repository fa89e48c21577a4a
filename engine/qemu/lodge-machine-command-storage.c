/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware, disks and drives: the graph of block nodes, and the devices on top of it.
 *
 * Nodes are described in JSON because "no backing file" is null there and can be said in no other
 * way; without it QEMU would believe what an image's header says about another file.
 *
 *   device disk0 --> disk0-l1 (qcow2, written)  --> disk0-l1-file
 *                      | backing
 *                      v
 *                    disk0-l0 (qcow2, read-only) --> disk0-l0-file
 */
#include "qemu/lodge-block-node.h"
#include "qemu/lodge-machine-command-private.h"

#include <glib/gi18n-lib.h>
#include <json-glib/json-glib.h>
#include <string.h>

/* Takes @node. */
static void
add_node (LodgeMachineCommandBuild *self, const char *reason, JsonObject *node)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *text = NULL;

  json_node_take_object (root, node);
  text = json_to_string (root, FALSE);
  lodge_command_add (self->command, reason, "-blockdev", text);
}

/* With why its nodes are there. */
typedef struct {
  LodgeBlockImage node;
  const char *file_reason;
  const char *format_reason;
} Image;

static void
add_image (LodgeMachineCommandBuild *self, const Image *image)
{
  add_node (self, image->file_reason, lodge_block_node_new_file (&image->node));
  add_node (self, image->format_reason, lodge_block_node_new_format (&image->node));
  if (image->node.device)
    return;
  lodge_command_bind (self->command,
                      image->node.written ? LODGE_COMMAND_BIND_READ_WRITE
                                          : LODGE_COMMAND_BIND_READ_ONLY,
                      image->node.path);
}

void
lodge_machine_command_add_key (LodgeMachineCommandBuild *self)
{
  if (!self->description->encrypted)
    return;
  lodge_command_addf (self->command,
                      _ ("What opens the machine's encrypted images; the engine hands it over in a "
                         "pipe, so that it is in no file and on no command line."),
                      "-object", "secret,id=" LODGE_MACHINE_COMMAND_KEY ",file=/proc/self/fd/%d",
                      lodge_command_take_fd (self->command, self->host->key_fd));
}

void
lodge_machine_command_add_firmware (LodgeMachineCommandBuild *self)
{
  const LodgeDescription *description = self->description;
  g_autofree char *nvram = NULL;

  if (description->firmware == LODGE_FIRMWARE_BIOS)
    return;

  nvram = lodge_machine_command_dup_path (self->host, description->nvram);
  add_image (self,
             &(Image){
                 .node.name = LODGE_MACHINE_COMMAND_FIRMWARE_NODE,
                 .node.path = description->firmware_code,
                 .node.format =
                     description->firmware_format[0] != '\0' ? description->firmware_format : "raw",
                 .file_reason = _ ("The UEFI firmware of this computer's packages."),
                 .format_reason = _ ("Flash memory with the firmware; the guest cannot change it."),
             });
  add_image (self,
             &(Image){
                 .node.name = LODGE_MACHINE_COMMAND_NVRAM_NODE,
                 .node.path = nvram,
                 .node.format = "qcow2",
                 .node.written = TRUE,
                 .node.encrypted = description->encrypted,
                 .file_reason = _ ("This machine's own firmware variables."),
                 .format_reason =
                     _ ("Flash memory with boot entries and keys; as qcow2, since a snapshot of a "
                        "running machine is refused while a writable raw image is attached."),
             });
  if (description->firmware == LODGE_FIRMWARE_UEFI_SECURE)
    lodge_command_add (self->command,
                       _ ("Only code in System Management Mode may write the variables, else a "
                          "guest could enrol its own Secure Boot keys."),
                       "-global", "driver=cfi.pflash01,property=secure,value=on");
}

/* What QEMU finds the disk of this computer under that is @layer. Transfer full. */
static char *
add_host_disk (LodgeMachineCommandBuild *self, const LodgeLayer *layer)
{
  for (guint i = 0; i < self->host->n_host_disks; i++) {
    const LodgeMachineCommandHostDisk *disk = &self->host->host_disks[i];

    if (strcmp (disk->layer, layer->id) != 0)
      continue;
    lodge_command_addf (self->command,
                        _ ("A disk of this computer, opened by the engine: while it is open nobody "
                           "else can mount it."),
                        "-add-fd", "fd=%d,set=%u", lodge_command_take_fd (self->command, disk->fd),
                        i + 1);
    return g_strdup_printf ("/dev/fdset/%u", i + 1);
  }
  return g_strdup (layer->file);
}

/* The chain from the lowest layer up: a node must exist before another can name it. Disks may stand
 * on the same frozen layer; its nodes are @added once. */
static void
add_layers (LodgeMachineCommandBuild *self, const LodgeDisk *disk, GHashTable *added)
{
  g_autoptr (GPtrArray) chain = g_ptr_array_new ();
  const LodgeLayer *layer = lodge_description_get_layer (self->description, disk->top);

  while (layer != NULL) {
    g_ptr_array_insert (chain, 0, (gpointer) layer);
    layer =
        layer->below != NULL ? lodge_description_get_layer (self->description, layer->below) : NULL;
  }

  for (guint i = 0; i < chain->len; i++) {
    g_autofree char *path = NULL;
    gboolean top = i + 1 == chain->len;

    layer = chain->pdata[i];
    if (!g_hash_table_add (added, layer->id))
      continue;
    path = layer->host_disk[0] != '\0' ? add_host_disk (self, layer)
                                       : lodge_machine_command_dup_path (self->host, layer->file);
    add_image (
        self,
        &(Image){
            .node.name = layer->id,
            .node.path = path,
            .node.format = layer->format,
            .node.below = layer->below,
            .node.written = top,
            .node.disk = TRUE,
            .node.device = layer->host_disk[0] != '\0',
            .node.io_uring = self->host->io_uring,
            .node.encrypted = self->description->encrypted,
            .file_reason = top ? _ ("The file that the guest's writes go to.")
                               : _ ("A frozen layer: it is opened read-only, so nothing that the "
                                    "guest does can change it."),
            .format_reason =
                top ? _ ("The disk's top layer, in the recorded format and on the recorded layer, "
                         "never as the image itself says; freed and zeroed blocks are given back.")
                    : _ ("The frozen layer's contents, in the recorded format."),
        });
  }
}

/* @properties: name, value, ..., NULL */
static void
add_device (LodgeMachineCommandBuild *self,
            const char *reason,
            const char *driver,
            char **properties)
{
  g_autoptr (GString) device = g_string_new (driver);

  for (guint i = 0; properties[i] != NULL; i += 2)
    g_string_append_printf (device, ",%s=%s", properties[i], properties[i + 1]);
  lodge_command_add (self->command, reason, "-device", device->str);
}

static void
add_disk (LodgeMachineCommandBuild *self, const LodgeDisk *disk, guint boot_index)
{
  g_auto (GStrv) properties = lodge_block_list_properties (disk, boot_index);
  g_autofree char *iothread = lodge_block_dup_iothread (disk);

  if (disk->bus == LODGE_DISK_BUS_SATA) {
    add_device (
        self,
        _ ("A SATA disk, which every system knows; a full disk on the host pauses the guest "
           "instead of failing its writes."),
        lodge_block_get_driver (disk), properties);
    return;
  }

  lodge_command_addf (self->command,
                      _ ("A thread of its own for the disk, so that it never waits for the rest of "
                         "the machine."),
                      "-object", "iothread,id=%s", iothread);
  add_device (
      self,
      _ ("A virtio disk in its own port; a full disk on the host pauses the guest instead of "
         "failing its writes."),
      lodge_block_get_driver (disk), properties);
}

void
lodge_machine_command_add_disks (LodgeMachineCommandBuild *self)
{
  g_autoptr (GHashTable) added = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->description->disks->len; i++) {
    const LodgeDisk *disk = self->description->disks->pdata[i];

    if (!disk->attached)
      continue;
    add_layers (self, disk, added);
    add_disk (self, disk, i + 1);
  }
}

void
lodge_machine_command_add_media (LodgeMachineCommandBuild *self)
{
  for (guint i = 0; i < self->description->media->len; i++) {
    const LodgeMedia *media = self->description->media->pdata[i];
    guint boot_index = self->description->disks->len + i + 1;

    if (media->file == NULL) {
      lodge_command_addf (self->command, _ ("An empty CD drive."), "-device",
                          "ide-cd,id=%s,bus=ide.%u,bootindex=%u", media->id, media->port,
                          boot_index);
      continue;
    }
    add_image (self, &(Image){
                         .node.name = media->id,
                         .node.path = media->file,
                         .node.format = "raw",
                         .file_reason = _ ("The image in the drive, read-only."),
                         .format_reason = _ ("Its contents, never taken for another format."),
                     });
    lodge_command_addf (self->command,
                        _ ("A CD drive; it boots after the disks, so that an installed system is "
                           "not installed again."),
                        "-device", "ide-cd,id=%s,drive=%s,bus=ide.%u,bootindex=%u", media->id,
                        media->id, media->port, boot_index);
  }
}

void
lodge_machine_command_add_sticks (LodgeMachineCommandBuild *self)
{
  const guint first = self->description->disks->len + self->description->media->len + 1;

  for (guint i = 0; i < self->description->sticks->len; i++) {
    const LodgeStick *stick = self->description->sticks->pdata[i];
    g_auto (GStrv) properties = lodge_block_list_stick_properties (stick, first + i);

    add_image (self, &(Image){
                         .node = lodge_block_get_stick_image (stick, stick->file),
                         .file_reason = _ ("The image that a USB stick is made of, read-only."),
                         .format_reason = _ ("Its contents, never taken for another format."),
                     });
    add_device (self, _ ("A USB stick, which can be unplugged while the guest runs."),
                LODGE_BLOCK_STICK_DRIVER, properties);
  }
}
