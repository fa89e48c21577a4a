/* SPDX-License-Identifier: GPL-3.0-or-later */
/* QEMU's block nodes for an image, and a disk's device on top of them: the same words on a command
 * line as over QMP, so that a disk that is plugged in while its guest runs is no other than one
 * that was there at the start. */
#pragma once

#include "description/lodge-description.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A file and what is in it: the nodes NAME-file and NAME. */
typedef struct {
  const char *name;
  const char *path; /* also "/dev/fdset/N" */
  const char *format;
  const char *below; /* the node it stands on, or NULL */
  gboolean written;
  gboolean disk; /* of a disk: fast input and output, and freed blocks are given back */
  gboolean encrypted;
  gboolean io_uring; /* of a disk: a trial open worked */
  gboolean device;   /* a disk of this computer, as a whole */
} LodgeBlockImage;

/* As blockdev-add takes them, the file's first. Transfer full. */
JsonObject *lodge_block_node_new_file (const LodgeBlockImage *image);
JsonObject *lodge_block_node_new_format (const LodgeBlockImage *image);

/* The object that a virtio disk has its thread from. Transfer full. */
char *lodge_block_dup_iothread (const LodgeDisk *disk);
/* What a disk's device is called by QEMU. */
const char *lodge_block_get_driver (const LodgeDisk *disk);
/* Its properties: name, value, ..., %NULL, all of them strings. Transfer full.
 * @boot_index: 0: behind all that have one */
char **lodge_block_list_properties (const LodgeDisk *disk, guint boot_index);

/* What a stick's device is called by QEMU. */
#define LODGE_BLOCK_STICK_DRIVER "usb-storage"
/* @path: of its file, also "/dev/fdset/N"; lent, as @stick is. */
LodgeBlockImage lodge_block_get_stick_image (const LodgeStick *stick, const char *path);
/* As lodge_block_list_properties(). */
char **lodge_block_list_stick_properties (const LodgeStick *stick, guint boot_index);

G_END_DECLS
