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

static JsonObject *
new_node (const char *driver, const char *name)
{
  JsonObject *node = json_object_new ();

  json_object_set_string_member (node, "driver", driver);
  json_object_set_string_member (node, "node-name", name);
  return node;
}

/* A file and what is in it: the nodes NAME-file and NAME. */
typedef struct {
  const char *name;
  const char *path;
  const char *format;
  const char *below; /* the node it stands on, or NULL */
  gboolean written;
  gboolean disk; /* of a disk: fast input and output, and freed blocks are given back */
  gboolean encrypted;
  const char *file_reason;
  const char *format_reason;
} Image;

static void
add_image (LodgeMachineCommandBuild *self, const Image *image)
{
  g_autofree char *file_name = g_strconcat (image->name, "-file", NULL);
  JsonObject *node = new_node ("file", file_name);

  json_object_set_string_member (node, "filename", image->path);
  json_object_set_boolean_member (node, "read-only", !image->written);
  if (image->disk) {
    JsonObject *cache = json_object_new ();

    json_object_set_string_member (node, "aio", self->host->io_uring ? "io_uring" : "threads");
    json_object_set_boolean_member (cache, "direct", FALSE);
    json_object_set_object_member (node, "cache", cache);
    if (image->written)
      json_object_set_string_member (node, "discard", "unmap");
  }
  add_node (self, image->file_reason, node);

  node = new_node (image->format, image->name);
  json_object_set_string_member (node, "file", file_name);
  json_object_set_boolean_member (node, "read-only", !image->written);
  if (image->encrypted) {
    JsonObject *encrypt = json_object_new ();

    json_object_set_string_member (encrypt, "format", "luks");
    json_object_set_string_member (encrypt, "key-secret", LODGE_MACHINE_COMMAND_KEY);
    json_object_set_object_member (node, "encrypt", encrypt);
  }
  if (image->below != NULL)
    json_object_set_string_member (node, "backing", image->below);
  else if (strcmp (image->format, "qcow2") == 0)
    json_object_set_null_member (node, "backing");
  if (image->disk && image->written) {
    json_object_set_string_member (node, "discard", "unmap");
    json_object_set_string_member (node, "detect-zeroes", "unmap");
  }
  add_node (self, image->format_reason, node);

  lodge_command_bind (self->command,
                      image->written ? LODGE_COMMAND_BIND_READ_WRITE : LODGE_COMMAND_BIND_READ_ONLY,
                      image->path);
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
  add_image (
      self,
      &(Image){
          .name = LODGE_MACHINE_COMMAND_FIRMWARE_NODE,
          .path = description->firmware_code,
          .format = description->firmware_format[0] != '\0' ? description->firmware_format : "raw",
          .file_reason = _ ("The UEFI firmware of this computer's packages."),
          .format_reason = _ ("Flash memory with the firmware; the guest cannot change it."),
      });
  add_image (self,
             &(Image){
                 .name = LODGE_MACHINE_COMMAND_NVRAM_NODE,
                 .path = nvram,
                 .format = "qcow2",
                 .written = TRUE,
                 .encrypted = description->encrypted,
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
    path = lodge_machine_command_dup_path (self->host, layer->file);
    add_image (
        self,
        &(Image){
            .name = layer->id,
            .path = path,
            .format = layer->format,
            .below = layer->below,
            .written = top,
            .disk = TRUE,
            .encrypted = self->description->encrypted,
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

static void
add_disk (LodgeMachineCommandBuild *self, const LodgeDisk *disk, guint boot_index)
{
  if (disk->bus == LODGE_DISK_BUS_SATA) {
    lodge_command_addf (
        self->command,
        _ ("A SATA disk, which every system knows; a full disk on the host pauses the guest "
           "instead of failing its writes."),
        "-device",
        "ide-hd,id=%s,drive=%s,bus=ide.%u,bootindex=%u,serial=%s,rotation_rate=1,werror=stop,"
        "rerror=stop",
        disk->id, disk->top, disk->port, boot_index, disk->id);
    return;
  }

  lodge_command_addf (self->command,
                      _ ("A thread of its own for the disk, so that it never waits for the rest of "
                         "the machine."),
                      "-object", "iothread,id=%s-io", disk->id);
  lodge_command_addf (
      self->command,
      _ ("A virtio disk in its own port; a full disk on the host pauses the guest instead of "
         "failing its writes."),
      "-device",
      "virtio-blk-pci,id=%s,drive=%s,bus=rp%u,addr=00.0,iothread=%s-io,bootindex=%u,serial=%s,"
      "werror=stop,rerror=stop",
      disk->id, disk->top, disk->port, disk->id, boot_index, disk->id);
}

void
lodge_machine_command_add_disks (LodgeMachineCommandBuild *self)
{
  g_autoptr (GHashTable) added = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->description->disks->len; i++) {
    const LodgeDisk *disk = self->description->disks->pdata[i];

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
                         .name = media->id,
                         .path = media->file,
                         .format = "raw",
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
