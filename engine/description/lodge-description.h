/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The typed description of one machine: what machine.ini says, in C.
 *
 * A description is a plain value. Whoever wants to change one copies it, changes the copy, and
 * gives it to the store; nobody changes a description that somebody else holds.
 */
#pragma once

#include "lodge-firmware.h"
#include "lodge-size.h"

#include <glib.h>

G_BEGIN_DECLS

/* The version of machine.ini that this build writes. */
#define LODGE_DESCRIPTION_VERSION 1

typedef enum {
  LODGE_DISK_BUS_VIRTIO,
  LODGE_DISK_BUS_SATA,
} LodgeDiskBus;

typedef enum {
  LODGE_NIC_MODEL_VIRTIO,
  LODGE_NIC_MODEL_E1000E,
} LodgeNicModel;

typedef enum {
  LODGE_DISPLAY_VIRTIO,
  LODGE_DISPLAY_QXL,
  LODGE_DISPLAY_VGA,
} LodgeDisplayModel;

/* How a console window shows the guest's picture. */
typedef enum {
  LODGE_DISPLAY_SCALING_RESIZE_GUEST,
  LODGE_DISPLAY_SCALING_SCALE,
  LODGE_DISPLAY_SCALING_ONE_TO_ONE,
} LodgeDisplayScaling;

/* What becomes of a guest that runs when its user's session ends. */
typedef enum {
  LODGE_SESSION_END_SHUT_DOWN,
  LODGE_SESSION_END_SUSPEND,
} LodgeSessionEnd;

/* When Lodge takes a snapshot by itself. */
typedef enum {
  LODGE_SCHEDULE_OFF,
  LODGE_SCHEDULE_HOURLY, /* every so many hours */
  LODGE_SCHEDULE_DAILY,
  LODGE_SCHEDULE_WEEKLY,
} LodgeSchedule;

typedef enum {
  LODGE_CLIPBOARD_OFF,
  LODGE_CLIPBOARD_TO_GUEST,
  LODGE_CLIPBOARD_TO_HOST,
  LODGE_CLIPBOARD_BOTH,
} LodgeClipboardSharing;

/* How a folder of this computer comes into the guest. */
typedef enum {
  LODGE_FOLDER_METHOD_WEBDAV,
  LODGE_FOLDER_METHOD_VIRTIOFS,
} LodgeFolderMethod;

/* [layer.ID]: one image file of a disk's chain. Only a disk's top layer is ever written to. */
typedef struct {
  char *id;
  char *file;         /* relative to the machine's folder; absolute for one used where it is */
  char *format;       /* qcow2 or raw; never probed again */
  guint64 size_bytes; /* what the guest sees */
  char *host_disk;    /* what tells this computer's disk in file from another; "": an image */
  char *below;        /* id of the layer this one stands on, or NULL */
  gboolean merge;     /* no snapshot needs it by itself any more */
} LodgeLayer;

/* [snapshot.ID]: a state that the machine was in. What else belongs to it is in the folder
 * snapshots/ID of the machine's. */
typedef struct {
  char *id;
  char *name;         /* a label */
  char *text;         /* what the user wrote about it, "" for nothing */
  gint64 created_s;   /* since 1970 */
  char *parent;       /* id of the snapshot that it goes on from, or NULL */
  char **layers;      /* ids of the frozen layers, one for each disk; never NULL */
  gboolean memory;    /* of a guest that ran; it goes on from there */
  gboolean automatic; /* Lodge has taken it by itself */
  gboolean scheduled; /* when it was time for that; it is deleted by itself, too */
} LodgeSnapshot;

/* [disk.ID]: a disk of the guest. Node and device names are made from the id. */
typedef struct {
  char *id;
  LodgeDiskBus bus;
  guint port; /* root port (virtio) or SATA port: never changes, the guest knows it by it */
  char *top;  /* id of the writable layer */
  /* The guest has it. One that is detached keeps its layers, its port and its place among the
   * others; snapshots and clones have it as any other, and QEMU knows nothing of it. */
  gboolean attached;
} LodgeDisk;

/* [nic.ID] */
typedef struct {
  char *id;
  char *mac; /* aa:bb:cc:dd:ee:ff */
  LodgeNicModel model;
  guint port;         /* root port */
  gboolean connected; /* its cable is plugged in */
  char **forwards;    /* PROTO:[ADDRESS:]HOSTPORT:GUESTPORT; never NULL */
} LodgeNic;

/* [media.ID]: a drive for removable images, with what is in it. */
typedef struct {
  char *id;
  guint port; /* SATA port */
  char *file; /* absolute, or NULL when the drive is empty */
} LodgeMedia;

/* [stick.ID]: a USB stick that is plugged in, made of an image, which the guest can only read. */
typedef struct {
  char *id;
  guint port; /* USB port */
  char *file; /* absolute */
} LodgeStick;

typedef struct {
  /* [machine] */
  char *uuid;
  char *name;
  char *os;           /* libosinfo short id, "" unknown */
  char *machine_type; /* versioned ("pc-q35-7.2"), "" until the first start records it */
  char *cpu_model;    /* resolved model, "" until the first start records it */
  guint cpus;
  guint memory_mib;
  char *vmgenid;  /* UUID */
  char *snapshot; /* id of the snapshot that the present goes on from, or NULL */
  /* The folder in "snapshots" with the memory that the guest goes on from, or NULL. */
  char *suspended;
  LodgeSessionEnd session_end;
  gboolean encrypted;   /* every layer, the firmware's variables, the TPM's state, memory */
  gboolean is_template; /* others are made from it, and it does not change */

  /* [firmware] */
  LodgeFirmwareKind firmware;
  char *firmware_code;   /* image file, "" until the first start records it */
  char *firmware_format; /* of firmware_code */
  char *nvram;           /* qcow2 file in the machine's folder, "" for BIOS */

  /* [tpm] */
  gboolean tpm;
  char *tpm_state; /* its folder in the machine's */

  /* [boot] */
  char *kernel; /* direct kernel boot: absolute, "" for none */
  char *initrd;
  char *append;
  gboolean kernel_once; /* dropped when the guest resets or powers off with a bootable disk */

  /* [display] */
  LodgeDisplayModel display;
  guint64 video_memory_mib; /* for qxl and vga */
  guint monitors;           /* of a virtio card */
  gboolean accelerated;     /* 3D, of a virtio card: where this computer can */
  char *render_node;        /* of the card of this computer that draws it; "": one that works */
  LodgeDisplayScaling scaling;
  gboolean whole_multiples;
  gboolean side_by_side; /* further monitors, in the console window */

  /* [sharing] */
  LodgeClipboardSharing share_clipboard;
  gboolean share_files;     /* dropped on the console or pasted there, into the guest */
  gboolean share_files_out; /* of the guest, where the user asks for one */
  gboolean microphone;
  char *share_folder; /* absolute, "" for none */
  gboolean share_folder_writable;
  LodgeFolderMethod folder_method;

  /* [snapshots] */
  LodgeSchedule schedule;
  guint schedule_hours;      /* between two, where that is hourly */
  gboolean schedule_running; /* also of a guest that runs, with its memory */
  guint keep_last;           /* of the scheduled ones; 0: all */
  guint keep_days;           /* 0: for ever */
  gint64 scheduled_s;        /* when the last was taken, since 1970; 0: none yet */

  /* [terminal] */
  gboolean qemu_monitor; /* QEMU's own console is served */

  GPtrArray *layers;    /* of LodgeLayer */
  GPtrArray *disks;     /* of LodgeDisk, in boot order */
  GPtrArray *nics;      /* of LodgeNic */
  GPtrArray *media;     /* of LodgeMedia, after the disks in boot order */
  GPtrArray *sticks;    /* of LodgeStick, after the media in boot order */
  GPtrArray *snapshots; /* of LodgeSnapshot, in the order of their making */
} LodgeDescription;

/* Root ports that a description may use (0 to LODGE_DESCRIPTION_PORTS - 1). Machines are given all
 * of them from the start, so that a device plugged in later never moves another. */
#define LODGE_DESCRIPTION_PORTS 16
/* The first ports are taken by fixed devices; disks and NICs use the others. */
#define LODGE_DESCRIPTION_FIRST_FREE_PORT 4
/* q35's AHCI controller has six ports (QEMU, hw/i386/pc_q35.c: MAX_SATA_PORTS). */
#define LODGE_DESCRIPTION_SATA_PORTS 6

/* USB ports of sticks: the last of the fifteen that the controller has, since what is lent to a
 * guest later begins at the first. */
#define LODGE_DESCRIPTION_FIRST_STICK_PORT 12
#define LODGE_DESCRIPTION_USB_PORTS        16

/* What a console shows; virtio-gpu has up to 16. */
#define LODGE_DESCRIPTION_MONITORS 4

/* A new value with new UUIDs, no devices and every default. */
LodgeDescription *lodge_description_new (const char *name);
LodgeDescription *lodge_description_copy (const LodgeDescription *self);
void lodge_description_free (LodgeDescription *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LodgeDescription, lodge_description_free)

/* Adding a device chooses a free id ("disk0", "disk0-l0", "nic0", "cd0", "usb0") and port. Lent
 * back. %NULL with %LODGE_ERROR_INVALID when no port is free. */
LodgeDisk *lodge_description_add_disk (LodgeDescription *self,
                                       LodgeDiskBus bus,
                                       const char *file,
                                       const char *format,
                                       guint64 size_bytes,
                                       GError **error);
/* @disk: a virtio disk of @self. It keeps its port where that is free in @other, too, or else gets
 * one that is. %LODGE_ERROR_INVALID. */
gboolean lodge_description_move_disk (LodgeDescription *self,
                                      LodgeDisk *disk,
                                      const LodgeDescription *other,
                                      GError **error);
LodgeNic *lodge_description_add_nic (LodgeDescription *self, LodgeNicModel model, GError **error);
LodgeMedia *lodge_description_add_media (LodgeDescription *self, const char *file, GError **error);
LodgeStick *lodge_description_add_stick (LodgeDescription *self, const char *file, GError **error);
/* @id: of one that is there */
void lodge_description_remove_stick (LodgeDescription *self, const char *id);

/* An address that none of its cards has. Transfer full. */
char *lodge_description_dup_free_mac (const LodgeDescription *self);

/* The disk that the guest starts from, which is the first that it has, or %NULL. Lent. */
const LodgeDisk *lodge_description_get_boot_disk (const LodgeDescription *self);

/* The first disk of this computer that it has as a whole, or %NULL. Lent. */
const LodgeLayer *lodge_description_find_host_disk (const LodgeDescription *self);

/* Lent, or %NULL. */
LodgeLayer *lodge_description_get_layer (const LodgeDescription *self, const char *id);
/* Whether a disk writes to that layer. */
gboolean lodge_description_is_top (const LodgeDescription *self, const char *layer);
LodgeMedia *lodge_description_get_media (const LodgeDescription *self, const char *id);
LodgeNic *lodge_description_get_nic (const LodgeDescription *self, const char *id);
LodgeStick *lodge_description_get_stick (const LodgeDescription *self, const char *id);

/**
 * lodge_description_check:
 *
 * Whether the whole makes sense: names, ranges, every reference to a layer, no two devices on one
 * port, no loop in a chain, relative paths that stay in the folder.
 *
 * Errors: %LODGE_ERROR_INVALID with the key and value named.
 */
gboolean lodge_description_check (const LodgeDescription *self, GError **error);

/**
 * lodge_description_set:
 * @name: "section.key", "machine.memory", "nic.nic0.mac"
 * @text: as in machine.ini; "" takes the default again
 *
 * Changes one value by its name, with the same rules as reading machine.ini.
 *
 * Errors: %LODGE_ERROR_NOT_FOUND for an unknown key (the message lists those of the section),
 * %LODGE_ERROR_INVALID for a value that is not allowed or a key that is never changed (UUID,
 * ports).
 */
gboolean
lodge_description_set (LodgeDescription *self, const char *name, const char *text, GError **error);

/* Every key and its text, in the order of machine.ini: alternating in one array of strings.
 * Returns: (transfer full) (element-type utf8): key, value, key, value, ... */
GPtrArray *lodge_description_list (const LodgeDescription *self);

/* At most so many characters are kept about a snapshot. */
#define LODGE_SNAPSHOT_TEXT_LENGTH 1000

/* A name is 1 to 64 characters of UTF-8, with no control characters, no '/', not "." or "..", no
 * white space at the ends, and is not a UUID. %LODGE_ERROR_INVALID. */
gboolean lodge_name_check (const char *name, GError **error);
/* The same for a snapshot's. */
gboolean lodge_snapshot_name_check (const char *name, GError **error);

G_END_DECLS
