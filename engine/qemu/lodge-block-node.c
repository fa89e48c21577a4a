/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's block nodes for an image, and a disk's device. */
#include "qemu/lodge-block-node.h"

#include "qemu/lodge-machine-command.h"

#include <string.h>

static JsonObject *
new_node (const char *driver, const char *name)
{
  JsonObject *node = json_object_new ();

  json_object_set_string_member (node, "driver", driver);
  json_object_set_string_member (node, "node-name", name);
  return node;
}

JsonObject *
lodge_block_node_new_file (const LodgeBlockImage *image)
{
  g_autofree char *name = g_strconcat (image->name, "-file", NULL);
  JsonObject *node = new_node (image->device ? "host_device" : "file", name);

  json_object_set_string_member (node, "filename", image->path);
  json_object_set_boolean_member (node, "read-only", !image->written);
  if (image->disk) {
    JsonObject *cache = json_object_new ();

    json_object_set_string_member (node, "aio", image->io_uring ? "io_uring" : "threads");
    json_object_set_boolean_member (cache, "direct", FALSE);
    json_object_set_object_member (node, "cache", cache);
    if (image->written)
      json_object_set_string_member (node, "discard", "unmap");
  }
  return node;
}

JsonObject *
lodge_block_node_new_format (const LodgeBlockImage *image)
{
  g_autofree char *file = g_strconcat (image->name, "-file", NULL);
  JsonObject *node = new_node (image->format, image->name);

  json_object_set_string_member (node, "file", file);
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
  return node;
}

char *
lodge_block_dup_iothread (const LodgeDisk *disk)
{
  return g_strconcat (disk->id, "-io", NULL);
}

const char *
lodge_block_get_driver (const LodgeDisk *disk)
{
  return disk->bus == LODGE_DISK_BUS_SATA ? "ide-hd" : "virtio-blk-pci";
}

static void
take (GStrvBuilder *list, const char *name, char *value)
{
  g_autofree char *owned = value;

  g_strv_builder_add_many (list, name, owned, NULL);
}

char **
lodge_block_list_properties (const LodgeDisk *disk, guint boot_index)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  const gboolean sata = disk->bus == LODGE_DISK_BUS_SATA;

  g_strv_builder_add_many (list, "id", disk->id, "drive", disk->top, NULL);
  take (list, "bus", g_strdup_printf (sata ? "ide.%u" : "rp%u", disk->port));
  if (!sata) {
    g_strv_builder_add_many (list, "addr", "00.0", NULL);
    take (list, "iothread", lodge_block_dup_iothread (disk));
  }
  if (boot_index > 0)
    take (list, "bootindex", g_strdup_printf ("%u", boot_index));
  g_strv_builder_add_many (list, "serial", disk->id, NULL);
  if (sata)
    g_strv_builder_add_many (list, "rotation_rate", "1", NULL);
  g_strv_builder_add_many (list, "werror", "stop", "rerror", "stop", NULL);
  return g_strv_builder_end (list);
}

LodgeBlockImage
lodge_block_get_stick_image (const LodgeStick *stick, const char *path)
{
  return (LodgeBlockImage){.name = stick->id, .path = path, .format = "raw"};
}

char **
lodge_block_list_stick_properties (const LodgeStick *stick, guint boot_index)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();

  g_strv_builder_add_many (list, "id", stick->id, "drive", stick->id, "bus", "usb.0", NULL);
  take (list, "port", g_strdup_printf ("%u", stick->port));
  g_strv_builder_add_many (list, "removable", "on", NULL);
  if (boot_index > 0)
    take (list, "bootindex", g_strdup_printf ("%u", boot_index));
  g_strv_builder_add_many (list, "serial", stick->id, NULL);
  return g_strv_builder_end (list);
}
